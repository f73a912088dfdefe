/**
 * The functions of a program in the order of its text, each with its symbol's name: run-time support (symbol 0 is `raise`), entries, functions of
 * the C interface, instantiation, trampolines and what moves values, wasm functions. A trap's unwinder and the signal handler tell what a frame
 * is by the range that its address lies in: hence the order.
 */

import { entity } from "../base/entity.ts";
import type { FuncSymbol } from "../ir/function.ts";
import type { CoreInstanceIndex } from "../plan/component.ts";
import { functionName } from "../wasm/module.ts";
import { isHost } from "./adapters.ts";
import { apiFunctions } from "./api.ts";
import { builtinFunction } from "./builtin.ts";
import type { CoreAccess } from "./core-entries.ts";
import { FunctionTable } from "./functions.ts";
import { HOST_SUPPORT_NAMES } from "./host-support.ts";
import type { FunctionKind } from "./items.ts";
import { symbolPart } from "./names.ts";
import type { Program } from "./program.ts";
import { supportNames } from "./support.ts";
import { isDirectExport } from "./typed-exports.ts";

/** Symbols `[first, end)`, neighbours in the text too. */
export interface FunctionRange {
  readonly first: FuncSymbol;
  readonly end: FuncSymbol;
}

export interface ProgramFunctions {
  readonly functions: FunctionTable;
  /** What a host or `_start` enters. Something follows the last of them. */
  readonly entries: FunctionRange;
  /** Beneath entries only: trampolines, and what they call to move values. */
  readonly transfers: FunctionRange;
  /** Part of these: the trampolines of host functions. */
  readonly lowered: FunctionRange;
  /** Per core instance: function index → symbol, or -1. They are the text's end. */
  readonly wasm: readonly Int32Array[];
  readonly firstWasm: FuncSymbol;
}

/** `program` has its plan, its interface and its adapters already, and no functions. */
export function enumerateFunctions(program: Program): ProgramFunctions {
  return new Enumeration(program).run();
}

class Enumeration {
  readonly #program: Program;
  readonly #functions = new FunctionTable();

  constructor(program: Program) {
    this.#program = program;
  }

