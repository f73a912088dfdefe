/**
 * The loops of strings: validating and transcoding between native addresses, without allocation. `strings.ts` says when they are called. Each is
 * a function of its own in the output; none reads or writes outside the ranges that it is given, and invalid text traps.
 *
 * All parameters are `i64`: addresses, and lengths in bytes or 16-bit units of the source. The destination has room for the longest result.
 */

import type { AbiEmitter, AbiLoop, CoreType } from "./emitter.ts";

interface TranscoderRow {
  readonly params: number;
  readonly results: readonly CoreType[];
}

export const TRANSCODERS = {
  /** (source, bytes). */
  validate_utf8: { params: 2, results: [] },
  /** (source, units) → non-zero if some unit is above 0xff. */
  validate_utf16: { params: 2, results: ["i32"] },
  /** (destination, source, bytes) → units. */
  utf8_to_utf16: { params: 3, results: ["i64"] },
  /** (destination, source, units) → bytes. */
  utf16_to_utf8: { params: 3, results: ["i64"] },
  /** (destination, source, bytes) → bytes. */
  latin1_to_utf8: { params: 3, results: ["i64"] },
  /** (destination, source, bytes). */
  latin1_to_utf16: { params: 3, results: [] },
  /** (destination, source, bytes) → bytes read, bytes written: up to the first character above 0xff. */
  utf8_to_latin1: { params: 3, results: ["i64", "i64"] },
  /** (destination, source, units) → units read: up to the first above 0xff. */
  utf16_to_latin1: { params: 3, results: ["i64"] },
  /** (destination, source, bytes) → bytes read: up to the first above 0x7f. */
  latin1_to_ascii: { params: 3, results: ["i64"] },
  /** (destination, source, units) → units read: up to the first above 0x7f. */
  utf16_to_ascii: { params: 3, results: ["i64"] },
  /** (address, bytes): Latin-1 becomes UTF-16 in place. */
  inflate: { params: 2, results: [] },
  /** (address, units): UTF-16 that holds no unit above 0xff becomes Latin-1 in place. */
  deflate: { params: 2, results: [] },
} as const satisfies Record<string, TranscoderRow>;

export type TranscoderName = keyof typeof TRANSCODERS;
export const TRANSCODER_NAMES = Object.keys(TRANSCODERS).filter((n): n is TranscoderName => n in TRANSCODERS);

/** Emits the body of `name`; returns its results. */
export function emitTranscoder<V, X>(
  e: AbiEmitter<V, X>,
  name: TranscoderName,
  params: readonly [V, V, V] | readonly [V, V],
): readonly V[] {
  const [a, b, c = b] = params;
  switch (name) {
    case "validate_utf8":
      validateUtf8(e, a, b);
      return [];
    case "validate_utf16":
      return [validateUtf16(e, a, b)];
    case "utf8_to_utf16":
      return [utf8ToUtf16(e, a, b, c)];
    case "utf16_to_utf8":
      return [utf16ToUtf8(e, a, b, c)];
    case "latin1_to_utf8":
      return [latin1ToUtf8(e, a, b, c)];
    case "latin1_to_utf16":
      latin1ToUtf16(e, a, b, c);
      return [];
    case "utf8_to_latin1":
      return utf8ToLatin1(e, a, b, c);
    case "utf16_to_latin1":
      return [narrowUnits(e, a, b, c, 0x100)];
    case "latin1_to_ascii":
      return [latin1ToAscii(e, a, b, c)];
    case "utf16_to_ascii":
      return [narrowUnits(e, a, b, c, 0x80)];
    case "inflate":
      inflate(e, a, b);
      return [];
    case "deflate":
      deflate(e, a, b);
      return [];
  }
}

/** Eight bytes, or four units, that are all ASCII have none of these bits. */
const bytesAboveAscii = <V, X>(e: AbiEmitter<V, X>): V => e.i64Bits(0x8080_8080, 0x8080_8080);
const unitsAboveAscii = <V, X>(e: AbiEmitter<V, X>): V => e.i64Bits(0xff80_ff80, 0xff80_ff80);

