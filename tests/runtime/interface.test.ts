import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { Trap } from "../../src/layout/traps.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { functionType } from "../../src/wasm/module.ts";
import { valTypeName } from "../../src/wasm/types.ts";
import { runtimeBytes } from "./host.ts";

/** Interfaces of WASI 0.2 and the flat signatures of their lowered functions (Canonical ABI, flatten_functype), by hand from the WIT. */
const WASI: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "wasi:cli/environment": {
    "get-environment": "i32 ->",
    "get-arguments": "i32 ->",
    "initial-cwd": "i32 ->",
  },
  "wasi:cli/exit": { exit: "i32 ->", "exit-with-code": "i32 ->" },
  "wasi:cli/stdin": { "get-stdin": "-> i32" },
  "wasi:cli/stdout": { "get-stdout": "-> i32" },
  "wasi:cli/stderr": { "get-stderr": "-> i32" },
  "wasi:cli/terminal-stdin": { "get-terminal-stdin": "i32 ->" },
  "wasi:cli/terminal-stdout": { "get-terminal-stdout": "i32 ->" },
  "wasi:cli/terminal-stderr": { "get-terminal-stderr": "i32 ->" },
  "wasi:io/error": { "[method]error.to-debug-string": "i32 i32 ->" },
  "wasi:io/poll": {
    poll: "i32 i32 i32 ->",
    "[method]pollable.ready": "i32 -> i32",
    "[method]pollable.block": "i32 ->",
  },
  "wasi:io/streams": {
    "[method]input-stream.read": "i32 i64 i32 ->",
    "[method]input-stream.blocking-read": "i32 i64 i32 ->",
    "[method]input-stream.skip": "i32 i64 i32 ->",
    "[method]input-stream.blocking-skip": "i32 i64 i32 ->",
    "[method]input-stream.subscribe": "i32 -> i32",
    "[method]output-stream.check-write": "i32 i32 ->",
    "[method]output-stream.write": "i32 i32 i32 i32 ->",
    "[method]output-stream.blocking-write-and-flush": "i32 i32 i32 i32 ->",
    "[method]output-stream.flush": "i32 i32 ->",
    "[method]output-stream.blocking-flush": "i32 i32 ->",
    "[method]output-stream.subscribe": "i32 -> i32",
    "[method]output-stream.write-zeroes": "i32 i64 i32 ->",
    "[method]output-stream.blocking-write-zeroes-and-flush": "i32 i64 i32 ->",
    "[method]output-stream.splice": "i32 i32 i64 i32 ->",
    "[method]output-stream.blocking-splice": "i32 i32 i64 i32 ->",
  },
  "wasi:clocks/monotonic-clock": {
    now: "-> i64",
    resolution: "-> i64",
    "subscribe-instant": "i64 -> i32",
    "subscribe-duration": "i64 -> i32",
  },
  "wasi:clocks/wall-clock": { now: "i32 ->", resolution: "i32 ->" },
  "wasi:random/random": { "get-random-bytes": "i64 i32 ->", "get-random-u64": "-> i64" },
  "wasi:random/insecure": { "get-insecure-random-bytes": "i64 i32 ->", "get-insecure-random-u64": "-> i64" },
  "wasi:random/insecure-seed": { "insecure-seed": "i32 ->" },
  "wasi:filesystem/preopens": { "get-directories": "i32 ->" },
  "wasi:filesystem/types": {
    "filesystem-error-code": "i32 i32 ->",
    "[method]descriptor.read-via-stream": "i32 i64 i32 ->",
    "[method]descriptor.write-via-stream": "i32 i64 i32 ->",
    "[method]descriptor.append-via-stream": "i32 i32 ->",
    "[method]descriptor.advise": "i32 i64 i64 i32 i32 ->",
    "[method]descriptor.sync-data": "i32 i32 ->",
    "[method]descriptor.get-flags": "i32 i32 ->",
    "[method]descriptor.get-type": "i32 i32 ->",
    "[method]descriptor.set-size": "i32 i64 i32 ->",
    "[method]descriptor.set-times": "i32 i32 i64 i32 i32 i64 i32 i32 ->",
    "[method]descriptor.read": "i32 i64 i64 i32 ->",
    "[method]descriptor.write": "i32 i32 i32 i64 i32 ->",
    "[method]descriptor.read-directory": "i32 i32 ->",
    "[method]descriptor.sync": "i32 i32 ->",
    "[method]descriptor.create-directory-at": "i32 i32 i32 i32 ->",
    "[method]descriptor.stat": "i32 i32 ->",
    "[method]descriptor.stat-at": "i32 i32 i32 i32 i32 ->",
    "[method]descriptor.set-times-at": "i32 i32 i32 i32 i32 i64 i32 i32 i64 i32 i32 ->",
    "[method]descriptor.link-at": "i32 i32 i32 i32 i32 i32 i32 i32 ->",
    "[method]descriptor.open-at": "i32 i32 i32 i32 i32 i32 i32 ->",
    "[method]descriptor.readlink-at": "i32 i32 i32 i32 ->",
    "[method]descriptor.remove-directory-at": "i32 i32 i32 i32 ->",
    "[method]descriptor.rename-at": "i32 i32 i32 i32 i32 i32 i32 ->",
    "[method]descriptor.symlink-at": "i32 i32 i32 i32 i32 i32 ->",
    "[method]descriptor.unlink-file-at": "i32 i32 i32 i32 ->",
    "[method]descriptor.is-same-object": "i32 i32 -> i32",
    "[method]descriptor.metadata-hash": "i32 i32 ->",
    "[method]descriptor.metadata-hash-at": "i32 i32 i32 i32 i32 ->",
    "[method]directory-entry-stream.read-directory-entry": "i32 i32 ->",
  },
};

