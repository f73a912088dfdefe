/**
 * What the Canonical ABI is emitted through: a small structured interface, so that its meaning is written once, whatever the target. The
 * front end implements it over the IR; another target can too.
 *
 * `V` is a value, `X` a mutable variable. Integers are `i32` or `i64`; comparisons give an `i32`; addresses are native and `i64`. An operation
 * on two integers takes two of the same type. After `trap` nothing may be emitted until the enclosing construct ends.
 */

import type { TrapName } from "../layout/traps.ts";
import { F32, F64, I64, type ValType } from "../wasm/types.ts";

export type CoreType = "i32" | "i64" | "f32" | "f64";

/** The core types that flat values have. */
export function coreType(type: ValType): CoreType {
  if (type === I64) return "i64";
  if (type === F32) return "f32";
  return type === F64 ? "f64" : "i32";
}

/** Leaves an iteration of a loop from inside. */
export interface AbiLoop<V> {
  break(): void;
  continue(): void;
  breakIf(condition: V): void;
  breakUnless(condition: V): void;
}

export interface AbiEmitter<V, X> {
  i32(value: number): V;
  /** A safe integer. */
  i64(value: number): V;
  /** By its halves. */
  i64Bits(lo: number, hi: number): V;
  zero(type: CoreType): V;

  add(a: V, b: V): V;
  sub(a: V, b: V): V;
  /** `a` plus a constant. */
  offset(a: V, constant: number): V;
  mulImm(a: V, constant: number): V;
  and(a: V, b: V): V;
  andImm(a: V, constant: number): V;
  or(a: V, b: V): V;
  orImm(a: V, constant: number): V;
  shl(a: V, bits: number): V;
  /** Logical. */
  shr(a: V, bits: number): V;
  /** Sign-extends the low bits of an `i32`. */
  signExtend(bits: 8 | 16, a: V): V;
  /** `i32` → `i64`, zero-extended. */
  zext(a: V): V;
  /** `i64` → `i32`, the low half. */
  wrap(a: V): V;
  /** The same bits as another type of the same size. */
  reinterpret(type: CoreType, a: V): V;

  eq(a: V, b: V): V;
  ne(a: V, b: V): V;
  /** Unsigned. */
  ult(a: V, b: V): V;
  ugt(a: V, b: V): V;
  eqImm(a: V, constant: number): V;
  neImm(a: V, constant: number): V;
  /** Unsigned. */
  ultImm(a: V, constant: number): V;
  ugtImm(a: V, constant: number): V;

  load(type: CoreType, address: V, offset: number): V;
  /** As `i32`. */
  loadNarrow(bits: 8 | 16, signed: boolean, address: V, offset: number): V;
  store(address: V, offset: number, value: V): void;
  /** The low bits of an `i32`. */
  storeNarrow(bits: 8 | 16, address: V, offset: number, value: V): void;
  /** Copies `length` (`i64`) bytes; the ranges do not overlap. */
  copy(destination: V, source: V, length: V): void;

  // Vectors of 16 bytes.
  loadVector(address: V, offset: number): V;
  storeVector(address: V, offset: number, value: V): void;
  /** Eight times the same 16 bits. */
  vectorOfUnits(unit: number): V;
  vectorAnd(a: V, b: V): V;
  vectorOr(a: V, b: V): V;
  /** All bits of each 16-bit lane where both are the same, else none. */
  vectorEqualUnits(a: V, b: V): V;
  /** `i32`: non-zero if any bit is set. */
  vectorAny(a: V): V;
  /** `i32`: the top bit of each byte. */
  vectorSigns(a: V): V;
  /** The low or high eight bytes, each as 16 bits. */
  vectorWiden(a: V, high: boolean): V;
  /** `i64`: eight lanes of 16 bits, all below 0x100, as bytes. */
  vectorNarrow(a: V): V;

  variable(initial: V): X;
  get(variable: X): V;
  set(variable: X, value: V): void;

  if(condition: V, then: () => void, otherwise?: () => void): void;
  /** Repeats `body` until it breaks. */
  loop(body: (loop: AbiLoop<V>) => void): void;
  /** Runs `arms[targets[index]]`; nothing where the target is -1. `index` (`i32`) is below the number of targets. */
  switch(index: V, targets: readonly number[], arms: readonly (() => void)[]): void;
  trap(name: TrapName): void;
  trapIf(condition: V, name: TrapName): void;
  trapUnless(condition: V, name: TrapName): void;
  /** `trap_if(what > limit)` (`i64`, unsigned). Gives `pointer`, or 0 where the processor runs on although it should trap. */
  below(pointer: V, what: V, limit: V, name: TrapName): V;
}
