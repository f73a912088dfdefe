/** Validity of types (Wasm 3.0 §3.2), and the refusal of those that only garbage collection has. */

import { type DiagnosticKind, WindlassError } from "../base/diagnostics.ts";
import { MAX_SUBTYPING_DEPTH, maxPages } from "./limits.ts";
import { compositeMatches } from "./matching.ts";
import type { Module } from "./module.ts";
import {
  type CompositeType,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_EQ,
  HEAP_I31,
  HEAP_NONE,
  HEAP_STRUCT,
  heapOf,
  heapTypeName,
  isConcrete,
  isRef,
  type MemoryType,
  type TableType,
  type ValType,
} from "./types.ts";

/** A diagnostic of the module at the absolute byte `offset`. */
export function moduleError(
  kind: DiagnosticKind,
  message: string,
  offset: number,
  path: readonly string[],
): WindlassError {
  return new WindlassError({ kind, subject: "module", offset, path, message });
}

/** The standard's wording for a reader's message, when what ended is a part of the file and not the file. */
export function endOfPart(message: string): string {
  return message === "unexpected end" ? "unexpected end of section or function" : message;
}

/** What is wrong with the type, if anything: a type index not below `typeCount`, or a heap type of garbage collection. */
export function valTypeFault(
  type: ValType,
  typeCount: number,
): { readonly kind: DiagnosticKind; readonly message: string } | undefined {
  if (!isRef(type)) return undefined;
  const heap = heapOf(type);
  if (isConcrete(type)) return heap >= typeCount ? { kind: "invalid", message: `unknown type ${heap}` } : undefined;
  switch (heap) {
    case HEAP_ANY:
    case HEAP_EQ:
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
    case HEAP_NONE:
      return { kind: "unsupported", message: `heap type ${heapTypeName(type)} needs the gc feature` };
    default:
      return undefined;
  }
}

/** Throws `WindlassError` when the type has a fault. */
export function checkValType(type: ValType, typeCount: number, offset: number, path: readonly string[]): void {
  const fault = valTypeFault(type, typeCount);
  if (fault !== undefined) throw moduleError(fault.kind, fault.message, offset, path);
}

function checkComposite(type: CompositeType, typeCount: number, offset: number, path: readonly string[]): void {
  switch (type.kind) {
    case "func":
      for (const param of type.params) checkValType(param, typeCount, offset, path);
      for (const result of type.results) checkValType(result, typeCount, offset, path);
      return;
    case "struct":
      for (const field of type.fields) checkValType(field.type, typeCount, offset, path);
      return;
    case "array":
      checkValType(type.field.type, typeCount, offset, path);
      return;
  }
}

/** Validates the type section. Throws `WindlassError`. */
export function validateTypes(module: Module): void {
  const { types, typeGroupEnd } = module;
  const path = ["type section"];
  /** Length of the chain of supertypes above each type. */
  const depths = new Uint8Array(types.length);
  for (const [index, type] of types.entries()) {
    const { offset, supertypes } = type;
    const superIndex = supertypes[0];
    checkComposite(type.composite, typeGroupEnd[index] ?? 0, offset, path);
    if (superIndex === undefined) continue;
    const parent = types[superIndex];
    const depth = (depths[superIndex] ?? 0) + 1;
    depths[index] = depth;
    let fault = "";
    if (supertypes.length > 1) fault = `sub type ${index} declares more than one super type`;
    else if (parent === undefined || superIndex >= index) fault = `unknown type ${superIndex}`;
    else if (parent.final) fault = `sub type ${index} does not match super type ${superIndex}, which is final`;
    else if (!compositeMatches(type.composite, parent.composite, module)) {
      fault = `sub type ${index} does not match super type ${superIndex}`;
    }
    if (fault !== "") throw moduleError("invalid", fault, offset, path);
    if (depth > MAX_SUBTYPING_DEPTH) {
      throw moduleError("limit", `subtyping depth exceeds the limit of ${MAX_SUBTYPING_DEPTH}`, offset, path);
    }
  }
  for (const { composite, offset } of types) {
    if (composite.kind !== "func") {
      throw moduleError("unsupported", `${composite.kind} types need the gc feature`, offset, path);
    }
  }
}

/** Throws `WindlassError`. */
export function validateTableType(type: TableType, typeCount: number, offset: number, path: readonly string[]): void {
  checkValType(type.element, typeCount, offset, path);
  const { min, max } = type;
  if (max !== undefined && min > max) {
    throw moduleError("invalid", "size minimum must not be greater than maximum", offset, path);
  }
  if (!type.is64 && (min > 0xffff_ffff || (max !== undefined && max > 0xffff_ffff))) {
    throw moduleError("invalid", "table size must be at most 2^32 - 1", offset, path);
  }
}

/** Throws `WindlassError`. */
export function validateMemoryType(type: MemoryType, offset: number, path: readonly string[]): void {
  const { min, max, is64, pageSizeLog2 } = type;
  const fail = (message: string): never => {
    throw moduleError("invalid", message, offset, path);
  };
  if (pageSizeLog2 !== 0 && pageSizeLog2 !== 16) fail("invalid custom page size: must be 1 or 65536");
  const most = maxPages(is64, pageSizeLog2);
  if (min > most || (max !== undefined && max > most)) {
    const bytes = !is64 && pageSizeLog2 === 16 ? " (4GiB)" : "";
    fail(`memory size must be at most ${most} pages${bytes}`);
  }
  if (max !== undefined && min > max) fail("size minimum must not be greater than maximum");
  if (type.shared && max === undefined) fail("shared memory must have maximum");
}
