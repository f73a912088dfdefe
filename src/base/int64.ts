/**
 * 64-bit integers as two signed 32-bit halves (`lo`, `hi`).
 *
 * Hot code keeps them in two columns and calls the functions of this module, which return the low half and leave the
 * high half in `I64.hi` of a scratch object the caller owns. `BigInt` appears here and in printers only.
 */

/** A 64-bit integer; both halves are signed 32-bit. */
export interface I64 {
  lo: number;
  hi: number;
}

export function i64FromBigInt(value: bigint): I64 {
  return { lo: Number(BigInt.asIntN(32, value)), hi: Number(BigInt.asIntN(32, value >> 32n)) };
}

/** As a signed integer. */
export function i64ToBigInt(lo: number, hi: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

/** Whether the value is the sign extension of its low half. */
export function fitsI32(lo: number, hi: number): boolean {
  return lo >> 31 === hi;
}

/** A safe integer (|n| < 2^53) as halves. */
export function i64FromNumber(value: number): I64 {
  return { lo: value | 0, hi: Math.floor(value / 0x1_0000_0000) | 0 };
}

/** As a double; exact below 2^53. */
export function i64ToNumber(lo: number, hi: number): number {
  return hi * 0x1_0000_0000 + (lo >>> 0);
}

export function addI64(out: I64, alo: number, ahi: number, blo: number, bhi: number): void {
  const lo = (alo >>> 0) + (blo >>> 0);
  out.lo = lo | 0;
  out.hi = (ahi + bhi + (lo > 0xffff_ffff ? 1 : 0)) | 0;
}

export function subI64(out: I64, alo: number, ahi: number, blo: number, bhi: number): void {
  const borrow = alo >>> 0 < blo >>> 0 ? 1 : 0;
  out.lo = (alo - blo) | 0;
  out.hi = (ahi - bhi - borrow) | 0;
}

/** Low 64 bits of the product. */
export function mulI64(out: I64, alo: number, ahi: number, blo: number, bhi: number): void {
  const a0 = alo & 0xffff;
  const a1 = alo >>> 16;
  const b0 = blo & 0xffff;
  const b1 = blo >>> 16;
  const low = a0 * b0;
  const mid1 = a1 * b0 + (low >>> 16);
  const mid2 = a0 * b1 + (mid1 & 0xffff);
  out.hi =
    (a1 * b1 + Math.floor(mid1 / 0x10000) + Math.floor(mid2 / 0x10000) + Math.imul(alo, bhi) + Math.imul(ahi, blo)) | 0;
  out.lo = Math.imul(alo, blo);
}

export function negI64(out: I64, lo: number, hi: number): void {
  out.lo = -lo | 0;
  out.hi = (lo === 0 ? -hi : ~hi) | 0;
}

/** `amount` from 0 to 63. */
export function shlI64(out: I64, lo: number, hi: number, amount: number): void {
  if (amount === 0) {
    out.lo = lo;
    out.hi = hi;
  } else if (amount < 32) {
    out.hi = (hi << amount) | (lo >>> (32 - amount));
    out.lo = lo << amount;
  } else {
    out.hi = lo << (amount - 32);
    out.lo = 0;
  }
}

/** Logical shift right; `amount` from 0 to 63. */
export function shrU64(out: I64, lo: number, hi: number, amount: number): void {
  if (amount === 0) {
    out.lo = lo;
    out.hi = hi;
  } else if (amount < 32) {
    out.lo = (lo >>> amount) | (hi << (32 - amount));
    out.hi = (hi >>> amount) | 0;
  } else {
    out.lo = (hi >>> (amount - 32)) | 0;
    out.hi = 0;
  }
}

/** Arithmetic shift right; `amount` from 0 to 63. */
export function shrS64(out: I64, lo: number, hi: number, amount: number): void {
  if (amount === 0) {
    out.lo = lo;
    out.hi = hi;
  } else if (amount < 32) {
    out.lo = (lo >>> amount) | (hi << (32 - amount));
    out.hi = hi >> amount;
  } else {
    out.lo = hi >> (amount - 32);
    out.hi = hi >> 31;
  }
}

/** Negative, zero or positive, as signed integers. */
export function compareS64(alo: number, ahi: number, blo: number, bhi: number): number {
  return ahi !== bhi ? ahi - bhi : (alo >>> 0) - (blo >>> 0);
}

/** Negative, zero or positive, as unsigned integers. */
export function compareU64(alo: number, ahi: number, blo: number, bhi: number): number {
  return ahi !== bhi ? (ahi >>> 0) - (bhi >>> 0) : (alo >>> 0) - (blo >>> 0);
}

/** The exponent if the value is a power of two (unsigned), else -1. */
export function log2OfPower(lo: number, hi: number): number {
  if (hi === 0) return lo !== 0 && (lo & (lo - 1)) === 0 ? 31 - Math.clz32(lo) : -1;
  return lo === 0 && (hi & (hi - 1)) === 0 ? 63 - Math.clz32(hi) : -1;
}

function unsigned(lo: number, hi: number): bigint {
  return BigInt.asUintN(64, i64ToBigInt(lo, hi));
}

function assign(out: I64, value: bigint): void {
  out.lo = Number(BigInt.asIntN(32, value));
  out.hi = Number(BigInt.asIntN(32, value >> 32n));
}

/** Quotient (or remainder) of signed or unsigned division towards zero. The divisor is not 0; MIN / -1 wraps around. */
export function divideI64(
  out: I64,
  isSigned: boolean,
  remainder: boolean,
  alo: number,
  ahi: number,
  blo: number,
  bhi: number,
): void {
  const a = isSigned ? i64ToBigInt(alo, ahi) : unsigned(alo, ahi);
  const b = isSigned ? i64ToBigInt(blo, bhi) : unsigned(blo, bhi);
  assign(out, remainder ? a % b : a / b);
}

/** High half of the 128-bit product. */
export function mulHighI64(out: I64, isSigned: boolean, alo: number, ahi: number, blo: number, bhi: number): void {
  const a = isSigned ? i64ToBigInt(alo, ahi) : unsigned(alo, ahi);
  const b = isSigned ? i64ToBigInt(blo, bhi) : unsigned(blo, bhi);
  assign(out, (a * b) >> 64n);
}

/** A multiplier that replaces a divisor: floor(n / d) = floor(n * m / 2^(bits + shift)). */
export interface Magic {
  /** Low 64 bits of m. */
  readonly lo: number;
  readonly hi: number;
  /** m has one bit more than the operands: 2^bits is to be added. */
  readonly over: boolean;
  readonly shift: number;
}

/**
 * Granlund and Montgomery's choice of a multiplier: right for all n below 2^precision. `d` (unsigned, at least 2) is no power of
 * two; operands have `bits` bits (32 or 64).
 */
export function chooseMultiplier(dlo: number, dhi: number, bits: number, precision: number): Magic {
  const d = unsigned(dlo, dhi);
  const n = BigInt(bits);
  let shift = d.toString(2).length;
  let low = (1n << (n + BigInt(shift))) / d;
  let high = ((1n << (n + BigInt(shift))) + (1n << BigInt(bits + shift - precision))) / d;
  while (shift > 0 && low >> 1n < high >> 1n) {
    low >>= 1n;
    high >>= 1n;
    shift--;
  }
  const over = high >> n !== 0n;
  const m = BigInt.asUintN(bits, high);
  const { lo, hi } = i64FromBigInt(m);
  return { lo, hi, over, shift };
}

/** 2^64 / d, rounded up: floor(n / d) is the high half of n times that, for all n below 2^32. 1 < d < 2^32. */
export function reciprocal64(out: I64, dlo: number): void {
  assign(out, (1n << 64n) / BigInt(dlo >>> 0) + 1n);
}
