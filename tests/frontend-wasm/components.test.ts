/** Every function of every component at hand translates to IR that the verifier accepts. */

import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { decodeComponent } from "../../src/component/decode.ts";
import { FunctionTranslator } from "../../src/frontend/wasm/translate.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { translate } from "../../src/translate/translate.ts";
import { TestProgram } from "./environment.ts";

const FOLDER = new URL("../../../shared/components", import.meta.url).pathname;
/** What needs adapters between components is refused before there are bodies to translate. */
const FILES = existsSync(FOLDER)
  ? readdirSync(FOLDER).filter((n) => n.endsWith(".wasm") && !n.startsWith("composed-"))
  : [];

test("components", { skip: FILES.length === 0 && "no components" }, async (t) => {
  for (const file of FILES) {
    await t.test(file, () => {
      const program = new TestProgram(translate(decodeComponent(readFileSync(join(FOLDER, file)))));
      for (const [index, instance] of program.component.instances.entries()) {
        const translator = new FunctionTranslator(program.environment(index));
        const { module } = program.component.modules.get(instance.module);
        for (let f = module.importedFunctions; f < module.functions.length; f++) {
          assert.deepEqual(verifyFunc(translator.translate(f)), []);
        }
      }
      // wit-component's table of imports is filled before anything calls through it.
      for (const table of program.facts.tables) assert.equal(table.constant, true);
    });
  }
});
