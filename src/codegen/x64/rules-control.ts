/**
 * Selection of what transfers control: branches, traps, calls, returns; and of the function's parameters.
 *
 * Calls keep the frame's shape: stack arguments are stored into the outgoing area at the bottom of the frame; after a call whose callee
 * popped them, the stack pointer is put back. A tail call's stack arguments go where its callee will find them (`MemKind.tail`).
 */

// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import { entity } from "../../base/entity.ts";
import { type FuncRef, type Inst as IrInst, NONE, type SigRef, type Value } from "../../ir/function.ts";
import { Op } from "../../ir/ops.ts";
import { F32, F64, I32, I64, type Signature, V128 } from "../../ir/types.ts";
import { Trap } from "../../layout/traps.ts";
import { DEF, defFixed, MemKind, USE, useFixed } from "../machine.ts";
import { FIRST_BYTE, type SignatureLayout } from "./abi.ts";
import { Cond, Inst } from "./instructions.ts";
import { Pseudo } from "./mops.ts";
import {
  CALLEE_SAVED_INT,
  CALLER_SAVED_FLOAT,
  CALLER_SAVED_INT,
  R8,
  R9,
  R10,
  R11,
  RAX,
  RCX,
  RDI,
  RDX,
  registerBit,
  RSI,
  XMM0,
} from "./registers.ts";
import { conditionalMove, conditionOf } from "./rules-compare.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

const SYSCALL_REGISTERS = [RAX, RDI, RSI, RDX, R10, R8, R9] as const;

/** What an instruction of a call's list of values is. */
function listValue(s: Selector, k: number): Value {
  const { func } = s.l;
  return func.resolve(entity<Value>(func.pool.get(func.b.get(s.inst) + k)));
}

/** The row that loads or stores a whole value of `type`. */
function loadRow(type: number): number {
  if (type === F32) return Inst.movss_rm;
  if (type === F64) return Inst.movsd_rm;
  return type === V128 ? Inst.movups_rm : Inst.mov_rm;
}
function storeRow(type: number): number {
  if (type === F32) return Inst.movss_mr;
  if (type === F64) return Inst.movsd_mr;
  return type === V128 ? Inst.movups_mr : Inst.mov_mr;
}
function sizeOf(type: number): number {
  return type === I32 || type === F32 ? 4 : type === V128 ? 16 : 8;
}

/** Stores `value` at the address that was set last. */
function storeValue(s: Selector, value: Value): void {
  const type = s.typeOf(value);
  if ((type === I32 || type === I64) && s.imm32(value)) s.storeImm(Inst.mov_mi, sizeOf(type), s.k);
  else s.store(storeRow(type), sizeOf(type), s.vreg(value));
}

// Parameters and results of this function.

/** Defines the needed parameters, first those in registers. */
export function parameters(s: Selector, params: readonly Value[]): void {
  const layout = s.calls.layouts.of(s.l.func.signature);
  s.loc = 0;
  if (params.some((p, i) => layout.params[i]! < FIRST_BYTE && s.l.isNeeded(p))) {
    s.begin(Pseudo.params, 0);
    params.forEach((param, i) => {
      const place = layout.params[i]!;
      if (place < FIRST_BYTE && s.l.isNeeded(param)) s.m.operand(s.vreg(param), defFixed(place));
    });
  }
  params.forEach((param, i) => {
    const place = layout.params[i]!;
    if (place < FIRST_BYTE || !s.l.isNeeded(param)) return;
    const type = s.typeOf(param);
    s.setAddress(MemKind.incoming, 0, place - FIRST_BYTE);
    s.load(loadRow(type), sizeOf(type), s.vreg(param));
  });
}

function returnValues(s: Selector): void {
  const { func } = s.l;
  const layout = s.calls.layouts.of(func.signature);
  const count = layout.results.length;
  for (let k = 0; k < count; k++) {
    const place = layout.results[k]!;
    if (place < FIRST_BYTE) continue;
    s.setBaseAddress(contextOf(s), place - FIRST_BYTE);
    storeValue(s, listValue(s, k));
  }
  s.begin(Pseudo.return, 0);
  for (let k = 0; k < count; k++) {
    const place = layout.results[k]!;
    if (place < FIRST_BYTE) s.m.operand(s.vreg(listValue(s, k)), useFixed(place));
  }
}

