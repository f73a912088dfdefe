/** `--emit shared`: loaded, linked with every linker, unwound and shown by debuggers like any shared object; proved like any object. */

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { CompileOptions } from "../../src/driver/compile.ts";
import { compile } from "../support/sandbox.ts";
import { inspect } from "../../src/driver/inspect.ts";
import { symbolHash } from "../../src/object/dynamic.ts";
import { verify } from "../../src/verify/verify.ts";
import { findTool, runTool } from "../support/tools.ts";
import { abiOf, Hosts, noHost, ownComponent, PROGRAMS, without } from "./hosts.ts";

const hosts = new Hosts();
const made = new Map<
  string,
  Promise<{ readonly flags: readonly string[]; readonly path: string; readonly header: string }>
>();

/** `lib<name>.so` and its header, and what a compiler needs to link it. */
function shared(name: string, key = name, options: Partial<CompileOptions> = {}) {
  const make = async () => {
    const folder = join(hosts.folder, key);
    mkdirSync(folder);
    const path = join(folder, `lib${name}.so`);
    const soname = `lib${name}.so`;
    const source = await ownComponent(name);
    const result = await compile(source, { name, output: "object", hostAbi: abiOf(source), soname, ...options });
    writeFileSync(path, result.bytes);
    writeFileSync(join(folder, `${name}.h`), result.header);
    const flags = [`-I${folder}`, `-L${folder}`, `-l${name}`, `-Wl,-rpath,${folder}`];
    return { path, header: result.header, flags };
  };
  let known = made.get(key);
  if (known === undefined) {
    known = make();
    made.set(key, known);
  }
  return known;
}

/** A program of `programs/` that is linked with shared objects. */
async function linked(source: string, names: readonly string[], more: readonly string[] = []): Promise<string> {
  const libraries = await Promise.all(names.map((n) => shared(n)));
  const out = join(hosts.folder, `linked-${source}-${more.join("").replace(/\W/g, "")}`);
  const isCpp = source.endsWith(".cpp");
  const flags = [isCpp ? "-std=c++17" : "-std=c11", "-g1", "-Wall", "-Wextra", "-Werror", "-pthread", `-I${PROGRAMS}`];
  const all = [...flags, ...more, join(PROGRAMS, source), ...libraries.flatMap((l) => l.flags), "-o", out];
  assert.equal(runTool(findTool(isCpp ? "c++" : "cc") ?? "", all), "");
  return out;
}

