/**
 * Tidies control flow: decided branches become jumps, unreachable blocks leave the layout and lose their code, a block that only its
 * predecessor's jump reaches joins it, a jump to an empty jump goes on to its target, and the layout becomes reverse postorder.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { ControlFlowGraph, currentGraph, successorCall, successorCount } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";

/** How many empty jumps in a row a branch goes past in one pass: a cycle of empty blocks stays. */
const MAX_HOPS = 8;
/** Arguments that going past empty jumps may copy, for each that there was. */
const COPIES = 2;

/** An integer constant's low half, or `undefined`. */
export function constantOf(func: Func, raw: number): number | undefined {
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
    const start = func.b.get(last);
    const length = func.c.get(last);
    if (k !== undefined) becomeJump(func, last, func.pool.get(start + Math.min(k >>> 0, length - 1)));
    else {
      for (let i = 1; i < length; i++) {
        if (!sameCall(func, func.pool.get(start), func.pool.get(start + i))) return;
      }
      becomeJump(func, last, func.pool.get(start));
    }
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
          for (let j = func.lastInst.get(block); j !== i; j = func.lastInst.get(block)) {
            func.removeInst(entity<Inst>(j));
          }
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
  const startX = func.callArgsStart.get(x);
  const startY = func.callArgsStart.get(y);
  for (let i = 0; i < length; i++) {
    const a = func.resolve(entity<Value>(func.pool.get(startX + i)));
    const b = func.resolve(entity<Value>(func.pool.get(startY + i)));
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

/** Sends every branch past blocks that only jump on. */
function threadJumps(func: Func): void {
  const { callBlock, callArgsStart, callArgsLength, pool } = func;
  let budget = 1000 + COPIES * pool.length;
  for (const block of func.layout) {
    const count = successorCount(func, block);
    for (let s = 0; s < count; s++) {
      const call = successorCall(func, block, s);
      for (let hops = 0; hops < MAX_HOPS; hops++) {
        const on = forwarder(func, callBlock.get(call));
        if (on === NONE || on === call || callBlock.get(on) === callBlock.get(call)) break;
        const length = callArgsLength.get(on);
        budget -= length;
        if (budget < 0) return;
        const start = callArgsStart.get(on);
        callBlock.set(call, callBlock.get(on));
        callArgsStart.set(call, pool.length);
        callArgsLength.set(call, length);
        for (let i = 0; i < length; i++) pool.push(pool.get(start + i));
      }
    }
  }
}

/** Appends a block to its only predecessor when that one does nothing but jump to it. */
function mergeBlocks(func: Func, cfg: ControlFlowGraph): void {
  /** A merged block's instructions are in this one now. Where they went was not merged itself, and won't be. */
  const merged = func.work.filled(func.blockCount, NONE);
  for (let o = 1; o < cfg.order.length; o++) {
    const block = entity<Block>(cfg.order[o]!);
    if (cfg.predStart[block + 1]! - cfg.predStart[block]! !== 1) continue;
    const direct = cfg.pred[cfg.predStart[block]!]!;
    const pred = entity<Block>(merged[direct] === NONE ? direct : merged[direct]!);
    const jump = func.lastInst.get(pred);
    if (func.op.get(jump) !== Op.jump || pred === block) continue;
    const start = func.callArgsStart.get(func.a.get(jump));
    const params = func.paramsOf(block);
    for (let i = 0; i < params.length; i++) {
      func.replaceValue(params[i]!, func.resolve(entity<Value>(func.pool.get(start + i))));
    }
    func.blockParams[block] = [];
    func.removeInst(entity<Inst>(jump));
    spliceBlock(func, pred, block);
    merged[block] = pred;
  }
}

/** Moves all instructions of `from` to the end of `to`. */
function spliceBlock(func: Func, to: Block, from: Block): void {
  const first = func.firstInst.get(from);
  for (let i = first; i !== NONE; i = func.next.get(i)) func.instBlock.set(i, to);
  const last = func.lastInst.get(to);
  func.prev.set(first, last);
  if (last === NONE) func.firstInst.set(to, first);
  else func.next.set(last, first);
  func.lastInst.set(to, func.lastInst.get(from));
  func.firstInst.set(from, NONE);
  func.lastInst.set(from, NONE);
}

/** The code of blocks out of reach goes, so that nothing mistakes their branches for some. */
function dropUnreachable(func: Func, cfg: ControlFlowGraph): boolean {
  let dropped = false;
  for (const block of func.layout) {
    if (cfg.reachable(block)) continue;
    dropped = true;
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) func.instBlock.set(i, NONE);
    func.firstInst.set(block, NONE);
    func.lastInst.set(block, NONE);
  }
  return dropped;
}

/**
 * Runs all of it once. The layout afterwards holds the reachable blocks in reverse postorder. `known`: an earlier graph of the function. Returns
 * the graph from before blocks were joined.
 */
export function tidyControlFlow(func: Func, known?: ControlFlowGraph): ControlFlowGraph {
  for (const block of func.layout) {
    foldTraps(func, block);
    foldBranch(func, block);
  }
  threadJumps(func);
  for (const block of func.layout) foldBranch(func, block);
  let cfg = known === undefined ? new ControlFlowGraph(func) : currentGraph(func, known);
  if (dropUnreachable(func, cfg)) cfg = new ControlFlowGraph(func);
  mergeBlocks(func, cfg);
  const layout: Block[] = [];
  for (let o = 0; o < cfg.order.length; o++) {
    if (func.firstInst.get(cfg.order[o]!) !== NONE) layout.push(entity<Block>(cfg.order[o]!));
  }
  func.layout = layout;
  return cfg;
}
