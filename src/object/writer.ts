/**
 * `ElfObject`: sections, symbols and relocations under construction, and the relocatable file that they make.
 *
 * Why one model: an object and an executable hold the same sections; only who resolves the relocations differs (`image.ts` does it for
 * an executable). The object binds to itself: a relocation against a symbol of the same section is resolved here, one against any
 * other symbol of the object goes by that section's own symbol. So what is left for the linker is pc-relative, against local symbols, and
 * links into PIE, non-PIE and shared objects alike. The bytes depend on nothing but the calls made, in their order.
 */

import { ByteWriter } from "../base/bytes.ts";
import { I32Column, U8Column, U32Column } from "../base/columns.ts";
import { InternalError } from "../base/diagnostics.ts";
import { type Entity, PrimaryMap } from "../base/entity.ts";
import {
  EHDR_SIZE,
  EM_X86_64,
  FileType,
  RELA_SIZE,
  RelocationType,
  SectionFlag,
  SectionType,
  SHN_ABS,
  SHN_LORESERVE,
  SHN_UNDEF,
  SYM_SIZE,
  SymbolBinding,
  SymbolType,
  SymbolVisibility,
  writeFileHeader,
  writeRelocation,
  writeSectionHeader,
  writeSymbol,
} from "./elf.ts";
import { StringTable } from "./strings.ts";

/** A section of an `ElfObject`; not its number in the file. */
export type SectionIndex = Entity<"section">;
/** A symbol of an `ElfObject`; not its number in the file. */
export type SymbolIndex = Entity<"symbol">;

/** What a section is made of. The usual ones are in `Sections`. */
export interface SectionKind {
  readonly name: string;
  /** `SectionType`. */
  readonly type: number;
  /** `SectionFlag` bits. */
  readonly flags: number;
}

/** The sections that Windlass writes. */
export const Sections = {
  text: {
    name: ".text",
    type: SectionType.SHT_PROGBITS,
    flags: SectionFlag.SHF_ALLOC | SectionFlag.SHF_EXECINSTR,
  },
  rodata: { name: ".rodata", type: SectionType.SHT_PROGBITS, flags: SectionFlag.SHF_ALLOC },
  data: { name: ".data", type: SectionType.SHT_PROGBITS, flags: SectionFlag.SHF_ALLOC | SectionFlag.SHF_WRITE },
  bss: { name: ".bss", type: SectionType.SHT_NOBITS, flags: SectionFlag.SHF_ALLOC | SectionFlag.SHF_WRITE },
  ehFrame: { name: ".eh_frame", type: SectionType.SHT_PROGBITS, flags: SectionFlag.SHF_ALLOC },
  trampolines: { name: ".windlass.trampolines", type: SectionType.SHT_PROGBITS, flags: 0 },
  info: { name: ".windlass.info", type: SectionType.SHT_PROGBITS, flags: 0 },
} as const satisfies Record<string, SectionKind>;

/** A section under construction. */
export class Section {
  readonly kind: SectionKind;
  /** The contents; empty in `SHT_NOBITS`. */
  readonly data = new ByteWriter();
  align = 1;
  /** Size of an `SHT_NOBITS` section. */
  zeroSize = 0;
  /** Relocations: offset of the field, `RelocationType`, `SymbolIndex`, addend. */
  readonly relocOffset = new U32Column();
  readonly relocType = new U8Column();
  readonly relocSymbol = new U32Column();
  readonly relocAddend = new I32Column();

  constructor(kind: SectionKind) {
    this.kind = kind;
  }

  get size(): number {
    return this.kind.type === SectionType.SHT_NOBITS ? this.zeroSize : this.data.length;
  }

  /** Appends `bytes` at a multiple of `align` (a power of two), the gap filled with `fill`; returns the offset. */
  append(bytes: Uint8Array, align = 1, fill = 0): number {
    this.#alignTo(align);
    this.data.align(align, fill);
    const at = this.data.length;
    this.data.bytes(bytes);
    return at;
  }

  /** Reserves `size` bytes in an `SHT_NOBITS` section; returns the offset. */
  reserve(size: number, align = 1): number {
    if (this.kind.type !== SectionType.SHT_NOBITS) throw new InternalError("object", `${this.kind.name} holds bytes`);
    this.#alignTo(align);
    const at = Math.ceil(this.zeroSize / align) * align;
    this.zeroSize = at + size;
    return at;
  }

