/** The order of the passes: the only place that knows it. */

import { ControlFlowGraph } from "../ir/cfg.ts";
import type { Func } from "../ir/function.ts";
import { tidyControlFlow } from "./control-flow.ts";
import { removeDeadCode } from "./dead-code.ts";
import { moveLoopInvariants } from "./loop-invariants.ts";
import { removeTrivialParams } from "./trivial-params.ts";
import { numberValues } from "./value-numbering.ts";

/** 0: what code generation needs and no more. 1: what makes code generation faster, too. 2: everything. */
export type OptLevel = 0 | 1 | 2;

/** Called after every pass with its name: dumps and verification. */
export type PassHook = (pass: string, func: Func) => void;

interface Pass {
  readonly name: string;
  /** From this level on. */
  readonly level: OptLevel;
  readonly run: (func: Func) => void;
}

/** Tidying first makes every block reachable, as the others ask. */
const PASSES: readonly Pass[] = [
  { name: "tidy-control-flow", level: 0, run: tidyControlFlow },
  { name: "trivial-params", level: 1, run: removeTrivialParams },
  { name: "value-numbering", level: 1, run: (func) => numberValues(func, new ControlFlowGraph(func)) },
  { name: "tidy-control-flow", level: 1, run: tidyControlFlow },
  { name: "trivial-params", level: 1, run: removeTrivialParams },
  { name: "dead-code", level: 1, run: removeDeadCode },
  { name: "loop-invariants", level: 2, run: moveLoopInvariants },
  // What the removed branches and parameters hid, and what is the same in front of two loops.
  { name: "value-numbering", level: 2, run: (func) => numberValues(func, new ControlFlowGraph(func)) },
  { name: "tidy-control-flow", level: 2, run: tidyControlFlow },
  { name: "trivial-params", level: 2, run: removeTrivialParams },
  { name: "dead-code", level: 2, run: removeDeadCode },
];

export function optimize(func: Func, level: OptLevel, hook?: PassHook): void {
  for (const pass of PASSES) {
    if (pass.level > level) continue;
    pass.run(func);
    hook?.(pass.name, func);
  }
}
