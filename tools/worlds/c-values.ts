/** Values of a world as C: initializers, and functions that compare two of them. Both walk a type of the model and what C calls it, side by side. */

import type { Str, Type, Value } from "../../tests/abi-model/model.ts";
import type { InterfaceType } from "../../src/component/types.ts";
import { memberNames, partsOf } from "../../src/frontend/c-types.ts";
import type { CTypes } from "../../src/frontend/c-types.ts";
import type { Component } from "../../src/plan/component.ts";
import { holds, type World } from "./world.ts";

/** Where a value is seen: numbers stand for a guest's resources in what is imported. */
export type Side = "import" | "export";

/** What comes before everything. */
export const PRELUDE = `static int same_bytes(const void *a, size_t n, const void *b, size_t m) { return n == m && (n == 0 || memcmp(a, b, n) == 0); }
static int same_f32(float a, float b) { return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0; }
static int same_f64(double a, double b) { return (a != a && b != b) || memcmp(&a, &b, sizeof a) == 0; }`;

/** Objects of the host that its resources stand for. */
export const OBJECTS = 64;

function floatLiteral(bits: bigint, exponentBits: number, mantissaBits: number, suffix: "f" | ""): string {
  const sign = bits >> BigInt(exponentBits + mantissaBits) === 1n ? "-" : "";
  const mantissa = bits & ((1n << BigInt(mantissaBits)) - 1n);
  const top = (1n << BigInt(exponentBits)) - 1n;
  const exponent = (bits >> BigInt(mantissaBits)) & top;
  if (exponent === top) {
    if (mantissa === 0n) return `${sign}__builtin_inf${suffix}()`;
    return `${sign}__builtin_nan${suffix}("0x${mantissa.toString(16)}")`;
  }
  const bias = (1 << (exponentBits - 1)) - 1;
  const pad = BigInt((4 - (mantissaBits % 4)) % 4);
  const digits = (mantissa << pad).toString(16).padStart(Math.ceil(mantissaBits / 4), "0");
  const lead = exponent === 0n ? "0" : "1";
  return `${sign}0x${lead}.${digits}p${exponent === 0n ? 1 - bias : Number(exponent) - bias}${suffix}`;
}

function isStr(v: Value): v is Str {
  return typeof v === "object" && "text" in v;
}

function integerLiteral(v: Value): string {
  if (typeof v !== "number" && typeof v !== "bigint") throw new Error("no integer");
  const n = BigInt(v);
  if (n === -(2n ** 63n)) return "(-INT64_C(9223372036854775807) - 1)";
  if (n < 0n) return n < -(2n ** 31n) + 1n ? `(-INT64_C(${-n}))` : String(n);
  return n < 2n ** 32n ? `${n}u` : `UINT64_C(${n})`;
}

function stringLiteral(text: string): { readonly literal: string; readonly bytes: number } {
  const bytes = Buffer.from(text, "utf8");
  const literal = [...bytes].map((b) => `\\${b.toString(8).padStart(3, "0")}`).join("");
  return { literal: `"${literal}"`, bytes: bytes.length };
}

function at<T>(list: readonly T[], i: number): T {
  const item = list[i];
  if (item === undefined) throw new Error(`nothing at ${i}`);
  return item;
}

/** What a C program has so far of one world's values. */
export class CValues {
  readonly lines: string[] = [];
  /** Statements that fill in handles before a call; whoever makes a value takes them. */
  patches: string[] = [];
  readonly #world: World;
  readonly #component: Component;
  readonly #types: CTypes;
  readonly #prefix: string;
  readonly #comparisons = new Map<Side, Map<Type, string>>();
  #arrays = 0;

  constructor(world: World, component: Component, types: CTypes, prefix: string) {
    this.#world = world;
    this.#component = component;
    this.#types = types;
    this.#prefix = prefix;
  }

