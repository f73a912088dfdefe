/**
 * What the rules of vectors are written in: instructions of packed forms over virtual registers, each returning its result, so that a
 * sequence reads as an expression. `d` is the register of the result where it is given, else a new one.
 *
 * Memory operands of packed forms must be aligned to 16 bytes: constants and spill slots are, wasm's memory is not. So only forms that read
 * 8 bytes or less take an operand from wasm's memory.
 */

// hot loop: indices are in range by construction

import type { Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { Op } from "../../ir/ops.ts";
import { V128 } from "../../ir/types.ts";
import { DEF, DEF_TIED, MemKind, USE, USE_ANY } from "../machine.ts";
import { Inst } from "./instructions.ts";
import { MEMORY_FORM, Pseudo } from "./mops.ts";
import type { Selector } from "./selector.ts";

/** 16 bytes as words, the lowest first. */
export type Words = readonly [number, number, number, number];

/** The byte in every lane of 8 bits. */
export function bytes16(byte: number): Words {
  const word = Math.imul(byte & 0xff, 0x01010101);
  return [word, word, word, word];
}
/** The half word in every lane of 16 bits. */
export function words16(half: number): Words {
  const word = Math.imul(half & 0xffff, 0x00010001);
  return [word, word, word, word];
}
export function dwords(word: number): Words {
  return [word, word, word, word];
}
export function qwords(lo: number, hi: number): Words {
  return [lo, hi, lo, hi];
}

export function bytesOfWords(words: Words): Uint8Array {
  return new Uint8Array(Int32Array.from(words).buffer);
}
export function wordsOfBytes(bytes: Uint8Array): Words {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return [view.getInt32(0, true), view.getInt32(4, true), view.getInt32(8, true), view.getInt32(12, true)];
}

export function isZero(words: Words): boolean {
  return (words[0] | words[1] | words[2] | words[3]) === 0;
}

/** The words of a v128const, or undefined. */
export function constantWords(s: Selector, value: Value): Words | undefined {
  const def = s.l.definition(value);
  if (def === NONE || s.l.func.op.get(def) !== Op.v128const) return undefined;
  return wordsOfBytes(s.l.func.vectors[s.l.func.lo.get(def)]!);
}

export function temp(s: Selector): number {
  return s.temp(V128);
}

/** d = op x: not two-address. */
export function op1(s: Selector, op: number, x: number, d = temp(s)): number {
  s.unary(op, 0, d, x);
  return d;
}

/** d = x op y, y perhaps in its spill slot. */
export function op2(s: Selector, op: number, x: number, y: number, d = temp(s)): number {
  s.begin(op, 0);
  s.m.operand(d, DEF_TIED);
  s.m.operand(x, USE);
  s.m.operand(y, MEMORY_FORM[op]! >= 0 ? USE_ANY : USE);
  return d;
}

/** d = x op y, y a scalar, which is in a register: its slot has fewer bytes. */
export function op2Scalar(s: Selector, op: number, x: number, y: number, d = temp(s)): number {
  s.packed(op, d, x, y);
  return d;
}

/** d = x op constant; `op` is the form of two registers. */
export function opConstant(s: Selector, op: number, x: number, words: Words, d = temp(s)): number {
  constantAddress(s, words);
  s.binaryMem(MEMORY_FORM[op]!, 0, d, x);
  return d;
}

/** d = x op y, y a value that may be a constant. */
export function opValue(s: Selector, op: number, x: number, y: Value, d = temp(s)): number {
  const words = constantWords(s, y);
  return words === undefined || isZero(words) ? op2(s, op, x, s.vreg(y), d) : opConstant(s, op, x, words, d);
}

/** d = x op imm: shifts, two-address. */
export function opImmediate(s: Selector, op: number, x: number, imm: number, d = temp(s)): number {
  s.binaryImm(op, 0, d, x, imm);
  return d;
}

/** d = op x, imm: not two-address. */
export function op1Immediate(s: Selector, op: number, x: number, imm: number, d = temp(s)): number {
  s.unaryImm(op, 0, d, x, imm);
  return d;
}

/** d = x op y, imm: two-address. */
export function op2Immediate(s: Selector, op: number, x: number, y: number, imm: number, d = temp(s)): number {
  const i = s.begin(op, 0);
  s.m.operand(d, DEF_TIED);
  s.m.operand(x, USE);
  s.m.operand(y, USE);
  s.m.imm[i] = imm;
  return d;
}

/** The address of a constant, for the next memory operand. */
export function constantAddress(s: Selector, [w0, w1, w2, w3]: Words): void {
  s.setAddress(MemKind.constant, s.asm.constant(16, w0, w1, w2, w3), 0);
}

/** A constant in a register: for instructions that change it, or want it there. */
export function constant(s: Selector, words: Words, d = temp(s)): number {
  if (isZero(words)) return zero(s, d);
  constantAddress(s, words);
  s.load(Inst.movaps_rm, 0, d);
  s.m.rematerializable(d);
  return d;
}

export function zero(s: Selector, d = temp(s)): number {
  s.begin(Pseudo.zero_float, 0);
  s.m.operand(d, DEF);
  s.m.rematerializable(d);
  return d;
}

/** The low lane of a new vector from a general register; `size` 4 or 8. */
export function fromInteger(s: Selector, size: number, x: number, d = temp(s)): number {
  s.unary(Inst.movd_xr, size, d, x);
  return d;
}
