/**
 * The selection driver: what every target's selector needs to know about an IR function, and the order in which it is visited.
 *
 * Why backward: a value is selected after its uses, so that one that was folded into all of them needs no code of its own, and one
 * that nothing needs disappears. Blocks are visited such that uses come before definitions across blocks, too.
 *
 * Receives a verified function and its block graph. Hands the target one root instruction at a time; the target asks for the
 * virtual registers of operands (`vreg`), which marks them as needed. Makes nothing of any instruction set.
 */

// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import type { Block, Func, Inst, Value } from "../ir/function.ts";
import { NONE } from "../ir/function.ts";
import { ACCESS_TRAPS, FLAG_EFFECT, OP_FLAGS, OP_NAMES, Op, type OpName, opRow } from "../ir/ops.ts";
import { F32, I32, V128 } from "../ir/types.ts";
import { type BlockGraph, buildBlockGraph } from "./blocks.ts";
import { MachineFunction } from "./machine.ts";
import { RegClass, type RegisterFile } from "./regalloc/interface.ts";

/** What a target does for the driver. */
export interface RootSelector {
  /** Selects a terminator; block `b` of the graph ends with it. */
  terminator(inst: Inst, b: number): void;
  /** Selects an instruction with an effect or a needed result. */
  root(inst: Inst): void;
  /** The jump that a block on a split edge is. */
  edge(): void;
  /** Defines the needed parameters of the entry block. */
  parameters(params: readonly Value[]): void;
}

/** Rounds of the search for block parameters whose upper half is clear; then all that are in doubt count as not clear. */
const CLEAR_ROUNDS = 8;

/** How an op keeps the values that it reads. */
const FORMAT_VALUES = 0;
const FORMAT_LIST = 1;
const FORMAT_VALUE_AND_LIST = 2;
const FORMAT_JUMP = 3;
const FORMAT_BRIF = 4;
const FORMAT_TABLE = 5;

function formatOf(name: OpName): number {
  switch (opRow(Op[name]).format) {
    case "call":
    case "return":
    case "list":
      return FORMAT_LIST;
    case "call_indirect":
      return FORMAT_VALUE_AND_LIST;
    case "jump":
      return FORMAT_JUMP;
    case "brif":
      return FORMAT_BRIF;
    case "br_table":
      return FORMAT_TABLE;
    default:
      return FORMAT_VALUES;
  }
}

const FORMAT: Uint8Array = Uint8Array.from(OP_NAMES, formatOf);

/** Ops with results whose upper half nothing is known of. */
const UNCLEAR_OPS: ReadonlySet<OpName> = new Set<OpName>([
  "ireduce",
  // Their 64 bits are below 2^32 only because a branch said so.
  "fcvt_to_uint",
  "fcvt_to_uint_sat",
  "atomic_cas",
  "call",
  "call_indirect",
  "call_catch",
  "call_catch_indirect",
  "call_on_stack",
]);
const LEAVES_UNCLEAR: Uint8Array = Uint8Array.from(OP_NAMES, (name) => (UNCLEAR_OPS.has(name) ? 1 : 0));

export class Lowering {
  readonly func: Func;
  readonly graph: BlockGraph;
  readonly machine: MachineFunction;
  /** How often each value is read. */
  readonly uses: Int32Array;
  /** Number of effects before each instruction; numbers of different blocks differ. */
  readonly effects: Int32Array;
  /** 1 for an instruction that became part of another one. */
  readonly sunk: Uint8Array;
  /** 1 for an i32 that might have something in the upper half of its register. */
  readonly #unclear: Uint8Array;
  readonly #vregs: Int32Array;

  constructor(func: Func, registers: RegisterFile, quick = false) {
    this.func = func;
    this.graph = buildBlockGraph(func, quick);
    this.machine = new MachineFunction(registers, func.instCount, func.work);
    this.uses = func.work.words(func.valueCount);
    this.effects = func.work.words(func.instCount);
    this.sunk = func.work.bytes(func.instCount);
    this.#unclear = func.work.bytes(func.valueCount);
    this.#vregs = func.work.words(func.valueCount, -1);
    this.#count();
    this.#findUnclear();
  }

