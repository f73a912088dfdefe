/**
 * The functions that adapters and typed calls of hosts call, enumerated before any is built: one for strings of each pair of ends, one for each
 * large type and pair of ends that it goes between, and the transcoders that these need. It follows `abi/transfer.ts` through the types: what that calls is here.
 */

import { Abi, type PointerAbi } from "../abi/abi.ts";
import { Flattening, MAX_FLAT_PARAMS } from "../abi/flatten.ts";
import { elementFields } from "../abi/despecialize.ts";
import { Sizes, typeKey } from "../abi/sizes.ts";
import { transcodersOf } from "../abi/strings.ts";
import type { TranscoderName } from "../abi/transcode.ts";
import { TypeFacts } from "../abi/transfer.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import type { InterfaceType, ResourceIndex, TypeFunc, TypeFuncIndex } from "../component/types.ts";
import type {
  CanonicalOptions,
  Component,
  LiftedFunction,
  LowerImport,
  StringEncoding,
  Trampoline,
} from "../plan/component.ts";
import { pointerType } from "../plan/signatures.ts";
import { type FuncType, I32, I64 } from "../wasm/types.ts";
import { coreFuncKey } from "./api.ts";
import { isByValue } from "./c-signature.ts";

/** So many strings and lists a typed call transfers in its own code. */
const IN_PLACE = 2;
/** Parts of types that the code of all adapters and typed calls may name. Bounds the code that types with shared parts multiply. */
export const MAX_ADAPTER_PARTS = 2_000_000;

export type Adapter = Extract<Trampoline, { kind: "adapter" }>;

/**
 * What a host is as one end of a transfer. It lifts `arguments` of an export (what is wrong with them refuses the call) and the `answer` of an
 * import (what is wrong traps the guest); it lowers `views` to an import, and the `copy` of an export's result. `check` is no end: arguments are
 * looked at and nothing changes.
 */
export interface HostEnd {
  readonly role: "arguments" | "answer" | "views" | "copy" | "check";
}
/** A guest, by its canonical options, or a host. */
export type End = CanonicalOptions | HostEnd;

export function isHost(end: End): end is HostEnd {
  return "role" in end;
}

/** The encoding of strings at an end. */
export function encodingOf(end: End): StringEncoding {
  return isHost(end) ? "utf8" : end.stringEncoding;
}

/** Where values go from and to. */
export interface Direction {
  readonly lift: End;
  readonly lower: End;
  /** Whether lent handles are kept track of: only where the same call may give them away. */
  readonly lends: boolean;
}

/** Whether values are in memory: of who gives them, and of who gets them. */
export interface Passing {
  readonly from: boolean;
  readonly to: boolean;
}

/** Whether what is wrong with a value refuses the host's call, and does not trap. */
export function refuses({ lift }: Direction): boolean {
  return isHost(lift) && lift.role === "arguments";
}

export interface StringFunction {
  readonly direction: Direction;
}
export interface ValueFunction {
  readonly direction: Direction;
  readonly type: InterfaceType;
}

function memoryKey(end: End): string {
  return isHost(end) ? end.role : `${end.memory} ${end.stringEncoding}`;
}

function stringKey({ lift, lower }: Direction): string {
  const realloc = isHost(lower) || lower.realloc === undefined ? "" : coreFuncKey(lower.realloc);
  return `${memoryKey(lift)} ${memoryKey(lower)} ${realloc}`;
}

function valueKey(type: InterfaceType, direction: Direction): string {
  const { lift, lower, lends } = direction;
  const instance = (end: End): string => (isHost(end) ? "" : `${end.instance}`);
  return `${typeKey(type)} ${instance(lift)} ${instance(lower)} ${lends} ${stringKey(direction)}`;
}

/** Whether the instance implements the resource, so that it gets representations instead of handles to borrow. */
export function isDefinedBy(component: Component, resource: ResourceIndex, options: CanonicalOptions): boolean {
  const found = component.resources.get(resource);
  return found.kind === "defined" && found.instance === options.instance;
}

export class AdapterFunctions {
  readonly facts: TypeFacts;
  /** For the types that both sides have in common, whatever their memories. */
  readonly sizes: Sizes;
  readonly flattening: Flattening;
  readonly strings: StringFunction[] = [];
  readonly values: ValueFunction[] = [];
  /** The same for values that are flat. */
  readonly flatValues: ValueFunction[] = [];
  readonly transcoders = new Set<TranscoderName>();
  /** Those that refuse a call of the host instead of trapping. */
  readonly refusingTranscoders = new Set<TranscoderName>();
  /** C's sizes and flat types, for values of a host. */
  readonly hostSizes: Sizes;
  readonly hostFlattening: Flattening;
  readonly #strings = new Map<string, number>();
  readonly #values = new Map<string, number>();
  readonly #flatValues = new Map<string, number>();
  readonly #component: Component;
  readonly #abi: Abi;
  #parts = 0;

