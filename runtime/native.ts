/**
 * The audited door to the native side: the only file that declares an intrinsic (`linux.ts` is the only one that makes system calls).
 *
 * Everything else of the runtime is an ordinary sandboxed module: its loads and stores stay in its own memory. Here they leave it,
 * and each helper says what makes that safe:
 *
 * - guest memory is touched only at addresses that `guest_address` has checked for (pointer, length, alignment);
 * - a result is written through `beginResult` and the `put` functions, which compare each offset with the checked size;
 * - buffers of system calls come from `ownSpan` (own memory, checked by the intrinsic) or from a checked guest span;
 * - strings of the process's initial stack are reached from `startup` only, and end at their NUL.
 *
 * During a call the native side keeps the caller's memory, `realloc` and handle table in the context. The guest's `realloc` cannot
 * call back into WASI (Canonical ABI: `may_leave` is off), so that the module state below is not re-entered.
 */

/** A native address. 0 is none. */
export type Address = i64;

@external("windlass:native", "load8_u") declare function load8_u(address: Address): i32;
@external("windlass:native", "load32_u") declare function load32_u(address: Address): i32;
@external("windlass:native", "load64") declare function load64(address: Address): i64;
@external("windlass:native", "store8") declare function store8(address: Address, value: i32): void;
@external("windlass:native", "store32") declare function store32(address: Address, value: i32): void;
@external("windlass:native", "store64") declare function store64(address: Address, value: i64): void;
@external("windlass:native", "copy") declare function copy(to: Address, from: Address, length: i64): void;
@external("windlass:native", "own_address") declare function own_address(pointer: i32, length: i32): Address;
@external("windlass:native", "startup") declare function startup(): Address;
@external("windlass:native", "guest_address") declare function guest_address(pointer: i32, length: i32, alignment: i32): Address;
@external("windlass:native", "guest_realloc")
declare function guest_realloc(old: i32, oldSize: i32, alignment: i32, newSize: i32): i32;
@external("windlass:native", "trap") declare function native_trap(code: i32): void;

/** The system call `number`; only `linux.ts` uses it. Returns its result, or minus errno. */
@external("windlass:native", "syscall")
export declare function syscall(number: i64, a: i64, b: i64, c: i64, d: i64, e: i64, f: i64): i64;

/** Ends the guest with this exit status; does not return. */
@external("windlass:native", "exit") export declare function exit(status: i32): void;

