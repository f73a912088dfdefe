/** What the root component exports, as the tree that the plan has. */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import { componentError, quoted } from "../component/errors.ts";
import type { ComponentExport, LiftedFunction } from "../plan/component.ts";
import { type HostFunc, type InstanceValue, type Item, namedType } from "./environment.ts";

/** Leaves of the tree of exports, which may share parts and so be larger than the input. */
export const MAX_EXPORTED_ITEMS = 100_000;

/** Lifts a function of the host again, for the host. */
export type Reexport = (func: HostFunc, name: string, offset: number) => LiftedFunction;

/** Makes exports of items; shared instances stay shared. */
export class ExportTree {
  readonly #path: readonly string[];
  readonly #reexport: Reexport;
  readonly #known = new Map<InstanceValue, { readonly made: ComponentExport; readonly leaves: number }>();
  #leaves = 0;

  constructor(path: readonly string[], reexport: Reexport) {
    this.#path = path;
    this.#reexport = reexport;
  }

  /** The export of `item`; throws an `unsupported` or a `limit` error. */
  make(name: string, item: Item, offset: number): ComponentExport {
    switch (item.sort) {
      case "func":
        this.#count(1, offset);
        if (item.func.kind === "host") return this.#reexport(item.func, name, offset);
        if (item.func.kind === "refused") throw this.#unsupported(`export ${quoted(name)}: ${item.func.what}`, offset);
        return item.func.lifted;
      case "type":
        this.#count(1, offset);
        return { kind: "type", name, type: namedType(item.type) };
      case "component":
      case "core-module":
        this.#count(1, offset);
        return { kind: item.sort, name };
      case "instance":
        return this.#instance(item.instance, offset);
      default:
        return unreachable(item);
    }
  }

  #instance(instance: InstanceValue, offset: number): ComponentExport {
    const known = this.#known.get(instance);
    if (known !== undefined) {
      this.#count(known.leaves, offset);
      return known.made;
    }
    const before = this.#leaves;
    this.#count(1, offset);
    const exports = new Map<string, ComponentExport>();
    for (const [name, item] of instance.items) exports.set(name, this.make(name, item, offset));
    const made: ComponentExport = { kind: "instance", exports };
    this.#known.set(instance, { made, leaves: this.#leaves - before });
    return made;
  }

  #count(leaves: number, offset: number): void {
    this.#leaves += leaves;
    if (!Number.isSafeInteger(this.#leaves)) throw new InternalError("translate", "exports are out of count");
    if (this.#leaves > MAX_EXPORTED_ITEMS) {
      throw componentError("limit", `exported items exceed the limit of ${MAX_EXPORTED_ITEMS}`, this.#path, offset);
    }
  }

  #unsupported(message: string, offset: number) {
    return componentError("unsupported", message, this.#path, offset);
  }
}
