/**
 * What the allocator works on, derived once from its input: program points, what each operand asks for at which point, the operands
 * of every virtual register in order, and how often blocks run.
 *
 * Every instruction i has four points. `4 i` (gap): what was computed before is where it was. `4 i + 1` (early): inputs are read.
 * `4 i + 2` (late): outputs are written. `4 i + 3` (after). A live range is a half-open interval of points. Values change place
 * between gap and early (moves before the instruction), between late and after (moves behind it), and on edges.
 *
 * Fixed operands do not bind the live range: the physical register is reserved at the instruction's own points, and the value is
 * moved there from its place at the gap (a use), or from there to its place after (a definition). Where the place is the very
 * register, there is no move. In the same way a tied definition begins early, with a copy of its source.
 */
// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import { blockFrequencies } from "./frequency.ts";
import { type AllocatorInput, Constraint, OperandKind, RegClass } from "./interface.ts";
import { Workspace } from "../../base/workspace.ts";

/** What an operand asks of its virtual register's place at the operand's point. */
export const Need = {
  /** Nothing: the operand's own place is another (fixed register, tied register, slot). */
  none: 0,
  /** Better a register, but a slot will do. */
  any: 1,
  /** A register. */
  reg: 2,
} as const;

export const NONE = -1;

export interface Problem {
  readonly input: AllocatorInput;
  readonly work: Workspace;
  /** Block of each instruction. */
  readonly blockOf: Int32Array;
  /** How often a block runs, relative to the function's entry. */
  readonly freq: Float64Array;
  /** Instruction of each operand. */
  readonly opInst: Int32Array;
  /** The point at which the operand's virtual register must be there. */
  readonly opPoint: Int32Array;
  /** `Need` per operand. */
  readonly opNeed: Uint8Array;
  /** The register of a fixed operand, or NONE. */
  readonly opFixed: Int32Array;
  /** The tied definition whose register this use is given, or NONE. */
  readonly opFollow: Int32Array;
  /** Operands of virtual register v, ascending by point: uses[useStart[v]] to uses[useStart[v + 1] - 1]; the definition is among them. */
  readonly useStart: Int32Array;
  readonly uses: Int32Array;
  /** Defining operand, or NONE. */
  readonly defOperand: Int32Array;
  /** Block whose parameter it is, or NONE. */
  readonly paramBlock: Int32Array;
  /** Blocks at whose end v is an argument: argUses[argUseStart[v]] … */
  readonly argUseStart: Int32Array;
  readonly argUses: Int32Array;
  /** The instruction that makes v again, or NONE. Such a value never has a slot. */
  readonly remat: Int32Array;
  /** 1: an operand wants v in its slot. */
  readonly wantsSlot: Uint8Array;
  /** Instructions that destroy registers, ascending. */
  readonly clobberInsts: Int32Array;
  /** Those that destroy at least half of a class's registers, by class, ascending. */
  readonly callInsts: readonly [Int32Array, Int32Array];
  /** What all of those destroy, by class; 0 if there are none. */
  readonly callMask: readonly [number, number];
  /** Union of all clobber masks. */
  readonly allClobberInt: number;
  readonly allClobberFloat: number;
}

export function isDef(kind: number): boolean {
  return kind >= OperandKind.def;
}

/** Where the live range of a definition begins. */
export function defStart(problem: Problem, operand: number): number {
  return problem.opPoint[operand]!;
}

/** Where a use by this operand ends the live range, exclusive. */
export function useEnd(problem: Problem, operand: number): number {
  const base = problem.opInst[operand]! << 2;
  if (problem.opFixed[operand]! !== NONE || problem.opFollow[operand]! !== NONE) return base + 1;
  return problem.input.operandKind[operand] === OperandKind.lateUse ? base + 3 : base + 2;
}

function checkShape(input: AllocatorInput): void {
  const { blockStart, succStart, succ, predStart, argStart, paramStart } = input;
  for (let b = 0; b < input.blockCount; b++) {
    if (blockStart[b]! >= blockStart[b + 1]!) throw new InternalError("regalloc", `block ${b} has no instruction`);
    const many = succStart[b + 1]! - succStart[b]! > 1;
    for (let e = succStart[b]!; e < succStart[b + 1]!; e++) {
      const s = succ[e]!;
      if (argStart[e + 1]! - argStart[e]! !== paramStart[s + 1]! - paramStart[s]!)
        throw new InternalError("regalloc", `edge ${b} to ${s}: arguments do not match parameters`);
      if (many && predStart[s + 1]! - predStart[s]! > 1)
        throw new InternalError("regalloc", `critical edge ${b} to ${s}`);
    }
  }
}

