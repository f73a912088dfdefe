/**
 * What simplification rules work with: definitions of operands, constants, known bits, and ways to change the instruction being
 * simplified or to put new ones in front of it.
 *
 * Known bits are one number for each integer value: how many low bits may be other than zero. They are set once, when the value's definition
 * is visited, from those of its operands: so they cost no walks, and block parameters have none.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import type { I64 as Int64 } from "../base/int64.ts";
import { type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { accessOf, OP_NAMES, Op, type OpName } from "../ir/ops.ts";
import { I32, I64, type Type } from "../ir/types.ts";

/** By access: bits that a load of it may set, or 0 for all. */
const LOAD_BITS = [0, 8, 0, 16, 0, 32, 0] as const;

/** By op: whether `learn` has a case for it. */
const LEARNS: Uint8Array = Uint8Array.from(OP_NAMES, (name) => {
  const names: readonly OpName[] = [
    ...([
      "iconst",
      "icmp",
      "bounds",
      "fcmp",
      "load",
      "uextend",
      "ireduce",
      "band",
      "bor",
      "bxor",
      "select",
      "guard",
      "iadd",
    ] as const),
    ...(["imul", "udiv", "urem", "ushr", "ishl", "clz", "ctz", "popcnt"] as const),
  ];
  return names.includes(name) ? 1 : 0;
});

export class Rewriter {
  readonly func: Func;
  /** Result of a calculation in two halves. */
  readonly t: Int64 = { lo: 0, hi: 0 };
  /** The instruction being simplified. */
  inst: Inst = entity<Inst>(0);
  /** How often each value was read when the pass began; 0 for values made since. */
  readonly #uses: Int32Array;
  /** Number of low bits that may be set, plus one; 0: all. */
  #bits: Uint8Array;

  constructor(func: Func, uses: Int32Array) {
    this.func = func;
    this.#uses = uses;
    this.#bits = func.work.u8(func.valueCount + (func.valueCount >> 1) + 64);
  }

  resolve(raw: number): Value {
    return this.func.resolve(entity<Value>(raw));
  }

  /** The instruction that defines a resolved value, or NONE for a block parameter. */
  def(value: number): number {
    const def = this.func.valueDef.get(value);
    return def < 0 ? NONE : def;
  }

  /** The op that defines `value`, or -1. */
  opOf(value: number): number {
    const def = this.func.valueDef.get(value);
    return def < 0 ? -1 : this.func.op.get(def);
  }

  /** The iconst that defines `value`, or NONE. */
  constant(value: number): number {
    const def = this.func.valueDef.get(value);
    return def >= 0 && this.func.op.get(def) === Op.iconst ? def : NONE;
  }

  /** Operands of a definition. */
  a(def: number): Value {
    return this.func.resolve(entity<Value>(this.func.a.get(def)));
  }
  b(def: number): Value {
    return this.func.resolve(entity<Value>(this.func.b.get(def)));
  }

  /** Whether only one instruction reads `value`, so that it is worth taking apart. */
  single(value: number): boolean {
    return value >= this.#uses.length || this.#uses[value]! <= 1;
  }

  // Known bits.

  /** How many low bits of an integer may be set: 0 to 32 or 64. */
  bits(value: number): number {
    const known = value < this.#bits.length ? this.#bits[value]! : 0;
    return known > 0 ? known - 1 : this.func.valueType.get(value) === I32 ? 32 : 64;
  }

