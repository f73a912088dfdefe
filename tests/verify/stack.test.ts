/** Pushes are stores: they stay in the frame, and no deeper than the stack pointer was compared with the limit. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { firstFunction } from "../support/first-function.ts";

/** A body that is long enough to be written over. */
const MODULE = `(module (memory (export "memory") 1)
  (func (export "f") (param i32 i32) (result i32)
    (i32.store (local.get 0) (i32.mul (local.get 1) (i32.const 77)))
    (i32.store offset=8 (local.get 0) (i32.mul (local.get 1) (i32.const 99)))
    (i32.load offset=16 (local.get 1))))`;

/** push rbp; mov rbp, rsp */
const START: readonly number[] = [0x55, 0x48, 0x89, 0xe5];
/** `move`; push rcx; lea rsp, [rbp]; pop rbp; ret */
const pushes = (move: readonly number[]): readonly number[] => [
  ...[...START, ...move, 0x51],
  ...[0x48, 0x8d, 0x65, 0, 0x5d, 0xc3],
];
/** `move`; call `distance` from the function's start */
function calls(move: readonly number[], distance: number): readonly number[] {
  const code = [...START, ...move, 0xe8, 0, 0, 0, 0];
  const bytes = Uint8Array.from(code);
  new DataView(bytes.buffer).setInt32(code.length - 4, distance - code.length, true);
  return [...bytes];
}

const CASES: readonly (readonly [move: readonly number[], reasons: readonly string[]])[] = [
  // sub rsp, 0x40
  [[0x48, 0x83, 0xec, 0x40], []],
  // sub rsp, 0x100000
  [[0x48, 0x81, 0xec, 0, 0, 0x10, 0], ["uses more stack than was compared with the limit"]],
  // lea rsp, [rbp + 0x70]
  [[0x48, 0x8d, 0x65, 0x70], ["pushes to outside of the function's frame"]],
];
/** What is told of a trap there. */
const OF_TRAP: readonly (readonly string[])[] = [
  [],
  ["uses more stack than was compared with the limit"],
  ["the stack pointer is not in the frame at a call"],
];

test("pushes, and traps, far below or above the frame are rejected", async () => {
  const { image, f, text, reasons: rejected } = await firstFunction(MODULE);
  const raise = image.functions.find((g) => g.kind === "support raise") ?? assert.fail();
  const rejections = (code: readonly number[]): readonly string[] => {
    assert.ok(code.length <= text.length);
    text.fill(0xcc).set(code);
    return rejected();
  };
  for (const [n, [move, reasons]] of CASES.entries()) {
    assert.deepEqual(rejections(pushes(move)), reasons);
    assert.deepEqual(rejections(calls(move, raise.start - f.start)), OF_TRAP[n]);
  }
});
