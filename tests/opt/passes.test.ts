import assert from "node:assert/strict";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { optimize } from "../../src/opt/pipeline.ts";
import { fileTests } from "../support/filetest.ts";

/** Optimizes at level 2; the verifier runs after every pass. */
fileTests(join(dirname(fileURLToPath(import.meta.url)), "cases"), ".ir", (input) => {
  const func = parseFunc(input);
  assert.deepEqual(verifyFunc(func), []);
  optimize(func, 2, (pass, f) => {
    assert.deepEqual(verifyFunc(f), [], `after ${pass}:\n${printFunc(f)}`);
  });
  return printFunc(func);
});
