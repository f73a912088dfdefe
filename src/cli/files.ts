/** Files of the command line: inputs with clear errors, outputs written whole or not at all. */

import { randomBytes } from "node:crypto";
import { chmodSync, closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { usageError } from "./errors.ts";

/** Inputs beyond this are refused before they are read. */
const INPUT_LIMIT = 1024 * 1024 * 1024;

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  switch (code) {
    case "ENOENT":
      return "no such file or directory";
    case "EACCES":
      return "permission denied";
    case "EISDIR":
      return "is a directory";
    case "ENOSPC":
      return "no space left";
    default:
      return error instanceof Error ? error.message : String(error);
  }
}

/** Reads an input file. Throws a usage error. */
export function readInput(path: string): Uint8Array {
  try {
    const info = statSync(path);
    if (info.isDirectory()) throw usageError(`can't read ${path}: is a directory`);
    if (info.size > INPUT_LIMIT) throw usageError(`can't read ${path}: larger than 1 GiB`);
    return new Uint8Array(readFileSync(path));
  } catch (error) {
    if (error instanceof Error && error.name === "WindlassError") throw error;
    throw usageError(`can't read ${path}: ${reason(error)}`);
  }
}

/** Writes to a temporary file beside `path`, then renames: `path` is whole or untouched. */
export function writeOutput(path: string, data: Uint8Array | string, mode = 0o644): void {
  const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString("hex")}.tmp`);
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) {
      throw usageError(`can't write ${path}: is a directory`);
    }
    const fd = openSync(temporary, "wx", mode);
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
    } finally {
      closeSync(fd);
    }
    if ((mode & 0o111) !== 0) chmodSync(temporary, mode & ~process.umask());
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (error instanceof Error && error.name === "WindlassError") throw error;
    throw usageError(`can't write ${path}: ${reason(error)}`);
  }
}

/** The built-in WASI, compiled to core wasm when the package was built. */
export function readBuiltinWasi(): Uint8Array {
  const here = dirname(fileURLToPath(import.meta.url));
  for (const path of [join(here, "../runtime/wasi.wasm"), join(here, "../../dist/runtime/wasi.wasm")]) {
    if (statSync(path, { throwIfNoEntry: false }) !== undefined) return new Uint8Array(readFileSync(path));
  }
  throw usageError("the built-in WASI is not built", "run `npm run build` in the checkout");
}
