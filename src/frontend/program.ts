/**
 * The program: everything of a component that becomes code or data, in the order of the text, each with its symbol. Made from the plan
 * alone and deterministic, so that every worker can make its own and they agree on all numbers.
 *
 * Order: run-time support (symbol 0 is `raise`), entries (contiguous: a trap's unwinder knows an entry by its address), functions of the C
 * interface, instantiation, trampolines, wasm functions. `build.ts` makes the IR of each; `link-data.ts` the bytes of what depends on
 * where the text ends up.
 */

import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { entity, PrimaryMap } from "../base/entity.ts";
import type { DataSymbol, FuncSymbol } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import { type ContextShape, VMComponentOffsets } from "../layout/offsets.ts";
import type {
  Component,
  CoreFunc,
  CoreInstanceIndex,
  HostAbi,
  LiftedFunction,
  MemoryIndex,
} from "../plan/component.ts";
import { signatureOfModuleFunc } from "../plan/signatures.ts";
import type { ValidatedModules } from "../wasm/facts.ts";
import type { FuncType } from "../wasm/types.ts";
import { AdapterFunctions } from "./adapters.ts";
import { type Api, apiFunctions, describeApi, HEADER_GUARD } from "./api.ts";
import { type CoreApi, describeCoreApi } from "./core-api.ts";
import { builtinFunction, configurationAddress, configurationBytes } from "./builtin.ts";
import type { SegmentImage } from "./environment.ts";
import { describeInterface } from "./description.ts";
import { type ExceptionLayout, layOutExceptions } from "./exception-layout.ts";
import { enumerateFunctions, type FunctionRange } from "./enumerate.ts";
import type { FunctionTable } from "./functions.ts";
import type { HostSupportName } from "./host-support.ts";
import type { DataContent, DataObject } from "./items.ts";
import { IntrinsicUsers } from "./intrinsic-users.ts";
import { SignalState } from "./linux.ts";
import { MESSAGES } from "./messages.ts";
import { symbolPart } from "./names.ts";
import { findReachable, type Reachable } from "./reachability.ts";
import { Segments } from "./segments.ts";
import { resultSlots, wasmSignature } from "./signatures.ts";
import type { SupportName } from "./support.ts";
import { Leaving } from "./leaving.ts";
import { Tasks } from "./tasks.ts";
import { analyzeComponent, type ComponentFacts } from "./wasm/facts.ts";
import type { FunctionTranslator } from "./wasm/translate.ts";

export interface ProgramOptions {
  /** The component's name in symbols: `greeter`. */
  readonly name: string;
  /** What C names begin with: `greeter`. */
  readonly prefix: string;
  /** What a host calls exports with. Default `dynamic`. */
  readonly hostAbi?: HostAbi;
  /** `object`: the C interface. `executable`: `_start` and the export `wasi:cli/run`. `script`: `_start` and a loop (`script.ts`). */
  readonly output: "object" | "executable" | "script";
  /** `script`: what has an entry besides the component's exports and each core instance. */
  readonly scriptFunctions?: readonly CoreFunc[];
  /** Settings of the built-in WASI, each `NAME=value` (`builtin.ts`). */
  readonly configuration?: readonly string[];
  /** The host may stop a guest that runs. Default false. */
  readonly interruptible?: boolean;
  /** The object describes its interface, and is called with values of any types (`dynamic.ts`). Default false. */
  readonly describes?: boolean;
  /** Bytes of the executable's stack. */
  readonly stackSize?: number;
  /** What another `Program` of the same component found: spares the scan. */
  readonly reachable?: Reachable;
  readonly facts?: ComponentFacts;
  /** What the validator saw: spares reading the bodies of these modules for the two above. */
  readonly validated?: ValidatedModules | undefined;
}

/** Names behind the prefix that a core module's exports can't have. */
const CORE_TAKEN: readonly string[] = [
  ...apiFunctions({ coreModule: true, interruptible: true, describes: false }),
  "t",
  "imports",
  "imports_t",
  HEADER_GUARD,
];

