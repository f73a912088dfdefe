/**
 * Data whose bytes follow from the final layout of the text: which pc traps how, where calls are in the wasm file, which function holds
 * a pc, and images of function references. Pure functions; the compiler calls them when every function has its place.
 *
 * A location with `LOC_INLINED` set is the number of a row of the table of inlined code, which has a header too and rows of three u32: a function
 * (a row of `functions`), the byte offset in the wasm file, and the location of the call that the code replaces, which may be such a row again.
 *
 * Tables share one form, which support code searches (`raise.ts`, `text.ts`): a header of 16 bytes whose first u32 is the number n of
 * rows; n ascending keys (u32); then further columns of n each.
 *
 * | table | key | columns |
 * |---|---|---|
 * | traps | pc from the text's base: of the faulting instruction, or the return address of the call of `raise` | location in the wasm file (u32), trap code (u8) |
 * | calls | return address from the text's base | location in the wasm file (u32) |
 * | catches | return address of a call that an exception can come back to, from the text's base | |
 * | functions | start from the text's base | offset of its name (u32, from the table's start); the names follow, NUL-terminated |
 */

import { ByteWriter } from "../base/bytes.ts";
import { U32Column, U8Column } from "../base/columns.ts";
import { InternalError } from "../base/diagnostics.ts";
import { type CompiledFunction, type InlinedPlaces, LOC_INLINED } from "../codegen/compiled.ts";
import type { DataSymbol, FuncSymbol } from "../ir/function.ts";
import { FUNCREF_SIZE } from "../layout/funcref.ts";
import type { Program } from "./program.ts";

/** Where the header ends. */
export const TABLE_HEADER = 16;
/** Displacement of the keys, and bytes per row before the second and the third column (to be multiplied by n). */
export const trapTableKeys = 0;
export const trapTableLocations = 4;
export const trapTableCodes = 8;
/** Bytes of a row of the table of inlined code; its function, location and call. */
export const inlinedTableRow = 12;
export const inlinedTableLocation = 4;
export const inlinedTableCall = 8;

/** The rows of one compiled function. */
export type FunctionRows = InlinedPlaces &
  Pick<CompiledFunction, "trapOffset" | "trapCode" | "trapLoc" | "callOffset" | "callLoc" | "catchOffset">;

/** The text when it is laid out, by `FuncSymbol`; starts ascend. */
export interface TextLayout {
  /** Bytes from the text's base. */
  readonly start: Uint32Array;
  readonly length: Uint32Array;
  readonly rows: TextRows;
}

/**
 * The rows of all functions, in the order of the text, as tables have them: keys count from the text's base, and places in inlined code that
 * rows of traps and calls name are numbered across functions. Columns, because a program has many functions with few rows each.
 */
export class TextRows {
  readonly trapKey = new U32Column();
  readonly trapLoc = new U32Column();
  readonly trapCode = new U8Column();
  readonly callKey = new U32Column();
  readonly callLoc = new U32Column();
  readonly catchKey = new U32Column();
  readonly inlinedFunction = new U32Column();
  readonly inlinedLoc = new U32Column();
  readonly inlinedCall = new U32Column();

