/**
 * Removes what nothing uses: instructions without an effect whose results have no use, and block parameters that are unused or
 * always the same value. Guarantees nothing about unreachable blocks; `control-flow.ts` removes those.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { forEachSuccessor } from "../ir/cfg.ts";
import { type BlockCall, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { ACCESS_TRAPS, FLAG_EFFECT, OP_FLAGS, Op } from "../ir/ops.ts";
import { forEachUse } from "./value-numbering.ts";

function isEffect(func: Func, inst: number): boolean {
  const op = func.op.get(inst);
  return (OP_FLAGS[op]! & FLAG_EFFECT) !== 0 || (op === Op.load && (func.hi.get(inst) & ACCESS_TRAPS) !== 0);
}

/** Marks from the effects backwards; sweeps the rest. A parameter is live when its value is. */
export function removeDeadCode(func: Func): void {
  const live = new Uint8Array(func.valueCount);
  const work: number[] = [];
  const mark = (value: Value): void => {
    if (live[value] === 0) {
      live[value] = 1;
      work.push(value);
    }
  };
  /** Calls that go to each block, for marking the arguments of a live parameter. */
  const callsTo: number[][] = Array.from({ length: func.blockCount }, () => []);
  for (const block of func.layout) {
    forEachSuccessor(func, block, (call) => callsTo[func.callBlock.get(call)]!.push(call));
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
      if (isEffect(func, i)) forEachOwnUse(func, entity<Inst>(i), mark);
    }
  }
  const paramIndex = new Int32Array(func.valueCount).fill(-1);
  for (const block of func.layout) {
    func.paramsOf(block).forEach((p, i) => {
      paramIndex[p] = i;
    });
  }
  while (work.length > 0) {
    const value = work.pop()!;
    const def = func.valueDef.get(value);
    if (def >= 0) forEachUse(func, entity<Inst>(def), mark);
    else {
      for (const call of callsTo[~def]!) {
        mark(func.resolve(entity<Value>(func.pool.get(func.callArgsStart.get(call) + paramIndex[value]!))));
      }
    }
  }
  for (const block of func.layout) {
    for (let i = func.lastInst.get(block); i !== NONE; ) {
      const prev = func.prev.get(i);
      if (!isEffect(func, i)) {
        const first = func.firstResult.get(i);
        let used = false;
        for (let r = 0; r < func.resultCount.get(i); r++) used ||= live[first + r] === 1;
        if (!used) func.removeInst(entity<Inst>(i));
      }
      i = prev;
    }
    if (block === func.entryBlock) continue;
    const params = func.paramsOf(block);
    for (let i = params.length - 1; i >= 0; i--) {
      if (live[params[i]!] === 1) continue;
      func.removeBlockParam(block, i);
      for (const call of callsTo[block]!) func.removeBlockCallArg(entity<BlockCall>(call), i);
    }
  }
}

/** The values an instruction uses itself, without the arguments of its branches. */
function forEachOwnUse(func: Func, inst: Inst, visit: (value: Value) => void): void {
  const op = func.op.get(inst);
  if (op === Op.jump) return;
  if (op === Op.brif || op === Op.br_table) visit(func.resolve(entity<Value>(func.a.get(inst))));
  else forEachUse(func, inst, visit);
}

/**
 * Removes parameters that get one value from every branch (or themselves): they are that value. Repeats until nothing changes,
 * each round over all parameters that are left; rounds are few because replacements are resolved on the way.
 */
export function removeTrivialParams(func: Func): void {
  const callsTo: number[][] = Array.from({ length: func.blockCount }, () => []);
  for (const block of func.layout) {
    forEachSuccessor(func, block, (call) => callsTo[func.callBlock.get(call)]!.push(call));
  }
  for (let changed = true; changed; ) {
    changed = false;
    for (const block of func.layout) {
      if (block === func.entryBlock) continue;
      const params = func.paramsOf(block);
      for (let i = params.length - 1; i >= 0; i--) {
        const same = onlyArgument(func, callsTo[block]!, i, params[i]!);
        if (same === NONE) continue;
        func.replaceValue(params[i]!, entity<Value>(same));
        func.removeBlockParam(block, i);
        for (const call of callsTo[block]!) func.removeBlockCallArg(entity<BlockCall>(call), i);
        changed = true;
      }
    }
  }
}

function onlyArgument(func: Func, calls: readonly number[], index: number, param: Value): number {
  let same = NONE;
  for (const call of calls) {
    const arg = func.resolve(entity<Value>(func.pool.get(func.callArgsStart.get(call) + index)));
    if (arg === param || arg === same) continue;
    if (same !== NONE) return NONE;
    same = arg;
  }
  return same;
}
