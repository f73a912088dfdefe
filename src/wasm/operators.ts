/**
 * Reads the operators of a function body or of a constant expression, one after the other.
 *
 * Why one reader with reused fields: the validator, the frontend and the printers all walk bodies, and a body is the
 * bulk of a module; an object per operator would cost more than compiling it at `-O0`. `next()` allocates nothing.
 * It knows the binary format and nothing else: nesting, types and index bounds are the validator's.
 */

import { ByteReader } from "../base/bytes.ts";
import { I32Column, U32Column } from "../base/columns.ts";
import { WindlassError } from "../base/diagnostics.ts";
import type { I64 } from "../base/int64.ts";
import { readHeapType, readValType } from "./binary-types.ts";
import { MAX_BR_TABLE_TARGETS, MAX_CATCHES, MAX_LOCALS, MAX_RESULTS } from "./limits.ts";
import { OPCODE_IMMEDIATES, Opcode, PREFIX_FB, PREFIX_FC, PREFIX_FD, PREFIX_FE } from "./opcodes.ts";
import type { ValType } from "./types.ts";

/** Clause kinds of `try_table`, as in the binary. */
export const CATCH = 0;
export const CATCH_REF = 1;
export const CATCH_ALL = 2;
export const CATCH_ALL_REF = 3;

/** The block type of a block without parameters and results. */
export const BLOCK_EMPTY = -1;

/** A byte that is no opcode and no prefix. */
const NO_OPCODE = 0xff;

/**
 * A reader over `bytes[start, end)`. Malformed bytes throw `ReadError` with the absolute offset; what exceeds a limit
 * throws `WindlassError`.
 *
 * Which fields `next()` sets depends on the opcode's immediates (`OPCODE_IMMEDIATES`); others keep old values:
 *
 * | immediates                  | fields                                                                   |
 * |-----------------------------|--------------------------------------------------------------------------|
 * | blockType                   | `blockType`                                                              |
 * | label function type local global table memory data element tag | `index`                               |
 * | callIndirect                | `index` type, `index2` table                                             |
 * | labelTable                  | `labels`: the targets and, last, the default                             |
 * | memarg atomic               | `memory`, `align` (log2), `offsetLo`, `offsetHi`                         |
 * | memargLane                  | the same and `lane`                                                      |
 * | i32 f32                     | `lo` (bits)                                                              |
 * | i64 f64                     | `lo`, `hi` (bits)                                                        |
 * | v128 shuffle                | `lo`, `hi`, `lo2`, `hi2`: 16 bytes, little-endian                        |
 * | lane                        | `lane`                                                                   |
 * | selectTypes                 | `selectTypes`                                                            |
 * | heapType                    | `type`: the reference type (nullable for `ref.null` and the `null` casts) |
 * | tryTable                    | `blockType`, `catchKinds`, `catchTags` (0 for catch_all), `catchLabels`  |
 * | memoryMemory tableTable     | `index` destination, `index2` source                                     |
 * | dataMemory elementTable     | `index` segment, `index2` memory or table                                |
 * | typeField typeCount typeData typeElement typeType | `index`, `index2`                                  |
 * | castLabel                   | `index` label, `type` from, `type2` to                                   |
 */
export class OperatorReader {
  /** The underlying reader; `reader.pos` is where the next operator starts. */
  readonly reader: ByteReader;

  op = 0;
  /** Absolute byte offset of the operator. */
  offset = 0;
  index = 0;
  index2 = 0;
  memory = 0;
  align = 0;
  /** Memarg offset: unsigned 64 bits as signed halves. */
  offsetLo = 0;
  offsetHi = 0;
  lo = 0;
  hi = 0;
  lo2 = 0;
  hi2 = 0;
  lane = 0;
  /** `>= 0`: a type index. Negative: `~blockType` is the one result's `ValType`, or 0 for none (`BLOCK_EMPTY`). */
  blockType: number = BLOCK_EMPTY;
  type: ValType = 0;
  type2: ValType = 0;
  /** br_table: the targets and, last, the default. */
  readonly labels: U32Column = new U32Column(16);
  readonly selectTypes: I32Column = new I32Column(4);
  readonly catchKinds: U32Column = new U32Column(4);
  readonly catchTags: U32Column = new U32Column(4);
  readonly catchLabels: U32Column = new U32Column(4);

