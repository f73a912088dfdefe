/** What can be seen of a module that ran, in a form that two engines can be compared by. */

import { Trap, trapMessage } from "../../src/layout/traps.ts";
import type { Call } from "./generate.ts";

/** A trap of the module, or the values' bits with every NaN the same. */
export type Result = { readonly trap: string } | { readonly values: readonly bigint[] };

export interface Observed {
  readonly instantiation: Result;
  /** One for each call; empty when there is no instance. */
  readonly calls: readonly Result[];
  /** Exported globals by name. */
  readonly globals: ReadonlyMap<string, bigint>;
  /** Bytes of each memory at the end. */
  readonly memories: readonly Uint8Array[];
}

/** The interface of a module, as far as a run of it needs to know. */
export interface Interface {
  /** Types of results by export. */
  readonly functions: ReadonlyMap<string, { readonly params: string; readonly results: string }>;
  /** Exported globals: name and type. */
  readonly globals: ReadonlyMap<string, string>;
  readonly memories: number;
}

/** A module to be run. */
export interface Case {
  readonly bytes: Uint8Array;
  /** What the other engine runs: means the same, in operators that it knows. */
  readonly engineBytes: Uint8Array;
  readonly interface: Interface;
  readonly calls: readonly Call[];
}

const CANONICAL: Readonly<Record<string, bigint>> = { f: 0x7fc00000n, d: 0x7ff8000000000000n };

/** The bits of a value; any NaN is the canonical one. */
export function normalize(type: string, bits: bigint): bigint {
  if (type === "f" && (bits & 0x7fffffffn) > 0x7f800000n) return CANONICAL["f"] ?? 0n;
  if (type === "d" && (bits & 0x7fffffffffffffffn) > 0x7ff0000000000000n) return CANONICAL["d"] ?? 0n;
  return bits;
}

/**
 * Classes of traps: where V8 has one message for several kinds of the standard, they are one class. This, and that bits of NaNs and
 * the depth at which a stack is exhausted are left open, is all that the two may differ in.
 */
const CLASSES: readonly { readonly name: string; readonly message: RegExp; readonly traps: readonly number[] }[] = [
  { name: "unreachable", message: /^unreachable$/, traps: [Trap.unreachable] },
  {
    name: "memory bounds",
    message: /memory access out of bounds|data segment.*out of bounds/,
    // Of an atomic access that is neither aligned nor in bounds V8 says the one, and we say the other.
    traps: [Trap.memory_out_of_bounds, Trap.unaligned_atomic],
  },
  { name: "division by zero", message: /^(divide|remainder) by zero$/, traps: [Trap.integer_divide_by_zero] },
  { name: "division overflow", message: /^divide result unrepresentable$/, traps: [Trap.integer_overflow] },
  {
    name: "conversion",
    message: /^float unrepresentable in integer range$/,
    traps: [Trap.integer_overflow, Trap.invalid_conversion_to_integer],
  },
  {
    name: "table bounds",
    message: /table (index is|access|or.*|element) ?out of bounds|(table initializer|element segment).*out of bounds/,
    traps: [Trap.table_out_of_bounds, Trap.undefined_element],
  },
  {
    name: "signature",
    message: /function signature mismatch|^null function$/,
    traps: [Trap.uninitialized_element, Trap.indirect_call_type_mismatch],
  },
  {
    name: "null reference",
    message: /dereferencing a null pointer/,
    traps: [Trap.null_reference, Trap.null_function_reference],
  },
  { name: "unaligned", message: /operation does not support unaligned accesses/, traps: [Trap.unaligned_atomic] },
  { name: "exception", message: /^\[object WebAssembly.Exception\]$/, traps: [Trap.uncaught_exception] },
  { name: "null exception", message: /rethrowing null value/, traps: [Trap.null_exception_reference] },
  { name: "stack", message: /Maximum call stack size exceeded/, traps: [Trap.stack_exhausted] },
];

/** The class of what V8 throws; undefined when it is no trap. */
export function classOfMessage(message: string): string | undefined {
  return CLASSES.find((c) => c.message.test(message))?.name;
}

/** Classes that a trap of ours may be; for messages its own name too. */
function classesOfTrap(trap: number): readonly string[] {
  return CLASSES.flatMap((c) => (c.traps.includes(trap) ? [c.name] : []));
}

/** How a result of ours is written: a trap by all classes that it may be. */
export function trapResult(status: number): Result {
  const classes = classesOfTrap(status);
  return { trap: classes.length === 0 ? trapMessage(status) : classes.join("|") };
}

function sameResult(expected: Result, actual: Result): boolean {
  if ("trap" in expected) return "trap" in actual && actual.trap.split("|").includes(expected.trap);
  if ("trap" in actual) return false;
  return expected.values.length === actual.values.length && expected.values.every((v, i) => v === actual.values[i]);
}

function show(result: Result): string {
  return "trap" in result ? `trap: ${result.trap}` : `[${result.values.map((v) => `0x${v.toString(16)}`).join(", ")}]`;
}

/** Undefined when both are the same, else the first difference. */
export function difference(expected: Observed, actual: Observed, calls: readonly Call[]): string | undefined {
  if (!sameResult(expected.instantiation, actual.instantiation)) {
    return `instantiation: expected ${show(expected.instantiation)}, got ${show(actual.instantiation)}`;
  }
  for (const [i, result] of expected.calls.entries()) {
    const other = actual.calls[i] ?? { trap: "nothing" };
    // How deep a stack is depends on the engine, and so does all that follows.
    if ("trap" in result && result.trap === "stack") return undefined;
    if (!sameResult(result, other)) {
      const { export: name = "", args = [] } = calls[i] ?? {};
      return `call ${i}, ${name}(${args.map((a) => `0x${a.toString(16)}`).join(", ")}): expected ${show(result)}, got ${show(other)}`;
    }
  }
  for (const [name, value] of expected.globals) {
    const other = actual.globals.get(name);
    if (other !== value) return `global ${name}: expected 0x${value.toString(16)}, got 0x${other?.toString(16)}`;
  }
  for (const [i, bytes] of expected.memories.entries()) {
    const other = actual.memories[i] ?? new Uint8Array();
    if (other.length !== bytes.length) return `memory ${i}: expected ${bytes.length} bytes, got ${other.length}`;
    if (Buffer.compare(bytes, other) !== 0) {
      const at = bytes.findIndex((b, k) => b !== other[k]);
      return `memory ${i} at 0x${at.toString(16)}: expected ${bytes[at]}, got ${other[at]}`;
    }
  }
  return undefined;
}
