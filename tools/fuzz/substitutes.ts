/** Operators that the other engine does not know, as functions of operators that it knows. */

import { codeOf } from "./operators.ts";
import type { Expr, FuncTree, Types } from "./tree.ts";

function op(name: string, results: Types, ...kids: Expr[]): Expr {
  return { code: codeOf(name), results, kids, immediates: [] };
}

function get(local: number): Expr {
  return { code: codeOf("local.get"), results: "l", kids: [], immediates: [{ kind: "u32", value: local }] };
}

function set(local: number, value: Expr): Expr {
  return { code: codeOf("local.set"), results: "", kids: [value], immediates: [{ kind: "u32", value: local }] };
}

/** A constant from 0 to 63. */
function small(value: number): Expr {
  return { code: codeOf("i64.const"), results: "l", kids: [], immediates: [{ kind: "bytes", bytes: [value] }] };
}

const add = (a: Expr, b: Expr): Expr => op("i64.add", "l", a, b);
const sub = (a: Expr, b: Expr): Expr => op("i64.sub", "l", a, b);
const mul = (a: Expr, b: Expr): Expr => op("i64.mul", "l", a, b);
const high = (a: Expr): Expr => op("i64.shr_u", "l", a, small(32));
const low = (a: Expr): Expr => op("i64.shr_u", "l", op("i64.shl", "l", a, small(32)), small(32));
const less = (a: Expr, b: Expr): Expr => op("i64.extend_i32_u", "l", op("i64.lt_u", "i", a, b));
/** `b` when `a` is negative, else 0. */
const whenNegative = (a: Expr, b: Expr): Expr => op("i64.and", "l", op("i64.shr_s", "l", a, small(63)), b);

function func(params: Types, locals: Types, body: Expr[]): FuncTree {
  return { params, results: "ll", declared: undefined, locals, body };
}

/** Leaves in local 4 the upper half of the unsigned product of locals 0 and 1; 2 and 3 are scratch. */
function upperHalf(): Expr[] {
  const [a, b] = [0, 1];
  return [
    set(2, add(mul(high(get(a)), low(get(b))), high(mul(low(get(a)), low(get(b)))))),
    set(3, add(mul(low(get(a)), high(get(b))), low(get(2)))),
    set(4, add(add(mul(high(get(a)), high(get(b))), high(get(2))), high(get(3)))),
  ];
}

export const WIDE_ARITHMETIC: readonly { readonly name: string; readonly func: FuncTree }[] = [
  {
    name: "i64.add128",
    func: func("llll", "l", [set(4, add(get(0), get(2))), get(4), add(add(get(1), get(3)), less(get(4), get(0)))]),
  },
  {
    name: "i64.sub128",
    func: func("llll", "", [sub(get(0), get(2)), sub(sub(get(1), get(3)), less(get(0), get(2)))]),
  },
  { name: "i64.mul_wide_u", func: func("ll", "lll", [...upperHalf(), mul(get(0), get(1)), get(4)]) },
  {
    name: "i64.mul_wide_s",
    func: func("ll", "lll", [
      ...upperHalf(),
      mul(get(0), get(1)),
      sub(sub(get(4), whenNegative(get(0), get(1))), whenNegative(get(1), get(0))),
    ]),
  },
];
