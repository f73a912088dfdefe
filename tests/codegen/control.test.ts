/** Blocks, loops, br_table, traps, calls of every kind, tail calls, entries, other stacks, system calls. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { buildBlockGraph } from "../../src/codegen/blocks.ts";
import { compileFunction } from "../../src/codegen/x64/compile.ts";
import { FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import { Func, type FuncSymbol, type Value } from "../../src/ir/function.ts";
import { IntCC, Op, Region } from "../../src/ir/ops.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { F32, F64, I32, I64, type Signature, type Type, typeSize, V128 } from "../../src/ir/types.ts";
import { ContextField, PROBE_LENGTH, PROBE_ROW } from "../../src/layout/offsets.ts";
import { Trap } from "../../src/layout/traps.ts";
import { nativeUnavailable } from "../support/native.ts";
import { type Call, Program } from "./program.ts";

const skip = nativeUnavailable() ?? false;

const NO_ATTRIBUTES = { stackCheck: false, entry: false } as const;

function start(name: string, params: readonly Type[], results: readonly Type[], convention: "wasm" | "c" = "wasm") {
  return startFunction(name, { params, results, convention }, NO_ATTRIBUTES);
}

function sig(params: readonly Type[], results: readonly Type[], convention: "wasm" | "c" = "wasm"): Signature {
  return { params, results, convention };
}

/** A value that depends on all of `values`: an i64. */
function digest(b: FuncBuilder, values: readonly Value[]): Value {
  let sum = b.iconst64n(17);
  for (const v of values) {
    const type = b.func.typeOf(v);
    let x = v;
    if (type === V128) {
      const slot = b.createSlot(16, 16);
      b.store(V128, b.slotAddr(slot), v, 0, Region.stack);
      x = b.binary(
        Op.bxor,
        I64,
        b.load(I64, b.slotAddr(slot), 0, Region.stack),
        b.binary(Op.imul, I64, b.load(I64, b.slotAddr(slot), 8, Region.stack), b.iconst64n(3)),
      );
    } else if (type === F64) x = b.unary(Op.bitcast, I64, v);
    else if (type === F32) x = b.unary(Op.uextend, I64, b.unary(Op.bitcast, I32, v));
    else if (type === I32) x = b.unary(Op.sextend, I64, v);
    sum = b.binary(Op.iadd, I64, b.binary(Op.imul, I64, sum, b.iconst64n(31)), x);
  }
  return sum;
}

/** Different values for the parameters of a signature; the first is the context. */
function argumentsFor(params: readonly Type[], context: bigint): bigint[] {
  return params.map((type, i) => {
    if (i === 0) return context;
    const seed = BigInt(i) * 0x1234_5678_9abc_def1_0fed_cba9_8765_4321n;
    if (type === F32) return 0x40000000n + BigInt(i) * 4096n;
    if (type === F64) return 0x4000000000000000n + BigInt(i) * 65536n;
    return BigInt.asUintN(8 * typeSize(type), seed);
  });
}

test("br_table: bounds, duplicates, arguments", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("table", [I64, I32, I32], [I32]);
  const [, index, x] = params;
  const [one, two, merge] = [b.createBlock(), b.createBlock(), b.createBlock()];
  const m = b.func.appendBlockParam(merge, I32);
  const t = b.func.appendBlockParam(two, I32);
  b.brTable(index!, [
    { block: one, args: [] },
    { block: two, args: [x!] },
    { block: merge, args: [x!] },
    { block: one, args: [] },
    { block: merge, args: [index!] },
    { block: merge, args: [x!] },
    { block: merge, args: [index!] },
  ]);
  b.switchTo(one);
  b.jump(merge, [b.iconst32(1000)]);
  b.switchTo(two);
  b.jump(merge, [b.binary(Op.iadd, I32, t, t)]);
  b.switchTo(merge);
  b.return([m]);
  const f = p.add(b.func);
  const all = start("same", [I64, I32], [I32]);
  const target = all.builder.createBlock();
  all.builder.brTable(all.params[1]!, [
    { block: target, args: [] },
    { block: target, args: [] },
  ]);
  all.builder.switchTo(target);
  all.builder.return([all.params[1]!]);
  const same = p.add(all.builder.func);
  const only = start("only default", [I64, I32], [I32]);
  const end = only.builder.createBlock();
  only.builder.brTable(only.params[1]!, [{ block: end, args: [] }]);
  only.builder.switchTo(end);
  only.builder.return([only.params[1]!]);
  const default_ = p.add(only.builder.func);
  const calls: Call[] = [];
  for (const i of [0n, 1n, 2n, 3n, 4n, 5n, 6n, 7n, 0x80000000n, 0xffffffffn]) {
    calls.push(
      { symbol: f, args: [0n, i, 333n] },
      { symbol: same, args: [0n, i] },
      { symbol: default_, args: [0n, i] },
    );
  }
  p.check(calls);
});

