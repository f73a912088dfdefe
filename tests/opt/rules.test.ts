/**
 * Each simplification rule fires: `rules.txt` has one entry for each, a name, what goes in, an arrow, what comes out. The parameters are
 * v0: i64 (the context), v1, v2: i32, v3, v4: i64, v5: f32, v6: f64. UPDATE=1 writes what came out.
 */

import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { optimize } from "../../src/opt/pipeline.ts";

const PATH = join(dirname(fileURLToPath(import.meta.url)), "rules.txt");

interface Rule {
  readonly name: string;
  readonly input: string;
  readonly output: string;
}

function readRules(text: string): Rule[] {
  return text
    .split(/^# /m)
    .slice(1)
    .map((entry) => {
      const end = entry.indexOf("\n");
      const [input = "", output = ""] = entry.slice(end + 1).split("→\n");
      return { name: entry.slice(0, end), input: input.trimEnd(), output: output.trimEnd() };
    });
}

function simplified(input: string): string {
  const results = (/return (.*)$/m.exec(input)?.[1] ?? "").split(", ").filter(Boolean);
  const types = results.map((v) => {
    const parameter = { v0: "i64", v1: "i32", v2: "i32", v3: "i64", v4: "i64", v5: "f32", v6: "f64" }[v];
    if (parameter !== undefined) return parameter;
    const line = new RegExp(`^ *${v} = (\\w+)\\.(\\w+)`, "m").exec(input);
    const name = line?.[1] ?? "";
    return name === "icmp" || name === "fcmp"
      ? "i32"
      : /^f(32|64)const$/.test(name)
        ? name.slice(0, 3)
        : (line?.[2] ?? "i32");
  });
  const signature = `(i64, i32, i32, i64, i64, f32, f64)${types.length === 0 ? "" : ` -> ${types.join(", ")}`} wasm`;
  const head = "block0(v0: i64, v1: i32, v2: i32, v3: i64, v4: i64, v5: f32, v6: f64):";
  const func = parseFunc(`function "rule" ${signature} {\n${head}\n${input}\n}\n`);
  assert.deepEqual(verifyFunc(func), []);
  optimize(func, 1, (pass, f) => assert.deepEqual(verifyFunc(f), [], pass));
  const out = printFunc(func);
  return out.slice(out.indexOf(head) + head.length + 1, out.lastIndexOf("}")).trimEnd();
}

const rules = readRules(readFileSync(PATH, "utf8"));
if (process.env["UPDATE"] !== undefined) {
  writeFileSync(PATH, rules.map((r) => `# ${r.name}\n${r.input}\n→\n${simplified(r.input)}\n\n`).join(""));
} else {
  for (const { name, input, output } of rules) {
    test(name, () => assert.equal(simplified(input), output));
  }
}
