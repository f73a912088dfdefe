/** Type definitions (Component Model, "Type Definitions"), and the declarations inside component, instance and module types. */

import { unreachable } from "../../base/diagnostics.ts";
import { funcTypeName, I32 } from "../../wasm/types.ts";
import { quoted } from "../errors.ts";
import { MAX_FLAGS } from "../limits.ts";
import { isKebab } from "../names.ts";
import type {
  Alias,
  CoreTypeDef,
  DefValType,
  ExternDesc,
  FuncTypeDef,
  ModuleTypeDecl,
  NamedValType as NamedRef,
  TypeDecl,
  TypeDef,
  ValTypeRef,
} from "../parsed.ts";
import { checkImportNames, coreFuncType, CoreTypeSpace, describedExtern } from "./core.ts";
import { claimName, registerNames } from "./externs.ts";
import { hasBorrow, type TypeFactory } from "./factory.ts";
import type {
  AnyType,
  BoundResource,
  CoreExtern,
  DefinedShape,
  Externs,
  ExternType,
  FuncType,
  InstanceType,
  ModuleImport,
  ModuleType,
  NamedValType,
  Resource,
  ValType,
} from "./model.ts";
import { Scope } from "./scope.ts";
import { Substitution } from "./substitute.ts";
import { witOfExtern, witOfValue } from "./wit.ts";

/** An instance of an instance type, with resources of its own: `found` receives them. */
export function freshInstance(
  factory: TypeFactory,
  type: InstanceType,
  found: (bound: BoundResource) => void,
): InstanceType {
  if (type.bound.length === 0) return type;
  const substitution = new Substitution(factory);
  for (const bound of substitution.refresh(type.bound)) found(bound);
  return factory.instance(substitution.externs(type.exports), []);
}

/** All resources that exports lead to, with their paths. */
export function exportedResources(
  factory: TypeFactory,
  exports: Externs,
  path: readonly string[],
  found: (resource: Resource, path: readonly string[]) => void,
): void {
  factory.step(exports.size);
  for (const [name, item] of exports) {
    if (item.kind === "type" && item.type.sort === "resource") found(item.type.resource, [...path, name]);
    else if (item.kind === "instance") exportedResources(factory, item.type.exports, [...path, name], found);
  }
}

export class TypeValidator {
  readonly #factory: TypeFactory;

  constructor(factory: TypeFactory) {
    this.#factory = factory;
  }

  // Core types

  /** Adds a core type definition to the scope. */
  coreType(scope: Scope, def: CoreTypeDef, offset: number): void {
    scope.at(offset, () => {
      if (def.kind === "group") scope.coreTypes.pushGroup(def.types, scope.path);
      else scope.coreTypes.pushModule(this.#moduleType(scope, def.decls));
    });
  }

  #moduleType(outer: Scope, decls: readonly ModuleTypeDecl[]): ModuleType {
    const space = new CoreTypeSpace(outer.coreTypes.interner);
    const imports: ModuleImport[] = [];
    const exports = new Map<string, CoreExtern>();
    for (const decl of decls) {
      const { offset } = decl;
      outer.at(offset, () => {
        switch (decl.kind) {
          case "import": {
            const type = describedExtern(space, decl.desc, offset);
            imports.push({ module: decl.module, name: decl.name, type });
            return;
          }
          case "type":
            space.pushGroup(decl.group, outer.path);
            return;
          case "alias": {
            if (decl.count === 0) {
              space.pushAlias(space, decl.index);
              return;
            }
            let scope: Scope | undefined = outer;
            for (let i = 1; i < decl.count; i++) scope = scope?.parent;
            if (scope === undefined) outer.invalid(`invalid outer alias count of ${decl.count}`, offset);
            else if (scope.coreTypes.moduleTypes.has(decl.index)) {
              outer.invalid(`core type ${decl.index} is a module type, which a module type can't use`, offset);
            } else space.pushAlias(scope.coreTypes, decl.index);
            return;
          }
          case "export":
            if (exports.has(decl.name)) outer.invalid(`export name ${quoted(decl.name)} already defined`, offset);
            exports.set(decl.name, describedExtern(space, decl.desc, offset));
            return;
          default:
            unreachable(decl);
        }
      });
    }
    checkImportNames(imports);
    return { imports, exports };
  }

