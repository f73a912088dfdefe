// Bytes of memory, strided: primes below n.
const flags = memory.data(1000001);
export function run(n: i32): i32 {
  memory.fill(flags, 1, <usize>n + 1);
  let count = 0;
  for (let i = 2; i <= n; i++) {
    if (load<u8>(flags + i)) {
      count++;
      for (let j = i + i; j <= n; j += i) store<u8>(flags + j, 0);
    }
  }
  return count;
}
