/**
 * Which functions are put in place of calls of them: small wasm functions, of any core instance, that use no native intrinsics. What `body` gives
 * depends on the program and the function alone, so that the output does not depend on who compiles what.
 */

import { WindlassError } from "../base/diagnostics.ts";
import { Workspace } from "../base/workspace.ts";
import { buildFunction } from "../frontend/build.ts";
import type { Program } from "../frontend/program.ts";
import { type Func, type FuncSymbol, NONE } from "../ir/function.ts";
import { Op, opRow } from "../ir/ops.ts";
import type { InlineBody, InlineSource } from "../opt/inline.ts";
import { optimize } from "../opt/pipeline.ts";
import { wasmBody } from "./wasm-body.ts";

/** Bodies in the wasm file that are worth translating to see how large they are. */
const MAX_BYTES = 56;
/** Instructions, and blocks, of a body that is put in. */
const MAX_COST = 20;
const MAX_BLOCKS = 8;
/** Bodies that are kept: another one costs no more than being made again. */
const KEPT = 512;

/** A body, and the memory that it is in. */
interface KeptBody extends InlineBody {
  readonly work: Workspace;
}

export class InlineBodies implements InlineSource {
  readonly #program: Program;
  /** 1: calls of this function stay. */
  readonly #stays: Uint8Array;
  readonly #kept = new Map<FuncSymbol, KeptBody>();
  /** Memory of a body that was not kept, for the next one. */
  #spare: Workspace | undefined;

  constructor(program: Program) {
    this.#program = program;
    this.#stays = new Uint8Array(program.functions.size);
  }

  /** Valid until the next call. */
  body(symbol: FuncSymbol): InlineBody | undefined {
    if (this.#stays[symbol] === 1) return undefined;
    const known = this.#kept.get(symbol);
    if (known !== undefined) return known;
    const body = this.#isSmall(symbol) ? this.#make(symbol) : undefined;
    if (body === undefined) this.#stays[symbol] = 1;
    else this.#kept.set(symbol, body);
    return body;
  }

  /** Memory for a body: of one that is not wanted any more, where there is one. */
  #memory(): Workspace {
    const spare = this.#spare;
    if (spare !== undefined) {
      this.#spare = undefined;
      return spare;
    }
    if (this.#kept.size < KEPT) return new Workspace();
    const [oldest] = this.#kept;
    if (oldest === undefined) return new Workspace();
    const [symbol, { work }] = oldest;
    this.#kept.delete(symbol);
    return work;
  }

  #isSmall(symbol: FuncSymbol): boolean {
    const { kind } = this.#program.functions.get(symbol);
    if (kind.kind !== "wasm" || this.#program.intrinsicUsers.has(kind.instance, kind.func)) return false;
    const body = wasmBody(this.#program, symbol);
    return body !== undefined && body.end - body.start <= MAX_BYTES;
  }

  #make(symbol: FuncSymbol): KeptBody | undefined {
    const work = this.#memory();
    work.begin();
    const body = this.#makeIn(symbol, work);
    if (body === undefined) this.#spare = work;
    return body;
  }

  #makeIn(symbol: FuncSymbol, work: Workspace): KeptBody | undefined {
    let func: Func;
    try {
      func = buildFunction(this.#program, symbol, work);
    } catch (error) {
      // The function itself will say so.
      if (error instanceof WindlassError) return undefined;
      throw error;
    }
    // The function that it is put into is optimized as a whole.
    optimize(func, 0);
    if (func.layout.length > MAX_BLOCKS) return undefined;
    const cost = costOf(func);
    return cost > MAX_COST ? undefined : { func, cost, work };
  }
}

/** Instructions that become code of their own; any number above `MAX_COST` for what is not put in. */
function costOf(func: Func): number {
  let cost = 0;
  for (const block of func.layout) {
    for (let i = func.firstInst.get(block); i !== NONE && cost <= MAX_COST; i = func.next.get(i)) {
      const op = func.op.get(i);
      if (opRow(op).format === "const" || op === Op.jump || op === Op.return) continue;
      // What catches exceptions has a frame of its own.
      if (op === Op.call_catch || op === Op.call_catch_indirect) return Number.POSITIVE_INFINITY;
      cost += op === Op.call || op === Op.call_indirect ? 1 + func.c.get(i) : 1;
    }
  }
  return cost;
}
