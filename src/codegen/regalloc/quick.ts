/**
 * The quick register allocator: one pass over the code, for when compile time matters more than the code.
 *
 * Between blocks a value is where findHomes put it: in a register that nobody takes from it, or in its slot. Within a block the other
 * registers hold results as they come and copies of what is in slots; what must make room goes to its slot, which it leaves only as
 * a copy. So no choice in one block concerns another, and the only moves on edges are those of arguments.
 *
 * Gives what Allocator gives, and asks two things more: every block is reachable, and comes after those that dominate it.
 */
// hot loop: indices are in range by construction

import type { I32Column, U8Column } from "../../base/columns.ts";
import { InternalError } from "../../base/diagnostics.ts";
import { Workspace } from "../../base/workspace.ts";
import { checkOnlyPredecessor, movesAreAtEnd } from "./edges.ts";
import { findHomes, type Homes } from "./homes.ts";
import {
  type AllocatorInput,
  type AllocatorOutput,
  Constraint,
  FIRST_SLOT,
  OperandKind,
  RegClass,
} from "./interface.ts";
import { findIntervals, type Intervals, Reach } from "./intervals.ts";
import { makeOutput } from "./output.ts";
import { EditList, ParallelMoves, type SlotSource } from "./parallel-moves.ts";

const NONE = -1;

export class QuickAllocator {
  readonly #work = new Workspace();

  /** As `Allocator.allocate`. Throws `InternalError` when an instruction asks for more registers than there are for one. */
  allocate(input: AllocatorInput): AllocatorOutput {
    this.#work.begin();
    return new Pass(input, this.#work).run();
  }
}

/** Slots, given out in the order of the code: free again when the interval of their value is over. */
class Slots implements SlotSource {
  count = 0;
  readonly #free8: I32Column;
  readonly #free16: I32Column;
  /** By instruction: slots that are free from it on, as lists. */
  readonly #expired: Int32Array;
  readonly #next: I32Column;
  readonly #slot: I32Column;
  readonly #bytes: U8Column;

  constructor(work: Workspace, instCount: number) {
    this.#free8 = work.column();
    this.#free16 = work.column();
    this.#expired = work.words(instCount + 1, NONE);
    this.#next = work.column();
    this.#slot = work.column();
    this.#bytes = work.byteColumn();
  }

  take(bytes: number): number {
    const free = bytes === 16 ? this.#free16 : this.#free8;
    return free.length > 0 ? free.data[--free.length]! : this.takeNew(bytes);
  }

  takeNew(bytes: number): number {
    if (bytes === 16 && this.count % 2 === 1) this.#free8.push(FIRST_SLOT + this.count++);
    const place = FIRST_SLOT + this.count;
    this.count += bytes >> 3;
    return place;
  }

  /** Frees `place` before instruction `inst`. */
  release(place: number, bytes: number, inst: number): void {
    this.#slot.push(place);
    this.#bytes.push(bytes);
    this.#expired[inst] = this.#next.push(this.#expired[inst]!);
  }

  expire(inst: number): void {
    for (let k = this.#expired[inst]!; k !== NONE; k = this.#next.data[k]!) {
      (this.#bytes.data[k] === 16 ? this.#free16 : this.#free8).push(this.#slot.data[k]!);
    }
  }
}

/** Masks of registers, by class: pairs in one array. */
const EARLY = 0;
const LATE = 2;
const WRITTEN = 4;
const SOURCE = 6;
const CLOBBERED = 8;
const MASKS = 10;

class Pass {
  readonly #input: AllocatorInput;
  readonly #intervals: Intervals;
  readonly #homes: Homes;
  readonly #slots: Slots;
  readonly #edits: EditList;
  readonly #moves: ParallelMoves;
  readonly #operandPlace: Int32Array;
  readonly #skipped: Uint8Array;
  /** The virtual register that a local register holds, or NONE. */
  readonly #owner: Int32Array;
  /** 1 for registers that are for values within blocks. */
  readonly #isLocal: Uint8Array;
  /** By virtual register: the local register that holds it, or NONE; and its slot, which then has the value, or NONE. */
  readonly #inRegister: Int32Array;
  readonly #slotOf: Int32Array;

