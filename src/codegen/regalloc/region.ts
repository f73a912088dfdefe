/**
 * Splitting around calls that run less often than the uses: a call on one of two paths in a loop should cost something on that path only.
 *
 * One register is chosen for those blocks, or parts of blocks, in which it is free and worth having; the rest is in memory. Whether the
 * border between two blocks is in the register is decided per group of edges that meet, by weighing what the blocks on both sides
 * want; a block that the value only passes wants the same on both of its borders. Changes spread until nothing moves.
 */
// hot loop: indices are in range by construction

import type { F64Column, I32Column, U8Column } from "../../base/columns.ts";
import type { Assigner } from "./assign.ts";
import { type Bundles, firstUseAt, measure, NEED_COST, SPILLED } from "./bundles.ts";
import { carve } from "./carve.ts";
import { OperandKind, RegClass } from "./interface.ts";
import { CLEAR, Footprint } from "./interference.ts";
import { isDef, Need, NONE, type Problem } from "./problem.ts";
import type { Ranges } from "./ranges.ts";

/** Steps in which borders settle, per block that links two. */
const STEPS_PER_LINK = 16;
/** Share of a bundle's costs that a region must save. */
const GOOD_SHARE = 0.75;
/** Cost of a reload, where a use in memory of an operand that needs a register costs 1.5. */
const RELOAD_COST = 1;
/** Registers for which a region is worked out in full. */
const CANDIDATES = 4;
/** Calls that run more often than this share of the hottest use are not worth going around. */
const RARE_CALLS = 0.5;

const NO_INTS = new Int32Array();
const NO_DOUBLES = new Float64Array();

export class RegionSplitter {
  private readonly assigner: Assigner;
  private readonly problem: Problem;
  private readonly ranges: Ranges;
  private readonly bundles: Bundles;
  private footprint: Footprint | undefined;
  /** Steps that may be taken in all. */
  private readonly budget: number;

  /** Uses of the bundle in hand: what needs a register (hard), and what would like one. */
  private readonly itemPoint: I32Column;
  private readonly itemEnd: I32Column;
  private readonly itemHard: U8Column;
  private readonly itemCost: F64Column;
  /** Items of footprint entry k: entryItems[k] to entryItems[k + 1] - 1. */
  private readonly entryItems: I32Column;
  private totalCost = 0;
  private definitionCost = 0;
  private hottest = 0;

  /** Parts to cut out: [from, to) and the new bundle they go to, ascending. */
  private readonly segFrom: I32Column;
  private readonly segTo: I32Column;
  private readonly segBundle: I32Column;
  /** The region's segments while clusters are put between them. */
  private readonly regionFrom: I32Column;
  private readonly regionTo: I32Column;
  private readonly candidate: Int32Array;
  private readonly candidateBound: Float64Array;

  /** Group of edges at each block's start and end. */
  private groupIn: Int32Array = NO_INTS;
  private groupOut: Int32Array = NO_INTS;
  private bias: Float64Array = NO_DOUBLES;
  /** 1: in the register; -1: in memory; 0: either. */
  private settled: Int32Array = NO_INTS;
  private linkHead: Int32Array = NO_INTS;
  private readonly linkNext: I32Column;
  private readonly linkBlock: I32Column;
  private readonly queue: I32Column;

  constructor(assigner: Assigner) {
    this.assigner = assigner;
    this.problem = assigner.problem;
    this.ranges = assigner.ranges;
    this.bundles = assigner.bundles;
    const { work, input } = assigner.problem;
    this.budget = 100_000 + 100 * input.instCount;
    this.itemPoint = work.column();
    this.itemEnd = work.column();
    this.itemHard = work.byteColumn();
    this.itemCost = work.doubleColumn();
    this.entryItems = work.column();
    this.segFrom = work.column();
    this.segTo = work.column();
    this.segBundle = work.column();
    this.regionFrom = work.column();
    this.regionTo = work.column();
    this.candidate = work.i32(CANDIDATES);
    this.candidateBound = work.f64(CANDIDATES);
    this.linkNext = work.column();
    this.linkBlock = work.column();
    this.queue = work.column();
  }

  /** Cuts b, which crosses calls and got no register, if the calls are rare beside its uses and a register serves most of them. */
  split(b: number): boolean {
    this.collectItems(b);
    if (this.itemPoint.length < 2 || this.callFrequency(b) > RARE_CALLS * this.hottest) return false;
    this.footprint ??= new Footprint(this.problem, this.ranges, this.bundles, this.assigner.occupancy);
    const { footprint } = this;
    if (footprint.work >= this.budget) return false;
    footprint.measure(b);
    this.fillEntries(footprint);
    const region = this.bestRegion(b, footprint);
    if (region === NONE || this.bestSaved < GOOD_SHARE * this.totalCost) return false;
    this.splitByRegion(b, region, footprint);
    return true;
  }

