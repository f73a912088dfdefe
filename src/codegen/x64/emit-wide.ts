/**
 * Copying with registers of 32 bytes, the only code for more than x86-64-v2, and how to know that the processor can: these registers are in no table of
 * instructions, because nothing is allocated to them. A test disassembles the bytes.
 */

import type { Assembler } from "./assembler.ts";
import { Cond, Inst } from "./instructions.ts";
import { R11, RAX, RBX, RCX, RDI, RSI } from "./registers.ts";

/** ymm0 to ymm3. */
export const WIDE_REGISTERS = 0b1111;
/** Bytes that they hold. */
const STEP = 128;

/** `vmovdqu ymm0..1, [rsi + 0, 32]`, `vmovdqu ymm2..3, [rsi + 64, 96]` */
const LOADS = [0xc5, 0xfe, 0x6f, 0x06, 0xc5, 0xfe, 0x6f, 0x4e, 32];
const UPPER_LOADS = [0xc5, 0xfe, 0x6f, 0x56, 64, 0xc5, 0xfe, 0x6f, 0x5e, 96];
/** `vmovdqu [rdi + 0, 32], ymm0..1`, `vmovdqu [rdi + 64, 96], ymm2..3` */
const STORES = [0xc5, 0xfe, 0x7f, 0x07, 0xc5, 0xfe, 0x7f, 0x4f, 32];
const UPPER_STORES = [0xc5, 0xfe, 0x7f, 0x57, 64, 0xc5, 0xfe, 0x7f, 0x5f, 96];
/** Afterwards instructions of the older kind cost no more than ever. */
const VZEROUPPER = [0xc5, 0xf8, 0x77];
const XGETBV = [0x0f, 0x01, 0xd0];

/** Of leaf 1 in ecx: OSXSAVE and AVX. */
const CPU_HAS = (1 << 27) | (1 << 28);
/** Of XCR0: the kernel keeps both halves of the registers. */
const KERNEL_KEEPS = 0b110;

/** Destination in rdi, source in rsi, length in rcx: at least 128. The last step ends where the range does, and is half of one if that will do. */
export function emitCopyWide(asm: Assembler): void {
  const [more, last, half] = [asm.newLabel(), asm.newLabel(), asm.newLabel()];
  asm.ri(Inst.sub_ri, 8, RCX, STEP);
  asm.jcc(Cond.be, last);
  asm.bind(more);
  for (const part of [LOADS, UPPER_LOADS, STORES, UPPER_STORES]) asm.raw(part);
  asm.ri(Inst.add_ri, 8, RSI, STEP);
  asm.ri(Inst.add_ri, 8, RDI, STEP);
  asm.ri(Inst.sub_ri, 8, RCX, STEP);
  asm.jcc(Cond.a, more);
  asm.bind(last);
  asm.rr(Inst.add_rr, 8, RSI, RCX);
  asm.rr(Inst.add_rr, 8, RDI, RCX);
  asm.ri(Inst.cmp_ri, 8, RCX, -STEP / 2);
  asm.jcc(Cond.le, half);
  for (const part of [LOADS, STORES]) asm.raw(part);
  asm.bind(half);
  for (const part of [UPPER_LOADS, UPPER_STORES]) asm.raw(part);
  asm.raw(VZEROUPPER);
}

/** rax = 0 or 1; rcx and rdx are used up. */
export function emitHasWideCopy(asm: Assembler): void {
  const [no, done] = [asm.newLabel(), asm.newLabel()];
  asm.rr(Inst.mov_rr, 8, R11, RBX);
  asm.ri(Inst.mov_ri, 4, RAX, 1);
  asm.none(Inst.cpuid);
  asm.rr(Inst.mov_rr, 8, RBX, R11);
  asm.ri(Inst.and_ri, 4, RCX, CPU_HAS);
  asm.ri(Inst.cmp_ri, 4, RCX, CPU_HAS);
  asm.jcc(Cond.ne, no);
  asm.rr(Inst.xor_rr, 4, RCX, RCX);
  asm.raw(XGETBV);
  asm.ri(Inst.and_ri, 4, RAX, KERNEL_KEEPS);
  asm.ri(Inst.cmp_ri, 4, RAX, KERNEL_KEEPS);
  asm.ri(Inst.mov_ri, 4, RAX, 1);
  asm.jcc(Cond.e, done);
  asm.bind(no);
  asm.rr(Inst.xor_rr, 4, RAX, RAX);
  asm.bind(done);
}
