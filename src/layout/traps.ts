/**
 * Trap codes: one row each, in the numbering of the image's trap table and of the context's trap record.
 *
 * The messages are the standard's wording where the conformance scripts give one.
 */

import { numbered } from "../base/numbered.ts";

const ROWS = {
  /** Not a trap: the record is empty. */
  none: "",
  unreachable: "unreachable",
  memory_out_of_bounds: "out of bounds memory access",
  table_out_of_bounds: "out of bounds table access",
  undefined_element: "undefined element",
  uninitialized_element: "uninitialized element",
  indirect_call_type_mismatch: "indirect call type mismatch",
  integer_divide_by_zero: "integer divide by zero",
  integer_overflow: "integer overflow",
  invalid_conversion_to_integer: "invalid conversion to integer",
  stack_exhausted: "call stack exhausted",
  null_reference: "null reference",
  null_function_reference: "null function reference",
  unaligned_atomic: "unaligned atomic",
  cannot_leave_component: "cannot leave component instance",
  cannot_enter_component: "cannot enter component instance",
  /** A host function returned a status other than 0. */
  host_function_failed: "host function failed",
  /** A lowering whose callee the host left empty. */
  host_function_missing: "host function not provided",
  unknown_handle: "unknown handle index",
  handle_type_mismatch: "handle index used with the wrong type",
  handle_lent: "cannot remove owned resource while borrowed",
  handles_exhausted: "handle table is full",
  invalid_pointer: "pointer is not aligned or not in bounds",
  invalid_utf8: "invalid utf-8",
  invalid_char: "invalid `char` bit pattern",
  invalid_discriminant: "invalid variant discriminant",
  /** A pointer that `realloc` gave a host; `unaligned_realloc` is the other way to fail. */
  realloc_failed: "realloc return: beyond end of memory",
  /** Not a trap: the guest asked to exit; the status is in the record. */
  exit: "exit",
  interrupted: "interrupted",
  uncaught_exception: "uncaught exception",
  unaligned_realloc: "realloc return: result not aligned",
  /** Of a pointer that one guest gives another, or that its `realloc` returns. */
  unaligned_pointer: "unaligned pointer",
  string_out_of_bounds: "string content out-of-bounds",
  list_out_of_bounds: "list content out-of-bounds",
  string_too_long: "string content is too long",
  list_too_long: "list content is too long",
  incomplete_utf8: "incomplete utf-8 byte sequence",
  invalid_utf16: "invalid utf-16",
  borrows_remain: "borrow handles still remain at the end of the call",
  cannot_block: "cannot block a synchronous task before returning",
  /** `task.return` and `task.cancel`. */
  not_async: "an async-lifted function's built-in called by a function that is lifted synchronously",
  unknown_thread: "unknown thread index",
  backpressure_overflow: "backpressure counter overflow",
  /** What making one would need, is not there yet: refused when it is called. */
  async_unsupported: "streams, futures and threads are not supported",
  /** `memory.atomic.wait` on a memory that isn't. */
  expected_shared_memory: "expected shared memory",
  /** One without a timeout, in an instance that runs one thread. */
  endless_wait: "deadlock: nobody can end a wait without a timeout",
  /** Of a typed call: the scratch memory of an import, or the memory for an export's result. */
  host_memory_exhausted: "no memory for the values of a host",
  /** `throw_ref` of null. */
  null_exception_reference: "null exception reference",
  /** Every exception of the store is still referred to. */
  exceptions_exhausted: "too many exceptions are alive",
  resolved_twice: "`task.return` or `task.cancel` called more than once for current task",
  not_cancelled: "`task.cancel` called by task which has not been cancelled",
  wrong_result: "invalid `task.return` signature and/or options for current task",
  /** The function is back and has not called `task.return`. */
  no_result: "async-lifted export failed to produce a result",
  unsupported_callback_code: "unsupported callback code",
  /** The other refusal of what is not known before it happens. */
  wait_unsupported: "an async task that waits or yields is not supported",
  /** Of a typed host function. */
  unreadable_answer: "a pointer or length of a host function's result leads to memory that can't be read",
} as const satisfies Record<string, string>;

export type TrapName = keyof typeof ROWS;

/** Names in numeric order. */
export const TRAP_NAMES = Object.keys(ROWS) as readonly TrapName[];

/** The number of each trap; also the status that an entry returns (0 is success). */
export const Trap = numbered(TRAP_NAMES);

/** The message of trap `code`. */
export function trapMessage(code: number): string {
  const name = TRAP_NAMES[code];
  return name === undefined ? `unknown trap ${code}` : ROWS[name];
}
