/**
 * One instruction that ends no block: what it makes of registers and flags. One that isn't known here is refused. Where control goes is the
 * matter of `control.ts`.
 */

import { storeValue, touch } from "./access.ts";
import { addOrSubtract, divide, lea, logic, negate, product, scan, shift, wide } from "./arithmetic.ts";
import { Part } from "./atoms.ts";
import { assume, Cc, negated } from "./conditions.ts";
import { Flow, OperandKind } from "./decode.ts";
import { Op } from "./instructions.ts";
import { commonPart, commonRelations, joinReferences, partOf } from "./join.ts";
import { limitOf, type Machine, Reg } from "./machine.ts";
import type { State } from "./state.ts";
import {
  AtomKind,
  Base,
  type Condition,
  Form,
  isConstant,
  isLength,
  loneAtom,
  ofAtom,
  sameForm,
  ZERO,
} from "./values.ts";

/** All but what ends a block. */
export function step(m: Machine): void {
  const { i } = m;
  if (i.prefixed || !i.plainEncoding || i.flow !== Flow.next) {
    m.fail("an instruction that compiled code does not have");
    return;
  }
  if (hasOtherOperand(i)) {
    m.fail("an instruction that compiled code does not have");
    return;
  }
  const flags = m.state.flags;
  if (i.writesFlags) m.state.flags = undefined;
  switch (i.op) {
    case Op.mov:
      return m.result(m.operand(1));
    case Op.zeroExtend:
      return zeroExtend(m);
    case Op.signExtend:
      return signExtend(m);
    case Op.lea:
      return lea(m);
    case Op.add:
      return addOrSubtract(m, 1);
    case Op.sub:
      return addOrSubtract(m, -1);
    case Op.compare:
      return compare(m);
    case Op.test:
      return test(m);
    case Op.and:
    case Op.or:
    case Op.xor:
      return logic(m, i.op);
    case Op.shl:
    case Op.shr:
    case Op.sar:
      return shift(m, i.op);
    case Op.multiply:
      return product(m);
    case Op.widening:
      // rdx:rax from rax and an operand.
      m.operand(0);
      return wide(m);
    case Op.divide:
      return divide(m);
    case Op.signOfRax:
      m.write(Reg.rdx, 8, m.fresh(8, Part.rdx));
      return;
    case Op.widenRax:
      m.write(Reg.rax, 8, m.fresh(8, Part.rax));
      return;
    case Op.set:
      return set(m, flags);
    case Op.conditionalMove:
      return conditionalMove(m);
    case Op.update:
      // Reads and writes operand 0; other operands are read.
      if (i.operands > 1) m.operand(1);
      if (i.k0 === OperandKind.memory) m.operand(0);
      m.result(m.fresh(m.size(), Part.result));
      return;
    case Op.define:
      // Writes operand 0; other operands are read.
      m.operand(1);
      if (i.operands > 2) m.operand(2);
      m.result(m.fresh(m.size(), Part.result));
      return;
    case Op.scan:
      return scan(m);
    case Op.negate:
      return negate(m);
    case Op.count:
      m.operand(1);
      m.result(m.bounded(m.size(), 64, Part.result));
      return;
    case Op.examine:
      return bit(m);
    case Op.changeBit:
      bit(m);
      return m.result(m.fresh(m.size(), Part.result));
    case Op.exchange:
      return exchange(m);
    case Op.exchangeAdd:
      return exchangeAdd(m);
    case Op.compareExchange:
      return compareExchange(m);
    case Op.nothing:
      return;
    case Op.vector:
      return vector(m);
    default:
      m.fail("an instruction that compiled code does not have");
  }
}

/** A segment, a control register: nothing that compiled code has. Vector instructions look at their operands themselves. */
function hasOtherOperand({ op, k0, k1, k2 }: Machine["i"]): boolean {
  const { other } = OperandKind;
  return op !== Op.vector && op !== Op.nothing && (k0 === other || k1 === other || k2 === other);
}

/** bt and its like: in memory, a register counts bits from the operand on, as far as it likes. */
function bit(m: Machine): void {
  if (m.i.k0 === OperandKind.memory && m.i.k1 !== OperandKind.immediate) {
    m.failAccess("the address can't be followed");
  }
  m.operand(0);
  m.operand(1);
}

