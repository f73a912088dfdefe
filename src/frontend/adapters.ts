/**
 * The functions that adapters call, enumerated before any is built: one for strings of each pair of options, one for each large type and pair
 * of options that it goes between, and the transcoders that these need. It follows `abi/transfer.ts` through the types: what that calls is here.
 */

import { Flattening } from "../abi/flatten.ts";
import { Sizes, typeKey } from "../abi/sizes.ts";
import { transcodersOf } from "../abi/strings.ts";
import type { TranscoderName } from "../abi/transcode.ts";
import { TypeFacts } from "../abi/transfer.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import type { InterfaceType } from "../component/types.ts";
import type { CanonicalOptions, Component, Trampoline } from "../plan/component.ts";
import { type FuncType, I32 } from "../wasm/types.ts";
import { coreFuncKey } from "./api.ts";

/** Parts of types that the code of all adapters may name. Bounds the code that types with shared parts multiply. */
export const MAX_ADAPTER_PARTS = 2_000_000;

export type Adapter = Extract<Trampoline, { kind: "adapter" }>;

/** Where values go from and to. */
export interface Direction {
  readonly lift: CanonicalOptions;
  readonly lower: CanonicalOptions;
  /** Whether lent handles are kept track of: only where the same call may give them away. */
  readonly lends: boolean;
}

export interface StringFunction {
  readonly direction: Direction;
}
export interface ValueFunction {
  readonly direction: Direction;
  readonly type: InterfaceType;
}

function stringKey({ lift, lower }: Direction): string {
  const realloc = lower.realloc === undefined ? "" : coreFuncKey(lower.realloc);
  return `${lift.memory} ${lift.stringEncoding} ${lower.memory} ${lower.stringEncoding} ${realloc}`;
}

function valueKey(type: InterfaceType, direction: Direction): string {
  const { lift, lower, lends } = direction;
  return `${typeKey(type)} ${lift.instance} ${lower.instance} ${lends} ${stringKey(direction)}`;
}

export class AdapterFunctions {
  readonly facts: TypeFacts;
  readonly sizes: Sizes;
  readonly flattening: Flattening;
  readonly strings: StringFunction[] = [];
  readonly values: ValueFunction[] = [];
  /** The same for values that are flat. */
  readonly flatValues: ValueFunction[] = [];
  readonly transcoders = new Set<TranscoderName>();
  readonly #strings = new Map<string, number>();
  readonly #values = new Map<string, number>();
  readonly #flatValues = new Map<string, number>();
  readonly #component: Component;
  #parts = 0;

  /** Throws a `limit` error. */
  constructor(component: Component) {
    this.#component = component;
    this.facts = new TypeFacts(component.types);
    this.sizes = new Sizes(component.types, I32);
    this.flattening = new Flattening(component.types, I32);
    for (const trampoline of component.trampolines) if (trampoline.kind === "adapter") this.#adapter(trampoline);
  }

  /** From the caller's parameters to the callee's. */
  parameters({ callee, options }: Adapter): Direction {
    const types = this.#component.types.func(callee.type).params.map((p) => p.type);
    const owned = this.facts.resources(types, "own");
    const lends = [...this.facts.resources(types, "borrow")].some((resource) => owned.has(resource));
    return { lift: options, lower: callee.options, lends };
  }

  /** From the callee's result to the caller's. */
  results({ callee, options }: Adapter): Direction {
    return { lift: callee.options, lower: options, lends: false };
  }

  #adapter(adapter: Adapter): void {
    const { params, result } = this.#component.types.func(adapter.callee.type);
    const flat = this.flattening.flattenFuncType(this.#component.types.func(adapter.callee.type), "lower");
    const parameters = this.parameters(adapter);
    for (const { type } of params) this.#value(type, parameters, flat.paramsInMemory);
    if (result !== undefined) this.#value(result, this.results(adapter), flat.resultInMemory);
  }

  #value(type: InterfaceType, direction: Direction, inMemory: boolean): void {
    if (++this.#parts > MAX_ADAPTER_PARTS) {
      const message = `calls between components name more than ${MAX_ADAPTER_PARTS} parts of types`;
      throw new WindlassError({ kind: "limit", subject: "adapters", message });
    }
    if (inMemory) {
      if (this.facts.parts(type).length > 0 && this.facts.isPlain(type, this.sizes)) return;
    }
    if (this.facts.isOutlined(type)) this.#outline(type, direction, inMemory);
    else this.#inline(type, direction, inMemory);
  }

  #inline(type: InterfaceType, direction: Direction, inMemory: boolean): void {
    const d = this.facts.despecialize(type);
    if (d.kind === "string") this.#string(direction);
    const within = inMemory || (d.kind === "list" && d.length === undefined);
    for (const part of this.facts.parts(type)) this.#value(part, direction, within);
  }

  #outline(type: InterfaceType, direction: Direction, inMemory: boolean): void {
    const key = valueKey(type, direction);
    const known = inMemory ? this.#values : this.#flatValues;
    if (known.has(key)) return;
    known.set(key, (inMemory ? this.values : this.flatValues).push({ direction, type }) - 1);
    this.#inline(type, direction, inMemory);
  }

  #string(direction: Direction): void {
    const key = stringKey(direction);
    if (this.#strings.has(key)) return;
    this.#strings.set(key, this.strings.push({ direction }) - 1);
    const { lift, lower } = direction;
    for (const name of transcodersOf(lift.stringEncoding, lower.stringEncoding)) this.transcoders.add(name);
  }

  /** The position in `strings`. */
  stringFunction(direction: Direction): number {
    const index = this.#strings.get(stringKey(direction));
    if (index === undefined) throw new InternalError("frontend", "a function of strings was not enumerated");
    return index;
  }

  /** The position in `values` or `flatValues`. */
  valueFunction(type: InterfaceType, direction: Direction, inMemory: boolean): number {
    const index = (inMemory ? this.#values : this.#flatValues).get(valueKey(type, direction));
    if (index === undefined) throw new InternalError("frontend", `a function of ${typeKey(type)} was not enumerated`);
    return index;
  }

  /** The core types of a function of flat values: the same on both sides. */
  flatType({ type }: ValueFunction): FuncType {
    const flat = this.flattening.flattenType(type);
    return { kind: "func", params: flat, results: flat };
  }
}
