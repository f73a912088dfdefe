/**
 * Compiled adapters against the model of the Canonical ABI (`tests/abi-model/`), for longer than tests do.
 *
 * Exits 1 on the first difference, or when a mutation is not noticed.
 */

import { Mutants } from "../tests/abi-model/mutants.ts";
import { runRandom, type Statistics, statistics } from "../tests/abi-model/pair.ts";
import { EXIT_FAILED, failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";

const FUNCTIONS = 25;
const CALLS = 60;
/** Random components that mutations are made in, besides those of few and small signatures. */
const MUTATED_COMPONENTS = 10;

/** Kinds of which so many places can't be noticed by calls of these, with the reasons. */
const UNNOTICED: ReadonlyMap<string, { readonly places: number; readonly reason: string }> = new Map([
  [
    "check of handles_exhausted",
    { places: 2, reason: "a table has room for a million handles, and a system for some; tests/hosts has others" },
  ],
  ["check of list_too_long", { places: 1, reason: "the memories are smaller than the limit" }],
  ["check of string_too_long", { places: 1, reason: "the memories are smaller than the limit" }],
  ["check of not_async", { places: 1, reason: "`task.return` compares the caller's number as well" }],
  ["check of resolved_twice", { places: 1, reason: "a number that is no caller's traps as well" }],
  ["check of wrong_result", { places: 1, reason: "see `wrong-type` of tests/hosts/async.test.ts" }],
  ["check of cannot_leave_component", { places: 1, reason: "who may not leave has no task to return from" }],
  ["check of wait_unsupported", { places: 2, reason: "no task waits here; tests/hosts/async.test.ts has some" }],
  ["note", { places: 1, reason: "the handle that a trap's message names" }],
  ["check of unsupported_callback_code", { places: 1, reason: "see tests/hosts/async.test.ts" }],
]);

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

/** `check of invalid_char` of a site's name: what is left out, without where. */
function kindOf(site: string): string {
  return site.slice(0, site.indexOf(","));
}

/** So many of a list, spread over it. */
function sample<T>(list: readonly T[], count: number): readonly T[] {
  if (list.length <= count) return list;
  return Array.from({ length: count }, (_, i) => list[Math.floor((i * list.length) / count)]).filter(
    (x) => x !== undefined,
  );
}

async function mutate(only: string, each: number): Promise<void> {
  const mutants = await Mutants.make(MUTATED_COMPONENTS);
  const kinds = new Map<string, string[]>();
  for (const site of mutants.sites) {
    if (!site.includes(only)) continue;
    const kind = kindOf(site);
    kinds.set(kind, [...(kinds.get(kind) ?? []), site]);
  }
  let tried = 0;
  let noticed = 0;
  let wrong = 0;
  for (const [kind, sites] of kinds) {
    const { places = 0, reason = "" } = UNNOTICED.get(kind) ?? {};
    const chosen = sample(sites, each);
    const unnoticed: string[] = [];
    for (const site of chosen) {
      const verdict = await mutants.try(site);
      if (!verdict.noticed) unnoticed.push(`${site}, in ${verdict.calls} calls`);
    }
    tried += chosen.length;
    noticed += chosen.length - unnoticed.length;
    // An excuse that is none any more is wrong, too.
    const isWrong =
      unnoticed.length > places || (only === "" && chosen.length === sites.length && unnoticed.length < places);
    if (isWrong) wrong++;
    const excuse = places > 0 ? `; ${places} can't be: ${reason}` : "";
    const of = chosen.length < sites.length ? `, of ${sites.length} places` : "";
    console.log(
      `${isWrong ? "WRONG " : ""}${kind}: ${chosen.length - unnoticed.length}/${chosen.length} noticed${of}${excuse}`,
    );
    if (isWrong) for (const site of unnoticed) console.log(`    not noticed: ${site}`);
  }
  mutants.close();
  console.log(`${tried} mutations of ${kinds.size} kinds, ${noticed} noticed, ${wrong} kinds wrong`);
  if (wrong > 0) process.exitCode = EXIT_FAILED;
}

interface Options {
  readonly cases: number;
  readonly seed: number;
  readonly mutations?: boolean;
  readonly only: string;
  readonly sites: number;
}

const command = toolCommand(
  "abi",
  "Compares compiled adapters between components with the model of the Canonical ABI, call by call.",
  "[options]",
)
  .option("--cases <n>", "random calls; then it says which types and traps there were", numberFrom(1, true), 100_000)
  .option("--seed <n>", "seed of the first component", numberFrom(0, true), 1)
  .option(
    "--mutations",
    "leave out checks, masks, extensions and notes of adapters, one at a time: each kind must be noticed",
  )
  .option("--sites <n>", "places of each kind of mutation that are tried", numberFrom(1, true), 100)
  .option("--only <text>", "mutations with this in their name", "")
  .addHelpText("after", "\nExits 1 on the first difference, or when a mutation is not noticed.");
parseArguments(command);
const options = command.opts<Options>();
if (command.args.length > 0) failWith(`too many arguments: ${command.args.join(" ")}`);
try {
  if (options.mutations) await mutate(options.only, options.sites);
  else await random(options.cases, options.seed);
} catch (error) {
  console.log(error instanceof Error ? error.message : String(error));
  process.exitCode = EXIT_FAILED;
}
