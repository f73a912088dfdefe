/**
 * Faults as traps. `new` installs one handler for SIGSEGV and SIGBUS per object, and keeps the actions that were there. The handler takes
 * a fault only if its pc is in this object's trap table and the address lies in the region of the innermost entry's instance; anything
 * else is the affair of the action before, done as the kernel would have done it. Two reads of a host's memory may fault as well: of what should be
 * an instance (`instance.ts`), and of a value that leads nowhere.
 *
 * Several objects in one process chain to each other. The kept actions are the object's only writable data.
 */

import { entity } from "../base/entity.ts";
import type { FuncSymbol, Value } from "../ir/function.ts";
import { Access, accessFlags, Region } from "../ir/ops.ts";
import { I32, I64 } from "../ir/types.ts";
import { HostStatus } from "../layout/host.ts";
import { LANDING_OFFSET, PROBE_LENGTH, PROBE_ROW } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { FunctionRange } from "./enumerate.ts";
import { emitInnermostEntry, emitRowKey, emitTrapCode, FRAME_CALLER, FRAME_RETURN } from "./raise.ts";
import {
  KernelSigaction,
  PAGE_FAULT_WRITE,
  RESTORER_START,
  SA_NODEFER,
  SA_ONSTACK,
  SA_RESETHAND,
  SA_RESTORER,
  SA_SIGINFO,
  SIG_BLOCK,
  SIG_DFL,
  SIG_IGN,
  SIG_UNBLOCK,
  SIGBUS,
  SIGSEGV,
  Siginfo,
  SignalState,
  Sys,
  Ucontext,
} from "./linux.ts";
import type { Program } from "./program.ts";
import { cSignature } from "./signatures.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

const ANYWHERE = accessFlags(Access.full, Region.any);

const HANDLER = cSignature([I32]);
const HANDLER_SIGINFO = cSignature([I32, I64, I64]);

/** `handle_fault(number, siginfo, ucontext)`. */
export function buildHandleFault(e: Emitter, program: Program): void {
  const [number, siginfo, ucontext] = [e.param(0), e.param(1), e.param(2)];
  const table = e.dataAddress(program.trapTable);
  const pc = e.load64(ucontext, Ucontext.rip);
  const at = e.sub(pc, e.textBase());
  // Only the kernel's own faults (code > 0): anybody may send the signal.
  const isFault = e.slt(e.i32(0), e.load32(siginfo, Siginfo.code));
  e.if(e.and(isFault, e.ult(at, e.i64(2 ** 32))), () => {
    const row = e.call1(program.support("find_row"), SUPPORT.find_row, [table, e.wrap(at)]);
    e.if(e.neImm(row, -1), () => {
      e.if(e.eq(emitRowKey(e, table, row), e.wrap(at)), () => {
        e.if(e.eqImm(emitTrapCode(e, table, row), PROBE_ROW), () => {
          e.store(ucontext, Ucontext.r11, e.i64(-1));
          e.store(ucontext, Ucontext.rip, e.offset(pc, PROBE_LENGTH));
          e.return();
        });
        // The pc is in compiled code, so the frame pointer is one of its frames.
        const frame = e.load64(ucontext, Ucontext.rbp);
        const { inner, entry, context, returns } = emitInnermostEntry(e, program, frame);
        const address = e.load64(siginfo, Siginfo.address);
        e.if(e.ult(e.sub(address, context), e.i64(program.offsets.regionSize)), () => {
          const code = emitTrapCode(e, table, row);
          const args = [context, frame, pc, code, address, inner];
          e.call(program.support("record_trap"), SUPPORT.record_trap, args);
          emitLand(e, ucontext, entry, returns, code);
        });
      });
    });
    if (program.isTyped) {
      emitHostFault(e, program, pc, ucontext, e.load64(siginfo, Siginfo.address));
    }
  });
  e.call(program.support("chain_signal"), SUPPORT.chain_signal, [number, siginfo, ucontext]);
  e.return();
}

/** Goes on behind the `call_catch` of an entry, with this status. */
function emitLand(e: Emitter, ucontext: Value, entry: Value, returns: Value, status: Value): void {
  e.store(ucontext, Ucontext.rbp, entry);
  e.store(ucontext, Ucontext.r11, e.zext(status));
  e.store(ucontext, Ucontext.rip, e.offset(returns, LANDING_OFFSET));
  e.return();
}

/**
 * A read by the code that moves values, outside of the instance: a host's pointer or length leads to what is not there. Arguments refuse the call;
 * beneath the trampoline of a host function it is its answer, which traps.
 */
