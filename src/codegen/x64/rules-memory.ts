/**
 * Selection rules of memory accesses and addresses. One rule a line: pattern → instructions, condition, action.
 *
 * A store whose value is an operation on a load from the same place becomes one instruction that reads and writes memory: when nothing
 * lies between them, and the value has no other reader.
 */

import { entity } from "../../base/entity.ts";
import type { Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { Access, accessOf, accessSize, FLAG_COMMUTATIVE, OP_FLAGS, Op, regionOf } from "../../ir/ops.ts";
import { F32, F64, I32, I64, typeFromCode, V128 } from "../../ir/types.ts";
import { PROBE_ROW } from "../../layout/offsets.ts";
import { DEF, defFixed, MemKind, USE, useFixed } from "../machine.ts";
import { WIDE_REGISTERS } from "./emit-wide.ts";
import { Inst } from "./instructions.ts";
import { Pseudo } from "./mops.ts";
import { RAX, RBP, RCX, RDI, RDX, registerBit, RSI, RSP } from "./registers.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

function isAccess(s: Selector, type: number, access: number): boolean {
  return s.type === type && accessOf(s.hi) === access;
}

/** The whole value, or a 32-bit one of an i32. */
function isFull(s: Selector, type: number): boolean {
  const access = accessOf(s.hi);
  return s.type === type && (access === Access.full || (type === I32 && access >= Access.u32));
}

function load(s: Selector, op: number, size: number): void {
  s.accessAddress();
  s.load(op, size, s.result());
}

/** Bytes that the store being selected writes. */
function storeSize(s: Selector): number {
  return accessSize(accessOf(s.hi), typeFromCode(s.type));
}

function store(s: Selector, op: number, size: number): void {
  const value = s.vreg(s.b);
  s.accessAddress();
  s.store(op, size, value);
}

function storeConstant(s: Selector): void {
  const { k } = s;
  s.accessAddress();
  s.storeImm(Inst.mov_mi, storeSize(s), k);
}

function isInteger(s: Selector): boolean {
  return s.type === I32 || s.type === I64;
}

/** A constant that the store can hold: its low bytes, for a narrow one. */
function isStorable(s: Selector): boolean {
  return isInteger(s) && s.constant(s.b) && (storeSize(s) < 8 || s.imm32(s.b));
}

/** The memory forms of an operation: with a register, with a constant. */
function updateForms(op: number): readonly [number, number] | undefined {
  switch (op) {
    case Op.iadd:
      return [Inst.add_mr, Inst.add_mi];
    case Op.isub:
      return [Inst.sub_mr, Inst.sub_mi];
    case Op.band:
      return [Inst.and_mr, Inst.and_mi];
    case Op.bor:
      return [Inst.or_mr, Inst.or_mi];
    case Op.bxor:
      return [Inst.xor_mr, Inst.xor_mi];
    default:
      return undefined;
  }
}

/** value is a load from the place that the store writes, and reaches it. */
function isSamePlace(s: Selector, value: Value): boolean {
  const { func } = s.l;
  const def = s.l.definition(value);
  if (def === NONE || func.op.get(def) !== Op.load || !isInteger(s) || func.type.get(def) !== s.type) return false;
  if (func.lo.get(def) !== s.lo || func.resolve(entity<Value>(func.a.get(def))) !== s.a) return false;
  const access = accessOf(func.hi.get(def));
  const bytes = accessSize(access, typeFromCode(s.type));
  if (bytes !== storeSize(s) || regionOf(func.hi.get(def)) !== regionOf(s.hi)) return false;
  return s.isFoldable(value, bytes) || s.isFoldableNarrow(value, access);
}

/** The store writes `load op x`: x. */
function isUpdate(s: Selector): boolean {
  const op = s.defOp(s.b);
  if (updateForms(op) === undefined || !s.isOnly(s.b, op)) return false;
  if (isSamePlace(s, s.x)) {
    [s.x, s.y] = [s.y, s.x];
    return true;
  }
  return ((OP_FLAGS[op] ?? 0) & FLAG_COMMUTATIVE) !== 0 && isSamePlace(s, s.y);
}

function isUpdateByConstant(s: Selector): boolean {
  return isUpdate(s) && s.constant(s.x) && (storeSize(s) < 8 || s.imm32(s.x));
}

/** Emits an update; `y` is the load, `x` the other operand. */
function update(s: Selector, byConstant: boolean): void {
  const forms = updateForms(s.defOp(s.b));
  const size = storeSize(s);
  const { k } = s;
  const x = byConstant ? 0 : s.vreg(s.x);
  s.sink(s.y);
  s.l.sunk[s.l.definition(s.b)] = 1;
  s.accessAddress();
  if (byConstant) s.storeImm(forms?.[1] ?? 0, size, k);
  else s.store(forms?.[0] ?? 0, size, x);
}

/** A string instruction: its registers are fixed, and counted up. */
function stringOp(s: Selector, op: number, second: number, clobbers: number): number {
  const { func } = s.l;
  const start = func.b.get(s.inst);
  const value = (k: number): number => s.vreg(func.resolve(entity<Value>(func.pool.get(start + k))));
  const i = s.begin(op, 0);
  s.m.operand(value(0), useFixed(RDI));
  s.m.operand(value(1), useFixed(second));
  s.m.operand(value(2), useFixed(RCX));
  s.m.rawClobberInt[i] = clobbers;
  return i;
}

/** Pseudo operations for a processor with AVX: `emit-wide.ts`. */
function copyWide(s: Selector, pseudo: number): void {
  const i = stringOp(s, pseudo, RSI, registerBit(RDI) | registerBit(RSI) | registerBit(RCX));
  s.m.rawClobberFloat[i] = WIDE_REGISTERS;
}

function hasWideCopy(s: Selector): void {
  const i = s.begin(Pseudo.has_wide_copy, 8);
  s.m.operand(s.result(), defFixed(RAX));
  s.m.rawClobberInt[i] = registerBit(RCX) | registerBit(RDX);
}

/** An address that needs nothing but the program counter or the frame: cheaper made again than kept. */
function symbolAddress(s: Selector, kind: number): void {
  s.setAddress(kind, s.lo, s.hi);
  s.load(Inst.lea, 8, s.result());
  s.m.rematerializable(s.result());
}

function readRegister(s: Selector, register: number): void {
  const i = s.begin(Pseudo.read_register, 8);
  s.m.operand(s.result(), DEF);
  s.m.imm[i] = register;
}

/** The same in the whole body. */
function framePointer(s: Selector): void {
  readRegister(s, RBP);
  s.m.rematerializable(s.result());
}

function probe(s: Selector): void {
  const address = s.vreg(s.a);
  const i = s.begin(Pseudo.probe, 8);
  s.m.operand(s.result(), DEF);
  s.m.operand(address, USE);
  s.m.trap[i] = PROBE_ROW;
}

// biome-ignore format: one rule per line
export const MEMORY_RULES: RuleTable = {
  load: [
    rule("i32 → mov r32, [m]",             (s) => isFull(s, I32),                 (s) => load(s, Inst.mov_rm, 4)),
    rule("i64 → mov r64, [m]",             (s) => isFull(s, I64),                 (s) => load(s, Inst.mov_rm, 8)),
    rule("f32 → movss x, [m]",             (s) => s.isF32,                        (s) => load(s, Inst.movss_rm, 0)),
    rule("f64 → movsd x, [m]",             (s) => s.isF64,                        (s) => load(s, Inst.movsd_rm, 0)),
    rule("v128 → movups x, [m]",           (s) => s.type === V128,                (s) => load(s, Inst.movups_rm, 0)),
    rule("u8 → movzx r32, byte [m]",       (s) => accessOf(s.hi) === Access.u8,   (s) => load(s, Inst.movzx8_rm, 4)),
    rule("u16 → movzx r32, word [m]",      (s) => accessOf(s.hi) === Access.u16,  (s) => load(s, Inst.movzx16_rm, 4)),
    rule("u32 of i64 → mov r32, [m]",      (s) => accessOf(s.hi) === Access.u32,  (s) => load(s, Inst.mov_rm, 4)),
    rule("s8 → movsx r, byte [m]",         (s) => accessOf(s.hi) === Access.s8,   (s) => load(s, Inst.movsx8_rm, s.size)),
    rule("s16 → movsx r, word [m]",        (s) => accessOf(s.hi) === Access.s16,  (s) => load(s, Inst.movsx16_rm, s.size)),
    rule("s32 of i64 → movsxd r, [m]",     (s) => isAccess(s, I64, Access.s32),   (s) => load(s, Inst.movsxd_rm, 8)),
  ],
  store: [
    rule("load op k, same place → op [m], imm", isUpdateByConstant,               (s) => update(s, true)),
    rule("load op x, same place → op [m], r",   isUpdate,                         (s) => update(s, false)),
    rule("k → mov [m], imm",               isStorable,                            storeConstant),
    rule("integer → mov [m], r",           isInteger,                             (s) => store(s, Inst.mov_mr, storeSize(s))),
    rule("f32 → movss [m], x",             (s) => s.type === F32,                 (s) => store(s, Inst.movss_mr, 0)),
    rule("f64 → movsd [m], x",             (s) => s.type === F64,                 (s) => store(s, Inst.movsd_mr, 0)),
    rule("v128 → movups [m], x",           always,                                (s) => store(s, Inst.movups_mr, 0)),
  ],
  probe: [rule("→ mov r11, [r11]",        always, probe)],
  copy_forward: [rule("→ rep movsb",            always, (s) => stringOp(s, Inst.rep_movsb, RSI, registerBit(RDI) | registerBit(RSI) | registerBit(RCX)))],
  copy_wide: [rule("→ vmovdqu y, [m]; vmovdqu [m], y …", always, (s) => copyWide(s, Pseudo.copy_wide))],
  copy_widest: [rule("→ vmovdqu64 z, [m]; vmovdqu64 [m], z …", always, (s) => copyWide(s, Pseudo.copy_widest))],
  has_wide_copy: [rule("→ cpuid; xgetbv",     always, hasWideCopy)],
  fill: [rule("→ rep stosb",                    always, (s) => stringOp(s, Inst.rep_stosb, RAX, registerBit(RDI) | registerBit(RCX)))],
  func_addr: [rule("→ lea r, [rip + f]",        always, (s) => symbolAddress(s, MemKind.func))],
  data_addr: [rule("→ lea r, [rip + d]",        always, (s) => symbolAddress(s, MemKind.data))],
  text_base: [rule("→ lea r, [rip + text]",     always, (s) => symbolAddress(s, MemKind.textBase))],
  slot_addr: [rule("→ lea r, [rbp - n]",        always, (s) => symbolAddress(s, MemKind.slot))],
  frame_pointer: [rule("→ mov r, rbp",          always, framePointer)],
  stack_pointer: [rule("→ mov r, rsp",          always, (s) => readRegister(s, RSP))],
};
