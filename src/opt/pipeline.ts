/** The order of the passes: the only place that knows it. */

import { type ControlFlowGraph, currentGraph } from "../ir/cfg.ts";
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
  let graph = tidyControlFlow(func);
  hook?.("tidy-control-flow", func);
  if (level === 0) return;
  removeTrivialParams(func);
  hook?.("trivial-params", func);
  graph = simplifyAll(func, graph, hook);
  if (level === 1) return;
  const threaded = threadBranches(func);
  hook?.("thread-branches", func);
  if (threaded) {
    graph = tidyControlFlow(func);
    hook?.("tidy-control-flow", func);
  }
  graph = currentGraph(func, graph);
  const moved = moveLoopInvariants(func, graph);
  hook?.("loop-invariants", func);
  // What branches tell now, what is the same in front of two loops, and checks that moved to where they are known to hold.
  if (threaded || moved) simplifyAll(func, graph, hook);
}

/** Value numbering, and what it leaves to be cleaned up. `known`: an earlier graph of the function; returns one. */
function simplifyAll(func: Func, known: ControlFlowGraph, hook: PassHook | undefined): ControlFlowGraph {
  const before = currentGraph(func, known);
  numberValues(func, before);
  hook?.("value-numbering", func);
  const graph = tidyControlFlow(func, before);
  hook?.("tidy-control-flow", func);
  removeTrivialParams(func);
  hook?.("trivial-params", func);
  removeDeadCode(func);
  hook?.("dead-code", func);
  return graph;
}
