/**
 * What crosses the boundary of a core module that is compiled as it is: entries of its exports, trampolines of its imports, and the host's
 * access to memories, tables and globals. No Canonical ABI: values are core values, a vector goes by pointer, results beyond a status go
 * by pointer, too.
 *
 * An instance may be entered again from inside a host function, as the core standard has it. A function reference of the host's is looked
 * up before it is used: one that is not of this object is refused.
 */

import { InternalError } from "../base/diagnostics.ts";
import type { Func, Value } from "../ir/function.ts";
import { Region } from "../ir/ops.ts";
import { I32, I64, type Signature } from "../ir/types.ts";
import { FUNCREF_SIZE } from "../layout/funcref.ts";
import { HostStatus } from "../layout/host.ts";
import { Lowering, TableDefinition } from "../layout/offsets.ts";
import { Trap } from "../layout/traps.ts";
import type { Trampoline } from "../plan/component.ts";
import { FUNCREF, type FuncType, V128, type ValType } from "../wasm/types.ts";
import { CORE_DATA, type CoreApi, type CoreFunction, cSizeOf } from "./core-api.ts";
import { emitEnter, ENTRY_ATTRIBUTES } from "./entries.ts";
import { MEMORY_GROW_SIGNATURE, TABLE_GROW_SIGNATURE } from "./environment.ts";
import { emitCheckInstance, emitUnlessInstance } from "./instance.ts";
import type { Program } from "./program.ts";
import { cSignature, irType } from "./signatures.ts";
import { Emitter } from "./structured.ts";

type HostFunction = Extract<Trampoline, { kind: "host-function" }>;

/** The functions of a table or global, or the growth of a memory. */
export const CORE_ACCESSES = [
  "memory-grow",
  "table-size",
  "table-get",
  "table-set",
  "table-grow",
  "global-get",
  "global-set",
] as const;
export type CoreAccess = (typeof CORE_ACCESSES)[number];

/** (reference) → whether it is null or a function of this object. */
export const CHECK_REFERENCE: Signature = cSignature([I64], I32);

/** In C: a vector is a pointer. */
function cParam(type: ValType) {
  return type === V128 ? I64 : irType(type);
}

function coreApi(program: Program): CoreApi {
  if (program.core === undefined) throw new InternalError("frontend", "the input is no core module");
  return program.core;
}

function item<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`no item ${index}`);
  return found;
}

/** `before`, the parameters, and a pointer for each result → status. */
function callSignature(before: number, type: FuncType): Signature {
  const pointers = type.results.map(() => I64);
  return cSignature([...Array.from({ length: before }, () => I64), ...type.params.map(cParam), ...pointers], I32);
}

function isReference(e: Emitter, program: Program, value: Value): Value {
  return e.call1(program.functions.symbolOf({ kind: "check-reference" }), CHECK_REFERENCE, [value]);
}

/** The arguments from parameter `first` on as core values; pointers and references are checked. */
function emitArguments(e: Emitter, program: Program, type: FuncType, first: number): readonly Value[] {
  const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
  type.params.forEach((t, i) => {
    const param = e.param(first + i);
    if (t === FUNCREF) e.if(e.eqz(isReference(e, program, param)), refuse);
    else if (t === V128) e.if(e.eqz(param), refuse);
  });
  type.results.forEach((_, i) => {
    e.if(e.eqz(e.param(first + type.params.length + i)), refuse);
  });
  return type.params.map((t, i) => {
    const param = e.param(first + i);
    return t === V128 ? e.load(irType(t), param, 0) : param;
  });
}

/** Behind the call: the results go where the host wants them. */
function emitResults(e: Emitter, type: FuncType, first: number, status: Value, results: readonly Value[]): void {
  e.if(e.eqz(status), () => {
    results.forEach((result, i) => {
      e.store(e.param(first + type.params.length + i), 0, result);
    });
  });
  e.return(status);
}

/** An exported function: (context, parameters, result pointers) → status. */
export function buildCoreEntry(program: Program, index: number, name: string): Func {
  const { func, type } = item<CoreFunction>(coreApi(program).functions, index);
  const e = Emitter.start(name, callSignature(1, type), ENTRY_ATTRIBUTES);
  const context = e.param(0);
  emitCheckInstance(e, program, context);
  const args = emitArguments(e, program, type, 1);
  const { status, results } = emitEnter(
    e,
    program,
    context,
    program.functionSymbol(func),
    program.signature(type),
    args,
  );
  emitResults(e, type, 1, status, results);
  return e.finish();
}

