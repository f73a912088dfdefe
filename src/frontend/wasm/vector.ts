/**
 * Operators on 128-bit vectors. Most are one op of the IR: a row of the table below; the others (memory, lanes, constants, relaxed ones)
 * are composed of such ops and scalar accesses. Relaxed operators do what the deterministic profile says (Wasm 3.0, appendix
 * "Profiles"): the first of the results that the standard allows.
 */
// hot loop: indices are in range by construction

import type { Value } from "../../ir/function.ts";
import { Access, FloatCC, IntCC, Op } from "../../ir/ops.ts";
import { I32, type Type, V128 } from "../../ir/types.ts";
import { laneType, Shape } from "../../ir/vector.ts";
import { OPCODE_SPACE, OPCODES, Opcode, type OpcodeName } from "../../wasm/opcodes.ts";
import type { Body } from "./body.ts";
import { translateAccess } from "./memory.ts";

const FORM_UNARY = 1;
const FORM_BINARY = 2;
/** Unary, with an i32 as result. */
const FORM_TEST = 3;
const FORM_EXTRACT = 4;
const FORM_REPLACE = 5;
/** Loads of which the result is made by an op: `detail` is the access. */
const FORM_LOAD = 6;
const FORM_LOAD_LANE = 7;
const FORM_STORE_LANE = 8;

type Row = readonly [opcode: number, form: number, op: number, shape: number, detail: number];

const INT_SHAPES = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;
const FLOAT_SHAPES = ["f32x4", "f64x2"] as const;
/** Result of a widening operator, and what it widens. */
const WIDENINGS = [
  ["i16x8", "i8x16"],
  ["i32x4", "i16x8"],
  ["i64x2", "i32x4"],
] as const;

/** Opcodes by mnemonic: of those that are put together here, not every one is an operator of the standard. */
const NUMBER_OF: ReadonlyMap<string, number> = new Map(OPCODES.map((r) => [r[0], r[1]]));

