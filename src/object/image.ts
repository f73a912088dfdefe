/**
 * The executable: a static-PIE image of an `ElfObject`, without linker, interpreter or dynamic relocations. Or a shared object: the same image
 * with what a dynamic linker reads (`dynamic.ts`).
 *
 * Receives the sections, symbols and relocations of the whole program; places the sections in segments by permission (never writable
 * and executable at once), resolves every relocation (all are pc-relative, so that the kernel may load the image anywhere), adds
 * `.eh_frame_hdr`, and keeps section headers and symbols for debuggers and profilers. Offsets in the file are addresses in the image,
 * so that no page holds parts of two segments.
 *
 *     ELF header, program headers, read-only sections, .eh_frame_hdr, .eh_frame │ executable │ writable │ not loaded
 */

import { ByteWriter } from "../base/bytes.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { DynamicSections } from "./dynamic.ts";
import { frameDescriptions, frameHeader, frameHeaderSize } from "./ehframe.ts";
import {
  DYN_SIZE,
  EHDR_SIZE,
  FileType,
  PHDR_SIZE,
  RelocationType,
  SectionFlag,
  SectionType,
  SegmentFlag,
  type SegmentHeader,
  SegmentType,
  SHDR_SIZE,
  SHN_LORESERVE,
  SYM_SIZE,
  writeFileHeader,
  writeSectionHeader,
  writeSegmentHeader,
} from "./elf.ts";
import { StringTable } from "./strings.ts";
import {
  type ElfObject,
  orderSymbols,
  type SectionIndex,
  Sections,
  type SymbolIndex,
  writeSymbolTable,
} from "./writer.ts";

const PAGE_SIZE = 4096;
const EH_FRAME_HDR = ".eh_frame_hdr";

/** A section of the image. `bytes` is `undefined` where nothing is in the file (`SHT_NOBITS`). */
interface Placed {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly align: number;
  readonly index: SectionIndex | undefined;
  readonly size: number;
  readonly bytes: Uint8Array | undefined;
  /** In the image and in the file. */
  address: number;
  link: number;
  info: number;
  entrySize: number;
}

/** Permissions of a loaded section. */
function permissions(flags: number): number {
  return (
    SegmentFlag.PF_R |
    (flags & SectionFlag.SHF_WRITE ? SegmentFlag.PF_W : 0) |
    (flags & SectionFlag.SHF_EXECINSTR ? SegmentFlag.PF_X : 0)
  );
}

/** Segments in the order of the file. */
const SEGMENT_ORDER = [
  SegmentFlag.PF_R,
  SegmentFlag.PF_R | SegmentFlag.PF_X,
  SegmentFlag.PF_R | SegmentFlag.PF_W,
] as const;

/**
 * The bytes of a static-PIE executable that starts at `entry`. `object` is not changed. Throws `WindlassError` (limit) when the
 * program is larger than relative addresses reach, `InternalError` when a symbol is not defined or a relocation is not pc-relative.
 */
export function writeExecutable(object: ElfObject, entry: SymbolIndex): Uint8Array {
  return new ImageWriter(object, undefined).write(entry);
}

/** The bytes of a shared object that is known as `soname`; its global symbols are what others see. `stays`: closing it does not unload it. Throws like `writeExecutable`. */
export function writeShared(object: ElfObject, soname: string, stays: boolean): Uint8Array {
  return new ImageWriter(object, new DynamicSections(object, soname, stays)).write(undefined);
}

const DYNSYM = ".dynsym";
const DYNSTR = ".dynstr";
const HASH = ".hash";
const DYNAMIC = ".dynamic";

class ImageWriter {
  readonly #object: ElfObject;
  readonly #dynamic: DynamicSections | undefined;
  /** In the order of the file. */
  readonly #placed: Placed[] = [];
  readonly #bySection = new Map<SectionIndex, Placed>();
  readonly #numbers = new Map<SectionIndex, number>();

  constructor(object: ElfObject, dynamic: DynamicSections | undefined) {
    this.#object = object;
    this.#dynamic = dynamic;
  }

