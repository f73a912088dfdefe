/**
 * The executable's beginning and end. The kernel starts `_start` with the stack pointer at argc and nothing else; wasm code gets a stack of
 * its own, with a guard below, so that its limit does not depend on the shell's. Then: instantiate, run `wasi:cli/run`, exit.
 *
 * | how the run ends | exit code |
 * |---|---|
 * | ok | 0 |
 * | error | 1 |
 * | `wasi:cli/exit` | what it was given |
 * | a trap | 134, with the message and a backtrace on standard error |
 */

import type { Value } from "../ir/function.ts";
import { OptionsField, VAL_RAW_SIZE } from "../layout/host.ts";
import { ContextField, PAGE_SIZE, TrapRecord } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import { MAP_RESERVE, PROT_NONE, Sys } from "./linux.ts";
import { emitMap } from "./memory.ts";
import { textLength, textOffset } from "./messages.ts";
import { DEFAULT_STACK_SIZE, type Program } from "./program.ts";
import type { Emitter } from "./structured.ts";
import { ENTER_INSTANTIATE, LIFTED_ENTRY, MAIN, SUPPORT } from "./support.ts";

const STDERR = 2;
const EXIT_TRAP = 134;
const EXIT_NO_MEMORY = 71;
/** Below the stack: never accessible. */
const GUARD = 16 * PAGE_SIZE;
/** What `main` and the entries themselves use of the stack. */
const MAIN_FRAMES = 2 * PAGE_SIZE;

function stackSize(program: Program): number {
  const asked = program.options.stackSize ?? DEFAULT_STACK_SIZE;
  return Math.ceil(asked / PAGE_SIZE) * PAGE_SIZE;
}

export function emitExit(e: Emitter, code: Value): void {
  e.syscall(Sys.exitGroup, e.zext(code));
  e.trap(Trap.unreachable);
}

function emitNoMemory(e: Emitter, program: Program): void {
  const text = e.dataAddress(program.messages, textOffset("failedToStart"));
  e.syscall(Sys.write, e.i64(STDERR), text, e.i64(textLength("failedToStart")));
  emitExit(e, e.i32(EXIT_NO_MEMORY));
}

/**
 * `_start`. Its frame is `push rbp; mov rbp, rsp`: what the kernel's stack pointer was is the frame pointer + 8, where other functions have
 * their return address. Its own stack is misaligned for calls, so the only call is the one onto the new stack.
 */
export function buildStart(e: Emitter, program: Program): void {
  const startup = e.offset(e.framePointer(), 8);
  const size = stackSize(program);
  const all = e.i64(size + GUARD);
  const base = e.syscall(Sys.mmap, e.i64(0), all, e.i64(PROT_NONE), e.i64(MAP_RESERVE), e.i64(-1), e.i64(0));
  e.if(e.failed(base), () => emitNoMemory(e, program));
  const bottom = e.offset(base, GUARD);
  const made = emitMap(e, bottom, e.i64(size));
  e.if(e.nez(made), () => emitNoMemory(e, program));
  e.callOnStack(e.offset(bottom, size), program.functions.symbolOf({ kind: "main" }), MAIN, [startup]);
  e.trap(Trap.unreachable);
}

/** Writes all of a C string, unless that fails. */
function emitWriteString(e: Emitter, text: Value): void {
  const end = e.variable(text);
  e.while(
    () => e.nez(e.load8(e.get(end), 0)),
    () => e.set(end, e.offset(e.get(end), 1)),
  );
  const at = e.variable(text);
  const stop = e.get(end);
  e.while(
    () => e.ult(e.get(at), stop),
    (loop) => {
      const written = e.syscall(Sys.write, e.i64(STDERR), e.get(at), e.sub(stop, e.get(at)));
      e.breakIf(loop, e.failed(written));
      e.set(at, e.add(e.get(at), written));
    },
  );
}

/** In `main`: the process's own instance, not yet instantiated, with all of the stack. */
export function emitOwnInstance(e: Emitter, program: Program): Value {
  const options = e.slotAddress(e.slot(OptionsField.byteSize));
  e.store(options, OptionsField.size, e.i64(OptionsField.byteSize));
  e.store(options, OptionsField.stackBudget, e.i64(stackSize(program) - MAIN_FRAMES));
  for (let at: number = OptionsField.user; at < OptionsField.byteSize; at += 8) e.store(options, at, e.i64(0));
  const place = e.slotAddress(e.slot(8));
  const made = e.call1(program.support("create_region"), SUPPORT.create_region, [e.i64(0), options, place]);
  e.if(e.nez(made), () => emitNoMemory(e, program));
  if (program.faults) e.call(program.support("install_handlers"), SUPPORT.install_handlers, []);
  const context = e.load64(place, 0);
  e.store(context, ContextField.startup, e.param(0));
  return context;
}

/** `main(address of argc)`. Does not return. */
export function buildMain(e: Emitter, program: Program): void {
  const context = emitOwnInstance(e, program);
  const status = e.variable(e.call1(program.enterInstantiate, ENTER_INSTANTIATE, [context]));
  const [run] = program.api.exports;
  const entry =
    run === undefined ? program.functions.symbolOf({ kind: "core-entry", export: 0 }) : program.exportEntry(0);
  const count = run?.values ?? 0;
  const values = e.slotAddress(e.slot(VAL_RAW_SIZE * Math.max(1, count), VAL_RAW_SIZE));
  e.store(values, 0, e.i32(0));
  e.if(e.eqz(e.get(status)), () => {
    // A core module's `_start` has no parameters and no results.
    const called =
      run === undefined
        ? e.call1(entry, ENTER_INSTANTIATE, [context])
        : e.call1(entry, LIFTED_ENTRY, [context, values, e.i64(count)]);
    e.set(status, called);
  });
  const ended = e.get(status);
  // The only result of `run` is a result's discriminant.
  e.if(e.eqz(ended), () => emitExit(e, e.nez(e.load32(values, 0))));
  e.if(e.eqImm(ended, Trap.exit), () => {
    emitExit(e, e.load32(context, program.offsets.trap + TrapRecord.exitStatus));
  });
  emitWriteString(e, e.call1(program.support("format_trap"), SUPPORT.format_trap, [context]));
  emitExit(e, e.i32(EXIT_TRAP));
}
