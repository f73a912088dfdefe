/**
 * Sends control past blocks that only branch on what they are told. Where `a && b` or a comparison that was kept became a block with nothing
 * but a branch on its own parameter, a predecessor that passes a constant goes straight to the target, and one that passes a comparison of
 * its own branches on it.
 *
 * What else such a block is passed must reach its readers some other way then: parameters that are read below one of its targets become
 * parameters of that target first. A block whose parameters are read elsewhere stays, and so do loop headers: with two ways past it a loop
 * would have two entries.
 *
 * Receives a function whose blocks are all reachable; a block that nobody goes to any more may be left.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import { ControlFlowGraph, successorCall, successorCount } from "../ir/cfg.ts";
import { type Block, type BlockCall, type Func, NONE, type Value } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";
import { constantOf } from "./control-flow.ts";
import { parameterIndices } from "./incoming.ts";
import { VALUE_COLUMNS, VALUES_A, VALUES_B, VALUES_C, VALUES_LIST } from "./operands.ts";

/** How many such blocks in a row a branch goes past: a cycle of them stays. */
const MAX_HOPS = 8;
/** Arguments that going past blocks may copy, for each that there was. */
const COPIES = 2;

/** Where a use is: a column of an instruction, or a place in the pool. */
const IN_A = 0;
const IN_B = 1;
const IN_C = 2;
const IN_POOL = 3;

/** A block that branches on its own parameter. */
const CANDIDATE = 1;
/** Some branch is worth to be sent past it. */
const WANTED = 2;

/** Returns whether anything changed. */
export function threadBranches(func: Func): boolean {
  // Most functions have no such block: nothing is worked out about them.
  return func.layout.some((block) => onlyBranches(func, block)) && new Threader(func).run();
}

/** Whether `block` has parameters and is nothing but a branch. */
function onlyBranches(func: Func, block: Block): boolean {
  return (
    func.op.get(func.firstInst.get(block)) === Op.brif && block !== func.entryBlock && func.paramsOf(block).length > 0
  );
}

class Threader {
  readonly #func: Func;
  readonly #cfg: ControlFlowGraph;
  /** By block: 0, CANDIDATE, WANTED. */
  readonly #state: Uint8Array;
  /** By value: its position among its block's parameters. */
  readonly #index: Int32Array;
  /** By value: the candidate that it is a parameter of, or NONE. */
  readonly #owner: Int32Array;
  // Reads of candidates' parameters below one of their targets.
  readonly #useKind: I32Column;
  readonly #useAt: I32Column;
  readonly #useTarget: I32Column;
  #budget: number;

  constructor(func: Func) {
    this.#func = func;
    this.#cfg = new ControlFlowGraph(func);
    this.#state = func.work.u8(func.blockCount);
    this.#index = parameterIndices(func);
    this.#owner = func.work.i32(func.valueCount).fill(NONE);
    this.#useKind = func.work.column();
    this.#useAt = func.work.column();
    this.#useTarget = func.work.column();
    this.#budget = 1000 + COPIES * func.pool.length;
  }

  run(): boolean {
    const func = this.#func;
    let found = false;
    for (const block of func.layout) if (this.#isCandidate(block)) found = true;
    if (!found || !this.#findWanted()) return false;
    for (const block of func.layout) this.#findUses(block);
    this.#passOn();
    let changed = false;
    for (const block of func.layout) if (this.#thread(block)) changed = true;
    return changed;
  }

  #resolve(raw: number): Value {
    return this.#func.resolve(entity<Value>(raw));
  }

  #isCandidate(block: Block): boolean {
    const func = this.#func;
    if (!onlyBranches(func, block)) return false;
    const inst = func.firstInst.get(block);
    const params = func.paramsOf(block);
    const condition = this.#resolve(func.a.get(inst));
    if (
      params[this.#index[condition]!] !== condition ||
      func.callBlock.get(func.b.get(inst)) === func.callBlock.get(func.c.get(inst))
    )
      return false;
    const { predStart, pred, position } = this.#cfg;
    for (let e = predStart[block]!; e < predStart[block + 1]!; e++) {
      if (position[pred[e]!]! >= position[block]!) return false;
    }
    this.#state[block] = CANDIDATE;
    for (const param of params) this.#owner[param] = block;
    return true;
  }

  /** What the block call tells the candidate it goes to. */
  #told(call: number, candidate: number): Value {
    const func = this.#func;
    const condition = this.#resolve(func.a.get(func.lastInst.get(candidate)));
    return this.#resolve(func.pool.get(func.callArgsStart.get(call) + this.#index[condition]!));
  }

  /** Whether `value` is a comparison in `block`, which a branch at its end can be one with. */
  #isComparison(value: Value, block: Block): boolean {
    const func = this.#func;
    const def = func.valueDef.get(value);
    if (def < 0 || func.instBlock.get(def) !== block) return false;
    const op = func.op.get(def);
    return op === Op.icmp || op === Op.fcmp;
  }

  #findWanted(): boolean {
    const func = this.#func;
    let found = false;
    for (const block of func.layout) {
      const count = successorCount(func, block);
      for (let s = 0; s < count; s++) {
        const call = successorCall(func, block, s);
        const target = func.callBlock.get(call);
        if (this.#state[target] === 0) continue;
        const told = this.#told(call, target);
        if (constantOf(func, told) === undefined && (count > 1 || !this.#isComparison(told, block))) continue;
        this.#state[target] = WANTED;
        found = true;
      }
    }
    return found;
  }

  /** Notes where `block` reads parameters of other blocks that are wanted; those that it reads where they can't be passed to stay. */
  #findUses(block: Block): void {
    const func = this.#func;
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
      const columns = VALUE_COLUMNS[func.op.get(i)]!;
      if (columns & VALUES_A) this.#use(block, func.a.get(i), IN_A, i);
      if (columns & VALUES_B) this.#use(block, func.b.get(i), IN_B, i);
      if (columns & VALUES_C) this.#use(block, func.c.get(i), IN_C, i);
      if (columns & VALUES_LIST) this.#useList(block, func.b.get(i), func.c.get(i));
    }
    const count = successorCount(func, block);
    for (let s = 0; s < count; s++) {
      const call = successorCall(func, block, s);
      this.#useList(block, func.callArgsStart.get(call), func.callArgsLength.get(call));
    }
  }

