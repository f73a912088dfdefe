/**
 * What runs while a component is being instantiated: whether start functions can see a table at all. Adapters that wit-component adds have a
 * start function, run before the module that fills the table of imports, which allocates a stack and reads no table.
 */

import type { Component, CoreFunc, CoreInstanceIndex } from "../../plan/component.ts";
import { OperatorReader } from "../../wasm/operators.ts";
import { resolveFunction } from "./constants.ts";

/** Follows calls from start functions. What was looked at once is not looked at again. */
export class StartScan {
  readonly #component: Component;
  /** Instance → its functions that were reached. */
  readonly #seen = new Map<CoreInstanceIndex, Set<number>>();
  readonly #work: { readonly instance: CoreInstanceIndex; readonly func: number }[] = [];

  constructor(component: Component) {
    this.#component = component;
  }

  /**
   * Whether code that function `index` of the instance reaches, reads an element of any table, by an indirect call or otherwise. Code that
   * an earlier question reached is left out.
   */
  readsTables(instance: CoreInstanceIndex, index: number): boolean {
    this.#reach(resolveFunction(this.#component, instance, index));
    for (let next = this.#work.pop(); next !== undefined; next = this.#work.pop()) {
      if (this.#body(next.instance, next.func)) return true;
    }
    return false;
  }

  #reach(func: CoreFunc | undefined): void {
    if (func === undefined) return;
    switch (func.kind) {
      case "wasm": {
        let seen = this.#seen.get(func.instance);
        if (seen === undefined) {
          seen = new Set();
          this.#seen.set(func.instance, seen);
        }
        if (seen.has(func.func)) return;
        seen.add(func.func);
        this.#work.push(func);
        return;
      }
      case "lowered": {
        // The host can't enter a component that isn't complete, but what it returns is stored by `realloc`.
        const { options, callee } = this.#component.lowerings.get(func.index);
        this.#reach(options.realloc);
        if (callee.kind === "builtin") this.#reach(callee.func);
        return;
      }
      case "trampoline": {
        const trampoline = this.#component.trampolines.get(func.index);
        if (trampoline.kind !== "resource-drop") return;
        const resource = this.#component.resources.get(trampoline.resource);
        if (resource.kind !== "host") this.#reach(resource.destructor);
        return;
      }
      case "intrinsic":
        return;
    }
  }

  /** Whether the body reads a table itself; reaches what it calls. */
  #body(instance: CoreInstanceIndex, func: number): boolean {
    const { module } = this.#component.modules.get(this.#component.instances.get(instance).module);
    const body = func - module.importedFunctions;
    const reader = new OperatorReader(module.bytes);
    reader.startBody(module.bodyStart[body] ?? 0, module.bodyEnd[body] ?? 0);
    while (!reader.atEnd) {
      reader.next();
      switch (reader.op) {
        case 0x10: // call
        case 0x12: // return_call
          this.#reach(resolveFunction(this.#component, instance, reader.index));
          break;
        case 0x11: // call_indirect
        case 0x13: // return_call_indirect
        case 0x14: // call_ref
        case 0x15: // return_call_ref
        case 0x25: // table.get
        case 0x14e: // table.copy
          return true;
      }
    }
    return false;
  }
}
