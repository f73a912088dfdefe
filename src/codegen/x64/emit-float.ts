/**
 * Instruction sequences of floating point pseudo operations: what WebAssembly defines and no single instruction does.
 *
 * Each function writes one sequence over physical registers; xmm15 and r11 are free inside it. `double`: f64, else f32.
 */

import type { PReg } from "../regalloc/interface.ts";
import type { Assembler } from "./assembler.ts";
import type { Mem } from "./encoder.ts";
import { Cond, Inst } from "./instructions.ts";
import { R11, SCRATCH_FLOAT } from "./registers.ts";

function compare(double: boolean): number {
  return double ? Inst.ucomisd_rr : Inst.ucomiss_rr;
}
function truncate(double: boolean): number {
  return double ? Inst.cvttsd2si_rr : Inst.cvttss2si_rr;
}

/** d = min or max of d and b: a NaN if either is one, and -0 is less than +0. */
export function emitMinMax(asm: Assembler, isMax: boolean, double: boolean, d: PReg, b: PReg): void {
  const differ = asm.newLabel();
  const nan = asm.newLabel();
  const done = asm.newLabel();
  asm.rr(compare(double), 0, d, b);
  asm.jcc(Cond.ne, differ);
  asm.jcc(Cond.p, nan);
  // Equal: only the sign of zero may differ.
  asm.rr(isMax ? Inst.andps_rr : Inst.orps_rr, 0, d, b);
  asm.jmp(done);
  asm.bind(nan);
  asm.rr(double ? Inst.addsd_rr : Inst.addss_rr, 0, d, b);
  asm.jmp(done);
  asm.bind(differ);
  if (isMax) asm.rr(double ? Inst.maxsd_rr : Inst.maxss_rr, 0, d, b);
  else asm.rr(double ? Inst.minsd_rr : Inst.minss_rr, 0, d, b);
  asm.bind(done);
}

/** d = signed x; the destination is cleared first, on whose old value the conversion would wait. */
export function emitFromSigned(asm: Assembler, double: boolean, intSize: number, d: PReg, x: PReg): void {
  asm.rr(Inst.xorps_rr, 0, d, d);
  asm.rr(double ? Inst.cvtsi2sd_rr : Inst.cvtsi2ss_rr, intSize, d, x);
}

/** d = unsigned 64-bit x: with the top bit set half of it (the lost bit kept for rounding), doubled. */
export function emitFromUint64(asm: Assembler, double: boolean, d: PReg, x: PReg): void {
  const large = asm.newLabel();
  const even = asm.newLabel();
  const done = asm.newLabel();
  asm.rr(Inst.test_rr, 8, x, x);
  asm.jcc(Cond.s, large);
  emitFromSigned(asm, double, 8, d, x);
  asm.jmp(done);
  asm.bind(large);
  asm.rr(Inst.mov_rr, 8, R11, x);
  asm.ri(Inst.shr_ri, 8, R11, 1);
  asm.jcc(Cond.ae, even);
  asm.ri(Inst.or_ri, 8, R11, 1);
  asm.bind(even);
  emitFromSigned(asm, double, 8, d, R11);
  asm.rr(double ? Inst.addsd_rr : Inst.addss_rr, 0, d, d);
  asm.bind(done);
}

/** The mem operand of 2^63. */
function twoTo63(asm: Assembler, mem: Mem, double: boolean): Mem {
  return mem.setLabel(double ? asm.constant(8, 0, 0x43e00000) : asm.constant(4, 0x5f000000));
}

/** d = x - 2^63 as a signed integer, its top bit inverted: x is at least 2^63. */
function emitUpperHalf(asm: Assembler, mem: Mem, double: boolean, d: PReg, x: PReg): void {
  asm.rr(Inst.movaps_rr, 0, SCRATCH_FLOAT, x);
  asm.rm(double ? Inst.subsd_rm : Inst.subss_rm, 0, SCRATCH_FLOAT, twoTo63(asm, mem, double));
  asm.rr(truncate(double), 8, d, SCRATCH_FLOAT);
}

