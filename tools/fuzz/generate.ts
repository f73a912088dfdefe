/**
 * Random valid modules. Every run of one ends: what goes back to a loop and what calls spends fuel, a global that each entry fills; loops
 * that count have a local of their own. Bits of a NaN that the standard leaves open are made canonical before they can be seen.
 */

import { BodyGenerator } from "./body.ts";
import { SEEDED } from "./access.ts";
import { constant, interestingInteger } from "./constants.ts";
import type { Features } from "./features.ts";
import { isSubtype } from "./frame.ts";
import { codeOf, type Operator, OPERATORS } from "./operators.ts";
import type { Random } from "./random.ts";
import {
  type DeclaredType,
  type ElementTree,
  type Expr,
  type FuncTree,
  type GlobalTree,
  isReferenceType,
  type MemoryTree,
  type ModuleTree,
  referenceTo,
  type TableTree,
  type Types,
  integerName,
} from "./tree.ts";

/** A call of an export, with the bits of its arguments. */
export interface Call {
  readonly export: string;
  readonly args: readonly bigint[];
}

export interface Generated {
  readonly tree: ModuleTree;
  readonly calls: readonly Call[];
}

const SCALARS = "iiiillfd";

function types(r: Random, from: string, most: number): Types {
  let out = "";
  const count = r.chance(0.1) ? r.below(most * 2 + 1) : r.below(most + 1);
  for (let i = 0; i < count; i++) out += from[r.below(from.length)] ?? "i";
  return out;
}

/** The bytes of a constant of fixed length. */
function bytesOf({ immediates: [immediate] }: Expr): readonly number[] {
  return immediate?.kind === "bytes" ? immediate.bytes : [];
}

function bits(r: Random, type: string): bigint {
  const width = type === "i" || type === "f" ? 32 : 64;
  const expr = constant(r, type);
  if (type === "f" || type === "d") {
    // NaNs lose their payload on the way into the other engine.
    return bytesOf(expr).reduceRight((all, byte) => (all << 8n) | BigInt(byte), 0n);
  }
  return BigInt.asUintN(width, r.chance(0.6) ? interestingInteger(r) : r.u64());
}

function memories(r: Random, { severalMemories, memory64 }: Features): MemoryTree[] {
  if (r.chance(0.06)) return [];
  return Array.from({ length: r.chance(0.75) || !severalMemories ? 1 : r.between(2, 3) }, () => {
    const min = r.chance(0.05) ? 0 : r.between(1, 2);
    return { min, max: r.chance(0.15) ? undefined : min + r.below(3), is64: r.chance(0.2) && memory64 };
  });
}

/** Function types with names, so that references to them have types. */
function declaredTypes(r: Random, all: string, { typedReferences }: Features): DeclaredType[] {
  const out: DeclaredType[] = [];
  if (!typedReferences) return out;
  for (let i = r.chance(0.5) ? 0 : r.between(1, 3); i > 0; i--) {
    const above = out.flatMap((t, at) => (t.final ? [] : [at]));
    const supertype = above.length > 0 && r.chance(0.5) ? r.pick(above) : undefined;
    const like = supertype === undefined ? undefined : out[supertype];
    const before = out.length > 0 && r.chance(0.3) ? referenceTo(r.below(out.length), r.chance(0.6)) : "";
    out.push({
      params: like?.params ?? types(r, all, 4) + before,
      results: like?.results ?? types(r, all, r.chance(0.2) ? 3 : 1),
      supertype,
      final: r.chance(0.4),
    });
  }
  return out;
}

/** What exceptions carry. */
function tagTypes(r: Random, all: string, { exceptions }: Features): Types[] {
  if (!exceptions || r.chance(0.5)) return [];
  return Array.from({ length: r.between(1, 3) }, () => types(r, r.chance(0.3) ? `${all}rxee` : all, 4));
}

