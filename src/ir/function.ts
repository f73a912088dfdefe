/**
 * One function in SSA form: basic blocks with parameters, instructions in columns.
 *
 * Guarantees, once `verify` (verify.ts) accepts it: every block of the layout ends in exactly one terminator; every value is defined
 * once and its definition dominates its uses; branch arguments match block parameters in number and type.
 * The columns are public: passes read and write them directly. Linked lists keep the order of instructions in a block.
 */

import type { I32Column, U8Column } from "../base/columns.ts";
import { type Entity, entity, PrimaryMap } from "../base/entity.ts";
import { Workspace } from "../base/workspace.ts";
import type { Signature, Type } from "./types.ts";
import { typeFromCode } from "./types.ts";

/** Printed `block3`. */
export type Block = Entity<"Block">;
/** Printed `v7`. */
export type Value = Entity<"Value">;
/** Printed `inst9`. */
export type Inst = Entity<"Inst">;
/** A branch's target with its arguments. */
export type BlockCall = Entity<"BlockCall">;
/** A function that this one calls directly. Printed `fn2`. */
export type FuncRef = Entity<"FuncRef">;
/** Printed `sig1`. */
export type SigRef = Entity<"SigRef">;
/** Printed `slot0`. */
export type StackSlot = Entity<"StackSlot">;
/** A function of the program that is being compiled (`frontend/program.ts` hands them out). Printed `@5`. */
export type FuncSymbol = Entity<"FuncSymbol">;
/** A data object of the program. Printed `$5`. */
export type DataSymbol = Entity<"DataSymbol">;

/** No entity: in columns that may be empty. */
export const NONE = -1;

export interface ExtFunc {
  readonly symbol: FuncSymbol;
  readonly signature: SigRef;
}

/** What the code generator must do besides the body. */
export interface FuncAttributes {
  /** Check the stack pointer against the limit in the context (first parameter) before the body. */
  readonly stackCheck: boolean;
  /** An entry from the host: keeps its context (first parameter) in the frame's first slot, where a trap finds it. */
  readonly entry: boolean;
  /** Called by entries only, whose `call_catch` expects no register to survive: it need not save any. */
  readonly entered?: boolean;
}

export class Func {
  /** For dumps and diagnostics. */
  readonly name: string;
  readonly signature: Signature;
  attributes: FuncAttributes;
  /** Memory of the columns, and for what passes and code generation find out about the function. Gone when its owner begins another one. */
  readonly work: Workspace;

  // Instruction columns (see ops.ts for what each format keeps where).
  readonly op: U8Column;
  readonly type: U8Column;
  readonly a: I32Column;
  readonly b: I32Column;
  readonly c: I32Column;
  readonly lo: I32Column;
  readonly hi: I32Column;
  /** First result, or NONE; results are consecutive values. */
  readonly firstResult: I32Column;
  readonly resultCount: I32Column;
  /** Byte offset in the wasm file, or 0; of inlined code `~` its row in `inlinedFunction` and the columns beside it. */
  readonly loc: I32Column;
  readonly next: I32Column;
  readonly prev: I32Column;
  /** The block that holds the instruction, or NONE once it was removed. */
  readonly instBlock: I32Column;

  /** Instructions that the columns above have room for. */
  #instRoom = 0;

  // Value columns.
  readonly valueType: U8Column;
  /** Defining instruction, or `~block` for a block parameter. */
  readonly valueDef: I32Column;
  /** Another value that this one was replaced by, or NONE. */
  readonly valueAlias: I32Column;

  // Block columns.
  readonly firstInst: I32Column;
  readonly lastInst: I32Column;
  /** Parameters: start and length in `pool`; changed through the methods below. */
  readonly blockParams: Value[][] = [];

  // Block calls.
  readonly callBlock: I32Column;
  readonly callArgsStart: I32Column;
  readonly callArgsLength: I32Column;

  /** Argument lists: values, or block calls of a br_table. */
  readonly pool: I32Column;

