/** Instantiates a test plan in an address space and calls its functions through the interpreter. */

import { entity } from "../../src/base/entity.ts";
import {
  type ConstValue,
  evaluateConst,
  functionSignature,
  resolveFunction,
} from "../../src/frontend/wasm/constants.ts";
import { FunctionTranslator } from "../../src/frontend/wasm/translate.ts";
import type { Func } from "../../src/ir/function.ts";
import type { Signature } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { ExceptionState, PAGE_SIZE } from "../../src/layout/offsets.ts";
import type { Component, CoreFunc, CoreInstanceIndex, MemoryIndex, TableIndex } from "../../src/plan/component.ts";
import { type ConstExpr, type ElementSegment, NULL_FUNCTION } from "../../src/wasm/module.ts";
import { TestProgram } from "./environment.ts";
import { interpret, requireSignature, Space, TailCall, TrapError, WasmException, type World } from "./interpreter.ts";

/** The context is here. */
const CONTEXT = 0x1000_0000_0000;
const TEXT = 0x20_0000;
const FUNCTION_STRIDE = 16;
const DATA = 0x4000_0000;
const DATA_STRIDE = 0x100_0000;
const STACK = 0x7000_0000;

/** Upper half of a reference to an exception. */
const EXCEPTION = 0xe8cen;

/** Blocks that one call from outside may run. */
const FUEL = 20_000;

export class Machine implements World {
  readonly program: TestProgram;
  fuel = FUEL;
  /** Of SSA construction; below 0 locals are kept in memory wherever there are any. */
  budget: number | undefined;
  readonly space: Space;
  readonly textBase = BigInt(TEXT);
  readonly #component: Component;
  readonly #funcs = new Map<number, Func>();
  readonly #translators = new Map<CoreInstanceIndex, FunctionTranslator>();
  readonly #core = new Map<string, CoreFunc>();
  readonly #host: (index: number, args: readonly bigint[]) => readonly bigint[];
  readonly #data = new Map<number, Uint8Array>();
  readonly #exceptions: { readonly status: number; readonly payload: readonly bigint[] }[] = [];
  /** The reference that the exception at hand has, or 0. */
  #caught = 0n;

  constructor(component: Component, host: (index: number, args: readonly bigint[]) => readonly bigint[] = () => []) {
    this.#component = component;
    this.program = new TestProgram(component);
    this.#host = host;
    this.space = new Space((address, size) => this.#isMapped(address, size));
    for (const [index, { module }] of component.instances.entries()) {
      const { functions } = component.modules.get(module).module;
      for (let f = 0; f < functions.length; f++) {
        const func = resolveFunction(component, index, f);
        this.#core.set(this.program.nameOf(func), func);
      }
    }
  }

  #isMapped(address: number, size: number): boolean {
    const { offsets } = this.program;
    const end = address + size - CONTEXT;
    const start = address - CONTEXT;
    if (start < 0) return address >= DATA && address + size < STACK + 0x8000_0000;
    if (end <= offsets.eagerSize) return true;
    for (const [index] of this.#component.tables.entries()) {
      const base = offsets.table(index);
      if (start >= base && end <= base + 8 * this.tableLength(index)) return true;
    }
    for (const [index] of this.#component.memories.entries()) {
      const base = offsets.memory(index);
      // Guarded memories end where the machine's page ends.
      const length = this.memoryLength(index);
      if (start >= base && end <= base + Math.ceil(length / PAGE_SIZE) * PAGE_SIZE) return true;
    }
    return false;
  }

