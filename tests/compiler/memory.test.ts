/** What one function leaves in the memory that the next one is compiled in does not matter. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { manyFunctions } from "../../bench/shapes.ts";
import * as front from "../../src/compiler/front.ts";
import { FunctionCompiler } from "../../src/compiler/function.ts";
import { InlineBodies } from "../../src/compiler/inlining.ts";
import type { FuncSymbol } from "../../src/ir/function.ts";
import { printFunc } from "../../src/ir/print.ts";
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

test("bodies to inline are the same in memory that held others", () => {
  const options: front.FrontOptions = { ...OPTIONS, output: "object", builtinWasi: undefined };
  // More of them than are kept.
  const program = front.program(front.plan(front.parse(manyFunctions(600)), options), options);
  const print = (bodies: InlineBodies, symbol: FuncSymbol): string => {
    const body = bodies.body(symbol);
    return body === undefined ? "" : printFunc(body.func);
  };
  const shared = new InlineBodies(program);
  const symbols = [...program.functions.keys()];
  const texts = symbols.map((symbol) => print(shared, symbol));
  assert.ok(texts.filter((text) => text !== "").length > 550);
  symbols.forEach((symbol, i) => {
    if (i % 8 === 0) assert.equal(print(new InlineBodies(program), symbol), texts[i]);
    if (i % 4 === 0) assert.equal(print(shared, symbol), texts[i]);
  });
});
