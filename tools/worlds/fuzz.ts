/** Worlds of consecutive seeds, until enough have been tried or have failed. What fails is made smaller and written to a folder. */

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { compile } from "../../src/driver/compile.ts";
import { assemble } from "../../tests/support/wat.ts";
import { hostProgram, worldHost } from "./host.ts";
import { reduceWorld } from "./reduce.ts";
import { type Tools, WorldRunner } from "./run.ts";
import { worldText } from "./text.ts";
import { randomWorld, type World } from "./world.ts";

/** Worlds of one program: enough that starting the C compiler does not count. */
const BATCH = 20;

export interface WorldFuzzOptions {
  readonly tools: Tools;
  readonly seed: number;
  readonly worlds: number;
  readonly seconds: number;
  readonly failures: number;
  /** Milliseconds that a failing world is made smaller for. */
  readonly reduction: number;
  readonly folder: string;
  readonly verify: boolean;
  readonly report: (line: string) => void;
  readonly progress: (totals: WorldTotals) => void;
}

export interface WorldTotals {
  worlds: number;
  functions: number;
  failures: number;
}

/** Failures of one kind differ in names and numbers. */
function kindOf(failure: string): string {
  const [line = ""] = failure.replace(/^(failed) .*, call \d+: /, "$1 ").split("\n");
  return line.replace(/\d+|"[^"]*"|‘[^’]*’|'[^']*'/g, "#");
}

async function writeWorld(path: string, world: World, failure: string): Promise<void> {
  const text = worldText(world);
  writeFileSync(`${path}.wat`, `;; ${failure.split("\n").join("\n;; ")}\n${text}`);
  try {
    const prefix = `w${world.seed}`;
    const { component } = await compile(await assemble(text), {
      name: prefix,
      output: "object",
      optLevel: 0,
      describes: true,
    });
    writeFileSync(`${path}.c`, hostProgram([{ prefix, host: worldHost(world, component, prefix) }]));
  } catch {
    // What can't be compiled has no host.
  }
}

/** Gives the totals, and the seed to go on with. */
export async function fuzzWorlds(
  options: WorldFuzzOptions,
): Promise<{ readonly totals: WorldTotals; readonly next: number }> {
  const runner = new WorldRunner(options.tools, options.verify);
  const totals: WorldTotals = { worlds: 0, functions: 0, failures: 0 };
  const end = performance.now() + 1000 * options.seconds;
  let next = options.seed;
  while (totals.worlds < options.worlds && totals.failures < options.failures && performance.now() < end) {
    const count = Math.min(BATCH, options.worlds - totals.worlds);
    const worlds = Array.from({ length: count }, (_, i) => randomWorld(next + i));
    const outcomes = await runner.run(worlds);
    for (const [i, world] of worlds.entries()) {
      totals.worlds++;
      totals.functions += world.functions.length;
      const failure = outcomes[i];
      if (failure === undefined) continue;
      totals.failures++;
      options.report(`seed ${world.seed}: ${failure}`);
      const kind = kindOf(failure);
      const fails = async (candidate: World): Promise<boolean> => {
        const [again] = await runner.run([candidate]);
        return again !== undefined && kindOf(again) === kind;
      };
      const alone = await fails(world);
      const { reduced, tried } = alone
        ? await reduceWorld(world, fails, options.reduction)
        : { reduced: world, tried: 0 };
      mkdirSync(options.folder, { recursive: true });
      const path = join(options.folder, `world-${world.seed}`);
      await writeWorld(path, reduced, failure);
      options.report(alone ? `  reduced with ${tried} runs: ${path}.wat` : `  not by itself: ${path}.wat`);
    }
    next += count;
    options.progress(totals);
  }
  return { totals, next };
}

export function showWorlds({ worlds, functions, failures }: WorldTotals): string {
  return `${worlds} worlds, ${functions} functions, each called both ways; ${failures} failures`;
}
