/**
 * Puts compiled functions and the program's data together: text in the order of symbols, trampolines by the component compiler's own
 * `emitObject`, data objects whose bytes follow from the text's layout, the sections for tools. The result is an object under construction,
 * which becomes a relocatable file or an executable.
 */

import { InternalError } from "../base/diagnostics.ts";
import { entity, PrimaryMap } from "../base/entity.ts";
import { dataBytes, hasUnwindInfo } from "../frontend/link-data.ts";
import type { Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";
import { ElfObject, Sections, type SymbolIndex } from "../object/writer.ts";
import type { LoweredIndex } from "../plan/component.ts";
import { type CompiledTrampoline, X64ComponentCompiler } from "./component-compiler.ts";
import { sandboxPolicy } from "./sandbox.ts";
import type { CompiledFunctions } from "./records.ts";
import type { TextEmitter } from "./text.ts";
import { encodeInfo, encodeTrampolines, type ObjectInfo, type TrampolineInfo } from "./info.ts";

export interface LinkedProgram {
  readonly object: ElfObject;
  readonly trampolines: PrimaryMap<LoweredIndex, TrampolineInfo>;
  /** Of `_start`, in an executable. */
  readonly entry: SymbolIndex | undefined;
  /** Bytes of machine code. */
  readonly textSize: number;
}

/** Function symbols of the lowered trampolines, which are consecutive. */
function loweredSymbols(program: Program): readonly FuncSymbol[] {
  return [...program.component.lowerings.keys()].map((index) => program.functions.symbolOf({ kind: "lowered", index }));
}

/**
 * A program's text. Functions are appended in the order of symbols, as soon as those before are there: one thread can do it while others
 * still compile.
 */
export class ProgramText {
  readonly object = new ElfObject();
  readonly text: TextEmitter;
  readonly #program: Program;
  readonly #compiler = new X64ComponentCompiler();
  readonly #lowered: readonly FuncSymbol[];
  #infos = new PrimaryMap<LoweredIndex, TrampolineInfo>();
  /** The first symbol that was not appended. */
  #next = 0;

  /** `name`: of the file, for debuggers. */
  constructor(program: Program, name: string) {
    this.#program = program;
    this.#lowered = loweredSymbols(program);
    this.object.addFile(name);
    this.text = this.#compiler.text(this.object);
  }

  /** Appends what `compiled` has of the functions behind the last that was appended, up to the first that is not there. */
  advance(compiled: CompiledFunctions): void {
    const { functions } = this.#program;
    while (this.#next < functions.size) {
      const symbol = entity<FuncSymbol>(this.#next);
      if (symbol === this.#lowered[0]) {
        if (!this.#appendLowered(compiled)) return;
        continue;
      }
      const code = compiled.get(symbol);
      if (code === undefined) return;
      const { name, global } = functions.get(symbol);
      this.text.append(symbol, name, global, code, hasUnwindInfo(this.#program, symbol));
      this.#next++;
    }
  }

  /** False when one of them is not there. */
  #appendLowered(compiled: CompiledFunctions): boolean {
    const trampolines = new PrimaryMap<LoweredIndex, CompiledTrampoline>();
    for (const symbol of this.#lowered) {
      const code = compiled.get(symbol);
      if (code === undefined) return false;
      trampolines.push({ symbol, name: this.#program.functions.get(symbol).name, code });
    }
    this.#infos = this.#compiler.emitObject(trampolines, this.object);
    this.#next += this.#lowered.length;
    return true;
  }

  /** Appends the rest; returns where trampolines of host functions are. Throws `InternalError` when a function is not there. */
  finish(compiled: CompiledFunctions): PrimaryMap<LoweredIndex, TrampolineInfo> {
    this.advance(compiled);
    const { functions } = this.#program;
    if (this.#next < functions.size) {
      const { name } = functions.get(entity<FuncSymbol>(this.#next));
      throw new InternalError("link", "was not compiled, or what is with it", name);
    }
    return this.#infos;
  }
}

/** `begun`: the program's text, when some of it is there already. */
export function linkProgram(
  program: Program,
  compiled: CompiledFunctions,
  info: ObjectInfo,
  begun: ProgramText = new ProgramText(program, info.name),
): LinkedProgram {
  const trampolines = begun.finish(compiled);
  const { object, text } = begun;
  const layout = text.layout(program.functions.size);
  const dataSymbols: SymbolIndex[] = [];
  const places = new Map<number, number>();
  for (const [symbol, item] of program.data.entries()) {
    if (item.content.kind === "zero") {
      const section = object.section(Sections.bss);
      const at = object.sections.get(section).reserve(item.content.size, item.align);
      dataSymbols.push(object.addData(item.name, section, at, item.content.size));
    } else {
      if (item.writable) throw new InternalError("link", "is writable and not zero", item.name);
      const section = object.section(Sections.rodata);
      const bytes = dataBytes(program, symbol, layout);
      const at = object.append(section, bytes, item.align);
      places.set(symbol, at);
      dataSymbols.push(object.addData(item.name, section, at, bytes.length));
    }
  }
  text.resolve(
    (symbol) => {
      throw new InternalError("link", "is called but not in the text", `@${symbol}`);
    },
    (symbol) => dataSymbols[symbol] ?? fail(`data object $${symbol}`),
  );
  object.append(object.section(Sections.trampolines), encodeTrampolines(trampolines), 4);
  object.append(
    object.section(Sections.info),
    encodeInfo({ ...info, sandbox: sandboxPolicy(program, compiled, (symbol) => places.get(symbol)) }),
    1,
  );
  const start = program.functions.find({ kind: "start" });
  return {
    object,
    trampolines,
    entry: start === undefined ? undefined : text.symbolOf(start),
    textSize: object.sections.get(text.section).size,
  };
}

function fail(what: string): never {
  throw new InternalError("link", `${what} does not exist`);
}
