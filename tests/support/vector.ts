/** Ops on vectors, lane by lane and by the book: the oracle of both interpreters. Vectors are 128-bit unsigned BigInts. */

import { FLOAT_CC_NAMES, INT_CC_NAMES, type OpName } from "../../src/ir/ops.ts";
import { laneBytes, Shape } from "../../src/ir/vector.ts";

const scratch = new DataView(new ArrayBuffer(8));

/** Lanes as unsigned integers, the first first. */
export function lanesOf(vector: bigint, bits: number): bigint[] {
  return Array.from({ length: 128 / bits }, (_, i) => BigInt.asUintN(bits, vector >> BigInt(bits * i)));
}

export function vectorOf(lanes: readonly bigint[], bits: number): bigint {
  return lanes.reduce((v, lane, i) => v | (BigInt.asUintN(bits, lane) << BigInt(bits * i)), 0n);
}

function toFloat(bits: number, lane: bigint): number {
  if (bits === 32) {
    scratch.setUint32(0, Number(lane));
    return scratch.getFloat32(0);
  }
  scratch.setBigUint64(0, lane);
  return scratch.getFloat64(0);
}

function fromFloat(bits: number, value: number): bigint {
  if (bits === 32) {
    scratch.setFloat32(0, value);
    return BigInt(scratch.getUint32(0));
  }
  scratch.setFloat64(0, value);
  return scratch.getBigUint64(0);
}

export function isNaNLane(bits: number, lane: bigint): boolean {
  return Number.isNaN(toFloat(bits, lane));
}

const signed = (bits: number, lane: bigint): bigint => BigInt.asIntN(bits, lane);

function clamp(value: bigint, low: bigint, high: bigint): bigint {
  return value < low ? low : value > high ? high : value;
}
const saturateS = (bits: number, v: bigint): bigint =>
  clamp(v, -(1n << BigInt(bits - 1)), (1n << BigInt(bits - 1)) - 1n);
const saturateU = (bits: number, v: bigint): bigint => clamp(v, 0n, (1n << BigInt(bits)) - 1n);

function roundToEven(x: number): number {
  if (!Number.isFinite(x) || Math.abs(x) >= 2 ** 52) return x;
  const down = Math.floor(x);
  const rest = x - down;
  const rounded = rest < 0.5 || (rest === 0.5 && down % 2 === 0) ? down : down + 1;
  return rounded === 0 && (x < 0 || Object.is(x, -0)) ? -0 : rounded;
}

function truncateSaturated(x: number, isSigned: boolean): bigint {
  if (Number.isNaN(x)) return 0n;
  const [low, high] = isSigned ? [-(2 ** 31), 2 ** 31 - 1] : [0, 2 ** 32 - 1];
  return BigInt(Math.min(Math.max(Math.trunc(x), low), high));
}

function compareInts(cc: string, bits: number, x: bigint, y: bigint): boolean {
  const [s, t] = [signed(bits, x), signed(bits, y)];
  switch (cc) {
    case "eq":
      return x === y;
    case "ne":
      return x !== y;
    case "slt":
      return s < t;
    case "sge":
      return s >= t;
    case "sgt":
      return s > t;
    case "sle":
      return s <= t;
    case "ult":
      return x < y;
    case "uge":
      return x >= y;
    case "ugt":
      return x > y;
    default:
      return x <= y;
  }
}

function compareFloats(cc: string, x: number, y: number): boolean {
  switch (cc) {
    case "eq":
      return x === y;
    case "ne":
      return x !== y;
    case "lt":
      return x < y;
    case "gt":
      return x > y;
    case "le":
      return x <= y;
    default:
      return x >= y;
  }
}

const COMMON: Readonly<Record<string, (bits: number, x: bigint, y: bigint) => bigint>> = {
  viadd: (_, x, y) => x + y,
  visub: (_, x, y) => x - y,
  vimul: (_, x, y) => x * y,
  vadd_sat_s: (n, x, y) => saturateS(n, signed(n, x) + signed(n, y)),
  vadd_sat_u: (n, x, y) => saturateU(n, x + y),
  vsub_sat_s: (n, x, y) => saturateS(n, signed(n, x) - signed(n, y)),
  vsub_sat_u: (n, x, y) => saturateU(n, x - y),
  vmin_s: (n, x, y) => (signed(n, x) < signed(n, y) ? x : y),
  vmin_u: (_, x, y) => (x < y ? x : y),
  vmax_s: (n, x, y) => (signed(n, x) > signed(n, y) ? x : y),
  vmax_u: (_, x, y) => (x > y ? x : y),
  vavgr_u: (_, x, y) => (x + y + 1n) >> 1n,
};

