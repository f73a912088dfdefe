/** Where the moves of an edge are: at the end of its first block or at the beginning of the second, as the interface promises one of them. */

import { InternalError } from "../../base/diagnostics.ts";
import type { AllocatorInput } from "./interface.ts";

/** Whether moves of edges out of `block` are before its last instruction: a jump that reads nothing, and its only edge. */
export function movesAreAtEnd(input: AllocatorInput, block: number): boolean {
  const { succStart, blockStart, operandStart, clobberInt, clobberFloat } = input;
  const last = (blockStart[block + 1] ?? 0) - 1;
  return (
    (succStart[block + 1] ?? 0) - (succStart[block] ?? 0) === 1 &&
    operandStart[last] === operandStart[last + 1] &&
    clobberInt[last] === 0 &&
    clobberFloat[last] === 0
  );
}

/** Throws when neither end of the edge is a place for moves. */
export function checkOnlyPredecessor(input: AllocatorInput, from: number, to: number): void {
  if ((input.predStart[to + 1] ?? 0) - (input.predStart[to] ?? 0) === 1) return;
  throw new InternalError("regalloc", `no place for moves on the edge from block ${from} to ${to}`);
}
