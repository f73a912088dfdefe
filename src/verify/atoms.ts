/**
 * All unknowns of one function. An unknown that comes from the same place is the same at every visit; `values.ts` says what they are. Sums of
 * unknowns have numbers, too, so that what is known of them is found by number.
 */

import {
  AtomKind,
  type CompareFlags,
  type Condition,
  Form,
  loneAtom,
  ofAtom,
  type Payload,
  samePayload,
} from "./values.ts";

/** The token of a value that is one of two references; `null` is null; undefined: there is none. */
export type JoinTokens = (x: string | null, y: string | null) => string | undefined;

/** Which of the unknowns that come from one place an atom is. */
export const Part = {
  value: 0,
  low: 1,
  other: 2,
  load: 3,
  reference: 4,
  difference: 5,
  bytes: 6,
  result: 7,
  found: 8,
  rax: 9,
  rdx: 10,
  pop: 11,
  signed: 12,
  sum: 13,
  old: 14,
  vector: 15,
  /** What tables hold from here on. */
  tables: 16,
  /** + number of the operand. */
  high: 20,
  operand: 24,
  lowOperand: 28,
  /** + number of the register. */
  register: 32,
  landing: 64,
  /** + displacement of the slot, which is whole: no other part is like that. */
  slot: 0.5,
  /** - number of a constant that is not exact. */
  constant: -1,
} as const;

/** The place of what was there at the function's start, and of what comes from no place. */
export const NO_PLACE = 0;
/** The place of what is joined at the head of a block; that of an instruction is its address. */
export function headOf(block: number): number {
  return ~block;
}

const FIRST_BUCKETS = 64;

function mix(h: number, n: number): number {
  const product = Math.imul(h ^ (n | 0), 0x9e37_79b1);
  return product ^ (product >>> 15);
}

function hashForm(h: number, f: Form): number {
  return mix(mix(mix(h, f.a), f.b), f.c);
}

function hashPayload(h: number, payload: Payload): number {
  if (typeof payload !== "object") return h;
  if (payload instanceof Form) return hashForm(h, payload);
  let c = payload;
  while (c.op !== "compare") c = c.x;
  return hashForm(hashForm(mix(h, c.condition), c.flags.left), c.flags.right);
}

/** Numbers of things that are kept in columns elsewhere, found by their hash. */
class Buckets {
  #heads = new Int32Array(FIRST_BUCKETS).fill(-1);
  readonly #next: number[] = [];
  readonly #hashes: number[] = [];

  first(hash: number): number {
    return this.#heads[hash & (this.#heads.length - 1)] ?? -1;
  }
  next(n: number): number {
    return this.#next[n] ?? -1;
  }
  hasHash(n: number, hash: number): boolean {
    return this.#hashes[n] === hash;
  }
  /** The next number. */
  add(hash: number): number {
    const n = this.#next.length;
    if (n >= this.#heads.length) this.#grow();
    this.#hashes.push(hash);
    this.#next.push(0);
    this.#link(n, hash);
    return n;
  }
  #link(n: number, hash: number): void {
    const bucket = hash & (this.#heads.length - 1);
    this.#next[n] = this.#heads[bucket] ?? -1;
    this.#heads[bucket] = n;
  }
  #grow(): void {
    this.#heads = new Int32Array(2 * this.#heads.length).fill(-1);
    for (const [n, hash] of this.#hashes.entries()) this.#link(n, hash);
  }
}

const NONE: readonly number[] = [];

export class Atoms {
  readonly joinTokens: JoinTokens;
  readonly kind: number[] = [];
  readonly detail: number[] = [];
  readonly payload: Payload[] = [];
  /** Range of an atom that a state knows nothing more of; 64 bits: up to Infinity. */
  readonly lo: number[] = [];
  readonly hi: number[] = [];
  /** The block that defines it. */
  readonly block: number[] = [];
  /** Blocks of what its payload mentions, when they are others. */
  readonly also: (readonly number[] | undefined)[] = [];
  readonly #place: number[] = [];
  readonly #part: number[] = [];
  readonly #buckets = new Buckets();
  readonly #low: number[] = [];
  readonly #signed: number[] = [];
  readonly #made = new Map<number, number[]>();
  readonly #constants = new Map<string, number>();
  readonly #sums: Form[] = [];
  readonly #sumBuckets = new Buckets();

  constructor(joinTokens: JoinTokens) {
    this.joinTokens = joinTokens;
    // Atom 0 is none.
    this.#add(mix(0, 0), Number.NaN, 0, 0, 0, AtomKind.plain, 0, undefined);
  }

  /** The atom of a place (an instruction, `headOf` a block, or `NO_PLACE`) and `Part` with this kind, the same at every visit. */
  make(place: number, part: number, block: number, hi: number, kind: number, detail: number, payload: Payload): number {
    const hash = hashPayload(mix(mix(mix(mix(kind, place), part), hi), detail), payload);
    for (let atom = this.#buckets.first(hash); atom >= 0; atom = this.#buckets.next(atom)) {
      if (
        this.#buckets.hasHash(atom, hash) &&
        this.#place[atom] === place &&
        this.#part[atom] === part &&
        this.hi[atom] === hi &&
        this.kind[atom] === kind &&
        this.detail[atom] === detail &&
        samePayload(this.payload[atom], payload)
      ) {
        return atom;
      }
    }
    return this.#add(hash, place, part, block, hi, kind, detail, payload);
  }

