/** Random operators on memories and tables: addresses, most of them in bounds, and everything that moves many bytes or elements. */

import type { Frame } from "./frame.ts";
import { isSubtype } from "./frame.ts";
import type { Operator } from "./operators.ts";
import { declaredOf, type Expr, type Immediate, isNonNull, type TableTree, type Types } from "./tree.ts";

/** Bytes from 0 on that a memory's data fills, as so many vectors. */
export const SEEDED = 20;
/** Where values are left to be looked at, and how many before it begins again. */
const OBSERVED = 0x400;
const OBSERVED_SLOTS = 128;

const NAMES: Readonly<Record<string, string>> = { i: "i32", l: "i64", f: "f32", d: "f64", v: "v128" };

export type MakeValue = (type: string, depth: number) => Expr;

/** Whether an element of type `from` may be where `to` is wanted. */
function fits(f: Frame, from: string, to: string): boolean {
  if (from === to) return true;
  const a = declaredOf(from);
  const b = declaredOf(to);
  if (isNonNull(to) && !isNonNull(from)) return false;
  if (b !== undefined) return a !== undefined && isSubtype(f.tree, a.index, b.index);
  return to !== "x" && from !== "x" && to !== "e" && from !== "e";
}

export class Access {
  readonly #f: Frame;
  readonly #value: MakeValue;
  #slot: number;

  constructor(frame: Frame, value: MakeValue) {
    this.#f = frame;
    this.#value = value;
    this.#slot = frame.r.below(OBSERVED_SLOTS);
  }