  #alignTo(align: number): void {
    if (align > this.align) this.align = align;
  }
}

export interface ElfSymbol {
  readonly name: string;
  /** `undefined`: not defined here. */
  readonly section: SectionIndex | undefined;
  /** Offset in the section. */
  readonly value: number;
  readonly size: number;
  /** `SymbolBinding`. */
  readonly binding: number;
  /** `SymbolType`. */
  readonly type: number;
  /** `SymbolVisibility`. */
  readonly visibility: number;
}

export class ElfObject {
  readonly machine: number;
  readonly sections = new PrimaryMap<SectionIndex, Section>();
  readonly symbols = new PrimaryMap<SymbolIndex, ElfSymbol>();
  /** By section. */
  readonly #sectionSymbols: SymbolIndex[] = [];
  readonly #byName = new Map<string, SectionIndex>();

  constructor(machine: number = EM_X86_64) {
    this.machine = machine;
  }

  /** The section of this kind, made on first use. */
  section(kind: SectionKind): SectionIndex {
    const known = this.#byName.get(kind.name);
    if (known !== undefined) return known;
    const index = this.sections.push(new Section(kind));
    this.#byName.set(kind.name, index);
    const symbol = this.addSymbol({
      ...{ name: "", section: index, value: 0, size: 0 },
      ...{ binding: SymbolBinding.STB_LOCAL, type: SymbolType.STT_SECTION, visibility: SymbolVisibility.STV_DEFAULT },
    });
    this.#sectionSymbols.push(symbol);
    return index;
  }

  /** The section with this name, or `undefined`. */
  findSection(name: string): SectionIndex | undefined {
    return this.#byName.get(name);
  }

  /** `Section.append` of the section `index`. */
  append(index: SectionIndex, bytes: Uint8Array, align = 1, fill = 0): number {
    return this.sections.get(index).append(bytes, align, fill);
  }

  addSymbol(symbol: ElfSymbol): SymbolIndex {
    // "@" separates a version from a name to every linker.
    if (/[@\0]/.test(symbol.name)) throw new InternalError("object", `"${symbol.name}" cannot be a symbol's name`);
    return this.symbols.push(symbol);
  }

  /** A function, local unless `global`. */
  addFunction(name: string, section: SectionIndex, value: number, size: number, global = false): SymbolIndex {
    return this.#define(name, section, value, size, SymbolType.STT_FUNC, global);
  }

  /** A data object, local unless `global`. */
  addData(name: string, section: SectionIndex, value: number, size: number, global = false): SymbolIndex {
    return this.#define(name, section, value, size, SymbolType.STT_OBJECT, global);
  }

  /** The name of what was compiled, for debuggers. */
  addFile(name: string): SymbolIndex {
    return this.addSymbol({
      ...{ name: name.replaceAll(/[@\0]/g, "_"), section: undefined, value: 0, size: 0 },
      ...{ binding: SymbolBinding.STB_LOCAL, type: SymbolType.STT_FILE, visibility: SymbolVisibility.STV_DEFAULT },
    });
  }

  /** A symbol that is defined elsewhere. */
  addUndefined(name: string): SymbolIndex {
    return this.addSymbol({
      ...{ name, section: undefined, value: 0, size: 0 },
      ...{ binding: SymbolBinding.STB_GLOBAL, type: SymbolType.STT_NOTYPE, visibility: SymbolVisibility.STV_DEFAULT },
    });
  }

  #define(
    name: string,
    section: SectionIndex,
    value: number,
    size: number,
    type: number,
    global: boolean,
  ): SymbolIndex {
    const binding = global ? SymbolBinding.STB_GLOBAL : SymbolBinding.STB_LOCAL;
    return this.addSymbol({ name, section, value, size, binding, type, visibility: SymbolVisibility.STV_DEFAULT });
  }

  /** The symbol of the section itself: its first byte. */
  sectionSymbol(section: SectionIndex): SymbolIndex {
    const symbol = this.#sectionSymbols[section];
    if (symbol === undefined) throw new InternalError("object", `no section ${section}`);
    return symbol;
  }

  /** `addend` counts from the field itself: -4 where the value is relative to the end of a 32-bit field. */
  addRelocation(section: SectionIndex, offset: number, type: number, symbol: SymbolIndex, addend: number): void {
    const s = this.sections.get(section);
    s.relocOffset.push(offset);
    s.relocType.push(type);
    s.relocSymbol.push(symbol);
    s.relocAddend.push(addend);
  }

  /** The relocatable file. The object can go on being built afterwards. */
  toBytes(): Uint8Array {
    return new ObjectWriter(this).write();
  }
}

