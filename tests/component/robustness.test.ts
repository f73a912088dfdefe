/** Whatever the bytes are, the front says what is wrong with them, and nothing else happens. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { printPlan } from "../../src/plan/print.ts";
import { summarizePlan } from "../../src/plan/summary.ts";
import { GREETER, planOf } from "../support/components.ts";
import { assemble } from "../support/wat.ts";
import { sharedComponent } from "../support/windlass.ts";

/** A plan that verifies and prints, or a diagnostic. */
function survives(bytes: Uint8Array, what: string): boolean {
  try {
    const plan = planOf(bytes);
    printPlan(plan);
    summarizePlan(plan);
    return true;
  } catch (error) {
    if (error instanceof WindlassError) return false;
    throw new Error(`${what}: ${error}`, { cause: error });
  }
}

function mutate(bytes: Uint8Array): void {
  // The end of the last section is the end of the file, so that only cuts between sections are components.
  for (let end = 0; end < bytes.length; end++) survives(bytes.subarray(0, end), `cut at ${end}`);
  for (let at = 0; at < bytes.length; at++) {
    for (let bit = 0; bit < 8; bit++) {
      const copy = Uint8Array.from(bytes);
      copy[at] = (copy[at] ?? 0) ^ (1 << bit);
      survives(copy, `bit ${bit} at ${at}`);
    }
  }
}

test("cuts and flipped bits of our own component", async () => {
  const bytes = await assemble(GREETER);
  assert(survives(bytes, "the original"));
  mutate(bytes);
});

test("several bytes replaced", async () => {
  const original = await assemble(GREETER);
  const change = fc.tuple(fc.nat(original.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const copy = Uint8Array.from(original);
      for (const [at, value] of changes) copy[at] = value;
      survives(copy, JSON.stringify(changes));
    }),
    { numRuns: 2_000 },
  );
});

test("any bytes behind a preamble", () => {
  const preamble = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];
  fc.assert(
    fc.property(fc.nat(11), fc.uint8Array({ maxLength: 60 }), (id, body) => {
      survives(Uint8Array.from([...preamble, id, body.length, ...body]), `section ${id}: ${body}`);
    }),
    { numRuns: 5_000 },
  );
});

for (const name of ["hello-city", "hello-tiny"]) {
  const path = sharedComponent(name);
  test(`cuts and flipped bits of ${name}`, { skip: path === undefined }, () => {
    if (path !== undefined) mutate(readFileSync(path));
  });
}
