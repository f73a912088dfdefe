/** Loads, stores, addresses, folding, read-modify-write, faults, block operations, explicit slots. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import type { DataSymbol, FuncSymbol, Value } from "../../src/ir/function.ts";
import { ACCESS_NAMES, Access, accessFlags, accessSize, IntCC, Op, type OpName, Region } from "../../src/ir/ops.ts";
import { F32, F64, I32, I64, type Type, typeName, typeSize, V128 } from "../../src/ir/types.ts";
import { Trap } from "../../src/layout/traps.ts";
import { IMAGE_BASE, nativeUnavailable } from "../support/native.ts";
import { type Call, Program } from "./program.ts";

const skip = nativeUnavailable() ?? false;

/** A function of the given parameters and results; the first parameter is the address of the scratch memory. */
function define(
  p: Program,
  name: string,
  params: readonly Type[],
  results: readonly Type[],
  body: (b: FuncBuilder, args: readonly Value[]) => readonly Value[],
): number {
  const { builder, params: args } = startFunction(
    name,
    { params, results, convention: "wasm" },
    { stackCheck: false, entry: false },
  );
  builder.return(body(builder, args));
  return p.add(builder.func);
}

const MEMORY = Uint8Array.from({ length: 256 }, (_, i) => (i * 73 + 129) & 0xff);

test("loads and stores of every type and width", { skip }, () => {
  const p = new Program();
  const symbols: [number, bigint[]][] = [];
  for (const type of [I32, I64, F32, F64, V128]) {
    for (const access of Object.values(Access)) {
      if (access !== Access.full && (type > I64 || accessSize(access, type) >= typeSize(type))) continue;
      for (const offset of [0, 5, 64]) {
        const name = `${typeName(type)}_${ACCESS_NAMES[access]}`;
        symbols.push([
          define(p, `load_${name}`, [I64], [type], (b, [m]) => [b.load(type, m!, offset, Region.heap, access)]),
          [],
        ]);
        symbols.push([
          define(p, `store_${name}`, [I64, type], [], (b, [m, x]) => {
            b.store(type, m!, x!, offset, Region.heap, access);
            return [];
          }),
          [0x8182838485868788898a8b8c8d8e8f90n & ((1n << BigInt([32, 64, 32, 64, 128][type] ?? 0)) - 1n)],
        ]);
        if (type > I64) continue;
        for (const k of [0, -1, 0x7f, 0x12345678]) {
          symbols.push([
            define(p, `store_${name}_${k}`, [I64], [], (b, [m]) => {
              b.store(
                type,
                m!,
                type === I32 ? b.iconst32(k) : b.iconst64(k, k === 0x7f ? 5 : k >> 31),
                offset,
                Region.heap,
                access,
              );
              return [];
            }),
            [],
          ]);
        }
      }
    }
  }
  p.check(
    symbols.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args] })),
    MEMORY,
  );
});

