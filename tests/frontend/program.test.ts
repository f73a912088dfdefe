/** What a program consists of: order, names, reachability, determinism; every function of it verifies. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeComponent } from "../../src/component/decode.ts";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { buildCode, buildFunction } from "../../src/frontend/build.ts";
import { dataBytes, entryRange, funcrefBytes, hasUnwindInfo } from "../../src/frontend/link-data.ts";
import { CScope, cIdentifier, cMembers, cNames, symbolPart } from "../../src/frontend/names.ts";
import { enumerateProgram, type Program } from "../../src/frontend/program.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { translate } from "../../src/translate/translate.ts";
import { assemble } from "../support/wat.ts";
import { fakeLayout, NO_ROWS, programOf } from "./world.ts";

const COMPONENT = `
(component $root
  (import "acme:greeter/log@1.2.3" (instance $log
    (export "write" (func (param "x" u32)))
    (export "int" (func))))
  (alias export $log "write" (func $write))
  (core func $lowered (canon lower (func $write)))
  (core module $m
    (import "" "write" (func $write (param i32)))
    (memory (export "memory") 1)
    (table 4 4 funcref)
    (elem (i32.const 0) func $in-table)
    (elem declare func $declared)
    (func $in-table)
    (func $declared)
    (func $called (call $write (i32.const 1)))
    (func $unreachable (call $also-unreachable))
    (func $also-unreachable)
    (func $from-start (drop (ref.func $declared)))
    (start $from-start)
    (func (export "a") (call $called)))
  (core instance $i (instantiate $m (with "" (instance (export "write" (func $lowered))))))
  (core instance $j (instantiate $m (with "" (instance (export "write" (func $lowered))))))
  (func $a (canon lift (core func $i "a")))
  (func $b (canon lift (core func $j "a")))
  (instance $x (export "run-it" (func $a)))
  (export "acme:one/api@1.0.0" (instance $x))
  (export "acme:two/api@1.0.0" (instance $x))
  (export "new" (func $b)))
`;

function verifyAll(program: Program): number {
  let built = 0;
  for (const symbol of program.functions.keys()) {
    const code = buildCode(program, symbol);
    if (code.kind !== "ir") continue;
    assert.deepEqual(verifyFunc(code.func), [], program.functions.get(symbol).name);
    built++;
  }
  return built;
}

test("order of the text, names, reachability", async () => {
  const program = await programOf(COMPONENT);
  const functions = program.functions.values();
  assert.equal(functions[0]?.name, "test/support::raise");
  const order = ["support", "entry", "api", "instantiate", "trampoline", "wasm"];
  const room = (kind: string): string =>
    /^(support|restorer|memory-grow|table-grow)$/.test(kind)
      ? "support"
      : /entry|enter/.test(kind)
        ? "entry"
        : /^(api|memory-accessor)$/.test(kind)
          ? "api"
          : /^instantiate/.test(kind)
            ? "instantiate"
            : kind === "wasm"
              ? "wasm"
              : "trampoline";
  const rooms = functions.map((f) => order.indexOf(room(f.kind.kind)));
  assert.deepEqual(
    rooms,
    [...rooms].sort((a, b) => a - b),
  );
  functions.forEach((f, i) => {
    assert.equal(room(f.kind.kind) === "entry", i >= program.entries.first && i < program.entries.end, f.name);
    assert.ok(!f.name.includes("@"), f.name);
  });
  const wasm = functions.filter((f) => f.kind.kind === "wasm").map((f) => f.name);
  const one = ["in-table", "declared", "called", "from-start", "a"];
  assert.deepEqual(wasm.map((n) => n.replace(/^test\/[^:]*::/, "")).sort(), [...one, ...one].sort());
  assert.equal(new Set(wasm).size, wasm.length, "the second instance has names of its own");
  assert.deepEqual(
    functions.filter((f) => f.global).map((f) => f.name),
    [
      "test_acme_one_api_run_it",
      "test_acme_two_api_run_it",
      "test_new_2",
      "test_new",
      "test_delete",
      "test_last_trap",
      "test_user",
      "test_fail",
    ],
  );
  assert.ok(functions.some((f) => f.name === "test/lowered0::acme:greeter/log-1.2.3#write"));
  assert.deepEqual(
    program.api.imports.map((i) => [i.name, i.offset, i.path]),
    [["log_write", 0, ["acme:greeter/log@1.2.3", "write"]]],
  );
  assert.ok(verifyAll(program) > 30);
});

test("two programs of one component are the same, with and without the scan", async () => {
  const program = await programOf(COMPONENT);
  const again = enumerateProgram(program.component, program.options);
  const told = enumerateProgram(program.component, {
    ...program.options,
    reachable: program.reachable,
    facts: program.facts,
  });
  const modules = program.component.modules.values().map(({ module }) => module);
  const validated = new Map(modules.map((module) => [module, validateModule(module)]));
  const spared = enumerateProgram(program.component, { ...program.options, validated });
  assert.ok([...validated.values()].some(({ mentions }) => mentions.some((functions) => functions !== undefined)));
  for (const other of [again, told, spared]) {
    assert.deepEqual(
      other.functions.values().map((f) => f.name),
      program.functions.values().map((f) => f.name),
    );
    assert.deepEqual(other.data.values(), program.data.values());
    for (const symbol of program.functions.keys()) {
      if (!hasUnwindInfo(program, symbol)) continue;
      assert.equal(printFunc(buildFunction(other, symbol)), printFunc(buildFunction(program, symbol)));
    }
  }
});

test("data that follows from the layout", async () => {
  const program = await programOf(COMPONENT);
  const layout = fakeLayout(program);
  const image = [...program.data.entries()].find(([, d]) => d.content.kind === "funcrefs");
  assert.ok(image !== undefined && image[1].content.kind === "funcrefs");
  const [symbol, { content }] = image;
  const bytes = dataBytes(program, symbol, layout);
  const view = new DataView(bytes.buffer);
  assert.equal(bytes.length, 8);
  assert.equal(view.getUint32(0, true), 16 * (content.functions[0] ?? 0));
  assert.ok(view.getUint32(4, true) > 0);
  assert.deepEqual(funcrefBytes(Int32Array.of(-1), Uint32Array.of(0), layout), new Uint8Array(8));
  const range = entryRange(program, layout);
  assert.equal(range.start, 16 * program.entries.first);
  assert.equal(range.end, 16 * program.entries.end);
  assert.throws(() => dataBytes(program, program.signalState, layout), /writable/);
  const rows = {
    ...NO_ROWS,
    trapOffset: Uint32Array.of(4, 2),
    trapCode: new Uint8Array(2),
    trapLoc: new Uint32Array(2),
  };
  assert.throws(() => layout.rows.add(0, rows), /not ascending/);
});

test("names", () => {
  assert.equal(symbolPart("a@1.0\u0007b"), "a-1.0_b");
  assert.ok(symbolPart("x".repeat(10_000)).length <= 400);
  assert.equal(cIdentifier("[method]output-stream.write"), "method_output_stream_write");
  assert.deepEqual(cNames([["a:b/log@1.0.0", "f"]], new CScope()), ["log_f"]);
  assert.deepEqual(cNames([["a:b/log@1.0.0", "f"], ["a:c/log", "f"], ["g"]], new CScope()), [
    "a_b_log_f",
    "a_c_log_f",
    "g",
  ]);
  assert.deepEqual(
    cNames(
      [
        ["a:b/log@1.0.0", "f"],
        ["a:b/log@2.0.0", "f"],
      ],
      new CScope(),
    ),
    ["a_b_log_1_0_0_f", "a_b_log_2_0_0_f"],
  );
  assert.deepEqual(cNames([["f"], ["f-post"]], new CScope(), ["", "_post"]), ["f", "f_post_2"]);
  // A number stands before the suffix, and goes around those who are called so.
  const scope = new CScope(["string_t"]);
  assert.deepEqual(cNames([["string"], ["string-2"]], scope, ["_t"]), ["string_3", "string_2"]);
  assert.equal(scope.number("string", ["_t"]), "string_4");
  assert.equal(scope.pick("string_2_t"), "string_2_t_");
  assert.deepEqual(cMembers([["int"], ["1a"]]), ["int_2", "f_1a"]);
});

test("a call of an intrinsic that does not exist is refused", async () => {
  const program = await programOf(COMPONENT);
  const { expandIntrinsic } = await import("../../src/frontend/intrinsics.ts");
  const { startFunction } = await import("../../src/ir/builder.ts");
  const { I64 } = await import("../../src/ir/types.ts");
  const { builder, params } = startFunction(
    "f",
    { params: [I64], results: [], convention: "wasm" },
    { stackCheck: false, entry: false },
  );
  for (const name of ["nothing", "toString", "syscall", "resource_new", "startup x"]) {
    assert.throws(() => expandIntrinsic(program, builder, name, params), WindlassError, name);
  }
  assert.equal(expandIntrinsic(program, builder, "startup", params).length, 1);
});

const SHARED = join(import.meta.dirname, "../../../shared/components");
const RUNTIME = join(import.meta.dirname, "../../dist/runtime/wasi.wasm");

test("settings of the built-in WASI", async (t) => {
  if (!existsSync(RUNTIME)) return t.skip("the run-time side is not built");
  const bytes = await assemble(`
    (component
      (import "wasi:cli/environment@0.2.0" (instance $env (export "initial-cwd" (func (result (option string))))))
      (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) i32.const 0))
      (core instance $m (instantiate $m))
      (alias export $env "initial-cwd" (func $f))
      (core func (canon lower (func $f) (memory (core memory $m "m")) (realloc (core func $m "r")))))`);
  const component = translate(decodeComponent(bytes), { builtin: { bytes: new Uint8Array(readFileSync(RUNTIME)) } });
  const options = { name: "it", prefix: "it", output: "object" } as const;
  const plain = enumerateProgram(component, options);
  assert.equal(plain.configuration, undefined);
  const program = enumerateProgram(component, {
    ...options,
    configuration: ["WINDLASS_ENV_A=b", "WINDLASS_INHERIT_ENV=1"],
  });
  assert.ok(program.configuration !== undefined);
  const text = "WINDLASS_ENV_A=b\0WINDLASS_INHERIT_ENV=1\0";
  const block = dataBytes(program, program.configuration.symbol, fakeLayout(program));
  assert.equal(new DataView(block.buffer, block.byteOffset).getUint32(0, true), text.length);
  assert.equal(new TextDecoder().decode(block.subarray(4)), text);
  assert.ok(program.functions.find({ kind: "enter-drop" }) !== undefined);
  verifyAll(program);
  const refused = (configuration: string[]): (() => Program) => {
    return () => enumerateProgram(component, { ...options, configuration });
  };
  assert.throws(refused([`WINDLASS_ENV_A=${"x".repeat(1 << 20)}`]), WindlassError);
  assert.throws(refused(["a\0b"]), WindlassError);
  return undefined;
});

test("every function of real components verifies", (t) => {
  if (!existsSync(SHARED)) return t.skip(`no ${SHARED}`);
  if (!existsSync(RUNTIME)) return t.skip("the run-time side is not built");
  const builtin = { bytes: new Uint8Array(readFileSync(RUNTIME)) };
  let functions = 0;
  for (const file of readdirSync(SHARED).filter((f) => f.endsWith(".wasm") && !f.startsWith("composed"))) {
    const component = translate(decodeComponent(new Uint8Array(readFileSync(join(SHARED, file)))), { builtin });
    const runs = [...component.exports.keys()].some((name) => name.startsWith("wasi:cli/run"));
    functions += verifyAll(
      enumerateProgram(component, { name: "it", prefix: "it", output: runs ? "executable" : "object" }),
    );
  }
  assert.ok(functions > 1000);
  return undefined;
});
