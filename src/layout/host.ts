/**
 * What a host in C shares with the generated code: the structures that it passes to `new`, to entries and gets in its own functions, as
 * tables. The code that is generated reads the offsets, `bindings/` prints the declarations, and a test compares both with the C compiler.
 */

import { numbered } from "../base/numbered.ts";
import { HostResource, Lowering, MemoryDefinition } from "./offsets.ts";
import { TRAP_NAMES, type TrapName, trapMessage } from "./traps.ts";

/** One member. `declaration` is C with `%` for the name. */
export interface CField {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  readonly declaration: string;
  readonly comment: string;
}

export interface CStruct {
  /** The typedef's name. */
  readonly name: string;
  readonly size: number;
  readonly union: boolean;
  readonly comment: string;
  readonly fields: readonly CField[];
}

/** A flat value: the low bytes of the member that its core type says. */
export const VAL_RAW_SIZE = 16;

const field = (name: string, offset: number, size: number, declaration: string, comment: string): CField => ({
  name,
  offset,
  size,
  declaration,
  comment,
});

export const VAL_RAW: CStruct = {
  name: "windlass_val_raw_t",
  size: VAL_RAW_SIZE,
  union: true,
  comment: "One flat value of the Canonical ABI; its core type says which member.",
  fields: [
    field("i32", 0, 4, "uint32_t %", ""),
    field("i64", 0, 8, "uint64_t %", ""),
    field("f32", 0, 4, "float %", ""),
    field("f64", 0, 8, "double %", ""),
    field("v128", 0, 16, "uint8_t %[16]", ""),
  ],
};

/** Offsets of `OPTIONS`. */
export const OptionsField = {
  size: 0,
  stackBudget: 8,
  user: 16,
  /** Where the first version of the structure ends: no smaller one is an options structure. */
  firstSize: 24,
  memoryLimit: 24,
  tableLimit: 32,
  map: 40,
  unmap: 48,
  allocate: 56,
  release: 64,
  hookData: 72,
  byteSize: 80,
} as const;

export const OPTIONS: CStruct = {
  name: "windlass_options_t",
  size: OptionsField.byteSize,
  union: false,
  comment:
    "How an instance runs. Begin with `= WINDLASS_OPTIONS`, then set what should not be the default. What a smaller, older structure does " +
    "not have is the default; what a larger, newer one has must be zero.",
  fields: [
    field(
      "size",
      OptionsField.size,
      8,
      "size_t %",
      "sizeof(windlass_options_t), at least 24: a later version may have more members.",
    ),
    field(
      "stack_budget",
      OptionsField.stackBudget,
      8,
      "size_t %",
      "Bytes of the caller's stack that a call may use, at least 64 KiB; 0: 512 KiB. Less than the thread's stack.",
    ),
    field("user", OptionsField.user, 8, "void *%", "What windlass_user() gives."),
    field(
      "memory_limit",
      OptionsField.memoryLimit,
      8,
      "uint64_t %",
      "Bytes of all linear memories together: growing further fails in the guest, and an instance that begins larger is not made. 0: no limit.",
    ),
    field("table_limit", OptionsField.tableLimit, 8, "uint64_t %", "The same for elements of all tables."),
    field(
      "map",
      OptionsField.map,
      8,
      "void *(*%)(void *hook_data, size_t size)",
      "Reserves address space for the instance: size bytes from a multiple of the page's size on, zero as soon as mprotect makes them accessible. NULL: none is left. NULL here: mmap.",
    ),
    field(
      "unmap",
      OptionsField.unmap,
      8,
      "void (*%)(void *hook_data, void *region, size_t size)",
      "Takes it back when the instance is deleted, or could not be made.",
    ),
    field(
      "allocate",
      OptionsField.allocate,
      8,
      "void *(*%)(void *hook_data, size_t size)",
      "Allocates what results of calls take outside of that address space: size bytes at a multiple of 16. NULL: none is left, and the call traps.",
    ),
    field("release", OptionsField.release, 8, "void (*%)(void *hook_data, void *block, size_t size)", "Frees it."),
    field("hook_data", OptionsField.hookData, 8, "void *%", "Passed to the hooks."),
  ],
};

export const MEMORY: CStruct = {
  name: "windlass_memory_t",
  size: MemoryDefinition.size,
  union: false,
  comment:
    "VMMemoryDefinition: where a linear memory is and how long it is now. It never moves; it may grow during a call.",
  fields: [
    field("base", MemoryDefinition.base, 8, "uint8_t *%", ""),
    field("length", MemoryDefinition.currentLength, 8, "size_t %", "In bytes."),
  ],
};

export const LOWERING: CStruct = {
  name: "windlass_lowering_t",
  size: Lowering.size,
  union: false,
  comment: "VMLoweringCallee and its data: one host function.",
  fields: [
    field("callee", Lowering.callee, 8, "windlass_callee_t *%", "NULL: calling it traps."),
    field("data", Lowering.data, 8, "void *%", "Passed to the callee."),
  ],
};

