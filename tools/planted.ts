/**
 * What the fuzzer is worth: plants one bug at a time in a copy of the compiler's sources, lets random modules look for it, the same as those of
 * `npm run fuzz` with this seed, and prints what it took. Every bug should be found: one that is missed says what modules lack. The product
 * itself knows nothing of this.
 */

import { type ChildProcess, fork } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { EXIT_FAILED, failWith, numberFrom, parseArguments, toolCommand } from "./command.ts";
import { BLOCK } from "./fuzz/fuzzer.ts";
import { PLANTED, type PlantedBug } from "./fuzz/bugs.ts";
import type { HuntMessage, HuntOrder } from "./fuzz/hunt.ts";
import { installEngine, installedEngine } from "./fuzz/pinned.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

interface Options {
  readonly modules: number;
  readonly seed: number;
  readonly jobs: number;
  readonly patience: number;
  readonly sandbox: boolean;
  readonly json?: boolean;
}

const command = toolCommand(
  "fuzz:planted",
  "Plants bugs in copies of the compiler, one in each, and lets random modules find them.",
  "[options] [WORDS of the bugs' names or kinds…]",
)
  .argument("[words...]", "only bugs whose name or kind holds one of these")
  .option("--modules <n>", "give up after this many modules", numberFrom(1, true), 5000)
  .option("--seed <n>", "seed of the first module", numberFrom(0, true), 0)
  .option("--jobs <n>", "processes", numberFrom(1, true), 1)
  .option("--patience <seconds>", "processor time for 16 modules", numberFrom(1, false), 60)
  .option("--no-sandbox", "find them by what programs do, without the sandbox verifier")
  .option("--json", "the table as JSON")
  .addHelpText("after", "\nExits 1 when a bug is not found.");
parseArguments(command);
const options = command.opts<Options>();
const { args } = command;
const engine = installedEngine() ?? installEngine() ?? failWith("the pinned V8 can't be installed");

interface Row {
  readonly name: string;
  readonly kind: string;
  readonly found: boolean;
  /** Those of the block that showed it included. */
  readonly modules: number;
  /** Programs whose code the bug changed: 0 says that it was never there. */
  readonly changed: number;
  readonly seconds: number;
  readonly how: string;
}

/** The file that a bug is in, with the bug. */
function plant({ name, file, from, to }: PlantedBug): string {
  const text = readFileSync(join(root, file), "utf8");
  if (text.split(from).length !== 2) failWith(`${file} does not hold ${JSON.stringify(from)} once (bug ${name})`);
  return text.replace(from, () => to);
}

/** Of a second, in /proc. */
const TICKS = 100;

/** A copy of what compiles and runs a module, with the bug. */
function copyWith(bug: PlantedBug, copy: string): void {
  for (const name of ["package.json", "src", "tests/wast", "tests/support", "tools/fuzz"]) {
    cpSync(join(root, name), join(copy, name), { recursive: true });
  }
  symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
  writeFileSync(join(copy, bug.file), plant(bug));
}

/** Seconds of processor time that a child has had: of time alone a busy machine gives it little. */
function processorTime({ pid }: ChildProcess): number {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return (Number(fields[11]) + Number(fields[12])) / TICKS;
  } catch {
    return 0;
  }
}

/** A process that looks for bugs, and is replaced when it does not come back from one. */
class Hunter {
  #child: ChildProcess | undefined;

  #start(): ChildProcess {
    const { path, args: before } = engine;
    const script = join(root, "tools/fuzz/hunt.ts");
    return fork(script, [], { execPath: path, execArgv: [...before], stdio: ["ignore", "inherit", "inherit", "ipc"] });
  }

  stop(): void {
    this.#child?.kill("SIGKILL");
    this.#child = undefined;
  }

  /** Never fails: a process that dies of the bug has found it. */
  look(order: HuntOrder): Promise<Pick<Row, "found" | "modules" | "changed" | "how">> {
    const child = this.#child ?? this.#start();
    this.#child = child;
    return new Promise((done) => {
      let modules = 0;
      let since = processorTime(child);
      const timer = setInterval(() => {
        if (processorTime(child) - since > options.patience) lost("the compiler does not come back");
      }, 1000);
      const end = (row: Pick<Row, "found" | "modules" | "changed" | "how">): void => {
        clearInterval(timer);
        child.removeAllListeners();
        done(row);
      };
      const lost = (how: string): void => {
        this.stop();
        end({ found: true, modules: modules + BLOCK, changed: 1, how });
      };
      child.on("exit", (code, signal) => lost(`the compiler ended with ${signal ?? `exit code ${code}`}`));
      child.on("message", (message: HuntMessage) => {
        modules = message.modules;
        since = processorTime(child);
        if (message.kind === "alive") return;
        const { how, changed } = message;
        end({ found: how !== undefined, modules, changed, how: how ?? "" });
      });
      child.send(order);
    });
  }
}

const wanted = PLANTED.filter(({ name, kind }) => args.length === 0 || args.some((w) => `${kind} ${name}`.includes(w)));
if (wanted.length === 0) failWith(`no bug is called ${args.join(" or ")}`);
for (const bug of wanted) plant(bug);
const folder = mkdtempSync(join(tmpdir(), "windlass-planted-"));

const rows: Row[] = [];
const waiting = [...wanted.entries()];
const hunters: Hunter[] = [];

function clean(): void {
  for (const hunter of hunters) hunter.stop();
  rmSync(folder, { recursive: true, force: true });
}

function show({ kind, name, found, modules, changed, seconds, how }: Row): void {
  const verdict = found ? `found after ${modules} modules` : `MISSED in ${modules} modules, ${changed} programs differ`;
  console.log(`${kind.padEnd(11)} ${name.padEnd(64)} ${verdict}, ${seconds.toFixed(0)} s`);
  if (found) console.log(`            ${how.slice(0, 140)}`);
}

async function work(): Promise<void> {
  const hunter = new Hunter();
  hunters.push(hunter);
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const [index, bug] = next;
    const copy = join(folder, String(index));
    copyWith(bug, copy);
    const start = performance.now();
    const result = await hunter.look({
      folder: copy,
      seed: options.seed,
      modules: options.modules,
      sandbox: options.sandbox,
    });
    rmSync(copy, { recursive: true, force: true });
    const row = { name: bug.name, kind: bug.kind, seconds: (performance.now() - start) / 1000, ...result };
    rows.push(row);
    if (options.json !== true) show(row);
  }
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    clean();
    process.exit(EXIT_FAILED);
  });
}
try {
  await Promise.all(Array.from({ length: options.jobs }, work));
} finally {
  clean();
}
const missed = rows.filter((r) => !r.found);
if (options.json === true) console.log(JSON.stringify(rows));
else console.log(`${rows.length - missed.length} of ${rows.length} found`);
process.exit(missed.length > 0 ? EXIT_FAILED : 0);
