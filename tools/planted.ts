/**
 * What the fuzzer is worth: plants one bug at a time in a copy of the compiler's sources, lets `npm run fuzz` look for it, and prints what
 * it took. Every bug has to be found. The product itself knows nothing of this.
 */

import { type ChildProcess, spawn } from "node:child_process";
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
  readonly jobs: number;
  readonly json?: boolean;
}

const command = toolCommand(
  "fuzz:planted",
  "Plants bugs in copies of the compiler, one in each, and lets the fuzzer find them.",
  "[options] [WORDS of the bugs' names or kinds…]",
)
  .argument("[words...]", "only bugs whose name or kind holds one of these")
  .option("--modules <n>", "give up after this many modules", numberFrom(1, true), 2000)
  .option("--seed <n>", "seed of the first module", numberFrom(0, true), 1)
  .option("--jobs <n>", "bugs at a time", numberFrom(1, true), 1)
  .option("--json", "the table as JSON")
  .addHelpText("after", "\nExits 1 when a bug is not found.");
parseArguments(command);
const options = command.opts<Options>();

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly found: boolean;
  /** Of the blocks up to the one that showed it. */
  readonly modules: number;
  readonly seconds: number;
  readonly how: string;
}

/** The file that a bug is in, with the bug. */
function plant({ name, file, from, to }: PlantedBug): string {
  const text = readFileSync(join(root, file), "utf8");
  if (text.split(from).length !== 2) failWith(`${file} does not hold ${JSON.stringify(from)} once (bug ${name})`);
  return text.replace(from, () => to);
}

/** A copy of everything that the fuzzer needs. */
function copySources(): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-planted-"));
  for (const name of ["package.json", "src", "tests", "tools"]) {
    cpSync(join(root, name), join(folder, name), { recursive: true, filter: (path) => !path.includes("node_modules") });
  }
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  symlinkSync(join(root, "tools/engine/node_modules"), join(folder, "tools/engine/node_modules"));
  return folder;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const running = new Set<ChildProcess>();
let interrupted = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interrupted = true;
    for (const child of running) child.kill(signal);
  });
}

function run(folder: string): Promise<Ended> {
  const child = spawn(
    process.execPath,
    [
      ...["--import", "tsx", join(folder, "tools/fuzz.ts"), "--json", "--failures", "1", "--reduce", "0"],
      ...["--seed", String(options.seed), "--modules", String(options.modules), "--cases", join(folder, "cases")],
    ],
    { cwd: folder, stdio: ["ignore", "pipe", "pipe"] },
  );
  running.add(child);
  const out: string[] = [];
  const err: string[] = [];
  child.stdout.setEncoding("utf8").on("data", (text: string) => out.push(text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => err.push(text));
  return new Promise((done, failed) => {
    child.on("error", failed);
    child.on("close", (status) => {
      running.delete(child);
      done({ status, stdout: out.join(""), stderr: err.join("") });
    });
  });
}

async function tryBug(bug: PlantedBug): Promise<Row> {
  const { name, kind, file } = bug;
  const folder = copySources();
  const start = performance.now();
  try {
    writeFileSync(join(folder, file), plant(bug));
    const { status, stdout, stderr } = await run(folder);
    const summary: unknown = stdout === "" ? {} : JSON.parse(stdout);
    if (typeof summary !== "object" || summary === null || !("modules" in summary))
      failWith(`the fuzzer does not run with bug ${name}: ${stderr}`);
    // A module that differs: not a fuzzer that dies of the bug.
    const how = stderr.split("\n").find((line) => /^seed \d+, /.test(line)) ?? "";
    const found = status === EXIT_FAILED && how !== "";
    return { name, kind, found, modules: Number(summary.modules), seconds: (performance.now() - start) / 1000, how };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { args } = command;
const wanted = PLANTED.filter(({ name, kind }) => args.length === 0 || args.some((w) => `${kind} ${name}`.includes(w)));
if (wanted.length === 0) failWith(`no bug is called ${args.join(" or ")}`);
for (const bug of wanted) plant(bug);

const rows: Row[] = [];
const waiting = [...wanted];
async function work(): Promise<void> {
  for (let bug = waiting.shift(); bug !== undefined; bug = waiting.shift()) {
    const row = await tryBug(bug);
    if (interrupted) return;
    rows.push(row);
    if (options.json === true) continue;
    const verdict = row.found ? `found after ${row.modules} modules` : `MISSED in ${row.modules} modules`;
    console.log(`${row.kind.padEnd(11)} ${row.name.padEnd(60)} ${verdict}, ${row.seconds.toFixed(0)} s`);
    if (row.found) console.log(`            ${row.how.slice(0, 140)}`);
  }
}
await Promise.all(Array.from({ length: options.jobs }, work));
const missed = rows.filter((r) => !r.found);
if (options.json === true) console.log(JSON.stringify(rows));
else console.log(`${rows.length - missed.length} of ${rows.length} found`);
process.exit(missed.length > 0 || interrupted ? EXIT_FAILED : 0);
