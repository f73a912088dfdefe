/** The order of the passes: the only place that knows it. */

import { ControlFlowGraph } from "../ir/cfg.ts";
import type { Func } from "../ir/function.ts";
import { tidyControlFlow } from "./control-flow.ts";
import { removeDeadCode } from "./dead-code.ts";
import { removeTrivialParams } from "./trivial-params.ts";
import { numberValues } from "./value-numbering.ts";

/** 0: what code generation needs and no more. 2: everything. */
export type OptLevel = 0 | 1 | 2;

/** Called after every pass with its name: dumps and verification. */
export type PassHook = (pass: string, func: Func) => void;

export function optimize(func: Func, level: OptLevel, hook?: PassHook): void {
  const run = (name: string, pass: () => void): void => {
    pass();
    hook?.(name, func);
  };
  run("tidy-control-flow", () => tidyControlFlow(func));
  if (level === 0) return;
  run("trivial-params", () => removeTrivialParams(func));
  run("value-numbering", () => numberValues(func, new ControlFlowGraph(func)));
  run("tidy-control-flow", () => tidyControlFlow(func));
  run("trivial-params", () => removeTrivialParams(func));
  run("dead-code", () => removeDeadCode(func));
}