  run(): ProgramFunctions {
    this.#support();
    const entries = this.#range(() => this.#entries());
    this.#interface();
    this.#instantiation();
    let lowered = { first: entries.end, end: entries.end };
    const transfers = this.#range(() => {
      this.#references();
      lowered = this.#range(() => this.#lowered());
      this.#trampolines();
      this.#adapters();
      this.#bodies();
    });
    this.#hostCalls();
    const firstWasm = this.#functions.nextKey();
    const wasm = this.#program.reachable.map((flags, i) => this.#wasm(entity<CoreInstanceIndex>(i), flags));
    return { functions: this.#functions, entries, transfers, lowered, wasm, firstWasm };
  }

  #local(kind: FunctionKind, suffix: string): void {
    this.#functions.push({ kind, name: `${this.#program.options.name}/${suffix}`, global: false });
  }

  #global(kind: FunctionKind, suffix: string): void {
    this.#functions.push({ kind, name: `${this.#program.options.prefix}_${suffix}`, global: true });
  }

  /** A function of the C interface, local in an executable. */
  #exported(kind: FunctionKind, suffix: string): void {
    if (this.#program.isExecutable) this.#local(kind, `entry::${suffix}`);
    else this.#global(kind, suffix);
  }

  #range(enumerate: () => void): FunctionRange {
    const first = this.#functions.nextKey();
    enumerate();
    return { first, end: this.#functions.nextKey() };
  }

  #support(): void {
    const { component, faults, throws } = this.#program;
    for (const name of supportNames({ faults, throws })) this.#local({ kind: "support", name }, `support::${name}`);
    if (faults) this.#local({ kind: "restorer" }, "support::restorer");
    for (const memory of component.memories.keys()) {
      this.#local({ kind: "memory-grow", memory }, `support::memory_grow${memory}`);
    }
    for (const table of component.tables.keys()) {
      this.#local({ kind: "table-grow", table }, `support::table_grow${table}`);
    }
  }

  #entries(): void {
    const { component, options, api, core, isTyped, isExecutable } = this.#program;
    this.#local({ kind: "enter-instantiate" }, "entry::instantiate");
    if (!isExecutable && builtinFunction(component, "runtime_drop") !== undefined) {
      this.#local({ kind: "enter-drop" }, "entry::drop");
    }
    api.exports.forEach((e, i) => {
      this.#exported({ kind: isTyped ? "typed-entry" : "lifted-entry", export: i }, e.name);
    });
    api.exports.forEach((e, i) => {
      if (isTyped || e.lifted.options.postReturn === undefined) return;
      this.#exported({ kind: "post-return-entry", export: i }, `${e.name}_post_return`);
    });
    api.reallocs.forEach((r, i) => {
      if (isTyped) this.#local({ kind: "realloc-entry", realloc: i }, `entry::${r.name}`);
      else this.#exported({ kind: "realloc-entry", realloc: i }, r.name);
    });
    core?.functions.forEach((f, i) => {
      this.#exported({ kind: "core-entry", export: i }, f.name);
    });
    core?.calls.forEach((c, i) => {
      this.#exported({ kind: "core-call", call: i }, c.name);
    });
    api.resourceDrops.forEach(({ name }, drop) => {
      this.#exported({ kind: "resource-drop", drop }, name);
    });
    if (options.output !== "script") return;
    this.#program.scriptFunctions.forEach((func, i) => {
      this.#local({ kind: "script-entry", func }, `entry::script${i}`);
    });
    for (const { instance } of component.initializers) {
      this.#local({ kind: "script-instantiate", instance }, `entry::instantiate${instance}`);
    }
  }

  /** The C interface, or an executable's beginning. */
  #interface(): void {
    const { api, core, interruptible, describes, isExecutable, isTyped, memories } = this.#program;
    if (isExecutable) {
      this.#functions.push({ kind: { kind: "start" }, name: "_start", global: true });
      this.#local({ kind: "main" }, "support::main");
    } else {
      if (!isTyped) {
        memories.forEach(({ name }, memory) => {
          this.#global({ kind: "memory-accessor", memory }, name);
        });
      }
      this.#coreAccesses();
      for (const name of apiFunctions({ coreModule: core !== undefined, interruptible, describes })) {
        this.#global({ kind: "api", name }, name);
      }
    }
    api.drops.forEach(({ name }, drop) => {
      this.#global({ kind: "typed-drop", drop }, name);
    });
  }

  #coreAccesses(): void {
    const { component, core } = this.#program;
    if (core === undefined) return;
    const access = (what: CoreAccess, item: number, name: string): void => {
      const suffix = what.slice(what.indexOf("-") + 1);
      this.#global({ kind: "core-access", access: what, item }, `${name}_${suffix}`);
    };
    core.memories.forEach(({ name }, i) => {
      access("memory-grow", i, name);
    });
    core.tables.forEach(({ name }, i) => {
      for (const what of ["table-size", "table-get", "table-set", "table-grow"] as const) access(what, i, name);
    });
    core.globals.forEach(({ name, index }, i) => {
      access("global-get", i, name);
      if (component.globals.get(index).type.mutable) access("global-set", i, name);
    });
  }

  #instantiation(): void {
    this.#local({ kind: "instantiate" }, "instantiate");
    for (const { instance } of this.#program.component.initializers) {
      this.#local({ kind: "instantiate-core", instance }, `${this.#program.instanceName(instance)}::(instantiate)`);
    }
  }

  /** What the references that a core module's host has lead to, and the functions of memory that its values come from. */
  #references(): void {
    const { api, core } = this.#program;
    core?.calls.forEach((c, i) => {
      this.#local({ kind: "core-call-target", call: i }, `reference::${c.name}`);
    });
    if (core?.references === true) this.#local({ kind: "check-reference" }, "support::check_reference");
    api.reallocs.forEach((r, i) => {
      this.#local({ kind: "checked-realloc", realloc: i }, `checked::${r.name}`);
    });
  }

  #lowered(): void {
    const { component } = this.#program;
    for (const [index, lowering] of component.lowerings.entries()) {
      const path = component.imports.get(lowering.import).path.map(symbolPart).join("#");
      this.#local({ kind: "lowered", index }, `lowered${index}::${path}`);
    }
  }

  #trampolines(): void {
    const { component } = this.#program;
    for (const [index, trampoline] of component.trampolines.entries()) {
      if (trampoline.kind === "host-function") {
        const path = `${symbolPart(trampoline.module)}#${symbolPart(trampoline.name)}`;
        this.#local({ kind: "trampoline", index }, `import${trampoline.hostIndex}::${path}`);
        continue;
      }
      const of = "resource" in trampoline ? `::${symbolPart(component.resources.get(trampoline.resource).name)}` : "";
      const name = trampoline.kind === "task-builtin" ? trampoline.name : trampoline.kind;
      this.#local({ kind: "trampoline", index }, `${name}${index}${of}`);
    }
  }

  #adapters(): void {
    const { adapters } = this.#program;
    adapters.strings.forEach(({ direction: { lift, lower } }, index) => {
      const encodings = `${isHost(lift) ? "host" : lift.stringEncoding}-${isHost(lower) ? "host" : lower.stringEncoding}`;
      this.#local({ kind: "adapter-string", index }, `adapter::string${index}::${encodings}`);
    });
    adapters.values.forEach(({ type }, index) => {
      this.#local({ kind: "adapter-value", index }, `adapter::${type.kind}${index}`);
    });
    adapters.flatValues.forEach(({ type }, index) => {
      this.#local({ kind: "adapter-flat-value", index }, `adapter::flat-${type.kind}${index}`);
    });
    for (const name of adapters.transcoders) {
      this.#local({ kind: "transcoder", name, refusing: false }, `support::${name}`);
    }
    for (const name of adapters.refusingTranscoders) {
      this.#local({ kind: "transcoder", name, refusing: true }, `support::refusing_${name}`);
    }
  }

  /** What entries enter, where that is not the function itself. */
  #bodies(): void {
    const program = this.#program;
    program.api.exports.forEach((e, i) => {
      if (!program.isTyped || isDirectExport(program, e.lifted)) return;
      this.#local({ kind: "typed-body", export: i }, `lift::${e.name}`);
    });
    program.api.exports.forEach((e, i) => {
      if (program.isTyped || !program.component.types.func(e.lifted.type).isAsync) return;
      this.#local({ kind: "task-body", export: i }, `task::${e.name}`);
    });
  }

  /** Support of hosts that call with C values, or with any. */
  #hostCalls(): void {
    const { api, describes, isTyped } = this.#program;
    if (isTyped) {
      for (const name of HOST_SUPPORT_NAMES) this.#local({ kind: "host-support", name }, `support::${name}`);
    }
    if (!describes) return;
    api.imports.forEach(({ path }, index) => {
      this.#local({ kind: "dynamic-import", import: index }, `dynamic${index}::${path.map(symbolPart).join("#")}`);
    });
    api.hostResources.forEach(({ path }, index) => {
      const name = `dynamic-drop${index}::${path.map(symbolPart).join("#")}`;
      this.#local({ kind: "dynamic-destructor", resource: index }, name);
    });
  }

  #wasm(instance: CoreInstanceIndex, flags: Uint8Array): Int32Array {
    const program = this.#program;
    const symbols = new Int32Array(flags.length).fill(-1);
    const { module } = program.component.modules.get(program.component.instances.get(instance).module);
    const prefix = `${program.options.name}/${program.instanceName(instance)}`;
    // A function without a name of its own is called as its first export.
    const exportName = new Map<number, string>();
    for (const { kind, index, name } of module.exports) {
      if (kind === "func" && !exportName.has(index)) exportName.set(index, name);
    }
    for (let func = 0; func < flags.length; func++) {
      if (flags[func] !== 1) continue;
      const own = functionName(module, func) ?? exportName.get(func);
      symbols[func] = this.#functions.push({
        kind: { kind: "wasm", instance, func },
        name: `${prefix}::${own === undefined ? `func${func}` : symbolPart(own)}`,
        global: false,
      });
    }
    return symbols;
  }
}
