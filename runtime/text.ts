/** One line of text, made in a static buffer: error texts for guests, messages for people. Longer lines are cut. */

const CAPACITY: u32 = 512;
const buffer = memory.data(512);
let length: u32 = 0;

export function beginText(): void {
  length = 0;
}

/** Appends an ASCII literal. */
export function appendText(text: string): void {
  for (let i = 0, n = text.length; i < n && length < CAPACITY; i++) {
    store<u8>(buffer + length++, load<u16>(changetype<usize>(text) + (<usize>i << 1)));
  }
}

export function appendByte(byte: i32): void {
  if (length < CAPACITY) store<u8>(buffer + length++, byte);
}

export function appendNumber(value: u32): void {
  let divisor: u32 = 1;
  while (value / divisor >= 10) divisor *= 10;
  for (; divisor; divisor /= 10) appendByte(0x30 + ((value / divisor) % 10));
}

export function textPointer(): usize {
  return buffer;
}

export function textLength(): u32 {
  return length;
}
