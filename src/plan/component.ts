/**
 * The plan: one component, flat. Nested components, instances and aliases are gone; every core import is resolved; what is left
 * is exactly what becomes code and data. `translate/` makes it, `verify.ts` checks it, `print.ts` shows it (`--emit plan`).
 *
 * Index names say what they order: all of these are positions in the tables of `Component`.
 */

import type { Entity, PrimaryMap } from "../base/entity.ts";
import type { ComponentTypes, InterfaceType, ResourceIndex, TypeFuncIndex } from "../component/types.ts";
import type { TrapName } from "../layout/traps.ts";
import type { Module } from "../wasm/module.ts";
import type { FuncType, GlobalType, MemoryType, TableType } from "../wasm/types.ts";

/** A core module of the input, or of the built-in WASI. */
export type StaticModuleIndex = Entity<"StaticModule">;
/** An instantiated core module. */
export type CoreInstanceIndex = Entity<"CoreInstance">;
/** A linear memory, table, global or tag of some core instance. */
export type MemoryIndex = Entity<"Memory">;
export type TableIndex = Entity<"Table">;
export type GlobalIndex = Entity<"Global">;
export type TagIndex = Entity<"Tag">;
/** A core function signature, canonical over all modules. A funcref holds this number plus one. */
export type SignatureIndex = Entity<"Signature">;
/** A function that the host provides. */
export type RuntimeImportIndex = Entity<"RuntimeImport">;
/** A `canon lower`ed host function. */
export type LoweredIndex = Entity<"Lowered">;
/** A canonical built-in that becomes code (`resource.new` …). */
export type TrampolineIndex = Entity<"Trampoline">;
/** An instance of a component: has flags and a handle table. */
export type RuntimeComponentInstanceIndex = Entity<"RuntimeComponentInstance">;

export interface StaticModule {
  readonly module: Module;
  /** What the module's byte ranges refer to. */
  readonly bytes: Uint8Array;
  /** For symbols and messages: its name section's, or `core3`. Unique in the plan. */
  readonly name: string;
  /** May import `windlass:native`: the built-in WASI only. */
  readonly trusted: boolean;
  /** For each type index of the module: its number among `Component.signatures`; undefined if it is no function type. */
  readonly signatures: readonly (SignatureIndex | undefined)[];
}

/** A core function after all imports are resolved. */
export type CoreFunc =
  /** Defined by a module: `func` is in the module's function index space. */
  | { readonly kind: "wasm"; readonly instance: CoreInstanceIndex; readonly func: number }
  | { readonly kind: "lowered"; readonly index: LoweredIndex }
  | { readonly kind: "trampoline"; readonly index: TrampolineIndex }
  /** `windlass:native`, by name; called by trusted modules only, expanded in place. */
  | { readonly kind: "intrinsic"; readonly name: string };

export interface CoreInstance {
  readonly module: StaticModuleIndex;
  /** Imported functions, in the order of the module's imports. */
  readonly imports: readonly CoreFunc[];
  /** The module's whole index spaces, imported ones first. */
  readonly memories: readonly MemoryIndex[];
  readonly tables: readonly TableIndex[];
  readonly globals: readonly GlobalIndex[];
  readonly tags: readonly TagIndex[];
}

/** Where a memory, table, global or tag is defined: position in the module's index space. */
export interface Definition {
  readonly instance: CoreInstanceIndex;
  readonly index: number;
}

export interface Memory extends Definition {
  readonly type: MemoryType;
  readonly style: "guarded" | "checked";
  /** Largest size in bytes that it may have. */
  readonly maxBytes: number;
}

export interface Table extends Definition {
  readonly type: TableType;
  readonly maxElements: number;
}

export interface Global extends Definition {
  readonly type: GlobalType;
}

export interface Tag extends Definition {
  readonly signature: SignatureIndex;
}

export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

/** `canonopt`s with their meaning resolved. */
export interface CanonicalOptions {
  readonly instance: RuntimeComponentInstanceIndex;
  readonly memory: MemoryIndex | undefined;
  readonly realloc: CoreFunc | undefined;
  readonly postReturn: CoreFunc | undefined;
  readonly stringEncoding: StringEncoding;
  /** Of `canon lift`: `task.return` gives the result. Of `canon lower`: the result goes to memory, and the call gives a status. */
  readonly isAsync: boolean;
  /** `canon lift` that is `async`: the core function returns what its task waits for. */
  readonly callback: boolean;
}

