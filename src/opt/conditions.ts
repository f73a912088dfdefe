/**
 * What is known at a point because control came there: values that are zero or aren't, how two integers compare, and ranges of i32s
 * compared with constants. Facts are added while the dominator tree is walked down and taken back on the way up.
 *
 * Facts are about values, which never change; so one that was learned at a dominating check or branch holds from there on.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import { type Func, NONE, type Value } from "../ir/function.ts";
import { IntCC, Op } from "../ir/ops.ts";
import { I32 } from "../ir/types.ts";
import { isSignedCondition } from "./fold.ts";
import { VALUE_COLUMNS, VALUES_A } from "./operands.ts";

const UNKNOWN = 0;
const ZERO = 1;
const NONZERO = 2;

/** Orders of two integers that are still possible: less, equal, greater; as signed numbers, and as unsigned ones. */
const SIGNED_LESS = 1;
const SIGNED_EQUAL = 2;
const SIGNED_GREATER = 4;
const SIGNED = SIGNED_LESS | SIGNED_EQUAL | SIGNED_GREATER;
const UNSIGNED_LESS = 8;
const UNSIGNED_EQUAL = 16;
const UNSIGNED_GREATER = 32;
const UNSIGNED = UNSIGNED_LESS | UNSIGNED_EQUAL | UNSIGNED_GREATER;

/** Per condition: the orders for which it holds. */
const HOLDS: readonly number[] = [
  SIGNED_EQUAL | UNSIGNED_EQUAL,
  SIGNED_LESS | SIGNED_GREATER | UNSIGNED_LESS | UNSIGNED_GREATER,
  SIGNED_LESS | UNSIGNED_LESS | UNSIGNED_GREATER,
  SIGNED_GREATER | SIGNED_EQUAL | UNSIGNED,
  SIGNED_GREATER | UNSIGNED_LESS | UNSIGNED_GREATER,
  SIGNED_LESS | SIGNED_EQUAL | UNSIGNED,
  UNSIGNED_LESS | SIGNED_LESS | SIGNED_GREATER,
  UNSIGNED_GREATER | UNSIGNED_EQUAL | SIGNED,
  UNSIGNED_GREATER | SIGNED_LESS | SIGNED_GREATER,
  UNSIGNED_LESS | UNSIGNED_EQUAL | SIGNED,
];

/** How far a condition made of others (`and`, `or`) is taken apart. */
const DEPTH = 4;
const FIRST_SIZE = 16;

/** Columns of the undo log. */
const UNDO_VALUE = 0;
const UNDO_PAIR = 1;
const UNDO_RANGE = 2;

/** Exchanges less and greater. */
function mirrored(orders: number): number {
  return (
    (orders & (SIGNED_EQUAL | UNSIGNED_EQUAL)) |
    ((orders & (SIGNED_LESS | UNSIGNED_LESS)) << 2) |
    ((orders & (SIGNED_GREATER | UNSIGNED_GREATER)) >> 2)
  );
}

export class Conditions {
  readonly #func: Func;
  /** By value: ZERO, NONZERO. Values made later have no facts. */
  readonly #known: Uint8Array;
  // Possible orders of pairs of values, a < b: open addressing.
  #pairA: Int32Array;
  #pairB: Int32Array;
  #pairOrders: Uint8Array;
  #pairs = 0;
  /** Ranges of i32 values, four to each: least and greatest as unsigned, then as signed numbers. Made when first needed. */
  #ranges: Float64Array | undefined;
  /** The values whose ranges are narrower than their type. */
  readonly #ranged: Uint8Array;
  // The undo log: what kind of fact, of what, and what was there before.
  readonly #logKind: I32Column;
  readonly #logWhere: I32Column;
  readonly #logOther: I32Column;
  readonly #logBefore: I32Column;
  /** The ranges that the log's entries replaced, four to each. */
  #oldRanges: Float64Array;
  #oldCount = 0;

