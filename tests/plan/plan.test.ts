import assert from "node:assert/strict";
import { test } from "node:test";
import { InternalError } from "../../src/base/diagnostics.ts";
import { PrimaryMap } from "../../src/base/entity.ts";
import type { Component } from "../../src/plan/component.ts";
import { printPlan } from "../../src/plan/print.ts";
import { resolveFunc, signatureOf } from "../../src/plan/signatures.ts";
import { summarizePlan } from "../../src/plan/summary.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { witFunc } from "../../src/plan/wit.ts";
import { GREETER, planOfText } from "../support/components.ts";

const plan = await planOfText(GREETER);

test("the printed plan", () => {
  const text = printPlan(plan);
  for (const line of [
    '  component-instance1 "component 0" in 0',
    '  import0 "hello:city/logger@0.1.0 log" func(text: string)',
    '  import1 "hello:city/logger@0.1.0 [method]sink.put" func(self: borrow<sink>, x: u32) -> u32',
    "  lowered0 import0 [i32 i32] -> [] host dynamic component-instance0 utf8 memory0",
    "  trampoline0 resource-drop resource0 component-instance0",
    "  memory0 instance0.memory0 1, guarded, at most 4294967296 bytes",
    "  table0 instance1.table0 4 8 funcref, at most 8 elements",
    '    func2 "host drop" = trampoline0',
    '    export "greet" func(name: string) -> string',
    "      lift instance1.func3 [i32 i32] -> [i32] component-instance0 utf8 memory0 realloc=instance0.func0 post-return=instance1.func4",
  ]) {
    assert(text.includes(`${line}\n`), `${line}\nis not in\n${text}`);
  }
});

test("the summary is plain data", () => {
  const summary = summarizePlan(plan);
  assert.deepEqual(JSON.parse(JSON.stringify(summary)), summary);
  assert.deepEqual(summary.imports[0], {
    path: ["hello:city/logger@0.1.0", "log"],
    type: "func(text: string)",
    lowerings: [{ index: 0, coreType: "[i32 i32] -> []", callee: "dynamic", stringEncoding: "utf8" }],
  });
  assert.deepEqual(summary.exports, [
    {
      kind: "instance",
      name: "hello:city/greeter@0.1.0",
      items: [{ kind: "func", name: "greet", type: "func(name: string) -> string", coreType: "[i32 i32] -> [i32]" }],
    },
  ]);
});

test("functions of a module's index space and their signatures", () => {
  const [, main] = [...plan.instances.keys()];
  assert(main !== undefined);
  assert.deepEqual(resolveFunc(plan, main, 0), { kind: "lowered", index: 0 });
  assert.deepEqual(resolveFunc(plan, main, 3), { kind: "wasm", instance: main, func: 3 });
  const lowered = signatureOf(plan, resolveFunc(plan, main, 0));
  assert.equal(lowered, plan.lowerings.values()[0]?.signatureIndex);
  assert.equal(signatureOf(plan, { kind: "intrinsic", name: "x" }), undefined);
});

test("long types are cut off", async () => {
  const types = Array.from({ length: 15 }, (_, i) => `(type $t${i + 1} (tuple $t${i} $t${i}))`).join(" ");
  const large = await planOfText(`(component (type $t0 (tuple u8 u8)) ${types}
    (import "f" (func $f (param "p" $t15))) (core module $m (memory (export "m") 1)) (core instance $i (instantiate $m))
    (core func (canon lower (func $f) (memory (core memory $i "m")))))`);
  const [imported] = large.imports.values();
  assert(imported !== undefined);
  const text = witFunc(large.types, imported.type, () => "r");
  assert(text.length < 10_000 && text.includes("…"));
});

/** A table with its row `index` changed. */
function changed<V>(table: { values(): readonly V[] }, index: number, change: (row: V) => V) {
  return new PrimaryMap<never, V>(table.values().map((row, i) => (i === index ? change(row) : row)));
}

