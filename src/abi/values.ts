/**
 * Where a value comes from and where it goes to: sources lift, destinations lower, one part at a time and when it is asked for, so that nothing is
 * kept in between. Values are in linear memory (`load`, `store`) or in flat core values (`lift_flat`, `lower_flat`). Every check of the
 * value itself is the source's; pointers of lists and strings are `transfer.ts`'s.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType, PrimitiveKind } from "../component/types.ts";
import { I64, type ValType } from "../wasm/types.ts";
import { emitCheckChar } from "./checks.ts";
import type { MemoryContext } from "./context.ts";
import { type AbiEmitter, type CoreType, coreType } from "./emitter.ts";
import type { Flattening } from "./flatten.ts";
import { discriminantSize, flagsSize, ptrSize } from "./sizes.ts";

/** A type whose value is one core value that stands for itself. */
export type ScalarType =
  | { readonly kind: Exclude<PrimitiveKind, "string" | "error-context"> }
  | { readonly kind: "flags"; readonly count: number };

/** The cases of a variant: their payloads. */
export type Cases = readonly (InterfaceType | undefined)[];

/** Pointer and length (`i64`) of a string or list. */
export type PointerPair<V> = readonly [pointer: V, length: V];

/** Where a value in memory is: native. */
export interface Place<V> {
  readonly base: V;
  readonly offset: number;
}

export interface Source<V> {
  /** Where it is, if it is in memory. */
  readonly place: Place<V> | undefined;
  /** Its core values as they are, if it is flat. */
  flat(type: InterfaceType): readonly V[] | undefined;
  /** The value, checked and normalized, in the flat type of its type. */
  scalar(type: ScalarType): V;
  /** A handle. */
  handle(): V;
  pointerPair(): PointerPair<V>;
  /** The part `index` of consecutive `types`. */
  field(types: readonly InterfaceType[], index: number): Source<V>;
  /** Which case: checked. */
  discriminant(cases: Cases): V;
  /** What case `index` holds. Asked for where that case is known to be the value's. */
  payload(cases: Cases, index: number): Source<V>;
}

export interface Destination<V> {
  readonly place: Place<V> | undefined;
  /** Its core values, lowered elsewhere. Only of a flat destination. */
  setFlat(values: readonly V[]): void;
  scalar(type: ScalarType, value: V): void;
  handle(value: V): void;
  pointerPair(pair: PointerPair<V>): void;
  field(types: readonly InterfaceType[], index: number): Destination<V>;
  discriminant(cases: Cases, value: V): void;
  payload(cases: Cases, index: number): Destination<V>;
}

function payloadType(cases: Cases, index: number): InterfaceType {
  const type = cases[index];
  if (type === undefined) throw new InternalError("abi", `case ${index} has no payload`);
  return type;
}

/** The bits of defined flags, as a number for `andImm`; undefined when there is nothing to mask in 32 bits. */
function flagsMask(count: number): number | undefined {
  return count === 32 ? undefined : 2 ** count - 1;
}

// Memory

class MemoryPlace<V, X> {
  readonly e: AbiEmitter<V, X>;
  readonly memory: MemoryContext<V>;
  readonly base: V;
  readonly offset: number;

  /** `base` is native. */
  constructor(e: AbiEmitter<V, X>, memory: MemoryContext<V>, base: V, offset: number) {
    this.e = e;
    this.memory = memory;
    this.base = base;
    this.offset = offset;
  }

  get place() {
    return { base: this.base, offset: this.offset };
  }
  flat(): undefined {
    return undefined;
  }
  setFlat(): void {
    throw new InternalError("abi", "a place in memory is not flat");
  }

  fieldOffset(types: readonly InterfaceType[], index: number): number {
    return this.offset + (this.memory.sizes.fieldOffsets(types)[index] ?? 0);
  }
  payloadOffset(cases: Cases): number {
    return this.offset + this.memory.sizes.payloadOffset(cases);
  }
}

