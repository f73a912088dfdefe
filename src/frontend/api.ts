/**
 * The C interface of one component, untyped form: which functions and members a host in C gets, under which names. One list for the code
 * that is generated (`entries.ts`, `instantiate.ts`) and for the header that `bindings/` prints.
 */

import type { FuncSymbol } from "../ir/function.ts";
import { HostResource, Lowering } from "../layout/offsets.ts";
import type { ResourceIndex } from "../component/types.ts";
import { WindlassError } from "../base/diagnostics.ts";
import type {
  CanonicalOptions,
  Component,
  ComponentExport,
  CoreFunc,
  HostAbi,
  LiftedFunction,
  LoweredIndex,
  MemoryIndex,
  RuntimeComponentInstanceIndex,
  RuntimeImportIndex,
} from "../plan/component.ts";
import { cMembers, cNames } from "./names.ts";

/** A lifted function that the component exports. */
export interface ApiExport {
  /** `["hello:city/greeter", "run"]`. */
  readonly path: readonly string[];
  readonly lifted: LiftedFunction;
  /** Without the prefix: `greeter_run`. The C function is `<prefix>_<name>`. */
  readonly name: string;
  /** Members of the array that the caller passes: the larger of parameters and results. */
  readonly values: number;
  /** Positions in `Api.memories` and `Api.reallocs`. */
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
}

/** A function that the host provides: one member of the imports structure, of type `windlass_lowering_t`. */
export interface ApiImport {
  readonly path: readonly string[];
  readonly import: RuntimeImportIndex;
  readonly abi: HostAbi;
  /** The member's name. */
  readonly name: string;
  /** Byte offset in the imports structure. */
  readonly offset: number;
  /** All lowerings that call it. */
  readonly lowerings: readonly LoweredIndex[];
}

/** A resource type of the host: one member of type `windlass_host_resource_t`, behind the functions. */
export interface ApiHostResource {
  readonly path: readonly string[];
  readonly resource: ResourceIndex;
  readonly hostIndex: number;
  readonly name: string;
  readonly offset: number;
}

/** `const windlass_memory_t *<prefix>_<name>(const <prefix>_t *)`. */
export interface ApiMemory {
  readonly memory: MemoryIndex;
  readonly name: string;
}

/** `windlass_status_t <prefix>_<name>(<prefix>_t *, uint32_t old, uint32_t old_size, uint32_t align, uint32_t new_size, uint32_t *out)`. */
export interface ApiRealloc {
  readonly func: CoreFunc;
  readonly instance: RuntimeComponentInstanceIndex;
  readonly memory: MemoryIndex | undefined;
  readonly name: string;
}

export interface Api {
  readonly prefix: string;
  readonly exports: readonly ApiExport[];
  readonly imports: readonly ApiImport[];
  readonly hostResources: readonly ApiHostResource[];
  /** Size in bytes of the imports structure. */
  readonly importsSize: number;
  readonly memories: readonly ApiMemory[];
  /** Those of exports first, then those that only lowerings use (they have no C name of use, but an entry each). */
  readonly reallocs: readonly ApiRealloc[];
}

/** C functions that every component has, `<prefix>_<name>`. */
export const API_FUNCTIONS = ["new", "delete", "last_trap", "user", "fail"] as const;
export type ApiFunction = (typeof API_FUNCTIONS)[number];

/** Those of one input. The functions of a core module's host have statuses: they need no other way to fail. */
export function apiFunctions(coreModule: boolean): readonly ApiFunction[] {
  return coreModule ? API_FUNCTIONS.filter((f) => f !== "fail") : API_FUNCTIONS;
}

/** Names behind the prefix that mean something else: types of the header. */
const TAKEN = new Set<string>([...API_FUNCTIONS, "t", "imports_t", "memory", "realloc"]);
const POST_RETURN = "_post_return";

interface FoundExport {
  readonly path: readonly string[];
  readonly lifted: LiftedFunction;
}

function collect(exports: ReadonlyMap<string, ComponentExport>, path: readonly string[], out: FoundExport[]): void {
  for (const [name, item] of exports) {
    if (item.kind === "func") out.push({ path: [...path, name], lifted: item });
    else if (item.kind === "instance") collect(item.exports, [...path, name], out);
  }
}

/** A key for a core function: equal keys are the same function. */
export function coreFuncKey(func: CoreFunc): string {
  switch (func.kind) {
    case "wasm":
      return `w${func.instance}:${func.func}`;
    case "lowered":
      return `l${func.index}`;
    case "trampoline":
      return `t${func.index}`;
    case "intrinsic":
      return `i${func.name}`;
  }
}