  /** Adds the rows of the function that begins at `start`, behind all that were added before. */
  add(start: number, f: FunctionRows): void {
    const places = f.inlinedFunction.length;
    // What places are in tables, or 0.
    const known = places === 0 ? NO_PLACES : new Uint32Array(places);
    for (let i = 0; i < f.trapOffset.length; i++) {
      key(this.trapKey, start + (f.trapOffset[i] ?? 0));
      this.trapLoc.push(this.#location(f, known, f.trapLoc[i] ?? 0));
      this.trapCode.push(f.trapCode[i] ?? 0);
    }
    for (let i = 0; i < f.callOffset.length; i++) {
      key(this.callKey, start + (f.callOffset[i] ?? 0));
      this.callLoc.push(this.#location(f, known, f.callLoc[i] ?? 0));
    }
    for (let i = 0; i < f.catchOffset.length; i++) key(this.catchKey, start + (f.catchOffset[i] ?? 0));
  }

  #location(f: FunctionRows, known: Uint32Array, loc: number): number {
    if (loc < LOC_INLINED) return loc;
    const row = ~loc;
    const before = known[row] ?? 0;
    if (before !== 0) return before;
    const call = this.#location(f, known, f.inlinedCall[row] ?? 0);
    this.inlinedFunction.push(f.inlinedFunction[row] ?? 0);
    this.inlinedCall.push(call);
    const made = LOC_INLINED + this.inlinedLoc.push(f.inlinedLoc[row] ?? 0);
    known[row] = made;
    return made;
  }
}

const NO_PLACES = new Uint32Array();

function key(column: U32Column, value: number): void {
  const { length } = column;
  if (length > 0 && value <= column.get(length - 1)) {
    throw new InternalError("link data", `rows are not ascending at ${value} of the text`);
  }
  column.push(value);
}

function rowTable(...columns: readonly (U32Column | U8Column)[]): Uint8Array {
  const count = columns[0]?.length ?? 0;
  const out = new ByteWriter(TABLE_HEADER + 4 * columns.length * count);
  out.u32(count);
  out.zeros(TABLE_HEADER - 4);
  for (const column of columns) {
    if (column instanceof U8Column) out.bytes(column.view());
    else for (let i = 0; i < count; i++) out.u32(column.get(i));
  }
  return out.toBytes();
}

/** Pc → trap code and location. */
export function trapTableBytes({ rows }: TextLayout): Uint8Array {
  return rowTable(rows.trapKey, rows.trapLoc, rows.trapCode);
}

/** Return address → location. */
export function callTableBytes({ rows }: TextLayout): Uint8Array {
  return rowTable(rows.callKey, rows.callLoc);
}

/** Return addresses that an exception can come back to. */
export function catchTableBytes({ rows }: TextLayout): Uint8Array {
  return rowTable(rows.catchKey);
}

/** Number → place in inlined code. */
export function inlinedTableBytes({ rows }: TextLayout): Uint8Array {
  const { inlinedFunction, inlinedLoc, inlinedCall } = rows;
  const out = new ByteWriter(TABLE_HEADER + inlinedTableRow * inlinedCall.length);
  out.u32(inlinedCall.length);
  out.zeros(TABLE_HEADER - 4);
  for (let i = 0; i < inlinedCall.length; i++) {
    out.u32(inlinedFunction.get(i));
    out.u32(inlinedLoc.get(i));
    out.u32(inlinedCall.get(i));
  }
  return out.toBytes();
}

/** Pc → name. */
export function functionTableBytes(program: Program, layout: TextLayout): Uint8Array {
  const count = program.functions.size;
  const out = new ByteWriter(TABLE_HEADER + 64 * count);
  out.u32(count);
  out.zeros(TABLE_HEADER - 4);
  for (let i = 0; i < count; i++) out.u32(layout.start[i] ?? 0);
  const names = out.length;
  out.zeros(4 * count);
  program.functions.values().forEach(({ name }, i) => {
    out.putU32(names + 4 * i, out.cstring(name));
  });
  return out.toBytes();
}

/** 8 bytes a reference: offset of the code, number of the signature. */
export function funcrefBytes(functions: Int32Array, signatures: Uint32Array, layout: TextLayout): Uint8Array {
  const out = new Uint8Array(FUNCREF_SIZE * functions.length);
  const view = new DataView(out.buffer);
  functions.forEach((symbol, i) => {
    if (symbol < 0) return;
    view.setUint32(FUNCREF_SIZE * i, layout.start[symbol] ?? 0, true);
    view.setUint32(FUNCREF_SIZE * i + 4, signatures[i] ?? 0, true);
  });
  return out;
}

/** The bytes of a data object that is not writable. Throws `InternalError` for one that is. */
export function dataBytes(program: Program, symbol: DataSymbol, layout: TextLayout): Uint8Array {
  const { content, name } = program.data.get(symbol);
  switch (content.kind) {
    case "bytes":
      return content.bytes;
    case "funcrefs":
      return funcrefBytes(content.functions, content.signatures, layout);
    case "traps":
      return trapTableBytes(layout);
    case "calls":
      return callTableBytes(layout);
    case "catches":
      return catchTableBytes(layout);
    case "inlined":
      return inlinedTableBytes(layout);
    case "functions":
      return functionTableBytes(program, layout);
    case "zero":
      throw new InternalError("link data", "writable data has no bytes", name);
  }
}

/** The range of text that holds the entries: `[start, end)` from the text's base. */
export function entryRange(program: Program, layout: TextLayout): { readonly start: number; readonly end: number } {
  const last: number = program.entries.end - 1;
  return {
    start: layout.start[program.entries.first] ?? 0,
    end: (layout.start[last] ?? 0) + (layout.length[last] ?? 0),
  };
}

/** Whether the function has unwind information. */
export function hasUnwindInfo(program: Program, symbol: FuncSymbol): boolean {
  return program.functions.get(symbol).kind.kind !== "restorer";
}
