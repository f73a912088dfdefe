// 64-bit integers: digits of e by long division of words, products of 32 × 32 bits, and counts of bits.
const words = memory.data(1 << 12, 8);
export function run(n: i32): i32 {
  const length = 1 << 9;
  let check: u64 = 0;
  for (let i = 0; i < length; i++) store<u64>(words + (i << 3), 1);
  for (let d = 0; d < n; d++) {
    let carry: u64 = 0;
    for (let i = length - 1; i >= 0; i--) {
      const t = load<u64>(words + (i << 3)) * 1000000000 + carry;
      const base = <u64>(i + 2);
      carry = t / base;
      store<u64>(words + (i << 3), t - carry * base);
    }
    check = rotl<u64>(check ^ carry, 13) * 0x9e3779b97f4a7c15 + <u64>popcnt<u64>(check) + <u64>clz<u64>(carry | 1);
  }
  return <i32>(check ^ (check >>> 32));
}
