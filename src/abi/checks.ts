/** Checks that lifting and lowering share: of pointers into linear memory, of characters, and the limits of lengths. */

import type { TrapName } from "../layout/traps.ts";
import { I64 } from "../wasm/types.ts";
import type { LowerContext, MemoryContext } from "./context.ts";
import type { AbiEmitter } from "./emitter.ts";
import type { Extent } from "./sizes.ts";
import type { PointerPair } from "./values.ts";

/** `MAX_STRING_BYTE_LENGTH`. */
export const MAX_STRING_BYTE_LENGTH = 2 ** 28 - 1;
/** `MAX_LIST_BYTE_LENGTH`. */
export const MAX_LIST_BYTE_LENGTH = 2 ** 28 - 1;

/** `trap_if(ptr != align_to(ptr, alignment))`. */
export function emitCheckAligned<V, X>(e: AbiEmitter<V, X>, pointer: V, alignment: number): void {
  if (alignment > 1) e.trapIf(e.neImm(e.andImm(pointer, alignment - 1), 0), "unaligned_pointer");
}

/**
 * `trap_if(ptr + size > len(cx.opts.memory))`. `size` is below 2^62. Gives the pointer as accesses should use it: 0 where the processor runs on
 * although the check fails.
 */
export function emitCheckInside<V, X>(
  e: AbiEmitter<V, X>,
  memory: MemoryContext<V>,
  pointer: V,
  size: V,
  trap: TrapName,
): V {
  const length = memory.length();
  if (memory.sizes.ptr !== I64) return e.below(pointer, e.add(pointer, size), length, trap);
  const start = e.below(pointer, pointer, length, trap);
  return e.below(start, size, e.sub(length, start), trap);
}

/** Calls `realloc` and checks what it gives. `size` is `i64`. */
export function emitRealloc<V, X>(
  e: AbiEmitter<V, X>,
  cx: LowerContext<V>,
  old: V,
  oldSize: V,
  alignment: number,
  size: V,
  trap: TrapName,
): V {
  const pointer = cx.realloc(old, oldSize, alignment, size);
  emitCheckAligned(e, pointer, alignment);
  return emitCheckInside(e, cx.memory, pointer, size, trap);
}

/** A guest's list: its native address and bytes (`load_list_from_range`). */
export function emitOpenList<V, X>(
  e: AbiEmitter<V, X>,
  memory: MemoryContext<V>,
  [pointer, length]: PointerPair<V>,
  { size, alignment }: Extent,
): { readonly address: V; readonly bytes: V } {
  if (memory.sizes.ptr === I64) e.trapIf(e.ugt(length, e.i64(MAX_LIST_BYTE_LENGTH)), "list_too_long");
  const bytes = e.mulImm(length, size);
  emitCheckAligned(e, pointer, alignment);
  const start = emitCheckInside(e, memory, pointer, bytes, "list_out_of_bounds");
  e.trapIf(e.ugt(bytes, e.i64(MAX_LIST_BYTE_LENGTH)), "list_too_long");
  return { address: memory.address(start), bytes };
}

/** A guest's text of so many units: its native address (`load_string_from_range`). */
export function emitOpenText<V, X>(
  e: AbiEmitter<V, X>,
  memory: MemoryContext<V>,
  pointer: V,
  units: V,
  unitSize: 1 | 2,
  alignment: number,
): V {
  if (memory.sizes.ptr === I64) e.trapIf(e.ugt(units, e.i64(MAX_STRING_BYTE_LENGTH)), "string_too_long");
  const bytes = unitSize === 2 ? e.shl(units, 1) : units;
  emitCheckAligned(e, pointer, alignment);
  const start = emitCheckInside(e, memory, pointer, bytes, "string_out_of_bounds");
  e.trapIf(e.ugt(bytes, e.i64(MAX_STRING_BYTE_LENGTH)), "string_too_long");
  return memory.address(start);
}

/** `convert_i32_to_char`: traps on what is no Unicode scalar value. */
export function emitCheckChar<V, X>(e: AbiEmitter<V, X>, value: V): V {
  e.trapUnless(e.ultImm(value, 0x11_0000), "invalid_char");
  e.trapIf(e.ultImm(e.offset(value, -0xd800), 0x800), "invalid_char");
  return value;
}
