/** Every operation with constants, every pair of operations, every pair of comparisons: on values where they go wrong. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import { type FuncBuilder, startFunction } from "../../src/ir/builder.ts";
import type { FuncSymbol, Value } from "../../src/ir/function.ts";
import { INT_CC_NAMES, IntCC, Op } from "../../src/ir/ops.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { F32, F64, I32, I64, type Type } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { optimize } from "../../src/opt/pipeline.ts";
import { Evaluator, isNaNBits } from "../codegen/interpreter.ts";

const WORLD = {
  resolve: (): never => {
    throw new Error("no calls here");
  },
  dataAddress: (): bigint => 0n,
  funcAddress: (): bigint => 0n,
  funcAt: (): FuncSymbol => entity<FuncSymbol>(0),
  textBase: 0n,
};

const width = (type: Type): number => (type === I32 ? 32 : 64);
const SMALL = [
  0n,
  1n,
  2n,
  3n,
  4n,
  5n,
  6n,
  7n,
  8n,
  10n,
  12n,
  15n,
  16n,
  24n,
  25n,
  28n,
  31n,
  32n,
  33n,
  48n,
  56n,
  63n,
  64n,
  100n,
  125n,
  127n,
  128n,
  255n,
  256n,
  625n,
  641n,
  1000n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  1000000n,
];
const LARGE = [
  0x7fffffffn,
  0x80000000n,
  0x80000001n,
  0xfffffffen,
  0xffffffffn,
  0x100000000n,
  0x100000001n,
  10000000000n,
  0x5555555555555555n,
  0xaaaaaaaaaaaaaaaan,
  0x7fffffffffffffffn,
  0x8000000000000000n,
];
const ALL = [
  ...new Set([...SMALL, ...SMALL.map((v) => -v), ...LARGE, ...LARGE.map((v) => -v)].map((v) => BigInt.asUintN(64, v))),
];
const FEW = [
  0n,
  1n,
  2n,
  3n,
  7n,
  8n,
  16n,
  24n,
  31n,
  32n,
  48n,
  56n,
  0xffn,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  -1n,
  -8n,
].map((v) => BigInt.asUintN(64, v));

function unique(type: Type, values: readonly bigint[]): bigint[] {
  return [...new Set(values.map((v) => BigInt.asUintN(width(type), v)))];
}

function constant(b: FuncBuilder, type: Type, v: bigint): Value {
  const lo = Number(BigInt.asIntN(32, v));
  return type === I32 ? b.iconst32(lo) : b.iconst64(lo, Number(BigInt.asIntN(32, v >> 32n)));
}

/** A function of one or two parameters with many results: all are what they were, for all arguments. */
function check(
  params: readonly Type[],
  results: readonly Type[],
  build: (b: FuncBuilder, params: readonly Value[]) => void,
  args: readonly (readonly bigint[])[],
): void {
  const started = startFunction("exact", { params, results, convention: "wasm" }, { stackCheck: false, entry: false });
  build(started.builder, started.params);
  const original = started.builder.func;
  const text = printFunc(original);
  const func = parseFunc(text);
  assert.deepEqual(verifyFunc(func), [], text);
  optimize(func, 2, (pass, f) => assert.deepEqual(verifyFunc(f), [], pass));
  for (const arg of args) {
    const expected = new Evaluator(WORLD, []).run(original, arg);
    const actual = new Evaluator(WORLD, []).run(func, arg);
    for (let i = 0; i < expected.length; i++) {
      const type = results[i] ?? I32;
      if (actual[i] === expected[i] || (isNaNBits(type, expected[i] ?? 0n) && isNaNBits(type, actual[i] ?? 0n)))
        continue;
      assert.fail(`result ${i} of ${arg.join(", ")} is ${actual[i]}, not ${expected[i]}\n${text}\n${printFunc(func)}`);
    }
  }
}

const BINARY = [Op.iadd, Op.isub, Op.imul, Op.band, Op.bor, Op.bxor, Op.ishl, Op.ushr, Op.sshr, Op.rotl, Op.rotr];
const DIVISIONS = [Op.sdiv, Op.udiv, Op.srem, Op.urem];

