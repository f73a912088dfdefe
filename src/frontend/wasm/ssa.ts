// hot loop: indices are in range by construction
/**
 * Locals in SSA form, made in one pass over structured control flow (after Braun et al., "Simple and Efficient Construction of SSA
 * Form"): a value is looked up when it is read, and a block gets a parameter for a local only when a read reaches it and its
 * predecessors disagree. So there are no parameters that nothing reads.
 *
 * Works on *regions*: a region begins with a block and goes on to the next block that a branch of wasm code makes (blocks that single
 * operators need inside don't count). Structure gives two short cuts that the general algorithm lacks: it is known where each local
 * is assigned (`scan.ts`), hence a lookup steps over all that doesn't assign the local, in a logarithm of the number of regions, and a
 * loop's header gets a parameter only for what the loop assigns.
 *
 * Work is bounded: when lookups have taken more than `budget` steps, `SsaBudgetExceeded` is thrown, and the caller translates the
 * function again with its locals in memory. (5,000 locals merged at 1,000 joins are 5,000,000 parameters in any SSA form.)
 *
 * Branch arguments are complete only after `finish`, which appends to every branch what the parameters of its target need.
 */

import type { I32Column, U8Column } from "../../base/columns.ts";
import { entity } from "../../base/entity.ts";
import { truncate } from "../../base/truncate.ts";
import { type Block, type Func, NONE, type Value } from "../../ir/function.ts";
import { Op } from "../../ir/ops.ts";
import { F32, F64, type Type, V128 } from "../../ir/types.ts";
import { resolveOperands } from "./aliases.ts";
import type { Assignments } from "./scan.ts";

/** Dense number of a region of the function. */
export type Region = number;

export class SsaBudgetExceeded extends Error {}

const SINGLE = 0;
const JOIN = 1;
const LOOP = 2;

/** Parameters that became trivial because others did are looked for this many times. */
const CLEANUP_ROUNDS = 3;

export class Ssa {
  readonly #func: Func;
  readonly #assignments: Assignments;
  readonly #localTypes: readonly Type[];
  /** Value of each local at the entry; NONE: zero. */
  readonly #initial: Int32Array;
  /** The shared zero of each type. */
  readonly #zeros: Int32Array;
  #budget: number;
  #replaced = false;

  // Regions.
  readonly #block: I32Column;
  readonly #kind: U8Column;
  /** Only predecessor of a SINGLE region, else a region that dominates it and ends where its construct begins. */
  readonly #from: I32Column;
  /** Byte range of the construct: of a join what it ends, of a loop all of it. */
  readonly #start: I32Column;
  readonly #end: I32Column;
  /** Byte offset where the region begins, of a loop's header that of the loop. */
  readonly #position: I32Column;
  /** Distance from the entry along `#from`; and an ancestor farther away (skew-binary: any one is a logarithm of steps away). */
  readonly #depth: I32Column;
  readonly #jump: I32Column;
  /** Where the last of the loops ends whose headers the jump goes over. */
  readonly #jumpEnd: I32Column;
  readonly #sealed: U8Column;
  readonly #firstEdge: I32Column;
  readonly #lastEdge: I32Column;
  readonly #edgeCount: I32Column;
  readonly #firstPhi: I32Column;
  readonly #lastPhi: I32Column;
  /** The branches don't have what the block's parameters need. */
  readonly #incomplete: U8Column;

  // Edges: block calls to joins and loops, in lists.
  readonly #edgeNext: I32Column;
  readonly #edgeRegion: I32Column;
  readonly #edgeCall: I32Column;

  // Parameters.
  readonly #phiNext: I32Column;
  readonly #phiValue: I32Column;
  /** The local, or `~k` for operand number k of the block. */
  readonly #phiLocal: I32Column;
  /** One value for each edge from here on in `#args`. */
  readonly #phiArgs: I32Column;
  readonly #phiDead: U8Column;
  readonly #args: I32Column;

  // The newest definition of each local, and all others in a hash table keyed by (region, local).
  readonly #lastRegion: Int32Array;
  readonly #lastValue: Int32Array;
  #hashRegion: Int32Array;
  #hashLocal: Int32Array;
  #hashValue: Int32Array;
  #hashCount = 0;
  /** 32 minus log2 of the table's size. */
  #hashShift = 24;

  // The stack of `#lookup`: regions whose predecessors are being asked.
  readonly #pending: number[] = [];
  readonly #pendingEdge: number[] = [];
  readonly #pendingPhi: number[] = [];
  readonly #pendingBase: number[] = [];
  readonly #answers: number[] = [];

  /** The region that instructions are added to. */
  current: Region = 0;

