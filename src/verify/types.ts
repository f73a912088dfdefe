/** Function types of the policy, read once: where the x64 calling convention puts what, and which of it are references. */

import { RESULT_AREA, RESULT_SLOT_SIZE } from "../layout/offsets.ts";
import type { SandboxPolicy } from "../layout/sandbox.ts";
import { malformed } from "./image.ts";
import type { JoinTokens } from "./atoms.ts";

const INT_ARGUMENTS = [7, 6, 2, 1, 8, 9] as const; // rdi rsi rdx rcx r8 r9
const FLOAT_ARGUMENTS = 8;
const INT_RESULTS = [0, 2] as const; // rax rdx
const FLOAT_RESULTS = 2;

export interface FunctionType {
  readonly text: string;
  /** Bytes of stack arguments, which the callee pops. */
  readonly stackBytes: number;
  /** References: register, or displacement of the stack argument from the first. */
  readonly registerReferences: readonly (readonly [register: number, token: string])[];
  readonly stackReferences: readonly (readonly [offset: number, token: string])[];
  /** References among the results: register, or displacement from the context. */
  readonly resultRegisters: readonly (readonly [register: number, token: string])[];
  readonly resultSlots: readonly (readonly [displacement: number, token: string])[];
}

const TOKEN = /[ilfdvx]|r\d*/y;

function tokens(text: string): string[] {
  const out: string[] = [];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const found = TOKEN.exec(text);
    if (found === null) throw malformed(`.windlass.info: the type ${JSON.stringify(text)}`);
    out.push(found[0]);
  }
  return out;
}

const isFloat = (token: string): boolean => token === "f" || token === "d" || token === "v";
/** The verifier watches references to functions only: nothing can be called through another. */
export const isFunctionReference = (token: string): boolean => token[0] === "r";

function readType(text: string): FunctionType {
  const [params = "", results = "", ...rest] = text.split(">");
  if (rest.length > 0) throw malformed(`.windlass.info: the type ${JSON.stringify(text)}`);
  const registerReferences: [number, string][] = [];
  const stackReferences: [number, string][] = [];
  // The context is the first argument.
  let ints = 1;
  let floats = 0;
  let stack = 0;
  for (const token of tokens(params)) {
    const register = isFloat(token) ? (floats++ < FLOAT_ARGUMENTS ? 0 : undefined) : INT_ARGUMENTS[ints++];
    if (register === undefined) {
      if (token === "v") stack = (stack + 15) & -16;
      if (isFunctionReference(token)) stackReferences.push([stack, token]);
      stack += token === "v" ? 16 : 8;
    } else if (isFunctionReference(token)) registerReferences.push([register, token]);
  }
  const resultRegisters: [number, string][] = [];
  const resultSlots: [number, string][] = [];
  ints = 0;
  floats = 0;
  let slots = 0;
  for (const token of tokens(results)) {
    const register = isFloat(token) ? (floats++ < FLOAT_RESULTS ? 0 : undefined) : INT_RESULTS[ints++];
    if (register === undefined) {
      if (isFunctionReference(token)) resultSlots.push([RESULT_AREA + RESULT_SLOT_SIZE * slots, token]);
      slots++;
    } else if (isFunctionReference(token)) resultRegisters.push([register, token]);
  }
  return {
    text,
    stackBytes: (stack + 15) & -16,
    registerReferences,
    stackReferences,
    resultRegisters,
    resultSlots,
  };
}

export class FunctionTypes {
  readonly list: readonly FunctionType[];
  readonly #byText: ReadonlyMap<string, FunctionType>;
  readonly #signatures: readonly number[];
  readonly #subtypes: ReadonlyMap<number, readonly number[]>;

  /** Throws `WindlassError` on types that can't be read. */
  constructor(policy: SandboxPolicy) {
    this.list = policy.types.map(readType);
    this.#byText = new Map(this.list.map((t) => [t.text, t]));
    this.#signatures = policy.signatures;
    this.#subtypes = new Map(policy.subtypes);
  }

  of(text: string): FunctionType | undefined {
    return this.#byText.get(text);
  }

  /** The type of signature number `signature`, as a position in `list`, or -1. */
  ofSignature(signature: number): number {
    return this.#signatures[signature] ?? -1;
  }
  /** The same for the half of a reference that holds the signature. */
  ofHalf(half: number): number {
    return this.ofSignature(half - 1);
  }

  /** A reference with token `sub` may be where one with token `sup` is expected. */
  fits(sub: string, sup: string): boolean {
    if (sub === sup || sup === "r") return true;
    if (sub === "r") return false;
    return this.#subtypes.get(Number(sup.slice(1)))?.includes(Number(sub.slice(1))) ?? false;
  }

  /** The least supertype of both. */
  readonly join: JoinTokens = (x, y) => {
    if (x === null || y === null) return x ?? y ?? undefined;
    if (x === y) return x;
    if (!isFunctionReference(x) || !isFunctionReference(y)) return undefined;
    if (this.fits(x, y)) return y;
    if (this.fits(y, x)) return x;
    let least = "r";
    for (const supertype of this.#subtypes.keys()) {
      const token = `r${supertype}`;
      if (this.fits(x, token) && this.fits(y, token) && this.fits(token, least)) least = token;
    }
    return least;
  };

  /** References of signature `a` and `b` are called alike. */
  sameType(a: number, b: number): boolean {
    return this.ofSignature(a) >= 0 && this.ofSignature(a) === this.ofSignature(b);
  }
}
