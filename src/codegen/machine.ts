/**
 * Machine functions: instructions of a target over virtual registers, in columns.
 *
 * Why: the register allocator and the emitter need dense arrays, while selection runs backward through each block and makes
 * an instruction's parts in no useful order. So instructions are created once, in columns by creation number, and `linearize` gives
 * them their final numbers and lays their operands out as the allocator wants them (`regalloc/interface.ts`).
 *
 * Guarantees after `linearize`: operands of an instruction are consecutive, definitions come first; every virtual register is
 * resolved through `alias`; blocks are in emission order.
 */

// hot loop: indices are in range by construction

import type { I32Column, U8Column } from "../base/columns.ts";
import type { Workspace } from "../base/workspace.ts";
import type { BlockGraph } from "./blocks.ts";
import type { AllocatorInput, PReg, RegisterFile } from "./regalloc/interface.ts";
import { Constraint, OperandKind } from "./regalloc/interface.ts";

/** Where a memory operand is. `base` and `index` registers are the last operands of the instruction. */
export const MemKind = {
  none: 0,
  /** [base + index * scale + disp]; any part may be missing. */
  registers: 1,
  /** A pc-relative FuncSymbol, DataSymbol (disp = addend), the text base. */
  func: 2,
  data: 3,
  textBase: 4,
  /** Explicit stack slot number `symbol`, plus disp. */
  slot: 5,
  /** Stack argument of this function at byte `disp` of the incoming area. */
  incoming: 6,
  /** Byte `disp` of the outgoing argument area. */
  outgoing: 7,
  /** Entry `symbol` of the function's constant pool. */
  constant: 8,
  /** Byte `disp` of the argument area that a tail call leaves for its callee; `symbol` is that area's size. */
  tail: 9,
} as const;

/** Bits of `memParts`: log2 of the scale, then which registers there are. */
export const MEM_SCALE = 3;
export const MEM_BASE = 4;
export const MEM_INDEX = 8;

/** Operand info in the creation columns: kind | constraint << 2 | data << 8. */
function operandInfo(kind: number, constraint: number, data: number): number {
  return kind | (constraint << 2) | (data << 8);
}

export const USE = operandInfo(OperandKind.use, Constraint.reg, 0);
export const USE_ANY = operandInfo(OperandKind.use, Constraint.any, 0);
export const LATE_USE = operandInfo(OperandKind.lateUse, Constraint.reg, 0);
export const DEF = operandInfo(OperandKind.def, Constraint.reg, 0);
export const EARLY_DEF = operandInfo(OperandKind.earlyDef, Constraint.reg, 0);
/** Definition number 0 in the register of operand 1: the two-address form. */
export const DEF_TIED = operandInfo(OperandKind.def, Constraint.tied, 1);

export function useFixed(register: PReg): number {
  return operandInfo(OperandKind.use, Constraint.fixed, register);
}
export function defFixed(register: PReg): number {
  return operandInfo(OperandKind.def, Constraint.fixed, register);
}
/** A definition in the register of use operand number `index`. */
export function defTied(index: number): number {
  return operandInfo(OperandKind.def, Constraint.tied, index);
}

function growI32(work: Workspace, old: Int32Array): Int32Array<ArrayBuffer> {
  const bigger = work.i32(old.length * 2);
  bigger.set(old);
  return bigger;
}
function growU8(work: Workspace, old: Uint8Array): Uint8Array<ArrayBuffer> {
  const bigger = work.u8(old.length * 2);
  bigger.set(old);
  return bigger;
}

const NO_INTS = new Int32Array();
const NO_BYTES = new Uint8Array();

export class MachineFunction implements AllocatorInput {
  readonly #work: Workspace;

