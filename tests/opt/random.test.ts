import assert from "node:assert/strict";
import { test } from "node:test";
import { optimize } from "../../src/opt/pipeline.ts";
import { threadBranches } from "../../src/opt/thread-branches.ts";
import { checkSame } from "./differential.ts";
import { graphFunction, structuredFunction } from "./random-function.ts";

/** How many functions of each kind; set SEEDS=from-to for others. */
const [FROM = 0, TO = 600] = (process.env["SEEDS"] ?? "").split("-").filter(Boolean).map(Number);

for (const level of [1, 2] as const) {
  test(`structured functions mean the same, level ${level}`, () => {
    for (let seed = FROM; seed < TO; seed++) checkSame(structuredFunction(seed, 20 + (seed % 7) * 20), level, seed, 4);
  });
  test(`functions of any graph mean the same, level ${level}`, () => {
    for (let seed = FROM; seed < TO; seed++) checkSame(graphFunction(seed, 40), level, seed, 4);
  });
}

test("branches are sent past blocks in structured functions", () => {
  let threaded = 0;
  for (let seed = 0; seed < 400; seed++) {
    const func = structuredFunction(seed, 60);
    optimize(func, 1);
    if (threadBranches(func)) threaded++;
  }
  assert.ok(threaded > 10, `${threaded} functions`);
});
