import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { RelocationType, SymbolBinding, SymbolType, SymbolVisibility } from "../../src/object/elf.ts";
import { readElf } from "../../src/object/reader.ts";
import { ElfObject, Sections } from "../../src/object/writer.ts";
import { findTool, needTool, needX64Linux, outputOf, runTool, scratchFolder } from "../support/tools.ts";
import { buildObject, library } from "./program.ts";

const HOST = `
#include <stdint.h>
#include <stdio.h>
#include <unwind.h>
uint64_t sum(uint64_t);
uint64_t visit(uint64_t (*)(void));
static _Unwind_Reason_Code count(struct _Unwind_Context *c, void *n) { (void)c; ++*(int *)n; return _URC_NO_REASON; }
static int depth(void) { int n = 0; _Unwind_Backtrace(count, &n); return n; }
static uint64_t inside(void) { return (uint64_t)depth(); }
int main(void) {
  printf("%d ", (int)sum(20));
  printf("%d ", (int)sum(20));
  int here = depth();
  printf("%d\\n", (int)visit(inside) - here);
  return 0;
}
`;
/** 40 + 100 + 5; the same plus 1000; two frames more (visit, inside) plus 77. */
const EXPECTED = "145 1145 79\n";

function objectFile(t: TestContext): { folder: string; path: string } {
  const folder = scratchFolder(t);
  const path = join(folder, "lib.o");
  writeFileSync(path, buildObject(library()).object.toBytes());
  return { folder, path };
}

test("reads back: sections, symbols, contents, relocations", () => {
  const { object } = buildObject(library());
  const bytes = object.toBytes();
  const file = readElf(bytes);
  assert.deepEqual(
    file.sections.map((s) => s.name),
    [
      ...["", ".text", ".rodata", ".data", ".eh_frame", ".windlass.info", ".windlass.trampolines", ".note.GNU-stack"],
      ...[".rela.text", ".rela.eh_frame", ".symtab", ".strtab", ".shstrtab"],
    ],
  );
  const symbols = file.symbols();
  const sum = symbols.find((s) => s.name === "sum");
  assert.deepEqual([sum?.binding, sum?.type, sum?.value], [SymbolBinding.STB_GLOBAL, SymbolType.STT_FUNC, 0]);
  const firstGlobal = symbols.findIndex((s) => s.binding !== SymbolBinding.STB_LOCAL);
  assert.equal(file.section(".symtab")?.info, firstGlobal);
  assert.ok(symbols.slice(firstGlobal).every((s) => s.binding !== SymbolBinding.STB_LOCAL));
  assert.equal(new TextDecoder().decode(file.sectionBytes(".windlass.info")), "windlass test");
  assert.deepEqual([...(file.sectionBytes(".windlass.trampolines") ?? [])], [1, 2, 3]);
  assert.equal(file.sectionBytes(".windlass.nothing"), undefined);

  // The call to `twice` is resolved; what is left is pc-relative and against sections.
  const text = file.section(".text");
  const frames = file.section(".eh_frame");
  assert.ok(text !== undefined && frames !== undefined);
  assert.equal(file.relocations(text).length, 3);
  assert.equal(file.relocations(frames).length, 3);
  for (const r of [...file.relocations(text), ...file.relocations(frames)]) {
    assert.equal(r.type, RelocationType.R_X86_64_PC32);
    assert.equal(symbols[r.symbol]?.type, SymbolType.STT_SECTION);
  }
  const twice = symbols.find((s) => s.name === "lib/core0::twice");
  const view = new DataView(bytes.buffer, text.offset, text.size);
  const call = file.contents(text).indexOf(0xe8);
  assert.equal(call + 5 + view.getInt32(call + 1, true), twice?.value);
});

test("the same calls give the same bytes; writing twice too", () => {
  const { object } = buildObject(library());
  const bytes = object.toBytes();
  assert.deepEqual(object.toBytes(), bytes);
  assert.deepEqual(buildObject(library()).object.toBytes(), bytes);
});