  /** The position of a guest's resource. */
  #guest(t: Type): number {
    if (t.k !== "own" && t.k !== "borrow") return -1;
    return this.#world.guestResources.findIndex((g) => g.resource === t.resource);
  }

  /** Whether the type looks different on both sides. */
  differs(t: Type): boolean {
    return holds(t, (h) => this.#guest(h) >= 0);
  }

  #parts(c: InterfaceType): readonly InterfaceType[] {
    return partsOf(this.#component.types, c);
  }

  /** Names of members, and the parts of a type in the same order; where a case has no payload, undefined. */
  #members(
    t: Type,
    c: InterfaceType,
  ): readonly { readonly name: string; readonly t: Type; readonly c: InterfaceType; readonly index: number }[] {
    const { types } = this.#component;
    const parts = [...this.#parts(c)];
    const some = (names: readonly string[], list: readonly (Type | undefined)[]) =>
      list.flatMap((part, index) => {
        if (part === undefined) return [];
        const c = parts.shift();
        if (c === undefined) throw new Error("a type has fewer parts than in the model");
        return [{ name: at(names, index), t: part, c, index }];
      });
    if (t.k === "record" && c.kind === "record") {
      const { fields } = types.records.table.get(c.type);
      return some(memberNames(fields.map((f) => f.name)), t.fields);
    }
    if (t.k === "tuple") {
      return some(
        t.fields.map((_, i) => `f${i}`),
        t.fields,
      );
    }
    if (t.k === "variant" && c.kind === "variant") {
      const { cases } = types.variants.table.get(c.type);
      return some(memberNames(cases.map((x) => x.name)), t.cases);
    }
    if (t.k === "option") return some(["", "val"], [undefined, t.of]);
    if (t.k === "result") return some(["ok", "err"], [t.ok, t.err]);
    throw new Error(`no members: ${t.k} as ${c.kind}`);
  }

  /** An array of elements; gives its name. */
  #array(c: string, elements: readonly string[], name: string): void {
    this.lines.push(`static ${c} ${name}[] = {${elements.join(", ")}};`);
  }

  /** The initializer of a value that will be at the place `lvalue`. */
  initializer(t: Type, c: InterfaceType, v: Value, side: Side, lvalue: string): string {
    const list = (): readonly Value[] => {
      if (!Array.isArray(v)) throw new Error("no list");
      return v;
    };
    const one = (): { readonly index: number; readonly payload: Value | undefined } => {
      if (typeof v !== "object" || !("index" in v)) throw new Error("no case");
      return v;
    };
    switch (t.k) {
      case "bool":
        return v === true ? "true" : "false";
      case "f32":
        return floatLiteral(BigInt.asUintN(32, BigInt(Number(v))), 8, 23, "f");
      case "f64":
        return floatLiteral(BigInt.asUintN(64, BigInt(String(v))), 11, 52, "");
      case "string": {
        if (!isStr(v)) throw new Error("no string");
        const { literal, bytes } = stringLiteral(v.text);
        return bytes === 0 ? "{.ptr = NULL, .len = 0}" : `{.ptr = ${literal}, .len = ${bytes}}`;
      }
      case "list":
      case "map": {
        const parts = this.#parts(c);
        if (t.k === "list" && t.length !== undefined) {
          const items = list().map((x, i) => this.initializer(t.of, at(parts, 0), x, side, `${lvalue}.items[${i}]`));
          return `{.items = {${items.join(", ")}}}`;
        }
        if (list().length === 0) return "{.ptr = NULL, .len = 0}";
        const name = `${this.#prefix}_a${this.#arrays++}`;
        if (t.k === "list") {
          const items = list().map((x, i) => this.initializer(t.of, at(parts, 0), x, side, `${name}[${i}]`));
          this.#array(this.#types.write(at(parts, 0)), items, name);
        } else {
          const items = list().map((x, i) => {
            if (!Array.isArray(x)) throw new Error("no entry");
            const key = this.initializer(t.key, at(parts, 0), at(x, 0), side, `${name}[${i}].key`);
            const value = this.initializer(t.value, at(parts, 1), at(x, 1), side, `${name}[${i}].value`);
            return `{.key = ${key}, .value = ${value}}`;
          });
          this.#array(`${this.#types.write(c).slice(0, -2)}_entry_t`, items, name);
        }
        return `{.ptr = ${name}, .len = ${list().length}}`;
      }
      case "record":
      case "tuple": {
        const fields = this.#members(t, c).map((m) => {
          return `.${m.name} = ${this.initializer(m.t, m.c, at(list(), m.index), side, `${lvalue}.${m.name}`)}`;
        });
        return `{${fields.join(", ")}}`;
      }
      case "variant":
      case "option":
      case "result": {
        const { index, payload } = one();
        const tag =
          t.k === "variant" ? `.tag = ${index}` : `.${t.k === "option" ? "is_some" : "is_err"} = ${index === 1}`;
        const member = this.#members(t, c).find((m) => m.index === index);
        if (member === undefined || payload === undefined) return `{${tag}}`;
        const place = t.k === "option" ? "val" : `val.${member.name}`;
        return `{${tag}, .${place} = ${this.initializer(member.t, member.c, payload, side, `${lvalue}.${place}`)}}`;
      }
      case "enum":
        return String(one().index);
      case "own":
      case "borrow": {
        const guest = this.#guest(t);
        if (guest < 0) return `(void *)&objects[${Number(v) % OBJECTS}]`;
        if (side === "import") return `${Number(v)}u`;
        this.patches.push(`${lvalue} = ${this.#prefix}_make${guest}(w, ${Number(v)}u);`);
        return "{.handle = 0}";
      }
      default:
        return integerLiteral(v);
    }
  }

  /** A C expression: whether `a`, which is expected, and `b` are the same. */
  same(t: Type, c: InterfaceType, side: Side, a: string, b: string): string {
    switch (t.k) {
      case "f32":
      case "f64":
        return `same_${t.k}(${a}, ${b})`;
      case "string":
        return `same_bytes(${a}.ptr, ${a}.len, ${b}.ptr, ${b}.len)`;
      case "list":
      case "map":
      case "record":
      case "tuple":
      case "variant":
      case "option":
      case "result":
        return `${this.#comparison(t, c, side)}(&${a}, &${b})`;
      case "own":
      case "borrow": {
        const guest = this.#guest(t);
        if (guest < 0 || (side === "import" && t.k === "borrow")) return `${a} == ${b}`;
        // The number of a handle that the guest has is its own business.
        return side === "import" ? `((void)${a}, 1)` : `${this.#prefix}_is${guest}(${a}, ${b})`;
      }
      default:
        return `${a} == ${b}`;
    }
  }

  #comparison(t: Type, c: InterfaceType, wanted: Side): string {
    const side = this.differs(t) ? wanted : "export";
    const known = this.#comparisons.get(side) ?? new Map<Type, string>();
    this.#comparisons.set(side, known);
    const found = known.get(t);
    if (found !== undefined) return found;
    const body = this.#comparisonBody(t, c, side);
    const name = `${this.#prefix}_eq${this.#comparisons.get("import")?.size ?? 0}_${known.size}${side.charAt(0)}`;
    known.set(t, name);
    const written = this.#types.write(c);
    this.lines.push(`static int ${name}(const ${written} *a, const ${written} *b) { (void)a, (void)b; ${body} }`);
    return name;
  }

  #comparisonBody(t: Type, c: InterfaceType, side: Side): string {
    const all = (list: readonly string[]): string => (list.length === 0 ? "1" : list.join(" && "));
    switch (t.k) {
      case "list":
      case "map": {
        const parts = this.#parts(c);
        const isFixed = t.k === "list" && t.length !== undefined;
        const items = isFixed ? "items" : "ptr";
        const each = (member: string, part: Type, k: number): string =>
          this.same(part, at(parts, k), side, `a->${items}[i]${member}`, `b->${items}[i]${member}`);
        const same = t.k === "list" ? each("", t.of, 0) : `${each(".key", t.key, 0)} && ${each(".value", t.value, 1)}`;
        const length = isFixed ? String(t.length) : "a->len";
        const check = isFixed ? "" : "if (a->len != b->len) return 0; ";
        return `size_t i; ${check}for (i = 0; i < ${length}; i++) if (!(${same})) return 0; return 1;`;
      }
      case "record":
      case "tuple":
        return `return ${all(this.#members(t, c).map((m) => this.same(m.t, m.c, side, `a->${m.name}`, `b->${m.name}`)))};`;
      case "option": {
        const [m] = this.#members(t, c);
        if (m === undefined) throw new Error("an option of nothing");
        return `return a->is_some == b->is_some && (!a->is_some || ${this.same(m.t, m.c, side, "a->val", "b->val")});`;
      }
      default: {
        const tag = t.k === "variant" ? "tag" : "is_err";
        const cases = this.#members(t, c).map(
          (m) =>
            `if (a->${tag} == ${m.index}) return ${this.same(m.t, m.c, side, `a->val.${m.name}`, `b->val.${m.name}`)};`,
        );
        return `if (a->${tag} != b->${tag}) return 0; ${cases.join(" ")} return 1;`;
      }
    }
  }
}
