/** Selection, frames and records, pinned: IR in, disassembly out. Together the cases use every selection rule. */

import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import { RULE_NAMES, X64Target } from "../../src/codegen/x64/compile.ts";
import { printMachine } from "../../src/codegen/x64/print-machine.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { fileTests } from "../support/filetest.ts";
import { disassemble } from "./disassemble.ts";

const fired = new Map<string, number>();

/** Functions begin with `function` at the start of a line; a file that starts with `; records` shows rows, too. */
fileTests(join(dirname(fileURLToPath(import.meta.url)), "cases"), ".ir", (input) => {
  const records = input.startsWith("; records");
  const texts = input.split(/^(?=function )/m).filter((t) => t.startsWith("function"));
  const out: string[] = [];
  const target = new X64Target({
    allocated: (i, o, f) => assert.deepEqual(checkAllocation(i, o), [], f.name),
  });
  const modern = new X64Target({ features: { lzcnt: true, bmi1: true } });
  for (const text of texts) {
    const func = parseFunc(text);
    assert.deepEqual(verifyFunc(func), [], func.name);
    out.push(`${func.name}:\n${disassemble(target.compileFunction(func), { records })}`);
    modern.compileFunction(func);
  }
  for (const t of [target, modern]) {
    RULE_NAMES.forEach((name, i) => {
      fired.set(name, (fired.get(name) ?? 0) + (t.ruleCounts[i] ?? 0));
    });
  }
  return out.join("\n");
});

test("every op has rules, and every rule fires", () => {
  const silent = [...fired].filter(([, count]) => count === 0).map(([name]) => name);
  assert.deepEqual(silent, []);
});

test("a machine function prints before and after allocation", () => {
  const func = parseFunc(`function "f" (i64, i32) -> i32 wasm {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iadd.i64 v0, v2
  v4 = load.i32 [v3 + 16] full heap traps
  v5 = iadd.i32 v4, v1
  trapnz v5, code3
  brif v4, block1, block2
block1:
  return v5
block2:
  return v1
}
`);
  let before = "";
  let after = "";
  const target = new X64Target({
    allocated: (machine, output, _, graph) => {
      before = printMachine(machine, graph);
      after = printMachine(machine, graph, output);
    },
  });
  target.compileFunction(func);
  assert.match(before, /^b0\(\): {2}; depth 0, ir block0$/m);
  assert.match(before, /v\d+:rdi, v\d+:rsi = params/);
  assert.match(before, /v\d+ = mov_rm\.4 \[v\d+ \+ v\d+\*1 \+ 16\], trap 2/);
  assert.match(before, /trap_if ne, trap 3/);
  assert.match(before, /v\d+:rax$/m);
  assert.match(after, /v\d+:rdi@rdi, v\d+:rsi@rsi = params/);
});
