/** The tool that says what the fuzzer is worth: it finds a bug, and says which it misses. All bugs are `npm run fuzz:planted`'s own affair. */

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PLANTED } from "../../tools/fuzz/bugs.ts";
import { installedEngine } from "../../tools/fuzz/pinned.ts";
import { needX64Linux } from "../support/tools.ts";
import { ROOT } from "../support/windlass.ts";

function planted(...args: string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const tool = join(ROOT, "tools/planted.ts");
  return spawnSync(process.execPath, ["--import", "tsx", tool, ...args], { encoding: "utf8" });
}

test("each bug is a change that can be made, and all have names of their own", () => {
  for (const { name, file, from, to } of PLANTED) {
    assert.equal(readFileSync(join(ROOT, file), "utf8").split(from).length, 2, `${file}, ${name}`);
    assert.notEqual(from, to, name);
  }
  assert.equal(new Set(PLANTED.map(({ name }) => name)).size, PLANTED.length);
  for (const kind of ["selection", "allocation", "folding", "encoding"]) {
    assert.ok(PLANTED.filter((bug) => bug.kind === kind).length >= 5, kind);
  }
});

test("a bug is found", (t) => {
  if (!needX64Linux(t)) return;
  if (installedEngine() === undefined) return t.skip("the pinned V8 is not installed (npm run fuzz)");
  const { status, stdout, stderr } = planted("--modules", "400", "--json", "an atomic subtraction adds");
  assert.equal(status, 0, stdout + stderr);
  const [row] = JSON.parse(stdout);
  assert.equal(row.found, true);
  assert.ok(row.modules <= 400 && row.changed > 0);
  assert.match(row.how, /^seed \d+: /);
});

test("a name that no bug has is an error", () => {
  assert.match(planted("nothing of the kind").stderr, /^error: no bug is called nothing of the kind\n$/);
});
