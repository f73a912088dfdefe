/** Which functions may come to something that asks whether their instance may leave. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { programOf } from "./world.ts";

const COMPONENT = `
(component
  (import "write" (func $write (param "x" u32)))
  (core func $lowered (canon lower (func $write)))
  (core module $a
    (import "" "write" (func $write (param i32)))
    (func (export "alone") (result i32) (local $i i32)
      (loop $l (br_if $l (local.tee $i (i32.sub (local.get $i) (i32.const 1))))) (i32.const 8))
    (func (export "forward") (param i32) (call $write (local.get 0))))
  (core instance $i (instantiate $a (with "" (instance (export "write" (func $lowered))))))
  (core module $b
    (import "a" "alone" (func $alone (result i32)))
    (import "a" "forward" (func $forward (param i32)))
    (type $f (func))
    (table 1 1 funcref)
    (elem (i32.const 0) func $even)
    (memory (export "memory") 1)
    (func (export "grows") (drop (memory.grow (call $alone))))
    (func $even (export "even") (call $odd) (drop (call $alone)))
    (func $odd (export "odd") (call $even))
    (func (export "leaves") (call $even) (call $forward (i32.const 1)))
    (func (export "tail") (i32.const 1) (return_call $forward))
    (func (export "table") (call_indirect (type $f) (i32.const 0)))
    (func (export "table-tail") (return_call_indirect (type $f) (i32.const 0)))
    (func (export "reference") (call_ref $f (ref.func $even)))
    (func (export "reference-tail") (return_call_ref $f (ref.func $even)))
    (func (export "run") (call $even)))
  (core instance $j (instantiate $b (with "a" (instance $i))))
  (func (export "run") (canon lift (core func $j "run"))))
`;

test("a function may leave if it calls what does, or what nobody knows", async () => {
  const { component, leaving } = await programOf(COMPONENT);
  const instance: CoreInstanceIndex = entity(1);
  const { module } = component.modules.get(component.instances.get(instance).module);
  const functions = module.exports.filter(({ kind }) => kind === "func");
  const may = functions.map(({ name, index }) => [name, leaving.mayLeave({ kind: "wasm", instance, func: index })]);
  assert.deepEqual(Object.fromEntries(may), {
    grows: false,
    even: false,
    odd: false,
    leaves: true,
    tail: true,
    table: true,
    "table-tail": true,
    reference: true,
    "reference-tail": true,
    run: false,
  });
  assert.ok(leaving.mayLeave({ kind: "lowered", index: entity(0) }));
});
