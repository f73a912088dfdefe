/**
 * Selection rules of conditions: how an icmp or fcmp becomes flags and a condition (`cc`), and what conditions are used for.
 *
 * `COMPARE_RULES` leave the flags and set `s.cc`; the instruction that reads them follows at once, so that nothing which changes flags can come
 * between. A compare with a single reader becomes part of it; `x == 0` of a compare is the inverse condition.
 */

import { entity } from "../../base/entity.ts";
import type { Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { Access, FloatCC, IntCC, Op } from "../../ir/ops.ts";
import { F32, I32, I64, V128 } from "../../ir/types.ts";
import { DEF, DEF_TIED, USE } from "../machine.ts";
import { Cond, Inst } from "./instructions.ts";
import { COND_FLOAT_EQ, COND_FLOAT_NE, Pseudo } from "./mops.ts";
import { always, RuleSet, type RuleTable, rule } from "./rules.ts";
import { condOf, type Selector } from "./selector.ts";

function setCondition(s: Selector): void {
  s.cc = condOf(s.lo);
}

/** Emits, and sets the condition. */
function comparing(emit: (s: Selector) => void): (s: Selector) => void {
  return (s) => {
    emit(s);
    setCondition(s);
  };
}

/** As `comparing`, with the operands exchanged. */
function swapped(emit: (s: Selector) => void): (s: Selector) => void {
  return (s) => {
    s.swapCompare();
    emit(s);
    setCondition(s);
  };
}

function isZero(s: Selector, value: Value): boolean {
  return s.isValue(value, 0);
}

/** a is x & y, compared with 0. */
function isMaskTest(s: Selector): boolean {
  return isZero(s, s.b) && s.isSignTest() && s.isOnly(s.a, Op.band);
}

function testMask(s: Selector, size = s.size): void {
  s.flags(Inst.test_rr, size, s.vreg(s.x), s.vreg(s.y));
}

function testMaskImm(s: Selector, size = s.size): void {
  s.flagsImm(Inst.test_ri, size, s.vreg(s.x), s.k);
}

function testSelf(s: Selector): void {
  const a = s.vreg(s.a);
  s.flags(Inst.test_rr, s.size, a, a);
}

/** Equality or unsigned comparison of a byte in memory with a constant that is one. */
function isByteCompare(s: Selector): boolean {
  if (s.lo === IntCC.slt || s.lo === IntCC.sge || s.lo === IntCC.sgt || s.lo === IntCC.sle) return false;
  return s.imm32(s.b) && s.k >= 0 && s.k <= 255 && s.isFoldableNarrow(s.a, Access.u8);
}

function compareByte(s: Selector): void {
  const k = (s.k << 24) >> 24;
  s.sink(s.a);
  s.storeImm(Inst.cmp_mi, 1, k);
}

function compareMemImm(s: Selector): void {
  const { k } = s;
  s.sink(s.a);
  s.storeImm(Inst.cmp_mi, s.size, k);
}

function compareRegMem(s: Selector): void {
  const a = s.vreg(s.a);
  s.sink(s.b);
  s.flagsMem(Inst.cmp_rm, s.size, a);
}

function compareMemReg(s: Selector): void {
  const b = s.vreg(s.b);
  s.sink(s.a);
  s.flagsMem(Inst.cmp_mr, s.size, b);
}

/** ucomis. sets the carry for less and for unordered: so less is asked as greater, operands exchanged. */
function compareFloats(s: Selector): void {
  if (s.lo === FloatCC.lt || s.lo === FloatCC.le) {
    [s.a, s.b] = [s.b, s.a];
    s.lo = s.lo === FloatCC.lt ? FloatCC.gt : FloatCC.ge;
  }
  s.cc =
    s.lo === FloatCC.eq ? COND_FLOAT_EQ : s.lo === FloatCC.ne ? COND_FLOAT_NE : s.lo === FloatCC.gt ? Cond.a : Cond.ae;
}

function ucomis(s: Selector, memory: boolean): number {
  if (s.type === F32) return memory ? Inst.ucomiss_rm : Inst.ucomiss_rr;
  return memory ? Inst.ucomisd_rm : Inst.ucomisd_rr;
}

function isFloatLoad(s: Selector): boolean {
  return s.isLoad(s.lo === FloatCC.lt || s.lo === FloatCC.le ? s.a : s.b);
}

function compareFloatMem(s: Selector): void {
  compareFloats(s);
  const a = s.vreg(s.a);
  s.sink(s.b);
  s.flagsMem(ucomis(s, true), 0, a);
}

function compareFloatRegs(s: Selector): void {
  compareFloats(s);
  s.flags(ucomis(s, false), 0, s.vreg(s.a), s.vreg(s.b));
}

/** Flags of ptest: zero when no bit is set. */
function testVector(s: Selector): void {
  const a = s.vreg(s.a);
  s.flags(Inst.ptest_rr, 0, a, a);
  s.cc = Cond.ne;
}

const LANES_EQUAL = [Inst.pcmpeqb_rr, Inst.pcmpeqw_rr, Inst.pcmpeqd_rr, Inst.pcmpeqq_rr] as const;

/** Flags of ptest of the lanes that are 0. */
function testLanes(s: Selector): void {
  const zero = s.temp(V128);
  const zeros = s.temp(V128);
  s.begin(Pseudo.zero_float, 0);
  s.m.operand(zero, DEF);
  s.packed(LANES_EQUAL[s.lo] ?? Inst.pcmpeqb_rr, zeros, zero, s.vreg(s.a));
  s.flags(Inst.ptest_rr, 0, zeros, zeros);
  s.cc = Cond.e;
}

// biome-ignore format: one rule per line
export const COMPARE_RULES: RuleTable = {
  icmp: [
    rule("x & k against 0 → test r, imm",       (s) => isMaskTest(s) && s.imm32(s.y),           comparing(testMaskImm)),
    rule("x & y against 0 → test r, r",         isMaskTest,                                     comparing(testMask)),
    rule("load8 against k → cmp byte [m], imm", isByteCompare,                                  comparing(compareByte)),
    rule("load against k → cmp [m], imm",       (s) => s.isLoad(s.a) && s.imm32(s.b),           comparing(compareMemImm)),
    rule("a against 0 → test r, r",             (s) => isZero(s, s.b) && s.isSignTest(),        comparing(testSelf)),
    rule("a against k → cmp r, imm",            (s) => s.imm32(s.b),                            comparing((s) => s.flagsImm(Inst.cmp_ri, s.size, s.vreg(s.a), s.k))),
    rule("k against b → cmp r, imm, swapped",   (s) => s.imm32(s.a),                            swapped((s) => s.flagsImm(Inst.cmp_ri, s.size, s.vreg(s.a), s.k))),
    rule("a against load → cmp r, [m]",         (s) => s.isLoad(s.b),                           comparing(compareRegMem)),
    rule("load against b → cmp [m], r",         (s) => s.isLoad(s.a),                           comparing(compareMemReg)),
    rule("a against b → cmp r, r",              always,                                         comparing((s) => s.flags(Inst.cmp_rr, s.size, s.vreg(s.a), s.vreg(s.b)))),
  ],
  fcmp: [
    rule("a against load → ucomis. x, [m]",     isFloatLoad,                                    compareFloatMem),
    rule("a against b → ucomis. x, x",          always,                                         compareFloatRegs),
  ],
  vany_true: [rule("→ ptest x, x",              always,                                         testVector)],
  vall_true: [rule("→ pcmpeq. 0; ptest x, x",   always,                                         testLanes)],
};

/** The compare rules; their numbers are the first. */
export const COMPARE_SET = new RuleSet(0, [COMPARE_RULES]);

/** Compares as the instruction looked at says: an icmp, fcmp or bounds. Its condition is in `s.cc`. */
function compare(s: Selector): void {
  if (s.op === Op.bounds) s.op = Op.icmp;
  COMPARE_SET.apply(s, s.fired);
}

/** A compare that nobody else reads, so that it can be part of its reader; that of a bounds check is made for each reader. */
function isFusible(s: Selector, value: Value): boolean {
  const op = s.defOp(value);
  if (op === Op.bounds) return true;
  return (op === Op.icmp || op === Op.fcmp || op === Op.vany_true || op === Op.vall_true) && s.isSingle(value);
}

/** The operand of `value`, which is a compare of one with 0: a fusible compare itself; else `value`. */
function strip(s: Selector, value: Value): Value {
  const { func } = s.l;
  if (!s.isSingle(value) || s.defOp(value) !== Op.icmp) return value;
  const def = s.l.definition(value);
  const cc = func.lo.get(def);
  if (cc !== IntCC.eq && cc !== IntCC.ne) return value;
  const a = func.resolve(entity<Value>(func.a.get(def)));
  return s.isValue(func.resolve(entity<Value>(func.b.get(def))), 0) && isFusible(s, a) ? a : value;
}

/**
 * Leaves flags that say whether `value` (i32) is not zero; returns the condition. `s` looks at the root again afterwards. `readers`: how many
 * instructions read these flags.
 */
export function conditionOf(s: Selector, value: Value, readers = 1): number {
  const root = s.inst;
  let invert = 0;
  let v = value;
  for (let next = strip(s, v); next !== v; next = strip(s, v)) {
    if (s.l.func.lo.get(s.l.definition(v)) === IntCC.eq) invert ^= 1;
    v = next;
  }
  const def = s.l.definition(v);
  if (def !== NONE && isFusible(s, v)) {
    s.look(def);
    if (s.op === Op.bounds && s.l.uses[v] !== readers) s.keepOperands();
    compare(s);
    s.look(root);
    return s.cc ^ invert;
  }
  if (s.isOnly(v, Op.band)) {
    if (s.imm32(s.y)) testMaskImm(s, 4);
    else testMask(s, 4);
    return Cond.ne ^ invert;
  }
  const register = s.vreg(v);
  s.flags(Inst.test_rr, 4, register, register);
  return Cond.ne ^ invert;
}

function isInteger(s: Selector): boolean {
  return s.type === I32 || s.type === I64;
}

/** result = a ? b : c */
export function conditionalMove(s: Selector): void {
  const b = s.vreg(s.b);
  const c = s.vreg(s.c);
  const d = s.result();
  const cc = conditionOf(s, s.a);
  if (cc === COND_FLOAT_EQ) s.binary(Pseudo.select_unequal, s.size, d, b, c);
  else if (cc === COND_FLOAT_NE) s.binary(Pseudo.select_unequal, s.size, d, c, b);
  else s.m.imm[s.binary(Inst.cmovcc_rr, s.size, d, c, b)] = cc;
}

function selectFloat(s: Selector): void {
  const b = s.vreg(s.b);
  const c = s.vreg(s.c);
  const d = s.result();
  const cc = conditionOf(s, s.a);
  const i = s.begin(Pseudo.select_float, s.size);
  s.m.operand(d, DEF_TIED);
  s.m.operand(c, USE);
  s.m.operand(b, USE);
  s.m.imm[i] = cc;
}

/** The result of a compare as a value. */
export function setFromFlags(s: Selector): void {
  const d = s.result();
  compare(s);
  const i = s.begin(Pseudo.set_condition, 4);
  s.m.operand(d, DEF);
  s.m.imm[i] = s.cc;
}

/** Rules of what reads conditions but control flow. */
// biome-ignore format: one rule per line
export const CONDITION_RULES: RuleTable = {
  icmp: [rule("→ cmp; setcc; movzx",             always,    setFromFlags)],
  fcmp: [rule("→ ucomis.; setcc; movzx",         always,    setFromFlags)],
  bounds: [rule("→ cmp; setcc; movzx",           always,    setFromFlags)],
  select: [
    rule("integers → cmp; cmovcc r, r",          isInteger, conditionalMove),
    rule("floats → cmp; jcc over movaps x, x",   always,    selectFloat),
  ],
};
