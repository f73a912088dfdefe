/**
 * The stack frame of one function: where everything is, and the code and unwind rows that make and unmake it.
 *
 * From high to low addresses: stack arguments, return address (rbp + 8), saved rbp (rbp), the context of an entry (rbp - 8), room for
 * a tail call's longer arguments, saved registers, spill slots, explicit slots, outgoing arguments (rsp). rbp - size = rsp, a multiple of
 * 16, all through the body.
 */

// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import type { Func } from "../../ir/function.ts";
import { ContextField } from "../../layout/offsets.ts";
import { UnwindOp } from "../compiled.ts";
import { type AllocatorOutput, FIRST_SLOT, type PReg } from "../regalloc/interface.ts";
import type { Assembler } from "./assembler.ts";
import type { Mem } from "./encoder.ts";
import { Cond, Inst } from "./instructions.ts";
import { DWARF_RBP, DWARF_RSP, dwarfNumber, R11, RBP, RDI, registerBit, RSP } from "./registers.ts";

/** A function that calls nothing and needs no more than this much stack does without the check. */
const UNCHECKED_LEAF = 256;
/** Up to this size the frame is left out of the comparison with the limit. */
const UNCOUNTED_FRAME = 256;
/** The largest alignment of an explicit slot. */
const MAX_SLOT_ALIGN = 16;
/** The largest frame: displacements stay far from 32 bits. */
const MAX_FRAME = 1 << 30;

function alignUp(value: number, alignment: number): number {
  return Math.ceil(value / alignment) * alignment;
}

export interface FrameNeeds {
  readonly incomingBytes: number;
  readonly poppedBytes: number;
  readonly outgoingBytes: number;
  /** Largest stack arguments of a tail call, or -1. */
  readonly tailBytes: number;
  readonly calls: boolean;
}

export class Frame {
  /** rbp - rsp in the body. */
  readonly size: number;
  /** Saved registers, the first just below the fixed part. */
  readonly saved: readonly PReg[];
  readonly needs: FrameNeeds;
  readonly #savedTop: number;
  /** Displacement of spill slot 0 from rbp. */
  readonly #slotBase: number;
  readonly #explicit: Int32Array;
  readonly #entry: boolean;
  readonly #check: boolean;

