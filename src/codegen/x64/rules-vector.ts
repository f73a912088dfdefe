/**
 * Selection rules of vectors: bits, integer lanes, float lanes. One rule a line: pattern → instructions, condition, action. The other
 * halves are `rules-vector-lanes.ts` (lanes in and out, shuffles, memory) and `rules-vector-convert.ts` (widths and number formats).
 *
 * Baseline is SSE4.2: no three-address forms, no 64-bit arithmetic shifts and products, nothing that is only in AVX.
 */

// hot loop: indices are in range by construction

import { FLAG_COMMUTATIVE, FloatCC, IntCC, OP_FLAGS } from "../../ir/ops.ts";
import { Shape } from "../../ir/vector.ts";
import { Inst } from "./instructions.ts";
import { setFromFlags } from "./rules-compare.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";
import {
  bytes16,
  constant,
  constantWords,
  dwords,
  fromInteger,
  op1,
  op1Immediate,
  op2,
  op2Immediate,
  opConstant,
  opImmediate,
  opValue,
  qwords,
  temp,
  type Words,
  words16,
  zero,
} from "./vector-forms.ts";
import { I32 } from "../../ir/types.ts";

/** Rows by shape. */
type Forms = readonly number[];

const ADD: Forms = [Inst.paddb_rr, Inst.paddw_rr, Inst.paddd_rr, Inst.paddq_rr, Inst.addps_rr, Inst.addpd_rr];
const SUB: Forms = [Inst.psubb_rr, Inst.psubw_rr, Inst.psubd_rr, Inst.psubq_rr, Inst.subps_rr, Inst.subpd_rr];
const FLOAT_MUL: Forms = [0, 0, 0, 0, Inst.mulps_rr, Inst.mulpd_rr];
const FLOAT_DIV: Forms = [0, 0, 0, 0, Inst.divps_rr, Inst.divpd_rr];
const FLOAT_MIN: Forms = [0, 0, 0, 0, Inst.minps_rr, Inst.minpd_rr];
const FLOAT_MAX: Forms = [0, 0, 0, 0, Inst.maxps_rr, Inst.maxpd_rr];
const SQRT: Forms = [0, 0, 0, 0, Inst.sqrtps_rr, Inst.sqrtpd_rr];
const ADD_SAT_S: Forms = [Inst.paddsb_rr, Inst.paddsw_rr];
const ADD_SAT_U: Forms = [Inst.paddusb_rr, Inst.paddusw_rr];
const SUB_SAT_S: Forms = [Inst.psubsb_rr, Inst.psubsw_rr];
const SUB_SAT_U: Forms = [Inst.psubusb_rr, Inst.psubusw_rr];
const AVERAGE: Forms = [Inst.pavgb_rr, Inst.pavgw_rr];
const MIN_S: Forms = [Inst.pminsb_rr, Inst.pminsw_rr, Inst.pminsd_rr];
const MIN_U: Forms = [Inst.pminub_rr, Inst.pminuw_rr, Inst.pminud_rr];
const MAX_S: Forms = [Inst.pmaxsb_rr, Inst.pmaxsw_rr, Inst.pmaxsd_rr];
const MAX_U: Forms = [Inst.pmaxub_rr, Inst.pmaxuw_rr, Inst.pmaxud_rr];
const MUL: Forms = [0, Inst.pmullw_rr, Inst.pmulld_rr];
const ABS: Forms = [Inst.pabsb_rr, Inst.pabsw_rr, Inst.pabsd_rr];
const EQUAL: Forms = [Inst.pcmpeqb_rr, Inst.pcmpeqw_rr, Inst.pcmpeqd_rr, Inst.pcmpeqq_rr];
const GREATER: Forms = [Inst.pcmpgtb_rr, Inst.pcmpgtw_rr, Inst.pcmpgtd_rr, Inst.pcmpgtq_rr];
const SHIFT_LEFT: Forms = [0, Inst.psllw_rr, Inst.pslld_rr, Inst.psllq_rr];
const SHIFT_RIGHT_U: Forms = [0, Inst.psrlw_rr, Inst.psrld_rr, Inst.psrlq_rr];
const SHIFT_RIGHT_S: Forms = [0, Inst.psraw_rr, Inst.psrad_rr];
const SHIFT_LEFT_IMM: Forms = [0, Inst.psllw_ri, Inst.pslld_ri, Inst.psllq_ri];
const SHIFT_RIGHT_U_IMM: Forms = [0, Inst.psrlw_ri, Inst.psrld_ri, Inst.psrlq_ri];
const SHIFT_RIGHT_S_IMM: Forms = [0, Inst.psraw_ri, Inst.psrad_ri];
const ROUND: Forms = [0, 0, 0, 0, Inst.roundps_rri, Inst.roundpd_rri];