  /** By register: where the interval of the value that is at home there ends. */
  readonly #busyUntil: Int32Array;

  // The instruction at hand.
  #inst = 0;
  #first = 0;
  #behind = 0;
  /**
   * EARLY: registers with what it reads. LATE: with what it reads late or writes. WRITTEN: by moves before it. SOURCE: where its inputs
   * were. CLOBBERED: destroyed by it.
   */
  readonly #masks: Int32Array;
  /** By operand: where its value was before the instruction; the definition that is tied to it. */
  readonly #source: Int32Array;
  readonly #follower: Int32Array;

  constructor(input: AllocatorInput, work: Workspace) {
    this.#input = input;
    this.#intervals = findIntervals(input, work);
    this.#homes = findHomes(input, work, this.#intervals);
    this.#slots = new Slots(work, input.instCount);
    this.#edits = new EditList(work);
    this.#moves = new ParallelMoves(work, input, this.#edits, this.#slots);
    this.#operandPlace = work.words(input.operandStart[input.instCount]!, NONE);
    this.#skipped = work.bytes(input.instCount);
    this.#owner = work.filled(FIRST_SLOT, NONE);
    this.#isLocal = work.u8(FIRST_SLOT);
    this.#busyUntil = work.i32(FIRST_SLOT);
    this.#inRegister = work.words(input.vregCount, NONE);
    this.#slotOf = work.words(input.vregCount, NONE);
    this.#masks = work.i32(MASKS);
    this.#source = work.i32(this.#intervals.mostOperands);
    this.#follower = work.filled(this.#intervals.mostOperands, NONE);
    for (const registers of this.#homes.local) for (const preg of registers) this.#isLocal[preg] = 1;
  }

  run(): AllocatorOutput {
    const { blockCount, blockStart } = this.#input;
    for (let b = 0; b < blockCount; b++) {
      const end = blockStart[b + 1]!;
      this.#slots.expire(blockStart[b]!);
      this.#enter(b);
      for (let i = blockStart[b]!; i < end; i++) {
        if (i > blockStart[b]!) this.#slots.expire(i);
        this.#instruction(i);
      }
      const edges = this.#input.succStart[b]!;
      if (movesAreAtEnd(this.#input, b)) this.#passArguments(edges, 2 * (end - 1));
      else for (let e = edges; e < this.#input.succStart[b + 1]!; e++) this.#checkEdge(b, e);
    }
    return makeOutput(this.#input, this.#operandPlace, this.#skipped, this.#edits, this.#slots.count);
  }

  /** What is in local registers stays there when the block before is the only way here. */
  #enter(b: number): void {
    const { predStart, pred, succStart, succ, blockStart, paramStart, params } = this.#input;
    const first = predStart[b]!;
    const single = predStart[b + 1]! - first === 1;
    const from = single ? pred[first]! : NONE;
    if (from === NONE || from !== b - 1) {
      for (const registers of this.#homes.local) {
        for (let k = 0; k < registers.length; k++) {
          const v = this.#owner[registers[k]!]!;
          if (v !== NONE) this.#drop(v);
        }
      }
    }
    for (let p = paramStart[b]!; p < paramStart[b + 1]!; p++) {
      const v = params[p]!;
      const home = this.#homes.home[v]!;
      if (home !== NONE) this.#busyUntil[home] = this.#intervals.end[v]!;
      else if (this.#intervals.read[v] === 1) this.#slot(v);
    }
    if (from === NONE || movesAreAtEnd(this.#input, from)) return;
    for (let e = succStart[from]!; e < succStart[from + 1]!; e++) {
      if (succ[e] === b) this.#passArguments(e, 2 * blockStart[b]!);
    }
  }

  /** Moves the arguments of edge `e` to where the parameters are. */
  #passArguments(e: number, position: number): void {
    const { argStart, args, succ, paramStart, params } = this.#input;
    const first = argStart[e]!;
    const end = argStart[e + 1]!;
    if (first === end) return;
    const to = succ[e]!;
    for (let a = first; a < end; a++) {
      const param = params[paramStart[to]! + a - first]!;
      if (this.#intervals.read[param] === 0) continue;
      let place = this.#homes.home[param]!;
      if (place === NONE) place = this.#slot(param);
      this.#moves.add(this.#place(args[a]!), place, this.#classOf(param));
    }
    this.#moves.flush(position);
  }

  /** Arguments that are not moved at the end of block b are moved in a block that has no other way in. */
  #checkEdge(b: number, e: number): void {
    const { argStart, succ } = this.#input;
    if (argStart[e] !== argStart[e + 1]) checkOnlyPredecessor(this.#input, b, succ[e]!);
  }

  #classOf(v: number): number {
    return this.#input.vregClass[v]! | (this.#input.vregSize[v]! << 4);
  }

  /** Where v is, or `-1 - i` when instruction i makes it again. */
  #place(v: number): number {
    const register = this.#inRegister[v]!;
    if (register !== NONE) return register;
    const home = this.#homes.home[v]!;
    if (home !== NONE) return home;
    const remat = this.#intervals.remat[v]!;
    if (remat !== NONE) return -1 - remat;
    const slot = this.#slotOf[v]!;
    if (slot === NONE) throw new InternalError("regalloc", `v${v} is nowhere`);
    return slot;
  }

  /** v's slot, which it gets if it has none. */
  #slot(v: number): number {
    let slot = this.#slotOf[v]!;
    if (slot === NONE) {
      const bytes = this.#input.vregSize[v]!;
      slot = this.#slots.take(bytes);
      this.#slotOf[v] = slot;
      this.#slots.release(slot, bytes, (this.#intervals.end[v]! + 3) >> 2);
    }
    return slot;
  }

  /** v is in no register any more. */
  #drop(v: number): void {
    const register = this.#inRegister[v]!;
    if (register === NONE) return;
    this.#owner[register] = NONE;
    this.#inRegister[v] = NONE;
  }

  #own(register: number, v: number): void {
    const old = this.#owner[register]!;
    if (old !== NONE) this.#inRegister[old] = NONE;
    this.#drop(v);
    this.#owner[register] = v;
    this.#inRegister[v] = register;
  }

  /** Whether v is needed behind the instruction at hand. */
  #livesOn(v: number): boolean {
    return this.#intervals.end[v]! > (this.#inst << 2) + 4;
  }

  /** v, which is in `register` before the instruction at hand, loses it: it is stored if its value would be lost. */
  #evict(v: number, register: number): void {
    if (this.#livesOn(v) && this.#slotOf[v] === NONE && this.#intervals.remat[v] === NONE) {
      this.#moves.add(register, this.#slot(v), this.#classOf(v));
    }
    this.#drop(v);
  }

