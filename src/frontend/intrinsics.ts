/**
 * The imports `windlass:native` of trusted modules: the only way from wasm code to native addresses and to the kernel. The built-in WASI
 * alone may have them; it gets addresses of a guest's memory from `guest_address`, which checks, and of its own from `own_address`.
 *
 * | name | type | what |
 * |---|---|---|
 * | `load8_u` `load16_u` `load32_u` `load64` | (i64) → i32, i32, i32, i64 | native memory |
 * | `store8` `store16` `store32` `store64` | (i64, i32 or i64) | native memory |
 * | `copy` | (to i64, from i64, length i64) | native memory, upwards |
 * | `syscall` | (number and six arguments, i64) → i64 | Linux |
 * | `own_address` | (pointer i32, length i32) → i64 | checked against the runtime's own memory |
 * | `startup` | () → i64 | address of argc, or 0 |
 * | `guest_address` | (pointer i32, length i32, alignment i32) → i64 | checked against the calling guest's memory |
 * | `guest_realloc` | (old, old size, alignment, new size: i32) → i32 | the calling guest's realloc, result checked |
 * | `resource_new R` | (representation i32) → i32 | an own handle in the caller's table |
 * | `resource_rep R` | (handle i32) → i32 | own or borrow |
 * | `resource_take R` | (handle i32) → i32 | moves an own handle out |
 * | `exit` | (status i32) | unwinds to the entry with the trap `exit` |
 * | `trap` | (code i32) | unwinds with that trap |
 *
 * R is a resource of WASI without version: `wasi:io/streams/output-stream`. No guest has handles of one that the component does not
 * mention: these trap.
 */

import { WindlassError } from "../base/diagnostics.ts";
import type { FuncBuilder } from "../ir/builder.ts";
import type { Value } from "../ir/function.ts";
import { Access } from "../ir/ops.ts";
import { I32, I64, type Type } from "../ir/types.ts";
import { ContextField, HANDLE_OWN, InstanceFlag, MemoryDefinition, TrapRecord } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import { handleTag } from "./handles.ts";
import { emitCheckRange, ownMemory } from "./memory.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { SUPPORT } from "./support.ts";

interface Intrinsic {
  /** Without the context. */
  readonly params: readonly Type[];
  /** `resource`: what follows the name, or undefined. Parameter 0 of the emitter is the context. */
  expand(e: Emitter, program: Program, resource: string): readonly Value[];
}

const load = (access: number): Intrinsic => ({
  params: [I64],
  expand: (e) => [access === Access.full ? e.load32(e.param(1), 0) : e.loadNarrow(access, e.param(1), 0)],
});
const store = (access: number): Intrinsic => ({
  params: [I64, I32],
  expand: (e) => {
    if (access === Access.full) e.store(e.param(1), 0, e.param(2));
    else e.storeNarrow(access, e.param(1), 0, e.param(2));
    return [];
  },
});

/** The number of a resource that the component uses. */
function resourceNumber(program: Program, name: string): number | undefined {
  for (const [index, resource] of program.component.resources.entries()) {
    if (resource.kind === "builtin" && resource.name === name) return index;
  }
  return undefined;
}

/** The calling guest's handle table; 0, outside of a call, traps. */
function emitHandles(e: Emitter): Value {
  const handles = e.load64(e.param(0), ContextField.currentHandles);
  e.trapIf(e.eqz(handles), Trap.unknown_handle);
  return handles;
}

function handleUse(support: "handle_rep" | "handle_take"): Intrinsic {
  return {
    params: [I32],
    expand: (e, program, name) => {
      const resource = resourceNumber(program, name);
      if (resource === undefined) {
        e.trap(Trap.unknown_handle);
        return [];
      }
      const args = [e.param(0), emitHandles(e), e.i32(resource), e.param(1)];
      return [e.wrap(e.call1(program.support(support), SUPPORT[support], args))];
    },
  };
}

