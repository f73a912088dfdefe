/**
 * The control flow graph as the code generator sees it: reachable blocks with critical edges split, in emission order, with loops.
 *
 * Why: the IR's layout is the order in which blocks were made. Code wants loops in one piece, likely paths straight and blocks that
 * trap at the end; the allocator wants split critical edges and nesting depths. This is the one place that decides both.
 *
 * Guarantees: block 0 is the entry; a block comes after those that dominate it, cold blocks included; every edge has a successor
 * with one predecessor or a predecessor with one successor; equal edges of one br_table are one edge. Linear in blocks and edges,
 * but for the sorting of a branch's successors. No recursion.
 */

// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { type Entity, entity } from "../base/entity.ts";
import type { Workspace } from "../base/workspace.ts";
import { depthFirst, dominators } from "../ir/cfg.ts";
import type { Block, BlockCall, Func, Inst } from "../ir/function.ts";
import { NONE } from "../ir/function.ts";
import { Op } from "../ir/ops.ts";

export interface BlockGraph {
  readonly blockCount: number;
  /** The IR block, or -1 for a block on a split edge. */
  readonly irBlock: Int32Array;
  readonly succStart: Int32Array;
  readonly succ: Int32Array;
  /** The block call of the IR whose arguments edge e passes, or -1: the second half of a split edge passes them. */
  readonly edgeCall: Int32Array;
  readonly predStart: Int32Array;
  readonly pred: Int32Array;
  /** The edge from that predecessor. */
  readonly predEdge: Int32Array;
  readonly loopDepth: Int32Array;
  /** 1 for blocks that end in a trap, and those that lead only to such. */
  readonly cold: Uint8Array;
  /** Which successor edge (0 … of its block) each block call of a br_table is; index: position in the IR's pool. */
  readonly tableEdge: ReadonlyMap<number, number>;
  /** Blocks such that a block comes before those that it dominates: emission order but for cold blocks, which are in place. */
  readonly topological: Int32Array;
}

const NO_BLOCK = -1;

/** Block calls of a terminator, in order, into `out`. */
function terminatorCalls(func: Func, inst: Inst, out: I32Column): void {
  out.length = 0;
  const op = func.op.get(inst);
  if (op === Op.jump) out.push(func.a.get(inst));
  else if (op === Op.brif) {
    out.push(func.b.get(inst));
    out.push(func.c.get(inst));
  } else if (op === Op.br_table) {
    const start = func.b.get(inst);
    const length = func.c.get(inst);
    for (let i = 0; i < length; i++) out.push(func.pool.get(start + i));
  }
}

function sameArguments(func: Func, a: number, b: number): boolean {
  const length = func.callArgsLength.get(a);
  if (length !== func.callArgsLength.get(b)) return false;
  const x = func.callArgsStart.get(a);
  const y = func.callArgsStart.get(b);
  for (let i = 0; i < length; i++) {
    const u = func.resolve(entity(func.pool.get(x + i)));
    if (u !== func.resolve(entity(func.pool.get(y + i)))) return false;
  }
  return true;
}

/** Raw nodes: IR blocks by number, then split edges. */
class RawGraph {
  readonly func: Func;
  readonly succ: I32Column;
  readonly call: I32Column;
  readonly succFrom: Int32Array;
  readonly succTo: Int32Array;
  readonly tableEdge = new Map<number, number>();
  /** IR block → layout position. */
  readonly place: Int32Array;
  /** Nodes beyond the IR's blocks: the block that the edge leads to, and its call. */
  readonly splitTarget: I32Column;
  readonly splitCall: I32Column;
  readonly irBlocks: number;

  constructor(func: Func) {
    this.func = func;
    this.succ = func.work.column();
    this.call = func.work.column();
    this.splitTarget = func.work.column();
    this.splitCall = func.work.column();
    const n = func.blockCount;
    this.irBlocks = n;
    this.succFrom = func.work.words(n);
    this.succTo = func.work.words(n);
    this.place = func.work.words(n);
    this.#edges();
    this.#split();
  }

  get nodeCount(): number {
    return this.irBlocks + this.splitTarget.length;
  }

  #edges(): void {
    const { func, succ, call } = this;
    const calls = func.work.column();
    const { layout } = func;
    for (let position = 0; position < layout.length; position++) this.place[layout[position]!] = position;
    const reached = func.work.bytes(func.blockCount);
    const waiting = [func.entryBlock];
    reached[func.entryBlock] = 1;
    for (let block = waiting.pop(); block !== undefined; block = waiting.pop()) {
      const inst = entity<Inst>(func.lastInst.get(block));
      terminatorCalls(func, inst, calls);
      const from = succ.length;
      this.succFrom[block] = from;
      const op = func.op.get(inst);
      if (op === Op.br_table) this.#tableEdges(inst, from);
      else if (op === Op.brif && this.#sameEdge(calls.get(0), calls.get(1))) this.#push(calls.get(0));
      else for (let i = 0; i < calls.length; i++) this.#push(calls.get(i));
      this.succTo[block] = succ.length;
      for (let e = from; e < succ.length; e++) {
        const to = entity<Block>(succ.get(e));
        if (reached[to] === 1) continue;
        reached[to] = 1;
        waiting.push(to);
      }
    }
    // Blocks that nothing reaches have no edges: succFrom and succTo are 0.
    call.length = succ.length;
  }

