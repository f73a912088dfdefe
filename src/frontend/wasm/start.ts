/**
 * What runs while a component is being instantiated: whether start functions can see a table at all. Adapters that wit-component adds have a
 * start function, run before the module that fills the table of imports, which allocates a stack and reads no table.
 */

import type { Component, CoreFunc, CoreInstanceIndex } from "../../plan/component.ts";
import { BodyReaders } from "../../wasm/body-calls.ts";
import { resolveFunction } from "./constants.ts";

/** Follows calls from start functions. What was looked at once is not looked at again. */
export class StartScan {
  readonly #component: Component;
  readonly #readers = new BodyReaders();
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
    const { calls, indirect, readsTable } = this.#readers.calls(module, func);
    for (const index of calls) this.#reach(resolveFunction(this.#component, instance, index));
    return indirect || readsTable;
  }
}
