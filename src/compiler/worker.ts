/**
 * One worker (`pool.ts`). For each program that it is asked to help with it makes the program, once the input is known to be valid, and then
 * compiles batches until there are none.
 */

import { parentPort } from "node:worker_threads";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { CodeCache } from "./code-cache.ts";
import * as front from "./front.ts";
import { FunctionCompiler } from "./function.ts";
import { nodeHash } from "./node-hash.ts";
import { compileBatch, takeBatch, waitForApproval, type WorkerReply, type WorkerRequest } from "./pool.ts";
import { writeRecords } from "./records.ts";

function replyOf(error: unknown, first: number): WorkerReply {
  if (error instanceof WindlassError) return { kind: "error", first, diagnostics: error.diagnostics };
  const stage = error instanceof InternalError ? error.stage : "worker";
  return { kind: "fault", first, stage, message: error instanceof Error ? error.message : String(error) };
}

function run(request: WorkerRequest): void {
  const { setup, port } = request;
  const { bytes, front: options, functions, state, cache } = setup;
  const reply = (message: WorkerReply): void => port.postMessage(message);
  let first = 0;
  try {
    const facts = waitForApproval(request);
    if (facts === undefined) return;
    const component = front.plan(front.parse(bytes), options);
    const program = front.program(component, options, front.validatedModules(component, facts));
    const known = cache === undefined ? undefined : new CodeCache(program, cache.seed, nodeHash, cache.pack);
    const compiler = new FunctionCompiler(program, functions, undefined, known);
    const total = program.functions.size;
    for (let batch = takeBatch(state, total); batch !== undefined; batch = takeBatch(state, total)) {
      first = batch.first;
      const { compiled, keys } = compileBatch(compiler, batch);
      // A copy: machine code is small, and once a buffer has left a thread V8 checks every array there at each access.
      reply({ kind: "done", first, records: writeRecords(compiled), keys });
    }
  } catch (error) {
    reply(replyOf(error, first));
  } finally {
    reply({ kind: "finished" });
    port.close();
  }
}

parentPort?.on("message", run);
