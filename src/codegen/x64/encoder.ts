// hot loop: indices are in range by construction
/**
 * Instructions to bytes.
 *
 * Receives an instruction number, an operand size and physical registers, memory operands and immediates; appends the bytes to a
 * `CodeBuffer`. Allocates nothing. Which prefixes, opcode and ModRM fields an instruction has comes from the table's columns
 * (`encoding.ts`); this file knows only how the parts are laid out (Intel SDM volume 2, chapter 2).
 */

import { InternalError } from "../../base/diagnostics.ts";
import type { PReg } from "../regalloc/interface.ts";
import {
  DIGIT_SHIFT,
  ENC_FIXED,
  ENC_LOCK,
  ENC_REX_W,
  ENCODING,
  FIXED_SHIFT,
  FLAG_OPREG,
  FLAG_REG_FIRST,
  FLAG_RM8,
  FLAG_SIZED,
  FLAGS,
  IMM_IB,
  IMM_ID,
  IMM_IW,
  IMM_IZ,
  IMM_SHIFT,
  MAP_0F,
  MAP_0F38,
  MAP_SHIFT,
  PREFIX_SHIFT,
  SHAPE,
  VARIANT_BYTE,
  VARIANT_FULL,
  VARIANT_ONE,
  VARIANT_SHORT,
  VARIANT_SIGNED,
  VARIANTS,
} from "./encoding.ts";
import { Inst, instName } from "./instructions.ts";

/** The longest instruction is 15 bytes. */
const MAX_INSTRUCTION = 16;

/** A growable run of code bytes. `bytes` may be longer than `length`. */
export class CodeBuffer {
  bytes: Uint8Array;
  length = 0;
  /** Offset of the 32-bit displacement when the last instruction had a rip-relative operand, else -1. */
  ripField = -1;

  constructor(capacity = 4096) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `count` more bytes. */
  reserve(count: number): void {
    const need = this.length + count;
    if (need <= this.bytes.length) return;
    const bigger = new Uint8Array(Math.max(need, this.bytes.length * 2));
    bigger.set(this.bytes.subarray(0, this.length));
    this.bytes = bigger;
  }

  u8(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  u32(value: number): void {
    this.reserve(4);
    this.put32(this.length, value);
    this.length += 4;
  }

  /** Overwrites four bytes at `at`. */
  put32(at: number, value: number): void {
    const b = this.bytes;
    b[at] = value;
    b[at + 1] = value >>> 8;
    b[at + 2] = value >>> 16;
    b[at + 3] = value >>> 24;
  }
}

/** What a memory operand is relative to. */
export const MemKind = { register: 0, label: 1, symbol: 2 } as const;

/** No base or no index. */
export const NO_REG = -1;

/** A memory operand, made to be reused: each setter sets every field that its kind has. */
export class Mem {
  kind: number = MemKind.register;
  base: PReg = NO_REG;
  index: PReg = NO_REG;
  /** 1, 2, 4 or 8. */
  scale = 1;
  /** Signed 32-bit displacement; of a label or symbol the offset from it. */
  disp = 0;
  /** Label or symbol number. */
  target = 0;
  /** `RelocKind` of a symbol. */
  relocKind = 0;

  /** [base + disp] */
  setBase(base: PReg, disp: number): this {
    return this.setIndexed(base, NO_REG, 1, disp);
  }

  /** [base + index * scale + disp]; base or index may be `NO_REG`. */
  setIndexed(base: PReg, index: PReg, scale: number, disp: number): this {
    this.kind = MemKind.register;
    this.base = base;
    this.index = index;
    this.scale = scale;
    this.disp = disp;
    return this;
  }

  /** [rip + label + disp] */
  setLabel(label: number, disp = 0): this {
    this.kind = MemKind.label;
    this.base = NO_REG;
    this.index = NO_REG;
    this.target = label;
    this.disp = disp;
    return this;
  }

