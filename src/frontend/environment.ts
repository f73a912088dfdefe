/**
 * What the translation of a wasm body asks of the program around it. `program.ts` implements it; `wasm/` uses it. The interface
 * keeps the two apart: the translator knows bodies, and nothing of how symbols are numbered or support code is made.
 */

import type { FuncBuilder } from "../ir/builder.ts";
import type { DataSymbol, FuncSymbol, Value } from "../ir/function.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import type { VMComponentOffsets } from "../layout/offsets.ts";
import type { Component, CoreFunc, CoreInstanceIndex, MemoryIndex, TableIndex } from "../plan/component.ts";
import type { FuncType } from "../wasm/types.ts";
import type { ExceptionLayout } from "./exception-layout.ts";
import type { ComponentFacts } from "./wasm/facts.ts";

/**
 * Run-time support that wasm code calls. All have the convention `wasm`: context first. Addresses are native, and the caller has
 * checked every bound.
 */
export const SUPPORT_SIGNATURES = {
  /** (context, destination, source, length in bytes): as `memmove`, the ranges may overlap. */
  memory_copy: { params: [I64, I64, I64, I64], results: [], convention: "wasm" },
  /** (context, destination, byte, length in bytes): as `memset`. */
  memory_fill: { params: [I64, I64, I32, I64], results: [], convention: "wasm" },
  /** (context, destination, reference, number of elements): 8 bytes an element. */
  table_fill: { params: [I64, I64, I64, I64], results: [], convention: "wasm" },
  /** (context, nanoseconds): returns when they have passed. */
  sleep: { params: [I64, I64], results: [], convention: "wasm" },

  // Exceptions (`exceptions.ts`). A status is the number of a tag plus one. The first two don't come back behind the call.
  /** (context, status): throws the exception whose payload is in the context. */
  throw: { params: [I64, I32], results: [], convention: "wasm" },
  /** (context, exception reference): throws it again. */
  throw_ref: { params: [I64, I64], results: [], convention: "wasm" },
  /** (context, status) → exception reference: a new cell with the payload that is in the context. */
  exception_new: { params: [I64, I32], results: [I64], convention: "wasm" },
  /** (context, status) → exception reference to what was just caught. */
  exception_capture: { params: [I64, I32], results: [I64], convention: "wasm" },
} as const satisfies Record<string, Signature>;

export type SupportFunction = keyof typeof SUPPORT_SIGNATURES;

/** (context, number of pages) → pages before, or −1. The count is zero-extended for a 32-bit memory. */
export const MEMORY_GROW_SIGNATURE: Signature = { params: [I64, I64], results: [I64], convention: "wasm" };
/** (context, number of elements, initial reference) → elements before, or −1. */
export const TABLE_GROW_SIGNATURE: Signature = { params: [I64, I64, I64], results: [I64], convention: "wasm" };

export type SegmentImage =
  | { readonly kind: "image"; readonly symbol: DataSymbol }
  | { readonly kind: "area"; readonly displacement: number };

export interface FunctionEnvironment {
  readonly component: Component;
  readonly offsets: VMComponentOffsets;
  /** The instance whose functions are translated. */
  readonly instance: CoreInstanceIndex;
  /** `analyzeComponent(component)`, made once for the program. */
  readonly facts: ComponentFacts;
  /** Loops and functions that call others ask whether the host wants the guest to stop. */
  readonly interruptible: boolean;
  /** Undefined when the component has no tags: then nothing is ever thrown. */
  readonly exceptions: ExceptionLayout | undefined;

  /** The symbol of a resolved core function that is no intrinsic. */
  functionSymbol(func: CoreFunc): FuncSymbol;
  /** Context (i64) and parameters → results, convention `wasm`; the same object for the same type. */
  signature(type: FuncType): Signature;
  /** The bytes of a passive data segment of this instance's module. */
  dataSegment(segment: number): DataSymbol;
  /**
   * The references of a passive element segment of this instance, 8 bytes each (`layout/funcref.ts`): an image, or the displacement
   * from the context where instantiation puts them.
   */
  elementSegment(segment: number): SegmentImage;
  /** Displacement from the context of a passive segment's current length (u32: bytes or elements; 0 once dropped). */
  segmentLength(kind: "data" | "element", segment: number): number;
  support(name: SupportFunction): FuncSymbol;
  /** `MEMORY_GROW_SIGNATURE`. */
  memoryGrow(memory: MemoryIndex): FuncSymbol;
  /** `TABLE_GROW_SIGNATURE`. */
  tableGrow(table: TableIndex): FuncSymbol;
  /**
   * Expands the `windlass:native` intrinsic `name` where the builder stands, and leaves the builder in the block that goes on
   * (which the expansion's start dominates), or closed when control does not come back. `args[0]` is the context.
   * Throws `WindlassError` when there is no such intrinsic.
   */
  expandIntrinsic(builder: FuncBuilder, name: string, args: readonly Value[]): readonly Value[];
}
