/** Allocation takes time in proportion to the function: straight lines, many live values, many blocks, many loops, deep nests, long webs. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "../../src/codegen/regalloc/allocate.ts";
import type { AllocatorInput } from "../../src/codegen/regalloc/interface.ts";
import { QuickAllocator } from "../../src/codegen/regalloc/quick.ts";
import {
  def,
  defTied,
  InputBuilder,
  use,
  useAny,
  useFixed,
  X64_CALL_CLOBBER_FLOAT,
  X64_CALL_CLOBBER_INT,
} from "./builder.ts";
import { Random } from "./random-function.ts";

const CALL = [X64_CALL_CLOBBER_INT, X64_CALL_CLOBBER_FLOAT] as const;

function values(f: InputBuilder, block: number, count: number): number[] {
  return f.vregs(count).map((v) => {
    f.inst(block, [def(v)]);
    return v;
  });
}

function straight(n: number): InputBuilder {
  const f = new InputBuilder();
  const block = f.block();
  let [v = 0, w = 0] = values(f, block, 2);
  for (let i = 0; i < n; i++) {
    const d = f.vreg();
    f.inst(block, [defTied(d, 1), use(v), useAny(w)]);
    w = v;
    v = d;
  }
  f.ret(block, use(v));
  return f;
}

function manyLive(n: number): InputBuilder {
  const r = new Random(n);
  const f = new InputBuilder();
  const block = f.block();
  const vs = values(f, block, n);
  for (let round = 0; round < 10; round++) {
    for (const v of vs) f.inst(block, [use(r.pick(vs, 0)), useAny(v)]);
    f.inst(block, [], ...CALL);
  }
  f.ret(block);
  return f;
}

function diamonds(n: number, through: number): InputBuilder {
  const r = new Random(n);
  const f = new InputBuilder();
  let block = f.block();
  const vs = values(f, block, through);
  for (let i = 0; i < n; i++) {
    const sides = [f.block(), f.block()];
    const param = f.vreg();
    const join = f.block([param]);
    f.branch(block, r.pick(vs, 0), ...sides);
    sides.forEach((side, k) => {
      const d = f.vreg();
      f.inst(side, [defTied(d, 1), use(r.pick(vs, 0)), useAny(r.pick(vs, 0))]);
      if (k === 0) f.inst(side, [useFixed(d, 7)], ...CALL);
      f.jump(side, join, [d]);
    });
    f.inst(join, [use(param), use(r.pick(vs, 0))]);
    block = join;
  }
  f.ret(block);
  return f;
}

function loops(n: number): InputBuilder {
  const r = new Random(n);
  const f = new InputBuilder();
  let block = f.block();
  const vs = values(f, block, 100);
  for (let i = 0; i < n; i++) {
    const variable = f.vreg();
    const head = f.block([variable], 1);
    f.jump(block, head, [r.pick(vs, 0)]);
    const next = f.vreg();
    f.inst(head, [defTied(next, 1), use(variable), useAny(r.pick(vs, 0))]);
    f.inst(head, [use(next), use(r.pick(vs, 0))]);
    const back = f.block([], 1);
    const out = f.block();
    f.branch(head, next, back, out);
    f.jump(back, head, [next]);
    block = out;
    if (i % 3 === 0) f.inst(block, [useFixed(next, 7)], ...CALL);
  }
  f.ret(block);
  return f;
}

function permutations(n: number): InputBuilder {
  const f = new InputBuilder();
  let block = f.block();
  let vs = values(f, block, 50);
  for (let i = 0; i < n; i++) {
    const params = vs.map(() => f.vreg());
    const next = f.block(params);
    f.jump(block, next, [...vs.slice(1), ...vs.slice(0, 1)]);
    const d = f.vreg();
    f.inst(next, [defTied(d, 1), use(params[0] ?? 0), useAny(params[1] ?? 0)]);
    vs = [d, ...params.slice(1)];
    block = next;
  }
  f.ret(block, use(vs[0] ?? 0));
  return f;
}

/** Milliseconds of processor time. */
function cost(f: InputBuilder, run: (input: AllocatorInput) => void): number {
  const input = f.build();
  const before = process.cpuUsage();
  run(input);
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1000;
}

const SHAPES: readonly [string, (n: number) => InputBuilder, number][] = [
  ["100,000 instructions in a row", straight, 100_000],
  ["5,000 values live at once", manyLive, 5_000],
  ["30,000 blocks with calls, 10 values live through all", (n) => diamonds(n, 10), 10_000],
  ["15,000 blocks with calls, 300 values live through all", (n) => diamonds(n, 300), 5_000],
  ["5,000 loops", loops, 5_000],
  ["1,000 permutations of 50 block parameters", permutations, 1_000],
];

const ALLOCATORS: readonly [string, (input: AllocatorInput) => void][] = [
  ["allocated", (input) => allocate(input)],
  ["allocated quickly", (input) => new QuickAllocator().allocate(input)],
];

for (const [name, make, n] of SHAPES) {
  for (const [how, run] of ALLOCATORS) {
    test(`${name}, ${how}: no more than in proportion`, () => {
      cost(make(n / 10), run); // compiled by then
      const small = cost(make(n / 5), run);
      const large = cost(make(n), run);
      // A quadratic step would take 25 times as long.
      assert.ok(large < 12 * small + 400, `${n / 5}: ${small} ms, ${n}: ${large} ms`);
      assert.ok(large < 8000, `${large} ms`);
    });
  }
}
