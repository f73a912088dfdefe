/**
 * Core signatures of component functions (Canonical ABI, "Flattening").
 *
 * Flat types of one type are cut off behind `MAX_FLAT_PARAMS` of them, because nothing distinguishes longer lists: a list that is
 * longer than `MAX_FLAT_PARAMS` says just that.
 */

import { unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, TypeFunc } from "../component/types.ts";
import { F32, F64, type FuncType, I32, I64, type ValType } from "../wasm/types.ts";
import { despecialize, elementFields } from "./despecialize.ts";
import { type PtrType, typeKey } from "./sizes.ts";

export const MAX_FLAT_PARAMS = 16;
export const MAX_FLAT_ASYNC_PARAMS = 4;
export const MAX_FLAT_RESULTS = 1;

/** `canon lift` or `canon lower`. */
export type FlattenContext = "lift" | "lower";

/** The canonical options that a signature depends on. */
export interface FlattenOptions {
  readonly isAsync: boolean;
  /** Lift only: there is a callback. */
  readonly callback: boolean;
}

export const SYNC: FlattenOptions = { isAsync: false, callback: false };

/** `join`: the core type that holds a value of either. */
export function join(a: ValType, b: ValType): ValType {
  if (a === b) return a;
  if ((a === I32 && b === F32) || (a === F32 && b === I32)) return I32;
  return I64;
}

/** A core signature, and whether parameters and results go through memory. */
export interface FlatFunc {
  readonly signature: FuncType;
  /** The parameters are one pointer to a record of them. */
  readonly paramsInMemory: boolean;
  /** The result is in memory: lift returns its address, lower receives where it goes as the last parameter. */
  readonly resultInMemory: boolean;
}

/** Flat types of the types of one `ComponentTypes`, for one address type. */
export class Flattening {
  readonly types: ComponentTypes;
  readonly ptr: PtrType;
  readonly #known = new Map<string, readonly ValType[]>();

  constructor(types: ComponentTypes, ptr: PtrType) {
    this.types = types;
    this.ptr = ptr;
  }

  /** `flatten_type(t)`, cut off behind `MAX_FLAT_PARAMS`. */
  flattenType(t: InterfaceType): readonly ValType[] {
    const key = typeKey(t);
    let flat = this.#known.get(key);
    if (flat === undefined) {
      flat = this.#compute(t);
      this.#known.set(key, flat);
    }
    return flat;
  }

  /** `flatten_types(ts)`, cut off behind `MAX_FLAT_PARAMS`. */
  flattenTypes(types: readonly InterfaceType[]): readonly ValType[] {
    const flat: ValType[] = [];
    for (const t of types) {
      flat.push(...this.flattenType(t));
      if (flat.length > MAX_FLAT_PARAMS) break;
    }
    return flat.slice(0, MAX_FLAT_PARAMS + 1);
  }

  #compute(t: InterfaceType): readonly ValType[] {
    const d = despecialize(this.types, t);
    switch (d.kind) {
      case "bool":
      case "s8":
      case "u8":
      case "s16":
      case "u16":
      case "s32":
      case "u32":
      case "char":
      case "flags":
      case "own":
      case "borrow":
      case "error-context":
        return [I32];
      case "s64":
      case "u64":
        return [I64];
      case "f32":
        return [F32];
      case "f64":
        return [F64];
      case "string":
        return [this.ptr, this.ptr];
      case "list": {
        if (d.length === undefined) return [this.ptr, this.ptr];
        const element = this.flattenTypes(elementFields(d.element));
        const count = element.length === 0 ? 0 : Math.min(d.length, MAX_FLAT_PARAMS + 1);
        const flat: ValType[] = [];
        for (let i = 0; i < count; i++) flat.push(...element);
        return flat.slice(0, MAX_FLAT_PARAMS + 1);
      }
      case "record":
        return this.flattenTypes(d.fields);
      case "variant":
        return this.flattenVariant(d.cases);
      default:
        return unreachable(d);
    }
  }

  /** `flatten_variant`: the discriminant, then types that hold the payload of any case. */
  flattenVariant(cases: readonly (InterfaceType | undefined)[]): readonly ValType[] {
    const flat: ValType[] = [];
    for (const c of cases) {
      if (c === undefined) continue;
      const payload = this.flattenType(c);
      for (let i = 0; i < payload.length; i++) {
        const type = payload[i] ?? I32;
        const known = flat[i];
        if (known === undefined) flat.push(type);
        else flat[i] = join(known, type);
      }
    }
    return [I32, ...flat].slice(0, MAX_FLAT_PARAMS + 1);
  }

  /** `flatten_functype`. Pointers of the result are the memory's address type too. */
  flattenFuncType(type: TypeFunc, context: FlattenContext, options: FlattenOptions = SYNC): FlatFunc {
    const flatParams = this.flattenTypes(type.params.map((p) => p.type));
    const flatResults = type.result === undefined ? [] : this.flattenType(type.result);
    const maxParams = options.isAsync && context === "lower" ? MAX_FLAT_ASYNC_PARAMS : MAX_FLAT_PARAMS;
    const paramsInMemory = flatParams.length > maxParams;
    const params = paramsInMemory ? [this.ptr] : [...flatParams];
    let results: ValType[];
    let resultInMemory = false;
    if (options.isAsync) {
      if (context === "lift") results = options.callback ? [I32] : [];
      else {
        resultInMemory = flatResults.length > 0;
        if (resultInMemory) params.push(this.ptr);
        results = [I32];
      }
    } else {
      resultInMemory = flatResults.length > MAX_FLAT_RESULTS;
      if (!resultInMemory) results = [...flatResults];
      else if (context === "lift") results = [this.ptr];
      else {
        params.push(this.ptr);
        results = [];
      }
    }
    return { signature: { kind: "func", params, results }, paramsInMemory, resultInMemory };
  }

  /** Whether lifting a value of this type from flat values or memory reads memory: it holds a pointer. */
  containsPointer(t: InterfaceType): boolean {
    return this.#pointers.holds(t);
  }

  /** Whether a value of this type holds handles. */
  containsHandle(t: InterfaceType): boolean {
    return this.#handles.holds(t);
  }

  readonly #handles = new TypePredicate(this, (t) => t.kind === "own" || t.kind === "borrow");
  readonly #pointers = new TypePredicate(this, (t) => t.kind === "string" || t.kind === "list" || t.kind === "map");
}

/** Whether some part of a type is so; remembered per type. */
class TypePredicate {
  readonly #owner: { readonly types: ComponentTypes };
  readonly #test: (t: InterfaceType) => boolean;
  readonly #known = new Map<string, boolean>();

  constructor(owner: { readonly types: ComponentTypes }, test: (t: InterfaceType) => boolean) {
    this.#owner = owner;
    this.#test = test;
  }

  holds(t: InterfaceType): boolean {
    const key = typeKey(t);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#test(t) || this.#parts(t).some((part) => part !== undefined && this.holds(part));
      this.#known.set(key, known);
    }
    return known;
  }

  #parts(t: InterfaceType): readonly (InterfaceType | undefined)[] {
    const d = despecialize(this.#owner.types, t);
    switch (d.kind) {
      case "record":
        return d.fields;
      case "variant":
        return d.cases;
      case "list":
        return elementFields(d.element);
      default:
        return [];
    }
  }
}