/** A call through a reference: (context, reference, parameters, result pointers) → status. */
export function buildCoreCall(program: Program, index: number, name: string): Func {
  const { type, signature } = item(coreApi(program).calls, index);
  const e = Emitter.start(name, callSignature(2, type), ENTRY_ATTRIBUTES);
  const [context, reference] = [e.param(0), e.param(1)];
  emitCheckInstance(e, program, context);
  const other = e.ne(e.shr(reference, 32), e.i64(signature + 1));
  e.if(e.or(other, e.eqz(isReference(e, program, reference))), () => e.return(e.i32(HostStatus.invalid_argument)));
  const args = emitArguments(e, program, type, 2);
  const callee = program.functions.symbolOf({ kind: "core-call-target", call: index });
  const target = program.signature(type);
  const entered = emitEnter(e, program, context, callee, { ...target, params: [I64, ...target.params] }, [
    reference,
    ...args,
  ]);
  emitResults(e, type, 2, entered.status, entered.results);
  return e.finish();
}

/** What such a call enters: (context, reference, parameters) → results, the convention of wasm. The reference has been checked. */
export function buildCoreCallTarget(program: Program, index: number, name: string): Func {
  const { type } = item(coreApi(program).calls, index);
  const target = program.signature(type);
  const signature: Signature = { ...target, params: [I64, ...target.params] };
  const e = Emitter.start(name, signature, { stackCheck: false, entry: false });
  const code = e.add(e.textBase(), e.zext(e.wrap(e.param(1))));
  e.return(...e.callIndirect(code, target, [e.param(0), ...e.params.slice(2)]));
  return e.finish();
}

/** `CHECK_REFERENCE`: a search in the references of all functions, which are in the order of their code. */
export function buildCheckReference(e: Emitter, program: Program): void {
  const reference = e.param(0);
  e.if(e.eqz(reference), () => e.return(e.i32(1)));
  const table = e.dataAddress(program.referenceTable);
  const code = e.wrap(reference);
  const low = e.variable(e.i64(0));
  const high = e.variable(e.i64(program.referenceCount));
  const at = (index: Value): Value => e.add(table, e.shl(index, Math.log2(FUNCREF_SIZE)));
  e.while(
    () => e.ult(e.get(low), e.get(high)),
    () => {
      const middle = e.shr(e.add(e.get(low), e.get(high)), 1);
      e.if(
        e.ult(e.load32(at(middle), 0), code),
        () => e.set(low, e.offset(middle, 1)),
        () => e.set(high, middle),
      );
    },
  );
  e.if(e.eq(e.get(low), e.i64(program.referenceCount)), () => e.return(e.i32(0)));
  e.return(e.eq(e.load64(at(e.get(low)), 0), reference));
}

/**
 * An imported function. The host's has the C signature (data, context, parameters, result pointers) → status; a status other than 0 is a
 * trap, and so is a result that is no reference.
 */
export function buildHostFunction(program: Program, trampoline: HostFunction, name: string): Func {
  const { signature: type, hostIndex } = trampoline;
  const e = Emitter.start(name, program.signature(type), { stackCheck: false, entry: false });
  const context = e.param(0);
  const at = program.offsets.lowering(program.component.lowerings.size + hostIndex);
  const callee = e.load64(context, at + Lowering.callee, Region.constant);
  e.trapIf(e.eqz(callee), Trap.host_function_missing);
  const data = e.load64(context, at + Lowering.data, Region.constant);
  const args = type.params.map((t, i) => {
    const value = e.param(1 + i);
    if (t !== V128) return value;
    const place = e.slotAddress(e.slot(cSizeOf(t), 16));
    e.store(place, 0, value);
    return place;
  });
  const places = type.results.map((t) => {
    const place = e.slotAddress(e.slot(Math.max(8, cSizeOf(t)), 16));
    // A host that succeeds without a result gives zero, not what was on the stack.
    e.store(place, 0, e.i64(0));
    if (t === V128) e.store(place, 8, e.i64(0));
    return place;
  });
  const status = e.callIndirect1(callee, callSignature(2, type), [data, context, ...args, ...places]);
  e.trapIf(status, Trap.host_function_failed);
  const results = type.results.map((t, i) => e.load(irType(t), item(places, i), 0));
  type.results.forEach((t, i) => {
    if (t === FUNCREF) e.trapUnless(isReference(e, program, item(results, i)), Trap.host_function_failed);
  });
  e.return(...results);
  return e.finish();
}

/** In `create_region`, before anything is made: references among the imported values are this object's. */
export function emitCheckCoreImports(e: Emitter, program: Program, imports: Value): void {
  const globals = (program.core?.groups ?? []).flatMap((g) => g.members).filter((m) => m.kind === "global");
  for (const { type, offset } of globals) {
    if (type !== FUNCREF) continue;
    e.if(e.nez(imports), () => {
      e.if(e.eqz(isReference(e, program, e.load64(imports, offset))), () => {
        e.return(e.i32(HostStatus.invalid_argument));
      });
    });
  }
}

/** In `create_region`: the host's functions and values go into the context. `imports` is not null. */
export function emitCoreImports(e: Emitter, program: Program, context: Value, imports: Value): void {
  const { component, offsets } = program;
  for (const { members } of program.core?.groups ?? []) {
    for (const member of members) {
      if (member.kind === "global") {
        e.store(context, offsets.global(member.index), e.load(irType(member.type), imports, member.offset));
        continue;
      }
      const to = offsets.lowering(component.lowerings.size + member.hostIndex);
      e.store(context, to + Lowering.callee, e.load64(imports, member.offset));
      e.store(context, to + Lowering.data, e.load64(imports, CORE_DATA));
    }
  }
}

