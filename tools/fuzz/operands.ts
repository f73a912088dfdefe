/** Random operators of a fixed signature: operands that tell right from nearly right, and immediates. */

import type { Access } from "./access.ts";
import { constant, interestingInteger } from "./constants.ts";
import type { Features } from "./features.ts";
import type { Frame } from "./frame.ts";
import type { Maker } from "./maker.ts";
import { floatLanes, type Operator } from "./operators.ts";
import { RelaxedOperands } from "./relaxed.ts";
import type { Expr, Immediate } from "./tree.ts";

/** Bits that a shift or rotation is by at most; of vectors those of a lane. Undefined: it is none. */
function shiftWidth(name: string): number | undefined {
  if (!/\.(shl|shr_s|shr_u|rotl|rotr)$/.test(name)) return undefined;
  return name.includes("x")
    ? 128 / Number(name.slice(name.indexOf("x") + 1, name.indexOf(".")))
    : Number(name.slice(1, 3));
}

/** Integers at which results change their kind, by their bits: what is wrong is often wrong of two of them alone. */
const least = (bits: bigint): bigint => -1n << (bits - 1n);
const greatest = (bits: bigint): bigint => ~least(bits);
const always = (value: bigint) => (): bigint => value;
const EDGES = [least, least, greatest, always(-1n), always(0n), always(1n)];
const DIVISORS = [always(-1n), always(-1n), always(1n), least, greatest];

export class Operands {
  readonly #f: Frame;
  readonly #features: Features;
  readonly #access: Access;
  readonly #maker: Maker;
  readonly #relaxed: RelaxedOperands;

  constructor(frame: Frame, features: Features, access: Access, maker: Maker) {
    this.#f = frame;
    this.#features = features;
    this.#access = access;
    this.#maker = maker;
    this.#relaxed = new RelaxedOperands(frame.r, (value, use) => frame.twice(value, use));
  }

