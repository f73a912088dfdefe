/**
 * Traps: from the place that trapped to the landing of the innermost entry (ARCHITECTURE "Traps"). Shared by checks, which call `raise`,
 * and by the signal handler. Neither allocates nor calls anything outside; both run within the slack below the stack limit.
 */

import type { Value } from "../ir/function.ts";
import { BACKTRACE_LIMIT, InstanceState, TrapRecord } from "../layout/offsets.ts";
import { TRAP_NAMES, Trap } from "../layout/traps.ts";
import { TABLE_HEADER, trapTableCodes, trapTableKeys } from "./link-data.ts";
import { emitSetState, emitState } from "./instance.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

/** In a frame: the caller's frame pointer, and behind it the return address. An entry's first slot holds its context. */
export const FRAME_CALLER = 0;
export const FRAME_RETURN = 8;
export const ENTRY_CONTEXT = -8;

/** The trap code in row `row` (i32, not -1) of the trap table at `table`. */
export function emitTrapCode(e: Emitter, table: Value, row: Value): Value {
  const count = e.zext(e.load32(table, 0));
  const codes = e.add(table, e.mul(count, e.i64(trapTableCodes)));
  return e.load8(e.add(codes, e.zext(row)), TABLE_HEADER);
}

/** The key of row `row` (i32, not -1). */
export function emitRowKey(e: Emitter, table: Value, row: Value): Value {
  return e.load32(e.add(table, e.shl(e.zext(row), 2)), TABLE_HEADER + trapTableKeys);
}

/** `raise`: called by every failed check; its return address says which. */
export function buildRaise(e: Emitter, program: Program): void {
  const frame = e.framePointer();
  const pc = e.load64(frame, FRAME_RETURN);
  const trapFrame = e.load64(frame, FRAME_CALLER);
  const table = e.dataAddress(program.trapTable);
  const row = e.call1(program.support("find_row"), SUPPORT.find_row, [table, e.wrap(e.sub(pc, e.textBase()))]);
  const code = e.variable(e.i32(Trap.unreachable));
  e.if(e.neImm(row, -1), () => e.set(code, emitTrapCode(e, table, row)));
  const status = e.get(code);
  const { inner, entry, context, returns } = emitInnermostEntry(e, program, trapFrame);
  e.call(program.support("record_trap"), SUPPORT.record_trap, [context, trapFrame, pc, status, e.i64(0), inner]);
  e.unwindTo(entry, returns, status);
}

/** `raise_code`: what is no trap's number is `unreachable`. */
export function buildRaiseCode(e: Emitter, program: Program): void {
  const frame = e.framePointer();
  const pc = e.load64(frame, FRAME_RETURN);
  const trapFrame = e.load64(frame, FRAME_CALLER);
  const known = e.ultImm(e.offset(e.param(1), -1), TRAP_NAMES.length - 1);
  const code = e.select(known, e.param(1), e.i32(Trap.unreachable));
  const { inner, entry, context, returns } = emitInnermostEntry(e, program, trapFrame);
  e.call(program.support("record_trap"), SUPPORT.record_trap, [context, trapFrame, pc, code, e.i64(0), inner]);
  e.unwindTo(entry, returns, code);
}

/** Binary search; see `SUPPORT.find_row`. */
export function buildFindRow(e: Emitter): void {
  const table = e.param(0);
  const key = e.param(1);
  const low = e.variable(e.i32(0));
  const high = e.variable(e.load32(table, 0));
  e.while(
    () => e.ult(e.get(low), e.get(high)),
    () => {
      const middle = e.shr(e.add(e.get(low), e.get(high)), 1);
      e.if(
        e.ule(emitRowKey(e, table, middle), key),
        () => e.set(low, e.offset(middle, 1)),
        () => e.set(high, middle),
      );
    },
  );
  e.return(e.offset(e.get(low), -1));
}

/** Follows frame pointers to the first frame that returns into an entry. Only wasm code and trampolines are in between. */
export function buildFindEntry(e: Emitter, program: Program): void {
  const first = e.funcAddress(program.entries.first);
  const size = e.sub(e.funcAddress(program.entries.end), first);
  const frame = e.variable(e.param(0));
  e.loop((loop) => {
    const at = e.get(frame);
    const returns = e.load64(at, FRAME_RETURN);
    e.breakIf(loop, e.ult(e.sub(returns, first), size));
    e.set(frame, e.load64(at, FRAME_CALLER));
  });
  e.return(e.get(frame));
}

/** Fills the trap record, unless an inner entry of the same instance has trapped before: the first trap is the reason of the others. */
export function buildRecordTrap(e: Emitter, program: Program): void {
  const context = e.param(0);
  const pc = e.param(2);
  const inner = e.param(5);
  const { trap } = program.offsets;
  e.if(e.eqImm(emitState(e, context), InstanceState.trapped), () => e.return());
  emitSetState(e, context, InstanceState.trapped);
  e.store(context, trap + TrapRecord.code, e.param(3));
  e.store(context, trap + TrapRecord.pc, pc);
  e.store(context, trap + TrapRecord.faultAddress, e.param(4));
  e.store8(context, trap + TrapRecord.text, e.i32(0));
  const frames = e.offset(context, trap + TrapRecord.frames);
  e.store(frames, 0, pc);
  const count = e.variable(e.i32(1));
  const at = e.variable(e.param(1));
  e.loop((loop) => {
    e.breakIf(loop, e.eq(e.get(at), inner));
    e.breakUnless(loop, e.ultImm(e.get(count), BACKTRACE_LIMIT));
    e.store(e.add(frames, e.shl(e.zext(e.get(count)), 3)), 0, e.load64(e.get(at), FRAME_RETURN));
    e.set(count, e.offset(e.get(count), 1));
    e.set(at, e.load64(e.get(at), FRAME_CALLER));
  });
  e.store(context, trap + TrapRecord.frameCount, e.get(count));
  e.return();
}

/** What a fault handler needs of the innermost entry: its frame, its context and where it continues. */
export function emitInnermostEntry(
  e: Emitter,
  program: Program,
  frame: Value,
): { readonly inner: Value; readonly entry: Value; readonly context: Value; readonly returns: Value } {
  const inner = e.call1(program.support("find_entry"), SUPPORT.find_entry, [frame]);
  const entry = e.load64(inner, FRAME_CALLER);
  return { inner, entry, context: e.load64(entry, ENTRY_CONTEXT), returns: e.load64(inner, FRAME_RETURN) };
}