  #count(): void {
    const { func, effects, graph } = this;
    let counter = 0;
    for (let b = 0; b < graph.blockCount; b++) {
      const block = graph.irBlock[b]!;
      if (block < 0) continue;
      counter++;
      for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
        effects[i] = counter;
        if (this.hasEffect(i)) counter++;
        this.#countOperands(i);
        this.#seed(i);
      }
    }
  }

  #countOne(value: number): void {
    if (value !== NONE) this.uses[this.func.resolve(entity<Value>(value))]!++;
  }
  #countList(start: number, length: number): void {
    for (let k = start; k < start + length; k++) this.#countOne(this.func.pool.get(k));
  }
  #countCall(call: number): void {
    this.#countList(this.func.callArgsStart.get(call), this.func.callArgsLength.get(call));
  }

  /** Counts every value that `inst` reads; branch arguments too. */
  #countOperands(inst: number): void {
    const { func } = this;
    const a = func.a.get(inst);
    const b = func.b.get(inst);
    const c = func.c.get(inst);
    switch (FORMAT[func.op.get(inst)]) {
      case FORMAT_VALUES:
        this.#countOne(a);
        this.#countOne(b);
        return this.#countOne(c);
      case FORMAT_LIST:
        return this.#countList(b, c);
      case FORMAT_VALUE_AND_LIST:
        this.#countOne(a);
        return this.#countList(b, c);
      case FORMAT_JUMP:
        return this.#countCall(a);
      case FORMAT_BRIF:
        this.#countOne(a);
        this.#countCall(b);
        return this.#countCall(c);
      case FORMAT_TABLE:
        this.#countOne(a);
        for (let k = b; k < b + c; k++) this.#countCall(func.pool.get(k));
    }
  }

  /** Results whose upper half nothing is known of: of calls, and what `ireduce`, a conversion of a float or a successful compare-and-swap leaves. */
  #seed(inst: number): void {
    const { func } = this;
    const count = func.resultCount.get(inst);
    if (count === 0) return;
    if (LEAVES_UNCLEAR[func.op.get(inst)] === 0) return;
    const first = func.firstResult.get(inst);
    for (let k = 0; k < count; k++) this.#unclear[first + k] = 1;
  }

  /** A block parameter's upper half is clear if that of every argument is. Assumed at first, then refuted. */
  #findUnclear(): void {
    const { func, graph } = this;
    for (const param of func.paramsOf(func.entryBlock)) this.#unclear[param] = 1;
    let changed = true;
    for (let round = 0; changed; round++) {
      changed = false;
      for (let k = 0; k < graph.blockCount; k++) {
        const b = graph.topological[k]!;
        for (let e = graph.succStart[b]!; e < graph.succStart[b + 1]!; e++) {
          const call = graph.edgeCall[e]!;
          if (call === NONE) continue;
          const params = func.paramsOf(entity<Block>(func.callBlock.get(call)));
          const from = func.callArgsStart.get(call);
          for (let i = 0; i < params.length; i++) {
            const param = params[i]!;
            if (this.#unclear[param] === 1) continue;
            const arg = func.resolve(entity<Value>(func.pool.get(from + i)));
            if (round < CLEAR_ROUNDS && this.#unclear[arg] === 0) continue;
            this.#unclear[param] = 1;
            changed = true;
          }
        }
      }
    }
  }

  /** Whether the register of this i32 has a clear upper half: a 32-bit instruction wrote it. */
  isClear(value: Value): boolean {
    return this.#unclear[value] === 0;
  }

  hasEffect(inst: number): boolean {
    const op = this.func.op.get(inst);
    return (OP_FLAGS[op]! & FLAG_EFFECT) !== 0 || (op === Op.load && (this.func.hi.get(inst) & ACCESS_TRAPS) !== 0);
  }

  /** A virtual register for a value of `type`. */
  newVreg(type: number): number {
    return this.machine.newVreg(type < F32 ? RegClass.int : RegClass.float, type === V128 ? 16 : 8);
  }

  /** The register of a value (resolved), which is needed from now on. */
  vreg(value: Value): number {
    const known = this.#vregs[value]!;
    if (known >= 0) return known;
    const vreg = this.newVreg(this.func.valueType.get(value));
    this.#vregs[value] = vreg;
    return vreg;
  }

  isNeeded(value: Value): boolean {
    return this.#vregs[value]! >= 0;
  }

  /** Makes `value`'s register another name of `source`'s. */
  alias(value: Value, source: Value): void {
    this.machine.aliasVreg(this.vreg(value), this.vreg(source));
  }

  /** Whether block b has one predecessor: then its parameters are other names of the arguments. */
  #singlePredecessor(b: number): boolean {
    return this.graph.predStart[b + 1]! - this.graph.predStart[b]! === 1;
  }

  /** Selects the whole function through `selector` and linearizes the machine function. */
  run(selector: RootSelector): void {
    const { func, graph, machine } = this;
    const selected = func.work.i32(graph.blockCount);
    for (let k = graph.blockCount - 1; k >= 0; k--) {
      const b = graph.topological[k]!;
      const block = graph.irBlock[b]!;
      this.#needArguments(b);
      if (block < 0) {
        const from = machine.count;
        selector.edge();
        machine.commitRange(from);
      } else {
        this.#selectBlock(selector, block, b);
        this.#blockParameters(selector, entity<Block>(block), b);
      }
      selected[b] = graph.blockCount - 1 - k;
      machine.endBlock();
    }
    this.#linearize(func, selected);
  }

  #selectBlock(selector: RootSelector, block: number, b: number): void {
    const { func, machine } = this;
    let inst = func.lastInst.get(block);
    let from = machine.count;
    selector.terminator(entity<Inst>(inst), b);
    machine.commitRange(from);
    for (inst = func.prev.get(inst); inst !== NONE; inst = func.prev.get(inst)) {
      if (this.sunk[inst] === 1) continue;
      if (!this.hasEffect(inst) && !this.#hasNeededResult(inst)) continue;
      from = machine.count;
      selector.root(entity<Inst>(inst));
      machine.commitRange(from);
    }
  }

  #hasNeededResult(inst: number): boolean {
    const first = this.func.firstResult.get(inst);
    const count = this.func.resultCount.get(inst);
    for (let k = 0; k < count; k++) if (this.#vregs[first + k]! >= 0) return true;
    return false;
  }

  /** Marks the arguments that block b passes to blocks with several predecessors. */
  #needArguments(b: number): void {
    const { func, graph } = this;
    for (let e = graph.succStart[b]!; e < graph.succStart[b + 1]!; e++) {
      const call = graph.edgeCall[e]!;
      if (call === NONE || this.#singlePredecessor(graph.succ[e]!)) continue;
      const from = func.callArgsStart.get(call);
      const length = func.callArgsLength.get(call);
      for (let i = 0; i < length; i++) this.vreg(func.resolve(entity<Value>(func.pool.get(from + i))));
    }
  }

  #blockParameters(selector: RootSelector, block: Block, b: number): void {
    const { func, graph, machine } = this;
    if (b === 0) {
      const from = machine.count;
      selector.parameters(func.paramsOf(block));
      machine.commitRange(from);
      return;
    }
    if (!this.#singlePredecessor(b)) return;
    const call = graph.edgeCall[graph.predEdge[graph.predStart[b]!]!]!;
    const from = func.callArgsStart.get(call);
    const params = func.paramsOf(block);
    for (let i = 0; i < params.length; i++) {
      const param = params[i]!;
      if (this.isNeeded(param)) this.alias(param, func.resolve(entity<Value>(func.pool.get(from + i))));
    }
  }

  #linearize(func: Func, selected: Int32Array): void {
    const { graph } = this;
    const paramStart = func.work.i32(graph.blockCount + 1);
    const params = func.work.column();
    const argStart = func.work.i32(graph.succ.length + 1);
    const args = func.work.column();
    for (let b = 0; b < graph.blockCount; b++) {
      const block = graph.irBlock[b]!;
      const merges = block >= 0 && b > 0 && !this.#singlePredecessor(b);
      if (merges) for (const param of func.paramsOf(entity<Block>(block))) params.push(this.vreg(param));
      paramStart[b + 1] = params.length;
      for (let e = graph.succStart[b]!; e < graph.succStart[b + 1]!; e++) {
        const call = graph.edgeCall[e]!;
        if (call !== NONE && !this.#singlePredecessor(graph.succ[e]!)) {
          const from = func.callArgsStart.get(call);
          const length = func.callArgsLength.get(call);
          for (let i = 0; i < length; i++) args.push(this.vreg(func.resolve(entity<Value>(func.pool.get(from + i)))));
        }
        argStart[e + 1] = args.length;
      }
    }
    this.machine.linearize(graph, selected, paramStart, params.view(), argStart, args.view());
  }

  /** The instruction that defines `value`, or `NONE` for a block parameter. */
  definition(value: Value): number {
    const def = this.func.valueDef.get(value);
    return def < 0 ? NONE : def;
  }

  isI32(value: Value): boolean {
    return this.func.valueType.get(value) === I32;
  }
}
