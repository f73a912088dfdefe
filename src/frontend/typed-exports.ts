/**
 * Exports that a host calls with C values. An export has an entry, a C function that refuses what can't be, and a body that it enters like any wasm
 * function: the body lowers the C values straight into the guest, calls it, lifts the result into the host's memory, and runs `post-return`. A
 * wrong argument is found while it is lowered and leaves the body by `refuse`: a status, no trap.
 */

import { elementFields } from "../abi/despecialize.ts";
import { payloads } from "../abi/transfer.ts";
import { FlatSource, MemorySource, NoDestination, type Source } from "../abi/values.ts";
import { InternalError } from "../base/diagnostics.ts";
import type { InterfaceType, TypeFunc } from "../component/types.ts";
import type { Func, Value } from "../ir/function.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { FIRST_REFUSAL, HostStatus } from "../layout/host.ts";
import type { LiftedFunction } from "../plan/component.ts";
import {
  checkedPlace,
  emitCheckBorrowsReturned,
  hasPointers,
  lowerParameters,
  pointerIn,
  transferOf,
  withoutLeaving,
} from "./adapters-build.ts";
import type { Direction } from "./adapters.ts";
import { emitReturnLentByHost } from "./adapters-context.ts";
import { IrAbiEmitter } from "./adapters-emitter.ts";
import { cSignatureOf, definedBits, isByValue, wordsOf } from "./c-signature.ts";
import { emitEnterIdle, emitSetMayLeave, ENTRY_ATTRIBUTES } from "./entries.ts";
import type { Variable } from "./flow.ts";
import { emitTouch, ProcessMemory, refusalOf } from "./host-context.ts";
import { emitBeginResult, emitOpenArena } from "./host-memory.ts";
import { HOST_SUPPORT } from "./host-support.ts";
import { emitCheckIdle, emitUnlessInstance } from "./instance.ts";
import type { Program } from "./program.ts";
import { Emitter } from "./structured.ts";
import { emitCallLifted } from "./tasks.ts";
import { emitClear, transferOfTypes, typesOf, type ValueTransfer } from "./typed.ts";

const DROP: Signature = { params: [I64, I64], results: [I32], convention: "c" };
const BODY_ATTRIBUTES = { stackCheck: true, entry: false, entered: true } as const;

/** Values of C as a source: its words, or what its only word points to. */
function argumentSource(
  program: Program,
  transfer: ValueTransfer,
  type: InterfaceType,
  words: readonly Value[],
): Source<Value> {
  const [word] = words;
  if (word === undefined) throw new InternalError("frontend", "an argument without words");
  if (!isByValue(type)) return transfer.lift.source(word);
  const abi = transfer.liftEmitter;
  const bits = definedBits(program.component.types, type);
  const defined = bits === 32 ? words : [abi.andImm(word, 2 ** bits - 1)];
  return new FlatSource(abi, transfer.lift.flattening, defined);
}

/** The signature of an export's body: the context, the words of the arguments in order, the result's address. */
function bodySignature(func: TypeFunc): Signature {
  const words = func.params.flatMap((p) => wordsOf(p.type));
  return { params: [I64, ...words, ...(func.result === undefined ? [] : [I64])], results: [], convention: "wasm" };
}

/** How a typed export is called. */
class TypedExport {
  readonly program: Program;
  readonly lifted: LiftedFunction;
  readonly func: TypeFunc;
  readonly params: readonly InterfaceType[];

  constructor(program: Program, lifted: LiftedFunction) {
    this.program = program;
    this.lifted = lifted;
    this.func = program.component.types.func(lifted.type);
    this.params = typesOf(this.func);
  }

  /** Whether the entry calls the guest's function itself: scalars go in, at most one comes out, and nothing is left to be done. */
  get isDirect(): boolean {
    const { lifted, params, func } = this;
    const { result } = func;
    if (func.isAsync) return false;
    const isScalar = (t: InterfaceType): boolean => isByValue(t) && wordsOf(t).length === 1 && !("resource" in t);
    if (lifted.options.postReturn !== undefined || lifted.signature.params.length > params.length) return false;
    // A result that must be checked traps, and a trap needs an entry that is active.
    return (
      params.every(isScalar) &&
      (result === undefined || (isScalar(result) && result.kind !== "char" && result.kind !== "enum"))
    );
  }

  /** `arguments` as the guest's parameters, by their words. */
  lowered(transfer: ValueTransfer, words: readonly (readonly Value[])[]): readonly Value[] {
    const { adapters } = this.program;
    const { paramsInMemory } = adapters.flattening.flattenFuncType(this.func, "lift");
    const sources = this.params.map((type, i) => argumentSource(this.program, transfer, type, words[i] ?? []));
    return lowerParameters(transfer, this.params, sources, paramsInMemory);
  }

