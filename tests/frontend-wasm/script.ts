/** Runs conformance scripts of the standard through translation and interpreter. */

import { readFileSync } from "node:fs";
import { WindlassError } from "../../src/base/diagnostics.ts";
import type { CoreFunc } from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import type { Module } from "../../src/wasm/module.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { atomOf, isList, moduleSource, parseWast, type SExpr, type SList, stringBytes } from "../support/wast.ts";
import { assemble } from "../support/wat.ts";
import { planOfModules } from "./environment.ts";
import { fromFloat, OutOfFuel, toFloat, TrapError, WasmException } from "./interpreter.ts";
import { Machine } from "./machine.ts";

const SPECTEST = `(module
  (func (export "print")) (func (export "print_i32") (param i32)) (func (export "print_i64") (param i64))
  (func (export "print_f32") (param f32)) (func (export "print_f64") (param f64))
  (func (export "print_i32_f32") (param i32 f32)) (func (export "print_f64_f64") (param f64 f64))
  (global (export "global_i32") i32 (i32.const 666)) (global (export "global_i64") i64 (i64.const 666))
  (global (export "global_f32") f32 (f32.const 666.6)) (global (export "global_f64") f64 (f64.const 666.6))
  (table (export "table") 10 20 funcref) (table (export "table64") i64 10 20 funcref) (memory (export "memory") 1 2))`;

export interface ScriptReport {
  passed: number;
  /** Assertions about modules that import from others, or use what is not supported. */
  skipped: number;
  /** Features that were refused, and how often. */
  readonly refused: Map<string, number>;
  readonly failed: string[];
}

interface Instance {
  readonly machine: Machine;
  readonly exports: ReadonlyMap<string, CoreFunc>;
  readonly globals: ReadonlyMap<string, bigint>;
}

async function moduleOf(list: SList, script: string, interner: TypeInterner): Promise<Module | undefined> {
  const source = moduleSource(list, script);
  if (source.kind === "instance") return undefined;
  const bytes = source.kind === "binary" ? source.bytes : await assemble(source.text);
  const module = decodeModule(bytes, undefined, undefined, interner);
  validateModule(module);
  return module;
}

async function instantiate(list: SList, script: string): Promise<Instance | undefined> {
  const interner = new TypeInterner();
  const module = await moduleOf(list, script, interner);
  if (module === undefined || module.imports.some((i) => i.module !== "spectest" || i.name === "shared_memory")) {
    return undefined;
  }
  const spectest = decodeModule(await assemble(SPECTEST), undefined, undefined, interner);
  const plan = planOfModules(["spectest", "main"], [spectest, module], "guarded");
  const machine = new Machine(plan);
  machine.instantiate();
  const exports = new Map<string, CoreFunc>();
  const [, main] = plan.instances.keys();
  if (main === undefined) return undefined;
  for (const { name, kind, index } of module.exports) {
    if (kind !== "func") continue;
    exports.set(name, plan.instances.get(main).imports[index] ?? { kind: "wasm", instance: main, func: index });
  }
  return { machine, exports, globals: new Map() };
}

function parseInteger(text: string, bits: number): bigint {
  const clean = text.replaceAll("_", "");
  const value = clean.startsWith("-") ? -BigInt(clean.slice(1)) : BigInt(clean.replace("+", ""));
  return BigInt.asUintN(bits, value);
}

/** Bits of a float literal: exact for decimals by way of doubles where that does not round twice, and for hexadecimals. */
function parseFloatBits(text: string, bits: 32 | 64): bigint {
  const clean = text.replaceAll("_", "");
  const negative = clean.startsWith("-");
  const body = clean.replace(/^[+-]/, "");
  const sign = negative ? 1n << BigInt(bits - 1) : 0n;
  const type = bits === 32 ? 2 : 3;
  const infinity = bits === 32 ? 0x7f80_0000n : 0x7ff0_0000_0000_0000n;
  if (body === "inf") return sign | infinity;
  if (body === "nan") return sign | infinity | (1n << BigInt(bits === 32 ? 22 : 51));
  if (body.startsWith("nan:0x")) return sign | infinity | BigInt(body.slice(4));
  let value: number;
  if (body.startsWith("0x")) {
    const [mantissa = "", exponent = "0"] = body.slice(2).toLowerCase().split("p");
    const [whole = "", fraction = ""] = mantissa.split(".");
    value = hexFloat(BigInt(`0x${whole}${fraction}`), Number(exponent) - 4 * fraction.length, bits);
  } else value = Number(body);
  return sign | fromFloat(type, value);
}

