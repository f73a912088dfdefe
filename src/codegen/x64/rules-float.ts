/**
 * Selection rules of floating point. One rule a line: pattern → instructions, condition, action. The semantics are
 * WebAssembly's: minimum and maximum propagate NaN and order zeros, conversions saturate, sign operations change nothing but the sign.
 */

import type { Value } from "../../ir/function.ts";
import { Op } from "../../ir/ops.ts";
import { F32, I32, I64 } from "../../ir/types.ts";
import { DEF, DEF_TIED, EARLY_DEF, MemKind, USE } from "../machine.ts";
import { Inst } from "./instructions.ts";
import { Pseudo } from "./mops.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** Immediate of round: mode, without the inexact exception. */
const ROUND_NEAREST = 8;
const ROUND_FLOOR = 9;
const ROUND_CEIL = 10;
const ROUND_TRUNC = 11;

function constantFloat(s: Selector): void {
  const double = s.isF64;
  s.setAddress(MemKind.constant, s.asm.constant(double ? 8 : 4, s.lo, double ? s.hi : 0), 0);
  s.load(double ? Inst.movsd_rm : Inst.movss_rm, 0, s.result());
  s.m.rematerializable(s.result());
}

function zeroFloat(s: Selector): void {
  s.begin(Pseudo.zero_float, 0);
  s.m.operand(s.result(), DEF);
  s.m.rematerializable(s.result());
}

function words(s: Selector): readonly [number, number, number, number] {
  const bytes = s.l.func.vectors[s.lo] ?? new Uint8Array(16);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true), view.getInt32(12, true)];
}

function constantVector(s: Selector): void {
  const [w0, w1, w2, w3] = words(s);
  s.setAddress(MemKind.constant, s.asm.constant(16, w0, w1, w2, w3), 0);
  s.load(Inst.movups_rm, 0, s.result());
  s.m.rematerializable(s.result());
}

/** The row for f32 or for f64. */
function pick(s: Selector, single: number, double: number): number {
  return s.isF32 ? single : double;
}

/** The sign bit of the type in every lane, or everything but it. */
function signMask(s: Selector, sign: boolean): void {
  const high = sign ? 0x80000000 | 0 : 0x7fffffff;
  const low = s.isF32 ? high : sign ? 0 : -1;
  s.setAddress(MemKind.constant, s.asm.constant(16, low, high, low, high), 0);
}

/** result = a op mask */
function masked(s: Selector, op: number, sign: boolean): void {
  const a = s.vreg(s.a);
  signMask(s, sign);
  s.binaryMem(op, 0, s.result(), a);
}

function copySign(s: Selector): void {
  const magnitude = s.temp(s.type);
  const sign = s.temp(s.type);
  const a = s.vreg(s.a);
  const b = s.vreg(s.b);
  signMask(s, false);
  s.binaryMem(Inst.andps_rm, 0, magnitude, a);
  signMask(s, true);
  s.binaryMem(Inst.andps_rm, 0, sign, b);
  s.packed(Inst.orps_rr, s.result(), magnitude, sign);
}

function round(s: Selector, mode: number): void {
  s.unaryImm(pick(s, Inst.roundss_rri, Inst.roundsd_rri), 0, s.result(), s.vreg(s.a), mode);
}

/** A pseudo operation with two operands, two-address; size 4 or 8 says which float. */
function minMax(s: Selector, isMax: boolean): void {
  const i = s.begin(Pseudo.float_min, s.size);
  s.m.operand(s.result(), DEF_TIED);
  s.m.operand(s.vreg(s.a), USE);
  s.m.operand(s.vreg(s.b), USE);
  s.m.imm[i] = isMax ? 1 : 0;
}

/** Conversion by a pseudo operation: `size` of the float, imm of the integer. */
function convert(
  s: Selector,
  op: number,
  info: number,
  floatSize: number,
  intSize: number,
  operand = s.vreg(s.a),
): void {
  const i = s.begin(op, floatSize);
  s.m.operand(s.result(), info);
  s.m.operand(operand, USE);
  s.m.imm[i] = intSize;
}

