/**
 * The worker pool: this thread and others take batches of symbols from a shared counter. Each worker makes its own program from the component's
 * bytes and sends back machine code. Batches are fixed and results are placed by symbol, so that the output does not depend on who was faster.
 *
 * This thread compiles too: it has the program already and is warm, and would else only wait.
 */

import { Worker } from "node:worker_threads";
import { type Diagnostic, InternalError, WindlassError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import type { Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";
import type { FrontOptions } from "./front.ts";
import { FunctionCompiler, type FunctionOptions } from "./function.ts";

/** What is to be done, in memory that all threads share: `next` is the first symbol that nobody has taken. */
export interface Batches {
  readonly total: number;
  readonly next: Int32Array<SharedArrayBuffer>;
}

/** Symbols `[first, end)`. */
export interface Batch {
  readonly first: number;
  readonly end: number;
}

/** What a worker is started with. */
export interface WorkerSetup {
  readonly bytes: Uint8Array;
  readonly front: FrontOptions;
  readonly functions: FunctionOptions;
  readonly batches: Batches;
}

export type WorkerReply =
  | { readonly kind: "done"; readonly first: number; readonly compiled: readonly CompiledFunction[] }
  | { readonly kind: "error"; readonly first: number; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "fault"; readonly first: number; readonly stage: string; readonly message: string };

/** Small enough that the last batch does not keep one thread alone for long. */
const BATCH = 32;
/** A worker takes longer to begin than this thread takes for so many functions. */
const FUNCTIONS_PER_WORKER = 256;

/** The next batch, or undefined when all are taken. */
export function takeBatch({ total, next }: Batches): Batch | undefined {
  const first = Atomics.add(next, 0, BATCH);
  return first < total ? { first, end: Math.min(first + BATCH, total) } : undefined;
}

export function compileBatch(functions: FunctionCompiler, { first, end }: Batch): CompiledFunction[] {
  const compiled: CompiledFunction[] = [];
  for (let i = first; i < end; i++) compiled.push(functions.compile(entity<FuncSymbol>(i)));
  return compiled;
}

function asError(reply: Exclude<WorkerReply, { kind: "done" }>): Error {
  return reply.kind === "error"
    ? new WindlassError(...reply.diagnostics)
    : new InternalError(reply.stage, reply.message);
}

/** Lets messages of workers in. */
function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

class Results {
  readonly compiled: CompiledFunction[];
  /** Resolves when everything is compiled; never if something failed. */
  readonly complete: Promise<void>;
  #resolve: () => void = () => undefined;
  readonly #batches: Batches;
  readonly #report: (done: number) => void;
  #done = 0;
  #failure: { readonly first: number; readonly error: unknown } | undefined;

  constructor(batches: Batches, report: (done: number) => void) {
    this.compiled = new Array(batches.total);
    this.#batches = batches;
    this.#report = report;
    this.complete = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  put(first: number, compiled: readonly CompiledFunction[]): void {
    compiled.forEach((c, i) => {
      this.compiled[first + i] = c;
    });
    this.#done += compiled.length;
    this.#report(this.#done);
    if (this.#done === this.#batches.total) this.#resolve();
  }

  /** Batches are taken in order, so that the lowest failure is among those that are under way. */
  fail(first: number, error: unknown): void {
    Atomics.store(this.#batches.next, 0, this.#batches.total);
    if (this.#failure === undefined || first < this.#failure.first) this.#failure = { first, error };
  }

  check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}

function startWorker(setup: WorkerSetup, results: Results): Worker {
  const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
  const worker = new Worker(url, { workerData: setup });
  worker.on("message", (reply: WorkerReply) => {
    if (reply.kind === "done") results.put(reply.first, reply.compiled);
    else results.fail(reply.first, asError(reply));
  });
  // What it had taken is lost.
  worker.on("error", (error) =>
    results.fail(-1, new InternalError("worker", error.message, undefined, { cause: error })),
  );
  return worker;
}

function ended(worker: Worker): Promise<void> {
  return new Promise((resolve) => {
    worker.on("exit", () => resolve());
  });
}

/** With `count` threads, this one among them. Rejects with the error of the lowest symbol, as compiling in one thread would. */
export async function compileInWorkers(
  bytes: Uint8Array,
  program: Program,
  front: FrontOptions,
  functions: FunctionOptions,
  count: number,
  report: (done: number) => void,
): Promise<readonly CompiledFunction[]> {
  const total = program.functions.size;
  const batches: Batches = { total, next: new Int32Array(new SharedArrayBuffer(4)) };
  const results = new Results(batches, report);
  const setup: WorkerSetup = { bytes, front, functions, batches };
  const others = Math.max(0, Math.min(count, Math.ceil(total / FUNCTIONS_PER_WORKER)) - 1);
  const workers = Array.from({ length: others }, () => startWorker(setup, results));
  const allEnded = Promise.all(workers.map(ended));
  const compiler = new FunctionCompiler(program, functions);
  for (let batch = takeBatch(batches); batch !== undefined; batch = takeBatch(batches)) {
    try {
      results.put(batch.first, compileBatch(compiler, batch));
    } catch (error) {
      results.fail(batch.first, error);
    }
    await turn();
  }
  // One that has not begun yet is not waited for.
  await Promise.race([results.complete, allEnded]);
  await Promise.all(workers.map((worker) => worker.terminate()));
  results.check();
  return results.compiled;
}
