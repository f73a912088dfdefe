/**
 * The machine that a function's instructions work on, over abstract values: its operands, addresses and results. Memory accesses go to
 * `access.ts`; what an instruction does is in `step.ts` and, of what ends a block, in `control.ts`.
 */

import { loadValue, storeValue } from "./access.ts";
import { type Atoms, Part } from "./atoms.ts";
import type { ContextMap, Rights } from "./context.ts";
import { type CodeReader, type Instruction, NO_REGISTER, OperandKind, OTHER_REGISTER } from "./decode.ts";
import type { CodeFunction, CodeImage } from "./image.ts";
import type { State } from "./state.ts";
import type { FunctionType, FunctionTypes } from "./types.ts";
import { AtomKind, Base, combine, constant, Form, multiply, ofAtom, type Payload, ZERO } from "./values.ts";

/** Something that could not be proved. */
export interface Problem {
  readonly function: CodeFunction;
  readonly at: number;
  readonly reason: string;
}

/** What all functions of a file share. */
export interface World {
  readonly image: CodeImage;
  readonly map: ContextMap;
  readonly types: FunctionTypes;
  readonly reader: CodeReader;
}

export const Reg = { rax: 0, rcx: 1, rdx: 2, rbx: 3, rsp: 4, rbp: 5, rsi: 6, rdi: 7, r11: 11 } as const;

/** Of unknowns that no block defines. */
export const NO_BLOCK = -1;

/** The largest number of `size` bytes; up to infinity for 8. */
export function limitOf(size: number): number {
  return size === 8 ? Number.POSITIVE_INFINITY : 2 ** (8 * size) - 1;
}

export class Machine {
  readonly world: World;
  readonly f: CodeFunction;
  readonly type: FunctionType;
  readonly rights: Rights;
  readonly atoms: Atoms;
  state: State;
  block = 0;
  i: Instruction;
  /** What holds where an exception continues behind the call that was run last; undefined: none does. */
  landing: State | undefined = undefined;
  /** Problems of the block that is being run. */
  problems: Problem[] = [];
  /** Branches may go either way, whatever was compared. */
  readonly speculative: boolean;
  /** There was an access whose place may follow from what branches tell. */
  dependsOnBranches = false;

  constructor(
    world: World,
    f: CodeFunction,
    type: FunctionType,
    rights: Rights,
    state: State,
    first: Instruction,
    speculative: boolean,
  ) {
    this.world = world;
    this.speculative = speculative;
    this.f = f;
    this.type = type;
    this.rights = rights;
    this.state = state;
    this.atoms = state.atoms;
    this.i = first;
  }

  fail(reason: string): void {
    if (!this.speculative) this.failAccess(reason);
  }

  /** Of what is proved of speculative execution, too: where a memory access goes. */
  failAccess(reason: string): void {
    this.problems.push({ function: this.f, at: this.i.at, reason });
  }

  /** Something may have written to a table. */
  tablesChange(): void {
    this.state.tablesChange(this.i.at, this.block);
  }

  // Values.

  /** Anything of `size` bytes, zero-extended; `part` tells several of one instruction apart. */
  fresh(size: number, part: number = Part.value): Form {
    return this.atom(limitOf(size), AtomKind.plain, 0, undefined, part);
  }

  atom(hi: number, kind: number, detail: number, payload: Payload, part: number = Part.value): Form {
    return ofAtom(this.atoms.make(this.i.at, part, this.block, hi, kind, detail, payload));
  }

  /** A new number from 0 to `hi`, of at most `size` bytes. */
  bounded(size: number, hi: number, part: number = Part.value): Form {
    const f = this.fresh(size, part);
    if (hi < limitOf(size)) this.state.narrow(f.a, 0, hi);
    return f;
  }

  /** `f` is a number of at most `size` bytes. */
  isWithin(f: Form, size: number): boolean {
    return this.state.isExact(f) && this.state.upperBound(f) <= limitOf(size);
  }

