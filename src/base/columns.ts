/**
 * Growable typed columns: the storage of everything dense and hot (IR, machine code, tables).
 *
 * `get` and `set` do not check bounds against `length` (V8 checks the backing array): a caller indexes with an entity
 * that its own table minted. `push` doubles the backing array.
 */

type TypedArray = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

function grow<A extends TypedArray>(old: A, make: (length: number) => A): A {
  const bigger = make(Math.max(16, old.length * 2));
  bigger.set(old);
  return bigger;
}

/** A growable column of signed 32-bit integers. */
export class I32Column {
  data: Int32Array;
  length = 0;
  constructor(capacity = 16) {
    this.data = new Int32Array(capacity);
  }
  push(value: number): number {
    if (this.length === this.data.length) this.data = grow(this.data, (n) => new Int32Array(n));
    this.data[this.length] = value;
    return this.length++;
  }
  get(index: number): number {
    return this.data[index]!;
  }
  set(index: number, value: number): void {
    this.data[index] = value;
  }
  /** Room for `capacity` elements. */
  reserve(capacity: number): void {
    while (this.data.length < capacity) this.data = grow(this.data, (n) => new Int32Array(n));
  }
  /** As `push`, of element `index` and where room for it was reserved. */
  put(index: number, value: number): void {
    this.data[index] = value;
    this.length = index + 1;
  }
  /** A copy of the used part. */
  toArray(): Int32Array {
    return this.data.slice(0, this.length);
  }
  /** A view of the used part; valid until the next `push`. */
  view(): Int32Array {
    return this.data.subarray(0, this.length);
  }
}

/** A growable column of unsigned 32-bit integers. */
export class U32Column {
  data: Uint32Array;
  length = 0;
  constructor(capacity = 16) {
    this.data = new Uint32Array(capacity);
  }
  push(value: number): number {
    if (this.length === this.data.length) this.data = grow(this.data, (n) => new Uint32Array(n));
    this.data[this.length] = value;
    return this.length++;
  }
  get(index: number): number {
    return this.data[index]!;
  }
  set(index: number, value: number): void {
    this.data[index] = value;
  }
  toArray(): Uint32Array {
    return this.data.slice(0, this.length);
  }
  view(): Uint32Array {
    return this.data.subarray(0, this.length);
  }
}

/** A growable column of unsigned 16-bit integers. */
export class U16Column {
  data: Uint16Array;
  length = 0;
  constructor(capacity = 16) {
    this.data = new Uint16Array(capacity);
  }
  push(value: number): number {
    if (this.length === this.data.length) this.data = grow(this.data, (n) => new Uint16Array(n));
    this.data[this.length] = value;
    return this.length++;
  }
  get(index: number): number {
    return this.data[index]!;
  }
  set(index: number, value: number): void {
    this.data[index] = value;
  }
}

/** A growable column of bytes. */
export class U8Column {
  data: Uint8Array;
  length = 0;
  constructor(capacity = 16) {
    this.data = new Uint8Array(capacity);
  }
  push(value: number): number {
    if (this.length === this.data.length) this.data = grow(this.data, (n) => new Uint8Array(n));
    this.data[this.length] = value;
    return this.length++;
  }
  get(index: number): number {
    return this.data[index]!;
  }
  set(index: number, value: number): void {
    this.data[index] = value;
  }
  /** Room for `capacity` elements. */
  reserve(capacity: number): void {
    while (this.data.length < capacity) this.data = grow(this.data, (n) => new Uint8Array(n));
  }
  /** As `push`, of element `index` and where room for it was reserved. */
  put(index: number, value: number): void {
    this.data[index] = value;
    this.length = index + 1;
  }
  /** A view of the used part; valid until the next `push`. */
  view(): Uint8Array {
    return this.data.subarray(0, this.length);
  }
}

/** A growable column of doubles. */
export class F64Column {
  data: Float64Array;
  length = 0;
  constructor(capacity = 16) {
    this.data = new Float64Array(capacity);
  }
  push(value: number): number {
    if (this.length === this.data.length) this.data = grow(this.data, (n) => new Float64Array(n));
    this.data[this.length] = value;
    return this.length++;
  }
  get(index: number): number {
    return this.data[index]!;
  }
  set(index: number, value: number): void {
    this.data[index] = value;
  }
}
