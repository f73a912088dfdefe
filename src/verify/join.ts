/**
 * Where paths meet: what holds whichever of them was taken. Values that differ become one new unknown with what is known of both; what is
 * known of one only is lost.
 */

import { type Atoms, headOf, Part } from "./atoms.ts";
import { type Range, type Relation, type State, referenceToken } from "./state.ts";
import { SharedMap } from "./shared-map.ts";
import {
  AtomKind,
  Base,
  combine,
  Form,
  loneAtom,
  neverShrinks,
  ofAtom,
  type Payload,
  sameFlags,
  sameForm,
} from "./values.ts";

/** A range that grows at a join goes on to one of these. */
const STEPS = [255, 65535, 0x7fff_ffff, 0xffff_ffff] as const;

function widen(hi: number): number {
  for (const step of STEPS) if (hi <= step) return step;
  return Number.POSITIVE_INFINITY;
}

/**
 * `to`, the head of block `b`, is entered from a place where `from` holds, too. Returns whether anything was lost. `loop`: from inside of a
 * loop, where ranges grow in few steps.
 */
export function join(to: State, from: State, b: number, loop: boolean): boolean {
  return new Join(to, from, b, loop).run();
}

/** What holds at the head of block `b`, which is entered from `state` alone and has run before: its own atoms get other names. */
export function renamed(state: State, b: number): State {
  const out = state.clone();
  if (state.mentions(b)) join(out, state, b, false);
  return out;
}

/** The greatest common one, with either sign. */
function divisor(x: number, y: number): number {
  return y === 0 ? x : divisor(y, x % y);
}

/**
 * What two addresses have in common: base, constant, and scale of their unknowns, as a form whose `s` is that scale; undefined when that is
 * nothing, as of two numbers.
 */
export function commonPart(f: Form, g: Form): Form | undefined {
  if (f.base !== g.base || (f.base !== Base.context && f.base !== Base.image)) return undefined;
  const scale = [f.t, g.s, g.t, f.c - g.c].reduce(divisor, f.s);
  return new Form(f.base, Math.min(f.c, g.c), 0, Math.abs(scale) || 1);
}

/** What is known of a value that is x, if `whenX` holds, or y, if `whenY` does, and of lengths: those of relations of either, and `lengths`. */
export function commonRelations(
  whenX: State,
  x: Form,
  whenY: State,
  y: Form,
  lengths: readonly number[] = [],
): readonly Relation[] {
  const out: Relation[] = [];
  const known = [...(whenX.relationsOf(x) ?? []), ...(whenY.relationsOf(y) ?? [])];
  for (const l of new Set([...known.map((r) => r.l), ...lengths])) {
    if (l === 0) continue;
    const k = Math.min(whenX.room(x, l), whenY.room(y, l));
    if (k >= 0) out.push({ l, k });
  }
  return out;
}

/** What two numbers have in common. */
const NUMBERS = new Form(Base.number, 0, 0, 1);

/** `f` as a number of units of what it has in common with another one. */
export function partOf(f: Form, { c, s }: Form): Form {
  return new Form(Base.number, (f.c - c) / s, f.a, f.s / s, f.b, f.t / s);
}

/** Kinds that a joined value keeps. */
function keepsKind(kind: number): boolean {
  return neverShrinks(kind) || kind === AtomKind.code;
}

/** The token of a value that is one of two references, of which not both are null; or undefined. */
export function joinReferences(atoms: Atoms, x: Form, y: Form): string | undefined {
  const [a, b] = [referenceToken(atoms, x), referenceToken(atoms, y)];
  return a === undefined || b === undefined ? undefined : atoms.joinTokens(a, b);
}

/** An atom that is one of two values. */
interface Group {
  readonly x: Form;
  readonly y: Form;
  readonly atom: number;
  /** With the same hash. */
  readonly next: Group | undefined;
}

function hashOf(x: Form, y: Form): number {
  return (Math.imul(x.a, 0x9e37_79b1) ^ (x.c | 0)) + Math.imul(Math.imul(y.a, 0x85eb_ca6b) ^ (y.c | 0), 31);
}

function areNumbers(x: Form, y: Form): boolean {
  return x.base === Base.number && y.base === Base.number;
}

