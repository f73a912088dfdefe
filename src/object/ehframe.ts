/**
 * `.eh_frame`: how to unwind each function, for debuggers, profilers and C++ exceptions that pass through.
 *
 * Receives the unwind rows of compiled functions and where each function is in the text section; appends one CIE and an FDE per
 * function (DWARF 5 section 6.4; LSB core, "Exception Frames") to the object's `.eh_frame`, each with a pc-relative relocation against the
 * text, so that an object and an executable hold the same bytes. No personality: nothing is caught here.
 */

import { ByteWriter } from "../base/bytes.ts";
import { InternalError } from "../base/diagnostics.ts";
import { type CompiledFunction, UnwindOp } from "../codegen/compiled.ts";
import { RelocationType } from "./elf.ts";
import { type ElfObject, type SectionIndex, Sections, type SymbolIndex } from "./writer.ts";

export type UnwindRows = Pick<CompiledFunction, "unwindOffset" | "unwindOp" | "unwindA" | "unwindB">;

const DW_EH_PE_PCREL_SDATA4 = 0x1b;
const DW_EH_PE_UDATA4 = 0x03;
const DW_EH_PE_DATAREL_SDATA4 = 0x3b;

const DW_CFA_NOP = 0x00;
const DW_CFA_ADVANCE_LOC1 = 0x02;
const DW_CFA_ADVANCE_LOC2 = 0x03;
const DW_CFA_ADVANCE_LOC4 = 0x04;
const DW_CFA_REMEMBER_STATE = 0x0a;
const DW_CFA_RESTORE_STATE = 0x0b;
const DW_CFA_DEF_CFA = 0x0c;
const DW_CFA_DEF_CFA_REGISTER = 0x0d;
const DW_CFA_DEF_CFA_OFFSET = 0x0e;
const DW_CFA_ADVANCE_LOC = 0x40;
const DW_CFA_OFFSET = 0x80;
const DW_CFA_RESTORE = 0xc0;

/** x86-64: DWARF numbers of rsp and the return address; registers are saved in slots of 8 bytes below the CFA. */
const RSP = 7;
const RETURN_ADDRESS = 16;
const DATA_ALIGN = -8;

/** Builds `.eh_frame` of one object. */
export class EhFrameBuilder {
  readonly #object: ElfObject;
  readonly #section: SectionIndex;
  readonly #text: SymbolIndex;
  readonly #cie: number;
  // The CFA rule of the row before, to name only what changes; and those that were remembered.
  #register = RSP;
  #offset = 8;
  readonly #remembered: number[] = [];

  /** Begins `.eh_frame` for the functions of section `text`. */
  constructor(object: ElfObject, text: SectionIndex) {
    this.#object = object;
    this.#section = object.section(Sections.ehFrame);
    this.#text = object.sectionSymbol(text);
    object.append(this.#section, new Uint8Array(), 8);
    this.#cie = this.#writeCie();
  }

  get #out(): ByteWriter {
    return this.#object.sections.get(this.#section).data;
  }