for (const type of [I32, I64] as const) {
  const name = type === I32 ? "i32" : "i64";
  const constants = unique(type, ALL);
  test(`${name}: binary operations with a constant`, () => {
    const ops = type === I64 ? [...BINARY, Op.umulhi, Op.smulhi] : BINARY;
    for (const op of ops) {
      for (const left of [false, true]) {
        check(
          [type],
          constants.map(() => type),
          (b, [x = entity(0)]) => {
            b.return(
              constants.map((k) =>
                left ? b.binary(op, type, constant(b, type, k), x) : b.binary(op, type, x, constant(b, type, k)),
              ),
            );
          },
          constants.map((v) => [v]),
        );
      }
    }
  });

  test(`${name}: division by a constant`, () => {
    const minusOne = BigInt.asUintN(width(type), -1n);
    const min = 1n << BigInt(width(type) - 1);
    for (const op of DIVISIONS) {
      const divisors = constants.filter((k) => k !== 0n);
      check(
        [type],
        divisors.map(() => type),
        (b, [x = entity(0)]) => {
          b.return(divisors.map((k) => b.binary(op, type, x, constant(b, type, k))));
        },
        constants.filter((v) => v !== min || op !== Op.sdiv || !divisors.includes(minusOne)).map((v) => [v]),
      );
      // Around multiples of each divisor.
      for (const d of divisors) {
        if (d === minusOne) continue;
        const near = [1n, 2n, 3n, 1000n, 0x7fffffffn / d, 0xffffffffn / d, (min - 1n) / d, (2n * min - 1n) / d].flatMap(
          (q) => [q * d - 1n, q * d, q * d + 1n, -q * d, -q * d - 1n, -q * d + 1n],
        );
        check(
          [type],
          [type],
          (b, [x = entity(0)]) => b.return([b.binary(op, type, x, constant(b, type, d))]),
          unique(type, near).map((v) => [v]),
        );
      }
    }
  });

  test(`${name}: two operations in a row`, () => {
    const few = unique(type, FEW);
    const args = unique(type, [...FEW, 0x123456789abcdef0n, 0xfedcba9876543210n, 0x80n, 0x8000n]).map((v) => [v]);
    for (const inner of BINARY) {
      for (const outer of BINARY) {
        const pairs = few.flatMap((k1) => few.map((k2) => [k1, k2] as const));
        check(
          [type],
          pairs.map(() => type),
          (b, [x = entity(0)]) => {
            b.return(
              pairs.map(([k1, k2]) =>
                b.binary(outer, type, b.binary(inner, type, x, constant(b, type, k1)), constant(b, type, k2)),
              ),
            );
          },
          args,
        );
      }
    }
  });

  test(`${name}: extensions, counts and comparisons behind an operation`, () => {
    const few = unique(type, [1n, 7n, 8n, 16n, 24n, 32n, 48n, 56n, 0xffn, 0xffffn, 0xffffffffn, -1n]);
    const args = unique(type, [0n, 1n, 0x123456789abcdef0n, 0x80n, 0x8000n, 0x80000000n, -0x80n, -0x8000n]).map((v) => [
      v,
    ]);
    const compared = unique(type, [0n, 1n, 2n, 0x80n, 0xffn, 0x8000n, 0xffffn, 0xffffffffn, -1n, -128n]);
    const unary = [Op.sext8, Op.sext16, Op.clz, Op.ctz, Op.popcnt, ...(type === I64 ? [Op.sext32] : [])];
    const single: ((b: FuncBuilder, v: Value) => [Value, Type])[] = [
      ...unary.map((op) => (b: FuncBuilder, v: Value): [Value, Type] => [b.unary(op, type, v), type]),
      (b, v) => (type === I64 ? [b.unary(Op.ireduce, I32, v), I32] : [b.unary(Op.uextend, I64, v), I64]),
      (b, v) =>
        type === I64
          ? [b.unary(Op.sextend, I64, b.unary(Op.ireduce, I32, v)), I64]
          : [b.unary(Op.sextend, I64, v), I64],
      (b, v) =>
        type === I64
          ? [b.unary(Op.uextend, I64, b.unary(Op.ireduce, I32, v)), I64]
          : [b.unary(Op.sext32, I64, b.unary(Op.uextend, I64, v)), I64],
    ];
    const double = unary.flatMap((first) =>
      unary.map((op) => (b: FuncBuilder, v: Value): [Value, Type] => [
        b.unary(op, type, b.unary(first, type, v)),
        type,
      ]),
    );
    // Two in a row are compared with few constants: rules see one of them.
    const all = [
      ...single.map((wrap) => ({ wrap, compared })),
      ...double.map((wrap) => ({ wrap, compared: compared.slice(0, 2) })),
    ];
    for (const { wrap, compared } of all) {
      for (const inner of [Op.band, Op.ishl, Op.ushr, Op.sshr, Op.iadd, Op.bxor]) {
        const types: Type[] = [];
        const scratch = startFunction(
          "t",
          { params: [type], results: [], convention: "wasm" },
          { stackCheck: false, entry: false },
        );
        const [, result] = wrap(scratch.builder, scratch.params[0] ?? entity(0));
        for (const _ of few) types.push(result, ...INT_CC_NAMES.flatMap(() => compared.map(() => I32)));
        check(
          [type],
          types,
          (b, [x = entity(0)]) => {
            const out: Value[] = [];
            for (const k of few) {
              const [v, t] = wrap(b, b.binary(inner, type, x, constant(b, type, k)));
              out.push(v);
              for (let cc = 0; cc < INT_CC_NAMES.length; cc++) {
                for (const c of compared) out.push(b.icmp(cc, t, v, constant(b, t, c - 1n)));
              }
            }
            b.return(out);
          },
          args,
        );
      }
    }
  });

  test(`${name}: arithmetic of narrow values`, () => {
    const masks = [1n, 0xfn, 0xffn, 0xffffn];
    const outer = [1n, 0xfn, 0x1fn, 0xffn, 0x1ffn, 0xffffn, 0x1ffffn];
    const shifts = [1n, 4n, 5n, 8n, 9n, 16n, 17n];
    const values = unique(type, [0n, 1n, 2n, 0xfn, 0x10n, 0xfen, 0xffn, 0xffffn, 0x8000n, -1n]);
    const args = values.flatMap((x) => values.map((y) => [x, y]));
    for (const op of [Op.iadd, Op.imul, Op.isub, Op.bor, Op.bxor, Op.band, Op.ishl, Op.ushr]) {
      const types = masks.flatMap(() => masks.flatMap(() => [...outer, ...shifts].map((): Type => type)));
      const tests = masks.flatMap(() => masks.flatMap(() => outer.flatMap((): Type[] => [I32, I32])));
      check(
        [type, type],
        [...types, ...tests],
        (b, [x = entity(0), y = entity(0)]) => {
          const out: Value[] = [];
          const compared: Value[] = [];
          for (const m of masks) {
            for (const n of masks) {
              const left = b.binary(Op.band, type, x, constant(b, type, m));
              const right = b.binary(Op.band, type, y, constant(b, type, n));
              const v = b.binary(op, type, left, right);
              for (const k of outer) {
                out.push(b.binary(Op.band, type, v, constant(b, type, k)));
                compared.push(b.icmp(IntCC.ule, type, v, constant(b, type, k)));
                compared.push(b.icmp(IntCC.sgt, type, v, constant(b, type, -k)));
              }
              for (const k of shifts) out.push(b.binary(Op.ushr, type, v, constant(b, type, k)));
            }
          }
          b.return([...out, ...compared]);
        },
        args,
      );
    }
  });

  test(`${name}: tests of comparisons`, () => {
    const args = unique(type, FEW).flatMap((x) =>
      unique(type, FEW)
        .slice(0, 8)
        .map((y) => [x, y]),
    );
    for (let cc = 0; cc < INT_CC_NAMES.length; cc++) {
      check(
        [type, type],
        Array.from({ length: 34 }, () => I32),
        (b, [x = entity(0), y = entity(0)]) => {
          const out: Value[] = [];
          const make = (): Value => b.icmp(cc, type, x, y);
          for (let outer = 0; outer < 10; outer++)
            for (const k of [0, 1, 2]) out.push(b.icmp(outer, I32, make(), b.iconst32(k)));
          out.push(b.binary(Op.bxor, I32, make(), b.iconst32(1)));
          out.push(b.select(I32, make(), b.iconst32(1), b.iconst32(0)));
          out.push(b.select(I32, make(), b.iconst32(0), b.iconst32(1)));
          out.push(b.select(I32, b.icmp(IntCC.eq, I32, make(), b.iconst32(0)), b.iconst32(5), b.iconst32(6)));
          b.return(out);
        },
        args,
      );
    }
  });

  test(`${name}: what a branch tells of a comparison`, () => {
    const few = unique(type, [0n, 1n, 2n, 9n, 10n, 0x7fffffffn, 0x80000000n, 0xffffffffn, -2n, 1n << 63n]);
    const args = few
      .flatMap((x) => [x - 1n, x, x + 1n])
      .flatMap((x) => few.map((y) => [BigInt.asUintN(width(type), x), y]));
    for (let cc = 0; cc < INT_CC_NAMES.length; cc++) {
      for (const k of [undefined, ...few]) {
        const count = 20 + 10 * few.length;
        check(
          [type, type],
          Array.from({ length: count }, () => I32),
          (b, [x = entity(0), y = entity(0)]) => {
            const yes = b.createBlock();
            const no = b.createBlock();
            b.brif(b.icmp(cc, type, x, k === undefined ? y : constant(b, type, k)), yes, [], no, []);
            for (const block of [yes, no]) {
              b.switchTo(block);
              const out: Value[] = [];
              for (let other = 0; other < 10; other++) {
                out.push(b.icmp(other, type, x, y), b.icmp(other, type, y, x));
                for (const c of few) out.push(b.icmp(other, type, x, constant(b, type, c)));
              }
              b.return(out);
            }
          },
          args.filter((_, i) => k === undefined || i % few.length === 0),
        );
      }
    }
  });
}

