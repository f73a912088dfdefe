/** Random calls of what a body may call: direct ones, through tables, of references, and tail calls. */

import type { Access } from "./access.ts";
import type { Frame } from "./frame.ts";
import type { Maker } from "./maker.ts";
import { codeOf } from "./operators.ts";
import { type Expr, type FuncTree, type Immediate, referenceTo, type Types } from "./tree.ts";

/** A call → the same as a tail call. */
const TAIL: ReadonlyMap<number, number> = new Map([
  [codeOf("call"), codeOf("return_call")],
  [codeOf("call_indirect"), codeOf("return_call_indirect")],
  [codeOf("call_ref"), codeOf("return_call_ref")],
]);

export class Calls {
  readonly #f: Frame;
  readonly #access: Access;
  readonly #maker: Maker;

  constructor(frame: Frame, access: Access, maker: Maker) {
    this.#f = frame;
    this.#access = access;
    this.#maker = maker;
  }

  any(callee: FuncTree, depth: number): Expr {
    const way = this.#f.r.below(10);
    if (way < 5) return this.direct(callee, depth);
    if (way < 8) return this.indirect(callee, depth);
    return this.byReference(callee, depth);
  }

  direct(callee: FuncTree, depth: number): Expr {
    return this.#f.node("call", callee.results, this.#maker.values(callee.params, depth + 1), {
      kind: "func",
      func: callee,
    });
  }

  /** The type that a call names: that of the callee, or one above it. */
  #calledType({ params, results, declared }: FuncTree): Immediate {
    const { types } = this.#f.tree;
    let at = declared;
    while (at !== undefined && this.#f.r.chance(0.2)) at = types[at]?.supertype ?? at;
    return { kind: "type", params, results, declared: at };
  }

  /** Most likely of the type that is there. */
  indirect(callee: FuncTree, depth: number): Expr {
    const f = this.#f;
    const table = this.#access.tableOf("r");
    if (table === undefined) return this.direct(callee, depth);
    const kids = [...this.#maker.values(callee.params, depth + 1), this.#access.tableIndex(table, depth)];
    return f.node("call_indirect", callee.results, kids, this.#calledType(callee), f.index(table));
  }

  byReference(callee: FuncTree, depth: number): Expr {
    const { declared, params, results } = callee;
    if (declared === undefined) return this.direct(callee, depth);
    const reference = this.#maker.value(referenceTo(declared, this.#f.r.chance(0.6)), depth + 1);
    const kids = [...this.#maker.values(params, depth + 1), reference];
    return this.#f.node("call_ref", results, kids, { kind: "type", params, results, declared });
  }

  /** Ends the function with a call, in place of values of these types. */
  tail(callee: FuncTree, results: Types, depth: number): Expr {
    const call = this.any(callee, depth);
    return { ...call, code: TAIL.get(call.code) ?? call.code, results };
  }
}
