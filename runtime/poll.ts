/**
 * wasi:io/poll over `ppoll`. A pollable waits for a file to be readable or writable, or for an instant of the monotonic clock.
 */

import { fileDescriptor, releaseFile, shareFile } from "./files";
import { CLOCK_MONOTONIC, clockNow, EINTR, poll } from "./linux";
import {
  allocateGuest,
  guestSpan,
  listElement,
  pollableRep,
  require,
  trap,
  TRAP_HANDLES_EXHAUSTED,
  writeGuest32,
} from "./native";
import { beginList, endList } from "./results";
import { entryOf, giveEntry, takeEntry } from "./table";

/** Pollables at a time, and in one list. */
export const POLLABLE_LIMIT: u32 = 4096;

// An entry: free link, file or -1, instant (of a timer), events.
const SIZE: usize = 24;
const FILE: usize = 4;
const INSTANT: usize = 8;
const EVENTS: usize = 16;
const table = memory.data(8 + 24 * 4096, 8);

// What is being waited for: for each {i32 pollable, i32 position of its pollfd or -1}, and the pollfds {i32 fd, i16 events, i16 revents}.
const waiting = memory.data(8 * 4096, 8);
const pollfds = memory.data(8 * 4096, 8);
let entered: u32 = 0;
let polled: u32 = 0;

@inline function entry(pollable: i32): usize {
  return entryOf(table, SIZE, pollable);
}

function take(): i32 {
  const pollable = takeEntry(table, SIZE, POLLABLE_LIMIT);
  if (pollable < 0) trap(TRAP_HANDLES_EXHAUSTED);
  return pollable;
}

/** A pollable for a file, which it shares. Traps when there are too many. */
export function takeFilePollable(file: i32, events: i32): i32 {
  const pollable = take();
  store<i32>(entry(pollable), shareFile(file), FILE);
  store<i32>(entry(pollable), events, EVENTS);
  return pollable;
}

export function takeTimerPollable(instant: u64): i32 {
  const pollable = take();
  store<i32>(entry(pollable), -1, FILE);
  store<u64>(entry(pollable), instant, INSTANT);
  return pollable;
}

export function drop_io_poll_pollable(pollable: i32): void {
  const file = load<i32>(entry(pollable), FILE);
  if (file >= 0) releaseFile(file);
  giveEntry(table, SIZE, pollable);
}

function beginWaiting(): void {
  entered = 0;
  polled = 0;
}

function enter(pollable: i32): void {
  const file = load<i32>(entry(pollable), FILE);
  const place = waiting + (entered++ << 3);
  store<i32>(place, pollable);
  store<i32>(place, file < 0 ? -1 : polled, 4);
  if (file < 0) return;
  const pollfd = pollfds + (polled++ << 3);
  store<i32>(pollfd, fileDescriptor(file));
  store<i32>(pollfd, load<i32>(entry(pollable), EVENTS), 4);
}

/** Whether the pollable entered as number `index` was ready in the last `wait`, which returned `now`. */
function ready(index: u32, now: u64): bool {
  const place = waiting + (index << 3);
  const position = load<i32>(place, 4);
  if (position >= 0) return load<u16>(pollfds + (position << 3), 6) != 0;
  return load<u64>(entry(load<i32>(place)), INSTANT) <= now;
}

/** Looks at what was entered, or waits until something is ready. Returns the time for `ready`. */
function wait(blocking: bool): u64 {
  let earliest = u64.MAX_VALUE;
  const timers = entered != polled;
  for (let i: u32 = 0; timers && i < entered; i++) {
    const place = waiting + (i << 3);
    if (load<i32>(place, 4) >= 0) continue;
    const instant = load<u64>(entry(load<i32>(place)), INSTANT);
    if (instant < earliest) earliest = instant;
  }
  let now: u64 = timers ? clockNow(CLOCK_MONOTONIC) : 0;
  let r: i64;
  do {
    const timeout = !blocking || (timers && earliest <= now) ? 0 : timers ? earliest - now : u64.MAX_VALUE;
    r = poll(pollfds, polled, timeout);
    // Otherwise more files than RLIMIT_NOFILE, or no memory for them.
    require(r >= 0 || r == -EINTR);
    if (timers) now = clockNow(CLOCK_MONOTONIC);
  } while (r == -EINTR || (r == 0 && blocking && !(timers && earliest <= now)));
  return now;
}

export function io_poll_method_pollable_ready(self: i32): i32 {
  beginWaiting();
  enter(pollableRep(self));
  return ready(0, wait(false));
}

export function io_poll_method_pollable_block(self: i32): void {
  beginWaiting();
  enter(pollableRep(self));
  wait(true);
}

/** WIT: traps when the list is empty. */
export function io_poll_poll(list: i32, length: u32, ret: i32): void {
  require(length != 0);
  if (length > POLLABLE_LIMIT) trap(TRAP_HANDLES_EXHAUSTED);
  const handles = guestSpan(list, length << 2, 4);
  beginList(ret);
  beginWaiting();
  for (let i: u32 = 0; i < length; i++) enter(pollableRep(listElement(handles, i)));
  const now = wait(true);
  let count: u32 = 0;
  for (let i: u32 = 0; i < length; i++) if (ready(i, now)) count++;
  const pointer = allocateGuest(count << 2, 4);
  let at = pointer;
  for (let i: u32 = 0; i < length; i++) {
    if (!ready(i, now)) continue;
    writeGuest32(at, i);
    at += 4;
  }
  endList(pointer, count);
}
