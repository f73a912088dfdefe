/**
 * Compiles a file again and again with what `npm run build` made, in a process of its own so that the first time is cold and the peak of
 * memory is this one's:
 *
 *     FILE LEVEL WORKERS ROUNDS [PACK]
 *
 * With a cache of machine code in the file PACK, if one is named.
 *
 * Behind each round, so that threads have no time to load before the first, a loop of fixed length is timed: where that takes longer, the machine is slower, not the compiler.
 *
 * Prints a JSON line for each round: `CompileRound` in `compile-time.ts`.
 */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { nodeHash } from "../../dist/compiler/node-hash.js";
import { compile, compilerThreads } from "../../dist/driver/compile.js";

/** Milliseconds of processor time. */
function timeLoop() {
  const before = process.cpuUsage();
  let x = 1;
  for (let i = 0; i < 50_000_000; i++) x = (Math.imul(x, 1_664_525) + 1_013_904_223) | 0;
  const { user, system } = process.cpuUsage(before);
  return x === 0 ? 0 : (user + system) / 1e3;
}

const [file = "", level = "2", workers = "1", rounds = "1", pack] = process.argv.slice(2);
const bytes = new Uint8Array(readFileSync(file));
// V8 has compiled it then.
timeLoop();
// Of a few threads, those of the first round stay: the next are warm in all.
const threads = workers === "1" ? 1 : await compilerThreads(Number(workers));
for (let i = 0; i < Number(rounds); i++) {
  const stages = {};
  const before = process.cpuUsage();
  const start = performance.now();
  const result = await compile(bytes, {
    name: "module",
    output: "object",
    optLevel: level === "0" ? 0 : 2,
    workers: threads,
    cache: pack && {
      seed: "",
      pack: existsSync(pack) ? new Uint8Array(readFileSync(pack)) : undefined,
      hash: nodeHash,
      store: (bytes) => writeFileSync(pack, bytes),
    },
    onStage: (stage, ms) => {
      stages[stage] = ms;
    },
  });
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  const loop = timeLoop();
  let codeBytes = 0;
  for (const { module } of result.component.modules) {
    module.bodyEnd.forEach((end, k) => {
      codeBytes += end - (module.bodyStart[k] ?? 0);
    });
  }
  const round = {
    wall,
    loop,
    processor: (user + system) / 1e3,
    stages,
    codeBytes,
    textBytes: result.textSize,
    peakBytes: process.resourceUsage().maxRSS * 1024,
  };
  console.log(JSON.stringify(round));
}
