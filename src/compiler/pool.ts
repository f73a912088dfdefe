/**
 * The worker pool: each worker makes its own program from the component's bytes, takes batches of symbols, and gives back machine code.
 * Batches are fixed and results are placed by symbol, so that the output does not depend on who was faster.
 */

import { Worker } from "node:worker_threads";
import { type Diagnostic, InternalError, WindlassError } from "../base/diagnostics.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import type { Program } from "../frontend/program.ts";
import type { FrontOptions } from "./front.ts";
import type { FunctionOptions } from "./function.ts";

/** What a worker is started with. */
export interface WorkerSetup {
  readonly bytes: Uint8Array;
  readonly front: FrontOptions;
  readonly functions: FunctionOptions;
}

/** Symbols `[first, end)`. */
export interface WorkerRequest {
  readonly first: number;
  readonly end: number;
}

export type WorkerReply =
  | { readonly kind: "done"; readonly first: number; readonly compiled: readonly CompiledFunction[] }
  | { readonly kind: "error"; readonly first: number; readonly diagnostics: readonly Diagnostic[] }
  | { readonly kind: "fault"; readonly first: number; readonly stage: string; readonly message: string };

/** Small enough that the last batch does not keep one worker alone for long. */
const BATCH = 32;

function asError(reply: Exclude<WorkerReply, { kind: "done" }>): Error {
  return reply.kind === "error"
    ? new WindlassError(...reply.diagnostics)
    : new InternalError(reply.stage, reply.message);
}

/** Rejects with the error of the lowest symbol, as compiling in one thread would. */
export async function compileInWorkers(
  bytes: Uint8Array,
  program: Program,
  front: FrontOptions,
  functions: FunctionOptions,
  count: number,
  report: (done: number) => void,
): Promise<readonly CompiledFunction[]> {
  const total = program.functions.size;
  const out: CompiledFunction[] = new Array(total);
  const setup: WorkerSetup = { bytes, front, functions };
  const url = new URL(import.meta.url.endsWith(".ts") ? "./worker.ts" : "./worker.js", import.meta.url);
  let next = 0;
  let done = 0;
  let failure: { readonly first: number; readonly error: Error } | undefined;

  const runOne = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(url, { workerData: setup });
      const feed = (): void => {
        if (next >= total || failure !== undefined) {
          void worker.terminate().then(() => resolve());
          return;
        }
        const request: WorkerRequest = { first: next, end: Math.min(next + BATCH, total) };
        next = request.end;
        worker.postMessage(request);
      };
      worker.on("message", (reply: WorkerReply) => {
        if (reply.kind === "done") {
          reply.compiled.forEach((c, i) => {
            out[reply.first + i] = c;
          });
          done += reply.compiled.length;
          report(done);
        } else if (failure === undefined || reply.first < failure.first) {
          failure = { first: reply.first, error: asError(reply) };
        }
        feed();
      });
      worker.on("error", reject);
      feed();
    });

  const wanted = Math.max(1, Math.min(count, Math.ceil(total / BATCH)));
  await Promise.all(Array.from({ length: wanted }, runOne));
  if (failure !== undefined) throw failure.error;
  return out;
}
