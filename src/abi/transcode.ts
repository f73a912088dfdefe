/**
 * The loops of strings: validating and transcoding between native addresses, without allocation. `strings.ts` says when they are called. Each is
 * a function of its own in the output; none reads or writes outside the ranges that it is given, and invalid text traps.
 * What is the same for all characters, ASCII most of all, goes 16 bytes at a time, or 64.
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
export const bytesAboveAscii = <V, X>(e: AbiEmitter<V, X>): V => e.i64Bits(0x8080_8080, 0x8080_8080);
const unitsAboveAscii = <V, X>(e: AbiEmitter<V, X>): V => e.i64Bits(0xff80_ff80, 0xff80_ff80);

/** Bytes of a vector; and vectors that are looked at together where there are so many. */
const BLOCK = 16;
const TOGETHER = 4;

/** How a loop takes text: in blocks, and what is special one by one. */
interface Text<V> {
  /** An `i32`: non-zero if something in these blocks of 16 bytes is not just moved on. */
  readonly special: (blocks: readonly V[]) => V;
  readonly block: (block: V) => void;
  /** Eight bytes without a bit of `mask`, where fewer than 16 are left. */
  readonly half?: { readonly mask: V; readonly take: (word: V) => void };
  /** One character; moves the position. `all` is the whole loop. */
  readonly one: (at: V, all: AbiLoop<V>) => void;
}

/**
 * Moves `position` to `end`. A block that holds something special is taken one by one as a whole, so that text full of it pays for one look
 * in 16 bytes.
 */
function walk<V, X>(e: AbiEmitter<V, X>, position: X, end: V, text: Text<V>): void {
  e.loop((all) => {
    const at = e.get(position);
    all.breakUnless(e.ne(at, end));
    const rest = e.sub(end, at);
    const limit = e.variable(end);
    const ifPlain = (count: number): void => {
      const blocks = Array.from({ length: count }, (_, k) => e.loadVector(at, k * BLOCK));
      e.if(e.eqImm(text.special(blocks), 0), () => {
        for (const block of blocks) text.block(block);
        e.set(position, e.offset(at, count * BLOCK));
        all.continue();
      });
    };
    e.if(e.ugtImm(rest, TOGETHER * BLOCK - 1), () => ifPlain(TOGETHER));
    e.if(
      e.ugtImm(rest, BLOCK - 1),
      () => {
        ifPlain(1);
        e.set(limit, e.offset(at, BLOCK));
      },
      () => {
        const { half } = text;
        if (half === undefined) return;
        e.if(e.ugtImm(rest, 7), () => {
          const word = e.load("i64", at, 0);
          e.if(e.eqImm(e.and(word, half.mask), 0), () => {
            half.take(word);
            e.set(position, e.offset(at, 8));
          });
        });
      },
    );
    const until = e.get(limit);
    e.loop((some) => {
      const next = e.get(position);
      some.breakUnless(e.ult(next, until));
      text.one(next, all);
    });
  });
}

/** The bits that any of these has. */
function either<V, X>(e: AbiEmitter<V, X>, blocks: readonly V[]): V {
  return blocks.reduce((a, b) => e.vectorOr(a, b));
}

/** Writes at `to` and moves it. */
function put<V, X>(e: AbiEmitter<V, X>, to: X, bytes: number, write: (into: V) => void): void {
  const into = e.get(to);
  write(into);
  e.set(to, e.offset(into, bytes));
}

/** Bytes that are the same in the source and in the destination while they are ASCII. */
function sameAscii<V, X>(e: AbiEmitter<V, X>, to: X): Pick<Text<V>, "special" | "block" | "half"> {
  return {
    special: (blocks) => e.vectorSigns(either(e, blocks)),
    block: (block) => put(e, to, BLOCK, (into) => e.storeVector(into, 0, block)),
    half: { mask: bytesAboveAscii(e), take: (word) => put(e, to, 8, (into) => e.store(into, 0, word)) },
  };
}

/** Bytes that become units. */
function widenBlock<V, X>(e: AbiEmitter<V, X>, to: X, block: V): void {
  put(e, to, 2 * BLOCK, (into) => {
    e.storeVector(into, 0, e.vectorWiden(block, false));
    e.storeVector(into, BLOCK, e.vectorWiden(block, true));
  });
}

/** Units without a bit of `mask`, which become bytes. */
function narrowed<V, X>(e: AbiEmitter<V, X>, to: X, mask: number): Pick<Text<V>, "special" | "block"> {
  const high = e.vectorOfUnits(mask);
  return {
    special: (blocks) => e.vectorAny(e.vectorAnd(either(e, blocks), high)),
    block: (block) => put(e, to, BLOCK / 2, (into) => e.store(into, 0, e.vectorNarrow(block))),
  };
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
  const position = e.variable(source);
  walk(e, position, end, {
    special: (blocks) => e.vectorSigns(either(e, blocks)),
    block: () => undefined,
    half: { mask: bytesAboveAscii(e), take: () => undefined },
    one: (at) => decodeUtf8(e, position, at, end),
  });
}

