/**
 * Runs IR functions, to test what bodies mean without a code generator. Slow and plain: every value is its bits as an unsigned bigint.
 * An access outside of mapped memory is a trap when the instruction may fault, and an error of ours when it may not.
 */

import { entity } from "../../src/base/entity.ts";
import { i64ToBigInt } from "../../src/base/int64.ts";
import { type Block, type Func, type FuncRef, NONE, type SigRef } from "../../src/ir/function.ts";
import { ACCESS_TRAPS, Access, accessOf, accessSize, Op, opName, opRow } from "../../src/ir/ops.ts";
import { F32, I32, type Signature, signaturesEqual, type Type, typeFromCode, typeSize } from "../../src/ir/types.ts";
import { atomicAccess, isAtomic } from "../support/atomic.ts";
import { evaluateVector } from "../support/vector.ts";
import { TRAP_NAMES, type TrapName } from "../../src/layout/traps.ts";

export class TrapError extends Error {
  readonly trap: TrapName;
  constructor(trap: TrapName) {
    super(trap);
    this.trap = trap;
  }
}

/** An exception on its way; its payload is in the context. `status`: the number of its tag plus one. */
export class WasmException extends Error {
  readonly status: number;
  constructor(status: number) {
    super(`exception ${status}`);
    this.status = status;
  }
}

/** The interpreter has run out of the steps that it was given. */
export class OutOfFuel extends Error {}

/** Calls deeper than this are `stack_exhausted`. */
const MAX_DEPTH = 200;
const PAGE = 65536;

/** A sparse address space. Addresses are numbers below 2^53. */
export class Space {
  readonly #pages = new Map<number, DataView>();
  /** Whether the bytes `[address, address + size)` may be touched. */
  readonly isMapped: (address: number, size: number) => boolean;

  constructor(isMapped: (address: number, size: number) => boolean) {
    this.isMapped = isMapped;
  }

  #page(address: number): DataView {
    const key = Math.floor(address / PAGE);
    let page = this.#pages.get(key);
    if (page === undefined) {
      page = new DataView(new ArrayBuffer(PAGE));
      this.#pages.set(key, page);
    }
    return page;
  }

  read(address: number, size: number): bigint {
    if (size === 16) return this.read(address, 8) | (this.read(address + 8, 8) << 64n);
    const at = address % PAGE;
    const page = this.#page(address);
    if (at + size <= PAGE) {
      if (size === 8) return page.getBigUint64(at, true);
      if (size === 4) return BigInt(page.getUint32(at, true));
      if (size === 2) return BigInt(page.getUint16(at, true));
      return BigInt(page.getUint8(at));
    }
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | this.read(address + i, 1);
    return value;
  }

  write(address: number, size: number, value: bigint): void {
    if (size === 16) {
      this.write(address, 8, value);
      this.write(address + 8, 8, value >> 64n);
      return;
    }
    const at = address % PAGE;
    const page = this.#page(address);
    if (at + size > PAGE) {
      for (let i = 0; i < size; i++) this.write(address + i, 1, value >> BigInt(8 * i));
    } else if (size === 8) page.setBigUint64(at, value, true);
    else if (size === 4) page.setUint32(at, Number(BigInt.asUintN(32, value)), true);
    else if (size === 2) page.setUint16(at, Number(BigInt.asUintN(16, value)), true);
    else page.setUint8(at, Number(BigInt.asUintN(8, value)));
  }

  /** Memory that was never written is zero. */
  fill(address: number, byte: number, count: number): void {
    for (let done = 0; done < count; ) {
      const at = (address + done) % PAGE;
      const size = Math.min(PAGE - at, count - done);
      new Uint8Array(this.#page(address + done).buffer, at, size).fill(byte);
      done += size;
    }
  }
}

export interface World {
  /** Blocks that may still be run. */
  fuel: number;
  readonly space: Space;
  /** Runs function `symbol`; context first. */
  call(symbol: number, signature: Signature, args: readonly bigint[], depth: number): bigint[];
  /** The function whose code is at `address`, or undefined. */
  symbolAt(address: bigint): number | undefined;
  functionAddress(symbol: number): bigint;
  readonly textBase: bigint;
  dataAddress(symbol: number): bigint;
}

const bits = new DataView(new ArrayBuffer(8));

export function toFloat(type: Type, value: bigint): number {
  if (type === F32) {
    bits.setUint32(0, Number(value));
    return bits.getFloat32(0);
  }
  bits.setBigUint64(0, value);
  return bits.getFloat64(0);
}

export function fromFloat(type: Type, value: number): bigint {
  if (type === F32) {
    bits.setFloat32(0, value);
    return BigInt(bits.getUint32(0));
  }
  bits.setFloat64(0, value);
  return bits.getBigUint64(0);
}

const width = (type: Type): number => 8 * typeSize(type);

