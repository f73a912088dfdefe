/**
 * The whole compiler on one page: the bytes of a component, or of a core module, in, an object or an executable out.
 *
 *     parse → validate → plan → program → compile every function → link → object file, or executable image
 *
 * Every stage's result can be dumped (`emit`); long ones report progress.
 */

import { InternalError } from "../base/diagnostics.ts";
import { generateCoreHeader } from "../bindings/core-header.ts";
import { generateHeader } from "../bindings/header.ts";
import { CodeCache } from "../compiler/code-cache.ts";
import * as front from "../compiler/front.ts";
import { FunctionCompiler, type FunctionOptions } from "../compiler/function.ts";
import type { FunctionDescription, ObjectInfo, TrampolineInfo } from "../compiler/info.ts";
import { linkProgram, ProgramText } from "../compiler/link.ts";
import type { CompiledProgram, CompilerThreads, Pool, WorkerSetup } from "../compiler/pool.ts";
import { CodeStore } from "../compiler/records.ts";
import type { PrimaryMap } from "../base/entity.ts";
import type { WitDocs } from "../component/docs.ts";
import type { TypeFuncIndex } from "../component/types.ts";
import { cIdentifier, isReservedWord } from "../frontend/names.ts";
import type { Program } from "../frontend/program.ts";
import { printFunc } from "../ir/print.ts";
import { writeExecutable, writeShared } from "../object/image.ts";
import type { OptLevel } from "../opt/pipeline.ts";
import type { Component, CoreItem, HostAbi, LoweredIndex } from "../plan/component.ts";
import { coreItemType, printPlan } from "../plan/print.ts";
import { witFunc } from "../plan/wit.ts";
import { type FuncType, funcTypeName } from "../wasm/types.ts";
import { VERSION } from "./version.ts";

export const TARGET = "x86_64-linux";

/** Where the machine code of the last build is kept, for the next one. */
export interface CompileCache {
  /** The compiler's build: code of another one is not used. */
  readonly seed: string;
  /** The bytes that `store` was called with last, or any others; undefined: there are none. */
  readonly pack: Uint8Array | undefined;
  /** SHA-256, in hexadecimal digits. */
  hash(bytes: Uint8Array): string;
  /** Not called when `pack` is the same. */
  store(pack: Uint8Array): void;
}

export interface CompileOptions {
  /** The component's name in symbols and messages. Default `component`. */
  readonly name?: string | undefined;
  /** `object`: a relocatable file and a C header. `executable`: a static program; the component exports `wasi:cli/run`. */
  readonly output: "object" | "executable";
  /** What C names begin with. Default: the name as an identifier. */
  readonly prefix?: string | undefined;
  /** How exports and host functions are called. Default `typed`. */
  readonly hostAbi?: HostAbi | undefined;
  /** Exceptions: by an import's interface (`acme:log/types`), or interface and function (`acme:log/types write`). */
  readonly importAbis?: readonly (readonly [name: string, abi: HostAbi])[] | undefined;
  readonly optLevel?: OptLevel | undefined;
  /** How 32-bit memories are bounded. Default `guard`. */
  readonly bounds?: "guard" | "explicit" | undefined;
  /** Of an object: its name as a shared object, which it then is instead of a relocatable file. */
  readonly soname?: string | undefined;
  /** Of an object: loops and calls ask whether the host wants the guest to stop. Default false. */
  readonly interruptible?: boolean | undefined;
  /** Of an object with the host ABI `typed`: it describes its interface, and takes calls with values of any types. Default false. */
  readonly describes?: boolean | undefined;
  /** The built-in WASI's core module. An executable needs it; without it an object's WASI imports are the host's. */
  readonly builtinWasi?: Uint8Array | undefined;
  /** Settings of the built-in WASI that are fixed in the output, each `NAME=value`: `WINDLASS_DIR=.::/`. */
  readonly configuration?: readonly string[] | undefined;
  /**
   * Compile in this many threads, this one among them; `auto`: in as many as the machine has and the input is worth; or in those that
   * `compilerThreads` started. Default 1.
   */
  readonly workers?: number | "auto" | CompilerThreads | undefined;
  /** The output is the same with it and without. Not used when `verify` is set. */
  readonly cache?: CompileCache | undefined;
  /** Verify the plan, and every function behind every pass. */
  readonly verify?: boolean | undefined;
  /** Stop behind a stage with its dump. */
  readonly emit?: "plan" | "header" | "ir" | "asm" | undefined;
  readonly onProgress?: (stage: string, done: number, total: number) => void;
  /** Milliseconds and items of each stage, when it is done. */
  readonly onStage?: (stage: string, milliseconds: number) => void;
}

