/** What the bodies of one core instance ask again and again, worked out once: its memories, tables, globals and functions. */

import type { Signature, Type } from "../../ir/types.ts";
import { MemoryDefinition, TableDefinition } from "../../layout/offsets.ts";
import type {
  CoreFunc,
  CoreInstance,
  MemoryIndex,
  SignatureIndex,
  StaticModule,
  TableIndex,
} from "../../plan/component.ts";
import { funcTypeAt, functionType, type Module } from "../../wasm/module.ts";
import { type FuncType, isRef, type ValType } from "../../wasm/types.ts";
import type { FunctionEnvironment } from "../environment.ts";
import { irType } from "../signatures.ts";
import { type ConstValue, functionSignature, resolveFunction } from "./constants.ts";
import type { TagView } from "./exceptions.ts";
import type { TableFacts } from "./facts.ts";

export interface MemoryView {
  readonly index: MemoryIndex;
  /** Displacement of its first byte from the context. */
  readonly displacement: number;
  /** Displacement of its current length (u64, bytes). */
  readonly length: number;
  readonly guarded: boolean;
  readonly is64: boolean;
  readonly shared: boolean;
  readonly pageSizeLog2: number;
  /** It is never shorter than this many bytes. */
  readonly minBytes: number;
  /** It never has more bytes than this. */
  readonly maxBytes: number;
  /** Its length in bytes when it never changes. */
  readonly fixedBytes: number | undefined;
}

export interface TableView {
  readonly index: TableIndex;
  readonly displacement: number;
  /** Displacement of its current length (u64, elements). */
  readonly length: number;
  readonly is64: boolean;
  readonly minElements: number;
  /** It never has more elements than this. */
  readonly maxElements: number;
  /** Its length when it never changes. */
  readonly size: number | undefined;
  readonly facts: TableFacts | undefined;
}

export interface GlobalView {
  readonly displacement: number;
  readonly type: Type;
  readonly isRef: boolean;
  /** Not written by any code. */
  readonly constant: boolean;
  readonly value: ConstValue | undefined;
}

/** A block's or function's type. */
export interface OperandTypes {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

/** Thrown errors are `RangeError`s: the module has passed the validator, so an index that doesn't exist is our fault. */
export class InstanceView {
  readonly env: FunctionEnvironment;
  readonly plan: CoreInstance;
  readonly staticModule: StaticModule;
  readonly module: Module;
  readonly #memories: (MemoryView | undefined)[] = [];
  readonly #tables: (TableView | undefined)[] = [];
  readonly #globals: (GlobalView | undefined)[] = [];
  readonly #functions: (CoreFunc | undefined)[] = [];
  readonly #callees: (CoreFunc | undefined)[] = [];
  readonly #signatures: (Signature | undefined)[] = [];
  readonly #types: (OperandTypes | undefined)[] = [];
  readonly #valueBlocks = new Map<ValType, OperandTypes>();

  constructor(env: FunctionEnvironment) {
    this.env = env;
    this.plan = env.component.instances.get(env.instance);
    this.staticModule = env.component.modules.get(this.plan.module);
    this.module = this.staticModule.module;
  }

  memory(index: number): MemoryView {
    const known = this.#memories[index];
    if (known !== undefined) return known;
    const { env } = this;
    const key = at(this.plan.memories, index, "memory");
    const { type, style, maxBytes } = env.component.memories.get(key);
    const fixedBytes = env.facts.memories[key];
    const view: MemoryView = {
      index: key,
      displacement: env.offsets.memory(key),
      length: env.offsets.memoryDefinition(key) + MemoryDefinition.currentLength,
      // A guard begins at a multiple of the machine's page.
      guarded: style === "guarded" && !type.is64 && type.pageSizeLog2 >= 12,
      is64: type.is64,
      shared: type.shared,
      pageSizeLog2: type.pageSizeLog2,
      minBytes: Math.min(type.min * 2 ** type.pageSizeLog2, maxBytes),
      maxBytes,
      fixedBytes,
    };
    this.#memories[index] = view;
    return view;
  }