function tables(r: Random, declared: number, { table64 }: Features): TableTree[] {
  return Array.from({ length: r.chance(0.15) ? 0 : r.between(1, 3) }, () => {
    const min = r.below(12);
    const type = r.chance(0.7) ? "r" : r.chance(0.3) ? "x" : declared > 0 ? referenceTo(r.below(declared), true) : "r";
    return {
      min,
      max: r.chance(0.1) ? undefined : min + r.below(6),
      is64: r.chance(0.15) && table64,
      type,
      init: undefined,
    };
  });
}

function refFunc(type: string, func: FuncTree): Expr {
  return { code: codeOf("ref.func"), results: type, kids: [], immediates: [{ kind: "func", func }] };
}

/** Rarely a table begins with references that are not null. */
function fullTable(r: Random, tree: ModuleTree, { typedReferences, table64 }: Features): TableTree | undefined {
  if (!r.chance(0.15) || !typedReferences) return undefined;
  const func = r.pick(tree.functions);
  const type = func.declared === undefined ? "R" : referenceTo(func.declared, false);
  return { min: r.below(6), max: undefined, is64: r.chance(0.2) && table64, type, init: refFunc(type, func) };
}

/** An address or index as a constant expression. */
function offsetExpr(r: Random, is64: boolean, value: number, { extendedConstants }: Features): Expr {
  const type = is64 ? "l" : "i";
  const number = (n: number): Expr => constant(r, type, BigInt(n));
  if (r.chance(0.8) || !extendedConstants) return number(value);
  const part = r.below(50);
  const code = codeOf(is64 ? "i64.sub" : "i32.sub");
  return { code, results: type, kids: [number(value + part), number(part)], immediates: [] };
}

/** A constant expression for a global. */
function initial(r: Random, tree: ModuleTree, type: string, features: Features): Expr {
  if (type === "r" && r.chance(0.5)) return refFunc(type, r.pick(tree.functions));
  if (isReferenceType(type)) {
    const fitting = tree.functions.filter((f) => f.declared !== undefined && referenceTo(f.declared, true) === type);
    return fitting.length > 0 && r.chance(0.6) ? refFunc(type, r.pick(fitting)) : constant(r, type);
  }
  const before = tree.globals.flatMap((g, i) => (!g.mutable && g.type === type ? [i] : []));
  // Constant expressions may refer to globals of the module itself since there are extended ones of all kinds.
  if (before.length > 0 && features.typedReferences && r.chance(0.4)) {
    const immediates = [{ kind: "u32" as const, value: r.pick(before) }];
    return { code: codeOf("global.get"), results: type, kids: [], immediates };
  }
  if ((type === "i" || type === "l") && features.extendedConstants && r.chance(0.3)) {
    const name = `${integerName(type)}.${r.pick(["add", "sub", "mul"])}`;
    const kids = [initial(r, tree, type, features), initial(r, tree, type, features)];
    return { code: codeOf(name), results: type, kids, immediates: [] };
  }
  return constant(r, type);
}

function elements(r: Random, tree: ModuleTree, features: Features): ElementTree[] {
  const out: ElementTree[] = [];
  const fitting = (type: string): readonly FuncTree[] =>
    tree.functions.filter(
      (f) => type === "r" || tree.types.some((_, i) => referenceTo(i, true) === type && isSubtype(tree, f.declared, i)),
    );
  const items = (type: string, count: number): (FuncTree | undefined)[] => {
    let from = fitting(type);
    // Most of the time an index that is not known leads to a function of the type that is called.
    if (from.length > 0 && r.chance(0.7)) {
      const { params, results, declared } = r.pick(from);
      from = from.filter((f) => f.params === params && f.results === results && f.declared === declared);
    }
    return Array.from({ length: count }, () => (from.length === 0 || r.chance(0.08) ? undefined : r.pick(from)));
  };
  tree.tables.forEach((table, index) => {
    const { min, is64, type } = table;
    if (table.init !== undefined) return;
    for (let i = r.below(3); i > 0; i--) {
      const count = r.below(Math.max(1, min + 1));
      // Rarely it does not fit, and the module can't be instantiated.
      const at = r.below(min - count + 1) + (r.chance(0.005) ? 13 : 0);
      out.push({
        mode: "active",
        table: index,
        offset: offsetExpr(r, is64, at, features),
        type,
        items: items(type, count),
      });
    }
    const offset = constant(r, "i", 0n);
    if (r.chance(0.6)) out.push({ mode: "passive", table: 0, offset, type, items: items(type, r.below(8)) });
  });
  const offset = constant(r, "i", 0n);
  out.push({ mode: "declarative", table: 0, offset, type: "r", items: [...tree.functions] });
  return out;
}

