/**
 * Cuts bundles that got no register into smaller ones.
 *
 * A bundle is cut where memory costs least, in this order. At loops: each loop in which it is used becomes a piece of its own, so that
 * it is loaded once before the loop; so does each run of uses between loops. Around calls on paths that run less often than the uses: see region.ts. At calls: one piece for the uses between two calls. At
 * the widest gaps between uses, a few times. At last, one piece per operand. Pieces go back to the queue; what lies between
 * them is in memory. Pieces that meet at a block border or reach from one iteration to the next stay joined by their hints.
 */
// hot loop: indices are in range by construction

import type { I32Column, U8Column } from "../../base/columns.ts";
import type { Assigner } from "./assign.ts";
import { firstUseAt, MINIMAL_WEIGHT, measure, SPILLED } from "./bundles.ts";
import { carve } from "./carve.ts";
import { LoopTree } from "./loops.ts";
import { isDef, Need, NONE, useEnd } from "./problem.ts";
import { RegionSplitter } from "./region.ts";
import type { Workspace } from "../../base/workspace.ts";

/** How often a bundle is cut at gaps before it falls to single operands. */
const MAX_GAP_CUTS = 5;
/** Points below which a gap is not worth a cut. */
const MIN_GAP = 8;

/** A bundle's operands, ascending. */
class Events {
  readonly point: I32Column;
  /** Up to which the operand holds the place. */
  readonly end: I32Column;
  readonly need: U8Column;
  readonly block: I32Column;
  /** 1: a piece may begin here. */
  readonly start: U8Column;

  constructor(work: Workspace) {
    this.point = work.column();
    this.end = work.column();
    this.need = work.byteColumn();
    this.block = work.column();
    this.start = work.byteColumn();
  }

  clear(): void {
    this.point.length = 0;
    this.end.length = 0;
    this.need.length = 0;
    this.block.length = 0;
    this.start.length = 0;
  }
}

export class Splitter {
  readonly assigner: Assigner;
  private readonly loops: LoopTree;
  private readonly events: Events;
  private readonly regions: RegionSplitter;
  /** Pieces to cut out, ascending: [from, to), and what its operands weigh: 2 for one that needs a register, 1 for others. */
  private readonly segFrom: I32Column;
  private readonly segTo: I32Column;
  private readonly segBundle: I32Column;
  private readonly segUses: I32Column;
  /** 1: a loop as a whole, not a run of uses. */
  private readonly segLoop: U8Column;
  private bFrom = 0;
  private bTo = 0;

  constructor(assigner: Assigner) {
    this.assigner = assigner;
    const { input, work } = assigner.problem;
    this.loops = new LoopTree(input, work);
    this.events = new Events(work);
    this.regions = new RegionSplitter(assigner);
    this.segFrom = work.column();
    this.segTo = work.column();
    this.segBundle = work.column();
    this.segUses = work.column();
    this.segLoop = work.byteColumn();
  }

  /** Cuts b, which got no register, places what is left of it in memory and enqueues its pieces. */
  split(b: number): void {
    const { bundles, problem, ranges } = this.assigner;
    this.collect(b);
    this.clear();
    const regClass = bundles.regClass.data[b]!;
    let depth = bundles.depth.data[b]!;
    if (this.events.point.length > 0 && depth < MAX_GAP_CUTS) {
      const calls = problem.callInsts[regClass]!;
      if (bundles.crossed.data[b] !== 0 && this.regions.split(b)) return;
      this.cutLoops(calls);
      if (this.isWhole() && bundles.crossed.data[b] !== 0) this.cutCalls(calls);
      if (this.isWhole()) {
        this.cutGaps();
        depth++;
      }
      this.dropWeak();
    }
    const minimal = this.isWhole();
    if (minimal) this.cutOperands();
    const first = bundles.length;
    this.segBundle.length = 0;
    for (let k = 0; k < this.segFrom.length; k++)
      this.segBundle.push(bundles.add(NONE, bundles.family.data[b]!, regClass, depth));
    carve(ranges, bundles, b, this.segFrom, this.segTo, this.segBundle);
    bundles.place.data[b] = SPILLED;
    for (let piece = first; piece < bundles.length; piece++) {
      measure(problem, ranges, bundles, piece);
      if (minimal) bundles.weight.data[piece] = MINIMAL_WEIGHT * bundles.size.data[piece]!;
      this.assigner.enqueue(piece);
    }
  }

