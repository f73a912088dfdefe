/**
 * The two sides of a transfer of values (Canonical ABI, `LiftLowerContext`): what lifting and lowering need of the component instance that they
 * work for. The front end implements them for guests.
 *
 * Guest pointers and lengths are `i64` here, whatever the memory's address type: zero-extended where they come in.
 */

import type { ResourceIndex } from "../component/types.ts";
import type { Flattening } from "./flatten.ts";
import type { Sizes } from "./sizes.ts";

export type StringEncoding = "utf8" | "utf16" | "latin1+utf16";

/** A linear memory, and the sizes of types in it. */
export interface MemoryContext<V> {
  readonly sizes: Sizes;
  /** The native address of a guest pointer. */
  address(pointer: V): V;
  /** Its current length in bytes (`i64`): asked again behind every call. */
  length(): V;
}

interface Side<V> {
  readonly flattening: Flattening;
  readonly stringEncoding: StringEncoding;
  /** Throws `InternalError` when the canonical definition names none. */
  readonly memory: MemoryContext<V>;
}

/** `cx` where values are lifted. */
export interface LiftContext<V> extends Side<V> {
  /** `lift_own`: the representation (`i64`) of the resource behind a handle (`i32`), which is gone from the table. */
  liftOwn(resource: ResourceIndex, handle: V): V;
  /** `lift_borrow`. */
  liftBorrow(resource: ResourceIndex, handle: V): V;
}

/** `cx` where values are lowered. */
export interface LowerContext<V> extends Side<V> {
  /** `cx.opts.realloc`: not yet checked. */
  realloc(old: V, oldSize: V, alignment: number, newSize: V): V;
  /** `lower_own`: a new handle (`i32`). */
  lowerOwn(resource: ResourceIndex, representation: V): V;
  /** `lower_borrow`. */
  lowerBorrow(resource: ResourceIndex, representation: V): V;
}
