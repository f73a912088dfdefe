/** Byte reader and writer: little-endian integers and LEB128, with offsets that survive slicing. */

import type { I64 } from "./int64.ts";

/** What a `ByteReader` throws: the decoder that owns it turns this into a diagnostic with its path. */
export class ReadError extends Error {
  /** Absolute byte offset in the input. */
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.name = "ReadError";
    this.offset = offset;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads `bytes[start, end)`. `pos` is absolute in `bytes`, so that an error's offset is the file's.
 * Error messages are the standard's wording (`unexpected end`, `integer representation too long`, …).
 */
export class ByteReader {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.pos = start;
    this.end = end;
  }

  get atEnd(): boolean {
    return this.pos >= this.end;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  fail(message: string, offset = this.pos): never {
    throw new ReadError(message, offset);
  }

  u8(): number {
    if (this.pos >= this.end) this.fail("unexpected end");
    return this.bytes[this.pos++]!;
  }

  peekU8(): number {
    if (this.pos >= this.end) this.fail("unexpected end");
    return this.bytes[this.pos]!;
  }

  u16(): number {
    const p = this.skip(2);
    return this.bytes[p]! | (this.bytes[p + 1]! << 8);
  }

  /** Unsigned. */
  u32(): number {
    const p = this.skip(4);
    const b = this.bytes;
    return (b[p]! | (b[p + 1]! << 8) | (b[p + 2]! << 16) | (b[p + 3]! << 24)) >>> 0;
  }

  /** Advances by `count` bytes; returns the position of the first. */
  skip(count: number): number {
    const p = this.pos;
    if (count > this.end - p) this.fail("unexpected end", this.end);
    this.pos = p + count;
    return p;
  }

  /** A view (not a copy) of the next `count` bytes. */
  slice(count: number): Uint8Array {
    const p = this.skip(count);
    return this.bytes.subarray(p, p + count);
  }

  /** A reader over the next `count` bytes, which this one skips. */
  sub(count: number): ByteReader {
    const p = this.skip(count);
    return new ByteReader(this.bytes, p, p + count);
  }

  /** LEB128 u32. */
  varU32(): number {
    const first = this.u8();
    if (first < 0x80) return first;
    let result = first & 0x7f;
    for (let shift = 7; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28) {
        if (byte & 0x80) this.fail("integer representation too long", this.pos - 1);
        if (byte & 0x70) this.fail("integer too large", this.pos - 1);
        return (result | (byte << 28)) >>> 0;
      }
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return result;
    }
  }

  /** LEB128 s32. */
  varS32(): number {
    let result = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28) {
        if (byte & 0x80) this.fail("integer representation too long", this.pos - 1);
        const sign = byte & 0x78;
        if (sign !== 0 && sign !== 0x78) this.fail("integer too large", this.pos - 1);
        return result | (byte << 28);
      }
      result |= (byte & 0x7f) << shift;
      if (byte < 0x80) return shift < 25 && byte & 0x40 ? result | (-1 << (shift + 7)) : result;
    }
  }

  /** LEB128 s33 (block types, heap types) as a number. */
  varS33(): number {
    let result = 0;
    let scale = 1;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      if (shift === 28) {
        if (byte & 0x80) this.fail("integer representation too long", this.pos - 1);
        const sign = byte & 0x70;
        if (sign !== 0 && sign !== 0x70) this.fail("integer too large", this.pos - 1);
        return result + (byte & 0x1f) * scale - (byte & 0x10 ? 0x2_0000_0000 : 0);
      }
      result += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return byte & 0x40 ? result - scale : result;
    }
  }

  /** LEB128 s64 into `out`. */
  varS64(out: I64): void {
    this.#var64(out, true);
  }

  /** LEB128 u64 into `out`. */
  varU64(out: I64): void {
    this.#var64(out, false);
  }

  #var64(out: I64, signed: boolean): void {
    let lo = 0;
    let hi = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = this.u8();
      const bits = byte & 0x7f;
      if (shift === 63) {
        if (byte & 0x80) this.fail("integer representation too long", this.pos - 1);
        if (signed ? bits !== 0 && bits !== 0x7f : bits > 1) this.fail("integer too large", this.pos - 1);
        out.lo = lo;
        out.hi = hi | (bits << 31);
        return;
      }
      if (shift < 28) lo |= bits << shift;
      else if (shift === 28) {
        lo |= bits << 28;
        hi |= bits >>> 4;
      } else hi |= bits << (shift - 32);
      if (byte < 0x80) {
        if (signed && byte & 0x40) {
          const top = shift + 7;
          if (top < 32) {
            lo |= -1 << top;
            hi = -1;
          } else hi |= top === 32 ? -1 : -1 << (top - 32);
        }
        out.lo = lo;
        out.hi = hi;
        return;
      }
    }
  }

  /** A vector length: a u32 no larger than `limit`, else the error names `what`. */
  count(limit: number, what: string): number {
    const at = this.pos;
    const n = this.varU32();
    if (n > limit) this.fail(`${what} count ${n} exceeds the limit of ${limit}`, at);
    return n;
  }

  /** A length-prefixed UTF-8 name. */
  name(): string {
    const length = this.varU32();
    const at = this.pos;
    const bytes = this.slice(length);
    try {
      return UTF8.decode(bytes);
    } catch {
      return this.fail("malformed UTF-8 encoding", at);
    }
  }
}

