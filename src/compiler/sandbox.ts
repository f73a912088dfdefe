/**
 * The policy of the sandbox verifier (`layout/sandbox.ts`) for one program: a description of what is in it, written into the object beside
 * the code. Made from the plan, the program's order, and what was inlined where; never from machine code.
 */

import { InternalError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import type { CompiledFunctions } from "./records.ts";
import { MEMORY_GROW_SIGNATURE, TABLE_GROW_SIGNATURE } from "../frontend/environment.ts";
import type { FunctionKind } from "../frontend/items.ts";
import type { Program } from "../frontend/program.ts";
import { SUPPORT } from "../frontend/support.ts";
import { moduleSignatures, NO_SIGNATURES, type SignatureOf, valueToken } from "../frontend/tokens.ts";
import type { FuncSymbol } from "../ir/function.ts";
import { I32, type Signature, F32, F64, V128 } from "../ir/types.ts";
import type { SandboxFunctions, SandboxImage, SandboxInstance, SandboxPolicy } from "../layout/sandbox.ts";
import type { Component, CoreInstanceIndex, TableIndex } from "../plan/component.ts";
import { functionType } from "../wasm/module.ts";
import type * as wasm from "../wasm/types.ts";

function typeText(type: wasm.FuncType, signatureOf: SignatureOf): string {
  return `${type.params.map((t) => valueToken(t, signatureOf)).join("")}>${type.results.map((t) => valueToken(t, signatureOf)).join("")}`;
}

/** Of a signature of the program itself: no references. The context is left out. */
function signatureText(signature: Signature): string {
  const one = (type: number): string =>
    type === I32 ? "i" : type === F32 ? "f" : type === F64 ? "d" : type === V128 ? "v" : "l";
  return `${signature.params.slice(1).map(one).join("")}>${signature.results.map(one).join("")}`;
}

class Types {
  readonly list: string[] = [];
  readonly #known = new Map<string, number>();
  of(text: string): number {
    let index = this.#known.get(text);
    if (index === undefined) {
      index = this.list.push(text) - 1;
      this.#known.set(text, index);
    }
    return index;
  }
}

/** What a table holds, as a token. */
function elementToken(component: Component, table: TableIndex): string {
  const { type, instance } = component.tables.get(table);
  return valueToken(type.element, moduleSignatures(component.modules.get(component.instances.get(instance).module)));
}

/** Signature number → its type, from a module that has it, else from what is lowered. */
function signatureTexts(component: Component): readonly string[] {
  const texts: string[] = component.signatures.values().map((type) => typeText(type, NO_SIGNATURES));
  for (const module of component.modules) {
    module.signatures.forEach((signature, typeIndex) => {
      const composite = module.module.types[typeIndex]?.composite;
      if (signature !== undefined && composite?.kind === "func") {
        texts[signature] = typeText(composite, moduleSignatures(module));
      }
    });
  }
  return texts;
}

function operandOf(kind: FunctionKind): number {
  switch (kind.kind) {
    case "wasm":
    case "instantiate-core":
      return kind.instance;
    case "memory-grow":
      return kind.memory;
    case "table-grow":
      return kind.table;
    case "lowered":
      return kind.index;
    default:
      return -1;
  }
}

/** The other core instances whose functions' bodies are in the code of a wasm function, ascending. */
function guests(
  program: Program,
  symbol: FuncSymbol,
  kind: FunctionKind,
  compiled: CompiledFunctions,
): readonly number[] {
  // Where there is one instance, there is nothing to ask the code for.
  if (kind.kind !== "wasm" || program.component.instances.size === 1) return [];
  const found = new Set<number>();
  for (const inlined of compiled.get(symbol)?.inlinedFunction ?? []) {
    const from = program.functions.get(entity<FuncSymbol>(inlined)).kind;
    if (from.kind === "wasm" && from.instance !== kind.instance) found.add(from.instance);
  }
  return [...found].sort((a, b) => a - b);
}

/** A run that grows. */
type OpenRun = Omit<SandboxFunctions, "count"> & { count: number };

class FunctionList {
  readonly runs: OpenRun[] = [];
  readonly types: number[] = [];
  readonly #program: Program;
  readonly #types: Types;

  constructor(program: Program, types: Types, compiled: CompiledFunctions) {
    this.#program = program;
    this.#types = types;
    for (const [symbol, { kind }] of program.functions.entries())
      this.#add(kind, guests(program, symbol, kind, compiled));
  }

  #add(kind: FunctionKind, inlined: readonly number[]): void {
    const name = this.#nameOf(kind);
    const of = operandOf(kind);
    const last = this.runs.at(-1);
    if (last !== undefined && last.kind === name && last.of === of && last.inlined.join() === inlined.join()) {
      last.count++;
    } else this.runs.push({ kind: name, of, count: 1, inlined });
    const text = this.#typeOf(kind);
    this.types.push(text === undefined ? -1 : this.#types.of(text));
  }

  #nameOf(kind: FunctionKind): string {
    if (kind.kind === "support") return `support ${kind.name}`;
    const trusted = kind.kind === "wasm" && this.#program.intrinsicUsers.has(kind.instance, kind.func);
    return trusted ? "trusted" : kind.kind;
  }

  #typeOf(kind: FunctionKind): string | undefined {
    const { component } = this.#program;
    switch (kind.kind) {
      case "wasm": {
        const module = component.modules.get(component.instances.get(kind.instance).module);
        return typeText(functionType(module.module, kind.func), moduleSignatures(module));
      }
      case "lowered":
        return typeText(component.lowerings.get(kind.index).signature, NO_SIGNATURES);
      case "trampoline": {
        const { signatureIndex } = component.trampolines.get(kind.index);
        return typeText(component.signatures.get(signatureIndex), NO_SIGNATURES);
      }
      case "memory-grow":
        return signatureText(MEMORY_GROW_SIGNATURE);
      case "table-grow":
        // The value is what the table holds.
        return signatureText(TABLE_GROW_SIGNATURE).replace("ll>", `l${elementToken(component, kind.table)}>`);
      case "support":
        return SUPPORT[kind.name].convention === "wasm" ? signatureText(SUPPORT[kind.name]) : undefined;
      case "instantiate":
      case "instantiate-core":
        return ">";
      default:
        return undefined;
    }
  }
}