/** The context: the function's first parameter. */
function contextOf(s: Selector): number {
  const context = s.l.func.paramsOf(s.l.func.entryBlock)[0];
  if (context === undefined)
    throw new InternalError("x64 selection", "results in memory, but no context", s.l.func.name);
  return s.vreg(context);
}

// Calls.

function direct(s: Selector): { symbol: number; signature: Signature } {
  const { func } = s.l;
  const callee = func.functions.get(entity<FuncRef>(func.a.get(s.inst)));
  return { symbol: callee.symbol, signature: func.signatures.get(callee.signature) };
}
function indirect(s: Selector): Signature {
  return s.l.func.signatures.get(entity<SigRef>(s.lo));
}

/** Stores the stack arguments into the outgoing area; `first`: where the arguments begin in the list. */
function stackArguments(s: Selector, layout: SignatureLayout, first: number, kind: number, base = -1): void {
  for (let k = 0; k < layout.params.length; k++) {
    const place = layout.params[k]!;
    if (place < FIRST_BYTE) continue;
    const offset = place - FIRST_BYTE;
    if (base >= 0) s.setBaseAddress(base, offset - layout.stackBytes);
    else s.setAddress(kind, layout.stackBytes, offset);
    storeValue(s, listValue(s, first + k));
  }
}

function registerArguments(s: Selector, layout: SignatureLayout, first: number): void {
  for (let k = 0; k < layout.params.length; k++) {
    const place = layout.params[k]!;
    if (place < FIRST_BYTE) s.m.operand(s.vreg(listValue(s, first + k)), useFixed(place));
  }
}

/**
 * A call that comes back. Definitions come first, then the callee's address (`callee`) or the other stack's top, then arguments.
 * `skip`: results before the callee's (the status of `call_catch`).
 */
function call(
  s: Selector,
  op: number,
  symbol: number,
  signature: Signature,
  extra: Value | undefined,
  entry: boolean,
): void {
  const layout = s.calls.layouts.of(signature);
  const onStack = op === Pseudo.call_on_stack;
  const first = onStack ? 1 : 0;
  const skip = entry ? 1 : 0;
  s.calls.calls = true;
  if (onStack) stackArguments(s, layout, first, 0, extra === undefined ? -1 : s.vreg(extra));
  else {
    s.calls.outgoingBytes = Math.max(s.calls.outgoingBytes, layout.stackBytes);
    stackArguments(s, layout, first, MemKind.outgoing);
  }

  const { m } = s;
  const i = s.begin(op, 8);
  let clobberInt = entry ? CALLER_SAVED_INT | CALLEE_SAVED_INT : CALLER_SAVED_INT;
  let clobberFloat = CALLER_SAVED_FLOAT;
  if (entry) {
    m.operand(s.result(0), defFixed(RCX));
    clobberInt &= ~registerBit(RCX);
  }
  for (let k = 0; k < layout.results.length; k++) {
    const place = layout.results[k]!;
    if (place >= FIRST_BYTE || !s.l.isNeeded(entity<Value>(s.resultValue() + skip + k))) continue;
    m.operand(s.result(skip + k), defFixed(place));
    if (place < XMM0) clobberInt &= ~registerBit(place);
    else clobberFloat &= ~registerBit(place);
  }
  if (extra !== undefined) m.operand(s.vreg(extra), USE);
  registerArguments(s, layout, first);
  // The scratch registers are never allocated: nothing to destroy there.
  m.rawClobberInt[i] = clobberInt & ~registerBit(R11);
  m.rawClobberFloat[i] = clobberFloat & 0x7fff;
  m.imm[i] = symbol;
  m.imm2[i] = onStack ? layout.stackBytes : layout.popped;
  for (let k = 0; k < layout.results.length; k++) {
    const place = layout.results[k]!;
    const value = entity<Value>(s.resultValue() + skip + k);
    if (place < FIRST_BYTE || !s.l.isNeeded(value)) continue;
    const type = s.typeOf(value);
    s.setBaseAddress(s.vreg(listValue(s, first)), place - FIRST_BYTE);
    s.load(loadRow(type), sizeOf(type), s.vreg(value));
  }
}

