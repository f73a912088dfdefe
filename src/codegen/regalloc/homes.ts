/**
 * Registers that virtual registers keep from block to block, by linear scan over their intervals.
 *
 * Half of the registers are given out here, for whole intervals: nothing moves them, so that edges between blocks need no moves but those
 * of arguments. Who gets none is in a slot between blocks. A register that something destroys or wants within an interval is no
 * home for it; where all are taken, the interval whose uses are rarest for its length goes without.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../../base/columns.ts";
import type { Workspace } from "../../base/workspace.ts";
import { type AllocatorInput, Constraint, OperandKind, RegClass } from "./interface.ts";
import { type Intervals, Reach } from "./intervals.ts";

const NONE = -1;

/** Registers that stay for values within a block, of each class: enough for any one instruction. */
const LOCAL_REGISTERS = 6;
/** The first home in a register that the function must save is worth it from this weight on. */
const SAVE_WEIGHT = 4;
/** What an interval's length counts beside its points. */
const BASE_LENGTH = 32;

/** Where the registers of a class may be wanted by others: those that calls destroy apart from those that survive. */
class Barriers {
  /** Registers, and the points at which one of them is destroyed or taken, ascending. */
  mask = 0;
  readonly points: I32Column;
  /** The first point that is not behind the interval at hand. */
  next = 0;

  constructor(work: Workspace) {
    this.points = work.column();
  }
}

export interface Homes {
  /** By virtual register: its register, or NONE. */
  readonly home: Int32Array;
  /** Registers that are for values within blocks, by class. */
  readonly local: readonly [readonly number[], readonly number[]];
}

const CALLER = 0;
const CALLEE = 1;

/** Values that can be made again get no home. */
export function findHomes(input: AllocatorInput, work: Workspace, intervals: Intervals): Homes {
  const { from, end, read, reach, weight, globals } = intervals;
  const home = work.words(input.vregCount, NONE);
  const localInt = input.allocatableInt.slice(0, LOCAL_REGISTERS);
  const localFloat = input.allocatableFloat.slice(0, LOCAL_REGISTERS);
  const homes: Homes = { home, local: [localInt, localFloat] };
  if (globals.length === 0) return homes;

  // By class and fate at calls: 2 * class + (CALLER or CALLEE).
  const barriers = [new Barriers(work), new Barriers(work), new Barriers(work), new Barriers(work)];
  for (const preg of input.allocatableInt.slice(LOCAL_REGISTERS)) {
    const bit = 1 << preg;
    barriers[input.calleeSavedInt & bit ? CALLEE : CALLER]!.mask |= bit;
  }
  for (const preg of input.allocatableFloat.slice(LOCAL_REGISTERS)) {
    const bit = 1 << (preg & 31);
    barriers[2 + (input.calleeSavedFloat & bit ? CALLEE : CALLER)]!.mask |= bit;
  }
  findBarriers(input, intervals.particular, barriers);

  const owner = work.filled(64, NONE);
  let saved = 0;
  for (let k = 0; k < globals.length; k++) {
    const v = globals.data[k]!;
    if (read[v] === 0 || reach[v] === Reach.slot || intervals.remat[v]! >= 0) continue;
    const start = from[v]!;
    const stop = end[v]!;
    const regClass = input.vregClass[v]!;
    const registers = regClass === RegClass.int ? input.allocatableInt : input.allocatableFloat;
    const caller = reaches(barriers[2 * regClass + CALLER]!, start, stop);
    const callee = reaches(barriers[2 * regClass + CALLEE]!, start, stop);
    if (!caller && !callee) continue;
    const calleeMask = barriers[2 * regClass + CALLEE]!.mask;
    const value = weight[v]! / (stop - start + BASE_LENGTH);
    let best = NONE;
    let victim = NONE;
    let least = value;
    for (let r = LOCAL_REGISTERS; r < registers.length; r++) {
      const preg = registers[r]!;
      const isCallee = ((calleeMask >>> (preg & 31)) & 1) === 1;
      if (isCallee ? !callee : !caller) continue;
      const w = owner[preg]!;
      if (w === NONE || end[w]! <= start) {
        const key = preg < 32 ? preg : 0;
        if (isCallee && regClass === RegClass.int && ((saved >>> key) & 1) === 0 && weight[v]! < SAVE_WEIGHT) continue;
        best = preg;
        break;
      }
      const other = weight[w]! / (end[w]! - from[w]! + BASE_LENGTH);
      if (other < least) {
        least = other;
        victim = preg;
      }
    }
    if (best === NONE) {
      if (victim === NONE) continue;
      best = victim;
      home[owner[victim]!] = NONE;
    }
    if (best < 32) saved |= 1 << best;
    owner[best] = v;
    home[v] = best;
  }
  return homes;
}

/** Whether no barrier is between `start` and `stop`, nor at the definition's own instruction. Intervals come in order. */
function reaches(barriers: Barriers, start: number, stop: number): boolean {
  if (barriers.mask === 0) return false;
  const { points } = barriers;
  const inst = start & ~3;
  while (barriers.next < points.length && points.data[barriers.next]! < inst) barriers.next++;
  let next = barriers.next;
  // A definition in a fixed register has its home only behind its instruction.
  if (start === inst + 3 && next < points.length && points.data[next]! < start) next++;
  return next === points.length || points.data[next]! >= stop;
}

function findBarriers(input: AllocatorInput, particular: I32Column, barriers: readonly Barriers[]): void {
  const { operandStart, operandKind, operandConstraint, operandData, clobberInt, clobberFloat } = input;
  for (let n = 0; n < particular.length; n++) {
    const i = particular.data[n]!;
    let earlyInt = 0;
    let earlyFloat = 0;
    let lateInt = clobberInt[i]!;
    let lateFloat = clobberFloat[i]!;
    for (let o = operandStart[i]!; o < operandStart[i + 1]!; o++) {
      if (operandConstraint[o] !== Constraint.fixed) continue;
      const preg = operandData[o]!;
      const bit = 1 << (preg & 31);
      const isEarly = operandKind[o]! < OperandKind.def;
      if (preg < 32) {
        if (isEarly) earlyInt |= bit;
        else lateInt |= bit;
      } else if (isEarly) earlyFloat |= bit;
      else lateFloat |= bit;
    }
    if ((earlyInt | lateInt | earlyFloat | lateFloat) === 0) continue;
    const base = i << 2;
    for (let k = 0; k < 4; k++) {
      const barrier = barriers[k]!;
      if (((k < 2 ? earlyInt : earlyFloat) & barrier.mask) !== 0) barrier.points.push(base + 1);
      else if (((k < 2 ? lateInt : lateFloat) & barrier.mask) !== 0) barrier.points.push(base + 2);
    }
  }
}