  /** How often calls run that b crosses, in all. */
  private callFrequency(b: number): number {
    const { problem, ranges } = this;
    const calls = problem.callInsts[this.bundles.regClass.data[b]!]!;
    const limit = RARE_CALLS * this.hottest;
    let sum = 0;
    for (let r = this.bundles.first.data[b]!; r !== NONE && sum <= limit; r = ranges.next.data[r]!) {
      const to = ranges.to.data[r]!;
      let low = 0;
      let high = calls.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if ((calls[middle]! << 2) + 2 < ranges.from.data[r]!) low = middle + 1;
        else high = middle;
      }
      for (; low < calls.length && (calls[low]! << 2) + 2 < to && sum <= limit; low++)
        sum += problem.freq[problem.blockOf[calls[low]!]!]!;
    }
    return sum;
  }

  /** The bundle's uses in order. Uses at one instruction that overlap are one. */
  private collectItems(b: number): void {
    const { problem, ranges, itemPoint, itemEnd, itemHard, itemCost } = this;
    const { uses, useStart, opPoint, opNeed, opInst, blockOf, freq, input } = problem;
    itemPoint.length = 0;
    itemEnd.length = 0;
    itemHard.length = 0;
    itemCost.length = 0;
    this.totalCost = 0;
    this.definitionCost = 0;
    this.hottest = 0;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
      const v = ranges.vreg.data[r]!;
      const to = ranges.to.data[r]!;
      for (let u = firstUseAt(problem, v, ranges.from.data[r]!); u < useStart[v + 1]!; u++) {
        const o = uses[u]!;
        const point = opPoint[o]!;
        if (point >= to) break;
        const inst = opInst[o]!;
        const kind = input.operandKind[o]!;
        const need = opNeed[o]!;
        const cost = NEED_COST[need]! * freq[blockOf[inst]!]!;
        const base = inst << 2;
        const end = need === Need.none ? point + 1 : isDef(kind) || kind === OperandKind.lateUse ? base + 3 : base + 2;
        this.totalCost += cost;
        this.hottest = Math.max(this.hottest, freq[blockOf[inst]!]!);
        if (isDef(kind)) this.definitionCost += freq[blockOf[inst]!]!;
        const top = itemPoint.length - 1;
        if (top >= 0 && need === Need.reg && itemHard.data[top] === 1 && point < itemEnd.data[top]!) {
          if (end > itemEnd.data[top]!) itemEnd.data[top] = end;
          itemCost.data[top]! += cost;
          continue;
        }
        itemPoint.push(point);
        itemEnd.push(end);
        itemHard.push(need === Need.reg ? 1 : 0);
        itemCost.push(cost);
      }
    }
  }

  private fillEntries(footprint: Footprint): void {
    const { entryItems, itemPoint, problem } = this;
    entryItems.length = 0;
    let item = 0;
    for (let k = 0; k < footprint.length; k++) {
      entryItems.push(item);
      const end = problem.input.blockStart[footprint.block.data[k]! + 1]! << 2;
      while (item < itemPoint.length && itemPoint.data[item]! < end) item++;
    }
    entryItems.push(item);
  }

  private clearSegments(): void {
    this.segFrom.length = 0;
    this.segTo.length = 0;
    this.segBundle.length = 0;
  }

  private addSegment(from: number, to: number, bundle: number): void {
    const top = this.segFrom.length - 1;
    if (top >= 0 && this.segTo.data[top] === from && this.segBundle.data[top] === bundle) {
      this.segTo.data[top] = to;
      return;
    }
    this.segFrom.push(from);
    this.segTo.push(to);
    this.segBundle.push(bundle);
  }

  /** Groups of edges: the ends of blocks and the starts of their successors are one border. */
  private findGroups(): void {
    const { blockCount, succStart, succ } = this.problem.input;
    const { work } = this.problem;
    const parent = work.i32(2 * blockCount);
    for (let k = 0; k < parent.length; k++) parent[k] = k;
    const find = (k: number): number => {
      let at = k;
      while (parent[at] !== at) {
        parent[at] = parent[parent[at]!]!;
        at = parent[at]!;
      }
      return at;
    };
    for (let b = 0; b < blockCount; b++)
      for (let e = succStart[b]!; e < succStart[b + 1]!; e++) parent[find(2 * succ[e]!)] = find(2 * b + 1);
    this.groupIn = work.i32(blockCount);
    this.groupOut = work.i32(blockCount);
    for (let b = 0; b < blockCount; b++) {
      this.groupIn[b] = find(2 * b);
      this.groupOut[b] = find(2 * b + 1);
    }
    this.bias = work.f64(parent.length);
    this.settled = work.i32(parent.length);
    this.linkHead = work.i32(parent.length);
  }

  /** What the best region would save, in the unit of `totalCost`; set by `bestRegion`. */
  private bestSaved = 0;

  /** The register with the best region for b, or NONE if no region pays. */
  private bestRegion(b: number, footprint: Footprint): number {
    const { input } = this.problem;
    if (this.groupIn.length === 0) this.findGroups();
    const registers = this.bundles.regClass.data[b] === RegClass.int ? input.allocatableInt : input.allocatableFloat;
    this.assigner.scoreHints(b);
    // The registers that promise most, best first.
    const { candidate, candidateBound } = this;
    let bestGain = this.definitionCost * RELOAD_COST * 0.5;
    let count = 0;
    for (let k = 0; k < registers.length; k++) {
      if (footprint.work >= this.budget) break;
      const preg = registers[k]!;
      footprint.scan(b, preg);
      const bound = this.withHint(this.savingsBound(footprint), preg);
      if (bound <= bestGain) continue;
      if (count === CANDIDATES && candidateBound[CANDIDATES - 1]! >= bound) continue;
      let at = count < CANDIDATES ? count++ : CANDIDATES - 1;
      while (at > 0 && candidateBound[at - 1]! < bound) {
        candidate[at] = candidate[at - 1]!;
        candidateBound[at] = candidateBound[at - 1]!;
        at--;
      }
      candidate[at] = preg;
      candidateBound[at] = bound;
    }
    let best = NONE;
    this.bestSaved = 0;
    for (let k = 0; k < count; k++) {
      if (candidateBound[k]! <= bestGain) break;
      const preg = candidate[k]!;
      footprint.scan(b, preg);
      this.settle(footprint);
      this.clearSegments();
      const saved = this.regionSegments(NONE, footprint);
      const gain = this.withHint(saved, preg);
      if (gain > bestGain) {
        best = preg;
        bestGain = gain;
        this.bestSaved = saved;
      }
    }
    return best;
  }

  /** A hint is worth a quarter of the moves that it saves, and at most a quarter of the rest. */
  private withHint(saved: number, preg: number): number {
    return saved + 0.25 * Math.min(saved, this.assigner.score[preg]!);
  }

  /** The most that a region in the register that was scanned could save. */
  private savingsBound(footprint: Footprint): number {
    const { entryItems, itemPoint, itemEnd, itemCost } = this;
    const first = footprint.first.data;
    const last = footprint.last.data;
    let bound = 0;
    for (let k = 0; k < footprint.length; k++) {
      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++)
        if (itemEnd.data[n]! <= first[k]! || itemPoint.data[n]! >= last[k]!) bound += itemCost.data[n]!;
    }
    return bound;
  }

  /** Decides for each border whether the register is worth having there: `settled` > 0. */
  private settle(footprint: Footprint): void {
    const { bias, settled, groupIn, groupOut, problem } = this;
    const { freq, input } = problem;
    const { blockStart } = input;
    const count = footprint.length;
    const blocks = footprint.block.data;
    const liveIn = footprint.liveIn.data;
    const liveOut = footprint.liveOut.data;
    const firsts = footprint.first.data;
    const lasts = footprint.last.data;
    const entryItems = this.entryItems.data;
    for (let k = 0; k < count; k++) {
      const block = blocks[k]!;
      bias[groupIn[block]!] = 0;
      bias[groupOut[block]!] = 0;
    }
    let links = 0;
    for (let k = 0; k < count; k++) {
      const block = blocks[k]!;
      const f = freq[block]!;
      const first = firsts[k]!;
      const firstItem = entryItems[k]!;
      const lastItem = entryItems[k + 1]! - 1;
      if (first === CLEAR) {
        if (firstItem > lastItem) {
          if (liveIn[k] !== 0 && liveOut[k] !== 0) links++;
          continue;
        }
        if (liveIn[k] !== 0) bias[groupIn[block]!]! += f;
        if (liveOut[k] !== 0) bias[groupOut[block]!]! += f;
        continue;
      }
      if (liveIn[k] !== 0) {
        const g = groupIn[block]!;
        if (first <= (blockStart[block]! << 2) + 1) bias[g] = Number.NEGATIVE_INFINITY;
        else if (firstItem <= lastItem && this.itemEnd.data[firstItem]! <= first) bias[g]! += f;
        else bias[g]! -= f;
      }
      if (liveOut[k] !== 0) {
        const g = groupOut[block]!;
        if (lasts[k]! > (blockStart[block + 1]! << 2) - 3) bias[g] = Number.NEGATIVE_INFINITY;
        else if (firstItem <= lastItem && this.itemPoint.data[lastItem]! >= lasts[k]!) bias[g]! += f;
        else bias[g]! -= f;
      }
    }
    // Without links the decisions stand alone. With them a border that would rather be in memory waits for what its neighbours say.
    const reluctant = links > 0 ? 0 : -1;
    for (let k = 0; k < count; k++) {
      const gIn = groupIn[blocks[k]!]!;
      const gOut = groupOut[blocks[k]!]!;
      settled[gIn] = bias[gIn]! > 0 ? 1 : bias[gIn] === Number.NEGATIVE_INFINITY ? -1 : reluctant;
      settled[gOut] = bias[gOut]! > 0 ? 1 : bias[gOut] === Number.NEGATIVE_INFINITY ? -1 : reluctant;
    }
    footprint.work += 2 * count;
    if (links > 0) this.settleLinks(footprint);
  }

  /**
   * Blocks that the value only passes, free of interference: both borders want the same. Changes spread along them until none is left;
   * `bias` becomes each border's sum.
   */
  private settleLinks(footprint: Footprint): void {
    const { bias, settled, groupIn, groupOut, problem, linkHead } = this;
    const { freq } = problem;
    const count = footprint.length;
    const { linkNext, linkBlock, queue } = this;
    linkNext.length = 0;
    linkBlock.length = 0;
    queue.length = 0;
    const blocks = footprint.block.data;
    for (let k = 0; k < count; k++) {
      linkHead[groupIn[blocks[k]!]!] = NONE;
      linkHead[groupOut[blocks[k]!]!] = NONE;
      queue.push(groupIn[blocks[k]!]!);
      queue.push(groupOut[blocks[k]!]!);
    }
    const isLink = (k: number): boolean =>
      footprint.first.data[k] === CLEAR &&
      this.entryItems.data[k] === this.entryItems.data[k + 1] &&
      footprint.liveIn.data[k] !== 0 &&
      footprint.liveOut.data[k] !== 0;
    for (let k = 0; k < count; k++) {
      if (!isLink(k)) continue;
      const block = blocks[k]!;
      const gIn = groupIn[block]!;
      const gOut = groupOut[block]!;
      linkBlock.push(block);
      linkNext.push(linkHead[gIn]!);
      linkHead[gIn] = linkNext.length - 1;
      linkBlock.push(block);
      linkNext.push(linkHead[gOut]!);
      linkHead[gOut] = linkNext.length - 1;
    }
    const link = linkNext.length;
    // All sums first, from the first decisions.
    for (let n = 0; n < link; n += 2) {
      const block = linkBlock.data[n]!;
      const gIn = groupIn[block]!;
      const gOut = groupOut[block]!;
      bias[gIn]! += freq[block]! * settled[gOut]!;
      bias[gOut]! += freq[block]! * settled[gIn]!;
    }
    let steps = 0;
    const limit = STEPS_PER_LINK * link;
    for (let at = 0; at < queue.length && steps < limit; at++) {
      const g = queue.data[at]!;
      const wants = Math.sign(bias[g]!);
      const delta = wants - settled[g]!;
      if (delta === 0) continue;
      settled[g] = wants;
      for (let n = linkHead[g]!; n !== NONE; n = linkNext.data[n]!) {
        steps++;
        const block = linkBlock.data[n]!;
        const other = groupIn[block] === g ? groupOut[block]! : groupIn[block]!;
        bias[other]! += freq[block]! * delta;
        if (Math.sign(bias[other]!) !== settled[other]) queue.push(other);
      }
    }
    footprint.work += count + 2 * link + steps;
  }

  /** Adds the segments of the settled region for `target`; returns what they save. */
  private regionSegments(target: number, footprint: Footprint): number {
    const { settled, groupIn, groupOut, problem, itemPoint, itemEnd, itemHard, itemCost, entryItems } = this;
    const { freq, input } = problem;
    let saved = 0;
    for (let k = 0; k < footprint.length; k++) {
      const block = footprint.block.data[k]!;
      const f = freq[block]!;
      const start = input.blockStart[block]! << 2;
      const end = input.blockStart[block + 1]! << 2;
      // A value that begins or ends in the block needs no reload or store at that side.
      const born = footprint.liveIn.data[k] === 0;
      const inReg = born || settled[groupIn[block]!]! > 0;
      const outReg = footprint.liveOut.data[k] === 0 || settled[groupOut[block]!]! > 0;
      const free = footprint.first.data[k] === CLEAR;
      const first = free ? end : footprint.first.data[k]!;
      let last = free ? end : footprint.last.data[k]!;
      if (!free && (last & 1) === 0 && last < end) last++;

      // Up to the interference.
      let headFrom = NONE;
      let headTo = NONE;
      let tailFrom = NONE;
      let tailTo = NONE;
      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++) {
        if (itemHard.data[n] === 0) continue;
        if (itemEnd.data[n]! <= first) {
          if (headFrom === NONE) headFrom = itemPoint.data[n]!;
          headTo = itemEnd.data[n]!;
        } else if (!free && itemPoint.data[n]! >= last) {
          if (tailFrom === NONE) tailFrom = itemPoint.data[n]!;
          tailTo = itemEnd.data[n]!;
        }
      }
      if (free && inReg && outReg && (headFrom !== NONE || !born || footprint.liveOut.data[k] !== 0)) {
        headFrom = start;
        headTo = end;
      } else if (headFrom !== NONE) {
        if (inReg) headFrom = start;
        else saved -= f * RELOAD_COST;
        if (free && outReg) headTo = end;
      } else if (free && inReg && outReg) {
        headFrom = start;
        headTo = end;
      } else if (free && outReg && !inReg) saved -= f * RELOAD_COST;
      if (!free && outReg) {
        if (tailFrom !== NONE) {
          tailTo = end;
          saved -= f * RELOAD_COST;
        } else if (footprint.liveOut.data[k] !== 0 && last < end) {
          tailFrom = last;
          tailTo = end;
          saved -= f * RELOAD_COST;
        }
      } else if (tailFrom !== NONE) saved -= f * RELOAD_COST;

      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++) {
        const point = itemPoint.data[n]!;
        const inHead = headFrom !== NONE && point >= headFrom && itemEnd.data[n]! <= headTo;
        if (inHead || (tailFrom !== NONE && point >= tailFrom && point < tailTo)) saved += itemCost.data[n]!;
      }
      if (target === NONE) continue;
      if (headFrom !== NONE) this.addSegment(headFrom, headTo, target);
      if (tailFrom !== NONE) this.addSegment(tailFrom, tailTo, target);
    }
    return saved;
  }

  private newBundle(b: number): number {
    const { bundles } = this;
    // Cut at gaps, if at all: this way and loops are behind.
    return bundles.add(NONE, bundles.family.data[b]!, bundles.regClass.data[b]!, bundles.depth.data[b]! + 1);
  }

  /** One part in `preg`; what it leaves that needs a register, by block; the rest in memory. */
  private splitByRegion(b: number, preg: number, footprint: Footprint): void {
    const { problem, ranges, bundles, itemPoint, itemEnd, itemHard, entryItems, segTo, regionFrom, regionTo } = this;
    footprint.scan(b, preg);
    this.settle(footprint);
    this.clearSegments();
    const region = this.newBundle(b);
    this.regionSegments(region, footprint);

    // Uses outside: clusters between the region's segments, block by block.
    const count = this.segFrom.length;
    regionFrom.length = 0;
    regionTo.length = 0;
    for (let k = 0; k < count; k++) {
      regionFrom.push(this.segFrom.data[k]!);
      regionTo.push(segTo.data[k]!);
    }
    this.clearSegments();
    const firstCluster = bundles.length;
    let seg = 0;
    for (let k = 0; k < footprint.length; k++) {
      let cluster = NONE;
      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++) {
        if (itemHard.data[n] === 0) continue;
        const point = itemPoint.data[n]!;
        while (seg < count && regionTo.data[seg]! <= point) {
          this.addSegment(regionFrom.data[seg]!, regionTo.data[seg]!, region);
          cluster = NONE;
          seg++;
        }
        if (seg < count && regionFrom.data[seg]! <= point) continue;
        if (cluster === NONE) {
          cluster = this.newBundle(b);
          this.addSegment(point, itemEnd.data[n]!, cluster);
        } else segTo.data[segTo.length - 1] = itemEnd.data[n]!;
      }
    }
    for (; seg < count; seg++) this.addSegment(regionFrom.data[seg]!, regionTo.data[seg]!, region);
    const lastCluster = bundles.length;
    carve(ranges, bundles, b, this.segFrom, segTo, this.segBundle);
    bundles.place.data[b] = SPILLED;
    measure(problem, ranges, bundles, region);
    this.assigner.assign(region, preg);
    for (let c = firstCluster; c < lastCluster; c++) {
      measure(problem, ranges, bundles, c);
      this.assigner.enqueue(c);
    }
  }
}
