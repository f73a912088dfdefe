/**
 * Bad input of every kind: a clear error in the house shape, exit code 1, no output file; never a crash, never a hang. Thousands of inputs go
 * through the compiler in this process; some of each kind through the command line.
 */

import assert from "node:assert/strict";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { formatDiagnostic, InternalError, WindlassError } from "../../src/base/diagnostics.ts";
import { compile } from "../support/sandbox.ts";
import { assemble } from "../support/wat.ts";
import { ROOT, sharedComponent, windlass } from "../support/windlass.ts";

const folder = mkdtempSync(join(tmpdir(), "windlass-bad-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const SHAPE =
  /^(malformed|invalid|unsupported|unlinkable) \w+( at offset 0x[0-9a-f]+)?( \(.+?\))?: .+|^\w+ too large.*: .+/s;

/** The diagnostics that compiling gives, or `undefined` if it succeeds. Fails on any other error. */
async function errorOf(bytes: Uint8Array, label: string): Promise<string | undefined> {
  try {
    await compile(bytes, { output: "object", optLevel: 0, hostAbi: "dynamic" });
    return undefined;
  } catch (error) {
    if (error instanceof WindlassError) {
      for (const d of error.diagnostics) assert.match(formatDiagnostic(d), SHAPE, label);
      return error.message;
    }
    const text = error instanceof InternalError ? error.message : error instanceof Error ? error.stack : String(error);
    assert.fail(`${label}: ${text ?? ""}`);
  }
}

/** Components of the project's own, and a real one where there is one. */
function samples(): { readonly name: string; readonly bytes: Uint8Array }[] {
  const paths = [join(ROOT, "examples/hello/hello.wasm"), join(ROOT, "examples/greeter/greeter.wasm")];
  for (const name of ["hello-city", "hello-tiny", "echo"]) {
    const path = sharedComponent(name);
    if (path !== undefined) paths.push(path);
  }
  return paths.map((p) => ({ name: p.split("/").pop() ?? p, bytes: new Uint8Array(readFileSync(p)) }));
}

/** A small generator with a seed: the same inputs in every run. */
function random(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x1_0000_0000;
  };
}

describe("the compiler survives any bytes", () => {
  for (const { name, bytes } of samples()) {
    test(`${name}: truncated anywhere`, async () => {
      const step = Math.max(1, Math.floor(bytes.length / 300));
      for (let n = 0; n < bytes.length; n += step) {
        // A cut between two sections may leave a whole component that exports nothing.
        await errorOf(bytes.subarray(0, n), `first ${n} bytes of ${name}`);
      }
    });
    test(`${name}: one byte changed`, async () => {
      const next = random(bytes.length);
      let rejected = 0;
      // Fewer of a larger one: most changes leave it valid, and then it is compiled.
      const count = bytes.length > 4000 ? 100 : 400;
      for (let i = 0; i < count; i++) {
        const changed = bytes.slice();
        const at = Math.floor(next() * bytes.length);
        changed[at] = Math.floor(next() * 256);
        if ((await errorOf(changed, `${name} with byte ${at} set to ${changed[at]}`)) !== undefined) rejected++;
      }
      assert.ok(rejected > count / 20, `only ${rejected} of ${count} were rejected`);
    });
  }
  test("random bytes behind the preamble", async () => {
    const next = random(7);
    for (let i = 0; i < 1000; i++) {
      const bytes = Uint8Array.from({ length: 8 + Math.floor(next() * 60) }, () => Math.floor(next() * 256));
      bytes.set([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0]);
      await errorOf(bytes, `random input ${i}`);
    }
  });
});

const UNKNOWN_IMPORT = `(component (import "wasi:nowhere/nothing@0.2.0" (instance (export "f" (func)))))`;
const lowered = (name: string) => `(component
  (import "${name}" (instance $i (export "get-stdout" (func (result u32)))))
  (core func $f (canon lower (func $i "get-stdout")))
  (core module $m (import "" "f" (func (result i32))) (func (export "run") (result i32) (call 0)))
  (core instance $c (instantiate $m (with "" (instance (export "f" (func $f))))))
  (func $run (result (result)) (canon lift (core func $c "run")))
  (instance $r (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $r)))`;

const COMMANDS: readonly {
  readonly what: string;
  readonly input: () => Promise<Uint8Array> | Uint8Array;
  readonly message: RegExp;
}[] = [
  {
    what: "an empty file",
    input: () => new Uint8Array(),
    message: /^error: .*\.wasm: malformed component at offset 0x0/,
  },
  {
    what: "a text file",
    input: () => new TextEncoder().encode("hello\n"),
    message: /malformed component at offset 0x0/,
  },
  {
    what: "half a component",
    input: () => readFileSync(join(ROOT, "examples/hello/hello.wasm")).subarray(0, 700),
    message: /malformed component at offset 0x2[0-9a-f]{2}/,
  },
  {
    what: "an unknown import",
    input: () => assemble(lowered("acme:nowhere/nothing")),
    message: /acme:nowhere\/nothing/,
  },
  {
    what: "an unknown WASI interface",
    input: () => assemble(lowered("wasi:nowhere/nothing@0.2.0")),
    message: /wasi:nowhere\/nothing/,
  },
  {
    what: "a WASI minor version that is too new",
    input: () => assemble(lowered("wasi:cli/stdout@0.2.99")),
    message: /0\.2\.99.*0\.2\.\d+/s,
  },
  { what: "WASI 0.3", input: () => assemble(lowered("wasi:cli/stdout@0.3.0")), message: /0\.3\.0/ },
  {
    what: "a component that is no command",
    input: () => assemble("(component)"),
    message: /does not export wasi:cli\/run/,
  },
  {
    what: "a core module",
    input: () => assemble("(module)"),
    message: /unlinkable module: it exports no function `_start`/,
  },
  { what: "an import that nothing uses", input: () => assemble(UNKNOWN_IMPORT), message: /error: / },
];

describe("the command line refuses bad input", () => {
  COMMANDS.forEach(({ what, input, message }, i) => {
    test(what, async () => {
      const place = join(folder, what.replaceAll(/\W/g, "-"));
      mkdirSync(place);
      const file = join(place, "in.wasm");
      writeFileSync(file, await input());
      const out = join(place, "out");
      const build = ["build", file, "-o", out];
      // `run` builds by the same functions: some are enough.
      for (const args of i % 3 === 0 ? [build, ["run", file]] : [build]) {
        const result = windlass(args, { env: { WINDLASS_CACHE: join(place, "cache") } });
        assert.match(result.stderr, message);
        assert.match(result.stderr, /^error: /);
        assert.doesNotMatch(result.stderr, /^ +at /m);
        assert.equal(result.status, 1, result.stderr);
        assert.equal(result.stdout, "");
        assert.equal(existsSync(out), false);
      }
      assert.deepEqual(readdirSync(place), ["in.wasm"]);
    });
  });
  test("files that can't be read or written", () => {
    const hello = join(ROOT, "examples/hello/hello.wasm");
    const cases: readonly (readonly [readonly string[], RegExp])[] = [
      [["build", join(folder, "none.wasm")], /^error: can't read .*none\.wasm: no such file/],
      [["build", folder, "-o", "x"], /^error: can't read .*: is a directory/],
      [["build", hello, "-o", join(folder, "no/such/folder/x")], /^error: can't write .*: no such file/],
      [["build", hello, "-o", folder], /^error: can't write .*: is a directory/],
      [["run", hello, "--dir", "a::b::c"], /^error: --dir a::b::c: expected HOST::GUEST/],
      [["run", hello, "--env", "novalue"], /^error: --env novalue: expected KEY=VALUE/],
      [["build", hello, "-O", "7"], /^error: option '-O/],
      [["frobnicate"], /^error: unknown command/],
      [["build"], /^error: missing required argument/],
    ];
    for (const [args, message] of cases) {
      const result = windlass(args);
      assert.match(result.stderr, message);
      assert.equal(result.status, 1);
      assert.equal(result.stdout, "");
    }
  });
});
