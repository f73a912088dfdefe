/** Every op on vectors, every shape, lane and condition, on boundary and random lanes, natively against the evaluator. */

import assert from "node:assert/strict";
import { test } from "node:test";
import type { FuncBuilder } from "../../src/ir/builder.ts";
import type { Value } from "../../src/ir/function.ts";
import {
  Access,
  FLOAT_CC_NAMES,
  IntCC,
  INT_CC_NAMES,
  OP_NAMES,
  Op,
  type OpName,
  opRow,
  Region,
} from "../../src/ir/ops.ts";
import { I32, I64, type Type, V128 } from "../../src/ir/types.ts";
import { laneBytes, laneCount, laneType, SHAPE_NAMES, Shape } from "../../src/ir/vector.ts";
import { nativeUnavailable } from "../support/native.ts";
import { isNaNLane, lanesOf, nanLaneBits, vectorOf } from "../support/vector.ts";
import { type Call, Program, defineFunction } from "./program.ts";

const skip = nativeUnavailable() ?? false;

/** xorshift, so that a failure repeats. */
let seed = 0x9e3779b9n;
function random64(): bigint {
  seed = BigInt.asUintN(64, seed ^ (seed << 13n));
  seed ^= seed >> 7n;
  seed = BigInt.asUintN(64, seed ^ (seed << 17n));
  return seed;
}

function boundaries(bits: number, isFloat: boolean): bigint[] {
  const b = BigInt(bits);
  const ints = [
    0n,
    1n,
    2n,
    (1n << (b - 1n)) - 1n,
    1n << (b - 1n),
    (1n << (b - 1n)) + 1n,
    (1n << b) - 2n,
    (1n << b) - 1n,
  ];
  if (!isFloat) return ints;
  const floats = [0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, 2147483647, 2147483648, -2147483648, -2147483649];
  floats.push(4294967295, 4294967296, 4294967040, 2147483520, 1e10, -1e30, 1e-40, 8388607.5, Number.NaN);
  floats.push(Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 4294967295.5, -0.9, 2147483647.9);
  const view = new DataView(new ArrayBuffer(8));
  const signalling = bits === 32 ? 0x7fa00000n : 0x7ff4000000000000n;
  return [
    signalling,
    ...floats.map((x) => {
      if (bits === 32) {
        view.setFloat32(0, x);
        return BigInt(view.getUint32(0));
      }
      view.setFloat64(0, x);
      return view.getBigUint64(0);
    }),
  ];
}

/** Vectors in which every boundary value is in some lane, and random ones. */
function vectorsFor(bits: number, isFloat: boolean, count: number): bigint[] {
  const special = boundaries(bits, isFloat);
  const out: bigint[] = [];
  for (let k = 0; k < count; k++) {
    const lanes = Array.from({ length: 128 / bits }, () =>
      random64() % 4n === 0n
        ? BigInt.asUintN(bits, random64())
        : (special[Number(random64() % BigInt(special.length))] ?? 0n),
    );
    out.push(vectorOf(lanes, bits));
  }
  return [0n, (1n << 128n) - 1n, ...out];
}

/** Vectors that suit the operands of an op: those of narrowing and widening ops have other lanes. */
function operandsOf(name: OpName, shape: number): { bits: number; isFloat: boolean } {
  if (name.startsWith("vnarrow")) return { bits: 16 * laneBytes(shape), isFloat: false };
  if (name.startsWith("vext") && !name.startsWith("vextract")) return { bits: 4 * laneBytes(shape), isFloat: false };
  if (name.startsWith("vfcvt_from")) return { bits: 32, isFloat: false };
  if (name === "vfdemote") return { bits: 64, isFloat: true };
  if (name === "vfpromote_low") return { bits: 32, isFloat: true };
  if (name === "vdot_s" || name === "vq15mulr_sat_s") return { bits: 16, isFloat: false };
  if (opRow(Op[name]).lanes === undefined) return { bits: 8, isFloat: false };
  return { bits: 8 * laneBytes(shape), isFloat: shape >= Shape.f32x4 };
}

const SMALL = [0n, 1n, 5n, 7n, 8n, 9n, 15n, 16n, 31n, 32n, 33n, 63n, 64n, 127n, 0xffffffffn];

function scalars(shape: number): bigint[] {
  const type = laneType(shape);
  const bits = type === I32 ? 32 : 8 * laneBytes(shape);
  return [...boundaries(bits, shape >= Shape.f32x4), 0x1234567890abcdefn & ((1n << BigInt(bits)) - 1n)];
}

/** Stands for the address of scratch memory, which is known when all functions are there. */
const SCRATCH = -1n;