test("a branch whose ways are the same, or differ in arguments only", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("same", [I64, I32, I32], [I32]);
  const [, c, x] = params;
  const [first, second] = [b.createBlock(), b.createBlock()];
  const u = b.func.appendBlockParam(first, I32);
  const v = b.func.appendBlockParam(second, I32);
  b.brif(c!, first, [x!], first, [x!]);
  b.switchTo(first);
  b.brif(c!, second, [u], second, [c!]);
  b.switchTo(second);
  b.return([v]);
  const f = p.add(b.func);
  p.check([0n, 1n].map((c) => ({ symbol: f, args: [0n, c, 9n] })));
});

test("nested loops, swaps on back edges, exits from within", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("loops", [I64, I32, I32], [I32, I32]);
  const [, n, k] = params;
  const [outer, inner, latch, exit] = [b.createBlock(), b.createBlock(), b.createBlock(), b.createBlock()];
  const [x, y, i] = [I32, I32, I32].map((t) => b.func.appendBlockParam(outer, t));
  const [u, v, j] = [I32, I32, I32].map((t) => b.func.appendBlockParam(inner, t));
  const [r, s] = [I32, I32].map((t) => b.func.appendBlockParam(exit, t));
  b.jump(outer, [b.iconst32(1), b.iconst32(2), b.iconst32(0)]);
  b.switchTo(outer);
  b.brif(b.icmp(IntCC.ult, I32, i!, n!), inner, [x!, y!, b.iconst32(0)], exit, [x!, y!]);
  b.switchTo(inner);
  const u2 = b.binary(Op.iadd, I32, u!, b.binary(Op.imul, I32, v!, b.iconst32(3)));
  const j2 = b.binary(Op.iadd, I32, j!, b.iconst32(1));
  b.brif(b.icmp(IntCC.ult, I32, j2, k!), inner, [v!, u2, j2], latch, []);
  b.switchTo(latch);
  const i2 = b.binary(Op.iadd, I32, i!, b.iconst32(1));
  b.brif(b.icmp(IntCC.eq, I32, b.binary(Op.band, I32, u2, b.iconst32(1023)), b.iconst32(5)), exit, [u2, i2], outer, [
    v!,
    u2,
    i2,
  ]);
  b.switchTo(exit);
  b.return([r!, s!]);
  const f = p.add(b.func);
  const calls: Call[] = [];
  for (const n of [0n, 1n, 3n, 50n]) for (const k of [0n, 1n, 7n]) calls.push({ symbol: f, args: [0n, n, k] });
  p.check(calls);
});

test("blocks that only jump, and loops of them", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("threads", [I64, I32], [I32]);
  const blocks = Array.from({ length: 6 }, () => b.createBlock());
  const end = b.createBlock();
  const spin = b.createBlock();
  b.brif(params[1]!, blocks[0]!, [], spin, []);
  blocks.forEach((block, i) => {
    b.switchTo(block);
    b.jump(blocks[i + 1] ?? end);
  });
  b.switchTo(spin);
  b.jump(spin);
  b.switchTo(end);
  b.return([params[1]!]);
  const f = p.add(b.func);
  p.check([{ symbol: f, args: [0n, 4n] }]);
});

