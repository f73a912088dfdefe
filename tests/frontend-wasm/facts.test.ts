/** What is known of a closed world, and when it is not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { entity } from "../../src/base/entity.ts";
import { analyzeComponent, type ComponentFacts, tableElement } from "../../src/frontend/wasm/facts.ts";
import { FunctionTranslator } from "../../src/frontend/wasm/translate.ts";
import { NONE } from "../../src/ir/function.ts";
import { Op } from "../../src/ir/ops.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { planOf, TestProgram, type TestInstance } from "./environment.ts";

const SHIM = `(module
  (type $t (func (param i32)))
  (table (export "t") 2 2 funcref)
  (func (export "0") (type $t) local.get 0 i32.const 0 call_indirect (type $t))
  (func (export "swapped") (param i32 i32) local.get 1 i32.const 0 call_indirect (type $t) local.get 0 drop))`;
const FIXUP = `(module
  (import "shim" "t" (table 2 2 funcref))
  (import "host" "f" (func $f (param i32)))
  (elem (i32.const 0) func $f))`;

function instances(...wats: readonly (readonly [string, string])[]): TestInstance[] {
  return wats.map(([name, wat]) => ({ name, wat }));
}

async function factsOf(list: readonly TestInstance[]): Promise<ComponentFacts> {
  return analyzeComponent(await planOf(list));
}

const wasm = (instance: number, func: number) =>
  ({ kind: "wasm", instance: entity<CoreInstanceIndex>(instance), func }) as const;

test("a table that the last instance fills is constant, and what forwards through it is its target", async () => {
  const facts = await factsOf(instances(["shim", SHIM], ["fixup", FIXUP]));
  assert.equal(facts.tables[0]?.constant, true);
  assert.equal(facts.tables[0]?.size, 2);
  assert.deepEqual(facts.callee(wasm(0, 0)), { kind: "lowered", index: 0 });
  assert.deepEqual(facts.callee(wasm(0, 1)), wasm(0, 1));
  assert.equal(tableElement(facts.tables[0], 1)?.kind, "null");
});

test("a start function that may call through a table before it is filled forbids that", async () => {
  const start = (body: string): string => `(module
    (import "shim" "0" (func $shim (param i32)))
    (table $own 1 1 funcref)
    (func $helper ${body})
    (func $start (call $helper))
    (start $start))`;
  const quiet = await factsOf(instances(["shim", SHIM], ["main", start("(drop (i32.const 1))")], ["fixup", FIXUP]));
  assert.equal(quiet.tables[0]?.constant, true);
  const calls = await factsOf(
    instances(["shim", SHIM], ["main", start("(call $shim (i32.const 1))")], ["fixup", FIXUP]),
  );
  assert.equal(calls.tables[0]?.constant, false);
  assert.deepEqual(calls.callee(wasm(0, 0)), wasm(0, 0));
  const reads = "(drop (table.get $own (i32.const 0)))";
  const reader = await factsOf(instances(["shim", SHIM], ["main", start(reads)], ["fixup", FIXUP]));
  assert.equal(reader.tables[0]?.constant, false);
  const behind = await factsOf(
    instances(["shim", SHIM], ["fixup", FIXUP], ["main", start("(call $shim (i32.const 1))")]),
  );
  assert.equal(behind.tables[0]?.constant, true);
  const stepwise = analyzeComponent(await planOf(instances(["shim", SHIM], ["fixup", FIXUP])), { stepwise: true });
  assert.equal(stepwise.tables[0]?.constant, false);
});

test("a table that code writes or grows is not constant", async () => {
  for (const body of [
    "(table.set (i32.const 0) (ref.null func))",
    "(table.fill (i32.const 0) (ref.null func) (i32.const 1))",
    "(table.copy (i32.const 0) (i32.const 1) (i32.const 1))",
    "(drop (table.grow (ref.null func) (i32.const 0)))",
  ]) {
    const writer = `(module (import "shim" "t" (table 2 2 funcref)) (func ${body}))`;
    const facts = await factsOf(instances(["shim", SHIM], ["fixup", FIXUP], ["writer", writer]));
    assert.equal(facts.tables[0]?.constant, false, body);
    assert.equal(facts.tables[0]?.size, body.includes("grow") ? undefined : 2, body);
  }
});

test("globals and memories that nothing changes", async () => {
  const facts = await factsOf(
    instances([
      "m",
      `(module (memory 1) (memory $g 1) (global i32 (i32.const 1)) (global (mut i64) (i64.const 2))
        (global $set (mut i32) (i32.const 3)) (global f64 (f64.const 1.5))
        (func (global.set $set (memory.grow $g (i32.const 1)))))`,
    ]),
  );
  assert.deepEqual(
    facts.globals.map((g) => (g?.kind === "number" ? [g.lo, g.hi] : g)),
    [[1, 0], [2, 0], undefined, [0, 0x3ff8_0000]],
  );
  assert.deepEqual(facts.memories, [65536, undefined]);
});

test("subtypes are called through open types, and only through those", async () => {
  const plan = await planOf(
    instances([
      "m",
      `(module
        (type $open (sub (func (result i32)))) (type $sub (sub $open (func (result i32))))
        (type $other (func (result i32)))
        (table 3 funcref) (func $a (type $sub) (i32.const 1)) (func $b (type $other) (i32.const 2))
        (elem (i32.const 0) func $a $b)
        (func (param i32) (result i32) (table.set (i32.const 2) (ref.null func)) (call_indirect (type $open) (local.get 0)))
        (func (param i32) (result i32) (call_indirect (type $other) (local.get 0))))`,
    ]),
  );
  const { signatures } = analyzeComponent(plan);
  const [open, sub, other] = [...plan.signatures.keys()];
  assert.ok(open !== undefined && sub !== undefined && other !== undefined);
  assert.equal(signatures.isSubtype(sub, open), true);
  assert.equal(signatures.isSubtype(open, sub), false);
  assert.equal(signatures.isSubtype(other, open), false);
  assert.deepEqual(signatures.subtypes(open), [sub]);
  assert.deepEqual(signatures.subtypes(other), []);
});

test("what has no translation is refused by name, with offset and path", async () => {
  const subtypes = Array.from({ length: 20 }, (_, i) => `(type $t${i + 1} (sub $t${i} (func)))`).join(" ");
  const functions = Array.from({ length: 20 }, (_, i) => `(func (type $t${i + 1}))`).join(" ");
  const plan = await planOf(
    instances([
      "lib",
      `(module (type $t0 (sub (func))) ${subtypes} (table (export "t") 1 funcref) (func $f (drop (v128.const i64x2 0 0)))
        (func $g (call_indirect (type $t0) (table.size 0))) ${functions})`,
    ]),
  );
  const translator = new FunctionTranslator(new TestProgram(plan).environment(entity<CoreInstanceIndex>(0)));
  const refusal = (index: number): string => {
    try {
      translator.translate(index);
    } catch (error) {
      assert.ok(error instanceof WindlassError);
      assert.equal(error.diagnostics[0]?.kind, "unsupported");
      return error.message.replace(/offset 0x[0-9a-f]+/, "offset N");
    }
    return "translated";
  };
  assert.equal(refusal(0), "translated");
  assert.match(
    refusal(1),
    /^unsupported component at offset N \(core module lib › function 1 "g"\): an indirect call through a type with more than \d+ subtypes is not supported \(feature gc\)$/,
  );
});

test("an instruction's location is its operator's offset", async () => {
  const plan = await planOf(
    instances(["m", "(module (func (param i32 i32) (result i32) nop (i32.div_u (local.get 0) (local.get 1))))"]),
  );
  const func = new FunctionTranslator(new TestProgram(plan).environment(entity<CoreInstanceIndex>(0))).translate(0);
  const { module } = plan.modules.get(entity(0));
  for (let i = func.firstInst.get(func.entryBlock); i !== NONE; i = func.next.get(i)) {
    const byte = module.bytes[func.loc.get(i)];
    assert.equal(byte, func.op.get(i) === Op.return ? 0x0b : 0x6e);
  }
});
