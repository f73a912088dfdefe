/**
 * Validates a decoded component (Component Model, "Type Checking" and the notes of the binary format): index spaces, types, instantiation
 * arguments, resource identities, names, canonical definitions, and every core module.
 *
 * Guarantees to translation that every index means something of the right sort and type. It accepts asynchronous types and built-ins;
 * whoever has to generate code for them refuses them. Stops at the first fault. Work is bounded by `limits.ts`.
 */

import { unreachable, WindlassError } from "../../base/diagnostics.ts";
import type { ModuleFacts, ValidatedModules } from "../../wasm/facts.ts";
import type { Module } from "../../wasm/module.ts";
import { validateModule } from "../../wasm/validate.ts";
import { insideComponent, quoted } from "../errors.ts";
import type { Alias, Definition, ParsedComponent } from "../parsed.ts";
import { CanonValidator } from "./canon.ts";
import { moduleTypeOf } from "./core.ts";
import { claimName, registerNames } from "./externs.ts";
import { TypeFactory } from "./factory.ts";
import { InstanceValidator } from "./instances.ts";
import type { ComponentType, ExternType } from "./model.ts";
import { Scope } from "./scope.ts";
import { Subtyping } from "./subtype.ts";
import { exportedResources, freshInstance, TypeValidator } from "./types.ts";

export interface ValidatedComponent {
  /** Of every core module, in the order in which they are in the input. */
  readonly modules: ValidatedModules;
}

export interface ValidateOptions {
  /** Validates one core module. Default: all of it, here and now. */
  readonly module?: (module: Module) => ModuleFacts;
}

/** Validates the component and all that is inside. Throws `WindlassError`: `invalid`, `unsupported` or `limit`. */
export function validateComponent(component: ParsedComponent, options: ValidateOptions = {}): ValidatedComponent {
  const validator = new ComponentValidator(component, options.module ?? validateModule);
  validator.component(component, undefined);
  return { modules: validator.modules };
}

class ComponentValidator {
  readonly modules = new Map<Module, ModuleFacts>();
  readonly #validateModule: (module: Module) => ModuleFacts;
  readonly #factory = new TypeFactory();
  readonly #subtyping = new Subtyping(this.#factory);
  readonly #types = new TypeValidator(this.#factory);
  readonly #instances = new InstanceValidator(this.#factory);
  readonly #canon: CanonValidator;

  constructor(root: ParsedComponent, validateOne: (module: Module) => ModuleFacts) {
    this.#validateModule = validateOne;
    this.#canon = new CanonValidator(this.#factory, this.#types, root.interner);
  }

  component(component: ParsedComponent, parent: Scope | undefined): ComponentType {
    const scope = new Scope("component", parent, component.path, component.interner);
    let modules = 0;
    for (const definition of component.definitions) {
      if (definition.kind === "core-module") this.#coreModule(scope, definition.module, modules++);
      else this.#define(scope, definition);
    }
    const { imports, exports, importedResources, bound } = scope;
    return scope.at(component.start, () =>
      this.#factory.component(imports.items, exports.items, importedResources, bound),
    );
  }

  #coreModule(scope: Scope, module: Module, index: number): void {
    const path = [...scope.path, `core module ${index}`];
    try {
      this.modules.set(module, this.#validateModule(module));
    } catch (error) {
      throw error instanceof WindlassError ? insideComponent(error, path) : error;
    }
    scope.at(module.start, () => scope.modules.push(moduleTypeOf(module)));
  }