  /** `typed`: the exports that a host calls with C values. Throws a `limit` error. */
  constructor(component: Component, typed: readonly LiftedFunction[]) {
    this.#component = component;
    this.hostSizes = new Sizes(component.types, I64, 8);
    this.hostFlattening = new Flattening(component.types, I64);
    this.facts = new TypeFacts(component.types);
    this.#abi = new Abi(component.types);
    ({ sizes: this.sizes, flattening: this.flattening } = this.#abi.for(I32));
    for (const trampoline of component.trampolines) if (trampoline.kind === "adapter") this.#adapter(trampoline);
    for (const lifted of typed) this.#typedExport(lifted);
    for (const lowering of component.lowerings) {
      if (lowering.callee.kind === "host" && lowering.callee.abi === "typed") this.#typedImport(lowering);
    }
  }

  flatteningOf(end: End): Flattening {
    return isHost(end) ? this.hostFlattening : this.abi(end).flattening;
  }

  #typedExport({ type, options }: LiftedFunction): void {
    const func = this.#component.types.func(type);
    const { paramsInMemory } = this.flattening.flattenFuncType(func, "lift");
    const { check, direction } = this.exportParameters(type, options);
    const inPlace = this.areInPlace(func.params.map((p) => p.type));
    for (const param of func.params) {
      this.#typed(param.type, direction, inPlace, !isByValue(param.type), paramsInMemory);
      if (check !== undefined && this.facts.holds(param.type, (t) => t.kind === "string")) this.#string(check);
    }
    if (func.result === undefined) return;
    const result: Direction = { lift: options, lower: { role: "copy" }, lends: false };
    this.#typed(func.result, result, true, this.leavesInMemory(func, options), true);
  }