class Join {
  readonly #to: State;
  readonly #from: State;
  readonly #block: number;
  /** By `hashOf` their values. */
  readonly #groups = new Map<number, Group>();
  /** `Part` of each address that differs. */
  readonly #addresses: number[] = [];
  /** Groups of numbers. */
  readonly #numbers: Group[] = [];
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
    this.#values();
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
    this.#joinFlags();
    if (from.floor > to.floor) {
      to.floor = from.floor;
      this.#changed = true;
    }
    return this.#changed;
  }

  /** What was compared stays known where it was the same. */
  #joinFlags(): void {
    const { flags, atoms } = this.#to;
    const { flags: other } = this.#from;
    if (flags === undefined) return;
    const isSame = other !== undefined && sameFlags(flags, other);
    if (isSame && !atoms.mentionedIn(flags, this.#block)) return;
    this.#to.flags = undefined;
    this.#changed = true;
  }

  /** What is known of elements as they are now stays known, under another name if something came between. */
  #joinElements(): void {
    const to = this.#to;
    const { atoms } = to;
    const before = to.tables;
    if (before !== this.#from.tables || atoms.isOf(before, this.#block)) {
      to.tables = atoms.make(headOf(this.#block), Part.tables, this.#block, 0, AtomKind.plain, 0, undefined);
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
  #values(): void {
    const to = this.#to;
    const from = this.#from;
    for (let n = 0; n < to.registers.length; n++) {
      const old = to.register(n);
      const value = from.register(n);
      if (this.#isKept(old, value)) continue;
      if (areNumbers(old, value)) to.registers[n] = this.#value(old, value, Part.register + n);
      else this.#addresses.push(Part.register + n);
    }
    for (const [key, old] of to.slots.entries()) {
      const value = from.slots.get(key);
      if (value === undefined || this.#isKept(old, value)) continue;
      if (areNumbers(old, value)) this.#setSlot(key, old, this.#value(old, value, Part.slot + key));
      else this.#addresses.push(Part.slot + key);
    }
    for (const part of this.#addresses) {
      const n = part - Part.register;
      const isRegister = Number.isInteger(part);
      const old = isRegister ? to.register(n) : to.slots.get(part - Part.slot);
      const value = isRegister ? from.register(n) : from.slots.get(part - Part.slot);
      if (old === undefined || value === undefined) continue;
      const joined = this.#value(old, value, part);
      if (isRegister) to.registers[n] = joined;
      else this.#setSlot(part - Part.slot, old, joined);
    }
  }

  #setSlot(key: number, old: Form, joined: Form): void {
    if (joined !== old) this.#to.slots.set(key, joined);
  }

  #isKept(old: Form, value: Form): boolean {
    return sameForm(old, value) && !this.#to.atoms.mentions(value, this.#block);
  }

  #value(old: Form, value: Form, part: number): Form {
    const joined = this.#likeNumber(old, value) ?? this.#joined(old, value, part);
    if (sameForm(joined, old)) return old;
    this.#changed = true;
    this.#new.add(joined.a);
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

  #joined(old: Form, value: Form, part: number): Form {
    const { atoms } = this.#to;
    const block = this.#block;
    let common = commonPart(old, value) ?? NUMBERS;
    // One that goes down and down never settles.
    if (common !== NUMBERS && common.c !== old.c && atoms.mentions(old, block)) common = NUMBERS;
    const x = common === NUMBERS ? old : partOf(old, common);
    const y = common === NUMBERS ? value : partOf(value, common);
    const atom = this.#groupOf(x, y) ?? this.#group(x, y, part, common === NUMBERS && areNumbers(old, value));
    return new Form(common.base, common === NUMBERS ? 0 : common.c, atom, common.s);
  }

  #groupOf(x: Form, y: Form): number | undefined {
    let group = this.#groups.get(hashOf(x, y));
    while (group !== undefined && !(sameForm(group.x, x) && sameForm(group.y, y))) group = group.next;
    return group?.atom;
  }

  /** A new atom that is x or y. */
  #group(x: Form, y: Form, part: number, isNumber: boolean): number {
    const { atoms } = this.#to;
    const [kind, detail, payload] = this.#kind(x, y);
    const isWide = kind === AtomKind.plain || kind === AtomKind.reference;
    const hi = isWide ? Number.POSITIVE_INFINITY : (atoms.hi[loneAtom(x)] ?? 0);
    const atom = atoms.make(headOf(this.#block), part, this.#block, hi, kind, detail, payload);
    const hash = hashOf(x, y);
    const group = { x, y, atom, next: this.#groups.get(hash) };
    this.#groups.set(hash, group);
    if (isNumber) this.#numbers.push(group);
    this.#describe(atom, x, y);
    return atom;
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
      if (other === old) continue;
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
    const made = new Map<number, Relation[]>();
    for (const [sum, l, k] of this.#relations) {
      const key = sum.a;
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
