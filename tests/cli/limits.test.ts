/**
 * Programs that ask for too much: what the standard allows, or a failure that says what it is; also where address space or memory is short.
 * What `new` says to a host is in `tests/hosts`.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { type ProcessResult, runProcess } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";

const folder = mkdtempSync(join(tmpdir(), "windlass-limits-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const noRun = process.platform === "linux" && process.arch === "x64" ? false : "runs x86-64 Linux programs";

const GIB_IN_KIB = 2 ** 20;
const FINE: ProcessResult = { status: 0, signal: null, stdout: "", stderr: "" };
const NO_MEMORY: ProcessResult = { ...FINE, status: 71, stderr: "windlass: out of memory or address space\n" };

type Bounds = "guard" | "explicit";

let programs = 0;

async function build(text: string, bounds: Bounds): Promise<string> {
  const { bytes } = await compile(await assemble(text), { output: "executable", name: "limits", bounds });
  const path = join(folder, `program${programs++}`);
  writeFileSync(path, bytes, { mode: 0o755 });
  return path;
}

/** Runs with `ulimit ARGUMENTS`. */
function run(path: string, ulimit = "-c 0"): ProcessResult {
  return runProcess("/bin/sh", ["-c", `ulimit ${ulimit} && exec "$0"`, path]);
}

/** `must` ends the program with a trap where the condition, an i32, is 0. */
const must = (condition: string): string => `(if (i32.eqz ${condition}) (then unreachable))`;
const start = (body: string): string => `(func (export "_start") ${body})`;

interface Case {
  readonly text: string;
  /** With 1 GiB of address space; without a limit all goes well. */
  readonly short: ProcessResult;
}

const MEMORIES_AND_TABLES: Readonly<Record<string, Case>> = {
  "a memory of 4 GiB has a first and a last byte, and no more": {
    text: `(module (memory 65536) (data (i32.const 0xffffffff) "z") ${start(`
      ${must(`(i32.eq (i32.load8_u (i32.const -1)) (i32.const ${"z".charCodeAt(0)}))`)}
      (i32.store8 (i32.const 0) (i32.const 1))
      ${must("(i32.eq (i32.load8_u (i32.const 0)) (i32.const 1))")}
      ${must("(i32.eq (memory.size) (i32.const 65536))")}
      ${must("(i32.eq (memory.grow (i32.const 1)) (i32.const -1))")}`)})`,
    short: NO_MEMORY,
  },
  "memory.grow without end ends with -1, and the data is there": {
    text: `(module (memory 1) ${start(`
      (i32.store (i32.const 65532) (i32.const 77))
      (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
      ${must("(i32.eq (memory.size) (i32.const 65521))")}
      ${must("(i32.eq (i32.load (i32.const 65532)) (i32.const 77))")}
      ${must("(i32.eqz (i32.load (i32.const 0xfff0fffc)))")}
      (i32.store (i32.const 0xfff0fffc) (i32.const 1))`)})`,
    short: NO_MEMORY,
  },
  "a 64-bit memory without a bound grows to 4 GiB": {
    text: `(module (memory i64 1 0x1000000000000) ${start(`
      (i64.store (i64.const 8) (i64.const 77))
      ${must("(i64.eq (memory.grow (i64.const -1)) (i64.const -1))")}
      ${must("(i64.eq (memory.grow (i64.const 0x1000000000000)) (i64.const -1))")}
      ${must("(i64.eq (memory.grow (i64.const 65535)) (i64.const 1))")}
      ${must("(i64.eq (memory.grow (i64.const 1)) (i64.const -1))")}
      (i64.store (i64.const 0xfffffff8) (i64.const 5))
      ${must("(i64.eq (i64.load (i64.const 8)) (i64.const 77))")}`)})`,
    short: NO_MEMORY,
  },
  "a table of 10,000,000 elements": {
    text: `(module (table 10000000 funcref) (elem declare func $f) (type $none (func)) (func $f) ${start(`
      ${must("(ref.is_null (table.get (i32.const 9999999)))")}
      (table.set (i32.const 9999999) (ref.func $f))
      (call_indirect (type $none) (i32.const 9999999))
      ${must("(i32.eq (table.grow (ref.null func) (i32.const 1)) (i32.const -1))")}`)})`,
    short: FINE,
  },
  "table.grow without end ends with -1, and the elements are there": {
    text: `(module (table 1 funcref) (elem declare func $f) (func $f) ${start(`
      ${must("(i32.eq (table.grow (ref.null func) (i32.const -1)) (i32.const -1))")}
      (loop $more (br_if $more (i32.ne (table.grow (ref.func $f) (i32.const 999)) (i32.const -1))))
      ${must("(i32.eq (table.size) (i32.const 9999991))")}
      ${must("(ref.is_null (table.get (i32.const 0)))")}
      ${must("(i32.eqz (ref.is_null (table.get (i32.const 9999990))))")}`)})`,
    short: FINE,
  },
};

for (const bounds of ["guard", "explicit"] as const) {
  describe(`memories and tables, bounds: ${bounds}`, { skip: noRun }, () => {
    for (const [name, { text, short }] of Object.entries(MEMORIES_AND_TABLES)) {
      test(name, async () => {
        const program = await build(text, bounds);
        assert.deepEqual(run(program), FINE);
        assert.deepEqual(run(program, `-v ${GIB_IN_KIB}`), short, "with 1 GiB of address space");
      });
    }

    test("memory.grow is -1 where the kernel has no more to give", async () => {
      const program = await build(
        `(module (memory 1) ${start(`
          (i32.store (i32.const 65532) (i32.const 77))
          (loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1))))
          ${must("(i32.lt_u (memory.size) (i32.const 32768))")}
          ${must("(i32.gt_u (memory.size) (i32.const 1024))")}
          (i32.store8 (i32.sub (i32.shl (memory.size) (i32.const 16)) (i32.const 1)) (i32.const 1))
          ${must("(i32.eq (i32.load (i32.const 65532)) (i32.const 77))")}`)})`,
        bounds,
      );
      assert.deepEqual(run(program, `-d ${GIB_IN_KIB}`), FINE);
    });
  });
}

