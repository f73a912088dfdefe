/**
 * The blocks of one function, from its decoded instructions: they begin at the function's start, at targets of jumps, behind jumps, where
 * exceptions continue, and at what any table in the function's constants might name.
 */

import { LANDING_OFFSET } from "../layout/offsets.ts";
import { Flow, type Instruction } from "./decode.ts";
import type { CodeFunction, CodeImage } from "./image.ts";

export class Blocks {
  readonly #image: CodeImage;
  readonly #f: CodeFunction;
  readonly code: readonly Instruction[];
  /** First instruction of each block. */
  readonly starts: readonly number[];
  /** Instruction → block that it begins, or -1. */
  readonly #blockOf: Int32Array;
  /** Block → how often it is jumped or fallen to. */
  readonly #entries: Int32Array;
  /** Offset in the function → number of the instruction there, or -1. */
  readonly #at: Int32Array;
  /** Where exceptions continue. */
  readonly landings: readonly number[];
  readonly #tableTargets: ReadonlySet<number>;
  #shape: Shape | undefined;

  constructor(image: CodeImage, f: CodeFunction, code: readonly Instruction[]) {
    this.#image = image;
    this.#f = f;
    this.code = code;
    this.#at = new Int32Array(f.end - f.start).fill(-1);
    let n = 0;
    for (const i of code) this.#at[i.at - f.start] = n++;
    this.landings = image.catchesIn(f.start, f.end).map((c) => c + LANDING_OFFSET);
    this.#tableTargets = this.#findTableTargets();
    const entries = this.#countEntries();
    this.#blockOf = new Int32Array(code.length).fill(-1);
    const starts: number[] = [];
    for (n = 0; n < code.length; n++) {
      if ((entries[n] ?? 0) === 0) continue;
      this.#blockOf[n] = starts.length;
      starts.push(n);
    }
    this.starts = starts;
    this.#entries = Int32Array.from(starts, (n) => entries[n] ?? 0);
  }

