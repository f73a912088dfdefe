/**
 * Arithmetic on constants, bit for bit what the program would compute. Gives up (returns false) where the result isn't determined:
 * division by zero, and floats that are NaN, whose bits the machine chooses.
 */

import {
  addI64,
  compareS64,
  compareU64,
  divideI64,
  type I64 as Int64,
  i64ToNumber,
  mulHighI64,
  mulI64,
  shlI64,
  shrS64,
  shrU64,
  subI64,
} from "../base/int64.ts";
import { FloatCC, IntCC, Op } from "../ir/ops.ts";
import { F32, I32, type Type } from "../ir/types.ts";

/** Whether `cc` holds of operands with this order: negative, zero or positive. */
function holds(cc: number, order: number): boolean {
  switch (cc) {
    case IntCC.eq:
      return order === 0;
    case IntCC.ne:
      return order !== 0;
    case IntCC.slt:
    case IntCC.ult:
      return order < 0;
    case IntCC.sge:
    case IntCC.uge:
      return order >= 0;
    case IntCC.sgt:
    case IntCC.ugt:
      return order > 0;
    default:
      return order <= 0;
  }
}

export function isSignedCondition(cc: number): boolean {
  return cc >= IntCC.slt && cc <= IntCC.sle;
}

/** An integer comparison. */
export function foldCompare(cc: number, type: Type, alo: number, ahi: number, blo: number, bhi: number): boolean {
  if (type === I32) {
    const signed = isSignedCondition(cc);
    return holds(cc, signed ? alo - blo : (alo >>> 0) - (blo >>> 0));
  }
  return holds(cc, isSignedCondition(cc) ? compareS64(alo, ahi, blo, bhi) : compareU64(alo, ahi, blo, bhi));
}

/** A binary integer operation into `t`. An i32's `hi` means nothing, before and after. */
export function foldBinary(
  t: Int64,
  op: number,
  type: Type,
  alo: number,
  ahi: number,
  blo: number,
  bhi: number,
): boolean {
  const narrow = type === I32;
  const amount = blo & (narrow ? 31 : 63);
  switch (op) {
    case Op.iadd:
      addI64(t, alo, ahi, blo, bhi);
      return true;
    case Op.isub:
      subI64(t, alo, ahi, blo, bhi);
      return true;
    case Op.imul:
      mulI64(t, alo, ahi, blo, bhi);
      return true;
    case Op.umulhi:
    case Op.smulhi:
      mulHighI64(t, op === Op.smulhi, alo, ahi, blo, bhi);
      return true;
    case Op.band:
      t.lo = alo & blo;
      t.hi = ahi & bhi;
      return true;
    case Op.bor:
      t.lo = alo | blo;
      t.hi = ahi | bhi;
      return true;
    case Op.bxor:
      t.lo = alo ^ blo;
      t.hi = ahi ^ bhi;
      return true;
    case Op.ishl:
      if (narrow) t.lo = alo << amount;
      else shlI64(t, alo, ahi, amount);
      return true;
    case Op.ushr:
      if (narrow) t.lo = (alo >>> amount) | 0;
      else shrU64(t, alo, ahi, amount);
      return true;
    case Op.sshr:
      if (narrow) t.lo = alo >> amount;
      else shrS64(t, alo, ahi, amount);
      return true;
    case Op.rotl:
      rotate(t, narrow, alo, ahi, amount);
      return true;
    case Op.rotr:
      rotate(t, narrow, alo, ahi, -amount & (narrow ? 31 : 63));
      return true;
    case Op.udiv:
    case Op.urem:
    case Op.sdiv:
    case Op.srem: {
      if (blo === 0 && (narrow || bhi === 0)) return false;
      const signed = op === Op.sdiv || op === Op.srem;
      const ah = narrow ? (signed ? alo >> 31 : 0) : ahi;
      const bh = narrow ? (signed ? blo >> 31 : 0) : bhi;
      divideI64(t, signed, op === Op.urem || op === Op.srem, alo, ah, blo, bh);
      return true;
    }
    default:
      return false;
  }
}

