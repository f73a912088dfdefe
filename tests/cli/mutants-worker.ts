/** Makes and compiles damaged components (`tools/mutants.ts`), as its parent asks: some seeds at a time. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InternalError, WindlassError } from "../../src/base/diagnostics.ts";
import { decodeComponent } from "../../src/component/decode.ts";
import type { ParsedComponent } from "../../src/component/parsed.ts";
import { POINTERS, randomSignature } from "../abi-model/signatures.ts";
import { compile } from "../support/sandbox.ts";
import { Random } from "../abi-model/random.ts";
import { pairText } from "../abi-model/wat.ts";
import { assemble } from "../support/wat.ts";
import { ROOT } from "../support/windlass.ts";
import { mutateText } from "./mutant-text.ts";

export interface MutantRequest {
  readonly seed: number;
  readonly count: number;
}

export interface MutantReport {
  readonly seed: number;
  /** `object`, the kind of the diagnostic, or `internal`. */
  readonly kind: string;
  readonly what: string;
  readonly milliseconds: number;
}

interface Base {
  readonly name: string;
  /** Undefined for a component that has no text here. */
  readonly text: string | undefined;
  readonly bytes: Uint8Array;
  /** Where definitions of components begin: most damage is near these, for core modules have tests of their own. */
  readonly places: readonly number[];
}

/** Not a core module. */
function isComponent(bytes: Uint8Array): boolean {
  return bytes[6] === 1;
}

/** Components larger than this take too long to compile thousands of times. */
const LARGEST = 80_000;
/** How often a damaged text that can't be assembled is given up for another. */
const ATTEMPTS = 20;

function placesOf(component: ParsedComponent): number[] {
  return component.definitions.flatMap((d) => (d.kind === "component" ? placesOf(d.component) : [d.offset]));
}

function base(name: string, bytes: Uint8Array): Base {
  return { name, text: undefined, bytes, places: placesOf(decodeComponent(bytes)) };
}

async function textBase(name: string, text: string): Promise<Base> {
  return { ...base(name, await assemble(text)), text };
}

function filesOf(path: string, extension = ".wasm"): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name), extension))
    .filter((name) => name.endsWith(extension));
}

/**
 * Our examples and what the command line names; components of tests in text; and random types between two components, so that every kind of
 * adapter is there.
 */
async function bases(): Promise<readonly Base[]> {
  const paths = [...filesOf(join(ROOT, "examples")), ...process.argv.slice(2).flatMap((path) => filesOf(path))];
  const out = paths
    .map((path) => ({ path, bytes: new Uint8Array(readFileSync(path)) }))
    .filter(({ bytes }) => bytes.length <= LARGEST && isComponent(bytes))
    .map(({ path, bytes }) => base(path, bytes));
  const r = new Random(1);
  for (const [i, pointers] of POINTERS.entries()) {
    const signatures = r.list(4, () => randomSignature(r, 10 * i, pointers));
    out.push(await textBase(`pair ${i}`, pairText(signatures)));
  }
  for (const path of filesOf(join(ROOT, "tests/hosts/components"), ".wat")) {
    const text = readFileSync(path, "utf8");
    if (isComponent(await assemble(text))) out.push(await textBase(path, text));
  }
  return out;
}

/** Numbers that are at some limit, in LEB128. */
const LEBS: readonly (readonly number[])[] = [
  [0],
  [1],
  [0x7f],
  [0x80, 0x01],
  [0xff, 0xff, 0x03],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0x80, 0x80, 0x80, 0x80, 0x08],
];

function damage(r: Random, { bytes, places }: Base): Uint8Array {
  let out = Uint8Array.from(bytes);
  const splice = (at: number, remove: number, insert: Iterable<number>): void => {
    out = Uint8Array.from([...out.subarray(0, at), ...insert, ...out.subarray(at + remove)]);
  };
  for (let n = 1 + r.below(4); n > 0; n--) {
    const near = r.chance(85) && places.length > 0 ? r.pick(places) + r.below(12) : r.below(out.length);
    const at = Math.min(near, out.length - 1);
    switch (r.below(6)) {
      case 0:
        out[at] = r.below(256);
        break;
      case 1:
        out[at] = (out[at] ?? 0) ^ (1 << r.below(8));
        break;
      case 2:
        // Small indices mostly stay in their spaces.
        out[at] = r.below(12);
        break;
      case 3:
        splice(at, 1 + r.below(3), r.pick(LEBS));
        break;
      case 4: {
        // A copy of something else.
        const length = 1 + r.below(10);
        const from = r.below(out.length);
        out.set(out.subarray(from, from + Math.min(length, out.length - at)), at);
        break;
      }
      default:
        out[at] = ((out[at] ?? 0) + (r.chance(50) ? 1 : 255)) & 0xff;
    }
  }
  return out;
}

/** Damage to the bytes; or to the text, until it is one that the assembler takes. */
async function makeMutant(
  r: Random,
  all: readonly Base[],
): Promise<{ readonly mutant: Uint8Array; readonly name: string }> {
  const texts = all.filter((b) => b.text !== undefined);
  if (r.chance(60) && texts.length > 0) {
    for (let n = 0; n < ATTEMPTS; n++) {
      const { name, text = "" } = r.pick(texts);
      try {
        return { mutant: await assemble(mutateText(r, text)), name };
      } catch {
        // It names something that is not there.
      }
    }
  }
  const chosen = r.pick(all);
  return { mutant: damage(r, chosen), name: chosen.name };
}

async function tryOne(seed: number, all: readonly Base[]): Promise<MutantReport> {
  const r = new Random(seed);
  const { mutant, name } = await makeMutant(r, all);
  const start = Date.now();
  const report = (kind: string, what: string): MutantReport => ({ seed, kind, what, milliseconds: Date.now() - start });
  try {
    const hostAbi = r.chance(70) ? "typed" : "dynamic";
    await compile(mutant, { output: "object", hostAbi, optLevel: r.chance(20) ? 2 : 0 });
    return report("object", name);
  } catch (error) {
    if (error instanceof WindlassError) return report(error.diagnostics[0]?.kind ?? "none", error.message);
    const text = error instanceof InternalError || error instanceof Error ? error.stack : String(error);
    return report("internal", `${name}: ${text ?? ""}`);
  }
}

const ready = bases();
process.on("message", ({ seed, count }: MutantRequest) => {
  void ready.then(async (all) => {
    const reports: MutantReport[] = [];
    for (let i = 0; i < count; i++) reports.push(await tryOne(seed + i, all));
    process.send?.(reports);
  });
});
