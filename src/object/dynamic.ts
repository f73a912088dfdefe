/**
 * What a dynamic linker reads of a shared object: the symbols that others may use, their names, a hash table to find them by, and the list
 * that says where all of it is. There are no relocations: everything in the image is relative to itself. Contents depend on addresses only
 * in the symbols and in the list, so sizes are known before the layout.
 */

import { ByteWriter } from "../base/bytes.ts";
import { DYN_SIZE, DynamicTag, SYM_SIZE, SymbolBinding, writeSymbol } from "./elf.ts";
import { StringTable } from "./strings.ts";
import type { ElfObject, ElfSymbol, SectionIndex } from "./writer.ts";

/** The hash of System V (gABI "Hash Table"). */
export function symbolHash(name: string): number {
  let h = 0;
  for (const byte of new TextEncoder().encode(name)) {
    h = ((h << 4) + byte) >>> 0;
    const high = h & 0xf000_0000;
    h = (h ^ (high >>> 24)) & ~high;
  }
  return h >>> 0;
}

/** Where the sections ended up. */
export interface DynamicPlaces {
  readonly hash: number;
  readonly strings: number;
  readonly symbols: number;
}

const ENTRIES = 8;
/** It stays loaded when it is closed. */
const DF_1_NODELETE = 8;

export class DynamicSections {
  /** Defined and global, in the order of creation; number 0 of the table is empty. */
  readonly #symbols: readonly ElfSymbol[];
  readonly #strings = new StringTable();
  readonly #soname: number;
  readonly #stays: boolean;

  /** `stays`: it can't be unloaded, because its signal handlers are the process's from then on. */
  constructor(object: ElfObject, soname: string, stays: boolean) {
    this.#stays = stays;
    this.#symbols = object.symbols
      .values()
      .filter((s) => s.binding === SymbolBinding.STB_GLOBAL && s.section !== undefined);
    for (const { name } of this.#symbols) this.#strings.add(name);
    this.#soname = this.#strings.add(soname);
  }

  get strings(): Uint8Array {
    return this.#strings.view();
  }
  get symbolsSize(): number {
    return (this.#symbols.length + 1) * SYM_SIZE;
  }
  readonly listSize: number = ENTRIES * DYN_SIZE;

  /** `.hash`: one bucket for two symbols. */
  hash(): Uint8Array {
    const count = this.#symbols.length;
    const buckets = new Uint32Array(Math.max(1, count >>> 1));
    const chains = new Uint32Array(count + 1);
    this.#symbols.forEach(({ name }, i) => {
      const bucket = symbolHash(name) % buckets.length;
      chains[i + 1] = buckets[bucket] ?? 0;
      buckets[bucket] = i + 1;
    });
    const w = new ByteWriter();
    for (const word of [buckets.length, chains.length, ...buckets, ...chains]) w.u32(word);
    return w.toBytes();
  }

  /** `.dynsym`. `place` gives the file's number and the address of a section. */
  symbols(place: (section: SectionIndex) => { readonly number: number; readonly address: number }): Uint8Array {
    const w = new ByteWriter(this.symbolsSize);
    w.zeros(SYM_SIZE);
    for (const { name, binding, type, visibility, section, value, size } of this.#symbols) {
      if (section === undefined) continue;
      const { number, address } = place(section);
      writeSymbol(w, {
        ...{ name: this.#strings.add(name), binding, type, visibility, section: number, value: address + value, size },
      });
    }
    return w.toBytes();
  }

  /** `.dynamic`. */
  list(at: DynamicPlaces): Uint8Array {
    const w = new ByteWriter(this.listSize);
    const entry = (tag: number, value: number): void => {
      w.u64n(tag);
      w.u64n(value);
    };
    entry(DynamicTag.DT_SONAME, this.#soname);
    entry(DynamicTag.DT_HASH, at.hash);
    entry(DynamicTag.DT_STRTAB, at.strings);
    entry(DynamicTag.DT_SYMTAB, at.symbols);
    entry(DynamicTag.DT_STRSZ, this.strings.length);
    entry(DynamicTag.DT_SYMENT, SYM_SIZE);
    entry(DynamicTag.DT_FLAGS_1, this.#stays ? DF_1_NODELETE : 0);
    entry(DynamicTag.DT_NULL, 0);
    return w.toBytes();
  }
}
