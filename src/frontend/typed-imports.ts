/**
 * Host functions that take and return C values: an import's trampoline lifts the guest's values to C (strings and lists of plain values are views of
 * guest memory; the rest is in the arena), calls the host, and lowers its answer.
 */

import { FlatDestination, FlatSource, type Source } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType, TypeFunc } from "../component/types.ts";
import type { Func, Value } from "../ir/function.ts";
import { F32, F64, I64, type Type } from "../ir/types.ts";
import { ContextField, TrapRecord } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { LoweredIndex, LowerImport } from "../plan/component.ts";
import * as wasm from "../wasm/types.ts";
import { checkedPlace, hasPointers, pointerIn, SUBTASK_RETURNED, withoutLeaving } from "./adapters-build.ts";
import type { Direction } from "./adapters.ts";
import { emitReturnLent } from "./adapters-context.ts";
import { cSignatureOf, isByValue, placeArguments, wordsOf } from "./c-signature.ts";
import { emitResetArena } from "./host-memory.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { emitCheckMayBlock, emitCheckMayLeave, emitHostCallee } from "./trampolines.ts";
import { emitClear, transferOfTypes, typesOf } from "./typed.ts";

const TRAMPOLINE_ATTRIBUTES = { stackCheck: true, entry: false } as const;

/** Where the structures of a call are in the arena: those of parameters that C gets by address, and the result. */
interface ArenaFrame {
  /** Undefined for a parameter that is passed by value. */
  readonly params: readonly (number | undefined)[];
  readonly result: number;
  readonly size: number;
}

function arenaFrame(program: Program, func: TypeFunc): ArenaFrame {
  const sizes = program.adapters.hostSizes;
  let size = 0;
  const place = (type: InterfaceType): number => {
    const { alignment, size: bytes } = sizes.extent(type);
    const at = Math.ceil(size / alignment) * alignment;
    size = at + bytes;
    return at;
  };
  const params = func.params.map(({ type }) => (isByValue(type) ? undefined : place(type)));
  const result = func.result === undefined ? 0 : place(func.result);
  return { params, result, size: Math.ceil(size / 16) * 16 };
}

function coreTypeOf(type: Type): wasm.ValType {
  if (type === I64) return wasm.I64;
  if (type === F32) return wasm.F32;
  return type === F64 ? wasm.F64 : wasm.I32;
}

/** The trampoline of one `canon lower`ed host function with the host ABI `typed`. */
export function buildTypedLowered(program: Program, index: LoweredIndex, name: string): Func {
  const lowering = program.component.lowerings.get(index);
  const func = program.component.types.func(lowering.type);
  // A few scalars and views need no more stack than any trampoline.
  const { result } = func;
  const isShallow = (type: InterfaceType): boolean => isByValue(type) && !hasPointers(program, [type]);
  const isView = (type: InterfaceType): boolean => isByValue(type) && program.adapters.isView(type);
  const stackCheck = !(
    typesOf(func).every((t) => isShallow(t) || isView(t)) &&
    (result === undefined || isShallow(result))
  );
  const e = Emitter.start(name, program.signature(lowering.signature), { ...TRAMPOLINE_ATTRIBUTES, stackCheck });
  emitCheckMayLeave(e, program, e.param(0), lowering.options.instance);
  if (func.isAsync) emitCheckMayBlock(e, program, lowering.options);
  e.return(...emitTypedCall(e, program, index, lowering, func));
  return e.finish();
}

/** Behind the check that the instance may leave; gives the flat results. */
function emitTypedCall(
  e: Emitter,
  program: Program,
  index: LoweredIndex,
  lowering: LowerImport,
  func: TypeFunc,
): readonly Value[] {
  const { adapters } = program;
  const c = cSignatureOf(func, 2);
  const frame = arenaFrame(program, func);
  const context = e.param(0);
  const arena = e.offset(context, program.offsets.hostArena);
  // What the last host function was given is gone.
  emitResetArena(e, program, frame.size);

  const direction = adapters.importParameters(lowering);
  const words = liftArguments(e, program, func, lowering, direction, frame, arena);
  const out = func.result === undefined ? undefined : e.offset(arena, frame.result);
  if (out !== undefined && func.result !== undefined) emitClear(e, out, 0, adapters.hostSizes.elemSize(func.result));
  const { callee, data } = emitHostCallee(e, program, context, index);
  const call = e.offset(context, ContextField.hostCall);
  const status = e.callIndirect1(callee, c.signature, placeArguments<Value>(c, [data, call], words, out, e.i64(0)));
  e.if(e.nez(status), () => {
    e.store(context, program.offsets.trap + TrapRecord.exitStatus, status);
    e.trap(Trap.host_function_failed);
  });
  const results = out === undefined ? [] : lowerAnswer(e, program, func, lowering, out);
  if (direction.lends) emitReturnLent(e, program, lowering.options);
  // A host function is back when its task is over.
  return lowering.options.isAsync ? [e.i32(SUBTASK_RETURNED)] : results;
}

function liftArguments(
  e: Emitter,
  program: Program,
  func: TypeFunc,
  { options }: LowerImport,
  direction: Direction,
  frame: ArenaFrame,
  arena: Value,
): readonly (readonly Value[])[] {
  const { flattening } = program.adapters;
  const params = typesOf(func);
  const transfer = transferOfTypes(e, program, direction, params);
  const { paramsInMemory } = flattening.flattenFuncType(func, "lower", options);
  const from: Source<Value> = paramsInMemory
    ? transfer.lift.source(checkedPlace(e, program, transfer.lift, pointerIn(e, e.param(1)), params))
    : new FlatSource(transfer.liftEmitter, transfer.lift.flattening, e.params, 1);
  return params.map((type, i) => {
    const source = from.field(params, i);
    const place = frame.params[i];
    if (place !== undefined) {
      const address = e.offset(arena, place);
      transfer.value(type, source, transfer.lower.destination(address));
      return [address];
    }
    const types = wordsOf(type).map(coreTypeOf);
    const into = FlatDestination.into(transfer.e, transfer.lower.flattening, types);
    transfer.value(type, source, into.destination);
    return into.values();
  });
}

function lowerAnswer(
  e: Emitter,
  program: Program,
  func: TypeFunc,
  lowering: LowerImport,
  out: Value,
): readonly Value[] {
  const { adapters } = program;
  const { result } = func;
  if (result === undefined) return [];
  const transfer = transferOfTypes(e, program, adapters.importResults(lowering), [result]);
  const from = transfer.lift.source(out);
  const { resultInMemory } = adapters.flattening.flattenFuncType(func, "lower", lowering.options);
  const lower = (): readonly Value[] => {
    if (!resultInMemory) {
      const into = FlatDestination.into(transfer.e, transfer.lower.flattening, lowering.signature.results);
      transfer.value(result, from, into.destination);
      return into.values();
    }
    const pointer = e.params.at(-1);
    if (pointer === undefined) throw new InternalError("frontend", "no place of the result");
    const to = checkedPlace(e, program, transfer.lower, pointerIn(e, pointer), [result]);
    transfer.value(result, from, transfer.lower.destination(to));
    return [];
  };
  return hasPointers(program, [result])
    ? withoutLeaving(e, program, lowering.options, lowering.options.realloc, lower)
    : lower();
}
