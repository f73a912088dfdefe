/** Beside others in one process: no handler where none is needed; the runtimes of Go and of Node, which have handlers of their own. */

import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { findTool, runTool } from "../support/tools.ts";
import { runProcess, windlass } from "../support/windlass.ts";
import { readElf } from "../../src/object/reader.ts";
import { Hosts, noHost, ownComponent, PROGRAMS, without } from "./hosts.ts";

const hosts = new Hosts();

describe("no signal handler", () => {
  test("the actions of a process stay as they are", { skip: noHost }, async () => {
    await hosts.object("quiet", await ownComponent("pool"), { name: "pool", bounds: "explicit" });
    const program = hosts.program({ sources: ["quiet.c"], objects: ["quiet"] });
    assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
  });

  test("the object asks the kernel for nothing of that kind, and has no data to write", async () => {
    const dump = async (bounds: "guard" | "explicit"): Promise<string> =>
      (await compile(await ownComponent("greeter"), { output: "object", bounds, emit: "asm", hostAbi: "dynamic" }))
        .dump;
    // rt_sigaction, rt_sigprocmask, rt_sigreturn.
    const signals = /mov [er]ax,0[DEF]h\n(?:.*\n){0,12}?.*syscall$/m;
    const names = /support::(handle_fault|chain_signal|install_handlers|restorer)/;
    const [quiet, usual] = [await dump("explicit"), await dump("guard")];
    assert.match(usual, signals);
    assert.match(usual, names);
    assert.doesNotMatch(quiet, signals);
    assert.doesNotMatch(quiet, names);
    const { bytes } = await compile(await ownComponent("greeter"), { output: "object", bounds: "explicit" });
    const writable = readElf(bytes).sections.filter((s) => (s.flags & 1) !== 0);
    assert.deepEqual(writable, []);
  });

  test("--traps explicit takes --bounds explicit", async () => {
    const path = join(hosts.folder, "explicit.wasm");
    writeFileSync(path, await ownComponent("pool"));
    const refused = windlass(["compile", path, "--traps", "explicit", "-o", join(hosts.folder, "x.o"), "-q"]);
    assert.equal(refused.status, 1);
    assert.match(refused.stderr, /--traps explicit takes --bounds explicit/);
    const args = ["--traps", "explicit", "--bounds", "explicit", "-o", join(hosts.folder, "x.o"), "-q"];
    assert.equal(windlass(["compile", path, ...args]).status, 0);
  });
});

describe("with the handlers of a language runtime", () => {
  test("Node", { skip: noHost }, async () => {
    await hosts.object("pool", await ownComponent("pool"));
    const addon = join(hosts.folder, "addon.node");
    const flags = ["-shared", "-fPIC", "-O1", `-I${join(hosts.folder, "pool")}`];
    runTool(findTool("cc") ?? "", [...flags, join(PROGRAMS, "addon.c"), hosts.path("pool"), "-o", addon]);
    const script = `
      const { run } = require(${JSON.stringify(addon)});
      const wasm = new Uint8Array([0,97,115,109,1,0,0,0, 1,5,1,96,1,127,0, 3,2,1,0, 5,3,1,0,1, 7,5,1,1,102,0,0,
        10,11,1,9,0, 32,0, 65,1, 54,2,0, 11]);
      const { f } = new WebAssembly.Instance(new WebAssembly.Module(wasm)).exports;
      const traps = () => { try { f(-8); return "none"; } catch (e) { return e.message; } };
      const said = [];
      for (let i = 0; i < 3; i++) said.push(run(64), run(0x80000000), traps());
      console.log(said.join());
    `;
    const { stdout, stderr, status } = runProcess(process.execPath, ["-e", script]);
    assert.equal(stdout, `${Array.from({ length: 3 }, () => "0,2,memory access out of bounds").join()}\n`, stderr);
    assert.equal(status, 0);
  });

  test("Go", { skip: without("go", "gcc") }, async () => {
    await hosts.object("pool", await ownComponent("pool"));
    const folder = join(hosts.folder, "go");
    mkdirSync(folder);
    for (const file of ["pool.o", "pool.h"]) copyFileSync(join(hosts.folder, "pool", file), join(folder, file));
    copyFileSync(join(PROGRAMS, "host.go"), join(folder, "host.go"));
    writeFileSync(join(folder, "go.mod"), "module host\n\ngo 1.20\n");
    const env = { GOFLAGS: "-mod=mod", GOTOOLCHAIN: "local", CGO_ENABLED: "1", CGO_LDFLAGS_ALLOW: ".*" };
    const built = runProcess(findTool("go") ?? "", ["build", "-o", "host", "."], { cwd: folder, env });
    assert.equal(built.status, 0, built.stderr);
    const { stdout, stderr, status } = runProcess(join(folder, "host"), [], { cwd: folder });
    assert.equal(stdout, "ok\n", stderr);
    assert.equal(status, 0);
  });
});
