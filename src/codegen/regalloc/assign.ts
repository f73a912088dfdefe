/**
 * The allocation loop: gives every bundle a register or memory.
 *
 * Bundles are served by length, longest first. One takes a free register, hinted ones before others; else it evicts lighter bundles
 * from the register where that hurts least; else it is split, and what has no use in registers goes to memory. Weights decide
 * evictions strictly, and a split makes bundles smaller, so that the loop ends; the last pieces, one operand each, cannot fail.
 */
// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import type { I32Column } from "../../base/columns.ts";
import { BASE_LENGTH, type Bundles, type Copies, firstUseAt, MINIMAL_WEIGHT } from "./bundles.ts";
import { OperandKind, RegClass } from "./interface.ts";
import { BUCKET_SHIFT, Occupancy } from "./occupancy.ts";
import { NONE, type Problem } from "./problem.ts";
import { RESERVED, type Ranges } from "./ranges.ts";

/** Conflicts beyond which a register is not worth clearing. */
const MAX_CONFLICTS = 32;
/** Uses' cost from which a register that must be saved and restored is worth it: with less, fewer memory accesses and moves remain in all. */
const SAVE_COST = 4;
/** Copies of one value that are asked for a hint. */
const MAX_HINT_COPIES = 16;

export class Assigner {
  readonly problem: Problem;
  readonly ranges: Ranges;
  readonly bundles: Bundles;
  readonly occupancy: Occupancy;
  /** Register last given to a bundle that holds the virtual register, or NONE. */
  readonly hint: Int32Array;
  /** Binary heap of waiting bundles. */
  private readonly heap: I32Column;
  /** Copies by virtual register: copyOf[copyStart[v]] … are indices into `copies`. */
  private readonly copies: Copies;
  private readonly copyStart: Int32Array;
  private readonly copyOf: Int32Array;
  /** Bundles in the way, as `probe` found them. */
  private readonly hits: I32Column;
  private readonly bestHits: I32Column;
  private seen: Int32Array;
  private probeNumber = 0;
  /** What speaks for each register, as `scoreHints` found it. */
  readonly score: Float64Array;
  private readonly order: Int32Array;
  /** Registers given out so far, by class. */
  private readonly givenOut: Int32Array;

  constructor(problem: Problem, ranges: Ranges, bundles: Bundles, copies: Copies) {
    this.problem = problem;
    this.ranges = ranges;
    this.bundles = bundles;
    this.copies = copies;
    const { input, work } = problem;
    this.heap = work.column();
    this.hits = work.column();
    this.bestHits = work.column();
    this.seen = work.i32(64);
    this.score = work.f64(64);
    this.order = work.i32(64);
    this.givenOut = work.i32(2);
    this.occupancy = new Occupancy(
      work,
      ranges,
      [...input.allocatableInt, ...input.allocatableFloat],
      (input.instCount << 2) + 1,
    );
    this.hint = work.filled(input.vregCount, NONE);
    this.copyStart = work.i32(input.vregCount + 1);
    for (let k = 0; k < copies.a.length; k++) {
      this.copyStart[copies.a[k]!]!++;
      this.copyStart[copies.b[k]!]!++;
    }
    for (let v = 0; v < input.vregCount; v++) this.copyStart[v + 1]! += this.copyStart[v]!;
    this.copyOf = work.i32(copies.a.length * 2);
    for (let k = 0; k < copies.a.length; k++) {
      this.copyOf[--this.copyStart[copies.a[k]!]!] = k;
      this.copyOf[--this.copyStart[copies.b[k]!]!] = k;
    }
    this.reserveFixed();
  }

  /** Keeps the registers of fixed operands free of other values at their instructions. */
  private reserveFixed(): void {
    const { opFixed, opInst, input } = this.problem;
    for (let o = 0; o < opFixed.length; o++) {
      const preg = opFixed[o]!;
      if (preg === NONE || this.occupancy.rowOf[preg] === NONE) continue;
      const base = opInst[o]! << 2;
      const kind = input.operandKind[o]!;
      const from = kind === OperandKind.def ? base + 2 : base + 1;
      const to = kind === OperandKind.use ? base + 2 : base + 3;
      const range = this.ranges.add(from, to, input.operandVreg[o]!);
      this.ranges.bundle.data[range] = RESERVED;
      this.occupancy.add(preg, range);
    }
  }