  /** The low `size` bytes of `f`, zero-extended; `part` tells several of one instruction apart. */
  truncate(f: Form, size: number, part: number = Part.low): Form {
    if (size === 8) return f;
    if (f.base === Base.number) {
      if (f.a === 0) return constant(size === 4 ? f.c >>> 0 : f.c & limitOf(size));
      if (this.state.isExact(f)) {
        this.state.range(f);
        if (this.state.hi <= limitOf(size)) return f;
      }
      if (size === 4 && f.b === 0) {
        const low = ofAtom(this.atoms.low(f));
        // A value that only might have been too large keeps its upper bound.
        return low;
      }
    }
    return this.fresh(size, part);
  }

  read(n: number, size: number, part: number = Part.low): Form {
    if (n < 0) return this.fresh(8, Part.other);
    return this.truncate(this.state.register(n), size, part);
  }

  write(n: number, size: number, value: Form): void {
    if (n < 0) return;
    if (n === Reg.rsp) return this.failAccess("the stack pointer gets a value that is not followed");
    this.state.registers[n] = size >= 4 ? value : this.fresh(8, Part.register + n);
  }

  /** Operand 0, 1 or 2 as a value of its size. */
  operand(n: 0 | 1 | 2): Form {
    const { i } = this;
    const kind = n === 0 ? i.k0 : n === 1 ? i.k1 : i.k2;
    switch (kind) {
      case OperandKind.register:
        if (i.high) return this.fresh(1, Part.high + n);
        return this.read(
          n === 0 ? i.r0 : n === 1 ? i.r1 : i.r2,
          n === 0 ? i.s0 : n === 1 ? i.s1 : i.s2,
          Part.lowOperand + n,
        );
      case OperandKind.immediate: {
        const size = this.size();
        if (Number.isNaN(i.immediate)) return this.#inexact();
        return size < 8 ? this.truncate(constant(i.immediate), size) : constant(i.immediate);
      }
      case OperandKind.memory:
        return loadValue(this, i.memorySize);
      default:
        return this.fresh(8, Part.operand + n);
    }
  }

  /** A constant of 64 bits that is no exact number: the same unknown wherever it occurs. */
  #inexact(): Form {
    const atom = this.atoms.constant(this.i.immediateBits, NO_BLOCK);
    // All that are exact are smaller, and negative ones are large without a sign.
    this.state.narrow(atom, Number.MAX_SAFE_INTEGER, Number.POSITIVE_INFINITY);
    return ofAtom(atom);
  }

  /** Bytes that the instruction works on. */
  size(): number {
    const { i } = this;
    if (i.k0 === OperandKind.register) return i.s0;
    return i.k0 === OperandKind.memory ? i.memorySize : i.s1;
  }

  /** The address of the memory operand, or undefined. */
  address(): Form | undefined {
    const { i } = this;
    if (i.ripRelative) return new Form(Base.image, i.displacement);
    if (i.base === OTHER_REGISTER || i.index === OTHER_REGISTER) return undefined;
    let f = i.base === NO_REGISTER ? ZERO : this.state.register(i.base);
    if (i.displacement !== 0) {
      const moved = combine(f, constant(i.displacement), 1);
      if (moved === undefined) return undefined;
      f = moved;
    }
    if (i.index === NO_REGISTER) return f;
    const scaled = multiply(this.state.register(i.index), i.scale);
    return scaled === undefined ? undefined : this.state.sum(f, scaled, 1);
  }

  /** Puts a result where operand 0 is. */
  result(value: Form): void {
    const { i } = this;
    if (i.k0 === OperandKind.memory) storeValue(this, value, i.memorySize);
    else if (i.k0 === OperandKind.register) {
      if (i.high) this.write(i.r0, 1, value);
      else this.write(i.r0, i.s0, value);
    }
  }
}

/** Bytes below the stack pointer that nothing destroys. */
export const RED_ZONE = 128;
