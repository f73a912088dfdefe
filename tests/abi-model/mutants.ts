/**
 * Which mutations of adapters (`mutations.ts`) random calls notice. Components are compiled once; a mutant differs from them in the functions that
 * emit something at its site, and only calls that reach one of these can tell. A call counts when the component as it is passes it.
 */

import { AssertionError } from "node:assert/strict";
import { RelocKind, type CompiledFunction } from "../../src/codegen/compiled.ts";
import { FunctionCompiler } from "../../src/compiler/function.ts";
import type { Program } from "../../src/frontend/program.ts";
import type { FuncSymbol } from "../../src/ir/function.ts";
import { planOfText } from "../support/components.ts";
import { linkScript, scriptProgram } from "../wast/build.ts";
import { ChildFailure } from "../wast/child.ts";
import { Mutations } from "./mutations.ts";
import { Pair, statistics } from "./pair.ts";
import { Random } from "./random.ts";
import { denseSignatures, POINTERS, randomSignature } from "./signatures.ts";
import { pairText, type Signature } from "./wat.ts";

const OPTIONS = { optLevel: 0, verify: false } as const;
/** Signatures of a random component. */
const FUNCTIONS = 25;
/** A mutant gets so many calls of each signature that reaches it, in rounds over all components … */
const ROUNDS: readonly number[] = [4, 40, 250, 1500];
/** … until it is noticed, or had this many in all. */
const CALLS = 6_000;

/** A component, compiled. */
class Subject {
  readonly #mutations: Mutations;
  readonly #seed: number;
  readonly #signatures: readonly Signature[];
  readonly #program: Program;
  readonly #compiled: ReadonlyMap<FuncSymbol, CompiledFunction>;
  /** The functions that have a site. */
  readonly #functions: ReadonlyMap<string, readonly FuncSymbol[]>;
  /** By signature: functions that calls of it may come to. */
  readonly #reached: readonly ReadonlySet<FuncSymbol>[];
  #whole: Pair | undefined;

  private constructor(seed: number, signatures: readonly Signature[], program: Program, mutations: Mutations) {
    this.#mutations = mutations;
    this.#seed = seed;
    this.#signatures = signatures;
    this.#program = program;
    const symbols = [...program.functions.keys()];
    const functions = new Map<string, FuncSymbol[]>();
    const compiler = new FunctionCompiler(program, OPTIONS);
    const compiled = new Map<FuncSymbol, CompiledFunction>();
    for (const symbol of symbols) {
      const { result, sites } = mutations.withSites(() => compiler.compile(symbol));
      for (const site of sites) functions.set(site, [...(functions.get(site) ?? []), symbol]);
      compiled.set(symbol, result);
    }
    this.#compiled = compiled;
    this.#functions = functions;
    this.#reached = signatures.map((_, i) => this.#reachedBy(exportEntry(program, `run${i}`), symbols));
  }

  static async make(seed: number, signatures: readonly Signature[], mutations: Mutations): Promise<Subject> {
    return new Subject(seed, signatures, scriptProgram(await planOfText(pairText(signatures))), mutations);
  }

  get sites(): Iterable<string> {
    return this.#functions.keys();
  }

