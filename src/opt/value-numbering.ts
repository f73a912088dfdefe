/**
 * Global value numbering: one walk down the dominator tree that simplifies each instruction, decides it by what dominating branches and
 * checks tell, and replaces it by an equal one that dominates it. Loads are compared by what memory holds (`memory.ts`).
 *
 * Guarantees: no instruction with an effect is moved or duplicated; one is removed only if it does nothing: a check that can't fail, a
 * store of what is there, a load that may fault behind an access to the same place. Branches are not changed but for their
 * conditions (`control-flow.ts` does that). Uses in reachable blocks are resolved. Linear in the number of instructions.
 */
// hot loop: indices are in range by construction

import { entity } from "../base/entity.ts";
import type { ControlFlowGraph } from "../ir/cfg.ts";
import { type Block, type Func, type Inst, NONE, type Value } from "../ir/function.ts";
import { Access, accessOf, FLAG_EFFECT, OP_FLAGS, Op } from "../ir/ops.ts";
import { Conditions } from "./conditions.ts";
import { MemoryState, writtenRegions } from "./memory.ts";
import { countUses, resolveBranches, resolveOperands } from "./operands.ts";
import { Simplifier } from "./simplify.ts";

/** Slots of the table in which an instruction may be. */
const MAX_PROBES = 8;
/** An instruction is simplified again when a rule put new ones in front of it; so often in all, for each instruction there was. */
const ROUNDS = 8;

class Numbering {
  readonly #func: Func;
  readonly #cfg: ControlFlowGraph;
  readonly #simplifier: Simplifier;
  readonly #conditions: Conditions;
  readonly #memory: MemoryState;
  readonly #mask: number;
  /** Instruction + 1, by hash. */
  readonly #table: Int32Array;
  /** Rounds that are left. */
  #rounds: number;

  constructor(func: Func, cfg: ControlFlowGraph) {
    this.#func = func;
    this.#cfg = cfg;
    this.#simplifier = new Simplifier(func, countUses(func));
    this.#conditions = new Conditions(func);
    this.#memory = new MemoryState(func, cfg);
    this.#rounds = ROUNDS * func.instCount;
    let size = 64;
    while (size < func.instCount) size *= 2;
    size *= 2;
    this.#mask = size - 1;
    this.#table = func.work.i32(size);
  }

  run(): void {
    const { domOrder, domDepth } = this.#cfg;
    /** By depth in the dominator tree: the facts that hold at the end of the block above. */
    const marks = this.#func.work.i32(domOrder.length + 1);
    for (let o = 0; o < domOrder.length; o++) {
      const block = entity<Block>(domOrder[o]!);
      const depth = domDepth[block]!;
      this.#conditions.undo(marks[depth]!);
      this.#memory.enter(block);
      this.#assumeEdge(block);
      this.#block(block);
      this.#memory.leave(block);
      resolveBranches(this.#func, block);
      marks[depth + 1] = this.#conditions.mark;
    }
    // Arguments of back edges were resolved before later replacements.
    for (let o = 0; o < domOrder.length; o++) resolveBranches(this.#func, entity<Block>(domOrder[o]!));
  }

  /** What the only edge to `block` tells. */
  #assumeEdge(block: Block): void {
    const f = this.#func;
    const { predStart, pred, position } = this.#cfg;
    const e = predStart[block]!;
    if (predStart[block + 1]! - e !== 1 || position[pred[e]!]! < 0) return;
    const last = f.lastInst.get(pred[e]!);
    if (f.op.get(last) !== Op.brif) return;
    this.#conditions.assume(f.a.get(last), f.callBlock.get(f.b.get(last)) === block);
  }

  #block(block: Block): void {
    const f = this.#func;
    for (let next = f.firstInst.get(block); next !== NONE; ) {
      const inst = entity<Inst>(next);
      const before = f.prev.get(inst);
      resolveOperands(f, inst);
      const equal = this.#simplifier.simplify(inst);
      const first = before === NONE ? f.firstInst.get(block) : f.next.get(before);
      if (equal !== NONE) {
        next = first === inst ? f.next.get(inst) : first;
        this.#replace(inst, equal);
      } else if (first !== inst && --this.#rounds > 0) {
        next = first;
      } else {
        next = f.next.get(inst);
        this.#visit(block, inst);
      }
    }
  }

