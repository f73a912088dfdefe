/**
 * Entries: C functions through which a host comes in. Each refuses what can't be (a dead, trapped or busy instance) with a status and
 * leaves everything as it was; else it gives wasm code its stack limit, goes in by `call_catch`, and hands back results or the trap's
 * code. A trap inside comes back here, and nowhere else.
 *
 * A component is entered by one call at a time: an export that is called while any of its instances is active is refused
 * (Canonical ABI: `call_might_be_recursive`). `realloc` is the exception: a host calls it from inside a host function, and before it calls an
 * export; while it runs the instance may not leave.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Func, FuncSymbol, Value } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import { HostStatus, VAL_RAW_SIZE } from "../layout/host.ts";
import { ContextField, InstanceFlag, InstanceLimits, InstanceState, STACK_SLACK } from "../layout/offsets.ts";
import type { RuntimeComponentInstanceIndex } from "../plan/component.ts";
import { pointerType, reallocSignature } from "../plan/signatures.ts";
import * as wasm from "../wasm/types.ts";
import { builtinFunction } from "./builtin.ts";
import { emitEnterStack } from "./exceptions.ts";
import { emitDropHostResources } from "./host-resources.ts";
import { HOST_SUPPORT } from "./host-support.ts";
import { emitCheckIdle, emitCheckInstance, emitSetState, emitUnlessInstance } from "./instance.ts";
import { emitUnlessActive, emitRecordOutermost } from "./active.ts";
import { emitGiveBack } from "./options.ts";
import type { Program } from "./program.ts";
import { ENTRY_CONTEXT } from "./raise.ts";
import { irType } from "./signatures.ts";
import { Emitter } from "./structured.ts";
import { emitCallLifted, emitEndTask, taskResult } from "./tasks.ts";
import {
  API_SIGNATURES,
  ENTER_INSTANTIATE,
  INSTANTIATE,
  LIFTED_ENTRY,
  REALLOC64_ENTRY,
  REALLOC_ENTRY,
  SUPPORT,
} from "./support.ts";

export const ENTRY_ATTRIBUTES = { stackCheck: false, entry: true } as const;

/** The stack pointer minus the budget, or 0. */
function emitStackLimit(e: Emitter, context: Value): { readonly stack: Value; readonly limit: Value } {
  const stack = e.stackPointer();
  const budget = e.load64(context, ContextField.stackBudget);
  return { stack, limit: e.sub(stack, e.select(e.ult(stack, budget), stack, budget)) };
}

/** A failure that was announced outside of any call is nobody's. Only what has no status to return looks at it. */
function emitForgetFailure(e: Emitter, program: Program, context: Value): void {
  if (program.hostMayFail) e.store(context, ContextField.hostFailure, e.i32(0));
}

/**
 * Enters `callee`. The stack limit is the stack pointer minus the budget; a nested entry never gets more than is left of the outer one's, which
 * may be nothing, and one on another stack gets its own. Both words are what they were afterwards, trap or not.
 */
export function emitEnter(
  e: Emitter,
  program: Program,
  context: Value,
  callee: FuncSymbol,
  signature: Signature,
  args: readonly Value[],
): { readonly status: Value; readonly results: readonly Value[] } {
  const outerLimit = e.load64(context, ContextField.stackLimit);
  const outermost = e.load64(context, ContextField.outermostFrame);
  const { stack, limit: own } = emitStackLimit(e, context);
  const limit = e.variable(own);
  // A little below the limit is the outer one's stack as well: its host has used up what was left.
  const within = (): Value => e.and(e.ult(own, outerLimit), e.ule(outerLimit, e.offset(stack, STACK_SLACK)));
  e.if(
    e.eqz(outermost),
    () => {
      emitForgetFailure(e, program, context);
      emitRecordOutermost(e, context);
    },
    () => e.set(limit, e.select(within(), outerLimit, own)),
  );
  const leaveStack = program.exceptions && emitEnterStack(e, program, context, outermost, within());
  e.store(context, ContextField.stackLimit, e.get(limit));
  const out = e.callCatch(callee, signature, [context, ...args]);
  e.store(context, ContextField.stackLimit, outerLimit);
  e.store(context, ContextField.outermostFrame, outermost);
  leaveStack?.();
  return out;
}

