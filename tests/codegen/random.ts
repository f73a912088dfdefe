/**
 * Random IR programs: several functions of structured control flow, arithmetic, memory and calls, that always end. What
 * a structured generator gives up in shapes it makes up in reach: every value that is in scope may be used anywhere.
 */

import { entity } from "../../src/base/entity.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import type { Func, FuncSymbol, Value } from "../../src/ir/function.ts";
import { Access, accessFlags, OP_NAMES, Op, type OpName, opRow, Region } from "../../src/ir/ops.ts";
import { F32, F64, I32, I64, type Signature, type Type, V128 } from "../../src/ir/types.ts";
import { laneCount, laneType, Shape } from "../../src/ir/vector.ts";
import { nanLaneBits } from "../support/vector.ts";

/** A small generator of pseudo-random numbers: deterministic, so that a seed names a program. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = (seed * 2654435761 + 12345) >>> 0;
  }
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x >>> 0;
    return this.#state;
  }
  below(n: number): number {
    return this.next() % n;
  }
  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new Error("nothing to pick");
    return item;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
}

const INT_OPS: readonly OpName[] = [
  ...(["iadd", "iadd", "iadd", "isub", "imul", "band", "bor", "bxor", "ishl", "ushr", "sshr", "rotl", "rotr"] as const),
];
const FLOAT_OPS: readonly OpName[] = ["fadd", "fsub", "fmul", "fdiv", "fmin", "fmax", "fcopysign"];
const FLOAT_UNARY: readonly OpName[] = ["fabs", "fneg", "fsqrt", "fceil", "ffloor", "ftrunc", "fnearest"];
const INT_UNARY: readonly OpName[] = ["clz", "ctz", "popcnt", "sext8", "sext16"];
const VECTOR_OPS: readonly OpName[] = OP_NAMES.filter((name) => {
  const { operands } = opRow(Op[name]);
  return operands === "v128" || operands === "lane";
});
const ATOMIC_UPDATES: readonly number[] = [
  ...[Op.atomic_add, Op.atomic_sub, Op.atomic_and, Op.atomic_or, Op.atomic_xor, Op.atomic_xchg],
];
const SCALARS: readonly Type[] = [I32, I64, F32, F64];
const WITH_VECTORS: readonly Type[] = [I32, I64, F32, F64, V128, V128];
const INTERESTING = [
  0, 1, -1, 2, 3, 5, 7, 8, 31, 32, 63, 127, 128, 255, 256, 65535, 0x7fffffff, -0x80000000, 0x12345678,
];

/** Bytes of scratch memory that programs touch. */
export const SCRATCH = 256;

export interface RandomProgram {
  readonly functions: readonly Func[];
}

class Generator {
  readonly r: Random;
  readonly b: FuncBuilder;
  readonly memory: Value;
  readonly context: Value;
  readonly scope: Value[];
  readonly callees: readonly { readonly symbol: number; readonly signature: Signature }[];
  budget: number;
  calls = 0;
  /** Types of parameters; with v128, a third of the expressions are of vectors. */
  readonly types: readonly Type[];

  constructor(
    r: Random,
    b: FuncBuilder,
    params: readonly Value[],
    callees: Generator["callees"],
    budget: number,
    types: readonly Type[],
  ) {
    this.r = r;
    this.b = b;
    this.types = types;
    this.callees = callees;
    this.budget = budget;
    this.context = value(params, 0);
    this.memory = value(params, 1);
    this.scope = params.slice(2);
  }

  constant(type: Type): Value {
    const { r, b } = this;
    const k = r.chance(70) ? r.pick(INTERESTING) : r.next() | 0;
    if (type === I32) return b.iconst32(k);
    if (type === I64) return r.chance(70) ? b.iconst64(k, k >> 31) : b.iconst64(k, r.next() | 0);
    if (type === F32)
      return b.f32const(r.pick([0, 0x3f800000, 0xbf000000 | 0, 0x42280000, 0x80000000 | 0, 0x4f000000]));
    if (type === F64)
      return b.f64const(r.pick([0, 1]), r.pick([0, 0x3ff00000, 0xbfe00000 | 0, 0x40450000, 0x80000000 | 0]));
    return b.v128const(Uint8Array.from({ length: 16 }, () => r.below(256)));
  }

