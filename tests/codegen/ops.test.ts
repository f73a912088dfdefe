/** Every op that computes, on interesting values, in every form of operand: parameters, constants, loads. */

import { test } from "node:test";
import type { FuncBuilder } from "../../src/ir/builder.ts";
import type { Value } from "../../src/ir/function.ts";
import { Access, FLOAT_CC_NAMES, INT_CC_NAMES, Op, type OpName, Region } from "../../src/ir/ops.ts";
import { F32, F64, I32, I64, type Type, typeName, V128 } from "../../src/ir/types.ts";
import { nativeUnavailable } from "../support/native.ts";
import { bitsOf } from "./interpreter.ts";
import { type Call, Program, defineFunction } from "./program.ts";

const skip = nativeUnavailable() ?? false;

const I32_VALUES = [
  0n,
  1n,
  2n,
  7n,
  31n,
  32n,
  33n,
  0x7fn,
  0x80n,
  0xffn,
  0x8000n,
  0xffffn,
  0x12345678n,
  0x7fffffffn,
  0x80000000n,
  0x80000001n,
  0xfffffffen,
  0xffffffffn,
];
const I64_VALUES = [
  ...I32_VALUES,
  ...[63n, 64n, 0x1_0000_0000n, 0x123456789abcdefn, 0x7fffffffffffffffn, 0x8000000000000000n, 0x8000000000000001n],
  ...[0xffffffff80000000n, 0xfffffffffffffffen, 0xffffffffffffffffn],
];
const FLOATS = [
  ...[
    0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3.7, -3.7, 0.1, 1e10, -1e10, 1e30, 5e-324, 1e-40, 2147483647, 2147483648,
    -2147483648,
  ],
  ...[-2147483649, 4294967295, 4294967296, 2 ** 63 - 1024, 2 ** 63, -(2 ** 63), 2 ** 64 - 2048, 2 ** 64],
  ...[
    2 ** 51 + 0.5,
    8388607.5,
    16777217,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    Number.NaN,
    1.7976931348623157e308,
  ],
];

function valuesOf(type: Type): bigint[] {
  if (type === I32) return I32_VALUES;
  if (type === I64) return I64_VALUES;
  return [...new Set(FLOATS.map((x) => bitsOf(type, x)))];
}

function constant(b: FuncBuilder, type: Type, bits: bigint): Value {
  const lo = Number(BigInt.asIntN(32, bits));
  const hi = Number(BigInt.asIntN(32, bits >> 32n));
  if (type === I32) return b.iconst32(lo);
  if (type === I64) return b.iconst64(lo, hi);
  return type === F32 ? b.f32const(lo) : b.f64const(lo, hi);
}

function pairs(type: Type): [bigint, bigint][] {
  const values = valuesOf(type);
  return values.flatMap((a) => values.map((b): [bigint, bigint] => [a, b]));
}

function isDefined(op: OpName, type: Type, a: bigint, b: bigint): boolean {
  const min = type === I32 ? 0x80000000n : 0x8000000000000000n;
  const minusOne = type === I32 ? 0xffffffffn : 0xffffffffffffffffn;
  if (op === "sdiv") return b !== 0n && !(a === min && b === minusOne);
  return !(op === "udiv" || op === "srem" || op === "urem") || b !== 0n;
}

/** The calls of `check` need the scratch memory to hold b for forms that load: offsets 0 (b) and 64 (a). */
function memoryWith(a: bigint, b: bigint): Uint8Array {
  const memory = new Uint8Array(80);
  const view = new DataView(memory.buffer);
  view.setBigUint64(0, b, true);
  view.setBigUint64(64, a, true);
  return memory;
}

