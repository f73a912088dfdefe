/**
 * Run-time support functions: names, signatures, and what the code generator must know of them. What they do is in the files that
 * `build.ts` names. `raise` is first: the out-of-line code of every trap calls function symbol 0.
 */

import { I32, I64, type Signature } from "../ir/types.ts";
import { SUPPORT_SIGNATURES } from "./environment.ts";
import { cSignature } from "./signatures.ts";

const wasm = (params: Signature["params"], results: Signature["results"]): Signature => ({
  params,
  results,
  convention: "wasm",
});

/** In the order of the text. */
export const SUPPORT = {
  /** () → does not return. */
  raise: cSignature([]),
  /** (table, key) → the last row whose key is at most `key`, or -1. The table's header is a u32 count; keys (u32, ascending) at 16. */
  find_row: cSignature([I64, I32], I32),
  /** (frame pointer of a wasm function) → frame pointer of the function that the innermost entry called. */
  find_entry: cSignature([I64], I64),
  /** (context, frame pointer of the trap, pc, code, address that faulted, result of find_entry): writes the trap record, once. */
  record_trap: cSignature([I64, I64, I64, I32, I64, I64]),

  /** (context, trap code) → does not return: a trap whose code is known only now. */
  raise_code: wasm([I64, I32], []),

  // Text of a trap: cursor and limit are addresses; a cursor at the limit says that it did not fit.
  /** (cursor, limit, C string) → cursor. */
  append_text: cSignature([I64, I64, I64], I64),
  /** (cursor, limit, number, base) → cursor. */
  append_number: cSignature([I64, I64, I64, I32], I64),
  /** (context) → C string in its trap record: message and backtrace. */
  format_trap: cSignature([I64], I64),

  // Signals.
  /** (number, siginfo, ucontext). */
  handle_fault: cSignature([I32, I64, I64]),
  /** (number, siginfo, ucontext): does what the action before ours would have done. */
  chain_signal: cSignature([I32, I64, I64]),
  install_handlers: cSignature([]),

  // Instances.
  /** (address of the imports or 0, of the options or 0, of the result) → status. */
  create_region: cSignature([I64, I64, I64], I32),

  // What wasm code calls.
  ...SUPPORT_SIGNATURES,

  // Exceptions.
  /** (frame pointer) → frame pointer of the function that was called where the exception goes on, or 0: it leaves the component's code. */
  find_handler: cSignature([I64], I64),
  /** (context): makes sure that there is a free or unused cell. */
  exception_reserve: wasm([I64], []),
  /** (context): frees the cells that nothing refers to. */
  exception_collect: wasm([I64], []),
  /** (context, first, end): marks the exceptions that the words of a range refer to. */
  exception_mark: cSignature([I64, I64, I64]),

  /** (context, destination, source, length in bytes): the ranges do not overlap. For values, which are short as a rule. */
  copy_bytes: wasm([I64, I64, I64, I64], []),
  /** The same from `LONG_COPY` bytes on. Behind it in the text: `signals.ts`. */
  copy_long: wasm([I64, I64, I64, I64], []),
  /** (context) → whether it can copy with wide registers (`WIDE_COPY`), which the instance knows from now on. */
  find_wide_copy: wasm([I64], [I32]),

  // What intrinsics call, and handle tables.
  /** (context, pointer, length, alignment) → native address in the calling guest's memory. */
  guest_address: wasm([I64, I32, I32, I32], [I64]),
  /** (context, old, old size, alignment, new size) → pointer in the calling guest's memory. */
  guest_realloc: wasm([I64, I32, I32, I32, I32], [I32]),
  /** (context, index): makes room in all handle tables from this index on. */
  handle_space: wasm([I64, I32], []),
  /** (context, handle table, tag, representation) → index. */
  handle_new: wasm([I64, I64, I32, I64], [I32]),
  /** (context, handle table, resource, index) → representation; own or borrow. */
  handle_rep: wasm([I64, I64, I32, I32], [I64]),
  /** (context, handle table, resource, index) → representation; the own handle is gone. */
  handle_take: wasm([I64, I64, I32, I32], [I64]),
} as const satisfies Record<string, Signature>;

