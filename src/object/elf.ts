/**
 * ELF64 little-endian as tables: constants by their names in the System V ABI (gABI chapters 4 and 5, AMD64 supplement), and one writer
 * per structure. Knows the format only; what goes into a file is `writer.ts` and `image.ts`.
 */

import type { ByteWriter } from "../base/bytes.ts";

export const EHDR_SIZE = 64;
export const PHDR_SIZE = 56;
export const SHDR_SIZE = 64;
export const SYM_SIZE = 24;
export const RELA_SIZE = 24;
export const DYN_SIZE = 16;

export const ELFCLASS64 = 2;
export const ELFDATA2LSB = 1;
export const EV_CURRENT = 1;
export const EM_X86_64 = 62;
export const EM_AARCH64 = 183;

export const FileType = { ET_NONE: 0, ET_REL: 1, ET_EXEC: 2, ET_DYN: 3, ET_CORE: 4 } as const;

export const SectionType = {
  SHT_NULL: 0,
  SHT_PROGBITS: 1,
  SHT_SYMTAB: 2,
  SHT_STRTAB: 3,
  SHT_RELA: 4,
  SHT_HASH: 5,
  SHT_DYNAMIC: 6,
  SHT_NOTE: 7,
  SHT_NOBITS: 8,
  SHT_DYNSYM: 11,
} as const;

export const SectionFlag = {
  SHF_WRITE: 1,
  SHF_ALLOC: 2,
  SHF_EXECINSTR: 4,
  /** `sh_info` is a section. */
  SHF_INFO_LINK: 0x40,
} as const;

/** Entries of `.dynamic`. */
export const DynamicTag = {
  DT_NULL: 0,
  DT_HASH: 4,
  DT_STRTAB: 5,
  DT_SYMTAB: 6,
  DT_STRSZ: 10,
  DT_SYMENT: 11,
  DT_SONAME: 14,
  DT_FLAGS_1: 0x6fff_fffb,
} as const;

export const SHN_UNDEF = 0;
/** Section indices from here on have other meanings. */
export const SHN_LORESERVE = 0xff00;
export const SHN_ABS = 0xfff1;

export const SymbolBinding = { STB_LOCAL: 0, STB_GLOBAL: 1, STB_WEAK: 2 } as const;
export const SymbolType = { STT_NOTYPE: 0, STT_OBJECT: 1, STT_FUNC: 2, STT_SECTION: 3, STT_FILE: 4 } as const;
export const SymbolVisibility = { STV_DEFAULT: 0, STV_INTERNAL: 1, STV_HIDDEN: 2, STV_PROTECTED: 3 } as const;

/** AMD64 relocation types, with S symbol, A addend, P place. */
export const RelocationType = {
  /** 64 bits: S + A. */
  R_X86_64_64: 1,
  /** 32 bits: S + A - P. */
  R_X86_64_PC32: 2,
  /** 32 bits: L + A - P; L is S or its entry in a linkage table. */
  R_X86_64_PLT32: 4,
  /** 64 bits: S + A - P. */
  R_X86_64_PC64: 24,
} as const;

export const SegmentType = {
  PT_LOAD: 1,
  PT_DYNAMIC: 2,
  PT_INTERP: 3,
  PT_NOTE: 4,
  PT_PHDR: 6,
  PT_GNU_EH_FRAME: 0x6474e550,
  PT_GNU_STACK: 0x6474e551,
  /** Read-only once the dynamic linker is done. */
  PT_GNU_RELRO: 0x6474e552,
} as const;

export const SegmentFlag = { PF_X: 1, PF_W: 2, PF_R: 4 } as const;

export interface FileHeader {
  readonly type: number;
  readonly machine: number;
  readonly entry: number;
  readonly programHeaderOffset: number;
  readonly programHeaderCount: number;
  readonly sectionHeaderOffset: number;
  readonly sectionHeaderCount: number;
  /** Section that holds the sections' names. */
  readonly nameSection: number;
}

export function writeFileHeader(w: ByteWriter, h: FileHeader): void {
  w.bytes(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, ELFCLASS64, ELFDATA2LSB, EV_CURRENT, 0));
  w.zeros(8);
  w.u16(h.type);
  w.u16(h.machine);
  w.u32(EV_CURRENT);
  w.u64n(h.entry);
  w.u64n(h.programHeaderOffset);
  w.u64n(h.sectionHeaderOffset);
  w.u32(0);
  w.u16(EHDR_SIZE);
  w.u16(h.programHeaderCount === 0 ? 0 : PHDR_SIZE);
  w.u16(h.programHeaderCount);
  w.u16(SHDR_SIZE);
  w.u16(h.sectionHeaderCount);
  w.u16(h.nameSection);
}

export interface SegmentHeader {
  /** `SegmentType`. */
  readonly type: number;
  /** `SegmentFlag` bits. */
  readonly flags: number;
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export function writeSegmentHeader(w: ByteWriter, h: SegmentHeader): void {
  w.u32(h.type);
  w.u32(h.flags);
  w.u64n(h.offset);
  w.u64n(h.address);
  w.u64n(h.address);
  w.u64n(h.fileSize);
  w.u64n(h.memorySize);
  w.u64n(h.align);
}

export interface SectionHeader {
  /** Offset of the name in the name section. */
  readonly name: number;
  /** `SectionType`. */
  readonly type: number;
  /** `SectionFlag` bits. */
  readonly flags: number;
  readonly address: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

export function writeSectionHeader(w: ByteWriter, h: SectionHeader): void {
  w.u32(h.name);
  w.u32(h.type);
  w.u64n(h.flags);
  w.u64n(h.address);
  w.u64n(h.offset);
  w.u64n(h.size);
  w.u32(h.link);
  w.u32(h.info);
  w.u64n(h.align);
  w.u64n(h.entrySize);
}

export interface SymbolEntry {
  /** Offset of the name in the string table. */
  readonly name: number;
  readonly binding: number;
  readonly type: number;
  readonly visibility: number;
  readonly section: number;
  readonly value: number;
  readonly size: number;
}

export function writeSymbol(w: ByteWriter, s: SymbolEntry): void {
  w.u32(s.name);
  w.u8((s.binding << 4) | s.type);
  w.u8(s.visibility);
  w.u16(s.section);
  w.u64n(s.value);
  w.u64n(s.size);
}

export function writeRelocation(w: ByteWriter, offset: number, type: number, symbol: number, addend: number): void {
  w.u64n(offset);
  w.u32(type);
  w.u32(symbol);
  w.u64n(addend);
}
