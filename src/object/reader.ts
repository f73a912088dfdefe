/**
 * Reads ELF files back: what `windlass inspect` and the tests know of an object or executable.
 *
 * Receives any bytes at all. Gives sections, symbols and relocations of a 64-bit little-endian file, or a `WindlassError`: malformed
 * when a part lies outside the file, unsupported for another class or byte order, limit when names are absurdly long. Trusts nothing:
 * every offset is checked against the file, and the work is bounded by the file's size and the limits below.
 */

import { type DiagnosticKind, WindlassError } from "../base/diagnostics.ts";
import {
  EHDR_SIZE,
  ELFCLASS64,
  ELFDATA2LSB,
  PHDR_SIZE,
  RELA_SIZE,
  SectionType,
  type SectionHeader,
  type SegmentHeader,
  SHDR_SIZE,
  SHN_LORESERVE,
  SYM_SIZE,
} from "./elf.ts";

/** Bytes of one name. */
export const NAME_LIMIT = 1 << 16;
/** Bytes of all names together: strings may share their tails, so that a small file can hold many long ones. */
export const NAMES_LIMIT = 1 << 28;

/** With its name instead of where that is. */
export type ReadSection = Omit<SectionHeader, "name"> & { readonly name: string };

export interface ReadSymbol {
  readonly name: string;
  readonly binding: number;
  readonly type: number;
  readonly visibility: number;
  /** Number of its section; 0: undefined; from 0xff00 on: special. */
  readonly section: number;
  /** Offset in the section (object) or address (executable). */
  readonly value: number;
  readonly size: number;
}

export interface ReadRelocation {
  readonly offset: number;
  readonly type: number;
  /** Number of the symbol. */
  readonly symbol: number;
  readonly addend: number;
}

function fail(kind: DiagnosticKind, message: string, offset?: number): never {
  throw new WindlassError({ kind, subject: "ELF file", message, ...(offset === undefined ? {} : { offset }) });
}

/** True when the bytes begin like an ELF file. */
export function isElf(bytes: Uint8Array): boolean {
  return bytes.length >= 4 && bytes[0] === 0x7f && bytes[1] === 0x45 && bytes[2] === 0x4c && bytes[3] === 0x46;
}

const UTF8 = new TextDecoder("utf-8");

/** A file that was read. Symbols and relocations are decoded on demand. */
export class ElfFile {
  readonly bytes: Uint8Array;
  /** `FileType`. */
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly sections: readonly ReadSection[];
  readonly segments: readonly SegmentHeader[];
  readonly #view: DataView;
  #namesRead = 0;