/**
 * Enters `callee` behind `emitCheckIdle`: there is no outer entry whose limits have to be kept. No register survives the call, and `context` is in the
 * frame anyway: what comes behind the call finds it there.
 */
export function emitEnterIdle(
  e: Emitter,
  program: Program,
  context: Value,
  callee: FuncSymbol,
  signature: Signature,
  args: readonly Value[],
): { readonly status: Value; readonly results: readonly Value[]; readonly context: Value } {
  const { limit } = emitStackLimit(e, context);
  emitForgetFailure(e, program, context);
  const leaveStack = program.exceptions && emitEnterStack(e, program, context, e.i64(0), e.i32(0));
  e.store(context, ContextField.stackLimit, limit);
  emitRecordOutermost(e, context);
  const out = e.callCatch(callee, signature, [context, ...args]);
  const again = e.load64(e.framePointer(), ENTRY_CONTEXT);
  e.store(again, ContextField.outermostFrame, e.i64(0));
  leaveStack?.();
  return { ...out, context: again };
}

/** Whether the instance may leave, or not: `may_leave` is the only flag. */
export function emitSetMayLeave(
  e: Emitter,
  program: Program,
  context: Value,
  instance: RuntimeComponentInstanceIndex,
  may: boolean,
): void {
  e.store(context, program.offsets.instanceFlags(instance), e.i32(may ? InstanceFlag.mayLeave : 0));
}

/** Flat values out of the host's array. */
export function loadValues(e: Emitter, values: Value, types: readonly wasm.ValType[]): Value[] {
  return types.map((type, i) => e.load(irType(type), values, VAL_RAW_SIZE * i));
}

/** Flat values into the host's array. */
export function storeValues(e: Emitter, values: Value, results: readonly Value[]): void {
  results.forEach((result, i) => {
    e.store(values, VAL_RAW_SIZE * i, result);
  });
}

/** `enter-instantiate`: (context) → status; the state says `ready` when it is 0. */
export function buildEnterInstantiate(program: Program, name: string): Func {
  const e = Emitter.start(name, ENTER_INSTANTIATE, ENTRY_ATTRIBUTES);
  const context = e.param(0);
  const { status } = emitEnter(
    e,
    program,
    context,
    program.functions.symbolOf({ kind: "instantiate" }),
    INSTANTIATE,
    [],
  );
  e.if(e.eqz(status), () => {
    emitSetState(e, context, InstanceState.ready);
    for (const instance of program.tasks.withStorage) emitEndTask(e, program, context, instance);
  });
  e.return(status);
  return e.finish();
}

/** `enter-drop`: (context) → status; lets the built-in WASI close what it has opened. */
export function buildEnterDrop(program: Program, name: string): Func {
  const e = Emitter.start(name, ENTER_INSTANTIATE, ENTRY_ATTRIBUTES);
  const drop = builtinFunction(program.component, "runtime_drop");
  if (drop === undefined) throw new InternalError("frontend", "the built-in WASI has no runtime_drop");
  const { status } = emitEnter(e, program, e.param(0), program.functionSymbol(drop), INSTANTIATE, []);
  e.return(status);
  return e.finish();
}

/** A lifted function: (context, values, number of values) → status. Parameters are read from, results written to `values`. */
export function buildLiftedEntry(program: Program, index: number, name: string): Func {
  const item = program.api.exports[index];
  const e = Emitter.start(name, LIFTED_ENTRY, ENTRY_ATTRIBUTES);
  if (item === undefined) throw new RangeError(`no export ${index}`);
  const { signature } = item;
  const { core, options } = item.lifted;
  const [context, values] = [e.param(0), e.param(1)];
  emitCheckIdle(e, program, context);
  if (item.values > 0) {
    e.if(e.ult(e.param(2), e.i64(item.values)), () => e.return(e.i32(HostStatus.invalid_argument)));
    e.if(e.eqz(values), () => e.return(e.i32(HostStatus.invalid_argument)));
  }
  const args = loadValues(e, values, signature.params);
  const callee = program.functions.find({ kind: "task-body", export: index }) ?? program.functionSymbol(core);
  const entered = emitEnterIdle(e, program, context, callee, program.signature(signature), args);
  const { status, results } = entered;
  e.if(e.eqz(status), () => {
    if (options.postReturn === undefined) emitEndTask(e, program, entered.context, options.instance);
    storeValues(e, values, results);
  });
  e.return(status);
  return e.finish();
}

