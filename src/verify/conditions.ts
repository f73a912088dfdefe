/**
 * What a condition that holds says of the values that were compared. Sound, not complete: what isn't understood teaches nothing.
 */

import { lengthClass, type State } from "./state.ts";
import {
  AtomKind,
  Base,
  type CompareFlags,
  combine,
  type Condition,
  constant,
  Form,
  isConstant,
  isLength,
  loneAtom,
  neverShrinks,
  ofAtom,
} from "./values.ts";

/** Modulo 2^64, what is no further below 0 than this is above all numbers that doubles have exactly. */
const SHALLOW = 2 ** 52;

/** iced's `ConditionCode`. */
export const Cc = {
  o: 1,
  no: 2,
  b: 3,
  ae: 4,
  e: 5,
  ne: 6,
  be: 7,
  a: 8,
  s: 9,
  ns: 10,
  p: 11,
  np: 12,
  l: 13,
  ge: 14,
  le: 15,
  g: 16,
} as const;

export function negated(condition: number): number {
  return ((condition - 1) ^ 1) + 1;
}

/** `typeOf` gives the number of the type that a signature half stands for, or -1. */
export type TypeOfSignature = (half: number) => number;

/** Whether something may be learnt of signatures from `c`, or that it does not hold. */
export function mayTellSignature(state: State, c: Condition): boolean {
  if (c.op !== "compare") return true;
  const kind = state.atoms.kind[loneAtom(c.flags.left)];
  return kind === AtomKind.signature || kind === AtomKind.condition;
}

/** Learns that `c` holds (or, `truth` false, does not). */
export function assume(state: State, c: Condition, truth: boolean, typeOf: TypeOfSignature): void {
  // Twice: what one part says may need what another does.
  if (c.op !== "compare") assumeOnce(state, c, truth, typeOf);
  assumeOnce(state, c, truth, typeOf);
}

function assumeOnce(state: State, c: Condition, truth: boolean, typeOf: TypeOfSignature): void {
  switch (c.op) {
    case "not":
      return assumeOnce(state, c.x, !truth, typeOf);
    case "compare":
      return assumeCompare(state, truth ? c.condition : negated(c.condition), c.flags, typeOf);
    case "and":
    case "or":
      if ((c.op === "and") === truth) {
        assumeOnce(state, c.x, truth, typeOf);
        assumeOnce(state, c.y, truth, typeOf);
      } else if (truth) assumeSignatures(state, c, typeOf);
  }
}

/** A disjunction of comparisons of one signature half, with signatures of one type. */
function assumeSignatures(state: State, c: Condition, typeOf: TypeOfSignature): void {
  let atom = 0;
  let type = -1;
  const all = (x: Condition): boolean => {
    if (x.op === "or") return all(x.x) && all(x.y);
    if (x.op !== "compare" || x.condition !== Cc.e || !isConstant(x.flags.right)) return false;
    const a = loneAtom(x.flags.left);
    const t = typeOf(x.flags.right.c);
    if (state.atoms.kind[a] !== AtomKind.signature || t < 0) return false;
    if (atom !== 0 && (a !== atom || t !== type)) return false;
    atom = a;
    type = t;
    return true;
  };
  if (all(c)) learnSignature(state, atom, type);
}

function learnSignature(state: State, atom: number, type: number): void {
  const address = state.atoms.payload[atom];
  if (address instanceof Form) state.learnElement(address, state.atoms.detail[atom] ?? 0, type);
}

function assumeCompare(state: State, condition: number, flags: CompareFlags, typeOf: TypeOfSignature): void {
  const { left, right } = flags;
  switch (condition) {
    case Cc.e:
      return assumeEqual(state, left, right, typeOf);
    case Cc.ne:
      return assumeUnequal(state, left, right, typeOf);
  }
  if (flags.kind === "result") return;
  switch (condition) {
    case Cc.b:
      return assumeLess(state, left, right, 1);
    case Cc.be:
      return assumeLess(state, left, right, 0);
    case Cc.a:
      return assumeLess(state, right, left, 1);
    case Cc.ae:
      learnNoWrap(state, left, right);
      learnFloor(state, left, right);
      return assumeLess(state, right, left, 0);
    case Cc.l:
    case Cc.le:
    case Cc.g:
    case Cc.ge:
      return assumeSigned(state, condition, flags);
    case Cc.ns:
      if (isConstant(right) && right.c === 0) return assumeSigned(state, Cc.ge, flags);
  }
}

