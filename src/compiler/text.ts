/**
 * The text section under construction: compiled functions are appended in order, each remembers where it is, and references between them are
 * resolved when all are there. References to data become relocations against the data's symbols.
 *
 * Guarantees: every function starts at a multiple of its alignment, the bytes between functions are single-byte breakpoints, every function
 * with unwind rows has a frame description. A function's symbol and description cover its instructions, not what is behind them.
 */

import { InternalError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import { I32Column, U8Column, U32Column } from "../base/columns.ts";
import { type CompiledFunction, RelocKind } from "../codegen/compiled.ts";
import { type TextLayout, TextRows } from "../frontend/link-data.ts";
import type { DataSymbol, FuncSymbol } from "../ir/function.ts";
import { EhFrameBuilder } from "../object/ehframe.ts";
import { RelocationType } from "../object/elf.ts";
import { type ElfObject, type SectionIndex, Sections, type SymbolIndex } from "../object/writer.ts";

/** `int3` between functions. */
const PADDING = 0xcc;

export class TextEmitter {
  readonly object: ElfObject;
  readonly section: SectionIndex;
  readonly #frames: EhFrameBuilder;
  /** By FuncSymbol; NONE where nothing was appended. */
  readonly #start: number[] = [];
  readonly #length: number[] = [];
  readonly #rows = new TextRows();
  readonly #symbols: SymbolIndex[] = [];
  // References to functions, resolved by `resolveFunctions`; to data, by `resolveData`.
  readonly #refAt = new U32Column();
  readonly #refKind = new U8Column();
  readonly #refTarget = new U32Column();
  readonly #refAddend = new I32Column();

  constructor(object: ElfObject) {
    this.object = object;
    this.section = object.section(Sections.text);
    this.#frames = new EhFrameBuilder(object, this.section);
  }

  /** Appends a function; returns its offset. */
  append(symbol: FuncSymbol, name: string, global: boolean, compiled: CompiledFunction, unwind: boolean): number {
    if (this.#start[symbol] !== undefined) throw new InternalError("object", "is appended twice", name);
    const start = this.object.append(this.section, compiled.code, compiled.align, PADDING);
    const length = compiled.codeLength;
    this.#start[symbol] = start;
    this.#length[symbol] = length;
    this.#rows.add(start, compiled);
    this.#symbols[symbol] = this.object.addFunction(name, this.section, start, length, global);
    // A data symbol of its own, so that no disassembler takes tables and constants for instructions.
    const data = compiled.code.length - length;
    if (data > 0) this.object.addData(`${name}.constants`, this.section, start + length, data);
    if (unwind) this.#frames.addFunction(start, length, compiled);
    compiled.relocOffset.forEach((offset, i) => {
      this.#refAt.push(start + offset);
      this.#refKind.push(compiled.relocKind[i] ?? 0);
      this.#refTarget.push(compiled.relocSymbol[i] ?? 0);
      this.#refAddend.push(compiled.relocAddend[i] ?? 0);
    });
    return start;
  }

  /** The ELF symbol of a function that was appended. */
  symbolOf(symbol: FuncSymbol): SymbolIndex {
    const found = this.#symbols[symbol];
    if (found === undefined) throw new InternalError("object", `function @${symbol} is not in the text`);
    return found;
  }

  /** Where everything is; functions in the order of their symbols, all of which must have been appended. */
  layout(count: number): TextLayout {
    for (let i = 0; i < count; i++) {
      if (this.#start[i] === undefined) throw new InternalError("object", `function @${i} is not in the text`);
    }
    return {
      start: Uint32Array.from(this.#start),
      length: Uint32Array.from(this.#length),
      rows: this.#rows,
    };
  }

  /**
   * Resolves every reference. A function that is not in this text becomes an undefined symbol with the name that `nameOf` gives;
   * `dataSymbol` gives the symbol of a data object.
   */
  resolve(nameOf: (symbol: FuncSymbol) => string, dataSymbol: (symbol: DataSymbol) => SymbolIndex): void {
    const bytes = this.object.sections.get(this.section).data;
    const outside = new Map<number, SymbolIndex>();
    for (let i = 0; i < this.#refAt.length; i++) {
      const at = this.#refAt.get(i);
      const kind = this.#refKind.get(i);
      const target = this.#refTarget.get(i);
      const addend = this.#refAddend.get(i);
      if (kind === RelocKind.data) {
        const symbol = dataSymbol(entity<DataSymbol>(target));
        this.object.addRelocation(this.section, at, RelocationType.R_X86_64_PC32, symbol, addend);
        continue;
      }
      const start = kind === RelocKind.textBase ? 0 : this.#start[target];
      if (start !== undefined) {
        bytes.putU32(at, start + addend - at);
        continue;
      }
      let symbol = outside.get(target);
      if (symbol === undefined) {
        symbol = this.object.addUndefined(nameOf(entity<FuncSymbol>(target)));
        outside.set(target, symbol);
      }
      const type = kind === RelocKind.call ? RelocationType.R_X86_64_PLT32 : RelocationType.R_X86_64_PC32;
      this.object.addRelocation(this.section, at, type, symbol, addend);
    }
  }
}
