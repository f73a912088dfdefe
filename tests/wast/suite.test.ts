/** A selection of the standard's scripts: `npm run wast -- ../shared/testsuite/core` runs all of them. */

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import { ROOT } from "../support/windlass.ts";
import type { ScriptOptions } from "./outcome.ts";
import { runScript } from "./run.ts";

const SUITE = resolve(ROOT, "../shared/testsuite");

const SELECTION = [
  "core/address.wast",
  "core/bulk.wast",
  "core/call_indirect.wast",
  "core/conversions.wast",
  "core/f32.wast",
  "core/float_exprs.wast",
  "core/i64.wast",
  "core/imports.wast",
  "core/linking.wast",
  "core/memory_grow.wast",
  "core/memory_trap64.wast",
  "core/return_call_indirect.wast",
  "core/table_copy.wast",
  "core/traps.wast",
  "core/type-subtyping.wast",
  "component/values/strings.wast",
];

const WAYS: readonly Pick<ScriptOptions, "optLevel" | "bounds">[] = [
  { optLevel: 0, bounds: "explicit" },
  { optLevel: 2, bounds: "guard" },
];

for (const { optLevel, bounds } of WAYS) {
  const missing = !existsSync(SUITE) && "the test suite is not there";
  test(`conformance scripts run natively, -O${optLevel}, ${bounds}`, { skip: missing }, async (t) => {
    if (!needX64Linux(t)) return;
    let passed = 0;
    for (const name of SELECTION) {
      const options = { optLevel, bounds, verify: optLevel === 2, timeout: 20_000 };
      const { outcomes } = await runScript(join(SUITE, name), options);
      passed += outcomes.filter((o) => o.verdict === "passed").length;
      assert.deepEqual(
        outcomes.filter((o) => o.verdict === "failed").map(({ line, message }) => `${name}:${line}: ${message}`),
        [],
      );
    }
    assert.ok(passed > 7_000, `only ${passed} passed`);
  });
}