/** To the left. */
function rotate(t: Int64, narrow: boolean, lo: number, hi: number, amount: number): void {
  if (narrow) {
    t.lo = amount === 0 ? lo : (lo << amount) | (lo >>> (32 - amount));
    return;
  }
  shlI64(t, lo, hi, amount);
  if (amount === 0) return;
  const { lo: leftLo, hi: leftHi } = t;
  shrU64(t, lo, hi, 64 - amount);
  t.lo |= leftLo;
  t.hi |= leftHi;
}

function popcount(x: number): number {
  let n = 0;
  for (let v = x; v !== 0; v &= v - 1) n++;
  return n;
}

function trailingZeros(x: number): number {
  return x === 0 ? 32 : 31 - Math.clz32(x & -x);
}

/** A unary integer operation that gives an integer, into `t`; `type`: the result's. */
export function foldUnary(t: Int64, op: number, type: Type, lo: number, hi: number): boolean {
  const narrow = type === I32;
  t.hi = 0;
  switch (op) {
    case Op.clz:
      t.lo = narrow || hi !== 0 ? Math.clz32(narrow ? lo : hi) : 32 + Math.clz32(lo);
      return true;
    case Op.ctz:
      t.lo = narrow || lo !== 0 ? trailingZeros(lo) : 32 + trailingZeros(hi);
      return true;
    case Op.popcnt:
      t.lo = popcount(lo) + (narrow ? 0 : popcount(hi));
      return true;
    case Op.sext8:
      t.lo = (lo << 24) >> 24;
      t.hi = t.lo >> 31;
      return true;
    case Op.sext16:
      t.lo = (lo << 16) >> 16;
      t.hi = t.lo >> 31;
      return true;
    case Op.sextend:
    case Op.sext32:
      t.lo = lo;
      t.hi = lo >> 31;
      return true;
    case Op.uextend:
    case Op.ireduce:
      t.lo = lo;
      return true;
    default:
      return false;
  }
}

/** To the nearest integer, ties to even. */
function nearest(x: number): number {
  if (Math.abs(x) >= 2 ** 52 || x === 0) return x;
  const floor = Math.floor(x);
  const rest = x - floor;
  const rounded = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return rounded === 0 && x < 0 ? -0 : rounded;
}

/** Folds floats; holds the memory in which numbers become bits. */
export class FloatFolder {
  readonly #f64 = new Float64Array(1);
  readonly #f32 = new Float32Array(this.#f64.buffer);
  readonly #bits = new Int32Array(this.#f64.buffer);
  /** Bits of the last result. */
  readonly t: Int64 = { lo: 0, hi: 0 };

