/**
 * Layouts of results in memory (Canonical ABI: alignment, elem_size, store), and the functions that write them.
 *
 * A function with more than one flat result takes a return pointer as its last parameter. Its shape is checked first (`begin…`), and
 * written last. `errno` is positive here; `CLOSED` stands for the case `closed` of a stream error.
 */

import { errorCode } from "./errors";
import { beginResult, newError, put32, put64, put8 } from "./native";

/** In the place of an errno: the stream has ended. */
export const CLOSED: i32 = -1;

// result<_, error-code>: u8 tag, u8 code. The same shape: result<descriptor-type, …>, result<descriptor-flags, …>, option<error-code>.
export function beginByteResult(ret: i32): void {
  beginResult(ret, 2, 1);
}

export function endByte(value: i32): void {
  put8(0, 0);
  put8(1, value);
}

export function endByteError(errno: i32): void {
  put8(0, 1);
  put8(1, errorCode(errno));
}

/** result<_, error-code> of a status: 0 or minus errno. */
export function unitResult(status: i64): void {
  if (status < 0) endByteError(<i32>-status);
  else put8(0, 0);
}

// result<own<T>, error-code>: u8 tag; at 4 the handle or the u8 code.
export function beginHandleResult(ret: i32): void {
  beginResult(ret, 8, 4);
}

export function endHandle(handle: i32): void {
  put8(0, 0);
  put32(4, handle);
}

export function endHandleError(errno: i32): void {
  put8(0, 1);
  put8(4, errorCode(errno));
}

// result<u64, error-code>: u8 tag; at 8 the value or the u8 code. The same for records of alignment 8.
export const AT_8: u32 = 8;

export function endError8(errno: i32): void {
  put8(0, 1);
  put8(AT_8, errorCode(errno));
}

// result<string, error-code> and result<list<u8>, stream-error>: u8 tag; at 4 pointer, at 8 length, or the error at 4.
export function beginBytesResult(ret: i32): void {
  beginResult(ret, 12, 4);
}

export function endBytes(pointer: i32, length: u32): void {
  put8(0, 0);
  put32(4, pointer);
  put32(8, length);
}

export function endBytesError(errno: i32): void {
  put8(0, 1);
  put8(4, errorCode(errno));
}

// stream-error: u8 tag (0 last-operation-failed, 1 closed); at 4 the error's handle. It is 4-aligned, so it sits in a result at `at`:
// 4 when nothing in the result is 8-aligned, else 8.
export function endStreamError(at: u32, errno: i32): void {
  put8(0, 1);
  if (errno == CLOSED) {
    put8(at, 1);
    return;
  }
  put8(at, 0);
  put32(at + 4, newError(errno));
}

// result<_, stream-error>: u8 tag; stream-error at 4.
export function beginStreamUnit(ret: i32): void {
  beginResult(ret, 12, 4);
}

export function endStreamUnit(errno: i32): void {
  if (errno) endStreamError(4, errno);
  else put8(0, 0);
}

// result<u64, stream-error>: u8 tag; u64 or stream-error at 8.
export function beginStreamCount(ret: i32): void {
  beginResult(ret, 16, 8);
}

export function endStreamCount(count: u64): void {
  put8(0, 0);
  put64(AT_8, count);
}

// datetime: u64 seconds; at 8 u32 nanoseconds; 16 bytes, 8-aligned.
export function putDatetime(at: u32, seconds: i64, nanoseconds: u32): void {
  put64(at, seconds);
  put32(at + 8, nanoseconds);
}

// A list or string as the whole result: pointer, length.
export function beginList(ret: i32): void {
  beginResult(ret, 8, 4);
}

export function endList(pointer: i32, length: u32): void {
  put32(0, pointer);
  put32(4, length);
}

// option<own<T>>: u8 tag; at 4 the handle.
export function optionHandleResult(ret: i32, some: bool, handle: i32): void {
  beginResult(ret, 8, 4);
  put8(0, some);
  if (some) put32(4, handle);
}
