/** Random IR functions that end: structured ones, as wasm gives, and ones whose control flow is any graph. */

import { entity } from "../../src/base/entity.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import type { Block, Func, FuncSymbol, Value } from "../../src/ir/function.ts";
import { Access, accessFlags, accessSize, FloatCC, IntCC, Op, Region } from "../../src/ir/ops.ts";
import { F32, F64, I32, I64, type Signature, type Type } from "../../src/ir/types.ts";

/** What the context parameter points to: 512 bytes, by region. */
export const AREA = { context: 0, global: 64, constant: 128, table: 192, heap: 256, end: 512 } as const;
export const CALLEE = entity<FuncSymbol>(1);

export const SIGNATURE: Signature = {
  params: [I64, I32, I32, I64, I64, F32, F64],
  results: [I32, I64, F32, F64],
  convention: "wasm",
};
export const CALLEE_SIGNATURE: Signature = { params: [I64, I32, I64], results: [I64], convention: "wasm" };

/** xorshift32. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  }
  next(): number {
    let x = this.#state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.#state = x;
    return x >>> 0;
  }
  below(n: number): number {
    return this.next() % n;
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(list: readonly T[]): T {
    const item = list[this.below(list.length)];
    if (item === undefined) throw new RangeError("nothing to pick");
    return item;
  }
}

const INTERESTING = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  7n,
  8n,
  9n,
  10n,
  12n,
  15n,
  16n,
  24n,
  25n,
  31n,
  32n,
  33n,
  48n,
  56n,
  63n,
  64n,
  100n,
  127n,
  128n,
  255n,
  256n,
  641n,
  1000n,
  0x7fffn,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  0xaaaaaaaaaaaaaaaan,
  10000000000n,
  -1n,
  -2n,
  -3n,
  -5n,
  -7n,
  -8n,
  -128n,
  -1000n,
  -0x80000000n,
];
export function randomInteger(r: Random): bigint {
  if (r.chance(85)) return BigInt.asUintN(64, r.pick(INTERESTING));
  return BigInt.asUintN(64, (BigInt(r.next()) << 32n) | BigInt(r.next()));
}

const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  1e10,
  -1e10,
  1e300,
  5e-324,
  0.1,
  2147483648,
  4294967295,
  1 / 0,
  -1 / 0,
  0 / 0,
];
export function randomFloat(r: Random): number {
  return r.chance(80) ? r.pick(FLOATS) : (r.next() - 2 ** 31) / 2 ** r.below(40);
}

const INT_BINARY = [
  Op.iadd,
  Op.isub,
  Op.imul,
  Op.band,
  Op.bor,
  Op.bxor,
  Op.ishl,
  Op.ushr,
  Op.sshr,
  Op.rotl,
  Op.rotr,
  Op.iadd,
  Op.isub,
  Op.band,
];
const FLOAT_BINARY = [Op.fadd, Op.fsub, Op.fmul, Op.fdiv, Op.fmin, Op.fmax, Op.fcopysign];
const FLOAT_UNARY = [Op.fabs, Op.fneg, Op.fsqrt, Op.fceil, Op.ffloor, Op.ftrunc, Op.fnearest];
const DIVISIONS = [Op.sdiv, Op.udiv, Op.srem, Op.urem];
const TYPES: readonly Type[] = [I32, I64, F32, F64];

class Generator {
  readonly r: Random;
  readonly b: FuncBuilder;
  readonly func: Func;
  readonly context: Value;
  /** Values that may be used here, by type. */
  pools: Value[][];
  /** Enclosing joins that code may branch to. */
  readonly exits: { readonly block: Block; readonly types: readonly Type[] }[] = [];
  #statements: number;

  constructor(seed: number, size: number) {
    this.r = new Random(seed);
    const { builder, params } = startFunction(`random${seed}`, SIGNATURE, { stackCheck: false, entry: false });
    this.b = builder;
    this.func = builder.func;
    this.context = params[0] ?? entity<Value>(0);
    this.pools = [[], [], [], [], []];
    for (const p of params.slice(1)) this.add(p);
    this.#statements = size;
  }

  add(value: Value): void {
    this.pools[this.func.typeOf(value)]?.push(value);
  }

  constant(type: Type): Value {
    const { b, r } = this;
    if (type === I32) return b.iconst32(Number(BigInt.asIntN(32, randomInteger(r))));
    if (type === I64) {
      const v = randomInteger(r);
      return b.iconst64(Number(BigInt.asIntN(32, v)), Number(BigInt.asIntN(32, v >> 32n)));
    }
    const bits = new Int32Array((type === F32 ? Float32Array : Float64Array).of(randomFloat(r)).buffer);
    return type === F32 ? b.f32const(bits[0] ?? 0) : b.f64const(bits[0] ?? 0, bits[1] ?? 0);
  }

  /** An operand: recent values more often. */
  value(type: Type): Value {
    const { r } = this;
    const pool = this.pools[type] ?? [];
    if (pool.length === 0 || r.chance(25)) return this.constant(type);
    const back = r.chance(60) ? Math.min(pool.length, 4) : pool.length;
    return pool[pool.length - 1 - r.below(back)] ?? this.constant(type);
  }

  /** An address inside of a region, and the offset that goes with it. */
  #address(region: number, size: number): { base: Value; offset: number } {
    const { b, r } = this;
    const start =
      region === Region.context
        ? AREA.context
        : region === Region.global
          ? AREA.global
          : region === Region.constant
            ? AREA.constant
            : region === Region.table
              ? AREA.table
              : AREA.heap;
    const length = region === Region.heap ? 256 : 64;
    // The same few places again and again.
    const at = start + (r.chance(75) ? r.below(3) * 8 : r.below(Math.floor((length - size) / 4) + 1) * 4);
    switch (r.below(4)) {
      case 0:
        return { base: b.binary(Op.iadd, I64, this.context, b.iconst64n(at)), offset: 0 };
      case 1: {
        const masked = b.binary(Op.band, I32, this.value(I32), b.iconst32(region === Region.heap ? 63 : 31));
        return {
          base: b.binary(Op.iadd, I64, this.context, b.unary(Op.uextend, I64, masked)),
          offset: start + r.below(3) * 8,
        };
      }
      default:
        return { base: this.context, offset: at };
    }
  }

  #load(): Value {
    const { b, r } = this;
    const type = r.chance(60) ? I32 : r.pick(TYPES);
    const region = r.chance(50)
      ? Region.heap
      : r.pick([Region.global, Region.global, Region.context, Region.table, Region.constant]);
    const access =
      type === I32
        ? r.pick([0, 0, 0, 0, 0, 1, 2, 3, 4])
        : type === I64
          ? r.pick([0, 0, 1, 2, 3, 4, 5, 6])
          : Access.full;
    if (region === Region.heap && r.chance(20)) {
      const base = b.binary(Op.iadd, I64, this.context, b.unary(Op.uextend, I64, this.value(I32)));
      return b.load(type, base, AREA.heap + r.below(8) * 4, region, access, true);
    }
    const { base, offset } = this.#address(region, accessSize(access, type));
    return b.load(type, base, offset, region, access, region === Region.heap && r.chance(50));
  }

  #store(): void {
    const { b, r } = this;
    const type = r.chance(60) ? I32 : r.pick(TYPES);
    const region = r.chance(50) ? Region.heap : r.pick([Region.global, Region.global, Region.context, Region.table]);
    const access = type === I32 ? r.pick([0, 0, 0, 0, 1, 3]) : type === I64 ? r.pick([0, 0, 1, 3, 5]) : Access.full;
    const { base, offset } = this.#address(region, accessSize(access, type));
    b.store(type, base, this.value(type), offset, region, access, region === Region.heap && r.chance(50));
  }

  #atomic(): Value {
    const { b, r } = this;
    const type = r.chance(60) ? I32 : I64;
    const region = r.chance(80) ? Region.heap : Region.any;
    const access = type === I32 ? r.pick([0, 0, 1, 3]) : r.pick([0, 0, 1, 3, 5]);
    const flags = accessFlags(access, region, region === Region.heap && r.chance(50));
    const { base, offset } = this.#address(Region.heap, accessSize(access, type));
    if (r.chance(15)) return b.atomicCas(type, base, this.value(type), this.value(type), offset, flags);
    if (r.chance(25)) return b.atomicLoad(type, base, offset, flags);
    const value = this.value(type);
    if (r.chance(70)) return b.atomicUpdate(Op.atomic_add + r.below(6), type, base, value, offset, flags);
    b.atomicStore(type, base, value, offset, flags);
    return value;
  }

  #division(): Value {
    const { b, r } = this;
    const type = r.chance(50) ? I32 : I64;
    const op = r.pick(DIVISIONS);
    const a = this.value(type);
    if (r.chance(60)) {
      const width = type === I32 ? 32 : 64;
      let d = BigInt.asUintN(width, randomInteger(r));
      if (d === 0n || (op === Op.sdiv && BigInt.asIntN(width, d) === -1n)) d = 7n;
      return b.binary(
        op,
        type,
        a,
        type === I32
          ? b.iconst32(Number(BigInt.asIntN(32, d)))
          : b.iconst64(Number(BigInt.asIntN(32, d)), Number(BigInt.asIntN(32, d >> 32n))),
      );
    }
    const d = this.value(type);
    const zero = type === I32 ? b.iconst32(0) : b.iconst64(0, 0);
    if (type === I32 && r.chance(50)) b.trapIf(Op.trapz, d, 7);
    else b.trapIf(Op.trapnz, b.icmp(IntCC.eq, type, d, zero), 7);
    if (op === Op.sdiv) {
      const min = type === I32 ? b.iconst32(-0x8000_0000) : b.iconst64(0, -0x8000_0000);
      const minusOne = type === I32 ? b.iconst32(-1) : b.iconst64(-1, -1);
      const over = b.binary(Op.band, I32, b.icmp(IntCC.eq, type, a, min), b.icmp(IntCC.eq, type, d, minusOne));
      b.trapIf(Op.trapnz, over, 8);
    }
    return b.binary(op, type, a, d);
  }

  /** An i32 that says yes or no. */
  condition(): Value {
    const { b, r } = this;
    const type = r.pick(TYPES);
    const value =
      type <= I64
        ? b.icmp(r.below(10), type, this.value(type), this.value(type))
        : b.fcmp(r.below(6), type, this.value(type), this.value(type));
    switch (r.below(8)) {
      case 0:
        return b.icmp(r.below(2), I32, value, b.iconst32(r.below(2)));
      case 1:
        return b.binary(r.pick([Op.band, Op.bor]), I32, value, this.value(I32));
      case 2:
        return this.value(I32);
      case 3:
        return b.binary(Op.bxor, I32, value, b.iconst32(1));
      default:
        return value;
    }
  }

  #compute(): Value {
    const { b, r } = this;
    const int = r.chance(50) ? I32 : I64;
    const float = r.chance(50) ? F32 : F64;
    switch (r.below(22)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
      case 5:
        return b.binary(r.pick(INT_BINARY), int, this.value(int), this.value(int));
      case 6: {
        const x = this.value(int);
        return b.binary(r.pick(INT_BINARY), int, x, x);
      }
      case 7:
        return b.binary(r.pick([Op.umulhi, Op.smulhi]), I64, this.value(I64), this.value(I64));
      case 8:
      case 9:
        return b.unary(r.pick([Op.clz, Op.ctz, Op.popcnt, Op.sext8, Op.sext16, Op.sext8]), int, this.value(int));
      case 10:
        return b.unary(Op.sext32, I64, this.value(I64));
      case 11:
      case 12:
        return b.unary(r.pick([Op.uextend, Op.sextend]), I64, this.value(I32));
      case 13:
        return b.unary(Op.ireduce, I32, this.value(I64));
      case 14:
        return this.condition();
      case 15: {
        const type = r.pick(TYPES);
        return b.select(type, this.condition(), this.value(type), this.value(type));
      }
      case 16:
        return b.binary(r.pick(FLOAT_BINARY), float, this.value(float), this.value(float));
      case 17:
        return b.unary(r.pick(FLOAT_UNARY), float, this.value(float));
      case 18:
        return r.chance(50) ? b.unary(Op.fpromote, F64, this.value(F32)) : b.unary(Op.fdemote, F32, this.value(F64));
      case 19:
        return b.unary(r.pick([Op.fcvt_from_sint, Op.fcvt_from_uint]), float, this.value(int));
      case 20:
        return b.unary(r.pick([Op.fcvt_to_sint_sat, Op.fcvt_to_uint_sat]), int, this.value(float));
      default:
        switch (r.below(4)) {
          case 0:
            return b.unary(Op.bitcast, F32, this.value(I32));
          case 1:
            return b.unary(Op.bitcast, I32, this.value(F32));
          case 2:
            return b.unary(Op.bitcast, F64, this.value(I64));
          default:
            return b.unary(Op.bitcast, I64, this.value(F64));
        }
    }
  }

  /** Straight code. */
  simple(): void {
    const { b, r } = this;
    const dice = r.below(100);
    if (dice < 8) this.#observe();
    else if (dice < 64) this.add(this.#compute());
    else if (dice < 76) this.add(r.chance(15) ? this.#atomic() : this.#load());
    else if (dice < 86) this.#store();
    else if (dice < 91) this.add(this.#division());
    else if (dice < 94)
      b.trapIf(
        r.pick([Op.trapz, Op.trapnz]),
        b.icmp(r.below(10), I32, this.value(I32), this.value(I32)),
        1 + r.below(6),
      );
    else if (dice < 97) {
      const checked = r.pick(this.pools[I32] ?? []);
      b.trapIf(Op.trapnz, b.icmp(IntCC.eq, I32, checked, this.constant(I32)), 9);
    } else {
      const callee = b.importFunc(CALLEE, CALLEE_SIGNATURE);
      for (const result of b.call(callee, [this.context, this.value(I32), this.value(I64)])) this.add(result);
    }
  }

  /** A hash of the last values of each type; NaNs count as 0. */
  hash(count: number): Value {
    const { b } = this;
    let sum = b.iconst64(0, 0);
    for (const type of TYPES) {
      for (const v of (this.pools[type] ?? []).slice(-count)) {
        let bits = v;
        if (type > I64) {
          const zero = type === F32 ? b.f32const(0) : b.f64const(0, 0);
          const number = b.select(type, b.fcmp(FloatCC.eq, type, v, v), v, zero);
          bits = b.unary(Op.bitcast, type === F32 ? I32 : I64, number);
        }
        if (type === I32 || type === F32) bits = b.unary(Op.uextend, I64, bits);
        sum = b.binary(Op.bxor, I64, b.binary(Op.imul, I64, sum, b.iconst64(0x01000193, 0x51)), bits);
      }
    }
    return sum;
  }

  /** Makes recent values matter. */
  #observe(): void {
    const { base, offset } = this.#address(Region.heap, 8);
    this.b.store(I64, base, this.hash(3), offset, Region.heap);
  }

  results(): Value[] {
    return SIGNATURE.results.map((type) => (type === I64 ? this.hash(12) : this.value(type)));
  }

  // Structured code.

  body(depth: number): void {
    const { b, r } = this;
    const count = 2 + r.below(8);
    for (let i = 0; i < count && b.open; i++) {
      if (this.#statements-- <= 0) return;
      if (depth < 5 && r.chance(22)) this.#construct(depth + 1);
      else this.simple();
    }
    if (b.open && depth > 1 && r.chance(12)) this.#leave();
  }

  /** Leaves the construct in another way than by its end. */
  #leave(): void {
    const { b, r } = this;
    const exit = this.exits.length === 0 || r.chance(20) ? undefined : r.pick(this.exits);
    if (exit !== undefined) b.jump(exit.block, this.#args(exit.types));
    else if (r.chance(20)) b.trap(1 + r.below(6));
    else b.return(this.results());
  }

  #args(types: readonly Type[]): Value[] {
    return types.map((type) => (type === I32 && this.r.chance(20) ? this.condition() : this.value(type)));
  }

  #scoped(run: () => void): void {
    const saved = this.pools;
    this.pools = saved.map((pool) => pool.slice());
    run();
    this.pools = saved;
  }

  /** Some types for a join's parameters. */
  #types(): Type[] {
    return Array.from({ length: this.r.below(4) }, () => this.r.pick(TYPES));
  }

  #construct(depth: number): void {
    const { b, r } = this;
    const join = b.createBlock();
    const types = this.#types();
    const params = types.map((type) => b.func.appendBlockParam(join, type));
    this.exits.push({ block: join, types });
    const arm = (block: Block): void => {
      b.switchTo(block);
      this.#scoped(() => {
        this.body(depth);
        if (b.open) b.jump(join, this.#args(types));
      });
    };
    switch (r.below(3)) {
      case 0: {
        const yes = b.createBlock();
        const no = b.createBlock();
        const condition = this.condition();
        if (r.chance(30)) b.brif(condition, yes, [], join, this.#args(types));
        else {
          b.brif(condition, yes, [], no, []);
          arm(no);
        }
        arm(yes);
        break;
      }
      case 1: {
        const blocks = Array.from({ length: 1 + r.below(4) }, () => b.createBlock());
        const targets = Array.from({ length: 1 + r.below(6) }, () =>
          r.chance(25) ? { block: join, args: this.#args(types) } : { block: r.pick(blocks), args: [] },
        );
        b.brTable(this.value(I32), targets);
        for (const block of blocks) if (targets.some((t) => t.block === block)) arm(block);
        break;
      }
      default:
        this.#loop(depth, join, types);
    }
    this.exits.pop();
    b.switchTo(join);
    const told = params.find((p) => b.func.typeOf(p) === I32);
    if (told !== undefined && depth < 5 && r.chance(40)) this.#branchOn(told, params, depth + 1);
    else for (const p of params) this.add(p);
  }

  /** A block that does nothing but branch on its own parameter; the parameters are read below it, and seldom where its two ways meet. */
  #branchOn(told: Value, params: readonly Value[], depth: number): void {
    const { b, r } = this;
    const [yes, no, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
    const arm = (block: Block): void => {
      b.switchTo(block);
      this.#scoped(() => {
        for (const p of params) this.add(p);
        this.body(depth);
      });
      if (b.open) b.jump(join);
    };
    if (r.chance(30)) b.brif(told, yes, [], join, []);
    else {
      b.brif(told, yes, [], no, []);
      arm(no);
    }
    arm(yes);
    b.switchTo(join);
    if (r.chance(20)) for (const p of params) this.add(p);
  }

  #loop(depth: number, join: Block, types: readonly Type[]): void {
    const { b, r } = this;
    const header = b.createBlock();
    const counter = b.func.appendBlockParam(header, I32);
    const carriedTypes = this.#types();
    const carried = carriedTypes.map((type) => b.func.appendBlockParam(header, type));
    b.jump(header, [b.iconst32(1 + r.below(4)), ...this.#args(carriedTypes)]);
    b.switchTo(header);
    this.#scoped(() => {
      this.add(counter);
      for (const c of carried) this.add(c);
      this.body(depth);
      if (!b.open) return;
      const left = b.binary(Op.iadd, I32, counter, b.iconst32(-1));
      const again = [left, ...carried.map((c) => (r.chance(20) ? c : this.value(b.func.typeOf(c))))];
      if (r.chance(50)) b.brif(left, header, again, join, this.#args(types));
      else b.brif(b.icmp(IntCC.eq, I32, left, b.iconst32(0)), join, this.#args(types), header, again);
    });
  }
}

