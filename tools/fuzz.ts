/**
 * Differential testing: random valid modules, compiled and run natively, against this process's own WebAssembly; and bytes that are
 * perhaps no module, whose verdict is compared. See `tools/fuzz/outcome.ts` and `verdict.ts` for what the two may differ in.
 *
 *     npm run fuzz -- --seconds N [--seed S] [--modules N] [--batch N] [--all] [--cases FOLDER] [--failures N]
 *         [--reduce SECONDS]
 *
 * `--all`: every batch at -O0 and -O2, with guard pages and explicit checks; otherwise in two of these four, in turn. Stops after
 * `--failures` (20). `--reduce`: how long a failing module is made smaller (60).
 *
 * Prints each failure and where its reduced case was written, and last how much was run. Exits 1 when something failed.
 */

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { OPERATORS } from "./fuzz/operators.ts";
import { Fuzzer } from "./fuzz/fuzzer.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

function number(text: string | undefined, fallback: number): number {
  const value = text === undefined ? fallback : Number(text);
  if (!(value >= 0)) {
    process.stderr.write(`error: ${text} is no number\n`);
    process.exit(2);
  }
  return value;
}

const { values } = parseArgs({
  options: {
    seconds: { type: "string" },
    seed: { type: "string" },
    modules: { type: "string" },
    batch: { type: "string" },
    all: { type: "boolean", default: false },
    cases: { type: "string" },
    failures: { type: "string" },
    reduce: { type: "string" },
  },
});
const modules = number(values.modules, Number.POSITIVE_INFINITY);
const seconds = number(values.seconds, values.modules === undefined ? 60 : Number.POSITIVE_INFINITY);
const seed = number(values.seed, Date.now());
const mostFailures = number(values.failures, 20);
const folder = values.cases ?? join(root, "tests/fuzz/cases");
mkdirSync(folder, { recursive: true });
const fuzzer = new Fuzzer({
  seed,
  batch: number(values.batch, 32),
  allConfigurations: values.all,
  folder,
  reduction: 1000 * number(values.reduce, 60),
  report: (line) => console.log(line),
});
console.log(`seed ${seed}`);
const end = performance.now() + seconds * 1000;
let shown = performance.now();
while (performance.now() < end && fuzzer.totals.modules < modules && fuzzer.totals.failures < mostFailures) {
  await fuzzer.batch();
  if (performance.now() - shown > 30_000) {
    console.log(fuzzer.summary());
    shown = performance.now();
  }
}
const missing = OPERATORS.filter(({ code }) => fuzzer.census.counts[code] === 0);
if (missing.length > 0) console.log(`never generated: ${missing.map((o) => o.name).join(" ")}`);
console.log(fuzzer.summary());
process.exit(fuzzer.totals.failures > 0 ? 1 : 0);
