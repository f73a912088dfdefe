/** Instances: arguments match imports, and what the instance then exports (Component Model, "Instance Definitions"). */

import { quoted } from "../errors.ts";
import type { CoreInstanceExpr, CoreSort, InstanceExpr } from "../parsed.ts";
import { uniquenessKey } from "../names.ts";
import { coreMismatch } from "./core.ts";
import { claimName } from "./externs.ts";
import type { TypeFactory } from "./factory.ts";
import {
  type ComponentType,
  type CoreExtern,
  type CoreInstanceType,
  type Externs,
  type ExternType,
  externKindName,
  type InstanceType,
  sortName,
} from "./model.ts";
import { NameSpace, type Scope } from "./scope.ts";
import { Substitution } from "./substitute.ts";
import { Subtyping } from "./subtype.ts";
import { witOfExtern } from "./wit.ts";

export class InstanceValidator {
  readonly #factory: TypeFactory;
  readonly #subtyping: Subtyping;

  constructor(factory: TypeFactory) {
    this.#factory = factory;
    this.#subtyping = new Subtyping(factory);
  }

  // Core instances

  core(scope: Scope, expr: CoreInstanceExpr, offset: number): CoreInstanceType {
    return expr.kind === "exports"
      ? this.#coreExports(scope, expr, offset)
      : this.#coreInstantiate(scope, expr, offset);
  }

  #coreExports(scope: Scope, expr: Extract<CoreInstanceExpr, { kind: "exports" }>, offset: number): CoreInstanceType {
    const exports = new Map<string, CoreExtern>();
    for (const { name, sort, index } of expr.exports) {
      if (exports.has(name)) scope.invalid(`export name ${quoted(name)} already defined`, offset);
      exports.set(name, this.#coreItem(scope, sort, index, offset));
    }
    return exports;
  }

