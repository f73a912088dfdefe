/** wasi:clocks. */

import { CLOCK_MONOTONIC, CLOCK_REALTIME, clockNanoseconds, clockNow, clockResolution, clockSeconds } from "./linux";
import { beginResult, newPollable } from "./native";
import { takeTimerPollable } from "./poll";
import { putDatetime } from "./results";

export function clocks_monotonic_clock_now(): u64 {
  return clockNow(CLOCK_MONOTONIC);
}

export function clocks_monotonic_clock_resolution(): u64 {
  return clockResolution(CLOCK_MONOTONIC) * 1000000000 + clockNanoseconds();
}

export function clocks_monotonic_clock_subscribe_instant(when: u64): i32 {
  return newPollable(takeTimerPollable(when));
}

export function clocks_monotonic_clock_subscribe_duration(duration: u64): i32 {
  const now = clockNow(CLOCK_MONOTONIC);
  const instant = now + duration;
  return newPollable(takeTimerPollable(instant < now ? u64.MAX_VALUE : instant));
}

export function clocks_wall_clock_now(ret: i32): void {
  beginResult(ret, 16, 8);
  const seconds = clockSeconds(CLOCK_REALTIME);
  putDatetime(0, seconds, clockNanoseconds());
}

export function clocks_wall_clock_resolution(ret: i32): void {
  beginResult(ret, 16, 8);
  const seconds = clockResolution(CLOCK_REALTIME);
  putDatetime(0, seconds, clockNanoseconds());
}
