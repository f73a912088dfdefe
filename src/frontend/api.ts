/**
 * The C interface of one component: which functions, types and members a host in C gets, under which names. One list for the code
 * that is generated (`entries.ts`, `typed-exports.ts`, `instantiate.ts`) and for the header that `bindings/` prints.
 *
 * Where C values are used (host ABI `typed`), the imports structure begins with one data pointer for all typed functions and has a member for each
 * interface; else every function is a member with a data pointer of its own.
 */

import type { FuncSymbol } from "../ir/function.ts";
import { HostResource, Lowering } from "../layout/offsets.ts";
import { Flattening } from "../abi/flatten.ts";
import type { InterfaceType, ResourceIndex, TypeFunc } from "../component/types.ts";
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
import { pointerType } from "../plan/signatures.ts";
import { type FuncType, I32 } from "../wasm/types.ts";
import { CTypes, memberNames } from "./c-types.ts";
import { CScope, cMembers, cNames, cScopeNames } from "./names.ts";

/** A lifted function that the component exports. */
export interface ApiExport {
  /** `["hello:city/greeter", "run"]`. */
  readonly path: readonly string[];
  readonly lifted: LiftedFunction;
  /** The flat values that a host passes and gets. */
  readonly signature: FuncType;
  /** Without the prefix: `greeter_run`. The C function is `<prefix>_<name>`. */
  readonly name: string;
  /** Members of the array that the caller passes: the larger of parameters and results. */
  readonly values: number;
  /** Positions in `Api.memories` and `Api.reallocs`. */
  readonly memory: number | undefined;
  readonly realloc: number | undefined;
}

/** A function that the host provides: one member of the imports structure. */
export interface ApiImport {
  readonly path: readonly string[];
  readonly import: RuntimeImportIndex;
  readonly abi: HostAbi;
  /** The member of the interface that it is in, if those have members. */
  readonly group: string | undefined;
  /** The member's name. */
  readonly name: string;
  /** Behind the prefix: the type of a function of flat values. */
  readonly functionType: string | undefined;
  /** Byte offsets in the imports structure, of the function and of its data. */
  readonly offset: number;
  readonly dataOffset: number;
  /** All lowerings that call it. */
  readonly lowerings: readonly LoweredIndex[];
}

/** A resource type of the host: one member, of type `windlass_host_resource_t` behind the functions, or a destructor beside them. */
export interface ApiHostResource {
  readonly path: readonly string[];
  readonly resource: ResourceIndex;
  readonly hostIndex: number;
  readonly group: string | undefined;
  readonly name: string;
  readonly offset: number;
  readonly dataOffset: number;
}

/** A type of results that a host has to drop: `<prefix>_<name>`. */
export interface ApiDrop {
  readonly type: InterfaceType;
  readonly name: string;
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
  /** Exports are called with C values. */
  readonly typedExports: boolean;
  /** Those or some import use C values. */
  readonly isTyped: boolean;
  /** The types of typed functions. */
  readonly types: CTypes;
  readonly drops: readonly ApiDrop[];
  /** Resources of the component that a host may own. */
  readonly resourceDrops: readonly ApiResourceDrop[];
  readonly exports: readonly ApiExport[];
  readonly imports: readonly ApiImport[];
  readonly hostResources: readonly ApiHostResource[];
  /** Size in bytes of the imports structure. */
  readonly importsSize: number;
  readonly memories: readonly ApiMemory[];
  /** Those of exports first, then those that only lowerings use (they have no C name of use, but an entry each). */
  readonly reallocs: readonly ApiRealloc[];
}

/** C functions of any component, `<prefix>_<name>`; `apiFunctions` says which it has. */
export const API_FUNCTIONS = [
  "new",
  "delete",
  "last_trap",
  "user",
  "fail",
  "interrupt",
  "interrupt_clear",
  "dynamic_describe",
  "dynamic_new",
  "dynamic_call",
  "dynamic_drop_result",
  "dynamic_drop_handle",
] as const;
export type ApiFunction = (typeof API_FUNCTIONS)[number];

/** What an object has beside the functions of all. */
export interface ApiTraits {
  readonly coreModule: boolean;
  readonly interruptible: boolean;
  readonly describes: boolean;
}

/** Those of one input. The functions of a core module's host have statuses: they need no other way to fail. */
export function apiFunctions({ coreModule, interruptible, describes }: ApiTraits): readonly ApiFunction[] {
  return API_FUNCTIONS.filter((f) => {
    if (f === "fail") return !coreModule;
    if (f.startsWith("interrupt")) return interruptible;
    return describes || !f.startsWith("dynamic");
  });
}

/** What follows the prefix in the macro that guards a header. */
export const HEADER_GUARD = "WINDLASS_H";

/** Names behind the prefix that every header has: functions, types, the macro that guards it. */
const TAKEN: readonly string[] = [...API_FUNCTIONS, "t", "imports_t", "memory", "realloc", HEADER_GUARD];
/** Of an export: its function, and that of its results. */
const EXPORT: readonly string[] = ["", "_post_return"];
const FUNCTION_TYPE: readonly string[] = ["_fn"];

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