/** `load`. */
export class MemorySource<V, X> extends MemoryPlace<V, X> implements Source<V> {
  /** `load_int` of 1, 2 or 4 bytes, unsigned. */
  #int(size: 1 | 2 | 4): V {
    const { e, base, offset } = this;
    if (size === 4) return e.load("i32", base, offset);
    return e.loadNarrow(size === 1 ? 8 : 16, false, base, offset);
  }

  scalar(type: ScalarType): V {
    const { e, base, offset } = this;
    switch (type.kind) {
      case "bool":
        return e.neImm(this.#int(1), 0);
      case "u8":
        return this.#int(1);
      case "s8":
        return e.loadNarrow(8, true, base, offset);
      case "u16":
        return this.#int(2);
      case "s16":
        return e.loadNarrow(16, true, base, offset);
      case "s32":
      case "u32":
        return this.#int(4);
      case "s64":
      case "u64":
        return e.load("i64", base, offset);
      case "f32":
      case "f64":
        return e.load(type.kind, base, offset);
      case "char":
        return emitCheckChar(e, this.#int(4));
      case "flags": {
        const size = flagsSize(type.count);
        const mask = type.count === 8 * size ? undefined : flagsMask(type.count);
        return mask === undefined ? this.#int(size) : e.andImm(this.#int(size), mask);
      }
    }
  }

  handle(): V {
    return this.memory.sizes.handleSize === 8 ? this.e.load("i64", this.base, this.offset) : this.#int(4);
  }

  pointerPair(): PointerPair<V> {
    const { e, base, offset, memory } = this;
    const size = ptrSize(memory.sizes.ptr);
    const load = (at: number): V => (size === 8 ? e.load("i64", base, at) : e.zext(e.load("i32", base, at)));
    return [load(offset), load(offset + size)];
  }

  field(types: readonly InterfaceType[], index: number): MemorySource<V, X> {
    return new MemorySource(this.e, this.memory, this.base, this.fieldOffset(types, index));
  }

  /** The discriminant as it is. */
  tag(cases: Cases): V {
    return this.#int(discriminantSize(cases.length));
  }

  discriminant(cases: Cases): V {
    const index = this.tag(cases);
    this.e.trapUnless(this.e.ultImm(index, cases.length), "invalid_discriminant");
    return index;
  }

  payload(cases: Cases, _index: number): MemorySource<V, X> {
    return new MemorySource(this.e, this.memory, this.base, this.payloadOffset(cases));
  }
}

/** `store`. */
export class MemoryDestination<V, X> extends MemoryPlace<V, X> implements Destination<V> {
  /** `store_int` of 1, 2 or 4 bytes. */
  #int(size: 1 | 2 | 4, value: V): void {
    const { e, base, offset } = this;
    if (size === 4) e.store(base, offset, value);
    else e.storeNarrow(size === 1 ? 8 : 16, base, offset, value);
  }

  scalar(type: ScalarType, value: V): void {
    switch (type.kind) {
      case "bool":
      case "u8":
      case "s8":
        return this.#int(1, value);
      case "u16":
      case "s16":
        return this.#int(2, value);
      case "flags":
        return this.#int(flagsSize(type.count), value);
      default:
        return this.e.store(this.base, this.offset, value);
    }
  }

  handle(value: V): void {
    this.e.store(this.base, this.offset, value);
  }

  pointerPair([pointer, length]: PointerPair<V>): void {
    const { e, base, offset, memory } = this;
    const size = ptrSize(memory.sizes.ptr);
    const store = (at: number, value: V): void => e.store(base, at, size === 8 ? value : e.wrap(value));
    store(offset, pointer);
    store(offset + size, length);
  }

  field(types: readonly InterfaceType[], index: number): MemoryDestination<V, X> {
    return new MemoryDestination(this.e, this.memory, this.base, this.fieldOffset(types, index));
  }

  discriminant(cases: Cases, value: V): void {
    this.#int(discriminantSize(cases.length), value);
  }

  payload(cases: Cases, _index: number): MemoryDestination<V, X> {
    return new MemoryDestination(this.e, this.memory, this.base, this.payloadOffset(cases));
  }
}

/** Nowhere: what is lifted is checked, and no more. */
export class NoDestination<V> implements Destination<V> {
  readonly place = undefined;
  setFlat(): void {}
  scalar(): void {}
  handle(): void {}
  pointerPair(): void {}
  field(): NoDestination<V> {
    return this;
  }
  discriminant(): void {}
  payload(): NoDestination<V> {
    return this;
  }
}

// Flat values

/** Flat types of `types[index]` among the flat types of consecutive `types`: where they begin, and what they are. */
function flatField(
  flattening: Flattening,
  types: readonly InterfaceType[],
  index: number,
): { readonly start: number; readonly flat: readonly ValType[] } {
  let start = 0;
  for (let i = 0; i < index; i++) {
    const type = types[i];
    if (type !== undefined) start += flattening.flattenType(type).length;
  }
  const type = types[index];
  if (type === undefined) throw new InternalError("abi", `there is no field ${index}`);
  return { start, flat: flattening.flattenType(type) };
}

/** `lift_flat`: from consecutive core values. */
export class FlatSource<V, X> implements Source<V> {
  readonly e: AbiEmitter<V, X>;
  readonly flattening: Flattening;
  readonly place = undefined;
  readonly #values: readonly V[];
  readonly #start: number;

  constructor(e: AbiEmitter<V, X>, flattening: Flattening, values: readonly V[], start = 0) {
    this.e = e;
    this.flattening = flattening;
    this.#values = values;
    this.#start = start;
  }

  flat(type: InterfaceType): readonly V[] {
    return this.flattening.flattenType(type).map((_, i) => this.#value(i));
  }

  #value(index: number): V {
    const value = this.#values[this.#start + index];
    if (value === undefined) throw new InternalError("abi", "there are fewer flat values than the type has");
    return value;
  }

