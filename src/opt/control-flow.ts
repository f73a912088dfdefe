/**
 * Tidies control flow: decided branches become jumps, unreachable blocks leave the layout, a block that only its predecessor's jump
 * reaches joins it, a jump to an empty jump goes on to its target, and the layout becomes reverse postorder.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { ControlFlowGraph, forEachSuccessor } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";

function constantOf(func: Func, raw: number): number | undefined {
  const value = func.resolve(entity<Value>(raw));
  const def = func.valueDef.get(value);
  return def >= 0 && func.op.get(def) === Op.iconst ? func.lo.get(def) : undefined;
}

function becomeJump(func: Func, inst: number, call: number): void {
  func.op.set(inst, Op.jump);
  func.a.set(inst, call);
  func.b.set(inst, NONE);
  func.c.set(inst, NONE);
}

function foldBranch(func: Func, block: Block): void {
  const last = func.lastInst.get(block);
  const op = func.op.get(last);
  if (op === Op.brif) {
    const k = constantOf(func, func.a.get(last));
    if (k !== undefined) becomeJump(func, last, k !== 0 ? func.b.get(last) : func.c.get(last));
    else if (sameCall(func, func.b.get(last), func.c.get(last))) becomeJump(func, last, func.b.get(last));
  } else if (op === Op.br_table) {
    const k = constantOf(func, func.a.get(last));
    const length = func.c.get(last);
    if (k === undefined && length > 1) return;
    const index = Math.min((k ?? 0) >>> 0, length - 1);
    becomeJump(func, last, func.pool.get(func.b.get(last) + index));
  }
}

/** Checks in front of the terminator that are decided: a trap that never happens goes, one that always does ends the block. */
function foldTraps(func: Func, block: Block): void {
  for (let i = func.firstInst.get(block); i !== NONE; ) {
    const next = func.next.get(i);
    const op = func.op.get(i);
    if (op === Op.trapz || op === Op.trapnz) {
      const k = constantOf(func, func.a.get(i));
      if (k !== undefined) {
        if ((k !== 0) === (op === Op.trapnz)) {
          for (let j = func.lastInst.get(block); j !== i; j = func.lastInst.get(block))
            func.removeInst(entity<Inst>(j));
          func.op.set(i, Op.trap);
          func.a.set(i, NONE);
          return;
        }
        func.removeInst(entity<Inst>(i));
      }
    }
    i = next;
  }
}

function sameCall(func: Func, x: number, y: number): boolean {
  if (func.callBlock.get(x) !== func.callBlock.get(y)) return false;
  const length = func.callArgsLength.get(x);
  for (let i = 0; i < length; i++) {
    const a = func.resolve(entity<Value>(func.pool.get(func.callArgsStart.get(x) + i)));
    const b = func.resolve(entity<Value>(func.pool.get(func.callArgsStart.get(y) + i)));
    if (a !== b) return false;
  }
  return true;
}

/** If `block` is nothing but a jump and has no parameters: that jump's block call, else NONE. */
function forwarder(func: Func, block: number): number {
  const first = func.firstInst.get(block);
  if (first === NONE || func.op.get(first) !== Op.jump || func.paramsOf(entity<Block>(block)).length > 0) return NONE;
  return func.a.get(first);
}

/** Sends every branch past blocks that only jump on. Chains are followed with a bound: a cycle of empty blocks stays. */
function threadJumps(func: Func): void {
  for (const block of func.layout) {
    forEachSuccessor(func, block, (call) => {
      for (let hops = 0; hops < 8; hops++) {
        const on = forwarder(func, func.callBlock.get(call));
        if (on === NONE || on === call || func.callBlock.get(on) === func.callBlock.get(call)) return;
        func.callBlock.set(call, func.callBlock.get(on));
        const args: number[] = [];
        const start = func.callArgsStart.get(on);
        for (let i = 0; i < func.callArgsLength.get(on); i++) args.push(func.pool.get(start + i));
        func.callArgsStart.set(call, func.pushList(args));
        func.callArgsLength.set(call, args.length);
      }
    });
  }
}

/** Appends a block to its only predecessor when that one does nothing but jump to it. */
function mergeBlocks(func: Func, cfg: ControlFlowGraph): void {
  /** A merged block's instructions are in this one now. */
  const merged = new Int32Array(func.blockCount).fill(NONE);
  const home = (block: number): number => {
    let b = block;
    while (merged[b] !== NONE) b = merged[b]!;
    return b;
  };
  for (let o = 1; o < cfg.order.length; o++) {
    const block = cfg.order[o]!;
    if (cfg.predStart[block + 1]! - cfg.predStart[block]! !== 1) continue;
    const pred = home(cfg.pred[cfg.predStart[block]!]!);
    const jump = func.lastInst.get(pred);
    if (func.op.get(jump) !== Op.jump || pred === block) continue;
    const call = func.a.get(jump);
    const params = func.paramsOf(entity<Block>(block));
    const start = func.callArgsStart.get(call);
    for (let i = params.length - 1; i >= 0; i--) {
      func.replaceValue(params[i]!, func.resolve(entity<Value>(func.pool.get(start + i))));
      func.removeBlockParam(entity<Block>(block), i);
    }
    func.removeInst(entity<Inst>(jump));
    spliceBlock(func, pred, block);
    merged[block] = pred;
    // Resolving a chain of merges stays short: later ones point at the first block directly.
  }
}

/** Moves all instructions of `from` to the end of `to`. */
function spliceBlock(func: Func, to: number, from: number): void {
  const first = func.firstInst.get(from);
  if (first === NONE) return;
  for (let i = first; i !== NONE; i = func.next.get(i)) func.instBlock.set(i, to);
  const last = func.lastInst.get(to);
  func.prev.set(first, last);
  if (last === NONE) func.firstInst.set(to, first);
  else func.next.set(last, first);
  func.lastInst.set(to, func.lastInst.get(from));
  func.firstInst.set(from, NONE);
  func.lastInst.set(from, NONE);
}

/** Runs all of it once. The layout afterwards holds the reachable blocks in reverse postorder. */
export function tidyControlFlow(func: Func): void {
  for (const block of func.layout) {
    foldTraps(func, block);
    foldBranch(func, block);
  }
  threadJumps(func);
  for (const block of func.layout) foldBranch(func, block);
  const cfg = new ControlFlowGraph(func);
  mergeBlocks(func, cfg);
  func.layout = Array.from(cfg.order, (b) => entity<Block>(b)).filter((b) => func.firstInst.get(b) !== NONE);
}
