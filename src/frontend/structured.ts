/**
 * A structured emitter over `FuncBuilder`, so that run-time support, trampolines and entries read like code: variables, if, loop, break,
 * loads and stores, calls. It makes SSA as it goes (`flow.ts`).
 *
 * After `return`, `trap`, `jump` out of a loop nothing may be emitted until the enclosing construct ends: `open` says whether code is
 * reachable. Types follow from the operands.
 */

import { InternalError } from "../base/diagnostics.ts";
import { type FuncBuilder, startFunction } from "../ir/builder.ts";
import type { Block, DataSymbol, Func, FuncAttributes, FuncSymbol, StackSlot, Value } from "../ir/function.ts";
import { Access, IntCC, Op, Region } from "../ir/ops.ts";
import { I32, I64, type Signature, type Type } from "../ir/types.ts";
import { Flow, type Variable } from "./flow.ts";

/** Where `break` and `continue` of a loop go. */
export interface Loop {
  readonly header: Block;
  readonly exit: Block;
}

export class Emitter {
  readonly builder: FuncBuilder;
  readonly func: Func;
  readonly params: readonly Value[];
  readonly #flow: Flow;

  /** Emits where `builder` stands; `params` are what `param` gives. Variables of this emitter begin here. */
  constructor(builder: FuncBuilder, params: readonly Value[]) {
    this.builder = builder;
    this.func = builder.func;
    this.params = params;
    this.#flow = new Flow(builder);
  }

  /** A new function, at its beginning. */
  static start(name: string, signature: Signature, attributes: FuncAttributes): Emitter {
    const { builder, params } = startFunction(name, signature, attributes);
    return new Emitter(builder, params);
  }

  /** Parameter `index`. */
  param(index: number): Value {
    const value = this.params[index];
    if (value === undefined) throw new InternalError("frontend", `no parameter ${index}`, this.func.name);
    return value;
  }

  get open(): boolean {
    return this.builder.open;
  }

  // Variables.

  variable(initial: Value): Variable {
    return this.#flow.variable(initial);
  }

  set(variable: Variable, value: Value): void {
    this.#flow.set(variable, value);
  }

  get(variable: Variable): Value {
    return this.#flow.get(variable);
  }

  // Control.

