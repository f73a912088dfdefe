/** The order of the passes: the only place that knows it. */

import { ControlFlowGraph } from "../ir/cfg.ts";
import type { Func } from "../ir/function.ts";
import { tidyControlFlow } from "./control-flow.ts";
import { removeDeadCode } from "./dead-code.ts";
import { moveLoopInvariants } from "./loop-invariants.ts";
import { removeTrivialParams } from "./trivial-params.ts";
import { threadBranches } from "./thread-branches.ts";
import { numberValues } from "./value-numbering.ts";

/** 0: what code generation needs and no more. 1: one round of what pays soonest. 2: everything. */
export type OptLevel = 0 | 1 | 2;

/** Called after every pass with its name: dumps and verification. */
export type PassHook = (pass: string, func: Func) => void;

/** Levels: see `OptLevel`. */
export function optimize(func: Func, level: OptLevel, hook?: PassHook): void {
  // First of all: every block is reachable then, as the others ask.
  tidyControlFlow(func);
  hook?.("tidy-control-flow", func);
  if (level === 0) return;
  removeTrivialParams(func);
  hook?.("trivial-params", func);
  simplifyAll(func, hook);
  if (level === 1) return;
  const threaded = threadBranches(func);
  hook?.("thread-branches", func);
  if (threaded) {
    tidyControlFlow(func);
    hook?.("tidy-control-flow", func);
  }
  const moved = moveLoopInvariants(func);
  hook?.("loop-invariants", func);
  // What branches tell now, what is the same in front of two loops, and checks that moved to where they are known to hold.
  if (threaded || moved) simplifyAll(func, hook);
}

/** Value numbering, and what it leaves to be cleaned up. */
function simplifyAll(func: Func, hook: PassHook | undefined): void {
  numberValues(func, new ControlFlowGraph(func));
  hook?.("value-numbering", func);
  tidyControlFlow(func);
  hook?.("tidy-control-flow", func);
  removeTrivialParams(func);
  hook?.("trivial-params", func);
  removeDeadCode(func);
  hook?.("dead-code", func);
}
