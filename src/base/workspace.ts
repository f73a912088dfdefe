/**
 * Memory that the compilation of one function after the other works in: a typed array of its own costs more to make than to use when
 * functions are small, so that all arrays are views of a few buffers, and columns grow once.
 *
 * Everything handed out is valid until the next `begin`; what outlives a function is copied. Arrays are zero, columns empty.
 */

import { F64Column, I32Column, U16Column, U8Column } from "./columns.ts";

const NO_BUFFER = new ArrayBuffer(0);
const FIRST_BYTES = 1 << 12;
/** A buffer that one huge function wanted is not kept. */
const MAX_KEPT_BYTES = 1 << 26;

export class Workspace {
  #buffer = NO_BUFFER;
  #at = 0;
  /** Bytes handed out since `begin`. */
  #used = 0;
  readonly #columns: I32Column[] = [];
  #columnsUsed = 0;
  readonly #byteColumns: U8Column[] = [];
  #byteColumnsUsed = 0;
  readonly #shortColumns: U16Column[] = [];
  #shortColumnsUsed = 0;
  readonly #doubleColumns: F64Column[] = [];
  #doubleColumnsUsed = 0;

  /** Takes everything back. */
  begin(): void {
    if (this.#used > this.#buffer.byteLength) this.#buffer = new ArrayBuffer(Math.min(this.#used * 2, MAX_KEPT_BYTES));
    else if (this.#buffer.byteLength > MAX_KEPT_BYTES) this.#buffer = new ArrayBuffer(MAX_KEPT_BYTES);
    this.#at = 0;
    this.#used = 0;
    this.#columnsUsed = 0;
    this.#byteColumnsUsed = 0;
    this.#shortColumnsUsed = 0;
    this.#doubleColumnsUsed = 0;
  }

  /** Offset of `bytes` fresh bytes, at a multiple of 8. */
  #take(bytes: number): number {
    const rounded = (bytes + 7) & ~7;
    this.#used += rounded;
    if (this.#at + rounded > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(Math.max(FIRST_BYTES, this.#buffer.byteLength, rounded));
      this.#at = 0;
    }
    const at = this.#at;
    this.#at += rounded;
    return at;
  }

  i32(length: number): Int32Array<ArrayBuffer> {
    const at = this.#take(length * 4);
    return new Int32Array(this.#buffer, at, length).fill(0);
  }
  u32(length: number): Uint32Array<ArrayBuffer> {
    const at = this.#take(length * 4);
    return new Uint32Array(this.#buffer, at, length).fill(0);
  }
  u8(length: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(length);
    return new Uint8Array(this.#buffer, at, length).fill(0);
  }
  f64(length: number): Float64Array<ArrayBuffer> {
    const at = this.#take(length * 8);
    return new Float64Array(this.#buffer, at, length).fill(0);
  }
  /** A copy of the first `length` elements of `source`. */
  copy(source: Int32Array, length = source.length): Int32Array<ArrayBuffer> {
    const at = this.#take(length * 4);
    const copy = new Int32Array(this.#buffer, at, length);
    copy.set(source.length === length ? source : source.subarray(0, length));
    return copy;
  }

  column(): I32Column {
    if (this.#columnsUsed === this.#columns.length) this.#columns.push(new I32Column());
    return emptied(this.#columns[this.#columnsUsed++]);
  }
  byteColumn(): U8Column {
    if (this.#byteColumnsUsed === this.#byteColumns.length) this.#byteColumns.push(new U8Column());
    return emptied(this.#byteColumns[this.#byteColumnsUsed++]);
  }
  shortColumn(): U16Column {
    if (this.#shortColumnsUsed === this.#shortColumns.length) this.#shortColumns.push(new U16Column());
    return emptied(this.#shortColumns[this.#shortColumnsUsed++]);
  }
  doubleColumn(): F64Column {
    if (this.#doubleColumnsUsed === this.#doubleColumns.length) this.#doubleColumns.push(new F64Column());
    return emptied(this.#doubleColumns[this.#doubleColumnsUsed++]);
  }
}

function emptied<C extends { length: number }>(column: C | undefined): C {
  if (column === undefined) throw new RangeError("no column");
  column.length = 0;
  return column;
}
