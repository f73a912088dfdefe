/** Golden dumps of trampolines and entries: `UPDATE=1` blesses. */

import { join } from "node:path";
import { buildFunction } from "../../src/frontend/build.ts";
import { printFunc } from "../../src/ir/print.ts";
import { fileTests } from "../support/filetest.ts";
import { programOf } from "./world.ts";

fileTests(join(import.meta.dirname, "cases"), ".wat", async (wat) => {
  const dumps: string[] = [];
  for (const hostAbi of ["dynamic", "flat"] as const) {
    const program = await programOf(wat, {}, { hostAbi });
    for (const [symbol, { kind }] of program.functions.entries()) {
      const shown = kind.kind === "lowered" || (hostAbi === "dynamic" && kind.kind === "lifted-entry");
      if (shown) dumps.push(`;; ${hostAbi}\n${printFunc(buildFunction(program, symbol))}`);
    }
  }
  return dumps.join("\n");
});
