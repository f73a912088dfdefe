/** The tutorial of docs/embedding.md does what it says: its host compiles without a warning, and prints what the page shows. */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findTool, runTool } from "../support/tools.ts";
import { ROOT } from "../support/windlass.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const page = readFileSync(join(ROOT, "docs/embedding.md"), "utf8");

/** The code blocks of a language, in the page's order. */
function blocks(language: string): readonly string[] {
  return [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\`$`, "gm"))].map((m) => m[1] ?? "");
}

describe("docs/embedding.md", () => {
  const hosts = new Hosts();
  const [source = ""] = blocks("c");
  const [output = ""] = blocks("console").flatMap((b) => b.split("$ ./host\n").slice(1));

  async function build(): Promise<string> {
    await hosts.object("greeter", await ownComponent("greeter"), { hostAbi: "typed" });
    mkdirSync(join(hosts.folder, "tutorial"), { recursive: true });
    const path = join(hosts.folder, "tutorial/host.c");
    writeFileSync(path, source);
    return hosts.program({ sources: [path], objects: ["greeter"], flags: ["-g", "-O0"] });
  }

  test("the tutorial's host", { skip: noHost }, async () => {
    assert.notEqual(output, "");
    const result = hosts.run(await build());
    assert.deepEqual(result, { status: 0, signal: null, stdout: output, stderr: "" });
  });

  test("the example in C++", { skip: without("c++") }, async () => {
    await hosts.object("greeter", await ownComponent("greeter"), { hostAbi: "typed" });
    const [body = ""] = blocks("cpp");
    const path = join(hosts.folder, "example.cpp");
    writeFileSync(path, `#include "greeter.h"\n#include <iostream>\nint main() {\n${body}}\n`);
    const result = hosts.run(hosts.program({ sources: [path], objects: ["greeter"] }));
    assert.deepEqual(result, { status: 0, signal: null, stdout: "Hello, Ada!\nHello, Ada!", stderr: "" });
  });

  test("gdb shows the frames that the page shows", { skip: without("gdb") }, async () => {
    const program = await build();
    const shown = blocks("console").flatMap((b) => [...b.matchAll(/^#\d+ +(.*?) \(/gm)].map((m) => m[1] ?? ""));
    assert.equal(shown.length, 6);
    const said = runTool(
      findTool("gdb") ?? "",
      ["-nx", "-batch", "-ex", "break write_text", "-ex", "run", "-ex", "backtrace", program],
      hosts.folder,
    );
    const frames = [...said.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(.*?) \(/gm)].map((m) => m[1] ?? "");
    assert.deepEqual(frames, shown);
  });
});
