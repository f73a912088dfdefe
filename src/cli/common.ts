/** Options that several commands share, and their meaning. */

import { type Command, InvalidArgumentError, Option } from "commander";
import { type CompileOptions, compile, type CompileResult, TARGET } from "../driver/compile.ts";
import type { OptLevel } from "../opt/pipeline.ts";
import type { HostAbi } from "../plan/component.ts";
import { type CodeCacheOptions, codeCache } from "./code-cache.ts";
import { reportError } from "./errors.ts";
import { readBuiltinWasi, readInput } from "./files.ts";
import { terminalProgress } from "./progress.ts";

export interface CommonOptions extends CodeCacheOptions {
  readonly optimize: OptLevel;
  readonly bounds: "guard" | "explicit";
  readonly jobs?: number;
  readonly quiet?: boolean;
}

function parseLevel(text: string): OptLevel {
  if (text === "0") return 0;
  if (text === "1") return 1;
  if (text === "2") return 2;
  throw new InvalidArgumentError("it is 0, 1 or 2.");
}

function parseJobs(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 256) throw new InvalidArgumentError("it is a number from 1 to 256.");
  return n;
}

/** Collects a repeatable option. */
export function collect(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

export function addCommonOptions(command: Command): Command {
  return command
    .addOption(new Option("-O, --optimize <level>", "0: compile fast; 1, 2: run fast").default(2).argParser(parseLevel))
    .addOption(
      new Option("--bounds <how>", "how 32-bit memories are bounded: by guard pages, or by explicit checks")
        .choices(["guard", "explicit"])
        .default("guard"),
    )
    .addOption(new Option("--target <target>", "what the code runs on").choices([TARGET]).default(TARGET))
    .addOption(
      new Option(
        "-j, --jobs <n>",
        "compile in this many threads; default: one for every 2 MB of code, if the machine has so many",
      ).argParser(parseJobs),
    )
    .option("--no-cache", "compile everything, whatever is kept of earlier builds")
    .option("--cache-dir <dir>", "where results are kept; default: WINDLASS_CACHE, or windlass in the user's cache")
    .option("-q, --quiet", "no progress on the terminal");
}

/** A name for symbols and messages from a file's name: `hello-city.component.wasm` → `hello-city`. */
export function nameOfInput(path: string): string {
  const base = path.split("/").pop() ?? path;
  return base.replace(/\.wasm$/, "").replace(/\.component$/, "") || "component";
}

export interface Request {
  readonly input: string;
  readonly output: CompileOptions["output"];
  readonly common: CommonOptions;
  readonly hostAbi?: HostAbi;
  readonly importAbis?: CompileOptions["importAbis"];
  readonly builtinWasi: boolean;
  readonly prefix?: string | undefined;
  readonly interruptible?: boolean;
  readonly describes?: boolean;
  readonly soname?: string | undefined;
  readonly configuration?: readonly string[];
  readonly emit?: CompileOptions["emit"];
}

/** Reads, compiles, shows progress. */
export async function compileFile(
  request: Request,
  bytes: Uint8Array = readInput(request.input),
): Promise<CompileResult> {
  const progress = terminalProgress(request.common.quiet === true);
  const { input, common, ...rest } = request;
  const { optimize, bounds } = common;
  const cache = codeCache(input, bytes.length, JSON.stringify({ ...rest, optimize, bounds }), common);
  try {
    const result = await compile(bytes, {
      name: nameOfInput(request.input),
      output: request.output,
      optLevel: request.common.optimize,
      bounds: request.common.bounds,
      workers: request.common.jobs ?? "auto",
      hostAbi: request.hostAbi,
      importAbis: request.importAbis,
      builtinWasi: request.builtinWasi ? readBuiltinWasi() : undefined,
      prefix: request.prefix,
      interruptible: request.interruptible ?? false,
      describes: request.describes ?? false,
      soname: request.soname,
      configuration: request.configuration ?? [],
      emit: request.emit,
      cache,
      onProgress: (stage, done, total) => progress.update(stage, done, total),
    });
    progress.finish();
    for (const warning of result.warnings) process.stderr.write(`warning: ${request.input}: ${warning}\n`);
    return result;
  } finally {
    progress.finish();
  }
}

/** Runs a command's action; its error becomes a message about `file` and an exit code. */
export async function guarded(file: string | undefined, action: () => Promise<number> | number): Promise<void> {
  try {
    process.exitCode = await action();
  } catch (error) {
    process.exitCode = reportError(error, file);
  }
}
