/**
 * Canonical definitions of components: lifted functions stay values until something uses them; lowered ones and built-ins become what core code
 * calls, with the options that their index spaces mean.
 */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import { Abi } from "../abi/abi.ts";
import type { Flattening } from "../abi/flatten.ts";
import { builtinSignature } from "../component/builtins.ts";
import { componentError, quoted } from "../component/errors.ts";
import type { AsyncBuiltin, Canon, CanonOption } from "../component/parsed.ts";
import type { TypeFuncIndex } from "../component/types.ts";
import type {
  CanonicalOptions,
  CoreFunc,
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
import type { PlanBuilder } from "./builder.ts";
import { taskAction } from "./builtins.ts";
import { coreFunc } from "./core-items.ts";
import type { FuncTypeValue, HostFunc, Scope } from "./environment.ts";
import { evaluateValue, typeAt } from "./types.ts";

/** Throws `WindlassError` for what can't be compiled yet. */
export class CanonicalDefinitions {
  readonly #builder: PlanBuilder;
  readonly #abi: Abi;

  constructor(builder: PlanBuilder) {
    this.#builder = builder;
    this.#abi = new Abi(builder.types);
  }

  /** Adds what a definition of component instance `instance` defines to its scope. */
  define(scope: Scope, instance: RuntimeComponentInstanceIndex, canon: Canon, offset: number): void {
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
  reexport(func: HostFunc, name: string, offset: number): LiftedFunction {
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
