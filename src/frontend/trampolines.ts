/**
 * Trampolines: what core code calls when it leaves a module for the host or for a canonical built-in. They have the convention of wasm
 * code, so that a table holds them like any function, and are frames in a backtrace.
 *
 * A lowered trampoline checks, in this order: that the instance may leave; that the host gave a callee; and behind the call that it did
 * not fail. How the host function is called is its host ABI:
 *
 * - `dynamic`: `(context, data, memory, realloc, string encoding, values, n) → status`. The flat arguments are in an array of 16-byte
 *   values, the results are read back from it. A status other than 0 is a failure.
 * - `flat`: `(context, data, flat arguments…) → flat result`, a plain C function. It has no status, so it fails by calling
 *   `<prefix>_fail(context, status)`, which sets a word of the context; the trampoline reads it behind every call. A host resource's
 *   destructor fails in the same way, with either ABI.
 * - `typed`: C values; `typed-imports.ts`.
 * - a built-in of WASI: where the caller's memory, realloc, handle table and flags are goes into the context; then a direct call.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Func, Value } from "../ir/function.ts";
import { Region } from "../ir/ops.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { StringEncodingCode, VAL_RAW_SIZE } from "../layout/host.ts";
import { ContextField, HANDLE_OWN, HandleEntry, HostResource, InstanceState, Lowering } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { ResourceIndex } from "../component/types.ts";
import type {
  CanonicalOptions,
  LowerImport,
  LoweredIndex,
  RuntimeComponentInstanceIndex,
  Trampoline,
} from "../plan/component.ts";
import { mightBeRecursive } from "../plan/instances.ts";
import {
  pointerType,
  reallocSignature,
  RESOURCE_DROP_SIGNATURE,
  RESOURCE_NEW_SIGNATURE,
  RESOURCE_REP_SIGNATURE,
} from "../plan/signatures.ts";
import type * as wasm from "../wasm/types.ts";
import { reallocIndex } from "./api.ts";
import { emitCheckNotLent, emitHandleFree, emitHandleLookup, emitHandleNew, emitIsOwn, handleTag } from "./handles.ts";
import { emitState } from "./instance.ts";
import { emitCheckRange } from "./memory.ts";
import { emitEndTask, emitMayBlock } from "./tasks.ts";
import type { Program } from "./program.ts";
import { cSignature, irType } from "./signatures.ts";
import { Emitter } from "./structured.ts";
import { DYNAMIC_CALLEE, HOST_DESTRUCTOR } from "./support.ts";

export const TRAMPOLINE_ATTRIBUTES = { stackCheck: false, entry: false } as const;

/** Traps unless the instance may call out. */
export function emitCheckMayLeave(
  e: Emitter,
  program: Program,
  context: Value,
  instance: RuntimeComponentInstanceIndex,
): void {
  e.trapIf(e.eqz(e.load32(context, program.offsets.instanceFlags(instance))), Trap.cannot_leave_component);
}

/** Behind that: a synchronous call of an `async` function needs a task that may block. */
export function emitCheckMayBlock(
  e: Emitter,
  program: Program,
  { instance, isAsync }: Pick<CanonicalOptions, "instance" | "isAsync">,
): void {
  if (!isAsync) e.trapUnless(emitMayBlock(e, program, instance), Trap.cannot_block);
}

/** A host function and its data; traps when there is none. */
export function emitHostCallee(
  e: Emitter,
  program: Program,
  context: Value,
  index: LoweredIndex,
): { readonly callee: Value; readonly data: Value } {
  const at = program.offsets.lowering(index);
  const callee = e.load64(context, at + Lowering.callee, Region.constant);
  e.trapIf(e.eqz(callee), Trap.host_function_missing);
  return { callee, data: e.load64(context, at + Lowering.data, Region.constant) };
}

/** Address of the caller's memory definition, or 0. */
function emitMemory(e: Emitter, program: Program, context: Value, options: CanonicalOptions): Value {
  return options.memory === undefined ? e.i64(0) : e.offset(context, program.offsets.memoryDefinition(options.memory));
}

