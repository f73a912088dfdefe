// A program: writes expressions as text, reads them with a recursive parser into code of a stack machine, and runs that.
const text = memory.data(1 << 16);
const code = memory.data(1 << 16);
const stack = memory.data(1 << 12, 8);
const operators = memory.data<u8>([43, 45, 42, 38, 124, 94]);
let at: i32 = 0;
let end: i32 = 0;
let seed: u32 = 1;
function random(n: u32): u32 {
  seed = seed * 1664525 + 1013904223;
  return (seed >>> 12) % n;
}
function put(c: i32): void {
  store<u8>(text + at++, c);
}
function write(depth: i32): void {
  if (depth == 0 || random(8) == 0) {
    let digits = 1 + random(5);
    while (digits--) put(48 + random(10));
    return;
  }
  const parentheses = random(3) == 0;
  if (parentheses) put(40);
  write(depth - 1);
  put(32);
  put(load<u8>(operators + random(6)));
  put(32);
  write(depth - 1);
  if (parentheses) put(41);
}
function emit(op: i32): void {
  store<u8>(code + end++, op);
}
function skip(): i32 {
  while (load<u8>(text + at) == 32) at++;
  return load<u8>(text + at);
}
function primary(): void {
  let c = skip();
  if (c == 40) {
    at++;
    expression(0);
    skip();
    at++;
    return;
  }
  let value = 0;
  while (c >= 48 && c < 58) {
    value = value * 10 + c - 48;
    c = load<u8>(text + ++at);
  }
  emit(0);
  store<i32>(code + end, value);
  end += 4;
}
function level(c: i32): i32 {
  switch (c) {
    case 124: return 1;
    case 94: return 2;
    case 38: return 3;
    case 43: case 45: return 4;
    case 42: return 5;
    default: return 0;
  }
}
function expression(least: i32): void {
  primary();
  for (;;) {
    const op = skip();
    const strength = level(op);
    if (strength <= least) return;
    at++;
    expression(strength);
    emit(op);
  }
}
function execute(): i32 {
  let pc = 0;
  let sp = stack;
  let op: i32;
  while ((op = load<u8>(code + pc++)) != 1) {
    if (op == 0) {
      store<i32>(sp, load<i32>(code + pc));
      pc += 4;
      sp += 4;
      continue;
    }
    const b = load<i32>(sp - 4);
    const a = load<i32>(sp - 8);
    let r = 0;
    switch (op) {
      case 43: r = a + b; break;
      case 45: r = a - b; break;
      case 42: r = a * b; break;
      case 38: r = a & b; break;
      case 124: r = a | b; break;
      case 94: r = a ^ b; break;
      default: r = 0;
    }
    store<i32>(sp - 8, r);
    sp -= 4;
  }
  return load<i32>(sp - 4);
}
export function run(rounds: i32): i32 {
  let result = 0;
  seed = 1;
  for (let r = 0; r < rounds; r++) {
    at = 0;
    write(9);
    put(0);
    at = 0;
    end = 0;
    expression(0);
    emit(1);
    for (let i = 0; i < 4; i++) result = rotl<i32>(result, 5) ^ execute();
  }
  return result;
}