  /** Throws `WindlassError` on a file that is not a sound 64-bit little-endian ELF file. */
  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (!isElf(bytes)) fail("malformed", "the file does not begin with 7f 45 4c 46", 0);
    if (bytes.length < EHDR_SIZE) fail("malformed", "the file header is cut off", bytes.length);
    if (bytes[4] !== ELFCLASS64) fail("unsupported", "not a 64-bit file", 4);
    if (bytes[5] !== ELFDATA2LSB) fail("unsupported", "not a little-endian file", 5);
    this.type = this.#view.getUint16(16, true);
    this.machine = this.#view.getUint16(18, true);
    this.entry = this.#u64(24);
    this.segments = this.#readSegments();
    this.sections = this.#readSections();
  }

  #u64(at: number): number {
    return this.#view.getUint32(at, true) + this.#view.getUint32(at + 4, true) * 0x1_0000_0000;
  }

  /** Checks that `size` bytes at `offset` are in the file. Numbers above 2^53 are inexact, but far outside. */
  #check(offset: number, size: number, what: string): void {
    if (offset + size > this.bytes.length) fail("malformed", `${what} lies outside the file`, offset);
  }

  #readSegments(): SegmentHeader[] {
    const offset = this.#u64(32);
    const count = this.#view.getUint16(56, true);
    if (count === 0) return [];
    if (this.#view.getUint16(54, true) !== PHDR_SIZE)
      fail("malformed", `program headers are not of ${PHDR_SIZE} bytes`, 54);
    this.#check(offset, count * PHDR_SIZE, "the program header table");
    return Array.from({ length: count }, (_, i) => {
      const at = offset + i * PHDR_SIZE;
      return {
        type: this.#view.getUint32(at, true),
        flags: this.#view.getUint32(at + 4, true),
        offset: this.#u64(at + 8),
        address: this.#u64(at + 16),
        fileSize: this.#u64(at + 32),
        memorySize: this.#u64(at + 40),
        align: this.#u64(at + 48),
      };
    });
  }

  #readSections(): ReadSection[] {
    const offset = this.#u64(40);
    const count = this.#view.getUint16(60, true);
    if (offset === 0) return [];
    if (count === 0) return fail("unsupported", `${SHN_LORESERVE} sections or more`, 60);
    if (this.#view.getUint16(58, true) !== SHDR_SIZE)
      fail("malformed", `section headers are not of ${SHDR_SIZE} bytes`, 58);
    this.#check(offset, count * SHDR_SIZE, "the section header table");
    const header = (i: number) => {
      const at = offset + i * SHDR_SIZE;
      const type = this.#view.getUint32(at + 4, true);
      const section = {
        name: "",
        type,
        flags: this.#u64(at + 8),
        address: this.#u64(at + 16),
        offset: this.#u64(at + 24),
        size: this.#u64(at + 32),
        link: this.#view.getUint32(at + 40, true),
        info: this.#view.getUint32(at + 44, true),
        align: this.#u64(at + 48),
        entrySize: this.#u64(at + 56),
      };
      if (type !== SectionType.SHT_NULL && type !== SectionType.SHT_NOBITS) {
        this.#check(section.offset, section.size, `section ${i}`);
      }
      return section;
    };
    const nameSection = this.#view.getUint16(62, true);
    if (nameSection >= count) fail("malformed", `section ${nameSection} for names is not one of ${count}`, 62);
    const names = header(nameSection);
    return Array.from({ length: count }, (_, i) => ({
      ...header(i),
      name: this.#string(names, this.#view.getUint32(offset + i * SHDR_SIZE, true)),
    }));
  }

  /** The NUL-terminated string at `at` of a string table. */
  #string(table: ReadSection, at: number): string {
    const stored = table.type === SectionType.SHT_NULL || table.type === SectionType.SHT_NOBITS ? 0 : table.size;
    if (at === 0 && stored === 0) return "";
    if (at >= stored) fail("malformed", `a name at ${at} is outside its string table of ${stored} bytes`, table.offset);
    const start = table.offset + at;
    const limit = Math.min(table.offset + stored, start + NAME_LIMIT + 1);
    let end = start;
    while (end < limit && this.bytes[end] !== 0) end++;
    this.#namesRead += end - start;
    if (end - start > NAME_LIMIT) fail("limit", `a name has more than ${NAME_LIMIT} bytes`, start);
    if (this.#namesRead > NAMES_LIMIT) fail("limit", `the names have more than ${NAMES_LIMIT} bytes`, start);
    if (end === table.offset + stored) fail("malformed", "a name does not end in its string table", start);
    return UTF8.decode(this.bytes.subarray(start, end));
  }

  /** The first section with this name. */
  section(name: string): ReadSection | undefined {
    return this.sections.find((s) => s.name === name);
  }

  /** What a section holds: a view; empty when it has no bytes in the file. */
  contents(section: ReadSection): Uint8Array {
    if (section.type === SectionType.SHT_NULL || section.type === SectionType.SHT_NOBITS) return new Uint8Array();
    return this.bytes.subarray(section.offset, section.offset + section.size);
  }

  /** What the first section with this name holds, or `undefined` when there is none. */
  sectionBytes(name: string): Uint8Array | undefined {
    const section = this.section(name);
    return section === undefined ? undefined : this.contents(section);
  }

  /** The symbol table, its empty first entry included; empty when the file was stripped. */
  symbols(): readonly ReadSymbol[] {
    const table = this.sections.find((s) => s.type === SectionType.SHT_SYMTAB);
    if (table === undefined) return [];
    if (table.size % SYM_SIZE !== 0) fail("malformed", `symbols are not of ${SYM_SIZE} bytes`, table.offset);
    const strings = this.sections[table.link];
    if (strings === undefined) return fail("malformed", "the symbol table has no string table", table.offset);
    this.#namesRead = 0;
    return Array.from({ length: table.size / SYM_SIZE }, (_, i) => {
      const at = table.offset + i * SYM_SIZE;
      const info = this.#view.getUint8(at + 4);
      return {
        name: this.#string(strings, this.#view.getUint32(at, true)),
        binding: info >>> 4,
        type: info & 15,
        visibility: this.#view.getUint8(at + 5) & 3,
        section: this.#view.getUint16(at + 6, true),
        value: this.#u64(at + 8),
        size: this.#u64(at + 16),
      };
    });
  }

  /** The relocations that apply to `section`, in the order of the file. */
  relocations(section: ReadSection): readonly ReadRelocation[] {
    const number = this.sections.indexOf(section);
    const out: ReadRelocation[] = [];
    for (const table of this.sections) {
      if (table.type !== SectionType.SHT_RELA || table.info !== number) continue;
      if (table.size % RELA_SIZE !== 0) fail("malformed", `relocations are not of ${RELA_SIZE} bytes`, table.offset);
      // Tables that overlap would multiply the work.
      if ((out.length + table.size / RELA_SIZE) * RELA_SIZE > this.bytes.length) {
        fail("malformed", "the relocations of a section are larger than the file", table.offset);
      }
      for (let at = table.offset; at < table.offset + table.size; at += RELA_SIZE) {
        out.push({
          offset: this.#u64(at),
          type: this.#view.getUint32(at + 8, true),
          symbol: this.#view.getUint32(at + 12, true),
          addend: this.#view.getUint32(at + 16, true) + this.#view.getInt32(at + 20, true) * 0x1_0000_0000,
        });
      }
    }
    return out;
  }
}

/** Reads an ELF file. Throws `WindlassError` on anything that is none. */
export function readElf(bytes: Uint8Array): ElfFile {
  return new ElfFile(bytes);
}
