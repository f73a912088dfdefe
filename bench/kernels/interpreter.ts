// A bytecode machine: br_table in a loop.
const code = memory.data<u8>([0, 1, 3, 2, 4, 5, 1, 6, 2, 3, 0, 4, 7, 5, 6, 8]);
export function run(n: i32): i32 {
  let a: i32 = 1;
  let b: i32 = 2;
  let c: i32 = 3;
  let pc = 0;
  for (let steps = 0; steps < n; steps++) {
    switch (load<u8>(code + pc)) {
      case 0: a += b; break;
      case 1: b ^= a << 3; break;
      case 2: c -= a; break;
      case 3: a = a * 5 + c; break;
      case 4: b = rotl<i32>(b, 7); break;
      case 5: c |= b & 0xff; break;
      case 6: a ^= c; break;
      case 7: if (a & 1) pc ^= 1; break;
      default: pc = -1;
    }
    pc = (pc + 1) & 15;
  }
  return a ^ b ^ c;
}
