/**
 * Evaluates the whole IR by the book: the oracle of native code. Values are bit patterns as unsigned BigInts of their width (floats and v128
 * too); memory is a map of regions at the addresses where native code has them.
 */

import { entity } from "../../src/base/entity.ts";
import type { Block, DataSymbol, Func, FuncRef, FuncSymbol, SigRef, Value } from "../../src/ir/function.ts";
import { NONE } from "../../src/ir/function.ts";
import {
  Access,
  accessOf,
  accessSize,
  FLOAT_CC_NAMES,
  INT_CC_NAMES,
  type OpName,
  opName,
  opRow,
} from "../../src/ir/ops.ts";
import { Trap } from "../../src/layout/traps.ts";
import { F32, F64, type Type, typeFromCode, typeSize, V128 } from "../../src/ir/types.ts";
import { atomicAccess, isAtomic } from "../support/atomic.ts";
import { evaluateVector } from "../support/vector.ts";

export class InterpretedTrap extends Error {
  readonly code: number;
  constructor(code: number) {
    super(`trap ${code}`);
    this.code = code;
  }
}

const scratch = new DataView(new ArrayBuffer(8));

export function floatOf(type: Type, bits: bigint): number {
  if (type === F32) {
    scratch.setUint32(0, Number(bits));
    return scratch.getFloat32(0);
  }
  scratch.setBigUint64(0, bits);
  return scratch.getFloat64(0);
}
export function bitsOf(type: Type, value: number): bigint {
  if (type === F32) {
    scratch.setFloat32(0, value);
    return BigInt(scratch.getUint32(0));
  }
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}
export function isNaNBits(type: Type, bits: bigint): boolean {
  return (type === F32 || type === F64) && Number.isNaN(floatOf(type, bits));
}

const widthOf = (type: Type): number => 8 * typeSize(type);
const signed = (type: Type, v: bigint): bigint => BigInt.asIntN(widthOf(type), v);
const mask = (type: Type, v: bigint): bigint => BigInt.asUintN(widthOf(type), v);

function nearest(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52 || x === 0) return x;
  const floor = Math.floor(x);
  const rest = x - floor;
  const result = rest < 0.5 ? floor : rest > 0.5 ? floor + 1 : floor % 2 === 0 ? floor : floor + 1;
  return result === 0 && x < 0 ? -0 : result;
}

function min(a: number, b: number): number {
  return Math.min(a, b);
}

function saturate(type: Type, isSigned: boolean, x: number): bigint {
  const width = BigInt(widthOf(type));
  if (Number.isNaN(x)) return 0n;
  const low = isSigned ? -(1n << (width - 1n)) : 0n;
  const high = isSigned ? (1n << (width - 1n)) - 1n : (1n << width) - 1n;
  if (x === Number.POSITIVE_INFINITY) return high;
  if (x === Number.NEGATIVE_INFINITY) return low;
  const t = BigInt(Math.trunc(x));
  return t < low ? low : t > high ? high : t;
}

/** The nearest f32 to an integer, rounded once. */
function nearestFloat32(x: bigint): number {
  const negative = x < 0n;
  let m = negative ? -x : x;
  let shift = 0;
  let sticky = false;
  while (m >= 1n << 26n) {
    sticky ||= (m & 1n) === 1n;
    m >>= 1n;
    shift++;
  }
  const value = Math.fround(Number((m << 1n) | (sticky ? 1n : 0n))) * 2 ** (shift - 1);
  return negative ? -value : value;
}

// Nothing here makes functions as it goes: tests are run by way of a tool that gives each a name, which takes more time than all else.

