/**
 * Local simplification: constant folding, algebraic identities, strength reduction, and canonical forms that the other passes and
 * selection rely on (constants on the right; subtraction of a constant as an addition; comparisons with zero folded
 * into branches; constant parts of an address in the access's offset).
 *
 * One rule looks at one instruction and its operands' definitions. Either it names an existing value that the result equals, or it rewrites
 * the instruction in place, or it leaves it. Floats are left alone but for constants that move bits: NaN payloads and
 * rounding are not this pass's business.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import {
  addI64,
  compareS64,
  compareU64,
  fitsI32,
  type I64 as Int64,
  log2OfPower,
  mulI64,
  negI64,
  shlI64,
  shrS64,
  shrU64,
  subI64,
} from "../base/int64.ts";
import { type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { FLAG_COMMUTATIVE, INT_CC_SWAPPED, IntCC, OP_FLAGS, Op } from "../ir/ops.ts";
import { F32, F64, I32, I64, type Type } from "../ir/types.ts";

export class Simplifier {
  readonly #func: Func;
  readonly #t: Int64 = { lo: 0, hi: 0 };

  constructor(func: Func) {
    this.#func = func;
  }

  #resolve(raw: number): Value {
    return this.#func.resolve(entity<Value>(raw));
  }

  /** The instruction that defines a resolved value, or NONE for a block parameter. */
  #def(value: number): number {
    const def = this.#func.valueDef.get(value);
    return def < 0 ? NONE : def;
  }

  /** The defining iconst, or NONE. */
  #const(value: number): number {
    const def = this.#def(value);
    return def !== NONE && this.#func.op.get(def) === Op.iconst ? def : NONE;
  }

  /** An integer constant in front of `inst`. */
  #constant(inst: Inst, type: Type, lo: number, hi: number): Value {
    const f = this.#func;
    const made = f.createInst(Op.iconst, type, NONE, NONE, NONE, lo, type === I32 ? 0 : hi, f.loc.get(inst));
    const value = f.addResult(made, type);
    f.insertBefore(made, inst);
    return value;
  }

  /** Turns `inst` into an integer constant. */
  #become(inst: Inst, lo: number, hi: number): void {
    const f = this.#func;
    f.op.set(inst, Op.iconst);
    f.a.set(inst, NONE);
    f.b.set(inst, NONE);
    f.c.set(inst, NONE);
    f.lo.set(inst, lo);
    f.hi.set(inst, hi);
  }

  /** The value that the (only) result of `inst` equals, or NONE: then `inst` stands, perhaps rewritten. Operands are resolved in place. */
  simplify(inst: Inst): number {
    const f = this.#func;
    const op = f.op.get(inst);
    switch (op) {
      case Op.iadd:
      case Op.isub:
      case Op.imul:
      case Op.udiv:
      case Op.urem:
      case Op.band:
      case Op.bor:
      case Op.bxor:
      case Op.ishl:
      case Op.ushr:
      case Op.sshr:
      case Op.rotl:
      case Op.rotr:
        return this.#binary(inst);
      case Op.icmp:
        return this.#icmp(inst);
      case Op.select:
        return this.#select(inst);
      case Op.uextend:
      case Op.sextend:
      case Op.ireduce:
      case Op.sext8:
      case Op.sext16:
      case Op.sext32:
        return this.#extend(inst);
      case Op.bitcast:
        return this.#bitcast(inst);
      case Op.load:
      case Op.store:
        this.#address(inst);
        return NONE;
      case Op.brif:
      case Op.trapz:
      case Op.trapnz:
        this.#condition(inst);
        return NONE;
      default:
        return NONE;
    }
  }

  #binary(inst: Inst): number {
    const f = this.#func;
    const op = f.op.get(inst);
    const type: Type = f.type.get(inst) === I32 ? I32 : I64;
    let a: number = this.#resolve(f.a.get(inst));
    let b: number = this.#resolve(f.b.get(inst));
    if ((OP_FLAGS[op]! & FLAG_COMMUTATIVE) !== 0 && this.#const(a) !== NONE && this.#const(b) === NONE) {
      [a, b] = [b, a];
    }
    f.a.set(inst, a);
    f.b.set(inst, b);
    if (a === b) {
      if (op === Op.band || op === Op.bor) return a;
      if (op === Op.bxor || op === Op.isub) {
        this.#become(inst, 0, 0);
        return NONE;
      }
    }
    const kb = this.#const(b);
    if (kb === NONE) return NONE;
    const blo = f.lo.get(kb);
    const bhi = f.hi.get(kb);
    const ka = this.#const(a);
    if (ka !== NONE) {
      if (this.#foldBinary(op, type, f.lo.get(ka), f.hi.get(ka), blo, bhi)) {
        this.#become(inst, this.#t.lo, type === I32 ? 0 : this.#t.hi);
      }
      return NONE;
    }
    return this.#binaryWithConstant(inst, op, type, a, blo, bhi);
  }

  /** Folds into `#t`; false if the op is not folded for these operands. */
  #foldBinary(op: number, type: Type, alo: number, ahi: number, blo: number, bhi: number): boolean {
    const t = this.#t;
    const narrow = type === I32;
    const amount = blo & (narrow ? 31 : 63);
    switch (op) {
      case Op.iadd:
        addI64(t, alo, ahi, blo, bhi);
        return true;
      case Op.isub:
        subI64(t, alo, ahi, blo, bhi);
        return true;
      case Op.imul:
        mulI64(t, alo, ahi, blo, bhi);
        return true;
      case Op.band:
        t.lo = alo & blo;
        t.hi = ahi & bhi;
        return true;
      case Op.bor:
        t.lo = alo | blo;
        t.hi = ahi | bhi;
        return true;
      case Op.bxor:
        t.lo = alo ^ blo;
        t.hi = ahi ^ bhi;
        return true;
      case Op.ishl:
        if (narrow) t.lo = alo << amount;
        else shlI64(t, alo, ahi, amount);
        return true;
      case Op.ushr:
        if (narrow) t.lo = (alo >>> amount) | 0;
        else shrU64(t, alo, ahi, amount);
        return true;
      case Op.sshr:
        if (narrow) t.lo = alo >> amount;
        else shrS64(t, alo, ahi, amount);
        return true;
      case Op.rotl:
        if (!narrow) return false;
        t.lo = (alo << amount) | (alo >>> (31 & -amount));
        if (amount === 0) t.lo = alo;
        return true;
      case Op.udiv:
        if (!narrow || blo === 0) return false;
        t.lo = Math.floor((alo >>> 0) / (blo >>> 0)) | 0;
        return true;
      case Op.urem:
        if (!narrow || blo === 0) return false;
        t.lo = ((alo >>> 0) % (blo >>> 0)) | 0;
        return true;
      default:
        return false;
    }
  }

  #binaryWithConstant(inst: Inst, op: number, type: Type, a: number, lo: number, hi: number): number {
    const f = this.#func;
    const narrow = type === I32;
    const zero = lo === 0 && (narrow || hi === 0);
    const ones = lo === -1 && (narrow || hi === -1);
    const amount = lo & (narrow ? 31 : 63);
    switch (op) {
      case Op.iadd: {
        if (zero) return a;
        const inner = this.#def(a);
        if (inner === NONE || f.op.get(inner) !== Op.iadd) return NONE;
        const k = this.#const(this.#resolve(f.b.get(inner)));
        if (k === NONE) return NONE;
        addI64(this.#t, f.lo.get(k), f.hi.get(k), lo, hi);
        f.a.set(inst, this.#resolve(f.a.get(inner)));
        f.b.set(inst, this.#constant(inst, type, this.#t.lo, this.#t.hi));
        return NONE;
      }
      case Op.isub:
        if (zero) return a;
        negI64(this.#t, lo, hi);
        f.op.set(inst, Op.iadd);
        f.b.set(inst, this.#constant(inst, type, this.#t.lo, this.#t.hi));
        return this.#binary(inst);
      case Op.imul: {
        if (zero) this.#become(inst, 0, 0);
        const log = log2OfPower(lo, narrow ? 0 : hi);
        if (log === 0) return a;
        if (!zero && log > 0) {
          f.op.set(inst, Op.ishl);
          f.b.set(inst, this.#constant(inst, type, log, 0));
        }
        return NONE;
      }
      case Op.udiv: {
        const log = log2OfPower(lo, narrow ? 0 : hi);
        if (log === 0) return a;
        if (log > 0) {
          f.op.set(inst, Op.ushr);
          f.b.set(inst, this.#constant(inst, type, log, 0));
        }
        return NONE;
      }
      case Op.urem: {
        const log = log2OfPower(lo, narrow ? 0 : hi);
        if (log < 0) return NONE;
        subI64(this.#t, lo, narrow ? 0 : hi, 1, 0);
        f.op.set(inst, Op.band);
        f.b.set(inst, this.#constant(inst, type, this.#t.lo, this.#t.hi));
        return this.#binary(inst);
      }
      case Op.band: {
        if (zero) this.#become(inst, 0, 0);
        else if (ones) return a;
        else {
          const inner = this.#def(a);
          if (inner === NONE || f.op.get(inner) !== Op.band) return NONE;
          const k = this.#const(this.#resolve(f.b.get(inner)));
          if (k === NONE) return NONE;
          f.a.set(inst, this.#resolve(f.a.get(inner)));
          f.b.set(inst, this.#constant(inst, type, f.lo.get(k) & lo, f.hi.get(k) & hi));
        }
        return NONE;
      }
      case Op.bor:
        if (zero) return a;
        if (ones) this.#become(inst, -1, narrow ? 0 : -1);
        return NONE;
      case Op.bxor:
        return zero ? a : NONE;
      case Op.ishl:
      case Op.ushr:
      case Op.sshr:
      case Op.rotl:
      case Op.rotr:
        if (amount === 0) return a;
        if (lo !== amount || (!narrow && hi !== 0)) f.b.set(inst, this.#constant(inst, type, amount, 0));
        return NONE;
      default:
        return NONE;
    }
  }

  #icmp(inst: Inst): number {
    const f = this.#func;
    let cc = f.lo.get(inst);
    let a: number = this.#resolve(f.a.get(inst));
    let b: number = this.#resolve(f.b.get(inst));
    if (this.#const(a) !== NONE && this.#const(b) === NONE) {
      [a, b] = [b, a];
      cc = INT_CC_SWAPPED[cc]!;
    }
    f.a.set(inst, a);
    f.b.set(inst, b);
    f.lo.set(inst, cc);
    const narrow = f.type.get(inst) === I32;
    if (a === b) {
      const holds = cc === IntCC.eq || cc === IntCC.sge || cc === IntCC.sle || cc === IntCC.uge || cc === IntCC.ule;
      return this.#decided(inst, holds);
    }
    const kb = this.#const(b);
    if (kb === NONE) return NONE;
    const ka = this.#const(a);
    const blo = f.lo.get(kb);
    const bhi = narrow ? 0 : f.hi.get(kb);
    if (ka !== NONE) {
      const alo = f.lo.get(ka);
      const signed = cc >= IntCC.slt && cc <= IntCC.sle;
      const ahi = narrow ? (signed ? alo >> 31 : 0) : f.hi.get(ka);
      const order = signed
        ? compareS64(alo, ahi, blo, narrow ? blo >> 31 : bhi)
        : compareU64(alo, narrow ? 0 : f.hi.get(ka), blo, bhi);
      return this.#decided(inst, holdsFor(cc, order));
    }
    if (blo === 0 && bhi === 0) {
      if (cc === IntCC.ult) return this.#decided(inst, false);
      if (cc === IntCC.uge) return this.#decided(inst, true);
      if (cc === IntCC.ugt) f.lo.set(inst, IntCC.ne);
      if (cc === IntCC.ule) f.lo.set(inst, IntCC.eq);
      const now = f.lo.get(inst);
      const inner = this.#def(a);
      if (inner !== NONE && (now === IntCC.eq || now === IntCC.ne)) {
        const innerOp = f.op.get(inner);
        if (innerOp === Op.icmp) {
          if (now === IntCC.ne) return a;
          f.type.set(inst, f.type.get(inner));
          f.a.set(inst, f.a.get(inner));
          f.b.set(inst, f.b.get(inner));
          f.lo.set(inst, f.lo.get(inner) ^ 1);
          return NONE;
        }
        if (innerOp === Op.fcmp && now === IntCC.ne) return a;
        if (innerOp === Op.uextend || innerOp === Op.sextend) {
          // Zero stays zero: compare the narrow value.
          f.type.set(inst, I32);
          f.a.set(inst, f.a.get(inner));
          f.b.set(inst, this.#constant(inst, I32, 0, 0));
        }
      }
    }
    return NONE;
  }

  #decided(inst: Inst, holds: boolean): number {
    const f = this.#func;
    f.type.set(inst, I32);
    this.#become(inst, holds ? 1 : 0, 0);
    return NONE;
  }

  #select(inst: Inst): number {
    const f = this.#func;
    const condition = this.#resolve(f.a.get(inst));
    const b = this.#resolve(f.b.get(inst));
    const c = this.#resolve(f.c.get(inst));
    f.a.set(inst, condition);
    f.b.set(inst, b);
    f.c.set(inst, c);
    if (b === c) return b;
    const k = this.#const(condition);
    if (k !== NONE) return f.lo.get(k) !== 0 ? b : c;
    const stripped = this.#zeroTest(condition);
    if (stripped !== NONE) {
      f.a.set(inst, stripped >> 1);
      if ((stripped & 1) !== 0) {
        f.b.set(inst, c);
        f.c.set(inst, b);
      }
    }
    return NONE;
  }

  /** If `value` is `icmp ne x, 0` gives 2x, if `icmp eq x, 0` (i32) 2x + 1, else NONE. */
  #zeroTest(value: number): number {
    const f = this.#func;
    const def = this.#def(value);
    if (def === NONE || f.op.get(def) !== Op.icmp || f.type.get(def) !== I32) return NONE;
    const cc = f.lo.get(def);
    if (cc !== IntCC.eq && cc !== IntCC.ne) return NONE;
    const k = this.#const(this.#resolve(f.b.get(def)));
    if (k === NONE || f.lo.get(k) !== 0) return NONE;
    return this.#resolve(f.a.get(def)) * 2 + (cc === IntCC.eq ? 1 : 0);
  }

  #extend(inst: Inst): number {
    const f = this.#func;
    const op = f.op.get(inst);
    const a = this.#resolve(f.a.get(inst));
    f.a.set(inst, a);
    const k = this.#const(a);
    if (k !== NONE) {
      const lo = f.lo.get(k);
      const wide = f.type.get(inst) !== I32;
      if (op === Op.uextend) this.#become(inst, lo, 0);
      else if (op === Op.sextend || op === Op.sext32) this.#become(inst, lo, lo >> 31);
      else if (op === Op.ireduce) this.#become(inst, lo, 0);
      else {
        const shift = op === Op.sext8 ? 24 : 16;
        const v = (lo << shift) >> shift;
        this.#become(inst, v, wide ? v >> 31 : 0);
      }
      return NONE;
    }
    const inner = this.#def(a);
    if (inner === NONE) return NONE;
    const innerOp = f.op.get(inner);
    if (op === Op.ireduce && (innerOp === Op.uextend || innerOp === Op.sextend)) return this.#resolve(f.a.get(inner));
    if (op === innerOp && (op === Op.sext8 || op === Op.sext16 || op === Op.sext32)) return a;
    return NONE;
  }

  #bitcast(inst: Inst): number {
    const f = this.#func;
    const a = this.#resolve(f.a.get(inst));
    f.a.set(inst, a);
    const inner = this.#def(a);
    if (inner === NONE) return NONE;
    const innerOp = f.op.get(inner);
    if (innerOp === Op.bitcast) return this.#resolve(f.a.get(inner));
    const type = f.type.get(inst);
    if (innerOp === Op.iconst || innerOp === Op.f32const || innerOp === Op.f64const) {
      this.#become(inst, f.lo.get(inner), f.hi.get(inner));
      if (type === F32) f.op.set(inst, Op.f32const);
      if (type === F64) f.op.set(inst, Op.f64const);
    }
    return NONE;
  }

  /** `[(x + c) + offset]` becomes `[x + (c + offset)]` where that fits the access. */
  #address(inst: Inst): void {
    const f = this.#func;
    for (;;) {
      const a = this.#resolve(f.a.get(inst));
      f.a.set(inst, a);
      const def = this.#def(a);
      if (def === NONE || f.op.get(def) !== Op.iadd) return;
      const k = this.#const(this.#resolve(f.b.get(def)));
      if (k === NONE) return;
      if (!fitsI32(f.lo.get(k), f.hi.get(k))) return;
      const offset = f.lo.get(inst) + f.lo.get(k);
      if (offset !== (offset | 0)) return;
      f.a.set(inst, this.#resolve(f.a.get(def)));
      f.lo.set(inst, offset);
    }
  }

  /** Branches and traps on `x != 0` and `x == 0` test x. */
  #condition(inst: Inst): void {
    const f = this.#func;
    for (;;) {
      const condition = this.#resolve(f.a.get(inst));
      f.a.set(inst, condition);
      const stripped = this.#zeroTest(condition);
      if (stripped === NONE) return;
      f.a.set(inst, stripped >> 1);
      if ((stripped & 1) === 0) continue;
      const op = f.op.get(inst);
      if (op === Op.brif) {
        const b = f.b.get(inst);
        f.b.set(inst, f.c.get(inst));
        f.c.set(inst, b);
      } else f.op.set(inst, op === Op.trapz ? Op.trapnz : Op.trapz);
    }
  }
}

function holdsFor(cc: number, order: number): boolean {
  switch (cc) {
    case IntCC.eq:
      return order === 0;
    case IntCC.ne:
      return order !== 0;
    case IntCC.slt:
    case IntCC.ult:
      return order < 0;
    case IntCC.sge:
    case IntCC.uge:
      return order >= 0;
    case IntCC.sgt:
    case IntCC.ugt:
      return order > 0;
    default:
      return order <= 0;
  }
}
