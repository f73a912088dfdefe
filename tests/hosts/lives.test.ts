/** Instances: on threads, with little stack, beside the host's own faults; made, trapped in the making, and gone without a trace. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { windlass } from "../support/windlass.ts";
import { findTool } from "../support/tools.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();
const programs = new Map<string, string>();

async function threads(): Promise<string> {
  const known = programs.get("threads");
  if (known !== undefined) return known;
  await hosts.object("walk", await ownComponent("walk"));
  const path = hosts.program({ sources: ["threads.c"], objects: ["walk"] });
  programs.set("threads", path);
  return path;
}

async function life(): Promise<string> {
  const known = programs.get("life");
  if (known !== undefined) return known;
  const objects = ["greeter", "segments", "start"];
  for (const name of objects) await hosts.object(name, await ownComponent(name));
  const path = hosts.program({ sources: ["life.c"], objects });
  programs.set("life", path);
  return path;
}

describe("threads", () => {
  for (const [what, argument] of [
    ["instances on four threads at once, with traps by turns", "many"],
    ["a host function calls the guest back from a thread of its own", "stacks"],
    ["a stack of any size overflows into a trap", "small"],
    ["the host's own faults reach the handler that it had before (SA_SIGINFO)", "before"],
    ["the host's own faults reach the handler that it had before (without)", "plain"],
    ["a handler that is installed later and passes on what is not its own", "after"],
  ] as const) {
    test(what, { skip: noHost }, async () => {
      const result = hosts.run(await threads(), [argument]);
      assert.deepEqual(result, { status: 0, signal: null, stdout: "ok\n", stderr: "" });
    });
  }
});

describe("life of an instance", () => {
  for (const [what, argument] of [
    ["a start function that traps leaves a status, and nothing behind", "starts"],
    ["a thousand instances leave no mapping behind", "cycles"],
    ["without address space `new` says so", "limits"],
  ] as const) {
    test(what, { skip: noHost }, async () => {
      const result = hosts.run(await life(), [argument]);
      assert.deepEqual(result, { status: 0, signal: null, stdout: "ok\n", stderr: "" });
    });
  }

  test("a host that does not keep to the rules gets statuses", { skip: noHost }, async () => {
    const { stdout, status } = hosts.run(await life(), ["misuse"]);
    assert.match(stdout, /^wasm trap: realloc return.*\nwasm backtrace:\n {4}0: greeter\/checked::realloc\nok\n$/);
    assert.equal(status, 0);
  });

  test("valgrind has nothing to report", { skip: without("valgrind") }, async () => {
    const args = [
      "--error-exitcode=99",
      "--leak-check=full",
      "--errors-for-leak-kinds=all",
      "-q",
      await life(),
      "short",
    ];
    const { stdout, stderr, status } = hosts.run(findTool("valgrind") ?? "", args);
    assert.match(stdout, /\nok\n$/, stderr);
    assert.doesNotMatch(stderr.replaceAll(/^==\d+== Warning: set address range perms: .*$/gm, ""), /==\d+==/);
    assert.equal(status, 0, stderr);
  });
});

describe("an executable", () => {
  for (const optLevel of ["0", "2"]) {
    test(`overflows its stack into a trap, -O${optLevel}`, { skip: noHost }, async () => {
      const wasm = join(hosts.folder, "overflow.wasm");
      const out = join(hosts.folder, `overflow${optLevel}`);
      writeFileSync(wasm, await ownComponent("overflow"));
      const built = windlass(["build", wasm, "-o", out, `-O${optLevel}`]);
      assert.equal(built.status, 0, built.stderr);
      assert.deepEqual(hosts.run(out, []), { status: 0, signal: null, stdout: "", stderr: "" });
      ["small", "large", "by-table"].forEach((name, i) => {
        const { status, stderr, signal } = hosts.run(
          out,
          Array.from({ length: i + 1 }, () => "x"),
        );
        assert.equal(signal, null);
        assert.equal(status, 134, stderr);
        assert.match(
          stderr,
          new RegExp(`^wasm trap: call stack exhausted\nwasm backtrace:\n {4}0: overflow/m::${name}\n`),
        );
      });
    });
  }
});
