/** Sizes, not times: what a body becomes is in proportion to what it is. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { FunctionTranslator } from "../../src/frontend/wasm/translate.ts";
import type { Func } from "../../src/ir/function.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { planOf, TestProgram } from "./environment.ts";

async function translated(body: string, head = "(param $p i32) (result i32)"): Promise<Func> {
  const plan = await planOf([{ name: "m", wat: `(module (memory 1) (func ${head} ${body}))` }]);
  const program = new TestProgram(plan);
  return new FunctionTranslator(program.environment(entity<CoreInstanceIndex>(0))).translate(0);
}

function params(func: Func): number {
  return func.layout.reduce((sum, block) => sum + func.paramsOf(block).length, 0);
}

const repeat = (count: number, f: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => f(i)).join("\n");
const locals = (count: number): string => `(local ${"i32 ".repeat(count)})`;

test("50,000 instructions in a row", async () => {
  const func = await translated(`local.get 0 ${repeat(16_666, () => "i32.const 3 i32.add local.tee 0")}`);
  assert.equal(func.instCount, 2 * 16_666 + 1);
  assert.equal(func.layout.length, 1);
  assert.deepEqual(verifyFunc(func), []);
});

test("5,000 locals, 1,000 nested blocks with branches out of each", async () => {
  const func = await translated(`${locals(5000)}
    ${repeat(5000, (i) => `local.get 0 local.set ${i + 1}`)}
    ${repeat(1000, () => "block")}
    ${repeat(1000, (i) => `local.get ${i + 1} br_if ${i}`)}
    ${repeat(5000, (i) => `local.get ${i + 1} drop`)}
    ${repeat(1000, () => "end")}
    ${repeat(5000, (i) => `local.get ${i + 1} drop`)}
    local.get 5`);
  assert.equal(params(func), 2);
  assert.ok(func.instCount < 5000, `${func.instCount} instructions`);
  assert.ok(func.layout.length <= 2002);
});

test("5,000 locals read in 1,000 nested ifs and loops", async () => {
  const func = await translated(`${locals(5000)}
    ${repeat(500, (i) => `local.get 0 local.set ${i + 1} loop local.get 0 if`)}
    ${repeat(5000, (i) => `local.get ${i + 1} local.set 0`)}
    ${repeat(500, () => "end local.get 0 br_if 0 end")}
    local.get 0`);
  assert.ok(params(func) < 3000, `${params(func)} parameters`);
  assert.deepEqual(verifyFunc(func), []);
});

test("locals that every join would merge are kept in memory instead", async () => {
  const count = 3000;
  const func = await translated(`${locals(count)}
    ${repeat(count, () => "block")}
    ${repeat(count, (i) => `local.get 0 br_if ${i} i32.const ${i} local.set ${i + 1}`)}
    ${repeat(count, () => "end")}
    ${repeat(count, (i) => `local.get ${i + 1} local.get 0 i32.add local.set 0`)}
    local.get 0`);
  assert.equal(func.slots.size, 1);
  assert.ok(func.instCount < 20 * count, `${func.instCount} instructions`);
  assert.ok(func.pool.length < 20 * count);
  assert.deepEqual(verifyFunc(func), []);
});

test("br_table with 10,000 entries to labels with operands and many locals", async () => {
  const func = await translated(`${locals(200)}
    (block $a (result i32)
      (block $b (result i32)
        ${repeat(200, (i) => `local.get 0 local.set ${i + 1}`)}
        i32.const 7
        local.get 0
        br_table ${repeat(10_000, (i) => (i % 3 === 0 ? "$a" : "$b"))} $a)
      ${repeat(200, (i) => `local.get ${i + 1} local.set 0`)})`);
  // An entry is a branch and its place in the list.
  assert.ok(func.pool.length < 11_000, `${func.pool.length} arguments`);
  assert.ok(func.callBlock.length < 10_100);
  assert.deepEqual(verifyFunc(func), []);
});

test("a lookup through 50,000 joins needs no recursion", async () => {
  const func = await translated(`${locals(1)}
    ${repeat(50_000, () => "local.get 0 if local.get 0 local.set 1 end")}
    local.get 1`);
  assert.equal(params(func), 2 + 50_000);
  assert.ok(func.instCount < 200_000);
});

test("50,000 nested loops that assign nothing that changes", async () => {
  const func = await translated(
    `${locals(1)}
    ${repeat(50_000, () => "loop local.get 1 drop")}
    local.get 0 if i32.const 1 local.set 1 return end
    ${repeat(50_000, () => "end")}
    local.get 1`.replace("return", "local.get 1 return"),
  );
  assert.ok(func.instCount < 500_000);
});
