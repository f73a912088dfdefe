/**
 * From the nested component to the flat plan: an abstract interpretation of instantiation.
 *
 * Receives a validated component. Each instance of a component is evaluated with an environment of its own, definition by definition, so that what
 * is instantiated twice is in the plan twice, and aliases, instances and closures are gone. What remains of core imports is which function,
 * memory, table, global or tag they are. What can't be compiled yet is refused by name where it is used.
 */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import { Abi } from "../abi/abi.ts";
import type { Flattening } from "../abi/flatten.ts";
import { builtinSignature } from "../component/builtins.ts";
import { componentError, quoted } from "../component/errors.ts";
import type {
  Alias,
  AsyncBuiltin,
  Canon,
  CanonOption,
  CoreInstanceExpr,
  Definition,
  InstanceExpr,
  ParsedComponent,
  TypeDef,
} from "../component/parsed.ts";
import type { TypeFuncIndex } from "../component/types.ts";
import type {
  CanonicalOptions,
  Component,
  ComponentExport,
  CoreFunc,
  HostAbi,
  LiftedFunction,
  RuntimeComponentInstanceIndex,
  StringEncoding,
  TaskAction,
  Trampoline,
} from "../plan/component.ts";
import { mightBeRecursive } from "../plan/instances.ts";
import {
  pointerType,
  RESOURCE_DROP_SIGNATURE,
  RESOURCE_NEW_SIGNATURE,
  RESOURCE_REP_SIGNATURE,
} from "../plan/signatures.ts";
import { type FuncType, I64 } from "../wasm/types.ts";
import { PlanBuilder } from "./builder.ts";
import { taskAction } from "./builtins.ts";
import { coreFunc, coreItem } from "./core-items.ts";
import {
  type CoreInstanceValue,
  type CoreItem,
  type FuncTypeValue,
  type HostFunc,
  type InstanceValue,
  type Item,
  Scope,
} from "./environment.ts";
import { ExportTree } from "./exports.ts";
import { Builtin, HostImports } from "./host.ts";
import { hostAbiOf } from "./host-abis.ts";
import { evaluateType, evaluateValue, itemAt, resolveAlias, typeAt } from "./types.ts";

/** How deep instantiations may be inside each other. Bounds recursion. */
export const MAX_INSTANTIATION_DEPTH = 200;

export interface TranslateOptions {
  /** The host ABI of imports that the built-in WASI does not serve. Default `dynamic`. */
  readonly hostAbi?: HostAbi;
  /** Exceptions: by the import's name (all of an interface, or a function of the world) or path (`acme:log/types write`). */
  readonly importAbis?: ReadonlyMap<string, HostAbi>;
  /** `guard`: guard pages instead of bounds checks where the memory allows it. Default `guard`. */
  readonly bounds?: "guard" | "explicit";
  /** The built-in WASI's core module. Without it every import is the host's. */
  readonly builtin?: { readonly bytes: Uint8Array };
  /** False: imports that the built-in WASI does not serve are errors. Default true. */
  readonly hostImports?: boolean;
}

/** Translates a validated component. Throws `WindlassError`: `unsupported`, `unlinkable` or `limit`. */
export function translate(component: ParsedComponent, options: TranslateOptions = {}): Component {
  return new Translator(component, options).plan();
}

class Translator {
  readonly #root: ParsedComponent;
  readonly #builder: PlanBuilder;
  readonly #builtin: Builtin | undefined;
  readonly #host: HostImports;
  readonly #abi: Abi;
  #depth = 0;

  constructor(root: ParsedComponent, options: TranslateOptions) {
    this.#root = root;
    const { hostAbi = "dynamic", bounds = "guard", hostImports = true, builtin, importAbis } = options;
    this.#builder = new PlanBuilder({ hostAbi: hostAbiOf(hostAbi, importAbis), bounds }, root.interner);
    const importsWasi = root.definitions.some((d) => d.kind === "import" && d.name.name.startsWith("wasi:"));
    this.#builtin = builtin !== undefined && importsWasi ? new Builtin(this.#builder, builtin.bytes) : undefined;
    this.#host = new HostImports(this.#builder, this.#builtin, { hostImports, offersWasi: builtin !== undefined });
    this.#abi = new Abi(this.#builder.types);
  }

