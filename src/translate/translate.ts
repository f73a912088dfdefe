/**
 * From the nested component to the flat plan: an abstract interpretation of instantiation.
 *
 * Receives a validated component. Each instance of a component is evaluated with an environment of its own, definition by definition, so that what
 * is instantiated twice is in the plan twice, and aliases, instances and closures are gone. What remains of core imports is which function,
 * memory, table, global or tag they are. What can't be compiled yet is refused by name where it is used.
 */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import { componentError } from "../component/errors.ts";
import type {
  Alias,
  CoreInstanceExpr,
  Definition,
  InstanceExpr,
  ParsedComponent,
  TypeDef,
} from "../component/parsed.ts";
import type { Component, ComponentExport, HostAbi, RuntimeComponentInstanceIndex } from "../plan/component.ts";
import { PlanBuilder } from "./builder.ts";
import { CanonicalDefinitions } from "./canon.ts";
import { coreFunc, coreItem } from "./core-items.ts";
import { type CoreInstanceValue, type CoreItem, type InstanceValue, type Item, Scope } from "./environment.ts";
import { ExportTree } from "./exports.ts";
import { Builtin, HostImports } from "./host.ts";
import { hostAbiOf } from "./host-abis.ts";
import { evaluateType, itemAt, resolveAlias } from "./types.ts";

/** How deep instantiations may be inside each other. Bounds recursion. */
export const MAX_INSTANTIATION_DEPTH = 200;

export interface TranslateOptions {
  /** The host ABI of imports that the built-in WASI does not serve. Default `dynamic`. */
  readonly hostAbi?: HostAbi;
  /** Exceptions: by the import's name (all of an interface, or a function of the world) or path (`acme:log/types write`). */
  readonly importAbis?: ReadonlyMap<string, HostAbi>;
  /** `guard`: guard pages instead of bounds checks where the memory allows it. Default `guard`. */
  readonly bounds?: "guard" | "explicit";
  /** The built-in WASI's core module. Without it every import is the host's. */
  readonly builtin?: { readonly bytes: Uint8Array };
  /** False: imports that the built-in WASI does not serve are errors. Default true. */
  readonly hostImports?: boolean;
}

/** Translates a validated component. Throws `WindlassError`: `unsupported`, `unlinkable` or `limit`. */
export function translate(component: ParsedComponent, options: TranslateOptions = {}): Component {
  return new Translator(component, options).plan();
}

class Translator {
  readonly #root: ParsedComponent;
  readonly #builder: PlanBuilder;
  readonly #builtin: Builtin | undefined;
  readonly #host: HostImports;
  readonly #canon: CanonicalDefinitions;
  #depth = 0;

  constructor(root: ParsedComponent, options: TranslateOptions) {
    this.#root = root;
    const { hostAbi = "dynamic", bounds = "guard", hostImports = true, builtin, importAbis } = options;
    this.#builder = new PlanBuilder({ hostAbi: hostAbiOf(hostAbi, importAbis), bounds }, root.interner);
    const importsWasi = root.definitions.some((d) => d.kind === "import" && d.name.name.startsWith("wasi:"));
    this.#builtin = builtin !== undefined && importsWasi ? new Builtin(this.#builder, builtin.bytes) : undefined;
    this.#host = new HostImports(this.#builder, this.#builtin, { hostImports, offersWasi: builtin !== undefined });
    this.#canon = new CanonicalDefinitions(this.#builder);
  }

  plan(): Component {
    const exported = this.#instantiate(this.#root, undefined, undefined, undefined, 0);
    const tree = new ExportTree([], (func, name, offset) => this.#canon.reexport(func, name, offset));
    const exports = new Map<string, ComponentExport>();
    for (const [name, { item, offset }] of exported) exports.set(name, tree.make(name, item, offset));
    const b = this.#builder;
    return {
      types: b.types,
      modules: b.modules,
      instances: b.instances,
      signatures: b.signatures,
      memories: b.memories,
      tables: b.tables,
      globals: b.globals,
      tags: b.tags,
      imports: b.imports,
      importedTypes: b.importedTypes,
      lowerings: b.lowerings,
      trampolines: b.trampolines,
      resources: b.resources,
      componentInstances: b.componentInstances,
      initializers: b.initializers,
      exports,
      core: undefined,
      builtin: this.#builtin?.instance,
    };
  }

  /**
   * Evaluates one instance of `component`, defined in `parent`; `instantiator` and `args` are undefined for the root. Returns what it exports.
   */
  #instantiate(
    component: ParsedComponent,
    parent: Scope | undefined,
    instantiator: RuntimeComponentInstanceIndex | undefined,
    args: ReadonlyMap<string, Item> | undefined,
    offset: number,
  ): Map<string, { readonly item: Item; readonly offset: number }> {
    if (this.#depth >= MAX_INSTANTIATION_DEPTH) {
      const message = `instantiations inside each other exceed the limit of ${MAX_INSTANTIATION_DEPTH}`;
      throw componentError("limit", message, component.path, offset);
    }
    this.#depth++;
    const instance = this.#builder.componentInstance(component.path, instantiator, offset);
    const scope = new Scope(parent, instance, component.path);
    const exports = new Map<string, { readonly item: Item; readonly offset: number }>();
    for (const definition of component.definitions) {
      this.#builder.countDefinition(component.path, definition.offset);
      if (definition.kind === "export") {
        const item = this.#item(scope, definition.item.sort, definition.item.index);
        exports.set(definition.name.name, { item, offset: definition.offset });
        scope.push(item);
        this.#nameResource(item, definition.name.name, instance);
      } else if (definition.kind === "import") {
        scope.push(this.#import(scope, definition, args));
      } else this.#define(scope, instance, definition);
    }
    this.#depth--;
    return exports;
  }

  #item(scope: Scope, sort: Parameters<typeof itemAt>[1], index: number): Item {
    const item = itemAt(scope, sort, index);
    if (item === undefined) throw new InternalError("translate", `${sort} ${index} is not in scope`);
    return item;
  }