  /** Looks at the arguments, and refuses the call if one is wrong. */
  check(e: Emitter, transfer: ValueTransfer, words: readonly (readonly Value[])[]): void {
    this.params.forEach((type, i) => {
      const [word] = words[i] ?? [];
      const { hostSizes } = this.program.adapters;
      if (!isByValue(type) && word !== undefined) emitTouch(e, word, e.i64(hostSizes.elemSize(type)));
      const source = argumentSource(this.program, transfer, type, words[i] ?? []);
      transfer.inline(type, source, new NoDestination());
    });
  }

  get arguments(): { readonly check: Direction | undefined; readonly direction: Direction } {
    return this.program.adapters.exportParameters(this.lifted.type, this.lifted.options);
  }
  /** Whether the host lends handles of its own. */
  get lends(): boolean {
    const { component, adapters } = this.program;
    const borrowed = [...adapters.facts.resources(this.params, "borrow")];
    return borrowed.some((resource) => component.resources.get(resource).kind !== "host");
  }
  get resultDirection(): Direction {
    return { lift: this.lifted.options, lower: { role: "copy" }, lends: false };
  }
}

/** The body: (context, words of the arguments…, address of the result). */
export function buildTypedBody(program: Program, index: number, name: string): Func {
  const typed = typedExport(program, index);
  const { lifted, func, params } = typed;
  const { options } = lifted;
  const e = Emitter.start(name, bodySignature(func), BODY_ATTRIBUTES);
  const context = e.param(0);
  let next = 1;
  const words = params.map((type) => wordsOf(type).map(() => e.param(next++)));
  const { paramsInMemory } = program.adapters.flattening.flattenFuncType(func, "lift");

  const { check, direction } = typed.arguments;
  if (check !== undefined) typed.check(e, transferOf(e, program, check), words);
  const lowerParams = (): readonly Value[] => typed.lowered(transferOfTypes(e, program, direction, params), words);
  const allocates = paramsInMemory || hasPointers(program, params);
  const args = allocates ? withoutLeaving(e, program, options, options.realloc, lowerParams) : lowerParams();
  const out = func.result === undefined ? undefined : e.param(next);
  const results = emitCallLifted(e, program, lifted, index, args, out);
  if (!options.isAsync) emitCheckBorrowsReturned(e, program, lifted);
  if (typed.lends) emitReturnLentByHost(e, program);
  if (!options.isAsync && out !== undefined) emitTypedResult(e, program, index, results, out);
  if (options.postReturn !== undefined) {
    const { postReturn } = options;
    const signature = program.signature({ kind: "func", params: lifted.signature.results, results: [] });
    withoutLeaving(e, program, options, postReturn, () =>
      e.call(program.functionSymbol(postReturn), signature, [context, ...results]),
    );
  }
  e.return();
  return e.finish();
}

/** The result of an export, by the core values that it left, into the host's memory at `out`. */
export function emitTypedResult(
  e: Emitter,
  program: Program,
  index: number,
  values: readonly Value[],
  out: Value,
): void {
  const typed = typedExport(program, index);
  const { func, lifted } = typed;
  if (func.result === undefined) return;
  const types = [func.result];
  const copies = hasPointers(program, types);
  if (copies) emitBeginResult(e, program);
  const transfer = transferOfTypes(e, program, typed.resultDirection, types);
  const [first] = values;
  if (first === undefined) throw new InternalError("frontend", "a result without values", e.func.name);
  const from = program.adapters.leavesInMemory(func, lifted.options)
    ? transfer.lift.source(checkedPlace(e, program, transfer.lift, pointerIn(e, first), types))
    : new FlatSource(transfer.liftEmitter, transfer.lift.flattening, values);
  transfer.value(func.result, from, transfer.lower.destination(out));
  if (copies) emitOpenArena(e, program, e.param(0));
}

function typedExport(program: Program, index: number): TypedExport {
  return new TypedExport(program, program.exported(index));
}

/** Whether an export's entry enters the guest's function and not a body. */
export function isDirectExport(program: Program, lifted: LiftedFunction): boolean {
  return new TypedExport(program, lifted).isDirect;
}

/** An entry: (context, arguments…, address of the result) → status, a C function. */
export function buildTypedEntry(program: Program, index: number, name: string): Func {
  const typed = typedExport(program, index);
  const { lifted, func } = typed;
  const { options } = lifted;
  const c = cSignatureOf(func, 1);
  const e = Emitter.start(name, c.signature, ENTRY_ATTRIBUTES);
  const context = e.param(0);
  const words = c.params.map((positions) => positions.map((at) => e.param(at)));
  const out = c.out === undefined ? undefined : e.param(c.out);
  emitCheckIdle(e, program, context);
  emitCheckPointers(e, typed, words, out);
  if (typed.isDirect) emitDirect(e, typed, words, out);
  else {
    const args = [...words.flat(), ...(out === undefined ? [] : [out])];
    const entered = emitEnterIdle(
      e,
      program,
      context,
      program.functions.symbolOf({ kind: "typed-body", export: index }),
      bodySignature(func),
      args,
    );
    const { status } = entered;
    e.if(e.nez(status), () => {
      e.if(e.uge(status, e.i32(FIRST_REFUSAL)), () => {
        // It was left while arguments were lowered, and nothing is wrong with the instance.
        emitSetMayLeave(e, program, entered.context, options.instance, true);
        if (typed.lends) emitReturnLentByHost(e, program);
      });
      if (out !== undefined && func.result !== undefined && hasPointers(program, [func.result])) {
        emitClear(e, out, 0, program.adapters.hostSizes.elemSize(func.result));
      }
    });
    e.return(status);
  }
  return e.finish();
}