test("cold blocks go last, loops stay in one piece", () => {
  const { builder: b, params } = start("layout", [I64, I32], []);
  const [bad, head, a, c, latch, done] = Array.from({ length: 6 }, () => b.createBlock());
  b.brif(params[1]!, bad!, [], head!, []);
  b.switchTo(bad!);
  b.trap(1);
  b.switchTo(head!);
  b.brif(params[1]!, a!, [], c!, []);
  b.switchTo(done!);
  b.return([]);
  b.switchTo(a!);
  b.jump(latch!);
  b.switchTo(c!);
  b.brif(params[1]!, done!, [], latch!, []);
  b.switchTo(latch!);
  b.brif(params[1]!, head!, [], done!, []);
  const g = buildBlockGraph(b.func);
  const names = [...g.irBlock];
  assert.equal(names[names.length - 1], bad);
  assert.equal(g.cold[names.length - 1], 1);
  const inLoop = [...g.loopDepth];
  const first = inLoop.indexOf(1);
  const last = inLoop.lastIndexOf(1);
  assert.equal(
    inLoop.slice(first, last + 1).every((d) => d === 1),
    true,
  );
});

test("parameters and results of every kind, wasm and c", { skip }, () => {
  const p = new Program();
  const mixes: Type[][] = [
    [],
    [I32, F32, I64, F64],
    [I32, I32, I32, I32, I32, I32, I32, I32, I32],
    Array.from({ length: 12 }, () => F64),
    [V128, I32, V128, F32, F64, V128, V128, V128, V128, V128, V128, V128, I64, V128, I64, I64, I64, I64, F32, V128],
  ];
  const calls: [number, readonly Type[]][] = [];
  for (const convention of ["wasm", "c"] as const) {
    for (const mix of mixes) {
      const params = [I64, ...mix];
      const callee = start("callee", params, [I64], convention);
      callee.builder.return([digest(callee.builder, callee.params.slice(1))]);
      const symbol = p.add(callee.builder.func);
      calls.push([symbol, params]);
      // A caller that passes its own parameters in reverse order of type, after computing with them.
      const caller = start("caller", params, [I64]);
      const { builder: b, params: args } = caller;
      const ref = b.importFunc(entity<FuncSymbol>(symbol), sig(params, [I64], convention));
      const first = b.call(ref, args)[0]!;
      const second = b.call(ref, [
        args[0]!,
        ...mix.map((type, i) => args.find((a, k) => k > 0 && k !== i + 1 && b.func.typeOf(a) === type) ?? args[i + 1]!),
      ])[0]!;
      const address = b.funcAddr(entity<FuncSymbol>(symbol));
      const third = b.callIndirect(address, b.importSignature(sig(params, [I64], convention)), args)[0]!;
      b.return([digest(b, [first, second, third, ...args.slice(1)])]);
      calls.push([p.add(b.func), params]);
    }
  }
  const results: Type[] = [I32, I64, F32, F64, V128, I32, I64, F32, V128, F64];
  for (let n = 0; n <= results.length; n++) {
    const types = results.slice(0, n);
    const callee = start("results", [I64, ...results], types);
    callee.builder.return(callee.params.slice(1, n + 1));
    const symbol = p.add(callee.builder.func);
    calls.push([symbol, [I64, ...results]]);
    const { builder: b, params: args } = start("uses results", [I64, ...results], [I64, F64]);
    const values = b.call(b.importFunc(entity<FuncSymbol>(symbol), sig([I64, ...results], types)), args);
    b.return([digest(b, [...values, args[1]!]), args[4]!]);
    calls.push([p.add(b.func), [I64, ...results]]);
    const some = start("uses some results", [I64, ...results], [I64]);
    const picked = some.builder
      .call(some.builder.importFunc(entity<FuncSymbol>(symbol), sig([I64, ...results], types)), some.params)
      .filter((_, i) => i % 2 === 1);
    some.builder.return([digest(some.builder, picked)]);
    calls.push([p.add(some.builder.func), [I64, ...results]]);
    const constants = start("returns constants", [I64], types);
    constants.builder.return(
      types.map((t) =>
        t === I32
          ? constants.builder.iconst32(-5)
          : t === I64
            ? constants.builder.iconst64(6, 7)
            : t === F32
              ? constants.builder.f32const(0x3f800000)
              : t === F64
                ? constants.builder.f64const(0, 0)
                : constants.builder.v128const(new Uint8Array(16).fill(3)),
      ),
    );
    calls.push([p.add(constants.builder.func), [I64]]);
  }
  p.check(calls.map(([symbol, params]) => ({ symbol, args: argumentsFor(params, p.context) })));
});