/** Adds the context, runs and compares; NaN lanes of `bits` are equal whatever they hold. */
function check(p: Program, plain: readonly Call[], bits: number, memory = new Uint8Array(64)): void {
  const calls = plain.map((c) => ({
    symbol: c.symbol,
    args: [p.context, ...c.args.map((a) => (a === SCRATCH ? p.scratch : a))],
  }));
  const native = p.runNative(calls, memory);
  calls.forEach((call, i) => {
    const expected = p.evaluate(call, memory);
    const actual = native[i];
    const what = (): string =>
      `${p.functions[call.symbol - 1]?.name}(${call.args.map((a) => a.toString(16)).join(", ")})`;
    assert.equal(actual?.answer.status, 0, what());
    const want = expected.results?.[0] ?? 0n;
    const got = actual?.results[0] ?? 0n;
    const same =
      want === got ||
      (bits > 0 &&
        lanesOf(want, bits).every((lane, k) => {
          const other = lanesOf(got, bits)[k] ?? 0n;
          return lane === other || (isNaNLane(bits, lane) && isNaNLane(bits, other));
        }));
    if (!same) assert.fail(`${what()}: ${got.toString(16)}, not ${want.toString(16)}`);
    assert.deepEqual(Buffer.from(actual?.memory ?? []), Buffer.from(expected.memory), what());
  });
}

const bytesOf = (vector: bigint): Uint8Array => Uint8Array.from(lanesOf(vector, 8), Number);

function details(name: OpName, shape: number): number[] {
  const { detail } = opRow(Op[name]);
  if (detail === "lane") return Array.from({ length: laneCount(shape) }, (_, i) => i);
  if (detail === "floatcc") return FLOAT_CC_NAMES.map((_, i) => i);
  if (detail !== "intcc") return [0];
  return INT_CC_NAMES.map((_, i) => i).filter((cc) => shape !== Shape.i64x2 || cc < IntCC.ult);
}

for (const name of OP_NAMES) {
  const row = opRow(Op[name]);
  if ((row.operands !== "v128" && row.operands !== "lane") || row.detail === "indices") continue;
  test(name, { skip }, () => {
    const shapes = row.lanes === undefined ? [0] : row.lanes.map((s) => Shape[s]);
    for (const shape of shapes) {
      const p = new Program();
      const calls: Call[] = [];
      const { bits, isFloat } = operandsOf(name, shape);
      const lane = row.lanes === undefined ? V128 : laneType(shape);
      const inputs =
        row.operands === "lane" ? scalars(shape) : vectorsFor(bits, isFloat, row.format === "unary" ? 60 : 24);
      const first: Type = row.operands === "lane" ? lane : V128;
      const second: Type = row.second === "i32" ? I32 : row.second === "lane" ? lane : V128;
      const result: Type = row.result === "i32" ? I32 : row.result === "controlling" ? lane : V128;
      for (const detail of details(name, shape)) {
        const label = `${name}_${SHAPE_NAMES[shape]}_${detail}`;
        if (row.format === "unary") {
          const type = row.result === "controlling" ? lane : V128;
          const f = defineFunction(p, label, [first], result, (b, [x]) =>
            b.vector1(Op[name], shape, x!, type, result, detail),
          );
          for (const x of inputs) calls.push({ symbol: f, args: [x] });
          continue;
        }
        const others = row.second === "i32" ? SMALL : row.second === "lane" ? scalars(shape) : inputs;
        const f = defineFunction(p, label, [first, second], result, (b, [x, y]) =>
          b.vector2(Op[name], shape, x!, y!, detail),
        );
        // Both operands live on: nothing may be destroyed. And both the same.
        const kept = defineFunction(p, `${label}_kept`, [first, second], result, (b, [x, y]) => {
          const r = b.vector2(Op[name], shape, x!, y!, detail);
          const z = second === V128 ? b.vector2(Op.vxor, 0, x!, y!) : x!;
          return b.vector2(Op.vxor, 0, r, z);
        });
        const isExact = nanLaneBits(name, shape) === 0;
        for (const x of inputs) {
          for (const y of others) {
            calls.push({ symbol: f, args: [x, y] });
            if (isExact) calls.push({ symbol: kept, args: [x, y] });
          }
        }
        if (second === V128) {
          const twice = defineFunction(p, `${label}_same`, [V128], result, (b, [x]) =>
            b.vector2(Op[name], shape, x!, x!, detail),
          );
          for (const x of inputs) calls.push({ symbol: twice, args: [x] });
          for (const k of inputs.slice(0, 6)) {
            const left = defineFunction(p, `${label}_k_x`, [V128], result, (b, [x]) =>
              b.vector2(Op[name], shape, b.v128const(bytesOf(k)), x!, detail),
            );
            const right = defineFunction(p, `${label}_x_k`, [V128], result, (b, [x]) =>
              b.vector2(Op[name], shape, x!, b.v128const(bytesOf(k)), detail),
            );
            for (const x of inputs) for (const s of [left, right]) calls.push({ symbol: s, args: [x] });
          }
        }
        if (second === I32) {
          for (const k of SMALL) {
            const by = defineFunction(p, `${label}_${k}`, [V128], result, (b, [x]) =>
              b.vector2(Op[name], shape, x!, b.iconst32(Number(BigInt.asIntN(32, k)))),
            );
            for (const x of inputs) calls.push({ symbol: by, args: [x] });
          }
        }
      }
      check(p, calls, nanLaneBits(name, shape));
    }
  });
}