  #useList(block: Block, start: number, length: number): void {
    for (let at = start; at < start + length; at++) this.#use(block, this.#func.pool.get(at), IN_POOL, at);
  }

  #use(block: Block, raw: number, kind: number, at: number): void {
    const func = this.#func;
    const owner = this.#owner[this.#resolve(raw)]!;
    if (owner === NONE || owner === block || this.#state[owner] !== WANTED) return;
    const branch = func.lastInst.get(owner);
    const { predStart } = this.#cfg;
    for (const call of [func.b.get(branch), func.c.get(branch)]) {
      const target = entity<Block>(func.callBlock.get(call));
      if (predStart[target + 1]! - predStart[target]! !== 1 || !this.#cfg.dominates(target, block)) continue;
      this.#useKind.push(kind);
      this.#useAt.push(at);
      this.#useTarget.push(call);
      // It gets a parameter that it doesn't branch on and that is read below: it stays.
      this.#state[target] = 0;
      return;
    }
    this.#state[owner] = 0;
  }

  /** Makes parameters that are read below a target parameters of that target. */
  #passOn(): void {
    const func = this.#func;
    /** By the block call to a target: the target's parameters for the candidate's. */
    const passed = new Map<number, Map<Value, Value>>();
    for (let u = 0; u < this.#useKind.length; u++) {
      const kind = this.#useKind.get(u);
      const at = this.#useAt.get(u);
      const column = kind === IN_A ? func.a : kind === IN_B ? func.b : kind === IN_C ? func.c : func.pool;
      const value = this.#resolve(column.get(at));
      if (this.#state[this.#owner[value]!] !== WANTED) continue;
      const call = this.#useTarget.get(u);
      let values = passed.get(call);
      if (values === undefined) {
        values = new Map();
        passed.set(call, values);
      }
      let own = values.get(value);
      if (own === undefined) {
        own = func.appendBlockParam(entity<Block>(func.callBlock.get(call)), func.typeOf(value));
        values.set(value, own);
      }
      column.set(at, own);
    }
    // Last, as the argument lists may move.
    for (const [call, values] of passed) {
      for (const value of values.keys()) func.appendBlockCallArg(entity<BlockCall>(call), value);
    }
  }

  /** Sends the branches of `block` past what can be known. */
  #thread(block: Block): boolean {
    const func = this.#func;
    let changed = false;
    for (let hops = 0; hops < MAX_HOPS && this.#branchHere(block); hops++) changed = true;
    const count = successorCount(func, block);
    for (let s = 0; s < count; s++) {
      const call = successorCall(func, block, s);
      for (let hops = 0; hops < MAX_HOPS; hops++) {
        const candidate = func.callBlock.get(call);
        if (this.#state[candidate] !== WANTED || candidate === block) break;
        const constant = constantOf(func, this.#told(call, candidate));
        if (constant === undefined) break;
        const branch = func.lastInst.get(candidate);
        const on = constant !== 0 ? func.b.get(branch) : func.c.get(branch);
        const args = this.#argsPast(call, candidate, on);
        if (args === undefined) return changed;
        func.callBlock.set(call, func.callBlock.get(on));
        func.callArgsStart.set(call, func.pushList(args));
        func.callArgsLength.set(call, args.length);
        changed = true;
      }
    }
    return changed;
  }

  /** A jump with a comparison to a candidate becomes the candidate's branch. */
  #branchHere(block: Block): boolean {
    const func = this.#func;
    const last = func.lastInst.get(block);
    if (func.op.get(last) !== Op.jump) return false;
    const call = func.a.get(last);
    const candidate = func.callBlock.get(call);
    if (this.#state[candidate] !== WANTED || candidate === block) return false;
    const told = this.#told(call, candidate);
    if (!this.#isComparison(told, block)) return false;
    const branch = func.lastInst.get(candidate);
    const [b, c] = [func.b.get(branch), func.c.get(branch)];
    const [bArgs, cArgs] = [this.#argsPast(call, candidate, b), this.#argsPast(call, candidate, c)];
    if (bArgs === undefined || cArgs === undefined) return false;
    func.op.set(last, Op.brif);
    func.a.set(last, told);
    func.b.set(last, func.createBlockCall(entity<Block>(func.callBlock.get(b)), bArgs));
    func.c.set(last, func.createBlockCall(entity<Block>(func.callBlock.get(c)), cArgs));
    return true;
  }

  /** The arguments of the candidate's block call `on` as they are for what comes by `call`; undefined when enough was copied. */
  #argsPast(call: number, candidate: number, on: number): Value[] | undefined {
    const func = this.#func;
    const length = func.callArgsLength.get(on);
    this.#budget -= length;
    if (this.#budget < 0) return undefined;
    const from = func.callArgsStart.get(call);
    const start = func.callArgsStart.get(on);
    return Array.from({ length }, (_, k) => {
      const value = this.#resolve(func.pool.get(start + k));
      if (this.#owner[value] !== candidate) return value;
      return this.#resolve(func.pool.get(from + this.#index[value]!));
    });
  }
}