  scalar(type: ScalarType): V {
    const { e } = this;
    const value = this.#value(0);
    switch (type.kind) {
      case "bool":
        return e.neImm(value, 0);
      case "u8":
        return e.andImm(value, 0xff);
      case "s8":
        return e.signExtend(8, value);
      case "u16":
        return e.andImm(value, 0xffff);
      case "s16":
        return e.signExtend(16, value);
      case "char":
        return emitCheckChar(e, value);
      case "flags": {
        const mask = flagsMask(type.count);
        return mask === undefined ? value : e.andImm(value, mask);
      }
      default:
        return value;
    }
  }

  handle(): V {
    return this.#value(0);
  }

  pointerPair(): PointerPair<V> {
    const value = (i: number): V => (this.flattening.ptr === I64 ? this.#value(i) : this.e.zext(this.#value(i)));
    return [value(0), value(1)];
  }

  field(types: readonly InterfaceType[], index: number): FlatSource<V, X> {
    const { start } = flatField(this.flattening, types, index);
    return new FlatSource(this.e, this.flattening, this.#values, this.#start + start);
  }

  discriminant(cases: Cases): V {
    const index = this.#value(0);
    this.e.trapUnless(this.e.ultImm(index, cases.length), "invalid_discriminant");
    return index;
  }

  /** `CoerceValueIter`. */
  payload(cases: Cases, index: number): FlatSource<V, X> {
    const [, ...joined] = this.flattening.flattenVariant(cases);
    const wanted = this.flattening.flattenType(payloadType(cases, index));
    const values = wanted.map((want, i) =>
      this.#coerce(coreType(joined[i] ?? want), coreType(want), this.#value(1 + i)),
    );
    return new FlatSource(this.e, this.flattening, values);
  }

  #coerce(have: CoreType, want: CoreType, value: V): V {
    const { e } = this;
    if (have === want) return value;
    if (have === "i64" && want === "i32") return e.wrap(value);
    if (have === "i64" && want === "f32") return e.reinterpret("f32", e.wrap(value));
    return e.reinterpret(want, value);
  }
}

/** `lower_flat`: into consecutive variables, which are zero before. */
export class FlatDestination<V, X> implements Destination<V> {
  readonly e: AbiEmitter<V, X>;
  readonly flattening: Flattening;
  readonly place = undefined;
  readonly #set: (index: number, value: V) => void;

  constructor(e: AbiEmitter<V, X>, flattening: Flattening, set: (index: number, value: V) => void) {
    this.e = e;
    this.flattening = flattening;
    this.#set = set;
  }

  /** Variables for these types, and the destination that they are. */
  static into<V, X>(
    e: AbiEmitter<V, X>,
    flattening: Flattening,
    types: readonly ValType[],
  ): { readonly destination: FlatDestination<V, X>; values(): V[] } {
    const variables = types.map((type) => e.variable(e.zero(coreType(type))));
    const destination = new FlatDestination<V, X>(e, flattening, (index, value) => {
      const variable = variables[index];
      if (variable === undefined) throw new InternalError("abi", "there are more flat values than the type has");
      e.set(variable, value);
    });
    return { destination, values: () => variables.map((x) => e.get(x)) };
  }

  setFlat(values: readonly V[]): void {
    values.forEach((value, i) => {
      this.#set(i, value);
    });
  }
  scalar(_type: ScalarType, value: V): void {
    this.#set(0, value);
  }
  handle(value: V): void {
    this.#set(0, value);
  }
  pointerPair([pointer, length]: PointerPair<V>): void {
    const value = (v: V): V => (this.flattening.ptr === I64 ? v : this.e.wrap(v));
    this.#set(0, value(pointer));
    this.#set(1, value(length));
  }

  field(types: readonly InterfaceType[], index: number): FlatDestination<V, X> {
    const { start } = flatField(this.flattening, types, index);
    return new FlatDestination(this.e, this.flattening, (i, value) => this.#set(start + i, value));
  }

  discriminant(_cases: Cases, value: V): void {
    this.#set(0, value);
  }

  /** The coercions of `lower_flat_variant`. */
  payload(cases: Cases, index: number): FlatDestination<V, X> {
    const [, ...joined] = this.flattening.flattenVariant(cases);
    const given = this.flattening.flattenType(payloadType(cases, index));
    return new FlatDestination(this.e, this.flattening, (i, value) => {
      const have = given[i];
      const want = joined[i];
      if (have === undefined || want === undefined) throw new InternalError("abi", "a payload is longer than its type");
      this.#set(1 + i, this.#coerce(coreType(have), coreType(want), value));
    });
  }

  #coerce(have: CoreType, want: CoreType, value: V): V {
    const { e } = this;
    if (have === want) return value;
    if (have === "i32" && want === "i64") return e.zext(value);
    if (have === "f32" && want === "i64") return e.zext(e.reinterpret("i32", value));
    return e.reinterpret(want, value);
  }
}