test("vshuffle: every kind of pattern", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  const run = (start: number): number[] => Array.from({ length: 16 }, (_, i) => (start + i) % 32);
  const unit = (size: number, groups: readonly number[]): number[] =>
    groups.flatMap((g) => Array.from({ length: size }, (_, i) => g * size + i));
  const patterns: number[][] = [run(0), run(16), run(5), run(21), run(31), run(8)];
  for (const size of [1, 2, 4, 8]) {
    const n = 16 / size;
    for (const from of [0, n / 2]) {
      const pairs = Array.from({ length: n }, (_, i) => from + Math.floor(i / 2) + (i & 1) * n);
      patterns.push(
        unit(size, pairs),
        unit(
          size,
          pairs.map((g) => (g + n) % (2 * n)),
        ),
      );
    }
  }
  patterns.push(
    unit(4, [3, 1, 0, 2]),
    unit(4, [7, 7, 4, 4]),
    unit(4, [1, 2, 5, 7]),
    unit(4, [4, 6, 3, 0]),
    unit(4, [0, 4, 1, 7]),
  );
  patterns.push(
    unit(2, [3, 0, 1, 1, 4, 5, 6, 7]),
    unit(2, [0, 1, 2, 3, 7, 7, 4, 5]),
    unit(2, [8, 9, 10, 11, 15, 14, 13, 12]),
  );
  patterns.push(
    unit(2, [0, 9, 2, 11, 12, 5, 14, 7]),
    unit(2, [8, 1, 2, 3, 4, 5, 6, 15]),
    new Array<number>(16).fill(3),
  );
  patterns.push(
    Array.from({ length: 16 }, (_, i) => 15 - i),
    Array.from({ length: 16 }, (_, i) => 31 - i),
  );
  for (let k = 0; k < 40; k++)
    patterns.push(Array.from({ length: 16 }, () => Number(random64() % (k < 20 ? 32n : 16n))));
  const inputs = vectorsFor(8, false, 3);
  for (const [i, pattern] of patterns.entries()) {
    const indices = Uint8Array.from(pattern);
    const both = defineFunction(p, `shuffle${i}`, [V128, V128], V128, (b, [x, y]) => b.vshuffle(indices, x!, y!));
    const one = defineFunction(p, `shuffle${i}_one`, [V128], V128, (b, [x]) => b.vshuffle(indices, x!, x!));
    for (const x of inputs) {
      calls.push({ symbol: one, args: [x] });
      for (const y of inputs) calls.push({ symbol: both, args: [x, y] });
    }
  }
  check(p, calls, 0);
});

test("vswizzle by constants, and by what is below 16 or not quite", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  const indices: ((b: FuncBuilder, x: Value) => Value)[] = [
    ...[15, 7, 31, 0xf0].map((mask) => (b: FuncBuilder, x: Value): Value => {
      return b.vector2(Op.vand, 0, x, b.v128const(new Uint8Array(16).fill(mask)));
    }),
    ...[3, 4, 5, 12].map((k) => (b: FuncBuilder, x: Value): Value => {
      return b.vector2(Op.vshr_u, Shape.i8x16, x, b.iconst32(k));
    }),
    (b, x) => b.vector2(Op.vshr_u, Shape.i16x8, x, b.iconst32(4)),
    (b, x) => b.vector1(Op.vnot, 0, x),
    (b, x) => b.vector2(Op.vshr_s, Shape.i8x16, x, b.iconst32(4)),
  ];
  for (const make of indices) {
    const f = defineFunction(p, "swizzle", [V128, V128], V128, (b, [x, y]) =>
      b.vector2(Op.vswizzle, 0, x!, make(b, y!)),
    );
    const inputs = vectorsFor(8, false, 8);
    for (const x of inputs) for (const y of inputs) calls.push({ symbol: f, args: [x, y] });
  }
  for (let k = 0; k < 20; k++) {
    const indices = Uint8Array.from({ length: 16 }, () => Number(random64() % (k < 10 ? 16n : 40n)) & 0xff);
    const f = defineFunction(p, `swizzle${k}`, [V128], V128, (b, [x]) =>
      b.vector2(Op.vswizzle, 0, x!, b.v128const(indices)),
    );
    for (const x of vectorsFor(8, false, 4)) calls.push({ symbol: f, args: [x] });
  }
  check(p, calls, 0);
});

