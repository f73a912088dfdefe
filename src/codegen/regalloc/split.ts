/**
 * Splitting: what becomes of a bundle that found no register for all of its length.
 *
 * Four ways to cut, the first that pays:
 *
 * - by region: one register for those blocks, or parts of blocks, in which it is free and worth having; the rest in memory. Whether a block's
 *   border is in the register is decided per group of edges that meet, by weighing what blocks on both sides want, as in a spring
 *   network: a few rounds settle it. Calls on a cold path thus cost something on that path only.
 * - by frequency: the hottest loops get bundles of their own, which weigh more than before and compete again; the rest goes on alone.
 * - by block: a bundle per block, from the first use that needs a register to the last.
 * - within a block: as few stretches as possible, each in the register that stays free longest; a single use that fits nowhere becomes
 *   a minimal piece, which takes a register by force.
 *
 * Between the parts the value is in memory. Cuts lie at block borders, at early or after points, or behind a use if memory follows.
 */
// hot loop: indices are in range by construction

import { I32Column, U8Column } from "../../base/columns.ts";
import type { Assigner } from "./assign.ts";
import {
  type Bundles,
  F64Column,
  firstUseAt,
  MINIMAL_WEIGHT,
  measure,
  NEED_COST,
  needsRegister,
  SPILLED,
} from "./bundles.ts";
import { OperandKind, RegClass } from "./interface.ts";
import { CLEAR, Footprint } from "./interference.ts";
import { isDef, Need, NONE, type Problem } from "./problem.ts";
import type { Ranges } from "./ranges.ts";

/** Bundles cut this often are cut by block. */
const MAX_DEPTH = 6;
/** Rounds in which borders settle. */
const ROUNDS = 6;
/** Share of a bundle's costs that a region must save to be taken before cutting by frequency. */
const GOOD_SHARE = 0.75;
/** Cost of a reload, where a use in memory of an operand that needs a register costs 1.5. */
const RELOAD_COST = 1;

export class Splitter {
  private readonly assigner: Assigner;
  private readonly problem: Problem;
  private readonly ranges: Ranges;
  private readonly bundles: Bundles;
  private readonly footprint: Footprint;
  /** Steps that region splitting may take in all. */
  private readonly budget: number;

  /** Uses of the bundle in hand: what needs a register (hard), and what would like one. */
  private readonly itemPoint = new I32Column(64);
  private readonly itemEnd = new I32Column(64);
  private readonly itemHard = new U8Column(64);
  private readonly itemCost = new F64Column();
  /** Items of footprint entry k: entryItems[k] to entryItems[k + 1] - 1. */
  private readonly entryItems = new I32Column(64);
  private totalCost = 0;
  private definitionCost = 0;

  /** Parts to cut out: [from, to) and the new bundle they go to, ascending. */
  private readonly segFrom = new I32Column(64);
  private readonly segTo = new I32Column(64);
  private readonly segBundle = new I32Column(64);

  /** Group of edges at each block's start and end. */
  private groupIn: Int32Array | undefined;
  private groupOut: Int32Array = new Int32Array(0);
  private bias = new Float64Array(0);
  private sum = new Float64Array(0);
  private settled = new Int8Array(0);

  constructor(assigner: Assigner) {
    this.assigner = assigner;
    this.problem = assigner.problem;
    this.ranges = assigner.ranges;
    this.bundles = assigner.bundles;
    this.footprint = new Footprint(this.problem, this.ranges, this.bundles, assigner.occupancy);
    this.budget = 100_000 + 400 * this.problem.input.instCount;
  }

  /** Steps taken so far, to see how the work grows. */
  get work(): number {
    return this.footprint.work;
  }

