/**
 * What the verifier knows of a 64-bit value: a base plus a sum of at most two scaled unknowns plus a constant, modulo 2^64.
 *
 * An unknown is an `Atom`: the result of one instruction, or of a join at a block's head. It stands for one and the same value wherever
 * it occurs in a state, so that a bound learnt from one copy holds for all. When its block is entered again, values that still mention it
 * are renamed (`state.ts`), because it is about to mean something else.
 */

/** What a value is relative to. */
export const Base = {
  number: 0,
  /** The context of this call. */
  context: 1,
  /** The address space of the file: text and read-only data (`image.ts`). */
  image: 2,
  /** Where the caller's rbp is saved: the frame record. rsp is frame + 8 at the function's start. */
  frame: 3,
  /** The return address. */
  returnAddress: 4,
  /** An address that the host gave: an argument of an entry. */
  host: 5,
  /** + register number: what a register held at the function's start. */
  saved: 16,
} as const;

/** base + s × atom a + t × atom b + c. Atom 0 is none; a < b when both are there. Immutable. */
export class Form {
  readonly base: number;
  readonly c: number;
  readonly a: number;
  readonly s: number;
  readonly b: number;
  readonly t: number;
  constructor(base: number, c: number, a = 0, s = 0, b = 0, t = 0) {
    this.base = base;
    this.c = c;
    this.a = a;
    this.s = s;
    this.b = b;
    this.t = t;
  }
}

export function sameForm(f: Form, g: Form): boolean {
  return f === g || (f.c === g.c && f.a === g.a && f.base === g.base && f.s === g.s && f.b === g.b && f.t === g.t);
}
export function formKey(f: Form): string {
  return `${f.base},${f.c},${f.a},${f.s},${f.b},${f.t}`;
}

export const ZERO = new Form(Base.number, 0);
export function constant(c: number): Form {
  return new Form(Base.number, c);
}
export function ofAtom(atom: number): Form {
  return new Form(Base.number, 0, atom, 1);
}
export function isConstant(f: Form): boolean {
  return f.base === Base.number && f.a === 0;
}
/** One unknown and nothing else: its atom, or 0. */
export function loneAtom(f: Form): number {
  return f.base === Base.number && f.c === 0 && f.s === 1 && f.b === 0 ? f.a : 0;
}

/** Constants and scales stay far from where numbers become inexact. */
const FORM_LIMIT = 2 ** 51;
function isExact(f: Form): boolean {
  return Math.abs(f.c) <= FORM_LIMIT && Math.abs(f.s) <= FORM_LIMIT && Math.abs(f.t) <= FORM_LIMIT;
}

/** f + k × g, or undefined when that is no form. */
export function combine(f: Form, g: Form, k: number): Form | undefined {
  let base = f.base;
  if (g.base !== Base.number) {
    if (k === 1 && base === Base.number) base = g.base;
    else if (k === -1 && base === g.base && base < Base.saved) base = Base.number;
    else return undefined;
  }
  const out = addTerm({ a: f.a, s: f.s, b: f.b, t: f.t }, g.a, g.s * k);
  const both = out === undefined ? undefined : addTerm(out, g.b, g.t * k);
  if (both === undefined) return undefined;
  const result = new Form(base, f.c + g.c * k, both.a, both.s, both.b, both.t);
  return isExact(result) ? result : undefined;
}

interface Terms {
  readonly a: number;
  readonly s: number;
  readonly b: number;
  readonly t: number;
}

function terms(a: number, s: number, b: number, t: number): Terms {
  if (a === 0 || s === 0) return b === 0 || t === 0 ? { a: 0, s: 0, b: 0, t: 0 } : { a: b, s: t, b: 0, t: 0 };
  if (b === 0 || t === 0) return { a, s, b: 0, t: 0 };
  return a < b ? { a, s, b, t } : { a: b, s: t, b: a, t: s };
}

function addTerm(x: Terms, atom: number, scale: number): Terms | undefined {
  if (atom === 0 || scale === 0) return x;
  if (x.a === atom) return terms(x.a, x.s + scale, x.b, x.t);
  if (x.b === atom) return terms(x.a, x.s, x.b, x.t + scale);
  if (x.a === 0) return terms(atom, scale, x.b, x.t);
  if (x.b === 0) return terms(x.a, x.s, atom, scale);
  return undefined;
}

