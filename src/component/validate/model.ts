/**
 * Types as the validator sees them: objects with identity, because a type that was imported or exported under a name is another one than its
 * definition (names must be visible outside), although both have the same structure.
 *
 * Structure is interned: equal `key`, equal structure. Resources are variables; where a type binds them, `bound` says so.
 */

import type { InterfaceType, PrimitiveKind } from "../types.ts";
import type { TypeContext } from "../../wasm/matching.ts";
import type { GlobalType, MemoryType, TableType } from "../../wasm/types.ts";

/** A resource type's identity. */
export interface Resource {
  readonly id: number;
  /** For messages: the first name that it has outside, if it has one; until then which type it is. */
  name: string;
  /** Whether it has one. */
  isNamed: boolean;
}

export type ValType = PrimitiveKind | DefinedType;

export interface NamedValType {
  readonly name: string;
  readonly type: ValType;
}

/** Structure of a defined type, one layer. */
export type DefinedShape =
  | { readonly kind: "primitive"; readonly type: PrimitiveKind }
  | { readonly kind: "record"; readonly fields: readonly NamedValType[] }
  | {
      readonly kind: "variant";
      readonly cases: readonly { readonly name: string; readonly type: ValType | undefined }[];
    }
  | { readonly kind: "list"; readonly element: ValType }
  | { readonly kind: "fixed-list"; readonly element: ValType; readonly length: number }
  | { readonly kind: "map"; readonly key: ValType; readonly value: ValType }
  | { readonly kind: "tuple"; readonly types: readonly ValType[] }
  | { readonly kind: "flags"; readonly names: readonly string[] }
  | { readonly kind: "enum"; readonly names: readonly string[] }
  | { readonly kind: "option"; readonly type: ValType }
  | { readonly kind: "result"; readonly ok: ValType | undefined; readonly err: ValType | undefined }
  /** The type says which of the resource's names is meant. */
  | { readonly kind: "own" | "borrow"; readonly resource: ResourceType }
  | { readonly kind: "stream" | "future"; readonly type: ValType | undefined };

export interface DefinedType {
  readonly sort: "defined";
  readonly shape: DefinedShape;
  /** Equal for equal structure. */
  readonly key: number;
  /** The same for the Canonical ABI: streams and futures are handles there. */
  readonly layout: InterfaceType;
  /** Of the type written out without sharing. */
  readonly size: number;
  readonly depth: number;
  readonly hasBorrow: boolean;
}

export interface ResourceType {
  readonly sort: "resource";
  readonly resource: Resource;
}

export interface FuncType {
  readonly sort: "func";
  readonly params: readonly NamedValType[];
  readonly result: ValType | undefined;
  readonly isAsync: boolean;
}

/** A resource that a type binds, and the exports that lead to it. */
export interface BoundResource {
  readonly resource: Resource;
  readonly path: readonly string[];
}

export type Externs = ReadonlyMap<string, ExternType>;

export interface InstanceType {
  readonly sort: "instance";
  readonly exports: Externs;
  /** Existential: each instance of this type has its own. Empty for the type of an instance that exists. */
  readonly bound: readonly BoundResource[];
  /** Nesting of instance and component types. */
  readonly depth: number;
}

export interface ComponentType {
  readonly sort: "component";
  readonly imports: Externs;
  readonly exports: Externs;
  /** Universal: what is imported. */
  readonly importedResources: readonly BoundResource[];
  /** Existential: what each instantiation makes. */
  readonly bound: readonly BoundResource[];
  readonly depth: number;
}

export type AnyType = DefinedType | ResourceType | FuncType | InstanceType | ComponentType;

/** What is imported or exported. Of a type: the type by this name. */
export type ExternType =
  | { readonly kind: "module"; readonly type: ModuleType }
  | { readonly kind: "func"; readonly type: FuncType }
  | { readonly kind: "type"; readonly type: AnyType }
  | { readonly kind: "instance"; readonly type: InstanceType }
  | { readonly kind: "component"; readonly type: ComponentType };

// Core

/** A core definition's type; the context gives meaning to type indices. */
export type CoreExtern =
  | { readonly kind: "func"; readonly context: TypeContext; readonly type: number }
  | { readonly kind: "table"; readonly context: TypeContext; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "global"; readonly context: TypeContext; readonly type: GlobalType }
  | { readonly kind: "tag"; readonly context: TypeContext; readonly type: number };

export interface ModuleImport {
  readonly module: string;
  readonly name: string;
  readonly type: CoreExtern;
}

export interface ModuleType {
  readonly imports: readonly ModuleImport[];
  readonly exports: ReadonlyMap<string, CoreExtern>;
}

export type CoreInstanceType = ReadonlyMap<string, CoreExtern>;

/** `func`, `resource` …, for messages. */
export function sortName(type: AnyType): string {
  switch (type.sort) {
    case "defined":
      return "defined type";
    default:
      return type.sort;
  }
}

/** Of an extern: `func`, `core module` …, for messages. */
export function externKindName(type: ExternType): string {
  return type.kind === "module" ? "core module" : type.kind;
}

/** The kind of a value type's structure: `record`, `u32`, … */
export function shapeName(type: ValType): string {
  if (typeof type === "string") return type;
  return type.shape.kind === "primitive" ? type.shape.type : type.shape.kind;
}

/** The resource or instance of resources that `path` leads to. */
export function resourceAt(exports: Externs, path: readonly string[]): ResourceType | undefined {
  let current: Externs | undefined = exports;
  for (let i = 0; i < path.length; i++) {
    const item: ExternType | undefined = current?.get(path[i] ?? "");
    if (i === path.length - 1) return item?.kind === "type" && item.type.sort === "resource" ? item.type : undefined;
    current = item?.kind === "instance" ? item.type.exports : undefined;
  }
  return undefined;
}
