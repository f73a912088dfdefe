/**
 * Mutable variables in SSA form, for code that is emitted in structured control flow: a variable's value is looked up through the predecessors of a
 * block, a block with several gets a parameter where they differ, and a loop's header gets its arguments when the loop is complete. So all
 * jumps and branches are made here.
 */

import { entity } from "../base/entity.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { FuncBuilder } from "../ir/builder.ts";
import type { Block, BlockCall, Func, Value } from "../ir/function.ts";
import type { Type } from "../ir/types.ts";

/** A mutable variable of the function that is being emitted. */
export interface Variable {
  readonly id: number;
  readonly type: Type;
}

interface Edge {
  readonly from: Block;
  readonly call: BlockCall;
}

interface BlockState {
  readonly edges: Edge[];
  /** All predecessors are known. */
  sealed: boolean;
  readonly isLoop: boolean;
  /** Parameters of a loop's header that get their arguments when it is sealed. */
  readonly pending: { readonly variable: Variable; readonly param: Value }[];
  readonly values: Map<number, Value>;
}

export class Flow {
  readonly #builder: FuncBuilder;
  readonly #func: Func;
  readonly #blocks = new Map<Block, BlockState>();
  #variables = 0;

  /** Begins where `builder` stands: that block gets no predecessors that are not there yet. */
  constructor(builder: FuncBuilder) {
    this.#builder = builder;
    this.#func = builder.func;
    this.#state(builder.block, false).sealed = true;
  }

  #state(block: Block, isLoop: boolean): BlockState {
    let state = this.#blocks.get(block);
    if (state === undefined) {
      state = { edges: [], sealed: false, isLoop, pending: [], values: new Map() };
      this.#blocks.set(block, state);
    }
    return state;
  }

  variable(initial: Value): Variable {
    const variable: Variable = { id: this.#variables++, type: this.#func.typeOf(initial) };
    this.set(variable, initial);
    return variable;
  }

  set(variable: Variable, value: Value): void {
    this.#state(this.#builder.block, false).values.set(variable.id, value);
  }

  get(variable: Variable): Value {
    return this.#read(variable, this.#builder.block);
  }

  #read(variable: Variable, block: Block): Value {
    const state = this.#state(block, false);
    const known = state.values.get(variable.id);
    if (known !== undefined) return known;
    const value = this.#readThrough(variable, block, state);
    state.values.set(variable.id, value);
    return value;
  }

  #readThrough(variable: Variable, block: Block, state: BlockState): Value {
    if (!state.sealed) {
      const param = this.#func.appendBlockParam(block, variable.type);
      state.pending.push({ variable, param });
      return param;
    }
    const first = state.edges[0];
    if (first === undefined) {
      throw new InternalError("frontend", `variable ${variable.id} is read before it is set`, this.#func.name);
    }
    if (state.edges.length === 1) return this.#read(variable, first.from);
    if (state.isLoop) {
      const param = this.#func.appendBlockParam(block, variable.type);
      state.values.set(variable.id, param);
      this.#passArguments(variable, state);
      return param;
    }
    // Every cycle goes through a loop's header, which has stopped the search above: this ends.
    const values = state.edges.map((e) => this.#read(variable, e.from));
    const same = values[0];
    if (same !== undefined && values.every((v) => v === same)) return same;
    const param = this.#func.appendBlockParam(block, variable.type);
    state.edges.forEach((e, i) => {
      const value = values[i];
      if (value !== undefined) this.#func.appendBlockCallArg(e.call, value);
    });
    return param;
  }

  #passArguments(variable: Variable, state: BlockState): void {
    for (const e of state.edges) this.#func.appendBlockCallArg(e.call, this.#read(variable, e.from));
  }

  /** All jumps to the loop's header have been made. */
  seal(block: Block): void {
    const state = this.#state(block, false);
    state.sealed = true;
    for (const { variable } of state.pending) this.#passArguments(variable, state);
  }

  jump(target: Block): void {
    const from = this.#builder.block;
    this.#builder.jump(target);
    this.#state(target, false).edges.push({ from, call: this.#lastCall(1) });
  }

  /** The block call made `back` calls ago. */
  #lastCall(back: number): BlockCall {
    return entity<BlockCall>(this.#func.callBlock.length - back);
  }

  branchTable(index: Value, targets: readonly Block[]): void {
    const from = this.#builder.block;
    this.#builder.brTable(
      index,
      targets.map((block) => ({ block, args: [] })),
    );
    targets.forEach((block, i) => {
      this.#state(block, false).edges.push({ from, call: this.#lastCall(targets.length - i) });
    });
  }

  branch(condition: Value, ifNonZero: Block, ifZero: Block): void {
    const from = this.#builder.block;
    this.#builder.brif(condition, ifNonZero, [], ifZero, []);
    this.#state(ifNonZero, false).edges.push({ from, call: this.#lastCall(2) });
    this.#state(ifZero, false).edges.push({ from, call: this.#lastCall(1) });
  }

  /** Whether something jumps to the block. */
  isReached(block: Block): boolean {
    return this.#state(block, false).edges.length > 0;
  }

  /** Goes on in a block that everything which jumps to it is known of. */
  enter(block: Block): void {
    this.#builder.switchTo(block);
    this.seal(block);
  }

  /** Jumps to the header of a loop and goes on there; `seal` ends it. */
  enterLoop(header: Block): void {
    this.#state(header, true);
    this.jump(header);
    this.#builder.switchTo(header);
  }
}
