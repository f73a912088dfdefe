import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { allocate } from "../../src/codegen/regalloc/allocate.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import {
  type AllocatorInput,
  type AllocatorOutput,
  Constraint,
  EditKind,
  FIRST_SLOT,
} from "../../src/codegen/regalloc/interface.ts";
import { printAllocation } from "../../src/codegen/regalloc/print.ts";
import {
  def,
  defFixed,
  defTied,
  earlyDef,
  InputBuilder,
  lateUse,
  type Registers,
  use,
  useAny,
  useFixed,
  X64,
  X64_CALL_CLOBBER_FLOAT,
  X64_CALL_CLOBBER_INT,
} from "./builder.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RSI = 6;
const RDI = 7;
const ALL = 0xffff;

/** Allocates, checks, and gives the answer; the failure shows the allocation. */
function right(input: AllocatorInput): AllocatorOutput {
  const output = allocate(input);
  assert.deepEqual(checkAllocation(input, output), [], printAllocation(input, output));
  return output;
}

const edits = (output: AllocatorOutput): number => output.editPosition.length;

/** Edits from or to slots in the instructions of block b. */
function memoryEdits(input: AllocatorInput, output: AllocatorOutput, b: number): number {
  let count = 0;
  output.editPosition.forEach((position, e) => {
    const inst = position >> 1;
    if (inst < (input.blockStart[b] ?? 0) || inst >= (input.blockStart[b + 1] ?? 0)) return;
    if ((output.editFrom[e] ?? 0) >= FIRST_SLOT || (output.editTo[e] ?? 0) >= FIRST_SLOT) count++;
  });
  return count;
}

function registers(count: number): Registers {
  return { ...X64, allocatableInt: X64.allocatableInt.slice(0, count) };
}

const call = (b: InputBuilder, block: number, ...operands: Parameters<InputBuilder["inst"]>[1]): number =>
  b.inst(block, operands, X64_CALL_CLOBBER_INT, X64_CALL_CLOBBER_FLOAT);

describe("fixed operands", () => {
  test("an argument that is returned at once needs a single move", () => {
    const b = new InputBuilder();
    const v = b.vreg();
    const block = b.block();
    b.inst(block, [defFixed(v, RDI)]);
    b.ret(block, useFixed(v, RAX));
    assert.equal(edits(right(b.build())), 1);
  });

  test("a value made for a fixed use is made there", () => {
    const b = new InputBuilder();
    const v = b.vreg();
    const block = b.block();
    b.inst(block, [def(v)]);
    call(b, block, useFixed(v, RDI));
    b.ret(block);
    assert.equal(edits(right(b.build())), 0);
  });

  test("two arguments change registers through the scratch register", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0] = b.vregs(2);
    const block = b.block();
    b.inst(block, [defFixed(x, RDI), defFixed(y, RSI)]);
    b.ret(block, useFixed(y, RDI), useFixed(x, RSI));
    assert.ok(edits(right(b.build())) <= 3);
  });

  test("one value in several fixed registers, and in one of its own choice", () => {
    const b = new InputBuilder();
    const v = b.vreg();
    const block = b.block();
    b.inst(block, [def(v)]);
    b.inst(block, [useFixed(v, RAX), useFixed(v, RDX), use(v), useAny(v)]);
    b.ret(block);
    assert.ok(edits(right(b.build())) <= 2);
  });

  test("division: inputs and outputs in the same registers, of different values that live on", () => {
    const b = new InputBuilder();
    const [low = 0, high = 0, d = 0, q = 0, r = 0] = b.vregs(5);
    const block = b.block();
    b.inst(block, [defFixed(low, RDI), defFixed(high, RSI), defFixed(d, RDX)]);
    b.inst(block, [useFixed(low, RAX), useFixed(high, RDX), use(d), defFixed(q, RAX), defFixed(r, RDX)]);
    b.ret(block, use(low), use(high), use(d), use(q), use(r));
    right(b.build());
  });

  test("a register that is not allocatable", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0] = b.vregs(2);
    const block = b.block();
    b.inst(block, [defFixed(x, 5)]);
    b.inst(block, [useFixed(x, 4), defFixed(y, 5)]);
    b.ret(block, use(x), use(y));
    right(b.build());
  });

  test("dead definitions of every kind", () => {
    const b = new InputBuilder();
    const [a = 0, c = 0, d = 0, e = 0, f = 0, g = 0] = b.vregs(6);
    const block = b.block();
    b.inst(block, [defFixed(a, RAX), def(c), def(d, Constraint.stack), earlyDef(e), def(f, Constraint.any)]);
    b.inst(block, [def(g)]);
    b.inst(block, [use(g), defTied(b.vreg(), 0)]);
    b.ret(block, use(g));
    right(b.build());
  });

  test("an operand fixed to the scratch register is refused", () => {
    const b = new InputBuilder();
    const block = b.block();
    b.inst(block, [defFixed(b.vreg(), 11)]);
    b.ret(block);
    assert.throws(() => allocate(b.build()), /scratch register/);
  });
});

