/**
 * Appends instructions to a `Func`, one block at a time. A thin layer: it fills the columns, makes results and interns
 * signatures and callees. It folds nothing (opt/ does) and knows nothing of variables (frontend/ does).
 */

import { type Entity, entity } from "../base/entity.ts";
import { i64FromNumber } from "../base/int64.ts";
import type { Workspace } from "../base/workspace.ts";
import type {
  Block,
  DataSymbol,
  FuncAttributes,
  FuncRef,
  FuncSymbol,
  Inst,
  SigRef,
  StackSlot,
  Value,
} from "./function.ts";
import { Func, NONE } from "./function.ts";
import { Access, accessFlags, Op, Region } from "./ops.ts";
import type { Signature, Type } from "./types.ts";
import { F32, F64, I32, I64, signatureHash, signaturesEqual, V128 } from "./types.ts";

export class FuncBuilder {
  readonly func: Func;
  /** Written into every instruction: byte offset in the wasm file, or 0. */
  loc = 0;
  #block: Block | undefined;
  readonly #functions = new Map<number, FuncRef>();
  readonly #signatures = new Map<Signature, SigRef>();
  /** By `signatureHash`, or the next number that was free. */
  readonly #byHash = new Map<number, SigRef>();
  #vectors: Map<string, number> | undefined;

  constructor(func: Func) {
    this.func = func;
  }

  get block(): Block {
    if (this.#block === undefined) throw new RangeError("no current block");
    return this.#block;
  }

  /** Whether the current block still takes instructions. */
  get open(): boolean {
    return this.#block !== undefined;
  }

  /** A block for later; `switchTo` puts it into the layout. */
  createBlock(): Block {
    return this.func.createBlock();
  }

  /** Appends `block` to the layout and makes it current. Each block is switched to once. */
  switchTo(block: Block): void {
    this.func.layout.push(block);
    this.#block = block;
  }

  /** Makes a block that is in the layout current again (to fill in several blocks by turns). */
  resume(block: Block): void {
    this.#block = block;
  }

  #append(op: number, type: Type, a: number, b: number, c: number, lo: number, hi: number): Inst {
    const inst = this.func.createInst(op, type, a, b, c, lo, hi, this.loc);
    this.func.appendInst(this.block, inst);
    return inst;
  }

  #value(op: number, type: Type, result: Type, a: number, b: number, c: number, lo: number, hi: number): Value {
    return this.func.addResult(this.#append(op, type, a, b, c, lo, hi), result);
  }

  iconst32(value: number): Value {
    return this.#value(Op.iconst, I32, I32, NONE, NONE, NONE, value | 0, 0);
  }
  iconst64(lo: number, hi: number): Value {
    return this.#value(Op.iconst, I64, I64, NONE, NONE, NONE, lo | 0, hi | 0);
  }
  /** A safe integer as i64. */
  iconst64n(value: number): Value {
    const { lo, hi } = i64FromNumber(value);
    return this.iconst64(lo, hi);
  }
  f32const(bits: number): Value {
    return this.#value(Op.f32const, F32, F32, NONE, NONE, NONE, bits | 0, 0);
  }
  f64const(lo: number, hi: number): Value {
    return this.#value(Op.f64const, F64, F64, NONE, NONE, NONE, lo | 0, hi | 0);
  }
  v128const(bytes: Uint8Array): Value {
    return this.#value(Op.v128const, V128, V128, NONE, NONE, NONE, this.#vector(bytes), 0);
  }

