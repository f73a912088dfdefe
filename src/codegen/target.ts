/** What a target of the code generator is to the rest of the compiler. */

import type { Func } from "../ir/function.ts";
import type { CompiledFunction } from "./compiled.ts";
import type { BlockGraph } from "./blocks.ts";
import type { MachineFunction } from "./machine.ts";
import type { AllocatorOutput } from "./regalloc/interface.ts";

/** Compiles functions one after the other; keeps nothing of one function for the next but buffers. */
export interface Target {
  readonly name: string;
  /**
   * Machine code of a verified function. Deterministic. Throws `InternalError` for a function that the verifier would not accept.
   */
  compileFunction(func: Func): CompiledFunction;
}

export interface CodegenHooks {
  /** Sees every allocation before it is used: for dumps, and for tests that check it. */
  readonly allocated?: (machine: MachineFunction, output: AllocatorOutput, func: Func, graph: BlockGraph) => void;
}
