/** What debuggers and profilers show of an executable: guest functions by their names, from the guest's up to `_start`. */

import assert from "node:assert/strict";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { findTool } from "../support/tools.ts";
import { assemble } from "../support/wat.ts";
import { Hosts, without } from "./hosts.ts";

const hosts = new Hosts();

const BUSY = `(module $busy
  (memory 1)
  (func $outer (export "_start") (call $inner (i32.const 60000000)))
  (func $inner (param $n i32) (local $x i32)
    (loop $more
      (local.set $x (i32.mul (i32.add (local.get $x) (local.get $n)) (i32.const 1664525)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br_if $more (local.get $n)))
    (i32.store (i32.const 0) (local.get $x))))`;

/** At -O0, where no function becomes a part of another. */
async function program(): Promise<string> {
  const path = join(hosts.folder, "busy");
  const { bytes } = await compile(await assemble(BUSY), { output: "executable", name: "busy", optLevel: 0 });
  writeFileSync(path, bytes);
  chmodSync(path, 0o755);
  return path;
}

test("gdb stops at a guest function of an executable, and sees who called it", { skip: without("gdb") }, async (t) => {
  const args = ["-nx", "-batch", "-ex", "break 'busy/busy::inner'", "-ex", "run", "-ex", "backtrace"];
  const { stdout, stderr } = hosts.run(findTool("gdb") ?? "", [...args, await program()]);
  if (/ptrace|could not trace/i.test(stderr)) {
    t.skip("gdb may not trace here");
    return;
  }
  const frames = [...stdout.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(.*?) \(/gm)].map((m) => m[1] ?? "");
  const expected = ["busy/busy::inner", "busy/busy::outer", "busy/entry::start", "busy/support::main", "_start"];
  assert.deepEqual(frames, expected, stdout + stderr);
});

test("perf report names guest functions, and their callers", { skip: without("perf") }, async (t) => {
  const perf = findTool("perf") ?? "";
  const data = join(hosts.folder, "perf.data");
  const recorded = hosts.run(perf, ["record", "-q", "-e", "cpu-clock:u", "-g", "-o", data, await program()]);
  if (recorded.status !== 0) {
    t.skip(`perf may not record here: ${recorded.stderr.trim().split("\n")[0] ?? ""}`);
    return;
  }
  const args = ["report", "--stdio", "--no-children", "-g", "caller", "-i", data];
  const { stdout, stderr } = hosts.run(perf, args);
  const [first = ""] = stdout.split("\n").filter((line) => /^ +\d/.test(line));
  assert.match(first, /busy\/busy::inner$/, stdout + stderr);
  for (const name of ["busy/busy::outer", "busy/entry::start", "_start"]) assert.ok(stdout.includes(name), stdout);
});