const FLOATS: Readonly<Record<string, (x: number, y: number) => number>> = {
  vfadd: (x, y) => x + y,
  vfsub: (x, y) => x - y,
  vfmul: (x, y) => x * y,
  vfdiv: (x, y) => x / y,
  vfmin: Math.min,
  vfmax: Math.max,
  vfsqrt: Math.sqrt,
  vfceil: Math.ceil,
  vffloor: Math.floor,
  vftrunc: Math.trunc,
  vfnearest: roundToEven,
};

/**
 * The bits of the result. `shape` is `lo`, `detail` `hi`; `indices`: a vshuffle's constant. Throws on an op that is none of vectors.
 */
export function evaluateVector(
  name: OpName,
  shape: number,
  detail: number,
  a: bigint,
  b: bigint,
  indices: Uint8Array | undefined,
): bigint {
  const all = (1n << 128n) - 1n;
  switch (name) {
    case "vnot":
      return a ^ all;
    case "vand":
      return a & b;
    case "vandnot":
      return a & (b ^ all);
    case "vor":
      return a | b;
    case "vxor":
      return a ^ b;
    case "vany_true":
      return a === 0n ? 0n : 1n;
    case "vshuffle": {
      const bytes = [...lanesOf(a, 8), ...lanesOf(b, 8)];
      return vectorOf(
        Array.from(indices ?? [], (i) => bytes[i] ?? 0n),
        8,
      );
    }
    case "vswizzle": {
      const bytes = lanesOf(a, 8);
      return vectorOf(
        lanesOf(b, 8).map((i) => bytes[Number(i)] ?? 0n),
        8,
      );
    }
    case "vdot_s": {
      const products = lanesOf(a, 16).map((x, i) => signed(16, x) * signed(16, lanesOf(b, 16)[i] ?? 0n));
      return vectorOf(
        [0, 1, 2, 3].map((i) => (products[2 * i] ?? 0n) + (products[2 * i + 1] ?? 0n)),
        32,
      );
    }
    case "vq15mulr_sat_s": {
      const y = lanesOf(b, 16);
      return vectorOf(
        lanesOf(a, 16).map((x, i) => saturateS(16, (signed(16, x) * signed(16, y[i] ?? 0n) + 0x4000n) >> 15n)),
        16,
      );
    }
    case "vfdemote":
      return vectorOf(
        lanesOf(a, 64).map((x) => fromFloat(32, toFloat(64, x))),
        32,
      );
    case "vfpromote_low":
      return vectorOf(
        lanesOf(a, 32)
          .slice(0, 2)
          .map((x) => fromFloat(64, toFloat(32, x))),
        64,
      );
    default:
      return onLanes(name, shape, detail, a, b);
  }
}

