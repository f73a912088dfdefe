/**
 * Tasks (Canonical ABI: `Task`, `Thread`). An instance runs one task at a time, from its call to its end, so what a task has is the instance's
 * (`InstanceTask`): its storage, whether it may block, and who gets its result.
 *
 * - Storage is zero between tasks, cleared at the end of each in instances that use it. `realloc` of a caller, called while a callee's result is
 *   lowered, sees the caller's storage: it is part of the caller's task.
 * - A task of an `async` function may block. None does: what would have to is refused when it happens.
 * - The result of an `async`-lifted function goes to whoever called it when the function calls `task.return`: an adapter's caller or a host. Those
 *   who call functions of an instance are numbered, from 1, those that get the same type with the same options in a row; so that the number tells
 *   `task.return` whether it is the right one, and which code to run.
 */

import { typeKey } from "../abi/sizes.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import type { InterfaceType } from "../component/types.ts";
import type { Value } from "../ir/function.ts";
import { InstanceTask, TASK_RESOLVED, WAITABLE_SET_NUMBER } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type {
  CanonicalOptions,
  Component,
  LiftedFunction,
  RuntimeComponentInstanceIndex,
  StringEncoding,
  TaskAction,
} from "../plan/component.ts";
import type { Adapter } from "./adapters.ts";
import { emitHandleLookup } from "./handles.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

/** Callers of which all `task.return` together may know. Bounds the code that these multiply to. */
export const MAX_TASK_CALLERS = 20_000;

/** Slots of a task's storage. */
const SLOTS = 2;
const SLOT_SIZE = 8;
/** `CallbackCode`, in the low bits of what a core function with a callback returns; the index of a waitable set is above. */
const CALLBACK_CODE_BITS = 4;
const CALLBACK_EXIT = 0;
const CALLBACK_YIELD = 1;
const CALLBACK_WAIT = 2;

type TaskReturn = Extract<TaskAction, { kind: "task-return" }>;
type Memory = CanonicalOptions["memory"];
/** Callers by what their function returns, and behind that by the memory that it is lifted with. */
type Callers = Map<string, Map<Memory, TaskCaller[]>>;

/** Who calls a lifted function: an adapter, or an export's entry by the export's position. */
export type TaskCaller = Adapter | number;

/** Where a slot is, from the context. */
export function taskSlot(program: Program, instance: RuntimeComponentInstanceIndex, slot: number): number {
  return program.offsets.instanceTask(instance) + InstanceTask.storage + SLOT_SIZE * slot;
}

/** What `task.return` must name so that it is a function's; and a memory, if it names one, the same. */
function resultKey(result: InterfaceType | undefined, encoding: StringEncoding): string {
  const type = result === undefined ? "" : "resource" in result ? `${result.kind} ${result.resource}` : typeKey(result);
  return `${type} ${encoding}`;
}

/** What the plan says of tasks. */
export class Tasks {
  /** Those whose tasks may store something. */
  readonly withStorage = new Set<RuntimeComponentInstanceIndex>();
  /** Those that run tasks that may block. */
  readonly mayBlock = new Set<RuntimeComponentInstanceIndex>();
  readonly #withBackpressure = new Set<RuntimeComponentInstanceIndex>();
  readonly #callers = new Map<RuntimeComponentInstanceIndex, Callers>();
  readonly #numbers = new Map<TaskCaller, number>();

  /** Throws a `limit` error. */
  constructor(component: Component, exports: readonly LiftedFunction[]) {
    for (const trampoline of component.trampolines) {
      if (trampoline.kind === "adapter") this.#calls(component, trampoline, trampoline.callee);
      if (trampoline.kind !== "task-builtin") continue;
      if (trampoline.action.kind === "context-set") this.withStorage.add(trampoline.instance);
      if (trampoline.action.kind === "backpressure") this.#withBackpressure.add(trampoline.instance);
    }
    exports.forEach((lifted, index) => {
      this.#calls(component, index, lifted);
    });
    for (const byResult of this.#callers.values()) {
      let next = 1;
      for (const byMemory of byResult.values()) {
        for (const callers of byMemory.values()) for (const caller of callers) this.#numbers.set(caller, next++);
      }
    }
    let known = 0;
    for (const trampoline of component.trampolines) {
      if (trampoline.kind !== "task-builtin" || trampoline.action.kind !== "task-return") continue;
      known += this.callersOf(trampoline.instance, trampoline.action).length;
    }
    if (known > MAX_TASK_CALLERS) {
      const message = `all \`task.return\` together have more than ${MAX_TASK_CALLERS} callers to return to`;
      throw new WindlassError({ kind: "limit", subject: "tasks", message });
    }
  }