  #push(blockCall: number): void {
    this.succ.push(this.func.callBlock.get(blockCall));
    this.call.push(blockCall);
  }

  #sameEdge(a: number, b: number): boolean {
    return this.func.callBlock.get(a) === this.func.callBlock.get(b) && sameArguments(this.func, a, b);
  }

  /** One edge for each target, as long as the arguments are those of its first. */
  #tableEdges(inst: Inst, from: number): void {
    const { func } = this;
    const first = new Map<number, number>();
    const start = func.b.get(inst);
    const length = func.c.get(inst);
    for (let i = 0; i < length; i++) {
      const blockCall = func.pool.get(start + i);
      const target = func.callBlock.get(blockCall);
      const known = first.get(target);
      if (known !== undefined && sameArguments(func, this.call.get(known), blockCall)) {
        this.tableEdge.set(start + i, known - from);
        continue;
      }
      this.#push(blockCall);
      const edge = this.succ.length - 1;
      if (known === undefined) first.set(target, edge);
      this.tableEdge.set(start + i, edge - from);
    }
  }

  #split(): void {
    const preds = this.func.work.words(this.irBlocks);
    preds[this.func.entryBlock] = 1;
    for (let e = 0; e < this.succ.length; e++) preds[this.succ.get(e)]!++;
    for (let b = 0; b < this.irBlocks; b++) {
      if (this.succTo[b]! - this.succFrom[b]! < 2) continue;
      for (let e = this.succFrom[b]!; e < this.succTo[b]!; e++) {
        const to = this.succ.get(e);
        if (preds[to]! < 2) continue;
        this.splitTarget.push(to);
        this.splitCall.push(this.call.get(e));
        this.succ.set(e, this.irBlocks + this.splitTarget.length - 1);
        this.call.set(e, NONE);
      }
    }
  }

  /** Position of a node among its siblings: a split edge stands where its target does. */
  rank(node: number): number {
    return this.place[node < this.irBlocks ? node : this.splitTarget.get(node - this.irBlocks)]!;
  }

  succCount(node: number): number {
    return node < this.irBlocks ? this.succTo[node]! - this.succFrom[node]! : 1;
  }
  successor(node: number, i: number): number {
    return node < this.irBlocks ? this.succ.get(this.succFrom[node]! + i) : this.splitTarget.get(node - this.irBlocks);
  }
  edgeCall(node: number, i: number): number {
    return node < this.irBlocks ? this.call.get(this.succFrom[node]! + i) : this.splitCall.get(node - this.irBlocks);
  }
}

/** Reverse postorder of nodes; the successor that comes first in the IR's layout is placed next. */
function reversePostorder(raw: RawGraph): Int32Array {
  const { work } = raw.func;
  const n = raw.nodeCount;
  const state = work.bytes(n);
  const out = work.column();
  const stack = work.column();
  const cursor = work.column();
  /** Successors still to be visited, in order of visit; each node's run starts at its mark. */
  const pending = work.column();
  const marks = work.column();
  const enter = (node: number): void => {
    state[node] = 1;
    stack.push(node);
    marks.push(pending.length);
    cursor.push(pending.length);
    const count = raw.succCount(node);
    const from = pending.length;
    for (let i = 0; i < count; i++) pending.push(raw.successor(node, i));
    if (count === 2) {
      const x = pending.get(from);
      const y = pending.get(from + 1);
      if (raw.rank(x) < raw.rank(y)) {
        pending.set(from, y);
        pending.set(from + 1, x);
      }
    } else if (count > 2) {
      const view = pending.data.subarray(from, from + count);
      view.sort((x, y) => raw.rank(y) - raw.rank(x) || x - y);
    }
  };
  enter(raw.func.entryBlock);
  while (stack.length > 0) {
    const top = stack.length - 1;
    const at = cursor.get(top);
    if (at < pending.length) {
      cursor.set(top, at + 1);
      const next = pending.get(at);
      if (state[next] === 0) enter(next);
      continue;
    }
    out.push(stack.get(top));
    pending.length = marks.get(top);
    stack.length = top;
    marks.length = top;
    cursor.length = top;
  }
  return out.view().reverse();
}

