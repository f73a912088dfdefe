/** Real components: the header of each compiles without a warning, and typed hosts of those that are composed give every value back. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { describe, test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { findTool, runTool } from "../support/tools.ts";
import { ROOT, sharedComponent } from "../support/windlass.ts";
import { ALL_HOSTS, Hosts, otherComponent, valgrind, WATCHED_ENV, without } from "./hosts.ts";

const hosts = new Hosts();
const one = sharedComponent("echo");
const paths =
  one === undefined
    ? []
    : readdirSync(dirname(one))
        .filter((n) => n.endsWith(".wasm"))
        .map((n) => join(dirname(one), n));
const missing = one === undefined && "../shared/components is not there";

/** Of every component, with its WASI imports as the host's. */
async function headers(): Promise<readonly string[]> {
  const names: string[] = [];
  for (const path of paths) {
    const name = basename(path).replace(/\..*/, "").replaceAll("-", "_");
    const { dump } = await compile(readFileSync(path), { output: "object", name, emit: "header" });
    writeFileSync(join(hosts.folder, `${name}.h`), dump);
    names.push(`${name}.h`);
  }
  return names;
}
let written: Promise<readonly string[]> | undefined;

const LANGUAGES = [
  ["gcc", "c11", "c"],
  ["clang", "c11", "c"],
  ["g++", "c++17", "cpp"],
  ["clang++", "c++17", "cpp"],
] as const;

describe("the header of every component", { skip: missing }, () => {
  for (const [compiler, standard, extension] of LANGUAGES) {
    test(`${compiler} -std=${standard}`, { skip: without(compiler) }, async () => {
      written ??= headers();
      const list = await written;
      assert.ok(list.length >= 16);
      const source = join(hosts.folder, `${compiler}.${extension}`);
      writeFileSync(source, `${list.map((h) => `#include "${h}"\n`).join("")}int main(void) { return 0; }\n`);
      const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wshadow", "-Wconversion", "-fsyntax-only"];
      assert.equal(runTool(findTool(compiler) ?? "", [`-std=${standard}`, ...flags, source]), "");
    });
  }
});

const OK = { status: 0, signal: null, stdout: "ok\n", stderr: "" };

for (const [name, compiler, flags] of [
  ["composed-double-forwarder", "clang++", []],
  ["composed-wrapped-forwarder", "g++", ["-DWRAPPED"]],
] as const) {
  test(`${name}: values of every type, ${compiler}`, { skip: missing || without(compiler) }, async () => {
    const bytes = otherComponent(name) ?? new Uint8Array();
    const builtinWasi = new Uint8Array(readFileSync(join(ROOT, "dist/runtime/wasi.wasm")));
    await hosts.object(name, bytes, { name: "composed", hostAbi: "typed", builtinWasi, optLevel: 0, verify: false });
    const options = { sources: ["composed.cpp"], objects: [name], compiler, flags };
    assert.deepEqual(hosts.run(hosts.program(options)), OK);
    // One of them in every test run, both by `npm run hosts`.
    if (ALL_HOSTS && findTool("valgrind") !== undefined)
      assert.deepEqual(valgrind(hosts, hosts.program({ ...options, flags: [...flags, "-gdwarf-4"] })), OK);
    if (compiler !== "g++" && !ALL_HOSTS) return;
    const watched = hosts.program({ ...options, flags: [...flags, "-fsanitize=address,undefined"] });
    assert.deepEqual(hosts.run(watched, [], { env: WATCHED_ENV }), OK);
  });
}
