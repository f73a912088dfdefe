/**
 * Canonical built-ins for asynchrony and threads: what they do in a component whose tasks never wait. Each task runs to its end when it is called,
 * so that no subtask is in a table; functions that have streams and futures in their types are refused; and the only streams, futures and
 * threads would be those that an instance makes for itself: making one traps, and so does waiting.
 */

import { unreachable } from "../base/diagnostics.ts";
import type { AsyncBuiltin } from "../component/parsed.ts";
import type { MemoryIndex, TaskAction } from "../plan/component.ts";

/** The index of an instance's only thread: the first of its table. */
const THREAD_INDEX = 1;

/** The action of a built-in; undefined when it is refused. `memory` finds the one of an immediate. `task.return` has a type, and is not here. */
export function taskAction(
  builtin: Exclude<AsyncBuiltin, { name: "task.return" }>,
  memory: (index: number) => MemoryIndex | undefined,
): TaskAction | undefined {
  const trap = (name: Extract<TaskAction, { kind: "trap" }>["trap"]): TaskAction => ({ kind: "trap", trap: name });
  /** One that waits unless it is `async`. */
  const waits = (isAsync: boolean): TaskAction =>
    isAsync ? { kind: "unknown-handle" } : { kind: "wait", of: "unknown-handle" };
  switch (builtin.name) {
    case "context.get":
      return { kind: "context-get", slot: builtin.slot };
    case "context.set":
      return { kind: "context-set", slot: builtin.slot };
    case "backpressure.inc":
      return { kind: "backpressure", by: 1 };
    case "backpressure.dec":
      return { kind: "backpressure", by: -1 };
    case "task.cancel":
      return { kind: "task-cancel" };
    case "thread.index":
      return { kind: "constant", value: THREAD_INDEX };
    case "thread.yield":
      return { kind: "yield" };
    case "thread.suspend":
      return { kind: "wait", of: "thread" };
    case "waitable-set.wait":
      return { kind: "wait", of: "waitable-set" };
    case "thread.resume-later":
    case "thread.suspend-then-resume":
    case "thread.yield-then-resume":
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
      return trap("unknown_thread");
    case "waitable-set.new":
      return { kind: "waitable-set-new" };
    case "waitable-set.drop":
      return { kind: "waitable-set-drop" };
    case "waitable-set.poll": {
      const found = memory(builtin.memory);
      return found === undefined ? undefined : { kind: "waitable-set-poll", memory: found };
    }
    case "waitable.join":
    case "subtask.drop":
    case "stream.drop-readable":
    case "stream.drop-writable":
    case "future.drop-readable":
    case "future.drop-writable":
      return { kind: "unknown-handle" };
    case "subtask.cancel":
    case "stream.cancel-read":
    case "stream.cancel-write":
    case "future.cancel-read":
    case "future.cancel-write":
      return waits(builtin.flag);
    case "stream.read":
    case "stream.write":
    case "future.read":
    case "future.write":
      return waits(builtin.options.some((option) => option.kind === "async"));
    case "stream.new":
    case "future.new":
    case "thread.new-indirect":
      return trap("async_unsupported");
    case "thread.spawn-indirect":
    case "thread.spawn-ref":
    case "thread.available-parallelism":
    case "error-context.new":
    case "error-context.debug-message":
    case "error-context.drop":
      return undefined;
    default:
      return unreachable(builtin);
  }
}