test("addresses: base, index, scale, displacement", { skip }, () => {
  const p = new Program();
  const calls: [number, bigint[]][] = [];
  const load = (
    name: string,
    params: readonly Type[],
    address: (b: FuncBuilder, args: readonly Value[]) => Value,
    offset: number,
    args: bigint[],
  ): void => {
    calls.push([
      define(p, name, [I64, ...params], [I64, I64], (b, v) => {
        const at = address(b, v);
        // Read twice, and once more as a number: the address is shared.
        const x = b.load(I64, at, offset, Region.heap);
        const y = b.load(I64, at, offset + 8, Region.heap);
        return [
          b.binary(Op.iadd, I64, x, y),
          b.binary(Op.bxor, I64, b.load(I64, at, offset, Region.heap), b.iconst64(5, 0)),
        ];
      }),
      args,
    ]);
  };
  const add = (b: FuncBuilder, x: Value, y: Value): Value => b.binary(Op.iadd, I64, x, y);
  for (const offset of [0, 8, 100, -8]) {
    const at = BigInt(-Math.min(offset, 0));
    load("base", [], (b, [m]) => add(b, m!, b.iconst64n(Number(at))), offset, []);
    load("index", [I64], (_b, [m, i]) => add(_b, m!, i!), offset, [at + 3n]);
    load("index32", [I32], (b, [m, i]) => add(b, m!, b.unary(Op.uextend, I64, i!)), offset, [at + 3n]);
    load(
      "index32 sum",
      [I32, I32],
      (b, [m, i, j]) => add(b, m!, b.unary(Op.uextend, I64, b.binary(Op.iadd, I32, i!, j!))),
      offset,
      [at + 0xffffffffn, 2n],
    );
    load("index32 first", [I32], (b, [m, i]) => add(b, b.unary(Op.uextend, I64, i!), m!), offset, [at + 3n]);
    for (const shift of [1, 2, 3, 4]) {
      load(
        `scaled ${shift}`,
        [I64],
        (b, [m, i]) => add(b, m!, b.binary(Op.ishl, I64, i!, b.iconst64n(shift))),
        offset,
        [at],
      );
      load(
        `scaled32 ${shift}`,
        [I32],
        (b, [m, i]) => add(b, m!, b.binary(Op.ishl, I64, b.unary(Op.uextend, I64, i!), b.iconst64n(shift))),
        offset,
        [at],
      );
    }
    load("constants", [I64], (b, [m, i]) => add(b, add(b, add(b, m!, b.iconst64n(40)), i!), b.iconst64n(-20)), offset, [
      at,
    ]);
    load(
      "large constants",
      [],
      (b, [m]) => add(b, add(b, m!, b.iconst64n(0x7fff_ffff)), b.iconst64n(-0x7fff_ffff + Number(at))),
      offset,
      [],
    );
    load(
      "K ≥ 2^31",
      [],
      (b, [m]) => add(b, add(b, m!, b.iconst64n(0x12_8000_0000)), b.iconst64n(-0x12_8000_0000 + Number(at))),
      offset,
      [],
    );
    load("difference", [I64], (b, [m, i]) => b.binary(Op.isub, I64, m!, i!), offset, [BigInt.asUintN(64, -at)]);
  }
  p.check(
    calls.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args] })),
    MEMORY,
  );
});

test("an index from anywhere is extended, however it came", { skip }, () => {
  // Parameters, call results, reduced values and block parameters may have anything in the upper half.
  const p = new Program();
  const identity = define(p, "identity", [I32], [I32], (_b, [x]) => [x!]);
  const reduce = define(p, "reduce", [I64], [I32], (b, [x]) => [b.unary(Op.ireduce, I32, x!)]);
  const sig = { params: [I32], results: [I32], convention: "wasm" } as const;
  const f = define(p, "index", [I64, I32, I64], [I64, I64], (b, [m, i, wide]) => {
    const get = (x: Value): Value =>
      b.load(I64, b.binary(Op.iadd, I64, m!, b.unary(Op.uextend, I64, x)), 0, Region.heap, Access.u8);
    const called = b.call(b.importFunc(entity<FuncSymbol>(identity), sig), [i!])[0]!;
    const called2 = b.call(b.importFunc(entity<FuncSymbol>(reduce), { ...sig, params: [I64] }), [wide!])[0]!;
    const reduced = b.unary(Op.ireduce, I32, wide!);
    const merge = b.createBlock();
    const x = b.func.appendBlockParam(merge, I32);
    const [t, e] = [b.createBlock(), b.createBlock()];
    b.brif(i!, t, [], e, []);
    b.switchTo(t);
    b.jump(merge, [reduced]);
    b.switchTo(e);
    b.jump(merge, [b.iconst32(1)]);
    b.switchTo(merge);
    const sum = [get(i!), get(called), get(called2), get(reduced), get(x)].reduce((u, v) =>
      b.binary(Op.iadd, I64, b.binary(Op.imul, I64, u, b.iconst64n(7)), v),
    );
    return [sum, b.unary(Op.uextend, I64, b.select(I32, i!, i!, reduced))];
  });
  const calls: Call[] = [];
  for (const i of [0n, 1n, 9n])
    for (const wide of [2n, 0xabcdef12_00000003n]) calls.push({ symbol: f, args: [0n, i, wide] });
  p.check(
    calls.map((c) => ({ ...c, args: [p.scratch, ...c.args.slice(1)] })),
    MEMORY,
  );
});

