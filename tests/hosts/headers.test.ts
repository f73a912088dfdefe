/** The C header: no warning as C or C++, several together, structures where the generated code expects them. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { allStatuses, HOST_STRUCTS } from "../../src/layout/host.ts";
import { findTool, runTool } from "../support/tools.ts";
import { assemble } from "../support/wat.ts";
import { layoutAssertions } from "./typed-layout.ts";
import { Hosts, noHost, otherComponent, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();

/** Headers whose names and types are as different as the components at hand make them. */
async function manyHeaders(): Promise<readonly string[]> {
  await hosts.object("greeter", await ownComponent("greeter"));
  await hosts.object("flat", await ownComponent("city"), { name: "flat_city", hostAbi: "flat" });
  await hosts.object("names", await ownComponent("names"));
  await hosts.object("resources", await ownComponent("resources"));
  await hosts.object("sync", await ownComponent("sync"));
  const described = { name: "described", hostAbi: "typed", describes: true } as const;
  await hosts.object("described", await ownComponent("forward"), described);
  const names = ["greeter", "names", "resources", "sync", "described"];
  const keys = ["flat/flat_city.h", ...names.map((name) => `${name}/${name}.h`)];
  const echo = otherComponent("echo");
  if (echo === undefined) return keys;
  await hosts.object("echo", echo);
  return [...keys, "echo/echo.h"];
}

const LANGUAGES = [
  { extension: "c", standard: "c11", compilers: ["gcc", "clang"] },
  { extension: "c", standard: "c17", compilers: ["gcc", "clang"] },
  { extension: "cpp", standard: "c++17", compilers: ["g++", "clang++"] },
  { extension: "cpp", standard: "c++20", compilers: ["g++", "clang++"] },
];