describe("ties", () => {
  test("a source that dies gives its register away", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0, z = 0] = b.vregs(3);
    const block = b.block();
    b.inst(block, [def(x), def(y)]);
    b.inst(block, [defTied(z, 1), use(x), use(y)]);
    b.ret(block, use(z));
    assert.equal(edits(right(b.build())), 0);
  });

  test("a source that lives on is copied", () => {
    const b = new InputBuilder();
    const [x = 0, z = 0] = b.vregs(2);
    const block = b.block();
    b.inst(block, [def(x)]);
    b.inst(block, [defTied(z, 1), use(x)]);
    b.ret(block, use(z), use(x));
    assert.equal(edits(right(b.build())), 1);
  });

  test("x + x that dies needs no copy", () => {
    const b = new InputBuilder();
    const [x = 0, z = 0] = b.vregs(2);
    const block = b.block();
    b.inst(block, [def(x)]);
    b.inst(block, [defTied(z, 1), use(x), useAny(x)]);
    b.ret(block, use(z));
    assert.equal(edits(right(b.build())), 0);
  });

  test("tied to a fixed use", () => {
    const b = new InputBuilder();
    const [x = 0, z = 0] = b.vregs(2);
    const block = b.block();
    b.inst(block, [def(x)]);
    b.inst(block, [useFixed(x, RAX), defTied(z, 0)]);
    b.ret(block, use(z), use(x));
    right(b.build());
  });

  test("a shift whose count and value both live on", () => {
    const b = new InputBuilder();
    const [x = 0, n = 0, z = 0] = b.vregs(3);
    const block = b.block();
    b.inst(block, [defFixed(x, RCX), defFixed(n, RDX)]);
    b.inst(block, [use(x), useFixed(n, RCX), defTied(z, 0)]);
    b.ret(block, use(x), use(n), use(z));
    right(b.build());
  });
});

describe("early and late", () => {
  test("an early definition keeps away from uses, a late use from definitions", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0, t = 0, z = 0] = b.vregs(4);
    const block = b.block();
    b.inst(block, [def(x), def(y)]);
    b.inst(block, [earlyDef(t), use(x), lateUse(y), def(z)]);
    b.ret(block, use(z), use(t));
    right(b.build(registers(4)));
  });

  test("a late use in memory beside an early one in a register, where everything is destroyed", () => {
    const b = new InputBuilder();
    const x = b.vreg();
    const block = b.block();
    b.inst(block, [def(x)]);
    b.inst(block, [use(x), lateUse(x, Constraint.any)], ALL, ALL);
    b.ret(block, use(x));
    right(b.build());
  });

  test("a register free early and one free late, among two", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0, t = 0] = b.vregs(3);
    const block = b.block();
    b.inst(block, [def(x)]);
    // t needs a register throughout, x one early; the other register is taken late.
    b.inst(block, [use(x), earlyDef(t), defFixed(y, 0)]);
    b.ret(block, use(t), use(y));
    right(b.build(registers(2)));
  });
});

