/** One worker of the pool (`pool.ts`): makes the program, then compiles batches until there are none. */

import { parentPort, workerData } from "node:worker_threads";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import * as front from "./front.ts";
import { FunctionCompiler } from "./function.ts";
import { type Batches, type WorkerReply, type WorkerSetup, compileBatch, takeBatch } from "./pool.ts";

const setup: WorkerSetup = workerData;

function replyOf(error: unknown, first: number): WorkerReply {
  if (error instanceof WindlassError) return { kind: "error", first, diagnostics: error.diagnostics };
  const stage = error instanceof InternalError ? error.stage : "worker";
  return { kind: "fault", first, stage, message: error instanceof Error ? error.message : String(error) };
}

function run(batches: Batches): void {
  let first = 0;
  try {
    // The input was validated before the pool was started.
    const program = front.program(front.plan(front.parse(setup.bytes), setup.front), setup.front);
    const functions = new FunctionCompiler(program, setup.functions);
    for (let batch = takeBatch(batches); batch !== undefined; batch = takeBatch(batches)) {
      first = batch.first;
      const reply: WorkerReply = { kind: "done", first, compiled: compileBatch(functions, batch) };
      // A copy: machine code is small, and once a buffer has left a thread V8 checks every array there at each access.
      parentPort?.postMessage(reply);
    }
  } catch (error) {
    parentPort?.postMessage(replyOf(error, first));
  }
}

run(setup.batches);