  if(condition: Value, then: () => void, otherwise?: () => void): void {
    const thenBlock = this.builder.createBlock();
    const merge = this.builder.createBlock();
    const elseBlock = otherwise === undefined ? merge : this.builder.createBlock();
    this.#flow.branch(condition, thenBlock, elseBlock);
    this.#flow.enter(thenBlock);
    then();
    if (this.open) this.#flow.jump(merge);
    if (otherwise !== undefined) {
      this.#flow.enter(elseBlock);
      otherwise();
      if (this.open) this.#flow.jump(merge);
    }
    if (this.#flow.isReached(merge)) this.#flow.enter(merge);
  }

  /** Runs `arms[targets[index]]`, nothing where the target is -1. An index that is no target's runs what the last one does. */
  switch(index: Value, targets: readonly number[], arms: readonly (() => void)[]): void {
    const merge = this.builder.createBlock();
    const blocks = arms.map(() => this.builder.createBlock());
    this.#flow.branchTable(
      index,
      targets.map((t) => blocks[t] ?? merge),
    );
    blocks.forEach((block, i) => {
      if (!this.#flow.isReached(block)) return;
      this.#flow.enter(block);
      arms[i]?.();
      if (this.open) this.#flow.jump(merge);
    });
    if (this.#flow.isReached(merge)) this.#flow.enter(merge);
  }

  /** Repeats `body` until it breaks, returns or traps. */
  loop(body: (loop: Loop) => void): void {
    const loop: Loop = { header: this.builder.createBlock(), exit: this.builder.createBlock() };
    this.#flow.enterLoop(loop.header);
    body(loop);
    if (this.open) this.#flow.jump(loop.header);
    this.#flow.seal(loop.header);
    if (this.#flow.isReached(loop.exit)) this.#flow.enter(loop.exit);
  }

  while(condition: () => Value, body: (loop: Loop) => void): void {
    this.loop((loop) => {
      this.breakUnless(loop, condition());
      body(loop);
    });
  }

  break(loop: Loop): void {
    this.#flow.jump(loop.exit);
  }
  continue(loop: Loop): void {
    this.#flow.jump(loop.header);
  }
  breakIf(loop: Loop, condition: Value): void {
    const next = this.builder.createBlock();
    this.#flow.branch(condition, loop.exit, next);
    this.#flow.enter(next);
  }
  breakUnless(loop: Loop, condition: Value): void {
    const next = this.builder.createBlock();
    this.#flow.branch(condition, next, loop.exit);
    this.#flow.enter(next);
  }

  return(...values: readonly Value[]): void {
    this.builder.return(values);
  }
  trap(code: number): void {
    this.builder.trap(code);
  }
  trapIf(condition: Value, code: number): void {
    this.builder.trapIf(Op.trapnz, condition, code);
  }
  trapUnless(condition: Value, code: number): void {
    this.builder.trapIf(Op.trapz, condition, code);
  }
  unwindTo(framePointer: Value, address: Value, status: Value): void {
    this.builder.unwindTo(framePointer, address, status);
  }

  // Values.

  i32(value: number): Value {
    return this.builder.iconst32(value);
  }
  /** A safe integer. */
  i64(value: number): Value {
    return this.builder.iconst64n(value);
  }
  #constant(type: Type, value: number): Value {
    return type === I32 ? this.i32(value) : this.i64(value);
  }
  #binary(op: number, a: Value, b: Value): Value {
    return this.builder.binary(op, this.func.typeOf(a), a, b);
  }
  add(a: Value, b: Value): Value {
    return this.#binary(Op.iadd, a, b);
  }
  /** `a` plus a constant. */
  offset(a: Value, constant: number): Value {
    return constant === 0 ? a : this.#binary(Op.iadd, a, this.#constant(this.func.typeOf(a), constant));
  }
  sub(a: Value, b: Value): Value {
    return this.#binary(Op.isub, a, b);
  }
  mul(a: Value, b: Value): Value {
    return this.#binary(Op.imul, a, b);
  }
  and(a: Value, b: Value): Value {
    return this.#binary(Op.band, a, b);
  }
  andImm(a: Value, constant: number): Value {
    return this.#binary(Op.band, a, this.#constant(this.func.typeOf(a), constant));
  }
  or(a: Value, b: Value): Value {
    return this.#binary(Op.bor, a, b);
  }
  xor(a: Value, b: Value): Value {
    return this.#binary(Op.bxor, a, b);
  }
  shl(a: Value, bits: number): Value {
    return this.#binary(Op.ishl, a, this.#constant(this.func.typeOf(a), bits));
  }
  shlBy(a: Value, bits: Value): Value {
    return this.#binary(Op.ishl, a, bits);
  }
  shr(a: Value, bits: number): Value {
    return this.#binary(Op.ushr, a, this.#constant(this.func.typeOf(a), bits));
  }
  udiv(a: Value, b: Value): Value {
    return this.#binary(Op.udiv, a, b);
  }
  udivImm(a: Value, constant: number): Value {
    return this.#binary(Op.udiv, a, this.#constant(this.func.typeOf(a), constant));
  }
  uremImm(a: Value, constant: number): Value {
    return this.#binary(Op.urem, a, this.#constant(this.func.typeOf(a), constant));
  }
  /** Sign-extends the low bits of an integer. */
  sext(bits: 8 | 16, a: Value): Value {
    return this.builder.unary(bits === 8 ? Op.sext8 : Op.sext16, this.func.typeOf(a), a);
  }
  /** The same bits as another type of the same size. */
  bitcast(type: Type, a: Value): Value {
    return this.builder.unary(Op.bitcast, type, a);
  }
  /** i32 → i64, zero-extended. */
  zext(a: Value): Value {
    return this.builder.unary(Op.uextend, I64, a);
  }
  /** i64 → i32. */
  wrap(a: Value): Value {
    return this.builder.unary(Op.ireduce, I32, a);
  }
  icmp(cc: number, a: Value, b: Value): Value {
    return this.builder.icmp(cc, this.func.typeOf(a), a, b);
  }
  /** The condition of a bounds check. */
  bounds(cc: number, a: Value, b: Value): Value {
    return this.builder.bounds(cc, this.func.typeOf(a), a, b);
  }
  /** `value`; 0 where the processor runs on although `out` (of `bounds`) is not zero. */
  guard(out: Value, value: Value): Value {
    const type = this.func.typeOf(value);
    return this.builder.guard(type, out, this.#constant(type, 0), value);
  }
  /** Traps with `code` if `what` is above `limit` (unsigned). Gives `value`, or 0 where the processor runs on nevertheless. */
  below(value: Value, what: Value, limit: Value, code: number): Value {
    const out = this.bounds(IntCC.ugt, what, limit);
    this.trapIf(out, code);
    return this.guard(out, value);
  }
  eq(a: Value, b: Value): Value {
    return this.icmp(IntCC.eq, a, b);
  }
  ne(a: Value, b: Value): Value {
    return this.icmp(IntCC.ne, a, b);
  }
  ult(a: Value, b: Value): Value {
    return this.icmp(IntCC.ult, a, b);
  }
  uge(a: Value, b: Value): Value {
    return this.icmp(IntCC.uge, a, b);
  }
  ugt(a: Value, b: Value): Value {
    return this.icmp(IntCC.ugt, a, b);
  }
  ule(a: Value, b: Value): Value {
    return this.icmp(IntCC.ule, a, b);
  }
  slt(a: Value, b: Value): Value {
    return this.icmp(IntCC.slt, a, b);
  }
  eqz(a: Value): Value {
    return this.eqImm(a, 0);
  }
  nez(a: Value): Value {
    return this.neImm(a, 0);
  }
  eqImm(a: Value, constant: number): Value {
    return this.icmp(IntCC.eq, a, this.#constant(this.func.typeOf(a), constant));
  }
  neImm(a: Value, constant: number): Value {
    return this.icmp(IntCC.ne, a, this.#constant(this.func.typeOf(a), constant));
  }
  ultImm(a: Value, constant: number): Value {
    return this.icmp(IntCC.ult, a, this.#constant(this.func.typeOf(a), constant));
  }
  select(condition: Value, ifNonZero: Value, ifZero: Value): Value {
    return this.builder.select(this.func.typeOf(ifNonZero), condition, ifNonZero, ifZero);
  }

  // Memory. Offsets are signed 32-bit; a larger displacement is added (`at`).

  /** `base` and an offset that a load or store can hold: large displacements are added to the base. */
  #address(base: Value, offset: number): { readonly base: Value; readonly offset: number } {
    return offset >= -0x8000_0000 && offset <= 0x7fff_ffff
      ? { base, offset }
      : { base: this.offset(base, offset), offset: 0 };
  }
  load(type: Type, base: Value, offset: number, region: number = Region.any): Value {
    const at = this.#address(base, offset);
    return this.builder.load(type, at.base, at.offset, region);
  }
  load32(base: Value, offset: number, region: number = Region.any): Value {
    return this.load(I32, base, offset, region);
  }
  load64(base: Value, offset: number, region: number = Region.any): Value {
    return this.load(I64, base, offset, region);
  }
  /** The i64 at an address, or -1 where nothing can be read. Only where faults are handled. */
  probe(address: Value): Value {
    return this.builder.probe(address);
  }
  /** Reads a byte for the fault alone, if there is one. */
  touch(address: Value): void {
    this.builder.load(I32, address, 0, Region.any, Access.u8, true);
  }
  /** A narrow load as i32; `access` is one of `Access`. */
  loadNarrow(access: number, base: Value, offset: number, region: number = Region.any): Value {
    const at = this.#address(base, offset);
    return this.builder.load(I32, at.base, at.offset, region, access);
  }
  load8(base: Value, offset: number, region: number = Region.any): Value {
    return this.loadNarrow(Access.u8, base, offset, region);
  }
  store(base: Value, offset: number, value: Value, region: number = Region.any): void {
    const at = this.#address(base, offset);
    this.builder.store(this.func.typeOf(value), at.base, value, at.offset, region);
  }
  storeNarrow(access: number, base: Value, offset: number, value: Value, region: number = Region.any): void {
    const at = this.#address(base, offset);
    this.builder.store(this.func.typeOf(value), at.base, value, at.offset, region, access);
  }
  store8(base: Value, offset: number, value: Value, region: number = Region.any): void {
    this.storeNarrow(Access.u8, base, offset, value, region);
  }
  /** Copies `length` (i64) bytes upwards. */
  copy(destination: Value, source: Value, length: Value): void {
    this.builder.block3(Op.copy_forward, destination, source, length);
  }
  /** The same where `hasWideCopy` is not 0; at least 128 bytes that do not overlap. */
  copyWide(destination: Value, source: Value, length: Value): void {
    this.builder.block3(Op.copy_wide, destination, source, length);
  }
  /** The same where `hasWideCopy` is 2; at least 256. */
  copyWidest(destination: Value, source: Value, length: Value): void {
    this.builder.block3(Op.copy_widest, destination, source, length);
  }
  hasWideCopy(): Value {
    return this.builder.nullary(Op.has_wide_copy);
  }
  slot(size: number, align = 8): StackSlot {
    return this.builder.createSlot(size, align);
  }
  slotAddress(slot: StackSlot, offset = 0): Value {
    return this.builder.slotAddr(slot, offset);
  }
  dataAddress(symbol: DataSymbol, offset = 0): Value {
    return this.builder.dataAddr(symbol, offset);
  }
  funcAddress(symbol: FuncSymbol): Value {
    return this.builder.funcAddr(symbol);
  }
  textBase(): Value {
    return this.builder.nullary(Op.text_base);
  }
  framePointer(): Value {
    return this.builder.nullary(Op.frame_pointer);
  }
  stackPointer(): Value {
    return this.builder.nullary(Op.stack_pointer);
  }

  // Calls.

  call(symbol: FuncSymbol, signature: Signature, args: readonly Value[]): readonly Value[] {
    return this.builder.call(this.builder.importFunc(symbol, signature), args);
  }
  /** The only result of a call. */
  call1(symbol: FuncSymbol, signature: Signature, args: readonly Value[]): Value {
    return this.#one(this.call(symbol, signature, args));
  }
  callIndirect(callee: Value, signature: Signature, args: readonly Value[]): readonly Value[] {
    return this.builder.callIndirect(callee, this.builder.importSignature(signature), args);
  }
  callIndirect1(callee: Value, signature: Signature, args: readonly Value[]): Value {
    return this.#one(this.callIndirect(callee, signature, args));
  }
  /** Status and results. */
  callCatch(
    symbol: FuncSymbol,
    signature: Signature,
    args: readonly Value[],
  ): { readonly status: Value; readonly results: readonly Value[] } {
    const [status, ...results] = this.builder.callCatch(this.builder.importFunc(symbol, signature), args);
    return { status: this.#one(status === undefined ? [] : [status]), results };
  }
  callOnStack(top: Value, symbol: FuncSymbol, signature: Signature, args: readonly Value[]): readonly Value[] {
    return this.builder.callOnStack(top, this.builder.importFunc(symbol, signature), args);
  }
  #one(values: readonly Value[]): Value {
    const value = values[0];
    if (value === undefined) throw new InternalError("frontend", "the call has no result", this.func.name);
    return value;
  }

  /** A Linux system call; missing arguments are 0. */
  syscall(number: number, ...args: readonly Value[]): Value {
    return this.syscallOf(this.i64(number), ...args);
  }
  syscallOf(number: Value, ...args: readonly Value[]): Value {
    const all = [number, ...args];
    while (all.length < 7) all.push(this.i64(0));
    return this.builder.syscall(all);
  }
  /** Whether a system call's result is an error: -4095 to -1. */
  failed(result: Value): Value {
    return this.ugt(result, this.i64(-4096));
  }

  /** The function, complete. Throws `InternalError` when the last block has no terminator. */
  finish(): Func {
    if (this.open) throw new InternalError("frontend", "the function does not end", this.func.name);
    return this.func;
  }
}