test("a loop counts an index whose upper half stays clear", { skip }, () => {
  const p = new Program();
  const { builder: b, params } = startFunction(
    "sum",
    { params: [I64, I32], results: [I32], convention: "wasm" },
    { stackCheck: false, entry: false },
  );
  const [m, n] = params;
  const [head, body, done] = [b.createBlock(), b.createBlock(), b.createBlock()];
  const i = b.func.appendBlockParam(head, I32);
  const s = b.func.appendBlockParam(head, I32);
  b.jump(head, [b.iconst32(0), b.iconst32(0)]);
  b.switchTo(head);
  b.brif(b.icmp(6, I32, i, n!), body, [], done, []);
  b.switchTo(body);
  const x = b.load(I32, b.binary(Op.iadd, I64, m!, b.unary(Op.uextend, I64, i)), 0, Region.heap, Access.u8);
  b.jump(head, [b.binary(Op.iadd, I32, i, b.iconst32(1)), b.binary(Op.iadd, I32, s, x)]);
  b.switchTo(done);
  b.return([s]);
  const f = p.add(b.func);
  p.check(
    [0n, 1n, 100n].map((k) => ({ symbol: f, args: [p.scratch, k] })),
    MEMORY,
  );
});

test("loads stay where effects are", { skip }, () => {
  const p = new Program();
  const calls: [number, bigint[]][] = [];
  const K = (b: FuncBuilder, k: number): Value => b.iconst32(k);
  calls.push([
    define(p, "store between", [I64, I32], [I32], (b, [m, x]) => {
      const old = b.load(I32, m!, 0, Region.heap);
      b.store(I32, m!, x!, 0, Region.heap);
      return [b.binary(Op.iadd, I32, x!, old)];
    }),
    [77n],
  ]);
  calls.push([
    define(p, "two loads and a store", [I64, I32], [I32], (b, [m, x]) => {
      const u = b.load(I32, m!, 0, Region.heap, Access.full, true);
      const v = b.load(I32, m!, 4, Region.heap, Access.full, true);
      b.store(I32, m!, b.binary(Op.isub, I32, u, v), 8, Region.heap);
      return [b.binary(Op.iadd, I32, x!, b.load(I32, m!, 8, Region.heap))];
    }),
    [77n],
  ]);
  calls.push([
    define(p, "swap", [I64], [], (b, [m]) => {
      const u = b.load(I32, m!, 0, Region.heap);
      const v = b.load(I32, m!, 4, Region.heap);
      b.store(I32, m!, v, 0, Region.heap);
      b.store(I32, m!, u, 4, Region.heap);
      return [];
    }),
    [],
  ]);
  calls.push([
    define(p, "update of another place", [I64], [], (b, [m]) => {
      b.store(I32, m!, b.binary(Op.iadd, I32, b.load(I32, m!, 0, Region.heap), K(b, 9)), 4, Region.heap);
      return [];
    }),
    [],
  ]);
  calls.push([
    define(p, "update with a store between", [I64, I32], [], (b, [m, x]) => {
      const v = b.binary(Op.iadd, I32, b.load(I32, m!, 0, Region.heap), K(b, 9));
      b.store(I32, m!, x!, 0, Region.heap);
      b.store(I32, m!, v, 0, Region.heap);
      return [];
    }),
    [5n],
  ]);
  p.check(
    calls.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args] })),
    MEMORY,
  );
});

