/**
 * Compiled instantiation: the region is reserved and its context filled (`create_region`), then the core instances are instantiated in
 * the plan's order, each as the standard says: globals, tables, active element segments, active data segments, start function. The
 * second part runs under an entry, so that a trap in it is a status.
 */

import { InternalError, WindlassError } from "../base/diagnostics.ts";
import { entity } from "../base/entity.ts";
import { i64ToNumber } from "../base/int64.ts";
import type { Value } from "../ir/function.ts";
import { F32, F64, I32, I64, type Type } from "../ir/types.ts";
import { Op } from "../ir/ops.ts";
import { FUNCREF_SIZE } from "../layout/funcref.ts";
import { CallField, HostStatus } from "../layout/host.ts";
import {
  ContextField,
  HOST_ARENA_MAPPED,
  HOST_HEAP_MAPPED,
  HostHeap,
  HostResource,
  InstanceFlag,
  InstanceLimits,
  InstanceState,
  Lowering,
  MemoryDefinition,
  STACK_SLACK,
  TableDefinition,
} from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { CoreFunc, CoreInstance, CoreInstanceIndex, MemoryIndex, SignatureIndex } from "../plan/component.ts";
import type { ConstExpr, ElementSegment, Module } from "../wasm/module.ts";
import { functionType, NULL_FUNCTION } from "../wasm/module.ts";
import { Opcode } from "../wasm/opcodes.ts";
import { builtinFunction } from "./builtin.ts";
import { emitCheckCoreImports, emitCoreImports } from "./core-entries.ts";
import { emitFirstSerial } from "./host-handles.ts";
import { emitOpenArena } from "./host-memory.ts";
import { emitMap, emitPageAlign, limited, ownMemory } from "./memory.ts";
import { emitCheckHooks, emitGiveBack, emitReadOptions, emitReserve, type Options } from "./options.ts";
import { emitSetState } from "./instance.ts";
import type { Program } from "./program.ts";
import { irType } from "./signatures.ts";
import type { Emitter } from "./structured.ts";
import { INSTANTIATE, SUPPORT } from "./support.ts";
import { type ConstValue, evaluateConst, functionSignature, resolveFunction } from "./wasm/constants.ts";

/** Address of the context's field at `displacement`, which may be far. */
function place(e: Emitter, context: Value, displacement: number): Value {
  return e.offset(context, displacement);
}

/** What typed calls of a host need: the arena, the heap of results, and what host functions get. */
function emitHostMemory(e: Emitter, program: Program, context: Value, asked: Options): void {
  const { offsets } = program;
  const state = offsets.hostHeapState;
  e.store(context, state + HostHeap.arenaEnd, e.offset(context, offsets.hostArena + HOST_ARENA_MAPPED));
  emitOpenArena(e, program, context);
  e.store(context, state + HostHeap.allocate, asked.allocate);
  e.store(context, state + HostHeap.release, asked.release);
  e.store(context, state + HostHeap.data, asked.hookData);
  if (program.api.resourceDrops.length > 0) emitFirstSerial(e, program, context);
  e.store(context, state + HostHeap.top, e.offset(context, offsets.hostHeap));
  e.store(context, state + HostHeap.end, e.offset(context, offsets.hostHeap + HOST_HEAP_MAPPED));
  e.store(context, ContextField.hostCall + CallField.allocate, e.funcAddress(program.hostSupport("call_alloc")));
  e.store(context, ContextField.hostCall + CallField.instance, context);
}