/** What a tail call leaves: the caller's caller makes the call. */
export class TailCall {
  readonly symbol: number;
  readonly signature: Signature;
  readonly args: readonly bigint[];
  constructor(symbol: number, signature: Signature, args: readonly bigint[]) {
    this.symbol = symbol;
    this.signature = signature;
    this.args = args;
  }
}

/** Runs `func` to its end. Throws `TrapError`. */
export function interpret(world: World, func: Func, args: readonly bigint[], depth = 0): bigint[] | TailCall {
  if (depth > MAX_DEPTH) throw new TrapError("stack_exhausted");
  const values: (bigint | undefined)[] = [];
  const slots: number[] = [];
  let stack = 0x7000_0000 + depth * 0x10_0000;
  for (const slot of func.slots) {
    slots.push(stack);
    stack += slot.size + 16;
  }
  let block: Block = func.entryBlock;
  func.paramsOf(block).forEach((param, i) => {
    values[param] = args[i] ?? 0n;
  });
  const get = (value: number): bigint => {
    const found = values[value];
    if (found === undefined) throw new Error(`${func.name}: v${value} has no value`);
    return found;
  };
  const list = (start: number, length: number): bigint[] =>
    Array.from({ length }, (_, i) => get(func.pool.get(start + i)));
  const follow = (call: number): void => {
    const passed = list(func.callArgsStart.get(call), func.callArgsLength.get(call));
    block = entity<Block>(func.callBlock.get(call));
    func.paramsOf(block).forEach((param, i) => {
      values[param] = passed[i] ?? 0n;
    });
  };
  const trap = (code: number): never => {
    throw new TrapError(TRAP_NAMES[code] ?? "none");
  };
  const symbolAt = (address: bigint): number => {
    const symbol = world.symbolAt(address);
    if (symbol === undefined) throw new Error(`${func.name}: calls ${address.toString(16)}`);
    return symbol;
  };
  // Functions are made before the loop: the tool that runs tests gives each one a name, which takes long.
  let inst: number = NONE;
  const define = (...results: bigint[]): void => {
    results.forEach((r, k) => {
      values[func.firstResult.get(inst) + k] = r;
    });
  };
  for (;;) {
    if (--world.fuel < 0) throw new OutOfFuel(func.name);
    let next: number = NONE;
    for (let i = func.firstInst.get(block); i !== NONE; i = next) {
      next = func.next.get(i);
      const op = func.op.get(i);
      const type = typeFromCode(func.type.get(i));
      const a = func.a.get(i);
      const b = func.b.get(i);
      const c = func.c.get(i);
      const lo = func.lo.get(i);
      const hi = func.hi.get(i);
      inst = i;
      switch (op) {
        case Op.iconst:
        case Op.f32const:
        case Op.f64const:
          define(BigInt.asUintN(width(type), i64ToBigInt(lo, type === I32 || type === F32 ? 0 : hi)));
          continue;
        case Op.v128const:
          define((func.vectors[lo] ?? new Uint8Array(16)).reduceRight((v, byte) => (v << 8n) | BigInt(byte), 0n));
          continue;
        case Op.load:
        case Op.store: {
          const address = Number(BigInt.asUintN(64, get(a) + BigInt(lo)));
          const size = accessSize(accessOf(hi), type);
          if (!world.space.isMapped(address, size)) {
            if (hi & ACCESS_TRAPS) trap(TRAP_NAMES.indexOf("memory_out_of_bounds"));
            throw new Error(`${func.name}: ${opName(op)} at ${address.toString(16)}, which is not mapped`);
          }
          if (op === Op.store) world.space.write(address, size, get(b));
          else {
            const value = world.space.read(address, size);
            const access = accessOf(hi);
            const signed = access === Access.s8 || access === Access.s16 || access === Access.s32;
            define(signed ? BigInt.asUintN(width(type), BigInt.asIntN(8 * size, value)) : value);
          }
          continue;
        }
        case Op.func_addr:
          define(world.functionAddress(lo));
          continue;
        case Op.data_addr:
          define(world.dataAddress(lo) + BigInt(hi));
          continue;
        case Op.slot_addr:
          define(BigInt((slots[lo] ?? 0) + hi));
          continue;
        case Op.text_base:
          define(world.textBase);
          continue;
        case Op.call: {
          const callee = func.functions.get(entity<FuncRef>(a));
          define(...world.call(callee.symbol, func.signatures.get(callee.signature), list(b, c), depth + 1));
          continue;
        }
        case Op.call_indirect: {
          const signature = func.signatures.get(entity<SigRef>(lo));
          define(...world.call(symbolAt(get(a)), signature, list(b, c), depth + 1));
          continue;
        }
        case Op.call_catch:
        case Op.call_catch_indirect: {
          const direct = op === Op.call_catch ? func.functions.get(entity<FuncRef>(a)) : undefined;
          const signature = func.signatures.get(direct?.signature ?? entity<SigRef>(lo));
          try {
            define(0n, ...world.call(direct?.symbol ?? symbolAt(get(a)), signature, list(b, c), depth + 1));
          } catch (error) {
            if (!(error instanceof WasmException)) throw error;
            define(BigInt(error.status));
            // The results mean nothing.
            for (let k = 1; k < func.resultCount.get(i); k++) values[func.firstResult.get(i) + k] = 0xbadn;
          }
          continue;
        }
        case Op.trapz:
          if (get(a) === 0n) trap(lo);
          continue;
        case Op.trapnz:
          if (get(a) !== 0n) trap(lo);
          continue;
        case Op.trap:
          return trap(lo);
        case Op.jump:
          follow(a);
          break;
        case Op.brif:
          follow(get(a) !== 0n ? b : c);
          break;
        case Op.br_table: {
          const index = Number(get(a));
          follow(func.pool.get(b + Math.min(index, c - 1)));
          break;
        }
        case Op.return:
          return list(b, c);
        case Op.return_call: {
          const callee = func.functions.get(entity<FuncRef>(a));
          return new TailCall(callee.symbol, func.signatures.get(callee.signature), list(b, c));
        }
        case Op.return_call_indirect: {
          const signature = func.signatures.get(entity<SigRef>(lo));
          return new TailCall(symbolAt(get(a)), signature, list(b, c));
        }
        case Op.select:
        case Op.guard:
          define(get(get(a) !== 0n ? b : c));
          continue;
        case Op.atomic_fence:
          continue;
        default: {
          const { operands } = opRow(op);
          if (isAtomic(opName(op))) {
            const address = Number(BigInt.asUintN(64, get(a) + BigInt(lo)));
            if (!world.space.isMapped(address, accessSize(accessOf(hi), type))) {
              if (hi & ACCESS_TRAPS) trap(TRAP_NAMES.indexOf("memory_out_of_bounds"));
              throw new Error(`${func.name}: ${opName(op)} at ${address.toString(16)}, which is not mapped`);
            }
            const memory = {
              read: (size: number) => world.space.read(address, size),
              write: (size: number, value: bigint) => world.space.write(address, size, value),
            };
            const old = atomicAccess(opName(op), type, hi, memory, b === NONE ? 0n : get(b), c === NONE ? 0n : get(c));
            if (op !== Op.atomic_store) define(old);
            continue;
          }
          if (operands === "v128" || operands === "lane") {
            define(evaluateVector(opName(op), lo, hi, get(a), b === NONE ? 0n : get(b), func.vectors[lo]));
          } else define(compute(func, op, type, a, b, lo, get));
          continue;
        }
      }
      break;
    }
  }
}