/** Structured control flow: branches, switches and loops that count down. */
export function structuredFunction(seed: number, size: number): Func {
  const g = new Generator(seed, size);
  g.body(0);
  if (g.b.open) {
    if (g.r.chance(10)) {
      // Its own signature: a tail call.
      g.b.returnCall(g.b.importFunc(entity<FuncSymbol>(2), SIGNATURE), [
        g.context,
        g.value(I32),
        g.value(I32),
        g.value(I64),
        g.value(I64),
        g.value(F32),
        g.value(F64),
      ]);
    } else g.b.return(g.results());
  }
  return g.func;
}

/** Any graph of blocks; each step costs fuel, which is a parameter of every block. */
export function graphFunction(seed: number, size: number): Func {
  const g = new Generator(seed, size);
  const { b, r } = g;
  for (let i = 0; i < 4; i++) g.simple();
  const count = 2 + r.below(10);
  const types = Array.from({ length: count }, () => [I32, ...Array.from({ length: r.below(4) }, () => r.pick(TYPES))]);
  const blocks = types.map((list) => {
    const block = b.createBlock();
    for (const type of list) b.func.appendBlockParam(block, type);
    return block;
  });
  const target = (fuel: Value): { block: Block; args: Value[] } => {
    const k = r.below(count);
    const args = (types[k] ?? []).map((type, i) => (i === 0 ? fuel : g.value(type)));
    return { block: blocks[k] ?? b.createBlock(), args };
  };
  const start = target(b.iconst32(5 + r.below(20)));
  b.jump(start.block, start.args);
  const outer = g.pools;
  for (const block of blocks) {
    b.switchTo(block);
    g.pools = outer.map((pool) => pool.slice());
    const params = b.func.paramsOf(block);
    for (const p of params.slice(1)) g.add(p);
    for (let i = r.below(6); i > 0; i--) g.simple();
    const fuel = b.binary(Op.iadd, I32, params[0] ?? g.constant(I32), b.iconst32(-1));
    b.trapIf(Op.trapz, fuel, 10);
    switch (r.below(6)) {
      case 0: {
        const t = target(fuel);
        b.jump(t.block, t.args);
        break;
      }
      case 1:
        b.brTable(
          g.value(I32),
          Array.from({ length: 1 + r.below(4) }, () => target(fuel)),
        );
        break;
      case 2:
        b.return(g.results());
        break;
      default: {
        const x = target(fuel);
        const y = target(fuel);
        b.brif(g.condition(), x.block, x.args, y.block, y.args);
      }
    }
  }
  return g.func;
}