function isPcRelative32(type: number): boolean {
  return type === RelocationType.R_X86_64_PC32 || type === RelocationType.R_X86_64_PLT32;
}

interface PlacedSection {
  readonly name: string;
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly size: number;
  readonly link: number;
  readonly info: number;
  readonly align: number;
  readonly entrySize: number;
}

/** Numbers of symbols in a file: locals first, as ELF wants them. */
export interface SymbolOrder {
  readonly order: readonly SymbolIndex[];
  /** Number in the file by `SymbolIndex`. */
  readonly numbers: Int32Array;
  /** Number of the first symbol that is not local. */
  readonly firstGlobal: number;
}

/** Files, then sections, then other locals, then the rest; each group in the order of creation. Symbol 0 of the file is empty. */
export function orderSymbols(symbols: PrimaryMap<SymbolIndex, ElfSymbol>): SymbolOrder {
  const groups: SymbolIndex[][] = [[], [], [], []];
  for (const [index, symbol] of symbols.entries()) {
    const local = symbol.binding === SymbolBinding.STB_LOCAL;
    const group = !local ? 3 : symbol.type === SymbolType.STT_FILE ? 0 : symbol.type === SymbolType.STT_SECTION ? 1 : 2;
    groups[group]?.push(index);
  }
  const order = groups.flat();
  const numbers = new Int32Array(symbols.size);
  order.forEach((symbol, i) => {
    numbers[symbol] = i + 1;
  });
  return { order, numbers, firstGlobal: 1 + order.length - (groups[3]?.length ?? 0) };
}

/** The symbol table's bytes. `section` gives the file's section number and the address of a section. */
export function writeSymbolTable(
  symbols: PrimaryMap<SymbolIndex, ElfSymbol>,
  order: SymbolOrder,
  strings: StringTable,
  place: (section: SectionIndex) => { readonly number: number; readonly address: number },
): Uint8Array {
  const w = new ByteWriter((order.order.length + 1) * SYM_SIZE);
  w.zeros(SYM_SIZE);
  for (const index of order.order) {
    const symbol = symbols.get(index);
    const file = symbol.type === SymbolType.STT_FILE;
    const at =
      symbol.section === undefined ? { number: file ? SHN_ABS : SHN_UNDEF, address: 0 } : place(symbol.section);
    writeSymbol(w, {
      name: strings.add(symbol.name),
      binding: symbol.binding,
      type: symbol.type,
      visibility: symbol.visibility,
      section: at.number,
      value: at.address + symbol.value,
      size: symbol.size,
    });
  }
  return w.view();
}

/** About how many bytes the file will have, and rather more than less: then nothing is copied to make room. */
function expectedSize({ sections, symbols }: ElfObject): number {
  let size = 1 << 12;
  for (const { kind, data, relocOffset } of sections) {
    if (kind.type !== SectionType.SHT_NOBITS) size += data.length + RELA_SIZE * relocOffset.length;
  }
  for (const { name } of symbols) size += SYM_SIZE + name.length + 1;
  return size;
}

/** Lays out one relocatable file. */
class ObjectWriter {
  readonly #object: ElfObject;
  readonly #file: ByteWriter;
  readonly #names = new StringTable();
  /** Section headers after the empty one; the object's sections come first, so that section i has number i + 1. */
  readonly #placed: PlacedSection[] = [];

  constructor(object: ElfObject) {
    this.#object = object;
    this.#file = new ByteWriter(expectedSize(object));
  }