  // Instructions by creation number.
  count = 0;
  op: Int32Array<ArrayBuffer>;
  /** Operand size in bytes. */
  size: Uint8Array<ArrayBuffer>;
  firstOperand: Int32Array<ArrayBuffer>;
  imm: Int32Array<ArrayBuffer>;
  imm2: Int32Array<ArrayBuffer>;
  memKind: Uint8Array<ArrayBuffer>;
  memParts: Uint8Array<ArrayBuffer>;
  memDisp: Int32Array<ArrayBuffer>;
  memSymbol: Int32Array<ArrayBuffer>;
  /** Trap code of an access that may fault or of a check, or 0. */
  trap: Uint8Array<ArrayBuffer>;
  loc: Int32Array<ArrayBuffer>;
  rawClobberInt: Int32Array<ArrayBuffer>;
  rawClobberFloat: Int32Array<ArrayBuffer>;
  flags: Uint8Array<ArrayBuffer>;

  // Operands in order of creation.
  operandCount = 0;
  rawVreg: Int32Array<ArrayBuffer>;
  rawInfo: Int32Array<ArrayBuffer>;

  // Virtual registers.
  readonly #class: U8Column;
  readonly #size: U8Column;
  readonly #alias: I32Column;
  /** Creation number of the instruction that can make it again, or -1. */
  readonly #remat: I32Column;

  /** Ranges of instructions of the block that is being selected: from, to; last first. */
  readonly #ranges: I32Column;
  /** Creation numbers in final order, block after block in order of selection. */
  readonly #sequence: I32Column;
  readonly #blockFrom: I32Column;
  readonly #blockTo: I32Column;

  // The allocator's view.
  blockCount = 0;
  blockStart: Int32Array;
  succStart: Int32Array;
  succ: Int32Array;
  predStart: Int32Array;
  pred: Int32Array;
  loopDepth: Int32Array;
  paramStart: Int32Array;
  params: Int32Array;
  argStart: Int32Array;
  args: Int32Array;
  instCount = 0;
  /** Creation number per instruction. */
  order: Int32Array;
  operandStart: Int32Array;
  operandVreg: Int32Array;
  operandKind: Uint8Array;
  operandConstraint: Uint8Array;
  operandData: Int32Array;
  clobberInt: Int32Array = NO_INTS;
  clobberFloat: Int32Array = NO_INTS;
  isMove: Uint8Array;
  vregCount = 0;
  vregClass: Uint8Array;
  vregSize: Uint8Array;
  vregRemat: Int32Array;

  readonly allocatableInt: readonly PReg[];
  readonly allocatableFloat: readonly PReg[];
  readonly scratchInt: PReg;
  readonly scratchFloat: PReg;
  readonly calleeSavedInt: number;
  readonly calleeSavedFloat: number;

  /** `expected`: about how many instructions there will be. */
  constructor(registers: RegisterFile, expected: number, work: Workspace) {
    this.#work = work;
    // A power of two: the workspace keeps such arrays.
    const capacity = 2 ** Math.ceil(Math.log2(expected + (expected >> 2) + 64));
    this.#class = work.byteColumn();
    this.#size = work.byteColumn();
    this.#alias = work.column();
    this.#remat = work.column();
    this.#ranges = work.column();
    this.#sequence = work.column();
    this.#blockFrom = work.column();
    this.#blockTo = work.column();
    this.blockStart = NO_INTS;
    this.succStart = NO_INTS;
    this.succ = NO_INTS;
    this.predStart = NO_INTS;
    this.pred = NO_INTS;
    this.loopDepth = NO_INTS;
    this.paramStart = NO_INTS;
    this.params = NO_INTS;
    this.argStart = NO_INTS;
    this.args = NO_INTS;
    this.order = NO_INTS;
    this.operandStart = NO_INTS;
    this.operandVreg = NO_INTS;
    this.operandKind = NO_BYTES;
    this.operandConstraint = NO_BYTES;
    this.operandData = NO_INTS;
    this.isMove = NO_BYTES;
    this.vregClass = NO_BYTES;
    this.vregSize = NO_BYTES;
    this.vregRemat = NO_INTS;
    this.op = work.roomForWords(capacity);
    this.size = work.roomForBytes(capacity);
    this.firstOperand = work.roomForWords(capacity);
    this.imm = work.i32(capacity);
    this.imm2 = work.i32(capacity);
    this.memKind = work.u8(capacity);
    this.memParts = work.u8(capacity);
    this.memDisp = work.i32(capacity);
    this.memSymbol = work.i32(capacity);
    this.trap = work.u8(capacity);
    this.loc = work.roomForWords(capacity);
    this.rawClobberInt = work.i32(capacity);
    this.rawClobberFloat = work.i32(capacity);
    this.flags = work.u8(capacity);
    this.rawVreg = work.roomForWords(4 * capacity);
    this.rawInfo = work.roomForWords(4 * capacity);
    this.allocatableInt = registers.allocatableInt;
    this.allocatableFloat = registers.allocatableFloat;
    this.scratchInt = registers.scratchInt;
    this.scratchFloat = registers.scratchFloat;
    this.calleeSavedInt = registers.calleeSavedInt;
    this.calleeSavedFloat = registers.calleeSavedFloat;
  }