describe("a shared object", () => {
  test("shows the header's symbols and nothing else, and needs no relocation", {
    skip: without("readelf"),
  }, async () => {
    const { path, header } = await shared("greeter");
    const readelf = (...flags: string[]): string => runTool(findTool("readelf") ?? "", ["-W", ...flags, path]);
    const declared = [...header.matchAll(/^[\w *]+?\b(greeter_\w+)\((?!\*)/gm)].map((m) => m[1] ?? "");
    const shown = [...readelf("--dyn-syms").matchAll(/ FUNC +GLOBAL DEFAULT +\d+ (\S+)$/gm)].map((m) => m[1] ?? "");
    assert.ok(shown.length >= 8);
    assert.deepEqual(shown.toSorted(), declared.toSorted());
    assert.match(readelf("-r"), /There are no relocations in this file/);
    assert.match(readelf("-d"), /SONAME.*\[libgreeter\.so\]/);
    assert.match(readelf("-d"), /FLAGS_1.*NODELETE/);
    assert.doesNotMatch(readelf("-d"), /NEEDED|TEXTREL/);
    const headers = readelf("-l");
    assert.doesNotMatch(headers, /RWE/);
    for (const type of ["GNU_EH_FRAME", "GNU_RELRO", "GNU_STACK", "DYNAMIC"]) assert.match(headers, new RegExp(type));
    // Debuggers and profilers find the guest's functions by name.
    assert.match(readelf("-s"), / FUNC +LOCAL +DEFAULT +\d+ greeter\/main::greet$/m);
    assert.doesNotMatch(readelf("-a"), /[Ww]arning|[Ee]rror:/);
    // The table is what a linker looks into: every name is found by its hash.
    assert.equal(symbolHash("printf"), 0x077905a6);
  });

  test("is proved and inspected", async () => {
    const { bytes } = await compile(await ownComponent("greeter"), {
      name: "greeter",
      output: "object",
      soname: "x.so",
    });
    const report = await verify(bytes);
    assert.deepEqual(report.problems, []);
    assert.ok(report.functions > 0);
    const described = await inspect(bytes, "greeter", true);
    assert.ok(described.kind === "object");
    assert.match(described.trampolines[0]?.symbol ?? "", /lowered0/);
  });

  for (const linker of ["ld", "lld", "gold", "mold"]) {
    const tool = linker === "ld" ? "ld" : linker === "mold" ? "mold" : `ld.${linker}`;
    test(`two of them are linked with ${linker}`, { skip: without(tool) }, async () => {
      const choice = linker === "ld" ? [] : [`-fuse-ld=${linker}`];
      const { stdout, status } = hosts.run(await linked("two.c", ["greeter", "sync"], choice));
      assert.match(stdout, /^wasm trap: unreachable\n/);
      assert.equal(status, 0);
    });
  }

  test("C++ exceptions leave through it", { skip: without("c++") }, async () => {
    const { stdout, status } = hosts.run(await linked("exceptions.cpp", ["walk"]));
    assert.equal(stdout, "ok\n");
    assert.equal(status, 0);
  });

  test("gdb walks through it by name", { skip: without("gdb") }, async (t) => {
    const program = await linked("unwind.c", ["walk"]);
    const commands = ["set debuginfod enabled off", "set confirm off", "break visit", "run", "bt"];
    const args = ["-nx", "-batch", ...commands.flatMap((c) => ["-ex", c]), "--args", program, "backtrace"];
    const { stdout, stderr } = hosts.run(findTool("gdb") ?? "", args);
    if (/ptrace: Operation not permitted|Could not trace/.test(stderr)) {
      t.skip("gdb may not trace here");
      return;
    }
    const names = [...stdout.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(/gm)].map((m) => m[1] ?? "");
    const expected = ["visit", "walk/lowered0::test:walk/host#visit", "walk/m::inner", "walk/m::outer", "walk/m::walk"];
    assert.deepEqual(names.slice(0, 7), [...expected, "walk_walk", "main"], stdout + stderr);
  });

  test("closing it unloads it, unless its handlers are installed", { skip: noHost }, async () => {
    const source = join(hosts.folder, "close.c");
    writeFileSync(source, CLOSE);
    const program = join(hosts.folder, "close");
    runTool(findTool("cc") ?? "", ["-Wall", "-Werror", source, "-o", program, "-ldl"]);
    const guarded = await shared("pool");
    const quiet = await shared("pool", "quiet-pool", { bounds: "explicit" });
    assert.equal(hosts.run(program, [guarded.path]).stdout, "stays\n");
    assert.equal(hosts.run(program, [quiet.path]).stdout, "is gone\n");
  });
});

/** Loads, uses and closes a library; is it still there? */
const CLOSE = `#include <dlfcn.h>
#include <stdio.h>
#include <string.h>
static void *find(void *library, const char *name) { return dlsym(library, name); }
int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL, *pool = NULL;
  int (*create)(void *, void *, void **);
  void (*destroy)(void *);
  if (library == NULL) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  *(void **)&create = find(library, "pool_new");
  *(void **)&destroy = find(library, "pool_delete");
  if (create(NULL, NULL, &pool) != 0) return 1;
  destroy(pool);
  dlclose(library);
  puts(dlopen(argv[1], RTLD_NOW | RTLD_NOLOAD) == NULL ? "is gone" : "stays");
  return 0;
}
`;
