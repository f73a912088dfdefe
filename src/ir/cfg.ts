/**
 * The control flow graph of a function: predecessors, successors, reverse postorder, dominators, loops. Computed on
 * demand; stale as soon as a branch changes, which is cheaper to find out than to make a new one. Blocks out of reach of the entry have no order. All of it takes time in
 * proportion to the number of edges (times a logarithm at most), whatever their shape.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { firstWords } from "../base/truncate.ts";
import type { Workspace } from "../base/workspace.ts";
import type { Block, Func } from "./function.ts";
import { NONE } from "./function.ts";
import { Op } from "./ops.ts";

const JUMP = Op.jump;
const BRIF = Op.brif;
const BR_TABLE = Op.br_table;

/** How many block calls the block's terminator has. */
export function successorCount(func: Func, block: Block): number {
  const last = func.lastInst.get(block);
  if (last === NONE) return 0;
  const op = func.op.get(last);
  return op === JUMP ? 1 : op === BRIF ? 2 : op === BR_TABLE ? func.c.get(last) : 0;
}

/** Block call number `i` of the block's terminator, which has one. */
export function successorCall(func: Func, block: Block, i: number): number {
  const last = func.lastInst.get(block);
  const op = func.op.get(last);
  if (op === JUMP) return func.a.get(last);
  if (op === BRIF) return i === 0 ? func.b.get(last) : func.c.get(last);
  return func.pool.get(func.b.get(last) + i);
}

export class ControlFlowGraph {
  /** Successors of b: succ[succStart[b]] to succ[succStart[b + 1]], a branch with two equal targets twice. */
  readonly succStart: Int32Array;
  readonly succ: Int32Array;
  /** Predecessors, one for each edge; those out of reach of the entry included. */
  readonly predStart: Int32Array;
  readonly pred: Int32Array;
  /** Reachable blocks in reverse postorder. */
  readonly order: Int32Array;
  /** Position of a block in `order`, or -1. */
  readonly position: Int32Array;
  readonly #work: Workspace;
  readonly #search: DepthFirst;
  #tree: DominatorTree | undefined;
  #loops: Loops | undefined;

  constructor(func: Func) {
    const { work } = func;
    this.#work = work;
    const n = func.blockCount;
    const succStart = work.i32(n + 1);
    const succ = work.column();
    const predStart = work.i32(n + 1);
    for (let b = 0; b < n; b++) {
      succStart[b] = succ.length;
      const block = entity<Block>(b);
      const count = successorCount(func, block);
      for (let i = 0; i < count; i++) {
        const target = func.callBlock.get(successorCall(func, block, i));
        succ.push(target);
        predStart[target + 1]!++;
      }
    }
    succStart[n] = succ.length;
    this.succStart = succStart;
    this.succ = succ.view();
    for (let b = 0; b < n; b++) predStart[b + 1]! += predStart[b]!;
    const fill = work.copy(predStart, n);
    const pred = work.i32(succ.length);
    for (let b = 0; b < n; b++) {
      for (let e = succStart[b]!; e < succStart[b + 1]!; e++) pred[fill[this.succ[e]!]!++] = b;
    }
    this.predStart = predStart;
    this.pred = pred;

    this.#search = depthFirst(work, func.entryBlock, n, this.succStart, this.succ);
    this.order = this.#search.postorder.reverse();
    this.position = work.filled(n, -1);
    for (let i = 0; i < this.order.length; i++) this.position[this.order[i]!] = i;
  }

  /** Immediate dominator of each reachable block (of the entry: itself), or -1. */
  get idom(): Int32Array {
    return this.#dominatorTree().idom;
  }
  /** Depth in the dominator tree; the entry's is 0. */
  get domDepth(): Int32Array {
    return this.#dominatorTree().depth;
  }
  /** Reachable blocks in preorder of the dominator tree, siblings in reverse postorder: so all forward edges go forward, too. */
  get domOrder(): Int32Array {
    return this.#dominatorTree().order;
  }
  /** The blocks that b dominates are `domOrder` from domStart[b] to domEnd[b]. */
  get domStart(): Int32Array {
    return this.#dominatorTree().start;
  }
  get domEnd(): Int32Array {
    return this.#dominatorTree().end;
  }

