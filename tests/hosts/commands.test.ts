/**
 * Real WASI commands as libraries: a host in C runs each in instances of its own, with the built-in WASI, under valgrind and with AddressSanitizer. They
 * have no arguments there, and what was granted when they were compiled. Some in every test run, all of them by `npm run hosts`.
 */

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, test } from "node:test";
import { findTool } from "../support/tools.ts";
import { ROOT } from "../support/windlass.ts";
import { ALL_HOSTS, Hosts, otherComponent, WATCHED_ENV, valgrind, without } from "./hosts.ts";

interface Command {
  readonly name: string;
  /** What it prints and how the host says it ended, of one instance. */
  readonly output: RegExp;
  /** What is granted, as an executable's environment would. */
  readonly grants?: readonly string[];
  readonly input?: string;
  /** In every test run. */
  readonly always?: boolean;
}

const DIRECTORY = ["WINDLASS_DIR=data::/"];
const COMMANDS: readonly Command[] = [
  { name: "hello-tiny", output: /^hello from jsco\nsuccess\n$/, always: true },
  { name: "cli_hello_stdout", output: /^hello, world\nsuccess\n$/ },
  { name: "cli_args", output: /^unreachable\n$/ },
  { name: "cli_env", output: /^success\n$/, grants: ["WINDLASS_ENV=frabjous=day\ncallooh=callay"] },
  { name: "cli_stdin", output: /^success\n$/, input: "So rested he by the Tumtum tree" },
  { name: "cli_file_read", output: /^success\n$/, grants: DIRECTORY, always: true },
  { name: "cli_directory_list", output: /^success\n$/, grants: DIRECTORY },
  { name: "cli_sleep", output: /^success\n$/ },
  { name: "cli_exit_failure", output: /^exit\n$/, always: true },
  { name: "cli_exit_panic", output: /^unreachable\n$/ },
];

const FILES = {
  "bar.txt": "And stood awhile in thought",
  "foo.txt": "",
  "baz.txt": "",
  "sub/wow.txt": "",
  "sub/yay.txt": "",
};

const hosts = new Hosts();
for (const [path, contents] of Object.entries(FILES)) {
  const file = join(hosts.folder, "data", path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, contents);
}

describe("WASI commands in a host", () => {
  for (const { name, output, grants = [], input, always = false } of COMMANDS) {
    const bytes = otherComponent(name);
    const missing = bytes === undefined && "../shared/components is not there";
    const skip = missing || without("cc", "valgrind") || (!always && !ALL_HOSTS && "npm run hosts has it");
    test(name, { skip }, async () => {
      const builtinWasi = new Uint8Array(readFileSync(join(ROOT, "dist/runtime/wasi.wasm")));
      const options = { hostAbi: "typed", optLevel: 0, verify: false, builtinWasi, configuration: grants } as const;
      await hosts.object(name, bytes ?? new Uint8Array(), { ...options, name: "command" });
      const of = { sources: ["command.c"], objects: [name] };
      // What is read is gone for a second instance.
      const args = input === undefined ? [] : ["once"];
      const expected = input === undefined ? 2 : 1;
      const check = (result: {
        readonly stdout: string;
        readonly stderr: string;
        readonly status: number | null;
      }): void => {
        assert.equal(result.status, 0, result.stderr);
        const half = result.stdout.length / expected;
        assert.match(result.stdout.slice(0, half), output);
        assert.equal(result.stdout, result.stdout.slice(0, half).repeat(expected));
        assert.doesNotMatch(result.stderr, /==\d+==/);
      };
      const given = input === undefined ? {} : { input };
      check(valgrind(hosts, hosts.program(of), args, given));
      if (findTool("gcc") === undefined) return;
      const watched = hosts.program({ ...of, compiler: "gcc", flags: ["-fsanitize=address,undefined"] });
      check(hosts.run(watched, args, { ...given, env: WATCHED_ENV }));
    });
  }
});
