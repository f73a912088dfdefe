/** The index spaces of a component, a component type or an instance type while it is validated, and its errors. */

import type { DiagnosticKind } from "../../base/diagnostics.ts";
import { WindlassError } from "../../base/diagnostics.ts";
import type { TypeInterner } from "../../wasm/type-interner.ts";
import { componentError, insideComponent, quoted } from "../errors.ts";
import type { Sort } from "../parsed.ts";
import { CoreTypeSpace } from "./core.ts";
import { TypeFault } from "./factory.ts";
import type {
  AnyType,
  BoundResource,
  ComponentType,
  CoreExtern,
  CoreInstanceType,
  ExternType,
  FuncType,
  InstanceType,
  ModuleType,
  Resource,
  ResourceType,
} from "./model.ts";
import { witOfType } from "./wit.ts";

export type ScopeKind = "component" | "component-type" | "instance-type";

/** Names of imports, or of exports. */
export class NameSpace {
  readonly items = new Map<string, ExternType>();
  /** By `uniquenessKey`: the name that has it. */
  readonly keys = new Map<string, string>();
  /** Types that have a name here. */
  readonly namedTypes = new Set<AnyType>();
  /** Resources that can be meant by `[method]r.f`: those imported or exported at the top level. */
  readonly resources = new Map<ResourceType, string>();
  readonly resourceNames = new Set<string>();
}

export class Scope {
  readonly kind: ScopeKind;
  readonly parent: Scope | undefined;
  /** Of the component that it is in. */
  readonly path: readonly string[];

  readonly coreTypes: CoreTypeSpace;
  readonly coreFuncs: CoreExtern[] = [];
  readonly coreTables: CoreExtern[] = [];
  readonly coreMemories: CoreExtern[] = [];
  readonly coreGlobals: CoreExtern[] = [];
  readonly coreTags: CoreExtern[] = [];
  readonly coreInstances: CoreInstanceType[] = [];
  readonly modules: ModuleType[] = [];
  readonly types: AnyType[] = [];
  readonly funcs: FuncType[] = [];
  readonly instances: InstanceType[] = [];
  readonly components: ComponentType[] = [];

  readonly imports = new NameSpace();
  readonly exports = new NameSpace();
  readonly importedResources: BoundResource[] = [];
  /** Names under which core functions were found, and those of instances, by index; for messages. */
  readonly coreFuncNames = new Map<number, string>();
  readonly #instanceNames = new Map<number, string>();
  readonly #imported = new Set<Resource>();
  readonly #bound = new Map<Resource, BoundResource>();
  /** Resources that this component defines: it knows their representation. */
  readonly localResources = new Set<Resource>();

  constructor(kind: ScopeKind, parent: Scope | undefined, path: readonly string[], interner: TypeInterner) {
    this.kind = kind;
    this.parent = parent;
    this.path = path;
    this.coreTypes = new CoreTypeSpace(interner);
  }

  fail(kind: DiagnosticKind, message: string, offset: number): never {
    throw componentError(kind, message, this.path, offset);
  }

  invalid(message: string, offset: number): never {
    return this.fail("invalid", message, offset);
  }

  /** Runs `check`; what it finds wrong with a type or a core type becomes a diagnostic at `offset`. */
  at<T>(offset: number, check: () => T): T {
    try {
      return check();
    } catch (error) {
      if (error instanceof TypeFault) return this.fail(error.kind, error.message, offset);
      if (error instanceof WindlassError && error.diagnostics[0]?.subject === "module") {
        throw insideComponent(error, this.path);
      }
      throw error;
    }
  }

  /** The definition at `index`. Throws an `invalid` error. */
  lookup<T>(space: readonly T[], what: string, index: number, offset: number): T {
    return space[index] ?? this.invalid(`unknown ${what} ${index}: ${what} index out of bounds`, offset);
  }

  type(index: number, offset: number): AnyType {
    return this.lookup(this.types, "type", index, offset);
  }

  func(index: number, offset: number): FuncType {
    return this.lookup(this.funcs, "function", index, offset);
  }