  constructor(func: Func) {
    this.#func = func;
    this.#logKind = func.work.column();
    this.#logWhere = func.work.column();
    this.#logOther = func.work.column();
    this.#logBefore = func.work.column();
    this.#pairA = func.work.filled(FIRST_SIZE, NONE);
    this.#pairB = func.work.i32(FIRST_SIZE);
    this.#pairOrders = func.work.u8(FIRST_SIZE);
    this.#oldRanges = func.work.f64(0);
    this.#known = func.work.u8(func.valueCount);
    this.#ranged = func.work.u8(func.valueCount);
  }

  /** A mark for `undo`. */
  get mark(): number {
    return this.#logKind.length;
  }

  /** Forgets what was learned since `mark`. */
  undo(mark: number): void {
    while (this.#logKind.length > mark) {
      const i = --this.#logKind.length;
      const where = this.#logWhere.get(i);
      const before = this.#logBefore.get(i);
      switch (this.#logKind.data[i]) {
        case UNDO_VALUE:
          this.#known[where] = before;
          break;
        case UNDO_PAIR:
          this.#pairOrders[this.#findPair(where, this.#logOther.get(i))] = before;
          break;
        default:
          this.#ranged[where] = before;
          this.#oldCount -= 4;
          this.#restoreRange(where * 4);
      }
    }
    this.#logWhere.length = mark;
    this.#logOther.length = mark;
    this.#logBefore.length = mark;
  }