/** `place` gives the byte offset of a data object in `.rodata`, or undefined when it is elsewhere. */
export function sandboxPolicy(
  program: Program,
  compiled: CompiledFunctions,
  place: (symbol: number) => number | undefined,
): SandboxPolicy {
  const { component } = program;
  const types = new Types();
  const signatures = signatureTexts(component).map((text) => types.of(text));
  const subtypes = [...component.signatures.keys()].flatMap((s): [number, number[]][] => {
    const found = program.facts.signatures.subtypes(s);
    return found.length === 0 ? [] : [[s, [...found]]];
  });
  const list = new FunctionList(program, types, compiled);
  const instances = component.instances.values().map(
    ({ memories, tables, globals }): SandboxInstance => ({
      memories: [...memories],
      tables: [...tables],
      globals: [...globals],
    }),
  );
  const definer = (instance: CoreInstanceIndex): SignatureOf =>
    moduleSignatures(component.modules.get(component.instances.get(instance).module));
  const images: SandboxImage[] = [];
  for (const [symbol, { content, name }] of program.data.entries()) {
    const offset = place(symbol);
    // Images of table elements; those of a script's entries are no references of wasm code.
    if (content.kind === "funcrefs" && offset !== undefined && !name.endsWith("data::dispatch")) {
      images.push({ offset, count: content.functions.length });
    }
  }
  return {
    shape: program.offsets.shape,
    memories: component.memories.values().map(({ type, style, maxBytes }) => ({
      minBytes: Math.min(type.min * 2 ** type.pageSizeLog2, maxBytes),
      guarded: style === "guarded" && !type.is64 && type.pageSizeLog2 >= 12,
    })),
    tables: [...component.tables.entries()].map(([index, { type }]) => ({
      minElements: type.min,
      element: elementToken(component, index),
      constant: program.facts.tables[index]?.constant === true,
    })),
    globals: component.globals.values().map(({ type, instance }) => valueToken(type.type, definer(instance))),
    passive: passiveLengths(program),
    elementAreas: areaTokens(program, definer),
    instances,
    types: types.list,
    signatures,
    subtypes,
    functions: list.runs,
    functionTypes: list.types,
    images,
    ...exceptionPolicy(program, place),
  };
}

/** What exceptions carry, and where the table of the calls that they come back to is. */
function exceptionPolicy(
  program: Program,
  place: (symbol: number) => number | undefined,
): Pick<SandboxPolicy, "exceptionReferences" | "catches"> {
  const { exceptions } = program;
  if (exceptions === undefined) return { exceptionReferences: [], catches: -1 };
  const catches = place(exceptions.catchTable);
  if (catches === undefined) throw new InternalError("link", "the table of catches is not in .rodata");
  return { exceptionReferences: exceptions.layout.references.map(({ token, offset }) => [offset, token]), catches };
}

/** In the order in which the context has the areas: that of instances and their segments. */
function areaTokens(program: Program, definer: (instance: CoreInstanceIndex) => SignatureOf): readonly string[] {
  const { component } = program;
  return [...component.instances.entries()].flatMap(([instance, { module }]) =>
    component.modules
      .get(module)
      .module.elements.flatMap(({ type }, s) =>
        program.elementImage(instance, s)?.kind === "area" ? [valueToken(type, definer(instance))] : [],
      ),
  );
}

/** By the number of the slot in the context. */
function passiveLengths(program: Program): readonly number[] {
  const { component, offsets } = program;
  const lengths: number[] = [];
  const first = offsets.shape.passiveSegments > 0 ? offsets.passiveSegment(0) : 0;
  const slotOf = (displacement: number): number => (displacement - first) / 4;
  component.instances.values().forEach(({ module }, i) => {
    const instance = entity<CoreInstanceIndex>(i);
    const m = component.modules.get(module).module;
    m.data.forEach((segment, s) => {
      const at = program.passiveSegment(instance, "data", s);
      if (at !== undefined) lengths[slotOf(at)] = segment.end - segment.start;
    });
    m.elements.forEach((segment, s) => {
      const at = program.passiveSegment(instance, "element", s);
      const { items } = segment;
      if (at !== undefined) {
        lengths[slotOf(at)] = items.kind === "functions" ? items.functions.length : items.expressions.length;
      }
    });
  });
  return lengths;
}