describe("calls", () => {
  test("a value across calls is in a callee-saved register, which is reported", () => {
    const b = new InputBuilder();
    const x = b.vreg();
    const block = b.block();
    b.inst(block, [def(x)]);
    for (let k = 0; k < 4; k++) {
      call(b, block);
      b.inst(block, [use(x)]);
    }
    b.ret(block);
    const output = right(b.build());
    assert.equal(output.slotCount, 0);
    assert.notEqual(output.usedCalleeSavedInt, 0);
  });

  test("a call that destroys everything leaves slots only", () => {
    const b = new InputBuilder();
    const values = b.vregs(5);
    const wide = b.vreg(1, 16);
    const block = b.block();
    b.inst(block, [...values.map((v) => def(v)), def(wide)]);
    b.inst(block, [useFixed(values[0] ?? 0, RDI)], ALL, ALL);
    b.ret(block, ...values.map((v) => use(v)), use(wide));
    const output = right(b.build());
    assert.equal(output.slotCount, 7);
    assert.equal(output.usedCalleeSavedInt, X64.calleeSavedInt);
  });

  test("a constant is made again rather than stored", () => {
    const b = new InputBuilder();
    const x = b.vreg();
    const block = b.block();
    b.constant(block, x);
    b.inst(block, [use(x)], ALL, ALL);
    b.ret(block, use(x));
    const output = right(b.build());
    assert.equal(output.slotCount, 0);
    assert.ok(output.editKind.includes(EditKind.remat));
  });

  for (const sunk of [false, true]) {
    test(`a call on a cold path costs the loop nothing${sunk ? ", emitted behind it" : ""}`, () => {
      const b = new InputBuilder();
      // More values than callee-saved registers, all used in the loop; the call is two rare turns away.
      const values = b.vregs(9);
      const entry = b.block();
      const head = b.block([], 1);
      const hot = b.block([], 1);
      const rare = b.block([], 1);
      const back = b.block([], 1);
      const early = sunk ? -1 : b.block([], 1);
      const latch = b.block([], 1);
      const again = b.block([], 1);
      const exit = b.block();
      const cold = sunk ? b.block([], 1) : early;
      b.inst(
        entry,
        values.map((v) => def(v)),
      );
      b.jump(entry, head);
      for (const v of values) b.inst(head, [use(v)]);
      b.branch(head, values[0] ?? 0, hot, rare);
      b.branch(rare, values[1] ?? 0, back, cold);
      call(b, cold);
      b.jump(cold, latch);
      b.jump(back, latch);
      b.jump(hot, latch);
      b.branch(latch, values[2] ?? 0, again, exit);
      b.jump(again, head);
      b.ret(exit, use(values[0] ?? 0));
      const input = b.build();
      const output = right(input);
      for (const block of [head, hot, latch, again])
        assert.equal(memoryEdits(input, output, block), 0, printAllocation(input, output));
    });
  }

  test("values through a loop with a call are in callee-saved registers", () => {
    const b = new InputBuilder();
    const values = b.vregs(5);
    const entry = b.block();
    const head = b.block([], 1);
    const again = b.block([], 1);
    const exit = b.block();
    b.inst(
      entry,
      values.map((v) => def(v)),
    );
    b.jump(entry, head);
    call(b, head, useFixed(values[0] ?? 0, RDI));
    for (const v of values) b.inst(head, [use(v)]);
    b.branch(head, values[0] ?? 0, again, exit);
    b.jump(again, head);
    b.ret(exit);
    const input = b.build();
    const output = right(input);
    assert.equal(output.slotCount, 0, printAllocation(input, output));
  });
});