  #coreItem(scope: Scope, sort: CoreSort, index: number, offset: number): CoreExtern {
    switch (sort) {
      case "func":
        return scope.coreFunc(index, offset);
      case "table":
        return scope.lookup(scope.coreTables, "table", index, offset);
      case "memory":
        return scope.lookup(scope.coreMemories, "memory", index, offset);
      case "global":
        return scope.lookup(scope.coreGlobals, "global", index, offset);
      case "tag":
        return scope.lookup(scope.coreTags, "tag", index, offset);
      case "type":
      case "module":
      case "instance":
        return scope.fail("unsupported", `core instances that export a ${sort}`, offset);
    }
  }

  #coreInstantiate(
    scope: Scope,
    expr: Extract<CoreInstanceExpr, { kind: "instantiate" }>,
    offset: number,
  ): CoreInstanceType {
    const module = scope.lookup(scope.modules, "module", expr.module, offset);
    const args = new Map<string, { readonly type: CoreInstanceType; readonly index: number }>();
    for (const { name, instance } of expr.args) {
      if (args.has(name)) scope.invalid(`duplicate module instantiation argument named ${quoted(name)}`, offset);
      args.set(name, { type: scope.lookup(scope.coreInstances, "core instance", instance, offset), index: instance });
    }
    scope.at(offset, () => this.#factory.step(1 + module.imports.length));
    for (const { module: from, name, type } of module.imports) {
      const arg = args.get(from);
      if (arg === undefined) {
        return scope.invalid(`missing module instantiation argument named ${quoted(from)}`, offset);
      }
      const given = arg.type.get(name);
      if (given === undefined) {
        const message = `module instantiation argument ${quoted(from)} does not export an item named ${quoted(name)}`;
        return scope.invalid(message, offset);
      }
      const mismatch = coreMismatch(given, type);
      if (mismatch !== undefined) {
        scope.invalid(
          `type mismatch for export ${quoted(name)} of module instantiation argument ${quoted(from)}: ${mismatch}`,
          offset,
        );
      }
    }
    return module.exports;
  }

  // Component instances

  instance(scope: Scope, expr: InstanceExpr, offset: number): InstanceType {
    return scope.at(offset, () =>
      expr.kind === "exports" ? this.#exports(scope, expr, offset) : this.#instantiateExpr(scope, expr, offset),
    );
  }

  #exports(scope: Scope, expr: Extract<InstanceExpr, { kind: "exports" }>, offset: number): InstanceType {
    const space = new NameSpace();
    const exports = new Map<string, ExternType>();
    for (const { name, sort, index } of expr.exports) {
      const item = scope.item(sort, index, offset);
      // Nothing in a synthesized instance can be named by what is in it, so no annotated name fits.
      claimName(scope, space, name, item, "export");
      exports.set(name.name, item);
    }
    return this.#factory.instance(exports, []);
  }

  #instantiateExpr(scope: Scope, expr: Extract<InstanceExpr, { kind: "instantiate" }>, offset: number): InstanceType {
    const component = scope.lookup(scope.components, "component", expr.component, offset);
    const args = new Map<string, ExternType>();
    const keys = new Map<string, string>();
    for (const { name, sort, index } of expr.args) {
      const key = uniquenessKey(name);
      const previous = keys.get(key);
      if (previous !== undefined) {
        const message = `instantiation argument ${quoted(name)} conflicts with previous argument ${quoted(previous)}`;
        scope.invalid(message, offset);
      }
      keys.set(key, name);
      args.set(name, scope.item(sort, index, offset));
    }
    return this.#instantiate(scope, component, args, offset);
  }

  #instantiate(scope: Scope, component: ComponentType, args: Externs, offset: number): InstanceType {
    this.#factory.step(1 + component.imports.size);
    for (const [name, wanted] of component.imports) {
      const given = args.get(name);
      if (given === undefined) {
        return scope.invalid(`missing import named ${quoted(name)}, ${witOfExtern(wanted)}`, offset);
      }
      if (given.kind !== wanted.kind) {
        this.#mismatch(scope, name, `expected ${externKindName(wanted)}, found ${externKindName(given)}`, offset);
      }
      if (given.kind === "type" && wanted.kind === "type" && given.type.sort !== wanted.type.sort) {
        this.#mismatch(scope, name, `expected ${sortName(wanted.type)}, found ${sortName(given.type)}`, offset);
      }
      if (given.kind === "instance" && wanted.kind === "instance") {
        const missing = this.#subtyping.shape(given.type.exports, wanted.type.exports);
        if (missing !== undefined) this.#mismatch(scope, name, missing, offset);
      }
    }
    // What is given for the imported resources; arguments are checked against imports with these in them.
    const expected = new Substitution(this.#factory);
    const unmatched = this.#subtyping.match(component.importedResources, args, expected);
    if (unmatched !== undefined) scope.invalid(unmatched, offset);
    for (const [name, wanted] of component.imports) {
      const given = args.get(name);
      if (given === undefined) continue;
      const mismatch = this.#subtyping.extern(given, expected.extern(wanted));
      if (mismatch !== undefined) this.#mismatch(scope, name, mismatch, offset);
    }
    // In what it exports, imported types are those that were given, with their names.
    const made = new Substitution(this.#factory);
    this.#subtyping.match(component.importedResources, args, made);
    this.#identify(component.imports, args, made);
    made.refresh(component.bound);
    return this.#factory.instance(made.externs(component.exports), []);
  }

  #mismatch(scope: Scope, name: string, message: string, offset: number): never {
    return scope.invalid(`type mismatch for component instantiation argument ${quoted(name)}: ${message}`, offset);
  }

  /** Types that are imported become the types given for them. */
  #identify(imports: Externs, args: Externs, into: Substitution): void {
    this.#factory.step(imports.size);
    for (const [name, wanted] of imports) {
      const given = args.get(name);
      if (given === undefined) continue;
      if (wanted.kind === "type" && given.kind === "type") into.mapType(wanted.type, given.type);
      else if (wanted.kind === "instance" && given.kind === "instance") {
        this.#identify(wanted.type.exports, given.type.exports, into);
        into.mapType(wanted.type, given.type);
      }
    }
  }
}