test("read-modify-write of every op and width", { skip }, () => {
  const p = new Program();
  const calls: [number, bigint[]][] = [];
  const ops: OpName[] = ["iadd", "isub", "band", "bor", "bxor", "imul"];
  for (const type of [I32, I64]) {
    for (const [load, store] of [
      [Access.full, Access.full],
      [Access.u8, Access.u8],
      [Access.s8, Access.u8],
      [Access.u16, Access.u16],
      [Access.u16, Access.u8],
    ] as const) {
      for (const op of ops) {
        for (const reversed of [false, true]) {
          calls.push([
            define(p, `${op}_x`, [I64, type], [], (b, [m, x]) => {
              const old = b.load(type, m!, 3, Region.heap, load, true);
              b.store(
                type,
                m!,
                reversed ? b.binary(Op[op], type, x!, old) : b.binary(Op[op], type, old, x!),
                3,
                Region.heap,
                store,
                true,
              );
              return [];
            }),
            [0x1122334455667788n & (type === I32 ? 0xffffffffn : -1n)],
          ]);
        }
        for (const k of [1, -1, 0x1234]) {
          calls.push([
            define(p, `${op}_${k}`, [I64], [], (b, [m]) => {
              const old = b.load(type, m!, 3, Region.heap, load);
              b.store(
                type,
                m!,
                b.binary(Op[op], type, old, type === I32 ? b.iconst32(k) : b.iconst64n(k)),
                3,
                Region.heap,
                store,
              );
              return [];
            }),
            [],
          ]);
        }
      }
    }
  }
  p.check(
    calls.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args.map((a) => BigInt.asUintN(64, a))] })),
    MEMORY,
  );
});

test("accesses that fault have a trap row at the instruction, folded or not", { skip }, () => {
  const p = new Program();
  const symbols: number[] = [];
  const one = (
    name: string,
    results: readonly Type[],
    body: (b: FuncBuilder, m: Value, x: Value) => readonly Value[],
  ): void => {
    symbols.push(
      define(p, name, [I64, I32], results, (b, [m, x]) => {
        b.loc = 100 + symbols.length;
        return body(b, m!, x!);
      }),
    );
  };
  one("load", [I32], (b, m) => [b.load(I32, m, 4, Region.heap, Access.full, true)]);
  one("narrow", [I32], (b, m) => [b.load(I32, m, 4, Region.heap, Access.s8, true)]);
  one("unused", [], (b, m) => {
    b.load(I32, m, 4, Region.heap, Access.full, true);
    return [];
  });
  one("float", [F64], (b, m) => [b.load(F64, m, 4, Region.heap, Access.full, true)]);
  one("add", [I32], (b, m, x) => [b.binary(Op.iadd, I32, x, b.load(I32, m, 4, Region.heap, Access.full, true))]);
  one("compare", [I32], (b, m, x) => [b.icmp(2, I32, b.load(I32, m, 4, Region.heap, Access.full, true), x)]);
  one("store", [], (b, m, x) => {
    b.store(I32, m, x, 4, Region.heap, Access.full, true);
    return [];
  });
  one("store constant", [], (b, m) => {
    b.store(I32, m, b.iconst32(7), 4, Region.heap, Access.u8, true);
    return [];
  });
  one("update", [], (b, m, x) => {
    b.store(
      I32,
      m,
      b.binary(Op.iadd, I32, b.load(I32, m, 4, Region.heap, Access.full, true), x),
      4,
      Region.heap,
      Access.full,
      true,
    );
    return [];
  });
  for (const access of [Access.full, Access.u8, Access.u16]) {
    const flags = accessFlags(access, Region.heap, true);
    one("atomic load", [], (b, m) => {
      b.atomicLoad(I32, m, 4, flags);
      return [];
    });
    one("atomic store", [], (b, m, x) => {
      b.atomicStore(I32, m, x, 4, flags);
      return [];
    });
    for (const op of ["add", "sub", "and", "or", "xor", "xchg"] as const) {
      one(op, [I32], (b, m, x) => [b.atomicUpdate(Op[`atomic_${op}`], I32, m, x, 4, flags)]);
      one(`${op}, unused`, [], (b, m, x) => {
        b.atomicUpdate(Op[`atomic_${op}`], I32, m, x, 4, flags);
        return [];
      });
    }
    one("cas", [I32], (b, m, x) => [b.atomicCas(I32, m, x, x, 4, flags)]);
  }
  const bad = p.nextSymbol;
  const runs = p.runNative(
    symbols.map((symbol) => ({ symbol, args: [0x1000n, 5n] })),
    new Uint8Array(16),
  );
  runs.forEach(({ answer }, i) => {
    assert.equal(answer.status, 1 + 11, `${i}: SIGSEGV`);
    assert.deepEqual(p.trapAt(answer.pc), { code: Trap.memory_out_of_bounds, loc: 100 + i });
  });
  assert.equal(bad, symbols.length + 1);
});