  plan(): Component {
    const exported = this.#instantiate(this.#root, undefined, undefined, undefined, 0);
    const tree = new ExportTree([], (func, name, offset) => this.#reexport(func, name, offset));
    const exports = new Map<string, ComponentExport>();
    for (const [name, { item, offset }] of exported) exports.set(name, tree.make(name, item, offset));
    const b = this.#builder;
    return {
      types: b.types,
      modules: b.modules,
      instances: b.instances,
      signatures: b.signatures,
      memories: b.memories,
      tables: b.tables,
      globals: b.globals,
      tags: b.tags,
      imports: b.imports,
      importedTypes: b.importedTypes,
      lowerings: b.lowerings,
      trampolines: b.trampolines,
      resources: b.resources,
      componentInstances: b.componentInstances,
      initializers: b.initializers,
      exports,
      core: undefined,
      builtin: this.#builtin?.instance,
    };
  }

  /**
   * Evaluates one instance of `component`, defined in `parent`; `instantiator` and `args` are undefined for the root. Returns what it exports.
   */
  #instantiate(
    component: ParsedComponent,
    parent: Scope | undefined,
    instantiator: RuntimeComponentInstanceIndex | undefined,
    args: ReadonlyMap<string, Item> | undefined,
    offset: number,
  ): Map<string, { readonly item: Item; readonly offset: number }> {
    if (this.#depth >= MAX_INSTANTIATION_DEPTH) {
      const message = `instantiations inside each other exceed the limit of ${MAX_INSTANTIATION_DEPTH}`;
      throw componentError("limit", message, component.path, offset);
    }
    this.#depth++;
    const instance = this.#builder.componentInstance(component.path, instantiator, offset);
    const scope = new Scope(parent, instance, component.path);
    const exports = new Map<string, { readonly item: Item; readonly offset: number }>();
    for (const definition of component.definitions) {
      this.#builder.countDefinition(component.path, definition.offset);
      if (definition.kind === "export") {
        const item = this.#item(scope, definition.item.sort, definition.item.index);
        exports.set(definition.name.name, { item, offset: definition.offset });
        scope.push(item);
        this.#nameResource(item, definition.name.name, instance);
      } else if (definition.kind === "import") {
        scope.push(this.#import(scope, definition, args));
      } else this.#define(scope, instance, definition);
    }
    this.#depth--;
    return exports;
  }

  #item(scope: Scope, sort: Parameters<typeof itemAt>[1], index: number): Item {
    const item = itemAt(scope, sort, index);
    if (item === undefined) throw new InternalError("translate", `${sort} ${index} is not in scope`);
    return item;
  }

