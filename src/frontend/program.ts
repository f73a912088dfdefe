/**
 * The program: everything of a component that becomes code or data, in the order of the text, each with its symbol. Made from the plan
 * alone and deterministic, so that every worker can make its own and they agree on all numbers.
 *
 * Order: run-time support (symbol 0 is `raise`), entries (contiguous: a trap's unwinder knows an entry by its address), functions of the C
 * interface, instantiation, trampolines, wasm functions. `build.ts` makes the IR of each; `link-data.ts` the bytes of what depends on
 * where the text ends up.
 */

import type { TranscoderName } from "../abi/transcode.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { type Entity, entity, PrimaryMap } from "../base/entity.ts";
import type { DataSymbol, FuncSymbol } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import { type ContextShape, VMComponentOffsets } from "../layout/offsets.ts";
import type {
  Component,
  CoreFunc,
  CoreInstanceIndex,
  HostAbi,
  LiftedFunction,
  LoweredIndex,
  MemoryIndex,
  TableIndex,
} from "../plan/component.ts";
import { signatureOfModuleFunc } from "../plan/signatures.ts";
import type { ValidatedModules } from "../wasm/facts.ts";
import { functionName } from "../wasm/module.ts";
import type { FuncType } from "../wasm/types.ts";
import { AdapterFunctions, isHost } from "./adapters.ts";
import { type Api, type ApiFunction, apiFunctions, describeApi } from "./api.ts";
import { type CoreApi, describeCoreApi } from "./core-api.ts";
import type { CoreAccess } from "./core-entries.ts";
import { builtinFunction, configurationAddress, configurationBytes } from "./builtin.ts";
import type { SegmentImage } from "./environment.ts";
import { describeInterface } from "./description.ts";
import { type ExceptionLayout, layOutExceptions } from "./exception-layout.ts";
import { HOST_SUPPORT_NAMES, type HostSupportName } from "./host-support.ts";
import type { DataContent, DataObject, FunctionKind, ProgramFunction } from "./items.ts";
import { IntrinsicUsers } from "./intrinsic-users.ts";
import { SignalState } from "./linux.ts";
import { MESSAGES } from "./messages.ts";
import { symbolPart } from "./names.ts";
import { findReachable, type Reachable } from "./reachability.ts";
import { Segments } from "./segments.ts";
import { resultSlots, wasmSignature } from "./signatures.ts";
import { type SupportName, supportNames } from "./support.ts";
import { Tasks } from "./tasks.ts";
import { isDirectExport } from "./typed.ts";
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
  readonly adapters: AdapterFunctions;
  readonly tasks: Tasks;
  readonly functions = new PrimaryMap<FuncSymbol, ProgramFunction>();
  readonly data = new PrimaryMap<DataSymbol, DataObject>();
  readonly offsets: VMComponentOffsets;
  /** Undefined when nothing is ever thrown. */
  readonly exceptions: ProgramExceptions | undefined;
  /** The entries are `[firstEntry, endOfEntries)`, in symbols and in the text. */
  readonly firstEntry: FuncSymbol;
  readonly endOfEntries: FuncSymbol;
  /** `[firstTransfer, endOfTransfers)`, beneath entries only: trampolines and what they call to move values. */
  readonly firstTransfer: FuncSymbol;
  readonly endOfTransfers: FuncSymbol;
  /** `[firstLowered, endOfLowered)`: the trampolines of host functions. */
  readonly firstLowered: FuncSymbol;
  readonly endOfLowered: FuncSymbol;

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

  readonly exportEntries: readonly FuncSymbol[];
  readonly postReturnEntries: readonly (FuncSymbol | undefined)[];
  readonly reallocEntries: readonly FuncSymbol[];
  /** What these enter. */
  readonly checkedReallocs: readonly FuncSymbol[];
  /** Entries of `options.scriptFunctions`, and of the instantiation of each core instance. */
  readonly scriptEntries: FuncSymbol[] = [];
  readonly scriptInstantiate = new Map<CoreInstanceIndex, FuncSymbol>();
  readonly memoryAccessors: readonly FuncSymbol[];
  /** What they give: of the exports of a component, or those that a core module shares. */
  readonly memories: readonly MemoryIndex[];
  /** Positions as in `CoreApi`. */
  readonly coreEntries: readonly FuncSymbol[];
  readonly coreCallTargets: readonly FuncSymbol[];
  readonly drops: readonly FuncSymbol[];
  /** Positions as in `Api.resourceDrops`. */
  readonly resourceDrops: readonly FuncSymbol[];

  readonly #support = new Map<SupportName, FuncSymbol>();
  readonly #restorer: FuncSymbol | undefined;
  readonly #memoryGrow: readonly FuncSymbol[];
  readonly #tableGrow: readonly FuncSymbol[];
  readonly #enterInstantiate: FuncSymbol;
  /** The entry of the built-in WASI's `runtime_drop`. */
  readonly enterDrop: FuncSymbol | undefined;
  readonly #apiFunctions = new Map<ApiFunction, FuncSymbol>();
  readonly #main: FuncSymbol | undefined;
  readonly #dispatch: DataSymbol | undefined;
  /** Where an executable begins. */
  readonly start: FuncSymbol | undefined;
  readonly #instantiate: FuncSymbol;
  readonly #instantiateCore = new Map<CoreInstanceIndex, FuncSymbol>();
  readonly #lowered: readonly FuncSymbol[];
  readonly #trampolines: readonly FuncSymbol[];
  readonly #adapterStrings: readonly FuncSymbol[];
  readonly #adapterValues: readonly FuncSymbol[];
  readonly #adapterFlatValues: readonly FuncSymbol[];
  readonly #transcoders = new Map<TranscoderName, FuncSymbol>();
  readonly #refusingTranscoders = new Map<TranscoderName, FuncSymbol>();
  /** Bodies of typed exports; undefined for one whose entry needs none. */
  readonly #typedBodies: readonly (FuncSymbol | undefined)[];
  /** What the entries of exports with flat values enter, where that is not the function itself. */
  readonly #taskBodies: readonly (FuncSymbol | undefined)[];
  readonly #hostSupport = new Map<HostSupportName, FuncSymbol>();
  readonly #dynamicImports: readonly FuncSymbol[] = [];
  readonly #dynamicDestructors: readonly FuncSymbol[] = [];
  readonly #description: DataSymbol | undefined;
  /** The module's name, and from the second instance of a module on its number. */
  readonly #instanceNames: readonly string[];
  readonly #checkReference: FuncSymbol | undefined;
  readonly #references: { readonly symbol: DataSymbol; readonly count: number } | undefined;
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
    const executable = options.output !== "object";
    const isTyped = options.output === "object" && options.hostAbi === "typed" && component.core === undefined;
    this.api = describeApi(
      component,
      options.prefix,
      (path) => options.output !== "executable" || isRun(path),
      isTyped ? "typed" : "dynamic",
    );
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
    this.reachable = options.reachable ?? findReachable(component, this.#roots(), options.validated);

    this.#instanceNames = instanceNames(component);
    const name = options.name;
    const local = (kind: FunctionKind, suffix: string): FuncSymbol =>
      this.functions.push({ kind, name: `${name}/${suffix}`, global: false });
    const global = (kind: FunctionKind, suffix: string): FuncSymbol =>
      this.functions.push({ kind, name: `${options.prefix}_${suffix}`, global: true });
    /** Functions of the C interface are local in an executable. */
    const exported = (kind: FunctionKind, suffix: string): FuncSymbol =>
      executable ? local(kind, `entry::${suffix}`) : global(kind, suffix);

    // Support.
    const throws = component.tags.size > 0 && this.reachable.some((flags) => flags.includes(1));
    for (const support of supportNames({ faults: this.faults, throws })) {
      this.#support.set(support, local({ kind: "support", name: support }, `support::${support}`));
    }
    this.#restorer = this.faults ? local({ kind: "restorer" }, "support::restorer") : undefined;
    this.#memoryGrow = [...component.memories.keys()].map((memory) =>
      local({ kind: "memory-grow", memory }, `support::memory_grow${memory}`),
    );
    this.#tableGrow = [...component.tables.keys()].map((table) =>
      local({ kind: "table-grow", table }, `support::table_grow${table}`),
    );

    // Entries.
    this.#enterInstantiate = local({ kind: "enter-instantiate" }, "entry::instantiate");
    this.firstEntry = this.#enterInstantiate;
    this.enterDrop =
      executable || builtinFunction(component, "runtime_drop") === undefined
        ? undefined
        : local({ kind: "enter-drop" }, "entry::drop");
    this.exportEntries = this.api.exports.map((e, i) =>
      exported({ kind: isTyped ? "typed-entry" : "lifted-entry", export: i }, e.name),
    );
    this.postReturnEntries = this.api.exports.map((e, i) =>
      isTyped || e.lifted.options.postReturn === undefined
        ? undefined
        : exported({ kind: "post-return-entry", export: i }, `${e.name}_post_return`),
    );
    this.reallocEntries = this.api.reallocs.map((r, i) =>
      (isTyped ? local : exported)({ kind: "realloc-entry", realloc: i }, isTyped ? `entry::${r.name}` : r.name),
    );
    this.coreEntries = (this.core?.functions ?? []).map((f, i) => exported({ kind: "core-entry", export: i }, f.name));
    this.core?.calls.forEach((c, i) => {
      exported({ kind: "core-call", call: i }, c.name);
    });
    this.resourceDrops = this.api.resourceDrops.map(({ name: resource }, drop) =>
      exported({ kind: "resource-drop", drop }, resource),
    );
    if (options.output === "script") {
      this.scriptFunctions.forEach((func, i) => {
        this.scriptEntries.push(local({ kind: "script-entry", func }, `entry::script${i}`));
      });
      for (const { instance } of component.initializers) {
        const entry = local({ kind: "script-instantiate", instance }, `entry::instantiate${instance}`);
        this.scriptInstantiate.set(instance, entry);
      }
    }
    this.endOfEntries = this.functions.nextKey();

    // The C interface, or the executable's beginning. None of these is empty: something follows the last entry.
    const memories = [...this.api.memories, ...(this.core?.memories ?? [])];
    this.memories = memories.map((m) => ("memory" in m ? m.memory : m.index));
    this.memoryAccessors =
      executable || isTyped ? [] : memories.map((m, i) => global({ kind: "memory-accessor", memory: i }, m.name));
    if (this.core !== undefined && !executable) this.#coreAccesses(this.core, global);
    if (executable) {
      this.start = this.functions.push({ kind: { kind: "start" }, name: "_start", global: true });
      this.#main = local({ kind: "main" }, "support::main");
    } else {
      this.start = undefined;
      const coreModule = this.core !== undefined;
      for (const f of apiFunctions({ coreModule, interruptible: this.interruptible, describes: this.describes }))
        this.#apiFunctions.set(f, global({ kind: "api", name: f }, f));
    }
    this.drops = this.api.drops.map(({ name: type }, drop) => global({ kind: "typed-drop", drop }, type));
    this.#instantiate = local({ kind: "instantiate" }, "instantiate");
    for (const { instance } of component.initializers) {
      const symbol = local({ kind: "instantiate-core", instance }, `${this.#instanceName(instance)}::(instantiate)`);
      this.#instantiateCore.set(instance, symbol);
    }

    // Trampolines.
    this.firstTransfer = this.functions.nextKey();
    this.coreCallTargets = (this.core?.calls ?? []).map((c, i) =>
      local({ kind: "core-call-target", call: i }, `reference::${c.name}`),
    );
    this.#checkReference =
      this.core?.references === true ? local({ kind: "check-reference" }, "support::check_reference") : undefined;
    this.checkedReallocs = this.api.reallocs.map((r, i) =>
      local({ kind: "checked-realloc", realloc: i }, `checked::${r.name}`),
    );
    this.firstLowered = this.functions.nextKey();
    this.#lowered = [...component.lowerings.entries()].map(([index, lowering]) => {
      const path = component.imports.get(lowering.import).path.map(symbolPart).join("#");
      return local({ kind: "lowered", index }, `lowered${index}::${path}`);
    });
    this.endOfLowered = this.functions.nextKey();
    this.#trampolines = [...component.trampolines.entries()].map(([index, trampoline]) => {
      if (trampoline.kind === "host-function") {
        const path = `${symbolPart(trampoline.module)}#${symbolPart(trampoline.name)}`;
        return local({ kind: "trampoline", index }, `import${trampoline.hostIndex}::${path}`);
      }
      const of = "resource" in trampoline ? `::${symbolPart(component.resources.get(trampoline.resource).name)}` : "";
      const name = trampoline.kind === "task-builtin" ? `${trampoline.name}` : trampoline.kind;
      return local({ kind: "trampoline", index }, `${name}${index}${of}`);
    });
    this.#adapterStrings = this.adapters.strings.map(({ direction: { lift, lower } }, index) => {
      const encodings = `${isHost(lift) ? "host" : lift.stringEncoding}-${isHost(lower) ? "host" : lower.stringEncoding}`;
      return local({ kind: "adapter-string", index }, `adapter::string${index}::${encodings}`);
    });
    this.#adapterValues = this.adapters.values.map(({ type }, index) =>
      local({ kind: "adapter-value", index }, `adapter::${type.kind}${index}`),
    );
    this.#adapterFlatValues = this.adapters.flatValues.map(({ type }, index) =>
      local({ kind: "adapter-flat-value", index }, `adapter::flat-${type.kind}${index}`),
    );
    for (const transcoder of this.adapters.transcoders) {
      this.#transcoders.set(
        transcoder,
        local({ kind: "transcoder", name: transcoder, refusing: false }, `support::${transcoder}`),
      );
    }

    for (const transcoder of this.adapters.refusingTranscoders) {
      const symbol = local({ kind: "transcoder", name: transcoder, refusing: true }, `support::refusing_${transcoder}`);
      this.#refusingTranscoders.set(transcoder, symbol);
    }

    // Typed calls of a host.
    this.#typedBodies = this.api.exports.map((e, i) =>
      isTyped && !isDirectExport(this, e.lifted)
        ? local({ kind: "typed-body", export: i }, `lift::${e.name}`)
        : undefined,
    );
    this.#taskBodies = this.api.exports.map((e, i) =>
      !isTyped && component.types.func(e.lifted.type).isAsync
        ? local({ kind: "task-body", export: i }, `task::${e.name}`)
        : undefined,
    );
    this.endOfTransfers = this.functions.nextKey();
    if (this.isTyped) {
      for (const support of HOST_SUPPORT_NAMES) {
        this.#hostSupport.set(support, local({ kind: "host-support", name: support }, `support::${support}`));
      }
    }

    if (this.describes) {
      this.#dynamicImports = this.api.imports.map((i, index) =>
        local({ kind: "dynamic-import", import: index }, `dynamic${index}::${i.path.map(symbolPart).join("#")}`),
      );
      this.#dynamicDestructors = this.api.hostResources.map((r, index) =>
        local(
          { kind: "dynamic-destructor", resource: index },
          `dynamic-drop${index}::${r.path.map(symbolPart).join("#")}`,
        ),
      );
    }

    // Wasm functions.
    const firstWasm = this.functions.nextKey();
    this.#wasm = this.reachable.map((flags, i) => this.#wasmSymbols(entity<CoreInstanceIndex>(i), flags));

    // Data.
    const table = (suffix: string, content: DataContent): DataSymbol =>
      this.data.push({ name: `${name}/data::${suffix}`, align: 16, writable: false, content });
    this.trapTable = table("traps", { kind: "traps" });
    this.callTable = table("calls", { kind: "calls" });
    this.inlinedTable = table("inlined", { kind: "inlined" });
    this.functionTable = table("functions", { kind: "functions" });
    this.exceptions = throws
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
      instanceName: (instance) => this.#instanceName(instance),
    });
    this.offsets = new VMComponentOffsets(
      contextShape(component, this.adapters, this.#segments, this.isTyped, this.exceptions?.layout.size),
    );
  }

  /** Whether a host calls or is called with C values. */
  get isTyped(): boolean {
    return this.api.isTyped;
  }

  /** Every entry as a reference: a script's commands say which by its position. */
  #dispatchTable(): DataSymbol {
    const functions = Int32Array.from({ length: this.endOfEntries - this.firstEntry }, (_, i) => this.firstEntry + i);
    return this.data.push({
      name: `${this.options.name}/data::dispatch`,
      align: 8,
      writable: false,
      content: { kind: "funcrefs", functions, signatures: new Uint32Array(functions.length) },
    });
  }

  #coreAccesses(core: CoreApi, global: (kind: FunctionKind, suffix: string) => FuncSymbol): void {
    const access = (what: CoreAccess, at: number, name: string): void => {
      const suffix = what.slice(what.indexOf("-") + 1);
      global({ kind: "core-access", access: what, item: at }, `${name}_${suffix}`);
    };
    core.memories.forEach(({ name }, i) => {
      access("memory-grow", i, name);
    });
    core.tables.forEach(({ name }, i) => {
      for (const what of ["table-size", "table-get", "table-set", "table-grow"] as const) access(what, i, name);
    });
    core.globals.forEach(({ name, index }, i) => {
      access("global-get", i, name);
      if (this.component.globals.get(index).type.mutable) access("global-set", i, name);
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

  #instanceName(instance: CoreInstanceIndex): string {
    return this.#instanceNames[instance] ?? `instance${instance}`;
  }

  #wasmSymbols(instance: CoreInstanceIndex, flags: Uint8Array): Int32Array {
    const symbols = new Int32Array(flags.length).fill(-1);
    const { module } = this.component.modules.get(this.component.instances.get(instance).module);
    const prefix = `${this.options.name}/${this.#instanceName(instance)}`;
    // A function without a name of its own is called as its first export.
    const exportName = new Map<number, string>();
    for (const { kind, index, name } of module.exports) {
      if (kind === "func" && !exportName.has(index)) exportName.set(index, name);
    }
    for (let func = 0; func < flags.length; func++) {
      if (flags[func] !== 1) continue;
      const own = functionName(module, func) ?? exportName.get(func);
      symbols[func] = this.functions.push({
        kind: { kind: "wasm", instance, func },
        name: `${prefix}::${own === undefined ? `func${func}` : symbolPart(own)}`,
        global: false,
      });
    }
    return symbols;
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
        return this.#symbol(this.#lowered[func.index], `lowering ${func.index}`);
      case "trampoline":
        return this.#symbol(this.#trampolines[func.index], `trampoline ${func.index}`);
      case "intrinsic":
        throw new WindlassError({ kind: "unsupported", message: `a reference to the intrinsic ${func.name}` });
      case "wasm": {
        const symbol = this.#wasm[func.instance]?.[func.func] ?? -1;
        return this.#symbol(
          symbol < 0 ? undefined : entity<FuncSymbol>(symbol),
          `core function ${func.instance}:${func.func}`,
        );
      }
    }
  }

  #symbol<E extends Entity<string>>(symbol: E | undefined, what: string): E {
    if (symbol === undefined) throw new InternalError("frontend", `${what} has no symbol`);
    return symbol;
  }

  support(name: SupportName): FuncSymbol {
    return this.#symbol(this.#support.get(name), name);
  }
  transcoder(name: TranscoderName, refusing = false): FuncSymbol {
    return this.#symbol((refusing ? this.#refusingTranscoders : this.#transcoders).get(name), name);
  }
  hostSupport(name: HostSupportName): FuncSymbol {
    return this.#symbol(this.#hostSupport.get(name), name);
  }
  /** What the object says of its interface. */
  get description(): DataSymbol {
    return this.#symbol(this.#description, "the description");
  }
  dynamicImport(index: number): FuncSymbol {
    return this.#symbol(this.#dynamicImports[index], `import ${index} of any values`);
  }
  dynamicDestructor(index: number): FuncSymbol {
    return this.#symbol(this.#dynamicDestructors[index], `destructor ${index} of any resource`);
  }
  /** The body of the typed export `index`. */
  typedBody(index: number): FuncSymbol {
    return this.#symbol(this.#typedBodies[index], `body of export ${index}`);
  }
  /** What the entry of the export `index` enters in place of the function. */
  taskBody(index: number): FuncSymbol | undefined {
    return this.#taskBodies[index];
  }
  /** By its position in `adapters.strings`. */
  adapterString(index: number): FuncSymbol {
    return this.#symbol(this.#adapterStrings[index], `function of strings ${index}`);
  }
  /** By its position in `adapters.values`. */
  adapterValue(index: number): FuncSymbol {
    return this.#symbol(this.#adapterValues[index], `function of values ${index}`);
  }
  /** By its position in `adapters.flatValues`. */
  adapterFlatValue(index: number): FuncSymbol {
    return this.#symbol(this.#adapterFlatValues[index], `function of flat values ${index}`);
  }
  get checkReference(): FuncSymbol {
    return this.#symbol(this.#checkReference, "check_reference");
  }
  get referenceTable(): DataSymbol {
    return this.#symbol(this.#references?.symbol, "the table of references");
  }
  get referenceCount(): number {
    return this.#references?.count ?? 0;
  }
  get signalState(): DataSymbol {
    return this.#symbol(this.#signalState, "the state of signals");
  }
  get restorer(): FuncSymbol {
    return this.#symbol(this.#restorer, "the restorer");
  }
  memoryGrow(memory: MemoryIndex): FuncSymbol {
    return this.#symbol(this.#memoryGrow[memory], `memory ${memory}`);
  }
  tableGrow(table: TableIndex): FuncSymbol {
    return this.#symbol(this.#tableGrow[table], `table ${table}`);
  }
  get enterInstantiate(): FuncSymbol {
    return this.#enterInstantiate;
  }
  get instantiate(): FuncSymbol {
    return this.#instantiate;
  }
  get dispatch(): DataSymbol {
    return this.#symbol(this.#dispatch, "the dispatch table");
  }
  get main(): FuncSymbol {
    return this.#symbol(this.#main, "main");
  }
  instantiateCore(instance: CoreInstanceIndex): FuncSymbol {
    return this.#symbol(this.#instantiateCore.get(instance), `instantiation of ${instance}`);
  }
  apiFunction(name: ApiFunction): FuncSymbol {
    return this.#symbol(this.#apiFunctions.get(name), name);
  }
  lowered(index: LoweredIndex): FuncSymbol {
    return this.#symbol(this.#lowered[index], `lowering ${index}`);
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