test("atomic accesses of every width: what they give, what they leave, used or not", { skip }, () => {
  const p = new Program();
  const calls: [number, readonly bigint[]][] = [];
  const memory = new DataView(MEMORY.buffer);
  const forms: readonly (readonly [Type, readonly number[]])[] = [
    [I32, [Access.full, Access.u8, Access.u16]],
    [I64, [Access.full, Access.u8, Access.u16, Access.u32]],
  ];
  for (const [type, accesses] of forms) {
    for (const access of accesses) {
      const flags = accessFlags(access, Region.heap);
      const name = (op: string): string => `${op}_${typeName(type)}_${ACCESS_NAMES[access]}`;
      const xs = [0n, 1n, -1n, 0x1122334455667788n].map((x) => BigInt.asUintN(8 * typeSize(type), x));
      const size = accessSize(access, type);
      const there =
        size === 8
          ? memory.getBigUint64(16, true)
          : BigInt(memory.getUint32(16, true)) & ((1n << BigInt(8 * size)) - 1n);
      const add = (symbol: number, ...args: readonly bigint[]): void => {
        calls.push([symbol, args]);
      };
      // The upper half of an i32 parameter is anything.
      const upper = type === I32 ? 0xdead_beefn << 32n : 0n;
      add(define(p, name("load"), [I64], [type], (b, [m]) => [b.atomicLoad(type, m!, 16, flags)]));
      const store = define(p, name("store"), [I64, type], [type], (b, [m, x]) => {
        b.atomicStore(type, m!, x!, 16, flags);
        return [x!];
      });
      for (const x of xs) add(store, upper | x);
      for (const op of ["add", "sub", "and", "or", "xor", "xchg"] as const) {
        const number = Op[`atomic_${op}`];
        const used = define(p, name(op), [I64, type], [type, I64], (b, [m, x]) => {
          const old = b.atomicUpdate(number, type, m!, x!, 16, flags);
          return [old, type === I32 ? b.unary(Op.uextend, I64, old) : x!];
        });
        const unused = define(p, name(`${op}_unused`), [I64, type], [], (b, [m, x]) => {
          b.atomicUpdate(number, type, b.binary(Op.iadd, I64, m!, b.iconst64n(8)), x!, 8, flags);
          return [];
        });
        for (const x of xs) {
          add(used, upper | x);
          add(unused, upper | x);
        }
      }
      const cas = define(p, name("cas"), [I64, type, type], [type, I64], (b, [m, x, y]) => {
        const old = b.atomicCas(type, m!, x!, y!, 16, flags);
        return [old, type === I32 ? b.unary(Op.uextend, I64, old) : y!];
      });
      const wild = BigInt.asUintN(8 * typeSize(type), 0x5a5a_5a5a_5a5a_5a5an << BigInt(8 * size));
      for (const expected of [there, there | wild, there ^ 1n, 0n])
        for (const x of xs) add(cas, upper | expected, upper | x);
    }
  }
  p.check(
    calls.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args] })),
    MEMORY,
  );
});

