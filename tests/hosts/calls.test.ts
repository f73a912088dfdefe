/** Calls through the C interface: arguments, results, imports of both host ABIs, traps, several instances and components. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { forwarded } from "../support/forwarder.ts";
import { Hosts, noHost, otherComponent, ownComponent } from "./hosts.ts";

const hosts = new Hosts();
const GREETINGS = "Welcome to Lisboa, we invite you for a drink!\nWelcome to , we invite you for a drink!\n";

/** The project's own component, the one of other people's making that has the same interface, and this called by another component. */
const ORIGINS = ["own", "other", "forwarded"] as const;
/** A host function of ABI `flat` finds what it is passed in the memory of the exports, which the forwarder has. */
const abisOf = (origin: (typeof ORIGINS)[number]) =>
  origin === "forwarded" ? (["dynamic"] as const) : (["dynamic", "flat"] as const);
const none = (origin: string): string | false =>
  noHost !== false
    ? noHost
    : origin !== "own" && otherComponent("echo") === undefined
      ? "../shared/components is not there"
      : false;

async function component(origin: string, own: string, other: string): Promise<Uint8Array> {
  const bytes = origin === "own" ? undefined : otherComponent(other);
  if (bytes === undefined) return ownComponent(own);
  return origin === "forwarded" ? forwarded(bytes) : bytes;
}

/** Lines of backtraces below a function of these components: those of who has called it. */
const callers = (origin: string): string =>
  origin === "forwarded" ? "(?: {4}\\d: \\S+(?: \\(offset 0x[0-9a-f]+\\))?\\n)+" : "";

describe("hello-city", () => {
  for (const origin of ORIGINS) {
    for (const hostAbi of abisOf(origin)) {
      test(`${origin} component, host ABI ${hostAbi}`, { skip: none(origin) }, async () => {
        const name = `${origin}-${hostAbi}`;
        const bytes = await component(origin, "city", "hello-city");
        const result = await hosts.object(`city-${name}`, bytes, { hostAbi, name: "city" });
        assert.equal(result.trampolines?.size, 1);
        const flags = [...(hostAbi === "flat" ? ["-DFLAT"] : []), ...(origin === "forwarded" ? ["-DFORWARDED"] : [])];
        const program = hosts.program({ sources: ["city.c"], objects: [`city-${name}`], flags });
        const { stdout, status } = hosts.run(program);
        const [before = "", trap = "", between = ""] = stdout.split(/^(wasm trap.*?\n)(?=Welcome)/ms);
        assert.equal(before, `${GREETINGS}Welcome to København, we invite you for a drink!\n`, stdout);
        assert.match(
          trap,
          new RegExp(
            `^wasm trap: host function failed\\nwasm backtrace:\\n {4}0: \\S+/lowered0::hello:city/logger-0\\.1\\.0#log\\n {4}1: \\S+::run \\(offset 0x[0-9a-f]+\\)\\n${callers(origin)}$`,
          ),
        );
        assert.match(
          between,
          /^Welcome to Faro,.*\nWelcome to København,.*\nWelcome to Porto,.*\nWelcome to Braga,.*\n$/,
        );
        assert.equal(status, 0);
      });
    }
  }
});

describe("echo", () => {
  for (const origin of ORIGINS) {
    test(`${origin} component: every function gives back what it gets`, { skip: none(origin) }, async () => {
      await hosts.object(`echo-${origin}`, await component(origin, "echo", "echo"), { name: "echo" });
      const flags = origin === "own" ? [] : ["-DCOMPOUND"];
      const program = hosts.program({ sources: ["echo.c"], objects: [`echo-${origin}`], flags });
      assert.deepEqual(hosts.run(program), { status: 0, signal: null, stdout: "ok\n", stderr: "" });
    });
  }
});

describe("traps", () => {
  for (const origin of ORIGINS) {
    test(`two components in one program (${origin})`, { skip: none(origin) }, async () => {
      await hosts.object("greeter", await ownComponent("greeter"));
      await hosts.object(`sync-${origin}`, await component(origin, "sync", "trap-sync"), { name: "sync" });
      const program = hosts.program({ sources: ["two.c"], objects: ["greeter", `sync-${origin}`] });
      const { stdout, status } = hosts.run(program);
      assert.match(
        stdout,
        /^wasm trap: unreachable\nwasm backtrace:\n( {4}\d: sync\/\S+( \(offset 0x[0-9a-f]+\))?\n)+wasm trap: out of bounds memory access\nwasm backtrace:\n {4}0: greeter\/\S+ \(offset 0x[0-9a-f]+\)\nwasm trap: integer divide by zero\nwasm backtrace:\n {4}0: greeter\/\S+ \(offset 0x[0-9a-f]+\)\n$/,
      );
      assert.equal(status, 0);
    });

    for (const hostAbi of abisOf(origin)) {
      test(`a host function that fails, ${origin} component, host ABI ${hostAbi}`, { skip: none(origin) }, async () => {
        const name = `callback-${origin}-${hostAbi}`;
        const bytes = await component(origin, "callback", "trap-import");
        await hosts.object(name, bytes, { hostAbi, name: "callback" });
        const flags = hostAbi === "flat" ? ["-DFLAT"] : [];
        const { stdout, status } = hosts.run(hosts.program({ sources: ["callback.c"], objects: [name], flags }));
        assert.match(
          stdout,
          new RegExp(
            `^wasm trap: host function failed\\nwasm backtrace:\\n {4}0: \\S+/lowered0::test:trap/host-0\\.1\\.0#call-me\\n {4}1: \\S+::call-host \\(offset 0x[0-9a-f]+\\)\\n${callers(origin)}wasm trap: host function not provided\\nwasm backtrace:\\n {4}0: \\S+/lowered0::\\S+\\n {4}1: \\S+::call-host \\(offset 0x[0-9a-f]+\\)\\n${callers(origin)}$`,
          ),
        );
        assert.equal(status, 0);
      });
    }
  }
});
