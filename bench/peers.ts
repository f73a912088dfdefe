/**
 * Who runs a kernel: Windlass at a level, V8's optimizing tier, Wasmtime, and wasm2c with a C compiler. Each is a process that prints `ready`,
 * and then for every line on its standard input runs the kernel once and prints milliseconds and result. `interleave` lets them take turns, so
 * that what else the machine does meets all of them.
 */

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type CompileOptions, compile } from "../src/driver/compile.ts";
import type { OptLevel } from "../src/opt/pipeline.ts";
import { findTool, runTool } from "../tests/support/tools.ts";
import { assemble, disassemble } from "../tests/support/wat.ts";
import { ROOT } from "../tests/support/windlass.ts";

const SOURCES = join(ROOT, "bench/peers");

export interface Kernel {
  readonly name: string;
  readonly size: number;
  /** The core module; it exports `run`. */
  readonly module: Uint8Array;
  /** Where `module` is, and a folder for what is made of it. */
  readonly path: string;
  readonly folder: string;
}

export interface Peer {
  readonly name: string;
  /** The command that runs a kernel; undefined when this peer can't compile it. */
  command(kernel: Kernel): Promise<readonly string[] | undefined>;
}

/** The module in a component that exports its `run`. */
async function component(module: Uint8Array): Promise<Uint8Array> {
  const text = (await disassemble(module)).trim().replace(/^\(module/, "(core module $m");
  return assemble(`(component ${text}
    (core instance $i (instantiate $m))
    (func (export "run") (param "n" s32) (result s32) (canon lift (core func $i "run"))))`);
}

export function windlass(cc: string, optLevel: OptLevel, more: Partial<CompileOptions> = {}): Peer {
  const variant = `${optLevel}${Object.entries(more).flat().join("-")}`;
  return {
    name: `-O${optLevel}`,
    async command({ module, folder, size }) {
      const bytes = await component(module);
      const made = await compile(bytes, { name: "kernel", output: "object", hostAbi: "dynamic", optLevel, ...more });
      const object = join(folder, `kernel${variant}.o`);
      const program = join(folder, `windlass${variant}`);
      writeFileSync(object, made.bytes);
      writeFileSync(join(folder, "kernel.h"), made.header);
      runTool(cc, [
        "-O2",
        `-DSIZE=${size}`,
        `-I${SOURCES}`,
        `-I${folder}`,
        join(SOURCES, "windlass.c"),
        object,
        "-o",
        program,
      ]);
      return [program];
    },
  };
}

/** Without its baseline compiler, and all functions when the module is compiled: nothing that is timed has been less than optimized. */
export const v8: Peer = {
  name: "V8",
  async command({ path, size }) {
    const flags = ["--no-liftoff", "--no-wasm-lazy-compilation", "--no-wasm-dynamic-tiering"];
    return [process.execPath, ...flags, join(SOURCES, "v8.cjs"), path, String(size)];
  },
};

/** The Python package; undefined when it is not installed. */
export function wasmtime(): Peer | undefined {
  const python = findTool("python3");
  if (python === undefined || spawnSync(python, ["-c", "import wasmtime"]).status !== 0) return undefined;
  return {
    name: "Wasmtime",
    async command({ path, size }) {
      return [python, join(SOURCES, "wasmtime_peer.py"), path, String(size)];
    },
  };
}

/** Where packages put the source of wasm2c's run-time support. */
const WASM2C_RUNTIME = ["/usr/share/wabt/wasm2c", "/usr/src/wasm2c", "/usr/local/share/wabt/wasm2c"];

/** undefined when wasm2c or its run-time support is not installed. */
export function wasm2c(cc: string): Peer | undefined {
  const tool = findTool("wasm2c");
  const runtime = WASM2C_RUNTIME.find((f) => existsSync(join(f, "wasm-rt-impl.c")));
  if (tool === undefined || runtime === undefined) return undefined;
  return {
    name: "wasm2c + cc",
    async command({ path, folder, size }) {
      const made = join(folder, "wasm2c");
      runTool("mkdir", ["-p", made]);
      const source = join(made, "kernel.c");
      // Old versions refuse what they don't know: SIMD.
      if (spawnSync(tool, [path, "-n", "kernel", "-o", source]).status !== 0) return undefined;
      const program = join(made, "kernel");
      const files = [join(SOURCES, "wasm2c.c"), source, join(runtime, "wasm-rt-impl.c")];
      const libraries = ["-lm", "-o", program];
      runTool(cc, ["-O2", "-w", `-DSIZE=${size}`, `-I${made}`, `-I${SOURCES}`, `-I${runtime}`, ...files, ...libraries]);
      return [program];
    },
  };
}

/** What one process said: its best time, and its result. */
export interface Timing {
  readonly best: number;
  readonly result: number;
}

class Runner {
  readonly #command: readonly string[];
  readonly #process: ChildProcess;
  readonly #lines: AsyncIterator<string>;
  #best = Number.POSITIVE_INFINITY;
  #result = Number.NaN;

  constructor(command: readonly string[]) {
    this.#command = command;
    const [program = "", ...args] = command;
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#process = child;
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`${this.#command.join(" ")}: ended early`);
    return value;
  }

  async ready(): Promise<void> {
    const line = await this.#line();
    if (line !== "ready") throw new Error(`${this.#command.join(" ")}: ${line}`);
  }

  async round(): Promise<void> {
    this.#process.stdin?.write("\n");
    const [time = Number.NaN, result = Number.NaN] = (await this.#line()).split(" ").map(Number);
    this.#best = Math.min(this.#best, time);
    this.#result = result;
  }

  end(): Timing {
    this.#process.stdin?.end();
    return { best: this.#best, result: this.#result };
  }
}

/** Runs all commands in turns, `rounds` times. */
export async function interleave(commands: readonly (readonly string[])[], rounds: number): Promise<Timing[]> {
  const runners = commands.map((c) => new Runner(c));
  try {
    for (const runner of runners) await runner.ready();
    for (let i = 0; i < rounds; i++) for (const runner of runners) await runner.round();
  } finally {
    for (const runner of runners) runner.end();
  }
  return runners.map((r) => r.end());
}