function callDirect(s: Selector, op: number): void {
  const { symbol, signature } = direct(s);
  const extra = op === Pseudo.call_on_stack ? listValue(s, 0) : undefined;
  call(s, op, symbol, signature, extra, op === Pseudo.call_catch);
}
function callIndirect(s: Selector, op: number): void {
  call(s, op, 0, indirect(s), s.a, op === Pseudo.call_catch_register);
}

function tail(s: Selector, op: number, symbol: number, signature: Signature, callee: Value | undefined): void {
  const layout = s.calls.layouts.of(signature);
  if (signature.convention !== "wasm" || s.l.func.signature.convention !== "wasm") {
    throw new InternalError("x64 selection", "a tail call needs the wasm convention on both sides", s.l.func.name);
  }
  s.calls.tailBytes = Math.max(s.calls.tailBytes, layout.stackBytes);
  stackArguments(s, layout, 0, MemKind.tail);
  const i = s.begin(op, 8);
  if (callee !== undefined) s.m.operand(s.vreg(callee), useFixed(RAX));
  registerArguments(s, layout, 0);
  s.m.imm[i] = symbol;
  s.m.imm2[i] = layout.stackBytes;
}

function tailDirect(s: Selector): void {
  const { symbol, signature } = direct(s);
  tail(s, Pseudo.tail_call, symbol, signature, undefined);
}
function tailIndirect(s: Selector): void {
  tail(s, Pseudo.tail_call_register, 0, indirect(s), s.a);
}

function systemCall(s: Selector): void {
  const count = s.l.func.c.get(s.inst);
  const i = s.begin(Inst.syscall, 0);
  s.m.operand(s.result(), defFixed(RAX));
  for (let k = 0; k < count; k++) s.m.operand(s.vreg(listValue(s, k)), useFixed(SYSCALL_REGISTERS[k]!));
  s.m.rawClobberInt[i] = registerBit(RCX);
}

function unwind(s: Selector): void {
  s.begin(Pseudo.unwind_to, 8);
  s.m.operand(s.vreg(listValue(s, 0)), useFixed(RCX));
  s.m.operand(s.vreg(listValue(s, 1)), useFixed(RAX));
  s.m.operand(s.vreg(listValue(s, 2)), useFixed(RDX));
}

// Branches and traps.

function trap(s: Selector): void {
  const i = s.begin(Pseudo.trap, 0);
  s.m.trap[i] = s.lo;
}

/** Traps when the condition is zero (`invert`) or is not. */
function trapIf(s: Selector, invert: number, readers = 1): void {
  const code = s.lo;
  const { loc } = s;
  const cc = conditionOf(s, s.a, readers) ^ invert;
  s.loc = loc;
  const i = s.begin(Pseudo.trap_if, 0);
  s.m.imm[i] = cc;
  s.m.trap[i] = code;
}

/** The instruction in front of `inst` if it is `op` with the condition of the guard looked at; else NONE. */
function readerBefore(s: Selector, inst: number, op: number): number {
  const { func } = s.l;
  const previous = func.prev.get(inst);
  if (previous === NONE || func.op.get(previous) !== op) return NONE;
  return func.resolve(entity<Value>(func.a.get(previous))) === s.a ? previous : NONE;
}

/** The first of the guards in a row that ends with the one looked at. */
function firstGuard(s: Selector): number {
  let first: number = s.inst;
  for (let g = first; g !== NONE; g = readerBefore(s, first, Op.guard)) first = g;
  return first;
}

/** In front of the guards is the check with their condition: one comparison serves it and all of them. */
function followsCheck(s: Selector): boolean {
  return s.defOp(s.a) === Op.bounds && readerBefore(s, firstGuard(s), Op.trapnz) !== NONE;
}

