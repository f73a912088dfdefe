/**
 * Local simplification: constant folding, algebraic identities, strength reduction, and canonical forms that the other passes and
 * selection rely on (constants on the right; subtraction of a constant as an addition; comparisons with zero folded
 * into branches; constant parts of an address in the access's offset).
 *
 * One rule looks at one instruction and its operands' definitions. Either it names an existing value that the result equals, or it rewrites
 * the instruction in place, perhaps with new instructions in front of it, or it leaves it. A rule that fired has made progress: none
 * undoes another.
 */
// hot loop: indices are in range by construction

import { fitsI32 } from "../base/int64.ts";
import { type Func, type Inst, NONE } from "../ir/function.ts";
import { Access, accessOf, IntCC, OP_NAMES, Op, opRow } from "../ir/ops.ts";
import { I32 } from "../ir/types.ts";
import { simplifyCompare } from "./compare.ts";
import { Rewriter } from "./rewriter.ts";
import { FloatRules } from "./simplify-float.ts";
import { IntegerRules, keepsLow } from "./simplify-integer.ts";

/** How far constant additions are followed into an address. */
const ADDRESS_STEPS = 64;

/** By op: which rules there are, as the cases of `simplify`; 0: none. */
const KIND: Uint8Array = Uint8Array.from(OP_NAMES, (name, op) => {
  switch (name) {
    case "select":
      return 4;
    case "guard":
      return 13;
    case "bitcast":
      return 6;
    case "load":
      return 10;
    case "store":
      return 11;
    case "brif":
    case "trapz":
    case "trapnz":
      return 12;
  }
  const { format, operands } = opRow(op);
  if (format === "compare") return operands === "int" ? 2 : 3;
  if (name.startsWith("fcvt_")) return 9;
  const float = name.startsWith("f");
  if (format === "binary") return float ? 7 : 1;
  if (format === "unary") return float ? 8 : 5;
  return 0;
});

export class Simplifier {
  readonly #func: Func;
  readonly #w: Rewriter;
  readonly #integers: IntegerRules;
  readonly #floats: FloatRules;

  /** `uses`: how often each value is read. */
  constructor(func: Func, uses: Int32Array) {
    this.#func = func;
    this.#w = new Rewriter(func, uses);
    this.#integers = new IntegerRules(this.#w);
    this.#floats = new FloatRules(this.#w);
  }

  /** Remembers what is known of the result's bits; to be called once `simplify` has no more to do with `inst`. */
  learn(inst: Inst): void {
    this.#w.learn(inst);
  }

  /** Whether all bits of `value` that may be set are in the bytes that a narrow `access` has. */
  fits(value: number, access: number): boolean {
    const bits = access === Access.u8 ? 8 : access === Access.u16 ? 16 : access === Access.u32 ? 32 : 0;
    return bits > 0 && this.#w.bits(value) <= bits;
  }

  /** Turns a comparison into 1 or 0. */
  become(inst: Inst, holds: number): void {
    this.#w.inst = inst;
    this.#w.decided(holds === 1);
  }

  /** Makes the condition of a branch or trap the constant 1 or 0. */
  decide(inst: Inst, holds: boolean): void {
    this.#w.inst = inst;
    this.#func.a.set(inst, this.#w.small(I32, holds ? 1 : 0));
  }

  /**
   * The value that the (only) result of `inst` equals, or NONE: then `inst` stands, perhaps rewritten. New instructions in front of it
   * are not simplified yet.
   */
  simplify(inst: Inst): number {
    const f = this.#func;
    const w = this.#w;
    w.inst = inst;
    const op = f.op.get(inst);
    // Literals: a cold engine dispatches on them quickly.
    switch (KIND[op]!) {
      case 1:
        return this.#integers.binary(inst, op);
      case 2:
        return simplifyCompare(w);
      case 3:
        return this.#floats.compare(inst);
      case 4:
        return this.#select(inst);
      case 5:
        return this.#integers.unary(inst, op);
      case 6:
        return this.#floats.bitcast(inst);
      case 7:
        return this.#floats.binary(inst, op);
      case 8:
        return this.#floats.unary(inst, op);
      case 9:
        this.#floats.convert(inst, op);
        return NONE;
      case 10:
        this.#address(inst);
        return NONE;
      case 11:
        this.#address(inst);
        this.#storedValue(inst);
        return NONE;
      case 12:
        this.#condition(inst);
        return NONE;
      case 13: {
        const condition = w.constant(f.a.get(inst));
        if (condition === NONE) return NONE;
        return f.lo.get(condition) !== 0 ? f.b.get(inst) : f.c.get(inst);
      }
      default:
        return NONE;
    }
  }

