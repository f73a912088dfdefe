/**
 * Random worlds, from a seed: interfaces and functions of the world itself, types of every kind with names that meet each other and reserved words,
 * resources of the host and of the component. Each function is there twice, as an import and as an export: the component passes on what it gets
 * and gives back what it gets back, so that a host sees every value at both ends.
 */

import {
  elemSize,
  type Encoding,
  flattenTypes,
  type PtrType,
  type Resource,
  type Type,
} from "../../tests/abi-model/model.ts";
import { ENCODINGS, Random, randomType } from "../../tests/abi-model/random.ts";

export interface Parameter {
  readonly name: string;
  readonly type: Type;
}

/** Functions and types with a name in front of theirs, or (undefined) of the world itself. */
export interface Scope {
  readonly name: string | undefined;
}

export interface WorldResource {
  readonly resource: Resource;
  readonly name: string;
  /** A position in `World.imports` if the host implements it, else in `World.exports`. */
  readonly scope: number;
  readonly destructor: boolean;
}

export interface WorldFunction {
  /** Its own, so that its values stay the same when other functions are gone. */
  readonly seed: number;
  readonly importScope: number;
  readonly importName: string;
  readonly exportScope: number;
  readonly exportName: string;
  readonly params: readonly Parameter[];
  readonly result: Type | undefined;
  /** The result is this parameter, as the host function got it; undefined: a value of its own. */
  readonly echo: number | undefined;
  readonly encoding: Encoding;
  readonly postReturn: boolean;
}

export interface World {
  readonly seed: number;
  readonly ptr: PtrType;
  readonly imports: readonly Scope[];
  readonly exports: readonly Scope[];
  readonly hostResources: readonly WorldResource[];
  readonly guestResources: readonly WorldResource[];
  readonly functions: readonly WorldFunction[];
  /** Of records, variants, enums and flags. */
  readonly labels: ReadonlyMap<Type, readonly string[]>;
  /** All of those and some others: how a type would like to be called. */
  readonly typeNames: ReadonlyMap<Type, string>;
}

/** The method of a guest's resource that says which it is; its parameter is `self`. */
export const REP_METHOD = "windlass-rep";

/** Words that C or C++ keep, names of the header's own, and what could meet them when a prefix or an interface is put in front. */
const TRICKY = (
  "int class new delete default t string list-u8 option-u8 result tuple2-u8-u8 memory user fail imports exports self data call out instance x-1 a-b " +
  "HTTP A-1 char bool size-t std windlass len ptr tag val is-some is-err f0 f-0 items handle void register static union struct operator this " +
  "template and or not interrupt last-trap imports-t string-t string-drop drop list-string map-u8-u8 own borrow key value entry ok err bool-t " +
  "errno main signed long uint8-t int-t null true false NULL EOF assert linux unix i386 enum flags post-return asm typeof get set " +
  "windlass-call-t move swap begin end size name type"
).split(" ");

const MAX_SIZE = 2048;
const MAX_NODES = 120;

function countNodes(t: Type): number {
  const all = (list: readonly (Type | undefined)[]): number =>
    list.reduce((sum, x) => sum + (x === undefined ? 0 : countNodes(x)), 1);
  switch (t.k) {
    case "list":
      return 1 + (t.length ?? 1) * countNodes(t.of);
    case "option":
      return all([t.of]);
    case "map":
      return all([t.key, t.value]);
    case "record":
    case "tuple":
      return all(t.fields);
    case "variant":
      return all(t.cases);
    case "result":
      return all([t.ok, t.err]);
    default:
      return 1;
  }
}

/** Whether a type holds a handle of that kind. */
export function holds(t: Type | undefined, is: (t: Type & { readonly resource: Resource }) => boolean): boolean {
  if (t === undefined) return false;
  switch (t.k) {
    case "own":
    case "borrow":
      return is(t);
    case "list":
    case "option":
      return holds(t.of, is);
    case "map":
      return holds(t.key, is) || holds(t.value, is);
    case "record":
    case "tuple":
      return t.fields.some((f) => holds(f, is));
    case "variant":
      return t.cases.some((c) => holds(c, is));
    case "result":
      return holds(t.ok, is) || holds(t.err, is);
    default:
      return false;
  }
}

/** Distinct labels: names of one scope may not differ in case only, nor in whether a function of a resource is static. */
export class Labels {
  readonly #used = new Set<string>();

