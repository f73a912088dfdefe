/**
 * Whether an address that a host gives is a live instance's. The first word of a context is its own address plus a state, which nothing else is
 * by chance and no guest can make up. What a deleted instance had is no memory any more: reading the word there faults, and the handler of faults
 * goes on with a word that is no instance's. New instances are where a dead one hardly was (`options.ts`).
 */

import type { Value } from "../ir/function.ts";
import { HostStatus } from "../layout/host.ts";
import { ContextField, InstanceState, STATE_MASK } from "../layout/offsets.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

export function emitSetState(e: Emitter, context: Value, state: number): void {
  e.store(context, ContextField.self, e.offset(context, state));
}

/** The state of a live instance. */
export function emitState(e: Emitter, context: Value): Value {
  return e.andImm(e.load32(context, ContextField.self), STATE_MASK);
}

/** The word at the address of what should be an instance: `context` plus a state if it is one. Without handlers a dead one may fault. */
function emitSelf(e: Emitter, program: Program, context: Value): Value {
  return program.faults ? e.probe(context) : e.load64(context, ContextField.self);
}

/** Leaves the function unless `context` is that of an instance, in whatever state. */
export function emitUnlessInstance(e: Emitter, program: Program, context: Value, leave: () => void): void {
  e.if(e.eqz(context), leave);
  e.if(e.ugt(e.sub(emitSelf(e, program, context), context), e.i64(STATE_MASK)), leave);
}

/**
 * Returns a status unless the context is that of an instance that is ready and is not to stop. `early`: while it is being instantiated will do.
 */
export function emitCheckInstance(e: Emitter, program: Program, context: Value, early = false): void {
  const refuse = (status: number): void => e.return(e.i32(status));
  e.if(e.eqz(context), () => refuse(HostStatus.not_an_instance));
  const self = emitSelf(e, program, context);
  e.if(e.ne(self, context), () => {
    const is = (state: number): Value => e.eq(self, e.offset(context, state));
    e.if(is(InstanceState.trapped), () => refuse(HostStatus.instance_trapped));
    if (early) e.if(e.eqz(is(InstanceState.instantiating)), () => refuse(HostStatus.not_an_instance));
    else {
      e.if(is(InstanceState.instantiating), () => refuse(HostStatus.instance_busy));
      refuse(HostStatus.not_an_instance);
    }
  });
  if (!program.interruptible) return;
  e.if(e.load32(context, ContextField.interrupt), () => refuse(HostStatus.interrupt_pending));
}

/**
 * The same, and that no call is active in the instance, nor was one left without coming back: a host that was called from inside may not come
 * back into any of its component instances, for they have an ancestor in common (Canonical ABI, `call_might_be_recursive`).
 */
export function emitCheckIdle(e: Emitter, program: Program, context: Value): void {
  emitCheckInstance(e, program, context);
  e.if(e.nez(e.load64(context, ContextField.outermostFrame)), () => e.return(e.i32(HostStatus.instance_busy)));
}