  /** `initial`: values of the first locals (parameters), in the entry block. */
  constructor(
    func: Func,
    localTypes: readonly Type[],
    initial: readonly Value[],
    assignments: Assignments,
    budget: number,
  ) {
    this.#func = func;
    this.#block = func.work.column();
    this.#kind = func.work.byteColumn();
    this.#from = func.work.column();
    this.#start = func.work.column();
    this.#end = func.work.column();
    this.#position = func.work.column();
    this.#depth = func.work.column();
    this.#jump = func.work.column();
    this.#jumpEnd = func.work.column();
    this.#sealed = func.work.byteColumn();
    this.#firstEdge = func.work.column();
    this.#lastEdge = func.work.column();
    this.#edgeCount = func.work.column();
    this.#firstPhi = func.work.column();
    this.#lastPhi = func.work.column();
    this.#incomplete = func.work.byteColumn();
    this.#edgeNext = func.work.column();
    this.#edgeRegion = func.work.column();
    this.#edgeCall = func.work.column();
    this.#phiNext = func.work.column();
    this.#phiValue = func.work.column();
    this.#phiLocal = func.work.column();
    this.#phiArgs = func.work.column();
    this.#phiDead = func.work.byteColumn();
    this.#args = func.work.column();
    this.#zeros = func.work.filled(5, NONE);
    this.#hashRegion = func.work.filled(256, NONE);
    this.#hashLocal = func.work.i32(256);
    this.#hashValue = func.work.i32(256);
    this.#assignments = assignments;
    this.#localTypes = localTypes;
    this.#budget = budget;
    this.#initial = func.work.filled(localTypes.length, NONE);
    this.#initial.set(initial);
    this.#lastRegion = func.work.filled(localTypes.length, NONE);
    this.#lastValue = func.work.i32(localTypes.length);
    this.#region(func.entryBlock, SINGLE, NONE, 0, 0);
  }

