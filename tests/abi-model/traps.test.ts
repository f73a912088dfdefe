/** Traps of the Canonical ABI in a C host: their texts are the standard's. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Hosts, noHost } from "../hosts/hosts.ts";
import { ROOT } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";

const hosts = new Hosts();

const TEXT = `(component
  (component $P
    (type $r' (resource (rep i32))) (export $r "r" (type $r'))
    (type $s' (resource (rep i32))) (export $s "s" (type $s'))
    (core func $new (canon resource.new $r'))
    (core module $m (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 7))))
    (core instance $i (instantiate $m (with "" (instance (export "new" (func $new))))))
    (func (export "make") (result (own $r)) (canon lift (core func $i "make"))))
  (component $C
    (import "p" (instance $p (export "r" (type $r (sub resource)))))
    (alias export $p "r" (type $r))
    (core func $drop (canon resource.drop $r))
    (core module $m
      (import "" "drop" (func $drop (param i32)))
      (func (export "nothing") (param i32))
      (func (export "drop") (param i32) (call $drop (local.get 0)))
      (func (export "both") (param i32 i32)))
    (core instance $i (instantiate $m (with "" (instance (export "drop" (func $drop))))))
    (func (export "keep") (param "r" (borrow $r)) (canon lift (core func $i "nothing")))
    (func (export "drop") (param "r" (borrow $r)) (canon lift (core func $i "drop")))
    (func (export "both") (param "r" (borrow $r)) (param "s" (own $r)) (canon lift (core func $i "both")))
    (func (export "character") (param "c" char) (canon lift (core func $i "nothing"))))
  (component $D
    (import "p" (instance $p
      (export "r" (type $r (sub resource))) (export "s" (type $s (sub resource)))
      (export "make" (func (result (own $r))))))
    (alias export $p "r" (type $r))
    (alias export $p "s" (type $s))
    (import "c" (instance $c
      (alias outer $D $r (type $r))
      (export "keep" (func (param "r" (borrow $r))))
      (export "drop" (func (param "r" (borrow $r))))
      (export "both" (func (param "r" (borrow $r)) (param "s" (own $r))))
      (export "character" (func (param "c" char)))))
    (core func $make (canon lower (func $p "make")))
    (core func $keep (canon lower (func $c "keep")))
    (core func $drop (canon lower (func $c "drop")))
    (core func $both (canon lower (func $c "both")))
    (core func $character (canon lower (func $c "character")))
    (core func $drop-s (canon resource.drop $s))
    (core module $m
      (import "" "make" (func $make (result i32)))
      (import "" "keep" (func $keep (param i32)))
      (import "" "drop" (func $drop (param i32)))
      (import "" "both" (func $both (param i32 i32)))
      (import "" "character" (func $character (param i32)))
      (import "" "drop-s" (func $drop-s (param i32)))
      (func (export "unknown") (call $drop (call $make)) (call $drop (i32.const 4294967295)))
      (func (export "wrong") (drop (call $make)) (call $drop-s (call $make)))
      (func (export "lent") (call $both (call $make) (i32.const 1)))
      (func (export "kept") (call $keep (call $make)))
      (func (export "character") (call $character (i32.const 0xd800)))
      (func (export "leave"))
      (func (export "leave-post") (call $character (i32.const 65))))
    (core instance $i (instantiate $m (with "" (instance
      (export "make" (func $make)) (export "keep" (func $keep)) (export "drop" (func $drop))
      (export "both" (func $both)) (export "character" (func $character)) (export "drop-s" (func $drop-s))))))
    (func (export "unknown") (canon lift (core func $i "unknown")))
    (func (export "wrong") (canon lift (core func $i "wrong")))
    (func (export "lent") (canon lift (core func $i "lent")))
    (func (export "kept") (canon lift (core func $i "kept")))
    (func (export "character") (canon lift (core func $i "character")))
    (func (export "leave") (canon lift (core func $i "leave") (post-return (core func $i "leave-post")))))
  (component $E
    (import "d" (instance $d (export "leave" (func))))
    (core func $leave (canon lower (func $d "leave")))
    (core module $m (import "" "leave" (func $leave)) (func (export "leave") (call $leave)))
    (core instance $i (instantiate $m (with "" (instance (export "leave" (func $leave))))))
    (func (export "leave") (canon lift (core func $i "leave"))))
  (instance $p (instantiate $P))
  (instance $c (instantiate $C (with "p" (instance $p))))
  (instance $d (instantiate $D (with "p" (instance $p)) (with "c" (instance $c))))
  (instance $e (instantiate $E (with "d" (instance $d))))
  (func (export "unknown") (alias export $d "unknown"))
  (func (export "wrong") (alias export $d "wrong"))
  (func (export "lent") (alias export $d "lent"))
  (func (export "kept") (alias export $d "kept"))
  (func (export "character") (alias export $d "character"))
  (func (export "leave") (alias export $e "leave")))`;

test("texts of traps", { skip: noHost }, async () => {
  await hosts.object("traps", await assemble(TEXT));
  const program = hosts.program({ sources: [join(ROOT, "tests/abi-model/traps.c")], objects: ["traps"] });
  const { status, stdout } = hosts.run(program);
  assert.equal(status, 0, stdout);
  assert.deepEqual(stdout.split("\n"), [
    "wasm trap: unknown handle index 4294967295",
    "wasm trap: handle index 2 used with the wrong type, expected guest-defined resource but found a different guest-defined resource",
    "wasm trap: cannot remove owned resource while borrowed",
    "wasm trap: borrow handles still remain at the end of the call",
    "wasm trap: invalid `char` bit pattern",
    "wasm trap: cannot leave component instance",
    "",
  ]);
});
