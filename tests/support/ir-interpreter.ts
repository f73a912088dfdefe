/**
 * Runs integer functions of the IR, slowly and by the book: what support code means, before any code generator. Values are unsigned
 * BigInts of their width; memory is one array; addresses of functions are in a range of their own.
 */

import { entity } from "../../src/base/entity.ts";
import type { Block, DataSymbol, Func, FuncRef, FuncSymbol, SigRef, Value } from "../../src/ir/function.ts";
import { NONE } from "../../src/ir/function.ts";
import { Access, accessOf, accessSize, INT_CC_NAMES, type OpName, opName } from "../../src/ir/ops.ts";
import { Trap } from "../../src/layout/traps.ts";
import { atomicAccess } from "./atomic.ts";
import { I32, type Type, typeFromCode, typeSize } from "../../src/ir/types.ts";

export class TrapError extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`trap ${code}`);
    this.code = code;
  }
}

/** Where `text_base` is; function s is at this plus 16 s. */
export const TEXT_BASE = 0x7000_0000n;
/** The first address of memory. */
export const MEMORY_BASE = 0x1_0000n;

export interface World {
  /** The function of a symbol: IR, or a stand-in. */
  resolve(symbol: FuncSymbol): Func | ((...args: bigint[]) => bigint[]);
  dataAddress?(symbol: DataSymbol): bigint;
  syscall?(args: readonly bigint[]): bigint;
}

const bits = (type: Type): number => 8 * typeSize(type);

export class Interpreter {
  readonly memory: Uint8Array;
  readonly view: DataView;
  readonly world: World;
  #stack: number;
  #steps = 0;

  constructor(world: World, size = 1 << 20) {
    this.world = world;
    this.memory = new Uint8Array(size);
    this.view = new DataView(this.memory.buffer);
    // Above a frame are the caller's frame pointer and the return address.
    this.#stack = size - 16;
  }

