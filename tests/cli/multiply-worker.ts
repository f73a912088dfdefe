/** Compiles inputs that multiply themselves, and prints what comes of each: a process of its own has a heap that is bounded. */

import { WindlassError } from "../../src/base/diagnostics.ts";
import { compile } from "../../src/driver/compile.ts";
import { MULTIPLIERS } from "./multiply.ts";

for (const { name, cases, make } of MULTIPLIERS) {
  for (const [size] of cases) {
    const bytes = await make(size);
    let outcome = "object";
    try {
      await compile(bytes, { output: "object", optLevel: 0 });
    } catch (error) {
      if (!(error instanceof WindlassError)) throw error;
      outcome = error.message;
    }
    process.stdout.write(`${JSON.stringify([name, size, outcome])}\n`);
  }
}