/** What the entry of an export enters that is an `async` function: (context, flat parameters…) → flat result. */
export function buildTaskBody(program: Program, index: number, name: string): Func {
  const item = program.api.exports[index];
  if (item === undefined) throw new RangeError(`no export ${index}`);
  const { lifted, signature } = item;
  const e = Emitter.start(name, program.signature(signature), { stackCheck: true, entry: false, entered: true });
  const results = emitCallLifted(e, program, lifted, index, e.params.slice(1));
  const at = taskResult(program, lifted.options.instance);
  const load = (): readonly Value[] => signature.results.map((type) => e.load(irType(type), e.param(0), at));
  e.return(...(lifted.options.isAsync ? load() : results));
  return e.finish();
}

/** `post-return` of a lifted function: takes its flat results, in the same array. The instance may not leave meanwhile. */
export function buildPostReturnEntry(program: Program, index: number, name: string): Func {
  const item = program.api.exports[index];
  const postReturn = item?.lifted.options.postReturn;
  const e = Emitter.start(name, LIFTED_ENTRY, ENTRY_ATTRIBUTES);
  if (item === undefined || postReturn === undefined) throw new RangeError(`no post-return of export ${index}`);
  const { instance } = item.lifted.options;
  const { results } = item.lifted.signature;
  const [context, values] = [e.param(0), e.param(1)];
  emitCheckIdle(e, program, context);
  if (results.length > 0) {
    e.if(e.ult(e.param(2), e.i64(results.length)), () => e.return(e.i32(HostStatus.invalid_argument)));
    e.if(e.eqz(values), () => e.return(e.i32(HostStatus.invalid_argument)));
  }
  const args = loadValues(e, values, results);
  const signature = program.signature({ kind: "func", params: results, results: [] });
  emitSetMayLeave(e, program, context, instance, false);
  const entered = emitEnterIdle(e, program, context, program.functionSymbol(postReturn), signature, args);
  const { status } = entered;
  e.if(e.eqz(status), () => {
    emitSetMayLeave(e, program, entered.context, instance, true);
    emitEndTask(e, program, entered.context, instance);
  });
  e.return(status);
  return e.finish();
}

/** `realloc` for a host: (context, old, old size, alignment, new size, address of the result) → status; the type of all is the memory's. */
export function buildReallocEntry(program: Program, index: number, name: string): Func {
  const item = program.api.reallocs[index];
  if (item === undefined) throw new RangeError(`no realloc ${index}`);
  const ptr = pointerType(program.component, item);
  const e = Emitter.start(name, ptr === wasm.I64 ? REALLOC64_ENTRY : REALLOC_ENTRY, ENTRY_ATTRIBUTES);
  const context = e.param(0);
  const out = e.param(5);
  emitCheckInstance(e, program, context, true);
  const align = e.param(3);
  const isPower = e.and(e.nez(align), e.eqz(e.and(align, e.offset(align, -1))));
  e.if(e.eqz(e.and(isPower, e.nez(out))), () => e.return(e.i32(HostStatus.invalid_argument)));
  // Busy with itself: a host function that is called from inside `realloc` does not exist, so it is another thread or left by longjmp.
  e.if(e.eqz(e.load32(context, program.offsets.instanceFlags(item.instance))), () => {
    e.return(e.i32(HostStatus.instance_busy));
  });
  emitSetMayLeave(e, program, context, item.instance, false);
  const args = [1, 2, 3, 4].map((i) => e.param(i));
  const callee = program.functions.symbolOf({ kind: "checked-realloc", realloc: index });
  const entered = emitEnter(e, program, context, callee, program.signature(reallocSignature(ptr)), args);
  e.if(
    e.eqz(entered.status),
    () => {
      emitSetMayLeave(e, program, context, item.instance, true);
      const [pointer] = entered.results;
      if (pointer !== undefined) e.store(out, 0, pointer);
    },
    // It has trapped: the host function that called it has failed, even if it does not say so.
    () => e.store(context, ContextField.hostFailure, e.i32(1)),
  );
  e.return(entered.status);
  return e.finish();
}

