/** The object file, seen by the tools of the platform: symbols, sections, relocations, and every way of linking. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, test } from "node:test";
import { findTool, outputOf, runTool } from "../support/tools.ts";
import { windlass } from "../support/windlass.ts";
import { Hosts, noHost, otherComponent, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();
const KEYS = ["greeter", "city", "walk", "names"];

async function objects(): Promise<readonly string[]> {
  for (const key of KEYS) await hosts.object(key, await ownComponent(key));
  await hosts.object("flat", await ownComponent("walk"), { name: "flat", hostAbi: "flat" });
  await hosts.object("explicit", await ownComponent("walk"), { name: "explicit", bounds: "explicit" });
  await hosts.object("slow", await ownComponent("walk"), { name: "slow", optLevel: 0 });
  const keys = [...KEYS, "flat", "explicit", "slow"];
  const echo = otherComponent("echo");
  if (echo === undefined) return keys;
  await hosts.object("echo", echo);
  return [...keys, "echo"];
}

/** Runs a tool that must have nothing to say on standard error. */
function silent(tool: string, args: readonly string[]): string {
  const out = runTool(findTool(tool) ?? "", args);
  assert.equal(out, outputOf(findTool(tool) ?? "", args).toString(), "it wrote to standard error");
  return out;
}

interface Sym {
  readonly value: number;
  readonly size: number;
  readonly type: string;
  readonly bind: string;
  readonly section: string;
  readonly name: string;
}

function symbols(path: string): readonly Sym[] {
  const lines = silent("readelf", ["-sW", path]).split("\n");
  return lines.flatMap((line) => {
    const m = /^ *\d+: ([0-9a-f]+) +(\S+) (\S+) +(\S+) +\S+ +(\S+) (.*)$/.exec(line);
    const [, value = "", size = "", type = "", bind = "", section = "", name = ""] = m ?? [];
    return m === null ? [] : [{ value: Number.parseInt(value, 16), size: Number(size), type, bind, section, name }];
  });
}

