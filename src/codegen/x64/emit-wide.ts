/**
 * Copying with registers of 32 and of 64 bytes, the only code for more than x86-64-v2, and how to know that the processor can: these registers are in no
 * table of instructions, because nothing is allocated to them. A test disassembles the bytes.
 */

import type { Assembler } from "./assembler.ts";
import { Cond, Inst } from "./instructions.ts";
import { R11, RAX, RBX, RCX, RDI, RSI } from "./registers.ts";

/** ymm0 to ymm3, or zmm0 to zmm3. */
export const WIDE_REGISTERS = 0b1111;
/** Bytes that they hold. */
const STEP = 128;

/** `vmovdqu ymm0..1, [rsi + 0, 32]`, `vmovdqu ymm2..3, [rsi + 64, 96]` */
const LOADS = [0xc5, 0xfe, 0x6f, 0x06, 0xc5, 0xfe, 0x6f, 0x4e, 32];
const UPPER_LOADS = [0xc5, 0xfe, 0x6f, 0x56, 64, 0xc5, 0xfe, 0x6f, 0x5e, 96];
/** `vmovdqu [rdi + 0, 32], ymm0..1`, `vmovdqu [rdi + 64, 96], ymm2..3` */
const STORES = [0xc5, 0xfe, 0x7f, 0x07, 0xc5, 0xfe, 0x7f, 0x4f, 32];
const UPPER_STORES = [0xc5, 0xfe, 0x7f, 0x57, 64, 0xc5, 0xfe, 0x7f, 0x5f, 96];
/** Bytes of a step with registers of 64 bytes. */
const WIDEST_STEP = 256;

/** `vmovdqu64 zmm0..1, [rsi + 0, 64]`, `vmovdqu64 zmm2..3, [rsi + 128, 192]`: displacements are in units of 64. */
const WIDEST_LOADS = [0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x06, 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x4e, 1];
const WIDEST_UPPER_LOADS = [0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x56, 2, 0x62, 0xf1, 0xfe, 0x48, 0x6f, 0x5e, 3];
/** `vmovdqu64 [rdi + 0, 64], zmm0..1`, `vmovdqu64 [rdi + 128, 192], zmm2..3` */
const WIDEST_STORES = [0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x07, 0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x4f, 1];
const WIDEST_UPPER_STORES = [0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x57, 2, 0x62, 0xf1, 0xfe, 0x48, 0x7f, 0x5f, 3];

/** Afterwards instructions of the older kind cost no more than ever. */
const VZEROUPPER = [0xc5, 0xf8, 0x77];
const XGETBV = [0x0f, 0x01, 0xd0];

/** Of leaf 1 in ecx: OSXSAVE and AVX. */
const CPU_HAS = (1 << 27) | (1 << 28);
/** Of XCR0: the kernel keeps both halves of the registers; and all of the wider ones. */
const KERNEL_KEEPS = 0b110;
const KERNEL_KEEPS_WIDEST = 0b1110_0110;
/** Of leaf 7 in ebx: AVX512F. In ecx: AVX512_VBMI2, for processors that have it keep their clock while they use these registers. */
const CPU_HAS_WIDEST = 1 << 16;
const CPU_IS_RECENT = 1 << 6;

/** Lower and upper halves of a step. */
interface Step {
  readonly bytes: number;
  readonly lower: readonly (readonly number[])[];
  readonly upper: readonly (readonly number[])[];
}
const WIDE: Step = { bytes: STEP, lower: [LOADS, STORES], upper: [UPPER_LOADS, UPPER_STORES] };
const WIDEST: Step = {
  bytes: WIDEST_STEP,
  lower: [WIDEST_LOADS, WIDEST_STORES],
  upper: [WIDEST_UPPER_LOADS, WIDEST_UPPER_STORES],
};

/** Destination in rdi, source in rsi, length in rcx: at least 128. */
export function emitCopyWide(asm: Assembler): void {
  emitSteps(asm, WIDE);
}

/** The same for at least 256. */
export function emitCopyWidest(asm: Assembler): void {
  emitSteps(asm, WIDEST);
}

/** The last step ends where the range does, and is half of one if that will do. */
function emitSteps(asm: Assembler, { bytes, lower, upper }: Step): void {
  const [more, last, half] = [asm.newLabel(), asm.newLabel(), asm.newLabel()];
  asm.ri(Inst.sub_ri, 8, RCX, bytes);
  asm.jcc(Cond.be, last);
  asm.bind(more);
  for (const part of [...lower, ...upper]) asm.raw(part);
  asm.ri(Inst.add_ri, 8, RSI, bytes);
  asm.ri(Inst.add_ri, 8, RDI, bytes);
  asm.ri(Inst.sub_ri, 8, RCX, bytes);
  asm.jcc(Cond.a, more);
  asm.bind(last);
  asm.rr(Inst.add_rr, 8, RSI, RCX);
  asm.rr(Inst.add_rr, 8, RDI, RCX);
  asm.ri(Inst.cmp_ri, 8, RCX, -bytes / 2);
  asm.jcc(Cond.le, half);
  for (const part of lower) asm.raw(part);
  asm.bind(half);
  for (const part of upper) asm.raw(part);
  asm.raw(VZEROUPPER);
}

/** rax = 0, 1 or 2; rcx and rdx are used up. */
export function emitHasWideCopy(asm: Assembler): void {
  const [no, wide, done] = [asm.newLabel(), asm.newLabel(), asm.newLabel()];
  asm.rr(Inst.mov_rr, 8, R11, RBX);
  asm.ri(Inst.mov_ri, 4, RAX, 1);
  asm.none(Inst.cpuid);
  asm.ri(Inst.and_ri, 4, RCX, CPU_HAS);
  asm.ri(Inst.cmp_ri, 4, RCX, CPU_HAS);
  asm.jcc(Cond.ne, no);
  emitKernelKeeps(asm, KERNEL_KEEPS);
  asm.jcc(Cond.ne, no);
  emitKernelKeeps(asm, KERNEL_KEEPS_WIDEST);
  asm.jcc(Cond.ne, wide);
  // Who has these registers has leaf 7.
  asm.ri(Inst.mov_ri, 4, RAX, 7);
  asm.rr(Inst.xor_rr, 4, RCX, RCX);
  asm.none(Inst.cpuid);
  asm.ri(Inst.and_ri, 4, RBX, CPU_HAS_WIDEST);
  asm.jcc(Cond.e, wide);
  asm.ri(Inst.and_ri, 4, RCX, CPU_IS_RECENT);
  asm.jcc(Cond.e, wide);
  asm.ri(Inst.mov_ri, 4, RAX, 2);
  asm.jmp(done);
  asm.bind(wide);
  asm.ri(Inst.mov_ri, 4, RAX, 1);
  asm.jmp(done);
  asm.bind(no);
  asm.rr(Inst.xor_rr, 4, RAX, RAX);
  asm.bind(done);
  asm.rr(Inst.mov_rr, 8, RBX, R11);
}

/** Whether XCR0 has all of `bits`: condition `e`. */
function emitKernelKeeps(asm: Assembler, bits: number): void {
  asm.rr(Inst.xor_rr, 4, RCX, RCX);
  asm.raw(XGETBV);
  asm.ri(Inst.and_ri, 4, RAX, bits);
  asm.ri(Inst.cmp_ri, 4, RAX, bits);
}