/** A host function, by where the component imports it: `["wasi:io/streams@0.2.6", "[method]output-stream.write"]`. */
export interface RuntimeImport {
  readonly path: readonly string[];
  readonly type: TypeFuncIndex;
}

/** How a host function is called, and the host's calls of exports with it (`typed`: C values; else flat values). */
export type HostAbi = "typed" | "dynamic" | "flat";

export interface LowerImport {
  readonly import: RuntimeImportIndex;
  readonly type: TypeFuncIndex;
  /** Its core signature (Canonical ABI: `flatten_functype` for lower), without the context. */
  readonly signature: FuncType;
  /** The number of `signature`: what a funcref to the trampoline holds (plus one). */
  readonly signatureIndex: SignatureIndex;
  readonly options: CanonicalOptions;
  /** The host, through its `VMLoweringCallee`; or a function of the built-in WASI with the same core signature. */
  readonly callee:
    | { readonly kind: "host"; readonly abi: HostAbi }
    | { readonly kind: "builtin"; readonly func: CoreFunc };
}

export type Trampoline =
  | {
      readonly kind: "resource-new" | "resource-rep" | "resource-drop";
      readonly resource: ResourceIndex;
      readonly instance: RuntimeComponentInstanceIndex;
      readonly signatureIndex: SignatureIndex;
    }
  /** A call from one component instance into another: `canon lower` of what `canon lift` made, fused. */
  | {
      readonly kind: "adapter";
      readonly callee: LiftedFunction;
      /** The caller's core signature (`flatten_functype` for lower), without the context. */
      readonly signature: FuncType;
      readonly signatureIndex: SignatureIndex;
      /** The caller's. */
      readonly options: CanonicalOptions;
    }
  /** A function that a core module imports, compiled as it is (`CoreInterface`): the host's, through its slot `hostIndex`. */
  | {
      readonly kind: "host-function";
      readonly hostIndex: number;
      readonly module: string;
      readonly name: string;
      readonly signature: FuncType;
      readonly signatureIndex: SignatureIndex;
    }
  /** A canonical built-in for asynchrony or threads, in a component whose tasks never wait. */
  | {
      readonly kind: "task-builtin";
      readonly name: string;
      readonly action: TaskAction;
      readonly instance: RuntimeComponentInstanceIndex;
      readonly signature: FuncType;
      readonly signatureIndex: SignatureIndex;
    }
  /** A canonical built-in that always traps: a lowered export of a component instance that may not be entered, for example. */
  | {
      readonly kind: "always-trap";
      readonly signature: FuncType;
      readonly signatureIndex: SignatureIndex;
      readonly trap: "cannot_enter_component";
    };

/**
 * What is left of a built-in for asynchrony or threads where no task ever waits, there is one thread, and nothing can be waited for. All
 * but the first three check first that the instance may leave.
 */
export type TaskAction =
  | { readonly kind: "context-get" | "context-set"; readonly slot: number }
  | { readonly kind: "backpressure"; readonly by: 1 | -1 }
  /** From the task's instance to whoever called it. */
  | {
      readonly kind: "task-return";
      readonly result: InterfaceType | undefined;
      readonly options: Pick<CanonicalOptions, "memory" | "stringEncoding">;
    }
  | { readonly kind: "task-cancel" }
  /** Would wait for its first parameter, or for another thread: traps in a task that may not block, and is refused in one that may. */
  | { readonly kind: "wait"; readonly of: "waitable-set" | "unknown-handle" | "thread" }
  | { readonly kind: "yield" }
  | { readonly kind: "constant"; readonly value: number }
  | { readonly kind: "trap"; readonly trap: TrapName }
  /** Looks up its first parameter, which can be no index of what it is for: always traps. */
  | { readonly kind: "unknown-handle" }
  | { readonly kind: "waitable-set-new" | "waitable-set-drop" }
  | { readonly kind: "waitable-set-poll"; readonly memory: MemoryIndex };

