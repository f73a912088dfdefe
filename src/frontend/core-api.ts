/**
 * The C interface of a core module that is compiled as it is: which functions and members a host gets, under which names. One list for the
 * code that is generated (`core-entries.ts`) and for the header that `bindings/core-header.ts` prints.
 *
 * Names are anybody's UTF-8. What is no letter or digit becomes `_`, other letters `u` and their number; underscores at the ends go. Where
 * several names become one, the second gets `_2`, and so on. Functions are named first, then memories, tables, globals.
 */

import { WindlassError } from "../base/diagnostics.ts";
import { REFERENCE_SIZE } from "../layout/host.ts";
import type {
  Component,
  CoreFunc,
  CoreItem,
  GlobalIndex,
  MemoryIndex,
  SignatureIndex,
  TableIndex,
} from "../plan/component.ts";
import { resolveFunc, signatureOf } from "../plan/signatures.ts";
import { visitNamedFunctions } from "../wasm/named-functions.ts";
import {
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  type FuncType,
  funcTypeName,
  I32,
  I64,
  V128,
  type ValType,
} from "../wasm/types.ts";
import { CScope, cIdentifier, isReservedWord } from "./names.ts";

/** A member of the structure of imports. `offset` is in bytes, from its beginning. */
export type CoreMember = { readonly name: string; readonly label: string; readonly offset: number } & (
  | { readonly kind: "func"; readonly hostIndex: number; readonly type: FuncType }
  | { readonly kind: "global"; readonly index: GlobalIndex; readonly type: ValType }
);

/** What comes from one module name: a structure in the structure. */
export interface CoreGroup {
  readonly name: string;
  readonly label: string;
  readonly members: readonly CoreMember[];
}

interface Named {
  /** Without the prefix. */
  readonly name: string;
  /** As the module calls it. */
  readonly label: string;
}

export interface CoreFunction extends Named {
  readonly func: CoreFunc;
  readonly type: FuncType;
}

/** `<name>` gives where it is, `<name>_grow` makes it larger. */
export interface CoreMemory extends Named {
  readonly index: MemoryIndex;
}

/** `<name>_size`, `<name>_get`, `<name>_set`, `<name>_grow`. */
export interface CoreTable extends Named {
  readonly index: TableIndex;
}

/** `<name>_get`, and `<name>_set` if it is mutable. */
export interface CoreGlobal extends Named {
  readonly index: GlobalIndex;
}

/** A call through a function reference of one signature. */
export interface CoreCall extends Named {
  readonly signature: SignatureIndex;
  readonly type: FuncType;
}

export interface CoreApi {
  readonly groups: readonly CoreGroup[];
  /** Of the structure of imports; 0 when there is none. */
  readonly importsSize: number;
  readonly functions: readonly CoreFunction[];
  readonly memories: readonly CoreMemory[];
  readonly tables: readonly CoreTable[];
  readonly globals: readonly CoreGlobal[];
  /** Empty when the host never sees a function reference. */
  readonly calls: readonly CoreCall[];
  /** Whether function references cross the boundary. */
  readonly references: boolean;
}

/** Offset of the pointer that every host function gets, in the structure of imports. */
export const CORE_DATA = 0;
const POINTER = 8;

/** How a value is held in C: size in bytes; it is aligned to that, a vector to 8. */
export function cSizeOf(type: ValType): number {
  switch (type) {
    case I32:
    case F32:
      return 4;
    case I64:
    case F64:
      return 8;
    case V128:
      return 16;
    case FUNCREF:
    case EXTERNREF:
      return REFERENCE_SIZE;
    default:
      throw new RangeError(`type ${type} has no form in C`);
  }
}

const alignUp = (value: number, alignment: number): number => Math.ceil(value / alignment) * alignment;

/** A name of the module as a part of an identifier. */
export function coreIdentifier(name: string): string {
  const ascii = name.replace(/\P{ASCII}/gu, (c) => `u${(c.codePointAt(0) ?? 0).toString(16)}`);
  return cIdentifier(ascii) || "unnamed";
}

/** A member of a structure: no reserved word, no leading digit. */
function memberName(names: CScope, label: string): string {
  const base = coreIdentifier(label);
  return names.number(isReservedWord(base) || !/^[A-Za-z]/.test(base) ? `f_${base}` : base);
}

function describeImports(component: Component): Pick<CoreApi, "groups" | "importsSize"> {
  const groups = new Map<string, { readonly name: string; readonly members: (readonly [string, CoreItem])[] }>();
  const groupNames = new CScope(["data"]);
  for (const { module, name, item } of component.core?.imports ?? []) {
    if (item.kind !== "func" && item.kind !== "global") continue;
    let group = groups.get(module);
    if (group === undefined) {
      group = { name: memberName(groupNames, module), members: [] };
      groups.set(module, group);
    }
    group.members.push([name, item]);
  }
  let at = CORE_DATA + POINTER;
  let hostIndex = 0;
  const hostIndices = new Map<CoreItem, number>();
  for (const { item } of component.core?.imports ?? []) if (item.kind === "func") hostIndices.set(item, hostIndex++);
  const made = [...groups].map(([label, { name, members }]): CoreGroup => {
    const names = new CScope([]);
    const sizeOf = (item: CoreItem): number =>
      item.kind === "global" ? cSizeOf(component.globals.get(item.index).type.type) : POINTER;
    const alignment = members.reduce((most, [, item]) => Math.max(most, Math.min(sizeOf(item), POINTER)), 1);
    at = alignUp(at, alignment);
    const placed = members.map(([field, item]): CoreMember => {
      const size = sizeOf(item);
      const offset = alignUp(at, Math.min(size, POINTER));
      at = offset + size;
      const common = { name: memberName(names, field), label: field, offset };
      if (item.kind === "func") {
        return { ...common, kind: "func", hostIndex: hostIndices.get(item) ?? -1, type: item.type };
      }
      if (item.kind !== "global") throw new RangeError("only functions and globals are members");
      return { ...common, kind: "global", index: item.index, type: component.globals.get(item.index).type.type };
    });
    at = alignUp(at, alignment);
    return { name, label, members: placed };
  });
  return { groups: made, importsSize: made.length === 0 ? 0 : alignUp(at, POINTER) };
}

