/** `windlass run`: builds a component into the cache and runs it; what it does is the guest's own, exit code included. */

import { spawn } from "node:child_process";
import type { Command } from "commander";
import { VERSION } from "../driver/version.ts";
import { cached, cacheKey } from "./cache.ts";
import { addCommonOptions, type CommonOptions, collect, compileFile, guarded } from "./common.ts";
import { type Capabilities, configurationVariables } from "./configuration.ts";
import { usageError } from "./errors.ts";
import { readBuiltinWasi, readInput } from "./files.ts";

interface RunOptions extends CommonOptions, Capabilities {}

/** Signals that a terminal sends to both: the guest decides what they mean. */
const FORWARDED = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"] as const;

function execute(path: string, name: string, args: readonly string[], capabilities: Capabilities): Promise<number> {
  const env: NodeJS.ProcessEnv = { ...process.env };
  for (const key of Object.keys(env)) {
    if (/^WINDLASS_(DIR|DIR_RO|ENV|ENV_.*|INHERIT_ENV)$/.test(key)) delete env[key];
  }
  return new Promise((resolve, reject) => {
    const child = spawn(path, [...args], {
      argv0: name,
      stdio: "inherit",
      env: { ...env, ...configurationVariables(capabilities) },
    });
    const forward = (signal: NodeJS.Signals): void => {
      child.kill(signal);
    };
    for (const signal of FORWARDED) process.on(signal, forward);
    child.on("error", (error) => reject(usageError(`can't run ${path}: ${error.message}`)));
    child.on("exit", (code, signal) => {
      for (const s of FORWARDED) process.off(s, forward);
      if (code !== null) resolve(code);
      else {
        process.stderr.write(`error: the guest was ended by ${signal ?? "a signal"}\n`);
        resolve(128 + 6);
      }
    });
  });
}

/**
 * Puts `--` in front of the guest's arguments: they begin with the first word behind <input> that is no option of `run` (or the value of
 * one), or where the user wrote `--`.
 */
export function separateGuestArguments(command: Command, args: readonly string[]): string[] {
  const takesValue = new Map<string, boolean>();
  for (const option of command.options) {
    for (const flag of [option.short, option.long]) if (flag) takesValue.set(flag, option.required);
  }
  let inputSeen = false;
  for (let i = 0; i < args.length; i++) {
    const word = args[i] ?? "";
    if (word === "--") return [...args];
    const known = word.startsWith("--")
      ? takesValue.get(word.split("=", 1)[0] ?? "")
      : takesValue.get(word.slice(0, 2));
    const isHelp = word === "--help" || word === "-h";
    if (inputSeen && known === undefined && !isHelp) return [...args.slice(0, i), "--", ...args.slice(i)];
    if (known === true && (word.startsWith("--") ? !word.includes("=") : word.length === 2)) i++;
    else if (known === undefined && !isHelp && !word.startsWith("-")) inputSeen = true;
  }
  return [...args];
}

export function registerRun(program: Command): void {
  const command = program
    .command("run")
    .description("build a component, or a core module with _start, into the cache and run it natively")
    .argument("<input>", "component (.wasm) that exports wasi:cli/run")
    .argument("[args...]", "the guest's arguments")
    .option("--dir <host::guest>", "grant a directory (repeatable)", collect)
    .option("--env <key=value>", "set an environment variable of the guest (repeatable)", collect)
    .option("--inherit-env", "the guest sees this environment");
  addCommonOptions(command).addHelpText(
    "after",
    `
Exit code, standard input, output and error are the guest's. A trap is exit code 134, with the
message and a wasm backtrace on standard error. Everything from the first guest argument on is the
guest's; an argument that looks like an option of windlass comes after --.`,
  );
  command.action((input: string, args: readonly string[], options: RunOptions) =>
    guarded(input, async () => {
      configurationVariables(options); // A mistake in them is said before compiling.
      const bytes = readInput(input);
      const key = cacheKey([VERSION, `O${options.optimize} ${options.bounds}`, readBuiltinWasi(), bytes]);
      const path = await cached(key, options, async () => {
        const result = await compileFile({ input, output: "executable", common: options, builtinWasi: true }, bytes);
        return result.bytes;
      });
      return execute(path, input.split("/").pop() ?? input, args, options);
    }),
  );
}