  /** Any value of the type. */
  any(type: Type): Value {
    const { r } = this;
    if (r.chance(20)) return this.constant(type);
    for (let tries = 0; tries < 6 && this.scope.length > 0; tries++) {
      // Recent values more often.
      const back = Math.min(r.below(this.scope.length), r.below(this.scope.length));
      const v = value(this.scope, this.scope.length - 1 - back);
      if (this.b.func.typeOf(v) === type) return v;
    }
    return this.constant(type);
  }

  /** An address with room for 16 bytes of scratch memory behind its small offsets. */
  address(): Value {
    const { b, r } = this;
    if (r.chance(30)) return this.memory;
    const index = b.binary(Op.band, I32, this.any(I32), b.iconst32(r.pick([15, 31, 63])));
    const wide = b.unary(Op.uextend, I64, index);
    if (r.chance(50)) return b.binary(Op.iadd, I64, this.memory, wide);
    return b.binary(Op.iadd, I64, this.memory, b.binary(Op.ishl, I64, wide, b.iconst64n(r.below(2))));
  }

  /** Any op on vectors, any shape. */
  vector(): Value {
    const { b, r } = this;
    if (r.chance(10))
      return b.load(V128, this.address(), r.below(32), Region.heap, r.pick([Access.full, Access.u32, Access.u64]));
    if (r.chance(5)) return b.select(V128, this.any(I32), this.any(V128), this.any(V128));
    const name = r.pick(VECTOR_OPS);
    const row = opRow(Op[name]);
    const shape = row.lanes === undefined ? 0 : Shape[r.pick(row.lanes)];
    const lane = row.lanes === undefined ? V128 : laneType(shape);
    const operand = (type: Type): Value => this.canonical(this.any(type));
    if (row.detail === "indices") {
      const indices = Uint8Array.from({ length: 16 }, () => r.below(32));
      return b.vshuffle(indices, this.any(V128), this.any(V128));
    }
    const details = { lane: laneCount(shape), intcc: shape === Shape.i64x2 ? 6 : 10, floatcc: 6 };
    const detail = row.detail === undefined ? 0 : r.below(details[row.detail]);
    const a = operand(row.operands === "lane" ? lane : V128);
    if (row.format === "unary") {
      const type = row.result === "controlling" ? lane : V128;
      return this.ordered(name, shape, b.vector1(Op[name], shape, a, type, row.result === "i32" ? I32 : type, detail));
    }
    const second = operand(row.second === "i32" ? I32 : row.second === "lane" ? lane : V128);
    return this.ordered(name, shape, b.vector2(Op[name], shape, a, second, detail));
  }

  /** NaN lanes, whose bits may differ, become zeros. */
  ordered(name: OpName, shape: number, v: Value): Value {
    const bits = nanLaneBits(name, shape);
    if (bits === 0) return v;
    const same = this.b.vector2(Op.vfcmp, bits === 32 ? Shape.f32x4 : Shape.f64x2, v, v);
    return this.b.vector2(Op.vand, 0, v, same);
  }

