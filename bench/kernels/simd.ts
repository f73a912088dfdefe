// Vectors: sums of byte differences, and a filter over floats.
const left = memory.data(1 << 16, 16);
const right = memory.data(1 << 16, 16);
const wave = memory.data(1 << 16, 16);
export function run(rounds: i32): i32 {
  for (let i = 0; i < 1 << 16; i++) {
    store<u8>(left + i, (i * 7) ^ (i >> 5));
    store<u8>(right + i, (i * 13) ^ (i >> 3));
  }
  for (let i = 0; i < 1 << 14; i++) store<f32>(wave + (i << 2), <f32>((i * 11) & 63) * 0.25);
  let total = i32x4.splat(0);
  for (let r = 0; r < rounds; r++) {
    for (let i = 0; i < 1 << 16; i += 16) {
      const a = v128.load(left + i);
      const b = v128.load(right + i);
      const differences = v128.sub<u8>(v128.max<u8>(a, b), v128.min<u8>(a, b));
      total = i32x4.add(total, i32x4.extadd_pairwise_i16x8_u(i16x8.extadd_pairwise_i8x16_u(differences)));
    }
    for (let i = 16; i < (1 << 16) - 16; i += 16) {
      const before = v128.load(wave + i - 4);
      const here = v128.load(wave + i);
      const sum = f32x4.add(f32x4.mul(before, f32x4.splat(0.25)), f32x4.mul(here, f32x4.splat(0.75)));
      v128.store(wave + i, f32x4.min(sum, f32x4.splat(12)));
    }
  }
  const bits = <i32>(load<f32>(wave + 4096) * 1000);
  return i32x4.extract_lane(total, 0) + i32x4.extract_lane(total, 1) + i32x4.extract_lane(total, 2) + i32x4.extract_lane(total, 3) + bits;
}
