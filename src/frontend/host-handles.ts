/**
 * Handles that a typed host has of the component's resources: 64 bits, below the index in the host's own table, above it a number that no other
 * handle of the instance has. So a handle that was dropped or given away is not taken for another one, nor one of another instance, whose numbers begin
 * somewhere else. Index 0 is no handle.
 */

import type { Func, Value } from "../ir/function.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { HostStatus } from "../layout/host.ts";
import { HandleEntry, HostHeap } from "../layout/offsets.ts";
import { RESOURCE_DROP_SIGNATURE } from "../plan/signatures.ts";
import { emitEnterIdle, ENTRY_ATTRIBUTES } from "./entries.ts";
import { emitHandleFree, emitHandleNew, entryAddress } from "./handles.ts";
import { HOST_SUPPORT } from "./host-support.ts";
import { emitCheckIdle, emitCheckInstance } from "./instance.ts";
import { ANY_RANDOM, Sys } from "./linux.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { emitCaller } from "./trampolines.ts";

const DROP: Signature = { params: [I64, I64], results: [I32], convention: "c" };

/** Where the numbers of an instance begin. */
export function emitFirstSerial(e: Emitter, program: Program, context: Value): void {
  const at = program.offsets.hostHeapState + HostHeap.serial;
  // Without randomness instances at different addresses still differ.
  e.store(context, at, e.wrap(e.shr(context, 12)));
  e.syscall(Sys.getrandom, e.offset(context, at), e.i64(4), e.i64(ANY_RANDOM));
}

/** A number of its own above index 0. */
export function emitFreshHandle(e: Emitter, program: Program): Value {
  const at = program.offsets.hostHeapState + HostHeap.serial;
  const serial = e.offset(e.load32(e.param(0), at), 1);
  e.store(e.param(0), at, serial);
  return e.shl(e.zext(serial), 32);
}

/** `handle_give`. */
export function emitHandleGive(e: Emitter, program: Program): void {
  const serial = emitFreshHandle(e, program);
  const table = e.offset(e.param(0), program.offsets.hostHandles);
  const low = e.zext(e.wrap(e.param(2)));
  const index = emitHandleNew(e, program, table, e.param(1), e.or(serial, low));
  e.return(e.or(serial, e.zext(index)));
}

/** `handle_find`. */
export function emitHandleFind(e: Emitter, program: Program): void {
  const [context, resource, handle] = [e.param(0), e.param(1), e.param(2)];
  const none = (): void => e.return(e.i64(0));
  const table = e.offset(context, program.offsets.hostHandles);
  const index = e.wrap(handle);
  e.if(e.uge(e.offset(index, -1), e.load32(table, HandleEntry.tag)), none);
  const entry = entryAddress(e, program, table, index);
  const tag = e.load32(entry, HandleEntry.tag);
  e.if(e.or(e.eqz(tag), e.ne(e.shr(tag, 2), resource)), none);
  e.if(e.ne(e.load32(entry, HandleEntry.rep + 4), e.wrap(e.shr(handle, 32))), none);
  e.return(entry);
}

/** `drop` of a resource: (context, handle) → status. The destructor runs as a call into the component that implements the resource. */
export function buildResourceDrop(program: Program, index: number, name: string): Func {
  const item = program.api.resourceDrops[index];
  const e = Emitter.start(name, DROP, ENTRY_ATTRIBUTES);
  if (item === undefined) throw new RangeError(`no resource ${index}`);
  const [context, handle] = [e.param(0), e.param(1)];
  const resource = program.component.resources.get(item.resource);
  emitCheckInstance(e, program, context);
  const args = [context, e.i32(item.resource), handle];
  const entry = e.call1(program.hostSupport("handle_find"), HOST_SUPPORT.handle_find, args);
  e.if(e.eqz(entry), () => e.return(e.i32(HostStatus.invalid_handle)));
  e.if(e.load32(entry, HandleEntry.link), () => e.return(e.i32(HostStatus.handle_lent)));
  emitCheckIdle(e, program, context);
  const rep = e.load32(entry, HandleEntry.rep);
  emitHandleFree(e, e.offset(context, program.offsets.hostHandles), entry, e.wrap(handle));
  const destructor = resource.kind === "host" ? undefined : resource.destructor;
  if (destructor === undefined) {
    e.return(e.i32(0));
    return e.finish();
  }
  const [root] = program.component.componentInstances.keys();
  // One of WASI's: it asks who calls.
  if (resource.kind === "builtin" && root !== undefined) emitCaller(e, program, root, e.i64(0), e.i64(0));
  const signature = program.signature(RESOURCE_DROP_SIGNATURE);
  const { status } = emitEnterIdle(e, program, context, program.functionSymbol(destructor), signature, [rep]);
  e.return(status);
  return e.finish();
}
