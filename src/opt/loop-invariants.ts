/**
 * Moves what a loop computes again and again, although it doesn't change, in front of the loop.
 *
 * What moves: expensive operations and loads whose operands come from outside, with the cheap ones that they need; of cheap operations
 * for their own sake only a few, since each value that a loop carries takes a register. Constants and addresses stay where they
 * are used: selection folds them.
 *
 * What may move, so that nothing new happens: operations that can't fault, loads from the context (which is always there), and, at the
 * beginning of a loop's first block, up to the first effect that stays, everything: that is executed whenever the loop is entered,
 * in the same order. Only there do checks, loads that may fault and guarded divisions move. A load moves only out of loops that don't
 * write its region.
 *
 * Every block of the layout must be reachable.
 */
// hot loop: indices are in range by construction

import type { I32Column } from "../base/columns.ts";
import { entity } from "../base/entity.ts";
import { type ControlFlowGraph, type Loops, successorCall, successorCount } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { ACCESS_TRAPS, FLAG_EFFECT, OP_FLAGS, OP_NAMES, Op, opRow, Region, regionOf } from "../ir/ops.ts";
import { I32, I64 } from "../ir/types.ts";
import { loopWrites } from "./memory.ts";
import {
  resolveBranches,
  resolveOperands,
  VALUE_COLUMNS,
  VALUES_A,
  VALUES_B,
  VALUES_C,
  VALUES_LIST,
} from "./operands.ts";

/** How many loops an instruction leaves at most. */
const MAX_LEVELS = 8;
/** How long a chain of cheap operations follows one that moves. */
const MAX_PULL = 4;
/** Values that one loop gets for cheap operations, and for all. */
const CHEAP_VALUES = 5;
const ALL_VALUES = 12;

const STAYS = 0;
/** Moves only for another one. */
const PULLED = 1;
const CHEAP = 2;
const EXPENSIVE = 3;
/** Faults on operands that its guards exclude. */
const GUARDED = 4;

/** What is done with each op. Loads and checks are apart. */
const CLASS: Uint8Array = Uint8Array.from(OP_NAMES, (name, op) => {
  if ((OP_FLAGS[op]! & FLAG_EFFECT) !== 0) return STAYS;
  switch (name) {
    case "load":
    case "stack_pointer":
    case "frame_pointer":
      return STAYS;
    case "iconst":
    case "f32const":
    case "f64const":
    case "v128const":
    case "func_addr":
    case "data_addr":
    case "slot_addr":
    case "text_base":
    case "uextend":
    case "ireduce":
    case "icmp":
    case "bounds":
    case "fcmp":
      return PULLED;
    case "iadd":
    case "isub":
    case "band":
    case "bor":
    case "bxor":
    case "ishl":
    case "ushr":
    case "sshr":
    case "rotl":
    case "rotr":
    case "sext8":
    case "sext16":
    case "sext32":
    case "sextend":
    case "select":
    case "guard":
      return CHEAP;
    case "sdiv":
    case "udiv":
    case "srem":
    case "urem":
    case "fcvt_to_sint":
    case "fcvt_to_uint":
      return GUARDED;
    default:
      return opRow(op).result === null ? STAYS : EXPENSIVE;
  }
});

/** A place that no loop is inside of. */
const NOWHERE = 0x7fff_ffff;

class Mover {
  readonly #func: Func;
  readonly #cfg: ControlFlowGraph;
  readonly #loops: Loops;
  readonly #writes: Uint8Array;
  /**
   * Places, as numbers that grow down the dominator tree: 2 × depth of a block, and one less for in front of it. By instruction: where it
   * is (or will be), and where it could be if what it needs were moved too, or NOWHERE.
   */
  readonly #place: Int32Array;
  readonly #possible: Int32Array;
  /** How many operations in a row would move for it. */
  readonly #pull: Uint8Array;
  /** By value: something reads it other than as the address of a load or store. */
  readonly #read: Uint8Array;
  // Instructions that move, in lists by the header in front of which they go.
  readonly #first: Int32Array;
  readonly #last: Int32Array;
  readonly #next: Int32Array;
  readonly #cheapCount: Uint8Array;
  readonly #count: Uint8Array;
  /** By instruction: 1 if it is on a list. */
  readonly #taken: Uint8Array;
  readonly #headers: I32Column;

