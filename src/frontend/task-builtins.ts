/**
 * The canonical built-ins for asynchrony and threads where no task ever waits (`TaskAction`): what the Canonical ABI leaves of them. A
 * task that may not block traps when it would have to wait, one that may is refused then; it is the one thread of its instance; the only thing
 * that a waitable set can do is to be empty. `task.return` is `task-return.ts`.
 */

import { unreachable } from "../base/diagnostics.ts";
import type { Func } from "../ir/function.ts";
import { I32 } from "../ir/types.ts";
import {
  HANDLE_WAITABLE_SET,
  InstanceTask,
  MemoryDefinition,
  NO_SUCH_NUMBER,
  WAITABLE_SET_NUMBER,
} from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { Trampoline } from "../plan/component.ts";
import { emitHandleFree, emitHandleLookup, emitHandleNew, handleTag } from "./handles.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { buildTaskReturn } from "./task-return.ts";
import { emitMayBlock, taskSlot } from "./tasks.ts";
import { emitCheckMayLeave, TRAMPOLINE_ATTRIBUTES } from "./trampolines.ts";

export type TaskBuiltin = Extract<Trampoline, { kind: "task-builtin" }>;

const BACKPRESSURE_LIMIT = 2 ** 16;
/** `Cancelled.FALSE`. */
const NOT_CANCELLED = 0;
/** Two u32. */
const EVENT_SIZE = 8;

/** Built-ins that a task may call whether or not its instance may leave. */
function isAlwaysAllowed({ action: { kind } }: TaskBuiltin): boolean {
  return kind === "context-get" || kind === "context-set" || kind === "backpressure";
}

export function buildTaskBuiltin(program: Program, builtin: TaskBuiltin, name: string): Func {
  const { action, instance, signature } = builtin;
  if (action.kind === "task-return") return buildTaskReturn(program, builtin, action, name);
  const e = Emitter.start(name, program.signature(signature), TRAMPOLINE_ATTRIBUTES);
  const context = e.param(0);
  if (!isAlwaysAllowed(builtin)) emitCheckMayLeave(e, program, context, instance);
  const table = e.offset(context, program.offsets.handleTable(instance));
  const find = (number: number) => emitHandleLookup(e, program, table, e.i32(number), e.param(1));
  switch (action.kind) {
    case "context-get": {
      const [type] = program.signature(signature).results;
      e.return(e.load(type ?? I32, context, taskSlot(program, instance, action.slot)));
      break;
    }
    case "context-set": {
      const value = e.param(1);
      // `context.get` may ask for more bits than were set.
      const wide = e.func.typeOf(value) === I32 ? e.zext(value) : value;
      e.store(context, taskSlot(program, instance, action.slot), wide);
      e.return();
      break;
    }
    case "backpressure": {
      const at = program.offsets.instanceTask(instance) + InstanceTask.backpressure;
      const count = e.offset(e.load32(context, at), action.by);
      // Below 0 is above the limit too.
      e.trapUnless(e.ultImm(count, BACKPRESSURE_LIMIT), Trap.backpressure_overflow);
      e.store(context, at, count);
      e.return();
      break;
    }
    case "task-cancel":
      e.trapUnless(e.load32(context, program.offsets.instanceTask(instance) + InstanceTask.resolver), Trap.not_async);
      e.trap(Trap.not_cancelled);
      break;
    case "wait":
      e.trapUnless(emitMayBlock(e, program, instance), Trap.cannot_block);
      if (action.of === "unknown-handle") find(NO_SUCH_NUMBER);
      if (action.of === "waitable-set") find(WAITABLE_SET_NUMBER);
      e.trap(action.of === "unknown-handle" ? Trap.unknown_handle : Trap.wait_unsupported);
      break;
    case "yield":
      e.trapIf(emitMayBlock(e, program, instance), Trap.wait_unsupported);
      e.return(e.i32(NOT_CANCELLED));
      break;
    case "constant":
      e.return(e.i32(action.value));
      break;
    case "trap":
      e.trap(Trap[action.trap]);
      break;
    case "unknown-handle":
      find(NO_SUCH_NUMBER);
      e.trap(Trap.unknown_handle);
      break;
    case "waitable-set-new": {
      const tag = handleTag(HANDLE_WAITABLE_SET, WAITABLE_SET_NUMBER);
      e.return(emitHandleNew(e, program, table, e.i32(tag), e.i64(0)));
      break;
    }
    case "waitable-set-drop": {
      const { entry } = find(WAITABLE_SET_NUMBER);
      emitHandleFree(e, table, entry, e.param(1));
      e.return();
      break;
    }
    case "waitable-set-poll": {
      find(WAITABLE_SET_NUMBER);
      // The event `NONE`, whose two numbers are 0.
      const pointer = e.zext(e.param(2));
      const length = e.load64(
        context,
        program.offsets.memoryDefinition(action.memory) + MemoryDefinition.currentLength,
      );
      e.trapIf(e.neImm(e.andImm(pointer, 3), 0), Trap.unaligned_pointer);
      const place = e.below(pointer, e.offset(pointer, EVENT_SIZE), length, Trap.memory_out_of_bounds);
      e.store(e.add(e.offset(context, program.offsets.memory(action.memory)), place), 0, e.i64(0));
      e.return(e.i32(0));
      break;
    }
    default:
      unreachable(action);
  }
  return e.finish();
}
