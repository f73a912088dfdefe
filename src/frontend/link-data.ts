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
import { U32Column } from "../base/columns.ts";
import { InternalError } from "../base/diagnostics.ts";
import { type InlinedPlaces, LOC_INLINED } from "../codegen/compiled.ts";
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

/** The rows of one compiled function: `CompiledFunction` has them. */
export interface FunctionRows extends InlinedPlaces {
  readonly trapOffset: Uint32Array;
  readonly trapCode: Uint8Array;
  readonly trapLoc: Uint32Array;
  readonly callOffset: Uint32Array;
  readonly callLoc: Uint32Array;
  readonly catchOffset: Uint32Array;
}

/** The text when it is laid out, by `FuncSymbol`; starts ascend. */
export interface TextLayout {
  /** Bytes from the text's base. */
  readonly start: Uint32Array;
  readonly length: Uint32Array;
  readonly rows: readonly FunctionRows[];
}

/** Numbers the places in inlined code that rows of traps and calls name, in the order of the text. */
class InlinedTable {
  readonly #function = new U32Column();
  readonly #location = new U32Column();
  readonly #call = new U32Column();
  /** Of each function's places: what they are in tables, or 0. */
  readonly #known = new Map<FunctionRows, Uint32Array>();

  constructor({ rows }: TextLayout) {
    for (const f of rows) {
      if (f.inlinedFunction.length === 0) continue;
      const known = new Uint32Array(f.inlinedFunction.length);
      this.#known.set(f, known);
      for (const loc of f.trapLoc) this.#number(f, known, loc);
      for (const loc of f.callLoc) this.#number(f, known, loc);
    }
  }

  #number(f: FunctionRows, known: Uint32Array, loc: number): number {
    if (loc < LOC_INLINED) return loc;
    const row = ~loc;
    const before = known[row] ?? 0;
    if (before !== 0) return before;
    const call = this.#number(f, known, f.inlinedCall[row] ?? 0);
    this.#function.push(f.inlinedFunction[row] ?? 0);
    this.#call.push(call);
    const made = LOC_INLINED + this.#location.push(f.inlinedLoc[row] ?? 0);
    known[row] = made;
    return made;
  }

  /** A location of the function as it is in tables. */
  location(f: FunctionRows, loc: number): number {
    return loc < LOC_INLINED ? loc : (this.#known.get(f)?.[~loc] ?? 0);
  }

  bytes(): Uint8Array {
    const out = new ByteWriter(TABLE_HEADER + inlinedTableRow * this.#call.length);
    out.u32(this.#call.length);
    out.zeros(TABLE_HEADER - 4);
    for (let i = 0; i < this.#call.length; i++) {
      out.u32(this.#function.get(i));
      out.u32(this.#location.get(i));
      out.u32(this.#call.get(i));
    }
    return out.toBytes();
  }
}

/** One column of rows, from all functions in order: keys are `start` + offset. */
function rowTable(
  layout: TextLayout,
  offsets: (rows: FunctionRows) => Uint32Array,
  locations?: (rows: FunctionRows) => Uint32Array,
  codes?: (rows: FunctionRows) => Uint8Array,
): Uint8Array {
  const inlined = new InlinedTable(layout);
  let count = 0;
  for (const rows of layout.rows) count += offsets(rows).length;
  const width =
    codes !== undefined ? trapTableCodes + 1 : locations !== undefined ? trapTableCodes : trapTableLocations;
  const out = new Uint8Array(TABLE_HEADER + count * width);
  const view = new DataView(out.buffer);
  view.setUint32(0, count, true);
  let row = 0;
  let last = -1;
  layout.rows.forEach((rows, symbol) => {
    const start = layout.start[symbol] ?? 0;
    const location = locations?.(rows);
    const code = codes?.(rows);
    offsets(rows).forEach((offset, i) => {
      const key = start + offset;
      if (key <= last) throw new InternalError("link data", `rows of function @${symbol} are not ascending`);
      last = key;
      view.setUint32(TABLE_HEADER + trapTableKeys + 4 * row, key, true);
      if (location !== undefined) {
        const loc = inlined.location(rows, location[i] ?? 0);
        view.setUint32(TABLE_HEADER + trapTableLocations * count + 4 * row, loc, true);
      }
      if (code !== undefined) out[TABLE_HEADER + trapTableCodes * count + row] = code[i] ?? 0;
      row++;
    });
  });
  return out;
}

/** Pc → trap code and location. */
export function trapTableBytes(layout: TextLayout): Uint8Array {
  return rowTable(
    layout,
    (r) => r.trapOffset,
    (r) => r.trapLoc,
    (r) => r.trapCode,
  );
}

/** Return address → location. */
export function callTableBytes(layout: TextLayout): Uint8Array {
  return rowTable(
    layout,
    (r) => r.callOffset,
    (r) => r.callLoc,
  );
}

/** Return addresses that an exception can come back to. */
export function catchTableBytes(layout: TextLayout): Uint8Array {
  return rowTable(layout, (r) => r.catchOffset);
}

/** Number → place in inlined code. */
export function inlinedTableBytes(layout: TextLayout): Uint8Array {
  return new InlinedTable(layout).bytes();
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
  const last: number = program.endOfEntries - 1;
  return {
    start: layout.start[program.firstEntry] ?? 0,
    end: (layout.start[last] ?? 0) + (layout.length[last] ?? 0),
  };
}

/** Whether the function has unwind information. */
export function hasUnwindInfo(program: Program, symbol: FuncSymbol): boolean {
  return program.functions.get(symbol).kind.kind !== "restorer";
}
