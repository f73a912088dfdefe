/**
 * Canonical definitions (Component Model, "Canonical Definitions"; Canonical ABI, "Canonical Definitions"): options, and the core
 * functions that they take and make.
 */

import { type FlatFunc, type FlattenContext, type Flattening, SYNC } from "../../abi/flatten.ts";
import { unreachable } from "../../base/diagnostics.ts";
import type { TypeInterner } from "../../wasm/type-interner.ts";
import {
  type FuncType as CoreFuncType,
  funcTypeName,
  I32,
  I64,
  type MemoryType,
  type ValType,
  valTypeName,
} from "../../wasm/types.ts";
import type { Canon, CanonOption } from "../parsed.ts";
import { asyncBuiltinType } from "./async-builtins.ts";
import { coreFunc, coreFuncType } from "./core.ts";
import type { TypeFactory } from "./factory.ts";
import type { CoreExtern, FuncType } from "./model.ts";
import type { Scope } from "./scope.ts";
import type { TypeValidator } from "./types.ts";
import { witOfFunc } from "./wit.ts";

/** Canonical options, each at most once. */
export interface Options {
  readonly memory: MemoryType | undefined;
  readonly realloc: CoreExtern | undefined;
  readonly postReturn: CoreExtern | undefined;
  readonly callback: CoreExtern | undefined;
  readonly isAsync: boolean;
}

const RESOURCE_NEW: CoreFuncType = { kind: "func", params: [I32], results: [I32] };
const RESOURCE_DROP: CoreFuncType = { kind: "func", params: [I32], results: [] };

function sameTypes(a: readonly ValType[], b: readonly ValType[]): boolean {
  return a.length === b.length && a.every((t, i) => t === b[i]);
}

/** As in messages of this section: `[I32, I64]`. */
function typeList(types: readonly ValType[]): string {
  return `[${types.map((t) => valTypeName(t).toUpperCase()).join(", ")}]`;
}

export class CanonValidator {
  readonly #factory: TypeFactory;
  readonly #types: TypeValidator;
  readonly #interner: TypeInterner;

  constructor(factory: TypeFactory, types: TypeValidator, interner: TypeInterner) {
    this.#factory = factory;
    this.#types = types;
    this.#interner = interner;
  }

