/** Elements that are only known when a component is instantiated are copied from the context to tables of their own type, and to no others. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as iced from "iced-x86";
import { compile } from "../../src/driver/compile.ts";
import { RightsOf } from "../../src/verify/context.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { verifyFunction } from "../../src/verify/function.ts";
import { type CodeImage, readImage } from "../../src/verify/image.ts";
import { worldOf } from "../../src/verify/verify.ts";
import { assemble } from "../support/wat.ts";

const MODULE = `(module
  (type $one (func (param i32) (result i32)))
  (type $two (func (param i64)))
  (global $f (ref null $one) (ref.func $f))
  (table $table 4 8 (ref null $one))
  (elem $lazy (ref null $one) (global.get $f) (ref.null $one))
  (func $two (export "two") (type $two))
  (func $f (type $one) (local.get 0))
  (func (export "init") (param i32 i32 i32) (table.init $table $lazy (local.get 0) (local.get 1) (local.get 2))))`;

test("elements of another type are not copied to a table", async () => {
  const { bytes } = await compile(await assemble(MODULE), { output: "object", soname: "s.so", optLevel: 2 });
  const image = readImage(bytes);
  const { policy } = image;
  const [area] = policy.elementAreas;
  assert.ok(area !== undefined && policy.elementAreas.length === 1);
  const problems = (token: string): string[] => {
    const changed: CodeImage = { ...image, policy: { ...policy, elementAreas: [token] } };
    const world = worldOf(new CodeReader(iced), changed);
    const rights = new RightsOf(changed.policy);
    return changed.functions
      .filter((f) => f.kind === "wasm")
      .flatMap((f) => verifyFunction(world, f, rights).map(({ reason }) => reason));
  };
  assert.deepEqual(problems(area), []);
  assert.equal(area, policy.tables[0]?.element);
  const other = `r${policy.signatures.findIndex((_, n) => `r${n}` !== area)}`;
  for (const token of [other, "r", "x"]) assert.deepEqual(problems(token), ["copies from element area to table"]);
});