/** All ops that compute. `operand`: the type of a. */
export function evaluate(name: OpName, type: Type, operand: Type, cc: number, a: bigint, b: bigint, c: bigint): bigint {
  const width = BigInt(widthOf(type));
  const sign = 1n << (width - 1n);
  switch (name) {
    case "iadd":
      return mask(type, a + b);
    case "isub":
      return mask(type, a - b);
    case "imul":
      return mask(type, a * b);
    case "umulhi":
      return mask(type, (a * b) >> 64n);
    case "smulhi":
      return mask(type, (signed(type, a) * signed(type, b)) >> 64n);
    case "sdiv":
      return mask(type, signed(type, a) / signed(type, b));
    case "udiv":
      return a / b;
    case "srem":
      return mask(type, signed(type, a) % signed(type, b));
    case "urem":
      return a % b;
    case "band":
      return a & b;
    case "bor":
      return a | b;
    case "bxor":
      return a ^ b;
    case "ishl":
      return mask(type, a << (b % width));
    case "ushr":
      return a >> (b % width);
    case "sshr":
      return mask(type, signed(type, a) >> (b % width));
    case "rotl":
      return mask(type, (a << (b % width)) | (a >> ((width - (b % width)) % width)));
    case "rotr":
      return mask(type, (a >> (b % width)) | (a << ((width - (b % width)) % width)));
    case "clz": {
      let n = 0n;
      while (n < width && ((a >> (width - 1n - n)) & 1n) === 0n) n++;
      return n;
    }
    case "ctz": {
      let n = 0n;
      while (n < width && ((a >> n) & 1n) === 0n) n++;
      return n;
    }
    case "popcnt": {
      let n = 0n;
      for (let v = a; v !== 0n; v >>= 1n) n += v & 1n;
      return n;
    }
    case "sext8":
      return mask(type, BigInt.asIntN(8, a));
    case "sext16":
      return mask(type, BigInt.asIntN(16, a));
    case "sext32":
    case "sextend":
      return mask(type, BigInt.asIntN(32, a));
    case "uextend":
      return a;
    case "ireduce":
      return BigInt.asUintN(32, a);
    case "icmp":
    case "bounds": {
      const [x, y] = [signed(operand, a), signed(operand, b)];
      const holds = {
        eq: a === b,
        ne: a !== b,
        slt: x < y,
        sge: x >= y,
        sgt: x > y,
        sle: x <= y,
        ult: a < b,
        uge: a >= b,
        ugt: a > b,
        ule: a <= b,
      };
      return holds[INT_CC_NAMES[cc] ?? "eq"] ? 1n : 0n;
    }
    case "fcmp": {
      const [x, y] = [floatOf(operand, a), floatOf(operand, b)];
      const holds = { eq: x === y, ne: x !== y, lt: x < y, gt: x > y, le: x <= y, ge: x >= y };
      return holds[FLOAT_CC_NAMES[cc] ?? "eq"] ? 1n : 0n;
    }
    case "select":
    case "guard":
      return a !== 0n ? b : c;
    case "fadd":
      return bitsOf(type, floatOf(operand, a) + floatOf(operand, b));
    case "fsub":
      return bitsOf(type, floatOf(operand, a) - floatOf(operand, b));
    case "fmul":
      return bitsOf(type, floatOf(operand, a) * floatOf(operand, b));
    case "fdiv":
      return bitsOf(type, floatOf(operand, a) / floatOf(operand, b));
    case "fmin":
      return bitsOf(type, min(floatOf(operand, a), floatOf(operand, b)));
    case "fmax":
      return bitsOf(type, Math.max(floatOf(operand, a), floatOf(operand, b)));
    case "fcopysign":
      return (a & ~sign & ((sign << 1n) - 1n)) | (b & sign);
    case "fabs":
      return a & (sign - 1n);
    case "fneg":
      return a ^ sign;
    case "fsqrt":
      return bitsOf(type, Math.sqrt(floatOf(operand, a)));
    case "fceil":
      return bitsOf(type, Math.ceil(floatOf(operand, a)));
    case "ffloor":
      return bitsOf(type, Math.floor(floatOf(operand, a)));
    case "ftrunc":
      return bitsOf(type, Math.trunc(floatOf(operand, a)));
    case "fnearest":
      return bitsOf(type, nearest(floatOf(operand, a)));
    case "fpromote":
      return bitsOf(F64, floatOf(operand, a));
    case "fdemote":
      return bitsOf(F32, floatOf(operand, a));
    case "fcvt_from_sint":
    case "fcvt_from_uint": {
      const x = name === "fcvt_from_sint" ? signed(operand, a) : a;
      return bitsOf(type, type === F32 ? nearestFloat32(x) : Number(x));
    }
    case "fcvt_to_sint_sat":
    case "fcvt_to_sint":
      return mask(type, saturate(type, true, floatOf(operand, a)));
    case "fcvt_to_uint_sat":
    case "fcvt_to_uint":
      return mask(type, saturate(type, false, floatOf(operand, a)));
    case "bitcast":
      return a;
    default:
      throw new Error(`${name} computes nothing`);
  }
}

