/**
 * Selection rules of integer arithmetic. One rule a line: pattern → instructions, condition, action. `a`, `b` are the operands, `k` the
 * constant that the condition found, `x`, `y` the operands of what was folded.
 */

import { I32, I64 } from "../../ir/types.ts";
import { LATE_USE, DEF, DEF_TIED, defFixed, USE, useFixed } from "../machine.ts";
import { Inst } from "./instructions.ts";
import { Pseudo } from "./mops.ts";
import { RAX, RCX, RDX, registerBit } from "./registers.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** Shift or rotate by cl. */
function byCl(s: Selector, op: number): void {
  s.begin(op, s.size);
  s.m.operand(s.result(), DEF_TIED);
  s.m.operand(s.vreg(s.a), USE);
  s.m.operand(s.vreg(s.b), useFixed(RCX));
}

/** Shift or rotate by a constant, modulo the width. */
function byConstant(s: Selector, op: number): void {
  s.binaryImm(op, s.size, s.result(), s.vreg(s.a), s.k & (s.size * 8 - 1));
}

/** Division: dividend in rax, result in rax or rdx, the other one destroyed. `check`: the divisor may be -1. */
function divide(s: Selector, op: number, result: number, check = false): void {
  const i = s.begin(op, s.size);
  s.m.operand(s.result(), defFixed(result));
  s.m.operand(s.vreg(s.a), useFixed(RAX));
  s.m.operand(s.vreg(s.b), LATE_USE);
  s.m.rawClobberInt[i] = registerBit(result === RAX ? RDX : RAX);
  s.m.imm[i] = check ? 1 : 0;
}

/** High half of a product. */
function mulHigh(s: Selector, op: number): void {
  const i = s.begin(op, 8);
  s.m.operand(s.result(), defFixed(RDX));
  s.m.operand(s.vreg(s.a), useFixed(RAX));
  s.m.operand(s.vreg(s.b), USE);
  s.m.rawClobberInt[i] = registerBit(RAX);
}

/** result = [a + k] */
function leaConstant(s: Selector, k: number): void {
  s.setBaseAddress(s.vreg(s.a), k);
  s.lea();
}

/** result = [a + x << shift] */
function leaScaled(s: Selector): void {
  s.setIndexAddress(s.vreg(s.a), s.vreg(s.x), s.shift, 0);
  s.lea();
}

/** result = [a + a * 2, 4 or 8] */
function leaTimes(s: Selector): void {
  const a = s.vreg(s.a);
  s.setIndexAddress(a, a, s.k === 3 ? 1 : s.k === 5 ? 2 : 3, 0);
  s.lea();
}

/** Scan for a bit, with the result for 0 taken from a register. */
function scan(s: Selector, op: number, ifZero: number): number {
  const zero = s.constantVreg(ifZero, 0);
  const found = s.temp(I64);
  s.unary(op, s.size, found, s.vreg(s.a));
  const d = s.temp(I64);
  const i = s.binary(Inst.cmovcc_rr, s.size, d, found, zero);
  s.m.imm[i] = 4;
  return d;
}

function countLeadingZeros(s: Selector): void {
  // bsr gives the position from below; 2 * width - 1 for 0 becomes width.
  const top = s.size * 8 - 1;
  const d = scan(s, Inst.bsr_rr, 2 * top + 1);
  s.binaryImm(Inst.xor_ri, 4, s.result(), d, top);
}

function countTrailingZeros(s: Selector): void {
  const zero = s.constantVreg(s.size * 8, 0);
  const found = s.temp(I64);
  s.unary(Inst.bsf_rr, s.size, found, s.vreg(s.a));
  const i = s.binary(Inst.cmovcc_rr, s.size, s.result(), found, zero);
  s.m.imm[i] = 4;
}

/** result = low bits of a, zero-extended by a 32-bit move. */
function lowHalf(s: Selector): void {
  s.begin(Pseudo.zero_extend, 4);
  s.m.operand(s.result(), DEF);
  s.m.operand(s.vreg(s.a), USE);
}

function isTimes(s: Selector): boolean {
  return s.imm32(s.b) && (s.k === 3 || s.k === 5 || s.k === 9);
}

/** Another instruction reads the operand too: keep it, and write elsewhere. */
function isShared(s: Selector): boolean {
  return !s.isSingle(s.a);
}

