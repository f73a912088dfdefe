/**
 * Which C types the interface of a component has, and their names (host ABI `typed`). Names follow wit-bindgen's where it has some: a type with a name
 * in WIT is `<prefix>_<interface>_<name>_t`, one without is named by its structure, `<prefix>_list_u8_t`, `<prefix>_tuple2_u32_string_t`.
 *
 * Types are structures here: two names for equal structures are one C type and a `typedef`. What comes first in the component names it.
 */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, ResourceIndex, TypeFunc } from "../component/types.ts";
import type { Component, ComponentExport, NamedType } from "../plan/component.ts";
import { CScope, cIdentifier, cNames, isReservedMember, snakeCase } from "./names.ts";

/** Longer names of structure are cut: a type may be exponentially larger than its definition. */
const MAX_STEM = 60;

/** What is declared of each type, and of a map besides. */
const TYPE: readonly string[] = ["_t"];
const MAP_ENTRY = "_entry_t";

export interface CType {
  readonly type: InterfaceType;
  /** `<prefix>_<name>_t`, without both. */
  readonly name: string;
  /** Other names of the same type: whole. */
  readonly aliases: readonly string[];
  /** Of its cases or flags, in their order: whole names of macros. */
  readonly constants: readonly string[];
}

export interface CResource {
  readonly resource: ResourceIndex;
  readonly name: string;
  readonly aliases: readonly string[];
}

/** Types that a value of this type holds, in order. */
export function partsOf(types: ComponentTypes, t: InterfaceType): readonly InterfaceType[] {
  const all = (list: readonly (InterfaceType | undefined)[]) => list.flatMap((x) => (x === undefined ? [] : [x]));
  switch (t.kind) {
    case "record":
      return types.records.table.get(t.type).fields.map((f) => f.type);
    case "variant":
      return all(types.variants.table.get(t.type).cases.map((c) => c.type));
    case "list":
      return [types.lists.table.get(t.type).element];
    case "fixed-list":
      return [types.fixedLists.table.get(t.type).element];
    case "map": {
      const { key, value } = types.maps.table.get(t.type);
      return [key, value];
    }
    case "tuple":
      return types.tuples.table.get(t.type).types;
    case "option":
      return [types.options.table.get(t.type).type];
    case "result": {
      const { ok, err } = types.results.table.get(t.type);
      return all([ok, err]);
    }
    default:
      return [];
  }
}

function keyOf(t: InterfaceType): string {
  if ("resource" in t) return `resource:${t.resource}`;
  return "type" in t ? `${t.kind}:${t.type}` : t.kind;
}

/** Whether a name makes a type of this kind, rather than stand for it. */
function hasOwnName(kind: string): boolean {
  return ["record", "variant", "enum", "flags"].includes(kind);
}

interface TypeName {
  readonly path: readonly string[];
  readonly type: Exclude<NamedType, undefined>;
}

function keyOfNamed(type: Exclude<NamedType, undefined>): string {
  return type.kind === "resource" ? `resource:${type.resource}` : keyOf(type);
}

/**
 * The component's names of types, imports first, each once. An interface may be imported and exported: where a name then means two things, that
 * of the export begins with `exports`.
 */
function namesOfTypes(component: Component): readonly TypeName[] {
  const out: TypeName[] = [];
  const known = new Map<string, Set<string>>();
  const add = (path: readonly string[], type: NamedType, scope: readonly string[]): void => {
    if (type === undefined) return;
    const key = JSON.stringify(path);
    const meanings = known.get(key) ?? new Set<string>();
    known.set(key, meanings);
    if (meanings.has(keyOfNamed(type))) return;
    out.push({ path: meanings.size === 0 ? path : [...scope, ...path], type });
    meanings.add(keyOfNamed(type));
  };
  for (const { path, type } of component.importedTypes) add(path, type, []);
  const visit = (exports: ReadonlyMap<string, ComponentExport>, path: readonly string[]): void => {
    for (const [name, item] of exports) {
      if (item.kind === "type") add([...path, name], item.type, ["exports"]);
      else if (item.kind === "instance") visit(item.exports, [...path, name]);
    }
  };
  visit(component.exports, []);
  return out;
}