test("recursion keeps values in callee-saved registers and slots", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("fib", [I64, I32], [I64]);
  const [base, step] = [b.createBlock(), b.createBlock()];
  b.brif(b.icmp(IntCC.ult, I32, params[1]!, b.iconst32(2)), base, [], step, []);
  b.switchTo(base);
  b.return([b.unary(Op.uextend, I64, params[1]!)]);
  b.switchTo(step);
  const self = b.importFunc(p.nextSymbol, sig([I64, I32], [I64]));
  const x = b.call(self, [params[0]!, b.binary(Op.isub, I32, params[1]!, b.iconst32(1))])[0]!;
  const y = b.call(self, [params[0]!, b.binary(Op.isub, I32, params[1]!, b.iconst32(2))])[0]!;
  b.return([b.binary(Op.iadd, I64, x, y)]);
  const f = p.add(b.func);
  p.check([0n, 1n, 10n, 15n].map((n) => ({ symbol: f, args: [p.context, n] })));
});

test("tail calls: stack arguments of every pair of sizes, direct and indirect, long chains", { skip }, () => {
  const p = new Program();
  const sizes = [0, 3, 6, 7, 8, 9, 12, 20];
  const signatures = sizes.map((n) =>
    sig(
      [I64, I64, ...Array.from({ length: n }, (_, i) => (i % 5 === 4 ? F64 : i % 7 === 6 ? V128 : I64))],
      [I64, I64, I64],
    ),
  );
  const finals = signatures.map((s) => {
    const { builder: b, params } = startFunction("final", s, NO_ATTRIBUTES);
    const d = digest(b, params.slice(1));
    b.return([d, b.binary(Op.bxor, I64, d, b.iconst64n(1)), params[1]!]);
    return p.add(b.func);
  });
  const calls: [number, readonly Type[]][] = [];
  for (const from of signatures) {
    for (const [i, to] of signatures.entries()) {
      for (const indirect of [false, true]) {
        const { builder: b, params } = startFunction("tail", from, NO_ATTRIBUTES);
        // Values that live in callee-saved registers over a call first.
        const seed = b.call(
          b.importFunc(entity<FuncSymbol>(finals[0]!), signatures[0]!),
          signatures[0]!.params.map((t, k) => params.find((q, j) => j >= k && b.func.typeOf(q) === t) ?? params[1]!),
        )[0]!;
        const pick = (t: Type, k: number): Value =>
          t === F64
            ? b.unary(
                Op.bitcast,
                F64,
                b.binary(Op.ushr, I64, b.binary(Op.iadd, I64, seed, b.iconst64n(k)), b.iconst64n(2)),
              )
            : t === V128
              ? b.v128const(new Uint8Array(16).fill(k + 1))
              : k % 3 === 0
                ? b.iconst64n(k * 7)
                : k % 3 === 1
                  ? b.binary(Op.iadd, I64, seed, b.iconst64n(k))
                  : params[1]!;
        const args = to.params.map((t, k) => (k === 0 ? params[0]! : pick(t, k)));
        if (indirect) b.returnCallIndirect(b.funcAddr(entity<FuncSymbol>(finals[i]!)), b.importSignature(to), args);
        else b.returnCall(b.importFunc(entity<FuncSymbol>(finals[i]!), to), args);
        calls.push([p.add(b.func), from.params]);
      }
    }
  }
  // even(n, …) and odd(n, more arguments) call each other: constant stack for a long chain.
  const even = sig([I64, I64], [I64]);
  const odd = sig([I64, I64, I64, I64, I64, I64, I64, I64, I64], [I64]);
  const evenSymbol = p.nextSymbol;
  const chain = (name: string, self: Signature, other: Signature, symbol: number, result: number): number => {
    const { builder: b, params } = startFunction(name, self, NO_ATTRIBUTES);
    const [end, go] = [b.createBlock(), b.createBlock()];
    b.brif(b.icmp(IntCC.eq, I64, params[1]!, b.iconst64n(0)), end, [], go, []);
    b.switchTo(end);
    b.return([b.iconst64n(result)]);
    b.switchTo(go);
    const next = b.binary(Op.isub, I64, params[1]!, b.iconst64n(1));
    b.returnCall(
      b.importFunc(entity<FuncSymbol>(symbol), other),
      other.params.map((_, k) => (k === 0 ? params[0]! : k === 1 ? next : b.iconst64n(k))),
    );
    return p.add(b.func);
  };
  chain("even", even, odd, evenSymbol + 1, 1);
  chain("odd", odd, even, evenSymbol, 0);
  p.check(calls.map(([symbol, params]) => ({ symbol, args: argumentsFor(params, p.context) })));
  const [long] = p.runNative([{ symbol: evenSymbol, args: [p.context, 3_000_001n] }], new Uint8Array(0));
  assert.equal(long?.answer.status, 0);
  assert.deepEqual(long?.results, [0n]);
});

