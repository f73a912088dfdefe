/**
 * Compile time: processor time per MB of code section on a real module, cold and warm; wall time with workers; building again; peak memory; how
 * time and memory grow with modules of five shapes. Every figure is of a process of its own.
 */

import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { findTool } from "../tests/support/tools.ts";
import { ROOT } from "../tests/support/windlass.ts";
import { decodeModule } from "../src/wasm/decode.ts";
import { type Shape, SHAPES, withChange } from "./shapes.ts";
import { median, type Peer, type Row } from "./table.ts";

/** What `peers/compile-once.mjs` prints. */
interface CompileRound {
  /** Milliseconds; of processor time on all threads. */
  readonly wall: number;
  readonly processor: number;
  /** Of processor time, for a loop of fixed length behind the round. */
  readonly loop: number;
  readonly stages: Readonly<Record<string, number>>;
  /** Bytes of code sections that were compiled, of machine code, and of memory at the most so far. */
  readonly codeBytes: number;
  readonly textBytes: number;
  readonly peakBytes: number;
}

const MB = 1e6;
const PEERS = join(ROOT, "bench/peers");
/** wasm-tools itself, as its npm package ships it. */
const MODULE = join(ROOT, "node_modules/@bytecodealliance/jco-transpile/vendor/wasm-tools.core.wasm");
/** V8 still gets faster in the fourth; and of a machine that is shared one round or another is disturbed. */
const WARM_ROUNDS = 8;
/** Of modules of a shape. */
const SHAPE_ROUNDS = 2;
const LEVELS = [0, 2] as const;
/** Peak memory that is allowed: so much, and so much for each byte of wasm. */
const MEMORY_BASE = 300 * MB;
const MEMORY_PER_BYTE = 50;