  /** [rip + symbol + disp] */
  setSymbol(relocKind: number, symbol: number, disp = 0): this {
    this.kind = MemKind.symbol;
    this.base = NO_REG;
    this.index = NO_REG;
    this.relocKind = relocKind;
    this.target = symbol;
    this.disp = disp;
    return this;
  }
}

/** The operands of one instruction, made to be reused. Which fields count follows from the instruction's `SHAPE`. */
export class Operands {
  /** Registers in the row's order. */
  a: PReg = 0;
  b: PReg = 0;
  readonly mem = new Mem();
  /** Signed 32 bits; of `mov_ri` the low half. */
  imm = 0;
  /** High half of `mov_ri`'s immediate. */
  immHi = 0;
  /** `Cond`, where the row has one. */
  cc = 0;
  /** Label or symbol of a jump or call. */
  target = 0;
}

function fail(inst: number, message: string): never {
  throw new InternalError("x64 encoder", `${instName(inst)}: ${message}`);
}

function variant(inst: number, index: number): number {
  return ENCODING[inst * VARIANTS + index]!;
}

/** The encoding for an operand size. */
function encodingFor(inst: number, size: number): number {
  if (size !== 1) return ENCODING[inst * VARIANTS]!;
  const e = variant(inst, VARIANT_BYTE);
  return e === 0 ? fail(inst, "no 8-bit form") : e;
}

/**
 * Prefixes, REX, escapes and opcode. `rex`: R, X and B as in the byte, and 0x40 where the prefix is needed for its own sake. `low` is
 * added to the opcode. Returns the position behind it; the caller writes on from there and sets `length`.
 */
function head(buf: CodeBuffer, e: number, size: number, rex: number, low: number): number {
  buf.reserve(MAX_INSTRUCTION);
  const b = buf.bytes;
  let at = buf.length;
  if (e & ENC_LOCK) b[at++] = 0xf0;
  if (size === 2) b[at++] = 0x66;
  const prefix = (e >>> PREFIX_SHIFT) & 3;
  if (prefix !== 0) b[at++] = prefix === 1 ? 0x66 : prefix === 2 ? 0xf3 : 0xf2;
  const bits = size === 8 || e & ENC_REX_W ? rex | 0x48 : rex;
  if (bits !== 0) b[at++] = bits | 0x40;
  const map = (e >>> MAP_SHIFT) & 3;
  if (map !== 0) {
    b[at++] = 0x0f;
    if (map !== MAP_0F) b[at++] = map === MAP_0F38 ? 0x38 : 0x3a;
  }
  b[at++] = (e & 0xff) + low;
  return at;
}

/** ModRM of a register. `reg` may be an opcode extension. */
function registers(
  buf: CodeBuffer,
  e: number,
  size: number,
  reg: number,
  rm: number,
  byteRex: number,
  low: number,
): void {
  const at = head(buf, e, size, ((reg & 8) >> 1) | ((rm & 8) >> 3) | byteRex, low);
  buf.bytes[at] = 0xc0 | ((reg & 7) << 3) | (rm & 7);
  buf.length = at + 1;
  buf.ripField = -1;
}

/** ModRM, SIB and displacement of a memory operand. */
function memory(buf: CodeBuffer, e: number, size: number, reg: number, mem: Mem, byteRex: number, low: number): void {
  const { base, index, disp } = mem;
  const rexX = index >= 0 ? (index & 8) >> 2 : 0;
  const rexB = base >= 0 ? (base & 8) >> 3 : 0;
  let at = head(buf, e, size, ((reg & 8) >> 1) | rexX | rexB | byteRex, low);
  const b = buf.bytes;
  const field = (reg & 7) << 3;
  if (disp !== (disp | 0)) throw new InternalError("x64 encoder", `displacement ${disp} does not fit 32 bits`);
  buf.ripField = -1;
  if (mem.kind !== MemKind.register) {
    b[at++] = field | 5;
    buf.ripField = at;
    buf.put32(at, 0);
    buf.length = at + 4;
    return;
  }
  const scale = mem.scale;
  const scaleBits = scale === 1 ? 0 : scale === 2 ? 0x40 : scale === 4 ? 0x80 : scale === 8 ? 0xc0 : -1;
  if (scaleBits < 0 || index === 4) throw new InternalError("x64 encoder", `no address has index ${index} * ${scale}`);
  if (base < 0) {
    b[at++] = field | 4;
    b[at++] = scaleBits | (index < 0 ? 0x20 : (index & 7) << 3) | 5;
    buf.put32(at, disp);
    buf.length = at + 4;
    return;
  }
  // Base 5 (rbp, r13) without displacement means something else; base 4 (rsp, r12) in ModRM means SIB.
  const mod = disp === 0 && (base & 7) !== 5 ? 0 : disp >= -128 && disp <= 127 ? 0x40 : 0x80;
  if (index >= 0 || (base & 7) === 4) {
    b[at++] = mod | field | 4;
    b[at++] = scaleBits | (index < 0 ? 0x20 : (index & 7) << 3) | (base & 7);
  } else {
    b[at++] = mod | field | (base & 7);
  }
  if (mod === 0x40) b[at++] = disp;
  else if (mod === 0x80) {
    buf.put32(at, disp);
    at += 4;
  }
  buf.length = at;
}

/** Appends the immediate that `e` asks for. */
function immediate(buf: CodeBuffer, e: number, size: number, imm: number): void {
  buf.reserve(4);
  const kind = (e >>> IMM_SHIFT) & 7;
  if (kind === IMM_IB) buf.bytes[buf.length++] = imm;
  else if (kind === IMM_IW || (kind === IMM_IZ && size === 2)) {
    buf.bytes[buf.length++] = imm;
    buf.bytes[buf.length++] = imm >> 8;
  } else if (kind === IMM_IZ || kind === IMM_ID) {
    buf.put32(buf.length, imm);
    buf.length += 4;
  }
}

/** The encoding for an immediate: the short forms where they hold it. */
function encodingForImmediate(inst: number, size: number, imm: number): number {
  if (size === 8 && imm !== (imm | 0)) fail(inst, `immediate ${imm} does not fit 32 bits`);
  if (imm === 1) {
    const e = variant(inst, VARIANT_ONE);
    if (e !== 0 && size !== 1) return e;
  }
  if (size !== 1) {
    const e = variant(inst, VARIANT_SHORT);
    const value = size === 2 ? (imm << 16) >> 16 : imm | 0;
    if (e !== 0 && value >= -128 && value <= 127) return e;
  }
  return encodingFor(inst, size);
}

/** spl, bpl, sil and dil need a REX prefix, or ah to bh are meant. */
function byteRexFor(isByte: boolean, reg: number): number {
  return isByte && reg >= 4 && reg <= 7 ? 0x40 : 0;
}

function effectiveSize(inst: number, size: number): number {
  return FLAGS[inst]! & FLAG_SIZED ? size : 0;
}

/** Shape `none`. */
export function encodeNone(buf: CodeBuffer, inst: number, size: number): void {
  const e = ENCODING[inst * VARIANTS]!;
  let at = head(buf, e, effectiveSize(inst, size), 0, 0);
  if (e & ENC_FIXED) buf.bytes[at++] = e >>> FIXED_SHIFT;
  buf.length = at;
  buf.ripField = -1;
}

/** Shape `r`. `cc`: the condition, where the row has one. */
export function encodeR(buf: CodeBuffer, inst: number, size: number, a: PReg, cc = 0): void {
  const flags = FLAGS[inst]!;
  const s = flags & FLAG_SIZED ? size : 0;
  const e = encodingFor(inst, s);
  if (flags & FLAG_OPREG) {
    buf.length = head(buf, e, s, (a & 8) >> 3, a & 7);
    buf.ripField = -1;
    return;
  }
  registers(buf, e, s, (e >>> DIGIT_SHIFT) & 7, a, byteRexFor(s === 1 || (flags & FLAG_RM8) !== 0, a), cc);
}

/** Shape `m`. */
export function encodeM(buf: CodeBuffer, inst: number, size: number, mem: Mem, cc = 0): void {
  const s = effectiveSize(inst, size);
  const e = encodingFor(inst, s);
  memory(buf, e, s, (e >>> DIGIT_SHIFT) & 7, mem, 0, cc);
}

/** Shape `rr`: the operands in the row's order. */
export function encodeRR(buf: CodeBuffer, inst: number, size: number, a: PReg, b: PReg, cc = 0): void {
  const flags = FLAGS[inst]!;
  const s = flags & FLAG_SIZED ? size : 0;
  const first = (flags & FLAG_REG_FIRST) !== 0;
  const reg = first ? a : b;
  const rm = first ? b : a;
  const byteRex = byteRexFor(s === 1, reg) | byteRexFor(s === 1 || (flags & FLAG_RM8) !== 0, rm);
  registers(buf, encodingFor(inst, s), s, reg, rm, byteRex, cc);
}

/** Shape `rm`: the register and the memory operand, whichever the row has first. */
export function encodeRM(buf: CodeBuffer, inst: number, size: number, a: PReg, mem: Mem, cc = 0): void {
  const s = effectiveSize(inst, size);
  memory(buf, encodingFor(inst, s), s, a, mem, byteRexFor(s === 1, a), cc);
}

/** Shape `ri`. `immHi` counts for `mov_ri` at size 8 only. */
export function encodeRI(buf: CodeBuffer, inst: number, size: number, a: PReg, imm: number, immHi = 0): void {
  if (inst === Inst.mov_ri) {
    encodeMovImmediate(buf, size, a, imm | 0, immHi | 0);
    return;
  }
  const s = effectiveSize(inst, size);
  const e = encodingForImmediate(inst, s, imm);
  registers(buf, e, s, (e >>> DIGIT_SHIFT) & 7, a, byteRexFor(s === 1, a), 0);
  immediate(buf, e, s, imm);
}

/** `mov_ri` in its shortest form. */
function encodeMovImmediate(buf: CodeBuffer, size: number, a: PReg, lo: number, hi: number): void {
  buf.ripField = -1;
  if (size !== 8 || hi === 0) {
    // Writing the low half clears the high one.
    const at = head(buf, ENCODING[Inst.mov_ri * VARIANTS]!, 4, (a & 8) >> 3, a & 7);
    buf.put32(at, lo);
    buf.length = at + 4;
  } else if (hi === lo >> 31) {
    registers(buf, variant(Inst.mov_ri, VARIANT_SIGNED), 8, 0, a, 0, 0);
    buf.u32(lo);
  } else {
    const at = head(buf, variant(Inst.mov_ri, VARIANT_FULL), 8, (a & 8) >> 3, a & 7);
    buf.put32(at, lo);
    buf.put32(at + 4, hi);
    buf.length = at + 8;
  }
}

/** Shape `mi`. */
export function encodeMI(buf: CodeBuffer, inst: number, size: number, mem: Mem, imm: number): void {
  const s = effectiveSize(inst, size);
  const e = encodingForImmediate(inst, s, imm);
  memory(buf, e, s, (e >>> DIGIT_SHIFT) & 7, mem, 0, 0);
  immediate(buf, e, s, imm);
}

/** Shape `rri`. */
export function encodeRRI(buf: CodeBuffer, inst: number, size: number, a: PReg, b: PReg, imm: number): void {
  const flags = FLAGS[inst]!;
  const s = flags & FLAG_SIZED ? size : 0;
  const e = encodingForImmediate(inst, s, imm);
  const first = (flags & FLAG_REG_FIRST) !== 0;
  registers(buf, e, s, first ? a : b, first ? b : a, 0, 0);
  immediate(buf, e, s, imm);
}

/** Shape `rmi`. */
export function encodeRMI(buf: CodeBuffer, inst: number, size: number, a: PReg, mem: Mem, imm: number): void {
  const s = effectiveSize(inst, size);
  const e = encodingForImmediate(inst, s, imm);
  memory(buf, e, s, a, mem, 0, 0);
  immediate(buf, e, s, imm);
}

/** Shape `i`. */
export function encodeI(buf: CodeBuffer, inst: number, imm: number): void {
  const e = encodingForImmediate(inst, 0, imm);
  buf.length = head(buf, e, 0, 0, 0);
  buf.ripField = -1;
  immediate(buf, e, 0, imm);
}

/** Shapes `label` and `symbol`: the long form with four zero bytes, which somebody else fills in. */
export function encodeBranch(buf: CodeBuffer, inst: number, cc = 0): void {
  const at = head(buf, ENCODING[inst * VARIANTS]!, 0, 0, cc);
  buf.put32(at, 0);
  buf.length = at + 4;
  buf.ripField = -1;
}

/** The short form of a branch, with its distance. Writes two bytes at `at`. */
export function putShortBranch(bytes: Uint8Array, at: number, inst: number, cc: number, distance: number): void {
  bytes[at] = (variant(inst, VARIANT_SHORT) & 0xff) + cc;
  bytes[at + 1] = distance;
}

/** Any instruction, its operands by the row's shape. A jump or call gets four zero bytes (`encodeBranch`). */
export function encode(buf: CodeBuffer, inst: number, size: number, o: Operands): void {
  // Literals of `Shape`: cheaper than its properties before the optimizer arrives; a test compares them.
  switch (SHAPE[inst]) {
    case 0: // none
      encodeNone(buf, inst, size);
      break;
    case 1: // r
      encodeR(buf, inst, size, o.a, o.cc);
      break;
    case 2: // m
      encodeM(buf, inst, size, o.mem, o.cc);
      break;
    case 3: // rr
      encodeRR(buf, inst, size, o.a, o.b, o.cc);
      break;
    case 4: // rm
      encodeRM(buf, inst, size, o.a, o.mem, o.cc);
      break;
    case 5: // ri
      encodeRI(buf, inst, size, o.a, o.imm, o.immHi);
      break;
    case 6: // mi
      encodeMI(buf, inst, size, o.mem, o.imm);
      break;
    case 7: // rri
      encodeRRI(buf, inst, size, o.a, o.b, o.imm);
      break;
    case 8: // rmi
      encodeRMI(buf, inst, size, o.a, o.mem, o.imm);
      break;
    case 9: // i
      encodeI(buf, inst, o.imm);
      break;
    default:
      encodeBranch(buf, inst, o.cc);
      break;
  }
}

/** Lengths 1 to 9, one after the other: the manual's recommended sequences (SDM volume 2, NOP). */
const NOPS = Uint8Array.of(
  ...[0x90],
  ...[0x66, 0x90],
  ...[0x0f, 0x1f, 0x00],
  ...[0x0f, 0x1f, 0x40, 0x00],
  ...[0x0f, 0x1f, 0x44, 0x00, 0x00],
  ...[0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00],
  ...[0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00],
  ...[0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
  ...[0x66, 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00],
);

/** Fills `bytes[at, at + count)` with as few no-operation instructions as possible. */
export function putNops(bytes: Uint8Array, at: number, count: number): void {
  let p = at;
  for (let rest = count; rest > 0; ) {
    const length = rest < 9 ? rest : 9;
    const from = (length * (length - 1)) >> 1;
    for (let i = 0; i < length; i++) bytes[p++] = NOPS[from + i]!;
    rest -= length;
  }
}