  expression(): Value {
    const { b, r } = this;
    if (this.types === WITH_VECTORS && r.chance(35)) return this.vector();
    const type = r.pick([I32, I32, I32, I64, I64, I64, F32, F64] as const);
    const kind = r.below(12);
    if (type <= I64) {
      if (kind < 5) return b.binary(Op[r.pick(INT_OPS)], type, this.any(type), this.any(type));
      if (kind === 5) return b.unary(Op[r.pick(INT_UNARY)], type, this.any(type));
      if (kind === 6) {
        const operand = r.pick([I32, I64] as const);
        const c = b.icmp(r.below(10), operand, this.any(operand), this.any(operand));
        return type === I32 ? c : b.select(type, c, this.any(type), this.any(type));
      }
      if (kind === 7) {
        if (type === I32) return b.unary(Op.ireduce, I32, this.any(I64));
        return b.unary(r.chance(50) ? Op.uextend : Op.sextend, I64, this.any(I32));
      }
      if (kind === 8) {
        // A divisor that is neither 0 nor -1.
        const divisor = b.binary(
          Op.bor,
          type,
          b.binary(Op.band, type, this.any(type), type === I32 ? b.iconst32(0xfff) : b.iconst64n(0xfff)),
          type === I32 ? b.iconst32(1) : b.iconst64n(1),
        );
        return b.binary(r.pick([Op.sdiv, Op.udiv, Op.srem, Op.urem]), type, this.any(type), divisor);
      }
      if (kind === 9) {
        const from = r.pick([F32, F64] as const);
        return b.unary(r.pick([Op.fcvt_to_sint_sat, Op.fcvt_to_uint_sat]), type, this.any(from));
      }
      if (kind === 10) {
        const f = r.pick([F32, F64] as const);
        const c = b.fcmp(r.below(6), f, this.any(f), this.any(f));
        return type === I32 ? c : b.select(type, c, this.any(type), this.any(type));
      }
      const narrow = [
        Access.full,
        Access.full,
        Access.u8,
        Access.s8,
        Access.u16,
        Access.s16,
        ...(type === I64 ? [Access.u32, Access.s32] : []),
      ];
      if (r.chance(30)) return this.atomic(type);
      return b.load(type, this.address(), r.below(32), Region.heap, r.pick(narrow), r.chance(50));
    }
    if (kind < 6) return b.binary(Op[r.pick(FLOAT_OPS)], type, this.any(type), this.any(type));
    if (kind === 6) return b.unary(Op[r.pick(FLOAT_UNARY)], type, this.any(type));
    if (kind === 7)
      return b.unary(r.pick([Op.fcvt_from_sint, Op.fcvt_from_uint]), type, this.any(r.pick([I32, I64] as const)));
    if (kind === 8)
      return type === F64 ? b.unary(Op.fpromote, F64, this.any(F32)) : b.unary(Op.fdemote, F32, this.any(F64));
    if (kind === 9) return b.select(type, this.any(I32), this.any(type), this.any(type));
    return b.load(type, this.address(), r.below(32), Region.heap, Access.full, r.chance(50));
  }

  /** An atomic access, whose result is of `type`. */
  atomic(type: typeof I32 | typeof I64): Value {
    const { b, r } = this;
    const access = r.pick([Access.full, Access.u8, Access.u16, ...(type === I64 ? [Access.u32] : [])]);
    const flags = accessFlags(access, Region.heap, r.chance(50));
    // Aligned: a locked access across cache lines is a matter of milliseconds.
    const index = b.binary(Op.band, I32, this.any(I32), b.iconst32(r.pick([0, 24, 56])));
    const at = b.binary(Op.iadd, I64, this.memory, b.unary(Op.uextend, I64, index));
    const offset = 8 * r.below(4);
    if (r.chance(10)) b.fence();
    const kind = r.below(10);
    if (kind === 0) return b.atomicLoad(type, at, offset, flags);
    if (kind === 1) return b.atomicCas(type, at, this.any(type), this.any(type), offset, flags);
    if (kind > 2) return b.atomicUpdate(r.pick(ATOMIC_UPDATES), type, at, this.any(type), offset, flags);
    const value = this.any(type);
    b.atomicStore(type, at, value, offset, flags);
    return value;
  }

