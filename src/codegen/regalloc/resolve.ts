/**
 * From places of bundles to places of operands and moves: the last phase of allocation.
 *
 * A value's live range is now a row of pieces, each in one place. Where two pieces meet inside a block, the value moves there; where the
 * places at the two ends of an edge differ, it moves on the edge. Fixed and tied operands add moves before or after their instruction.
 * All moves of one kind at one instruction happen at once and are then put in order.
 *
 * Stores: the slot of a value never changes while it lives, so one store behind its definition serves every piece in memory. Stores at
 * the places where pieces go from register to memory do as well; whichever runs less often is taken.
 */
// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import type { I32Column } from "../../base/columns.ts";
import { sortRange } from "../../base/sort.ts";
import { type Bundles, SPILLED } from "./bundles.ts";
import { type AllocatorInput, type AllocatorOutput, Constraint, FIRST_SLOT } from "./interface.ts";
import { makeOutput } from "./output.ts";
import { EditList, ParallelMoves, type SlotSource } from "./parallel-moves.ts";
import { checkOnlyPredecessor, movesAreAtEnd } from "./edges.ts";
import { isDef, NONE, type Problem } from "./problem.ts";
import { RESERVED, type Ranges } from "./ranges.ts";
import { colourSlots } from "./slots.ts";

/** Groups of simultaneous moves around one instruction, in order. */
const Group = {
  /** On the edge into the block that begins here. */
  blockStart: 0,
  /** Stores of the block's parameters. */
  params: 1,
  before: 2,
  /** On the edge out of the block that ends here, before its jump. */
  blockEnd: 3,
  after: 4,
} as const;

const GROUP_BITS = 3;
const GROUPS = 1 << GROUP_BITS;

class Resolver implements SlotSource {
  readonly problem: Problem;
  readonly input: AllocatorInput;
  readonly ranges: Ranges;
  readonly bundles: Bundles;

  /** Pieces of v, ascending: pieceFrom[k], pieceTo[k], piecePlace[k] for k from pieceStart[v]. */
  readonly pieceStart: Int32Array;
  readonly pieceFrom: Int32Array;
  readonly pieceTo: Int32Array;
  /** A place; NOWHERE for values to be made again. */
  readonly piecePlace: Int32Array;
  /** Slot of v, or NONE. */
  readonly slotOf: Int32Array;
  slotCount = 0;

  readonly operandPlace: Int32Array;
  readonly skipped: Uint8Array;

  readonly moveKey: I32Column;
  readonly moveFrom: I32Column;
  readonly moveTo: I32Column;
  readonly moveVreg: I32Column;
  /** Stores of the value in hand that a store at its definition would make needless. */
  readonly storeKey: I32Column;
  readonly storeFrom: I32Column;
  storeCost = 0;

  /** Per block, for the value in hand: piece at its end, and whether the slot holds the value there anyhow. */
  readonly endStamp: Int32Array;
  readonly endPiece: Int32Array;
  readonly endClean: Uint8Array;

