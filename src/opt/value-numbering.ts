/**
 * Global value numbering over the dominator tree, with simplification on the way: each reachable block in reverse postorder, each
 * instruction simplified, then looked up among the pure instructions that dominate it. Loads of `constant` memory are
 * pure. Other loads are remembered within a block, until something may have written their region.
 *
 * Guarantees: no instruction with an effect is removed, moved or duplicated. Uses in reachable blocks are resolved. Linear in
 * the number of instructions.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { type ControlFlowGraph, forEachSuccessor } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { FLAG_EFFECT, OP_FLAGS, Op, opRow, REGION_NAMES, Region, regionOf } from "../ir/ops.ts";
import { Simplifier } from "./simplify.ts";

/** Column use by format, as small integers for the hot loop. */
const VALUES_A = 1;
const VALUES_B = 2;
const VALUES_C = 4;
const VALUES_LIST = 8;

/** Per op: which columns hold values. */
export const VALUE_COLUMNS: Uint8Array = Uint8Array.from({ length: Object.keys(Op).length }, (_, op) => {
  switch (opRow(op).format) {
    case "unary":
    case "load":
    case "brif":
    case "br_table":
      return VALUES_A;
    case "binary":
    case "compare":
    case "store":
      return VALUES_A | VALUES_B;
    case "select":
    case "rmw":
      return VALUES_A | VALUES_B | VALUES_C;
    case "call":
    case "list":
    case "return":
      return VALUES_LIST;
    case "call_indirect":
      return VALUES_A | VALUES_LIST;
    case "trap":
      return op === Op.trap ? 0 : VALUES_A;
    default:
      return 0;
  }
});

/** Resolves every value that `inst` uses, branch arguments included, and writes it back. */
export function resolveOperands(func: Func, inst: Inst): void {
  const columns = VALUE_COLUMNS[func.op.get(inst)]!;
  if (columns & VALUES_A) func.a.set(inst, func.resolve(entity<Value>(func.a.get(inst))));
  if (columns & VALUES_B) func.b.set(inst, func.resolve(entity<Value>(func.b.get(inst))));
  if (columns & VALUES_C) func.c.set(inst, func.resolve(entity<Value>(func.c.get(inst))));
  if (columns & VALUES_LIST) {
    const start = func.b.get(inst);
    const end = start + func.c.get(inst);
    for (let i = start; i < end; i++) func.pool.set(i, func.resolve(entity<Value>(func.pool.get(i))));
  }
}

/** Resolves the arguments of a block's branches. */
export function resolveBranches(func: Func, block: Block): void {
  forEachSuccessor(func, block, (call) => {
    const start = func.callArgsStart.get(call);
    const end = start + func.callArgsLength.get(call);
    for (let i = start; i < end; i++) func.pool.set(i, func.resolve(entity<Value>(func.pool.get(i))));
  });
}

/** Calls `visit` with every value that `inst` uses, branch arguments included. */
export function forEachUse(func: Func, inst: Inst, visit: (value: Value) => void): void {
  const op = func.op.get(inst);
  const columns = VALUE_COLUMNS[op]!;
  if (columns & VALUES_A) visit(func.resolve(entity<Value>(func.a.get(inst))));
  if (columns & VALUES_B) visit(func.resolve(entity<Value>(func.b.get(inst))));
  if (columns & VALUES_C) visit(func.resolve(entity<Value>(func.c.get(inst))));
  if (columns & VALUES_LIST) {
    const start = func.b.get(inst);
    const end = start + func.c.get(inst);
    for (let i = start; i < end; i++) visit(func.resolve(entity<Value>(func.pool.get(i))));
  }
  const format = opRow(op).format;
  if (format !== "jump" && format !== "brif" && format !== "br_table") return;
  forEachSuccessor(func, entity<Block>(func.instBlock.get(inst)), (call) => {
    const start = func.callArgsStart.get(call);
    const end = start + func.callArgsLength.get(call);
    for (let i = start; i < end; i++) visit(func.resolve(entity<Value>(func.pool.get(i))));
  });
}

/** Preorder and postorder numbers of the dominator tree: dominance in constant time. */
function dominatorIntervals(cfg: ControlFlowGraph, blockCount: number): { enter: Int32Array; leave: Int32Array } {
  const firstChild = new Int32Array(blockCount).fill(-1);
  const sibling = new Int32Array(blockCount).fill(-1);
  const { order, idom } = cfg;
  for (let i = order.length - 1; i > 0; i--) {
    const b = order[i]!;
    const parent = idom[b]!;
    sibling[b] = firstChild[parent]!;
    firstChild[parent] = b;
  }
  const enter = new Int32Array(blockCount);
  const leave = new Int32Array(blockCount);
  const stack = [order[0]!];
  let clock = 0;
  const opened = new Uint8Array(blockCount);
  while (stack.length > 0) {
    const b = stack[stack.length - 1]!;
    if (opened[b] === 0) {
      opened[b] = 1;
      enter[b] = clock++;
      for (let c = firstChild[b]!; c >= 0; c = sibling[c]!) stack.push(c);
    } else {
      leave[b] = clock++;
      stack.pop();
    }
  }
  return { enter, leave };
}

