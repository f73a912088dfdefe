/**
 * A component as it stands in the binary (Component Model, "Binary Format"): nested, every definition in its place, indices unresolved.
 * `decode.ts` makes it, `validate.ts` checks it, `translate/` evaluates it. Sections are not kept: a component is the list of its
 * definitions, since each may refer to all before it.
 *
 * Offsets are absolute in the input file.
 */

import type { Module } from "../wasm/module.ts";
import type { TypeInterner } from "../wasm/type-interner.ts";
import type { GlobalType, MemoryType, SubType, TableType, TagType } from "../wasm/types.ts";
import type { PrimitiveKind } from "./types.ts";

/** Sorts of core definitions: what core modules import and export, and what components can do with them. */
export type CoreItemSort = "func" | "table" | "memory" | "global" | "tag";
export type CoreSort = CoreItemSort | "type" | "module" | "instance";
/** Sorts of definitions; the index space of `core-…` is that of core definitions. */
export type Sort = `core-${CoreSort}` | "func" | "value" | "type" | "component" | "instance";

/** An import's or export's name. */
export interface ExternName {
  readonly name: string;
  /** Attribute: the interface that an instance under a plain name implements. */
  readonly implements: string | undefined;
  readonly externalId: string | undefined;
  readonly offset: number;
}

export interface SortIndex {
  readonly sort: Sort;
  readonly index: number;
}

// Core definitions

export type CoreInstanceExpr =
  | {
      readonly kind: "instantiate";
      readonly module: number;
      readonly args: readonly { readonly name: string; readonly instance: number }[];
    }
  | {
      readonly kind: "exports";
      readonly exports: readonly { readonly name: string; readonly sort: CoreSort; readonly index: number }[];
    };

/** What a core module type imports or exports; `type` of a function or tag is an index of the module type's own core types. */
export type CoreImportDesc =
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "global"; readonly type: GlobalType }
  | { readonly kind: "tag"; readonly type: TagType };

export type ModuleTypeDecl = { readonly offset: number } & (
  | { readonly kind: "import"; readonly module: string; readonly name: string; readonly desc: CoreImportDesc }
  | { readonly kind: "type"; readonly group: readonly SubType[] }
  /** `count` scopes outwards: 0 is the module type itself, 1 the component or type around it. */
  | { readonly kind: "alias"; readonly count: number; readonly index: number }
  | { readonly kind: "export"; readonly name: string; readonly desc: CoreImportDesc }
);

/** A recursive group is one definition that takes as many indices as it has types. */
export type CoreTypeDef =
  | { readonly kind: "group"; readonly types: readonly SubType[] }
  | { readonly kind: "module"; readonly decls: readonly ModuleTypeDecl[] };

// Types

/** A primitive type, or a type index. */
export type ValTypeRef = PrimitiveKind | number;

export interface NamedValType {
  readonly name: string;
  readonly type: ValTypeRef;
}

export type DefValType =
  | { readonly kind: "primitive"; readonly type: PrimitiveKind }
  | { readonly kind: "record"; readonly fields: readonly NamedValType[] }
  | {
      readonly kind: "variant";
      readonly cases: readonly { readonly name: string; readonly type: ValTypeRef | undefined }[];
    }
  | { readonly kind: "list"; readonly element: ValTypeRef }
  | { readonly kind: "fixed-list"; readonly element: ValTypeRef; readonly length: number }
  | { readonly kind: "map"; readonly key: ValTypeRef; readonly value: ValTypeRef }
  | { readonly kind: "tuple"; readonly types: readonly ValTypeRef[] }
  | { readonly kind: "flags"; readonly names: readonly string[] }
  | { readonly kind: "enum"; readonly names: readonly string[] }
  | { readonly kind: "option"; readonly type: ValTypeRef }
  | { readonly kind: "result"; readonly ok: ValTypeRef | undefined; readonly err: ValTypeRef | undefined }
  | { readonly kind: "own"; readonly resource: number }
  | { readonly kind: "borrow"; readonly resource: number }
  | { readonly kind: "stream"; readonly type: ValTypeRef | undefined }
  | { readonly kind: "future"; readonly type: ValTypeRef | undefined };

export interface FuncTypeDef {
  readonly kind: "func";
  readonly params: readonly NamedValType[];
  readonly result: ValTypeRef | undefined;
  readonly isAsync: boolean;
}

export interface ResourceTypeDef {
  readonly kind: "resource";
  /** Core function index. */
  readonly destructor: number | undefined;
}

/** What an import or a declared export is. */
export type ExternDesc =
  | { readonly kind: "module"; readonly type: number }
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "value"; readonly type: ValTypeRef }
  /** `(eq type)`, or `(sub resource)` when `eq` is undefined. */
  | { readonly kind: "type"; readonly eq: number | undefined }
  | { readonly kind: "instance"; readonly type: number }
  | { readonly kind: "component"; readonly type: number };

/** Declarations of component types and instance types; only component types import. */
export type TypeDecl = { readonly offset: number } & (
  | { readonly kind: "core-type"; readonly type: CoreTypeDef }
  | { readonly kind: "type"; readonly type: TypeDef }
  | { readonly kind: "alias"; readonly alias: Alias }
  | { readonly kind: "import"; readonly name: ExternName; readonly desc: ExternDesc }
  | { readonly kind: "export"; readonly name: ExternName; readonly desc: ExternDesc }
);

