/**
 * A value's way from one component instance to another: lifted and lowered part by part, in the order of its type, with nothing in between
 * (Canonical ABI, `load`, `store`, `lift_flat`, `lower_flat`). Traps of lifting and lowering may come in another order than in the
 * specification, where a value is lifted as a whole; which is observable in the message only, since a trap ends both instances.
 *
 * Large types get functions of their own, so that code is linear in the types and not in the tree that they stand for: `cost` says what
 * is large, for this and for whoever enumerates the functions.
 */

import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, ResourceIndex } from "../component/types.ts";
import type { LiftContext, LowerContext } from "./context.ts";
import { type DespecializedType, despecialize, elementFields } from "./despecialize.ts";
import type { AbiEmitter } from "./emitter.ts";
import { flagsSize, type Sizes, typeKey } from "./sizes.ts";
import type { Cases, Destination, Place, PointerPair, Source } from "./values.ts";

/** Parts of a type beyond which it gets a function of its own. */
export const OUTLINE_COST = 48;
/** Bytes beyond which plain values are copied as a block. */
const UNROLLED_COPY = 64;

/** Kinds of which every bit pattern is a value. */
const ANY_BITS: ReadonlySet<string> = new Set(["s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64"]);

/** What a type says about its transfer, remembered per type. */
export class TypeFacts {
  readonly types: ComponentTypes;
  readonly #costs = new Map<string, number>();
  readonly #plain = new Map<string, boolean>();
  readonly #viewable = new Map<string, boolean>();

  constructor(types: ComponentTypes) {
    this.types = types;
  }

  despecialize(t: InterfaceType): DespecializedType {
    return despecialize(this.types, t);
  }

  /** Types of the parts that a value of this type holds, in order; with repetitions, but of a fixed-length list one element. */
  parts(t: InterfaceType): readonly InterfaceType[] {
    const d = this.despecialize(t);
    switch (d.kind) {
      case "record":
        return d.fields;
      case "variant":
        return payloads(d.cases).map(({ type }) => type);
      case "list":
        return elementFields(d.element);
      default:
        return [];
    }
  }

  /** Whether every bit pattern of the type's size is a value, the same in all memories, so that it can be copied as it is. */
  isPlain(t: InterfaceType, sizes: Sizes): boolean {
    const key = typeKey(t);
    let plain = this.#plain.get(key);
    if (plain === undefined) {
      plain = this.#computePlain(t, sizes);
      this.#plain.set(key, plain);
    }
    return plain;
  }

