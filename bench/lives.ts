/**
 * What instances cost: how many are made, called and deleted in a second, and what each holds in memory; and what `--interruptible` costs
 * kernels, against the same kernels without. Needs a C compiler.
 */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../src/driver/compile.ts";
import { findTool, outputOf, runTool } from "../tests/support/tools.ts";
import { assemble } from "../tests/support/wat.ts";
import { ROOT } from "../tests/support/windlass.ts";
import { coreModule, KERNELS } from "./kernels.ts";
import { interleave, windlass } from "./peers.ts";
import type { Row } from "./table.ts";

const ROUNDS = 9;
/** Loops of few instructions, long ones, calls, memory. */
const INTERRUPTED = ["calls", "crc", "hash", "matrix", "queens", "sha256", "sieve", "sort"];

async function instanceRows(cc: string, folder: string): Promise<Row[]> {
  const source = join(ROOT, "bench/components");
  const module = await assemble(readFileSync(join(source, "lives.wat"), "utf8"));
  const rows: Row[] = [];
  for (const bounds of ["guard", "explicit"] as const) {
    const own = join(folder, bounds);
    mkdirSync(own);
    const { bytes, header } = await compile(module, { name: "lives", output: "object", bounds });
    writeFileSync(join(own, "lives.o"), bytes);
    writeFileSync(join(own, "lives.h"), header);
    const program = join(own, "lives");
    runTool(cc, ["-O2", `-I${own}`, join(source, "lives.c"), join(own, "lives.o"), "-o", program]);
    const [rate = 0, resident = 0] = outputOf(program).toString().split(" ").map(Number);
    const group = "instances, made, called and deleted; one memory of 64 KiB, 4 KiB of data";
    rows.push({ group, name: `time of each, --bounds ${bounds}`, value: 1e6 / rate, unit: "µs", peers: [] });
    rows.push({ group, name: `a second, --bounds ${bounds}`, value: rate, unit: "instances", peers: [] });
    rows.push({ group, name: `resident each, --bounds ${bounds}`, value: resident / 1024, unit: "KiB", peers: [] });
  }
  return rows;
}

async function interruptRows(cc: string, folder: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const name of INTERRUPTED) {
    const [about, size] = KERNELS[name] ?? ["", 0];
    const own = join(folder, name);
    mkdirSync(own);
    const module = await coreModule(name);
    const path = join(own, "kernel.wasm");
    writeFileSync(path, module);
    const kernel = { name, size, module, path, folder: own };
    const commands: (readonly string[])[] = [];
    for (const interruptible of [true, false]) {
      const command = await windlass(cc, 2, { interruptible }).command(kernel);
      if (command !== undefined) commands.push(command);
    }
    const [polled, plain] = await interleave(commands, ROUNDS);
    if (polled === undefined || plain === undefined || polled.result !== plain.result) {
      throw new Error(`${name}: results differ`);
    }
    rows.push({
      group: "--interruptible",
      name: `${name} (${about})`,
      value: polled.best,
      unit: "ms",
      peers: [{ name: "without", value: plain.best }],
    });
  }
  return rows;
}

export async function lifeRows(): Promise<Row[]> {
  const cc = findTool("cc");
  if (cc === undefined) {
    process.stderr.write("not found: cc: no rows for instances\n");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  try {
    return [...(await instanceRows(cc, folder)), ...(await interruptRows(cc, folder))];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