function dataSegments(r: Random, tree: ModuleTree, features: Features): void {
  // Most addresses are small: what is there should not be 0.
  tree.memories.forEach(({ min, is64 }, memory) => {
    if (min === 0 || r.chance(0.05)) return;
    const bytes = Array.from({ length: SEEDED }, () => bytesOf(constant(r, "v"))).flat();
    tree.data.push({ offset: offsetExpr(r, is64, 0, features), memory, bytes });
  });
  for (let i = r.below(4); i > 0 && tree.memories.length > 0; i--) {
    const bytes = Array.from({ length: r.below(40) }, () => r.below(256));
    const at = r.below(tree.memories.length);
    const { min, is64 } = tree.memories[at] ?? { min: 0, is64: false };
    const fits = !r.chance(0.005);
    const offset =
      min === 0 || r.chance(0.5) ? undefined : offsetExpr(r, is64, fits ? r.below(300) : 65536 * 3 - 8, features);
    tree.data.push({ offset, memory: at, bytes });
  }
}

function globals(r: Random, tree: ModuleTree, all: string, features: Features): void {
  tree.globals.push({ type: "i", mutable: true, init: constant(r, "i", 0n), export: "fuel" });
  const references = [
    "r",
    "x",
    ...(tree.tags.length > 0 ? ["e", "e"] : []),
    ...tree.types.map((_, i) => referenceTo(i, true)),
  ];
  for (let i = r.below(6); i > 0; i--) {
    const type = r.chance(0.12) ? r.pick(references) : (all[r.below(all.length)] ?? "i");
    const at = tree.globals.length;
    const global: GlobalTree = {
      type,
      mutable: r.chance(0.7),
      init: initial(r, tree, type, features),
      export: "ilfd".includes(type) ? `g${at}` : undefined,
    };
    tree.globals.push(global);
  }
}

/** Functions without bodies: each declared type has one at least. */
function internalFunctions(r: Random, declared: readonly DeclaredType[], all: string): FuncTree[] {
  const out: FuncTree[] = declared.map(({ params, results }, i) => ({
    params,
    results,
    declared: i,
    locals: "",
    body: [],
  }));
  for (let i = r.between(1, 3); i > 0; i--) {
    // Some have the type of another.
    const like = out.length > 0 && r.chance(0.35) ? r.pick(out) : undefined;
    const params = like?.params ?? types(r, r.chance(0.05) ? `${all}rx${declared.length > 0 ? "R" : ""}` : all, 5);
    const results = like?.results ?? types(r, all, r.chance(0.2) ? 4 : 1);
    out.push({ params, results, declared: like?.declared, locals: "", body: [] });
  }
  return out;
}

/** Functions of a few operators, without bodies: what compilers put in the place of calls. */
function smallFunctions(r: Random, all: string): FuncTree[] {
  return Array.from({ length: r.below(3) }, () => ({
    params: types(r, all, 3),
    results: types(r, all, 1),
    declared: undefined,
    locals: "",
    body: [],
  }));
}

/** A few operators that a module has more of: what goes wrong goes wrong between two of a kind. */
function aboutOperators(r: Random): ReadonlyMap<Types, readonly Operator[]> {
  const out = new Map<Types, Operator[]>();
  for (let i = 0; i < 24; i++) {
    const operator = r.pick(OPERATORS);
    const list = out.get(operator.results) ?? [];
    list.push(operator);
    out.set(operator.results, list);
  }
  return out;
}

