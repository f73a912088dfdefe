/** Calls and references to functions. */

import type { Value } from "../../ir/function.ts";
import { Access, IntCC, Op, Region } from "../../ir/ops.ts";
import { I32, I64 } from "../../ir/types.ts";
import { FUNCREF_CODE_OFFSET, FUNCREF_SIGNATURE_OFFSET } from "../../layout/funcref.ts";
import { Trap } from "../../layout/traps.ts";
import type { CoreFunc, SignatureIndex } from "../../plan/component.ts";
import type { Body } from "./body.ts";
import { tableElement } from "./facts.ts";
import { type TableView, unsupportedFeature } from "./instance.ts";
import { locateElement, tableRegion } from "./tables.ts";

/** Each call through a type compares with its subtypes one after the other; more than this are refused. */
const MAX_SUBTYPES = 16;

/** `call` and `return_call` of function `index`. */
export function translateCall(body: Body, index: number, tail: boolean): void {
  callDirect(body, body.view.callee(index), body.view.module.functions[index] ?? -1, tail);
}

/** Calls `target`, which passes nothing on to another function, with operands of type `typeIndex`. */
function callDirect(body: Body, target: CoreFunc, typeIndex: number, tail: boolean): void {
  const { builder, env, view } = body;
  const args = body.popArgs(view.types(typeIndex).params.length);
  if (target.kind === "intrinsic") {
    const results = env.expandIntrinsic(builder, target.name, args);
    if (!builder.open) body.dead = true;
    else if (tail) {
      builder.return(results);
      body.dead = true;
    } else for (const result of results) body.push(result);
    return;
  }
  const callee = builder.importFunc(env.functionSymbol(target), view.signature(typeIndex));
  if (tail) {
    builder.returnCall(callee, args);
    body.dead = true;
  } else if (body.landing !== undefined && target.kind === "wasm") pushResults(body, builder.callCatch(callee, args));
  // What is no wasm function lets no exception through.
  else for (const result of builder.call(callee, args)) body.push(result);
}

/** Pushes the results of a catching call, in the block where there was no exception. */
function pushResults(body: Body, [status, ...results]: readonly Value[]): void {
  if (status !== undefined) body.landing?.(status);
  for (const result of results) body.push(result);
}

/** `call_indirect` and `return_call_indirect` through table `tableIndex`. Traps: bounds, then null, then signature. */
export function translateCallIndirect(body: Body, typeIndex: number, tableIndex: number, tail: boolean): void {
  const { builder, env, view } = body;
  const table = view.table(tableIndex);
  const expected = view.signatureIndex(typeIndex);
  const index = body.pop();
  const constant = constantElement(body, table, index);
  if (constant !== undefined) {
    if (constant === null) body.trap(Trap.uninitialized_element);
    else if (!env.facts.signatures.isSubtype(constant.signature, expected)) body.trap(Trap.indirect_call_type_mismatch);
    else callDirect(body, env.facts.callee(constant.func), typeIndex, tail);
    return;
  }
  locateElement(body, table, index, Trap.undefined_element);
  if (body.dead) return;
  const { base, offset } = body;
  const region = tableRegion(table);
  const signature = builder.load(I32, base, offset + FUNCREF_SIGNATURE_OFFSET, region);
  let ok = builder.icmp(IntCC.eq, I32, signature, builder.iconst32(expected + 1));
  for (const sub of subtypes(body, expected)) {
    const same = builder.icmp(IntCC.eq, I32, signature, builder.iconst32(sub + 1));
    ok = builder.binary(Op.bor, I32, ok, same);
  }
  body.checkSignature(ok, base, offset + FUNCREF_SIGNATURE_OFFSET, region);
  const code = builder.load(I64, base, offset + FUNCREF_CODE_OFFSET, region, Access.u32);
  callAddress(body, code, typeIndex, tail);
}

function subtypes(body: Body, expected: SignatureIndex): readonly SignatureIndex[] {
  const found = body.env.facts.signatures.subtypes(expected);
  if (found.length > MAX_SUBTYPES) {
    throw unsupportedFeature("gc", `an indirect call through a type with more than ${MAX_SUBTYPES} subtypes`);
  }
  return found;
}

/** What a constant index names in a table whose contents never change: a function, null, or undefined when that isn't known. */
function constantElement(
  body: Body,
  table: TableView,
  index: Value,
): { readonly func: CoreFunc; readonly signature: SignatureIndex } | null | undefined {
  const known = body.constantIndex(index, table.is64);
  if (known < 0 || table.size === undefined || known >= table.size) return undefined;
  const element = tableElement(table.facts, known);
  if (element === undefined || element.kind === "number") return undefined;
  return element.kind === "null" ? null : element;
}

/** `call_ref` and `return_call_ref`: the type is known, null is not excluded. */
export function translateCallRef(body: Body, typeIndex: number, tail: boolean): void {
  const { builder } = body;
  const reference = body.pop();
  checkNonNull(body, reference, Trap.null_function_reference);
  const code = builder.unary(Op.uextend, I64, builder.unary(Op.ireduce, I32, reference));
  callAddress(body, code, typeIndex, tail);
}

/** Calls the code at offset `code` of the text. */
function callAddress(body: Body, code: Value, typeIndex: number, tail: boolean): void {
  const { builder, view } = body;
  const address = builder.binary(Op.iadd, I64, builder.nullary(Op.text_base), code);
  const signature = body.signature(typeIndex);
  const args = body.popArgs(view.types(typeIndex).params.length);
  if (tail) {
    builder.returnCallIndirect(address, signature, args);
    body.dead = true;
  } else if (body.landing !== undefined) pushResults(body, builder.callCatchIndirect(address, signature, args));
  else for (const result of builder.callIndirect(address, signature, args)) body.push(result);
}

export function checkNonNull(body: Body, reference: Value, code: number): void {
  body.builder.trapIf(Op.trapnz, isNull(body, reference), code);
}

export function isNull(body: Body, reference: Value): Value {
  return body.builder.icmp(IntCC.eq, I64, reference, body.builder.iconst64(0, 0));
}

/** A reference to `func`: code offset in the low half, signature number plus one in the high half (`layout/funcref.ts`). */
export function functionReference(body: Body, func: CoreFunc, signature: SignatureIndex): Value {
  const { builder, env } = body;
  if (func.kind === "intrinsic") {
    throw unsupportedFeature("windlass:native", `a reference to the intrinsic ${JSON.stringify(func.name)}`);
  }
  const address = builder.funcAddr(env.functionSymbol(func));
  const code = builder.binary(Op.isub, I64, address, builder.nullary(Op.text_base));
  return builder.binary(Op.iadd, I64, code, builder.iconst64(0, signature + 1));
}

export function translateGlobalGet(body: Body, index: number): void {
  const { builder, view } = body;
  const { value, type, displacement, constant } = view.global(index);
  if (value?.kind === "func") body.push(functionReference(body, value.func, value.signature));
  else if (value?.kind === "null") body.push(builder.iconst64(0, 0));
  else if (value?.kind === "number") {
    const { lo, hi } = value;
    if (type === I32) body.push(builder.iconst32(lo));
    else if (type === I64) body.push(builder.iconst64(lo, hi));
    else body.push(type === 2 ? builder.f32const(lo) : builder.f64const(lo, hi));
  } else body.push(builder.load(type, body.context, displacement, constant ? Region.constant : Region.global));
}

export function translateGlobalSet(body: Body, index: number): void {
  const { type, displacement } = body.view.global(index);
  body.builder.store(type, body.context, body.pop(), displacement, Region.global);
}