// Handles of the calling component instance: `new` makes an own handle for a representation (a slot of one of our tables), `rep` finds
// the representation of an own or borrowed handle and traps when the handle is unknown or of another type.
@external("windlass:native", "resource_new wasi:io/streams/input-stream")
export declare function newInputStream(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:io/streams/input-stream")
export declare function inputStreamRep(handle: i32): i32;
@external("windlass:native", "resource_new wasi:io/streams/output-stream")
export declare function newOutputStream(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:io/streams/output-stream")
export declare function outputStreamRep(handle: i32): i32;
@external("windlass:native", "resource_new wasi:io/error/error")
export declare function newError(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:io/error/error")
export declare function errorRep(handle: i32): i32;
@external("windlass:native", "resource_new wasi:io/poll/pollable")
export declare function newPollable(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:io/poll/pollable")
export declare function pollableRep(handle: i32): i32;
@external("windlass:native", "resource_new wasi:cli/terminal-input/terminal-input")
export declare function newTerminalInput(rep: i32): i32;
@external("windlass:native", "resource_new wasi:cli/terminal-output/terminal-output")
export declare function newTerminalOutput(rep: i32): i32;
@external("windlass:native", "resource_new wasi:filesystem/types/descriptor")
export declare function newDescriptor(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:filesystem/types/descriptor")
export declare function descriptorRep(handle: i32): i32;
@external("windlass:native", "resource_new wasi:filesystem/types/directory-entry-stream")
export declare function newDirectoryEntryStream(rep: i32): i32;
@external("windlass:native", "resource_rep wasi:filesystem/types/directory-entry-stream")
export declare function directoryEntryStreamRep(handle: i32): i32;

// Trap codes: numbers of layout/traps.ts (a test compares them).
export const TRAP_HOST_FUNCTION_FAILED: i32 = 16;
export const TRAP_HANDLES_EXHAUSTED: i32 = 21;
export const TRAP_INVALID_UTF8: i32 = 23;
export const TRAP_INVALID_DISCRIMINANT: i32 = 25;

/** Traps; does not return. */
export function trap(code: i32): void {
  native_trap(code);
  unreachable();
}

/** Traps when the guest breaks a precondition of a WASI function. */
export function require(condition: bool): void {
  if (!condition) trap(TRAP_HOST_FUNCTION_FAILED);
}

/** Canonical ABI, lift_flat_variant: a discriminant is below the number of cases. */
export function requireCase(discriminant: u32, cases: u32): void {
  if (discriminant >= cases) trap(TRAP_INVALID_DISCRIMINANT);
}

// Own memory

/** Address of [pointer, pointer + length) of this module's memory. */
export function ownSpan(pointer: usize, length: u32): Address {
  return own_address(<i32>pointer, length);
}

// Guest memory

/** Checked address of guest memory; traps unless [pointer, pointer + length) is in bounds and `pointer` is aligned. */
export function guestSpan(pointer: i32, length: i32, alignment: i32): Address {
  return guest_address(pointer, length, alignment);
}

/** Element `index` of the list of u32 (or handles) that `span`, a checked span of more than `index` elements, begins. */
export function listElement(span: Address, index: u32): i32 {
  return load32_u(span + ((<i64>index) << 2));
}

/** A fresh block of guest memory; also called for 0 bytes, as the Canonical ABI does. */
export function allocateGuest(size: u32, alignment: i32): i32 {
  return guest_realloc(0, 0, alignment, size);
}

/** Writes a u32 to guest memory, checked. */
export function writeGuest32(pointer: i32, value: i32): void {
  store32(guest_address(pointer, 4, 4), value);
}

/** Allocates guest memory for `length` bytes at the readable native address `from` and copies them: the pointer of a string or list<u8>. */
export function copyToGuest(from: Address, length: u32): i32 {
  const pointer = allocateGuest(length, 1);
  copy(guest_address(pointer, length, 1), from, length);
  return pointer;
}

/** Copies from a checked guest span, or from a string of the process, into own memory. */
export function copyToOwn(to: usize, from: Address, length: u32): void {
  copy(own_address(<i32>to, length), from, length);
}

// The result of the call: at the return pointer, `size` bytes.

let result: Address = 0;
let resultSize: u32 = 0;

/** Checks the return pointer of a call whose result occupies `size` bytes. */
export function beginResult(pointer: i32, size: u32, alignment: i32): void {
  result = guest_address(pointer, size, alignment);
  resultSize = size;
}

export function put8(offset: u32, value: i32): void {
  if (offset + 1 > resultSize) unreachable();
  store8(result + offset, value);
}

export function put32(offset: u32, value: i32): void {
  if (offset + 4 > resultSize) unreachable();
  store32(result + offset, value);
}

export function put64(offset: u32, value: i64): void {
  if (offset + 8 > resultSize) unreachable();
  store64(result + offset, value);
}

// Bytes that are neither: strings on the process's stack. An address reaches here from the functions below or from the spans above.

export function byteAt(address: Address): i32 {
  return load8_u(address);
}

/** Bytes before the NUL. */
export function stringLength(address: Address): u32 {
  let length: u32 = 0;
  while (load8_u(address + length)) length++;
  return length;
}

/** Number of arguments of the process; 0 when it is not ours. */
export function argumentCount(): u32 {
  const stack = startup();
  return stack ? <u32>load64(stack) : 0;
}

/** Argument `index` < `argumentCount()`: its NUL-terminated string. */
export function argument(index: u32): Address {
  return load64(startup() + 8 + ((<i64>index) << 3));
}

/** Where `environmentString` begins; 0 when there is no environment. */
export function firstEnvironmentString(): Address {
  const stack = startup();
  return stack ? stack + ((load64(stack) + 2) << 3) : 0;
}

/** The string at a cursor, or 0 at the end; the next cursor is 8 further. */
export function environmentString(cursor: Address): Address {
  return cursor ? load64(cursor) : 0;
}

// The auxiliary vector: pairs of kind and value.
const AT_NULL: i64 = 0;
const AT_SECURE: i64 = 23;

/** Whether the kernel started the process with more rights than its user's (`AT_SECURE`). */
export function startedWithPrivileges(): bool {
  let cursor = firstEnvironmentString();
  if (!cursor) return false;
  while (load64(cursor)) cursor += 8;
  cursor += 8;
  let kind = load64(cursor);
  while (kind != AT_NULL && kind != AT_SECURE) {
    cursor += 16;
    kind = load64(cursor);
  }
  return kind == AT_SECURE && load64(cursor + 8) != 0;
}

/** Whether this is an executable of its own, not an object in someone's process. */
export function ownsProcess(): bool {
  return startup() != 0;
}

/** Unicode 15, table 3-7: well-formed UTF-8 byte sequences. */
export function isUtf8(address: Address, length: u32): bool {
  let at: u32 = 0;
  while (at < length) {
    if (length - at >= 8 && (load64(address + at) & 0x8080808080808080) == 0) {
      at += 8;
      continue;
    }
    const first = load8_u(address + at);
    at++;
    if (first < 0x80) continue;
    let more: u32 = 0;
    let low = 0x80;
    let high = 0xbf;
    if (first >= 0xc2 && first <= 0xdf) more = 1;
    else if (first >= 0xe0 && first <= 0xef) {
      more = 2;
      if (first == 0xe0) low = 0xa0;
      if (first == 0xed) high = 0x9f;
    } else if (first >= 0xf0 && first <= 0xf4) {
      more = 3;
      if (first == 0xf0) low = 0x90;
      if (first == 0xf4) high = 0x8f;
    } else return false;
    if (length - at < more) return false;
    while (more) {
      const next = load8_u(address + at);
      if (next < low || next > high) return false;
      low = 0x80;
      high = 0xbf;
      at++;
      more--;
    }
  }
  return true;
}
