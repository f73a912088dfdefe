/** Many instances: none leaves anything behind, whoever makes and deletes them; limits, versions of the options, hooks; under tools. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findTool } from "../support/tools.ts";
import { runProcess } from "../support/windlass.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();
const OK = { status: 0, signal: null, stdout: "ok\n", stderr: "" };

async function many(flags: readonly string[] = [], options = {}): Promise<string> {
  await hosts.object(`pool${JSON.stringify(options)}`, await ownComponent("pool"), { ...options, name: "pool" });
  return hosts.program({ sources: ["many.c"], objects: [`pool${JSON.stringify(options)}`], flags });
}

describe("many instances", () => {
  let path: Promise<string> | undefined;
  for (const [what, argument] of [
    ["ten thousand, one after the other, leave nothing behind", "cycles"],
    ["made and deleted on four threads, in any order", "threads"],
    ["limits of memories and tables", "limits"],
    ["options of other versions", "versions"],
    ["address space of the host's", "hooks"],
  ] as const) {
    test(what, { skip: noHost }, async () => {
      path ??= many();
      assert.deepEqual(hosts.run(await path, [argument]), OK);
    });
  }

  test("results in memory of the host's", { skip: noHost }, async () => {
    await hosts.object("greeter", await ownComponent("greeter"), { hostAbi: "typed" });
    assert.deepEqual(hosts.run(hosts.program({ sources: ["hooks.c"], objects: ["greeter"] })), OK);
  });

  for (const bounds of ["guard", "explicit"] as const) {
    for (const [name, what] of [
      ["space", "what grows is counted as it is used"],
      ["brink", "the end of a memory of 4 GiB"],
    ] as const) {
      test(`${what}, bounds: ${bounds}`, { skip: noHost }, async () => {
        const key = `${name}-${bounds}`;
        await hosts.object(key, await ownComponent(name), { hostAbi: "typed", name, bounds });
        assert.deepEqual(hosts.run(hosts.program({ sources: [`${name}.c`], objects: [key] })), OK);
      });
    }
  }

  test("explicit bounds", { skip: noHost }, async () => {
    const program = await many([], { bounds: "explicit" });
    for (const argument of ["some", "limits", "hooks"]) assert.deepEqual(hosts.run(program, [argument]), OK);
  });
});

/** Whether the C compiler links and runs programs with a sanitizer. */
function sanitizerMissing(name: string): string | false {
  if (noHost !== false) return noHost;
  const source = join(hosts.folder, `${name}.c`);
  const out = join(hosts.folder, `sanitizer-${name}`);
  writeFileSync(source, "int main(void) { return 0; }\n");
  const built = runProcess(findTool("cc") ?? "", [`-fsanitize=${name}`, source, "-o", out]);
  const works = built.status === 0 && runProcess(out, []).status === 0;
  return works ? false : `oracle not found: ${name} sanitizer`;
}

describe("under tools that watch", () => {
  for (const name of ["address,undefined", "thread"]) {
    test(`${name} sanitizer`, { skip: sanitizerMissing(name) }, async () => {
      const result = hosts.run(await many([`-fsanitize=${name}`]), []);
      assert.deepEqual(result, OK);
    });
  }
  test("valgrind", { skip: without("valgrind") }, async () => {
    const args = [
      "--error-exitcode=99",
      "--leak-check=full",
      "--errors-for-leak-kinds=all",
      "-q",
      await many([], { bounds: "explicit" }),
      "short",
    ];
    const { stdout, stderr, status } = hosts.run(findTool("valgrind") ?? "", args);
    assert.equal(stdout, "ok\n", stderr);
    assert.doesNotMatch(stderr.replaceAll(/^==\d+== Warning: set address range perms: .*$/gm, ""), /==\d+==/);
    assert.equal(status, 0, stderr);
  });
});
