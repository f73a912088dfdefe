/**
 * Selection rules of atomic accesses: sequentially consistent, so a store is an exchange, and everything that reads and writes has the
 * bus lock. A load is a load: no later store passes it, and stores are exchanges.
 *
 * Narrow forms leave in the register what the instruction doesn't write: their results are zero-extended behind it. What has no
 * instruction that gives the old value (and, or, xor) is one where nobody wants it, and else a loop around compare-and-swap.
 */

import { Access, accessOf, accessSize } from "../../ir/ops.ts";
import { I32, typeFromCode } from "../../ir/types.ts";
import { DEF_TIED, defFixed, LATE_USE, USE, useFixed } from "../machine.ts";
import { Inst } from "./instructions.ts";
import { Pseudo } from "./mops.ts";
import { RAX } from "./registers.ts";
import { always, type RuleTable, rule } from "./rules.ts";
import type { Selector } from "./selector.ts";

/** Bytes that the access being selected touches. */
function sizeOf(s: Selector): number {
  return accessSize(accessOf(s.hi), typeFromCode(s.type));
}

function isNarrow(s: Selector, access: number): boolean {
  return accessOf(s.hi) === access;
}

function load(s: Selector, op: number, size: number): void {
  s.accessAddress();
  s.load(op, size, s.result());
}

/** A register for what an instruction of `size` bytes leaves: the result's own when that has the right upper half. */
function rawResult(s: Selector, size: number): number {
  return size === s.size ? s.result() : s.temp(s.type);
}

/** The result, zero-extended from `raw`. */
function extend(s: Selector, raw: number, size: number): void {
  if (size === s.size) return;
  if (size === 4) s.unary(Pseudo.zero_extend, 4, s.result(), raw);
  else s.unary(size === 1 ? Inst.movzx8_rr : Inst.movzx16_rr, 4, s.result(), raw);
}

/** `op [m], r`, which leaves the old value in the register that held x. */
function exchange(s: Selector, op: number, x: number, old: number): void {
  s.accessAddress();
  s.begin(op, sizeOf(s));
  s.m.operand(old, DEF_TIED);
  s.m.operand(x, USE);
  s.memOperands();
}

function store(s: Selector): void {
  exchange(s, Inst.xchg_mr, s.vreg(s.b), s.temp(s.type));
}

function update(s: Selector, op: number, x: number): void {
  const size = sizeOf(s);
  const old = rawResult(s, size);
  exchange(s, op, x, old);
  extend(s, old, size);
}

function subtract(s: Selector): void {
  const negated = s.temp(s.type);
  s.inPlace(Inst.neg_r, s.size, negated, s.vreg(s.b));
  update(s, Inst.lock_xadd_mr, negated);
}

function isUnused(s: Selector): boolean {
  return !s.l.isNeeded(s.resultValue());
}

/** `lock op [m], r` */
function locked(s: Selector, op: number): void {
  const x = s.vreg(s.b);
  s.accessAddress();
  s.store(op, sizeOf(s), x);
}

/** A loop: `op` makes the new value of the old one and x. */
function loop(s: Selector, op: number): void {
  const x = s.vreg(s.b);
  s.accessAddress();
  const i = s.begin(Pseudo.atomic_update, sizeOf(s));
  s.m.operand(s.result(), defFixed(RAX));
  s.m.operand(x, LATE_USE);
  s.memOperands(LATE_USE);
  s.m.imm[i] = op;
}

function compareAndSwap(s: Selector): void {
  const size = sizeOf(s);
  const expected = s.vreg(s.b);
  const replacement = s.vreg(s.c);
  const old = rawResult(s, size);
  s.accessAddress();
  s.begin(Inst.lock_cmpxchg_mr, size);
  s.m.operand(old, defFixed(RAX));
  s.m.operand(expected, useFixed(RAX));
  s.m.operand(replacement, LATE_USE);
  s.memOperands(LATE_USE);
  extend(s, old, size);
}

// biome-ignore format: one rule per line
export const ATOMIC_RULES: RuleTable = {
  atomic_load: [
    rule("u8 → movzx r32, byte [m]",   (s) => isNarrow(s, Access.u8),                    (s) => load(s, Inst.movzx8_rm, 4)),
    rule("u16 → movzx r32, word [m]",  (s) => isNarrow(s, Access.u16),                   (s) => load(s, Inst.movzx16_rm, 4)),
    rule("32 bits → mov r32, [m]",     (s) => s.type === I32 || isNarrow(s, Access.u32), (s) => load(s, Inst.mov_rm, 4)),
    rule("i64 → mov r64, [m]",         always,                                           (s) => load(s, Inst.mov_rm, 8)),
  ],
  atomic_store: [rule("→ xchg [m], r",     always,   store)],
  atomic_xchg: [rule("→ xchg [m], r",      always,   (s) => update(s, Inst.xchg_mr, s.vreg(s.b)))],
  atomic_add: [
    rule("unused → lock add [m], r",       isUnused, (s) => locked(s, Inst.lock_add_mr)),
    rule("→ lock xadd [m], r",             always,   (s) => update(s, Inst.lock_xadd_mr, s.vreg(s.b))),
  ],
  atomic_sub: [
    rule("unused → lock sub [m], r",       isUnused, (s) => locked(s, Inst.lock_sub_mr)),
    rule("→ neg, lock xadd [m], r",        always,   subtract),
  ],
  atomic_and: [
    rule("unused → lock and [m], r",       isUnused, (s) => locked(s, Inst.lock_and_mr)),
    rule("→ loop of lock cmpxchg [m], r",  always,   (s) => loop(s, Inst.and_rr)),
  ],
  atomic_or: [
    rule("unused → lock or [m], r",        isUnused, (s) => locked(s, Inst.lock_or_mr)),
    rule("→ loop of lock cmpxchg [m], r",  always,   (s) => loop(s, Inst.or_rr)),
  ],
  atomic_xor: [
    rule("unused → lock xor [m], r",       isUnused, (s) => locked(s, Inst.lock_xor_mr)),
    rule("→ loop of lock cmpxchg [m], r",  always,   (s) => loop(s, Inst.xor_rr)),
  ],
  atomic_cas: [rule("→ lock cmpxchg [m], r", always, compareAndSwap)],
  atomic_fence: [rule("→ mfence",          always,   (s) => { s.begin(Inst.mfence, 0); })],
};
