/** The interface through which the Canonical ABI is emitted (`abi/emitter.ts`), over the structured emitter of IR. */

import type { AbiEmitter, AbiLoop, CoreType } from "../abi/emitter.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { Value } from "../ir/function.ts";
import { Access, IntCC, Op, Region } from "../ir/ops.ts";
import { F32, F64, I32, I64, type Type, V128 } from "../ir/types.ts";
import { Shape } from "../ir/vector.ts";
import { WIDE_COPY } from "../layout/offsets.ts";
import { Trap, type TrapName } from "../layout/traps.ts";
import type { Variable } from "./flow.ts";
import { LONG_COPY, WIDE_STRING_COPY } from "./memory.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

const TYPES = { i32: I32, i64: I64, f32: F32, f64: F64 } as const satisfies Record<CoreType, Type>;

/** What of a program copies need. */
interface CopyUser extends Pick<Program, "support"> {
  readonly offsets: Pick<Program["offsets"], "wideCopy">;
}

/** Loads and stores are of linear memory, or of what a host gave. */
export class IrAbiEmitter implements AbiEmitter<Value, Variable> {
  readonly e: Emitter;
  readonly program: CopyUser;
  /** What a failed check does, if it does not trap. Ends the code. */
  readonly #fail: ((name: TrapName) => void) | undefined;
  readonly #copiesInPlace: boolean;

  /** `copiesInPlace`: what is as long as most long copies are, is copied here. */
  constructor(e: Emitter, program: CopyUser, fail?: (name: TrapName) => void, copiesInPlace = false) {
    this.e = e;
    this.program = program;
    this.#fail = fail;
    this.#copiesInPlace = copiesInPlace;
  }

