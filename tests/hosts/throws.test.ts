/** Exceptions and the host: uncaught ones are traps at every boundary, with a backtrace; many of them take no memory. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();

/** For each place the trap and the innermost frames; `at`: with a place in the wasm file. */
const TRAPS: readonly (readonly [where: number, message: string, ...frames: readonly string[]])[] = [
  [0, "uncaught exception", "thrower at", "run at"],
  [1, "uncaught exception", "throw at", "adapter", "run at"],
  [3, "uncaught exception", "free at", "resource-drop", "run at"],
  [4, "uncaught exception", "post at", "adapter", "run at"],
  [5, "uncaught exception", "realloc at", "adapter"],
  [6, "uncaught exception", "realloc at", "checked"],
  [9, "null exception reference", "run at"],
];

describe("exceptions that nobody catches", () => {
  for (const optLevel of [0, 2] as const) {
    test(`-O${optLevel}`, { skip: noHost }, async () => {
      const key = `throws${optLevel}`;
      await hosts.object(key, await ownComponent("throws"), { hostAbi: "dynamic", name: "throws", optLevel });
      const program = hosts.program({ sources: ["throws.c"], objects: [key] });
      const { stdout, status, stderr } = hosts.run(program);
      assert.equal(status, 0, stdout + stderr);
      const texts = stdout.split(/^(?=\d+: wasm trap)/m);
      assert.deepEqual(
        texts.map((text) => Number.parseInt(text, 10)),
        TRAPS.map(([where]) => where),
      );
      TRAPS.forEach(([where, message, ...frames], i) => {
        const [head = "", , ...lines] = (texts[i] ?? "").split("\n");
        assert.equal(head, `${where}: wasm trap: ${message}`);
        frames.forEach((frame, k) => {
          const [name = "", place] = frame.split(" ");
          assert.match(lines[k] ?? "", new RegExp(`^ +${k}: throws/.*${name}`), texts[i]);
          if (place === "at") assert.match(lines[k] ?? "", /\(offset 0x[0-9a-f]+\)$/, texts[i]);
        });
      });
    });
  }
});

describe("the host comes in again while frames hold exceptions", () => {
  for (const optLevel of [0, 2] as const) {
    test(`-O${optLevel}`, { skip: noHost }, async () => {
      const key = `nested${optLevel}`;
      await hosts.object(key, await ownComponent("nested"), { name: "nested", optLevel });
      const { stdout, status, stderr } = hosts.run(hosts.program({ sources: ["nested.c"], objects: [key] }));
      assert.equal(status, 0, stdout + stderr);
      assert.match(stdout, /^wasm trap: uncaught exception\nwasm backtrace:\n {4}0: nested\/core0::throw \(offset/);
    });
  }
});