  #import(
    scope: Scope,
    definition: Extract<Definition, { kind: "import" }>,
    args: ReadonlyMap<string, Item> | undefined,
  ): Item {
    const { name, desc, offset } = definition;
    if (args === undefined) return this.#host.import(scope, name.name, desc, offset);
    const item = args.get(name.name);
    if (item === undefined) throw new InternalError("translate", `no argument for import ${name.name}`);
    return item;
  }

  #define(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    definition: Exclude<Definition, { kind: "import" | "export" }>,
  ): void {
    const { offset } = definition;
    switch (definition.kind) {
      case "core-module":
        scope.modules.push(definition.module);
        return;
      case "core-type":
        return;
      case "core-instance":
        this.#builder.countDefinition(scope.path, offset, partsOf(definition.expr));
        scope.coreInstances.push(this.#coreInstance(scope, definition.expr, offset));
        return;
      case "component":
        scope.components.push({ component: definition.component, scope });
        return;
      case "instance":
        this.#builder.countDefinition(scope.path, offset, partsOf(definition.expr));
        scope.instances.push(this.#instance(scope, definition.expr, offset));
        return;
      case "alias":
        this.#alias(scope, definition.alias);
        return;
      case "type":
        scope.types.push(this.#type(scope, instance, definition.type));
        return;
      case "canon":
        this.#canon.define(scope, instance, definition.canon, offset);
        return;
      default:
        unreachable(definition);
    }
  }

  #alias(scope: Scope, alias: Alias): void {
    if (alias.kind === "core-export") {
      const value = scope.coreInstances[alias.instance];
      const item = value && this.#builder.coreExport(value, alias.name);
      if (item === undefined) {
        throw new InternalError("translate", `core instance ${alias.instance} exports no ${alias.name}`);
      }
      scope.pushCore(item);
    } else if (alias.sort !== "core-type") scope.push(resolveAlias(scope, alias));
  }

  #type(scope: Scope, instance: RuntimeComponentInstanceIndex, def: TypeDef) {
    if (def.kind !== "resource") return evaluateType(this.#builder.types, scope, def);
    const { resources } = this.#builder;
    const destructor = def.destructor === undefined ? undefined : coreFunc(scope, def.destructor);
    const name = `resource${resources.size}`;
    return { kind: "resource", resource: resources.push({ kind: "defined", name, instance, destructor }) } as const;
  }

  /** A resource has the name under which its component first exports it. */
  #nameResource(item: Item, name: string, instance: RuntimeComponentInstanceIndex): void {
    if (item.sort !== "type" || item.type.kind !== "resource") return;
    const { resources } = this.#builder;
    const known = resources.get(item.type.resource);
    if (known.kind === "defined" && known.instance === instance && known.name === `resource${item.type.resource}`) {
      resources.set(item.type.resource, { ...known, name });
    }
  }

  // Instances

  #coreInstance(scope: Scope, expr: CoreInstanceExpr, offset: number): CoreInstanceValue {
    if (expr.kind === "exports") {
      const items = new Map<string, CoreItem>();
      for (const { name, sort, index } of expr.exports) items.set(name, coreItem(scope, sort, index));
      return { kind: "exports", items };
    }
    const module = scope.modules[expr.module];
    if (module === undefined) throw new InternalError("translate", `core module ${expr.module} is not in scope`);
    const args = new Map(expr.args.map((arg) => [arg.name, scope.coreInstances[arg.instance]]));
    const instance = this.#builder.instantiate(
      module,
      false,
      (wanted) => {
        const from = args.get(wanted.module);
        const item = from && this.#builder.coreExport(from, wanted.name);
        if (item === undefined) throw new InternalError("translate", `no ${wanted.module} ${wanted.name} to import`);
        return item;
      },
      scope.path,
      offset,
    );
    return { kind: "instantiated", instance, module };
  }

  #instance(scope: Scope, expr: InstanceExpr, offset: number): InstanceValue {
    if (expr.kind === "exports") {
      const items = new Map<string, Item>();
      for (const { name, sort, index } of expr.exports) items.set(name.name, this.#item(scope, sort, index));
      return { items };
    }
    const value = scope.components[expr.component];
    if (value === undefined) throw new InternalError("translate", `component ${expr.component} is not in scope`);
    const args = new Map(expr.args.map((arg) => [arg.name, this.#item(scope, arg.sort, arg.index)]));
    const exports = this.#instantiate(value.component, value.scope, scope.instance, args, offset);
    return { items: new Map([...exports].map(([name, { item }]) => [name, item])) };
  }
}

function partsOf(expr: CoreInstanceExpr | InstanceExpr): number {
  return expr.kind === "exports" ? expr.exports.length : expr.args.length;
}
