import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { assemble } from "../support/wat.ts";

/** Whether the module is valid. Anything thrown but a well-formed `WindlassError` fails the test. */
function verdict(bytes: Uint8Array): boolean {
  try {
    validateModule(decodeModule(bytes));
    return true;
  } catch (error) {
    assert.ok(error instanceof WindlassError, error instanceof Error ? error.stack : String(error));
    for (const { kind, message, offset } of error.diagnostics) {
      assert.ok(["malformed", "invalid", "unsupported", "limit"].includes(kind), kind);
      assert.ok(message.length > 0);
      assert.ok(offset !== undefined && offset >= 0 && offset <= bytes.length, `offset ${offset} in ${message}`);
    }
    return false;
  }
}

const RICH_MODULE = `(module
  (rec (type $f (sub (func (param i32 i64) (result i64)))) (type $g (func (param (ref null $f)) (result funcref))))
  (type $h (sub final $f (func (param i32 i64) (result i64))))
  (import "m" "f" (func $imported (type $f)))
  (import "m" "g" (global $gi i32))
  (import "m" "t" (table 1 externref))
  (table $t 4 20 funcref) (table $t64 i64 1 funcref)
  (memory $m 1 2) (memory $m64 i64 1) (memory $s 1 2 shared)
  (tag $e (param i32 f64))
  (global $a (mut i32) (i32.add (global.get $gi) (i32.const 3)))
  (global $v v128 (v128.const i32x4 1 2 3 4))
  (global $r (ref $f) (ref.func $imported))
  (export "a" (func $a)) (export "m" (memory $m))
  (start $start)
  (elem (table $t) (i32.const 1) func $a $imported)
  (elem $passive funcref (ref.func $a) (ref.null func))
  (data (i32.const 8) "hello") (data $d "passive")
  (func $start)
  (func $a (type $f) (local f32 f64 v128 (ref $f))
    (block (result i64) (loop (param) (br_if 0 (i32.eqz (local.get 0))))
      (if (result i64) (local.get 0)
        (then (i64.load offset=4 (local.get 0)))
        (else (i64.const -1)))
      (br_table 0 0 0 (i32.const 1))))
  (func (param $x (ref null $f)) (result f64)
    (local.set $x (ref.func $a))
    (drop (br_on_null 0 (f64.const 1.5) (local.get $x)))
    (drop)
    (block $l (result i32 f64)
      (try_table (catch $e $l) (throw $e (i32.const 1) (f64.const 2)))
      (unreachable))
    (drop) (drop)
    (memory.copy $m $m64 (i32.const 0) (i64.const 0) (i32.const 3))
    (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)) (data.drop $d)
    (table.init $t $passive (i32.const 0) (i32.const 0) (i32.const 1)) (elem.drop $passive)
    (drop (i32.atomic.rmw.add $s (i32.const 0) (i32.const 1)))
    (drop (i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31 (global.get $v) (global.get $v)))
    (drop (i16x8.extract_lane_u 7 (v128.load64_lane 1 (i32.const 8) (global.get $v))))
    (drop (call_indirect $t (type $f) (i32.const 1) (i64.const 2) (i32.const 0)))
    (drop (call_ref $f (i32.const 1) (i64.const 2) (global.get $r)))
    (drop (select (result funcref) (ref.null func) (ref.func $a) (i32.const 1)))
    (f64.const 0))
  (func (param i32 i64) (result i64) (return_call $a (local.get 0) (local.get 1))))`;

test("a module with something of everything is valid", async () => {
  assert.ok(verdict(await assemble(RICH_MODULE)));
});

test("random bytes are rejected cleanly", () => {
  const header = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (tail) => {
      verdict(tail);
      verdict(Uint8Array.from([...header, ...tail]));
    }),
    { numRuns: 2000 },
  );
});

test("every truncation is rejected cleanly", async () => {
  const bytes = await assemble(RICH_MODULE);
  const names = bytes.length;
  for (let length = 0; length < names; length++) verdict(bytes.subarray(0, length));
});

test("every flipped bit gives a verdict", async () => {
  const bytes = await assemble(RICH_MODULE);
  let valid = 0;
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = bytes.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (verdict(flipped)) valid++;
  }
  assert.ok(valid > 0 && valid < bytes.length * 4, `${valid} of ${bytes.length * 8} still valid`);
});

test("random changes of several bytes give a verdict", async () => {
  const bytes = await assemble(RICH_MODULE);
  const change = fc.tuple(fc.nat(bytes.length - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const changed = bytes.slice();
      for (const [at, value] of changes) changed[at] = value;
      verdict(changed);
    }),
    { numRuns: 10_000 },
  );
});