test("traps: one site each, with code and location", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("traps", [I64, I32, I32], [I32]);
  const [, x, y] = params;
  b.loc = 10;
  b.trapIf(Op.trapz, x!, 3);
  b.loc = 20;
  b.trapIf(Op.trapnz, b.icmp(IntCC.sgt, I32, y!, b.iconst32(100)), 4);
  b.loc = 30;
  b.trapIf(Op.trapnz, b.icmp(IntCC.slt, I32, y!, b.iconst32(-100)), 4);
  const [end, bad] = [b.createBlock(), b.createBlock()];
  b.brif(b.icmp(IntCC.eq, I32, y!, b.iconst32(7)), bad, [], end, []);
  b.switchTo(bad);
  b.loc = 40;
  b.trap(5);
  b.switchTo(end);
  b.return([b.binary(Op.iadd, I32, x!, y!)]);
  const f = p.add(b.func);
  const cases: [bigint, bigint, { code: number; loc: number } | undefined][] = [
    [0n, 0n, { code: 3, loc: 10 }],
    [1n, 101n, { code: 4, loc: 20 }],
    [1n, 0xffffff00n, { code: 4, loc: 30 }],
    [1n, 7n, { code: 5, loc: 40 }],
    [1n, 8n, undefined],
  ];
  p.check(cases.map(([x, y]) => ({ symbol: f, args: [0n, x, y] })));
  const runs = p.runNative(
    cases.map(([x, y]) => ({ symbol: f, args: [0n, x, y] })),
    new Uint8Array(0),
  );
  cases.forEach(([, , trap], i) => {
    const { status, pc } = runs[i]!.answer;
    assert.equal(status, trap === undefined ? 0 : 1);
    if (trap !== undefined) assert.deepEqual(p.trapAt(pc), trap);
  });
});

test("a poll traps while its word is not zero", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("polls", [I64, I32], [I32]);
  const slot = b.createSlot(16);
  b.store(I32, b.slotAddr(slot), params[1]!, 8, Region.stack);
  b.loc = 5;
  b.poll(b.slotAddr(slot), 8);
  b.return([params[1]!]);
  const f = p.add(b.func);
  const calls = [0n, 1n, 0x8000_0000n].map((x) => ({ symbol: f, args: [0n, x] }));
  p.check(calls);
  const runs = p.runNative(calls, new Uint8Array(0));
  assert.deepEqual(
    runs.map((r) => r.answer.status),
    [0, 1, 1],
  );
  assert.deepEqual(p.trapAt(runs[2]!.answer.pc), { code: Trap.interrupted, loc: 5 });
});

