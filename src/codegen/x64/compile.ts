/**
 * The x64 back end on one page: select, allocate registers, lay out the frame, encode.
 *
 * Receives a verified `ir.Func`; gives its `CompiledFunction`. Baseline is x86-64-v2 (SSE4.2, popcnt); `features` allows more.
 */

import { entity } from "../../base/entity.ts";
import type { Func, Inst as IrInst, Value } from "../../ir/function.ts";
import type { CompiledFunction } from "../compiled.ts";
import { Lowering, type RootSelector } from "../lowering.ts";
import type { RegisterFile } from "../machine.ts";
import { allocate } from "../regalloc/allocate.ts";
import type { CodegenHooks, Target } from "../target.ts";
import { Assembler } from "./assembler.ts";
import { Emitter } from "./emit.ts";
import { Frame } from "./frame.ts";
import { Pseudo } from "./mops.ts";
import {
  ALLOCATABLE_FLOAT,
  ALLOCATABLE_INT,
  CALLEE_SAVED_FLOAT,
  CALLEE_SAVED_INT,
  SCRATCH_FLOAT,
  SCRATCH_INT,
} from "./registers.ts";
import { COMPARE_RULES, Conditions, conditionReaders } from "./rules-compare.ts";
import { CallSelection, controlRules } from "./rules-control.ts";
import { FLOAT_RULES } from "./rules-float.ts";
import { INTEGER_RULES } from "./rules-integer.ts";
import { MEMORY_RULES } from "./rules-memory.ts";
import { RuleSet } from "./rules.ts";
import { type Features, Selector } from "./selector.ts";

export const BASELINE: Features = { lzcnt: false, bmi1: false };

const REGISTERS: RegisterFile = {
  allocatableInt: ALLOCATABLE_INT,
  allocatableFloat: ALLOCATABLE_FLOAT,
  scratchInt: SCRATCH_INT,
  scratchFloat: SCRATCH_FLOAT,
  calleeSavedInt: CALLEE_SAVED_INT,
  calleeSavedFloat: CALLEE_SAVED_FLOAT,
};

/** More rules than any table has: the counters exist before the tables do. */
const RULE_LIMIT = 1024;

export interface X64Options extends CodegenHooks {
  readonly features?: Features;
}

export class X64Target implements Target {
  readonly name = "x86_64";
  /** How often each rule fired, by the number of its name in `ruleNames`. */
  readonly ruleCounts: Uint32Array;
  readonly ruleNames: readonly string[];
  readonly #options: X64Options;
  readonly #asm = new Assembler();
  readonly #calls: CallSelection;
  readonly #rules: RuleSet;

  constructor(options: X64Options = {}) {
    this.#options = options;
    const compareRules = new RuleSet(0, [COMPARE_RULES]);
    const counted = compareRules.names.length;
    // Two sets share one row of counters; conditions are applied from within rules of the second set.
    const names = [...compareRules.names.map((n) => `condition ${n}`)];
    const counts = new Uint32Array(counted + RULE_LIMIT);
    const conditions = new Conditions(compareRules, counts);
    this.#calls = new CallSelection(conditions);
    this.#rules = new RuleSet(counted, [
      INTEGER_RULES,
      FLOAT_RULES,
      MEMORY_RULES,
      conditionReaders(conditions),
      controlRules(this.#calls),
    ]);
    this.ruleNames = [...names, ...this.#rules.names];
    this.ruleCounts = counts;
  }

  compileFunction(func: Func): CompiledFunction {
    const asm = this.#asm;
    asm.reset();
    const calls = this.#calls;
    calls.reset();
    const lowering = new Lowering(func, REGISTERS);
    const selector = new Selector(lowering, asm, this.#options.features ?? BASELINE);
    lowering.run(this.#rootSelector(selector, lowering));

    const { machine } = lowering;
    const output = allocate(machine);
    this.#options.allocated?.(machine, output, func);

    const layout = calls.layouts.of(func.signature);
    const frame = new Frame(func, output, {
      incomingBytes: layout.stackBytes,
      poppedBytes: layout.popped,
      outgoingBytes: calls.outgoingBytes,
      tailBytes: calls.tailBytes,
      calls: calls.calls,
    });
    new Emitter(func, lowering.graph, machine, output, frame, asm).emit();
    return asm.finish(frame.size);
  }

  #rootSelector(s: Selector, lowering: Lowering): RootSelector {
    const rules = this.#rules;
    const counts = this.ruleCounts;
    const calls = this.#calls;
    const { graph } = lowering;
    return {
      terminator(inst: IrInst, b: number): void {
        s.start(inst);
        s.edges = (graph.succStart[b + 1] ?? 0) - (graph.succStart[b] ?? 0);
        rules.apply(s, counts);
      },
      root(inst: IrInst): void {
        s.start(inst);
        rules.apply(s, counts);
      },
      edge(): void {
        s.loc = 0;
        s.begin(Pseudo.jump, 0);
      },
      parameters(params: readonly Value[]): void {
        calls.parameters(
          s,
          params.map((p) => entity<Value>(p)),
        );
      },
    };
  }
}

/** Compiles one function with a fresh target: for tests and small tools. */
export function compileFunction(func: Func, options: X64Options = {}): CompiledFunction {
  return new X64Target(options).compileFunction(func);
}
