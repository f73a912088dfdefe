/** The built-in WASI as translation sees it: a core module whose exports answer `wasi:` imports. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { InternalError } from "../../src/base/diagnostics.ts";
import {
  mangledDestructor,
  mangledFunction,
  refusal as versionRefusal,
  wasiInterface,
} from "../../src/translate/wasi.ts";
import { planOfText, refusal, check } from "../support/components.ts";
import { translate } from "../../src/translate/translate.ts";
import { assemble } from "../support/wat.ts";

const RUNTIME = `(module $wasi
  (import "windlass:native" "write" (func $write (param i32 i32) (result i32)))
  (memory 1 16)
  (func (export "cli_stdout_get_stdout") (result i32) i32.const 1)
  (func (export "io_streams_method_output_stream_blocking_write_and_flush") (param i32 i32 i32 i32))
  (func (export "drop_io_streams_output_stream") (param i32) (drop (call $write (i32.const 0) (i32.const 0)))))`;

function app(streams: string, stdout: string, extra = ""): string {
  return `(component
    (import "wasi:io/error@${streams}" (instance $error (export "error" (type (sub resource)))))
    (alias export $error "error" (type $error))
    (import "wasi:io/streams@${streams}" (instance $streams
      (alias outer 1 $error (type $e))
      (export "error" (type $error' (eq $e)))
      (type $stream-error (variant (case "last-operation-failed" (own $error')) (case "closed")))
      (export "stream-error" (type $se (eq $stream-error)))
      (export "output-stream" (type $out (sub resource)))
      (export "[method]output-stream.blocking-write-and-flush"
        (func (param "self" (borrow $out)) (param "contents" (list u8)) (result (result (error $se)))))))
    (alias export $streams "output-stream" (type $out))
    (import "wasi:cli/stdout@${stdout}" (instance $stdout
      (alias outer 1 $out (type $o))
      (export "output-stream" (type $out' (eq $o)))
      (export "get-stdout" (func (result (own $out'))))))
    (core module $libc (memory (export "memory") 1))
    (core instance $libc (instantiate $libc))
    (core func $get (canon lower (func $stdout "get-stdout")))
    (core func $write (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
      (memory (core memory $libc "memory"))))
    (core func $drop (canon resource.drop $out))
    ${extra}
    (core module $main
      (import "" "get" (func (result i32)))
      (import "" "write" (func (param i32 i32 i32 i32)))
      (import "" "drop" (func (param i32)))
      (func (export "run") (result i32) i32.const 0))
    (core instance $main (instantiate $main (with "" (instance
      (export "get" (func $get)) (export "write" (func $write)) (export "drop" (func $drop))))))
    (func $run (result (result)) (canon lift (core func $main "run")))
    (instance $cli (export "run" (func $run)))
    (export "wasi:cli/run@0.2.6" (instance $cli)))`;
}

test("names are mangled", () => {
  const types = wasiInterface("wasi:filesystem/types@0.2.6");
  assert(types !== undefined);
  assert.equal(mangledFunction(types, "[method]descriptor.stat-at"), "filesystem_types_method_descriptor_stat_at");
  assert.equal(mangledDestructor(types, "directory-entry-stream"), "drop_filesystem_types_directory_entry_stream");
  assert.equal(wasiInterface("other:filesystem/types@0.2.6"), undefined);
});

test("imports resolve to the runtime's exports, whatever 0.2.y they ask for", async () => {
  const builtin = { bytes: await assemble(RUNTIME) };
  const plan = await planOfText(app("0.2.6", "0.2.0"), { builtin });
  assert.equal(plan.builtin, 0);
  const runtime = plan.modules.get(plan.instances.get(plan.builtin).module);
  assert.equal(runtime.trusted, true);
  assert.deepEqual(plan.instances.get(plan.builtin).imports, [{ kind: "intrinsic", name: "write" }]);
  assert.equal(plan.initializers[0]?.instance, plan.builtin);
  assert.deepEqual(
    plan.memories.values().map((m) => [m.style, m.maxBytes]),
    [
      ["checked", 16 * 65536],
      ["guarded", 2 ** 32],
    ],
  );
  assert.deepEqual(
    plan.lowerings.values().map((l) => l.callee),
    [
      { kind: "builtin", func: { kind: "wasm", instance: 0, func: 1 } },
      { kind: "builtin", func: { kind: "wasm", instance: 0, func: 2 } },
    ],
  );
  assert.deepEqual(plan.resources.values(), [
    { kind: "builtin", name: "wasi:io/error/error", destructor: undefined },
    {
      kind: "builtin",
      name: "wasi:io/streams/output-stream",
      destructor: { kind: "wasm", instance: 0, func: 3 },
    },
  ]);
});

test("two versions of an interface share its resources", async () => {
  const builtin = { bytes: await assemble(RUNTIME) };
  const both = `(component
    (import "wasi:io/streams@0.2.3" (instance (export "output-stream" (type (sub resource)))))
    (import "wasi:io/streams@0.2.4" (instance (export "output-stream" (type (sub resource))))))`;
  const plan = await planOfText(both, { builtin });
  assert.equal(plan.resources.size, 1);
  assert.equal((await planOfText(both)).resources.size, 2);
});

test("versions that are too new, unknown packages and functions are unlinkable", async () => {
  const builtin = { bytes: await assemble(RUNTIME) };
  const message = async (text: string) => {
    const component = check(await assemble(text));
    return refusal(() => translate(component, { builtin }));
  };
  for (const version of ["0.2.99", "0.2.12", "0.3.0", "0.2.0-rc-1"]) {
    const text = await message(app(version, "0.2.6"));
    assert.match(
      text,
      /^unlinkable component .*import `wasi:io\/error@[^`]*`: version .* is not served; the built-in WASI offers 0\.2\.11/,
    );
    assert.match(text, /note: the built-in WASI offers wasi:cli@0\.2\.11, /);
  }
  assert.match(
    await message(`(component (import "wasi:http/types@0.2.6" (instance)))`),
    /unlinkable .*there is no package `wasi:http` in the built-in WASI/,
  );
  assert.match(
    await message(`(component (import "wasi:cli/stdout@0.2.6" (instance (export "frobnicate" (func)))))`),
    /unlinkable .*import `wasi:cli\/stdout@0\.2\.6`: the built-in WASI has no function `frobnicate`/,
  );
  const named = wasiInterface("wasi:io/streams");
  assert(named !== undefined);
  assert.match(versionRefusal(named) ?? "", /names no version/);
});

test("other imports are the host's, unless there is none", async () => {
  const builtin = { bytes: await assemble(RUNTIME) };
  const text = `(component (import "acme:a/b" (instance $i (export "f" (func)))) (core func (canon lower (func $i "f"))))`;
  const plan = await planOfText(text, { builtin, hostAbi: "flat" });
  assert.deepEqual(plan.lowerings.values()[0]?.callee, { kind: "host", abi: "flat" });
  assert.equal(plan.builtin, undefined);
  const component = check(await assemble(text));
  assert.match(
    refusal(() => translate(component, { builtin, hostImports: false })),
    /unlinkable .*import `acme:a\/b f`: an executable has no host/,
  );
});

test("a runtime that does not fit is a fault of ours", async () => {
  const wrong = await assemble(RUNTIME.replace("(result i32) i32.const 1", "(result i64) i64.const 1"));
  const component = check(await assemble(app("0.2.6", "0.2.6")));
  assert.throws(() => translate(component, { builtin: { bytes: wrong } }), InternalError);
  const foreign = await assemble(`(module (import "env" "f" (func)))`);
  assert.throws(() => translate(component, { builtin: { bytes: foreign } }), InternalError);
  assert.throws(() => translate(component, { builtin: { bytes: new Uint8Array(3) } }), InternalError);
});
