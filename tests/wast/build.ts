/** From a plan to a process: a program with output `script`, compiled function by function so that what can't be compiled is known. */

import { InternalError, WindlassError } from "../../src/base/diagnostics.ts";
import type { CompiledFunction } from "../../src/codegen/compiled.ts";
import { X64Target } from "../../src/codegen/x64/compile.ts";
import { FunctionCompiler } from "../../src/compiler/function.ts";
import { linkProgram } from "../../src/compiler/link.ts";
import { type CompiledFunctions, CodeStore } from "../../src/compiler/records.ts";
import type { FunctionKind } from "../../src/frontend/items.ts";
import { enumerateProgram, type Program } from "../../src/frontend/program.ts";
import { cSignature } from "../../src/frontend/signatures.ts";
import { Emitter } from "../../src/frontend/structured.ts";
import { analyzeComponent } from "../../src/frontend/wasm/facts.ts";
import { I32, I64 } from "../../src/ir/types.ts";
import { Trap } from "../../src/layout/traps.ts";
import { writeExecutable } from "../../src/object/image.ts";
import type { OptLevel } from "../../src/opt/pipeline.ts";
import type { Component, CoreFunc } from "../../src/plan/component.ts";
import { unproved } from "../support/sandbox.ts";
import type { Refusal } from "./outcome.ts";

export interface BuildOptions {
  readonly optLevel: OptLevel;
  /** Verify every function behind every pass. */
  readonly verify: boolean;
  /** Prove of the program that it stays inside the sandbox. Default true. */
  readonly sandbox?: boolean;
}

/** A function that was not compiled, and why. */
export interface Refused {
  readonly kind: FunctionKind;
  readonly reason: string;
}

export interface BuiltScript {
  readonly program: Program;
  readonly executable: Uint8Array;
  readonly refused: readonly Refused[];
}

/** Stands for a function that can't be compiled. Its signature does not matter: what would call it is refused as well, or traps here. */
function standIn(name: string, kind: FunctionKind): CompiledFunction {
  const entry = kind.kind === "script-entry" || kind.kind === "lifted-entry";
  const e = Emitter.start(name, cSignature([I64], entry ? I32 : undefined), { stackCheck: false, entry: false });
  if (entry) e.return(e.i32(Trap.unreachable));
  else e.trap(Trap.unreachable);
  return new X64Target().compileFunction(e.finish());
}

/** The first line of what went wrong, without what differs from function to function. */
export function reasonOf(error: unknown): string {
  if (error instanceof WindlassError) {
    const [first] = error.diagnostics;
    return first === undefined ? "error" : `${first.kind}: ${first.message}`;
  }
  if (error instanceof InternalError) return `internal error: ${error.message.split("\n")[0]}`;
  return `internal error: ${error instanceof Error ? error.message : String(error)}`;
}

/** `refused` when all that is wrong is that something named is not supported; else a failure. */
export function refusalOf(error: unknown): Refusal {
  const unsupported = error instanceof WindlassError && error.diagnostics.every(({ kind }) => kind === "unsupported");
  return { verdict: unsupported ? "refused" : "failed", reason: reasonOf(error) };
}

const MAY_FAIL = new Set<FunctionKind["kind"]>([
  "wasm",
  "instantiate-core",
  "script-entry",
  "lifted-entry",
  "post-return-entry",
  "realloc-entry",
  "checked-realloc",
  "lowered",
  "trampoline",
]);

/** The program of a core script. */
export interface CoreEntries {
  /** What has an entry. */
  readonly functions: readonly CoreFunc[];
  /** Code that runs between instantiations can tell that they don't happen in one go. */
  readonly stepwise: boolean;
}

function coreProgram(component: Component, { functions, stepwise }: CoreEntries) {
  return {
    scriptFunctions: functions,
    facts: analyzeComponent(component, { stepwise }),
    reachable: component.instances.values().map((instance) => {
      const { module } = component.modules.get(instance.module);
      return new Uint8Array(module.functions.length).fill(1, module.importedFunctions);
    }),
  };
}

/**
 * With `core` every function of every module is compiled; without, the program is a component's, which is instantiated in one go.
 * Throws when more than single functions can't be compiled, or the sandbox verifier doesn't prove the program.
 */
export function buildScript(component: Component, core: CoreEntries | undefined, options: BuildOptions): BuiltScript {
  const program = scriptProgram(component, core);
  const refused: Refused[] = [];
  const compiled = new CodeStore(program.functions.size);
  let compiler = new FunctionCompiler(program, options);
  for (const symbol of program.functions.keys()) {
    try {
      compiled.put(symbol, compiler.compile(symbol));
    } catch (error) {
      const { kind, name } = program.functions.get(symbol);
      if (!MAY_FAIL.has(kind.kind)) throw error;
      refused.push({ kind, reason: reasonOf(error) });
      compiled.put(symbol, standIn(name, kind));
      // Its buffers may be in any state.
      compiler = new FunctionCompiler(program, options);
    }
  }
  const executable = linkScript(program, compiled, options.optLevel);
  const problem = options.sandbox === false ? undefined : unproved(executable);
  if (problem !== undefined) throw new InternalError("sandbox", problem);
  return { program, executable, refused };
}

export function scriptProgram(component: Component, core?: CoreEntries): Program {
  return enumerateProgram(component, {
    name: "script",
    prefix: "script",
    output: "script",
    ...(core === undefined ? {} : coreProgram(component, core)),
  });
}

/** The executable of all of a program's functions. */
export function linkScript(program: Program, compiled: CompiledFunctions, optLevel: OptLevel): Uint8Array {
  const { object, entry } = linkProgram(program, compiled, {
    format: 1,
    compiler: "wast",
    target: "x86_64-linux",
    name: "script",
    output: "executable",
    options: { optimize: optLevel, bounds: "", hostAbi: "", prefix: "" },
    lowerings: [],
    exports: [],
  });
  if (entry === undefined) throw new InternalError("wast", "the program has no entry");
  return writeExecutable(object, entry);
}
