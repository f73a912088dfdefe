/**
 * Core types. A value type is one small number, so that operand stacks, signatures and locals fit in typed columns.
 *
 * | bits  | reference types                                             |
 * |-------|-------------------------------------------------------------|
 * | 0–3   | 0 (numbers and vectors have 1–7 here and nothing else)      |
 * | 4     | set: a reference                                            |
 * | 5     | set: nullable                                               |
 * | 6     | set: the heap is a type index of the module, else abstract  |
 * | 8–30  | the type index, or the abstract heap type's code            |
 *
 * A concrete heap type is the *module's* type index, as in the binary: two of them are the same type when
 * `TypeInterner` gave both the same id (`type-interner.ts`).
 */

/** A value type in the coding above. `0` is the bottom type, which only the validator's operand stack holds. */
export type ValType = number;

export const BOTTOM = 0;
export const I32 = 1;
export const I64 = 2;
export const F32 = 3;
export const F64 = 4;
export const V128 = 5;
/** Packed field types of structs and arrays; never on the operand stack. */
export const PACKED_I8 = 6;
export const PACKED_I16 = 7;

export const REF_BIT = 0x10;
export const NULLABLE_BIT = 0x20;
export const CONCRETE_BIT = 0x40;
const HEAP_SHIFT = 8;

/** Codes of the abstract heap types: the low seven bits of their binary form. */
export const HEAP_ARRAY = 0x6a;
export const HEAP_STRUCT = 0x6b;
export const HEAP_I31 = 0x6c;
export const HEAP_EQ = 0x6d;
export const HEAP_ANY = 0x6e;
export const HEAP_EXTERN = 0x6f;
export const HEAP_FUNC = 0x70;
export const HEAP_NONE = 0x71;
export const HEAP_NOEXTERN = 0x72;
export const HEAP_NOFUNC = 0x73;
export const HEAP_EXN = 0x69;
export const HEAP_NOEXN = 0x74;

/** The reference type of an abstract heap type (`HEAP_*`). */
export function abstractRef(heap: number, nullable: boolean): ValType {
  return REF_BIT | (nullable ? NULLABLE_BIT : 0) | (heap << HEAP_SHIFT);
}

/** The reference type of the module's type `typeIndex`. */
export function concreteRef(typeIndex: number, nullable: boolean): ValType {
  return REF_BIT | CONCRETE_BIT | (nullable ? NULLABLE_BIT : 0) | (typeIndex << HEAP_SHIFT);
}

/** The bottom of all references: what an operator on references leaves in unreachable code. Validator only. */
export const BOTTOM_REF = abstractRef(0, false);

export const FUNCREF = abstractRef(HEAP_FUNC, true);
export const EXTERNREF = abstractRef(HEAP_EXTERN, true);
export const EXNREF = abstractRef(HEAP_EXN, true);

export function isRef(type: ValType): boolean {
  return (type & REF_BIT) !== 0;
}

/** i32, i64, f32 or f64. */
export function isNumber(type: ValType): boolean {
  return type >= I32 && type <= F64;
}

export function isNullable(type: ValType): boolean {
  return (type & NULLABLE_BIT) !== 0;
}

/** Whether a reference type's heap type is a type index. */
export function isConcrete(type: ValType): boolean {
  return (type & CONCRETE_BIT) !== 0;
}

/** Of a reference type: the type index, or the abstract heap type's code. */
export function heapOf(type: ValType): number {
  return type >>> HEAP_SHIFT;
}

export function asNullable(type: ValType): ValType {
  return type | NULLABLE_BIT;
}

export function asNonNull(type: ValType): ValType {
  return type & ~NULLABLE_BIT;
}

/** Whether a local of this type has a value before it is set. */
export function isDefaultable(type: ValType): boolean {
  return (type & (REF_BIT | NULLABLE_BIT)) !== REF_BIT;
}

const ABSTRACT_NAMES: Readonly<Record<number, string>> = {
  [HEAP_ARRAY]: "array",
  [HEAP_STRUCT]: "struct",
  [HEAP_I31]: "i31",
  [HEAP_EQ]: "eq",
  [HEAP_ANY]: "any",
  [HEAP_EXTERN]: "extern",
  [HEAP_FUNC]: "func",
  [HEAP_NONE]: "none",
  [HEAP_NOEXTERN]: "noextern",
  [HEAP_NOFUNC]: "nofunc",
  [HEAP_EXN]: "exn",
  [HEAP_NOEXN]: "noexn",
};

