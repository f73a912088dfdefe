/**
 * A decoded core module: its sections as the standard's index spaces, imports first in each. Function bodies stay byte
 * ranges of the input; `OperatorReader` walks them. Offsets are absolute in `bytes`, so that an error in a module inside
 * a component has the component file's offset.
 */

import type { ValType, SubType, FuncType, TableType, MemoryType, GlobalType, TagType } from "./types.ts";
import type { TypeInterner } from "./type-interner.ts";

export type ExternKind = "func" | "table" | "memory" | "global" | "tag";

/** What an import asks for. `type` of a function is a type index of the module. */
export type ImportDesc =
  | { readonly kind: "func"; readonly type: number }
  | { readonly kind: "table"; readonly type: TableType }
  | { readonly kind: "memory"; readonly type: MemoryType }
  | { readonly kind: "global"; readonly type: GlobalType }
  | { readonly kind: "tag"; readonly type: TagType };

export interface Import {
  readonly module: string;
  readonly name: string;
  readonly desc: ImportDesc;
  readonly offset: number;
}

export interface Export {
  readonly name: string;
  readonly kind: ExternKind;
  /** In the index space of `kind`. */
  readonly index: number;
  readonly offset: number;
}

/** One operator of a constant expression. Fields that the operator does not use are 0. */
export interface ConstOperator {
  /** Opcode of `opcodes.ts`. */
  readonly op: number;
  readonly offset: number;
  /** Function or global index. */
  readonly index: number;
  /** Bits of the constant: i32 and f32 in `lo`, i64 and f64 in `lo` and `hi`, v128 in all four. */
  readonly lo: number;
  readonly hi: number;
  readonly lo2: number;
  readonly hi2: number;
  /** `ref.null`: its reference type. */
  readonly type: ValType;
}

/** A constant expression without its `end`, in the order of the (postfix) binary. */
export interface ConstExpr {
  readonly operators: readonly ConstOperator[];
  readonly start: number;
  readonly end: number;
}

export interface Table {
  readonly type: TableType;
  /** Undefined: null references. Only for tables that the module defines. */
  readonly init: ConstExpr | undefined;
  readonly offset: number;
}

export interface Memory {
  readonly type: MemoryType;
  readonly offset: number;
}

export interface Global {
  readonly type: GlobalType;
  /** Undefined for imported globals only. */
  readonly init: ConstExpr | undefined;
  readonly offset: number;
}

export interface Tag {
  readonly type: TagType;
  readonly offset: number;
}

export type SegmentMode =
  | { readonly kind: "passive" }
  /** Elements only: gone after instantiation, but declares functions for `ref.func`. */
  | { readonly kind: "declared" }
  /** `index` is the table's or the memory's. */
  | { readonly kind: "active"; readonly index: number; readonly offset: ConstExpr };

/** Stands for a null reference among the functions of an element segment. */
export const NULL_FUNCTION = 0xffff_ffff;

/**
 * Function indices where the binary holds them, or where every expression is a lone `ref.func` or `ref.null` (then
 * `NULL_FUNCTION`, and `nullType` is the one reference type of the nulls); else expressions.
 */
export type ElementItems =
  | { readonly kind: "functions"; readonly functions: Uint32Array; readonly nullType: ValType | undefined }
  | { readonly kind: "expressions"; readonly expressions: readonly ConstExpr[] };

export interface ElementSegment {
  /** A reference type. */
  readonly type: ValType;
  readonly mode: SegmentMode;
  readonly items: ElementItems;
  readonly offset: number;
}

export interface DataSegment {
  readonly mode: SegmentMode;
  /** Byte range of the contents in `Module.bytes`. */
  readonly start: number;
  readonly end: number;
  readonly offset: number;
}

export interface Module {
  /** The whole file; the module is `bytes[start, end)`. */
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;

  readonly types: readonly SubType[];
  /** Type index → id in `interner`: equal ids are equal types, across all modules that share the interner. */
  readonly typeIds: Uint32Array;
  /** Type index → first type index behind its recursive group. */
  readonly typeGroupEnd: Uint32Array;
  readonly interner: TypeInterner;

  readonly imports: readonly Import[];

  /** Function index → type index. */
  readonly functions: Uint32Array;
  readonly importedFunctions: number;
  readonly tables: readonly Table[];
  readonly importedTables: number;
  readonly memories: readonly Memory[];
  readonly importedMemories: number;
  readonly globals: readonly Global[];
  readonly importedGlobals: number;
  readonly tags: readonly Tag[];
  readonly importedTags: number;

  readonly exports: readonly Export[];
  readonly startFunction: number | undefined;
  readonly elements: readonly ElementSegment[];
  readonly data: readonly DataSegment[];
  readonly dataCount: number | undefined;

  /** Bodies of the defined functions: function index minus `importedFunctions` → byte range, local declarations first. */
  readonly bodyStart: Uint32Array;
  readonly bodyEnd: Uint32Array;

  readonly names: ModuleNames;
}

/** What the `name` custom section says. Malformed names are ignored: custom sections can't make a module invalid. */
export interface ModuleNames {
  readonly module: string | undefined;
  /** Function index → byte range of its UTF-8 name; empty when it has none. */
  readonly functionStart: Uint32Array;
  readonly functionEnd: Uint32Array;
}

/** The type of function `index`, which the validator has seen to be a function type. Throws `RangeError`. */
export function functionType(module: Module, index: number): FuncType {
  return funcTypeAt(module, module.functions[index] ?? -1);
}

/** The function type at type index `typeIndex`. Throws `RangeError` when there is none. */
export function funcTypeAt(module: Module, typeIndex: number): FuncType {
  const composite = module.types[typeIndex]?.composite;
  if (composite === undefined || composite.kind !== "func")
    throw new RangeError(`type ${typeIndex} is no function type`);
  return composite;
}

const LENIENT_UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

/** From the name section, without quotes; undefined when it has none. */
export function functionName(module: Module, index: number): string | undefined {
  const start = module.names.functionStart[index] ?? 0;
  const end = module.names.functionEnd[index] ?? 0;
  return end > start ? LENIENT_UTF8.decode(module.bytes.subarray(start, end)) : undefined;
}

/** `function 17 "memcpy"`: the last part of a diagnostic's path. */
export function functionPath(module: Module, index: number): string {
  const name = functionName(module, index);
  return name === undefined ? `function ${index}` : `function ${index} ${JSON.stringify(name)}`;
}