const RESOURCES = [
  "wasi:io/error/error",
  "wasi:io/poll/pollable",
  "wasi:io/streams/input-stream",
  "wasi:io/streams/output-stream",
  "wasi:cli/terminal-input/terminal-input",
  "wasi:cli/terminal-output/terminal-output",
  "wasi:filesystem/types/descriptor",
  "wasi:filesystem/types/directory-entry-stream",
];

const mangle = (name: string): string =>
  name
    .replace(/^wasi:/, "")
    .replace(/[^a-zA-Z0-9]+/g, "_")
    .replace(/^_|_$/g, "");

test("every function of WASI 0.2 is exported under its mangled name with its flat signature, and nothing else is", async () => {
  const module = decodeModule(await runtimeBytes());
  const expected = new Map<string, string>();
  for (const [name, functions] of Object.entries(WASI)) {
    for (const [func, signature] of Object.entries(functions)) expected.set(mangle(`${name} ${func}`), signature);
  }
  for (const resource of RESOURCES) expected.set(`drop_${mangle(resource)}`, "i32 ->");
  expected.set("runtime_init", "->");
  expected.set("runtime_drop", "->");
  const actual = new Map<string, string>();
  for (const e of module.exports) {
    if (e.kind !== "func") continue;
    const { params, results } = functionType(module, e.index);
    actual.set(e.name, [...params.map(valTypeName), "->", ...results.map(valTypeName)].join(" "));
  }
  const sorted = (map: Map<string, string>): [string, string][] => [...map].sort(([a], [b]) => (a < b ? -1 : 1));
  assert.deepEqual(sorted(actual), sorted(expected));
  assert.deepEqual(
    module.exports.filter((e) => e.kind !== "func").map((e) => [e.kind, e.name]),
    [
      ["global", "config_address"],
      ["global", "config_capacity"],
      ["memory", "memory"],
    ],
  );
});

test("the module has no start function, no table, a bounded memory and only native imports", async () => {
  const module = decodeModule(await runtimeBytes());
  assert.equal(module.startFunction, undefined);
  assert.equal(module.tables.length, 0);
  assert.deepEqual(
    module.memories.map((m) => m.type.max),
    [16],
  );
  const known =
    /^(load8_u|load16_u|load32_u|load64|store8|store16|store32|store64|copy|syscall|own_address|startup|guest_address|guest_realloc|exit|trap|(resource_new|resource_rep|resource_take) wasi:[a-z/-]+)$/;
  for (const { module: from, name } of module.imports) {
    assert.equal(from, "windlass:native");
    assert.match(name, known);
    const resource = name.split(" ")[1];
    if (resource !== undefined) assert.ok(RESOURCES.includes(resource), resource);
  }
});

test("trap codes are those of layout/traps.ts", () => {
  const source = readFileSync(new URL("../../runtime/native.ts", import.meta.url), "utf8");
  const codes = [...source.matchAll(/export const TRAP_([A-Z0-9_]+): i32 = (\d+);/g)];
  assert.equal(codes.length, 4);
  const numbers = new Map<string, number>(Object.entries(Trap));
  for (const [, name = "", code] of codes) assert.equal(Number(code), numbers.get(name.toLowerCase()), name);
});

test("native.ts alone declares intrinsics, linux.ts alone makes system calls, and nothing allocates", () => {
  const folder = new URL("../../runtime/", import.meta.url);
  for (const name of readdirSync(folder).filter((n) => n.endsWith(".ts"))) {
    const source = readFileSync(new URL(name, folder), "utf8");
    if (name !== "native.ts") assert.ok(!source.includes("@external"), name);
    if (name !== "linux.ts" && name !== "native.ts") assert.ok(!/\bsyscall\b/.test(source), name);
    assert.ok(!/\bnew [A-Z]|__new|heap\./.test(source), `${name} allocates`);
  }
});
