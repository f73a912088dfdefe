/** Bodies of random functions: expressions made for the type that their place asks for, with everything in reach. */

import { ByteWriter } from "../../src/base/bytes.ts";
import { codeOf, floatLanes, type Operator, operatorsOf } from "./operators.ts";
import type { Random } from "./random.ts";
import {
  type Expr,
  type FuncTree,
  type Immediate,
  type Label,
  type ModuleTree,
  ON_STACK,
  type Types,
  varS64,
} from "./tree.ts";

const FUEL = 0;
const MAX_DEPTH = 9;
const MAX_LABELS = 7;

const INTEGERS = [
  0n,
  1n,
  -1n,
  2n,
  7n,
  8n,
  31n,
  32n,
  63n,
  64n,
  127n,
  128n,
  255n,
  256n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  -0x8000000000000000n,
  -128n,
  -32768n,
  0x5555555555555555n,
  0xff00ff00ff00ff00n,
];
const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.1,
  1e10,
  -1e10,
  1e30,
  1e-40,
  5e-324,
  1e300,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  4294967295,
  4294967296,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  16777217,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

function bytesOf(fill: (w: ByteWriter) => void): Immediate {
  const w = new ByteWriter(16);
  fill(w);
  return { kind: "bytes", bytes: [...w.toBytes()] };
}

function littleEndian(value: bigint, size: number): Immediate {
  return { kind: "bytes", bytes: Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)) };
}

function floatBits(value: number, size: 4 | 8): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

function integer(r: Random): bigint {
  const way = r.below(10);
  if (way < 4) return BigInt(r.between(-4, 20));
  if (way < 8) return r.pick(INTEGERS) + (r.chance(0.2) ? BigInt(r.between(-1, 1)) : 0n);
  if (way < 9) return 1n << BigInt(r.below(64));
  return BigInt.asIntN(64, r.u64());
}

function float(r: Random, size: 4 | 8): bigint {
  if (r.chance(0.7)) return floatBits(r.pick(FLOATS), size);
  if (r.chance(0.5)) return floatBits(r.between(-1000, 1000) / r.between(1, 16), size);
  const bits = BigInt.asUintN(8 * size, r.u64());
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits << (size === 4 ? 32n : 0n));
  const value = size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  return floatBits(value, size);
}

/** A constant expression: `value`, or a random one. */
export function constant(r: Random, type: string, value?: bigint): Expr {
  const make = (name: string, immediate: Immediate): Expr => {
    return { code: codeOf(name), results: type, kids: [], immediates: [immediate] };
  };
  switch (type) {
    case "i":
      return make(
        "i32.const",
        bytesOf((w) => varS64(w, BigInt.asIntN(32, value ?? integer(r)))),
      );
    case "l":
      return make(
        "i64.const",
        bytesOf((w) => varS64(w, value ?? integer(r))),
      );
    case "f":
      return make("f32.const", littleEndian(value ?? float(r, 4), 4));
    case "d":
      return make("f64.const", littleEndian(value ?? float(r, 8), 8));
    case "v": {
      if (value !== undefined) return make("v128.const", littleEndian(value, 16));
      const way = r.below(5);
      if (way === 0) return make("v128.const", littleEndian((r.u64() << 64n) | r.u64(), 16));
      if (way === 1) return make("v128.const", littleEndian(0n, 16));
      const size = r.pick([1, 2, 4, 8]);
      let all = 0n;
      const same = r.chance(0.4) ? integer(r) : undefined;
      for (let i = 0; i < 16 / size; i++) {
        const lane = size >= 4 && way === 2 ? float(r, size === 4 ? 4 : 8) : (same ?? integer(r));
        all |= BigInt.asUintN(8 * size, lane) << BigInt(8 * size * i);
      }
      return make("v128.const", littleEndian(all, 16));
    }
    default:
      return make("ref.null", { kind: "bytes", bytes: [0x70] });
  }
}

