/**
 * The op table of the IR: the one source of truth about what an op takes, gives and may do.
 *
 * `format` says how the instruction columns are used (`function.ts`):
 *
 * | format | a | b | c | lo | hi |
 * |---|---|---|---|---|---|
 * | const | | | | low bits | high bits |
 * | nullary | | | | | |
 * | unary | value | | | | |
 * | binary | value | value | | | |
 * | compare | value | value | | condition | |
 * | select | condition | if non-zero | if zero | | |
 * | load | address | | | byte offset | access flags |
 * | store | address | value | | byte offset | access flags |
 * | rmw | address | value | | byte offset | access flags |
 * | cas | address | expected | new | byte offset | access flags |
 * | call | FuncRef | list start | list length | | |
 * | call_indirect | callee address | list start | list length | SigRef | |
 * | address | | | | symbol or slot | byte offset |
 * | jump | BlockCall | | | | |
 * | brif | condition | BlockCall if non-zero | BlockCall if zero | | |
 * | br_table | index | list start | list length (BlockCalls; last is the default) | | |
 * | return | | list start | list length | | |
 * | trap | condition (trapz, trapnz) | | | trap code | |
 * | list | | list start | list length | | |
 *
 * `type`: the result's type where it follows from the op; `"controlling"`: the instruction's own `type` column; `null`: no result.
 * Integer division assumes that the divisor is not zero, and `sdiv` that it is not MIN / -1: the front end checks.
 * `srem` by -1 is 0. Shift and rotate amounts have the operand's type and are taken modulo its width.
 *
 * Ops on vectors (`v…`) are unary and binary like others. Those with `lanes` have a shape (`vector.ts`) in `lo`, and in `hi` what `detail` says;
 * their controlling type is v128, but for `vextract`, whose is the lane's. `vshuffle` has a constant's number in `lo`.
 */

import { numbered } from "../base/numbered.ts";
import type { Type } from "./types.ts";
import type { ShapeName } from "./vector.ts";

export type Format =
  | "const"
  | "nullary"
  | "unary"
  | "binary"
  | "compare"
  | "select"
  | "load"
  | "store"
  | "rmw"
  | "cas"
  | "call"
  | "call_indirect"
  | "address"
  | "jump"
  | "brif"
  | "br_table"
  | "return"
  | "trap"
  | "list";

/** Which operand types an op accepts for `a` and `b`: a set, a fixed type by its name, or the scalar of a lane. */
export type OperandTypes = "int" | "float" | "any" | "i32" | "i64" | "f32" | "f64" | "v128" | "lane";

export interface OpRow {
  readonly format: Format;
  readonly operands?: OperandTypes;
  /** Type of `b` where it is not that of `a`. */
  readonly second?: "i32" | "lane";
  /** The shapes that an op on lanes has. */
  readonly lanes?: readonly ShapeName[];
  /** What an op on vectors keeps in `hi` (`lane`, conditions) or in `lo` (`indices`: a constant). */
  readonly detail?: "lane" | "intcc" | "floatcc" | "indices";
  readonly result: "controlling" | "call" | "i32" | "i64" | "f32" | "f64" | "v128" | null;
  readonly commutative?: true;
  /** Writes memory, calls, traps or transfers control: never removed, never moved across another such instruction. */
  readonly effect?: true;
  /** Ends a block. */
  readonly terminator?: true;
}

const ANY_LANES = ["i8x16", "i16x8", "i32x4", "i64x2", "f32x4", "f64x2"] as const;
const INT_LANES = ["i8x16", "i16x8", "i32x4", "i64x2"] as const;
/** 8, 16 and 32 bits. */
const LANES_TO_32 = ["i8x16", "i16x8", "i32x4"] as const;
const LANES_TO_16 = ["i8x16", "i16x8"] as const;
/** Results of widening ops. */
const WIDE_LANES = ["i16x8", "i32x4", "i64x2"] as const;
const FLOAT_LANES = ["f32x4", "f64x2"] as const;

