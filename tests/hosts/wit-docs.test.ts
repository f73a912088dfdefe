/** Documentation of WIT that a component carries becomes comments of its header; what can't be read is a warning. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compile } from "../../src/driver/compile.ts";
import { findTool, runTool } from "../support/tools.ts";
import { windlass } from "../support/windlass.ts";
import { Hosts, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();

function leb(n: number): readonly number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...leb(n >> 7)];
}

/** A component with custom sections `package-docs` behind it. */
function documented(component: Uint8Array, ...contents: readonly (string | Uint8Array)[]): Uint8Array {
  const name = new TextEncoder().encode("package-docs");
  const sections = contents.flatMap((c) => {
    const bytes = typeof c === "string" ? new TextEncoder().encode(c) : c;
    return [0, ...leb(1 + name.length + bytes.length), name.length, ...name, ...bytes];
  });
  return Uint8Array.from([...component, ...sections]);
}

async function headerOf(bytes: Uint8Array) {
  const { dump, warnings } = await compile(bytes, { output: "object", name: "forward", emit: "header" });
  return { header: dump, warnings };
}

const LONG = "word ".repeat(60).trim();
const DOCS = {
  package: "test:forward",
  interfaces: {
    host: {
      docs: "What the host does.",
      funcs: { all: { docs: "Takes everything.\n\nAnd gives it */ back /* \\\n" }, mixed: "Of an older form." },
      types: {
        every: { docs: LONG, items: { label: "A label.", pair: "Two\nlines." } },
        color: { docs: "One of three.", items: { red: "Like blood??/", nothing: "is not there" } },
        access: { items: { write: "May write." } },
        blend: { items: { text: "As text.", wide: "" } },
      },
    },
    elsewhere: { docs: "No such interface." },
  },
  worlds: { forwarder: { docs: "A world.", func_exports: { many: { docs: "Exported." } }, funcs: {} } },
};

describe("documentation", () => {
  test("stands above what it is about", async () => {
    const bytes = documented(await ownComponent("forward"), `\u0001${JSON.stringify(DOCS)}`);
    const { header, warnings } = await headerOf(bytes);
    assert.deepEqual(warnings, []);
    for (const text of [
      "  /** What the host does. */\n  struct {\n",
      "    /**\n     * Takes everything.\n     *\n     * And gives it * / back / *\n     */\n    /* test:forward/host all:",
      "    /** Of an older form. */\n    /* test:forward/host mixed:",
      "/** Exported. */\n/* many: func",
      "  /** A label. */\n  forward_string_t label;\n  /**\n   * Two\n   * lines.\n   */\n",
      "/** One of three. */\n/* enum test:forward/host color */\n",
      "/** Like blood??/ */\n#define FORWARD_HOST_COLOR_RED 0\n#define",
      "/** May write. */\n#define FORWARD_HOST_ACCESS_WRITE",
      "/** As text. */\n#define FORWARD_HOST_BLEND_TEXT 2\n",
    ]) {
      assert.ok(header.includes(text), `${text}\n\nis not in\n\n${header}`);
    }
    const words = header.split("\n").filter((line) => line.startsWith(" * word"));
    assert.equal(words.join(" ").replaceAll(" * ", " ").trim().split(/ +/).length, 60);
    assert.ok(words.length > 1 && words.every((line) => line.length < 120));
    // The rest is as it is without.
    const { header: plain } = await headerOf(await ownComponent("forward"));
    const kept = new Set(header.split("\n"));
    assert.deepEqual(
      plain.split("\n").filter((line) => !kept.has(line)),
      [],
    );
  });

  for (const [compiler, standard, extension] of [
    ["gcc", "c11", "c"],
    ["clang++", "c++17", "cpp"],
  ] as const) {
    test(`is fine with ${compiler}`, { skip: without(compiler) }, async () => {
      const bytes = documented(await ownComponent("forward"), `\u0001${JSON.stringify(DOCS)}`);
      const path = join(hosts.folder, `documented.${extension}`);
      writeFileSync(join(hosts.folder, "documented.h"), (await headerOf(bytes)).header);
      writeFileSync(path, '#include "documented.h"\nint main(void) { return 0; }\n');
      const flags = ["-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only"];
      assert.equal(runTool(findTool(compiler) ?? "", [`-std=${standard}`, ...flags, path]), "");
    });
  }

  test("of an older section has no package: the interface's own name is enough", async () => {
    const { package: _, ...old } = DOCS;
    const bytes = documented(await ownComponent("forward"), `\u0000${JSON.stringify(old)}`);
    assert.match((await headerOf(bytes)).header, /Of an older form/);
    const other = documented(await ownComponent("forward"), `\u0001${JSON.stringify({ ...DOCS, package: "a:b" })}`);
    assert.doesNotMatch((await headerOf(other)).header, /Of an older form/);
  });
});

describe("documentation that is none", () => {
  const CASES: Readonly<Record<string, string | Uint8Array>> = {
    "nothing at all": "",
    "an unknown version": "\u0002{}",
    "no JSON": "\u0001{",
    "no UTF-8": Uint8Array.of(1, 0x22, 0xff, 0x22),
    "a deep array": `\u0001${"[".repeat(100_000)}`,
  };
  for (const [what, contents] of Object.entries(CASES)) {
    test(`${what}: a warning`, async () => {
      const plain = await headerOf(await ownComponent("forward"));
      const { header, warnings } = await headerOf(documented(await ownComponent("forward"), contents));
      assert.equal(header, plain.header);
      assert.equal(warnings.length, 1);
      assert.match(warnings[0] ?? "", /^documentation is left out: /);
    });
  }

  test("other shapes of JSON are nothing", async () => {
    const plain = await headerOf(await ownComponent("forward"));
    for (const json of [
      "[]",
      "null",
      '"x"',
      '{"interfaces":[1]}',
      '{"package":1,"interfaces":{"host":{"funcs":{"all":[]}}}}',
    ]) {
      const { header, warnings } = await headerOf(documented(await ownComponent("forward"), `\u0001${json}`));
      assert.deepEqual({ header, warnings }, { header: plain.header, warnings: [] }, json);
    }
    const odd = `\u0001{"package":"test:forward","interfaces":{"__proto__":{"docs":"x"},"host":{"types":{"color":{"items":{"red":7}}}}}}`;
    assert.equal((await headerOf(documented(await ownComponent("forward"), odd))).header, plain.header);
  });

  test("the command line tells, and goes on", async () => {
    const path = join(hosts.folder, "warned.wasm");
    writeFileSync(path, documented(await ownComponent("sync"), "\u0009"));
    const { status, stdout, stderr } = windlass(["compile", path, "--emit", "header"]);
    assert.equal(status, 0);
    assert.match(stderr, /^warning: .*warned\.wasm: documentation is left out: .*version 9 is not known\n$/);
    assert.match(stdout, /warned_new/);
  });
});
