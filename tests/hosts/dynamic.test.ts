/** Objects that describe themselves (`--describe`). That values of every type get through is what the random worlds say. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { compile } from "../support/sandbox.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();

const EXPECTED = `import test:forward/host all: func(v: every) -> every, 1 parameters, the result has 112 bytes
import test:forward/host mixed: func(v: blend) -> blend, 1 parameters, the result has 24 bytes
import test:forward/host many: func(a: u8, b: f32, c: string, d: s64, e: list<u16>, f: bool, g: f64, h: s8) -> u64, 8 parameters, the result has 8 bytes
export - all: func(v: every) -> every, 1 parameters, the result has 112 bytes
export - mixed: func(v: blend) -> blend, 1 parameters, the result has 24 bytes
export - many: func(a: u8, b: f32, c: string, d: s64, e: list<u16>, f: bool, g: f64, h: s8) -> u64, 8 parameters, the result has 8 bytes
record every: 112 bytes
  label at 0
  pair at 16
  maybe at 32
  shapes at 48
  color at 64
  access at 65
  done at 72
  letter at 96
  yes at 100
  int at 102
  extra at 104
`;

for (const [how, flags, compiler] of [
  ["plain", [], "cc"],
  ["with AddressSanitizer", ["-fsanitize=address,undefined"], "gcc"],
] as const) {
  test(`a description, and calls by it, ${how}`, { skip: noHost === false ? without(compiler) : noHost }, async () => {
    await hosts.object("forward", await ownComponent("forward"), { hostAbi: "typed", describes: true });
    const program = hosts.program({ sources: ["dynamic.c"], objects: ["forward"], flags: [...flags], compiler });
    const env = { ASAN_OPTIONS: "handle_segv=0:allow_user_segv_handler=1" };
    assert.deepEqual(hosts.run(program, [], { env }), { status: 0, signal: null, stdout: EXPECTED, stderr: "" });
  });
}

test("only what is called with C values is described", async () => {
  const bytes = await ownComponent("forward");
  const refused = async (options: Partial<Parameters<typeof compile>[1]>): Promise<string> => {
    try {
      await compile(bytes, { name: "forward", output: "object", describes: true, ...options });
    } catch (error) {
      assert.ok(error instanceof WindlassError);
      return error.message;
    }
    return "";
  };
  assert.match(await refused({ hostAbi: "flat" }), /describe/);
  assert.match(await refused({ hostAbi: "dynamic" }), /describe/);
  assert.match(await refused({ importAbis: [["test:forward/host many", "flat"]] }), /describe/);
  const { header } = await compile(bytes, { name: "forward", output: "object" });
  assert.ok(!header.includes("dynamic_call"), "only on demand");
});