/** k × f, or undefined. */
export function multiply(f: Form, k: number): Form | undefined {
  if (k === 1) return f;
  if (f.base !== Base.number) return undefined;
  const result = new Form(Base.number, f.c * k, f.a, f.s * k, f.b, f.t * k);
  return isExact(result) ? (k === 0 ? ZERO : result) : undefined;
}

/** What an atom is, besides a number. */
export const AtomKind = {
  plain: 0,
  /** Current length of memory `detail` (bytes), of table `detail` (elements): it never shrinks. */
  memoryLength: 1,
  tableLength: 2,
  /** The context's stack limit. */
  stackLimit: 3,
  /** Signature half of the table element at the address `payload`, as it was since `detail` (`State.tables`). */
  signature: 4,
  /** Offset of a function's code from the text base; its type is number `detail` of the policy. */
  code: 5,
  /** A reference whose token is `payload`. */
  reference: 6,
  /** One of the `payload` distances, 4 bytes each, that a jump table has from address `detail` on; a distance is `signed`. */
  jumpTable: 7,
  /** 0 or 1: whether `payload`, a `Condition`, holds. */
  condition: 8,
  /** The same, in the low byte; the rest is anything. */
  conditionByte: 9,
  /** The low 32 bits of form `payload`. */
  low: 10,
  /** Offset of the code of that element, as it was since `detail`; its signature was not compared when it was loaded. */
  elementCode: 12,
  /** Callee of lowering `detail`, or destructor of host resource `detail`. */
  hostFunction: 11,
  /** What is left of a passive segment: bytes or elements. */
  segmentLength: 15,
  /** What form `payload` is modulo 2^64. */
  sum: 14,
  /** The 32-bit number of form `payload`, an atom, with its sign in 64 bits. */
  signed: 16,
  /** Whether the operand was not 0 in which `payload` is the position of a bit; it has `detail` bits. */
  scan: 13,
} as const;

/** The current length of a memory or table. */
export function neverShrinks(
  kind: number | undefined,
): kind is typeof AtomKind.memoryLength | typeof AtomKind.tableLength {
  return kind === AtomKind.memoryLength || kind === AtomKind.tableLength;
}

/** What is compared with lengths is remembered. */
export function isLength(kind: number | undefined): boolean {
  return neverShrinks(kind) || kind === AtomKind.segmentLength;
}

export interface CompareFlags {
  /** `compare`: of left with right, unsigned or signed; `result`: of left with 0, only equal or not. */
  readonly kind: "compare" | "result";
  readonly size: number;
  readonly left: Form;
  readonly right: Form;
}

export type Condition =
  | { readonly op: "compare"; readonly condition: number; readonly flags: CompareFlags }
  | { readonly op: "and" | "or"; readonly x: Condition; readonly y: Condition; readonly size: number }
  | { readonly op: "not"; readonly x: Condition; readonly size: number };

/** A condition of more parts is not understood. */
const CONDITION_LIMIT = 40;

/** `x and y`, `x or y`, `not x`; undefined when it would be too large. */
export function both(op: "and" | "or", x: Condition, y: Condition): Condition | undefined {
  const size = sizeOf(x) + sizeOf(y) + 1;
  return size > CONDITION_LIMIT ? undefined : { op, x, y, size };
}
export function not(x: Condition): Condition | undefined {
  const size = sizeOf(x) + 1;
  return size > CONDITION_LIMIT ? undefined : { op: "not", x, size };
}
function sizeOf(c: Condition): number {
  return c.op === "compare" ? 1 : c.size;
}

function sameCondition(c: Condition, d: Condition): boolean {
  if (c === d) return true;
  if (c.op === "compare") {
    return d.op === "compare" && c.condition === d.condition && sameFlags(c.flags, d.flags);
  }
  if (c.op === "not") return d.op === "not" && sameCondition(c.x, d.x);
  return c.op === d.op && sameCondition(c.x, d.x) && sameCondition(c.y, d.y);
}

export function sameFlags(f: CompareFlags, g: CompareFlags): boolean {
  if (f === g) return true;
  return f.kind === g.kind && f.size === g.size && sameForm(f.left, g.left) && sameForm(f.right, g.right);
}

export type Payload = Form | Condition | string | number | undefined;

export function samePayload(p: Payload, q: Payload): boolean {
  if (p === q) return true;
  if (typeof p !== "object" || typeof q !== "object") return false;
  if (p instanceof Form) return q instanceof Form && sameForm(p, q);
  return !(q instanceof Form) && sameCondition(p, q);
}