  #number(type: Type, lo: number, hi: number): number {
    this.#bits[0] = lo;
    if (type === F32) return this.#f32[0] ?? 0;
    this.#bits[1] = hi;
    return this.#f64[0] ?? 0;
  }

  /** Rounds `x` to `type`; false if it is NaN. */
  #result(type: Type, x: number): boolean {
    if (Number.isNaN(x)) return false;
    if (type === F32) this.#f32[0] = x;
    else this.#f64[0] = x;
    this.t.lo = this.#bits[0] ?? 0;
    this.t.hi = type === F32 ? 0 : (this.#bits[1] ?? 0);
    return true;
  }

  /**
   * Results of f32 operations are rounded from the f64 operation's: that is exact for these, since 53 ≥ 2 × 24 + 2.
   */
  binary(op: number, type: Type, alo: number, ahi: number, blo: number, bhi: number): boolean {
    if (op === Op.fcopysign) {
      const { t } = this;
      const sign = -0x8000_0000;
      t.lo = type === F32 ? (alo & ~sign) | (blo & sign) : alo;
      t.hi = type === F32 ? 0 : (ahi & ~sign) | (bhi & sign);
      return true;
    }
    const a = this.#number(type, alo, ahi);
    const b = this.#number(type, blo, bhi);
    switch (op) {
      case Op.fadd:
        return this.#result(type, a + b);
      case Op.fsub:
        return this.#result(type, a - b);
      case Op.fmul:
        return this.#result(type, a * b);
      case Op.fdiv:
        return this.#result(type, a / b);
      case Op.fmin:
        return this.#result(type, Math.min(a, b));
      case Op.fmax:
        return this.#result(type, Math.max(a, b));
      default:
        return false;
    }
  }

  /** Operations from float (`from`) to float (`type`). */
  unary(op: number, type: Type, from: Type, lo: number, hi: number): boolean {
    const { t } = this;
    if (op === Op.fneg || op === Op.fabs) {
      const flip = op === Op.fneg;
      const sign = -0x8000_0000;
      t.lo = type !== F32 ? lo : flip ? lo ^ sign : lo & ~sign;
      t.hi = type === F32 ? 0 : flip ? hi ^ sign : hi & ~sign;
      return true;
    }
    const x = this.#number(from, lo, hi);
    switch (op) {
      case Op.fsqrt:
        return this.#result(type, Math.sqrt(x));
      case Op.fceil:
        return this.#result(type, Math.ceil(x));
      case Op.ffloor:
        return this.#result(type, Math.floor(x));
      case Op.ftrunc:
        return this.#result(type, Math.trunc(x));
      case Op.fnearest:
        return this.#result(type, nearest(x));
      case Op.fpromote:
      case Op.fdemote:
        return this.#result(type, x);
      default:
        return false;
    }
  }

  /** An integer to a float. Exact or rounded once, else false: i64 to f32 only below 2^53. */
  fromInt(type: Type, from: Type, signed: boolean, lo: number, hi: number): boolean {
    const high = from === I32 ? (signed ? lo >> 31 : 0) : hi;
    const x = signed ? i64ToNumber(lo, high) : (high >>> 0) * 2 ** 32 + (lo >>> 0);
    if (type === F32 && Math.abs(x) > 2 ** 53) return false;
    return this.#result(type, x);
  }

  /** A float to an integer. `saturating`: any operand; else one out of range is left alone. */
  toInt(type: Type, from: Type, signed: boolean, saturating: boolean, lo: number, hi: number): boolean {
    const { t } = this;
    const bits = type === I32 ? 32 : 64;
    const x = Math.trunc(this.#number(from, lo, hi));
    const low = signed ? -(2 ** (bits - 1)) : 0;
    const end = signed ? 2 ** (bits - 1) : 2 ** bits;
    if (!(x >= low && x < end)) {
      if (!saturating) return false;
      const above = x >= end;
      const top = signed ? 0x7fff_ffff : -1;
      const bottom = signed ? -0x8000_0000 : 0;
      const high = above ? top : Number.isNaN(x) ? 0 : bottom;
      t.lo = type === I32 ? high : above ? -1 : 0;
      t.hi = type === I32 ? 0 : high;
      return true;
    }
    const upper = Math.floor(x / 2 ** 32);
    t.lo = (x - upper * 2 ** 32) | 0;
    t.hi = type === I32 ? 0 : upper | 0;
    return true;
  }

  /** A comparison; NaN is allowed. */
  compare(cc: number, type: Type, alo: number, ahi: number, blo: number, bhi: number): boolean {
    const a = this.#number(type, alo, ahi);
    const b = this.#number(type, blo, bhi);
    switch (cc) {
      case FloatCC.eq:
        return a === b;
      case FloatCC.ne:
        return a !== b;
      case FloatCC.lt:
        return a < b;
      case FloatCC.gt:
        return a > b;
      case FloatCC.le:
        return a <= b;
      default:
        return a >= b;
    }
  }
}