function emitDynamicCall(e: Emitter, program: Program, index: LoweredIndex, lowering: LowerImport): readonly Value[] {
  const { options, signature } = lowering;
  const context = e.param(0);
  const count = Math.max(signature.params.length, signature.results.length);
  const values = e.slotAddress(e.slot(VAL_RAW_SIZE * Math.max(1, count), VAL_RAW_SIZE));
  signature.params.forEach((_, i) => {
    e.store(values, VAL_RAW_SIZE * i, e.param(1 + i));
  });
  const { callee, data } = emitHostCallee(e, program, context, index);
  const realloc = reallocIndex(program.api, options);
  const entry = realloc === undefined ? undefined : program.functions.find({ kind: "realloc-entry", realloc });
  const status = e.callIndirect1(callee, DYNAMIC_CALLEE, [
    context,
    data,
    emitMemory(e, program, context, options),
    entry === undefined ? e.i64(0) : e.funcAddress(entry),
    e.i32(StringEncodingCode[options.stringEncoding]),
    values,
    e.i64(count),
  ]);
  e.trapIf(status, Trap.host_function_failed);
  // What has trapped inside of `realloc` does not go on, whatever the host makes of that.
  if (program.api.reallocs.length > 0) {
    e.trapIf(e.eqImm(emitState(e, context), InstanceState.trapped), Trap.host_function_failed);
  }
  return signature.results.map((type, i) => e.load(irType(type), values, VAL_RAW_SIZE * i));
}

/** The C signature of a host function of ABI `flat`. */
export function flatSignature(type: wasm.FuncType): Signature {
  const [result, ...more] = type.results.map(irType);
  if (more.length > 0) throw new InternalError("frontend", "a lowered function has one flat result at most");
  return cSignature([I64, I64, ...type.params.map(irType)], result);
}

function emitFlatCall(e: Emitter, program: Program, index: LoweredIndex, lowering: LowerImport): readonly Value[] {
  const context = e.param(0);
  const { callee, data } = emitHostCallee(e, program, context, index);
  const args = lowering.signature.params.map((_, i) => e.param(1 + i));
  const results = e.callIndirect(callee, flatSignature(lowering.signature), [context, data, ...args]);
  e.trapIf(e.load32(context, ContextField.hostFailure), Trap.host_function_failed);
  return results;
}

/** Tells the built-in WASI who calls: addresses in the context, which intrinsics read. */
export function emitCaller(
  e: Emitter,
  program: Program,
  instance: RuntimeComponentInstanceIndex,
  memory: Value,
  realloc: Value,
): void {
  const context = e.param(0);
  const { offsets } = program;
  e.store(context, ContextField.currentMemory, memory);
  e.store(context, ContextField.currentRealloc, realloc);
  e.store(context, ContextField.currentHandles, e.offset(context, offsets.handleTable(instance)));
  e.store(context, ContextField.currentFlags, e.offset(context, offsets.instanceFlags(instance)));
}

function emitBuiltinCall(e: Emitter, program: Program, lowering: LowerImport): readonly Value[] {
  const { callee, options, signature } = lowering;
  if (callee.kind !== "builtin") throw new InternalError("frontend", "the callee is no built-in");
  const memory = emitMemory(e, program, e.param(0), options);
  const realloc = options.realloc === undefined ? e.i64(0) : e.funcAddress(program.functionSymbol(options.realloc));
  emitCaller(e, program, options.instance, memory, realloc);
  return e.call(program.functionSymbol(callee.func), program.signature(signature), e.params);
}

/**
 * A guest's realloc, its result checked as the Canonical ABI does (alignment and bounds), for a host: (context, old, old size,
 * alignment, a power of two, new size) → pointer.
 */
export function buildCheckedRealloc(program: Program, index: number, name: string): Func {
  const item = program.api.reallocs[index];
  if (item === undefined) throw new RangeError(`no realloc ${index}`);
  const signature = program.signature(reallocSignature(pointerType(program.component, item)));
  const e = Emitter.start(name, signature, TRAMPOLINE_ATTRIBUTES);
  const pointer = e.call1(program.functionSymbol(item.func), signature, e.params);
  if (item.memory !== undefined) {
    const memory = e.offset(e.param(0), program.offsets.memoryDefinition(item.memory));
    emitCheckRange(e, memory, pointer, e.param(4), e.param(3), Trap.realloc_failed, Trap.unaligned_realloc);
  }
  e.return(pointer);
  return e.finish();
}

