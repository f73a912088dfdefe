/**
 * What holds at one place of a function: registers, stack slots, ranges of unknowns, and relations between them.
 *
 * A relation is `sum + k ≤ l`, where `l` is an atom, or stands for the current length of a memory or table (`lengthClass`), which never
 * shrinks, so that the relation stays true; or is 0, and then means `sum + k ≤ 0`.
 */

import { type Atoms, Part } from "./atoms.ts";
import { SharedMap } from "./shared-map.ts";
import {
  AtomKind,
  Base,
  type CompareFlags,
  combine,
  Form,
  formKey,
  isConstant,
  isLength,
  loneAtom,
  neverShrinks,
  ofAtom,
} from "./values.ts";

/** Inclusive. `free`: adding this much does not wrap around. */
export interface Range {
  readonly lo: number;
  readonly hi: number;
  readonly free: number;
}

export interface Relation {
  /** Atom, `lengthClass`, or 0. */
  readonly l: number;
  readonly k: number;
}

interface Relations {
  /** The unknowns: no base, no constant. */
  readonly sum: Form;
  readonly list: readonly Relation[];
}

/** A table element whose signature was compared. */
interface Element {
  readonly address: Form;
  /** It was so since then (`State.tables`); what was loaded before or after may be another. */
  readonly since: number;
  /** Number of the type in the policy. */
  readonly type: number;
}

/** The current length of memory or table `index`, as a relation's `l`. */
export function lengthClass(kind: number, index: number): number {
  return -(1 + 2 * index + (kind === AtomKind.tableLength ? 1 : 0));
}

function elementKey(address: Form, since: number): string {
  return `${since}|${formKey(address)}`;
}

/** Relations of one sum: more are forgotten. */
const RELATION_LIMIT = 8;
/** Up to here doubles have every integer. */
const EXACT = 2 ** 53;
/** The largest 32-bit number that is one with a sign, too. */
const LARGEST_INT = 2 ** 31 - 1;
/** Slots of the frame are keyed by their displacement from the frame record; of the context's result area by this plus theirs. */
export const RESULT_SLOTS = 2 ** 40;

export class State {
  readonly atoms: Atoms;
  registers: Form[];
  slots: SharedMap<number, Form>;
  ranges: SharedMap<number, Range>;
  /** By the number of their sum (`Atoms.sum`). */
  relations: SharedMap<number, Relations>;
  elements: SharedMap<string, Element>;
  /** Stands for the last place where something may have written to a table: an atom, or 0 at the function's start. */
  tables = 0;
  /** `lengthClass` → what that length is at least. */
  least: SharedMap<number, number>;
  /** No execution gets here: what was learnt contradicts itself. */
  impossible = false;
  flags: CompareFlags | undefined;
  /** rsp was compared with the limit at this displacement from the frame record. */
  floor = Number.POSITIVE_INFINITY;

  /** Results of `range`. */
  lo = 0;
  hi = 0;

  constructor(atoms: Atoms, from?: State) {
    this.atoms = atoms;
    this.registers = from === undefined ? [] : from.registers.slice();
    this.slots = new SharedMap(from?.slots);
    this.ranges = new SharedMap(from?.ranges);
    this.relations = new SharedMap(from?.relations);
    this.elements = new SharedMap(from?.elements);
    this.least = new SharedMap(from?.least);
    this.flags = from?.flags;
    if (from === undefined) return;
    this.floor = from.floor;
    this.tables = from.tables;
  }

  clone(): State {
    return new State(this.atoms, this);
  }

  /** Something is known of what block `b` defines. */
  mentions(b: number): boolean {
    const { atoms, flags } = this;
    for (const f of this.registers) if (atoms.mentions(f, b)) return true;
    for (const f of this.slots.entries().values()) if (atoms.mentions(f, b)) return true;
    for (const atom of this.ranges.entries().keys()) if (atoms.isOf(atom, b)) return true;
    for (const { sum, list } of this.relations.entries().values()) {
      if (atoms.mentions(sum, b)) return true;
      for (const { l } of list) if (l > 0 && atoms.isOf(l, b)) return true;
    }
    for (const { address, since } of this.elements.entries().values()) {
      if (atoms.mentions(address, b) || atoms.isOf(since, b)) return true;
    }
    return (flags !== undefined && atoms.mentionedIn(flags, b)) || atoms.isOf(this.tables, b);
  }

  register(n: number): Form {
    const f = this.registers[n];
    if (f === undefined) throw new RangeError(`no register ${n}`);
    return f;
  }

  /** Bounds of the sum and constant of `f`, as integers, into `lo` and `hi`. */
  range(f: Form): void {
    this.lo = f.c;
    this.hi = f.c;
    if (f.a !== 0) this.#addTerm(f.a, f.s);
    if (f.b !== 0) this.#addTerm(f.b, f.t);
  }

