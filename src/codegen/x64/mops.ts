/**
 * Machine operations of x64: the rows of the instruction table by their numbers, and pseudo operations above them.
 *
 * Why pseudo operations: what has several instructions, fixed registers or other blocks as operands (divisions, calls, branches) is
 * one instruction to the register allocator and several to the encoder. `emit.ts` expands them.
 *
 * Operands of a real instruction in a machine function: the written register first (of a two-address form followed by its
 * source), then the registers that are read in the row's order, then base and index of the memory operand.
 */

import { numbered } from "../../base/numbered.ts";
import { instArgs } from "./encoding.ts";
import { INST_NAMES, type InstName } from "./instructions.ts";

/** Where pseudo operations begin. */
export const FIRST_PSEUDO = 2048;

const PSEUDO_NAMES = [
  /** Defines parameters in their registers: no code. */
  "params",
  /** imm, imm2: a 64-bit constant. */
  "constant",
  "zero_float",
  /** imm: physical register. */
  "read_register",
  /** `w d, r address`: see `PROBE_LENGTH`. */
  "probe",
  /** The upper half of operand 1 cleared. */
  "zero_extend",
  /** imm: condition → 0 or 1. */
  "set_condition",
  /** `rw d, r x` when not equal or unordered. */
  "select_unequal",
  /** `rw d, r x` of vector registers when the condition imm holds. */
  "select_float",
  // Division: dividend in rax; imm = 1 if the divisor may be -1 (srem).
  "sdiv",
  "udiv",
  "srem",
  "urem",
  /** rdx = high half of rax * operand. */
  "mul_high",
  "smul_high",
  /** size: of the float; imm: 1 for the maximum. */
  "float_min",
  /** Conversions: size of the float, imm of the integer. */
  "float_max",
  "from_uint64",
  "to_sint_sat",
  "to_uint32_sat",
  "to_uint64_sat",
  "to_uint64",
  "from_sint",
  /** imm: the row that makes the new value of the old one and operand 1. The old one in rax. */
  "atomic_update",
  /** Registers as of `rep movsb`. */
  "copy_wide",
  "copy_widest",
  /** → rax. */
  "has_wide_copy",
  // Control.
  "jump",
  /** imm: condition; successors 0 (holds) and 1. */
  "branch",
  /** A register that it may use, index; imm: entries without the default, imm2: the IR instruction. */
  "branch_table",
  "return",
  "trap",
  /** imm: condition. */
  "trap_if",
  // Calls: imm = FuncSymbol; imm2 = bytes of stack arguments that the callee pops.
  "call",
  "call_register",
  "call_catch",
  "call_catch_register",
  /** Operand 0: top of the other stack; imm2: bytes of arguments on it. */
  "call_on_stack",
  /** imm2: bytes of stack arguments of the callee. */
  "tail_call",
  "tail_call_register",
  "unwind_to",
] as const;

export type PseudoName = (typeof PSEUDO_NAMES)[number];

export const Pseudo = numbered(PSEUDO_NAMES, FIRST_PSEUDO);

export function pseudoName(op: number): PseudoName {
  const name = PSEUDO_NAMES[op - FIRST_PSEUDO];
  if (name === undefined) throw new RangeError(`no pseudo operation has the number ${op}`);
  return name;
}

/** Conditions beyond the processor's: equal and ordered; unequal or unordered. The inverse is `cc ^ 1`, as of all. */
export const COND_FLOAT_EQ = 16;
export const COND_FLOAT_NE = 17;

/** Per row: where its registers are among the operands. */
export const ROW_TIED = 1;
/** The row writes a register. */
export const ROW_DEFINES = 2;

export const ROW_FLAGS: Uint8Array = Uint8Array.from(INST_NAMES, (_, i) => {
  const registers = instArgs(i).filter((a) => a.kind === "reg");
  const tied = registers.some((a) => a.role === "rw");
  const defines = registers.some((a) => a.role === "rw" || a.role === "w");
  return (tied ? ROW_TIED : 0) | (defines ? ROW_DEFINES : 0);
});

const BY_NAME = new Map<string, number>(INST_NAMES.map((name, i) => [name, i]));

/** How the name of a row becomes that of the row which reads its last register from memory. */
function memoryName(name: InstName): string {
  if (name.endsWith("_rri")) return `${name.slice(0, -4)}_rmi`;
  if (name.endsWith("_rr")) return `${name.slice(0, -3)}_rm`;
  if (name === "movd_xr") return "movd_xm";
  if (name === "cmp_ri") return "cmp_mi";
  if (name === "test_ri") return "test_mi";
  return "";
}

/** The row that reads the last register operand from memory instead, or -1. */
export const MEMORY_FORM: Int16Array = Int16Array.from(INST_NAMES, (name) => BY_NAME.get(memoryName(name)) ?? -1);