  // Value and function types

  value(scope: Scope, ref: ValTypeRef, offset: number): ValType {
    if (typeof ref === "string") return ref;
    const type = scope.type(ref, offset);
    return type.sort === "defined" ? type : scope.invalid(`type index ${ref} is not a defined type`, offset);
  }

  #optional(scope: Scope, ref: ValTypeRef | undefined, offset: number): ValType | undefined {
    return ref === undefined ? undefined : this.value(scope, ref, offset);
  }

  #named(scope: Scope, list: readonly NamedRef[], what: string, short: string, offset: number): NamedValType[] {
    checkLabels(
      scope,
      list.map((n) => n.name),
      what,
      short,
      offset,
    );
    return list.map(({ name, type }) => ({ name, type: this.value(scope, type, offset) }));
  }

  #shape(scope: Scope, def: DefValType, offset: number): DefinedShape {
    const nonEmpty = (count: number, message: string) => {
      if (count === 0) scope.invalid(message, offset);
    };
    switch (def.kind) {
      case "primitive":
        return def;
      case "record":
        nonEmpty(def.fields.length, "record type must have at least one field");
        return { kind: "record", fields: this.#named(scope, def.fields, "record field", "field", offset) };
      case "variant": {
        nonEmpty(def.cases.length, "variant type must have at least one case");
        const names = def.cases.map((c) => c.name);
        checkLabels(scope, names, "variant case", "case", offset);
        const cases = def.cases.map((c) => ({ name: c.name, type: this.#optional(scope, c.type, offset) }));
        return { kind: "variant", cases };
      }
      case "list":
        return { kind: "list", element: this.value(scope, def.element, offset) };
      case "fixed-list":
        nonEmpty(def.length, "fixed-length lists must have more than zero elements");
        return { kind: "fixed-list", element: this.value(scope, def.element, offset), length: def.length };
      case "map": {
        const key = this.value(scope, def.key, offset);
        if (!isMapKey(key)) scope.invalid("a map's key must be an integer, bool, char or string", offset);
        return { kind: "map", key, value: this.value(scope, def.value, offset) };
      }
      case "tuple":
        nonEmpty(def.types.length, "tuple type must have at least one type");
        return { kind: "tuple", types: def.types.map((t) => this.value(scope, t, offset)) };
      case "flags":
        nonEmpty(def.names.length, "flags must have at least one entry");
        if (def.names.length > MAX_FLAGS) scope.invalid(`cannot have more than ${MAX_FLAGS} flags`, offset);
        checkLabels(scope, def.names, "flag", "flag", offset);
        return def;
      case "enum":
        nonEmpty(def.names.length, "enum type must have at least one variant");
        checkLabels(scope, def.names, "enum tag", "tag", offset);
        return def;
      case "option":
        return { kind: "option", type: this.value(scope, def.type, offset) };
      case "result": {
        const ok = this.#optional(scope, def.ok, offset);
        return { kind: "result", ok, err: this.#optional(scope, def.err, offset) };
      }
      case "own":
      case "borrow":
        return { kind: def.kind, resource: scope.resource(def.resource, offset) };
      case "stream":
      case "future": {
        const type = this.#optional(scope, def.type, offset);
        if (def.kind === "stream" && type !== undefined && this.#factory.keyOf(type) === "char") {
          scope.invalid("`stream<char>` is not valid at this time", offset);
        }
        if (type !== undefined && hasBorrow(type)) {
          scope.invalid(`a \`${def.kind}\` cannot contain a \`borrow\` type`, offset);
        }
        return { kind: def.kind, type };
      }
      default:
        return unreachable(def);
    }
  }

  #func(scope: Scope, def: FuncTypeDef, offset: number): FuncType {
    const params = this.#named(scope, def.params, "function parameter", "parameter", offset);
    const result = this.#optional(scope, def.result, offset);
    if (result !== undefined && hasBorrow(result)) {
      scope.invalid(`function result cannot contain a \`borrow\` type: \`${witOfValue(result)}\``, offset);
    }
    return this.#factory.func(params, result, def.isAsync);
  }

  /** The type that a definition makes. */
  type(scope: Scope, def: TypeDef, offset: number): AnyType {
    return scope.at(offset, () => {
      switch (def.kind) {
        case "func":
          return this.#func(scope, def, offset);
        case "resource":
          return this.#resource(scope, def.destructor, offset);
        case "component-type": {
          const inner = new Scope("component-type", scope, scope.path, scope.coreTypes.interner);
          this.#decls(inner, def.decls);
          const { imports, exports, importedResources, bound } = inner;
          return this.#factory.component(imports.items, exports.items, importedResources, bound);
        }
        case "instance-type": {
          const inner = new Scope("instance-type", scope, scope.path, scope.coreTypes.interner);
          this.#decls(inner, def.decls);
          return this.#factory.instance(inner.exports.items, inner.bound);
        }
        default:
          return this.#factory.defined(this.#shape(scope, def, offset));
      }
    });
  }

  #resource(scope: Scope, destructor: number | undefined, offset: number): AnyType {
    if (scope.kind !== "component") {
      scope.invalid("resources can only be defined within a concrete component", offset);
    }
    if (destructor !== undefined) {
      const type = coreFuncType(scope.coreFunc(destructor, offset));
      if (type?.params.length !== 1 || type.params[0] !== I32 || type.results.length > 0) {
        const found = type === undefined ? "" : `: expected \`[i32] -> []\`, found \`${funcTypeName(type)}\``;
        scope.invalid(`${scope.coreFuncName(destructor)} has wrong signature for a destructor${found}`, offset);
      }
    }
    const resource = this.#factory.localResource(scope.types.length);
    scope.localResources.add(resource);
    return this.#factory.resourceType(resource);
  }

  // Declarations

  #decls(scope: Scope, decls: readonly TypeDecl[]): void {
    for (const decl of decls) {
      const { offset } = decl;
      switch (decl.kind) {
        case "core-type":
          this.coreType(scope, decl.type, offset);
          break;
        case "type":
          scope.types.push(this.type(scope, decl.type, offset));
          break;
        case "alias":
          if (!typeAlias(decl.alias)) {
            scope.invalid("aliases in component and instance types may only refer to types or instances", offset);
          }
          this.alias(scope, decl.alias, offset);
          break;
        case "import":
        case "export": {
          const { kind, name } = decl;
          const names = kind === "import" ? scope.imports : scope.exports;
          const item = this.described(scope, decl.desc, name.name, kind, offset);
          claimName(scope, names, name, item, kind);
          scope.at(offset, () => registerNames(this.#factory, scope, kind, name, item));
          names.items.set(name.name, item);
          scope.push(item, name.name);
          break;
        }
        default:
          unreachable(decl);
      }
    }
  }

  /** What an import or declared export of this description is: new resources are the scope's. */
  described(scope: Scope, desc: ExternDesc, name: string, direction: "import" | "export", offset: number): ExternType {
    const found = ({ resource, path }: BoundResource) => {
      if (direction === "import") scope.importResource({ resource, path: [name, ...path] });
      else scope.exportResource(resource, [name, ...path]);
    };
    return scope.at(offset, (): ExternType => {
      switch (desc.kind) {
        case "module":
          return { kind: "module", type: scope.moduleType(desc.type, offset) };
        case "func":
          return { kind: "func", type: scope.funcType(desc.type, offset) };
        case "value":
          return scope.fail("unsupported", "values", offset);
        case "type": {
          if (desc.eq !== undefined) {
            return { kind: "type", type: this.#factory.renamed(scope.type(desc.eq, offset)) };
          }
          const resource = this.#factory.resource(name);
          found({ resource, path: [] });
          return { kind: "type", type: this.#factory.resourceType(resource) };
        }
        case "instance": {
          const type = freshInstance(this.#factory, scope.instanceType(desc.type, offset), found);
          return { kind: "instance", type };
        }
        case "component":
          return { kind: "component", type: scope.componentType(desc.type, offset) };
        default:
          return unreachable(desc);
      }
    });
  }

  // Aliases

  /** Adds what a component-level alias refers to, or an outer core type or module. */
  alias(scope: Scope, alias: Alias, offset: number): void {
    switch (alias.kind) {
      case "export": {
        const instance = scope.lookup(scope.instances, "instance", alias.instance, offset);
        const item = instance.exports.get(alias.name);
        if (item === undefined) {
          const message = `${scope.instanceName(alias.instance)} has no export named ${quoted(alias.name)}`;
          return scope.invalid(message, offset);
        }
        if (alias.sort === "value") return scope.fail("unsupported", "values", offset);
        if (`${item.kind === "module" ? "core-" : ""}${item.kind}` !== alias.sort) {
          const wanted = alias.sort.replace("core-", "");
          const message = `export ${quoted(alias.name)} for ${scope.instanceName(alias.instance)} is not a ${wanted}`;
          return scope.invalid(`${message}: it is ${witOfExtern(item)}`, offset);
        }
        scope.push(item);
        return;
      }
      case "core-export":
        return scope.invalid("a core alias of a component-level definition", offset);
      case "outer":
        return scope.at(offset, () => this.#outerAlias(scope, alias, offset));
      default:
        return unreachable(alias);
    }
  }

  #outerAlias(scope: Scope, alias: Extract<Alias, { kind: "outer" }>, offset: number): void {
    let outer: Scope = scope;
    let crossed = false;
    for (let i = 0; i < alias.count; i++) {
      if (outer.parent === undefined) scope.invalid(`invalid outer alias count of ${alias.count}`, offset);
      crossed ||= outer.kind === "component";
      outer = outer.parent ?? outer;
    }
    switch (alias.sort) {
      case "core-type":
        if (alias.index >= outer.coreTypes.size) {
          scope.invalid(`unknown core type ${alias.index}: type index out of bounds`, offset);
        }
        scope.coreTypes.pushAlias(outer.coreTypes, alias.index);
        return;
      case "type": {
        const type = scope.lookup(outer.types, "type", alias.index, offset);
        if (crossed && this.#factory.mentionsOuterResource(type)) {
          scope.invalid(
            `cannot alias outer type ${alias.index}: it transitively refers to resources not defined in the current component`,
            offset,
          );
        }
        scope.types.push(type);
        return;
      }
      case "core-module":
        scope.modules.push(scope.lookup(outer.modules, "module", alias.index, offset));
        return;
      case "component":
        scope.components.push(scope.lookup(outer.components, "component", alias.index, offset));
        return;
      default:
        scope.invalid(`outer aliases of sort ${alias.sort}`, offset);
    }
  }
}

/** Whether component and instance types may have this alias. */
function typeAlias(alias: Alias): boolean {
  if (alias.kind === "export") return alias.sort === "type" || alias.sort === "instance";
  return alias.kind === "outer" && (alias.sort === "type" || alias.sort === "core-type");
}

function isMapKey(type: ValType): boolean {
  const primitive = typeof type === "string" ? type : type.shape.kind === "primitive" ? type.shape.type : undefined;
  return primitive !== undefined && primitive !== "f32" && primitive !== "f64" && primitive !== "error-context";
}

/** Labels are in kebab case and unique, upper and lower case being the same. */
function checkLabels(scope: Scope, names: readonly string[], what: string, short: string, offset: number): void {
  const seen = new Map<string, string>();
  for (const name of names) {
    if (name === "") scope.invalid(`${what} name cannot be empty`, offset);
    if (!isKebab(name)) scope.invalid(`${what} name ${quoted(name)} is not in kebab case`, offset);
    const key = name.toLowerCase();
    const previous = seen.get(key);
    if (previous !== undefined) {
      scope.invalid(`${what} name ${quoted(name)} conflicts with previous ${short} name ${quoted(previous)}`, offset);
    }
    seen.set(key, name);
  }
}