export const DEFAULT_STACK_SIZE = 8 * 1024 * 1024;

export interface ProgramExceptions {
  readonly layout: ExceptionLayout;
  readonly catchTable: DataSymbol;
  /** Wasm functions are the text from here on. A frame of any function between the first entry and here lets no exception through. */
  readonly firstWasm: FuncSymbol;
}

export class Program {
  readonly component: Component;
  readonly options: ProgramOptions;
  readonly facts: ComponentFacts;
  readonly reachable: Reachable;
  readonly intrinsicUsers: IntrinsicUsers;
  readonly api: Api;
  /** Of a core module; then `api` is empty. */
  readonly core: CoreApi | undefined;
  /** What the host has access to: of the exports of a component, or those that a core module shares. */
  readonly memories: readonly { readonly name: string; readonly memory: MemoryIndex }[];
  readonly adapters: AdapterFunctions;
  readonly leaving: Leaving;
  readonly tasks: Tasks;
  /** Whether anything is ever thrown. */
  readonly throws: boolean;
  readonly functions: FunctionTable;
  /** Ranges of `functions`. */
  readonly entries: FunctionRange;
  readonly transfers: FunctionRange;
  readonly lowered: FunctionRange;
  readonly data = new PrimaryMap<DataSymbol, DataObject>();
  readonly offsets: VMComponentOffsets;
  /** Undefined when nothing is ever thrown. */
  readonly exceptions: ProgramExceptions | undefined;

  /** Made by `build.ts` when the first function of an instance is translated. */
  readonly translators = new Map<CoreInstanceIndex, FunctionTranslator>();

  /** Support data. */
  readonly trapTable: DataSymbol;
  readonly callTable: DataSymbol;
  readonly inlinedTable: DataSymbol;
  readonly functionTable: DataSymbol;
  readonly messages: DataSymbol;
  readonly #signalState: DataSymbol | undefined;
  /** Settings that instantiation copies into the built-in WASI's memory, and where in it; undefined when there are none. */
  readonly configuration: { readonly symbol: DataSymbol; readonly size: number; readonly address: number } | undefined;
  readonly #dispatch: DataSymbol | undefined;
  readonly #description: DataSymbol | undefined;
  readonly #references: { readonly symbol: DataSymbol; readonly count: number } | undefined;
  /** The module's name, and from the second instance of a module on its number. */
  readonly #instanceNames: readonly string[];
  /** Per instance: function index → symbol, or -1. */
  readonly #wasm: readonly Int32Array[];
  readonly #segments: Segments;
  readonly #signatures = new Map<FuncType, Signature>();
  readonly #signaturesByKey = new Map<string, Signature>();