function sizeOf(s: Selector, value: Value): number {
  const type = s.typeOf(value);
  return type === I32 || type === F32 ? 4 : 8;
}

/** The operand, an unsigned i32, in a register with a clear upper half. */
function zeroExtended(s: Selector): number {
  if (s.l.isClear(s.a)) return s.vreg(s.a);
  const d = s.temp(I64);
  s.begin(Pseudo.zero_extend, 4);
  s.m.operand(d, DEF);
  s.m.operand(s.vreg(s.a), USE);
  return d;
}

function isFromI32(s: Selector): boolean {
  return s.typeOf(s.a) === I32;
}

/** cvttss2si or cvttsd2si with an integer of `size`. */
function truncate(s: Selector, size: number): void {
  s.oneA(s.typeOf(s.a) === F32 ? Inst.cvttss2si_rr : Inst.cvttsd2si_rr, size);
}

function isZeroVector(s: Selector): boolean {
  return words(s).every((w) => w === 0);
}

/** result = a op b, b perhaps in memory. */
function arithmetic(s: Selector, single: number, double: number): void {
  s.ab(pick(s, single, double));
}
function withLoad(s: Selector, single: number, double: number): void {
  s.aLoadB(pick(s, single, double));
}
function isFloatConstant(s: Selector): boolean {
  const op = s.defOp(s.b);
  return op === Op.f32const || op === Op.f64const;
}
function withConstant(s: Selector, single: number, double: number): void {
  const { func } = s.l;
  const def = s.l.definition(s.b);
  const a = s.vreg(s.a);
  const label = s.asm.constant(s.size, func.lo.get(def), s.size === 8 ? func.hi.get(def) : 0);
  s.setAddress(MemKind.constant, label, 0);
  s.binaryMem(pick(s, single, double), 0, s.result(), a);
}
function loadsB(s: Selector): boolean {
  return s.isLoad(s.b);
}

