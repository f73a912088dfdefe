/**
 * Simplification of float operations: folded when the result's bits are determined, and those that only move bits undone. All others are left
 * alone: what a NaN becomes is the machine's business.
 */
// hot loop: indices are in range by construction

import { type Inst, NONE } from "../ir/function.ts";
import { FLAG_COMMUTATIVE, FloatCC, OP_FLAGS, Op } from "../ir/ops.ts";
import { F32, F64, I32, type Type, typeFromCode } from "../ir/types.ts";
import { FloatFolder } from "./fold.ts";
import type { Rewriter } from "./rewriter.ts";

const FLOAT_CC_SWAPPED = [FloatCC.eq, FloatCC.ne, FloatCC.gt, FloatCC.lt, FloatCC.ge, FloatCC.le] as const;

/** As in `simplify.ts`, a rule gives the value that the instruction equals, or NONE. */
export class FloatRules {
  readonly #w: Rewriter;
  #made: FloatFolder | undefined;

  constructor(rewriter: Rewriter) {
    this.#w = rewriter;
  }

  /** Made when a constant is seen: most functions have no float. */
  get #folder(): FloatFolder {
    this.#made ??= new FloatFolder();
    return this.#made;
  }

  /** An fcmp: of constants, and with a constant to the right. */
  compare(inst: Inst): number {
    const w = this.#w;
    const { func: f } = w;
    const type = f.type.get(inst) === 2 ? 2 : 3;
    const da = w.def(w.resolve(f.a.get(inst)));
    const db = w.def(w.resolve(f.b.get(inst)));
    const constant = type === 2 ? Op.f32const : Op.f64const;
    const isA = da !== NONE && f.op.get(da) === constant;
    const isB = db !== NONE && f.op.get(db) === constant;
    if (isA && isB) {
      w.decided(this.#folder.compare(f.lo.get(inst), type, f.lo.get(da), f.hi.get(da), f.lo.get(db), f.hi.get(db)));
    } else if (isA) {
      const a = f.a.get(inst);
      f.a.set(inst, f.b.get(inst));
      f.b.set(inst, a);
      f.lo.set(inst, FLOAT_CC_SWAPPED[f.lo.get(inst)]!);
    }
    return NONE;
  }

  bitcast(inst: Inst): number {
    const { func: f } = this.#w;
    const w = this.#w;
    const def = w.def(f.a.get(inst));
    if (def === NONE) return NONE;
    const op = f.op.get(def);
    if (op === Op.bitcast) return w.a(def);
    if (op === Op.iconst || op === Op.f32const || op === Op.f64const) {
      const type = f.type.get(inst);
      const made = type === F32 ? Op.f32const : type === F64 ? Op.f64const : Op.iconst;
      w.becomeConst(made, f.lo.get(def), type === I32 || type === F32 ? 0 : f.hi.get(def));
    }
    return NONE;
  }

  /** The float constant that defines `value`, or NONE. */
  #float(value: number): number {
    const def = this.#w.def(value);
    if (def === NONE) return NONE;
    const op = this.#w.func.op.get(def);
    return op === Op.f32const || op === Op.f64const ? def : NONE;
  }

  #becomeFloat(type: Type): void {
    const { t } = this.#folder;
    this.#w.becomeConst(type === F32 ? Op.f32const : Op.f64const, t.lo, t.hi);
  }

  binary(inst: Inst, op: number): number {
    const { func: f } = this.#w;
    const type = f.type.get(inst) === F32 ? F32 : F64;
    const a = f.a.get(inst);
    const b = f.b.get(inst);
    if (op === Op.fcopysign && a === b) return a;
    const ka = this.#float(a);
    const kb = this.#float(b);
    if (ka === NONE || kb === NONE) {
      // By age, constants to the right: equal sums are equal.
      if ((OP_FLAGS[op]! & FLAG_COMMUTATIVE) !== 0 && (ka !== NONE || (kb === NONE && a > b))) {
        f.a.set(inst, b);
        f.b.set(inst, a);
      }
      return NONE;
    }
    if (this.#folder.binary(op, type, f.lo.get(ka), f.hi.get(ka), f.lo.get(kb), f.hi.get(kb))) this.#becomeFloat(type);
    return NONE;
  }

  unary(inst: Inst, op: number): number {
    const { func: f } = this.#w;
    const w = this.#w;
    const type = f.type.get(inst) === F32 ? F32 : F64;
    const a = f.a.get(inst);
    const k = this.#float(a);
    if (k !== NONE) {
      const from = f.op.get(k) === Op.f32const ? F32 : F64;
      if (this.#folder.unary(op, type, from, f.lo.get(k), f.hi.get(k))) this.#becomeFloat(type);
      return NONE;
    }
    const def = w.def(a);
    if (def === NONE) return NONE;
    const inner = f.op.get(def);
    if (op === Op.fneg && inner === Op.fneg) return w.a(def);
    if (op === Op.fabs && inner === Op.fabs) return a;
    if (op === Op.fabs && (inner === Op.fneg || inner === Op.fcopysign)) f.a.set(inst, w.a(def));
    return NONE;
  }

  convert(inst: Inst, op: number): void {
    const { func: f } = this.#w;
    const w = this.#w;
    const floats = this.#folder;
    const type = typeFromCode(f.type.get(inst));
    const a = f.a.get(inst);
    const from = typeFromCode(f.valueType.get(a));
    if (op === Op.fcvt_from_sint || op === Op.fcvt_from_uint) {
      const k = w.constant(a);
      const signed = op === Op.fcvt_from_sint;
      if (k !== NONE) {
        if (floats.fromInt(type, from, signed, f.lo.get(k), f.hi.get(k))) this.#becomeFloat(type);
      } else if (!signed && w.bits(a) < (from === I32 ? 32 : 64)) f.op.set(inst, Op.fcvt_from_sint);
      return;
    }
    const k = this.#float(a);
    if (k === NONE) return;
    const signed = op === Op.fcvt_to_sint || op === Op.fcvt_to_sint_sat;
    const saturating = op === Op.fcvt_to_sint_sat || op === Op.fcvt_to_uint_sat;
    if (floats.toInt(type, from, signed, saturating, f.lo.get(k), f.hi.get(k))) w.become(floats.t.lo, floats.t.hi);
  }
}
