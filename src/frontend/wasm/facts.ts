/**
 * What is true of the whole component, because the world is closed: values of immutable globals, tables and memories that never
 * change, functions that only forward to another one. Made once, from the plan; the translation of every body reads it.
 *
 * Nothing here is needed for correctness: with empty facts every body translates to slower code that does the same.
 */

import type { Component, CoreFunc, CoreInstanceIndex } from "../../plan/component.ts";
import { BodyReaders } from "../../wasm/body-calls.ts";
import type { ModuleFacts, ValidatedModules } from "../../wasm/facts.ts";
import type { Module } from "../../wasm/module.ts";
import { NULL_FUNCTION } from "../../wasm/module.ts";
import { Opcode, opcodeKinds } from "../../wasm/opcodes.ts";
import { OperatorReader } from "../../wasm/operators.ts";
import { type ConstValue, evaluateConst, functionSignature, resolveFunction } from "./constants.ts";
import { SignatureHierarchy } from "./signatures.ts";
import { StartScan } from "./start.ts";

/** A table that a longer segment is copied to has unknown contents. */
const MAX_TRACKED_SEGMENT = 1 << 16;
/** A chain of forwarding functions is followed this far. */
const MAX_FORWARDS = 8;
/** Bodies longer than this (in bytes) are not looked at as forwarding functions: 1000 parameters take 3 KB. */
const MAX_FORWARDING_BODY = 64;

export interface TableFacts {
  /** Number of elements, when no code grows the table. */
  readonly size: number | undefined;
  /** No element changes while any code runs. */
  readonly constant: boolean;
  /** Contents of a constant table, when they are known. */
  readonly contents: TableContents | undefined;
}

export interface TableContents {
  /** What is in elements that `elements` does not hold. */
  readonly initial: ConstValue;
  readonly elements: ReadonlyMap<number, ConstValue>;
}

/** Element `index`, which must be less than the table's size, or undefined when it is not known. */
export function tableElement(facts: TableFacts | undefined, index: number): ConstValue | undefined {
  const { contents } = facts ?? {};
  return contents?.elements.get(index) ?? contents?.initial;
}

export interface ComponentFacts {
  /** Values of globals that no code sets, where they are known. */
  readonly globals: readonly (ConstValue | undefined)[];
  readonly tables: readonly TableFacts[];
  /** Length in bytes of memories that no code grows. */
  readonly memories: readonly (number | undefined)[];
  readonly signatures: SignatureHierarchy;
  /** The function that a call of `func` may call instead: itself, or the one that it passes all of its parameters to. */
  callee(func: CoreFunc): CoreFunc;
}

/** What the bodies of one module do to the module's tables, memories and globals: flags by index. */
type ModuleWrites = Pick<ModuleFacts, "tableMutated" | "tableGrows" | "memoryGrows" | "globalSet">;

const GLOBAL_SET = 1;
const TABLE_WRITE = 2;
const TABLE_INIT = 3;
const TABLE_GROW = 4;
const MEMORY_GROW = 5;

const WRITES = opcodeKinds([
  [GLOBAL_SET, Opcode.global_set],
  [TABLE_WRITE, Opcode.table_set, Opcode.table_fill, Opcode.table_copy],
  [TABLE_INIT, Opcode.table_init],
  [TABLE_GROW, Opcode.table_grow],
  [MEMORY_GROW, Opcode.memory_grow],
]);

function scanModule(module: Module): ModuleWrites {
  const writes = {
    tableMutated: new Uint8Array(module.tables.length),
    tableGrows: new Uint8Array(module.tables.length),
    memoryGrows: new Uint8Array(module.memories.length),
    globalSet: new Uint8Array(module.globals.length),
  };
  const reader = new OperatorReader(module.bytes);
  for (let i = 0; i < module.bodyStart.length; i++) {
    reader.startBody(module.bodyStart[i] ?? 0, module.bodyEnd[i] ?? 0);
    while (!reader.atEnd) {
      reader.next();
      const kind = WRITES[reader.op];
      if (kind === 0) continue;
      switch (kind) {
        case GLOBAL_SET:
          writes.globalSet[reader.index] = 1;
          break;
        case TABLE_WRITE:
          writes.tableMutated[reader.index] = 1;
          break;
        case TABLE_INIT:
          writes.tableMutated[reader.index2] = 1;
          break;
        case TABLE_GROW:
          writes.tableGrows[reader.index] = 1;
          break;
        case MEMORY_GROW:
          writes.memoryGrows[reader.index] = 1;
          break;
      }
    }
  }
  return writes;
}

interface TableState {
  written: boolean;
  grown: boolean;
  /** Position in the order of instantiation of the last instance that writes it. */
  lastWriter: number;
  initial: ConstValue | undefined;
  elements: Map<number, ConstValue> | undefined;
}

