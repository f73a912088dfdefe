/** The bench: every row compares with peers in the same run where there are any; a noisy absolute time proves nothing. */

import { Command } from "commander";
import { adapterRows } from "./adapters.ts";
import { callRows } from "./calls.ts";
import { compileTimeRows } from "./compile-time.ts";
import { kernelRows } from "./kernels.ts";
import { lifeRows } from "./lives.ts";
import { startupRows } from "./startup.ts";
import { formatRows, meansOf, type Row, ratiosOf } from "./table.ts";

/** Sections by name. Each gets the words that name no section. */
const SECTIONS: Readonly<Record<string, (words: readonly string[]) => Promise<Row[]>>> = {
  compile: compileTimeRows,
  startup: startupRows,
  calls: callRows,
  guests: adapterRows,
  lives: lifeRows,
  kernels: kernelRows,
};

async function bench(words: readonly string[], json: boolean): Promise<void> {
  const sections = words.filter((w) => SECTIONS[w] !== undefined);
  const others = words.filter((w) => SECTIONS[w] === undefined);
  // Only kernels are chosen by words of their own.
  if (sections.length === 0 && others.length > 0) sections.push("kernels");
  const rows: Row[] = [];
  for (const [name, run] of Object.entries(SECTIONS)) {
    if (sections.length > 0 && !sections.includes(name)) continue;
    if (process.stderr.isTTY) process.stderr.write(`${name} …\n`);
    rows.push(...(await run(others)));
  }
  if (others.length > 0 && rows.length === 0) throw new Error(`no bench has a name with ${others.join(", ")} in it`);
  if (json) {
    const data = { rows: rows.map((r) => ({ ...r, ratios: ratiosOf(r) })), means: meansOf(rows) };
    process.stdout.write(`${JSON.stringify(data, null, 2)}\n`);
  } else process.stdout.write(formatRows(rows));
}

await new Command("npm run bench --")
  .description(
    "Measures Windlass against peers in the same run: V8's optimizing tier, and Wasmtime (Python package) and wasm2c with a C compiler\n" +
      "where they are installed. Ratios are our time divided by the peer's: below 1 is faster.",
  )
  .argument(
    "[words...]",
    `sections (${Object.keys(SECTIONS).join(", ")}), or parts of kernels' names; all without words`,
  )
  .option("--json", "rows, ratios and geometric means for machines", false)
  .action(async (words: readonly string[], { json }: { json: boolean }) => {
    try {
      await bench(words, json);
    } catch (error) {
      process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
      process.exitCode = 1;
    }
  })
  .parseAsync();
