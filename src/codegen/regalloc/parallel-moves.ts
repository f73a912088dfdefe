/**
 * Orders moves that happen at once into moves one after the other.
 *
 * A move whose destination nobody still reads goes first; what remains are cycles, broken through the scratch register. Moves between
 * two slots go through the scratch register as well; a cycle with such a move is broken through a spare slot instead. Values that are
 * made again read nothing and come last.
 */
// hot loop: indices are in range by construction

import type { I32Column, U16Column, U8Column } from "../../base/columns.ts";
import { type AllocatorInput, EditKind, FIRST_SLOT, RegClass } from "./interface.ts";
import { NONE } from "./problem.ts";
import type { Workspace } from "../../base/workspace.ts";

/** Edits in program order. */
export class EditList {
  readonly position: I32Column;
  readonly kind: U8Column;
  readonly from: I32Column;
  readonly to: I32Column;
  readonly regClass: U16Column;

  constructor(work: Workspace) {
    this.position = work.column();
    this.kind = work.byteColumn();
    this.from = work.column();
    this.to = work.column();
    this.regClass = work.shortColumn();
  }

  push(position: number, kind: number, from: number, to: number, regClass: number): void {
    this.position.push(position);
    this.kind.push(kind);
    this.from.push(from);
    this.to.push(to);
    this.regClass.push(regClass);
  }
}

/** Gives out slots. */
export interface SlotSource {
  /** The place of a slot of 8 or 16 bytes that nobody else has or had. */
  takeNew(bytes: number): number;
}

export class ParallelMoves {
  private readonly input: AllocatorInput;
  private readonly edits: EditList;
  private readonly work: Workspace;
  /** Where spare slots for cycles come from. */
  private readonly slots: SlotSource;
  private spare8 = NONE;
  private spare16 = NONE;

  private readonly from: I32Column;
  private readonly to: I32Column;
  private readonly regClass: U16Column;
  /** Per place: pending moves that read it, and the pending move that writes it. */
  private readers: Int32Array;
  private writer: Int32Array;
  private readonly ready: I32Column;

  constructor(work: Workspace, input: AllocatorInput, edits: EditList, slots: SlotSource) {
    this.from = work.column();
    this.to = work.column();
    this.regClass = work.shortColumn();
    this.ready = work.column();
    this.input = input;
    this.edits = edits;
    this.work = work;
    this.slots = slots;
    this.readers = work.i32(2 * FIRST_SLOT);
    this.writer = work.filled(2 * FIRST_SLOT, NONE);
  }

  /** Adds a move to the group; `from` is a place, or -1 - i to run instruction i again. */
  add(from: number, to: number, regClass: number): void {
    if (from === to) return;
    this.reach(Math.max(from, to));
    const writer = this.writer[to]!;
    if (writer !== NONE) return; // the same value again: one definition per place and group
    this.writer[to] = this.from.length;
    this.from.push(from);
    this.to.push(to);
    this.regClass.push(regClass);
    if (from >= 0) this.readers[from]!++;
  }

  /** Makes room for `place`. */
  private reach(place: number): void {
    if (place < this.readers.length) return;
    const readers = this.work.i32(2 * place);
    readers.set(this.readers);
    this.readers = readers;
    const writer = this.work.filled(2 * place, NONE);
    writer.set(this.writer);
    this.writer = writer;
  }

  /** Emits the group's edits at `position` and empties it. */
  flush(position: number): void {
    const { from, to, regClass, ready } = this;
    const count = from.length;
    if (count === 0) return;
    if (count === 1 && from.data[0]! >= 0) {
      // Most groups are one move.
      this.readers[from.data[0]!]!--;
      this.writer[to.data[0]!] = NONE;
      this.move(position, from.data[0]!, to.data[0]!, regClass.data[0]!);
      from.length = 0;
      to.length = 0;
      regClass.length = 0;
      return;
    }
    let pending = 0;
    ready.length = 0;
    for (let k = 0; k < count; k++) {
      if (from.data[k]! < 0) continue;
      pending++;
      if (this.readers[to.data[k]!] === 0) ready.push(k);
    }
    let scan = 0;
    while (pending > 0) {
      while (ready.length > 0) {
        const k = ready.data[--ready.length]!;
        const source = from.data[k]!;
        this.move(position, source, to.data[k]!, regClass.data[k]!);
        this.writer[to.data[k]!] = NONE;
        pending--;
        if (--this.readers[source]! === 0 && this.writer[source]! !== NONE && from.data[this.writer[source]!]! >= 0)
          ready.push(this.writer[source]!);
      }
      if (pending === 0) break;
      // Only cycles are left: save what the first one's destination holds.
      while (from.data[scan]! < 0 || this.writer[to.data[scan]!] !== scan) scan++;
      const saved = to.data[scan]!;
      const reader = this.readerOf(scan);
      const temporary = this.temporary(scan, regClass.data[reader]!);
      this.move(position, saved, temporary, regClass.data[reader]!);
      from.data[reader] = temporary;
      this.readers[saved] = 0;
      this.readers[temporary] = 1;
      ready.push(scan);
    }
    for (let k = 0; k < count; k++) {
      const inst = -1 - from.data[k]!;
      if (inst < 0) continue;
      const target = to.data[k]!;
      const c = regClass.data[k]!;
      this.writer[target] = NONE;
      if (target < FIRST_SLOT) this.edits.push(position, EditKind.remat, inst, target, c);
      else {
        const scratch = this.scratch(c);
        this.edits.push(position, EditKind.remat, inst, scratch, c);
        this.edits.push(position, EditKind.move, scratch, target, c);
      }
    }
    from.length = 0;
    to.length = 0;
    regClass.length = 0;
  }

  private scratch(regClass: number): number {
    return (regClass & 15) === RegClass.int ? this.input.scratchInt : this.input.scratchFloat;
  }

  private move(position: number, from: number, to: number, regClass: number): void {
    if (from >= FIRST_SLOT && to >= FIRST_SLOT) {
      const scratch = this.scratch(regClass);
      this.edits.push(position, EditKind.move, from, scratch, regClass);
      this.edits.push(position, EditKind.move, scratch, to, regClass);
    } else this.edits.push(position, EditKind.move, from, to, regClass);
  }

  /** The move of k's cycle that reads k's destination. */
  private readerOf(k: number): number {
    const target = this.to.data[k]!;
    let at = k;
    while (this.from.data[at] !== target) at = this.writer[this.from.data[at]!]!;
    return at;
  }

  /** Where the cycle of move k keeps a value of class and size `c` meanwhile. */
  private temporary(k: number, c: number): number {
    let at = k;
    let throughScratch = false;
    do {
      if (this.from.data[at]! >= FIRST_SLOT && this.to.data[at]! >= FIRST_SLOT) throughScratch = true;
      at = this.writer[this.from.data[at]!]!;
    } while (at !== k);
    if (!throughScratch) return this.scratch(c);
    if (c >> 4 === 16) {
      if (this.spare16 === NONE) this.spare16 = this.slots.takeNew(16);
      this.reach(this.spare16);
      return this.spare16;
    }
    if (this.spare8 === NONE) this.spare8 = this.slots.takeNew(8);
    this.reach(this.spare8);
    return this.spare8;
  }
}