const NAN: Readonly<Record<string, bigint>> = { f: 0x7fc00000n, d: 0x7ff8000000000000n };

interface Scope {
  readonly label: Label;
  readonly loop: boolean;
}

export class FunctionGenerator {
  readonly #r: Random;
  readonly #tree: ModuleTree;
  readonly #func: FuncTree;
  readonly #callees: readonly FuncTree[];
  readonly #all: string;
  readonly #scopes: Scope[] = [];
  /** Types of parameters and locals. */
  #locals: string;
  /** Locals below this may be written by anything. */
  #common = 0;
  readonly #free = new Map<string, number[]>();
  readonly #nanLocals = new Map<string, number>();
  #budget: number;
  /** Counting loops around this place. */
  #counting = 0;

  /** `callees`: what it may call. `all`: letters of the types that it uses, the likely ones more than once. */
  constructor(r: Random, tree: ModuleTree, func: FuncTree, callees: readonly FuncTree[], all: string) {
    this.#r = r;
    this.#tree = tree;
    this.#func = func;
    this.#callees = callees;
    this.#all = all;
    this.#locals = func.params;
    this.#budget = r.chance(0.1) ? r.between(150, 500) : r.between(10, 110);
  }

  /** Makes the body. `fuel`: what it sets the fuel to; undefined when it needs some to run. */
  fill({ fuel }: { readonly fuel: number | undefined }): void {
    const r = this.#r;
    const count = r.chance(0.1) ? r.between(10, 30) : r.between(1, 7);
    for (let i = 0; i < count; i++)
      this.#locals += r.chance(0.02) ? "r" : (this.#all[r.below(this.#all.length)] ?? "i");
    this.#common = this.#locals.length;
    const body: Expr[] = fuel === undefined ? this.#spend(4) : [this.#setFuel(constant(r, "i", BigInt(fuel)))];
    // A value is often still in its register when it is used.
    this.#statements(body, r.between(1, 6));
    body.push(...this.#values(this.#func.results, 0));
    this.#func.locals = this.#locals.slice(this.#func.params.length);
    this.#func.body = body;
  }

  // Small pieces.

  #node(name: string, results: Types, kids: Expr[], ...immediates: Immediate[]): Expr {
    return { code: codeOf(name), results, kids, immediates };
  }