/** A resource type. Its index is the number in handle tags. */
export type Resource =
  | {
      readonly kind: "defined";
      readonly name: string;
      readonly instance: RuntimeComponentInstanceIndex;
      readonly destructor: CoreFunc | undefined;
    }
  /** Imported; `hostIndex` counts these: the position of its destructor slot. */
  | { readonly kind: "host"; readonly name: string; readonly path: readonly string[]; readonly hostIndex: number }
  /** One of WASI's, implemented by the built-in: `wasi:io/streams/output-stream`. The destructor takes the rep (i32). */
  | { readonly kind: "builtin"; readonly name: string; readonly destructor: CoreFunc | undefined };

/** In this order when the component is instantiated. */
export type Initializer = { readonly kind: "instantiate"; readonly instance: CoreInstanceIndex };

/** A `canon lift`ed function. */
export interface LiftedFunction {
  readonly kind: "func";
  readonly core: CoreFunc;
  readonly type: TypeFuncIndex;
  /** Its core signature (`flatten_functype` for lift), without the context. */
  readonly signature: FuncType;
  readonly options: CanonicalOptions;
}

export type ComponentExport =
  | LiftedFunction
  | { readonly kind: "instance"; readonly exports: ReadonlyMap<string, ComponentExport> }
  | { readonly kind: "type"; readonly name: string; readonly type: NamedType }
  /** What a host has no use for: nothing of it is code. */
  | { readonly kind: "core-module" | "component"; readonly name: string };

/** What a name of a type stands for; undefined for types that no value has. */
export type NamedType = InterfaceType | { readonly kind: "resource"; readonly resource: ResourceIndex } | undefined;

/** A type by where the component imports it: `["acme:log/types@1.0.0", "level"]`. */
export interface ImportedType {
  readonly path: readonly string[];
  readonly type: NamedType;
}

export interface ComponentInstance {
  /** `""` for the root. */
  readonly path: string;
  /** The instance that instantiated it; undefined for the root. */
  readonly parent: RuntimeComponentInstanceIndex | undefined;
}

/** A definition that crosses the boundary of a core module that is compiled as it is. Tags have no form in C. */
export type CoreItem =
  | { readonly kind: "func"; readonly func: CoreFunc; readonly type: FuncType }
  | { readonly kind: "memory"; readonly index: MemoryIndex }
  | { readonly kind: "table"; readonly index: TableIndex }
  | { readonly kind: "global"; readonly index: GlobalIndex }
  | { readonly kind: "tag" };

/** What a core module imports and exports when it is the input itself: then the host's functions have core types. */
export interface CoreInterface {
  /**
   * In the order of the module. An imported function is a trampoline. Imported memories, tables and globals belong to an instance that
   * has nothing else, the first of the plan: the host reaches them, and gives the globals their values.
   */
  readonly imports: readonly { readonly module: string; readonly name: string; readonly item: CoreItem }[];
  readonly exports: readonly { readonly name: string; readonly item: CoreItem }[];
}

export interface Component {
  readonly types: ComponentTypes;
  readonly modules: PrimaryMap<StaticModuleIndex, StaticModule>;
  readonly instances: PrimaryMap<CoreInstanceIndex, CoreInstance>;
  readonly signatures: PrimaryMap<SignatureIndex, FuncType>;
  readonly memories: PrimaryMap<MemoryIndex, Memory>;
  readonly tables: PrimaryMap<TableIndex, Table>;
  readonly globals: PrimaryMap<GlobalIndex, Global>;
  readonly tags: PrimaryMap<TagIndex, Tag>;
  readonly imports: PrimaryMap<RuntimeImportIndex, RuntimeImport>;
  /** Names of types among the imports: for what a host sees. */
  readonly importedTypes: readonly ImportedType[];
  readonly lowerings: PrimaryMap<LoweredIndex, LowerImport>;
  readonly trampolines: PrimaryMap<TrampolineIndex, Trampoline>;
  readonly resources: PrimaryMap<ResourceIndex, Resource>;
  readonly componentInstances: PrimaryMap<RuntimeComponentInstanceIndex, ComponentInstance>;
  readonly initializers: readonly Initializer[];
  readonly exports: ReadonlyMap<string, ComponentExport>;
  /** Of a core module that is compiled as it is; then there are no component instances, lowerings or lifted functions. */
  readonly core: CoreInterface | undefined;
  /** The instance of the built-in WASI, when some lowering uses it. */
  readonly builtin: CoreInstanceIndex | undefined;
}