  get count(): number {
    return this.starts.length;
  }
  /** Behind the last instruction of a block. */
  end(block: number): number {
    return this.starts[block + 1] ?? this.code.length;
  }
  /** It is entered from several places. */
  hasEntries(block: number): boolean {
    return (this.#entries[block] ?? 0) > 1;
  }
  /** The number of the instruction at an address, or -1. */
  instructionAt(address: number): number {
    return this.#at[address - this.#f.start] ?? -1;
  }
  /** The block that an instruction begins, or -1. */
  beginningAt(n: number): number {
    return this.#blockOf[n] ?? -1;
  }

  /** For each instruction how often it is jumped or fallen to as a block's first; 0: it is none. */
  #countEntries(): Int32Array {
    const { code } = this;
    const entries = new Int32Array(code.length);
    const add = (n: number): void => {
      if (n >= 0 && n < entries.length) entries[n] = (entries[n] ?? 0) + 1;
    };
    add(0);
    let next = 0;
    for (const i of code) {
      next++;
      if (i.flow === Flow.next) continue;
      if (i.flow === Flow.jump || i.flow === Flow.branch) add(this.instructionAt(i.target));
      if (i.flow === Flow.branch) add(next);
      // Entered by nothing, unless by a jump.
      else if (!this.#goesOn(i) && next < code.length) entries[next] = Math.max(entries[next] ?? 0, 1);
    }
    for (const address of this.landings) add(this.instructionAt(address));
    for (const n of this.#tableTargets) entries[n] = (entries[n] ?? 0) + 2;
    // What falls into a block from above is one more.
    for (let n = 1; n < code.length; n++) {
      const before = code[n - 1];
      if ((entries[n] ?? 0) !== 0 && before !== undefined && this.#goesOn(before)) add(n);
    }
    return entries;
  }

  /** Nothing but the next instruction follows, unless an exception continues elsewhere. */
  #goesOn(i: Instruction): boolean {
    const { flow } = i;
    if (flow === Flow.call) return this.#image.byStart.get(i.target)?.kind !== "support raise";
    return flow === Flow.next || flow === Flow.indirectCall;
  }

  /** Instructions that tables may name: as long as the entries make sense. */
  #findTableTargets(): Set<number> {
    const { text, textStart } = this.#image;
    const { end: codeEnd, constantsEnd } = this.#f;
    const view = new DataView(text.buffer, text.byteOffset, text.length);
    const addresses = new Set<number>();
    for (const { ripRelative, displacement } of this.code) {
      if (ripRelative && displacement >= codeEnd && displacement < constantsEnd) addresses.add(displacement);
    }
    const sorted = [...addresses].sort((a, b) => a - b);
    const targets = new Set<number>();
    sorted.forEach((start, k) => {
      const end = Math.min(sorted[k + 1] ?? constantsEnd, constantsEnd);
      for (let at = start; at + 4 <= end; at += 4) {
        const n = this.instructionAt(start + view.getInt32(at - textStart, true));
        if (n < 0) break;
        targets.add(n);
      }
    });
    return targets;
  }

  /** Blocks that may follow a block. */
  #successors(block: number): Set<number> {
    const out = new Set<number>();
    const add = (n: number): void => {
      const to = this.beginningAt(n);
      if (to >= 0) out.add(to);
    };
    const end = this.end(block);
    for (let n = this.starts[block] ?? 0; n < end; n++) {
      const i = this.code[n];
      if (i === undefined) break;
      if (i.flow === Flow.jump || i.flow === Flow.branch) add(this.instructionAt(i.target));
      else if (i.flow === Flow.indirectJump) for (const target of this.#tableTargets) add(target);
      else if (this.#image.catches.has(i.next)) add(this.instructionAt(i.next + LANDING_OFFSET));
      if (n + 1 === end && (i.flow === Flow.branch || this.#goesOn(i))) add(end);
    }
    return out;
  }

  /** What the jumps alone say of the order of blocks. */
  get shape(): Shape {
    this.#shape ??= new Shape(Array.from(this.starts, (_, block) => this.#successors(block)));
    return this.#shape;
  }
}

/** Which blocks follow which, and are entered only by way of which. */
export class Shape {
  readonly #successors: readonly ReadonlySet<number>[];
  /** Blocks that can be reached: each before those that follow it, unless it follows them, too. */
  readonly order: readonly number[];
  /** Block → its place in `order`, or -1. */
  readonly position: Int32Array;
  /** Blocks such that each is followed by those that are entered only by way of it; and where these end. */
  readonly #tree: number[] = [];
  readonly #first: Int32Array;
  readonly #last: Int32Array;

  constructor(successors: readonly ReadonlySet<number>[]) {
    this.#successors = successors;
    this.order = postorder(successors).reverse();
    this.position = new Int32Array(successors.length).fill(-1);
    this.order.forEach((block, n) => {
      this.position[block] = n;
    });
    this.#first = new Int32Array(successors.length).fill(-1);
    this.#last = new Int32Array(successors.length);
    const children: number[][] = successors.map(() => []);
    this.#dominators().forEach((d, block) => {
      if (block !== 0 && d >= 0) children[d]?.push(block);
    });
    const stack = [0];
    for (let block = stack.pop(); block !== undefined; block = stack.pop()) {
      if (block < 0) {
        this.#last[~block] = this.#tree.length;
        continue;
      }
      this.#first[block] = this.#tree.length;
      this.#tree.push(block);
      stack.push(~block, ...(children[block] ?? []));
    }
  }

  follows(from: number, to: number): boolean {
    return this.#successors[from]?.has(to) ?? false;
  }

  /** `block` is entered only by way of `by`, or is it. */
  isBelow(block: number, by: number): boolean {
    const first = this.#first[block] ?? -1;
    return first >= (this.#first[by] ?? 0) && first < (this.#last[by] ?? 0);
  }

  /** All that are entered only by way of `block`, but itself. */
  below(block: number): readonly number[] {
    const first = this.#first[block] ?? -1;
    return first < 0 ? [] : this.#tree.slice(first + 1, this.#last[block]);
  }

  /** The last block that everything must have come through to get to each; of block 0 itself; of what nothing leads to -1. */
  #dominators(): Int32Array {
    const count = this.#successors.length;
    const predecessors: number[][] = Array.from({ length: count }, () => []);
    for (const block of this.order) for (const to of this.#successors[block] ?? []) predecessors[to]?.push(block);
    const dominator = new Int32Array(count).fill(-1);
    dominator[0] = 0;
    const place = (block: number): number => this.position[block] ?? -1;
    const meet = (x: number, y: number): number => {
      let [a, b] = [x, y];
      while (a !== b) {
        if (place(a) > place(b)) a = dominator[a] ?? 0;
        else b = dominator[b] ?? 0;
      }
      return a;
    };
    for (let changed = true; changed; ) {
      changed = false;
      for (const block of this.order) {
        if (block === 0) continue;
        const next = (predecessors[block] ?? []).filter((p) => (dominator[p] ?? -1) >= 0).reduce(meet);
        if (dominator[block] !== next) changed = true;
        dominator[block] = next;
      }
    }
    return dominator;
  }
}

function postorder(successors: readonly ReadonlySet<number>[]): number[] {
  const order: number[] = [];
  const seen = new Set([0]);
  const stack = [{ block: 0, rest: [...(successors[0] ?? [])] }];
  for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
    const next = top.rest.pop();
    if (next === undefined) {
      order.push(top.block);
      stack.pop();
    } else if (!seen.has(next)) {
      seen.add(next);
      stack.push({ block: next, rest: [...(successors[next] ?? [])] });
    }
  }
  return order;
}
