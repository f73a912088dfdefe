/**
 * The bench: every row compares with a peer in the same run where there is one; a noisy absolute time proves nothing.
 *
 *     npm run bench [-- compile|startup|calls|kernels …] [--json]
 */

import { callRows } from "./calls.ts";
import { compileTimeRows } from "./compile-time.ts";
import { kernelRows } from "./kernels.ts";
import { startupRows } from "./startup.ts";
import { formatRows, type Row, ratioOf } from "./table.ts";

const GROUPS: Readonly<Record<string, () => Promise<Row[]>>> = {
  compile: compileTimeRows,
  startup: startupRows,
  calls: callRows,
  kernels: () => kernelRows(),
};

const words = process.argv.slice(2).filter((w) => !w.startsWith("--"));
const unknown = words.filter((w) => GROUPS[w] === undefined);
if (unknown.length > 0) {
  process.stderr.write(
    `error: no bench is called ${unknown.join(", ")}; there are ${Object.keys(GROUPS).join(", ")}\n`,
  );
  process.exit(1);
}
const rows: Row[] = [];
for (const [name, run] of Object.entries(GROUPS)) {
  if (words.length > 0 && !words.includes(name)) continue;
  if (process.stderr.isTTY) process.stderr.write(`${name} …\n`);
  rows.push(...(await run()));
}
if (process.argv.includes("--json")) {
  process.stdout.write(
    `${JSON.stringify(
      rows.map((r) => ({ ...r, ratio: ratioOf(r) })),
      null,
      2,
    )}\n`,
  );
} else process.stdout.write(formatRows(rows));
