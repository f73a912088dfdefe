/** Start-up time of an executable: a whole process, against the smallest process that the machine has (`true`). */

import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../src/driver/compile.ts";
import { RUNTIME_PATH } from "../tools/build-runtime.ts";
import { findTool } from "../tests/support/tools.ts";
import { ROOT } from "../tests/support/windlass.ts";
import { median, type Row } from "./table.ts";

const ROUNDS = 200;

/** The median time of a process in milliseconds. */
function processTime(path: string): number {
  const times: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    const { status } = spawnSync(path, [], { stdio: "ignore" });
    times.push(performance.now() - start);
    if (status !== 0) throw new Error(`${path} ended with ${status}`);
  }
  return median(times);
}

export async function startupRows(): Promise<Row[]> {
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  try {
    const { bytes } = await compile(new Uint8Array(readFileSync(join(ROOT, "examples/hello/hello.wasm"))), {
      output: "executable",
      builtinWasi: new Uint8Array(readFileSync(RUNTIME_PATH)),
    });
    const path = join(folder, "hello");
    writeFileSync(path, bytes, { mode: 0o755 });
    const value = processTime(path);
    const tool = findTool("true");
    const group = "start-up: a whole process, from spawn to exit";
    const peers = tool === undefined ? [] : [{ name: "true", value: processTime(tool) }];
    return [{ group, name: "examples/hello", value, unit: "ms", peers }];
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
