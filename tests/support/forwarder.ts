/**
 * A component around another that exports the same and imports the same: each function of it is lifted by a second component, which passes
 * its calls on. So what crosses the boundary of a real component crosses one between components as well.
 */

import { Flattening } from "../../src/abi/flatten.ts";
import { Sizes } from "../../src/abi/sizes.ts";
import { TypeFacts } from "../../src/abi/transfer.ts";
import { ByteReader, ByteWriter } from "../../src/base/bytes.ts";
import type { ComponentTypes, InterfaceType, TypeFunc } from "../../src/component/types.ts";
import { type ApiExport, describeApi } from "../../src/frontend/api.ts";
import { I32, valTypeName } from "../../src/wasm/types.ts";
import { check, planOf } from "./components.ts";
import { assemble, disassemble } from "./wat.ts";

const HEADER = 8;
const COMPONENT_SECTION = 4;
const IMPORT_SECTION = 10;
/** What imports may need: core types, aliases, types, and other imports. */
const DECLARATIONS: ReadonlySet<number> = new Set([3, 6, 7, IMPORT_SECTION]);

interface Section {
  readonly id: number;
  readonly start: number;
  readonly end: number;
}

function sectionsOf(bytes: Uint8Array): readonly Section[] {
  const reader = new ByteReader(bytes, HEADER);
  const out: Section[] = [];
  while (!reader.atEnd) {
    const start = reader.pos;
    const id = reader.u8();
    const size = reader.varU32();
    reader.skip(size);
    out.push({ id, start, end: reader.pos });
  }
  return out;
}

/** The types of functions in text: definitions, inner ones first, of all that need a name. */
class TypeDefinitions {
  readonly types: ComponentTypes;
  readonly texts: string[] = [];
  readonly #known = new Map<string, string>();

  constructor(types: ComponentTypes) {
    this.types = types;
  }

