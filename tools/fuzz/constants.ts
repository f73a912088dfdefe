/** Constants that make trouble: ends of ranges, powers of two, values that no conversion takes, patterns that are known to no one. */

import { ByteWriter } from "../../src/base/bytes.ts";
import { varS64 } from "./encode.ts";
import { codeOf } from "./operators.ts";
import type { Random } from "./random.ts";
import { type Expr, heapType, type Immediate } from "./tree.ts";

const INTEGERS = [
  0n,
  1n,
  -1n,
  2n,
  7n,
  8n,
  31n,
  32n,
  63n,
  64n,
  127n,
  128n,
  255n,
  256n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x7fffffffffffffffn,
  -0x8000000000000000n,
  -128n,
  -32768n,
  0x5555555555555555n,
  0xff00ff00ff00ff00n,
];
const FLOATS = [
  0,
  -0,
  1,
  -1,
  0.5,
  -0.5,
  1.5,
  2.5,
  -2.5,
  0.1,
  1e10,
  -1e10,
  1e30,
  1e-40,
  5e-324,
  1e300,
  2147483647,
  2147483648,
  -2147483648,
  -2147483649,
  4294967295,
  4294967296,
  2 ** 63,
  -(2 ** 63),
  2 ** 64,
  16777217,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
];

function bytesOf(fill: (w: ByteWriter) => void): Immediate {
  const w = new ByteWriter(16);
  fill(w);
  return { kind: "bytes", bytes: [...w.toBytes()] };
}

export function littleEndian(value: bigint, size: number): Immediate {
  return { kind: "bytes", bytes: Array.from({ length: size }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn)) };
}

function floatBits(value: number, size: 4 | 8): bigint {
  const view = new DataView(new ArrayBuffer(8));
  if (size === 4) {
    view.setFloat32(0, value);
    return BigInt(view.getUint32(0));
  }
  view.setFloat64(0, value);
  return view.getBigUint64(0);
}

/** An integer that something may be special about. */
export function interestingInteger(r: Random): bigint {
  const way = r.below(10);
  if (way < 4) return BigInt(r.between(-4, 20));
  if (way < 8) return r.pick(INTEGERS) + (r.chance(0.2) ? BigInt(r.between(-1, 1)) : 0n);
  if (way < 9) return 1n << BigInt(r.below(64));
  return BigInt.asIntN(64, r.u64());
}

function float(r: Random, size: 4 | 8): bigint {
  if (r.chance(0.7)) return floatBits(r.pick(FLOATS), size);
  if (r.chance(0.5)) return floatBits(r.between(-1000, 1000) / r.between(1, 16), size);
  const bits = BigInt.asUintN(8 * size, r.u64());
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits << (size === 4 ? 32n : 0n));
  const value = size === 4 ? view.getFloat32(0) : view.getFloat64(0);
  return floatBits(value, size);
}

/** A constant: `value`, or a random one; of a reference it is null. */
export function constant(r: Random, type: string, value?: bigint): Expr {
  const make = (name: string, immediate: Immediate): Expr => {
    return { code: codeOf(name), results: type, kids: [], immediates: [immediate] };
  };
  switch (type) {
    case "i":
      return make(
        "i32.const",
        bytesOf((w) => varS64(w, BigInt.asIntN(32, value ?? interestingInteger(r)))),
      );
    case "l":
      return make(
        "i64.const",
        bytesOf((w) => varS64(w, value ?? interestingInteger(r))),
      );
    case "f":
      return make("f32.const", littleEndian(value ?? float(r, 4), 4));
    case "d":
      return make("f64.const", littleEndian(value ?? float(r, 8), 8));
    case "v": {
      if (value !== undefined) return make("v128.const", littleEndian(value, 16));
      const way = r.below(5);
      if (way === 0) return make("v128.const", littleEndian((r.u64() << 64n) | r.u64(), 16));
      if (way === 1) return make("v128.const", littleEndian(0n, 16));
      const size = r.pick([1, 2, 4, 8]);
      let all = 0n;
      const same = r.chance(0.4) ? interestingInteger(r) : undefined;
      for (let i = 0; i < 16 / size; i++) {
        const lane = size >= 4 && way === 2 ? float(r, size === 4 ? 4 : 8) : (same ?? interestingInteger(r));
        all |= BigInt.asUintN(8 * size, lane) << BigInt(8 * size * i);
      }
      return make("v128.const", littleEndian(all, 16));
    }
    default:
      return make("ref.null", { kind: "bytes", bytes: heapType(type) });
  }
}

/** The bits of the canonical NaN. */
export const NAN: Readonly<Record<string, bigint>> = { f: 0x7fc00000n, d: 0x7ff8000000000000n };
