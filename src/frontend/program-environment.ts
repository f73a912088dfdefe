/** `FunctionEnvironment` of one core instance: what the translation of wasm bodies asks, answered from the program. */

import { InternalError } from "../base/diagnostics.ts";
import type { FuncBuilder } from "../ir/builder.ts";
import type { DataSymbol, FuncSymbol, Value } from "../ir/function.ts";
import type { Signature } from "../ir/types.ts";
import type { VMComponentOffsets } from "../layout/offsets.ts";
import type { Component, CoreFunc, CoreInstanceIndex, MemoryIndex, TableIndex } from "../plan/component.ts";
import type { FuncType } from "../wasm/types.ts";
import type { FunctionEnvironment, SegmentImage, SupportFunction } from "./environment.ts";
import type { ExceptionLayout } from "./exception-layout.ts";
import { expandIntrinsic } from "./intrinsics.ts";
import type { Program } from "./program.ts";
import type { ComponentFacts } from "./wasm/facts.ts";

export class ProgramEnvironment implements FunctionEnvironment {
  readonly program: Program;
  readonly component: Component;
  readonly offsets: VMComponentOffsets;
  readonly instance: CoreInstanceIndex;
  readonly facts: ComponentFacts;
  readonly interruptible: boolean;
  readonly exceptions: ExceptionLayout | undefined;

  constructor(program: Program, instance: CoreInstanceIndex) {
    this.program = program;
    this.component = program.component;
    this.offsets = program.offsets;
    this.instance = instance;
    this.facts = program.facts;
    // The built-in WASI is not the guest: what it has begun it finishes.
    this.interruptible = program.interruptible && instance !== program.component.builtin;
    this.exceptions = program.exceptions?.layout;
  }

  functionSymbol(func: CoreFunc): FuncSymbol {
    return this.program.functionSymbol(func);
  }
  signature(type: FuncType): Signature {
    return this.program.signature(type);
  }
  dataSegment(segment: number): DataSymbol {
    const symbol = this.program.dataImage(this.instance, segment);
    if (symbol === undefined) throw new InternalError("frontend", `data segment ${segment} has no image`);
    return symbol;
  }
  elementSegment(segment: number): SegmentImage {
    const image = this.program.elementImage(this.instance, segment);
    if (image === undefined) throw new InternalError("frontend", `element segment ${segment} has no image`);
    return image;
  }
  segmentLength(kind: "data" | "element", segment: number): number {
    const at = this.program.passiveSegment(this.instance, kind, segment);
    if (at === undefined) throw new InternalError("frontend", `${kind} segment ${segment} is not passive`);
    return at;
  }
  support(name: SupportFunction): FuncSymbol {
    return this.program.support(name);
  }
  memoryGrow(memory: MemoryIndex): FuncSymbol {
    return this.program.functions.symbolOf({ kind: "memory-grow", memory });
  }
  tableGrow(table: TableIndex): FuncSymbol {
    return this.program.functions.symbolOf({ kind: "table-grow", table });
  }
  expandIntrinsic(builder: FuncBuilder, name: string, args: readonly Value[]): readonly Value[] {
    return expandIntrinsic(this.program, builder, name, args);
  }
}
