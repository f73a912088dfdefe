/** Core signatures of the canonical built-ins for asynchrony and threads, and what they demand of their immediates. */

import { unreachable } from "../../base/diagnostics.ts";
import { type FuncType as CoreFuncType, I32, I64, type ValType } from "../../wasm/types.ts";
import type { AsyncBuiltin } from "../parsed.ts";
import type { CanonValidator } from "./canon.ts";
import type { TypeFactory } from "./factory.ts";
import type { Scope } from "./scope.ts";
import type { TypeValidator } from "./types.ts";

function func(params: readonly ValType[], results: readonly ValType[]): CoreFuncType {
  return { kind: "func", params, results };
}

/** Slots that a task's context has. */
const CONTEXT_SLOTS = 2;

/** The core type of a built-in. Throws an `invalid` error when an immediate is wrong. */
export function asyncBuiltinType(
  factory: TypeFactory,
  types: TypeValidator,
  canon: CanonValidator,
  scope: Scope,
  builtin: AsyncBuiltin,
  offset: number,
): CoreFuncType {
  const stream = (index: number, kind: string) => {
    const type = scope.type(index, offset);
    if (type.sort !== "defined" || type.shape.kind !== kind) {
      scope.invalid(`type index ${index} is not a ${kind} type`, offset);
    }
  };
  switch (builtin.name) {
    case "task.cancel":
    case "backpressure.inc":
    case "backpressure.dec":
      return func([], []);
    case "subtask.drop":
    case "waitable-set.drop":
    case "error-context.drop":
    case "thread.resume-later":
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
      return func([I32], [I32]);
    case "task.return": {
      const options = canon.options(scope, builtin.options);
      if (options.isAsync || options.callback !== undefined || options.postReturn !== undefined) {
        scope.invalid("`task.return` takes only the options `string-encoding` and `memory`", offset);
      }
      if (options.realloc !== undefined) scope.invalid("cannot specify `realloc` option on `task.return`", offset);
      const result = builtin.result === undefined ? undefined : types.value(scope, builtin.result, offset);
      // The result goes out as the parameters of a lowered call do.
      const params = result === undefined ? [] : [{ name: "v", type: result }];
      return canon.flatten(scope, factory.func(params, undefined, false), options, "lower", offset);
    }
    case "context.get":
    case "context.set": {
      if (builtin.slot >= CONTEXT_SLOTS) {
        scope.invalid(`immediate must be below ${CONTEXT_SLOTS}: context slot ${builtin.slot}`, offset);
      }
      const type = builtin.is64 ? I64 : I32;
      return builtin.name === "context.get" ? func([], [type]) : func([type], []);
    }
    case "stream.new":
      stream(builtin.type, "stream");
      return func([], [I64]);
    case "future.new":
      stream(builtin.type, "future");
      return func([], [I64]);
    case "stream.drop-readable":
    case "stream.drop-writable":
      stream(builtin.type, "stream");
      return func([I32], []);
    case "future.drop-readable":
    case "future.drop-writable":
      stream(builtin.type, "future");
      return func([I32], []);
    case "stream.cancel-read":
    case "stream.cancel-write":
      stream(builtin.type, "stream");
      return func([I32], [I32]);
    case "future.cancel-read":
    case "future.cancel-write":
      stream(builtin.type, "future");
      return func([I32], [I32]);
    case "stream.read":
    case "stream.write":
    case "future.read":
    case "future.write": {
      const kind = builtin.name.startsWith("stream") ? "stream" : "future";
      stream(builtin.type, kind);
      const type = scope.type(builtin.type, offset);
      const element = type.sort === "defined" && "type" in type.shape ? type.shape.type : undefined;
      const options = canon.options(scope, builtin.options);
      canon.checkCommon(scope, options, offset);
      if (options.postReturn !== undefined || options.callback !== undefined) {
        scope.invalid(`\`${builtin.name}\` takes no \`post-return\` and no \`callback\``, offset);
      }
      if (element !== undefined && options.memory === undefined) {
        scope.invalid("canonical option `memory` is required", offset);
      }
      const pointers = element !== undefined && factory.flattening32.containsPointer(factory.layoutOf(element));
      if (pointers && builtin.name.endsWith("read") && options.realloc === undefined) {
        scope.invalid("canonical option `realloc` is required", offset);
      }
      const ptr = options.memory?.is64 === true ? I64 : I32;
      return kind === "stream" ? func([I32, ptr, ptr], [ptr]) : func([I32, ptr], [I32]);
    }
    case "error-context.new":
    case "error-context.debug-message": {
      const options = canon.options(scope, builtin.options);
      canon.checkCommon(scope, options, offset);
      if (options.memory === undefined) scope.invalid("canonical option `memory` is required", offset);
      if (builtin.name === "error-context.new") return func([I32, I32], [I32]);
      if (options.realloc === undefined) scope.invalid("canonical option `realloc` is required", offset);
      return func([I32, I32], []);
    }
    case "waitable-set.wait":
    case "waitable-set.poll":
      scope.lookup(scope.coreMemories, "memory", builtin.memory, offset);
      return func([I32, I32], [I32]);
    case "thread.new-indirect":
    case "thread.spawn-indirect": {
      startFunction(scope, builtin.type, offset);
      scope.lookup(scope.coreTables, "table", builtin.table, offset);
      return func([I32, I32], [I32]);
    }
    case "thread.spawn-ref":
      startFunction(scope, builtin.type, offset);
      return scope.fail("unsupported", "the canonical built-in `thread.spawn-ref`", offset);
    default:
      return unreachable(builtin);
  }
}

/** A thread starts in a function of one integer. */
function startFunction(scope: Scope, index: number, offset: number): void {
  const type = scope.at(offset, () => scope.coreTypes.func(index));
  const [param] = type.params;
  if (type.params.length !== 1 || (param !== I32 && param !== I64) || type.results.length > 0) {
    scope.invalid("start function must take a single `i32` or `i64` argument and return nothing", offset);
  }
}
