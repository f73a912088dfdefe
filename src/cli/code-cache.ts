/**
 * Machine code of earlier builds, so that a component that is built again after a change is compiled where it changed: a file for each input and
 * set of options, in `code` in the cache's folder. A file is written whole or not at all, and one that is damaged counts as none. That
 * the default folder can't be written is no error: it is only slower then.
 */

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { nodeHash } from "../compiler/node-hash.ts";
import type { CompileCache } from "../driver/compile.ts";
import { cacheFolder, cacheKey } from "./cache.ts";
import { usageError } from "./errors.ts";
import { writeOutput } from "./files.ts";

/** Compiling less than that costs no more than looking. */
const LEAST_INPUT = 100_000;
/** Files and their bytes at the most; those that were not used for the longest time go. */
const FILE_LIMIT = 64;
const BYTE_LIMIT = 512 << 20;

export interface CodeCacheOptions {
  readonly cache: boolean;
  readonly cacheDir?: string;
}

/** The compiler itself: any change of it changes this. */
function compilerDigest(): string {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..");
  const hash = createHash("sha256");
  const names = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((name) => /\.[jt]s$/.test(name));
  for (const name of names.sort()) hash.update(name).update(readFileSync(join(root, name)));
  return hash.digest("hex");
}

function readOptional(path: string): Uint8Array | undefined {
  try {
    const bytes = readFileSync(path);
    const now = new Date();
    utimesSync(path, now, now);
    // In memory that all threads share.
    const shared = new Uint8Array(new SharedArrayBuffer(bytes.length));
    shared.set(bytes);
    return shared;
  } catch {
    return undefined;
  }
}

function prune(folder: string): void {
  const files = readdirSync(folder)
    .filter((name) => /^[0-9a-f]{64}$/.test(name))
    .map((name) => ({ path: join(folder, name), info: statSync(join(folder, name), { throwIfNoEntry: false }) }))
    .sort((a, b) => (b.info?.mtimeMs ?? 0) - (a.info?.mtimeMs ?? 0));
  let bytes = 0;
  files.forEach(({ path, info }, i) => {
    bytes += info?.size ?? 0;
    if (i >= FILE_LIMIT || (i > 0 && bytes > BYTE_LIMIT)) rmSync(path, { force: true });
  });
}

/** The cache of one build; undefined where there is none. `request`: what says which build it is, besides the input's path. */
export function codeCache(
  input: string,
  size: number,
  request: string,
  { cache, cacheDir }: CodeCacheOptions,
): CompileCache | undefined {
  if (!cache || size < LEAST_INPUT) return undefined;
  const folder = join(cacheDir ?? cacheFolder(), "code");
  const seed = compilerDigest();
  const path = join(folder, cacheKey([seed, resolve(input), request]));
  return {
    seed,
    pack: readOptional(path),
    hash: nodeHash,
    store(pack) {
      try {
        mkdirSync(folder, { recursive: true, mode: 0o700 });
        writeOutput(path, pack, 0o600);
        prune(folder);
      } catch (error) {
        if (cacheDir === undefined) return;
        throw usageError(`can't write the cache ${folder}: ${error instanceof Error ? error.message : String(error)}`);
      }
    },
  };
}
