/**
 * Puts compiled functions and the program's data together: text in the order of symbols, trampolines by the component compiler's own
 * `emitObject`, data objects whose bytes follow from the text's layout, the sections for tools. The result is an object under construction,
 * which becomes a relocatable file or an executable.
 */

import { InternalError } from "../base/diagnostics.ts";
import { PrimaryMap } from "../base/entity.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import { dataBytes, hasUnwindInfo } from "../frontend/link-data.ts";
import type { Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";
import { ElfObject, Sections, type SymbolIndex } from "../object/writer.ts";
import type { LoweredIndex } from "../plan/component.ts";
import { type CompiledTrampoline, X64ComponentCompiler } from "./component-compiler.ts";
import { sandboxPolicy } from "./sandbox.ts";
import type { CompiledFunctions } from "./records.ts";
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

export function linkProgram(
  program: Program,
  compiled: CompiledFunctions,
  info: ObjectInfo,
  compiler: X64ComponentCompiler = new X64ComponentCompiler(),
): LinkedProgram {
  const object = new ElfObject();
  object.addFile(info.name);
  const text = compiler.text(object);
  const code = (symbol: FuncSymbol): CompiledFunction => {
    const found = compiled.get(symbol);
    if (found === undefined) throw new InternalError("link", "was not compiled", program.functions.get(symbol).name);
    return found;
  };
  const lowered = loweredSymbols(program);
  const firstLowered = lowered[0];
  const isLowered = new Set<FuncSymbol>(lowered);
  const trampolines = new PrimaryMap<LoweredIndex, CompiledTrampoline>(
    lowered.map((symbol) => ({ symbol, name: program.functions.get(symbol).name, code: code(symbol) })),
  );
  let infos = new PrimaryMap<LoweredIndex, TrampolineInfo>();
  for (const [symbol, { name, global }] of program.functions.entries()) {
    if (symbol === firstLowered) infos = compiler.emitObject(trampolines, object);
    if (!isLowered.has(symbol)) text.append(symbol, name, global, code(symbol), hasUnwindInfo(program, symbol));
  }

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
  object.append(object.section(Sections.trampolines), encodeTrampolines(infos), 4);
  object.append(
    object.section(Sections.info),
    encodeInfo({ ...info, sandbox: sandboxPolicy(program, compiled, (symbol) => places.get(symbol)) }),
    1,
  );
  const start = program.functions.find({ kind: "start" });
  return {
    object,
    trampolines: infos,
    entry: start === undefined ? undefined : text.symbolOf(start),
    textSize: object.sections.get(text.section).size,
  };
}

function fail(what: string): never {
  throw new InternalError("link", `${what} does not exist`);
}