  #add(
    hash: number,
    place: number,
    part: number,
    block: number,
    hi: number,
    kind: number,
    detail: number,
    payload: Payload,
  ): number {
    this.#place.push(place);
    this.#part.push(part);
    this.kind.push(kind);
    this.detail.push(detail);
    this.payload.push(payload);
    this.lo.push(0);
    this.hi.push(hi);
    this.block.push(block);
    const since = kind === AtomKind.signature || kind === AtomKind.elementCode ? detail : 0;
    this.also.push(this.#mentioned(block, payload, since));
    return this.#buckets.add(hash);
  }

  /** A constant of 64 bits that is no exact number: the same unknown wherever it occurs. */
  constant(bits: string, block: number): number {
    let number = this.#constants.get(bits);
    if (number === undefined) {
      number = this.#constants.size;
      this.#constants.set(bits, number);
    }
    return this.make(NO_PLACE, Part.constant - number, block, Number.POSITIVE_INFINITY, AtomKind.plain, 0, undefined);
  }

  /** What a form without a base is modulo 2^64, as an atom. */
  unknownOf(f: Form): number {
    const atom = this.make(NO_PLACE, Part.sum, this.block[f.a] ?? 0, Number.POSITIVE_INFINITY, AtomKind.sum, 0, f);
    const known = this.#made.get(f.a);
    if (known === undefined) this.#made.set(f.a, [atom]);
    else if (!known.includes(atom)) known.push(atom);
    return atom;
  }

  /** Such atoms of forms that have `atom` as their first unknown. */
  madeOf(atom: number): readonly number[] {
    return this.#made.get(atom) ?? NONE;
  }

  /** Low 32 bits of a form with one unknown and no base, as an atom. */
  low(f: Form): number {
    const plain = loneAtom(f);
    const known = plain === 0 ? undefined : this.#low[plain];
    if (known !== undefined) return known;
    if (this.kind[plain] === AtomKind.signed) return this.twin(plain);
    const c = f.c | 0;
    const form = c === f.c ? f : new Form(f.base, c, f.a, f.s);
    const block = this.block[f.a] ?? 0;
    const atom = this.make(NO_PLACE, Part.low, block, 0xffff_ffff, AtomKind.low, 0, form);
    if (plain !== 0) this.#low[plain] = atom;
    return atom;
  }

  /** An atom of 32 bits with its sign in 64, as an atom. */
  signed(atom: number): number {
    const known = this.#signed[atom];
    if (known !== undefined) return known;
    const block = this.block[atom] ?? 0;
    const copy = this.make(NO_PLACE, Part.signed, block, Number.POSITIVE_INFINITY, AtomKind.signed, 0, ofAtom(atom));
    this.#signed[atom] = copy;
    return copy;
  }

  /** What an atom is with its sign in 64 bits, where that was asked for, or was before it got it; or 0. */
  twin(atom: number): number {
    const payload = this.kind[atom] === AtomKind.signed ? this.payload[atom] : undefined;
    return payload instanceof Form ? payload.a : (this.#signed[atom] ?? 0);
  }

  /** The number of the sum of unknowns in `f`: that of its one unknown, or below 0; 0 when it has none, or, `added` false, was not met. */
  sum(f: Form, added: boolean): number {
    if (f.a === 0 || (f.s === 1 && f.b === 0)) return f.a;
    const hash = mix(mix(mix(mix(1, f.a), f.s), f.b), f.t);
    const buckets = this.#sumBuckets;
    for (let n = buckets.first(hash); n >= 0; n = buckets.next(n)) {
      const g = this.#sums[n];
      if (g !== undefined && g.a === f.a && g.s === f.s && g.b === f.b && g.t === f.t) return ~n;
    }
    if (!added) return 0;
    this.#sums.push(f);
    return ~buckets.add(hash);
  }

  /** Whether the atom, or what it is about, is defined by `block`. */
  isOf(atom: number, block: number): boolean {
    return this.block[atom] === block || (this.also[atom]?.includes(block) ?? false);
  }
  mentions(f: Form, block: number): boolean {
    return (f.a !== 0 && this.isOf(f.a, block)) || (f.b !== 0 && this.isOf(f.b, block));
  }

  /** What was compared mentions it. */
  mentionedIn({ left, right }: CompareFlags, block: number): boolean {
    return this.mentions(left, block) || this.mentions(right, block);
  }

  /** `since`: an atom that it is about besides, or 0. */
  #mentioned(own: number, payload: Payload, since: number): readonly number[] | undefined {
    const out = new Set<number>();
    if (since !== 0) out.add(this.block[since] ?? 0);
    const form = (f: Form): void => {
      for (const atom of [f.a, f.b]) {
        if (atom === 0) continue;
        out.add(this.block[atom] ?? 0);
        for (const b of this.also[atom] ?? []) out.add(b);
      }
    };
    const condition = (c: Condition): void => {
      if (c.op === "compare") {
        form(c.flags.left);
        form(c.flags.right);
      } else if (c.op === "not") condition(c.x);
      else {
        condition(c.x);
        condition(c.y);
      }
    };
    if (payload instanceof Form) form(payload);
    else if (typeof payload === "object") condition(payload);
    out.delete(own);
    return out.size === 0 ? undefined : [...out];
  }
}