  write(entry: SymbolIndex | undefined): Uint8Array {
    this.#gather();
    const loaded = this.#placed.filter((s) => s.flags & SectionFlag.SHF_ALLOC);
    const segments = SEGMENT_ORDER.filter(
      (p) => p === SegmentFlag.PF_R || loaded.some((s) => permissions(s.flags) === p),
    );
    const hasFrames = loaded.some((s) => s.name === EH_FRAME_HDR);
    // The executable's own header table and stack; or stack, dynamic list, and what becomes read-only.
    const headerCount = segments.length + (this.#dynamic === undefined ? 2 : 3) + (hasFrames ? 1 : 0);
    const end = this.#assignAddresses(segments, EHDR_SIZE + headerCount * PHDR_SIZE);
    this.#relocate();
    this.#fillFrameHeader();
    this.#fillDynamic();

    const file = new ByteWriter(end);
    writeFileHeader(file, this.#fileHeader(entry, headerCount, end));
    for (const header of this.#segmentHeaders(segments, headerCount, hasFrames)) writeSegmentHeader(file, header);
    for (const section of this.#placed) {
      if (section.bytes === undefined) continue;
      file.zeros(section.address - file.length);
      file.bytes(section.bytes);
    }
    file.zeros(end - file.length);
    this.#writeSectionHeaders(file);
    return file.toBytes();
  }

  /** Collects the sections in the order of the file, with copies of their bytes: loaded by segment, then the others, then symbols. */
  #gather(): void {
    const { sections, symbols } = this.#object;
    const add = (index: SectionIndex, frames: boolean) => {
      const section = sections.get(index);
      const { name, type, flags } = section.kind;
      const bytes =
        type === SectionType.SHT_NOBITS ? undefined : frames ? terminated(section.data) : section.data.toBytes();
      this.#add({ name, type, flags, align: section.align, index, size: bytes?.length ?? section.size, bytes });
    };
    const frames = this.#object.findSection(Sections.ehFrame.name);
    const of = (test: (flags: number, type: number) => boolean) =>
      [...sections.entries()].filter(([i, s]) => i !== frames && test(s.kind.flags, s.kind.type)).map(([i]) => i);
    for (const permission of SEGMENT_ORDER) {
      this.#gatherDynamic(permission);
      const inSegment = (flags: number) => (flags & SectionFlag.SHF_ALLOC) !== 0 && permissions(flags) === permission;
      // Sections without bytes come last in their segment.
      for (const i of of((flags, type) => inSegment(flags) && type !== SectionType.SHT_NOBITS)) add(i, false);
      for (const i of of((flags, type) => inSegment(flags) && type === SectionType.SHT_NOBITS)) add(i, false);
      if (permission === SegmentFlag.PF_R && frames !== undefined) {
        const count = frameDescriptions(sections.get(frames).data.view()).length;
        const bytes = new Uint8Array(frameHeaderSize(count));
        const kind = { type: SectionType.SHT_PROGBITS, flags: SectionFlag.SHF_ALLOC };
        this.#add({ name: EH_FRAME_HDR, ...kind, align: 4, index: undefined, size: bytes.length, bytes });
        add(frames, true);
      }
    }
    for (const [i, s] of sections.entries()) {
      const { flags } = s.kind;
      if ((flags & SectionFlag.SHF_ALLOC) === 0) add(i, false);
      else if ((flags & SectionFlag.SHF_WRITE) !== 0 && (flags & SectionFlag.SHF_EXECINSTR) !== 0) {
        throw new InternalError("image", `${s.kind.name} is writable and executable`);
      }
    }
    const kind = { flags: 0, index: undefined };
    const empty = new Uint8Array((symbols.size + 1) * SYM_SIZE);
    this.#add({ name: ".symtab", type: SectionType.SHT_SYMTAB, ...kind, align: 8, size: empty.length, bytes: empty });
    const strings = new StringTable();
    for (const symbol of orderSymbols(symbols).order) strings.add(symbols.get(symbol).name);
    const text = strings.view();
    this.#add({ name: ".strtab", type: SectionType.SHT_STRTAB, ...kind, align: 1, size: text.length, bytes: text });
    const names = new StringTable();
    for (const s of this.#placed) names.add(s.name);
    names.add(".shstrtab");
    const bytes = names.view();
    this.#add({ name: ".shstrtab", type: SectionType.SHT_STRTAB, ...kind, align: 1, size: bytes.length, bytes });
    if (this.#placed.length + 1 >= SHN_LORESERVE) throw new InternalError("image", "too many sections");
  }

  /** The dynamic linker's sections of a segment. Some linkers write into the list while they load: it becomes read-only afterwards. */
  #gatherDynamic(permission: number): void {
    const dynamic = this.#dynamic;
    if (dynamic === undefined) return;
    const flags = SectionFlag.SHF_ALLOC;
    const add = (name: string, type: number, align: number, bytes: Uint8Array, more = 0): void =>
      this.#add({ name, type, flags: flags | more, align, index: undefined, size: bytes.length, bytes });
    if (permission === SegmentFlag.PF_R) {
      add(HASH, SectionType.SHT_HASH, 8, dynamic.hash());
      add(DYNSYM, SectionType.SHT_DYNSYM, 8, new Uint8Array(dynamic.symbolsSize));
      add(DYNSTR, SectionType.SHT_STRTAB, 1, dynamic.strings.slice());
    } else if (permission === (SegmentFlag.PF_R | SegmentFlag.PF_W)) {
      add(DYNAMIC, SectionType.SHT_DYNAMIC, PAGE_SIZE, new Uint8Array(dynamic.listSize), SectionFlag.SHF_WRITE);
    }
  }

  #numbered(name: string): { readonly section: Placed; readonly bytes: Uint8Array; readonly number: number } {
    const at = this.#placed.findIndex((s) => s.name === name);
    const section = this.#placed[at];
    if (section?.bytes === undefined) throw new InternalError("image", `no ${name}`);
    return { section, bytes: section.bytes, number: at + 1 };
  }

  #fillDynamic(): void {
    const dynamic = this.#dynamic;
    if (dynamic === undefined) return;
    const [hash, symbols, strings, list] = [HASH, DYNSYM, DYNSTR, DYNAMIC].map((name) => this.#numbered(name));
    if (hash === undefined || symbols === undefined || strings === undefined || list === undefined) return;
    symbols.bytes.set(dynamic.symbols((s) => ({ number: this.#numbers.get(s) ?? 0, address: this.#addressOf(s) })));
    const places = { hash: hash.section.address, strings: strings.section.address, symbols: symbols.section.address };
    list.bytes.set(dynamic.list(places));
    Object.assign(hash.section, { link: symbols.number, entrySize: 4 });
    Object.assign(symbols.section, { link: strings.number, info: 1, entrySize: SYM_SIZE });
    Object.assign(list.section, { link: strings.number, entrySize: DYN_SIZE });
  }

  #add(section: Omit<Placed, "address" | "link" | "info" | "entrySize">): void {
    const placed: Placed = { ...section, address: 0, link: 0, info: 0, entrySize: 0 };
    this.#placed.push(placed);
    if (section.index === undefined) return;
    this.#bySection.set(section.index, placed);
    this.#numbers.set(section.index, this.#placed.length);
  }

  /** Gives every section its address or file offset; returns where the section headers go. */
  #assignAddresses(segments: readonly number[], headersEnd: number): number {
    let at = headersEnd;
    // The end of what the file holds: behind it, only sections without bytes.
    let fileEnd = headersEnd;
    for (const permission of segments) {
      const inSegment = this.#placed.filter(
        (s) => s.flags & SectionFlag.SHF_ALLOC && permissions(s.flags) === permission,
      );
      if (permission !== SegmentFlag.PF_R) at = alignUp(at, PAGE_SIZE);
      for (const section of inSegment) {
        at = alignUp(at, section.align);
        section.address = at;
        at += section.size;
        if (section.bytes !== undefined) fileEnd = at;
        // What becomes read-only shares no page with what does not.
        if (section.name === DYNAMIC) at = alignUp(at, PAGE_SIZE);
      }
    }
    if (at > 0x7fff_ffff) {
      const message = `the program takes ${at} bytes, but relative addresses reach 2147483647`;
      throw new WindlassError({ kind: "limit", message });
    }
    at = fileEnd;
    for (const section of this.#placed) {
      if (section.flags & SectionFlag.SHF_ALLOC) continue;
      at = alignUp(at, section.align);
      section.address = at;
      at += section.size;
    }
    this.#fillSymbols();
    return alignUp(at, 8);
  }

  /** Writes the symbol table, now that addresses are known. The string table was made from the same names in the same order. */
  #fillSymbols(): void {
    const { symbols } = this.#object;
    const order = orderSymbols(symbols);
    const number = this.#placed.findIndex((s) => s.name === ".symtab");
    const symtab = this.#placed[number];
    if (symtab?.bytes === undefined) throw new InternalError("image", "no symbol table");
    const place = (section: SectionIndex) => ({
      number: this.#numbers.get(section) ?? 0,
      address: this.#addressOf(section),
    });
    symtab.bytes.set(writeSymbolTable(symbols, order, new StringTable(), place));
    symtab.link = number + 2;
    symtab.info = order.firstGlobal;
    symtab.entrySize = SYM_SIZE;
  }

  /** Where a section is loaded; 0 if it is not. */
  #addressOf(section: SectionIndex): number {
    const placed = this.#bySection.get(section);
    return placed === undefined || (placed.flags & SectionFlag.SHF_ALLOC) === 0 ? 0 : placed.address;
  }

  #addressOfSymbol(number: number): number {
    const symbol = this.#object.symbols.values()[number];
    if (symbol?.section === undefined) {
      throw new InternalError("image", `symbol "${symbol?.name ?? number}" is used but not defined`);
    }
    return this.#addressOf(symbol.section) + symbol.value;
  }

