/** Core modules as the input: values of every type both ways, memories, tables, globals, references; names; what is refused. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { CompileOptions } from "../../src/driver/compile.ts";
import { compile } from "../support/sandbox.ts";
import { describeCoreApi } from "../../src/frontend/core-api.ts";
import { translateCoreModule } from "../../src/translate/core-module.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { inspect } from "../../src/driver/inspect.ts";
import { verify } from "../../src/verify/verify.ts";
import { verifyPlan } from "../../src/plan/verify.ts";
import { findTool, runTool } from "../support/tools.ts";
import { windlass } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();

const VARIANTS = {
  usual: { hostAbi: "typed" },
  "explicit bounds": { hostAbi: "typed", bounds: "explicit" },
  "not optimized": { hostAbi: "typed", optLevel: 0 },
} as const;

describe("a host of a core module", () => {
  for (const [variant, options] of Object.entries(VARIANTS)) {
    test(variant, { skip: noHost }, async () => {
      const { component } = await hosts.object(`math ${variant}`, await ownComponent("core"), {
        ...options,
        name: "math",
      });
      verifyPlan(component);
      const program = hosts.program({ sources: ["core.c"], objects: [`math ${variant}`] });
      const { stdout, stderr, status } = hosts.run(program);
      assert.equal(stderr, "");
      assert.match(
        stdout,
        /^wasm trap: host function not provided\nwasm backtrace:\n {4}0: math\/import0::env#log\n {4}1: math\/math::log \(offset 0x[0-9a-f]+\)\nwasm trap: out of bounds memory access\nwasm backtrace:\n {4}0: math\/math::peek \(offset 0x[0-9a-f]+\)\nok\n$/,
      );
      assert.equal(status, 0);
    });
  }

  test("its code stays inside", async () => {
    const { bytes } = await hosts.object("math usual", await ownComponent("core"), { hostAbi: "typed", name: "math" });
    const report = await verify(bytes);
    assert.deepEqual(report.problems, []);
    assert.ok(report.functions >= 20);
  });

  for (const compiler of ["gcc", "clang", "g++", "clang++"]) {
    test(`its header compiles with ${compiler} without a warning`, { skip: without(compiler) }, async () => {
      await hosts.object("math usual", await ownComponent("core"), { hostAbi: "typed", name: "math" });
      const isCpp = compiler.includes("++");
      const source = join(hosts.folder, `core-${compiler}.${isCpp ? "cpp" : "c"}`);
      writeFileSync(source, `#include "math usual/math.h"\nint main(void) { return 0; }\n`);
      const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wconversion", "-Wshadow", "-fsyntax-only"];
      assert.equal(runTool(findTool(compiler) ?? "", [isCpp ? "-std=c++17" : "-std=c11", ...flags, source]), "");
    });
  }
});

test("names that are all the same take no time to tell apart", async () => {
  const count = 20_000;
  const imports = Array.from({ length: count }, (_, i) => `(import "m" "${"-".repeat((i % 50) + 1)}${i}" (func))`);
  const exports = Array.from({ length: count }, (_, i) => `(export "${String.fromCodePoint(0x300 + i)}${i}" (func 0))`);
  const alike = Array.from(
    { length: 5000 },
    (_, i) => `(export "${"+".repeat(i % 70)}${"*".repeat(Math.floor(i / 70))}" (func 0))`,
  );
  const bytes = await assemble(`(module ${imports.join("")} ${exports.join("")} ${alike.join("")})`);
  const component = translateCoreModule(decodeModule(bytes), { bounds: "guard", executable: false });
  const core = describeCoreApi(component, []);
  assert.equal(new Set(core.functions.map((f) => f.name)).size, count + 5000);
  assert.equal(new Set(core.groups[0]?.members.map((m) => m.name)).size, count);
});

test("inspect shows what a core module shares", async () => {
  const report = await inspect(await ownComponent("core"), "core", false);
  assert.ok(report.kind === "component");
  assert.deepEqual(report.plan.core?.imports.slice(0, 3), [
    { path: ["env", "log"], kind: "func", type: "[i32 i64 f32 f64] -> [i32]" },
    {
      path: ["env", "many"],
      kind: "func",
      type: "[i32 i32 i32 i32 i32 i32 i32 v128 f32] -> [i32 i64 f32 f64 v128]",
    },
    { path: ["env", "base"], kind: "global", type: "i32" },
  ]);
  assert.deepEqual(report.plan.core?.exports[0], { path: ["memory"], kind: "memory", type: "1 3" });
  const { bytes } = await compile(await ownComponent("core"), { output: "object" });
  const object = await inspect(bytes, "core", false);
  assert.ok(object.kind === "object");
  assert.deepEqual(object.info.imports?.at(-1), { path: ["env", "again"], type: "core func", core: "[i32] -> []" });
});

describe("what has no form in C is refused by name", () => {
  const cases: readonly (readonly [string, string, RegExp])[] = [
    [
      "a typed reference",
      '(module (type $f (func)) (func (export "a") (param (ref null $f))))',
      /export `a`: values of type \(ref null 0\)/,
    ],
    [
      "a reference that is not null",
      '(module (import "m" "f" (func (param (ref func)))))',
      /import `m f`: values of type \(ref func\)/,
    ],
    ["a tag", '(module (import "m" "t" (tag)))', /import `m t`: tags of the host/],
    ["a table of them", '(module (type $f (func)) (table (export "t") 1 (ref null $f)))', /export `t`: values of type/],
  ];
  for (const [what, text, message] of cases) {
    test(what, async () => {
      await assert.rejects(compile(await assemble(text), { output: "object" }), message);
    });
  }
});

test("a host ABI can't be chosen", async () => {
  const bytes = await assemble('(module (import "m" "f" (func)))');
  const refused = (options: Partial<CompileOptions>) =>
    assert.rejects(compile(bytes, { output: "object", ...options }), /core types/);
  await refused({ importAbis: [["m", "flat"]] });
  await refused({ hostAbi: "dynamic" });
});

describe("core modules as executables", () => {
  const file = (name: string): string => join(hosts.folder, name);
  const run = async (name: string, text: string) => {
    writeFileSync(file(name), await assemble(text));
    const built = windlass(["build", file(name), "-o", file(`${name}.exe`), "-q"]);
    return built.status === 0 ? hosts.run(file(`${name}.exe`)) : built;
  };
  test("`_start` is run", { skip: noHost }, async () => {
    const ok = await run(
      "ok.wasm",
      '(module (memory 1) (func (export "_start") (i32.store (i32.const 8) (i32.const 1))))',
    );
    assert.deepEqual(ok, { status: 0, signal: null, stdout: "", stderr: "" });
    const trap = await run(
      "trap.wasm",
      '(module (func (export "other") (param i32)) (func (export "_start") unreachable))',
    );
    assert.equal(trap.status, 134);
    assert.match(trap.stderr, /^wasm trap: unreachable\nwasm backtrace:\n {4}0: trap\/core0::_start/);
  });
  test("imports are refused by name", { skip: noHost }, async () => {
    const preview1 = await run(
      "p1.wasm",
      '(module (import "wasi_snapshot_preview1" "proc_exit" (func (param i32))) (func (export "_start")))',
    );
    assert.equal(preview1.status, 1);
    assert.match(
      preview1.stderr,
      /unlinkable module .*`wasi_snapshot_preview1 proc_exit`: WASI preview 1 is not built in/,
    );
    const env = await run("env.wasm", '(module (import "env" "f" (func)) (func (export "_start")))');
    assert.match(env.stderr, /import `env f`: an executable has no host/);
    const none = await run("none.wasm", '(module (func (export "main")))');
    assert.match(none.stderr, /it exports no function `_start`/);
  });
});
