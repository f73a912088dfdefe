/** Tables of numbers that hot passes read: right, and as V8 reads them fastest. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { Script } from "node:vm";
import { numbered } from "../../src/base/numbered.ts";
import { Inst } from "../../src/codegen/x64/instructions.ts";
import { Pseudo } from "../../src/codegen/x64/mops.ts";
import { Op } from "../../src/ir/ops.ts";

test("names are numbered in their order, from the first number on", () => {
  assert.deepEqual(numbered(["a", "b", "c"], 7), { a: 7, b: 8, c: 9 });
});

test("properties of numbered objects have fixed places", () => {
  setFlagsFromString("--allow-natives-syntax");
  const isFast: (object: object) => boolean = new Script("(object) => %HasFastProperties(object)").runInThisContext();
  const assigned: Record<string, number> = {};
  for (let i = 0; i < 40; i++) assigned[`p${i}`] = i;
  assert.equal(isFast(assigned), false, "the check sees the difference");
  assert.deepEqual([Op, Pseudo, Inst].map(isFast), [true, true, true]);
  setFlagsFromString("--no-allow-natives-syntax");
});
