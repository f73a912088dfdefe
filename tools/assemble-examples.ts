/**
 * Assembles the text of the examples and fixtures: `X.wat` → `X.wasm` beside it. The results are checked in, so that nothing but Windlass is
 * needed to use them; a test compares them with their text.
 *
 *     node --import tsx tools/assemble-examples.ts
 */

import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { assemble } from "../tests/support/wat.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Every `.wat` below `folder`. */
export function watFiles(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (statSync(path).isDirectory()) return watFiles(path);
      return name.endsWith(".wat") ? [path] : [];
    });
}

const self = fileURLToPath(import.meta.url);
if (process.argv[1] !== undefined && resolve(process.argv[1]) === self) {
  for (const path of watFiles(join(root, "examples"))) {
    writeFileSync(path.replace(/\.wat$/, ".wasm"), await assemble(readFileSync(path, "utf8")));
    process.stdout.write(`${path.slice(root.length + 1)}\n`);
  }
}