export interface AnalysisOptions {
  /** Bodies of modules that are not there are read again. */
  readonly validated?: ValidatedModules | undefined;
  /** The initializers don't run in one go: other code of the component may run in between, as in conformance scripts. */
  readonly stepwise?: boolean;
}

/**
 * The plan must be valid: its modules have passed the validator.
 *
 * A table is constant when no body writes to it and no code reads a table before the last active segment has been copied into this
 * one. The only code that runs while a component is instantiated is start functions and what they call (`start.ts`), and an
 * instance's own segments are copied before its start function: so the last instance that writes to the table must not come
 * after one whose start function reads tables. (Should a copy trap, nothing runs at all.) wit-component's components are like
 * that: a module `shim` owns the table, a module `fixup`, instantiated last, fills it.
 */
export function analyzeComponent(component: Component, options: AnalysisOptions = {}): ComponentFacts {
  const globals: (ConstValue | undefined)[] = new Array<ConstValue | undefined>(component.globals.size).fill(undefined);
  const tables: TableState[] = component.tables.values().map(() => ({
    written: false,
    grown: false,
    lastWriter: -1,
    initial: { kind: "null" },
    elements: new Map(),
  }));
  const grownMemories = new Set<number>();
  const setGlobals = new Set<number>();
  const scans = new Map<number, ModuleWrites>();
  const starts = new StartScan(component);
  /** Position of the first instance whose start function reads a table. */
  let firstReader = options.stepwise === true ? -1 : Number.POSITIVE_INFINITY;

  component.initializers.forEach((initializer, order) => {
    const index = initializer.instance;
    const instance = component.instances.get(index);
    const { module } = component.modules.get(instance.module);
    let scan = scans.get(instance.module);
    if (scan === undefined) {
      scan = options.validated?.get(module) ?? scanModule(module);
      scans.set(instance.module, scan);
    }
    instance.tables.forEach((table, t) => {
      const state = tables[table];
      if (state === undefined) return;
      if (scan.tableMutated[t] === 1) state.written = true;
      if (scan.tableGrows[t] === 1) state.grown = true;
    });
    instance.memories.forEach((memory, m) => {
      if (scan.memoryGrows[m] === 1) grownMemories.add(memory);
    });
    instance.globals.forEach((global, g) => {
      if (scan.globalSet[g] === 1) setGlobals.add(global);
    });
    for (let g = module.importedGlobals; g < module.globals.length; g++) {
      const init = module.globals[g]?.init;
      const target = instance.globals[g];
      if (init === undefined || target === undefined) continue;
      globals[target] = evaluateConst(component, index, init, globals);
    }
    writeTables(component, index, module, order, tables, globals);
    if (module.startFunction === undefined || firstReader < order) return;
    if (starts.readsTables(index, module.startFunction)) firstReader = order;
  });

  // Behind what a core module shares with its host stands other code, which may do anything that the types allow.
  for (const { item } of [...(component.core?.imports ?? []), ...(component.core?.exports ?? [])]) {
    if (item.kind === "memory") grownMemories.add(item.index);
    else if (item.kind === "global" && component.globals.get(item.index).type.mutable) setGlobals.add(item.index);
    else if (item.kind === "table") {
      const state = tables[item.index];
      if (state !== undefined) state.written = state.grown = true;
    }
  }

  for (const global of setGlobals) globals[global] = undefined;
  const facts = component.tables.values().map((table, i): TableFacts => {
    const state = tables[i];
    if (state === undefined) return { size: undefined, constant: false, contents: undefined };
    const { initial, elements } = state;
    const constant = !state.written && !state.grown && state.lastWriter <= firstReader;
    return {
      size: state.grown ? undefined : table.type.min,
      constant,
      contents: constant && initial !== undefined && elements !== undefined ? { initial, elements } : undefined,
    };
  });
  const memories = component.memories.values().map((memory, i) => {
    const bytes = memory.type.min * 2 ** memory.type.pageSizeLog2;
    return grownMemories.has(i) || bytes > memory.maxBytes ? undefined : bytes;
  });
  return new Facts(component, globals, facts, memories);
}

/** Initial values and active segments of one instance, in the order of instantiation. */
function writeTables(
  component: Component,
  instance: CoreInstanceIndex,
  module: Module,
  order: number,
  tables: readonly TableState[],
  globals: readonly (ConstValue | undefined)[],
): void {
  const indices = component.instances.get(instance).tables;
  for (let t = module.importedTables; t < module.tables.length; t++) {
    const table = module.tables[t];
    const state = tables[indices[t] ?? -1];
    if (table === undefined || state === undefined) continue;
    state.lastWriter = order;
    if (table.init !== undefined) state.initial = evaluateConst(component, instance, table.init, globals);
  }
  for (const segment of module.elements) {
    if (segment.mode.kind !== "active") continue;
    const target = indices[segment.mode.index];
    const state = target === undefined ? undefined : tables[target];
    if (target === undefined || state === undefined) continue;
    state.lastWriter = order;
    if (state.elements === undefined) continue;
    const offset = evaluateConst(component, instance, segment.mode.offset, globals);
    const { items } = segment;
    const count = items.kind === "functions" ? items.functions.length : items.expressions.length;
    const { type } = component.tables.get(target);
    const start = offset?.kind === "number" ? (offset.lo >>> 0) + (type.is64 ? offset.hi >>> 0 : 0) * 2 ** 32 : -1;
    if (start < 0 || start + count > type.min || count > MAX_TRACKED_SEGMENT) {
      // Not known, or out of bounds (then instantiation traps), or too long.
      state.elements = undefined;
      continue;
    }
    for (let i = 0; i < count && state.elements !== undefined; i++) {
      const value = elementValue(component, instance, items, i, globals);
      if (value === undefined) state.elements = undefined;
      else state.elements.set(start + i, value);
    }
  }
}