  #import(
    scope: Scope,
    definition: Extract<Definition, { kind: "import" }>,
    args: ReadonlyMap<string, Item> | undefined,
  ): Item {
    const { name, desc, offset } = definition;
    if (args === undefined) return this.#host.import(scope, name.name, desc, offset);
    const item = args.get(name.name);
    if (item === undefined) throw new InternalError("translate", `no argument for import ${name.name}`);
    return item;
  }

  #define(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    definition: Exclude<Definition, { kind: "import" | "export" }>,
  ): void {
    const { offset } = definition;
    switch (definition.kind) {
      case "core-module":
        scope.modules.push(definition.module);
        return;
      case "core-type":
        return;
      case "core-instance":
        this.#builder.countDefinition(scope.path, offset, partsOf(definition.expr));
        scope.coreInstances.push(this.#coreInstance(scope, definition.expr, offset));
        return;
      case "component":
        scope.components.push({ component: definition.component, scope });
        return;
      case "instance":
        this.#builder.countDefinition(scope.path, offset, partsOf(definition.expr));
        scope.instances.push(this.#instance(scope, definition.expr, offset));
        return;
      case "alias":
        this.#alias(scope, definition.alias);
        return;
      case "type":
        scope.types.push(this.#type(scope, instance, definition.type));
        return;
      case "canon":
        this.#canon(scope, instance, definition.canon, offset);
        return;
      default:
        unreachable(definition);
    }
  }

  #alias(scope: Scope, alias: Alias): void {
    if (alias.kind === "core-export") {
      const value = scope.coreInstances[alias.instance];
      const item = value && this.#builder.coreExport(value, alias.name);
      if (item === undefined) {
        throw new InternalError("translate", `core instance ${alias.instance} exports no ${alias.name}`);
      }
      scope.pushCore(item);
    } else if (alias.sort !== "core-type") scope.push(resolveAlias(scope, alias));
  }

  #type(scope: Scope, instance: RuntimeComponentInstanceIndex, def: TypeDef) {
    if (def.kind !== "resource") return evaluateType(this.#builder.types, scope, def);
    const { resources } = this.#builder;
    const destructor = def.destructor === undefined ? undefined : coreFunc(scope, def.destructor);
    const name = `resource${resources.size}`;
    return { kind: "resource", resource: resources.push({ kind: "defined", name, instance, destructor }) } as const;
  }

  /** A resource has the name under which its component first exports it. */
  #nameResource(item: Item, name: string, instance: RuntimeComponentInstanceIndex): void {
    if (item.sort !== "type" || item.type.kind !== "resource") return;
    const { resources } = this.#builder;
    const known = resources.get(item.type.resource);
    if (known.kind === "defined" && known.instance === instance && known.name === `resource${item.type.resource}`) {
      resources.set(item.type.resource, { ...known, name });
    }
  }

  // Instances

  #coreInstance(scope: Scope, expr: CoreInstanceExpr, offset: number): CoreInstanceValue {
    if (expr.kind === "exports") {
      const items = new Map<string, CoreItem>();
      for (const { name, sort, index } of expr.exports) items.set(name, coreItem(scope, sort, index));
      return { kind: "exports", items };
    }
    const module = scope.modules[expr.module];
    if (module === undefined) throw new InternalError("translate", `core module ${expr.module} is not in scope`);
    const args = new Map(expr.args.map((arg) => [arg.name, scope.coreInstances[arg.instance]]));
    const instance = this.#builder.instantiate(
      module,
      false,
      (wanted) => {
        const from = args.get(wanted.module);
        const item = from && this.#builder.coreExport(from, wanted.name);
        if (item === undefined) throw new InternalError("translate", `no ${wanted.module} ${wanted.name} to import`);
        return item;
      },
      scope.path,
      offset,
    );
    return { kind: "instantiated", instance, module };
  }

  #instance(scope: Scope, expr: InstanceExpr, offset: number): InstanceValue {
    if (expr.kind === "exports") {
      const items = new Map<string, Item>();
      for (const { name, sort, index } of expr.exports) items.set(name.name, this.#item(scope, sort, index));
      return { items };
    }
    const value = scope.components[expr.component];
    if (value === undefined) throw new InternalError("translate", `component ${expr.component} is not in scope`);
    const args = new Map(expr.args.map((arg) => [arg.name, this.#item(scope, arg.sort, arg.index)]));
    const exports = this.#instantiate(value.component, value.scope, scope.instance, args, offset);
    return { items: new Map([...exports].map(([name, { item }]) => [name, item])) };
  }

  // Canonical definitions

  #canon(scope: Scope, instance: RuntimeComponentInstanceIndex, canon: Canon, offset: number): void {
    switch (canon.kind) {
      case "lift":
        this.#lift(scope, instance, canon);
        return;
      case "lower":
        scope.coreFuncs.push(this.#lower(scope, instance, canon, offset));
        return;
      case "resource.new":
      case "resource.rep":
      case "resource.drop":
        scope.coreFuncs.push(this.#builder.trampoline(this.#resourceTrampoline(scope, instance, canon)));
        return;
      case "async-builtin":
        scope.coreFuncs.push(this.#builder.trampoline(this.#taskBuiltin(scope, instance, canon.builtin, offset)));
        return;
      default:
        unreachable(canon);
    }
  }

  #resourceTrampoline(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    canon: Extract<Canon, { kind: "resource.new" | "resource.rep" | "resource.drop" }>,
  ): Trampoline {
    const type = typeAt(scope, canon.type);
    if (type.kind !== "resource") throw new InternalError("translate", `type ${canon.type} is no resource type`);
    const { resource } = type;
    const b = this.#builder;
    switch (canon.kind) {
      case "resource.new":
        return { kind: "resource-new", resource, instance, signatureIndex: b.signatureOf(RESOURCE_NEW_SIGNATURE) };
      case "resource.rep":
        return { kind: "resource-rep", resource, instance, signatureIndex: b.signatureOf(RESOURCE_REP_SIGNATURE) };
      case "resource.drop":
        return { kind: "resource-drop", resource, instance, signatureIndex: b.signatureOf(RESOURCE_DROP_SIGNATURE) };
    }
  }

  #taskBuiltin(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    builtin: AsyncBuiltin,
    offset: number,
  ): Trampoline {
    const unsupported = (what: string): never => {
      throw componentError("unsupported", what, scope.path, offset);
    };
    const { action, signature } =
      builtin.name === "task.return"
        ? this.#taskReturn(scope, instance, builtin, unsupported)
        : {
            action: taskAction(builtin, (index) => scope.coreMemories[index]),
            signature: this.#builtinSignature(scope, instance, builtin),
          };
    if (action === undefined) return unsupported(`the canonical built-in \`${builtin.name}\``);
    const signatureIndex = this.#builder.signatureOf(signature);
    return { kind: "task-builtin", name: builtin.name, action, instance, signature, signatureIndex };
  }

  #taskReturn(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    builtin: Extract<AsyncBuiltin, { name: "task.return" }>,
    unsupported: (what: string) => never,
  ): { readonly action: TaskAction; readonly signature: FuncType } {
    const { types } = this.#builder;
    const value = builtin.result === undefined ? undefined : evaluateValue(scope, builtin.result);
    if (value?.kind === "unsupported") return unsupported(`\`task.return\` with ${value.what} in its type`);
    const options = this.#options(scope, instance, builtin.options);
    const params = value === undefined ? [] : [{ name: "v", type: value.type }];
    const type = types.funcs.intern({ params, result: undefined, isAsync: false });
    return {
      action: { kind: "task-return", result: value?.type, options },
      signature: this.#flattening(options).flattenFuncType(types.func(type), "lower").signature,
    };
  }

  #builtinSignature(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    builtin: Exclude<AsyncBuiltin, { name: "task.return" }>,
  ): FuncType {
    const options = this.#options(scope, instance, "options" in builtin ? builtin.options : []);
    return builtinSignature(builtin, pointerType(this.#builder, options));
  }

  #flattening(options: Pick<CanonicalOptions, "memory">): Flattening {
    return this.#abi.for(pointerType(this.#builder, options)).flattening;
  }

  #options(scope: Scope, instance: RuntimeComponentInstanceIndex, list: readonly CanonOption[]): CanonicalOptions {
    let stringEncoding: StringEncoding = "utf8";
    let memory: CanonicalOptions["memory"];
    let realloc: CoreFunc | undefined;
    let postReturn: CoreFunc | undefined;
    let isAsync = false;
    let callback = false;
    for (const option of list) {
      switch (option.kind) {
        case "string-encoding":
          stringEncoding = option.encoding;
          break;
        case "memory":
          memory = scope.coreMemories[option.index];
          break;
        case "realloc":
          realloc = coreFunc(scope, option.index);
          break;
        case "post-return":
          postReturn = coreFunc(scope, option.index);
          break;
        case "async":
          isAsync = true;
          break;
        case "callback":
          callback = true;
          break;
        default:
          unreachable(option);
      }
    }
    return { instance, memory, realloc, postReturn, stringEncoding, isAsync, callback };
  }

  #funcType(scope: Pick<Scope, "path">, type: FuncTypeValue, what: string, offset: number) {
    if (type.kind === "func") return type.type;
    throw componentError("unsupported", `${what} ${type.what}`, scope.path, offset);
  }

  #lift(scope: Scope, instance: RuntimeComponentInstanceIndex, canon: Extract<Canon, { kind: "lift" }>): void {
    const value = typeAt(scope, canon.type);
    if (value.kind !== "func" && value.kind !== "unsupported") {
      throw new InternalError("translate", `type ${canon.type} is no function type`);
    }
    if (value.kind === "unsupported") {
      scope.funcs.push({ kind: "refused", what: `\`canon lift\` of a function ${value.what}` });
      return;
    }
    const options = this.#options(scope, instance, canon.options);
    const { type } = value;
    const { signature } = this.#flattening(options).flattenFuncType(this.#builder.types.func(type), "lift", options);
    this.#builder.signatureOf(signature);
    const core = coreFunc(scope, canon.func);
    scope.funcs.push({ kind: "lifted", lifted: { kind: "func", core, type, signature, options } });
  }

  #lower(
    scope: Scope,
    instance: RuntimeComponentInstanceIndex,
    canon: Extract<Canon, { kind: "lower" }>,
    offset: number,
  ): CoreFunc {
    const options = this.#options(scope, instance, canon.options);
    const func = scope.funcs[canon.func];
    if (func === undefined) throw new InternalError("translate", `function ${canon.func} is not in scope`);
    const b = this.#builder;
    if (func.kind === "refused") throw componentError("unsupported", func.what, scope.path, offset);
    if (func.kind === "lifted") {
      const { lifted } = func;
      const { signature } = this.#flattening(options).flattenFuncType(b.types.func(lifted.type), "lower", options);
      const signatureIndex = b.signatureOf(signature);
      if (mightBeRecursive(b.componentInstances, instance, lifted.options.instance)) {
        return b.trampoline({ kind: "always-trap", signature, signatureIndex, trap: "cannot_enter_component" });
      }
      return b.trampoline({ kind: "adapter", callee: lifted, signature, signatureIndex, options });
    }
    const type = this.#funcType(scope, func.type, `\`canon lower\` of ${quoted(func.path.join(" "))}`, offset);
    if (func.builtin !== undefined && pointerType(b, options) === I64) {
      const what = `the built-in \`${func.path.join(" ")}\` with a 64-bit memory`;
      throw componentError("unsupported", what, scope.path, offset);
    }
    if (options.isAsync && (func.builtin !== undefined || b.options.hostAbi(func.path) !== "typed")) {
      const how = func.builtin === undefined ? `the host ABI \`${b.options.hostAbi(func.path)}\`` : "the built-in WASI";
      const what = `\`canon lower\` of ${quoted(func.path.join(" "))} with \`async\` and ${how}`;
      throw componentError("unsupported", what, scope.path, offset);
    }
    return this.#lowerHost(func, type, options);
  }

  #lowerHost(func: HostFunc, type: TypeFuncIndex, options: CanonicalOptions): CoreFunc {
    const b = this.#builder;
    const { signature } = this.#flattening(options).flattenFuncType(b.types.func(type), "lower", options);
    const index = b.lowerings.push({
      import: b.runtimeImport(func.path, type),
      type,
      signature,
      signatureIndex: b.signatureOf(signature),
      options,
      callee:
        func.builtin === undefined
          ? { kind: "host", abi: b.options.hostAbi(func.path) }
          : { kind: "builtin", func: func.builtin.func },
    });
    return { kind: "lowered", index };
  }

  /**
   * An imported function that the root exports as it is: lowered and lifted again without a memory, which is the identity where values are
   * flat. No guest is between the host and itself, so there is no memory that others could pass through, and no table for handles.
   */
  #reexport(func: HostFunc, name: string, offset: number): LiftedFunction {
    const type = this.#funcType({ path: [] }, func.type, `export ${quoted(name)}: an imported function`, offset);
    const { types } = this.#builder;
    const { params, result } = types.func(type);
    const all = [...params.map((p) => p.type), ...(result === undefined ? [] : [result])];
    const flattening = this.#flattening({ memory: undefined });
    const lift = flattening.flattenFuncType(types.func(type), "lift");
    const inMemory = lift.paramsInMemory || lift.resultInMemory;
    if (inMemory || all.some((t) => flattening.containsPointer(t) || flattening.containsHandle(t))) {
      const what = "an imported function whose values are not all flat, or are handles, exported as it is";
      throw componentError("unsupported", `export ${quoted(name)}: ${what}`, [], offset);
    }
    const root = this.#builder.componentInstances.keys().next().value;
    if (root === undefined) throw new InternalError("translate", "there is no root instance");
    const options: CanonicalOptions = {
      instance: root,
      memory: undefined,
      realloc: undefined,
      postReturn: undefined,
      stringEncoding: "utf8",
      isAsync: false,
      callback: false,
    };
    const { signature } = lift;
    return { kind: "func", core: this.#lowerHost(func, type, options), type, signature, options };
  }
}

function partsOf(expr: CoreInstanceExpr | InstanceExpr): number {
  return expr.kind === "exports" ? expr.exports.length : expr.args.length;
}
