/**
 * What the fuzzer is worth: plants one bug at a time in a copy of the compiler's sources, lets `npm run fuzz` look for it, and prints what
 * it took. Every bug has to be found. The product itself knows nothing of this.
 */

import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_FAILED, failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";
import { PLANTED, type PlantedBug } from "./fuzz/bugs.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

interface Options {
  readonly modules: number;
  readonly seed: number;
  readonly json?: boolean;
}

const command = toolCommand(
  "fuzz:planted",
  "Plants bugs in a copy of the compiler, one at a time, and lets the fuzzer find each.",
  "[options] [WORDS of the bugs' names…]",
)
  .argument("[words...]", "only bugs whose name holds one of these")
  .option("--modules <n>", "give up after this many modules", numberFrom(1, true), 20_000)
  .option("--seed <n>", "seed of the first module", numberFrom(0, true), 1)
  .option("--json", "the table as JSON");
parseArguments(command);
const options = command.opts<Options>();

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly found: boolean;
  readonly modules: number;
  readonly seconds: number;
  readonly how: string;
}

/** A copy of everything that the fuzzer needs. */
function copySources(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-planted-"));
  for (const name of ["package.json", "src", "tests/wast", "tests/support", "tools"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.includes("node_modules") });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  symlinkSync(join(root, "tools/engine/node_modules"), join(folder, "tools/engine/node_modules"));
  return folder;
}

function tryBug(folder: string, { name, kind, file, from, to }: PlantedBug): Row {
  const path = join(folder, file);
  const text = readFileSync(path, "utf8");
  if (text.split(from).length !== 2) failWith(`${file} does not hold ${JSON.stringify(from)} once (bug ${name})`);
  writeFileSync(
    path,
    text.replace(from, () => to),
  );
  const start = performance.now();
  try {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [
        ...["--import", "tsx", join(folder, "tools/fuzz.ts"), "--json", "--failures", "1", "--reduce", "0"],
        ...["--seed", String(options.seed), "--modules", String(options.modules), "--cases", join(folder, "cases")],
      ],
      { cwd: folder, encoding: "utf8" },
    );
    const summary: unknown = stdout === "" ? {} : JSON.parse(stdout);
    const modules =
      typeof summary === "object" && summary !== null && "modules" in summary ? Number(summary.modules) : 0;
    const how = stderr.split("\n").find((line) => line.startsWith("seed")) ?? "";
    const found = status === EXIT_FAILED && how !== "";
    return { name, kind, found, modules, seconds: (performance.now() - start) / 1000, how };
  } finally {
    writeFileSync(path, text);
  }
}

const wanted = PLANTED.filter(({ name }) => command.args.length === 0 || command.args.some((w) => name.includes(w)));
const folder = copySources();
const rows: Row[] = [];
try {
  for (const bug of wanted) {
    const row = tryBug(folder, bug);
    rows.push(row);
    if (options.json === true) continue;
    const verdict = row.found ? `found after ${row.modules} modules` : "NOT FOUND";
    console.log(`${row.kind.padEnd(11)} ${row.name.padEnd(52)} ${verdict}, ${row.seconds.toFixed(0)} s`);
    console.log(`            ${row.how.slice(0, 140)}`);
  }
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const missed = rows.filter((r) => !r.found);
if (options.json === true) console.log(JSON.stringify(rows));
else console.log(`${rows.length - missed.length} of ${rows.length} found`);
process.exit(missed.length > 0 ? EXIT_FAILED : 0);
