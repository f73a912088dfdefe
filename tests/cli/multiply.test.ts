/** Inputs that multiply themselves, through the whole compiler: an object or a limit that the error names, in bounded memory. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../support/windlass.ts";
import { MULTIPLIERS } from "./multiply.ts";

/** MiB. */
const HEAP = 600;

test("inputs that multiply themselves end in a named limit, or in an object", { timeout: 600_000 }, (t) => {
  const worker = join(ROOT, "tests/cli/multiply-worker.ts");
  const args = [`--max-old-space-size=${HEAP}`, "--import", "tsx", worker];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { cwd: ROOT, encoding: "utf8" });
  assert.equal(status, 0, stderr);
  const outcomes = new Map(
    stdout
      .trim()
      .split("\n")
      .map((line) => {
        const [name, size, outcome]: unknown[] = JSON.parse(line);
        return [`${name} ${size}`, String(outcome)];
      }),
  );
  for (const { name, cases } of MULTIPLIERS) {
    for (const [size, expected] of cases) {
      const outcome = outcomes.get(`${name} ${size}`) ?? "nothing";
      if (typeof expected === "string") assert.equal(outcome, expected, `${name} ${size}`);
      else assert.match(outcome, expected, `${name} ${size}`);
    }
  }
  t.diagnostic(`${outcomes.size} inputs`);
});