/** A position that a loop moves to `end`. */
function walk<V, X>(e: AbiEmitter<V, X>, start: V, end: V, body: (position: X, at: V, loop: AbiLoop<V>) => void): X {
  const position = e.variable(start);
  e.loop((loop) => {
    const at = e.get(position);
    loop.breakUnless(e.ne(at, end));
    body(position, at, loop);
  });
  return position;
}

/** If the eight bytes at `at` are before `end` and have none of the bits of `mask`: runs `then`, and the loop goes on. */
function ifEight<V, X>(e: AbiEmitter<V, X>, at: V, end: V, mask: V, loop: AbiLoop<V>, then: (word: V) => void): void {
  e.if(e.ugtImm(e.sub(end, at), 7), () => {
    const word = e.load("i64", at, 0);
    e.if(e.eqImm(e.and(word, mask), 0), () => {
      then(word);
      loop.continue();
    });
  });
}

/** The scalar value at `at`; moves `position` behind it. Traps unless it is well-formed UTF-8 that ends before `end`. */
function decodeUtf8<V, X>(e: AbiEmitter<V, X>, position: X, at: V, end: V): V {
  const first = e.loadNarrow(8, false, at, 0);
  const value = e.variable(first);
  e.if(
    e.ultImm(first, 0x80),
    () => e.set(position, e.offset(at, 1)),
    () => {
      // 0x80 to 0xc1 begin nothing, or something overlong; above 0xf4 everything is out of range.
      e.trapUnless(e.ultImm(e.offset(first, -0xc2), 0xf5 - 0xc2), "invalid_utf8");
      const rest = e.sub(end, at);
      const follow = (k: number): V => {
        e.trapUnless(e.ugtImm(rest, k), "incomplete_utf8");
        const byte = e.loadNarrow(8, false, at, k);
        e.trapIf(e.neImm(e.andImm(byte, 0xc0), 0x80), "invalid_utf8");
        return e.andImm(byte, 0x3f);
      };
      const done = (length: number, bits: V): void => {
        e.set(value, bits);
        e.set(position, e.offset(at, length));
      };
      const second = follow(1);
      e.if(
        e.ultImm(first, 0xe0),
        () => done(2, e.or(e.shl(e.andImm(first, 0x1f), 6), second)),
        () => {
          const third = follow(2);
          const low = e.or(e.shl(second, 6), third);
          e.if(
            e.ultImm(first, 0xf0),
            () => {
              const bits = e.or(e.shl(e.andImm(first, 0x0f), 12), low);
              e.trapIf(e.ultImm(bits, 0x800), "invalid_utf8");
              e.trapIf(e.ultImm(e.offset(bits, -0xd800), 0x800), "invalid_utf8");
              done(3, bits);
            },
            () => {
              const fourth = follow(3);
              const bits = e.or(e.shl(e.andImm(first, 0x07), 18), e.or(e.shl(low, 6), fourth));
              e.trapUnless(e.ultImm(e.offset(bits, -0x1_0000), 0x10_0000), "invalid_utf8");
              done(4, bits);
            },
          );
        },
      );
    },
  );
  return e.get(value);
}

/** The scalar value at `at`; moves `position` behind it. Traps on a surrogate without its other half. */
function decodeUtf16<V, X>(e: AbiEmitter<V, X>, position: X, at: V, end: V): V {
  const unit = e.loadNarrow(16, false, at, 0);
  const value = e.variable(unit);
  const next = e.offset(at, 2);
  e.set(position, next);
  e.if(e.ultImm(e.offset(unit, -0xd800), 0x800), () => {
    e.trapUnless(e.ultImm(unit, 0xdc00), "invalid_utf16");
    e.trapIf(e.eq(next, end), "invalid_utf16");
    const low = e.offset(e.loadNarrow(16, false, at, 2), -0xdc00);
    e.trapUnless(e.ultImm(low, 0x400), "invalid_utf16");
    e.set(value, e.offset(e.add(e.shl(e.offset(unit, -0xd800), 10), low), 0x1_0000));
    e.set(position, e.offset(at, 4));
  });
  return e.get(value);
}

