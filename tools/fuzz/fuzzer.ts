/**
 * Blocks of modules through both engines, and mutated bytes through both validators. A failure is reduced and written to a file. Which
 * modules a block has, and in which configuration they run, follows from its first seed alone.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { caseOf, writeCase, writeVerdict } from "./case.ts";
import { Census } from "./encode.ts";
import { engineAccepts, engineRejection, runInEngine } from "./engine.ts";
import type { Features } from "./features.ts";
import { type Generated, generateModule } from "./generate.ts";
import {
  CONFIGURATIONS,
  type Configuration,
  configurationName,
  type Inspect,
  type NativeResult,
  runNatively,
  type Subject,
} from "./native.ts";
import { COMPILED } from "./operators.ts";
import { difference, type Observed } from "./outcome.ts";
import { Random } from "./random.ts";
import { reduce } from "./reduce.ts";
import { mutate, verdictDifference } from "./verdict.ts";

/** Modules of one program. */
export const BLOCK = 16;
/** Mutations of each module. */
const MUTATIONS = 2;
/** An opcode is looked for until this many modules have executed it. */
const ENOUGH = 3;
/** Positions in `CONFIGURATIONS`: -O2 is what has more to go wrong. */
const TURNS = [0, 1, 2, 0, 3, 2];

/** The configuration in which the block of this seed runs, when it runs in one. */
export function blockConfiguration(seed: number): Configuration {
  const [otherwise] = CONFIGURATIONS;
  return CONFIGURATIONS[TURNS[Math.floor(seed / BLOCK) % TURNS.length] ?? 0] ?? otherwise;
}

export interface FuzzerOptions {
  readonly features: Features;
  /** Every block in every configuration; otherwise in one of them, in turn. */
  readonly allConfigurations: boolean;
  /** Milliseconds that a failing module is made smaller for. */
  readonly reduction: number;
  /** Where failing cases go. */
  readonly folder: string;
  readonly inspect?: Inspect;
  readonly report: (line: string) => void;
}

export interface Totals {
  modules: number;
  functions: number;
  instructions: number;
  bytes: number;
  runs: number;
  calls: number;
  traps: number;
  mutants: number;
  accepted: number;
  failures: number;
}

export function noTotals(): Totals {
  return {
    modules: 0,
    functions: 0,
    instructions: 0,
    bytes: 0,
    runs: 0,
    calls: 0,
    traps: 0,
    mutants: 0,
    accepted: 0,
    failures: 0,
  };
}

export function showTotals(t: Totals): string {
  return (
    `${t.modules} modules, ${t.functions} functions, ${t.instructions} instructions, ${t.bytes} bytes; ` +
    `${t.runs} runs, ${t.calls} calls, ${t.traps} traps; ${t.mutants} mutants, ${t.accepted} valid; ${t.failures} failures`
  );
}

interface Seeded extends Subject {
  readonly seed: number;
  readonly generated: Generated;
}