  private clear(): void {
    this.segFrom.length = 0;
    this.segTo.length = 0;
    this.segUses.length = 0;
    this.segLoop.length = 0;
  }

  /** True if nothing was found to cut. */
  private isWhole(): boolean {
    const count = this.segFrom.length;
    if (count === 0) return true;
    return count === 1 && this.segFrom.data[0]! <= this.bFrom && this.segTo.data[0]! >= this.bTo;
  }

  /** Begins a piece with event k. */
  private open(from: number, to: number, isLoop: number, k: number): void {
    this.segFrom.push(from);
    this.segTo.push(to);
    this.segUses.push(this.events.need.data[k] === Need.reg ? 2 : 1);
    this.segLoop.push(isLoop);
  }

  /** Makes event k part of the last piece. */
  private extend(k: number): void {
    const top = this.segFrom.length - 1;
    const end = this.events.end.data[k]!;
    if (end > this.segTo.data[top]!) this.segTo.data[top] = end;
    this.segUses.data[top]! += this.events.need.data[k] === Need.reg ? 2 : 1;
  }

  private collect(b: number): void {
    const { problem, ranges, bundles } = this.assigner;
    const { uses, useStart, opPoint, opNeed, blockOf, opInst, input, remat } = problem;
    const { point, end, need, block, start } = this.events;
    this.events.clear();
    let to = 0;
    const first = bundles.first.data[b]!;
    this.bFrom = ranges.from.data[first]!;
    for (let r = first; r !== NONE; r = ranges.next.data[r]!) {
      const v = ranges.vreg.data[r]!;
      to = ranges.to.data[r]!;
      for (let u = firstUseAt(problem, v, ranges.from.data[r]!); u < useStart[v + 1]!; u++) {
        const o = uses[u]!;
        const at = opPoint[o]!;
        if (at >= to) break;
        const base = opInst[o]! << 2;
        const isDefinition = isDef(input.operandKind[o]!);
        // A definition that is made again elsewhere is not needed here.
        if (isDefinition && remat[v] !== NONE) continue;
        point.push(at);
        end.push(isDefinition ? Math.max(base + 3, at + 2) : useEnd(problem, o));
        need.push(opNeed[o]!);
        const home = blockOf[opInst[o]!]!;
        block.push(home);
        start.push(isDefinition || (at & 1) !== 0 || at === input.blockStart[home]! << 2 ? 1 : 0);
      }
    }
    this.bTo = to;
  }

  /** A piece for each loop with uses, one level below the innermost that holds the bundle, and for each run of uses between. */
  private cutLoops(calls: Int32Array): void {
    const { loops, segFrom, segTo, segLoop } = this;
    const { blockOf } = this.assigner.problem;
    const { point, end, block, start } = this.events;
    const region = loops.common(blockOf[this.bFrom >> 2]!, blockOf[(this.bTo - 1) >> 2]!);
    let lastLoop = NONE;
    for (let k = 0; k < point.length; k++) {
      const loop = loops.childAt(region, block.data[k]!);
      const top = segFrom.length - 1;
      const at = point.data[k]!;
      if (loop !== region) {
        if (loop === lastLoop) this.extend(k);
        else {
          const from = Math.max(this.bFrom, loops.from.data[loop]!);
          this.open(from, Math.min(this.bTo, loops.to.data[loop]!), 1, k);
        }
      } else if (top >= 0 && segLoop.data[top] === 0 && !loops.hasChildIn(region, segTo.data[top]!, at)) this.extend(k);
      else if (start.data[k] === 1) this.open(at, end.data[k]!, 0, k);
      lastLoop = loop;
    }
    // Runs reach to the loops beside them and to the bundle's ends unless a call lies between.
    const count = segFrom.length;
    for (let k = 0; k < count; k++) {
      if (segLoop.data[k] === 1) continue;
      const before = k === 0 ? this.bFrom : segTo.data[k - 1]!;
      if ((k === 0 || segLoop.data[k - 1] === 1) && !callWithin(calls, before, segFrom.data[k]!))
        segFrom.data[k] = before;
      const after = k === count - 1 ? this.bTo : segFrom.data[k + 1]!;
      if ((k === count - 1 || segLoop.data[k + 1] === 1) && !callWithin(calls, segTo.data[k]!, after))
        segTo.data[k] = after;
    }
  }

