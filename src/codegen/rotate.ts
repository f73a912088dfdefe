// hot loop: indices are in range by construction
/**
 * The order in which blocks are emitted: that of the graph, but that a loop which is left from its first block has that block last. Then its
 * condition is at the bottom, and going round takes one jump instead of two; entering it takes one more.
 *
 * The blocks' numbers stay as they are: only the emitter needs to know.
 */

import { firstWords } from "../base/truncate.ts";
import type { Workspace } from "../base/workspace.ts";
import type { BlockGraph } from "./blocks.ts";

/** A loop of more blocks stays as it is: what is done for all loops remains in proportion to the function. */
const MAX_BLOCKS = 256;

/** `target[b]`: where a jump to block b ends up; blocks with another target than themselves have no code and are left out. */
export function emissionOrder(graph: BlockGraph, target: Int32Array, work: Workspace): Int32Array {
  const { blockCount, succStart, succ, cold, loopDepth } = graph;
  const order = work.i32(blockCount);
  /** By block: where it is in the order. */
  const place = work.words(blockCount);
  let count = 0;
  for (let b = 0; b < blockCount; b++) {
    if (target[b] !== b) continue;
    place[b] = count;
    order[count++] = b;
  }
  /** The last block that does nothing but go back to the loop's first block; 0: there is none. */
  const last = work.words(blockCount);
  for (let b = 1; b < blockCount; b++) {
    if (target[b] !== b || cold[b] === 1 || succStart[b + 1]! - succStart[b]! !== 1) continue;
    const to = target[succ[succStart[b]!]!]!;
    if (to < b) last[to] = b;
  }
  // Inner loops first: they come later.
  for (let first = blockCount - 1; first > 0; first--) {
    const end = last[first]!;
    if (end === 0 || loopDepth[end] !== loopDepth[first]) continue;
    const from = place[first]!;
    const to = place[end]!;
    const inside = (edge: number): boolean => {
      const p = place[target[succ[edge]!]!]!;
      return p > from && p <= to;
    };
    const edge = succStart[first]!;
    if (to < from || to - from > MAX_BLOCKS || succStart[first + 1]! - edge !== 2 || inside(edge) === inside(edge + 1))
      continue;
    for (let p = from; p < to; p++) {
      const block = order[p + 1]!;
      order[p] = block;
      place[block] = p;
    }
    order[to] = first;
    place[first] = to;
  }
  return firstWords(order, count);
}