/** Immediates of round: mode, without the inexact exception. */
const ROUND_NEAREST = 8;
const ROUND_FLOOR = 9;
const ROUND_CEIL = 10;
const ROUND_TRUNC = 11;

/** Predicates of cmpps and cmppd. */
const CMP_EQ = 0;
const CMP_LT = 1;
const CMP_LE = 2;
const CMP_UNORDERED = 3;
const CMP_NE = 4;

const ONES = dwords(-1);

function hasShape(shape: number): (s: Selector) => boolean {
  return (s) => s.lo === shape;
}

/** result = a op b; the constant operand of a commutative op is the second. */
function binary(s: Selector, form: number): void {
  if ((OP_FLAGS[s.op]! & FLAG_COMMUTATIVE) !== 0 && constantWords(s, s.a) !== undefined) [s.a, s.b] = [s.b, s.a];
  opValue(s, form, s.vreg(s.a), s.b, s.result());
}

function byShape(forms: Forms): (s: Selector) => void {
  return (s) => binary(s, forms[s.lo]!);
}

// Bits.

function andNot(s: Selector): void {
  op2(s, Inst.pandn_rr, s.vreg(s.b), s.vreg(s.a), s.result());
}

/** a & ~k is a & k'. */
function isAndNotConstant(s: Selector): boolean {
  return constantWords(s, s.b) !== undefined;
}

function andNotConstant(s: Selector): void {
  const [w0, w1, w2, w3] = constantWords(s, s.b) ?? ONES;
  opConstant(s, Inst.pand_rr, s.vreg(s.a), [~w0, ~w1, ~w2, ~w3], s.result());
}

// Integer lanes.

function negate(s: Selector): void {
  op2(s, SUB[s.lo]!, zero(s), s.vreg(s.a), s.result());
}

/** (a ^ sign) - sign, the sign's double word in both halves. */
function absolute64(s: Selector): void {
  const a = s.vreg(s.a);
  const sign = opImmediate(s, Inst.psrad_ri, op1Immediate(s, Inst.pshufd_rri, a, 0xf5), 31);
  op2(s, Inst.psubq_rr, op2(s, Inst.pxor_rr, a, sign), sign, s.result());
}

/** low(a) * low(b) + ((high(a) * low(b) + low(a) * high(b)) << 32) */
function multiply64(s: Selector): void {
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  const x = op2(s, Inst.pmuludq_rr, opImmediate(s, Inst.psrlq_ri, a, 32), b);
  const y = op2(s, Inst.pmuludq_rr, opImmediate(s, Inst.psrlq_ri, b, 32), a);
  const high = opImmediate(s, Inst.psllq_ri, op2(s, Inst.paddq_rr, x, y), 32);
  op2(s, Inst.paddq_rr, op2(s, Inst.pmuludq_rr, a, b), high, s.result());
}

/** Number of bits in each half byte, looked up in a table of 16 bytes. */
function populationCount(s: Selector): void {
  const a = s.vreg(s.a);
  const low = opConstant(s, Inst.pand_rr, a, bytes16(15));
  const high = opConstant(s, Inst.pand_rr, opImmediate(s, Inst.psrlw_ri, a, 4), bytes16(15));
  const table = constant(s, [0x02010100, 0x03020201, 0x03020201, 0x04030302]);
  const x = op2(s, Inst.pshufb_rr, table, low);
  op2(s, Inst.paddb_rr, x, op2(s, Inst.pshufb_rr, table, high), s.result());
}

/** pmulhrsw overflows for one product, which it gives as 0x8000. */
function multiplyQ15(s: Selector): void {
  const product = op2(s, Inst.pmulhrsw_rr, s.vreg(s.a), s.vreg(s.b));
  const overflow = opConstant(s, Inst.pcmpeqw_rr, product, words16(0x8000));
  op2(s, Inst.pxor_rr, product, overflow, s.result());
}

// Shifts. A constant amount is in s.k; of 8-bit lanes 16 bits are shifted, and what came from the neighbour is masked.

