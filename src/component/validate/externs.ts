/**
 * Imports and exports: their names (syntax, uniqueness, what `[method]r.f` and attributes demand of the item), and that every type which is
 * visible outside has a name there (Component Model, "Import and Export Definitions", "External Visibility of Types").
 */

import { unreachable } from "../../base/diagnostics.ts";
import { quoted } from "../errors.ts";
import { isDependencyName, parseName, uniquenessKey } from "../names.ts";
import type { ExternName } from "../parsed.ts";
import type { TypeFactory } from "./factory.ts";
import { children } from "./factory.ts";
import {
  type AnyType,
  type DefinedShape,
  type Externs,
  type ExternType,
  externKindName,
  type FuncType,
  type ResourceType,
  type ValType,
} from "./model.ts";
import type { NameSpace, Scope } from "./scope.ts";
import { witOfFunc, witOfType, witOfValue } from "./wit.ts";

export type Direction = "import" | "export";

/** Checks a name and its attributes, and that it is unique in `space`; takes it. */
export function claimName(scope: Scope, space: NameSpace, name: ExternName, item: ExternType, direction: Direction) {
  checkName(scope, space, name, item);
  const key = uniquenessKey(name.name);
  const previous = space.keys.get(key);
  if (previous !== undefined) {
    const message = `${direction} name ${quoted(name.name)} conflicts with previous name ${quoted(previous)}`;
    scope.invalid(message, name.offset);
  }
  space.keys.set(key, name.name);
}

function checkName(scope: Scope, space: NameSpace, name: ExternName, item: ExternType): void {
  const { offset } = name;
  if (isDependencyName(name.name))
    scope.fail("unsupported", `names that locate dependencies: ${quoted(name.name)}`, offset);
  const parsed = parseName(name.name);
  switch (parsed.kind) {
    case "fault":
      scope.invalid(`${quoted(name.name)} ${parsed.message}`, offset);
      break;
    case "label":
    case "interface":
      break;
    case "constructor": {
      const func = annotatedFunc(scope, name, item);
      const resource = constructedResource(scope, name, func);
      checkResourceName(scope, space, resource, parsed.resource, offset);
      break;
    }
    case "method": {
      const func = annotatedFunc(scope, name, item);
      const self = func.params[0];
      if (self === undefined) return scope.invalid("function should have at least one argument", offset);
      if (self.name !== "self") {
        return scope.invalid(
          `function should have a first argument called \`self\`, found ${quoted(self.name)}`,
          offset,
        );
      }
      const { type } = self;
      if (typeof type === "string" || type.shape.kind !== "borrow") {
        const message = `function should take a first argument of \`(borrow $T)\``;
        return scope.invalid(`${message}: ${quoted(name.name)} takes \`self: ${witOfValue(type)}\``, offset);
      }
      checkResourceName(scope, space, type.shape.resource, parsed.resource, offset);
      break;
    }
    case "static":
      annotatedFunc(scope, name, item);
      if (!space.resourceNames.has(parsed.resource)) {
        scope.invalid("static resource name is not known in this context", offset);
      }
      break;
    default:
      unreachable(parsed);
  }
  checkImplements(scope, name, item, parsed.kind === "label");
}

function checkImplements(scope: Scope, name: ExternName, item: ExternType, isLabel: boolean): void {
  if (name.implements === undefined) return;
  const parsed = parseName(name.implements);
  if (parsed.kind === "fault") {
    scope.invalid(`${quoted(name.implements)} is not a valid name: it ${parsed.message}`, name.offset);
  }
  if (parsed.kind !== "interface") {
    scope.invalid(`\`implements\` name ${quoted(name.implements)} must be an interface`, name.offset);
  }
  if (item.kind !== "instance") scope.invalid("only instances can have an `implements`", name.offset);
  if (!isLabel) scope.invalid(`name ${quoted(name.name)} is not valid with \`implements\``, name.offset);
}

function annotatedFunc(scope: Scope, name: ExternName, item: ExternType): FuncType {
  return item.kind === "func" ? item.type : scope.invalid(`item ${quoted(name.name)} is not a func`, name.offset);
}

function constructedResource(scope: Scope, name: ExternName, func: FuncType): ResourceType {
  let type = func.result;
  if (type === undefined) return scope.invalid("function should return one value", name.offset);
  if (typeof type !== "string" && type.shape.kind === "result") type = type.shape.ok;
  if (type !== undefined && typeof type !== "string" && type.shape.kind === "own") return type.shape.resource;
  const message = "function should return `(own $T)` or `(result (own $T))`";
  return scope.invalid(`${message}: ${quoted(name.name)} is \`${witOfFunc(func)}\``, name.offset);
}