  read(address: bigint, size: number): bigint {
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.memory[this.#at(address, size) + i] ?? 0);
    return value;
  }
  write(address: bigint, size: number, value: bigint): void {
    const at = this.#at(address, size);
    for (let i = 0; i < size; i++) this.memory[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
  }
  put(address: bigint, bytes: Uint8Array): void {
    this.memory.set(bytes, this.#at(address, bytes.length));
  }
  cstring(address: bigint): string {
    const at = this.#at(address, 1);
    return new TextDecoder().decode(this.memory.subarray(at, this.memory.indexOf(0, at)));
  }
  #at(address: bigint, size: number): number {
    const at = Number(address - MEMORY_BASE);
    if (at < 0 || at + size > this.memory.length) throw new Error(`access to ${address.toString(16)}`);
    return at;
  }

  call(symbol: FuncSymbol, args: readonly bigint[]): bigint[] {
    const target = this.world.resolve(symbol);
    return typeof target === "function" ? target(...args) : this.run(target, args);
  }

  run(func: Func, args: readonly bigint[]): bigint[] {
    const saved = this.#stack;
    const frame = func.slots.values().map(({ size, align }) => {
      this.#stack = Math.floor((this.#stack - size) / align) * align;
      return MEMORY_BASE + BigInt(this.#stack);
    });
    try {
      return this.#run(func, args, frame);
    } finally {
      this.#stack = saved;
    }
  }

  #run(func: Func, args: readonly bigint[], frame: readonly bigint[]): bigint[] {
    const values = new Map<number, bigint>();
    const get = (v: number): bigint => {
      const value = values.get(func.resolve(entity<Value>(v)));
      if (value === undefined) throw new Error(`v${v} has no value`);
      return value;
    };
    const list = (start: number, length: number): bigint[] =>
      Array.from({ length }, (_, i) => get(func.pool.get(start + i)));
    let block: Block = func.entryBlock;
    func.paramsOf(block).forEach((p, i) => {
      values.set(p, BigInt.asUintN(bits(func.typeOf(p)), args[i] ?? 0n));
    });
    const go = (call: number): void => {
      const passed = list(func.callArgsStart.get(call), func.callArgsLength.get(call));
      block = entity<Block>(func.callBlock.get(call));
      func.paramsOf(block).forEach((p, i) => {
        values.set(p, passed[i] ?? 0n);
      });
    };
    for (;;) {
      next: for (let i = func.firstInst.get(block); ; i = func.next.get(i)) {
        if (i === NONE) throw new Error("a block has no end");
        if (++this.#steps > 10_000_000) throw new Error("too many steps");
        const name = opName(func.op.get(i));
        const type = typeFromCode(func.type.get(i));
        const [a, b, c, lo, hi] = [func.a, func.b, func.c, func.lo, func.hi].map((col) => col.get(i));
        const A = a ?? 0;
        const B = b ?? 0;
        const C = c ?? 0;
        const LO = lo ?? 0;
        const HI = hi ?? 0;
        const define = (results: readonly bigint[]): void => {
          for (let r = 0; r < func.resultCount.get(i); r++) {
            const value = entity<Value>(func.firstResult.get(i) + r);
            values.set(value, BigInt.asUintN(bits(func.typeOf(value)), results[r] ?? 0n));
          }
        };
        switch (name) {
          case "iconst":
            define([(BigInt(HI) << 32n) | BigInt(LO >>> 0)]);
            break;
          case "load": {
            const size = accessSize(accessOf(HI), type);
            const raw = this.read(get(A) + BigInt(LO), size);
            const access = accessOf(HI);
            const signed = access === Access.s8 || access === Access.s16 || access === Access.s32;
            define([signed ? BigInt.asIntN(8 * size, raw) : raw]);
            break;
          }
          case "store":
            this.write(get(A) + BigInt(LO), accessSize(accessOf(HI), type), get(B));
            break;
          case "atomic_cas": {
            const address = get(A) + BigInt(LO);
            const memory = {
              read: (size: number) => this.read(address, size),
              write: (size: number, value: bigint) => this.write(address, size, value),
            };
            define([atomicAccess(name, type, HI, memory, get(B), get(C))]);
            break;
          }
          case "atomic_fence":
            break;
          case "has_wide_copy":
            define([0n]);
            break;
          case "copy_wide":
          case "copy_widest":
          case "copy_forward": {
            const [to = 0n, from = 0n, length = 0n] = list(B, C);
            for (let k = 0n; k < length; k++) this.write(to + k, 1, this.read(from + k, 1));
            break;
          }
          case "fill": {
            const [to = 0n, byte = 0n, length = 0n] = list(B, C);
            for (let k = 0n; k < length; k++) this.write(to + k, 1, byte);
            break;
          }
          case "func_addr":
            define([TEXT_BASE + 16n * BigInt(LO)]);
            break;
          case "text_base":
            define([TEXT_BASE]);
            break;
          case "data_addr":
            define([(this.world.dataAddress?.(entity<DataSymbol>(LO)) ?? 0n) + BigInt(HI)]);
            break;
          case "slot_addr":
            define([(frame[LO] ?? 0n) + BigInt(HI)]);
            break;
          case "stack_pointer":
          case "frame_pointer":
            define([MEMORY_BASE + BigInt(this.#stack)]);
            break;
          case "syscall":
            define([this.world.syscall?.(list(B, C)) ?? 0n]);
            break;
          case "call":
            define(this.call(func.functions.get(entity<FuncRef>(A)).symbol, list(B, C)));
            break;
          case "call_indirect": {
            func.signatures.get(entity<SigRef>(LO));
            define(this.call(entity<FuncSymbol>(Number((get(A) - TEXT_BASE) / 16n)), list(B, C)));
            break;
          }
          case "call_catch":
            try {
              define([0n, ...this.call(func.functions.get(entity<FuncRef>(A)).symbol, list(B, C))]);
            } catch (error) {
              if (!(error instanceof TrapError)) throw error;
              define([BigInt(error.code)]);
            }
            break;
          case "trap":
            throw new TrapError(LO);
          case "trapz":
            if (get(A) === 0n) throw new TrapError(LO);
            break;
          case "poll":
            if (this.read(get(A) + BigInt(LO), 4) !== 0n) throw new TrapError(Trap.interrupted);
            break;
          case "probe":
            define([this.read(get(A), 8)]);
            break;
          case "trapnz":
            if (get(A) !== 0n) throw new TrapError(LO);
            break;
          case "jump":
            go(A);
            break next;
          case "brif":
            go(get(A) !== 0n ? B : C);
            break next;
          case "return":
            return list(B, C);
          default:
            define([
              arithmetic(
                name,
                type,
                func.typeOf(entity<Value>(A)),
                LO,
                get(A),
                B === NONE ? 0n : get(B),
                C === NONE ? 0n : get(C),
              ),
            ]);
        }
      }
    }
  }
}

function arithmetic(name: OpName, type: Type, operand: Type, cc: number, a: bigint, b: bigint, c: bigint): bigint {
  const width = BigInt(bits(type));
  switch (name) {
    case "iadd":
      return a + b;
    case "isub":
      return a - b;
    case "imul":
      return a * b;
    case "udiv":
      return a / b;
    case "urem":
      return a % b;
    case "band":
      return a & b;
    case "bor":
      return a | b;
    case "bxor":
      return a ^ b;
    case "ishl":
      return a << (b % width);
    case "ushr":
      return a >> (b % width);
    case "uextend":
    case "ireduce":
      return a;
    case "select":
    case "guard":
      return a !== 0n ? b : c;
    case "icmp":
    case "bounds":
      return compare(INT_CC_NAMES[cc] ?? "eq", operand, a, b) ? 1n : 0n;
    default:
      throw new Error(`the interpreter lacks ${name}`);
  }
}

function compare(cc: (typeof INT_CC_NAMES)[number], type: Type, a: bigint, b: bigint): boolean {
  const width = type === I32 ? 32 : 64;
  const [x, y] = [BigInt.asIntN(width, a), BigInt.asIntN(width, b)];
  switch (cc) {
    case "eq":
      return a === b;
    case "ne":
      return a !== b;
    case "slt":
      return x < y;
    case "sge":
      return x >= y;
    case "sgt":
      return x > y;
    case "sle":
      return x <= y;
    case "ult":
      return a < b;
    case "uge":
      return a >= b;
    case "ugt":
      return a > b;
    case "ule":
      return a <= b;
  }
}