function output(program: string, args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: "utf8", maxBuffer: 1 << 26 });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: ${stderr}`);
  return stdout;
}

function isRound(value: unknown): value is CompileRound {
  return typeof value === "object" && value !== null && "processor" in value && "peakBytes" in value;
}

function roundArguments(file: string, level: number, workers: number, rounds: number): string[] {
  return [join(PEERS, "compile-once.mjs"), file, String(level), String(workers), String(rounds)];
}

function roundsOf(text: string): CompileRound[] {
  return text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
    .filter(isRound);
}

/** At least one. */
function compileRounds(file: string, level: number, workers: number, rounds: number, pack?: string): CompileRound[] {
  const args = roundArguments(file, level, workers, rounds);
  if (pack !== undefined) args.push(pack);
  return roundsOf(output(process.execPath, args));
}

/**
 * Half the wall time of a round, once warm, while another process compiles the same: of what two threads take, this is the machine's part,
 * because processors share caches, memory and sometimes more.
 */
async function halfOfTwoProcesses(file: string, level: number): Promise<number> {
  const run = promisify(execFile);
  const args = roundArguments(file, level, 1, 1 + WARM_ROUNDS);
  const texts = await Promise.all([run(process.execPath, args), run(process.execPath, args)]);
  const walls = texts.map(({ stdout }) => best(roundsOf(stdout).slice(1), "wall").wall);
  return Math.max(...walls) / 2;
}

function best(rounds: readonly CompileRound[], of: "wall" | "processor"): CompileRound {
  const [first, ...rest] = rounds;
  if (first === undefined) throw new Error("nothing was compiled");
  return rest.reduce((least, r) => (r[of] < least[of] ? r : least), first);
}

/** Milliseconds of processor time, the least of some rounds. */
function peers(file: string): Peer[] {
  const least = (text: string): number => Math.min(...text.trim().split("\n").map(Number));
  const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-dynamic-tiering"];
  const found: Peer[] = [
    { name: "V8", value: least(output(process.execPath, [...flags, join(PEERS, "compile-v8.cjs"), file, "3"])) },
  ];
  const python = findTool("python3");
  if (python !== undefined && spawnSync(python, ["-c", "import wasmtime"]).status === 0) {
    found.push({ name: "Wasmtime", value: least(output(python, [join(PEERS, "compile_wasmtime.py"), file, "2"])) });
  }
  return found;
}

function throughputRows(file: string): Row[] {
  const rows: Row[] = [];
  const found = peers(file);
  for (const level of LEVELS) {
    const [cold, ...warm] = compileRounds(file, level, 1, 1 + WARM_ROUNDS);
    if (cold === undefined) throw new Error("nothing was compiled");
    const fast = best(warm, "processor");
    const size = fast.codeBytes / MB;
    const group = `compiling ${size.toFixed(2)} MB of code in one thread, ms of processor time per MB`;
    const speed = (ms: number): string => `${((1000 * size) / ms).toFixed(2)} MB/s`;
    const perMB = found.map(({ name, value }) => ({ name, value: value / size }));
    const add = (name: string, ms: number, others: readonly Peer[] = []): void => {
      rows.push({ group, name: `-O${level} ${name}`, value: ms / size, unit: "ms/MB", peers: others });
    };
    add(`cold: ${speed(cold.processor)}`, cold.processor);
    add(`warm: ${speed(fast.processor)}`, fast.processor, perMB);
    const middle = median(warm.map((r) => r.processor));
    add(`warm, the median of ${warm.length}: ${speed(middle)}`, middle);
    for (const [stage, ms] of Object.entries(fast.stages)) add(`warm, wall time: ${stage}`, ms);
    rows.push(steadyRow(`-O${level}, one thread`, warm));
    rows.push(peakRow(`-O${level}, one thread`, file, cold));
  }
  return rows;
}

/** How much slower the machine was at its slowest than at its fastest, while these were compiled. */
function steadyRow(name: string, rounds: readonly CompileRound[]): Row {
  const loops = rounds.map(({ loop }) => loop);
  const [least, most] = [Math.min(...loops), Math.max(...loops)];
  const peers = [{ name: "the fastest", value: least }];
  return { group: "the machine: a loop of fixed length, at its slowest", name, value: most, unit: "ms", peers };
}

/** Of the whole process, threads included, when it has compiled `file` once. */
function peakRow(name: string, file: string, { peakBytes }: CompileRound): Row {
  const bound = { name: "bound", value: (MEMORY_BASE + MEMORY_PER_BYTE * statSync(file).size) / MB };
  return { group: "peak memory", name, value: peakBytes / MB, unit: "MB", peers: [bound] };
}

/**
 * Cold, as a command is: threads are made and V8 learns in each. Warm, as in a process that keeps them (`compilerThreads`), when each thread
 * has compiled as much as one alone.
 */
async function workerRows(file: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const level of LEVELS) {
    const [one, two] = [1, 2].map((workers) => compileRounds(file, level, workers, 1 + workers * WARM_ROUNDS));
    const [[coldOne, ...warmOne], [coldTwo, ...warmTwo]] = [one ?? [], two ?? []];
    if (coldOne === undefined || coldTwo === undefined) throw new Error("nothing was compiled");
    const row = (of: "wall" | "processor", group: string, ours: CompileRound, theirs: CompileRound): Row => {
      const peer = { name: "one thread", value: theirs[of] };
      return { group, name: `-O${level}`, value: ours[of], unit: "ms", peers: [peer] };
    };
    const warm = row("wall", "wall time of two threads, warm", best(warmTwo, "wall"), best(warmOne, "wall"));
    const limit = { name: "half of two processes", value: await halfOfTwoProcesses(file, level) };
    rows.push(
      row("wall", "wall time of two threads, cold", coldTwo, coldOne),
      row("processor", "processor time of two threads, cold", coldTwo, coldOne),
      { ...warm, peers: [...warm.peers, limit] },
      steadyRow(`-O${level}, two threads`, warmTwo),
      peakRow(`-O${level}, two threads`, file, coldTwo),
    );
  }
  return rows;
}

/** What is built again after a change of one function, in a process of its own: everything, and with the machine code of before. */
function rebuildRows(file: string, folder: string): Row[] {
  const later = join(folder, "later.wasm");
  const bytes = new Uint8Array(readFileSync(file));
  writeFileSync(later, withChange(bytes, decodeModule(bytes).bodyStart.length >> 1));
  return LEVELS.map((level) => {
    const pack = join(folder, `pack${level}`);
    compileRounds(file, level, 1, 1, pack);
    const rebuilt = best(compileRounds(later, level, 1, 1, pack), "processor");
    const all = best(compileRounds(later, level, 1, 1), "processor");
    const peer = { name: "all of it", value: all.processor };
    const group = "building again after a change of one function, processor time, cold";
    return { group, name: `-O${level}`, value: rebuilt.processor, unit: "ms", peers: [peer] };
  });
}

/** Time and memory at three sizes, each against half the size: in proportion means a ratio of 2, or less where much is the same for all. */
function shapeRows({ name, unit, size, make }: Shape, folder: string): Row[] {
  const rows: Row[] = [];
  const file = join(folder, "shape.wasm");
  writeFileSync(file, make(1));
  const nothing = best(compileRounds(file, 0, 1, 1), "wall").peakBytes;
  for (const level of LEVELS) {
    let half: { readonly ms: number; readonly memory: number } | undefined;
    for (const n of [size / 4, size / 2, size]) {
      writeFileSync(file, make(n));
      const rounds = compileRounds(file, level, 1, 1 + SHAPE_ROUNDS);
      const ms = best(rounds.slice(1), "processor").processor;
      // Of the first round: later ones count what the collector has not come to.
      const memory = Math.max(0, (rounds[0]?.peakBytes ?? 0) - nothing) / MB;
      const title = `-O${level} ${name}, ${n}`;
      const against = (value: number | undefined): Peer[] =>
        value === undefined || value < 1 ? [] : [{ name: "half the size", value }];
      const each = `${unit}: ${((1000 * ms) / n).toFixed(1)} µs, ${((memory * MB) / n).toFixed(0)} B`;
      rows.push({
        group: "growth of time, warm",
        name: `${title} (${each})`,
        value: ms,
        unit: "ms",
        peers: against(half?.ms),
      });
      rows.push({ group: "growth of memory", name: title, value: memory, unit: "MB", peers: against(half?.memory) });
      const [first] = rounds;
      if (n === size && first !== undefined) rows.push(peakRow(title, file, first));
      half = { ms, memory };
    }
  }
  return rows;
}

export async function compileTimeRows(): Promise<Row[]> {
  if (!existsSync(MODULE)) throw new Error("run npm ci: the module that is compiled is in a development dependency");
  const folder = mkdtempSync(join(tmpdir(), "windlass-bench-"));
  try {
    const rows = [...throughputRows(MODULE), ...(await workerRows(MODULE)), ...rebuildRows(MODULE, folder)];
    for (const shape of SHAPES) rows.push(...shapeRows(shape, folder));
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
