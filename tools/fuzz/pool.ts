/** The processes of `npm run fuzz`: blocks of seeds go out, totals come back. One that dies or does not come back is a failure of its block. */

import { type ChildProcess, fork } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { BLOCK, noTotals, type Totals } from "./fuzzer.ts";
import type { Engine } from "./pinned.ts";
import type { BlockOrder, WorkerMessage, WorkerOptions } from "./worker.ts";

const WORKER = join(dirname(fileURLToPath(import.meta.url)), "worker.ts");

export interface PoolOptions {
  readonly engine: Engine;
  readonly jobs: number;
  readonly seed: number;
  /** Most modules. */
  readonly modules: number;
  readonly seconds: number;
  /** Failures after which nothing more is begun. */
  readonly failures: number;
  readonly worker: WorkerOptions;
  readonly report: (line: string) => void;
  readonly progress: (totals: Totals) => void;
}

export interface PoolResult {
  readonly totals: Totals;
  readonly executed: ReadonlySet<number>;
  /** Every seed before it was run. */
  readonly nextSeed: number;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #totals = noTotals();
  readonly #executed = new Set<number>();
  readonly #running = new Map<ChildProcess, BlockOrder>();
  /** Blocks that are done though one before them is not. */
  readonly #ahead = new Map<number, number>();
  readonly #end: number;
  #next: number;
  #doneTo: number;
  #stopped = false;
  #finished: () => void = () => undefined;
  #children = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#next = options.seed;
    this.#doneTo = options.seed;
    this.#end = performance.now() + options.seconds * 1000;
  }

  /** Begins nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  async run(): Promise<PoolResult> {
    const finished = new Promise<void>((resolve) => {
      this.#finished = resolve;
    });
    for (let i = 0; i < this.#options.jobs; i++) this.#start();
    await finished;
    return { totals: this.#totals, executed: this.#executed, nextSeed: this.#doneTo };
  }

  #start(): void {
    const { engine, worker } = this.#options;
    const child = fork(WORKER, [JSON.stringify(worker)], {
      execPath: engine.path,
      execArgv: [...engine.args],
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#children++;
    let timer: NodeJS.Timeout | undefined;
    const order = (): void => {
      clearTimeout(timer);
      const block = this.#nextBlock();
      if (block === undefined) {
        this.#running.delete(child);
        child.disconnect();
        return;
      }
      this.#running.set(child, block);
      child.send(block);
      timer = setTimeout(() => child.kill("SIGKILL"), this.#patience());
    };
    child.on("message", (message: WorkerMessage) => {
      if (message.kind === "line") return this.#options.report(message.text);
      add(this.#totals, message.totals);
      for (const code of message.executed) this.#executed.add(code);
      this.#done(message.first);
      this.#options.progress(this.#totals);
      order();
    });
    child.on("exit", (code, signal) => {
      clearTimeout(timer);
      const block = this.#running.get(child);
      this.#running.delete(child);
      this.#children--;
      if (block !== undefined) {
        this.#totals.failures++;
        const last = block.first + block.count - 1;
        this.#options.report(`seeds ${block.first} to ${last}: the fuzzer ended with ${signal ?? `exit code ${code}`}`);
        this.#done(block.first);
        if (!this.#over()) this.#start();
      }
      if (this.#children === 0) this.#finished();
    });
    order();
  }

  /** A block that has failures is reduced meanwhile. */
  #patience(): number {
    return 180_000 + BLOCK * (this.#options.worker.reduction + 60_000);
  }

  #over(): boolean {
    const { modules, failures, seed } = this.#options;
    return (
      this.#stopped ||
      performance.now() >= this.#end ||
      this.#next - seed >= modules ||
      this.#totals.failures >= failures
    );
  }

  /** Ends at a multiple of the block's size, so that a seed is always in the same block. */
  #nextBlock(): BlockOrder | undefined {
    if (this.#over()) return undefined;
    const { seed, modules } = this.#options;
    const first = this.#next;
    const count = Math.min(BLOCK - (first % BLOCK), seed + modules - first);
    this.#next += count;
    return { first, count };
  }

  #done(first: number): void {
    const { seed, modules } = this.#options;
    this.#ahead.set(first, Math.min(first + BLOCK - (first % BLOCK), seed + modules));
    for (;;) {
      const end = this.#ahead.get(this.#doneTo);
      if (end === undefined) return;
      this.#ahead.delete(this.#doneTo);
      this.#doneTo = end;
    }
  }
}

function add(to: Totals, more: Totals): void {
  to.modules += more.modules;
  to.functions += more.functions;
  to.instructions += more.instructions;
  to.bytes += more.bytes;
  to.runs += more.runs;
  to.calls += more.calls;
  to.traps += more.traps;
  to.mutants += more.mutants;
  to.accepted += more.accepted;
  to.failures += more.failures;
}
