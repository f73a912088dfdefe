/** wasi:random. The insecure forms are the kernel's generator too: simple, and never worse than asked. */

import { random } from "./linux";
import { allocateGuest, beginResult, guestSpan, ownSpan, put64, require } from "./native";
import { beginList, endList } from "./results";

/** Canonical ABI: the longest list. */
const LIST_LIMIT: u64 = (1 << 28) - 1;

const words = memory.data(16, 8);

function fillWords(length: u32): void {
  require(random(ownSpan(words, length), length) == 0);
}

function randomBytes(length: u64, ret: i32): void {
  beginList(ret);
  require(length <= LIST_LIMIT);
  const pointer = allocateGuest(<u32>length, 1);
  require(random(guestSpan(pointer, <u32>length, 1), <u32>length) == 0);
  endList(pointer, <u32>length);
}

function randomWord(): u64 {
  fillWords(8);
  return load<u64>(words);
}

export function random_random_get_random_bytes(length: u64, ret: i32): void {
  randomBytes(length, ret);
}

export function random_random_get_random_u64(): u64 {
  return randomWord();
}

export function random_insecure_get_insecure_random_bytes(length: u64, ret: i32): void {
  randomBytes(length, ret);
}

export function random_insecure_get_insecure_random_u64(): u64 {
  return randomWord();
}

export function random_insecure_seed_insecure_seed(ret: i32): void {
  beginResult(ret, 16, 8);
  fillWords(16);
  put64(0, load<u64>(words));
  put64(8, load<u64>(words, 8));
}
