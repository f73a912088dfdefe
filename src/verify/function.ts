/**
 * One function: its blocks from the decoded instructions, and the fixpoint of what holds at the head of each.
 *
 * Blocks begin at the function's start, at targets of jumps, behind jumps, and at what any table in the function's constants might name.
 * A block is run again until nothing more is lost at its head; its problems are those of the last run.
 */

import { LANDING_OFFSET } from "../layout/offsets.ts";
import { assume } from "./conditions.ts";
import type { RightsOf } from "./context.ts";
import { type End, run } from "./control.ts";
import { Flow, type Instruction } from "./decode.ts";
import type { CodeFunction } from "./image.ts";
import { Machine, NO_BLOCK, type Problem, Reg, type World } from "./machine.ts";
import { State } from "./state.ts";
import type { FunctionType } from "./types.ts";
import { AtomKind, Atoms, Base, Form, ofAtom } from "./values.ts";

/** Runs of one block: more than any range needs to settle. */
const VISIT_LIMIT = 200;

export function verifyFunction(world: World, f: CodeFunction, rights: RightsOf): Problem[] {
  const type = f.type === undefined ? undefined : world.types.of(f.type);
  if (type === undefined) return [{ function: f, at: f.start, reason: "its type is not known" }];
  const code = world.reader.decode(world.image, f);
  if (typeof code === "number") {
    return [{ function: f, at: code, reason: "is no instruction, or one that goes on behind the function's end" }];
  }
  const verifier = new Verifier(world, f, type, code, rights, false);
  const problems = verifier.run();
  if (problems.length > 0 || !verifier.dependsOnBranches) return problems;
  return new Verifier(world, f, type, code, rights, true).run();
}

class Verifier {
  readonly #world: World;
  readonly #f: CodeFunction;
  readonly #code: readonly Instruction[];
  readonly #machine: Machine;
  /** Offset in the function → number of the instruction there, or -1. */
  readonly #at: Int32Array;
  /** First instruction of each block; one more than the last at the end. */
  readonly #starts: number[] = [];
  /** Instruction → block that it begins, or -1. */
  readonly #blockOf: Int32Array;
  /** Blocks that are entered from one place only. */
  readonly #entries: Int32Array;
  readonly #heads: (State | undefined)[] = [];
  readonly #problems: (readonly Problem[])[] = [];
  readonly #queue: BlockQueue;
  readonly #visits: Int32Array;
  #failed: Problem | undefined;

  constructor(
    world: World,
    f: CodeFunction,
    type: FunctionType,
    code: readonly Instruction[],
    rights: RightsOf,
    speculative: boolean,
  ) {
    this.#world = world;
    this.#f = f;
    this.#code = code;
    this.#at = new Int32Array(f.end - f.start).fill(-1);
    code.forEach((i, n) => {
      this.#at[i.at - f.start] = n;
    });
    const entries = this.#findBlocks();
    this.#blockOf = new Int32Array(code.length).fill(-1);
    for (let n = 0; n < code.length; n++) {
      if ((entries[n] ?? 0) === 0) continue;
      this.#blockOf[n] = this.#starts.length;
      this.#starts.push(n);
    }
    this.#entries = Int32Array.from(this.#starts, (n) => entries[n] ?? 0);
    this.#queue = new BlockQueue(this.#starts.length);
    this.#visits = new Int32Array(this.#starts.length);
    const first = code[0];
    if (first === undefined) throw new RangeError("a function without instructions");
    const state = initialState(type);
    this.#machine = new Machine(world, f, type, rights.of(f), state, first, speculative);
    this.#heads[0] = state;
    this.#queue.add(0);
  }

  get dependsOnBranches(): boolean {
    return this.#machine.dependsOnBranches;
  }