describe("headers compile without a warning", () => {
  for (const { extension, standard, compilers } of LANGUAGES) {
    for (const compiler of compilers) {
      test(`${compiler} -std=${standard}`, { skip: without(compiler) }, async () => {
        const headers = await manyHeaders();
        // All together, twice, in both orders; the default standards also see each alone.
        const includes = [[...headers, ...headers.toReversed()], headers.toReversed()];
        if (standard === "c11" || standard === "c++17") includes.push(...headers.map((h) => [h]));
        includes.forEach((list, i) => {
          const source = join(hosts.folder, `${compiler}-${standard}-${i}.${extension}`);
          writeFileSync(source, `${list.map((h) => `#include "${h}"\n`).join("")}int main(void) { return 0; }\n`);
          const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wundef", "-Wconversion", "-Wshadow"];
          if (extension === "c") flags.push("-Wstrict-prototypes", "-Wc++-compat");
          else flags.push("-Wold-style-cast");
          const said = runTool(findTool(compiler) ?? "", [`-std=${standard}`, ...flags, "-fsyntax-only", source]);
          assert.equal(said, "");
        });
      });
    }
  }
});

describe("structures", () => {
  for (const compiler of ["gcc", "clang"]) {
    test(`${compiler} puts members where layout/host.ts says`, { skip: without(compiler) }, async () => {
      await hosts.object("greeter", await ownComponent("greeter"));
      await hosts.object("resources", await ownComponent("resources"));
      const names = await hosts.object("names", await ownComponent("names"));
      const checks: string[] = [];
      const claim = (what: string, value: number): void => {
        checks.push(`_Static_assert(${what} == ${value}, "${what} is not ${value}");`);
      };
      for (const struct of HOST_STRUCTS) {
        claim(`sizeof(${struct.name})`, struct.size);
        for (const field of struct.fields) {
          claim(`offsetof(${struct.name}, ${field.name})`, field.offset);
          claim(`sizeof(((${struct.name} *)0)->${field.name})`, field.size);
        }
      }
      for (const status of allStatuses()) claim(`WINDLASS_${status.name.toUpperCase()}`, status.value);
      claim("sizeof(windlass_status_t)", 4);
      // The imports structure: members in the order of the lowerings, 16 bytes each.
      claim("offsetof(greeter_imports_t, log_write)", 0);
      claim("sizeof(greeter_imports_t)", 16);
      const members = [...names.header.matchAll(/^ {2}windlass_lowering_t (\w+);$/gm)].map((m) => m[1] ?? "");
      assert.ok(members.length >= 8, names.header);
      members.forEach((member, i) => {
        claim(`offsetof(names_imports_t, ${member})`, 16 * i);
      });
      claim("sizeof(names_imports_t)", 16 * members.length);
      const source = join(hosts.folder, `layout-${compiler}.c`);
      const includes = ["greeter", "names", "resources"].map((n) => `#include "${n}/${n}.h"\n`).join("");
      writeFileSync(source, `${includes}${checks.join("\n")}\n`);
      assert.equal(runTool(findTool(compiler) ?? "", ["-std=c11", "-Wall", "-Werror", "-fsyntax-only", source]), "");
    });
  }
});

describe("C types", () => {
  const COMPONENTS = ["echo", "city", "callback", "sync", "handles", "forward", "greeter", "collide"];
  const OTHERS = ["echo", "hello-city", "composed-double-forwarder", "composed-wrapped-forwarder"];

  /** Typed headers, each with assertions about its types. */
  async function typedHeaders(): Promise<readonly string[]> {
    const sources: string[] = [];
    const add = async (name: string, bytes: Uint8Array): Promise<void> => {
      const prefix = `typed_${name.replaceAll("-", "_")}`;
      const { component } = await hosts.object(`${prefix}-typed`, bytes, {
        hostAbi: "typed",
        name: prefix,
        optLevel: 0,
      });
      sources.push(`#include "${prefix}-typed/${prefix}.h"`, ...layoutAssertions(component, prefix));
    };
    for (const name of COMPONENTS) await add(name, await ownComponent(name));
    for (const name of OTHERS) {
      const bytes = otherComponent(name);
      if (bytes !== undefined) await add(`other-${name}`, bytes);
    }
    return sources;
  }

  const MACROS = {
    c: "#include <errno.h>\n#include <stdio.h>\n#define STATIC_ASSERT _Static_assert\n#define ALIGNOF _Alignof\n",
    cpp: "#include <cstddef>\n#define STATIC_ASSERT static_assert\n#define ALIGNOF alignof\n",
  };

  // With macros of the compiler's own in lower case.
  const DIALECT = { extension: "c", standard: "gnu17", compilers: ["gcc"] };
  for (const { extension, standard, compilers } of [...LANGUAGES, DIALECT]) {
    for (const compiler of compilers) {
      test(`${compiler} -std=${standard} lays them out as the compiled code does`, {
        skip: without(compiler),
      }, async () => {
        const lines = await typedHeaders();
        const source = join(hosts.folder, `types-${compiler}-${standard}.${extension}`);
        const macros = MACROS[extension === "c" ? "c" : "cpp"];
        writeFileSync(source, `${macros}${lines.join("\n")}\nint main(void) { return 0; }\n`);
        const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Wundef", "-Wconversion", "-Wshadow"];
        if (extension === "cpp") flags.push("-Wno-invalid-offsetof");
        const said = runTool(findTool(compiler) ?? "", [`-std=${standard}`, ...flags, "-fsyntax-only", source]);
        assert.equal(said, "");
      });
    }
  }
});

test("names that C or the header keeps for itself, or that meet, are distinct", { skip: noHost }, async () => {
  const { header } = await hosts.object("names", await ownComponent("names"));
  const functions = [...header.matchAll(/^[\w *]+\b(names_\w+)\(/gm)].map((m) => m[1] ?? "");
  assert.equal(new Set(functions).size, functions.length, functions.join("\n"));
  await hosts.object("names-flat", await ownComponent("names"), { name: "names", hostAbi: "flat" });
  for (const [key, flags] of [
    ["names", []],
    ["names-flat", ["-DFLAT"]],
  ] as const) {
    const program = hosts.program({ sources: ["names.c"], objects: [key], flags });
    assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
  }
});

test("functions of flat values have a type each, beside C values too", { skip: noHost }, async () => {
  const component = await assemble(`(component
    (import "a:b/one" (instance $one (export "f" (func (param "x" u8)))))
    (import "a:b/two" (instance $two (export "f" (func (param "x" f32)))))
    (core func $one (canon lower (func $one "f")))
    (core func $two (canon lower (func $two "f")))
    (core module $m (import "" "one" (func (param i32))) (import "" "two" (func (param f32))))
    (core instance (instantiate $m (with "" (instance (export "one" (func $one)) (export "two" (func $two)))))))`);
  const importAbis = ["a:b/one", "a:b/two"].map((name) => [name, "flat"] as const);
  const { header } = await hosts.object("two-flat", component, { name: "two", hostAbi: "typed", importAbis });
  const types = [...header.matchAll(/^typedef void (two_\w+_fn)\((.*)\);$/gm)].map((m) => m.slice(1));
  assert.deepEqual(types, [
    ["two_f_fn", "void *vmctx, void *data, uint32_t a0"],
    ["two_f_2_fn", "void *vmctx, void *data, float a0"],
  ]);
  assert.match(header, /two_f_fn \*callee; void \*data; \} f;\n {2}\} one;[^}]*two_f_2_fn \*callee/);
});