test("floats: operations on constants", () => {
  const numbers = [
    0,
    -0,
    1,
    -1,
    0.5,
    -0.5,
    1.5,
    2.5,
    3.5,
    -2.5,
    0.49999999999999994,
    2251799813685249.5,
    1e300,
    -1e300,
    5e-324,
    1e-45,
    16777217,
    2147483647,
    2147483648,
    -2147483648,
    -2147483649,
    4294967295,
    4294967296,
    2 ** 63 - 1024,
    2 ** 63,
    -(2 ** 63),
    2 ** 64 - 2048,
    2 ** 64,
    1 / 0,
    -1 / 0,
    0 / 0,
  ];
  for (const type of [F32, F64] as const) {
    const bits = numbers.map((n) => new Int32Array((type === F32 ? Float32Array : Float64Array).of(n).buffer));
    const make = (b: FuncBuilder, i: number): Value =>
      type === F32 ? b.f32const(bits[i]?.[0] ?? 0) : b.f64const(bits[i]?.[0] ?? 0, bits[i]?.[1] ?? 0);
    const results: Type[] = [];
    for (const _ of numbers) {
      for (let n = 0; n < 7; n++) results.push(type);
      results.push(type === F32 ? F64 : F32, I32, I32, I64, I64, type === F32 ? I32 : I64);
      for (const __ of numbers)
        results.push(...Array.from({ length: 7 }, () => type), ...Array.from({ length: 6 }, () => I32));
    }
    check(
      [I32],
      results,
      (b) => {
        const out: Value[] = [];
        numbers.forEach((_, i) => {
          for (const op of [Op.fabs, Op.fneg, Op.fsqrt, Op.fceil, Op.ffloor, Op.ftrunc, Op.fnearest])
            out.push(b.unary(op, type, make(b, i)));
          out.push(type === F32 ? b.unary(Op.fpromote, F64, make(b, i)) : b.unary(Op.fdemote, F32, make(b, i)));
          for (const to of [I32, I64] as const)
            for (const op of [Op.fcvt_to_sint_sat, Op.fcvt_to_uint_sat]) out.push(b.unary(op, to, make(b, i)));
          out.push(b.unary(Op.bitcast, type === F32 ? I32 : I64, make(b, i)));
          numbers.forEach((__, j) => {
            for (const op of [Op.fadd, Op.fsub, Op.fmul, Op.fdiv, Op.fmin, Op.fmax, Op.fcopysign])
              out.push(b.binary(op, type, make(b, i), make(b, j)));
            for (let cc = 0; cc < 6; cc++) out.push(b.fcmp(cc, type, make(b, i), make(b, j)));
          });
        });
        b.return(out);
      },
      [[0n]],
    );
  }
});

test("integers to floats", () => {
  for (const from of [I32, I64] as const) {
    const values = unique(from, [...ALL, 0x20000000000001n, 0x7fffff4000000001n, 0x8000008000000001n]);
    for (const to of [F32, F64] as const) {
      check(
        [I32],
        values.flatMap(() => [to, to]),
        (b) => {
          b.return(
            values.flatMap((v) =>
              [Op.fcvt_from_sint, Op.fcvt_from_uint].map((op) => b.unary(op, to, constant(b, from, v))),
            ),
          );
        },
        [[0n]],
      );
    }
  }
});