  /** Places every bundle. `split` cuts one that got no register: it places or enqueues all that it makes of it. */
  run(split: (bundle: number) => void): void {
    for (let b = 0; b < this.bundles.length; b++) this.enqueue(b);
    while (this.heap.length > 0) {
      const b = this.dequeue();
      if (this.tryRegister(b)) continue;
      if (this.bundles.weight.data[b]! >= MINIMAL_WEIGHT)
        throw new InternalError("regalloc", `no register for v${this.ranges.vreg.data[this.bundles.first.data[b]!]}`);
      split(b);
    }
  }

  /** Longer bundles first, then older ones. */
  private before(x: number, y: number): boolean {
    const size = this.bundles.size.data;
    return size[x]! > size[y]! || (size[x] === size[y] && x < y);
  }

  enqueue(b: number): void {
    const heap = this.heap;
    heap.push(b);
    let at = heap.length - 1;
    while (at > 0) {
      const up = (at - 1) >> 1;
      if (!this.before(b, heap.data[up]!)) break;
      heap.data[at] = heap.data[up]!;
      at = up;
    }
    heap.data[at] = b;
  }

  private dequeue(): number {
    const heap = this.heap;
    const top = heap.data[0]!;
    const last = heap.data[--heap.length]!;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && this.before(heap.data[child + 1]!, heap.data[child]!)) child++;
      if (!this.before(heap.data[child]!, last)) break;
      heap.data[at] = heap.data[child]!;
      at = child;
    }
    if (heap.length > 0) heap.data[at] = last;
    return top;
  }

  /** Sums what speaks for each register: fixed operands, places of copies' other ends, earlier pieces of the same values. */
  scoreHints(b: number): void {
    const { problem, score, hint, copies } = this;
    const { uses, useStart, opPoint, opFixed, opInst, blockOf, freq } = problem;
    score.fill(0);
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = this.ranges.next.data[r]!) {
      const v = this.ranges.vreg.data[r]!;
      const from = this.ranges.from.data[r]!;
      const to = this.ranges.to.data[r]!;
      if (hint[v] !== NONE) score[hint[v]!]! += 0.25;
      for (let u = firstUseAt(problem, v, from); u < useStart[v + 1]!; u++) {
        const o = uses[u]!;
        if (opPoint[o]! >= to) break;
        if (opFixed[o] !== NONE) score[opFixed[o]!]! += freq[blockOf[opInst[o]!]!]!;
      }
      const copyEnd = Math.min(this.copyStart[v + 1]!, this.copyStart[v]! + MAX_HINT_COPIES);
      for (let k = this.copyStart[v]!; k < copyEnd; k++) {
        const copy = this.copyOf[k]!;
        const other = copies.a[copy] === v ? copies.b[copy]! : copies.a[copy]!;
        if (hint[other] !== NONE) score[hint[other]!]! += freq[copies.block[copy]!]!;
      }
    }
  }

  /** Registers that survive calls are for values that cannot be made again behind the call. */
  private isCheapAcrossCalls(b: number): boolean {
    const { bundles, problem } = this;
    if (problem.remat[this.ranges.vreg.data[bundles.first.data[b]!]!] === NONE) return false;
    const calls = problem.callMask[bundles.regClass.data[b]!]!;
    return calls !== 0 && (bundles.crossed.data[b]! & calls) === calls && bundles.weight.data[b]! < MINIMAL_WEIGHT;
  }

  /** Registers that nobody uses yet and that the function would have to save for b, which is not worth that. */
  private unsaved(b: number): number {
    const { bundles } = this;
    const { input } = this.problem;
    const weight = bundles.weight.data[b]!;
    if (weight >= MINIMAL_WEIGHT || weight * (bundles.size.data[b]! + BASE_LENGTH) >= SAVE_COST) return 0;
    return bundles.regClass.data[b] === RegClass.int
      ? input.calleeSavedInt & ~this.givenOut[0]!
      : input.calleeSavedFloat & ~this.givenOut[1]!;
  }

  private tryRegister(b: number): boolean {
    const { bundles, score, order } = this;
    const registers =
      bundles.regClass.data[b] === RegClass.int
        ? this.problem.input.allocatableInt
        : this.problem.input.allocatableFloat;
    const crossed = bundles.crossed.data[b]!;
    if (this.isCheapAcrossCalls(b)) return false;
    this.scoreHints(b);
    const unsaved = this.unsaved(b);
    let count = 0;
    for (let k = 0; k < registers.length; k++) {
      const preg = registers[k]!;
      if (((crossed | unsaved) >>> (preg & 31)) & 1) continue;
      let at = count++;
      while (at > 0 && score[order[at - 1]!]! < score[preg]!) {
        order[at] = order[at - 1]!;
        at--;
      }
      order[at] = preg;
    }
    let best = NONE;
    let bestWeight = bundles.weight.data[b]!;
    for (let k = 0; k < count; k++) {
      const preg = order[k]!;
      const weight = this.probe(b, preg, bestWeight);
      if (weight < 0) {
        this.assign(b, preg);
        return true;
      }
      if (weight < bestWeight) {
        best = preg;
        bestWeight = weight;
        this.bestHits.length = 0;
        for (let h = 0; h < this.hits.length; h++) this.bestHits.push(this.hits.data[h]!);
      }
    }
    if (best === NONE) return false;
    for (let h = 0; h < this.bestHits.length; h++) this.evict(this.bestHits.data[h]!);
    this.assign(b, best);
    return true;
  }

  /**
   * The weight of the heaviest bundle in the way of b in `preg`: -1 if none, Infinity if something is there that cannot leave or weighs
   * `limit` or more. The bundles in the way are in `hits`.
   */
  private probe(b: number, preg: number, limit: number): number {
    const { ranges, occupancy } = this;
    const from = ranges.from.data;
    const to = ranges.to.data;
    const owner = ranges.bundle.data;
    const vreg = ranges.vreg.data;
    const weight = this.bundles.weight.data;
    const nodeRange = occupancy.nodeRange.data;
    const nodeNext = occupancy.nodeNext.data;
    const row = occupancy.rowOf[preg]! * occupancy.bucketCount;
    if (this.seen.length < this.bundles.length) {
      const bigger = this.problem.work.i32(this.bundles.length * 2);
      bigger.set(this.seen);
      this.seen = bigger;
    }
    const mark = ++this.probeNumber;
    this.hits.length = 0;
    let worst = -1;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
      const rFrom = from[r]!;
      const rTo = to[r]!;
      const last = (rTo - 1) >> BUCKET_SHIFT;
      for (let bucket = rFrom >> BUCKET_SHIFT; bucket <= last; bucket++) {
        for (let node = occupancy.heads[row + bucket]!; node !== NONE; node = nodeNext[node]!) {
          const other = nodeRange[node]!;
          if (from[other]! >= rTo || to[other]! <= rFrom) continue;
          const holder = owner[other]!;
          if (holder === RESERVED) {
            if (vreg[other] === vreg[r]) continue;
            return Infinity;
          }
          if (this.seen[holder] === mark) continue;
          if (weight[holder]! >= limit || this.hits.length === MAX_CONFLICTS) return Infinity;
          this.seen[holder] = mark;
          this.hits.push(holder);
          if (weight[holder]! > worst) worst = weight[holder]!;
        }
      }
    }
    return worst;
  }

  assign(b: number, preg: number): void {
    this.bundles.place.data[b] = preg;
    this.givenOut[preg >> 5]! |= 1 << (preg & 31);
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = this.ranges.next.data[r]!) {
      this.occupancy.add(preg, r);
      this.hint[this.ranges.vreg.data[r]!] = preg;
    }
  }

  private evict(b: number): void {
    const preg = this.bundles.place.data[b]!;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = this.ranges.next.data[r]!) this.occupancy.remove(preg, r);
    this.bundles.place.data[b] = NONE;
    this.enqueue(b);
  }
}