  /** The number of a 16-byte constant: equal ones share it. */
  #vector(bytes: Uint8Array): number {
    const key = bytes.join();
    this.#vectors ??= new Map();
    let index = this.#vectors.get(key);
    if (index === undefined) {
      index = this.func.vectors.push(bytes) - 1;
      this.#vectors.set(key, index);
    }
    return index;
  }

  /** An op on a vector's lanes (`vector.ts`), or with `shape` 0 on a whole vector; `type` as in `unary`, `detail`: the lane. */
  vector1(op: number, shape: number, a: Value, type: Type = V128, result: Type = type, detail = 0): Value {
    return this.#value(op, type, result, a, NONE, NONE, shape, detail);
  }
  /** The same with two operands; `detail`: the lane, or the condition. */
  vector2(op: number, shape: number, a: Value, b: Value, detail = 0): Value {
    return this.#value(op, V128, V128, a, b, NONE, shape, detail);
  }
  /** `indices`: 16, below 32. */
  vshuffle(indices: Uint8Array, a: Value, b: Value): Value {
    return this.#value(Op.vshuffle, V128, V128, a, b, NONE, this.#vector(indices), 0);
  }

  /** `type` is the controlling type, which is also the result's unless the op's row says otherwise. */
  unary(op: number, type: Type, a: Value, result: Type = type): Value {
    return this.#value(op, type, result, a, NONE, NONE, 0, 0);
  }
  binary(op: number, type: Type, a: Value, b: Value): Value {
    return this.#value(op, type, type, a, b, NONE, 0, 0);
  }
  icmp(cc: number, type: Type, a: Value, b: Value): Value {
    return this.#value(Op.icmp, type, I32, a, b, NONE, cc, 0);
  }
  fcmp(cc: number, type: Type, a: Value, b: Value): Value {
    return this.#value(Op.fcmp, type, I32, a, b, NONE, cc, 0);
  }
  bounds(cc: number, type: Type, a: Value, b: Value): Value {
    return this.#value(Op.bounds, type, I32, a, b, NONE, cc, 0);
  }
  /** `value`, or `safe` where `out` is not zero. */
  guard(type: Type, out: Value, safe: Value, value: Value): Value {
    return this.#value(Op.guard, type, type, out, safe, value, 0, 0);
  }
  select(type: Type, condition: Value, ifNonZero: Value, ifZero: Value): Value {
    return this.#value(Op.select, type, type, condition, ifNonZero, ifZero, 0, 0);
  }

  load(type: Type, address: Value, offset: number, region: number, access: number = Access.full, traps = false): Value {
    return this.#value(Op.load, type, type, address, NONE, NONE, offset, accessFlags(access, region, traps));
  }
  store(
    type: Type,
    address: Value,
    value: Value,
    offset: number,
    region: number,
    access: number = Access.full,
    traps = false,
  ): void {
    this.#append(Op.store, type, address, value, NONE, offset, accessFlags(access, region, traps));
  }
  /** `flags`: see `accessFlags`, here and below. */
  atomicLoad(type: Type, address: Value, offset: number, flags: number): Value {
    return this.#value(Op.atomic_load, type, type, address, NONE, NONE, offset, flags);
  }
  atomicStore(type: Type, address: Value, value: Value, offset: number, flags: number): void {
    this.#append(Op.atomic_store, type, address, value, NONE, offset, flags);
  }
  /** Op.atomic_add to Op.atomic_xchg. */
  atomicUpdate(op: number, type: Type, address: Value, value: Value, offset: number, flags: number): Value {
    return this.#value(op, type, type, address, value, NONE, offset, flags);
  }
  atomicCas(type: Type, address: Value, expected: Value, replacement: Value, offset: number, flags: number): Value {
    return this.#value(Op.atomic_cas, type, type, address, expected, replacement, offset, flags);
  }
  fence(): void {
    this.#append(Op.atomic_fence, I32, NONE, NONE, NONE, 0, 0);
  }

  /** copy_forward, fill: (destination, source or byte, length). */
  block3(op: number, a: Value, b: Value, length: Value): void {
    this.#append(op, I64, NONE, this.func.pushList([a, b, length]), 3, 0, 0);
  }

  funcAddr(symbol: FuncSymbol): Value {
    return this.#value(Op.func_addr, I64, I64, NONE, NONE, NONE, symbol, 0);
  }
  dataAddr(symbol: DataSymbol, offset = 0): Value {
    return this.#value(Op.data_addr, I64, I64, NONE, NONE, NONE, symbol, offset);
  }
  slotAddr(slot: StackSlot, offset = 0): Value {
    return this.#value(Op.slot_addr, I64, I64, NONE, NONE, NONE, slot, offset);
  }
  createSlot(size: number, align = 8): StackSlot {
    return this.func.slots.push({ size, align });
  }
  /** text_base, frame_pointer, stack_pointer. */
  nullary(op: number): Value {
    return this.#value(op, I64, I64, NONE, NONE, NONE, 0, 0);
  }

  /** One reference for each symbol. */
  importFunc(symbol: FuncSymbol, signature: Signature): FuncRef {
    let ref = this.#functions.get(symbol);
    if (ref === undefined) {
      ref = this.func.functions.push({ symbol, signature: this.importSignature(signature) });
      this.#functions.set(symbol, ref);
    }
    return ref;
  }

  /** One reference for each signature (by identity first, then by equality). */
  importSignature(signature: Signature): SigRef {
    const known = this.#signatures.get(signature);
    if (known !== undefined) return known;
    let hash = signatureHash(signature);
    let ref = this.#byHash.get(hash);
    while (ref !== undefined && !signaturesEqual(this.func.signatures.get(ref), signature)) {
      hash = (hash + 1) | 0;
      ref = this.#byHash.get(hash);
    }
    if (ref === undefined) {
      ref = this.func.addSignature(signature);
      this.#byHash.set(hash, ref);
    }
    this.#signatures.set(signature, ref);
    return ref;
  }

  #results(inst: Inst, signature: Signature): Value[] {
    const out: Value[] = [];
    for (const type of signature.results) out.push(this.func.addResult(inst, type));
    return out;
  }

  #signatureOf(ref: FuncRef): Signature {
    return this.func.signatures.get(this.func.functions.get(ref).signature);
  }

  call(callee: FuncRef, args: readonly Value[]): Value[] {
    const inst = this.#append(Op.call, I64, callee, this.func.pushList(args), args.length, 0, 0);
    return this.#results(inst, this.#signatureOf(callee));
  }
  callIndirect(callee: Value, signature: SigRef, args: readonly Value[]): Value[] {
    const inst = this.#append(Op.call_indirect, I64, callee, this.func.pushList(args), args.length, signature, 0);
    return this.#results(inst, this.func.signatures.get(signature));
  }
  /** Results: status (i32), then the callee's. */
  callCatch(callee: FuncRef, args: readonly Value[]): Value[] {
    const inst = this.#append(Op.call_catch, I64, callee, this.func.pushList(args), args.length, 0, 0);
    const status = this.func.addResult(inst, I32);
    return [status, ...this.#results(inst, this.#signatureOf(callee))];
  }
  callCatchIndirect(callee: Value, signature: SigRef, args: readonly Value[]): Value[] {
    const inst = this.#append(Op.call_catch_indirect, I64, callee, this.func.pushList(args), args.length, signature, 0);
    const status = this.func.addResult(inst, I32);
    return [status, ...this.#results(inst, this.func.signatures.get(signature))];
  }
  callOnStack(stackTop: Value, callee: FuncRef, args: readonly Value[]): Value[] {
    const list = [stackTop, ...args];
    const inst = this.#append(Op.call_on_stack, I64, callee, this.func.pushList(list), list.length, 0, 0);
    return this.#results(inst, this.#signatureOf(callee));
  }
  /** Number and six arguments, all i64. */
  syscall(args: readonly Value[]): Value {
    return this.#value(Op.syscall, I64, I64, NONE, this.func.pushList(args), args.length, 0, 0);
  }

  trap(code: number): void {
    this.#append(Op.trap, I32, NONE, NONE, NONE, code, 0);
    this.#block = undefined;
  }
  /** `address` is an i64. */
  poll(address: Value, offset: number): void {
    this.#append(Op.poll, I32, address, NONE, NONE, offset, accessFlags(Access.full, Region.any));
  }
  /** `address` is an i64. */
  probe(address: Value): Value {
    return this.#value(Op.probe, I64, I64, address, NONE, NONE, 0, accessFlags(Access.full, Region.any));
  }
  /** Op.trapz or Op.trapnz. */
  trapIf(op: number, condition: Value, code: number): void {
    this.#append(op, I32, condition, NONE, NONE, code, 0);
  }
  jump(block: Block, args: readonly Value[] = []): void {
    this.#append(Op.jump, I32, this.func.createBlockCall(block, args), NONE, NONE, 0, 0);
    this.#block = undefined;
  }
  brif(
    condition: Value,
    ifNonZero: Block,
    nonZeroArgs: readonly Value[],
    ifZero: Block,
    zeroArgs: readonly Value[],
  ): void {
    const b = this.func.createBlockCall(ifNonZero, nonZeroArgs);
    const c = this.func.createBlockCall(ifZero, zeroArgs);
    this.#append(Op.brif, I32, condition, b, c, 0, 0);
    this.#block = undefined;
  }
  /** The last target is the default. */
  brTable(index: Value, targets: readonly { readonly block: Block; readonly args: readonly Value[] }[]): void {
    const calls: Entity<"BlockCall">[] = targets.map((t) => this.func.createBlockCall(t.block, t.args));
    this.#append(Op.br_table, I32, index, this.func.pushList(calls), calls.length, 0, 0);
    this.#block = undefined;
  }
  return(values: readonly Value[]): void {
    this.#append(Op.return, I32, NONE, this.func.pushList(values), values.length, 0, 0);
    this.#block = undefined;
  }
  returnCall(callee: FuncRef, args: readonly Value[]): void {
    this.#append(Op.return_call, I64, callee, this.func.pushList(args), args.length, 0, 0);
    this.#block = undefined;
  }
  returnCallIndirect(callee: Value, signature: SigRef, args: readonly Value[]): void {
    this.#append(Op.return_call_indirect, I64, callee, this.func.pushList(args), args.length, signature, 0);
    this.#block = undefined;
  }
  unwindTo(framePointer: Value, address: Value, status: Value): void {
    this.#append(Op.unwind_to, I64, NONE, this.func.pushList([framePointer, address, status]), 3, 0, 0);
    this.#block = undefined;
  }
}

/** A function with its entry block, whose parameters are the signature's, current. */
export function startFunction(
  name: string,
  signature: Signature,
  attributes: FuncAttributes,
  work?: Workspace,
): { readonly builder: FuncBuilder; readonly params: readonly Value[] } {
  const builder = new FuncBuilder(new Func(name, signature, attributes, work));
  const block = builder.createBlock();
  builder.switchTo(block);
  const params = signature.params.map((type) => builder.func.appendBlockParam(block, type));
  return { builder, params: params.map((p) => entity<Value>(p)) };
}