  operator(operator: Operator, depth: number): Expr {
    const { r } = this.#f;
    const f = this.#f;
    const { name, code, params, results } = operator;
    const memory = params.startsWith("a");
    if (memory && !this.#access.hasMemory) return this.#maker.leaf(results);
    if (name.includes("relaxed") && !this.#features.relaxedSimd) return this.#maker.leaf(results);
    const at = memory ? this.#access.pickMemory() : 0;
    // Of constants alone now and then: compilers compute those.
    const constants = !memory && r.chance(params.length === 1 ? 0.15 : 0.06);
    let kids = Array.from(params, (t, i) => {
      if (t === "a") return this.#access.address(at, operator, depth);
      return constants && "ilfdv".includes(t) ? f.constant(t) : this.#operand(operator, i, depth);
    });
    const [first, second] = kids;
    const division = /\.(div|rem)_[su]$/.test(name);
    if (/^(ii|ll)$/.test(params) && !constants && r.chance(division ? 0.15 : 0.04)) {
      kids = kids.map((kid, i) => this.#edge(kid, division && i === 1 ? DIVISORS : EDGES, depth));
    } else if (division && second !== undefined && r.chance(0.75)) {
      kids[1] = r.chance(0.5)
        ? this.#divisor(results)
        : f.node(`${name.slice(0, 3)}.or`, results, [second, constant(r, results, BigInt(r.between(1, 9)))]);
    } else if (/^(ii|ll|ff|dd|vv)$/.test(params) && first !== undefined && r.chance(0.04)) {
      // Of a value and itself.
      kids = f.both(first);
    }
    if (/reinterpret_f|store|splat|replace_lane|\.copysign$/.test(name)) {
      const last = kids.pop();
      if (last !== undefined) kids.push(f.canonical(last));
    }
    if (name.includes("relaxed")) kids = this.#relaxed.restrict(name, kids);
    const expr: Expr = { code, results, kids, immediates: this.#immediates(operator, at) };
    const lanes = floatLanes(name);
    return lanes === undefined ? expr : f.canonicalLanes(expr, lanes);
  }

  /** One operand, often a constant where it is the second of two: that is where compilers know special forms. */
  #operand({ name, params }: Operator, index: number, depth: number): Expr {
    const { r } = this.#f;
    const type = params[index] ?? "i";
    const binary = params.length === 2 && !params.startsWith("a");
    if (binary && r.chance(index === 1 ? 0.35 : 0.08)) {
      const width = shiftWidth(name);
      if (index === 1 && width !== undefined && r.chance(0.85)) {
        return constant(r, type, BigInt(r.chance(0.85) ? r.between(1, width - 1) : r.pick([0, width, width + 1, -1])));
      }
      return constant(r, type);
    }
    // Most floats are too large for integers.
    if (/\.trunc_f/.test(name) && r.chance(0.8)) {
      const integer = this.#maker.value("i", depth + 1);
      const small = this.#f.node(name.endsWith("_u") ? "i32.shr_u" : "i32.shr_s", "i", [
        integer,
        this.#f.i32(r.between(1, 24)),
      ]);
      const float = this.#f.node(`${type === "f" ? "f32" : "f64"}.convert_i32_s`, type, [small]);
      return r.chance(0.5)
        ? float
        : this.#f.node(type === "f" ? "f32.sqrt" : "f64.sqrt", type, [
            this.#f.node(type === "f" ? "f32.abs" : "f64.abs", type, [float]),
          ]);
    }
    return this.#maker.value(type, depth + 1);
  }

  /** One of `edges` in place of the value, or one or the other by what is not known before it runs. */
  #edge(value: Expr, edges: readonly ((bits: bigint) => bigint)[], depth: number): Expr {
    const { r } = this.#f;
    const type = value.results;
    const edge = constant(r, type, r.pick(edges)(type === "i" ? 32n : 64n));
    return r.chance(0.35) ? edge : this.#f.node("select", type, [edge, value, this.#maker.condition(depth + 1)]);
  }

  #divisor(type: string): Expr {
    const { r } = this.#f;
    const bits = type === "i" ? 32 : 64;
    const way = r.below(10);
    if (way < 4) return constant(r, type, BigInt(r.between(2, 12)));
    if (way < 7) return constant(r, type, (r.chance(0.7) ? 1n : -1n) << BigInt(r.below(bits)));
    if (way < 8) return constant(r, type, BigInt(-r.between(1, 10)));
    const value = BigInt.asIntN(bits, way < 9 ? interestingInteger(r) : r.u64());
    return constant(r, type, value === 0n ? 641n : value);
  }

  #immediates({ immediates, extra, code }: Operator, memory: number): Immediate[] {
    const r = this.#f.r;
    switch (immediates) {
      case "none":
        return [];
      case "lane":
        return [{ kind: "bytes", bytes: [r.below(extra)] }];
      case "shuffle":
        return [{ kind: "bytes", bytes: this.#shuffle() }];
      case "atomic":
        return [this.#access.memarg(memory, extra, true)];
      case "memarg":
        return [this.#access.memarg(memory, r.below(extra + 1))];
      case "memargLane":
        return [this.#access.memarg(memory, r.below(extra + 1)), { kind: "bytes", bytes: [r.below(16 >> extra)] }];
      default:
        throw new RangeError(`opcode ${code}`);
    }
  }

  #shuffle(): number[] {
    const r = this.#f.r;
    const way = r.below(4);
    const from = r.below(32);
    const size = r.pick([2, 4, 8]);
    const place = r.below(32);
    return Array.from({ length: 16 }, (_, i) => {
      if (way === 0) return r.below(32);
      if (way === 1) return (from + i) % 32;
      if (way === 2) return ((Math.floor(i / size) * size * 3 + place * size) % 32) + (i % size);
      return i % 2 === 0 ? i >> 1 : 16 + (i >> 1);
    });
  }
}
