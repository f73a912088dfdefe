/** Runs conformance scripts of the standard through translation and interpreter. */

import { readFileSync } from "node:fs";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { Trap, trapMessage } from "../../src/layout/traps.ts";
import type { CoreFunc } from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import type { Module } from "../../src/wasm/module.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { atomOf, isList, moduleSource, parseWast, type SExpr, type SList, stringBytes } from "../support/wast.ts";
import { assemble } from "../support/wat.ts";
import { argumentBits, LANE_SHAPES, laneBits } from "../wast/values.ts";
import { planOfModules } from "./environment.ts";
import { OutOfFuel, toFloat, TrapError, WasmException } from "./interpreter.ts";
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

/** Lane by lane: NaNs as in `matches`. */
function matchesVector(expected: SList, actual: bigint): boolean {
  const shape = LANE_SHAPES[atomOf(expected.items[1]) ?? ""];
  if (shape === undefined) return false;
  const { width, float } = shape;
  return expected.items.slice(2).every((item, i) => {
    const text = atomOf(item) ?? "";
    const lane = BigInt.asUintN(width, actual >> BigInt(width * i));
    if (float && text.includes("nan:") && !text.includes("0x"))
      return Number.isNaN(toFloat(width === 32 ? 2 : 3, lane));
    return laneBits(text, shape) === lane;
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
  return argumentBits(expected) === actual;
}

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
    const args = action.items.slice(at + 1).map(argumentBits);
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
      const actual = trapMessage(Trap[error.trap]);
      if (head !== "assert_return" && head !== "invoke" && (message.startsWith(actual) || actual.startsWith(message))) {
        report.passed++;
      } else fail(`${field} traps: ${error.trap}${message === "" ? "" : `, not ${message}`}`);
    }
  }
  return report;
}