/** `create_region(imports, options, out)`: on success the context's address is at `out`; on failure nothing stays mapped. */
export function buildCreateRegion(e: Emitter, program: Program): void {
  const { component, offsets, api } = program;
  const [imports, options, out] = [e.param(0), e.param(1), e.param(2)];
  const memories = component.memories.values().map(({ type, maxBytes }, i) => {
    const bytes = type.min * 2 ** type.pageSizeLog2;
    return {
      ...{ at: offsets.memory(i), definition: offsets.memoryDefinition(i), bytes, fits: bytes <= maxBytes },
      limited: limited(program, entity<MemoryIndex>(i)),
    };
  });
  const tables = component.tables.values().map(({ type, maxElements }, i) => {
    const bytes = offsets.isMappedTable(i) ? 0 : type.min * FUNCREF_SIZE;
    const definition = offsets.tableDefinition(i);
    return { at: offsets.table(i), definition, elements: type.min, bytes, fits: type.min <= maxElements };
  });
  const refuse = (): void => e.return(e.i32(HostStatus.out_of_memory));
  if (memories.some((m) => !m.fits) || tables.some((t) => !t.fits)) {
    refuse();
    return;
  }

  emitCheckCoreImports(e, program, imports);
  const asked = emitReadOptions(e, options);
  emitCheckHooks(e, asked);
  const take = (limit: Value, amount: number): Value => {
    e.if(e.ult(limit, e.i64(amount)), () => e.return(e.i32(HostStatus.limit_exceeded)));
    return e.offset(limit, -amount);
  };
  const initialBytes = memories.reduce((sum, m) => sum + (m.limited ? m.bytes : 0), 0);
  const memoryLeft = take(asked.memoryLimit, initialBytes);
  const tableLeft = take(
    asked.tableLimit,
    tables.reduce((sum, t) => sum + t.elements, 0),
  );

  const size = e.i64(offsets.regionSize);
  const context = emitReserve(e, asked, size, refuse);
  const writable = (address: Value, bytes: number): Value => emitMap(e, address, emitPageAlign(e, e.i64(bytes)));
  const { handleArea, handleStep } = offsets;
  const handles = { at: handleArea.at, bytes: handleArea.bytes > 0 ? handleStep : 0 };
  const adjoins = handles.at === offsets.eagerSize;
  let failure = writable(context, offsets.eagerSize + (adjoins ? handles.bytes : 0));
  for (const { at, bytes } of [...(adjoins ? [] : [handles]), ...memories, ...tables]) {
    if (bytes > 0) failure = e.or(failure, writable(place(e, context, at), bytes));
  }
  e.if(e.nez(failure), () => {
    emitGiveBack(e, context, size, asked.unmap, asked.hookData);
    refuse();
  });

  emitSetState(e, context, InstanceState.instantiating);
  e.store(context, ContextField.user, asked.user);
  e.store(context, offsets.limits + InstanceLimits.memory, memoryLeft);
  e.store(context, offsets.limits + InstanceLimits.table, tableLeft);
  e.store(context, offsets.limits + InstanceLimits.unmap, asked.unmap);
  e.store(context, offsets.limits + InstanceLimits.hookData, asked.hookData);
  const slack = e.i64(STACK_SLACK);
  const budget = asked.stackBudget;
  e.store(context, ContextField.stackBudget, e.select(e.ugt(budget, slack), e.sub(budget, slack), e.i64(0)));
  for (let i = 0; i < component.componentInstances.size; i++) {
    e.store(context, offsets.instanceFlags(i), e.i32(InstanceFlag.mayLeave));
  }
  for (const { at, definition, bytes } of memories) {
    e.store(context, definition + MemoryDefinition.base, place(e, context, at));
    e.store(context, definition + MemoryDefinition.currentLength, e.i64(bytes));
  }
  for (const { definition, elements } of tables) {
    e.store(context, definition + TableDefinition.currentLength, e.i64(elements));
  }
  if (program.core !== undefined && program.core.importsSize > 0) {
    e.if(e.nez(imports), () => emitCoreImports(e, program, context, imports));
  }
  if (api.importsSize > 0) {
    e.if(e.nez(imports), () => {
      for (const { offset, dataOffset, lowerings } of api.imports) {
        for (const lowering of lowerings) {
          const to = offsets.lowering(lowering);
          e.store(context, to + Lowering.callee, e.load64(imports, offset));
          e.store(context, to + Lowering.data, e.load64(imports, dataOffset));
        }
      }
      for (const { offset, dataOffset, hostIndex } of api.hostResources) {
        const to = offsets.hostResource(hostIndex);
        e.store(context, to + HostResource.destructor, e.load64(imports, offset));
        e.store(context, to + HostResource.data, e.load64(imports, dataOffset));
      }
    });
  }
  if (program.isTyped) emitHostMemory(e, program, context, asked);
  e.store(out, 0, context);
  e.return(e.i32(0));
}

