// hot loop: indices are in range by construction
/**
 * Structured control: the stack of open constructs, branches, and the blocks that they make. Reached code only: what can't be reached is
 * skipped by the translator.
 */

import type { I32Column, U8Column } from "../../base/columns.ts";
import { truncate } from "../../base/truncate.ts";
import type { Block, Value } from "../../ir/function.ts";
import { NONE } from "../../ir/function.ts";
import { IntCC } from "../../ir/ops.ts";
import { I32, type Type } from "../../ir/types.ts";
import type { TagIndex } from "../../plan/component.ts";
import { BLOCK_EMPTY, CATCH, CATCH_ALL_REF, CATCH_REF } from "../../wasm/operators.ts";
import { exceptionStatus } from "../exception-layout.ts";
import type { Body } from "./body.ts";
import { pushCaught, pushNew, pushPayload, rethrow, type TagView, throwOut } from "./exceptions.ts";
import type { OperandTypes } from "./instance.ts";
import type { BodyScan } from "./scan.ts";
import type { Region, Ssa } from "./ssa.ts";

const FUNCTION = 0;
const BLOCK = 1;
const LOOP = 2;
const IF = 3;
const ELSE = 4;
const TRY = 5;

const NOTHING: OperandTypes = { params: [], results: [] };
const NO_VALUES: readonly Value[] = [];

/** A clause of a `try_table`. */
interface CatchClause {
  /** Undefined: of any tag. */
  readonly tag: TagView | undefined;
  /** The label takes a reference to the exception. */
  readonly byReference: boolean;
  /** Where it goes. */
  readonly construct: number;
}

const NO_CLAUSES: readonly CatchClause[] = [];

interface BranchTarget {
  readonly block: Block;
  readonly args: readonly Value[];
}

export class Control {
  readonly #body: Body;
  readonly #ssa: Ssa;
  readonly #scan: BodyScan;

  // The open constructs, the function's body first.
  readonly #kind: U8Column;
  /** Byte offset of the operator. */
  readonly #start: I32Column;
  /** Operands below the construct's parameters. */
  readonly #height: I32Column;
  readonly #types: OperandTypes[] = [];
  /** The region that the construct began in. */
  readonly #from: I32Column;
  /** Where branches to it go: a join, made by the first branch; of a loop its header. Or NONE. */
  readonly #target: I32Column;
  /** IF: the block call for zero, which goes nowhere yet. */
  readonly #elseCall: I32Column;
  /** IF: its parameters, for the other arm. */
  readonly #ifParams: (readonly Value[])[] = [];
  /** TRY: its clauses. */
  readonly #clauses: (readonly CatchClause[])[] = [];
  /** TRY: the join of the calls that come back with an exception, made by the first one; or NONE. */
  readonly #handler: I32Column;
  /** How often the `br_table` that is being translated names the construct. */
  readonly #uses: I32Column;

  /** The open TRY constructs, innermost last. */
  readonly #tries: number[] = [];

  /** Constructs that were opened in dead code. */
  #deadDepth = 0;
  #nextLoop = 0;

  constructor(body: Body, ssa: Ssa, scan: BodyScan, results: readonly Type[]) {
    this.#body = body;
    this.#kind = body.func.work.byteColumn();
    this.#start = body.func.work.column();
    this.#height = body.func.work.column();
    this.#from = body.func.work.column();
    this.#target = body.func.work.column();
    this.#elseCall = body.func.work.column();
    this.#handler = body.func.work.column();
    this.#uses = body.func.work.column();
    this.#ssa = ssa;
    this.#scan = scan;
    this.#open(FUNCTION, body.reader.reader.pos, { params: [], results });
  }

  get depth(): number {
    return this.#kind.length;
  }