  #replace(inst: Inst, value: number): void {
    this.#func.replaceValue(this.#func.result(inst), entity<Value>(value));
    this.#func.removeInst(inst);
  }

  #visit(block: Block, inst: Inst): void {
    const f = this.#func;
    const op = f.op.get(inst);
    if ((OP_FLAGS[op]! & FLAG_EFFECT) !== 0) {
      this.#effect(block, inst, op);
      return;
    }
    if (op === Op.load) {
      const known = this.#memory.load(block, inst);
      if (known !== NONE) this.#replace(inst, known);
      else this.#simplifier.learn(inst);
      return;
    }
    if (op === Op.icmp) {
      const holds = this.#conditions.compare(inst);
      if (holds >= 0) this.#simplifier.become(inst, holds);
    } else if (op === Op.select) {
      const truth = this.#conditions.truth(f.a.get(inst));
      if (truth >= 0) {
        this.#replace(inst, truth === 1 ? f.b.get(inst) : f.c.get(inst));
        return;
      }
    } else if (op === Op.stack_pointer) return;
    const found = this.#number(block, inst);
    if (found !== NONE) this.#replace(inst, f.firstResult.get(found));
    else this.#simplifier.learn(inst);
  }

  #effect(block: Block, inst: Inst, op: number): void {
    const f = this.#func;
    switch (op) {
      case Op.store: {
        if (this.#memory.isRedundant(block, inst)) {
          f.removeInst(inst);
          return;
        }
        const access = accessOf(f.hi.get(inst));
        const whole = access === Access.full || this.#simplifier.fits(f.b.get(inst), access);
        this.#memory.store(block, inst, whole);
        return;
      }
      case Op.trapz:
      case Op.trapnz: {
        const condition = f.a.get(inst);
        const truth = this.#truthOf(condition);
        if (truth >= 0) {
          if ((truth === 1) === (op === Op.trapz)) f.removeInst(inst);
          else this.#simplifier.decide(inst, truth === 1);
          return;
        }
        this.#conditions.assume(condition, op === Op.trapz);
        return;
      }
      case Op.brif: {
        const truth = this.#conditions.truth(f.a.get(inst));
        if (truth >= 0) this.#simplifier.decide(inst, truth === 1);
        return;
      }
      default: {
        const written = writtenRegions(f, inst);
        if (written !== 0) this.#memory.clobber(written);
      }
    }
  }

  /** Of a trap's condition: a check that can't fail goes, even if what others read of its comparison stays. */
  #truthOf(condition: number): number {
    const truth = this.#conditions.truth(condition);
    const def = this.#func.valueDef.get(condition);
    return truth < 0 && def >= 0 && this.#func.op.get(def) === Op.bounds ? this.#conditions.compare(def) : truth;
  }

  /** The instruction that dominates `inst` and computes the same, or NONE: then `inst` is in the table. */
  #number(block: Block, inst: Inst): number {
    const f = this.#func;
    let hash = Math.imul(f.op.get(inst), 0x9e3779b1) ^ Math.imul(f.type.get(inst), 0x85ebca6b);
    hash ^= Math.imul(f.a.get(inst), 0xc2b2ae35) ^ Math.imul(f.b.get(inst), 0x27d4eb2f);
    hash ^= Math.imul(f.c.get(inst), 0x165667b1) ^ Math.imul(f.lo.get(inst), 0x2545f491);
    hash ^= Math.imul(f.hi.get(inst), 0x5bd1e995);
    hash ^= hash >>> 15;
    let slot = hash & this.#mask;
    for (let probe = 0; probe < MAX_PROBES; probe++, slot = (slot + 1) & this.#mask) {
      const candidate = this.#table[slot]! - 1;
      if (candidate >= 0 && !sameComputation(f, candidate, inst)) continue;
      if (candidate >= 0) {
        const from = f.instBlock.get(candidate);
        if (from !== NONE && this.#cfg.dominates(entity<Block>(from), block)) return candidate;
      }
      this.#table[slot] = inst + 1;
      return NONE;
    }
    return NONE;
  }
}

function sameComputation(func: Func, x: number, y: number): boolean {
  return (
    func.op.get(x) === func.op.get(y) &&
    func.type.get(x) === func.type.get(y) &&
    func.a.get(x) === func.a.get(y) &&
    func.b.get(x) === func.b.get(y) &&
    func.c.get(x) === func.c.get(y) &&
    func.lo.get(x) === func.lo.get(y) &&
    func.hi.get(x) === func.hi.get(y)
  );
}

/** `cfg` must be that of `func` as it is. */
export function numberValues(func: Func, cfg: ControlFlowGraph): void {
  new Numbering(func, cfg).run();
}