  readonly functions = new PrimaryMap<FuncRef, ExtFunc>();
  readonly signatures = new PrimaryMap<SigRef, Signature>();
  /** Size in bytes and alignment of each explicit stack slot. */
  readonly slots = new PrimaryMap<StackSlot, { readonly size: number; readonly align: number }>();
  /** 16-byte constants. */
  readonly vectors: Uint8Array[] = [];

  // Places in inlined code: the function (FuncSymbol) that it was in, the offset there, and the `loc` of the call that it replaces.
  readonly inlinedFunction: I32Column;
  readonly inlinedLoc: I32Column;
  readonly inlinedCall: I32Column;

  /** Blocks in emission order; the first is the entry block, whose parameters are the function's. */
  layout: Block[] = [];

  constructor(name: string, signature: Signature, attributes: FuncAttributes, work: Workspace = new Workspace()) {
    this.name = name;
    this.signature = signature;
    this.attributes = attributes;
    this.work = work;
    this.op = work.byteColumn();
    this.type = work.byteColumn();
    this.a = work.column();
    this.b = work.column();
    this.c = work.column();
    this.lo = work.column();
    this.hi = work.column();
    this.firstResult = work.column();
    this.resultCount = work.column();
    this.loc = work.column();
    this.next = work.column();
    this.prev = work.column();
    this.instBlock = work.column();
    this.valueType = work.byteColumn();
    this.valueDef = work.column();
    this.valueAlias = work.column();
    this.firstInst = work.column();
    this.lastInst = work.column();
    this.callBlock = work.column();
    this.callArgsStart = work.column();
    this.callArgsLength = work.column();
    this.pool = work.column();
    this.inlinedFunction = work.column();
    this.inlinedLoc = work.column();
    this.inlinedCall = work.column();
  }

  get instCount(): number {
    return this.op.length;
  }
  get valueCount(): number {
    return this.valueType.length;
  }
  get blockCount(): number {
    return this.firstInst.length;
  }

  get entryBlock(): Block {
    const block = this.layout[0];
    if (block === undefined) throw new RangeError(`function ${this.name} has no entry block`);
    return block;
  }

  /** A new block, not yet in the layout. */
  createBlock(): Block {
    this.firstInst.push(NONE);
    this.blockParams.push([]);
    return entity<Block>(this.lastInst.push(NONE));
  }

  /** The live list of a block's parameters; do not change it directly. */
  paramsOf(block: Block): readonly Value[] {
    return this.blockParams[block] ?? [];
  }

  appendBlockParam(block: Block, type: Type): Value {
    const value = this.#createValue(type, ~block);
    this.blockParams[block]?.push(value);
    return value;
  }

  /** Removes parameter `index`; the caller removes the argument of every branch (`removeBlockCallArg`). */
  removeBlockParam(block: Block, index: number): void {
    this.blockParams[block]?.splice(index, 1);
  }

