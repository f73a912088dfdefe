/** What a random body is made of: its locals, the labels around a place, nodes of every kind, and the fuel that makes it end. */

import { constant, NAN } from "./constants.ts";
import { codeOf } from "./operators.ts";
import type { Random } from "./random.ts";
import {
  declaredOf,
  type Expr,
  type FuncTree,
  type Immediate,
  isNonNull,
  isReferenceType,
  type Label,
  type ModuleTree,
  referenceTo,
  type Types,
  EMPTY_BLOCK,
} from "./tree.ts";

/** Global 0. */
export const FUEL = 0;

/** Labels around a place, from which on no more blocks are opened. */
export const MAX_LABELS = 7;

export interface Scope {
  readonly label: Label;
  readonly loop: boolean;
}

/** Whether functions of type `declared` are of type `index` too. */
export function isSubtype(tree: ModuleTree, declared: number | undefined, index: number): boolean {
  for (let at = declared; at !== undefined; at = tree.types[at]?.supertype) if (at === index) return true;
  return false;
}

export class Frame {
  readonly r: Random;
  readonly tree: ModuleTree;
  readonly func: FuncTree;
  /** What it may call. */
  readonly callees: readonly FuncTree[];
  /** Letters of the types that it uses, the likely ones more than once. */
  readonly all: string;
  readonly scopes: Scope[] = [];
  /** Locals of type i32 that count within small bounds around this place. */
  readonly counters: number[] = [];
  /** Types of parameters and locals. */
  locals: string;
  /** Locals below this may be written by anything. */
  common = 0;
  readonly #free = new Map<string, number[]>();
  readonly #scratch = new Map<string, number>();

  constructor(r: Random, tree: ModuleTree, func: FuncTree, callees: readonly FuncTree[], all: string) {
    this.r = r;
    this.tree = tree;
    this.func = func;
    this.callees = callees;
    this.all = all;
    this.locals = func.params;
    const count = r.chance(0.1) ? r.between(8, 24) : r.between(1, 6);
    for (let i = 0; i < count; i++) this.locals += this.localType();
    this.common = this.locals.length;
  }

  /** Of a local: what has a value from the start. */
  localType(): string {
    if (this.tree.tags.length > 0 && this.r.chance(0.1)) return "e";
    return this.r.chance(0.95) ? this.anyType() : this.referenceType();
  }

  /** A reference that may be null. */
  referenceType(): string {
    return this.r.pick([
      ...(this.tree.tags.length > 0 ? ["r", "x", "e"] : ["r", "x"]),
      ...this.tree.types.map((_, i) => referenceTo(i, true)),
    ]);
  }

  anyType(): string {
    return this.all[this.r.below(this.all.length)] ?? "i";
  }

  node(name: string, results: Types, kids: Expr[], ...immediates: Immediate[]): Expr {
    return { code: codeOf(name), results, kids, immediates };
  }

  index(value: number): Immediate {
    return { kind: "u32", value };
  }

  i32(value: number): Expr {
    return constant(this.r, "i", BigInt(value));
  }

  i64(value: bigint): Expr {
    return constant(this.r, "l", value);
  }

  get(local: number): Expr {
    return this.node("local.get", this.locals[local] ?? "i", [], this.index(local));
  }

  set(local: number, value: Expr): Expr {
    return this.node("local.set", value.results.slice(0, -1), [value], this.index(local));
  }

  setFuel(value: Expr): Expr {
    return this.node("global.set", "", [value], this.index(FUEL));
  }

  /** A function that a reference of this type may be to. */
  functionOf(letter: string): FuncTree | undefined {
    const declared = declaredOf(letter);
    const all = this.tree.functions.filter(
      (f) => declared === undefined || isSubtype(this.tree, f.declared, declared.index),
    );
    return all.length === 0 ? undefined : this.r.pick(all);
  }

  refFunc(type: string, func: FuncTree): Expr {
    return this.node("ref.func", type, [], { kind: "func", func });
  }

  /** A constant of any type; of references that are not null one to some function. */
  constant(type: string): Expr {
    if (!isNonNull(type)) return constant(this.r, type);
    const func = this.functionOf(type);
    if (func === undefined) throw new RangeError(`no function of type ${type}`);
    return this.refFunc(type, func);
  }

