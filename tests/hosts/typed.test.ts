/** Calls with C values (host ABI `typed`), in both directions: values, views, results, refusals, traps. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findTool } from "../support/tools.ts";
import { Hosts, noHost, otherComponent, ownComponent, type ProgramOptions, without } from "./hosts.ts";

const hosts = new Hosts();
const ORIGINS = ["own", "other"] as const;
const none = (origin: string): string | false =>
  noHost !== false
    ? noHost
    : origin === "other" && otherComponent("echo") === undefined
      ? "../shared/components is not there"
      : false;

async function typed(origin: string, own: string, other: string): Promise<string> {
  const bytes = (origin === "other" ? otherComponent(other) : undefined) ?? (await ownComponent(own));
  const key = `${own}-${origin}`;
  await hosts.object(key, bytes, { hostAbi: "typed", name: own });
  return key;
}

for (const origin of ORIGINS) {
  describe(`${origin} components`, { skip: none(origin) }, () => {
    test("echo: every function gives back what it gets, and refuses what is wrong", async () => {
      const key = await typed(origin, "echo", "echo");
      const flags = origin === "other" ? ["-DCOMPOUND"] : [];
      const program = hosts.program({ sources: ["typed_echo.c"], objects: [key], flags });
      assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
    });

    test("hello-city: a record in, a text out", async () => {
      const program = hosts.program({
        sources: ["typed_city.c"],
        objects: [await typed(origin, "city", "hello-city")],
      });
      const { stdout, status } = hosts.run(program);
      assert.match(
        stdout,
        /^Welcome to Lisboa,.*\nWelcome to , .*\nWelcome to København,.*\nwasm trap: host function failed \(status 7\)\nwasm backtrace:\n {4}0: \S+\/lowered0::hello:city\/logger-0\.1\.0#log\n {4}1: \S+::run \(offset 0x[0-9a-f]+\)\n[^\0]*Welcome to Faro,.*\nWelcome to København,.*\nWelcome to Porto,.*\nWelcome to Braga,.*\n$/,
      );
      assert.equal(status, 0);
    });

    test("a host function that fails, or is not there", async () => {
      const key = await typed(origin, "callback", "trap-import");
      const { stdout, status } = hosts.run(hosts.program({ sources: ["typed_callback.c"], objects: [key] }));
      assert.match(
        stdout,
        /^wasm trap: host function failed \(status 1\)\nwasm backtrace:\n {4}0: \S+\/lowered0::test:trap\/host-0\.1\.0#call-me\n {4}1: \S+::call-host \(offset 0x[0-9a-f]+\)\n[^\0]*wasm trap: host function not provided\nwasm backtrace:\n {4}0: \S+\/lowered0::\S+\n[^\0]*$/,
      );
      assert.equal(status, 0);
    });
  });
}

test("resources: handles of the component's, pointers of the host's, and every misuse", { skip: noHost }, async () => {
  await hosts.object("handles", await ownComponent("handles"), { hostAbi: "typed" });
  const program = hosts.program({ sources: ["typed_handles.c"], objects: ["handles"] });
  const { stdout, status } = hosts.run(program);
  assert.match(
    stdout,
    /^wasm trap: unreachable\nwasm backtrace:\n {4}0: handles\/counters::destroy \(offset 0x[0-9a-f]+\)\n$/,
  );
  assert.equal(status, 0);
});

test("values of all kinds through an import and an export, and wrong answers", { skip: noHost }, async () => {
  const program = hosts.program({
    sources: ["typed_forward.c"],
    objects: [await typed("own", "forward", "forward")],
  });
  assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
});

test("texts at the edges of readable memory", { skip: noHost }, async () => {
  const program = hosts.program({ sources: ["typed_edges.c"], objects: [await typed("own", "echo", "echo")] });
  assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
});

test("lists of many lengths at the edges of readable memory", { skip: noHost }, async () => {
  const program = hosts.program({ sources: ["typed_lists.c"], objects: [await typed("own", "plain", "plain")] });
  assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
});

test("memory of results: hooks, what is left behind, what is dropped twice", { skip: noHost }, async () => {
  const program = hosts.program({ sources: ["typed_memory.c"], objects: [await typed("own", "echo", "echo")] });
  assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
});

/** The same hosts as another compiler, or C++, sees them. */
const OTHERWISE = [
  ["clang", false],
  ["g++", true],
  ["clang++", true],
] as const;

for (const [compiler, asCpp] of OTHERWISE) {
  test(`hosts of ${compiler}${asCpp ? ", as C++17" : ""}`, { skip: without(compiler) }, async () => {
    for (const [source, own, other, output] of [
      ["typed_echo.c", "echo", "echo", /^ok\n$/],
      ["typed_city.c", "city", "hello-city", /^Welcome to Lisboa/],
      ["typed_callback.c", "callback", "trap-import", /^wasm trap: host function failed/],
      ["typed_forward.c", "forward", "forward", /^ok\n$/],
    ] as const) {
      const objects = [await typed("own", own, other)];
      const { stdout, status } = hosts.run(hosts.program({ sources: [source], objects, compiler, asCpp }));
      assert.match(stdout, output);
      assert.equal(status, 0);
    }
  });
}

/** Programs that must run clean under tools that watch memory. */
const WATCHED = [
  ["typed_echo.c", "echo", "echo"],
  ["typed_city.c", "city", "hello-city"],
  ["typed_callback.c", "callback", "trap-import"],
  ["typed_sync.c", "sync", "trap-sync"],
  ["typed_handles.c", "handles", undefined],
  ["typed_memory.c", "echo", undefined],
  ["typed_forward.c", "forward", undefined],
] as const;

for (const [source, own, other] of WATCHED) {
  /** The other component has more types, where it is there. */
  const build = async (options: Pick<ProgramOptions, "flags" | "compiler">): Promise<string> => {
    const isOther = other !== undefined && otherComponent(other) !== undefined;
    const flags = [...(options.flags ?? []), ...(isOther && own === "echo" ? ["-DCOMPOUND"] : [])];
    const objects = [await typed(isOther ? "other" : "own", own, other ?? own)];
    return hosts.program({ ...options, sources: [source], objects, flags });
  };

  test(`${source} under valgrind`, { skip: without("valgrind") }, async () => {
    const { status, stderr } = hosts.run(findTool("valgrind") ?? "", [
      "--error-exitcode=9",
      "--leak-check=full",
      "-q",
      await build({}),
    ]);
    assert.equal(status, 0, stderr);
  });

  test(`${source} with AddressSanitizer`, { skip: without("gcc") }, async () => {
    const program = await build({ flags: ["-fsanitize=address,undefined"], compiler: "gcc" });
    const { status, stderr } = hosts.run(program, [], {
      env: { ASAN_OPTIONS: "handle_segv=0:allow_user_segv_handler=1" },
    });
    assert.equal(status, 0, stderr);
  });
}
