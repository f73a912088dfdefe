/**
 * How C passes values of component types (host ABI `typed`), System V AMD64 exactly.
 *
 * Scalars, enums, flags and handles are one value; a string, list or map is a structure of two words, by value; everything else is passed by
 * address. A structure of two words goes in two registers or, if fewer are left, on the stack as a whole, and what comes behind it may still get a
 * register. The IR has no structures: the words that are in registers come first, then arguments without meaning that fill the registers, then the
 * words on the stack. The calling convention of the IR then puts each where C does.
 */

import { discriminantSize, flagsSize } from "../abi/sizes.ts";
import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, TypeFunc } from "../component/types.ts";
import { F32, F64, I32, I64, isFloatOrVector, type Signature, type Type } from "../ir/types.ts";

const INTEGER_REGISTERS = 6;
const FLOAT_REGISTERS = 8;

export function isByValue(t: InterfaceType): boolean {
  switch (t.kind) {
    case "record":
    case "tuple":
    case "variant":
    case "option":
    case "result":
    case "fixed-list":
      return false;
    default:
      return true;
  }
}

/** The words that a C argument of this type has. */
export function wordsOf(t: InterfaceType): readonly Type[] {
  switch (t.kind) {
    case "bool":
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "char":
    case "enum":
    case "flags":
    case "error-context":
      return [I32];
    case "s64":
    case "u64":
    case "own":
    case "borrow":
      return [I64];
    case "f32":
      return [F32];
    case "f64":
      return [F64];
    case "string":
    case "list":
    case "map":
      return [I64, I64];
    case "record":
    case "tuple":
    case "variant":
    case "option":
    case "result":
    case "fixed-list":
      return [I64];
    default:
      return unreachable(t);
  }
}

/** Bits of an `i32` argument that C leaves undefined are above this many; 32 when there are none, or lifting ignores them anyway. */
export function definedBits(types: ComponentTypes, t: InterfaceType): number {
  if (t.kind === "bool") return 8;
  if (t.kind === "enum") return 8 * discriminantSize(types.enums.table.get(t.type).names.length);
  if (t.kind === "flags") return 8 * flagsSize(types.flags.table.get(t.type).names.length);
  return 32;
}

/** A C function of component values. */
export interface CSignature {
  readonly signature: Signature;
  /** For each parameter: the positions of its words in the signature. */
  readonly params: readonly (readonly number[])[];
  /** The position of the result's address. */
  readonly out: number | undefined;
}

/** `leading` pointers, the parameters, and the result's address if there is one; gives a status. */
export function cSignatureOf(func: TypeFunc, leading: number): CSignature {
  const groups: (readonly Type[])[] = func.params.map((p) => wordsOf(p.type));
  if (func.result !== undefined) groups.push([I64]);
  const words: Type[] = new Array<Type>(leading).fill(I64);
  const positions: number[][] = groups.map(() => []);
  let integers = leading;
  let floats = 0;
  const stack: { readonly group: number; readonly type: Type }[] = [];
  groups.forEach((types, group) => {
    const [first = I64] = types;
    const isFloat = isFloatOrVector(first);
    const fits = isFloat ? floats < FLOAT_REGISTERS : integers + types.length <= INTEGER_REGISTERS;
    if (!fits) {
      for (const type of types) stack.push({ group, type });
      return;
    }
    if (isFloat) floats++;
    else integers += types.length;
    for (const type of types) positions[group]?.push(words.push(type) - 1);
  });
  if (stack.some(({ type }) => !isFloatOrVector(type)))
    for (; integers < INTEGER_REGISTERS; integers++) words.push(I64);
  for (const { group, type } of stack) positions[group]?.push(words.push(type) - 1);
  const params = positions.slice(0, func.params.length);
  return {
    signature: { params: words, results: [I32], convention: "c" },
    params,
    out: positions[func.params.length]?.[0],
  };
}

/** Arguments for a call, in the signature's order: `filler` where none has a meaning. */
export function placeArguments<V>(
  { signature, params, out }: CSignature,
  leading: readonly V[],
  values: readonly (readonly V[])[],
  outAddress: V | undefined,
  filler: V,
): readonly V[] {
  const placed = new Array<V>(signature.params.length).fill(filler);
  leading.forEach((value, i) => {
    placed[i] = value;
  });
  params.forEach((positions, i) => {
    positions.forEach((at, word) => {
      const value = values[i]?.[word];
      if (value === undefined) throw new InternalError("frontend", `argument ${i} lacks a word`);
      placed[at] = value;
    });
  });
  if (out !== undefined && outAddress !== undefined) placed[out] = outAddress;
  return placed;
}