function validateUtf16<V, X>(e: AbiEmitter<V, X>, source: V, units: V): V {
  const end = e.add(source, e.shl(units, 1));
  const all = e.variable(e.i32(0));
  const blocks = e.variable(e.vectorOfUnits(0));
  const [surrogateBits, surrogates] = [e.vectorOfUnits(0xf800), e.vectorOfUnits(0xd800)];
  const position = e.variable(source);
  walk(e, position, end, {
    special: (blocks) => {
      const found = blocks.map((block) => e.vectorEqualUnits(e.vectorAnd(block, surrogateBits), surrogates));
      return e.vectorSigns(either(e, found));
    },
    block: (block) => e.set(blocks, e.vectorOr(e.get(blocks), block)),
    half: { mask: unitsAboveAscii(e), take: () => undefined },
    one: (at) => e.set(all, e.or(e.get(all), decodeUtf16(e, position, at, end))),
  });
  const wide = e.vectorAny(e.vectorAnd(e.get(blocks), e.vectorOfUnits(0xff00)));
  return e.or(e.shr(e.get(all), 8), wide);
}

function utf8ToUtf16<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const end = e.add(source, bytes);
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, end, {
    special: (blocks) => e.vectorSigns(either(e, blocks)),
    block: (block) => widenBlock(e, to, block),
    one: (at) => encodeUtf16(e, to, decodeUtf8(e, position, at, end)),
  });
  return e.shr(e.sub(e.get(to), destination), 1);
}

function utf16ToUtf8<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, units: V): V {
  const end = e.add(source, e.shl(units, 1));
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, end, {
    ...narrowed(e, to, 0xff80),
    one: (at) => encodeUtf8(e, to, decodeUtf16(e, position, at, end)),
  });
  return e.sub(e.get(to), destination);
}

function latin1ToUtf8<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, e.add(source, bytes), {
    ...sameAscii(e, to),
    one: (at) => {
      const value = e.loadNarrow(8, false, at, 0);
      e.if(
        e.ultImm(value, 0x80),
        () => put(e, to, 1, (into) => e.storeNarrow(8, into, 0, value)),
        () =>
          put(e, to, 2, (into) => {
            e.storeNarrow(8, into, 0, e.orImm(e.shr(value, 6), 0xc0));
            e.storeNarrow(8, into, 1, e.orImm(e.andImm(value, 0x3f), 0x80));
          }),
      );
      e.set(position, e.offset(at, 1));
    },
  });
  return e.sub(e.get(to), destination);
}

function latin1ToUtf16<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): void {
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, e.add(source, bytes), {
    special: () => e.i32(0),
    block: (block) => widenBlock(e, to, block),
    one: (at) => {
      put(e, to, 2, (into) => e.storeNarrow(16, into, 0, e.loadNarrow(8, false, at, 0)));
      e.set(position, e.offset(at, 1));
    },
  });
}

function utf8ToLatin1<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): readonly V[] {
  const end = e.add(source, bytes);
  const to = e.variable(destination);
  const position = e.variable(source);
  const behind = e.variable(source);
  walk(e, position, end, {
    ...sameAscii(e, to),
    one: (at, all) => {
      const value = decodeUtf8(e, behind, at, end);
      all.breakUnless(e.ultImm(value, 0x100));
      put(e, to, 1, (into) => e.storeNarrow(8, into, 0, value));
      e.set(position, e.get(behind));
    },
  });
  return [e.sub(e.get(position), source), e.sub(e.get(to), destination)];
}

/** Units below `limit`, a power of 2, become bytes, up to the first that is not; how many. */
function narrowUnits<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, units: V, limit: number): V {
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, e.add(source, e.shl(units, 1)), {
    ...narrowed(e, to, 0x1_0000 - limit),
    one: (at, all) => {
      const unit = e.loadNarrow(16, false, at, 0);
      all.breakUnless(e.ultImm(unit, limit));
      put(e, to, 1, (into) => e.storeNarrow(8, into, 0, unit));
      e.set(position, e.offset(at, 2));
    },
  });
  return e.sub(e.get(to), destination);
}

function latin1ToAscii<V, X>(e: AbiEmitter<V, X>, destination: V, source: V, bytes: V): V {
  const to = e.variable(destination);
  const position = e.variable(source);
  walk(e, position, e.add(source, bytes), {
    ...sameAscii(e, to),
    one: (at, all) => {
      const byte = e.loadNarrow(8, false, at, 0);
      all.breakUnless(e.ultImm(byte, 0x80));
      put(e, to, 1, (into) => e.storeNarrow(8, into, 0, byte));
      e.set(position, e.offset(at, 1));
    },
  });
  return e.sub(e.get(to), destination);
}

function inflate<V, X>(e: AbiEmitter<V, X>, address: V, bytes: V): void {
  // From the end: no unit overwrites a byte that is still to be read, and no block of units one of the blocks in front of it.
  const rest = e.variable(bytes);
  e.loop((loop) => {
    const count = e.get(rest);
    loop.breakUnless(e.ugtImm(count, BLOCK - 1));
    const index = e.offset(count, -BLOCK);
    const block = e.loadVector(e.add(address, index), 0);
    const into = e.add(address, e.shl(index, 1));
    e.storeVector(into, 0, e.vectorWiden(block, false));
    e.storeVector(into, BLOCK, e.vectorWiden(block, true));
    e.set(rest, index);
  });
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
  const position = e.variable(address);
  walk(e, position, e.add(address, e.shl(units, 1)), {
    special: () => e.i32(0),
    block: (block) => put(e, to, BLOCK / 2, (into) => e.store(into, 0, e.vectorNarrow(block))),
    one: (at) => {
      put(e, to, 1, (into) => e.storeNarrow(8, into, 0, e.loadNarrow(8, false, at, 0)));
      e.set(position, e.offset(at, 2));
    },
  });
}