test("lanes loaded and stored, at addresses of no alignment", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  const memory = Uint8Array.from({ length: 64 }, (_, i) => (i * 37 + 11) & 0xff);
  const x = 0x0102030405060708090a0b0c0d0e0f10n;
  const ACCESS = [Access.u8, Access.u16, Access.full, Access.full, Access.full, Access.full];
  for (const shape of [0, 1, 2, 3, 4, 5]) {
    const type = laneType(shape);
    const access = ACCESS[shape] ?? 0;
    const splat = defineFunction(p, `splat${shape}`, [I64], V128, (b, [m]) =>
      b.vector1(Op.vsplat, shape, b.load(type, m!, 3, Region.heap, access)),
    );
    calls.push({ symbol: splat, args: [SCRATCH] });
    for (let lane = 0; lane < laneCount(shape); lane++) {
      const load = defineFunction(p, `load${shape}_${lane}`, [I64, V128], V128, (b, [m, v]) =>
        b.vector2(Op.vreplace, shape, v!, b.load(type, m!, 5, Region.heap, access), lane),
      );
      const store = defineFunction(p, `store${shape}_${lane}`, [I64, V128], V128, (b, [m, v]) => {
        const value = b.vector1(Op.vextract, shape, v!, type, type, lane);
        b.store(type, m!, value, 7, Region.heap, access);
        return v!;
      });
      calls.push({ symbol: load, args: [SCRATCH, x] }, { symbol: store, args: [SCRATCH, x] });
    }
  }
  for (const op of [Op.vextend_low_s, Op.vextend_low_u]) {
    for (const shape of [1, 2, 3]) {
      const f = defineFunction(p, `extend${op}_${shape}`, [I64], V128, (b, [m]) =>
        b.vector1(op, shape, b.load(V128, m!, 1, Region.heap, Access.u64)),
      );
      calls.push({ symbol: f, args: [SCRATCH] });
    }
  }
  for (const access of [Access.u32, Access.u64, Access.full]) {
    const f = defineFunction(p, `load${access}`, [I64], V128, (b, [m]) => b.load(V128, m!, 9, Region.heap, access));
    const s = defineFunction(p, `copy${access}`, [I64], V128, (b, [m]) => {
      const v = b.load(V128, m!, 9, Region.heap, access);
      b.store(V128, m!, v, 30, Region.heap);
      return v;
    });
    calls.push({ symbol: f, args: [SCRATCH] }, { symbol: s, args: [SCRATCH] });
  }
  check(p, calls, 0, memory);
});

test("splats of constants", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  for (const shape of [0, 1, 2, 3, 4, 5]) {
    const type = laneType(shape);
    for (const k of scalars(shape)) {
      const lo = Number(BigInt.asIntN(32, k));
      const hi = Number(BigInt.asIntN(32, k >> 32n));
      const f = defineFunction(p, `splat${shape}_${k}`, [], V128, (b) => {
        const value =
          type === I32
            ? b.iconst32(lo)
            : type === I64
              ? b.iconst64(lo, hi)
              : shape === Shape.f32x4
                ? b.f32const(lo)
                : b.f64const(lo, hi);
        return b.vector1(Op.vsplat, shape, value);
      });
      calls.push({ symbol: f, args: [] });
    }
  }
  check(p, calls, 0);
});

test("vany_true and vall_true as conditions", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  for (const [op, shape] of [[Op.vany_true, 0], ...[0, 1, 2, 3].map((s) => [Op.vall_true, s] as const)] as const) {
    for (const invert of [false, true]) {
      const f = defineFunction(p, `condition${op}_${shape}`, [V128], I32, (b, [x]) => {
        let c = b.vector1(op, shape, x!, V128, I32);
        if (invert) c = b.icmp(IntCC.eq, I32, c, b.iconst32(0));
        const [yes, no] = [b.createBlock(), b.createBlock()];
        b.brif(c, yes, [], no, []);
        b.switchTo(yes);
        b.return([b.iconst32(10)]);
        b.switchTo(no);
        return b.select(I32, c, b.iconst32(1), b.iconst32(20));
      });
      for (const x of vectorsFor(8 << shape, false, 20)) calls.push({ symbol: f, args: [x] });
    }
  }
  check(p, calls, 0);
});
