import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { funcTypeName } from "../../src/wasm/types.ts";
import { printPlan } from "../../src/plan/print.ts";
import { check, GREETER, planOf, planOfText, refusal } from "../support/components.ts";
import { assemble } from "../support/wat.ts";
import { SHARED_COMPONENTS } from "../support/windlass.ts";
import { translate } from "../../src/translate/translate.ts";

test("a library: imports, resources, core imports and exports are resolved", async () => {
  const plan = await planOfText(GREETER);
  assert.deepEqual(
    plan.imports.values().map((i) => i.path),
    [
      ["hello:city/logger@0.1.0", "log"],
      ["hello:city/logger@0.1.0", "[method]sink.put"],
    ],
  );
  assert.deepEqual(
    plan.lowerings.values().map((l) => [funcTypeName(l.signature), l.callee]),
    [
      ["[i32 i32] -> []", { kind: "host", abi: "dynamic" }],
      ["[i32 i32] -> [i32]", { kind: "host", abi: "dynamic" }],
    ],
  );
  const [resource] = plan.resources.values();
  assert.deepEqual(resource, { kind: "host", name: "sink", path: ["hello:city/logger@0.1.0", "sink"], hostIndex: 0 });
  const [libc, main] = plan.instances.values();
  assert.deepEqual(main?.memories, libc?.memories);
  assert.deepEqual(
    main?.imports.map((f) => f.kind),
    ["lowered", "lowered", "trampoline"],
  );
  const api = plan.exports.get("hello:city/greeter@0.1.0");
  assert(api?.kind === "instance");
  const greet = api.exports.get("greet");
  assert(greet?.kind === "func" && greet.core.kind === "wasm");
  assert.equal(greet.core.instance, 1);
  assert.equal(funcTypeName(greet.signature), "[i32 i32] -> [i32]");
  assert.deepEqual(greet.options.postReturn, { kind: "wasm", instance: 1, func: 4 });
  assert.equal(plan.builtin, undefined);
});

test("what is instantiated twice is twice in the plan, its module once", async () => {
  const plan = await planOfText(`(component
    (component $c
      (core module $m (memory 1) (global (mut i32) (i32.const 0)) (func (export "f")))
      (core instance $i (instantiate $m))
      (type $r (resource (rep i32)))
      (export "r" (type $r))
      (func $f (canon lift (core func $i "f")))
      (export "f" (func $f)))
    (instance $a (instantiate $c))
    (instance $b (instantiate $c))
    (export "a" (instance $a))
    (export "b" (instance $b)))`);
  assert.equal(plan.modules.size, 1);
  assert.equal(plan.instances.size, 2);
  assert.equal(plan.memories.size, 2);
  assert.equal(plan.componentInstances.size, 3);
  assert.deepEqual(
    plan.resources.values().map((r) => [r.kind, r.name]),
    [
      ["defined", "r"],
      ["defined", "r"],
    ],
  );
  const funcs = ["a", "b"].map((name) => {
    const instance = plan.exports.get(name);
    const f = instance?.kind === "instance" ? instance.exports.get("f") : undefined;
    return f?.kind === "func" && f.core.kind === "wasm" ? f.core.instance : undefined;
  });
  assert.deepEqual(funcs, [0, 1]);
});

test("a module instantiated twice keeps two memories apart, and shares what is passed in", async () => {
  const plan = await planOfText(`(component
    (core module $libc (memory (export "m") 1) (table (export "t") 1 funcref) (global (export "g") i32 (i32.const 1)))
    (core module $app (import "env" "m" (memory 1)) (import "env" "t" (table 1 funcref)) (import "env" "g" (global i32)))
    (core instance $a (instantiate $libc))
    (core instance $b (instantiate $libc))
    (core instance (instantiate $app (with "env" (instance $b))))
    (core instance (instantiate $app (with "env" (instance
      (export "m" (memory $a "m")) (export "t" (table $b "t")) (export "g" (global $a "g")))))))`);
  const [a, b, one, two] = plan.instances.values();
  assert.deepEqual(one?.memories, b?.memories);
  assert.deepEqual(two?.memories, a?.memories);
  assert.deepEqual(two?.tables, b?.tables);
  assert.deepEqual(two?.globals, a?.globals);
  assert.equal(plan.memories.size, 2);
});

test("components are closures: modules and components of outer scopes, and components as arguments", async () => {
  const plan = await planOfText(`(component $root
    (core module $m (func (export "f") (result i32) i32.const 1))
    (component $maker
      (import "make" (component $make (export "g" (func (result u32)))))
      (instance $i (instantiate $make))
      (export "h" (func $i "g")))
    (component $leaf
      (alias outer $root $m (core module $mm))
      (core instance $i (instantiate $mm))
      (func $g (result u32) (canon lift (core func $i "f")))
      (export "g" (func $g)))
    (instance $x (instantiate $maker (with "make" (component $leaf))))
    (export "h" (func $x "h")))`);
  const h = plan.exports.get("h");
  assert(h?.kind === "func");
  assert.deepEqual(
    plan.componentInstances.values().map((i) => i.path),
    ["", "component 0", "component 1"],
  );
  assert.equal(h.options.instance, 2);
});

