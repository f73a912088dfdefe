/**
 * Selection rules of vectors: lanes in and out, shuffles, and accesses to memory that are part of them.
 *
 * A load or store of one lane is a scalar access in the IR; here it becomes the memory operand of the instruction that moves the lane.
 */

// hot loop: indices are in range by construction

import { entity } from "../../base/entity.ts";
import type { Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { Access, accessOf, accessSize, Op } from "../../ir/ops.ts";
import { F32, F64, I32, typeFromCode, V128 } from "../../ir/types.ts";
import { laneBytes, Shape } from "../../ir/vector.ts";
import { DEF, USE } from "../machine.ts";
import { Inst } from "./instructions.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";
import {
  bytes16,
  bytesOfWords,
  constant,
  constantWords,
  dwords,
  fromInteger,
  op1Immediate,
  op2,
  op2Immediate,
  op2Scalar,
  opConstant,
  qwords,
  type Words,
  words16,
  zero,
} from "./vector-forms.ts";
import { shuffleOne, shuffleTwo, swizzleByConstant } from "./vector-shuffle.ts";

/** Lanes 0 1 0 1 of pshufd. */
const LOW_TWICE = 0x44;
const HIGH_HALF = 0xee;

function hasShape(...shapes: readonly number[]): (s: Selector) => boolean {
  return (s) => shapes.includes(s.lo);
}

/** The scalar `value` of the shape's lanes is a load of just one lane, which may become a memory operand. */
function isLaneLoad(s: Selector, value: Value): boolean {
  if (s.lo === Shape.i8x16) return s.isFoldableNarrow(value, Access.u8) || s.isFoldableNarrow(value, Access.s8);
  if (s.lo === Shape.i16x8) return s.isFoldableNarrow(value, Access.u16) || s.isFoldableNarrow(value, Access.s16);
  return s.isFoldable(value, laneBytes(s.lo));
}

// Splats.

/** The bits of a constant scalar in every lane, or undefined. */
function splatWords(s: Selector): Words | undefined {
  const def = s.l.definition(s.a);
  if (def === NONE) return undefined;
  const { func } = s.l;
  const op = func.op.get(def);
  if (op !== Op.iconst && op !== Op.f32const && op !== Op.f64const) return undefined;
  const lo = func.lo.get(def);
  switch (s.lo) {
    case Shape.i8x16:
      return bytes16(lo);
    case Shape.i16x8:
      return words16(lo);
    case Shape.i64x2:
    case Shape.f64x2:
      return qwords(lo, func.hi.get(def));
    default:
      return dwords(lo);
  }
}

function splatConstant(s: Selector): void {
  constant(s, splatWords(s) ?? dwords(0), s.result());
}

function splatLoad32(s: Selector): void {
  s.sink(s.a);
  const low = s.temp(V128);
  s.load(Inst.movss_rm, 0, low);
  op1Immediate(s, Inst.pshufd_rri, low, 0, s.result());
}

function splatFloat32(s: Selector): void {
  op1Immediate(s, Inst.pshufd_rri, s.vreg(s.a), 0, s.result());
}

function splat(s: Selector): void {
  const a = s.vreg(s.a);
  switch (s.lo) {
    case Shape.i8x16:
      op2(s, Inst.pshufb_rr, fromInteger(s, 4, a), zero(s), s.result());
      return;
    case Shape.i16x8:
      op1Immediate(s, Inst.pshufd_rri, op1Immediate(s, Inst.pshuflw_rri, fromInteger(s, 4, a), 0), 0, s.result());
      return;
    case Shape.i32x4:
      op1Immediate(s, Inst.pshufd_rri, fromInteger(s, 4, a), 0, s.result());
      return;
    default:
      op1Immediate(s, Inst.pshufd_rri, fromInteger(s, 8, a), LOW_TWICE, s.result());
  }
}

// Lanes out. The lane's number is in s.hi.

function toInteger(s: Selector, d: number): void {
  const a = s.vreg(s.a);
  switch (s.lo) {
    case Shape.i8x16:
      return s.unaryImm(Inst.pextrb_rri, 0, d, a, s.hi);
    case Shape.i16x8:
      return s.unaryImm(Inst.pextrw_rri, 0, d, a, s.hi);
    default: {
      const size = laneBytes(s.lo);
      if (s.hi === 0) return s.unary(Inst.movd_rx, size, d, a);
      return s.unaryImm(Inst.pextrd_rri, size, d, a, s.hi);
    }
  }
}

function extractSigned(s: Selector): void {
  const lane = s.temp(I32);
  toInteger(s, lane);
  s.unary(s.lo === Shape.i8x16 ? Inst.movsx8_rr : Inst.movsx16_rr, 4, s.result(), lane);
}

function extractFloat(s: Selector): void {
  const a = s.vreg(s.a);
  const d = s.result();
  if (s.hi === 0) {
    s.begin(Inst.movaps_rr, 0);
    s.m.operand(d, DEF);
    s.m.operand(a, USE);
  } else op1Immediate(s, Inst.pshufd_rri, a, s.lo === Shape.f32x4 ? s.hi : HIGH_HALF, d);
}

// Lanes in.

/** The row that takes the lane from a register, from memory; its operand size; its immediate, or -1. */
function insertion(s: Selector): readonly [register: number, memory: number, size: number, imm: number] {
  switch (s.lo) {
    case Shape.i8x16:
      return [Inst.pinsrb_rri, Inst.pinsrb_rmi, 0, s.hi];
    case Shape.i16x8:
      return [Inst.pinsrw_rri, Inst.pinsrw_rmi, 0, s.hi];
    case Shape.f32x4:
      return [Inst.insertps_rri, Inst.insertps_rmi, 0, s.hi << 4];
    case Shape.f64x2:
      return s.hi === 0 ? [Inst.movsd_rr, Inst.movlps_rm, 0, -1] : [Inst.movlhps_rr, Inst.movhps_rm, 0, -1];
    default:
      return [Inst.pinsrd_rri, Inst.pinsrd_rmi, laneBytes(s.lo), s.hi];
  }
}

function replaceWithLoad(s: Selector): void {
  const [, form, size, imm] = insertion(s);
  const a = s.vreg(s.a);
  s.sink(s.b);
  const i = s.binaryMem(form, size, s.result(), a);
  if (imm >= 0) s.m.imm[i] = imm;
}

function replace(s: Selector): void {
  const [form, , size, imm] = insertion(s);
  const d = s.result();
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  if (imm < 0) op2Scalar(s, form, a, b, d);
  else {
    op2Immediate(s, form, a, b, imm, d);
    s.m.size[s.m.count - 1] = size;
  }
}

// Shuffles.

function indicesOf(s: Selector): Uint8Array {
  return s.l.func.vectors[s.lo]!;
}

function isIdentity(indices: Uint8Array, from: number): boolean {
  return indices.every((index, i) => index === from + i);
}

/** One operand only, or both the same. */
function isOneOperand(s: Selector): boolean {
  return s.a === s.b || indicesOf(s).every((i) => i < 16) || indicesOf(s).every((i) => i >= 16);
}

function isWholeA(s: Selector): boolean {
  return (
    isIdentity(indicesOf(s), 0) ||
    (s.a === s.b &&
      isIdentity(
        indicesOf(s).map((i) => i & 15),
        0,
      ))
  );
}

function shuffleOneOperand(s: Selector): void {
  const indices = indicesOf(s);
  const x = s.a === s.b || indices[0]! < 16 ? s.a : s.b;
  shuffleOne(
    s,
    s.vreg(x),
    indices.map((i) => i & 15),
    s.result(),
  );
}

function swizzleConstant(s: Selector): void {
  swizzleByConstant(s, s.vreg(s.a), bytesOfWords(constantWords(s, s.b) ?? dwords(0)), s.result());
}

/** A constant all of whose bytes are below 16. */
function isNibbles(s: Selector, value: Value): boolean {
  return constantWords(s, value)?.every((w) => (w & 0xf0f0f0f0) === 0) === true;
}

/** Every byte of `value` is below 16: masked, or shifted right. */
function isBelow16(s: Selector, value: Value): boolean {
  const op = s.defOp(value);
  if (op !== Op.vand && op !== Op.vshr_u) return false;
  const { func } = s.l;
  const def = s.l.definition(value);
  const b = func.resolve(entity<Value>(func.b.get(def)));
  if (op === Op.vshr_u) return func.lo.get(def) === Shape.i8x16 && s.constant(b) && (s.k & 7) >= 4;
  return isNibbles(s, b) || isNibbles(s, func.resolve(entity<Value>(func.a.get(def))));
}

/** Indices from 16 on get their top bit by saturation. */
function swizzle(s: Selector): void {
  const a = s.vreg(s.a);
  op2(s, Inst.pshufb_rr, a, opConstant(s, Inst.paddusb_rr, s.vreg(s.b), bytes16(0x70)), s.result());
}

// Memory.

function isNarrowLoad(access: number): (s: Selector) => boolean {
  return (s) => s.type === V128 && accessOf(s.hi) === access;
}

function narrowLoad(s: Selector, form: number): void {
  s.accessAddress();
  s.load(form, 0, s.result());
}

/** The store writes just one lane of a vector: x. */
function isLaneStore(s: Selector): boolean {
  const op = s.defOp(s.b);
  if ((op !== Op.vextract && op !== Op.vextract_s) || !s.isOnly(s.b, op)) return false;
  const shape = s.l.func.lo.get(s.l.definition(s.b));
  return accessSize(accessOf(s.hi), typeFromCode(s.type)) === laneBytes(shape);
}

/** The row that stores the lane, its operand size, its immediate or -1. */
function laneStore(shape: number, lane: number): readonly [form: number, size: number, imm: number] {
  switch (shape) {
    case Shape.i8x16:
      return [Inst.pextrb_mri, 0, lane];
    case Shape.i16x8:
      return [Inst.pextrw_mri, 0, lane];
    case Shape.i32x4:
    case Shape.f32x4:
      return lane === 0 ? [Inst.movss_mr, 0, -1] : [Inst.extractps_mri, 0, lane];
    default:
      return lane === 0 ? [Inst.movlps_mr, 0, -1] : [Inst.movhps_mr, 0, -1];
  }
}

function storeLane(s: Selector): void {
  const { func } = s.l;
  const def = s.l.definition(s.b);
  const [form, size, imm] = laneStore(func.lo.get(def), func.hi.get(def));
  const vector = s.vreg(s.x);
  s.l.sunk[def] = 1;
  s.accessAddress();
  s.store(form, size, vector);
  if (imm >= 0) s.m.imm[s.m.count - 1] = imm;
}

const isFloat = (s: Selector): boolean => s.type === F32 || s.type === F64;
const isF32 = hasShape(Shape.f32x4);
const isF64 = hasShape(Shape.f64x2);

// biome-ignore format: one rule per line
export const VECTOR_LANE_RULES: RuleTable = {
  vsplat: [
    rule("k → movaps x, [constant]",            (s) => splatWords(s) !== undefined,                              splatConstant),
    rule("load32 → movss x, [m]; pshufd",       (s) => hasShape(Shape.i32x4, Shape.f32x4)(s) && isLaneLoad(s, s.a), splatLoad32),
    rule("load64 → movddup x, [m]",             (s) => hasShape(Shape.i64x2, Shape.f64x2)(s) && isLaneLoad(s, s.a), (s) => s.loadA(Inst.movddup_rm, 0)),
    rule("f32 → pshufd x, x, 0",                isF32,                                                           splatFloat32),
    rule("f64 → movddup x, x",                  isF64,                                                           (s) => s.oneA(Inst.movddup_rr, 0)),
    rule("integer → movd; pshufd, pshufb",      always,                                                          splat),
  ],
  vextract: [
    rule("float → movaps, pshufd",              isFloat,                                                         extractFloat),
    rule("integer → movd, pextr. r, x",         always,                                                          (s) => toInteger(s, s.result())),
  ],
  vextract_s: [rule("→ pextr. r, x; movsx",     always,                                                          extractSigned)],
  vreplace: [
    rule("load → pinsr., insertps, mov.ps x, [m]", (s) => isLaneLoad(s, s.b),                                    replaceWithLoad),
    rule("→ pinsr., insertps, movlhps, movsd",  always,                                                          replace),
  ],
  vshuffle: [
    rule("all of a → nothing",                  isWholeA,                                                        (s) => s.l.alias(s.resultValue(), s.a)),
    rule("all of b → nothing",                  (s) => isIdentity(indicesOf(s), 16),                             (s) => s.l.alias(s.resultValue(), s.b)),
    rule("of one operand → pshufd, pshuf.w, pshufb", isOneOperand,                                               shuffleOneOperand),
    rule("of both → palignr, punpck, pblendw, shufps, pshufb twice", always,                                     (s) => shuffleTwo(s, s.vreg(s.a), s.vreg(s.b), indicesOf(s), s.result())),
  ],
  vswizzle: [
    rule("by k → pshufb x, [k]",                (s) => constantWords(s, s.b) !== undefined,                      swizzleConstant),
    rule("by indices below 16 → pshufb x, x",   (s) => isBelow16(s, s.b),                                        (s) => { op2(s, Inst.pshufb_rr, s.vreg(s.a), s.vreg(s.b), s.result()); }),
    rule("→ paddusb; pshufb x, x",              always,                                                          swizzle),
  ],
  load: [
    rule("u32 of v128 → movss x, [m]",          isNarrowLoad(Access.u32),                                        (s) => narrowLoad(s, Inst.movss_rm)),
    rule("u64 of v128 → movsd x, [m]",          isNarrowLoad(Access.u64),                                        (s) => narrowLoad(s, Inst.movsd_rm)),
  ],
  store: [
    rule("lane → pextr., extractps, mov.ps [m], x", isLaneStore,                                                 storeLane),
  ],
};
