/** Allocations broken on purpose: the checker must see each. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "../../src/codegen/regalloc/allocate.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import {
  type AllocatorInput,
  type AllocatorOutput,
  Constraint,
  FIRST_SLOT,
  OperandKind,
} from "../../src/codegen/regalloc/interface.ts";
import { QuickAllocator } from "../../src/codegen/regalloc/quick.ts";
import { printAllocation } from "../../src/codegen/regalloc/print.ts";
import { runAllocated, runVirtual } from "./interpret.ts";
import { optionsFor, Random, randomFunction } from "./random-function.ts";

type Mutable = { -readonly [K in keyof AllocatorOutput]: AllocatorOutput[K] };

function copy(output: AllocatorOutput): Mutable {
  return {
    ...output,
    operandPlace: output.operandPlace.slice(),
    editPosition: output.editPosition.slice(),
    editKind: output.editKind.slice(),
    editFrom: output.editFrom.slice(),
    editTo: output.editTo.slice(),
    editClass: output.editClass.slice(),
  };
}

/** Each changes the copy in one place; false if there is nothing to change. */
const MUTATIONS: Record<string, (input: AllocatorInput, output: Mutable, r: Random) => boolean> = {
  "an edit is dropped": (_input, output, r) => {
    if (output.editPosition.length === 0) return false;
    const e = r.below(output.editPosition.length);
    output.editPosition = output.editPosition.filter((_, k) => k !== e);
    output.editKind = output.editKind.filter((_, k) => k !== e);
    output.editFrom = output.editFrom.filter((_, k) => k !== e);
    output.editTo = output.editTo.filter((_, k) => k !== e);
    output.editClass = output.editClass.filter((_, k) => k !== e);
    return true;
  },
  "an edit writes elsewhere": (input, output, r) => {
    if (output.editTo.length === 0) return false;
    const e = r.below(output.editTo.length);
    const old = output.editTo[e] ?? 0;
    const other = (old < 32 ? input.allocatableInt : input.allocatableFloat).find((p) => p !== old) ?? old;
    output.editTo[e] =
      old >= FIRST_SLOT ? FIRST_SLOT + ((old - FIRST_SLOT + 2) % Math.max(4, output.slotCount)) : other;
    return output.editTo[e] !== old;
  },
  "an edit reads elsewhere": (input, output, r) => {
    const e = r.below(output.editFrom.length);
    const old = output.editFrom[e] ?? FIRST_SLOT;
    if (old >= FIRST_SLOT || output.editKind[e] !== 0) return false;
    output.editFrom[e] = (old < 32 ? input.allocatableInt : input.allocatableFloat).find((p) => p !== old) ?? old;
    return output.editFrom[e] !== old;
  },
  "two edits change order": (_input, output, r) => {
    const e = r.below(output.editPosition.length);
    if (e + 1 >= output.editPosition.length || output.editPosition[e] !== output.editPosition[e + 1]) return false;
    for (const column of [output.editKind, output.editFrom, output.editTo, output.editClass]) {
      const x = column[e] ?? 0;
      column[e] = column[e + 1] ?? 0;
      column[e + 1] = x;
    }
    return true;
  },
  "an edit comes an instruction later": (_input, output, r) => {
    const e = r.below(output.editPosition.length);
    if (e + 1 !== output.editPosition.length) return false;
    output.editPosition[e] = (output.editPosition[e] ?? 0) + 2;
    return true;
  },
  "a use is read elsewhere": (input, output, r) => {
    const o = r.below(output.operandPlace.length);
    const old = output.operandPlace[o] ?? 0;
    if ((input.operandKind[o] ?? 2) >= OperandKind.def || input.operandConstraint[o] === Constraint.fixed) return false;
    output.operandPlace[o] =
      old >= FIRST_SLOT
        ? old + 1
        : ((old < 32 ? input.allocatableInt : input.allocatableFloat).find((p) => p !== old) ?? old);
    return output.operandPlace[o] !== old;
  },
  "a definition goes elsewhere": (input, output, r) => {
    const o = r.below(output.operandPlace.length);
    const old = output.operandPlace[o] ?? 0;
    if ((input.operandKind[o] ?? 0) < OperandKind.def || input.operandConstraint[o] === Constraint.fixed) return false;
    output.operandPlace[o] =
      old >= FIRST_SLOT
        ? old + 2
        : ((old < 32 ? input.allocatableInt : input.allocatableFloat).find((p) => p !== old) ?? old);
    return output.operandPlace[o] !== old;
  },
  "a fixed operand is not where it must be": (input, output, r) => {
    const o = r.below(output.operandPlace.length);
    if (input.operandConstraint[o] !== Constraint.fixed) return false;
    const old = output.operandPlace[o] ?? 0;
    output.operandPlace[o] = old === 0 ? 1 : old - 1;
    return true;
  },
  "there are fewer slots": (_input, output) => {
    if (output.slotCount === 0) return false;
    output.slotCount--;
    return true;
  },
  "a callee-saved register is kept quiet": (_input, output) => {
    if (output.usedCalleeSavedInt === 0) return false;
    output.usedCalleeSavedInt &= output.usedCalleeSavedInt - 1;
    return true;
  },
  "an edit has the other size": (_input, output, r) => {
    const e = r.below(output.editClass.length);
    const old = output.editClass[e] ?? 0;
    if (old >> 4 !== 16) return false;
    output.editClass[e] = (old & 15) | (8 << 4);
    return true;
  },
};

/** Structural: wrong whatever runs. For the others the interpreter decides whether the mutation mattered. */
const ALWAYS_WRONG = new Set([
  "a fixed operand is not where it must be",
  "there are fewer slots",
  "a callee-saved register is kept quiet",
]);

/** Does the entry reach every block? The checker leaves the others alone. */
function connected(input: AllocatorInput): boolean {
  const seen = new Set([0]);
  for (const b of seen)
    for (let e = input.succStart[b] ?? 0; e < (input.succStart[b + 1] ?? 0); e++) seen.add(input.succ[e] ?? 0);
  return seen.size === input.blockCount;
}

/** Instructions that run when the function is executed with some seeds: does the mutated answer read something else? */
function matters(input: AllocatorInput, output: AllocatorOutput): boolean {
  for (let seed = 1; seed <= 4; seed++) {
    const expected = runVirtual(input, seed, 150);
    const actual = runAllocated(input, output, seed, 150);
    if (expected.length !== actual.length || expected.some((value, k) => value !== actual[k])) return true;
  }
  return false;
}

for (const [name, mutate] of Object.entries(MUTATIONS)) {
  test(`the checker objects when ${name}`, () => {
    let tried = 0;
    let mattered = 0;
    let noticed = 0;
    for (let seed = 1; seed <= 400; seed++) {
      const isQuick = seed % 2 === 0;
      const input = randomFunction({ ...optionsFor(seed), inOrder: isQuick });
      const output = copy(isQuick ? new QuickAllocator().allocate(input) : allocate(input));
      if (ALWAYS_WRONG.has(name) && !connected(input)) continue;
      if (!mutate(input, output, new Random(seed))) continue;
      tried++;
      const verdict = checkAllocation(input, output);
      if (verdict.length > 0) noticed++;
      if (ALWAYS_WRONG.has(name) || matters(input, output)) {
        mattered++;
        assert.notEqual(verdict.length, 0, `seed ${seed}\n${printAllocation(input, output)}`);
      }
    }
    assert.ok(tried > 15, `only ${tried} tried`);
    assert.ok(mattered > 3 || noticed > 10, `${mattered} of ${tried} mattered, ${noticed} noticed`);
  });
}
