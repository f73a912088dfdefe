/** Compile time per MB of wasm, by stage: on the largest real component that is there, once cold and then warm, in this thread. */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../src/driver/compile.ts";
import type { OptLevel } from "../src/opt/pipeline.ts";
import { RUNTIME_PATH } from "../tools/build-runtime.ts";
import { ROOT, SHARED_COMPONENTS } from "../tests/support/windlass.ts";
import type { Row } from "./table.ts";

const MB = 1e6;

/** Bytes of all code sections: what throughput is measured in. */
function codeBytes(component: Awaited<ReturnType<typeof compile>>["component"]): number {
  let total = 0;
  for (const { module } of component.modules) {
    for (let i = 0; i < module.bodyStart.length; i++) total += (module.bodyEnd[i] ?? 0) - (module.bodyStart[i] ?? 0);
  }
  return total;
}

export async function compileTimeRows(): Promise<Row[]> {
  const real = join(SHARED_COMPONENTS, "cli_directory_list.component.wasm");
  const path = existsSync(real) ? real : join(ROOT, "examples/hello/hello.wasm");
  const bytes = new Uint8Array(readFileSync(path));
  const builtinWasi = new Uint8Array(readFileSync(RUNTIME_PATH));
  const name = path.split("/").pop() ?? path;
  const rows: Row[] = [];
  for (const level of [0, 2] satisfies OptLevel[]) {
    for (const round of ["cold", "warm", "warm"]) {
      const stages = new Map<string, number>();
      const result = await compile(bytes, {
        output: "executable",
        builtinWasi,
        optLevel: level,
        onStage: (stage, ms) => stages.set(stage, ms),
      });
      if (round === "warm" && stages.size > 0)
        rows.length = rows.filter((r) => !r.name.startsWith(`-O${level} warm`)).length;
      const size = codeBytes(result.component) / MB;
      const group = `compile time of ${name}: ${size.toFixed(2)} MB of code, per MB of code`;
      let total = 0;
      for (const [stage, ms] of stages) {
        total += ms;
        rows.push({ group, name: `-O${level} ${round} ${stage}`, value: ms / size, unit: "ms/MB", peers: [] });
      }
      rows.push({ group, name: `-O${level} ${round} all`, value: total / size, unit: "ms/MB", peers: [] });
    }
  }
  return rows;
}