  write(): Uint8Array {
    const { sections, symbols } = this.#object;
    const file = this.#file;
    const symbolOrder = orderSymbols(symbols);
    file.zeros(EHDR_SIZE);

    const pending: { readonly section: number; readonly name: string; readonly rela: Uint8Array }[] = [];
    for (const [index, section] of sections.entries()) {
      const { kind } = section;
      if (kind.type === SectionType.SHT_NOBITS) {
        this.#place(kind.name, kind.type, kind.flags, section.align, undefined, { size: section.size });
        continue;
      }
      this.#place(kind.name, kind.type, kind.flags, section.align, section.data.view());
      const rela = this.#resolve(index, section, file.length - section.size, symbolOrder.numbers);
      if (rela.length > 0) pending.push({ section: index + 1, name: `.rela${kind.name}`, rela });
    }
    this.#place(".note.GNU-stack", SectionType.SHT_PROGBITS, 0, 1, new Uint8Array());

    const strings = new StringTable();
    const table = writeSymbolTable(symbols, symbolOrder, strings, (s) => ({ number: s + 1, address: 0 }));
    const symtab = this.#placed.length + pending.length + 1;
    for (const { section, name, rela } of pending) {
      this.#place(name, SectionType.SHT_RELA, SectionFlag.SHF_INFO_LINK, 8, rela, {
        ...{ link: symtab, info: section, entrySize: RELA_SIZE },
      });
    }
    this.#place(".symtab", SectionType.SHT_SYMTAB, 0, 8, table, {
      ...{ link: symtab + 1, info: symbolOrder.firstGlobal, entrySize: SYM_SIZE },
    });
    this.#place(".strtab", SectionType.SHT_STRTAB, 0, 1, strings.view());
    this.#names.add(".shstrtab");
    this.#place(".shstrtab", SectionType.SHT_STRTAB, 0, 1, this.#names.view());
    if (this.#placed.length + 1 >= SHN_LORESERVE) throw new InternalError("object", "too many sections");

    file.align(8);
    const headers = file.length;
    writeSectionHeader(file, {
      ...{ name: 0, type: 0, flags: 0, address: 0, offset: 0, size: 0, link: 0, info: 0, align: 0, entrySize: 0 },
    });
    for (const s of this.#placed) writeSectionHeader(file, { ...s, name: this.#names.add(s.name), address: 0 });
    return this.#withFileHeader(headers);
  }

  #withFileHeader(sectionHeaderOffset: number): Uint8Array {
    const header = new ByteWriter(EHDR_SIZE);
    writeFileHeader(header, {
      ...{
        type: FileType.ET_REL,
        machine: this.#object.machine,
        entry: 0,
        programHeaderOffset: 0,
        programHeaderCount: 0,
      },
      sectionHeaderOffset,
      sectionHeaderCount: this.#placed.length + 1,
      nameSection: this.#placed.length,
    });
    const bytes = this.#file.toBytes();
    bytes.set(header.view(), 0);
    return bytes;
  }

  /** Resolves what can be, in the section's bytes from `at` on in the file, and returns the relocation entries of the rest. */
  #resolve(index: SectionIndex, section: Section, at: number, numbers: Int32Array): Uint8Array {
    const w = new ByteWriter();
    const symbols = this.#object.symbols.values();
    for (let i = 0; i < section.relocOffset.length; i++) {
      const offset = section.relocOffset.get(i);
      const type = section.relocType.get(i);
      const number = section.relocSymbol.get(i);
      const addend = section.relocAddend.get(i);
      const symbol = symbols[number];
      if (symbol === undefined) throw new InternalError("object", `relocation against symbol ${number}, which is none`);
      if (symbol.section === index && isPcRelative32(type))
        this.#file.putU32(at + offset, symbol.value + addend - offset);
      else if (symbol.section === undefined) writeRelocation(w, offset, type, numbers[number] ?? 0, addend);
      else {
        // Nothing lies between here and the definition: no linkage table.
        const direct = type === RelocationType.R_X86_64_PLT32 ? RelocationType.R_X86_64_PC32 : type;
        const base = numbers[this.#object.sectionSymbol(symbol.section)] ?? 0;
        writeRelocation(w, offset, direct, base, symbol.value + addend);
      }
    }
    return w.view();
  }

  #place(
    name: string,
    type: number,
    flags: number,
    align: number,
    bytes: Uint8Array | undefined,
    more: { readonly size?: number; readonly link?: number; readonly info?: number; readonly entrySize?: number } = {},
  ): void {
    this.#names.add(name);
    this.#file.align(align);
    const offset = this.#file.length;
    if (bytes !== undefined) this.#file.bytes(bytes);
    this.#placed.push({
      ...{ name, type, flags, align, offset },
      size: more.size ?? bytes?.length ?? 0,
      link: more.link ?? 0,
      info: more.info ?? 0,
      entrySize: more.entrySize ?? 0,
    });
  }
}
