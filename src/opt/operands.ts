/** Which columns of an instruction hold values, as small integers for hot passes; and what is done to all of them at once. */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { successorCall, successorCount } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { ACCESS_TRAPS, FLAG_EFFECT, OP_FLAGS, OP_NAMES, Op, opRow } from "../ir/ops.ts";

/** Bits of `VALUE_COLUMNS`: which of a, b, c are values; whether (b, c) is a list of values in the pool. */
export const VALUES_A = 1;
export const VALUES_B = 2;
export const VALUES_C = 4;
export const VALUES_LIST = 8;

/** Per op; a branch's arguments are not counted. */
export const VALUE_COLUMNS: Uint8Array = Uint8Array.from(OP_NAMES, (_, op) => {
  switch (opRow(op).format) {
    case "unary":
    case "load":
    case "brif":
    case "br_table":
      return VALUES_A;
    case "binary":
    case "compare":
    case "store":
    case "rmw":
      return VALUES_A | VALUES_B;
    case "select":
    case "cas":
      return VALUES_A | VALUES_B | VALUES_C;
    case "call":
    case "list":
    case "return":
      return VALUES_LIST;
    case "call_indirect":
      return VALUES_A | VALUES_LIST;
    case "trap":
      return op === Op.trap ? 0 : VALUES_A;
    case "const":
    case "nullary":
    case "address":
    case "jump":
      return 0;
  }
});

const LOAD = Op.load;

/** Whether an instruction must stay although nobody reads its results: an effect, or a load that may fault. */
export function hasEffect(func: Func, inst: number): boolean {
  const op = func.op.get(inst);
  return (OP_FLAGS[op]! & FLAG_EFFECT) !== 0 || (op === LOAD && (func.hi.get(inst) & ACCESS_TRAPS) !== 0);
}

function resolveList(func: Func, start: number, length: number): void {
  for (let i = start; i < start + length; i++) func.pool.set(i, func.resolve(entity<Value>(func.pool.get(i))));
}

/** Resolves every value that `inst` uses, but for its branches' arguments, and writes it back. */
export function resolveOperands(func: Func, inst: Inst): void {
  const columns = VALUE_COLUMNS[func.op.get(inst)]!;
  if (columns & VALUES_A) func.a.set(inst, func.resolve(entity<Value>(func.a.get(inst))));
  if (columns & VALUES_B) func.b.set(inst, func.resolve(entity<Value>(func.b.get(inst))));
  if (columns & VALUES_C) func.c.set(inst, func.resolve(entity<Value>(func.c.get(inst))));
  if (columns & VALUES_LIST) resolveList(func, func.b.get(inst), func.c.get(inst));
}

/** Resolves the arguments of a block's branches. */
export function resolveBranches(func: Func, block: Block): void {
  const count = successorCount(func, block);
  for (let i = 0; i < count; i++) {
    const call = successorCall(func, block, i);
    resolveList(func, func.callArgsStart.get(call), func.callArgsLength.get(call));
  }
}

/** How often each value is read in the layout, branch arguments included. */
export function countUses(func: Func): Int32Array {
  const uses = func.work.i32(func.valueCount);
  const { a, b, c, pool } = func;
  for (const block of func.layout) {
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
      const columns = VALUE_COLUMNS[func.op.get(i)]!;
      if (columns & VALUES_A) uses[func.resolve(entity<Value>(a.get(i)))]!++;
      if (columns & VALUES_B) uses[func.resolve(entity<Value>(b.get(i)))]!++;
      if (columns & VALUES_C) uses[func.resolve(entity<Value>(c.get(i)))]!++;
      if (columns & VALUES_LIST) {
        const start = b.get(i);
        const end = start + c.get(i);
        for (let p = start; p < end; p++) uses[func.resolve(entity<Value>(pool.get(p)))]!++;
      }
    }
    const count = successorCount(func, block);
    for (let s = 0; s < count; s++) {
      const call = successorCall(func, block, s);
      const start = func.callArgsStart.get(call);
      const end = start + func.callArgsLength.get(call);
      for (let p = start; p < end; p++) uses[func.resolve(entity<Value>(pool.get(p)))]!++;
    }
  }
  return uses;
}