  func({ params, result }: TypeFunc): string {
    const shown = params.map((p) => `(param "${p.name}" ${this.#ref(p.type)})`).join(" ");
    return `${shown}${result === undefined ? "" : ` (result ${this.#ref(result)})`}`;
  }

  #ref(t: InterfaceType): string {
    const text = this.#text(t);
    if (!text.startsWith("(")) return text;
    let name = this.#known.get(text);
    if (name === undefined) {
      name = `$t${this.texts.length}`;
      this.texts.push(text);
      this.#known.set(text, name);
    }
    return name;
  }

  #text(t: InterfaceType): string {
    const { types } = this;
    const optional = (of: InterfaceType | undefined): string => (of === undefined ? "" : ` ${this.#ref(of)}`);
    switch (t.kind) {
      case "record":
        return `(record ${types.records.table
          .get(t.type)
          .fields.map((f) => `(field "${f.name}" ${this.#ref(f.type)})`)
          .join(" ")})`;
      case "variant":
        return `(variant ${types.variants.table
          .get(t.type)
          .cases.map((c) => `(case "${c.name}"${optional(c.type)})`)
          .join(" ")})`;
      case "list":
        return `(list ${this.#ref(types.lists.table.get(t.type).element)})`;
      case "tuple":
        return `(tuple ${types.tuples.table
          .get(t.type)
          .types.map((of) => this.#ref(of))
          .join(" ")})`;
      case "flags":
        return `(flags ${types.flags.table
          .get(t.type)
          .names.map((n) => `"${n}"`)
          .join(" ")})`;
      case "enum":
        return `(enum ${types.enums.table
          .get(t.type)
          .names.map((n) => `"${n}"`)
          .join(" ")})`;
      case "option":
        return `(option ${this.#ref(types.options.table.get(t.type).type)})`;
      case "result": {
        const { ok, err } = types.results.table.get(t.type);
        return `(result${optional(ok)}${err === undefined ? "" : ` (error ${this.#ref(err)})`})`;
      }
      case "fixed-list":
      case "map":
      case "own":
      case "borrow":
        throw new Error(`a forwarder does not pass on ${t.kind}`);
      default:
        return t.kind;
    }
  }
}

const LIBC = `(core module $Libc (memory (export "mem") 1)
    (global $next (mut i32) (i32.const 1024))
    (func (export "reset") (global.set $next (i32.const 1024)))
    (func (export "realloc") (param $old i32) (param $oldsize i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32) (local $pages i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.sub (local.get $align) (i32.const 1)))
        (i32.sub (i32.const 0) (local.get $align))))
      (global.set $next (i32.add (local.get $at) (local.get $size)))
      (local.set $pages (i32.sub (i32.shr_u (i32.add (global.get $next) (i32.const 65535)) (i32.const 16)) (memory.size)))
      (if (i32.gt_s (local.get $pages) (i32.const 0))
        (then (if (i32.lt_s (memory.grow (local.get $pages)) (i32.const 0)) (then unreachable))))
      (memory.copy (local.get $at) (local.get $old)
        (select (local.get $oldsize) (local.get $size) (i32.lt_u (local.get $oldsize) (local.get $size))))
      (local.get $at)))
  (core instance $libc (instantiate $Libc))`;

const OPTIONS = `(memory (core memory $libc "mem")) (realloc (core func $libc "realloc"))`;

/** The component `$F`: imports `t0`, … and `f0`, …, exports `g0`, … */
function forwarderText(exports: readonly ApiExport[], definitions: TypeDefinitions): string {
  const { types } = definitions;
  const flattening = new Flattening(types, I32);
  const sizes = new Sizes(types, I32);
  const funcs = exports.map(({ lifted }) => types.func(lifted.type));
  const shown = funcs.map((f) => definitions.func(f));
  const parts = funcs.map((func, i) => {
    const { resultInMemory, signature: lower } = flattening.flattenFuncType(func, "lower");
    const { signature: lifted } = flattening.flattenFuncType(func, "lift");
    const flat = (keyword: string, list: readonly number[]): string =>
      list.length === 0 ? "" : `(${keyword} ${list.map(valTypeName).join(" ")})`;
    const args = lifted.params.map((_, k) => `(local.get ${k})`).join(" ");
    const { result } = func;
    const place =
      resultInMemory && result !== undefined
        ? `(call $realloc (i32.const 0) (i32.const 0) (i32.const ${sizes.alignment(result)}) (i32.const ${sizes.elemSize(result)}))`
        : undefined;
    const body =
      place === undefined
        ? `(call $f${i} ${args}) (call $reset)`
        : `(local $place i32) (local.set $place ${place}) (call $f${i} ${args} (local.get $place)) (local.get $place)`;
    const head = `(func (export "g${i}") ${flat("param", lifted.params)} ${flat("result", lifted.results)}`;
    const post = place === undefined ? "" : ` (post-return (core func $m "post"))`;
    return {
      imported: `(import "f${i}" (func $f${i} ${shown[i]}))`,
      lowered: `(core func $f${i} (canon lower (func $f${i}) ${OPTIONS}))`,
      core: `(import "" "f${i}" (func $f${i} ${flat("param", lower.params)} ${flat("result", lower.results)}))`,
      argument: `(export "f${i}" (func $f${i}))`,
      forward: `${head} ${body})`,
      lifted: `(func (export "g${i}") ${shown[i]} (canon lift (core func $m "g${i}") ${OPTIONS}${post}))`,
    };
  });
  const all = (part: keyof (typeof parts)[number]): string => parts.map((p) => p[part]).join("\n    ");
  const named = definitions.texts.map(
    (text, i) => `(type $t${i}' ${text}) (import "t${i}" (type $t${i} (eq $t${i}')))`,
  );
  return `(component $F
    ${named.join("\n    ")}
    ${all("imported")}
    ${LIBC}
    ${all("lowered")}
    (core module $M
    (import "libc" "mem" (memory 0)) (import "libc" "reset" (func $reset))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    ${all("core")}
    ${all("forward")}
    (func (export "post") (param i32) (call $reset)))
    (core instance $m (instantiate $M (with "libc" (instance $libc)) (with "" (instance ${all("argument")}))))
    ${all("lifted")})`;
}

function interfaceOf({ path }: ApiExport): string {
  return path[0] ?? "";
}

function hasHandles(types: ComponentTypes, { lifted }: ApiExport): boolean {
  const { params, result } = types.func(lifted.type);
  const facts = new TypeFacts(types);
  return [...params.map((p) => p.type), ...(result === undefined ? [] : [result])].some((t) =>
    facts.holds(t, ({ kind }) => kind === "own" || kind === "borrow"),
  );
}

/**
 * The component around `bytes`, all of whose exports and imports are interfaces. Those with handles in their functions are exported as they are.
 */
export async function forwarded(bytes: Uint8Array): Promise<Uint8Array> {
  const plan = planOf(bytes);
  const all = describeApi(plan, "inner", () => true, "dynamic").exports;
  const interfaces = [...new Set(all.map(interfaceOf))];
  const kept = new Set(all.filter((e) => hasHandles(plan.types, e)).map(interfaceOf));
  const exports = all.filter((e) => !kept.has(interfaceOf(e)));
  const definitions = new TypeDefinitions(plan.types);
  const forwarder = forwarderText(exports, definitions);
  const sections = sectionsOf(bytes);
  const last = sections.findLastIndex(({ id }) => id === IMPORT_SECTION);
  const declarations = new ByteWriter();
  declarations.bytes(bytes.subarray(0, HEADER));
  for (const { id, start, end } of sections.slice(0, last + 1)) {
    if (DECLARATIONS.has(id)) declarations.bytes(bytes.subarray(start, end));
  }
  const prefix = declarations.toBytes();
  const imports = check(prefix).definitions.flatMap((d) => (d.kind === "import" ? [d.name.name] : []));
  const types = definitions.texts.map((text, i) => `(type $t${i} ${text})`);
  const functions = exports.map(
    (e, i) => `(with "f${i}" (func $i${interfaces.indexOf(interfaceOf(e))} "${e.path.at(-1)}"))`,
  );
  const outer = interfaces.map((name, k) => {
    if (kept.has(name)) return `(export "${name}" (instance $i${k}))`;
    const own = exports.flatMap((e, i) =>
      interfaceOf(e) === name ? [`(export "${e.path.at(-1)}" (func $f "g${i}"))`] : [],
    );
    const named = definitions.texts.map((_, i) => `(export "t${i}" (type $t${i}))`);
    return `(instance $o${k} ${named.join(" ")} ${own.join(" ")}) (export "${name}" (instance $o${k}))`;
  });
  const text = `${(await disassemble(prefix)).trimEnd().slice(0, -1)}
  (component $X)
  (instance $x (instantiate $X ${imports.map((name, i) => `(with "${name}" (instance ${i}))`).join(" ")}))
  ${interfaces.map((name, k) => `(alias export $x "${name}" (instance $i${k}))`).join("\n  ")}
  ${types.join("\n  ")}
  ${forwarder}
  (instance $f (instantiate $F ${definitions.texts.map((_, i) => `(with "t${i}" (type $t${i}))`).join(" ")} ${functions.join(" ")}))
  ${outer.join("\n  ")})`;
  const around = await assemble(text);
  // The component itself is put where an empty one stands for it.
  const place = sectionsOf(around).find(({ id }) => id === COMPONENT_SECTION);
  if (place === undefined) throw new Error("there is no component section");
  const out = new ByteWriter(around.length + bytes.length);
  out.bytes(around.subarray(0, place.start));
  out.u8(COMPONENT_SECTION);
  out.varU32(bytes.length);
  out.bytes(bytes);
  out.bytes(around.subarray(place.end));
  return out.toBytes();
}