  #has(mask: number, register: number): boolean {
    return ((this.#masks[mask + (register >> 5)]! >>> (register & 31)) & 1) === 1;
  }
  #mark(mask: number, register: number): void {
    this.#masks[mask + (register >> 5)]! |= 1 << (register & 31);
  }

  #instruction(i: number): void {
    const { operandStart, operandVreg, operandKind, operandConstraint, operandData } = this.#input;
    const first = operandStart[i]!;
    const behind = operandStart[i + 1]!;
    const masks = this.#masks;
    // Shorter than a call of `fill`.
    for (let k = 0; k < MASKS; k++) masks[k] = 0;
    masks[CLOBBERED + RegClass.int] = this.#input.clobberInt[i]!;
    masks[CLOBBERED + RegClass.float] = this.#input.clobberFloat[i]!;
    const clobbers = (masks[CLOBBERED]! | masks[CLOBBERED + 1]!) !== 0;
    if (first === behind && !clobbers) return;
    this.#inst = i;
    this.#first = first;
    this.#behind = behind;
    if (behind - first === 1 && this.#intervals.remat[operandVreg[first]!] === i) {
      if (this.#intervals.reach[operandVreg[first]!] !== Reach.local) {
        this.#skipped[i] = 1;
        return;
      }
    }

    let fixed = false;
    let tied = false;
    for (let o = first; o < behind; o++) {
      const kind = operandKind[o]!;
      if (kind < OperandKind.def) {
        const source = this.#place(operandVreg[o]!);
        this.#source[o - first] = source;
        if (source >= 0 && source < FIRST_SLOT) this.#mark(SOURCE, source);
      }
      const constraint = operandConstraint[o]!;
      if (constraint === Constraint.fixed) {
        fixed = true;
        if (kind < OperandKind.def) this.#mark(EARLY, operandData[o]!);
        if (kind > OperandKind.use) this.#mark(LATE, operandData[o]!);
      } else if (constraint === Constraint.tied) {
        tied = true;
        this.#follower[operandData[o]!] = o;
      }
      if (kind >= OperandKind.def) this.#occupy(operandVreg[o]!);
    }
    if (fixed) this.#fixedUses();
    for (let o = first; o < behind; o++) {
      if (operandKind[o]! >= OperandKind.def || operandConstraint[o] === Constraint.fixed) continue;
      if (tied && this.#follower[o - first] !== NONE) this.#tiedUse(o, this.#follower[o - first]!);
      else this.#plainUse(o);
    }
    if (clobbers) this.#clobber();
    for (let o = first; o < behind; o++) if (operandKind[o]! >= OperandKind.def) this.#definition(o);
    this.#moves.flush(2 * i);

    // What the instruction leaves behind.
    for (let o = first; o < behind; o++) {
      const v = operandVreg[o]!;
      if (operandKind[o]! < OperandKind.def && !this.#livesOn(v)) this.#drop(v);
    }
    for (let o = first; o < behind; o++) if (operandKind[o]! >= OperandKind.def) this.#settle(o);
    this.#moves.flush(2 * i + 1);
    if (tied) for (let k = behind - first - 1; k >= 0; k--) this.#follower[k] = NONE;
  }

  /** The home of v, which is defined here, is nobody else's from now on. */
  #occupy(v: number): void {
    const home = this.#homes.home[v]!;
    if (home === NONE) return;
    this.#mark(EARLY, home);
    this.#mark(LATE, home);
    this.#busyUntil[home] = this.#intervals.end[v]!;
  }

