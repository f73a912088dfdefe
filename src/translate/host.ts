/**
 * What the root component imports: host functions, or functions of the built-in WASI, and the resource types of either.
 *
 * With a built-in WASI every `wasi:` import must be one that it offers; all others are the host's, if the output may have one.
 */

import { InternalError, unreachable, WindlassError } from "../base/diagnostics.ts";
import { SYNC, Flattening } from "../abi/flatten.ts";
import { componentError, quoted } from "../component/errors.ts";
import { MAX_NESTING } from "../component/limits.ts";
import type { ExternDesc, TypeDecl } from "../component/parsed.ts";
import type { ResourceIndex } from "../component/types.ts";
import type { CoreFunc, CoreInstanceIndex } from "../plan/component.ts";
import { RESOURCE_DROP_SIGNATURE } from "../plan/signatures.ts";
import { decodeModule } from "../wasm/decode.ts";
import { type Module, funcTypeAt } from "../wasm/module.ts";
import { type FuncType, funcTypeName, I32 } from "../wasm/types.ts";
import { validateModule } from "../wasm/validate.ts";
import type { PlanBuilder } from "./builder.ts";
import {
  type FuncTypeValue,
  type HostFunc,
  type InstanceValue,
  type Item,
  namedType,
  Scope,
  type TypeValue,
} from "./environment.ts";
import { evaluateType, resolveAlias, typeAt } from "./types.ts";
import * as wasi from "./wasi.ts";

/** The module name of the built-in's intrinsics. */
export const NATIVE_MODULE = "windlass:native";

/** The built-in WASI as a core instance. */
export class Builtin {
  readonly instance: CoreInstanceIndex;
  readonly module: Module;
  readonly #builder: PlanBuilder;

  /** Decodes and validates the runtime module and makes it the next core instance. Its faults are ours: throws `InternalError`. */
  constructor(builder: PlanBuilder, bytes: Uint8Array) {
    this.#builder = builder;
    try {
      this.module = decodeModule(bytes, 0, bytes.length, builder.interner);
      validateModule(this.module);
    } catch (error) {
      if (!(error instanceof WindlassError)) throw error;
      throw new InternalError("translate", "the built-in WASI is broken", undefined, { cause: error });
    }
    const resolve = (wanted: { module: string; name: string; desc: { kind: string } }) => {
      if (wanted.module !== NATIVE_MODULE || wanted.desc.kind !== "func") {
        throw new InternalError("translate", `the built-in WASI imports ${wanted.module} ${wanted.name}`);
      }
      const func: CoreFunc = { kind: "intrinsic", name: wanted.name };
      return { sort: "func", func } as const;
    };
    this.instance = builder.instantiate(this.module, true, resolve, [], 0);
  }

  /** The exported function `name`, and its type. */
  func(name: string): { readonly func: CoreFunc; readonly type: FuncType } | undefined {
    const found = this.#builder.exportOf(this.module, name);
    if (found?.kind !== "func") return undefined;
    const type = funcTypeAt(this.module, this.module.functions[found.index] ?? -1);
    return { func: { kind: "wasm", instance: this.instance, func: found.index }, type };
  }
}

export function sameSignature(a: FuncType, b: FuncType): boolean {
  const same = (x: readonly number[], y: readonly number[]) => x.length === y.length && x.every((t, i) => t === y[i]);
  return same(a.params, b.params) && same(a.results, b.results);
}

export interface HostOptions {
  /** Whether functions may be imported from a host at all: an executable has none. */
  readonly hostImports: boolean;
  /** Whether there is a built-in WASI; it is no instance of this component if nothing imports it. */
  readonly offersWasi: boolean;
}

/** Makes the values of the root's imports. */
export class HostImports {
  readonly #builder: PlanBuilder;
  readonly #builtin: Builtin | undefined;
  readonly #options: HostOptions;
  readonly #flattening: Flattening;
  /** Resources of the built-in WASI by name. */
  readonly #builtinResources = new Map<string, ResourceIndex>();
  #hostResources = 0;

  constructor(builder: PlanBuilder, builtin: Builtin | undefined, options: HostOptions) {
    this.#builder = builder;
    this.#builtin = builtin;
    this.#options = options;
    this.#flattening = new Flattening(builder.types, I32);
  }

  /** The import `name` of the root, whose scope is `scope`. Throws `WindlassError`. */
  import(scope: Scope, name: string, desc: ExternDesc, offset: number): Item {
    const interfaceName = this.#builtin === undefined ? undefined : wasi.wasiInterface(name);
    if (interfaceName !== undefined) {
      const reason = wasi.refusal(interfaceName);
      if (reason !== undefined) {
        const notes = [`the built-in WASI offers ${wasi.offeredPackages()}`];
        throw componentError("unlinkable", `import ${quoted(name)}: ${reason}`, scope.path, offset, notes);
      }
    }
    return this.#item(scope, [name], desc, interfaceName, offset, 0);
  }

