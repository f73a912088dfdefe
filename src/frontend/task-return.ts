/**
 * `task.return`: what an `async`-lifted function does in place of returning a result (Canonical ABI, `canon_task_return`). It gets the result as
 * a lowered function gets parameters, and moves it to whoever called the function, as an adapter or a typed call of a host does: so it has
 * the code for each of them.
 */

import type { Func, Value } from "../ir/function.ts";
import { InstanceTask, TASK_RESOLVED } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { TaskAction } from "../plan/component.ts";
import { emitCheckBorrowsReturned, emitResult } from "./adapters-build.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import type { TaskBuiltin } from "./task-builtins.ts";
import { type TaskCaller, taskResult } from "./tasks.ts";
import { emitCheckMayLeave } from "./trampolines.ts";
import { emitTypedResult } from "./typed-exports.ts";

const ATTRIBUTES = { stackCheck: true, entry: false } as const;

export function buildTaskReturn(
  program: Program,
  { instance, signature }: TaskBuiltin,
  action: Extract<TaskAction, { kind: "task-return" }>,
  name: string,
): Func {
  const e = Emitter.start(name, program.signature(signature), ATTRIBUTES);
  const context = e.param(0);
  emitCheckMayLeave(e, program, context, instance);
  const at = program.offsets.instanceTask(instance) + InstanceTask.resolver;
  const resolver = e.load32(context, at);
  e.trapIf(e.eqz(resolver), Trap.not_async);
  e.trapIf(e.eqImm(resolver, TASK_RESOLVED), Trap.resolved_twice);
  const callers = program.tasks.callersOf(instance, action);
  const [first] = callers;
  if (first === undefined) {
    e.trap(Trap.wrong_result);
    return e.finish();
  }
  const index = e.offset(resolver, -program.tasks.numberOf(first));
  e.trapUnless(e.ultImm(index, callers.length), Trap.wrong_result);
  const arms = callers.map((caller) => () => emitReturnTo(e, program, caller));
  if (callers.length === 1) arms[0]?.();
  else {
    e.switch(
      index,
      callers.map((_, i) => i),
      arms,
    );
  }
  e.store(context, at, e.i32(TASK_RESOLVED));
  e.return();
  return e.finish();
}

function emitReturnTo(e: Emitter, program: Program, caller: TaskCaller): void {
  const values = e.params.slice(1);
  const lifted = typeof caller === "number" ? program.exported(caller) : caller.callee;
  const at = taskResult(program, lifted.options.instance);
  const store = (results: readonly Value[]): void => {
    for (const result of results) e.store(e.param(0), at, result);
  };
  emitCheckBorrowsReturned(e, program, lifted);
  if (typeof caller !== "number") {
    const place = program.adapters.passing(caller).result.to ? e.load64(e.param(0), at) : undefined;
    store(emitResult(e, program, caller, values, place));
  } else if (program.api.typedExports) emitTypedResult(e, program, caller, values, e.load64(e.param(0), at));
  // A host that gets flat values lifts them itself.
  else store(values);
}