function isConstantShift(s: Selector): boolean {
  return s.constant(s.b);
}

/** The amount modulo the lane's width. */
function amount(s: Selector): number {
  return s.k & ((8 << s.lo) - 1);
}

function shiftByConstant(s: Selector, forms: Forms): void {
  opImmediate(s, forms[s.lo]!, s.vreg(s.a), amount(s), s.result());
}

function shift8ByConstant(s: Selector, form: number, mask: number): void {
  opConstant(s, Inst.pand_rr, opImmediate(s, form, s.vreg(s.a), amount(s)), bytes16(mask), s.result());
}

/** A logical shift, and the sign extended: (x ^ m) - m. */
function extendSign(s: Selector, shifted: number, sign: Words, subtract: number): void {
  opConstant(s, subtract, opConstant(s, Inst.pxor_rr, shifted, sign), sign, s.result());
}

function shiftRightS8ByConstant(s: Selector): void {
  const k = amount(s);
  const shifted = opConstant(s, Inst.pand_rr, opImmediate(s, Inst.psrlw_ri, s.vreg(s.a), k), bytes16(0xff >> k));
  extendSign(s, shifted, bytes16(0x80 >> k), Inst.psubb_rr);
}

function shiftRightS64ByConstant(s: Selector): void {
  const k = amount(s);
  const sign = k < 32 ? qwords(0, 0x80000000 >>> k) : qwords(0x80000000 >>> (k - 32), 0);
  extendSign(s, opImmediate(s, Inst.psrlq_ri, s.vreg(s.a), k), sign, Inst.psubq_rr);
}

/** The amount, modulo the lane's width and `more`, in the low lane of a vector. */
function amountVector(s: Selector, more = 0): number {
  let masked = s.temp(I32);
  s.binaryImm(Inst.and_ri, 4, masked, s.vreg(s.b), (8 << s.lo) - 1);
  if (more !== 0) {
    const sum = s.temp(I32);
    s.binaryImm(Inst.add_ri, 4, sum, masked, more);
    masked = sum;
  }
  return fromInteger(s, 4, masked);
}

function shift(s: Selector, forms: Forms): void {
  const a = s.vreg(s.a);
  op2(s, forms[s.lo]!, a, amountVector(s), s.result());
}

/** The mask is made by the same shift of 16 bits, and its low byte copied everywhere. */
function shift8(s: Selector, form: number, mask: Words): void {
  const a = s.vreg(s.a);
  const by = amountVector(s);
  const low = op2(s, Inst.pshufb_rr, op2(s, form, constant(s, mask), by), zero(s));
  op2(s, Inst.pand_rr, op2(s, form, a, by), low, s.result());
}

/** Each byte in the upper half of 16 bits, and shifted by 8 more. */
function shiftRightS8(s: Selector): void {
  const a = s.vreg(s.a);
  const by = amountVector(s, 8);
  const low = op2(s, Inst.psraw_rr, op2(s, Inst.punpcklbw_rr, a, a), by);
  const high = op2(s, Inst.psraw_rr, op2(s, Inst.punpckhbw_rr, a, a), by);
  op2(s, Inst.packsswb_rr, low, high, s.result());
}

function shiftRightS64(s: Selector): void {
  const a = s.vreg(s.a);
  const by = amountVector(s);
  const sign = op2(s, Inst.psrlq_rr, constant(s, qwords(0, -0x80000000)), by);
  const flipped = op2(s, Inst.pxor_rr, op2(s, Inst.psrlq_rr, a, by), sign);
  op2(s, Inst.psubq_rr, flipped, sign, s.result());
}

// Comparisons of integers.

function condition(...wanted: readonly number[]): (s: Selector) => boolean {
  return (s) => wanted.includes(s.hi);
}

function equal(s: Selector): void {
  if (constantWords(s, s.a) !== undefined) [s.a, s.b] = [s.b, s.a];
  opValue(s, EQUAL[s.lo]!, s.vreg(s.a), s.b, s.result());
}

function unequal(s: Selector): void {
  opConstant(s, Inst.pxor_rr, opValue(s, EQUAL[s.lo]!, s.vreg(s.a), s.b), ONES, s.result());
}

function greater(s: Selector): void {
  const swap = s.hi === IntCC.slt;
  const [x, y] = swap ? [s.b, s.a] : [s.a, s.b];
  opValue(s, GREATER[s.lo]!, s.vreg(x), y, s.result());
}

