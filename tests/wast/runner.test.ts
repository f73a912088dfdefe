/** The conformance runner tells right from wrong: scripts whose outcomes are known, form by form. */

import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type TestContext, test } from "node:test";
import { needX64Linux, scratchFolder } from "../support/tools.ts";
import { parseWast } from "../support/wast.ts";
import { ROOT } from "../support/windlass.ts";
import type { ScriptOptions } from "./outcome.ts";
import { runScript, scriptFiles } from "./run.ts";
import { SKIPS } from "./skips.ts";
import { runScripts } from "./workers.ts";

const OPTIONS: ScriptOptions = { optLevel: 2, bounds: "guard", verify: true, timeout: 20_000 };

async function run(t: TestContext, script: string, options: Partial<ScriptOptions> = {}) {
  const file = join(scratchFolder(t), "script.wast");
  writeFileSync(file, script);
  return (await runScript(file, { ...OPTIONS, ...options })).outcomes;
}

async function messages(t: TestContext, script: string, options?: Partial<ScriptOptions>): Promise<string[]> {
  return (await run(t, script, options)).map(({ verdict, message }) => (verdict === "passed" ? verdict : message));
}

test("results are compared bit by bit", async (t) => {
  if (!needX64Linux(t)) return;
  const found = await messages(
    t,
    `(module
      (func (export "f") (result i32 f32 f64) (i32.const -1) (f32.const -0) (f64.div (f64.const 0) (f64.const 0)))
      (func (export "id") (param externref) (result externref) (local.get 0))
      (func (export "null") (result funcref) (ref.null func))
      (global (export "g") i64 (i64.const 7)))
    (assert_return (invoke "f") (i32.const 0xffffffff) (f32.const -0) (f64.const nan:canonical))
    (assert_return (invoke "f") (i32.const 0xffffffff) (f32.const 0) (f64.const nan:canonical))
    (assert_return (invoke "f") (i32.const -1) (f32.const -0))
    (assert_return (invoke "f") (either (i32.const 2) (i32.const -1)) (f32.const -0) (f64.const nan:arithmetic))
    (assert_return (invoke "id" (ref.extern 3)) (ref.extern 3))
    (assert_return (invoke "id" (ref.extern 3)) (ref.extern 4))
    (assert_return (invoke "id" (ref.null extern)) (ref.null))
    (assert_return (invoke "null") (ref.func))
    (assert_return (get "g") (i64.const 7))
    (assert_return (get "g") (i64.const 8))
    (assert_trap (invoke "f") "unreachable")`,
  );
  const nan = found[2]?.split(" ").at(-1) ?? "";
  assert.match(nan, /^0x[7f]ff8000000000000$/);
  assert.deepEqual(found, [
    "passed",
    "passed",
    `f: gives 0xffffffff 0x80000000 ${nan}`,
    `f: gives 0xffffffff 0x80000000 ${nan}`,
    "passed",
    "passed",
    "id: gives 0x4",
    "passed",
    "null: gives 0x0",
    "passed",
    "gives 0x7",
    "f: does not trap",
  ]);
});

test("traps, linking and instantiation", async (t) => {
  if (!needX64Linux(t)) return;
  const found = await messages(
    t,
    `(module $A (table (export "t") 2 funcref) (memory (export "m") 1 3)
      (func (export "grow") (result i32) (memory.grow (i32.const 1)))
      (func (export "call") (param i32) (result i32) (call_indirect (result i32) (local.get 0)))
      (func (export "rec") (call 2)))
    (register "A" $A)
    (assert_trap (invoke "call" (i32.const 0)) "uninitialized element")
    (assert_trap (invoke "call" (i32.const 0)) "undefined element")
    (assert_exhaustion (invoke "rec") "call stack exhausted")
    (assert_trap (module (import "A" "t" (table 2 funcref)) (elem (i32.const 0) $f)
      (func $f (result i32) (i32.const 9)) (memory 0) (data (i32.const 0) "x")) "out of bounds memory access")
    (assert_return (invoke $A "call" (i32.const 0)) (i32.const 9))
    (assert_unlinkable (module (import "A" "m" (memory 2))) "incompatible import type")
    (assert_unlinkable (module (import "A" "m" (memory 1))) "incompatible import type")
    (assert_unlinkable (module (import "A" "nothing" (func))) "unknown import")
    (module (import "A" "m" (memory 2)))
    (invoke $A "grow")
    (module (import "A" "m" (memory 2)))
    (module (import "spectest" "print_i32" (func $p (param i32))) (func $s (call $p (i32.const 1))) (start $s))
    (module definition $D (global $g (mut i32) (i32.const 0)) (func (export "n") (result i32)
      (global.set $g (i32.add (global.get $g) (i32.const 1))) (global.get $g)))
    (module instance $d1 $D)
    (module instance $d2 $D)
    (invoke $d1 "n")
    (assert_return (invoke $d1 "n") (i32.const 2))
    (assert_return (invoke $d2 "n") (i32.const 1))
    (assert_invalid (module (func (result i32))) "type mismatch")
    (assert_invalid (module (func)) "type mismatch")
    (assert_malformed (module quote "(func") "unclosed")
    (assert_malformed (module binary "\\00asm") "unexpected end")`,
  );
  assert.deepEqual(found, [
    "passed",
    "passed",
    "call: traps: uninitialized element, expected: undefined element",
    "passed",
    "passed",
    "passed",
    "passed",
    "is linked",
    "passed",
    "unlinkable: the imported memory is too small",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "passed",
    "is accepted, expected: type mismatch",
    "passed",
    "passed",
  ]);
});

