/**
 * A string's way from one memory into another (Canonical ABI, `load_string_from_range` and `store_string_into_range`): checks of the source,
 * then the allocations of the specification, in its order and with its sizes. Guests see these calls, so they are part of the ABI.
 *
 * The text itself is validated while it is copied: nobody can look at it before the call that it is a part of.
 */

import { I64 } from "../wasm/types.ts";
import { emitRealloc } from "./checks.ts";
import type { ArenaContext, LiftContext, LowerContext, StringEncoding } from "./context.ts";
import type { AbiEmitter } from "./emitter.ts";
import { bytesAboveAscii, type TranscoderName } from "./transcode.ts";
import type { PointerPair } from "./values.ts";

/** An encoding that one string has: `latin1+utf16` is one of two. */
type SimpleEncoding = "utf8" | "utf16" | "latin1";

/** The transcoders that strings from one encoding to another, or to a host, call. */
export function transcodersOf(from: StringEncoding, to: StringEncoding | "host"): readonly TranscoderName[] {
  const simple: readonly SimpleEncoding[] = from === "latin1+utf16" ? ["latin1", "utf16"] : [from];
  const out = new Set<TranscoderName>();
  const add = (...names: readonly TranscoderName[]): void => {
    for (const name of names) out.add(name);
  };
  for (const encoding of simple) {
    if (to === "host") {
      add(encoding === "utf8" ? "validate_utf8" : encoding === "utf16" ? "utf16_to_utf8" : "latin1_to_utf8");
    } else if (to === "utf8") {
      if (encoding === "utf8") add("validate_utf8");
      else if (encoding === "utf16") add("utf16_to_ascii", "utf16_to_utf8");
      else add("latin1_to_ascii", "latin1_to_utf8");
    } else if (to === "utf16") {
      if (encoding === "utf8") add("utf8_to_utf16");
      else if (encoding === "utf16") add("validate_utf16");
      else add("latin1_to_utf16");
    } else if (encoding === "utf8") add("utf8_to_latin1", "inflate", "utf8_to_utf16");
    else if (encoding === "utf16") {
      if (from === "utf16") add("utf16_to_latin1", "inflate", "validate_utf16");
      else add("validate_utf16", "deflate");
    }
  }
  return [...out];
}

export class StringTransfer<V, X> {
  readonly e: AbiEmitter<V, X>;
  readonly lift: LiftContext<V>;
  readonly lower: LowerContext<V>;
  /** Calls a transcoder. */
  readonly transcode: (name: TranscoderName, args: readonly V[]) => readonly V[];

  constructor(
    e: AbiEmitter<V, X>,
    lift: LiftContext<V>,
    lower: LowerContext<V>,
    transcode: (name: TranscoderName, args: readonly V[]) => readonly V[],
  ) {
    this.e = e;
    this.lift = lift;
    this.lower = lower;
    this.transcode = transcode;
  }

  /** `load_string_from_range`, then `store_string_into_range`. */
  transfer([pointer, tagged]: PointerPair<V>): PointerPair<V> {
    const { e } = this;
    const { stringEncoding } = this.lift;
    if (stringEncoding !== "latin1+utf16") return this.#encoded(stringEncoding, pointer, tagged);
    const newPointer = e.variable(e.i64(0));
    const newLength = e.variable(e.i64(0));
    const is64 = this.lift.memory.sizes.ptr === I64;
    const tag = tagOf(e, is64);
    const branch = (encoding: SimpleEncoding, units: V) => (): void => {
      const [p, n] = this.#encoded(encoding, pointer, units);
      e.set(newPointer, p);
      e.set(newLength, n);
    };
    const isUtf16 = e.neImm(e.and(tagged, tag), 0);
    e.if(isUtf16, branch("utf16", e.sub(tagged, tag)), branch("latin1", tagged));
    return [e.get(newPointer), e.get(newLength)];
  }

