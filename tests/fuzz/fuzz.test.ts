/** The fuzzer itself, for a short while; and every failure that it ever found, again and in every configuration. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { caseOf, readCase, writeCase } from "../../tools/fuzz/case.ts";
import { Census } from "../../tools/fuzz/encode.ts";
import { engineAccepts, runInEngine } from "../../tools/fuzz/engine.ts";
import { engineFeatures, EVERYTHING } from "../../tools/fuzz/features.ts";
import { type Generated, generateModule } from "../../tools/fuzz/generate.ts";
import { CONFIGURATIONS, configurationName, runNatively } from "../../tools/fuzz/native.ts";
import { type Case, classOfMessage, difference } from "../../tools/fuzz/outcome.ts";
import { installedEngine, ownEngine } from "../../tools/fuzz/pinned.ts";
import { Random } from "../../tools/fuzz/random.ts";
import { reduce } from "../../tools/fuzz/reduce.ts";
import { mutate, verdictDifference } from "../../tools/fuzz/verdict.ts";
import { unproved } from "../support/sandbox.ts";
import { needX64Linux } from "../support/tools.ts";

const folder = resolve(fileURLToPath(new URL("./cases", import.meta.url)));
const cases = (existsSync(folder) ? readdirSync(folder) : [])
  .filter((f) => f.endsWith(".json"))
  .map((f) => f.slice(0, -5));
const features = engineFeatures();
const tool = fileURLToPath(new URL("../../tools/fuzz.ts", import.meta.url));

async function same(one: Case): Promise<void> {
  const expected = runInEngine(one);
  for (const configuration of CONFIGURATIONS) {
    const stepwise = "trap" in expected.instantiation;
    const [result] = runNatively([{ one, expected }], { ...configuration, verify: true }, stepwise, unproved);
    assert.ok(result !== undefined && "observed" in result, JSON.stringify(result));
    assert.equal(difference(expected, result.observed, one.calls), undefined, configurationName(configuration));
  }
}

for (const name of cases) {
  test(`found before: ${name}`, async (t) => {
    if (!needX64Linux(t)) return;
    const { bytes, run } = readCase(join(folder, name));
    if (run === undefined) {
      assert.equal(verdictDifference(bytes).difference, undefined);
      return;
    }
    if (!engineAccepts(run.engineBytes)) return t.skip("this engine does not have its features");
    await same(run);
  });
}

function fuzz(...args: string[]): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  return spawnSync(process.execPath, ["--import", "tsx", tool, ...args], { encoding: "utf8" });
}

test("random modules compute what V8 computes, and everything that is compiled is executed", (t) => {
  if (!needX64Linux(t)) return;
  const scratch = mkdtempSync(join(tmpdir(), "windlass-fuzz-"));
  t.after(() => rmSync(scratch, { recursive: true, force: true }));
  const engine = installedEngine();
  if (engine === undefined) t.diagnostic("the pinned V8 is not installed (npm run fuzz): this process's own runs less");
  const which = engine === undefined ? "own" : "pinned";
  const { status, stdout, stderr } = fuzz(
    "--engine",
    which,
    "--seed",
    "0",
    "--modules",
    "640",
    "--json",
    "--cases",
    scratch,
  );
  assert.equal(status, 0, stdout + stderr);
  const summary = JSON.parse(stdout);
  assert.equal(summary.modules, 640);
  assert.ok(summary.runs === summary.modules);
  if (which === "pinned") assert.deepEqual(summary.neverExecuted, []);
  else assert.equal(summary.v8, ownEngine().version);
});

test("the tool explains itself, and what it can't read is an error of one line", () => {
  const help = fuzz("--help");
  assert.equal(help.status, 0);
  assert.match(help.stdout, /--seconds <n>[\s\S]*--jobs <n>[\s\S]*Examples:/);
  for (const wrong of [["--nothing"], ["--modules", "0"], ["word"]]) {
    const { status, stderr } = fuzz(...wrong);
    assert.equal(status, 1, wrong.join(" "));
    assert.match(stderr, /^error: [^\n]+\n(\n?\(add --help for the options\)\n)?$/);
  }
});

test("a seed makes the same module every time, and all of them are valid", () => {
  const census = new Census();
  for (let seed = 0; seed < 120; seed++) {
    const first = caseOf(generateModule(new Random(seed), features), census);
    assert.ok(engineAccepts(first.engineBytes), `seed ${seed}`);
    if (seed % 10 !== 0) continue;
    assert.deepEqual(caseOf(generateModule(new Random(seed), features)), first);
    // What this engine does not know can't be asked of it, but is decoded and validated.
    assert.equal(verdictDifference(caseOf(generateModule(new Random(seed), EVERYTHING)).bytes).accepted, true);
  }
  assert.ok(census.functions > 300 && census.instructions > 20_000);
});
test("mutants get the verdict that this engine gives", () => {
  let accepted = 0;
  for (let seed = 0; seed < 60; seed++) {
    const r = new Random(seed);
    const { engineBytes: bytes } = caseOf(generateModule(r, features));
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
    const generated = generateModule(new Random(seed), features);
    if (!(await multiplies(generated))) continue;
    found++;
    const { reduced } = await reduce(generated, multiplies, 20_000);
    const one = caseOf(reduced);
    assert.ok(await multiplies(reduced));
    assert.ok(one.bytes.length < 300, `seed ${seed}: ${one.bytes.length} bytes`);
    writeCase(join(scratch, "case"), one, "a test");
    assert.deepEqual(readCase(join(scratch, "case")).run, one);
  }
});
