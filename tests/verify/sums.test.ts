/** Sums of more unknowns than a form holds: one unknown stands for two of them, and only where their sum does not wrap around. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Atoms, NO_PLACE, Part } from "../../src/verify/atoms.ts";
import { State } from "../../src/verify/state.ts";
import { AtomKind, Base, combine, Form, ofAtom } from "../../src/verify/values.ts";

/** A state, and unknowns of so many bits that come from as many operands. */
function unknowns(...bits: readonly number[]): { readonly state: State; readonly atoms: readonly number[] } {
  const all = new Atoms(() => undefined);
  const atoms = bits.map((n, i) => {
    const hi = n === 64 ? Number.POSITIVE_INFINITY : 2 ** n - 1;
    return all.make(NO_PLACE, Part.operand + i, 0, hi, AtomKind.plain, 0, undefined);
  });
  return { state: new State(all), atoms };
}

const sumOf = (...atoms: readonly number[]): Form =>
  atoms.map(ofAtom).reduce((f, g) => combine(f, g, 1) ?? assert.fail("no form"));

test("two unknowns of a sum of three are one, the same wherever they are added", () => {
  const { state, atoms } = unknowns(32, 32, 32);
  const [a = 0, b = 0, c = 0] = atoms;
  const start = new Form(Base.context, 0, a, 1, b, 1);
  const sum = state.sum(start, ofAtom(c), 1) ?? assert.fail("nothing is known of the sum");
  assert.equal(sum.base, Base.context);
  assert.deepEqual(state.sum(start, ofAtom(c), 1), sum);
  // What is added can be subtracted again.
  const rest = state.sum(sum, start, -1) ?? assert.fail("nothing is known of the rest");
  assert.deepEqual(rest, ofAtom(c));
  assert.equal(state.upperBound(new Form(Base.number, sum.c, sum.a, sum.s, sum.b, sum.t)), 3 * (2 ** 32 - 1));
});

test("what may wrap around is not one unknown", () => {
  const { state, atoms } = unknowns(64, 32, 64);
  const [a = 0, b = 0, c = 0] = atoms;
  assert.equal(state.sum(sumOf(a, b), ofAtom(c), 1), undefined);
  assert.equal(state.sum(new Form(Base.context, 0, a, 1, b, 1), ofAtom(c), 1), undefined);
  // A difference may be below 0.
  const small = unknowns(8, 8, 8);
  const [x = 0, y = 0, z = 0] = small.atoms;
  assert.equal(small.state.sum(new Form(Base.number, 0, x, 1, y, -1), ofAtom(z), 1), undefined);
  // It is one once its range is known.
  state.narrow(a, 0, 1000);
  assert.notEqual(state.sum(sumOf(a, b), ofAtom(c), 1), undefined);
});

test("a sum of one unknown that wraps around has no range of its own", () => {
  const { state, atoms } = unknowns(64);
  const [a = 0] = atoms;
  const next = new Form(Base.number, 1, a, 1);
  assert.equal(state.isExact(next), false);
  const value = state.wrapped(next) ?? assert.fail("no unknown");
  state.narrow(a, 10, Number.POSITIVE_INFINITY);
  assert.deepEqual(state.rangeOf(value.a), { lo: 0, hi: Number.POSITIVE_INFINITY, free: 0 });
  assert.deepEqual(state.wrapped(next), value);
  assert.equal(state.wrapped(new Form(Base.context, 1, a, 1)), undefined);
});

test("bounds that are not exact are none", () => {
  const { state, atoms } = unknowns(64, 64);
  const [a = 0, b = 0] = atoms;
  state.narrow(a, 2 ** 52 + 1, 2 ** 52 + 1);
  state.narrow(b, 2 ** 52, 2 ** 52);
  // 3 a - 3 b - 4 is -1; as floating point numbers it would be 0.
  assert.equal(state.isExact(new Form(Base.number, -4, a, 3, b, -3)), false);
  assert.equal(state.isExact(new Form(Base.number, 0, a, 1, b, -1)), true);
});

test("a sum by which an address is known keeps its constant exact", () => {
  const { state, atoms } = unknowns(64);
  const [a = 0] = atoms;
  const sum = new Form(Base.number, 2 ** 50 + 1, a, 1);
  const value = state.wrapped(sum) ?? assert.fail("no unknown");
  state.narrow(value.a, 0, 10);
  const far = new Form(Base.context, 0, a, 2 ** 20 + 1);
  assert.equal(state.byKnownSum(far), far);
  assert.deepEqual(
    state.byKnownSum(new Form(Base.context, 5, a, 1)),
    new Form(Base.context, -(2 ** 50) + 4, value.a, 1),
  );
});