function onLanes(name: OpName, shape: number, detail: number, a: bigint, b: bigint): bigint {
  const bits = 8 * laneBytes(shape);
  const xs = lanesOf(a, bits);
  const ys = lanesOf(b, bits);
  const map = (f: (x: bigint, y: bigint, i: number) => bigint): bigint =>
    vectorOf(
      xs.map((x, i) => f(x, ys[i] ?? 0n, i)),
      bits,
    );
  const mask = (holds: boolean): bigint => (holds ? -1n : 0n);
  const amount = b % BigInt(bits);
  const sign = 1n << BigInt(bits - 1);
  // Widening: `bits` are the result's.
  const half = bits / 2;
  const narrow = (v: bigint, isSigned: boolean): bigint[] =>
    lanesOf(v, half).map((x) => (isSigned ? signed(half, x) : x));
  const part = (v: bigint, isSigned: boolean, isHigh: boolean): bigint[] =>
    narrow(v, isSigned).slice(isHigh ? 64 / half : 0, isHigh ? 128 / half : 64 / half);
  const isSigned = name.endsWith("_s");
  const isHigh = name.includes("_high_");
  const common = COMMON[name];
  if (common !== undefined) return map((x, y) => common(bits, x, y));
  const float = FLOATS[name];
  if (float !== undefined) return map((x, y) => fromFloat(bits, float(toFloat(bits, x), toFloat(bits, y))));
  switch (name) {
    case "vsplat":
      return map(() => a);
    case "vextract":
      return xs[detail] ?? 0n;
    case "vextract_s":
      return BigInt.asUintN(32, signed(bits, xs[detail] ?? 0n));
    case "vreplace":
      return map((x, _, i) => (i === detail ? b : x));
    case "vineg":
      return map((x) => -x);
    case "viabs":
      return map((x) => (signed(bits, x) < 0n ? -signed(bits, x) : x));
    case "vpopcnt":
      return map((x) => BigInt(x.toString(2).replaceAll("0", "").length));
    case "vshl":
      return map((x) => x << amount);
    case "vshr_u":
      return map((x) => x >> amount);
    case "vshr_s":
      return map((x) => signed(bits, x) >> amount);
    case "vicmp":
      return map((x, y) => mask(compareInts(INT_CC_NAMES[detail] ?? "", bits, x, y)));
    case "vall_true":
      return xs.every((x) => x !== 0n) ? 1n : 0n;
    case "vbitmask":
      return xs.reduce((m, x, i) => m | ((x >> BigInt(bits - 1)) << BigInt(i)), 0n);
    case "vnarrow_s":
    case "vnarrow_u": {
      const wide = [...lanesOf(a, 2 * bits), ...lanesOf(b, 2 * bits)].map((x) => signed(2 * bits, x));
      return vectorOf(
        wide.map((x) => (isSigned ? saturateS(bits, x) : saturateU(bits, x))),
        bits,
      );
    }
    case "vextend_low_s":
    case "vextend_low_u":
    case "vextend_high_s":
    case "vextend_high_u":
      return vectorOf(part(a, isSigned, isHigh), bits);
    case "vextadd_s":
    case "vextadd_u": {
      const terms = narrow(a, isSigned);
      return vectorOf(
        xs.map((_, i) => (terms[2 * i] ?? 0n) + (terms[2 * i + 1] ?? 0n)),
        bits,
      );
    }
    case "vextmul_low_s":
    case "vextmul_low_u":
    case "vextmul_high_s":
    case "vextmul_high_u": {
      const other = part(b, isSigned, isHigh);
      return vectorOf(
        part(a, isSigned, isHigh).map((x, i) => x * (other[i] ?? 0n)),
        bits,
      );
    }
    case "vfpmin":
      return map((x, y) => (toFloat(bits, y) < toFloat(bits, x) ? y : x));
    case "vfpmax":
      return map((x, y) => (toFloat(bits, x) < toFloat(bits, y) ? y : x));
    case "vfabs":
      return map((x) => x & ~sign);
    case "vfneg":
      return map((x) => x ^ sign);
    case "vfcmp":
      return map((x, y) => mask(compareFloats(FLOAT_CC_NAMES[detail] ?? "", toFloat(bits, x), toFloat(bits, y))));
    case "vfcvt_from_sint":
    case "vfcvt_from_uint": {
      const ints = lanesOf(a, 32).slice(0, xs.length);
      return vectorOf(
        ints.map((x) => fromFloat(bits, Number(name === "vfcvt_from_sint" ? signed(32, x) : x))),
        bits,
      );
    }
    case "vfcvt_to_sint_sat":
    case "vfcvt_to_uint_sat":
      return vectorOf(
        xs.map((x) => truncateSaturated(toFloat(bits, x), name === "vfcvt_to_sint_sat")),
        32,
      );
    default:
      throw new Error(`${name} computes nothing`);
  }
}

/** Ops whose result has float lanes that may be any NaN; the bits of such a lane, or 0. */
export function nanLaneBits(name: OpName, shape: number): number {
  if (name === "vfdemote") return 32;
  if (name === "vfpromote_low") return 64;
  const computes = FLOATS[name] !== undefined;
  return computes ? (shape === Shape.f64x2 ? 64 : 32) : 0;
}
