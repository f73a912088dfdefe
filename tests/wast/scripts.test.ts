/** Scripts of our own (`scripts/`), in the language of the standard's: components that are run natively, each assertion checked. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import { runScript, scriptFiles } from "./run.ts";

for (const file of scriptFiles(join(import.meta.dirname, "scripts"))) {
  test(`script ${file.slice(file.lastIndexOf("/") + 1)}`, async (t) => {
    if (!needX64Linux(t)) return;
    const { outcomes } = await runScript(file, { optLevel: 2, bounds: "guard", verify: true, timeout: 20_000 });
    const wrong = outcomes.filter((o) => o.verdict !== "passed");
    assert.deepEqual(
      wrong.map(({ line, verdict, message }) => `line ${line}: ${verdict}: ${message}`),
      [],
    );
    assert.ok(outcomes.length > 5);
  });
}