  get #memories() {
    return this.#f.tree.memories;
  }

  get hasMemory(): boolean {
    return this.#memories.length > 0;
  }

  pickMemory(): number {
    const { r } = this.#f;
    const firm = r.chance(0.9) ? this.#firm() : undefined;
    return firm ?? r.below(this.#memories.length);
  }

  /** An expression of an i32 as an address of this width. */
  #wide(is64: boolean, value: Expr): Expr {
    return is64 ? this.#f.node("i64.extend_i32_u", "l", [value]) : value;
  }

  #number(is64: boolean, value: number): Expr {
    return is64 ? this.#f.i64(BigInt(value)) : this.#f.i32(value);
  }

  /** Any value of the width. */
  #anything(is64: boolean, depth: number): Expr {
    return this.#value(is64 ? "l" : "i", depth + 1);
  }

  // What is there, and what will be looked at.

  /** A memory with a page from the start. */
  #firm(): number | undefined {
    const found = this.#memories.flatMap(({ min }, i) => (min > 0 ? [i] : []));
    return found.length === 0 ? undefined : this.#f.r.pick(found);
  }

  #at(name: string, results: Types, memory: number, address: number, kids: Expr[]): Expr {
    const { is64 } = this.#memories[memory] ?? { is64: false };
    const offset = this.#f.r.chance(0.5) ? address : 0;
    const immediate: Immediate = { kind: "memarg", align: 0, memory, offset: BigInt(offset) };
    return this.#f.node(name, results, [this.#number(is64, address - offset), ...kids], immediate);
  }

  /** A value that exists when the code runs, but not when it is compiled; a constant when there is none. Never traps. */
  known(type: string): Expr {
    const f = this.#f;
    const name = NAMES[type];
    const memory = name === undefined ? undefined : this.#firm();
    if (memory !== undefined && f.r.chance(0.75)) {
      return this.#at(`${name}.load`, type, memory, 16 * f.r.below(SEEDED) + f.r.pick([0, 0, 4, 8, 1]), []);
    }
    const global = f.globalOf(type, true);
    return global === undefined || f.r.chance(0.3) ? f.constant(type) : f.node("global.get", type, [], f.index(global));
  }

  /** A statement that leaves a value, or several, where they are seen in the end. */
  observe(expr: Expr): Expr[] {
    const f = this.#f;
    const type = expr.results;
    if (type.length > 1) {
      const locals = Array.from(type, (t) => f.take(t));
      let out = expr;
      for (const local of [...locals].reverse()) out = f.set(local, out);
      const seen = locals.flatMap((local) => this.observe(f.get(local)));
      for (const local of locals) f.giveBack(local);
      return [out, ...seen];
    }
    const name = NAMES[type];
    const memory = this.#firm();
    if (name !== undefined && memory !== undefined) {
      const slot = OBSERVED + 16 * (this.#slot++ % OBSERVED_SLOTS);
      return [this.#at(`${name}.store`, "", memory, slot, [f.canonical(expr)])];
    }
    const global = f.globalOf(type, true);
    return global === undefined ? f.dropAll(expr) : [f.node("global.set", "", [expr], f.index(global))];
  }

  // Loads and stores.

  /** Of accesses that have to be aligned a multiple of `align`. */
  offset(is64: boolean, align = 1): bigint {
    const { r } = this.#f;
    const way = r.below(200);
    if (way < 90) return 0n;
    if (way < 192) return BigInt(r.below(64) & -(r.chance(0.98) ? align : 1));
    if (way < 199) return BigInt(r.pick([200, 4096, 65520]));
    if (is64 && r.chance(0.5))
      return r.pick([0x100000000n, 0x7fffffffffffffffn, 0x8000000000000000n, 0xffffffffffffffffn]);
    return BigInt(r.pick([65535, 65536, 0x7fffffff, 0x80000000, 0xffffffff, 0x1ffffff, 0x2000000, 0x2000001]));
  }

  memarg(memory: number, align: number, atomic = false): Immediate {
    const offset = this.offset(this.#memories[memory]?.is64 ?? false, atomic ? 1 << align : 1);
    return { kind: "memarg", align, memory, offset };
  }

  address(memory: number, { immediates, extra }: Operator, depth: number): Expr {
    const { r } = this.#f;
    const { is64 } = this.#memories[memory] ?? { is64: false };
    const way = r.below(100);
    const atomic = immediates === "atomic";
    // Of atomic ones only multiples of the size.
    const aligned = (value: number): number => (atomic ? value & -(1 << extra) : value);
    const masked = (mask: number): Expr =>
      this.#f.node("i32.and", "i", [this.#value("i", depth + 1), this.#f.i32(aligned(mask))]);
    if (way < 22) return this.#number(is64, aligned(r.below(256)));
    if (way < 45 && this.#f.counters.length > 0) {
      const index = this.#f.get(r.pick(this.#f.counters));
      const scaled = this.#f.node("i32.shl", "i", [index, this.#f.i32(atomic ? extra : r.below(4))]);
      const base = r.chance(0.5) ? this.#f.i32(aligned(r.below(256))) : masked(0xff);
      return this.#wide(
        is64,
        r.chance(0.2) ? scaled : this.#f.node("i32.add", "i", r.chance(0.5) ? [scaled, base] : [base, scaled]),
      );
    }
    if (is64 && way < 45) {
      const mask = this.#f.i64(BigInt(aligned(r.pick([15, 255, 0xfff, 0x7fff]))));
      return this.#f.node("i64.and", "l", [this.#value("l", depth + 1), mask]);
    }
    if (way < 80) return this.#wide(is64, masked(r.pick([15, 255, 255, 0xfff, 0x7fff])));
    if (way < 95) {
      const scale = this.#f.node("i32.shl", "i", [masked(63), this.#f.i32(atomic ? extra : r.below(4))]);
      return this.#wide(is64, this.#f.node("i32.add", "i", [masked(0xfff), scale]));
    }
    if (way < 98) return this.#nearEnd(memory, aligned, depth);
    if (way < 99 && r.chance(0.5)) {
      if (is64)
        return this.#f.i64(r.pick([-1n, -8n, 0x100000000n, 0x7fffffffffffffffn, -0x8000000000000000n, 0xffffffffn]));
      return this.#f.i32(r.pick([-1, -4, 0x7fffffff, -0x80000000, 65536 * 6]));
    }
    return r.chance(0.5) ? this.#anything(is64, depth) : this.#number(is64, aligned(r.below(512)));
  }

  /** At the end of a memory, as it is at first or as it is by then: where accesses of some sizes are in bounds, and of others are not. */
  #nearEnd(memory: number, aligned: (value: number) => number, depth: number): Expr {
    const f = this.#f;
    const { r } = f;
    const { is64, min } = this.#memories[memory] ?? { is64: false, min: 0 };
    if (r.chance(0.3)) return this.#number(is64, aligned(65536 * min - r.between(0, 40)));
    const [type, name] = is64 ? ["l", "i64"] : ["i", "i32"];
    const more = f.node(`${name}.and`, type, [this.#value(type, depth + 1), this.#number(is64, aligned(15))]);
    const pages = f.node("memory.size", type, [], f.index(memory));
    const end = r.chance(0.4)
      ? this.#number(is64, 65536 * min)
      : f.node(`${name}.shl`, type, [pages, this.#number(is64, 16)]);
    const before = this.#number(is64, r.pick([16, 16, 16, 8, 32, 64]));
    return f.node(`${name}.sub`, type, [f.node(`${name}.add`, type, [end, more]), before]);
  }

  // Sizes and growth: an i32 in the end.

  #narrow(is64: boolean, value: Expr): Expr {
    return is64 ? this.#f.node("i32.wrap_i64", "i", [value]) : value;
  }

  memorySize(): Expr {
    const memory = this.pickMemory();
    const is64 = this.#memories[memory]?.is64 ?? false;
    return this.#narrow(is64, this.#f.node("memory.size", is64 ? "l" : "i", [], this.#f.index(memory)));
  }

  memoryGrow(depth: number): Expr {
    const { r } = this.#f;
    const memory = this.pickMemory();
    const { is64, max } = this.#memories[memory] ?? { is64: false, max: undefined };
    // Without a maximum it may fail in one engine and not in the other, unless it is small or too much for any.
    const delta =
      max === undefined
        ? this.#number(is64, r.pick([0, 1, is64 ? 2 ** 50 : 65537, -1]))
        : r.chance(0.5)
          ? this.#number(is64, r.pick([0, 1, 1, 2, 65536, -1]))
          : this.#anything(is64, depth);
    return this.#narrow(is64, this.#f.node("memory.grow", is64 ? "l" : "i", [delta], this.#f.index(memory)));
  }

  tableSize(table: number): Expr {
    const is64 = this.#table(table).is64;
    return this.#narrow(is64, this.#f.node("table.size", is64 ? "l" : "i", [], this.#f.index(table)));
  }

  tableGrow(table: number, depth: number): Expr {
    const { is64, type } = this.#table(table);
    const delta = this.#number(is64, this.#f.r.pick([0, 1, 1, 2, -1]));
    const grow = this.#f.node(
      "table.grow",
      is64 ? "l" : "i",
      [this.#value(type, depth + 1), delta],
      this.#f.index(table),
    );
    return this.#narrow(is64, grow);
  }

  // Tables.

  #table(index: number): TableTree {
    const table = this.#f.tree.tables[index];
    if (table === undefined) throw new RangeError(`no table ${index}`);
    return table;
  }

  /** A table whose elements are of this type. */
  tableOf(type: string): number | undefined {
    const found = this.#f.tree.tables.flatMap((t, i) => (fits(this.#f, t.type, type) ? [i] : []));
    return found.length === 0 ? undefined : this.#f.r.pick(found);
  }

  tableIndex(table: number, depth: number): Expr {
    const { r } = this.#f;
    const { is64, min } = this.#table(table);
    if (r.chance(0.94) && min > 0) {
      if (r.chance(0.5)) return this.#number(is64, r.below(min));
      if (is64 && r.chance(0.5)) {
        return this.#f.node("i64.rem_u", "l", [this.#value("l", depth + 1), this.#f.i64(BigInt(min))]);
      }
      return this.#wide(is64, this.#f.node("i32.rem_u", "i", [this.#value("i", depth + 1), this.#f.i32(min)]));
    }
    return r.chance(0.5) ? this.#number(is64, r.pick([min, min - 1, -1, 100])) : this.#anything(is64, depth);
  }

  tableGet(type: string, table: number, depth: number): Expr {
    return this.#f.node("table.get", type, [this.tableIndex(table, depth)], this.#f.index(table));
  }

  bulkTable(out: Expr[], depth: number): void {
    const f = this.#f;
    const { r } = f;
    const { tables, elements } = f.tree;
    if (tables.length === 0) return;
    const table = r.below(tables.length);
    const { is64, type } = this.#table(table);
    const small = (wide: boolean): Expr =>
      this.#number(wide, r.chance(0.02) ? -1 : r.below(Math.min(4, this.#table(table).min + 1)));
    switch (r.below(6)) {
      case 0:
      case 1:
        out.push(
          f.node("table.set", "", [this.tableIndex(table, depth), this.#value(type, depth + 1)], f.index(table)),
        );
        return;
      case 2:
        out.push(f.node("table.fill", "", [small(is64), this.#value(type, depth + 1), small(is64)], f.index(table)));
        return;
      case 3: {
        const from = this.tableOf(type);
        if (from === undefined) return;
        const other = this.#table(from).is64;
        const kids = [small(is64), small(other), small(is64 && other)];
        out.push(f.node("table.copy", "", kids, f.index(table), f.index(from)));
        return;
      }
      case 4: {
        // Passive ones mostly: the others are gone when the code runs.
        const found = elements.flatMap((e, i) =>
          fits(f, e.type, type) && (e.mode === "passive" || r.chance(0.05)) ? [i] : [],
        );
        if (found.length === 0) return;
        const segment = r.pick(found);
        const [from, count] = this.#part(elements[segment]?.items.length ?? 0);
        out.push(f.node("table.init", "", [small(is64), f.i32(from), f.i32(count)], f.index(segment), f.index(table)));
        return;
      }
      default:
        if (r.chance(0.4)) out.push(f.node("elem.drop", "", [], f.index(r.below(elements.length))));
    }
  }

  // Many bytes.

  #length(is64: boolean, depth: number): Expr {
    const { r } = this.#f;
    if (r.chance(0.4)) return this.#number(is64, r.pick([0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 64, 100, 300]));
    if (r.chance(0.02)) return this.#anything(is64, depth);
    return this.#wide(is64, this.#f.node("i32.and", "i", [this.#value("i", depth + 1), this.#f.i32(127)]));
  }

  /** Where a range of bytes begins. */
  place(memory: number, depth: number): Expr {
    const { r } = this.#f;
    const { is64, min } = this.#memories[memory] ?? { is64: false, min: 0 };
    const way = r.below(100);
    if (way < 3) return this.#number(is64, 65536 * min - r.below(40));
    if (is64 && way < 11) return this.#beyond(depth);
    if (way < 4) return this.#number(is64, r.pick([65536 * 6, 0x7fffffff, 0x80000000, -1, -8]) + r.below(8));
    const masked = this.#f.node("i32.and", "i", [this.#value("i", depth + 1), this.#f.i32(r.pick([63, 0xfff]))]);
    return this.#wide(is64, masked);
  }

  /** A 64-bit address behind every memory: near 2^64, where with a length it is small again, or above some power of two. */
  #beyond(depth: number): Expr {
    const f = this.#f;
    const { r } = f;
    const more = f.node("i64.and", "l", [this.#value("l", depth + 1), f.i64(127n)]);
    if (r.chance(0.4)) return f.node("i64.sub", "l", [f.i64(r.pick([-1n, -64n, -0x10000n])), more]);
    const high = 1n << BigInt(r.between(19, 63));
    return r.chance(0.5) ? f.i64(high + BigInt(r.below(256))) : f.node("i64.or", "l", [f.i64(high), more]);
  }

  bulkMemory(out: Expr[], depth: number): void {
    const f = this.#f;
    const { r } = f;
    if (!this.hasMemory) return;
    const { data } = f.tree;
    const way = r.below(10);
    const memory = this.pickMemory();
    const is64 = this.#memories[memory]?.is64 ?? false;
    if (way < 3) {
      const kids = [this.place(memory, depth), this.#value("i", depth + 1), this.#length(is64, depth)];
      out.push(f.node("memory.fill", "", kids, f.index(memory)));
    } else if (way < 6) {
      const from = this.pickMemory();
      const both = is64 && (this.#memories[from]?.is64 ?? false);
      const kids = [this.place(memory, depth), this.place(from, depth), this.#length(both, depth)];
      out.push(f.node("memory.copy", "", kids, f.index(memory), f.index(from)));
    } else if (data.length > 0) {
      const found = data.flatMap((d, i) => (d.offset === undefined || r.chance(0.05) ? [i] : []));
      if (found.length === 0) return;
      const segment = r.pick(found);
      if (r.chance(0.25)) out.push(f.node("data.drop", "", [], f.index(segment)));
      else {
        const [from, count] = this.#part(data[segment]?.bytes.length ?? 0);
        const kids = [this.place(memory, depth), f.i32(from), f.i32(count)];
        out.push(f.node("memory.init", "", kids, f.index(segment), f.index(memory)));
      }
    }
  }

  /** Start and length of a part of so many bytes or elements; rarely too long. */
  #part(length: number): readonly [from: number, count: number] {
    const { r } = this.#f;
    const from = r.below(length + 1);
    return [from, r.below(length - from + 1) + (r.chance(0.03) ? 9 : 0)];
  }
}
