/** Which functions of the built-in WASI use native intrinsics in their own body: what makes them trusted, not just their module's. */

import type { Component, CoreInstanceIndex } from "../plan/component.ts";
import { BodyReaders } from "../wasm/body-calls.ts";
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
  const readers = new BodyReaders();
  for (let func = module.importedFunctions; func < module.functions.length; func++) {
    if (readers.calls(module, func).calls.some((index) => isIntrinsic[index] === 1)) users[func] = 1;
  }
  return users;
}