interface Edges {
  readonly start: Int32Array;
  readonly to: Int32Array;
}

/** Successors of the numbered nodes. */
function successors(raw: RawGraph, order: Int32Array, number: Int32Array): Edges & { call: Int32Array } {
  const { work } = raw.func;
  const start = work.i32(order.length + 1);
  for (let b = 0; b < order.length; b++) start[b + 1] = start[b]! + raw.succCount(order[b]!);
  const to = work.i32(start[order.length]!);
  const call = work.i32(to.length);
  for (let b = 0; b < order.length; b++) {
    const node = order[b]!;
    for (let i = 0, e = start[b]!; e < start[b + 1]!; i++, e++) {
      to[e] = number[raw.successor(node, i)]!;
      call[e] = raw.edgeCall(node, i);
    }
  }
  return { start, to, call };
}

function predecessors(work: Workspace, succ: Edges, count: number): Edges & { edge: Int32Array } {
  const start = work.i32(count + 1);
  for (let e = 0; e < succ.to.length; e++) start[succ.to[e]! + 1]!++;
  for (let b = 0; b < count; b++) start[b + 1]! += start[b]!;
  const fill = work.copy(start, count);
  const to = work.i32(succ.to.length);
  const edge = work.i32(succ.to.length);
  for (let b = 0; b < count; b++) {
    for (let e = succ.start[b]!; e < succ.start[b + 1]!; e++) {
      const at = fill[succ.to[e]!]!++;
      to[at] = b;
      edge[at] = e;
    }
  }
  return { start, to, edge };
}

/** Immediate dominators of the numbered nodes; of the entry, number 0, itself. */
function immediateDominators(work: Workspace, succ: Edges, pred: Edges, count: number): Int32Array {
  const search = depthFirst(work, entity<Block>(0), count, succ.start, succ.to);
  return dominators(work, count, search.preorder, search.parent, pred.start, pred.to);
}

/** Whether a dominates b, by interval numbering of the dominator tree. */
function dominance(work: Workspace, idom: Int32Array): (a: number, b: number) => boolean {
  const n = idom.length;
  const size = work.filled(n, 1);
  for (let b = n - 1; b > 0; b--) size[idom[b]!]! += size[b]!;
  const first = work.i32(n);
  const next = work.i32(n);
  next[0] = 1;
  for (let b = 1; b < n; b++) {
    const parent = idom[b]!;
    first[b] = next[parent]!;
    next[parent]! += size[b]!;
    next[b] = first[b]! + 1;
  }
  return (a, b) => first[b]! >= first[a]! && first[b]! < first[a]! + size[a]!;
}

/** Per block the header of its innermost loop (itself for a header), or -1; and per header the enclosing loop's header. */
function naturalLoops(work: Workspace, pred: Edges, idom: Int32Array): { header: Int32Array; parent: Int32Array } {
  const n = idom.length;
  const dominates = dominance(work, idom);
  const header = work.filled(n, NO_BLOCK);
  const parent = work.filled(n, NO_BLOCK);
  /** As `parent`, but shortened: only for finding the outermost loop found so far. */
  const top = work.i32(n);
  for (let b = 0; b < n; b++) top[b] = b;
  const outermost = (loop: number): number => {
    let l = loop;
    while (top[l] !== l) {
      top[l] = top[top[l]!]!;
      l = top[l]!;
    }
    return l;
  };
  const waiting = work.column();
  // Inner loops first: their headers come later. A loop found earlier is stepped over as a whole.
  for (let h = n - 1; h >= 0; h--) {
    let isHeader = false;
    for (let e = pred.start[h]!; e < pred.start[h + 1]!; e++) {
      if (!dominates(h, pred.to[e]!)) continue;
      isHeader = true;
      waiting.push(pred.to[e]!);
    }
    if (!isHeader) continue;
    header[h] = h;
    while (waiting.length > 0) {
      waiting.length--;
      let b = waiting.get(waiting.length);
      if (header[b] === NO_BLOCK) header[b] = h;
      else {
        b = outermost(header[b]!);
        if (b === h) continue;
        parent[b] = h;
        top[b] = h;
      }
      for (let e = pred.start[b]!; e < pred.start[b + 1]!; e++) {
        const p = pred.to[e]!;
        if (dominates(h, p)) waiting.push(p);
      }
    }
  }
  return { header, parent };
}

/**
 * Reverse postorder with each loop in one piece: a loop's blocks follow where its header stands. Since a natural loop holds
 * every block between header and latch, a block still comes after those that dominate it.
 */