  #calls(component: Component, caller: TaskCaller, { type, options }: LiftedFunction): void {
    const { isAsync, result } = component.types.func(type);
    const { instance } = options;
    if (isAsync) this.mayBlock.add(instance);
    if (!options.isAsync) return;
    const byResult: Callers = this.#callers.get(instance) ?? new Map();
    this.#callers.set(instance, byResult);
    const key = resultKey(result, options.stringEncoding);
    const byMemory = byResult.get(key) ?? new Map<Memory, TaskCaller[]>();
    byResult.set(key, byMemory);
    const callers = byMemory.get(options.memory) ?? [];
    byMemory.set(options.memory, callers);
    callers.push(caller);
  }

  /** The number of one who calls an `async`-lifted function. */
  numberOf(caller: TaskCaller): number {
    const number = this.#numbers.get(caller);
    if (number === undefined) throw new InternalError("frontend", "a caller of an async function was not enumerated");
    return number;
  }

  /** Those whose result a `task.return` may give, by their numbers, which are in a row. */
  callersOf(instance: RuntimeComponentInstanceIndex, { result, options }: TaskReturn): readonly TaskCaller[] {
    const byMemory = this.#callers.get(instance)?.get(resultKey(result, options.stringEncoding));
    if (options.memory !== undefined) return byMemory?.get(options.memory) ?? [];
    return [...(byMemory?.values() ?? [])].flat();
  }

  /** Whether a call may find that the instance takes none at the moment. */
  hasBackpressure(instance: RuntimeComponentInstanceIndex): boolean {
    return this.#withBackpressure.has(instance);
  }
}

/** Whether a task of `instance` may block. */
export function emitMayBlock(e: Emitter, program: Program, instance: RuntimeComponentInstanceIndex): Value {
  return e.load32(e.param(0), program.offsets.instanceTask(instance) + InstanceTask.mayBlock);
}

/** Where a task's result is to go, or is: from the context. */
export function taskResult(program: Program, instance: RuntimeComponentInstanceIndex): number {
  return program.offsets.instanceTask(instance) + InstanceTask.result;
}

/**
 * Calls a lifted function as a task (`canon_lift`), whose core results these are; an `async`-lifted one has none and has called `task.return`.
 * `place` (`i64`) is where `caller` wants the result, if it is to be in memory.
 */
export function emitCallLifted(
  e: Emitter,
  program: Program,
  { core, type, signature, options }: LiftedFunction,
  caller: TaskCaller,
  args: readonly Value[],
  place?: Value,
): readonly Value[] {
  const context = e.param(0);
  const call = (): readonly Value[] =>
    e.call(program.functionSymbol(core), program.signature(signature), [context, ...args]);
  if (!program.component.types.func(type).isAsync) return call();
  const { instance } = options;
  const task = program.offsets.instanceTask(instance);
  if (program.tasks.hasBackpressure(instance)) {
    e.trapIf(e.load32(context, task + InstanceTask.backpressure), Trap.wait_unsupported);
  }
  e.store(context, task + InstanceTask.mayBlock, e.i32(1));
  if (options.isAsync) e.store(context, task + InstanceTask.resolver, e.i32(program.tasks.numberOf(caller)));
  if (place !== undefined) e.store(context, task + InstanceTask.result, place);
  const results = call();
  if (options.isAsync) {
    const [code] = results;
    if (options.callback && code !== undefined) emitCheckExits(e, program, instance, code);
    const resolver = e.load32(context, task + InstanceTask.resolver);
    e.trapIf(e.neImm(resolver, TASK_RESOLVED), Trap.no_result);
    e.store(context, task + InstanceTask.resolver, e.i32(0));
  }
  e.store(context, task + InstanceTask.mayBlock, e.i32(0));
  return options.isAsync ? [] : results;
}

/** What a core function with a callback returns must be that it has nothing left to do. */
function emitCheckExits(e: Emitter, program: Program, instance: RuntimeComponentInstanceIndex, packed: Value): void {
  const code = e.andImm(packed, 2 ** CALLBACK_CODE_BITS - 1);
  e.if(e.neImm(code, CALLBACK_EXIT), () => {
    e.trapUnless(e.ultImm(code, CALLBACK_WAIT + 1), Trap.unsupported_callback_code);
    e.trapIf(e.eqImm(code, CALLBACK_YIELD), Trap.wait_unsupported);
    const table = e.offset(e.param(0), program.offsets.handleTable(instance));
    emitHandleLookup(e, program, table, e.i32(WAITABLE_SET_NUMBER), e.shr(packed, CALLBACK_CODE_BITS));
    e.trap(Trap.wait_unsupported);
  });
}

/** A task of `instance` ends here. */
export function emitEndTask(
  e: Emitter,
  program: Program,
  context: Value,
  instance: RuntimeComponentInstanceIndex,
): void {
  if (!program.tasks.withStorage.has(instance)) return;
  for (let slot = 0; slot < SLOTS; slot++) e.store(context, taskSlot(program, instance, slot), e.i64(0));
}
