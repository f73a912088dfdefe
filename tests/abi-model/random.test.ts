/**
 * Random types and values between two components: compiled adapters against the model. `WINDLASS_ABI_CASES` says how many cases (default
 * 3,000), `WINDLASS_ABI_SEED` where they begin.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { needX64Linux } from "../support/tools.ts";
import type { Type } from "./model.ts";
import { runRandom, runSignatures, statistics } from "./pair.ts";
import { ENCODINGS, Random } from "./random.ts";
import { BOTH_32, POINTERS } from "./signatures.ts";
import type { Signature } from "./wat.ts";

const CASES = Number(process.env["WINDLASS_ABI_CASES"] ?? 3000);
const SEED = Number(process.env["WINDLASS_ABI_SEED"] ?? 1);
const FUNCTIONS = 25;
const CALLS = 60;

test(`${CASES} random calls between components`, { timeout: 3_600_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const stats = statistics();
  const components = Math.max(1, Math.ceil(CASES / (FUNCTIONS * CALLS)));
  const half = Math.ceil(components / 2);
  await runRandom(SEED, { components: half, functions: FUNCTIONS, calls: CALLS, handles: 0 }, stats);
  await runRandom(SEED + 1_000_000, { components: half, functions: FUNCTIONS, calls: CALLS, handles: 40 }, stats);
  const sorted = (map: ReadonlyMap<string, number>): string =>
    [...map]
      .sort((a, b) => b[1] - a[1])
      .map(([name, n]) => `${name} ${n}`)
      .join(", ");
  t.diagnostic(`${stats.cases} cases, ${stats.traps} traps`);
  t.diagnostic(`types: ${sorted(stats.types)}`);
  t.diagnostic(`traps: ${sorted(stats.trapNames)}`);
  assert(stats.traps > stats.cases / 100 && stats.traps < stats.cases / 2);
});

const record = (...fields: readonly Type[]): Type => ({ k: "record", fields });
const list = (of: Type, length?: number): Type => ({ k: "list", of, length });
const many = (count: number, t: Type): readonly Type[] => new Array<Type>(count).fill(t);
const SYNC = { asyncLower: false, asyncLift: false, callback: false, syncTask: false } as const;
const string: Type = { k: "string" };
const u8: Type = { k: "u8" };

/** A tree of variants that shares its parts: small as values, large as code. */
function nested(depth: number): Type {
  let t: Type = { k: "f32" };
  for (let i = 0; i < depth; i++) t = { k: "variant", cases: [t, record(t), i % 2 === 0 ? { k: "u64" } : undefined] };
  return t;
}

test("large types are transferred by functions of their own", { timeout: 600_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const large = record(...many(30, u8), ...many(30, { k: "bool" }), string, { k: "char" });
  const shapes: readonly (readonly [readonly Type[], Type | undefined])[] = [
    [[nested(6)], nested(5)],
    [[nested(8), string], undefined],
    [[list(nested(7))], list(large)],
    [[large, large], large],
    [[list(large)], { k: "option", of: large }],
    [[list(record(large, nested(6), list(large)))], undefined],
    // Plain records: block copies of all lengths.
    ...[1, 3, 8, 9, 15, 16, 31, 64, 65, 200].map((n) => [[list(u8, n), ...many(16, u8)], list(list(u8, n))] as const),
    [[list({ k: "tuple", fields: [{ k: "u32" }, { k: "f32" }] })], list({ k: "flags", count: 16 })],
    // Runs of plain fields between others, with padding and without.
    [
      [list(record(...many(5, { k: "u32" }), { k: "bool" }, u8, { k: "u16" }, { k: "f64" }, { k: "u32" }, string))],
      list(
        record({ k: "char" }, ...many(7, { k: "u16" }), { k: "u64" }, { k: "s64" }, { k: "enum", count: 2 }, u8, u8),
      ),
    ],
    [[{ k: "variant", cases: [...many(300, u8), string] }], { k: "enum", count: 700 }],
  ];
  const signatures = shapes.map(
    ([params, result], i): Signature => ({
      params,
      result,
      lower: ENCODINGS[i % 3] ?? "utf8",
      lift: ENCODINGS[(i + 1) % 3] ?? "utf8",
      postReturn: false,
      asyncLower: i % 4 === 1,
      asyncLift: i % 3 === 1,
      callback: false,
      syncTask: false,
      ...BOTH_32,
    }),
  );
  const stats = statistics();
  for (const [i, pointers] of POINTERS.entries()) {
    const options = { optLevel: i % 2 === 0 ? 2 : 0, verify: true, what: "large types" } as const;
    const all = signatures.map((s) => ({ ...s, ...pointers }));
    await runSignatures(new Random(i), all, 15, stats, options);
  }
  assert(stats.cases > stats.traps * 2);
});

test("strings of every pair of encodings, short and long", { timeout: 600_000 }, async (t) => {
  if (!needX64Linux(t)) return;
  const stats = statistics();
  for (const pointers of POINTERS.slice(2)) {
    const signatures = ENCODINGS.flatMap((lower) =>
      ENCODINGS.map(
        (lift): Signature => ({
          params: [string],
          result: list(string),
          lower,
          lift,
          ...pointers,
          ...SYNC,
          postReturn: true,
        }),
      ),
    );
    await runSignatures(new Random(5), signatures, 70, stats, { optLevel: 2, verify: true, what: "strings" });
  }
  assert(stats.cases > stats.traps * 2);
});
