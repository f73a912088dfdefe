// Indirect calls: an operation of a table for every step.
type Op = (a: i32, b: i32) => i32;
const add: Op = (a, b) => a + b;
const sub: Op = (a, b) => a - b;
const xor: Op = (a, b) => a ^ b;
const mul: Op = (a, b) => a * (b | 1);
const rot: Op = (a, b) => rotl<i32>(a, b);
const max: Op = (a, b) => (a > b ? a : b + 1);
const ops: StaticArray<i32> = [<i32>add.index, <i32>sub.index, <i32>xor.index, <i32>mul.index, <i32>rot.index, <i32>max.index];
export function run(n: i32): i32 {
  let acc = 1;
  let state: u32 = 7;
  for (let i = 0; i < n; i++) {
    state = state * 1103515245 + 12345;
    acc = call_indirect<i32>(unchecked(ops[(state >>> 16) % 6]), acc, i);
  }
  return acc;
}