export function buildProblem(input: AllocatorInput, work: Workspace = new Workspace()): Problem {
  checkShape(input);
  const { instCount, vregCount, operandStart, operandVreg, operandKind, operandConstraint, operandData } = input;
  const operandCount = operandStart[instCount]!;
  const blockOf = work.i32(instCount);
  for (let b = 0; b < input.blockCount; b++) blockOf.fill(b, input.blockStart[b]!, input.blockStart[b + 1]!);

  const opInst = work.i32(operandCount);
  const opPoint = work.i32(operandCount);
  const opNeed = work.u8(operandCount);
  const opFixed = work.filled(operandCount, NONE);
  const opFollow = work.filled(operandCount, NONE);
  const defOperand = work.filled(vregCount, NONE);
  const wantsSlot = work.u8(vregCount);
  const useStart = work.i32(vregCount + 1);
  const remat = work.copy(input.vregRemat, vregCount);

  // Operands of an instruction that may be in slots; 2 stands for more.
  const anyOperands = work.u8(instCount);
  let clobberCount = 0;
  let allClobberInt = 0;
  let allClobberFloat = 0;
  for (let i = 0; i < instCount; i++) {
    const first = operandStart[i]!;
    const end = operandStart[i + 1]!;
    const clobbers = input.clobberInt[i]! | input.clobberFloat[i]!;
    if (clobbers !== 0) clobberCount++;
    allClobberInt |= input.clobberInt[i]!;
    allClobberFloat |= input.clobberFloat[i]!;
    // Fixed registers first, then ties: a definition tied to a fixed use is a fixed definition.
    for (let o = first; o < end; o++) {
      opInst[o] = i;
      const constraint = operandConstraint[o]!;
      if (constraint === Constraint.fixed) {
        const preg = operandData[o]!;
        if (preg === input.scratchInt || preg === input.scratchFloat)
          throw new InternalError("regalloc", `instruction ${i}: an operand is fixed to the scratch register`);
        opFixed[o] = preg;
      }
    }
    for (let o = first; o < end; o++) {
      if (operandConstraint[o] !== Constraint.tied) continue;
      const source = first + operandData[o]!;
      if (source >= end || isDef(operandKind[source]!) || operandConstraint[source] === Constraint.stack)
        throw new InternalError("regalloc", `instruction ${i}: bad tied operand`);
      if (opFixed[source] !== NONE) {
        opFixed[o] = opFixed[source]!;
        continue;
      }
      opFollow[source] = o;
      const v = operandVreg[source]!;
      for (let u = first; u < end; u++) {
        // Other reads of the same value may read the copy.
        if (u !== source && operandVreg[u] === v && operandKind[u] === OperandKind.use && opFollow[u] === NONE) {
          const constraint = operandConstraint[u]!;
          if (constraint === Constraint.reg || constraint === Constraint.any) opFollow[u] = o;
        }
      }
    }
    for (let o = first; o < end; o++) {
      const v = operandVreg[o]!;
      const kind = operandKind[o]!;
      const constraint = operandConstraint[o]!;
      const base = i << 2;
      useStart[v + 1]!++;
      if (constraint === Constraint.any && anyOperands[i]! < 2) anyOperands[i]!++;
      if (constraint === Constraint.stack) {
        wantsSlot[v] = 1;
        remat[v] = NONE;
      }
      if (isDef(kind)) {
        defOperand[v] = o;
        if (opFixed[o] !== NONE || constraint === Constraint.stack) {
          opPoint[o] = base + 3;
          // The instruction cannot be run again with another destination.
          remat[v] = NONE;
        } else {
          opPoint[o] = constraint === Constraint.tied || kind === OperandKind.earlyDef ? base + 1 : base + 2;
          opNeed[o] = constraint === Constraint.any && input.isMove[i] === 0 ? Need.any : Need.reg;
          if (clobbers !== 0 || end - first !== 1) remat[v] = NONE;
        }
      } else if (opFixed[o] !== NONE || opFollow[o] !== NONE) {
        opPoint[o] = base;
      } else {
        // A late use that may be in its slot is wherever the value is late: the register that another use wants need not last.
        const lateAny = kind === OperandKind.lateUse && constraint === Constraint.any;
        opPoint[o] = lateAny ? base + 2 : base + 1;
        // The instruction may destroy every register: only a slot is certain.
        if (lateAny) remat[v] = NONE;
        opNeed[o] = constraint === Constraint.reg ? Need.reg : constraint === Constraint.any ? Need.any : Need.none;
      }
    }
  }

  for (let v = 0; v < vregCount; v++) useStart[v + 1]! += useStart[v]!;
  const uses = work.i32(operandCount);
  const cursor = work.copy(useStart, vregCount);
  for (let o = 0; o < operandCount; o++) {
    const v = operandVreg[o]!;
    // Within one instruction by point.
    let at = cursor[v]!++;
    while (at > useStart[v]! && opInst[uses[at - 1]!] === opInst[o] && opPoint[uses[at - 1]!]! > opPoint[o]!) {
      uses[at] = uses[at - 1]!;
      at--;
    }
    uses[at] = o;
    // A value that can be made again has no slot to be read from: such a use needs a register. Where several uses could crowd an
    // instruction, or it destroys the register, the value has a slot instead.
    if (opNeed[o] === Need.any && (operandKind[o] === OperandKind.lateUse || anyOperands[opInst[o]!]! > 1))
      remat[v] = NONE;
  }

  for (let o = 0; o < operandCount; o++)
    if (remat[operandVreg[o]!] !== NONE && opNeed[o] === Need.any) opNeed[o] = Need.reg;

  const paramBlock = work.filled(vregCount, NONE);
  for (let b = 0; b < input.blockCount; b++)
    for (let p = input.paramStart[b]!; p < input.paramStart[b + 1]!; p++) paramBlock[input.params[p]!] = b;

  const clobberInsts = work.i32(clobberCount);
  clobberCount = 0;
  for (let i = 0; i < instCount; i++)
    if ((input.clobberInt[i]! | input.clobberFloat[i]!) !== 0) clobberInsts[clobberCount++] = i;

  const { argUseStart, argUses } = collectArguments(input, work, useStart);
  const callInsts: [Int32Array, Int32Array] = [
    wideClobbers(work, clobberInsts, input.clobberInt, input.allocatableInt),
    wideClobbers(work, clobberInsts, input.clobberFloat, input.allocatableFloat),
  ];
  return {
    input,
    work,
    blockOf,
    freq: blockFrequencies(input, work),
    opInst,
    opPoint,
    opNeed,
    opFixed,
    opFollow,
    useStart,
    uses,
    defOperand,
    paramBlock,
    argUseStart,
    argUses,
    remat,
    wantsSlot,
    clobberInsts,
    callInsts,
    callMask: [commonMask(callInsts[0], input.clobberInt), commonMask(callInsts[1], input.clobberFloat)],
    allClobberInt,
    allClobberFloat,
  };
}

