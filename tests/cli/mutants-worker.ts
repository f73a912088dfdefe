/** Makes and compiles damaged components (`tools/mutants.ts`), as its parent asks: some seeds at a time. */

import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { InternalError, WindlassError } from "../../src/base/diagnostics.ts";
import { decodeComponent } from "../../src/component/decode.ts";
import type { ParsedComponent } from "../../src/component/parsed.ts";
import { compile } from "../../src/driver/compile.ts";
import { randomSignature, POINTERS } from "../abi-model/pair.ts";
import { Random } from "../abi-model/random.ts";
import { pairText } from "../abi-model/wat.ts";
import { assemble } from "../support/wat.ts";
import { ROOT } from "../support/windlass.ts";

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

function placesOf(component: ParsedComponent): number[] {
  return component.definitions.flatMap((d) => (d.kind === "component" ? placesOf(d.component) : [d.offset]));
}

function base(name: string, bytes: Uint8Array): Base {
  return { name, bytes, places: placesOf(decodeComponent(bytes)) };
}

function filesOf(path: string): string[] {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .sort()
    .flatMap((name) => filesOf(join(path, name)))
    .filter((name) => name.endsWith(".wasm"));
}

/** Our examples and what the command line names; and random types between two components, so that every kind of adapter is there. */
async function bases(): Promise<readonly Base[]> {
  const paths = [...filesOf(join(ROOT, "examples")), ...process.argv.slice(2).flatMap(filesOf)];
  const out = paths
    .map((path) => ({ path, bytes: new Uint8Array(readFileSync(path)) }))
    .filter(({ bytes }) => bytes.length <= LARGEST && isComponent(bytes))
    .map(({ path, bytes }) => base(path, bytes));
  const r = new Random(1);
  for (const [i, pointers] of POINTERS.entries()) {
    const signatures = r.list(4, () => randomSignature(r, 10 * i, pointers));
    out.push(base(`pair ${i}`, await assemble(pairText(signatures))));
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

async function tryOne(seed: number, all: readonly Base[]): Promise<MutantReport> {
  const r = new Random(seed);
  const chosen = r.pick(all);
  const { name } = chosen;
  const mutant = damage(r, chosen);
  const start = Date.now();
  const report = (kind: string, what: string): MutantReport => ({ seed, kind, what, milliseconds: Date.now() - start });
  try {
    await compile(mutant, { output: "object", optLevel: r.chance(20) ? 2 : 0 });
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
