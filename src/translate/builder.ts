/**
 * The plan under construction: mints its indices, numbers signatures, instantiates core modules, and counts what the limits bound.
 */

import { InternalError } from "../base/diagnostics.ts";
import { PrimaryMap } from "../base/entity.ts";
import { componentError } from "../component/errors.ts";
import * as limits from "../component/limits.ts";
import { ComponentTypes, type ResourceIndex, type TypeFuncIndex } from "../component/types.ts";
import type {
  ComponentInstance,
  CoreFunc,
  CoreInstance,
  CoreInstanceIndex,
  Global,
  GlobalIndex,
  HostAbi,
  ImportedType,
  Initializer,
  LoweredIndex,
  LowerImport,
  Memory,
  MemoryIndex,
  Resource,
  RuntimeComponentInstanceIndex,
  RuntimeImport,
  RuntimeImportIndex,
  SignatureIndex,
  StaticModule,
  StaticModuleIndex,
  Table,
  TableIndex,
  Tag,
  TagIndex,
  Trampoline,
  TrampolineIndex,
} from "../plan/component.ts";
import { type Export, type Import, type Module, funcTypeAt } from "../wasm/module.ts";
import { MAX_TABLE_SIZE } from "../wasm/limits.ts";
import type { TypeInterner } from "../wasm/type-interner.ts";
import type { FuncType, MemoryType, TableType } from "../wasm/types.ts";
import type { CoreInstanceValue, CoreItem } from "./environment.ts";

/** Largest linear memory, in bytes, whatever its type says. */
export const MAX_MEMORY_BYTES = 2 ** 32;

export interface BuilderOptions {
  /** Of an import, by its path. */
  readonly hostAbi: (path: readonly string[]) => HostAbi;
  readonly bounds: "guard" | "explicit";
}

/** Finds what satisfies an import of a core module; throws if nothing does. */
export type ImportResolver = (wanted: Import) => CoreItem;

export class PlanBuilder {
  readonly options: BuilderOptions;
  readonly interner: TypeInterner;
  readonly types: ComponentTypes = new ComponentTypes();
  readonly modules = new PrimaryMap<StaticModuleIndex, StaticModule>();
  readonly instances = new PrimaryMap<CoreInstanceIndex, CoreInstance>();
  readonly signatures = new PrimaryMap<SignatureIndex, FuncType>();
  readonly memories = new PrimaryMap<MemoryIndex, Memory>();
  readonly tables = new PrimaryMap<TableIndex, Table>();
  readonly globals = new PrimaryMap<GlobalIndex, Global>();
  readonly tags = new PrimaryMap<TagIndex, Tag>();
  readonly imports = new PrimaryMap<RuntimeImportIndex, RuntimeImport>();
  readonly importedTypes: ImportedType[] = [];
  readonly lowerings = new PrimaryMap<LoweredIndex, LowerImport>();
  readonly trampolines = new PrimaryMap<TrampolineIndex, Trampoline>();
  readonly resources = new PrimaryMap<ResourceIndex, Resource>();
  readonly componentInstances = new PrimaryMap<RuntimeComponentInstanceIndex, ComponentInstance>();
  readonly initializers: Initializer[] = [];

  readonly #moduleIndex = new Map<Module, StaticModuleIndex>();
  readonly #moduleNames = new Set<string>();
  readonly #exports = new Map<Module, ReadonlyMap<string, Export>>();
  /** By the interner's type id. */
  readonly #signatureIndex = new Map<number, SignatureIndex>();
  readonly #importIndex = new Map<string, RuntimeImportIndex>();
  #evaluated = 0;
  #functions = 0;
  #items = 0;
  #bytes = 0;

  constructor(options: BuilderOptions, interner: TypeInterner) {
    this.options = options;
    this.interner = interner;
  }

  /** Counts a definition that is evaluated, and `parts` of it. Throws a `limit` error. */
  countDefinition(path: readonly string[], offset: number, parts = 0): void {
    this.#evaluated += 1 + parts;
    if (this.#evaluated > limits.MAX_EVALUATED_DEFINITIONS) {
      const message = `definitions of all component instances together exceed the limit of ${limits.MAX_EVALUATED_DEFINITIONS}`;
      throw componentError("limit", message, path, offset);
    }
  }

  // Signatures

