import assert from "node:assert/strict";
import { test } from "node:test";
import { check, GREETER, refusal } from "../support/components.ts";
import { assemble } from "../support/wat.ts";

const valid: Readonly<Record<string, string>> = {
  empty: "(component)",
  greeter: GREETER,
  "a resource with its destructor, constructor and method": `(component
    (core module $m (func (export "drop") (param i32)) (func (export "get") (param i32) (result i32) i32.const 1))
    (core instance $i (instantiate $m))
    (type $r (resource (rep i32) (dtor (core func $i "drop"))))
    (core func $new (canon resource.new $r))
    (core func $rep (canon resource.rep $r))
    (export $counter "counter" (type $r))
    (func $make (param "start" u32) (result (own $counter)) (canon lift (core func $new)))
    (export "[constructor]counter" (func $make))
    (func $get (param "self" (borrow $counter)) (result u32) (canon lift (core func $i "get")))
    (export "[method]counter.get" (func $get)))`,
  "a component passed as an argument and instantiated inside": `(component
    (component $leaf (import "n" (func)) (export "m" (func 0)))
    (component $user
      (import "factory" (component $f (import "n" (func)) (export "m" (func))))
      (import "g" (func $g))
      (instance $i (instantiate $f (with "n" (func $g))))
      (export "again" (func $i "m")))
    (import "host" (func $host))
    (instance (instantiate $user (with "factory" (component $leaf)) (with "g" (func $host)))))`,
  "an instance with more than is asked for": `(component
    (import "i" (instance $i (export "a" (func)) (export "b" (func (result u32)))))
    (component $c (import "j" (instance (export "b" (func (result u32))))))
    (instance (instantiate $c (with "j" (instance $i)))))`,
  "asynchronous functions and streams, which only code would refuse": `(component
    (type $s (stream u8))
    (import "f" (func async (param "s" $s) (result (future string)))))`,
};

for (const [name, text] of Object.entries(valid)) {
  test(`valid: ${name}`, async () => {
    check(await assemble(text));
  });
}

/** [what, text, words of the message] */
const invalid: readonly (readonly [string, string, RegExp])[] = [
  ["type index", "(component (type (list 3)))", /at offset 0x[0-9a-f]+: unknown type 3: type index out of bounds/],
  ["no value type", "(component (type $f (func)) (type (list $f)))", /type index 0 is not a defined type/],
  ["core function index", "(component (core func $f (canon resource.drop 0)))", /type index out of bounds/],
  [
    "nested path",
    `(component (component (component (type (tuple)))))`,
    /^invalid component at offset 0x[0-9a-f]+ \(component 0 › component 0\): tuple type must have at least one type/,
  ],
  [
    "core body",
    `(component (core module (func)) (core module (func (result i32))))`,
    /\(core module 1 › function 0\): .*type mismatch/,
  ],
  ["record without fields", "(component (type (record)))", /at least one field/],
  [
    "33 flags",
    `(component (type (flags ${Array.from({ length: 33 }, (_, i) => `"f${i}"`).join(" ")})))`,
    /more than 32 flags/,
  ],
  ["flag twice", `(component (type (flags "a" "A")))`, /flag name `A` conflicts with previous flag name `a`/],
  ["camel case", `(component (type (record (field "fooBar" u8))))`, /record field name `fooBar` is not in kebab case/],
  ["float keys", "(component (type (map f32 u8)))", /map's key/],
  ["large value", "(component (type (list u64 33554432)))", /exceeds maximum byte size/],
  [
    "borrow in a result",
    `(component (import "r" (type $r (sub resource))) (type (func (result (list (borrow $r))))))`,
    /cannot contain a `borrow`/,
  ],
  [
    "import twice",
    `(component (import "a" (func)) (import "A" (instance)))`,
    /import name `A` conflicts with previous name `a`/,
  ],
  [
    "method and static of one name",
    `(component (import "a" (type $a (sub resource)))
      (import "[method]a.b" (func (param "self" (borrow $a)))) (import "[static]a.b" (func)))`,
    /conflicts with previous name/,
  ],
  [
    "method of another resource",
    `(component (import "a" (type $a (sub resource))) (import "b" (type $b (sub resource)))
      (import "[method]a.f" (func (param "self" (borrow $b)))))`,
    /does not match expected resource name `b`/,
  ],
  [
    "unnamed record",
    `(component (type $t (record (field "x" u8))) (import "f" (func (param "p" $t))))`,
    /func not valid to be used as import/,
  ],
  [
    "outer alias of a resource",
    `(component $c (type $r (resource (rep i32))) (component (alias outer $c $r (type))))`,
    /transitively refers to resources/,
  ],
  [
    "missing argument",
    `(component (component $c (import "a" (func))) (instance (instantiate $c)))`,
    /missing import named `a`/,
  ],
  [
    "wrong argument",
    `(component (import "f" (func $f (param "x" (record (field "y" u8)))))
      (component $c (import "a" (func (param "x" (record (field "y" u16)))))) (instance (instantiate $c (with "a" (func $f)))))`,
    /not valid|type mismatch/,
  ],
  [
    "types in WIT's words",
    `(component (import "f" (func $f (param "x" (list u8))))
      (component $c (import "a" (func (param "x" (list u16))))) (instance (instantiate $c (with "a" (func $f)))))`,
    /argument `a`: type mismatch in function parameter `x`: expected primitive `u16` found primitive `u8`/,
  ],
  [
    "two resources",
    `(component (import "a" (type $a (sub resource))) (import "b" (type $b (sub resource)))
      (component $c (import "x" (type $x (sub resource))) (import "y" (type (eq $x))))
      (instance (instantiate $c (with "x" (type $a)) (with "y" (type $b)))))`,
    /resource types are not the same \(`b` vs\. `a`\)/,
  ],
  [
    "core import of another type",
    `(component (core module $a (import "m" "f" (func (param i64)))) (core module $b (func (export "f")))
      (core instance $i (instantiate $b)) (core instance (instantiate $a (with "m" (instance $i)))))`,
    /`f` of module instantiation argument `m`: type mismatch: expected: \(func \(param i64\)\), found: \(func\)/,
  ],
  [
    "lift of another signature",
    `(component (core module $m (func (export "f") (param i32))) (core instance $i (instantiate $m))
      (func (param "x" u64) (canon lift (core func $i "f"))))`,
    /lowered parameter types `\[I64\]` do not match parameter types `\[I32\]`/,
  ],
  [
    "lower without memory",
    `(component (import "f" (func $f (param "s" string))) (core func (canon lower (func $f))))`,
    /canonical option `memory` is required/,
  ],
  [
    "foreign representation",
    `(component (import "r" (type $r (sub resource))) (core func (canon resource.rep $r)))`,
    /not a local resource/,
  ],
  [
    "async on a sync type",
    `(component (import "f" (func $f)) (core func (canon lower (func $f) async)))`,
    /requires an async function type/,
  ],
];

for (const [name, text, message] of invalid) {
  test(`invalid: ${name}`, async () => {
    const bytes = await assemble(text);
    assert.match(
      refusal(() => check(bytes)),
      message,
    );
  });
}