test("compare and swap, fence, block copy and fill", { skip }, () => {
  const p = new Program();
  const calls: [number, bigint[]][] = [];
  for (const type of [I32, I64]) {
    const cas = define(p, "cas", [I64, type, type], [type, type], (b, [m, x, y]) => {
      const old = b.atomicCas(type, m!, x!, y!, 8, accessFlags(Access.full, Region.heap));
      b.fence();
      return [old, b.binary(Op.iadd, type, x!, b.load(type, m!, 8, Region.heap))];
    });
    const memory = new DataView(MEMORY.buffer);
    calls.push(
      [cas, [5n, 6n]],
      [cas, [type === I32 ? BigInt(memory.getUint32(8, true)) : memory.getBigUint64(8, true), 0x55n]],
    );
  }
  const copy = define(p, "copy", [I64, I64], [I64], (b, [m, n]) => {
    b.block3(
      Op.copy_forward,
      b.binary(Op.iadd, I64, m!, b.iconst64n(5)),
      b.binary(Op.iadd, I64, m!, b.iconst64n(60)),
      n!,
    );
    return [b.binary(Op.iadd, I64, m!, n!)];
  });
  const fill = define(p, "fill", [I64, I32, I64], [I64, I32], (b, [m, x, n]) => {
    b.block3(Op.fill, m!, x!, n!);
    return [n!, x!];
  });
  for (const n of [0n, 1n, 33n]) calls.push([copy, [n]], [fill, [0x1abn, n]]);
  p.check(
    calls.map(([symbol, args]) => ({ symbol, args: [p.scratch, ...args] })),
    MEMORY,
  );
});

test("copies with wide registers, where there are any", { skip }, () => {
  const p = new Program();
  const memory = Uint8Array.from({ length: 2048 }, (_, i) => (i * 73 + (i >> 8) * 5 + 129) & 0xff);
  // The last parameter: the widest that it may use.
  const copy = define(p, "copy", [I64, I64, I64], [I64], (b, [m, n, most]) => {
    const [some, widest, wide] = [b.createBlock(), b.createBlock(), b.createBlock()];
    const [narrow, done] = [b.createBlock(), b.createBlock()];
    const has = b.nullary(Op.has_wide_copy);
    const [to, from] = [b.binary(Op.iadd, I64, m!, b.iconst64n(1000)), b.binary(Op.iadd, I64, m!, b.iconst64n(3))];
    // Nothing else is harmed.
    const kept = [0, 8].map((k) => b.load(F64, m!, k, Region.heap));
    b.brif(b.unary(Op.ireduce, I32, has), some, [], narrow, []);
    b.switchTo(some);
    const isWidest = b.icmp(IntCC.uge, I64, b.binary(Op.band, I64, has, most!), b.iconst64n(2));
    b.brif(b.binary(Op.band, I32, isWidest, b.icmp(IntCC.uge, I64, n!, b.iconst64n(256))), widest, [], wide, []);
    b.switchTo(widest);
    b.block3(Op.copy_widest, to, from, n!);
    b.jump(done);
    b.switchTo(wide);
    b.block3(Op.copy_wide, to, from, n!);
    b.jump(done);
    b.switchTo(narrow);
    b.block3(Op.copy_forward, to, from, n!);
    b.jump(done);
    b.switchTo(done);
    kept.forEach((value, k) => {
      b.store(F64, m!, value, 1960 + 8 * k, Region.heap);
    });
    return [b.binary(Op.iadd, I64, to, n!)];
  });
  const lengths = [128n, 129n, 191n, 192n, 193n, 255n, 256n, 257n, 383n, 384n, 385n, 512n, 513n, 640n, 641n, 900n];
  p.check(
    lengths.flatMap((n) => [1n, 2n].map((most) => ({ symbol: copy, args: [p.scratch, n, most] }))),
    memory,
  );
});