function emitCheckPointers(
  e: Emitter,
  typed: TypedExport,
  words: readonly (readonly Value[])[],
  out: Value | undefined,
): void {
  const refuseNull = (pointer: Value): void => e.if(e.eqz(pointer), () => e.return(e.i32(HostStatus.null_pointer)));
  if (out !== undefined) refuseNull(out);
  typed.params.forEach((type, i) => {
    const [pointer] = words[i] ?? [];
    if (!isByValue(type) && pointer !== undefined) refuseNull(pointer);
  });
}

/** Scalars only: checked here, before anything has happened. */
function emitDirect(
  e: Emitter,
  typed: TypedExport,
  words: readonly (readonly Value[])[],
  out: Value | undefined,
): void {
  const { program, lifted, func } = typed;
  const context = e.param(0);
  const returning = new IrAbiEmitter(e, program, (name) => e.return(e.i32(refusalOf(name))));
  const args = typed.lowered(transferOf(e, program, typed.arguments.direction, returning), words);
  const signature = program.signature(lifted.signature);
  const { status, results } = emitEnterIdle(e, program, context, program.functionSymbol(lifted.core), signature, args);
  e.if(e.eqz(status), () => {
    if (func.result === undefined || out === undefined) return;
    const transfer = transferOf(e, program, typed.resultDirection);
    const from = new FlatSource(transfer.liftEmitter, transfer.lift.flattening, results);
    transfer.value(func.result, from, transfer.lower.destination(out));
  });
  e.return(status);
}

/**
 * `drop`: (context, address of a result) → status. Its first pointer that is not null, in the order in which results are lifted, is where the
 * contents of its first block begin. Nothing is left to be dropped again. The handles in it are the host's.
 */
export function buildTypedDrop(program: Program, index: number, name: string): Func {
  const item = program.api.drops[index];
  const e = Emitter.start(name, DROP, { stackCheck: false, entry: false });
  if (item === undefined) throw new RangeError(`no drop ${index}`);
  const [context, value] = [e.param(0), e.param(1)];
  emitUnlessInstance(e, program, context, () => e.return(e.i32(HostStatus.not_an_instance)));
  e.if(e.eqz(value), () => e.return(e.i32(HostStatus.null_pointer)));
  const first = e.variable(e.i64(0));
  emitFirstPointer(e, program, item.type, value, 0, first);
  emitClear(e, value, 0, program.adapters.hostSizes.elemSize(item.type));
  e.return(e.call1(program.hostSupport("block_release"), HOST_SUPPORT.block_release, [context, e.get(first)]));
  return e.finish();
}

function emitFirstPointer(
  e: Emitter,
  program: Program,
  type: InterfaceType,
  base: Value,
  offset: number,
  first: Variable,
): void {
  const { facts, flattening, hostSizes } = program.adapters;
  if (!flattening.containsPointer(type)) return;
  const whileNone = (body: () => void): void => e.if(e.eqz(e.get(first)), body);
  const d = facts.despecialize(type);
  if (d.kind === "record") {
    const offsets = hostSizes.fieldOffsets(d.fields);
    d.fields.forEach((field, i) => {
      if (!flattening.containsPointer(field)) return;
      whileNone(() => emitFirstPointer(e, program, field, base, offset + (offsets[i] ?? 0), first));
    });
  } else if (d.kind === "variant") {
    const source = new MemorySource(new IrAbiEmitter(e, program), new ProcessMemory(hostSizes), base, offset);
    const index = source.tag(d.cases);
    for (const { type: payload, cases } of payloads(d.cases)) {
      if (!flattening.containsPointer(payload)) continue;
      for (const one of cases) {
        e.if(e.eqImm(index, one), () => {
          emitFirstPointer(e, program, payload, base, offset + hostSizes.payloadOffset(d.cases), first);
        });
      }
    }
  } else if (d.kind === "list" && d.length !== undefined) {
    const element = elementFields(d.element);
    const { size } = hostSizes.record(element);
    const at = e.variable(e.offset(base, offset));
    const end = e.offset(base, offset + size * d.length);
    e.loop((loop) => {
      const place = e.get(at);
      e.breakUnless(loop, e.ult(place, end));
      e.breakIf(loop, e.nez(e.get(first)));
      const offsets = hostSizes.fieldOffsets(element);
      element.forEach((part, i) => {
        whileNone(() => emitFirstPointer(e, program, part, place, offsets[i] ?? 0, first));
      });
      e.set(at, e.offset(place, size));
    });
  } else e.set(first, e.load64(base, offset));
}
