/** Which functions of the built-in WASI use native intrinsics in their own body: what makes them trusted, not just their module's. */

import type { Component, CoreInstanceIndex } from "../plan/component.ts";
import { OperatorReader } from "../wasm/operators.ts";
import { resolveFunction } from "./wasm/constants.ts";

export class IntrinsicUsers {
  readonly #component: Component;
  readonly #known = new Map<CoreInstanceIndex, Uint8Array>();

  constructor(component: Component) {
    this.#component = component;
  }

  has(instance: CoreInstanceIndex, func: number): boolean {
    const component = this.#component;
    if (!component.modules.get(component.instances.get(instance).module).trusted) return false;
    let users = this.#known.get(instance);
    if (users === undefined) {
      users = scan(component, instance);
      this.#known.set(instance, users);
    }
    return users[func] === 1;
  }
}

/** Flags by function. */
function scan(component: Component, instance: CoreInstanceIndex): Uint8Array {
  const { module } = component.modules.get(component.instances.get(instance).module);
  const users = new Uint8Array(module.functions.length);
  const isIntrinsic = module.functions
    .slice(0, module.importedFunctions)
    .map((_, i) => (resolveFunction(component, instance, i).kind === "intrinsic" ? 1 : 0));
  const reader = new OperatorReader(module.bytes);
  for (let body = 0; body < module.bodyStart.length; body++) {
    reader.startBody(module.bodyStart[body] ?? 0, module.bodyEnd[body] ?? 0);
    while (!reader.atEnd) {
      reader.next();
      if ((reader.op !== 0x10 && reader.op !== 0x12) || isIntrinsic[reader.index] !== 1) continue; // call, return_call
      users[module.importedFunctions + body] = 1;
      break;
    }
  }
  return users;
}
