/**
 * wasi:io/streams over open files.
 *
 * Writes are synchronous and unbuffered: a `write` that returns has reached the kernel, so `flush` has nothing to do. A stream that
 * failed or ended stays closed. Bytes that are read pass through one static buffer, because the guest's block must have exactly
 * the size of what was read.
 */

import { fileDescriptor, isRegular, releaseFile, shareFile, wantAppend } from "./files";
import { EAGAIN, EPIPE, ESPIPE, isReady, POLLIN, POLLOUT, pread, pwrite, read, waitFor, write } from "./linux";
import {
  Address,
  copyToGuest,
  guestSpan,
  inputStreamRep,
  newInputStream,
  newOutputStream,
  newPollable,
  outputStreamRep,
  ownSpan,
  require,
  trap,
  TRAP_HANDLES_EXHAUSTED,
} from "./native";
import { takeFilePollable } from "./poll";
import {
  beginBytesResult,
  beginStreamCount,
  beginStreamUnit,
  CLOSED,
  endBytes,
  endStreamCount,
  endStreamError,
  endStreamUnit,
} from "./results";
import { entryOf, giveEntry, takeEntry } from "./table";

export const STREAM_LIMIT: u32 = 4096;

// An entry of either table: free link, file, position, permit, how, closed.
const SIZE: usize = 32;
const FILE: usize = 4;
const POSITION: usize = 8;
/** Bytes that `write` may take: what `check-write` granted last, less what was written since. */
const PERMIT: usize = 16;
const HOW: usize = 24;
const ENDED: usize = 28;
const inputs = memory.data(8 + 32 * 4096, 8);
const outputs = memory.data(8 + 32 * 4096, 8);

/** How a stream reaches its file. */
export const SEQUENTIAL: u32 = 0;
export const POSITIONED: u32 = 1;
export const APPEND: u32 = 2;

/** A regular file takes anything at once; of others Linux promises, when they are ready, that a page can be written. */
const PERMIT_REGULAR: u64 = 1 << 20;
const PERMIT_OTHER: u64 = 4096;
/** WIT: `blocking-write-and-flush` takes up to 4096 bytes. */
const BLOCKING_WRITE_LIMIT: u64 = 4096;

/** Most bytes that one read returns. */
export const BUFFER_SIZE: u32 = 65536;
export const buffer = memory.data(65536, 16);
const ZEROES: u32 = 4096;
const zeroes = memory.data(4096, 16);

@inline function input(stream: i32): usize {
  return entryOf(inputs, SIZE, stream);
}

@inline function output(stream: i32): usize {
  return entryOf(outputs, SIZE, stream);
}

/** An input stream on a file, which it shares: its slot, or -1 when there are too many. */
export function openInput(file: i32, how: u32, position: u64): i32 {
  const stream = takeEntry(inputs, SIZE, STREAM_LIMIT);
  if (stream < 0) return -1;
  store<i32>(input(stream), shareFile(file), FILE);
  store<u64>(input(stream), position, POSITION);
  store<u32>(input(stream), how, HOW);
  return stream;
}

export function openOutput(file: i32, how: u32, position: u64): i32 {
  const stream = takeEntry(outputs, SIZE, STREAM_LIMIT);
  if (stream < 0) return -1;
  store<i32>(output(stream), shareFile(file), FILE);
  store<u64>(output(stream), position, POSITION);
  store<u32>(output(stream), how, HOW);
  return stream;
}

/** A new handle of a standard stream. */
export function standardInput(file: i32): i32 {
  const stream = openInput(file, SEQUENTIAL, 0);
  if (stream < 0) trap(TRAP_HANDLES_EXHAUSTED);
  return newInputStream(stream);
}

export function standardOutput(file: i32): i32 {
  const stream = openOutput(file, SEQUENTIAL, 0);
  if (stream < 0) trap(TRAP_HANDLES_EXHAUSTED);
  return newOutputStream(stream);
}

export function drop_io_streams_input_stream(stream: i32): void {
  releaseFile(load<i32>(input(stream), FILE));
  giveEntry(inputs, SIZE, stream);
}

export function drop_io_streams_output_stream(stream: i32): void {
  releaseFile(load<i32>(output(stream), FILE));
  giveEntry(outputs, SIZE, stream);
}

// Reading

/** What went wrong with the last `fill` or `writeAll`: 0, `CLOSED` or errno. */
let failure: i32 = 0;