export interface CompileResult {
  /** The file; empty when `emit` asked for a dump. */
  readonly bytes: Uint8Array;
  /** The C header of an object, else empty. */
  readonly header: string;
  /** What `emit` asked for, else empty. */
  readonly dump: string;
  /** What is wrong with the input and harms nothing. */
  readonly warnings: readonly string[];
  readonly component: Component;
  readonly trampolines: PrimaryMap<LoweredIndex, TrampolineInfo> | undefined;
  readonly textSize: number;
  readonly functions: number;
}

/** Throws `WindlassError` for what is the input's or the caller's fault, `InternalError` for ours. */
export async function compile(bytes: Uint8Array, options: CompileOptions): Promise<CompileResult> {
  const { emit } = options;
  const stage = stageTimer(options);
  const name = options.name ?? "component";
  const frontOptions: front.FrontOptions = {
    name,
    prefix: cPrefix(options.prefix ?? name),
    output: options.output,
    hostAbi: options.hostAbi ?? "typed",
    importAbis: options.importAbis ?? [],
    bounds: options.bounds ?? "guard",
    interruptible: options.interruptible ?? false,
    describes: options.describes ?? false,
    builtinWasi: options.builtinWasi,
    configuration: options.configuration ?? [],
  };
  const functionOptions: FunctionOptions = { optLevel: options.optLevel ?? 2, verify: options.verify ?? false };

  const parsed = stage("decode", () => front.parse(bytes));
  front.checkOptions(parsed, frontOptions);
  const cache = functionOptions.verify ? undefined : options.cache;
  const kept = cache && { seed: `${cache.seed} -O${functionOptions.optLevel}`, pack: cache.pack };
  const setup = { bytes, front: frontOptions, functions: functionOptions, cache: kept };
  const team = await gather(parsed, options, setup);
  try {
    const validated = stage("validate", () => front.validate(parsed));
    const component = stage("translate", () => front.plan(parsed, frontOptions));
    team?.pool.approve(front.planFacts(component, validated));
    const { docs, warnings } = front.docs(parsed);
    const nothing = {
      bytes: new Uint8Array(),
      header: "",
      dump: "",
      warnings,
      component,
      trampolines: undefined,
      textSize: 0,
    };
    if (emit === "plan") return { ...nothing, dump: printPlan(component), functions: 0 };

    const program = stage("enumerate", () => front.program(component, frontOptions, validated));
    const functions = program.functions.size;
    const header = options.output === "object" ? headerOf(component, program, name, docs) : "";
    if (emit === "header") return { ...nothing, dump: header, functions };
    if (emit === "ir") return { ...nothing, dump: dumpIr(program, functionOptions), functions };

    const start = performance.now();
    const text = new ProgramText(program, name);
    const known = cache && kept && new CodeCache(program, kept.seed, cache.hash, kept.pack);
    const { code, keys } = await compileAll(program, functionOptions, known, team?.pool, text, options);
    if (known?.holds(keys) === false) cache?.store(known.writePack(code, keys));
    options.onStage?.("compile", performance.now() - start);
    if (emit === "asm") {
      const { printAssembly } = await import("./assembly.ts");
      return { ...nothing, dump: await printAssembly(program, code), functions };
    }

    const info = describeObject(component, program, frontOptions, functionOptions);
    const linked = stage("link", () => linkProgram(program, code, info, text));
    const file = stage("write", () => {
      if (options.output === "object") {
        const { soname } = options;
        return soname === undefined ? linked.object.toBytes() : writeShared(linked.object, soname, program.faults);
      }
      if (linked.entry === undefined) throw new InternalError("link", "an executable without an entry");
      return writeExecutable(linked.object, linked.entry);
    });
    const { trampolines, textSize } = linked;
    return { bytes: file, header, dump: "", warnings, component, trampolines, textSize, functions };
  } finally {
    await team?.stop();
  }
}

function headerOf(component: Component, program: Program, name: string, docs: WitDocs): string {
  const { core, api } = program;
  const { interruptible, faults, describes } = program;
  const traits = { interruptible, faults, describes };
  if (core !== undefined) return generateCoreHeader(component, core, api.prefix, name, VERSION, traits);
  return generateHeader(component, api, name, VERSION, traits, docs);
}

function stageTimer(options: CompileOptions): <T>(name: string, run: () => T) => T {
  return (name, run) => {
    options.onProgress?.(name, 0, 0);
    const start = performance.now();
    const result = run();
    options.onStage?.(name, performance.now() - start);
    return result;
  };
}

/**
 * Threads for the `workers` of several compilations: in all but the first they have warmed up. They keep no process alive; `close` ends them.
 *
 * `count`: at least 1, the caller's own among them.
 */
export async function compilerThreads(count: number): Promise<CompilerThreads> {
  const pool = await import("../compiler/pool.ts");
  return new pool.CompilerThreads(count);
}

interface Team {
  readonly pool: Pool;
  stop(): Promise<void>;
}