function guardsBehindCheck(s: Selector): void {
  const { func, sunk } = s.l;
  const last = s.inst;
  const first = firstGuard(s);
  const check = readerBefore(s, first, Op.trapnz);
  const needed: number[] = [];
  let readers = 1;
  for (let g = last; ; g = func.prev.get(g)) {
    readers++;
    sunk[g] = 1;
    s.look(g);
    if (s.l.isNeeded(s.resultValue())) {
      s.vreg(s.b);
      s.vreg(s.c);
      needed.push(g);
    }
    if (g === first) break;
  }
  sunk[check] = 1;
  s.start(entity<IrInst>(check));
  trapIf(s, 0, readers);
  const { cc } = s;
  for (let k = needed.length - 1; k >= 0; k--) {
    s.look(needed[k]!);
    s.m.imm[s.binary(Inst.cmovcc_rr, s.size, s.result(), s.vreg(s.c), s.vreg(s.b))] = cc;
  }
}

/** Of its word in memory. */
function poll(s: Selector): void {
  s.accessAddress();
  s.storeImm(Inst.cmp_mi, 4, 0);
  const i = s.begin(Pseudo.trap_if, 0);
  s.m.imm[i] = Cond.ne;
  s.m.trap[i] = Trap.interrupted;
}

function branch(s: Selector): void {
  const cc = conditionOf(s, s.a);
  const i = s.begin(Pseudo.branch, 0);
  s.m.imm[i] = cc;
}

function branchTable(s: Selector): void {
  const i = s.begin(Pseudo.branch_table, 8);
  s.m.operand(s.temp(I64), DEF);
  s.m.operand(s.vreg(s.a), USE);
  s.m.imm[i] = s.l.func.c.get(s.inst) - 1;
  s.m.imm2[i] = s.inst;
}

/** Whether the block that the terminator ends has one successor edge, whatever the terminator is. */
function hasOneEdge(s: Selector): boolean {
  return s.edges === 1;
}

function jump(s: Selector): void {
  s.begin(Pseudo.jump, 0);
}

/** The rules of control flow. */
// biome-ignore format: one rule per line
export const CONTROL_RULES: RuleTable = {
  call: [rule("→ call f",                           always,     (s) => callDirect(s, Pseudo.call))],
  call_indirect: [rule("→ call r",                  always,     (s) => callIndirect(s, Pseudo.call_register))],
  call_catch: [rule("→ call f; xor; lea rsp",       always,     (s) => callDirect(s, Pseudo.call_catch))],
  call_catch_indirect: [rule("→ call r; xor; lea rsp", always,  (s) => callIndirect(s, Pseudo.call_catch_register))],
  call_on_stack: [rule("→ lea rsp; call f; lea rsp", always,    (s) => callDirect(s, Pseudo.call_on_stack))],
  syscall: [rule("→ syscall",                       always,     systemCall)],
  trapz: [rule("→ jcc to call raise",               always,     (s) => trapIf(s, 1))],
  trapnz: [rule("→ jcc to call raise",              always,     (s) => trapIf(s, 0))],
  guard: [
    rule("behind its check → cmp; jcc to call raise; cmovcc r, r", followsCheck, guardsBehindCheck),
    rule("→ cmp; cmovcc r, r",                      always,     conditionalMove),
  ],
  poll: [rule("→ cmp [m], 0; jne to call raise",    always,     poll)],
  jump: [rule("→ jmp",                              always,     jump)],
  brif: [
    rule("both ways the same → jmp",                hasOneEdge, jump),
    rule("→ cmp; jcc; jmp",                         always,     branch),
  ],
  br_table: [
    rule("all ways the same → jmp",                 hasOneEdge, jump),
    rule("→ cmp; jae; cmovae; jmp [table]",         always,     branchTable),
  ],
  return: [rule("→ leave; ret",                     always,     returnValues)],
  return_call: [rule("→ leave; jmp f",              always,     tailDirect)],
  return_call_indirect: [rule("→ leave; jmp r",     always,     tailIndirect)],
  trap: [rule("→ call raise",                       always,     trap)],
  unwind_to: [rule("→ mov rbp; jmp",                always,     unwind)],
};