function zeroExtend(m: Machine): void {
  const { i } = m;
  if (i.k1 === OperandKind.register && !i.high) {
    const atom = loneAtom(m.state.register(i.r1));
    if (i.s1 === 1 && m.atoms.kind[atom] === AtomKind.conditionByte) {
      return m.result(m.atom(1, AtomKind.condition, 0, m.atoms.payload[atom]));
    }
  }
  m.result(m.operand(1));
}

function signExtend(m: Machine): void {
  const { i } = m;
  const size = i.k1 === OperandKind.memory ? i.memorySize : i.s1;
  const value = m.operand(1);
  const atom = loneAtom(value);
  if (m.state.isExact(value)) {
    m.state.range(value);
    if (m.state.hi <= limitOf(size) >>> 1) return m.result(value);
  }
  if (size === 4 && i.s0 === 8 && atom !== 0) m.result(ofAtom(m.atoms.signed(atom)));
  else m.result(m.fresh(i.s0, Part.signed));
}

function compare(m: Machine): void {
  const size = m.size();
  const left = m.operand(0);
  const right = m.operand(1);
  m.state.flags = { kind: "compare", size, left, right };
}

function test(m: Machine): void {
  const { i } = m;
  const size = m.size();
  const left = m.operand(0);
  const right = m.operand(1);
  if (i.k0 === OperandKind.register && i.k1 === OperandKind.register && i.r0 === i.r1 && !i.high) {
    m.state.flags = { kind: "compare", size, left, right: ZERO };
    const atom = loneAtom(m.state.register(i.r0));
    if (size === 1 && m.atoms.kind[atom] === AtomKind.conditionByte) {
      const condition = m.atom(1, AtomKind.condition, 0, m.atoms.payload[atom]);
      m.state.flags = { kind: "result", size, left: condition, right: ZERO };
    }
  } else if (isConstant(right)) {
    // Nothing of the operand follows but for bits.
    m.state.flags = undefined;
  }
}

function set(m: Machine, flags: State["flags"]): void {
  const { i } = m;
  if (i.k0 !== OperandKind.register || i.high) {
    m.result(m.fresh(1));
    return;
  }
  const known = flags !== undefined && understood(i.condition);
  const condition: Condition | undefined = known ? { op: "compare", condition: i.condition, flags } : undefined;
  m.write(i.r0, 8, m.atom(Number.POSITIVE_INFINITY, AtomKind.conditionByte, 0, condition));
}

/** Operand 0 stays unless the condition holds, and then becomes operand 1. */
function conditionalMove(m: Machine): void {
  const { state, i, world } = m;
  const stays = m.operand(0);
  const comes = m.operand(1);
  const { flags } = state;
  const size = m.size();
  if (flags === undefined || !understood(i.condition)) {
    return m.result(either(m, stays, state, comes, state, size));
  }
  const condition = { op: "compare", condition: i.condition, flags } as const;
  const typeOf = (half: number): number => world.types.ofHalf(half);
  const [ifNot, ifSo] = [state.clone(), state.clone()];
  assume(ifNot, condition, false, typeOf);
  assume(ifSo, condition, true, typeOf);
  // Decided; perhaps by a branch, which doesn't hold a processor up.
  if (ifSo.impossible || ifNot.impossible) m.dependsOnBranches = true;
  if (ifSo.impossible) {
    // With what follows from it.
    m.state = ifNot;
    m.result(stays);
  } else if (ifNot.impossible && m.speculative) m.result(comes);
  // A guard never comes to pass where its check has not failed.
  else if (ifNot.impossible) m.result(either(m, stays, state, comes, state, size));
  else m.result(either(m, stays, ifNot, comes, ifSo, size));
}

