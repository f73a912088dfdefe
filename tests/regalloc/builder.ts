/** Builds allocator inputs by hand or at random: blocks with parameters, instructions with operands. */

import type { AllocatorInput } from "../../src/codegen/regalloc/interface.ts";
import { Constraint, OperandKind } from "../../src/codegen/regalloc/interface.ts";

export interface Operand {
  readonly v: number;
  readonly kind: number;
  readonly constraint: number;
  readonly data: number;
}

export interface Inst {
  readonly operands: Operand[];
  readonly clobberInt: number;
  readonly clobberFloat: number;
  readonly isMove: boolean;
}

export interface Edge {
  readonly to: number;
  readonly args: number[];
}

export interface Block {
  readonly params: number[];
  readonly insts: Inst[];
  readonly edges: Edge[];
  depth: number;
}

export interface Registers {
  readonly allocatableInt: readonly number[];
  readonly allocatableFloat: readonly number[];
  readonly calleeSavedInt: number;
  readonly calleeSavedFloat: number;
}

/** Like x86-64 System V without rsp, rbp and the scratch registers r11 and xmm15. */
export const X64: Registers = {
  allocatableInt: [0, 1, 2, 6, 7, 8, 9, 10, 3, 12, 13, 14, 15],
  allocatableFloat: [32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46],
  calleeSavedInt: (1 << 3) | (1 << 12) | (1 << 13) | (1 << 14) | (1 << 15),
  calleeSavedFloat: 0,
};
export const X64_CALL_CLOBBER_INT = 0b0000_1111_1100_0111;
export const X64_CALL_CLOBBER_FLOAT = 0xffff;

export const use = (v: number, constraint: number = Constraint.reg, data = 0): Operand => ({
  v,
  kind: OperandKind.use,
  constraint,
  data,
});
export const lateUse = (v: number, constraint: number = Constraint.reg, data = 0): Operand => ({
  v,
  kind: OperandKind.lateUse,
  constraint,
  data,
});
export const def = (v: number, constraint: number = Constraint.reg, data = 0): Operand => ({
  v,
  kind: OperandKind.def,
  constraint,
  data,
});
export const earlyDef = (v: number, constraint: number = Constraint.reg, data = 0): Operand => ({
  v,
  kind: OperandKind.earlyDef,
  constraint,
  data,
});
export const useAny = (v: number): Operand => use(v, Constraint.any);
export const useFixed = (v: number, preg: number): Operand => use(v, Constraint.fixed, preg);
export const defFixed = (v: number, preg: number): Operand => def(v, Constraint.fixed, preg);
export const defTied = (v: number, operand: number): Operand => def(v, Constraint.tied, operand);

export class InputBuilder {
  readonly blocks: Block[] = [];
  readonly vregClass: number[] = [];
  readonly vregSize: number[] = [];
  readonly remat: { v: number; block: number; inst: number }[] = [];

  vreg(regClass = 0, size = 8): number {
    this.vregSize.push(size);
    return this.vregClass.push(regClass) - 1;
  }

  vregs(count: number): number[] {
    return Array.from({ length: count }, () => this.vreg());
  }

  block(params: number[] = [], depth = 0): number {
    return this.blocks.push({ params, insts: [], edges: [], depth }) - 1;
  }

  inst(block: number, operands: Operand[], clobberInt = 0, clobberFloat = 0, isMove = false): number {
    return (this.blocks[block]?.insts.push({ operands, clobberInt, clobberFloat, isMove }) ?? 0) - 1;
  }

  move(block: number, to: number, from: number): void {
    this.inst(block, [def(to), useAny(from)], 0, 0, true);
  }

  /** A definition without inputs that may be made again. */
  constant(block: number, v: number, remat = true): void {
    const inst = this.inst(block, [def(v)]);
    if (remat) this.remat.push({ v, block, inst });
  }

  edge(from: number, to: number, args: number[] = []): void {
    this.blocks[from]?.edges.push({ to, args });
  }

  jump(from: number, to: number, args: number[] = []): void {
    this.inst(from, []);
    this.edge(from, to, args);
  }

  branch(from: number, condition: number, ...to: number[]): void {
    this.inst(from, [use(condition)]);
    for (const b of to) this.edge(from, b);
  }

  ret(block: number, ...values: Operand[]): void {
    this.inst(block, values);
  }

  build(registers: Registers = X64): AllocatorInput {
    const { blocks } = this;
    const blockStart = [0];
    const succStart = [0];
    const succ: number[] = [];
    const predStart = [0];
    const pred: number[] = [];
    const paramStart = [0];
    const params: number[] = [];
    const argStart = [0];
    const args: number[] = [];
    const operandStart = [0];
    const operands: Operand[] = [];
    const clobberInt: number[] = [];
    const clobberFloat: number[] = [];
    const isMove: number[] = [];
    const preds: number[][] = blocks.map(() => []);
    blocks.forEach((block, b) => {
      for (const inst of block.insts) {
        operands.push(...inst.operands);
        operandStart.push(operands.length);
        clobberInt.push(inst.clobberInt);
        clobberFloat.push(inst.clobberFloat);
        isMove.push(inst.isMove ? 1 : 0);
      }
      blockStart.push(operandStart.length - 1);
      for (const p of block.params) params.push(p);
      paramStart.push(params.length);
      for (const edge of block.edges) {
        succ.push(edge.to);
        preds[edge.to]?.push(b);
        for (const a of edge.args) args.push(a);
        argStart.push(args.length);
      }
      succStart.push(succ.length);
    });
    for (const list of preds) {
      for (const p of list) pred.push(p);
      predStart.push(pred.length);
    }
    const vregRemat = new Int32Array(this.vregClass.length).fill(-1);
    for (const { v, block, inst } of this.remat) vregRemat[v] = (blockStart[block] ?? 0) + inst;
    return {
      blockCount: blocks.length,
      blockStart: Int32Array.from(blockStart),
      succStart: Int32Array.from(succStart),
      succ: Int32Array.from(succ),
      predStart: Int32Array.from(predStart),
      pred: Int32Array.from(pred),
      loopDepth: Int32Array.from(blocks, (b) => b.depth),
      paramStart: Int32Array.from(paramStart),
      params: Int32Array.from(params),
      argStart: Int32Array.from(argStart),
      args: Int32Array.from(args),
      instCount: operandStart.length - 1,
      operandStart: Int32Array.from(operandStart),
      operandVreg: Int32Array.from(operands, (o) => o.v),
      operandKind: Uint8Array.from(operands, (o) => o.kind),
      operandConstraint: Uint8Array.from(operands, (o) => o.constraint),
      operandData: Int32Array.from(operands, (o) => o.data),
      clobberInt: Int32Array.from(clobberInt),
      clobberFloat: Int32Array.from(clobberFloat),
      isMove: Uint8Array.from(isMove),
      vregCount: this.vregClass.length,
      vregClass: Uint8Array.from(this.vregClass),
      vregSize: Uint8Array.from(this.vregSize),
      vregRemat,
      allocatableInt: registers.allocatableInt,
      allocatableFloat: registers.allocatableFloat,
      scratchInt: 11,
      scratchFloat: 47,
      calleeSavedInt: registers.calleeSavedInt,
      calleeSavedFloat: registers.calleeSavedFloat,
    };
  }
}
