/**
 * The component compiler: compiles the trampoline of every lowered host function and emits all of them into an ELF object. The compiler
 * itself is built on this interface; it is public API.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { PrimaryMap } from "../base/entity.ts";
import type { CompiledFunction } from "../codegen/compiled.ts";
import type { ComponentTypes } from "../component/types.ts";
import { enumerateProgram, type Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";
import type { ElfObject, SymbolIndex } from "../object/writer.ts";
import type { Component, LoweredIndex, LowerImport } from "../plan/component.ts";
import { FunctionCompiler, type FunctionHook, type FunctionOptions } from "./function.ts";
import type { TrampolineInfo } from "./info.ts";
import { TextEmitter } from "./text.ts";

/** Machine code of a trampoline, with what the object needs to place it. */
export interface CompiledTrampoline {
  readonly symbol: FuncSymbol;
  readonly name: string;
  readonly code: CompiledFunction;
}

export interface ComponentCompiler {
  /**
   * Compiles the trampoline of one `canon lower`ed host function, with the core signature of its Canonical ABI (`flatten_functype`), context
   * first. Throws `WindlassError` for what is not supported.
   */
  compileLoweredTrampoline(component: Component, lowering: LowerImport, types: ComponentTypes): CompiledTrampoline;
  /**
   * Appends the trampolines and their unwind information to `object`; returns where each one is in its `.text`. References to the
   * run-time support stay open until `finish`.
   */
  emitObject(
    trampolines: PrimaryMap<LoweredIndex, CompiledTrampoline>,
    object: ElfObject,
  ): PrimaryMap<LoweredIndex, TrampolineInfo>;
}

/** The component compiler for x86-64. One serves one program at a time, and any number of objects. */
export class X64ComponentCompiler implements ComponentCompiler {
  readonly #options: FunctionOptions;
  readonly #hook: FunctionHook | undefined;
  /** The program of each component that was given, and who compiles its functions. */
  readonly #programs = new WeakMap<Component, { readonly program: Program; readonly functions: FunctionCompiler }>();
  readonly #emitters = new WeakMap<ElfObject, TextEmitter>();

  constructor(options: Partial<FunctionOptions> = {}, hook?: FunctionHook) {
    this.#options = { optLevel: options.optLevel ?? 2, verify: options.verify ?? false };
    this.#hook = hook;
  }

  #program(component: Component): { readonly program: Program; readonly functions: FunctionCompiler } {
    let known = this.#programs.get(component);
    if (known === undefined) {
      const program = enumerateProgram(component, { name: "component", prefix: "component", output: "object" });
      known = { program, functions: new FunctionCompiler(program, this.#options, this.#hook) };
      this.#programs.set(component, known);
    }
    return known;
  }

  compileLoweredTrampoline(component: Component, lowering: LowerImport, types: ComponentTypes): CompiledTrampoline {
    if (types !== component.types) throw new InternalError("compiler", "these are not the component's types");
    const { program, functions } = this.#program(component);
    for (const [index, other] of component.lowerings.entries()) {
      if (other !== lowering) continue;
      const symbol = program.functions.symbolOf({ kind: "lowered", index });
      const code = functions.compile(symbol);
      return { symbol, name: program.functions.get(symbol).name, code };
    }
    throw new InternalError("compiler", "the lowering is not one of the component's");
  }

  /** The text of `object`: one for each object, begun on first use. */
  text(object: ElfObject): TextEmitter {
    let emitter = this.#emitters.get(object);
    if (emitter === undefined) {
      emitter = new TextEmitter(object);
      this.#emitters.set(object, emitter);
    }
    return emitter;
  }

  emitObject(
    trampolines: PrimaryMap<LoweredIndex, CompiledTrampoline>,
    object: ElfObject,
  ): PrimaryMap<LoweredIndex, TrampolineInfo> {
    const text = this.text(object);
    return trampolines.map(({ symbol, name, code }) => ({
      start: text.append(symbol, name, false, code, true),
      length: code.codeLength,
    }));
  }

  /**
   * Ends an object that holds trampolines alone: what they refer to in the run-time support becomes undefined symbols with the names that
   * the support has in a whole object.
   */
  finish(component: Component, object: ElfObject): void {
    const { program } = this.#program(component);
    const data = new Map<number, SymbolIndex>();
    this.text(object).resolve(
      (symbol) => program.functions.get(symbol).name,
      (symbol) => {
        let made = data.get(symbol);
        if (made === undefined) {
          made = object.addUndefined(program.data.get(symbol).name);
          data.set(symbol, made);
        }
        return made;
      },
    );
  }
}
