/** Options of `windlass compile`: what each does, and that mistakes are told. */

import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { ROOT, windlass } from "../support/windlass.ts";

const folder = mkdtempSync(join(tmpdir(), "windlass-options-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const GREETER = join(ROOT, "examples/greeter/greeter.wasm");

function run(...args: readonly string[]) {
  return windlass(["compile", GREETER, "-O0", "-j1", ...args], { cwd: folder });
}

describe("mistakes", () => {
  const CASES: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [["--prefix", "int"], /^error: --prefix int: .*\n {2}note: component_int would do\n$/],
    [["--prefix", "my-lib"], /^error: --prefix my-lib: .*\n {2}note: my_lib would do\n$/],
    [["--prefix", "windlass"], /^error: --prefix windlass: .*\n/],
    [["--host-abi", "acme:none/log=flat"], /acme:none\/log.*\n {2}note: it calls functions of acme:greeter\/log\n$/],
    [["--host-abi", "acme:greeter/log=fast"], /typed, dynamic or flat/],
    [["--host-abi", "fast"], /typed, dynamic or flat/],
    [["--bounds", "none"], /Allowed choices are guard, explicit/],
    [["--traps", "explicit"], /takes --bounds explicit/],
    [["--env", "KEY=value"], /^error: --dir and --env take --wasi builtin/],
    [["--wasi", "builtin", "--dir", "a::b::c"], /^error: --dir a::b::c: expected HOST::GUEST/],
    [["--target", "vax"], /Allowed choices are x86_64-linux/],
  ];
  for (const [args, message] of CASES) {
    test(args.join(" "), () => {
      const { status, stdout, stderr } = run("-o", "wrong.o", ...args);
      assert.equal(status, 1);
      assert.equal(stdout, "");
      assert.match(stderr, message);
      assert.ok(!existsSync(join(folder, "wrong.o")));
    });
  }
});

describe("the header", () => {
  const header = (...args: readonly string[]): string => {
    const { status, stdout, stderr } = run("--emit", "header", ...args);
    assert.equal(status, 0, stderr);
    return stdout;
  };

  test("is what --header writes beside the object", () => {
    assert.equal(run("-o", "g.o", "--header", "g.h").status, 0);
    assert.equal(header(), readFileSync(join(folder, "g.h"), "utf8"));
  });

  test("has the prefix", () => {
    const text = header("--prefix", "hello");
    assert.match(text, /windlass_status_t hello_greet\(hello_t \*/);
    assert.doesNotMatch(text, /\bgreeter_/);
  });

  test("has the host ABI, of all functions or of one import", () => {
    assert.match(header("--host-abi", "flat"), /windlass_status_t greeter_greet\(greeter_t \*, windlass_val_raw_t \*/);
    for (const name of ["acme:greeter/log", "acme:greeter/log write"]) {
      const mixed = header("--host-abi", `${name}=flat`);
      assert.match(mixed, /windlass_status_t greeter_greet\(greeter_t \*instance, greeter_string_t name/);
      assert.match(mixed, /struct \{ greeter_write_fn \*callee; void \*data; \} write;/);
    }
  });

  test("says whether there are handlers of signals", () => {
    assert.match(header(), /installs handlers of SIGSEGV/);
    assert.match(header("--bounds", "explicit", "--traps", "explicit"), /No signal handler is installed/);
  });
});

test("what the built-in WASI grants is fixed in an object", () => {
  const input = join(ROOT, "examples/hello/hello.wasm");
  const args = ["compile", input, "-O0", "--wasi", "builtin", "--dir", "data::/", "--env", "COLOR=red", "-o", "h.o"];
  const { status, stderr } = windlass(args, { cwd: folder });
  assert.equal(status, 0, stderr);
  const bytes = readFileSync(join(folder, "h.o"), "latin1");
  for (const setting of ["WINDLASS_DIR=data::/", "WINDLASS_ENV_COLOR=red"]) assert.ok(bytes.includes(setting), setting);
});

test("--help names every option", () => {
  const { stdout } = windlass(["compile", "--help"]);
  for (const option of [
    "--prefix",
    "--host-abi",
    "--bounds",
    "--target",
    "--traps",
    "--emit",
    "--header",
    "--dir",
    "--env",
  ]) {
    assert.ok(stdout.includes(option), option);
  }
});
