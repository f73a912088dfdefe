/**
 * One interval of program points for each virtual register, which covers wherever it may be live: what the quick allocator works on
 * instead of exact live ranges.
 *
 * An interval begins at the definition and ends at the last use in the order of the code; where a use is in a loop that the definition is
 * not in, at the loop's end. That covers every path if blocks come after those that dominate them: a path goes forward or takes a
 * back edge, and whatever is live at the back edge's target was defined before that. Loops here are spans of blocks from a back edge's
 * target to its source; spans that overlap are made to nest. Points are those of problem.ts.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import type { Workspace } from "../../base/workspace.ts";
import { movesAreAtEnd } from "./edges.ts";
import { type AllocatorInput, Constraint, OperandKind } from "./interface.ts";

const NONE = -1;

/** How a virtual register is kept between blocks. */
export const Reach = {
  /** It is only used in the block that defines it. */
  local: 0,
  /** It is used in other blocks, or is a block's parameter. */
  global: 1,
  /** An operand wants it in a slot. */
  slot: 2,
} as const;

/** What a use weighs for each loop around it, and how many loops count. */
const LOOP_WEIGHT = 8;
const MAX_DEPTH = 6;
const WEIGHTS: readonly number[] = Array.from({ length: MAX_DEPTH + 1 }, (_, depth) => LOOP_WEIGHT ** depth);

export interface Intervals {
  /** First point at which the virtual register has a value. */
  readonly from: Int32Array;
  /** The point behind the last one at which it may be needed. */
  readonly end: Int32Array;
  /** 1: somebody reads it. */
  readonly read: Uint8Array;
  readonly reach: Uint8Array;
  /** The instruction that makes it again, or NONE. Such a value never has a slot. */
  readonly remat: Int32Array;
  /** How much its uses and its definition would cost in memory. */
  readonly weight: Float64Array;
  /** Global ones in the order of `from`. */
  readonly globals: I32Column;
  /** Instructions that want certain registers, or destroy some. */
  readonly particular: I32Column;
  /** The most operands that an instruction has. */
  readonly mostOperands: number;
}

/** By block: the last block of the loop that it begins, or NONE. */
function loopEnds(input: AllocatorInput, work: Workspace): Int32Array {
  const { blockCount, succStart, succ } = input;
  const last = work.words(blockCount, NONE);
  for (let b = 0; b < blockCount; b++) {
    for (let e = succStart[b]!; e < succStart[b + 1]!; e++) {
      const target = succ[e]!;
      if (target <= b && last[target]! < b) last[target] = b;
    }
  }
  // From the back: a loop that ends within one that begins later takes that one's end.
  const open = work.column();
  for (let b = blockCount - 1; b >= 0; b--) {
    if (last[b] === NONE) continue;
    while (open.length > 0 && open.data[open.length - 1]! <= last[b]!) {
      const inner = open.data[--open.length]!;
      if (last[inner]! > last[b]!) last[b] = last[inner]!;
    }
    open.push(b);
  }
  return last;
}

/** The first entry of the ascending `headers` that is greater than `block`, or NONE. */
function outermostBehind(headers: I32Column, block: number): number {
  let low = 0;
  let high = headers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (headers.data[middle]! > block) high = middle;
    else low = middle + 1;
  }
  return low === headers.length ? NONE : headers.data[low]!;
}

/** What is known when blocks up to some one have been read. No closures: they would keep all of this out of registers. */
class Reads {
  readonly #input: AllocatorInput;
  readonly end: Int32Array;
  readonly read: Uint8Array;
  readonly reach: Uint8Array;
  readonly weight: Float64Array;
  readonly defBlock: Int32Array;
  /** By block: `loopEnds`. */
  readonly last: Int32Array;
  /** Headers of the loops around the block. */
  readonly headers: I32Column;

  constructor(input: AllocatorInput, work: Workspace) {
    const { vregCount } = input;
    this.#input = input;
    this.end = work.words(vregCount);
    this.read = work.bytes(vregCount);
    this.reach = work.bytes(vregCount);
    this.weight = work.doubles(vregCount);
    this.defBlock = work.words(vregCount, NONE);
    this.last = loopEnds(input, work);
    this.headers = work.column();
  }

  /** v, which another block defines, is read for the last time before `point`: returns where it may be needed last. */
  elsewhere(v: number, point: number): number {
    if (this.reach[v] === Reach.local) this.reach[v] = Reach.global;
    const header = outermostBehind(this.headers, this.defBlock[v]!);
    return header === NONE ? point : this.#input.blockStart[this.last[header]! + 1]! << 2;
  }

