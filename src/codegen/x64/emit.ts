/**
 * From an allocated machine function to bytes: prologue, blocks in order with the allocator's edits, and out-of-line trap sites.
 *
 * Receives the machine function with a place for every operand; expands pseudo operations; resolves addresses in the frame. Blocks
 * that are nothing but a jump disappear: branches to them go on to where they lead.
 *
 * Guarantees: unwind rows that hold at every instruction boundary; a trap or call row for each place that needs one; edits change no
 * flags, so that a compare and its reader may have edits between them.
 */

// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import { truncate } from "../../base/truncate.ts";
import type { Func } from "../../ir/function.ts";
import { LANDING_OFFSET } from "../../layout/offsets.ts";
import { Trap } from "../../layout/traps.ts";
import type { BlockGraph } from "../blocks.ts";
import { RelocKind } from "../compiled.ts";
import { emissionOrder } from "../rotate.ts";
import { MEM_BASE, MEM_INDEX, MEM_SCALE, type MachineFunction, MemKind } from "../machine.ts";
import { type AllocatorOutput, EditKind, FIRST_SLOT, OperandKind, type PReg, RegClass } from "../regalloc/interface.ts";
import type { Assembler, Label } from "./assembler.ts";
import {
  emitFromSigned,
  emitFromUint64,
  emitMinMax,
  emitToSignedSaturated,
  emitToUint32Saturated,
  emitToUint64,
  emitToUint64Saturated,
} from "./emit-float.ts";
import { emitCopyWide, emitCopyWidest, emitHasWideCopy } from "./emit-wide.ts";
import { Mem, NO_REG } from "./encoder.ts";
import { SHAPE, Shape } from "./encoding.ts";
import type { Frame } from "./frame.ts";
import { Cond, Inst } from "./instructions.ts";
import {
  COND_FLOAT_EQ,
  COND_FLOAT_NE,
  FIRST_PSEUDO,
  MEMORY_FORM,
  Pseudo,
  pseudoName,
  ROW_FLAGS,
  ROW_TIED,
} from "./mops.ts";
import { R11, RAX, RBP, RCX, RDX, RSP } from "./registers.ts";

/** `raise`: the first function of every program. */
const RAISE = 0;

/** Writes one function. */
export class Emitter {
  readonly #func: Func;
  readonly #graph: BlockGraph;
  readonly #m: MachineFunction;
  readonly #out: AllocatorOutput;
  readonly #frame: Frame;
  readonly #asm: Assembler;
  readonly #mem = new Mem();
  /** For the slot of an operand, while `#mem` may hold another address. */
  readonly #slot = new Mem();

  /** Where a jump to block b ends up, jumps-only blocks skipped. */
  readonly #target: Int32Array;
  #firstLabel: Label = 0;

  /** Out-of-line traps: label, code, location. */
  readonly #traps: number[] = [];

  // The instruction being emitted.
  #raw = 0;
  #first = 0;
  #block = 0;
  /** The next block that has code, or -1. */
  #next = -1;
  /** The last instruction was a call of `raise`: its return address may not be that of an access that faults. */
  #raised = false;

  constructor(func: Func, graph: BlockGraph, m: MachineFunction, out: AllocatorOutput, frame: Frame, asm: Assembler) {
    this.#func = func;
    this.#graph = graph;
    this.#m = m;
    this.#out = out;
    this.#frame = frame;
    this.#asm = asm;
    this.#target = this.#threadJumps();
  }