/** One row for each operator that is regular. */
function regularRows(): readonly Row[] {
  const out: Row[] = [];
  const row = (name: OpcodeName, form: number, op: number, shape = 0, detail = 0): void => {
    const code = NUMBER_OF.get(name);
    if (code !== undefined) out.push([code, form, op, shape, detail]);
  };
  /** The same operator of every shape that has it. */
  const rows = (
    shapes: readonly (keyof typeof Shape)[],
    suffix: string,
    form: number,
    op: number,
    detail = 0,
  ): void => {
    for (const shape of shapes) {
      const code = NUMBER_OF.get(`${shape}.${suffix}`);
      if (code !== undefined) out.push([code, form, op, Shape[shape], detail]);
    }
  };

  row("v128.not", FORM_UNARY, Op.vnot);
  row("v128.and", FORM_BINARY, Op.vand);
  row("v128.andnot", FORM_BINARY, Op.vandnot);
  row("v128.or", FORM_BINARY, Op.vor);
  row("v128.xor", FORM_BINARY, Op.vxor);
  row("v128.any_true", FORM_TEST, Op.vany_true);
  row("i8x16.swizzle", FORM_BINARY, Op.vswizzle);
  row("i8x16.relaxed_swizzle", FORM_BINARY, Op.vswizzle);
  rows([...INT_SHAPES, ...FLOAT_SHAPES], "splat", FORM_UNARY, Op.vsplat);
  rows([...INT_SHAPES, ...FLOAT_SHAPES], "extract_lane", FORM_EXTRACT, Op.vextract);
  rows(INT_SHAPES, "extract_lane_u", FORM_EXTRACT, Op.vextract);
  rows(INT_SHAPES, "extract_lane_s", FORM_EXTRACT, Op.vextract_s);
  rows([...INT_SHAPES, ...FLOAT_SHAPES], "replace_lane", FORM_REPLACE, Op.vreplace);

  rows(INT_SHAPES, "add", FORM_BINARY, Op.viadd);
  rows(INT_SHAPES, "sub", FORM_BINARY, Op.visub);
  rows(INT_SHAPES, "mul", FORM_BINARY, Op.vimul);
  rows(INT_SHAPES, "neg", FORM_UNARY, Op.vineg);
  rows(INT_SHAPES, "abs", FORM_UNARY, Op.viabs);
  rows(INT_SHAPES, "popcnt", FORM_UNARY, Op.vpopcnt);
  rows(INT_SHAPES, "add_sat_s", FORM_BINARY, Op.vadd_sat_s);
  rows(INT_SHAPES, "add_sat_u", FORM_BINARY, Op.vadd_sat_u);
  rows(INT_SHAPES, "sub_sat_s", FORM_BINARY, Op.vsub_sat_s);
  rows(INT_SHAPES, "sub_sat_u", FORM_BINARY, Op.vsub_sat_u);
  rows(INT_SHAPES, "min_s", FORM_BINARY, Op.vmin_s);
  rows(INT_SHAPES, "min_u", FORM_BINARY, Op.vmin_u);
  rows(INT_SHAPES, "max_s", FORM_BINARY, Op.vmax_s);
  rows(INT_SHAPES, "max_u", FORM_BINARY, Op.vmax_u);
  rows(INT_SHAPES, "avgr_u", FORM_BINARY, Op.vavgr_u);
  rows(INT_SHAPES, "shl", FORM_BINARY, Op.vshl);
  rows(INT_SHAPES, "shr_s", FORM_BINARY, Op.vshr_s);
  rows(INT_SHAPES, "shr_u", FORM_BINARY, Op.vshr_u);
  rows(INT_SHAPES, "all_true", FORM_TEST, Op.vall_true);
  rows(INT_SHAPES, "bitmask", FORM_TEST, Op.vbitmask);
  for (const [suffix, cc] of [
    ["eq", IntCC.eq],
    ["ne", IntCC.ne],
    ["lt_s", IntCC.slt],
    ["lt_u", IntCC.ult],
    ["gt_s", IntCC.sgt],
    ["gt_u", IntCC.ugt],
    ["le_s", IntCC.sle],
    ["le_u", IntCC.ule],
    ["ge_s", IntCC.sge],
    ["ge_u", IntCC.uge],
  ] as const) {
    rows(INT_SHAPES, suffix, FORM_BINARY, Op.vicmp, cc);
  }

  for (const [wide, narrow] of WIDENINGS) {
    rows([wide], `extend_low_${narrow}_s`, FORM_UNARY, Op.vextend_low_s);
    rows([wide], `extend_low_${narrow}_u`, FORM_UNARY, Op.vextend_low_u);
    rows([wide], `extend_high_${narrow}_s`, FORM_UNARY, Op.vextend_high_s);
    rows([wide], `extend_high_${narrow}_u`, FORM_UNARY, Op.vextend_high_u);
    rows([wide], `extadd_pairwise_${narrow}_s`, FORM_UNARY, Op.vextadd_s);
    rows([wide], `extadd_pairwise_${narrow}_u`, FORM_UNARY, Op.vextadd_u);
    rows([wide], `extmul_low_${narrow}_s`, FORM_BINARY, Op.vextmul_low_s);
    rows([wide], `extmul_low_${narrow}_u`, FORM_BINARY, Op.vextmul_low_u);
    rows([wide], `extmul_high_${narrow}_s`, FORM_BINARY, Op.vextmul_high_s);
    rows([wide], `extmul_high_${narrow}_u`, FORM_BINARY, Op.vextmul_high_u);
    rows([narrow], `narrow_${wide}_s`, FORM_BINARY, Op.vnarrow_s);
    rows([narrow], `narrow_${wide}_u`, FORM_BINARY, Op.vnarrow_u);
  }
  row("i32x4.dot_i16x8_s", FORM_BINARY, Op.vdot_s);
  row("i16x8.q15mulr_sat_s", FORM_BINARY, Op.vq15mulr_sat_s);
  row("i16x8.relaxed_q15mulr_s", FORM_BINARY, Op.vq15mulr_sat_s);

  rows(FLOAT_SHAPES, "add", FORM_BINARY, Op.vfadd);
  rows(FLOAT_SHAPES, "sub", FORM_BINARY, Op.vfsub);
  rows(FLOAT_SHAPES, "mul", FORM_BINARY, Op.vfmul);
  rows(FLOAT_SHAPES, "div", FORM_BINARY, Op.vfdiv);
  rows(FLOAT_SHAPES, "min", FORM_BINARY, Op.vfmin);
  rows(FLOAT_SHAPES, "max", FORM_BINARY, Op.vfmax);
  rows(FLOAT_SHAPES, "relaxed_min", FORM_BINARY, Op.vfmin);
  rows(FLOAT_SHAPES, "relaxed_max", FORM_BINARY, Op.vfmax);
  rows(FLOAT_SHAPES, "pmin", FORM_BINARY, Op.vfpmin);
  rows(FLOAT_SHAPES, "pmax", FORM_BINARY, Op.vfpmax);
  rows(FLOAT_SHAPES, "abs", FORM_UNARY, Op.vfabs);
  rows(FLOAT_SHAPES, "neg", FORM_UNARY, Op.vfneg);
  rows(FLOAT_SHAPES, "sqrt", FORM_UNARY, Op.vfsqrt);
  rows(FLOAT_SHAPES, "ceil", FORM_UNARY, Op.vfceil);
  rows(FLOAT_SHAPES, "floor", FORM_UNARY, Op.vffloor);
  rows(FLOAT_SHAPES, "trunc", FORM_UNARY, Op.vftrunc);
  rows(FLOAT_SHAPES, "nearest", FORM_UNARY, Op.vfnearest);
  for (const cc of ["eq", "ne", "lt", "gt", "le", "ge"] as const) {
    rows(FLOAT_SHAPES, cc, FORM_BINARY, Op.vfcmp, FloatCC[cc]);
  }
  row("f32x4.convert_i32x4_s", FORM_UNARY, Op.vfcvt_from_sint, Shape.f32x4);
  row("f32x4.convert_i32x4_u", FORM_UNARY, Op.vfcvt_from_uint, Shape.f32x4);
  row("f64x2.convert_low_i32x4_s", FORM_UNARY, Op.vfcvt_from_sint, Shape.f64x2);
  row("f64x2.convert_low_i32x4_u", FORM_UNARY, Op.vfcvt_from_uint, Shape.f64x2);
  row("i32x4.trunc_sat_f32x4_s", FORM_UNARY, Op.vfcvt_to_sint_sat, Shape.f32x4);
  row("i32x4.trunc_sat_f32x4_u", FORM_UNARY, Op.vfcvt_to_uint_sat, Shape.f32x4);
  row("i32x4.trunc_sat_f64x2_s_zero", FORM_UNARY, Op.vfcvt_to_sint_sat, Shape.f64x2);
  row("i32x4.trunc_sat_f64x2_u_zero", FORM_UNARY, Op.vfcvt_to_uint_sat, Shape.f64x2);
  row("i32x4.relaxed_trunc_f32x4_s", FORM_UNARY, Op.vfcvt_to_sint_sat, Shape.f32x4);
  row("i32x4.relaxed_trunc_f32x4_u", FORM_UNARY, Op.vfcvt_to_uint_sat, Shape.f32x4);
  row("i32x4.relaxed_trunc_f64x2_s_zero", FORM_UNARY, Op.vfcvt_to_sint_sat, Shape.f64x2);
  row("i32x4.relaxed_trunc_f64x2_u_zero", FORM_UNARY, Op.vfcvt_to_uint_sat, Shape.f64x2);
  row("f32x4.demote_f64x2_zero", FORM_UNARY, Op.vfdemote);
  row("f64x2.promote_low_f32x4", FORM_UNARY, Op.vfpromote_low);

  row("v128.load8x8_s", FORM_LOAD, Op.vextend_low_s, Shape.i16x8, Access.u64);
  row("v128.load8x8_u", FORM_LOAD, Op.vextend_low_u, Shape.i16x8, Access.u64);
  row("v128.load16x4_s", FORM_LOAD, Op.vextend_low_s, Shape.i32x4, Access.u64);
  row("v128.load16x4_u", FORM_LOAD, Op.vextend_low_u, Shape.i32x4, Access.u64);
  row("v128.load32x2_s", FORM_LOAD, Op.vextend_low_s, Shape.i64x2, Access.u64);
  row("v128.load32x2_u", FORM_LOAD, Op.vextend_low_u, Shape.i64x2, Access.u64);
  row("v128.load8_splat", FORM_LOAD, Op.vsplat, Shape.i8x16, Access.u8);
  row("v128.load16_splat", FORM_LOAD, Op.vsplat, Shape.i16x8, Access.u16);
  row("v128.load32_splat", FORM_LOAD, Op.vsplat, Shape.i32x4, Access.full);
  row("v128.load64_splat", FORM_LOAD, Op.vsplat, Shape.i64x2, Access.full);
  row("v128.load8_lane", FORM_LOAD_LANE, Op.vreplace, Shape.i8x16, Access.u8);
  row("v128.load16_lane", FORM_LOAD_LANE, Op.vreplace, Shape.i16x8, Access.u16);
  row("v128.load32_lane", FORM_LOAD_LANE, Op.vreplace, Shape.i32x4, Access.full);
  row("v128.load64_lane", FORM_LOAD_LANE, Op.vreplace, Shape.i64x2, Access.full);
  row("v128.store8_lane", FORM_STORE_LANE, Op.vextract, Shape.i8x16, Access.u8);
  row("v128.store16_lane", FORM_STORE_LANE, Op.vextract, Shape.i16x8, Access.u16);
  row("v128.store32_lane", FORM_STORE_LANE, Op.vextract, Shape.i32x4, Access.full);
  row("v128.store64_lane", FORM_STORE_LANE, Op.vextract, Shape.i64x2, Access.full);
  return out;
}