/** `mantissa` × 2^`exponent`, rounded once. */
function hexFloat(mantissa: bigint, exponent: number, bits: 32 | 64): number {
  const precision = bits === 32 ? 24 : 53;
  const lowest = bits === 32 ? -149 : -1074;
  let m = mantissa;
  let e = exponent;
  const excess = Math.max(m.toString(2).length - precision, lowest - e);
  if (excess > 0) {
    const half = 1n << BigInt(excess - 1);
    const rest = m & ((half << 1n) - 1n);
    m >>= BigInt(excess);
    if (rest > half || (rest === half && (m & 1n) === 1n)) m++;
    e += excess;
  }
  let value = Number(m);
  for (; e < -1000; e += 500) value *= 2 ** -500;
  return value * 2 ** e;
}

/** The bits of `(i32.const 1)` and the like; undefined for what is not interpreted. */
function constant(expr: SExpr | undefined): bigint | undefined {
  if (!isList(expr)) return undefined;
  const text = atomOf(expr.items[1]) ?? "";
  switch (atomOf(expr.items[0])) {
    case "i32.const":
      return parseInteger(text, 32);
    case "i64.const":
      return parseInteger(text, 64);
    case "f32.const":
      return parseFloatBits(text, 32);
    case "f64.const":
      return parseFloatBits(text, 64);
    case "v128.const": {
      const lanes = LANES[text];
      if (lanes === undefined) return undefined;
      return expr.items
        .slice(2)
        .reduce((v, lane, i) => v | (lanes.parse(atomOf(lane) ?? "") << BigInt(lanes.bits * i)), 0n);
    }
    case "ref.null":
      return 0n;
    case "ref.extern":
      return BigInt(text) + 1n;
    default:
      return undefined;
  }
}

interface Lanes {
  readonly bits: number;
  /** The type of float lanes. */
  readonly float?: 2 | 3;
  parse(text: string): bigint;
}

const integerLanes = (bits: number): Lanes => ({ bits, parse: (text) => parseInteger(text, bits) });
const LANES: Readonly<Record<string, Lanes>> = {
  i8x16: integerLanes(8),
  i16x8: integerLanes(16),
  i32x4: integerLanes(32),
  i64x2: integerLanes(64),
  f32x4: { bits: 32, float: 2, parse: (text) => parseFloatBits(text, 32) },
  f64x2: { bits: 64, float: 3, parse: (text) => parseFloatBits(text, 64) },
};

/** Lane by lane: NaNs as in `matches`. */
function matchesVector(expected: SList, actual: bigint): boolean {
  const lanes = LANES[atomOf(expected.items[1]) ?? ""];
  if (lanes === undefined) return false;
  return expected.items.slice(2).every((item, i) => {
    const text = atomOf(item) ?? "";
    const lane = BigInt.asUintN(lanes.bits, actual >> BigInt(lanes.bits * i));
    if (lanes.float !== undefined && text.includes("nan:") && !text.includes("0x")) {
      return Number.isNaN(toFloat(lanes.float, lane));
    }
    return lanes.parse(text) === lane;
  });
}

function matches(expected: SExpr | undefined, actual: bigint | undefined): boolean {
  if (!isList(expected) || actual === undefined) return false;
  const kind = atomOf(expected.items[0]);
  const text = atomOf(expected.items[1]) ?? "";
  if (kind === "either") return expected.items.slice(1).some((e) => matches(e, actual));
  if (kind === "ref.func") return actual !== 0n;
  // The payload of a computed NaN is the machine's, and an interpreter in JavaScript has none to offer.
  if (kind === "f32.const" && text.includes("nan")) return Number.isNaN(toFloat(2, actual));
  if (kind === "f64.const" && text.includes("nan")) return Number.isNaN(toFloat(3, actual));
  if (kind === "v128.const") return matchesVector(expected, actual);
  return constant(expected) === actual;
}