  #typedImport(lowering: LowerImport): void {
    const func = this.#component.types.func(lowering.type);
    const { paramsInMemory, resultInMemory } = this.flattening.flattenFuncType(func, "lower", lowering.options);
    const direction = this.importParameters(lowering);
    const inPlace = this.areInPlace(func.params.map((p) => p.type));
    for (const param of func.params) {
      this.#typed(param.type, direction, inPlace, paramsInMemory, !isByValue(param.type));
    }
    if (func.result !== undefined) this.#typed(func.result, this.importResults(lowering), true, true, resultInMemory);
  }

  /**
   * Of a typed export. Handles that become a guest's can't be taken back when a later argument is wrong: then everything is checked before, and what is
   * wrong behind that (a handle given twice) traps.
   */
  exportParameters(
    type: TypeFuncIndex,
    options: CanonicalOptions,
  ): { readonly check: Direction | undefined; readonly direction: Direction } {
    const params = this.#component.types.func(type).params.map((p) => p.type);
    const given = params.some((param) =>
      this.facts.holds(
        param,
        (t) => t.kind === "own" || (t.kind === "borrow" && !isDefinedBy(this.#component, t.resource, options)),
      ),
    );
    if (!given) return { check: undefined, direction: { lift: { role: "arguments" }, lower: options, lends: false } };
    return {
      check: { lift: { role: "arguments" }, lower: { role: "check" }, lends: false },
      direction: { lift: { role: "answer" }, lower: options, lends: false },
    };
  }

  /** Of a typed import. */
  importParameters({ type, options }: LowerImport): Direction {
    return { lift: options, lower: { role: "views" }, lends: this.#lends(type) };
  }
  importResults({ options }: LowerImport): Direction {
    return { lift: { role: "answer" }, lower: options, lends: false };
  }

  /** Whether a function borrows and takes the same resource. */
  #lends(type: TypeFuncIndex): boolean {
    const types = this.#component.types.func(type).params.map((p) => p.type);
    const owned = this.facts.resources(types, "own");
    return [...this.facts.resources(types, "borrow")].some((resource) => owned.has(resource));
  }

  /** The ABI of the memory of these options. */
  abi(options: CanonicalOptions): PointerAbi {
    return this.#abi.for(pointerType(this.#component, options));
  }

  /** From the caller's parameters to the callee's. */
  parameters({ callee, options }: Adapter): Direction {
    return { lift: options, lower: callee.options, lends: this.#lends(callee.type) };
  }

  /** From the callee's result to the caller's. */
  results({ callee, options }: Adapter): Direction {
    return { lift: callee.options, lower: options, lends: false };
  }

  /** Whether a lifted function leaves its result in memory, when it returns or for `task.return`, which gets it as parameters are passed. */
  leavesInMemory(func: TypeFunc, options: CanonicalOptions): boolean {
    if (!options.isAsync) return this.flattening.flattenFuncType(func, "lift").resultInMemory;
    return func.result !== undefined && this.flattening.flattenType(func.result).length > MAX_FLAT_PARAMS;
  }

  /** How an adapter's parameters and result are passed. */
  passing({ callee, options }: Adapter): { readonly params: Passing; readonly result: Passing } {
    const func = this.#component.types.func(callee.type);
    const caller = this.flattening.flattenFuncType(func, "lower", options);
    return {
      params: {
        from: caller.paramsInMemory,
        to: this.flattening.flattenFuncType(func, "lift", callee.options).paramsInMemory,
      },
      result: { from: this.leavesInMemory(func, callee.options), to: caller.resultInMemory },
    };
  }

  #adapter(adapter: Adapter): void {
    const func = this.#component.types.func(adapter.callee.type);
    const { params, result } = this.passing(adapter);
    for (const { type } of func.params) this.#value(type, this.parameters(adapter), params.from, params.to);
    if (func.result !== undefined) this.#value(func.result, this.results(adapter), result.from, result.to);
  }

  /** Of a typed call: a string that is in place calls transcoders itself. */
  #typed(type: InterfaceType, direction: Direction, inPlace: boolean, from: boolean, to: boolean): void {
    if (inPlace && type.kind === "string") this.#transcode(direction);
    else this.#value(type, direction, from, to);
  }

  /** `from` and `to`: whether the value is in memory there. */
  #value(type: InterfaceType, direction: Direction, from: boolean, to: boolean): void {
    if (++this.#parts > MAX_ADAPTER_PARTS) {
      const message = `calls between components name more than ${MAX_ADAPTER_PARTS} parts of types`;
      throw new WindlassError({ kind: "limit", subject: "adapters", message });
    }
    if (from && to) {
      if (this.facts.parts(type).length > 0 && this.facts.isPlain(type, this.sizes)) return;
    }
    if (from === to && this.facts.isOutlined(type)) this.#outline(type, direction, from);
    else this.#inline(type, direction, from, to);
  }

  #inline(type: InterfaceType, direction: Direction, from: boolean, to: boolean): void {
    const d = this.facts.despecialize(type);
    if (d.kind === "string") this.#string(direction);
    const inList = d.kind === "list" && d.length === undefined;
    for (const part of this.facts.parts(type)) this.#value(part, direction, from || inList, to || inList);
  }

  #outline(type: InterfaceType, direction: Direction, inMemory: boolean): void {
    const key = valueKey(type, direction);
    const known = inMemory ? this.#values : this.#flatValues;
    if (known.has(key)) return;
    known.set(key, (inMemory ? this.values : this.flatValues).push({ direction, type }) - 1);
    this.#inline(type, direction, inMemory, inMemory);
  }

  #string(direction: Direction): void {
    const key = stringKey(direction);
    if (this.#strings.has(key)) return;
    this.#strings.set(key, this.strings.push({ direction }) - 1);
    this.#transcode(direction);
  }

  /** What a string in this direction calls. */
  #transcode(direction: Direction): void {
    const { lift, lower } = direction;
    const names = transcodersOf(encodingOf(lift), isHost(lower) ? "host" : lower.stringEncoding);
    for (const name of names) (refuses(direction) ? this.refusingTranscoders : this.transcoders).add(name);
  }

  /**
   * Whether a typed call transfers its parameters of these types, or its result, in its own code, text and copies of lists included: a call of a
   * function for it costs as much as a short string or a few hundred bytes do. They are few, and strings or lists that are copied as they are.
   */
  areInPlace(types: readonly InterfaceType[]): boolean {
    const withPointers = types.filter((type) => this.flattening.containsPointer(type));
    return withPointers.length <= IN_PLACE && withPointers.every((t) => t.kind === "string" || this.isView(t));
  }

  /** Whether a host gets a value of this type as a view of a guest's list, so that there is nothing to do for each element. */
  isView(type: InterfaceType): boolean {
    const d = this.facts.despecialize(type);
    return d.kind === "list" && d.length === undefined && this.facts.areViewable(elementFields(d.element));
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

  /** The core types of a function of flat values. */
  flatType({ type, direction }: ValueFunction): FuncType {
    const params = this.flatteningOf(direction.lift).flattenType(type);
    const results = this.flatteningOf(direction.lower).flattenType(type);
    return { kind: "func", params, results };
  }
}
