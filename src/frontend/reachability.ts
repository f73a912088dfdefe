/**
 * Which wasm functions can run at all: what entries, instantiation, tables, trampolines and their callees lead to. Everything else is
 * not compiled, so that a component pays for the functions of the built-in WASI that it uses, and of a library for what it calls.
 *
 * Conservative: a function in an element segment of an instance, or named by `ref.func`, counts as called. The validator knows what each
 * body calls; a body of a module that it did not see is read once: linear in the code.
 */

import type { Component, CoreFunc, CoreInstanceIndex } from "../plan/component.ts";
import { BodyReaders } from "../wasm/body-calls.ts";
import type { ValidatedModules } from "../wasm/facts.ts";
import { visitNamedFunctions } from "../wasm/named-functions.ts";
import { resolveFunction } from "./wasm/constants.ts";

/** For each core instance: a flag per function of its module (imported ones stay 0). Plain data: it can be sent to a worker. */
export type Reachable = readonly Uint8Array[];

class Scan {
  readonly reachable: readonly Uint8Array[];
  readonly #component: Component;
  readonly #instances: CoreInstanceIndex[] = [];
  readonly #functions: number[] = [];
  readonly #validated: ValidatedModules | undefined;

  constructor(component: Component, validated: ValidatedModules | undefined) {
    this.#component = component;
    this.#validated = validated;
    this.reachable = component.instances
      .values()
      .map(({ module }) => new Uint8Array(component.modules.get(module).module.functions.length));
  }

  add(func: CoreFunc): void {
    if (func.kind !== "wasm") return;
    const flags = this.reachable[func.instance];
    if (flags === undefined || flags[func.func] !== 0) return;
    flags[func.func] = 1;
    this.#instances.push(func.instance);
    this.#functions.push(func.func);
  }

  addIndex(instance: CoreInstanceIndex, func: number): void {
    this.add(resolveFunction(this.#component, instance, func));
  }

  /** What instantiation of `instance` calls or puts where code can reach it. */
  addInstance(instance: CoreInstanceIndex): void {
    const { module } = this.#component.modules.get(this.#component.instances.get(instance).module);
    // Of what a segment only declares, ref.func in a body is what counts.
    const segments = module.elements.filter(({ mode }) => mode.kind !== "declared");
    visitNamedFunctions(module, (func) => this.addIndex(instance, func), segments);
    if (module.startFunction !== undefined) this.addIndex(instance, module.startFunction);
  }

  run(): void {
    const readers = new BodyReaders();
    for (;;) {
      const instance = this.#instances.pop();
      const func = this.#functions.pop();
      if (instance === undefined || func === undefined) return;
      const { module } = this.#component.modules.get(this.#component.instances.get(instance).module);
      const facts = this.#validated?.get(module);
      if (facts !== undefined) {
        for (const index of facts.mentions[func - module.importedFunctions] ?? []) this.addIndex(instance, index);
      } else {
        const { calls, references } = readers.calls(module, func);
        for (const index of calls) this.addIndex(instance, index);
        for (const index of references) this.addIndex(instance, index);
      }
    }
  }
}

/** `roots`: what entries and support code call. The plan must be valid. */
export function findReachable(
  component: Component,
  roots: Iterable<CoreFunc>,
  validated?: ValidatedModules,
): Reachable {
  const scan = new Scan(component, validated);
  for (const root of roots) scan.add(root);
  for (const { instance } of component.initializers) scan.addInstance(instance);
  for (const { callee, options } of component.lowerings) {
    if (callee.kind === "builtin") scan.add(callee.func);
    if (options.realloc !== undefined) scan.add(options.realloc);
  }
  for (const trampoline of component.trampolines) {
    if (trampoline.kind !== "adapter") continue;
    const { callee, options } = trampoline;
    for (const func of [callee.core, callee.options.realloc, callee.options.postReturn, options.realloc]) {
      if (func !== undefined) scan.add(func);
    }
  }
  for (const resource of component.resources) {
    if (resource.kind !== "host" && resource.destructor !== undefined) scan.add(resource.destructor);
  }
  scan.run();
  return scan.reachable;
}
