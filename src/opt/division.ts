/**
 * Division and remainder by a constant, without a division: shifts for powers of two, else a multiplication by a reciprocal
 * (Granlund and Montgomery, "Division by Invariant Integers using Multiplication"). 32-bit operands are multiplied as 64-bit ones.
 */

import { chooseMultiplier, log2OfPower, negI64, reciprocal64 } from "../base/int64.ts";
import { NONE } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";
import { I32, I64, type Type } from "../ir/types.ts";
import type { Rewriter } from "./rewriter.ts";

/** Rewrites the instruction, an `op` of `a` by the constant (lo, hi). Gives the value that it equals, or NONE. */
export function divideByConstant(w: Rewriter, op: number, type: Type, a: number, lo: number, hi: number): number {
  const high = type === I32 ? (op === Op.sdiv || op === Op.srem ? lo >> 31 : 0) : hi;
  if (lo === 0 && high === 0) return NONE;
  return op === Op.udiv || op === Op.urem ? unsigned(w, op, type, a, lo, high) : signed(w, op, type, a, lo, high);
}

function unsigned(w: Rewriter, op: number, type: Type, a: number, lo: number, hi: number): number {
  const log = log2OfPower(lo, hi);
  if (log >= 0) {
    if (op === Op.urem) {
      w.turnInto(Op.band, type, a, log >= 32 ? w.iconst(type, -1, 2 ** (log - 32) - 1) : w.iconst(type, mask(log), 0));
      return NONE;
    }
    if (log === 0) return a;
    w.turnInto(Op.ushr, type, a, w.small(type, log));
    return NONE;
  }
  const quotient = type === I32 ? unsigned32(w, a, lo) : unsigned64(w, a, lo, hi);
  return finish(w, op, type, a, quotient, lo, hi);
}

/** `log` ones, at most 31. */
function mask(log: number): number {
  return 2 ** log - 1;
}

function unsigned32(w: Rewriter, a: number, d: number): number {
  let { lo, over, shift } = chooseMultiplier(d, 0, 32, 32);
  let n = a;
  if (over && (d & 1) === 0) {
    const zeros = 31 - Math.clz32(d & -d);
    n = w.emit(Op.ushr, I32, a, w.small(I32, zeros));
    ({ lo, over, shift } = chooseMultiplier(d >>> zeros, 0, 32, 32 - zeros));
  }
  const wide = w.emit(Op.uextend, I64, n);
  if (over) {
    reciprocal64(w.t, d);
    return w.emit(Op.ireduce, I32, w.emit(Op.umulhi, I64, wide, w.iconst(I64, w.t.lo, w.t.hi)));
  }
  const product = w.emit(Op.imul, I64, wide, w.iconst(I64, lo, 0));
  return w.emit(Op.ireduce, I32, w.emit(Op.ushr, I64, product, w.small(I64, 32 + shift)));
}

function unsigned64(w: Rewriter, a: number, dlo: number, dhi: number): number {
  let m = chooseMultiplier(dlo, dhi, 64, 64);
  let n = a;
  if (m.over && (dlo & 1) === 0) {
    const zeros = dlo === 0 ? 32 + trailingZeros(dhi) : trailingZeros(dlo);
    n = w.emit(Op.ushr, I64, a, w.small(I64, zeros));
    const lo = zeros >= 32 ? dhi >>> (zeros - 32) : (dlo >>> zeros) | (dhi << (32 - zeros));
    m = chooseMultiplier(lo | 0, zeros >= 32 ? 0 : dhi >>> zeros, 64, 64 - zeros);
  }
  const high = w.emit(Op.umulhi, I64, n, w.iconst(I64, m.lo, m.hi));
  if (!m.over) return m.shift === 0 ? high : w.emit(Op.ushr, I64, high, w.small(I64, m.shift));
  // The product with 2^64 + m: (n - high) / 2 + high doesn't overflow.
  const half = w.emit(Op.ushr, I64, w.emit(Op.isub, I64, n, high), w.small(I64, 1));
  const sum = w.emit(Op.iadd, I64, half, high);
  return m.shift === 1 ? sum : w.emit(Op.ushr, I64, sum, w.small(I64, m.shift - 1));
}

function trailingZeros(x: number): number {
  return 31 - Math.clz32(x & -x);
}

function signed(w: Rewriter, op: number, type: Type, a: number, lo: number, hi: number): number {
  const negative = hi < 0;
  let absLo = lo;
  let absHi = hi;
  if (negative) {
    negI64(w.t, lo, hi);
    absLo = w.t.lo;
    absHi = type === I32 ? 0 : w.t.hi;
  }
  const log = log2OfPower(absLo, absHi);
  if (log === 0) {
    if (op === Op.srem) w.become(0, 0);
    else if (!negative) return a;
    else w.turnInto(Op.isub, type, w.small(type, 0), a);
    return NONE;
  }
  const width = type === I32 ? 32 : 64;
  if (log > 0) {
    // Rounds towards zero: negative ones are raised by 2^log - 1.
    const sign = log === 1 ? a : w.emit(Op.sshr, type, a, w.small(type, width - 1));
    const bias = w.emit(Op.ushr, type, sign, w.small(type, width - log));
    const raised = w.emit(Op.iadd, type, a, bias);
    if (op === Op.srem) {
      // -(2^log), whatever the divisor's sign.
      const clear = log < 32 ? w.iconst(type, -(2 ** log) | 0, -1) : w.iconst(type, 0, -(2 ** (log - 32)) | 0);
      w.turnInto(Op.isub, type, a, w.emit(Op.band, type, raised, clear));
    } else if (!negative) w.turnInto(Op.sshr, type, raised, w.small(type, log));
    else w.turnInto(Op.isub, type, w.small(type, 0), w.emit(Op.sshr, type, raised, w.small(type, log)));
    return NONE;
  }
  const m = chooseMultiplier(absLo, absHi, width, width - 1);
  let quotient: number;
  if (type === I32) {
    const wide = w.emit(Op.sextend, I64, a);
    const product = w.emit(Op.imul, I64, wide, w.iconst(I64, m.lo, 0));
    quotient = w.emit(Op.ireduce, I32, w.emit(Op.sshr, I64, product, w.small(I64, 32 + m.shift)));
  } else {
    quotient = w.emit(Op.smulhi, I64, a, w.iconst(I64, m.lo, m.hi));
    // As a signed number the multiplier is 2^64 too small.
    if (m.hi < 0) quotient = w.emit(Op.iadd, I64, quotient, a);
    if (m.shift > 0) quotient = w.emit(Op.sshr, I64, quotient, w.small(I64, m.shift));
  }
  const sign = w.emit(Op.sshr, type, a, w.small(type, width - 1));
  const [x, y] = negative ? [sign, quotient] : [quotient, sign];
  if (op === Op.sdiv) {
    w.turnInto(Op.isub, type, x, y);
    return NONE;
  }
  return finish(w, op, type, a, w.emit(Op.isub, type, x, y), lo, hi);
}

/** The quotient itself, or the remainder that belongs to it. */
function finish(w: Rewriter, op: number, type: Type, a: number, quotient: number, lo: number, hi: number): number {
  if (op === Op.udiv || op === Op.sdiv) return quotient;
  w.turnInto(Op.isub, type, a, w.emit(Op.imul, type, quotient, w.iconst(type, lo, hi)));
  return NONE;
}