  emit(): void {
    const asm = this.#asm;
    const blocks = this.#graph.blockCount;
    this.#firstLabel = asm.newLabel();
    for (let b = 1; b < blocks; b++) asm.newLabel();
    const exhausted = this.#frame.prologue(asm, this.#mem);
    const { work } = this.#func;
    const order = emissionOrder(this.#graph, this.#target, work);
    const edits = this.#firstEdits(blocks);
    for (let k = 0; k < order.length; k++) {
      const b = order[k]!;
      asm.bind(this.#firstLabel + b);
      this.#block = b;
      this.#next = k + 1 < order.length ? order[k + 1]! : -1;
      this.#emitBlock(b, edits[b]!);
    }
    for (let i = 0; i < this.#traps.length; i += 3) {
      asm.bind(this.#traps[i]!);
      this.#raise(this.#traps[i + 1]!, this.#traps[i + 2]!);
    }
    if (exhausted >= 0) {
      // Last, because here nothing has been saved yet.
      this.#frame.savedAreRestored(asm);
      asm.bind(exhausted);
      this.#raise(Trap.stack_exhausted, 0);
    }
  }

  /** By block: its first edit, or the one behind the last. */
  #firstEdits(blocks: number): Int32Array {
    const { blockStart } = this.#m;
    const { editPosition } = this.#out;
    const first = this.#func.work.roomForWords(blocks);
    let edit = 0;
    for (let b = 0; b < blocks; b++) {
      while (editPosition[edit]! < 2 * blockStart[b]!) edit++;
      first[b] = edit;
    }
    return first;
  }

  /** Blocks that hold one jump and no edits lead to their successor; a cycle of such blocks keeps one of them. */
  #threadJumps(): Int32Array {
    const { blockStart, op, order, instCount } = this.#m;
    const { editPosition } = this.#out;
    const { succStart, succ, blockCount } = this.#graph;
    const edited = this.#func.work.bytes(instCount);
    for (let e = 0; e < editPosition.length; e++) edited[editPosition[e]! >> 1] = 1;
    const target = this.#func.work.words(blockCount, -1);
    const path: number[] = [];
    for (let b = 0; b < blockCount; b++) {
      let at = b;
      truncate(path, 0);
      // -2 marks the blocks of the current path.
      while (target[at] === -1) {
        const i = blockStart[at]!;
        const isJump = blockStart[at + 1]! === i + 1 && op[order[i]!] === Pseudo.jump && edited[i] === 0;
        target[at] = isJump ? -2 : at;
        if (!isJump) break;
        path.push(at);
        at = succ[succStart[at]!]!;
      }
      if (target[at] === -2) target[at] = at;
      const end = target[at]!;
      for (const p of path) if (target[p] === -2) target[p] = end;
    }
    return target;
  }

  #emitBlock(b: number, firstEdit: number): void {
    const m = this.#m;
    const { editPosition, skipped } = this.#out;
    let edit = firstEdit;
    const end = m.blockStart[b + 1]!;
    for (let i = m.blockStart[b]!; i < end; i++) {
      while (editPosition[edit]! <= 2 * i) this.#emitEdit(edit++);
      if (skipped[i] === 0) {
        this.#raw = m.order[i]!;
        this.#first = m.operandStart[i]!;
        const op = m.op[this.#raw]!;
        if (this.#raised && m.trap[this.#raw] !== 0) this.#asm.none(Inst.nop);
        this.#raised = false;
        if (op < FIRST_PSEUDO) this.#emitRow(op);
        else this.#emitPseudo(op, i);
      }
      while (editPosition[edit]! <= 2 * i + 1) this.#emitEdit(edit++);
    }
  }

  // Operands.

  #place(k: number): number {
    return this.#out.operandPlace[this.#first + k]!;
  }

  /** The memory operand of the current instruction. */
  #memory(): Mem {
    const m = this.#m;
    const raw = this.#raw;
    const mem = this.#mem;
    const parts = m.memParts[raw]!;
    const disp = m.memDisp[raw]!;
    const symbol = m.memSymbol[raw]!;
    const count = m.firstOperand[raw + 1]! - m.firstOperand[raw]!;
    const index = parts & MEM_INDEX ? this.#place(count - 1) : NO_REG;
    const scale = 1 << (parts & MEM_SCALE);
    switch (m.memKind[raw]) {
      case MemKind.registers:
        return mem.setIndexed(
          parts & MEM_BASE ? this.#place(count - (index >= 0 ? 2 : 1)) : NO_REG,
          index,
          scale,
          disp,
        );
      case MemKind.func:
        return mem.setSymbol(RelocKind.func, symbol, disp);
      case MemKind.data:
        return mem.setSymbol(RelocKind.data, symbol, disp);
      case MemKind.textBase:
        return mem.setSymbol(RelocKind.textBase, 0, disp);
      case MemKind.slot:
        return mem.setIndexed(RBP, index, scale, this.#frame.explicit(symbol) + disp);
      case MemKind.incoming:
        return mem.setBase(RBP, this.#frame.incoming(disp));
      case MemKind.outgoing:
        return mem.setBase(RSP, disp);
      case MemKind.tail:
        return mem.setBase(RBP, this.#frame.tail(symbol, disp));
      case MemKind.constant:
        return mem.setLabel(symbol, disp);
      default:
        throw new InternalError("x64 emission", `memory operand of kind ${m.memKind[raw]}`, this.#func.name);
    }
  }

  #slotOf(place: number): Mem {
    return this.#slot.setBase(RBP, this.#frame.spill(place));
  }

  // Edits.

  #emitEdit(e: number): void {
    const { editKind, editFrom, editTo, editClass } = this.#out;
    const from = editFrom[e]!;
    const to = editTo[e]!;
    if (editKind[e] === EditKind.remat) this.#rematerialize(from, to);
    else this.#move(from, to, (editClass[e]! & 1) === RegClass.int, editClass[e]! >> 4);
  }

  #move(from: number, to: number, isInt: boolean, size: number): void {
    const asm = this.#asm;
    if (from < FIRST_SLOT && to < FIRST_SLOT) {
      if (isInt) asm.rr(Inst.mov_rr, 8, to, from);
      else asm.rr(Inst.movaps_rr, 0, to, from);
    } else if (to < FIRST_SLOT) {
      asm.rm(isInt ? Inst.mov_rm : size === 16 ? Inst.movaps_rm : Inst.movsd_rm, 8, to, this.#slotOf(from));
    } else if (from < FIRST_SLOT) {
      asm.rm(isInt ? Inst.mov_mr : size === 16 ? Inst.movaps_mr : Inst.movsd_mr, 8, from, this.#slotOf(to));
    } else throw new InternalError("x64 emission", "a move from slot to slot", this.#func.name);
  }

  /** A load of `PROBE_LENGTH` bytes into r11. */
  #probe(address: PReg, to: PReg, trap: number, location: number): void {
    const asm = this.#asm;
    // Others are longer as a base.
    const isShort = (address & 7) !== RSP && (address & 7) !== RBP;
    if (!isShort) asm.rr(Inst.mov_rr, 8, R11, address);
    asm.trap(trap, location);
    asm.rm(Inst.mov_rm, 8, R11, this.#mem.setBase(isShort ? address : R11, 0));
    asm.rr(Inst.mov_rr, 8, to, R11);
  }

  /** Runs instruction i, which reads no register, for the register `to`. */
  #rematerialize(i: number, to: PReg): void {
    const m = this.#m;
    const asm = this.#asm;
    const raw = m.order[i]!;
    const op = m.op[raw]!;
    const saved = this.#raw;
    this.#raw = raw;
    if (op === Pseudo.constant) asm.ri(Inst.mov_ri, 8, to, m.imm[raw]!, m.imm2[raw]!);
    else if (op === Pseudo.read_register) asm.rr(Inst.mov_rr, 8, to, m.imm[raw]!);
    else if (op === Pseudo.zero_float) asm.rr(Inst.xorps_rr, 0, to, to);
    else asm.rm(op, m.size[raw]!, to, this.#memory());
    this.#raw = saved;
  }

  // Rows of the instruction table.

  #emitRow(op: number): void {
    const m = this.#m;
    const asm = this.#asm;
    const raw = this.#raw;
    const size = m.size[raw]!;
    const imm = m.imm[raw]!;
    this.#markTrap();
    const second = (ROW_FLAGS[op]! & ROW_TIED) !== 0 ? 2 : 1;
    switch (SHAPE[op]) {
      case Shape.none:
        return asm.none(op, size);
      case Shape.r:
        return asm.r(op, size, this.#place(0), imm);
      case Shape.m:
        return asm.m(op, size, this.#memory());
      case Shape.rr: {
        const b = this.#place(second);
        // The condition of cmov is in imm.
        if (b >= FIRST_SLOT) asm.rm(MEMORY_FORM[op]!, size, this.#place(0), this.#slotOf(b), imm);
        else asm.rr(op, size, this.#place(0), b, imm);
        return;
      }
      case Shape.rm:
        return asm.rm(op, size, this.#place(op === Inst.lock_cmpxchg_mr ? 2 : 0), this.#memory(), imm);
      case Shape.ri: {
        const a = this.#place(0);
        if (a >= FIRST_SLOT) asm.mi(MEMORY_FORM[op]!, size, this.#slotOf(a), imm);
        else asm.ri(op, size, a, imm);
        return;
      }
      case Shape.mi:
        return asm.mi(op, size, this.#memory(), imm);
      case Shape.rri:
        return asm.rri(op, size, this.#place(0), this.#place(second), imm);
      case Shape.rmi:
        return asm.rmi(op, size, this.#place(0), this.#memory(), imm);
      default:
        throw new InternalError("x64 emission", `instruction ${op} has an unexpected shape`, this.#func.name);
    }
  }

  // Pseudo operations.

  #emitPseudo(op: number, i: number): void {
    const m = this.#m;
    const asm = this.#asm;
    const raw = this.#raw;
    const size = m.size[raw]!;
    const imm = m.imm[raw]!;
    const double = size === 8;
    switch (op) {
      case Pseudo.params:
        return;
      case Pseudo.constant:
        if (imm === 0 && m.imm2[raw] === 0) asm.rr(Inst.xor_rr, 4, this.#place(0), this.#place(0));
        else asm.ri(Inst.mov_ri, 8, this.#place(0), imm, m.imm2[raw]!);
        return;
      case Pseudo.zero_float:
        return asm.rr(Inst.xorps_rr, 0, this.#place(0), this.#place(0));
      case Pseudo.read_register:
        return asm.rr(Inst.mov_rr, 8, this.#place(0), imm);
      case Pseudo.probe:
        return this.#probe(this.#place(1), this.#place(0), m.trap[raw]!, m.loc[raw]!);
      case Pseudo.zero_extend:
        return asm.rr(Inst.mov_rr, 4, this.#place(0), this.#place(1));
      case Pseudo.set_condition:
        return this.#setCondition(imm, this.#place(0));
      case Pseudo.select_unequal:
        asm.rr(Inst.cmovcc_rr, size, this.#place(0), this.#place(2), Cond.ne);
        return asm.rr(Inst.cmovcc_rr, size, this.#place(0), this.#place(2), Cond.p);
      case Pseudo.select_float:
        return this.#selectFloat(imm, this.#place(0), this.#place(2));
      case Pseudo.sdiv:
        asm.none(Inst.cdq, size);
        return asm.r(Inst.idiv_r, size, this.#place(2));
      case Pseudo.udiv:
      case Pseudo.urem:
        asm.rr(Inst.xor_rr, 4, RDX, RDX);
        return asm.r(Inst.div_r, size, this.#place(2));
      case Pseudo.srem:
        return this.#signedRemainder(size, this.#place(2), imm === 1);
      case Pseudo.mul_high:
        return asm.r(Inst.mul_r, 8, this.#place(2));
      case Pseudo.smul_high:
        return asm.r(Inst.imul1_r, 8, this.#place(2));
      case Pseudo.float_min:
        return emitMinMax(asm, imm === 1, double, this.#place(0), this.#place(2));
      case Pseudo.from_sint:
        return emitFromSigned(asm, double, imm, this.#place(0), this.#place(1));
      case Pseudo.from_uint64:
        return emitFromUint64(asm, double, this.#place(0), this.#place(1));
      case Pseudo.to_sint_sat:
        return emitToSignedSaturated(asm, double, imm, this.#place(0), this.#place(1));
      case Pseudo.to_uint32_sat:
        return emitToUint32Saturated(asm, double, this.#place(0), this.#place(1));
      case Pseudo.to_uint64_sat:
        return emitToUint64Saturated(asm, this.#mem, double, this.#place(0), this.#place(1));
      case Pseudo.to_uint64:
        return emitToUint64(asm, this.#mem, double, this.#place(0), this.#place(1));
      case Pseudo.atomic_update:
        return this.#atomicUpdate(imm, size, this.#place(1));
      case Pseudo.copy_wide:
        return emitCopyWide(asm);
      case Pseudo.copy_widest:
        return emitCopyWidest(asm);
      case Pseudo.has_wide_copy:
        return emitHasWideCopy(asm);
      default:
        return this.#emitControl(op, i);
    }
  }

  /** Until no other thread comes between: rax = [m]; r11 = rax op x; [m] = r11 if it holds rax still. */
  #atomicUpdate(op: number, size: number, x: PReg): void {
    const asm = this.#asm;
    const mem = this.#memory();
    const again = asm.newLabel();
    this.#markTrap();
    asm.rm(size === 1 ? Inst.movzx8_rm : size === 2 ? Inst.movzx16_rm : Inst.mov_rm, Math.max(size, 4), RAX, mem);
    asm.bind(again);
    asm.rr(Inst.mov_rr, 8, R11, RAX);
    asm.rr(op, 8, R11, x);
    this.#markTrap();
    asm.rm(Inst.lock_cmpxchg_mr, size, R11, mem);
    asm.jcc(Cond.ne, again);
  }

  /** The next instruction may fault, if the current one may. */
  #markTrap(): void {
    const { trap, loc } = this.#m;
    if (trap[this.#raw] !== 0) this.#asm.trap(trap[this.#raw]!, loc[this.#raw]!);
  }

  /** d = cc ? 1 : 0 */
  #setCondition(cc: number, d: PReg): void {
    const asm = this.#asm;
    if (cc >= COND_FLOAT_EQ) {
      const equal = cc === COND_FLOAT_EQ;
      asm.r(Inst.setcc_r, 1, R11, equal ? Cond.np : Cond.p);
      asm.r(Inst.setcc_r, 1, d, equal ? Cond.e : Cond.ne);
      asm.rr(equal ? Inst.and_rr : Inst.or_rr, 4, d, R11);
    } else asm.r(Inst.setcc_r, 1, d, cc);
    asm.rr(Inst.movzx8_rr, 4, d, d);
  }

  /** To `label` when the condition holds. */
  #jumpIf(cc: number, label: Label): void {
    const asm = this.#asm;
    if (cc === COND_FLOAT_NE) {
      asm.jcc(Cond.ne, label);
      asm.jcc(Cond.p, label);
    } else if (cc === COND_FLOAT_EQ) {
      const skip = asm.newLabel();
      asm.jcc(Cond.ne, skip);
      asm.jcc(Cond.np, label);
      asm.bind(skip);
    } else asm.jcc(cc, label);
  }

  #selectFloat(cc: number, d: PReg, b: PReg): void {
    const asm = this.#asm;
    const skip = asm.newLabel();
    this.#jumpIf(cc ^ 1, skip);
    asm.rr(Inst.movaps_rr, 0, d, b);
    asm.bind(skip);
  }

  /** rdx = rax % divisor; 0 for -1, which idiv might fault on. */
  #signedRemainder(size: number, divisor: PReg, check: boolean): void {
    const asm = this.#asm;
    if (!check) {
      asm.none(Inst.cdq, size);
      asm.r(Inst.idiv_r, size, divisor);
      return;
    }
    const done = asm.newLabel();
    asm.rr(Inst.xor_rr, 4, RDX, RDX);
    asm.ri(Inst.cmp_ri, size, divisor, -1);
    asm.jcc(Cond.e, done);
    asm.none(Inst.cdq, size);
    asm.r(Inst.idiv_r, size, divisor);
    asm.bind(done);
  }

  // Control.

  #raise(code: number, loc: number): void {
    this.#asm.callSymbol(RAISE);
    this.#asm.trap(code, loc);
    this.#raised = true;
  }

  /** The label of the successor number k of the current block. */
  #successor(k: number): number {
    return this.#target[this.#graph.succ[this.#graph.succStart[this.#block]! + k]!]!;
  }

  #emitControl(op: number, i: number): void {
    const m = this.#m;
    const asm = this.#asm;
    const raw = this.#raw;
    const imm = m.imm[raw]!;
    const imm2 = m.imm2[raw]!;
    switch (op) {
      case Pseudo.jump:
        if (this.#successor(0) !== this.#next) asm.jmp(this.#firstLabel + this.#successor(0));
        return;
      case Pseudo.branch:
        return this.#branch(imm);
      case Pseudo.branch_table:
        return this.#branchTable(imm, imm2);
      case Pseudo.return:
        return this.#frame.epilogue(asm, this.#mem);
      case Pseudo.trap:
        return this.#raise(m.trap[raw]!, m.loc[raw]!);
      case Pseudo.trap_if: {
        const label = asm.newLabel();
        this.#traps.push(label, m.trap[raw]!, m.loc[raw]!);
        return this.#jumpIf(imm, label);
      }
      case Pseudo.call:
        asm.callSymbol(imm);
        return this.#afterCall(imm2);
      case Pseudo.call_register:
        asm.r(Inst.call_r, 8, this.#firstUse(i));
        return this.#afterCall(imm2);
      case Pseudo.call_catch:
        asm.callSymbol(imm);
        return this.#landing();
      case Pseudo.call_catch_register:
        asm.r(Inst.call_r, 8, this.#firstUse(i));
        return this.#landing();
      case Pseudo.call_on_stack:
        if (imm2 === 0) asm.rr(Inst.mov_rr, 8, RSP, this.#firstUse(i));
        else asm.rm(Inst.lea, 8, RSP, this.#mem.setBase(this.#firstUse(i), -imm2));
        asm.callSymbol(imm);
        asm.callSite(m.loc[raw]!);
        return this.#frame.restoreStackPointer(asm, this.#mem);
      case Pseudo.tail_call:
        return this.#frame.tailEpilogue(asm, this.#mem, imm2, () => asm.jmpSymbol(imm));
      case Pseudo.tail_call_register:
        return this.#frame.tailEpilogue(asm, this.#mem, imm2, () => asm.r(Inst.jmp_r, 8, RAX));
      case Pseudo.unwind_to:
        asm.rr(Inst.mov_rr, 4, R11, RDX);
        asm.ri(Inst.add_ri, 8, RAX, LANDING_OFFSET);
        asm.rr(Inst.mov_rr, 8, RBP, RCX);
        return asm.r(Inst.jmp_r, 8, RAX);
      default:
        throw new InternalError("x64 emission", `no code for ${pseudoName(op)}`, this.#func.name);
    }
  }

  /** The register of the first operand that is read. */
  #firstUse(i: number): PReg {
    const m = this.#m;
    let o = m.operandStart[i]!;
    while (m.operandKind[o]! >= OperandKind.def) o++;
    return this.#out.operandPlace[o]!;
  }

  #afterCall(popped: number): void {
    const asm = this.#asm;
    asm.callSite(this.#m.loc[this.#raw]!);
    if (popped > 0) asm.ri(Inst.sub_ri, 8, RSP, popped);
  }

  /** Status in ecx: 0, or r11d of whoever continues behind the first instruction here (`LANDING_OFFSET`). */
  #landing(): void {
    const asm = this.#asm;
    asm.callSite(this.#m.loc[this.#raw]!);
    asm.catchSite();
    asm.rr(Inst.xor_rr, 4, R11, R11);
    this.#frame.restoreStackPointer(asm, this.#mem);
    asm.rr(Inst.mov_rr, 4, RCX, R11);
  }

  #branch(condition: number): void {
    const asm = this.#asm;
    let cc = condition;
    let yes = this.#successor(0);
    let no = this.#successor(1);
    if (yes === this.#next && no !== yes) {
      [yes, no] = [no, yes];
      cc ^= 1;
    }
    if (yes !== no) this.#jumpIf(cc, this.#firstLabel + yes);
    if (no !== this.#next) asm.jmp(this.#firstLabel + no);
  }

  /** The block of entry k of a br_table. */
  #tableTarget(inst: number, k: number): number {
    const edge = this.#graph.tableEdge.get(this.#func.b.get(inst) + k);
    if (edge === undefined) throw new InternalError("x64 emission", "a br_table without edges", this.#func.name);
    return this.#successor(edge);
  }

  #jumpTable(inst: number, entries: number): Label {
    const labels = this.#func.work.i32(entries);
    for (let k = 0; k < entries; k++) labels[k] = this.#firstLabel + this.#tableTarget(inst, k);
    return this.#asm.jumpTable(labels);
  }

  /** An index that is too large reads entry 0 if the processor runs on: it must not choose what is read, and where to go. */
  #branchTable(entries: number, inst: number): void {
    const asm = this.#asm;
    const table = this.#place(0);
    asm.rr(Inst.mov_rr, 4, R11, this.#place(1));
    asm.rr(Inst.xor_rr, 4, table, table);
    asm.ri(Inst.cmp_ri, 4, R11, entries);
    asm.jcc(Cond.ae, this.#firstLabel + this.#tableTarget(inst, entries));
    asm.rr(Inst.cmovcc_rr, 4, R11, table, Cond.ae);
    asm.rm(Inst.lea, 8, table, this.#mem.setLabel(this.#jumpTable(inst, entries)));
    asm.rm(Inst.movsxd_rm, 8, R11, this.#mem.setIndexed(table, R11, 4, 0));
    asm.rr(Inst.add_rr, 8, R11, table);
    asm.r(Inst.jmp_r, 8, R11);
  }
}
