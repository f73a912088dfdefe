/** Command lines of the project's tools: what `--help` prints, and errors as `windlass` words them, with exit code 1. */

import { Command, CommanderError, InvalidArgumentError } from "commander";

export const EXIT_FAILED = 1;

/** A command that ends the process with its help or with an error. `usage`: what comes behind the name. */
export function toolCommand(name: string, description: string, usage: string): Command {
  return new Command(`npm run ${name} --`)
    .description(description)
    .usage(usage)
    .showHelpAfterError("(add --help for the options)")
    .exitOverride();
}

/** Parses this process's arguments. */
export function parseArguments(command: Command): void {
  try {
    command.parse();
  } catch (error) {
    // Help ends here too; commander has printed what there is to say.
    if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : EXIT_FAILED);
    throw error;
  }
}

/** Parses a number from `least` on. */
export function numberFrom(least: number, whole: boolean): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() === "" || !(value >= least) || (whole && !Number.isSafeInteger(value))) {
      throw new InvalidArgumentError(`it is ${whole ? "a whole number" : "a number"}, ${least} or more.`);
    }
    return value;
  };
}

export function failWith(message: string): never {
  process.stderr.write(`error: ${message}\n`);
  process.exit(EXIT_FAILED);
}
