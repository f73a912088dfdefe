/** Runs `.wast` scripts: finds the files, says what kind each is, and gives what came out of every form. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseWast } from "../support/wast.ts";
import { isComponentScript, runComponentScript } from "./component-script.ts";
import { runCoreScript } from "./core-script.ts";
import { firstLine, type ScriptOptions, type ScriptReport } from "./outcome.ts";

/** Proposals that extend garbage collection: exact types and descriptors of structs. */
const GC_PROPOSALS = /\/proposals\/custom-descriptors\//;

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

/** Never rejects: what goes wrong is a failure of this script. */
export async function runScript(file: string, options: ScriptOptions): Promise<ScriptReport> {
  try {
    const text = readFileSync(file, "utf8");
    const forms = parseWast(text);
    const run = isComponentScript(forms) ? runComponentScript : runCoreScript;
    return { file, outcomes: await run(text, forms, { ...options, needsGc: GC_PROPOSALS.test(file) }) };
  } catch (error) {
    return { file, outcomes: [{ line: 1, verdict: "failed", message: firstLine(error) }] };
  }
}
