/** `--emit`: what a command writes instead of its usual output. */

import { type Command, Option } from "commander";
import type { CompileOptions, CompileResult } from "../driver/compile.ts";
import { writeOutput } from "./files.ts";

export type EmitKind = NonNullable<CompileOptions["emit"]> | "obj" | "shared" | "exe";

export function addEmitOption(command: Command, usual: EmitKind, ...others: readonly EmitKind[]): void {
  const choices = ["plan", "ir", "asm", usual, ...others];
  const what =
    others.length === 0
      ? "write a dump of a stage instead"
      : "write a dump of a stage, a shared object, or nothing but the header instead";
  command.addOption(new Option("--emit <what>", what).choices(choices).default(usual));
}

/** What is text instead of the usual output. */
export function emittedText(emit: EmitKind | undefined): CompileOptions["emit"] {
  return emit === "obj" || emit === "shared" || emit === "exe" ? undefined : emit;
}

/** Writes a dump to `output`, or to standard output; false if the usual output is wanted. */
export function writeEmitted(emit: EmitKind | undefined, result: CompileResult, output: string | undefined): boolean {
  if (emittedText(emit) === undefined) return false;
  if (output === undefined || output === "-") process.stdout.write(result.dump);
  else writeOutput(output, result.dump);
  return true;
}