  i32(value: number): Value {
    return this.e.i32(value);
  }
  i64(value: number): Value {
    return this.e.i64(value);
  }
  i64Bits(lo: number, hi: number): Value {
    return this.e.builder.iconst64(lo, hi);
  }
  zero(type: CoreType): Value {
    const { e } = this;
    switch (type) {
      case "i32":
        return e.i32(0);
      case "i64":
        return e.i64(0);
      case "f32":
        return e.builder.f32const(0);
      case "f64":
        return e.builder.f64const(0, 0);
    }
  }
  /** A constant of the type of `a`. */
  #like(a: Value, constant: number): Value {
    return this.e.func.typeOf(a) === I32 ? this.e.i32(constant) : this.e.i64(constant);
  }

  add(a: Value, b: Value): Value {
    return this.e.add(a, b);
  }
  sub(a: Value, b: Value): Value {
    return this.e.sub(a, b);
  }
  offset(a: Value, constant: number): Value {
    return this.e.offset(a, constant);
  }
  mulImm(a: Value, constant: number): Value {
    const log = Math.log2(constant);
    if (constant === 1) return a;
    return Number.isInteger(log) ? this.e.shl(a, log) : this.e.mul(a, this.#like(a, constant));
  }
  and(a: Value, b: Value): Value {
    return this.e.and(a, b);
  }
  andImm(a: Value, constant: number): Value {
    return this.e.andImm(a, constant);
  }
  or(a: Value, b: Value): Value {
    return this.e.or(a, b);
  }
  orImm(a: Value, constant: number): Value {
    return this.e.or(a, this.#like(a, constant));
  }
  shl(a: Value, bits: number): Value {
    return this.e.shl(a, bits);
  }
  shr(a: Value, bits: number): Value {
    return this.e.shr(a, bits);
  }
  signExtend(bits: 8 | 16, a: Value): Value {
    return this.e.sext(bits, a);
  }
  zext(a: Value): Value {
    return this.e.zext(a);
  }
  wrap(a: Value): Value {
    return this.e.wrap(a);
  }
  reinterpret(type: CoreType, a: Value): Value {
    return this.e.bitcast(TYPES[type], a);
  }

  eq(a: Value, b: Value): Value {
    return this.e.eq(a, b);
  }
  ne(a: Value, b: Value): Value {
    return this.e.ne(a, b);
  }
  ult(a: Value, b: Value): Value {
    return this.e.ult(a, b);
  }
  ugt(a: Value, b: Value): Value {
    return this.e.ugt(a, b);
  }
  eqImm(a: Value, constant: number): Value {
    return this.e.eqImm(a, constant);
  }
  neImm(a: Value, constant: number): Value {
    return this.e.neImm(a, constant);
  }
  ultImm(a: Value, constant: number): Value {
    return this.e.ultImm(a, constant);
  }
  ugtImm(a: Value, constant: number): Value {
    return this.e.icmp(IntCC.ugt, a, this.#like(a, constant));
  }

  load(type: CoreType, address: Value, offset: number): Value {
    return this.e.load(TYPES[type], address, offset, Region.heap);
  }
  loadNarrow(bits: 8 | 16, signed: boolean, address: Value, offset: number): Value {
    const access = bits === 8 ? (signed ? Access.s8 : Access.u8) : signed ? Access.s16 : Access.u16;
    return this.e.loadNarrow(access, address, offset, Region.heap);
  }
  store(address: Value, offset: number, value: Value): void {
    this.e.store(address, offset, value, Region.heap);
  }
  storeNarrow(bits: 8 | 16, address: Value, offset: number, value: Value): void {
    this.e.storeNarrow(bits === 8 ? Access.u8 : Access.u16, address, offset, value, Region.heap);
  }
  copy(destination: Value, source: Value, length: Value): void {
    const { e, program } = this;
    const call = (): void => {
      e.call(program.support("copy_bytes"), SUPPORT.copy_bytes, [e.param(0), destination, source, length]);
    };
    if (!this.#copiesInPlace) return call();
    const isWidest = e.eqImm(e.load32(e.param(0), program.offsets.wideCopy), WIDE_COPY.widest);
    e.if(
      e.ult(e.offset(length, -LONG_COPY), e.i64(WIDE_STRING_COPY - LONG_COPY)),
      () => e.if(isWidest, () => e.copyWidest(destination, source, length), call),
      call,
    );
  }

  loadVector(address: Value, offset: number): Value {
    return this.e.load(V128, address, offset, Region.heap);
  }
  storeVector(address: Value, offset: number, value: Value): void {
    this.e.store(address, offset, value, Region.heap);
  }
  vectorOfUnits(unit: number): Value {
    return this.e.builder.v128const(Uint8Array.from({ length: 16 }, (_, i) => (unit >> (8 * (i & 1))) & 0xff));
  }
  vectorAnd(a: Value, b: Value): Value {
    return this.e.builder.vector2(Op.vand, 0, a, b);
  }
  vectorOr(a: Value, b: Value): Value {
    return this.e.builder.vector2(Op.vor, 0, a, b);
  }
  vectorEqualUnits(a: Value, b: Value): Value {
    return this.e.builder.vector2(Op.vicmp, Shape.i16x8, a, b, IntCC.eq);
  }
  vectorAny(a: Value): Value {
    return this.e.builder.vector1(Op.vany_true, 0, a, V128, I32);
  }
  vectorSigns(a: Value): Value {
    return this.e.builder.vector1(Op.vbitmask, Shape.i8x16, a, V128, I32);
  }
  vectorWiden(a: Value, high: boolean): Value {
    return this.e.builder.vector1(high ? Op.vextend_high_u : Op.vextend_low_u, Shape.i16x8, a);
  }
  vectorNarrow(a: Value): Value {
    const { builder } = this.e;
    const bytes = builder.vector2(Op.vnarrow_u, Shape.i8x16, a, a);
    return builder.vector1(Op.vextract, Shape.i64x2, bytes, I64, I64, 0);
  }

  variable(initial: Value): Variable {
    return this.e.variable(initial);
  }
  get(variable: Variable): Value {
    return this.e.get(variable);
  }
  set(variable: Variable, value: Value): void {
    this.e.set(variable, value);
  }

  if(condition: Value, then: () => void, otherwise?: () => void): void {
    this.e.if(condition, then, otherwise);
  }
  loop(body: (loop: AbiLoop<Value>) => void): void {
    const { e } = this;
    e.loop((loop) => {
      body({
        break: () => e.break(loop),
        continue: () => e.continue(loop),
        breakIf: (condition) => e.breakIf(loop, condition),
        breakUnless: (condition) => e.breakUnless(loop, condition),
      });
    });
  }
  switch(index: Value, targets: readonly number[], arms: readonly (() => void)[]): void {
    if (targets.length === 0) throw new InternalError("frontend", "a switch without targets", this.e.func.name);
    this.e.switch(index, targets, arms);
  }
  trap(name: TrapName): void {
    if (this.#fail === undefined) this.e.trap(Trap[name]);
    else this.#fail(name);
  }
  trapIf(condition: Value, name: TrapName): void {
    const fail = this.#fail;
    if (fail === undefined) this.e.trapIf(condition, Trap[name]);
    else this.e.if(condition, () => fail(name));
  }
  below(pointer: Value, what: Value, limit: Value, name: TrapName): Value {
    const out = this.e.bounds(IntCC.ugt, what, limit);
    this.trapIf(out, name);
    return this.e.guard(out, pointer);
  }
  trapUnless(condition: Value, name: TrapName): void {
    if (this.#fail === undefined) this.e.trapUnless(condition, Trap[name]);
    else this.trapIf(this.e.eqz(condition), name);
  }
}
