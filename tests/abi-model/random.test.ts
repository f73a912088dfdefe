/**
 * Random types and values between two components: compiled adapters against the model. `WINDLASS_ABI_CASES` says how many cases (default
 * 3,000), `WINDLASS_ABI_SEED` where they begin.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import { runRandom, statistics } from "./pair.ts";

const CASES = Number(process.env["WINDLASS_ABI_CASES"] ?? 3000);
const SEED = Number(process.env["WINDLASS_ABI_SEED"] ?? 1);
const FUNCTIONS = 25;
const CALLS = 60;

test(`${CASES} random calls between components`, { timeout: 3_600_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const stats = statistics();
  const components = Math.max(1, Math.ceil(CASES / (FUNCTIONS * CALLS)));
  const half = Math.ceil(components / 2);
  await runRandom(SEED, { components: half, functions: FUNCTIONS, calls: CALLS, handles: 0 }, stats);
  await runRandom(SEED + 1_000_000, { components: half, functions: FUNCTIONS, calls: CALLS, handles: 40 }, stats);
  const sorted = (map: ReadonlyMap<string, number>): string =>
    [...map]
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => `${name} ${n}`)
      .join(", ");
  t.diagnostic(`${stats.cases} cases, ${stats.traps} traps`);
  t.diagnostic(`types: ${sorted(stats.types)}`);
  t.diagnostic(`traps: ${sorted(stats.trapNames)}`);
  assert(stats.traps > stats.cases / 100 && stats.traps < stats.cases / 2);
});
