/**
 * What the selection rules of x64 are written in: questions about the instruction being selected and the values it reads, and
 * helpers that append machine instructions.
 *
 * A rule (`rules.ts`) first asks (`when`): questions change nothing but the selector's match registers (`k`, `kHi`, `x`, `y`, `shift`).
 * Then it acts (`emit`), as the only rule of this instruction. Only acting marks values as needed or loads as sunk.
 *
 * A load may move down to the instruction that it is folded into only if no effect lies between and nobody else reads it; then its
 * trap row moves with it.
 */

// hot loop: indices are in range by construction

import { entity } from "../../base/entity.ts";
import { fitsI32 } from "../../base/int64.ts";
import type { Inst as IrInst, Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { ACCESS_TRAPS, Access, accessOf, FLAG_COMMUTATIVE, INT_CC_SWAPPED, IntCC, OP_FLAGS, Op } from "../../ir/ops.ts";
import { F32, F64, I32, I64, V128 } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import type { Lowering } from "../lowering.ts";
import { DEF, DEF_TIED, MEM_BASE, MEM_INDEX, type MachineFunction, MemKind, USE, USE_ANY } from "../machine.ts";
import type { CallNeeds } from "./abi.ts";
import type { Assembler } from "./assembler.ts";
import { Cond, Inst } from "./instructions.ts";
import { MEMORY_FORM, Pseudo } from "./mops.ts";

/** Instruction set extensions that may be used beyond x86-64-v2. */
export interface Features {
  readonly lzcnt: boolean;
  readonly bmi1: boolean;
}

/** Depth of address arithmetic that is looked through. */
const ADDRESS_STEPS = 8;

/** `Cond` per IntCC. */
const COND_OF_INT_CC: readonly number[] = [
  Cond.e,
  Cond.ne,
  Cond.l,
  Cond.ge,
  Cond.g,
  Cond.le,
  Cond.b,
  Cond.ae,
  Cond.a,
  Cond.be,
];

export function condOf(intCC: number): number {
  return COND_OF_INT_CC[intCC]!;
}

export class Selector {
  readonly l: Lowering;
  readonly m: MachineFunction;
  readonly asm: Assembler;
  readonly features: Features;
  readonly calls: CallNeeds;
  /** Counters of the rules, by number. */
  readonly fired: Uint32Array;

  // The instruction being selected; values are resolved.
  inst = 0;
  op = 0;
  type = 0;
  a: Value = entity<Value>(0);
  b: Value = entity<Value>(0);
  c: Value = entity<Value>(0);
  lo = 0;
  hi = 0;
  loc = 0;
  /** Operand size in bytes of the controlling type. */
  size = 0;
  /** Effects before the root: a load with the same number can be folded into it. */
  position = 0;

  // Match registers of the questions.
  k = 0;
  kHi = 0;
  x: Value = entity<Value>(0);
  y: Value = entity<Value>(0);
  shift = 0;
  /** Successor edges of the block whose terminator is being selected. */
  edges = 0;
  /** Condition that a compare rule left in the flags. */
  cc = 0;

  // The address that `address` found.
  #memKind = 0;
  #memBase = -1;
  #memIndex = -1;
  #memScale = 0;
  #memDisp = 0;
  #memSymbol = 0;
  #memTraps = false;
  #memLoc = 0;

  constructor(lowering: Lowering, asm: Assembler, features: Features, calls: CallNeeds, fired: Uint32Array) {
    this.l = lowering;
    this.m = lowering.machine;
    this.asm = asm;
    this.features = features;
    this.calls = calls;
    this.fired = fired;
  }

  /** Makes `inst` the instruction that questions are about, as a root. */
  start(inst: IrInst): void {
    this.position = this.l.effects[inst]!;
    this.look(inst);
  }

  /** Makes `inst`, which becomes part of the current root, the instruction that questions are about. */
  look(inst: number): void {
    const { func } = this.l;
    this.inst = inst;
    this.op = func.op.get(inst);
    this.type = func.type.get(inst);
    const a = func.a.get(inst);
    const b = func.b.get(inst);
    const c = func.c.get(inst);
    // Entities other than values (callees, lists) have no aliases to follow: their rules read the columns themselves.
    this.a = a >= 0 && a < func.valueCount ? func.resolve(entity<Value>(a)) : entity<Value>(a);
    this.b = b >= 0 && b < func.valueCount ? func.resolve(entity<Value>(b)) : entity<Value>(b);
    this.c = c >= 0 && c < func.valueCount ? func.resolve(entity<Value>(c)) : entity<Value>(c);
    this.lo = func.lo.get(inst);
    this.hi = func.hi.get(inst);
    this.loc = func.loc.get(inst);
    this.size = this.type === I32 || this.type === F32 ? 4 : this.type === V128 ? 16 : 8;
    if ((OP_FLAGS[this.op]! & FLAG_COMMUTATIVE) !== 0) this.#canonicalOrder();
  }

  /** Constants, then foldable loads, to the right. */
  #canonicalOrder(): void {
    const swap = this.isConstant(this.a)
      ? !this.isConstant(this.b)
      : this.isLoad(this.a) && !this.isLoad(this.b) && !this.isConstant(this.b);
    if (swap) [this.a, this.b] = [this.b, this.a];
  }

  // Questions.

  /** The op that defines `value`, or -1. */
  defOp(value: Value): number {
    const def = this.l.definition(value);
    return def === NONE ? -1 : this.l.func.op.get(def);
  }
  typeOf(value: Value): number {
    return this.l.func.valueType.get(value);
  }
  get isI32(): boolean {
    return this.type === I32;
  }
  get isI64(): boolean {
    return this.type === I64;
  }
  get isF32(): boolean {
    return this.type === F32;
  }
  get isF64(): boolean {
    return this.type === F64;
  }
  /** Nobody else reads it. */
  isSingle(value: Value): boolean {
    return this.l.uses[value] === 1;
  }
  isConstant(value: Value): boolean {
    return this.defOp(value) === Op.iconst;
  }
  /** An integer constant: k, kHi; an i32 is sign-extended. */
  constant(value: Value): boolean {
    const def = this.l.definition(value);
    if (def === NONE || this.l.func.op.get(def) !== Op.iconst) return false;
    this.k = this.l.func.lo.get(def);
    this.kHi = this.typeOf(value) === I32 ? this.k >> 31 : this.l.func.hi.get(def);
    return true;
  }
  /** A constant that an instruction can hold: k. */
  imm32(value: Value): boolean {
    return this.constant(value) && fitsI32(this.k, this.kHi);
  }
  isValue(value: Value, constant: number): boolean {
    return this.imm32(value) && this.k === constant;
  }

  /** A load that can be folded into the root, as an operand of this size. */
  isFoldable(value: Value, size: number): boolean {
    const { l } = this;
    const def = l.definition(value);
    if (def === NONE || l.func.op.get(def) !== Op.load || l.uses[value] !== 1) return false;
    const flags = l.func.hi.get(def);
    const access = accessOf(flags);
    const type = l.func.type.get(def);
    const bytes = access === Access.full ? (type === I32 || type === F32 ? 4 : type === V128 ? 16 : 8) : 0;
    return bytes === size && this.#reaches(def);
  }
  /** No effect lies between load `def` and the root. */
  #reaches(def: number): boolean {
    const after = this.l.effects[def]! + ((this.l.func.hi.get(def) & ACCESS_TRAPS) !== 0 ? 1 : 0);
    return after === this.position;
  }
  /** A narrow load of `access` that can be folded into the root. */
  isFoldableNarrow(value: Value, access: number): boolean {
    const { l } = this;
    const def = l.definition(value);
    if (def === NONE || l.func.op.get(def) !== Op.load || l.uses[value] !== 1) return false;
    return accessOf(l.func.hi.get(def)) === access && this.#reaches(def);
  }
  isLoad(value: Value): boolean {
    return this.isFoldable(value, this.size);
  }

  /** value = x << shift with a shift that an address has. */
  isScaled(value: Value): boolean {
    const def = this.l.definition(value);
    if (def === NONE || this.l.func.op.get(def) !== Op.ishl) return false;
    const { func } = this.l;
    const amount = this.l.definition(func.resolve(entity<Value>(func.b.get(def))));
    if (amount === NONE || func.op.get(amount) !== Op.iconst) return false;
    const k = func.lo.get(amount) & (this.typeOf(value) === I32 ? 31 : 63);
    if (k < 1 || k > 3) return false;
    this.shift = k;
    this.x = func.resolve(entity<Value>(func.a.get(def)));
    return true;
  }

  /** value is an instruction `op` of two values (x, y) that nobody else reads. */
  isOnly(value: Value, op: number): boolean {
    const def = this.l.definition(value);
    if (def === NONE || this.l.func.op.get(def) !== op || this.l.uses[value] !== 1) return false;
    const { func } = this.l;
    this.x = func.resolve(entity<Value>(func.a.get(def)));
    const b = func.b.get(def);
    if (b !== NONE) this.y = func.resolve(entity<Value>(b));
    return true;
  }

  /** The instruction looked at is made more than once: loads that it reads stay apart. */
  keepOperands(): void {
    this.l.uses[this.a]!++;
    this.l.uses[this.b]!++;
  }

  // Results and operands.

  /** The register of the instruction's result number k. */
  result(k = 0): number {
    return this.l.vreg(entity<Value>(this.l.func.firstResult.get(this.inst) + k));
  }
  resultValue(): Value {
    return entity<Value>(this.l.func.firstResult.get(this.inst));
  }
  vreg(value: Value): number {
    return this.l.vreg(value);
  }
  temp(type: number): number {
    return this.l.newVreg(type);
  }

  // Instructions.

  begin(op: number, size: number): number {
    return this.m.inst(op, size, this.loc);
  }

  /** d = op x, x in a register or slot. */
  unary(op: number, size: number, d: number, x: number): void {
    this.begin(op, size);
    this.m.operand(d, DEF);
    this.m.operand(x, op < MEMORY_FORM.length && MEMORY_FORM[op]! >= 0 ? USE_ANY : USE);
  }
  /** d = op x, imm */
  unaryImm(op: number, size: number, d: number, x: number, imm: number): void {
    const i = this.begin(op, size);
    this.m.operand(d, DEF);
    this.m.operand(x, USE);
    this.m.imm[i] = imm;
  }
  /** d = x op y, two-address. */
  binary(op: number, size: number, d: number, x: number, y: number): number {
    const i = this.begin(op, size);
    this.m.operand(d, DEF_TIED);
    this.m.operand(x, USE);
    this.m.operand(y, op < MEMORY_FORM.length && MEMORY_FORM[op]! >= 0 && size !== 16 ? USE_ANY : USE);
    return i;
  }
  /** As `binary`, with operands that only fit a register (packed forms). */
  packed(op: number, d: number, x: number, y: number): void {
    this.begin(op, 0);
    this.m.operand(d, DEF_TIED);
    this.m.operand(x, USE);
    this.m.operand(y, USE);
  }
  /** d = op x, two-address: neg, not. */
  inPlace(op: number, size: number, d: number, x: number): void {
    this.begin(op, size);
    this.m.operand(d, DEF_TIED);
    this.m.operand(x, USE);
  }
  /** d = x op imm, two-address. */
  binaryImm(op: number, size: number, d: number, x: number, imm: number): void {
    const i = this.begin(op, size);
    this.m.operand(d, DEF_TIED);
    this.m.operand(x, USE);
    this.m.imm[i] = imm;
  }
  /** Flags of x op y. */
  flags(op: number, size: number, x: number, y: number): void {
    this.begin(op, size);
    this.m.operand(x, USE);
    this.m.operand(y, MEMORY_FORM[op]! >= 0 ? USE_ANY : USE);
  }
  flagsImm(op: number, size: number, x: number, imm: number): void {
    const i = this.begin(op, size);
    this.m.operand(x, MEMORY_FORM[op]! >= 0 ? USE_ANY : USE);
    this.m.imm[i] = imm;
  }

  /** Copies a 64-bit constant into a new register. */
  constantVreg(lo: number, hi: number): number {
    const d = this.temp(I64);
    this.constantInto(d, lo, hi);
    return d;
  }
  constantInto(d: number, lo: number, hi: number): void {
    const i = this.begin(Pseudo.constant, 8);
    this.m.operand(d, DEF);
    this.m.imm[i] = lo;
    this.m.imm2[i] = hi;
    this.m.rematerializable(d);
  }

  // Addresses.

  /**
   * Finds an address form for `value + offset` and keeps it for the next `memOperands`; may append instructions that prepare it.
   */
  address(value: Value, offset: number): void {
    const { func } = this.l;
    this.#memKind = MemKind.registers;
    this.#memBase = -1;
    this.#memIndex = -1;
    this.#memScale = 0;
    this.#memSymbol = 0;
    this.#memTraps = false;
    let base = value;
    let disp = offset;
    let index: Value | undefined;
    for (let step = 0; step < ADDRESS_STEPS; step++) {
      const def = this.l.definition(base);
      if (def === NONE) break;
      const op = func.op.get(def);
      if (op === Op.iadd) {
        let x = func.resolve(entity<Value>(func.a.get(def)));
        let y = func.resolve(entity<Value>(func.b.get(def)));
        if (this.isConstant(x)) [x, y] = [y, x];
        if (this.constant(y) && fitsI32(this.k, this.kHi)) {
          if (disp + this.k !== ((disp + this.k) | 0)) break;
          disp += this.k;
          base = x;
          continue;
        }
        if (index !== undefined) break;
        if (this.#isIndex(x) && !this.#isIndex(y)) [x, y] = [y, x];
        index = y;
        base = x;
        continue;
      }
      if (op === Op.slot_addr) {
        this.#memKind = MemKind.slot;
        this.#memSymbol = func.lo.get(def);
        disp += func.hi.get(def);
      } else if (op === Op.data_addr && index === undefined) {
        this.#memKind = MemKind.data;
        this.#memSymbol = func.lo.get(def);
        disp += func.hi.get(def);
      }
      break;
    }
    if (this.#memKind === MemKind.registers) this.#memBase = this.vreg(base);
    this.#memDisp = disp;
    if (index !== undefined) this.#index(index);
  }

  /** Better an index than a base. */
  #isIndex(value: Value): boolean {
    const op = this.defOp(value);
    return op === Op.uextend || op === Op.ishl;
  }

  /** Makes `value` the index, scaled if it is a small shift. */
  #index(value: Value): void {
    let index = value;
    if (this.isScaled(index)) {
      this.#memScale = this.shift;
      index = this.x;
    }
    this.#memIndex = this.vreg(index);
  }

  setBaseAddress(base: number, disp: number): void {
    this.setAddress(MemKind.registers, 0, disp);
    this.#memBase = base;
  }
  setIndexAddress(base: number, index: number, shift: number, disp: number): void {
    this.setBaseAddress(base, disp);
    this.#memIndex = index;
    this.#memScale = shift;
  }
  setAddress(kind: number, symbol: number, disp: number): void {
    this.#memKind = kind;
    this.#memSymbol = symbol;
    this.#memDisp = disp;
    this.#memBase = -1;
    this.#memIndex = -1;
    this.#memScale = 0;
    this.#memTraps = false;
  }
  /** The address of the load that defines `value`, which becomes part of the root. */
  sink(value: Value): void {
    const def = this.l.definition(value);
    const { func } = this.l;
    this.l.sunk[def] = 1;
    this.address(func.resolve(entity<Value>(func.a.get(def))), func.lo.get(def));
    this.#memTraps = (func.hi.get(def) & ACCESS_TRAPS) !== 0;
    this.#memLoc = func.loc.get(def);
  }
  /** The address of the load or store being selected. */
  accessAddress(): void {
    this.address(this.a, this.lo);
    this.#memTraps = (this.hi & ACCESS_TRAPS) !== 0;
    this.#memLoc = this.loc;
  }

  /** Gives the instruction begun last the address found last, as its last operands (their use `info`). */
  memOperands(info: number = USE): void {
    const { m } = this;
    const i = m.count - 1;
    m.memKind[i] = this.#memKind;
    m.memDisp[i] = this.#memDisp;
    m.memSymbol[i] = this.#memSymbol;
    let parts = this.#memScale;
    if (this.#memBase >= 0) {
      parts |= MEM_BASE;
      m.operand(this.#memBase, info);
    }
    if (this.#memIndex >= 0) {
      parts |= MEM_INDEX;
      m.operand(this.#memIndex, info);
    }
    m.memParts[i] = parts;
    if (this.#memTraps) {
      m.trap[i] = Trap.memory_out_of_bounds;
      m.loc[i] = this.#memLoc;
    }
  }

  /** d = op [mem] */
  load(op: number, size: number, d: number): number {
    const i = this.begin(op, size);
    this.m.operand(d, DEF);
    this.memOperands();
    return i;
  }
  /** op [mem], x: stores and read-modify-write forms. */
  store(op: number, size: number, x: number): void {
    this.begin(op, size);
    this.m.operand(x, USE);
    this.memOperands();
  }
  /** op [mem], imm */
  storeImm(op: number, size: number, imm: number): void {
    const i = this.begin(op, size);
    this.memOperands();
    this.m.imm[i] = imm;
  }
  /** d = x op [mem], two-address. */
  binaryMem(op: number, size: number, d: number, x: number): number {
    const i = this.begin(op, size);
    this.m.operand(d, DEF_TIED);
    this.m.operand(x, USE);
    this.memOperands();
    return i;
  }
  /** Flags of x op [mem] or [mem] op x. */
  flagsMem(op: number, size: number, x: number): void {
    this.begin(op, size);
    this.m.operand(x, USE);
    this.memOperands();
  }

  // Shapes that many rules share.

  /** result = a op b */
  ab(op: number): void {
    this.binary(op, this.size, this.result(), this.vreg(this.a), this.vreg(this.b));
  }
  /** result = a op k */
  ak(op: number): void {
    this.binaryImm(op, this.size, this.result(), this.vreg(this.a), this.k);
  }
  /** result = a op [b] */
  aLoadB(op: number): void {
    const a = this.vreg(this.a);
    this.sink(this.b);
    this.binaryMem(op, this.size, this.result(), a);
  }
  /** result = op a */
  oneA(op: number, size = this.size): void {
    this.unary(op, size, this.result(), this.vreg(this.a));
  }
  /** result = op [a] */
  loadA(op: number, size = this.size): void {
    this.sink(this.a);
    this.load(op, size, this.result());
  }
  /** result = address of the memory operand. */
  lea(size = this.size): void {
    this.load(Inst.lea, size, this.result());
  }

  /** The IntCC of the instruction looked at, its operands exchanged. */
  swapCompare(): void {
    [this.a, this.b] = [this.b, this.a];
    this.lo = INT_CC_SWAPPED[this.lo]!;
  }
  /** eq, ne, or signed against 0: what `test` can answer. */
  isSignTest(): boolean {
    return this.lo === IntCC.eq || this.lo === IntCC.ne || this.lo === IntCC.slt || this.lo === IntCC.sge;
  }
}
