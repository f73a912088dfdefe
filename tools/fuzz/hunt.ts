/**
 * One process of `npm run fuzz:planted`, under the engine that is compared with: looks for bugs, one after the other, each in a copy of the
 * compiler of its own. What modules do, and what the compiler without the bug makes of them, is found out once for all bugs; a program is run
 * only where its code is another one.
 */

import { createHash } from "node:crypto";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { unproved } from "../../tests/support/sandbox.ts";
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

/** Runs what `inspect` lets run. */
function runUnlessSeen(run: Run, first: number, { subjects, stepwise }: Program, inspect: Inspect): string | undefined {
  try {
    const results = run(subjects, blockConfiguration(first), stepwise, inspect);
    for (const [i, result] of results.entries()) {
      const subject = subjects[i];
      const failure = subject === undefined ? undefined : failureOf(result, subject);
      if (failure !== undefined) return `seed ${subject?.seed}: ${failure.split("\n")[0]}`;
    }
    return undefined;
  } catch (error) {
    if (error === SEEN) return undefined;
    throw error;
  }
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
    const failure = runUnlessSeen(runNatively, first, program, (executable) => {
      hash = hashOf(executable);
      throw SEEN;
    });
    if (failure !== undefined) throw new Error(`without a bug: ${failure}`);
    return [{ ...program, hash }];
  });
  blocks.set(first, programs);
  return programs;
}

async function hunt({ folder, seed, modules }: HuntOrder, send: (message: HuntMessage) => void): Promise<void> {
  const path = pathToFileURL(join(folder, "tools/fuzz/native.ts")).href;
  const { runNatively: run }: { readonly runNatively: Run } = await import(path);
  let changed = 0;
  for (let first = seed - (seed % BLOCK); first < seed + modules; first += BLOCK) {
    const done = first + BLOCK - seed;
    for (const program of blockOf(first)) {
      let differs = false;
      const how = runUnlessSeen(run, first, program, (executable) => {
        if (!differs && hashOf(executable) === program.hash) throw SEEN;
        differs = true;
        return unproved(executable);
      });
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
