/**
 * Real components as executables: each does what its README row says. They are built in this process, as `build` builds them, which is
 * tried with some; `run` runs each once more, called by another component.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { compile } from "../support/sandbox.ts";
import { forwarded } from "../support/forwarder.ts";
import { type ProcessResult, ROOT, runProcess, sharedComponent, windlass } from "../support/windlass.ts";

interface Case {
  readonly name: string;
  readonly args?: readonly string[];
  readonly input?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Files of the directory that is granted as `/`. */
  readonly files?: Readonly<Record<string, string>>;
  readonly status: number;
  readonly stdout?: string | RegExp;
  readonly stderr?: string | RegExp;
}

const CASES: readonly Case[] = [
  { name: "hello-tiny", status: 0, stdout: "hello from jsco\n", stderr: "" },
  // It prints to both.
  { name: "cli_hello_stdout", status: 0, stdout: "hello, world\n", stderr: "hello, world\n" },
  { name: "cli_args", args: ["hello", "this", "", "is an argument", "with 🚩 emoji"], status: 0, stderr: "" },
  { name: "cli_args", args: ["hello", "that"], status: 134, stderr: /panicked/ },
  { name: "cli_env", env: { frabjous: "day", callooh: "callay" }, status: 0, stderr: "" },
  { name: "cli_env", env: { frabjous: "day" }, status: 134, stderr: /assertion .* failed/ },
  { name: "cli_stdin", input: "So rested he by the Tumtum tree", status: 0, stderr: "" },
  { name: "cli_stdin", input: "something else", status: 134, stderr: /assertion .* failed/ },
  { name: "cli_file_read", files: { "bar.txt": "And stood awhile in thought" }, status: 0, stderr: "" },
  { name: "cli_file_read", status: 1, stderr: /bar\.txt/ },
  {
    name: "cli_directory_list",
    files: { "foo.txt": "", "bar.txt": "", "baz.txt": "", "sub/wow.txt": "", "sub/yay.txt": "" },
    status: 0,
    stderr: "",
  },
  { name: "cli_directory_list", files: { "foo.txt": "" }, status: 134, stderr: /assertion .* failed/ },
  { name: "cli_sleep", status: 0, stderr: "" },
  { name: "cli_exit_failure", status: 1, stdout: "", stderr: "" },
  {
    name: "cli_exit_panic",
    status: 134,
    stdout: "",
    stderr:
      /Curiouser and curiouser![\s\S]*wasm trap: unreachable\nwasm backtrace:\n +0: .*abort.*\n[\s\S]*p2_cli_exit_panic4main[\s\S]*_start/,
  },
];

const folder = mkdtempSync(join(tmpdir(), "windlass-programs-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function check(result: ProcessResult, c: Case): void {
  const text = `${result.stdout}${result.stderr}`;
  assert.equal(result.signal, null, text);
  assert.equal(result.status, c.status, text);
  for (const [actual, expected] of [
    [result.stdout, c.stdout],
    [result.stderr, c.stderr],
  ] as const) {
    if (typeof expected === "string") assert.equal(actual, expected);
    else if (expected !== undefined) assert.match(actual, expected);
  }
}

function makeFiles(c: Case, label: string): string | undefined {
  if (c.files === undefined) return undefined;
  const root = join(folder, `files-${label}`);
  for (const [path, text] of Object.entries(c.files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

describe("real components as executables", () => {
  const names = [...new Set(CASES.map((c) => c.name))];
  const missing = sharedComponent("hello-tiny") === undefined ? "../shared/components is not there" : false;
  before(async () => {
    if (missing !== false) return;
    const builtinWasi = new Uint8Array(readFileSync(join(ROOT, "dist/runtime/wasi.wasm")));
    for (const name of names) {
      const { bytes, warnings } = await compile(new Uint8Array(readFileSync(sharedComponent(name) ?? "")), {
        name,
        output: "executable",
        builtinWasi,
      });
      assert.deepEqual(warnings, []);
      writeFileSync(join(folder, name), bytes, { mode: 0o755 });
    }
  });
  for (const name of ["hello-tiny", "cli_exit_panic"]) {
    test(`${name}: what build writes`, { skip: missing }, () => {
      const out = join(folder, `${name}-built`);
      const result = windlass(["build", sharedComponent(name) ?? "", "-o", out]);
      assert.equal(result.status, 0, result.stderr);
      assert.equal(result.stdout + result.stderr, "");
      assert.ok(readFileSync(out).equals(readFileSync(join(folder, name))));
    });
  }
  CASES.forEach((c, i) => {
    test(`${c.name} ${c.status === 0 ? "" : `ends with ${c.status}`} (build)`, { skip: missing }, () => {
      const root = makeFiles(c, `build${i}`);
      const env: Record<string, string> = {};
      for (const [key, value] of Object.entries(c.env ?? {})) env[`WINDLASS_ENV_${key}`] = value;
      if (root !== undefined) env["WINDLASS_DIR"] = `${root}::/`;
      check(runProcess(join(folder, c.name), c.args ?? [], { input: c.input ?? "", env }), c);
    });
    test(`${c.name} ${c.status === 0 ? "" : `ends with ${c.status}`} (run, called by another component)`, {
      skip: missing,
    }, async () => {
      const root = makeFiles(c, `run${i}`);
      const options = Object.entries(c.env ?? {}).flatMap(([key, value]) => ["--env", `${key}=${value}`]);
      if (root !== undefined) options.push("--dir", `${root}::/`);
      const path = join(folder, `${c.name}-forwarded.wasm`);
      if (!existsSync(path)) writeFileSync(path, await forwarded(readFileSync(sharedComponent(c.name) ?? "")));
      const args = ["run", path, ...options, "--", ...(c.args ?? [])];
      check(windlass(args, { input: c.input ?? "", env: { WINDLASS_CACHE: join(folder, "cache") } }), c);
    });
  });
});

describe("the example of the README", () => {
  test("hello is built and runs", () => {
    const out = join(folder, "hello");
    const built = windlass(["build", join(ROOT, "examples/hello/hello.wasm"), "-o", out]);
    assert.equal(built.status, 0, built.stderr);
    const result = runProcess(out, []);
    assert.equal(result.stdout, "Hello from a component! Primes below 50: 2 3 5 7 11 13 17 19 23 29 31 37 41 43 47\n");
    assert.equal(result.status, 0);
  });
});