/** Writes a scalar value at `position`, and moves it. */
function encodeUtf8<V, X>(e: AbiEmitter<V, X>, position: X, value: V): void {
  const at = e.get(position);
  const byte = (k: number, bits: V): void => e.storeNarrow(8, at, k, bits);
  const follow = (k: number, shift: number): void =>
    byte(k, e.orImm(e.andImm(shift === 0 ? value : e.shr(value, shift), 0x3f), 0x80));
  const done = (length: number): void => e.set(position, e.offset(at, length));
  e.if(
    e.ultImm(value, 0x80),
    () => {
      byte(0, value);
      done(1);
    },
    () => {
      e.if(
        e.ultImm(value, 0x800),
        () => {
          byte(0, e.orImm(e.shr(value, 6), 0xc0));
          follow(1, 0);
          done(2);
        },
        () => {
          e.if(
            e.ultImm(value, 0x1_0000),
            () => {
              byte(0, e.orImm(e.shr(value, 12), 0xe0));
              follow(1, 6);
              follow(2, 0);
              done(3);
            },
            () => {
              byte(0, e.orImm(e.shr(value, 18), 0xf0));
              follow(1, 12);
              follow(2, 6);
              follow(3, 0);
              done(4);
            },
          );
        },
      );
    },
  );
}

function encodeUtf16<V, X>(e: AbiEmitter<V, X>, position: X, value: V): void {
  const at = e.get(position);
  e.if(
    e.ultImm(value, 0x1_0000),
    () => {
      e.storeNarrow(16, at, 0, value);
      e.set(position, e.offset(at, 2));
    },
    () => {
      const bits = e.offset(value, -0x1_0000);
      e.storeNarrow(16, at, 0, e.offset(e.shr(bits, 10), 0xd800));
      e.storeNarrow(16, at, 2, e.offset(e.andImm(bits, 0x3ff), 0xdc00));
      e.set(position, e.offset(at, 4));
    },
  );
}

function validateUtf8<V, X>(e: AbiEmitter<V, X>, source: V, bytes: V): void {
  const end = e.add(source, bytes);
  const mask = bytesAboveAscii(e);
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, () => e.set(position, e.offset(at, 8)));
    decodeUtf8(e, position, at, end);
  });
}

function validateUtf16<V, X>(e: AbiEmitter<V, X>, source: V, units: V): V {
  const end = e.add(source, e.shl(units, 1));
  const mask = unitsAboveAscii(e);
  const all = e.variable(e.i32(0));
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, () => e.set(position, e.offset(at, 8)));
    const value = decodeUtf16(e, position, at, end);
    e.set(all, e.or(e.get(all), value));
  });
  return e.shr(e.get(all), 8);
}

function utf8ToUtf16<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const end = e.add(source, bytes);
  const mask = bytesAboveAscii(e);
  const to = e.variable(destination);
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, () => {
      const into = e.get(to);
      for (let k = 0; k < 8; k++) e.storeNarrow(16, into, 2 * k, e.loadNarrow(8, false, at, k));
      e.set(position, e.offset(at, 8));
      e.set(to, e.offset(into, 16));
    });
    encodeUtf16(e, to, decodeUtf8(e, position, at, end));
  });
  return e.shr(e.sub(e.get(to), destination), 1);
}

function utf16ToUtf8<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, units: V): V {
  const end = e.add(source, e.shl(units, 1));
  const mask = unitsAboveAscii(e);
  const to = e.variable(destination);
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, () => {
      const into = e.get(to);
      for (let k = 0; k < 4; k++) e.storeNarrow(8, into, k, e.loadNarrow(16, false, at, 2 * k));
      e.set(position, e.offset(at, 8));
      e.set(to, e.offset(into, 4));
    });
    encodeUtf8(e, to, decodeUtf16(e, position, at, end));
  });
  return e.sub(e.get(to), destination);
}