function assumeEqual(state: State, left: Form, right: Form, typeOf: TypeOfSignature): void {
  const atom = loneAtom(left);
  const { kind, payload } = state.atoms;
  if (isConstant(right)) {
    if (kind[atom] === AtomKind.signature) {
      const type = typeOf(right.c);
      if (type >= 0) learnSignature(state, atom, type);
    } else if (kind[atom] === AtomKind.condition && right.c <= 1 && right.c >= 0) {
      const c = payload[atom];
      if (isCondition(c)) assume(state, c, right.c === 1, typeOf);
    }
  }
  assumeLess(state, left, right, 0);
  assumeLess(state, right, left, 0);
}

function assumeUnequal(state: State, left: Form, right: Form, typeOf: TypeOfSignature): void {
  const atom = loneAtom(left);
  if (atom === 0 || !isConstant(right)) return assumeApart(state, left, right);
  const { kind, detail, payload } = state.atoms;
  if (kind[atom] === AtomKind.condition && (right.c === 0 || right.c === 1)) {
    const c = payload[atom];
    if (isCondition(c)) assume(state, c, right.c === 0, typeOf);
    return;
  }
  if (kind[atom] === AtomKind.scan && right.c === 0) {
    const position = payload[atom];
    if (!(position instanceof Form)) return;
    // Its lower half is the same number.
    for (const same of [loneAtom(position), state.atoms.low(position)]) {
      state.narrow(same, 0, (detail[atom] ?? 0) - 1);
    }
    return;
  }
  const { lo, hi } = state.rangeOf(atom);
  if (lo === right.c) state.narrow(atom, lo + 1, hi);
  else if (hi === right.c) state.narrow(atom, lo, hi - 1);
}

/** Of two that are not the same, what is at most the other is less. */
function assumeApart(state: State, left: Form, right: Form): void {
  if (!state.isExact(left) || !state.isExact(right)) return;
  if (isLess(state, left, right, 0)) assumeLess(state, left, right, 1);
  if (isLess(state, right, left, 0)) assumeLess(state, right, left, 1);
}

function isCondition(payload: unknown): payload is Condition {
  return typeof payload === "object" && payload !== null && !(payload instanceof Form);
}

/** (x + c) ≥ c: the sum has not wrapped around. */
function learnNoWrap(state: State, left: Form, right: Form): void {
  if (!isConstant(right) || right.c <= 0 || left.c !== right.c || left.a === 0 || left.b !== 0 || left.s !== 1) return;
  if (left.base === Base.number) state.narrow(left.a, 0, Number.POSITIVE_INFINITY, left.c);
}

/** No stack ends so near the address 0 that subtracting this much goes below it. */
const DEEPEST = -(2 ** 31);

/** The stack pointer, or less, is above the limit. */
function learnFloor(state: State, left: Form, right: Form): void {
  const limit = loneAtom(right);
  if (left.base !== Base.frame || left.a !== 0 || left.c < DEEPEST || state.atoms.kind[limit] !== AtomKind.stackLimit)
    return;
  state.floor = Math.min(state.floor, left.c);
}

/** Whether x + d ≤ y is known, of numbers without a wrap. */
function isLess(state: State, x: Form, y: Form, d: number): boolean {
  const hi = state.upperBound(x);
  state.range(y);
  if (hi + d <= state.lo) return true;
  const difference = combine(x, y, -1);
  if (difference?.base === Base.number && state.margin(difference, 0) >= difference.c + d) return true;
  return lengthsIn(state, x, y).some(({ length, sum }) => state.margin(sum, length) >= sum.c + d);
}

/** The lengths that y is one of plus something, each with x less that something. */
function lengthsIn(state: State, x: Form, y: Form): { readonly length: number; readonly sum: Form }[] {
  const { kind } = state.atoms;
  const found: { readonly length: number; readonly sum: Form }[] = [];
  for (const [length, s] of [
    [y.a, y.s],
    [y.b, y.t],
  ] as const) {
    if (length === 0 || s !== 1 || !isLength(kind[length])) continue;
    const rest = combine(y, ofAtom(length), -1);
    const sum = rest === undefined ? undefined : state.sum(x, rest, -1);
    if (sum?.base === Base.number) found.push({ length, sum });
  }
  return found;
}

