/**
 * What holds at one place of a function: registers, stack slots, ranges of unknowns, and relations between them.
 *
 * A relation is `sum + k ≤ l`, where `l` is an atom, or stands for the current length of a memory or table (`lengthClass`), which never
 * shrinks, so that the relation stays true; or is 0, and then means `sum + k ≤ 0`.
 */

import { SharedMap } from "./shared-map.ts";
import {
  AtomKind,
  type Atoms,
  Base,
  combine,
  type CompareFlags,
  Form,
  formKey,
  isConstant,
  loneAtom,
  ofAtom,
  type Payload,
  sameForm,
  sumKey,
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
const EXACT = 2 ** 53;
/** A range that grows at a join goes on to one of these. */
const STEPS = [255, 65535, 0x7fff_ffff, 0xffff_ffff] as const;

function widen(hi: number): number {
  for (const step of STEPS) if (hi <= step) return step;
  return Number.POSITIVE_INFINITY;
}

/** Slots of the frame are keyed by their displacement from the frame record; of the context's result area by this plus theirs. */
export const RESULT_SLOTS = 2 ** 40;

export class State {
  readonly atoms: Atoms;
  registers: Form[];
  slots: SharedMap<number, Form>;
  ranges: SharedMap<number, Range>;
  relations: SharedMap<string, Relations>;
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

  register(n: number): Form {
    const f = this.registers[n];
    if (f === undefined) throw new RangeError(`no register ${n}`);
    return f;
  }

  /** Bounds of the sum and constant of `f`, as integers, into `lo` and `hi`. */
  range(f: Form): void {
    let lo = f.c;
    let hi = f.c;
    if (f.a !== 0) {
      const r = this.ranges.get(f.a);
      const l = r === undefined ? (this.atoms.lo[f.a] ?? 0) : r.lo;
      const h = r === undefined ? (this.atoms.hi[f.a] ?? 0) : r.hi;
      lo += f.s > 0 ? f.s * l : f.s * h;
      hi += f.s > 0 ? f.s * h : f.s * l;
    }
    if (f.b !== 0) {
      const r = this.ranges.get(f.b);
      const l = r === undefined ? (this.atoms.lo[f.b] ?? 0) : r.lo;
      const h = r === undefined ? (this.atoms.hi[f.b] ?? 0) : r.hi;
      lo += f.t > 0 ? f.t * l : f.t * h;
      hi += f.t > 0 ? f.t * h : f.t * l;
    }
    this.lo = lo;
    this.hi = hi;
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
      for (const r of this.relations.get(sumKey(sum))?.list ?? []) if (r.l === l && r.k >= -f.c) return true;
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
    if (next.lo !== old.lo || next.hi !== old.hi || next.free !== old.free) this.ranges.set(atom, next);
    const kind = this.atoms.kind[atom];
    if (next.lo > old.lo && (kind === AtomKind.memoryLength || kind === AtomKind.tableLength)) {
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
    if (sum.a === 0) return;
    const key = sumKey(sum);
    const old = this.relations.get(key)?.list ?? [];
    const known = old.find((r) => r.l === l);
    if (known !== undefined && known.k >= k) return;
    const list = [{ l, k }, ...old.filter((r) => r.l !== l)].slice(0, RELATION_LIMIT);
    this.relations.set(key, { sum: new Form(Base.number, 0, sum.a, sum.s, sum.b, sum.t), list });
  }

  /** The largest k such that sum + k ≤ l is known, or -Infinity. */
  margin(sum: Form, l: number): number {
    for (const r of this.relations.get(sumKey(sum))?.list ?? []) if (r.l === l) return r.k;
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
  tablesChange(place: string, block: number): void {
    const now = this.atoms.make(`tables ${place}`, block, 0, AtomKind.plain, 0, undefined);
    for (const [key, { since }] of this.elements.entries()) if (since === now) this.elements.delete(key);
    this.tables = now;
  }

  /** Forgets the slots that overlap [from, to). */
  killSlots(from: number, to: number): void {
    if (to - from > 64 * 8) {
      for (const key of this.slots.entries().keys()) if (key + 8 > from && key < to) this.slots.delete(key);
    } else for (let key = from - 7; key < to; key++) this.slots.delete(key);
  }

  /** What holds at the head of block `b`, which is entered from here alone and has run before: its own atoms get other names. */
  renamed(b: number): State {
    const { flags, atoms } = this;
    const out = this.clone();
    out.join(this, b, false);
    if (flags !== undefined && !atoms.mentions(flags.left, b) && !atoms.mentions(flags.right, b)) out.flags = flags;
    return out;
  }

  /**
   * The head of block `b`, entered from a place where `from` holds. Returns whether anything was lost. `loop`: from inside of a loop, where
   * ranges grow in few steps.
   */
  join(from: State, b: number, loop: boolean): boolean {
    return new Join(this, from, b, loop).run();
  }
}

/**
 * What two addresses have in common: base, constant, and scale of their unknowns, as a form whose `s` is that scale; undefined when that is
 * nothing, as of two numbers.
 */
export function commonPart(f: Form, g: Form): Form | undefined {
  if (f.base !== g.base || (f.base !== Base.context && f.base !== Base.image)) return undefined;
  const isMultiple = (n: number, s: number): boolean => n % s === 0;
  // Two constants are so many times their difference.
  const scale = Math.max(f.s, g.s, 1, f.a === 0 && g.a === 0 ? Math.abs(f.c - g.c) : 0);
  const scaled = [f, g].every((x) => isMultiple(x.s, scale) && isMultiple(x.t, scale) && isMultiple(x.c - f.c, scale));
  return new Form(f.base, Math.min(f.c, g.c), 0, scaled ? scale : 1);
}

/** What is known of a value that is x, if `whenX` holds, or y, if `whenY` does, and of lengths. */
export function commonRelations(whenX: State, x: Form, whenY: State, y: Form): readonly Relation[] {
  const out: Relation[] = [];
  const lists = [whenX.relations.get(sumKey(x))?.list, whenY.relations.get(sumKey(y))?.list];
  for (const list of lists) {
    for (const { l } of list ?? []) {
      if (l === 0 || out.some((r) => r.l === l)) continue;
      const k = Math.min(whenX.room(x, l), whenY.room(y, l));
      if (k >= 0) out.push({ l, k });
    }
  }
  return out;
}

/** What two numbers have in common. */
const NUMBERS = new Form(Base.number, 0, 0, 1);

/** `f` as a number of units of what it has in common with another one. */
export function partOf(f: Form, { c, s }: Form): Form {
  return new Form(Base.number, (f.c - c) / s, f.a, f.s / s, f.b, f.t / s);
}

/** For each length l in `f` with factor 1, the negation of the rest's unknowns. */
function lengthsMinus(atoms: Atoms, f: Form): (readonly [number, Form])[] {
  const out: (readonly [number, Form])[] = [];
  const isLength = (atom: number): boolean =>
    atoms.kind[atom] === AtomKind.memoryLength || atoms.kind[atom] === AtomKind.tableLength;
  if (f.b === 0) return out;
  if (f.s === 1 && isLength(f.a)) out.push([f.a, new Form(Base.number, 0, f.b, -f.t)]);
  if (f.t === 1 && isLength(f.b)) out.push([f.b, new Form(Base.number, 0, f.a, -f.s)]);
  return out;
}

/** Kinds that a joined value keeps. */
function keepsKind(kind: number): boolean {
  return kind === AtomKind.memoryLength || kind === AtomKind.tableLength || kind === AtomKind.code;
}

/** What a value is as a reference: its token; `null` for null; undefined if it is none. */
export function referenceToken(atoms: Atoms, f: Form): string | null | undefined {
  if (isConstant(f) && f.c === 0) return null;
  const atom = loneAtom(f);
  if (atom === 0 || atoms.kind[atom] !== AtomKind.reference) return undefined;
  const payload = atoms.payload[atom];
  return typeof payload === "string" ? payload : undefined;
}

/** The token of a value that is one of two references, of which not both are null; or undefined. */
export function joinReferences(atoms: Atoms, x: Form, y: Form): string | undefined {
  const [a, b] = [referenceToken(atoms, x), referenceToken(atoms, y)];
  return a === undefined || b === undefined ? undefined : atoms.joinTokens(a, b);
}

class Join {
  readonly #to: State;
  readonly #from: State;
  readonly #block: number;
  /** Two values → the atom that is one of them. */
  readonly #groups = new Map<string, number>();
  /** Those that are numbers. */
  readonly #numbers: { readonly x: Form; readonly y: Form; readonly atom: number }[] = [];
  readonly #ranges: [number, Range][] = [];
  readonly #relations: [Form, number, number][] = [];
  /** Atoms that the block's head did not have before. */
  readonly #new = new Set<number>();
  #changed = false;
  readonly #loop: boolean;
  constructor(to: State, from: State, block: number, loop: boolean) {
    this.#to = to;
    this.#from = from;
    this.#block = block;
    this.#loop = loop;
  }

  run(): boolean {
    const to = this.#to;
    const from = this.#from;
    for (const key of to.slots.entries().keys()) {
      if (from.slots.has(key)) continue;
      to.slots.delete(key);
      this.#changed = true;
    }
    this.#values(true);
    this.#values(false);
    this.#joinRanges();
    this.#joinRelations();
    this.#joinElements();
    for (const [length, least] of to.least.entries()) {
      const other = from.leastOf(length);
      if (other >= least) continue;
      if (other === 0) to.least.delete(length);
      else to.least.set(length, other);
      this.#changed = true;
    }
    to.flags = undefined;
    if (from.floor > to.floor) {
      to.floor = from.floor;
      this.#changed = true;
    }
    return this.#changed;
  }

  /** What is known of elements as they are now stays known, under another name if something came between. */
  #joinElements(): void {
    const to = this.#to;
    const { atoms } = to;
    const before = to.tables;
    if (before !== this.#from.tables || atoms.isOf(before, this.#block)) {
      to.tables = atoms.make(`tables of ${this.#block}`, this.#block, 0, AtomKind.plain, 0, undefined);
      if (to.tables !== before) this.#changed = true;
    }
    const old = to.elements;
    to.elements = new SharedMap();
    for (const { address, since, type } of old.entries().values()) {
      const isKept = (there: number): boolean =>
        !atoms.mentions(address, this.#block) && this.#from.elementType(address, there) === type;
      const lasts = !atoms.isOf(since, this.#block) && isKept(since);
      const lastsNow = since === before && isKept(this.#from.tables);
      if (lasts) to.learnElement(address, since, type);
      if (lastsNow) to.learnElement(address, to.tables, type);
      if (!lasts && !lastsNow) this.#changed = true;
    }
  }

  /** Joins what is everywhere: numbers first, then addresses, which may be made of them. */
  #values(numbers: boolean): void {
    const to = this.#to;
    const from = this.#from;
    const isNow = (f: Form, g: Form): boolean => (f.base === Base.number && g.base === Base.number) === numbers;
    for (let n = 0; n < to.registers.length; n++) {
      const [old, value] = [to.register(n), from.register(n)];
      if (isNow(old, value)) to.registers[n] = this.#value(old, value, `r${n}`);
    }
    for (const [key, old] of to.slots.entries()) {
      const value = from.slots.get(key);
      if (value === undefined || !isNow(old, value)) continue;
      const joined = this.#value(old, value, `s${key}`);
      if (joined !== old) to.slots.set(key, joined);
    }
  }

  #value(old: Form, value: Form, place: string): Form {
    const { atoms } = this.#to;
    if (sameForm(old, value) && !atoms.mentions(value, this.#block)) return old;
    const joined = this.#likeNumber(old, value) ?? this.#joined(old, value, place);
    if (!sameForm(joined, old)) {
      this.#changed = true;
      this.#new.add(joined.a);
    }
    return joined;
  }

  /** An address that is as far from a number that was joined in both states: an index and what is made of it go on together. */
  #likeNumber(old: Form, value: Form): Form | undefined {
    if (old.base === Base.number || old.base !== value.base) return undefined;
    let best: Form | undefined;
    for (const { x, y, atom } of this.#numbers) {
      const [d, e] = [combine(old, x, -1), combine(value, y, -1)];
      if (d === undefined || e === undefined || d.a !== 0 || !sameForm(d, e)) continue;
      if (best === undefined || Math.abs(d.c) < Math.abs(best.c)) best = new Form(d.base, d.c, atom, 1);
    }
    return best;
  }

  #joined(old: Form, value: Form, place: string): Form {
    const { atoms } = this.#to;
    const block = this.#block;
    let common = commonPart(old, value) ?? NUMBERS;
    // One that goes down and down never settles.
    if (common !== NUMBERS && common.c !== old.c && atoms.mentions(old, block)) common = NUMBERS;
    const [x, y] = common === NUMBERS ? [old, value] : [partOf(old, common), partOf(value, common)];
    const key = `${formKey(x)}|${formKey(y)}`;
    let atom = this.#groups.get(key);
    if (atom === undefined) {
      const [kind, detail, payload] = this.#kind(x, y);
      const isWide = kind === AtomKind.plain || kind === AtomKind.reference;
      const hi = isWide ? Number.POSITIVE_INFINITY : (atoms.hi[loneAtom(x)] ?? 0);
      atom = atoms.make(`${block}:${place}`, block, hi, kind, detail, payload);
      this.#groups.set(key, atom);
      if (common === NUMBERS && old.base === Base.number && value.base === Base.number) {
        this.#numbers.push({ x: old, y: value, atom });
      }
      this.#describe(atom, x, y);
    }
    return new Form(common.base, common === NUMBERS ? 0 : common.c, atom, common.s);
  }

  #kind(old: Form, value: Form): readonly [kind: number, detail: number, payload: Payload] {
    const { atoms } = this.#to;
    const token = joinReferences(atoms, old, value);
    if (token !== undefined) return [AtomKind.reference, 0, token];
    const [a, b] = [loneAtom(old), loneAtom(value)];
    if (a === 0 || b === 0) return [AtomKind.plain, 0, undefined];
    const kind = atoms.kind[a] ?? 0;
    const same = kind === atoms.kind[b] && atoms.detail[a] === atoms.detail[b] && atoms.hi[a] === atoms.hi[b];
    return same && keepsKind(kind) ? [kind, atoms.detail[a] ?? 0, undefined] : [AtomKind.plain, 0, undefined];
  }

  /** Range and relations of the joined value. */
  #describe(atom: number, old: Form, value: Form): void {
    const to = this.#to;
    const from = this.#from;
    if (old.base !== Base.number || value.base !== Base.number || !to.isExact(old) || !from.isExact(value)) return;
    to.range(old);
    from.range(value);
    const hi = Math.max(to.upperBound(old), from.upperBound(value));
    this.#ranges.push([atom, { lo: Math.max(0, Math.min(to.lo, from.lo)), hi, free: 0 }]);
    for (const { l, k } of commonRelations(to, old, from, value)) {
      if (l < 0) this.#relations.push([ofAtom(atom), l, k]);
    }
  }

  #joinRanges(): void {
    const to = this.#to;
    const { atoms } = to;
    const joined = new Map(this.#ranges);
    for (const [atom, old] of to.ranges.entries()) {
      if (atoms.isOf(atom, this.#block)) {
        if (!joined.has(atom)) {
          to.ranges.delete(atom);
          this.#changed = true;
        }
        continue;
      }
      const other = this.#from.rangeOf(atom);
      this.#setRange(atom, old, {
        lo: Math.min(old.lo, other.lo),
        hi: Math.max(old.hi, other.hi),
        free: Math.min(old.free, other.free),
      });
    }
    for (const [atom, range] of joined) {
      const old = to.ranges.get(atom);
      if (old === undefined) {
        // Nothing is known of an atom that was here before.
        if (this.#new.has(atom) && (range.lo > 0 || range.hi < (atoms.hi[atom] ?? 0))) to.ranges.set(atom, range);
      } else
        this.#setRange(atom, old, {
          lo: Math.min(old.lo, range.lo),
          hi: Math.max(old.hi, range.hi),
          free: 0,
        });
    }
  }

  /** `range` contains `old`. */
  #setRange(atom: number, old: Range, range: Range): void {
    if (range.lo === old.lo && range.hi === old.hi && range.free === old.free) return;
    const { ranges, atoms } = this.#to;
    this.#changed = true;
    const next = this.#loop
      ? {
          lo: range.lo < old.lo ? 0 : old.lo,
          hi: range.hi > old.hi ? widen(range.hi) : old.hi,
          free: range.free < old.free ? 0 : old.free,
        }
      : range;
    const intrinsic = atoms.hi[atom] ?? 0;
    if (next.lo === 0 && next.hi >= intrinsic && next.free === 0) ranges.delete(atom);
    else ranges.set(atom, next);
  }

  #joinRelations(): void {
    const to = this.#to;
    const { atoms } = to;
    const made = new Map<string, Relation[]>();
    for (const [sum, l, k] of this.#relations) {
      const key = sumKey(sum);
      const list = made.get(key);
      if (list === undefined) made.set(key, [{ l, k }]);
      else list.push({ l, k });
    }
    for (const [key, relations] of to.relations.entries()) {
      let list: readonly Relation[];
      // Those of joined values were worked out anew.
      if (atoms.mentions(relations.sum, this.#block)) list = this.#lasting(made.get(key) ?? [], relations.list);
      else {
        const kept: Relation[] = [];
        for (const r of relations.list) {
          if (r.l > 0 && atoms.isOf(r.l, this.#block)) continue;
          const k = Math.min(r.k, this.#from.margin(relations.sum, r.l));
          if (Number.isFinite(k)) kept.push(k === r.k ? r : { l: r.l, k });
        }
        list = kept;
      }
      const same = list.length === relations.list.length && relations.list.every((r, i) => r.k === list[i]?.k);
      if (same) continue;
      this.#changed = true;
      if (list.length === 0) to.relations.delete(key);
      else to.relations.set(key, { sum: relations.sum, list });
    }
    // Of values that were not joined before.
    for (const [sum, l, k] of this.#relations) {
      if (this.#new.has(sum.a)) to.relate(sum, l, k);
    }
  }

  /** Those of `now` that held before. One that gets weaker with each round of a loop never settles. */
  #lasting(now: readonly Relation[], before: readonly Relation[]): readonly Relation[] {
    return now.flatMap(({ l, k }) => {
      const old = before.find((r) => r.l === l);
      if (old === undefined || (this.#loop && k < old.k)) return [];
      return [k < old.k ? { l, k } : old];
    });
  }
}
