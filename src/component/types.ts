/**
 * The arena of component-level types after translation: every type is interned, so that equal structure has equal index, and every
 * resource has its identity. `component/` makes it, everything behind reads it.
 */

import { type Entity, PrimaryMap } from "../base/entity.ts";

export type TypeFuncIndex = Entity<"TypeFunc">;
export type TypeRecordIndex = Entity<"TypeRecord">;
export type TypeVariantIndex = Entity<"TypeVariant">;
export type TypeListIndex = Entity<"TypeList">;
export type TypeTupleIndex = Entity<"TypeTuple">;
export type TypeFlagsIndex = Entity<"TypeFlags">;
export type TypeEnumIndex = Entity<"TypeEnum">;
export type TypeOptionIndex = Entity<"TypeOption">;
export type TypeResultIndex = Entity<"TypeResult">;
export type TypeFixedListIndex = Entity<"TypeFixedList">;
export type TypeMapIndex = Entity<"TypeMap">;
/** A resource type of the instantiated component: imported from the host, or defined by one component instance. */
export type ResourceIndex = Entity<"Resource">;

export type PrimitiveKind =
  | "bool"
  | "s8"
  | "u8"
  | "s16"
  | "u16"
  | "s32"
  | "u32"
  | "s64"
  | "u64"
  | "f32"
  | "f64"
  | "char"
  | "string"
  | "error-context";

/** A value type of the component model. */
export type InterfaceType =
  | { readonly kind: PrimitiveKind }
  | { readonly kind: "record"; readonly type: TypeRecordIndex }
  | { readonly kind: "variant"; readonly type: TypeVariantIndex }
  | { readonly kind: "list"; readonly type: TypeListIndex }
  | { readonly kind: "fixed-list"; readonly type: TypeFixedListIndex }
  | { readonly kind: "map"; readonly type: TypeMapIndex }
  | { readonly kind: "tuple"; readonly type: TypeTupleIndex }
  | { readonly kind: "flags"; readonly type: TypeFlagsIndex }
  | { readonly kind: "enum"; readonly type: TypeEnumIndex }
  | { readonly kind: "option"; readonly type: TypeOptionIndex }
  | { readonly kind: "result"; readonly type: TypeResultIndex }
  | { readonly kind: "own"; readonly resource: ResourceIndex }
  | { readonly kind: "borrow"; readonly resource: ResourceIndex };

export interface NamedType {
  readonly name: string;
  readonly type: InterfaceType;
}

export interface TypeFunc {
  readonly params: readonly NamedType[];
  /** A function has one result or none. */
  readonly result: InterfaceType | undefined;
  readonly isAsync: boolean;
}

export interface TypeRecord {
  readonly fields: readonly NamedType[];
}
export interface TypeVariant {
  readonly cases: readonly { readonly name: string; readonly type: InterfaceType | undefined }[];
}
export interface TypeList {
  readonly element: InterfaceType;
}
export interface TypeFixedList {
  readonly element: InterfaceType;
  readonly length: number;
}
export interface TypeMap {
  readonly key: InterfaceType;
  readonly value: InterfaceType;
}
export interface TypeTuple {
  readonly types: readonly InterfaceType[];
}
export interface TypeFlags {
  readonly names: readonly string[];
}
export interface TypeEnum {
  readonly names: readonly string[];
}
export interface TypeOption {
  readonly type: InterfaceType;
}
export interface TypeResult {
  readonly ok: InterfaceType | undefined;
  readonly err: InterfaceType | undefined;
}

/** Interns structural types: equal structure, equal index. */
class Interner<K extends Entity<string>, V> {
  readonly table = new PrimaryMap<K, V>();
  readonly #known = new Map<string, K>();
  intern(value: V): K {
    const key = JSON.stringify(value);
    let index = this.#known.get(key);
    if (index === undefined) {
      index = this.table.push(value);
      this.#known.set(key, index);
    }
    return index;
  }
}

export class ComponentTypes {
  readonly funcs = new Interner<TypeFuncIndex, TypeFunc>();
  readonly records = new Interner<TypeRecordIndex, TypeRecord>();
  readonly variants = new Interner<TypeVariantIndex, TypeVariant>();
  readonly lists = new Interner<TypeListIndex, TypeList>();
  readonly fixedLists = new Interner<TypeFixedListIndex, TypeFixedList>();
  readonly maps = new Interner<TypeMapIndex, TypeMap>();
  readonly tuples = new Interner<TypeTupleIndex, TypeTuple>();
  readonly flags = new Interner<TypeFlagsIndex, TypeFlags>();
  readonly enums = new Interner<TypeEnumIndex, TypeEnum>();
  readonly options = new Interner<TypeOptionIndex, TypeOption>();
  readonly results = new Interner<TypeResultIndex, TypeResult>();

  func(index: TypeFuncIndex): TypeFunc {
    return this.funcs.table.get(index);
  }
}
