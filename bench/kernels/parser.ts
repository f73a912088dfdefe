// Parses decimal numbers out of text.
const text = memory.data(1 << 20);
export function run(rounds: i32): i32 {
  let at = 0;
  let seed: u32 = 99;
  while (at < (1 << 20) - 16) {
    seed = seed * 1664525 + 1013904223;
    let v = seed >>> 8;
    do {
      store<u8>(text + at++, 48 + (v % 10));
      v /= 10;
    } while (v);
    store<u8>(text + at++, seed & 1 ? 44 : 32);
  }
  const length = at;
  let sum: u32 = 0;
  for (let r = 0; r < rounds; r++) {
    let i = 0;
    while (i < length) {
      let value: u32 = 0;
      let digit: u32 = 0;
      while (i < length && (digit = <u32>load<u8>(text + i) - 48) < 10) {
        value = value * 10 + digit;
        i++;
      }
      sum += value;
      i++;
    }
  }
  return sum;
}
