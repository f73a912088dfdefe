/**
 * Adapters: a call from one component instance into another as one function, `canon_lower` and `canon_lift` of the Canonical ABI fused. Values
 * go straight from where the caller has them to where the callee wants them.
 *
 * In this order: the caller may leave; parameters are lifted and lowered (while `realloc` runs its instance may not leave); the call; no
 * borrowed handle is left; results; `post-return`; what was lent is the caller's again. That the callee may be entered was decided when the
 * plan was made (`plan/instances.ts`).
 */

import { emitCheckAligned, emitCheckInside, emitRealloc } from "../abi/checks.ts";
import type { LiftContext, LowerContext } from "../abi/context.ts";
import { StringTransfer } from "../abi/strings.ts";
import { emitTranscoder, type TranscoderName, TRANSCODERS } from "../abi/transcode.ts";
import { Transfer } from "../abi/transfer.ts";
import { FlatDestination, FlatSource, MemoryDestination, MemorySource } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType } from "../component/types.ts";
import type { Func, Value } from "../ir/function.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { InstanceFlag } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { CanonicalOptions } from "../plan/component.ts";
import type { Adapter, Direction } from "./adapters.ts";
import { definedBy, emitReturnLent, GuestLift, GuestLower } from "./adapters-context.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import type { Program } from "./program.ts";
import { Emitter, type Variable } from "./structured.ts";
import { emitEndTask } from "./tasks.ts";
import { emitCheckMayLeave } from "./trampolines.ts";

const ATTRIBUTES = { stackCheck: true, entry: false } as const;

/** (context, pointer, length) → pointer, length: guest pointers and lengths, zero-extended. */
export const STRING_SIGNATURE: Signature = { params: [I64, I64, I64], results: [I64, I64], convention: "wasm" };
/** (context, native address of the source, of the destination). */
export const VALUE_SIGNATURE: Signature = { params: [I64, I64, I64], results: [], convention: "wasm" };

export function transcoderSignature(name: TranscoderName): Signature {
  const { params, results } = TRANSCODERS[name];
  return {
    params: [I64, ...new Array<typeof I64>(params).fill(I64)],
    results: results.map((type) => (type === "i64" ? I64 : I32)),
    convention: "wasm",
  };
}

function transferOf(e: Emitter, program: Program, direction: Direction): Transfer<Value, Variable> {
  const abi = new IrAbiEmitter(e);
  const lift: LiftContext<Value> = new GuestLift(e, program, direction);
  const lower: LowerContext<Value> = new GuestLower(e, program, direction);
  const context = e.param(0);
  return new Transfer(abi, program.adapters.facts, lift, lower, {
    string: ([pointer, length]) => {
      const callee = program.adapterString(program.adapters.stringFunction(direction));
      const [newPointer, newLength] = e.call(callee, STRING_SIGNATURE, [context, pointer, length]);
      if (newPointer === undefined || newLength === undefined) throw new InternalError("frontend", "no string");
      return [newPointer, newLength];
    },
    value: (type, from, to) => {
      const callee = program.adapterValue(program.adapters.valueFunction(type, direction, true));
      e.call(callee, VALUE_SIGNATURE, [context, from, to]);
    },
    flatValue: (type, values) => {
      const index = program.adapters.valueFunction(type, direction, false);
      const signature = program.signature(program.adapters.flatType({ type, direction }));
      return e.call(program.adapterFlatValue(index), signature, [context, ...values]);
    },
  });
}

/** Strings of one pair of options. */
export function buildAdapterString(program: Program, index: number, name: string): Func {
  const row = program.adapters.strings[index];
  if (row === undefined) throw new RangeError(`no function of strings ${index}`);
  const e = Emitter.start(name, STRING_SIGNATURE, ATTRIBUTES);
  const context = e.param(0);
  const strings = new StringTransfer(
    new IrAbiEmitter(e),
    new GuestLift(e, program, row.direction),
    new GuestLower(e, program, row.direction),
    (transcoder, args) => e.call(program.transcoder(transcoder), transcoderSignature(transcoder), [context, ...args]),
  );
  e.return(...strings.transfer([e.param(1), e.param(2)]));
  return e.finish();
}