  #wrongType(index: number, type: AnyType, wanted: string, offset: number): never {
    return this.invalid(`type index ${index} is not ${wanted}: it is \`${witOfType(type)}\``, offset);
  }

  /** `core function 3`, and its name if it has one. */
  coreFuncName(index: number): string {
    const name = this.coreFuncNames.get(index);
    return `core function ${index}${name === undefined ? "" : ` ${quoted(name)}`}`;
  }

  /** `instance 3`, and its name if it is imported or exported. */
  instanceName(index: number): string {
    const name = this.#instanceNames.get(index);
    return `instance ${index}${name === undefined ? "" : ` ${quoted(name)}`}`;
  }

  resource(index: number, offset: number): ResourceType {
    const type = this.type(index, offset);
    return type.sort === "resource" ? type : this.#wrongType(index, type, "a resource type", offset);
  }

  funcType(index: number, offset: number): FuncType {
    const type = this.type(index, offset);
    return type.sort === "func" ? type : this.#wrongType(index, type, "a function type", offset);
  }

  instanceType(index: number, offset: number): InstanceType {
    const type = this.type(index, offset);
    return type.sort === "instance" ? type : this.#wrongType(index, type, "an instance type", offset);
  }

  componentType(index: number, offset: number): ComponentType {
    const type = this.type(index, offset);
    return type.sort === "component" ? type : this.#wrongType(index, type, "a component type", offset);
  }

  moduleType(index: number, offset: number): ModuleType {
    if (index >= this.coreTypes.size) {
      this.invalid(`unknown core type ${index}: type index out of bounds`, offset);
    }
    const type = this.coreTypes.moduleTypes.get(index);
    return type ?? this.invalid(`core type index ${index} is not a module type`, offset);
  }

  coreFunc(index: number, offset: number): CoreExtern {
    return this.lookup(this.coreFuncs, "core function", index, offset);
  }

  /** The definition of a component-level sort. Throws an `invalid` error, or `unsupported` for values. */
  item(sort: Sort, index: number, offset: number): ExternType {
    switch (sort) {
      case "func":
        return { kind: "func", type: this.func(index, offset) };
      case "type":
        return { kind: "type", type: this.type(index, offset) };
      case "instance":
        return { kind: "instance", type: this.lookup(this.instances, "instance", index, offset) };
      case "component":
        return { kind: "component", type: this.lookup(this.components, "component", index, offset) };
      case "core-module":
        return { kind: "module", type: this.lookup(this.modules, "module", index, offset) };
      case "value":
        return this.fail("unsupported", "values", offset);
      default:
        return this.invalid(`a ${sort.replace("-", " ")} can't be imported, exported or passed`, offset);
    }
  }

  /** `name`: of the import or export that it is. */
  push(item: ExternType, name?: string): void {
    switch (item.kind) {
      case "func":
        this.funcs.push(item.type);
        return;
      case "type":
        this.types.push(item.type);
        return;
      case "instance":
        if (name !== undefined) this.#instanceNames.set(this.instances.length, name);
        this.instances.push(item.type);
        return;
      case "component":
        this.components.push(item.type);
        return;
      case "module":
        this.modules.push(item.type);
        return;
    }
  }

  pushCore(item: CoreExtern): void {
    switch (item.kind) {
      case "func":
        this.coreFuncs.push(item);
        return;
      case "table":
        this.coreTables.push(item);
        return;
      case "memory":
        this.coreMemories.push(item);
        return;
      case "global":
        this.coreGlobals.push(item);
        return;
      case "tag":
        this.coreTags.push(item);
        return;
    }
  }

  importResource(bound: BoundResource): void {
    this.importedResources.push(bound);
    this.#imported.add(bound.resource);
  }

  /** Notes that an export leads to `resource`: unless it is imported, instances of this bind it. */
  exportResource(resource: Resource, path: readonly string[]): void {
    if (!this.#imported.has(resource) && !this.#bound.has(resource)) this.#bound.set(resource, { resource, path });
  }

  get bound(): readonly BoundResource[] {
    return [...this.#bound.values()];
  }
}
