/**
 * Bundles: sets of live ranges that get one place. At first a bundle holds every value that moves, ties and block parameters connect
 * and that are never live at the same time, so that those moves vanish; splitting cuts bundles into smaller ones.
 *
 * All bundles cut from one share its slot family: the members are never live together, so that one slot serves them all and edges between
 * two spilled members cost nothing.
 */
// hot loop: indices are in range by construction

import type { F64Column, I32Column, U8Column } from "../../base/columns.ts";
import { Constraint } from "./interface.ts";
import { clobberMask, isDef, NONE, type Problem } from "./problem.ts";
import type { Ranges } from "./ranges.ts";
import type { Workspace } from "../../base/workspace.ts";

/** Place of a bundle that lives in memory (or nowhere, if its values can be made again). */
export const SPILLED = 64;

/** Weight from which a bundle cannot be split further: it only gives way to a wider one of its kind. */
export const MINIMAL_WEIGHT = 1e30;

export class Bundles {
  /** First range of the sorted list. */
  readonly first: I32Column;
  /** Last range of the list while it is carved from another bundle; else without meaning. */
  readonly last: I32Column;
  /** Register, SPILLED, or NONE. */
  readonly place: I32Column;
  /** Slot family. */
  readonly family: I32Column;
  readonly regClass: U8Column;
  /** Cost of memory per point of length: who has more stays. */
  readonly weight: F64Column;
  /** Points covered. */
  readonly size: I32Column;
  /** Registers that an instruction within destroys: no place for the whole bundle. */
  readonly crossed: I32Column;
  /** How often it was cut at gaps; bounds the effort. */
  readonly depth: U8Column;

  constructor(work: Workspace) {
    this.first = work.column();
    this.last = work.column();
    this.place = work.column();
    this.family = work.column();
    this.regClass = work.byteColumn();
    this.weight = work.doubleColumn();
    this.size = work.column();
    this.crossed = work.column();
    this.depth = work.byteColumn();
  }

  get length(): number {
    return this.first.length;
  }

  add(first: number, family: number, regClass: number, depth: number): number {
    this.last.push(NONE);
    this.place.push(NONE);
    this.family.push(family);
    this.regClass.push(regClass);
    this.weight.push(0);
    this.size.push(0);
    this.crossed.push(0);
    this.depth.push(depth);
    return this.first.push(first);
  }
}

/** Pairs of virtual registers that a move, tie or edge connects, by how often the copy runs: a[k], b[k]. */
export interface Copies {
  readonly a: Int32Array;
  readonly b: Int32Array;
  /** Block in which the copy runs. */
  readonly block: Int32Array;
}

function collectCopies(problem: Problem): Copies {
  const { input, work, opInst, blockOf, argUseStart } = problem;
  const { instCount, operandStart, operandVreg, operandKind, operandConstraint, operandData } = input;
  const a = work.column();
  const b = work.column();
  const block = work.column();
  for (let i = 0; i < instCount; i++) {
    const first = operandStart[i]!;
    const end = operandStart[i + 1]!;
    if (input.isMove[i] !== 0 && end - first === 2) {
      const def = isDef(operandKind[first]!) ? first : first + 1;
      a.push(operandVreg[def]!);
      b.push(operandVreg[def === first ? first + 1 : first]!);
      block.push(blockOf[i]!);
      continue;
    }
    for (let o = first; o < end; o++) {
      if (operandConstraint[o] !== Constraint.tied) continue;
      a.push(operandVreg[o]!);
      b.push(operandVreg[first + operandData[o]!]!);
      block.push(blockOf[opInst[o]!]!);
    }
  }
  const { succStart, succ, argStart, args, paramStart, params } = input;
  for (let from = 0; from < input.blockCount; from++) {
    for (let e = succStart[from]!; e < succStart[from + 1]!; e++) {
      const firstParam = paramStart[succ[e]!]!;
      const firstArg = argStart[e]!;
      for (let k = firstArg; k < argStart[e + 1]!; k++) {
        const v = args[k]!;
        if (argUseStart[v] === argUseStart[v + 1]) continue;
        a.push(params[firstParam + k - firstArg]!);
        b.push(v);
        block.push(from);
      }
    }
  }
  // Deepest loops first, otherwise in program order.
  const order = work.f64(a.length);
  for (let k = 0; k < a.length; k++) order[k] = (1000 - Math.min(999, input.loopDepth[block.data[k]!]!)) * 2 ** 32 + k;
  order.sort();
  const sorted = { a: work.i32(a.length), b: work.i32(a.length), block: work.i32(a.length) };
  for (let k = 0; k < order.length; k++) {
    const from = order[k]! % 2 ** 32;
    sorted.a[k] = a.data[from]!;
    sorted.b[k] = b.data[from]!;
    sorted.block[k] = block.data[from]!;
  }
  return sorted;
}