/** Reads up to `length` bytes into `buffer`: how many. 0 is an end, or (unless it may block) nothing yet; see `failure`. */
function fill(stream: i32, length: u64, blocking: bool): u32 {
  const entry = input(stream);
  failure = 0;
  if (load<u32>(entry, ENDED)) {
    failure = CLOSED;
    return 0;
  }
  if (length == 0) return 0;
  const file = load<i32>(entry, FILE);
  const fd = fileDescriptor(file);
  const want = length < BUFFER_SIZE ? <u32>length : BUFFER_SIZE;
  const to = ownSpan(buffer, want);
  let n: i64;
  for (;;) {
    if (load<u32>(entry, HOW) == POSITIONED) {
      n = pread(fd, to, want, load<i64>(entry, POSITION));
      if (n == -ESPIPE) {
        store<u32>(entry, SEQUENTIAL, HOW);
        continue;
      }
    } else {
      if (!blocking && !isReady(fd, POLLIN)) return 0;
      n = read(fd, to, want);
    }
    if (n != -EAGAIN) break;
    if (!blocking) return 0;
    waitFor(fd, POLLIN);
  }
  if (n > 0) {
    store<i64>(entry, load<i64>(entry, POSITION) + n, POSITION);
    return <u32>n;
  }
  store<u32>(entry, 1, ENDED);
  failure = n == 0 ? CLOSED : <i32>-n;
  return 0;
}

function readResult(self: i32, length: u64, ret: i32, blocking: bool): void {
  const stream = inputStreamRep(self);
  beginBytesResult(ret);
  const n = fill(stream, length, blocking);
  if (failure) endStreamError(4, failure);
  else endBytes(copyToGuest(ownSpan(buffer, n), n), n);
}

export function io_streams_method_input_stream_read(self: i32, length: u64, ret: i32): void {
  readResult(self, length, ret, false);
}

export function io_streams_method_input_stream_blocking_read(self: i32, length: u64, ret: i32): void {
  readResult(self, length, ret, true);
}

function skipResult(self: i32, length: u64, ret: i32, blocking: bool): void {
  const stream = inputStreamRep(self);
  beginStreamCount(ret);
  const n = fill(stream, length, blocking);
  if (failure) endStreamError(8, failure);
  else endStreamCount(n);
}

export function io_streams_method_input_stream_skip(self: i32, length: u64, ret: i32): void {
  skipResult(self, length, ret, false);
}

export function io_streams_method_input_stream_blocking_skip(self: i32, length: u64, ret: i32): void {
  skipResult(self, length, ret, true);
}

export function io_streams_method_input_stream_subscribe(self: i32): i32 {
  return newPollable(takeFilePollable(load<i32>(input(inputStreamRep(self)), FILE), POLLIN));
}

// Writing

/** Sets what `write` may take now; 0 when it would block. Returns 0 or `CLOSED`. */
function grant(stream: i32): i32 {
  const entry = output(stream);
  if (load<u32>(entry, ENDED)) return CLOSED;
  const file = load<i32>(entry, FILE);
  const permit = isRegular(file) ? PERMIT_REGULAR : isReady(fileDescriptor(file), POLLOUT) ? PERMIT_OTHER : 0;
  store<u64>(entry, permit, PERMIT);
  return 0;
}

/** Writes every byte, waiting when it must. Returns 0, `CLOSED` or errno; after a failure the stream is closed. */
function writeAll(stream: i32, from: Address, length: u32): i32 {
  const entry = output(stream);
  if (load<u32>(entry, ENDED)) return CLOSED;
  const file = load<i32>(entry, FILE);
  const fd = fileDescriptor(file);
  let done: u32 = 0;
  while (done < length) {
    const how = load<u32>(entry, HOW);
    let n: i64 = how == SEQUENTIAL ? 0 : wantAppend(file, how == APPEND);
    if (n >= 0) {
      n =
        how == POSITIONED
          ? pwrite(fd, from + done, length - done, load<i64>(entry, POSITION))
          : write(fd, from + done, length - done);
    }
    if (n >= 0) {
      done += <u32>n;
      store<i64>(entry, load<i64>(entry, POSITION) + n, POSITION);
    } else if (n == -ESPIPE && how == POSITIONED) {
      store<u32>(entry, SEQUENTIAL, HOW);
    } else if (n == -EAGAIN) {
      waitFor(fd, POLLOUT);
    } else {
      store<u32>(entry, 1, ENDED);
      return n == -EPIPE ? CLOSED : <i32>-n;
    }
  }
  return 0;
}