  #restoreRange(at: number): void {
    const ranges = this.#ranges;
    if (ranges === undefined) return;
    for (let k = 0; k < 4; k++) ranges[at + k] = this.#oldRanges[this.#oldCount + k]!;
  }

  #log(kind: number, where: number, other: number, before: number): void {
    this.#logKind.push(kind);
    this.#logWhere.push(where);
    this.#logOther.push(other);
    this.#logBefore.push(before);
  }

  #def(value: number): number {
    const def = this.#func.valueDef.get(value);
    return def < 0 ? NONE : def;
  }

  #constant(value: number): number {
    const def = this.#func.valueDef.get(value);
    return def >= 0 && this.#func.op.get(def) === Op.iconst ? def : NONE;
  }

  #operand(raw: number): number {
    return this.#func.resolve(entity<Value>(raw));
  }

  /** `value` (an integer) is not zero, or is. */
  assume(value: number, nonZero: boolean): void {
    this.#assume(value, nonZero, DEPTH);
  }

  #assume(value: number, nonZero: boolean, depth: number): void {
    if (value >= this.#known.length) return;
    const before = this.#known[value]!;
    const now = nonZero ? NONZERO : ZERO;
    if (before !== now) {
      this.#log(UNDO_VALUE, value, 0, before);
      this.#known[value] = now;
    }
    const f = this.#func;
    const def = this.#def(value);
    if (def === NONE || depth === 0) return;
    const op = f.op.get(def);
    if ((VALUE_COLUMNS[op]! & VALUES_A) === 0) return;
    const a = this.#operand(f.a.get(def));
    switch (op) {
      case Op.icmp:
      case Op.bounds: {
        const cc = nonZero ? f.lo.get(def) : f.lo.get(def) ^ 1;
        this.#assumeOrder(cc, f.type.get(def), a, this.#operand(f.b.get(def)), depth - 1);
        break;
      }
      case Op.band:
        // Both have bits that are set.
        if (nonZero) {
          this.#assume(a, true, depth - 1);
          this.#assume(this.#operand(f.b.get(def)), true, depth - 1);
        }
        break;
      case Op.bor:
        if (!nonZero) {
          this.#assume(a, false, depth - 1);
          this.#assume(this.#operand(f.b.get(def)), false, depth - 1);
        }
        break;
      case Op.uextend:
      case Op.sextend:
        this.#assume(a, nonZero, depth - 1);
        break;
      case Op.ireduce:
        if (nonZero) this.#assume(a, true, depth - 1);
        break;
    }
  }

  #assumeOrder(cc: number, type: number, a: number, b: number, depth: number): void {
    const k = this.#constant(b);
    if (k !== NONE) {
      if (this.#func.lo.get(k) === 0 && this.#func.hi.get(k) === 0) {
        const exact = cc === IntCC.eq || cc === IntCC.ne;
        if (exact || cc === IntCC.slt || cc === IntCC.sgt || cc === IntCC.ugt) this.#assume(a, cc !== IntCC.eq, depth);
      }
      if (type === I32) this.#narrow(cc, a, this.#func.lo.get(k));
      return;
    }
    if (this.#constant(a) !== NONE) return;
    const swap = a > b;
    const slot = swap ? this.#pair(b, a) : this.#pair(a, b);
    const before = this.#pairOrders[slot]!;
    let orders = before & (swap ? mirrored(HOLDS[cc]!) : HOLDS[cc]!);
    if ((orders & SIGNED_EQUAL) === 0) orders &= ~UNSIGNED_EQUAL;
    if ((orders & UNSIGNED_EQUAL) === 0) orders &= ~SIGNED_EQUAL;
    if (orders === before) return;
    this.#log(UNDO_PAIR, swap ? b : a, swap ? a : b, before);
    this.#pairOrders[slot] = orders;
  }

  #findPair(a: number, b: number): number {
    const mask = this.#pairA.length - 1;
    let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
    hash ^= hash >>> 15;
    let slot = hash & mask;
    while (this.#pairA[slot] !== NONE && (this.#pairA[slot] !== a || this.#pairB[slot] !== b)) slot = (slot + 1) & mask;
    return slot;
  }

  /** The slot of a pair, which it gets if it has none. */
  #pair(a: number, b: number): number {
    if (this.#pairs * 2 >= this.#pairA.length) this.#grow();
    const slot = this.#findPair(a, b);
    if (this.#pairA[slot] === NONE) {
      this.#pairA[slot] = a;
      this.#pairB[slot] = b;
      this.#pairOrders[slot] = SIGNED | UNSIGNED;
      this.#pairs++;
    }
    return slot;
  }

  #grow(): void {
    const [oldA, oldB, oldOrders] = [this.#pairA, this.#pairB, this.#pairOrders];
    this.#pairA = this.#func.work.filled(oldA.length * 2, NONE);
    this.#pairB = this.#func.work.i32(oldA.length * 2);
    this.#pairOrders = this.#func.work.u8(oldA.length * 2);
    for (let i = 0; i < oldA.length; i++) {
      if (oldA[i] === NONE) continue;
      const slot = this.#findPair(oldA[i]!, oldB[i]!);
      this.#pairA[slot] = oldA[i]!;
      this.#pairB[slot] = oldB[i]!;
      this.#pairOrders[slot] = oldOrders[i]!;
    }
  }

  /** `a cc k` holds of the i32 `a`. */
  #narrow(cc: number, a: number, k: number): void {
    if (a >= this.#ranged.length || cc === IntCC.ne) return;
    this.#ranges ??= this.#func.work.f64(this.#ranged.length * 4);
    const ranges = this.#ranges;
    const at = a * 4;
    if (this.#ranged[a] === 0) {
      ranges[at] = 0;
      ranges[at + 1] = 0xffff_ffff;
      ranges[at + 2] = -0x8000_0000;
      ranges[at + 3] = 0x7fff_ffff;
    }
    if (this.#oldCount === this.#oldRanges.length) {
      const bigger = this.#func.work.f64(Math.max(64, this.#oldCount * 2));
      bigger.set(this.#oldRanges);
      this.#oldRanges = bigger;
    }
    for (let k = 0; k < 4; k++) this.#oldRanges[this.#oldCount + k] = ranges[at + k]!;
    this.#oldCount += 4;
    this.#log(UNDO_RANGE, a, 0, this.#ranged[a]!);
    this.#ranged[a] = 1;
    const u = k >>> 0;
    switch (cc) {
      case IntCC.eq:
        ranges[at] = ranges[at + 1] = u;
        ranges[at + 2] = ranges[at + 3] = k;
        break;
      case IntCC.slt:
      case IntCC.sle:
        ranges[at + 3] = Math.min(ranges[at + 3]!, cc === IntCC.slt ? k - 1 : k);
        break;
      case IntCC.sgt:
      case IntCC.sge:
        ranges[at + 2] = Math.max(ranges[at + 2]!, cc === IntCC.sgt ? k + 1 : k);
        break;
      case IntCC.ult:
      case IntCC.ule:
        ranges[at + 1] = Math.min(ranges[at + 1]!, cc === IntCC.ult ? u - 1 : u);
        break;
      default:
        ranges[at] = Math.max(ranges[at]!, cc === IntCC.ugt ? u + 1 : u);
    }
    // A range that doesn't cross the sign is one in both orders.
    if (ranges[at + 1]! <= 0x7fff_ffff) {
      ranges[at + 2] = Math.max(ranges[at + 2]!, ranges[at]!);
      ranges[at + 3] = Math.min(ranges[at + 3]!, ranges[at + 1]!);
    } else if (ranges[at + 2]! >= 0) {
      ranges[at] = Math.max(ranges[at]!, ranges[at + 2]!);
      ranges[at + 1] = Math.min(ranges[at + 1]!, ranges[at + 3]!);
    }
  }

  /** Whether `value` is known to be not zero (1), zero (0), or neither (-1). */
  truth(value: number): number {
    const known = value < this.#known.length ? this.#known[value]! : UNKNOWN;
    return known === UNKNOWN ? -1 : known === NONZERO ? 1 : 0;
  }

  /** Whether the comparison that `inst` makes is known to hold (1), to fail (0), or neither (-1). */
  compare(inst: number): number {
    const f = this.#func;
    const cc = f.lo.get(inst);
    const a = f.a.get(inst);
    const b = f.b.get(inst);
    const k = this.#constant(b);
    if (k === NONE) {
      if (this.#pairs === 0 || this.#constant(a) !== NONE) return -1;
      const swap = a > b;
      const slot = swap ? this.#findPair(b, a) : this.#findPair(a, b);
      if (this.#pairA[slot] === NONE) return -1;
      const orders = swap ? mirrored(this.#pairOrders[slot]!) : this.#pairOrders[slot]!;
      const asked = cc <= IntCC.ne ? SIGNED | UNSIGNED : isSignedCondition(cc) ? SIGNED : UNSIGNED;
      const possible = orders & asked;
      if ((possible & ~HOLDS[cc]!) === 0) return 1;
      return (possible & HOLDS[cc]!) === 0 ? 0 : -1;
    }
    const lo = f.lo.get(k);
    if ((cc === IntCC.eq || cc === IntCC.ne) && lo === 0 && f.hi.get(k) === 0) {
      const truth = this.truth(a);
      if (truth >= 0) return (truth === 1) === (cc === IntCC.ne) ? 1 : 0;
    }
    if (f.type.get(inst) !== I32 || a >= this.#ranged.length || this.#ranged[a] === 0) return -1;
    return this.#inRange(cc, a, lo);
  }

  #inRange(cc: number, a: number, k: number): number {
    const ranges = this.#ranges;
    if (ranges === undefined) return -1;
    const signed = isSignedCondition(cc);
    const least = ranges[a * 4 + (signed ? 2 : 0)]!;
    const greatest = ranges[a * 4 + (signed ? 3 : 1)]!;
    const x = signed ? k : k >>> 0;
    switch (cc) {
      case IntCC.eq:
      case IntCC.ne:
        if (x < least || x > greatest) return cc === IntCC.ne ? 1 : 0;
        return least === greatest && least === x ? (cc === IntCC.eq ? 1 : 0) : -1;
      case IntCC.slt:
      case IntCC.ult:
        return greatest < x ? 1 : least >= x ? 0 : -1;
      case IntCC.sge:
      case IntCC.uge:
        return least >= x ? 1 : greatest < x ? 0 : -1;
      case IntCC.sgt:
      case IntCC.ugt:
        return least > x ? 1 : greatest <= x ? 0 : -1;
      default:
        return greatest <= x ? 1 : least > x ? 0 : -1;
    }
  }
}
