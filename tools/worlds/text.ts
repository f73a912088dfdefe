/** The component of a world, in text format: its core module passes every call on, and drops what it borrowed. */

import {
  alignment,
  alignTo,
  type CoreType,
  elemSize,
  flattenType,
  flattenTypes,
  MAX_FLAT_PARAMS,
  MAX_FLAT_RESULTS,
  ptrSize,
  type Resource,
  type Type,
} from "../../tests/abi-model/model.ts";
import { typeText } from "../../tests/abi-model/wat.ts";
import { Labels, REP_METHOD, type World, type WorldFunction, type WorldResource } from "./world.ts";

/** Where a function's result is, and from where on memory is given out. */
const RESULT = 1024;
const HEAP = 65536;
const PAGES = 256;

/** Which side of the component types are written for: a guest's resource can't be imported, there a number stands for it. */
type Side = "import" | "export";

interface DefinitionOptions {
  readonly side: Side;
  /** In front of every identifier. */
  readonly id: string;
  readonly resource: (resource: Resource) => string;
  /** How a type is given a name; undefined: none gets one. */
  readonly name: ((id: string, definition: string, name: string) => string) | undefined;
  readonly labels: Labels;
}

/** Definitions of composite types, inner ones first. */
class Definitions {
  readonly lines: string[] = [];
  readonly ids = new Map<Type, string>();
  readonly #world: World;
  readonly #options: DefinitionOptions;

  constructor(world: World, options: DefinitionOptions) {
    this.#world = world;
    this.#options = options;
  }

  ref(t: Type): string {
    const known = this.ids.get(t);
    if (known !== undefined) return known;
    const text = this.#text(t);
    if (!text.startsWith("(") || t.k === "own" || t.k === "borrow") return text;
    const id = `$${this.#options.id}t${this.ids.size}`;
    const wanted = this.#world.typeNames.get(t);
    const { name, labels } = this.#options;
    this.lines.push(
      name === undefined || wanted === undefined ? `(type ${id} ${text})` : name(id, text, labels.free(wanted)),
    );
    this.ids.set(t, id);
    return id;
  }

  /** `(param …) … (result …)` */
  signature({ params, result }: Pick<WorldFunction, "params" | "result">): string {
    const list = params.map((p) => `(param "${p.name}" ${this.ref(p.type)})`);
    if (result !== undefined) list.push(`(result ${this.ref(result)})`);
    return list.join(" ");
  }

  #text(t: Type): string {
    const labels = this.#world.labels.get(t) ?? [];
    return typeText(t, {
      ref: (of) => this.ref(of),
      label: (i) => labels[i] ?? "",
      handle: ({ k, resource }) => {
        const isGuests = this.#world.guestResources.some((g) => g.resource === resource);
        return isGuests && this.#options.side === "import" ? "u32" : `(${k} ${this.#options.resource(resource)})`;
      },
    });
  }
}

interface Core {
  readonly params: readonly CoreType[];
  readonly results: readonly CoreType[];
}

function coreOf({ ptr }: World, f: WorldFunction, side: Side): Core {
  const flat = flattenTypes(
    f.params.map((p) => p.type),
    ptr,
  );
  const params: readonly CoreType[] = flat.length > MAX_FLAT_PARAMS ? [ptr] : flat;
  const results = f.result === undefined ? [] : flattenType(f.result, ptr);
  if (results.length <= MAX_FLAT_RESULTS) return { params, results };
  return side === "export" ? { params, results: [ptr] } : { params: [...params, ptr], results: [] };
}

const list = (keyword: string, types: readonly string[]): string =>
  types.length === 0 ? "" : `(${keyword} ${types.join(" ")})`;

class ComponentText {
  readonly #world: World;
  readonly #importLabels: readonly Labels[];

  constructor(world: World) {
    this.#world = world;
    this.#importLabels = world.imports.map(() => new Labels());
  }