/** A module of these features, and what to call of it. */
export function generateModule(r: Random, features: Features): Generated {
  const all = `${SCALARS}${r.chance(0.6) ? "vvv" : ""}`;
  const about = aboutOperators(r);
  const declared = declaredTypes(r, all, features);
  const small = smallFunctions(r, all);
  const larger = internalFunctions(r, declared, all);
  const internal = [...larger, ...small];
  const tree: ModuleTree = {
    types: declared,
    tags: tagTypes(r, all, features),
    functions: [...internal],
    exports: [],
    globals: [],
    memories: memories(r, features),
    tables: tables(r, declared.length, features),
    elements: [],
    data: [],
    start: undefined,
  };
  if (tree.tags.length > 0 && r.chance(0.4)) {
    tree.tables.push({ min: r.between(1, 6), max: undefined, is64: false, type: "e", init: undefined });
  }
  const full = fullTable(r, tree, features);
  if (full !== undefined) tree.tables.push(full);
  globals(r, tree, all, features);
  tree.elements = elements(r, tree, features);
  dataSegments(r, tree, features);
  const entries: FuncTree[] = Array.from({ length: r.chance(0.6) ? 1 : 2 }, () => ({
    params: types(r, SCALARS, 4),
    results: types(r, SCALARS, r.chance(0.3) ? 5 : 1),
    declared: undefined,
    locals: "",
    body: [],
  }));
  for (const func of small) new BodyGenerator(r, features, tree, func, [], all, about).fillSmall();
  for (const func of larger) new BodyGenerator(r, features, tree, func, internal, all, about).fill({ fuel: undefined });
  entries.forEach((func, i) => {
    new BodyGenerator(r, features, tree, func, internal, all, about).fill({ fuel: r.pick([20, 60, 200]) });
    tree.functions.push(func);
    tree.exports.push({ name: `f${i}`, func });
  });
  if (r.chance(0.06)) {
    const start: FuncTree = { params: "", results: "", declared: undefined, locals: "", body: [] };
    new BodyGenerator(r, features, tree, start, internal, all, about).fill({ fuel: 20 });
    tree.functions.push(start);
    tree.start = start;
  }
  addReaders(tree);
  const calls: Call[] = [];
  for (let round = r.between(2, 6); round > 0; round--) {
    entries.forEach((func, i) => {
      calls.push({ export: `f${i}`, args: Array.from(func.params, (t) => bits(r, t)) });
    });
  }
  for (const { name } of tree.exports) if (name.startsWith("see")) calls.push({ export: name, args: [] });
  return { tree, calls };
}

/** A function that shows what an interface can't: halves of vectors, which references are null. */
function addReaders(tree: ModuleTree): void {
  const at = (name: string, results: Types, value: number, kids: Expr[] = []): Expr => {
    return { code: codeOf(name), results, kids, immediates: [{ kind: "u32", value }] };
  };
  const body: Expr[] = [];
  let results = "";
  const isNull = (reference: Expr): void => {
    body.push({ code: codeOf("ref.is_null"), results: "i", kids: [reference], immediates: [] });
    results += "i";
  };
  tree.globals.forEach(({ type }, i) => {
    if ("ilfd".includes(type)) return;
    if (type !== "v") {
      isNull(at("global.get", type, i));
      return;
    }
    for (const lane of [0, 1]) {
      const kids = [at("global.get", "v", i)];
      body.push({
        code: codeOf("i64x2.extract_lane"),
        results: "l",
        kids,
        immediates: [{ kind: "bytes", bytes: [lane] }],
      });
      results += "l";
    }
  });
  tree.tables.forEach(({ min, is64, type }, i) => {
    for (let k = 0; k < Math.min(min, 4); k++) {
      const index: Expr = {
        code: codeOf(is64 ? "i64.const" : "i32.const"),
        results: "i",
        kids: [],
        immediates: [{ kind: "bytes", bytes: [k] }],
      };
      isNull(at("table.get", type, i, [index]));
    }
    body.push(at("table.size", is64 ? "l" : "i", i));
    results += is64 ? "l" : "i";
  });
  if (results === "") return;
  const func: FuncTree = { params: "", results, declared: undefined, locals: "", body };
  tree.functions.push(func);
  tree.exports.push({ name: "see", func });
}
