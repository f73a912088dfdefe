/**
 * Random allocator inputs: any control flow (loops, irreducible regions, unreachable blocks, critical edges split), SSA by construction
 * (a block sees what its dominators define), and every kind of operand. The same seed gives the same function.
 */

import { type AllocatorInput, Constraint, OperandKind } from "../../src/codegen/regalloc/interface.ts";
import {
  def,
  defFixed,
  defTied,
  earlyDef,
  InputBuilder,
  lateUse,
  type Operand,
  type Registers,
  use,
  useAny,
  useFixed,
} from "./builder.ts";

export interface RandomOptions {
  readonly seed: number;
  /** Blocks before critical edges are split. */
  readonly blocks: number;
  /** Instructions per block, at most. */
  readonly length: number;
  /** Allocatable integer registers, 4 to 13; float registers, 2 to 15. */
  readonly intRegisters: number;
  readonly floatRegisters: number;
  /** Out of 100 instructions: calls. */
  readonly calls: number;
  /** Of 100 uses, how many take any value in scope instead of a recent one: pressure. */
  readonly distance: number;
  /** Every block is reachable and comes after those that dominate it; otherwise the order is any. */
  readonly inOrder?: boolean;
}

/** A small generator of pseudo-random numbers (mulberry32's recurrence). */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed | 0;
  }
  /** An integer from 0 to n - 1. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }
  chance(percent: number): boolean {
    return this.below(100) < percent;
  }
  pick<T>(list: readonly T[], fallback: T): T {
    return list[this.below(list.length)] ?? fallback;
  }
}

/** Options that vary with the seed: from straight lines to loops under heavy pressure. */
export function optionsFor(seed: number): RandomOptions {
  const r = new Random(seed * 7919 + 17);
  return {
    seed,
    blocks: 1 + r.below(r.chance(20) ? 40 : 12),
    length: 1 + r.below(r.chance(20) ? 30 : 8),
    intRegisters: 4 + r.below(10),
    floatRegisters: 3 + r.below(13),
    calls: r.pick([0, 5, 20, 50], 5),
    distance: r.pick([0, 20, 60, 100], 20),
  };
}

const INT_ORDER = [0, 1, 2, 3, 6, 7, 8, 9, 10, 12, 13, 14, 15];

export function registersFor(options: RandomOptions): Registers & { callInt: number; callFloat: number } {
  const allocatableInt = INT_ORDER.slice(0, options.intRegisters);
  const allocatableFloat = Array.from({ length: options.floatRegisters }, (_, k) => 32 + k);
  // Half of the registers survive calls; every third function has callee-saved float registers as well.
  let calleeSavedInt = 0;
  allocatableInt.forEach((r, k) => {
    if (k % 2 === 1 && k > 2) calleeSavedInt |= 1 << r;
  });
  let calleeSavedFloat = 0;
  if (options.seed % 3 === 0)
    allocatableFloat.forEach((r, k) => {
      if (k % 2 === 1) calleeSavedFloat |= 1 << (r & 31);
    });
  let callInt = 1 << 11;
  for (const r of allocatableInt) callInt |= 1 << r;
  return {
    allocatableInt,
    allocatableFloat,
    calleeSavedInt,
    calleeSavedFloat,
    callInt: callInt & ~calleeSavedInt,
    callFloat: 0xffff & ~calleeSavedFloat,
  };
}

function dominators(succs: number[][]): { idom: number[]; order: number[] } {
  const n = succs.length;
  const order: number[] = [];
  const seen = new Array<boolean>(n).fill(false);
  const stack: [number, number][] = [[0, 0]];
  seen[0] = true;
  while (stack.length > 0) {
    const top = stack[stack.length - 1];
    if (top === undefined) break;
    const s = succs[top[0]]?.[top[1]++];
    if (s === undefined) {
      order.push(top[0]);
      stack.pop();
    } else if (seen[s] === false) {
      seen[s] = true;
      stack.push([s, 0]);
    }
  }
  order.reverse();
  const preds: number[][] = succs.map(() => []);
  for (const b of order) for (const s of succs[b] ?? []) preds[s]?.push(b);
  const number = new Array<number>(n).fill(-1);
  order.forEach((b, k) => {
    number[b] = k;
  });
  const idom = new Array<number>(n).fill(-1);
  idom[0] = 0;
  for (let changed = true; changed; ) {
    changed = false;
    for (const b of order) {
      if (b === 0) continue;
      let best = -1;
      for (const p of preds[b] ?? []) {
        if ((idom[p] ?? -1) === -1) continue;
        if (best === -1) best = p;
        else {
          let x = p;
          let y = best;
          while (x !== y) {
            while ((number[x] ?? 0) > (number[y] ?? 0)) x = idom[x] ?? 0;
            while ((number[y] ?? 0) > (number[x] ?? 0)) y = idom[y] ?? 0;
          }
          best = x;
        }
      }
      if (best !== idom[b]) {
        idom[b] = best;
        changed = true;
      }
    }
  }
  return { idom, order };
}