  constructor(component: Component, options: ProgramOptions) {
    this.component = component;
    this.options = options;
    this.intrinsicUsers = new IntrinsicUsers(component);
    this.facts = options.facts ?? analyzeComponent(component, { validated: options.validated });
    const isTyped = options.output === "object" && options.hostAbi === "typed" && component.core === undefined;
    this.api = describeApi(
      component,
      options.prefix,
      (path) => options.output !== "executable" || isRun(path),
      isTyped ? "typed" : "dynamic",
    );
    this.leaving = new Leaving(component);
    this.tasks = new Tasks(
      component,
      this.api.exports.map((e) => e.lifted),
    );
    if (options.describes === true) checkDescribable(this.api, isTyped);
    this.adapters = new AdapterFunctions(component, isTyped ? this.api.exports.map((e) => e.lifted) : []);
    this.core = component.core === undefined ? undefined : describeCoreApi(component, CORE_TAKEN);
    if (options.output === "executable" && this.api.exports.length === 0 && this.core === undefined) {
      throw new WindlassError({ kind: "unlinkable", message: "the component does not export wasi:cli/run" });
    }
    this.memories = [
      ...this.api.memories.map(({ name, memory }) => ({ name, memory })),
      ...(this.core?.memories ?? []).map(({ name, index }) => ({ name, memory: index })),
    ];
    this.reachable = options.reachable ?? findReachable(component, this.#roots(), options.validated);
    this.throws = component.tags.size > 0 && this.reachable.some((flags) => flags.includes(1));
    this.#instanceNames = instanceNames(component);

    const { functions, entries, transfers, lowered, wasm, firstWasm } = enumerateFunctions(this);
    this.functions = functions;
    this.entries = entries;
    this.transfers = transfers;
    this.lowered = lowered;
    this.#wasm = wasm;

    // Data.
    const name = options.name;
    const table = (suffix: string, content: DataContent): DataSymbol =>
      this.data.push({ name: `${name}/data::${suffix}`, align: 16, writable: false, content });
    this.trapTable = table("traps", { kind: "traps" });
    this.callTable = table("calls", { kind: "calls" });
    this.inlinedTable = table("inlined", { kind: "inlined" });
    this.functionTable = table("functions", { kind: "functions" });
    this.exceptions = this.throws
      ? {
          layout: layOutExceptions(component),
          catchTable: table("catches", { kind: "catches" }),
          firstWasm,
        }
      : undefined;
    this.#description = this.describes
      ? table("description", {
          kind: "bytes",
          bytes: describeInterface(component, this.api, this.adapters.hostSizes),
        })
      : undefined;
    this.messages = table("messages", { kind: "bytes", bytes: MESSAGES });
    this.#signalState = this.faults
      ? this.data.push({
          name: `${name}/data::signals`,
          align: 16,
          writable: true,
          content: { kind: "zero", size: SignalState.size },
        })
      : undefined;

    this.#references = this.core?.references === true ? this.#referenceImage() : undefined;
    this.configuration = this.#configuration(options.configuration ?? []);
    this.#dispatch = options.output === "script" ? this.#dispatchTable() : undefined;

    this.#segments = new Segments(component, {
      data: (suffix, align, content) => this.data.push({ name: `${name}/${suffix}`, align, writable: false, content }),
      functionSymbol: (func) => this.functionSymbol(func),
      instanceName: (instance) => this.instanceName(instance),
    });
    this.offsets = new VMComponentOffsets(
      contextShape(component, this.adapters, this.#segments, this.isTyped, this.exceptions?.layout.size),
    );
  }

  /** Nothing of it is called from C. */
  get isExecutable(): boolean {
    return this.options.output !== "object";
  }

  /** Whether a host calls or is called with C values. */
  get isTyped(): boolean {
    return this.api.isTyped;
  }

