/**
 * Nanoseconds per call across the boundary, against a call through a C function pointer in the same process. Needs a C compiler. Where Wasmtime's
 * Python package is installed, the same component is called through the C API of the library in it, by a program of C (`peers/wasmtime_calls.c`).
 */

import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
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
  // Where functions happen to be is worth up to a nanosecond for the shortest calls.
  runTool(cc, [
    "-O2",
    "-falign-functions=64",
    `-DTYPED_HEADER="${headerPath}"`,
    join(source, "typed.c"),
    object,
    "-o",
    program,
  ]);
  const others = wasmtimeCalls(cc, folder, component);
  return table(outputOf(program)).map(([name = "", ours = "", theirs = ""]) => {
    const peers = [{ name: "C function pointer", value: Number(theirs) }];
    const other = others.get(name);
    if (other !== undefined) peers.push({ name: "Wasmtime's C API", value: other });
    return { group: "calls with C values", name, value: Number(ours), unit: "ns", peers };
  });
}

/** Lines of columns. */
function table(output: Buffer): readonly (readonly string[])[] {
  return output
    .toString()
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
}

/** Nanoseconds by the name of the row; none where Wasmtime is not there. */
function wasmtimeCalls(cc: string, folder: string, component: Uint8Array): ReadonlyMap<string, number> {
  const python = findTool("python3");
  const found =
    python === undefined ? undefined : spawnSync(python, ["-c", "import wasmtime; print(wasmtime.__file__)"]);
  const library = join(dirname(found?.stdout.toString().trim() ?? ""), "linux-x86_64/_libwasmtime.so");
  if (found?.status !== 0 || !existsSync(library)) {
    process.stderr.write("not found: Wasmtime's Python package: no peer for calls with C values\n");
    return new Map();
  }
  const path = join(folder, "typed.wasm");
  const program = join(folder, "wasmtime");
  writeFileSync(path, component);
  const source = join(ROOT, "bench/peers/wasmtime_calls.c");
  runTool(cc, ["-O2", source, library, `-Wl,-rpath,${dirname(library)}`, "-o", program]);
  return new Map(table(outputOf(program, [path])).map(([name = "", value = ""]) => [name, Number(value)]));
}
