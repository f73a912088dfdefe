/** Makes replaced values disappear from a function's instructions and branches. */

import { entity } from "../../base/entity.ts";
import { type Func, NONE, type Value } from "../../ir/function.ts";
import { OP_NAMES, opRow } from "../../ir/ops.ts";

/** Bits: which of a, b, c are values; and whether (b, c) is a list of values. */
const A = 1;
const B = 2;
const C = 4;
const LIST = 8;

const OPERANDS = Uint8Array.from(OP_NAMES, (_, op) => {
  switch (opRow(op).format) {
    case "unary":
    case "load":
    case "brif":
    case "br_table":
    case "trap":
      return A;
    case "binary":
    case "compare":
    case "store":
    case "rmw":
      return A | B;
    case "select":
    case "cas":
      return A | B | C;
    case "call":
    case "return":
    case "list":
      return LIST;
    case "call_indirect":
      return A | LIST;
    case "const":
    case "nullary":
    case "address":
    case "jump":
      return 0;
  }
});

/** Replaces every operand by what it was replaced by. Branch arguments too. Linear in the size of the function. */
export function resolveOperands(func: Func): void {
  const resolve = (raw: number): number => (raw === NONE ? raw : func.resolve(entity<Value>(raw)));
  const list = (start: number, length: number): void => {
    for (let i = start; i < start + length; i++) func.pool.set(i, resolve(func.pool.get(i)));
  };
  for (const block of func.layout) {
    for (let inst = func.firstInst.get(block); inst !== NONE; inst = func.next.get(inst)) {
      const operands = OPERANDS[func.op.get(inst)] ?? 0;
      if (operands & A) func.a.set(inst, resolve(func.a.get(inst)));
      if (operands & B) func.b.set(inst, resolve(func.b.get(inst)));
      if (operands & C) func.c.set(inst, resolve(func.c.get(inst)));
      if (operands & LIST) list(func.b.get(inst), func.c.get(inst));
    }
  }
  for (let call = 0; call < func.callBlock.length; call++) {
    list(func.callArgsStart.get(call), func.callArgsLength.get(call));
  }
}
