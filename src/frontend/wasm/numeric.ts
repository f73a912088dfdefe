/**
 * Numeric operators that are one operation of the IR: the table, and the columns that the translator dispatches on. Operators
 * with traps, and those that expand to several operations, are in `arithmetic.ts`.
 */

import { FloatCC, IntCC, Op } from "../../ir/ops.ts";
import { F32, F64, I32, I64, type Type } from "../../ir/types.ts";
import { OPCODE_SPACE, Opcode } from "../../wasm/opcodes.ts";

/** How a regular operator is built; 0: it is not regular. */
export const FORM_UNARY = 1;
export const FORM_BINARY = 2;
export const FORM_ICMP = 3;
export const FORM_FCMP = 4;

/** `detail`: the operation, or the condition of a comparison; `type`: the controlling type. */
type Row = readonly [opcode: number, form: number, detail: number, type: Type];

/** The same operation of i32 and i64. */
function integers(form: number, detail: number, i32: number, i64: number): readonly Row[] {
  return [
    [i32, form, detail, I32],
    [i64, form, detail, I64],
  ];
}

function floats(form: number, detail: number, f32: number, f64: number): readonly Row[] {
  return [
    [f32, form, detail, F32],
    [f64, form, detail, F64],
  ];
}

const ROWS: readonly Row[] = [
  ...integers(FORM_ICMP, IntCC.eq, Opcode.i32_eq, Opcode.i64_eq),
  ...integers(FORM_ICMP, IntCC.ne, Opcode.i32_ne, Opcode.i64_ne),
  ...integers(FORM_ICMP, IntCC.slt, Opcode.i32_lt_s, Opcode.i64_lt_s),
  ...integers(FORM_ICMP, IntCC.ult, Opcode.i32_lt_u, Opcode.i64_lt_u),
  ...integers(FORM_ICMP, IntCC.sgt, Opcode.i32_gt_s, Opcode.i64_gt_s),
  ...integers(FORM_ICMP, IntCC.ugt, Opcode.i32_gt_u, Opcode.i64_gt_u),
  ...integers(FORM_ICMP, IntCC.sle, Opcode.i32_le_s, Opcode.i64_le_s),
  ...integers(FORM_ICMP, IntCC.ule, Opcode.i32_le_u, Opcode.i64_le_u),
  ...integers(FORM_ICMP, IntCC.sge, Opcode.i32_ge_s, Opcode.i64_ge_s),
  ...integers(FORM_ICMP, IntCC.uge, Opcode.i32_ge_u, Opcode.i64_ge_u),
  ...floats(FORM_FCMP, FloatCC.eq, Opcode.f32_eq, Opcode.f64_eq),
  ...floats(FORM_FCMP, FloatCC.ne, Opcode.f32_ne, Opcode.f64_ne),
  ...floats(FORM_FCMP, FloatCC.lt, Opcode.f32_lt, Opcode.f64_lt),
  ...floats(FORM_FCMP, FloatCC.gt, Opcode.f32_gt, Opcode.f64_gt),
  ...floats(FORM_FCMP, FloatCC.le, Opcode.f32_le, Opcode.f64_le),
  ...floats(FORM_FCMP, FloatCC.ge, Opcode.f32_ge, Opcode.f64_ge),

  ...integers(FORM_UNARY, Op.clz, Opcode.i32_clz, Opcode.i64_clz),
  ...integers(FORM_UNARY, Op.ctz, Opcode.i32_ctz, Opcode.i64_ctz),
  ...integers(FORM_UNARY, Op.popcnt, Opcode.i32_popcnt, Opcode.i64_popcnt),
  ...integers(FORM_UNARY, Op.sext8, Opcode.i32_extend8_s, Opcode.i64_extend8_s),
  ...integers(FORM_UNARY, Op.sext16, Opcode.i32_extend16_s, Opcode.i64_extend16_s),
  [Opcode.i64_extend32_s, FORM_UNARY, Op.sext32, I64],
  ...integers(FORM_BINARY, Op.iadd, Opcode.i32_add, Opcode.i64_add),
  ...integers(FORM_BINARY, Op.isub, Opcode.i32_sub, Opcode.i64_sub),
  ...integers(FORM_BINARY, Op.imul, Opcode.i32_mul, Opcode.i64_mul),
  ...integers(FORM_BINARY, Op.band, Opcode.i32_and, Opcode.i64_and),
  ...integers(FORM_BINARY, Op.bor, Opcode.i32_or, Opcode.i64_or),
  ...integers(FORM_BINARY, Op.bxor, Opcode.i32_xor, Opcode.i64_xor),
  ...integers(FORM_BINARY, Op.ishl, Opcode.i32_shl, Opcode.i64_shl),
  ...integers(FORM_BINARY, Op.sshr, Opcode.i32_shr_s, Opcode.i64_shr_s),
  ...integers(FORM_BINARY, Op.ushr, Opcode.i32_shr_u, Opcode.i64_shr_u),
  ...integers(FORM_BINARY, Op.rotl, Opcode.i32_rotl, Opcode.i64_rotl),
  ...integers(FORM_BINARY, Op.rotr, Opcode.i32_rotr, Opcode.i64_rotr),

  ...floats(FORM_UNARY, Op.fabs, Opcode.f32_abs, Opcode.f64_abs),
  ...floats(FORM_UNARY, Op.fneg, Opcode.f32_neg, Opcode.f64_neg),
  ...floats(FORM_UNARY, Op.fceil, Opcode.f32_ceil, Opcode.f64_ceil),
  ...floats(FORM_UNARY, Op.ffloor, Opcode.f32_floor, Opcode.f64_floor),
  ...floats(FORM_UNARY, Op.ftrunc, Opcode.f32_trunc, Opcode.f64_trunc),
  ...floats(FORM_UNARY, Op.fnearest, Opcode.f32_nearest, Opcode.f64_nearest),
  ...floats(FORM_UNARY, Op.fsqrt, Opcode.f32_sqrt, Opcode.f64_sqrt),
  ...floats(FORM_BINARY, Op.fadd, Opcode.f32_add, Opcode.f64_add),
  ...floats(FORM_BINARY, Op.fsub, Opcode.f32_sub, Opcode.f64_sub),
  ...floats(FORM_BINARY, Op.fmul, Opcode.f32_mul, Opcode.f64_mul),
  ...floats(FORM_BINARY, Op.fdiv, Opcode.f32_div, Opcode.f64_div),
  ...floats(FORM_BINARY, Op.fmin, Opcode.f32_min, Opcode.f64_min),
  ...floats(FORM_BINARY, Op.fmax, Opcode.f32_max, Opcode.f64_max),
  ...floats(FORM_BINARY, Op.fcopysign, Opcode.f32_copysign, Opcode.f64_copysign),

  [Opcode.i32_wrap_i64, FORM_UNARY, Op.ireduce, I32],
  [Opcode.i64_extend_i32_s, FORM_UNARY, Op.sextend, I64],
  [Opcode.i64_extend_i32_u, FORM_UNARY, Op.uextend, I64],
  ...floats(FORM_UNARY, Op.fcvt_from_sint, Opcode.f32_convert_i32_s, Opcode.f64_convert_i32_s),
  ...floats(FORM_UNARY, Op.fcvt_from_uint, Opcode.f32_convert_i32_u, Opcode.f64_convert_i32_u),
  ...floats(FORM_UNARY, Op.fcvt_from_sint, Opcode.f32_convert_i64_s, Opcode.f64_convert_i64_s),
  ...floats(FORM_UNARY, Op.fcvt_from_uint, Opcode.f32_convert_i64_u, Opcode.f64_convert_i64_u),
  [Opcode.f32_demote_f64, FORM_UNARY, Op.fdemote, F32],
  [Opcode.f64_promote_f32, FORM_UNARY, Op.fpromote, F64],
  ...integers(FORM_UNARY, Op.bitcast, Opcode.i32_reinterpret_f32, Opcode.i64_reinterpret_f64),
  ...floats(FORM_UNARY, Op.bitcast, Opcode.f32_reinterpret_i32, Opcode.f64_reinterpret_i64),
  ...integers(FORM_UNARY, Op.fcvt_to_sint_sat, Opcode.i32_trunc_sat_f32_s, Opcode.i64_trunc_sat_f32_s),
  ...integers(FORM_UNARY, Op.fcvt_to_uint_sat, Opcode.i32_trunc_sat_f32_u, Opcode.i64_trunc_sat_f32_u),
  ...integers(FORM_UNARY, Op.fcvt_to_sint_sat, Opcode.i32_trunc_sat_f64_s, Opcode.i64_trunc_sat_f64_s),
  ...integers(FORM_UNARY, Op.fcvt_to_uint_sat, Opcode.i32_trunc_sat_f64_u, Opcode.i64_trunc_sat_f64_u),
];

interface Columns {
  readonly form: Uint8Array;
  readonly detail: Uint8Array;
  readonly type: Uint8Array;
}

function derive(rows: readonly Row[]): Columns {
  const columns = {
    form: new Uint8Array(OPCODE_SPACE),
    detail: new Uint8Array(OPCODE_SPACE),
    type: new Uint8Array(OPCODE_SPACE),
  };
  for (const [opcode, form, detail, type] of rows) {
    columns.form[opcode] = form;
    columns.detail[opcode] = detail;
    columns.type[opcode] = type;
  }
  return columns;
}

const COLUMNS = derive(ROWS);

/** Opcode → FORM_*, or 0. */
export const REGULAR_FORM = COLUMNS.form;
/** Opcode → operation (`Op`), or condition. */
export const REGULAR_DETAIL = COLUMNS.detail;
/** Opcode → controlling type. */
export const REGULAR_TYPE = COLUMNS.type;
