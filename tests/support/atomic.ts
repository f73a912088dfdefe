/** What atomic accesses of the IR mean, for the interpreters that tests compare with. */

import { accessOf, accessSize, type OpName } from "../../src/ir/ops.ts";
import type { Type } from "../../src/ir/types.ts";

/** What an update writes, of the old value and its operands; undefined: nothing. All have as many bits as the access. */
function written(name: OpName, old: bigint, x: bigint, replacement: bigint): bigint | undefined {
  switch (name) {
    case "atomic_store":
    case "atomic_xchg":
      return x;
    case "atomic_add":
      return old + x;
    case "atomic_sub":
      return old - x;
    case "atomic_and":
      return old & x;
    case "atomic_or":
      return old | x;
    case "atomic_xor":
      return old ^ x;
    case "atomic_cas":
      return old === x ? replacement : undefined;
    default:
      return undefined;
  }
}

export function isAtomic(name: OpName): boolean {
  return name.startsWith("atomic_") && name !== "atomic_fence";
}

/** Performs one through `read` and `write` of so many bytes; gives what was there. */
export function atomicAccess(
  name: OpName,
  type: Type,
  flags: number,
  memory: { read(size: number): bigint; write(size: number, value: bigint): void },
  x: bigint,
  replacement: bigint,
): bigint {
  const size = accessSize(accessOf(flags), type);
  const low = (v: bigint): bigint => BigInt.asUintN(8 * size, v);
  const old = memory.read(size);
  const value = written(name, old, low(x), low(replacement));
  if (value !== undefined) memory.write(size, low(value));
  return old;
}
