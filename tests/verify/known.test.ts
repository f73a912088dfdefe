/** What the sandbox verifier knows of values where paths meet, of copies with a sign, and of products; and what it does not. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as iced from "iced-x86";
import { Atoms, headOf, NO_PLACE, Part } from "../../src/verify/atoms.ts";
import { assume, Cc } from "../../src/verify/conditions.ts";
import { commonRelations, join } from "../../src/verify/join.ts";
import { lengthClass, State } from "../../src/verify/state.ts";
import { AtomKind, Base, constant, Form, ofAtom } from "../../src/verify/values.ts";
import { firstFunction, instructionsOf } from "../support/first-function.ts";

const BLOCK = 1;

function unknown(atoms: Atoms, n: number, hi: number, place = NO_PLACE, block = 0): number {
  return atoms.make(place, Part.operand + n, block, hi, AtomKind.plain, 0, undefined);
}

test("what was compared is known behind a meeting of paths that compared the same", () => {
  const atoms = new Atoms(() => undefined);
  const [x, y, own] = [
    unknown(atoms, 0, 255),
    unknown(atoms, 1, 255),
    unknown(atoms, 0, 255, headOf(BLOCK), BLOCK),
  ].map(ofAtom);
  assert.ok(x !== undefined && y !== undefined && own !== undefined);
  const compared = (left: typeof x, right: typeof x, size = 4): State => {
    const state = new State(atoms);
    state.flags = { kind: "compare", size, left, right };
    return state;
  };
  const same = compared(x, y);
  assert.equal(join(same, compared(x, y), BLOCK, false), false);
  assert.deepEqual(same.flags, { kind: "compare", size: 4, left: x, right: y });
  for (const other of [compared(y, x), compared(x, constant(1)), compared(x, y, 8), new State(atoms)]) {
    const state = compared(x, y);
    assert.equal(join(state, other, BLOCK, false), true);
    assert.equal(state.flags, undefined);
  }
  // Of what the block itself defines, the last round's value was compared.
  const before = compared(own, y);
  assert.equal(join(before, compared(own, y), BLOCK, true), true);
  assert.equal(before.flags, undefined);
});

test("a copy with its sign in 64 bits is the same number below 2^31, and only there", () => {
  const atoms = new Atoms(() => undefined);
  const atom = unknown(atoms, 0, 2 ** 32 - 1);
  const copy = atoms.signed(atom);
  assert.equal(atoms.signed(atom), copy);
  assert.equal(atoms.low(ofAtom(copy)), atom);

  const small = new State(atoms);
  small.narrow(atom, 3, 2 ** 31 - 1);
  assert.deepEqual(small.rangeOf(copy), { lo: 3, hi: 2 ** 31 - 1, free: 0 });
  const back = new State(atoms);
  back.narrow(copy, 0, 9);
  assert.equal(back.rangeOf(atom).hi, 9);

  const large = new State(atoms);
  large.narrow(atom, 3, 2 ** 31);
  assert.deepEqual(large.rangeOf(copy), { lo: 0, hi: Number.POSITIVE_INFINITY, free: 0 });
  large.narrow(copy, 3, 2 ** 31);
  assert.equal(large.rangeOf(atom).hi, 2 ** 31);
});

test("a negative number is at most another one only where it is none", () => {
  const atoms = new Atoms(() => undefined);
  const atom = unknown(atoms, 0, 60);
  const negative = new Form(Base.number, 0, atom, -1);
  const assumed = (right: Form): State => {
    const state = new State(atoms);
    const flags = { kind: "compare", size: 8, left: negative, right } as const;
    assume(state, { op: "compare", condition: Cc.be, flags }, true, () => -1);
    return state;
  };
  assert.ok(assumed(constant(100)).rangeOf(atom).hi === 0);
  const before = new State(atoms).rangeOf(atom);
  // 64 bits may be as large as it is.
  assert.deepEqual(assumed(ofAtom(unknown(atoms, 1, Number.POSITIVE_INFINITY))).rangeOf(atom), before);
});

test("what is at most another value and is not it is less, and what may be more is not", () => {
  const atoms = new Atoms(() => undefined);
  const index = unknown(atoms, 0, 1000);
  const length = atoms.make(NO_PLACE, Part.load, 0, 100, AtomKind.tableLength, 0, undefined);
  const size = lengthClass(AtomKind.tableLength, 0);
  /** What is known of the index and a length when it is not the same as `right`, of which `compared` may say something before. */
  const apart = (right: Form, compared?: number): number => {
    const state = new State(atoms);
    state.relate(ofAtom(length), size, 0);
    const learn = (condition: number): void => {
      const flags = { kind: "compare", size: 8, left: ofAtom(index), right } as const;
      assume(state, { op: "compare", condition, flags }, true, () => -1);
    };
    if (compared !== undefined) learn(compared);
    learn(Cc.ne);
    return right.a === length ? state.margin(ofAtom(index), size) : state.upperBound(ofAtom(index));
  };
  assert.equal(apart(ofAtom(length), Cc.be), 1);
  assert.equal(apart(ofAtom(length), Cc.b), 1);
  assert.equal(apart(ofAtom(length)), Number.NEGATIVE_INFINITY);
  assert.equal(apart(ofAtom(length), Cc.ae), Number.NEGATIVE_INFINITY);
  assert.equal(apart(constant(100), Cc.be), 99);
  assert.equal(apart(constant(100)), 1000);
  assert.equal(apart(constant(100), Cc.ae), 1000);
});