/** `new`: (imports, options, out) → status. On failure `*out` is null and nothing is left behind. */
export function buildNew(e: Emitter, program: Program): void {
  const [imports, options, out] = [e.param(0), e.param(1), e.param(2)];
  e.if(e.eqz(out), () => e.return(e.i32(HostStatus.invalid_argument)));
  e.store(out, 0, e.i64(0));
  const place = e.slotAddress(e.slot(8));
  const made = e.call1(program.support("create_region"), SUPPORT.create_region, [imports, options, place]);
  e.if(e.nez(made), () => e.return(made));
  if (program.faults) e.call(program.support("install_handlers"), SUPPORT.install_handlers, []);
  const context = e.load64(place, 0);
  const status = e.call1(program.enterInstantiate, ENTER_INSTANTIATE, [context]);
  e.if(
    e.eqz(status),
    () => e.store(out, 0, context),
    () => e.call(program.functions.symbolOf({ kind: "api", name: "delete" }), API_SIGNATURES.delete, [context]),
  );
  e.return(status);
}

/** `delete`: (context) → status. Null is ignored; what is no instance, and an instance that runs, is refused. */
export function buildDelete(e: Emitter, program: Program): void {
  const context = e.param(0);
  e.if(e.eqz(context), () => e.return(e.i32(0)));
  emitUnlessInstance(e, program, context, () => e.return(e.i32(HostStatus.not_an_instance)));
  emitUnlessActive(e, context);
  e.store(context, ContextField.self, e.i64(0));
  emitDropHostResources(e, program);
  if (program.isTyped) e.call(program.hostSupport("blocks_delete"), HOST_SUPPORT.blocks_delete, [context]);
  const drop = program.functions.find({ kind: "enter-drop" });
  if (drop !== undefined) e.call(drop, ENTER_INSTANTIATE, [context]);
  const { limits, regionSize } = program.offsets;
  const unmap = e.load64(context, limits + InstanceLimits.unmap);
  emitGiveBack(e, context, e.i64(regionSize), unmap, e.load64(context, limits + InstanceLimits.hookData));
  e.return(e.i32(0));
}

/** `user`: (context) → the pointer of the options; null of what is no instance. */
export function buildUser(e: Emitter, program: Program): void {
  emitUnlessInstance(e, program, e.param(0), () => e.return(e.i64(0)));
  e.return(e.load64(e.param(0), ContextField.user));
}

/** `fail`: (context, status); see `HostAbi` flat in `trampolines.ts`. Any status is a failure. What is no instance is ignored. */
export function buildFail(e: Emitter, program: Program): void {
  emitUnlessInstance(e, program, e.param(0), () => e.return());
  const status = e.param(1);
  e.store(e.param(0), ContextField.hostFailure, e.select(status, status, e.i32(1)));
  e.return();
}

/** `interrupt` and `interrupt_clear`: (context). One store, so that a signal handler may call them. */
export function buildInterrupt(e: Emitter, program: Program, value: number): void {
  emitUnlessInstance(e, program, e.param(0), () => e.return());
  e.store(e.param(0), ContextField.interrupt, e.i32(value));
  e.return();
}

/** The address of a memory's definition: (context) → pointer; null of what is no instance. */
export function buildMemoryAccessor(e: Emitter, program: Program, index: number): void {
  const item = program.memories[index];
  if (item === undefined) throw new RangeError(`no memory ${index}`);
  emitUnlessInstance(e, program, e.param(0), () => e.return(e.i64(0)));
  e.return(e.offset(e.param(0), program.offsets.memoryDefinition(item.memory)));
}
