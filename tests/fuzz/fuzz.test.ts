/** The fuzzer itself, for a short while; and every failure that it ever found, again and in every configuration. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { caseOf, readCase, writeCase } from "../../tools/fuzz/case.ts";
import { engineAccepts, runInEngine } from "../../tools/fuzz/engine.ts";
import { Fuzzer } from "../../tools/fuzz/fuzzer.ts";
import { type Generated, generateModule } from "../../tools/fuzz/generate.ts";
import { CONFIGURATIONS, configurationName, runNatively } from "../../tools/fuzz/native.ts";
import { OPERATORS } from "../../tools/fuzz/operators.ts";
import { type Case, classOfMessage, difference } from "../../tools/fuzz/outcome.ts";
import { Random } from "../../tools/fuzz/random.ts";
import { reduce } from "../../tools/fuzz/reduce.ts";
import { Census } from "../../tools/fuzz/tree.ts";
import { mutate, verdictDifference } from "../../tools/fuzz/verdict.ts";
import { needX64Linux } from "../support/tools.ts";

const folder = resolve(fileURLToPath(new URL("./cases", import.meta.url)));
const cases = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((f) => f.endsWith(".wasm"))
  .map((f) => f.slice(0, -5));

async function same(one: Case): Promise<void> {
  const expected = runInEngine(one);
  for (const configuration of CONFIGURATIONS) {
    const stepwise = "trap" in expected.instantiation;
    const [result] = await runNatively([one], { ...configuration, verify: true }, stepwise);
    assert.ok(result !== undefined && "observed" in result, JSON.stringify(result));
    assert.equal(difference(expected, result.observed, one.calls), undefined, configurationName(configuration));
  }
}

for (const name of cases) {
  test(`found before: ${name}`, async (t) => {
    if (!needX64Linux(t)) return;
    const { bytes, run } = readCase(join(folder, name));
    if (run === undefined) assert.equal(verdictDifference(bytes).difference, undefined);
    else await same(run);
  });
}

test("random modules compute what this engine computes, in every configuration", async (t) => {
  if (!needX64Linux(t)) return;
  const scratch = mkdtempSync(join(tmpdir(), "windlass-fuzz-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const lines: string[] = [];
  const fuzzer = new Fuzzer({
    seed: 1,
    batch: 24,
    allConfigurations: true,
    reduction: 20_000,
    folder: scratch,
    report: (l) => lines.push(l),
  });
  await fuzzer.batch();
  assert.deepEqual(lines, []);
  assert.equal(fuzzer.totals.modules, 24);
  assert.ok(fuzzer.totals.runs >= 80, fuzzer.summary());
});

test("a seed makes the same module every time, and all of them are valid", () => {
  const census = new Census();
  for (let seed = 0; seed < 150; seed++) {
    const first = caseOf(generateModule(new Random(seed)), census);
    assert.ok(engineAccepts(first.bytes), `seed ${seed}`);
    if (seed % 10 === 0) assert.deepEqual(caseOf(generateModule(new Random(seed))), first);
  }
  const missing = OPERATORS.filter(({ code }) => census.counts[code] === 0).map((o) => o.name);
  assert.deepEqual(missing, []);
});

test("mutants get the verdict that this engine gives", () => {
  let accepted = 0;
  for (let seed = 0; seed < 60; seed++) {
    const r = new Random(seed);
    const { bytes } = caseOf(generateModule(r));
    for (let i = 0; i < 10; i++) {
      const verdict = verdictDifference(mutate(r, bytes));
      assert.equal(verdict.difference, undefined, `seed ${seed}`);
      if (verdict.accepted) accepted++;
    }
  }
  assert.ok(accepted > 20 && accepted < 580, `${accepted} of 600`);
});

test("differences are seen: values, traps, globals, memory", () => {
  const base = {
    instantiation: { values: [] },
    calls: [{ values: [1n] }],
    globals: new Map([["g", 2n]]),
    memories: [Uint8Array.of(1)],
  };
  const calls = [{ export: "f", args: [] }];
  assert.equal(difference(base, base, calls), undefined);
  assert.match(
    difference(base, { ...base, calls: [{ values: [2n] }] }, calls) ?? "",
    /^call 0, f\(\): expected \[0x1\]/,
  );
  assert.match(difference(base, { ...base, calls: [{ trap: "unreachable" }] }, calls) ?? "", /trap: unreachable/);
  assert.match(difference(base, { ...base, globals: new Map() }, calls) ?? "", /^global g/);
  assert.match(difference(base, { ...base, memories: [Uint8Array.of(2)] }, calls) ?? "", /^memory 0 at 0x0/);
  assert.equal(classOfMessage("divide by zero"), "division by zero");
  assert.equal(classOfMessage("something else"), undefined);
});

test("a failure is reduced to what makes it fail, and its files give it back", async (t) => {
  const scratch = mkdtempSync(join(tmpdir(), "windlass-fuzz-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  // As if every module with a multiplication of i64 failed.
  const multiplies = async (candidate: Generated): Promise<boolean> => {
    const census = new Census();
    caseOf(candidate, census);
    return (census.counts[0x7e] ?? 0) > 0;
  };
  for (let seed = 0, found = 0; found < 3; seed++) {
    const generated = generateModule(new Random(seed));
    if (!(await multiplies(generated))) continue;
    found++;
    const { reduced } = await reduce(generated, multiplies, 20_000);
    const one = caseOf(reduced);
    assert.ok(await multiplies(reduced));
    assert.ok(one.bytes.length < 200, `seed ${seed}: ${one.bytes.length} bytes`);
    writeCase(join(scratch, "case"), one, "a test");
    assert.deepEqual(readCase(join(scratch, "case")).run, one);
  }
});