function testBinary(op: OpName, type: Type): void {
  test(`${op} ${typeName(type)}`, { skip }, () => {
    const p = new Program();
    const number = Op[op];
    const calls: Call[] = [];
    const direct = defineFunction(p, `${op}_rr`, [type, type], type, (b, [x, y]) => b.binary(number, type, x!, y!));
    const shared = defineFunction(p, `${op}_shared`, [type, type], type, (b, [x, y]) => {
      const r = b.binary(number, type, x!, y!);
      if (type >= F32) return b.binary(Op.fadd, type, r, b.binary(Op.fsub, type, x!, y!));
      return b.binary(Op.bxor, type, r, b.binary(Op.isub, type, x!, b.binary(Op.ishl, type, y!, y!)));
    });
    const same = defineFunction(p, `${op}_same`, [type], type, (b, [x]) => b.binary(number, type, x!, x!));
    const withConstant = valuesOf(type).map((k): [bigint, number] => [
      k,
      defineFunction(p, `${op}_rk`, [type], type, (b, [x]) => b.binary(number, type, x!, constant(b, type, k))),
    ]);
    const constantFirst = valuesOf(type).map((k): [bigint, number] => [
      k,
      defineFunction(p, `${op}_kr`, [type], type, (b, [x]) => b.binary(number, type, constant(b, type, k), x!)),
    ]);
    for (const [a, b] of pairs(type)) {
      if (!isDefined(op, type, a, b)) continue;
      calls.push({ symbol: direct, args: [p.context, a, b] }, { symbol: shared, args: [p.context, a, b] });
    }
    for (const a of valuesOf(type)) {
      if (isDefined(op, type, a, a)) calls.push({ symbol: same, args: [p.context, a] });
      for (const [k, f] of withConstant) if (isDefined(op, type, a, k)) calls.push({ symbol: f, args: [p.context, a] });
      for (const [k, f] of constantFirst)
        if (isDefined(op, type, k, a)) calls.push({ symbol: f, args: [p.context, a] });
    }
    p.check(calls, new Uint8Array(16));
    // Operands in memory.
    const q = new Program();
    const loadB = defineFunction(q, `${op}_rm`, [I64, type], type, (b, [m, x]) =>
      b.binary(number, type, x!, b.load(type, m!, 0, Region.heap)),
    );
    const loadA = defineFunction(q, `${op}_mr`, [I64, type], type, (b, [m, y]) =>
      b.binary(number, type, b.load(type, m!, 64, Region.heap), y!),
    );
    const loadAK = defineFunction(q, `${op}_mk`, [I64], type, (b, [m]) =>
      b.binary(number, type, b.load(type, m!, 64, Region.heap), constant(b, type, valuesOf(type)[3] ?? 0n)),
    );
    const inMemory: Call[] = [];
    for (const [a, b] of pairs(type).filter((_, i) => i % 3 === 0)) {
      if (!isDefined(op, type, a, b)) continue;
      const memory = memoryWith(a, b);
      inMemory.push(
        { symbol: loadB, args: [q.context, q.scratch, a], memory },
        { symbol: loadA, args: [q.context, q.scratch, b], memory },
        { symbol: loadAK, args: [q.context, q.scratch], memory },
      );
    }
    q.check(inMemory);
  });
}

const INT_BINARY: readonly OpName[] = [
  ...(["iadd", "isub", "imul", "sdiv", "udiv", "srem", "urem", "band", "bor", "bxor"] as const),
  ...(["ishl", "ushr", "sshr", "rotl", "rotr"] as const),
];
for (const op of INT_BINARY) for (const type of [I32, I64]) testBinary(op, type);
testBinary("umulhi", I64);
testBinary("smulhi", I64);
for (const op of ["fadd", "fsub", "fmul", "fdiv", "fmin", "fmax", "fcopysign"] as const)
  for (const type of [F32, F64]) testBinary(op, type);

