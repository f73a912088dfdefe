/**
 * An independent proof that an allocation is right. It shares nothing with the allocator but the interface.
 *
 * Symbolic execution: the state says of every place which virtual registers it holds for certain. Instructions, edits and edges
 * transform states; where edges meet, only what all of them agree on remains; iteration runs to the fixpoint. On the result, in every
 * reachable block:
 *
 * 1. every use is in a place that holds its virtual register;
 * 2. places satisfy their constraints: class, fixed register, tied use, slot; registers are allocatable unless fixed;
 * 3. two definitions, an early definition and a use, a late use and a definition never share a place; no late use, early or unfixed
 *    definition is in a register that the instruction destroys;
 * 4. a definition ends what other places claim of the same virtual register, and what its place held;
 * 5. block parameters hold the arguments of every edge;
 * 6. edits are in order, of the right class and size, within the slots, not between two slots, not behind a terminator;
 * 7. scratch registers hold nothing across an instruction and are never operands;
 * 8. 16-byte values have even slots, and no write to half of one keeps the whole;
 * 9. callee-saved registers that are written are reported;
 * 10. an instruction that is skipped does nothing but define a value that can be made again.
 */

import {
  type AllocatorInput,
  type AllocatorOutput,
  Constraint,
  EditKind,
  FIRST_SLOT,
  OperandKind,
  RegClass,
} from "./interface.ts";

/** What a place holds. Sets are never changed once they are in a state. */
interface Held {
  readonly vregs: ReadonlySet<number>;
  /** Bytes written. */
  readonly bytes: number;
}

type State = Map<number, Held>;

function at(column: { readonly [index: number]: number }, index: number): number {
  return column[index] ?? -1;
}

class Checker {
  readonly input: AllocatorInput;
  readonly output: AllocatorOutput;
  readonly problems: string[] = [];
  /** Report, or only transform? */
  reporting = false;
  private readonly allowed = new Set<number>();
  private readonly fixedRegisters = new Set<number>();
  /** First edit at or behind position p. */
  private readonly firstEdit: Int32Array;
  /** Block whose first instruction has this position before it. */
  private readonly blockAtStart = new Map<number, number>();
  private writtenInt = 0;
  private writtenFloat = 0;

  constructor(input: AllocatorInput, output: AllocatorOutput) {
    this.input = input;
    this.output = output;
    for (const preg of [...input.allocatableInt, ...input.allocatableFloat]) this.allowed.add(preg);
    for (let o = 0; o < at(input.operandStart, input.instCount); o++)
      if (at(input.operandConstraint, o) === Constraint.fixed) this.fixedRegisters.add(at(input.operandData, o));
    for (let b = 0; b < input.blockCount; b++) this.blockAtStart.set(2 * at(input.blockStart, b), b);
    const positions = 2 * input.instCount + 1;
    this.firstEdit = new Int32Array(positions + 1);
    let edit = 0;
    for (let p = 0; p <= positions; p++) {
      while (edit < output.editPosition.length && at(output.editPosition, edit) < p) edit++;
      this.firstEdit[p] = edit;
    }
  }

  report(message: string): void {
    if (this.reporting && this.problems.length < 100) this.problems.push(message);
  }

  private isScratch(place: number): boolean {
    return place === this.input.scratchInt || place === this.input.scratchFloat;
  }

  private written(place: number): void {
    if (place >= FIRST_SLOT) return;
    if (place < 32) this.writtenInt |= 1 << place;
    else this.writtenFloat |= 1 << (place & 31);
  }

  /** Forgets what a write of `bytes` to `place` destroys. */
  private kill(state: State, place: number, bytes: number): void {
    state.delete(place);
    if (place < FIRST_SLOT) return;
    const below = state.get(place - 1);
    if (place > FIRST_SLOT && below !== undefined && below.bytes > 8) state.delete(place - 1);
    if (bytes > 8) state.delete(place + 1);
  }

  private holds(state: State, place: number, vreg: number): boolean {
    const held = state.get(place);
    return held?.vregs.has(vreg) === true && held.bytes >= at(this.input.vregSize, vreg);
  }

  /** Is `place` of the class, and within the slots? */
  private checkPlace(what: string, place: number, regClass: number, bytes: number): void {
    if (place < 0) this.report(`${what}: no place`);
    else if (place < FIRST_SLOT) {
      if (place < 32 !== (regClass === RegClass.int)) this.report(`${what}: register ${place} is of the other class`);
    } else {
      const slot = place - FIRST_SLOT;
      if (slot + bytes / 8 > this.output.slotCount) this.report(`${what}: slot ${slot} is beyond the slots`);
      if (bytes > 8 && slot % 2 !== 0) this.report(`${what}: 16-byte value in odd slot ${slot}`);
    }
  }

