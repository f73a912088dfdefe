/**
 * Kernels and small programs of the project's own (`bench/kernels/`, AssemblyScript): run time against V8's optimizing tier, and against the
 * other peers that are installed, in the same run (`peers.ts`). All must give the same result. Needs a C compiler for the host.
 */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main as asc } from "assemblyscript/asc";
import { findTool } from "../tests/support/tools.ts";
import { ROOT } from "../tests/support/windlass.ts";
import { interleave, type Kernel, type Peer, v8, wasm2c, wasmtime, windlass } from "./peers.ts";
import type { Row } from "./table.ts";

/** What each kernel is about, and its argument: about 20 to 100 ms of work. */
export const KERNELS: Readonly<Record<string, readonly [about: string, size: number]>> = {
  calculator: ["a program", 900],
  calls: ["recursion", 32],
  compress: ["a compressor", 16],
  crc: ["loads", 8],
  digits: ["i64, division", 8000],
  dispatch: ["indirect calls", 4_000_000],
  hash: ["i64", 400],
  interpreter: ["br_table", 20_000_000],
  mandelbrot: ["f64", 400],
  matrix: ["f64, memory", 256],
  nbody: ["f64, sqrt", 300_000],
  parser: ["branches", 12],
  queens: ["recursion, branches", 13],
  sha256: ["i32, many live", 40_000],
  sieve: ["memory", 1_000_000],
  simd: ["v128", 300],
  sort: ["unpredictable branches", 200_000],
  trees: ["objects", 64],
};

const ROUNDS = 9;
const FOLDER = join(ROOT, "bench/kernels");

export async function coreModule(name: string): Promise<Uint8Array> {
  const messages: string[] = [];
  let binary: Uint8Array | undefined;
  const options = ["-O3", "--runtime", "stub", "--noAssert", "--enable", "simd", "--use", "abort="];
  const { error } = await asc([`${name}.ts`, "-o", "out.wasm", ...options], {
    readFile: (file) => (file === `${name}.ts` ? readFileSync(join(FOLDER, file), "utf8") : null),
    writeFile: (_file, contents) => {
      if (typeof contents !== "string") binary = contents;
    },
    listFiles: () => [],
    stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
  });
  if (error !== null || binary === undefined) throw new Error(`bench/kernels/${name}.ts: ${messages.join("")}`);
  return binary;
}

async function timeKernel(kernel: Kernel, about: string, peers: readonly Peer[]): Promise<Row> {
  const running: string[] = [];
  const commands: (readonly string[])[] = [];
  for (const peer of peers) {
    const command = await peer.command(kernel);
    if (command === undefined) continue;
    running.push(peer.name);
    commands.push(command);
  }
  const [own, ...others] = await interleave(commands, ROUNDS);
  if (own === undefined) throw new Error(`${kernel.name}: was not compiled`);
  others.forEach(({ result }, i) => {
    if (result !== own.result)
      throw new Error(`${kernel.name}: result ${own.result}, that of ${running[i + 1]} is ${result}`);
  });
  return {
    group: "run time of kernels and programs, -O2",
    name: `${kernel.name} (${about})`,
    value: own.best,
    unit: "ms",
    peers: others.map(({ best }, i) => ({ name: running[i + 1] ?? "", value: best })),
  };
}

/** The kernels whose names contain one of `words`; all without words. */
export async function kernelRows(words: readonly string[]): Promise<Row[]> {
  const cc = findTool("cc");
  if (cc === undefined) {
    process.stderr.write("not found: cc: no rows for kernels\n");
    return [];
  }
  const optional = { Wasmtime: wasmtime(), "wasm2c with its run-time support": wasm2c(cc) };
  const peers = [windlass(cc, 2), windlass(cc, 0), v8];
  for (const [name, peer] of Object.entries(optional)) {
    if (peer !== undefined) peers.push(peer);
    else process.stderr.write(`not found: ${name}: no ratios to it\n`);
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  const rows: Row[] = [];
  try {
    for (const file of readdirSync(FOLDER).sort()) {
      const name = file.replace(/\.ts$/, "");
      if (words.length > 0 && !words.some((w) => name.includes(w))) continue;
      const known = KERNELS[name];
      if (known === undefined) throw new Error(`bench/kernels/${file} is not in the list of bench/kernels.ts`);
      const [about, size] = known;
      const own = join(folder, name);
      mkdirSync(own);
      const module = await coreModule(name);
      const path = join(own, "kernel.wasm");
      writeFileSync(path, module);
      rows.push(await timeKernel({ name, size, module, path, folder: own }, about, peers));
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
