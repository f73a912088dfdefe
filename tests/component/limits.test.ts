/** Inputs that multiply themselves are refused by a limit that the message names, in bounded time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { check, planOf, refusal } from "../support/components.ts";
import { assemble } from "../support/wat.ts";

const LEVELS = Array.from({ length: 40 }, (_, i) => i);

test("types that double at each level", async () => {
  const types = LEVELS.map((i) => `(type $t${i + 1} (tuple $t${i} $t${i}))`).join("\n");
  const bytes = await assemble(`(component (type $t0 (tuple u8 u8)) ${types})`);
  assert.match(
    refusal(() => check(bytes)),
    /exceeds/,
  );
});

test("types that are nested deeply", async () => {
  const types = Array.from({ length: 5_000 }, (_, i) => `(type $t${i + 1} (list $t${i}))`).join("\n");
  const bytes = await assemble(`(component (type $t0 u8) ${types})`);
  assert.match(
    refusal(() => check(bytes)),
    /type nesting exceeds the limit of 100/,
  );
});

test("component instances that double at each level", async () => {
  const nested = (level: number): string =>
    level === 0
      ? "(core module)"
      : `(component $c ${nested(level - 1)}) (instance (instantiate $c)) (instance (instantiate $c))`;
  const bytes = await assemble(`(component ${nested(40)})`);
  assert.match(
    refusal(() => planOf(bytes)),
    /component instances exceed the limit of 10000/,
  );
});

test("core instances that double at each level", async () => {
  const nested = (level: number): string =>
    level === 0
      ? "(core module $m) (core instance (instantiate $m)) (core instance (instantiate $m)) (core instance (instantiate $m))"
      : `(component $c ${nested(level - 1)}) (instance (instantiate $c)) (instance (instantiate $c))`;
  const bytes = await assemble(`(component ${nested(12)})`);
  assert.match(
    refusal(() => planOf(bytes)),
    /core instances exceed the limit of 10000/,
  );
});

test("imported instances that double at each level, with and without resources", async () => {
  for (const leaf of ['(export "f" (func))', '(export "r" (type (sub resource)))']) {
    const types = LEVELS.map(
      (i) => `(type $i${i + 1} (instance
        (alias outer $root $i${i} (type $x))
        (export "a" (instance (type $x))) (export "b" (instance (type $x)))))`,
    ).join("\n");
    const text = `(component $root (type $i0 (instance ${leaf})) ${types} (import "i" (instance (type $i40))))`;
    const bytes = await assemble(text);
    assert.match(
      refusal(() => planOf(bytes)),
      /component too large .* limit of/,
    );
  }
});

test("exported instances that double at each level", async () => {
  const instances = LEVELS.map(
    (i) => `(instance $i${i + 1} (export "a" (instance $i${i})) (export "b" (instance $i${i})))`,
  ).join("\n");
  const bytes = await assemble(`(component
    (core module $m (func (export "f"))) (core instance $c (instantiate $m))
    (func $f (canon lift (core func $c "f")))
    (instance $i0 (export "f" (func $f))) ${instances} (export "i" (instance $i40)))`);
  assert.match(
    refusal(() => planOf(bytes)),
    /component too large .* limit of/,
  );
});

test("memories and tables that can't be made", async () => {
  const make = (what: string) => assemble(`(component (core module $m ${what}) (core instance (instantiate $m)))`);
  const table = await make("(table 4000000000 funcref)");
  assert.match(
    refusal(() => planOf(table)),
    /a table of 4000000000 elements exceeds the limit of 10000000/,
  );
  const memory = await make("(memory i64 65537)");
  assert.match(
    refusal(() => planOf(memory)),
    /a memory of 4295032832 bytes exceeds the limit of 4294967296/,
  );
});
