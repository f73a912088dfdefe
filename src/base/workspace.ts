// hot loop: indices are in range by construction

/**
 * Memory that the compilation of one function after the other works in: a typed array of its own costs more to make than to use when
 * functions are small. Arrays are kept by length and handed out again if they are short or their length is a power of two; others are views of a
 * few buffers, and columns grow once.
 *
 * Everything handed out is valid until the next `begin`; what outlives a function is copied. Arrays are zero, columns empty, but for
 * `roomForWords` and `roomForBytes`.
 */

import { F64Column, I32Column, U16Column, U8Column } from "./columns.ts";

const NO_BUFFER = new ArrayBuffer(0);
const FIRST_BYTES = 1 << 12;
/** Arrays of up to so many elements are kept; longer ones if their length is a power of two, up to a limit. */
const SHORT_LOG2 = 5;
const SHORT = 1 << SHORT_LOG2;
const KEPT_LOG2 = 12;
/** Lengths of which arrays are kept. */
const SLOTS = SHORT + 1 + KEPT_LOG2 - SHORT_LOG2;
/** A shorter one is faster filled by a loop than by a call. */
const LOOP_FILLED = 24;
/** A buffer that one huge function wanted is not kept. */
const MAX_KEPT_BYTES = 1 << 26;

type Words = Int32Array<ArrayBuffer>;
type Bytes = Uint8Array<ArrayBuffer>;
type Doubles = Float64Array<ArrayBuffer>;

/** Number of the slot for a length, or -1: such arrays are not kept. */
function slotOf(length: number): number {
  if (length <= SHORT) return length;
  if ((length & (length - 1)) !== 0 || length > 1 << KEPT_LOG2) return -1;
  return SHORT + 31 - Math.clz32(length) - SHORT_LOG2;
}

/** The least length, `length` or greater, of which arrays are kept, if there is one. */
function keptLength(length: number): number {
  return length <= SHORT || length > 1 << KEPT_LOG2 ? length : 1 << (32 - Math.clz32(length - 1));
}

/** Arrays of one element type that are kept, by their exact length. */
class KeptArrays<A extends Words | Bytes | Doubles> {
  readonly #make: (length: number) => A;
  /** By slot: the arrays there are, and how many of them are handed out. */
  readonly #arrays: A[][] = Array.from({ length: SLOTS }, () => []);
  readonly #used = new Int32Array(SLOTS);
  /** The slots of which some are. */
  readonly #slots = new Int32Array(SLOTS);
  #slotCount = 0;

  constructor(make: (length: number) => A) {
    this.#make = make;
  }

  begin(): void {
    for (let k = 0; k < this.#slotCount; k++) this.#used[this.#slots[k]!] = 0;
    this.#slotCount = 0;
  }

  /** What is in it is of earlier use. */
  take(slot: number, length: number): A {
    const used = this.#used[slot]!;
    if (used === 0) this.#slots[this.#slotCount++] = slot;
    this.#used[slot] = used + 1;
    const arrays = this.#arrays[slot]!;
    if (used === arrays.length) arrays.push(this.#make(length));
    return arrays[used]!;
  }
}

export class Workspace {
  /** Of workspaces that begin again and again. */
  #words: KeptArrays<Words> | undefined;
  #bytes: KeptArrays<Bytes> | undefined;
  #doubles: KeptArrays<Doubles> | undefined;
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
    this.#words ??= new KeptArrays((length) => new Int32Array(length));
    this.#bytes ??= new KeptArrays((length) => new Uint8Array(length));
    this.#doubles ??= new KeptArrays((length) => new Float64Array(length));
    this.#words.begin();
    this.#bytes.begin();
    this.#doubles.begin();
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

  /** What is in it is of earlier use, or 0. */
  #takeWords(length: number): Words {
    const slot = slotOf(length);
    if (slot >= 0 && this.#words !== undefined) return this.#words.take(slot, length);
    const at = this.#take(length * 4);
    return new Int32Array(this.#buffer, at, length);
  }
  #takeBytes(length: number): Bytes {
    const slot = slotOf(length);
    if (slot >= 0 && this.#bytes !== undefined) return this.#bytes.take(slot, length);
    const at = this.#take(length);
    return new Uint8Array(this.#buffer, at, length);
  }

  i32(length: number): Words {
    return this.filled(length, 0);
  }
  /** As `i32`, with `value` everywhere. */
  filled(length: number, value: number): Words {
    const array = this.#takeWords(length);
    if (length > LOOP_FILLED) return array.fill(value);
    for (let i = 0; i < length; i++) array[i] = value;
    return array;
  }
  /** At least `length` elements, of which the first `length` are `value`: cheaper for who does not ask how many there are. */
  words(length: number, value = 0): Words {
    const array = this.#takeWords(keptLength(length));
    if (length > LOOP_FILLED) return array.fill(value, 0, length);
    for (let i = 0; i < length; i++) array[i] = value;
    return array;
  }
  /** As `words`, of zeros. */
  bytes(length: number): Bytes {
    const array = this.#takeBytes(keptLength(length));
    if (length > LOOP_FILLED) return array.fill(0, 0, length);
    for (let i = 0; i < length; i++) array[i] = 0;
    return array;
  }
  /** At least `length` elements with anything in them: for who writes each before reading it. */
  roomForWords(length: number): Words {
    return this.#takeWords(keptLength(length));
  }
  roomForBytes(length: number): Bytes {
    return this.#takeBytes(keptLength(length));
  }
  u8(length: number): Bytes {
    const array = this.#takeBytes(length);
    if (length > LOOP_FILLED) return array.fill(0);
    for (let i = 0; i < length; i++) array[i] = 0;
    return array;
  }
  f64(length: number): Doubles {
    const at = this.#take(length * 8);
    return new Float64Array(this.#buffer, at, length).fill(0);
  }
  /** As `words`, of zeros. */
  doubles(length: number): Doubles {
    const kept = keptLength(length);
    const slot = slotOf(kept);
    if (slot < 0 || this.#doubles === undefined) return this.f64(length);
    const array = this.#doubles.take(slot, kept);
    for (let i = 0; i < length; i++) array[i] = 0;
    return array;
  }
  /** A copy of the first `length` elements of `source`. */
  copy(source: Int32Array, length = source.length): Words {
    const copy = this.#takeWords(length);
    if (length > LOOP_FILLED) copy.set(source.length === length ? source : source.subarray(0, length));
    else for (let i = 0; i < length; i++) copy[i] = source[i]!;
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
