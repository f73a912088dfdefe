/**
 * Values of core scripts: arguments as bits, and patterns that results are compared with. Every value is a bigint of at most 128 bits. An
 * external reference `(ref.extern n)` is n + 1, so that null is 0; of a function reference only whether it is null can be said.
 */

import { atomOf, isList, type SExpr } from "../support/wast.ts";
import { canonicalNaN, floatBits, integerBits, isArithmeticNaN } from "./numbers.ts";

type LaneShape = { readonly count: number; readonly width: 8 | 16 | 32 | 64; readonly float: boolean };

export const LANE_SHAPES: Readonly<Record<string, LaneShape>> = {
  i8x16: { count: 16, width: 8, float: false },
  i16x8: { count: 8, width: 16, float: false },
  i32x4: { count: 4, width: 32, float: false },
  i64x2: { count: 2, width: 64, float: false },
  f32x4: { count: 4, width: 32, float: true },
  f64x2: { count: 2, width: 64, float: true },
};

export function laneBits(text: string, { width, float }: LaneShape): bigint {
  return float && (width === 32 || width === 64) ? floatBits(text, width) : integerBits(text, width);
}

/** The bits of `(i32.const 1)` and the like; undefined for what is no value. */
export function argumentBits(expr: SExpr | undefined): bigint | undefined {
  if (!isList(expr)) return undefined;
  const text = atomOf(expr.items[1]) ?? "";
  switch (atomOf(expr.items[0])) {
    case "i32.const":
      return integerBits(text, 32);
    case "i64.const":
      return integerBits(text, 64);
    case "f32.const":
      return floatBits(text, 32);
    case "f64.const":
      return floatBits(text, 64);
    case "v128.const": {
      const shape = LANE_SHAPES[text];
      if (shape === undefined) return undefined;
      return expr.items.slice(2).reduce((bits, lane, i) => {
        return bits | (laneBits(atomOf(lane) ?? "", shape) << BigInt(shape.width * i));
      }, 0n);
    }
    case "ref.null":
      return 0n;
    case "ref.extern":
      return BigInt(text) + 1n;
    default:
      return undefined;
  }
}

function matchesFloat(text: string, actual: bigint, width: 32 | 64): boolean {
  const magnitude = BigInt.asUintN(width - 1, actual);
  if (text === "nan:canonical") return magnitude === canonicalNaN(width);
  if (text === "nan:arithmetic") return isArithmeticNaN(magnitude, width);
  return floatBits(text, width) === actual;
}

/** Whether a result's bits are what the script expects. */
export function matchesPattern(expected: SExpr, actual: bigint): boolean {
  if (!isList(expected)) return false;
  const text = atomOf(expected.items[1]) ?? "";
  switch (atomOf(expected.items[0])) {
    case "either":
      return expected.items.slice(1).some((e) => matchesPattern(e, actual));
    case "f32.const":
      return matchesFloat(text, actual, 32);
    case "f64.const":
      return matchesFloat(text, actual, 64);
    case "v128.const": {
      const shape = LANE_SHAPES[text];
      if (shape === undefined) return false;
      const { count, width, float } = shape;
      return expected.items.slice(2, 2 + count).every((lane, i) => {
        const bits = BigInt.asUintN(width, actual >> BigInt(width * i));
        const literal = atomOf(lane) ?? "";
        if (float && (width === 32 || width === 64)) return matchesFloat(literal, bits, width);
        return integerBits(literal, width) === bits;
      });
    }
    case "ref.null":
      return actual === 0n;
    case "ref.func":
      return actual !== 0n;
    case "ref.extern":
      return text === "" ? actual !== 0n : actual === BigInt(text) + 1n;
    default:
      return argumentBits(expected) === actual;
  }
}

/** For messages. */
export function showBits(bits: bigint): string {
  return `0x${bits.toString(16)}`;
}

export const VALUE_SIZE = 16;

export function encodeValues(values: readonly bigint[]): Uint8Array {
  const out = new Uint8Array(VALUE_SIZE * values.length);
  const view = new DataView(out.buffer);
  values.forEach((bits, i) => {
    view.setBigUint64(VALUE_SIZE * i, BigInt.asUintN(64, bits), true);
    view.setBigUint64(VALUE_SIZE * i + 8, BigInt.asUintN(64, bits >> 64n), true);
  });
  return out;
}

/** `widths`: bits of each. */
export function decodeValues(bytes: Uint8Array, widths: readonly number[]): bigint[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return widths.map((width, i) => {
    const low = view.getBigUint64(VALUE_SIZE * i, true);
    return BigInt.asUintN(width, low | (view.getBigUint64(VALUE_SIZE * i + 8, true) << 64n));
  });
}
