/**
 * One function from its symbol to machine code: front end, verification if asked for, passes, code generation. The same in a worker and
 * without one.
 */

import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { Workspace } from "../base/workspace.ts";
import { type CompiledFunction, NOTHING_INLINED } from "../codegen/compiled.ts";
import type { CodeCache } from "./code-cache.ts";
import { InlineBodies } from "./inlining.ts";
import type { Target } from "../codegen/target.ts";
import { X64Target } from "../codegen/x64/compile.ts";
import { buildCode } from "../frontend/build.ts";
import type { Program } from "../frontend/program.ts";
import type { Func, FuncSymbol } from "../ir/function.ts";
import { verifyFunc } from "../ir/verify.ts";
import { inlineCalls } from "../opt/inline.ts";
import { type OptLevel, optimize } from "../opt/pipeline.ts";

export interface FunctionOptions {
  readonly optLevel: OptLevel;
  /** Run the IR verifier behind the front end and behind every pass. */
  readonly verify: boolean;
}

/** Machine code of a function, and what a cache knows it by. */
export interface KeyedCode {
  readonly code: CompiledFunction;
  readonly key: string | undefined;
}

/** Sees every function behind a stage: `frontend`, a pass's name. The function is gone when the next one is compiled. */
export type FunctionHook = (stage: string, func: Func, symbol: FuncSymbol) => void;

const NO_WORDS = new Uint32Array();
const NO_BYTES = new Uint8Array();
const NO_INTS = new Int32Array();

/** Code that is no IR. */
function rawCode(code: Uint8Array): CompiledFunction {
  return {
    code,
    codeLength: code.length,
    align: 16,
    frameSize: 0,
    relocOffset: NO_WORDS,
    relocKind: NO_BYTES,
    relocSymbol: NO_WORDS,
    relocAddend: NO_INTS,
    trapOffset: NO_WORDS,
    trapCode: NO_BYTES,
    trapLoc: NO_WORDS,
    callOffset: NO_WORDS,
    callLoc: NO_WORDS,
    catchOffset: NO_WORDS,
    ...NOTHING_INLINED,
    unwindOffset: NO_WORDS,
    unwindOp: NO_BYTES,
    unwindA: NO_INTS,
    unwindB: NO_INTS,
  };
}

function check(func: Func, stage: string): void {
  const errors = verifyFunc(func);
  if (errors.length > 0) throw new InternalError(stage, errors.slice(0, 3).join("; "), func.name);
}

/** Compiles functions of one program, one after the other. Keeps the target, whose buffers serve all of them. */
export class FunctionCompiler {
  readonly #program: Program;
  readonly #options: FunctionOptions;
  readonly #hook: FunctionHook | undefined;
  readonly #target: Target;
  /** Memory of the function that is being compiled. */
  readonly #work = new Workspace();
  readonly #bodies: InlineBodies;
  readonly #cache: CodeCache | undefined;

  constructor(program: Program, options: FunctionOptions, hook?: FunctionHook, cache?: CodeCache) {
    this.#program = program;
    this.#options = options;
    this.#target = new X64Target({ quick: options.optLevel === 0 });
    this.#hook = hook;
    this.#bodies = new InlineBodies(program);
    this.#cache = cache;
  }

  /** Throws `WindlassError` for what is not supported; any other fault becomes an `InternalError` that names stage and function. */
  compile(symbol: FuncSymbol): CompiledFunction {
    return this.compileKeyed(symbol).code;
  }

  /** As `compile`; code that the cache has is not made again. */
  compileKeyed(symbol: FuncSymbol): KeyedCode {
    const { verify, optLevel } = this.#options;
    let stage = "frontend";
    try {
      this.#work.begin();
      const built = buildCode(this.#program, symbol, this.#work);
      if (built.kind === "code") return { code: rawCode(built.code), key: undefined };
      const { func } = built;
      if (verify) check(func, stage);
      this.#hook?.(stage, func, symbol);
      stage = "opt";
      if (optLevel === 2 && !func.attributes.entry && inlineCalls(func, symbol, this.#bodies)) {
        if (verify) check(func, "opt inline");
        this.#hook?.("inline", func, symbol);
      }
      const key = this.#cache?.key(func, symbol);
      const known = key === undefined ? undefined : this.#cache?.find(key, symbol);
      if (known !== undefined) return { code: known, key };
      optimize(func, optLevel, (pass) => {
        if (verify) check(func, `opt ${pass}`);
        this.#hook?.(pass, func, symbol);
      });
      stage = "codegen";
      return { code: this.#target.compileFunction(func), key };
    } catch (error) {
      if (error instanceof WindlassError || error instanceof InternalError) throw error;
      const message = error instanceof Error ? error.message : String(error);
      throw new InternalError(stage, message, this.#program.functions.get(symbol).name, { cause: error });
    }
  }
}