function bitCount(mask: number): number {
  let count = 0;
  for (let m = mask; m !== 0; m &= m - 1) count++;
  return count;
}

function wideClobbers(
  work: Workspace,
  insts: Int32Array,
  clobbers: Int32Array,
  allocatable: readonly number[],
): Int32Array {
  let registers = 0;
  for (const preg of allocatable) registers |= 1 << (preg & 31);
  const half = allocatable.length / 2;
  const wide = work.i32(insts.length);
  let count = 0;
  let lastMask = 0;
  let isWide = false;
  for (let k = 0; k < insts.length; k++) {
    const mask = clobbers[insts[k]!]! & registers;
    if (mask !== lastMask) {
      lastMask = mask;
      isWide = bitCount(mask) >= half;
    }
    if (isWide) wide[count++] = insts[k]!;
  }
  return wide.subarray(0, count);
}

function commonMask(insts: Int32Array, clobbers: Int32Array): number {
  let mask = insts.length === 0 ? 0 : -1;
  for (let k = 0; k < insts.length; k++) mask &= clobbers[insts[k]!]!;
  return mask;
}

/** Per virtual register the blocks that pass it on, leaving out arguments for parameters that nobody reads. */
function collectArguments(
  input: AllocatorInput,
  work: Workspace,
  useStart: Int32Array,
): { argUseStart: Int32Array; argUses: Int32Array } {
  const { vregCount, succStart, succ, argStart, args, paramStart, params } = input;
  const passed = work.u8(vregCount);
  for (let a = 0; a < args.length; a++) passed[args[a]!] = 1;
  const argUseStart = work.i32(vregCount + 1);
  let argUses = work.i32(0);
  for (let pass = 0; pass < 2; pass++) {
    for (let b = 0; b < input.blockCount; b++) {
      for (let e = succStart[b]!; e < succStart[b + 1]!; e++) {
        const firstParam = paramStart[succ[e]!]!;
        const firstArg = argStart[e]!;
        for (let a = firstArg; a < argStart[e + 1]!; a++) {
          const param = params[firstParam + a - firstArg]!;
          if (passed[param] === 0 && useStart[param] === useStart[param + 1]) continue;
          const v = args[a]!;
          if (pass === 0) argUseStart[v + 1]!++;
          else argUses[--argUseStart[v + 1]!] = b;
        }
      }
    }
    if (pass === 0) {
      for (let v = 0; v < vregCount; v++) argUseStart[v + 1]! += argUseStart[v]!;
      argUses = work.i32(argUseStart[vregCount]!);
      // Filled from the back: afterwards argUseStart[v + 1] is where v's begin.
    }
  }
  const starts = work.i32(vregCount + 1);
  starts.set(argUseStart.subarray(1), 0);
  starts[vregCount] = argUses.length;
  return { argUseStart: starts, argUses };
}

/** The class's share of the masks of instruction i. */
export function clobberMask(input: AllocatorInput, inst: number, regClass: number): number {
  return regClass === RegClass.int ? input.clobberInt[inst]! : input.clobberFloat[inst]!;
}
