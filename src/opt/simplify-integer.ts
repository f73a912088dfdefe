/**
 * Simplification of integer operations on values: folding, identities, cheaper operations, constants that meet, and extensions of what is
 * extended already. Comparisons are in `compare.ts`, division is in `division.ts`.
 */
// hot loop: indices are in range by construction

import { log2OfPower, mulI64, negI64, shlI64, shrU64, subI64 } from "../base/int64.ts";
import { type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { Access, accessOf, FLAG_COMMUTATIVE, OP_FLAGS, Op } from "../ir/ops.ts";
import { I32, I64, type Type } from "../ir/types.ts";
import { divideByConstant } from "./division.ts";
import { foldBinary, foldUnary } from "./fold.ts";
import type { Rewriter } from "./rewriter.ts";

/** As in `simplify.ts`, a rule gives the value that the instruction equals, or NONE. */
export class IntegerRules {
  readonly #func: Func;
  readonly #w: Rewriter;

  constructor(rewriter: Rewriter) {
    this.#func = rewriter.func;
    this.#w = rewriter;
  }

  binary(inst: Inst, op: number): number {
    const f = this.#func;
    const w = this.#w;
    const type: Type = f.type.get(inst) === I32 ? I32 : I64;
    let a: number = f.a.get(inst);
    let b: number = f.b.get(inst);
    if ((OP_FLAGS[op]! & FLAG_COMMUTATIVE) !== 0) {
      // Constants to the right; else by age, so that equal ones are equal.
      const ca = w.constant(a) !== NONE;
      const cb = w.constant(b) !== NONE;
      if (ca === cb ? a > b : ca) [a, b] = [b, a];
      f.a.set(inst, a);
      f.b.set(inst, b);
    }
    if (a === b) {
      if (op === Op.band || op === Op.bor) return a;
      if (op === Op.bxor || op === Op.isub) {
        w.become(0, 0);
        return NONE;
      }
    }
    const kb = w.constant(b);
    const ka = w.constant(a);
    if (kb === NONE) return this.#variable(inst, op, type, a, b, ka);
    const blo = f.lo.get(kb);
    const bhi = f.hi.get(kb);
    if (ka !== NONE) {
      if (foldBinary(w.t, op, type, f.lo.get(ka), f.hi.get(ka), blo, bhi)) w.become(w.t.lo, w.t.hi);
      return NONE;
    }
    return this.#withConstant(inst, op, type, a, blo, bhi);
  }

  /** b is no constant; `ka`: a's, or NONE. */
  #variable(inst: Inst, op: number, type: Type, a: number, b: number, ka: number): number {
    const f = this.#func;
    const w = this.#w;
    switch (op) {
      case Op.iadd: {
        // x + (y - x), (y - x) + x, x + (0 - y), (0 - y) + x
        for (let side = 0; side < 2; side++) {
          const x = side === 0 ? a : b;
          const def = w.def(side === 0 ? b : a);
          if (def === NONE || f.op.get(def) !== Op.isub) continue;
          if (w.b(def) === x) return w.a(def);
          const k = w.constant(w.a(def));
          if (k !== NONE && f.lo.get(k) === 0 && f.hi.get(k) === 0) {
            w.turnInto(Op.isub, type, x, w.b(def));
            return NONE;
          }
        }
        return NONE;
      }
      case Op.isub: {
        const da = w.def(a);
        if (da !== NONE && f.op.get(da) === Op.iadd) {
          if (w.a(da) === b) return w.b(da);
          if (w.b(da) === b) return w.a(da);
        }
        const db = w.def(b);
        if (db === NONE) return NONE;
        if (f.op.get(db) === Op.isub) {
          // a - (a - y), 0 - (x - y)
          if (w.a(db) === a) return w.b(db);
          if (ka !== NONE && f.lo.get(ka) === 0 && f.hi.get(ka) === 0) {
            w.turnInto(Op.isub, type, w.b(db), w.a(db));
            return NONE;
          }
        }
        if (f.op.get(db) === Op.iadd && w.single(b)) {
          // k - (x + k2)
          const k2 = w.constant(w.b(db));
          if (ka !== NONE && k2 !== NONE) {
            subI64(w.t, f.lo.get(ka), f.hi.get(ka), f.lo.get(k2), f.hi.get(k2));
            w.turnInto(Op.isub, type, w.iconst(type, w.t.lo, w.t.hi), w.a(db));
          }
        }
        return NONE;
      }
      case Op.ishl:
      case Op.ushr:
      case Op.sshr:
      case Op.rotl:
      case Op.rotr: {
        if (ka !== NONE && f.lo.get(ka) === 0 && f.hi.get(ka) === 0) return a;
        // The amount is taken modulo the width anyway.
        const def = w.def(b);
        if (def === NONE || f.op.get(def) !== Op.band) return NONE;
        const k = w.constant(w.b(def));
        const all = type === I32 ? 31 : 63;
        if (k !== NONE && (f.lo.get(k) & all) === all) f.b.set(inst, w.a(def));
        return NONE;
      }
      default:
        return NONE;
    }
  }

  #withConstant(inst: Inst, op: number, type: Type, a: number, lo: number, hi: number): number {
    const f = this.#func;
    const w = this.#w;
    const narrow = type === I32;
    const zero = lo === 0 && (narrow || hi === 0);
    const ones = lo === -1 && (narrow || hi === -1);
    switch (op) {
      case Op.iadd:
        if (zero) return a;
        this.#merge(inst, op, type, a, lo, hi);
        return NONE;
      case Op.isub:
        if (zero) return a;
        negI64(w.t, lo, hi);
        w.turnInto(Op.iadd, type, a, w.iconst(type, w.t.lo, w.t.hi));
        return NONE;
      case Op.imul:
        return this.#multiply(inst, type, a, lo, hi);
      case Op.umulhi:
      case Op.smulhi:
        if (zero) w.become(0, 0);
        return NONE;
      case Op.udiv:
      case Op.urem:
      case Op.sdiv:
      case Op.srem:
        return divideByConstant(w, op, type, a, lo, hi);
      case Op.band:
        if (zero) w.become(0, 0);
        else if (ones || isMaskOver(lo, narrow ? 0 : hi, w.bits(a))) return a;
        else this.#merge(inst, op, type, a, lo, hi);
        return NONE;
      case Op.bor:
        if (zero) return a;
        if (ones) w.become(-1, -1);
        else this.#merge(inst, op, type, a, lo, hi);
        return NONE;
      case Op.bxor:
        if (zero) return a;
        if (lo === 1 && (narrow || hi === 0) && w.opOf(a) === Op.icmp && w.single(a)) {
          const def = w.def(a);
          w.turnInto(Op.icmp, f.type.get(def) === I32 ? I32 : I64, w.a(def), w.b(def), f.lo.get(def) ^ 1);
        } else this.#merge(inst, op, type, a, lo, hi);
        return NONE;
      case Op.ishl:
      case Op.ushr:
      case Op.sshr:
      case Op.rotl:
      case Op.rotr:
        return this.#shift(inst, op, type, a, lo, hi);
      default:
        return NONE;
    }
  }

  /** `(x op k1) op k2` becomes `x op (k1 op k2)`. */
  #merge(inst: Inst, op: number, type: Type, a: number, lo: number, hi: number): void {
    const f = this.#func;
    const w = this.#w;
    const def = w.def(a);
    if (def === NONE || f.op.get(def) !== op) return;
    const k = w.constant(w.b(def));
    if (k === NONE) return;
    const x = w.a(def);
    // A block parameter would have to live on, beside its successor.
    if (!w.single(a) && w.def(x) === NONE) return;
    foldBinary(w.t, op, type, f.lo.get(k), f.hi.get(k), lo, hi);
    f.a.set(inst, x);
    f.b.set(inst, w.iconst(type, w.t.lo, w.t.hi));
  }

  #multiply(inst: Inst, type: Type, a: number, lo: number, hi: number): number {
    const f = this.#func;
    const w = this.#w;
    const narrow = type === I32;
    const high = narrow ? 0 : hi;
    if (lo === 0 && high === 0) {
      w.become(0, 0);
      return NONE;
    }
    if (lo === -1 && (narrow || hi === -1)) {
      w.turnInto(Op.isub, type, w.small(type, 0), a);
      return NONE;
    }
    const log = log2OfPower(lo, high);
    if (log === 0) return a;
    if (log > 0) {
      w.turnInto(Op.ishl, type, a, w.small(type, log));
      return NONE;
    }
    const def = w.def(a);
    if (def === NONE || !w.single(a)) return NONE;
    const inner = f.op.get(def);
    if (inner !== Op.imul && inner !== Op.ishl) return NONE;
    const k = w.constant(w.b(def));
    if (k === NONE) return NONE;
    if (inner === Op.imul) mulI64(w.t, f.lo.get(k), f.hi.get(k), lo, hi);
    else foldBinary(w.t, Op.ishl, type, lo, hi, f.lo.get(k), 0);
    f.a.set(inst, w.a(def));
    f.b.set(inst, w.iconst(type, w.t.lo, w.t.hi));
    return NONE;
  }

  #shift(inst: Inst, op: number, type: Type, a: number, lo: number, hi: number): number {
    const f = this.#func;
    const w = this.#w;
    const width = type === I32 ? 32 : 64;
    const amount = lo & (width - 1);
    if (amount === 0) return a;
    if (lo !== amount || (type === I64 && hi !== 0)) {
      f.b.set(inst, w.small(type, amount));
      return NONE;
    }
    if (op === Op.rotr) {
      w.turnInto(Op.rotl, type, a, w.small(type, width - amount));
      return NONE;
    }
    if (op === Op.rotl) return NONE;
    const bits = w.bits(a);
    if (op === Op.ushr && bits <= amount) {
      w.become(0, 0);
      return NONE;
    }
    if (op === Op.sshr && bits < width) {
      w.turnInto(Op.ushr, type, a, f.b.get(inst));
      return NONE;
    }
    const def = w.def(a);
    if (def === NONE) return NONE;
    const inner = f.op.get(def);
    if (inner !== Op.ishl && inner !== Op.ushr && inner !== Op.sshr) return NONE;
    const k = w.constant(w.b(def));
    if (k === NONE) return NONE;
    const first = f.lo.get(k) & (width - 1);
    if (inner === op) {
      if (!w.single(a)) return NONE;
      const sum = first + amount;
      if (sum >= width && op !== Op.sshr) w.become(0, 0);
      else {
        f.a.set(inst, w.a(def));
        f.b.set(inst, w.small(type, Math.min(sum, width - 1)));
      }
    } else if (first !== amount) return NONE;
    else if (inner === Op.ishl) {
      // What was shifted out at the top: cleared, or copies of the sign.
      if (op === Op.ushr) this.#mask(type, w.a(def), width - amount, 0);
      else if (amount === width - 8) w.turnInto(Op.sext8, type, w.a(def));
      else if (amount === width - 16) w.turnInto(Op.sext16, type, w.a(def));
      else if (amount === 32) w.turnInto(Op.sext32, type, w.a(def));
    } else if (op === Op.ishl) this.#mask(type, w.a(def), width, amount);
    return NONE;
  }

  /** Turns the instruction into `x` with only bits `from` to `to` - 1. */
  #mask(type: Type, x: number, to: number, from: number): void {
    const w = this.#w;
    const { t } = w;
    shlI64(t, -1, -1, from);
    const { lo, hi } = t;
    shrU64(t, -1, -1, 64 - to);
    w.turnInto(Op.band, type, x, w.iconst(type, lo & t.lo, hi & t.hi));
  }

  unary(inst: Inst, op: number): number {
    const f = this.#func;
    const w = this.#w;
    const type = f.type.get(inst) === I32 ? I32 : I64;
    const a: number = f.a.get(inst);
    const k = w.constant(a);
    if (k !== NONE) {
      if (foldUnary(w.t, op, type, f.lo.get(k), f.hi.get(k))) w.become(w.t.lo, w.t.hi);
      return NONE;
    }
    const bits = w.bits(a);
    const def = w.def(a);
    const inner = def === NONE ? -1 : f.op.get(def);
    switch (op) {
      case Op.sextend:
        if (bits < 32) w.turnInto(Op.uextend, I64, a);
        return NONE;
      case Op.sext8:
      case Op.sext16:
      case Op.sext32: {
        const from = op === Op.sext8 ? 8 : op === Op.sext16 ? 16 : 32;
        if (bits < from) return a;
        if (inner === op) return a;
        if (inner === Op.sext8 || (inner === Op.sext16 && op === Op.sext32)) return a;
        if (inner === Op.sextend && op === Op.sext32) return a;
        if (inner === Op.uextend && op === Op.sext32) {
          w.turnInto(Op.sextend, I64, w.a(def));
          return NONE;
        }
        if (inner === Op.load && isLoadedBits(accessOf(f.hi.get(def)), from)) return a;
        if (inner === Op.band && keepsLow(w, w.b(def), from)) f.a.set(inst, w.a(def));
        return NONE;
      }
      case Op.uextend: {
        if (inner !== Op.ireduce) return NONE;
        const x = w.a(def);
        if (w.bits(x) <= 32) return x;
        return NONE;
      }
      case Op.ireduce:
        if (inner === Op.uextend || inner === Op.sextend) return w.a(def);
        if ((inner === Op.band && keepsLow(w, w.b(def), 32)) || inner === Op.sext32) f.a.set(inst, w.a(def));
        return NONE;
      default:
        return NONE;
    }
  }
}

/** Whether (lo, hi) has ones in all of the `bits` lowest places. */
function isMaskOver(lo: number, hi: number, bits: number): boolean {
  if (bits <= 32) return bits === 32 ? lo === -1 : (~lo & (2 ** bits - 1)) === 0;
  return lo === -1 && (bits === 64 ? hi === -1 : (~hi & (2 ** (bits - 32) - 1)) === 0);
}

/** Whether `value` is a constant with ones in all of the `bits` lowest places. */
export function keepsLow(w: Rewriter, value: Value, bits: number): boolean {
  const k = w.constant(value);
  return k !== NONE && isMaskOver(w.func.lo.get(k), w.func.hi.get(k), bits);
}

/** Whether a load of `access` is the sign extension of the low `bits` bits. */
function isLoadedBits(access: number, bits: number): boolean {
  if (access === Access.s8) return true;
  if (access === Access.s16) return bits >= 16;
  return access === Access.s32 && bits >= 32;
}