function writeZeroes(stream: i32, length: u64): i32 {
  let left = length;
  while (left) {
    const n = left < ZEROES ? <u32>left : ZEROES;
    const status = writeAll(stream, ownSpan(zeroes, n), n);
    if (status) return status;
    left -= n;
  }
  return load<u32>(output(stream), ENDED) ? CLOSED : 0;
}

/** WIT: writing more than the permit traps. */
function spend(stream: i32, length: u64): void {
  const permit = load<u64>(output(stream), PERMIT);
  require(length <= permit);
  store<u64>(output(stream), permit - length, PERMIT);
}

export function io_streams_method_output_stream_check_write(self: i32, ret: i32): void {
  const stream = outputStreamRep(self);
  beginStreamCount(ret);
  const status = grant(stream);
  if (status) endStreamError(8, status);
  else endStreamCount(load<u64>(output(stream), PERMIT));
}

export function io_streams_method_output_stream_write(self: i32, pointer: i32, length: u32, ret: i32): void {
  const stream = outputStreamRep(self);
  const from = guestSpan(pointer, length, 1);
  beginStreamUnit(ret);
  spend(stream, length);
  endStreamUnit(writeAll(stream, from, length));
}

export function io_streams_method_output_stream_blocking_write_and_flush(
  self: i32,
  pointer: i32,
  length: u32,
  ret: i32,
): void {
  const stream = outputStreamRep(self);
  const from = guestSpan(pointer, length, 1);
  beginStreamUnit(ret);
  require(length <= BLOCKING_WRITE_LIMIT);
  endStreamUnit(writeAll(stream, from, length));
}

export function io_streams_method_output_stream_flush(self: i32, ret: i32): void {
  const stream = outputStreamRep(self);
  beginStreamUnit(ret);
  endStreamUnit(load<u32>(output(stream), ENDED) ? CLOSED : 0);
}

export function io_streams_method_output_stream_blocking_flush(self: i32, ret: i32): void {
  io_streams_method_output_stream_flush(self, ret);
}

export function io_streams_method_output_stream_subscribe(self: i32): i32 {
  return newPollable(takeFilePollable(load<i32>(output(outputStreamRep(self)), FILE), POLLOUT));
}

export function io_streams_method_output_stream_write_zeroes(self: i32, length: u64, ret: i32): void {
  const stream = outputStreamRep(self);
  beginStreamUnit(ret);
  spend(stream, length);
  endStreamUnit(writeZeroes(stream, length));
}

export function io_streams_method_output_stream_blocking_write_zeroes_and_flush(
  self: i32,
  length: u64,
  ret: i32,
): void {
  const stream = outputStreamRep(self);
  beginStreamUnit(ret);
  require(length <= BLOCKING_WRITE_LIMIT);
  endStreamUnit(writeZeroes(stream, length));
}

/** WIT: check-write of the destination, read of the source, write; or their blocking forms. */
function spliceResult(self: i32, source: i32, length: u64, ret: i32, blocking: bool): void {
  const stream = outputStreamRep(self);
  const from = inputStreamRep(source);
  beginStreamCount(ret);
  let status = grant(stream);
  if (status == 0 && blocking && load<u64>(output(stream), PERMIT) == 0) {
    waitFor(fileDescriptor(load<i32>(output(stream), FILE)), POLLOUT);
    status = grant(stream);
  }
  if (status) {
    endStreamError(8, status);
    return;
  }
  const permit = load<u64>(output(stream), PERMIT);
  const n = fill(from, length < permit ? length : permit, blocking);
  status = failure;
  if (status == 0) {
    spend(stream, n);
    status = writeAll(stream, ownSpan(buffer, n), n);
  }
  if (status) endStreamError(8, status);
  else endStreamCount(n);
}

export function io_streams_method_output_stream_splice(self: i32, source: i32, length: u64, ret: i32): void {
  spliceResult(self, source, length, ret, false);
}

export function io_streams_method_output_stream_blocking_splice(
  self: i32,
  source: i32,
  length: u64,
  ret: i32,
): void {
  spliceResult(self, source, length, ret, true);
}
