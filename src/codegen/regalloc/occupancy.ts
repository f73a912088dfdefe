/**
 * Who holds which physical register when. Time is cut into buckets of 64 points; each register has one chain of ranges per bucket.
 * Ranges in one register never overlap, so that chains stay short and the total is bounded by registers times buckets plus ranges.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import { NONE } from "./problem.ts";
import type { Ranges } from "./ranges.ts";
import type { Workspace } from "../../base/workspace.ts";

export const BUCKET_SHIFT = 6;

export class Occupancy {
  readonly ranges: Ranges;
  readonly bucketCount: number;
  /** Row of `heads` of each physical register, or NONE. */
  readonly rowOf: Int32Array;
  /** First chain node of (row, bucket), or NONE. */
  readonly heads: Int32Array;
  readonly nodeRange: I32Column;
  readonly nodeNext: I32Column;
  private free = NONE;

  constructor(work: Workspace, ranges: Ranges, registers: readonly number[], points: number) {
    this.nodeRange = work.column();
    this.nodeNext = work.column();
    this.ranges = ranges;
    this.bucketCount = (points >> BUCKET_SHIFT) + 1;
    this.rowOf = work.filled(64, NONE);
    let rows = 0;
    for (const preg of registers) this.rowOf[preg] = rows++;
    this.heads = work.filled(rows * this.bucketCount, NONE);
  }

  add(preg: number, range: number): void {
    const row = this.rowOf[preg]! * this.bucketCount;
    const last = row + ((this.ranges.to.data[range]! - 1) >> BUCKET_SHIFT);
    for (let k = row + (this.ranges.from.data[range]! >> BUCKET_SHIFT); k <= last; k++) {
      let node = this.free;
      if (node === NONE) {
        this.nodeNext.push(NONE);
        node = this.nodeRange.push(range);
      } else {
        this.free = this.nodeNext.data[node]!;
        this.nodeRange.data[node] = range;
      }
      this.nodeNext.data[node] = this.heads[k]!;
      this.heads[k] = node;
    }
  }

  remove(preg: number, range: number): void {
    const row = this.rowOf[preg]! * this.bucketCount;
    const last = row + ((this.ranges.to.data[range]! - 1) >> BUCKET_SHIFT);
    for (let k = row + (this.ranges.from.data[range]! >> BUCKET_SHIFT); k <= last; k++) {
      let before = NONE;
      let node = this.heads[k]!;
      while (this.nodeRange.data[node] !== range) {
        before = node;
        node = this.nodeNext.data[node]!;
      }
      const after = this.nodeNext.data[node]!;
      if (before === NONE) this.heads[k] = after;
      else this.nodeNext.data[before] = after;
      this.nodeNext.data[node] = this.free;
      this.free = node;
    }
  }
}
