/**
 * One process of `npm run fuzz:planted`, under the engine that is compared with: looks for bugs, one after the other, each in a copy of the
 * compiler of its own. What modules do, and what the compiler without the bug makes of them, is found out once for all bugs; a program is looked
 * at and run only where its code is another one. What the sandbox verifier rejects of a program that it rejects without the bug as well says nothing.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { REJECTED, unproved } from "../../tests/support/sandbox.ts";
import { BLOCK, blockConfiguration, failureOf } from "./fuzzer.ts";
import { caseOf } from "./case.ts";
import { runInEngine } from "./engine.ts";
import { engineFeatures } from "./features.ts";
import { generateModule } from "./generate.ts";
import { type Inspect, runNatively, type Subject } from "./native.ts";
import { Random } from "./random.ts";

export interface HuntOrder {
  /** The copy with the bug. */
  readonly folder: string;
  readonly seed: number;
  readonly modules: number;
  /** Whether the verifier looks for the bug, too. */
  readonly sandbox: boolean;
}

export type HuntMessage =
  | { readonly kind: "alive"; readonly modules: number }
  /** `how`: the first difference; undefined: none. `changed`: programs whose code was another one. */
  | { readonly kind: "done"; readonly how: string | undefined; readonly modules: number; readonly changed: number };

interface Program {
  readonly subjects: readonly (Subject & { readonly seed: number })[];
  readonly stepwise: boolean;
  /** Of what the compiler makes without a bug. */
  readonly hash: string;
}

type Run = typeof runNatively;

/** Thrown where a program need not run. */
const SEEN = new Error("seen");

const features = engineFeatures();
/** By first seed. */
const blocks = new Map<number, readonly Program[]>();

function hashOf(executable: Uint8Array): string {
  return createHash("sha256").update(executable).digest("hex");
}

interface Failure {
  readonly seed: number;
  readonly text: string;
}

/** Runs what `inspect` lets run. */
function runUnlessSeen(run: Run, first: number, { subjects, stepwise }: Program, inspect: Inspect): readonly Failure[] {
  try {
    const results = run(subjects, blockConfiguration(first), stepwise, inspect);
    return results.flatMap((result, i) => {
      const subject = subjects[i];
      const failure = subject === undefined ? undefined : failureOf(result, subject);
      return subject === undefined || failure === undefined
        ? []
        : [{ seed: subject.seed, text: failure.split("\n")[0] ?? "" }];
    });
  } catch (error) {
    if (error === SEEN) return [];
    throw error;
  }
}

/** Whether the verifier rejects the module of this seed without a bug, too. */
function isRejected(first: number, program: Program, seed: number): boolean {
  const subjects = program.subjects.filter((s) => s.seed === seed);
  let rejected = false;
  runUnlessSeen(runNatively, first, { ...program, subjects }, (executable) => {
    rejected = unproved(executable) !== undefined;
    throw SEEN;
  });
  return rejected;
}

/** What shows the bug. */
function differenceOf(first: number, program: Program, failures: readonly Failure[]): string | undefined {
  const found = failures.find(({ seed, text }) => !text.startsWith(REJECTED) || !isRejected(first, program, seed));
  return found === undefined ? undefined : `seed ${found.seed}: ${found.text}`;
}

function blockOf(first: number): readonly Program[] {
  const known = blocks.get(first);
  if (known !== undefined) return known;
  const all = Array.from({ length: BLOCK }, (_, i) => {
    const one = caseOf(generateModule(new Random(first + i), features));
    return { seed: first + i, one, expected: runInEngine(one) };
  });
  const programs = [false, true].flatMap((stepwise) => {
    const subjects = all.filter(({ expected }) => "trap" in expected.instantiation === stepwise);
    if (subjects.length === 0) return [];
    let hash = "";
    const program = { subjects, stepwise, hash };
    const [failure] = runUnlessSeen(runNatively, first, program, (executable) => {
      hash = hashOf(executable);
      throw SEEN;
    });
    if (failure !== undefined) throw new Error(`without a bug: seed ${failure.seed}: ${failure.text}`);
    return [{ ...program, hash }];
  });
  blocks.set(first, programs);
  return programs;
}

async function hunt(
  { folder, seed, modules, sandbox }: HuntOrder,
  send: (message: HuntMessage) => void,
): Promise<void> {
  const path = pathToFileURL(join(folder, "tools/fuzz/native.ts")).href;
  const { runNatively: run }: { readonly runNatively: Run } = await import(path);
  let changed = 0;
  for (let first = seed - (seed % BLOCK); first < seed + modules; first += BLOCK) {
    const done = first + BLOCK - seed;
    for (const program of blockOf(first)) {
      let differs = false;
      const failures = runUnlessSeen(run, first, program, (executable) => {
        if (!differs && hashOf(executable) === program.hash) throw SEEN;
        differs = true;
        return sandbox ? unproved(executable) : undefined;
      });
      const how = differenceOf(first, program, failures);
      if (differs) changed++;
      if (how !== undefined) return send({ kind: "done", how, modules: done, changed });
    }
    send({ kind: "alive", modules: done });
  }
  send({ kind: "done", how: undefined, modules, changed });
}

function main(): void {
  process.on("message", (order: HuntOrder) => void hunt(order, (message) => void process.send?.(message)));
  process.on("SIGINT", () => undefined);
  process.on("disconnect", () => process.exit(0));
}

main();
