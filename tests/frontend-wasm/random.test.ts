/** Random control flow: what the translation of a function computes is what Node's own engine computes. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { entity } from "../../src/base/entity.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { assemble } from "../support/wat.ts";
import { planOfModules } from "./environment.ts";
import { Machine } from "./machine.ts";
import { randomModule } from "./random-module.ts";

/** Node's own engine; only what is used of it. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
  ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
};

const INPUTS = [
  [0, 0, 0],
  [1, -5, 7],
  [-1, 3, 1000],
];

async function compare(wat: string, budget: number | undefined): Promise<void> {
  const bytes = await assemble(wat);
  const { instance } = await WebAssembly.instantiate(Uint8Array.from(bytes));
  const { f } = instance.exports;
  assert.ok(typeof f === "function");
  const module = decodeModule(bytes);
  validateModule(module);
  const machine = new Machine(planOfModules(["m"], [module], "guarded"));
  machine.budget = budget;
  machine.instantiate();
  for (const args of INPUTS) {
    const expected: unknown = f(...args);
    const actual = machine.invoke(
      { kind: "wasm", instance: entity<CoreInstanceIndex>(0), func: 0 },
      args.map((a) => BigInt.asUintN(32, BigInt(a))),
    );
    assert.deepEqual(
      actual.map((v) => Number(BigInt.asIntN(32, v))),
      [expected],
    );
  }
}

test("random functions compute what V8 computes", async () => {
  await fc.assert(
    fc.asyncProperty(randomModule, (wat) => compare(wat, undefined)),
    { numRuns: Number(process.env["RUNS"] ?? 400) },
  );
});

test("and so do they with their locals in memory", async () => {
  await fc.assert(
    fc.asyncProperty(randomModule, (wat) => compare(wat, Number.NEGATIVE_INFINITY)),
    { numRuns: Number(process.env["RUNS"] ?? 100) },
  );
});
