/** Operators that follow from their row in the opcode table alone, by what they give; and which opcodes there are to test. */

import { OPCODES, type OpcodeRow, REFUSED_FEATURES } from "../../src/wasm/opcodes.ts";
import type { Types } from "./tree.ts";

export interface Operator {
  readonly name: string;
  readonly code: number;
  readonly immediates: "none" | "memarg" | "memargLane" | "atomic" | "lane" | "shuffle";
  /** `a` is an address. */
  readonly params: Types;
  readonly results: Types;
  /** Log2 of the access, or number of lanes. */
  readonly extra: number;
}

/** What is not generated, and why. */
export const LEFT_OUT: readonly { readonly names: RegExp; readonly reason: string }[] = [
  { names: /^memory\.atomic\./, reason: "waiting and notifying need a second thread" },
  { names: /^atomic\.fence$/, reason: "has an immediate of its own, and nothing to see" },
];

function isOne(immediates: string): immediates is Operator["immediates"] {
  return ["none", "memarg", "memargLane", "atomic", "lane", "shuffle"].includes(immediates);
}

const rows: readonly OpcodeRow[] = OPCODES;

/** Opcodes that are compiled, each of which the random programs have to execute. */
export const COMPILED: readonly { readonly name: string; readonly code: number }[] = rows.flatMap(
  ([name, code, , , feature]) => {
    if (REFUSED_FEATURES.includes(feature) || LEFT_OUT.some(({ names }) => names.test(name))) return [];
    return [{ name, code }];
  },
);

const compiled = new Set(COMPILED.map(({ code }) => code));

/** Those with a fixed signature and operands that are of no special form. */
export const OPERATORS: readonly Operator[] = rows.flatMap(([name, code, immediates, signature, , extra]) => {
  if (signature === "*" || signature === ":" || !isOne(immediates) || !compiled.has(code)) return [];
  const [params = "", results = ""] = signature.split(":");
  return [{ name, code, immediates, params, results, extra: extra ?? 0 }];
});

const CODE: ReadonlyMap<string, number> = new Map(rows.map((row) => [row[0], row[1]]));

/** The opcode of a mnemonic. Throws `RangeError`. */
export function codeOf(name: string): number {
  const code = CODE.get(name);
  if (code === undefined) throw new RangeError(`no operator ${name}`);
  return code;
}

const BY_RESULT = new Map<Types, Operator[]>();
for (const operator of OPERATORS) {
  const list = BY_RESULT.get(operator.results) ?? [];
  list.push(operator);
  BY_RESULT.set(operator.results, list);
}

/** Operators that give values of these types. */
export function operatorsOf(results: Types): readonly Operator[] {
  return BY_RESULT.get(results) ?? [];
}

/** Vector operators that compute floats: which bits a NaN has is not said. */
export function floatLanes(name: string): 32 | 64 | undefined {
  const match =
    /^(f32x4|f64x2)\.(add|sub|mul|div|min|max|sqrt|ceil|floor|trunc|nearest|demote_f64x2_zero|promote_low_f32x4|relaxed_(n?madd|min|max))$/.exec(
      name,
    );
  if (match === null) return undefined;
  return match[1] === "f32x4" ? 32 : 64;
}