/** `base`, which is its own, or for all but the first of several `base2`, `base3` …, whatever is free. */
function counted(base: "memory" | "realloc", index: number, scope: CScope): string {
  return index === 0 ? base : scope.pick(`${base}${index + 1}`);
}

class Reallocs {
  readonly list: ApiRealloc[] = [];
  readonly #known = new Map<string, number>();
  readonly #scope: CScope;
  constructor(scope: CScope) {
    this.#scope = scope;
  }
  of(options: CanonicalOptions): number | undefined {
    const func = options.realloc;
    if (func === undefined) return undefined;
    const key = `${coreFuncKey(func)}/${options.instance}`;
    let index = this.#known.get(key);
    if (index === undefined) {
      const name = counted("realloc", this.list.length, this.#scope);
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

/** What a host sees of a lifted function with flat values; throws an `unsupported` error when it can't be called so. */
function hostSignature(
  component: Component,
  path: readonly string[],
  { type, options }: LiftedFunction,
  abi: HostAbi,
): FuncType {
  const func = component.types.func(type);
  const flattening = new Flattening(component.types, pointerType(component, options));
  const { signature, resultInMemory } = flattening.flattenFuncType(func, "lift");
  if (options.isAsync && abi !== "typed" && func.result !== undefined) {
    // `task.return` leaves nothing in memory that would last until the host looks.
    if (resultInMemory || flattening.containsPointer(func.result)) {
      const message = `export ${JSON.stringify(path.join(" "))}: an async-lifted function with a result that is not one flat value, and the host ABI \`${abi}\``;
      throw new WindlassError({ kind: "unsupported", message });
    }
  }
  return signature;
}

/**
 * `selected` says which exported functions become entries, `exportAbi` how a host calls them. Deterministic. Throws `WindlassError` for what C can't
 * call.
 */
export function describeApi(
  component: Component,
  prefix: string,
  selected: (path: readonly string[]) => boolean,
  exportAbi: HostAbi,
): Api {
  const found: FoundExport[] = [];
  collect(component.exports, [], found);
  const chosen = found.filter((f) => selected(f.path));
  const scope = new CScope(TAKEN);
  const names = cNames(
    chosen.map((f) => f.path),
    scope,
    EXPORT,
  );

  const memories: ApiMemory[] = [];
  const reallocs = new Reallocs(scope);
  const memoryOf = (options: CanonicalOptions): number | undefined => {
    const { memory } = options;
    if (memory === undefined) return undefined;
    const known = memories.findIndex((m) => m.memory === memory);
    return known >= 0 ? known : memories.push({ memory, name: counted("memory", memories.length, scope) }) - 1;
  };
  const exports = chosen.map(({ path, lifted }, i): ApiExport => {
    const signature = hostSignature(component, path, lifted, exportAbi);
    const { params, results } = signature;
    return {
      path,
      lifted,
      signature,
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
  const typedExports = exportAbi === "typed";
  const foundImports: FoundImport[] = [...byImport].map(([index, entry]) => ({
    import: index,
    path: component.imports.get(index).path,
    ...entry,
  }));
  const isTyped = typedExports || foundImports.some((i) => i.abi === "typed");
  const slots = isTyped ? groupedSlots(foundImports, hostResources) : plainSlots(foundImports, hostResources);
  const functions: TypeFunc[] = [];
  for (const { abi, import: index } of foundImports) {
    if (abi === "typed") functions.push(component.types.func(component.imports.get(index).type));
  }
  if (typedExports) for (const { lifted } of exports) functions.push(component.types.func(lifted.type));
  const types = new CTypes(component, prefix, functions, scope);
  return {
    prefix,
    typedExports,
    isTyped,
    types,
    resourceDrops: resourceDropsOf(component, types, scope),
    drops: typedExports ? dropsOf(component, exports, types, scope) : [],
    exports,
    ...slots,
    imports: slots.imports.map((slot) => withFunctionType(slot, scope)),
    memories,
    reallocs: reallocs.list,
  };
}

/** `windlass_status_t <prefix>_<name>(<prefix>_t *, <type> handle)`. */
export interface ApiResourceDrop {
  readonly resource: ResourceIndex;
  /** Without the prefix. */
  readonly type: string;
  readonly name: string;
}

interface FoundImport {
  readonly import: RuntimeImportIndex;
  readonly path: readonly string[];
  readonly abi: HostAbi;
  readonly lowerings: readonly LoweredIndex[];
}

interface FoundResource {
  readonly resource: ResourceIndex;
  readonly path: readonly string[];
  readonly hostIndex: number;
}

type Slot = Omit<ApiImport, "functionType">;
type Slots = Pick<Api, "hostResources" | "importsSize"> & { readonly imports: readonly Slot[] };

function withFunctionType(slot: Slot, scope: CScope): ApiImport {
  if (slot.abi !== "flat") return { ...slot, functionType: undefined };
  return { ...slot, functionType: `${scope.number(slot.name, FUNCTION_TYPE)}${FUNCTION_TYPE[0]}` };
}

/** Each function with its data, then each resource. */
function plainSlots(imports: readonly FoundImport[], resources: readonly FoundResource[]): Slots {
  const members = cMembers([...imports, ...resources].map((x) => x.path));
  const behind = imports.length * Lowering.size;
  return {
    imports: imports.map((item, i) => ({
      ...item,
      group: undefined,
      name: members[i] ?? "",
      offset: i * Lowering.size + Lowering.callee,
      dataOffset: i * Lowering.size + Lowering.data,
    })),
    hostResources: resources.map((item, i) => ({
      ...item,
      group: undefined,
      name: members[imports.length + i] ?? "",
      offset: behind + i * HostResource.size + HostResource.destructor,
      dataOffset: behind + i * HostResource.size + HostResource.data,
    })),
    importsSize: behind + resources.length * HostResource.size,
  };
}

const POINTER_SIZE = 8;

/** One data pointer, then a structure for each interface; functions of the world have no structure around them. */
function groupedSlots(imports: readonly FoundImport[], resources: readonly FoundResource[]): Slots {
  interface Group {
    readonly scope: readonly string[];
    /** One function or one resource. */
    readonly inWorld: boolean;
    readonly imports: FoundImport[];
    readonly resources: FoundResource[];
  }
  const groups = new Map<string, Group>();
  const groupOf = (path: readonly string[]): Group => {
    const inWorld = path.length === 1;
    const scope = inWorld ? path : path.slice(0, -1);
    const key = JSON.stringify([inWorld, ...scope]);
    let group = groups.get(key);
    if (group === undefined) {
      group = { scope, inWorld, imports: [], resources: [] };
      groups.set(key, group);
    }
    return group;
  };
  for (const item of imports) groupOf(item.path).imports.push(item);
  for (const item of resources) groupOf(item.path).resources.push(item);

  const list = [...groups.values()];
  // Interfaces are called as in names of functions: by their last part if that is enough.
  const wanted = cScopeNames(list.map(({ scope }) => scope));
  const members = memberNames(
    list.map(({ inWorld, imports }, i) => (inWorld && imports.length === 0 ? `${wanted[i]}_drop` : (wanted[i] ?? ""))),
    ["data"],
  );
  let size = POINTER_SIZE;
  const outImports: Slot[] = [];
  const outResources: ApiHostResource[] = [];
  list.forEach((group, g) => {
    const member = members[g] ?? "";
    const last = (path: readonly string[]): string => path.at(-1) ?? "";
    const names = memberNames([
      ...group.imports.map((i) => last(i.path)),
      ...group.resources.map((r) => `${last(r.path)}-drop`),
    ]);
    group.imports.forEach((item, i) => {
      const { inWorld } = group;
      const isFunction = item.abi === "typed";
      const where = { group: inWorld ? undefined : member, name: inWorld ? member : (names[i] ?? "") };
      outImports.push({ ...item, ...where, offset: size, dataOffset: isFunction ? 0 : size + Lowering.data });
      size += isFunction ? POINTER_SIZE : Lowering.size;
    });
    group.resources.forEach((item, i) => {
      const { inWorld } = group;
      const name = inWorld ? member : (names[group.imports.length + i] ?? "");
      outResources.push({ ...item, group: inWorld ? undefined : member, name, offset: size, dataOffset: 0 });
      size += POINTER_SIZE;
    });
  });
  return { imports: outImports, hostResources: outResources, importsSize: list.length === 0 ? 0 : size };
}

function resourceDropsOf(component: Component, types: CTypes, scope: CScope): readonly ApiResourceDrop[] {
  return types.resources
    .filter(({ resource }) => component.resources.get(resource).kind !== "host")
    .map(({ resource, name }) => ({ resource, type: `${name}_t`, name: scope.pick(`${name}_drop`) }));
}

/** The types of results that hold memory, each once. */
function dropsOf(
  component: Component,
  exports: readonly ApiExport[],
  types: CTypes,
  scope: CScope,
): readonly ApiDrop[] {
  const flattening = new Flattening(component.types, I32);
  const drops = new Map<string, ApiDrop>();
  for (const { lifted } of exports) {
    const { result } = component.types.func(lifted.type);
    if (result === undefined || !flattening.containsPointer(result)) continue;
    const type = types.nameOf(result);
    if (drops.has(type)) continue;
    drops.set(type, { type: result, name: scope.pick(`${type}_drop`) });
  }
  return [...drops.values()];
}

/** Where the entries of an `Api` are in the text. */
export interface ApiSymbols {
  readonly exports: readonly FuncSymbol[];
  /** Undefined for a function without `post-return`. */
  readonly postReturns: readonly (FuncSymbol | undefined)[];
  readonly reallocs: readonly FuncSymbol[];
  readonly memories: readonly FuncSymbol[];
}
