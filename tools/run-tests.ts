/**
 * Runs the tests: every `tests/**\/*.test.ts`, or those whose path holds one of the words given; two processes at a time. Says first
 * which of the optional tools it found: tests that need a missing one skip.
 *
 *     npm test                       all, after check and build
 *     node --import tsx tools/run-tests.ts regalloc x64
 *     node --import tsx tools/run-tests.ts --update opt      bless dumps
 */

import { spawnSync } from "node:child_process";
import { accessSync, constants, mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { failWith, parseArguments, toolCommand } from "./command.ts";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");

/** Optional test tools, and what each is the oracle for. */
const TOOLS: readonly (readonly [string, string])[] = [
  ["cc", "C hosts, headers, layouts"],
  ["c++", "C++ hosts, exceptions through guest frames"],
  ["gdb", "backtraces in the debugger"],
  ["perf", "names of guest functions in profiles"],
  ["readelf", "objects and executables"],
  ["objdump", "disassembly of objects"],
  ["ld.lld", "linking with lld"],
];

function onPath(name: string): boolean {
  return (process.env["PATH"] ?? "").split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function testFiles(folder: string): string[] {
  return readdirSync(folder)
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      if (name === "node_modules") return [];
      if (statSync(path).isDirectory()) return testFiles(path);
      return name.endsWith(".test.ts") ? [path] : [];
    });
}

/** Files of one folder share a process: what one has loaded and warmed up, the next need not. */
const FILES_PER_PROCESS = 6;

/** Modules, each of which imports the tests of one process; in a folder that is made anew. */
function groups(files: readonly string[]): string[] {
  const place = join(root, ".cache/tests");
  rmSync(place, { recursive: true, force: true });
  mkdirSync(place, { recursive: true });
  const byFolder = new Map<string, string[]>();
  for (const file of files) {
    const folder = relative(join(root, "tests"), dirname(file)).replaceAll("/", "-");
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file]);
  }
  return [...byFolder].flatMap(([folder, members]) => {
    const count = Math.ceil(members.length / FILES_PER_PROCESS);
    return Array.from({ length: count }, (_, i) => {
      const path = join(place, `${folder}-${i + 1}.test.ts`);
      // Dealt out in turn: neighbours are often alike in length.
      const imports = members.filter((_, k) => k % count === i).map((m) => `import "${pathToFileURL(m).href}";\n`);
      writeFileSync(path, imports.join(""));
      return path;
    });
  });
}

const command = toolCommand("test", "Runs the tests, or those whose path holds one of the words.", "[options] [WORDS…]")
  .argument("[words...]", "parts of paths below tests/")
  .option("--update", "write the dumps that tests compare with anew");
parseArguments(command);
const { args: words } = command;
const { update = false } = command.opts<{ readonly update?: boolean }>();
const files = testFiles(join(root, "tests")).filter(
  (f) => words.length === 0 || words.some((w) => relative(root, f).includes(w)),
);
if (files.length === 0) failWith(`no test file matches ${words.join(", ")}`);
for (const [tool, purpose] of TOOLS) {
  if (!onPath(tool)) process.stdout.write(`not found: ${tool} (${purpose}): tests that need it skip\n`);
}
const shared = statSync(join(root, "../shared/components"), { throwIfNoEntry: false }) !== undefined;
if (!shared)
  process.stdout.write("not found: ../shared (real components, conformance scripts): tests that need it skip\n");

const result = spawnSync(
  process.execPath,
  ["--import", "tsx", "--test", "--test-reporter=spec", "--test-concurrency=2", ...groups(files)],
  {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...(update ? { UPDATE: "1" } : {}) },
  },
);
process.exit(result.status ?? 1);