test("a probe reads where it can, and has a row of its own at the instruction that may fault", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("probes", [I64, I64], [I64, I64]);
  const slot = b.createSlot(16);
  b.store(I64, b.slotAddr(slot), params[1]!, 8, Region.stack);
  const found = b.probe(b.binary(Op.iadd, I64, b.slotAddr(slot), b.iconst64(8, 0)));
  b.return([found, b.binary(Op.isub, I64, found, params[1]!)]);
  const f = p.add(b.func);
  // Whatever register the address is in: all of them are.
  const { builder: c, params: both } = start("many probes", [I64, I64], [I64]);
  const area = c.createSlot(128);
  const places = Array.from({ length: 14 }, (_, k) => c.binary(Op.iadd, I64, c.slotAddr(area, 8 * k), both[0]!));
  for (const [k, place] of places.entries())
    c.store(I64, place, c.binary(Op.iadd, I64, both[1]!, c.iconst64(k, 0)), 0, Region.stack);
  c.return([
    places
      .map((place) => c.probe(place))
      .reduce((sum, found) => c.binary(Op.iadd, I64, c.binary(Op.imul, I64, sum, c.iconst64(3, 0)), found)),
  ]);
  const many = p.add(c.func);
  p.check([f, many].flatMap((symbol) => [0n, 1n, (1n << 64n) - 1n].map((x) => ({ symbol, args: [0n, x] }))));
  for (const [symbol, count] of [
    [f, 1],
    [many, places.length],
  ] as const) {
    const { code, trapOffset, trapCode } = p.compiled[symbol - 1]!;
    assert.deepEqual([...trapCode], new Array<number>(count).fill(PROBE_ROW));
    for (const at of trapOffset) {
      // mov r11, [register] without a displacement: that is all of `PROBE_LENGTH`.
      const [rex = 0, opcode, modrm = 0] = code.subarray(at, at + PROBE_LENGTH);
      assert.deepEqual([rex & 0xfe, opcode, modrm & 0xf8], [0x4c, 0x8b, 0x18]);
      assert.ok((modrm & 7) !== 4 && (modrm & 7) !== 5);
    }
  }
});

test("the stack check traps before anything is touched; small leaves have none", { skip }, () => {
  const p = new Program();
  const checked = { stackCheck: true, entry: false } as const;
  const leaf = startFunction("leaf", sig([I64], [I32]), checked);
  leaf.builder.return([leaf.builder.iconst32(1)]);
  const leafSymbol = p.add(leaf.builder.func);
  const callers = [0, 1000, 100_000].map((size) => {
    const { builder: b, params } = startFunction("caller", sig([I64], [I32]), checked);
    const slot = b.createSlot(size + 8, 8);
    b.store(I64, b.slotAddr(slot), params[0]!, size, Region.stack);
    const r = b.call(b.importFunc(entity<FuncSymbol>(leafSymbol), sig([I64], [I32])), [
      b.load(I64, b.slotAddr(slot), size, Region.stack),
    ])[0]!;
    b.return([r]);
    return p.add(b.func);
  });
  const bigLeaf = startFunction("big leaf", sig([I64], [I32]), checked);
  const slot = bigLeaf.builder.createSlot(5000, 8);
  bigLeaf.builder.store(I64, bigLeaf.builder.slotAddr(slot), bigLeaf.params[0]!, 0, Region.stack);
  bigLeaf.builder.return([bigLeaf.builder.iconst32(1)]);
  const bigLeafSymbol = p.add(bigLeaf.builder.func);
  const all = [leafSymbol, bigLeafSymbol, ...callers];
  const limit = (value: bigint): Uint8Array => {
    const bytes = new Uint8Array(16);
    new DataView(bytes.buffer).setBigUint64(ContextField.stackLimit, value, true);
    return bytes;
  };
  const calls = all.flatMap((symbol) =>
    [limit(0n), limit(1n << 63n)].map((memory) => ({ symbol, args: [p.scratch], memory })),
  );
  p.runNative(calls, new Uint8Array(0)).forEach(({ answer }, i) => {
    const traps = i % 2 === 1 && i > 1;
    assert.equal(answer.status, traps ? 1 : 0, `${i}`);
    if (traps) assert.deepEqual(p.trapAt(answer.pc), { code: Trap.stack_exhausted, loc: 0 });
  });
});