/** Successor lists with critical edges split, the entry without predecessors. */
function randomGraph(r: Random, n: number): number[][] {
  const succs: number[][] = [];
  for (let b = 0; b < n; b++) {
    const kind = b === n - 1 ? 0 : r.below(100);
    const forward = (): number => b + 1 + r.below(Math.min(4, n - 1 - b));
    const anywhere = (): number => (n === 1 ? 0 : 1 + r.below(n - 1));
    const target = (): number => (r.chance(70) ? forward() : anywhere());
    if (kind < 8 || n === 1) succs.push([]);
    else if (kind < 45) succs.push([r.chance(80) ? b + 1 : target()]);
    else if (kind < 92) succs.push([b + 1, target()]);
    else succs.push([b + 1, target(), target()]);
  }
  const predCount = new Array<number>(n).fill(0);
  for (const list of succs) for (const s of list) predCount[s] = (predCount[s] ?? 0) + 1;
  for (let b = 0; b < n; b++) {
    const list = succs[b] ?? [];
    if (list.length < 2) continue;
    list.forEach((s, k) => {
      if ((predCount[s] ?? 0) < 2) return;
      list[k] = succs.push([s]) - 1;
    });
  }
  return succs;
}

/** The reachable blocks, renumbered. */
function inReversePostorder(succs: number[][]): number[][] {
  const { order } = dominators(succs);
  return order.map((b) => (succs[b] ?? []).map((s) => order.indexOf(s)));
}

function loopDepths(succs: number[][], idom: number[], order: number[]): number[] {
  const depth = new Array<number>(succs.length).fill(0);
  const preds: number[][] = succs.map(() => []);
  for (const b of order) for (const s of succs[b] ?? []) preds[s]?.push(b);
  const dominates = (a: number, b: number): boolean => {
    for (let x = b; ; x = idom[x] ?? 0) {
      if (x === a) return true;
      if (x === 0) return false;
    }
  };
  for (const header of order) {
    const body = new Set<number>([header]);
    const work = (preds[header] ?? []).filter((p) => dominates(header, p));
    if (work.length === 0) continue;
    for (let b = work.pop(); b !== undefined; b = work.pop()) {
      if (body.has(b)) continue;
      body.add(b);
      work.push(...(preds[b] ?? []));
    }
    for (const b of body) depth[b] = (depth[b] ?? 0) + 1;
  }
  return depth;
}

