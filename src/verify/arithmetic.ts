/** What computing instructions make of numbers and addresses: sums, bits, shifts, products and quotients. */

import { constantToken } from "./access.ts";
import { Part } from "./atoms.ts";
import { OperandKind } from "./decode.ts";
import { Op } from "./instructions.ts";
import { limitOf, type Machine, RED_ZONE, Reg } from "./machine.ts";
import {
  AtomKind,
  Base,
  both,
  combine,
  type Condition,
  Form,
  isConstant,
  isLength,
  loneAtom,
  multiply,
  not,
  ZERO,
} from "./values.ts";

export function lea(m: Machine): void {
  const { i } = m;
  const address = m.address();
  if (i.r0 === Reg.rsp) return moveStack(m, i.s0 === 8 ? address : undefined);
  m.result(computed(m, address, i.s0));
}

/** A constant that is a reference to a function becomes one by name, so that it joins with others. */
function named(m: Machine, value: Form): Form {
  const token = value.c >= 2 ** 32 && isConstant(value) ? constantToken(m, value) : undefined;
  if (token === undefined) return value;
  const reference = m.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token, Part.reference);
  m.state.narrow(reference.a, 1, Number.POSITIVE_INFINITY);
  return reference;
}

/** A new stack pointer: somewhere in the frame. */
export function moveStack(m: Machine, to: Form | undefined): void {
  if (to === undefined || to.base !== Base.frame || to.a !== 0) {
    return m.failAccess("the stack pointer gets a value that is not followed");
  }
  m.state.registers[Reg.rsp] = to;
  // What is below it does not last.
  for (const key of m.state.slots.entries().keys()) if (key < to.c - RED_ZONE) m.state.slots.delete(key);
}

export function addOrSubtract(m: Machine, sign: 1 | -1): void {
  const { i } = m;
  const size = m.size();
  if (sign === -1 && i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1) {
    m.result(ZERO);
    return;
  }
  const x = m.operand(0);
  const y = m.operand(1);
  if (i.k0 === OperandKind.register && i.r0 === Reg.rsp) {
    return moveStack(m, size === 8 ? combine(x, y, sign) : undefined);
  }
  const sum = m.state.sum(x, y, sign);
  const value = computed(m, sum, size);
  if (size >= 4) {
    m.state.flags =
      sign === -1 ? { kind: "compare", size, left: x, right: y } : { kind: "result", size, left: value, right: ZERO };
  }
  m.result(value);
}

export function negate(m: Machine): void {
  m.result(computed(m, combine(ZERO, m.operand(0), -1), m.size()));
}

/**
 * A sum or difference as a result of `size` bytes. Of two unknowns it is a new one where it may be anything, and where it is a difference,
 * of which no relation is kept; what a length has to do with stays.
 */
function computed(m: Machine, f: Form | undefined, size: number): Form {
  if (f === undefined) return m.fresh(size);
  const { kind } = m.atoms;
  const ofLength = isLength(kind[f.a]) || isLength(kind[f.b]);
  if (f.base === Base.number && f.b !== 0 && !ofLength) {
    if (!m.state.isExact(f)) return m.fresh(size);
    m.state.range(f);
    const { lo, hi } = m.state;
    if ((f.s < 0 || f.t < 0) && hi <= limitOf(size)) {
      const value = m.fresh(size, Part.difference);
      m.state.narrow(value.a, lo, hi);
      return value;
    }
  }
  return named(m, m.truncate(f, size));
}

function conditionOf(m: Machine, f: Form): Condition | undefined {
  const atom = loneAtom(f);
  if (m.atoms.kind[atom] !== AtomKind.condition) return undefined;
  const payload = m.atoms.payload[atom];
  return typeof payload === "object" && !(payload instanceof Form) ? payload : undefined;
}

export function logic(m: Machine, op: number): void {
  const { i, state } = m;
  const size = m.size();
  if (op === Op.xor && i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1) {
    m.result(ZERO);
    return;
  }
  if (op !== Op.xor && bothBytes(m)) {
    m.write(i.r0, 8, m.atom(Number.POSITIVE_INFINITY, AtomKind.conditionByte, 0, undefined, Part.bytes));
    return;
  }
  const x = m.operand(0);
  const y = m.operand(1);
  const value = logicValue(m, op, size, x, y);
  if (size >= 4) state.flags = { kind: "result", size, left: value, right: ZERO };
  m.result(value);
}

/** Both operands are registers whose low byte is 0 or 1, and the rest of them is anything. */
function bothBytes(m: Machine): boolean {
  const { i, state, atoms } = m;
  if (i.k0 !== OperandKind.register || i.k1 !== OperandKind.register || i.high || i.r0 < 0 || i.r1 < 0) return false;
  const [a, b] = [loneAtom(state.register(i.r0)), loneAtom(state.register(i.r1))];
  return atoms.kind[a] === AtomKind.conditionByte && atoms.kind[b] === AtomKind.conditionByte;
}

