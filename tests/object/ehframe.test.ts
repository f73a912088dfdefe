import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { UnwindOp } from "../../src/codegen/compiled.ts";
import { EhFrameBuilder, frameDescriptions, type UnwindRows } from "../../src/object/ehframe.ts";
import { ElfObject, Sections } from "../../src/object/writer.ts";
import { needTool, runTool, scratchFolder } from "../support/tools.ts";

function rows(list: readonly (readonly [offset: number, op: number, a?: number, b?: number])[]): UnwindRows {
  return {
    unwindOffset: Uint32Array.from(list, (r) => r[0]),
    unwindOp: Uint8Array.from(list, (r) => r[1]),
    unwindA: Int32Array.from(list, (r) => r[2] ?? 0),
    unwindB: Int32Array.from(list, (r) => r[3] ?? 0),
  };
}

const LONG = rows([
  [1, UnwindOp.defCfa, 7, 16],
  [1, UnwindOp.saved, 6, -16],
  [4, UnwindOp.defCfa, 6, 16],
  [67, UnwindOp.saved, 3, -24],
  [131, UnwindOp.remember],
  [400, UnwindOp.defCfa, 7, 8],
  [401, UnwindOp.restore],
  [70_000, UnwindOp.restored, 3],
  [140_000, UnwindOp.defCfa, 7, 70_000],
]);

function build(): { object: ElfObject; frames: Uint8Array } {
  const object = new ElfObject();
  const text = object.section(Sections.text);
  object.append(text, new Uint8Array(200_000).fill(0x90), 16);
  const builder = new EhFrameBuilder(object, text);
  builder.addFunction(0, 150_000, LONG);
  builder.addFunction(150_000, 50_000, rows([]));
  const section = object.findSection(".eh_frame");
  assert.ok(section !== undefined);
  return { object, frames: object.sections.get(section).data.toBytes() };
}

test("the CIE and an FDE, byte by byte", () => {
  const { frames } = build();
  assert.deepEqual(
    [...frames.subarray(0, 24)],
    [
      ...[20, 0, 0, 0, 0, 0, 0, 0, 1, 0x7a, 0x52, 0, 1, 0x78, 16, 1, 0x1b],
      // def_cfa rsp 8; return address at cfa - 8; padding
      ...[0x0c, 7, 8, 0x90, 1, 0, 0],
    ],
  );
  assert.deepEqual(frameDescriptions(frames).length, 2);
  assert.equal(frames.length % 8, 0);
  const program = [
    ...[0x41, 0x0e, 16, 0x86, 2, 0x43, 0x0d, 6],
    ...[0x7f & (0x40 | 63), 0x83, 3],
    ...[0x02, 64, 0x0a, 0x03, 0x0d, 0x01, 0x0c, 7, 8, 0x41, 0x0b],
    ...[0x04, 0xdf, 0x0f, 0x01, 0x00, 0xc3, 0x04, 0x70, 0x11, 0x01, 0x00, 0x0c, 7, 0xf0, 0xa2, 0x04],
  ];
  assert.deepEqual([...frames.subarray(24 + 17, 24 + 17 + program.length)], program);
});

test("readelf reads every row where it was put", (t) => {
  const readelf = needTool(t, "readelf");
  if (readelf === undefined) return;
  const path = join(scratchFolder(t), "frames.o");
  writeFileSync(path, build().object.toBytes());
  const said = runTool(readelf, ["--debug-dump=frames-interp", path]);
  const table = said.split("\n").filter((l) => /^[0-9a-f]{16} r[sb]p\+/.test(l));
  const first = table.slice(1).map((l) =>
    l
      .replace(/^0+(?=[0-9a-f])/, "")
      .replace(/\s+/g, " ")
      .trim(),
  );
  assert.deepEqual(first.slice(0, 9), [
    "0 rsp+8 u u c-8",
    "1 rsp+16 u c-16 c-8",
    "4 rbp+16 u c-16 c-8",
    "43 rbp+16 c-24 c-16 c-8",
    // At the remembered state, the same row again.
    "83 rbp+16 c-24 c-16 c-8",
    "190 rsp+8 c-24 c-16 c-8",
    "191 rbp+16 c-24 c-16 c-8",
    "11170 rbp+16 u c-16 c-8",
    "222e0 rsp+70000 u c-16 c-8",
  ]);
});

test("rows that no unwinder could follow are internal errors", () => {
  const refuse = (list: readonly (readonly [number, number, number?, number?])[], message: RegExp) => {
    const object = new ElfObject();
    const builder = new EhFrameBuilder(object, object.section(Sections.text));
    assert.throws(() => builder.addFunction(0, 100, rows(list)), message);
  };
  refuse(
    [
      [5, UnwindOp.remember],
      [4, UnwindOp.restore],
    ],
    /goes back/,
  );
  refuse([[5, UnwindOp.restore]], /without remember/);
  refuse([[5, UnwindOp.saved, 3, -20]], /cannot be saved/);
  refuse([[5, UnwindOp.defCfa, 7, -8]], /cannot be at/);
  refuse([[5, 9]], /no unwind row/);
});