  /** Works out the known bits of the instruction's result from its operands. */
  learn(inst: Inst): void {
    const f = this.func;
    if (LEARNS[f.op.get(inst)] === 0) return;
    const width = f.type.get(inst) === I32 ? 32 : 64;
    let bits = width;
    switch (f.op.get(inst)) {
      case Op.iconst: {
        const hi = f.hi.get(inst);
        bits = width === 64 && hi !== 0 ? 64 - Math.clz32(hi) : 32 - Math.clz32(f.lo.get(inst));
        break;
      }
      case Op.icmp:
      case Op.bounds:
      case Op.fcmp:
        bits = 1;
        break;
      case Op.load:
        bits = LOAD_BITS[accessOf(f.hi.get(inst))]! || width;
        break;
      case Op.uextend:
      case Op.ireduce:
        bits = Math.min(32, this.bits(f.a.get(inst)));
        break;
      case Op.band:
        bits = Math.min(this.bits(f.a.get(inst)), this.bits(f.b.get(inst)));
        break;
      case Op.bor:
      case Op.bxor:
        bits = Math.max(this.bits(f.a.get(inst)), this.bits(f.b.get(inst)));
        break;
      case Op.select:
      case Op.guard:
        if (f.type.get(inst) <= I64) bits = Math.max(this.bits(f.b.get(inst)), this.bits(f.c.get(inst)));
        break;
      case Op.iadd:
        bits = Math.min(width, Math.max(this.bits(f.a.get(inst)), this.bits(f.b.get(inst))) + 1);
        break;
      case Op.imul:
        bits = Math.min(width, this.bits(f.a.get(inst)) + this.bits(f.b.get(inst)));
        break;
      case Op.udiv:
        bits = this.bits(f.a.get(inst));
        break;
      case Op.urem:
        bits = Math.min(this.bits(f.a.get(inst)), this.bits(f.b.get(inst)));
        break;
      case Op.ushr: {
        const k = this.constant(f.b.get(inst));
        bits = this.bits(f.a.get(inst));
        if (k !== NONE) bits = Math.max(0, bits - (f.lo.get(k) & (width - 1)));
        break;
      }
      case Op.ishl: {
        const k = this.constant(f.b.get(inst));
        if (k !== NONE) bits = Math.min(width, this.bits(f.a.get(inst)) + (f.lo.get(k) & (width - 1)));
        break;
      }
      case Op.clz:
      case Op.ctz:
      case Op.popcnt:
        bits = width === 32 ? 6 : 7;
        break;
      default:
        return;
    }
    if (bits === width || (f.type.get(inst) > I64 && bits > 1)) return;
    const value = f.firstResult.get(inst);
    if (value >= this.#bits.length) {
      const bigger = this.func.work.u8(Math.max(value + 1, this.#bits.length * 2));
      bigger.set(this.#bits);
      this.#bits = bigger;
    }
    this.#bits[value] = bits + 1;
  }

  // Changes.

  /** A new instruction in front of the one being simplified; gives its result. */
  emit(op: number, type: Type, a: number, b: number = NONE, lo = 0, result: Type = type): Value {
    const f = this.func;
    const made = f.createInst(op, type, a, b, NONE, lo, 0, f.loc.get(this.inst));
    const value = f.addResult(made, result);
    f.insertBefore(made, this.inst);
    return value;
  }

  /** An integer constant in front of the instruction. */
  iconst(type: Type, lo: number, hi: number): Value {
    const f = this.func;
    const made = f.createInst(Op.iconst, type, NONE, NONE, NONE, lo, type === I32 ? 0 : hi, f.loc.get(this.inst));
    const value = f.addResult(made, type);
    f.insertBefore(made, this.inst);
    return value;
  }

  /** A small non-negative constant. */
  small(type: Type, value: number): Value {
    return this.iconst(type, value, 0);
  }

  /** Turns the instruction into an integer constant. Its column `type` must be the result's. */
  become(lo: number, hi: number): void {
    this.becomeConst(Op.iconst, lo, this.func.type.get(this.inst) === I32 ? 0 : hi);
  }

  /** iconst, f32const or f64const. */
  becomeConst(op: number, lo: number, hi: number): void {
    const { func: f, inst } = this;
    f.op.set(inst, op);
    f.a.set(inst, NONE);
    f.b.set(inst, NONE);
    f.c.set(inst, NONE);
    f.lo.set(inst, lo);
    f.hi.set(inst, hi);
  }

  /** Turns the instruction, whose result is an i32, into 1 or 0. */
  decided(holds: boolean): void {
    this.func.type.set(this.inst, I32);
    this.become(holds ? 1 : 0, 0);
  }

  /** Turns the instruction into another one with the same result type. */
  turnInto(op: number, type: Type, a: number, b: number = NONE, lo = 0): void {
    const { func: f, inst } = this;
    f.op.set(inst, op);
    f.type.set(inst, type);
    f.a.set(inst, a);
    f.b.set(inst, b);
    f.c.set(inst, NONE);
    f.lo.set(inst, lo);
    f.hi.set(inst, 0);
  }
}
