/**
 * What indices stand for while a component is instantiated at compile time: the values of the abstract interpretation.
 *
 * A `Scope` is one set of index spaces: a component instance's, or an instance type's while a host import of that type is made.
 * Components are closures: the binary and the scope that they were defined in.
 */

import type {
  CoreFunc,
  CoreInstanceIndex,
  GlobalIndex,
  LiftedFunction,
  MemoryIndex,
  NamedType,
  RuntimeComponentInstanceIndex,
  TableIndex,
  TagIndex,
} from "../plan/component.ts";
import type { ParsedComponent, TypeDecl } from "../component/parsed.ts";
import type { InterfaceType, ResourceIndex, TypeFuncIndex } from "../component/types.ts";
import type { Module } from "../wasm/module.ts";

/** A definition of a core instance. */
export type CoreItem =
  | { readonly sort: "func"; readonly func: CoreFunc }
  | { readonly sort: "table"; readonly index: TableIndex }
  | { readonly sort: "memory"; readonly index: MemoryIndex }
  | { readonly sort: "global"; readonly index: GlobalIndex }
  | { readonly sort: "tag"; readonly index: TagIndex };

export type CoreInstanceValue =
  | { readonly kind: "instantiated"; readonly instance: CoreInstanceIndex; readonly module: Module }
  | { readonly kind: "exports"; readonly items: ReadonlyMap<string, CoreItem> };

/** A function that the component imports; by `builtin` if the built-in WASI has it. */
export interface HostFunc {
  readonly kind: "host";
  readonly path: readonly string[];
  readonly type: FuncTypeValue;
  readonly builtin: { readonly func: CoreFunc; readonly name: string } | undefined;
}

/** A function of a component; `refused` says why one can't be compiled, to whoever lowers or exports it. */
export type FuncValue =
  | HostFunc
  | { readonly kind: "lifted"; readonly lifted: LiftedFunction }
  | { readonly kind: "refused"; readonly what: string };

/** A function type, or why functions of this type can't be compiled: what follows "a function". */
export type FuncTypeValue =
  | { readonly kind: "func"; readonly type: TypeFuncIndex }
  | { readonly kind: "unsupported"; readonly what: string };

export type TypeValue =
  | { readonly kind: "value"; readonly type: InterfaceType }
  | FuncTypeValue
  | { readonly kind: "resource"; readonly resource: ResourceIndex }
  | { readonly kind: "instance-type"; readonly decls: readonly TypeDecl[]; readonly scope: Scope }
  | { readonly kind: "component-type" };

/** What a name of this type stands for in the plan. */
export function namedType(value: TypeValue): NamedType {
  if (value.kind === "value") return value.type;
  return value.kind === "resource" ? value : undefined;
}

export interface ComponentValue {
  readonly component: ParsedComponent;
  /** Where it was defined. */
  readonly scope: Scope;
}

export interface InstanceValue {
  readonly items: ReadonlyMap<string, Item>;
}

/** A definition that an instance exports, or that is an argument of an instantiation. */
export type Item =
  | { readonly sort: "func"; readonly func: FuncValue }
  | { readonly sort: "type"; readonly type: TypeValue }
  | { readonly sort: "instance"; readonly instance: InstanceValue }
  | { readonly sort: "component"; readonly component: ComponentValue }
  | { readonly sort: "core-module"; readonly module: Module };

/** The index spaces of one component instance, or of one instance type. */
export class Scope {
  readonly parent: Scope | undefined;
  /** Undefined for the scope of an instance type. */
  readonly instance: RuntimeComponentInstanceIndex | undefined;
  /** For diagnostics: the component's, from the root. */
  readonly path: readonly string[];

  readonly coreFuncs: CoreFunc[] = [];
  readonly coreTables: TableIndex[] = [];
  readonly coreMemories: MemoryIndex[] = [];
  readonly coreGlobals: GlobalIndex[] = [];
  readonly coreTags: TagIndex[] = [];
  readonly coreInstances: CoreInstanceValue[] = [];
  readonly modules: Module[] = [];
  readonly funcs: FuncValue[] = [];
  readonly types: TypeValue[] = [];
  readonly instances: InstanceValue[] = [];
  readonly components: ComponentValue[] = [];

  constructor(parent: Scope | undefined, instance: RuntimeComponentInstanceIndex | undefined, path: readonly string[]) {
    this.parent = parent;
    this.instance = instance;
    this.path = path;
  }

  pushCore(item: CoreItem): void {
    switch (item.sort) {
      case "func":
        this.coreFuncs.push(item.func);
        return;
      case "table":
        this.coreTables.push(item.index);
        return;
      case "memory":
        this.coreMemories.push(item.index);
        return;
      case "global":
        this.coreGlobals.push(item.index);
        return;
      case "tag":
        this.coreTags.push(item.index);
        return;
    }
  }

  push(item: Item): void {
    switch (item.sort) {
      case "func":
        this.funcs.push(item.func);
        return;
      case "type":
        this.types.push(item.type);
        return;
      case "instance":
        this.instances.push(item.instance);
        return;
      case "component":
        this.components.push(item.component);
        return;
      case "core-module":
        this.modules.push(item.module);
        return;
    }
  }
}