/** Where an address is. */
interface Region {
  readonly base: bigint;
  readonly bytes: Uint8Array;
}

export interface World {
  resolve(symbol: FuncSymbol): Func;
  dataAddress(symbol: DataSymbol): bigint;
  /** Address of a function, and back. */
  funcAddress(symbol: FuncSymbol): bigint;
  funcAt(address: bigint): FuncSymbol;
  readonly textBase: bigint;
}

const STACK_BASE = 0x3000_0000_0000n;
const STACK_SIZE = 1 << 16;

export class Evaluator {
  readonly #world: World;
  readonly #regions: readonly Region[];
  #stackBytes: Uint8Array | undefined;
  #stack = STACK_SIZE;
  steps = 0;
  readonly limit: number;

  constructor(world: World, regions: readonly Region[], limit = 200_000) {
    this.#world = world;
    this.#regions = regions;
    this.limit = limit;
  }

  #find(address: bigint, size: number): { bytes: Uint8Array; at: number } | undefined {
    for (const { base, bytes } of this.#regions) {
      if (address >= base && address + BigInt(size) <= base + BigInt(bytes.length))
        return { bytes, at: Number(address - base) };
    }
    if (address < STACK_BASE || address + BigInt(size) > STACK_BASE + BigInt(STACK_SIZE)) return undefined;
    this.#stackBytes ??= new Uint8Array(STACK_SIZE);
    return { bytes: this.#stackBytes, at: Number(address - STACK_BASE) };
  }
  /** `undefined` where nothing is mapped. */
  read(address: bigint, size: number): bigint | undefined {
    const where = this.#find(address, size);
    if (where === undefined) return undefined;
    let value = 0n;
    for (let i = size - 1; i >= 0; i--) value = (value << 8n) | BigInt(where.bytes[where.at + i] ?? 0);
    return value;
  }
  write(address: bigint, size: number, value: bigint): boolean {
    const where = this.#find(address, size);
    if (where === undefined) return false;
    for (let i = 0; i < size; i++) where.bytes[where.at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
    return true;
  }

  call(symbol: FuncSymbol, args: readonly bigint[]): bigint[] {
    return this.run(this.#world.resolve(symbol), args);
  }

  run(func: Func, args: readonly bigint[]): bigint[] {
    const saved = this.#stack;
    const frame = func.slots.values().map(({ size, align }) => {
      this.#stack = Math.floor((this.#stack - size) / Math.max(align, 1)) * Math.max(align, 1);
      return STACK_BASE + BigInt(this.#stack);
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
    const bind = (block: Block, passed: readonly bigint[]): void => {
      func.paramsOf(block).forEach((p, i) => {
        values.set(p, BigInt.asUintN(widthOf(func.typeOf(p)), passed[i] ?? 0n));
      });
    };
    let block: Block = func.entryBlock;
    bind(block, args);
    let i = func.firstInst.get(block);
    const go = (call: number): void => {
      const passed = list(func.callArgsStart.get(call), func.callArgsLength.get(call));
      block = entity<Block>(func.callBlock.get(call));
      bind(block, passed);
      i = func.firstInst.get(block);
    };
    let inst = i;
    const define = (...results: readonly bigint[]): void => {
      for (let r = 0; r < func.resultCount.get(inst); r++) {
        const value = entity<Value>(func.firstResult.get(inst) + r);
        values.set(value, BigInt.asUintN(widthOf(func.typeOf(value)), results[r] ?? 0n));
      }
    };
    const fault = (): never => {
      throw new InterpretedTrap(-1);
    };
    for (;;) {
      if (++this.steps > this.limit) throw new Error("too many steps");
      inst = i;
      i = func.next.get(i);
      const name = opName(func.op.get(inst));
      const type = typeFromCode(func.type.get(inst));
      const a = func.a.get(inst);
      const b = func.b.get(inst);
      const c = func.c.get(inst);
      const lo = func.lo.get(inst);
      const hi = func.hi.get(inst);
      switch (name) {
        case "iconst":
        case "f64const":
          define((BigInt(hi) << 32n) | BigInt(lo >>> 0));
          break;
        case "f32const":
          define(BigInt(lo >>> 0));
          break;
        case "v128const":
          define((func.vectors[lo] ?? new Uint8Array(16)).reduceRight((v, byte) => (v << 8n) | BigInt(byte), 0n));
          break;
        case "load": {
          const access = accessOf(hi);
          const size = accessSize(access, type);
          const raw = this.read(get(a) + BigInt(lo), size) ?? fault();
          define(access === Access.s8 || access === Access.s16 || access === Access.s32
            ? BigInt.asIntN(8 * size, raw)
            : raw);
          break;
        }
        case "store":
          if (!this.write(get(a) + BigInt(lo), accessSize(accessOf(hi), type), get(b))) fault();
          break;
        case "atomic_fence":
          break;
        case "has_wide_copy":
          define(0n);
          break;
        case "copy_wide":
        case "copy_widest":
        case "copy_forward": {
          const [to = 0n, from = 0n, length = 0n] = list(b, c);
          for (let k = 0n; k < length; k++) this.write(to + k, 1, this.read(from + k, 1) ?? fault());
          break;
        }
        case "fill": {
          const [to = 0n, byte = 0n, length = 0n] = list(b, c);
          for (let k = 0n; k < length; k++) this.write(to + k, 1, byte & 0xffn);
          break;
        }
        case "func_addr":
          define(this.#world.funcAddress(entity<FuncSymbol>(lo)));
          break;
        case "text_base":
          define(this.#world.textBase);
          break;
        case "data_addr":
          define(this.#world.dataAddress(entity<DataSymbol>(lo)) + BigInt(hi));
          break;
        case "slot_addr":
          define((frame[lo] ?? 0n) + BigInt(hi));
          break;
        case "call":
          define(...this.call(func.functions.get(entity<FuncRef>(a)).symbol, list(b, c)));
          break;
        case "call_indirect":
          func.signatures.get(entity<SigRef>(lo));
          define(...this.call(this.#world.funcAt(get(a)), list(b, c)));
          break;
        case "call_on_stack":
          define(...this.call(func.functions.get(entity<FuncRef>(a)).symbol, list(b, c).slice(1)));
          break;
        case "call_catch":
          define(0n, ...this.call(func.functions.get(entity<FuncRef>(a)).symbol, list(b, c)));
          break;
        case "call_catch_indirect":
          define(0n, ...this.call(this.#world.funcAt(get(a)), list(b, c)));
          break;
        case "return_call":
          return this.call(func.functions.get(entity<FuncRef>(a)).symbol, list(b, c));
        case "return_call_indirect":
          return this.call(this.#world.funcAt(get(a)), list(b, c));
        case "trap":
          throw new InterpretedTrap(lo);
        case "trapz":
          if (get(a) === 0n) throw new InterpretedTrap(lo);
          break;
        case "poll":
          if ((this.read(get(a) + BigInt(lo), 4) ?? fault()) !== 0n) throw new InterpretedTrap(Trap.interrupted);
          break;
        case "probe":
          define(this.read(get(a), 8) ?? -1n);
          break;
        case "trapnz":
          if (get(a) !== 0n) throw new InterpretedTrap(lo);
          break;
        case "jump":
          go(a);
          break;
        case "brif":
          go(get(a) !== 0n ? b : c);
          break;
        case "br_table": {
          const index = get(a);
          go(func.pool.get(b + (index < BigInt(c - 1) ? Number(index) : c - 1)));
          break;
        }
        case "return":
          return list(b, c);
        default: {
          if (isAtomic(name)) {
            const address = get(a) + BigInt(lo);
            const memory = {
              read: (size: number) => this.read(address, size) ?? fault(),
              write: (size: number, value: bigint) => this.write(address, size, value),
            };
            define(atomicAccess(name, type, hi, memory, b === NONE ? 0n : get(b), c === NONE ? 0n : get(c)));
            break;
          }
          const operand = func.typeOf(func.resolve(entity<Value>(a)));
          if (opRow(func.op.get(inst)).operands === "v128" || opRow(func.op.get(inst)).operands === "lane") {
            define(evaluateVector(name, lo, hi, get(a), b === NONE ? 0n : get(b), func.vectors[lo]));
          } else define(evaluate(name, type, operand, lo, get(a), b === NONE ? 0n : get(b), c === NONE ? 0n : get(c)));
        }
      }
    }
  }
}

/** A readable form of a bit pattern. */
export function show(type: Type, bits: bigint): string {
  if (type === F32 || type === F64) return `${floatOf(type, bits)} (0x${bits.toString(16)})`;
  return type === V128 ? `0x${bits.toString(16)}` : `${signed(type, bits)}`;
}
