/** What the canonical built-ins for asynchrony and threads demand of their immediates. */

import { type FuncType as CoreFuncType, I32, I64 } from "../../wasm/types.ts";
import { builtinSignature } from "../builtins.ts";
import type { AsyncBuiltin } from "../parsed.ts";
import type { CanonValidator } from "./canon.ts";
import type { TypeFactory } from "./factory.ts";
import type { Scope } from "./scope.ts";
import type { TypeValidator } from "./types.ts";

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
    case "task.return": {
      const options = canon.options(scope, builtin.options);
      if (options.isAsync || options.callback !== undefined || options.postReturn !== undefined) {
        scope.invalid("`task.return` takes only the options `string-encoding` and `memory`", offset);
      }
      if (options.realloc !== undefined) scope.invalid("cannot specify `realloc` option on `task.return`", offset);
      const result = builtin.result === undefined ? undefined : types.value(scope, builtin.result, offset);
      // The result goes out as the parameters of a lowered call do.
      const params = result === undefined ? [] : [{ name: "v", type: result }];
      return canon.flatten(scope, factory.func(params, undefined, false), options, "lower", offset, "`task.return`");
    }
    case "context.get":
    case "context.set":
      if (builtin.slot >= CONTEXT_SLOTS) {
        scope.invalid(`immediate must be below ${CONTEXT_SLOTS}: context slot ${builtin.slot}`, offset);
      }
      break;
    case "stream.new":
    case "stream.drop-readable":
    case "stream.drop-writable":
    case "stream.cancel-read":
    case "stream.cancel-write":
      stream(builtin.type, "stream");
      break;
    case "future.new":
    case "future.drop-readable":
    case "future.drop-writable":
    case "future.cancel-read":
    case "future.cancel-write":
      stream(builtin.type, "future");
      break;
    case "stream.read":
    case "stream.write":
    case "future.read":
    case "future.write": {
      stream(builtin.type, builtin.name.startsWith("stream") ? "stream" : "future");
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
      return builtinSignature(builtin, options.memory?.is64 === true ? I64 : I32);
    }
    case "error-context.new":
    case "error-context.debug-message": {
      const options = canon.options(scope, builtin.options);
      canon.checkCommon(scope, options, offset);
      if (options.memory === undefined) scope.invalid("canonical option `memory` is required", offset);
      if (builtin.name === "error-context.debug-message" && options.realloc === undefined) {
        scope.invalid("canonical option `realloc` is required", offset);
      }
      break;
    }
    case "waitable-set.wait":
    case "waitable-set.poll":
      scope.lookup(scope.coreMemories, "memory", builtin.memory, offset);
      break;
    case "thread.new-indirect":
    case "thread.spawn-indirect":
      startFunction(scope, builtin.type, offset);
      scope.lookup(scope.coreTables, "table", builtin.table, offset);
      break;
    case "thread.spawn-ref":
      startFunction(scope, builtin.type, offset);
      return scope.fail("unsupported", "the canonical built-in `thread.spawn-ref`", offset);
    default:
      break;
  }
  return builtinSignature(builtin, I32);
}

/** A thread starts in a function of one integer. */
function startFunction(scope: Scope, index: number, offset: number): void {
  const type = scope.at(offset, () => scope.coreTypes.func(index));
  const [param] = type.params;
  if (type.params.length !== 1 || (param !== I32 && param !== I64) || type.results.length > 0) {
    scope.invalid("start function must take a single `i32` or `i64` argument and return nothing", offset);
  }
}