/** op, operand type, result type */
const UNARY: readonly [OpName, Type, Type][] = [
  ...(["clz", "ctz", "popcnt", "sext8", "sext16"] as const).flatMap((op): [OpName, Type, Type][] => [
    [op, I32, I32],
    [op, I64, I64],
  ]),
  ["sext32", I64, I64],
  ["uextend", I32, I64],
  ["sextend", I32, I64],
  ["ireduce", I64, I32],
  ...(["fabs", "fneg", "fsqrt", "fceil", "ffloor", "ftrunc", "fnearest"] as const).flatMap(
    (op): [OpName, Type, Type][] => [
      [op, F32, F32],
      [op, F64, F64],
    ],
  ),
  ["fpromote", F32, F64],
  ["fdemote", F64, F32],
  ...(["fcvt_from_sint", "fcvt_from_uint"] as const).flatMap((op) =>
    [I32, I64].flatMap((from) => [F32, F64].map((to): [OpName, Type, Type] => [op, from, to])),
  ),
  ...(["fcvt_to_sint_sat", "fcvt_to_uint_sat", "fcvt_to_sint", "fcvt_to_uint"] as const).flatMap((op) =>
    [F32, F64].flatMap((from) => [I32, I64].map((to): [OpName, Type, Type] => [op, from, to])),
  ),
  ["bitcast", I32, F32],
  ["bitcast", F32, I32],
  ["bitcast", I64, F64],
  ["bitcast", F64, I64],
];

function inRange(op: OpName, to: Type, from: Type, bits: bigint): boolean {
  if (op !== "fcvt_to_sint" && op !== "fcvt_to_uint") return true;
  const view = new DataView(new ArrayBuffer(8));
  if (from === F32) view.setUint32(0, Number(bits));
  else view.setBigUint64(0, bits);
  const x = Math.trunc(from === F32 ? view.getFloat32(0) : view.getFloat64(0));
  const width = to === I32 ? 32 : 64;
  if (op === "fcvt_to_uint") return x >= 0 && x < 2 ** width;
  return x >= -(2 ** (width - 1)) && x < 2 ** (width - 1);
}

for (const [op, from, to] of UNARY) {
  test(`${op} ${typeName(from)} → ${typeName(to)}`, { skip }, () => {
    for (const features of [undefined, { lzcnt: true, bmi1: true }]) {
      const p = new Program(features === undefined ? {} : { features });
      const direct = defineFunction(p, `${op}_r`, [from], to, (b, [x]) => b.unary(Op[op], to, x!, to));
      const sum = defineFunction(p, `${op}_sum`, [from, from], to, (b, [x, y]) =>
        b.binary(to >= F32 ? Op.fadd : Op.iadd, to, b.unary(Op[op], to, x!, to), b.unary(Op[op], to, y!, to)),
      );
      const loaded = defineFunction(p, `${op}_m`, [I64], to, (b, [m]) =>
        b.unary(Op[op], to, b.load(from, m!, 8, Region.heap), to),
      );
      const values = valuesOf(from).filter((v) => inRange(op, to, from, v));
      const calls = values.flatMap((v, i): Call[] => [
        { symbol: direct, args: [p.context, v] },
        { symbol: sum, args: [p.context, v, values[(i * 7 + 3) % values.length] ?? v] },
      ]);
      calls.push({ symbol: loaded, args: [p.context, p.scratch] });
      p.check(calls, new Uint8Array(64));
      if (op !== "clz" && op !== "ctz") break;
    }
  });
}

