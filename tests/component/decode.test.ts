import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../src/base/bytes.ts";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { decodeComponent, sniff } from "../../src/component/decode.ts";
import { MAX_NESTING } from "../../src/component/limits.ts";
import { refusal, GREETER } from "../support/components.ts";
import { assemble } from "../support/wat.ts";

const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 0x0d, 0x00, 0x01, 0x00];

function component(...sections: readonly (readonly [id: number, ...bytes: number[]])[]): Uint8Array {
  const out = new ByteWriter();
  out.bytes(Uint8Array.from(PREAMBLE));
  for (const [id, ...bytes] of sections) {
    out.u8(id);
    out.varU32(bytes.length);
    out.bytes(Uint8Array.from(bytes));
  }
  return out.toBytes();
}

test("preambles", () => {
  assert.equal(sniff(Uint8Array.from(PREAMBLE)), "component");
  assert.equal(sniff(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])), "module");
  assert.equal(sniff(Uint8Array.from([1, 2, 3])), undefined);
  assert.match(
    refusal(() => decodeComponent(new Uint8Array())),
    /^malformed component at offset 0x0: unexpected end/,
  );
  assert.match(
    refusal(() => decodeComponent(new TextEncoder().encode("hello, world"))),
    /magic header/,
  );
  assert.match(
    refusal(() => decodeComponent(Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]))),
    /^unsupported component .*core module/,
  );
  assert.match(
    refusal(() => decodeComponent(Uint8Array.from([0, 0x61, 0x73, 0x6d, 0x0e, 0, 1, 0]))),
    /unknown binary version/,
  );
});

test("definitions are in the order of the binary, with absolute offsets", async () => {
  const parsed = decodeComponent(await assemble(GREETER));
  const kinds = parsed.definitions.map((d) => d.kind);
  assert.equal(kinds.filter((k) => k === "core-module").length, 2);
  assert.equal(kinds.at(-1), "export");
  const offsets = parsed.definitions.map((d) => d.offset);
  assert.deepEqual(
    offsets,
    [...offsets].sort((a, b) => a - b),
  );
  const nested = parsed.definitions.flatMap((d) => (d.kind === "component" ? [d.component] : []))[0];
  assert.deepEqual(nested?.path, ["component 0"]);
  assert.deepEqual([...parsed.bytes.subarray(nested.start, nested.start + 8)], PREAMBLE);
});

test("errors name the nested component or module, and the file's offset", () => {
  const inner = component([7, 1, 0x62]);
  const outer = component([4, ...component([4, ...inner])]);
  try {
    decodeComponent(outer);
    assert.fail("accepted");
  } catch (error) {
    assert(error instanceof WindlassError);
    const [diagnostic] = error.diagnostics;
    assert.deepEqual(diagnostic?.path, ["component 0", "component 0"]);
    assert.equal(diagnostic?.offset, outer.indexOf(0x62));
    assert.match(error.message, /invalid leading byte \(0x62\) for component defined type/);
  }
  const broken = component([1, 0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 60, 0]);
  assert.match(
    refusal(() => decodeComponent(broken)),
    /^malformed component at offset 0x12 \(core module 0\): malformed section id/,
  );
});

test("sections are fully consumed and no longer than the file", () => {
  assert.match(
    refusal(() => decodeComponent(component([7, 1, 0x73, 0x73]))),
    /section size mismatch/,
  );
  assert.match(
    refusal(() => decodeComponent(Uint8Array.from([...PREAMBLE, 7, 9, 1]))),
    /unexpected end-of-file/,
  );
  assert.match(
    refusal(() => decodeComponent(component([7, 0xff, 0xff, 0x03, 0x73]))),
    /unexpected end-of-file/,
  );
  assert.match(
    refusal(() => decodeComponent(component([12]))),
    /malformed section id/,
  );
});

test("start functions and values are refused by name", () => {
  assert.match(
    refusal(() => decodeComponent(component([9, 0, 0, 0]))),
    /^unsupported component .*start functions/,
  );
});

test("nesting is limited", () => {
  let bytes = component();
  for (let i = 0; i < MAX_NESTING; i++) bytes = component([4, ...bytes]);
  decodeComponent(bytes);
  assert.match(
    refusal(() => decodeComponent(component([4, ...bytes]))),
    /component too large .*nesting exceeds the limit of 100/,
  );
  let type = [0x42, 0];
  for (let i = 0; i < 200; i++) type = [0x42, 1, 1, ...type];
  assert.match(
    refusal(() => decodeComponent(component([7, 1, ...type]))),
    /nesting exceeds the limit/,
  );
});

test("asynchronous built-ins decode with their immediates", async () => {
  const parsed = decodeComponent(
    await assemble(`(component
      (type $s (stream u8))
      (core func (canon stream.new $s))
      (core func (canon stream.cancel-read $s async))
      (core func (canon task.cancel))
      (core func (canon context.get i32 1)))`),
  );
  const builtins = parsed.definitions.flatMap((d) =>
    d.kind === "canon" && d.canon.kind === "async-builtin" ? [d.canon.builtin] : [],
  );
  assert.deepEqual(builtins, [
    { name: "stream.new", type: 0 },
    { name: "stream.cancel-read", type: 0, flag: true },
    { name: "task.cancel" },
    { name: "context.get", slot: 1, is64: false },
  ]);
});

test("a broken name section is no error", () => {
  const parsed = decodeComponent(component([0, 14, ...new TextEncoder().encode("component-name"), 0xff, 0xff]));
  assert.equal(parsed.name, undefined);
});
