/**
 * Scripts in processes of their own, a few at a time: a compiler that crashes or does not end fails the script that it was busy with.
 * Reports come in the order of the files.
 */

import { type ChildProcess, fork } from "node:child_process";
import type { ScriptOptions, ScriptReport } from "./outcome.ts";
import type { WorkerMessage } from "./worker.ts";

const WORKER = new URL("./worker.ts", import.meta.url);

class Worker {
  #process: ChildProcess | undefined;

  /** `timeout`: milliseconds for the whole script, from when the process has begun it. Never rejects. */
  run(file: string, options: ScriptOptions, timeout: number): Promise<ScriptReport> {
    this.#process ??= fork(WORKER);
    const child = this.#process;
    return new Promise((resolve) => {
      const settle = (report: ScriptReport): void => {
        clearTimeout(timer);
        child.removeAllListeners();
        resolve(report);
      };
      const fail = (message: string): void => {
        this.#process = undefined;
        child.kill("SIGKILL");
        settle({ file, outcomes: [{ line: 1, verdict: "failed", message }] });
      };
      const timer = setTimeout(() => fail(`the script does not end in ${timeout / 1000} s`), timeout);
      child.on("message", (message: WorkerMessage) => {
        if (message.kind === "started") timer.refresh();
        else settle(message.report);
      });
      child.once("error", (error) => fail(`the runner failed: ${error.message}`));
      child.once("exit", (code, signal) => fail(`the runner ended: ${signal ?? `exit code ${code}`}`));
      child.send({ file, options });
    });
  }

  close(): void {
    this.#process?.kill();
  }
}

/** Calls `report` for every file, in order. */
export async function runScripts(
  files: readonly string[],
  options: ScriptOptions,
  jobs: number,
  scriptTimeout: number,
  report: (report: ScriptReport) => void,
): Promise<void> {
  const done: (ScriptReport | undefined)[] = [];
  let next = 0;
  let reported = 0;
  const work = async (): Promise<void> => {
    const worker = new Worker();
    for (let i = next++; i < files.length; i = next++) {
      done[i] = await worker.run(files[i] ?? "", options, scriptTimeout);
      for (let ready = done[reported]; ready !== undefined; ready = done[reported]) {
        reported++;
        report(ready);
      }
    }
    worker.close();
  };
  await Promise.all(Array.from({ length: Math.min(jobs, files.length) }, work));
}