  private edits(state: State, position: number): void {
    const { input, output } = this;
    for (let e = at(this.firstEdit, position); e < at(this.firstEdit, position + 1); e++) {
      const from = at(output.editFrom, e);
      const to = at(output.editTo, e);
      const regClass = at(output.editClass, e) & 15;
      const bytes = at(output.editClass, e) >> 4;
      const what = `edit ${e} at ${position}`;
      if (bytes !== 8 && bytes !== 16) this.report(`${what}: ${bytes} bytes`);
      this.checkPlace(what, to, regClass, bytes);
      if (to < FIRST_SLOT && !this.allowed.has(to) && !this.isScratch(to) && !this.fixedRegisters.has(to))
        this.report(`${what}: writes register ${to}`);
      this.written(to);
      let vregs: ReadonlySet<number> = new Set<number>();
      if (at(output.editKind, e) === EditKind.move) {
        this.checkPlace(what, from, regClass, bytes);
        if (from >= FIRST_SLOT && to >= FIRST_SLOT) this.report(`${what}: from slot to slot`);
        const held = state.get(from);
        if (held !== undefined) {
          const kept = new Set<number>();
          for (const v of held.vregs)
            if (at(input.vregClass, v) === regClass && at(input.vregSize, v) <= Math.min(bytes, held.bytes))
              kept.add(v);
          vregs = kept;
        }
      } else {
        if (to >= FIRST_SLOT) this.report(`${what}: makes a value again in a slot`);
        const remade = new Set<number>();
        for (let o = at(input.operandStart, from); o < at(input.operandStart, from + 1); o++) {
          const v = at(input.operandVreg, o);
          if (at(input.vregRemat, v) === from && at(input.operandKind, o) >= OperandKind.def) {
            remade.add(v);
            if (at(input.vregClass, v) !== regClass) this.report(`${what}: class of the value made again`);
          }
        }
        this.addParameters(remade, position);
        if (remade.size === 0) this.report(`${what}: instruction ${from} cannot be run again`);
        vregs = remade;
      }
      this.kill(state, to, bytes);
      if (vregs.size > 0) state.set(to, { vregs, bytes });
    }
  }

  /**
   * At the start of a block with one way in, a value made again is also the parameters that it was passed for: edits there belong to the
   * edge, but states change name before them.
   */
  private addParameters(vregs: Set<number>, position: number): void {
    const { input } = this;
    const b = this.blockAtStart.get(position);
    if (b === undefined || at(input.predStart, b + 1) - at(input.predStart, b) !== 1) return;
    const p = at(input.pred, at(input.predStart, b));
    for (let e = at(input.succStart, p); e < at(input.succStart, p + 1); e++) {
      if (at(input.succ, e) !== b) continue;
      for (let k = at(input.argStart, e); k < at(input.argStart, e + 1); k++)
        if (vregs.has(at(input.args, k)))
          vregs.add(at(input.params, at(input.paramStart, b) + k - at(input.argStart, e)));
    }
  }

  private dropScratch(state: State): void {
    state.delete(this.input.scratchInt);
    state.delete(this.input.scratchFloat);
  }

  private constraint(i: number, o: number, place: number): void {
    const { input, output } = this;
    const v = at(input.operandVreg, o);
    const what = `instruction ${i}, operand v${v}`;
    const first = at(input.operandStart, i);
    const data = at(input.operandData, o);
    this.checkPlace(what, place, at(input.vregClass, v), at(input.vregSize, v));
    if (this.isScratch(place)) this.report(`${what}: in the scratch register`);
    switch (at(input.operandConstraint, o)) {
      case Constraint.reg:
        if (place >= FIRST_SLOT) this.report(`${what}: not in a register`);
        break;
      case Constraint.fixed:
        if (place !== data) this.report(`${what}: in ${place} instead of ${data}`);
        return;
      case Constraint.tied: {
        if (place !== at(output.operandPlace, first + data)) this.report(`${what}: not where operand ${data} is`);
        if (place >= FIRST_SLOT) this.report(`${what}: not in a register`);
        if (at(input.operandConstraint, first + data) === Constraint.fixed) return;
        break;
      }
      case Constraint.stack:
        if (place < FIRST_SLOT) this.report(`${what}: not in a slot`);
        break;
    }
    let bound = false; // a use may be given the register of a definition that is tied to it
    for (let d = first; d < at(input.operandStart, i + 1); d++)
      if (at(input.operandConstraint, d) === Constraint.fixed && at(input.operandData, d) === place) bound = true;
    if (place < FIRST_SLOT && !this.allowed.has(place) && !bound)
      this.report(`${what}: register ${place} is not allocatable`);
  }

