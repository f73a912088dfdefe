/** Numeric operators that trap, or that take several operations: division, conversion of floats to integers, wide arithmetic. */

import type { Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { FloatCC, IntCC, Op } from "../../ir/ops.ts";
import { F32, F64, I32, I64, type Type } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import type { Body } from "./body.ts";

/** `op`: sdiv, udiv, srem or urem. Only what the divisor can be is checked. */
export function translateDivision(body: Body, op: number, type: Type): void {
  const { builder, func } = body;
  const b = body.pop();
  const a = body.pop();
  const constant = body.constantInst(b);
  const lo = constant === NONE ? 0 : func.lo.get(constant);
  const hi = constant === NONE || type === I32 ? lo >> 31 : func.hi.get(constant);
  if (constant === NONE) {
    const divisor = type === I32 ? b : builder.icmp(IntCC.ne, I64, b, builder.iconst64(0, 0));
    builder.trapIf(Op.trapz, divisor, Trap.integer_divide_by_zero);
  } else if ((lo | hi) === 0) {
    body.trap(Trap.integer_divide_by_zero);
    return;
  }
  if (op === Op.sdiv && (constant === NONE || (lo === -1 && hi === -1))) {
    const min = type === I32 ? builder.iconst32(-0x8000_0000) : builder.iconst64(0, -0x8000_0000);
    let overflow = builder.icmp(IntCC.eq, type, a, min);
    if (constant === NONE) {
      const minusOne = type === I32 ? builder.iconst32(-1) : builder.iconst64(-1, -1);
      overflow = builder.binary(Op.band, I32, overflow, builder.icmp(IntCC.eq, type, b, minusOne));
    }
    builder.trapIf(Op.trapnz, overflow, Trap.integer_overflow);
  }
  body.push(builder.binary(op, type, a, b));
}

/** `i32.eqz` and `i64.eqz`. */
export function translateEqz(body: Body, type: Type): void {
  const { builder } = body;
  const zero = type === I32 ? builder.iconst32(0) : builder.iconst64(0, 0);
  body.push(builder.icmp(IntCC.eq, type, body.pop(), zero));
}

interface Range {
  /** Bits of the float that the operand must exceed, or (`inclusive`) reach. */
  readonly low: readonly [lo: number, hi: number];
  readonly inclusive: boolean;
  /** Bits of the float that the operand must be less than. */
  readonly high: readonly [lo: number, hi: number];
}

function f32Bits(value: number): readonly [number, number] {
  return [new Int32Array(Float32Array.of(value).buffer)[0] ?? 0, 0];
}

function f64Bits(value: number): readonly [number, number] {
  const halves = new Int32Array(Float64Array.of(value).buffer);
  return [halves[0] ?? 0, halves[1] ?? 0];
}

/**
 * The open interval of operands that truncate into the integer type. Its lower end is the greatest float that doesn't; where the
 * float type has no value between that of MIN − 1 and MIN, the interval includes MIN instead.
 */
function range(from: Type, bits: 32 | 64, signed: boolean): Range {
  const float = from === F32 ? f32Bits : f64Bits;
  const high = float(2 ** (signed ? bits - 1 : bits));
  if (!signed) return { low: float(-1), inclusive: false, high };
  const min = -(2 ** (bits - 1));
  const exact = from === F64 && bits === 32;
  return { low: float(exact ? min - 1 : min), inclusive: !exact, high };
}

/** By (from is F64) × 4 + (to is I64) × 2 + (signed). */
const RANGES: readonly Range[] = [F32, F64].flatMap((from) =>
  ([32, 64] as const).flatMap((bits) => [range(from, bits, false), range(from, bits, true)]),
);

/** The trapping `trunc` operators. */
export function translateTruncation(body: Body, from: Type, to: Type, signed: boolean): void {
  const { builder } = body;
  const value = body.pop();
  const bounds = RANGES[(from === F64 ? 4 : 0) + (to === I64 ? 2 : 0) + (signed ? 1 : 0)];
  if (bounds === undefined) throw new RangeError("no such conversion");
  const constant = ([lo, hi]: readonly [number, number]): Value =>
    from === F32 ? builder.f32const(lo) : builder.f64const(lo, hi);
  const above = builder.fcmp(bounds.inclusive ? FloatCC.ge : FloatCC.gt, from, value, constant(bounds.low));
  const below = builder.fcmp(FloatCC.lt, from, value, constant(bounds.high));
  // Both are false of a NaN.
  body.checkConversion(builder.binary(Op.band, I32, above, below), value);
  body.push(builder.unary(signed ? Op.fcvt_to_sint : Op.fcvt_to_uint, to, value));
}

/** `i64.add128` and `i64.sub128`: (low, high) of both operands → (low, high). */
export function translateWideAdd(body: Body, op: number): void {
  const { builder } = body;
  const bHigh = body.pop();
  const bLow = body.pop();
  const aHigh = body.pop();
  const aLow = body.pop();
  const low = builder.binary(op, I64, aLow, bLow);
  const carry = op === Op.iadd ? builder.icmp(IntCC.ult, I64, low, bLow) : builder.icmp(IntCC.ult, I64, aLow, bLow);
  const high = builder.binary(op, I64, aHigh, bHigh);
  body.push(low);
  body.push(builder.binary(op, I64, high, builder.unary(Op.uextend, I64, carry)));
}

/** `i64.mul_wide_s` and `i64.mul_wide_u`; `op`: smulhi or umulhi. */
export function translateWideMul(body: Body, op: number): void {
  const { builder } = body;
  const b = body.pop();
  const a = body.pop();
  body.push(builder.binary(Op.imul, I64, a, b));
  body.push(builder.binary(op, I64, a, b));
}
