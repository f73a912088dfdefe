import assert from "node:assert/strict";
import { test } from "node:test";
import { readBranchHints } from "../../src/wasm/branch-hints.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { assemble } from "../support/wat.ts";

async function hints(wat: string) {
  const module = decodeModule(await assemble(wat));
  return readBranchHints(module).map(({ function: index, offset, likely }) => [index, module.bytes[offset], likely]);
}

const IF = 0x04;
const BR_IF = 0x0d;

test("branch hints are read with their branches", async () => {
  const found = await hints(`(module (import "" "" (func))
    (func (param i32) local.get 0 (@metadata.code.branch_hint "\\00") if end)
    (func)
    (func (param i32)
      (block local.get 0 (@metadata.code.branch_hint "\\01") br_if 0)
      local.get 0 (@metadata.code.branch_hint "\\00") if end))`);
  assert.deepEqual(found, [
    [1, IF, false],
    [3, BR_IF, true],
    [3, IF, false],
  ]);
  assert.deepEqual(await hints("(module)"), []);
});

test("a hint at no branch, and a damaged section, are said to be so", async () => {
  const wrong = `(module (func (result i32) i32.const 1 i32.const 2 (@metadata.code.branch_hint "\\01") i32.eq))`;
  await assert.rejects(hints(wrong), /invalid module.*invalid target/s);
  // Hints of functions 0 and 0; of a function that does not exist; a value of 2; a count that goes beyond the section.
  for (const contents of ["\\02\\00\\00\\00\\00", "\\01\\01\\00", "\\01\\00\\01\\01\\01\\02", "\\09"]) {
    const module = `(module (func) (@custom "metadata.code.branch_hint" "${contents}"))`;
    await assert.rejects(hints(module), /malformed module/);
  }
});