const ROWS = regularRows();

function column(pick: (row: Row) => number): Uint8Array {
  const out = new Uint8Array(OPCODE_SPACE);
  for (const r of ROWS) out[r[0]] = pick(r);
  return out;
}

const FORM = column((r) => r[1]);
const OP = column((r) => r[2]);
const SHAPE = column((r) => r[3]);
const DETAIL = column((r) => r[4]);

/** Translates an operator from `v128.load` (0x200) on; false when it has no translation. */
export function translateVector(body: Body, opcode: number): boolean {
  const { builder, reader } = body;
  const op = OP[opcode]!;
  const shape = SHAPE[opcode]!;
  const detail = DETAIL[opcode]!;
  switch (FORM[opcode]) {
    case FORM_UNARY:
      body.push(builder.vector1(op, shape, body.pop()));
      return true;
    case FORM_BINARY: {
      const b = body.pop();
      body.push(builder.vector2(op, shape, body.pop(), b, detail));
      return true;
    }
    case FORM_TEST:
      body.push(builder.vector1(op, shape, body.pop(), V128, I32));
      return true;
    case FORM_EXTRACT:
      body.push(builder.vector1(op, shape, body.pop(), laneType(shape), laneType(shape), reader.lane));
      return true;
    case FORM_REPLACE: {
      const b = body.pop();
      body.push(builder.vector2(op, shape, body.pop(), b, reader.lane));
      return true;
    }
    case FORM_LOAD: {
      const value = loadValue(body, op === Op.vsplat ? laneType(shape) : V128, detail);
      if (value !== undefined) body.push(builder.vector1(op, shape, value));
      return true;
    }
    case FORM_LOAD_LANE: {
      const vector = body.pop();
      const value = loadValue(body, laneType(shape), detail);
      if (value !== undefined) body.push(builder.vector2(op, shape, vector, value, reader.lane));
      return true;
    }
    case FORM_STORE_LANE: {
      const type = laneType(shape);
      const lane = builder.vector1(op, shape, body.pop(), type, type, reader.lane);
      translateAccess(body, type, detail, lane);
      return true;
    }
    default:
      return translateOther(body, opcode);
  }
}

