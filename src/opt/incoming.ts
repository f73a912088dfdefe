/** The block calls that go to each block of the layout: whose arguments its parameters are. */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import { successorCall, successorCount } from "../ir/cfg.ts";
import { type Block, type Func, NONE, type Value } from "../ir/function.ts";

export class IncomingCalls {
  readonly #func: Func;
  /** Calls to block b are `calls` from start[b] to start[b + 1]. */
  readonly start: Int32Array;
  readonly calls: Int32Array;

  constructor(func: Func) {
    this.#func = func;
    const n = func.blockCount;
    const start = func.work.i32(n + 1);
    for (const block of func.layout) {
      const count = successorCount(func, block);
      for (let i = 0; i < count; i++) start[func.callBlock.get(successorCall(func, block, i)) + 1]!++;
    }
    for (let b = 0; b < n; b++) start[b + 1]! += start[b]!;
    const fill = func.work.copy(start, n);
    this.start = start;
    this.calls = func.work.i32(start[n]!);
    for (const block of func.layout) {
      const count = successorCount(func, block);
      for (let i = 0; i < count; i++) {
        const call = successorCall(func, block, i);
        this.calls[fill[func.callBlock.get(call)]!++] = call;
      }
    }
  }

  /** Argument number `index` of call number `c`, resolved. */
  argument(c: number, index: number): Value {
    const func = this.#func;
    return func.resolve(entity<Value>(func.pool.get(func.callArgsStart.get(this.calls[c]!) + index)));
  }

  /** Removes the parameters of `block` that are marked in `removed` (by value), and the arguments that belong to them. */
  removeParams(block: Block, removed: Uint8Array): void {
    const func = this.#func;
    const params = func.paramsOf(block);
    let first = 0;
    while (first < params.length && removed[params[first]!] === 0) first++;
    if (first === params.length) return;
    const kept: Value[] = [];
    for (let i = 0; i < params.length; i++) if (removed[params[i]!] === 0) kept.push(params[i]!);
    for (let c = this.start[block]!; c < this.start[block + 1]!; c++) {
      const call = this.calls[c]!;
      const start = func.callArgsStart.get(call);
      let to = start + first;
      for (let i = first; i < params.length; i++) {
        if (removed[params[i]!] === 0) func.pool.set(to++, func.pool.get(start + i));
      }
      func.callArgsLength.set(call, kept.length);
    }
    func.blockParams[block] = kept;
  }
}

/** By value: its position among its block's parameters; NONE for other values and parameters of the entry. */
export function parameterIndices(func: Func): Int32Array {
  const index = func.work.filled(func.valueCount, NONE);
  for (const block of func.layout) {
    if (block === func.entryBlock) continue;
    const params = func.paramsOf(block);
    for (let i = 0; i < params.length; i++) index[params[i]!] = i;
  }
  return index;
}
