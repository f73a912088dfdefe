/**
 * What a host does at the boundary of a component (Canonical ABI: `lower_flat_values`, `load`, `store`, …), for the values of scripts: written
 * down type by type as the definitions are, with the instance's memory behind an interface.
 *
 * A value is a bigint (integers; characters; floats by their bits), a boolean, a string, a list of values (lists, tuples, records in the
 * order of their fields, flags as booleans), or a case with its payload (variants, enums, options, results).
 */

import { join } from "../../src/abi/flatten.ts";
import { type Flattening, MAX_FLAT_PARAMS } from "../../src/abi/flatten.ts";
import { alignTo, discriminantSize, flagsSize, type Sizes } from "../../src/abi/sizes.ts";
import type { ComponentTypes, InterfaceType, ResourceIndex } from "../../src/component/types.ts";
import { Trap, trapMessage } from "../../src/layout/traps.ts";
import type { StringEncoding } from "../../src/plan/component.ts";
import { F32, I32, I64, type ValType } from "../../src/wasm/types.ts";

export interface Case {
  readonly index: number;
  readonly payload: Value | undefined;
}
export type Value = bigint | boolean | string | readonly Value[] | Case;

export function isCase(value: Value): value is Case {
  return typeof value === "object" && "index" in value;
}

/** A rule of the Canonical ABI was broken by the component: the host's call traps. */
export class LiftTrap extends Error {}

/** The memory of an export's options. */
export interface HostMemory {
  /** In bytes, now. */
  size(): Promise<number>;
  read(address: number, length: number): Promise<Uint8Array>;
  write(address: number, bytes: Uint8Array): Promise<void>;
  /** Calls `realloc` for a new block; throws `LiftTrap` when it traps. */
  allocate(alignment: number, size: number): Promise<number>;
  /** Takes an own handle out of the instance's table: its representation. Throws `LiftTrap`. */
  takeHandle(resource: ResourceIndex, index: number): Promise<bigint>;
}

/** Cases of a variant, an enum, an option or a result: name and payload. */
export function casesOf(
  types: ComponentTypes,
  t: InterfaceType,
): readonly { readonly name: string; readonly type: InterfaceType | undefined }[] | undefined {
  switch (t.kind) {
    case "variant":
      return types.variants.table.get(t.type).cases;
    case "enum":
      return types.enums.table.get(t.type).names.map((name) => ({ name, type: undefined }));
    case "option":
      return [
        { name: "none", type: undefined },
        { name: "some", type: types.options.table.get(t.type).type },
      ];
    case "result": {
      const { ok, err } = types.results.table.get(t.type);
      return [
        { name: "ok", type: ok },
        { name: "err", type: err },
      ];
    }
    default:
      return undefined;
  }
}

/** Fields of a record or a tuple. */
export function fieldsOf(types: ComponentTypes, t: InterfaceType): readonly InterfaceType[] | undefined {
  if (t.kind === "record") return types.records.table.get(t.type).fields.map((f) => f.type);
  if (t.kind === "tuple") return types.tuples.table.get(t.type).types;
  return undefined;
}

const INTEGERS: Readonly<Record<string, { readonly bits: number; readonly signed: boolean }>> = {
  s8: { bits: 8, signed: true },
  u8: { bits: 8, signed: false },
  s16: { bits: 16, signed: true },
  u16: { bits: 16, signed: false },
  s32: { bits: 32, signed: true },
  u32: { bits: 32, signed: false },
  s64: { bits: 64, signed: true },
  u64: { bits: 64, signed: false },
  f32: { bits: 32, signed: false },
  f64: { bits: 64, signed: false },
};

function widthOf(type: ValType): number {
  return type === I32 || type === F32 ? 32 : 64;
}

function numberBytes(value: bigint, size: number): Uint8Array {
  const out = new Uint8Array(8);
  new DataView(out.buffer).setBigUint64(0, BigInt.asUintN(64, value), true);
  return out.subarray(0, size);
}

function numberOf(bytes: Uint8Array): bigint {
  return bytes.reduceRight((n, byte) => (n << 8n) | BigInt(byte), 0n);
}

function characterOf(bits: bigint): bigint {
  if (bits >= 0x110000n || (bits >= 0xd800n && bits <= 0xdfffn)) throw new LiftTrap("invalid `char` bit pattern");
  return bits;
}