  private overlap(i: number): void {
    const { input, output } = this;
    const first = at(input.operandStart, i);
    const end = at(input.operandStart, i + 1);
    const clobbered = (place: number): boolean =>
      place < FIRST_SLOT &&
      (((place < 32 ? at(input.clobberInt, i) : at(input.clobberFloat, i)) >>> (place & 31)) & 1) === 1;
    for (let o = first; o < end; o++) {
      const kind = at(input.operandKind, o);
      const place = at(output.operandPlace, o);
      const constraint = at(input.operandConstraint, o);
      const what = `instruction ${i}, operand v${at(input.operandVreg, o)}`;
      if (kind === OperandKind.use) continue;
      const tiedTo = constraint === Constraint.tied ? first + at(input.operandData, o) : -1;
      const fixed =
        constraint === Constraint.fixed || (tiedTo >= 0 && at(input.operandConstraint, tiedTo) === Constraint.fixed);
      if (clobbered(place) && (kind === OperandKind.lateUse || !fixed))
        this.report(`${what}: in register ${place}, which is destroyed`);
      for (let other = first; other < end; other++) {
        if (other === o) continue;
        const otherKind = at(input.operandKind, other);
        const bytes = Math.max(
          at(input.vregSize, at(input.operandVreg, o)),
          at(input.vregSize, at(input.operandVreg, other)),
        );
        const otherPlace = at(output.operandPlace, other);
        const same =
          otherPlace === place ||
          (place >= FIRST_SLOT &&
            bytes > 8 &&
            Math.abs(otherPlace - place) === 1 &&
            (Math.min(place, otherPlace) - FIRST_SLOT) % 2 === 0);
        if (!same) continue;
        if (kind === OperandKind.lateUse) {
          if (otherKind >= OperandKind.def && at(input.operandData, other) + first !== o)
            this.report(`${what}: read late from the place of a definition`);
        } else if (otherKind >= OperandKind.def) this.report(`${what}: shares place ${place} with another definition`);
        else if (kind === OperandKind.earlyDef && tiedTo !== other) {
          const followsTie =
            tiedTo >= 0 &&
            at(input.operandVreg, other) === at(input.operandVreg, tiedTo) &&
            otherKind === OperandKind.use;
          if (!followsTie) this.report(`${what}: written early to the place of a use`);
        }
      }
    }
  }

  private instruction(state: State, i: number): void {
    const { input, output } = this;
    const first = at(input.operandStart, i);
    const end = at(input.operandStart, i + 1);
    if (at(output.skipped, i) !== 0) {
      const v = at(input.operandVreg, first);
      if (
        end - first !== 1 ||
        at(input.vregRemat, v) !== i ||
        (at(input.clobberInt, i) | at(input.clobberFloat, i)) !== 0
      )
        this.report(`instruction ${i} is skipped`);
      this.forget(state, v);
      return;
    }
    for (let o = first; o < end; o++) {
      const place = at(output.operandPlace, o);
      if (this.reporting) this.constraint(i, o, place);
      if (at(input.operandKind, o) >= OperandKind.def) continue;
      const v = at(input.operandVreg, o);
      if (this.reporting && !this.holds(state, place, v))
        this.report(`instruction ${i}: use of v${v} in place ${place}, which holds ${describe(state.get(place))}`);
    }
    if (this.reporting) this.overlap(i);
    const clobberInt = at(input.clobberInt, i);
    const clobberFloat = at(input.clobberFloat, i);
    this.writtenInt |= clobberInt;
    this.writtenFloat |= clobberFloat;
    for (let r = 0; r < 32; r++) {
      if ((clobberInt >>> r) & 1) state.delete(r);
      if ((clobberFloat >>> r) & 1) state.delete(32 + r);
    }
    for (let o = first; o < end; o++)
      if (at(input.operandKind, o) >= OperandKind.def) this.forget(state, at(input.operandVreg, o));
    for (let o = first; o < end; o++) {
      if (at(input.operandKind, o) < OperandKind.def) continue;
      const v = at(input.operandVreg, o);
      const place = at(output.operandPlace, o);
      const bytes = at(input.vregSize, v);
      this.kill(state, place, bytes);
      state.set(place, { vregs: new Set([v]), bytes });
      this.written(place);
    }
  }

  /** A new definition of v: old copies are no longer v. */
  private forget(state: State, v: number): void {
    for (const [place, held] of state) {
      if (!held.vregs.has(v)) continue;
      const rest = new Set(held.vregs);
      rest.delete(v);
      if (rest.size === 0) state.delete(place);
      else state.set(place, { vregs: rest, bytes: held.bytes });
    }
  }

  /** The state behind block b that began in `state`, which is changed. */
  block(state: State, b: number): void {
    const { input } = this;
    const last = at(input.blockStart, b + 1) - 1;
    for (let i = at(input.blockStart, b); i <= last; i++) {
      this.edits(state, 2 * i);
      this.dropScratch(state);
      this.instruction(state, i);
      if (i === last && at(this.firstEdit, 2 * i + 1) !== at(this.firstEdit, 2 * i + 2))
        this.report(`edits behind the last instruction of block ${b}`);
      this.edits(state, 2 * i + 1);
      this.dropScratch(state);
    }
  }