/** Names of members: identifiers that C and C++ allow, distinct from each other and from `taken`. */
export function memberNames(names: readonly string[], taken: readonly string[] = []): readonly string[] {
  const scope = new CScope(taken);
  return names.map((wanted) => {
    const identifier = snakeCase(wanted);
    const base = /^[a-z]/.test(identifier) ? identifier : `f_${identifier}`;
    return scope.pick(isReservedMember(base) ? `${base}_` : base);
  });
}

export class CTypes {
  readonly prefix: string;
  /** What each needs comes before it. */
  readonly list: readonly CType[];
  readonly resources: readonly CResource[];
  readonly #types: ComponentTypes;
  readonly #names = new Map<string, string>();
  readonly #paths = new Map<string, readonly string[]>();
  readonly #resourcePaths = new Map<ResourceIndex, readonly string[]>();

  /** `functions` use the types; `scope` is that of the file behind the prefix, which has C's functions already. */
  constructor(component: Component, prefix: string, functions: readonly TypeFunc[], scope: CScope) {
    this.prefix = prefix;
    this.#types = component.types;
    const used = new Map<string, InterfaceType>();
    for (const { params, result } of functions) {
      for (const { type } of params) this.#collect(type, used);
      if (result !== undefined) this.#collect(result, used);
    }

    // What most components use has the same name in all.
    const string = scope.number("string", TYPE);
    // Names that the component gives.
    const given = namesOfTypes(component).filter(({ type }) => used.has(keyOfNamed(type)));
    const stems = cNames(
      given.map(({ path }) => path),
      scope,
      TYPE,
    );
    const byKey = new Map<string, string[]>();
    given.forEach(({ path, type }, i) => {
      const key = keyOfNamed(type);
      const names = byKey.get(key);
      if (names === undefined) {
        byKey.set(key, [stems[i] ?? ""]);
        if (hasOwnName(type.kind)) this.#paths.set(key, path);
        if (type.kind === "resource") this.#resourcePaths.set(type.resource, path);
      } else names.push(stems[i] ?? "");
    });

    // Names of structure, which depend on those.
    const resources: CResource[] = [];
    const list: CType[] = [];
    for (const [key, type] of used) {
      const [first, ...others] = byKey.get(key) ?? [];
      if ("resource" in type) {
        const name = first ?? scope.number(`resource${type.resource}`, TYPE);
        this.#names.set(key, name);
        resources.push({ resource: type.resource, name, aliases: this.#whole(others) });
        continue;
      }
      const owned = hasOwnName(type.kind) && first !== undefined;
      const name = owned ? first : this.#structural(type, string, scope);
      this.#names.set(key, name);
      const aliases = owned || first === undefined ? others : [first, ...others];
      const constants = this.#constantNames(type).map((n) => {
        return `${prefix.toUpperCase()}_${scope.pick(`${name}_${cIdentifier(n)}`.toUpperCase())}`;
      });
      list.push({ type, name, aliases: this.#whole(aliases), constants });
    }
    this.resources = resources;
    this.list = list;
  }

  #whole(names: readonly string[]): readonly string[] {
    return names.map((name) => `${this.prefix}_${name}_t`);
  }

  /** Adds what a type needs, then the type. */
  #collect(t: InterfaceType, used: Map<string, InterfaceType>): void {
    const key = keyOf(t);
    if (used.has(key)) return;
    for (const part of partsOf(this.#types, t)) this.#collect(part, used);
    if ("type" in t || "resource" in t || t.kind === "string") used.set(key, t);
  }

  #structural(type: InterfaceType, string: string, scope: CScope): string {
    if (type.kind === "string") return string;
    return scope.number(this.#stem(type), type.kind === "map" ? [...TYPE, MAP_ENTRY] : TYPE);
  }

  /** What has a constant each. */
  #constantNames(t: InterfaceType): readonly string[] {
    switch (t.kind) {
      case "variant":
        return this.#types.variants.table.get(t.type).cases.map((c) => c.name);
      case "enum":
        return this.#types.enums.table.get(t.type).names;
      case "flags":
        return this.#types.flags.table.get(t.type).names;
      default:
        return [];
    }
  }

  /** The part of a structural name that a type is: `u8`, `geo_point`, `list_string`. */
  #part(t: InterfaceType | undefined): string {
    if (t === undefined) return "void";
    return this.#names.get(keyOf(t)) ?? t.kind;
  }

