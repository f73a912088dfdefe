import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { FileType, RelocationType, SectionFlag, SegmentFlag, SegmentType, SymbolType } from "../../src/object/elf.ts";
import { writeExecutable } from "../../src/object/image.ts";
import { readElf } from "../../src/object/reader.ts";
import { ElfObject, Sections } from "../../src/object/writer.ts";
import { needTool, needX64Linux, runTool, scratchFolder } from "../support/tools.ts";
import { executable, GREETING } from "./program.ts";

function image(status = 43): Uint8Array {
  const { object, entry } = executable(status);
  return writeExecutable(object, entry);
}

function written(t: TestContext, bytes = image()): string {
  const path = join(scratchFolder(t), "app");
  writeFileSync(path, bytes, { mode: 0o755 });
  return path;
}

test("runs, writes and exits", (t) => {
  if (!needX64Linux(t)) return;
  for (const status of [1, 43]) {
    const result = spawnSync(written(t, image(status)), { encoding: "utf8" });
    assert.deepEqual([result.stdout, result.status, result.signal], [GREETING, status, null]);
  }
});

test("segments: never writable and executable, nothing overlaps, sections lie in the segment of their permission", () => {
  const file = readElf(image());
  assert.equal(file.type, FileType.ET_DYN);
  const loads = file.segments.filter((s) => s.type === SegmentType.PT_LOAD);
  assert.deepEqual(
    loads.map((s) => s.flags),
    [SegmentFlag.PF_R, SegmentFlag.PF_R | SegmentFlag.PF_X, SegmentFlag.PF_R | SegmentFlag.PF_W],
  );
  let end = 0;
  for (const load of loads) {
    assert.equal(load.address % 4096, load.offset % 4096);
    assert.ok(load.address >= Math.ceil(end / 4096) * 4096, "a page of its own");
    end = load.address + load.memorySize;
  }
  for (const section of file.sections) {
    if ((section.flags & SectionFlag.SHF_ALLOC) === 0) continue;
    const flags =
      SegmentFlag.PF_R |
      (section.flags & SectionFlag.SHF_WRITE ? SegmentFlag.PF_W : 0) |
      (section.flags & SectionFlag.SHF_EXECINSTR ? SegmentFlag.PF_X : 0);
    const inside = loads.filter(
      (l) => section.address >= l.address && section.address + section.size <= l.address + l.memorySize,
    );
    assert.deepEqual(
      inside.map((l) => l.flags),
      [flags],
      section.name,
    );
  }
  assert.equal(
    file.segments.find((s) => s.type === SegmentType.PT_GNU_STACK)?.flags,
    SegmentFlag.PF_R | SegmentFlag.PF_W,
  );
  assert.ok(file.segments.every((s) => s.type !== SegmentType.PT_INTERP && s.type !== SegmentType.PT_DYNAMIC));
  const text = file.section(".text");
  assert.ok(text !== undefined && file.entry >= text.address && file.entry < text.address + text.size);
  const start = file.symbols().find((s) => s.name === "_start");
  assert.deepEqual([start?.value, start?.type], [file.entry, SymbolType.STT_FUNC]);
  assert.equal(new TextDecoder().decode(file.sectionBytes(".windlass.info")), "windlass test");
});

test(".eh_frame_hdr is sorted and names every function", () => {
  const file = readElf(image());
  const header = file.section(".eh_frame_hdr");
  const bytes = file.sectionBytes(".eh_frame_hdr");
  assert.ok(header !== undefined && bytes !== undefined);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  assert.equal(header.address + 4 + view.getInt32(4, true), file.section(".eh_frame")?.address);
  const count = view.getUint32(8, true);
  const starts = Array.from({ length: count }, (_, i) => header.address + view.getInt32(12 + 8 * i, true));
  const functions = file.symbols().filter((s) => s.type === SymbolType.STT_FUNC);
  assert.deepEqual(
    starts,
    functions.map((f) => f.value).sort((a, b) => a - b),
  );
});

test("readelf, objdump and gdb understand it", (t) => {
  const readelf = needTool(t, "readelf", "llvm-readelf");
  if (readelf === undefined) return;
  const path = written(t);
  const all = runTool(readelf, ["-aW", path]);
  assert.doesNotMatch(all, /warning|error|corrupt|<unknown|bad /i);
  assert.match(all, /There is no dynamic section/);
  const frames = runTool(readelf, ["--debug-dump=frames", path]);
  assert.doesNotMatch(frames, /warning|error/i);
  assert.match(frames, /ZERO terminator/);
  const objdump = needTool(t, "objdump");
  if (objdump !== undefined) assert.doesNotMatch(runTool(objdump, ["-d", path]), /\(bad\)/);
  const gdb = needTool(t, "gdb");
  if (gdb === undefined || !needX64Linux(t)) return;
  const commands = [
    "set debuginfod enabled off",
    "break *('app/write_all' + 6)",
    "run > /dev/null",
    "bt",
    "info registers rip",
  ];
  const said = runTool(gdb, ["-nx", "-batch", ...commands.flatMap((c) => ["-ex", c]), path]);
  assert.match(said, /#0 .*app\/write_all/);
  assert.match(said, /#1 .*_start/);
});

test("the same calls give the same bytes, and the object is as it was", () => {
  const { object, entry } = executable(43);
  const before = object.toBytes();
  assert.deepEqual(writeExecutable(object, entry), writeExecutable(object, entry));
  assert.deepEqual(object.toBytes(), before);
  assert.deepEqual(writeExecutable(object, entry), image());
});

test("a program without data, and one whose writable part is all zeros, run", (t) => {
  if (!needX64Linux(t)) return;
  for (const zeros of [0, 5_000_000]) {
    const object = new ElfObject();
    const text = object.section(Sections.text);
    // mov edi, 7; mov eax, 231; syscall
    const code = Uint8Array.of(0xbf, 7, 0, 0, 0, 0xb8, 231, 0, 0, 0, 0x0f, 0x05);
    const entry = object.addFunction("_start", text, object.append(text, code, 16), code.length, true);
    if (zeros > 0) object.sections.get(object.section(Sections.bss)).reserve(zeros, 4096);
    const result = spawnSync(written(t, writeExecutable(object, entry)));
    assert.deepEqual([result.status, result.signal], [7, null]);
  }
});

test("what cannot be an image is an internal error; what is too large is the user's", () => {
  const make = () => {
    const object = new ElfObject();
    const text = object.section(Sections.text);
    const entry = object.addFunction("_start", text, object.append(text, new Uint8Array(16)), 16, true);
    return { object, text, entry };
  };
  const absolute = make();
  absolute.object.addRelocation(absolute.text, 0, RelocationType.R_X86_64_64, absolute.entry, 0);
  assert.throws(() => writeExecutable(absolute.object, absolute.entry), /needs a load address/);
  const missing = make();
  const nobody = missing.object.addSymbol({
    ...{ name: "nobody", section: undefined, value: 0, size: 0, binding: 1, type: 0, visibility: 0 },
  });
  missing.object.addRelocation(missing.text, 0, RelocationType.R_X86_64_PC32, nobody, -4);
  assert.throws(() => writeExecutable(missing.object, missing.entry), /"nobody" is used but not defined/);
  const both = make();
  both.object.section({ name: ".wx", type: 1, flags: 7 });
  assert.throws(() => writeExecutable(both.object, both.entry), /writable and executable/);
  const large = make();
  large.object.sections.get(large.object.section(Sections.bss)).reserve(2 ** 31);
  assert.throws(() => writeExecutable(large.object, large.entry), { name: "WindlassError", message: /too large/ });
});