  constructor(problem: Problem, ranges: Ranges, bundles: Bundles) {
    this.problem = problem;
    this.input = problem.input;
    this.ranges = ranges;
    this.bundles = bundles;
    const { vregCount, blockCount } = problem.input;
    const { work } = problem;
    this.moveKey = work.column();
    this.moveFrom = work.column();
    this.moveTo = work.column();
    this.moveVreg = work.column();
    this.storeKey = work.column();
    this.storeFrom = work.column();
    this.operandPlace = work.filled(problem.opInst.length, NONE);
    this.skipped = work.u8(problem.input.instCount);
    this.endStamp = work.filled(blockCount, NONE);
    this.endPiece = work.i32(blockCount);
    this.endClean = work.u8(blockCount);
    this.pieceStart = work.i32(vregCount + 1);
    this.slotOf = work.filled(vregCount, NONE);

    // Ranges by virtual register, then by start.
    const { from, to, vreg, bundle } = ranges;
    let count = 0;
    for (let r = 0; r < from.length; r++) {
      if (bundle.data[r] === RESERVED) continue;
      this.pieceStart[vreg.data[r]! + 1]!++;
      count++;
    }
    for (let v = 0; v < vregCount; v++) this.pieceStart[v + 1]! += this.pieceStart[v]!;
    const cursor = work.copy(this.pieceStart, vregCount);
    const keys = work.f64(count);
    for (let r = 0; r < from.length; r++) {
      if (bundle.data[r] === RESERVED) continue;
      keys[cursor[vreg.data[r]!]!++] = from.data[r]! * 2 ** 22 + r;
    }
    this.pieceFrom = work.i32(count);
    this.pieceTo = work.i32(count);
    this.piecePlace = work.i32(count);
    for (let v = 0; v < vregCount; v++) {
      const start = this.pieceStart[v]!;
      const end = this.pieceStart[v + 1]!;
      sortRange(keys, start, end);
      for (let k = start; k < end; k++) {
        const r = keys[k]! % 2 ** 22;
        this.pieceFrom[k] = from.data[r]!;
        this.pieceTo[k] = to.data[r]!;
        this.piecePlace[k] = bundles.place.data[bundle.data[r]!]!;
      }
    }
  }

  /** Gives slots to families with a member in memory and replaces SPILLED by the slot. */
  assignSlots(familyOf: Int32Array): void {
    const { problem, pieceStart, pieceFrom, pieceTo, piecePlace } = this;
    const { work } = problem;
    const { vregCount, vregSize } = this.input;
    const requestOf = work.filled(vregCount, NONE);
    const family = work.i32(vregCount);
    const from = work.i32(vregCount);
    const to = work.i32(vregCount);
    const bytes = work.u8(vregCount);
    const needs = work.u8(vregCount);
    let count = 0;
    for (let v = 0; v < vregCount; v++) {
      const start = pieceStart[v]!;
      const end = pieceStart[v + 1]!;
      let spilled = problem.wantsSlot[v] !== 0;
      if (problem.remat[v] === NONE)
        for (let k = start; k < end && !spilled; k++) if (piecePlace[k] === SPILLED) spilled = true;
      if (!spilled) continue;
      needs[v] = 1;
      let first = start < end ? pieceFrom[start]! : Number.MAX_SAFE_INTEGER;
      let last = start < end ? pieceTo[end - 1]! : 0;
      const def = problem.defOperand[v]!;
      if (def !== NONE) {
        const base = problem.opInst[def]! << 2;
        first = Math.min(first, base + 2);
        last = Math.max(last, base + 4);
      }
      const f = familyOf[v]!;
      if (requestOf[f] === NONE) {
        requestOf[f] = count;
        family[count] = f;
        from[count] = first;
        to[count] = last;
        bytes[count] = vregSize[v]!;
        count++;
      } else {
        const k = requestOf[f]!;
        from[k] = Math.min(from[k]!, first);
        to[k] = Math.max(to[k]!, last);
      }
    }
    const placeOf = work.filled(vregCount, NONE);
    this.slotCount = colourSlots({ family, from, to, bytes, count }, placeOf);
    for (let v = 0; v < vregCount; v++) {
      if (needs[v] !== 0) this.slotOf[v] = placeOf[familyOf[v]!]!;
      const nowhere = problem.remat[v] === NONE ? this.slotOf[v]! : -1 - problem.remat[v]!;
      for (let k = pieceStart[v]!; k < pieceStart[v + 1]!; k++) if (piecePlace[k] === SPILLED) piecePlace[k] = nowhere;
    }
  }

  /** A new slot, behind all others. */
  takeNew(bytes: number): number {
    if (bytes === 16) this.slotCount += this.slotCount & 1;
    const place = FIRST_SLOT + this.slotCount;
    this.slotCount += bytes >> 3;
    return place;
  }

  addMove(inst: number, group: number, from: number, to: number, v: number): void {
    if (from === to) return;
    this.moveKey.push(inst * GROUPS + group);
    this.moveFrom.push(from);
    this.moveTo.push(to);
    this.moveVreg.push(v);
  }

