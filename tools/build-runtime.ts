/**
 * Builds the run-time side, `runtime/` (AssemblyScript), to the core module `dist/runtime/wasi.wasm`.
 *
 * Usage: node --import tsx tools/build-runtime.ts
 */

import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { main as asc } from "assemblyscript/asc";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");

/** No collector and no allocator: every call works in static memory. No import but `windlass:native`'s. */
const OPTIONS = ["-O3", "--runtime", "stub", "--noAssert", "--use", "abort=", "--disable", "bulk-memory"] as const;
/** Pages of 64 KiB. The module never grows its memory. */
const MEMORY_PAGES = 16;

/** Compiles the runtime. Throws an Error with the compiler's messages when it does not compile. */
export async function buildRuntime(): Promise<Uint8Array> {
  const messages: string[] = [];
  let binary: Uint8Array | undefined;
  const { error } = await asc(
    ["runtime/wasi.ts", "-o", "wasi.wasm", ...OPTIONS, "--maximumMemory", String(MEMORY_PAGES)],
    {
      readFile: (name, base) => readFile(resolve(ROOT, base, name), "utf8").catch(() => null),
      writeFile: (_name, contents) => {
        if (typeof contents !== "string") binary = contents;
      },
      listFiles: () => [],
      stdout: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
      stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
    },
  );
  if (error !== null || binary === undefined) throw new Error(`runtime does not compile:\n${messages.join("")}`);
  return binary;
}

/** Where the module goes. */
export const RUNTIME_PATH = join(ROOT, "dist/runtime/wasi.wasm");

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const binary = await buildRuntime();
  await mkdir(dirname(RUNTIME_PATH), { recursive: true });
  const temporary = `${RUNTIME_PATH}.${process.pid}`;
  await writeFile(temporary, binary);
  await rename(temporary, RUNTIME_PATH);
  console.log(`dist/runtime/wasi.wasm: ${binary.length} bytes`);
}