  #stem(t: InterfaceType): string {
    const types = this.#types;
    const join = (...parts: readonly string[]): string => {
      const stem = parts.join("_");
      return stem.length <= MAX_STEM ? stem : stem.slice(0, MAX_STEM).replace(/_+$/, "");
    };
    switch (t.kind) {
      case "list":
        return join("list", this.#part(types.lists.table.get(t.type).element));
      case "fixed-list": {
        const { element, length } = types.fixedLists.table.get(t.type);
        return join(`list${length}`, this.#part(element));
      }
      case "map": {
        const { key, value } = types.maps.table.get(t.type);
        return join("map", this.#part(key), this.#part(value));
      }
      case "tuple": {
        const parts = types.tuples.table.get(t.type).types;
        return join(`tuple${parts.length}`, ...parts.map((p) => this.#part(p)));
      }
      case "option":
        return join("option", this.#part(types.options.table.get(t.type).type));
      case "result": {
        const { ok, err } = types.results.table.get(t.type);
        return join("result", this.#part(ok), this.#part(err));
      }
      default:
        return t.kind;
    }
  }

  /** The name of a type that has one of its own, without prefix and `_t`. */
  nameOf(t: InterfaceType): string {
    const name = this.#names.get(keyOf(t));
    if (name === undefined) throw new InternalError("bindings", `a ${t.kind} has no name`);
    return name;
  }

  /** A resource's name in WIT; the plan's, which is a number, where it has none. */
  resourceName(component: Component, resource: ResourceIndex): string {
    return this.#resourcePaths.get(resource)?.at(-1) ?? component.resources.get(resource).name;
  }

  /** Where WIT declares a resource. */
  resourcePath(resource: ResourceIndex): readonly string[] | undefined {
    return this.#resourcePaths.get(resource);
  }

  /** Interface and name in WIT of a type that C declares under that name. */
  witPath(t: InterfaceType): readonly string[] | undefined {
    return this.#paths.get(keyOf(t));
  }

  /** How C writes the elements of a map. */
  writeEntry(t: InterfaceType): string {
    return `${this.prefix}_${this.nameOf(t)}${MAP_ENTRY}`;
  }

  /** How C writes the type. */
  write(t: InterfaceType): string {
    switch (t.kind) {
      case "bool":
        return "bool";
      case "s8":
        return "int8_t";
      case "u8":
        return "uint8_t";
      case "s16":
        return "int16_t";
      case "u16":
        return "uint16_t";
      case "s32":
        return "int32_t";
      case "u32":
      case "char":
      case "error-context":
        return "uint32_t";
      case "s64":
        return "int64_t";
      case "u64":
        return "uint64_t";
      case "f32":
        return "float";
      case "f64":
        return "double";
      case "string":
      case "record":
      case "variant":
      case "list":
      case "fixed-list":
      case "map":
      case "tuple":
      case "flags":
      case "enum":
      case "option":
      case "result":
      case "own":
      case "borrow":
        return `${this.prefix}_${this.nameOf(t)}_t`;
      default:
        return unreachable(t);
    }
  }
}
