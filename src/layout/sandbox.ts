/**
 * What `windlass verify` must know of an object and can't see in its bytes: which memories, tables and globals there are, who may touch
 * which, and what each function is. Data in `.windlass.info`; the verifier takes it as the policy and checks the code against it.
 *
 * Value types are written as tokens: `i` i32, `l` i64, `f` f32, `d` f64, `v` v128, `r` a reference to any function, `rN` one to a
 * function of signature N or a subtype, `x` any other reference. A function type is `params>results`, without the context: `ilr3>i`.
 */

import type { ContextShape } from "./offsets.ts";

export interface SandboxMemory {
  /** It is never shorter. */
  readonly minBytes: number;
  /** Any zero-extended 32-bit index is harmless: the reservation covers it. */
  readonly guarded: boolean;
}

export interface SandboxTable {
  readonly minElements: number;
  /** `r`, `rN` or `x`. */
  readonly element: string;
  /** Nothing writes to it or lets it grow once wasm code can see it. */
  readonly constant: boolean;
}

/** A core instance: what its functions may touch, by index. */
export interface SandboxInstance {
  readonly memories: readonly number[];
  readonly tables: readonly number[];
  readonly globals: readonly number[];
}

/**
 * What the functions of the text are, in order, as runs of `count`. `of`: the core instance of `wasm`, `trusted` and `instantiate-core`;
 * the memory or table of `memory-grow` and `table-grow`; the lowering of `lowered`; else -1.
 *
 * Kinds: `support NAME`, `wasm`, `trusted` (wasm of the built-in WASI that uses native intrinsics), and the others of the program by
 * their names (`lowered`, `lifted-entry` …).
 */
export interface SandboxFunctions {
  readonly kind: string;
  readonly of: number;
  readonly count: number;
  /** Other core instances whose functions' bodies are in these: they may touch what those may. */
  readonly inlined: readonly number[];
}

/** References to functions in `.rodata`: byte offset, number of elements. */
export interface SandboxImage {
  readonly offset: number;
  readonly count: number;
}

export interface SandboxPolicy {
  readonly shape: ContextShape;
  readonly memories: readonly SandboxMemory[];
  readonly tables: readonly SandboxTable[];
  /** A token for each global. */
  readonly globals: readonly string[];
  /** Length of each passive segment, in bytes or elements, before it is dropped. */
  readonly passive: readonly number[];
  /** A token for each area of elements in the context. */
  readonly elementAreas: readonly string[];
  readonly instances: readonly SandboxInstance[];
  /** Function types, without duplicates. */
  readonly types: readonly string[];
  /** Signature number → index in `types`. */
  readonly signatures: readonly number[];
  /** Signature number → the signatures that are its subtypes, for those that have some. */
  readonly subtypes: readonly (readonly [signature: number, subtypes: readonly number[]])[];
  readonly functions: readonly SandboxFunctions[];
  /** For each function of the text its index in `types`, or -1 for one that wasm code can't call. */
  readonly functionTypes: readonly number[];
  readonly images: readonly SandboxImage[];
  /** References to functions in the payload of an exception: byte offset, token. */
  readonly exceptionReferences: readonly (readonly [offset: number, token: string])[];
  /** Byte offset in `.rodata` of the table of calls that an exception can come back to: a u32 count, return addresses at 16; or -1. */
  readonly catches: number;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
const isCount = (value: unknown): boolean => typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
const isIndex = (value: unknown): boolean => value === -1 || isCount(value);
const isText = (value: unknown): boolean => typeof value === "string";
const isList = (value: unknown, item: (x: unknown) => boolean): boolean => Array.isArray(value) && value.every(item);
const isPair = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isCount(value[0]) && isList(value[1], isCount);
const has =
  (fields: Readonly<Record<string, (x: unknown) => boolean>>) =>
  (value: unknown): boolean =>
    isRecord(value) && Object.entries(fields).every(([name, test]) => test(value[name]));

const isShape = has({
  lowerings: isCount,
  componentInstances: isCount,
  hostResources: isCount,
  memories: (x) => isList(x, has({ style: (s) => s === "guarded" || s === "checked", maxBytes: isCount })),
  tables: (x) => isList(x, has({ maxElements: isCount })),
  globals: isCount,
  passiveSegments: isCount,
  elementAreas: (x) => isList(x, isCount),
  resultSlots: isCount,
  typedHost: (x) => typeof x === "boolean",
  exceptionPayload: (x) => x === undefined || isCount(x),
});

const isPolicy = has({
  shape: isShape,
  memories: (x) => isList(x, has({ minBytes: isCount, guarded: (g) => typeof g === "boolean" })),
  tables: (x) => isList(x, has({ minElements: isCount, element: isText, constant: (c) => typeof c === "boolean" })),
  globals: (x) => isList(x, isText),
  passive: (x) => isList(x, isCount),
  elementAreas: (x) => isList(x, isText),
  instances: (x) =>
    isList(
      x,
      has({
        memories: (l) => isList(l, isCount),
        tables: (l) => isList(l, isCount),
        globals: (l) => isList(l, isCount),
      }),
    ),
  types: (x) => isList(x, isText),
  signatures: (x) => isList(x, isIndex),
  subtypes: (x) => isList(x, isPair),
  functions: (x) => isList(x, has({ kind: isText, of: isIndex, count: isCount, inlined: (l) => isList(l, isCount) })),
  functionTypes: (x) => isList(x, isIndex),
  images: (x) => isList(x, has({ offset: isCount, count: isCount })),
  exceptionReferences: (x) => isList(x, (r) => Array.isArray(r) && r.length === 2 && isCount(r[0]) && isText(r[1])),
  catches: isIndex,
});

/** Whether a value read from JSON has the form of a policy. Says nothing of its numbers fitting together. */
export function isSandboxPolicy(value: unknown): value is SandboxPolicy {
  return isPolicy(value);
}
