// hot loop: indices are in range by construction
/**
 * The code buffer of one function: instructions, labels, relocations, trap and call records, unwind rows, jump tables, constants.
 *
 * Receives instructions in emission order and gives a `CompiledFunction`. Branches to labels are written long and shortened at
 * the end: the parts whose length is open (branches, alignment) are *fragments*; passes over the fragments alone shorten each branch that
 * surely reaches, counting alignment at its worst, so that nothing has to grow again; a last walk copies the code and moves every
 * recorded offset. Each pass is linear, their number is bounded, and the result depends on nothing but the calls made.
 *
 * Behind the instructions come the jump tables (32-bit distances from the table) and constants: reached relative to rip, no relocations.
 *
 * One object serves many functions, one after the other: `finish` copies the result out and empties it.
 */

import { I32Column, U8Column, U32Column } from "../../base/columns.ts";
import { InternalError } from "../../base/diagnostics.ts";
import { Workspace } from "../../base/workspace.ts";
import { type CompiledFunction, type InlinedPlaces, NOTHING_INLINED, RelocKind } from "../compiled.ts";
import type { PReg } from "../regalloc/interface.ts";
import { ConstantPool } from "./constants.ts";
import type { Operands } from "./encoder.ts";
import {
  CodeBuffer,
  encode,
  encodeBranch,
  encodeI,
  encodeM,
  encodeMI,
  encodeNone,
  encodeR,
  encodeRI,
  encodeRM,
  encodeRMI,
  encodeRR,
  encodeRRI,
  type Mem,
  MemKind,
  putNops,
  putShortBranch,
} from "./encoder.ts";
import { SHAPE, Shape } from "./encoding.ts";
import { Inst, instName } from "./instructions.ts";

/** A place in the function's code; numbered from 0. */
export type Label = number;

const FRAGMENT_JCC = 0;
const FRAGMENT_JMP = 1;
const FRAGMENT_ALIGN = 2;

const LONG_JCC = 6;
const LONG_JMP = 5;
const SHORT_BRANCH = 2;

/** Rounds of both passes. One does nearly all of it, and the second usually finds nothing. */
const SHORTENING_ROUNDS = 8;

/** Behind the code, before tables and constants: traps if it is ever reached. */
const FILL = 0xcc;

const NO_WORDS = new Uint32Array();
const NO_INTS = new Int32Array();
const NO_BYTES = new Uint8Array();

/** Bytes of a buffer that functions share. */
const SHARED_BYTES = 1 << 16;

/**
 * Memory of results, of which a function takes first words, then bytes. Several functions share a buffer: one of its own would cost more
 * than what is in it. Most functions have no rows of some kinds: those parts are shared, too.
 */
class Parts {
  #buffer = new ArrayBuffer(0);
  #at = 0;
  #end = 0;

  /** Begins a function that takes so many bytes in all. */
  begin(bytes: number): void {
    this.#at = (this.#end + 3) & ~3;
    if (this.#at + bytes > this.#buffer.byteLength) {
      this.#buffer = new ArrayBuffer(Math.max(SHARED_BYTES, bytes));
      this.#at = 0;
    }
    this.#end = this.#at + bytes;
  }

