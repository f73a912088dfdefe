/** Random types and values of the model, from a seed. */

import { alignment, elemSize, type Encoding, type Prim, type Str, type Type, type Value } from "./model.ts";

export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed | 0;
  }
  /** 32 bits (mulberry32). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return (t ^ (t >>> 14)) >>> 0;
  }
  below(n: number): number {
    return this.next() % n;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(list: readonly T[]): T {
    const value = list[this.below(list.length)];
    if (value === undefined) throw new Error("an empty list");
    return value;
  }
  list<T>(count: number, make: () => T): T[] {
    return Array.from({ length: count }, make);
  }
}

const PRIMS: readonly Prim[] = [
  "bool",
  "u8",
  "s8",
  "u16",
  "s16",
  "u32",
  "s32",
  "u64",
  "s64",
  "f32",
  "f64",
  "char",
  "string",
];
const KEYS: readonly Prim[] = ["bool", "u8", "s8", "u16", "u32", "s32", "u64", "char", "string"];

/** `leaf` may give another type than one of the primitive ones. */
export function randomType(r: Random, depth: number, leaf: () => Type | undefined = () => undefined): Type {
  if (depth === 0 || r.chance(25)) return leaf() ?? { k: r.pick(PRIMS) };
  const inner = (): Type => randomType(r, depth - 1, leaf);
  const maybe = (): Type | undefined => (r.chance(30) ? undefined : inner());
  switch (r.below(9)) {
    case 0:
      return { k: "list", of: inner(), length: undefined };
    case 1:
      return { k: "list", of: inner(), length: 1 + r.below(4) };
    case 2:
      return { k: "map", key: { k: r.pick(KEYS) }, value: inner() };
    case 3:
      return { k: r.chance(50) ? "record" : "tuple", fields: r.list(1 + r.below(r.chance(10) ? 40 : 5), inner) };
    case 4:
      return { k: "variant", cases: r.list(1 + r.below(5), maybe) };
    case 5:
      return { k: "option", of: inner() };
    case 6:
      return { k: "result", ok: maybe(), err: maybe() };
    case 7:
      return { k: "enum", count: 1 + r.below(r.chance(10) ? 300 : 6) };
    default:
      return { k: "flags", count: 1 + r.below(32) };
  }
}

export const ENCODINGS: readonly Encoding[] = ["utf8", "utf16", "latin1+utf16"];

function randomString(r: Random): Str {
  const alphabet = r.pick<readonly number[]>([
    [0x61, 0x20, 0x7f, 0],
    [0x61, 0x7a, 0xe9, 0xff, 0x80],
    [0x41, 0x100, 0x7ff, 0x800, 0x2603, 0xffff, 0xd7ff, 0xe000],
    [0x41, 0xe9, 0x2603, 0x1_f370, 0x1_0000, 0x10_ffff],
  ]);
  const text = String.fromCodePoint(...r.list(r.below(r.chance(10) ? 60 : 10), () => r.pick(alphabet)));
  return { text, encoding: "utf16", units: text.length, tagged: false };
}

const LIMITS = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

function randomBits(r: Random): bigint {
  const word = (): number => (r.chance(50) ? r.pick(LIMITS) : r.next());
  return (BigInt(word()) << 32n) | BigInt(word());
}

/** `handle` gives the value of a handle. */
export function randomValue(r: Random, t: Type, handle: (t: Type) => number = () => 0): Value {
  const inner = (of: Type): Value => randomValue(r, of, handle);
  const list = (count: number, of: Type): Value[] => r.list(count, () => inner(of));
  const count = (): number => r.below(r.chance(10) ? 20 : 4);
  const one = (cases: readonly (Type | undefined)[]): Value => {
    const index = r.below(cases.length);
    const c = cases[index];
    return { index, payload: c === undefined ? undefined : inner(c) };
  };
  switch (t.k) {
    case "bool":
      return r.chance(50);
    case "u8":
    case "u16":
    case "u32":
    case "f32":
      return Number(BigInt.asUintN(8 * elemSize(t, "i32"), randomBits(r)));
    case "s8":
    case "s16":
    case "s32":
      return Number(BigInt.asIntN(8 * elemSize(t, "i32"), randomBits(r)));
    case "u64":
    case "f64":
      return randomBits(r);
    case "s64":
      return BigInt.asIntN(64, randomBits(r));
    case "char":
      return r.pick([0, 0x61, 0xd7ff, 0xe000, 0xffff, 0x10_ffff]);
    case "string":
      return randomString(r);
    case "list":
      return list(t.length ?? count(), t.of);
    case "map":
      return list(count(), { k: "tuple", fields: [t.key, t.value] });
    case "record":
    case "tuple":
      return t.fields.map(inner);
    case "variant":
      return one(t.cases);
    case "option":
      return one([undefined, t.of]);
    case "result":
      return one([t.ok, t.err]);
    case "enum":
      return { index: r.below(t.count), payload: undefined };
    case "flags":
      return r.next() % 2 ** t.count;
    case "own":
    case "borrow":
      return handle(t);
  }
}

/** Bytes that a value of the type takes at least, so that tests stay within their memories. */
export function footprint(t: Type): number {
  return elemSize(t, "i64") + alignment(t, "i64");
}
