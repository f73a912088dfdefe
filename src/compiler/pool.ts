/**
 * The worker pool: this thread and others take batches of symbols from a shared counter. Each worker makes its own program from the component's
 * bytes and sends back machine code. Batches are fixed and results are placed by symbol, so that the output does not depend on who was faster.
 *
 * Workers are started as soon as it is clear that they will be worth it, and load the compiler while this thread validates the input; they
 * touch the input only when it is known to be valid. This thread compiles too: it would else only wait.
 */

import { availableParallelism } from "node:os";
import { MessageChannel, type MessagePort, receiveMessageOnPort, Worker } from "node:worker_threads";
import { type Diagnostic, InternalError, WindlassError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import type { FuncSymbol } from "../ir/function.ts";
import type { FrontOptions, PlanFacts } from "./front.ts";
import type { FunctionCompiler, FunctionOptions } from "./function.ts";
import { type CompiledFunctions, CodeStore } from "./records.ts";

/** Words of the memory that all threads share: the first symbol that nobody has taken; what is known of the input. */
type PoolState = Int32Array<SharedArrayBuffer>;
const NEXT = 0;
const INPUT = 1;
const STATE_WORDS = 2;

const UNKNOWN = 0;
const VALID = 1;
/** Nothing more is to be done: whoever comes late need not begin. */
const OVER = 2;

/** Symbols `[first, end)`. */
export interface Batch {
  readonly first: number;
  readonly end: number;
}

/** One program to compile with others. */
export interface WorkerSetup {
  readonly bytes: Uint8Array;
  readonly front: FrontOptions;
  readonly functions: FunctionOptions;
  readonly state: PoolState;
  /** What `CodeCache` takes. */
  readonly cache: { readonly seed: string; readonly pack: Uint8Array | undefined } | undefined;
}

/** To a worker. `PlanFacts` come from `port` and replies go to it: what comes late for one program is not taken for another's. */
export interface WorkerRequest {
  readonly setup: WorkerSetup;
  readonly port: MessagePort;
}

export type WorkerReply =
  | {
      readonly kind: "done";
      readonly first: number;
      readonly records: ArrayBuffer;
      readonly keys: readonly (string | undefined)[];
    }
  | { readonly kind: "error"; readonly first: number; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "fault"; readonly first: number; readonly stage: string; readonly message: string }
  /** The last of a program. */
  | { readonly kind: "finished" };

/** Consecutive functions, and what a cache knows them by. */
interface CompiledBatch {
  readonly compiled: readonly CompiledFunction[];
  readonly keys: readonly (string | undefined)[];
}

/** The functions of a program, and by symbol what a cache knows them by. */
export interface CompiledProgram {
  readonly code: CodeStore;
  readonly keys: readonly (string | undefined)[];
}

/** Small enough that the last batch does not keep one thread alone for long. */
const BATCH = 32;
/** For fewer bytes of functions another thread takes longer to be as fast as this one (each warms up by itself) than it saves. */
const BYTES_PER_THREAD = 2_000_000;

/** The next batch of `total` symbols, or undefined when all are taken. */
export function takeBatch(state: PoolState, total: number): Batch | undefined {
  const first = Atomics.add(state, NEXT, BATCH);
  return first < total ? { first, end: Math.min(first + BATCH, total) } : undefined;
}

/** In a worker: waits until the input is known to be valid. Returns what the validator saw, or undefined when nothing is to be done. */
export function waitForApproval({ setup: { state }, port }: WorkerRequest): PlanFacts | undefined {
  Atomics.wait(state, INPUT, UNKNOWN);
  if (Atomics.load(state, INPUT) !== VALID) return undefined;
  const received: { readonly message: PlanFacts } | undefined = receiveMessageOnPort(port);
  // None when all has ended meanwhile.
  return received?.message;
}

export function compileBatch(functions: FunctionCompiler, { first, end }: Batch): CompiledBatch {
  const compiled: CompiledFunction[] = [];
  const keys: (string | undefined)[] = [];
  for (let i = first; i < end; i++) {
    const { code, key } = functions.compileKeyed(entity<FuncSymbol>(i));
    compiled.push(code);
    keys.push(key);
  }
  return { compiled, keys };
}

function asError(reply: Extract<WorkerReply, { kind: "error" | "fault" }>): Error {
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

/** How many threads are worth it for so many bytes of function bodies, on this machine. */
export function usefulThreads(codeBytes: number): number {
  return Math.max(1, Math.min(availableParallelism(), Math.ceil(codeBytes / BYTES_PER_THREAD)));
}

/** Threads that compile, the caller's among them. They are kept from one program to the next, and with them what V8 has compiled of the compiler. */
export class CompilerThreads {
  readonly workers: readonly Worker[];

  /** `count`: at least 1. They load the compiler at once. They keep no process alive. */
  constructor(count: number) {
    const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
    this.workers = Array.from({ length: count - 1 }, () => {
      const worker = new Worker(url);
      worker.unref();
      // Whoever compiles is told by a listener of its own.
      worker.on("error", () => undefined);
      return worker;
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker.terminate()));
  }
}

/** A worker as one program sees it. */
interface Helper {
  readonly port: MessagePort;
  /** It has sent all that it will send. */
  readonly finished: Promise<void>;
  /** Listens to it no more. */
  forget(): void;
}

/** Compiles the functions of one program in several threads, this one among them. `stop` must be called at the end, whatever happened. */
export class Pool {
  readonly #state: PoolState = new Int32Array(new SharedArrayBuffer(4 * STATE_WORDS));
  readonly #helpers: readonly Helper[];
  #code = new CodeStore(0);
  readonly #keys: (string | undefined)[] = [];
  #done = 0;
  #total = Number.POSITIVE_INFINITY;
  #report: (done: number) => void = () => undefined;
  #complete: () => void = () => undefined;
  #failure: { readonly first: number; readonly error: unknown } | undefined;

  constructor(setup: Omit<WorkerSetup, "state">, threads: CompilerThreads) {
    const shared: WorkerSetup = { ...setup, state: this.#state };
    this.#helpers = threads.workers.map((worker) => this.#ask(worker, shared));
  }

  #ask(worker: Worker, setup: WorkerSetup): Helper {
    const { port1, port2 } = new MessageChannel();
    let finish: () => void = () => undefined;
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    port1.on("message", (reply: WorkerReply) => {
      if (reply.kind === "finished") finish();
      else if (reply.kind === "done")
        this.#count(reply.first, this.#code.putRecords(reply.first, reply.records), reply.keys);
      else this.#fail(reply.first, asError(reply));
    });
    // What it had taken is lost.
    const lost = (error: Error): void =>
      this.#fail(-1, new InternalError("worker", error.message, undefined, { cause: error }));
    worker.on("error", lost);
    worker.on("exit", finish);
    port1.on("close", finish);
    const request: WorkerRequest = { setup, port: port2 };
    worker.postMessage(request, [port2]);
    const forget = (): void => {
      worker.off("error", lost);
      worker.off("exit", finish);
    };
    return { port: port1, finished, forget };
  }

  #put(first: number, { compiled, keys }: CompiledBatch): void {
    for (const [i, c] of compiled.entries()) this.#code.put(entity<FuncSymbol>(first + i), c);
    this.#count(first, compiled.length, keys);
  }

  #count(first: number, functions: number, keys: readonly (string | undefined)[]): void {
    keys.forEach((key, i) => {
      this.#keys[first + i] = key;
    });
    this.#done += functions;
    this.#report(this.#done);
    if (this.#done === this.#total) this.#complete();
  }

  /** Batches are taken in order, so that the lowest failure is among those that are under way. */
  #fail(first: number, error: unknown): void {
    this.#end();
    if (this.#failure === undefined || first < this.#failure.first) this.#failure = { first, error };
  }

  /** Nobody takes anything more. */
  #end(): void {
    Atomics.store(this.#state, NEXT, 0x4000_0000);
    this.#tell(OVER);
  }

  #tell(input: number): void {
    Atomics.store(this.#state, INPUT, input);
    Atomics.notify(this.#state, INPUT);
  }

  /** The input is valid: workers may begin. */
  approve(facts: PlanFacts): void {
    for (const { port } of this.#helpers) port.postMessage(facts);
    this.#tell(VALID);
  }

  /**
   * Compiles all of `total` symbols. Rejects with the error of the lowest symbol, as compiling in one thread would. `use` is called again
   * and again with what is there: its time counts as this thread's, which compiles as much less.
   */
  async compile(
    compiler: FunctionCompiler,
    total: number,
    report: (done: number) => void,
    use: (compiled: CompiledFunctions) => void,
  ): Promise<CompiledProgram> {
    this.#total = total;
    this.#code = new CodeStore(total);
    this.#report = report;
    const complete = new Promise<void>((resolve) => {
      this.#complete = resolve;
    });
    for (let batch = takeBatch(this.#state, total); batch !== undefined; batch = takeBatch(this.#state, total)) {
      try {
        this.#put(batch.first, compileBatch(compiler, batch));
      } catch (error) {
        this.#fail(batch.first, error);
      }
      await turn();
      use(this.#code);
    }
    if (this.#done === total) this.#complete();
    // One that has not begun yet is not waited for, unless something failed: it may be the lowest.
    await Promise.race([complete, Promise.all(this.#helpers.map(({ finished }) => finished))]);
    this.stop();
    if (this.#failure !== undefined) throw this.#failure.error;
    if (this.#done !== total) throw new InternalError("worker", "a thread ended before its work");
    return { code: this.#code, keys: this.#keys };
  }

  stop(): void {
    this.#end();
    for (const { port, forget } of this.#helpers) {
      port.close();
      forget();
    }
  }
}
