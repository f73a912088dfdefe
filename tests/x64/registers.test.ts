import assert from "node:assert/strict";
import { test } from "node:test";
import * as r from "../../src/codegen/x64/registers.ts";

const INT = Array.from({ length: 16 }, (_, i) => i);

test("roles: scratch, stack and frame pointer are not allocatable; masks split the registers", () => {
  const allocatable = new Set([...r.ALLOCATABLE_INT, ...r.ALLOCATABLE_FLOAT]);
  for (const reg of [r.RSP, r.RBP, r.SCRATCH_INT, r.SCRATCH_FLOAT]) assert.equal(allocatable.has(reg), false);
  assert.equal(allocatable.size, 13 + 15);
  assert.equal(r.CALLEE_SAVED_INT & r.CALLER_SAVED_INT, 0);
  assert.equal(r.CALLEE_SAVED_INT | r.CALLER_SAVED_INT, 0xffff & ~r.registerBit(r.RSP) & ~r.registerBit(r.RBP));
  assert.equal(r.registerBit(r.XMM15), 1 << 15);
  const saved = (reg: number) => (r.CALLEE_SAVED_INT & r.registerBit(reg)) !== 0;
  const first = r.ALLOCATABLE_INT.findIndex(saved);
  assert.ok(
    r.ALLOCATABLE_INT.every((reg, i) => saved(reg) === i >= first),
    "caller-saved first",
  );
});

test("DWARF numbers (System V AMD64, figure 3.36)", () => {
  const order = [r.RAX, r.RDX, r.RCX, r.RBX, r.RSI, r.RDI, r.RBP, r.RSP, 8, 9, 10, 11, 12, 13, 14, 15];
  assert.deepEqual(order.map(r.dwarfNumber), INT);
  assert.deepEqual([r.dwarfNumber(r.XMM0), r.dwarfNumber(r.XMM15)], [17, 32]);
  assert.equal(r.dwarfNumber(r.RSP), r.DWARF_RSP);
  assert.equal(r.dwarfNumber(r.RBP), r.DWARF_RBP);
  assert.throws(() => r.dwarfNumber(20), RangeError);
});

test("names", () => {
  assert.deepEqual(
    [1, 2, 4, 8].map((size) => [r.RAX, r.RSI, 9].map((reg) => r.registerName(reg, size)).join(" ")),
    ["al sil r9b", "ax si r9w", "eax esi r9d", "rax rsi r9"],
  );
  assert.equal(r.registerName(r.xmm(11), 4), "xmm11");
  assert.throws(() => r.registerName(16), RangeError);
});