export type SupportName = keyof typeof SUPPORT;
export const SUPPORT_NAMES = Object.keys(SUPPORT).filter((name): name is SupportName => name in SUPPORT);

/** What only a program with guarded memories has: nothing else faults by design. */
const FOR_FAULTS: ReadonlySet<SupportName> = new Set(["handle_fault", "chain_signal", "install_handlers"]);
/** What only a program with exceptions has. */
const FOR_EXCEPTIONS: ReadonlySet<SupportName> = new Set([
  "throw",
  "throw_ref",
  "exception_new",
  "exception_capture",
  "find_handler",
  "exception_reserve",
  "exception_collect",
  "exception_mark",
]);

/** What a program has, in the order of the text. */
export function supportNames(of: { readonly faults: boolean; readonly throws: boolean }): readonly SupportName[] {
  return SUPPORT_NAMES.filter((n) => (of.faults || !FOR_FAULTS.has(n)) && (of.throws || !FOR_EXCEPTIONS.has(n)));
}

/** (context) → status; runs instantiation as an entry. */
export const ENTER_INSTANTIATE: Signature = cSignature([I64], I32);
/** (context). */
export const INSTANTIATE: Signature = wasm([I64], []);
/** (context, values, number of values) → status. */
export const LIFTED_ENTRY: Signature = cSignature([I64, I64, I64], I32);
/** (context, old, old size, alignment, new size, address of the u32 result) → status. */
export const REALLOC_ENTRY: Signature = cSignature([I64, I32, I32, I32, I32, I64], I32);
/** The same of a 64-bit memory: all of them u64. */
export const REALLOC64_ENTRY: Signature = cSignature([I64, I64, I64, I64, I64, I64], I32);

/** C functions of the interface that are no entries. */
export const API_SIGNATURES = {
  /** (imports, options, address of the result) → status. */
  new: cSignature([I64, I64, I64], I32),
  delete: cSignature([I64], I32),
  /** (context) → C string, or 0 when it has not trapped. */
  last_trap: cSignature([I64], I64),
  /** (context) → the pointer of the options. */
  user: cSignature([I64], I64),
  /** (context, status): the host function of ABI `flat` that is running fails. */
  fail: cSignature([I64, I32]),
  /** (context): the guest is to stop, or may go on. From any thread, or a signal handler. */
  interrupt: cSignature([I64]),
  interrupt_clear: cSignature([I64]),
  /** () → address of the description. */
  dynamic_describe: cSignature([], I64),
  /** (host, options, address of the result) → status. */
  dynamic_new: cSignature([I64, I64, I64], I32),
  /** (context, export, addresses of the arguments, address of the result) → status. */
  dynamic_call: cSignature([I64, I32, I64, I64], I32),
  /** (context, export, address of its result) → status. */
  dynamic_drop_result: cSignature([I64, I32, I64], I32),
  /** (context, resource, handle) → status. */
  dynamic_drop_handle: cSignature([I64, I32, I64], I32),
} as const satisfies Record<string, Signature>;

/** (context) → address of a memory's definition. */
export const MEMORY_ACCESSOR: Signature = cSignature([I64], I64);

/** The executable: `start` is where the kernel begins; `main` runs on a stack of its own and ends the process. */
export const START: Signature = cSignature([]);
/** (address of argc). */
export const MAIN: Signature = cSignature([I64]);

/** (data, representation): a host resource's destructor. */
export const HOST_DESTRUCTOR: Signature = cSignature([I64, I64]);
/** (context, data, memory, realloc, string encoding, values, number of values) → status. */
export const DYNAMIC_CALLEE: Signature = cSignature([I64, I64, I64, I64, I32, I64, I64], I32);
