/** The structured emitter: random programs over four variables mean in SSA what they mean as statements. */

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Variable } from "../../src/frontend/flow.ts";
import { Emitter, type Loop } from "../../src/frontend/structured.ts";
import { I64 } from "../../src/ir/types.ts";
import { verifyFunc } from "../../src/ir/verify.ts";
import { Interpreter } from "../support/ir-interpreter.ts";

type Statement =
  | { kind: "add"; to: number; from: number }
  | { kind: "set"; to: number; value: number }
  | { kind: "if"; variable: number; when: Statement[]; otherwise: Statement[] | undefined }
  /** Runs at most `times` rounds. */
  | { kind: "loop"; times: number; body: Statement[] }
  | { kind: "break"; variable: number }
  | { kind: "continue"; variable: number }
  | { kind: "return"; variable: number };

const VARIABLES = 4;
const index = fc.nat(VARIABLES - 1);

const { block } = fc.letrec<{ statement: Statement; block: Statement[] }>((tie) => ({
  statement: fc.oneof(
    { depthSize: "small" },
    fc.record({ kind: fc.constant("add"), to: index, from: index }) as fc.Arbitrary<Statement>,
    fc.record({ kind: fc.constant("set"), to: index, value: fc.nat(3) }) as fc.Arbitrary<Statement>,
    fc.record({ kind: fc.constantFrom("break", "continue", "return"), variable: index }) as fc.Arbitrary<Statement>,
    fc.record({
      kind: fc.constant("if"),
      variable: index,
      when: tie("block"),
      otherwise: fc.option(tie("block"), { nil: undefined }),
    }) as fc.Arbitrary<Statement>,
    fc.record({ kind: fc.constant("loop"), times: fc.nat(3), body: tie("block") }) as fc.Arbitrary<Statement>,
  ),
  block: fc.array(tie("statement"), { maxLength: 5 }),
}));

class Stop {
  readonly what: "break" | "continue" | "return";
  constructor(what: "break" | "continue" | "return") {
    this.what = what;
  }
}

/** Odd is true. Conditional jumps leave the innermost loop; outside of loops they do nothing. */
function execute(statements: readonly Statement[], vars: bigint[], inLoop: boolean): void {
  for (const s of statements) {
    switch (s.kind) {
      case "add":
        vars[s.to] = BigInt.asUintN(64, (vars[s.to] ?? 0n) + (vars[s.from] ?? 0n));
        break;
      case "set":
        vars[s.to] = BigInt(s.value);
        break;
      case "if":
        execute(((vars[s.variable] ?? 0n) & 1n) === 1n ? s.when : (s.otherwise ?? []), vars, inLoop);
        break;
      case "loop":
        for (let i = 0; i < s.times; i++) {
          try {
            execute(s.body, vars, true);
          } catch (stop) {
            if (!(stop instanceof Stop) || stop.what === "return") throw stop;
            if (stop.what === "break") break;
          }
        }
        break;
      default:
        if (((vars[s.variable] ?? 0n) & 1n) === 1n && (inLoop || s.kind === "return")) throw new Stop(s.kind);
    }
  }
}

function emit(
  e: Emitter,
  statements: readonly Statement[],
  vars: readonly Variable[],
  loop: Loop | undefined,
  done: () => void,
): void {
  const at = (i: number): Variable => vars[i] as Variable;
  const odd = (i: number) => e.wrap(e.andImm(e.get(at(i)), 1));
  for (const s of statements) {
    switch (s.kind) {
      case "add":
        e.set(at(s.to), e.add(e.get(at(s.to)), e.get(at(s.from))));
        break;
      case "set":
        e.set(at(s.to), e.i64(s.value));
        break;
      case "if": {
        const { otherwise } = s;
        e.if(
          odd(s.variable),
          () => emit(e, s.when, vars, loop, done),
          otherwise === undefined ? undefined : () => emit(e, otherwise, vars, loop, done),
        );
        break;
      }
      case "loop": {
        const count = e.variable(e.i64(-1));
        e.loop((inner) => {
          e.set(count, e.offset(e.get(count), 1));
          e.breakUnless(inner, e.ultImm(e.get(count), s.times));
          emit(e, s.body, vars, inner, done);
        });
        break;
      }
      case "break":
        if (loop !== undefined) e.breakIf(loop, odd(s.variable));
        break;
      case "continue":
        if (loop !== undefined) e.if(odd(s.variable), () => e.continue(loop));
        break;
      case "return":
        e.if(odd(s.variable), done);
        break;
    }
  }
}

test("random structured programs", () => {
  fc.assert(
    fc.property(
      block,
      fc.array(fc.bigInt(0n, 9n), { minLength: VARIABLES, maxLength: VARIABLES }),
      (program, inputs) => {
        const types = new Array(VARIABLES).fill(I64);
        const e = Emitter.start(
          "random",
          { params: types, results: types, convention: "wasm" },
          { stackCheck: false, entry: false },
        );
        const vars = e.params.map((p) => e.variable(p));
        const done = (): void => e.return(...vars.map((v) => e.get(v)));
        emit(e, program, vars, undefined, done);
        done();
        const func = e.finish();
        assert.deepEqual(verifyFunc(func), []);
        const expected = [...inputs];
        try {
          execute(program, expected, false);
        } catch (stop) {
          if (!(stop instanceof Stop)) throw stop;
        }
        const out = new Interpreter({ resolve: () => () => [] }, 1 << 12).run(func, inputs);
        assert.deepEqual(out, expected);
      },
    ),
    { numRuns: 2000 },
  );
});

test("a variable that is read before it is set", () => {
  const e = Emitter.start("f", { params: [], results: [], convention: "c" }, { stackCheck: false, entry: false });
  const other = Emitter.start(
    "g",
    { params: [I64], results: [], convention: "c" },
    { stackCheck: false, entry: false },
  );
  const v = other.variable(other.param(0));
  assert.throws(() => e.get(v), /read before it is set/);
  assert.throws(() => e.finish(), /does not end/);
});