/** [the rule that is broken, the broken plan, words of the complaint] */
const broken: readonly (readonly [string, () => Component, RegExp])[] = [
  [
    "an import less than the module has",
    () => ({ ...plan, instances: changed(plan.instances, 1, (row) => ({ ...row, imports: row.imports.slice(1) })) }),
    /imported functions: found 2, the module has 3/,
  ],
  [
    "imports of another signature",
    () => ({
      ...plan,
      instances: changed(plan.instances, 1, (row) => ({ ...row, imports: [...row.imports].reverse() })),
    }),
    /host log has another signature/,
  ],
  [
    "an intrinsic in a guest",
    () => ({
      ...plan,
      instances: changed(plan.instances, 1, (row) => ({
        ...row,
        imports: row.imports.map(() => ({ kind: "intrinsic", name: "syscall" })),
      })),
    }),
    /is an intrinsic/,
  ],
  [
    "an order that uses what comes later",
    () => ({ ...plan, initializers: [...plan.initializers].reverse() }),
    /which comes later/,
  ],
  [
    "an instance that is never made",
    () => ({ ...plan, initializers: plan.initializers.slice(0, 1) }),
    /never instantiated/,
  ],
  [
    "an instance that is made twice",
    () => ({ ...plan, initializers: [...plan.initializers, ...plan.initializers.slice(1)] }),
    /instantiated twice/,
  ],
  [
    "a memory elsewhere",
    () => ({ ...plan, memories: changed(plan.memories, 0, (row) => ({ ...row, index: 1 })) }),
    /not where its definition says/,
  ],
  [
    "a memory that starts too large",
    () => ({ ...plan, memories: changed(plan.memories, 0, (row) => ({ ...row, maxBytes: 4 })) }),
    /starts larger/,
  ],
  [
    "a table that starts too large",
    () => ({ ...plan, tables: changed(plan.tables, 0, (row) => ({ ...row, maxElements: 3 })) }),
    /starts larger/,
  ],
  [
    "a lowering that is not flattened",
    () => ({
      ...plan,
      lowerings: changed(plan.lowerings, 0, (row) => ({ ...row, signature: { ...row.signature, params: [] } })),
    }),
    /not the flattening of its type/,
  ],
  [
    "a lowering without memory",
    () => ({
      ...plan,
      lowerings: changed(plan.lowerings, 0, (row) => ({ ...row, options: { ...row.options, memory: undefined } })),
    }),
    /need a memory/,
  ],
  [
    "a representation of a host's resource",
    () => ({
      ...plan,
      trampolines: changed(plan.trampolines, 0, (row) =>
        row.kind === "resource-drop" ? { ...row, kind: "resource-rep" } : row,
      ),
    }),
    /only the component that defines a resource/,
  ],
  [
    "modules of one name",
    () => ({ ...plan, modules: changed(plan.modules, 0, (row) => ({ ...row, name: "main" })) }),
    /not unique/,
  ],
  ["no imports at all", () => ({ ...plan, imports: new PrimaryMap() }), /index 0 is not in a table of 0/],
  ["no host resources", () => ({ ...plan, resources: new PrimaryMap() }), /is not in a table/],
  ["a built-in that is not trusted", () => ({ ...plan, builtin: [...plan.instances.keys()][0] }), /not trusted/],
];

const ADAPTER = `(component
  (component $a
    (core module $m (memory (export "m") 1)
      (func (export "f") (param i32 i32)) (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0))
    (core instance $i (instantiate $m))
    (func $f (param "s" string)
      (canon lift (core func $i "f") (memory (core memory $i "m")) (realloc (core func $i "r"))))
    (export "f" (func $f)))
  (component $b
    (import "f" (func $f (param "s" string)))
    (core module $l (memory (export "m") 1))
    (core instance $i (instantiate $l))
    (core func $g (canon lower (func $f) (memory (core memory $i "m")))))
  (instance $x (instantiate $a))
  (instance (instantiate $b (with "f" (func $x "f")))))`;

test("the verifier looks into adapters", async () => {
  const good = await planOfText(ADAPTER);
  const [first] = good.trampolines.values();
  assert(first?.kind === "adapter");
  const fails = (row: typeof first, message: RegExp): void => {
    const trampolines = changed(good.trampolines, 0, () => row);
    assert.throws(
      () => verifyPlan({ ...good, trampolines }),
      (error) => error instanceof InternalError && message.test(error.message),
    );
  };
  fails({ ...first, signature: { ...first.signature, params: [] } }, /not the flattening of its type/);
  fails({ ...first, options: { ...first.options, memory: undefined } }, /need a memory/);
  const { callee } = first;
  fails({ ...first, callee: { ...callee, options: { ...callee.options, realloc: undefined } } }, /need a `realloc`/);
  fails({ ...first, options: { ...first.options, instance: callee.options.instance } }, /its own instance/);
});

test("the verifier accepts the plan", () => {
  verifyPlan(plan);
});

for (const [rule, make, message] of broken) {
  test(`the verifier sees ${rule}`, () => {
    assert.throws(
      () => verifyPlan(make()),
      (error) => error instanceof InternalError && message.test(error.message),
    );
  });
}