  get #payload(): number {
    return CONTEXT + this.program.offsets.exceptionState + ExceptionState.payload;
  }

  memoryLength(memory: MemoryIndex): number {
    return Number(this.space.read(CONTEXT + this.program.offsets.memoryDefinition(memory) + 8, 8));
  }

  #setMemoryLength(memory: MemoryIndex, bytes: number): void {
    this.space.write(CONTEXT + this.program.offsets.memoryDefinition(memory) + 8, 8, BigInt(bytes));
  }

  tableLength(table: TableIndex): number {
    return Number(this.space.read(CONTEXT + this.program.offsets.tableDefinition(table), 8));
  }

  memoryAddress(memory: MemoryIndex): number {
    return CONTEXT + this.program.offsets.memory(memory);
  }

  /** All of the plan's instances in order, start functions included. */
  instantiate(): void {
    const { offsets } = this.program;
    const component = this.#component;
    const values: (ConstValue | undefined)[] = [];
    for (const { instance } of component.initializers) {
      const { module: staticModule, memories, tables, globals } = component.instances.get(instance);
      const { module } = component.modules.get(staticModule);
      const evaluate = (expr: ConstExpr): ConstValue => {
        const value = evaluateConst(component, instance, expr, values);
        if (value === undefined) throw new Error("unknown constant");
        return value;
      };
      module.globals.forEach((global, g) => {
        const index = globals[g];
        if (global.init === undefined || index === undefined) return;
        const value = evaluate(global.init);
        values[index] = value;
        this.space.write(CONTEXT + offsets.global(index), 8, this.#bits(value));
      });
      module.memories.forEach((memory, m) => {
        const index = memories[m];
        if (m < module.importedMemories || index === undefined) return;
        this.#setMemoryLength(index, memory.type.min * 2 ** memory.type.pageSizeLog2);
      });
      module.tables.forEach((table, t) => {
        const index = tables[t];
        if (t < module.importedTables || index === undefined) return;
        this.space.write(CONTEXT + offsets.tableDefinition(index), 8, BigInt(table.type.min));
        if (table.init === undefined) return;
        const value = this.#bits(evaluate(table.init));
        for (let i = 0; i < table.type.min; i++) this.space.write(CONTEXT + offsets.table(index) + 8 * i, 8, value);
      });
      module.data.forEach((segment, s) => {
        const bytes = module.bytes.subarray(segment.start, segment.end);
        this.#data.set(this.program.dataSymbol(`data ${s} of ${instance}`), bytes);
        if (segment.mode.kind === "passive") {
          this.space.write(CONTEXT + this.program.segmentLength(instance, "data", s), 4, BigInt(bytes.length));
        }
      });
      const images = module.elements.map((segment, s) => {
        const references = this.#references(instance, segment, evaluate);
        const image = new Uint8Array(references.length * 8);
        new BigUint64Array(image.buffer).set(references);
        this.#data.set(this.program.dataSymbol(`elements ${s} of ${instance}`), image);
        if (segment.mode.kind === "passive") {
          this.space.write(CONTEXT + this.program.segmentLength(instance, "element", s), 4, BigInt(references.length));
        }
        return image;
      });
      module.elements.forEach((segment, s) => {
        if (segment.mode.kind !== "active") return;
        const table = tables[segment.mode.index];
        const image = images[s];
        if (table === undefined || image === undefined) throw new Error("no table");
        const at = Number(this.#bits(evaluate(segment.mode.offset)));
        if (at + image.length / 8 > this.tableLength(table)) throw new TrapError("table_out_of_bounds");
        this.#copyIn(CONTEXT + offsets.table(table) + 8 * at, image);
      });
      for (const segment of module.data) {
        if (segment.mode.kind !== "active") continue;
        const memory = memories[segment.mode.index];
        if (memory === undefined) throw new Error("no memory");
        const at = Number(this.#bits(evaluate(segment.mode.offset)));
        if (at + segment.end - segment.start > this.memoryLength(memory)) throw new TrapError("memory_out_of_bounds");
        this.#copyIn(this.memoryAddress(memory) + at, module.bytes.subarray(segment.start, segment.end));
      }
      this.#loadData();
      if (module.startFunction !== undefined)
        this.invoke(resolveFunction(component, instance, module.startFunction), []);
    }
  }

  #references(instance: CoreInstanceIndex, segment: ElementSegment, evaluate: (e: ConstExpr) => ConstValue): bigint[] {
    const { items } = segment;
    if (items.kind === "expressions") return items.expressions.map((e) => this.#bits(evaluate(e)));
    return Array.from(items.functions, (f) =>
      f === NULL_FUNCTION
        ? 0n
        : this.#bits({
            kind: "func",
            func: resolveFunction(this.#component, instance, f),
            signature: functionSignature(this.#component, instance, f),
          }),
    );
  }

  #bits(value: ConstValue): bigint {
    switch (value.kind) {
      case "null":
        return 0n;
      case "number":
        return (BigInt(value.hi >>> 0) << 32n) | BigInt(value.lo >>> 0);
      case "func": {
        const symbol = this.program.symbol(this.program.nameOf(value.func));
        return (BigInt(value.signature + 1) << 32n) | BigInt(symbol * FUNCTION_STRIDE);
      }
    }
  }

  #loadData(): void {
    for (const [symbol, bytes] of this.#data) this.#copyIn(DATA + symbol * DATA_STRIDE, bytes);
    this.#data.clear();
  }

  #copyIn(address: number, bytes: Uint8Array): void {
    for (const [i, byte] of bytes.entries()) this.space.write(address + i, 1, BigInt(byte));
  }

  functionAddress(symbol: number): bigint {
    return BigInt(TEXT + symbol * FUNCTION_STRIDE);
  }

  symbolAt(address: bigint): number | undefined {
    const symbol = (Number(address) - TEXT) / FUNCTION_STRIDE;
    return this.program.functions[symbol] === undefined ? undefined : symbol;
  }

  dataAddress(symbol: number): bigint {
    return BigInt(DATA + symbol * DATA_STRIDE);
  }

  /** Calls a core function, context added. */
  invoke(func: CoreFunc, args: readonly bigint[]): bigint[] {
    const symbol = this.program.symbol(this.program.nameOf(func));
    this.fuel = FUEL;
    return this.#run(symbol, [BigInt(CONTEXT), ...args], undefined, 0);
  }

  call(symbol: number, signature: Signature, args: readonly bigint[], depth: number): bigint[] {
    return this.#run(symbol, args, signature, depth);
  }

  /** The translation of function `symbol`, verified. */
  translated(symbol: number, func: CoreFunc & { kind: "wasm" }): Func {
    let known = this.#funcs.get(symbol);
    if (known === undefined) {
      let translator = this.#translators.get(func.instance);
      if (translator === undefined) {
        translator = new FunctionTranslator(this.program.environment(func.instance), this.budget);
        this.#translators.set(func.instance, translator);
      }
      known = translator.translate(func.func);
      const errors = verifyFunc(known);
      if (errors.length > 0) throw new Error(`${known.name}: ${errors.join("; ")}`);
      this.#funcs.set(symbol, known);
    }
    return known;
  }

  #run(symbol: number, args: readonly bigint[], signature: Signature | undefined, depth: number): bigint[] {
    let result = this.#step(symbol, args, signature, depth);
    while (result instanceof TailCall) result = this.#step(result.symbol, result.args, result.signature, depth);
    return result;
  }

  #step(symbol: number, args: readonly bigint[], signature: Signature | undefined, depth: number): bigint[] | TailCall {
    const name = this.program.functions[symbol] ?? "";
    const func = this.#core.get(name);
    if (func?.kind === "wasm") {
      const body = this.translated(symbol, func);
      if (signature !== undefined) requireSignature(body.signature, signature, name);
      return interpret(this, body, args, depth);
    }
    if (func?.kind === "lowered") return [...this.#host(func.index, args.slice(1))];
    return this.#support(name, args.slice(1).map(Number), args);
  }

  #support(name: string, args: readonly number[], raw: readonly bigint[]): bigint[] {
    const [x = 0, y = 0, z = 0] = args;
    if (name === "memory_copy") {
      const bytes = Array.from({ length: z }, (_, i) => this.space.read(y + i, 1));
      for (const [i, byte] of bytes.entries()) this.space.write(x + i, 1, byte);
      return [];
    }
    if (name === "memory_fill") {
      this.space.fill(x, y & 0xff, z);
      return [];
    }
    if (name === "table_fill") {
      for (let i = 0; i < z; i++) this.space.write(x + 8 * i, 8, raw[2] ?? 0n);
      return [];
    }
    if (name === "throw") {
      this.#caught = 0n;
      throw new WasmException(x);
    }
    if (name === "throw_ref") {
      const reference = raw[1] ?? 0n;
      const exception = this.#exceptions[Number(reference & 0xffff_ffffn)];
      if (exception === undefined || reference >> 32n !== EXCEPTION) throw new Error("no exception reference");
      for (const [i, word] of exception.payload.entries()) this.space.write(this.#payload + 8 * i, 8, word);
      this.#caught = reference;
      throw new WasmException(exception.status);
    }
    if (name === "exception_new" || name === "exception_capture") {
      if (name === "exception_capture" && this.#caught !== 0n) return [this.#caught];
      const words = (this.program.offsets.shape.exceptionPayload ?? 0) / 8;
      const payload = Array.from({ length: words }, (_, i) => this.space.read(this.#payload + 8 * i, 8));
      const reference = (EXCEPTION << 32n) | BigInt(this.#exceptions.push({ status: x, payload }) - 1);
      if (name === "exception_capture") this.#caught = reference;
      return [reference];
    }
    if (name.startsWith("memory_grow")) {
      const index = entity<MemoryIndex>(Number(name.slice("memory_grow".length)));
      const { type, maxBytes } = this.#component.memories.get(index);
      const before = this.memoryLength(index);
      const after = before + x * 2 ** type.pageSizeLog2;
      if (after > maxBytes) return [2n ** 64n - 1n];
      this.#setMemoryLength(index, after);
      return [BigInt(before / 2 ** type.pageSizeLog2)];
    }
    if (name.startsWith("table_grow")) {
      const index = entity<TableIndex>(Number(name.slice("table_grow".length)));
      const before = this.tableLength(index);
      if (before + x > this.#component.tables.get(index).maxElements) return [2n ** 64n - 1n];
      const at = CONTEXT + this.program.offsets.table(index);
      for (let i = 0; i < x; i++) this.space.write(at + 8 * (before + i), 8, raw[2] ?? 0n);
      this.space.write(CONTEXT + this.program.offsets.tableDefinition(index), 8, BigInt(before + x));
      return [BigInt(before)];
    }
    throw new Error(`no function ${name}`);
  }
}