export type TypeDef =
  | DefValType
  | FuncTypeDef
  | ResourceTypeDef
  | { readonly kind: "component-type"; readonly decls: readonly TypeDecl[] }
  | { readonly kind: "instance-type"; readonly decls: readonly TypeDecl[] };

// Definitions

export type Alias = { readonly sort: Sort } & (
  | { readonly kind: "export"; readonly instance: number; readonly name: string }
  | { readonly kind: "core-export"; readonly instance: number; readonly name: string }
  /** `count` components or types outwards, 0 is the current one. */
  | { readonly kind: "outer"; readonly count: number; readonly index: number }
);

export type InstanceExpr =
  | {
      readonly kind: "instantiate";
      readonly component: number;
      readonly args: readonly ({ readonly name: string } & SortIndex)[];
    }
  | { readonly kind: "exports"; readonly exports: readonly ({ readonly name: ExternName } & SortIndex)[] };

export type CanonOption = { readonly offset: number } & (
  | { readonly kind: "string-encoding"; readonly encoding: "utf8" | "utf16" | "latin1+utf16" }
  | { readonly kind: "memory" | "realloc" | "post-return" | "callback"; readonly index: number }
  | { readonly kind: "async" }
);

/** The canonical built-ins that belong to asynchrony and threads; decoded with their immediates, not compiled yet. */
export type AsyncBuiltin =
  | {
      readonly name:
        | "task.cancel"
        | "subtask.drop"
        | "backpressure.inc"
        | "backpressure.dec"
        | "waitable-set.new"
        | "waitable-set.drop"
        | "waitable.join"
        | "error-context.drop"
        | "thread.index"
        | "thread.resume-later"
        | "thread.available-parallelism";
    }
  | {
      readonly name:
        | "subtask.cancel"
        | "thread.yield"
        | "thread.suspend"
        | "thread.suspend-then-resume"
        | "thread.yield-then-resume"
        | "thread.suspend-then-promote"
        | "thread.yield-then-promote";
      /** `async` of `subtask.cancel`, `cancellable` of the others. */
      readonly flag: boolean;
    }
  | { readonly name: "task.return"; readonly result: ValTypeRef | undefined; readonly options: readonly CanonOption[] }
  | { readonly name: "context.get" | "context.set"; readonly slot: number; readonly is64: boolean }
  | {
      readonly name: `${"stream" | "future"}.${"new" | "drop-readable" | "drop-writable"}`;
      readonly type: number;
    }
  | {
      readonly name: `${"stream" | "future"}.${"read" | "write"}`;
      readonly type: number;
      readonly options: readonly CanonOption[];
    }
  | {
      readonly name: `${"stream" | "future"}.${"cancel-read" | "cancel-write"}`;
      readonly type: number;
      readonly flag: boolean;
    }
  | { readonly name: "error-context.new" | "error-context.debug-message"; readonly options: readonly CanonOption[] }
  | { readonly name: "waitable-set.wait" | "waitable-set.poll"; readonly flag: boolean; readonly memory: number }
  | { readonly name: "thread.new-indirect" | "thread.spawn-indirect"; readonly type: number; readonly table: number }
  | { readonly name: "thread.spawn-ref"; readonly type: number };

export type Canon =
  | {
      readonly kind: "lift";
      readonly func: number;
      readonly options: readonly CanonOption[];
      readonly type: number;
    }
  | { readonly kind: "lower"; readonly func: number; readonly options: readonly CanonOption[] }
  | { readonly kind: "resource.new" | "resource.rep" | "resource.drop"; readonly type: number }
  | { readonly kind: "async-builtin"; readonly builtin: AsyncBuiltin };

export type Definition = { readonly offset: number } & (
  | { readonly kind: "core-module"; readonly module: Module }
  | { readonly kind: "core-instance"; readonly expr: CoreInstanceExpr }
  | { readonly kind: "core-type"; readonly type: CoreTypeDef }
  | { readonly kind: "component"; readonly component: ParsedComponent }
  | { readonly kind: "instance"; readonly expr: InstanceExpr }
  | { readonly kind: "alias"; readonly alias: Alias }
  | { readonly kind: "type"; readonly type: TypeDef }
  | { readonly kind: "canon"; readonly canon: Canon }
  | { readonly kind: "import"; readonly name: ExternName; readonly desc: ExternDesc }
  | {
      readonly kind: "export";
      readonly name: ExternName;
      readonly item: SortIndex;
      /** The ascribed type. */
      readonly desc: ExternDesc | undefined;
    }
);

export interface ParsedComponent {
  /** The whole file; the component is `bytes[start, end)`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** From the root, which is `[]`: `["component 0", "component 1"]`. For diagnostics. */
  readonly path: readonly string[];
  readonly definitions: readonly Definition[];
  /** From the `component-name` custom section. */
  readonly name: string | undefined;
  /** Contents of custom sections with documentation (`docs.ts`). */
  readonly docs: readonly Uint8Array[];
  /** Shared by all core modules of the file. */
  readonly interner: TypeInterner;
}
