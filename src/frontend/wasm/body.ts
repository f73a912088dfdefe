// hot loop: indices are in range by construction
/**
 * The state of the translation of one body that operators share: where code goes, the operand stack, and what is moved out of line.
 * The files beside this one are functions over it, one for each group of operators.
 */

import { entity } from "../../base/entity.ts";
import { truncate } from "../../base/truncate.ts";
import type { FuncBuilder } from "../../ir/builder.ts";
import { type Block, type Func, NONE, type SigRef, type Value } from "../../ir/function.ts";
import { FloatCC, IntCC, Op, Region } from "../../ir/ops.ts";
import { I32, I64, type Type } from "../../ir/types.ts";
import { ContextField } from "../../layout/offsets.ts";
import { Trap } from "../../layout/traps.ts";
import type { OperatorReader } from "../../wasm/operators.ts";
import type { FunctionEnvironment, SupportFunction } from "../environment.ts";
import { SUPPORT_SIGNATURES } from "../environment.ts";
import type { InstanceView } from "./instance.ts";

/** Displacements of loads and stores are signed 32-bit; no access is longer than 16 bytes. */
const MAX_DISPLACEMENT = 0x7fff_fff0;

/** A block that is only reached by code that traps: it is put behind all others. */
type ColdBlock =
  /** The function reference whose signature is at `base + offset` has the wrong one, or is null. */
  | {
      readonly kind: "signature";
      readonly block: Block;
      readonly loc: number;
      readonly base: Value;
      readonly offset: number;
      readonly region: number;
    }
  /** The float `value` is no integer in range. */
  | { readonly kind: "conversion"; readonly block: Block; readonly loc: number; readonly value: Value };

export class Body {
  readonly view: InstanceView;
  readonly env: FunctionEnvironment;
  readonly reader: OperatorReader;
  readonly builder: FuncBuilder;
  readonly func: Func;
  /** The context: the first parameter. */
  readonly context: Value;
  readonly stack: Value[] = [];
  /** The rest of the construct can't be reached: nothing is built. Then the builder has no current block. */
  dead = false;

  /** Results of `locate`: an address, and the displacement that an access adds to it. */
  base: Value;
  offset = 0;

  /**
   * Inside of a `try_table` that has handlers: what is done behind a catching call, whose status this gets. Leaves the builder in the
   * block that goes on when the status is 0.
   */
  landing: ((status: Value) => void) | undefined = undefined;

  readonly #cold: ColdBlock[] = [];
  readonly #deferred: Block[] = [];

  constructor(view: InstanceView, reader: OperatorReader, builder: FuncBuilder, context: Value) {
    this.view = view;
    this.env = view.env;
    this.reader = reader;
    this.builder = builder;
    this.func = builder.func;
    this.context = context;
    this.base = context;
  }

  /** Where a guest that can be interrupted asks whether it is. */
  poll(): void {
    if (this.env.interruptible) this.builder.poll(this.context, ContextField.interrupt);
  }

  push(value: Value): void {
    this.stack.push(value);
  }

  pop(): Value {
    return this.stack.pop()!;
  }

  /** The last operand, which stays on the stack. */
  peek(): Value {
    return this.stack[this.stack.length - 1]!;
  }

  /** The last `count` operands, which stay on the stack. */
  top(count: number): readonly Value[] {
    return count === 0 ? [] : this.stack.slice(this.stack.length - count);
  }

  /** The context and the last `count` operands, which it takes off the stack. */
  popArgs(count: number): Value[] {
    const args: Value[] = [this.context];
    const first = this.stack.length - count;
    for (let i = 0; i < count; i++) args.push(this.stack[first + i]!);
    truncate(this.stack, first);
    return args;
  }

  /** The `iconst` that defines `value`, or NONE. Its bits are `func.lo` and `func.hi`. */
  constantInst(value: Value): number {
    const def = this.func.valueDef.get(value);
    return def >= 0 && this.func.op.get(def) === Op.iconst ? def : NONE;
  }

  /** An unsigned constant as a number (rounded above 2^53), or -1 when `value` is no constant. */
  constantIndex(value: Value, is64: boolean): number {
    const inst = this.constantInst(value);
    if (inst === NONE) return -1;
    const lo = this.func.lo.get(inst) >>> 0;
    return is64 ? lo + (this.func.hi.get(inst) >>> 0) * 2 ** 32 : lo;
  }

  /** An index or length as i64: zero-extended. */
  extend(value: Value, is64: boolean): Value {
    if (is64) return value;
    const inst = this.constantInst(value);
    if (inst !== NONE) return this.builder.iconst64(this.func.lo.get(inst), 0);
    return this.builder.unary(Op.uextend, I64, value);
  }

  /**
   * The address `context + displacement + index + offset`, as `base` and `offset`. One base serves all accesses whose displacement fits
   * in an instruction; beyond that, what is common to all accesses of a memory is apart from what isn't.
   */
  locate(displacement: number, index: Value | undefined, offset: number): void {
    const { builder } = this;
    let base = this.context;
    let rest = displacement + offset;
    if (rest > MAX_DISPLACEMENT) {
      const far = offset <= MAX_DISPLACEMENT ? displacement : rest;
      base = builder.binary(Op.iadd, I64, base, builder.iconst64n(far));
      rest -= far;
    }
    this.base = index === undefined ? base : builder.binary(Op.iadd, I64, base, index);
    this.offset = rest;
  }