  /** Made when it is asked for: half of the graphs are for passes that don't. */
  #dominatorTree(): DominatorTree {
    this.#tree ??= this.#makeTree();
    return this.#tree;
  }

  #makeTree(): DominatorTree {
    const { order, predStart, pred } = this;
    const work = this.#work;
    const n = this.position.length;
    const { preorder, parent } = this.#search;
    const idom = dominators(work, n, preorder, parent, predStart, pred);
    const tree = { idom, depth: work.i32(n), order: work.i32(order.length), start: work.i32(n), end: work.i32(n) };
    /** Blocks that each one dominates, then where its next child starts. */
    const size = work.filled(n, 1);
    for (let i = order.length - 1; i > 0; i--) size[idom[order[i]!]!]! += size[order[i]!]!;
    const next = work.i32(n);
    for (let i = 0; i < order.length; i++) {
      const b = order[i]!;
      if (i > 0) {
        const above = idom[b]!;
        tree.depth[b] = tree.depth[above]! + 1;
        tree.start[b] = next[above]!;
        next[above]! += size[b]!;
      }
      tree.end[b] = tree.start[b]! + size[b]!;
      tree.order[tree.start[b]!] = b;
      next[b] = tree.start[b]! + 1;
    }
    return tree;
  }

  /** Found when they are asked for. */
  get loops(): Loops {
    this.#loops ??= findLoops(this.#work, this);
    return this.#loops;
  }

  /** Whether the branches of `func` lead where they did when this graph was made of it. */
  isCurrent(func: Func): boolean {
    const { succStart, succ } = this;
    const n = func.blockCount;
    if (succStart.length !== n + 1) return false;
    for (let b = 0; b < n; b++) {
      const block = entity<Block>(b);
      const start = succStart[b]!;
      const count = successorCount(func, block);
      if (count !== succStart[b + 1]! - start) return false;
      for (let i = 0; i < count; i++) {
        if (func.callBlock.get(successorCall(func, block, i)) !== succ[start + i]) return false;
      }
    }
    return true;
  }

  reachable(block: Block): boolean {
    return this.position[block]! >= 0;
  }

  /** Whether every path from the entry to `b` passes `a`. Both must be reachable. */
  dominates(a: Block, b: Block): boolean {
    const { start, end } = this.#dominatorTree();
    const at = start[b]!;
    return at >= start[a]! && at < end[a]!;
  }
}

/** The graph of `func` as it is: `known`, an earlier one of it, if no branch changed since. */
export function currentGraph(func: Func, known: ControlFlowGraph): ControlFlowGraph {
  return known.isCurrent(func) ? known : new ControlFlowGraph(func);
}

interface DominatorTree {
  readonly idom: Int32Array;
  readonly depth: Int32Array;
  readonly order: Int32Array;
  readonly start: Int32Array;
  readonly end: Int32Array;
}

export interface DepthFirst {
  readonly postorder: Int32Array;
  readonly preorder: Int32Array;
  readonly parent: Int32Array;
}

/** Iterative depth-first search: both orders, and the parent of each block in the tree. */
export function depthFirst(
  work: Workspace,
  entry: Block,
  n: number,
  succStart: Int32Array,
  succ: Int32Array,
): DepthFirst {
  const seen = work.u8(n);
  const cursor = work.i32(n);
  const stack = work.i32(n + 1);
  const parent = work.filled(n, -1);
  const preorder = work.i32(n);
  const postorder = work.i32(n);
  let depth = 0;
  let entered = 0;
  let left = 0;
  stack[depth++] = entry;
  preorder[entered++] = entry;
  seen[entry] = 1;
  cursor[entry] = succStart[entry]!;
  while (depth > 0) {
    const b = stack[depth - 1]!;
    const e = cursor[b]!;
    if (e < succStart[b + 1]!) {
      cursor[b] = e + 1;
      const target = succ[e]!;
      if (seen[target] === 0) {
        seen[target] = 1;
        parent[target] = b;
        preorder[entered++] = target;
        cursor[target] = succStart[target]!;
        stack[depth++] = target;
      }
    } else {
      depth--;
      postorder[left++] = b;
    }
  }
  return { postorder: firstWords(postorder, left), preorder: firstWords(preorder, entered), parent };
}

/**
 * Lengauer and Tarjan's algorithm in its simple form. (Iterating over reverse postorder is quadratic on graphs that a few
 * kilobytes of wasm can describe: many exits of a long chain to one block.)
 */
