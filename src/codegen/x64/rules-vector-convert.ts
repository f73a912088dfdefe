/** Selection rules of vectors that change the width of lanes or convert between integers and floats. */

// hot loop: indices are in range by construction

import { Access } from "../../ir/ops.ts";
import { Shape } from "../../ir/vector.ts";
import { Inst } from "./instructions.ts";
import { MEMORY_FORM } from "./mops.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";
import {
  bytes16,
  constant,
  dwords,
  op1,
  op1Immediate,
  op2,
  op2Immediate,
  opConstant,
  opImmediate,
  opValue,
  qwords,
  temp,
  words16,
  zero,
} from "./vector-forms.ts";

/** Rows by the shape of the result, 16 bits first. */
const EXTEND_S = [0, Inst.pmovsxbw_rr, Inst.pmovsxwd_rr, Inst.pmovsxdq_rr] as const;
const EXTEND_U = [0, Inst.pmovzxbw_rr, Inst.pmovzxwd_rr, Inst.pmovzxdq_rr] as const;
const NARROW_S = [Inst.packsswb_rr, Inst.packssdw_rr] as const;
const NARROW_U = [Inst.packuswb_rr, Inst.packusdw_rr] as const;

const HIGH_HALF = 0xee;
const ROUND_TRUNC = 11;
const CMP_EQ = 0;
const CMP_LE = 2;

// Widths.

function isLoad64(s: Selector): boolean {
  return s.isFoldableNarrow(s.a, Access.u64);
}

function extendForm(s: Selector, isSigned: boolean): number {
  return (isSigned ? EXTEND_S : EXTEND_U)[s.lo]!;
}

function extendLoad(s: Selector, isSigned: boolean): void {
  s.loadA(MEMORY_FORM[extendForm(s, isSigned)]!, 0);
}

function extend(s: Selector, x: number, isSigned: boolean, isHigh: boolean, d = temp(s)): number {
  return op1(s, extendForm(s, isSigned), isHigh ? op1Immediate(s, Inst.pshufd_rri, x, HIGH_HALF) : x, d);
}

function addPairs(s: Selector, isSigned: boolean): void {
  const a = s.vreg(s.a);
  if (s.lo === Shape.i16x8) {
    // pmaddubsw takes unsigned bytes first, signed ones second.
    if (isSigned) op2(s, Inst.pmaddubsw_rr, constant(s, bytes16(1)), a, s.result());
    else opConstant(s, Inst.pmaddubsw_rr, a, bytes16(1), s.result());
  } else if (isSigned) opConstant(s, Inst.pmaddwd_rr, a, words16(1), s.result());
  else {
    // Unsigned as signed, 0x8000 less each: 0x10000 less a pair.
    const biased = opConstant(s, Inst.pmaddwd_rr, opConstant(s, Inst.pxor_rr, a, words16(0x8000)), words16(1));
    opConstant(s, Inst.paddd_rr, biased, dwords(0x10000), s.result());
  }
}

function multiplyExtended(s: Selector, isSigned: boolean, isHigh: boolean): void {
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  switch (s.lo) {
    case Shape.i16x8: {
      const x = extend(s, a, isSigned, isHigh);
      op2(s, Inst.pmullw_rr, x, a === b ? x : extend(s, b, isSigned, isHigh), s.result());
      return;
    }
    case Shape.i32x4: {
      const low = op2(s, Inst.pmullw_rr, a, b);
      const high = op2(s, isSigned ? Inst.pmulhw_rr : Inst.pmulhuw_rr, a, b);
      op2(s, isHigh ? Inst.punpckhwd_rr : Inst.punpcklwd_rr, low, high, s.result());
      return;
    }
    default: {
      // Lanes 0 0 1 1 or 2 2 3 3: the even ones are multiplied.
      const lanes = isHigh ? 0xfa : 0x50;
      const x = op1Immediate(s, Inst.pshufd_rri, a, lanes);
      const y = a === b ? x : op1Immediate(s, Inst.pshufd_rri, b, lanes);
      op2(s, isSigned ? Inst.pmuldq_rr : Inst.pmuludq_rr, x, y, s.result());
    }
  }
}

// Floats from integers.

/** Both halves of each lane converted by themselves, which is exact, then added, which rounds once. */
function fromUnsigned32(s: Selector): void {
  const a = s.vreg(s.a);
  const low = op2Immediate(s, Inst.pblendw_rri, zero(s), a, 0x55);
  const high = op2(s, Inst.psubd_rr, a, low);
  // The high half is even: halved it is never negative.
  const half = op1(s, Inst.cvtdq2ps_rr, opImmediate(s, Inst.psrld_ri, high, 1));
  const whole = op2(s, Inst.addps_rr, half, half);
  op2(s, Inst.addps_rr, whole, op1(s, Inst.cvtdq2ps_rr, low), s.result());
}

/** Below the exponent of 2^52 the integer is the fraction. */
function fromUnsigned64(s: Selector): void {
  const raised = opConstant(s, Inst.unpcklps_rr, s.vreg(s.a), dwords(0x43300000));
  opConstant(s, Inst.subpd_rr, raised, qwords(0, 0x43300000), s.result());
}

// Integers from floats. The conversion gives 0x80000000 for NaN and what is out of range.

function toSigned32(s: Selector): void {
  const a = s.vreg(s.a);
  const ordered = op2Immediate(s, Inst.cmpps_rri, a, a, CMP_EQ);
  const x = op2(s, Inst.andps_rr, a, ordered);
  const converted = op1(s, Inst.cvttps2dq_rr, x);
  // The sign bit of lanes that are positive and came out negative.
  const overflow = op2(s, Inst.pand_rr, op2(s, Inst.pxor_rr, ordered, x), converted);
  op2(s, Inst.pxor_rr, converted, opImmediate(s, Inst.psrad_ri, overflow, 31), s.result());
}