/** Functions that a reference may lead to: of element segments, initial values, and exports. */
function referenced(component: Component): readonly CoreFunc[] {
  const found: CoreFunc[] = [];
  for (const [index, { module }] of component.instances.entries()) {
    visitNamedFunctions(component.modules.get(module).module, (func) => {
      found.push(resolveFunc(component, index, func));
    });
  }
  for (const { item } of component.core?.exports ?? []) if (item.kind === "func") found.push(item.func);
  return found;
}

const inC = (type: ValType): boolean => [I32, I64, F32, F64, V128, FUNCREF, EXTERNREF].includes(type);

function describeCalls(component: Component, names: CScope): CoreCall[] {
  const seen = new Set<SignatureIndex>();
  for (const func of referenced(component)) {
    const signature = signatureOf(component, func);
    if (signature !== undefined) seen.add(signature);
  }
  return [...seen].flatMap((signature): CoreCall[] => {
    const type = component.signatures.get(signature);
    if (![...type.params, ...type.results].every(inC)) return [];
    const words = (types: readonly ValType[]): string[] => types.map(shortName);
    const to = type.results.length === 0 ? [] : ["to", ...words(type.results)];
    const all = [...words(type.params), ...to];
    const name = names.number(["call", ...(all.length === 0 ? ["void"] : all)].join("_"));
    return [{ name, label: funcTypeName(type), signature, type }];
  });
}

function shortName(type: ValType): string {
  switch (type) {
    case I32:
      return "i32";
    case I64:
      return "i64";
    case F32:
      return "f32";
    case F64:
      return "f64";
    case V128:
      return "v128";
    default:
      return type === FUNCREF ? "funcref" : "externref";
  }
}

const SUFFIXES = {
  func: [""],
  memory: ["", "_grow"],
  table: ["_size", "_get", "_set", "_grow"],
  global: ["_get", "_set"],
} as const;

/** `taken`: what means something else behind the prefix. */
export function describeCoreApi(component: Component, taken: Iterable<string>): CoreApi {
  const { core } = component;
  if (core === undefined) throw new WindlassError({ kind: "usage", message: "the input is no core module" });
  const names = new CScope(taken);
  const exported = new Set(core.exports.map(({ item }) => `${item.kind}${"index" in item ? item.index : ""}`));
  /** What the host reaches: exports, and imports that are not exported as well. */
  const of = <K extends CoreItem["kind"]>(
    kind: K,
  ): { label: string; base: string; item: Extract<CoreItem, { kind: K }> }[] => {
    const is = (item: CoreItem): item is Extract<CoreItem, { kind: K }> => item.kind === kind;
    const all: { label: string; base: string; item: Extract<CoreItem, { kind: K }> }[] = [];
    for (const { name, item } of core.exports)
      if (is(item)) all.push({ label: name, base: coreIdentifier(name), item });
    for (const { module, name, item } of core.imports) {
      if (!is(item) || !("index" in item) || exported.has(`${kind}${item.index}`)) continue;
      all.push({ label: `${module} ${name}`, base: `${coreIdentifier(module)}_${coreIdentifier(name)}`, item });
    }
    return all;
  };
  const named = <K extends "func" | "memory" | "table" | "global">(kind: K) =>
    of(kind).map(({ label, base, item }) => ({ label, name: names.number(base, SUFFIXES[kind]), item }));

  const functions = named("func").map(({ label, name, item }) => ({ label, name, func: item.func, type: item.type }));
  const memories = named("memory").map(({ label, name, item }) => ({ label, name, index: item.index }));
  const tables = named("table").map(({ label, name, item }) => ({ label, name, index: item.index }));
  const globals = named("global").map(({ label, name, item }) => ({ label, name, index: item.index }));
  const imports = describeImports(component);
  const types: ValType[] = [
    ...functions.flatMap(({ type }) => [...type.params, ...type.results]),
    ...imports.groups
      .flatMap((g) => g.members)
      .flatMap((m) => (m.kind === "func" ? [...m.type.params, ...m.type.results] : [m.type])),
    ...globals.map(({ index }) => component.globals.get(index).type.type),
    ...tables.map(({ index }) => component.tables.get(index).type.element),
  ];
  const references = types.includes(FUNCREF);
  const calls = references ? describeCalls(component, names) : [];
  return { ...imports, functions, memories, tables, globals, calls, references };
}