  #index(value: number): Immediate {
    return { kind: "u32", value };
  }

  #i32(value: number): Expr {
    return constant(this.#r, "i", BigInt(value));
  }

  #get(local: number): Expr {
    return this.#node("local.get", this.#locals[local] ?? "i", [], this.#index(local));
  }

  #set(local: number, value: Expr): Expr {
    return this.#node("local.set", value.results.slice(0, -1), [value], this.#index(local));
  }

  #setFuel(value: Expr): Expr {
    return this.#node("global.set", "", [value], this.#index(FUEL));
  }

  /** Returns when there is no fuel left. */
  #spend(amount: number): Expr[] {
    const fuel = (): Expr => this.#node("global.get", "i", [], this.#index(FUEL));
    const giveUp = this.#node(
      "return",
      "",
      Array.from(this.#func.results, (t) => constant(this.#r, t, 0n)),
    );
    const cond = this.#node("i32.le_s", "i", [fuel(), this.#i32(0)]);
    const check: Expr = {
      ...this.#node("if", "", [cond], { kind: "block", params: "", results: "" }),
      bodies: [[giveUp]],
      label: { types: "" },
    };
    return [check, this.#setFuel(this.#node("i32.sub", "i", [fuel(), this.#i32(amount)]))];
  }

  /** A local that only its owner writes, until it is given back. */
  #take(type: string): number {
    const free = this.#free.get(type)?.pop();
    if (free !== undefined) return free;
    this.#locals += type;
    return this.#locals.length - 1;
  }

  #giveBack(local: number): void {
    const type = this.#locals[local] ?? "i";
    const list = this.#free.get(type) ?? [];
    list.push(local);
    this.#free.set(type, list);
  }

  #localOf(type: string): number | undefined {
    const from = this.#r.below(this.#common);
    for (let i = 0; i < this.#common; i++) {
      const local = (from + i) % this.#common;
      if (this.#locals[local] === type) return local;
    }
    return undefined;
  }

  #globalOf(type: string, mutable: boolean): number | undefined {
    const found = this.#tree.globals.flatMap((g, i) =>
      i !== FUEL && g.type === type && (g.mutable || !mutable) ? [i] : [],
    );
    return found.length === 0 ? undefined : this.#r.pick(found);
  }

  /** The value with the bits of a NaN made canonical, unless they are certain. */
  #canonical(value: Expr): Expr {
    const type = value.results;
    if (type !== "f" && type !== "d") return value;
    const name = type === "f" ? "f32" : "f64";
    const certain = [
      codeOf(`${name}.load`),
      codeOf(`${name}.const`),
      codeOf(type === "f" ? "f32.reinterpret_i32" : "f64.reinterpret_i64"),
    ];
    if (certain.includes(value.code)) return value;
    let local = this.#nanLocals.get(type);
    if (local === undefined) {
      this.#locals += type;
      local = this.#locals.length - 1;
      this.#nanLocals.set(type, local);
    }
    const tee = this.#node("local.tee", type, [value], this.#index(local));
    const same = this.#node(`${name}.eq`, "i", [this.#get(local), this.#get(local)]);
    return this.#node("select", type, [tee, constant(this.#r, type, NAN[type] ?? 0n), same]);
  }

  #canonicalLanes(value: Expr, bits: 32 | 64): Expr {
    let local = this.#nanLocals.get("v");
    if (local === undefined) {
      this.#locals += "v";
      local = this.#locals.length - 1;
      this.#nanLocals.set("v", local);
    }
    const lane = NAN[bits === 32 ? "f" : "d"] ?? 0n;
    let nan = 0n;
    for (let at = 0; at < 128; at += bits) nan |= lane << BigInt(at);
    const tee = this.#node("local.tee", "v", [value], this.#index(local));
    const same = this.#node(bits === 32 ? "f32x4.eq" : "f64x2.eq", "v", [this.#get(local), this.#get(local)]);
    return this.#node("v128.bitselect", "v", [tee, constant(this.#r, "v", nan), same]);
  }

  // Values.

  /** Values of these types, in order; one expression may give several. */
  #values(types: Types, depth: number): Expr[] {
    const r = this.#r;
    const out: Expr[] = [];
    let at = 0;
    while (at < types.length) {
      const rest = types.slice(at);
      if (rest.length >= 2 && this.#budget > 0 && depth < MAX_DEPTH && r.chance(0.3)) {
        const several = this.#several(rest, depth);
        if (several !== undefined) {
          out.push(several);
          at += several.results.length;
          continue;
        }
      }
      out.push(this.value(types[at] ?? "i", depth));
      at++;
    }
    return out;
  }

  /** One expression for at least two of the values. */
  #several(types: Types, depth: number): Expr | undefined {
    const r = this.#r;
    const callees = this.#callees.filter((f) => f.results.length >= 2 && types.startsWith(f.results));
    if (callees.length > 0 && r.chance(0.6)) return this.#call(r.pick(callees), depth);
    if (this.#scopes.length >= MAX_LABELS) return undefined;
    return this.#block(types.slice(0, r.between(2, types.length)), depth + 1);
  }

  value(type: string, depth: number): Expr {
    const r = this.#r;
    this.#budget--;
    if (this.#budget <= 0 || depth >= MAX_DEPTH || r.chance(0.12)) return this.#leaf(type);
    const way = r.below(100);
    if (way < 52 && type !== "r") return this.#operator(r.pick(operatorsOf(type)), depth);
    if (way < 60) {
      const local = this.#localOf(type);
      return local === undefined
        ? this.#leaf(type)
        : this.#node("local.tee", type, [this.value(type, depth + 1)], this.#index(local));
    }
    if (way < 68) return this.#select(type, depth);
    if (way < 78 && this.#scopes.length < MAX_LABELS) return this.#block(type, depth + 1);
    if (way < 86) {
      const callees = this.#callees.filter((f) => f.results === type);
      if (callees.length > 0)
        return r.chance(0.6) ? this.#call(r.pick(callees), depth) : this.#indirect(r.pick(callees), depth);
    }
    if (way < 89) {
      const targets = this.#scopes.filter((s) => s.label.types === type);
      if (targets.length > 0) return this.#branchIf(r.pick(targets), depth);
    }
    if (way < 91) return this.#never(type, depth);
    if (way < 93) {
      const global = this.#globalOf(type, false);
      if (global !== undefined) return this.#node("global.get", type, [], this.#index(global));
    }
    if (type === "i" && way < 97) return this.#count(depth);
    if (type === "r" && this.#tree.tables.length > 0) {
      const table = r.below(this.#tree.tables.length);
      return this.#node("table.get", "r", [this.#tableIndex(table, depth)], this.#index(table));
    }
    return this.#leaf(type);
  }

  #leaf(type: string): Expr {
    const r = this.#r;
    const way = r.below(10);
    if (way < 6) {
      const local = this.#localOf(type);
      if (local !== undefined) return this.#get(local);
    }
    if (way < 7) {
      const global = this.#globalOf(type, false);
      if (global !== undefined) return this.#node("global.get", type, [], this.#index(global));
    }
    if (type === "r" && r.chance(0.6))
      return this.#node("ref.func", "r", [], { kind: "func", func: r.pick(this.#callees) });
    return constant(r, type);
  }

  #select(type: string, depth: number): Expr {
    const kids = [this.value(type, depth + 1), this.value(type, depth + 1), this.value("i", depth + 1)];
    if (type !== "r" && this.#r.chance(0.8)) return this.#node("select", type, kids);
    const letter: Readonly<Record<string, number>> = { i: 0x7f, l: 0x7e, f: 0x7d, d: 0x7c, v: 0x7b, r: 0x70 };
    return this.#node("select_t", type, kids, { kind: "bytes", bytes: [1, letter[type] ?? 0x7f] });
  }

  /** Sizes, growth, null. */
  #count(depth: number): Expr {
    const r = this.#r;
    const { memories, tables } = this.#tree;
    const way = r.below(5);
    const [memory] = memories;
    if (way < 2 && memory !== undefined) {
      if (way === 0) return this.#node("memory.size", "i", [], this.#index(0));
      const delta =
        memory.max === undefined
          ? this.#i32(r.pick([0, 65535 + 1, -1, 65537]))
          : r.chance(0.5)
            ? this.#i32(r.pick([0, 1, 1, 2, 65536, -1]))
            : this.value("i", depth + 1);
      return this.#node("memory.grow", "i", [delta], this.#index(0));
    }
    if (way < 4 && tables.length > 0) {
      const at = r.below(tables.length);
      if (way === 2) return this.#node("table.size", "i", [], this.#index(at));
      const delta = r.pick([0, 1, 1, 2, -1]);
      return this.#node("table.grow", "i", [this.value("r", depth + 1), this.#i32(delta)], this.#index(at));
    }
    return this.#node("ref.is_null", "i", [this.value("r", depth + 1)]);
  }

  #operator(operator: Operator, depth: number): Expr {
    const r = this.#r;
    const { name, code, params, results, extra } = operator;
    if (params.startsWith("a") && this.#tree.memories.length === 0) return this.#leaf(results);
    // What traps on most values is made rarely, or with an operand that it does not trap on.
    if (/trunc_f/.test(name) && r.chance(0.6)) return this.#leaf(results);
    const kids = Array.from(params, (t) => (t === "a" ? this.#address(operator, depth) : this.value(t, depth + 1)));
    if (/\.(div|rem)_/.test(name) && r.chance(0.75)) {
      const prefix = name.slice(0, 3);
      const [, divisor] = kids;
      if (divisor !== undefined) {
        const one = constant(r, results, r.chance(0.5) ? 1n : BigInt(r.between(1, 9)));
        kids[1] = r.chance(0.4)
          ? constant(
              r,
              results,
              r.pick([2n, 3n, 4n, 5n, 7n, 8n, 10n, 16n, 100n, 641n, -1n, -2n, -7n, 1n << 31n, 0x7fffffffn]),
            )
          : this.#node(`${prefix}.or`, results, [divisor, one]);
      }
    }
    if (/reinterpret_f|store|splat|replace_lane/.test(name)) kids.push(this.#canonical(kids.pop() ?? this.#leaf("f")));
    if (/\.copysign$/.test(name)) kids.push(this.#canonical(kids.pop() ?? this.#leaf("f")));
    const expr: Expr = { code, results, kids, immediates: this.#immediates(operator, extra) };
    const lanes = floatLanes(name);
    return lanes === undefined ? expr : this.#canonicalLanes(expr, lanes);
  }

  #immediates({ immediates, extra, code }: Operator, lanes: number): Immediate[] {
    const r = this.#r;
    switch (immediates) {
      case "none":
        return [];
      case "lane":
        return [{ kind: "bytes", bytes: [r.below(lanes)] }];
      case "shuffle": {
        const way = r.below(4);
        const from = r.below(32);
        const size = r.pick([2, 4, 8]);
        const place = r.below(32);
        return [
          {
            kind: "bytes",
            bytes: Array.from({ length: 16 }, (_, i) => {
              if (way === 0) return r.below(32);
              if (way === 1) return (from + i) % 32;
              if (way === 2) return ((Math.floor(i / size) * size * 3 + place * size) % 32) + (i % size);
              return i % 2 === 0 ? i >> 1 : 16 + (i >> 1);
            }),
          },
        ];
      }
      case "atomic":
        return [{ kind: "memarg", align: extra, memory: 0, offset: this.#offset() }];
      case "memarg":
        return [{ kind: "memarg", align: r.below(extra + 1), memory: 0, offset: this.#offset() }];
      case "memargLane":
        return [
          { kind: "memarg", align: r.below(extra + 1), memory: 0, offset: this.#offset() },
          { kind: "bytes", bytes: [r.below(16 >> extra)] },
        ];
      default:
        throw new RangeError(`opcode ${code}`);
    }
  }

  #offset(): bigint {
    const r = this.#r;
    const way = r.below(200);
    if (way < 90) return 0n;
    if (way < 180) return BigInt(r.below(64));
    if (way < 196) return BigInt(r.pick([200, 4096, 65520]));
    return BigInt(r.pick([65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x1ffffff, 0x2000000, 0x2000001]));
  }

  #address({ immediates, extra }: Operator, depth: number): Expr {
    const r = this.#r;
    const way = r.below(100);
    if (immediates === "atomic" && way < 90) {
      const mask = 0xfff & -(1 << extra);
      return this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(mask)]);
    }
    if (way < 25) return this.#i32(r.below(256));
    if (way < 75)
      return this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(r.pick([15, 255, 0xfff, 0x7fff]))]);
    if (way < 85) {
      const scale = this.#node("i32.shl", "i", [
        this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(63)]),
        this.#i32(r.below(4)),
      ]);
      const base = this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(0xfff)]);
      return this.#node("i32.add", "i", [base, scale]);
    }
    if (way < 93) {
      const min = this.#tree.memories[0]?.min ?? 0;
      return this.#i32(65536 * min - r.between(0, 20));
    }
    if (way < 97) return this.#i32(r.pick([-1, -4, 0x7fffffff, -0x80000000, 65536 * 6]));
    return this.value("i", depth + 1);
  }

  #tableIndex(table: number, depth: number): Expr {
    const r = this.#r;
    const min = this.#tree.tables[table]?.min ?? 0;
    if (r.chance(0.85) && min > 0) {
      if (r.chance(0.5)) return this.#i32(r.below(min));
      const rem = this.#node("i32.rem_u", "i", [this.value("i", depth + 1), this.#i32(min)]);
      return rem;
    }
    return r.chance(0.5) ? this.#i32(r.pick([min, min - 1, -1, 100])) : this.value("i", depth + 1);
  }

  // Calls.

  #call(callee: FuncTree, depth: number): Expr {
    return this.#node("call", callee.results, this.#values(callee.params, depth + 1), { kind: "func", func: callee });
  }

  /** Most likely of the type that is there. */
  #indirect({ params, results }: FuncTree, depth: number): Expr {
    const { tables } = this.#tree;
    if (tables.length === 0)
      return this.#call(
        this.#callees.find((f) => f.params === params && f.results === results) ?? this.#r.pick(this.#callees),
        depth,
      );
    const table = this.#r.below(tables.length);
    const kids = [...this.#values(params, depth + 1), this.#tableIndex(table, depth)];
    return this.#node("call_indirect", results, kids, { kind: "type", params, results }, this.#index(table));
  }

  // Control.

  #push(label: Label, loop: boolean): void {
    this.#scopes.push({ label, loop });
  }

  /** A block, loop or if with results. */
  #block(results: Types, depth: number): Expr {
    const r = this.#r;
    const params = r.chance(0.25)
      ? Array.from({ length: r.between(1, 3) }, () => this.#all[r.below(this.#all.length)] ?? "i").join("")
      : "";
    const kids = this.#values(params, depth);
    const immediate: Immediate = { kind: "block", params, results };
    const way = r.below(10);
    if (way < 4) {
      const label: Label = { types: results };
      return {
        ...this.#node("block", results, kids, immediate),
        bodies: [this.#body(label, false, params, results, depth)],
        label,
      };
    }
    if (way < 8) {
      kids.push(this.value("i", depth));
      const label: Label = { types: results };
      const bodies = [this.#body(label, false, params, results, depth)];
      if (params !== results || r.chance(0.7)) bodies.push(this.#body(label, false, params, results, depth));
      return { ...this.#node("if", results, kids, immediate), bodies, label };
    }
    const label: Label = { types: params };
    return {
      ...this.#node("loop", results, kids, immediate),
      bodies: [this.#body(label, true, params, results, depth)],
      label,
    };
  }

  #body(label: Label, loop: boolean, params: Types, results: Types, depth: number): Expr[] {
    const r = this.#r;
    const out: Expr[] = [];
    // The last parameter is on top.
    for (const type of [...params].reverse()) {
      const onStack: Expr = { code: ON_STACK, results: type, kids: [], immediates: [] };
      const local = this.#localOf(type);
      out.push(local === undefined ? this.#node("drop", "", [onStack]) : this.#set(local, onStack));
    }
    this.#push(label, loop);
    if (loop) out.push(...this.#spend(1));
    this.#statements(out, r.below(3));
    if (loop && r.chance(0.8)) out.push(...this.#repeat(label, depth));
    out.push(...this.#values(results, depth));
    this.#scopes.pop();
    return out;
  }

  /** Goes back to a loop perhaps. */
  #repeat(label: Label, depth: number): Expr[] {
    const expr = this.#node(
      "br_if",
      label.types,
      [...this.#values(label.types, depth + 1), this.value("i", depth + 1)],
      { kind: "label", label },
    );
    return this.#dropAll(expr);
  }

  /** A statement of an expression: its results go to locals, or nowhere. */
  #dropAll(expr: Expr): Expr[] {
    let out = expr;
    while (out.results !== "") {
      const local = this.#r.chance(0.6) ? this.#localOf(out.results.at(-1) ?? "i") : undefined;
      out = local === undefined ? this.#node("drop", out.results.slice(0, -1), [out]) : this.#set(local, out);
    }
    return [out];
  }

  #branchIf({ label }: Scope, depth: number): Expr {
    const kids = [...this.#values(label.types, depth + 1), this.value("i", depth + 1)];
    return this.#node("br_if", label.types, kids, { kind: "label", label });
  }

  /** What never gets to its end, in place of a value. */
  #never(results: Types, depth: number): Expr {
    const r = this.#r;
    const way = r.below(12);
    const { results: own } = this.#func;
    if (way < 5 && this.#scopes.length > 0) {
      const { label } = r.pick(this.#scopes);
      return this.#node("br", results, this.#values(label.types, depth + 1), { kind: "label", label });
    }
    if (way < 7 && this.#scopes.length > 0) return this.#table(r.pick(this.#scopes).label.types, results, depth);
    if (way < 10) {
      const callees = this.#callees.filter((f) => f.results === own);
      if (callees.length > 0) {
        const callee = r.pick(callees);
        const call = r.chance(0.6) ? this.#call(callee, depth) : this.#indirect(callee, depth);
        const tail = codeOf(call.code === codeOf("call") ? "return_call" : "return_call_indirect");
        return { ...call, code: tail, results };
      }
    }
    if (r.chance(0.06)) return this.#node("unreachable", results, []);
    return this.#node("return", results, this.#values(own, depth + 1));
  }

  #table(types: Types, results: Types, depth: number): Expr {
    const r = this.#r;
    const targets = this.#scopes.filter((s) => s.label.types === types);
    const count = r.chance(0.1) ? r.between(5, 20) : r.between(1, 5);
    const labels = Array.from({ length: count }, () => r.pick(targets).label);
    const index = r.chance(0.7)
      ? this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(r.pick([1, 3, 7]))])
      : this.value("i", depth + 1);
    return this.#node("br_table", results, [...this.#values(types, depth + 1), index], { kind: "labels", labels });
  }

  // Statements.

  #statements(out: Expr[], count: number): void {
    for (let i = 0; i < count && this.#budget > 0; i++) this.#statement(out);
  }

  #statement(out: Expr[]): void {
    const r = this.#r;
    this.#budget--;
    const way = r.below(100);
    const depth = this.#scopes.length;
    const type = this.#all[r.below(this.#all.length)] ?? "i";
    if (way < 30) {
      const local = r.below(this.#common);
      out.push(this.#set(local, this.value(this.#locals[local] ?? "i", depth)));
    } else if (way < 48) {
      const store = this.#operator(r.pick(operatorsOf("")), depth);
      if (store.results === "" && store.kids.length > 0) out.push(store);
    } else if (way < 54) {
      const global = this.#globalOf(type, true);
      if (global !== undefined) out.push(this.#node("global.set", "", [this.value(type, depth)], this.#index(global)));
    } else if (way < 66 && depth < MAX_LABELS) out.push(this.#block("", depth));
    else if (way < 74 && this.#counting < 3) this.#counted(out);
    else if (way < 80 && depth > 0) out.push(...this.#dropAll(this.#branchIf(r.pick(this.#scopes), depth)));
    else if (way < 82 && depth > 0) out.push(this.#never("", depth));
    else if (way < 90) {
      const callee = r.pick(this.#callees);
      out.push(...this.#dropAll(r.chance(0.5) ? this.#call(callee, depth) : this.#indirect(callee, depth)));
    } else if (way < 94) this.#bulkMemory(out, depth);
    else if (way < 97) this.#bulkTable(out, depth);
    else out.push(this.#node("drop", "", [this.value(type, depth)]));
  }

  /** A loop that counts down a local, which nothing else sees. */
  #counted(out: Expr[]): void {
    const r = this.#r;
    const counter = this.#take(r.chance(0.7) ? "i" : "l");
    const type = this.#locals[counter] ?? "i";
    const name = type === "i" ? "i32" : "i64";
    out.push(this.#set(counter, constant(r, type, BigInt(r.between(1, 6)))));
    const label: Label = { types: "" };
    const body: Expr[] = [];
    // Not in scope, so that nothing goes back but by counting.
    this.#counting++;
    this.#statements(body, r.between(1, 4));
    if (r.chance(0.5)) {
      const local = this.#localOf(type);
      if (local !== undefined)
        body.push(this.#set(local, this.#node(`${name}.add`, type, [this.#get(counter), this.#get(local)])));
    }
    this.#counting--;
    const next = this.#node(`${name}.sub`, type, [this.#get(counter), constant(r, type, 1n)]);
    const tee = this.#node("local.tee", type, [next], this.#index(counter));
    const cond =
      type === "i" && r.chance(0.6)
        ? tee
        : this.#node(`${name}.${type === "i" ? r.pick(["ne", "gt_s"]) : "ne"}`, "i", [tee, constant(r, type, 0n)]);
    body.push(this.#node("br_if", "", [cond], { kind: "label", label }));
    out.push({ ...this.#node("loop", "", [], { kind: "block", params: "", results: "" }), bodies: [body], label });
    this.#giveBack(counter);
  }

  #length(depth: number): Expr {
    const r = this.#r;
    if (r.chance(0.4)) return this.#i32(r.pick([0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 300]));
    return r.chance(0.95)
      ? this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(127)])
      : this.value("i", depth + 1);
  }

  #place(depth: number): Expr {
    const r = this.#r;
    const min = this.#tree.memories[0]?.min ?? 0;
    if (r.chance(0.03)) return this.#i32(65536 * min - r.below(40));
    return this.#node("i32.and", "i", [this.value("i", depth + 1), this.#i32(r.pick([63, 0xfff]))]);
  }

  #bulkMemory(out: Expr[], depth: number): void {
    const r = this.#r;
    const { memories, data } = this.#tree;
    if (memories.length === 0) return;
    const way = r.below(10);
    const memory = this.#index(0);
    if (way < 4) {
      out.push(
        this.#node("memory.fill", "", [this.#place(depth), this.value("i", depth + 1), this.#length(depth)], memory),
      );
    } else if (way < 8) {
      out.push(
        this.#node("memory.copy", "", [this.#place(depth), this.#place(depth), this.#length(depth)], memory, memory),
      );
    } else if (data.length > 0) {
      const segment = this.#index(r.below(data.length));
      if (r.chance(0.15)) out.push(this.#node("data.drop", "", [], segment));
      else {
        const kids = [this.#place(depth), this.#i32(r.below(6)), this.#i32(r.below(12))];
        out.push(this.#node("memory.init", "", kids, segment, memory));
      }
    }
  }

  #bulkTable(out: Expr[], depth: number): void {
    const r = this.#r;
    const { tables, elements } = this.#tree;
    if (tables.length === 0) return;
    const table = r.below(tables.length);
    const small = (): Expr => this.#i32(r.below(4));
    switch (r.below(6)) {
      case 0:
      case 1:
        out.push(
          this.#node("table.set", "", [this.#tableIndex(table, depth), this.value("r", depth + 1)], this.#index(table)),
        );
        return;
      case 2:
        out.push(this.#node("table.fill", "", [small(), this.value("r", depth + 1), small()], this.#index(table)));
        return;
      case 3: {
        const from = r.below(tables.length);
        out.push(this.#node("table.copy", "", [small(), small(), small()], this.#index(table), this.#index(from)));
        return;
      }
      case 4:
        out.push(
          this.#node(
            "table.init",
            "",
            [small(), small(), small()],
            this.#index(r.below(elements.length)),
            this.#index(table),
          ),
        );
        return;
      default:
        if (r.chance(0.3)) out.push(this.#node("elem.drop", "", [], this.#index(r.below(elements.length))));
    }
  }
}
