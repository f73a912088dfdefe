/** One worker of the pool (`pool.ts`): makes the program, then compiles the batches that it is sent. */

import { parentPort, workerData } from "node:worker_threads";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import type { Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";
import * as front from "./front.ts";
import { FunctionCompiler } from "./function.ts";
import type { WorkerReply, WorkerRequest, WorkerSetup } from "./pool.ts";

const setup: WorkerSetup = workerData;
let functions: FunctionCompiler | undefined;

function makeProgram(): Program {
  return front.program(front.plan(front.parse(setup.bytes), setup.front), setup.front);
}

function compileBatch({ first, end }: WorkerRequest): WorkerReply {
  try {
    // The input was validated before the pool was started.
    functions ??= new FunctionCompiler(makeProgram(), setup.functions);
    const compiled: CompiledFunction[] = [];
    for (let i = first; i < end; i++) compiled.push(functions.compile(entity<FuncSymbol>(i)));
    return { kind: "done", first, compiled };
  } catch (error) {
    if (error instanceof WindlassError) return { kind: "error", first, diagnostics: error.diagnostics };
    const stage = error instanceof InternalError ? error.stage : "worker";
    return { kind: "fault", first, stage, message: error instanceof Error ? error.message : String(error) };
  }
}

parentPort?.on("message", (request: WorkerRequest) => parentPort?.postMessage(compileBatch(request)));