/** `one`, of which `whenX` holds, or `other`, of which `whenY` holds. */
function either(m: Machine, one: Form, whenX: State, other: Form, whenY: State, size: number): Form {
  if (sameForm(one, other)) return one;
  const [x, y] = [whenX.byKnownSum(one), whenY.byKnownSum(other)];
  const token = size === 8 ? joinReferences(m.atoms, one, other) : undefined;
  if (token !== undefined) {
    return m.atom(Number.POSITIVE_INFINITY, AtomKind.reference, 0, token);
  }
  const shared = commonPart(x, y) ?? new Form(Base.number, 0, 0, 1);
  if (x.base !== shared.base || y.base !== shared.base) return m.fresh(size);
  // A multiple that may wrap around is bounded as a whole, if at all.
  const isBounded =
    Number.isFinite(whenX.upperBound(partOf(x, shared))) && Number.isFinite(whenY.upperBound(partOf(y, shared)));
  const common = isBounded ? shared : new Form(shared.base, shared.c, 0, 1);
  const [p, q] = [whenX.asNumber(partOf(x, common)), whenY.asNumber(partOf(y, common))];
  if (p === undefined || q === undefined) return m.fresh(size);
  const hi = Math.max(whenX.upperBound(p), whenY.upperBound(q));
  // Both may be the same state.
  whenX.range(p);
  const { lo } = whenX;
  whenY.range(q);
  const value = m.fresh(size);
  m.state.narrow(value.a, Math.max(0, Math.min(lo, whenY.lo)), hi);
  // Of a check itself, and not only of what holds a processor up until it is done, m is no proof.
  if (m.speculative) {
    for (const { l, k } of commonRelations(whenX, p, whenY, q, comparedLengths(m.state))) m.state.relate(value, l, k);
  }
  return new Form(common.base, common.c, value.a, common.s);
}

/** The lengths of what was compared last. */
function comparedLengths({ flags, atoms }: State): readonly number[] {
  if (flags === undefined) return [];
  const { left, right } = flags;
  return [left.a, left.b, right.a, right.b].filter((atom) => isLength(atoms.kind[atom]));
}

function exchange(m: Machine): void {
  const { i } = m;
  const x = m.operand(0);
  const y = m.operand(1);
  if (i.k0 === OperandKind.register && i.k1 === OperandKind.register) {
    m.write(i.r0, i.s0, y);
    m.write(i.r1, i.s1, x);
    return;
  }
  // Memory, in either place; its address may be made of the register.
  storeValue(m, m.fresh(8, Part.sum), i.memorySize);
  if (i.k0 === OperandKind.memory) m.write(i.r1, i.s1, m.fresh(i.s1, Part.old));
  else m.write(i.r0, i.s0, m.fresh(i.s0, Part.old));
}

/** xadd: operand 0 is the sum, and the other one what it was. */
function exchangeAdd(m: Machine): void {
  const { i } = m;
  m.operand(0);
  const sum = m.fresh(m.size(), Part.sum);
  // The address may be made of the register; and one that is both operands is the sum.
  if (i.k0 === OperandKind.memory) m.result(sum);
  if (i.k1 === OperandKind.register) m.write(i.r1, i.high ? 1 : i.s1, m.fresh(i.s1, Part.old));
  if (i.k0 !== OperandKind.memory) m.result(sum);
}

/**
 * Of rax the operand's bytes may become what is in memory; of 4 bytes with nothing above them. (A register in place of memory may keep
 * its upper half.)
 */
function compareExchange(m: Machine): void {
  if (m.i.k0 !== OperandKind.memory) return m.fail("an instruction that compiled code does not have");
  const size = m.size();
  const isSmall = m.isWithin(m.state.register(Reg.rax), size);
  m.operand(0);
  m.result(m.fresh(size, Part.result));
  m.write(Reg.rax, 8, m.fresh(isSmall ? size : 8, Part.rax));
}

/** Instructions on vector registers, which hold no address: what they do to memory and general registers. */
function vector(m: Machine): void {
  const { i } = m;
  const writes = i.vectorWrites;
  if (writes === undefined) return m.fail("an instruction that compiled code does not have");
  const kinds = [i.k0, i.k1, i.k2];
  for (let n = 0; n < 3; n++) {
    if (kinds[n] === OperandKind.memory) touch(m, i.memorySize, writes[n] === true);
    else if (kinds[n] === OperandKind.register && writes[n] === true) {
      const register = n === 0 ? i.r0 : n === 1 ? i.r1 : i.r2;
      const size = n === 0 ? i.s0 : n === 1 ? i.s1 : i.s2;
      m.write(register, size, m.fresh(size, Part.vector));
    } else if (kinds[n] === OperandKind.other) return m.fail("an instruction that compiled code does not have");
  }
}

function understood(condition: number): boolean {
  return condition !== Cc.p && condition !== Cc.np && negated(condition) > 0;
}