/** Converted as x, which is 0x80000000 from 2^31 on, plus x - 2^31 where that is positive, saturated. */
function toUnsigned32(s: Selector): void {
  const x = op2(s, Inst.maxps_rr, s.vreg(s.a), zero(s));
  const limit = constant(s, dwords(0x4f000000));
  const rest = op2(s, Inst.subps_rr, x, limit);
  const overflow = op2Immediate(s, Inst.cmpps_rri, limit, rest, CMP_LE);
  const saturated = op2(s, Inst.pxor_rr, op1(s, Inst.cvttps2dq_rr, rest), overflow);
  const high = op2(s, Inst.pmaxsd_rr, saturated, zero(s));
  op2(s, Inst.paddd_rr, op1(s, Inst.cvttps2dq_rr, x), high, s.result());
}

/** minpd gives its second operand for NaN: 0 there, the greatest integer elsewhere. */
function toSigned64(s: Selector): void {
  const a = s.vreg(s.a);
  const ordered = op2Immediate(s, Inst.cmppd_rri, a, a, CMP_EQ);
  const limit = opConstant(s, Inst.andpd_rr, ordered, qwords(-0x400000, 0x41dfffff));
  op1(s, Inst.cvttpd2dq_rr, op2(s, Inst.minpd_rr, a, limit), s.result());
}

/** Clamped, truncated, and added to 2^52, so that the integer is the low half of the fraction. */
function toUnsigned64(s: Selector): void {
  const positive = op2(s, Inst.maxpd_rr, s.vreg(s.a), zero(s));
  const clamped = opConstant(s, Inst.minpd_rr, positive, qwords(-0x200000, 0x41efffff));
  const whole = op1Immediate(s, Inst.roundpd_rri, clamped, ROUND_TRUNC);
  const raised = opConstant(s, Inst.addpd_rr, whole, qwords(0, 0x43300000));
  op2Immediate(s, Inst.shufps_rri, raised, zero(s), 0x88, s.result());
}

const isDouble = (s: Selector): boolean => s.lo === Shape.f64x2;

// biome-ignore format: one rule per line
export const VECTOR_CONVERT_RULES: RuleTable = {
  vnarrow_s: [rule("→ packss. x, x",               always,    (s) => { opValue(s, NARROW_S[s.lo === Shape.i8x16 ? 0 : 1], s.vreg(s.a), s.b, s.result()); })],
  vnarrow_u: [rule("→ packus. x, x",               always,    (s) => { opValue(s, NARROW_U[s.lo === Shape.i8x16 ? 0 : 1], s.vreg(s.a), s.b, s.result()); })],
  vextend_low_s: [
    rule("load → pmovsx. x, [m]",                  isLoad64,  (s) => extendLoad(s, true)),
    rule("→ pmovsx. x, x",                         always,    (s) => { extend(s, s.vreg(s.a), true, false, s.result()); }),
  ],
  vextend_low_u: [
    rule("load → pmovzx. x, [m]",                  isLoad64,  (s) => extendLoad(s, false)),
    rule("→ pmovzx. x, x",                         always,    (s) => { extend(s, s.vreg(s.a), false, false, s.result()); }),
  ],
  vextend_high_s: [rule("→ pshufd; pmovsx. x, x",  always,    (s) => { extend(s, s.vreg(s.a), true, true, s.result()); })],
  vextend_high_u: [rule("→ pshufd; pmovzx. x, x",  always,    (s) => { extend(s, s.vreg(s.a), false, true, s.result()); })],
  vextadd_s: [rule("→ pmaddubsw, pmaddwd with ones", always,  (s) => addPairs(s, true))],
  vextadd_u: [rule("→ pmaddubsw, pmaddwd with ones", always,  (s) => addPairs(s, false))],
  vextmul_low_s: [rule("→ extended, multiplied",   always,    (s) => multiplyExtended(s, true, false))],
  vextmul_low_u: [rule("→ extended, multiplied",   always,    (s) => multiplyExtended(s, false, false))],
  vextmul_high_s: [rule("→ extended, multiplied",  always,    (s) => multiplyExtended(s, true, true))],
  vextmul_high_u: [rule("→ extended, multiplied",  always,    (s) => multiplyExtended(s, false, true))],
  vfcvt_from_sint: [
    rule("→ cvtdq2pd x, x",                        isDouble,  (s) => { op1(s, Inst.cvtdq2pd_rr, s.vreg(s.a), s.result()); }),
    rule("→ cvtdq2ps x, x",                        always,    (s) => { op1(s, Inst.cvtdq2ps_rr, s.vreg(s.a), s.result()); }),
  ],
  vfcvt_from_uint: [
    rule("f64 → unpcklps 2^52; subpd",             isDouble,  fromUnsigned64),
    rule("f32 → both halves by themselves",        always,    fromUnsigned32),
  ],
  vfcvt_to_sint_sat: [
    rule("f64 → minpd; cvttpd2dq",                 isDouble,  toSigned64),
    rule("f32 → cvttps2dq; repaired where it overflowed", always, toSigned32),
  ],
  vfcvt_to_uint_sat: [
    rule("f64 → clamped; addpd 2^52; shufps",      isDouble,  toUnsigned64),
    rule("f32 → cvttps2dq by halves of the range", always,    toUnsigned32),
  ],
  vfdemote: [rule("→ cvtpd2ps x, x",               always,    (s) => { op1(s, Inst.cvtpd2ps_rr, s.vreg(s.a), s.result()); })],
  vfpromote_low: [rule("→ cvtps2pd x, x",          always,    (s) => { op1(s, Inst.cvtps2pd_rr, s.vreg(s.a), s.result()); })],
};