const TRAPS: Readonly<Record<string, string>> = {
  unreachable: "unreachable",
  memory_out_of_bounds: "out of bounds memory access",
  table_out_of_bounds: "out of bounds table access",
  undefined_element: "undefined element",
  uninitialized_element: "uninitialized element",
  indirect_call_type_mismatch: "indirect call type mismatch",
  integer_divide_by_zero: "integer divide by zero",
  integer_overflow: "integer overflow",
  invalid_conversion_to_integer: "invalid conversion to integer",
  stack_exhausted: "call stack exhausted",
  null_reference: "null reference",
  unaligned_atomic: "unaligned atomic",
  null_function_reference: "null function reference",
};

export async function runScript(file: string, name: string): Promise<ScriptReport> {
  const script = readFileSync(file, "utf8");
  const report: ScriptReport = { passed: 0, skipped: 0, refused: new Map(), failed: [] };
  let current: Instance | undefined;
  const named = new Map<string, Instance | undefined>();
  for (const { head, list, line } of parseWast(script)) {
    const fail = (message: string): void => {
      report.failed.push(`${name}:${line}: ${message}`);
    };
    const refuse = (error: unknown): void => {
      if (error instanceof WindlassError && error.diagnostics[0]?.kind === "unsupported") {
        const feature = error.diagnostics[0].message;
        report.refused.set(feature, (report.refused.get(feature) ?? 0) + 1);
        report.skipped++;
      } else fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
    };
    if (head === "module") {
      const id = atomOf(list.items[1]);
      try {
        current = await instantiate(list, script);
      } catch (error) {
        current = undefined;
        // What the assembler can't read is not this test's matter.
        if (error instanceof WindlassError) refuse(error);
        else if (error instanceof TrapError) report.skipped++;
        else if (!(error instanceof Error && /Wast|Wat|expected|unknown/.test(error.message))) refuse(error);
        else report.skipped++;
      }
      if (id?.startsWith("$")) named.set(id, current);
      continue;
    }
    const action = head === "invoke" ? list : list.items[1];
    if (!isList(action) || atomOf(action.items[0]) !== "invoke") continue;
    if (head === "assert_invalid" || head === "assert_malformed") continue;
    const first = atomOf(action.items[1]) ?? "";
    const instance = first.startsWith("$") ? named.get(first) : current;
    const at = first.startsWith("$") ? 2 : 1;
    const field = new TextDecoder("utf-8", { ignoreBOM: true }).decode(stringBytes(atomOf(action.items[at]) ?? '""'));
    const func = instance?.exports.get(field);
    const args = action.items.slice(at + 1).map(constant);
    if (instance === undefined || func === undefined || args.includes(undefined)) {
      report.skipped++;
      continue;
    }
    try {
      const results = instance.machine.invoke(
        func,
        args.map((v) => v ?? 0n),
      );
      if (head === "assert_return") {
        const expected = list.items.slice(2);
        if (expected.length === results.length && expected.every((e, i) => matches(e, results[i]))) report.passed++;
        else fail(`${field} gives ${results.join(", ")}`);
      } else if (head === "invoke") report.passed++;
      else fail(`${field} does not trap`);
    } catch (error) {
      if (error instanceof OutOfFuel) {
        // What the call did before it was stopped is seen by later ones.
        current = undefined;
        report.skipped++;
        continue;
      }
      if (error instanceof WasmException) {
        if (head === "assert_exception") report.passed++;
        else fail(`${field} throws`);
        continue;
      }
      if (!(error instanceof TrapError)) {
        refuse(error);
        continue;
      }
      const message = new TextDecoder().decode(stringBytes(atomOf(list.items[2]) ?? '""'));
      const actual = TRAPS[error.trap] ?? error.trap;
      if (head !== "assert_return" && head !== "invoke" && (message.startsWith(actual) || actual.startsWith(message))) {
        report.passed++;
      } else fail(`${field} traps: ${error.trap}${message === "" ? "" : `, not ${message}`}`);
    }
  }
  return report;
}
