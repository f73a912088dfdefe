/** How good allocations are: memory accesses and moves by loop depth in small functions that compilers meet all the time. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { allocate } from "../../src/codegen/regalloc/allocate.ts";
import { checkAllocation } from "../../src/codegen/regalloc/check.ts";
import { type AllocatorInput, EditKind, FIRST_SLOT, OperandKind } from "../../src/codegen/regalloc/interface.ts";
import { printAllocation } from "../../src/codegen/regalloc/print.ts";
import {
  def,
  defFixed,
  defTied,
  InputBuilder,
  use,
  useAny,
  useFixed,
  X64_CALL_CLOBBER_FLOAT,
  X64_CALL_CLOBBER_INT,
} from "./builder.ts";

interface Costs {
  loads: number;
  stores: number;
  moves: number;
  remats: number;
}

interface Result {
  /** Costs per loop depth; an operand in a slot counts as a load or store. */
  readonly depth: readonly Costs[];
  readonly text: string;
  readonly calleeSaved: number;
  readonly skipped: number;
}

function measure(builder: InputBuilder): Result {
  const input: AllocatorInput = builder.build();
  const output = allocate(input);
  const text = printAllocation(input, output);
  assert.deepEqual(checkAllocation(input, output), [], text);
  const depth: Costs[] = Array.from({ length: 5 }, () => ({ loads: 0, stores: 0, moves: 0, remats: 0 }));
  const at = (inst: number): Costs => {
    const b = input.blockStart.findIndex((start, k) => start <= inst && inst < (input.blockStart[k + 1] ?? 0));
    const costs = depth[input.loopDepth[b] ?? 0];
    if (costs === undefined) throw new Error("too deep");
    return costs;
  };
  for (let e = 0; e < output.editPosition.length; e++) {
    const costs = at((output.editPosition[e] ?? 0) >> 1);
    if (output.editKind[e] === EditKind.remat) costs.remats++;
    else if ((output.editFrom[e] ?? 0) >= FIRST_SLOT) costs.loads++;
    else if ((output.editTo[e] ?? 0) >= FIRST_SLOT) costs.stores++;
    else costs.moves++;
  }
  for (let i = 0; i < input.instCount; i++) {
    for (let o = input.operandStart[i] ?? 0; o < (input.operandStart[i + 1] ?? 0); o++) {
      if ((output.operandPlace[o] ?? 0) < FIRST_SLOT) continue;
      if ((input.operandKind[o] ?? 0) < OperandKind.def) at(i).loads++;
      else at(i).stores++;
    }
  }
  let calleeSaved = 0;
  for (let m = output.usedCalleeSavedInt; m !== 0; m &= m - 1) calleeSaved++;
  return { depth, text, calleeSaved, skipped: output.skipped.reduce((sum, s) => sum + s, 0) };
}

function atMost(result: Result, depth: number, bound: Partial<Costs>): void {
  const costs = result.depth[depth];
  for (const key of ["loads", "stores", "moves", "remats"] as const) {
    const limit = bound[key];
    if (limit === undefined) continue;
    assert.ok(
      (costs?.[key] ?? 0) <= limit,
      `depth ${depth}: ${costs?.[key]} ${key} instead of ${limit}\n${result.text}`,
    );
  }
}

const CALL = [X64_CALL_CLOBBER_INT, X64_CALL_CLOBBER_FLOAT] as const;

function call(f: InputBuilder, block: number, ...args: number[]): number {
  const registers = [7, 6, 2, 1, 8, 9];
  const result = f.vreg();
  f.inst(block, [defFixed(result, 0), ...args.map((v, k) => useFixed(v, registers[k] ?? 7))], ...CALL);
  return result;
}

function values(f: InputBuilder, block: number, count: number): number[] {
  return f.vregs(count).map((v) => {
    f.inst(block, [def(v)]);
    return v;
  });
}

/** d = a op b in two-address form. */
function op(f: InputBuilder, block: number, a: number, b: number): number {
  const d = f.vreg();
  f.inst(block, [defTied(d, 1), use(a), useAny(b)]);
  return d;
}

/** A loop around `body`, which gets the loop's block and variable and returns the next one. Returns the block behind. */
function loop(
  f: InputBuilder,
  from: number,
  depth: number,
  start: number,
  body: (block: number, variable: number) => { block: number; next: number },
): number {
  const variable = f.vreg();
  const head = f.block([variable], depth);
  f.jump(from, head, [start]);
  const { block, next } = body(head, variable);
  const back = f.block([], depth);
  const out = f.block([], depth - 1);
  f.branch(block, next, back, out);
  f.jump(back, head, [next]);
  return out;
}

test("a loop without calls between calls: values are loaded once before it", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 10);
  call(f, entry, ...vs.slice(0, 2));
  const out = loop(f, entry, 1, vs[0] ?? 0, (block, variable) => {
    let sum = variable;
    for (const v of vs) sum = op(f, block, sum, v);
    for (const v of vs) sum = op(f, block, sum, v);
    return { block, next: sum };
  });
  call(f, out, ...vs.slice(2, 4));
  f.ret(out, ...vs.map(useAny));
  const result = measure(f);
  atMost(result, 1, { loads: 0, stores: 0, moves: 1 });
  atMost(result, 0, { loads: 20, stores: 10 });
});

test("a value used several times behind a call is loaded once", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 10);
  let last = call(f, entry, ...vs.slice(0, 2));
  for (let round = 0; round < 3; round++) {
    for (const v of vs) last = op(f, entry, last, v);
    for (const v of vs) f.inst(entry, [use(v), use(last)]);
    for (const v of vs) f.inst(entry, [use(last), use(v)]);
    last = call(f, entry, last);
  }
  f.ret(entry, use(last));
  // Five registers survive calls: five of the ten values are loaded, in each of three rounds.
  atMost(measure(f), 0, { loads: 16, stores: 5 });
});