function emitHostFault(e: Emitter, program: Program, pc: Value, ucontext: Value, address: Value): void {
  const copy = program.support("copy_bytes");
  const within = (place: Value, { first, end }: FunctionRange): Value => {
    const start = e.funcAddress(first);
    return e.ult(e.sub(place, start), e.sub(e.funcAddress(end), start));
  };
  const isTransfer = e.or(
    within(pc, program.transfers),
    within(pc, { first: copy, end: entity<FuncSymbol>(program.support("copy_long") + 1) }),
  );
  const isRead = e.eqz(e.andImm(e.load32(ucontext, Ucontext.error), PAGE_FAULT_WRITE));
  e.if(e.and(isTransfer, isRead), () => {
    const frame = e.load64(ucontext, Ucontext.rbp);
    const { inner, entry, context, returns } = emitInnermostEntry(e, program, frame);
    const place = e.variable(pc);
    const at = e.variable(frame);
    e.loop((loop) => {
      e.if(within(e.get(place), program.lowered), () => {
        const code = e.i32(Trap.unreadable_answer);
        e.call(program.support("record_trap"), SUPPORT.record_trap, [context, frame, pc, code, address, inner]);
        emitLand(e, ucontext, entry, returns, code);
      });
      const one = e.get(at);
      e.breakIf(loop, e.eq(one, inner));
      e.set(place, e.load64(one, FRAME_RETURN));
      e.set(at, e.load64(one, FRAME_CALLER));
    });
    emitLand(e, ucontext, entry, returns, e.i32(HostStatus.unreadable_argument));
  });
}

/** `chain_signal(number, siginfo, ucontext)`. The kernel's return from the signal restores the mask. */
export function buildChainSignal(e: Emitter, program: Program): void {
  const [number, siginfo, ucontext] = [e.param(0), e.param(1), e.param(2)];
  const state = e.dataAddress(program.signalState);
  const signal = e.zext(number);
  const action = e.select(e.eqImm(number, SIGBUS), e.offset(state, SignalState.bus), e.offset(state, SignalState.segv));
  const handler = e.load64(action, KernelSigaction.handler);
  const flags = e.load64(action, KernelSigaction.flags);
  const isFault = e.slt(e.i32(0), e.load32(siginfo, Siginfo.code));
  const maskSize = e.i64(KernelSigaction.maskSize);

  e.if(e.eqImm(handler, SIG_IGN), () => {
    // A fault that is ignored kills all the same: the instruction runs again under that action.
    e.if(isFault, () => void e.syscall(Sys.rtSigaction, signal, action, e.i64(0), maskSize));
    e.return();
  });
  e.if(e.eqImm(handler, SIG_DFL), () => {
    e.syscall(Sys.rtSigaction, signal, action, e.i64(0), maskSize);
    // A signal that was sent comes again when this one returns, for it is blocked until then.
    e.if(e.eqz(isFault), () => void e.syscall(Sys.tgkill, e.syscall(Sys.getpid), e.syscall(Sys.gettid), signal));
    e.return();
  });
  e.if(e.nez(e.andImm(flags, SA_RESETHAND)), () => e.store(action, KernelSigaction.handler, e.i64(SIG_DFL)));
  e.syscall(Sys.rtSigprocmask, e.i64(SIG_BLOCK), e.offset(action, KernelSigaction.mask), e.i64(0), maskSize);
  e.if(e.nez(e.andImm(flags, SA_NODEFER)), () => {
    const own = e.slotAddress(e.slot(8));
    e.store(own, 0, e.shlBy(e.i64(1), e.offset(signal, -1)));
    e.syscall(Sys.rtSigprocmask, e.i64(SIG_UNBLOCK), own, e.i64(0), maskSize);
  });
  e.if(
    e.nez(e.andImm(flags, SA_SIGINFO)),
    () => void e.callIndirect(handler, HANDLER_SIGINFO, [number, siginfo, ucontext]),
    () => void e.callIndirect(handler, HANDLER, [number]),
  );
  e.return();
}

function emitInstall(e: Emitter, program: Program, signal: number, saved: Value): void {
  const action = e.slotAddress(e.slot(KernelSigaction.size));
  e.store(action, KernelSigaction.handler, e.funcAddress(program.support("handle_fault")));
  e.store(action, KernelSigaction.flags, e.i64(SA_SIGINFO + SA_ONSTACK + SA_RESTORER));
  e.store(
    action,
    KernelSigaction.restorer,
    e.offset(e.funcAddress(program.functions.symbolOf({ kind: "restorer" })), RESTORER_START),
  );
  e.store(action, KernelSigaction.mask, e.i64(0));
  const size = e.i64(KernelSigaction.maskSize);
  // Asked first, so that a fault on another thread meanwhile finds it.
  e.syscall(Sys.rtSigaction, e.i64(signal), e.i64(0), saved, size);
  e.syscall(Sys.rtSigaction, e.i64(signal), action, saved, size);
}

/** `install_handlers()`: once per object, whichever thread comes first; the others wait until it is done. */
export function buildInstallHandlers(e: Emitter, program: Program): void {
  const state = e.dataAddress(program.signalState);
  e.loop((loop) => {
    const before = e.builder.atomicCas(I32, state, e.i32(0), e.i32(1), SignalState.installed, ANYWHERE);
    e.breakIf(loop, e.eqz(before));
    e.if(e.eqImm(before, 2), () => e.return());
    e.syscall(Sys.schedYield);
  });
  emitInstall(e, program, SIGSEGV, e.offset(state, SignalState.segv));
  emitInstall(e, program, SIGBUS, e.offset(state, SignalState.bus));
  e.builder.fence();
  e.store(state, SignalState.installed, e.i32(2));
  e.return();
}
