/**
 * Differential testing: random valid modules, compiled and run natively, against a pinned V8; and bytes that are perhaps no module, whose
 * verdict is compared. See `fuzz/outcome.ts`, `fuzz/relaxed.ts` and `fuzz/verdict.ts` for what the two may differ in. With `--worlds` instead random
 * components and C hosts around them (`worlds/`).
 */

import { mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_FAILED, failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";
import { showTotals } from "./fuzz/fuzzer.ts";
import { COMPILED } from "./fuzz/operators.ts";
import { installEngine, installedEngine, ownEngine } from "./fuzz/pinned.ts";
import { Pool } from "./fuzz/pool.ts";
import { findTool } from "../tests/support/tools.ts";
import { fuzzWorlds, showWorlds } from "./worlds/fuzz.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

interface Options {
  readonly seconds?: number;
  readonly modules?: number;
  readonly worlds?: number | true;
  readonly seed: number;
  readonly jobs: number;
  readonly all?: boolean;
  readonly sandbox: boolean;
  readonly verify?: boolean;
  readonly engine: string;
  readonly cases: string;
  readonly failures: number;
  readonly reduce: number;
  readonly json?: boolean;
}

const command = toolCommand(
  "fuzz",
  "Runs random modules natively and in V8, and compares what they do; gives random bytes to both validators.",
  "[options]",
)
  .option("--seconds <n>", "stop after this time (60, or no limit with --modules)", numberFrom(0, false))
  .option("--modules <n>", "stop after this many modules", numberFrom(1, true))
  .option("--worlds [n]", "so many random worlds (1000) and their C hosts, instead of modules", numberFrom(1, true))
  .option("--seed <n>", "seed of the first module; the others have those that follow", numberFrom(0, true), Date.now())
  .option("--jobs <n>", "processes", numberFrom(1, true), 1)
  .option("--all", "every module at -O0 and -O2, with guard pages and explicit checks, instead of in one of the four")
  .option("--no-sandbox", "don't give what is compiled to the sandbox verifier before it runs")
  .option("--verify", "with --worlds: the compiler verifies its own representation behind every pass")
  .option("--engine <which>", "pinned: the V8 of tools/engine, installed if need be; own: this process's", "pinned")
  .option("--cases <folder>", "where failing cases go", join(root, "tests/fuzz/cases"))
  .option("--failures <n>", "stop after this many", numberFrom(1, true), 20)
  .option("--reduce <seconds>", "how long a failing module is made smaller", numberFrom(0, false), 60)
  .option("--json", "the summary as JSON")
  .addHelpText(
    "after",
    `
A failing module is reduced and written to the cases, as a .wasm file, the same for V8, and a .json file that says how it is
called. What is in tests/fuzz/cases is run by every test run. Interrupting ends with the summary, which says the seed to go on with.
Exits 1 when something failed.

A world is a component that passes every call of its exports on to its imports, and a C host that calls with random values, answers with
random values and compares; it needs a C compiler. One that fails is reduced to a .wat and a .c file among the cases.

Examples:
  $ npm run fuzz -- --seconds 600 --jobs 2
  $ npm run fuzz -- --seed 41 --modules 1 --all      what a message named
  $ npm run fuzz -- --worlds 1000 --seed 1`,
  );
parseArguments(command);
const options = command.opts<Options>();
if (command.args.length > 0) failWith(`too many arguments: ${command.args.join(" ")}`);
if (options.engine !== "pinned" && options.engine !== "own") failWith(`no engine ${options.engine}`);

if (options.worlds !== undefined) await runWorlds(options.worlds === true ? 1000 : options.worlds);

async function runWorlds(worlds: number): Promise<never> {
  const cc = findTool("cc");
  if (cc === undefined) failWith("not found: cc, which compiles the hosts of the worlds");
  let shown = performance.now();
  const { totals, next } = await fuzzWorlds({
    tools: { cc, cxx: findTool("c++") },
    seed: options.seed,
    worlds,
    seconds: options.seconds ?? Number.POSITIVE_INFINITY,
    failures: options.failures,
    reduction: 1000 * options.reduce,
    folder: resolve(options.cases),
    verify: options.verify === true,
    report: (line) => void process.stderr.write(`${line}\n`),
    progress: (so) => {
      const now = performance.now();
      if (now - shown < 20_000) return;
      shown = now;
      process.stderr.write(`${showWorlds(so)}\n`);
    },
  });
  console.log(
    options.json === true
      ? JSON.stringify({ ...totals, nextSeed: next })
      : `${showWorlds(totals)}; go on with --seed ${next}`,
  );
  process.exit(totals.failures > 0 ? EXIT_FAILED : 0);
}

const modules = options.modules ?? Number.POSITIVE_INFINITY;
const seconds = options.seconds ?? (options.modules === undefined ? 60 : Number.POSITIVE_INFINITY);
const say = (line: string): void => void process.stderr.write(`${line}\n`);
let engine = options.engine === "own" ? ownEngine() : installedEngine();
if (engine === undefined) {
  say("installing the pinned V8 …");
  engine = installEngine();
}
if (engine === undefined) {
  say("note: the pinned V8 can't be installed; this process's own has fewer features");
  engine = ownEngine();
}
say(`V8 ${engine.version}, seed ${options.seed}`);
mkdirSync(options.cases, { recursive: true });

const terminal = process.stderr.isTTY;
let shown = performance.now();
const clear = (): void => void (terminal && process.stderr.write("\r\x1b[K"));
const pool = new Pool({
  engine,
  jobs: options.jobs,
  seed: options.seed,
  modules,
  seconds,
  failures: options.failures,
  worker: {
    allConfigurations: options.all === true,
    sandbox: options.sandbox,
    reduction: 1000 * options.reduce,
    folder: resolve(options.cases),
  },
  report: (line) => {
    clear();
    say(line);
  },
  progress: (totals) => {
    const now = performance.now();
    if (now - shown < (terminal ? 200 : 60_000)) return;
    shown = now;
    if (terminal) process.stderr.write(`\r${showTotals(totals).slice(0, (process.stderr.columns ?? 80) - 1)}\x1b[K`);
    else say(showTotals(totals));
  },
});
process.on("SIGINT", () => pool.stop());
process.on("SIGTERM", () => pool.stop());
const start = performance.now();
const { totals, executed, nextSeed } = await pool.run();
clear();
const elapsed = (performance.now() - start) / 1000;
const never = COMPILED.filter(({ code }) => !executed.has(code)).map(({ name }) => name);
if (options.json === true) {
  const summary = {
    ...totals,
    seconds: elapsed,
    seed: options.seed,
    nextSeed,
    neverExecuted: never,
    v8: engine.version,
  };
  console.log(JSON.stringify(summary));
} else {
  console.log(`opcodes: ${COMPILED.length - never.length} of ${COMPILED.length} executed`);
  if (never.length > 0) console.log(`never executed: ${never.join(" ")}`);
  console.log(`${showTotals(totals)}; ${elapsed.toFixed(0)} s; go on with --seed ${nextSeed}`);
}
process.exit(totals.failures > 0 ? EXIT_FAILED : 0);