/** What is at the address on the stack; undefined when the access always traps. */
function loadValue(body: Body, type: Type, access: number): Value | undefined {
  translateAccess(body, type, access, undefined);
  return body.dead ? undefined : body.pop();
}

function translateOther(body: Body, opcode: number): boolean {
  const { builder } = body;
  switch (opcode) {
    case Opcode.v128_load:
      translateAccess(body, V128, Access.full, undefined);
      return true;
    case Opcode.v128_load32_zero:
      translateAccess(body, V128, Access.u32, undefined);
      return true;
    case Opcode.v128_load64_zero:
      translateAccess(body, V128, Access.u64, undefined);
      return true;
    case Opcode.v128_store:
      translateAccess(body, V128, Access.full, body.pop());
      return true;
    case Opcode.v128_const:
      body.push(builder.v128const(immediate(body)));
      return true;
    case Opcode.i8x16_shuffle: {
      const b = body.pop();
      body.push(builder.vshuffle(immediate(body), body.pop(), b));
      return true;
    }
    case Opcode.v128_bitselect:
    case Opcode.i8x16_relaxed_laneselect:
    case Opcode.i16x8_relaxed_laneselect:
    case Opcode.i32x4_relaxed_laneselect:
    case Opcode.i64x2_relaxed_laneselect: {
      const mask = body.pop();
      const b = body.pop();
      const ones = builder.vector2(Op.vand, 0, body.pop(), mask);
      body.push(builder.vector2(Op.vor, 0, ones, builder.vector2(Op.vandnot, 0, b, mask)));
      return true;
    }
    case Opcode.f32x4_relaxed_madd:
      multiplyAdd(body, Shape.f32x4, false);
      return true;
    case Opcode.f32x4_relaxed_nmadd:
      multiplyAdd(body, Shape.f32x4, true);
      return true;
    case Opcode.f64x2_relaxed_madd:
      multiplyAdd(body, Shape.f64x2, false);
      return true;
    case Opcode.f64x2_relaxed_nmadd:
      multiplyAdd(body, Shape.f64x2, true);
      return true;
    case Opcode.i16x8_relaxed_dot_i8x16_i7x16_s:
      body.push(dotBytes(body));
      return true;
    case Opcode.i32x4_relaxed_dot_i8x16_i7x16_add_s: {
      const c = body.pop();
      const sums = builder.vector1(Op.vextadd_s, Shape.i32x4, dotBytes(body));
      body.push(builder.vector2(Op.viadd, Shape.i32x4, sums, c));
      return true;
    }
    default:
      return false;
  }
}