// biome-ignore format: one rule per line
export const INTEGER_RULES: RuleTable = {
  iconst: [
    rule("k → mov r, imm",                        always,                                                    (s) => s.constantInto(s.result(), s.lo, s.isI32 ? 0 : s.hi)),
  ],
  iadd: [
    rule("a (shared) + k → lea [a + k]",          (s) => isShared(s) && s.imm32(s.b),                        (s) => leaConstant(s, s.k)),
    rule("a + k → add r, imm",                    (s) => s.imm32(s.b),                                       (s) => s.ak(Inst.add_ri)),
    rule("a + load → add r, [m]",                 (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.add_rm)),
    rule("a + (x << 1..3) → lea [a + x * n]",     (s) => s.isScaled(s.b) && s.isSingle(s.b),                 leaScaled),
    rule("(x << 1..3) + b → lea [b + x * n]",     (s) => s.isScaled(s.a) && s.isSingle(s.a),                 (s) => { s.a = s.b; leaScaled(s); }),
    rule("a (shared) + b (shared) → lea [a + b]", (s) => isShared(s) && !s.isSingle(s.b),                    (s) => { s.setIndexAddress(s.vreg(s.a), s.vreg(s.b), 0, 0); s.lea(); }),
    rule("a (shared) + b → add b, a",             isShared,                                                  (s) => { [s.a, s.b] = [s.b, s.a]; s.ab(Inst.add_rr); }),
    rule("a + b → add r, r",                      always,                                                    (s) => s.ab(Inst.add_rr)),
  ],
  isub: [
    rule("0 - b → neg r",                         (s) => s.isValue(s.a, 0),                                  (s) => s.inPlace(Inst.neg_r, s.size, s.result(), s.vreg(s.b))),
    rule("a (shared) - k → lea [a - k]",          (s) => isShared(s) && s.imm32(s.b) && s.k !== -0x80000000, (s) => leaConstant(s, -s.k)),
    rule("a - k → sub r, imm",                    (s) => s.imm32(s.b),                                       (s) => s.ak(Inst.sub_ri)),
    rule("a - load → sub r, [m]",                 (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.sub_rm)),
    rule("a - b → sub r, r",                      always,                                                    (s) => s.ab(Inst.sub_rr)),
  ],
  imul: [
    rule("a * 3, 5, 9 → lea [a + a * n]",         isTimes,                                                   leaTimes),
    rule("load * k → imul r, [m], imm",           (s) => s.imm32(s.b) && s.isLoad(s.a),                      (s) => { const { k } = s; s.sink(s.a); s.m.setImm(s.load(Inst.imul_rmi, s.size, s.result()), k); }),
    rule("a * k → imul r, r, imm",                (s) => s.imm32(s.b),                                       (s) => s.unaryImm(Inst.imul_rri, s.size, s.result(), s.vreg(s.a), s.k)),
    rule("a * load → imul r, [m]",                (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.imul_rm)),
    rule("a * b → imul r, r",                     always,                                                    (s) => s.ab(Inst.imul_rr)),
  ],
  umulhi: [rule("high(a * b) → mul r",            always,                                                    (s) => mulHigh(s, Pseudo.mul_high))],
  smulhi: [rule("high(a * b) → imul r",           always,                                                    (s) => mulHigh(s, Pseudo.smul_high))],
  sdiv: [rule("a / b → cdq; idiv r",              always,                                                    (s) => divide(s, Pseudo.sdiv, RAX))],
  udiv: [rule("a / b → xor edx, edx; div r",      always,                                                    (s) => divide(s, Pseudo.udiv, RAX))],
  srem: [
    rule("a % k (not -1) → cdq; idiv r",          (s) => s.constant(s.b) && (s.k & s.kHi) !== -1,            (s) => divide(s, Pseudo.srem, RDX)),
    rule("a % b → 0 if b = -1; cdq; idiv r",      always,                                                    (s) => divide(s, Pseudo.srem, RDX, true)),
  ],
  urem: [rule("a % b → xor edx, edx; div r",      always,                                                    (s) => divide(s, Pseudo.urem, RDX))],
  band: [
    rule("a & 0xff → movzx r, r8",                (s) => s.isValue(s.b, 0xff),                               (s) => s.oneA(Inst.movzx8_rr, 4)),
    rule("a & 0xffff → movzx r, r16",             (s) => s.isValue(s.b, 0xffff),                             (s) => s.oneA(Inst.movzx16_rr, 4)),
    rule("a & 0xffffffff → mov r32, r32",         (s) => s.isI64 && s.constant(s.b) && s.k === -1 && s.kHi === 0, lowHalf),
    rule("a & k (31 bits) → and r32, imm",        (s) => s.isI64 && s.imm32(s.b) && s.k >= 0,                (s) => s.binaryImm(Inst.and_ri, 4, s.result(), s.vreg(s.a), s.k)),
    rule("a & k → and r, imm",                    (s) => s.imm32(s.b),                                       (s) => s.ak(Inst.and_ri)),
    rule("a & load → and r, [m]",                 (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.and_rm)),
    rule("a & b → and r, r",                      always,                                                    (s) => s.ab(Inst.and_rr)),
  ],
  bor: [
    rule("a | k → or r, imm",                     (s) => s.imm32(s.b),                                       (s) => s.ak(Inst.or_ri)),
    rule("a | load → or r, [m]",                  (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.or_rm)),
    rule("a | b → or r, r",                       always,                                                    (s) => s.ab(Inst.or_rr)),
  ],
  bxor: [
    rule("a ^ -1 → not r",                        (s) => s.isValue(s.b, -1),                                 (s) => s.inPlace(Inst.not_r, s.size, s.result(), s.vreg(s.a))),
    rule("a ^ k → xor r, imm",                    (s) => s.imm32(s.b),                                       (s) => s.ak(Inst.xor_ri)),
    rule("a ^ load → xor r, [m]",                 (s) => s.isLoad(s.b),                                      (s) => s.aLoadB(Inst.xor_rm)),
    rule("a ^ b → xor r, r",                      always,                                                    (s) => s.ab(Inst.xor_rr)),
  ],
  ishl: [
    rule("a << k → shl r, imm",                   (s) => s.constant(s.b),                                    (s) => byConstant(s, Inst.shl_ri)),
    rule("a << b → shl r, cl",                    always,                                                    (s) => byCl(s, Inst.shl_rc)),
  ],
  ushr: [
    rule("a >> k → shr r, imm",                   (s) => s.constant(s.b),                                    (s) => byConstant(s, Inst.shr_ri)),
    rule("a >> b → shr r, cl",                    always,                                                    (s) => byCl(s, Inst.shr_rc)),
  ],
  sshr: [
    rule("a >> k → sar r, imm",                   (s) => s.constant(s.b),                                    (s) => byConstant(s, Inst.sar_ri)),
    rule("a >> b → sar r, cl",                    always,                                                    (s) => byCl(s, Inst.sar_rc)),
  ],
  rotl: [
    rule("rotl a, k → rol r, imm",                (s) => s.constant(s.b),                                    (s) => byConstant(s, Inst.rol_ri)),
    rule("rotl a, b → rol r, cl",                 always,                                                    (s) => byCl(s, Inst.rol_rc)),
  ],
  rotr: [
    rule("rotr a, k → ror r, imm",                (s) => s.constant(s.b),                                    (s) => byConstant(s, Inst.ror_ri)),
    rule("rotr a, b → ror r, cl",                 always,                                                    (s) => byCl(s, Inst.ror_rc)),
  ],
  clz: [
    rule("clz a → lzcnt r, r",                    (s) => s.features.lzcnt,                                   (s) => s.oneA(Inst.lzcnt_rr)),
    rule("clz a → bsr; cmovz; xor",               always,                                                    countLeadingZeros),
  ],
  ctz: [
    rule("ctz a → tzcnt r, r",                    (s) => s.features.bmi1,                                    (s) => s.oneA(Inst.tzcnt_rr)),
    rule("ctz a → bsf; cmovz",                    always,                                                    countTrailingZeros),
  ],
  popcnt: [
    rule("popcnt load → popcnt r, [m]",           (s) => s.isLoad(s.a),                                      (s) => s.loadA(Inst.popcnt_rm)),
    rule("popcnt a → popcnt r, r",                always,                                                    (s) => s.oneA(Inst.popcnt_rr)),
  ],
  sext8: [rule("a → movsx r, r8",                 always,                                                    (s) => s.oneA(Inst.movsx8_rr))],
  sext16: [rule("a → movsx r, r16",               always,                                                    (s) => s.oneA(Inst.movsx16_rr))],
  sext32: [rule("a → movsxd r, r32",              always,                                                    (s) => s.oneA(Inst.movsxd_rr))],
  uextend: [
    rule("a (upper half clear) → nothing",        (s) => s.l.isClear(s.a),                                   (s) => s.l.alias(s.resultValue(), s.a)),
    rule("a → mov r32, r32",                      always,                                                    lowHalf),
  ],
  sextend: [
    rule("load → movsxd r, [m]",                  (s) => s.isFoldable(s.a, 4),                               (s) => s.loadA(Inst.movsxd_rm, 8)),
    rule("a → movsxd r, r32",                     always,                                                    (s) => s.oneA(Inst.movsxd_rr, 8)),
  ],
  ireduce: [rule("a → nothing",                   always,                                                    (s) => s.l.alias(s.resultValue(), s.a))],
  bitcast: [
    rule("int → movd x, r",                       (s) => s.type !== I32 && s.type !== I64,                   (s) => s.oneA(Inst.movd_xr)),
    rule("float → movd r, x",                     always,                                                    (s) => s.oneA(Inst.movd_rx)),
  ],
};
