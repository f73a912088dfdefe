/** `--interruptible`: guests that do not end are stopped, optimized or not; the code that asks is proved to stay inside. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { verify } from "../../src/verify/verify.ts";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();

describe("interruption", () => {
  for (const optLevel of [0, 2] as const) {
    test(`from a thread, a signal handler, a host function, -O${optLevel}`, { skip: noHost }, async () => {
      const options = { interruptible: true, optLevel };
      const keys = [`spin${optLevel}`, `greeter${optLevel}`];
      await hosts.object(`spin${optLevel}`, await ownComponent("spin"), { ...options, name: "spin" });
      await hosts.object(`greeter${optLevel}`, await ownComponent("greeter"), { ...options, name: "greeter" });
      const program = hosts.program({ sources: ["interrupt.c"], objects: keys });
      assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
    });
  }

  test("every loop asks once, and every function that calls", async () => {
    const count = (asm: string, name: string): number => {
      const [, body = ""] = new RegExp(`^@\\d+ spin/spin::${name}: .*\\n((?: .*\\n)*)`, "m").exec(asm) ?? [];
      assert.notEqual(body, "", name);
      return [...body.matchAll(/cmp dword ptr \[r\w+\+5Ch\],0$/gm)].length;
    };
    // Not optimized: a function that is inlined asks where it is.
    const text = async (interruptible: boolean): Promise<string> => {
      const options = { output: "object", name: "spin", emit: "asm", interruptible, optLevel: 0 } as const;
      return (await compile(await ownComponent("spin"), options)).dump;
    };
    const asm = await text(true);
    const expected = { forever: 1, counting: 1, nested: 2, even: 1, odd: 1, by_table: 1, host: 2, sum: 1, leaf: 0 };
    for (const [name, times] of Object.entries(expected)) assert.equal(count(asm, name), times, `${name}\n${asm}`);
    const plain = await text(false);
    for (const name of Object.keys(expected)) assert.equal(count(plain, name), 0, name);
  });

  test("its code stays inside", async () => {
    const { bytes } = await compile(await ownComponent("spin"), {
      output: "object",
      name: "spin",
      interruptible: true,
    });
    assert.deepEqual((await verify(bytes)).problems, []);
  });
});
