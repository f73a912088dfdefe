/** Misuse by the host: what could only be noticed by a fault is a status as well. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();

test("pointers and lengths that lead nowhere, and instances that are gone", { skip: noHost }, async () => {
  const options = { hostAbi: "typed", interruptible: true } as const;
  await hosts.object("forward", await ownComponent("forward"), options);
  await hosts.object("handles", await ownComponent("handles"), options);
  const program = hosts.program({ sources: ["misuse.c"], objects: ["forward", "handles"] });
  const { stdout, status, signal } = hosts.run(program);
  assert.match(
    stdout,
    /^wasm trap: a pointer or length of a host function's result leads to memory that can't be read\nwasm backtrace:\n {4}0: forward\/support::validate_utf8\n {4}1: forward\/\S+\n[^\0]*the instance has trapped\nnot a live instance\n$/,
  );
  assert.deepEqual({ status, signal }, { status: 0, signal: null });
});

for (const hostAbi of ["typed", "dynamic", "flat"] as const) {
  test(`calls from inside what may not be left or entered, ${hostAbi}`, { skip: noHost }, async () => {
    const key = `forbidden-${hostAbi}`;
    await hosts.object(key, await ownComponent("forbidden"), { name: "forbidden", hostAbi });
    const flags = hostAbi === "dynamic" ? [] : [`-D${hostAbi.toUpperCase()}`];
    const program = hosts.program({ sources: ["forbidden.c"], objects: [key], flags });
    assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
  });
}