test("explicit slots and the addresses of things", { skip }, () => {
  const p = new Program();
  const slots = define(p, "slots", [I64, I64], [I64, I64], (b, [m, x]) => {
    const s = b.createSlot(24, 8);
    const t = b.createSlot(40, 16);
    const u = b.createSlot(3, 1);
    b.store(I64, b.slotAddr(s), x!, 8, Region.stack);
    b.store(I64, b.slotAddr(t, 16), m!, 8, Region.stack);
    b.store(I32, b.slotAddr(u), b.iconst32(0xabc), 1, Region.stack, Access.u8);
    const index = b.binary(Op.band, I64, x!, b.iconst64n(8));
    const indexed = b.load(
      I64,
      b.binary(Op.iadd, I64, b.slotAddr(s), b.binary(Op.ishl, I64, index, b.iconst64n(0))),
      8,
      Region.stack,
      Access.u8,
    );
    const sum = b.binary(
      Op.iadd,
      I64,
      b.load(I64, b.slotAddr(s, 8), 0, Region.stack),
      b.load(I64, b.slotAddr(t), 24, Region.stack),
    );
    return [sum, b.binary(Op.iadd, I64, indexed, b.load(I64, b.slotAddr(u), 1, Region.stack, Access.u8))];
  });
  const data = entity<DataSymbol>(1);
  const addresses = define(p, "addresses", [I64, I64], [I64, I64, I64, I64], (b) => [
    b.dataAddr(data, 12),
    b.funcAddr(entity<FuncSymbol>(slots)),
    b.nullary(Op.text_base),
    b.load(I64, b.dataAddr(data, 8), 16, Region.constant),
  ]);
  const aligned = define(p, "aligned", [I64], [I64, I64], (b) => {
    const t = b.createSlot(16, 16);
    const frame = b.nullary(Op.frame_pointer);
    const stack = b.nullary(Op.stack_pointer);
    const low = b.binary(Op.bor, I64, b.binary(Op.bor, I64, frame, stack), b.slotAddr(t));
    return [b.binary(Op.band, I64, low, b.iconst64n(15)), b.unary(Op.uextend, I64, b.icmp(6, I64, stack, frame))];
  });
  p.check(
    [
      { symbol: slots, args: [p.scratch, 0n] },
      { symbol: addresses, args: [p.context, p.scratch] },
    ],
    MEMORY,
  );
  const [run] = p.runNative([{ symbol: aligned, args: [IMAGE_BASE] }], new Uint8Array(0));
  assert.deepEqual(run?.results, [0n, 1n]);
});

test("many values at once: integers, floats, vectors, constants are spilled and come back", { skip }, () => {
  const p = new Program();
  const f = define(p, "pressure", [I64], [I64, F64, V128], (b, [m]) => {
    const n = 40;
    const ints = Array.from({ length: n }, (_, i) => b.load(I64, m!, i, Region.heap));
    const floats = Array.from({ length: n }, (_, i) =>
      b.unary(Op.fcvt_from_sint, F64, b.load(I32, m!, 2 * i, Region.heap), F64),
    );
    const singles = Array.from({ length: n }, (_, i) =>
      b.unary(Op.fcvt_from_sint, F32, b.load(I32, m!, 3 * i, Region.heap, Access.u8), F32),
    );
    const vectors = Array.from({ length: n }, (_, i) => b.load(V128, m!, i, Region.heap));
    b.store(V128, m!, vectors[0]!, 0, Region.heap);
    b.store(V128, m!, vectors[n - 1]!, 160, Region.heap);
    vectors.forEach((v, i) => {
      if (i % 3 === 0) b.store(V128, m!, v, 4 * i, Region.heap);
    });
    const sum = ints.reduce((x, y) => b.binary(Op.isub, I64, b.binary(Op.rotl, I64, x, b.iconst64n(3)), y));
    const total = floats.reduce((x, y) => b.binary(Op.fsub, F64, y, x));
    const total32 = singles.reduce((x, y) => b.binary(Op.fadd, F32, y, x));
    return [sum, b.binary(Op.fadd, F64, total, b.unary(Op.fpromote, F64, total32)), vectors[7]!];
  });
  p.check([{ symbol: f, args: [p.scratch] }], MEMORY);
});