/** `name`, or for all but the first of several `name2`, `name3` …, whatever is free. */
function numbered(base: string, index: number, used: Set<string>): string {
  let name = index === 0 ? base : `${base}${index + 1}`;
  while (used.has(name)) name += "_";
  used.add(name);
  return name;
}

class Reallocs {
  readonly list: ApiRealloc[] = [];
  readonly #known = new Map<string, number>();
  readonly #used: Set<string>;
  constructor(used: Set<string>) {
    this.#used = used;
  }
  of(options: CanonicalOptions): number | undefined {
    const func = options.realloc;
    if (func === undefined) return undefined;
    const key = `${coreFuncKey(func)}/${options.instance}`;
    let index = this.#known.get(key);
    if (index === undefined) {
      const name = numbered("realloc", this.list.length, this.#used);
      index = this.list.push({ func, instance: options.instance, memory: options.memory, name }) - 1;
      this.#known.set(key, index);
    }
    return index;
  }
}

/** The key of a lowering's or an export's realloc in `Api.reallocs`. */
export function reallocIndex(api: Api, options: CanonicalOptions): number | undefined {
  const { realloc } = options;
  if (realloc === undefined) return undefined;
  const key = coreFuncKey(realloc);
  const index = api.reallocs.findIndex((r) => r.instance === options.instance && coreFuncKey(r.func) === key);
  return index < 0 ? undefined : index;
}

/** `selected` says which exported functions become entries. Deterministic. Throws `WindlassError` for what C can't call. */
export function describeApi(component: Component, prefix: string, selected: (path: readonly string[]) => boolean): Api {
  const found: FoundExport[] = [];
  collect(component.exports, [], found);
  const chosen = found.filter((f) => selected(f.path));
  for (const { path, lifted } of chosen) {
    if (component.types.func(lifted.type).isAsync) {
      throw new WindlassError({ kind: "unsupported", message: `the async function ${path.join(" ")}` });
    }
  }
  const names = cNames(
    chosen.map((f) => f.path),
    TAKEN,
    [POST_RETURN],
  );
  const used = new Set<string>(API_FUNCTIONS);
  for (const name of names) used.add(name).add(name + POST_RETURN);

  const memories: ApiMemory[] = [];
  const reallocs = new Reallocs(used);
  const memoryOf = (options: CanonicalOptions): number | undefined => {
    const { memory } = options;
    if (memory === undefined) return undefined;
    const known = memories.findIndex((m) => m.memory === memory);
    return known >= 0 ? known : memories.push({ memory, name: numbered("memory", memories.length, used) }) - 1;
  };
  const exports = chosen.map(({ path, lifted }, i): ApiExport => {
    const { params, results } = lifted.signature;
    return {
      path,
      lifted,
      name: names[i] ?? "",
      values: Math.max(params.length, results.length),
      memory: memoryOf(lifted.options),
      realloc: reallocs.of(lifted.options),
    };
  });

  const byImport = new Map<RuntimeImportIndex, { abi: HostAbi; lowerings: LoweredIndex[] }>();
  for (const [index, lowering] of component.lowerings.entries()) {
    if (lowering.callee.kind !== "host") continue;
    // Only a host can call it: the built-in WASI gets the core function itself.
    reallocs.of(lowering.options);
    const entry = byImport.get(lowering.import);
    if (entry === undefined) byImport.set(lowering.import, { abi: lowering.callee.abi, lowerings: [index] });
    else entry.lowerings.push(index);
  }
  const hostResources = [...component.resources.entries()].flatMap(([resource, r]) =>
    r.kind === "host" ? [{ resource, path: r.path, hostIndex: r.hostIndex }] : [],
  );
  const importPaths = [...byImport.keys()].map((i) => component.imports.get(i).path);
  const members = cMembers([...importPaths, ...hostResources.map((r) => r.path)]);
  const imports = [...byImport].map(
    ([index, { abi, lowerings }], i): ApiImport => ({
      path: component.imports.get(index).path,
      import: index,
      abi,
      name: members[i] ?? "",
      offset: i * Lowering.size,
      lowerings,
    }),
  );
  const resources = hostResources.map(
    (r, i): ApiHostResource => ({
      ...r,
      name: members[imports.length + i] ?? "",
      offset: imports.length * Lowering.size + i * HostResource.size,
    }),
  );
  return {
    prefix,
    exports,
    imports,
    hostResources: resources,
    importsSize: imports.length * Lowering.size + resources.length * HostResource.size,
    memories,
    reallocs: reallocs.list,
  };
}

/** Where the entries of an `Api` are in the text. */
export interface ApiSymbols {
  readonly exports: readonly FuncSymbol[];
  /** Undefined for a function without `post-return`. */
  readonly postReturns: readonly (FuncSymbol | undefined)[];
  readonly reallocs: readonly FuncSymbol[];
  readonly memories: readonly FuncSymbol[];
}