  /** A piece for each run of uses between calls. */
  private cutCalls(calls: Int32Array): void {
    this.clear();
    const { segFrom, segTo } = this;
    const { point, end, start } = this.events;
    for (let k = 0; k < point.length; k++) {
      const top = segFrom.length - 1;
      const at = point.data[k]!;
      if (top >= 0 && !callWithin(calls, segTo.data[top]!, at)) this.extend(k);
      else if (start.data[k] === 1) this.open(at, end.data[k]!, 0, k);
    }
    const last = segFrom.length - 1;
    if (last < 0) return;
    if (!callWithin(calls, this.bFrom, segFrom.data[0]!)) segFrom.data[0] = this.bFrom;
    if (!callWithin(calls, segTo.data[last]!, this.bTo)) segTo.data[last] = this.bTo;
  }

  /** Pieces between the gaps that are at least half as wide as the widest. */
  private cutGaps(): void {
    this.clear();
    const { segFrom, segTo } = this;
    const { point, end, start } = this.events;
    const count = point.length;
    let widest = MIN_GAP;
    let at = this.bFrom;
    for (let k = 0; k < count; k++) {
      widest = Math.max(widest, point.data[k]! - at);
      at = Math.max(at, end.data[k]!);
    }
    widest = Math.max(widest, this.bTo - at);
    const wide = Math.max(MIN_GAP, widest / 2);
    at = this.bFrom;
    let inside = false;
    for (let k = 0; k < count; k++) {
      const from = point.data[k]!;
      if (inside && from - at < wide) this.extend(k);
      else if (k === 0 && from - at < wide) {
        this.open(at, end.data[k]!, 0, k);
        inside = true;
      } else if (start.data[k] === 1) {
        this.open(from, end.data[k]!, 0, k);
        inside = true;
      } else inside = false;
      at = Math.max(at, end.data[k]!);
    }
    if (inside && this.bTo - at < wide) segTo.data[segFrom.length - 1] = this.bTo;
  }

  /** Leaves out runs of one operand that memory serves as well. */
  private dropWeak(): void {
    const { segFrom, segTo, segUses, segLoop } = this;
    let kept = 0;
    for (let k = 0; k < segFrom.length; k++) {
      if (segUses.data[k]! < 2 && segLoop.data[k] === 0) continue;
      segFrom.data[kept] = segFrom.data[k]!;
      segTo.data[kept] = segTo.data[k]!;
      kept++;
    }
    segFrom.length = kept;
    segTo.length = kept;
  }

  /** The smallest pieces: one per operand that needs a register. */
  private cutOperands(): void {
    this.clear();
    const { point, end, need } = this.events;
    for (let k = 0; k < point.length; k++) {
      if (need.data[k] !== Need.reg) continue;
      const top = this.segFrom.length - 1;
      if (top >= 0 && point.data[k]! < this.segTo.data[top]!) this.extend(k);
      else this.open(point.data[k]!, end.data[k]!, 0, k);
    }
  }
}

/** True if one of `calls` destroys registers within [from, to). */
function callWithin(calls: Int32Array, from: number, to: number): boolean {
  let low = 0;
  let high = calls.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((calls[middle]! << 2) + 2 < from) low = middle + 1;
    else high = middle;
  }
  return low < calls.length && (calls[low]! << 2) + 2 < to;
}
