// 64-bit multiplication and rotation over words of memory.
const data = memory.data(1 << 20, 8);
export function run(rounds: i32): i32 {
  for (let i = 0; i < 1 << 17; i++) store<u64>(data + (i << 3), <u64>i * 0x9e3779b97f4a7c15);
  let h1: u64 = 0x60ea27eeadc0b5d6;
  let h2: u64 = 0xc2b2ae3d27d4eb4f;
  for (let r = 0; r < rounds; r++) {
    for (let i = 0; i < 1 << 20; i += 16) {
      h1 = rotl<u64>(h1 + load<u64>(data + i) * 0xc2b2ae3d27d4eb4f, 31) * 0x9e3779b185ebca87;
      h2 = rotl<u64>(h2 + load<u64>(data + i, 8) * 0xc2b2ae3d27d4eb4f, 29) * 0x9e3779b185ebca87;
    }
  }
  const h = h1 ^ rotl<u64>(h2, 17);
  return <i32>(h ^ (h >> 32));
}
