/** Unwinding through generated code: backtraces with names, every instruction of a call, exceptions, longjmp. */

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { findTool, outputOf } from "../support/tools.ts";
import { Hosts, noHost, ownComponent, without } from "./hosts.ts";

const hosts = new Hosts();

/** The component `walk` in different dresses; all have the prefix `walk`. */
const VARIANTS = {
  dynamic: { options: {}, flags: [] },
  flat: { options: { hostAbi: "flat" }, flags: ["-DFLAT"] },
  "dynamic, explicit bounds": { options: { bounds: "explicit" }, flags: [] },
  "flat, not optimized": { options: { hostAbi: "flat", optLevel: 0 }, flags: ["-DFLAT"] },
} as const;
type Variant = keyof typeof VARIANTS;
const NAMES: readonly Variant[] = ["dynamic", "flat", "dynamic, explicit bounds", "flat, not optimized"];

async function program(variant: Variant, source: string, flags: readonly string[] = []): Promise<string> {
  const { options, flags: own } = VARIANTS[variant];
  await hosts.object(variant, await ownComponent("walk"), { ...options, name: "walk" });
  return hosts.program({ sources: [source], objects: [variant], flags: [...own, ...flags] });
}

interface Sym {
  readonly start: number;
  readonly end: number;
  readonly name: string;
}

function functions(path: string): readonly Sym[] {
  const lines = outputOf(findTool("nm") ?? "", ["-S", path])
    .toString()
    .split("\n");
  return lines.flatMap((line) => {
    const [, start = "", size = "", name = ""] = /^([0-9a-f]+) ([0-9a-f]+) [tT] (.*)$/.exec(line) ?? [];
    const from = Number.parseInt(start, 16);
    return name === "" ? [] : [{ start: from, end: from + Number.parseInt(size, 16), name }];
  });
}

const CHAIN = [
  /^visit$/,
  /^walk\/lowered0::test:walk\/host#visit$/,
  /^walk\/m::inner$/,
  /^walk\/m::outer$/,
  /^walk\/m::walk$/,
  /^walk_walk$/,
  /^main$/,
];

function assertChain(names: readonly string[]): void {
  const start = names.indexOf("visit");
  const found = names.slice(start, start + CHAIN.length);
  assert.ok(start >= 0 && found.length === CHAIN.length, names.join("\n"));
  CHAIN.forEach((pattern, i) => {
    assert.match(found[i] ?? "", pattern, names.join("\n"));
  });
}

describe("_Unwind_Backtrace in a host function", () => {
  for (const variant of NAMES) {
    test(variant, { skip: without("nm") }, async () => {
      const path = await program(variant, "unwind.c", ["-no-pie"]);
      const symbols = functions(path);
      const { stdout, status } = hosts.run(path, ["backtrace"]);
      assert.equal(status, 0, stdout);
      const names = [...stdout.matchAll(/^frame ([0-9a-f]+)$/gm)].map(([, hex = ""]) => {
        const pc = Number.parseInt(hex, 16);
        return symbols.find((s) => s.start <= pc && pc < s.end)?.name ?? hex;
      });
      assertChain(names);
    });
  }
});

describe("at every instruction the caller of the entry is reached, with its registers", () => {
  for (const variant of NAMES) {
    test(variant, { skip: without("nm") }, async () => {
      const path = await program(variant, "unwind.c", ["-no-pie"]);
      const { stdout, status } = hosts.run(path);
      assert.equal(status, 0, stdout);
      const steps = [...stdout.matchAll(/: (\d+) steps/g)].reduce((sum, [, n]) => sum + Number(n), 0);
      assert.ok(steps > 2000, stdout);
      // The one exception: the jump with which `raise`, `throw` and `throw_ref` leave, when the frame pointer is the other frame's already.
      const symbols = functions(path);
      const jumps = new Map<string, Set<number>>();
      for (const [line, hex = ""] of stdout.matchAll(/^lost at ([0-9a-f]+): .*$/gm)) {
        const pc = Number.parseInt(hex, 16);
        const at = symbols.find((s) => s.start <= pc && pc < s.end);
        const name = at?.name ?? "";
        assert.match(name, /^walk\/support::(raise|throw|throw_ref)$/, line);
        if (name.endsWith("raise")) assert.ok(pc >= (at?.end ?? 0) - 3, line);
        jumps.set(name, (jumps.get(name) ?? new Set()).add(pc));
      }
      for (const [name, places] of jumps) assert.equal(places.size, 1, name);
      assert.match(stdout, /^trap 0: \d+ steps: unreachable$/m);
      assert.match(stdout, /^trap 1: \d+ steps: out of bounds memory access$/m);
      assert.match(stdout, /^trap 7: \d+ steps: out of bounds memory access$/m);
    });
  }
});

describe("gdb", () => {
  for (const variant of ["dynamic", "flat"] as const) {
    test(`bt in a host function, and single steps, ${variant}`, { skip: without("gdb") }, async (t) => {
      const path = await program(variant, "unwind.c");
      const script = join(hosts.folder, `${variant}.gdb`);
      writeFileSync(script, GDB_SCRIPT);
      const { stdout, stderr } = hosts.run(findTool("gdb") ?? "", [
        "-nx",
        "-batch",
        "-x",
        script,
        "--args",
        path,
        "backtrace",
      ]);
      if (/ptrace: Operation not permitted|Could not trace/.test(stderr)) {
        t.skip("gdb may not trace here");
        return;
      }
      const bt = [...stdout.matchAll(/^#\d+ +(?:0x[0-9a-f]+ in )?(\S+) \(/gm)].map(([, name = ""]) => name);
      assertChain(bt);
      assert.match(stdout, /^main reached at all of 150 steps, through \d+ functions$/m, stdout + stderr);
    });
  }
});

/** Stops in the host function, shows the stack; then steps back into the guest. */
const GDB_SCRIPT = `set debuginfod enabled off
set confirm off
set pagination off
break visit
run
bt
delete
python
import gdb
functions = set()
steps = 0
wanted = None
def state():
  f = gdb.newest_frame()
  while f is not None and f.name() != "main":
    f = f.older()
  if f is None:
    return None
  return [int(f.read_register(r)) for r in ("rbx", "rbp", "rsp", "r12", "r13", "r14", "r15", "rip")]
gdb.execute("finish", to_string=True)
for i in range(150):
  functions.add(gdb.newest_frame().name())
  now = state()
  if now is None or (wanted is not None and now != wanted):
    print("lost", now, wanted)
    break
  wanted = now
  steps += 1
  gdb.execute("stepi", to_string=True)
print("main reached at all of %d steps, through %d functions" % (steps, len(functions)))
end
`;

describe("leaving through the guest's frames", () => {
  for (const variant of NAMES) {
    test(`a C++ exception, ${variant}`, { skip: without("c++") }, async () => {
      const { stdout, status } = hosts.run(await program(variant, "exceptions.cpp"));
      assert.equal(stdout, "ok\n");
      assert.equal(status, 0);
    });
  }
  for (const variant of ["dynamic", "flat"] as const) {
    test(`longjmp and pthread_exit, ${variant}`, { skip: noHost }, async () => {
      const { stdout, status } = hosts.run(await program(variant, "leave.c"));
      assert.equal(stdout, "ok\n");
      assert.equal(status, 0);
    });
  }
});
