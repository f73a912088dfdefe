/**
 * A module as a tree, so that it can be cut down: operands are children, functions and labels are objects and get their numbers when the
 * module is encoded. A tree need not be valid; whoever changes one asks an engine.
 */

import { ByteWriter } from "../../src/base/bytes.ts";
import { PREFIX_FB, PREFIX_FC, PREFIX_FD, PREFIX_FE } from "../../src/wasm/opcodes.ts";

/** One letter for each value: `i l f d v` as in the opcode table, `r` is funcref. */
export type Types = string;

export const VALUE_TYPES: Readonly<Record<string, number>> = { i: 0x7f, l: 0x7e, f: 0x7d, d: 0x7c, v: 0x7b, r: 0x70 };

/** Not an operator: operands that a block has on its stack already. */
export const ON_STACK = -1;

/** What a branch to it carries. */
export interface Label {
  readonly types: Types;
}

export type Immediate =
  | { readonly kind: "bytes"; readonly bytes: readonly number[] }
  | { readonly kind: "u32"; readonly value: number }
  | { readonly kind: "label"; readonly label: Label }
  | { readonly kind: "labels"; readonly labels: readonly Label[] }
  | { readonly kind: "func"; readonly func: FuncTree }
  | { readonly kind: "type"; readonly params: Types; readonly results: Types }
  /** The type of a block. */
  | { readonly kind: "block"; readonly params: Types; readonly results: Types }
  | { readonly kind: "memarg"; readonly align: number; readonly memory: number; readonly offset: bigint };

export interface Expr {
  readonly code: number;
  /** What it leaves on the stack; of what never comes back whatever its place asks for. */
  readonly results: Types;
  readonly kids: Expr[];
  readonly immediates: readonly Immediate[];
  /** Of a block one list, of an `if` one or two. */
  readonly bodies?: Expr[][];
  readonly label?: Label;
}

export interface FuncTree {
  readonly params: Types;
  readonly results: Types;
  locals: Types;
  body: Expr[];
}

export interface GlobalTree {
  readonly type: string;
  readonly mutable: boolean;
  readonly init: Expr;
  readonly export: string | undefined;
}

export interface MemoryTree {
  readonly min: number;
  readonly max: number | undefined;
}

export interface TableTree {
  readonly min: number;
  readonly max: number | undefined;
}

/** Items of an element segment are functions or null. */
export interface ElementTree {
  readonly mode: "active" | "passive" | "declarative";
  readonly table: number;
  readonly offset: number;
  items: (FuncTree | undefined)[];
}

export interface DataTree {
  /** Undefined: passive. */
  readonly offset: number | undefined;
  readonly bytes: readonly number[];
}

export interface ModuleTree {
  functions: FuncTree[];
  readonly exports: { readonly name: string; readonly func: FuncTree }[];
  readonly globals: GlobalTree[];
  readonly memories: MemoryTree[];
  readonly tables: TableTree[];
  elements: ElementTree[];
  data: DataTree[];
  start: FuncTree | undefined;
}

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

class Encoder {
  readonly #module: ModuleTree;
  readonly #types: string[] = [];
  readonly #typeOf = new Map<string, number>();
  readonly #functionOf = new Map<FuncTree, number>();
  readonly #labels: Label[] = [];
  readonly #census: Census | undefined;

