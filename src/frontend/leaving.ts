/**
 * Whether a call of a core function may come to one of the functions that ask whether their instance may leave (`may_leave` of the Canonical ABI: lowered
 * functions, adapters, built-ins). Where it can't, as in most allocators, nobody would see the flag, and it stays as it is around the call. Conservative:
 * a call through a table or a reference may come to anything, and so may what is too large to be looked at.
 */

import type { Component, CoreFunc } from "../plan/component.ts";
import { OperatorReader } from "../wasm/operators.ts";
import { coreFuncKey } from "./api.ts";
import { resolveFunction } from "./wasm/constants.ts";

/** Bytes of bodies that are read for one function. */
const MAX_BYTES = 1 << 16;

export class Leaving {
  readonly #component: Component;
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
      const [start, end] = [module.bodyStart[body] ?? 0, module.bodyEnd[body] ?? 0];
      left -= end - start;
      if (left < 0) return true;
      const reader = new OperatorReader(module.bytes);
      reader.startBody(start, end);
      while (!reader.atEnd) {
        reader.next();
        switch (reader.op) {
          case 0x10: // call
          case 0x12: // return_call
            open.push(resolveFunction(component, instance, reader.index));
            break;
          case 0x11: // call_indirect
          case 0x13: // return_call_indirect
          case 0x14: // call_ref
          case 0x15: // return_call_ref
            return true;
        }
      }
    }
    return false;
  }
}
