/**
 * Typed calls: C values on the host's side (host ABI `typed`), in both directions as code of their own. Exports are in `typed-exports.ts`, imports in
 * `typed-imports.ts`; what both need is here.
 */

import type { Transfer } from "../abi/transfer.ts";
import type { InterfaceType, TypeFunc } from "../component/types.ts";
import type { Value } from "../ir/function.ts";
import { transferOf } from "./adapters-build.ts";
import type { Direction } from "./adapters.ts";
import type { Variable } from "./flow.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

/** Bytes that are cleared store by store. */
const UNROLLED_CLEAR = 64;

export type ValueTransfer = Transfer<Value, Variable>;

/** How values go in one direction, as one of the parameters or results of these types. */
export function transferOfTypes(
  e: Emitter,
  program: Program,
  direction: Direction,
  types: readonly InterfaceType[],
): ValueTransfer {
  return transferOf(e, program, direction, undefined, program.adapters.areInPlace(types));
}

export function typesOf(func: TypeFunc): readonly InterfaceType[] {
  return func.params.map((p) => p.type);
}

/** Zeroes `size` bytes. */
export function emitClear(e: Emitter, base: Value, offset: number, size: number): void {
  if (size > UNROLLED_CLEAR) {
    const end = e.offset(base, offset + size);
    const at = e.variable(e.offset(base, offset));
    // The size of a large structure need not be a multiple of eight.
    e.loop((loop) => {
      const place = e.get(at);
      e.breakUnless(loop, e.ult(place, end));
      e.store8(place, 0, e.i32(0));
      e.set(at, e.offset(place, 1));
    });
    return;
  }
  let at = 0;
  for (; at + 8 <= size; at += 8) e.store(base, offset + at, e.i64(0));
  for (; at + 4 <= size; at += 4) e.store(base, offset + at, e.i32(0));
  for (; at < size; at++) e.store8(base, offset + at, e.i32(0));
}
