/**
 * Kernels and small programs of the project's own (`bench/kernels/`, AssemblyScript): run time against V8's optimizing tier in the same run. Each
 * side runs in a process of its own, takes the best of several rounds, and must give the same result. Needs a C compiler for the host.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { main as asc } from "assemblyscript/asc";
import { compile } from "../src/driver/compile.ts";
import type { OptLevel } from "../src/opt/pipeline.ts";
import { findTool, outputOf, runTool } from "../tests/support/tools.ts";
import { assemble, disassemble } from "../tests/support/wat.ts";
import { ROOT } from "../tests/support/windlass.ts";
import type { Row } from "./table.ts";

/** Argument of each kernel: about 20 to 100 ms of work. */
const SIZES: Readonly<Record<string, number>> = {
  calls: 36,
  compress: 24,
  crc: 8,
  dispatch: 4_000_000,
  hash: 400,
  interpreter: 40_000_000,
  mandelbrot: 1000,
  matrix: 256,
  nbody: 600_000,
  parser: 24,
  sieve: 1_000_000,
  sort: 200_000,
};

const ROUNDS = 7;
const FOLDER = join(ROOT, "bench/kernels");

async function coreModule(name: string): Promise<Uint8Array> {
  const messages: string[] = [];
  let binary: Uint8Array | undefined;
  const { error } = await asc(
    [`${name}.ts`, "-o", "out.wasm", "-O3", "--runtime", "stub", "--noAssert", "--use", "abort="],
    {
      readFile: (file) => (file === `${name}.ts` ? readFileSync(join(FOLDER, file), "utf8") : null),
      writeFile: (_file, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
      stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`bench/kernels/${name}.ts: ${messages.join("")}`);
  return binary;
}

/** The module in a component that exports its `run`. */
async function component(module: Uint8Array): Promise<Uint8Array> {
  const text = (await disassemble(module)).trim().replace(/^\(module/, "(core module $m");
  return assemble(`(component ${text}
    (core instance $i (instantiate $m))
    (func (export "run") (param "n" s32) (result s32) (canon lift (core func $i "run"))))`);
}

const HOST = `#define _POSIX_C_SOURCE 200809L
#include "kernel.h"
#include <stdio.h>
#include <time.h>
static double now(void) { struct timespec t; clock_gettime(CLOCK_MONOTONIC, &t); return t.tv_sec * 1e3 + t.tv_nsec / 1e6; }
int main(void) {
  kernel_t *k = NULL;
  if (kernel_new(NULL, NULL, &k) != 0) return 1;
  double best = 1e30;
  windlass_val_raw_t v[1];
  for (int i = 0; i < ROUNDS; i++) {
    v[0].i32 = SIZE;
    double start = now();
    if (kernel_run(k, v, 1) != 0) { puts(kernel_last_trap(k)); return 2; }
    double t = now() - start;
    if (t < best) best = t;
  }
  printf("%.6f %d\\n", best, (int)v[0].i32);
  return 0;
}
`;

const V8 = `const { readFileSync } = require("node:fs");
const [path, size, rounds] = process.argv.slice(1);
const { run } = new WebAssembly.Instance(new WebAssembly.Module(readFileSync(path)), {}).exports;
let best = Infinity, result;
for (let i = 0; i < rounds; i++) { const start = performance.now(); result = run(+size); best = Math.min(best, performance.now() - start); }
console.log(best, result);`;

function numbers(text: string): readonly [number, number] {
  const [time = Number.NaN, result = Number.NaN] = text.trim().split(" ").map(Number);
  return [time, result];
}

export async function kernelRows(levels: readonly OptLevel[] = [2]): Promise<Row[]> {
  const cc = findTool("cc");
  if (cc === undefined) {
    process.stderr.write("not found: cc: no rows for kernels\n");
    return [];
  }
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  const rows: Row[] = [];
  try {
    const names = readdirSync(FOLDER)
      .filter((n) => n.endsWith(".ts"))
      .map((n) => n.replace(/\.ts$/, ""));
    for (const name of names) {
      const size = SIZES[name] ?? 1;
      const module = await coreModule(name);
      const wasm = join(folder, `${name}.wasm`);
      writeFileSync(wasm, module);
      // V8 without its baseline compiler: every function is optimized before it runs.
      const v8 = spawnSync(process.execPath, ["--no-liftoff", "-e", V8, wasm, String(size), String(ROUNDS)], {
        encoding: "utf8",
      });
      if (v8.status !== 0) throw new Error(`${name} in V8: ${v8.stderr}`);
      const [v8Time, v8Result] = numbers(v8.stdout);
      const bytes = await component(module);
      for (const optLevel of levels) {
        const object = await compile(bytes, { name: "kernel", output: "object", optLevel });
        writeFileSync(join(folder, "kernel.o"), object.bytes);
        writeFileSync(join(folder, "kernel.h"), object.header);
        writeFileSync(join(folder, "host.c"), HOST);
        const host = join(folder, "host");
        runTool(cc, [
          "-O2",
          `-DSIZE=${size}`,
          `-DROUNDS=${ROUNDS}`,
          join(folder, "host.c"),
          join(folder, "kernel.o"),
          "-o",
          host,
        ]);
        const [time, result] = numbers(outputOf(host).toString());
        if (result !== v8Result) throw new Error(`${name}: result ${result}, V8's is ${v8Result}`);
        rows.push({
          group: "run time of kernels against V8's optimizing tier",
          name: `${name} -O${optLevel}`,
          value: time,
          unit: "ms",
          peer: { name: "V8", value: v8Time },
        });
      }
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
