/** What bodies translate to, pinned: each case is a module and the dump of its functions. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { FunctionTranslator } from "../../src/frontend/wasm/translate.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { fileTests } from "../support/filetest.ts";
import { planOf, TestProgram } from "./environment.ts";

/** A case may hold several modules, each behind a line `;; instance NAME`; and `;; checked` makes memories checked. */
async function dump(input: string): Promise<string> {
  const parts = input.split(/^;; instance (\S+)$/m);
  const instances = [];
  for (let i = 1; i < parts.length; i += 2) instances.push({ name: parts[i] ?? "", wat: parts[i + 1] ?? "" });
  const wat = parts[0] ?? "";
  const plan = await planOf(
    instances.length > 0 ? instances : [{ name: "m", wat }],
    wat.includes(";; checked") ? "checked" : "guarded",
  );
  const program = new TestProgram(plan);
  let text = "";
  for (const [index, { module }] of plan.instances.entries()) {
    const translator = new FunctionTranslator(program.environment(index));
    const { functions, importedFunctions } = plan.modules.get(module).module;
    for (let f = importedFunctions; f < functions.length; f++) {
      const func = translator.translate(f);
      assert.deepEqual(verifyFunc(func), []);
      text += `${printFunc(func)}\n`;
    }
  }
  program.functions.forEach((name, symbol) => {
    text += `@${symbol} = ${name}\n`;
  });
  return text;
}

fileTests(join(import.meta.dirname, "cases"), ".wat", dump);