test("one of two constants is at most a length when each is, where it is chosen", () => {
  const atoms = new Atoms(() => undefined);
  const length = atoms.make(NO_PLACE, Part.load, 0, 100, AtomKind.tableLength, 0, undefined);
  const [enough, less] = [new State(atoms), new State(atoms)];
  enough.narrow(length, 2, 100);
  const relations = (x: State): unknown => commonRelations(x, constant(2), less, constant(0), [length]);
  assert.deepEqual(relations(enough), [{ l: length, k: 0 }]);
  assert.deepEqual(relations(less), []);
  assert.deepEqual(commonRelations(enough, constant(2), less, constant(0)), []);
});

test("a product of bounded values is bounded, and of others it is not", async () => {
  const wat = `(module (memory 1)
    (func (export "f") (param f32 f32) (result i32)
      (i32.load8_u (i32.mul (f32.gt (local.get 0) (local.get 1)) (f32.ge (local.get 0) (f32.const 5))))))`;
  for (const optLevel of [0, 2] as const) {
    const { text, reasons } = await firstFunction(wat, { optLevel, bounds: "explicit" });
    assert.deepEqual(reasons(), []);
    if (optLevel === 0) continue;
    let masks = 0;
    for (const i of instructionsOf(text)) {
      const { mnemonic } = i;
      if (mnemonic !== iced.Mnemonic.Movzx || i.op1Kind !== iced.OpKind.Register) continue;
      masks++;
      const place = text.subarray(Number(i.ip), Number(i.ip) + i.length);
      const whole = place.slice();
      place.fill(0x90);
      assert.equal(reasons().length, 1, iced.Mnemonic[mnemonic]);
      place.set(whole);
    }
    assert.equal(masks, 2);
  }
});

test("a multiple that wraps around is bounded where it was compared, and only there", async () => {
  const wat = `(module (memory i64 2)
    (func (export "f") (param i32)
      (i32.store8 (i64.shl (i64.extend_i32_u (local.get 0)) (i64.const 34)) (i32.const 0))))`;
  const { text, reasons } = await firstFunction(wat, { bounds: "explicit" });
  assert.deepEqual(reasons(), []);
  let removed = 0;
  for (const i of instructionsOf(text)) {
    if (i.mnemonic !== iced.Mnemonic.Ja && i.mnemonic !== iced.Mnemonic.Cmova) continue;
    removed++;
    text.fill(0x90, Number(i.ip), Number(i.ip) + i.length);
  }
  assert.equal(removed, 2);
  assert.notEqual(reasons().length, 0);
});