  /** NaNs may differ in sign and payload: only ordinary bits go into memory. */
  canonical(v: Value): Value {
    const type = this.b.func.typeOf(v);
    if (type !== F32 && type !== F64) return v;
    return this.b.select(
      type,
      this.b.fcmp(0, type, v, v),
      v,
      type === F32 ? this.b.f32const(0x3f800000) : this.b.f64const(0, 0x3ff00000),
    );
  }

  store(): void {
    const { b, r } = this;
    const type = r.pick([I32, I32, I64, I64, F32, F64, V128] as const);
    if (type === V128) {
      const loaded = b.load(V128, this.memory, r.below(32), Region.heap);
      b.store(V128, this.memory, this.types === SCALARS ? loaded : this.any(V128), r.below(32), Region.heap);
      return;
    }
    const at = this.address();
    const offset = r.below(32);
    if (type <= I64 && r.chance(40)) {
      const access = r.pick([Access.full, Access.u8, Access.u16]);
      const old = b.load(type, at, offset, Region.heap, access, r.chance(50));
      if (r.chance(20)) this.scope.push(old);
      b.store(
        type,
        at,
        b.binary(Op[r.pick(["iadd", "isub", "bxor", "band", "bor"] as const)], type, old, this.any(type)),
        offset,
        Region.heap,
        access,
        true,
      );
      return;
    }
    const access = type <= I64 ? r.pick([Access.full, Access.full, Access.u8, Access.u16]) : Access.full;
    b.store(type, at, this.canonical(this.any(type)), offset, Region.heap, access);
  }

  call(): void {
    const { b, r } = this;
    if (this.callees.length === 0 || this.calls > 3) return;
    this.calls++;
    const { symbol, signature } = r.pick(this.callees);
    const args = signature.params.map((type, i) => (i === 0 ? this.context : i === 1 ? this.memory : this.any(type)));
    const results = r.chance(70)
      ? b.call(b.importFunc(entity<FuncSymbol>(symbol), signature), args)
      : b.callIndirect(b.funcAddr(entity<FuncSymbol>(symbol)), b.importSignature(signature), args);
    this.scope.push(...results);
  }

  /** Most often passed. */
  trap(): void {
    const { b, r } = this;
    const code = 1 + r.below(9);
    if (r.chance(50)) b.trapIf(Op.trapnz, b.icmp(0, I32, this.any(I32), b.iconst32(r.next() | 0)), code);
    else b.trapIf(Op.trapz, b.icmp(1, I64, this.any(I64), this.any(I64)), code);
  }

  statement(depth: number): void {
    const { r } = this;
    this.budget--;
    const kind = r.below(20);
    if (kind < 11 || this.budget < 0) this.scope.push(this.expression());
    else if (kind < 14) this.store();
    else if (kind === 14) this.call();
    else if (kind === 15) this.trap();
    else if (depth > 0) this.nested(depth - 1, kind);
  }

  statements(depth: number): void {
    const count = 1 + this.r.below(6);
    for (let i = 0; i < count && this.budget > 0; i++) this.statement(depth);
  }

  /** Values that survive a join: the scope as it was, and what the join's parameters say. */
  nested(depth: number, kind: number): void {
    const { b, r } = this;
    const join = b.createBlock();
    const types = Array.from({ length: r.below(4) }, () => r.pick(this.types));
    const params = types.map((type) => b.func.appendBlockParam(join, type));
    const kept = this.scope.length;
    const arm = (): void => {
      this.statements(depth);
      b.jump(
        join,
        types.map((type) => this.any(type)),
      );
      this.scope.length = kept;
    };
    if (kind === 16 || kind === 17) {
      const [then, otherwise] = [b.createBlock(), b.createBlock()];
      const condition = r.chance(60) ? b.icmp(r.below(10), I32, this.any(I32), this.any(I32)) : this.any(I32);
      if (r.chance(30))
        b.brif(
          condition,
          join,
          types.map((type) => this.any(type)),
          then,
          [],
        );
      else {
        b.brif(condition, then, [], otherwise, []);
        b.switchTo(otherwise);
        if (r.chance(15)) b.trap(1 + r.below(9));
        else arm();
      }
      b.switchTo(then);
      arm();
    } else if (kind === 18) {
      const cases = Array.from({ length: 1 + r.below(4) }, () => b.createBlock());
      const targets = Array.from({ length: 2 + r.below(6) }, () =>
        r.chance(25) ? { block: join, args: types.map((type) => this.any(type)) } : { block: r.pick(cases), args: [] },
      );
      const index = this.any(I32);
      b.brTable(r.chance(50) ? b.binary(Op.band, I32, index, b.iconst32(7)) : index, targets);
      for (const block of cases) {
        b.switchTo(block);
        arm();
      }
    } else this.loop(depth, join, types, kept);
    b.switchTo(join);
    this.scope.push(...params);
  }

