/**
 * How often blocks run, guessed from loop depth and branches: what every choice between registers and memory is weighed by.
 */
// hot loop: indices are in range by construction

import type { AllocatorInput } from "./interface.ts";
import type { Workspace } from "../../base/workspace.ts";

/** A loop's body runs this many times. */
const LOOP_FACTOR = 8;
const MAX_DEPTH = 9;
/** A block is never taken for rarer than this within its loop. */
const RAREST = 1 / 16;

function depthFrequency(depth: number): number {
  return LOOP_FACTOR ** Math.min(depth, MAX_DEPTH);
}

/** Blocks reachable from the entry, every one before its successors but along back edges; their number is `length`. */
function reversePostorder(input: AllocatorInput, work: Workspace): Int32Array {
  const { blockCount, succStart, succ } = input;
  const order = work.i32(blockCount);
  const edge = work.filled(blockCount, -1);
  const stack = work.i32(blockCount);
  let depth = 1;
  let at = blockCount;
  edge[0] = succStart[0]!;
  while (depth > 0) {
    const b = stack[depth - 1]!;
    const e = edge[b]!;
    if (e === succStart[b + 1]!) {
      order[--at] = b;
      depth--;
      continue;
    }
    edge[b] = e + 1;
    const s = succ[e]!;
    if (edge[s] !== -1) continue;
    edge[s] = succStart[s]!;
    stack[depth++] = s;
  }
  return order.subarray(at);
}

/**
 * Frequency of every block, 1 for code that runs once. An edge that leaves a loop is unlikely, the others share the rest; what a block gets
 * is bounded by its loop depth.
 */
export function blockFrequencies(input: AllocatorInput, work: Workspace): Float64Array {
  const { blockCount, succStart, succ, predStart, pred, loopDepth } = input;
  const freq = work.f64(blockCount);
  const order = reversePostorder(input, work);
  // Successors that stay in the loop.
  const staying = work.i32(blockCount);
  for (let b = 0; b < blockCount; b++) {
    for (let e = succStart[b]!; e < succStart[b + 1]!; e++) if (loopDepth[succ[e]!]! >= loopDepth[b]!) staying[b]!++;
  }
  for (let k = 0; k < order.length; k++) {
    const b = order[k]!;
    const depth = loopDepth[b]!;
    const full = depthFrequency(depth);
    let sum = b === 0 ? full : 0;
    for (let e = predStart[b]!; e < predStart[b + 1]!; e++) {
      const p = pred[e]!;
      // Not yet known: a back edge, or unreachable.
      if (freq[p] === 0) continue;
      const pDepth = loopDepth[p]!;
      if (pDepth > depth) sum += full / 2;
      else sum += (freq[p]! / Math.max(1, staying[p]!)) * (full / depthFrequency(pDepth));
    }
    freq[b] = sum === 0 ? full : Math.min(full, Math.max(full * RAREST, sum));
  }
  for (let b = 0; b < blockCount; b++) if (freq[b] === 0) freq[b] = RAREST;
  return freq;
}
