/** Evaluates type definitions in a scope: structure into the arena, resources to their identities. */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { Alias, DefValType, FuncTypeDef, NamedValType, Sort, TypeDef, ValTypeRef } from "../component/parsed.ts";
import type { ComponentTypes, InterfaceType, NamedType } from "../component/types.ts";
import type { FuncTypeValue, Item, Scope, TypeValue } from "./environment.ts";

/** Thrown inside this module for what can be decoded but not compiled; becomes a value of kind `unsupported`. */
class Unsupported extends Error {
  readonly what: string;
  constructor(what: string) {
    super(what);
    this.what = what;
  }
}

/** The type at `index`; the validator has seen that there is one. */
export function typeAt(scope: Scope, index: number): TypeValue {
  const value = scope.types[index];
  if (value === undefined) throw new InternalError("translate", `type ${index} is not in scope`);
  return value;
}

function resolve(scope: Scope, ref: ValTypeRef): InterfaceType {
  if (ref === "error-context") throw new Unsupported("`error-context`");
  if (typeof ref === "string") return { kind: ref };
  const value = typeAt(scope, ref);
  if (value.kind === "value") return value.type;
  if (value.kind === "unsupported") throw new Unsupported(value.what);
  throw new InternalError("translate", `type ${ref} is no value type`);
}

function optional(scope: Scope, ref: ValTypeRef | undefined): InterfaceType | undefined {
  return ref === undefined ? undefined : resolve(scope, ref);
}

function named(scope: Scope, list: readonly NamedValType[]): NamedType[] {
  return list.map(({ name, type }) => ({ name, type: resolve(scope, type) }));
}

function resourceAt(scope: Scope, index: number) {
  const value = typeAt(scope, index);
  if (value.kind !== "resource") throw new InternalError("translate", `type ${index} is no resource type`);
  return value.resource;
}

function evaluate(types: ComponentTypes, scope: Scope, def: DefValType): InterfaceType {
  switch (def.kind) {
    case "primitive":
      return resolve(scope, def.type);
    case "record":
      return { kind: "record", type: types.records.intern({ fields: named(scope, def.fields) }) };
    case "variant": {
      const cases = def.cases.map((c) => ({ name: c.name, type: optional(scope, c.type) }));
      return { kind: "variant", type: types.variants.intern({ cases }) };
    }
    case "list":
      return { kind: "list", type: types.lists.intern({ element: resolve(scope, def.element) }) };
    case "fixed-list": {
      const list = { element: resolve(scope, def.element), length: def.length };
      return { kind: "fixed-list", type: types.fixedLists.intern(list) };
    }
    case "map": {
      const map = { key: resolve(scope, def.key), value: resolve(scope, def.value) };
      return { kind: "map", type: types.maps.intern(map) };
    }
    case "tuple":
      return { kind: "tuple", type: types.tuples.intern({ types: def.types.map((t) => resolve(scope, t)) }) };
    case "flags":
      return { kind: "flags", type: types.flags.intern({ names: def.names }) };
    case "enum":
      return { kind: "enum", type: types.enums.intern({ names: def.names }) };
    case "option":
      return { kind: "option", type: types.options.intern({ type: resolve(scope, def.type) }) };
    case "result": {
      const result = { ok: optional(scope, def.ok), err: optional(scope, def.err) };
      return { kind: "result", type: types.results.intern(result) };
    }
    case "own":
    case "borrow":
      return { kind: def.kind, resource: resourceAt(scope, def.resource) };
    case "stream":
    case "future":
      throw new Unsupported(`\`${def.kind}\``);
    default:
      return unreachable(def);
  }
}

/** A value type. */
function evaluateValueType(types: ComponentTypes, scope: Scope, def: DefValType): TypeValue {
  try {
    return { kind: "value", type: evaluate(types, scope, def) };
  } catch (error) {
    if (error instanceof Unsupported) return { kind: "unsupported", what: error.what };
    throw error;
  }
}

/** What a reference to a value type stands for. */
export function evaluateValue(scope: Scope, ref: ValTypeRef): Extract<TypeValue, { kind: "value" | "unsupported" }> {
  try {
    return { kind: "value", type: resolve(scope, ref) };
  } catch (error) {
    if (error instanceof Unsupported) return { kind: "unsupported", what: error.what };
    throw error;
  }
}

/** A function type. */
function evaluateFuncType(types: ComponentTypes, scope: Scope, def: FuncTypeDef): FuncTypeValue {
  try {
    const params = named(scope, def.params);
    const result = optional(scope, def.result);
    return { kind: "func", type: types.funcs.intern({ params, result, isAsync: def.isAsync }) };
  } catch (error) {
    if (error instanceof Unsupported) return { kind: "unsupported", what: `with ${error.what} in its type` };
    throw error;
  }
}

/** Any type definition but a resource's, which makes something new each time. */
export function evaluateType(types: ComponentTypes, scope: Scope, def: TypeDef): TypeValue {
  switch (def.kind) {
    case "func":
      return evaluateFuncType(types, scope, def);
    case "instance-type":
      return { kind: "instance-type", decls: def.decls, scope };
    case "component-type":
      return { kind: "component-type" };
    case "resource":
      throw new InternalError("translate", "a resource type is defined in a type");
    default:
      return evaluateValueType(types, scope, def);
  }
}

/** What an alias of component-level definitions stands for; `core-module` is one. */
export function resolveAlias(scope: Scope, alias: Alias): Item {
  switch (alias.kind) {
    case "export": {
      const item = scope.instances[alias.instance]?.items.get(alias.name);
      if (item === undefined || item.sort !== alias.sort) {
        throw new InternalError("translate", `instance ${alias.instance} exports no ${alias.sort} ${alias.name}`);
      }
      return item;
    }
    case "outer": {
      let outer: Scope | undefined = scope;
      for (let i = 0; i < alias.count; i++) outer = outer?.parent;
      const item = outer === undefined ? undefined : itemAt(outer, alias.sort, alias.index);
      if (item === undefined) throw new InternalError("translate", `outer ${alias.sort} ${alias.index} is missing`);
      return item;
    }
    case "core-export":
      throw new InternalError("translate", "a core alias of a component-level definition");
    default:
      return unreachable(alias);
  }
}

/** The definition at `index` of an index space of component-level definitions. */
export function itemAt(scope: Scope, sort: Sort, index: number): Item | undefined {
  switch (sort) {
    case "func": {
      const func = scope.funcs[index];
      return func && { sort, func };
    }
    case "type": {
      const type = scope.types[index];
      return type && { sort, type };
    }
    case "instance": {
      const instance = scope.instances[index];
      return instance && { sort, instance };
    }
    case "component": {
      const component = scope.components[index];
      return component && { sort, component };
    }
    case "core-module": {
      const module = scope.modules[index];
      return module && { sort, module };
    }
    default:
      return undefined;
  }
}
