/**
 * Whether a call of a core function may come to one of the functions that ask whether their instance may leave (`may_leave` of the Canonical ABI: lowered
 * functions, adapters, built-ins). Where it can't, as in most allocators, nobody would see the flag, and it stays as it is around the call. Conservative:
 * a call through a table or a reference may come to anything, and so may what is too large to be looked at.
 */

import type { Component, CoreFunc } from "../plan/component.ts";
import { BodyReaders } from "../wasm/body-calls.ts";
import { coreFuncKey } from "./api.ts";
import { resolveFunction } from "./wasm/constants.ts";

/** Bytes of bodies that are read for one function. */
const MAX_BYTES = 1 << 16;

export class Leaving {
  readonly #component: Component;
  readonly #readers = new BodyReaders();
  readonly #known = new Map<string, boolean>();

  constructor(component: Component) {
    this.#component = component;
  }

  mayLeave(func: CoreFunc): boolean {
    const key = coreFuncKey(func);
    let may = this.#known.get(key);
    if (may === undefined) {
      may = this.#find(func);
      this.#known.set(key, may);
    }
    return may;
  }

  #find(root: CoreFunc): boolean {
    const component = this.#component;
    const seen = new Set<string>();
    const open: CoreFunc[] = [root];
    let left = MAX_BYTES;
    for (let func = open.pop(); func !== undefined; func = open.pop()) {
      if (func.kind !== "wasm") return true;
      const key = coreFuncKey(func);
      if (seen.has(key)) continue;
      seen.add(key);
      const { instance } = func;
      const { module } = component.modules.get(component.instances.get(instance).module);
      const body = func.func - module.importedFunctions;
      left -= (module.bodyEnd[body] ?? 0) - (module.bodyStart[body] ?? 0);
      if (left < 0) return true;
      const { calls, indirect } = this.#readers.calls(module, func.func);
      if (indirect) return true;
      for (const index of calls) open.push(resolveFunction(component, instance, index));
    }
    return false;
  }
}
