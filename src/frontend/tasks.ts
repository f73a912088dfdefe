/**
 * The storage of a task (Canonical ABI: `Thread.storage`, `context.get`, `context.set`). An instance runs one task at a time, so the storage is
 * the instance's: zero between tasks, cleared at the end of each in instances that use it.
 *
 * `realloc` of a caller, called while a callee's result is lowered, sees the caller's storage: it is part of the caller's task.
 */

import type { Value } from "../ir/function.ts";
import { InstanceTask } from "../layout/offsets.ts";
import type { Component, RuntimeComponentInstanceIndex } from "../plan/component.ts";
import type { Program } from "./program.ts";
import type { Emitter } from "./structured.ts";

/** Slots of a task's storage. */
const SLOTS = 2;
const SLOT_SIZE = 8;

/** Where a slot is, from the context. */
export function taskSlot(program: Program, instance: RuntimeComponentInstanceIndex, slot: number): number {
  return program.offsets.instanceTask(instance) + InstanceTask.storage + SLOT_SIZE * slot;
}

/** The instances whose tasks may store something. */
export function instancesWithStorage(component: Component): ReadonlySet<RuntimeComponentInstanceIndex> {
  const out = new Set<RuntimeComponentInstanceIndex>();
  for (const trampoline of component.trampolines) {
    if (trampoline.kind === "task-builtin" && trampoline.action.kind === "context-set") out.add(trampoline.instance);
  }
  return out;
}

/** A task of `instance` ends here. */
export function emitEndTask(
  e: Emitter,
  program: Program,
  context: Value,
  instance: RuntimeComponentInstanceIndex,
): void {
  if (!program.instancesWithStorage.has(instance)) return;
  for (let slot = 0; slot < SLOTS; slot++) e.store(context, taskSlot(program, instance, slot), e.i64(0));
}