function latin1ToUtf8<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const end = e.add(source, bytes);
  const mask = bytesAboveAscii(e);
  const to = e.variable(destination);
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, (word) => {
      const into = e.get(to);
      e.store(into, 0, word);
      e.set(position, e.offset(at, 8));
      e.set(to, e.offset(into, 8));
    });
    const value = e.loadNarrow(8, false, at, 0);
    const into = e.get(to);
    e.if(
      e.ultImm(value, 0x80),
      () => {
        e.storeNarrow(8, into, 0, value);
        e.set(to, e.offset(into, 1));
      },
      () => {
        e.storeNarrow(8, into, 0, e.orImm(e.shr(value, 6), 0xc0));
        e.storeNarrow(8, into, 1, e.orImm(e.andImm(value, 0x3f), 0x80));
        e.set(to, e.offset(into, 2));
      },
    );
    e.set(position, e.offset(at, 1));
  });
  return e.sub(e.get(to), destination);
}

function latin1ToUtf16<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): void {
  const to = e.variable(destination);
  walk(e, source, e.add(source, bytes), (position, at) => {
    const into = e.get(to);
    e.storeNarrow(16, into, 0, e.loadNarrow(8, false, at, 0));
    e.set(to, e.offset(into, 2));
    e.set(position, e.offset(at, 1));
  });
}

function utf8ToLatin1<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): readonly V[] {
  const end = e.add(source, bytes);
  const mask = bytesAboveAscii(e);
  const to = e.variable(destination);
  const position = e.variable(source);
  const next = e.variable(source);
  e.loop((loop) => {
    const at = e.get(position);
    loop.breakUnless(e.ne(at, end));
    ifEight(e, at, end, mask, loop, (word) => {
      const into = e.get(to);
      e.store(into, 0, word);
      e.set(position, e.offset(at, 8));
      e.set(to, e.offset(into, 8));
    });
    const value = decodeUtf8(e, next, at, end);
    loop.breakUnless(e.ultImm(value, 0x100));
    const into = e.get(to);
    e.storeNarrow(8, into, 0, value);
    e.set(to, e.offset(into, 1));
    e.set(position, e.get(next));
  });
  return [e.sub(e.get(position), source), e.sub(e.get(to), destination)];
}

/** Units below `limit` become bytes, up to the first that is not; how many. */
function narrowUnits<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, units: V, limit: number): V {
  const to = e.variable(destination);
  walk(e, source, e.add(source, e.shl(units, 1)), (position, at, loop) => {
    const unit = e.loadNarrow(16, false, at, 0);
    loop.breakUnless(e.ultImm(unit, limit));
    const into = e.get(to);
    e.storeNarrow(8, into, 0, unit);
    e.set(to, e.offset(into, 1));
    e.set(position, e.offset(at, 2));
  });
  return e.sub(e.get(to), destination);
}

function latin1ToAscii<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const end = e.add(source, bytes);
  const mask = bytesAboveAscii(e);
  const to = e.variable(destination);
  walk(e, source, end, (position, at, loop) => {
    ifEight(e, at, end, mask, loop, (word) => {
      const into = e.get(to);
      e.store(into, 0, word);
      e.set(position, e.offset(at, 8));
      e.set(to, e.offset(into, 8));
    });
    const byte = e.loadNarrow(8, false, at, 0);
    loop.breakUnless(e.ultImm(byte, 0x80));
    const into = e.get(to);
    e.storeNarrow(8, into, 0, byte);
    e.set(to, e.offset(into, 1));
    e.set(position, e.offset(at, 1));
  });
  return e.sub(e.get(to), destination);
}

function inflate<V, X>(e: AbiEmitter<V, X>, address: V, bytes: V): void {
  // From the end: no unit overwrites a byte that is still to be read.
  const rest = e.variable(bytes);
  e.loop((loop) => {
    const count = e.get(rest);
    loop.breakIf(e.eqImm(count, 0));
    const index = e.offset(count, -1);
    e.storeNarrow(16, e.add(address, e.shl(index, 1)), 0, e.loadNarrow(8, false, e.add(address, index), 0));
    e.set(rest, index);
  });
}

function deflate<V, X>(e: AbiEmitter<V, X>, address: V, units: V): void {
  const to = e.variable(address);
  walk(e, address, e.add(address, e.shl(units, 1)), (position, at) => {
    const into = e.get(to);
    e.storeNarrow(8, into, 0, e.loadNarrow(8, false, at, 0));
    e.set(to, e.offset(into, 1));
    e.set(position, e.offset(at, 2));
  });
}
