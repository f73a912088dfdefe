/**
 * The binary of a module tree, in one of two forms: what is compiled, and what the other engine runs. The second has functions in place of
 * operators that the engine does not know, and may count: a global for each opcode of interest is set when the opcode is executed.
 */

import { ByteWriter } from "../../src/base/bytes.ts";
import { PREFIX_FB, PREFIX_FC, PREFIX_FD, PREFIX_FE } from "../../src/wasm/opcodes.ts";
import { codeOf } from "./operators.ts";
import { WIDE_ARITHMETIC } from "./substitutes.ts";
import {
  type Expr,
  type FuncTree,
  heapType,
  type Immediate,
  type Label,
  type MemoryTree,
  type ModuleTree,
  ON_STACK,
  type TableTree,
  type Types,
  valueType,
} from "./tree.ts";

/** Something refers to what is not there (any more). */
export class DanglingReference extends Error {}

export function varU64(w: ByteWriter, value: bigint): void {
  let v = value;
  while (v >= 0x80n) {
    w.u8(Number(v & 0x7fn) | 0x80);
    v >>= 7n;
  }
  w.u8(Number(v));
}

export function varS64(w: ByteWriter, value: bigint): void {
  let v = BigInt.asIntN(64, value);
  for (;;) {
    const byte = Number(v & 0x7fn);
    v >>= 7n;
    if ((v === 0n && (byte & 0x40) === 0) || (v === -1n && (byte & 0x40) !== 0)) {
      w.u8(byte);
      return;
    }
    w.u8(byte | 0x80);
  }
}

function writeOpcode(w: ByteWriter, code: number): void {
  if (code < PREFIX_FB) w.u8(code);
  else if (code < PREFIX_FC) prefixed(w, 0xfb, code - PREFIX_FB);
  else if (code < PREFIX_FE) prefixed(w, 0xfc, code - PREFIX_FC);
  else if (code < PREFIX_FD) prefixed(w, 0xfe, code - PREFIX_FE);
  else prefixed(w, 0xfd, code - PREFIX_FD);
}

function prefixed(w: ByteWriter, prefix: number, code: number): void {
  w.u8(prefix);
  w.varU32(code);
}

/** How many operators of each opcode were written. */
export class Census {
  readonly counts = new Float64Array(0x400);
  functions = 0;
  instructions = 0;

  see(code: number): void {
    this.counts[code] = (this.counts[code] ?? 0) + 1;
    this.instructions++;
  }
}

/** For the other engine. */
export interface EngineForm {
  /** Opcodes to be counted: each has a global with the name `@` and the opcode. */
  readonly watched: readonly number[];
}

const ELSE = 0x05;
const END = 0x0b;
const CALL = 0x10;

class Encoder {
  readonly #module: ModuleTree;
  readonly #types: string[];
  readonly #typeOf = new Map<string, number>();
  readonly #functionOf = new Map<FuncTree, number>();
  readonly #labels: Label[] = [];
  readonly #census: Census | undefined;
  readonly #watched: readonly number[];
  /** Opcode → global; 0 is none: global 0 is the fuel. */
  readonly #counters = new Uint16Array(0x400);
  readonly #functions: readonly FuncTree[];
  /** Opcode → the function that stands for it. */
  readonly #substitutes = new Map<number, FuncTree>();

