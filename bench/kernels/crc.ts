// A table look-up for every byte.
const table = memory.data(1024, 4);
const data = memory.data(1 << 20);
export function run(rounds: i32): i32 {
  for (let i: u32 = 0; i < 256; i++) {
    let c = i;
    for (let k = 0; k < 8; k++) c = c & 1 ? 0xedb88320 ^ (c >>> 1) : c >>> 1;
    store<u32>(table + (i << 2), c);
  }
  for (let i = 0; i < 1 << 20; i++) store<u8>(data + i, (i * 31) ^ (i >> 7));
  let crc: u32 = 0xffffffff;
  for (let r = 0; r < rounds; r++) {
    for (let i = 0; i < 1 << 20; i++) {
      crc = load<u32>(table + (((crc ^ <u32>load<u8>(data + i)) & 0xff) << 2)) ^ (crc >>> 8);
    }
  }
  return crc;
}