  #fixedUses(): void {
    const { operandVreg, operandKind, operandConstraint, operandData } = this.#input;
    for (let o = this.#first; o < this.#behind; o++) {
      if (operandConstraint[o] !== Constraint.fixed || operandKind[o]! >= OperandKind.def) continue;
      const register = operandData[o]!;
      const source = this.#source[o - this.#first]!;
      this.#operandPlace[o] = register;
      if (source === register) continue;
      this.#moves.add(source, register, this.#classOf(operandVreg[o]!));
      this.#mark(WRITTEN, register);
      const other = this.#owner[register]!;
      if (other !== NONE) this.#evict(other, register);
    }
  }

  /** A use whose register a definition takes over. */
  #tiedUse(o: number, definition: number): void {
    const { operandVreg } = this.#input;
    const v = operandVreg[o]!;
    const source = this.#source[o - this.#first]!;
    let register = this.#homes.home[operandVreg[definition]!]!;
    if (register === NONE) {
      const mayTake =
        source >= 0 &&
        source < FIRST_SLOT &&
        this.#owner[source] === v &&
        !this.#livesOn(v) &&
        !this.#has(WRITTEN, source) &&
        !this.#has(LATE, source) &&
        !this.#has(CLOBBERED, source) &&
        !this.#isReadLate(v);
      register = mayTake ? source : this.#pick(this.#input.vregClass[v]!, true);
    }
    if (register !== source) {
      this.#moves.add(source, register, this.#classOf(v));
      this.#mark(WRITTEN, register);
    }
    this.#mark(EARLY, register);
    this.#mark(LATE, register);
    this.#operandPlace[o] = register;
  }

