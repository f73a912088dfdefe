import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { EHDR_SIZE, SectionType, writeFileHeader, writeSectionHeader } from "../../src/object/elf.ts";
import { writeExecutable } from "../../src/object/image.ts";
import { readElf } from "../../src/object/reader.ts";
import { ByteWriter } from "../../src/base/bytes.ts";
import { buildObject, executable, library } from "./program.ts";

/** Reads everything; a `WindlassError` is a fine answer, anything else is not. */
function readAll(bytes: Uint8Array): "read" | "refused" {
  try {
    const file = readElf(bytes);
    file.symbols();
    for (const section of file.sections) {
      assert.ok(file.contents(section).length <= bytes.length);
      file.relocations(section);
    }
    return "read";
  } catch (error) {
    if (!(error instanceof WindlassError)) throw error;
    assert.match(error.message, /^(malformed|unsupported) ELF file|^ELF file too large/);
    return "refused";
  }
}

const OBJECT = buildObject(library()).object.toBytes();
const { object, entry } = executable(43);
const IMAGE = writeExecutable(object, entry);

test("random bytes, with and without the magic number", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, magic) => {
      if (magic) bytes.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1].slice(0, bytes.length));
      readAll(bytes);
    }),
    { numRuns: 3000 },
  );
});

test("every truncation and many damaged bytes of real files", () => {
  for (const file of [OBJECT, IMAGE]) {
    assert.equal(readAll(file), "read");
    for (let length = 0; length < file.length; length += length < 2000 ? 1 : 97) {
      assert.equal(readAll(file.subarray(0, length)), "refused", `${length} bytes`);
    }
  }
  fc.assert(
    fc.property(
      fc.constantFrom(OBJECT, IMAGE),
      fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 8 }),
      (file, changes) => {
        const bytes = file.slice();
        for (const [at, value] of changes) bytes[at % bytes.length] = value;
        readAll(bytes);
      },
    ),
    { numRuns: 5000 },
  );
});

test("damaged headers", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(OBJECT, IMAGE),
      fc.nat(),
      fc.constantFrom(0, 1, 2, 4, 8),
      fc.constantFrom(0, 1, 0x7f, 0x80, 0xff),
      (file, at, count, value) => {
        const bytes = file.slice();
        // The file header and the section headers at the end hold every offset.
        const tail = bytes.length - 13 * 64;
        const where = at % 2 === 0 ? at % 64 : tail + (at % (13 * 64));
        bytes.fill(value, where, where + count);
        readAll(bytes);
      },
    ),
    { numRuns: 5000 },
  );
});

test("tables that overlap do not multiply the work", () => {
  const w = new ByteWriter();
  const sections = 20_000;
  writeFileHeader(w, {
    ...{ type: 1, machine: 62, entry: 0, programHeaderOffset: 0, programHeaderCount: 0 },
    ...{ sectionHeaderOffset: EHDR_SIZE, sectionHeaderCount: sections, nameSection: 1 },
  });
  const size = EHDR_SIZE + sections * 64;
  const end = size + 1;
  for (let i = 0; i < sections; i++) {
    // All relocations of section 5, all the whole file; all names begin in the middle of it.
    const type = i === 1 ? SectionType.SHT_STRTAB : SectionType.SHT_RELA;
    const rela = Math.floor(size / 24) * 24;
    writeSectionHeader(w, {
      ...{ name: size - 50_000, type, flags: 0, address: 0, offset: 0, size: i === 1 ? end : rela, link: 0, info: 5 },
      ...{ align: 1, entrySize: 24 },
    });
  }
  w.u8(0);
  const begin = performance.now();
  readAll(w.toBytes());
  assert.ok(performance.now() - begin < 5000);
});

test("other classes, byte orders and formats are refused by name", () => {
  const changed = (at: number, value: number) => {
    const bytes = OBJECT.slice();
    bytes[at] = value;
    return bytes;
  };
  assert.throws(() => readElf(changed(4, 1)), /not a 64-bit file/);
  assert.throws(() => readElf(changed(5, 2)), /not a little-endian file/);
  assert.throws(() => readElf(new TextEncoder().encode("hello")), /does not begin with/);
  assert.throws(() => readElf(new Uint8Array()), /does not begin with/);
});