  #writeCie(): number {
    const w = this.#out;
    const start = this.#begin();
    w.u32(0);
    w.u8(1);
    w.cstring("zR");
    w.varU32(1);
    w.varS32(DATA_ALIGN);
    w.varU32(RETURN_ADDRESS);
    w.varU32(1);
    w.u8(DW_EH_PE_PCREL_SDATA4);
    w.u8(DW_CFA_DEF_CFA);
    w.varU32(RSP);
    w.varU32(8);
    w.u8(DW_CFA_OFFSET | RETURN_ADDRESS);
    w.varU32(1);
    this.#end(start);
    return start;
  }

  /** Begins an entry: room for its length. */
  #begin(): number {
    const w = this.#out;
    w.u32(0);
    return w.length - 4;
  }

  /** Pads the entry and fills in its length. */
  #end(start: number): void {
    const w = this.#out;
    w.align(8, DW_CFA_NOP);
    w.putU32(start, w.length - start - 4);
  }

  /** Adds the function at `offset` of the text section, `length` bytes long. */
  addFunction(offset: number, length: number, rows: UnwindRows): void {
    const w = this.#out;
    const start = this.#begin();
    w.u32(w.length - this.#cie);
    this.#object.addRelocation(this.#section, w.length, RelocationType.R_X86_64_PC32, this.#text, offset);
    w.u32(0);
    w.u32(length);
    w.varU32(0);
    this.#register = RSP;
    this.#offset = 8;
    this.#remembered.length = 0;
    const { unwindOffset, unwindOp, unwindA, unwindB } = rows;
    let at = 0;
    for (let i = 0; i < unwindOffset.length; i++) {
      const next = unwindOffset[i] ?? 0;
      // Nothing can be unwound from behind the last instruction.
      if (next >= length) break;
      if (next < at) throw new InternalError("eh_frame", `unwind row ${i} goes back from ${at} to ${next}`);
      this.#advance(next - at);
      at = next;
      this.#row(unwindOp[i] ?? 0, unwindA[i] ?? 0, unwindB[i] ?? 0);
    }
    this.#end(start);
  }

  #advance(delta: number): void {
    const w = this.#out;
    if (delta === 0) return;
    if (delta < 0x40) w.u8(DW_CFA_ADVANCE_LOC | delta);
    else if (delta < 0x100) {
      w.u8(DW_CFA_ADVANCE_LOC1);
      w.u8(delta);
    } else if (delta < 0x1_0000) {
      w.u8(DW_CFA_ADVANCE_LOC2);
      w.u16(delta);
    } else {
      w.u8(DW_CFA_ADVANCE_LOC4);
      w.u32(delta);
    }
  }

  #row(op: number, a: number, b: number): void {
    const w = this.#out;
    switch (op) {
      case UnwindOp.defCfa:
        this.#defCfa(a, b);
        break;
      case UnwindOp.saved: {
        const slot = b / DATA_ALIGN;
        if (!Number.isInteger(slot) || slot < 0 || a < 0 || a > 63) {
          throw new InternalError("eh_frame", `register ${a} cannot be saved at CFA ${b}`);
        }
        w.u8(DW_CFA_OFFSET | a);
        w.varU32(slot);
        break;
      }
      case UnwindOp.restored:
        w.u8(DW_CFA_RESTORE | (a & 63));
        break;
      case UnwindOp.remember:
        this.#remembered.push(this.#register, this.#offset);
        w.u8(DW_CFA_REMEMBER_STATE);
        break;
      case UnwindOp.restore: {
        const offset = this.#remembered.pop();
        const register = this.#remembered.pop();
        if (offset === undefined || register === undefined) {
          throw new InternalError("eh_frame", "restore without remember");
        }
        this.#offset = offset;
        this.#register = register;
        w.u8(DW_CFA_RESTORE_STATE);
        break;
      }
      default:
        throw new InternalError("eh_frame", `no unwind row has the kind ${op}`);
    }
  }

  #defCfa(register: number, offset: number): void {
    const w = this.#out;
    if (offset < 0) throw new InternalError("eh_frame", `the CFA cannot be at ${offset}`);
    if (register === this.#register && offset === this.#offset) return;
    if (register === this.#register) {
      w.u8(DW_CFA_DEF_CFA_OFFSET);
      w.varU32(offset);
    } else if (offset === this.#offset) {
      w.u8(DW_CFA_DEF_CFA_REGISTER);
      w.varU32(register);
    } else {
      w.u8(DW_CFA_DEF_CFA);
      w.varU32(register);
      w.varU32(offset);
    }
    this.#register = register;
    this.#offset = offset;
  }
}

/** Offsets of the FDEs in an `.eh_frame` made by `EhFrameBuilder`. */
export function frameDescriptions(ehFrame: Uint8Array): number[] {
  const view = new DataView(ehFrame.buffer, ehFrame.byteOffset, ehFrame.length);
  const out: number[] = [];
  for (let at = 0; at + 8 <= ehFrame.length; ) {
    const length = view.getUint32(at, true);
    if (length === 0) break;
    if (view.getUint32(at + 4, true) !== 0) out.push(at);
    at += 4 + length;
  }
  return out;
}

/** Bytes of an `.eh_frame_hdr` for `count` FDEs. */
export function frameHeaderSize(count: number): number {
  return 12 + 8 * count;
}

/**
 * `.eh_frame_hdr`: a table of functions by address, for a binary search (LSB core, "`.eh_frame_hdr`"). `ehFrame` is relocated;
 * addresses are those of the two sections.
 */
export function frameHeader(ehFrame: Uint8Array, ehFrameAddress: number, address: number): Uint8Array {
  const view = new DataView(ehFrame.buffer, ehFrame.byteOffset, ehFrame.length);
  const rows = frameDescriptions(ehFrame).map((at) => ({
    // pc_begin is relative to its own field.
    pc: ehFrameAddress + at + 8 + view.getInt32(at + 8, true),
    fde: ehFrameAddress + at,
  }));
  rows.sort((a, b) => a.pc - b.pc);
  const w = new ByteWriter(frameHeaderSize(rows.length));
  w.u8(1);
  w.u8(DW_EH_PE_PCREL_SDATA4);
  w.u8(DW_EH_PE_UDATA4);
  w.u8(DW_EH_PE_DATAREL_SDATA4);
  w.u32(ehFrameAddress - (address + 4));
  w.u32(rows.length);
  for (const { pc, fde } of rows) {
    w.u32(pc - address);
    w.u32(fde - address);
  }
  return w.toBytes();
}