  #item(
    scope: Scope,
    path: readonly string[],
    desc: ExternDesc,
    within: wasi.InterfaceName | undefined,
    offset: number,
    depth: number,
  ): Item {
    switch (desc.kind) {
      case "func": {
        const type = typeAt(scope, desc.type);
        if (type.kind !== "func" && type.kind !== "unsupported")
          throw new InternalError("translate", "no function type");
        return { sort: "func", func: this.#func(scope, path, type, within, offset) };
      }
      case "type": {
        const type: TypeValue =
          desc.eq !== undefined ? typeAt(scope, desc.eq) : { kind: "resource", resource: this.#resource(path, within) };
        this.#builder.importedTypes.push({ path, type: namedType(type) });
        return { sort: "type", type };
      }
      case "instance": {
        const type = typeAt(scope, desc.type);
        if (type.kind !== "instance-type") throw new InternalError("translate", "no instance type");
        if (depth >= MAX_NESTING) {
          const message = `imported instances are nested deeper than the limit of ${MAX_NESTING}`;
          throw componentError("limit", message, scope.path, offset);
        }
        return { sort: "instance", instance: this.#instance(type, path, within, scope.path, depth + 1) };
      }
      case "module":
      case "component":
      case "value": {
        const what = desc.kind === "module" ? "core modules" : `${desc.kind}s`;
        const message = `import ${quoted(path.join(" "))}: ${what} that the root component imports`;
        throw componentError("unsupported", message, scope.path, offset);
      }
      default:
        return unreachable(desc);
    }
  }

  #func(
    scope: Scope,
    path: readonly string[],
    type: FuncTypeValue,
    within: wasi.InterfaceName | undefined,
    offset: number,
  ): HostFunc {
    if (this.#builtin === undefined || within === undefined || path.length !== 2) {
      if (!this.#options.hostImports) {
        const message = `import ${quoted(path.join(" "))}: an executable has no host that could provide it`;
        const notes = this.#options.offersWasi ? [`the built-in WASI offers ${wasi.offeredPackages()}`] : [];
        notes.push("`windlass compile` makes a library for a host");
        throw componentError("unlinkable", message, scope.path, offset, notes);
      }
      return { kind: "host", path, type, builtin: undefined };
    }
    const [importName = "", funcName = ""] = path;
    const name = wasi.mangledFunction(within, funcName);
    const found = this.#builtin.func(name);
    if (found === undefined) {
      const message = `import ${quoted(importName)}: the built-in WASI has no ${wasi.describeFunction(funcName)}`;
      throw componentError("unlinkable", message, scope.path, offset);
    }
    if (type.kind === "func") {
      const { signature } = this.#flattening.flattenFuncType(this.#builder.types.func(type.type), "lower", SYNC);
      if (!sameSignature(signature, found.type)) {
        throw new InternalError(
          "translate",
          `the built-in WASI's ${name} is ${funcTypeName(found.type)}, ${path.join(" ")} is ${funcTypeName(signature)}`,
        );
      }
    }
    return { kind: "host", path, type, builtin: { func: found.func, name } };
  }

  #resource(path: readonly string[], within: wasi.InterfaceName | undefined): ResourceIndex {
    const { resources } = this.#builder;
    const last = path[path.length - 1] ?? "";
    if (this.#builtin === undefined || within === undefined || path.length !== 2) {
      return resources.push({ kind: "host", name: last, path, hostIndex: this.#hostResources++ });
    }
    const name = wasi.resourceName(within, last);
    const known = this.#builtinResources.get(name);
    if (known !== undefined) return known;
    const exported = wasi.mangledDestructor(within, last);
    const destructor = this.#builtin.func(exported);
    if (destructor !== undefined && !sameSignature(destructor.type, RESOURCE_DROP_SIGNATURE)) {
      throw new InternalError("translate", `the built-in WASI's ${exported} is ${funcTypeName(destructor.type)}`);
    }
    const index = resources.push({ kind: "builtin", name, destructor: destructor?.func });
    this.#builtinResources.set(name, index);
    return index;
  }

  /** An imported instance: evaluates the declarations of its type, with the host behind each export. */
  #instance(
    type: { readonly decls: readonly TypeDecl[]; readonly scope: Scope },
    path: readonly string[],
    within: wasi.InterfaceName | undefined,
    componentPath: readonly string[],
    depth: number,
  ): InstanceValue {
    const scope = new Scope(type.scope, undefined, componentPath);
    const items = new Map<string, Item>();
    for (const decl of type.decls) {
      this.#builder.countDefinition(componentPath, decl.offset);
      switch (decl.kind) {
        case "core-type":
          break;
        case "type":
          scope.types.push(evaluateType(this.#builder.types, scope, decl.type));
          break;
        case "alias":
          if (decl.alias.sort !== "core-type") scope.push(resolveAlias(scope, decl.alias));
          break;
        case "export": {
          const item = this.#item(scope, [...path, decl.name.name], decl.desc, within, decl.offset, depth);
          items.set(decl.name.name, item);
          scope.push(item);
          break;
        }
        case "import":
          throw new InternalError("translate", "an instance type with imports");
        default:
          unreachable(decl);
      }
    }
    return { items };
  }
}