describe("loops", () => {
  /** A loop that adds `count` values into an accumulator, behind `outside` values that live across it. */
  function loop(count: number, outside: number): { input: AllocatorInput; head: number; again: number } {
    const b = new InputBuilder();
    const values = b.vregs(count);
    const others = b.vregs(outside);
    const first = b.vreg();
    const entry = b.block();
    const acc = b.vreg();
    const head = b.block([acc], 1);
    const again = b.block([], 1);
    const exit = b.block();
    b.inst(entry, [def(first)]);
    for (const v of [...others, ...values]) b.inst(entry, [def(v)]);
    b.jump(entry, head, [first]);
    let sum = acc;
    for (const v of values) {
      const next = b.vreg();
      b.inst(head, [defTied(next, 1), use(sum), use(v)]);
      sum = next;
    }
    b.branch(head, sum, again, exit);
    b.jump(again, head, [sum]);
    for (const v of others) b.inst(exit, [use(v)]);
    b.ret(exit, use(sum));
    return { input: b.build(), head, again };
  }

  test("thirteen values in a loop with thirteen registers: nothing moves", () => {
    const { input, head, again } = loop(12, 0);
    const output = right(input);
    assert.equal(edits(output), 0, printAllocation(input, output));
    assert.equal(memoryEdits(input, output, head) + memoryEdits(input, output, again), 0);
  });

  test("values that only pass the loop make room for those that are used in it", () => {
    const { input, head, again } = loop(12, 8);
    const output = right(input);
    assert.equal(
      memoryEdits(input, output, head) + memoryEdits(input, output, again),
      0,
      printAllocation(input, output),
    );
  });

  test("parameters that change places on the way back", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0, z = 0, p = 0, q = 0, r = 0] = b.vregs(6);
    const entry = b.block();
    const head = b.block([p, q, r], 1);
    const again = b.block([], 1);
    const exit = b.block();
    b.inst(entry, [def(x), def(y), def(z)]);
    b.jump(entry, head, [x, y, z]);
    b.inst(head, [use(p), use(q), use(r)]);
    b.branch(head, p, again, exit);
    b.jump(again, head, [q, r, p]);
    b.ret(exit, use(p));
    const output = right(b.build());
    assert.ok(edits(output) <= 5);
  });

  test("a swap in slots", () => {
    const b = new InputBuilder();
    const [x = 0, y = 0, p = 0, q = 0] = b.vregs(4);
    const wide = [b.vreg(1, 16), b.vreg(1, 16)];
    const wideParams = [b.vreg(1, 16), b.vreg(1, 16)];
    const entry = b.block();
    const head = b.block([p, q, ...wideParams], 1);
    const again = b.block([], 1);
    const exit = b.block();
    b.inst(entry, [def(x), def(y), ...wide.map((v) => def(v))]);
    b.jump(entry, head, [x, y, ...wide]);
    b.inst(head, [
      use(p, Constraint.stack),
      use(q, Constraint.stack),
      ...wideParams.map((v) => use(v, Constraint.stack)),
    ]);
    b.inst(head, [], ALL, ALL);
    b.branch(head, p, again, exit);
    b.inst(again, [], ALL, ALL);
    b.jump(again, head, [q, p, wideParams[1] ?? 0, wideParams[0] ?? 0]);
    b.ret(exit, useAny(p), useAny(q), ...wideParams.map((v) => useAny(v)));
    right(b.build());
  });

  test("a parameter that nobody reads costs nothing", () => {
    const b = new InputBuilder();
    const [x = 0, p = 0] = b.vregs(2);
    const entry = b.block();
    const next = b.block([p]);
    b.inst(entry, [def(x)]);
    b.jump(entry, next, [x]);
    b.ret(next);
    assert.equal(edits(right(b.build())), 0);
  });

  test("an irreducible loop and an unreachable block", () => {
    const b = new InputBuilder();
    const [c = 0, x = 0, u = 0] = b.vregs(3);
    const entry = b.block();
    const toLeft = b.block();
    const toRight = b.block();
    const left = b.block([], 1);
    const right_ = b.block([], 1);
    const leftBack = b.block([], 1);
    const exit = b.block();
    const dead = b.block();
    b.inst(entry, [def(c), def(x)]);
    b.branch(entry, c, toLeft, toRight);
    b.jump(toLeft, left);
    b.jump(toRight, right_);
    b.inst(left, [], ALL, ALL);
    b.jump(left, right_);
    b.inst(right_, [use(x)]);
    b.branch(right_, c, leftBack, exit);
    b.jump(leftBack, left);
    b.ret(exit, use(x));
    b.inst(dead, [def(u)]);
    b.ret(dead, use(u));
    right(b.build());
  });
});

describe("refusals", () => {
  test("a critical edge", () => {
    const b = new InputBuilder();
    const x = b.vreg();
    const entry = b.block();
    const other = b.block();
    const join = b.block();
    b.inst(entry, [def(x)]);
    b.branch(entry, x, other, join);
    b.jump(other, join);
    b.ret(join);
    assert.throws(() => allocate(b.build()), /critical edge/);
  });

  test("more operands in registers than there are", () => {
    const b = new InputBuilder();
    const values = b.vregs(5);
    const block = b.block();
    for (const v of values) b.inst(block, [def(v)]);
    b.ret(block, ...values.map((v) => use(v)));
    assert.throws(() => allocate(b.build(registers(4))), /no register/);
  });
});

test("slots are shared by values that never live together", () => {
  const b = new InputBuilder();
  const block = b.block();
  for (let k = 0; k < 20; k++) {
    const v = b.vreg(k % 3 === 0 ? 1 : 0, k % 3 === 0 ? 16 : 8);
    b.inst(block, [def(v)]);
    b.inst(block, [], ALL, ALL);
    b.inst(block, [use(v)]);
  }
  b.ret(block);
  assert.equal(right(b.build()).slotCount, 3);
});

test("an allocation prints", () => {
  const b = new InputBuilder();
  const x = b.vreg();
  const block = b.block();
  b.inst(block, [defFixed(x, RDI)]);
  b.ret(block, useFixed(x, RAX));
  const input = b.build();
  assert.match(printAllocation(input, allocate(input)), /r0 <- r7\n {5}1: use v0:fixed\(0\)=r0/);
});