  #isReadLate(v: number): boolean {
    const { operandVreg, operandKind } = this.#input;
    for (let o = this.#first; o < this.#behind; o++) {
      if (operandVreg[o] === v && operandKind[o] === OperandKind.lateUse) return true;
    }
    return false;
  }

  #plainUse(o: number): void {
    const { operandVreg, operandKind, operandConstraint, vregClass } = this.#input;
    const v = operandVreg[o]!;
    const constraint = operandConstraint[o]!;
    const source = this.#source[o - this.#first]!;
    if (constraint === Constraint.stack) {
      this.#operandPlace[o] = this.#slotOf[v]!;
      return;
    }
    const isLate = operandKind[o] === OperandKind.lateUse;
    // An operand before this one may have brought it into a register.
    let register = this.#inRegister[v]!;
    if (register === NONE) {
      if (source >= FIRST_SLOT && constraint === Constraint.any) {
        this.#operandPlace[o] = source;
        return;
      }
      register = source >= 0 && source < FIRST_SLOT ? source : NONE;
    }
    const isHere =
      register !== NONE &&
      (this.#owner[register] === v || !this.#has(WRITTEN, register)) &&
      !(isLate && (this.#has(CLOBBERED, register) || (this.#has(LATE, register) && !this.#isLateUseIn(v, register))));
    if (!isHere && isLate && constraint === Constraint.any && source < FIRST_SLOT) {
      // The instruction may destroy every register.
      this.#moves.add(source, this.#slot(v), this.#classOf(v));
      this.#operandPlace[o] = this.#slotOf[v]!;
      return;
    }
    if (!isHere) {
      register = this.#pick(vregClass[v]!, isLate);
      this.#moves.add(source, register, this.#classOf(v));
      this.#mark(WRITTEN, register);
      if (this.#isLocal[register] === 1 && this.#homes.home[v] === NONE) {
        // From its new register it can't be stored before the instruction.
        if (source >= 0 && source < FIRST_SLOT) this.#evict(v, source);
        this.#own(register, v);
      }
    }
    this.#mark(EARLY, register);
    if (isLate) this.#mark(LATE, register);
    this.#operandPlace[o] = register;
  }

  /** Whether an operand that was placed reads v late in `register`. */
  #isLateUseIn(v: number, register: number): boolean {
    const { operandVreg, operandKind } = this.#input;
    for (let o = this.#first; o < this.#behind; o++) {
      if (operandVreg[o] !== v || operandKind[o] !== OperandKind.lateUse) continue;
      if (this.#operandPlace[o] === register) return true;
    }
    return false;
  }

  /** A local register for an input, which a move before the instruction will write; who is there leaves. */
  #pick(regClass: number, isLate: boolean): number {
    const registers = this.#homes.local[regClass]!;
    const masks = this.#masks;
    const late = masks[LATE + regClass]! | masks[CLOBBERED + regClass]!;
    const avoid = masks[EARLY + regClass]! | masks[WRITTEN + regClass]! | (isLate ? late : 0);
    const source = masks[SOURCE + regClass]!;
    const { end } = this.#intervals;
    const now = this.#inst << 2;
    let best = NONE;
    let bestRank = -1;
    for (let k = 0; k < registers.length; k++) {
      const preg = registers[k]!;
      const bit = 1 << (preg & 31);
      if ((avoid & bit) !== 0) continue;
      const v = this.#owner[preg]!;
      const isFree = v === NONE || end[v]! <= now;
      if (isFree && (late & bit) === 0) {
        best = preg;
        break;
      }
      // Free ones that will be lost, then those that are needed latest; what this instruction reads comes last.
      const rank = isFree ? Number.MAX_SAFE_INTEGER : (source & bit) !== 0 ? 0 : end[v]!;
      if (rank > bestRank) {
        bestRank = rank;
        best = preg;
      }
    }
    if (best === NONE) return this.#found(this.#borrow(regClass, avoid));
    const other = this.#owner[best]!;
    if (other !== NONE) this.#evict(other, best);
    return best;
  }

  /** A local register for a definition; who is there and lives on leaves. Or NONE. */
  #pickResult(regClass: number, isEarly: boolean): number {
    const registers = this.#homes.local[regClass]!;
    const masks = this.#masks;
    const written = masks[WRITTEN + regClass]!;
    const avoid =
      masks[LATE + regClass]! | masks[CLOBBERED + regClass]! | (isEarly ? masks[EARLY + regClass]! | written : 0);
    const { end } = this.#intervals;
    let best = NONE;
    let bestEnd = -1;
    for (let k = 0; k < registers.length; k++) {
      const preg = registers[k]!;
      const bit = 1 << (preg & 31);
      if ((avoid & bit) !== 0) continue;
      const v = this.#owner[preg]!;
      if (v === NONE || !this.#livesOn(v)) {
        best = preg;
        break;
      }
      // What a move has just brought has no place to be stored from.
      if ((written & bit) === 0 && end[v]! > bestEnd) {
        bestEnd = end[v]!;
        best = preg;
      }
    }
    if (best === NONE) return this.#borrow(regClass, avoid);
    const other = this.#owner[best]!;
    if (other !== NONE) this.#evict(other, best);
    return best;
  }

  /** A register that is nobody's home now: for this instruction alone. Or NONE. */
  #borrow(regClass: number, avoid: number): number {
    const registers = regClass === RegClass.int ? this.#input.allocatableInt : this.#input.allocatableFloat;
    for (let k = this.#homes.local[regClass]!.length; k < registers.length; k++) {
      const preg = registers[k]!;
      if (((avoid >>> (preg & 31)) & 1) === 0 && this.#busyUntil[preg]! <= this.#inst << 2) return preg;
    }
    return NONE;
  }

  #found(register: number): number {
    if (register !== NONE) return register;
    throw new InternalError("regalloc", `instruction ${this.#inst} asks for too many registers`);
  }

  /** Local registers that the instruction destroys are saved. */
  #clobber(): void {
    for (const registers of this.#homes.local) {
      for (let k = 0; k < registers.length; k++) {
        const v = this.#owner[registers[k]!]!;
        if (v !== NONE && this.#has(CLOBBERED, registers[k]!)) this.#evict(v, registers[k]!);
      }
    }
  }

  #definition(o: number): void {
    const { operandVreg, operandKind, operandConstraint, operandData, vregClass } = this.#input;
    const v = operandVreg[o]!;
    const constraint = operandConstraint[o]!;
    let place: number;
    if (constraint === Constraint.stack) {
      this.#operandPlace[o] = this.#slot(v);
      return;
    }
    if (constraint === Constraint.fixed) place = operandData[o]!;
    else if (constraint === Constraint.tied) place = this.#operandPlace[this.#first + operandData[o]!]!;
    else {
      place = this.#homes.home[v]!;
      if (place === NONE) place = this.#pickResult(vregClass[v]!, operandKind[o] === OperandKind.earlyDef);
      if (place === NONE && constraint === Constraint.any && this.#input.isMove[this.#inst] === 0) {
        this.#operandPlace[o] = this.#slot(v);
        return;
      }
      this.#found(place);
    }
    const other = this.#owner[place]!;
    if (other !== NONE) this.#evict(other, place);
    this.#mark(LATE, place);
    this.#operandPlace[o] = place;
  }

  /** Brings a definition from where the instruction left it to where it stays. */
  #settle(o: number): void {
    const v = this.#input.operandVreg[o]!;
    const place = this.#operandPlace[o]!;
    if (this.#intervals.read[v] === 0 || place >= FIRST_SLOT) return;
    const home = this.#homes.home[v]!;
    if (home !== NONE) {
      this.#moves.add(place, home, this.#classOf(v));
      return;
    }
    const isLocal = this.#isLocal[place] === 1;
    if (isLocal) this.#own(place, v);
    if (this.#intervals.remat[v] !== NONE) return;
    if (!isLocal || this.#intervals.reach[v] !== Reach.local) this.#moves.add(place, this.#slot(v), this.#classOf(v));
  }
}