function checkResourceName(scope: Scope, space: NameSpace, found: ResourceType, wanted: string, offset: number): void {
  const name = space.resources.get(found);
  if (name === undefined) {
    scope.invalid("resource used in function does not have a name in this context", offset);
  }
  if (name !== wanted) {
    const message = `function does not match expected resource name ${quoted(name ?? "")}`;
    scope.invalid(`${message}: its own name says ${quoted(wanted)}`, offset);
  }
}

/** Registers the types that an import or export names, after checking that it mentions named types only. */
export function registerNames(
  factory: TypeFactory,
  scope: Scope,
  direction: Direction,
  name: ExternName,
  item: ExternType,
): void {
  const space = direction === "import" ? scope.imports : scope.exports;
  if (item.kind === "type" && item.type.sort === "resource") {
    space.resources.set(item.type, name.name);
    space.resourceNames.add(name.name);
    const { resource } = item.type;
    if (!resource.isNamed) resource.name = name.name;
    resource.isNamed = true;
  }
  // An instance type is checked where an instance of it is imported or exported.
  if (scope.kind === "instance-type") return;
  const named = new Visibility(factory, scope, direction);
  if (item.kind === "type") {
    if (!named.definition(item.type)) notVisible(scope, direction, item, name);
    space.namedTypes.add(item.type);
  } else {
    if (item.kind === "instance") named.register(item.type.exports, space.namedTypes);
    if (!named.extern(item)) notVisible(scope, direction, item, name);
  }
}

function notVisible(scope: Scope, direction: Direction, item: ExternType, name: ExternName): never {
  const kind = externKindName(item);
  const what =
    item.kind === "func" ? ` \`${witOfFunc(item.type)}\`` : item.kind === "type" ? ` \`${witOfType(item.type)}\`` : "";
  const hint = `${direction === "import" ? "import" : "import or export"} the type first`;
  const message = `${kind} not valid to be used as ${direction}: ${quoted(name.name)}${what} mentions a type that has no name outside; ${hint}`;
  return scope.invalid(message, name.offset);
}

/** Which types have a name where a component is seen from outside. */
class Visibility {
  readonly #factory: TypeFactory;
  readonly #sets: readonly ReadonlySet<AnyType>[];
  readonly #inner = new Set<AnyType>();
  readonly #known = new Map<AnyType, boolean>();

  constructor(factory: TypeFactory, scope: Scope, direction: Direction) {
    this.#factory = factory;
    const imported = scope.imports.namedTypes;
    this.#sets = direction === "import" ? [imported] : [imported, scope.exports.namedTypes];
  }

  #has(type: AnyType): boolean {
    return this.#inner.has(type) || this.#sets.some((set) => set.has(type));
  }

  /** Takes the types that an instance exports, in it and in instances inside it. */
  register(exports: Externs, into: Set<AnyType>): void {
    this.#factory.step(exports.size);
    for (const item of exports.values()) {
      if (item.kind === "type") into.add(item.type);
      else if (item.kind === "instance") this.register(item.type.exports, into);
    }
  }

  extern(item: ExternType): boolean {
    this.#factory.step();
    switch (item.kind) {
      case "module":
      case "component":
        return true;
      case "func":
        return this.#func(item.type);
      case "type":
        return this.definition(item.type);
      case "instance":
        return this.#instance(item.type.exports);
    }
  }

  #instance(exports: Externs): boolean {
    for (const item of exports.values()) if (!this.extern(item)) return false;
    return true;
  }

  /** The definition of a type that gets a name by this import or export: what is inside must have names. */
  definition(type: AnyType): boolean {
    switch (type.sort) {
      case "resource":
      case "component":
        return true;
      case "func":
        return this.#func(type);
      case "instance":
        this.register(type.exports, this.#inner);
        return this.#instance(type.exports);
      case "defined":
        return this.#parts(type.shape);
    }
  }

  #func(type: FuncType): boolean {
    return type.params.every((p) => this.#value(p.type)) && (type.result === undefined || this.#value(type.result));
  }

  #parts(shape: DefinedShape): boolean {
    if (shape.kind === "own" || shape.kind === "borrow") return this.#has(shape.resource);
    return children(shape).every((child) => child === undefined || this.#value(child));
  }

  #value(type: ValType): boolean {
    if (typeof type === "string") return true;
    let known = this.#known.get(type);
    if (known === undefined) {
      this.#factory.step();
      known = this.#compute(type);
      this.#known.set(type, known);
    }
    return known;
  }

  #compute(type: Exclude<ValType, string>): boolean {
    switch (type.shape.kind) {
      case "record":
      case "variant":
      case "flags":
      case "enum":
        return this.#has(type);
      default:
        return this.#parts(type.shape);
    }
  }
}