  #define(scope: Scope, definition: Exclude<Definition, { kind: "core-module" }>): void {
    const { offset } = definition;
    switch (definition.kind) {
      case "core-instance":
        scope.coreInstances.push(this.#instances.core(scope, definition.expr, offset));
        return;
      case "core-type":
        this.#types.coreType(scope, definition.type, offset);
        return;
      case "component":
        scope.components.push(this.component(definition.component, scope));
        return;
      case "instance":
        scope.instances.push(this.#instances.instance(scope, definition.expr, offset));
        return;
      case "alias":
        this.#alias(scope, definition.alias, offset);
        return;
      case "type":
        scope.types.push(this.#types.type(scope, definition.type, offset));
        return;
      case "canon":
        scope.at(offset, () => this.#canon.canon(scope, definition.canon, offset));
        return;
      case "import": {
        const { name, desc } = definition;
        const item = this.#types.described(scope, desc, name.name, "import", offset);
        claimName(scope, scope.imports, name, item, "import");
        scope.at(offset, () => registerNames(this.#factory, scope, "import", name, item));
        scope.imports.items.set(name.name, item);
        scope.push(item, name.name);
        return;
      }
      case "export":
        this.#export(scope, definition);
        return;
      default:
        unreachable(definition);
    }
  }

  #alias(scope: Scope, alias: Alias, offset: number): void {
    if (alias.kind !== "core-export") {
      if (alias.kind === "export" && alias.sort.startsWith("core-") && alias.sort !== "core-module") {
        scope.invalid(`an instance does not export a ${alias.sort.replace("-", " ")}`, offset);
      }
      this.#types.alias(scope, alias, offset);
      return;
    }
    const instance = scope.lookup(scope.coreInstances, "core instance", alias.instance, offset);
    const item = instance.get(alias.name);
    if (item === undefined) {
      return scope.invalid(`core instance ${alias.instance} has no export named ${quoted(alias.name)}`, offset);
    }
    if (`core-${item.kind}` !== alias.sort) {
      const message = `export ${quoted(alias.name)} for core instance ${alias.instance} is not a ${alias.sort.replace("core-", "")}`;
      return scope.invalid(message, offset);
    }
    if (item.kind === "func") scope.coreFuncNames.set(scope.coreFuncs.length, alias.name);
    scope.pushCore(item);
  }

  #export(scope: Scope, definition: Extract<Definition, { kind: "export" }>): void {
    const { name, item: reference, desc, offset } = definition;
    let item = scope.item(reference.sort, reference.index, offset);
    if (desc !== undefined) {
      const ascribed = this.#ascribe(scope, item, definition);
      if (typeof ascribed === "string") {
        scope.invalid(`ascribed type of export is not compatible with item's type: ${ascribed}`, offset);
      }
      item = ascribed;
    } else if (item.kind === "type") item = { kind: "type", type: this.#factory.renamed(item.type) };
    claimName(scope, scope.exports, name, item, "export");
    scope.at(offset, () => {
      registerNames(this.#factory, scope, "export", name, item);
      const found = (resource: Parameters<Scope["exportResource"]>[0], path: readonly string[]) =>
        scope.exportResource(resource, path);
      exportedResources(this.#factory, new Map([[name.name, item]]), [], found);
    });
    scope.exports.items.set(name.name, item);
    scope.push(item, name.name);
  }

  /** The item with the type that an export gives it; or why it has not that type. */
  #ascribe(
    scope: Scope,
    item: ExternType,
    { name, desc, offset }: Extract<Definition, { kind: "export" }>,
  ): ExternType | string {
    return scope.at(offset, (): ExternType | string => {
      if (desc === undefined) return item;
      if (desc.kind === "type" && desc.eq === undefined) {
        if (item.kind !== "type" || item.type.sort !== "resource") return "expected resource";
        return { kind: "type", type: this.#factory.resourceType(this.#factory.resource(name.name)) };
      }
      if (desc.kind === "instance") {
        const expected = scope.instanceType(desc.type, offset);
        if (item.kind !== "instance") return `expected instance, found ${item.kind}`;
        const mismatch = this.#subtyping.instance(item.type.exports, expected);
        if (mismatch !== undefined) return mismatch;
        return { kind: "instance", type: freshInstance(this.#factory, expected, () => undefined) };
      }
      const expected = this.#types.described(scope, desc, name.name, "export", offset);
      return this.#subtyping.extern(item, expected) ?? expected;
    });
  }
}