/** A growable little-endian byte buffer. */
export class ByteWriter {
  #bytes: Uint8Array;
  length = 0;

  constructor(capacity = 256) {
    this.#bytes = new Uint8Array(capacity);
  }

  #reserve(count: number): void {
    const need = this.length + count;
    if (need <= this.#bytes.length) return;
    let size = Math.max(64, this.#bytes.length * 2);
    while (size < need) size *= 2;
    const bigger = new Uint8Array(size);
    bigger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = bigger;
  }

  u8(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  u16(value: number): void {
    this.#reserve(2);
    this.#bytes[this.length++] = value;
    this.#bytes[this.length++] = value >>> 8;
  }

  u32(value: number): void {
    this.#reserve(4);
    this.putU32(this.length, value);
    this.length += 4;
  }

  u64(lo: number, hi: number): void {
    this.u32(lo);
    this.u32(hi);
  }

  /** A safe non-negative or negative integer as 64 bits. */
  u64n(value: number): void {
    this.u32(value | 0);
    this.u32(Math.floor(value / 0x1_0000_0000) | 0);
  }

  bytes(data: Uint8Array): void {
    this.#reserve(data.length);
    this.#bytes.set(data, this.length);
    this.length += data.length;
  }

  zeros(count: number): void {
    this.#reserve(count);
    this.#bytes.fill(0, this.length, this.length + count);
    this.length += count;
  }

  /** Zero bytes (or `fill`) up to a multiple of `alignment`. */
  align(alignment: number, fill = 0): void {
    const rest = this.length % alignment;
    if (rest === 0) return;
    const count = alignment - rest;
    this.#reserve(count);
    this.#bytes.fill(fill, this.length, this.length + count);
    this.length += count;
  }

  varU32(value: number): void {
    let v = value >>> 0;
    while (v >= 0x80) {
      this.u8((v & 0x7f) | 0x80);
      v >>>= 7;
    }
    this.u8(v);
  }

  varS32(value: number): void {
    let v = value;
    for (;;) {
      const byte = v & 0x7f;
      v >>= 7;
      if ((v === 0 && (byte & 0x40) === 0) || (v === -1 && (byte & 0x40) !== 0)) {
        this.u8(byte);
        return;
      }
      this.u8(byte | 0x80);
    }
  }

  /** UTF-8 with a terminating NUL; returns its offset. */
  cstring(text: string): number {
    const at = this.length;
    this.#reserve(text.length + 1);
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i);
      if (code >= 0x80) {
        this.length = at;
        this.bytes(new TextEncoder().encode(text));
        break;
      }
      this.#bytes[this.length++] = code;
    }
    this.u8(0);
    return at;
  }

  /** Overwrites four bytes at `at`. */
  putU32(at: number, value: number): void {
    const b = this.#bytes;
    b[at] = value;
    b[at + 1] = value >>> 8;
    b[at + 2] = value >>> 16;
    b[at + 3] = value >>> 24;
  }

  getU8(at: number): number {
    return this.#bytes[at]!;
  }

  putU8(at: number, value: number): void {
    this.#bytes[at] = value;
  }

  /** A copy of what was written. */
  toBytes(): Uint8Array {
    return this.#bytes.slice(0, this.length);
  }

  /** A view of what was written; valid until the next write. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.length);
  }
}
