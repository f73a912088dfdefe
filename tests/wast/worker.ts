/** Runs scripts that its parent names, one at a time (`workers.ts`). */

import type { ScriptOptions, ScriptReport } from "./outcome.ts";
import { runScript } from "./run.ts";

export type WorkerMessage = { readonly kind: "started" } | { readonly kind: "done"; readonly report: ScriptReport };

function send(message: WorkerMessage): void {
  process.send?.(message);
}

process.on("message", (request: { readonly file: string; readonly options: ScriptOptions }) => {
  send({ kind: "started" });
  void runScript(request.file, request.options).then((report) => send({ kind: "done", report }));
});
