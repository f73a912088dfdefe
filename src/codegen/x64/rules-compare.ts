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
import { F32, I32, I64 } from "../../ir/types.ts";
import { DEF, DEF_TIED, USE } from "../machine.ts";
import { Cond, Inst } from "./instructions.ts";
import { COND_FLOAT_EQ, COND_FLOAT_NE, Pseudo } from "./mops.ts";
import { always, type RuleSet, type RuleTable, rule } from "./rules.ts";
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

function testMask(s: Selector): void {
  s.flags(Inst.test_rr, s.size, s.vreg(s.x), s.vreg(s.y));
}

function testMaskImm(s: Selector): void {
  s.flagsImm(Inst.test_ri, s.size, s.vreg(s.x), s.k);
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
};

/** Applies the compare rules, counting them in `fired`. */
export class Conditions {
  readonly #rules: RuleSet;
  readonly #fired: Uint32Array;

  constructor(rules: RuleSet, fired: Uint32Array) {
    this.#rules = rules;
    this.#fired = fired;
  }

  /** A compare that nobody else reads, so that it can be part of its reader. */
  #isFusible(s: Selector, value: Value): boolean {
    const op = s.defOp(value);
    return (op === Op.icmp || op === Op.fcmp) && s.isSingle(value);
  }

  /** The compare behind `compare == 0` and `compare != 0`. */
  #strip(s: Selector, value: Value): { value: Value; invert: number } {
    const { func } = s.l;
    let v = value;
    let invert = 0;
    while (s.isSingle(v) && s.defOp(v) === Op.icmp) {
      const def = s.l.definition(v);
      const cc = func.lo.get(def);
      if (cc !== IntCC.eq && cc !== IntCC.ne) break;
      const a = func.resolve(entity<Value>(func.a.get(def)));
      if (!s.isValue(func.resolve(entity<Value>(func.b.get(def))), 0) || !this.#isFusible(s, a)) break;
      if (cc === IntCC.eq) invert ^= 1;
      v = a;
    }
    return { value: v, invert };
  }

  /** Flags and condition of the compare that `s` looks at. */
  compare(s: Selector): number {
    this.#rules.apply(s, this.#fired);
    return s.cc;
  }

  /** Leaves flags that say whether `value` (i32) is not zero; returns the condition. `s` looks at the root again afterwards. */
  of(s: Selector, value: Value): number {
    const root = s.inst;
    const stripped = this.#strip(s, value);
    const def = s.l.definition(stripped.value);
    if (def !== NONE && this.#isFusible(s, stripped.value)) {
      s.look(def);
      const cc = this.compare(s) ^ stripped.invert;
      s.look(root);
      return cc;
    }
    const v = s.vreg(stripped.value);
    s.flags(Inst.test_rr, 4, v, v);
    return Cond.ne ^ stripped.invert;
  }
}

/** Rules of what reads conditions but control flow: they need `Conditions`, so they are made with it. */
export function conditionReaders(conditions: Conditions): RuleTable {
  const isInteger = (s: Selector): boolean => s.type === I32 || s.type === I64;
  /** result = cc ? b : c */
  const conditionalMove = (s: Selector): void => {
    const b = s.vreg(s.b);
    const c = s.vreg(s.c);
    const d = s.result();
    const cc = conditions.of(s, s.a);
    if (cc === COND_FLOAT_EQ) s.binary(Pseudo.select_unequal, s.size, d, b, c);
    else if (cc === COND_FLOAT_NE) s.binary(Pseudo.select_unequal, s.size, d, c, b);
    else s.m.setImm(s.binary(Inst.cmovcc_rr, s.size, d, c, b), cc);
  };
  const selectFloat = (s: Selector): void => {
    const b = s.vreg(s.b);
    const c = s.vreg(s.c);
    const d = s.result();
    const cc = conditions.of(s, s.a);
    const i = s.begin(Pseudo.select_float, s.size);
    s.m.operand(d, DEF_TIED);
    s.m.operand(c, USE);
    s.m.operand(b, USE);
    s.m.imm[i] = cc;
  };
  const setFromFlags = (s: Selector): void => {
    const d = s.result();
    const cc = conditions.compare(s);
    const i = s.begin(Pseudo.set_condition, 4);
    s.m.operand(d, DEF);
    s.m.imm[i] = cc;
  };
  // biome-ignore format: one rule per line
  return {
    icmp: [rule("→ cmp; setcc; movzx",             always,    setFromFlags)],
    fcmp: [rule("→ ucomis.; setcc; movzx",         always,    setFromFlags)],
    select: [
      rule("integers → cmp; cmovcc r, r",          isInteger, conditionalMove),
      rule("floats → cmp; jcc over movaps x, x",   always,    selectFloat),
    ],
  };
}