/** The 16 bytes of the immediate. */
function immediate({ reader }: Body): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setInt32(0, reader.lo, true);
  view.setInt32(4, reader.hi, true);
  view.setInt32(8, reader.lo2, true);
  view.setInt32(12, reader.hi2, true);
  return bytes;
}

/** a * b + c, or -a * b + c, rounded twice. */
function multiplyAdd(body: Body, shape: number, negate: boolean): void {
  const { builder } = body;
  const c = body.pop();
  const b = body.pop();
  let a = body.pop();
  if (negate) a = builder.vector1(Op.vfneg, shape, a);
  body.push(builder.vector2(Op.vfadd, shape, builder.vector2(Op.vfmul, shape, a, b), c));
}

/** i16x8: sums of neighbouring products of signed bytes, saturated. The even bytes are moved up first, to be signed. */
function dotBytes(body: Body): Value {
  const { builder } = body;
  const b = body.pop();
  const a = body.pop();
  const eight = builder.iconst32(8);
  const odd = (v: Value): Value => builder.vector2(Op.vshr_s, Shape.i16x8, v, eight);
  const even = (v: Value): Value => odd(builder.vector2(Op.vshl, Shape.i16x8, v, eight));
  const product = (x: Value, y: Value): Value => builder.vector2(Op.vimul, Shape.i16x8, x, y);
  return builder.vector2(Op.vadd_sat_s, Shape.i16x8, product(even(a), even(b)), product(odd(a), odd(b)));
}