const wrap = (bits: number, v: bigint): bigint => BigInt.asUintN(bits, v);
const signed = (bits: number, v: bigint): bigint => BigInt.asIntN(bits, v);
const float = (type: Type, x: bigint, y: bigint, f: (p: number, q: number) => number): bigint =>
  fromFloat(type, f(toFloat(type, x), toFloat(type, y)));

function compute(
  func: Func,
  op: number,
  type: Type,
  a: number,
  b: number,
  lo: number,
  get: (v: number) => bigint,
): bigint {
  const bitsOf = width(type);
  const x = get(a);
  const operandType = func.typeOf(entity(a));
  const y = b === NONE ? 0n : get(b);
  const amount = y % BigInt(bitsOf);
  const sign = 1n << BigInt(bitsOf - 1);
  switch (op) {
    case Op.iadd:
      return wrap(bitsOf, x + y);
    case Op.isub:
      return wrap(bitsOf, x - y);
    case Op.imul:
      return wrap(bitsOf, x * y);
    case Op.umulhi:
      return wrap(bitsOf, (x * y) >> 64n);
    case Op.smulhi:
      return wrap(bitsOf, (signed(bitsOf, x) * signed(bitsOf, y)) >> 64n);
    case Op.sdiv:
      return wrap(bitsOf, signed(bitsOf, x) / signed(bitsOf, y));
    case Op.udiv:
      return x / y;
    case Op.srem:
      return wrap(bitsOf, signed(bitsOf, x) % signed(bitsOf, y));
    case Op.urem:
      return x % y;
    case Op.band:
      return x & y;
    case Op.bor:
      return x | y;
    case Op.bxor:
      return x ^ y;
    case Op.ishl:
      return wrap(bitsOf, x << amount);
    case Op.ushr:
      return x >> amount;
    case Op.sshr:
      return wrap(bitsOf, signed(bitsOf, x) >> amount);
    case Op.rotl:
      return wrap(bitsOf, (x << amount) | (x >> (BigInt(bitsOf) - amount)));
    case Op.rotr:
      return wrap(bitsOf, (x >> amount) | (x << (BigInt(bitsOf) - amount)));
    case Op.clz:
      return BigInt(x === 0n ? bitsOf : bitsOf - x.toString(2).length);
    case Op.ctz:
      return BigInt(x === 0n ? bitsOf : x.toString(2).length - 1 - x.toString(2).lastIndexOf("1"));
    case Op.popcnt:
      return BigInt(x.toString(2).replaceAll("0", "").length);
    case Op.sext8:
      return wrap(bitsOf, BigInt.asIntN(8, x));
    case Op.sext16:
      return wrap(bitsOf, BigInt.asIntN(16, x));
    case Op.sext32:
    case Op.sextend:
      return wrap(bitsOf, BigInt.asIntN(32, x));
    case Op.uextend:
    case Op.bitcast:
      return x;
    case Op.ireduce:
      return BigInt.asUintN(32, x);
    case Op.icmp:
    case Op.bounds: {
      const s = signed(bitsOf, x);
      const t = signed(bitsOf, y);
      const holds = [x === y, x !== y, s < t, s >= t, s > t, s <= t, x < y, x >= y, x > y, x <= y][lo];
      return holds === true ? 1n : 0n;
    }
    case Op.fcmp: {
      const p = toFloat(type, x);
      const q = toFloat(type, y);
      return [p === q, p !== q, p < q, p > q, p <= q, p >= q][lo] === true ? 1n : 0n;
    }
    case Op.fadd:
      return float(type, x, y, (p, q) => p + q);
    case Op.fsub:
      return float(type, x, y, (p, q) => p - q);
    case Op.fmul:
      return float(type, x, y, (p, q) => p * q);
    case Op.fdiv:
      return float(type, x, y, (p, q) => p / q);
    case Op.fmin:
      return float(type, x, y, Math.min);
    case Op.fmax:
      return float(type, x, y, Math.max);
    case Op.fcopysign:
      return (x & ~sign) | (y & sign);
    case Op.fabs:
      return x & ~sign;
    case Op.fneg:
      return x ^ sign;
    case Op.fsqrt:
      return float(type, x, y, Math.sqrt);
    case Op.fceil:
      return float(type, x, y, Math.ceil);
    case Op.ffloor:
      return float(type, x, y, Math.floor);
    case Op.ftrunc:
      return float(type, x, y, Math.trunc);
    case Op.fnearest:
      return float(type, x, y, nearest);
    case Op.fpromote:
    case Op.fdemote:
      return fromFloat(type, toFloat(operandType, x));
    case Op.fcvt_from_sint:
    case Op.fcvt_from_uint: {
      const value = op === Op.fcvt_from_uint ? x : BigInt.asIntN(width(operandType), x);
      return fromFloat(type, type === F32 ? toSingle(value) : Number(value));
    }
    case Op.fcvt_to_sint:
    case Op.fcvt_to_uint: {
      const value = BigInt(Math.trunc(toFloat(operandType, x)));
      if (value !== (op === Op.fcvt_to_uint ? wrap(bitsOf, value) : signed(bitsOf, value)))
        throw new Error("conversion out of range");
      return wrap(bitsOf, value);
    }
    case Op.fcvt_to_sint_sat:
    case Op.fcvt_to_uint_sat: {
      const value = toFloat(operandType, x);
      const [min, max] = op === Op.fcvt_to_uint_sat ? [0n, sign * 2n - 1n] : [-sign, sign - 1n];
      if (Number.isNaN(value)) return 0n;
      if (value <= Number(min)) return wrap(bitsOf, min);
      if (value >= Number(max)) return wrap(bitsOf, max);
      return wrap(bitsOf, BigInt(Math.trunc(value)));
    }
    default:
      throw new Error(`${opName(op)} is not interpreted`);
  }
}

function nearest(value: number): number {
  if (!Number.isFinite(value) || Math.abs(value) >= 2 ** 52) return value;
  const down = Math.floor(value);
  const rest = value - down;
  const rounded = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return rounded === 0 && (value < 0 || Object.is(value, -0)) ? -0 : rounded;
}

/** Rounds once, not first to double: keeps 26 bits and whether anything was below. */
function toSingle(value: bigint): number {
  const magnitude = value < 0n ? -value : value;
  const drop = Math.max(0, magnitude.toString(2).length - 40);
  const low = magnitude & ((1n << BigInt(drop)) - 1n);
  const kept = (magnitude >> BigInt(drop)) | (low === 0n ? 0n : 1n);
  const single = Math.fround(Number(kept)) * 2 ** drop;
  return value < 0n ? -single : single;
}

/** Checks that a call means the same on both sides. */
export function requireSignature(expected: Signature, actual: Signature, name: string): void {
  if (!signaturesEqual(expected, actual)) throw new Error(`${name} is called with another signature`);
}
