/**
 * The folder-rank check: a folder under `src/` imports only from strictly lower ranks, or itself; only some import Node's modules; no
 * folder has a barrel. Type imports count. Prints every violation; exits 1 if there is one.
 */

import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The house of ARCHITECTURE.md. Longest prefix wins. */
const RANKS: Readonly<Record<string, number>> = {
  base: 0,
  wasm: 1,
  ir: 1,
  layout: 1,
  component: 2,
  abi: 2.5,
  "component/validate": 3,
  plan: 3,
  translate: 4,
  opt: 4,
  codegen: 4,
  "codegen/x64": 5,
  frontend: 5,
  object: 5,
  compiler: 6,
  verify: 6,
  bindings: 6,
  driver: 7,
  cli: 7,
  "": 7,
};

/** Folders that may import `node:` modules. */
const NODE_FOLDERS: readonly string[] = ["cli"];
/** Files that may: the worker pool, and the hash that its caches share with the command line. */
const NODE_FILES: readonly string[] = ["compiler/pool.ts", "compiler/worker.ts", "compiler/node-hash.ts"];

const IMPORT = /(?:^|\n)\s*(?:import|export)\s[^"';]*?["']([^"']+)["']|import\(\s*["']([^"']+)["']\s*\)/g;

function files(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return files(path);
      return path.endsWith(".ts") ? [path] : [];
    });
}

function folderOf(file: string): string {
  const dir = dirname(file);
  if (dir === ".") return "";
  const known = Object.keys(RANKS)
    .filter((f) => f !== "" && (dir === f || dir.startsWith(`${f}/`)))
    .sort((x, y) => y.length - x.length)[0];
  return known ?? `unknown folder ${dir}`;
}

/** Checks the sources below `root`; returns one line for each violation. */
export function checkRanks(root: string): string[] {
  const problems: string[] = [];
  for (const path of files(root)) {
    const file = relative(root, path);
    const folder = folderOf(file);
    const rank = RANKS[folder];
    if (rank === undefined) {
      problems.push(`src/${file}: ${folder} has no rank`);
      continue;
    }
    if (file.endsWith("/index.ts")) problems.push(`src/${file}: no barrels but src/index.ts`);
    for (const match of readFileSync(path, "utf8").matchAll(IMPORT)) {
      const target = match[1] ?? match[2] ?? "";
      if (target.startsWith("node:")) {
        if (!NODE_FOLDERS.includes(folder) && !NODE_FILES.includes(file)) {
          problems.push(`src/${file}: imports ${target}; only cli/ and the worker pool may`);
        }
        continue;
      }
      if (!target.startsWith(".")) continue;
      const other = folderOf(relative(root, resolve(dirname(path), target)));
      const otherRank = RANKS[other];
      const entry = folder === "" || (folder === "cli" && other !== "cli") || folder === "driver";
      if (otherRank === undefined) problems.push(`src/${file}: imports ${target}, ${other}`);
      else if (other !== folder && otherRank >= rank && !(entry && otherRank === 7)) {
        problems.push(`src/${file}: ${folder} (rank ${rank}) imports ${other} (rank ${otherRank}): ${target}`);
      }
    }
  }
  return problems;
}

const here = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && resolve(process.argv[1]) === here) {
  const problems = checkRanks(resolve(dirname(here), "../src"));
  for (const p of problems) process.stderr.write(`${p}\n`);
  if (problems.length > 0) process.exit(1);
  process.stdout.write("ranks: every import goes down\n");
}
