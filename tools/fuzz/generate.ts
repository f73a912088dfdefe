/**
 * Random valid modules. Every run of one ends: what goes back to a loop and what calls spends fuel, a global that each entry fills; loops
 * that count have a local of their own. Bits of a NaN that the standard leaves open are made canonical before they can be seen.
 */

import type { Random } from "./random.ts";
import { codeOf } from "./operators.ts";
import { constant, FunctionGenerator } from "./function.ts";
import type { ElementTree, FuncTree, GlobalTree, MemoryTree, ModuleTree, TableTree, Types } from "./tree.ts";

/** A call of an export, with the bits of its arguments. */
export interface Call {
  readonly export: string;
  readonly args: readonly bigint[];
}

export interface Generated {
  readonly tree: ModuleTree;
  readonly calls: readonly Call[];
}

/** Global 0. */
export const FUEL = 0;

const SCALARS = "iiiillfd";

function types(r: Random, from: string, most: number): Types {
  let out = "";
  const count = r.chance(0.1) ? r.below(most * 2 + 1) : r.below(most + 1);
  for (let i = 0; i < count; i++) out += from[r.below(from.length)] ?? "i";
  return out;
}

function bits(r: Random, type: string): bigint {
  const width = type === "i" || type === "f" ? 32 : 64;
  const expr = constant(r, type);
  if (type === "f" || type === "d") {
    // Read back from the immediate; NaNs lose their payload on the way into the other engine.
    const [immediate] = expr.immediates;
    const bytes = immediate?.kind === "bytes" ? immediate.bytes : [];
    return bytes.reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
  }
  if (r.chance(0.5)) return BigInt.asUintN(width, BigInt(r.between(-3, 20)));
  return BigInt.asUintN(width, r.u64());
}

function memories(r: Random): MemoryTree[] {
  if (r.chance(0.06)) return [];
  const min = r.chance(0.1) ? 0 : r.between(1, 2);
  return [{ min, max: r.chance(0.15) ? undefined : min + r.below(3) }];
}

function tables(r: Random): TableTree[] {
  return Array.from({ length: r.chance(0.15) ? 0 : r.between(1, 2) }, () => {
    const min = r.below(12);
    return { min, max: r.chance(0.1) ? undefined : min + r.below(6) };
  });
}

function elements(r: Random, tree: ModuleTree): ElementTree[] {
  const out: ElementTree[] = [];
  tree.tables.forEach((table, index) => {
    for (let i = r.below(3); i > 0; i--) {
      const count = r.below(Math.max(1, table.min + 1));
      const offset = r.below(table.min - count + 1);
      // Rarely it does not fit, and the module can't be instantiated.
      const shift = r.chance(0.01) ? 3 : 0;
      out.push({ mode: "active", table: index, offset: offset + shift, items: items(r, tree, count) });
    }
    if (r.chance(0.4)) out.push({ mode: "passive", table: 0, offset: 0, items: items(r, tree, r.below(8)) });
  });
  out.push({ mode: "declarative", table: 0, offset: 0, items: [...tree.functions] });
  return out;
}

function items(r: Random, tree: ModuleTree, count: number): (FuncTree | undefined)[] {
  return Array.from({ length: count }, () => (r.chance(0.08) ? undefined : r.pick(tree.functions)));
}

/** A module and what to call of it. */
export function generateModule(r: Random): Generated {
  const tree: ModuleTree = {
    functions: [],
    exports: [],
    globals: [],
    memories: memories(r),
    tables: tables(r),
    elements: [],
    data: [],
    start: undefined,
  };
  const vectors = r.chance(0.6);
  const all = `${SCALARS}${vectors ? "vvv" : ""}`;
  tree.globals.push({ type: "i", mutable: true, init: constant(r, "i", 0n), export: "fuel" });
  for (let i = r.below(6); i > 0; i--) {
    const type = r.chance(0.05) ? "r" : (all[r.below(all.length)] ?? "i");
    const at = tree.globals.length;
    const global: GlobalTree = {
      type,
      mutable: r.chance(0.8),
      init: constant(r, type),
      export: type === "v" || type === "r" ? undefined : `g${at}`,
    };
    tree.globals.push(global);
  }
  const inner = r.between(1, 5);
  for (let i = 0; i < inner; i++) {
    // Some have the type of another.
    const like = i > 0 && r.chance(0.35) ? r.pick(tree.functions) : undefined;
    const params = like?.params ?? types(r, r.chance(0.05) ? `${all}r` : all, 5);
    const results = like?.results ?? types(r, all, r.chance(0.2) ? 4 : 1);
    tree.functions.push({ params, results, locals: "", body: [] });
  }
  tree.elements = elements(r, tree);
  for (let i = r.below(3); i > 0 && tree.memories.length > 0; i--) {
    const bytes = Array.from({ length: r.below(40) }, () => r.below(256));
    const fits = (tree.memories[0]?.min ?? 0) > 0 && !r.chance(0.01);
    tree.data.push({ offset: r.chance(0.5) ? undefined : fits ? r.below(300) : 65536 * 3 - 8, bytes });
  }
  const entries: FuncTree[] = Array.from({ length: r.between(1, 3) }, () => ({
    params: types(r, SCALARS, 4),
    results: types(r, SCALARS, r.chance(0.3) ? 5 : 1),
    locals: "",
    body: [],
  }));
  const internal = [...tree.functions];
  for (const func of internal) new FunctionGenerator(r, tree, func, internal, all).fill({ fuel: undefined });
  entries.forEach((func, i) => {
    new FunctionGenerator(r, tree, func, internal, all).fill({ fuel: r.pick([20, 100, 300]) });
    tree.functions.push(func);
    tree.exports.push({ name: `f${i}`, func });
  });
  addVectorReaders(tree);
  if (r.chance(0.04)) {
    const start: FuncTree = { params: "", results: "", locals: "", body: [] };
    new FunctionGenerator(r, tree, start, internal, all).fill({ fuel: 20 });
    tree.functions.push(start);
    tree.start = start;
  }
  const calls: Call[] = [];
  for (let round = r.between(1, 3); round > 0; round--) {
    entries.forEach((func, i) => {
      calls.push({ export: `f${i}`, args: Array.from(func.params, (t) => bits(r, t)) });
    });
  }
  for (const { name, func } of tree.exports)
    if (name.startsWith("v") && func.params === "") calls.push({ export: name, args: [] });
  return { tree, calls };
}

/** Vectors can't be seen from outside: a function gives the halves of a global. */
function addVectorReaders(tree: ModuleTree): void {
  tree.globals.forEach(({ type }, i) => {
    if (type !== "v") return;
    const half = (lane: number) => ({
      code: codeOf("i64x2.extract_lane"),
      results: "l",
      kids: [{ code: codeOf("global.get"), results: "v", kids: [], immediates: [{ kind: "u32" as const, value: i }] }],
      immediates: [{ kind: "bytes" as const, bytes: [lane] }],
    });
    const func: FuncTree = { params: "", results: "ll", locals: "", body: [half(0), half(1)] };
    tree.functions.push(func);
    tree.exports.push({ name: `v${i}`, func });
  });
}
