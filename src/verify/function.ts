/**
 * One function: the fixpoint of what holds at the head of each of its blocks.
 *
 * A block is run again until nothing more is lost at its head; its problems are those of the last run. Where this does not prove a function,
 * it is done once more with care: whenever something is lost at a head, what was found out about blocks that are only entered by way of it is
 * forgotten, so that nothing remains of rounds of a loop that knew too much.
 */

import { LANDING_OFFSET } from "../layout/offsets.ts";
import { Atoms, NO_PLACE, Part } from "./atoms.ts";
import { Blocks, type Shape } from "./blocks.ts";
import { assume, mayTellSignature } from "./conditions.ts";
import type { RightsOf } from "./context.ts";
import { type End, run } from "./control.ts";
import { Flow } from "./decode.ts";
import type { CodeFunction } from "./image.ts";
import { join, renamed } from "./join.ts";
import { Machine, NO_BLOCK, type Problem, Reg, type World } from "./machine.ts";
import { State } from "./state.ts";
import type { FunctionType } from "./types.ts";
import { AtomKind, Base, type Condition, Form, ofAtom } from "./values.ts";

/** Runs of one block: more than any range needs to settle. */
const VISIT_LIMIT = 200;
/** With care inner loops settle anew for each round of outer ones. */
const CAREFUL_VISIT_LIMIT = 5000;

export function verifyFunction(world: World, f: CodeFunction, rights: RightsOf): readonly Problem[] {
  const type = f.type === undefined ? undefined : world.types.of(f.type);
  if (type === undefined) return [{ function: f, at: f.start, reason: "its type is not known" }];
  const code = world.reader.decode(world.image, f);
  if (typeof code === "number") {
    return [{ function: f, at: code, reason: "is no instruction, or one that goes on behind the function's end" }];
  }
  const blocks = new Blocks(world.image, f, code);
  const attempt = (speculative: boolean): Verifier => {
    const first = new Verifier(world, f, type, blocks, rights, { speculative, careful: false });
    if (first.run().length === 0) return first;
    const second = new Verifier(world, f, type, blocks, rights, { speculative, careful: true });
    second.run();
    return second;
  };
  const { problems, dependsOnBranches } = attempt(false);
  return problems.length > 0 || !dependsOnBranches ? problems : attempt(true).problems;
}

interface Manner {
  /** Branches may go either way. */
  readonly speculative: boolean;
  readonly careful: boolean;
}

class Verifier {
  readonly #world: World;
  readonly #f: CodeFunction;
  readonly #blocks: Blocks;
  readonly #careful: boolean;
  readonly #machine: Machine;
  readonly #heads: (State | undefined)[] = [];
  readonly #problems: (readonly Problem[])[] = [];
  readonly #queue: BlockQueue;
  readonly #visits: Int32Array;
  /** The block from which each was entered first, plus 1; 0: none was. */
  readonly #entered: Int32Array;
  #failed: Problem | undefined;
  problems: readonly Problem[] = [];

  constructor(
    world: World,
    f: CodeFunction,
    type: FunctionType,
    blocks: Blocks,
    rights: RightsOf,
    { speculative, careful }: Manner,
  ) {
    this.#world = world;
    this.#f = f;
    this.#blocks = blocks;
    this.#careful = careful;
    this.#queue = new BlockQueue(blocks.count, careful ? blocks.shape : undefined);
    this.#visits = new Int32Array(blocks.count);
    this.#entered = new Int32Array(blocks.count);
    const [first] = blocks.code;
    if (first === undefined) throw new RangeError("a function without instructions");
    const state = initialState(type, new Atoms(world.types.join));
    this.#machine = new Machine(world, f, type, rights.of(f), state, first, speculative);
    this.#heads[0] = state;
    this.#queue.add(0);
  }

  get dependsOnBranches(): boolean {
    return this.#machine.dependsOnBranches;
  }