/** x + d ≤ y, unsigned. */
function assumeLess(state: State, x: Form, y: Form, d: number): void {
  const right = state.asNumber(y);
  if (right === undefined) return;
  if (right !== y) return assumeLess(state, x, right, d);
  state.range(y);
  // Above 2^63, of 64 bits.
  if (isConstant(x) && x.c < 0 && Number.isFinite(state.hi)) state.impossible = true;
  if (Number.isFinite(state.hi)) learnPositive(state, x);
  const left = state.asNumber(x);
  if (left === undefined) return;
  if (left !== x) return assumeLess(state, left, y, d);
  if (isLess(state, y, x, 1 - d)) state.impossible = true;
  state.range(y);
  const limit = state.hi - d;
  if (Number.isFinite(limit)) {
    boundAbove(state, x, limit);
    if (x.b !== 0) state.relate(x, 0, x.c - limit);
  }
  const difference = combine(x, y, -1);
  if (difference !== undefined && difference.s > 0 && difference.t > 0) state.relate(difference, 0, difference.c + d);
  state.range(x);
  if (state.lo > 0 || d > 0) boundBelow(state, y, state.lo + d);
  relateTo(state, x, y, d);
}

/** What is at most an exact number has not wrapped around, if it is no further below 0 than that. */
function learnPositive(state: State, x: Form): void {
  if (x.base !== Base.number) return;
  state.range(x);
  if (state.lo < 0 && state.lo >= -SHALLOW && state.hi <= SHALLOW) boundBelow(state, x, 0);
}

function boundAbove(state: State, x: Form, limit: number): void {
  if (x.a === 0) return;
  const first = state.rangeOf(x.a);
  if (x.b === 0) {
    if (x.s > 0) state.narrow(x.a, 0, Math.floor((limit - x.c) / x.s));
    else state.narrow(x.a, Math.ceil((limit - x.c) / x.s), Number.POSITIVE_INFINITY);
    return;
  }
  if (x.s < 0 || x.t < 0) return;
  const second = state.rangeOf(x.b);
  state.narrow(x.a, 0, Math.floor((limit - x.c - x.t * second.lo) / x.s));
  state.narrow(x.b, 0, Math.floor((limit - x.c - x.s * first.lo) / x.t));
}

function boundBelow(state: State, y: Form, limit: number): void {
  if (y.a === 0 || y.b !== 0) return;
  if (y.s > 0) state.narrow(y.a, Math.ceil((limit - y.c) / y.s), Number.POSITIVE_INFINITY);
  else state.narrow(y.a, 0, Math.floor((limit - y.c) / y.s));
}

/** When y is a length plus something: x less that something is at most the length. */
function relateTo(state: State, x: Form, y: Form, d: number): void {
  const { kind, detail } = state.atoms;
  for (const { length, sum } of lengthsIn(state, x, y)) {
    state.relate(sum, length, sum.c + d);
    const of = kind[length];
    if (neverShrinks(of)) state.relate(sum, lengthClass(of, detail[length] ?? 0), sum.c + d);
  }
}

/** Values below 2^31 compare the same way with and without sign. */
function assumeSigned(state: State, condition: number, flags: CompareFlags): void {
  const top = flags.size === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * flags.size - 1) - 1;
  let { left, right } = flags;
  // Constants of 32 bits are unsigned by now.
  if (flags.size === 4 && isConstant(right) && right.c > top) right = constant(right.c - 2 ** 32);
  if (flags.size === 4 && isConstant(left) && left.c > top) left = constant(left.c - 2 ** 32);
  const small = (f: Form): boolean => {
    if (!state.isExact(f)) return false;
    state.range(f);
    return state.lo >= 0 && state.hi <= top;
  };
  const [x, y, d] =
    condition === Cc.l || condition === Cc.le
      ? ([left, right, condition === Cc.l ? 1 : 0] as const)
      : ([right, left, condition === Cc.g ? 1 : 0] as const);
  // x + d ≤ y
  if (small(x) && small(y)) return assumeLess(state, x, y, d);
  // At least something that isn't negative: y isn't, either.
  const atom = loneAtom(y);
  const known = isConstant(x) ? x.c : small(x) ? 0 : Number.NaN;
  if (flags.size === 4 && atom !== 0 && known + d >= 0) state.narrow(atom, known + d, top);
}
