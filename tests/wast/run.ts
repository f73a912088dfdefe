/** Runs `.wast` scripts: finds the files, says what kind each is, and gives what came out of every form. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseWast } from "../support/wast.ts";
import { isComponentScript, runComponentScript } from "./component-script.ts";
import { runCoreScript } from "./core-script.ts";
import { firstLine, type Outcome, type ScriptOptions, type ScriptReport } from "./outcome.ts";
import { REFUSALS } from "./refusals.ts";
import { LIFTED, SKIPS } from "./skips.ts";

/** Proposals that extend garbage collection: exact types and descriptors of structs. */
const GC_PROPOSALS = /\/proposals\/custom-descriptors\//;

/** A script of the standard's suites: its name there. */
const SUITE_FILE = /\/testsuite\/((?:core|component)\/.*)$/;

/** All scripts below `path`, or itself. Throws when there is nothing. */
export function scriptFiles(path: string): string[] {
  if (!existsSync(path)) throw new Error(`${path} does not exist`);
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => {
      const inside = join(path, name);
      if (statSync(inside).isDirectory()) return scriptFiles(inside);
      return name.endsWith(".wast") ? [inside] : [];
    });
}

function suiteName(file: string): string | undefined {
  return SUITE_FILE.exec(resolve(file))?.[1];
}

function wrong(message: string): Outcome {
  return { line: 1, verdict: "failed", message };
}

/** Failures when a script of the standard's suites does not skip, or has not refused, just what the lists say. */
function wrongLists(file: string, outcomes: readonly Outcome[]): readonly Outcome[] {
  const name = suiteName(file);
  if (name === undefined) return [];
  const out: Outcome[] = [];
  const listed = SKIPS.find((skip) => skip.file === name)?.forms ?? 0;
  const skipped = outcomes.filter((o) => o.verdict === "skipped").length;
  if (skipped !== listed) out.push(wrong(`${skipped} forms are skipped, and ${listed} are listed (skips.ts)`));
  const { forms, reasons } = REFUSALS.find((refusal) => refusal.file === name) ?? { forms: 0, reasons: [] };
  const refused = outcomes.filter((o) => o.verdict === "refused");
  if (refused.length !== forms)
    out.push(wrong(`${refused.length} forms are refused, and ${forms} are listed (refusals.ts)`));
  const given = [...new Set(refused.map((o) => o.message))].sort();
  const expected = [...reasons].sort();
  if (given.join("\n") !== expected.join("\n")) {
    out.push(wrong(`refusals say: ${given.join("; ")}; listed are (refusals.ts): ${expected.join("; ")}`));
  }
  return out;
}

/** Never rejects: what goes wrong is a failure of this script. */
export async function runScript(file: string, options: ScriptOptions): Promise<ScriptReport> {
  try {
    const text = readFileSync(file, "utf8");
    const forms = parseWast(text);
    const run = isComponentScript(forms) ? runComponentScript : runCoreScript;
    const lifted = new Set(LIFTED.filter((l) => l.file === suiteName(file)).flatMap((l) => l.lines));
    const outcomes = await run(text, forms, { lifted, ...options, needsGc: GC_PROPOSALS.test(file) });
    return { file, outcomes: options.only === undefined ? [...outcomes, ...wrongLists(file, outcomes)] : outcomes };
  } catch (error) {
    return { file, outcomes: [{ line: 1, verdict: "failed", message: firstLine(error) }] };
  }
}
