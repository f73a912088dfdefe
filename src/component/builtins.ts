/** Core signatures of the canonical built-ins for asynchrony and threads, which validation and translation share. */

import { unreachable } from "../base/diagnostics.ts";
import { type FuncType, I32, I64, type ValType } from "../wasm/types.ts";
import type { AsyncBuiltin } from "./parsed.ts";

function func(params: readonly ValType[], results: readonly ValType[]): FuncType {
  return { kind: "func", params, results };
}

/** `ptr` is the address type of its memory, if it has one. The signature of `task.return` follows from a type and is not here. */
export function builtinSignature(builtin: Exclude<AsyncBuiltin, { name: "task.return" }>, ptr: ValType): FuncType {
  switch (builtin.name) {
    case "task.cancel":
    case "backpressure.inc":
    case "backpressure.dec":
      return func([], []);
    case "subtask.drop":
    case "waitable-set.drop":
    case "error-context.drop":
    case "thread.resume-later":
    case "stream.drop-readable":
    case "stream.drop-writable":
    case "future.drop-readable":
    case "future.drop-writable":
      return func([I32], []);
    case "waitable-set.new":
    case "thread.index":
    case "thread.available-parallelism":
    case "thread.yield":
    case "thread.suspend":
      return func([], [I32]);
    case "waitable.join":
      return func([I32, I32], []);
    case "subtask.cancel":
    case "thread.suspend-then-resume":
    case "thread.yield-then-resume":
    case "thread.suspend-then-promote":
    case "thread.yield-then-promote":
    case "stream.cancel-read":
    case "stream.cancel-write":
    case "future.cancel-read":
    case "future.cancel-write":
      return func([I32], [I32]);
    case "context.get":
      return func([], [builtin.is64 ? I64 : I32]);
    case "context.set":
      return func([builtin.is64 ? I64 : I32], []);
    case "stream.new":
    case "future.new":
      return func([], [I64]);
    case "stream.read":
    case "stream.write":
      return func([I32, ptr, ptr], [ptr]);
    case "future.read":
    case "future.write":
      return func([I32, ptr], [I32]);
    case "error-context.new":
    case "waitable-set.wait":
    case "waitable-set.poll":
    case "thread.new-indirect":
    case "thread.spawn-indirect":
    case "thread.spawn-ref":
      return func([I32, I32], [I32]);
    case "error-context.debug-message":
      return func([I32, I32], []);
    default:
      return unreachable(builtin);
  }
}