/** The random function of these options. */
export function randomFunction(options: RandomOptions): AllocatorInput {
  const r = new Random(options.seed);
  const registers = registersFor(options);
  const graph = randomGraph(r, options.blocks);
  const succs = options.inOrder === true ? inReversePostorder(graph) : graph;
  const { idom, order } = dominators(succs);
  const depth = loopDepths(succs, idom, order);

  // Emission order: natural, split edges last, or shuffled; the entry stays first.
  const layout = succs.map((_, b) => b);
  if (options.inOrder !== true && r.chance(50)) {
    for (let k = layout.length - 1; k > 1; k--) {
      if (r.chance(40)) continue;
      const j = 1 + r.below(k);
      const a = layout[k] ?? 0;
      layout[k] = layout[j] ?? 0;
      layout[j] = a;
    }
  }
  const position = new Array<number>(succs.length).fill(0);
  layout.forEach((b, k) => {
    position[b] = k;
  });

  const builder = new InputBuilder();
  const predCount = new Array<number>(succs.length).fill(0);
  for (const list of succs) for (const s of list) predCount[s] = (predCount[s] ?? 0) + 1;

  const newVreg = (): number => {
    const kind = r.below(100);
    return kind < 75 ? builder.vreg(0, 8) : kind < 90 ? builder.vreg(1, 8) : builder.vreg(1, 16);
  };
  const classOf = (v: number): number => builder.vregClass[v] ?? 0;

  // Parameters first: edges to blocks that come later need them.
  const paramsOf: number[][] = succs.map((_, b) => {
    if (b === 0 || (predCount[b] ?? 0) === 0) return [];
    const preds = succs.filter((list) => list.includes(b));
    // Edges with arguments: into a block with one predecessor, or out of blocks with one successor.
    if ((predCount[b] ?? 0) > 1 && preds.some((list) => list.length > 1)) return [];
    if ((predCount[b] ?? 0) === 1 && r.chance(70)) return [];
    return Array.from({ length: r.below(r.chance(15) ? 12 : 5) }, newVreg);
  });
  for (const b of layout) {
    builder.block(paramsOf[b] ?? [], depth[b] ?? 0);
  }

  /** Values in scope at the end of each block. */
  const scope: number[][] = succs.map(() => []);
  const unreachable = succs.map((_, b) => b).filter((b) => !order.includes(b));
  const intRegs = registers.allocatableInt;
  const floatRegs = registers.allocatableFloat;

  const generate = (b: number, reachable: boolean): void => {
    const at = position[b] ?? 0;
    const values = [...(b !== 0 && reachable ? (scope[idom[b] ?? 0] ?? []) : []), ...(paramsOf[b] ?? [])];
    scope[b] = values;
    const emit = (operands: Operand[], clobberInt = 0, clobberFloat = 0, isMove = false): number => {
      // Defined values come into scope behind the instruction; operand order is free.
      const inst = builder.inst(at, operands, clobberInt, clobberFloat, isMove);
      for (const o of operands) if (o.kind >= OperandKind.def) values.push(o.v);
      return inst;
    };
    const choose = (regClass: number, size = 0): number => {
      const fits = (v: number): boolean => classOf(v) === regClass && (size === 0 || builder.vregSize[v] === size);
      for (let tries = 0; tries < 8 && values.length > 0; tries++) {
        const window = r.chance(options.distance) ? values.length : Math.min(values.length, 6);
        const v = values[values.length - 1 - r.below(window)] ?? 0;
        if (fits(v)) return v;
      }
      const found = values.find(fits);
      if (found !== undefined) return found;
      const v = builder.vreg(regClass, size === 0 ? 8 : size);
      emit([def(v)]);
      return v;
    };
    const sameKind = (v: number): number => builder.vreg(classOf(v), builder.vregSize[v] ?? 8);
    const fixedUses = (operands: Operand[], count: number): number => {
      let used = 0;
      for (let k = 0; k < count; k++) {
        const preg = r.pick(intRegs, 0);
        if ((used >>> preg) & 1) continue;
        used |= 1 << preg;
        operands.push(useFixed(choose(0), preg));
      }
      return used;
    };

    if (b === 0) {
      const operands: Operand[] = [];
      const count = r.below(Math.min(6, intRegs.length));
      for (let k = 0; k < count; k++) operands.push(defFixed(builder.vreg(0, 8), intRegs[k] ?? 0));
      for (let k = 0; k < r.below(3); k++)
        operands.push(defFixed(builder.vreg(1, r.chance(30) ? 16 : 8), floatRegs[k] ?? 32));
      if (r.chance(20)) operands.push(def(builder.vreg(0, 8), Constraint.stack));
      emit(operands);
    }
    const length = r.below(options.length + 1);
    for (let n = 0; n < length; n++) {
      const kind = r.below(100);
      if (kind < options.calls) {
        const operands: Operand[] = [];
        const all = r.chance(10);
        fixedUses(operands, r.below(Math.min(5, intRegs.length - 1)));
        if (r.chance(30)) operands.push(useFixed(choose(1), r.pick(floatRegs, 32)));
        if (r.chance(20)) operands.push(use(choose(0), Constraint.any));
        if (r.chance(10)) operands.push(lateUse(choose(r.below(2)), Constraint.any));
        if (r.chance(10)) operands.push(use(choose(r.below(2)), Constraint.stack));
        if (!all && operands.length < intRegs.length && r.chance(20)) operands.push(use(choose(0)));
        if (r.chance(70)) operands.push(defFixed(builder.vreg(0, 8), intRegs[0] ?? 0));
        if (r.chance(30)) operands.push(defFixed(builder.vreg(1, 8), 32));
        if (r.chance(8)) operands.push(def(builder.vreg(0, 8), Constraint.any));
        // Some clients leave result registers out of the mask, some do not.
        const mask = r.chance(50) ? ~(1 << (intRegs[0] ?? 0)) : -1;
        if (all) emit(operands, 0xffff & mask, 0xffff);
        else emit(operands, registers.callInt & mask, registers.callFloat);
        continue;
      }
      switch (r.below(16)) {
        case 0:
        case 1: {
          const v = r.chance(75) ? builder.vreg(0, 8) : builder.vreg(1, r.chance(50) ? 16 : 8);
          const inst = emit([def(v)]);
          if (r.chance(60)) builder.remat.push({ v, block: at, inst });
          break;
        }
        case 2:
        case 3:
        case 4: {
          const a = choose(r.chance(75) ? 0 : 1);
          const c = choose(classOf(a));
          emit([defTied(sameKind(a), 1), use(a), r.chance(50) ? use(c) : useAny(c)]);
          break;
        }
        case 5: {
          const a = choose(0);
          emit([use(a), useAny(choose(0)), def(builder.vreg(0, 8))]);
          break;
        }
        case 6: {
          // Division: both halves fixed, results in the same registers.
          const divisor = choose(0);
          const low = choose(0);
          const operands = [useFixed(low, 0), r.chance(50) ? use(divisor) : useAny(divisor)];
          if (r.chance(50)) operands.push(useFixed(choose(0), 2));
          operands.push(defFixed(builder.vreg(0, 8), 0));
          let clobber = 0;
          if (r.chance(50)) operands.push(defFixed(builder.vreg(0, 8), 2));
          else clobber = 1 << 2;
          emit(operands, clobber);
          break;
        }
        case 7: {
          const a = choose(0);
          emit([use(a), useFixed(choose(0), 1), defTied(builder.vreg(0, 8), 0)]);
          break;
        }
        case 8: {
          const a = choose(r.below(2));
          emit([def(sameKind(a), r.chance(30) ? Constraint.any : Constraint.reg), useAny(a)], 0, 0, true);
          break;
        }
        case 9: {
          // A temporary.
          emit([earlyDef(builder.vreg(0, 8)), use(choose(0)), def(builder.vreg(0, 8))]);
          break;
        }
        case 10:
          emit([lateUse(choose(0)), use(choose(0)), def(builder.vreg(0, 8))]);
          break;
        case 11:
          if (r.chance(50)) emit([use(choose(r.below(2)), Constraint.stack), def(builder.vreg(0, 8))]);
          else emit([def(r.chance(50) ? builder.vreg(0, 8) : builder.vreg(1, 16), Constraint.stack)]);
          break;
        case 12: {
          // The same value in several fixed registers and in one more.
          const v = choose(0);
          const operands = [useFixed(v, intRegs[0] ?? 0), useFixed(v, intRegs[2] ?? 0)];
          if (r.chance(50)) operands.push(r.chance(50) ? use(v) : useAny(v));
          if (r.chance(50)) operands.push(defFixed(builder.vreg(0, 8), intRegs[2] ?? 0));
          emit(operands);
          break;
        }
        case 13: {
          // Tied, and read once more.
          const v = choose(r.below(2));
          emit([use(v), defTied(sameKind(v), 0), r.chance(50) ? use(v) : useAny(v)]);
          break;
        }
        case 14: {
          // Conversion between the classes; a tie to a fixed use.
          if (r.chance(50)) emit([use(choose(1)), def(builder.vreg(0, 8))]);
          else emit([useFixed(choose(0), 0), defTied(builder.vreg(0, 8), 0), useAny(choose(0))]);
          break;
        }
        default:
          emit([use(choose(0)), use(choose(1)), def(builder.vreg(1, 8)), def(builder.vreg(0, 8))]);
      }
    }
    const edges = succs[b] ?? [];
    if (edges.length === 0) {
      emit(r.chance(70) ? [useFixed(choose(0), intRegs[0] ?? 0)] : []);
      return;
    }
    // Arguments may need new values: before the terminator.
    const argsOf = edges.map((s) =>
      (paramsOf[s] ?? []).map((p) => {
        // A block that passes its own parameters on, often in another order.
        if (s === b || r.chance(30)) {
          const own = (paramsOf[s] ?? []).filter(
            (q) => values.includes(q) && classOf(q) === classOf(p) && builder.vregSize[q] === builder.vregSize[p],
          );
          if (own.length > 0) return r.pick(own, p);
        }
        return choose(classOf(p), builder.vregSize[p] ?? 8);
      }),
    );
    if (edges.length === 1) emit([]);
    else emit([r.chance(60) ? use(choose(0)) : useAny(choose(0))]);
    edges.forEach((s, k) => {
      builder.edge(at, position[s] ?? 0, argsOf[k] ?? []);
    });
  };
  for (const b of order) generate(b, true);
  for (const b of unreachable) generate(b, false);
  return builder.build(registers);
}