const COUNT = cSignature([I64], I64);
const AT = cSignature([I64, I64, I64], I32);

/** The C signature of an access. Positions are those of the lists of `CoreApi`. */
export function accessSignature(program: Program, access: CoreAccess, index: number): Signature {
  switch (access) {
    case "memory-grow":
      return cSignature([I64, I64], I64);
    case "table-size":
      return COUNT;
    case "table-get":
    case "table-set":
      return AT;
    case "table-grow":
      return cSignature([I64, I64, I64], I64);
    case "global-get":
    case "global-set": {
      const { type } = program.component.globals.get(item(coreApi(program).globals, index).index).type;
      if (type === V128) return cSignature([I64, I64], I32);
      return access === "global-get" ? cSignature([I64], irType(type)) : cSignature([I64, irType(type)], I32);
    }
  }
}

/** Growth is -1 where the instance is none. */
function emitGrow(e: Emitter, program: Program, access: "memory-grow" | "table-grow", index: number): void {
  const [context, count] = [e.param(0), e.param(1)];
  emitUnlessInstance(e, program, context, () => e.return(e.i64(-1)));
  if (access === "memory-grow") {
    const memory = item(coreApi(program).memories, index).index;
    e.return(
      e.call1(program.functions.symbolOf({ kind: "memory-grow", memory }), MEMORY_GROW_SIGNATURE, [context, count]),
    );
    return;
  }
  const table = item(coreApi(program).tables, index).index;
  const value = e.param(2);
  if (program.component.tables.get(table).type.element === FUNCREF) {
    e.if(e.eqz(isReference(e, program, value)), () => e.return(e.i64(-1)));
  }
  e.return(
    e.call1(program.functions.symbolOf({ kind: "table-grow", table }), TABLE_GROW_SIGNATURE, [context, count, value]),
  );
}

function emitTable(
  e: Emitter,
  program: Program,
  access: "table-size" | "table-get" | "table-set",
  index: number,
): void {
  const { index: table } = item(coreApi(program).tables, index);
  const context = e.param(0);
  const lengthAt = program.offsets.tableDefinition(table) + TableDefinition.currentLength;
  if (access === "table-size") {
    emitUnlessInstance(e, program, context, () => e.return(e.i64(0)));
    e.return(e.load64(context, lengthAt));
    return;
  }
  emitCheckInstance(e, program, context);
  const [at, value] = [e.param(1), e.param(2)];
  const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
  e.if(e.uge(at, e.load64(context, lengthAt)), refuse);
  const place = e.add(e.offset(context, program.offsets.table(table)), e.shl(at, Math.log2(FUNCREF_SIZE)));
  if (access === "table-get") {
    e.if(e.eqz(value), refuse);
    e.store(value, 0, e.load64(place, 0));
  } else {
    if (program.component.tables.get(table).type.element === FUNCREF) {
      e.if(e.eqz(isReference(e, program, value)), refuse);
    }
    e.store(place, 0, value);
  }
  e.return(e.i32(0));
}

function emitGlobal(e: Emitter, program: Program, access: "global-get" | "global-set", index: number): void {
  const { index: global } = item(coreApi(program).globals, index);
  const { type } = program.component.globals.get(global).type;
  const context = e.param(0);
  const at = program.offsets.global(global);
  if (access === "global-get" && type !== V128) {
    // As a memory's place: of what is no instance nothing.
    emitUnlessInstance(e, program, context, () => e.return(zero(e, type)));
    e.return(e.load(irType(type), context, at));
    return;
  }
  emitCheckInstance(e, program, context);
  const operand = e.param(1);
  const refuse = (): void => e.return(e.i32(HostStatus.invalid_argument));
  if (type === V128) {
    e.if(e.eqz(operand), refuse);
    if (access === "global-get") e.store(operand, 0, e.load(irType(type), context, at));
    else e.store(context, at, e.load(irType(type), operand, 0));
  } else {
    if (type === FUNCREF) e.if(e.eqz(isReference(e, program, operand)), refuse);
    e.store(context, at, operand);
  }
  e.return(e.i32(0));
}

function zero(e: Emitter, type: ValType): Value {
  const t = irType(type);
  if (t === I32) return e.i32(0);
  return t === I64 ? e.i64(0) : e.bitcast(t, cSizeOf(type) === 4 ? e.i32(0) : e.i64(0));
}

export function buildCoreAccess(e: Emitter, program: Program, access: CoreAccess, index: number): void {
  switch (access) {
    case "memory-grow":
    case "table-grow":
      emitGrow(e, program, access, index);
      return;
    case "table-size":
    case "table-get":
    case "table-set":
      emitTable(e, program, access, index);
      return;
    case "global-get":
    case "global-set":
      emitGlobal(e, program, access, index);
      return;
  }
}