test("entries: status, results, unwinding, the context in the frame", { skip }, () => {
  const p = new Program();
  // Walks one frame up from raise-like code: here the wasm function itself unwinds.
  const calleeSig = sig([I64, I64, F64, I64, I64, I64, I64, I64], [I64, F64, I64, I64, F64, I32]);
  const { builder: w, params: wp } = startFunction("callee", calleeSig, NO_ATTRIBUTES);
  const [go, stay] = [w.createBlock(), w.createBlock()];
  w.brif(w.icmp(IntCC.eq, I64, wp[1]!, w.iconst64n(99)), go, [], stay, []);
  w.switchTo(go);
  // The caller's frame is behind our saved rbp; the return address next to it.
  const frame = w.nullary(Op.frame_pointer);
  w.unwindTo(w.load(I64, frame, 0, Region.stack), w.load(I64, frame, 8, Region.stack), w.iconst32(44));
  w.switchTo(stay);
  w.return([wp[1]!, wp[2]!, wp[7]!, w.iconst64n(8), w.f64const(0, 0x40000000), w.iconst32(12)]);
  const callee = p.add(w.func);
  const symbols = [false, true].map((indirect) => {
    const { builder: b, params } = startFunction("entry", sig([I64, I64, F64], [I64], "c"), {
      stackCheck: false,
      entry: true,
    });
    const args = [
      params[0]!,
      params[1]!,
      params[2]!,
      params[1]!,
      params[1]!,
      b.iconst64n(4),
      params[1]!,
      b.iconst64n(6),
    ];
    const [status, ...results] = indirect
      ? b.callCatchIndirect(b.funcAddr(entity<FuncSymbol>(callee)), b.importSignature(calleeSig), args)
      : b.callCatch(b.importFunc(entity<FuncSymbol>(callee), calleeSig), args);
    const [ok, failed] = [b.createBlock(), b.createBlock()];
    b.brif(status!, failed, [], ok, []);
    b.switchTo(failed);
    b.return([b.binary(Op.iadd, I64, b.unary(Op.uextend, I64, status!), params[1]!)]);
    b.switchTo(ok);
    b.return([
      digest(b, [
        ...results,
        params[2]!,
        b.binary(Op.isub, I64, b.load(I64, b.nullary(Op.frame_pointer), -8, Region.stack), params[0]!),
      ]),
    ]);
    return p.add(b.func);
  });
  // The evaluator knows no frames: the last term is 0 there, too, by construction of a function without it.
  const ran = p.runNative(
    symbols.flatMap((symbol) => [1n, 99n].map((x) => ({ symbol, args: [p.context, x, 0x4010000000000000n] }))),
    new Uint8Array(0),
  );
  assert.deepEqual(
    ran.map((r) => r.answer.status),
    [0, 0, 0, 0],
  );
  assert.equal(ran[1]?.results[0], 44n + 99n);
  assert.equal(ran[3]?.results[0], 44n + 99n);
  assert.equal(ran[0]?.results[0], ran[2]?.results[0]);
  const check = new Program();
  const { builder: b, params } = start("digest", [I64, I64, F64], [I64]);
  b.return([
    digest(b, [
      params[1]!,
      params[2]!,
      b.iconst64n(6),
      b.iconst64n(8),
      b.f64const(0, 0x40000000),
      b.iconst32(12),
      params[2]!,
      b.iconst64n(0),
    ]),
  ]);
  const d = check.add(b.func);
  assert.equal(
    ran[0]?.results[0],
    check.evaluate({ symbol: d, args: [0n, 1n, 0x4010000000000000n] }, new Uint8Array(0)).results?.[0],
  );
});