// biome-ignore format: one rule per line
export const FLOAT_RULES: RuleTable = {
  f32const: [
    rule("+0 → xorps x, x",             (s) => s.lo === 0,                      zeroFloat),
    rule("k → movss x, [constant]",     always,                                 constantFloat),
  ],
  f64const: [
    rule("+0 → xorps x, x",             (s) => s.lo === 0 && s.hi === 0,        zeroFloat),
    rule("k → movsd x, [constant]",     always,                                 constantFloat),
  ],
  v128const: [
    rule("0 → xorps x, x",              isZeroVector,                           zeroFloat),
    rule("k → movups x, [constant]",    always,                                 constantVector),
  ],
  fadd: [
    rule("a + k → adds. x, [constant]",  isFloatConstant,                        (s) => withConstant(s, Inst.addss_rm, Inst.addsd_rm)),
    rule("a + load → adds. x, [m]",     loadsB,                                 (s) => withLoad(s, Inst.addss_rm, Inst.addsd_rm)),
    rule("a + b → adds. x, x",          always,                                 (s) => arithmetic(s, Inst.addss_rr, Inst.addsd_rr)),
  ],
  fsub: [
    rule("a - k → subs. x, [constant]",  isFloatConstant,                        (s) => withConstant(s, Inst.subss_rm, Inst.subsd_rm)),
    rule("a - load → subs. x, [m]",     loadsB,                                 (s) => withLoad(s, Inst.subss_rm, Inst.subsd_rm)),
    rule("a - b → subs. x, x",          always,                                 (s) => arithmetic(s, Inst.subss_rr, Inst.subsd_rr)),
  ],
  fmul: [
    rule("a * k → muls. x, [constant]",  isFloatConstant,                        (s) => withConstant(s, Inst.mulss_rm, Inst.mulsd_rm)),
    rule("a * load → muls. x, [m]",     loadsB,                                 (s) => withLoad(s, Inst.mulss_rm, Inst.mulsd_rm)),
    rule("a * b → muls. x, x",          always,                                 (s) => arithmetic(s, Inst.mulss_rr, Inst.mulsd_rr)),
  ],
  fdiv: [
    rule("a / k → divs. x, [constant]",  isFloatConstant,                        (s) => withConstant(s, Inst.divss_rm, Inst.divsd_rm)),
    rule("a / load → divs. x, [m]",     loadsB,                                 (s) => withLoad(s, Inst.divss_rm, Inst.divsd_rm)),
    rule("a / b → divs. x, x",          always,                                 (s) => arithmetic(s, Inst.divss_rr, Inst.divsd_rr)),
  ],
  fmin: [rule("min → ucomis; mins., orps or adds.", always,                     (s) => minMax(s, false))],
  fmax: [rule("max → ucomis; maxs., andps or adds.", always,                    (s) => minMax(s, true))],
  fcopysign: [rule("→ andps, andps, orps", always,                              copySign)],
  fabs: [rule("→ andps x, [mask]",      always,                                 (s) => masked(s, Inst.andps_rm, false))],
  fneg: [rule("→ xorps x, [mask]",      always,                                 (s) => masked(s, Inst.xorps_rm, true))],
  fsqrt: [rule("→ sqrts. x, x",         always,                                 (s) => s.oneA(pick(s, Inst.sqrtss_rr, Inst.sqrtsd_rr), 0))],
  fceil: [rule("→ rounds. x, x, 10",    always,                                 (s) => round(s, ROUND_CEIL))],
  ffloor: [rule("→ rounds. x, x, 9",    always,                                 (s) => round(s, ROUND_FLOOR))],
  ftrunc: [rule("→ rounds. x, x, 11",   always,                                 (s) => round(s, ROUND_TRUNC))],
  fnearest: [rule("→ rounds. x, x, 8",  always,                                 (s) => round(s, ROUND_NEAREST))],
  fpromote: [
    rule("load → cvtss2sd x, [m]",      (s) => s.isFoldable(s.a, 4),            (s) => s.loadA(Inst.cvtss2sd_rm, 0)),
    rule("→ cvtss2sd x, x",             always,                                 (s) => s.oneA(Inst.cvtss2sd_rr, 0)),
  ],
  fdemote: [rule("→ cvtsd2ss x, x",     always,                                 (s) => s.oneA(Inst.cvtsd2ss_rr, 0))],
  fcvt_from_sint: [rule("→ xorps x, x; cvtsi2s. x, r", always,                  (s) => convert(s, Pseudo.from_sint, DEF, s.size, sizeOf(s, s.a)))],
  fcvt_from_uint: [
    rule("i32 → mov r32, r32; cvtsi2s. x, r64", isFromI32,                      (s) => convert(s, Pseudo.from_sint, DEF, s.size, 8, zeroExtended(s))),
    rule("i64 → halved and doubled if negative", always,                        (s) => convert(s, Pseudo.from_uint64, EARLY_DEF, s.size, 8)),
  ],
  fcvt_to_sint: [rule("→ cvtts.2si r, x", always,                               (s) => truncate(s, s.size))],
  fcvt_to_uint: [
    rule("i32 → cvtts.2si r64, x",      (s) => s.isI32,                         (s) => truncate(s, 8)),
    rule("i64 → by halves of the range", always,                                (s) => convert(s, Pseudo.to_uint64, EARLY_DEF, sizeOf(s, s.a), 8)),
  ],
  fcvt_to_sint_sat: [rule("→ cvtts.2si r, x; repaired if it overflowed", always, (s) => convert(s, Pseudo.to_sint_sat, EARLY_DEF, sizeOf(s, s.a), s.size))],
  fcvt_to_uint_sat: [
    rule("i32 → 0 unless positive; cvtts.2si r64, x; clamped", (s) => s.isI32,  (s) => convert(s, Pseudo.to_uint32_sat, EARLY_DEF, sizeOf(s, s.a), 4)),
    rule("i64 → 0 unless positive; by halves of the range", always,             (s) => convert(s, Pseudo.to_uint64_sat, EARLY_DEF, sizeOf(s, s.a), 8)),
  ],
};
