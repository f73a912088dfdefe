/**
 * The x64 back end on one page: select, allocate registers, lay out the frame, encode.
 *
 * Receives a verified `ir.Func`; gives its `CompiledFunction`. Baseline is x86-64-v2 (SSE4.2, popcnt); `features` allows more.
 */

import type { Func, Inst as IrInst, Value } from "../../ir/function.ts";
import type { I32Column } from "../../base/columns.ts";
import { type CompiledFunction, type InlinedPlaces, NOTHING_INLINED } from "../compiled.ts";
import { Lowering, type RootSelector } from "../lowering.ts";
import type { RegisterFile } from "../regalloc/interface.ts";
import { Allocator } from "../regalloc/allocate.ts";
import { QuickAllocator } from "../regalloc/quick.ts";
import type { CodegenHooks, Target } from "../target.ts";
import { CallNeeds, SignatureLayouts } from "./abi.ts";
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
import { ATOMIC_RULES } from "./rules-atomic.ts";
import { COMPARE_SET, CONDITION_RULES } from "./rules-compare.ts";
import { CONTROL_RULES, parameters } from "./rules-control.ts";
import { FLOAT_RULES } from "./rules-float.ts";
import { INTEGER_RULES } from "./rules-integer.ts";
import { MEMORY_RULES } from "./rules-memory.ts";
import { VECTOR_RULES } from "./rules-vector.ts";
import { VECTOR_CONVERT_RULES } from "./rules-vector-convert.ts";
import { VECTOR_LANE_RULES } from "./rules-vector-lanes.ts";
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
/** Of a function whose caller expects no register to survive. */
const ENTERED_REGISTERS: RegisterFile = { ...REGISTERS, calleeSavedInt: 0, calleeSavedFloat: 0 };

const ROOT_SET = new RuleSet(COMPARE_SET.names.length, [
  VECTOR_RULES,
  VECTOR_CONVERT_RULES,
  VECTOR_LANE_RULES,
  INTEGER_RULES,
  FLOAT_RULES,
  MEMORY_RULES,
  ATOMIC_RULES,
  CONDITION_RULES,
  CONTROL_RULES,
]);

/** Names of all selection rules, in the order of `X64Target.ruleCounts`. */
export const RULE_NAMES: readonly string[] = [
  ...COMPARE_SET.names.map((name) => `condition ${name}`),
  ...ROOT_SET.names.map((name) => `root ${name}`),
];

export interface X64Options extends CodegenHooks {
  readonly features?: Features;
  /** Compile time matters more than the code. */
  readonly quick?: boolean;
}

export class X64Target implements Target {
  readonly name = "x86_64";
  /** How often each rule of `RULE_NAMES` fired. */
  readonly ruleCounts = new Uint32Array(RULE_NAMES.length);
  readonly #options: X64Options;
  readonly #asm = new Assembler();
  readonly #allocator: Allocator | QuickAllocator;
  readonly #layouts = new SignatureLayouts();

  constructor(options: X64Options = {}) {
    this.#options = options;
    this.#allocator = options.quick === true ? new QuickAllocator() : new Allocator();
  }

  compileFunction(func: Func): CompiledFunction {
    const asm = this.#asm;
    asm.reset();
    const calls = new CallNeeds(this.#layouts);
    const lowering = new Lowering(
      func,
      func.attributes.entered === true ? ENTERED_REGISTERS : REGISTERS,
      this.#options.quick,
    );
    const selector = new Selector(lowering, asm, this.#options.features ?? BASELINE, calls, this.ruleCounts);
    lowering.run(rootSelector(selector, lowering));

    const { machine } = lowering;
    const output = this.#allocator.allocate(machine);
    this.#options.allocated?.(machine, output, func, lowering.graph);

    const layout = this.#layouts.of(func.signature);
    const frame = new Frame(func, output, {
      incomingBytes: layout.stackBytes,
      poppedBytes: layout.popped,
      outgoingBytes: calls.outgoingBytes,
      tailBytes: calls.tailBytes,
      calls: calls.calls,
    });
    new Emitter(func, lowering.graph, machine, output, frame, asm).emit();
    return asm.finish(frame.size, 16, inlinedPlaces(func));
  }
}

function inlinedPlaces(func: Func): InlinedPlaces {
  if (func.inlinedFunction.length === 0) return NOTHING_INLINED;
  const words = (column: I32Column): Uint32Array => new Uint32Array(column.view());
  return {
    inlinedFunction: words(func.inlinedFunction),
    inlinedLoc: words(func.inlinedLoc),
    inlinedCall: words(func.inlinedCall),
  };
}

function rootSelector(s: Selector, { graph }: Lowering): RootSelector {
  return {
    terminator(inst: IrInst, b: number): void {
      s.start(inst);
      s.edges = (graph.succStart[b + 1] ?? 0) - (graph.succStart[b] ?? 0);
      ROOT_SET.apply(s, s.fired);
    },
    root(inst: IrInst): void {
      s.start(inst);
      ROOT_SET.apply(s, s.fired);
    },
    edge(): void {
      s.loc = 0;
      s.begin(Pseudo.jump, 0);
    },
    parameters(params: readonly Value[]): void {
      parameters(s, params);
    },
  };
}

/** Compiles one function with a fresh target: for tests and small tools. */
export function compileFunction(func: Func, options: X64Options = {}): CompiledFunction {
  return new X64Target(options).compileFunction(func);
}