  #signature(id: number, type: FuncType): SignatureIndex {
    let index = this.#signatureIndex.get(id);
    if (index === undefined) {
      index = this.signatures.push(type);
      this.#signatureIndex.set(id, index);
    }
    return index;
  }

  /** The number of a signature that is in no module: of numeric types only. */
  signatureOf(type: FuncType): SignatureIndex {
    const ids = new Uint32Array(1);
    this.interner.intern([{ final: true, supertypes: [], composite: type, offset: 0 }], 0, 1, ids);
    return this.#signature(ids[0] ?? 0, type);
  }

  // Modules and core instances

  /** The module as part of the plan; the same module is added once. */
  addModule(module: Module, trusted: boolean): StaticModuleIndex {
    const known = this.#moduleIndex.get(module);
    if (known !== undefined) return known;
    const signatures = module.types.map(({ composite }, i) =>
      composite.kind === "func" ? this.#signature(module.typeIds[i] ?? 0, funcTypeAt(module, i)) : undefined,
    );
    const index = this.modules.push({
      module,
      bytes: module.bytes,
      name: this.#uniqueName(module.names.module ?? `core${this.modules.size}`),
      trusted,
      signatures,
    });
    this.#moduleIndex.set(module, index);
    return index;
  }

  #uniqueName(wanted: string): string {
    const base = wanted === "" ? `core${this.modules.size}` : wanted.slice(0, 200);
    let name = base;
    for (let n = this.modules.size; this.#moduleNames.has(name); n++) name = `${base}.${n}`;
    this.#moduleNames.add(name);
    return name;
  }

  /** The module's export `name`. */
  exportOf(module: Module, name: string): Export | undefined {
    let exports = this.#exports.get(module);
    if (exports === undefined) {
      exports = new Map(module.exports.map((e) => [e.name, e]));
      this.#exports.set(module, exports);
    }
    return exports.get(name);
  }

  /** Adds an instance of `module`, to be instantiated after all that were added before. Throws a `limit` error. */
  instantiate(module: Module, trusted: boolean, resolve: ImportResolver, path: readonly string[], offset: number) {
    this.#countInstance(module, path, offset);
    const instance = this.instances.nextKey();
    const imports: CoreFunc[] = [];
    const memories: MemoryIndex[] = [];
    const tables: TableIndex[] = [];
    const globals: GlobalIndex[] = [];
    const tags: TagIndex[] = [];
    const index = this.addModule(module, trusted);
    const { signatures } = this.modules.get(index);
    for (const wanted of module.imports) {
      const item = resolve(wanted);
      if (item.sort !== wanted.desc.kind) {
        throw new InternalError("translate", `import ${wanted.module}.${wanted.name} is a ${item.sort}`);
      }
      if (item.sort === "func") imports.push(item.func);
      else if (item.sort === "table") tables.push(item.index);
      else if (item.sort === "memory") memories.push(item.index);
      else if (item.sort === "global") globals.push(item.index);
      else tags.push(item.index);
    }
    module.tables.slice(module.importedTables).forEach(({ type }) => {
      tables.push(this.#table(instance, tables.length, type, path, offset));
    });
    module.memories.slice(module.importedMemories).forEach(({ type }) => {
      memories.push(this.#memory(instance, memories.length, type, trusted, path, offset));
    });
    module.globals.slice(module.importedGlobals).forEach(({ type }) => {
      globals.push(this.globals.push({ instance, index: globals.length, type }));
    });
    module.tags.slice(module.importedTags).forEach(({ type }) => {
      const signature = signatures[type.type];
      if (signature === undefined) throw new InternalError("translate", "a tag's type is no function type");
      tags.push(this.tags.push({ instance, index: tags.length, signature }));
    });
    this.instances.push({ module: index, imports, memories, tables, globals, tags });
    this.initializers.push({ kind: "instantiate", instance });
    return instance;
  }

  #countInstance(module: Module, path: readonly string[], offset: number): void {
    if (this.instances.size >= limits.MAX_CORE_INSTANCES) {
      throw componentError("limit", `core instances exceed the limit of ${limits.MAX_CORE_INSTANCES}`, path, offset);
    }
    this.#functions += module.functions.length;
    if (this.#functions > limits.MAX_TOTAL_FUNCTIONS) {
      const message = `functions of all core instances together exceed the limit of ${limits.MAX_TOTAL_FUNCTIONS}`;
      throw componentError("limit", message, path, offset);
    }
    this.#items += module.imports.length + module.memories.length + module.tables.length;
    this.#items += module.globals.length + module.tags.length;
    if (this.#items > limits.MAX_TOTAL_CORE_ITEMS) {
      const message = `imports, memories, tables and globals of all core instances together exceed the limit of ${limits.MAX_TOTAL_CORE_ITEMS}`;
      throw componentError("limit", message, path, offset);
    }
    this.#bytes += module.end - module.start;
    if (this.#bytes > limits.MAX_TOTAL_MODULE_BYTES) {
      const message = `modules of all core instances together exceed the limit of ${limits.MAX_TOTAL_MODULE_BYTES} bytes`;
      throw componentError("limit", message, path, offset);
    }
  }

  #table(
    instance: CoreInstanceIndex,
    index: number,
    type: TableType,
    path: readonly string[],
    offset: number,
  ): TableIndex {
    if (type.min > MAX_TABLE_SIZE) {
      const message = `a table of ${type.min} elements exceeds the limit of ${MAX_TABLE_SIZE}`;
      throw componentError("limit", message, path, offset);
    }
    return this.tables.push({
      instance,
      index,
      type,
      maxElements: Math.min(type.max ?? MAX_TABLE_SIZE, MAX_TABLE_SIZE),
    });
  }

  #memory(
    instance: CoreInstanceIndex,
    index: number,
    type: MemoryType,
    trusted: boolean,
    path: readonly string[],
    offset: number,
  ): MemoryIndex {
    const page = 2 ** type.pageSizeLog2;
    if (type.min * page > MAX_MEMORY_BYTES) {
      const message = `a memory of ${BigInt(type.min) * BigInt(page)} bytes exceeds the limit of ${MAX_MEMORY_BYTES}`;
      throw componentError("limit", message, path, offset);
    }
    const maxBytes = Math.min(type.max === undefined ? MAX_MEMORY_BYTES : type.max * page, MAX_MEMORY_BYTES);
    const guarded = !trusted && !type.is64 && type.pageSizeLog2 === 16 && this.options.bounds === "guard";
    return this.memories.push({ instance, index, type, style: guarded ? "guarded" : "checked", maxBytes });
  }

  /** What a core instance exports as `name`. */
  coreExport(value: CoreInstanceValue, name: string): CoreItem | undefined {
    if (value.kind === "exports") return value.items.get(name);
    const found = this.exportOf(value.module, name);
    return found === undefined ? undefined : this.#definition(value.instance, value.module, found);
  }

  #definition(instance: CoreInstanceIndex, module: Module, { kind, index }: Export): CoreItem {
    const spaces = this.instances.get(instance);
    const missing = (): never => {
      throw new InternalError("translate", `export of ${kind} ${index}, which does not exist`);
    };
    switch (kind) {
      case "func":
        if (index < module.importedFunctions) return { sort: "func", func: spaces.imports[index] ?? missing() };
        return { sort: "func", func: { kind: "wasm", instance, func: index } };
      case "table":
        return { sort: "table", index: spaces.tables[index] ?? missing() };
      case "memory":
        return { sort: "memory", index: spaces.memories[index] ?? missing() };
      case "global":
        return { sort: "global", index: spaces.globals[index] ?? missing() };
      case "tag":
        return { sort: "tag", index: spaces.tags[index] ?? missing() };
    }
  }

  // Component-level definitions

  /** The host function at `path`; the same path is one import. */
  runtimeImport(path: readonly string[], type: TypeFuncIndex): RuntimeImportIndex {
    const key = JSON.stringify(path);
    let index = this.#importIndex.get(key);
    if (index === undefined) {
      index = this.imports.push({ path, type });
      this.#importIndex.set(key, index);
    }
    return index;
  }

  trampoline(trampoline: Trampoline): CoreFunc {
    return { kind: "trampoline", index: this.trampolines.push(trampoline) };
  }

  /** Adds a component instance. Throws a `limit` error. */
  componentInstance(
    path: readonly string[],
    parent: RuntimeComponentInstanceIndex | undefined,
    offset: number,
  ): RuntimeComponentInstanceIndex {
    if (this.componentInstances.size >= limits.MAX_COMPONENT_INSTANCES) {
      const message = `component instances exceed the limit of ${limits.MAX_COMPONENT_INSTANCES}`;
      throw componentError("limit", message, path, offset);
    }
    return this.componentInstances.push({ path: path.join(" › "), parent });
  }
}