  constructor(func: Func, output: AllocatorOutput, needs: FrameNeeds) {
    this.needs = needs;
    this.#entry = func.attributes.entry;
    const grows = needs.tailBytes - needs.incomingBytes;
    const saved: PReg[] = [];
    for (let r = 0; r < 16; r++) if (output.usedCalleeSavedInt & registerBit(r)) saved.push(r);
    this.saved = saved;
    let at = Math.max(this.#entry ? 8 : 0, grows > 0 ? grows + 16 : 0);
    this.#savedTop = at;
    at = alignUp(at + 8 * saved.length, 16) + alignUp(8 * output.slotCount, 16);
    this.#slotBase = -at;
    this.#explicit = func.work.i32(func.slots.size);
    let index = 0;
    for (const slot of func.slots) {
      if (slot.align > MAX_SLOT_ALIGN) throw new InternalError("x64 frame", `slot aligned to ${slot.align}`, func.name);
      at = alignUp(at + slot.size, Math.max(slot.align, 8));
      this.#explicit[index++] = -at;
    }
    this.size = alignUp(at + needs.outgoingBytes, 16);
    if (this.size > MAX_FRAME) throw new InternalError("x64 frame", `frame of ${this.size} bytes`, func.name);
    this.#check = func.attributes.stackCheck && (needs.calls || this.size > UNCHECKED_LEAF);
  }

  /** Displacement from rbp of a place that the allocator gave. */
  spill(place: number): number {
    return this.#slotBase + 8 * (place - FIRST_SLOT);
  }
  explicit(slot: number): number {
    return this.#explicit[slot]!;
  }
  incoming(offset: number): number {
    return 16 + offset;
  }
  /**
   * Displacement from rbp of byte `offset` of a tail call's arguments, `bytes` in all, in their final place; those that would lie on the
   * saved rbp and the return address wait below the new frame record.
   */
  tail(bytes: number, offset: number): number {
    const shift = bytes - this.needs.incomingBytes;
    const final = 16 - shift + offset;
    return final >= 0 && final < 16 ? final - shift - 16 : final;
  }

  /** Everything before the body. Returns the label of a stack check's trap, or -1. */
  prologue(asm: Assembler, mem: Mem): number {
    asm.r(Inst.push_r, 8, RBP);
    asm.unwind(UnwindOp.defCfa, DWARF_RSP, 16);
    asm.unwind(UnwindOp.saved, DWARF_RBP, -16);
    asm.rr(Inst.mov_rr, 8, RBP, RSP);
    asm.unwind(UnwindOp.defCfa, DWARF_RBP, 16);
    let exhausted = -1;
    if (this.#check) {
      exhausted = asm.newLabel();
      let pointer = RSP;
      if (this.size > UNCOUNTED_FRAME) {
        pointer = R11;
        asm.rm(Inst.lea, 8, R11, mem.setBase(RSP, -this.size));
      }
      asm.rm(Inst.cmp_rm, 8, pointer, mem.setBase(RDI, ContextField.stackLimit));
      asm.jcc(Cond.b, exhausted);
    }
    if (this.size > 0) asm.ri(Inst.sub_ri, 8, RSP, this.size);
    if (this.#entry) asm.rm(Inst.mov_mr, 8, RDI, mem.setBase(RBP, -8));
    for (let i = 0; i < this.saved.length; i++) {
      const register = this.saved[i]!;
      asm.rm(Inst.mov_mr, 8, register, mem.setBase(RBP, this.#savedAt(i)));
      asm.unwind(UnwindOp.saved, dwarfNumber(register), this.#savedAt(i) - 16);
    }
    return exhausted;
  }

  #savedAt(i: number): number {
    return -(this.#savedTop + 8 * (i + 1));
  }

  #restoreSaved(asm: Assembler, mem: Mem): void {
    for (let i = 0; i < this.saved.length; i++)
      asm.rm(Inst.mov_rm, 8, this.saved[i]!, mem.setBase(RBP, this.#savedAt(i)));
  }

  /** Says that the callee-saved registers hold their caller's values: behind their restoration, or where they were never saved. */
  savedAreRestored(asm: Assembler): void {
    for (const register of this.saved) asm.unwind(UnwindOp.restored, dwarfNumber(register));
  }

  /** Behind the pop of rbp: only the return address is left. */
  #popped(asm: Assembler): void {
    asm.unwind(UnwindOp.defCfa, DWARF_RSP, 8);
    asm.unwind(UnwindOp.restored, DWARF_RBP);
  }

  /** Back to the caller. The body's unwind state holds again behind it. */
  epilogue(asm: Assembler, mem: Mem): void {
    asm.unwind(UnwindOp.remember);
    this.#restoreSaved(asm, mem);
    this.savedAreRestored(asm);
    if (this.size > 0) asm.none(Inst.leave);
    else asm.r(Inst.pop_r, 8, RBP);
    this.#popped(asm);
    if (this.needs.poppedBytes > 0) asm.i(Inst.ret_i, this.needs.poppedBytes);
    else asm.none(Inst.ret);
    asm.unwind(UnwindOp.restore);
  }

  /**
   * Leaves the frame for a tail call whose stack arguments are in place: moves the frame record (saved rbp and return address) to
   * just below them, and pops rbp. `jump` writes the jump. Destroys r11.
   */
  tailEpilogue(asm: Assembler, mem: Mem, bytes: number, jump: () => void): void {
    asm.unwind(UnwindOp.remember);
    this.#restoreSaved(asm, mem);
    this.savedAreRestored(asm);
    const shift = bytes - this.needs.incomingBytes;
    if (shift === 0) {
      if (this.size > 0) asm.none(Inst.leave);
      else asm.r(Inst.pop_r, 8, RBP);
    } else {
      this.#copy(asm, mem, 8, 8 - shift);
      this.#copy(asm, mem, 0, -shift);
      asm.rm(Inst.lea, 8, RSP, mem.setBase(RBP, -shift));
      asm.unwind(UnwindOp.defCfa, DWARF_RSP, 16);
      if (shift > 0) {
        // These two wait in the red zone.
        this.#copy(asm, mem, -shift - 16, 0);
        this.#copy(asm, mem, -shift - 8, 8);
      }
      asm.r(Inst.pop_r, 8, RBP);
    }
    this.#popped(asm);
    jump();
    asm.unwind(UnwindOp.restore);
  }

  #copy(asm: Assembler, mem: Mem, from: number, to: number): void {
    asm.rm(Inst.mov_rm, 8, R11, mem.setBase(RBP, from));
    asm.rm(Inst.mov_mr, 8, R11, mem.setBase(RBP, to));
  }

  /** Puts rsp where the body has it. */
  restoreStackPointer(asm: Assembler, mem: Mem): void {
    asm.rm(Inst.lea, 8, RSP, mem.setBase(RBP, -this.size));
  }
}