  #hostIndex(resource: Resource): number {
    return this.#world.hostResources.findIndex((h) => h.resource === resource);
  }
  #guestIndex(resource: Resource): number {
    return this.#world.guestResources.findIndex((g) => g.resource === resource);
  }
  /** As the root component calls it. */
  #rootResource(resource: Resource): string {
    const host = this.#hostIndex(resource);
    return host >= 0 ? `$h${host}` : `$g${this.#guestIndex(resource)}`;
  }

  #imports(): string {
    const { imports, functions, hostResources } = this.#world;
    return imports
      .map((scope, s) => {
        const labels = this.#importLabels[s] ?? new Labels();
        const own = functions.map((f, i) => ({ f, i })).filter(({ f }) => f.importScope === s);
        for (const { f } of own) labels.free(f.importName);
        const resources = hostResources.map((h, i) => ({ h, i })).filter(({ h }) => h.scope === s);
        for (const { h } of resources) labels.free(h.name);
        const isWorld = scope.name === undefined;
        const word = isWorld ? "import" : "export";
        const types = new Definitions(this.#world, {
          side: "import",
          id: `i${s}`,
          resource: (r) => {
            const at = this.#hostIndex(r);
            return isWorld || hostResources[at]?.scope === s ? `$h${at}` : `$outer${at}`;
          },
          name: (id, text, name) => `(type ${id}d ${text}) (${word} "${name}" (type ${id} (eq ${id}d)))`,
          labels,
        });
        const signatures = own.map(({ f }) => types.signature(f));
        const lines = [
          ...resources.map(({ h, i }) => `(${word} "${h.name}" (type $h${i} (sub resource)))`),
          ...types.lines,
          ...own.map(({ f, i }, k) => `(${word} "${f.importName}" (func ${isWorld ? `$w${i} ` : ""}${signatures[k]}))`),
        ];
        if (isWorld) return lines.join("\n  ");
        const outer = hostResources.flatMap((h, i) =>
          h.scope < s ? [`(alias outer 1 $h${i} (type $outer${i}))`] : [],
        );
        const aliases = resources.map(({ h, i }) => `(alias export $i${s} "${h.name}" (type $h${i}))`);
        return `(import "${scope.name}" (instance $i${s}\n    ${[...outer, ...lines].join("\n    ")}))\n  ${aliases.join("\n  ")}`;
      })
      .join("\n  ");
  }

  #options(f: WorldFunction): string {
    return `string-encoding=${f.encoding} (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))`;
  }

  #lowers(): string {
    const { functions, imports, hostResources, guestResources } = this.#world;
    const lowers = functions.map((f, i) => {
      const func = imports[f.importScope]?.name === undefined ? `$w${i}` : `$i${f.importScope} "${f.importName}"`;
      return `(core func $f${i} (canon lower (func ${func}) ${this.#options(f)}))`;
    });
    const drops = hostResources.map((_, i) => `(core func $drop${i} (canon resource.drop $h${i}))`);
    const news = guestResources.flatMap((g, i) => {
      const destructor = g.destructor ? ' (dtor (core func $libc "destroy"))' : "";
      return [`(type $g${i} (resource (rep i32)${destructor}))`, `(core func $new${i} (canon resource.new $g${i}))`];
    });
    return [...news, ...lowers, ...drops].join("\n  ");
  }

  /** Drops what a parameter lends, which is in locals from `local` on or in memory at local 0. */
  #drops(f: WorldFunction): string {
    const { ptr } = this.#world;
    const lines: string[] = [];
    const drop = (resource: Resource, handle: string): void => {
      const at = this.#hostIndex(resource);
      if (at >= 0) lines.push(`(call $drop${at} ${handle})`);
    };
    const inMemory = (t: Type, base: string, offset: number): void => {
      if (t.k === "borrow") drop(t.resource, `(i32.load offset=${offset} ${base})`);
      else if (t.k === "tuple" || t.k === "record") {
        let at = offset;
        for (const field of t.fields) {
          at = alignTo(at, alignment(field, ptr));
          inMemory(field, base, at);
          at += elemSize(field, ptr);
        }
      } else if (t.k === "list" && t.length !== undefined) {
        for (let i = 0; i < t.length; i++) inMemory(t.of, base, offset + i * elemSize(t.of, ptr));
      } else if (t.k === "list") {
        const size = ptrSize(ptr);
        elements(t.of, `(${ptr}.load offset=${offset} ${base})`, `(${ptr}.load offset=${offset + size} ${base})`);
      }
    };
    const elements = (of: Type, begin: string, count: string): void => {
      const before = lines.length;
      inMemory(of, "(local.get $p)", 0);
      const body = lines.splice(before);
      if (body.length === 0) return;
      const step = (name: string, op: string, by: number): string =>
        `(local.set $${name} (${ptr}.${op} (local.get $${name}) (${ptr}.const ${by})))`;
      lines.push(`(local.set $p ${begin}) (local.set $n ${count})
      (block $done (loop $more (br_if $done (${ptr}.eqz (local.get $n))) ${body.join(" ")}
        ${step("p", "add", elemSize(of, ptr))} ${step("n", "sub", 1)} (br $more)))`);
    };
    const inLocals = (t: Type, local: number): number => {
      const next = local + flattenType(t, ptr).length;
      if (t.k === "borrow") drop(t.resource, `(local.get ${local})`);
      else if (t.k === "tuple" || t.k === "record") t.fields.reduce((at, field) => inLocals(field, at), local);
      else if (t.k === "list" && t.length !== undefined) {
        let at = local;
        for (let i = 0; i < t.length; i++) at = inLocals(t.of, at);
      } else if (t.k === "list") elements(t.of, `(local.get ${local})`, `(local.get ${local + 1})`);
      return next;
    };
    const types = f.params.map((p) => p.type);
    if (flattenTypes(types, ptr).length > MAX_FLAT_PARAMS) {
      inMemory({ k: "tuple", fields: types }, "(local.get 0)", 0);
    } else types.reduce((at, t) => inLocals(t, at), 0);
    return lines.join("\n      ");
  }

  #main(): string {
    const { functions, hostResources, guestResources, ptr } = this.#world;
    const imports = functions.map((f, i) => {
      const { params, results } = coreOf(this.#world, f, "import");
      return `(import "" "f${i}" (func $f${i} ${list("param", params)} ${list("result", results)}))`;
    });
    hostResources.forEach((_, i) => void imports.push(`(import "" "drop${i}" (func $drop${i} (param i32)))`));
    guestResources.forEach(
      (_, i) => void imports.push(`(import "" "new${i}" (func $new${i} (param i32) (result i32)))`),
    );
    const forwarders = functions.map((f, i) => {
      const lower = coreOf(this.#world, f, "import");
      const lift = coreOf(this.#world, f, "export");
      const args = lift.params.map((_, k) => `(local.get ${k})`);
      const inMemory = lower.params.length > lift.params.length;
      if (inMemory) args.push(`(${ptr}.const ${RESULT})`);
      const call = `(call $f${i} ${args.join(" ")})`;
      const give = inMemory ? `(${ptr}.const ${RESULT})` : "";
      return `(func (export "f${i}") ${list("param", lift.params)} ${list("result", lift.results)} (local $p ${ptr}) (local $n ${ptr})
      ${call} ${this.#drops(f)} ${give})
    (func (export "p${i}") ${list("param", lift.results)} (call $reset))`;
    });
    const resources = guestResources.map(
      (_, i) => `(func (export "new${i}") (param i32) (result i32) (call $new${i} (local.get 0)))`,
    );
    return `(core module $Main (import "libc" "reset" (func $reset)) (import "libc" "memory" (memory ${ptr === "i64" ? "i64 " : ""}1))
    ${imports.join("\n    ")}
    ${[...forwarders, ...resources].join("\n    ")}
    (func (export "rep") (param i32) (result i32) (local.get 0)))
  (core instance $main (instantiate $Main (with "libc" (instance $libc)) (with "" (instance
    ${functions.map((_, i) => `(export "f${i}" (func $f${i}))`).join(" ")}
    ${hostResources.map((_, i) => `(export "drop${i}" (func $drop${i}))`).join(" ")}
    ${guestResources.map((_, i) => `(export "new${i}" (func $new${i}))`).join(" ")}))))`;
  }

  /** The constructor and the method of a guest's resource, and a function of one: what both kinds of scopes export. */
  #exported(scope: number): {
    readonly functions: readonly { readonly name: string; readonly func: WorldFunction; readonly lift: string }[];
    readonly resources: readonly { readonly g: WorldResource; readonly i: number }[];
  } {
    const { functions, guestResources } = this.#world;
    const u32: Type = { k: "u32" };
    const helper = (name: string, params: WorldFunction["params"], result: Type, core: string) => {
      const func: WorldFunction = {
        seed: 0,
        importScope: 0,
        importName: "",
        exportScope: scope,
        exportName: name,
        params,
        result,
        echo: undefined,
        encoding: "utf8",
        postReturn: false,
      };
      return { name, func, lift: `(canon lift (core func $main "${core}"))` };
    };
    const resources = guestResources.map((g, i) => ({ g, i })).filter(({ g }) => g.scope === scope);
    const all = resources.flatMap(({ g: { name, resource }, i }) => [
      helper(`[constructor]${name}`, [{ name: "rep", type: u32 }], { k: "own", resource }, `new${i}`),
      helper(`[method]${name}.${REP_METHOD}`, [{ name: "self", type: { k: "borrow", resource } }], u32, "rep"),
    ]);
    functions.forEach((func, i) => {
      if (func.exportScope !== scope) return;
      const post = func.postReturn ? ` (post-return (core func $main "p${i}"))` : "";
      const lift = `(canon lift (core func $main "f${i}") ${this.#options(func)}${post})`;
      all.push({ name: func.exportName, func, lift });
    });
    return { functions: all, resources };
  }

  /** An interface is a component around the functions, which gives types their names. */
  #interface(scope: number, name: string): string {
    const { functions, resources } = this.#exported(scope);
    const { hostResources } = this.#world;
    const labels = new Labels();
    for (const { name: own } of functions) labels.free(own);
    for (const { g } of resources) labels.free(g.name);
    const root = new Definitions(this.#world, {
      side: "export",
      id: `r${scope}`,
      resource: (r) => this.#rootResource(r),
      name: undefined,
      labels,
    });
    const lifts = functions.map(({ func, lift }, i) => `(func $l${scope}x${i} ${root.signature(func)} ${lift})`);
    let imported = 0;
    const inner = new Definitions(this.#world, {
      side: "export",
      id: "n",
      resource: (r) => this.#rootResource(r),
      name: (id, text) => `(type ${id}d ${text}) (import "t${imported++}" (type ${id} (eq ${id}d)))`,
      labels,
    });
    const given = functions.map(({ func }, i) => `(import "f${i}" (func $f${i} ${inner.signature(func)}))`);
    const outer = new Definitions(this.#world, {
      side: "export",
      id: "x",
      resource: (r) => `${this.#rootResource(r)}${resources.some(({ g }) => g.resource === r) ? "x" : ""}`,
      name: (id, text, own) => `(type ${id}d ${text}) (export ${id} "${own}" (type ${id}d))`,
      labels,
    });
    const exported = functions.map(
      ({ name: own, func }, i) => `(export "${own}" (func $f${i}) (func ${outer.signature(func)}))`,
    );
    const reachable = [...hostResources.map((_, i) => `h${i}`), ...resources.map(({ i }) => `g${i}`)];
    // The names of the types that are imported, in the order in which they were defined.
    const types = [...inner.ids].filter(([t]) => this.#world.typeNames.has(t));
    return `${[...root.lines, ...lifts].join("\n  ")}
  (component $api${scope}
    ${reachable.map((id) => `(import "${id}" (type $${id} (sub resource)))`).join("\n    ")}
    ${[...inner.lines, ...given].join("\n    ")}
    ${resources.map(({ g, i }) => `(export $g${i}x "${g.name}" (type $g${i}))`).join("\n    ")}
    ${[...outer.lines, ...exported].join("\n    ")})
  (instance $e${scope} (instantiate $api${scope}
    ${reachable.map((id) => `(with "${id}" (type $${id}))`).join(" ")}
    ${types.map(([t], i) => `(with "t${i}" (type ${root.ids.get(t)}))`).join(" ")}
    ${functions.map((_, i) => `(with "f${i}" (func $l${scope}x${i}))`).join(" ")}))
  (export "${name}" (instance $e${scope}))`;
  }

  #worldFunctions(scope: number): string {
    const { functions, resources } = this.#exported(scope);
    const labels = new Labels();
    for (const { name } of functions) labels.free(name);
    for (const { g } of resources) labels.free(g.name);
    const types = new Definitions(this.#world, {
      side: "export",
      id: "e",
      resource: (r) => `${this.#rootResource(r)}${resources.some(({ g }) => g.resource === r) ? "x" : ""}`,
      name: (id, text, name) => `(type ${id}d ${text}) (export ${id} "${name}" (type ${id}d))`,
      labels,
    });
    const exported = functions.map(
      ({ name, func, lift }) => `(func (export "${name}") ${types.signature(func)} ${lift})`,
    );
    const named = resources.map(({ g, i }) => `(export $g${i}x "${g.name}" (type $g${i}))`);
    return [...named, ...types.lines, ...exported].join("\n  ");
  }

  text(): string {
    const { ptr, exports } = this.#world;
    const c = (n: number): string => `(${ptr}.const ${n})`;
    return `(component
  ${this.#imports()}
  (core module $Libc
    (memory (export "memory") ${ptr === "i64" ? "i64 " : ""}${PAGES})
    (global $top (mut ${ptr}) ${c(HEAP)})
    (func (export "realloc") (param $old ${ptr}) (param $before ${ptr}) (param $align ${ptr}) (param $size ${ptr}) (result ${ptr})
      (global.set $top (${ptr}.and (${ptr}.add (global.get $top) (${ptr}.sub (local.get $align) ${c(1)})) (${ptr}.sub ${c(0)} (local.get $align))))
      (if (${ptr}.ne (local.get $old) ${c(0)}) (then (memory.copy (global.get $top) (local.get $old)
        (select (local.get $before) (local.get $size) (${ptr}.lt_u (local.get $before) (local.get $size))))))
      (global.get $top)
      (global.set $top (${ptr}.add (global.get $top) (local.get $size))))
    (func (export "destroy") (param i32))
    (func (export "reset") (global.set $top ${c(HEAP)})))
  (core instance $libc (instantiate $Libc))
  ${this.#lowers()}
  ${this.#main()}
  ${exports.map(({ name }, i) => (name === undefined ? this.#worldFunctions(i) : this.#interface(i, name))).join("\n  ")})
`;
  }
}

export function worldText(world: World): string {
  return new ComponentText(world).text();
}