test("what hangs fails its script and no other; what needs garbage collection is skipped", async (t) => {
  if (!needX64Linux(t)) return;
  const hang = await run(
    t,
    `(module (func (export "hang") (loop (br 0))) (func (export "ok")))
     (assert_return (invoke "ok")) (assert_return (invoke "hang")) (assert_return (invoke "ok"))`,
    { timeout: 500 },
  );
  assert.deepEqual(
    hang.map((o) => [o.verdict, o.message]),
    [
      ["passed", ""],
      ["passed", ""],
      ["failed", "the program failed: no answer after 0.5 s"],
      ["failed", "the program failed: no answer after 0.5 s"],
    ],
  );
  const gc = await run(t, `(module (type (struct)) (func (export "f"))) (assert_return (invoke "f"))`);
  assert.deepEqual(
    gc.map((o) => o.verdict),
    ["skipped", "skipped"],
  );
});

test("a script that does not end fails, and the others run", async (t) => {
  if (!needX64Linux(t)) return;
  const folder = scratchFolder(t);
  const files = ["a", "b", "c"].map((name) => join(folder, `${name}.wast`));
  const [a = "", b = "", c = ""] = files;
  writeFileSync(a, "(module)");
  writeFileSync(b, `(module (func (export "hang") (loop (br 0)))) (invoke "hang")`);
  writeFileSync(c, `(module (func (export "f"))) (invoke "f")`);
  const found: string[][] = [];
  await runScripts(files, { ...OPTIONS, timeout: 120_000 }, 1, 12_000, ({ outcomes }) => {
    found.push(outcomes.map((o) => (o.verdict === "passed" ? o.verdict : o.message)));
  });
  assert.deepEqual(found, [["passed"], ["the script does not end in 12 s"], ["passed", "passed"]]);
});

test("a component's values go in and come out", async (t) => {
  if (!needX64Linux(t)) return;
  const found = await messages(
    t,
    `(component
      (core module $M
        (memory (export "mem") 1)
        (global $top (mut i32) (i32.const 64))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
          (global.set $top (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
          (global.get $top)
          (global.set $top (i32.add (global.get $top) (local.get 3))))
        (func (export "id") (param i32 i32) (result i32)
          (i32.store (i32.const 0) (local.get 0)) (i32.store (i32.const 4) (local.get 1)) (i32.const 0))
        (func (export "fail") unreachable)
        (func (export "not") (param i32) (result i32) (i32.eqz (local.get 0))))
      (core instance $m (instantiate $M))
      (type $r (tuple string (option u16) (list s8)))
      (func (export "strings") (param "x" (list $r)) (result (list $r))
        (canon lift (core func $m "id") (memory (core memory $m "mem")) (realloc (core func $m "realloc"))))
      (func (export "not") (param "x" bool) (result bool) (canon lift (core func $m "not")))
      (func (export "fail") (canon lift (core func $m "fail"))))
    (assert_return (invoke "strings"
      (list.const (tuple.const (str.const "ö☃") (option.some (u16.const 65535)) (list.const (s8.const -3)))
                  (tuple.const (str.const "") (option.none) (list.const))))
      (list.const (tuple.const (str.const "ö☃") (option.some (u16.const 65535)) (list.const (s8.const -3)))
                  (tuple.const (str.const "") (option.none) (list.const))))
    (assert_return (invoke "strings" (list.const)) (list.const (tuple.const (str.const "") (option.none) (list.const))))
    (assert_return (invoke "not" (bool.const true)) (bool.const false))
    (assert_return (invoke "not" (bool.const true)) (bool.const true))
    (assert_trap (invoke "fail") "wasm trap: wasm \`unreachable\` instruction executed")
    (assert_trap (invoke "not" (bool.const true)) "cannot enter component instance")
    (assert_invalid (component (export "x" (func 0))) "unknown function")`,
  );
  assert.deepEqual(found, [
    "passed",
    "passed",
    "strings: gives ()",
    "passed",
    "not: gives false",
    "passed",
    "passed",
    "passed",
  ]);
});

test("a lifted rule must not hold any more; what the assembler can't read is malformed, but not invalid", async (t) => {
  if (!needX64Linux(t)) return;
  const script = `(assert_invalid (module (memory 1) (memory 1)) "multiple memories")
(assert_invalid (module (func (result i32))) "type mismatch")
(assert_malformed (module quote "(func (nonsense))") "unknown operator")
(assert_invalid (module (func (nonsense))) "type mismatch")`;
  const verdicts = async (lifted: readonly number[]): Promise<string[]> =>
    (await run(t, script, { lifted: new Set(lifted) })).map(({ verdict }) => verdict);
  assert.deepEqual(await verdicts([]), ["failed", "passed", "passed", "skipped"]);
  assert.deepEqual(await verdicts([1, 2]), ["passed", "failed", "passed", "skipped"]);
});

test("what is listed as skipped is little, but in scripts about garbage collection", (t) => {
  const suite = resolve(ROOT, "../shared/testsuite");
  if (!existsSync(suite)) return t.skip("the test suite is not there");
  const counts = { forms: 0, skipped: 0 };
  for (const file of scriptFiles(join(suite, "core"))) {
    const name = file.slice(suite.length + 1);
    const forms = parseWast(readFileSync(file, "utf8")).length;
    const skipped = SKIPS.find((s) => s.file === name)?.forms ?? 0;
    assert.ok(skipped <= forms, name);
    if (skipped > forms / 4) continue;
    counts.forms += forms;
    counts.skipped += skipped;
  }
  assert.ok(counts.forms > 60_000, `only ${counts.forms} forms`);
  assert.ok(counts.skipped <= counts.forms / 100, `${counts.skipped} of ${counts.forms}`);
  return undefined;
});