describe("recursion without end", { skip: noRun }, () => {
  const locals = Array.from({ length: 1000 }, (_, i) => i);
  const large = [
    ...locals.map((i) => `(local $l${i} i64)`),
    ...locals.map((i) => `(global.set $g (local.tee $l${i} (i64.add (global.get $g) (i64.const ${i}))))`),
    "(call $f)",
    ...locals.map((i) => `(global.set $g (i64.xor (global.get $g) (local.get $l${i})))`),
  ];
  for (const [name, body] of [
    ["small frames", "(call $f) (global.set $g (i64.const 1))"],
    ["large frames", large.join(" ")],
    ["through a table", "(call_indirect (type $none) (i32.const 0)) (global.set $g (i64.const 1))"],
  ] as const) {
    test(name, async () => {
      const program = await build(
        `(module (type $none (func)) (table funcref (elem $f)) (global $g (mut i64) (i64.const 0))
          (func $f ${body}) ${start("(call $f)")})`,
        "guard",
      );
      for (const ulimit of ["-c 0", "-s 64"]) {
        const { status, signal, stderr } = run(program, ulimit);
        assert.match(stderr, /^wasm trap: call stack exhausted\nwasm backtrace:\n {4}0: limits\/core0::f/);
        assert.deepEqual({ status, signal }, { status: 134, signal: null });
      }
      assert.deepEqual(run(program, "-v 4096"), NO_MEMORY, "no address space for the stack");
    });
  }
});

describe("refused when it is compiled", () => {
  for (const [text, message] of [
    ["(memory i64 0x10001)", /a memory of 4295032832 bytes exceeds the limit of 4294967296$/],
    ["(memory i64 0x1000000000000)", /a memory of 18446744073709551616 bytes exceeds the limit of 4294967296$/],
    ["(table 10000001 funcref)", /a table of 10000001 elements exceeds the limit of 10000000$/],
    ["(table 0xffffffff funcref)", /a table of 4294967295 elements exceeds the limit of 10000000$/],
    ["(memory 1)".repeat(1000), /memory count 1000 exceeds the limit of 100$/],
  ] as const) {
    test(text.slice(0, 40), async () => {
      const bytes = await assemble(`(module ${text} ${start("")})`);
      await assert.rejects(compile(bytes, { output: "executable", name: "limits" }), { message });
    });
  }
});
