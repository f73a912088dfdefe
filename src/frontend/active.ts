/**
 * Whether an instance that is marked as entered runs, so that its memory must not go. A C++ exception, `longjmp` or `pthread_exit` may have left the
 * entry without a word; then the instance can be deleted. So the outermost entry writes down where its frame is and where it returns to: while it
 * runs, the frame has the context and that return address. When it was left, whoever goes on has the stack from there on and calls with addresses of its
 * own, or is above it, or on another stack, or that stack is no memory any more.
 */

import type { Value } from "../ir/function.ts";
import { HostStatus } from "../layout/host.ts";
import { ContextField } from "../layout/offsets.ts";
import { EFAULT, FUTEX_WAIT_PRIVATE, Sys, Timespec } from "./linux.ts";
import { ENTRY_CONTEXT, FRAME_RETURN } from "./raise.ts";
import type { Emitter } from "./structured.ts";

/** From the entry itself: it is the outermost one now. */
export function emitRecordOutermost(e: Emitter, context: Value): void {
  const frame = e.framePointer();
  const returns = e.load64(frame, FRAME_RETURN);
  e.store(context, ContextField.outermostFrame, frame);
  e.store(context, ContextField.outermostReturns, returns);
}

/** The i64 at an aligned address, or 0 where nothing can be read: the kernel knows, and needs no handler of faults to say so. */
function emitRead(e: Emitter, address: Value): Value {
  const atOnce = e.slotAddress(e.slot(Timespec.size));
  e.store(atOnce, Timespec.seconds, e.i64(0));
  e.store(atOnce, Timespec.nanoseconds, e.i64(0));
  // It waits for no time if the word is this one, and else not at all.
  const waited = e.syscall(Sys.futex, address, e.i64(FUTEX_WAIT_PRIVATE), e.i64(0), atOnce);
  const found = e.variable(e.i64(0));
  e.if(e.neImm(waited, -EFAULT), () => e.set(found, e.load64(address, 0)));
  return e.get(found);
}

/** Returns a status if a call of the instance is active. */
export function emitUnlessActive(e: Emitter, context: Value): void {
  const frame = e.load64(context, ContextField.outermostFrame);
  e.if(e.nez(frame), () => {
    e.if(e.ult(e.framePointer(), frame), () => {
      e.if(e.eq(emitRead(e, e.offset(frame, ENTRY_CONTEXT)), context), () => {
        const returns = e.load64(context, ContextField.outermostReturns);
        e.if(e.eq(emitRead(e, e.offset(frame, FRAME_RETURN)), returns), () => {
          e.return(e.i32(HostStatus.instance_busy));
        });
      });
    });
  });
}