export function numberValues(func: Func, cfg: ControlFlowGraph): void {
  const simplifier = new Simplifier(func);
  const { enter, leave } = dominatorIntervals(cfg, func.blockCount);
  let size = 64;
  while (size < func.instCount) size *= 2;
  size *= 2;
  const mask = size - 1;
  /** Instruction + 1, by hash; probing is linear and bounded. */
  const table = new Int32Array(size);
  /** Version of each region, changed by every write that may touch it: part of a load's identity. */
  const regionVersion = new Int32Array(REGION_NAMES.length);
  /** The version under which a load was entered. */
  const loadVersion = new Map<number, number>();
  let clock = 1;

  const clobber = (region: number): void => {
    clock++;
    if (region === Region.any) for (let r = 0; r < regionVersion.length; r++) regionVersion[r] = clock;
    else {
      regionVersion[region] = clock;
      regionVersion[Region.any] = clock;
    }
  };

  for (let o = 0; o < cfg.order.length; o++) {
    const block = entity<Block>(cfg.order[o]!);
    clobber(Region.any);
    for (let next = func.firstInst.get(block); next !== NONE; ) {
      const inst = entity<Inst>(next);
      next = func.next.get(inst);
      resolveOperands(func, inst);
      const equal = simplifier.simplify(inst);
      if (equal !== NONE) {
        func.replaceValue(func.result(inst), entity<Value>(equal));
        func.removeInst(inst);
        continue;
      }
      const op = func.op.get(inst);
      if ((OP_FLAGS[op]! & FLAG_EFFECT) !== 0) {
        if (op === Op.store || op === Op.atomic_cas) clobber(regionOf(func.hi.get(inst)));
        else if (op !== Op.trapz && op !== Op.trapnz) clobber(Region.any);
        continue;
      }
      if (func.resultCount.get(inst) !== 1 || op === Op.stack_pointer) continue;
      const flags = func.hi.get(inst);
      const region = op === Op.load ? regionOf(flags) : Region.constant;
      let hash = Math.imul(op, 0x9e3779b1) ^ Math.imul(func.type.get(inst), 0x85ebca6b);
      hash ^= Math.imul(func.a.get(inst), 0xc2b2ae35) ^ Math.imul(func.b.get(inst), 0x27d4eb2f);
      hash ^= Math.imul(func.c.get(inst), 0x165667b1) ^ Math.imul(func.lo.get(inst), 0x2545f491);
      hash ^= Math.imul(flags, 0x5bd1e995);
      hash ^= hash >>> 15;
      let found = NONE;
      let slot = hash & mask;
      for (let probes = 0; probes < 8; probes++, slot = (slot + 1) & mask) {
        const candidate = table[slot]! - 1;
        if (candidate < 0) {
          table[slot] = inst + 1;
          break;
        }
        if (!sameComputation(func, candidate, inst)) continue;
        const from = func.instBlock.get(candidate);
        const dominates = from !== NONE && enter[from]! <= enter[block]! && leave[from]! >= leave[block]!;
        const fresh = region === Region.constant || loadVersion.get(candidate) === regionVersion[region];
        if (dominates && fresh) found = candidate;
        else table[slot] = inst + 1;
        break;
      }
      if (found !== NONE) {
        func.replaceValue(func.result(inst), func.result(entity<Inst>(found)));
        // A load that may fault is removed only for an equal one that did not: `found` dominates it.
        func.removeInst(inst);
      } else if (op === Op.load && region !== Region.constant) loadVersion.set(inst, regionVersion[region]!);
    }
    resolveBranches(func, block);
  }
  // Arguments of back edges were resolved before later replacements.
  for (let o = 0; o < cfg.order.length; o++) resolveBranches(func, entity<Block>(cfg.order[o]!));
}

function sameComputation(func: Func, x: number, y: number): boolean {
  return (
    func.op.get(x) === func.op.get(y) &&
    func.type.get(x) === func.type.get(y) &&
    func.a.get(x) === func.a.get(y) &&
    func.b.get(x) === func.b.get(y) &&
    func.c.get(x) === func.c.get(y) &&
    func.lo.get(x) === func.lo.get(y) &&
    func.hi.get(x) === func.hi.get(y)
  );
}