test("calls on another stack", { skip }, () => {
  const p = new Program();
  const s = sig([I64, I64, F64, I64, I64, I64, I64, I64, I64], [I64], "c");
  const { builder: c, params: cp } = startFunction("callee", s, NO_ATTRIBUTES);
  const sp = c.binary(Op.isub, I64, c.nullary(Op.stack_pointer), cp[0]!);
  const onOther = c.icmp(IntCC.ult, I64, sp, c.iconst64n(4096));
  c.return([c.select(I64, onOther, digest(c, cp.slice(1)), c.iconst64n(0))]);
  const callee = p.add(c.func);
  const { builder: b, params } = start("caller", [I64, I64], [I64, I64]);
  const args = [
    params[1]!,
    b.iconst64n(1),
    b.f64const(0, 0x40000000),
    ...[3, 4, 5, 6, 7, 8].map((k) => b.iconst64n(k)),
  ];
  const r = b.callOnStack(
    b.binary(Op.iadd, I64, params[1]!, b.iconst64n(4096)),
    b.importFunc(entity<FuncSymbol>(callee), s),
    args,
  )[0]!;
  b.return([r, params[0]!]);
  const f = p.add(b.func);
  const { builder: e, params: ep } = start("expected", [I64], [I64]);
  e.return([digest(e, [e.iconst64n(1), e.f64const(0, 0x40000000), ...[3, 4, 5, 6, 7, 8].map((k) => e.iconst64n(k))])]);
  assert.equal(ep.length, 1);
  const expected = p.add(e.func);
  const [run] = p.runNative([{ symbol: f, args: [p.context, p.scratch] }], new Uint8Array(0));
  assert.equal(run?.answer.status, 0);
  assert.equal(run?.results[0], p.evaluate({ symbol: expected, args: [0n] }, new Uint8Array(0)).results?.[0]);
});

test("system calls", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = start("getpid, and a bad one", [I64, I64], [I64, I64]);
  const zero = b.iconst64n(0);
  const pid = b.syscall([b.iconst64n(39), zero, zero, zero, zero, zero, zero]);
  const bad = b.syscall([b.iconst64n(9), params[1]!, params[1]!, params[1]!, params[1]!, params[1]!, params[1]!]);
  b.return([b.unary(Op.uextend, I64, b.icmp(IntCC.sgt, I64, pid, b.iconst64n(1))), bad]);
  const f = p.add(b.func);
  const [run] = p.runNative([{ symbol: f, args: [p.context, 1n] }], new Uint8Array(0));
  assert.equal(run?.results[0], 1n);
  assert.equal((run?.results[1] ?? 0n) > 1n << 63n, true);
});

test("a function without a terminator edge case: an endless loop compiles", () => {
  const p = new Program();
  const b = new FuncBuilder(new Func("endless", sig([I64], []), NO_ATTRIBUTES));
  const entry = b.createBlock();
  b.switchTo(entry);
  b.func.appendBlockParam(entry, I64);
  const loop = b.createBlock();
  b.jump(loop);
  b.switchTo(loop);
  b.jump(loop);
  p.add(b.func);
  assert.equal(p.compiled.length, 1);
});

test("no two traps share an address", () => {
  // Of two blocks that are never left, the second begins with an access.
  const func = parseFunc(`function "f" (i64, i32) -> i32 wasm {
block0(v0: i64, v1: i32):
  br_table v1, [block1, block2, block3]
block1:
  trap code1
block2:
  v2 = load.i32 [v0 + 64] full heap traps
  trap code2
block3:
  return v1
}`);
  const { code, trapOffset, trapCode } = compileFunction(func);
  const [first = 0, second = 0] = trapOffset;
  assert.equal(trapCode[0], 1);
  assert.equal(second, first + 1, "there is nothing between the two but a byte");
  assert.equal(code[first], 0x90);
});
