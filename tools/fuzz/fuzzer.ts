/** The loop: batches of modules through both engines, and bytes through both validators. A failure is reduced and written to a file. */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { caseOf, writeCase, writeVerdict } from "./case.ts";
import { engineRejection, runInEngine } from "./engine.ts";
import { type Generated, generateModule } from "./generate.ts";
import { CONFIGURATIONS, type Configuration, configurationName, type NativeResult, runNatively } from "./native.ts";
import { type Case, difference, type Observed } from "./outcome.ts";
import { Random } from "./random.ts";
import { reduce } from "./reduce.ts";
import { Census } from "./tree.ts";
import { mutate, verdictDifference } from "./verdict.ts";

/** Mutations of each module. */
const MUTATIONS = 6;

export interface FuzzerOptions {
  readonly seed: number;
  /** Modules of one program. */
  readonly batch: number;
  /** Every batch in every configuration; otherwise in two of them, in turn. */
  readonly allConfigurations: boolean;
  /** Milliseconds that a failing module is made smaller for. */
  readonly reduction: number;
  /** Where failing cases go. */
  readonly folder: string;
  readonly report: (line: string) => void;
}

interface Subject {
  readonly seed: number;
  readonly generated: Generated;
  readonly one: Case;
  readonly expected: Observed;
}

export class Fuzzer {
  readonly #options: FuzzerOptions;
  readonly census = new Census();
  readonly totals = { modules: 0, runs: 0, calls: 0, traps: 0, mutants: 0, accepted: 0, bytes: 0, failures: 0 };
  #next: number;
  #batches = 0;
  /** Modules that can't be instantiated run with their like. */
  #failing: Subject[] = [];

  constructor(options: FuzzerOptions) {
    this.#options = options;
    this.#next = options.seed;
  }

  summary(): string {
    const t = this.totals;
    return (
      `${t.modules} modules, ${this.census.functions} functions, ${this.census.instructions} instructions, ${t.bytes} bytes; ` +
      `${t.runs} runs, ${t.calls} calls, ${t.traps} traps; ${t.mutants} mutants, ${t.accepted} valid; ${t.failures} failures`
    );
  }

  async batch(): Promise<void> {
    const subjects: Subject[] = [];
    for (let i = 0; i < this.#options.batch; i++) {
      const subject = this.#make(this.#next++);
      if (subject === undefined) continue;
      if ("trap" in subject.expected.instantiation) this.#failing.push(subject);
      else subjects.push(subject);
    }
    await this.#run(subjects, false);
    if (this.#failing.length >= this.#options.batch) {
      const failing = this.#failing;
      this.#failing = [];
      await this.#run(failing, true);
    }
    this.#batches++;
  }

  #make(seed: number): Subject | undefined {
    const generated = generateModule(new Random(seed));
    const one = caseOf(generated, this.census);
    this.totals.modules++;
    this.totals.bytes += one.bytes.length;
    const rejection = engineRejection(one.bytes);
    if (rejection !== undefined) throw new Error(`seed ${seed} makes an invalid module: ${rejection}`);
    this.#mutants(seed, one.bytes);
    const expected = runInEngine(one);
    this.totals.calls += expected.calls.length;
    this.totals.traps += expected.calls.filter((r) => "trap" in r).length;
    return { seed, generated, one, expected };
  }

  async #run(subjects: readonly Subject[], stepwise: boolean): Promise<void> {
    const pair = this.#batches % 2 === 0 ? CONFIGURATIONS.slice(0, 2) : CONFIGURATIONS.slice(2);
    for (const configuration of this.#options.allConfigurations ? CONFIGURATIONS : pair) {
      const results = await runNatively(
        subjects.map((s) => s.one),
        configuration,
        stepwise,
      );
      this.totals.runs += results.length;
      for (const [i, result] of results.entries()) {
        const subject = subjects[i];
        const failure = subject === undefined ? undefined : failureOf(result, subject.expected, subject.one);
        if (subject !== undefined && failure !== undefined)
          await this.#failed(subject, configuration, stepwise, failure);
      }
    }
  }

  async #failed(subject: Subject, configuration: Configuration, stepwise: boolean, failure: string): Promise<void> {
    const { report, folder } = this.#options;
    this.totals.failures++;
    const name = configurationName(configuration);
    report(`seed ${subject.seed}, ${name}: ${failure}`);
    const kind = kindOf(failure);
    const { reduced, tried } = await reduce(
      subject.generated,
      async (candidate) => {
        const one = caseOf(candidate);
        let expected: Observed;
        try {
          expected = runInEngine(one);
        } catch {
          return false;
        }
        if (expected.calls.some((c) => "trap" in c && c.trap === "stack")) return false;
        const [result] = await runNatively([one], configuration, stepwise);
        const again = result === undefined ? undefined : failureOf(result, expected, one);
        return again !== undefined && kindOf(again) === kind;
      },
      this.#options.reduction,
    );
    const one = caseOf(reduced);
    const path = join(folder, `seed-${subject.seed}`);
    writeCase(path, one, `${name}: ${failure.split("\n")[0]}`);
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
      const path = join(
        this.#options.folder,
        `verdict-${createHash("sha256").update(mutant).digest("hex").slice(0, 12)}`,
      );
      writeVerdict(path, mutant, found);
      this.#options.report(`seed ${seed}, mutant ${i}: ${found}: ${path}.wasm`);
    }
  }
}

function failureOf(result: NativeResult, expected: Observed, { calls }: Case): string | undefined {
  return "failure" in result ? result.failure : difference(expected, result.observed, calls);
}

/** Reducing must not slip from one failure to another. */
function kindOf(failure: string): string {
  if (failure.startsWith("compilation")) return failure.replace(/\d+/g, "");
  return failure.startsWith("the program failed") ? failure : "difference";
}