  #computePlain(t: InterfaceType, sizes: Sizes): boolean {
    const d = this.despecialize(t);
    if (ANY_BITS.has(d.kind)) return true;
    switch (d.kind) {
      case "flags":
        return d.count === 8 * flagsSize(d.count);
      case "record":
        return this.arePlain(d.fields, sizes);
      case "list":
        return d.length !== undefined && this.arePlain(elementFields(d.element), sizes);
      default:
        return false;
    }
  }

  /**
   * Whether a host may read consecutive fields in a guest's memory as they are: every bit pattern is a value, and C has the same layout, since
   * there are no pointers and handles. Padding does not matter.
   */
  areViewable(fields: readonly InterfaceType[]): boolean {
    return fields.every((f) => this.#isViewable(f));
  }

  #isViewable(t: InterfaceType): boolean {
    const key = typeKey(t);
    let viewable = this.#viewable.get(key);
    if (viewable === undefined) {
      const d = this.despecialize(t);
      viewable =
        d.kind === "record"
          ? this.areViewable(d.fields)
          : d.kind === "list"
            ? d.length !== undefined && this.areViewable(elementFields(d.element))
            : ANY_BITS.has(d.kind) || (d.kind === "flags" && d.count === 8 * flagsSize(d.count));
      this.#viewable.set(key, viewable);
    }
    return viewable;
  }

  /** The same of consecutive fields: no padding between or behind them. */
  arePlain(fields: readonly InterfaceType[], sizes: Sizes): boolean {
    if (!fields.every((f) => this.isPlain(f, sizes))) return false;
    const sum = fields.reduce((total, f) => total + sizes.elemSize(f), 0);
    return sum === sizes.record(fields).size;
  }

  /** Whether the type or some part of it is so. */
  holds(t: InterfaceType, test: (t: InterfaceType) => boolean): boolean {
    const seen = new Set<string>();
    const visit = (one: InterfaceType): boolean => {
      if (test(one)) return true;
      const key = "resource" in one ? `${one.kind} ${one.resource}` : typeKey(one);
      if (seen.has(key)) return false;
      seen.add(key);
      return this.parts(one).some(visit);
    };
    return visit(t);
  }

  /** Parts that code for a transfer has to name. */
  cost(t: InterfaceType): number {
    const key = typeKey(t);
    let cost = this.#costs.get(key);
    if (cost === undefined) {
      cost = 1;
      for (const part of this.parts(t)) cost += this.isOutlined(part) ? 1 : this.cost(part);
      this.#costs.set(key, cost);
    }
    return cost;
  }

  /** The resources of all handles of one kind in values of these types. */
  resources(types: readonly InterfaceType[], kind: "own" | "borrow"): ReadonlySet<ResourceIndex> {
    const out = new Set<ResourceIndex>();
    const seen = new Set<string>();
    const visit = (t: InterfaceType): void => {
      if (t.kind === "own" || t.kind === "borrow") {
        if (t.kind === kind) out.add(t.resource);
        return;
      }
      const key = typeKey(t);
      if (seen.has(key)) return;
      seen.add(key);
      this.parts(t).forEach(visit);
    };
    types.forEach(visit);
    return out;
  }

  /** Whether a value of this type that goes from memory to memory, or from flat values to flat values, does so in a function of its own. */
  isOutlined(t: InterfaceType): boolean {
    return this.cost(t) > OUTLINE_COST;
  }
}

/** The distinct payloads of a variant, and for each the cases that hold it. */
export function payloads(cases: Cases): readonly { readonly type: InterfaceType; readonly cases: readonly number[] }[] {
  const known = new Map<string, { type: InterfaceType; cases: number[] }>();
  cases.forEach((type, i) => {
    if (type === undefined) return;
    const key = "resource" in type ? `${type.kind} ${type.resource}` : typeKey(type);
    const entry = known.get(key);
    if (entry === undefined) known.set(key, { type, cases: [i] });
    else entry.cases.push(i);
  });
  return [...known.values()];
}

/** What the transfer leaves to its user. */
export interface TransferHooks<V> {
  /** `store_string_into_range` of the string at these: all checks, and the new pointer and length. */
  string(pair: PointerPair<V>): PointerPair<V>;
  /** Calls the function of a type that is outlined; addresses are native. */
  value(type: InterfaceType, from: V, to: V): void;
  /** The same of flat values. */
  flatValue(type: InterfaceType, values: readonly V[]): readonly V[];
}

export class Transfer<V, X> {
  readonly e: AbiEmitter<V, X>;
  /** Emits the checks of what is lifted. */
  readonly liftEmitter: AbiEmitter<V, X>;
  readonly facts: TypeFacts;
  readonly lift: LiftContext<V>;
  readonly lower: LowerContext<V>;
  readonly hooks: TransferHooks<V>;

  constructor(
    e: AbiEmitter<V, X>,
    liftEmitter: AbiEmitter<V, X>,
    facts: TypeFacts,
    lift: LiftContext<V>,
    lower: LowerContext<V>,
    hooks: TransferHooks<V>,
  ) {
    this.e = e;
    this.liftEmitter = liftEmitter;
    this.facts = facts;
    this.lift = lift;
    this.lower = lower;
    this.hooks = hooks;
  }

  /** All of a record's fields, or of parameters. */
  fields(types: readonly InterfaceType[], from: Source<V>, to: Destination<V>): void {
    for (let i = 0; i < types.length; ) {
      const source = from.field(types, i);
      const destination = to.field(types, i);
      const run = source.place && destination.place && this.#plainRun(types, i);
      if (run !== undefined && source.place !== undefined && destination.place !== undefined) {
        this.#copyBlock(run.bytes, source.place, destination.place);
        i += run.count;
      } else {
        const type = types[i++];
        if (type !== undefined) this.value(type, source, destination);
      }
    }
  }

