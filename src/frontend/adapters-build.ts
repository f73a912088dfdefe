/**
 * Adapters: a call from one component instance into another as one function, `canon_lower` and `canon_lift` of the Canonical ABI fused. Values
 * go straight from where the caller has them to where the callee wants them.
 *
 * In this order: the caller may leave; parameters are lifted and lowered (while `realloc` runs its instance may not leave); the call; no
 * borrowed handle is left; results; `post-return`; what was lent is the caller's again. That the callee may be entered was decided when the
 * plan was made (`plan/instances.ts`). What an `async`-lifted callee does for its result is in its `task.return` (`task-return.ts`).
 */

import { emitCheckAligned, emitCheckInside } from "../abi/checks.ts";
import type { LiftContext, LowerContext } from "../abi/context.ts";
import { StringTransfer } from "../abi/strings.ts";
import { emitTranscoder, type TranscoderName, TRANSCODERS } from "../abi/transcode.ts";
import { Transfer } from "../abi/transfer.ts";
import { FlatDestination, FlatSource, type Destination, type Source } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType, TypeFunc } from "../component/types.ts";
import type { Func, Value } from "../ir/function.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { InstanceFlag } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { CanonicalOptions, CoreFunc, LiftedFunction } from "../plan/component.ts";
import * as wasm from "../wasm/types.ts";
import { type Adapter, type Direction, type End, isDefinedBy, isHost, type Passing, refuses } from "./adapters.ts";
import { emitReturnLent, GuestLift, GuestLower } from "./adapters-context.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import type { Variable } from "./flow.ts";
import { CheckLower, HostLift, HostLower, refusingEmitter } from "./host-context.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { irType } from "./signatures.ts";
import { emitCallLifted, emitEndTask, taskResult } from "./tasks.ts";
import { emitCheckMayBlock, emitCheckMayLeave } from "./trampolines.ts";

const ATTRIBUTES = { stackCheck: true, entry: false } as const;

/** What an `async`-lowered call gives: `Subtask.State.RETURNED`, and no handle, because the subtask is over. */
export const SUBTASK_RETURNED = 2;

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

/** What emits the checks of values that are lifted. */
function liftEmitter(e: Emitter, program: Program, direction: Direction): IrAbiEmitter {
  return refuses(direction) ? refusingEmitter(e, program) : new IrAbiEmitter(e, program);
}

function liftContext(
  e: Emitter,
  program: Program,
  { lift, lower, lends }: Direction,
  abi: IrAbiEmitter,
): LiftContext<Value> {
  if (!isHost(lift)) return new GuestLift(e, program, lift, lends);
  return new HostLift(e, program, abi, isHost(lower) && lower.role === "check");
}

function lowerContext(e: Emitter, program: Program, lower: End): LowerContext<Value> {
  if (!isHost(lower)) return new GuestLower(e, program, lower);
  return lower.role === "check" ? new CheckLower(e, program) : new HostLower(e, program, lower);
}

/** The way of a string in one direction, in this function. */
function stringsOf(
  e: Emitter,
  program: Program,
  direction: Direction,
  lift: LiftContext<Value>,
  lower: LowerContext<Value>,
): StringTransfer<Value, Variable> {
  return new StringTransfer(new IrAbiEmitter(e, program), lift, lower, (transcoder, args) => {
    const symbol = program.functions.symbolOf({ kind: "transcoder", name: transcoder, refusing: refuses(direction) });
    return e.call(symbol, transcoderSignature(transcoder), [e.param(0), ...args]);
  });
}