/** Makes the first bundles. `heads` are the lists of the virtual registers, which become the bundles' own. */
export function buildBundles(problem: Problem, ranges: Ranges, heads: Int32Array, bundles: Bundles): Copies {
  const { input, work, remat } = problem;
  const { vregCount, vregClass, vregSize } = input;
  const copies = collectCopies(problem);

  // Union-find over virtual registers; the root's head is the joint list.
  const parent = work.i32(vregCount);
  for (let v = 0; v < vregCount; v++) parent[v] = v;
  const find = (v: number): number => {
    let root = v;
    while (parent[root] !== root) root = parent[root]!;
    for (let x = v; parent[x] !== root; ) {
      const up = parent[x]!;
      parent[x] = root;
      x = up;
    }
    return root;
  };
  // Long webs of parameters could be walked once per argument: beyond the budget only short lists are joined.
  let budget = 64 * (ranges.from.length + copies.a.length) + 10_000;
  for (let k = 0; k < copies.a.length; k++) {
    const x = find(copies.a[k]!);
    const y = find(copies.b[k]!);
    if (x === y || heads[x] === NONE || heads[y] === NONE) continue;
    if (vregClass[x] !== vregClass[y] || vregSize[x] !== vregSize[y]) continue;
    // What can be made again is better off alone.
    if (remat[x] !== NONE || remat[y] !== NONE) continue;
    const limit = budget > 0 ? budget + 1000 : 64;
    const steps = joinable(ranges, heads[x]!, heads[y]!, limit);
    budget -= Math.abs(steps);
    if (steps < 0) continue;
    heads[x] = join(ranges, heads[x]!, heads[y]!);
    heads[y] = NONE;
    parent[y] = x;
  }

  for (let v = 0; v < vregCount; v++) {
    if (parent[v] !== v || heads[v] === NONE) continue;
    const b = bundles.add(heads[v]!, v, vregClass[v]!, 0);
    for (let r = heads[v]!; r !== NONE; r = ranges.next.data[r]!) ranges.bundle.data[r] = b;
    measure(problem, ranges, bundles, b);
  }
  return copies;
}

/** Steps taken to see that the lists do not overlap; negative if they do, or if it took more than `limit` steps. */
function joinable(ranges: Ranges, x: number, y: number, limit: number): number {
  const from = ranges.from.data;
  const to = ranges.to.data;
  const next = ranges.next.data;
  let steps = 1;
  let p = x;
  let q = y;
  while (p !== NONE && q !== NONE) {
    if (++steps > limit) return -steps;
    if (to[p]! <= from[q]!) p = next[p]!;
    else if (to[q]! <= from[p]!) q = next[q]!;
    else return -steps;
  }
  return steps;
}

/** Merges two sorted lists without overlap. */
function join(ranges: Ranges, x: number, y: number): number {
  const from = ranges.from.data;
  const next = ranges.next.data;
  let p = x;
  let q = y;
  let head = NONE;
  let tail = NONE;
  while (p !== NONE || q !== NONE) {
    let pick: number;
    if (q === NONE || (p !== NONE && from[p]! < from[q]!)) {
      pick = p;
      p = next[p]!;
    } else {
      pick = q;
      q = next[q]!;
    }
    if (tail === NONE) head = pick;
    else next[tail] = pick;
    tail = pick;
    if (p === NONE && tail !== NONE && q !== NONE) {
      next[tail] = q;
      return head;
    }
    if (q === NONE && p !== NONE) {
      next[tail] = p;
      return head;
    }
  }
  return head;
}

/** Index into `problem.uses` of the first operand of v at or behind `point`. */
export function firstUseAt(problem: Problem, v: number, point: number): number {
  const { uses, useStart, opPoint } = problem;
  let low = useStart[v]!;
  let high = useStart[v + 1]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (opPoint[uses[middle]!]! < point) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index into `clobberInsts` of the first whose late point is at or behind `point`. */
export function firstClobberAt(problem: Problem, point: number): number {
  const { clobberInsts } = problem;
  let low = 0;
  let high = clobberInsts.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((clobberInsts[middle]! << 2) + 2 < point) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a use of this need costs in memory, in memory accesses. */
export const NEED_COST = [0.75, 0.75, 1.5];
/** Length that even the shortest bundle is taken for, in points. */
export const BASE_LENGTH = 48;

/** Computes size, weight and crossed registers of a bundle from its ranges. */
export function measure(problem: Problem, ranges: Ranges, bundles: Bundles, b: number): void {
  const { input, uses, useStart, opPoint, opNeed, freq, blockOf, opInst, clobberInsts, remat } = problem;
  const from = ranges.from.data;
  const to = ranges.to.data;
  const next = ranges.next.data;
  const regClass = bundles.regClass.data[b]!;
  const all = regClass === 0 ? problem.allClobberInt : problem.allClobberFloat;
  let size = 0;
  let cost = 0;
  let crossed = 0;
  for (let r = bundles.first.data[b]!; r !== NONE; r = next[r]!) {
    const v = ranges.vreg.data[r]!;
    const end = to[r]!;
    size += end - from[r]!;
    const factor = remat[v] === NONE ? 1 : 0.6;
    for (let u = firstUseAt(problem, v, from[r]!); u < useStart[v + 1]!; u++) {
      const o = uses[u]!;
      if (opPoint[o]! >= end) break;
      cost += NEED_COST[opNeed[o]!]! * factor * freq[blockOf[opInst[o]!]!]!;
    }
    if (crossed !== all && clobberInsts.length !== 0) {
      for (let k = firstClobberAt(problem, from[r]!); k < clobberInsts.length && crossed !== all; k++) {
        const inst = clobberInsts[k]!;
        if ((inst << 2) + 2 >= end) break;
        crossed |= clobberMask(input, inst, regClass);
      }
    }
  }
  bundles.size.data[b] = size;
  bundles.weight.data[b] = cost / (size + BASE_LENGTH);
  bundles.crossed.data[b] = crossed;
}