export const HOST_RESOURCE: CStruct = {
  name: "windlass_host_resource_t",
  size: HostResource.size,
  union: false,
  comment: "A resource type that the host implements.",
  fields: [
    field("destructor", HostResource.destructor, 8, "void (*%)(void *data, void *rep)", "May be NULL."),
    field("data", HostResource.data, 8, "void *%", "Passed to the destructor."),
  ],
};

/** A reference in C. */
export const REFERENCE_SIZE = 8;

export const V128: CStruct = {
  name: "windlass_v128_t",
  size: 16,
  union: true,
  comment: "A vector of a core module; lane 0 first.",
  fields: [
    field("u8", 0, 16, "uint8_t %[16]", ""),
    field("u16", 0, 16, "uint16_t %[8]", ""),
    field("u32", 0, 16, "uint32_t %[4]", ""),
    field("u64", 0, 16, "uint64_t %[2]", ""),
    field("f32", 0, 16, "float %[4]", ""),
    field("f64", 0, 16, "double %[2]", ""),
  ],
};

export const FUNCREF: CStruct = {
  name: "windlass_funcref_t",
  size: REFERENCE_SIZE,
  union: false,
  comment: "A reference to a function of a core module, valid for every instance of the same object; 0 is null.",
  fields: [field("bits", 0, 8, "uint64_t %", "")],
};

/** Offsets of `CALL`. */
export const CallField = { allocate: 0, instance: 8, byteSize: 16 } as const;

export const CALL: CStruct = {
  name: "windlass_call_t",
  size: CallField.byteSize,
  union: false,
  comment: "A running call of a host function; valid until it returns.",
  fields: [
    field("allocate", CallField.allocate, 8, "void *(*%)(void *call, size_t size)", "windlass_call_alloc() is this."),
    field("instance", CallField.instance, 8, "void *%", "The instance that calls."),
  ],
};

/** In the order in which C needs them. */
export const HOST_STRUCTS: readonly CStruct[] = [
  VAL_RAW,
  MEMORY,
  OPTIONS,
  CALL,
  LOWERING,
  HOST_RESOURCE,
  V128,
  FUNCREF,
];

/** Statuses that are no trap: the call did not take place and the instance is as it was. */
const REFUSALS = {
  invalid_argument: "invalid argument",
  out_of_memory: "out of memory or address space",
  instance_trapped: "the instance has trapped",
  not_an_instance: "not a live instance",
  instance_busy: "the instance can't be entered now",
  interrupt_pending: "the host has asked for an interruption and not taken it back",
  limit_exceeded: "memories or tables begin larger than the options allow",
  invalid_discriminant: "an argument is no case of its variant or enum",
  invalid_char: "an argument is no Unicode scalar value",
  invalid_utf8: "an argument is no UTF-8",
  string_too_long: "a string argument is too long",
  list_too_long: "a list argument is too long",
  null_pointer: "a null pointer has a length, or stands for a value",
  invalid_handle: "a handle is not one of this instance, or has been dropped or given away",
  handle_lent: "a handle is in use by the running call",
  unreadable_argument: "a pointer or length of an argument leads to memory that can't be read",
} as const satisfies Record<string, string>;

export type RefusalName = keyof typeof REFUSALS;
export const REFUSAL_NAMES = Object.keys(REFUSALS) as readonly RefusalName[];

/** What a wrong argument of a typed call gives, by what it would trap with inside. */
export const REFUSED_VALUES: Partial<Record<TrapName, RefusalName>> = {
  invalid_discriminant: "invalid_discriminant",
  invalid_char: "invalid_char",
  invalid_utf8: "invalid_utf8",
  incomplete_utf8: "invalid_utf8",
  string_too_long: "string_too_long",
  list_too_long: "list_too_long",
  invalid_pointer: "null_pointer",
  unknown_handle: "invalid_handle",
  handle_lent: "handle_lent",
};

/** The first status that is no trap code. */
export const FIRST_REFUSAL = 256;

/** What an entry returns: 0, a trap's number (`layout/traps.ts`), or one of these. */
export const HostStatus = numbered(REFUSAL_NAMES, FIRST_REFUSAL);

/** Every status with its message, in numeric order: for the header and for `windlass_status_text`. */
export function allStatuses(): readonly { readonly name: string; readonly value: number; readonly message: string }[] {
  const traps = TRAP_NAMES.map((name: TrapName, value) => ({
    name: value === 0 ? "ok" : `trap_${name}`,
    value,
    message: value === 0 ? "success" : trapMessage(value),
  }));
  const refusals = REFUSAL_NAMES.map((name) => ({ name, value: HostStatus[name], message: REFUSALS[name] }));
  return [...traps, ...refusals];
}

/** The numbers of string encodings in the host ABI `dynamic`. */
export const StringEncodingCode = { utf8: 0, utf16: 1, "latin1+utf16": 2 } as const;
