/** A real component that is composed of several: every value type through three component instances, called from a C host. */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Hosts, noHost, otherComponent } from "../hosts/hosts.ts";
import { ROOT } from "../support/windlass.ts";

const hosts = new Hosts();
const RUNTIME = join(ROOT, "dist/runtime/wasi.wasm");

const bytes = otherComponent("composed-double-forwarder");
const skip =
  noHost !== false
    ? noHost
    : bytes === undefined
      ? "../shared/components is not there"
      : !existsSync(RUNTIME)
        ? "the built-in WASI is not built"
        : false;

test("composed-double-forwarder gives back what it gets", { skip }, async () => {
  await hosts.object("forward", bytes ?? new Uint8Array(), { name: "echo", builtinWasi: readFileSync(RUNTIME) });
  const source = join(ROOT, "tests/abi-model/forward.c");
  const program = hosts.program({ sources: [source], objects: ["forward"], flags: ["-DCOMPOUND"] });
  const { status, signal, stdout, stderr } = hosts.run(program);
  assert.deepEqual({ status, signal, stderr }, { status: 0, signal: null, stderr: "" }, stdout);
  assert.equal(stdout, "ok\neach call was logged twice\n");
});
