/**
 * The control flow graph of a function: predecessors, successors, reverse postorder, dominators, loops. Computed on
 * demand from the layout; stale as soon as a branch changes. Blocks out of reach of the entry have no order.
 */

import { entity } from "../base/entity.ts";
import { I32Column } from "../base/columns.ts";
import type { Block, Func } from "./function.ts";
import { NONE } from "./function.ts";
import { opRow } from "./ops.ts";

/** Calls `visit` for each block call of the block's terminator, in order. */
export function forEachSuccessor(func: Func, block: Block, visit: (blockCall: number) => void): void {
  const last = func.lastInst.get(block);
  if (last === NONE) return;
  const format = opRow(func.op.get(last)).format;
  if (format === "jump") visit(func.a.get(last));
  else if (format === "brif") {
    visit(func.b.get(last));
    visit(func.c.get(last));
  } else if (format === "br_table") {
    const start = func.b.get(last);
    const length = func.c.get(last);
    for (let i = 0; i < length; i++) visit(func.pool.get(start + i));
  }
}

export class ControlFlowGraph {
  /** Successors of b: succ[succStart[b]] to succ[succStart[b + 1]], a branch with two equal targets twice. */
  readonly succStart: Int32Array;
  readonly succ: Int32Array;
  readonly predStart: Int32Array;
  readonly pred: Int32Array;
  /** Reachable blocks in reverse postorder. */
  readonly order: Int32Array;
  /** Position of a block in `order`, or -1. */
  readonly position: Int32Array;
  /** Immediate dominator of each reachable block (of the entry: itself), or -1. */
  readonly idom: Int32Array;
  /** Depth in the dominator tree; the entry's is 0. */
  readonly domDepth: Int32Array;

  constructor(func: Func) {
    const n = func.blockCount;
    const succStart = new Int32Array(n + 1);
    const succ = new I32Column(n * 2 + 16);
    const predCount = new Int32Array(n + 1);
    for (let b = 0; b < n; b++) {
      succStart[b] = succ.length;
      forEachSuccessor(func, entity<Block>(b), (call) => {
        const target = func.callBlock.get(call);
        succ.push(target);
        predCount[target] = (predCount[target] ?? 0) + 1;
      });
    }
    succStart[n] = succ.length;
    this.succStart = succStart;
    this.succ = succ.toArray();

    this.order = postorderReversed(func.entryBlock, n, this.succStart, this.succ);
    this.position = new Int32Array(n).fill(-1);
    this.order.forEach((b, i) => {
      this.position[b] = i;
    });

    const predStart = new Int32Array(n + 1);
    for (let b = 0; b < n; b++) predStart[b + 1] = (predStart[b] ?? 0) + (predCount[b] ?? 0);
    const fill = predStart.slice();
    const pred = new Int32Array(succ.length);
    for (let b = 0; b < n; b++) {
      for (let e = succStart[b] ?? 0; e < (succStart[b + 1] ?? 0); e++) {
        const target = succ.get(e);
        const at = fill[target] ?? 0;
        pred[at] = b;
        fill[target] = at + 1;
      }
    }
    this.predStart = predStart;
    this.pred = pred;

    this.idom = new Int32Array(n).fill(-1);
    this.domDepth = new Int32Array(n);
    this.#dominators(func.entryBlock);
  }

  reachable(block: Block): boolean {
    return (this.position[block] ?? -1) >= 0;
  }

