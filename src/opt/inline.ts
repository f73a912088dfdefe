/**
 * Puts the bodies of small functions in place of direct calls of them.
 *
 * Receives a function as the front end made it, and a source that says which bodies are small enough; a body depends on its function alone, so
 * that what a function becomes does not depend on what was compiled before it. Calls in a body that was put in are looked at again, to a depth;
 * a recursive function is put into itself too. What a function may grow by is bounded by its size.
 *
 * Guarantees: every instruction of inlined code has a row in `inlinedFunction` as its `loc`, from which a backtrace shows the functions as if they
 * had been called; the caller checks its stack when the body would have.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import {
  type Block,
  type Func,
  type FuncRef,
  type FuncSymbol,
  type Inst,
  NONE,
  type SigRef,
  type StackSlot,
  type Value,
} from "../ir/function.ts";
import { Op } from "../ir/ops.ts";
import { type Signature, typeFromCode } from "../ir/types.ts";
import { VALUE_COLUMNS, VALUES_A, VALUES_B, VALUES_C, VALUES_LIST } from "./operands.ts";

/** A function's body that may be put in place of calls. Its branches and operands are resolved, its blocks in reverse postorder. */
export interface InlineBody {
  readonly func: Func;
  /** Instructions that become code. */
  readonly cost: number;
}

export interface InlineSource {
  /** The body of a function, or undefined when calls of it stay. Always the same for the same function; valid until the next call. */
  body(symbol: FuncSymbol): InlineBody | undefined;
}

/** Calls in a body that was put in are looked at too, this deep. */
const MAX_DEPTH = 3;
/** A recursive function is put into itself this many times, one in the other; into others once. */
const MAX_SELF = 2;
/** What a call costs besides its arguments: setting up and leaving a frame. */
const CALL_COST = 4;
/** A function may grow by this many instructions, and by one in `GROWTH` of its own. */
const FREE_GROWTH = 64;
const GROWTH = 4;

/** Returns whether anything changed. `self` is the symbol of `func`. */
export function inlineCalls(func: Func, self: FuncSymbol, source: InlineSource): boolean {
  return func.functions.size > 0 && new Inliner(func, self, source).run();
}

/** A body that is being put in: where its things went. */
interface Site {
  readonly body: Func;
  readonly symbol: FuncSymbol;
  /** The call's `loc`. */
  readonly loc: number;
  /** By the body's value. */
  readonly values: Int32Array;
  /** By the body's block. */
  readonly blocks: Int32Array;
  /** Where its returns go; undefined: they return from the caller. */
  readonly after: Block | undefined;
  /** By the body's slot. */
  slots: Map<number, StackSlot> | undefined;
}

/** One block that returns. */
function isStraight(body: Func): boolean {
  return body.layout.length === 1 && body.op.get(body.lastInst.get(body.entryBlock)) === Op.return;
}

class Inliner {
  readonly #func: Func;
  readonly #self: FuncSymbol;
  readonly #source: InlineSource;
  #budget: number;
  readonly #layout: Block[] = [];
  /** Blocks to be looked at before the next one of the layout, the last one first. */
  readonly #pending: Block[] = [];
  readonly #functions = new Map<FuncSymbol, FuncRef>();
  readonly #signatures = new Map<Signature, SigRef>();

  constructor(func: Func, self: FuncSymbol, source: InlineSource) {
    this.#func = func;
    this.#self = self;
    this.#source = source;
    this.#budget = FREE_GROWTH + Math.floor(func.instCount / GROWTH);
    for (const [ref, { symbol }] of func.functions.entries()) this.#functions.set(symbol, ref);
    for (const [ref, signature] of func.signatures.entries()) this.#signatures.set(signature, ref);
  }

  run(): boolean {
    const func = this.#func;
    let changed = false;
    for (const next of func.layout) {
      this.#pending.push(next);
      for (let block = this.#pending.pop(); block !== undefined; block = this.#pending.pop()) {
        this.#layout.push(block);
        for (let i = func.firstInst.get(block); i !== NONE; ) {
          const put = this.#look(entity<Inst>(i));
          changed ||= put !== NONE;
          i = put === NONE ? func.next.get(i) : put;
        }
      }
    }
    func.layout = this.#layout;
    return changed;
  }

