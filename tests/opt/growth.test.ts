/** Passes take time in proportion to the size of the function, whatever its shape. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import { ControlFlowGraph } from "../../src/ir/cfg.ts";
import type { Block, Func, Value } from "../../src/ir/function.ts";
import { IntCC, Op, Region } from "../../src/ir/ops.ts";
import { I32, I64 } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { optimize } from "../../src/opt/pipeline.ts";

function build(body: (b: FuncBuilder, context: Value, x: Value) => void): Func {
  const signature = { params: [I64, I32], results: [I32], convention: "wasm" } as const;
  const { builder, params } = startFunction("big", signature, { stackCheck: false, entry: false });
  body(builder, params[0] ?? entity<Value>(0), params[1] ?? entity<Value>(0));
  return builder.func;
}

const SHAPES: Readonly<Record<string, { readonly size: number; readonly make: (n: number) => Func }>> = {
  "straight code": {
    size: 50_000,
    make: (n) =>
      build((b, context, x) => {
        let v = x;
        for (let i = 0; i < n; i++) {
          v = b.binary(i % 3 === 0 ? Op.imul : Op.bxor, I32, v, b.iconst32(i % 1000));
          if (i % 4 === 0) b.store(I32, context, v, (i % 500) * 4, Region.heap);
        }
        b.return([v]);
      }),
  },
  "a chain of exits to one block": {
    size: 20_000,
    make: (n) =>
      build((b, _, x) => {
        const exit = b.createBlock();
        const result = b.func.appendBlockParam(exit, I32);
        for (let i = 0; i < n; i++) {
          const next = b.createBlock();
          b.brif(b.icmp(IntCC.eq, I32, x, b.iconst32(i)), exit, [x], next, []);
          b.switchTo(next);
        }
        b.jump(exit, [b.iconst32(-1)]);
        b.switchTo(exit);
        b.return([result]);
      }),
  },
  "two ladders into one block": {
    size: 10_000,
    make: (n) =>
      build((b, context, x) => {
        const exit = b.createBlock();
        const sides = [b.createBlock(), b.createBlock()] as const;
        b.brif(x, sides[0], [], sides[1], []);
        for (const side of sides) {
          b.switchTo(side);
          for (let i = 0; i < n; i++) {
            const next = b.createBlock();
            const skip = b.createBlock();
            b.brif(b.load(I32, context, i * 4, Region.heap), next, [], skip, []);
            b.switchTo(skip);
            b.jump(exit);
            b.switchTo(next);
          }
          b.jump(exit);
        }
        b.switchTo(exit);
        b.return([x]);
      }),
  },
  "a table of many targets": {
    size: 10_000,
    make: (n) =>
      build((b, context, x) => {
        const join = b.createBlock();
        const result = b.func.appendBlockParam(join, I32);
        const blocks = Array.from({ length: n }, () => b.createBlock());
        b.brTable(
          x,
          blocks.map((block) => ({ block, args: [] })),
        );
        blocks.forEach((block, i) => {
          b.switchTo(block);
          b.store(I32, context, x, i, Region.heap);
          b.jump(join, [i % 3 === 0 ? x : b.iconst32(i)]);
        });
        b.switchTo(join);
        b.return([result]);
      }),
  },
  "a table to one block with many parameters": {
    size: 2_000,
    make: (n) =>
      build((b, _, x) => {
        const join = b.createBlock();
        const params = Array.from({ length: 50 }, () => b.func.appendBlockParam(join, I32));
        const values = Array.from({ length: 50 }, (_, i) => b.binary(Op.iadd, I32, x, b.iconst32(i)));
        b.brTable(
          x,
          Array.from({ length: n }, (_, i) => ({
            block: join,
            args: i % 2 === 0 ? values : values.map((v, k) => (k % 2 ? v : x)),
          })),
        );
        b.switchTo(join);
        b.return([params[7] ?? x]);
      }),
  },
  "many conditions told to one block with many parameters": {
    size: 2_000,
    make: (n) =>
      build((b, _, x) => {
        const [join, yes, no] = [b.createBlock(), b.createBlock(), b.createBlock()];
        const condition = b.func.appendBlockParam(join, I32);
        const params = Array.from({ length: 40 }, () => b.func.appendBlockParam(join, I32));
        const values = Array.from({ length: 40 }, (_, i) => b.binary(Op.iadd, I32, x, b.iconst32(i)));
        for (let i = 0; i < n; i++) {
          const [here, next] = [b.createBlock(), b.createBlock()];
          b.brif(b.icmp(IntCC.eq, I32, x, b.iconst32(i)), here, [], next, []);
          b.switchTo(here);
          const last = b.binary(Op.imul, I32, x, b.iconst32(i));
          b.jump(join, [b.icmp(IntCC.slt, I32, last, x), ...values.slice(1), last]);
          b.switchTo(next);
        }
        b.jump(join, [b.iconst32(1), ...values]);
        b.switchTo(join);
        b.brif(condition, yes, [], no, []);
        b.switchTo(yes);
        b.return([params.reduce((sum, p) => b.binary(Op.iadd, I32, sum, p))]);
        b.switchTo(no);
        b.return([params[39] ?? x]);
      }),
  },
  "a row of blocks that are told a condition": {
    size: 5_000,
    make: (n) =>
      build((b, _, x) => {
        const exit = b.createBlock();
        let told: Value = b.icmp(IntCC.eq, I32, x, b.iconst32(-1));
        for (let i = 0; i < n; i++) {
          const [join, yes, next] = [b.createBlock(), b.createBlock(), b.createBlock()];
          const condition = b.func.appendBlockParam(join, I32);
          b.brif(b.binary(Op.band, I32, x, b.iconst32(i)), yes, [], join, [b.iconst32(0)]);
          b.switchTo(yes);
          b.jump(join, [told]);
          b.switchTo(join);
          b.brif(condition, exit, [], next, []);
          b.switchTo(next);
          told = b.icmp(IntCC.ult, I32, x, b.iconst32(i * 3));
        }
        b.jump(exit);
        b.switchTo(exit);
        b.return([x]);
      }),
  },
  "nested loops": {
    size: 800,
    make: (n) =>
      build((b, context, x) => {
        const exits: Block[] = [];
        for (let i = 0; i < n; i++) {
          const header = b.createBlock();
          const exit = b.createBlock();
          exits.push(exit);
          b.jump(header);
          b.switchTo(header);
          b.store(I32, context, b.binary(Op.imul, I32, x, b.iconst32(i + 3)), 8, Region.global);
          const inner = b.createBlock();
          b.brif(b.load(I32, context, 4 * i, Region.heap), inner, [], exit, []);
          b.switchTo(inner);
          exits.push(header);
        }
        while (exits.length > 0) {
          const header = exits.pop() ?? b.createBlock();
          const exit = exits.pop() ?? b.createBlock();
          b.jump(header);
          b.switchTo(exit);
        }
        b.return([x]);
      }),
  },
  "parameters that depend on each other": {
    size: 5_000,
    make: (n) =>
      build((b, _, x) => {
        let v = x;
        for (let i = 0; i < n; i++) {
          const [yes, no, join] = [b.createBlock(), b.createBlock(), b.createBlock()];
          const p = b.func.appendBlockParam(join, I32);
          b.brif(b.binary(Op.band, I32, x, b.iconst32(i + 1)), yes, [], no, []);
          b.switchTo(yes);
          b.jump(join, [v]);
          b.switchTo(no);
          b.jump(join, [v]);
          b.switchTo(join);
          v = p;
        }
        b.return([v]);
      }),
  },
};

function seconds(run: () => void): number {
  const before = process.cpuUsage();
  run();
  const used = process.cpuUsage(before);
  return (used.user + used.system) / 1e6;
}

for (const [name, { size, make }] of Object.entries(SHAPES)) {
  test(`time grows with the size: ${name}`, () => {
    optimize(make(size >> 3), 2);
    const small = make(size);
    const large = make(size * 4);
    const a = seconds(() => optimize(small, 2));
    const b = seconds(() => optimize(large, 2));
    // Four times as much work; sixteen times if it were quadratic. Small times are noise.
    assert.ok(b < 0.3 || b < a * 11, `${size}: ${a} s, ${size * 4}: ${b} s`);
    assert.ok(b < 20, `${size * 4}: ${b} s`);
  });
}

test("dominators and loops against their definitions", () => {
  let state = 12345;
  const random = (n: number): number => {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    return (state >>> 8) % n;
  };
  for (let round = 0; round < 300; round++) {
    const count = 2 + random(12);
    const func = build((b, _, x) => {
      const blocks = Array.from({ length: count }, () => b.createBlock());
      const any = (): Block => blocks[random(count)] ?? b.createBlock();
      b.jump(any());
      for (const block of blocks) {
        b.switchTo(block);
        if (random(5) === 0) b.return([x]);
        else if (random(3) === 0) b.jump(any());
        else b.brif(x, any(), [], any(), []);
      }
    });
    assert.deepEqual(verifyFunc(func), []);
    const cfg = new ControlFlowGraph(func);
    /** Blocks that the entry reaches without going through `without`. */
    const reach = (from: number, without: number): Set<number> => {
      const seen = new Set<number>();
      const work = from === without ? [] : [from];
      for (let b = work.pop(); b !== undefined; b = work.pop()) {
        if (seen.has(b)) continue;
        seen.add(b);
        for (let e = cfg.succStart[b] ?? 0; e < (cfg.succStart[b + 1] ?? 0); e++) {
          const to = cfg.succ[e] ?? 0;
          if (to !== without) work.push(to);
        }
      }
      return seen;
    };
    const all = [...reach(func.entryBlock, -1)];
    assert.equal(cfg.order.length, all.length);
    const { loops } = cfg;
    const positions = new Map([...cfg.domOrder].map((b, i) => [b, i]));
    for (const a of all) {
      const rest = reach(func.entryBlock, a);
      for (const b of all) {
        const expected = a === b || !rest.has(b);
        assert.equal(cfg.dominates(entity<Block>(a), entity<Block>(b)), expected);
        if (expected && a !== b) assert.ok(cfg.dominates(entity<Block>(a), entity<Block>(cfg.idom[b] ?? 0)));
      }
      // Forward edges go forward in the order of the dominator tree, too.
      for (let e = cfg.succStart[a] ?? 0; e < (cfg.succStart[a + 1] ?? 0); e++) {
        const to = cfg.succ[e] ?? 0;
        if ((cfg.position[to] ?? 0) > (cfg.position[a] ?? 0))
          assert.ok((positions.get(to) ?? 0) > (positions.get(a) ?? 0));
      }
      // a is in the natural loop of h if it reaches a latch of h without h, and h dominates it.
      const headers = all.filter((h) => {
        for (let e = cfg.predStart[h] ?? 0; e < (cfg.predStart[h + 1] ?? 0); e++) {
          const latch = entity<Block>(cfg.pred[e] ?? 0);
          if (!cfg.reachable(latch) || !cfg.dominates(entity<Block>(h), latch)) continue;
          if (a === h || (cfg.dominates(entity<Block>(h), entity<Block>(a)) && reach(a, h).has(latch))) return true;
        }
        return false;
      });
      assert.equal(loops.depth[a], headers.length);
      const innermost = headers.sort((x, y) => (cfg.domDepth[y] ?? 0) - (cfg.domDepth[x] ?? 0))[0] ?? -1;
      assert.equal(loops.header[a], innermost);
    }
  }
});