  /** Cooper, Harvey and Kennedy's iteration over reverse postorder. */
  #dominators(entry: Block): void {
    const { idom, order, predStart, pred } = this;
    idom[entry] = entry;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = 1; i < order.length; i++) {
        const b = order[i] ?? 0;
        let best = -1;
        for (let e = predStart[b] ?? 0; e < (predStart[b + 1] ?? 0); e++) {
          const p = pred[e] ?? 0;
          if ((idom[p] ?? -1) < 0) continue;
          best = best < 0 ? p : this.#meet(p, best);
        }
        if (idom[b] !== best) {
          idom[b] = best;
          changed = true;
        }
      }
    }
    for (let i = 1; i < order.length; i++) {
      const b = order[i] ?? 0;
      this.domDepth[b] = (this.domDepth[idom[b] ?? 0] ?? 0) + 1;
    }
  }

  #meet(x: number, y: number): number {
    let a = x;
    let b = y;
    while (a !== b) {
      while ((this.position[a] ?? 0) > (this.position[b] ?? 0)) a = this.idom[a] ?? 0;
      while ((this.position[b] ?? 0) > (this.position[a] ?? 0)) b = this.idom[b] ?? 0;
    }
    return a;
  }

  /** Whether every path from the entry to `b` passes `a`. Both must be reachable. Walks the tree by depth. */
  dominates(a: Block, b: Block): boolean {
    let x: number = b;
    const depth = this.domDepth[a] ?? 0;
    while ((this.domDepth[x] ?? 0) > depth) x = this.idom[x] ?? 0;
    return x === a;
  }
}

/** Iterative depth-first search. */
function postorderReversed(entry: Block, n: number, succStart: Int32Array, succ: Int32Array): Int32Array {
  const seen = new Uint8Array(n);
  const cursor = new Int32Array(n);
  const stack = new Int32Array(n + 1);
  const out = new Int32Array(n);
  let depth = 0;
  let count = 0;
  stack[depth++] = entry;
  seen[entry] = 1;
  cursor[entry] = succStart[entry] ?? 0;
  while (depth > 0) {
    const b = stack[depth - 1] ?? 0;
    const e = cursor[b] ?? 0;
    if (e < (succStart[b + 1] ?? 0)) {
      cursor[b] = e + 1;
      const target = succ[e] ?? 0;
      if (seen[target] === 0) {
        seen[target] = 1;
        cursor[target] = succStart[target] ?? 0;
        stack[depth++] = target;
      }
    } else {
      depth--;
      out[count++] = b;
    }
  }
  return out.slice(0, count).reverse();
}

/** Loop nesting: natural loops of back edges whose target dominates their source. */
export interface Loops {
  /** Nesting depth of each block; 0 outside of loops. */
  readonly depth: Int32Array;
  /** Innermost loop header of each block, or -1; a header's own is itself. */
  readonly header: Int32Array;
  /** For each header the header of the loop around it, or -1. */
  readonly parent: Int32Array;
}

export function findLoops(func: Func, cfg: ControlFlowGraph): Loops {
  const n = func.blockCount;
  const header = new Int32Array(n).fill(-1);
  const parent = new Int32Array(n).fill(-1);
  const depth = new Int32Array(n);
  const work: number[] = [];
  // Inner headers come later in reverse postorder: visit them first, and jump over loops that are already known.
  for (let i = cfg.order.length - 1; i >= 0; i--) {
    const h = cfg.order[i] ?? 0;
    for (let e = cfg.predStart[h] ?? 0; e < (cfg.predStart[h + 1] ?? 0); e++) {
      const p = cfg.pred[e] ?? 0;
      if (cfg.reachable(entity<Block>(p)) && cfg.dominates(entity<Block>(h), entity<Block>(p))) work.push(p);
    }
    if (work.length === 0) continue;
    const outermost = (block: number): number => {
      let x = header[block] ?? -1;
      if (x < 0) return block;
      while ((parent[x] ?? -1) >= 0) x = parent[x] ?? -1;
      return x;
    };
    while (work.length > 0) {
      const b = outermost(work.pop() ?? 0);
      if (b === h) continue;
      if (header[b] === b) parent[b] = h;
      else if ((header[b] ?? -1) < 0) header[b] = h;
      else continue;
      for (let e = cfg.predStart[b] ?? 0; e < (cfg.predStart[b + 1] ?? 0); e++) {
        const p = cfg.pred[e] ?? 0;
        if (cfg.reachable(entity<Block>(p))) work.push(p);
      }
    }
    header[h] = h;
  }
  for (const b of cfg.order) {
    const h = header[b] ?? -1;
    if (h < 0) continue;
    if (h === b) depth[b] = (parent[b] ?? -1) < 0 ? 1 : (depth[parent[b] ?? 0] ?? 0) + 1;
    else depth[b] = depth[h] ?? 0;
  }
  return { depth, header, parent };
}
