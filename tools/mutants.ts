/**
 * Components with random damage through the whole compiler: each must give an object or a clear error, in bounded time and memory.
 *
 * Mutants are made and compiled in a child process with a bounded heap, so that a crash, an endless loop or too much memory is a finding and not
 * the end.
 */

import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import type { MutantReport, MutantRequest } from "../tests/cli/mutants-worker.ts";
import { EXIT_FAILED, numberFrom, parseArguments, toolCommand } from "./command.ts";

const WORKER = new URL("../tests/cli/mutants-worker.ts", import.meta.url);
/** Mutants of one message: a report comes back for each of these. */
const BATCH = 20;

interface Options {
  readonly count: number;
  readonly seed: number;
  readonly memory: number;
  readonly timeout: number;
}

const command = toolCommand(
  "mutants",
  "Damages components at random and compiles them: each must give an object or a clear error, in bounded time and memory.",
  "[options] [path...]",
)
  .argument("[path...]", "more components to damage, or folders of them")
  .option("--count <n>", "mutants", numberFrom(1, true), 20_000)
  .option(
    "--seed <n>",
    "seed of the first mutant; a finding is repeated with its seed and --count 1",
    numberFrom(0, true),
    1,
  )
  .option("--memory <mib>", "heap of the child that compiles", numberFrom(16, true), 600)
  .option("--timeout <seconds>", "processor time that a batch of them may take", numberFrom(1, false), 60)
  .addHelpText("after", "\nExits 1 when there was a finding.");
parseArguments(command);
const options = command.opts<Options>();
const { count, seed: first } = options;

function start(): ChildProcess {
  return fork(WORKER, command.args, { execArgv: [...process.execArgv, `--max-old-space-size=${options.memory}`] });
}

/** Seconds of processor time that a child has used: a busy machine is no finding. */
function processorTime(child: ChildProcess): number {
  try {
    // The command, in parentheses, may hold anything; user and system time are the 12th and 13th field behind it, in hundredths.
    const fields = readFileSync(`/proc/${child.pid}/stat`, "latin1").split(") ").at(-1)?.split(" ") ?? [];
    return (Number(fields[11]) + Number(fields[12])) / 100;
  } catch {
    return 0;
  }
}

/** The reports of some mutants; a string says how the child ended instead. */
function ask(child: ChildProcess, request: MutantRequest): Promise<readonly MutantReport[] | string> {
  return new Promise((resolve) => {
    const settle = (result: readonly MutantReport[] | string): void => {
      clearInterval(timer);
      child.removeAllListeners();
      resolve(result);
    };
    const begin = processorTime(child);
    const timer = setInterval(() => {
      if (processorTime(child) - begin > options.timeout) settle(`no end in ${options.timeout} s of processor time`);
    }, 1000);
    child.once("message", (reports: readonly MutantReport[]) => settle(reports));
    child.once("error", (error) => settle(error.message));
    child.once("exit", (code, signal) => settle(signal ?? `exit code ${code}`));
    child.send(request);
  });
}

let child = start();
const kinds = new Map<string, number>();
let findings = 0;
let slowest = { seed: 0, milliseconds: 0 };

async function run(seed: number, size: number): Promise<void> {
  const reports = await ask(child, { seed, count: size });
  if (typeof reports === "string") {
    child.kill("SIGKILL");
    child = start();
    if (size > 1) {
      for (let i = 0; i < size; i++) await run(seed + i, 1);
      return;
    }
    findings++;
    console.log(`seed ${seed}: ${reports}`);
    return;
  }
  for (const { seed: of, kind, what, milliseconds } of reports) {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (milliseconds > slowest.milliseconds) slowest = { seed: of, milliseconds };
    if (kind !== "internal") continue;
    findings++;
    console.log(`seed ${of}: ${what}`);
  }
}

for (let seed = first; seed < first + count; seed += BATCH) await run(seed, Math.min(BATCH, first + count - seed));
child.kill();
const shown = [...kinds].sort((a, b) => b[1] - a[1]).map(([kind, n]) => `${n} ${kind}`);
console.log(`${count} mutants: ${shown.join(", ")}; slowest ${slowest.milliseconds} ms (seed ${slowest.seed})`);
console.log(`${findings} findings`);
process.exit(findings > 0 ? EXIT_FAILED : 0);