function logicValue(m: Machine, op: number, size: number, x: Form, y: Form): Form {
  const [p, q] = [conditionOf(m, x), conditionOf(m, y)];
  let c: Condition | undefined;
  if (p !== undefined && q !== undefined && op !== Op.xor) c = both(op === Op.and ? "and" : "or", p, q);
  else if (p !== undefined && op === Op.xor && isConstant(y) && y.c === 1) c = not(p);
  if (c !== undefined) return m.atom(1, AtomKind.condition, 0, c);
  const [a, b] = [boundOf(m, x, size), boundOf(m, y, size)];
  if (op === Op.and) return m.bounded(size, Math.min(a, b));
  const value = m.bounded(size, allBits(Math.max(a, b)));
  // It has all bits of both.
  if (op === Op.or) m.state.narrow(value.a, Math.max(leastOf(m, x), leastOf(m, y)), Number.POSITIVE_INFINITY);
  return value;
}

export function shift(m: Machine, op: number): void {
  const { i } = m;
  const size = m.size();
  const x = m.operand(0);
  const by = i.k1 === OperandKind.immediate ? i.immediate & (size === 8 ? 63 : 31) : -1;
  let value: Form | undefined;
  if (by >= 0 && op === Op.shl) {
    const product = by <= 40 ? multiply(x, 2 ** by) : undefined;
    if (product !== undefined) value = m.truncate(product, size);
  } else if (op !== Op.shl) {
    const hi = boundOf(m, x, size);
    // 2^64 and more lose exactness, upwards.
    const limit = Number.isFinite(hi) || by < 0 ? Math.floor(hi / 2 ** Math.max(by, 0)) : 2 ** (64 - by);
    if (op === Op.shr || hi <= largestPositive(size)) value = m.bounded(size, limit);
  }
  m.result(value ?? m.fresh(size));
}

/** The smallest number that `f` may be. */
function leastOf(m: Machine, f: Form): number {
  if (!m.state.isExact(f)) return 0;
  m.state.range(f);
  return Math.max(0, m.state.lo);
}

/** Numbers up to this are far from wrapping around, however they were rounded. */
const NO_WRAP = 2 ** 63;
/** More than what rounding may have taken from a bound. */
const ROUNDED = 1 + 2 ** -48;

/** The largest number that `f` may be, of `size` bytes; more than that where it is not exact. */
function boundOf(m: Machine, f: Form, size: number): number {
  const { state } = m;
  if (state.isExact(f)) return Math.min(limitOf(size), state.upperBound(f));
  const isProduct = f.base === Base.number && f.b === 0 && f.s > 0 && f.c >= 0;
  const largest = isProduct ? (f.c + f.s * state.rangeOf(f.a).hi) * ROUNDED : Number.POSITIVE_INFINITY;
  return largest <= NO_WRAP ? Math.min(limitOf(size), largest) : limitOf(size);
}

export function product(m: Machine): void {
  const { i } = m;
  const size = m.size();
  if (i.operands === 1) {
    m.operand(0);
    return wide(m);
  }
  const x = m.operand(i.operands === 3 ? 1 : 0);
  const y = m.operand(i.operands === 3 ? 2 : 1);
  const k = isConstant(y) ? (size === 4 ? y.c | 0 : y.c) : Number.NaN;
  const product = Number.isNaN(k) ? undefined : multiply(x, k);
  m.result(product === undefined ? m.bounded(size, productOf(m, x, y, size)) : m.truncate(product, size));
}

/** The largest number that x × y may be, of `size` bytes. */
function productOf(m: Machine, x: Form, y: Form, size: number): number {
  const largest = boundOf(m, x, size) * boundOf(m, y, size);
  // Larger ones may wrap around, and of 0 × infinity nothing is known.
  return largest <= Math.min(limitOf(size), Number.MAX_SAFE_INTEGER) ? largest : limitOf(size);
}

/** bsf, bsr: the position of a bit, unless the operand is 0, which the flags tell, and the register keeps all that was in it. */
export function scan(m: Machine): void {
  const size = m.size();
  m.operand(1);
  const isSmall = m.isWithin(m.state.register(m.i.r0), size);
  const position = m.fresh(isSmall ? size : 8, Part.result);
  const found = m.atom(1, AtomKind.scan, 8 * size, position, Part.found);
  m.state.flags = { kind: "result", size, left: found, right: ZERO };
  m.result(position);
}

/** Results of the operand's size in rax and rdx; those of 4 bytes are zero-extended. */
export function wide(m: Machine): void {
  const size = m.size() === 4 ? 4 : 8;
  m.write(Reg.rax, 8, m.fresh(size, Part.rax));
  m.write(Reg.rdx, 8, m.fresh(size, Part.rdx));
}

/** Unsigned: rdx:rax by operand 0. */
export function divide(m: Machine): void {
  const divisor = m.operand(0);
  // Smaller ones leave what is above in the registers.
  if (m.size() < 4) return wide(m);
  const size = m.size() === 4 ? 4 : 8;
  const high = m.read(Reg.rdx, size);
  const dividend = isConstant(high) && high.c === 0 ? boundOf(m, m.read(Reg.rax, size), size) : limitOf(size);
  const remainder = Math.min(dividend, Math.max(0, boundOf(m, divisor, size) - 1));
  m.write(Reg.rax, 8, m.bounded(size, dividend, Part.rax));
  m.write(Reg.rdx, 8, m.bounded(size, remainder, Part.rdx));
}

/** The largest number that has no bits but those of numbers up to `limit`. */
function allBits(limit: number): number {
  if (!Number.isFinite(limit)) return limit;
  let next = 1;
  while (next <= limit) next *= 2;
  return next - 1;
}

/** The largest number of `size` bytes without a sign, as far as numbers are exact. */
function largestPositive(size: number): number {
  return size === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * size - 1) - 1;
}
