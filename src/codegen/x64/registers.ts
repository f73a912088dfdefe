/**
 * The registers of x86-64: names, numbers, roles.
 *
 * Why: selection, encoder, prologue and unwind information must agree about each register. Physical registers are numbered as
 * `codegen/regalloc/interface.ts` says: general registers 0 to 15 and vector registers 32 to 47, by hardware number, so that
 * `preg & 15` is what an encoding holds.
 */

import type { PReg } from "../regalloc/interface.ts";

export const RAX: PReg = 0;
export const RCX: PReg = 1;
export const RDX: PReg = 2;
export const RBX: PReg = 3;
export const RSP: PReg = 4;
export const RBP: PReg = 5;
export const RSI: PReg = 6;
export const RDI: PReg = 7;
export const R8: PReg = 8;
export const R9: PReg = 9;
export const R10: PReg = 10;
export const R11: PReg = 11;
export const R12: PReg = 12;
export const R13: PReg = 13;
export const R14: PReg = 14;
export const R15: PReg = 15;

/** The first vector register: `XMM0 + n` is xmmN. */
export const XMM0: PReg = 32;
export const XMM1: PReg = 33;
export const XMM15: PReg = 47;

/** xmmN. */
export function xmm(n: number): PReg {
  return XMM0 + n;
}

export function isVectorRegister(reg: PReg): boolean {
  return reg >= XMM0;
}

/** Never allocated: moves between slots, cycles, addresses that an instruction cannot hold. */
export const SCRATCH_INT: PReg = R11;
export const SCRATCH_FLOAT: PReg = XMM15;

/** System V AMD64 3.2.3: arguments in registers, in order. */
export const INT_ARGUMENT_REGISTERS: readonly PReg[] = [RDI, RSI, RDX, RCX, R8, R9];
export const FLOAT_ARGUMENT_REGISTERS: readonly PReg[] = [32, 33, 34, 35, 36, 37, 38, 39];
/** Results in registers, in order. */
export const INT_RESULT_REGISTERS: readonly PReg[] = [RAX, RDX];
export const FLOAT_RESULT_REGISTERS: readonly PReg[] = [XMM0, XMM1];

/** Bit of a register in its class's mask (`clobberInt`, `calleeSavedFloat`, …). */
export function registerBit(reg: PReg): number {
  return 1 << (reg & 31);
}

function mask(...regs: readonly PReg[]): number {
  return regs.reduce((bits, reg) => bits | registerBit(reg), 0);
}

/** rbp is preserved too, but as the frame pointer: it is never allocated. */
export const CALLEE_SAVED_INT = mask(RBX, R12, R13, R14, R15);
export const CALLEE_SAVED_FLOAT = 0;
/** What a call destroys: everything but the callee-saved registers, rsp and rbp. */
export const CALLER_SAVED_INT = mask(RAX, RCX, RDX, RSI, RDI, R8, R9, R10, R11);
export const CALLER_SAVED_FLOAT = 0xffff;

/** By preference: caller-saved first, and those without a fixed role before the others. */
export const ALLOCATABLE_INT: readonly PReg[] = [RAX, RCX, RDX, RSI, RDI, R8, R9, R10, RBX, R12, R13, R14, R15];
/** xmm0 to xmm14. */
export const ALLOCATABLE_FLOAT: readonly PReg[] = [32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46];

const NAMES_64 = "rax rcx rdx rbx rsp rbp rsi rdi r8 r9 r10 r11 r12 r13 r14 r15".split(" ");
const NAMES_32 = "eax ecx edx ebx esp ebp esi edi r8d r9d r10d r11d r12d r13d r14d r15d".split(" ");
const NAMES_16 = "ax cx dx bx sp bp si di r8w r9w r10w r11w r12w r13w r14w r15w".split(" ");
const NAMES_8 = "al cl dl bl spl bpl sil dil r8b r9b r10b r11b r12b r13b r14b r15b".split(" ");

/** Intel's name of `reg` at `size` bytes (1, 2, 4, 8; ignored for vector registers). Throws `RangeError` on a number that is none. */
export function registerName(reg: PReg, size = 8): string {
  if (reg >= XMM0 && reg <= XMM15) return `xmm${reg - XMM0}`;
  const names = size === 1 ? NAMES_8 : size === 2 ? NAMES_16 : size === 4 ? NAMES_32 : NAMES_64;
  const name = names[reg];
  if (name === undefined) throw new RangeError(`no x64 register has the number ${reg}`);
  return name;
}

const DWARF_INT: readonly number[] = [0, 2, 1, 3, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];

/** DWARF numbers (System V AMD64, figure 3.36) that unwind rows name without going through a PReg. */
export const DWARF_RSP = 7;
export const DWARF_RBP = 6;
export const DWARF_RETURN_ADDRESS = 16;

/** DWARF number of a register. Throws `RangeError` on a number that is none. */
export function dwarfNumber(reg: PReg): number {
  if (reg >= XMM0 && reg <= XMM15) return 17 + reg - XMM0;
  const number = DWARF_INT[reg];
  if (number === undefined) throw new RangeError(`no x64 register has the number ${reg}`);
  return number;
}
