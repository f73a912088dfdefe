/** The command line: one file per command; this one puts them together. */

import { Command, CommanderError } from "commander";
import { VERSION } from "../driver/version.ts";
import { registerBuild } from "./build.ts";
import { registerCompile } from "./compile.ts";
import { EXIT_USER_ERROR } from "./errors.ts";
import { registerInspect } from "./inspect.ts";
import { registerVerify } from "./verify.ts";
import { registerRun, separateGuestArguments } from "./run.ts";

export function createProgram(): Command {
  const program = new Command("windlass")
    .description("Ahead-of-time compiler for WebAssembly components.")
    .version(VERSION, "-V, --version")
    .showHelpAfterError("(add --help for the options)")
    .enablePositionalOptions()
    .exitOverride();
  registerRun(program);
  registerBuild(program);
  registerCompile(program);
  registerInspect(program);
  registerVerify(program);
  for (const command of program.commands) command.exitOverride().showHelpAfterError("(add --help for the options)");
  program.addHelpText(
    "after",
    `
Examples:
  $ windlass run app.wasm -- one two            build into the cache and run
  $ windlass build app.wasm -o app              a static Linux executable
  $ windlass compile lib.wasm -o lib.o --header lib.h
  $ windlass inspect lib.o --disassemble
  $ windlass verify lib.o                       prove that its code stays inside`,
  );
  return program;
}

/** Runs the command line; gives the exit code. */
export async function main(argv: readonly string[]): Promise<number> {
  process.exitCode = undefined;
  try {
    const program = createProgram();
    const run = program.commands.find((c) => c.name() === argv[2]);
    const rest = argv.slice(3);
    const words = run?.name() === "run" ? separateGuestArguments(run, rest) : rest;
    await program.parseAsync([...argv.slice(0, 3), ...words]);
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // Help and version end here too; commander has printed what there is to say.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USER_ERROR;
    throw error;
  }
}