test("a component's own lifted function, lowered again, always traps", async () => {
  const plan = await planOfText(`(component
    (core module $m (func (export "f") (param i32)))
    (core instance $i (instantiate $m))
    (func $f (param "x" u32) (canon lift (core func $i "f")))
    (core func $again (canon lower (func $f)))
    (core module $n (import "" "f" (func (param i32))))
    (core instance (instantiate $n (with "" (instance (export "f" (func $again)))))))`);
  const [trampoline] = plan.trampolines.values();
  assert.equal(trampoline?.kind, "always-trap");
});

test("styles and sizes of memories", async () => {
  const text = `(component
    (core module $m (memory 1) (memory 1 3) (memory i64 1 10) (memory 10 20 (pagesize 1)))
    (core instance (instantiate $m)))`;
  const plan = await planOfText(text);
  assert.deepEqual(
    plan.memories.values().map((m) => [m.style, m.maxBytes]),
    [
      ["guarded", 2 ** 32],
      ["guarded", 3 * 65536],
      ["checked", 10 * 65536],
      ["checked", 20],
    ],
  );
  const explicit = await planOfText(text, { bounds: "explicit" });
  assert(explicit.memories.values().every((m) => m.style === "checked"));
});

test("names of modules are unique", async () => {
  const plan = await planOfText(`(component
    (core module $same) (core module (; no name ;)) (core module $x (@name "same"))
    (core instance (instantiate 0)) (core instance (instantiate 1)) (core instance (instantiate 2)))`);
  const names = plan.modules.values().map((m) => m.name);
  assert.equal(new Set(names).size, 3, names.join());
  assert.equal(names[1], "core1");
});

test("equal signatures of different modules have one number", async () => {
  const plan = await planOfText(`(component
    (core module $a (type (func)) (type (func (param i32))) (func (type 1)))
    (core module $b (type (func (param i32))) (func (type 0)))
    (core instance (instantiate $a)) (core instance (instantiate $b)))`);
  const [a, b] = plan.modules.values();
  assert.equal(a?.signatures[1], b?.signatures[0]);
  assert.notEqual(a?.signatures[0], a?.signatures[1]);
});

test("a call between siblings is an adapter; one between relatives always traps", async () => {
  const plan = await planOfText(`(component
    (component $a
      (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f"))) (export "f" (func $f)))
    (component $b
      (import "f" (func $f))
      (core func $g (canon lower (func $f)))
      (core module $m (import "" "f" (func)))
      (core instance (instantiate $m (with "" (instance (export "f" (func $g)))))))
    (instance $x (instantiate $a))
    (instance (instantiate $b (with "f" (func $x "f"))))
    (core func (canon lower (func $x "f")))
    (core module $m (func (export "h"))) (core instance $i (instantiate $m))
    (func $h (canon lift (core func $i "h")))
    (instance (instantiate $b (with "f" (func $h)))))`);
  const text = printPlan(plan);
  assert.match(
    text,
    /trampoline0 adapter \[\] -> \[\] component-instance2 utf8 to instance0.func0 \[\] -> \[\] component-instance1 utf8/,
  );
  assert.match(text, /trampoline1 always-trap cannot_enter_component/, "parent to child");
  assert.match(text, /trampoline2 always-trap cannot_enter_component/, "child to parent");
});

const refused: readonly (readonly [string, string, RegExp])[] = [
  [
    "flat values of functions that are called asynchronously",
    `(component (import "f" (func $f async)) (core func (canon lower (func $f) async)))`,
    /unsupported .*`canon lower` of `f` with `async` and the host ABI `dynamic`/,
  ],
  [
    "streams",
    `(component (import "f" (func $f (param "s" (stream u8)))) (core func (canon lower (func $f))))`,
    /unsupported .*`stream`/,
  ],
  [
    "asynchronous built-ins",
    `(component (core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
      (core func (canon error-context.new (memory (core memory $i "m")))))`,
    /unsupported .*the canonical built-in `error-context.new`/,
  ],
  [
    "imported modules",
    `(component (import "m" (core module)))`,
    /unsupported .*core modules that the root component imports/,
  ],
  [
    "exported imports that are not flat",
    `(component (import "f" (func $f (param "s" string))) (export "g" (func $f)))`,
    /unsupported .*export `g`: an imported function whose values are not all flat/,
  ],
];

for (const [name, text, message] of refused) {
  test(`refused by name: ${name}`, async () => {
    const component = check(await assemble(text));
    assert.match(
      refusal(() => translate(component)),
      message,
    );
  });
}

test("real components", { skip: !existsSync(SHARED_COMPONENTS) }, () => {
  for (const file of readdirSync(SHARED_COMPONENTS).filter((f) => f.endsWith(".wasm"))) {
    const bytes = readFileSync(join(SHARED_COMPONENTS, file));
    const plan = planOf(bytes);
    assert.equal(printPlan(plan), printPlan(planOf(bytes)), file);
  }
});
