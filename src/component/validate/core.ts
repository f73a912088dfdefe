/** Core types in components: module types, core type spaces, and matching of core imports and exports by the rules of `wasm/`. */

import { WindlassError } from "../../base/diagnostics.ts";
import {
  compositeMatches,
  globalTypeMatches,
  limitsMatch,
  memoryTypeMatches,
  type TypeContext,
  typeMatches,
  valTypeMatches,
} from "../../wasm/matching.ts";
import type { Module } from "../../wasm/module.ts";
import type { TypeInterner } from "../../wasm/type-interner.ts";
import {
  type FuncType,
  globalTypeName,
  limitsName,
  type SubType,
  type ValType,
  valTypeName,
} from "../../wasm/types.ts";
import { checkValType, validateMemoryType, validateTableType } from "../../wasm/validate-types.ts";
import { insideComponent } from "../errors.ts";
import { MAX_DEFINITIONS } from "../limits.ts";
import type { CoreImportDesc } from "../parsed.ts";
import { TypeFault } from "./factory.ts";
import type { CoreExtern, ModuleImport, ModuleType } from "./model.ts";

/** A core type index space: of a component, a component or instance type, or a module type. A `TypeContext` for what is in it. */
export class CoreTypeSpace implements TypeContext {
  readonly types: SubType[] = [];
  readonly interner: TypeInterner;
  /** Module types by index; their place in `types` is taken by a stand-in. */
  readonly moduleTypes = new Map<number, ModuleType>();
  #ids: Uint32Array = new Uint32Array(16);

  constructor(interner: TypeInterner) {
    this.interner = interner;
  }

  get typeIds(): Uint32Array {
    return this.#ids;
  }

  get size(): number {
    return this.types.length;
  }