  /** Local declarations of the body that `startBody` entered: runs of `localCounts[i]` locals of `localTypes[i]`. */
  readonly localCounts: U32Column = new U32Column(16);
  readonly localTypes: I32Column = new I32Column(16);
  /** Number of declared locals, parameters not included. */
  localCount = 0;

  readonly #wide: I64 = { lo: 0, hi: 0 };

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.reader = new ByteReader(bytes, start, end);
  }

  get atEnd(): boolean {
    return this.reader.pos >= this.reader.end;
  }

  /** Moves to `[start, end)` without reading. */
  seek(start: number, end: number): void {
    this.reader.pos = start;
    this.reader.end = end;
  }

  /** Moves to a function body (the range of `Module.bodies`) and reads its local declarations. */
  startBody(start: number, end: number): void {
    this.seek(start, end);
    const reader = this.reader;
    const groups = reader.varU32();
    let total = 0;
    this.localCounts.length = 0;
    this.localTypes.length = 0;
    for (let i = 0; i < groups; i++) {
      const at = reader.pos;
      const count = reader.varU32();
      total += count;
      if (total > 0xffff_ffff) reader.fail("too many locals", at);
      this.localCounts.push(count);
      this.localTypes.push(readValType(reader));
    }
    // Behind the last group: what is malformed is not called too large.
    if (total > MAX_LOCALS) {
      throw new WindlassError({
        kind: "limit",
        subject: "module",
        offset: start,
        message: `too many locals: ${total} exceed the limit of ${MAX_LOCALS}`,
      });
    }
    this.localCount = total;
  }

  /** Decodes one operator into the fields and moves behind it. Throws at the end of the range: ask `atEnd` first. */
  next(): void {
    const reader = this.reader;
    this.offset = reader.pos;
    let op = reader.u8();
    if (op >= 0xfb && op !== NO_OPCODE) op = this.#prefixed(op);
    this.op = op;
    // The numbers are positions in `IMMEDIATES`.
    switch (OPCODE_IMMEDIATES[op]) {
      case 1: // none
        return;
      case 2: // blockType
        this.#blockType();
        return;
      case 3: // label
      case 5: // function
      case 6: // type
      case 8: // local
      case 9: // global
      case 10: // table
      case 11: // memory
      case 23: // tag
      case 27: // data
      case 29: // element
        this.index = reader.varU32();
        return;
      case 4: // labelTable
        this.#labelTable();
        return;
      case 7: // callIndirect
      case 25: // memoryMemory
      case 26: // dataMemory
      case 28: // elementTable
      case 30: // tableTable
      case 33: // typeField
      case 34: // typeCount
      case 35: // typeData
      case 36: // typeElement
      case 37: // typeType
        this.index = reader.varU32();
        this.index2 = reader.varU32();
        return;
      case 12: // memarg
      case 32: // atomic
        this.#memarg();
        return;
      case 13: // memargLane
        this.#memarg();
        this.lane = reader.u8();
        return;
      case 14: // i32
        this.lo = reader.varS32();
        return;
      case 15: // i64
        reader.varS64(this.#wide);
        this.lo = this.#wide.lo;
        this.hi = this.#wide.hi;
        return;
      case 16: // f32
        this.lo = reader.u32() | 0;
        return;
      case 17: // f64
        this.lo = reader.u32() | 0;
        this.hi = reader.u32() | 0;
        return;
      case 18: // v128
      case 19: // shuffle
        this.lo = reader.u32() | 0;
        this.hi = reader.u32() | 0;
        this.lo2 = reader.u32() | 0;
        this.hi2 = reader.u32() | 0;
        return;
      case 20: // lane
        this.lane = reader.u8();
        return;
      case 21: // selectTypes
        this.#selectTypes();
        return;
      case 22: // heapType
        this.type = readHeapType(
          reader,
          op === Opcode.ref_null || op === Opcode.ref_test_null || op === Opcode.ref_cast_null,
        );
        return;
      case 24: // tryTable
        this.#tryTable();
        return;
      case 31: // fence
        if (reader.u8() !== 0) reader.fail("zero byte expected", reader.pos - 1);
        return;
      case 38: // castLabel
        this.#castLabel();
        return;
      default:
        reader.fail(`illegal opcode ${this.#bytesOf(op)}`, this.offset);
    }
  }

  #bytesOf(op: number): string {
    const hex = (n: number): string => n.toString(16).padStart(2, "0");
    const first = this.reader.bytes[this.offset] ?? 0;
    return first >= 0xfb && first !== NO_OPCODE ? `${hex(first)} ${hex(op & 0xff)}` : hex(first);
  }

  #prefixed(prefix: number): number {
    const sub = this.reader.varU32();
    let op = NO_OPCODE;
    if (prefix === 0xfd) {
      if (sub < 0x200) op = PREFIX_FD + sub;
    } else if (prefix === 0xfc) {
      if (sub < 0x40) op = PREFIX_FC + sub;
    } else if (prefix === 0xfe) {
      if (sub < 0x80) op = PREFIX_FE + sub;
    } else if (sub < 0x40) op = PREFIX_FB + sub;
    if (op === NO_OPCODE) this.reader.fail(`illegal opcode ${prefix.toString(16)} ${sub.toString(16)}`, this.offset);
    return op;
  }

  #blockType(): void {
    const reader = this.reader;
    const byte = reader.peekU8();
    if (byte === 0x40) {
      reader.pos++;
      this.blockType = BLOCK_EMPTY;
    } else if (byte > 0x40 && byte < 0x80) {
      this.blockType = ~readValType(reader);
    } else {
      const at = reader.pos;
      const index = reader.varS33();
      if (index < 0) reader.fail("malformed block type", at);
      // Larger than any type section; stays a positive int32 for the reader's users.
      this.blockType = Math.min(index, 0x7fff_ffff);
    }
  }

  #memarg(): void {
    const reader = this.reader;
    const at = reader.pos;
    let flags = reader.varU32();
    if (flags >= 0x80) reader.fail("malformed memop flags", at);
    this.memory = 0;
    if (flags >= 0x40) {
      flags -= 0x40;
      this.memory = reader.varU32();
    }
    this.align = flags;
    reader.varU64(this.#wide);
    this.offsetLo = this.#wide.lo;
    this.offsetHi = this.#wide.hi;
  }

  #labelTable(): void {
    const reader = this.reader;
    const at = reader.pos;
    const count = reader.varU32();
    // Every target is a byte at least, so a false count ends with the bytes.
    if (count > reader.remaining) reader.fail("unexpected end", reader.end);
    if (count > MAX_BR_TABLE_TARGETS) {
      throw new WindlassError({
        kind: "limit",
        subject: "module",
        offset: at,
        message: `br_table with ${count} targets exceeds the limit of ${MAX_BR_TABLE_TARGETS}`,
      });
    }
    this.labels.length = 0;
    for (let i = 0; i <= count; i++) this.labels.push(reader.varU32());
  }

  #selectTypes(): void {
    const reader = this.reader;
    const count = reader.count(MAX_RESULTS, "select type");
    this.selectTypes.length = 0;
    for (let i = 0; i < count; i++) this.selectTypes.push(readValType(reader));
  }

  #tryTable(): void {
    this.#blockType();
    const reader = this.reader;
    const count = reader.count(MAX_CATCHES, "catch clause");
    this.catchKinds.length = 0;
    this.catchTags.length = 0;
    this.catchLabels.length = 0;
    for (let i = 0; i < count; i++) {
      const kind = reader.u8();
      if (kind > CATCH_ALL_REF) reader.fail("malformed catch clause", reader.pos - 1);
      this.catchKinds.push(kind);
      this.catchTags.push(kind < CATCH_ALL ? reader.varU32() : 0);
      this.catchLabels.push(reader.varU32());
    }
  }

  #castLabel(): void {
    const reader = this.reader;
    const flags = reader.u8();
    if (flags > 3) reader.fail("malformed cast flags", reader.pos - 1);
    this.index = reader.varU32();
    this.type = readHeapType(reader, (flags & 1) !== 0);
    this.type2 = readHeapType(reader, (flags & 2) !== 0);
  }
}