function elementValue(
  component: Component,
  instance: CoreInstanceIndex,
  items: Module["elements"][number]["items"],
  i: number,
  globals: readonly (ConstValue | undefined)[],
): ConstValue | undefined {
  if (items.kind === "expressions") {
    const expr = items.expressions[i];
    return expr === undefined ? undefined : evaluateConst(component, instance, expr, globals);
  }
  const index = items.functions[i] ?? NULL_FUNCTION;
  if (index === NULL_FUNCTION) return { kind: "null" };
  return {
    kind: "func",
    func: resolveFunction(component, instance, index),
    signature: functionSignature(component, instance, index),
  };
}

class Facts implements ComponentFacts {
  readonly globals: readonly (ConstValue | undefined)[];
  readonly tables: readonly TableFacts[];
  readonly memories: readonly (number | undefined)[];
  readonly signatures: SignatureHierarchy;
  readonly #component: Component;
  /** Instance → function → what it forwards to, or null. */
  readonly #forwards = new Map<CoreInstanceIndex, Map<number, CoreFunc | null>>();
  readonly #readers = new BodyReaders();

  constructor(
    component: Component,
    globals: readonly (ConstValue | undefined)[],
    tables: readonly TableFacts[],
    memories: readonly (number | undefined)[],
  ) {
    this.#component = component;
    this.signatures = new SignatureHierarchy(component);
    this.globals = globals;
    this.tables = tables;
    this.memories = memories;
  }

  callee(func: CoreFunc): CoreFunc {
    let current = func;
    for (let i = 0; i < MAX_FORWARDS && current.kind === "wasm"; i++) {
      const next = this.#forward(current.instance, current.func);
      if (next === null) break;
      current = next;
    }
    return current;
  }

  #forward(instance: CoreInstanceIndex, func: number): CoreFunc | null {
    let known = this.#forwards.get(instance);
    if (known === undefined) {
      known = new Map();
      this.#forwards.set(instance, known);
    }
    let target = known.get(func);
    if (target === undefined) {
      target = this.#readForward(instance, func);
      known.set(func, target);
    }
    return target;
  }

  /** Recognizes `local.get 0 … local.get n−1`, then `call` or `i32.const; call_indirect` through a constant table, then `end`. */
  #readForward(instance: CoreInstanceIndex, func: number): CoreFunc | null {
    const component = this.#component;
    const { module, signatures } = component.modules.get(component.instances.get(instance).module);
    const body = func - module.importedFunctions;
    const start = module.bodyStart[body];
    const end = module.bodyEnd[body];
    if (start === undefined || end === undefined || end - start > MAX_FORWARDING_BODY) return null;
    const type = module.types[module.functions[func] ?? -1]?.composite;
    if (type?.kind !== "func") return null;
    const reader = this.#readers.at(module, func);
    if (reader.localCount !== 0) return null;
    const next = (): number => {
      reader.next();
      return reader.op;
    };
    for (let i = 0; i < type.params.length; i++) {
      if (next() !== Opcode.local_get || reader.index !== i) return null;
    }
    let target: CoreFunc | null = null;
    const op = next();
    if (op === Opcode.call) {
      // Its operands are all of the parameters.
      const callee = module.types[module.functions[reader.index] ?? -1]?.composite;
      if (callee?.kind === "func" && callee.params.length === type.params.length) {
        target = resolveFunction(component, instance, reader.index);
      }
    } else if (op === Opcode.i32_const) {
      const index = reader.lo >>> 0;
      if (next() !== Opcode.call_indirect) return null;
      const table = component.instances.get(instance).tables[reader.index2];
      const facts = this.tables[table ?? -1];
      const element = index < (facts?.size ?? 0) ? tableElement(facts, index) : undefined;
      const expected = signatures[reader.index];
      if (element?.kind !== "func" || expected === undefined) return null;
      if (!this.signatures.isSubtype(element.signature, expected)) return null;
      target = element.func;
    }
    if (target === null || target.kind === "intrinsic") return null;
    return next() === Opcode.end && reader.atEnd ? target : null;
  }
}
