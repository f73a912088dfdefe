/**
 * Subtyping ("matching", Wasm 3.0 §3.3): inside a module, and between an export of one and an import of another.
 *
 * A concrete heap type means something in its module only, so every question takes the module of either side. Both
 * must have been decoded with the same interner.
 */

import type { TypeInterner } from "./type-interner.ts";
import {
  BOTTOM,
  BOTTOM_REF,
  type CompositeType,
  type FieldType,
  type GlobalType,
  HEAP_ANY,
  HEAP_ARRAY,
  HEAP_EQ,
  HEAP_EXN,
  HEAP_EXTERN,
  HEAP_FUNC,
  HEAP_I31,
  HEAP_NOEXN,
  HEAP_NOEXTERN,
  HEAP_NOFUNC,
  HEAP_NONE,
  HEAP_STRUCT,
  heapOf,
  isConcrete,
  isNullable,
  isRef,
  type Limits,
  type MemoryType,
  type SubType,
  type TableType,
  type TagType,
  type ValType,
} from "./types.ts";

/** What matching needs of a `Module`. */
export interface TypeContext {
  readonly types: readonly SubType[];
  readonly typeIds: Uint32Array;
  readonly interner: TypeInterner;
}

const COMPOSITE_HEAP = { func: HEAP_FUNC, struct: HEAP_STRUCT, array: HEAP_ARRAY } as const;

/** The abstract heap type right above a type index; 0 for an unknown index. */
function heapAbove(typeIndex: number, context: TypeContext): number {
  const composite = context.types[typeIndex]?.composite;
  return composite === undefined ? 0 : COMPOSITE_HEAP[composite.kind];
}

function abstractMatches(sub: number, sup: number): boolean {
  if (sub === sup) return true;
  switch (sup) {
    case HEAP_ANY:
      return sub === HEAP_EQ || sub === HEAP_I31 || sub === HEAP_STRUCT || sub === HEAP_ARRAY || sub === HEAP_NONE;
    case HEAP_EQ:
      return sub === HEAP_I31 || sub === HEAP_STRUCT || sub === HEAP_ARRAY || sub === HEAP_NONE;
    case HEAP_I31:
    case HEAP_STRUCT:
    case HEAP_ARRAY:
      return sub === HEAP_NONE;
    case HEAP_FUNC:
      return sub === HEAP_NOFUNC;
    case HEAP_EXTERN:
      return sub === HEAP_NOEXTERN;
    case HEAP_EXN:
      return sub === HEAP_NOEXN;
    default:
      return false;
  }
}

function heapMatches(sub: ValType, subContext: TypeContext, sup: ValType, supContext: TypeContext): boolean {
  if (!isConcrete(sup)) {
    return abstractMatches(isConcrete(sub) ? heapAbove(heapOf(sub), subContext) : heapOf(sub), heapOf(sup));
  }
  if (isConcrete(sub)) return typeMatches(heapOf(sub), subContext, heapOf(sup), supContext);
  const above = heapAbove(heapOf(sup), supContext);
  return heapOf(sub) === (above === HEAP_FUNC ? HEAP_NOFUNC : HEAP_NONE);
}

/** Whether the type at index `sub` is the one at `sup`, or declared to be a subtype of it. */
export function typeMatches(sub: number, subContext: TypeContext, sup: number, supContext: TypeContext): boolean {
  const subId = subContext.typeIds[sub];
  const supId = supContext.typeIds[sup];
  return subId !== undefined && supId !== undefined && subContext.interner.isSubtype(subId, supId);
}

/** Whether a value of type `sub` may be used where `sup` is expected. */
export function valTypeMatches(sub: ValType, subContext: TypeContext, sup: ValType, supContext: TypeContext): boolean {
  if (sub === BOTTOM) return true;
  if (!isRef(sub) || !isRef(sup)) return sub === sup;
  if (sub === BOTTOM_REF) return true;
  if (isNullable(sub) && !isNullable(sup)) return false;
  return heapMatches(sub, subContext, sup, supContext);
}

/** Element by element, of lists of the same length. */
export function resultTypeMatches(
  sub: readonly ValType[],
  subContext: TypeContext,
  sup: readonly ValType[],
  supContext: TypeContext,
): boolean {
  if (sub === sup) return true;
  if (sub.length !== sup.length) return false;
  for (let i = 0; i < sub.length; i++) {
    const [a, b] = [sub[i] ?? BOTTOM, sup[i] ?? BOTTOM];
    if (!valTypeMatches(a, subContext, b, supContext)) return false;
  }
  return true;
}

function fieldMatches(sub: FieldType, sup: FieldType, context: TypeContext): boolean {
  if (sub.mutable !== sup.mutable || !valTypeMatches(sub.type, context, sup.type, context)) return false;
  return !sub.mutable || valTypeMatches(sup.type, context, sub.type, context);
}

/** Whether `sub` may declare `sup` as its supertype. Both are of one module. */
export function compositeMatches(sub: CompositeType, sup: CompositeType, context: TypeContext): boolean {
  if (sub.kind === "func" && sup.kind === "func") {
    return (
      resultTypeMatches(sup.params, context, sub.params, context) &&
      resultTypeMatches(sub.results, context, sup.results, context)
    );
  }
  if (sub.kind === "array" && sup.kind === "array") return fieldMatches(sub.field, sup.field, context);
  if (sub.kind === "struct" && sup.kind === "struct") {
    return sup.fields.every((field, i) => {
      const own = sub.fields[i];
      return own !== undefined && fieldMatches(own, field, context);
    });
  }
  return false;
}

/** Sizes are those of the types; a linker that knows the current size passes it as `sub.min`. */
export function limitsMatch(sub: Limits, sup: Limits): boolean {
  if (sub.is64 !== sup.is64 || sub.min < sup.min) return false;
  return sup.max === undefined || (sub.max !== undefined && sub.max <= sup.max);
}

export function tableTypeMatches(
  sub: TableType,
  subContext: TypeContext,
  sup: TableType,
  supContext: TypeContext,
): boolean {
  return (
    limitsMatch(sub, sup) &&
    valTypeMatches(sub.element, subContext, sup.element, supContext) &&
    valTypeMatches(sup.element, supContext, sub.element, subContext)
  );
}

export function memoryTypeMatches(sub: MemoryType, sup: MemoryType): boolean {
  return limitsMatch(sub, sup) && sub.shared === sup.shared && sub.pageSizeLog2 === sup.pageSizeLog2;
}

export function globalTypeMatches(
  sub: GlobalType,
  subContext: TypeContext,
  sup: GlobalType,
  supContext: TypeContext,
): boolean {
  if (sub.mutable !== sup.mutable || !valTypeMatches(sub.type, subContext, sup.type, supContext)) return false;
  return !sub.mutable || valTypeMatches(sup.type, supContext, sub.type, subContext);
}

export function tagTypeMatches(sub: TagType, subContext: TypeContext, sup: TagType, supContext: TypeContext): boolean {
  const subId = subContext.typeIds[sub.type];
  return subId !== undefined && subId === supContext.typeIds[sup.type];
}
