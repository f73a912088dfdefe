/** What a user reads: where the fault is, and both types in WIT's words where two differ. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { formatDiagnostic, WindlassError } from "../../src/base/diagnostics.ts";
import { check } from "../support/components.ts";
import { assemble } from "../support/wat.ts";

const GUEST = `(core module $m (memory (export "mem") 1) (func (export "f") (param i32) (result i32) (local.get 0)))
  (core instance $i (instantiate $m))`;

const MESSAGES: readonly (readonly [what: string, text: string, message: string])[] = [
  [
    "a lifted function's parameters",
    `(component ${GUEST} (func (param "x" f32) (result u32) (canon lift (core func $i "f"))))`,
    "at offset 0x5f: lowered parameter types `[F32]` do not match parameter types `[I32]` of core function 0 `f`: it is lifted as `func(x: f32) -> u32`",
  ],
  [
    "no memory, inside a component inside a component",
    `(component (component (component ${GUEST} (func (param "x" string) (canon lift (core func $i "f"))))))`,
    "at offset 0x75 (component 0 › component 0): canonical option `memory` is required: `canon lift` of `func(x: string)` has values in memory",
  ],
  [
    "an argument that is missing",
    `(component (component $c (import "log" (func (param "msg" string)))) (instance (instantiate $c)))`,
    "at offset 0x40: missing import named `log`, a `func(msg: string)`",
  ],
  [
    "functions",
    `(component (import "log" (func $log (param "msg" u32))) (component $c (import "log" (func (param "msg" string))))
      (instance (instantiate $c (with "log" (func $log)))))`,
    "at offset 0x56: type mismatch for component instantiation argument `log`: type mismatch in function parameter `msg`: expected primitive `string` found primitive `u32`; expected `func(msg: string)`, found `func(msg: u32)`",
  ],
  [
    "records, in an instance",
    `(component
      (import "i" (instance $i (type $r' (record (field "x" u32) (field "y" u32))) (export "point" (type (eq $r')))))
      (component $c
        (import "i" (instance (type $r' (record (field "x" u32) (field "y" (list f32)))) (export "point" (type (eq $r'))))))
      (instance (instantiate $c (with "i" (instance $i)))))`,
    "at offset 0x6f: type mismatch for component instantiation argument `i`: type mismatch in instance export `point`: type mismatch in record field `y`: expected list, found u32; expected `record { x: u32, y: list<f32> }`, found `record { x: u32, y: u32 }`",
  ],
  [
    "an export that an instance lacks",
    `(component (import "i" (instance $i (export "a" (func))))
      (component $c (import "i" (instance (export "a" (func)) (export "b" (func (result char))))))
      (instance (instantiate $c (with "i" (instance $i)))))`,
    "at offset 0x65: type mismatch for component instantiation argument `i`: missing expected export `b`, a `func() -> char`",
  ],
  [
    "no resource",
    `(component (type $r (record (field "a" u8))) (type (own $r)))`,
    "at offset 0x10: type index 0 is not a resource type: it is `record { a: u8 }`",
  ],
  [
    "a type without a name",
    `(component (type $r (record (field "a" u8))) (import "f" (func (param "x" $r))))`,
    "at offset 0x1a: func not valid to be used as import: `f` `func(x: record { a: u8 })` mentions a type that has no name outside; import the type first",
  ],
  [
    "a method's first parameter",
    `(component (import "[method]file.read" (func (param "self" u32))))`,
    "at offset 0x18: function should take a first argument of `(borrow $T)`: `[method]file.read` takes `self: u32`",
  ],
  [
    "a canonical option",
    `(component ${GUEST} (func (param "x" string)
      (canon lift (core func $i "f") (memory (core memory $i "mem")) (realloc (core func $i "f")))))`,
    "at offset 0x6d: canonical option `realloc` uses a core function with an incorrect signature: expected `[i32 i32 i32 i32] -> [i32]`, found `[i32] -> [i32]`",
  ],
  [
    "an ascribed type",
    `(component (import "f" (func $f (param "a" u8))) (export "g" (func $f) (func (param "a" u16))))`,
    "at offset 0x27: ascribed type of export is not compatible with item's type: type mismatch in function parameter `a`: expected primitive `u16` found primitive `u8`; expected `func(a: u16)`, found `func(a: u8)`",
  ],
  [
    "long types are cut",
    `(component (type $a' (record ${Array.from({ length: 60 }, (_, i) => `(field "f${i}" u8)`).join(" ")}))
      (import "a" (type $a (eq $a')))
      (component $c (type $b (record (field "f0" u8))) (import "a" (type (eq $b))))
      (instance (instantiate $c (with "a" (type $a)))))`,
    `at offset 0x174: type mismatch for component instantiation argument \`a\`: expected 1 fields, found 60; expected \`record { f0: u8 }\`, found \`record { ${Array.from({ length: 24 }, (_, i) => `f${i}: u8`).join(", ")}, f24: …, … }\``,
  ],
  [
    "resources of the component itself: by their first name outside, or by their type",
    `(component (type $r (resource (rep i32))) (export $e "file" (type $r)) (type $s (resource (rep i32))) ${GUEST}
      (func (param "x" (own $r)) (param "y" (borrow $s)) (result string) (canon lift (core func $i "f"))))`,
    "at offset 0x7e: canonical option `memory` is required: `canon lift` of `func(x: own<file>, y: borrow<type 2>) -> string` has values in memory",
  ],
  [
    "resources that are not the same",
    `(component (component $c (import "r" (type $r (sub resource))) (import "f" (func (param "x" (own $r)))))
      (import "a" (type $a (sub resource))) (import "b" (type $b (sub resource))) (import "f" (func $f (param "x" (own $b))))
      (instance (instantiate $c (with "r" (type $a)) (with "f" (func $f)))))`,
    "at offset 0x6e: type mismatch for component instantiation argument `f`: type mismatch in function parameter `x`: resource types are not the same (`b` vs. `a`); expected `func(x: own<a>)`, found `func(x: own<b>)`",
  ],
  [
    "another component's representation",
    `(component (import "r" (type $r (sub resource))) (core func (canon resource.new $r)))`,
    "at offset 0x13: type 0 is not a local resource: `r` is defined elsewhere",
  ],
  [
    "an alias of another sort",
    `(component (import "i" (instance $i (export "a" (func (param "x" u8))))) (alias export $i "a" (type $f)))`,
    "at offset 0x26: export `a` for instance 0 `i` is not a type: it is a `func(x: u8)`",
  ],
  [
    "an alias of nothing",
    `(component (component (import "i" (instance $i (export "a" (func)))) (alias export $i "b" (func $f))))`,
    "at offset 0x2d (component 0): instance 0 `i` has no export named `b`",
  ],
  [
    "a destructor",
    `(component ${GUEST} (type (resource (rep i32) (dtor (core func $i "f")))))`,
    "at offset 0x55: core function 0 `f` has wrong signature for a destructor: expected `[i32] -> []`, found `[i32] -> [i32]`",
  ],
  [
    "a body, in a nested component",
    `(component (component (core module $m (func (export "f") (result i32) (i64.const 0)))))`,
    "at offset 0x35 (component 0 › core module 0 › function 0): type mismatch: end expects i32, found i64",
  ],
];

for (const [what, text, message] of MESSAGES) {
  test(`messages: ${what}`, async () => {
    const bytes = await assemble(text);
    assert.throws(
      () => check(bytes),
      (error) => {
        assert(error instanceof WindlassError);
        assert.deepEqual(error.diagnostics.map(formatDiagnostic), [`invalid component ${message}`]);
        return true;
      },
    );
  });
}
