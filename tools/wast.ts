/** Runs conformance scripts through the compiler and natively. */

import { Option } from "commander";
import type { OptLevel } from "../src/opt/pipeline.ts";
import type { ScriptOptions, ScriptReport } from "../tests/wast/outcome.ts";
import { scriptFiles } from "../tests/wast/run.ts";
import { runScripts } from "../tests/wast/workers.ts";
import { failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";

/** Reasons that the summary shows. */
const MOST_REASONS = 40;

interface Options {
  readonly json?: boolean;
  readonly only?: string;
  readonly optimize: string;
  readonly bounds: ScriptOptions["bounds"];
  readonly verify?: boolean;
  readonly sandbox: boolean;
  readonly verbose?: boolean;
  readonly jobs: number;
  readonly timeout: number;
  readonly scriptTimeout: number;
}

function parse() {
  const command = toolCommand(
    "wast",
    "Runs conformance scripts, core and component: each module is compiled and runs natively.",
    "[options] PATH…",
  )
    .argument("<path...>", "scripts, or folders of them")
    .option("--json", "counts, and what did not pass, as JSON")
    .option("--only <text>", "only assertions whose text holds this")
    .addOption(new Option("-O, --optimize <level>", "level of the compiler").choices(["0", "1", "2"]).default("2"))
    .addOption(new Option("--bounds <how>", "how memories are bounded").choices(["guard", "explicit"]).default("guard"))
    .option("--verify", "check the compiler's own representation behind every pass")
    .option("--no-sandbox", "don't give programs to the sandbox verifier before they run")
    .option("--verbose", "every failure and skip")
    .option("--jobs <n>", "processes", numberFrom(1, true), 1)
    .option("--timeout <seconds>", "for one answer of a program", numberFrom(0.1, false), 20)
    .option("--script-timeout <seconds>", "for one whole script", numberFrom(0.1, false), 300)
    .addHelpText(
      "after",
      `
Prints a line for each file that has failures, why they failed, and last how many there were. Exits 1 on any failure.

Examples:
  $ npm run wast -- ../shared/testsuite/core
  $ npm run wast -- ../shared/testsuite/core/call.wast -O0 --bounds explicit --verbose`,
    );
  parseArguments(command);
  const { json, verbose, verify, sandbox, only, optimize, bounds, jobs, timeout, scriptTimeout } =
    command.opts<Options>();
  const optLevel: OptLevel = optimize === "0" ? 0 : optimize === "1" ? 1 : 2;
  const options: ScriptOptions = {
    optLevel,
    bounds,
    verify: verify === true,
    sandbox,
    only,
    timeout: 1000 * timeout,
  };
  return {
    paths: command.args,
    json: json === true,
    verbose: verbose === true,
    jobs,
    scriptTimeout: 1000 * scriptTimeout,
    options,
  };
}

/** What differs from form to form is left out, so that equal reasons meet. */
function group(message: string): string {
  return message
    .replace(/^[^:]*: (gives|traps|does not trap)/, "$1")
    .replace(/0x[0-9a-f]+|\d+/g, "…")
    .slice(0, 160);
}

const { paths, options, json, verbose, jobs, scriptTimeout } = parse();
const totals = { passed: 0, failed: 0, refused: 0, skipped: 0 };
const reasons = new Map<string, number>();
const skips = new Map<string, number>();
const refusals = new Map<string, number>();
const reports: ScriptReport[] = [];
let files: string[] = [];
try {
  files = paths.flatMap(scriptFiles);
} catch (error) {
  failWith(error instanceof Error ? error.message : String(error));
}
await runScripts(files, options, jobs, scriptTimeout, (report) => {
  const { file } = report;
  reports.push(report);
  const counts = { passed: 0, failed: 0, refused: 0, skipped: 0 };
  for (const { verdict, message } of report.outcomes) {
    counts[verdict]++;
    totals[verdict]++;
    if (verdict === "passed") continue;
    const map = { failed: reasons, refused: refusals, skipped: skips }[verdict];
    map.set(group(message), (map.get(group(message)) ?? 0) + 1);
  }
  if (json) return;
  const first = report.outcomes.find((o) => o.verdict === "failed");
  if (first !== undefined) {
    console.log(`${file}: ${counts.failed} failed of ${report.outcomes.length}; line ${first.line}: ${first.message}`);
  }
  if (verbose) {
    for (const { line, verdict, message } of report.outcomes) {
      if (verdict !== "passed") console.log(`  ${file}:${line}: ${verdict}: ${message}`);
    }
  }
});
if (json) {
  console.log(
    JSON.stringify({
      ...totals,
      options,
      files: reports.map(({ file, outcomes }) => ({ file, outcomes: outcomes.filter((o) => o.verdict !== "passed") })),
    }),
  );
} else {
  const show = (title: string, map: ReadonlyMap<string, number>): void => {
    const sorted = [...map].sort((a, b) => b[1] - a[1]);
    if (sorted.length > 0) console.log(title);
    for (const [reason, count] of sorted.slice(0, MOST_REASONS)) console.log(`  ${count} × ${reason}`);
    if (sorted.length > MOST_REASONS) console.log(`  and ${sorted.length - MOST_REASONS} other reasons`);
  };
  show("failed:", reasons);
  show("refused by name:", refusals);
  show("skipped:", skips);
  const { passed, failed, refused, skipped } = totals;
  console.log(`${passed} passed, ${failed} failed, ${refused} refused by name, ${skipped} skipped`);
}
process.exit(totals.failed > 0 ? 1 : 0);