/** Other threads, where they are allowed, there is enough to do, and code is what is asked for. */
async function gather(
  parsed: front.Input,
  options: CompileOptions,
  setup: Omit<WorkerSetup, "state">,
): Promise<Team | undefined> {
  const { workers = 1, emit } = options;
  if (workers === 1 || (emit !== undefined && emit !== "asm")) return undefined;
  // Loaded when it is wanted: the rest of the compiler needs no worker threads.
  const { CompilerThreads: Threads, Pool, usefulThreads } = await import("../compiler/pool.ts");
  if (typeof workers === "object") {
    const pool = new Pool(setup, workers);
    return { pool, stop: async () => pool.stop() };
  }
  const count = workers === "auto" ? usefulThreads(front.codeSize(parsed)) : workers;
  if (count === 1) return undefined;
  const threads = new Threads(count);
  const pool = new Pool(setup, threads);
  return {
    pool,
    stop: () => {
      pool.stop();
      return threads.close();
    },
  };
}

/** Machine code of every function, by symbol. With other threads some of it is in `text` then. */
async function compileAll(
  program: Program,
  functionOptions: FunctionOptions,
  cache: CodeCache | undefined,
  pool: Pool | undefined,
  text: ProgramText,
  options: CompileOptions,
): Promise<CompiledProgram> {
  const total = program.functions.size;
  const report = (done: number): void => options.onProgress?.("compile", done, total);
  const compiler = new FunctionCompiler(program, functionOptions, undefined, cache);
  if (pool !== undefined) return pool.compile(compiler, total, report, (compiled) => text.advance(compiled));
  const all = new CodeStore(total);
  const keys: (string | undefined)[] = [];
  for (const symbol of program.functions.keys()) {
    const { code, key } = compiler.compileKeyed(symbol);
    all.put(symbol, code);
    keys.push(key);
    if ((symbol & 63) === 0) report(symbol);
  }
  return { code: all, keys };
}

/** The IR of every function as it goes into code generation. */
function dumpIr(program: Program, options: FunctionOptions): string {
  const parts: string[] = [];
  let last = "";
  const compiler = new FunctionCompiler(program, options, (_stage, func) => {
    last = printFunc(func);
  });
  for (const symbol of program.functions.keys()) {
    last = "";
    compiler.compile(symbol);
    parts.push(`; @${symbol}\n${last}`);
  }
  return parts.join("\n");
}

/** With `_t`, or as the name of a structure, these are somebody else's. */
const TAKEN_PREFIX =
  /^(u?int((_(least|fast))?(8|16|32|64))?|u?int(ptr|max)|s?size|ptrdiff|sig|max_align|nullptr|wchar|char(8|16|32)|windlass|std)(_|$)/i;

/** A C identifier: what a name of a file becomes as a prefix. */
export function cPrefix(name: string): string {
  const identifier = cIdentifier(name);
  const usable = /^[A-Za-z]/.test(identifier) && !TAKEN_PREFIX.test(identifier) && !isReservedWord(identifier);
  return usable ? identifier : `component_${identifier}`;
}

function describeOptions(frontOptions: front.FrontOptions, functionOptions: FunctionOptions) {
  return {
    format: 1,
    compiler: VERSION,
    target: TARGET,
    name: frontOptions.name,
    output: frontOptions.output,
    options: {
      optimize: functionOptions.optLevel,
      bounds: frontOptions.bounds,
      ...(frontOptions.interruptible ? { interruptible: true } : {}),
      ...(frontOptions.describes ? { describes: true } : {}),
      hostAbi: frontOptions.hostAbi,
      prefix: frontOptions.prefix,
    },
  } as const;
}

/** Of a core module: `func` and its type, `memory` and its limits. */
function describeItem(component: Component, item: CoreItem): Pick<FunctionDescription, "type" | "core"> {
  const core = coreItemType(component, item);
  return { type: `core ${item.kind}`, core };
}

function describeObject(
  component: Component,
  program: Program,
  frontOptions: front.FrontOptions,
  functionOptions: FunctionOptions,
): ObjectInfo {
  const { core } = component;
  if (core !== undefined) {
    return {
      ...describeOptions(frontOptions, functionOptions),
      lowerings: [],
      exports: core.exports.map(({ name, item }) => ({ path: [name], ...describeItem(component, item) })),
      imports: core.imports.map(({ module, name, item }) => ({
        path: [module, name],
        ...describeItem(component, item),
      })),
    };
  }
  const describe = (path: readonly string[], type: TypeFuncIndex, signature: FuncType): FunctionDescription => ({
    path,
    type: witFunc(component.types, type, (r) => component.resources.get(r).name),
    core: funcTypeName(signature),
  });
  return {
    ...describeOptions(frontOptions, functionOptions),
    lowerings: component.lowerings.values().map(({ import: from, type, signature, callee }) => ({
      ...describe(component.imports.get(from).path, type, signature),
      callee: callee.kind === "host" ? callee.abi : "builtin",
    })),
    exports: program.api.exports.map(({ path, lifted }) => describe(path, lifted.type, lifted.signature)),
  };
}