/** d = x as an unsigned 64-bit integer; x is in range. */
export function emitToUint64(asm: Assembler, mem: Mem, double: boolean, d: PReg, x: PReg): void {
  const large = asm.newLabel();
  const done = asm.newLabel();
  asm.rm(double ? Inst.ucomisd_rm : Inst.ucomiss_rm, 0, x, twoTo63(asm, mem, double));
  asm.jcc(Cond.ae, large);
  asm.rr(truncate(double), 8, d, x);
  asm.jmp(done);
  asm.bind(large);
  emitUpperHalf(asm, mem, double, d, x);
  asm.ri(Inst.btc_ri, 8, d, 63);
  asm.bind(done);
}

/** d = x as a signed integer of `size`, saturated; 0 for NaN. The conversion says MIN for everything that does not fit. */
export function emitToSignedSaturated(asm: Assembler, double: boolean, size: number, d: PReg, x: PReg): void {
  const nan = asm.newLabel();
  const done = asm.newLabel();
  asm.rr(truncate(double), size, d, x);
  asm.ri(Inst.cmp_ri, size, d, 1);
  asm.jcc(Cond.no, done);
  asm.rr(compare(double), 0, x, x);
  asm.jcc(Cond.p, nan);
  asm.rr(Inst.xorps_rr, 0, SCRATCH_FLOAT, SCRATCH_FLOAT);
  asm.rr(compare(double), 0, x, SCRATCH_FLOAT);
  asm.jcc(Cond.b, done);
  asm.r(Inst.not_r, size, d);
  asm.jmp(done);
  asm.bind(nan);
  asm.rr(Inst.xor_rr, 4, d, d);
  asm.bind(done);
}

/** d = 0, and on to `done`, unless x is greater than 0 (and no NaN). */
function emitUnlessPositive(asm: Assembler, double: boolean, d: PReg, x: PReg, done: number): void {
  const positive = asm.newLabel();
  asm.rr(Inst.xorps_rr, 0, SCRATCH_FLOAT, SCRATCH_FLOAT);
  asm.rr(compare(double), 0, x, SCRATCH_FLOAT);
  asm.jcc(Cond.a, positive);
  asm.rr(Inst.xor_rr, 4, d, d);
  asm.jmp(done);
  asm.bind(positive);
}

/** d = x as an unsigned 32-bit integer, saturated; 0 for NaN. */
export function emitToUint32Saturated(asm: Assembler, double: boolean, d: PReg, x: PReg): void {
  const done = asm.newLabel();
  emitUnlessPositive(asm, double, d, x, done);
  asm.rr(truncate(double), 8, d, x);
  asm.ri(Inst.mov_ri, 4, R11, -1);
  asm.rr(Inst.cmp_rr, 8, d, R11);
  asm.jcc(Cond.be, done);
  asm.rr(Inst.mov_rr, 4, d, R11);
  asm.bind(done);
}

/** d = x as an unsigned 64-bit integer, saturated; 0 for NaN. */
export function emitToUint64Saturated(asm: Assembler, mem: Mem, double: boolean, d: PReg, x: PReg): void {
  const done = asm.newLabel();
  const large = asm.newLabel();
  const fits = asm.newLabel();
  emitUnlessPositive(asm, double, d, x, done);
  asm.rm(double ? Inst.ucomisd_rm : Inst.ucomiss_rm, 0, x, twoTo63(asm, mem, double));
  asm.jcc(Cond.ae, large);
  asm.rr(truncate(double), 8, d, x);
  asm.jmp(done);
  asm.bind(large);
  emitUpperHalf(asm, mem, double, d, x);
  asm.rr(Inst.test_rr, 8, d, d);
  asm.jcc(Cond.ns, fits);
  asm.ri(Inst.mov_ri, 8, d, -1);
  asm.jmp(done);
  asm.bind(fits);
  asm.ri(Inst.btc_ri, 8, d, 63);
  asm.bind(done);
}
