/** Simplification of comparisons: constants to the right, wide operands narrowed, tests of tests undone. */
// hot loop: indices are in range by construction

import { addI64, negI64 } from "../base/int64.ts";
import { NONE } from "../ir/function.ts";
import { FloatCC, INT_CC_SWAPPED, IntCC, Op } from "../ir/ops.ts";
import { I32, I64 } from "../ir/types.ts";
import { foldCompare, isSignedCondition } from "./fold.ts";
import type { Rewriter } from "./rewriter.ts";

/** The unsigned condition that agrees with `cc` when neither operand has its sign bit set. */
function unsignedCondition(cc: number): number {
  return isSignedCondition(cc) ? cc + (IntCC.ult - IntCC.slt) : cc;
}

/** Simplifies an icmp; the value that it equals, or NONE. */
export function simplifyCompare(w: Rewriter): number {
  const { func: f, inst } = w;
  let cc = f.lo.get(inst);
  let a: number = w.resolve(f.a.get(inst));
  let b: number = w.resolve(f.b.get(inst));
  if (w.constant(a) !== NONE && w.constant(b) === NONE) {
    [a, b] = [b, a];
    cc = INT_CC_SWAPPED[cc]!;
  }
  f.a.set(inst, a);
  f.b.set(inst, b);
  f.lo.set(inst, cc);
  if (a === b) {
    w.decided(cc === IntCC.eq || cc === IntCC.sge || cc === IntCC.sle || cc === IntCC.uge || cc === IntCC.ule);
    return NONE;
  }
  const type = f.type.get(inst) === I32 ? I32 : I64;
  const kb = w.constant(b);
  if (kb === NONE) {
    const opA = w.opOf(a);
    if (type === I64 && opA === w.opOf(b) && (opA === Op.uextend || opA === Op.sextend)) {
      f.type.set(inst, I32);
      f.a.set(inst, w.a(w.def(a)));
      f.b.set(inst, w.a(w.def(b)));
      if (opA === Op.uextend) f.lo.set(inst, unsignedCondition(cc));
    }
    return NONE;
  }
  const lo = f.lo.get(kb);
  const hi = type === I32 ? 0 : f.hi.get(kb);
  const ka = w.constant(a);
  if (ka !== NONE) {
    w.decided(foldCompare(cc, type, f.lo.get(ka), f.hi.get(ka), lo, hi));
    return NONE;
  }
  return withConstant(w, cc, a, lo, hi);
}

function withConstant(w: Rewriter, given: number, a: number, lo: number, hi: number): number {
  const { func: f, inst } = w;
  const narrow = f.type.get(inst) === I32;
  const bits = w.bits(a);
  let cc = given;
  // An operand without its sign bit, and a constant likewise: only the unsigned question is left.
  if (bits < (narrow ? 32 : 64)) {
    if (isSignedCondition(cc)) {
      if ((narrow ? lo : hi) < 0) {
        w.decided(cc === IntCC.sgt || cc === IntCC.sge);
        return NONE;
      }
      cc = unsignedCondition(cc);
      f.lo.set(inst, cc);
    }
    const length = hi !== 0 ? 64 - Math.clz32(hi) : 32 - Math.clz32(lo);
    if (length > bits) {
      w.decided(cc === IntCC.ne || cc === IntCC.ult || cc === IntCC.ule);
      return NONE;
    }
  }
  const one = lo === 1 && hi === 0;
  if (one && (cc === IntCC.ult || cc === IntCC.uge)) {
    f.lo.set(inst, cc === IntCC.ult ? IntCC.eq : IntCC.ne);
    f.b.set(inst, w.small(narrow ? I32 : I64, 0));
    return NONE;
  }
  if (lo === 0 && hi === 0) {
    if (cc === IntCC.ult || cc === IntCC.uge) {
      w.decided(cc === IntCC.uge);
      return NONE;
    }
    if (cc === IntCC.ugt) cc = IntCC.ne;
    else if (cc === IntCC.ule) cc = IntCC.eq;
    f.lo.set(inst, cc);
  }
  const def = w.def(a);
  if (def === NONE) return NONE;
  const op = f.op.get(def);
  if (op === Op.uextend) {
    // Bits of the constant above 32 would have decided it.
    f.type.set(inst, I32);
    f.a.set(inst, w.a(def));
    f.b.set(inst, w.iconst(I32, lo, 0));
    f.lo.set(inst, unsignedCondition(cc));
    return NONE;
  }
  if (op === Op.sextend && hi === lo >> 31) {
    f.type.set(inst, I32);
    f.a.set(inst, w.a(def));
    f.b.set(inst, w.iconst(I32, lo, 0));
    return NONE;
  }
  if (cc !== IntCC.eq && cc !== IntCC.ne) return NONE;
  if (bits === 1 && (lo & ~1) === 0 && hi === 0) return testOfTest(w, cc, a, def, op, lo);
  return equality(w, a, def, op, lo, hi);
}

/** `a`, which is 0 or 1, compared with 0 or 1: itself or its opposite. */
function testOfTest(w: Rewriter, cc: number, a: number, def: number, op: number, k: number): number {
  const { func: f, inst } = w;
  const same = (k === 1) === (cc === IntCC.eq);
  if (same) {
    if (f.valueType.get(a) === I32) return a;
  } else if (op === Op.icmp) {
    f.type.set(inst, f.type.get(def));
    f.a.set(inst, w.a(def));
    f.b.set(inst, w.b(def));
    f.lo.set(inst, f.lo.get(def) ^ 1);
    return NONE;
  } else if (op === Op.fcmp && f.lo.get(def) <= FloatCC.ne) {
    w.turnInto(Op.fcmp, f.type.get(def) === 2 ? 2 : 3, w.a(def), w.b(def), f.lo.get(def) ^ 1);
    return NONE;
  }
  if (k === 1) {
    f.lo.set(inst, cc ^ 1);
    f.b.set(inst, w.small(f.valueType.get(a) === I32 ? I32 : I64, 0));
  }
  return NONE;
}

/** `x + k1 == k2` and the like, when nobody else wants the sum. */
function equality(w: Rewriter, a: number, def: number, op: number, lo: number, hi: number): number {
  const { func: f, inst, t } = w;
  if (!w.single(a)) return NONE;
  const type = f.type.get(inst) === I32 ? I32 : I64;
  if (op !== Op.iadd && op !== Op.isub && op !== Op.bxor) return NONE;
  const y = w.b(def);
  const k = w.constant(y);
  if (k === NONE) {
    if (op === Op.iadd || lo !== 0 || hi !== 0) return NONE;
    f.a.set(inst, w.a(def));
    f.b.set(inst, y);
    return NONE;
  }
  if (op === Op.isub) return NONE;
  if (op === Op.bxor) {
    t.lo = lo ^ f.lo.get(k);
    t.hi = hi ^ f.hi.get(k);
  } else {
    negI64(t, f.lo.get(k), f.hi.get(k));
    addI64(t, lo, hi, t.lo, t.hi);
  }
  f.a.set(inst, w.a(def));
  f.b.set(inst, w.iconst(type, t.lo, t.hi));
  return NONE;
}
