/** Modules through the compiler, many in one program, and run natively. */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { tmpdir } from "node:os";
import { coreFuncKey } from "../../src/frontend/api.ts";
import { MemoryDefinition } from "../../src/layout/offsets.ts";
import type { CoreFunc } from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { type BuiltScript, buildScript, reasonOf } from "../../tests/wast/build.ts";
import { type LinkedInstance, ScriptLinker } from "../../tests/wast/linker.ts";
import { callCommand, placeCommand } from "../../tests/wast/child.ts";
import { decodeValues, encodeValues, VALUE_SIZE } from "../../tests/wast/values.ts";
import { ANSWER_HEADER } from "../../src/frontend/script.ts";
import { type Case, normalize, type Observed, type Result, trapResult } from "./outcome.ts";

export interface Configuration {
  readonly optLevel: 0 | 2;
  readonly bounds: "guard" | "explicit";
  /** Verify every function behind every pass. */
  readonly verify: boolean;
}

export const CONFIGURATIONS: readonly [Configuration, ...Configuration[]] = [
  { optLevel: 2, bounds: "guard", verify: false },
  { optLevel: 0, bounds: "explicit", verify: false },
  { optLevel: 2, bounds: "explicit", verify: false },
  { optLevel: 0, bounds: "guard", verify: false },
];

export function configurationName({ optLevel, bounds }: Configuration): string {
  return `-O${optLevel} ${bounds}`;
}

/** A module, and what it is known to do: how long its memories are in the end says how much of them to read. */
export interface Subject {
  readonly one: Case;
  readonly expected: Observed;
}

/** What happened to each module; a text when it was not compiled, or the program failed. */
export type NativeResult = { readonly observed: Observed } | { readonly failure: string };

/** Looks at an executable before it runs; says what is wrong with it. */
export type Inspect = (executable: Uint8Array) => string | undefined;

/** Of processor time: on a busy machine a program may take a while. */
const CPU_SECONDS = 20;
const WALL_SECONDS = 600;
const WIDTH: Readonly<Record<string, number>> = { i: 32, l: 64, f: 32, d: 64 };

/** Answers of a program, in order. Throws `RangeError` where they end. */
class Answers {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  next(size: number): { readonly status: number; readonly bytes: Uint8Array } {
    const end = this.#at + ANSWER_HEADER + size;
    if (end > this.#bytes.length) throw new RangeError("no more answers");
    const bytes = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return {
      status: new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true),
      bytes: bytes.subarray(ANSWER_HEADER),
    };
  }
}

/** What is asked of one module's instance, and what the answers mean. */
class Script {
  readonly #subject: Subject;
  readonly #program: BuiltScript["program"];
  readonly #linked: LinkedInstance;
  readonly #linker: ScriptLinker;
  readonly #functions: ReadonlyMap<string, CoreFunc>;

  constructor(subject: Subject, { program }: BuiltScript, linker: ScriptLinker, { linked, functions }: Loaded) {
    this.#subject = subject;
    this.#program = program;
    this.#linked = linked;
    this.#linker = linker;
    this.#functions = functions;
  }