  #take(bytes: number): number {
    const at = this.#at;
    this.#at += bytes;
    return at;
  }

  words({ data, length }: U32Column): Uint32Array {
    if (length === 0) return NO_WORDS;
    const out = new Uint32Array(this.#buffer, this.#take(4 * length), length);
    for (let i = 0; i < length; i++) out[i] = data[i]!;
    return out;
  }
  ints({ data, length }: I32Column): Int32Array {
    if (length === 0) return NO_INTS;
    const out = new Int32Array(this.#buffer, this.#take(4 * length), length);
    for (let i = 0; i < length; i++) out[i] = data[i]!;
    return out;
  }
  bytes({ data, length }: U8Column): Uint8Array {
    if (length === 0) return NO_BYTES;
    const out = new Uint8Array(this.#buffer, this.#take(length), length);
    for (let i = 0; i < length; i++) out[i] = data[i]!;
    return out;
  }
  /** What is left for the function. */
  rest(): Uint8Array {
    return new Uint8Array(this.#buffer, this.#at, this.#end - this.#at);
  }
}

export class Assembler {
  readonly buffer = new CodeBuffer();

  /** Raw offset per label (-1: not bound), and the number of fragments before it. */
  readonly #labelAt = new I32Column();
  readonly #labelFragment = new I32Column();

  readonly #fragmentAt = new I32Column();
  readonly #fragmentKind = new U8Column();
  /** Condition of a jcc. */
  readonly #fragmentCond = new U8Column();
  /** Label of a branch; alignment. */
  readonly #fragmentTarget = new I32Column();
  /** Bytes in the buffer, and bytes in the result. */
  readonly #fragmentRaw = new I32Column();
  readonly #fragmentLength = new I32Column();

  /** Rip-relative operands: raw offset of the field, label, displacement less the bytes from the field to the instruction's end. */
  readonly #refAt = new U32Column();
  readonly #refLabel = new I32Column();
  readonly #refAddend = new I32Column();

  readonly #relocAt = new U32Column();
  readonly #relocKind = new U8Column();
  readonly #relocSymbol = new U32Column();
  readonly #relocAddend = new I32Column();
  readonly #trapAt = new U32Column();
  readonly #trapCode = new U8Column();
  readonly #trapLoc = new U32Column();
  readonly #callAt = new U32Column();
  readonly #callLoc = new U32Column();
  readonly #catchAt = new U32Column();
  readonly #unwindAt = new U32Column();
  readonly #unwindOp = new U8Column();
  readonly #unwindA = new I32Column();
  readonly #unwindB = new I32Column();

  /** Jump tables: own label, first entry; the entries' labels. */
  readonly #tableLabel = new I32Column();
  readonly #tableStart = new I32Column();
  readonly #tableEntry = new I32Column();
  readonly #constants = new ConstantPool();
  /** What is empty when a function begins. */
  readonly #columns: readonly { length: number }[] = [
    ...[this.#labelAt, this.#labelFragment, this.#fragmentAt, this.#fragmentKind, this.#fragmentCond],
    ...[this.#fragmentTarget, this.#fragmentRaw, this.#fragmentLength, this.#refAt, this.#refLabel, this.#refAddend],
    ...[this.#relocAt, this.#relocKind, this.#relocSymbol, this.#relocAddend, this.#trapAt, this.#trapCode],
    ...[this.#trapLoc, this.#callAt, this.#callLoc, this.#unwindAt, this.#unwindOp, this.#unwindA, this.#unwindB],
    ...[this.#tableLabel, this.#tableStart, this.#tableEntry, this.#catchAt],
  ];
  /** Memory of `finish`, and of what it gives. */
  readonly #work = new Workspace();
  readonly #parts = new Parts();

  // Instructions: one method per shape (`encoding.ts`), operands in the row's order.

  none(inst: number, size = 0): void {
    encodeNone(this.buffer, inst, size);
  }
  r(inst: number, size: number, a: PReg, cc = 0): void {
    encodeR(this.buffer, inst, size, a, cc);
  }
  m(inst: number, size: number, mem: Mem, cc = 0): void {
    encodeM(this.buffer, inst, size, mem, cc);
    if (this.buffer.ripField >= 0) this.#relative(mem);
  }
  rr(inst: number, size: number, a: PReg, b: PReg, cc = 0): void {
    encodeRR(this.buffer, inst, size, a, b, cc);
  }
  /** Also for rows that have the memory operand first. */
  rm(inst: number, size: number, a: PReg, mem: Mem, cc = 0): void {
    encodeRM(this.buffer, inst, size, a, mem, cc);
    if (this.buffer.ripField >= 0) this.#relative(mem);
  }
  /** `immHi`: the high half, for `mov_ri` at size 8. */
  ri(inst: number, size: number, a: PReg, imm: number, immHi = imm >> 31): void {
    encodeRI(this.buffer, inst, size, a, imm, immHi);
  }
  mi(inst: number, size: number, mem: Mem, imm: number): void {
    encodeMI(this.buffer, inst, size, mem, imm);
    if (this.buffer.ripField >= 0) this.#relative(mem);
  }
  rri(inst: number, size: number, a: PReg, b: PReg, imm: number): void {
    encodeRRI(this.buffer, inst, size, a, b, imm);
  }
  rmi(inst: number, size: number, a: PReg, mem: Mem, imm: number): void {
    encodeRMI(this.buffer, inst, size, a, mem, imm);
    if (this.buffer.ripField >= 0) this.#relative(mem);
  }
  i(inst: number, imm: number): void {
    encodeI(this.buffer, inst, imm);
  }

  /** Any instruction; jumps and calls too (`target` is the label or FuncSymbol). */
  inst(inst: number, size: number, o: Operands): void {
    const shape = SHAPE[inst]!;
    if (shape === Shape.label) {
      if (inst === Inst.jcc) this.jcc(o.cc, o.target);
      else this.jmp(o.target);
    } else if (shape === Shape.symbol) this.#branchToSymbol(inst, o.target);
    else {
      encode(this.buffer, inst, size, o);
      if (this.buffer.ripField >= 0) this.#relative(o.mem);
    }
  }

  /** Instructions that are in no table, without an address relative to them. */
  raw(bytes: readonly number[]): void {
    this.buffer.reserve(bytes.length);
    for (const byte of bytes) this.buffer.u8(byte);
  }

  /** `cc`: `Cond`. */
  jcc(cc: number, label: Label): void {
    this.#fragment(FRAGMENT_JCC, cc, label, LONG_JCC);
    encodeBranch(this.buffer, Inst.jcc, cc);
  }

  /** Left out altogether when the label turns out to be right behind it. */
  jmp(label: Label): void {
    this.#fragment(FRAGMENT_JMP, 0, label, LONG_JMP);
    encodeBranch(this.buffer, Inst.jmp);
  }

  callSymbol(symbol: number): void {
    this.#branchToSymbol(Inst.call_sym, symbol);
  }

  jmpSymbol(symbol: number): void {
    this.#branchToSymbol(Inst.jmp_sym, symbol);
  }

  // Labels.

  newLabel(): Label {
    this.#labelFragment.push(0);
    return this.#labelAt.push(-1);
  }

  /** Puts `label` at the current position. */
  bind(label: Label): void {
    if (this.#labelAt.get(label) !== -1) throw new InternalError("x64 assembler", `label ${label} is bound twice`);
    this.#labelAt.set(label, this.buffer.length);
    this.#labelFragment.set(label, this.#fragmentAt.length);
  }

  isBound(label: Label): boolean {
    return this.#labelAt.get(label) >= 0;
  }

  /** Pads with no-operation instructions up to a multiple of `alignment`, a power of two. */
  align(alignment: number): void {
    if (alignment <= 1) return;
    const room = alignment - 1;
    this.#fragment(FRAGMENT_ALIGN, 0, alignment, room);
    this.buffer.reserve(room);
    this.buffer.length += room;
  }

  /**
   * A table of 32-bit distances from its own first byte, behind the code. Returns its label. Use: `lea t, [label]; movsxd i, [t + i * 4];
   * add i, t; jmp i`.
   */
  jumpTable(labels: ArrayLike<Label>, start = 0, count = labels.length - start): Label {
    const label = this.newLabel();
    this.#tableLabel.push(label);
    this.#tableStart.push(this.#tableEntry.length);
    for (let i = 0; i < count; i++) this.#tableEntry.push(labels[start + i]!);
    return label;
  }

  /** The label of a constant of `size` 4, 8 or 16 bytes, aligned to its size, behind the code. Words from the lowest. */
  constant(size: number, w0: number, w1 = 0, w2 = 0, w3 = 0): Label {
    const known = this.#constants.find(size, w0 | 0, w1 | 0, w2 | 0, w3 | 0);
    if (known >= 0) return known;
    const label = this.newLabel();
    this.#constants.add(size, w0 | 0, w1 | 0, w2 | 0, w3 | 0, label);
    return label;
  }

  // Records, all at the current position.

  /** A trap: before an instruction that may fault, or behind a call that does not return. */
  trap(code: number, loc: number): void {
    this.#trapAt.push(this.buffer.length);
    this.#trapCode.push(code);
    this.#trapLoc.push(loc);
  }

  /** The return address of a call: right behind it. */
  callSite(loc: number): void {
    this.#callAt.push(this.buffer.length);
    this.#callLoc.push(loc);
  }

  /** The return address of a call that unwinding can come back to: right behind it. */
  catchSite(): void {
    this.#catchAt.push(this.buffer.length);
  }

  /** An unwind row (`UnwindOp`), valid from here on. */
  unwind(op: number, a = 0, b = 0): void {
    this.#unwindAt.push(this.buffer.length);
    this.#unwindOp.push(op);
    this.#unwindA.push(a);
    this.#unwindB.push(b);
  }

  /** Bytes so far, branches at their longest: an upper bound, for size decisions. */
  get length(): number {
    return this.buffer.length;
  }

  #fragment(kind: number, cc: number, target: number, length: number): void {
    this.#fragmentAt.push(this.buffer.length);
    this.#fragmentKind.push(kind);
    this.#fragmentCond.push(cc);
    this.#fragmentTarget.push(target);
    this.#fragmentRaw.push(length);
    this.#fragmentLength.push(length);
  }

  #relocation(at: number, kind: number, symbol: number, addend: number): void {
    this.#relocAt.push(at);
    this.#relocKind.push(kind);
    this.#relocSymbol.push(symbol);
    this.#relocAddend.push(addend);
  }

  #branchToSymbol(inst: number, symbol: number): void {
    encodeBranch(this.buffer, inst);
    this.#relocation(this.buffer.length - 4, RelocKind.call, symbol, -4);
  }

  /** Records the rip-relative operand of the instruction just written. */
  #relative(mem: Mem): void {
    const at = this.buffer.ripField;
    const addend = mem.disp - (this.buffer.length - at);
    if (mem.kind === MemKind.symbol) {
      this.#relocation(at, mem.relocKind, mem.target, addend);
      return;
    }
    this.#refAt.push(at);
    this.#refLabel.push(mem.target);
    this.#refAddend.push(addend);
  }

  /**
   * Shortens branches, lays out tables and constants, and gives the function. Throws `InternalError` when a label that is used was
   * never bound. Empties the assembler.
   *
   * @param frameSize bytes, for `CompiledFunction.frameSize`
   * @param align least alignment of the function; grows with `align` and the constants
   * @param inlined what locations may name
   */
  finish(frameSize: number, align = 16, inlined: InlinedPlaces = NOTHING_INLINED): CompiledFunction {
    for (let round = 0; round < SHORTENING_ROUNDS; round++) {
      this.#shortenForward();
      if (!this.#shortenBackward()) break;
    }
    const cut = this.#settle();
    const codeLength = this.buffer.length - cut[this.#fragmentAt.length]!;
    const position = this.#labelPositions(cut);
    const end = this.#layOutData(codeLength, position);
    const relocs = this.#relocAt.length;
    const traps = this.#trapAt.length;
    const calls = this.#callAt.length;
    const rows = this.#unwindAt.length;
    const words = 3 * relocs + 2 * traps + 2 * calls + this.#catchAt.length + 3 * rows;
    const parts = this.#parts;
    parts.begin(4 * words + relocs + traps + rows + end);
    const result: CompiledFunction = {
      relocOffset: this.#moved(parts.words(this.#relocAt), cut),
      relocSymbol: parts.words(this.#relocSymbol),
      relocAddend: parts.ints(this.#relocAddend),
      trapOffset: this.#moved(parts.words(this.#trapAt), cut),
      trapLoc: parts.words(this.#trapLoc),
      callOffset: this.#moved(parts.words(this.#callAt), cut),
      callLoc: parts.words(this.#callLoc),
      catchOffset: this.#moved(parts.words(this.#catchAt), cut),
      unwindOffset: this.#moved(parts.words(this.#unwindAt), cut),
      unwindA: parts.ints(this.#unwindA),
      unwindB: parts.ints(this.#unwindB),
      relocKind: parts.bytes(this.#relocKind),
      trapCode: parts.bytes(this.#trapCode),
      unwindOp: parts.bytes(this.#unwindOp),
      code: parts.rest(),
      codeLength,
      align: this.#alignment(align),
      frameSize,
      inlinedFunction: inlined.inlinedFunction,
      inlinedLoc: inlined.inlinedLoc,
      inlinedCall: inlined.inlinedCall,
    };
    result.code.fill(FILL, codeLength);
    this.#copyCode(result.code, cut, position);
    this.#writeData(result.code, position);
    this.reset();
    return result;
  }

  /** Empties the assembler. */
  reset(): void {
    this.buffer.length = 0;
    this.#constants.clear();
    for (let i = 0; i < this.#columns.length; i++) this.#columns[i]!.length = 0;
    this.#work.begin();
  }

  /**
   * One pass of shortening over the forward branches, last one first, so that each sees what those behind it gave up. Distances are
   * upper bounds: what a pass makes short stays in reach.
   */
  #shortenForward(): void {
    const count = this.#fragmentAt.length;
    const at = this.#fragmentAt.data;
    const kind = this.#fragmentKind.data;
    const target = this.#fragmentTarget.data;
    const raw = this.#fragmentRaw.data;
    const length = this.#fragmentLength.data;
    // gone[i]: bytes that fragments from i on lose.
    const gone = this.#work.i32(count + 1);
    for (let i = count - 1; i >= 0; i--) {
      const label = target[i]!;
      if (kind[i] !== FRAGMENT_ALIGN && this.#fragmentOf(label) > i) {
        const current = length[i]!;
        const end = at[i]! + raw[i]!;
        const distance = this.#labelAt.get(label) - end - (gone[i + 1]! - gone[this.#fragmentOf(label)]!);
        if (distance === 0 && kind[i] === FRAGMENT_JMP) length[i] = 0;
        else if (current > SHORT_BRANCH && distance <= 127) length[i] = SHORT_BRANCH;
      }
      gone[i] = gone[i + 1]! + raw[i]! - length[i]!;
    }
  }

  /** The same for the backward branches, first one first. True when it changed something. */
  #shortenBackward(): boolean {
    const count = this.#fragmentAt.length;
    const at = this.#fragmentAt.data;
    const kind = this.#fragmentKind.data;
    const target = this.#fragmentTarget.data;
    const raw = this.#fragmentRaw.data;
    const length = this.#fragmentLength.data;
    // gone[i]: bytes that fragments before i lose.
    const gone = this.#work.i32(count + 1);
    let changed = false;
    for (let i = 0; i < count; i++) {
      const label = target[i]!;
      if (kind[i] !== FRAGMENT_ALIGN && length[i]! > SHORT_BRANCH && this.#fragmentOf(label) <= i) {
        const distance = at[i]! - this.#labelAt.get(label) - (gone[i]! - gone[this.#fragmentOf(label)]!);
        if (distance + SHORT_BRANCH <= 128) {
          length[i] = SHORT_BRANCH;
          changed = true;
        }
      }
      gone[i + 1] = gone[i]! + raw[i]! - length[i]!;
    }
    return changed;
  }

  /** Fragments before a label that is used. */
  #fragmentOf(label: Label): number {
    if (this.#labelAt.get(label) < 0) {
      throw new InternalError("x64 assembler", `label ${label} is used but was never bound`);
    }
    return this.#labelFragment.get(label);
  }

  /** Gives every alignment its length, now that all branches have theirs; returns the final cuts. */
  #settle(): Int32Array {
    const count = this.#fragmentAt.length;
    const at = this.#fragmentAt.data;
    const kind = this.#fragmentKind.data;
    const raw = this.#fragmentRaw.data;
    const length = this.#fragmentLength.data;
    const cut = this.#work.i32(count + 1);
    for (let i = 0; i < count; i++) {
      if (kind[i] === FRAGMENT_ALIGN) length[i] = -(at[i]! - cut[i]!) & (this.#fragmentTarget.get(i) - 1);
      cut[i + 1] = cut[i]! + raw[i]! - length[i]!;
    }
    return cut;
  }

  #labelPositions(cut: Int32Array): Int32Array {
    const count = this.#labelAt.length;
    const raw = this.#labelAt.data;
    const fragment = this.#labelFragment.data;
    const position = this.#work.i32(count);
    for (let i = 0; i < count; i++) position[i] = raw[i]! < 0 ? -1 : raw[i]! - cut[fragment[i]!]!;
    return position;
  }

  /** Positions of tables and constants, the strictest alignment first; returns the end. */
  #layOutData(codeLength: number, position: Int32Array): number {
    let end = codeLength;
    for (let size = 16; size >= 4; size >>= 1) {
      for (let i = 0; i < this.#constants.count; i++) {
        if (this.#constants.size.get(i) !== size) continue;
        end = (end + size - 1) & -size;
        position[this.#constants.label.get(i)] = end;
        end += size;
      }
    }
    if (this.#tableLabel.length > 0) end = (end + 3) & -4;
    for (let i = 0; i < this.#tableLabel.length; i++) {
      position[this.#tableLabel.get(i)] = end;
      end += 4 * (this.#tableEnd(i) - this.#tableStart.get(i));
    }
    return end;
  }

  #tableEnd(table: number): number {
    return table + 1 < this.#tableStart.length ? this.#tableStart.get(table + 1) : this.#tableEntry.length;
  }

  #writeData(code: Uint8Array, position: Int32Array): void {
    const words = this.#constants.words.data;
    for (let i = 0; i < this.#constants.count; i++) {
      const at = position[this.#constants.label.get(i)]!;
      for (let w = 0; w < this.#constants.size.get(i) >> 2; w++) put32(code, at + 4 * w, words[4 * i + w]!);
    }
    for (let i = 0; i < this.#tableLabel.length; i++) {
      const table = position[this.#tableLabel.get(i)]!;
      let at = table;
      for (let e = this.#tableStart.get(i); e < this.#tableEnd(i); e++) {
        put32(code, at, boundAt(position, this.#tableEntry.get(e)) - table);
        at += 4;
      }
    }
  }

  /** Copies the code between fragments, writes the fragments, and fills in rip-relative operands. */
  #copyCode(code: Uint8Array, cut: Int32Array, position: Int32Array): void {
    const raw = this.buffer.bytes;
    const count = this.#fragmentAt.length;
    let from = 0;
    let to = 0;
    for (let i = 0; i < count; i++) {
      const at = this.#fragmentAt.get(i);
      to = copy(code, to, raw, from, at);
      from = at + this.#fragmentRaw.get(i);
      const length = this.#fragmentLength.get(i);
      if (this.#fragmentKind.get(i) === FRAGMENT_ALIGN) putNops(code, to, length);
      else if (length > 0) {
        const inst = this.#fragmentKind.get(i) === FRAGMENT_JCC ? Inst.jcc : Inst.jmp;
        const distance = boundAt(position, this.#fragmentTarget.get(i)) - to - length;
        if (length === SHORT_BRANCH) {
          if (distance < -128 || distance > 127) {
            throw new InternalError("x64 assembler", `${instName(inst)} over ${distance} bytes was made short`);
          }
          putShortBranch(code, to, inst, this.#fragmentCond.get(i), distance);
        } else {
          copy(code, to, raw, at, at + length);
          put32(code, to + length - 4, distance);
        }
      }
      to += length;
    }
    copy(code, to, raw, from, this.buffer.length);

    const at = this.#moved(this.#refAt.view(), cut);
    for (let i = 0; i < at.length; i++) {
      const field = at[i]!;
      put32(code, field, boundAt(position, this.#refLabel.get(i)) + this.#refAddend.get(i) - field);
    }
  }

  /** Turns ascending raw offsets into offsets in the result, in place. */
  #moved(out: Uint32Array, cut: Int32Array): Uint32Array {
    const fragments = this.#fragmentAt.data;
    const count = this.#fragmentAt.length;
    let fragment = 0;
    for (let i = 0; i < out.length; i++) {
      const raw = out[i]!;
      while (fragment < count && fragments[fragment]! < raw) fragment++;
      out[i] = raw - cut[fragment]!;
    }
    return out;
  }

  #alignment(least: number): number {
    let align = least;
    for (let i = 0; i < this.#fragmentAt.length; i++) {
      if (this.#fragmentKind.get(i) === FRAGMENT_ALIGN) align = Math.max(align, this.#fragmentTarget.get(i));
    }
    for (let i = 0; i < this.#constants.count; i++) align = Math.max(align, this.#constants.size.get(i));
    return this.#tableLabel.length > 0 ? Math.max(align, 4) : align;
  }
}

function boundAt(position: Int32Array, label: Label): number {
  const at = position[label] ?? -1;
  if (at < 0) throw new InternalError("x64 assembler", `label ${label} is used but was never bound`);
  return at;
}

function put32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

/** Copies `source[from, end)` to `target` at `to`; returns the position behind it. Most runs are short: a loop beats `set`. */
function copy(target: Uint8Array, to: number, source: Uint8Array, from: number, end: number): number {
  if (end - from > 64) {
    target.set(source.subarray(from, end), to);
    return to + end - from;
  }
  let p = to;
  for (let i = from; i < end; i++) target[p++] = source[i]!;
  return p;
}
