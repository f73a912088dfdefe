/** What one function leaves in the memory that the next one is compiled in does not matter. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as front from "../../src/compiler/front.ts";
import { FunctionCompiler } from "../../src/compiler/function.ts";
import { ROOT } from "../support/windlass.ts";

const OPTIONS: front.FrontOptions = {
  name: "hello",
  prefix: "hello",
  output: "executable",
  hostAbi: "dynamic",
  importAbis: [],
  bounds: "guard",
  interruptible: false,
  describes: false,
  builtinWasi: new Uint8Array(readFileSync(join(ROOT, "dist/runtime/wasi.wasm"))),
  configuration: [],
};

for (const optLevel of [0, 1, 2] as const) {
  test(`functions are the same in any order and in memory of their own, -O${optLevel}`, () => {
    const parsed = front.parse(new Uint8Array(readFileSync(join(ROOT, "examples/hello/hello.wasm"))));
    const program = front.program(front.plan(parsed, OPTIONS), OPTIONS);
    const options = { optLevel, verify: false };
    const shared = new FunctionCompiler(program, options);
    for (const symbol of [...program.functions.keys()].reverse()) {
      assert.deepEqual(shared.compile(symbol), new FunctionCompiler(program, options).compile(symbol), `@${symbol}`);
    }
  });
}