/** The way of values in one direction; `checks` emits what is checked while they are lifted. `inPlace`: that of strings is not a function's, nor are copies. */
export function transferOf(
  e: Emitter,
  program: Program,
  direction: Direction,
  checks = liftEmitter(e, program, direction),
  inPlace = false,
): Transfer<Value, Variable> {
  const abi = new IrAbiEmitter(e, program, undefined, inPlace);
  const lift = liftContext(e, program, direction, checks);
  const lower = lowerContext(e, program, direction.lower);
  const context = e.param(0);
  return new Transfer(abi, checks, program.adapters.facts, lift, lower, {
    string: ([pointer, length]) => {
      if (inPlace) return stringsOf(e, program, direction, lift, lower).transfer([pointer, length]);
      const callee = program.functions.symbolOf({
        kind: "adapter-string",
        index: program.adapters.stringFunction(direction),
      });
      const [newPointer, newLength] = e.call(callee, STRING_SIGNATURE, [context, pointer, length]);
      if (newPointer === undefined || newLength === undefined) throw new InternalError("frontend", "no string");
      return [newPointer, newLength];
    },
    value: (type, from, to) => {
      const callee = program.functions.symbolOf({
        kind: "adapter-value",
        index: program.adapters.valueFunction(type, direction, true),
      });
      e.call(callee, VALUE_SIGNATURE, [context, from, to]);
    },
    flatValue: (type, values) => {
      const index = program.adapters.valueFunction(type, direction, false);
      const signature = program.signature(program.adapters.flatType({ type, direction }));
      return e.call(program.functions.symbolOf({ kind: "adapter-flat-value", index }), signature, [context, ...values]);
    },
  });
}

/** Strings of one pair of options. */
export function buildAdapterString(program: Program, index: number, name: string): Func {
  const row = program.adapters.strings[index];
  if (row === undefined) throw new RangeError(`no function of strings ${index}`);
  const e = Emitter.start(name, STRING_SIGNATURE, ATTRIBUTES);
  const lift = liftContext(e, program, row.direction, liftEmitter(e, program, row.direction));
  const strings = stringsOf(e, program, row.direction, lift, lowerContext(e, program, row.direction.lower));
  e.return(...strings.transfer([e.param(1), e.param(2)]));
  return e.finish();
}

/** Values of one large type, from memory to memory. */
export function buildAdapterValue(program: Program, index: number, name: string): Func {
  const row = program.adapters.values[index];
  if (row === undefined) throw new RangeError(`no function of values ${index}`);
  const e = Emitter.start(name, VALUE_SIGNATURE, ATTRIBUTES);
  const transfer = transferOf(e, program, row.direction);
  transfer.inline(row.type, transfer.lift.source(e.param(1)), transfer.lower.destination(e.param(2)));
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
  const into = FlatDestination.into(transfer.e, transfer.lower.flattening, type.results);
  const source = new FlatSource(transfer.liftEmitter, transfer.lift.flattening, e.params, 1);
  transfer.inline(row.type, source, into.destination);
  e.return(...into.values());
  return e.finish();
}

/** `refusing`: what is wrong with the text refuses a host's call. */
export function buildTranscoder(program: Program, name: TranscoderName, refusing: boolean, symbolName: string): Func {
  const e = Emitter.start(symbolName, transcoderSignature(name), { stackCheck: false, entry: false });
  const abi = refusing ? refusingEmitter(e, program) : new IrAbiEmitter(e, program);
  const [a, b] = [e.param(1), e.param(2)];
  e.return(...emitTranscoder(abi, name, TRANSCODERS[name].params === 3 ? [a, b, e.param(3)] : [a, b]));
  return e.finish();
}

/** A guest pointer as lifting and lowering have it: `i64`. */
export function pointerIn(e: Emitter, pointer: Value): Value {
  return e.func.typeOf(pointer) === I64 ? pointer : e.zext(pointer);
}

export function hasPointers(program: Program, types: readonly InterfaceType[]): boolean {
  return types.some((t) => program.adapters.flattening.containsPointer(t));
}

