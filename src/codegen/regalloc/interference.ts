/**
 * Where a bundle and a physical register get in each other's way, block by block: what splitting looks at.
 */
// hot loop: indices are in range by construction

import { I32Column } from "../../base/columns.ts";
import { type Bundles, firstClobberAt } from "./bundles.ts";
import { BUCKET_SHIFT, type Occupancy } from "./occupancy.ts";
import { clobberMask, NONE, type Problem } from "./problem.ts";
import { RESERVED, type Ranges } from "./ranges.ts";

/** No interference: `first` of a block. */
export const CLEAR = 0x7fffffff;

/** The blocks that a bundle touches, in order. */
export class Footprint {
  readonly block = new I32Column(64);
  /** Is a member live at the block's start, at its end? */
  readonly liveIn = new I32Column(64);
  readonly liveOut = new I32Column(64);
  /** First point of the first and behind the last interference with the register that `scan` looked at; CLEAR and -1 if none. */
  readonly first = new I32Column(64);
  readonly last = new I32Column(64);
  /** Steps taken, over the whole allocation. */
  work = 0;

  private readonly problem: Problem;
  private readonly ranges: Ranges;
  private readonly bundles: Bundles;
  private readonly occupancy: Occupancy;
  /** Entry of each block. */
  private readonly entryOf: Int32Array;

  constructor(problem: Problem, ranges: Ranges, bundles: Bundles, occupancy: Occupancy) {
    this.problem = problem;
    this.ranges = ranges;
    this.bundles = bundles;
    this.occupancy = occupancy;
    this.entryOf = new Int32Array(problem.input.blockCount);
  }

  get length(): number {
    return this.block.length;
  }

  /** Takes the footprint of bundle b. */
  measure(b: number): void {
    const { problem, ranges, block, liveIn, liveOut } = this;
    const { blockStart, blockCount } = problem.input;
    block.length = 0;
    liveIn.length = 0;
    liveOut.length = 0;
    this.first.length = 0;
    this.last.length = 0;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
      const from = ranges.from.data[r]!;
      const to = ranges.to.data[r]!;
      for (let k = problem.blockOf[from >> 2]!; k < blockCount && blockStart[k]! << 2 < to; k++) {
        let entry = block.length - 1;
        if (entry < 0 || block.data[entry] !== k) {
          entry = block.push(k);
          this.entryOf[k] = entry;
          liveIn.push(from <= blockStart[k]! << 2 ? 1 : 0);
          liveOut.push(0);
          this.first.push(CLEAR);
          this.last.push(-1);
        }
        if (to >= blockStart[k + 1]! << 2) liveOut.data[entry] = 1;
      }
    }
    this.work += block.length;
  }

  private note(from: number, to: number): void {
    const { blockOf, input } = this.problem;
    for (let k = blockOf[from >> 2]!; k < input.blockCount && input.blockStart[k]! << 2 < to; k++) {
      const entry = this.entryOf[k]!;
      const start = Math.max(from, input.blockStart[k]! << 2);
      const end = Math.min(to, input.blockStart[k + 1]! << 2);
      if (start < this.first.data[entry]!) this.first.data[entry] = start;
      if (end > this.last.data[entry]!) this.last.data[entry] = end;
    }
  }

  /** Finds the interference of b, whose footprint this is, with `preg`. */
  scan(b: number, preg: number): void {
    const { problem, ranges, occupancy } = this;
    const regClass = this.bundles.regClass.data[b]!;
    const bit = preg & 31;
    const { clobberInsts, input } = problem;
    for (let k = 0; k < this.block.length; k++) {
      this.first.data[k] = CLEAR;
      this.last.data[k] = -1;
    }
    const crossed = (this.bundles.crossed.data[b]! >>> bit) & 1;
    const row = occupancy.rowOf[preg]! * occupancy.bucketCount;
    let work = this.block.length;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
      const from = ranges.from.data[r]!;
      const to = ranges.to.data[r]!;
      const vreg = ranges.vreg.data[r]!;
      if (crossed) {
        for (let k = firstClobberAt(problem, from); k < clobberInsts.length; k++) {
          const point = (clobberInsts[k]! << 2) + 2;
          if (point >= to) break;
          work++;
          if ((clobberMask(input, clobberInsts[k]!, regClass) >>> bit) & 1) this.note(point, point + 1);
        }
      }
      const lastBucket = (to - 1) >> BUCKET_SHIFT;
      for (let bucket = from >> BUCKET_SHIFT; bucket <= lastBucket; bucket++) {
        work++;
        const low = Math.max(from, bucket << BUCKET_SHIFT);
        const high = Math.min(to, (bucket + 1) << BUCKET_SHIFT);
        for (let node = occupancy.heads[row + bucket]!; node !== NONE; node = occupancy.nodeNext.data[node]!) {
          work++;
          const other = occupancy.nodeRange.data[node]!;
          const start = Math.max(low, ranges.from.data[other]!);
          const end = Math.min(high, ranges.to.data[other]!);
          if (start >= end) continue;
          if (ranges.bundle.data[other] === RESERVED && ranges.vreg.data[other] === vreg) continue;
          this.note(start, end);
        }
      }
    }
    this.work += work;
  }

  /**
   * The first point from `start` on at which b and `preg` interfere, or CLEAR. `range` is the range of b at or behind `start`; looks no further
   * than `limit`.
   */
  firstConflict(b: number, range: number, start: number, limit: number, preg: number): number {
    const { problem, ranges, occupancy } = this;
    const regClass = this.bundles.regClass.data[b]!;
    const bit = preg & 31;
    const { clobberInsts, input } = problem;
    const crossed = (this.bundles.crossed.data[b]! >>> bit) & 1;
    const row = occupancy.rowOf[preg]! * occupancy.bucketCount;
    for (let r = range; r !== NONE; r = ranges.next.data[r]!) {
      const from = Math.max(start, ranges.from.data[r]!);
      const to = Math.min(limit, ranges.to.data[r]!);
      if (from >= limit) break;
      if (from >= to) continue;
      const vreg = ranges.vreg.data[r]!;
      let found = CLEAR;
      if (crossed) {
        for (let k = firstClobberAt(problem, from); k < clobberInsts.length; k++) {
          const point = (clobberInsts[k]! << 2) + 2;
          if (point >= to) break;
          this.work++;
          if (((clobberMask(input, clobberInsts[k]!, regClass) >>> bit) & 1) === 0) continue;
          found = point;
          break;
        }
      }
      const lastBucket = (Math.min(to, found) - 1) >> BUCKET_SHIFT;
      for (let bucket = from >> BUCKET_SHIFT; bucket <= lastBucket; bucket++) {
        this.work++;
        for (let node = occupancy.heads[row + bucket]!; node !== NONE; node = occupancy.nodeNext.data[node]!) {
          const other = occupancy.nodeRange.data[node]!;
          this.work++;
          if (ranges.from.data[other]! >= to || ranges.to.data[other]! <= from) continue;
          if (ranges.bundle.data[other] === RESERVED && ranges.vreg.data[other] === vreg) continue;
          found = Math.min(found, Math.max(from, ranges.from.data[other]!));
        }
        if (found >> BUCKET_SHIFT <= bucket) break;
      }
      if (found !== CLEAR) return found;
    }
    return CLEAR;
  }
}
