/** Value types of the IR. Small integers, so that they live in byte columns. */

export type Type = 0 | 1 | 2 | 3 | 4;

export const I32: Type = 0;
/** Also every pointer, function reference (`layout/funcref.ts`) and external reference. */
export const I64: Type = 1;
export const F32: Type = 2;
export const F64: Type = 3;
export const V128: Type = 4;

const NAMES = ["i32", "i64", "f32", "f64", "v128"] as const;
const SIZES = [4, 8, 4, 8, 16] as const;
const ALL: readonly Type[] = [I32, I64, F32, F64, V128];

export function typeName(type: Type): string {
  return NAMES[type];
}

/** Size in bytes. */
export function typeSize(type: Type): number {
  return SIZES[type];
}

export function isFloatOrVector(type: Type): boolean {
  return type >= F32;
}

/** The type with this name, or `undefined`. */
export function typeFromName(name: string): Type | undefined {
  return ALL.find((t) => NAMES[t] === name);
}

/** The type with this code: how a column's byte becomes a `Type` again. Throws `RangeError` on any other number. */
export function typeFromCode(code: number): Type {
  const type = ALL[code];
  if (type === undefined) throw new RangeError(`no IR type has the code ${code}`);
  return type;
}

/**
 * How a call passes values.
 * - `wasm`: context first; C argument registers; stack arguments popped by the callee; results: the first two integers in
 *   rax, rdx, the first two floats in xmm0, xmm1 (x64), all others in the context's result area, 16 bytes each.
 * - `c`: the platform's C convention, at most one result.
 */
export type CallConvention = "wasm" | "c";

export interface Signature {
  readonly params: readonly Type[];
  readonly results: readonly Type[];
  readonly convention: CallConvention;
}

export function signaturesEqual(a: Signature, b: Signature): boolean {
  return (
    a.convention === b.convention &&
    a.params.length === b.params.length &&
    a.results.length === b.results.length &&
    a.params.every((t, i) => t === b.params[i]) &&
    a.results.every((t, i) => t === b.results[i])
  );
}

/** The same for equal signatures. */
export function signatureHash({ params, results, convention }: Signature): number {
  let hash = convention === "c" ? 1 : 2;
  for (const type of params) hash = Math.imul(hash ^ type, 0x9e37_79b1);
  hash = Math.imul(hash ^ 0xff, 0x9e37_79b1);
  for (const type of results) hash = Math.imul(hash ^ type, 0x9e37_79b1);
  return hash ^ (hash >>> 15);
}

export function formatSignature(s: Signature): string {
  const results = s.results.length === 0 ? "" : ` -> ${s.results.map(typeName).join(", ")}`;
  return `(${s.params.map(typeName).join(", ")})${results} ${s.convention}`;
}