function notGreater64(s: Selector): void {
  const swap = s.hi === IntCC.sge;
  const [x, y] = swap ? [s.b, s.a] : [s.a, s.b];
  opConstant(s, Inst.pxor_rr, opValue(s, GREATER[s.lo]!, s.vreg(x), y), ONES, s.result());
}

/** x >= y if y is their minimum; x <= y if y is their maximum. */
function greaterOrEqual(s: Selector, d: number): void {
  const b = s.vreg(s.b);
  const isGreater = s.hi === IntCC.sge || s.hi === IntCC.uge;
  const isSigned = s.hi === IntCC.sge || s.hi === IntCC.sle;
  const forms = isGreater ? (isSigned ? MIN_S : MIN_U) : isSigned ? MAX_S : MAX_U;
  op2(s, EQUAL[s.lo]!, op2(s, forms[s.lo]!, s.vreg(s.a), b), b, d);
}

/** x > y unless x <= y. */
function unsignedGreater(s: Selector): void {
  const d = s.result();
  const not = temp(s);
  s.hi = s.hi === IntCC.ugt ? IntCC.ule : IntCC.uge;
  greaterOrEqual(s, not);
  opConstant(s, Inst.pxor_rr, not, ONES, d);
}

function bitmask(s: Selector): void {
  const a = s.vreg(s.a);
  switch (s.lo) {
    case Shape.i8x16:
      return s.unary(Inst.pmovmskb_rr, 0, s.result(), a);
    case Shape.i16x8: {
      // Saturation keeps the sign; both halves hold the same eight.
      const both = s.temp(I32);
      s.unary(Inst.pmovmskb_rr, 0, both, op2(s, Inst.packsswb_rr, a, a));
      return s.unary(Inst.movzx8_rr, 4, s.result(), both);
    }
    case Shape.i32x4:
      return s.unary(Inst.movmskps_rr, 0, s.result(), a);
    default:
      return s.unary(Inst.movmskpd_rr, 0, s.result(), a);
  }
}

// Floats.

function isDouble(s: Selector): boolean {
  return s.lo === Shape.f64x2;
}

/** The sign bit of every lane, or everything but it. */
function signs(s: Selector, sign: boolean): Words {
  const high = sign ? -0x80000000 : 0x7fffffff;
  return isDouble(s) ? qwords(sign ? 0 : -1, high) : dwords(high);
}

/** NaN lanes (`unordered`, of which x is all ones) become the NaN with no payload. */
function canonicalize(s: Selector, x: number, unordered: number): void {
  const payload = isDouble(s)
    ? opImmediate(s, Inst.psrlq_ri, unordered, 13)
    : opImmediate(s, Inst.psrld_ri, unordered, 10);
  op2(s, Inst.andnps_rr, payload, x, s.result());
}

/** minps gives its second operand for zeros and NaNs: taken both ways, the results joined have the sign and the NaN. */
function minimum(s: Selector): void {
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  const form = FLOAT_MIN[s.lo]!;
  const y = op2(s, form, b, a);
  const joined = op2(s, Inst.orps_rr, op2(s, form, a, b), y);
  const unordered = op2Immediate(s, isDouble(s) ? Inst.cmppd_rri : Inst.cmpps_rri, y, joined, CMP_UNORDERED);
  canonicalize(s, op2(s, Inst.orps_rr, joined, unordered), unordered);
}

/** As `minimum`, but zeros of different signs give +0: where both ways differ, the difference is subtracted again. */
function maximum(s: Selector): void {
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  const form = FLOAT_MAX[s.lo]!;
  const x = op2(s, form, a, b);
  const differ = op2(s, Inst.xorps_rr, op2(s, form, b, a), x);
  const joined = op2(s, SUB[s.lo]!, op2(s, Inst.orps_rr, x, differ), differ);
  const unordered = op2Immediate(s, isDouble(s) ? Inst.cmppd_rri : Inst.cmpps_rri, differ, joined, CMP_UNORDERED);
  canonicalize(s, joined, unordered);
}

/** minps d, x is d < x ? d : x. */
function pseudoMinMax(s: Selector, forms: Forms): void {
  op2(s, forms[s.lo]!, s.vreg(s.b), s.vreg(s.a), s.result());
}