  run(): Problem[] {
    this.#checkLandings();
    for (;;) {
      const block = this.#queue.next();
      if (block < 0 || this.#failed !== undefined) break;
      const visits = (this.#visits[block] ?? 0) + 1;
      this.#visits[block] = visits;
      if (visits > VISIT_LIMIT) return [this.#problem(this.#starts[block] ?? 0, "its values don't settle")];
      this.#runBlock(block);
    }
    if (this.#failed !== undefined) return [this.#failed];
    return this.#problems.flat();
  }

  #problem(n: number, reason: string): Problem {
    return { function: this.#f, at: this.#code[n]?.at ?? this.#f.start, reason };
  }

  /** The number of the instruction at an address, or -1. */
  #instructionAt(address: number): number {
    return this.#at[address - this.#f.start] ?? -1;
  }

  /** For each instruction how often it is jumped or fallen to as a block's first; 0: it is none. */
  #findBlocks(): Int32Array {
    const code = this.#code;
    const entries = new Int32Array(code.length);
    const add = (n: number): void => {
      if (n >= 0 && n < entries.length) entries[n] = (entries[n] ?? 0) + 1;
    };
    add(0);
    const tables: number[] = [];
    code.forEach((i, n) => {
      if (i.flow === Flow.jump || i.flow === Flow.branch) add(this.#instructionAt(i.target));
      if (i.flow === Flow.branch) add(n + 1);
      // Entered by nothing, unless by a jump.
      else if (i.flow !== Flow.next && i.flow !== Flow.call && i.flow !== Flow.indirectCall && n + 1 < code.length) {
        entries[n + 1] = Math.max(entries[n + 1] ?? 0, 1);
      }
      if (i.flow === Flow.call && this.#isRaise(i.target) && n + 1 < code.length) {
        entries[n + 1] = Math.max(entries[n + 1] ?? 0, 1);
      }
      if (i.ripRelative && i.displacement >= this.#f.end && i.displacement < this.#f.constantsEnd) {
        tables.push(i.displacement);
      }
    });
    for (const address of this.#landings()) add(this.#instructionAt(address));
    for (const n of this.#tableTargets(tables)) entries[n] = (entries[n] ?? 0) + 2;
    // What falls into a block from above is one more.
    for (let n = 1; n < code.length; n++) {
      const before = code[n - 1];
      if ((entries[n] ?? 0) === 0 || before === undefined) continue;
      const falls = before.flow === Flow.next || before.flow === Flow.call || before.flow === Flow.indirectCall;
      if (falls) entries[n] = (entries[n] ?? 0) + 1;
    }
    return entries;
  }

  /** Where exceptions continue. */
  #landings(): number[] {
    const out: number[] = [];
    for (const address of this.#world.image.catches) {
      if (address > this.#f.start && address <= this.#f.end) out.push(address + LANDING_OFFSET);
    }
    return out;
  }

  /** Exceptions continue behind calls only. */
  #checkLandings(): void {
    for (const landing of this.#landings()) {
      const call = this.#code[this.#instructionAt(landing - LANDING_OFFSET) - 1];
      if (call?.flow === Flow.call || call?.flow === Flow.indirectCall) continue;
      this.#failed ??= this.#problem(0, `an exception may continue at 0x${landing.toString(16)}, not behind a call`);
    }
  }

  #isRaise(target: number): boolean {
    return this.#world.image.byStart.get(target)?.kind === "support raise";
  }

  /** Instructions that tables at these addresses may name: as long as the entries make sense. */
  #tableTargets(addresses: readonly number[]): Set<number> {
    const { text, textStart } = this.#world.image;
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    const sorted = [...new Set(addresses)].sort((a, b) => a - b);
    const targets = new Set<number>();
    sorted.forEach((start, k) => {
      const end = Math.min(sorted[k + 1] ?? this.#f.constantsEnd, this.#f.constantsEnd);
      for (let at = start; at + 4 <= end; at += 4) {
        const n = this.#instructionAt(start + view.getInt32(at - textStart, true));
        if (n < 0) break;
        targets.add(n);
      }
    });
    return targets;
  }

  #runBlock(block: number): void {
    const head = this.#heads[block];
    if (head === undefined) return;
    const m = this.#machine;
    m.state = head.clone();
    m.block = block;
    m.problems = [];
    const end = this.#starts[block + 1] ?? this.#code.length;
    let n = this.#starts[block] ?? 0;
    let last: End = { kind: "falls" };
    for (; n < end && last.kind === "falls"; n++) {
      m.i = this.#code[n] ?? m.i;
      last = run(m);
      if (m.landing !== undefined) {
        this.#enter(this.#instructionAt(m.i.next + LANDING_OFFSET), m.landing);
        m.landing = undefined;
      }
    }
    this.#problems[block] = m.problems;
    this.#follow(last, n);
  }

  /** `next`: the instruction behind the last one that was run. */
  #follow(end: End, next: number): void {
    const m = this.#machine;
    switch (end.kind) {
      case "ends":
        return;
      case "falls":
        return this.#enter(next, m.state);
      case "jump":
        return this.#enter(this.#instructionAt(end.target), m.state);
      case "branch": {
        const { flags } = m.state;
        const typeOf = (half: number): number => this.#world.types.ofHalf(half);
        const taken = m.state.clone();
        if (flags !== undefined && !m.speculative) {
          const condition = { op: "compare", condition: m.i.condition, flags } as const;
          assume(taken, condition, true, typeOf);
          assume(m.state, condition, false, typeOf);
        }
        this.#enter(this.#instructionAt(end.target), taken);
        return this.#enter(next, m.state);
      }
      case "table": {
        m.state.flags = undefined;
        const seen = new Set(end.targets);
        for (const target of seen) this.#enter(this.#instructionAt(target), m.state);
      }
    }
  }

  #enter(n: number, state: State): void {
    if (state.impossible) return;
    const block = this.#blockOf[n] ?? -1;
    if (block < 0) {
      this.#failed = this.#problem(
        this.#code.indexOf(this.#machine.i),
        "control goes to something that is no instruction's beginning",
      );
      return;
    }
    const head = this.#heads[block];
    if (head === undefined) {
      const first = state.clone();
      if ((this.#entries[block] ?? 0) > 1) first.flags = undefined;
      this.#heads[block] = first;
      this.#queue.add(block);
    } else if ((this.#entries[block] ?? 0) <= 1) {
      // The state that leads here has changed: any cycle goes through a block that is entered from several places.
      this.#heads[block] = state.renamed(block);
      this.#queue.add(block);
    } else if (head.join(state, block, block <= this.#machine.block)) this.#queue.add(block);
  }
}

function initialState(type: FunctionType): State {
  const atoms = new Atoms();
  const state = new State(atoms);
  for (let r = 0; r < 16; r++) {
    const any = atoms.make(`entry r${r}`, NO_BLOCK, Number.POSITIVE_INFINITY, AtomKind.plain, 0, undefined);
    state.registers.push(ofAtom(any));
  }
  for (const r of [3, 5, 12, 13, 14, 15]) state.registers[r] = new Form(Base.saved + r, 0);
  state.registers[Reg.rsp] = new Form(Base.frame, 8);
  state.registers[Reg.rdi] = new Form(Base.context, 0);
  state.slots.set(8, new Form(Base.returnAddress, 0));
  const reference = (token: string, place: string): Form =>
    ofAtom(atoms.make(place, NO_BLOCK, Number.POSITIVE_INFINITY, AtomKind.reference, 0, token));
  for (const [register, token] of type.registerReferences) {
    state.registers[register] = reference(token, `entry r${register}`);
  }
  for (const [offset, token] of type.stackReferences) {
    state.slots.set(16 + offset, reference(token, `entry s${offset}`));
  }
  return state;
}

/** Blocks to run, in the order of the code: that is nearly the order in which they are executed. */
class BlockQueue {
  readonly #waiting: Uint8Array;
  #count = 0;
  #from = 0;
  constructor(blocks: number) {
    this.#waiting = new Uint8Array(blocks);
  }
  add(block: number): void {
    if (this.#waiting[block] === 1) return;
    this.#waiting[block] = 1;
    this.#count++;
  }
  /** The next one in the order of the code, from the beginning again behind the last; -1: there is none. */
  next(): number {
    if (this.#count === 0) return -1;
    let block = this.#waiting.indexOf(1, this.#from);
    if (block < 0) block = this.#waiting.indexOf(1);
    this.#waiting[block] = 0;
    this.#count--;
    this.#from = block + 1;
    return block;
  }
}