  loop(depth: number, join: ReturnType<FuncBuilder["createBlock"]>, types: readonly Type[], kept: number): void {
    const { b, r } = this;
    const [head, body] = [b.createBlock(), b.createBlock()];
    const carried = Array.from({ length: 1 + r.below(3) }, () => r.pick(this.types));
    const counter = b.func.appendBlockParam(head, I32);
    const params = carried.map((type) => b.func.appendBlockParam(head, type));
    b.jump(head, [b.iconst32(1 + r.below(5)), ...carried.map((type) => this.any(type))]);
    b.switchTo(head);
    this.scope.push(counter, ...params);
    if (r.chance(60)) this.statements(0);
    const inHead = this.scope.length;
    b.brif(
      counter,
      body,
      [],
      join,
      types.map((type) => this.any(type)),
    );
    b.switchTo(body);
    this.statements(depth);
    const next = b.binary(Op.isub, I32, counter, b.iconst32(1));
    const args = [next, ...carried.map((type) => this.any(type))];
    if (r.chance(40))
      b.brif(
        this.any(I32),
        head,
        args,
        join,
        types.map((type) => this.any(type)),
      );
    else b.jump(head, args);
    this.scope.length = Math.min(inHead, kept);
  }
}

function value(values: readonly Value[], i: number): Value {
  const v = values[i];
  if (v === undefined) throw new Error("no such value");
  return v;
}

/** The program that `seed` names: functions with symbols from 1; later ones call earlier ones. */
export function randomProgram(seed: number, size = 60, vectors = false): RandomProgram {
  const r = new Random(seed);
  const functions: Func[] = [];
  const callees: { symbol: number; signature: Signature }[] = [];
  const count = 1 + r.below(4);
  for (let k = 0; k < count; k++) {
    const types = vectors ? WITH_VECTORS : SCALARS;
    const params: Type[] = [I64, I64, ...Array.from({ length: r.below(10) }, () => r.pick(types))];
    const results: Type[] = Array.from({ length: r.below(6) }, () => r.pick(types));
    const signature: Signature = { params, results, convention: "wasm" };
    const { builder, params: values } = startFunction(`f${k}`, signature, { stackCheck: r.chance(50), entry: false });
    const g = new Generator(r, builder, values, callees, size, types);
    while (g.budget > 0) g.statements(3);
    const other = callees.filter((c) => c.signature.results.join() === results.join());
    const tail = other.length > 0 && r.chance(70) ? r.pick(other) : undefined;
    if (tail !== undefined) {
      const args = tail.signature.params.map((type, i) => (i === 0 ? g.context : i === 1 ? g.memory : g.any(type)));
      builder.returnCall(builder.importFunc(entity<FuncSymbol>(tail.symbol), tail.signature), args);
    } else builder.return(results.map((type) => g.any(type)));
    functions.push(builder.func);
    callees.push({ symbol: k + 1, signature });
    // A sibling with the same results, so that there is somebody to tail-call.
    if (k + 1 < count && r.chance(50)) callees.push({ symbol: k + 1, signature });
  }
  return { functions };
}