const NULL_NAMES: Readonly<Record<number, string>> = {
  [HEAP_NONE]: "nullref",
  [HEAP_NOEXTERN]: "nullexternref",
  [HEAP_NOFUNC]: "nullfuncref",
  [HEAP_NOEXN]: "nullexnref",
};

const SCALAR_NAMES = ["bottom", "i32", "i64", "f32", "f64", "v128", "i8", "i16"] as const;

/** Whether `code` is the code of an abstract heap type. */
export function isAbstractHeap(code: number): boolean {
  return ABSTRACT_NAMES[code] !== undefined;
}

/** `func`, `extern`, …, or a type index. */
export function heapTypeName(type: ValType): string {
  const heap = heapOf(type);
  return isConcrete(type) ? String(heap) : (ABSTRACT_NAMES[heap] ?? `heap ${heap}`);
}

/** As in the text format: `i32`, `funcref`, `(ref null 3)`, `(ref func)`. */
export function valTypeName(type: ValType): string {
  if (!isRef(type)) return SCALAR_NAMES[type] ?? `type ${type}`;
  if (isNullable(type) && !isConcrete(type)) return NULL_NAMES[heapOf(type)] ?? `${heapTypeName(type)}ref`;
  return `(ref ${isNullable(type) ? "null " : ""}${heapTypeName(type)})`;
}

export interface FuncType {
  readonly kind: "func";
  readonly params: readonly ValType[];
  readonly results: readonly ValType[];
}

/** A value type or a packed type, and whether it can be set. */
export interface FieldType {
  readonly type: ValType;
  readonly mutable: boolean;
}

export interface StructType {
  readonly kind: "struct";
  readonly fields: readonly FieldType[];
}

export interface ArrayType {
  readonly kind: "array";
  readonly field: FieldType;
}

export type CompositeType = FuncType | StructType | ArrayType;

/** One entry of the type section (Wasm 3.0 §5.3.11). */
export interface SubType {
  readonly final: boolean;
  /** Type indices. More than one is decoded and then invalid. */
  readonly supertypes: readonly number[];
  readonly composite: CompositeType;
  /** Absolute byte offset of the definition. */
  readonly offset: number;
}

/**
 * Of tables (in elements) and memories (in pages). Sizes are plain numbers: exact below 2^53, rounded above, which is
 * far more than anything can be instantiated with.
 */
export interface Limits {
  readonly min: number;
  readonly max: number | undefined;
  /** The address type is i64. */
  readonly is64: boolean;
}

export interface TableType extends Limits {
  /** A reference type. */
  readonly element: ValType;
}

export interface MemoryType extends Limits {
  readonly shared: boolean;
  /** 16 unless the custom-page-sizes proposal's field says 0. */
  readonly pageSizeLog2: number;
}

export interface GlobalType {
  readonly type: ValType;
  readonly mutable: boolean;
}

export interface TagType {
  /** Type index of a function type without results. */
  readonly type: number;
}

function list(types: readonly ValType[]): string {
  return `[${types.map(valTypeName).join(" ")}]`;
}

/** `[i32 i32] -> [i64]`. */
export function funcTypeName(type: FuncType): string {
  return `${list(type.params)} -> ${list(type.results)}`;
}

export function limitsName(limits: Limits): string {
  return `${limits.is64 ? "i64 " : ""}${limits.min}${limits.max === undefined ? "" : ` ${limits.max}`}`;
}

export function tableTypeName(type: TableType): string {
  return `${limitsName(type)} ${valTypeName(type.element)}`;
}

export function memoryTypeName(type: MemoryType): string {
  const page = type.pageSizeLog2 === 16 ? "" : ` (pagesize ${2 ** type.pageSizeLog2})`;
  return `${limitsName(type)}${type.shared ? " shared" : ""}${page}`;
}

export function globalTypeName(type: GlobalType): string {
  return type.mutable ? `(mut ${valTypeName(type.type)})` : valTypeName(type.type);
}