/** Values of one large type, from memory to memory. */
export function buildAdapterValue(program: Program, index: number, name: string): Func {
  const row = program.adapters.values[index];
  if (row === undefined) throw new RangeError(`no function of values ${index}`);
  const e = Emitter.start(name, VALUE_SIGNATURE, ATTRIBUTES);
  const transfer = transferOf(e, program, row.direction);
  transfer.inline(
    row.type,
    new MemorySource(transfer.e, transfer.lift.memory, e.param(1), 0),
    new MemoryDestination(transfer.e, transfer.lower.memory, e.param(2), 0),
  );
  e.return();
  return e.finish();
}

/** Values of one large type, flat. */
export function buildAdapterFlatValue(program: Program, index: number, name: string): Func {
  const row = program.adapters.flatValues[index];
  if (row === undefined) throw new RangeError(`no function of flat values ${index}`);
  const type = program.adapters.flatType(row);
  const e = Emitter.start(name, program.signature(type), ATTRIBUTES);
  const transfer = transferOf(e, program, row.direction);
  const into = FlatDestination.into(transfer.e, program.adapters.flattening, type.results);
  transfer.inline(row.type, new FlatSource(transfer.e, program.adapters.flattening, e.params, 1), into.destination);
  e.return(...into.values());
  return e.finish();
}

export function buildTranscoder(name: TranscoderName, symbolName: string): Func {
  const e = Emitter.start(symbolName, transcoderSignature(name), { stackCheck: false, entry: false });
  const abi = new IrAbiEmitter(e);
  const [a, b] = [e.param(1), e.param(2)];
  e.return(...emitTranscoder(abi, name, TRANSCODERS[name].params === 3 ? [a, b, e.param(3)] : [a, b]));
  return e.finish();
}

/** Runs `body` while an instance may not leave. */
function withoutLeaving<T>(e: Emitter, program: Program, options: CanonicalOptions, body: () => T): T {
  const at = program.offsets.instanceFlags(options.instance);
  const flags = e.load32(e.param(0), at);
  e.store(e.param(0), at, e.andImm(flags, ~InstanceFlag.mayLeave));
  const result = body();
  e.store(e.param(0), at, flags);
  return result;
}

class AdapterBuilder {
  readonly e: Emitter;
  readonly program: Program;
  readonly adapter: Adapter;
  readonly params: readonly InterfaceType[];
  readonly result: readonly InterfaceType[];
  readonly paramsInMemory: boolean;
  readonly resultInMemory: boolean;

  constructor(program: Program, adapter: Adapter, name: string) {
    const type = program.component.types.func(adapter.callee.type);
    this.program = program;
    this.adapter = adapter;
    this.params = type.params.map((p) => p.type);
    this.result = type.result === undefined ? [] : [type.result];
    const { paramsInMemory, resultInMemory } = program.adapters.flattening.flattenFuncType(type, "lower");
    this.paramsInMemory = paramsInMemory;
    this.resultInMemory = resultInMemory;
    // One that passes a few core values on has a frame as small as a trampoline's.
    const isSmall = !paramsInMemory && !resultInMemory && !this.#hasPointers([...this.params, ...this.result]);
    this.e = Emitter.start(
      name,
      program.signature(adapter.signature),
      isSmall ? { ...ATTRIBUTES, stackCheck: false } : ATTRIBUTES,
    );
  }