  #zero(type: string): Expr {
    return isReferenceType(type) ? this.constant(type) : constant(this.r, type, 0n);
  }

  /** One or two bodies, which may branch to the label. */
  ifElse(condition: Expr, bodies: Expr[][], label: Label = { types: "" }): Expr {
    return { ...this.node("if", "", [condition], EMPTY_BLOCK), bodies, label };
  }

  /** Returns when there is no fuel left. */
  spend(amount: number): Expr[] {
    const fuel = (): Expr => this.node("global.get", "i", [], this.index(FUEL));
    const giveUp = this.node(
      "return",
      "",
      Array.from(this.func.results, (t) => this.#zero(t)),
    );
    const cond = this.node("i32.le_s", "i", [fuel(), this.i32(0)]);
    return [this.ifElse(cond, [[giveUp]]), this.setFuel(this.node("i32.sub", "i", [fuel(), this.i32(amount)]))];
  }

  /** A local that only its owner writes, until it is given back. */
  take(type: string): number {
    const free = this.#free.get(type)?.pop();
    if (free !== undefined) return free;
    this.locals += type;
    return this.locals.length - 1;
  }

  giveBack(local: number): void {
    const type = this.locals[local] ?? "i";
    const list = this.#free.get(type) ?? [];
    list.push(local);
    this.#free.set(type, list);
  }

  shuffled<T>(items: readonly T[]): T[] {
    const out = [...items];
    for (let i = out.length - 1; i > 0; i--) {
      const [item] = out.splice(this.r.below(i + 1), 1);
      if (item !== undefined) out.push(item);
    }
    return out;
  }

  localOf(type: string): number | undefined {
    if (this.common === 0) return undefined;
    const from = this.r.below(this.common);
    for (let i = 0; i < this.common; i++) {
      const local = (from + i) % this.common;
      if (this.locals[local] === type) return local;
    }
    return undefined;
  }

  globalOf(type: string, mutable: boolean): number | undefined {
    const found = this.tree.globals.flatMap((g, i) =>
      i !== FUEL && g.type === type && (g.mutable || !mutable) ? [i] : [],
    );
    return found.length === 0 ? undefined : this.r.pick(found);
  }

  /** Uses a value twice: `tee` is the first time, in evaluation order. */
  twice(value: Expr, use: (tee: Expr, get: () => Expr) => Expr): Expr {
    const type = value.results;
    let local = this.#scratch.get(type);
    if (local === undefined) {
      this.locals += type;
      local = this.locals.length - 1;
      this.#scratch.set(type, local);
    }
    const at = local;
    return use(this.node("local.tee", type, [value], this.index(at)), () => this.get(at));
  }

  /** A value as both operands of an operator. */
  both(value: Expr): Expr[] {
    let again: Expr | undefined;
    const first = this.twice(value, (tee, get) => {
      again = get();
      return tee;
    });
    return again === undefined ? [first] : [first, again];
  }

  /** The last result of an expression goes to a local, or nowhere. */
  store(expr: Expr): Expr {
    const local = this.r.chance(0.6) ? this.localOf(expr.results.at(-1) ?? "i") : undefined;
    return local === undefined ? this.node("drop", expr.results.slice(0, -1), [expr]) : this.set(local, expr);
  }

  /** A statement of an expression. */
  dropAll(expr: Expr): Expr[] {
    let out = expr;
    while (out.results !== "") out = this.store(out);
    return [out];
  }

  /** The value with the bits of a NaN made canonical, unless they are certain. */
  canonical(value: Expr): Expr {
    const type = value.results;
    if (type !== "f" && type !== "d") return value;
    const name = type === "f" ? "f32" : "f64";
    const certain = [
      codeOf(`${name}.load`),
      codeOf(`${name}.const`),
      codeOf(type === "f" ? "f32.reinterpret_i32" : "f64.reinterpret_i64"),
    ];
    if (certain.includes(value.code)) return value;
    return this.twice(value, (tee, get) => {
      const same = this.node(`${name}.eq`, "i", [get(), get()]);
      return this.node("select", type, [tee, constant(this.r, type, NAN[type] ?? 0n), same]);
    });
  }

  canonicalLanes(value: Expr, bits: 32 | 64): Expr {
    const lane = NAN[bits === 32 ? "f" : "d"] ?? 0n;
    let nan = 0n;
    for (let at = 0; at < 128; at += bits) nan |= lane << BigInt(at);
    return this.twice(value, (tee, get) => {
      const same = this.node(bits === 32 ? "f32x4.eq" : "f64x2.eq", "v", [get(), get()]);
      return this.node("v128.bitselect", "v", [tee, constant(this.r, "v", nan), same]);
    });
  }
}