/** `instantiate(context)`. */
export function buildInstantiate(e: Emitter, program: Program): void {
  for (const { instance } of program.component.initializers) {
    e.call(program.functions.symbolOf({ kind: "instantiate-core", instance }), INSTANTIATE, [e.param(0)]);
  }
  e.return();
}

/** Instantiation of one core instance. */
class CoreInstantiation {
  readonly e: Emitter;
  readonly program: Program;
  readonly index: CoreInstanceIndex;
  readonly instance: CoreInstance;
  readonly module: Module;
  readonly context: Value;

  constructor(e: Emitter, program: Program, index: CoreInstanceIndex) {
    this.e = e;
    this.program = program;
    this.index = index;
    this.instance = program.component.instances.get(index);
    this.module = program.component.modules.get(this.instance.module).module;
    this.context = e.param(0);
  }

  build(): void {
    const { e, module, program } = this;
    this.#globals();
    this.#tables();
    this.#passiveSegments();
    for (const [i, segment] of module.elements.entries()) this.#activeElements(segment, i);
    this.#activeData();
    if (module.startFunction !== undefined) {
      const start = resolveFunction(program.component, this.index, module.startFunction);
      const signature = program.signature(functionType(module, module.startFunction));
      if (start.kind === "intrinsic") throw new InternalError("frontend", "an intrinsic is a start function");
      e.call(program.functionSymbol(start), signature, [this.context]);
    }
    if (this.index === program.component.builtin) this.#builtin();
    e.return();
  }

