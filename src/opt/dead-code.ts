/**
 * Removes what nothing uses: instructions without an effect whose results have no use, and block parameters that nothing but
 * themselves reads. Guarantees nothing about unreachable blocks; `control-flow.ts` removes those. Linear.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import { type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { IncomingCalls, parameterIndices } from "./incoming.ts";
import { hasEffect, VALUE_COLUMNS, VALUES_A, VALUES_B, VALUES_C, VALUES_LIST } from "./operands.ts";

/** Marks from the effects backwards; sweeps the rest. A parameter is live when its value is. */
export function removeDeadCode(func: Func): void {
  const marker = new Marker(func);
  for (const block of func.layout) {
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i))
      if (hasEffect(func, i)) marker.operands(i);
  }
  const incoming = new IncomingCalls(func);
  const paramIndex = parameterIndices(func);
  const { live, work } = marker;
  while (work.length > 0) {
    const value = work.get(--work.length);
    const def = func.valueDef.get(value);
    if (def >= 0) marker.operands(def);
    else if (paramIndex[value] !== NONE) {
      for (let c = incoming.start[~def]!; c < incoming.start[~def + 1]!; c++) {
        marker.value(incoming.argument(c, paramIndex[value]!));
      }
    }
  }
  for (let v = 0; v < live.length; v++) live[v] = live[v] === 0 ? 1 : 0;
  const dead = live;
  for (const block of func.layout) {
    for (let i = func.firstInst.get(block); i !== NONE; ) {
      const next = func.next.get(i);
      if (!hasEffect(func, i) && isDead(func, i, dead)) func.removeInst(entity<Inst>(i));
      i = next;
    }
    if (block !== func.entryBlock) incoming.removeParams(block, dead);
  }
}

function isDead(func: Func, inst: number, dead: Uint8Array): boolean {
  const first = func.firstResult.get(inst);
  const count = func.resultCount.get(inst);
  for (let r = 0; r < count; r++) if (dead[first + r] === 0) return false;
  return true;
}

class Marker {
  readonly #func: Func;
  /** By value: 1 if it is needed. */
  readonly live: Uint8Array;
  /** Needed values whose definitions have not been looked at. */
  readonly work: I32Column;

  constructor(func: Func) {
    this.#func = func;
    this.work = func.work.column();
    this.live = func.work.u8(func.valueCount);
  }

  value(value: number): void {
    if (this.live[value] !== 0) return;
    this.live[value] = 1;
    this.work.push(value);
  }

  #raw(raw: number): void {
    this.value(this.#func.resolve(entity<Value>(raw)));
  }

  /** What an instruction reads itself: arguments of its branches belong to parameters. */
  operands(inst: number): void {
    const func = this.#func;
    const columns = VALUE_COLUMNS[func.op.get(inst)]!;
    if (columns & VALUES_A) this.#raw(func.a.get(inst));
    if (columns & VALUES_B) this.#raw(func.b.get(inst));
    if (columns & VALUES_C) this.#raw(func.c.get(inst));
    if (columns & VALUES_LIST) {
      const start = func.b.get(inst);
      const end = start + func.c.get(inst);
      for (let i = start; i < end; i++) this.#raw(func.pool.get(i));
    }
  }
}