export function dominators(
  work: Workspace,
  n: number,
  preorder: Int32Array,
  treeParent: Int32Array,
  predStart: Int32Array,
  pred: Int32Array,
): Int32Array {
  const count = preorder.length;
  // All but `number` is by preorder number.
  const number = work.filled(n, -1);
  for (let i = 0; i < count; i++) number[preorder[i]!] = i;
  const semi = work.i32(count);
  const label = work.i32(count);
  const ancestor = work.filled(count, -1);
  const idom = work.i32(count);
  const bucket = work.filled(count, -1);
  const bucketNext = work.i32(count);
  const path = work.i32(count);
  for (let i = 0; i < count; i++) semi[i] = label[i] = i;

  /** The vertex with the least semidominator on the path from v up to its tree's root, which is left out. */
  const evaluate = (vertex: number): number => {
    if (ancestor[vertex]! < 0) return vertex;
    let v = vertex;
    let depth = 0;
    while (ancestor[ancestor[v]!]! >= 0) {
      path[depth++] = v;
      v = ancestor[v]!;
    }
    while (depth > 0) {
      const w = path[--depth]!;
      const up = ancestor[w]!;
      if (semi[label[up]!]! < semi[label[w]!]!) label[w] = label[up]!;
      ancestor[w] = ancestor[up]!;
    }
    return label[vertex]!;
  };

  for (let w = count - 1; w > 0; w--) {
    const block = preorder[w]!;
    for (let e = predStart[block]!; e < predStart[block + 1]!; e++) {
      const v = number[pred[e]!]!;
      if (v < 0) continue;
      const u = evaluate(v);
      if (semi[u]! < semi[w]!) semi[w] = semi[u]!;
    }
    bucketNext[w] = bucket[semi[w]!]!;
    bucket[semi[w]!] = w;
    const parent = number[treeParent[block]!]!;
    ancestor[w] = parent;
    for (let v = bucket[parent]!; v >= 0; v = bucketNext[v]!) {
      const u = evaluate(v);
      idom[v] = semi[u]! < semi[v]! ? u : parent;
    }
    bucket[parent] = -1;
  }
  const out = work.filled(n, -1);
  for (let w = 0; w < count; w++) {
    if (w > 0 && idom[w] !== semi[w]) idom[w] = idom[idom[w]!]!;
    out[preorder[w]!] = preorder[idom[w]!]!;
  }
  return out;
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

function findLoops(work: Workspace, cfg: ControlFlowGraph): Loops {
  const { order, position, predStart, pred } = cfg;
  const n = position.length;
  const header = work.filled(n, -1);
  const parent = work.filled(n, -1);
  const depth = work.i32(n);
  /** As `parent`, but shortened on the way: only for finding the outermost loop found so far. */
  const top = work.i32(n);
  for (let b = 0; b < n; b++) top[b] = b;
  const waiting = work.column();
  // Inner headers come later in reverse postorder: visit them first, and step over loops that are known.
  for (let i = order.length - 1; i >= 0; i--) {
    const h = order[i]!;
    let isHeader = false;
    for (let e = predStart[h]!; e < predStart[h + 1]!; e++) {
      const p = pred[e]!;
      if (position[p]! < i || !cfg.dominates(entity<Block>(h), entity<Block>(p))) continue;
      isHeader = true;
      waiting.push(p);
    }
    if (!isHeader) continue;
    header[h] = h;
    while (waiting.length > 0) {
      let b = waiting.get(--waiting.length);
      if (b === h) continue;
      if (header[b] === -1) header[b] = h;
      else {
        b = header[b]!;
        while (top[b] !== b) {
          top[b] = top[top[b]!]!;
          b = top[b]!;
        }
        if (b === h) continue;
        parent[b] = h;
        top[b] = h;
      }
      for (let e = predStart[b]!; e < predStart[b + 1]!; e++) {
        const p = pred[e]!;
        if (position[p]! >= 0 && cfg.dominates(entity<Block>(h), entity<Block>(p))) waiting.push(p);
      }
    }
  }
  for (let i = 0; i < order.length; i++) {
    const b = order[i]!;
    const h = header[b]!;
    if (h < 0) continue;
    if (h === b) depth[b] = parent[b]! < 0 ? 1 : depth[parent[b]!]! + 1;
    else depth[b] = depth[h]!;
  }
  return { depth, header, parent };
}