  /** Settings, then `runtime_init`: before any code of the guest, whose instances come later in the plan. */
  #builtin(): void {
    const { e, context, program } = this;
    const { configuration } = program;
    if (configuration !== undefined) {
      const at = ownMemory(program).memory + configuration.address;
      e.copy(e.offset(context, at), e.dataAddress(configuration.symbol), e.i64(configuration.size));
    }
    const init = builtinFunction(program.component, "runtime_init");
    if (init !== undefined) e.call(program.functionSymbol(init), INSTANTIATE, [context]);
  }

  #index<T>(list: readonly T[], index: number, what: string): T {
    const item = list[index];
    if (item === undefined) throw new InternalError("frontend", `${what} ${index} does not exist`);
    return item;
  }

  #known(expr: ConstExpr): ConstValue | undefined {
    return evaluateConst(this.program.component, this.index, expr, this.program.facts.globals);
  }

  /** A reference to a function as a value: the code's offset, the signature's number. */
  #funcref(func: CoreFunc, signature: SignatureIndex): Value {
    const { e } = this;
    const code = e.sub(e.funcAddress(this.program.functionSymbol(func)), e.textBase());
    return e.or(code, e.builder.iconst64(0, signature + 1));
  }

  #constant(value: ConstValue, type: Type): Value {
    const { builder } = this.e;
    if (value.kind === "null") return builder.iconst64(0, 0);
    if (value.kind === "func") return this.#funcref(value.func, value.signature);
    if (type === I32) return builder.iconst32(value.lo);
    if (type === F32) return builder.f32const(value.lo);
    if (type === F64) return builder.f64const(value.lo, value.hi);
    return builder.iconst64(value.lo, value.hi);
  }

  /** The value of a constant expression: known now, or computed from globals. */
  #evaluate(expr: ConstExpr, type: Type): Value {
    const known = this.#known(expr);
    if (known !== undefined) return this.#constant(known, type);
    const { e, module } = this;
    const stack: Value[] = [];
    const pop = (): Value => {
      const value = stack.pop();
      if (value === undefined) throw new InternalError("frontend", "a constant expression lacks an operand");
      return value;
    };
    const binary = (op: number, t: Type): void => {
      const b = pop();
      const a = pop();
      stack.push(e.builder.binary(op, t, a, b));
    };
    for (const operator of expr.operators) {
      const { lo, hi, lo2, hi2, index } = operator;
      switch (operator.op) {
        case Opcode.i32_const:
          stack.push(e.builder.iconst32(lo));
          break;
        case Opcode.i64_const:
          stack.push(e.builder.iconst64(lo, hi));
          break;
        case Opcode.f32_const:
          stack.push(e.builder.f32const(lo));
          break;
        case Opcode.f64_const:
          stack.push(e.builder.f64const(lo, hi));
          break;
        case Opcode.v128_const:
          stack.push(e.builder.v128const(new Uint8Array(Int32Array.of(lo, hi, lo2, hi2).buffer)));
          break;
        case Opcode.ref_null:
          stack.push(e.i64(0));
          break;
        case Opcode.ref_func: {
          const { component } = this.program;
          const func = resolveFunction(component, this.index, index);
          stack.push(this.#funcref(func, functionSignature(component, this.index, index)));
          break;
        }
        case Opcode.global_get: {
          const t = irType(this.#index(module.globals, index, "global").type.type);
          stack.push(
            e.load(t, this.context, this.program.offsets.global(this.#index(this.instance.globals, index, "global"))),
          );
          break;
        }
        case Opcode.i32_add:
          binary(Op.iadd, I32);
          break;
        case Opcode.i32_sub:
          binary(Op.isub, I32);
          break;
        case Opcode.i32_mul:
          binary(Op.imul, I32);
          break;
        case Opcode.i64_add:
          binary(Op.iadd, I64);
          break;
        case Opcode.i64_sub:
          binary(Op.isub, I64);
          break;
        case Opcode.i64_mul:
          binary(Op.imul, I64);
          break;
        default:
          throw new WindlassError({
            kind: "unsupported",
            offset: operator.offset,
            message: `operator 0x${operator.op.toString(16)} in a constant expression`,
          });
      }
    }
    return pop();
  }

  #globals(): void {
    const { e, module } = this;
    for (let i = module.importedGlobals; i < module.globals.length; i++) {
      const global = this.#index(module.globals, i, "global");
      if (global.init === undefined) continue;
      const known = this.#known(global.init);
      // The context is zero.
      if (known?.kind === "null" || (known?.kind === "number" && known.lo === 0 && known.hi === 0)) continue;
      const at = this.program.offsets.global(this.#index(this.instance.globals, i, "global"));
      e.store(this.context, at, this.#evaluate(global.init, irType(global.type.type)));
    }
  }

  #tables(): void {
    const { e, module, program } = this;
    for (let i = module.importedTables; i < module.tables.length; i++) {
      const table = this.#index(module.tables, i, "table");
      if (table.init === undefined || this.#known(table.init)?.kind === "null" || table.type.min === 0) continue;
      const at = place(e, this.context, program.offsets.table(this.#index(this.instance.tables, i, "table")));
      const value = this.#evaluate(table.init, I64);
      e.call(program.support("table_fill"), SUPPORT.table_fill, [this.context, at, value, e.i64(table.type.min)]);
    }
  }

  #passiveSegments(): void {
    const { e, module, program } = this;
    module.data.forEach((segment, i) => {
      const length = program.passiveSegment(this.index, "data", i);
      if (length !== undefined) e.store(this.context, length, e.i32(segment.end - segment.start));
    });
    module.elements.forEach((segment, i) => {
      const length = program.passiveSegment(this.index, "element", i);
      if (length === undefined) return;
      const { items } = segment;
      const image = program.elementImage(this.index, i);
      if (items.kind === "expressions" && image?.kind === "area") {
        items.expressions.forEach((expr, k) => {
          e.store(this.context, image.displacement + FUNCREF_SIZE * k, this.#evaluate(expr, I64));
        });
      }
      e.store(this.context, length, e.i32(elementCount(segment)));
    });
  }

  /**
   * The address in a table or memory where an active segment of `count` units goes, checked unless it is known to fit.
   * `shift`: log2 of a unit's size.
   */
  #destination(
    offset: ConstExpr,
    is64: boolean,
    min: number,
    count: number,
    start: number,
    shift: number,
    lengthAt: number,
    trap: number,
  ): Value {
    const { e, context } = this;
    const known = this.#known(offset);
    const base = place(e, context, start);
    if (known?.kind === "number") {
      const at = is64 ? i64ToNumber(known.lo, known.hi >>> 0) : known.lo >>> 0;
      if (at + count <= min) return e.offset(base, at * 2 ** shift);
    }
    const value = this.#evaluate(offset, is64 ? I64 : I32);
    const at = is64 ? value : e.zext(value);
    const length = e.load64(context, lengthAt);
    e.trapIf(e.ugt(at, length), trap);
    e.trapIf(e.ult(e.sub(length, at), e.i64(count)), trap);
    return e.add(base, e.shl(at, shift));
  }

  #activeElements(segment: ElementSegment, index: number): void {
    const { e, program } = this;
    if (segment.mode.kind !== "active") return;
    const table = this.#index(this.instance.tables, segment.mode.index, "table");
    const { type } = program.component.tables.get(table);
    const count = elementCount(segment);
    const lengthAt = program.offsets.tableDefinition(table) + TableDefinition.currentLength;
    const at = this.#destination(
      segment.mode.offset,
      type.is64,
      type.min,
      count,
      program.offsets.table(table),
      Math.log2(FUNCREF_SIZE),
      lengthAt,
      Trap.table_out_of_bounds,
    );
    if (count === 0) return;
    const { items } = segment;
    if (items.kind === "expressions") {
      items.expressions.forEach((expr, k) => {
        e.store(at, FUNCREF_SIZE * k, this.#evaluate(expr, I64));
      });
      return;
    }
    const image = program.elementImage(this.index, index);
    if (image?.kind !== "image") throw new InternalError("frontend", `element segment ${index} has no image`);
    if (items.functions.every((f) => f === NULL_FUNCTION)) {
      e.call(program.support("table_fill"), SUPPORT.table_fill, [this.context, at, e.i64(0), e.i64(count)]);
    } else e.copy(at, e.dataAddress(image.symbol), e.i64(FUNCREF_SIZE * count));
  }

  #activeData(): void {
    const { e, module, program } = this;
    module.data.forEach((segment, i) => {
      if (segment.mode.kind !== "active") return;
      const memory = this.#index(this.instance.memories, segment.mode.index, "memory");
      const { type } = program.component.memories.get(memory);
      const min = type.min * 2 ** type.pageSizeLog2;
      const length = segment.end - segment.start;
      const lengthAt = program.offsets.memoryDefinition(memory) + MemoryDefinition.currentLength;
      const at = this.#destination(
        segment.mode.offset,
        type.is64,
        min,
        length,
        program.offsets.memory(memory),
        0,
        lengthAt,
        Trap.memory_out_of_bounds,
      );
      const image = program.dataImage(this.index, i);
      if (length > 0 && image !== undefined) e.copy(at, e.dataAddress(image), e.i64(length));
    });
  }
}

function elementCount(segment: ElementSegment): number {
  return segment.items.kind === "functions" ? segment.items.functions.length : segment.items.expressions.length;
}

/** `instantiate-core` of one instance. */
export function buildInstantiateCore(e: Emitter, program: Program, instance: CoreInstanceIndex): void {
  new CoreInstantiation(e, program, instance).build();
}
