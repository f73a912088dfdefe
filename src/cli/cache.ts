/**
 * The cache of `windlass run`: executables by a hash of the compiler's version, the options, the built-in WASI and the component's
 * bytes. In `$WINDLASS_CACHE`, `$XDG_CACHE_HOME/windlass` or `~/.cache/windlass`. Entries are written whole or not at all; the
 * oldest are removed when there are too many.
 */

import { createHash } from "node:crypto";
import { accessSync, constants, mkdirSync, readdirSync, rmSync, statSync, utimesSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { usageError } from "./errors.ts";
import { writeOutput } from "./files.ts";

const ENTRY_LIMIT = 64;

export function cacheFolder(): string {
  const own = process.env["WINDLASS_CACHE"];
  if (own !== undefined && own !== "") return own;
  const xdg = process.env["XDG_CACHE_HOME"];
  return join(xdg !== undefined && xdg !== "" ? xdg : join(homedir(), ".cache"), "windlass");
}

export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}:`).update(part);
  return hash.digest("hex");
}

/** The path of the cached executable, made by `build` when it is not there, or may not be used. */
export async function cached(
  key: string,
  { cache, cacheDir }: { readonly cache: boolean; readonly cacheDir?: string },
  build: () => Promise<Uint8Array>,
): Promise<string> {
  const folder = cacheDir ?? cacheFolder();
  const path = join(folder, key);
  try {
    if (cache) {
      accessSync(path, constants.X_OK);
      const now = new Date();
      utimesSync(path, now, now);
      return path;
    }
  } catch {
    // Not there yet.
  }
  const bytes = await build();
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw usageError(
      `can't make the cache folder ${folder}: ${error instanceof Error ? error.message : String(error)}`,
      "set WINDLASS_CACHE to another folder",
    );
  }
  writeOutput(path, bytes, 0o755);
  prune(folder);
  return path;
}

/** Keeps the newest entries. */
function prune(folder: string): void {
  const entries = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((name) => ({ name, time: statSync(join(folder, name), { throwIfNoEntry: false })?.mtimeMs ?? 0 }))
    .sort((a, b) => b.time - a.time);
  for (const { name } of entries.slice(ENTRY_LIMIT)) rmSync(join(folder, name), { force: true });
}
