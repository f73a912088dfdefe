/** Runs scripts that its parent names, one at a time (`workers.ts`). */

import type { ScriptOptions } from "./outcome.ts";
import { runScript } from "./run.ts";

process.on("message", (request: { readonly file: string; readonly options: ScriptOptions }) => {
  void runScript(request.file, request.options).then((report) => process.send?.(report));
});