  constructor(module: ModuleTree, census: Census | undefined) {
    this.#module = module;
    this.#census = census;
    module.functions.forEach((func, i) => {
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
      w.varU32(m.functions.length);
      for (const func of m.functions) this.#sized(w, (inner) => this.#body(inner, func));
    });
    const functions = this.#section((w) => {
      w.varU32(m.functions.length);
      for (const { params, results } of m.functions) w.varU32(this.#type(params, results));
    });
    const out = new ByteWriter(4096);
    out.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
    const put = (id: number, bytes: Uint8Array): void => {
      out.u8(id);
      out.varU32(bytes.length);
      out.bytes(bytes);
    };
    put(
      1,
      this.#section((w) => this.#typeSection(w)),
    );
    put(3, functions);
    put(
      4,
      this.#section((w) => this.#limits(w, m.tables, (inner) => inner.u8(0x70))),
    );
    put(
      5,
      this.#section((w) => this.#limits(w, m.memories, () => undefined)),
    );
    put(
      6,
      this.#section((w) => this.#globalSection(w)),
    );
    put(
      7,
      this.#section((w) => this.#exportSection(w)),
    );
    if (m.start !== undefined) {
      const start = this.#function(m.start);
      put(
        8,
        this.#section((w) => w.varU32(start)),
      );
    }
    put(
      9,
      this.#section((w) => this.#elementSection(w)),
    );
    put(
      12,
      this.#section((w) => w.varU32(m.data.length)),
    );
    put(10, code);
    put(
      11,
      this.#section((w) => this.#dataSection(w)),
    );
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
    w.varU32(this.#types.length);
    for (const type of this.#types) {
      const [params = "", results = ""] = type.split(":");
      w.u8(0x60);
      this.#valueTypes(w, params);
      this.#valueTypes(w, results);
    }
  }

  #valueTypes(w: ByteWriter, types: Types): void {
    w.varU32(types.length);
    for (const t of types) w.u8(VALUE_TYPES[t] ?? 0);
  }

  #limits(w: ByteWriter, items: readonly MemoryTree[], before: (w: ByteWriter) => void): void {
    w.varU32(items.length);
    for (const { min, max } of items) {
      before(w);
      w.u8(max === undefined ? 0 : 1);
      w.varU32(min);
      if (max !== undefined) w.varU32(max);
    }
  }

  #globalSection(w: ByteWriter): void {
    w.varU32(this.#module.globals.length);
    for (const { type, mutable, init } of this.#module.globals) {
      w.u8(VALUE_TYPES[type] ?? 0);
      w.u8(mutable ? 1 : 0);
      this.#expr(w, init, undefined);
      w.u8(0x0b);
    }
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
    for (const { mode, table, offset, items } of this.#module.elements) {
      // With expressions: null may be among them.
      w.varU32(mode === "active" ? 6 : mode === "passive" ? 5 : 7);
      if (mode === "active") {
        w.varU32(table);
        w.u8(0x41);
        w.varS32(offset);
        w.u8(0x0b);
      }
      w.u8(0x70);
      w.varU32(items.length);
      for (const item of items) {
        if (item === undefined) {
          w.u8(0xd0);
          w.u8(0x70);
        } else {
          w.u8(0xd2);
          w.varU32(this.#function(item));
        }
        w.u8(0x0b);
      }
    }
  }

  #dataSection(w: ByteWriter): void {
    w.varU32(this.#module.data.length);
    for (const { offset, bytes } of this.#module.data) {
      w.varU32(offset === undefined ? 1 : 0);
      if (offset !== undefined) {
        w.u8(0x41);
        w.varS32(offset);
        w.u8(0x0b);
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
      w.u8(VALUE_TYPES[t] ?? 0);
    }
    for (const expr of func.body) this.#expr(w, expr, this.#census);
    w.u8(0x0b);
  }

  #expr(w: ByteWriter, expr: Expr, census: Census | undefined): void {
    for (const kid of expr.kids) this.#expr(w, kid, census);
    if (expr.code === ON_STACK) return;
    census?.see(expr.code);
    writeOpcode(w, expr.code);
    for (const immediate of expr.immediates) this.#immediate(w, immediate);
    const { bodies, label } = expr;
    if (bodies === undefined) return;
    if (label !== undefined) this.#labels.push(label);
    bodies.forEach((body, i) => {
      if (i > 0) w.u8(0x05);
      for (const inner of body) this.#expr(w, inner, census);
    });
    w.u8(0x0b);
    if (label !== undefined) this.#labels.pop();
  }

  #immediate(w: ByteWriter, immediate: Immediate): void {
    switch (immediate.kind) {
      case "bytes":
        w.bytes(Uint8Array.from(immediate.bytes));
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
        w.varU32(this.#type(immediate.params, immediate.results));
        return;
      case "block": {
        const { params, results } = immediate;
        if (params === "" && results.length <= 1) w.u8(results === "" ? 0x40 : (VALUE_TYPES[results] ?? 0));
        else w.varS32(this.#type(params, results));
        return;
      }
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
  return new Encoder(module, census).module();
}