  build(): Func {
    const { e, program, adapter } = this;
    const { callee, options } = adapter;
    const { facts } = program.adapters;
    const { paramsInMemory, resultInMemory } = this;
    const context = e.param(0);
    emitCheckMayLeave(e, program, context, options.instance);

    const direction = program.adapters.parameters(adapter);
    const allocates = paramsInMemory || this.#hasPointers(this.params);
    const lowerParams = (): readonly Value[] => this.#params(direction, paramsInMemory);
    const args = allocates ? withoutLeaving(e, program, callee.options, lowerParams) : lowerParams();
    const results = e.call(program.functionSymbol(callee.core), program.signature(callee.signature), [
      context,
      ...args,
    ]);
    const borrowed = [...facts.resources(this.params, "borrow")];
    if (borrowed.some((resource) => !definedBy(program, resource, callee.options))) {
      e.trapIf(e.load32(context, program.offsets.instanceBorrows(callee.options.instance)), Trap.borrows_remain);
    }

    const lowerResult = (): readonly Value[] => this.#result(results, resultInMemory);
    const flat = this.#hasPointers(this.result) ? withoutLeaving(e, program, options, lowerResult) : lowerResult();
    const { postReturn } = callee.options;
    if (postReturn !== undefined) {
      const signature = program.signature({ kind: "func", params: callee.signature.results, results: [] });
      withoutLeaving(e, program, callee.options, () =>
        e.call(program.functionSymbol(postReturn), signature, [context, ...results]),
      );
    }
    emitEndTask(e, program, context, callee.options.instance);
    if (direction.lends) emitReturnLent(e, program, options);
    e.return(...flat);
    return e.finish();
  }

  #hasPointers(types: readonly InterfaceType[]): boolean {
    return types.some((t) => this.program.adapters.flattening.containsPointer(t));
  }

  /** `lift_flat_values` of the caller's parameters and `lower_flat_values` of the callee's. */
  #params(direction: Direction, inMemory: boolean): readonly Value[] {
    const { e, params } = this;
    const transfer = transferOf(e, this.program, direction);
    const { flattening, sizes } = this.program.adapters;
    if (!inMemory) {
      const source = new FlatSource(transfer.e, flattening, e.params, 1);
      const into = FlatDestination.into(transfer.e, flattening, flattening.flattenTypes(params));
      transfer.fields(params, source, into.destination);
      return into.values();
    }
    const { size, alignment } = sizes.record(params);
    const from = this.#checked(transfer.lift, e.zext(e.param(1)));
    const zero = e.i64(0);
    const pointer = emitRealloc(transfer.e, transfer.lower, zero, zero, alignment, e.i64(size), "memory_out_of_bounds");
    transfer.fields(
      params,
      new MemorySource(transfer.e, transfer.lift.memory, from, 0),
      new MemoryDestination(transfer.e, transfer.lower.memory, transfer.lower.memory.address(pointer), 0),
    );
    return [e.wrap(pointer)];
  }

  /** The native address of a record of the parameters (or of the result) at a guest pointer, checked. */
  #checked(cx: LiftContext<Value> | LowerContext<Value>, pointer: Value, types = this.params): Value {
    const abi = new IrAbiEmitter(this.e);
    const { size, alignment } = cx.memory.sizes.record(types);
    emitCheckAligned(abi, pointer, alignment);
    emitCheckInside(abi, cx.memory, pointer, this.e.i64(size), "memory_out_of_bounds");
    return cx.memory.address(pointer);
  }

  /** The same of the result. */
  #result(results: readonly Value[], inMemory: boolean): readonly Value[] {
    const { e, result } = this;
    if (result.length === 0) return [];
    const transfer = transferOf(e, this.program, this.program.adapters.results(this.adapter));
    const { flattening } = this.program.adapters;
    if (!inMemory) {
      const into = FlatDestination.into(transfer.e, flattening, flattening.flattenTypes(result));
      transfer.fields(result, new FlatSource(transfer.e, flattening, results), into.destination);
      return into.values();
    }
    const [pointer] = results;
    const out = e.params.at(-1);
    if (pointer === undefined || out === undefined) throw new InternalError("frontend", "no place of the result");
    const from = this.#checked(transfer.lift, e.zext(pointer), result);
    const to = this.#checked(transfer.lower, e.zext(out), result);
    transfer.fields(
      result,
      new MemorySource(transfer.e, transfer.lift.memory, from, 0),
      new MemoryDestination(transfer.e, transfer.lower.memory, to, 0),
    );
    return [];
  }
}

/** The adapter of one `canon lower` of a function that another component instance lifts. */
export function buildAdapter(program: Program, adapter: Adapter, name: string): Func {
  return new AdapterBuilder(program, adapter, name).build();
}
