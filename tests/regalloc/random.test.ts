import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "../../src/codegen/regalloc/allocate.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import { runAllocated, runVirtual } from "./interpret.ts";
import { optionsFor, randomFunction } from "./random-function.ts";

const FUNCTIONS = Number(process.env["REGALLOC_FUNCTIONS"] ?? 3000);
const FIRST = Number(process.env["REGALLOC_SEED"] ?? 1);

test(`${FUNCTIONS} random functions: the checker has nothing to say and execution agrees`, () => {
  for (let seed = FIRST; seed < FIRST + FUNCTIONS; seed++) {
    const input = randomFunction(optionsFor(seed));
    let output: ReturnType<typeof allocate>;
    try {
      output = allocate(input);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    assert.deepEqual(checkAllocation(input, output), [], `seed ${seed}`);
    assert.deepEqual(runAllocated(input, output, seed, 200), runVirtual(input, seed, 200), `seed ${seed}`);
  }
});
