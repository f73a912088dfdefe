import assert from "node:assert/strict";
import { test } from "node:test";
import { Allocator, allocate } from "../../src/codegen/regalloc/allocate.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import { QuickAllocator } from "../../src/codegen/regalloc/quick.ts";
import type { AllocatorInput, AllocatorOutput } from "../../src/codegen/regalloc/interface.ts";
import { runAllocated, runVirtual } from "./interpret.ts";
import { optionsFor, Random, randomFunction } from "./random-function.ts";

const FUNCTIONS = Number(process.env["REGALLOC_FUNCTIONS"] ?? 2000);
const FIRST = Number(process.env["REGALLOC_SEED"] ?? 1);
const STEPS = 200;

/** Random functions, of every second seed; one allocator for all: what an earlier one left in its memory must not matter. */
function checkFunctions(first: number, make: () => Allocator | QuickAllocator, inOrder: boolean): void {
  const allocator = make();
  for (let seed = first; seed < FIRST + FUNCTIONS; seed += 2) {
    const input = randomFunction({ ...optionsFor(seed), inOrder });
    let output: AllocatorOutput;
    try {
      output = allocator.allocate(input);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    assert.deepEqual(checkAllocation(input, output), [], `seed ${seed}`);
    assert.deepEqual(runAllocated(input, output, seed, STEPS), runVirtual(input, seed, STEPS), `seed ${seed}`);
    if (seed % 25 === 0) {
      assert.deepEqual(copyOf(input, output), copyOf(input, make().allocate(input)), `seed ${seed}: not deterministic`);
    }
  }
}

test(`${FUNCTIONS / 2} random functions: the checker has nothing to say and execution agrees`, () =>
  checkFunctions(FIRST, () => new Allocator(), false));

test(`${FUNCTIONS / 2} random functions in order, allocated quickly`, () =>
  checkFunctions(FIRST + 1, () => new QuickAllocator(), true));

/** A copy whose columns may be changed. */
function copyOf(input: AllocatorInput, output: AllocatorOutput) {
  return {
    operandPlace: output.operandPlace.slice(0, input.operandStart[input.instCount]),
    editPosition: output.editPosition.slice(),
    editKind: output.editKind.slice(),
    editFrom: output.editFrom.slice(),
    editTo: output.editTo.slice(),
    editClass: output.editClass.slice(),
    skipped: output.skipped.slice(0, input.instCount),
    slotCount: output.slotCount,
    usedCalleeSavedInt: output.usedCalleeSavedInt,
    usedCalleeSavedFloat: output.usedCalleeSavedFloat,
  };
}
type Copy = ReturnType<typeof copyOf>;

function without(copy: Copy, edit: number): Copy {
  const kept = <A extends Int32Array | Uint16Array | Uint8Array>(column: A): A => {
    column.copyWithin(edit, edit + 1);
    return column;
  };
  const cut = copy.editPosition.length - 1;
  return {
    ...copy,
    editPosition: kept(copy.editPosition).slice(0, cut),
    editKind: kept(copy.editKind).slice(0, cut),
    editFrom: kept(copy.editFrom).slice(0, cut),
    editTo: kept(copy.editTo).slice(0, cut),
    editClass: kept(copy.editClass).slice(0, cut),
  };
}

function swapped(column: Int32Array | Uint16Array | Uint8Array, a: number, b: number): void {
  const x = column[a] ?? 0;
  column[a] = column[b] ?? 0;
  column[b] = x;
}

const MUTATIONS = [
  "operand in another place",
  "operands exchanged",
  "edit left out",
  "edit from another place",
  "edit to another place",
  "edits exchanged",
  "edit elsewhere",
  "instruction skipped",
  "edit of half the size",
] as const;

/** The output with one thing changed, or undefined if there is nothing to change. */
function mutated(input: AllocatorInput, output: AllocatorOutput, kind: number, r: Random): Copy | undefined {
  const copy = copyOf(input, output);
  const edits = copy.editPosition.length;
  const operands = copy.operandPlace.length;
  const place = (near: number): number => {
    const slots = Math.max(1, copy.slotCount);
    if (near >= 64) return 64 + r.below(slots);
    if (r.chance(15)) return 64 + r.below(slots);
    return r.pick(near < 32 ? input.allocatableInt : input.allocatableFloat, near);
  };
  const edit = edits === 0 ? 0 : r.below(edits);
  const operand = operands === 0 ? 0 : r.below(operands);
  switch (MUTATIONS[kind]) {
    case "operand in another place":
      if (operands === 0) return undefined;
      copy.operandPlace[operand] = place(copy.operandPlace[operand] ?? 0);
      return copy;
    case "operands exchanged": {
      if (operands === 0) return undefined;
      swapped(copy.operandPlace, operand, (operand + 1) % operands);
      return copy;
    }
    case "edit left out":
      return edits === 0 ? undefined : without(copy, edit);
    case "edit from another place":
      if (edits === 0) return undefined;
      copy.editFrom[edit] = copy.editKind[edit] === 0 ? place(copy.editFrom[edit] ?? 0) : r.below(input.instCount);
      return copy;
    case "edit to another place":
      if (edits === 0) return undefined;
      copy.editTo[edit] = place(copy.editTo[edit] ?? 0);
      return copy;
    case "edits exchanged": {
      if (edits < 2) return undefined;
      const other = (edit + 1) % edits;
      swapped(copy.editKind, edit, other);
      swapped(copy.editFrom, edit, other);
      swapped(copy.editTo, edit, other);
      swapped(copy.editClass, edit, other);
      return copy;
    }
    case "edit elsewhere": {
      if (edits === 0) return undefined;
      const low = edit === 0 ? 0 : (copy.editPosition[edit - 1] ?? 0);
      const high = edit === edits - 1 ? 2 * input.instCount - 1 : (copy.editPosition[edit + 1] ?? 0);
      copy.editPosition[edit] = low + r.below(high - low + 1);
      return copy;
    }
    case "instruction skipped":
      copy.skipped[r.below(input.instCount)] = 1;
      return copy;
    default: {
      const wide = copy.editClass.findIndex((c) => c >> 4 === 16);
      if (wide < 0) return undefined;
      copy.editClass[wide] = ((copy.editClass[wide] ?? 0) & 15) | (8 << 4);
      return copy;
    }
  }
}

test("corrupted allocations are rejected, or still run right", () => {
  const tried = MUTATIONS.map(() => 0);
  const rejected = MUTATIONS.map(() => 0);
  const wrong = MUTATIONS.map(() => 0);
  for (let seed = 1; seed <= 300; seed++) {
    const isQuick = seed % 2 === 0;
    const input = randomFunction({ ...optionsFor(seed), inOrder: isQuick });
    const output = copyOf(input, isQuick ? new QuickAllocator().allocate(input) : allocate(input));
    const r = new Random(seed);
    for (let kind = 0; kind < MUTATIONS.length; kind++) {
      for (let again = 0; again < 4; again++) {
        const mutant = mutated(input, output, kind, r);
        if (mutant === undefined) continue;
        tried[kind] = (tried[kind] ?? 0) + 1;
        const isRejected = checkAllocation(input, mutant).length > 0;
        if (isRejected) rejected[kind] = (rejected[kind] ?? 0) + 1;
        for (let run = 0; run < (isRejected ? 1 : 4); run++) {
          const expected = runVirtual(input, seed + run, STEPS);
          const actual = runAllocated(input, mutant, seed + run, STEPS);
          if (JSON.stringify(expected) === JSON.stringify(actual)) continue;
          wrong[kind] = (wrong[kind] ?? 0) + 1;
          assert.ok(isRejected, `seed ${seed}: ${MUTATIONS[kind]} is accepted but runs wrong`);
          break;
        }
      }
    }
  }
  MUTATIONS.forEach((name, kind) => {
    assert.ok((tried[kind] ?? 0) > 100, `${name}: tried ${tried[kind]}`);
    assert.ok((wrong[kind] ?? 0) > 20, `${name}: ran wrong ${wrong[kind]} times`);
    // What is accepted is in code that nothing reaches, or a place that does as well.
    assert.ok(
      (rejected[kind] ?? 0) > 0.3 * (tried[kind] ?? 0),
      `${name}: rejected ${rejected[kind]} of ${tried[kind]}`,
    );
  });
});

test("registers that are not reported as written are noticed", () => {
  let seen = 0;
  for (let seed = 1; seed <= 300; seed++) {
    const isQuick = seed % 2 === 0;
    const input = randomFunction({ ...optionsFor(seed), inOrder: isQuick });
    const output = isQuick ? new QuickAllocator().allocate(input) : allocate(input);
    if (output.usedCalleeSavedInt === 0) continue;
    const mutant = { ...output, usedCalleeSavedInt: 0 };
    if (checkAllocation(input, mutant).length > 0) seen++;
  }
  assert.ok(seen > 30, `${seen}`);
});