for (const type of [I32, I64]) {
  test(`icmp ${typeName(type)}: as a value, in select, brif, trapnz; constants and loads`, { skip }, () => {
    INT_CC_NAMES.forEach((name, cc) => {
      const p = new Program();
      const calls: Call[] = [];
      const value = defineFunction(p, `${name}_value`, [type, type], I32, (b, [x, y]) => b.icmp(cc, type, x!, y!));
      const sel = defineFunction(p, `${name}_select`, [type, type], type, (b, [x, y]) =>
        b.select(type, b.icmp(cc, type, x!, y!), x!, y!),
      );
      const not = defineFunction(p, `${name}_not`, [type, type], I32, (b, [x, y]) =>
        b.select(I32, b.icmp(0, I32, b.icmp(cc, type, x!, y!), b.iconst32(0)), b.iconst32(5), b.iconst32(6)),
      );
      const zero = defineFunction(p, `${name}_zero`, [type], I32, (b, [x]) =>
        b.icmp(cc, type, x!, constant(b, type, 0n)),
      );
      const first = defineFunction(p, `${name}_first`, [type], I32, (b, [x]) =>
        b.icmp(cc, type, constant(b, type, 7n), x!),
      );
      const mask = defineFunction(p, `${name}_mask`, [type, type], I32, (b, [x, y]) =>
        b.icmp(cc, type, b.binary(Op.band, type, x!, y!), constant(b, type, 0n)),
      );
      const maskK = defineFunction(p, `${name}_maskk`, [type], I32, (b, [x]) =>
        b.icmp(cc, type, b.binary(Op.band, type, x!, constant(b, type, 0x80n)), constant(b, type, 0n)),
      );
      const branch = defineFunction(p, `${name}_branch`, [type, type], I32, (b, [x, y]) => {
        const [t, f, end] = [b.createBlock(), b.createBlock(), b.createBlock()];
        const r = b.func.appendBlockParam(end, I32);
        b.brif(b.icmp(cc, type, x!, y!), t, [], f, []);
        b.switchTo(t);
        b.jump(end, [b.iconst32(10)]);
        b.switchTo(f);
        b.jump(end, [b.iconst32(20)]);
        b.switchTo(end);
        return r;
      });
      const traps = defineFunction(p, `${name}_trap`, [type, type], I32, (b, [x, y]) => {
        b.loc = 77;
        b.trapIf(Op.trapnz, b.icmp(cc, type, x!, y!), 5);
        return b.iconst32(1);
      });
      const trapz = defineFunction(p, `${name}_trapz`, [type, type], I32, (b, [x, y]) => {
        b.trapIf(Op.trapz, b.icmp(cc, type, x!, y!), 6);
        return b.iconst32(1);
      });
      const loadB = defineFunction(p, `${name}_rm`, [I64, type], I32, (b, [m, x]) =>
        b.icmp(cc, type, x!, b.load(type, m!, 0, Region.heap)),
      );
      const loadA = defineFunction(p, `${name}_mr`, [I64, type], I32, (b, [m, x]) =>
        b.icmp(cc, type, b.load(type, m!, 0, Region.heap), x!),
      );
      const loadK = defineFunction(p, `${name}_mk`, [I64], I32, (b, [m]) =>
        b.icmp(cc, type, b.load(type, m!, 0, Region.heap), constant(b, type, 7n)),
      );
      const byte = [0n, 1n, 0x7fn, 0x80n, 0xffn, 0x100n].map((k) =>
        defineFunction(p, `${name}_byte`, [I64], I32, (b, [m]) =>
          b.icmp(cc, type, b.load(type, m!, 1, Region.heap, Access.u8), constant(b, type, k)),
        ),
      );
      const byK = valuesOf(type).map((k) =>
        defineFunction(p, `${name}_k`, [type], I32, (b, [x]) => b.icmp(cc, type, x!, constant(b, type, k))),
      );
      for (const [x, y] of pairs(type)) {
        for (const symbol of [value, sel, branch, not, mask]) calls.push({ symbol, args: [p.context, x, y] });
        if (x % 3n === 0n)
          calls.push({ symbol: traps, args: [p.context, x, y] }, { symbol: trapz, args: [p.context, x, y] });
      }
      for (const x of valuesOf(type)) {
        for (const symbol of [zero, first, maskK, ...byK]) calls.push({ symbol, args: [p.context, x] });
        calls.push(
          { symbol: loadB, args: [p.context, p.scratch, x] },
          { symbol: loadA, args: [p.context, p.scratch, x] },
        );
      }
      for (const symbol of [loadK, ...byte]) calls.push({ symbol, args: [p.context, p.scratch] });
      p.check(calls, Uint8Array.of(7, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    });
  });
}

for (const type of [F32, F64]) {
  test(`fcmp ${typeName(type)}: as a value, in select, brif, trapnz`, { skip }, () => {
    FLOAT_CC_NAMES.forEach((name, cc) => {
      const p = new Program();
      const calls: Call[] = [];
      const value = defineFunction(p, `${name}_value`, [type, type], I32, (b, [x, y]) => b.fcmp(cc, type, x!, y!));
      const int = defineFunction(p, `${name}_select_int`, [type, type], I64, (b, [x, y]) =>
        b.select(I64, b.fcmp(cc, type, x!, y!), b.iconst64(1, 1), b.iconst64(2, 2)),
      );
      const float = defineFunction(p, `${name}_select`, [type, type], type, (b, [x, y]) =>
        b.select(type, b.fcmp(cc, type, x!, y!), x!, y!),
      );
      const not = defineFunction(p, `${name}_not`, [type, type], type, (b, [x, y]) =>
        b.select(type, b.icmp(0, I32, b.fcmp(cc, type, x!, y!), b.iconst32(0)), x!, y!),
      );
      const branch = defineFunction(p, `${name}_branch`, [type, type], I32, (b, [x, y]) => {
        const [t, f, end] = [b.createBlock(), b.createBlock(), b.createBlock()];
        const r = b.func.appendBlockParam(end, I32);
        b.brif(b.fcmp(cc, type, x!, y!), t, [], f, []);
        b.switchTo(f);
        b.jump(end, [b.iconst32(20)]);
        b.switchTo(t);
        b.jump(end, [b.iconst32(10)]);
        b.switchTo(end);
        return r;
      });
      const traps = defineFunction(p, `${name}_trap`, [type, type], I32, (b, [x, y]) => {
        b.trapIf(Op.trapnz, b.fcmp(cc, type, x!, y!), 5);
        b.trapIf(Op.trapz, b.fcmp(cc, type, x!, y!), 6);
        return b.iconst32(1);
      });
      const loaded = defineFunction(p, `${name}_m`, [I64, type], I32, (b, [m, x]) =>
        b.binary(
          Op.iadd,
          I32,
          b.fcmp(cc, type, x!, b.load(type, m!, 0, Region.heap)),
          b.fcmp(cc, type, b.load(type, m!, 8, Region.heap), x!),
        ),
      );
      for (const [x, y] of pairs(type))
        for (const symbol of [value, int, float, not, branch, traps]) calls.push({ symbol, args: [p.context, x, y] });
      for (const x of valuesOf(type)) calls.push({ symbol: loaded, args: [p.context, p.scratch, x] });
      p.check(calls, new Uint8Array(16));
    });
  });
}

test("constants of every type and shape", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  for (const type of [I32, I64, F32, F64]) {
    for (const k of valuesOf(type))
      calls.push({ symbol: defineFunction(p, "constant", [], type, (b) => constant(b, type, k)), args: [] });
  }
  const bytes = Uint8Array.from({ length: 16 }, (_, i) => i * 17);
  for (const v of [bytes, new Uint8Array(16)])
    calls.push({ symbol: defineFunction(p, "v128", [], V128, (b) => b.v128const(v)), args: [] });
  p.check(calls.map((c) => ({ ...c, args: [p.context] })));
});

test("select: all types, condition from a parameter", { skip }, () => {
  const p = new Program();
  const calls: Call[] = [];
  for (const type of [I32, I64, F32, F64, V128]) {
    const f = defineFunction(p, "select", [I32, type, type], type, (b, [c, x, y]) => b.select(type, c!, x!, y!));
    for (const c of [0n, 1n, 0x80000000n]) calls.push({ symbol: f, args: [c, 0x1234n, 0x5678n] });
  }
  p.check(calls.map((c) => ({ ...c, args: [p.context, ...c.args] })));
});