  table(index: number): TableView {
    const known = this.#tables[index];
    if (known !== undefined) return known;
    const { env } = this;
    const key = at(this.plan.tables, index, "table");
    const { type, maxElements } = env.component.tables.get(key);
    const facts = env.facts.tables[key];
    const view: TableView = {
      index: key,
      displacement: env.offsets.table(key),
      length: env.offsets.tableDefinition(key) + TableDefinition.currentLength,
      is64: type.is64,
      minElements: type.min,
      maxElements,
      size: facts?.size,
      facts,
    };
    this.#tables[index] = view;
    return view;
  }

  global(index: number): GlobalView {
    const known = this.#globals[index];
    if (known !== undefined) return known;
    const { env } = this;
    const key = at(this.plan.globals, index, "global");
    const { type } = env.component.globals.get(key);
    const view: GlobalView = {
      displacement: env.offsets.global(key),
      type: irType(type.type),
      isRef: isRef(type.type),
      constant: !type.mutable,
      value: env.facts.globals[key],
    };
    this.#globals[index] = view;
    return view;
  }

  tag(index: number): TagView {
    const type = this.module.tags[index]?.type.type ?? -1;
    return { tag: at(this.plan.tags, index, "tag"), params: this.types(type).params };
  }

  /** Function `index`, imports resolved. */
  func(index: number): CoreFunc {
    let known = this.#functions[index];
    if (known === undefined) {
      known = resolveFunction(this.env.component, this.env.instance, index);
      this.#functions[index] = known;
    }
    return known;
  }

  /** What a call of function `index` may call instead. */
  callee(index: number): CoreFunc {
    let known = this.#callees[index];
    if (known === undefined) {
      known = this.env.facts.callee(this.func(index));
      this.#callees[index] = known;
    }
    return known;
  }

  funcType(index: number): FuncType {
    return functionType(this.module, index);
  }

  /** The signature that a reference to function `index` carries. */
  funcSignature(index: number): SignatureIndex {
    return functionSignature(this.env.component, this.env.instance, index);
  }

  /** The number of type `typeIndex` among the signatures of the plan. */
  signatureIndex(typeIndex: number): SignatureIndex {
    return at(this.staticModule.signatures, typeIndex, "function type");
  }

  /** The IR signature of type `typeIndex`. */
  signature(typeIndex: number): Signature {
    let known = this.#signatures[typeIndex];
    if (known === undefined) {
      known = this.env.signature(funcTypeAt(this.module, typeIndex));
      this.#signatures[typeIndex] = known;
    }
    return known;
  }

  /** Parameters and results of type `typeIndex`, without the context. */
  types(typeIndex: number): OperandTypes {
    let known = this.#types[typeIndex];
    if (known === undefined) {
      const type = funcTypeAt(this.module, typeIndex);
      known = { params: type.params.map(irType), results: type.results.map(irType) };
      this.#types[typeIndex] = known;
    }
    return known;
  }

  /** A block type that is one result. */
  valueBlock(result: ValType): OperandTypes {
    let known = this.#valueBlocks.get(result);
    if (known === undefined) {
      known = { params: [], results: [irType(result)] };
      this.#valueBlocks.set(result, known);
    }
    return known;
  }

  /** The type of a local. */
  localType(type: ValType): Type {
    return irType(type);
  }
}

function at<T>(list: readonly (T | undefined)[], index: number, what: string): T {
  const item = list[index];
  if (item === undefined) throw new RangeError(`no ${what} ${index}`);
  return item;
}

/** A feature that is refused by name: the translator adds the offset and the function's path. */
export class UnsupportedFeature extends Error {}

export function unsupportedFeature(feature: string, what: string): UnsupportedFeature {
  return new UnsupportedFeature(`${what} is not supported (feature ${feature})`);
}
