/** Waiting, notifying and the order of traps of atomic accesses: what the standard's scripts leave out. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { needX64Linux, scratchFolder } from "../support/tools.ts";
import type { ScriptOptions } from "./outcome.ts";
import { runScript } from "./run.ts";

function script(address: "i32" | "i64"): string {
  const type = address === "i32" ? "" : "i64";
  const at = (n: number): string => `(${address}.const ${n})`;
  return `
(module
  (memory $plain ${type} 1) (memory $shared ${type} 1 1 shared)
  (func (export "set") (param ${address} i64) (i64.atomic.store $shared (local.get 0) (local.get 1)))
  (func (export "wait32") (param ${address} i32 i64) (result i32)
    (memory.atomic.wait32 $shared offset=4 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param ${address} i64 i64) (result i32)
    (memory.atomic.wait64 $shared (local.get 0) (local.get 1) (local.get 2)))
  (func (export "unshared") (param ${address}) (result i32)
    (memory.atomic.wait32 $plain (local.get 0) (i32.const 0) (i64.const 0)))
  (func (export "notify") (param ${address}) (result i32) (memory.atomic.notify $plain (local.get 0) (i32.const -1)))
  (func (export "odd") (param ${address}) (result i32) (i32.atomic.load $plain offset=2 (local.get 0)))
  (func (export "constant") (result i32) (i32.atomic.rmw16.add_u $plain offset=1 ${at(2)} (i32.const 1)))
  (func (export "fence") (atomic.fence)))
(assert_return (invoke "set" ${at(8)} (i64.const 0x500000007)))
(assert_return (invoke "wait32" ${at(4)} (i32.const 6) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait32" ${at(4)} (i32.const 7) (i64.const 1000)) (i32.const 2))
(assert_return (invoke "wait64" ${at(8)} (i64.const 7) (i64.const -1)) (i32.const 1))
(assert_return (invoke "wait64" ${at(8)} (i64.const 0x500000007) (i64.const 0)) (i32.const 2))
(assert_return (invoke "wait64" ${at(65528)} (i64.const 0) (i64.const 1)) (i32.const 2))
(assert_trap (invoke "wait64" ${at(8)} (i64.const 0x500000007) (i64.const -1)) "deadlock")
(assert_trap (invoke "wait64" ${at(4)} (i64.const 0) (i64.const 0)) "unaligned atomic")
(assert_trap (invoke "wait64" ${at(65536)} (i64.const 0) (i64.const 0)) "out of bounds memory access")
(assert_trap (invoke "unshared" ${at(0)}) "expected shared memory")
(assert_trap (invoke "unshared" ${at(2)}) "unaligned atomic")
(assert_return (invoke "notify" ${at(65532)}) (i32.const 0))
(assert_trap (invoke "notify" ${at(65536)}) "out of bounds memory access")
(assert_trap (invoke "notify" ${at(65537)}) "unaligned atomic")
(assert_return (invoke "odd" ${at(2)}) (i32.const 0))
(assert_trap (invoke "odd" ${at(4)}) "unaligned atomic")
(assert_trap (invoke "odd" ${at(65534)}) "out of bounds memory access")
(assert_trap (invoke "odd" ${at(0x7fffff00)}) "unaligned atomic")
(assert_trap (invoke "constant") "unaligned atomic")
(assert_return (invoke "fence"))`;
}

const WAYS: readonly Pick<ScriptOptions, "optLevel" | "bounds">[] = [
  { optLevel: 0, bounds: "explicit" },
  { optLevel: 2, bounds: "guard" },
];

for (const { optLevel, bounds } of WAYS) {
  test(`waiting and the order of traps, -O${optLevel}, ${bounds}`, async (t) => {
    if (!needX64Linux(t)) return;
    for (const address of ["i32", "i64"] as const) {
      const file = join(scratchFolder(t), `${address}.wast`);
      writeFileSync(file, script(address));
      const { outcomes } = await runScript(file, { optLevel, bounds, verify: true, timeout: 20_000 });
      assert.deepEqual(
        outcomes.filter((o) => o.verdict !== "passed").map(({ line, message }) => `${address}:${line}: ${message}`),
        [],
      );
      assert.ok(outcomes.length > 20);
    }
  });
}
