/**
 * Live ranges: half-open intervals of program points, pooled in columns and chained into sorted lists. A virtual register has one list;
 * coalescing joins lists into bundles and splitting cuts them, without copying.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import { sortRange } from "../../base/sort.ts";
import { NONE, type Problem, useEnd } from "./problem.ts";
import type { Workspace } from "../../base/workspace.ts";

/** `bundle` of a range that reserves a register for a fixed operand. */
export const RESERVED = -2;

export class Ranges {
  readonly from: I32Column;
  readonly to: I32Column;
  readonly vreg: I32Column;
  /** Next range of the list, or NONE. */
  readonly next: I32Column;
  /** The bundle it belongs to, or RESERVED. */
  readonly bundle: I32Column;

  constructor(work: Workspace) {
    this.from = work.column();
    this.to = work.column();
    this.vreg = work.column();
    this.next = work.column();
    this.bundle = work.column();
  }

  add(from: number, to: number, vreg: number): number {
    this.from.push(from);
    this.to.push(to);
    this.vreg.push(vreg);
    this.bundle.push(NONE);
    return this.next.push(NONE);
  }
}

/**
 * Fills `ranges` with the live ranges of every virtual register and returns the head of each list (NONE: never live). Walks from each
 * use up the predecessors to the definition: the cost is the size of the result, whatever the control flow.
 */
export function computeLiveRanges(problem: Problem, ranges: Ranges): Int32Array {
  const { input, work, useStart, uses, defOperand, paramBlock, argUseStart, argUses, opInst, opPoint, blockOf } =
    problem;
  const { blockStart, blockCount, predStart, pred, vregCount, operandKind } = input;
  const heads = work.filled(vregCount, NONE);
  const stamp = work.filled(blockCount, NONE);
  const endAt = work.i32(blockCount);
  const live = work.i32(blockCount);

  for (let v = 0; v < vregCount; v++) {
    const def = defOperand[v]!;
    let defBlock = NONE;
    let from = 0;
    // End of the range that begins at the definition; a dead definition holds its place until the instruction is over.
    let defEnd = 0;
    if (def !== NONE) {
      const inst = opInst[def]!;
      defBlock = blockOf[inst]!;
      from = opPoint[def]!;
      defEnd = (inst << 2) + 3;
    } else if (paramBlock[v] !== NONE) {
      defBlock = paramBlock[v]!;
      from = blockStart[defBlock]! << 2;
      defEnd = from;
    }
    let liveCount = 0;
    let walked = 0;
    const useCount = useStart[v + 1]! - useStart[v]!;
    const argCount = argUseStart[v + 1]! - argUseStart[v]!;
    // Nobody reads it: there is no need to make it.
    if (problem.remat[v] !== NONE && useCount === 1 && argCount === 0) continue;
    for (let k = 0; k < useCount + argCount; k++) {
      let block: number;
      let end: number;
      if (k < useCount) {
        const o = uses[useStart[v]! + k]!;
        if (operandKind[o]! >= 2) continue;
        block = blockOf[opInst[o]!]!;
        end = useEnd(problem, o);
      } else {
        block = argUses[argUseStart[v]! + k - useCount]!;
        end = blockStart[block + 1]! << 2;
      }
      if (block === defBlock && end > from) {
        if (end > defEnd) defEnd = end;
        continue;
      }
      if (stamp[block] === v) {
        if (end > endAt[block]!) endAt[block] = end;
        continue;
      }
      stamp[block] = v;
      endAt[block] = end;
      live[liveCount++] = block;
      while (walked < liveCount) {
        const b = live[walked++]!;
        for (let e = predStart[b]!; e < predStart[b + 1]!; e++) {
          const p = pred[e]!;
          const pEnd = blockStart[p + 1]! << 2;
          if (p === defBlock) {
            if (pEnd > defEnd) defEnd = pEnd;
          } else if (stamp[p] === v) {
            endAt[p] = pEnd;
          } else {
            stamp[p] = v;
            endAt[p] = pEnd;
            live[liveCount++] = p;
          }
        }
      }
    }

    // The blocks in order, the defining one among them.
    if (liveCount > 1) {
      if (liveCount * 8 > blockCount) {
        liveCount = 0;
        for (let b = 0; b < blockCount; b++) if (stamp[b] === v) live[liveCount++] = b;
      } else sortRange(live, 0, liveCount);
    }
    let tail = NONE;
    let defPending = defBlock !== NONE && defEnd > from;
    for (let k = 0; k < liveCount; k++) {
      const block = live[k]!;
      if (defPending && defBlock < block) {
        tail = append(ranges, heads, v, tail, from, defEnd);
        defPending = false;
      }
      tail = append(ranges, heads, v, tail, blockStart[block]! << 2, endAt[block]!);
    }
    if (defPending) append(ranges, heads, v, tail, from, defEnd);
  }
  return heads;
}

function append(ranges: Ranges, heads: Int32Array, v: number, tail: number, from: number, to: number): number {
  if (tail !== NONE && ranges.to.data[tail] === from) {
    ranges.to.data[tail] = to;
    return tail;
  }
  const r = ranges.add(from, to, v);
  if (tail === NONE) heads[v] = r;
  else ranges.next.data[tail] = r;
  return r;
}