  constructor(module: ModuleTree, census: Census | undefined, engine: EngineForm | undefined) {
    this.#module = module;
    this.#census = census;
    this.#types = module.types.map((_, i) => `declared ${i}`);
    this.#functions = module.functions;
    if (engine !== undefined) {
      this.#functions = [...module.functions, ...WIDE_ARITHMETIC.map((w) => w.func)];
      for (const { name, func } of WIDE_ARITHMETIC) this.#substitutes.set(codeOf(name), func);
    }
    this.#watched = engine?.watched ?? [];
    this.#watched.forEach((code, i) => {
      this.#counters[code] = module.globals.length + i;
    });
    this.#functions.forEach((func, i) => {
      this.#functionOf.set(func, i);
    });
  }

  #type(params: Types, results: Types): number {
    const key = `${params}:${results}`;
    let index = this.#typeOf.get(key);
    if (index === undefined) {
      index = this.#types.push(key) - 1;
      this.#typeOf.set(key, index);
    }
    return index;
  }

  #function(func: FuncTree): number {
    const index = this.#functionOf.get(func);
    if (index === undefined) throw new DanglingReference("function");
    return index;
  }

  #depth(label: Label): number {
    const at = this.#labels.lastIndexOf(label);
    if (at < 0) throw new DanglingReference("label");
    return this.#labels.length - 1 - at;
  }

  module(): Uint8Array {
    const m = this.#module;
    const code = this.#section((w) => {
      w.varU32(this.#functions.length);
      for (const func of this.#functions) this.#sized(w, (inner) => this.#body(inner, func));
    });
    const functions = this.#section((w) => {
      w.varU32(this.#functions.length);
      for (const { params, results, declared } of this.#functions) w.varU32(declared ?? this.#type(params, results));
    });
    const tags = this.#section((w) => {
      w.varU32(m.tags.length);
      for (const types of m.tags) {
        w.u8(0);
        w.varU32(this.#type(types, ""));
      }
    });
    const out = new ByteWriter(4096);
    out.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const put = (id: number, fill: (w: ByteWriter) => void): void => {
      const bytes = this.#section(fill);
      out.u8(id);
      out.varU32(bytes.length);
      out.bytes(bytes);
    };
    put(1, (w) => this.#typeSection(w));
    put(3, (w) => w.bytes(functions));
    put(4, (w) => this.#tableSection(w));
    put(5, (w) => {
      w.varU32(m.memories.length);
      for (const memory of m.memories) this.#limits(w, memory);
    });
    if (m.tags.length > 0) put(13, (w) => w.bytes(tags));
    put(6, (w) => this.#globalSection(w));
    put(7, (w) => this.#exportSection(w));
    if (m.start !== undefined) {
      const start = this.#function(m.start);
      put(8, (w) => w.varU32(start));
    }
    put(9, (w) => this.#elementSection(w));
    put(12, (w) => w.varU32(m.data.length));
    put(10, (w) => w.bytes(code));
    put(11, (w) => this.#dataSection(w));
    return out.toBytes();
  }

  #section(fill: (w: ByteWriter) => void): Uint8Array {
    const w = new ByteWriter(256);
    fill(w);
    return w.toBytes();
  }

  #sized(w: ByteWriter, fill: (w: ByteWriter) => void): void {
    const bytes = this.#section(fill);
    w.varU32(bytes.length);
    w.bytes(bytes);
  }

  #typeSection(w: ByteWriter): void {
    const { types } = this.#module;
    w.varU32(this.#types.length);
    for (const { params, results, supertype, final } of types) {
      // `sub final` without supertypes is the same type as a plain one.
      if (!final || supertype !== undefined) {
        w.u8(final ? 0x4f : 0x50);
        w.u8(supertype === undefined ? 0 : 1);
        if (supertype !== undefined) w.varU32(supertype);
      }
      this.#functionType(w, params, results);
    }
    for (const type of this.#types.slice(types.length)) {
      const [params = "", results = ""] = type.split(":");
      this.#functionType(w, params, results);
    }
  }

  #functionType(w: ByteWriter, params: Types, results: Types): void {
    w.u8(0x60);
    this.#valueTypes(w, params);
    this.#valueTypes(w, results);
  }

  #valueTypes(w: ByteWriter, types: Types): void {
    w.varU32(types.length);
    for (const t of types) w.bytes(Uint8Array.from(valueType(t)));
  }

  #limits(w: ByteWriter, { min, max, is64 }: MemoryTree | TableTree): void {
    w.u8((max === undefined ? 0 : 1) | (is64 ? 4 : 0));
    w.varU32(min);
    if (max !== undefined) w.varU32(max);
  }

  #tableSection(w: ByteWriter): void {
    const { tables } = this.#module;
    w.varU32(tables.length);
    for (const table of tables) {
      if (table.init !== undefined) {
        w.u8(0x40);
        w.u8(0);
      }
      w.bytes(Uint8Array.from(valueType(table.type)));
      this.#limits(w, table);
      if (table.init !== undefined) this.#constant(w, table.init);
    }
  }

  #constant(w: ByteWriter, expr: Expr): void {
    this.#expr(w, expr, undefined, false);
    w.u8(END);
  }

  #globalSection(w: ByteWriter): void {
    const { globals } = this.#module;
    w.varU32(globals.length + this.#watched.length);
    for (const { type, mutable, init } of globals) {
      w.bytes(Uint8Array.from(valueType(type)));
      w.u8(mutable ? 1 : 0);
      this.#constant(w, init);
    }
    for (let i = 0; i < this.#watched.length; i++) w.bytes(Uint8Array.of(0x7f, 1, 0x41, 0, END));
  }

  #exportSection(w: ByteWriter): void {
    const m = this.#module;
    const rows: [string, number, number][] = m.exports.map(({ name, func }) => [name, 0, this.#function(func)]);
    m.memories.forEach((_, i) => {
      rows.push([`m${i}`, 2, i]);
    });
    m.globals.forEach((g, i) => {
      if (g.export !== undefined) rows.push([g.export, 3, i]);
    });
    this.#watched.forEach((code, i) => {
      rows.push([`@${code}`, 3, m.globals.length + i]);
    });
    w.varU32(rows.length);
    for (const [name, kind, index] of rows) {
      const bytes = new TextEncoder().encode(name);
      w.varU32(bytes.length);
      w.bytes(bytes);
      w.u8(kind);
      w.varU32(index);
    }
  }

  #elementSection(w: ByteWriter): void {
    w.varU32(this.#module.elements.length);
    for (const { mode, table, offset, type, items } of this.#module.elements) {
      // With expressions: null may be among them.
      w.varU32(mode === "active" ? 6 : mode === "passive" ? 5 : 7);
      if (mode === "active") {
        w.varU32(table);
        this.#constant(w, offset);
      }
      w.bytes(Uint8Array.from(valueType(type)));
      w.varU32(items.length);
      for (const item of items) {
        if (item === undefined) {
          w.u8(0xd0);
          w.bytes(Uint8Array.from(heapType(type)));
        } else {
          w.u8(0xd2);
          w.varU32(this.#function(item));
        }
        w.u8(END);
      }
    }
  }

  #dataSection(w: ByteWriter): void {
    w.varU32(this.#module.data.length);
    for (const { offset, memory, bytes } of this.#module.data) {
      w.varU32(offset === undefined ? 1 : memory === 0 ? 0 : 2);
      if (offset !== undefined) {
        if (memory > 0) w.varU32(memory);
        this.#constant(w, offset);
      }
      w.varU32(bytes.length);
      w.bytes(Uint8Array.from(bytes));
    }
  }

  #body(w: ByteWriter, func: FuncTree): void {
    if (this.#census !== undefined) this.#census.functions++;
    const runs: [string, number][] = [];
    for (const t of func.locals) {
      const last = runs.at(-1);
      if (last !== undefined && last[0] === t) last[1]++;
      else runs.push([t, 1]);
    }
    w.varU32(runs.length);
    for (const [t, count] of runs) {
      w.varU32(count);
      w.bytes(Uint8Array.from(valueType(t)));
    }
    for (const expr of func.body) this.#expr(w, expr, this.#census, true);
    w.u8(END);
  }

  #count(w: ByteWriter, code: number): void {
    const counter = this.#counters[code] ?? 0;
    if (counter === 0) return;
    w.u8(0x41);
    w.u8(1);
    w.u8(0x24);
    w.varU32(counter);
  }

  #expr(w: ByteWriter, expr: Expr, census: Census | undefined, counted: boolean): void {
    for (const kid of expr.kids) this.#expr(w, kid, census, counted);
    const { code, bodies, label } = expr;
    if (code === ON_STACK) return;
    census?.see(code);
    if (counted) this.#count(w, code);
    const substitute = this.#substitutes.get(code);
    if (substitute !== undefined) {
      w.u8(CALL);
      w.varU32(this.#function(substitute));
      return;
    }
    writeOpcode(w, code);
    for (const immediate of expr.immediates) this.#immediate(w, immediate);
    if (bodies === undefined) return;
    if (label !== undefined) this.#labels.push(label);
    bodies.forEach((body, i) => {
      if (i > 0) {
        census?.see(ELSE);
        w.u8(ELSE);
        if (counted) this.#count(w, ELSE);
      }
      for (const inner of body) this.#expr(w, inner, census, counted);
    });
    census?.see(END);
    w.u8(END);
    if (counted) this.#count(w, END);
    if (label !== undefined) this.#labels.pop();
  }

  #immediate(w: ByteWriter, immediate: Immediate): void {
    switch (immediate.kind) {
      case "bytes":
        for (const byte of immediate.bytes) w.u8(byte);
        return;
      case "u32":
        w.varU32(immediate.value);
        return;
      case "label":
        w.varU32(this.#depth(immediate.label));
        return;
      case "labels":
        w.varU32(immediate.labels.length - 1);
        for (const label of immediate.labels) w.varU32(this.#depth(label));
        return;
      case "func":
        w.varU32(this.#function(immediate.func));
        return;
      case "type":
        w.varU32(immediate.declared ?? this.#type(immediate.params, immediate.results));
        return;
      case "block": {
        const { params, results } = immediate;
        if (params === "" && results.length === 0) w.u8(0x40);
        else if (params === "" && results.length === 1) w.bytes(Uint8Array.from(valueType(results)));
        else w.varS32(this.#type(params, results));
        return;
      }
      case "catches":
        w.varU32(immediate.clauses.length);
        for (const { tag, byReference, label } of immediate.clauses) {
          w.u8((tag === undefined ? 2 : 0) + (byReference ? 1 : 0));
          if (tag !== undefined) w.varU32(tag);
          w.varU32(this.#depth(label));
        }
        return;
      case "memarg":
        w.varU32(immediate.align | (immediate.memory > 0 ? 0x40 : 0));
        if (immediate.memory > 0) w.varU32(immediate.memory);
        varU64(w, immediate.offset);
        return;
    }
  }
}

/** The binary. Throws `DanglingReference`. */
export function encodeTree(module: ModuleTree, census?: Census): Uint8Array {
  return new Encoder(module, census, undefined).module();
}

/** The binary for the other engine. Throws `DanglingReference`. */
export function encodeForEngine(module: ModuleTree, form: EngineForm): Uint8Array {
  return new Encoder(module, undefined, form).module();
}
