/** The official scripts: what is valid is accepted, what is invalid or malformed is refused, as such. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { test } from "node:test";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { check } from "../support/components.ts";
import { assemble } from "../support/wat.ts";
import { atomOf, isList, moduleSource, parseWast, type SList, type WastForm } from "../support/wast.ts";
import { ROOT } from "../support/windlass.ts";

const SUITE = resolve(ROOT, "../shared/testsuite/component");

/** Stands for `(component instance …)`. */
const NO_DEFINITION = new Uint8Array();

/** The bytes of a component of a script; undefined when the assembler can't read it. */
async function bytesOf(list: SList, script: string): Promise<Uint8Array | undefined> {
  const source = moduleSource(list, script);
  if (source.kind === "instance") return NO_DEFINITION;
  if (source.kind === "binary") return source.bytes;
  const text = source.kind === "quote" ? `(component ${source.text})` : source.text;
  return assemble(text).catch(() => undefined);
}

function components(form: WastForm): readonly SList[] {
  if (form.head === "component") return [form.list];
  return form.list.items.filter(isList).filter((item) => atomOf(item.items[0]) === "component");
}

const REFUSALS: Readonly<Record<string, readonly string[]>> = {
  assert_invalid: ["invalid", "malformed", "limit"],
  assert_malformed: ["malformed", "invalid"],
};

async function runScript(path: string): Promise<{ passed: number; skipped: number; failures: string[] }> {
  const script = readFileSync(path, "utf8");
  const failures: string[] = [];
  let [passed, skipped] = [0, 0];
  for (const form of parseWast(script)) {
    for (const list of components(form)) {
      const bytes = await bytesOf(list, script);
      if (bytes === NO_DEFINITION) continue;
      if (bytes === undefined) {
        skipped++;
        continue;
      }
      let kind = "accepted";
      let message = "";
      try {
        check(bytes);
      } catch (error) {
        kind = error instanceof WindlassError ? (error.diagnostics[0]?.kind ?? "") : "crash";
        message = String(error);
      }
      const expected = REFUSALS[form.head] ?? ["accepted"];
      if (expected.includes(kind)) passed++;
      else failures.push(`line ${form.line}: ${form.head}: ${kind} ${message}`);
    }
  }
  return { passed, skipped, failures };
}

for (const folder of existsSync(SUITE) ? readdirSync(SUITE, { withFileTypes: true }) : []) {
  if (!folder.isDirectory()) continue;
  test(`scripts of ${folder.name}`, async () => {
    let [passed, skipped] = [0, 0];
    const failures: string[] = [];
    for (const file of readdirSync(join(SUITE, folder.name))) {
      const result = await runScript(join(SUITE, folder.name, file));
      passed += result.passed;
      skipped += result.skipped;
      failures.push(...result.failures.map((f) => `${file} ${f}`));
    }
    assert.deepEqual(failures, []);
    assert(passed > 0);
    // What the assembler can't read: text that is malformed on purpose, and one form that it does not know.
    assert(skipped <= 10, `${skipped} skipped`);
  });
}

test("the scripts are there", { skip: existsSync(SUITE) ? false : `no ${SUITE}` }, () => {});