  constructor(func: Func, cfg: ControlFlowGraph, loops: Loops) {
    this.#func = func;
    this.#headers = func.work.column();
    this.#cfg = cfg;
    this.#loops = loops;
    this.#writes = loopWrites(func, cfg, loops.header, loops.parent);
    this.#place = func.work.i32(func.instCount);
    this.#possible = func.work.filled(func.instCount, NOWHERE);
    this.#pull = func.work.u8(func.instCount);
    this.#read = func.work.u8(func.valueCount);
    this.#first = func.work.filled(func.blockCount, NONE);
    this.#last = func.work.filled(func.blockCount, NONE);
    this.#next = func.work.filled(func.instCount, NONE);
    this.#cheapCount = func.work.u8(func.blockCount);
    this.#count = func.work.u8(func.blockCount);
    this.#taken = func.work.u8(func.instCount);
  }

  /** Whether anything moved. */
  run(): boolean {
    const { order, domDepth } = this.#cfg;
    const func = this.#func;
    for (let o = 0; o < order.length; o++) {
      const block = entity<Block>(order[o]!);
      for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
        this.#place[i] = 2 * domDepth[block]!;
        resolveOperands(func, entity<Inst>(i));
        this.#markReads(i);
      }
      resolveBranches(func, block);
      const count = successorCount(func, block);
      for (let s = 0; s < count; s++) {
        const call = successorCall(func, block, s);
        const start = func.callArgsStart.get(call);
        this.#markList(start, func.callArgsLength.get(call));
      }
    }
    for (let o = 0; o < order.length; o++) this.#visit(entity<Block>(order[o]!));
    for (let h = 0; h < this.#headers.length; h++) this.#flush(entity<Block>(this.#headers.get(h)));
    return this.#headers.length > 0;
  }