  #relocate(): void {
    for (const [index, section] of this.#object.sections.entries()) {
      const placed = this.#bySection.get(index);
      if (placed?.bytes === undefined || section.relocOffset.length === 0) continue;
      const { bytes, address } = placed;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      for (let i = 0; i < section.relocOffset.length; i++) {
        const offset = section.relocOffset.get(i);
        const type = section.relocType.get(i);
        const target = this.#addressOfSymbol(section.relocSymbol.get(i)) + section.relocAddend.get(i);
        const distance = target - (address + offset);
        if (type === RelocationType.R_X86_64_PC32 || type === RelocationType.R_X86_64_PLT32) {
          view.setInt32(offset, distance, true);
        } else if (type === RelocationType.R_X86_64_PC64) {
          view.setBigInt64(offset, BigInt(distance), true);
        } else throw new InternalError("image", `relocation type ${type} in ${placed.name} needs a load address`);
      }
    }
  }

  #fillFrameHeader(): void {
    const header = this.#placed.find((s) => s.name === EH_FRAME_HDR);
    const frames = this.#placed.find((s) => s.name === Sections.ehFrame.name);
    if (header?.bytes === undefined || frames?.bytes === undefined) return;
    header.bytes.set(frameHeader(frames.bytes, frames.address, header.address));
  }

  #fileHeader(entry: SymbolIndex | undefined, programHeaderCount: number, sectionHeaderOffset: number) {
    return {
      type: FileType.ET_DYN,
      machine: this.#object.machine,
      entry: entry === undefined ? 0 : this.#addressOfSymbol(entry),
      programHeaderOffset: EHDR_SIZE,
      programHeaderCount,
      sectionHeaderOffset,
      sectionHeaderCount: this.#placed.length + 1,
      nameSection: this.#placed.length,
    };
  }

  #segmentHeaders(segments: readonly number[], headerCount: number, hasFrames: boolean): readonly SegmentHeader[] {
    const headers: SegmentHeader[] = [];
    const one = (type: number, flags: number, start: number, size: number, align: number, memorySize = size) =>
      headers.push({ type, flags, offset: start, address: start, fileSize: size, memorySize, align });
    if (this.#dynamic === undefined) one(SegmentType.PT_PHDR, SegmentFlag.PF_R, EHDR_SIZE, headerCount * PHDR_SIZE, 8);
    for (const permission of segments) {
      const inSegment = this.#placed.filter(
        (s) => s.flags & SectionFlag.SHF_ALLOC && permissions(s.flags) === permission,
      );
      const start = permission === SegmentFlag.PF_R ? 0 : (inSegment[0]?.address ?? 0);
      let fileEnd = permission === SegmentFlag.PF_R ? EHDR_SIZE + headerCount * PHDR_SIZE : start;
      let memoryEnd = fileEnd;
      let align = PAGE_SIZE;
      for (const s of inSegment) {
        memoryEnd = s.address + s.size;
        if (s.bytes !== undefined) fileEnd = memoryEnd;
        align = Math.max(align, s.align);
      }
      one(SegmentType.PT_LOAD, permission, start, fileEnd - start, align, memoryEnd - start);
    }
    const frames = this.#placed.find((s) => s.name === EH_FRAME_HDR);
    if (hasFrames && frames !== undefined) {
      one(SegmentType.PT_GNU_EH_FRAME, SegmentFlag.PF_R, frames.address, frames.size, 4);
    }
    if (this.#dynamic !== undefined) {
      const { address, size } = this.#numbered(DYNAMIC).section;
      one(SegmentType.PT_DYNAMIC, SegmentFlag.PF_R | SegmentFlag.PF_W, address, size, 8);
      one(SegmentType.PT_GNU_RELRO, SegmentFlag.PF_R, address, size, 1, alignUp(size, PAGE_SIZE));
    }
    one(SegmentType.PT_GNU_STACK, SegmentFlag.PF_R | SegmentFlag.PF_W, 0, 0, 16);
    return headers;
  }

  #writeSectionHeaders(file: ByteWriter): void {
    const names = new StringTable();
    file.zeros(SHDR_SIZE);
    for (const s of this.#placed) {
      const loaded = (s.flags & SectionFlag.SHF_ALLOC) !== 0;
      writeSectionHeader(file, {
        ...{
          type: s.type,
          flags: s.flags,
          offset: s.address,
          size: s.size,
          link: s.link,
          info: s.info,
          align: s.align,
        },
        name: names.add(s.name),
        address: loaded ? s.address : 0,
        entrySize: s.entrySize,
      });
    }
  }
}

/** The frames with the empty entry that ends them. */
function terminated(data: ByteWriter): Uint8Array {
  const bytes = new Uint8Array(data.length + 4);
  bytes.set(data.view());
  return bytes;
}

function alignUp(value: number, align: number): number {
  return Math.ceil(value / align) * align;
}