  get #instantiates(): boolean {
    return "values" in this.#subject.expected.instantiation;
  }

  *#globals(): Generator<readonly [name: string, type: string, at: number]> {
    for (const [name, type] of this.#subject.one.interface.globals) {
      const item = this.#linker.exportOf(this.#linked, name);
      if (item?.sort === "global") yield [name, type, this.#program.offsets.global(item.index)];
    }
  }

  *#memories(): Generator<readonly [length: number, at: number, expected: number]> {
    const { one, expected } = this.#subject;
    for (let i = 0; i < one.interface.memories; i++) {
      const item = this.#linker.exportOf(this.#linked, `m${i}`);
      if (item?.sort !== "memory") continue;
      const { offsets } = this.#program;
      const length = offsets.memoryDefinition(item.index) + MemoryDefinition.currentLength;
      yield [length, offsets.memory(item.index), expected.memories[i]?.length ?? 0];
    }
  }

  commands(): Uint8Array[] {
    const { entries, functions } = this.#program;
    const instantiate = functions.find({ kind: "script-instantiate", instance: this.#linked.index }) ?? entries.first;
    const out = [callCommand("call", instantiate - entries.first, new Uint8Array(), 0)];
    if (!this.#instantiates) return out;
    for (const call of this.#subject.one.calls) {
      const func = this.#functions.get(call.export);
      if (func === undefined) throw new Error(`no function ${call.export}`);
      const entry = functions.symbolOf({ kind: "script-entry", func });
      const results = this.#subject.one.interface.functions.get(call.export)?.results ?? "";
      out.push(callCommand("call", entry - entries.first, encodeValues(call.args), results.length));
    }
    for (const [, , at] of this.#globals()) out.push(placeCommand("read", at, VALUE_SIZE));
    for (const [length, at, expected] of this.#memories()) {
      out.push(placeCommand("read", length, VALUE_SIZE));
      out.push(placeCommand("read", at, expected));
    }
    return out;
  }

  observe(answers: Answers): Observed {
    const { status } = answers.next(0);
    const globals = new Map<string, bigint>();
    if (status !== 0) return { instantiation: trapResult(status), calls: [], globals, memories: [] };
    const instantiation = { values: [] };
    const results: Result[] = [];
    const memories: Uint8Array[] = [];
    if (!this.#instantiates) return { instantiation, calls: results, globals, memories };
    for (const call of this.#subject.one.calls) {
      const types = this.#subject.one.interface.functions.get(call.export)?.results ?? "";
      const answer = answers.next(VALUE_SIZE * types.length);
      if (answer.status !== 0) {
        results.push(trapResult(answer.status));
        continue;
      }
      const values = decodeValues(
        answer.bytes,
        Array.from(types, (t) => WIDTH[t] ?? 64),
      );
      results.push({ values: values.map((v, i) => normalize(types[i] ?? "i", v)) });
    }
    for (const [name, type] of this.#globals()) {
      const [bits = 0n] = decodeValues(answers.next(VALUE_SIZE).bytes, [WIDTH[type] ?? 64]);
      globals.set(name, normalize(type, bits));
    }
    for (const [, , expected] of this.#memories()) {
      const [length = 0n] = decodeValues(answers.next(VALUE_SIZE).bytes, [64]);
      // Of another length it is another memory, whatever is in it.
      if (Number(length) < expected) {
        memories.push(new Uint8Array(Number(length)));
        return { instantiation, calls: results, globals, memories };
      }
      const { bytes } = answers.next(expected);
      memories.push(Number(length) === expected ? bytes : new Uint8Array(expected + 1));
    }
    return { instantiation, calls: results, globals, memories };
  }
}

interface Loaded {
  readonly linked: LinkedInstance;
  /** By export. */
  readonly functions: ReadonlyMap<string, CoreFunc>;
}

/** `stepwise`: some of them can't be instantiated. Never throws for what is wrong with a module. */
export function runNatively(
  subjects: readonly Subject[],
  configuration: Configuration,
  stepwise: boolean,
  inspect: Inspect = () => undefined,
): readonly NativeResult[] {
  // One of them is at fault, and the others need not suffer.
  const fail = (failure: string): readonly NativeResult[] => {
    if (subjects.length === 1) return [{ failure }];
    return subjects.flatMap((subject) => runNatively([subject], configuration, stepwise, inspect));
  };
  const interner = new TypeInterner();
  const linker = new ScriptLinker(interner, configuration.bounds);
  const all = new Map<string, CoreFunc>();
  const loaded: Loaded[] = [];
  let built: BuiltScript;
  try {
    for (const { one } of subjects) {
      const module = decodeModule(one.bytes, undefined, undefined, interner);
      validateModule(module);
      const linked = linker.instantiate(module, new Map());
      const functions = new Map<string, CoreFunc>();
      for (const name of one.interface.functions.keys()) {
        const item = linker.exportOf(linked, name);
        if (item?.sort !== "func") throw new Error(`no function ${name}`);
        functions.set(name, item.func);
        all.set(coreFuncKey(item.func), item.func);
      }
      loaded.push({ linked, functions });
    }
    built = buildScript(
      linker.plan(),
      { functions: [...all.values()], stepwise },
      { ...configuration, sandbox: false },
    );
    const [refused] = built.refused;
    if (refused !== undefined) throw new Error(refused.reason);
  } catch (error) {
    return fail(`compilation: ${reasonOf(error)}`);
  }
  const rejected = inspect(built.executable);
  if (rejected !== undefined) return fail(rejected);
  const scripts = subjects.flatMap((subject, i) => {
    const own = loaded[i];
    return own === undefined ? [] : [new Script(subject, built, linker, own)];
  });
  const { output, failure } = execute(built.executable, Buffer.concat(scripts.flatMap((s) => s.commands())));
  if (failure !== undefined) return fail(failure);
  const answers = new Answers(output);
  try {
    return scripts.map((s) => ({ observed: s.observe(answers) }));
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return fail("the program failed: it ended too early");
  }
}

/** Runs a program with its commands. */
function execute(
  executable: Uint8Array,
  input: Uint8Array,
): { readonly output: Uint8Array; readonly failure: string | undefined } {
  const folder = mkdtempSync(join(tmpdir(), "windlass-fuzz-"));
  try {
    const path = join(folder, "program");
    writeFileSync(path, executable, { mode: 0o755 });
    const { status, signal, error, stdout } = spawnSync(
      "/bin/sh",
      ["-c", `ulimit -t ${CPU_SECONDS} && exec "$0"`, path],
      {
        input,
        env: {},
        maxBuffer: 1 << 30,
        timeout: 1000 * WALL_SECONDS,
        killSignal: "SIGKILL",
        stdio: ["pipe", "pipe", "inherit"],
      },
    );
    const late = error !== undefined && "code" in error && error.code === "ETIMEDOUT";
    const timedOut = late || signal === "SIGXCPU" || (signal === "SIGKILL" && error === undefined);
    const why = timedOut ? `no answer after ${CPU_SECONDS} s` : (signal ?? error?.message ?? `exit code ${status}`);
    return { output: stdout, failure: status === 0 ? undefined : `the program failed: ${why}` };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