  /** A new virtual register of a RegClass; `size` of its spill slot: 8 or 16. */
  newVreg(registerClass: number, size: number): number {
    this.#class.push(registerClass);
    this.#size.push(size);
    this.#remat.push(-1);
    return this.#alias.push(-1);
  }

  /** Every use of `vreg` means `target` from now on. */
  aliasVreg(vreg: number, target: number): void {
    const to = this.resolve(target);
    if (to !== vreg) this.#alias.set(vreg, to);
  }

  resolve(vreg: number): number {
    let v = vreg;
    for (let next = this.#alias.get(v); next >= 0; next = this.#alias.get(v)) v = next;
    // Halve the chain for the next time.
    if (v !== vreg) this.#alias.set(vreg, v);
    return v;
  }

  /** Starts an instruction; operands follow through `operand`. Returns its creation number. */
  inst(op: number, size: number, loc: number): number {
    const i = this.count++;
    if (i + 2 > this.op.length) this.#grow();
    this.op[i] = op;
    this.size[i] = size;
    this.loc[i] = loc;
    this.firstOperand[i] = this.operandCount;
    this.firstOperand[i + 1] = this.operandCount;
    return i;
  }

  /**
   * Sets the immediate of an instruction. For arguments that start it: an assignment to `imm[start()]` would go to the column as it was
   * before it grew.
   */
  setImm(i: number, value: number): void {
    this.imm[i] = value;
  }

  /** Appends an operand to the instruction that was started last. */
  operand(vreg: number, info: number): void {
    const o = this.operandCount++;
    if (o === this.rawVreg.length) {
      this.rawVreg = growI32(this.#work, this.rawVreg);
      this.rawInfo = growI32(this.#work, this.rawInfo);
    }
    this.rawVreg[o] = vreg;
    this.rawInfo[o] = info;
    this.firstOperand[this.count] = o + 1;
  }

  /** Says that the last instruction, which defines `vreg` and reads nothing, may be run again. */
  rematerializable(vreg: number): void {
    this.#remat.set(vreg, this.count - 1);
  }

  /** Says that the last instruction copies operand 1 to operand 0. */
  markMove(): void {
    this.flags[this.count - 1] = 1;
  }

  #grow(): void {
    this.op = growI32(this.#work, this.op);
    this.size = growU8(this.#work, this.size);
    this.firstOperand = growI32(this.#work, this.firstOperand);
    this.imm = growI32(this.#work, this.imm);
    this.imm2 = growI32(this.#work, this.imm2);
    this.memKind = growU8(this.#work, this.memKind);
    this.memParts = growU8(this.#work, this.memParts);
    this.memDisp = growI32(this.#work, this.memDisp);
    this.memSymbol = growI32(this.#work, this.memSymbol);
    this.trap = growU8(this.#work, this.trap);
    this.loc = growI32(this.#work, this.loc);
    this.rawClobberInt = growI32(this.#work, this.rawClobberInt);
    this.rawClobberFloat = growI32(this.#work, this.rawClobberFloat);
    this.flags = growU8(this.#work, this.flags);
  }

  /** The instructions made since `from` come, in their order, before those of earlier calls in this block. */
  commitRange(from: number): void {
    if (from === this.count) return;
    this.#ranges.push(from);
    this.#ranges.push(this.count);
  }

  /** Closes the block that is being selected: blocks are numbered in emission order, and selected in any. */
  endBlock(): void {
    this.#blockFrom.push(this.#sequence.length);
    const ranges = this.#ranges;
    for (let r = ranges.length - 2; r >= 0; r -= 2) {
      const to = ranges.get(r + 1);
      for (let i = ranges.get(r); i < to; i++) this.#sequence.push(i);
    }
    ranges.length = 0;
    this.#blockTo.push(this.#sequence.length);
  }

  /**
   * Numbers everything for the allocator. `selected[b]`: which call of `endBlock` closed block b of the graph, in emission order.
   * Block parameters and arguments are virtual registers, by block and by edge as in the graph.
   */
  linearize(
    graph: BlockGraph,
    selected: Int32Array,
    paramStart: Int32Array,
    params: Int32Array,
    argStart: Int32Array,
    args: Int32Array,
  ): void {
    this.blockCount = graph.blockCount;
    this.succStart = graph.succStart;
    this.succ = graph.succ;
    this.predStart = graph.predStart;
    this.pred = graph.pred;
    this.loopDepth = graph.loopDepth;
    this.paramStart = paramStart;
    this.argStart = argStart;
    for (let p = 0; p < params.length; p++) params[p] = this.resolve(params[p]!);
    for (let a = 0; a < args.length; a++) args[a] = this.resolve(args[a]!);
    this.params = params;
    this.args = args;

    const work = this.#work;
    const n = this.#sequence.length;
    this.instCount = n;
    const order = work.roomForWords(n);
    const operandStart = work.roomForWords(n + 1);
    const operandVreg = work.roomForWords(this.operandCount);
    const operandKind = work.roomForBytes(this.operandCount);
    const operandConstraint = work.roomForBytes(this.operandCount);
    const operandData = work.roomForWords(this.operandCount);
    const clobberInt = work.roomForWords(n);
    const clobberFloat = work.roomForWords(n);
    const isMove = work.roomForBytes(n);
    const blockStart = work.roomForWords(graph.blockCount + 1);
    const position = work.words(this.count, -1);
    let i = 0;
    let o = 0;
    for (let b = 0; b < graph.blockCount; b++) {
      blockStart[b] = i;
      const s = selected[b]!;
      const end = this.#blockTo.get(s);
      for (let k = this.#blockFrom.get(s); k < end; k++) {
        const raw = this.#sequence.get(k);
        order[i] = raw;
        position[raw] = i;
        operandStart[i] = o;
        const last = this.firstOperand[raw + 1]!;
        for (let p = this.firstOperand[raw]!; p < last; p++) {
          const info = this.rawInfo[p]!;
          operandVreg[o] = this.resolve(this.rawVreg[p]!);
          operandKind[o] = info & 3;
          operandConstraint[o] = (info >> 2) & 7;
          operandData[o] = info >> 8;
          o++;
        }
        clobberInt[i] = this.rawClobberInt[raw]!;
        clobberFloat[i] = this.rawClobberFloat[raw]!;
        isMove[i] = this.flags[raw]!;
        i++;
      }
    }
    blockStart[graph.blockCount] = i;
    operandStart[i] = o;
    this.order = order;
    this.blockStart = blockStart;
    this.operandStart = operandStart;
    this.operandVreg = operandVreg;
    this.operandKind = operandKind;
    this.operandConstraint = operandConstraint;
    this.operandData = operandData;
    this.clobberInt = clobberInt;
    this.clobberFloat = clobberFloat;
    this.isMove = isMove;

    const vregs = this.#alias.length;
    this.vregCount = vregs;
    this.vregClass = this.#class.data.subarray(0, vregs);
    this.vregSize = this.#size.data.subarray(0, vregs);
    const remat = this.#remat.view();
    for (let v = 0; v < vregs; v++) {
      const raw = remat[v]!;
      if (raw >= 0) remat[v] = position[raw]!;
    }
    this.vregRemat = remat;
  }
}