  /** Validates a canonical definition and adds what it defines. */
  canon(scope: Scope, canon: Canon, offset: number): void {
    switch (canon.kind) {
      case "lift":
        scope.funcs.push(this.#lift(scope, canon, offset));
        return;
      case "lower":
        scope.coreFuncs.push(coreFunc(this.#interner, this.#lower(scope, canon, offset)));
        return;
      case "resource.new":
      case "resource.rep": {
        const { resource } = scope.resource(canon.type, offset);
        if (!scope.localResources.has(resource)) {
          scope.invalid(
            `type ${canon.type} is not a local resource: \`${resource.name}\` is defined elsewhere`,
            offset,
          );
        }
        scope.coreFuncs.push(coreFunc(this.#interner, RESOURCE_NEW));
        return;
      }
      case "resource.drop":
        scope.resource(canon.type, offset);
        scope.coreFuncs.push(coreFunc(this.#interner, RESOURCE_DROP));
        return;
      case "async-builtin": {
        const type = asyncBuiltinType(this.#factory, this.#types, this, scope, canon.builtin, offset);
        scope.coreFuncs.push(coreFunc(this.#interner, type));
        return;
      }
      default:
        unreachable(canon);
    }
  }

  /** Each option at most once, indices in range. */
  options(scope: Scope, list: readonly CanonOption[]): Options {
    let encoding: string | undefined;
    let memory: MemoryType | undefined;
    let realloc: CoreExtern | undefined;
    let postReturn: CoreExtern | undefined;
    let callback: CoreExtern | undefined;
    let isAsync = false;
    for (const option of list) {
      const { offset } = option;
      const once = (present: boolean) => {
        if (present) scope.invalid(`canonical option \`${option.kind}\` is specified more than once`, offset);
      };
      switch (option.kind) {
        case "string-encoding": {
          const name = option.encoding.replace("+", "-");
          if (encoding !== undefined) {
            scope.invalid(`canonical encoding option \`${encoding}\` conflicts with option \`${name}\``, offset);
          }
          encoding = name;
          break;
        }
        case "memory": {
          once(memory !== undefined);
          const found = scope.lookup(scope.coreMemories, "memory", option.index, offset);
          if (found.kind === "memory") memory = found.type;
          break;
        }
        case "realloc":
          once(realloc !== undefined);
          realloc = scope.coreFunc(option.index, offset);
          break;
        case "post-return":
          once(postReturn !== undefined);
          postReturn = scope.coreFunc(option.index, offset);
          break;
        case "callback":
          once(callback !== undefined);
          callback = scope.coreFunc(option.index, offset);
          break;
        case "async":
          once(isAsync);
          isAsync = true;
          break;
        default:
          unreachable(option);
      }
    }
    return { memory, realloc, postReturn, callback, isAsync };
  }

  #flattening(options: Options): Flattening {
    return options.memory?.is64 === true ? this.#factory.flattening64 : this.#factory.flattening32;
  }

  #signature(scope: Scope, func: CoreExtern, expected: CoreFuncType, option: string, offset: number): void {
    const type = coreFuncType(func);
    if (type === undefined || !sameTypes(type.params, expected.params) || !sameTypes(type.results, expected.results)) {
      const message = `canonical option \`${option}\` uses a core function with an incorrect signature`;
      const found = type === undefined ? "no function" : `\`${funcTypeName(type)}\``;
      scope.invalid(`${message}: expected \`${funcTypeName(expected)}\`, found ${found}`, offset);
    }
  }

  /** What holds of options whatever they are for. */
  checkCommon(scope: Scope, options: Options, offset: number): void {
    const { memory, realloc } = options;
    if (memory?.shared === true) scope.fail("unsupported", "canonical definitions with a shared memory", offset);
    if (realloc === undefined) return;
    if (memory === undefined) {
      scope.invalid("canonical option `realloc` requires `memory` to also be specified", offset);
    }
    const ptr = memory?.is64 === true ? I64 : I32;
    this.#signature(scope, realloc, { kind: "func", params: [ptr, ptr, ptr, ptr], results: [ptr] }, "realloc", offset);
  }

  /** Whether lifting or lowering values of this type needs a memory, and allocation in it. */
  #requirements(type: FuncType, flat: FlatFunc, context: FlattenContext): { memory: boolean; realloc: boolean } {
    const pointers = (t: FuncType["result"]) =>
      t !== undefined && this.#factory.flattening32.containsPointer(this.#factory.layoutOf(t));
    const params = type.params.some((p) => pointers(p.type));
    const result = pointers(type.result);
    const memory = params || result || flat.paramsInMemory || flat.resultInMemory;
    return { memory, realloc: context === "lift" ? params || flat.paramsInMemory : result };
  }

  /** The core signature of a function with these options, and that the options suffice for it. */
  flatten(
    scope: Scope,
    type: FuncType,
    options: Options,
    context: FlattenContext,
    offset: number,
    what = `\`canon ${context}\``,
  ): CoreFuncType {
    this.checkCommon(scope, options, offset);
    const { isAsync, callback } = options;
    if (isAsync && !type.isAsync) {
      scope.invalid("the `async` canonical option requires an async function type", offset);
    }
    const params = type.params.map((p) => ({ name: p.name, type: this.#factory.layoutOf(p.type) }));
    const result = type.result === undefined ? undefined : this.#factory.layoutOf(type.result);
    const func = { params, result, isAsync: type.isAsync };
    const flat = this.#flattening(options).flattenFuncType(
      func,
      context,
      isAsync ? { isAsync, callback: callback !== undefined } : SYNC,
    );
    const needs = this.#requirements(type, flat, context);
    const of = (): string => `${what} of \`${witOfFunc(type)}\``;
    if (needs.memory && options.memory === undefined) {
      scope.invalid(`canonical option \`memory\` is required: ${of()} has values in memory`, offset);
    }
    if (needs.realloc && options.realloc === undefined) {
      scope.invalid(`canonical option \`realloc\` is required: ${of()} allocates values in memory`, offset);
    }
    return flat.signature;
  }

  #lift(scope: Scope, canon: Extract<Canon, { kind: "lift" }>, offset: number): FuncType {
    const core = coreFuncType(scope.coreFunc(canon.func, offset));
    const type = scope.funcType(canon.type, offset);
    const options = this.options(scope, canon.options);
    const { postReturn, callback, isAsync } = options;
    if (callback !== undefined) {
      if (!isAsync) scope.invalid("cannot specify callback without async", offset);
      this.#signature(scope, callback, { kind: "func", params: [I32, I32, I32], results: [I32] }, "callback", offset);
    }
    const expected = this.flatten(scope, type, options, "lift", offset);
    const { params = [], results = [] } = core ?? {};
    if (!sameTypes(params, expected.params)) {
      scope.invalid(
        `lowered parameter types \`${typeList(expected.params)}\` do not match parameter types \`${typeList(params)}\` of ${scope.coreFuncName(canon.func)}: it is lifted as \`${witOfFunc(type)}\``,
        offset,
      );
    }
    if (!sameTypes(results, expected.results)) {
      scope.invalid(
        `lowered result types \`${typeList(expected.results)}\` do not match result types \`${typeList(results)}\` of ${scope.coreFuncName(canon.func)}: it is lifted as \`${witOfFunc(type)}\``,
        offset,
      );
    }
    if (postReturn !== undefined) {
      if (isAsync) scope.invalid("cannot specify post-return function in async", offset);
      this.#signature(scope, postReturn, { kind: "func", params: results, results: [] }, "post-return", offset);
    }
    return type;
  }

  #lower(scope: Scope, canon: Extract<Canon, { kind: "lower" }>, offset: number): CoreFuncType {
    const type = scope.func(canon.func, offset);
    const options = this.options(scope, canon.options);
    if (options.postReturn !== undefined) {
      scope.invalid("canonical option `post-return` cannot be specified for lowerings", offset);
    }
    if (options.callback !== undefined) {
      scope.invalid("canonical option `callback` cannot be specified for lowerings", offset);
    }
    return this.flatten(scope, type, options, "lower", offset);
  }
}
