/**
 * Core instances of a script in one plan: imports are resolved through registered names and checked as the standard's linker does (Wasm 3.0
 * §4.6.5). Whether a memory or table is large enough may depend on what ran before: that is asked when the instance is made.
 */

import type { Component, CoreFunc, CoreInstanceIndex, MemoryIndex, TableIndex } from "../../src/plan/component.ts";
import { signatureOf } from "../../src/plan/signatures.ts";
import { PlanBuilder } from "../../src/translate/builder.ts";
import type { CoreItem } from "../../src/translate/environment.ts";
import {
  globalTypeMatches,
  memoryTypeMatches,
  tableTypeMatches,
  tagTypeMatches,
  typeMatches,
} from "../../src/wasm/matching.ts";
import type { Import, Module } from "../../src/wasm/module.ts";
import type { TypeInterner } from "../../src/wasm/type-interner.ts";
import type { FuncType } from "../../src/wasm/types.ts";

/** A memory or table must have this many pages or elements when the instance is made. */
export interface SizeCheck {
  readonly item:
    | { readonly sort: "memory"; readonly index: MemoryIndex }
    | { readonly sort: "table"; readonly index: TableIndex };
  readonly min: number;
}

export interface LinkedInstance {
  readonly index: CoreInstanceIndex;
  readonly module: Module;
  readonly checks: readonly SizeCheck[];
}

/** What a registered name stands for. */
export type Provider = (name: string) => { readonly item: CoreItem } | undefined;

export class LinkError extends Error {}

export class ScriptLinker {
  readonly #builder: PlanBuilder;

  constructor(interner: TypeInterner, bounds: "guard" | "explicit") {
    this.#builder = new PlanBuilder({ hostAbi: () => "flat", bounds }, interner);
  }

  /** Throws `LinkError` when an import is missing or has another type, `WindlassError` when a limit is passed. */
  instantiate(module: Module, registered: ReadonlyMap<string, Provider>): LinkedInstance {
    const checks: SizeCheck[] = [];
    const items = new Map<Import, CoreItem>();
    for (const wanted of module.imports) {
      const found = registered.get(wanted.module)?.(wanted.name);
      if (found === undefined) throw new LinkError(`unknown import ${wanted.module}.${wanted.name}`);
      if (!this.#matches(found.item, wanted, module, checks)) {
        throw new LinkError(`incompatible import type ${wanted.module}.${wanted.name}`);
      }
      items.set(wanted, found.item);
    }
    const resolve = (wanted: Import): CoreItem => {
      const item = items.get(wanted);
      if (item === undefined) throw new LinkError("an import was not resolved");
      return item;
    };
    const index = this.#builder.instantiate(module, false, resolve, [], 0);
    return { index, module, checks };
  }

  exportOf({ index, module }: LinkedInstance, name: string): CoreItem | undefined {
    return this.#builder.coreExport({ kind: "instantiated", instance: index, module }, name);
  }

  #moduleOf(instance: CoreInstanceIndex): Module {
    return this.#builder.modules.get(this.#builder.instances.get(instance).module).module;
  }

  /** Types are those of the definition, wherever it is exported from. */
  #matches(item: CoreItem, { desc }: Import, module: Module, checks: SizeCheck[]): boolean {
    const b = this.#builder;
    switch (item.sort) {
      case "func": {
        if (desc.kind !== "func" || item.func.kind !== "wasm") return false;
        const owner = this.#moduleOf(item.func.instance);
        return typeMatches(owner.functions[item.func.func] ?? -1, owner, desc.type, module);
      }
      case "table": {
        if (desc.kind !== "table") return false;
        const { type, instance } = b.tables.get(item.index);
        if (type.min < desc.type.min) checks.push({ item, min: desc.type.min });
        const current = { ...type, min: Math.max(type.min, desc.type.min) };
        return tableTypeMatches(current, this.#moduleOf(instance), desc.type, module);
      }
      case "memory": {
        if (desc.kind !== "memory") return false;
        const { type } = b.memories.get(item.index);
        if (type.min < desc.type.min) checks.push({ item, min: desc.type.min });
        return memoryTypeMatches({ ...type, min: Math.max(type.min, desc.type.min) }, desc.type);
      }
      case "global": {
        if (desc.kind !== "global") return false;
        const { type, instance } = b.globals.get(item.index);
        return globalTypeMatches(type, this.#moduleOf(instance), desc.type, module);
      }
      case "tag": {
        if (desc.kind !== "tag") return false;
        const { instance, index } = b.tags.get(item.index);
        const owner = this.#moduleOf(instance);
        const type = owner.tags[index]?.type;
        return type !== undefined && tagTypeMatches(type, owner, desc.type, module);
      }
    }
  }

  typeOf(func: CoreFunc): FuncType {
    const component = this.plan();
    const signature = signatureOf(component, func);
    if (signature === undefined) throw new LinkError("the function has no signature");
    return component.signatures.get(signature);
  }

  /** The plan of all instances that were made. */
  plan(): Component {
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
      exports: new Map(),
      core: undefined,
      builtin: undefined,
    };
  }
}
