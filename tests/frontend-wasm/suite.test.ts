/** The standard's core conformance scripts, translated and interpreted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { CORE_SUITE, suiteFiles } from "../wasm/core-suite.ts";
import { runScript } from "./script.ts";

/** Modules of these scripts share tables and memories with earlier ones, and here each is on its own. */
const SHARED_STATE = /^(linking\d*|load1|elem|instance)\.wast$/;

test("conformance scripts", { skip: suiteFiles().length === 0 && "the test suite is not there" }, async () => {
  let passed = 0;
  const failed: string[] = [];
  const refused = new Set<string>();
  for (const file of suiteFiles()) {
    const name = file.slice(CORE_SUITE.length + 1);
    if (SHARED_STATE.test(name)) continue;
    const report = await runScript(file, name);
    passed += report.passed;
    failed.push(...report.failed);
    for (const message of report.refused.keys()) refused.add(message);
  }
  assert.deepEqual(failed, []);
  assert.ok(passed > 54_000, `only ${passed} assertions`);
  for (const message of refused) assert.match(message, /gc feature|feature gc\)|shared/);
});