export class HostBoundary {
  readonly types: ComponentTypes;
  readonly #sizes: Sizes;
  readonly #flattening: Flattening;
  readonly #memory: HostMemory;
  /** Bits of a pointer. */
  readonly #pointerBits: number;
  readonly #encoding: StringEncoding;

  constructor(sizes: Sizes, flattening: Flattening, memory: HostMemory, encoding: StringEncoding) {
    this.types = sizes.types;
    this.#sizes = sizes;
    this.#flattening = flattening;
    this.#pointerBits = widthOf(sizes.ptr);
    this.#memory = memory;
    this.#encoding = encoding;
  }

  // Out of the component.

  /** The result from a function's flat results. */
  async liftResult(t: InterfaceType, flat: readonly bigint[]): Promise<Value> {
    if (this.#flattening.flattenType(t).length <= 1) return this.#liftFlat(t, [...flat]);
    const address = Number(BigInt.asUintN(this.#pointerBits, flat[0] ?? 0n));
    const { alignment, size } = this.#sizes.extent(t);
    if (address % alignment !== 0) throw new LiftTrap("unaligned pointer");
    if (address + size > (await this.#memory.size())) throw new LiftTrap("pointer out of bounds of memory");
    return this.#load(t, address);
  }

  /** At most one flat value. Takes it from the list. */
  async #liftFlat(t: InterfaceType, flat: bigint[]): Promise<Value> {
    const fields = fieldsOf(this.types, t);
    if (fields !== undefined) {
      const values: Value[] = [];
      for (const field of fields) values.push(await this.#liftFlat(field, flat));
      return values;
    }
    const cases = casesOf(this.types, t);
    if (cases !== undefined) {
      const index = Number(BigInt.asUintN(32, flat.shift() ?? 0n));
      const found = cases[index];
      if (found === undefined) throw new LiftTrap("invalid variant discriminant");
      return { index, payload: found.type === undefined ? undefined : await this.#liftFlat(found.type, flat) };
    }
    if (t.kind === "fixed-list") {
      const { element, length } = this.types.fixedLists.table.get(t.type);
      const values: Value[] = [];
      for (let i = 0; i < length; i++) values.push(await this.#liftFlat(element, flat));
      return values;
    }
    return this.#liftWord(t, flat.shift() ?? 0n);
  }

  async #liftWord(t: InterfaceType, bits: bigint): Promise<Value> {
    if (t.kind === "own") return this.#memory.takeHandle(t.resource, Number(BigInt.asUintN(32, bits)));
    return this.#liftScalar(t, bits);
  }

  #liftScalar(t: InterfaceType, bits: bigint): Value {
    if (t.kind === "bool") return BigInt.asUintN(32, bits) !== 0n;
    if (t.kind === "char") return characterOf(BigInt.asUintN(32, bits));
    if (t.kind === "flags") {
      return this.types.flags.table.get(t.type).names.map((_, i) => ((bits >> BigInt(i)) & 1n) === 1n);
    }
    const integer = INTEGERS[t.kind];
    if (integer === undefined) throw new Error(`values of type ${t.kind} are not lifted`);
    return integer.signed ? BigInt.asIntN(integer.bits, bits) : BigInt.asUintN(integer.bits, bits);
  }

  async #number(address: number, size: number): Promise<number> {
    return Number(numberOf(await this.#memory.read(address, size)));
  }

  /** `load`. The range of the value itself is in bounds. */
  async #load(t: InterfaceType, address: number): Promise<Value> {
    const fields = fieldsOf(this.types, t);
    if (fields !== undefined) {
      const offsets = this.#sizes.fieldOffsets(fields);
      const values: Value[] = [];
      for (const [i, field] of fields.entries()) values.push(await this.#load(field, address + (offsets[i] ?? 0)));
      return values;
    }
    const cases = casesOf(this.types, t);
    if (cases !== undefined) {
      const index = await this.#number(address, discriminantSize(cases.length));
      const found = cases[index];
      if (found === undefined) throw new LiftTrap("invalid variant discriminant");
      const at = address + this.#sizes.payloadOffset(cases.map((c) => c.type));
      return { index, payload: found.type === undefined ? undefined : await this.#load(found.type, at) };
    }
    const pointerSize = this.#pointerBits / 8;
    if (t.kind === "string") {
      const taggedUnits = numberOf(await this.#memory.read(address + pointerSize, pointerSize));
      return this.#loadString(await this.#number(address, pointerSize), taggedUnits);
    }
    if (t.kind === "list") {
      const { element } = this.types.lists.table.get(t.type);
      const start = await this.#number(address, pointerSize);
      const length = await this.#number(address + pointerSize, pointerSize);
      const { alignment, size } = this.#sizes.extent(element);
      if (start % alignment !== 0) throw new LiftTrap("unaligned pointer");
      if (start + length * size > (await this.#memory.size())) throw new LiftTrap("list out of bounds of memory");
      return this.#loadElements(element, start, length);
    }
    if (t.kind === "fixed-list") {
      const { element, length } = this.types.fixedLists.table.get(t.type);
      return this.#loadElements(element, address, length);
    }
    return this.#liftWord(t, numberOf(await this.#memory.read(address, this.#sizes.elemSize(t))));
  }

  async #loadElements(element: InterfaceType, start: number, length: number): Promise<Value[]> {
    const size = this.#sizes.elemSize(element);
    const values: Value[] = [];
    for (let i = 0; i < length; i++) values.push(await this.#load(element, start + i * size));
    return values;
  }

  get #utf16Tag(): bigint {
    return 1n << BigInt(this.#pointerBits - 1);
  }

  async #loadString(start: number, taggedUnits: bigint): Promise<string> {
    const tagged = this.#encoding === "latin1+utf16" && taggedUnits >= this.#utf16Tag;
    const units = Number(tagged ? taggedUnits - this.#utf16Tag : taggedUnits);
    const utf16 = tagged || this.#encoding === "utf16";
    if (this.#encoding !== "utf8" && start % 2 !== 0) throw new LiftTrap("unaligned pointer");
    const bytes = utf16 ? 2 * units : units;
    if (start + bytes > (await this.#memory.size())) {
      throw new LiftTrap("string pointer/length out of bounds of memory");
    }
    const contents = await this.#memory.read(start, bytes);
    if (utf16) return decode("utf-16le", contents);
    if (this.#encoding === "utf8") return decode("utf-8", contents);
    return String.fromCharCode(...contents);
  }

  // Into the component.

  /** Flat parameters of a call. */
  async lowerParameters(params: readonly InterfaceType[], values: readonly Value[]): Promise<bigint[]> {
    if (this.#flattening.flattenTypes(params).length > MAX_FLAT_PARAMS) {
      const { alignment, size } = this.#sizes.record(params);
      const address = await this.#allocate(alignment, size);
      await this.#storeFields(params, values, address);
      return [BigInt(address)];
    }
    const flat: bigint[] = [];
    for (const [i, t] of params.entries()) flat.push(...(await this.#lowerFlat(t, values[i] ?? false)));
    return flat;
  }

  async #allocate(alignment: number, size: number): Promise<number> {
    const address = await this.#memory.allocate(alignment, size);
    if (address % alignment !== 0) throw new LiftTrap("realloc return: result not aligned");
    if (address + size > (await this.#memory.size())) throw new LiftTrap("realloc return: beyond end of memory");
    return address;
  }

  async #lowerFlat(t: InterfaceType, value: Value): Promise<bigint[]> {
    const fields = fieldsOf(this.types, t);
    if (fields !== undefined || t.kind === "fixed-list") {
      const parts = Array.isArray(value) ? value : [];
      const flat: bigint[] = [];
      for (const [i, part] of parts.entries()) {
        const type = fields?.[i] ?? (t.kind === "fixed-list" ? this.types.fixedLists.table.get(t.type).element : t);
        flat.push(...(await this.#lowerFlat(type, part)));
      }
      return flat;
    }
    const cases = casesOf(this.types, t);
    if (cases !== undefined && isCase(value)) return this.#lowerCase(cases, value);
    if (t.kind === "string" && typeof value === "string") return (await this.#newString(value)).map(BigInt);
    if (t.kind === "list" && Array.isArray(value)) {
      const { element } = this.types.lists.table.get(t.type);
      return (await this.#newList(element, value)).map(BigInt);
    }
    return [this.#lowerScalar(value)];
  }

  #lowerScalar(value: Value): bigint {
    if (typeof value === "boolean") return value ? 1n : 0n;
    if (typeof value === "bigint") return value;
    if (Array.isArray(value))
      return value.reduce((bits: bigint, set, i) => (set === true ? bits | (1n << BigInt(i)) : bits), 0n);
    throw new Error("the value does not fit its type");
  }

  async #lowerCase(
    cases: readonly { readonly type: InterfaceType | undefined }[],
    { index, payload }: Case,
  ): Promise<bigint[]> {
    const joined: ValType[] = [];
    for (const { type } of cases) {
      (type === undefined ? [] : this.#flattening.flattenType(type)).forEach((flat, i) => {
        joined[i] = joined[i] === undefined ? flat : join(joined[i] ?? flat, flat);
      });
    }
    const own = cases[index]?.type;
    const flat = own === undefined || payload === undefined ? [] : await this.#lowerFlat(own, payload);
    const ownTypes = own === undefined ? [] : this.#flattening.flattenType(own);
    return [
      BigInt(index),
      // Narrower values are extended with zeros.
      ...joined.map((type, i) => BigInt.asUintN(Math.min(widthOf(type), widthOf(ownTypes[i] ?? I64)), flat[i] ?? 0n)),
    ];
  }

  async #storeFields(fields: readonly InterfaceType[], values: readonly Value[], address: number): Promise<void> {
    const offsets = this.#sizes.fieldOffsets(fields);
    for (const [i, field] of fields.entries())
      await this.#store(field, values[i] ?? false, address + (offsets[i] ?? 0));
  }

  /** `store`. */
  async #store(t: InterfaceType, value: Value, address: number): Promise<void> {
    const fields = fieldsOf(this.types, t);
    if (fields !== undefined && Array.isArray(value)) return this.#storeFields(fields, value, address);
    const cases = casesOf(this.types, t);
    if (cases !== undefined && isCase(value)) {
      await this.#memory.write(address, numberBytes(BigInt(value.index), discriminantSize(cases.length)));
      const type = cases[value.index]?.type;
      if (type === undefined || value.payload === undefined) return undefined;
      return this.#store(type, value.payload, address + this.#sizes.payloadOffset(cases.map((c) => c.type)));
    }
    if (t.kind === "fixed-list" && Array.isArray(value)) {
      return this.#storeElements(this.types.fixedLists.table.get(t.type).element, value, address);
    }
    let pair: readonly [number, bigint] | undefined;
    if (t.kind === "string" && typeof value === "string") pair = await this.#newString(value);
    if (t.kind === "list" && Array.isArray(value))
      pair = await this.#newList(this.types.lists.table.get(t.type).element, value);
    if (pair !== undefined) {
      const size = this.#pointerBits / 8;
      await this.#memory.write(address, numberBytes(BigInt(pair[0]), size));
      return this.#memory.write(address + size, numberBytes(pair[1], size));
    }
    const size =
      t.kind === "flags" ? flagsSize(this.types.flags.table.get(t.type).names.length) : this.#sizes.elemSize(t);
    return this.#memory.write(address, numberBytes(this.#lowerScalar(value), size));
  }

  async #storeElements(element: InterfaceType, values: readonly Value[], address: number): Promise<void> {
    const size = this.#sizes.elemSize(element);
    for (const [i, value] of values.entries()) await this.#store(element, value, address + i * size);
  }

  async #newList(element: InterfaceType, values: readonly Value[]): Promise<readonly [number, bigint]> {
    const { alignment, size } = this.#sizes.extent(element);
    const address = await this.#allocate(alignment, alignTo(size, alignment) * values.length);
    await this.#storeElements(element, values, address);
    return [address, BigInt(values.length)];
  }

  async #newString(text: string): Promise<readonly [number, bigint]> {
    const latin1 = this.#encoding === "latin1+utf16" && [...text].every((c) => (c.codePointAt(0) ?? 0) < 256);
    const bytes = this.#encoding === "utf8" ? Buffer.from(text) : Buffer.from(text, latin1 ? "latin1" : "utf16le");
    const address = await this.#allocate(this.#encoding === "utf8" ? 1 : 2, bytes.length);
    await this.#memory.write(address, bytes);
    if (this.#encoding === "utf8" || latin1) return [address, BigInt(bytes.length)];
    return [address, BigInt(bytes.length / 2) + (this.#encoding === "utf16" ? 0n : this.#utf16Tag)];
  }
}

function decode(encoding: "utf-8" | "utf-16le", bytes: Uint8Array): string {
  const decoder = new TextDecoder(encoding, { fatal: true, ignoreBOM: true });
  let text: string;
  try {
    text = decoder.decode(bytes, { stream: true });
  } catch {
    throw new LiftTrap(trapMessage(encoding === "utf-8" ? Trap.invalid_utf8 : Trap.invalid_utf16));
  }
  try {
    return text + decoder.decode();
  } catch {
    throw new LiftTrap(trapMessage(encoding === "utf-8" ? Trap.incomplete_utf8 : Trap.invalid_utf16));
  }
}
