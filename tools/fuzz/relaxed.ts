/**
 * Operands of relaxed SIMD operators, made so that every result that the standard allows is the same one: what is left of them is what
 * both engines must agree on. Multiplication and addition are rounded twice by both (`engine.ts` turns off what fuses them).
 */

import { constant } from "./constants.ts";
import { codeOf } from "./operators.ts";
import type { Random } from "./random.ts";
import type { Expr } from "./tree.ts";

const WIDTH = 128n;

function splat(value: bigint, bits: number): bigint {
  let all = 0n;
  for (let at = 0n; at < WIDTH; at += BigInt(bits)) all |= BigInt.asUintN(bits, value) << at;
  return all;
}

const F32_2_31 = 0x4f000000n;
const F32_BELOW_2_31 = 0x4effffffn;
const F32_BELOW_2_32 = 0x4f7fffffn;
const F64_2_31 = 0x41e0000000000000n;
const F64_BELOW_2_31 = 0x41dfffffffc00000n;
const F64_BELOW_2_32 = 0x41efffffffe00000n;
const SIGN_32 = 0x80000000n;
const SIGN_64 = 0x8000000000000000n;

export class RelaxedOperands {
  readonly #r: Random;
  /** A local of type v128 set to a value, and read again. */
  readonly #twice: (value: Expr, use: (tee: Expr, get: () => Expr) => Expr) => Expr;

  constructor(r: Random, twice: (value: Expr, use: (tee: Expr, get: () => Expr) => Expr) => Expr) {
    this.#r = r;
    this.#twice = twice;
  }

  #op(name: string, ...kids: Expr[]): Expr {
    return { code: codeOf(name), results: "v", kids, immediates: [] };
  }

  #constant(bits: bigint): Expr {
    return constant(this.#r, "v", bits);
  }

  /** Lanes that are NaN become `other`. */
  #numbers(value: Expr, lanes: "f32x4" | "f64x2", other: bigint): Expr {
    const bits = lanes === "f32x4" ? 32 : 64;
    return this.#twice(value, (tee, get) =>
      this.#op("v128.bitselect", tee, this.#constant(splat(other, bits)), this.#op(`${lanes}.eq`, get(), get())),
    );
  }

  #clamped(value: Expr, lanes: "f32x4" | "f64x2", low: bigint, high: bigint): Expr {
    const bits = lanes === "f32x4" ? 32 : 64;
    const numbers = this.#numbers(value, lanes, 0n);
    const above = this.#op(`${lanes}.max`, numbers, this.#constant(splat(low, bits)));
    return this.#op(`${lanes}.min`, above, this.#constant(splat(high, bits)));
  }

  /** The operands in place of `kids`. */
  restrict(name: string, kids: readonly Expr[]): Expr[] {
    const [a, b, c] = kids;
    if (a === undefined) return [...kids];
    const mask = (value: Expr, bits: bigint): Expr => this.#op("v128.and", value, this.#constant(bits));
    switch (name) {
      case "i8x16.relaxed_swizzle":
        return b === undefined ? [a] : [a, mask(b, splat(0x8fn, 8))];
      case "i32x4.relaxed_trunc_f32x4_s":
        return [this.#clamped(a, "f32x4", F32_2_31 | SIGN_32, F32_BELOW_2_31)];
      case "i32x4.relaxed_trunc_f32x4_u":
        return [this.#clamped(a, "f32x4", 0n, F32_BELOW_2_32)];
      case "i32x4.relaxed_trunc_f64x2_s_zero":
        return [this.#clamped(a, "f64x2", F64_2_31 | SIGN_64, F64_BELOW_2_31)];
      case "i32x4.relaxed_trunc_f64x2_u_zero":
        return [this.#clamped(a, "f64x2", 0n, F64_BELOW_2_32)];
      case "i8x16.relaxed_laneselect":
      case "i16x8.relaxed_laneselect":
      case "i32x4.relaxed_laneselect":
      case "i64x2.relaxed_laneselect":
        if (b === undefined || c === undefined) return [...kids];
        return [a, b, this.#op(`${name.slice(0, 5)}.lt_s`, c, this.#constant(0n))];
      case "f32x4.relaxed_min":
      case "f32x4.relaxed_max":
      case "f64x2.relaxed_min":
      case "f64x2.relaxed_max": {
        // No NaN, and one zero only.
        const lanes = name.startsWith("f32x4") ? "f32x4" : "f64x2";
        return kids.map((kid) => this.#op(`${lanes}.add`, this.#numbers(kid, lanes, 0n), this.#constant(0n)));
      }
      case "i16x8.relaxed_q15mulr_s":
        return b === undefined ? [a] : [mask(a, splat(0x7fffn, 16)), b];
      case "i16x8.relaxed_dot_i8x16_i7x16_s":
      case "i32x4.relaxed_dot_i8x16_i7x16_add_s":
        return b === undefined ? [a] : [a, mask(b, splat(0x7fn, 8)), ...(c === undefined ? [] : [c])];
      default:
        return [...kids];
    }
  }
}