describe("objects", () => {
  let keys: readonly string[] = [];
  before(async () => {
    keys = await objects();
  });

  test("the table of trampolines agrees with the symbols", { skip: without("readelf") }, () => {
    let count = 0;
    for (const key of keys) {
      const inspected = windlass(["inspect", hosts.path(key), "--json"]);
      assert.equal(inspected.status, 0, inspected.stderr);
      const { trampolines } = JSON.parse(inspected.stdout);
      const functions = symbols(hosts.path(key)).filter((s) => s.type === "FUNC");
      const lowered = functions.filter((s) => s.name.includes("/lowered"));
      assert.equal(trampolines.length, lowered.length);
      for (const t of trampolines) {
        const symbol = functions.find((s) => s.name === t.symbol);
        assert.deepEqual([symbol?.value, symbol?.size], [t.start, t.length], t.symbol);
        assert.match(t.symbol, new RegExp(`/lowered${t.index}::`));
        count++;
      }
    }
    assert.ok(count >= 15, `${count} trampolines`);
  });

  test("functions cover the text, each with one symbol and one FDE", { skip: without("readelf") }, () => {
    for (const key of keys) {
      const path = hosts.path(key);
      const all = symbols(path);
      const functions = all.filter((s) => s.type === "FUNC").toSorted((a, b) => a.value - b.value);
      let end = 0;
      for (const f of functions) {
        assert.ok(f.value >= end && f.value - end < 16 && f.size > 0, f.name);
        // Tables and constants behind its instructions have a data symbol.
        const data = all.find((s) => s.type === "OBJECT" && s.section === f.section && s.value === f.value + f.size);
        end = f.value + f.size + (data?.size ?? 0);
      }
      const frames = silent("readelf", ["--debug-dump=frames", path]);
      const fdes = [...frames.matchAll(/ FDE cie=\S+ pc=([0-9a-f]+)\.\.([0-9a-f]+)/g)].map(([, from = "", to = ""]) => [
        Number.parseInt(from, 16),
        Number.parseInt(to, 16),
      ]);
      // The restorer has none: unwinders know a signal's frame by its bytes.
      const ranges = functions
        .filter((f) => !f.name.endsWith("/support::restorer"))
        .map((f) => [f.value, f.value + f.size]);
      assert.deepEqual(
        fdes.toSorted(([a = 0], [b = 0]) => a - b),
        ranges,
      );
    }
  });

  test("readelf, objdump and nm report nothing odd", { skip: without("readelf", "objdump", "nm") }, () => {
    for (const key of keys) {
      const path = hosts.path(key);
      const all = silent("readelf", ["-aW", path]);
      assert.doesNotMatch(all, /warning|<corrupt|<unknown/i);
      assert.doesNotMatch(silent("objdump", ["-dr", path]), /\(bad\)/);
      silent("objdump", ["-x", path]);
      assert.equal(silent("nm", ["-u", path]), "");
      // Nothing that the dynamic linker would have to write into code, no section that is writable and executable.
      const sections = [...all.matchAll(/^ {2}\[ *\d+\] (\S+) +[A-Z]\w+ .* ([WAXMSILGTE]+) +\d+ +\d+ +\d+$/gm)];
      // Text, unwind information, data, their relocations: what installs no handler has nothing else.
      assert.ok(sections.length >= 5);
      for (const [line, , flags = ""] of sections) assert.ok(!(flags.includes("W") && flags.includes("X")), line);
      const kinds = new Set([...all.matchAll(/R_X86_64_\w+/g)].map(([kind]) => kind));
      for (const kind of kinds) assert.match(kind, /^R_X86_64_(PC32|PLT32)$/);
    }
  });

  test("only the header's symbols are global, and none holds an @", { skip: without("readelf") }, async () => {
    for (const key of keys) {
      const { header } = await hosts.object(key, new Uint8Array());
      const declared = [...header.matchAll(/^(?!static inline )[\w *]+?\b(\w+)\((?!\*)/gm)]
        .map((m) => m[1] ?? "")
        .filter((name) => !header.includes(`typedef windlass_status_t ${name}(`) && !name.endsWith("_fn"));
      const all = symbols(hosts.path(key));
      const global = all.filter((s) => s.bind !== "LOCAL").map((s) => s.name);
      assert.deepEqual(global.toSorted(), declared.toSorted());
      assert.ok(all.every((s) => !s.name.includes("@")));
    }
  });
});

const LINKERS = ["ld", "lld", "gold", "mold"];
const KINDS = [
  ["PIE", ["-fPIE", "-pie"]],
  ["non-PIE", ["-fno-pie", "-no-pie"]],
  ["static", ["-static"]],
  ["static PIE", ["-fPIE", "-static-pie"]],
  ["shared", ["-fPIC", "-shared"]],
] as const;

describe("links", () => {
  for (const linker of LINKERS) {
    const tool = linker === "ld" ? "ld" : linker === "mold" ? "mold" : `ld.${linker}`;
    for (const [kind, flags] of KINDS) {
      if (linker === "gold" && kind === "static PIE") continue; // It can't.
      // gold is deprecated and mold rare: where they are, they must work.
      const skip = noHost !== false ? noHost : findTool(tool) === undefined ? `oracle not found: ${tool}` : false;
      test(`${kind} with ${linker}`, { skip }, async () => {
        await hosts.object("greeter", await ownComponent("greeter"));
        await hosts.object("sync", await ownComponent("sync"));
        const options = [
          ...flags,
          ...(linker === "ld" ? [] : [`-fuse-ld=${linker}`]),
          "-Wl,-z,text",
          "-Wl,-z,noexecstack",
        ];
        const program = hosts.program({ sources: ["two.c"], objects: ["greeter", "sync"], flags: options });
        const headers = runTool(findTool("readelf") ?? "", ["-lWd", program]);
        assert.doesNotMatch(headers, /TEXTREL/);
        assert.doesNotMatch(headers, /^ +(LOAD|GNU_STACK).*RWE/m);
        let runs = program;
        if (kind === "shared") {
          const source = join(hosts.folder, "loader.c");
          runs = `${program}-loader`;
          writeFileSync(source, LOADER);
          runTool(findTool("cc") ?? "", ["-Wall", "-Werror", source, "-ldl", "-o", runs]);
        }
        const { status, stdout } = hosts.run(runs, kind === "shared" ? [program] : []);
        assert.match(stdout, /^wasm trap: unreachable\n/);
        assert.equal(status, 0);
      });
    }
  }
});

/** Runs `main` of a shared object. */
const LOADER = `#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv) {
  void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) { fprintf(stderr, "%s\\n", dlerror()); return 1; }
  int (*entry)(void);
  *(void **)&entry = dlsym(library, "main");
  return entry();
}
`;
