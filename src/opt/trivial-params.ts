/**
 * Removes block parameters that get one value from every branch (or themselves): they are that value. Also those that become such when
 * others have gone. Every block of the layout must be reachable.
 *
 * A parameter's arguments are looked at once, up to the first that differs from those before; it waits there until one of the two
 * differing values is replaced. So the work is linear in the number of arguments, but for waking, which has a bound.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import { type Func, NONE, type Value } from "../ir/function.ts";
import { IncomingCalls, parameterIndices } from "./incoming.ts";

/** Parameters are looked at again this often, on average; then the rest stay as they are. */
const WAKES = 16;

class TrivialParams {
  readonly #func: Func;
  readonly #incoming: IncomingCalls;
  readonly #index: Int32Array;
  /** By value: the next incoming call to look at, and the only value so far. */
  readonly #cursor: Int32Array;
  readonly #same: Int32Array;
  readonly #removed: Uint8Array;
  // Waiting parameters, as lists by the value that they wait for.
  readonly #first: Int32Array;
  readonly #waiting: I32Column;
  readonly #next: I32Column;
  readonly #work: I32Column;
  #found = false;

  constructor(func: Func) {
    this.#func = func;
    this.#waiting = func.work.column();
    this.#next = func.work.column();
    this.#work = func.work.column();
    this.#incoming = new IncomingCalls(func);
    this.#index = parameterIndices(func);
    this.#cursor = func.work.i32(func.valueCount);
    this.#same = func.work.filled(func.valueCount, NONE);
    this.#removed = func.work.u8(func.valueCount);
    this.#first = func.work.filled(func.valueCount, NONE);
  }

  run(): void {
    const func = this.#func;
    const { start } = this.#incoming;
    let budget = 0;
    for (const block of func.layout) {
      if (block === func.entryBlock) continue;
      for (const param of func.paramsOf(block)) {
        this.#cursor[param] = start[block]!;
        budget += WAKES;
        this.#look(param, block);
      }
    }
    const work = this.#work;
    while (work.length > 0 && budget-- > 0) {
      const param = work.get(--work.length);
      if (this.#removed[param] === 0) this.#look(param, ~func.valueDef.get(param));
    }
    if (!this.#found) return;
    for (const block of func.layout) if (block !== func.entryBlock) this.#incoming.removeParams(block, this.#removed);
  }

  #look(param: number, block: number): void {
    const func = this.#func;
    const end = this.#incoming.start[block + 1]!;
    const index = this.#index[param]!;
    let same = this.#same[param]!;
    if (same !== NONE) {
      same = func.resolve(entity<Value>(same));
      if (same === param) same = NONE;
    }
    let cursor = this.#cursor[param]!;
    for (; cursor < end; cursor++) {
      const arg = this.#incoming.argument(cursor, index);
      if (arg === param || arg === same) continue;
      if (same === NONE) {
        same = arg;
        continue;
      }
      this.#same[param] = same;
      this.#cursor[param] = cursor;
      this.#wait(param, same);
      this.#wait(param, arg);
      return;
    }
    if (same === NONE) return;
    func.replaceValue(entity<Value>(param), entity<Value>(same));
    this.#removed[param] = 1;
    this.#found = true;
    for (let w = this.#first[param]!; w !== NONE; w = this.#next.get(w)) this.#work.push(this.#waiting.get(w));
  }

  /** Only parameters are ever replaced. */
  #wait(param: number, value: number): void {
    if (this.#index[value] === NONE) return;
    this.#waiting.push(param);
    this.#first[value] = this.#next.push(this.#first[value]!);
  }
}

export function removeTrivialParams(func: Func): void {
  const { entryBlock } = func;
  // Many functions have no parameters: nothing is worked out about them.
  if (func.layout.some((block) => block !== entryBlock && func.paramsOf(block).length > 0))
    new TrivialParams(func).run();
}