  #reserve(count: number): void {
    const need = this.types.length + count;
    if (need > MAX_DEFINITIONS) throw new TypeFault("limit", `core types exceed the limit of ${MAX_DEFINITIONS}`);
    if (need <= this.#ids.length) return;
    const bigger = new Uint32Array(Math.max(need, 2 * this.#ids.length));
    bigger.set(this.#ids);
    this.#ids = bigger;
  }

  /** Adds a recursive group. Throws `WindlassError` or `TypeFault`. */
  pushGroup(group: readonly SubType[], path: readonly string[]): void {
    this.#reserve(group.length);
    const first = this.types.length;
    for (const type of group) this.types.push(type);
    for (const [i, type] of group.entries()) this.#check(type, first + i, first + group.length, path);
    this.interner.intern(this.types, first, group.length, this.#ids);
    for (const [i, type] of group.entries()) {
      const parent = this.types[type.supertypes[0] ?? -1];
      if (parent !== undefined && (parent.final || !compositeMatches(type.composite, parent.composite, this))) {
        throw new TypeFault("invalid", `sub type ${first + i} does not match super type ${type.supertypes[0]}`);
      }
    }
  }

  #check(type: SubType, index: number, groupEnd: number, path: readonly string[]): void {
    const { composite, supertypes, offset } = type;
    if (composite.kind !== "func") throw new TypeFault("invalid", `${composite.kind} types need the gc feature`);
    try {
      for (const t of [...composite.params, ...composite.results]) checkValType(t, groupEnd, offset, []);
    } catch (error) {
      throw error instanceof WindlassError ? insideComponent(error, path) : error;
    }
    const parent = supertypes[0];
    if (supertypes.length > 1 || (parent !== undefined && (parent >= index || this.moduleTypes.has(parent)))) {
      throw new TypeFault("invalid", `unknown super type ${parent}`);
    }
  }

  /** Adds an alias of type `index` of another space. */
  pushAlias(from: CoreTypeSpace, index: number): void {
    const moduleType = from.moduleTypes.get(index);
    if (moduleType !== undefined) {
      this.pushModule(moduleType);
      return;
    }
    this.#reserve(1);
    const type = from.types[index];
    if (type === undefined) throw new TypeFault("invalid", `type index out of bounds: core type ${index}`);
    this.#ids[this.types.length] = from.typeIds[index] ?? 0;
    this.types.push(type);
  }

  pushModule(type: ModuleType): void {
    this.#reserve(1);
    this.moduleTypes.set(this.types.length, type);
    // Equal to no type of any module: no module can define it.
    this.types.push({ final: true, supertypes: [], composite: { kind: "struct", fields: [] }, offset: 0 });
    this.#ids[this.types.length - 1] = 0xffff_ffff;
  }

  /** The function type at `index`. Throws `TypeFault`. */
  func(index: number): FuncType {
    const composite = this.types[index]?.composite;
    if (composite === undefined) throw new TypeFault("invalid", `type index out of bounds: core type ${index}`);
    if (composite.kind !== "func") throw new TypeFault("invalid", `core type index ${index} is not a function type`);
    return composite;
  }
}

/** The type of a core function. */
export function coreFuncType(item: CoreExtern): FuncType | undefined {
  if (item.kind !== "func" && item.kind !== "tag") return undefined;
  const composite = item.context.types[item.type]?.composite;
  return composite?.kind === "func" ? composite : undefined;
}

/** A core function of numeric types, in a context of its own. */
export function coreFunc(interner: TypeInterner, type: FuncType): CoreExtern {
  const types: SubType[] = [{ final: true, supertypes: [], composite: type, offset: 0 }];
  const typeIds = new Uint32Array(1);
  interner.intern(types, 0, 1, typeIds);
  return { kind: "func", context: { types, typeIds, interner }, type: 0 };
}

/** An import or export of a module type. Throws `TypeFault`, or `WindlassError`. */
export function describedExtern(space: CoreTypeSpace, desc: CoreImportDesc, offset: number): CoreExtern {
  switch (desc.kind) {
    case "func":
      space.func(desc.type);
      return { kind: "func", context: space, type: desc.type };
    case "table":
      validateTableType(desc.type, space.size, offset, []);
      return { kind: "table", context: space, type: desc.type };
    case "memory":
      validateMemoryType(desc.type, offset, []);
      return { kind: "memory", type: desc.type };
    case "global":
      checkValType(desc.type.type, space.size, offset, []);
      return { kind: "global", context: space, type: desc.type };
    case "tag":
      if (space.func(desc.type.type).results.length > 0) {
        throw new TypeFault("invalid", "non-empty tag result type");
      }
      return { kind: "tag", context: space, type: desc.type.type };
  }
}

/** The type of a decoded module. Throws `TypeFault` when two imports have the same name. */
export function moduleTypeOf(module: Module): ModuleType {
  const imports = module.imports.map(({ module: from, name, desc }): ModuleImport => {
    const type: CoreExtern =
      desc.kind === "tag"
        ? { kind: "tag", context: module, type: desc.type.type }
        : desc.kind === "func"
          ? { kind: "func", context: module, type: desc.type }
          : desc.kind === "table"
            ? { kind: "table", context: module, type: desc.type }
            : desc.kind === "memory"
              ? { kind: "memory", type: desc.type }
              : { kind: "global", context: module, type: desc.type };
    return { module: from, name, type };
  });
  checkImportNames(imports);
  const exports = new Map<string, CoreExtern>();
  for (const { name, kind, index } of module.exports) {
    const item = exportedExtern(module, kind, index);
    if (item !== undefined) exports.set(name, item);
  }
  return { imports, exports };
}

function exportedExtern(module: Module, kind: CoreExtern["kind"], index: number): CoreExtern | undefined {
  switch (kind) {
    case "func": {
      const type = module.functions[index];
      return type === undefined ? undefined : { kind, context: module, type };
    }
    case "table": {
      const type = module.tables[index]?.type;
      return type === undefined ? undefined : { kind, context: module, type };
    }
    case "memory": {
      const type = module.memories[index]?.type;
      return type === undefined ? undefined : { kind, type };
    }
    case "global": {
      const type = module.globals[index]?.type;
      return type === undefined ? undefined : { kind, context: module, type };
    }
    case "tag": {
      const type = module.tags[index]?.type.type;
      return type === undefined ? undefined : { kind, context: module, type };
    }
  }
}

/** A key that no two different pairs of names share. */
export function importKey(module: string, name: string): string {
  return `${module.length}:${module}${name}`;
}

/** Throws `TypeFault` when two imports have the same two names. */
export function checkImportNames(imports: readonly ModuleImport[]): void {
  const seen = new Set<string>();
  for (const { module, name } of imports) {
    const key = importKey(module, name);
    if (seen.has(key)) throw new TypeFault("invalid", `duplicate import name \`${module}:${name}\``);
    seen.add(key);
  }
}

// Matching

/** As in the text format. */
export function coreExternName(item: CoreExtern): string {
  switch (item.kind) {
    case "func":
    case "tag": {
      const type = coreFuncType(item);
      const list = (word: string, types: readonly ValType[]) =>
        types.length === 0 ? "" : ` (${word} ${types.map(valTypeName).join(" ")})`;
      return `(${item.kind}${list("param", type?.params ?? [])}${list("result", type?.results ?? [])})`;
    }
    case "table":
      return `(table ${limitsName(item.type)} ${valTypeName(item.type.element)})`;
    case "memory":
      return `(memory ${limitsName(item.type)}${item.type.shared ? " shared" : ""})`;
    case "global":
      return `(global ${globalTypeName(item.type)})`;
  }
}

/** Why `found` can't be used where `expected` is; undefined if it can. */
export function coreMismatch(found: CoreExtern, expected: CoreExtern): string | undefined {
  if (found.kind === "func" && expected.kind === "func") {
    if (typeMatches(found.type, found.context, expected.type, expected.context)) return undefined;
    return `type mismatch: expected: ${coreExternName(expected)}, found: ${coreExternName(found)}`;
  }
  if (found.kind === "table" && expected.kind === "table") {
    const [a, b] = [found.type, expected.type];
    const element =
      valTypeMatches(a.element, found.context, b.element, expected.context) &&
      valTypeMatches(b.element, expected.context, a.element, found.context);
    if (!element) return `expected table element type ${valTypeName(b.element)}, found ${valTypeName(a.element)}`;
    if (limitsMatch(a, b)) return undefined;
    return `mismatch in table limits: expected ${limitsName(b)}, found ${limitsName(a)}`;
  }
  if (found.kind === "memory" && expected.kind === "memory") {
    const [a, b] = [found.type, expected.type];
    if (memoryTypeMatches(a, b)) return undefined;
    if (a.shared !== b.shared) return "mismatch in the shared flag for memories";
    if (a.pageSizeLog2 !== b.pageSizeLog2) return "mismatch in page size for memories";
    return `mismatch in memory limits: expected ${limitsName(b)}, found ${limitsName(a)}`;
  }
  if (found.kind === "global" && expected.kind === "global") {
    if (globalTypeMatches(found.type, found.context, expected.type, expected.context)) return undefined;
    return `expected global type ${globalTypeName(expected.type)}, found ${globalTypeName(found.type)}`;
  }
  if (found.kind === "tag" && expected.kind === "tag") {
    const same = found.context.typeIds[found.type] === expected.context.typeIds[expected.type];
    return same ? undefined : `expected: ${coreExternName(expected)}, found: ${coreExternName(found)}`;
  }
  return `expected ${expected.kind}, found ${found.kind}`;
}

/** Why a module of type `found` can't be used where `expected` is; undefined if it can. */
export function moduleMismatch(found: ModuleType, expected: ModuleType): string | undefined {
  const offered = new Map(expected.imports.map((i) => [importKey(i.module, i.name), i.type]));
  for (const { module, name, type } of found.imports) {
    const given = offered.get(importKey(module, name));
    if (given === undefined) return `missing expected import \`${module}::${name}\``;
    const mismatch = coreMismatch(given, type);
    if (mismatch !== undefined) return `type mismatch in import \`${module}::${name}\`: ${mismatch}`;
  }
  for (const [name, type] of expected.exports) {
    const exported = found.exports.get(name);
    if (exported === undefined) return `missing expected export \`${name}\``;
    const mismatch = coreMismatch(exported, type);
    if (mismatch !== undefined) return `type mismatch in export \`${name}\`: ${mismatch}`;
  }
  return undefined;
}