/** Rows in numeric order: `Op.x` is the position. */
const ROWS = {
  // Constants: bits in lo/hi; v128 in the function's constant pool (lo = index).
  iconst: { format: "const", result: "controlling" },
  f32const: { format: "const", result: "f32" },
  f64const: { format: "const", result: "f64" },
  v128const: { format: "const", result: "v128" },

  // Integers, i32 or i64.
  iadd: { format: "binary", operands: "int", result: "controlling", commutative: true },
  isub: { format: "binary", operands: "int", result: "controlling" },
  imul: { format: "binary", operands: "int", result: "controlling", commutative: true },
  /** High half of the 128-bit product (i64 only). */
  umulhi: { format: "binary", operands: "i64", result: "i64", commutative: true },
  smulhi: { format: "binary", operands: "i64", result: "i64", commutative: true },
  sdiv: { format: "binary", operands: "int", result: "controlling" },
  udiv: { format: "binary", operands: "int", result: "controlling" },
  srem: { format: "binary", operands: "int", result: "controlling" },
  urem: { format: "binary", operands: "int", result: "controlling" },
  band: { format: "binary", operands: "int", result: "controlling", commutative: true },
  bor: { format: "binary", operands: "int", result: "controlling", commutative: true },
  bxor: { format: "binary", operands: "int", result: "controlling", commutative: true },
  ishl: { format: "binary", operands: "int", result: "controlling" },
  ushr: { format: "binary", operands: "int", result: "controlling" },
  sshr: { format: "binary", operands: "int", result: "controlling" },
  rotl: { format: "binary", operands: "int", result: "controlling" },
  rotr: { format: "binary", operands: "int", result: "controlling" },
  clz: { format: "unary", operands: "int", result: "controlling" },
  ctz: { format: "unary", operands: "int", result: "controlling" },
  popcnt: { format: "unary", operands: "int", result: "controlling" },
  /** Sign-extends the low 8, 16, 32 bits within the same type. */
  sext8: { format: "unary", operands: "int", result: "controlling" },
  sext16: { format: "unary", operands: "int", result: "controlling" },
  sext32: { format: "unary", operands: "i64", result: "i64" },
  /** i32 → i64. */
  uextend: { format: "unary", operands: "i32", result: "i64" },
  sextend: { format: "unary", operands: "i32", result: "i64" },
  /** i64 → i32, the low half. */
  ireduce: { format: "unary", operands: "i64", result: "i32" },
  /** `lo` = IntCC; operands have the controlling type. */
  icmp: { format: "compare", operands: "int", result: "i32" },
  /** `lo` = FloatCC. */
  fcmp: { format: "compare", operands: "float", result: "i32" },
  /** a is i32; b, c and the result have the controlling type. */
  select: { format: "select", operands: "any", result: "controlling" },
  /**
   * The condition of a bounds check: as `icmp`. Nothing that a branch or check tells decides it, because the processor may run on without
   * having waited for them; only what follows from the operands themselves does.
   */
  bounds: { format: "compare", operands: "int", result: "i32" },
  /**
   * As `select`, but always an instruction that waits for its condition, which is that of a check: c, or b where the check failed and the
   * processor runs on. Accesses at a guard are behind its check, so that c is what they access.
   */
  guard: { format: "select", operands: "int", result: "controlling" },

  // Floats, f32 or f64, with WebAssembly's semantics.
  fadd: { format: "binary", operands: "float", result: "controlling", commutative: true },
  fsub: { format: "binary", operands: "float", result: "controlling" },
  fmul: { format: "binary", operands: "float", result: "controlling", commutative: true },
  fdiv: { format: "binary", operands: "float", result: "controlling" },
  fmin: { format: "binary", operands: "float", result: "controlling" },
  fmax: { format: "binary", operands: "float", result: "controlling" },
  fcopysign: { format: "binary", operands: "float", result: "controlling" },
  fabs: { format: "unary", operands: "float", result: "controlling" },
  fneg: { format: "unary", operands: "float", result: "controlling" },
  fsqrt: { format: "unary", operands: "float", result: "controlling" },
  fceil: { format: "unary", operands: "float", result: "controlling" },
  ffloor: { format: "unary", operands: "float", result: "controlling" },
  ftrunc: { format: "unary", operands: "float", result: "controlling" },
  fnearest: { format: "unary", operands: "float", result: "controlling" },
  fpromote: { format: "unary", operands: "f32", result: "f64" },
  fdemote: { format: "unary", operands: "f64", result: "f32" },
  /** int (any) → float (controlling). */
  fcvt_from_sint: { format: "unary", operands: "int", result: "controlling" },
  fcvt_from_uint: { format: "unary", operands: "int", result: "controlling" },
  /** float (any) → int (controlling); saturating, NaN is 0. */
  fcvt_to_sint_sat: { format: "unary", operands: "float", result: "controlling" },
  fcvt_to_uint_sat: { format: "unary", operands: "float", result: "controlling" },
  /** float → int (controlling); the operand is known to be in range (the front end checked). */
  fcvt_to_sint: { format: "unary", operands: "float", result: "controlling" },
  fcvt_to_uint: { format: "unary", operands: "float", result: "controlling" },
  /** Same bits, same size, other class of register: i32 ↔ f32, i64 ↔ f64. */
  bitcast: { format: "unary", operands: "any", result: "controlling" },

  // Vectors as bits.
  vnot: { format: "unary", operands: "v128", result: "v128" },
  vand: { format: "binary", operands: "v128", result: "v128", commutative: true },
  /** a & ~b */
  vandnot: { format: "binary", operands: "v128", result: "v128" },
  vor: { format: "binary", operands: "v128", result: "v128", commutative: true },
  vxor: { format: "binary", operands: "v128", result: "v128", commutative: true },
  vany_true: { format: "unary", operands: "v128", result: "i32" },
  /** Bytes of a (0 to 15) and b (16 to 31), by the constant `lo`. */
  vshuffle: { format: "binary", operands: "v128", result: "v128", detail: "indices" },
  /** Bytes of a, by those of b; 0 where that is not below 16. */
  vswizzle: { format: "binary", operands: "v128", result: "v128" },

  // Lanes in and out.
  vsplat: { format: "unary", operands: "lane", lanes: ANY_LANES, result: "v128" },
  /** Lane `hi`; zero-extended, sign-extended to i32. */
  vextract: { format: "unary", operands: "v128", lanes: ANY_LANES, detail: "lane", result: "controlling" },
  vextract_s: { format: "unary", operands: "v128", lanes: LANES_TO_16, detail: "lane", result: "controlling" },
  vreplace: { format: "binary", operands: "v128", second: "lane", lanes: ANY_LANES, detail: "lane", result: "v128" },

  // Integer lanes.
  viadd: { format: "binary", operands: "v128", lanes: INT_LANES, result: "v128", commutative: true },
  visub: { format: "binary", operands: "v128", lanes: INT_LANES, result: "v128" },
  vimul: { format: "binary", operands: "v128", lanes: WIDE_LANES, result: "v128", commutative: true },
  vineg: { format: "unary", operands: "v128", lanes: INT_LANES, result: "v128" },
  viabs: { format: "unary", operands: "v128", lanes: INT_LANES, result: "v128" },
  vpopcnt: { format: "unary", operands: "v128", lanes: ["i8x16"], result: "v128" },
  vadd_sat_s: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128", commutative: true },
  vadd_sat_u: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128", commutative: true },
  vsub_sat_s: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128" },
  vsub_sat_u: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128" },
  vmin_s: { format: "binary", operands: "v128", lanes: LANES_TO_32, result: "v128", commutative: true },
  vmin_u: { format: "binary", operands: "v128", lanes: LANES_TO_32, result: "v128", commutative: true },
  vmax_s: { format: "binary", operands: "v128", lanes: LANES_TO_32, result: "v128", commutative: true },
  vmax_u: { format: "binary", operands: "v128", lanes: LANES_TO_32, result: "v128", commutative: true },
  /** (a + b + 1) / 2 */
  vavgr_u: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128", commutative: true },
  /** By b (i32) modulo the lane's width. */
  vshl: { format: "binary", operands: "v128", second: "i32", lanes: INT_LANES, result: "v128" },
  vshr_s: { format: "binary", operands: "v128", second: "i32", lanes: INT_LANES, result: "v128" },
  vshr_u: { format: "binary", operands: "v128", second: "i32", lanes: INT_LANES, result: "v128" },
  /** `hi` = IntCC (of 64 bits no unsigned order); all bits of a lane set or none. */
  vicmp: { format: "binary", operands: "v128", lanes: INT_LANES, detail: "intcc", result: "v128" },
  vall_true: { format: "unary", operands: "v128", lanes: INT_LANES, result: "i32" },
  /** The top bit of each lane. */
  vbitmask: { format: "unary", operands: "v128", lanes: INT_LANES, result: "i32" },

  // Integer lanes that change their width; the shape is the result's.
  /** Lanes of a, then of b, signed and saturated. */
  vnarrow_s: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128" },
  vnarrow_u: { format: "binary", operands: "v128", lanes: LANES_TO_16, result: "v128" },
  vextend_low_s: { format: "unary", operands: "v128", lanes: WIDE_LANES, result: "v128" },
  vextend_low_u: { format: "unary", operands: "v128", lanes: WIDE_LANES, result: "v128" },
  vextend_high_s: { format: "unary", operands: "v128", lanes: WIDE_LANES, result: "v128" },
  vextend_high_u: { format: "unary", operands: "v128", lanes: WIDE_LANES, result: "v128" },
  /** Sums of neighbours. */
  vextadd_s: { format: "unary", operands: "v128", lanes: ["i16x8", "i32x4"], result: "v128" },
  vextadd_u: { format: "unary", operands: "v128", lanes: ["i16x8", "i32x4"], result: "v128" },
  vextmul_low_s: { format: "binary", operands: "v128", lanes: WIDE_LANES, result: "v128", commutative: true },
  vextmul_low_u: { format: "binary", operands: "v128", lanes: WIDE_LANES, result: "v128", commutative: true },
  vextmul_high_s: { format: "binary", operands: "v128", lanes: WIDE_LANES, result: "v128", commutative: true },
  vextmul_high_u: { format: "binary", operands: "v128", lanes: WIDE_LANES, result: "v128", commutative: true },
  /** i16x8 → i32x4: sums of neighbouring products. */
  vdot_s: { format: "binary", operands: "v128", result: "v128", commutative: true },
  /** i16x8: (a * b + 2^14) >> 15, saturated. */
  vq15mulr_sat_s: { format: "binary", operands: "v128", result: "v128", commutative: true },

  // Float lanes, with WebAssembly's semantics.
  vfadd: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128", commutative: true },
  vfsub: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfmul: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128", commutative: true },
  vfdiv: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfmin: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfmax: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  /** b < a ? b : a; a < b ? b : a. */
  vfpmin: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfpmax: { format: "binary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfabs: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfneg: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfsqrt: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfceil: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vffloor: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vftrunc: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfnearest: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  /** `hi` = FloatCC. */
  vfcmp: { format: "binary", operands: "v128", lanes: FLOAT_LANES, detail: "floatcc", result: "v128" },
  /** i32x4 → float; the shape is the result's: f64x2 of the low two lanes. */
  vfcvt_from_sint: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfcvt_from_uint: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  /** Float → i32x4, saturating, NaN is 0; the shape is the operand's: of f64x2 the high two lanes are 0. */
  vfcvt_to_sint_sat: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  vfcvt_to_uint_sat: { format: "unary", operands: "v128", lanes: FLOAT_LANES, result: "v128" },
  /** f64x2 → f32x4, the high two lanes 0; the low two of f32x4 → f64x2. */
  vfdemote: { format: "unary", operands: "v128", result: "v128" },
  vfpromote_low: { format: "unary", operands: "v128", result: "v128" },

  // Memory. The address is an i64 and `lo` a signed 32-bit byte offset; `hi` holds AccessFlags.
  load: { format: "load", result: "controlling" },
  /** Controlling type: the value's. */
  store: { format: "store", result: null, effect: true },
  // Sequentially consistent. Narrow ones zero-extend what they read and look at the low bytes of their operands only.
  atomic_load: { format: "load", operands: "int", result: "controlling", effect: true },
  atomic_store: { format: "store", operands: "int", result: null, effect: true },
  /** These give what was there before. */
  atomic_add: { format: "rmw", operands: "int", result: "controlling", effect: true },
  atomic_sub: { format: "rmw", operands: "int", result: "controlling", effect: true },
  atomic_and: { format: "rmw", operands: "int", result: "controlling", effect: true },
  atomic_or: { format: "rmw", operands: "int", result: "controlling", effect: true },
  atomic_xor: { format: "rmw", operands: "int", result: "controlling", effect: true },
  atomic_xchg: { format: "rmw", operands: "int", result: "controlling", effect: true },
  /** Writes c if b was there. */
  atomic_cas: { format: "cas", operands: "int", result: "controlling", effect: true },
  atomic_fence: { format: "nullary", result: null, effect: true },
  /** Native block copy and fill: (dst, src, length) and (dst, byte as i32, length), no overlap where dst > src. */
  copy_forward: { format: "list", result: null, effect: true },
  /** The same 32 bytes at a time, at least 128, without overlap. Only where `has_wide_copy` is not 0. */
  copy_wide: { format: "list", result: null, effect: true },
  /** The same 64 bytes at a time, at least 256. Only where `has_wide_copy` is 2. */
  copy_widest: { format: "list", result: null, effect: true },
  fill: { format: "list", result: null, effect: true },
  /**
   * 1 if the processor and the kernel have registers of 32 bytes (AVX), 2 if of 64 bytes (AVX-512) whose use does not slow the clock down, else 0.
   * It takes a while to find out.
   */
  has_wide_copy: { format: "nullary", result: "i64" },

  // Addresses (i64). lo = symbol or slot, hi = byte offset.
  func_addr: { format: "address", result: "i64" },
  data_addr: { format: "address", result: "i64" },
  slot_addr: { format: "address", result: "i64" },
  /** The first byte of the object's text: funcrefs hold offsets from it. */
  text_base: { format: "nullary", result: "i64" },

  // Calls. Results follow from the callee's signature.
  call: { format: "call", result: "call", effect: true },
  call_indirect: { format: "call_indirect", result: "call", effect: true },
  /**
   * A call that `unwind_to` can come back to: of an entry, by a trap; of wasm code inside a `try_table`, by an exception. Clobbers every
   * register, so that nothing survives in one; results are a status (i32: 0, or what `unwind_to` was given) and then the callee's results,
   * which mean nothing unless the status is 0.
   */
  call_catch: { format: "call", result: "call", effect: true },
  call_catch_indirect: { format: "call_indirect", result: "call", effect: true },
  /** A call (convention c) that runs on another stack: the list's first value is its top (16-byte aligned). */
  call_on_stack: { format: "call", result: "call", effect: true },
  /** Linux system call: number and six arguments; gives rax. */
  syscall: { format: "list", result: "i64", effect: true },

  // Frames.
  frame_pointer: { format: "nullary", result: "i64" },
  stack_pointer: { format: "nullary", result: "i64" },

  // Checks and control.
  /** Traps with code `lo` if a is zero, non-zero. */
  trapz: { format: "trap", operands: "i32", result: null, effect: true },
  trapnz: { format: "trap", operands: "i32", result: null, effect: true },
  /** Traps as interrupted unless the i32 in memory is zero. Somebody else writes it at any time: every poll reads it anew. */
  poll: { format: "load", result: null, effect: true },
  /** The i64 in memory, or -1 where nothing can be read: the handler of faults goes on behind it. */
  probe: { format: "load", result: "i64", effect: true },
  jump: { format: "jump", result: null, effect: true, terminator: true },
  brif: { format: "brif", operands: "i32", result: null, effect: true, terminator: true },
  br_table: { format: "br_table", operands: "i32", result: null, effect: true, terminator: true },
  return: { format: "return", result: null, effect: true, terminator: true },
  return_call: { format: "call", result: null, effect: true, terminator: true },
  return_call_indirect: { format: "call_indirect", result: null, effect: true, terminator: true },
  trap: { format: "trap", result: null, effect: true, terminator: true },
  /** (frame pointer, address, status as i32): continues at `address`, just behind a `call_catch`, in the frame that it names. */
  unwind_to: { format: "list", result: null, effect: true, terminator: true },
} as const satisfies Record<string, OpRow>;

export type OpName = keyof typeof ROWS;

/** Names in numeric order. */
export const OP_NAMES = Object.keys(ROWS) as readonly OpName[];

/** The number of each op. */
export const Op = numbered(OP_NAMES);

const OP_ROWS: readonly OpRow[] = OP_NAMES.map((name) => ROWS[name]);

export function opRow(op: number): OpRow {
  const row = OP_ROWS[op];
  if (row === undefined) throw new RangeError(`no op has the number ${op}`);
  return row;
}

export function opName(op: number): OpName {
  const name = OP_NAMES[op];
  if (name === undefined) throw new RangeError(`no op has the number ${op}`);
  return name;
}

/** Bits of `OP_FLAGS`. */
export const FLAG_EFFECT = 1;
export const FLAG_TERMINATOR = 2;
export const FLAG_COMMUTATIVE = 4;

/** Per op: flags, for hot passes. */
export const OP_FLAGS: Uint8Array = Uint8Array.from(
  OP_ROWS,
  (r) => (r.effect ? FLAG_EFFECT : 0) | (r.terminator ? FLAG_TERMINATOR : 0) | (r.commutative ? FLAG_COMMUTATIVE : 0),
);

/** Integer conditions, in `lo` of `icmp`. A condition's inverse is `cc ^ 1`. */
export const IntCC = { eq: 0, ne: 1, slt: 2, sge: 3, sgt: 4, sle: 5, ult: 6, uge: 7, ugt: 8, ule: 9 } as const;
export const INT_CC_NAMES = ["eq", "ne", "slt", "sge", "sgt", "sle", "ult", "uge", "ugt", "ule"] as const;
/** The condition with its operands exchanged. */
export const INT_CC_SWAPPED: readonly number[] = [0, 1, 4, 5, 2, 3, 8, 9, 6, 7];

/** Float conditions, in `lo` of `fcmp`: ordered, but for `ne`, which holds when either is NaN. */
export const FloatCC = { eq: 0, ne: 1, lt: 2, gt: 3, le: 4, ge: 5 } as const;
export const FLOAT_CC_NAMES = ["eq", "ne", "lt", "gt", "le", "ge"] as const;

/** How much memory an access touches and how a narrow load extends: of v128 there are loads of u32 and u64 only. */
export const Access = { full: 0, u8: 1, s8: 2, u16: 3, s16: 4, u32: 5, s32: 6, u64: 7 } as const;
export const ACCESS_NAMES = ["full", "u8", "s8", "u16", "s16", "u32", "s32", "u64"] as const;

/**
 * What an access may alias: two accesses of different regions never overlap.
 * `constant` is never written while wasm code runs (context fields that instantiation sets, read-only data).
 */
export const Region = { any: 0, heap: 1, table: 2, global: 3, context: 4, constant: 5, stack: 6 } as const;
export const REGION_NAMES = ["any", "heap", "table", "global", "context", "constant", "stack"] as const;

/** Set when the access may fault by design (a guard page): then it is an effect and has a trap record. */
export const ACCESS_TRAPS = 0x100;

/** Packs the `hi` column of a load or store. */
export function accessFlags(access: number, region: number, traps = false): number {
  return access | (region << 4) | (traps ? ACCESS_TRAPS : 0);
}
export function accessOf(flags: number): number {
  return flags & 0xf;
}
export function regionOf(flags: number): number {
  return (flags >> 4) & 0xf;
}

/** Bytes touched by an access of `type`. */
export function accessSize(access: number, type: Type): number {
  if (access === Access.full) return type === 0 || type === 2 ? 4 : type === 4 ? 16 : 8;
  return access <= Access.s8 ? 1 : access <= Access.s16 ? 2 : access <= Access.s32 ? 4 : 8;
}