test("the header's comments can't be ended by a name of the input", { skip: noHost }, async () => {
  const { header } = await hosts.object("names", await ownComponent("names"));
  // Every comment begins and ends on its line.
  for (const line of header.split("\n")) {
    assert.equal(line.split("/*").length, line.split("*/").length, line);
    assert.ok(line.split("/*").length <= 2, line);
  }
});

test("comments name the types that WIT names, and say once what each is", { skip: noHost }, async () => {
  const { header: city } = await hosts.object("city-comments", await ownComponent("city"), { hostAbi: "typed" });
  assert.ok(city.includes("/* record hello:city/greeter@0.1.0 city-info */\ntypedef struct"), city);
  assert.ok(city.includes("/* hello:city/greeter@0.1.0 run: func(info: city-info) */"), city);
  const { header } = await hosts.object("forward-comments", await ownComponent("forward"), { hostAbi: "typed" });
  assert.match(header, /\/\* variant \S+ shape \*\//);
  assert.doesNotMatch(header, /\b(?:variant|enum|flags) \{/);
  // Without C types nothing else in the header says what is in one.
  const flat = await hosts.object("city-flat-comments", await ownComponent("city"), { hostAbi: "flat" });
  assert.match(flat.header, /run: func\(info: record \{ name: string, head-count: u32, budget: u64 \}\)/);
});

test("a prefix that C keeps for itself is made another", { skip: noHost }, async () => {
  const bytes = await ownComponent("sync");
  const headers: string[] = [];
  for (const name of ["int", "size", "new", "uint8", "windlass_memory", "nullptr", "3d", "-", "wchar", "static"]) {
    const { header } = await hosts.object(`prefix-${name}`, bytes, { name });
    assert.match(header, /component_/);
    headers.push(`prefix-${name}/${name}.h`);
  }
  const source = headers.map((h) => `#include "${h}"\n`).join("");
  writeFileSync(join(hosts.folder, "prefixes.c"), source);
  writeFileSync(join(hosts.folder, "prefixes.cpp"), source);
  for (const [compiler, file] of [
    ["cc", "prefixes.c"],
    ["c++", "prefixes.cpp"],
  ] as const) {
    const path = findTool(compiler);
    if (path !== undefined) runTool(path, ["-Wall", "-Werror", "-fsyntax-only", join(hosts.folder, file)]);
  }
});