  #reachedBy(entry: FuncSymbol, symbols: readonly FuncSymbol[]): ReadonlySet<FuncSymbol> {
    const reached = new Set<FuncSymbol>([entry]);
    for (const symbol of reached) {
      const code = this.#compiled.get(symbol);
      code?.relocSymbol.forEach((target, i) => {
        const kind = code.relocKind[i];
        const callee = symbols[target];
        if (callee !== undefined && (kind === RelocKind.call || kind === RelocKind.func)) reached.add(callee);
      });
    }
    return reached;
  }

  /** Signatures whose calls may come to a site. */
  callers(site: string): readonly number[] {
    const functions = this.#functions.get(site) ?? [];
    return [...this.#signatures.keys()].filter((i) => functions.some((symbol) => this.#reached[i]?.has(symbol)));
  }

  /** The component without what is emitted at a site, in a process. */
  startWithout(site: string): Promise<Pair> {
    const compiled = new Map(this.#compiled);
    this.#mutations.without(site, () => {
      const compiler = new FunctionCompiler(this.#program, OPTIONS);
      for (const symbol of this.#functions.get(site) ?? []) compiled.set(symbol, compiler.compile(symbol));
    });
    return this.#start(compiled);
  }

  #start(compiled: ReadonlyMap<FuncSymbol, CompiledFunction>): Promise<Pair> {
    return Pair.run(this.#signatures, this.#program, linkScript(this.#program, compiled, OPTIONS.optLevel));
  }

  /** Call number `n` of a signature. */
  check(pair: Pair, signature: number, n: number): Promise<void> {
    return pair.check(new Random((this.#seed << 20) ^ (signature << 12) ^ n), signature, statistics());
  }

  /** The same by the component as it is. */
  async checkWhole(signature: number, n: number): Promise<void> {
    this.#whole ??= await this.#start(this.#compiled);
    await this.check(this.#whole, signature, n);
  }

  close(): void {
    this.#whole?.close();
  }
}

function exportEntry(program: Program, name: string): FuncSymbol {
  return program.exportEntry(program.api.exports.findIndex((e) => e.path.at(-1) === name));
}

/** What was noticed of a mutant, or how many calls noticed nothing. */
export type Verdict =
  | { readonly noticed: true; readonly what: string; readonly calls: number }
  | { readonly noticed: false; readonly calls: number };

/** A process with a mutant in it, and the calls that it gets. */
interface Trial {
  readonly subject: Subject;
  readonly callers: readonly number[];
  pair: Pair | undefined;
}

export class Mutants {
  readonly #subjects: readonly Subject[];
  readonly sites: readonly string[];

  private constructor(subjects: readonly Subject[]) {
    this.#subjects = subjects;
    this.sites = [...new Set(subjects.flatMap((s) => [...s.sites]))].sort();
  }

  /** Components of few and small signatures of all address types, and `random` more of random ones, with handles and without. */
  static async make(random: number): Promise<Mutants> {
    const mutations = new Mutations();
    const subjects: Subject[] = [];
    for (const pointers of POINTERS.slice(1)) {
      subjects.push(await Subject.make(1 + subjects.length, denseSignatures(pointers), mutations));
    }
    for (let i = 0; i < random; i++) {
      const r = new Random(1 + i);
      const pointers = POINTERS[i % POINTERS.length];
      if (pointers === undefined) continue;
      const signatures = r.list(FUNCTIONS, () => randomSignature(r, i % 2 === 0 ? 0 : 40, pointers));
      subjects.push(await Subject.make(1 + subjects.length, signatures, mutations));
    }
    return new Mutants(subjects);
  }

  /** Whether the mutation of a site is noticed. Throws when a call fails without a mutation. */
  async try(site: string): Promise<Verdict> {
    const trials: Trial[] = this.#subjects
      .map((subject) => ({ subject, callers: subject.callers(site), pair: undefined }))
      .filter(({ callers }) => callers.length > 0);
    let calls = 0;
    try {
      let first = 0;
      for (const end of ROUNDS) {
        for (const trial of trials) {
          trial.pair ??= await trial.subject.startWithout(site);
          for (let n = first; n < end; n++) {
            for (const signature of trial.callers) {
              if (calls++ >= CALLS) return { noticed: false, calls };
              const what = await difference(trial, trial.pair, signature, n);
              if (what !== undefined) return { noticed: true, what, calls };
            }
          }
        }
        first = end;
      }
      return { noticed: false, calls };
    } finally {
      for (const { pair } of trials) pair?.close();
    }
  }

  close(): void {
    for (const subject of this.#subjects) subject.close();
  }
}

async function difference({ subject }: Trial, pair: Pair, signature: number, n: number): Promise<string | undefined> {
  try {
    await subject.check(pair, signature, n);
    return undefined;
  } catch (error) {
    if (!(error instanceof AssertionError || error instanceof ChildFailure)) throw error;
    await subject.checkWhole(signature, n);
    return error.message.split("\n")[0] ?? "";
  }
}
