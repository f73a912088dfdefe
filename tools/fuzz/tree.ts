/**
 * A module as a tree, so that it can be cut down: operands are children, functions and labels are objects and get their numbers when the
 * module is encoded (`encode.ts`). A tree need not be valid; whoever changes one asks an engine.
 */

/**
 * One letter for each value: `i l f d v` as in the opcode table, `r` funcref, `x` externref, `R` a funcref that is not null, `e` exnref; `A` to `F` are
 * references to the module's declared types, in order, and `S` to `X` the same when not null.
 */
export type Types = string;

const FIRST_NULLABLE = 0x41;
const FIRST_NON_NULL = 0x53;
export const MAX_DECLARED = 6;

const PLAIN: Readonly<Record<string, readonly number[]>> = {
  i: [0x7f],
  l: [0x7e],
  f: [0x7d],
  d: [0x7c],
  v: [0x7b],
  r: [0x70],
  x: [0x6f],
  e: [0x69],
  R: [0x64, 0x70],
};

/** The letter of a reference to declared type `index`. */
export function referenceTo(index: number, nullable: boolean): string {
  return String.fromCharCode((nullable ? FIRST_NULLABLE : FIRST_NON_NULL) + index);
}

/** Which declared type a letter refers to. */
export function declaredOf(letter: string): { readonly index: number; readonly nullable: boolean } | undefined {
  const code = letter.charCodeAt(0);
  for (const nullable of [true, false]) {
    const index = code - (nullable ? FIRST_NULLABLE : FIRST_NON_NULL);
    if (index >= 0 && index < MAX_DECLARED) return { index, nullable };
  }
  return undefined;
}

/** Bytes of a value type. */
export function valueType(letter: string): readonly number[] {
  const declared = declaredOf(letter);
  if (declared !== undefined) return [declared.nullable ? 0x63 : 0x64, declared.index];
  return PLAIN[letter] ?? [0];
}

/** Bytes of the heap type of a reference. */
export function heapType(letter: string): readonly number[] {
  const declared = declaredOf(letter);
  if (declared !== undefined) return [declared.index];
  return letter === "e" || letter === "x" ? valueType(letter) : [0x70];
}

export function isReferenceType(letter: string): boolean {
  return letter === "r" || letter === "x" || letter === "e" || letter === "R" || declaredOf(letter) !== undefined;
}

/** References that are never null: a local of such a type has no value at first. */
export function isNonNull(letter: string): boolean {
  return letter === "R" || declaredOf(letter)?.nullable === false;
}

/** The same reference type, null included. */
export function nullable(letter: string): string {
  const declared = declaredOf(letter);
  return declared === undefined ? "r" : referenceTo(declared.index, true);
}

/** The same reference type without null. */
export function nonNullable(letter: string): string {
  const declared = declaredOf(letter);
  return declared === undefined ? "R" : referenceTo(declared.index, false);
}

/** What the operators of an integer type are named after. */
export function integerName(type: string): string {
  return type === "i" ? "i32" : "i64";
}

/** The type of a block without parameters and results. */
export const EMPTY_BLOCK = { kind: "block", params: "", results: "" } as const;

/** Not an operator: operands that a block has on its stack already. */
export const ON_STACK = -1;

/** What a branch to it carries. */
export interface Label {
  readonly types: Types;
}

/** A function type in the type section that others refer to. */
export interface DeclaredType {
  readonly params: Types;
  readonly results: Types;
  /** An earlier one that it is a subtype of. */
  readonly supertype: number | undefined;
  readonly final: boolean;
}

/** A clause of a `try_table`; a `tag` where there is one. */
export interface CatchClause {
  readonly tag: number | undefined;
  /** The label takes a reference to the exception, last. */
  readonly byReference: boolean;
  readonly label: Label;
}

export type Immediate =
  | { readonly kind: "bytes"; readonly bytes: readonly number[] }
  | { readonly kind: "u32"; readonly value: number }
  | { readonly kind: "label"; readonly label: Label }
  | { readonly kind: "labels"; readonly labels: readonly Label[] }
  | { readonly kind: "func"; readonly func: FuncTree }
  /** `declared`: one of the module's declared types, else the one that has this form. */
  | { readonly kind: "type"; readonly params: Types; readonly results: Types; readonly declared: number | undefined }
  /** The type of a block. */
  | { readonly kind: "block"; readonly params: Types; readonly results: Types }
  | { readonly kind: "catches"; readonly clauses: readonly CatchClause[] }
  | { readonly kind: "memarg"; readonly align: number; readonly memory: number; readonly offset: bigint };

export interface Expr {
  readonly code: number;
  /** What it leaves on the stack; of what never comes back whatever its place asks for. */
  readonly results: Types;
  readonly kids: Expr[];
  readonly immediates: readonly Immediate[];
  /** Of a block one list, of an `if` one or two. */
  readonly bodies?: Expr[][];
  readonly label?: Label;
}

export interface FuncTree {
  readonly params: Types;
  readonly results: Types;
  /** Of a declared type. */
  readonly declared: number | undefined;
  locals: Types;
  body: Expr[];
}

export interface GlobalTree {
  readonly type: string;
  readonly mutable: boolean;
  readonly init: Expr;
  readonly export: string | undefined;
}

export interface MemoryTree {
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
}

export interface TableTree {
  readonly min: number;
  readonly max: number | undefined;
  readonly is64: boolean;
  /** Letter of its elements. */
  readonly type: string;
  /** What its elements are at first; undefined: null. */
  readonly init: Expr | undefined;
}

/** Items of an element segment are functions or null. */
export interface ElementTree {
  readonly mode: "active" | "passive" | "declarative";
  readonly table: number;
  readonly offset: Expr;
  readonly type: string;
  items: (FuncTree | undefined)[];
}

export interface DataTree {
  /** Undefined: passive. */
  readonly offset: Expr | undefined;
  readonly memory: number;
  readonly bytes: readonly number[];
}

export interface ModuleTree {
  readonly types: readonly DeclaredType[];
  /** What exceptions carry. */
  readonly tags: readonly Types[];
  functions: FuncTree[];
  readonly exports: { readonly name: string; readonly func: FuncTree }[];
  readonly globals: GlobalTree[];
  readonly memories: MemoryTree[];
  readonly tables: TableTree[];
  elements: ElementTree[];
  data: DataTree[];
  start: FuncTree | undefined;
}