  /** A store to v's slot unless one at the definition is cheaper. */
  private wantStore(inst: number, group: number, from: number): void {
    this.storeKey.push(inst * GROUPS + group);
    this.storeFrom.push(from);
    this.storeCost += this.problem.freq[this.problem.blockOf[inst]!]!;
  }

  inMemory(place: number): boolean {
    return place < 0 || place >= FIRST_SLOT;
  }

  /** Index of the piece of v that covers `point`. */
  pieceAt(v: number, point: number): number {
    let low = this.pieceStart[v]!;
    let high = this.pieceStart[v + 1]! - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if (this.pieceFrom[middle]! <= point) low = middle;
      else high = middle - 1;
    }
    if (high < low || this.pieceTo[low]! <= point || this.pieceFrom[low]! > point)
      throw new InternalError("regalloc", `v${v} has no place at point ${point}`);
    return low;
  }

  /** Places of v's operands, and moves to and from fixed registers. Tied uses follow in `followTies`. */
  placeOperands(v: number): void {
    const { problem, input, pieceStart, pieceTo, piecePlace, operandPlace } = this;
    const { uses, useStart, opPoint, opFixed, opFollow, opInst } = problem;
    let piece = pieceStart[v]!;
    const end = pieceStart[v + 1]!;
    for (let u = useStart[v]!; u < useStart[v + 1]!; u++) {
      const o = uses[u]!;
      if (opFollow[o] !== NONE) continue;
      const point = opPoint[o]!;
      const fixed = opFixed[o]!;
      if (input.operandConstraint[o] === Constraint.stack) operandPlace[o] = this.slotOf[v]!;
      else if (fixed !== NONE) operandPlace[o] = fixed;
      while (piece < end && pieceTo[piece]! <= point) piece++;
      if (isDef(input.operandKind[o]!) && operandPlace[o] !== NONE) {
        // A fixed definition or one in the slot: the first piece begins after the instruction, if there is one.
        if (piece < end) this.addMove(opInst[o]!, Group.after, operandPlace[o]!, piecePlace[piece]!, v);
        continue;
      }
      if (isDef(input.operandKind[o]!) && problem.remat[v] !== NONE && (piece === end || piecePlace[piece]! < 0)) {
        this.skipped[opInst[o]!] = 1;
        continue;
      }
      if (piece === end) throw new InternalError("regalloc", `v${v} has no place at point ${point}`);
      const place = piecePlace[piece]!;
      if (fixed !== NONE) this.addMove(opInst[o]!, Group.before, place, fixed, v);
      else if (operandPlace[o] === NONE) {
        if (place < 0) throw new InternalError("regalloc", `v${v} is nowhere at point ${point}`);
        operandPlace[o] = place;
      }
    }
  }

  /** Uses that take the register of a tied definition: the value is copied there before the instruction. */
  followTies(): void {
    const { problem, input, operandPlace, piecePlace } = this;
    const { opFollow, opInst } = problem;
    for (let o = 0; o < opFollow.length; o++) {
      const def = opFollow[o]!;
      if (def === NONE) continue;
      operandPlace[o] = operandPlace[def]!;
      const inst = opInst[o]!;
      if (input.operandStart[inst]! + input.operandData[def]! !== o) continue;
      const v = input.operandVreg[o]!;
      this.addMove(inst, Group.before, piecePlace[this.pieceAt(v, inst << 2)]!, operandPlace[o]!, v);
    }
  }

  /** Moves of v between its pieces, within blocks and on edges, and its stores. */
  connect(v: number): void {
    const { problem, input, pieceStart, piecePlace } = this;
    const start = pieceStart[v]!;
    const end = pieceStart[v + 1]!;
    if (start === end) return;
    const slot = this.slotOf[v]!;
    let split = false;
    for (let k = start + 1; k < end && !split; k++) split = piecePlace[k] !== piecePlace[start];
    this.storeKey.length = 0;
    this.storeFrom.length = 0;
    this.storeCost = 0;
    if (split) {
      this.connectPieces(v, start, end);
      this.connectEdges(v, start, end);
    }
    if (slot === NONE) return;

    // Is the value in its slot from the start?
    const def = problem.defOperand[v]!;
    const byStack = def !== NONE && input.operandConstraint[def] === Constraint.stack;
    if (byStack) return;
    const point = def !== NONE ? problem.opPoint[def]! : input.blockStart[problem.paramBlock[v]!]! << 2;
    const first = piecePlace[this.pieceAt(v, point)]!;
    if (first === slot) return;
    const inst = point >> 2;
    const cost = problem.freq[problem.blockOf[inst]!]!;
    if (problem.wantsSlot[v] !== 0 || this.storeCost >= cost) {
      if (def === NONE) this.addMove(inst, Group.params, first, slot, v);
      else this.addMove(inst, Group.after, problem.opFixed[def] === NONE ? first : problem.opFixed[def]!, slot, v);
      return;
    }
    for (let k = 0; k < this.storeKey.length; k++) {
      this.moveKey.push(this.storeKey.data[k]!);
      this.moveFrom.push(this.storeFrom.data[k]!);
      this.moveTo.push(slot);
      this.moveVreg.push(v);
    }
  }

  private connectPieces(v: number, start: number, end: number): void {
    const { problem, input, pieceFrom, pieceTo, piecePlace, endStamp, endPiece, endClean } = this;
    const { blockOf } = problem;
    const { blockStart } = input;
    // Does the slot hold the value in this piece, in the block where the piece begins?
    let clean = false;
    let cleanBlock = NONE;
    for (let k = start; k < end; k++) {
      const from = pieceFrom[k]!;
      const to = pieceTo[k]!;
      const place = piecePlace[k]!;
      const inst = from >> 2;
      let block = blockOf[inst]!;
      if (k > start && pieceTo[k - 1] === from && from !== blockStart[block]! << 2) {
        const before = piecePlace[k - 1]!;
        const wasClean: boolean = this.inMemory(before) || (clean && cleanBlock === block);
        if (this.inMemory(place)) {
          if (!wasClean && place >= 0) {
            if ((from & 3) === 2) {
              const atGap = pieceFrom[k - 1]! <= inst << 2 ? k - 1 : k - 2;
              this.wantStore(inst, Group.before, piecePlace[atGap]!);
            } else this.wantStore(inst, (from & 3) === 1 ? Group.before : Group.after, before);
          }
        } else {
          if ((from & 1) === 0 && place !== before)
            throw new InternalError("regalloc", `v${v} changes place within instruction ${inst}`);
          this.addMove(inst, (from & 3) === 1 ? Group.before : Group.after, before, place, v);
        }
        clean = wasClean;
        cleanBlock = block;
      } else {
        clean = false;
      }
      // Blocks that end within this piece.
      for (; block < input.blockCount && blockStart[block + 1]! << 2 <= to; block++) {
        endStamp[block] = v;
        endPiece[block] = k;
        endClean[block] = clean && cleanBlock === block ? 1 : 0;
      }
    }
  }

  private connectEdges(v: number, start: number, end: number): void {
    const { problem, input, pieceFrom, pieceTo, piecePlace, endStamp, endPiece, endClean } = this;
    const { blockStart, predStart, pred } = input;
    for (let k = start; k < end; k++) {
      const to = pieceTo[k]!;
      const place = piecePlace[k]!;
      let block = problem.blockOf[pieceFrom[k]! >> 2]!;
      if (blockStart[block]! << 2 !== pieceFrom[k]) block++;
      for (; block < input.blockCount && blockStart[block]! << 2 < to; block++) {
        if (block === problem.paramBlock[v]) continue;
        for (let e = predStart[block]!; e < predStart[block + 1]!; e++) {
          const p = pred[e]!;
          if (endStamp[p] !== v) throw new InternalError("regalloc", `v${v} is not live at the end of block ${p}`);
          const source = piecePlace[endPiece[p]!]!;
          if (source === place) continue;
          if (!this.inMemory(place)) this.addEdgeMove(p, block, source, place, v);
          else if (!this.inMemory(source) && place >= 0 && endClean[p] === 0) {
            const key = this.edgeKey(p, block);
            this.wantStore(Math.floor(key / GROUPS), key % GROUPS, source);
          }
        }
      }
    }
  }

  /** Where the moves of an edge go. */
  private edgeKey(from: number, to: number): number {
    if (movesAreAtEnd(this.input, from)) return (this.input.blockStart[from + 1]! - 1) * GROUPS + Group.blockEnd;
    checkOnlyPredecessor(this.input, from, to);
    return this.input.blockStart[to]! * GROUPS + Group.blockStart;
  }

  private addEdgeMove(from: number, to: number, source: number, target: number, v: number): void {
    if (source === target) return;
    this.moveKey.push(this.edgeKey(from, to));
    this.moveFrom.push(source);
    this.moveTo.push(target);
    this.moveVreg.push(v);
  }

  /** Block arguments to parameters. */
  passArguments(): void {
    const { input, pieceStart, piecePlace } = this;
    const { succStart, succ, argStart, args, paramStart, params, blockStart } = input;
    for (let b = 0; b < input.blockCount; b++) {
      for (let e = succStart[b]!; e < succStart[b + 1]!; e++) {
        const target = succ[e]!;
        const firstArg = argStart[e]!;
        const firstParam = paramStart[target]!;
        for (let k = firstArg; k < argStart[e + 1]!; k++) {
          const param = params[firstParam + k - firstArg]!;
          if (pieceStart[param] === pieceStart[param + 1]) continue;
          const place = piecePlace[this.pieceAt(param, blockStart[target]! << 2)]!;
          const v = args[k]!;
          const source = piecePlace[this.pieceAt(v, (blockStart[b + 1]! << 2) - 1)]!;
          this.addEdgeMove(b, target, source, place, v);
        }
      }
    }
  }

  /** Orders all moves into edits. */
  sequence(): EditList {
    const { problem, input, moveKey, moveFrom, moveTo, moveVreg } = this;
    const { work } = problem;
    const count = moveKey.length;
    // By instruction, then by group within it; moves of one instruction are few.
    const starts = work.i32(input.instCount + 1);
    for (let m = 0; m < count; m++) starts[(moveKey.data[m]! >>> GROUP_BITS) + 1]!++;
    for (let k = 0; k < input.instCount; k++) starts[k + 1]! += starts[k]!;
    const order = work.i32(count);
    for (let m = 0; m < count; m++) order[starts[moveKey.data[m]! >>> GROUP_BITS]!++] = m;
    const edits = new EditList(work);
    const parallel = new ParallelMoves(work, input, edits, this);
    let n = 0;
    while (n < count) {
      const inst = moveKey.data[order[n]!]! >>> GROUP_BITS;
      const end = starts[inst]!;
      for (let group = 0; group <= Group.after && n < end; group++) {
        const key = inst * GROUPS + group;
        let any = false;
        for (let k = n; k < end; k++) {
          const m = order[k]!;
          if (moveKey.data[m] !== key) continue;
          const v = moveVreg.data[m]!;
          parallel.add(moveFrom.data[m]!, moveTo.data[m]!, input.vregClass[v]! | (input.vregSize[v]! << 4));
          any = true;
        }
        if (any) parallel.flush(2 * inst + (group === Group.after ? 1 : 0));
      }
      n = end;
    }
    return edits;
  }
}

/** Turns the bundles' places into the allocator's answer. `familyOf` is the slot family of each virtual register. */
export function resolve(problem: Problem, ranges: Ranges, bundles: Bundles, familyOf: Int32Array): AllocatorOutput {
  const { input } = problem;
  const resolver = new Resolver(problem, ranges, bundles);
  resolver.assignSlots(familyOf);
  for (let v = 0; v < input.vregCount; v++) resolver.placeOperands(v);
  resolver.followTies();
  for (let v = 0; v < input.vregCount; v++) resolver.connect(v);
  resolver.passArguments();
  const edits = resolver.sequence();
  return makeOutput(input, resolver.operandPlace, resolver.skipped, edits, resolver.slotCount);
}