  #region(block: Block, kind: number, from: Region, start: number, end: number): Region {
    this.#kind.push(kind);
    this.#from.push(from);
    this.#start.push(start);
    this.#end.push(end);
    this.#position.push(start);
    this.#depth.push(0);
    this.#jump.push(NONE);
    this.#jumpEnd.push(0);
    this.#sealed.push(kind === SINGLE ? 1 : 0);
    this.#firstEdge.push(NONE);
    this.#lastEdge.push(NONE);
    this.#edgeCount.push(0);
    this.#firstPhi.push(NONE);
    this.#lastPhi.push(NONE);
    this.#incomplete.push(0);
    return this.#block.push(block);
  }

  /** Its ancestors are known: chooses the jump. */
  #link(region: Region): void {
    const from = this.#from.get(region);
    const depth = this.#depth;
    depth.set(region, depth.get(from) + 1);
    const end = this.#kind.get(region) === LOOP ? this.#end.get(region) : 0;
    const near = this.#jump.get(from);
    const far = near === NONE ? NONE : this.#jump.get(near);
    if (far !== NONE && depth.get(from) - depth.get(near) === depth.get(near) - depth.get(far)) {
      this.#jump.set(region, far);
      this.#jumpEnd.set(region, Math.max(end, this.#jumpEnd.get(from), this.#jumpEnd.get(near)));
    } else {
      this.#jump.set(region, from);
      this.#jumpEnd.set(region, end);
    }
  }

  /** Goes on in `block` at byte offset `at`; its only predecessor is at the end of region `from`. */
  enter(block: Block, from: Region, at: number): void {
    this.current = this.#region(block, SINGLE, from, at, at);
    this.#link(this.current);
  }

  /** The block behind a construct that begins at byte offset `start`, at the end of region `from`. */
  createJoin(block: Block, from: Region, start: number): Region {
    return this.#region(block, JOIN, from, start, start);
  }

  /** The header of the loop at bytes `[start, end)`, behind the current region. */
  createLoop(block: Block, start: number, end: number): Region {
    const region = this.#region(block, LOOP, this.current, start, end);
    this.#link(region);
    return region;
  }

  block(region: Region): Block {
    return entity<Block>(this.#block.get(region));
  }

  /** Block call `call`, from the end of region `from`, goes to the join or loop `to`. Its arguments are the operands that it passes. */
  addEdge(to: Region, from: Region, call: number): void {
    const edge = this.#edgeRegion.push(from);
    this.#edgeCall.push(call);
    this.#edgeNext.push(NONE);
    if (this.#firstEdge.get(to) === NONE) this.#firstEdge.set(to, edge);
    else this.#edgeNext.set(this.#lastEdge.get(to), edge);
    this.#lastEdge.set(to, edge);
    this.#edgeCount.set(to, this.#edgeCount.get(to) + 1);
  }

  /**
   * All edges to the join are there, and its construct ends at byte offset `end`: makes it current. Pushes the values of the
   * operands that branches pass, of these types, on `operands`.
   */
  sealJoin(region: Region, end: number, types: readonly Type[], operands: Value[]): void {
    this.#end.set(region, end);
    this.#sealed.set(region, 1);
    this.current = region;
    for (let k = 0; k < types.length; k++) {
      const base = this.#answers.length;
      this.#operandAnswers(region, k);
      operands.push(entity<Value>(this.#merge(region, ~k, types[k]!, base)));
    }
    if (this.#edgeCount.get(region) === 1) {
      this.#kind.set(region, SINGLE);
      this.#from.set(region, this.#edgeRegion.get(this.#firstEdge.get(region)));
    }
    this.#position.set(region, end);
    this.#link(region);
  }

  #operandAnswers(region: Region, k: number): void {
    const { callArgsStart, pool } = this.#func;
    for (let e = this.#firstEdge.get(region); e !== NONE; e = this.#edgeNext.get(e)) {
      this.#answers.push(this.#resolve(pool.get(callArgsStart.get(this.#edgeCall.get(e)) + k)));
    }
  }

  /** Makes the loop's header current and pushes its operands, of these types. The edge from before is there. */
  enterLoop(region: Region, types: readonly Type[], operands: Value[]): void {
    this.current = region;
    for (let k = 0; k < types.length; k++) {
      operands.push(entity<Value>(this.#phiValue.get(this.#createPhi(region, ~k, types[k]!))));
    }
  }

  /** All edges back to the header are there. */
  sealLoop(region: Region): void {
    this.#sealed.set(region, 1);
    // Lookups can append other regions' parameters, not this one's: each local that it asks for has one already.
    for (let phi = this.#firstPhi.get(region); phi !== NONE; phi = this.#phiNext.get(phi)) {
      const local = this.#phiLocal.get(phi);
      const base = this.#answers.length;
      if (local < 0) this.#operandAnswers(region, ~local);
      else {
        for (let e = this.#firstEdge.get(region); e !== NONE; e = this.#edgeNext.get(e)) {
          this.#answers.push(this.#lookup(local, this.#edgeRegion.get(e)));
        }
      }
      this.#complete(region, phi, base);
    }
  }

  /** The value of a local here. */
  read(local: number): Value {
    if (this.#lastRegion[local] === this.current) return entity<Value>(this.#resolve(this.#lastValue[local]!));
    if (!this.#assignments.ever(local)) return entity<Value>(this.#initialValue(local));
    return entity<Value>(this.#lookup(local, this.current));
  }

  write(local: number, value: Value): void {
    this.#define(this.current, local, value);
  }

  /** Follows replacements, and shortens the path for the next time. */
  #resolve(value: number): number {
    if (!this.#replaced) return value;
    const alias = this.#func.valueAlias;
    let root = value;
    for (let next = alias.get(root); next !== NONE; next = alias.get(root)) root = next;
    for (let v = value; v !== root; ) {
      const next = alias.get(v);
      alias.set(v, root);
      v = next;
    }
    return root;
  }

  #initialValue(local: number): number {
    const value = this.#initial[local]!;
    return value === NONE ? this.zero(this.#localTypes[local]!) : value;
  }

  /** The zero, or null reference, of a type; defined at the start of the entry block. */
  zero(type: Type): Value {
    let value = this.#zeros[type]!;
    if (value === NONE) {
      const func = this.#func;
      const op = type === F32 ? Op.f32const : type === F64 ? Op.f64const : type === V128 ? Op.v128const : Op.iconst;
      const lo = type === V128 ? func.vectors.push(new Uint8Array(16)) - 1 : 0;
      const inst = func.createInst(op, type, NONE, NONE, NONE, lo, 0, 0);
      value = func.addResult(inst, type);
      const first = func.firstInst.get(func.entryBlock);
      if (first === NONE) func.appendInst(func.entryBlock, inst);
      else func.insertBefore(inst, entity(first));
      this.#zeros[type] = value;
    }
    return entity<Value>(value);
  }

  #define(region: Region, local: number, value: number): void {
    const last = this.#lastRegion[local]!;
    if (last !== region) {
      if (last !== NONE) this.#store(last, local, this.#lastValue[local]!);
      this.#lastRegion[local] = region;
    }
    this.#lastValue[local] = value;
  }

  #slot(region: Region, local: number): number {
    const mask = this.#hashRegion.length - 1;
    let i = Math.imul(Math.imul(region, 0x9e3779b1) + local, 0x85ebca6b) >>> this.#hashShift;
    while (this.#hashRegion[i] !== NONE && (this.#hashRegion[i] !== region || this.#hashLocal[i] !== local)) {
      i = (i + 1) & mask;
    }
    return i;
  }

  #store(region: Region, local: number, value: number): void {
    const i = this.#slot(region, local);
    this.#hashValue[i] = value;
    if (this.#hashRegion[i] !== NONE) return;
    this.#hashRegion[i] = region;
    this.#hashLocal[i] = local;
    if (++this.#hashCount * 2 > this.#hashRegion.length) this.#grow();
  }

  #grow(): void {
    const regions = this.#hashRegion;
    const locals = this.#hashLocal;
    const values = this.#hashValue;
    const size = regions.length * 2;
    this.#hashShift--;
    this.#hashRegion = this.#func.work.filled(size, NONE);
    this.#hashLocal = this.#func.work.i32(size);
    this.#hashValue = this.#func.work.i32(size);
    for (let i = 0; i < regions.length; i++) {
      if (regions[i] === NONE) continue;
      const at = this.#slot(regions[i]!, locals[i]!);
      this.#hashRegion[at] = regions[i]!;
      this.#hashLocal[at] = locals[i]!;
      this.#hashValue[at] = values[i]!;
    }
  }

  /** The definition of `local` in `region` itself, or NONE. */
  #find(region: Region, local: number): number {
    if (this.#lastRegion[local] === region) return this.#resolve(this.#lastValue[local]!);
    const i = this.#slot(region, local);
    return this.#hashRegion[i] === NONE ? NONE : this.#resolve(this.#hashValue[i]!);
  }

  /** The value of `local` at the end of `region`, or `~` a join or sealed loop whose predecessors must be asked. */
  #walk(local: number, region: Region): number {
    for (let r = region; ; ) {
      if (--this.#budget < 0) throw new SsaBudgetExceeded();
      const known = this.#find(r, local);
      if (known !== NONE) return known;
      const from = this.#from.get(r);
      if (from === NONE) return this.#initialValue(local);
      if (this.#kind.get(r) !== SINGLE && this.#assignments.within(local, this.#start.get(r), this.#end.get(r))) {
        if (this.#sealed.get(r) === 1) return ~r;
        const phi = this.#createPhi(r, local, this.#localTypes[local]!);
        const value = this.#phiValue.get(phi);
        this.#define(r, local, value);
        return value;
      }
      // Not assigned anywhere from the beginning of an ancestor to here, nor later in a loop around here: the same there.
      const jump = this.#jump.get(r);
      const end = Math.max(this.#position.get(r), this.#jumpEnd.get(r));
      r = jump === from || this.#assignments.within(local, this.#position.get(jump), end) ? from : jump;
    }
  }

  #lookup(local: number, region: Region): number {
    let value = this.#walk(local, region);
    if (value < 0) value = this.#ask(local, ~value);
    this.#define(region, local, value);
    return value;
  }

  /** Merges the values at the ends of the predecessors of join or sealed loop `top`; no recursion, however long the chain. */
  #ask(local: number, top: Region): number {
    const bottom = this.#pending.length;
    this.#suspend(local, top);
    for (;;) {
      const depth = this.#pending.length - 1;
      const edge = this.#pendingEdge[depth]!;
      if (edge !== NONE) {
        const value = this.#walk(local, this.#edgeRegion.get(edge));
        if (value < 0) {
          this.#suspend(local, ~value);
        } else {
          this.#answers.push(value);
          this.#pendingEdge[depth] = this.#edgeNext.get(edge);
        }
        continue;
      }
      const region = this.#pending.pop()!;
      this.#pendingEdge.pop();
      const phi = this.#pendingPhi.pop()!;
      const base = this.#pendingBase.pop()!;
      const value =
        phi === NONE ? this.#merge(region, local, this.#localTypes[local]!, base) : this.#complete(region, phi, base);
      this.#define(region, local, value);
      if (depth === bottom) return value;
      this.#answers.push(value);
      this.#pendingEdge[depth - 1] = this.#edgeNext.get(this.#pendingEdge[depth - 1]!);
    }
  }

  #suspend(local: number, region: Region): void {
    let phi: number = NONE;
    if (this.#kind.get(region) === LOOP) {
      // Its own value may be among the answers.
      phi = this.#createPhi(region, local, this.#localTypes[local]!);
      this.#define(region, local, this.#phiValue.get(phi));
    }
    this.#pending.push(region);
    this.#pendingEdge.push(this.#firstEdge.get(region));
    this.#pendingPhi.push(phi);
    this.#pendingBase.push(this.#answers.length);
  }

  #createPhi(region: Region, local: number, type: Type): number {
    const phi = this.#phiValue.push(this.#func.appendBlockParam(this.block(region), type));
    this.#phiLocal.push(local);
    this.#phiNext.push(NONE);
    this.#phiArgs.push(NONE);
    this.#phiDead.push(0);
    if (this.#firstPhi.get(region) === NONE) this.#firstPhi.set(region, phi);
    else this.#phiNext.set(this.#lastPhi.get(region), phi);
    this.#lastPhi.set(region, phi);
    if (local >= 0) this.#incomplete.set(region, 1);
    return phi;
  }

  /** The one value of the answers from `base` on, or a parameter. Takes the answers away. */
  #merge(region: Region, local: number, type: Type, base: number): number {
    const answers = this.#answers;
    const first = answers[base]!;
    let same = true;
    for (let i = base + 1; i < answers.length; i++) if (answers[i] !== first) same = false;
    if (same) {
      truncate(answers, base);
      // An operand that every branch passes: no parameter takes it.
      if (local < 0) this.#incomplete.set(region, 1);
      return first;
    }
    const phi = this.#createPhi(region, local, type);
    this.#takeArgs(phi, base);
    return this.#phiValue.get(phi);
  }

  #takeArgs(phi: number, base: number): void {
    const answers = this.#answers;
    this.#budget -= answers.length - base;
    this.#phiArgs.set(phi, this.#args.length);
    for (let i = base; i < answers.length; i++) this.#args.push(answers[i]!);
    truncate(answers, base);
  }

  /** Gives a loop's parameter its arguments, the answers from `base` on; returns its value, which may be another one's. */
  #complete(region: Region, phi: number, base: number): number {
    this.#takeArgs(phi, base);
    this.#replaceTrivial(region, phi);
    return this.#resolve(this.#phiValue.get(phi));
  }

  /** Replaces a parameter that is always itself or one other value. */
  #replaceTrivial(region: Region, phi: number): boolean {
    const value = this.#phiValue.get(phi);
    const start = this.#phiArgs.get(phi);
    const count = this.#edgeCount.get(region);
    let other: number = NONE;
    for (let i = 0; i < count; i++) {
      const arg = this.#resolve(this.#args.get(start + i));
      if (arg === value || arg === other) continue;
      if (other !== NONE) return false;
      other = arg;
    }
    if (other === NONE) return false;
    this.#func.replaceValue(entity<Value>(value), entity<Value>(other));
    this.#replaced = true;
    this.#phiDead.set(phi, 1);
    this.#incomplete.set(region, 1);
    return true;
  }

  /** Completes all branches. Every region is sealed; nothing is read or written afterwards. */
  finish(): void {
    const regions = this.#block.length;
    for (let round = 0, changed = true; changed && round < CLEANUP_ROUNDS; round++) {
      changed = false;
      for (let r = 0; r < regions; r++) {
        for (let phi = this.#firstPhi.get(r); phi !== NONE; phi = this.#phiNext.get(phi)) {
          if (this.#phiDead.get(phi) === 0 && this.#replaceTrivial(r, phi)) changed = true;
        }
      }
    }
    for (let r = 0; r < regions; r++) if (this.#incomplete.get(r) === 1) this.#completeBranches(r);
    if (!this.#replaced) return;
    for (let phi = 0; phi < this.#phiValue.length; phi++) this.#resolve(this.#phiValue.get(phi));
    resolveOperands(this.#func);
  }

  #completeBranches(region: Region): void {
    const func = this.#func;
    const block = this.#block.get(region);
    const params: Value[] = [];
    for (let phi = this.#firstPhi.get(region); phi !== NONE; phi = this.#phiNext.get(phi)) {
      if (this.#phiDead.get(phi) === 0) params.push(entity<Value>(this.#phiValue.get(phi)));
    }
    func.blockParams[block] = params;
    let i = 0;
    for (let e = this.#firstEdge.get(region); e !== NONE; e = this.#edgeNext.get(e), i++) {
      const call = this.#edgeCall.get(e);
      func.callArgsStart.set(call, func.pool.length);
      func.callArgsLength.set(call, params.length);
      for (let phi = this.#firstPhi.get(region); phi !== NONE; phi = this.#phiNext.get(phi)) {
        if (this.#phiDead.get(phi) === 0) func.pool.push(this.#resolve(this.#args.get(this.#phiArgs.get(phi) + i)));
      }
    }
  }
}
