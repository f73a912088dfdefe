/** Functions that are `async` from a C host, and what happens where one would have to wait. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { compile } from "../support/sandbox.ts";
import { Hosts, noHost, ownComponent } from "./hosts.ts";

const hosts = new Hosts();

test("async functions that never wait, called from C", { skip: noHost }, async () => {
  const bytes = await ownComponent("async");
  await hosts.object("async", bytes, { hostAbi: "typed" });
  const { status, stdout } = hosts.run(hosts.program({ sources: ["async.c"], objects: ["async"] }));
  assert.equal(status, 0, stdout);
  assert.deepEqual(stdout.trimEnd().split("\n"), [
    "wasm trap: async-lifted export failed to produce a result",
    "wasm trap: `task.return` or `task.cancel` called more than once for current task",
    "wasm trap: invalid `task.return` signature and/or options for current task",
    "wasm trap: invalid `task.return` signature and/or options for current task",
    "wasm trap: `task.cancel` called by task which has not been cancelled",
    "wasm trap: an async-lifted function's built-in called by a function that is lifted synchronously",
    "wasm trap: an async task that waits or yields is not supported",
    "wasm trap: an async task that waits or yields is not supported",
    "wasm trap: unknown handle index 5",
    "wasm trap: cannot block a synchronous task before returning",
    "wasm trap: an async task that waits or yields is not supported",
    "wasm trap: unknown handle index 0",
    "wasm trap: unsupported callback code",
    "wasm trap: unknown handle index 127",
    "wasm trap: an async task that waits or yields is not supported",
    "wasm trap: cannot block a synchronous task before returning",
    "wasm trap: an async task that waits or yields is not supported",
  ]);
});

test("an async function with flat values is refused where they would not do", async () => {
  const bytes = await ownComponent("async");
  await assert.rejects(
    compile(bytes, { output: "object", hostAbi: "dynamic" }),
    (error) =>
      error instanceof WindlassError &&
      /`canon lower` of `ask` with `async` and the host ABI `dynamic`/.test(error.message),
  );
});
