/** Functions that are put in place of calls of them: results and backtraces are those of code without, and the verifier proves the code. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import type { CompileOptions } from "../../src/driver/compile.ts";
import { compile } from "../support/sandbox.ts";
import { verify } from "../../src/verify/verify.ts";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();

async function output(key: string, options: Partial<CompileOptions>): Promise<string> {
  await hosts.object(key, await ownComponent("inlining"), { ...options, name: "inlining" });
  const { status, stdout } = hosts.run(hosts.program({ sources: ["inlining.c"], objects: [key] }));
  assert.equal(status, 0);
  return stdout.toString();
}

test("inlined functions are frames of a backtrace", { skip: noHost }, async () => {
  const plain = await output("plain", { optLevel: 0 });
  for (const bounds of ["guard", "explicit"] as const) assert.equal(await output(bounds, { bounds }), plain);
  // Division by zero: three functions of two modules, of which one is called from the host.
  assert.match(
    plain,
    /ratio\(100, 0\): wasm trap: integer divide by zero\n.*\n +0: .*::divide \(.*\n +1: .*::ratio \(.*\n +2: .*::ratio \(/,
  );
});

test("calls of small functions are gone, between instances and in adapters too", async () => {
  const bytes = await ownComponent("inlining");
  const withCalls = async (optLevel: 0 | 2): Promise<readonly string[]> => {
    const { dump } = await compile(bytes, { name: "c", output: "object", emit: "ir", optLevel });
    const named = dump
      .split(/^(?=function )/m)
      .filter((text) => text.includes(" call fn"))
      .map((text) => /^function "(?:c\/)?([^"]*)"/.exec(text)?.[1] ?? "");
    return named.filter((name) => /^(library|main|m)::|^adapter/.test(name)).sort();
  };
  const names = ["adapter0", "adapter1", "m::2", "main::6", "main::7", "main::8", "main::ratio"];
  assert.deepEqual(await withCalls(0), names);
  // Adapters are no functions of a module: calls of them stay.
  assert.deepEqual(await withCalls(2), ["main::8"]);
});

test("the verifier proves what is in functions of other instances", async () => {
  for (const key of ["guard", "explicit"]) {
    await hosts.object(key, await ownComponent("inlining"), { name: "inlining" });
    const report = await verify(readFileSync(hosts.path(key)));
    assert.deepEqual(report.problems, []);
    assert.ok(report.functions > 0);
  }
});
