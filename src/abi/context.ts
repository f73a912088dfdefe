/**
 * The two sides of a transfer of values (Canonical ABI, `LiftLowerContext`): what lifting and lowering need of the component instance that they
 * work for, and where values are in its memory. The front end implements them for guests, and for a host whose memory is the process's.
 *
 * Guest pointers and lengths are `i64` here, whatever the memory's address type: zero-extended where they come in.
 */

import type { ResourceIndex } from "../component/types.ts";
import type { Flattening } from "./flatten.ts";
import type { Extent, Sizes } from "./sizes.ts";
import type { Destination, PointerPair, Source } from "./values.ts";

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
  /** The value at a native address. */
  source(address: V): Source<V>;
  /** The native address and the bytes of a list whose elements have this extent, checked. */
  openList(pair: PointerPair<V>, element: Extent): { readonly address: V; readonly bytes: V };
  /** The native address of a text of `units` (`i64`), checked; what is in it is not. */
  openText(pointer: V, units: V, unitSize: 1 | 2): V;
  /** `lift_own`: the representation (`i64`) of the resource behind a handle (`i32`), which is gone from the table. */
  liftOwn(resource: ResourceIndex, handle: V): V;
  /** `lift_borrow`. */
  liftBorrow(resource: ResourceIndex, handle: V): V;
}

/** Memory that is given out from one end. */
export interface ArenaContext<V> {
  /** Whether a host may look at lists and strings where the guest has them. */
  readonly views: boolean;
  /** Whether values go nowhere: they are only checked. */
  readonly discards: boolean;
  /** The native address of so many bytes (`i64`). */
  allocate(alignment: number, bytes: V): V;
  /** Everything from `end` on is free again; the last allocation began before it. */
  shrink(end: V): void;
}

/** `cx` where values are lowered. */
export interface LowerContext<V> extends Side<V> {
  destination(address: V): Destination<V>;
  /** A place for a list of `bytes` (`i64`): the pointer that its owner knows, and the native address. */
  newList(alignment: number, bytes: V): { readonly pointer: V; readonly address: V };
  /** The same for a record of parameters. */
  newRecord(alignment: number, bytes: V): { readonly pointer: V; readonly address: V };
  /** A host's: how memory for it is had. Undefined for a guest, which has `realloc`. */
  readonly arena: ArenaContext<V> | undefined;
  /** `cx.opts.realloc`: not yet checked. */
  realloc(old: V, oldSize: V, alignment: number, newSize: V): V;
  /** `lower_own`: a new handle (`i32`). */
  lowerOwn(resource: ResourceIndex, representation: V): V;
  /** `lower_borrow`. */
  lowerBorrow(resource: ResourceIndex, representation: V): V;
}