test("hidden, undefined and odd symbols", () => {
  const object = new ElfObject();
  const text = object.section(Sections.text);
  object.append(text, new Uint8Array(16));
  const extern = {
    section: undefined,
    value: 0,
    size: 0,
    binding: SymbolBinding.STB_GLOBAL,
    type: SymbolType.STT_NOTYPE,
  };
  const host = object.addSymbol({ ...extern, name: "host", visibility: SymbolVisibility.STV_HIDDEN });
  object.addRelocation(text, 4, RelocationType.R_X86_64_PLT32, host, -4);
  const file = readElf(object.toBytes());
  const section = file.section(".text");
  assert.ok(section !== undefined);
  const [r] = file.relocations(section);
  assert.deepEqual([r?.offset, r?.type, r?.addend], [4, RelocationType.R_X86_64_PLT32, -4]);
  const read = file.symbols()[r?.symbol ?? 0];
  assert.deepEqual([read?.name, read?.section, read?.visibility], ["host", 0, SymbolVisibility.STV_HIDDEN]);
  assert.throws(() => object.addFunction("f@1", text, 0, 1), /cannot be a symbol's name/);
});

test("readelf and objdump have nothing to say against it", (t) => {
  const readelf = needTool(t, "readelf", "llvm-readelf");
  if (readelf === undefined) return;
  const { path } = objectFile(t);
  const all = runTool(readelf, ["-aW", path]);
  assert.doesNotMatch(all, /warning|error|corrupt|<unknown|bad /i);
  assert.match(all, /REL \(Relocatable file\)/);
  assert.match(all, /\.note\.GNU-stack\s+PROGBITS\s+0+\s+\S+\s+0+\s+00\s+0\s/);
  const frames = runTool(readelf, ["--debug-dump=frames", path]);
  assert.doesNotMatch(frames, /warning|error/i);
  assert.equal(frames.match(/ FDE /g)?.length, 3);
  assert.match(frames, /"zR"/);
  assert.match(frames, /DW_CFA_def_cfa: r7 \(rsp\) ofs 8/);
  assert.match(frames, /DW_CFA_def_cfa_register: r6 \(rbp\)/);
  assert.match(frames, /DW_CFA_offset: r3 \(rbx\) at cfa-24/);
  assert.match(frames, /DW_CFA_remember_state/);
  const objdump = findTool("objdump");
  if (objdump === undefined) return t.diagnostic("oracle not found: objdump");
  const code = runTool(objdump, ["-dr", path]);
  assert.doesNotMatch(code, /\(bad\)/);
  assert.match(code, /<sum>:/);
  assert.match(code, /call\s+[0-9a-f]+ <lib\/core0::twice>/);
});

for (const [how, flags] of [
  ["PIE", ["-fPIE", "-pie"]],
  ["non-PIE", ["-fno-PIE", "-no-pie"]],
  ["static", ["-static"]],
  ["lld", ["-fuse-ld=lld"]],
] as const) {
  test(`links with a C program, ${how}`, (t) => {
    const cc = needTool(t, "cc", "gcc", "clang");
    if (cc === undefined || !needX64Linux(t)) return;
    if (how === "lld" && needTool(t, "ld.lld") === undefined) return;
    const { folder, path } = objectFile(t);
    const host = join(folder, "host.c");
    const exe = join(folder, "host");
    writeFileSync(host, HOST);
    const says = runTool(cc, ["-Wl,--fatal-warnings", ...flags, host, path, "-o", exe]);
    assert.equal(says, "");
    assert.equal(outputOf(exe).toString(), EXPECTED);
  });
}

test("links as a shared object, with ld and lld", (t) => {
  const cc = needTool(t, "cc", "gcc", "clang");
  if (cc === undefined || !needX64Linux(t)) return;
  const { folder, path } = objectFile(t);
  const host = join(folder, "host.c");
  writeFileSync(host, HOST);
  for (const linker of ["ld", "ld.lld"]) {
    if (findTool(linker) === undefined) {
      t.diagnostic(`oracle not found: ${linker}`);
      continue;
    }
    const use = linker === "ld" ? [] : ["-fuse-ld=lld"];
    runTool(cc, ["-shared", "-Wl,--fatal-warnings", "-Wl,-z,text", ...use, path, "-o", join(folder, "lib.so")]);
    runTool(cc, [host, join(folder, "lib.so"), `-Wl,-rpath,${folder}`, "-o", join(folder, "host")]);
    assert.equal(outputOf(join(folder, "host")).toString(), EXPECTED);
  }
});

test("a C++ exception passes through, callee-saved registers intact", (t) => {
  const cxx = needTool(t, "c++", "g++", "clang++");
  if (cxx === undefined || !needX64Linux(t)) return;
  const { folder, path } = objectFile(t);
  const host = join(folder, "host.cc");
  writeFileSync(
    host,
    `#include <cstdint>
#include <cstdio>
extern "C" uint64_t visit(uint64_t (*)());
static uint64_t throws() { throw 42; }
int main(int argc, char **) {
  // A register that visit saves: rbx.
  register long kept asm("rbx") = argc + 1000;
  asm volatile("" : "+r"(kept));
  try { visit(throws); } catch (int n) {
    asm volatile("" : "+r"(kept));
    std::printf("%d %ld\\n", n, kept);
  }
}
`,
  );
  runTool(cxx, ["-O1", host, path, "-o", join(folder, "host")]);
  assert.equal(outputOf(join(folder, "host")).toString(), "42 1001\n");
});