/** The native address of a record of values of these types at a guest pointer, checked. */
export function checkedPlace(
  e: Emitter,
  program: Program,
  cx: LiftContext<Value> | LowerContext<Value>,
  pointer: Value,
  types: readonly InterfaceType[],
): Value {
  const abi = new IrAbiEmitter(e, program);
  const { size, alignment } = cx.memory.sizes.record(types);
  emitCheckAligned(abi, pointer, alignment);
  return cx.memory.address(emitCheckInside(abi, cx.memory, pointer, e.i64(size), "memory_out_of_bounds"));
}

/** Values as core parameters: flat, or the address of a record of them in new memory. */
export function lowerParameters(
  transfer: Transfer<Value, Variable>,
  types: readonly InterfaceType[],
  sources: readonly Source<Value>[],
  inMemory: boolean,
): readonly Value[] {
  const { e, lower } = transfer;
  const into = (place: Destination<Value>): void => {
    types.forEach((type, i) => {
      const source = sources[i];
      if (source === undefined) throw new InternalError("frontend", `no source of parameter ${i}`);
      transfer.value(type, source, place.field(types, i));
    });
  };
  if (!inMemory) {
    const flat = FlatDestination.into(e, lower.flattening, lower.flattening.flattenTypes(types));
    into(flat.destination);
    return flat.values();
  }
  const { size, alignment } = lower.memory.sizes.record(types);
  const { pointer, address } = lower.newRecord(alignment, e.i64(size));
  into(lower.destination(address));
  return [lower.flattening.ptr === wasm.I64 ? pointer : e.wrap(pointer)];
}

/**
 * Runs `body`, which calls no other of the instance's functions than `callee`, while the instance may not leave. It may before: nothing of it is active,
 * or it has called.
 */
export function withoutLeaving<T>(
  e: Emitter,
  program: Program,
  options: CanonicalOptions,
  callee: CoreFunc | undefined,
  body: () => T,
): T {
  if (callee === undefined || !program.leaving.mayLeave(callee)) return body();
  const at = program.offsets.instanceFlags(options.instance);
  e.store(e.param(0), at, e.i32(0));
  const result = body();
  e.store(e.param(0), at, e.i32(InstanceFlag.mayLeave));
  return result;
}

/** Traps if the task of a lifted function still has handles that it borrowed. */
export function emitCheckBorrowsReturned(e: Emitter, program: Program, { type, options }: LiftedFunction): void {
  const params = program.component.types.func(type).params.map((p) => p.type);
  const borrowed = [...program.adapters.facts.resources(params, "borrow")];
  if (!borrowed.some((resource) => !isDefinedBy(program.component, resource, options))) return;
  e.trapIf(e.load32(e.param(0), program.offsets.instanceBorrows(options.instance)), Trap.borrows_remain);
}

/**
 * The callee's result, by the core values that it left, as the caller wants it: in its memory at the guest pointer `place`, or as the core values
 * that these are.
 */
export function emitResult(
  e: Emitter,
  program: Program,
  adapter: Adapter,
  values: readonly Value[],
  place: Value | undefined,
): readonly Value[] {
  const { result } = program.component.types.func(adapter.callee.type);
  if (result === undefined) return [];
  const transfer = transferOf(e, program, program.adapters.results(adapter));
  const { lift, lower } = transfer;
  const move = (): readonly Value[] => {
    const [pointer] = values;
    if (pointer === undefined) throw new InternalError("frontend", "a result without values", e.func.name);
    const from = program.adapters.passing(adapter).result.from
      ? lift.source(checkedPlace(e, program, lift, pointerIn(e, pointer), [result]))
      : new FlatSource(transfer.e, lift.flattening, values);
    if (place !== undefined) {
      const to = checkedPlace(e, program, lower, place, [result]);
      transfer.value(result, from, lower.destination(to));
      return [];
    }
    const into = FlatDestination.into(transfer.e, lower.flattening, lower.flattening.flattenType(result));
    transfer.value(result, from, into.destination);
    return into.values();
  };
  return hasPointers(program, [result])
    ? withoutLeaving(e, program, adapter.options, adapter.options.realloc, move)
    : move();
}