  /** Several fields from `first` on of which every bit pattern is valid and that both memories have one behind the other; undefined for fewer. */
  #plainRun(
    types: readonly InterfaceType[],
    first: number,
  ): { readonly count: number; readonly bytes: number } | undefined {
    const { sizes } = this.lift.memory;
    const from = sizes.fieldOffsets(types);
    const to = this.lower.memory.sizes.fieldOffsets(types);
    let bytes = 0;
    let i = first;
    for (; i < types.length; i++) {
      const type = types[i];
      if (type === undefined || !this.facts.isPlain(type, sizes)) break;
      if (from[i] !== (from[first] ?? 0) + bytes || to[i] !== (to[first] ?? 0) + bytes) break;
      bytes += sizes.elemSize(type);
    }
    return i - first > 1 ? { count: i - first, bytes } : undefined;
  }

  /** One value: out of line if it is large. */
  value(type: InterfaceType, from: Source<V>, to: Destination<V>): void {
    const { e } = this;
    if (from.place !== undefined && to.place !== undefined) {
      if (this.#copyPlain(type, from.place, to.place)) return;
      if (this.facts.isOutlined(type)) {
        this.hooks.value(type, e.offset(from.place.base, from.place.offset), e.offset(to.place.base, to.place.offset));
        return;
      }
    } else if (from.place === undefined && to.place === undefined && this.facts.isOutlined(type)) {
      const values = from.flat(type);
      if (values === undefined) throw new InternalError("abi", "a value is neither in memory nor flat");
      to.setFlat(this.hooks.flatValue(type, values));
      return;
    }
    this.inline(type, from, to);
  }

  /** One value, here. */
  inline(type: InterfaceType, from: Source<V>, to: Destination<V>): void {
    const d = this.facts.despecialize(type);
    switch (d.kind) {
      case "string":
        to.pointerPair(this.hooks.string(from.pointerPair()));
        return;
      case "list":
        if (d.length === undefined) to.pointerPair(this.#list(elementFields(d.element), from.pointerPair()));
        else this.#fixedList(elementFields(d.element), d.length, from, to);
        return;
      case "record":
        this.fields(d.fields, from, to);
        return;
      case "variant":
        this.#variant(d.cases, from, to);
        return;
      case "own":
        if (type.kind === "own")
          to.handle(this.lower.lowerOwn(type.resource, this.lift.liftOwn(type.resource, from.handle())));
        return;
      case "borrow":
        if (type.kind === "borrow") {
          to.handle(this.lower.lowerBorrow(type.resource, this.lift.liftBorrow(type.resource, from.handle())));
        }
        return;
      case "error-context":
        throw new InternalError("abi", "translation refuses functions with `error-context`");
      case "bool":
      case "s8":
      case "u8":
      case "s16":
      case "u16":
      case "s32":
      case "u32":
      case "s64":
      case "u64":
      case "f32":
      case "f64":
      case "char":
      case "flags":
        to.scalar(d, from.scalar(d));
        return;
      default:
        unreachable(d);
    }
  }

  #variant(cases: Cases, from: Source<V>, to: Destination<V>): void {
    const { e } = this;
    const index = from.discriminant(cases);
    to.discriminant(cases, index);
    const distinct = payloads(cases);
    const arms = distinct.map(({ type, cases: holders }) => () => {
      const first = holders[0] ?? 0;
      this.value(type, from.payload(cases, first), to.payload(cases, first));
    });
    const [only] = distinct;
    const [arm] = arms;
    if (only === undefined || arm === undefined) return;
    if (arms.length === 1 && only.cases.length === cases.length) arm();
    else if (arms.length === 1 && only.cases.length === 1) e.if(e.eqImm(index, only.cases[0] ?? 0), arm);
    else if (arms.length === 2 && cases.length === 2) e.if(e.eqImm(index, 0), arm, arms[1]);
    else {
      const targets = new Array<number>(cases.length).fill(-1);
      distinct.forEach(({ cases: holders }, a) => {
        for (const holder of holders) targets[holder] = a;
      });
      e.switch(index, targets, arms);
    }
  }

  /** `load_list_from_range` and `store_list_into_range`. */
  #list(element: readonly InterfaceType[], pair: PointerPair<V>): PointerPair<V> {
    const { e, lift, lower } = this;
    const [, length] = pair;
    const from = lift.memory.sizes.record(element);
    const to = lower.memory.sizes.record(element);
    const { address, bytes } = lift.openList(pair, from);
    if (lower.arena?.views === true && this.facts.areViewable(element)) return [address, length];
    const newBytes = to.size === from.size ? bytes : e.mulImm(length, to.size);
    const place = lower.newList(to.alignment, newBytes);
    this.#elements(element, address, place.address, bytes);
    return [place.pointer, length];
  }

  /** Consecutive elements; `bytes` are the source's. */
  #elements(element: readonly InterfaceType[], from: V, to: V, bytes: V): void {
    const { e, facts, lift, lower } = this;
    const fromSize = lift.memory.sizes.record(element).size;
    const toSize = lower.memory.sizes.record(element).size;
    if (fromSize === toSize && facts.arePlain(element, lift.memory.sizes)) {
      e.copy(to, from, bytes);
      return;
    }
    if (fromSize === 0) return;
    const end = e.add(from, bytes);
    const read = e.variable(from);
    const write = e.variable(to);
    e.loop((loop) => {
      const at = e.get(read);
      loop.breakUnless(e.ne(at, end));
      const into = e.get(write);
      this.fields(element, lift.source(at), lower.destination(into));
      e.set(read, e.offset(at, fromSize));
      e.set(write, e.offset(into, toSize));
    });
  }

  #fixedList(element: readonly InterfaceType[], length: number, from: Source<V>, to: Destination<V>): void {
    const { e } = this;
    const source = from.place;
    const discards = this.lower.arena?.discards === true;
    if (source !== undefined && (to.place !== undefined || discards)) {
      if (discards && this.facts.areViewable(element)) return;
      const begin = e.offset(source.base, source.offset);
      const bytes = length * this.lift.memory.sizes.record(element).size;
      const into = to.place === undefined ? begin : e.offset(to.place.base, to.place.offset);
      this.#elements(element, begin, into, e.i64(bytes));
      return;
    }
    // Flat values are few: so many elements, each with all its fields.
    const all = Array.from({ length }, () => element).flat();
    this.fields(all, from, to);
  }

  /** Copies a value of several parts, if its every bit pattern is valid. */
  #copyPlain(type: InterfaceType, from: Place<V>, to: Place<V>): boolean {
    const { facts } = this;
    const { sizes } = this.lift.memory;
    if (facts.parts(type).length === 0 || !facts.isPlain(type, sizes)) return false;
    this.#copyBlock(sizes.elemSize(type), from, to);
    return true;
  }

  #copyBlock(size: number, from: Place<V>, to: Place<V>): void {
    const { e } = this;
    if (size > UNROLLED_COPY) {
      e.copy(e.offset(to.base, to.offset), e.offset(from.base, from.offset), e.i64(size));
      return;
    }
    let at = 0;
    const move = (step: number, one: (at: number) => void): void => {
      for (; at + step <= size; at += step) one(at);
    };
    move(16, (k) => e.storeVector(to.base, to.offset + k, e.loadVector(from.base, from.offset + k)));
    move(8, (k) => e.store(to.base, to.offset + k, e.load("i64", from.base, from.offset + k)));
    move(4, (k) => e.store(to.base, to.offset + k, e.load("i32", from.base, from.offset + k)));
    move(2, (k) => e.storeNarrow(16, to.base, to.offset + k, e.loadNarrow(16, false, from.base, from.offset + k)));
    move(1, (k) => e.storeNarrow(8, to.base, to.offset + k, e.loadNarrow(8, false, from.base, from.offset + k)));
  }
}