  /** The state at the beginning of the successor along edge e. */
  edge(state: State, e: number): State {
    const { input } = this;
    const target = at(input.succ, e);
    const firstParam = at(input.paramStart, target);
    const count = at(input.paramStart, target + 1) - firstParam;
    const result: State = new Map();
    const params = new Set<number>();
    for (let k = 0; k < count; k++) params.add(at(input.params, firstParam + k));
    for (const [place, held] of state) {
      const vregs = new Set<number>();
      for (const v of held.vregs) if (!params.has(v)) vregs.add(v);
      for (let k = 0; k < count; k++)
        if (held.vregs.has(at(input.args, at(input.argStart, e) + k))) vregs.add(at(input.params, firstParam + k));
      if (vregs.size > 0) result.set(place, { vregs, bytes: held.bytes });
    }
    return result;
  }

  checkMasks(): void {
    const { input, output } = this;
    const missingInt = this.writtenInt & input.calleeSavedInt & ~output.usedCalleeSavedInt;
    const missingFloat = this.writtenFloat & input.calleeSavedFloat & ~output.usedCalleeSavedFloat;
    if (missingInt !== 0) this.report(`callee-saved registers not reported: 0x${(missingInt >>> 0).toString(16)}`);
    if (missingFloat !== 0)
      this.report(`callee-saved float registers not reported: 0x${(missingFloat >>> 0).toString(16)}`);
  }

  checkOrder(): void {
    const { editPosition } = this.output;
    for (let e = 0; e < editPosition.length; e++) {
      const position = at(editPosition, e);
      if (position < 0 || position >= 2 * this.input.instCount) this.report(`edit ${e} at position ${position}`);
      if (e > 0 && position < at(editPosition, e - 1)) this.report(`edit ${e} is out of order`);
    }
    if (this.output.operandPlace.length < at(this.input.operandStart, this.input.instCount))
      this.report("operands without a place");
  }
}

function describe(held: Held | undefined): string {
  return held === undefined ? "nothing" : `{${[...held.vregs].map((v) => `v${v}`).join(", ")}} (${held.bytes} bytes)`;
}

/** Keeps in `into` what `other` agrees with. True if something was lost. */
function meet(into: State, other: State): boolean {
  let changed = false;
  for (const [place, held] of into) {
    const theirs = other.get(place);
    if (theirs === undefined) {
      into.delete(place);
      changed = true;
      continue;
    }
    let lost = theirs.bytes < held.bytes;
    for (const v of held.vregs) if (!theirs.vregs.has(v)) lost = true;
    if (!lost) continue;
    changed = true;
    const vregs = new Set<number>();
    for (const v of held.vregs) if (theirs.vregs.has(v)) vregs.add(v);
    if (vregs.size === 0) into.delete(place);
    else into.set(place, { vregs, bytes: Math.min(held.bytes, theirs.bytes) });
  }
  return changed;
}

/**
 * Everything that is wrong with `output` as an allocation of `input`, at most 100 sentences; empty if it is right. Blocks that the entry
 * does not reach are not looked at.
 */
export function checkAllocation(input: AllocatorInput, output: AllocatorOutput): string[] {
  const checker = new Checker(input, output);
  checker.reporting = true;
  checker.checkOrder();
  if (checker.problems.length > 0) return checker.problems;
  checker.reporting = false;

  const entry: (State | undefined)[] = new Array<State | undefined>(input.blockCount).fill(undefined);
  entry[0] = new Map();
  const queued = new Uint8Array(input.blockCount);
  queued[0] = 1;
  let work = [0];
  while (work.length > 0) {
    // In block order within a round: most states are final when they are first used.
    const round = work.sort((a, b) => a - b);
    work = [];
    for (const b of round) {
      queued[b] = 0;
      const state: State = new Map(entry[b]);
      checker.block(state, b);
      for (let e = at(input.succStart, b); e < at(input.succStart, b + 1); e++) {
        const target = at(input.succ, e);
        const arriving = checker.edge(state, e);
        const known = entry[target];
        let changed = false;
        if (known === undefined) {
          entry[target] = arriving;
          changed = true;
        } else changed = meet(known, arriving);
        if (changed && queued[target] === 0) {
          queued[target] = 1;
          work.push(target);
        }
      }
    }
  }

  checker.reporting = true;
  for (let b = 0; b < input.blockCount; b++) {
    const state = entry[b];
    if (state !== undefined) checker.block(new Map(state), b);
  }
  checker.checkMasks();
  return checker.problems;
}