  /**
   * As `locate`, of an index that is out of bounds where `out` (of `bounds`) is not zero: that traps with `code`. When the processor runs on
   * nevertheless, `base` is the first byte's.
   */
  locateBelow(displacement: number, index: Value, offset: number, out: Value, code: number): void {
    this.locate(displacement, undefined, offset);
    const { builder, base } = this;
    const address = builder.binary(Op.iadd, I64, base, index);
    builder.trapIf(Op.trapnz, out, code);
    this.base = builder.guard(I64, out, base, address);
  }

  /** The address `context + displacement + index`, as a value. */
  address(displacement: number, index: Value): Value {
    const { builder } = this;
    const base = builder.binary(Op.iadd, I64, this.context, builder.iconst64n(displacement));
    return builder.binary(Op.iadd, I64, base, index);
  }

  /** Traps here, always. */
  trap(code: number): void {
    this.builder.trap(code);
    this.dead = true;
  }

  /**
   * Traps when `index + count` exceeds `length` (all i64). Indices and counts of 32 bits can't overflow. Gives both as they are to be used:
   * 0 where the processor runs on nevertheless.
   */
  checkRange(
    index: Value,
    count: Value,
    length: Value,
    is64: boolean,
    code: number,
  ): readonly [index: Value, count: Value] {
    const { builder } = this;
    const zero = builder.iconst64(0, 0);
    if (!is64) {
      const end = builder.binary(Op.iadd, I64, index, count);
      const out = builder.bounds(IntCC.ugt, I64, end, length);
      builder.trapIf(Op.trapnz, out, code);
      return [builder.guard(I64, out, zero, index), builder.guard(I64, out, zero, count)];
    }
    const out = builder.bounds(IntCC.ugt, I64, index, length);
    builder.trapIf(Op.trapnz, out, code);
    const inside = builder.guard(I64, out, zero, index);
    const rest = builder.binary(Op.isub, I64, length, inside);
    const tooMany = builder.bounds(IntCC.ugt, I64, count, rest);
    builder.trapIf(Op.trapnz, tooMany, code);
    return [inside, builder.guard(I64, tooMany, zero, count)];
  }

  support(name: SupportFunction, args: readonly Value[]): void {
    const { builder } = this;
    builder.call(builder.importFunc(this.env.support(name), SUPPORT_SIGNATURES[name]), [this.context, ...args]);
  }

  /** A copy of a signature's reference in this function. */
  signature(typeIndex: number): SigRef {
    return this.builder.importSignature(this.view.signature(typeIndex));
  }

  /** Goes on in a new block when `ok`, else in an out-of-line one that traps as a failed signature check of `base + offset`. */
  checkSignature(ok: Value, base: Value, offset: number, region: number): void {
    const block = this.builder.createBlock();
    this.#cold.push({ kind: "signature", block, loc: this.builder.loc, base, offset, region });
    this.#goOnIf(ok, block);
  }

  /** Goes on in a new block when `ok`, else in an out-of-line one that traps as a conversion of `value` to an integer does. */
  checkConversion(ok: Value, value: Value): void {
    const block = this.builder.createBlock();
    this.#cold.push({ kind: "conversion", block, loc: this.builder.loc, value });
    this.#goOnIf(ok, block);
  }

  #goOnIf(ok: Value, cold: Block): void {
    const next = this.builder.createBlock();
    this.builder.brif(ok, next, [], cold, []);
    this.builder.switchTo(next);
  }

  /** Takes the blocks from position `from` of the layout on out of line: they are rarely run. */
  defer(from: number): void {
    this.#deferred.push(...this.func.layout.splice(from));
  }

  /** Puts the out-of-line blocks behind all others. */
  finishColdBlocks(): void {
    const { builder, func } = this;
    for (const block of this.#deferred) func.layout.push(block);
    for (const cold of this.#cold) {
      builder.switchTo(cold.block);
      builder.loc = cold.loc;
      if (cold.kind === "signature") {
        // Signature number 0 is null's alone.
        const signature = builder.load(I32, cold.base, cold.offset, cold.region);
        builder.trapIf(Op.trapz, signature, Trap.uninitialized_element);
        builder.trap(Trap.indirect_call_type_mismatch);
      } else {
        const nan = builder.fcmp(FloatCC.ne, func.typeOf(cold.value), cold.value, cold.value);
        builder.trapIf(Op.trapnz, nan, Trap.invalid_conversion_to_integer);
        builder.trap(Trap.integer_overflow);
      }
    }
  }

  /** The type of an operand. */
  typeOf(value: Value): Type {
    return this.func.typeOf(entity<Value>(value));
  }

  /** Region of elements of a table: of one that never changes they are constants. */
  static tableRegion(constant: boolean): number {
    return constant ? Region.constant : Region.table;
  }
}