const INTRINSICS: Readonly<Record<string, Intrinsic>> = {
  load8_u: load(Access.u8),
  load16_u: load(Access.u16),
  load32_u: load(Access.full),
  load64: { params: [I64], expand: (e) => [e.load64(e.param(1), 0)] },
  store8: store(Access.u8),
  store16: store(Access.u16),
  store32: store(Access.full),
  store64: {
    params: [I64, I64],
    expand: (e) => {
      e.store(e.param(1), 0, e.param(2));
      return [];
    },
  },
  copy: {
    params: [I64, I64, I64],
    expand: (e) => {
      e.copy(e.param(1), e.param(2), e.param(3));
      return [];
    },
  },
  syscall: {
    params: [I64, I64, I64, I64, I64, I64, I64],
    expand: (e) => [e.syscallOf(e.param(1), ...[2, 3, 4, 5, 6, 7].map((i) => e.param(i)))],
  },
  own_address: {
    params: [I32, I32],
    expand: (e, program) => {
      const own = ownMemory(program);
      const pointer = e.zext(e.param(1));
      const length = e.load64(e.param(0), own.definition + MemoryDefinition.currentLength);
      const place = e.below(pointer, e.add(pointer, e.zext(e.param(2))), length, Trap.memory_out_of_bounds);
      return [e.add(e.offset(e.param(0), own.memory), place)];
    },
  },
  startup: { params: [], expand: (e) => [e.load64(e.param(0), ContextField.startup)] },
  guest_address: {
    params: [I32, I32, I32],
    expand: (e, program) => e.call(program.support("guest_address"), SUPPORT.guest_address, e.params),
  },
  guest_realloc: {
    params: [I32, I32, I32, I32],
    expand: (e, program) => e.call(program.support("guest_realloc"), SUPPORT.guest_realloc, e.params),
  },
  resource_new: {
    params: [I32],
    expand: (e, program, name) => {
      const resource = resourceNumber(program, name);
      if (resource === undefined) {
        e.trap(Trap.unknown_handle);
        return [];
      }
      const tag = e.i32(handleTag(HANDLE_OWN, resource));
      const args = [e.param(0), emitHandles(e), tag, e.zext(e.param(1))];
      return e.call(program.support("handle_new"), SUPPORT.handle_new, args);
    },
  },
  resource_rep: handleUse("handle_rep"),
  resource_take: handleUse("handle_take"),
  exit: {
    params: [I32],
    expand: (e, program) => {
      e.store(e.param(0), program.offsets.trap + TrapRecord.exitStatus, e.param(1));
      e.trap(Trap.exit);
      return [];
    },
  },
  trap: {
    params: [I32],
    expand: (e, program) => {
      e.call(program.support("raise_code"), SUPPORT.raise_code, [e.param(0), e.param(1)]);
      e.trap(Trap.unreachable);
      return [];
    },
  },
};

/**
 * Expands intrinsic `name` where `builder` stands; `args[0]` is the context. Leaves the builder closed when control does not come
 * back. Throws `WindlassError` when there is no such intrinsic, or not with these parameters.
 */
export function expandIntrinsic(
  program: Program,
  builder: FuncBuilder,
  name: string,
  args: readonly Value[],
): readonly Value[] {
  const space = name.indexOf(" ");
  const base = space < 0 ? name : name.slice(0, space);
  const intrinsic = Object.hasOwn(INTRINSICS, base) ? INTRINSICS[base] : undefined;
  const given = args.slice(1).map((a) => builder.func.typeOf(a));
  const fits = intrinsic?.params.length === given.length && intrinsic.params.every((t, i) => t === given[i]);
  if (intrinsic === undefined || !fits || base.startsWith("resource_") !== space >= 0) {
    throw new WindlassError({
      kind: "unlinkable",
      message: `no intrinsic windlass:native ${JSON.stringify(name)} of this type`,
    });
  }
  return intrinsic.expand(new Emitter(builder, args), program, space < 0 ? "" : name.slice(space + 1));
}

/** `guest_address(context, pointer, length, alignment)`. */
export function buildGuestAddress(e: Emitter): void {
  const memory = e.load64(e.param(0), ContextField.currentMemory);
  e.trapIf(e.eqz(memory), Trap.invalid_pointer);
  const at = emitCheckRange(e, memory, e.param(1), e.param(2), e.param(3), Trap.invalid_pointer);
  e.return(e.add(e.load64(memory, MemoryDefinition.base), at));
}

/** `guest_realloc(context, old, old size, alignment, new size)`. The guest may not leave meanwhile. */
export function buildGuestRealloc(e: Emitter): void {
  const context = e.param(0);
  const memory = e.load64(context, ContextField.currentMemory);
  const realloc = e.load64(context, ContextField.currentRealloc);
  e.trapIf(e.eqz(memory), Trap.realloc_failed);
  e.trapIf(e.eqz(realloc), Trap.realloc_failed);
  const flagsAt = e.load64(context, ContextField.currentFlags);
  const flags = e.load32(flagsAt, 0);
  e.store(flagsAt, 0, e.andImm(flags, ~InstanceFlag.mayLeave));
  const signature = { params: [I64, I32, I32, I32, I32], results: [I32], convention: "wasm" } as const;
  const pointer = e.callIndirect1(realloc, signature, e.params);
  e.store(flagsAt, 0, flags);
  emitCheckRange(e, memory, pointer, e.param(4), e.param(3), Trap.realloc_failed, Trap.unaligned_realloc);
  e.return(pointer);
}
