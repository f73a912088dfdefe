/** Values of component scripts: `(record.const (field "n" u32.const 7))` and the like, read as a type says. */

import type { ComponentTypes, InterfaceType } from "../../src/component/types.ts";
import { atomOf, isList, type SExpr, stringBytes } from "../support/wast.ts";
import { type Case, casesOf, isCase, type Value } from "./canonical.ts";
import { floatBits, integerBits } from "./numbers.ts";
import { matchesPattern } from "./values.ts";

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });

export function textOf(expr: SExpr | undefined): string {
  const literal = atomOf(expr);
  return literal?.startsWith('"') === true ? UTF8.decode(stringBytes(literal)) : "";
}

/** The value behind a field's name: a list, or its items in line. */
function fieldValue(items: readonly SExpr[], expr: SExpr): SExpr {
  const [first] = items;
  return isList(first) ? first : { items, start: expr.start, end: expr.end };
}

function wrong(t: InterfaceType): never {
  throw new Error(`a value is not of type ${t.kind}`);
}

/** The index and payload of a case that a script writes. */
function caseOf(
  types: ComponentTypes,
  t: InterfaceType,
  items: readonly SExpr[],
): [index: number, payload: SExpr | undefined] {
  const cases = casesOf(types, t) ?? [];
  const head = atomOf(items[0]) ?? "";
  const named = head === "variant.const" || head === "enum.const";
  const name = named ? textOf(items[1]) : (head.split(".")[1] ?? "");
  const index = cases.findIndex((c) => c.name === name || (name === "error" && c.name === "err"));
  return [index >= 0 ? index : wrong(t), items[named ? 2 : 1]];
}

function fieldTypes(types: ComponentTypes, t: InterfaceType): readonly InterfaceType[] {
  if (t.kind === "record") return types.records.table.get(t.type).fields.map((f) => f.type);
  return t.kind === "tuple" ? types.tuples.table.get(t.type).types : [];
}

/** The expressions of a compound value's parts, in the order of the type. */
function parts(types: ComponentTypes, t: InterfaceType, items: readonly SExpr[]): readonly SExpr[] {
  if (t.kind !== "record") return items.slice(1);
  return types.records.table.get(t.type).fields.map(({ name }) => {
    const field = items.find((i) => isList(i) && textOf(i.items[1]) === name);
    return isList(field) ? fieldValue(field.items.slice(2), field) : wrong(t);
  });
}

function elementOf(types: ComponentTypes, t: InterfaceType): InterfaceType | undefined {
  if (t.kind === "list") return types.lists.table.get(t.type).element;
  return t.kind === "fixed-list" ? types.fixedLists.table.get(t.type).element : undefined;
}

function characterOf(expr: SExpr | undefined): bigint {
  const literal = atomOf(expr) ?? "";
  return BigInt(UTF8.decode(stringBytes(literal)).codePointAt(0) ?? 0);
}

/** What a script passes. Throws when it does not fit the type. */
export function parseValue(types: ComponentTypes, t: InterfaceType, expr: SExpr | undefined): Value {
  if (!isList(expr)) return wrong(t);
  const { items } = expr;
  const text = atomOf(items[1]) ?? "";
  const element = elementOf(types, t);
  if (element !== undefined) return items.slice(1).map((item) => parseValue(types, element, item));
  switch (t.kind) {
    case "bool":
      return text === "true";
    case "char":
      return characterOf(items[1]);
    case "string":
      return textOf(items[1]);
    case "f32":
      return floatBits(text, 32);
    case "f64":
      return floatBits(text, 64);
    case "s8":
    case "s16":
    case "s32":
    case "s64":
      return BigInt.asIntN(64, integerBits(text, 64));
    case "u8":
    case "u16":
    case "u32":
    case "u64":
      return integerBits(text, 64);
    case "record":
    case "tuple": {
      const fields = fieldTypes(types, t);
      const values = parts(types, t, items);
      return fields.map((field, i) => parseValue(types, field, values[i]));
    }
    case "flags": {
      const set = new Set(items.slice(1).map(textOf));
      return types.flags.table.get(t.type).names.map((name) => set.has(name));
    }
    case "variant":
    case "enum":
    case "option":
    case "result": {
      const [index, payload] = caseOf(types, t, items);
      const type = casesOf(types, t)?.[index]?.type;
      const value: Case = { index, payload: type === undefined ? undefined : parseValue(types, type, payload) };
      return value;
    }
    default:
      throw new Error(`values of type ${t.kind} can't be written`);
  }
}

/** Whether a result is what a script expects. */
export function matchesValue(types: ComponentTypes, t: InterfaceType, expr: SExpr | undefined, actual: Value): boolean {
  if (!isList(expr)) return false;
  if ((t.kind === "f32" || t.kind === "f64") && typeof actual === "bigint") return matchesPattern(expr, actual);
  const element = elementOf(types, t);
  if (element !== undefined || t.kind === "record" || t.kind === "tuple") {
    const expected = parts(types, t, expr.items);
    if (!Array.isArray(actual) || actual.length !== expected.length) return false;
    const fields = fieldTypes(types, t);
    return actual.every((value, i) => matchesValue(types, element ?? fields[i] ?? t, expected[i], value));
  }
  if (isCase(actual)) {
    const [index, payload] = caseOf(types, t, expr.items);
    if (index !== actual.index) return false;
    const type = casesOf(types, t)?.[index]?.type;
    return type === undefined || (actual.payload !== undefined && matchesValue(types, type, payload, actual.payload));
  }
  const expected = parseValue(types, t, expr);
  if (!Array.isArray(expected)) return expected === actual;
  return Array.isArray(actual) && expected.every((set, i) => set === actual[i]);
}

/** For messages. */
export function showValue(value: Value | undefined): string {
  if (value === undefined) return "nothing";
  if (isCase(value)) return `case ${value.index}${value.payload === undefined ? "" : ` (${showValue(value.payload)})`}`;
  if (typeof value === "object") return `(${value.map(showValue).join(" ")})`;
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