  /** Whether nobody had it; then it is taken. */
  #take(name: string): boolean {
    const key = name.toLowerCase().replace(/^\[static\]/, "[method]");
    if (this.#used.has(key)) return false;
    this.#used.add(key);
    return true;
  }

  /** `wanted`, or `wanted` with a number. */
  free(wanted: string): string {
    let name = wanted;
    for (let n = 2; !this.#take(name); n++) name = `${wanted}-${n}`;
    return name;
  }
}

export function randomLabel(r: Random): string {
  if (r.chance(40)) return r.pick(TRICKY);
  const word = (): string => {
    const letters = r.pick(["abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJ"]);
    return Array.from({ length: 1 + r.below(5) }, () => letters.charAt(r.below(letters.length))).join("");
  };
  return Array.from({ length: 1 + r.below(3) }, word).join("-");
}

class Maker {
  readonly #r: Random;
  readonly #labels = new Map<Type, readonly string[]>();
  readonly #typeNames = new Map<Type, string>();
  /** Types without handles, to be used again. */
  readonly #pool: Type[] = [];

  constructor(seed: number) {
    this.#r = new Random(seed);
  }

  #scopes(): Scope[] {
    const r = this.#r;
    const names = new Set<string>();
    const count = 1 + r.below(3);
    for (let i = 0; i < count; i++) {
      const label = (): string => randomLabel(r).toLowerCase();
      const version = r.pick(["", "", "@1.0.0", "@0.2.1", "@1.2.3-rc.1+b.7", "@10.20.30"]);
      // Interfaces that differ in package or version alone are told apart by it.
      const last = names.size > 0 && r.chance(30) ? [...names][0]?.replace(/^.*\/|@.*$/g, "") : randomLabel(r);
      names.add(`${r.pick(["acme", "test", label()])}:${r.pick(["things", label()])}/${last}${version}`);
    }
    const scopes: Scope[] = [...names].map((name) => ({ name }));
    if (r.chance(60)) scopes.push({ name: undefined });
    return scopes;
  }