  #markReads(inst: number): void {
    const func = this.#func;
    const op = func.op.get(inst);
    const columns = VALUE_COLUMNS[op]!;
    if (columns & VALUES_A && op !== Op.load && op !== Op.store) this.#read[func.a.get(inst)] = 1;
    if (columns & VALUES_B) this.#read[func.b.get(inst)] = 1;
    if (columns & VALUES_C) this.#read[func.c.get(inst)] = 1;
    if (columns & VALUES_LIST) this.#markList(func.b.get(inst), func.c.get(inst));
  }

  #markList(start: number, length: number): void {
    for (let p = start; p < start + length; p++) this.#read[this.#func.pool.get(p)] = 1;
  }

  /** Where `value` could be. */
  #placeOf(value: number): number {
    const def = this.#func.valueDef.get(value);
    if (def < 0) return 2 * this.#cfg.domDepth[~def]!;
    return Math.min(this.#possible[def]!, this.#place[def]!);
  }

  /** Where all operands of `inst` could be. */
  #operandsPlace(inst: number): number {
    const func = this.#func;
    const columns = VALUE_COLUMNS[func.op.get(inst)]!;
    let place = 0;
    if (columns & VALUES_A) place = this.#placeOf(func.a.get(inst));
    if (columns & VALUES_B) place = Math.max(place, this.#placeOf(func.b.get(inst)));
    if (columns & VALUES_C) place = Math.max(place, this.#placeOf(func.c.get(inst)));
    return place;
  }

  #visit(block: Block): void {
    const func = this.#func;
    const header = this.#loops.header[block]!;
    if (header === NONE) return;
    /** All effects so far have moved: what follows is executed whenever the loop is entered. */
    let certain = header === block;
    for (let i = func.firstInst.get(block); i !== NONE; i = func.next.get(i)) {
      const op = func.op.get(i);
      const kind = CLASS[op]!;
      if (op === Op.load || op === Op.trapz || op === Op.trapnz) {
        if (!this.#moveEffect(i, op, header, certain)) {
          certain &&= op === Op.load && (func.hi.get(i) & ACCESS_TRAPS) === 0;
        }
        continue;
      }
      if (kind === STAYS) {
        // An interruption may come later as well: what moves out of the loop may be in front of it.
        certain &&= (OP_FLAGS[op]! & FLAG_EFFECT) === 0 || op === Op.poll;
        continue;
      }
      const place = this.#operandsPlace(i);
      if (kind === GUARDED) {
        // Its guard may be a branch around it, or a check that stays.
        if (certain && place < 2 * this.#cfg.domDepth[header]!) this.#move(i, header, EXPENSIVE);
        continue;
      }
      if (op === Op.guard && !this.#isOutside(func.a.get(i), header)) continue;
      const pull = this.#pullOf(i);
      if (pull > MAX_PULL) continue;
      this.#pull[i] = pull;
      this.#possible[i] = place;
      if (kind === PULLED || (kind === CHEAP && !this.#isWorthwhile(i, op))) continue;
      const target = this.#outermost(header, place, 0);
      if (target !== NONE) this.#move(i, target, kind);
    }
  }

  /** The value is or will be in front of the loop: so is the check whose condition it is, and a guard stays behind its check. */
  #isOutside(value: number, header: number): boolean {
    const def = this.#func.valueDef.get(value);
    return def < 0 || this.#place[def]! < 2 * this.#cfg.domDepth[header]!;
  }

  /** One more than the longest chain among operands that have not moved. */
  #pullOf(inst: number): number {
    const func = this.#func;
    const columns = VALUE_COLUMNS[func.op.get(inst)]!;
    let pull = 0;
    if (columns & VALUES_A) pull = this.#chain(func.a.get(inst));
    if (columns & VALUES_B) pull = Math.max(pull, this.#chain(func.b.get(inst)));
    if (columns & VALUES_C) pull = Math.max(pull, this.#chain(func.c.get(inst)));
    return pull + 1;
  }
  #chain(value: number): number {
    const def = this.#func.valueDef.get(value);
    return def < 0 || this.#place[def]! <= this.#possible[def]! ? 0 : this.#pull[def]!;
  }

  /** A cheap operation that selection doesn't fold into its readers. */
  #isWorthwhile(inst: number, op: number): boolean {
    const func = this.#func;
    if (op === Op.guard) return true;
    if (this.#read[func.firstResult.get(inst)] === 0) return false;
    if (op !== Op.iadd) return true;
    const def = func.valueDef.get(func.b.get(inst));
    return def < 0 || func.op.get(def) !== Op.iconst;
  }

  /** The header of the outermost loop around `header`'s that begins behind `place` and doesn't write `region`; or NONE. */
  #outermost(header: number, place: number, region: number): number {
    let target = NONE;
    let h = header;
    for (let level = 0; level < MAX_LEVELS && h !== NONE; level++) {
      if (place >= 2 * this.#cfg.domDepth[h]! || (this.#writes[h]! & (1 << region) && region !== 0)) break;
      target = h;
      h = this.#loops.parent[h]!;
    }
    return target;
  }

  /** A load or a check. Whether it moved. */
  #moveEffect(inst: number, op: number, header: number, certain: boolean): boolean {
    const func = this.#func;
    const place = this.#operandsPlace(inst);
    if (place >= 2 * this.#cfg.domDepth[header]! || this.#pullOf(inst) > MAX_PULL) return false;
    if (op !== Op.load) return certain && this.#move(inst, header, EXPENSIVE);
    const region = regionOf(func.hi.get(inst));
    if (region !== Region.constant && this.#writes[header]! & (1 << region)) return false;
    if (certain) return this.#move(inst, header, EXPENSIVE);
    if ((func.hi.get(inst) & ACCESS_TRAPS) !== 0 || func.a.get(inst) !== this.#context()) return false;
    if (region === Region.any || region === Region.heap || region === Region.table) return false;
    const target = this.#outermost(header, place, region === Region.constant ? 0 : region);
    return target !== NONE && this.#move(inst, target, EXPENSIVE);
  }

  /** The first parameter, if it may be the context. */
  #context(): number {
    const func = this.#func;
    const first = func.paramsOf(func.entryBlock)[0];
    return func.signature.convention === "wasm" && first !== undefined && func.typeOf(first) === I64 ? first : NONE;
  }

  /** Puts `inst` and what it needs on the list of what goes in front of `header`; false when that has enough. */
  #move(inst: number, header: number, kind: number): boolean {
    if (this.#count[header]! >= ALL_VALUES || !this.#canTake(inst, header)) return false;
    if (kind === CHEAP) {
      if (this.#cheapCount[header]! >= CHEAP_VALUES) return false;
      this.#cheapCount[header]!++;
    }
    this.#count[header]!++;
    this.#take(inst, header);
    return true;
  }

  /** Whether what `inst` needs can go in front of `header`, and doesn't go somewhere else. Not deeper than `MAX_PULL`. */
  #canTake(inst: number, header: number): boolean {
    const func = this.#func;
    const columns = VALUE_COLUMNS[func.op.get(inst)]!;
    if (columns & VALUES_A && !this.#canTakeValue(func.a.get(inst), header)) return false;
    if (columns & VALUES_B && !this.#canTakeValue(func.b.get(inst), header)) return false;
    return (columns & VALUES_C) === 0 || this.#canTakeValue(func.c.get(inst), header);
  }

  #canTakeValue(value: number, header: number): boolean {
    const limit = 2 * this.#cfg.domDepth[header]!;
    const def = this.#func.valueDef.get(value);
    if (def < 0) return 2 * this.#cfg.domDepth[~def]! < limit;
    if (this.#place[def]! < limit) return true;
    return this.#taken[def] === 0 && this.#possible[def]! < limit && this.#canTake(def, header);
  }

  /** Operands first. Not deeper than `MAX_PULL`. */
  #take(inst: number, header: number): void {
    const func = this.#func;
    const columns = VALUE_COLUMNS[func.op.get(inst)]!;
    if (columns & VALUES_A) this.#takeValue(func.a.get(inst), header);
    if (columns & VALUES_B) this.#takeValue(func.b.get(inst), header);
    if (columns & VALUES_C) this.#takeValue(func.c.get(inst), header);
    this.#place[inst] = 2 * this.#cfg.domDepth[header]! - 1;
    this.#possible[inst] = this.#place[inst]!;
    this.#taken[inst] = 1;
    if (this.#first[header] === NONE) {
      this.#first[header] = inst;
      this.#headers.push(header);
    } else this.#next[this.#last[header]!] = inst;
    this.#last[header] = inst;
  }

  #takeValue(value: number, header: number): void {
    const def = this.#func.valueDef.get(value);
    if (def >= 0 && this.#place[def]! >= 2 * this.#cfg.domDepth[header]!) this.#take(def, header);
  }

  /** Moves the instructions in front of `header`. */
  #flush(header: Block): void {
    const func = this.#func;
    const before = entity<Inst>(func.lastInst.get(this.#preheader(header)));
    for (let i = this.#first[header]!; i !== NONE; ) {
      const next = this.#next[i]!;
      func.removeInst(entity<Inst>(i));
      func.insertBefore(entity<Inst>(i), before);
      i = next;
    }
  }

  /** The block that every way into the loop ends with: it jumps to `header`. */
  #preheader(header: Block): Block {
    const func = this.#func;
    const cfg = this.#cfg;
    const calls: number[] = [];
    let from = entity<Block>(0);
    for (let e = cfg.predStart[header]!; e < cfg.predStart[header + 1]!; e++) {
      const p = entity<Block>(cfg.pred[e]!);
      // Several edges from one block are next to each other.
      if (cfg.dominates(header, p) || (calls.length > 0 && p === from)) continue;
      from = p;
      const count = successorCount(func, p);
      for (let s = 0; s < count; s++) {
        const call = successorCall(func, p, s);
        if (func.callBlock.get(call) === header) calls.push(call);
      }
    }
    if (calls.length === 1 && successorCount(func, from) === 1) return from;
    const block = func.createBlock();
    const args: Value[] = [];
    if (calls.length === 1) {
      const call = calls[0]!;
      const start = func.callArgsStart.get(call);
      for (let i = 0; i < func.callArgsLength.get(call); i++) args.push(entity<Value>(func.pool.get(start + i)));
      func.callArgsLength.set(call, 0);
    } else for (const p of func.paramsOf(header)) args.push(func.appendBlockParam(block, func.typeOf(p)));
    for (const call of calls) func.callBlock.set(call, block);
    const jump = func.createInst(Op.jump, I32, func.createBlockCall(header, args), NONE, NONE, 0, 0, 0);
    func.appendInst(block, jump);
    func.layout.push(block);
    return block;
  }
}

/** `cfg` must be that of `func` as it is. Gives whether anything moved. */
export function moveLoopInvariants(func: Func, cfg: ControlFlowGraph): boolean {
  const { loops } = cfg;
  let any = false;
  for (let b = 0; b < loops.header.length && !any; b++) any = loops.header[b] !== NONE;
  return any && new Mover(func, cfg, loops).run();
}