  /** Cuts b, which is nowhere; places or enqueues everything that comes of it. */
  split(b: number): void {
    const { footprint } = this;
    if (this.bundles.local.data[b] !== 0) {
      this.collectItems(b);
      this.splitWithinBlock(b);
      return;
    }
    footprint.measure(b);
    this.collectItems(b);
    this.fillEntries();
    if (footprint.length === 1 && footprint.liveIn.data[0] === 0 && footprint.liveOut.data[0] === 0) {
      this.splitWithinBlock(b);
      return;
    }
    const depth = this.bundles.depth.data[b]!;
    if (depth < MAX_DEPTH && footprint.work < this.budget) {
      const region = this.bestRegion(b);
      if (region !== NONE && this.bestSaved >= GOOD_SHARE * this.totalCost) {
        this.splitByRegion(b, region);
        return;
      }
      if (this.splitByFrequency(b)) return;
      if (region !== NONE) {
        this.splitByRegion(b, region);
        return;
      }
    }
    if (needsRegister(this.problem, this.ranges, this.bundles, b)) this.splitByBlock(b);
    else this.bundles.place.data[b] = SPILLED;
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
    this.footprint.work += itemPoint.length;
  }

  private fillEntries(): void {
    const { footprint, entryItems, itemPoint, problem } = this;
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

  private newBundle(b: number): number {
    const { bundles } = this;
    const depth = Math.min(255, bundles.depth.data[b]! + 1);
    return bundles.add(NONE, bundles.family.data[b]!, bundles.regClass.data[b]!, depth);
  }

  private finish(bundle: number): void {
    measure(this.problem, this.ranges, this.bundles, bundle);
  }

  /** Groups of edges: the ends of blocks and the starts of their successors are one border. */
  private findGroups(): void {
    const { blockCount, succStart, succ } = this.problem.input;
    const parent = new Int32Array(2 * blockCount);
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
    this.groupIn = new Int32Array(blockCount);
    this.groupOut = new Int32Array(blockCount);
    for (let b = 0; b < blockCount; b++) {
      this.groupIn[b] = find(2 * b);
      this.groupOut[b] = find(2 * b + 1);
    }
    this.bias = new Float64Array(parent.length);
    this.sum = new Float64Array(parent.length);
    this.settled = new Int8Array(parent.length);
  }

  /** What the best region would save, in the unit of `totalCost`; set by `bestRegion`. */
  private bestSaved = 0;

  /** The register with the best region for b, or NONE if no region pays. */
  private bestRegion(b: number): number {
    const { input } = this.problem;
    if (this.groupIn === undefined) this.findGroups();
    const registers = this.bundles.regClass.data[b] === RegClass.int ? input.allocatableInt : input.allocatableFloat;
    this.assigner.scoreHints(b);
    let best = NONE;
    let bestGain = this.definitionCost * RELOAD_COST * 0.5;
    this.bestSaved = 0;
    for (let k = 0; k < registers.length; k++) {
      const preg = registers[k]!;
      if (this.footprint.work >= this.budget) break;
      this.footprint.scan(b, preg);
      this.settle();
      this.clearSegments();
      const saved = this.regionSegments(NONE);
      const gain = saved + Math.min(saved * 0.25, 0.25 * this.assigner.score[preg]!);
      if (gain > bestGain) {
        best = preg;
        bestGain = gain;
        this.bestSaved = saved;
      }
    }
    return best;
  }

  /** Decides for each border whether the register is worth having there: `settled` > 0. */
  private settle(): void {
    const { footprint, bias, sum, settled, groupOut, problem } = this;
    const groupIn = this.groupIn ?? groupOut;
    const { freq, input } = problem;
    const count = footprint.length;
    for (let k = 0; k < count; k++) {
      const block = footprint.block.data[k]!;
      bias[groupIn[block]!] = 0;
      bias[groupOut[block]!] = 0;
    }
    for (let k = 0; k < count; k++) {
      const block = footprint.block.data[k]!;
      const f = freq[block]!;
      const first = footprint.first.data[k]!;
      const firstItem = this.entryItems.data[k]!;
      const lastItem = this.entryItems.data[k + 1]! - 1;
      const used = firstItem <= lastItem;
      if (footprint.liveIn.data[k] !== 0) {
        const g = groupIn[block]!;
        if (first === CLEAR) {
          if (used) bias[g]! += f;
        } else if (first <= (input.blockStart[block]! << 2) + 1) bias[g] = Number.NEGATIVE_INFINITY;
        else if (used && this.itemEnd.data[firstItem]! <= first) bias[g]! += f;
        else bias[g]! -= f;
      }
      if (footprint.liveOut.data[k] !== 0) {
        const g = groupOut[block]!;
        if (first === CLEAR) {
          if (used) bias[g]! += f;
        } else if (footprint.last.data[k]! > (input.blockStart[block + 1]! << 2) - 3)
          bias[g] = Number.NEGATIVE_INFINITY;
        else if (used && this.itemPoint.data[lastItem]! >= footprint.last.data[k]!) bias[g]! += f;
        else bias[g]! -= f;
      }
    }
    for (let k = 0; k < count; k++) {
      const block = footprint.block.data[k]!;
      settled[groupIn[block]!] = Math.sign(bias[groupIn[block]!]!);
      settled[groupOut[block]!] = Math.sign(bias[groupOut[block]!]!);
    }
    let rounds = 0;
    for (let changed = true; changed && rounds < ROUNDS; rounds++) {
      changed = false;
      for (let k = 0; k < count; k++) {
        const block = footprint.block.data[k]!;
        sum[groupIn[block]!] = bias[groupIn[block]!]!;
        sum[groupOut[block]!] = bias[groupOut[block]!]!;
      }
      for (let k = 0; k < count; k++) {
        // Free all through and unused: both borders want the same.
        if (footprint.first.data[k] !== CLEAR || this.entryItems.data[k]! < this.entryItems.data[k + 1]!) continue;
        if (footprint.liveIn.data[k] === 0 || footprint.liveOut.data[k] === 0) continue;
        const block = footprint.block.data[k]!;
        const gIn = groupIn[block]!;
        const gOut = groupOut[block]!;
        sum[gIn]! += freq[block]! * settled[gOut]!;
        sum[gOut]! += freq[block]! * settled[gIn]!;
      }
      for (let k = 0; k < count; k++) {
        const block = footprint.block.data[k]!;
        const gIn = groupIn[block]!;
        const gOut = groupOut[block]!;
        const wantIn = Math.sign(sum[gIn]!);
        const wantOut = Math.sign(sum[gOut]!);
        if (wantIn !== settled[gIn] || wantOut !== settled[gOut]) changed = true;
        settled[gIn] = wantIn;
        settled[gOut] = wantOut;
      }
    }
    footprint.work += count * (rounds + 3);
  }

  /** Adds the segments of the settled region for `target`; returns what they save. */
  private regionSegments(target: number): number {
    const { footprint, settled, groupOut, problem, itemPoint, itemEnd, itemHard, itemCost, entryItems } = this;
    const groupIn = this.groupIn ?? groupOut;
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

  /** One part in `preg`; what it leaves that needs a register, by block; the rest in memory. */
  private splitByRegion(b: number, preg: number): void {
    const { footprint, itemPoint, itemEnd, itemHard, entryItems } = this;
    footprint.scan(b, preg);
    this.settle();
    this.clearSegments();
    const region = this.newBundle(b);
    this.regionSegments(region);

    // Uses outside: clusters between the region's segments, block by block.
    const count = this.segFrom.length;
    const regionFrom = this.segFrom.data.slice(0, count);
    const regionTo = this.segTo.data.slice(0, count);
    this.clearSegments();
    const firstCluster = this.bundles.length;
    let seg = 0;
    for (let k = 0; k < footprint.length; k++) {
      let cluster = NONE;
      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++) {
        if (itemHard.data[n] === 0) continue;
        const point = itemPoint.data[n]!;
        while (seg < count && regionTo[seg]! <= point) {
          this.addSegment(regionFrom[seg]!, regionTo[seg]!, region);
          cluster = NONE;
          seg++;
        }
        if (seg < count && regionFrom[seg]! <= point) continue;
        if (cluster === NONE) {
          cluster = this.newBundle(b);
          this.bundles.local.data[cluster] = 1;
          this.addSegment(point, itemEnd.data[n]!, cluster);
        } else this.segTo.data[this.segTo.length - 1] = itemEnd.data[n]!;
      }
    }
    for (; seg < count; seg++) this.addSegment(regionFrom[seg]!, regionTo[seg]!, region);
    const lastCluster = this.bundles.length;
    this.carve(b);
    this.bundles.place.data[b] = SPILLED;
    this.finish(region);
    this.assigner.assign(region, preg);
    for (let c = firstCluster; c < lastCluster; c++) {
      this.finish(c);
      this.assigner.enqueue(c);
    }
  }

  /** The hottest blocks, run by run, apart from the rest. False if that would not cut anything. */
  private splitByFrequency(b: number): boolean {
    const { footprint, problem, entryItems } = this;
    const { freq, input } = problem;
    let hottest = 0;
    for (let k = 0; k < footprint.length; k++)
      if (entryItems.data[k]! < entryItems.data[k + 1]!) hottest = Math.max(hottest, freq[footprint.block.data[k]!]!);
    if (hottest === 0) return false;
    const threshold = hottest / 3;
    this.clearSegments();
    const firstPart = this.bundles.length;
    let cold = false;
    let part = NONE;
    let before = NONE;
    let used = false;
    let runs = 0;
    // A run without a use is no part: it is taken back.
    const close = (): void => {
      if (part !== NONE && !used) {
        this.segFrom.length--;
        this.segTo.length--;
        this.segBundle.length--;
        cold = true;
        runs--;
      }
      part = NONE;
    };
    for (let k = 0; k < footprint.length; k++) {
      const block = footprint.block.data[k]!;
      const start = input.blockStart[block]! << 2;
      const end = input.blockStart[block + 1]! << 2;
      if (freq[block]! < threshold) {
        cold = true;
        close();
        continue;
      }
      if (part === NONE || before !== block - 1) {
        close();
        part = NONE;
        runs++;
        used = false;
        part = this.newBundle(b);
        this.segFrom.push(start);
        this.segTo.push(end);
        this.segBundle.push(part);
      } else this.segTo.data[this.segTo.length - 1] = end;
      if (entryItems.data[k]! < entryItems.data[k + 1]!) used = true;
      before = block;
    }
    close();
    if (!cold && runs < 2) {
      // Nothing cut: the bundles made stay empty.
      for (let c = firstPart; c < this.bundles.length; c++) this.bundles.place.data[c] = SPILLED;
      return false;
    }
    this.carve(b);
    for (let c = firstPart; c < firstPart + (this.bundles.length - firstPart); c++) {
      if (this.bundles.first.data[c] === NONE) {
        this.bundles.place.data[c] = SPILLED;
        continue;
      }
      this.finish(c);
      this.assigner.enqueue(c);
    }
    this.bundles.place.data[b] = SPILLED;
    if (this.bundles.first.data[b] !== NONE) {
      this.bundles.depth.data[b] = Math.min(255, this.bundles.depth.data[b]! + 1);
      this.finish(b);
      if (this.bundles.weight.data[b]! > 0) {
        this.bundles.place.data[b] = NONE;
        this.assigner.enqueue(b);
      }
    }
    return true;
  }

  /** One part per block, from the first use that needs a register to the last. */
  private splitByBlock(b: number): void {
    const { footprint, entryItems, itemHard, itemPoint, itemEnd, problem } = this;
    this.clearSegments();
    const firstPart = this.bundles.length;
    for (let k = 0; k < footprint.length; k++) {
      let from = NONE;
      let to = NONE;
      for (let n = entryItems.data[k]!; n < entryItems.data[k + 1]!; n++) {
        if (itemHard.data[n] === 0) continue;
        if (from === NONE) from = itemPoint.data[n]!;
        to = itemEnd.data[n]!;
      }
      if (from === NONE) continue;
      const block = footprint.block.data[k]!;
      if (footprint.liveIn.data[k] === 0) from = problem.input.blockStart[block]! << 2;
      if (footprint.liveOut.data[k] === 0) to = problem.input.blockStart[block + 1]! << 2;
      const part = this.newBundle(b);
      this.bundles.local.data[part] = 1;
      this.addSegment(from, to, part);
    }
    const lastPart = this.bundles.length;
    this.carve(b);
    this.bundles.place.data[b] = SPILLED;
    for (let c = firstPart; c < lastPart; c++) {
      this.finish(c);
      this.assigner.enqueue(c);
    }
  }

  /** Stretches of uses, each in the register that is free longest from its first use on. */
  private splitWithinBlock(b: number): void {
    const { problem, ranges, bundles, footprint, itemPoint, itemEnd, itemHard } = this;
    const { input } = problem;
    const registers = bundles.regClass.data[b] === RegClass.int ? input.allocatableInt : input.allocatableFloat;
    this.clearSegments();
    let hard = 0;
    for (let n = 0; n < itemPoint.length; n++) {
      if (itemHard.data[n] === 0) continue;
      itemPoint.data[hard] = itemPoint.data[n]!;
      itemEnd.data[hard++] = itemEnd.data[n]!;
    }
    if (hard === 0) {
      bundles.place.data[b] = SPILLED;
      return;
    }
    const firstPart = bundles.length;
    const choice: number[] = [];
    let range = bundles.first.data[b]!;
    const limit = itemEnd.data[hard - 1]!;
    let n = 0;
    while (n < hard) {
      let from = itemPoint.data[n]!;
      while (range !== NONE && ranges.to.data[range]! <= from) range = ranges.next.data[range]!;
      if (n === 0 && range === bundles.first.data[b]) from = ranges.from.data[range]!;
      let best = NONE;
      let reach = n;
      for (let k = 0; k < registers.length && hard > 1; k++) {
        const preg = registers[k]!;
        const conflict = footprint.firstConflict(b, range, from, limit, preg);
        let m = n;
        if (conflict === CLEAR) m = hard;
        else if (conflict < limit) {
          // The first use that ends behind the conflict; uses ascend.
          let low = n;
          let high = hard;
          while (low < high) {
            const middle = (low + high) >>> 1;
            if (itemEnd.data[middle]! <= conflict) low = middle + 1;
            else high = middle;
          }
          m = low;
        }
        if (m > reach) {
          reach = m;
          best = preg;
        }
        if (m === hard) break;
      }
      const part = this.newBundle(b);
      bundles.local.data[part] = 1;
      if (reach < n + 2) {
        this.addSegment(itemPoint.data[n]!, itemEnd.data[n]!, part);
        choice.push(NONE);
        n++;
      } else {
        this.addSegment(from, itemEnd.data[reach - 1]!, part);
        choice.push(best);
        n = reach;
      }
    }
    this.carve(b);
    bundles.place.data[b] = SPILLED;
    for (let c = 0; c < choice.length; c++) {
      const part = firstPart + c;
      this.finish(part);
      if (choice[c] === NONE) {
        bundles.weight.data[part] = MINIMAL_WEIGHT * bundles.size.data[part]!;
        this.assigner.enqueue(part);
      } else this.assigner.assign(part, choice[c]!);
    }
  }

  /** Distributes the ranges of b over the bundles of the segments; what lies between stays in b. */
  private carve(b: number): void {
    const { ranges, bundles, segFrom, segTo, segBundle } = this;
    let range = bundles.first.data[b]!;
    let restTail = NONE;
    bundles.first.data[b] = NONE;
    let segment = 0;
    const tails = new Map<number, number>();
    while (range !== NONE) {
      const next = ranges.next.data[range]!;
      const to = ranges.to.data[range]!;
      const vreg = ranges.vreg.data[range]!;
      let at = ranges.from.data[range]!;
      let reuse = range;
      while (at < to) {
        while (segment < segFrom.length && segTo.data[segment]! <= at) segment++;
        const inside = segment < segFrom.length && segFrom.data[segment]! <= at;
        let end = to;
        if (inside) end = Math.min(to, segTo.data[segment]!);
        else if (segment < segFrom.length) end = Math.min(to, segFrom.data[segment]!);
        const piece = reuse === NONE ? ranges.add(at, end, vreg) : reuse;
        ranges.from.data[piece] = at;
        ranges.to.data[piece] = end;
        ranges.next.data[piece] = NONE;
        reuse = NONE;
        if (inside) {
          const target = segBundle.data[segment]!;
          ranges.bundle.data[piece] = target;
          const tail = tails.get(target);
          if (tail === undefined) bundles.first.data[target] = piece;
          else ranges.next.data[tail] = piece;
          tails.set(target, piece);
        } else {
          ranges.bundle.data[piece] = b;
          if (restTail === NONE) bundles.first.data[b] = piece;
          else ranges.next.data[restTail] = piece;
          restTail = piece;
        }
        at = end;
      }
      range = next;
    }
  }
}
