/** Exceptions natively: where they go, what handlers find, and that the store keeps what is referred to and nothing else. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { needX64Linux } from "../support/tools.ts";
import type { ScriptOptions } from "../wast/outcome.ts";
import { runScript } from "../wast/run.ts";

const HERE = dirname(fileURLToPath(import.meta.url));

/** The lines of the forms that fail; there are `forms` forms. */
async function failures(name: string, options: Partial<ScriptOptions>, forms: number): Promise<string[]> {
  const all: ScriptOptions = { optLevel: 2, bounds: "guard", verify: true, timeout: 60_000, ...options };
  const { outcomes } = await runScript(join(HERE, name), all);
  assert.equal(outcomes.length, forms);
  return outcomes
    .filter(({ verdict }) => verdict !== "passed")
    .map(({ line, message }) => `${name}:${line}: ${message}`);
}

for (const optLevel of [0, 2] as const) {
  test(`where exceptions go, -O${optLevel}`, async (t) => {
    if (!needX64Linux(t)) return;
    const [start, ...others] = (await failures("control.wast", { optLevel }, 30)).reverse();
    assert.match(start ?? "", /uncaught exception/);
    assert.deepEqual(others, []);
  });
  test(`the store of exceptions, -O${optLevel}`, async (t) => {
    if (!needX64Linux(t)) return;
    assert.deepEqual(await failures("store.wast", { optLevel, bounds: optLevel === 0 ? "explicit" : "guard" }, 14), []);
  });
}