  #select(inst: Inst): number {
    const f = this.#func;
    const w = this.#w;
    const condition: number = f.a.get(inst);
    const b: number = f.b.get(inst);
    const c: number = f.c.get(inst);
    if (b === c) return b;
    const k = w.constant(condition);
    if (k !== NONE) return f.lo.get(k) !== 0 ? b : c;
    const stripped = this.#zeroTest(condition);
    if (stripped !== NONE) {
      const negated = stripped < 0;
      f.a.set(inst, negated ? ~stripped - 1 : stripped);
      if (negated) {
        f.b.set(inst, c);
        f.c.set(inst, b);
      }
      return NONE;
    }
    if (f.type.get(inst) !== I32) return NONE;
    const kb = w.constant(b);
    const kc = w.constant(c);
    if (kb === NONE || kc === NONE) return NONE;
    const x = f.lo.get(kb);
    const y = f.lo.get(kc);
    if (x === 1 && y === 0) {
      if (w.bits(condition) === 1) return condition;
      w.turnInto(Op.icmp, I32, condition, w.small(I32, 0), IntCC.ne);
    } else if (x === 0 && y === 1) w.turnInto(Op.icmp, I32, condition, w.small(I32, 0), IntCC.eq);
    return NONE;
  }

  /** If `value` is `icmp ne x, 0` (i32) gives x, if `icmp eq x, 0` gives ~(x + 1), else NONE. */
  #zeroTest(value: number): number {
    const f = this.#func;
    const w = this.#w;
    const def = w.def(value);
    if (def === NONE || f.op.get(def) !== Op.icmp || f.type.get(def) !== I32) return NONE;
    const cc = f.lo.get(def);
    if (cc !== IntCC.eq && cc !== IntCC.ne) return NONE;
    const k = w.constant(w.b(def));
    if (k === NONE || f.lo.get(k) !== 0) return NONE;
    return cc === IntCC.eq ? ~(w.a(def) + 1) : w.a(def);
  }

  /** Branches and traps on `x != 0` and `x == 0` test x. */
  #condition(inst: Inst): void {
    const f = this.#func;
    for (;;) {
      const stripped = this.#zeroTest(f.a.get(inst));
      if (stripped === NONE) return;
      if (stripped >= 0) {
        f.a.set(inst, stripped);
        continue;
      }
      f.a.set(inst, ~stripped - 1);
      const op = f.op.get(inst);
      if (op === Op.brif) {
        const b = f.b.get(inst);
        f.b.set(inst, f.c.get(inst));
        f.c.set(inst, b);
      } else f.op.set(inst, op === Op.trapz ? Op.trapnz : Op.trapz);
    }
  }

  // Memory.

  /** `[(x + c) + offset]` becomes `[x + (c + offset)]` where that fits the access. */
  #address(inst: Inst): void {
    const f = this.#func;
    const w = this.#w;
    for (let step = 0; step < ADDRESS_STEPS; step++) {
      const def = w.def(w.resolve(f.a.get(inst)));
      if (def === NONE || f.op.get(def) !== Op.iadd) return;
      const k = w.constant(w.b(def));
      if (k === NONE || !fitsI32(f.lo.get(k), f.hi.get(k))) return;
      const offset = f.lo.get(inst) + f.lo.get(k);
      if (offset !== (offset | 0)) return;
      f.a.set(inst, w.a(def));
      f.lo.set(inst, offset);
    }
  }

  /** A narrow store doesn't care for the bits that it drops. */
  #storedValue(inst: Inst): void {
    const f = this.#func;
    const w = this.#w;
    const access = accessOf(f.hi.get(inst));
    if (access === Access.full) return;
    const bits = access <= Access.s8 ? 8 : access <= Access.s16 ? 16 : 32;
    for (let step = 0; step < ADDRESS_STEPS; step++) {
      const def = w.def(w.resolve(f.b.get(inst)));
      if (def === NONE) return;
      const op = f.op.get(def);
      const kept =
        (op === Op.band && keepsLow(w, w.b(def), bits)) ||
        (op === Op.sext8 && bits === 8) ||
        (op === Op.sext16 && bits <= 16) ||
        op === Op.sext32;
      if (!kept) return;
      f.b.set(inst, w.a(def));
    }
  }
}