export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly #census = new Census();
  readonly totals = noTotals();
  /** Opcode → modules that executed it, as far as they were counted. */
  readonly executed = new Map<number, number>();

  constructor(options: FuzzerOptions) {
    this.#options = options;
  }

  /** Opcodes that nothing executed, by name. */
  get neverExecuted(): readonly string[] {
    return COMPILED.filter(({ code }) => !this.executed.has(code)).map(({ name }) => name);
  }

  /** Runs the modules of seeds `first` to `first + count - 1`. */
  async block(first: number, count: number): Promise<void> {
    const subjects: Seeded[] = [];
    const failing: Seeded[] = [];
    for (let seed = first; seed < first + count; seed++) {
      try {
        const subject = this.#make(seed);
        // What can't be instantiated runs by itself.
        if ("trap" in subject.expected.instantiation) failing.push(subject);
        else subjects.push(subject);
      } catch (error) {
        this.totals.failures++;
        this.#options.report(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    this.totals.functions = this.#census.functions;
    this.totals.instructions = this.#census.instructions;
    const all = this.#options.allConfigurations;
    for (const configuration of all ? CONFIGURATIONS : [blockConfiguration(first)]) {
      if (subjects.length > 0) await this.#run(subjects, configuration, false);
      if (failing.length > 0) await this.#run(failing, configuration, true);
    }
  }

  #make(seed: number): Seeded {
    const generated = generateModule(new Random(seed), this.#options.features);
    const watched = COMPILED.flatMap(({ code }) => ((this.executed.get(code) ?? 0) < ENOUGH ? [code] : []));
    const one = caseOf(generated, this.#census, watched);
    this.totals.modules++;
    this.totals.bytes += one.bytes.length;
    const rejection = engineRejection(one.engineBytes);
    if (rejection !== undefined) throw new Error(`makes an invalid module: ${rejection}`);
    this.#mutants(seed, engineAccepts(one.bytes) ? one.bytes : one.engineBytes);
    const executed = new Set<number>();
    const expected = runInEngine(one, executed);
    for (const code of executed) this.executed.set(code, (this.executed.get(code) ?? 0) + 1);
    this.totals.calls += expected.calls.length;
    this.totals.traps += expected.calls.filter((r) => "trap" in r).length;
    return { seed, generated, one, expected };
  }

  async #run(subjects: readonly Seeded[], configuration: Configuration, stepwise: boolean): Promise<void> {
    const results = runNatively(subjects, configuration, stepwise, this.#options.inspect);
    this.totals.runs += results.length;
    for (const [i, result] of results.entries()) {
      const subject = subjects[i];
      const failure = subject === undefined ? undefined : failureOf(result, subject);
      if (subject !== undefined && failure !== undefined) await this.#failed(subject, configuration, stepwise, failure);
    }
  }

  async #failed(subject: Seeded, configuration: Configuration, stepwise: boolean, failure: string): Promise<void> {
    const { report, folder, inspect, reduction } = this.#options;
    this.totals.failures++;
    const name = configurationName(configuration);
    report(`seed ${subject.seed}, ${name}: ${failure}`);
    const kind = kindOf(failure);
    const alone = (generated: Generated): string | undefined => {
      const one = caseOf(generated);
      let expected: Observed;
      try {
        expected = runInEngine(one);
      } catch {
        return undefined;
      }
      if (expected.calls.some((c) => "trap" in c && c.trap === "stack")) return undefined;
      const [result] = runNatively([{ one, expected }], configuration, stepwise, inspect);
      return result === undefined ? undefined : failureOf(result, { one, expected });
    };
    const path = join(folder, `seed-${subject.seed}`);
    const first = alone(subject.generated);
    if (first === undefined || kindOf(first) !== kind) {
      writeCase(path, subject.one, `${name}: ${failure.split("\n")[0]}`);
      report(`  only together with its block (seeds from ${subject.seed - (subject.seed % BLOCK)}): ${path}.wasm`);
      return;
    }
    const fails = async (candidate: Generated): Promise<boolean> => {
      const again = alone(candidate);
      return again !== undefined && kindOf(again) === kind;
    };
    const { reduced, tried } = await reduce(subject.generated, fails, reduction);
    const one = caseOf(reduced);
    writeCase(path, one, `${name}: ${alone(reduced)?.split("\n")[0] ?? failure}`);
    report(`  reduced to ${one.bytes.length} bytes with ${tried} runs: ${path}.wasm`);
  }

  #mutants(seed: number, bytes: Uint8Array): void {
    const r = new Random(seed + 0.5 * 0x1_0000_0000);
    for (let i = 0; i < MUTATIONS; i++) {
      const mutant = mutate(r, bytes);
      this.totals.mutants++;
      const { accepted, difference: found } = verdictDifference(mutant);
      if (accepted) this.totals.accepted++;
      if (found === undefined) continue;
      this.totals.failures++;
      const hash = createHash("sha256").update(mutant).digest("hex").slice(0, 12);
      const path = join(this.#options.folder, `verdict-${hash}`);
      writeVerdict(path, mutant, found);
      this.#options.report(`seed ${seed}, mutant ${i}: ${found}: ${path}.wasm`);
    }
  }
}

/** What is wrong with a result; undefined: nothing. */
export function failureOf(result: NativeResult, { expected, one }: Subject): string | undefined {
  return "failure" in result ? result.failure : difference(expected, result.observed, one.calls);
}

/** Reducing must not slip from one failure to another. */
function kindOf(failure: string): string {
  if (failure.startsWith("compilation")) return failure.replace(/\d+/g, "");
  if (failure.startsWith("verifier")) return failure.replace(/^.*: /, "").replace(/\d+/g, "");
  return failure.startsWith("the program failed") ? failure : "difference";
}