/** The trampoline of one `canon lower`ed host function that is not typed; its core signature is `LowerImport.signature`. */
export function buildLowered(program: Program, index: LoweredIndex, name: string): Func {
  const lowering = program.component.lowerings.get(index);
  const e = Emitter.start(name, program.signature(lowering.signature), TRAMPOLINE_ATTRIBUTES);
  emitCheckMayLeave(e, program, e.param(0), lowering.options.instance);
  if (program.component.types.func(lowering.type).isAsync) emitCheckMayBlock(e, program, lowering.options);
  const { callee } = lowering;
  if (callee.kind === "builtin") e.return(...emitBuiltinCall(e, program, lowering));
  else if (callee.abi === "flat") e.return(...emitFlatCall(e, program, index, lowering));
  else e.return(...emitDynamicCall(e, program, index, lowering));
  return e.finish();
}

/** Runs the destructor of a resource whose own handle `instance` has dropped (`canon_resource_drop`). `rep` is i64. */
function emitDestructor(
  e: Emitter,
  program: Program,
  index: ResourceIndex,
  instance: RuntimeComponentInstanceIndex,
  rep: Value,
): void {
  const resource = program.component.resources.get(index);
  const context = e.param(0);
  if (resource.kind === "host") {
    const at = program.offsets.hostResource(resource.hostIndex);
    const destructor = e.load64(context, at + HostResource.destructor, Region.constant);
    e.if(e.nez(destructor), () => {
      const data = e.load64(context, at + HostResource.data, Region.constant);
      e.callIndirect(destructor, HOST_DESTRUCTOR, [data, rep]);
      e.trapIf(e.load32(context, ContextField.hostFailure), Trap.host_function_failed);
    });
    return;
  }
  const { destructor } = resource;
  const run = (): void => {
    if (destructor === undefined) return;
    e.call(program.functionSymbol(destructor), program.signature(RESOURCE_DROP_SIGNATURE), [context, e.wrap(rep)]);
  };
  if (resource.kind === "builtin") {
    // A destructor has nothing to do in the guest's memory.
    if (destructor !== undefined) emitCaller(e, program, instance, e.i64(0), e.i64(0));
    run();
    return;
  }
  if (resource.instance === instance) {
    run();
    return;
  }
  // Another instance implements it: it is called like any function that it lifts.
  if (mightBeRecursive(program.component.componentInstances, instance, resource.instance)) {
    e.trap(Trap.cannot_enter_component);
  } else {
    run();
    emitEndTask(e, program, context, resource.instance);
  }
}

/** `resource.new`, `resource.rep`, `resource.drop` (Canonical ABI `canon_resource_*`), and what always traps. */
export function buildTrampoline(
  program: Program,
  trampoline: Exclude<Trampoline, { kind: "adapter" | "task-builtin" | "host-function" }>,
  name: string,
): Func {
  if (trampoline.kind === "always-trap") {
    const e = Emitter.start(name, program.signature(trampoline.signature), TRAMPOLINE_ATTRIBUTES);
    e.trap(Trap[trampoline.trap]);
    return e.finish();
  }
  const { kind, resource, instance } = trampoline;
  const type =
    kind === "resource-drop"
      ? RESOURCE_DROP_SIGNATURE
      : kind === "resource-rep"
        ? RESOURCE_REP_SIGNATURE
        : RESOURCE_NEW_SIGNATURE;
  const e = Emitter.start(name, program.signature(type), TRAMPOLINE_ATTRIBUTES);
  const [context, operand] = [e.param(0), e.param(1)];
  if (kind !== "resource-rep") emitCheckMayLeave(e, program, context, instance);
  const table = e.offset(context, program.offsets.handleTable(instance));
  if (kind === "resource-new") {
    e.return(emitHandleNew(e, program, table, e.i32(handleTag(HANDLE_OWN, resource)), e.zext(operand)));
    return e.finish();
  }
  const { entry, tag } = emitHandleLookup(e, program, table, e.i32(resource), operand);
  if (kind === "resource-rep") {
    e.return(e.load(I32, entry, HandleEntry.rep));
    return e.finish();
  }
  e.if(
    emitIsOwn(e, tag),
    () => {
      emitCheckNotLent(e, entry);
      const rep = e.load64(entry, HandleEntry.rep);
      emitHandleFree(e, table, entry, operand);
      emitDestructor(e, program, resource, instance, rep);
    },
    () => {
      const scope = e.load32(entry, HandleEntry.link);
      emitHandleFree(e, table, entry, operand);
      e.if(e.nez(scope), () => {
        const count = e.add(context, e.zext(scope));
        e.store(count, 0, e.offset(e.load32(count, 0), -1));
      });
    },
  );
  e.return();
  return e.finish();
}
