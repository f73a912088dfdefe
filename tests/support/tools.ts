/** Programs of the machine that tests use as oracles. A test that misses one says so and is skipped. */

import { execFileSync, spawnSync } from "node:child_process";
import { accessSync, constants, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { TestContext } from "node:test";

/** The full path of a program, or `undefined` when it is not installed. */
export function findTool(name: string): string | undefined {
  for (const folder of (process.env["PATH"] ?? "").split(delimiter)) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // Not in this folder.
    }
  }
  return undefined;
}

/** The first of `names` that is installed; else skips the test with a message that names them, and gives `undefined`. */
export function needTool(t: TestContext, ...names: readonly string[]): string | undefined {
  for (const name of names) {
    const path = findTool(name);
    if (path !== undefined) return path;
  }
  t.skip(`oracle not found: ${names.join(" or ")}`);
  return undefined;
}

/** True on the machine that our executables are for; else skips the test. */
export function needX64Linux(t: TestContext): boolean {
  if (process.platform === "linux" && process.arch === "x64") return true;
  t.skip("runs x86-64 Linux programs");
  return false;
}

/** Standard output and standard error together; throws when the program fails. */
export function runTool(path: string, args: readonly string[], cwd?: string): string {
  const result = spawnSync(path, args, { cwd, encoding: "utf8", maxBuffer: 1 << 28, timeout: 120_000 });
  if (result.error !== undefined) throw result.error;
  if (result.status !== 0) {
    throw new Error(
      `${path} ${args.join(" ")}: status ${result.status} ${result.signal ?? ""}\n${result.stdout}${result.stderr}`,
    );
  }
  return result.stdout + result.stderr;
}

/** Standard output alone, as bytes. */
export function outputOf(path: string, args: readonly string[] = []): Buffer {
  return execFileSync(path, args, { maxBuffer: 1 << 28, timeout: 120_000 });
}

/** A folder that is gone when the test is over. */
export function scratchFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "windlass-test-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
