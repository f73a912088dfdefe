/**
 * Where a bundle and a physical register get in each other's way, block by block: what splitting looks at.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import { type Bundles, firstClobberAt } from "./bundles.ts";
import { BUCKET_SHIFT, type Occupancy } from "./occupancy.ts";
import { clobberMask, NONE, type Problem } from "./problem.ts";
import { RESERVED, type Ranges } from "./ranges.ts";

/** No interference: `first` of a block. */
export const CLEAR = 0x7fffffff;

/** The blocks that a bundle touches, in order. */
export class Footprint {
  readonly block: I32Column;
  /** Is a member live at the block's start, at its end? */
  readonly liveIn: I32Column;
  readonly liveOut: I32Column;
  /** First point of the first and behind the last interference with the register that `scan` looked at; CLEAR and -1 if none. */
  readonly first: I32Column;
  readonly last: I32Column;
  /** Registers that the same instructions destroy have the same number here. */
  private readonly likeness: Int32Array;
  /** `first` and `last` from destroyed registers alone, of registers like `baseLikeness`. */
  private readonly baseFirst: Int32Array;
  private readonly baseLast: Int32Array;
  private baseLikeness = NONE;
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
    const { work, input } = problem;
    this.block = work.column();
    this.liveIn = work.column();
    this.liveOut = work.column();
    this.first = work.column();
    this.last = work.column();
    this.likeness = work.i32(64);
    this.baseFirst = work.i32(input.blockCount);
    this.baseLast = work.i32(input.blockCount);
    this.entryOf = work.i32(input.blockCount);
    this.compareRegisters();
  }

  /** Numbers the registers by the set of clobber masks that hold them. */
  private compareRegisters(): void {
    const { clobberInsts, input } = this.problem;
    const { likeness } = this;
    const seen = new Set<number>();
    let kinds = 1;
    for (let regClass = 0; regClass < 2; regClass++) {
      const low = 32 * regClass;
      seen.clear();
      for (let k = 0; k < clobberInsts.length; k++) {
        const mask = clobberMask(input, clobberInsts[k]!, regClass);
        if (seen.has(mask)) continue;
        seen.add(mask);
        // Registers of one number part if one is in the mask and another is not.
        for (let preg = low; preg < low + 32; preg++) {
          if (((mask >>> (preg & 31)) & 1) === 0) continue;
          const old = likeness[preg]!;
          let parted = false;
          for (let other = low; other < low + 32; other++)
            if (likeness[other] === old && ((mask >>> (other & 31)) & 1) === 0) parted = true;
          if (!parted) continue;
          for (let other = low; other < low + 32; other++)
            if (likeness[other] === old && ((mask >>> (other & 31)) & 1) !== 0) likeness[other] = kinds;
          kinds++;
        }
      }
    }
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
    this.baseLikeness = NONE;
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
    const { blockStart } = input;
    const first = this.first.data;
    const last = this.last.data;
    const lastBlock = blockOf[(to - 1) >> 2]!;
    for (let k = blockOf[from >> 2]!; k <= lastBlock; k++) {
      const entry = this.entryOf[k]!;
      const start = Math.max(from, blockStart[k]! << 2);
      const end = Math.min(to, blockStart[k + 1]! << 2);
      if (start < first[entry]!) first[entry] = start;
      if (end > last[entry]!) last[entry] = end;
    }
  }

  /** Interference from destroyed registers, for all registers like `preg`. */
  private scanClobbers(b: number, preg: number): void {
    const { problem, ranges } = this;
    const { clobberInsts, input } = problem;
    const regClass = this.bundles.regClass.data[b]!;
    const bit = preg & 31;
    const count = this.block.length;
    this.first.data.fill(CLEAR, 0, count);
    this.last.data.fill(-1, 0, count);
    if ((this.bundles.crossed.data[b]! >>> bit) & 1) {
      for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
        const to = ranges.to.data[r]!;
        for (let k = firstClobberAt(problem, ranges.from.data[r]!); k < clobberInsts.length; k++) {
          const point = (clobberInsts[k]! << 2) + 2;
          if (point >= to) break;
          this.work++;
          if ((clobberMask(input, clobberInsts[k]!, regClass) >>> bit) & 1) this.note(point, point + 1);
        }
      }
    }
    for (let k = 0; k < count; k++) {
      this.baseFirst[k] = this.first.data[k]!;
      this.baseLast[k] = this.last.data[k]!;
    }
    this.baseLikeness = this.likeness[preg]!;
  }

  /** Finds the interference of b, whose footprint this is, with `preg`. */
  scan(b: number, preg: number): void {
    const { ranges, occupancy } = this;
    const count = this.block.length;
    if (this.baseLikeness === this.likeness[preg]) {
      const first = this.first.data;
      const last = this.last.data;
      for (let k = 0; k < count; k++) {
        first[k] = this.baseFirst[k]!;
        last[k] = this.baseLast[k]!;
      }
    } else this.scanClobbers(b, preg);
    const rangeFrom = ranges.from.data;
    const rangeTo = ranges.to.data;
    const { heads } = occupancy;
    const nodeNext = occupancy.nodeNext.data;
    const nodeRange = occupancy.nodeRange.data;
    const row = occupancy.rowOf[preg]! * occupancy.bucketCount;
    let work = count;
    for (let r = this.bundles.first.data[b]!; r !== NONE; r = ranges.next.data[r]!) {
      const from = rangeFrom[r]!;
      const to = rangeTo[r]!;
      const vreg = ranges.vreg.data[r]!;
      const lastBucket = (to - 1) >> BUCKET_SHIFT;
      for (let bucket = from >> BUCKET_SHIFT; bucket <= lastBucket; bucket++) {
        work++;
        const low = Math.max(from, bucket << BUCKET_SHIFT);
        const high = Math.min(to, (bucket + 1) << BUCKET_SHIFT);
        for (let node = heads[row + bucket]!; node !== NONE; node = nodeNext[node]!) {
          work++;
          const other = nodeRange[node]!;
          const start = Math.max(low, rangeFrom[other]!);
          const end = Math.min(high, rangeTo[other]!);
          if (start >= end) continue;
          if (ranges.bundle.data[other] === RESERVED && ranges.vreg.data[other] === vreg) continue;
          this.note(start, end);
        }
      }
    }
    this.work += work;
  }
}
