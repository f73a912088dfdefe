/** Nanoseconds per call across the boundary, against a call through a C function pointer in the same process. Needs a C compiler. */

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../src/driver/compile.ts";
import { findTool, outputOf, runTool } from "../tests/support/tools.ts";
import { assemble } from "../tests/support/wat.ts";
import { ROOT } from "../tests/support/windlass.ts";
import type { Row } from "./table.ts";

export async function callRows(): Promise<Row[]> {
  const cc = findTool("cc");
  if (cc === undefined) {
    process.stderr.write("not found: cc: no rows for calls across the boundary\n");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  const source = join(ROOT, "bench/components");
  const rows: Row[] = [];
  try {
    const component = await assemble(readFileSync(join(source, "calls.wat"), "utf8"));
    for (const hostAbi of ["flat", "dynamic"] as const) {
      const { bytes, header } = await compile(component, { name: "calls", output: "object", hostAbi });
      const object = join(folder, `${hostAbi}.o`);
      const headerPath = join(folder, `${hostAbi}.h`);
      const program = join(folder, hostAbi);
      writeFileSync(object, bytes);
      writeFileSync(headerPath, header);
      const defines = [`-DCALLS_HEADER="${headerPath}"`, ...(hostAbi === "flat" ? ["-DFLAT"] : [])];
      runTool(cc, ["-O2", ...defines, join(source, "calls.c"), object, "-o", program]);
      const [plain = 0, lowered = 0, entry = 0] = outputOf(program).toString().split(" ").map(Number);
      const group = "calls across the boundary, (u32, u32) -> u32";
      const peers = [{ name: "C function pointer", value: plain }];
      rows.push({ group, name: `guest → host, ${hostAbi}`, value: lowered, unit: "ns", peers });
      if (hostAbi === "flat") rows.push({ group, name: "host → guest, entry", value: entry, unit: "ns", peers });
    }
    rows.push(...(await typedRows(cc, folder, source)));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** C values, each against the same work by a C function through a pointer. */
async function typedRows(cc: string, folder: string, source: string): Promise<Row[]> {
  const component = await assemble(readFileSync(join(source, "typed.wat"), "utf8"));
  const { bytes, header } = await compile(component, { name: "typed", output: "object", hostAbi: "typed" });
  const object = join(folder, "typed.o");
  const headerPath = join(folder, "typed.h");
  const program = join(folder, "typed");
  writeFileSync(object, bytes);
  writeFileSync(headerPath, header);
  runTool(cc, ["-O2", `-DTYPED_HEADER="${headerPath}"`, join(source, "typed.c"), object, "-o", program]);
  return outputOf(program)
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => {
      const [name = "", ours = "", theirs = ""] = line.split("\t");
      const peers = [{ name: "C function pointer", value: Number(theirs) }];
      return { group: "calls with C values", name, value: Number(ours), unit: "ns", peers };
    });
}
