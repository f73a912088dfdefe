/** The command line as tests run it: the built one, as a process. */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
/** Real components, where they are beside the checkout. */
export const SHARED_COMPONENTS = resolve(ROOT, "../shared/components");

export interface ProcessResult {
  readonly status: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProcessOptions {
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Runs a program to its end; nothing of this process's environment but PATH and HOME is passed on. */
export function runProcess(path: string, args: readonly string[], options: ProcessOptions = {}): ProcessResult {
  const { PATH = "", HOME = "" } = process.env;
  const result = spawnSync(path, [...args], {
    encoding: "utf8",
    input: options.input ?? "",
    env: { PATH, HOME, ...options.env },
    timeout: 120_000,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  if (result.error !== undefined) throw result.error;
  return { status: result.status, signal: result.signal, stdout: result.stdout, stderr: result.stderr };
}

/** No folder, and none can be made there: everything is compiled. */
const NO_CACHE = "/dev/null/cache";

/** `windlass ARGS…`; without a cache, unless `env` names one. */
export function windlass(args: readonly string[], options: ProcessOptions = {}): ProcessResult {
  return runProcess(process.execPath, [join(ROOT, "bin/windlass.js"), ...args], {
    ...options,
    env: { WINDLASS_CACHE: NO_CACHE, ...options.env },
  });
}

/** The path of a real component, or `undefined` where `../shared` is not there. */
export function sharedComponent(name: string): string | undefined {
  const path = join(SHARED_COMPONENTS, `${name}.component.wasm`);
  return existsSync(path) ? path : undefined;
}
