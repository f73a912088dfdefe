/** The header's classes for C++17, with and without exceptions, under valgrind and AddressSanitizer. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { findTool } from "../support/tools.ts";
import { Hosts, ownComponent, type ProgramOptions, without } from "./hosts.ts";

const hosts = new Hosts();
const OK = { status: 0, signal: null, stdout: "ok\n", stderr: "" };

async function build(options: Pick<ProgramOptions, "compiler" | "flags">): Promise<string> {
  for (const name of ["forward", "handles"]) {
    await hosts.object(name, await ownComponent(name), { hostAbi: "typed" });
  }
  const flags = ["-Wshadow", "-Wconversion", ...(options.flags ?? [])];
  return hosts.program({ ...options, flags, sources: ["classes.cpp"], objects: ["forward", "handles"] });
}

for (const compiler of ["g++", "clang++"]) {
  test(`${compiler}: calls both ways, and who owns what`, { skip: without(compiler) }, async () => {
    assert.deepEqual(hosts.run(await build({ compiler })), OK);
  });
}

test("without exceptions, under valgrind", { skip: without("c++", "valgrind") }, async () => {
  const program = await build({ flags: ["-DPLAIN", "-fno-exceptions", "-fno-rtti"] });
  const { status, stdout, stderr } = hosts.run(findTool("valgrind") ?? "", [
    "--error-exitcode=9",
    "--leak-check=full",
    "-q",
    program,
  ]);
  assert.deepEqual({ status, stdout }, { status: 0, stdout: "ok\n" }, stderr);
});

test("with AddressSanitizer", { skip: without("g++") }, async () => {
  const program = await build({ compiler: "g++", flags: ["-fsanitize=address,undefined"] });
  const env = { ASAN_OPTIONS: "handle_segv=0:allow_user_segv_handler=1" };
  assert.deepEqual(hosts.run(program, [], { env }), OK);
});
