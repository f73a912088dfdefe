/**
 * One function's instructions over abstract values: what each makes of registers and flags. Memory accesses go to `access.ts`, calls and
 * everything that ends a block to `control.ts`. An instruction that isn't known here is refused.
 */

import { constantToken, loadValue, storeValue, touch } from "./access.ts";
import { assume, Cc, negated } from "./conditions.ts";
import type { ContextMap, Rights } from "./context.ts";
import { type CodeReader, Flow, type Instruction, NO_REGISTER, OperandKind, OTHER_REGISTER } from "./decode.ts";
import type { CodeFunction, CodeImage } from "./image.ts";
import { Op } from "./instructions.ts";
import { commonPart, commonRelations, joinReferences, partOf, type State } from "./state.ts";
import type { FunctionType, FunctionTypes } from "./types.ts";
import {
  AtomKind,
  type Atoms,
  Base,
  both,
  combine,
  type Condition,
  constant,
  Form,
  isConstant,
  loneAtom,
  multiply,
  not,
  ofAtom,
  type Payload,
  sameForm,
  ZERO,
} from "./values.ts";

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
function limitOf(size: number): number {
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
    this.state.tablesChange(`${this.i.at}`, this.block);
  }

  // Values.

  /** Anything of `size` bytes, zero-extended; `what` tells several of one instruction apart. */
  fresh(size: number, what = ""): Form {
    return this.atom(limitOf(size), AtomKind.plain, 0, undefined, what);
  }

  atom(hi: number, kind: number, detail: number, payload: Payload, what = ""): Form {
    return ofAtom(this.atoms.make(`${this.i.at}${what}`, this.block, hi, kind, detail, payload));
  }

  /** A new number from 0 to `hi`, of at most `size` bytes. */
  bounded(size: number, hi: number, what = ""): Form {
    const f = this.fresh(size, what);
    if (hi < limitOf(size)) this.state.narrow(f.a, 0, hi);
    return f;
  }

  /** The low `size` bytes of `f`, zero-extended. */
  truncate(f: Form, size: number): Form {
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
    return this.fresh(size, "low");
  }

  read(n: number, size: number): Form {
    if (n < 0) return this.fresh(8, "other");
    return this.truncate(this.state.register(n), size);
  }

  write(n: number, size: number, value: Form): void {
    if (n < 0) return;
    if (n === Reg.rsp) return this.failAccess("the stack pointer gets a value that is not followed");
    this.state.registers[n] = size >= 4 ? value : this.fresh(8, `r${n}`);
  }

  /** Operand 0, 1 or 2 as a value of its size. */
  operand(n: 0 | 1 | 2): Form {
    const { i } = this;
    const kind = n === 0 ? i.k0 : n === 1 ? i.k1 : i.k2;
    switch (kind) {
      case OperandKind.register:
        if (i.high) return this.fresh(1, `high${n}`);
        return this.read(n === 0 ? i.r0 : n === 1 ? i.r1 : i.r2, n === 0 ? i.s0 : n === 1 ? i.s1 : i.s2);
      case OperandKind.immediate: {
        const size = this.size();
        if (Number.isNaN(i.immediate)) return this.#inexact();
        return size < 8 ? this.truncate(constant(i.immediate), size) : constant(i.immediate);
      }
      case OperandKind.memory:
        return loadValue(this, i.memorySize);
      default:
        return this.fresh(8, `operand${n}`);
    }
  }

  /** A constant of 64 bits that is no exact number: the same unknown wherever it occurs. */
  #inexact(): Form {
    const place = `constant ${this.i.immediateBits}`;
    return ofAtom(this.atoms.make(place, NO_BLOCK, Number.POSITIVE_INFINITY, AtomKind.plain, 0, undefined));
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
    return scaled === undefined ? undefined : combine(f, scaled, 1);
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

  // Instructions.

  /** All but what ends a block. */
  step(): void {
    const { i } = this;
    if (i.prefixed || !i.plainEncoding || i.flow !== Flow.next) {
      this.fail("an instruction that compiled code does not have");
      return;
    }
    const flags = this.state.flags;
    if (i.writesFlags) this.state.flags = undefined;
    switch (i.op) {
      case Op.mov:
        return this.result(this.operand(1));
      case Op.zeroExtend:
        return this.#zeroExtend();
      case Op.signExtend:
        return this.#signExtend();
      case Op.lea:
        return this.#lea();
      case Op.add:
        return this.#sum(1);
      case Op.sub:
        return this.#sum(-1);
      case Op.compare:
        return this.#compare();
      case Op.test:
        return this.#test();
      case Op.and:
      case Op.or:
      case Op.xor:
        return this.#logic(i.op);
      case Op.shl:
      case Op.shr:
      case Op.sar:
        return this.#shift(i.op);
      case Op.multiply:
        return this.#multiply();
      case Op.widening:
        // rdx:rax from rax and an operand.
        this.operand(0);
        return this.#wide();
      case Op.divide:
        return this.#divide();
      case Op.signOfRax:
        this.write(Reg.rdx, 8, this.fresh(8, "rdx"));
        return;
      case Op.widenRax:
        this.write(Reg.rax, 8, this.fresh(8, "rax"));
        return;
      case Op.set:
        return this.#set(flags);
      case Op.conditionalMove:
        return this.#conditionalMove();
      case Op.update:
        // Reads and writes operand 0; other operands are read.
        if (i.operands > 1) this.operand(1);
        if (i.k0 === OperandKind.memory) this.operand(0);
        this.result(this.fresh(this.size(), "result"));
        return;
      case Op.define:
        // Writes operand 0; other operands are read.
        this.operand(1);
        this.result(this.fresh(this.size(), "result"));
        return;
      case Op.scan:
        return this.#scan();
      case Op.negate: {
        const value = combine(ZERO, this.operand(0), -1);
        const isKnown = value !== undefined && this.state.isExact(value);
        return this.result(isKnown ? this.truncate(value, this.size()) : this.fresh(this.size(), "result"));
      }
      case Op.count:
        this.operand(1);
        this.result(this.bounded(this.size(), 64, "result"));
        return;
      case Op.examine:
        this.operand(0);
        this.operand(1);
        return;
      case Op.exchange:
        return this.#exchange();
      case Op.compareExchange:
        return this.#compareExchange();
      case Op.nothing:
        return;
      case Op.vector:
        return this.#vector();
      default:
        this.fail("an instruction that compiled code does not have");
    }
  }

  #zeroExtend(): void {
    const { i } = this;
    if (i.k1 === OperandKind.register && !i.high) {
      const atom = loneAtom(this.state.register(i.r1));
      if (i.s1 === 1 && this.atoms.kind[atom] === AtomKind.conditionByte) {
        return this.result(this.atom(1, AtomKind.condition, 0, this.atoms.payload[atom]));
      }
    }
    this.result(this.operand(1));
  }

  #signExtend(): void {
    const { i } = this;
    const size = i.k1 === OperandKind.memory ? i.memorySize : i.s1;
    const value = this.operand(1);
    const atom = loneAtom(value);
    if (size === 4 && this.atoms.kind[atom] === AtomKind.jumpTable) return this.result(value);
    if (this.state.isExact(value)) {
      this.state.range(value);
      if (this.state.hi <= limitOf(size) >>> 1) return this.result(value);
    }
    this.result(this.fresh(i.s0, "signed"));
  }

  #lea(): void {
    const { i } = this;
    const address = this.address();
    if (i.r0 === Reg.rsp) return this.#moveStack(address);
    this.result(this.#computed(address, i.s0));
  }

  /** A constant that is a reference to a function becomes one by name, so that it joins with others. */
  #named(value: Form): Form {
    const token = value.c >= 2 ** 32 && isConstant(value) ? constantToken(this, value) : undefined;
    if (token === undefined) return value;
    const reference = this.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token, "reference");
    this.state.narrow(reference.a, 1, Number.POSITIVE_INFINITY);
    return reference;
  }

  /** A new stack pointer: somewhere in the frame. */
  #moveStack(to: Form | undefined): void {
    if (this.i.s0 !== 8 || to === undefined || to.base !== Base.frame || to.a !== 0) {
      return this.failAccess("the stack pointer gets a value that is not followed");
    }
    this.state.registers[Reg.rsp] = to;
    // What is below it does not last.
    for (const key of this.state.slots.entries().keys()) if (key < to.c - RED_ZONE) this.state.slots.delete(key);
  }

  #sum(sign: 1 | -1): void {
    const { i } = this;
    const size = this.size();
    if (sign === -1 && i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1) {
      this.result(ZERO);
      return;
    }
    const x = this.operand(0);
    const y = this.operand(1);
    if (i.k0 === OperandKind.register && i.r0 === Reg.rsp) return this.#moveStack(combine(x, y, sign));
    const sum = combine(x, y, sign);
    const value = this.#computed(sum, size);
    if (size >= 4) {
      this.state.flags =
        sign === -1 ? { kind: "compare", size, left: x, right: y } : { kind: "result", size, left: value, right: ZERO };
    }
    this.result(value);
  }

  /**
   * A sum or difference as a result of `size` bytes. Of two unknowns it is a new one where it may be anything, and where it is a difference,
   * of which no relation is kept; what a length has to do with stays.
   */
  #computed(f: Form | undefined, size: number): Form {
    if (f === undefined) return this.fresh(size);
    const { kind } = this.atoms;
    const ofLength = [kind[f.a], kind[f.b]].some((k) => k === AtomKind.memoryLength || k === AtomKind.tableLength);
    if (f.base === Base.number && f.b !== 0 && !ofLength) {
      if (!this.state.isExact(f)) return this.fresh(size);
      this.state.range(f);
      const { lo, hi } = this.state;
      if ((f.s < 0 || f.t < 0) && hi <= limitOf(size)) {
        const value = this.fresh(size, "difference");
        this.state.narrow(value.a, lo, hi);
        return value;
      }
    }
    return this.#named(this.truncate(f, size));
  }

  #compare(): void {
    const size = this.size();
    const left = this.operand(0);
    const right = this.operand(1);
    this.state.flags = { kind: "compare", size, left, right };
  }

  #test(): void {
    const { i } = this;
    const size = this.size();
    const left = this.operand(0);
    const right = this.operand(1);
    if (i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1) {
      this.state.flags = { kind: "compare", size, left, right: ZERO };
      const atom = loneAtom(this.state.register(i.r0));
      if (size === 1 && this.atoms.kind[atom] === AtomKind.conditionByte) {
        const condition = this.atom(1, AtomKind.condition, 0, this.atoms.payload[atom]);
        this.state.flags = { kind: "result", size, left: condition, right: ZERO };
      }
    } else if (isConstant(right)) {
      // Nothing of the operand follows but for bits.
      this.state.flags = undefined;
    }
  }

  #conditionOf(f: Form): Condition | undefined {
    const atom = loneAtom(f);
    if (this.atoms.kind[atom] !== AtomKind.condition) return undefined;
    const payload = this.atoms.payload[atom];
    return typeof payload === "object" && !(payload instanceof Form) ? payload : undefined;
  }

  #logic(op: number): void {
    const { i, state } = this;
    const size = this.size();
    if (op === Op.xor && i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1) {
      this.result(ZERO);
      return;
    }
    if (op !== Op.xor && this.#bothBytes()) {
      state.registers[i.r0] = this.atom(Number.POSITIVE_INFINITY, AtomKind.conditionByte, 0, undefined, "bytes");
      return;
    }
    const x = this.operand(0);
    const y = this.operand(1);
    const value = this.#logicValue(op, size, x, y);
    if (size >= 4) state.flags = { kind: "result", size, left: value, right: ZERO };
    this.result(value);
  }

  /** Both operands are registers whose low byte is 0 or 1, and the rest of them is anything. */
  #bothBytes(): boolean {
    const { i, state, atoms } = this;
    if (i.k0 !== OperandKind.register || i.k1 !== OperandKind.register || i.high || i.r0 < 0 || i.r1 < 0) return false;
    const [a, b] = [loneAtom(state.register(i.r0)), loneAtom(state.register(i.r1))];
    return atoms.kind[a] === AtomKind.conditionByte && atoms.kind[b] === AtomKind.conditionByte;
  }

  #logicValue(op: number, size: number, x: Form, y: Form): Form {
    const [p, q] = [this.#conditionOf(x), this.#conditionOf(y)];
    let c: Condition | undefined;
    if (p !== undefined && q !== undefined && op !== Op.xor) c = both(op === Op.and ? "and" : "or", p, q);
    else if (p !== undefined && op === Op.xor && isConstant(y) && y.c === 1) c = not(p);
    if (c !== undefined) return this.atom(1, AtomKind.condition, 0, c);
    const [a, b] = [this.#boundOf(x, size), this.#boundOf(y, size)];
    if (op === Op.and) return this.bounded(size, Math.min(a, b));
    return this.bounded(size, allBits(Math.max(a, b)));
  }

  #shift(op: number): void {
    const { i } = this;
    const size = this.size();
    const x = this.operand(0);
    const by = i.k1 === OperandKind.immediate ? i.immediate & (size === 8 ? 63 : 31) : -1;
    let value: Form | undefined;
    if (by >= 0 && op === Op.shl) {
      const product = by <= 40 ? multiply(x, 2 ** by) : undefined;
      if (product !== undefined) value = this.truncate(product, size);
    } else if (op !== Op.shl) {
      const hi = this.#boundOf(x, size);
      // 2^64 and more lose exactness, upwards.
      const limit = Number.isFinite(hi) || by < 0 ? Math.floor(hi / 2 ** Math.max(by, 0)) : 2 ** (64 - by);
      if (op === Op.shr || hi <= largestPositive(size)) value = this.bounded(size, limit);
    }
    this.result(value ?? this.fresh(size));
  }

  /** The largest number that `f` may be, of `size` bytes. */
  #boundOf(f: Form, size: number): number {
    if (!this.state.isExact(f)) return limitOf(size);
    return Math.min(limitOf(size), this.state.upperBound(f));
  }

  #multiply(): void {
    const { i } = this;
    const size = this.size();
    if (i.operands === 1) {
      this.operand(0);
      return this.#wide();
    }
    const x = this.operand(i.operands === 3 ? 1 : 0);
    const y = this.operand(i.operands === 3 ? 2 : 1);
    const k = isConstant(y) ? (size === 4 ? y.c | 0 : y.c) : Number.NaN;
    const product = Number.isNaN(k) ? undefined : multiply(x, k);
    this.result(product === undefined ? this.fresh(size) : this.truncate(product, size));
  }

  /** bsf, bsr: the position of a bit, unless the operand is 0, which the flags tell. */
  #scan(): void {
    const size = this.size();
    this.operand(1);
    const position = this.fresh(size, "result");
    const found = this.atom(1, AtomKind.scan, 8 * size, position, "found");
    this.state.flags = { kind: "result", size, left: found, right: ZERO };
    this.result(position);
  }

  /** Results of the operand's size in rax and rdx; those of 4 bytes are zero-extended. */
  #wide(): void {
    const size = this.size() === 4 ? 4 : 8;
    this.write(Reg.rax, 8, this.fresh(size, "rax"));
    this.write(Reg.rdx, 8, this.fresh(size, "rdx"));
  }

  /** Unsigned: rdx:rax by operand 0. */
  #divide(): void {
    const divisor = this.operand(0);
    const size = this.size() === 4 ? 4 : 8;
    const high = this.read(Reg.rdx, size);
    const dividend = isConstant(high) && high.c === 0 ? this.#boundOf(this.read(Reg.rax, size), size) : limitOf(size);
    const remainder = Math.min(dividend, Math.max(0, this.#boundOf(divisor, size) - 1));
    this.write(Reg.rax, 8, this.bounded(size, dividend, "rax"));
    this.write(Reg.rdx, 8, this.bounded(size, remainder, "rdx"));
  }

  #set(flags: State["flags"]): void {
    const { i } = this;
    if (i.k0 !== OperandKind.register || i.high) {
      this.result(this.fresh(1));
      return;
    }
    const known = flags !== undefined && understood(i.condition);
    const condition: Condition | undefined = known ? { op: "compare", condition: i.condition, flags } : undefined;
    this.state.registers[i.r0] = this.atom(Number.POSITIVE_INFINITY, AtomKind.conditionByte, 0, condition);
  }

  /** Operand 0 stays unless the condition holds, and then becomes operand 1. */
  #conditionalMove(): void {
    const { state, i, world } = this;
    const stays = this.operand(0);
    const comes = this.operand(1);
    const { flags } = state;
    const size = this.size();
    if (flags === undefined || !understood(i.condition)) {
      return this.result(this.#either(stays, state, comes, state, size));
    }
    const condition = { op: "compare", condition: i.condition, flags } as const;
    const typeOf = (half: number): number => world.types.ofHalf(half);
    const [ifNot, ifSo] = [state.clone(), state.clone()];
    assume(ifNot, condition, false, typeOf);
    assume(ifSo, condition, true, typeOf);
    // Decided; perhaps by a branch, which doesn't hold a processor up.
    if (ifSo.impossible || ifNot.impossible) this.dependsOnBranches = true;
    if (ifSo.impossible) this.result(stays);
    else if (ifNot.impossible && this.speculative) this.result(comes);
    // A guard never comes to pass where its check has not failed.
    else if (ifNot.impossible) this.result(this.#either(stays, state, comes, state, size));
    else this.result(this.#either(stays, ifNot, comes, ifSo, size));
  }

  /** x, of which `whenX` holds, or y, of which `whenY` holds. */
  #either(x: Form, whenX: State, y: Form, whenY: State, size: number): Form {
    if (sameForm(x, y)) return x;
    const token = size === 8 ? joinReferences(this.atoms, x, y) : undefined;
    if (token !== undefined) {
      return this.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token);
    }
    const common = commonPart(x, y) ?? new Form(Base.number, 0, 0, 1);
    if (x.base !== common.base || y.base !== common.base) return this.fresh(size);
    const [p, q] = [partOf(x, common), partOf(y, common)];
    if (!whenX.isExact(p) || !whenY.isExact(q)) return this.fresh(size);
    const hi = Math.max(whenX.upperBound(p), whenY.upperBound(q));
    whenX.range(p);
    whenY.range(q);
    const value = this.fresh(size);
    this.state.narrow(value.a, Math.max(0, Math.min(whenX.lo, whenY.lo)), hi);
    // Of a check itself, and not only of what holds a processor up until it is done, this is no proof.
    if (this.speculative) {
      for (const { l, k } of commonRelations(whenX, p, whenY, q)) this.state.relate(value, l, k);
    }
    return new Form(common.base, common.c, value.a, common.s);
  }

  #exchange(): void {
    const { i } = this;
    const x = this.operand(0);
    const y = this.operand(1);
    if (i.k0 === OperandKind.register && i.k1 === OperandKind.register) {
      this.write(i.r0, i.s0, y);
      this.write(i.r1, i.s1, x);
      return;
    }
    // Memory, in either place.
    if (i.k0 === OperandKind.memory) {
      storeValue(this, this.fresh(8, "sum"), i.memorySize);
      this.write(i.r1, i.s1, this.fresh(i.s1, "old"));
    } else {
      storeValue(this, this.fresh(8, "sum"), i.memorySize);
      this.write(i.r0, i.s0, this.fresh(i.s0, "old"));
    }
  }

  /** Of rax the operand's bytes may become what is in memory; of 4 bytes with nothing above them. */
  #compareExchange(): void {
    const size = this.size();
    const limit = limitOf(size);
    const before = this.state.register(Reg.rax);
    const isSmall = this.state.isExact(before) && this.state.upperBound(before) <= limit;
    this.operand(0);
    this.result(this.fresh(size, "result"));
    this.write(Reg.rax, 8, this.fresh(isSmall ? size : 8, "rax"));
  }

  /** Instructions on vector registers, which hold no address: what they do to memory and general registers. */
  #vector(): void {
    const { i } = this;
    const writes = i.vectorWrites;
    if (writes === undefined) return this.fail("an instruction that compiled code does not have");
    const kinds = [i.k0, i.k1, i.k2];
    for (let n = 0; n < 3; n++) {
      if (kinds[n] === OperandKind.memory) touch(this, i.memorySize, writes[n] === true);
      else if (kinds[n] === OperandKind.register && writes[n] === true) {
        const register = n === 0 ? i.r0 : n === 1 ? i.r1 : i.r2;
        const size = n === 0 ? i.s0 : n === 1 ? i.s1 : i.s2;
        this.write(register, size, this.fresh(size, "vector"));
      } else if (kinds[n] === OperandKind.other) return this.fail("an instruction that compiled code does not have");
    }
  }
}

/** The largest number that has no bits but those of numbers up to `limit`. */
function allBits(limit: number): number {
  if (!Number.isFinite(limit)) return limit;
  let next = 1;
  while (next <= limit) next *= 2;
  return next - 1;
}

/** The largest number of `size` bytes without a sign, as far as numbers are exact. */
function largestPositive(size: number): number {
  return size === 8 ? Number.MAX_SAFE_INTEGER : 2 ** (8 * size - 1) - 1;
}

/** Bytes below the stack pointer that nothing destroys. */
export const RED_ZONE = 128;

function understood(condition: number): boolean {
  return condition !== Cc.p && condition !== Cc.np && negated(condition) > 0;
}