class AdapterBuilder {
  readonly e: Emitter;
  readonly program: Program;
  readonly adapter: Adapter;
  readonly func: TypeFunc;
  readonly params: readonly InterfaceType[];
  readonly passing: { readonly params: Passing; readonly result: Passing };

  constructor(program: Program, adapter: Adapter, name: string) {
    this.program = program;
    this.adapter = adapter;
    this.func = program.component.types.func(adapter.callee.type);
    this.params = this.func.params.map((p) => p.type);
    this.passing = program.adapters.passing(adapter);
    const { params, result } = this.passing;
    // One that passes a few core values on has a frame as small as a trampoline's.
    const types = this.func.result === undefined ? this.params : [...this.params, this.func.result];
    const inMemory = params.from || params.to || result.from || result.to;
    this.e = Emitter.start(
      name,
      program.signature(adapter.signature),
      inMemory || hasPointers(program, types) ? ATTRIBUTES : { ...ATTRIBUTES, stackCheck: false },
    );
  }

  build(): Func {
    const { e, program, adapter, func } = this;
    const { callee, options } = adapter;
    const context = e.param(0);
    emitCheckMayLeave(e, program, context, options.instance);
    if (func.isAsync) emitCheckMayBlock(e, program, options);

    const direction = program.adapters.parameters(adapter);
    const lowerParams = (): readonly Value[] => this.#params(direction);
    const allocates = this.passing.params.to || hasPointers(program, this.params);
    const args = allocates
      ? withoutLeaving(e, program, callee.options, callee.options.realloc, lowerParams)
      : lowerParams();
    const last = e.params.at(-1);
    const place = this.passing.result.to && last !== undefined ? pointerIn(e, last) : undefined;
    const results = emitCallLifted(e, program, callee, adapter, args, place);
    const flat = callee.options.isAsync ? this.#returned() : this.#result(results, place);
    emitEndTask(e, program, context, callee.options.instance);
    if (direction.lends) emitReturnLent(e, program, options);
    if (options.isAsync) e.return(e.i32(SUBTASK_RETURNED));
    else e.return(...flat);
    return e.finish();
  }

  /** What the callee has left for the caller when it is back. */
  #result(results: readonly Value[], place: Value | undefined): readonly Value[] {
    const { e, program, adapter } = this;
    const { callee } = adapter;
    const { postReturn } = callee.options;
    emitCheckBorrowsReturned(e, program, callee);
    const flat = emitResult(e, program, adapter, results, place);
    if (postReturn !== undefined) {
      const signature = program.signature({ kind: "func", params: callee.signature.results, results: [] });
      withoutLeaving(e, program, callee.options, postReturn, () =>
        e.call(program.functionSymbol(postReturn), signature, [e.param(0), ...results]),
      );
    }
    return flat;
  }

  /** What `task.return` has left for the caller, if it is not in memory. */
  #returned(): readonly Value[] {
    const { e, program, adapter } = this;
    const at = taskResult(program, adapter.callee.options.instance);
    const results = adapter.options.isAsync ? [] : adapter.signature.results;
    return results.map((type) => e.load(irType(type), e.param(0), at));
  }

  /** `lift_flat_values` of the caller's parameters and `lower_flat_values` of the callee's. */
  #params(direction: Direction): readonly Value[] {
    const { e, params, program, passing } = this;
    const transfer = transferOf(e, program, direction);
    const from = passing.params.from
      ? transfer.lift.source(checkedPlace(e, program, transfer.lift, pointerIn(e, e.param(1)), params))
      : new FlatSource(transfer.e, transfer.lift.flattening, e.params, 1);
    const sources = params.map((_, i) => from.field(params, i));
    return lowerParameters(transfer, params, sources, passing.params.to);
  }
}

/** The adapter of one `canon lower` of a function that another component instance lifts. */
export function buildAdapter(program: Program, adapter: Adapter, name: string): Func {
  return new AdapterBuilder(program, adapter, name).build();
}