  run(): readonly Problem[] {
    this.problems = this.#run();
    return this.problems;
  }

  #run(): readonly Problem[] {
    this.#checkLandings();
    for (;;) {
      const block = this.#queue.next();
      if (block < 0 || this.#failed !== undefined) break;
      const visits = (this.#visits[block] ?? 0) + 1;
      this.#visits[block] = visits;
      if (visits > (this.#careful ? CAREFUL_VISIT_LIMIT : VISIT_LIMIT)) {
        return [this.#problem(this.#blocks.starts[block] ?? 0, "its values don't settle")];
      }
      this.#runBlock(block);
    }
    if (this.#failed !== undefined) return [this.#failed];
    return this.#problems.flat();
  }

  #problem(n: number, reason: string): Problem {
    return { function: this.#f, at: this.#blocks.code[n]?.at ?? this.#f.start, reason };
  }

  /** Exceptions continue behind calls only. */
  #checkLandings(): void {
    const { code, landings } = this.#blocks;
    for (const landing of landings) {
      const call = code[this.#blocks.instructionAt(landing - LANDING_OFFSET) - 1];
      if (call?.flow === Flow.call || call?.flow === Flow.indirectCall) continue;
      this.#failed ??= this.#problem(0, `an exception may continue at 0x${landing.toString(16)}, not behind a call`);
    }
  }

  #runBlock(block: number): void {
    const head = this.#heads[block];
    if (head === undefined) return;
    const m = this.#machine;
    const { code } = this.#blocks;
    m.state = head.clone();
    m.block = block;
    m.problems = [];
    const end = this.#blocks.end(block);
    let n = this.#blocks.starts[block] ?? 0;
    let last: End = { kind: "falls" };
    for (; n < end && last.kind === "falls"; n++) {
      m.i = code[n] ?? m.i;
      last = run(m);
      if (m.landing !== undefined) {
        this.#enter(this.#blocks.instructionAt(m.i.next + LANDING_OFFSET), m.landing);
        m.landing = undefined;
      }
    }
    if (this.#heads[block] !== undefined) this.#problems[block] = m.problems;
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
        return this.#enter(this.#blocks.instructionAt(end.target), m.state);
      case "branch": {
        const { flags } = m.state;
        const taken = m.state.clone();
        if (flags !== undefined) {
          const condition = { op: "compare", condition: m.i.condition, flags } as const;
          this.#assume(taken, condition, true);
          this.#assume(m.state, condition, false);
        }
        this.#enter(this.#blocks.instructionAt(end.target), taken);
        return this.#enter(next, m.state);
      }
      case "table": {
        m.state.flags = undefined;
        const seen = new Set(end.targets);
        for (const target of seen) this.#enter(this.#blocks.instructionAt(target), m.state);
      }
    }
  }

  /** A processor that runs ahead has learnt nothing, but for the types of functions: that a callee has another one is not guarded against. */
  #assume(state: State, condition: Condition, truth: boolean): void {
    const typeOf = (half: number): number => this.#world.types.ofHalf(half);
    if (!this.#machine.speculative) return assume(state, condition, truth, typeOf);
    if (!mayTellSignature(state, condition)) return;
    const learnt = state.clone();
    assume(learnt, condition, truth, typeOf);
    state.elements = learnt.elements;
  }

  #enter(n: number, state: State): void {
    const { block: from, i } = this.#machine;
    // What is being run was forgotten on the way: it will be run again.
    if (state.impossible || this.#heads[from] === undefined) return;
    const block = this.#blocks.beginningAt(n);
    if (block < 0) {
      this.#failed = this.#problem(
        this.#blocks.code.indexOf(i),
        "control goes to something that is no instruction's beginning",
      );
      return;
    }
    const severalEntries = this.#blocks.hasEntries(block);
    const entered = this.#entered[block] ?? 0;
    if (entered === 0) this.#entered[block] = from + 1;
    else if (!severalEntries && entered !== from + 1) {
      this.#failed = this.#problem(this.#blocks.code.indexOf(i), "control goes where no jump seems to lead");
      return;
    }
    const head = this.#heads[block];
    if (head === undefined) {
      this.#heads[block] = (this.#visits[block] ?? 0) === 0 ? state.clone() : renamed(state, block);
      this.#queue.add(block);
    } else if (!severalEntries) {
      // The state that leads here has changed: any cycle goes through a block that is entered from several places.
      this.#heads[block] = renamed(state, block);
      this.#queue.add(block);
    } else if (join(head, state, block, this.#isBefore(block, from))) {
      if (this.#careful && this.#blocks.shape.isBelow(from, block)) this.#forget(block);
      this.#queue.add(block);
    }
    if (this.#careful && !this.#blocks.shape.follows(from, block)) {
      this.#failed = this.#problem(this.#blocks.code.indexOf(i), "control goes where no jump seems to lead");
    }
  }

  /** What leads from `b` to `a` seems to go round a loop. */
  #isBefore(a: number, b: number): boolean {
    if (!this.#careful) return a <= b;
    const { position } = this.#blocks.shape;
    return (position[a] ?? 0) <= (position[b] ?? 0);
  }

  /** What is known of blocks that are only entered by way of `block`: all of what leads to them will be run again. */
  #forget(block: number): void {
    for (const b of this.#blocks.shape.below(block)) {
      this.#heads[b] = undefined;
      this.#problems[b] = [];
    }
  }
}

function initialState(type: FunctionType, atoms: Atoms): State {
  const state = new State(atoms);
  for (let r = 0; r < 16; r++) {
    const part = Part.register + r;
    const any = atoms.make(NO_PLACE, part, NO_BLOCK, Number.POSITIVE_INFINITY, AtomKind.plain, 0, undefined);
    state.registers.push(ofAtom(any));
  }
  for (const r of [3, 5, 12, 13, 14, 15]) state.registers[r] = new Form(Base.saved + r, 0);
  state.registers[Reg.rsp] = new Form(Base.frame, 8);
  state.registers[Reg.rdi] = new Form(Base.context, 0);
  state.slots.set(8, new Form(Base.returnAddress, 0));
  const reference = (token: string, part: number): Form =>
    ofAtom(atoms.make(NO_PLACE, part, NO_BLOCK, Number.POSITIVE_INFINITY, AtomKind.reference, 0, token));
  for (const [register, token] of type.registerReferences) {
    state.registers[register] = reference(token, Part.register + register);
  }
  for (const [offset, token] of type.stackReferences) {
    state.slots.set(16 + offset, reference(token, Part.slot + offset));
  }
  return state;
}

/** Blocks to run, in an order that is nearly the one in which they are executed. */
class BlockQueue {
  readonly #waiting: Uint8Array;
  readonly #shape: Shape | undefined;
  #count = 0;
  #from = 0;
  /** In the order of the code, or of a shape. */
  constructor(blocks: number, shape: Shape | undefined) {
    this.#waiting = new Uint8Array(blocks);
    this.#shape = shape;
  }
  add(block: number): void {
    const place = this.#shape === undefined ? block : (this.#shape.position[block] ?? 0);
    if (this.#waiting[place] === 1) return;
    this.#waiting[place] = 1;
    this.#count++;
    // What comes first is done first; without a shape, in rounds.
    if (this.#shape !== undefined) this.#from = Math.min(this.#from, place);
  }
  /** -1: there is none. */
  next(): number {
    if (this.#count === 0) return -1;
    let place = this.#waiting.indexOf(1, this.#from);
    if (place < 0) place = this.#waiting.indexOf(1);
    this.#waiting[place] = 0;
    this.#count--;
    this.#from = place + 1;
    return this.#shape === undefined ? place : (this.#shape.order[place] ?? -1);
  }
}
