/**
 * Shuffles by constant indices: the one instruction that does it where there is one, else bytes gathered from each operand and joined.
 *
 * `indices`: 16 numbers, 0 to 15 of `a`, 16 to 31 of `b`.
 */

// hot loop: indices are in range by construction

import { Inst } from "./instructions.ts";
import type { Selector } from "./selector.ts";
import { op1Immediate, op2, op2Immediate, opConstant, wordsOfBytes } from "./vector-forms.ts";

/** The index of no byte: pshufb gives 0. */
const NO_BYTE = 0x80;

/** Rows that interleave lanes of the size, from the low and from the high half. */
const INTERLEAVE = [
  [1, Inst.punpcklbw_rr, Inst.punpckhbw_rr],
  [2, Inst.punpcklwd_rr, Inst.punpckhwd_rr],
  [4, Inst.punpckldq_rr, Inst.punpckhdq_rr],
  [8, Inst.punpcklqdq_rr, Inst.punpckhqdq_rr],
] as const;

/** Every group of `size` bytes is moved as one: their numbers; else undefined. */
function grouped(indices: Uint8Array, size: number): number[] | undefined {
  const out: number[] = [];
  for (let i = 0; i < 16; i += size) {
    const first = indices[i]!;
    if (first % size !== 0) return undefined;
    for (let k = 1; k < size; k++) if (indices[i + k] !== first + k) return undefined;
    out.push(first / size);
  }
  return out;
}

/** Two bits each, the lowest first. */
function packed(lanes: readonly number[]): number {
  return lanes.reduce((bits, lane, i) => bits | ((lane & 3) << (2 * i)), 0);
}

/** The bytes of one vector. */
export function shuffleOne(s: Selector, x: number, indices: Uint8Array, d: number): void {
  const lanes = grouped(indices, 4);
  if (lanes !== undefined) {
    op1Immediate(s, Inst.pshufd_rri, x, packed(lanes), d);
    return;
  }
  const words = grouped(indices, 2);
  if (words !== undefined) {
    const low = words.slice(0, 4);
    const high = words.slice(4);
    if (high.every((w, i) => w === i + 4) && low.every((w) => w < 4)) {
      op1Immediate(s, Inst.pshuflw_rri, x, packed(low), d);
      return;
    }
    if (low.every((w, i) => w === i) && high.every((w) => w >= 4)) {
      op1Immediate(s, Inst.pshufhw_rri, x, packed(high), d);
      return;
    }
  }
  opConstant(s, Inst.pshufb_rr, x, wordsOfBytes(indices), d);
}

/** Whether `indices` is start, start + 1, …, over both operands. */
function isRun(indices: Uint8Array, start: number): boolean {
  return indices.every((index, i) => index === start + i);
}

/** Bytes of both: true when one or two instructions do it. */
function shuffleShort(s: Selector, a: number, b: number, indices: Uint8Array, d: number): boolean {
  const start = indices[0]!;
  if (start < 16 && isRun(indices, start)) {
    op2Immediate(s, Inst.palignr_rri, b, a, start, d);
    return true;
  }
  const exchanged = indices.map((i) => i ^ 16);
  if (start >= 16 && isRun(exchanged, start - 16)) {
    op2Immediate(s, Inst.palignr_rri, a, b, start - 16, d);
    return true;
  }
  for (const [size, low, high] of INTERLEAVE) {
    for (const [form, from] of [
      [low, 0],
      [high, 8],
    ] as const) {
      const isInterleaved = (list: Uint8Array): boolean =>
        list.every((index, i) => {
          const pair = Math.floor(i / (2 * size));
          const second = Math.floor(i / size) & 1;
          return index === from + pair * size + (i % size) + 16 * second;
        });
      if (isInterleaved(indices)) {
        op2(s, form, a, b, d);
        return true;
      }
      if (isInterleaved(exchanged)) {
        op2(s, form, b, a, d);
        return true;
      }
    }
  }
  const words = grouped(indices, 2);
  if (words?.every((w, i) => (w & 7) === i)) {
    const mask = words.reduce((bits, w, i) => bits | (w >= 8 ? 1 << i : 0), 0);
    op2Immediate(s, Inst.pblendw_rri, a, b, mask, d);
    return true;
  }
  const lanes = grouped(indices, 4);
  if (lanes !== undefined) {
    const [l0, l1, l2, l3] = lanes.map((l) => l >> 2);
    if (l0 === l1 && l2 === l3) {
      op2Immediate(s, Inst.shufps_rri, l0 === 0 ? a : b, l2 === 0 ? a : b, packed(lanes), d);
      return true;
    }
  }
  return false;
}

/** The bytes of two vectors, each of which gives at least one. */
export function shuffleTwo(s: Selector, a: number, b: number, indices: Uint8Array, d: number): void {
  if (shuffleShort(s, a, b, indices, d)) return;
  const ofA = opConstant(s, Inst.pshufb_rr, a, wordsOfBytes(indices.map((i) => (i < 16 ? i : NO_BYTE))));
  const ofB = opConstant(s, Inst.pshufb_rr, b, wordsOfBytes(indices.map((i) => (i >= 16 ? i - 16 : NO_BYTE))));
  op2(s, Inst.por_rr, ofA, ofB, d);
}

/** The bytes of `x` that `indices` names, 0 where that is not below 16. */
export function swizzleByConstant(s: Selector, x: number, indices: Uint8Array, d: number): void {
  if (indices.every((i) => i < 16)) shuffleOne(s, x, indices, d);
  else opConstant(s, Inst.pshufb_rr, x, wordsOfBytes(indices.map((i) => (i < 16 ? i : NO_BYTE))), d);
}