function round(s: Selector, mode: number): void {
  op1Immediate(s, ROUND[s.lo]!, s.vreg(s.a), mode, s.result());
}

function compareFloats(s: Selector): void {
  const swap = s.hi === FloatCC.gt || s.hi === FloatCC.ge;
  const [x, y] = swap ? [s.b, s.a] : [s.a, s.b];
  const predicate =
    s.hi === FloatCC.eq
      ? CMP_EQ
      : s.hi === FloatCC.ne
        ? CMP_NE
        : s.hi === FloatCC.lt || s.hi === FloatCC.gt
          ? CMP_LT
          : CMP_LE;
  op2Immediate(s, isDouble(s) ? Inst.cmppd_rri : Inst.cmpps_rri, s.vreg(x), s.vreg(y), predicate, s.result());
}

/** vany_true and vall_true as values; as conditions they are in `rules-compare.ts`. */
const test = [rule("→ ptest; setcc; movzx", always, setFromFlags)];

const is8 = hasShape(Shape.i8x16);
const is64 = hasShape(Shape.i64x2);

// biome-ignore format: one rule per line
export const VECTOR_RULES: RuleTable = {
  vnot: [rule("→ pxor x, ones",                     always,                  (s) => { opConstant(s, Inst.pxor_rr, s.vreg(s.a), ONES, s.result()); })],
  vand: [rule("→ pand x, x",                        always,                  (s) => binary(s, Inst.pand_rr))],
  vandnot: [
    rule("a & ~k → pand x, [~k]",                   isAndNotConstant,        andNotConstant),
    rule("→ pandn x, x",                            always,                  andNot),
  ],
  vor: [rule("→ por x, x",                          always,                  (s) => binary(s, Inst.por_rr))],
  vxor: [rule("→ pxor x, x",                        always,                  (s) => binary(s, Inst.pxor_rr))],
  vany_true: test,
  vall_true: test,
  vbitmask: [rule("→ pmovmskb, movmskp. r, x",      always,                  bitmask)],

  viadd: [rule("→ padd. x, x",                      always,                  byShape(ADD))],
  visub: [rule("→ psub. x, x",                      always,                  byShape(SUB))],
  vimul: [
    rule("64 bits → three pmuludq",                 is64,                    multiply64),
    rule("→ pmull. x, x",                           always,                  byShape(MUL)),
  ],
  vineg: [rule("→ psub. 0, x",                      always,                  negate)],
  viabs: [
    rule("64 bits → psrad; pxor; psubq",            is64,                    absolute64),
    rule("→ pabs. x, x",                            always,                  (s) => { op1(s, ABS[s.lo]!, s.vreg(s.a), s.result()); }),
  ],
  vpopcnt: [rule("→ pshufb of a table, twice; paddb", always,                populationCount)],
  vadd_sat_s: [rule("→ padds. x, x",                always,                  byShape(ADD_SAT_S))],
  vadd_sat_u: [rule("→ paddus. x, x",               always,                  byShape(ADD_SAT_U))],
  vsub_sat_s: [rule("→ psubs. x, x",                always,                  byShape(SUB_SAT_S))],
  vsub_sat_u: [rule("→ psubus. x, x",               always,                  byShape(SUB_SAT_U))],
  vmin_s: [rule("→ pmins. x, x",                    always,                  byShape(MIN_S))],
  vmin_u: [rule("→ pminu. x, x",                    always,                  byShape(MIN_U))],
  vmax_s: [rule("→ pmaxs. x, x",                    always,                  byShape(MAX_S))],
  vmax_u: [rule("→ pmaxu. x, x",                    always,                  byShape(MAX_U))],
  vavgr_u: [rule("→ pavg. x, x",                    always,                  byShape(AVERAGE))],
  vdot_s: [rule("→ pmaddwd x, x",                   always,                  (s) => binary(s, Inst.pmaddwd_rr))],
  vq15mulr_sat_s: [rule("→ pmulhrsw; pcmpeqw; pxor", always,                 multiplyQ15)],

  vshl: [
    rule("8 bits << k → psllw x, k; pand",          (s) => is8(s) && isConstantShift(s),   (s) => shift8ByConstant(s, Inst.psllw_ri, 0xff << amount(s))),
    rule("a << k → psll. x, k",                     isConstantShift,         (s) => shiftByConstant(s, SHIFT_LEFT_IMM)),
    rule("8 bits → psllw; pand of a shifted mask",  is8,                     (s) => shift8(s, Inst.psllw_rr, ONES)),
    rule("→ psll. x, x",                            always,                  (s) => shift(s, SHIFT_LEFT)),
  ],
  vshr_u: [
    rule("8 bits >> k → psrlw x, k; pand",          (s) => is8(s) && isConstantShift(s),   (s) => shift8ByConstant(s, Inst.psrlw_ri, 0xff >> amount(s))),
    rule("a >> k → psrl. x, k",                     isConstantShift,         (s) => shiftByConstant(s, SHIFT_RIGHT_U_IMM)),
    rule("8 bits → psrlw; pand of a shifted mask",  is8,                     (s) => shift8(s, Inst.psrlw_rr, words16(0xff))),
    rule("→ psrl. x, x",                            always,                  (s) => shift(s, SHIFT_RIGHT_U)),
  ],
  vshr_s: [
    rule("8 bits >> k → psrlw; pand; pxor; psubb",  (s) => is8(s) && isConstantShift(s),   shiftRightS8ByConstant),
    rule("64 bits >> k → psrlq; pxor; psubq",       (s) => is64(s) && isConstantShift(s),  shiftRightS64ByConstant),
    rule("a >> k → psra. x, k",                     isConstantShift,         (s) => shiftByConstant(s, SHIFT_RIGHT_S_IMM)),
    rule("8 bits → punpck.bw; psraw; packsswb",     is8,                     shiftRightS8),
    rule("64 bits → psrlq; pxor; psubq",            is64,                    shiftRightS64),
    rule("→ psra. x, x",                            always,                  (s) => shift(s, SHIFT_RIGHT_S)),
  ],
  vicmp: [
    rule("= → pcmpeq.",                             condition(IntCC.eq),     equal),
    rule("≠ → pcmpeq.; pxor ones",                  condition(IntCC.ne),     unequal),
    rule("signed <, > → pcmpgt.",                   condition(IntCC.slt, IntCC.sgt), greater),
    rule("64 bits ≤, ≥ → pcmpgtq; pxor ones",       is64,                    notGreater64),
    rule("unsigned <, > → pmaxu., pminu.; pcmpeq.; pxor ones", condition(IntCC.ult, IntCC.ugt), unsignedGreater),
    rule("≤, ≥ → pmax., pmin.; pcmpeq.",            always,                  (s) => greaterOrEqual(s, s.result())),
  ],

  vfadd: [rule("→ addp. x, x",                      always,                  byShape(ADD))],
  vfsub: [rule("→ subp. x, x",                      always,                  byShape(SUB))],
  vfmul: [rule("→ mulp. x, x",                      always,                  byShape(FLOAT_MUL))],
  vfdiv: [rule("→ divp. x, x",                      always,                  byShape(FLOAT_DIV))],
  vfmin: [rule("→ minp. both ways; orps; NaNs cleared", always,              minimum)],
  vfmax: [rule("→ maxp. both ways; subp.; NaNs cleared", always,             maximum)],
  vfpmin: [rule("→ minp. b, a",                     always,                  (s) => pseudoMinMax(s, FLOAT_MIN))],
  vfpmax: [rule("→ maxp. b, a",                     always,                  (s) => pseudoMinMax(s, FLOAT_MAX))],
  vfabs: [rule("→ andps x, mask",                   always,                  (s) => { opConstant(s, Inst.andps_rr, s.vreg(s.a), signs(s, false), s.result()); })],
  vfneg: [rule("→ xorps x, mask",                   always,                  (s) => { opConstant(s, Inst.xorps_rr, s.vreg(s.a), signs(s, true), s.result()); })],
  vfsqrt: [rule("→ sqrtp. x, x",                    always,                  (s) => { op1(s, SQRT[s.lo]!, s.vreg(s.a), s.result()); })],
  vfceil: [rule("→ roundp. x, x, 10",               always,                  (s) => round(s, ROUND_CEIL))],
  vffloor: [rule("→ roundp. x, x, 9",               always,                  (s) => round(s, ROUND_FLOOR))],
  vftrunc: [rule("→ roundp. x, x, 11",              always,                  (s) => round(s, ROUND_TRUNC))],
  vfnearest: [rule("→ roundp. x, x, 8",             always,                  (s) => round(s, ROUND_NEAREST))],
  vfcmp: [rule("→ cmpp. x, x, predicate",           always,                  compareFloats)],
};
