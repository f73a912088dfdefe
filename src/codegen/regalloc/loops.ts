/**
 * Loops as intervals of program points: what splitting needs to know of control flow.
 *
 * Emission order keeps a loop's blocks together but for those that rarely run, and the header stands first. So a tree of intervals by
 * loop depth, a new one at every block that a later block jumps back to, is the loop tree; where an order is stranger, the
 * intervals are only less telling: splitting is right for any.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import type { AllocatorInput } from "./interface.ts";
import { NONE } from "./problem.ts";
import type { Workspace } from "../../base/workspace.ts";

/** Nesting beyond this depth is one loop. */
const MAX_DEPTH = 8;

/** Node 0 is the function. */
export class LoopTree {
  /** Points [from, to) of each node. */
  readonly from: I32Column;
  readonly to: I32Column;
  readonly parent: I32Column;
  /** Innermost node of each block. */
  readonly ofBlock: Int32Array;
  /** Children of n, in order: child[childStart[n]] … */
  readonly childStart: Int32Array;
  readonly child: Int32Array;

  constructor(input: AllocatorInput, work: Workspace) {
    this.from = work.column();
    this.to = work.column();
    this.parent = work.column();
    const { blockCount, blockStart, loopDepth, predStart, pred } = input;
    const { from, to, parent } = this;
    this.ofBlock = work.i32(blockCount);
    from.push(0);
    to.push(input.instCount << 2);
    parent.push(NONE);
    const open = work.i32(MAX_DEPTH + 1);
    let depth = 0;
    for (let b = 0; b < blockCount; b++) {
      const wanted = Math.min(loopDepth[b]!, MAX_DEPTH);
      let keep = Math.min(depth, wanted);
      if (keep === wanted && wanted > 0) {
        for (let e = predStart[b]!; e < predStart[b + 1]!; e++) {
          if (pred[e]! < b) continue;
          keep = wanted - 1;
          break;
        }
      }
      const at = blockStart[b]! << 2;
      while (depth > keep) to.data[open[depth--]!] = at;
      while (depth < wanted) {
        from.push(at);
        to.push(input.instCount << 2);
        const node = parent.push(open[depth]!);
        open[++depth] = node;
      }
      this.ofBlock[b] = open[depth]!;
    }

    const count = parent.length;
    this.childStart = work.i32(count + 1);
    this.child = work.i32(count - 1);
    for (let n = 1; n < count; n++) this.childStart[parent.data[n]! + 1]!++;
    for (let n = 0; n < count; n++) this.childStart[n + 1]! += this.childStart[n]!;
    const cursor = work.copy(this.childStart, count);
    for (let n = 1; n < count; n++) this.child[cursor[parent.data[n]!]!++] = n;
  }

  /** Innermost node that holds the points from `first` to `last`, in blocks b and c. */
  common(b: number, c: number): number {
    const { from, to, parent, ofBlock } = this;
    const last = ofBlock[c]!;
    let node = ofBlock[b]!;
    while (node !== 0 && (from.data[node]! > from.data[last]! || to.data[node]! < to.data[last]!))
      node = parent.data[node]!;
    return node;
  }

  /** The child of `node` that holds block b, or `node` itself. */
  childAt(node: number, b: number): number {
    let at = this.ofBlock[b]!;
    if (at === node) return node;
    for (let up = this.parent.data[at]!; up !== node; up = this.parent.data[at]!) at = up;
    return at;
  }

  /** True if a child of `node` begins within [from, to). */
  hasChildIn(node: number, from: number, to: number): boolean {
    let low = this.childStart[node]!;
    const end = this.childStart[node + 1]!;
    let high = end;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.from.data[this.child[middle]!]! < from) low = middle + 1;
      else high = middle;
    }
    return low < end && this.from.data[this.child[low]!]! < to;
  }
}