  /** The arguments of edge e are read in block b, for the last time before `point`. */
  arguments(e: number, b: number, point: number, cost: number): void {
    const { argStart, args } = this.#input;
    for (let a = argStart[e]!; a < argStart[e + 1]!; a++) {
      const v = args[a]!;
      this.read[v] = 1;
      this.weight[v]! += cost;
      const to = this.defBlock[v] === b ? point : this.elsewhere(v, point);
      if (to > this.end[v]!) this.end[v] = to;
    }
  }
}

export function findIntervals(input: AllocatorInput, work: Workspace): Intervals {
  const { blockCount, blockStart, vregCount, operandStart, operandVreg, operandKind, operandConstraint } = input;
  const { predStart, pred, succStart, succ } = input;
  const reads = new Reads(input, work);
  const { end, read, reach, weight, defBlock, last, headers } = reads;
  const from = work.words(vregCount);
  const remat = work.copy(input.vregRemat, vregCount);
  const globals = work.column();
  const defined = work.column();
  const particular = work.column();
  let mostOperands = 0;

  for (let b = 0; b < blockCount; b++) {
    while (headers.length > 0 && last[headers.data[headers.length - 1]!]! < b) headers.length--;
    if (last[b]! >= b) headers.push(b);
    const cost = WEIGHTS[Math.min(headers.length, MAX_DEPTH)]!;
    const start = blockStart[b]!;
    const stop = blockStart[b + 1]!;
    // Arguments that are moved here; from elsewhere they are moved where they come from.
    if (predStart[b + 1]! - predStart[b]! === 1) {
      const p = pred[predStart[b]!]!;
      if (!movesAreAtEnd(input, p)) {
        for (let e = succStart[p]!; e < succStart[p + 1]!; e++) {
          if (succ[e] === b) reads.arguments(e, b, (start << 2) + 1, cost);
        }
      }
    }
    for (let p = input.paramStart[b]!; p < input.paramStart[b + 1]!; p++) {
      const v = input.params[p]!;
      defBlock[v] = b;
      from[v] = start << 2;
      end[v] = start << 2;
      if (reach[v] === Reach.local) reach[v] = Reach.global;
      weight[v]! += cost;
      defined.push(v);
    }
    for (let i = start; i < stop; i++) {
      const base = i << 2;
      const first = operandStart[i]!;
      const behind = operandStart[i + 1]!;
      const clobbers = (input.clobberInt[i]! | input.clobberFloat[i]!) !== 0;
      if (behind - first > mostOperands) mostOperands = behind - first;
      let isParticular = clobbers;
      for (let o = first; o < behind; o++) {
        const v = operandVreg[o]!;
        const kind = operandKind[o]!;
        const constraint = operandConstraint[o]!;
        if (constraint === Constraint.stack) {
          reach[v] = Reach.slot;
          remat[v] = NONE;
        }
        if (constraint === Constraint.fixed) isParticular = true;
        weight[v]! += cost;
        if (kind >= OperandKind.def) {
          defBlock[v] = b;
          from[v] =
            constraint === Constraint.fixed || constraint === Constraint.stack
              ? base + 3
              : constraint === Constraint.tied || kind === OperandKind.earlyDef
                ? base + 1
                : base + 2;
          // A definition that nobody reads holds its place until the instruction is over.
          if (end[v]! < base + 4) end[v] = base + 4;
          if (constraint > Constraint.any || clobbers || behind - first > 1) remat[v] = NONE;
          defined.push(v);
          continue;
        }
        read[v] = 1;
        // Where the instruction may destroy every register only a slot is certain.
        if (kind === OperandKind.lateUse && constraint === Constraint.any) remat[v] = NONE;
        const isLate = kind === OperandKind.lateUse;
        const point = isLate ? base + 3 : constraint === Constraint.fixed ? base + 1 : base + 2;
        const to = defBlock[v] === b ? point : reads.elsewhere(v, point);
        if (to > end[v]!) end[v] = to;
      }
      if (isParticular) particular.push(i);
    }
    if (movesAreAtEnd(input, b)) reads.arguments(succStart[b]!, b, stop << 2, cost);
  }
  for (let k = 0; k < defined.length; k++) {
    const v = defined.data[k]!;
    if (reach[v] !== Reach.local) globals.push(v);
  }
  return { from, end, read, reach, remat, weight, globals, particular, mostOperands };
}
