/** The examples do what their README says, command by command. */

import assert from "node:assert/strict";
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { findTool } from "../support/tools.ts";
import { ROOT, type ProcessResult, runProcess } from "../support/windlass.ts";
import { assemble } from "../support/wat.ts";
import { noHost, without } from "./hosts.ts";

const EXAMPLES = join(ROOT, "examples");
const folder = mkdtempSync(join(tmpdir(), "windlass-examples-"));
after(() => rmSync(folder, { recursive: true, force: true }));
cpSync(EXAMPLES, folder, { recursive: true });

interface Step {
  readonly command: string;
  readonly output: string;
}

/** The console session of a README: every command, and what it prints. */
function session(readme: string): readonly Step[] {
  const [, text = ""] = /```console\n([^`]*)```/.exec(readme) ?? [];
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { command: part.slice(0, end), output: part.slice(end + 1) };
    });
}

function shell(command: string, cwd: string): ProcessResult {
  const windlass = `${process.execPath} ${join(ROOT, "bin/windlass.js")}`;
  return runProcess("/bin/sh", ["-c", command.replace(/^npx windlass /, `${windlass} `)], { cwd });
}

describe("examples for C hosts", () => {
  for (const name of ["greeter", "two", "core", "plugin", "notes"]) {
    const cwd = join(folder, name);
    const skip = name === "notes" ? without("c++") : noHost;
    test(`${name}: the README's commands`, { skip }, () => {
      const steps = session(readFileSync(join(cwd, "README.md"), "utf8"));
      assert.ok(steps.length >= 3);
      for (const { command, output } of steps) {
        const result = shell(command, cwd);
        assert.deepEqual(result, { status: 0, signal: null, stdout: output, stderr: "" }, command);
      }
    });

    const noMake = skip !== false ? skip : without("make");
    test(`${name}: make`, { skip: noMake }, () => {
      const windlass = `WINDLASS=${process.execPath} ${join(ROOT, "bin/windlass.js")}`;
      assert.equal(shell("make clean", cwd).status, 0);
      const flags = ["c11", "c++17"].map((standard) => `-std=${standard} -Wall -Wextra -Wpedantic -Werror`);
      const made = runProcess(findTool("make") ?? "", [windlass, `CFLAGS=${flags[0]}`, `CXXFLAGS=${flags[1]}`], {
        cwd,
      });
      assert.equal(made.status, 0, made.stderr);
      const [last] = session(readFileSync(join(cwd, "README.md"), "utf8")).slice(-1);
      assert.equal(shell(last?.command ?? "", cwd).stdout, last?.output);
    });
  }

  test("dynamic-python: the README's commands", { skip: without("python3") }, () => {
    const cwd = join(folder, "dynamic-python");
    const steps = session(readFileSync(join(cwd, "README.md"), "utf8"));
    assert.equal(steps.length, 2);
    for (const { command, output } of steps) {
      assert.deepEqual(shell(command, cwd), { status: 0, signal: null, stdout: output, stderr: "" }, command);
    }
  });

  const build = join(folder, "build");
  const expected = (): string | undefined =>
    session(readFileSync(join(folder, "core/README.md"), "utf8")).at(-1)?.output;
  const words = [process.execPath, join(ROOT, "bin/windlass.js")];

  test("build: CMake", { skip: without("cmake", "make") }, () => {
    const configured = shell(`cmake -S . -B cmake "-DWINDLASS=${words.join(";")}"`, build);
    assert.equal(configured.status, 0, configured.stderr);
    const made = shell("cmake --build cmake", build);
    assert.equal(made.status, 0, made.stdout + made.stderr);
    assert.equal(shell("cmake/host", build).stdout, expected());
  });

  test("build: make and pkg-config, shared and static", { skip: without("make", "pkg-config") }, () => {
    const made = shell(`make "WINDLASS=${words.join(" ")}"`, build);
    assert.equal(made.status, 0, made.stdout + made.stderr);
    assert.equal(shell("./host", build).stdout, expected());
    const library = join(build, "installed");
    const compiled = shell(`cc -I${library}/include ../core/host.c ${library}/lib/libcells.a -o static`, build);
    assert.equal(compiled.status, 0, compiled.stderr);
    assert.equal(shell("./static", build).stdout, expected());
  });

  test("the binaries are what their text says", async () => {
    for (const name of readdirSync(EXAMPLES)) {
      const example = join(EXAMPLES, name);
      for (const file of readdirSync(example).filter((f) => f.endsWith(".wat"))) {
        const text = readFileSync(join(example, file), "utf8");
        const binary = readFileSync(join(example, file.replace(/wat$/, "wasm")));
        assert.ok(binary.equals(await assemble(text)), `${name}/${file}`);
      }
    }
  });
});