  #named(t: Type): void {
    const r = this.#r;
    const isOwn = t.k === "record" || t.k === "variant" || t.k === "enum" || t.k === "flags";
    const count = (): number => {
      if (t.k === "record") return t.fields.length;
      if (t.k === "variant") return t.cases.length;
      return t.k === "enum" || t.k === "flags" ? t.count : 0;
    };
    if (isOwn) {
      const labels = new Labels();
      this.#labels.set(
        t,
        Array.from({ length: count() }, () => labels.free(randomLabel(r))),
      );
    }
    const isComposite =
      !["own", "borrow"].includes(t.k) && ("of" in t || "fields" in t || t.k === "map" || t.k === "result");
    if (isOwn || (isComposite && r.chance(25))) this.#typeNames.set(t, randomLabel(r));
  }

  #name(t: Type): void {
    const all = (list: readonly (Type | undefined)[]): void => {
      for (const x of list) if (x !== undefined) this.#name(x);
    };
    if (this.#typeNames.has(t) || this.#labels.has(t)) return;
    switch (t.k) {
      case "list":
      case "option":
        all([t.of]);
        break;
      case "map":
        all([t.key, t.value]);
        break;
      case "record":
      case "tuple":
        all(t.fields);
        break;
      case "variant":
        all(t.cases);
        break;
      case "result":
        all([t.ok, t.err]);
        break;
      default:
        break;
    }
    this.#named(t);
  }

  #type(leaf: () => Type | undefined): Type {
    const r = this.#r;
    if (this.#pool.length > 0 && r.chance(20)) return r.pick(this.#pool);
    for (;;) {
      const t = randomType(r, 1 + r.below(4), leaf);
      if (elemSize(t, "i64") > MAX_SIZE || countNodes(t) > MAX_NODES) continue;
      this.#name(t);
      if (!holds(t, () => true)) this.#pool.push(t);
      return t;
    }
  }

  /** Where a guest finds handles that it has to drop: not in what is only there sometimes. */
  #lent(resource: Resource): Type {
    const r = this.#r;
    const borrow: Type = { k: "borrow", resource };
    const part = (): Type => (r.chance(50) ? borrow : { k: r.pick(["u8", "string", "f64"] as const) });
    const group = (): Type => ({ k: "tuple", fields: [part(), borrow, part()] });
    const element = (): Type => (r.chance(50) ? borrow : group());
    const t = r.pick([
      () => borrow,
      () => borrow,
      group,
      (): Type => ({ k: "list", of: element(), length: r.chance(50) ? undefined : 2 }),
    ])();
    this.#name(t);
    return t;
  }

  world(seed: number): World {
    const r = this.#r;
    const imports = this.#scopes();
    // An interface may be imported and exported.
    const exports = r.chance(20) ? [...imports] : this.#scopes();
    const [importLabels, exportLabels] = [imports.map(() => new Labels()), exports.map(() => new Labels())];
    const ptr = r.chance(20) ? "i64" : "i32";
    const resources = (scopes: readonly Scope[], labels: readonly Labels[], count: number): WorldResource[] =>
      Array.from({ length: count }, () => {
        const scope = r.below(scopes.length);
        const name = labels[scope]?.free(randomLabel(r)) ?? "";
        return { resource: { name, impl: undefined }, name, scope, destructor: r.chance(50) };
      });
    const hostResources = resources(imports, importLabels, r.below(3));
    const guestResources = resources(exports, exportLabels, r.below(3));
    const count = 1 + r.below(6);
    const functions = Array.from({ length: count }, (_, i): WorldFunction => {
      const importScope = r.below(imports.length);
      const exportScope = r.below(exports.length);
      const own = guestResources.filter((g) => g.scope === exportScope);
      // An interface that is there before knows no resource of a later one.
      const others = hostResources.filter((h) => h.scope <= importScope);
      const owned = [...own, ...others].map(({ resource }): Type => ({ k: "own", resource }));
      const anywhere: Type[] = [...owned, ...own.map(({ resource }): Type => ({ k: "borrow", resource }))];
      const leaf = (): Type | undefined => (anywhere.length > 0 && r.chance(25) ? r.pick(anywhere) : undefined);
      const labels = new Labels();
      const params: Parameter[] = [];
      const total = r.below(r.chance(15) ? 24 : 5);
      let [importName, exportName] = [randomLabel(r), randomLabel(r)];
      const withMethods = [...own, ...others.filter((h) => h.scope === importScope)];
      const methodOf = withMethods.length > 0 && r.chance(30) ? r.pick(withMethods) : undefined;
      if (methodOf !== undefined) {
        params.push({ name: labels.free("self"), type: { k: "borrow", resource: methodOf.resource } });
      }
      for (let k = 0; k < total; k++) {
        const lent = others.length > 0 && r.chance(20) ? this.#lent(r.pick(others).resource) : undefined;
        params.push({ name: labels.free(randomLabel(r)), type: lent ?? this.#type(leaf) });
      }
      const ownsGuests = (t: Type): boolean =>
        holds(t, (h) => h.k === "own" && own.some((g) => g.resource === h.resource));
      const lends = (t: Type): boolean => holds(t, (h) => h.k === "borrow");
      const giveable = params.map((_p, k) => k).filter((k) => !lends(params[k]?.type ?? { k: "u8" }));
      const echo = giveable.length > 0 && r.chance(50) ? r.pick(giveable) : undefined;
      const fresh = (): Type => {
        for (;;) {
          const t = this.#type(leaf);
          if (!lends(t) && !ownsGuests(t)) return t;
        }
      };
      const result = echo !== undefined ? params[echo]?.type : r.chance(80) ? fresh() : undefined;
      // Nothing of a resource is called as the resource itself.
      const memberOf = (resource: WorldResource, label: string): string =>
        `${resource.name}.${label.toLowerCase() === resource.name.toLowerCase() ? `${label}-member` : label}`;
      if (methodOf !== undefined) {
        if (own.includes(methodOf)) exportName = `[method]${memberOf(methodOf, exportName)}`;
        else importName = `[method]${memberOf(methodOf, importName)}`;
      } else if (own.length > 0 && r.chance(10)) exportName = `[static]${memberOf(r.pick(own), exportName)}`;
      return {
        seed: seed * 64 + i,
        importScope,
        importName: importLabels[importScope]?.free(importName) ?? "",
        exportScope,
        exportName: exportLabels[exportScope]?.free(exportName) ?? "",
        params,
        result,
        echo,
        encoding: r.pick(ENCODINGS),
        postReturn: r.chance(60),
      };
    });
    const typeNames = this.#typeNames;
    return { seed, ptr, imports, exports, hostResources, guestResources, functions, labels: this.#labels, typeNames };
  }
}

/** Deterministic. */
export function randomWorld(seed: number): World {
  return new Maker(seed).world(seed);
}

/** Whether the parameters are passed in memory. */
export function isSpilled(world: World, f: WorldFunction): boolean {
  return (
    flattenTypes(
      f.params.map((p) => p.type),
      world.ptr,
    ).length > 16
  );
}
