/**
 * Runs conformance scripts through the compiler and natively.
 *
 *     npm run wast -- PATH… [--json] [--only TEXT] [-O0|-O1|-O2] [--bounds guard|explicit] [--verify] [--verbose] [--jobs N]
 *         [--timeout SECONDS] [--script-timeout SECONDS]
 *
 * `--only`: assertions whose text holds this. `--timeout`: for one answer of a program; `--script-timeout`: for one whole script. Prints a line for each file that has failures, why they failed, and last how many there were. Exits 1 on any failure.
 */

import { parseArgs } from "node:util";
import type { ScriptOptions, ScriptReport } from "../tests/wast/outcome.ts";
import { scriptFiles } from "../tests/wast/run.ts";
import { runScripts } from "../tests/wast/workers.ts";

const USAGE =
  "usage: npm run wast -- PATH… [--json] [--only TEXT] [-O0|-O1|-O2] [--bounds guard|explicit] [--verify] [--verbose] [--jobs N] [--timeout SECONDS] [--script-timeout SECONDS]";
const DEFAULT_TIMEOUT = 20;
const DEFAULT_SCRIPT_TIMEOUT = 300;
/** Reasons that the summary shows. */
const MOST_REASONS = 40;

function usage(message: string): never {
  process.stderr.write(`error: ${message}\n${USAGE}\n`);
  process.exit(2);
}

function parse(): {
  readonly paths: readonly string[];
  readonly options: ScriptOptions;
  readonly json: boolean;
  readonly verbose: boolean;
  readonly jobs: number;
  /** Milliseconds. */
  readonly scriptTimeout: number;
} {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: "boolean", default: false },
        only: { type: "string" },
        optimize: { type: "string", short: "O", default: "2" },
        bounds: { type: "string", default: "guard" },
        verify: { type: "boolean", default: false },
        verbose: { type: "boolean", default: false },
        jobs: { type: "string", default: "1" },
        timeout: { type: "string", default: String(DEFAULT_TIMEOUT) },
        "script-timeout": { type: "string", default: String(DEFAULT_SCRIPT_TIMEOUT) },
      },
    });
    const { json, verbose, verify, only, optimize, bounds } = values;
    if (positionals.length === 0) usage("no script");
    if (optimize !== "0" && optimize !== "1" && optimize !== "2") usage(`no level -O${optimize}`);
    if (bounds !== "guard" && bounds !== "explicit") usage(`no bounds ${bounds}`);
    const positive = (text: string): number => {
      const number = Number(text);
      return number > 0 ? number : usage(`${text} is no positive number`);
    };
    const timeout = positive(values.timeout) * 1000;
    const scriptTimeout = positive(values["script-timeout"]) * 1000;
    const jobs = Math.ceil(positive(values.jobs));
    const optLevel = optimize === "0" ? 0 : optimize === "1" ? 1 : 2;
    return {
      paths: positionals,
      json,
      verbose,
      jobs,
      scriptTimeout,
      options: { optLevel, bounds, verify, only, timeout },
    };
  } catch (error) {
    usage(error instanceof Error ? error.message : String(error));
  }
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
  usage(error instanceof Error ? error.message : String(error));
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