  #encoded(encoding: SimpleEncoding, pointer: V, units: V): PointerPair<V> {
    const source = this.lift.openText(pointer, units, encoding === "utf16" ? 2 : 1);
    const { arena } = this.lower;
    return arena === undefined ? this.#store(encoding, source, units) : this.#toHost(arena, encoding, source, units);
  }

  /** A host's strings are UTF-8. */
  #toHost(arena: ArenaContext<V>, encoding: SimpleEncoding, source: V, units: V): PointerPair<V> {
    const { e } = this;
    if (encoding === "utf8") {
      this.#validateUtf8(source, units);
      if (arena.views) return [source, units];
      const copy = arena.allocate(1, units);
      this.#copyText(copy, source, units);
      return [copy, units];
    }
    const isUtf16 = encoding === "utf16";
    const to = arena.allocate(1, e.mulImm(units, isUtf16 ? 3 : 2));
    const bytes = this.#one(isUtf16 ? "utf16_to_utf8" : "latin1_to_utf8", to, source, units);
    arena.shrink(e.add(to, bytes));
    return [to, bytes];
  }

  #store(encoding: SimpleEncoding, source: V, units: V): PointerPair<V> {
    switch (this.lower.stringEncoding) {
      case "utf8":
        if (encoding === "utf8") return this.#copy(encoding, source, units, 1, 1);
        if (encoding === "utf16") return this.#toUtf8(source, units, 3, "utf16_to_ascii", "utf16_to_utf8");
        return this.#toUtf8(source, units, 2, "latin1_to_ascii", "latin1_to_utf8");
      case "utf16":
        if (encoding === "utf8") return this.#utf8ToUtf16(source, units);
        return this.#copy(encoding, source, units, 2, 2);
      case "latin1+utf16":
        if (encoding === "latin1") return this.#copy(encoding, source, units, 1, 2);
        if (encoding === "utf16" && this.lift.stringEncoding === "latin1+utf16") {
          return this.#probablyUtf16(source, units);
        }
        return this.#toLatin1OrUtf16(encoding, source, units);
    }
  }

  #realloc(old: V, oldSize: V, alignment: number, size: V): V {
    return emitRealloc(this.e, this.lower, old, oldSize, alignment, size, "string_out_of_bounds");
  }

  #allocate(alignment: number, size: V): V {
    const zero = this.e.i64(0);
    return this.#realloc(zero, zero, alignment, size);
  }

  #one(name: TranscoderName, ...args: readonly V[]): V {
    const [value] = this.transcode(name, args);
    return value ?? this.e.i64(0);
  }

  /** `store_string_copy`. */
  #copy(encoding: SimpleEncoding, source: V, units: V, unitSize: 1 | 2, alignment: number): PointerPair<V> {
    const { e, lower } = this;
    if (encoding === "utf8") this.#validateUtf8(source, units);
    else if (encoding === "utf16") this.transcode("validate_utf16", [source, units]);
    const bytes = unitSize === 2 ? e.shl(units, 1) : units;
    const pointer = this.#allocate(alignment, bytes);
    const to = lower.memory.address(pointer);
    if (encoding === "latin1" && unitSize === 2) this.transcode("latin1_to_utf16", [to, source, units]);
    else this.#copyText(to, source, bytes);
    return [pointer, units];
  }

  /** Whether there are 8 to 16 bytes: two words that may overlap. Names and the like are as short as that, and calls cost more than they do. */
  #isShort(bytes: V): V {
    const { e } = this;
    return e.ultImm(e.offset(bytes, -8), 9);
  }

  #validateUtf8(source: V, bytes: V): void {
    const { e } = this;
    const validate = (): void => void this.transcode("validate_utf8", [source, bytes]);
    e.if(
      this.#isShort(bytes),
      () => {
        const both = e.or(e.load("i64", source, 0), e.load("i64", e.add(source, bytes), -8));
        e.if(e.neImm(e.and(both, bytesAboveAscii(e)), 0), validate);
      },
      validate,
    );
  }

  #copyText(to: V, source: V, bytes: V): void {
    const { e } = this;
    e.if(
      // The same as `#isShort` in other words: to keep that over `realloc` would cost more than to ask again.
      e.ultImm(e.sub(e.i64(16), bytes), 9),
      () => {
        const last = e.load("i64", e.add(source, bytes), -8);
        e.store(to, 0, e.load("i64", source, 0));
        e.store(e.add(to, bytes), -8, last);
      },
      () => e.copy(to, source, bytes),
    );
  }

  /** `store_string_to_utf8`. */
  #toUtf8(
    source: V,
    units: V,
    worst: 2 | 3,
    ascii: "utf16_to_ascii" | "latin1_to_ascii",
    rest: "utf16_to_utf8" | "latin1_to_utf8",
  ): PointerPair<V> {
    const { e, lower } = this;
    const first = this.#allocate(1, units);
    const pointer = e.variable(first);
    const length = e.variable(units);
    const done = this.#one(ascii, lower.memory.address(first), source, units);
    e.if(e.ne(done, units), () => {
      const worstSize = e.mulImm(units, worst);
      const second = this.#realloc(first, units, 1, worstSize);
      const to = e.add(lower.memory.address(second), done);
      const from = e.add(source, worst === 3 ? e.shl(done, 1) : done);
      const total = e.add(done, this.#one(rest, to, from, e.sub(units, done)));
      e.set(pointer, second);
      e.set(length, total);
      e.if(e.ugt(worstSize, total), () => e.set(pointer, this.#realloc(second, worstSize, 1, total)));
    });
    return [e.get(pointer), e.get(length)];
  }

  /** `store_utf8_to_utf16`. */
  #utf8ToUtf16(source: V, bytes: V): PointerPair<V> {
    const { e, lower } = this;
    const worstSize = e.shl(bytes, 1);
    const first = this.#allocate(2, worstSize);
    const pointer = e.variable(first);
    const units = this.#one("utf8_to_utf16", lower.memory.address(first), source, bytes);
    const size = e.shl(units, 1);
    e.if(e.ult(size, worstSize), () => e.set(pointer, this.#realloc(first, worstSize, 2, size)));
    return [e.get(pointer), units];
  }

  /** `store_string_to_latin1_or_utf16`. */
  #toLatin1OrUtf16(encoding: SimpleEncoding, source: V, units: V): PointerPair<V> {
    const { e, lower } = this;
    const first = this.#allocate(2, units);
    const pointer = e.variable(first);
    const length = e.variable(e.i64(0));
    const to = lower.memory.address(first);
    let read: V;
    let written: V;
    if (encoding === "utf8") {
      const [r, w] = this.transcode("utf8_to_latin1", [to, source, units]);
      read = r ?? units;
      written = w ?? units;
    } else {
      read = this.#one("utf16_to_latin1", to, source, units);
      written = read;
    }
    e.if(
      e.eq(read, units),
      () => {
        e.set(length, written);
        e.if(e.ult(written, units), () => e.set(pointer, this.#realloc(first, units, 2, written)));
      },
      () => {
        const worstSize = e.shl(units, 1);
        const second = this.#realloc(first, units, 2, worstSize);
        e.set(pointer, second);
        const begin = lower.memory.address(second);
        this.transcode("inflate", [begin, written]);
        const behind = e.add(begin, e.shl(written, 1));
        const rest = e.sub(units, read);
        const tag = tagOf(e, lower.memory.sizes.ptr === I64);
        if (encoding === "utf8") {
          const total = e.add(written, this.#one("utf8_to_utf16", behind, e.add(source, read), rest));
          const size = e.shl(total, 1);
          e.if(e.ugt(worstSize, size), () => e.set(pointer, this.#realloc(second, worstSize, 2, size)));
          e.set(length, e.or(total, tag));
        } else {
          const from = e.add(source, e.shl(read, 1));
          this.transcode("validate_utf16", [from, rest]);
          e.copy(behind, from, e.shl(rest, 1));
          e.set(length, e.or(units, tag));
        }
      },
    );
    return [e.get(pointer), e.get(length)];
  }

  /** `store_probably_utf16_to_latin1_or_utf16`. */
  #probablyUtf16(source: V, units: V): PointerPair<V> {
    const { e, lower } = this;
    const bytes = e.shl(units, 1);
    const first = this.#allocate(2, bytes);
    const pointer = e.variable(first);
    const length = e.variable(units);
    const to = lower.memory.address(first);
    const wide = this.#one("validate_utf16", source, units);
    e.copy(to, source, bytes);
    e.if(
      e.neImm(wide, 0),
      () => e.set(length, e.or(units, tagOf(e, lower.memory.sizes.ptr === I64))),
      () => {
        this.transcode("deflate", [to, units]);
        e.set(pointer, this.#realloc(first, bytes, 1, units));
      },
    );
    return [e.get(pointer), e.get(length)];
  }
}

/** `utf16_tag`. */
function tagOf<V, X>(e: AbiEmitter<V, X>, is64: boolean): V {
  return is64 ? e.i64Bits(0, 0x8000_0000) : e.i64Bits(0x8000_0000, 0);
}
