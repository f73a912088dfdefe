/** Hosts whose guests ask for too much: they come back through their host without end; memories and tables grow where there is little. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { runProcess } from "../support/windlass.ts";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();
const MIB = 1024;

async function deep(optLevel: 0 | 2, bounds: "guard" | "explicit"): Promise<string> {
  const key = `deep -O${optLevel} ${bounds}`;
  await hosts.object(key, await ownComponent("deep"), { name: "deep", optLevel, bounds });
  return hosts.program({ sources: ["deep.c"], objects: [key] });
}

for (const optLevel of [0, 2] as const) {
  test(`recursion through the host ends with a trap, -O${optLevel}`, { skip: noHost }, async () => {
    const result = hosts.run(await deep(optLevel, "guard"), ["recursion"]);
    assert.deepEqual(result, { status: 0, signal: null, stdout: "ok\n", stderr: "" });
  });
}

describe("memory and table of an instance grow", { skip: noHost }, () => {
  /** `ulimit ARGUMENTS` → what there was, with guard pages and with explicit bounds. */
  const cases: readonly (readonly [what: string, ulimit: string, said: RegExp])[] = [
    ["without a limit of the process", "-c 0", /^65521 pages, 9999991 elements\n$/],
    ["with 1 GiB of address space", `-v ${1024 * MIB}`, /^-\n$/],
    ["with 1 GiB that may be written", `-d ${1024 * MIB}`, /^1\d{4} pages, 9999991 elements\n$/],
    ["with 64 MiB that may be written", `-d ${64 * MIB}`, /^\d+ pages, 8\d{6} elements\n$/],
  ];
  for (const bounds of ["guard", "explicit"] as const) {
    let program: Promise<string> | undefined;
    for (const [what, ulimit, said] of cases) {
      test(`${what}, ${bounds}`, async () => {
        program ??= deep(2, bounds);
        const { status, signal, stdout, stderr } = runProcess("/bin/sh", [
          "-c",
          `ulimit ${ulimit} && exec "$0" growth`,
          await program,
        ]);
        assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" });
        assert.match(stdout, said);
      });
    }
  }
});
