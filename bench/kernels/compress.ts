// A small LZ77 with a hash table of positions; gives the number of bytes it would write.
const input = memory.data(1 << 18);
const head = memory.data(1 << 18, 4);
export function run(rounds: i32): i32 {
  const n = 1 << 18;
  let seed: u32 = 5;
  for (let i = 0; i < n; i++) {
    seed = seed * 1103515245 + 12345;
    store<u8>(input + i, (seed >>> 24) & 1 && i > 64 ? load<u8>(input + i - 1 - ((seed >>> 16) & 31)) : 97 + ((seed >>> 20) & 15));
  }
  let written = 0;
  for (let r = 0; r < rounds; r++) {
    memory.fill(head, 0xff, 1 << 18);
    let i = 0;
    while (i < n - 8) {
      const h = (load<u32>(input + i) * 2654435761) >>> 16;
      const candidate = load<i32>(head + (h << 2));
      store<i32>(head + (h << 2), i);
      let length = 0;
      if (candidate >= 0 && i - candidate < 65536) {
        while (i + length < n && length < 255 && load<u8>(input + candidate + length) == load<u8>(input + i + length)) length++;
      }
      if (length >= 4) {
        i += length;
        written += 3;
      } else {
        i++;
        written++;
      }
    }
  }
  return written;
}