  /** Adds the bounds of a scaled unknown to `lo` and `hi`; what is too large to be exact is no bound. */
  #addTerm(atom: number, scale: number): void {
    const r = this.ranges.get(atom);
    const l = r === undefined ? (this.atoms.lo[atom] ?? 0) : r.lo;
    const h = r === undefined ? (this.atoms.hi[atom] ?? 0) : r.hi;
    const least = scale > 0 ? scale * l : scale * h;
    const most = scale > 0 ? scale * h : scale * l;
    const [lo, hi] = [this.lo + least, this.hi + most];
    this.lo = least < -EXACT || least > EXACT || lo < -EXACT || lo > EXACT ? Number.NEGATIVE_INFINITY : lo;
    this.hi = most < -EXACT || most > EXACT || hi < -EXACT || hi > EXACT ? Number.POSITIVE_INFINITY : hi;
  }

  /** The largest integer that the sum and constant of `f` may be, of which more than its unknowns' ranges may be known. */
  upperBound(f: Form): number {
    this.range(f);
    let { hi } = this;
    const known = this.margin(f, 0);
    if (Number.isFinite(known)) hi = Math.min(hi, f.c - known);
    // A sum of multiples of 8 is bounded like the eighth of it.
    if (f.b !== 0 && f.s % 8 === 0 && f.t % 8 === 0) {
      const eighth = new Form(Base.number, 0, f.a, f.s / 8, f.b, f.t / 8);
      const k = this.margin(eighth, 0);
      if (Number.isFinite(k)) hi = Math.min(hi, f.c - 8 * k);
    }
    return hi;
  }

  /**
   * f + k × g, or undefined. Where that would be more than two unknowns, an operand's two are one from here on: the same one wherever they are
   * added.
   */
  sum(f: Form, g: Form, k: 1 | -1): Form | undefined {
    const whole = combine(f, g, k);
    if (whole !== undefined) return whole;
    const [x, y] = [this.#asOne(f), this.#asOne(g)];
    return combine(x, g, k) ?? combine(f, y, k) ?? combine(x, y, k);
  }

  /** `f` with one unknown in place of two whose sum is a number without a wrap, of which the range is known. */
  #asOne(f: Form): Form {
    if (f.b === 0) return f;
    // Bytes of elements stay multiples.
    const scale = f.s % 8 === 0 && f.t % 8 === 0 ? 8 : 1;
    const unknowns = new Form(Base.number, 0, f.a, f.s / scale, f.b, f.t / scale);
    if (!this.isExact(unknowns)) return f;
    const hi = this.upperBound(unknowns);
    const atom = this.atoms.unknownOf(unknowns);
    this.narrow(atom, this.lo, hi);
    return new Form(f.base, f.c, atom, scale);
  }

  /** A multiple of an unknown, plus a constant, that may wrap around, as the number that it is: another unknown, the same wherever that sum is. */
  wrapped(f: Form): Form | undefined {
    const isSum = f.base === Base.number && f.a !== 0 && f.b === 0;
    return isSum ? ofAtom(this.atoms.unknownOf(f)) : undefined;
  }

  /** An exact number for `f`, or undefined. */
  asNumber(f: Form): Form | undefined {
    return this.isExact(f) ? f : this.wrapped(f);
  }

  /** The same place by a sum of which something is known, where `f` is a multiple of an unknown, plus a constant, and has no exact bound. */
  byKnownSum(f: Form): Form {
    if (f.a === 0 || f.b !== 0) return f;
    this.range(f);
    if (Number.isFinite(this.rangeOf(f.a).hi) && this.hi <= EXACT) return f;
    for (const atom of this.atoms.madeOf(f.a)) {
      const sum = this.atoms.payload[atom];
      if (!(sum instanceof Form) || f.s % sum.s !== 0 || sum.b !== 0) continue;
      if (this.ranges.has(atom) || this.relationsOf(ofAtom(atom)) !== undefined) {
        const times = f.s / sum.s;
        const moved = times * sum.c;
        if (Math.abs(moved) <= EXACT / 2) return new Form(f.base, f.c - moved, atom, times);
      }
    }
    return f;
  }

  rangeOf(atom: number): Range {
    return this.ranges.get(atom) ?? { lo: this.atoms.lo[atom] ?? 0, hi: this.atoms.hi[atom] ?? 0, free: 0 };
  }

  /** The value as an unsigned number is what the form says as an integer. */
  isExact(f: Form): boolean {
    if (f.base !== Base.number) return false;
    if (loneAtom(f) !== 0) return true;
    this.range(f);
    if (this.lo >= 0 && this.hi <= EXACT) return true;
    if (f.s === 1 && f.b === 0 && f.a !== 0 && f.c > 0) return this.rangeOf(f.a).free >= f.c;
    // l - x + c, and x + k ≤ l with k ≥ -c is known.
    for (const [l, sum] of lengthsMinus(this.atoms, f)) {
      if (this.margin(sum, l) >= -f.c) return true;
    }
    return false;
  }

  /** Learns that atom is in [lo, hi], and that adding `free` to it does not wrap around. */
  narrow(atom: number, lo: number, hi: number, free = 0): void {
    const old = this.rangeOf(atom);
    const next = {
      lo: Math.max(old.lo, lo),
      hi: Math.min(old.hi, hi > EXACT ? Number.POSITIVE_INFINITY : hi),
      free: Math.max(old.free, free),
    };
    if (next.lo > next.hi) this.impossible = true;
    if (next.lo === old.lo && next.hi === old.hi && next.free === old.free) return;
    this.ranges.set(atom, next);
    // Without a sign both are the same number.
    const twin = next.hi <= LARGEST_INT ? this.atoms.twin(atom) : 0;
    if (twin !== 0) this.narrow(twin, next.lo, next.hi);
    const kind = this.atoms.kind[atom];
    if (next.lo > old.lo && neverShrinks(kind)) {
      const length = lengthClass(kind, this.atoms.detail[atom] ?? 0);
      if (next.lo > this.leastOf(length)) this.least.set(length, next.lo);
    }
  }

  /** What the length of `lengthClass` is known to be at least: it never shrinks. */
  leastOf(length: number): number {
    return this.least.get(length) ?? 0;
  }

  /** Learns sum + k ≤ l. */
  relate(sum: Form, l: number, k: number): void {
    if (sum.a === 0 || !Number.isSafeInteger(k)) return;
    const key = this.atoms.sum(sum, true);
    const old = this.relations.get(key)?.list ?? [];
    const known = old.find((r) => r.l === l);
    if (known !== undefined && known.k >= k) return;
    const list = [{ l, k }, ...old.filter((r) => r.l !== l)].slice(0, RELATION_LIMIT);
    this.relations.set(key, { sum: new Form(Base.number, 0, sum.a, sum.s, sum.b, sum.t), list });
  }

  /** What is known of the sum of unknowns in `f`; undefined: nothing. */
  relationsOf(f: Form): readonly Relation[] | undefined {
    if (this.relations.size === 0) return undefined;
    const key = this.atoms.sum(f, false);
    return key === 0 ? undefined : this.relations.get(key)?.list;
  }

  /** The largest k such that sum + k ≤ l is known, or -Infinity. */
  margin(sum: Form, l: number): number {
    const list = this.relationsOf(sum);
    if (list !== undefined) for (const r of list) if (r.l === l) return r.k;
    return Number.NEGATIVE_INFINITY;
  }

  /** The largest k such that f + k is known to be at most the length l: an atom, or of `lengthClass`. */
  room(f: Form, l: number): number {
    const least = l > 0 ? this.rangeOf(l).lo : this.leastOf(l);
    return Math.max(this.margin(f, l) - f.c, least - this.upperBound(f));
  }

  /** Learns that the function of the table element at `address`, as it was since `since`, has type number `type`. */
  learnElement(address: Form, since: number, type: number): void {
    this.elements.set(elementKey(address, since), { address, since, type });
  }

  /** The type of the function of a table element, as it was since `since`; -1 when its signature was not compared. */
  elementType(address: Form, since: number): number {
    return this.elements.get(elementKey(address, since))?.type ?? -1;
  }

  /** Tables may hold something else from here on. */
  tablesChange(place: number, block: number): void {
    const now = this.atoms.make(place, Part.tables, block, 0, AtomKind.plain, 0, undefined);
    for (const [key, { since }] of this.elements.entries()) if (since === now) this.elements.delete(key);
    this.tables = now;
  }

  /** Forgets the slots that overlap [from, to). */
  killSlots(from: number, to: number): void {
    if (to - from > 64 * 8) {
      for (const key of this.slots.entries().keys()) if (key + 8 > from && key < to) this.slots.delete(key);
    } else for (let key = from - 7; key < to; key++) this.slots.delete(key);
  }
}

/** For each length l in `f` with factor 1, the negation of the rest's unknowns. */
function lengthsMinus(atoms: Atoms, f: Form): (readonly [number, Form])[] {
  const out: (readonly [number, Form])[] = [];
  if (f.b === 0) return out;
  if (f.s === 1 && isLength(atoms.kind[f.a])) out.push([f.a, new Form(Base.number, 0, f.b, -f.t)]);
  if (f.t === 1 && isLength(atoms.kind[f.b])) out.push([f.b, new Form(Base.number, 0, f.a, -f.s)]);
  return out;
}

/** What a value is as a reference: its token; `null` for null; undefined if it is none. */
export function referenceToken(atoms: Atoms, f: Form): string | null | undefined {
  if (isConstant(f) && f.c === 0) return null;
  const atom = loneAtom(f);
  if (atom === 0 || atoms.kind[atom] !== AtomKind.reference) return undefined;
  const payload = atoms.payload[atom];
  return typeof payload === "string" ? payload : undefined;
}