  /** A value defined by `inst`, or by block `~def`. */
  #createValue(type: Type, def: number): Value {
    this.valueDef.push(def);
    this.valueAlias.push(NONE);
    return entity<Value>(this.valueType.push(type));
  }

  typeOf(value: Value): Type {
    return typeFromCode(this.valueType.get(value));
  }

  /** Follows replacements, and shortens the way for the next time. */
  resolve(value: Value): Value {
    const alias = this.valueAlias.get(value);
    return alias >= 0 ? this.#resolveAlias(value, alias) : value;
  }

  #resolveAlias(value: Value, alias: number): Value {
    let v: number = value;
    let next = alias;
    for (;;) {
      const after = this.valueAlias.get(next);
      if (after === NONE) return entity<Value>(next);
      this.valueAlias.set(v, after);
      v = next;
      next = after;
    }
  }

  /** Every later `resolve(value)` gives `replacement`. */
  replaceValue(value: Value, replacement: Value): void {
    const target = this.resolve(replacement);
    if (target === value) throw new RangeError(`v${value} can't replace itself`);
    this.valueAlias.set(value, target);
  }

  /** A new instruction in no block. */
  createInst(op: number, type: Type, a: number, b: number, c: number, lo: number, hi: number, loc: number): Inst {
    const inst = this.op.length;
    if (inst === this.#instRoom) this.#makeInstRoom();
    this.op.put(inst, op);
    this.type.put(inst, type);
    this.a.put(inst, a);
    this.b.put(inst, b);
    this.c.put(inst, c);
    this.lo.put(inst, lo);
    this.hi.put(inst, hi);
    this.firstResult.put(inst, NONE);
    this.resultCount.put(inst, 0);
    this.loc.put(inst, loc);
    this.next.put(inst, NONE);
    this.prev.put(inst, NONE);
    this.instBlock.put(inst, NONE);
    return entity<Inst>(inst);
  }

  #makeInstRoom(): void {
    const room = Math.max(16, 2 * this.#instRoom);
    for (const column of [this.op, this.type]) column.reserve(room);
    const { a, b, c, lo, hi, firstResult, resultCount, loc, next, prev, instBlock } = this;
    for (const column of [a, b, c, lo, hi, firstResult, resultCount, loc, next, prev, instBlock]) column.reserve(room);
    this.#instRoom = room;
  }

  /** Gives `inst` one more result; all results of an instruction must be made before any other value. */
  addResult(inst: Inst, type: Type): Value {
    const value = this.#createValue(type, inst);
    if (this.firstResult.get(inst) === NONE) this.firstResult.set(inst, value);
    this.resultCount.set(inst, this.resultCount.get(inst) + 1);
    return value;
  }

  /** The only result, or the first. */
  result(inst: Inst): Value {
    return entity<Value>(this.firstResult.get(inst));
  }

  appendInst(block: Block, inst: Inst): void {
    const last = this.lastInst.get(block);
    this.prev.set(inst, last);
    this.next.set(inst, NONE);
    if (last === NONE) this.firstInst.set(block, inst);
    else this.next.set(last, inst);
    this.lastInst.set(block, inst);
    this.instBlock.set(inst, block);
  }

  insertBefore(inst: Inst, before: Inst): void {
    const block = this.instBlock.get(before);
    const prev = this.prev.get(before);
    this.prev.set(inst, prev);
    this.next.set(inst, before);
    this.prev.set(before, inst);
    if (prev === NONE) this.firstInst.set(block, inst);
    else this.next.set(prev, inst);
    this.instBlock.set(inst, block);
  }

  /** Unlinks `inst`; its results must have no uses left. */
  removeInst(inst: Inst): void {
    const block = this.instBlock.get(inst);
    const prev = this.prev.get(inst);
    const next = this.next.get(inst);
    if (prev === NONE) this.firstInst.set(block, next);
    else this.next.set(prev, next);
    if (next === NONE) this.lastInst.set(block, prev);
    else this.prev.set(next, prev);
    this.instBlock.set(inst, NONE);
    this.next.set(inst, NONE);
    this.prev.set(inst, NONE);
  }

  /** Puts a list of values (or block calls) into the pool; returns where it starts. */
  pushList(list: readonly number[]): number {
    const start = this.pool.length;
    for (const item of list) this.pool.push(item);
    return start;
  }

  createBlockCall(block: Block, args: readonly Value[]): BlockCall {
    this.callArgsStart.push(this.pushList(args));
    this.callArgsLength.push(args.length);
    return entity<BlockCall>(this.callBlock.push(block));
  }

  /** Appends an argument to a branch whose list may not be the last in the pool: the list moves. */
  appendBlockCallArg(call: BlockCall, arg: Value): void {
    const start = this.callArgsStart.get(call);
    const length = this.callArgsLength.get(call);
    if (start + length !== this.pool.length) {
      this.callArgsStart.set(call, this.pool.length);
      for (let i = 0; i < length; i++) this.pool.push(this.pool.get(start + i));
    }
    this.pool.push(arg);
    this.callArgsLength.set(call, length + 1);
  }

  removeBlockCallArg(call: BlockCall, index: number): void {
    const start = this.callArgsStart.get(call);
    const length = this.callArgsLength.get(call);
    for (let i = index; i + 1 < length; i++) this.pool.set(start + i, this.pool.get(start + i + 1));
    this.callArgsLength.set(call, length - 1);
  }

  /** The signature's reference, made once for equal signatures by the builder. */
  addSignature(signature: Signature): SigRef {
    return this.signatures.push(signature);
  }
}