test("a variable of a loop without calls stays in its register, though the loop around it calls", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 8);
  const out = loop(f, entry, 1, vs[0] ?? 0, (outer, outerVariable) => {
    const result = call(f, outer, ...vs.slice(0, 3));
    const behind = loop(f, outer, 2, result, (block, variable) => {
      let next = op(f, block, variable, vs[1] ?? 0);
      next = op(f, block, next, vs[2] ?? 0);
      f.inst(block, [use(next), useAny(vs[3] ?? 0)]);
      next = op(f, block, next, vs[4] ?? 0);
      return { block, next };
    });
    const next = op(f, behind, outerVariable, vs[5] ?? 0);
    f.inst(behind, [use(next), useAny(vs[6] ?? 0), useAny(vs[7] ?? 0)]);
    return { block: behind, next };
  });
  f.ret(out);
  const result = measure(f);
  atMost(result, 2, { loads: 0, stores: 0, moves: 0 });
  atMost(result, 1, { loads: 8, stores: 1 });
});

test("a call on a path that leaves the loop costs nothing in the loop", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 10);
  const variable = f.vreg();
  const head = f.block([variable], 1);
  const good = f.block([], 1);
  const back = f.block([], 1);
  const out = f.block();
  const bad = f.block();
  f.jump(entry, head, [vs[0] ?? 0]);
  let sum = variable;
  for (const v of vs) sum = op(f, head, sum, v);
  f.branch(head, sum, good, bad);
  sum = op(f, good, sum, vs[3] ?? 0);
  f.branch(good, sum, back, out);
  f.jump(back, head, [sum]);
  f.ret(out, ...vs.slice(0, 2).map(useAny));
  const result = call(f, bad, ...vs.slice(0, 3));
  f.ret(bad, useAny(result), ...vs.slice(4, 6).map(useAny));
  atMost(measure(f), 1, { loads: 0, stores: 0, moves: 1 });
});

test("a call on one of two paths in a loop is paid for on that path", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 9);
  const variable = f.vreg();
  const head = f.block([variable], 1);
  const slow = f.block([], 1);
  const fast = f.block([], 1);
  const joined = f.vreg();
  const join = f.block([joined], 1);
  const back = f.block([], 1);
  const out = f.block();
  f.jump(entry, head, [vs[0] ?? 0]);
  let sum = variable;
  for (const v of vs) sum = op(f, head, sum, v);
  f.branch(head, sum, slow, fast);
  const result = call(f, slow, sum);
  f.jump(slow, join, [result]);
  f.jump(fast, join, [sum]);
  f.branch(join, joined, back, out);
  f.jump(back, head, [joined]);
  f.ret(out);
  const measured = measure(f);
  // Five values keep their registers; four are loaded again.
  atMost(measured, 1, { loads: 5, stores: 1 });
});

test("constants are made again behind calls and take no register that must be saved", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const constant = f.vreg();
  f.constant(entry, constant);
  for (let k = 0; k < 4; k++) {
    const result = call(f, entry);
    f.inst(entry, [use(constant), use(result)]);
  }
  f.ret(entry);
  const result = measure(f);
  assert.equal(result.calleeSaved, 0, result.text);
  atMost(result, 0, { loads: 0, stores: 0, remats: 4 });
  // It is needed only behind calls: where it stands it is not made.
  assert.equal(result.skipped, 1, result.text);
});

test("a constant that nobody reads is not made", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const constant = f.vreg();
  f.constant(entry, constant);
  f.ret(entry);
  assert.equal(measure(f).skipped, 1);
});

test("more values than registers in a loop: the rest is read from memory where instructions can", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 20);
  const out = loop(f, entry, 1, vs[0] ?? 0, (block, variable) => {
    let sum = variable;
    for (const v of vs) sum = op(f, block, sum, v);
    return { block, next: sum };
  });
  f.ret(out);
  atMost(measure(f), 1, { loads: 8, stores: 0, moves: 1 });
});

test("two variables that change places every iteration cost three moves", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const [a, b] = values(f, entry, 2);
  const x = f.vreg();
  const y = f.vreg();
  const head = f.block([x, y], 1);
  const back = f.block([], 1);
  const out = f.block();
  f.jump(entry, head, [a ?? 0, b ?? 0]);
  f.branch(head, x, back, out);
  f.jump(back, head, [y, x]);
  f.ret(out, use(x), use(y));
  atMost(measure(f), 1, { loads: 0, stores: 0, moves: 3 });
});

test("an inner loop with few values in an outer loop with many", () => {
  const f = new InputBuilder();
  const entry = f.block();
  const vs = values(f, entry, 24);
  const out = loop(f, entry, 1, vs[0] ?? 0, (outer, outerVariable) => {
    let sum = outerVariable;
    for (const v of vs.slice(0, 12)) sum = op(f, outer, sum, v);
    const behind = loop(f, outer, 2, sum, (block, variable) => {
      let next = variable;
      for (const v of vs.slice(4, 12)) next = op(f, block, next, v);
      return { block, next };
    });
    for (const v of vs.slice(12)) sum = op(f, behind, sum, v);
    return { block: behind, next: sum };
  });
  f.ret(out);
  const result = measure(f);
  atMost(result, 2, { loads: 0, stores: 0, moves: 0 });
  atMost(result, 1, { loads: 16, stores: 2 });
});