  /** Every entry as a reference: a script's commands say which by its position. */
  #dispatchTable(): DataSymbol {
    const { first, end } = this.entries;
    const functions = Int32Array.from({ length: end - first }, (_, i) => first + i);
    return this.data.push({
      name: `${this.options.name}/data::dispatch`,
      align: 8,
      writable: false,
      content: { kind: "funcrefs", functions, signatures: new Uint32Array(functions.length) },
    });
  }

  /** References to all functions that wasm code can call, in the order of the text. */
  #referenceImage(): { readonly symbol: DataSymbol; readonly count: number } {
    const functions: number[] = [];
    const signatures: number[] = [];
    for (const [symbol, { kind }] of this.functions.entries()) {
      if (kind.kind === "wasm") signatures.push(signatureOfModuleFunc(this.component, kind.instance, kind.func) + 1);
      else if (kind.kind === "trampoline") {
        signatures.push(this.component.trampolines.get(kind.index).signatureIndex + 1);
      } else continue;
      functions.push(symbol);
    }
    const symbol = this.data.push({
      name: `${this.options.name}/data::references`,
      align: 8,
      writable: false,
      content: { kind: "funcrefs", functions: Int32Array.from(functions), signatures: Uint32Array.from(signatures) },
    });
    return { symbol, count: functions.length };
  }

  /** The function behind an export of `api`. */
  exported(index: number): LiftedFunction {
    const item = this.api.exports[index];
    if (item === undefined) throw new RangeError(`no export ${index}`);
    return item.lifted;
  }

  /** Whether accesses may fault: then the object installs handlers, and not otherwise. */
  get faults(): boolean {
    return this.component.memories.values().some((m) => m.style === "guarded");
  }

  /** Whether there is something of the host's that says with `fail`, and not by a status, that it failed. */
  get hostMayFail(): boolean {
    const { lowerings, resources } = this.component;
    const isFlat = lowerings.values().some(({ callee }) => callee.kind === "host" && callee.abi === "flat");
    return isFlat || resources.values().some((r) => r.kind === "host");
  }

  get describes(): boolean {
    return this.options.describes === true;
  }

  get interruptible(): boolean {
    return this.options.interruptible === true;
  }

  get scriptFunctions(): readonly CoreFunc[] {
    return this.options.scriptFunctions ?? [];
  }

  /** What entries call. */
  #roots(): CoreFunc[] {
    const roots: CoreFunc[] = [...this.scriptFunctions];
    for (const { lifted } of this.api.exports) {
      roots.push(lifted.core);
      if (lifted.options.postReturn !== undefined) roots.push(lifted.options.postReturn);
    }
    for (const { func } of this.api.reallocs) roots.push(func);
    for (const { resource } of this.api.resourceDrops) {
      const found = this.component.resources.get(resource);
      if (found.kind !== "host" && found.destructor !== undefined) roots.push(found.destructor);
    }
    for (const { func } of this.core?.functions ?? []) roots.push(func);
    const init = builtinFunction(this.component, "runtime_init");
    if (init !== undefined) roots.push(init);
    const drop = builtinFunction(this.component, "runtime_drop");
    if (drop !== undefined && this.options.output === "object") roots.push(drop);
    return roots;
  }

  #configuration(settings: readonly string[]): Program["configuration"] {
    if (settings.length === 0 || this.component.builtin === undefined) return undefined;
    const bytes = configurationBytes(this.component, this.facts, settings);
    const symbol = this.data.push({
      name: `${this.options.name}/data::configuration`,
      align: 4,
      writable: false,
      content: { kind: "bytes", bytes },
    });
    return { symbol, size: bytes.length, address: configurationAddress(this.component, this.facts) };
  }

  instanceName(instance: CoreInstanceIndex): string {
    return this.#instanceNames[instance] ?? `instance${instance}`;
  }

  /** The image of a data segment; undefined for an active one without bytes. */
  dataImage(instance: CoreInstanceIndex, segment: number): DataSymbol | undefined {
    return this.#segments.dataImage(instance, segment);
  }

  /** Where the references of an element segment are; undefined when they are evaluated in place, or there are none. */
  elementImage(instance: CoreInstanceIndex, segment: number): SegmentImage | undefined {
    const image = this.#segments.elementImage(instance, segment);
    return image?.kind === "area"
      ? { kind: "area", displacement: this.offsets.elementArea(image.displacement) }
      : image;
  }

  /** Displacement of the current length of a passive segment; undefined for any other. */
  passiveSegment(instance: CoreInstanceIndex, kind: "data" | "element", segment: number): number | undefined {
    const slot = this.#segments.passiveSlot(instance, kind, segment);
    return slot === undefined ? undefined : this.offsets.passiveSegment(slot);
  }

  /** The symbol of a core function that is no intrinsic. Throws `InternalError` for one that is not reachable. */
  functionSymbol(func: CoreFunc): FuncSymbol {
    switch (func.kind) {
      case "lowered":
      case "trampoline":
        return this.functions.symbolOf(func);
      case "intrinsic":
        throw new WindlassError({ kind: "unsupported", message: `a reference to the intrinsic ${func.name}` });
      case "wasm": {
        const symbol = this.#wasm[func.instance]?.[func.func] ?? -1;
        if (symbol >= 0) return entity<FuncSymbol>(symbol);
        throw new InternalError("frontend", `core function ${func.instance}:${func.func} has no symbol`);
      }
    }
  }

  support(name: SupportName): FuncSymbol {
    return this.functions.symbolOf({ kind: "support", name });
  }
  hostSupport(name: HostSupportName): FuncSymbol {
    return this.functions.symbolOf({ kind: "host-support", name });
  }
  get enterInstantiate(): FuncSymbol {
    return this.functions.symbolOf({ kind: "enter-instantiate" });
  }
  /** What a host or `_start` calls: by its position in `api.exports`. */
  exportEntry(index: number): FuncSymbol {
    return this.functions.symbolOf({ kind: this.isTyped ? "typed-entry" : "lifted-entry", export: index });
  }

  /** What the object says of its interface. */
  get description(): DataSymbol {
    return existing(this.#description, "description");
  }
  get referenceTable(): DataSymbol {
    return existing(this.#references?.symbol, "table of references");
  }
  get referenceCount(): number {
    return this.#references?.count ?? 0;
  }
  get signalState(): DataSymbol {
    return existing(this.#signalState, "state of signals");
  }
  get dispatch(): DataSymbol {
    return existing(this.#dispatch, "dispatch table");
  }

  /** Context (i64) and parameters → results; the same object for equal types. */
  signature(type: FuncType): Signature {
    let signature = this.#signatures.get(type);
    if (signature !== undefined) return signature;
    const made = wasmSignature(type);
    const key = `${made.params.join()}>${made.results.join()}`;
    signature = this.#signaturesByKey.get(key);
    if (signature === undefined) {
      signature = made;
      this.#signaturesByKey.set(key, made);
    }
    this.#signatures.set(type, signature);
    return signature;
  }
}

function existing(symbol: DataSymbol | undefined, what: string): DataSymbol {
  if (symbol === undefined) throw new InternalError("frontend", `the program has no ${what}`);
  return symbol;
}

function checkDescribable(api: Api, isTyped: boolean): void {
  if (isTyped && api.imports.every((i) => i.abi === "typed")) return;
  throw new WindlassError({
    kind: "unsupported",
    message: "only components are described, with the host ABI typed for every function (--describe)",
  });
}

function isRun(path: readonly string[]): boolean {
  const [instance = "", func] = path;
  return path.length === 2 && func === "run" && (instance === "wasi:cli/run" || instance.startsWith("wasi:cli/run@"));
}

function instanceNames(component: Component): readonly string[] {
  const copies = new Map<number, number>();
  return component.instances.values().map(({ module }) => {
    const copy = (copies.get(module) ?? 0) + 1;
    copies.set(module, copy);
    return symbolPart(component.modules.get(module).name) + (copy === 1 ? "" : `.${copy}`);
  });
}

function contextShape(
  component: Component,
  adapters: AdapterFunctions,
  { passiveSlots: passiveSegments, elementAreas }: Segments,
  typedHost: boolean,
  exceptionPayload: number | undefined,
): ContextShape {
  let slots = 0;
  for (const type of component.signatures) slots = Math.max(slots, resultSlots(type));
  for (const { signature } of component.lowerings) slots = Math.max(slots, resultSlots(signature));
  for (const row of adapters.flatValues) slots = Math.max(slots, resultSlots(adapters.flatType(row)));
  return {
    lowerings:
      component.lowerings.size + component.trampolines.values().filter((t) => t.kind === "host-function").length,
    componentInstances: component.componentInstances.size,
    hostResources: component.resources.values().filter((r) => r.kind === "host").length,
    memories: component.memories.values().map(({ style, maxBytes }) => ({ style, maxBytes })),
    tables: component.tables.values().map(({ maxElements }) => ({ maxElements })),
    globals: component.globals.size,
    passiveSegments,
    elementAreas,
    resultSlots: slots,
    typedHost,
    exceptionPayload,
  };
}

/** All functions and data of the component, in the order of the text. The plan must be valid. */
export function enumerateProgram(component: Component, options: ProgramOptions): Program {
  return new Program(component, options);
}