  #open(kind: number, start: number, types: OperandTypes): number {
    this.#start.push(start);
    this.#height.push(this.#body.stack.length - types.params.length);
    this.#types.push(types);
    this.#from.push(this.#ssa.current);
    this.#target.push(NONE);
    this.#elseCall.push(NONE);
    this.#ifParams.push(NO_VALUES);
    this.#clauses.push(NO_CLAUSES);
    this.#handler.push(NONE);
    this.#uses.push(0);
    return this.#kind.push(kind);
  }

  #close(): void {
    this.#kind.length--;
    this.#start.length--;
    this.#height.length--;
    this.#types.pop();
    this.#from.length--;
    this.#target.length--;
    this.#elseCall.length--;
    this.#ifParams.pop();
    this.#clauses.pop();
    this.#handler.length--;
    this.#uses.length--;
  }

  #blockTypes(): OperandTypes {
    const { blockType } = this.#body.reader;
    if (blockType >= 0) return this.#body.view.types(blockType);
    if (blockType === BLOCK_EMPTY) return NOTHING;
    return this.#body.view.valueBlock(~blockType);
  }

  /** An operator in dead code: only nesting matters. Returns whether it closes or turns a construct that isn't dead itself. */
  skip(opcode: number): boolean {
    switch (opcode) {
      case 0x02: // block
      case 0x03: // loop
      case 0x04: // if
      case 0x06: // try
      case 0x1f: // try_table
        this.#deadDepth++;
        return false;
      case 0x05: // else
        return this.#deadDepth === 0;
      case 0x0b: // end
        if (this.#deadDepth === 0) return true;
        this.#deadDepth--;
        return false;
      default:
        return false;
    }
  }

  openBlock(): void {
    this.#open(BLOCK, this.#body.reader.offset, this.#blockTypes());
  }

  openLoop(): void {
    const { builder, func, stack, reader } = this.#body;
    const types = this.#blockTypes();
    const construct = this.#open(LOOP, reader.offset, types);
    const { loopStarts, loopEnds } = this.#scan;
    while (loopStarts[this.#nextLoop]! < reader.offset) this.#nextLoop++;
    const header = builder.createBlock();
    const region = this.#ssa.createLoop(header, reader.offset, loopEnds[this.#nextLoop]!);
    this.#target.set(construct, region);
    const call = func.callBlock.length;
    builder.jump(header, this.#body.top(types.params.length));
    this.#ssa.addEdge(region, this.#ssa.current, call);
    builder.switchTo(header);
    truncate(stack, this.#height.get(construct));
    this.#ssa.enterLoop(region, types.params, stack);
    this.#body.poll();
  }

  openIf(): void {
    const { builder, func } = this.#body;
    const condition = this.#body.pop();
    const types = this.#blockTypes();
    const construct = this.#open(IF, this.#body.reader.offset, types);
    this.#ifParams[construct] = this.#body.top(types.params.length);
    const then = builder.createBlock();
    const call = func.callBlock.length;
    builder.brif(condition, then, NO_VALUES, then, NO_VALUES);
    this.#elseCall.set(construct, call + 1);
    builder.switchTo(then);
    this.#ssa.enter(then, this.#ssa.current, this.#body.reader.offset);
  }

  openTry(): void {
    const { reader, view } = this.#body;
    const { catchKinds, catchTags, catchLabels } = reader;
    const clauses: CatchClause[] = [];
    for (let i = 0; i < catchKinds.length; i++) {
      const kind = catchKinds.get(i);
      clauses.push({
        tag: kind === CATCH || kind === CATCH_REF ? view.tag(catchTags.get(i)) : undefined,
        byReference: kind === CATCH_REF || kind === CATCH_ALL_REF,
        construct: this.#construct(catchLabels.get(i)),
      });
    }
    const construct = this.#open(clauses.length === 0 ? BLOCK : TRY, reader.offset, this.#blockTypes());
    if (clauses.length === 0) return;
    this.#clauses[construct] = clauses;
    this.#tries.push(construct);
    this.#body.landing = this.#land;
  }

  /** Goes on when `status` is 0, else to the handlers of the innermost TRY. */
  readonly #land = (status: Value): void => {
    const { builder, func, reader } = this.#body;
    const handler = this.#handlerOf(this.#tries[this.#tries.length - 1]!);
    const next = builder.createBlock();
    const call = func.callBlock.length;
    builder.brif(status, this.#ssa.block(handler), [status], next, NO_VALUES);
    this.#ssa.addEdge(handler, this.#ssa.current, call);
    builder.switchTo(next);
    this.#ssa.enter(next, this.#ssa.current, reader.offset);
  };

  #handlerOf(construct: number): Region {
    let region = this.#handler.get(construct);
    if (region === NONE) {
      const block = this.#body.builder.createBlock();
      region = this.#ssa.createJoin(block, this.#from.get(construct), this.#start.get(construct));
      this.#handler.set(construct, region);
    }
    return region;
  }

  /** The end of a TRY: its handlers, out of line, if any call can come back with an exception. */
  #endTry(construct: number): void {
    const body = this.#body;
    const { builder, func, stack, reader } = body;
    this.#tries.pop();
    if (this.#tries.length === 0) body.landing = undefined;
    const handler = this.#handler.get(construct);
    if (handler === NONE) return;
    if (!body.dead) this.#jumpTo(construct);
    const from = func.layout.length;
    body.dead = false;
    builder.switchTo(this.#ssa.block(handler));
    truncate(stack, this.#height.get(construct));
    this.#ssa.sealJoin(handler, reader.offset, [I32], stack);
    this.#dispatch(this.#clauses[construct]!, body.pop());
    body.dead = true;
    body.defer(from);
  }

  /** Goes where the first clause leads that takes the exception with this status, or on to whoever is outside. */
  #dispatch(clauses: readonly CatchClause[], status: Value): void {
    const body = this.#body;
    const { builder, stack, reader } = body;
    const height = stack.length;
    for (const { tag, byReference, construct } of clauses) {
      let next: Block | undefined;
      const from = this.#ssa.current;
      if (tag !== undefined) {
        const match = builder.createBlock();
        next = builder.createBlock();
        const same = builder.icmp(IntCC.eq, I32, status, builder.iconst32(exceptionStatus(tag.tag)));
        builder.brif(same, match, NO_VALUES, next, NO_VALUES);
        builder.switchTo(match);
        this.#ssa.enter(match, from, reader.offset);
        pushPayload(body, tag);
      }
      if (byReference) pushCaught(body, status);
      this.#branchTo(construct);
      if (next === undefined) return;
      truncate(stack, height);
      body.dead = false;
      builder.switchTo(next);
      this.#ssa.enter(next, from, reader.offset);
    }
    const outer = this.#tries[this.#tries.length - 1];
    if (outer === undefined) rethrow(body, status);
    else {
      const handler = this.#handlerOf(outer);
      const call = body.func.callBlock.length;
      builder.jump(this.#ssa.block(handler), [status]);
      this.#ssa.addEdge(handler, this.#ssa.current, call);
    }
  }

  /** `throw`: a branch when the function catches it itself. */
  throw(index: number): void {
    const body = this.#body;
    const tag = body.view.tag(index);
    const clause = this.#catcher(tag.tag);
    if (clause === undefined) {
      throwOut(body, tag);
      return;
    }
    if (clause.byReference) pushNew(body, tag);
    // A label takes the tag's values, then the reference; of any tag the reference only: these are the last operands.
    this.#branchTo(clause.construct);
  }

  /** The clause that takes an exception of this tag which is thrown here. */
  #catcher(tag: TagIndex): CatchClause | undefined {
    for (let i = this.#tries.length - 1; i >= 0; i--) {
      for (const clause of this.#clauses[this.#tries[i]!]!) {
        if (clause.tag === undefined || clause.tag.tag === tag) return clause;
      }
    }
    return undefined;
  }

  /** `else`, of a construct that is not dead. */
  turnElse(): void {
    const body = this.#body;
    const { builder, func, stack } = body;
    const construct = this.depth - 1;
    if (!body.dead) this.#jumpTo(construct);
    body.dead = false;
    this.#kind.set(construct, ELSE);
    const block = builder.createBlock();
    func.callBlock.set(this.#elseCall.get(construct), block);
    builder.switchTo(block);
    this.#ssa.enter(block, this.#from.get(construct), body.reader.offset);
    truncate(stack, this.#height.get(construct));
    for (const value of this.#ifParams[construct]!) stack.push(value);
  }

  /** `end`, of a construct that is not dead. */
  end(): void {
    const body = this.#body;
    const { func, builder, stack, reader } = body;
    const construct = this.depth - 1;
    const kind = this.#kind.get(construct);
    const { results } = this.#types[construct]!;
    if (kind === LOOP) this.#ssa.sealLoop(this.#target.get(construct));
    if (kind === TRY) this.#endTry(construct);
    if (kind === IF) {
      // Without `else` the parameters are the results.
      const join = this.#joinOf(construct);
      const call = this.#elseCall.get(construct);
      const params = this.#ifParams[construct]!;
      func.callBlock.set(call, this.#ssa.block(join));
      func.callArgsStart.set(call, func.pushList(params));
      func.callArgsLength.set(call, params.length);
      this.#ssa.addEdge(join, this.#from.get(construct), call);
    }
    const target = kind === LOOP ? NONE : this.#target.get(construct);
    if (target !== NONE) {
      if (!body.dead) this.#jumpTo(construct);
      builder.switchTo(this.#ssa.block(target));
      truncate(stack, this.#height.get(construct));
      this.#ssa.sealJoin(target, reader.offset, results, stack);
      body.dead = false;
    }
    this.#close();
    if (kind !== FUNCTION || body.dead) return;
    builder.return(body.top(results.length));
    body.dead = true;
  }

  /** The construct that label `depth` names. */
  #construct(depth: number): number {
    return this.depth - 1 - depth;
  }

  #arity(construct: number): number {
    const types = this.#types[construct]!;
    return this.#kind.get(construct) === LOOP ? types.params.length : types.results.length;
  }

  /** Where branches to the construct go. */
  #joinOf(construct: number): Region {
    let region = this.#target.get(construct);
    if (region === NONE) {
      const block = this.#body.builder.createBlock();
      region = this.#ssa.createJoin(block, this.#from.get(construct), this.#start.get(construct));
      this.#target.set(construct, region);
    }
    return region;
  }

  /** Ends the current block with a jump to the construct's target. */
  #jumpTo(construct: number): void {
    const { builder, func } = this.#body;
    const target = this.#joinOf(construct);
    const call = func.callBlock.length;
    builder.jump(this.#ssa.block(target), this.#body.top(this.#arity(construct)));
    this.#ssa.addEdge(target, this.#ssa.current, call);
  }

  branch(label: number): void {
    this.#branchTo(this.#construct(label));
  }

  #branchTo(construct: number): void {
    if (this.#kind.get(construct) === FUNCTION) this.return();
    else {
      this.#jumpTo(construct);
      this.#body.dead = true;
    }
  }

  return(): void {
    const { builder } = this.#body;
    builder.return(this.#body.top(this.#types[0]!.results.length));
    this.#body.dead = true;
  }

  /** Branches when `condition` is not zero (or, with `inverted`, when it is zero), with the operands on the stack. */
  branchIf(label: number, condition: Value, inverted = false): void {
    const { builder, func } = this.#body;
    const construct = this.#construct(label);
    const target = this.#joinOf(construct);
    const next = builder.createBlock();
    const args = this.#body.top(this.#arity(construct));
    const call = func.callBlock.length;
    const block = this.#ssa.block(target);
    if (inverted) builder.brif(condition, next, NO_VALUES, block, args);
    else builder.brif(condition, block, args, next, NO_VALUES);
    this.#ssa.addEdge(target, this.#ssa.current, inverted ? call + 1 : call);
    builder.switchTo(next);
    this.#ssa.enter(next, this.#ssa.current, this.#body.reader.offset);
  }

  /**
   * A label that the table names more than once gets a block of its own that jumps on, so that arguments are passed once for
   * each label and not once for each entry.
   */
  branchTable(index: Value): void {
    const { builder, func, reader } = this.#body;
    const { labels } = reader;
    const count = labels.length;
    const first = this.#construct(labels.get(0));
    for (let i = 0; i < count; i++) {
      const construct = this.#construct(labels.get(i));
      this.#uses.set(construct, this.#uses.get(construct) + 1);
    }
    if (this.#uses.get(first) === count) {
      this.#uses.set(first, 0);
      this.branch(labels.get(0));
      return;
    }
    const targets: BranchTarget[] = [];
    /** Blocks of labels that the table names more than once, and their constructs. */
    const shared: BranchTarget[] = [];
    const constructs: number[] = [];
    const from = this.#ssa.current;
    const firstCall = func.callBlock.length;
    for (let i = 0; i < count; i++) {
      const construct = this.#construct(labels.get(i));
      const uses = this.#uses.get(construct);
      if (uses === 1) {
        const target = this.#joinOf(construct);
        targets.push({ block: this.#ssa.block(target), args: this.#body.top(this.#arity(construct)) });
        this.#ssa.addEdge(target, from, firstCall + i);
        this.#uses.set(construct, 0);
      } else if (uses > 1) {
        const target = { block: builder.createBlock(), args: NO_VALUES };
        // From here on the count is `~` the position in `shared`.
        this.#uses.set(construct, ~shared.length);
        shared.push(target);
        constructs.push(construct);
        targets.push(target);
      } else {
        targets.push(shared[~uses]!);
      }
    }
    builder.brTable(index, targets);
    for (let k = 0; k < shared.length; k++) {
      builder.switchTo(shared[k]!.block);
      this.#jumpTo(constructs[k]!);
      this.#uses.set(constructs[k]!, 0);
    }
    this.#body.dead = true;
  }
}