  /** If `inst` is a call to be replaced, that is done, and what stands in its place is returned; else NONE. */
  #look(inst: Inst): number {
    const func = this.#func;
    const op = func.op.get(inst);
    if (op !== Op.call && op !== Op.return_call) return NONE;
    const { symbol } = func.functions.get(entity<FuncRef>(func.a.get(inst)));
    const body = this.#choose(inst, symbol);
    if (body === undefined) return NONE;
    return op === Op.call && isStraight(body) ? this.#splice(inst, symbol, body) : this.#expand(inst, symbol, body);
  }

  #choose(call: Inst, symbol: FuncSymbol): Func | undefined {
    const func = this.#func;
    const most = symbol === this.#self ? MAX_SELF : 1;
    let depth = 0;
    let open = 0;
    for (let loc = func.loc.get(call); loc < 0; loc = func.inlinedCall.get(~loc)) {
      depth++;
      if (func.inlinedFunction.get(~loc) === symbol) open++;
      if (depth === MAX_DEPTH || open === most) return undefined;
    }
    const body = this.#source.body(symbol);
    if (body === undefined) return undefined;
    const growth = body.cost - CALL_COST - func.c.get(call);
    if (growth > this.#budget) return undefined;
    this.#budget -= Math.max(0, growth);
    return body.func;
  }

  #site(call: Inst, symbol: FuncSymbol, body: Func, after: Block | undefined): Site {
    const func = this.#func;
    if (body.attributes.stackCheck) func.attributes = { ...func.attributes, stackCheck: true };
    const values = func.work.filled(body.valueCount, NONE);
    const start = func.b.get(call);
    body.paramsOf(body.entryBlock).forEach((param, k) => {
      values[param] = func.resolve(entity<Value>(func.pool.get(start + k)));
    });
    const blocks = func.work.filled(body.blockCount, NONE);
    return { body, symbol, loc: func.loc.get(call), values, blocks, after, slots: undefined };
  }

  /** A body of one block: its instructions stand where the call was. */
  #splice(call: Inst, symbol: FuncSymbol, body: Func): number {
    const func = this.#func;
    const site = this.#site(call, symbol, body, undefined);
    const before = func.prev.get(call);
    const block = func.instBlock.get(call);
    const last = body.lastInst.get(body.entryBlock);
    for (let i = body.firstInst.get(body.entryBlock); i !== last; i = body.next.get(i)) {
      func.insertBefore(this.#copy(site, entity<Inst>(i), body.op.get(i)), call);
    }
    const first = func.firstResult.get(call);
    const returned = body.b.get(last);
    for (let k = 0; k < func.resultCount.get(call); k++) {
      func.replaceValue(entity<Value>(first + k), value(site, body.pool.get(returned + k)));
    }
    func.removeInst(call);
    return before === NONE ? func.firstInst.get(block) : func.next.get(before);
  }

  /** Any body: the call's block goes on with the body's first one; what was behind the call becomes a block of its own. */
  #expand(call: Inst, symbol: FuncSymbol, body: Func): number {
    const func = this.#func;
    const block = entity<Block>(func.instBlock.get(call));
    const after = func.op.get(call) === Op.call ? this.#split(call) : undefined;
    const site = this.#site(call, symbol, body, after);
    if (after !== undefined) this.#pending.push(after);
    for (let b = body.layout.length - 1; b > 0; b--) {
      const from = body.layout[b]!;
      const to = func.createBlock();
      site.blocks[from] = to;
      for (const param of body.paramsOf(from)) site.values[param] = func.appendBlockParam(to, body.typeOf(param));
      this.#pending.push(to);
    }
    const before = func.prev.get(call);
    func.removeInst(call);
    for (const from of body.layout) {
      const to = from === body.entryBlock ? block : entity<Block>(site.blocks[from]!);
      for (let i = body.firstInst.get(from); i !== NONE; i = body.next.get(i)) this.#append(site, to, entity<Inst>(i));
    }
    return before === NONE ? func.firstInst.get(block) : func.next.get(before);
  }

  /** Moves what is behind `call` into a new block, whose parameters replace the call's results. */
  #split(call: Inst): Block {
    const func = this.#func;
    const after = func.createBlock();
    const first = func.firstResult.get(call);
    for (let k = 0; k < func.resultCount.get(call); k++) {
      const result = entity<Value>(first + k);
      func.replaceValue(result, func.appendBlockParam(after, func.typeOf(result)));
    }
    const block = func.instBlock.get(call);
    const next = func.next.get(call);
    for (let i = next; i !== NONE; i = func.next.get(i)) func.instBlock.set(i, after);
    func.firstInst.set(after, next);
    func.lastInst.set(after, func.lastInst.get(block));
    func.prev.set(next, NONE);
    func.next.set(call, NONE);
    func.lastInst.set(block, call);
    return after;
  }

  /** A copy of the body's instruction at the end of `block`. With somewhere to go on, returns become jumps, and calls in their place calls. */
  #append(site: Site, block: Block, inst: Inst): void {
    const func = this.#func;
    const { body, after } = site;
    const op = body.op.get(inst);
    if (after === undefined) {
      func.appendInst(block, this.#copy(site, inst, op));
      return;
    }
    let results: readonly Value[];
    switch (op) {
      case Op.return: {
        results = values(site, body.b.get(inst), body.c.get(inst));
        break;
      }
      case Op.return_call:
      case Op.return_call_indirect: {
        const call = this.#copy(site, inst, op === Op.return_call ? Op.call : Op.call_indirect);
        func.appendInst(block, call);
        results = body.signature.results.map((type) => func.addResult(call, type));
        break;
      }
      default:
        func.appendInst(block, this.#copy(site, inst, op));
        return;
    }
    const target = func.createBlockCall(after, results);
    const loc = this.#loc(site, body.loc.get(inst));
    func.appendInst(block, func.createInst(Op.jump, typeFromCode(body.type.get(inst)), target, NONE, NONE, 0, 0, loc));
  }

  /** A copy with the op `op`, in no block. */
  #copy(site: Site, inst: Inst, op: number): Inst {
    const func = this.#func;
    const { body } = site;
    let a = body.a.get(inst);
    let b = body.b.get(inst);
    let c = body.c.get(inst);
    let lo = body.lo.get(inst);
    const columns = VALUE_COLUMNS[op]!;
    if (columns & VALUES_A) a = value(site, a);
    if (columns & VALUES_B) b = value(site, b);
    if (columns & VALUES_C) c = value(site, c);
    if (columns & VALUES_LIST) b = func.pushList(values(site, b, c));
    switch (op) {
      case Op.call:
      case Op.return_call:
        a = this.#function(body, a);
        break;
      case Op.call_indirect:
      case Op.return_call_indirect:
        lo = this.#signature(body.signatures.get(entity<SigRef>(lo)));
        break;
      case Op.slot_addr:
        lo = this.#slot(site, lo);
        break;
      case Op.v128const:
      case Op.vshuffle:
        lo = func.vectors.push(body.vectors[lo]!) - 1;
        break;
      case Op.jump:
        a = this.#blockCall(site, a);
        break;
      case Op.brif:
        b = this.#blockCall(site, b);
        c = this.#blockCall(site, c);
        break;
      case Op.br_table: {
        const targets: number[] = [];
        for (let k = 0; k < c; k++) targets.push(this.#blockCall(site, body.pool.get(b + k)));
        b = func.pushList(targets);
        break;
      }
    }
    const made = func.createInst(
      op,
      typeFromCode(body.type.get(inst)),
      a,
      b,
      c,
      lo,
      body.hi.get(inst),
      this.#loc(site, body.loc.get(inst)),
    );
    const first = body.firstResult.get(inst);
    for (let k = 0; k < body.resultCount.get(inst); k++) {
      site.values[first + k] = func.addResult(made, body.typeOf(entity<Value>(first + k)));
    }
    return made;
  }

  #blockCall(site: Site, call: number): number {
    const { body } = site;
    const target = entity<Block>(site.blocks[body.callBlock.get(call)]!);
    return this.#func.createBlockCall(
      target,
      values(site, body.callArgsStart.get(call), body.callArgsLength.get(call)),
    );
  }

  #function(body: Func, ref: number): FuncRef {
    const { symbol, signature } = body.functions.get(entity<FuncRef>(ref));
    let known = this.#functions.get(symbol);
    if (known === undefined) {
      known = this.#func.functions.push({ symbol, signature: this.#signature(body.signatures.get(signature)) });
      this.#functions.set(symbol, known);
    }
    return known;
  }

  #signature(signature: Signature): SigRef {
    let known = this.#signatures.get(signature);
    if (known === undefined) {
      known = this.#func.addSignature(signature);
      this.#signatures.set(signature, known);
    }
    return known;
  }

  #slot(site: Site, slot: number): StackSlot {
    site.slots ??= new Map();
    let known = site.slots.get(slot);
    if (known === undefined) {
      known = this.#func.slots.push(site.body.slots.get(entity<StackSlot>(slot)));
      site.slots.set(slot, known);
    }
    return known;
  }

  /** The row of a place in the body: instructions of one operator share it. */
  #loc(site: Site, loc: number): number {
    const { inlinedFunction, inlinedLoc, inlinedCall } = this.#func;
    const last = inlinedLoc.length - 1;
    const same =
      last >= 0 &&
      inlinedLoc.get(last) === loc &&
      inlinedFunction.get(last) === site.symbol &&
      inlinedCall.get(last) === site.loc;
    if (same) return ~last;
    inlinedFunction.push(site.symbol);
    inlinedCall.push(site.loc);
    return ~inlinedLoc.push(loc);
  }
}

/** The caller's value for one of the body. */
function value(site: Site, raw: number): Value {
  return entity<Value>(site.values[site.body.resolve(entity<Value>(raw))]!);
}

function values(site: Site, start: number, length: number): Value[] {
  const list: Value[] = [];
  for (let k = 0; k < length; k++) list.push(value(site, site.body.pool.get(start + k)));
  return list;
}
