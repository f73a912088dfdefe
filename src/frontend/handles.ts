/**
 * Handle tables (Canonical ABI: `HandleTable`, `ResourceHandle`) as inline code: one array of entries per component instance, with a list of
 * free ones (`layout/offsets.ts`, `HandleEntry`). An index from a guest is compared with the entries ever used, then the entry's tag with
 * the resource that the caller expects.
 */

import type { Value } from "../ir/function.ts";
import { IntCC } from "../ir/ops.ts";
import { HANDLE_LIMIT, HANDLE_OWN, HandleEntry, TrapRecord } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import { emitMap } from "./memory.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

/** Bits of a tag below the resource's number: the kind. */
const KIND_BITS = 2;
const KIND_MASK = (1 << KIND_BITS) - 1;

/** The tag of a handle to resource number `resource`. */
export function handleTag(kind: number, resource: number): number {
  return kind | (resource << KIND_BITS);
}

/** The entry of an index. */
export function entryAddress(e: Emitter, program: Program, table: Value, index: Value): Value {
  return e.add(table, e.shl(e.zext(index), Math.log2(program.offsets.handleStride)));
}

/** A new handle: its index. Traps when the table is full. `link`: of a borrowed handle, whose it is. Parameter 0 of the function is the context. */
export function emitHandleNew(
  e: Emitter,
  program: Program,
  table: Value,
  tag: Value,
  rep: Value,
  link = e.i32(0),
): Value {
  const { handleStep, handleStride } = program.offsets;
  const free = e.load32(table, HandleEntry.link);
  const index = e.variable(free);
  e.if(
    e.nez(free),
    () => e.store(table, HandleEntry.link, e.load32(entryAddress(e, program, table, free), HandleEntry.link)),
    () => {
      const next = e.offset(e.load32(table, HandleEntry.tag), 1);
      e.trapUnless(e.ultImm(next, HANDLE_LIMIT), Trap.handles_exhausted);
      e.if(e.eqz(e.andImm(next, handleStep / handleStride - 1)), () => {
        e.call(program.support("handle_space"), SUPPORT.handle_space, [e.param(0), next]);
      });
      e.store(table, HandleEntry.tag, next);
      e.set(index, next);
    },
  );
  const result = e.get(index);
  const entry = entryAddress(e, program, table, result);
  e.store(entry, HandleEntry.tag, tag);
  e.store(entry, HandleEntry.link, link);
  e.store(entry, HandleEntry.rep, rep);
  return result;
}

/** The entry of a guest's handle, which must refer to `resource`; and its tag. Parameter 0 of the function is the context. */
export function emitHandleLookup(
  e: Emitter,
  program: Program,
  table: Value,
  resource: Value,
  index: Value,
): { readonly entry: Value; readonly tag: Value } {
  const trapIf = (condition: Value, trap: number): void => {
    e.if(condition, () => {
      e.store(e.param(0), program.offsets.trap + TrapRecord.handle, index);
      e.trap(trap);
    });
  };
  const used = e.load32(table, HandleEntry.tag);
  const unknown = e.bounds(IntCC.uge, e.offset(index, -1), used);
  trapIf(unknown, Trap.unknown_handle);
  const entry = entryAddress(e, program, table, e.guard(unknown, index));
  const tag = e.load32(entry, HandleEntry.tag);
  trapIf(e.eqz(tag), Trap.unknown_handle);
  trapIf(e.ne(e.shr(tag, KIND_BITS), resource), Trap.handle_type_mismatch);
  return { entry, tag };
}

/** Whether a tag is that of an own handle. */
export function emitIsOwn(e: Emitter, tag: Value): Value {
  return e.eqImm(e.andImm(tag, KIND_MASK), HANDLE_OWN);
}

/** Traps if an own handle is lent. */
export function emitCheckNotLent(e: Emitter, entry: Value): void {
  e.trapIf(e.load32(entry, HandleEntry.link), Trap.handle_lent);
}

/** Frees the entry. */
export function emitHandleFree(e: Emitter, table: Value, entry: Value, index: Value): void {
  e.store(entry, HandleEntry.tag, e.i32(0));
  e.store(entry, HandleEntry.link, e.load32(table, HandleEntry.link));
  e.store(table, HandleEntry.link, index);
}

/** The representation behind an own handle, which is gone then. */
export function emitHandleTake(e: Emitter, program: Program, table: Value, resource: Value, index: Value): Value {
  const { entry, tag } = emitHandleLookup(e, program, table, resource, index);
  e.trapUnless(emitIsOwn(e, tag), Trap.handle_type_mismatch);
  emitCheckNotLent(e, entry);
  const rep = e.load64(entry, HandleEntry.rep);
  emitHandleFree(e, table, entry, index);
  return rep;
}

/** `handle_space(context, index)`: the entries of this index in all tables are the first of a step. */
export function buildHandleSpace(e: Emitter, program: Program): void {
  const { handleArea, handleStep } = program.offsets;
  const from = entryAddress(e, program, e.offset(e.param(0), handleArea.at), e.param(1));
  e.trapIf(e.nez(emitMap(e, from, e.i64(handleStep))), Trap.handles_exhausted);
  e.return();
}

/** `handle_new(context, table, tag, rep)` → index. */
export function buildHandleNewSupport(e: Emitter, program: Program): void {
  e.return(emitHandleNew(e, program, e.param(1), e.param(2), e.param(3)));
}

/** `handle_rep(context, table, resource, index)` → rep. */
export function buildHandleRepSupport(e: Emitter, program: Program): void {
  const { entry } = emitHandleLookup(e, program, e.param(1), e.param(2), e.param(3));
  e.return(e.load64(entry, HandleEntry.rep));
}

/** `handle_take(context, table, resource, index)` → rep. */
export function buildHandleTakeSupport(e: Emitter, program: Program): void {
  e.return(emitHandleTake(e, program, e.param(1), e.param(2), e.param(3)));
}
