/**
 * Compiled adapters against the model of the Canonical ABI (`tests/abi-model/`), for longer than tests do.
 *
 * Exits 1 on the first difference, or when a mutation is not noticed.
 */

import { sitesOf, without } from "../tests/abi-model/mutations.ts";
import { runRandom, type Statistics, statistics } from "../tests/abi-model/pair.ts";
import { EXIT_FAILED, failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";

const FUNCTIONS = 25;
const CALLS = 60;
/** Components that a mutation has to be noticed in, beside those without it. */
const MUTATION_COMPONENTS = 12;

/** Mutations that no random call can notice, with the reasons. */
const UNNOTICED: readonly { readonly site: RegExp; readonly reason: string }[] = [
  { site: /^check of handles_exhausted/, reason: "a table has room for a million handles" },
];

function counts(map: ReadonlyMap<string, number>): string {
  const sum = [...map.values()].reduce((a, b) => a + b, 0);
  return [...map]
    .sort((a, b) => b[1] - a[1])
    .map(([name, n]) => `  ${String(n).padStart(8)}  ${((100 * n) / sum).toFixed(1).padStart(5)} %  ${name}`)
    .join("\n");
}

async function random(cases: number, seed: number): Promise<void> {
  const stats: Statistics = statistics();
  for (let c = 0; stats.cases < cases; c++) {
    // With and without handles by turns, in every pair of address types.
    await runRandom(
      seed + c,
      { components: 1, functions: FUNCTIONS, calls: CALLS, handles: c % 2 === 0 ? 0 : 40, first: c },
      stats,
    );
  }
  console.log(`${stats.cases} cases without a difference, ${stats.traps} of them trap; seed ${seed}`);
  console.log(`types in signatures:\n${counts(stats.types)}`);
  console.log(`address types, caller to callee:\n${counts(stats.pointers)}`);
  console.log(`encodings, caller to callee:\n${counts(stats.encodings)}`);
  console.log(`what is async, caller to callee:\n${counts(stats.abis)}`);
  console.log(`traps:\n${counts(stats.trapNames)}`);
}

async function mutate(only: string): Promise<void> {
  const run = async (components: number, calls: number): Promise<void> => {
    for (let c = 0; c < components; c++) {
      const size = { components: 1, functions: FUNCTIONS, calls, handles: c % 2 === 0 ? 0 : 40, first: c };
      await runRandom(1 + c, size, statistics());
    }
  };
  const sites = (await sitesOf(() => run(10, 0))).filter((site) => site.includes(only));
  console.log(`${sites.length} sites`);
  let missed = 0;
  for (const site of sites) {
    const start = Date.now();
    const expected = UNNOTICED.find((e) => e.site.test(site));
    let noticed: string | undefined;
    try {
      await without(site, () => run(expected === undefined ? MUTATION_COMPONENTS : 2, CALLS));
    } catch (error) {
      noticed = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
    }
    const wrong = (noticed === undefined) !== (expected !== undefined);
    if (wrong) missed++;
    const verdict = noticed ?? `not noticed${expected === undefined ? "" : `: ${expected.reason}`}`;
    console.log(
      `${wrong ? "WRONG " : ""}${site}\n    ${verdict.slice(0, 150)} (${((Date.now() - start) / 1000).toFixed(0)} s)`,
    );
  }
  console.log(`${sites.length} mutations, ${missed} wrong`);
  if (missed > 0) process.exitCode = EXIT_FAILED;
}

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly mutations?: boolean;
  readonly only: string;
}

const command = toolCommand(
  "abi",
  "Compares compiled adapters between components with the model of the Canonical ABI, call by call.",
  "[options]",
)
  .option("--cases <n>", "random calls; then it says which types and traps there were", numberFrom(1, true), 100_000)
  .option("--seed <n>", "seed of the first component", numberFrom(0, true), 1)
  .option("--mutations", "leave out every check, mask and extension of adapters, one at a time: each must be noticed")
  .option("--only <text>", "mutations with this in their name", "")
  .addHelpText("after", "\nExits 1 on the first difference, or when a mutation is not noticed.");
parseArguments(command);
const options = command.opts<Options>();
if (command.args.length > 0) failWith(`too many arguments: ${command.args.join(" ")}`);
try {
  if (options.mutations) await mutate(options.only);
  else await random(options.cases, options.seed);
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = EXIT_FAILED;
}