function contiguousLoops(work: Workspace, header: Int32Array, parent: Int32Array): Int32Array {
  const n = header.length;
  // Children of each loop (and of the function: index n) in order, as linked lists; an item is a block, or a loop by its header.
  const firstItem = work.filled(n + 1, NO_BLOCK);
  const lastItem = work.filled(n + 1, NO_BLOCK);
  const nextItem = work.filled(2 * n, NO_BLOCK);
  const append = (list: number, item: number): void => {
    const last = lastItem[list]!;
    if (last === NO_BLOCK) firstItem[list] = item;
    else nextItem[last] = item;
    lastItem[list] = item;
  };
  for (let b = 0; b < n; b++) {
    const h = header[b]!;
    if (h === b) append(parent[b] === NO_BLOCK ? n : parent[b]!, n + b);
    append(h === NO_BLOCK ? n : h, b);
  }
  const out = work.i32(n);
  let at = 0;
  const stack = [firstItem[n]!];
  for (let item = stack.pop(); item !== undefined; item = stack.pop()) {
    if (item === NO_BLOCK) continue;
    stack.push(nextItem[item]!);
    if (item >= n) stack.push(firstItem[item - n]!);
    else out[at++] = item;
  }
  return out;
}

/**
 * The graph of `func`, which the verifier has accepted. `quick`: compile time matters more than the code, and so loops are not looked for: depths
 * are 0, and they may be in several pieces.
 */
export function buildBlockGraph(func: Func, quick = false): BlockGraph {
  const { work } = func;
  const raw = new RawGraph(func);
  const rpo = reversePostorder(raw);
  const count = rpo.length;
  const number = work.words(raw.nodeCount, NO_BLOCK);
  for (let i = 0; i < count; i++) number[rpo[i]!] = i;
  const rpoSucc = successors(raw, rpo, number);
  const depth = work.i32(count);
  let contiguous: Int32Array;
  if (quick) {
    contiguous = work.i32(count);
    for (let b = 0; b < count; b++) contiguous[b] = b;
  } else {
    const rpoPred = predecessors(work, rpoSucc, count);
    const idom = immediateDominators(work, rpoSucc, rpoPred, count);
    const { header, parent } = naturalLoops(work, rpoPred, idom);
    for (let b = 0; b < count; b++) {
      const h = header[b]!;
      if (h === NO_BLOCK) continue;
      if (h === b) depth[b] = 1 + (parent[b] === NO_BLOCK ? 0 : depth[parent[b]!]!);
      else depth[b] = depth[h]!;
    }
    contiguous = contiguousLoops(work, header, parent);
  }
  const coldRpo = work.bytes(count);
  let coldCount = 0;
  for (let b = count - 1; b > 0; b--) {
    const node = rpo[b]!;
    const from = rpoSucc.start[b]!;
    const to = rpoSucc.start[b + 1]!;
    let cold = 1;
    if (from === to) {
      const op = func.op.get(func.lastInst.get(node));
      cold = op === Op.trap || op === Op.unwind_to ? 1 : 0;
    } else {
      for (let e = from; e < to; e++) if (rpoSucc.to[e]! <= b || coldRpo[rpoSucc.to[e]!] === 0) cold = 0;
    }
    coldRpo[b] = cold;
    coldCount += cold;
  }

  let order = rpo;
  let finalNumber = number;
  let succ = rpoSucc;
  if (!quick || coldCount > 0) {
    order = work.i32(count);
    finalNumber = work.words(raw.nodeCount, NO_BLOCK);
    let at = 0;
    for (let wanted = 0; wanted <= 1; wanted++) {
      for (let i = 0; i < count; i++) {
        const b = contiguous[i]!;
        if (coldRpo[b] !== wanted) continue;
        finalNumber[rpo[b]!] = at;
        order[at++] = rpo[b]!;
      }
    }
    succ = successors(raw, order, finalNumber);
  }
  const pred = predecessors(work, succ, count);
  const loopDepth = work.i32(count);
  const cold = work.u8(count);
  const topological = work.i32(count);
  const irBlock = work.i32(count);
  for (let b = 0; b < count; b++) irBlock[b] = order[b]! < raw.irBlocks ? order[b]! : NO_BLOCK;
  for (let i = 0; i < count; i++) {
    const b = contiguous[i]!;
    const final = finalNumber[rpo[b]!]!;
    topological[i] = final;
    loopDepth[final] = depth[b]!;
    cold[final] = coldRpo[b]!;
  }
  return {
    blockCount: count,
    irBlock,
    succStart: succ.start,
    succ: succ.to,
    edgeCall: succ.call,
    predStart: pred.start,
    pred: pred.to,
    predEdge: pred.edge,
    loopDepth,
    cold,
    tableEdge: raw.tableEdge,
    topological,
  };
}

/** Block calls keep their type when they come out of a column. */
export function blockCallOf(graph: BlockGraph, edge: number): BlockCall {
  return entity<Entity<"BlockCall">>(graph.edgeCall[edge]!);
}
