/**
 * The part of a header that is about C values (host ABI `typed`): a C type for each WIT type in use, in the order in which C needs them, constants of
 * enums, flags and variants, and prototypes. `frontend/c-types.ts` names types, `frontend/c-signature.ts` says how values are passed.
 */

import { discriminantSize, flagsSize } from "../abi/sizes.ts";
import { InternalError, unreachable } from "../base/diagnostics.ts";
import type { TypeDocs, WitDocs } from "../component/docs.ts";
import type { InterfaceType, TypeFunc } from "../component/types.ts";
import type { Api } from "../frontend/api.ts";
import { isByValue } from "../frontend/c-signature.ts";
import { type CType, memberNames } from "../frontend/c-types.ts";
import type { Component } from "../plan/component.ts";
import { witType } from "../plan/wit.ts";
import { comment, documentation } from "./comment.ts";

function unsigned(size: 1 | 2 | 4): string {
  return `uint${8 * size}_t`;
}

class TypeWriter {
  readonly component: Component;
  readonly api: Api;
  readonly docs: WitDocs;
  readonly lines: string[] = [];

  constructor(component: Component, api: Api, docs: WitDocs) {
    this.component = component;
    this.api = api;
    this.docs = docs;
  }

  #docsOf(path: readonly string[] | undefined): TypeDocs | undefined {
    if (path === undefined) return undefined;
    // A name that means another type among the exports.
    return this.docs.ofType(path[0] === "exports" ? path.slice(1) : path);
  }

  c(t: InterfaceType): string {
    return this.api.types.write(t);
  }

  /** The fields of a type with a name stand right below its comment. */
  #wit(t: InterfaceType): string {
    const path = this.api.types.witPath(t);
    if (path !== undefined) return `${t.kind} ${path.join(" ")}`;
    return witType(
      this.component.types,
      t,
      (r) => this.api.types.resourceName(this.component, r),
      (part) => this.api.types.witPath(part)?.at(-1),
    );
  }

  /** `typedef struct NAME { … } NAME;` */
  #struct(name: string, members: readonly string[]): void {
    this.lines.push(`typedef struct ${name} {`, ...members.map((m) => `  ${m}`), `} ${name};`);
  }

  #integer(name: string, size: 1 | 2 | 4): void {
    this.lines.push(`typedef ${unsigned(size)} ${name};`);
  }

  /** Constants of the cases or flags `names`, with their documentation. */
  #define(type: CType, names: readonly string[], docs: TypeDocs | undefined, value: (i: number) => string): void {
    type.constants.forEach((name, i) => {
      this.lines.push(...documentation(docs?.items.get(names[i] ?? "")), `#define ${name} ${value(i)}`);
    });
  }

  /** A union of payloads as members, none if nothing has one. */
  #union(names: readonly string[], payloads: readonly (InterfaceType | undefined)[]): readonly string[] {
    const members = memberNames(names).flatMap((name, i) => {
      const type = payloads[i];
      return type === undefined ? [] : [`${this.c(type)} ${name};`];
    });
    return members.length === 0 ? [] : ["union {", ...members.map((m) => `  ${m}`), "} val;"];
  }

  write(type: CType): void {
    const t = type.type;
    const { types } = this.component;
    const name = this.c(t);
    const docs = this.#docsOf(this.api.types.witPath(t));
    this.lines.push("", ...documentation(docs?.docs), comment(this.#wit(t)));
    switch (t.kind) {
      case "string":
        this.#struct(name, ["const char *ptr;", "size_t len;"]);
        break;
      case "record": {
        const { fields } = types.records.table.get(t.type);
        const members = memberNames(fields.map((f) => f.name));
        this.#struct(
          name,
          fields.flatMap((f, i) => [...documentation(docs?.items.get(f.name)), `${this.c(f.type)} ${members[i]};`]),
        );
        break;
      }
      case "tuple":
        this.#struct(
          name,
          types.tuples.table.get(t.type).types.map((p, i) => `${this.c(p)} f${i};`),
        );
        break;
      case "list":
        this.#struct(name, [`const ${this.c(types.lists.table.get(t.type).element)} *ptr;`, "size_t len;"]);
        break;
      case "fixed-list": {
        const { element, length } = types.fixedLists.table.get(t.type);
        this.#struct(name, [`${this.c(element)} items[${length}];`]);
        break;
      }
      case "map": {
        const { key, value } = types.maps.table.get(t.type);
        const entry = this.api.types.writeEntry(t);
        this.#struct(entry, [`${this.c(key)} key;`, `${this.c(value)} value;`]);
        this.#struct(name, [`const ${entry} *ptr;`, "size_t len;"]);
        break;
      }
      case "variant": {
        const { cases } = types.variants.table.get(t.type);
        const union = this.#union(
          cases.map((c) => c.name),
          cases.map((c) => c.type),
        );
        this.#struct(name, [`${unsigned(discriminantSize(cases.length))} tag;`, ...union]);
        this.#define(
          type,
          cases.map((c) => c.name),
          docs,
          String,
        );
        break;
      }
      case "option":
        this.#struct(name, ["bool is_some;", `${this.c(types.options.table.get(t.type).type)} val;`]);
        break;
      case "result": {
        const { ok, err } = types.results.table.get(t.type);
        this.#struct(name, ["bool is_err;", ...this.#union(["ok", "err"], [ok, err])]);
        break;
      }
      case "enum": {
        const { names } = types.enums.table.get(t.type);
        this.#integer(name, discriminantSize(names.length));
        this.#define(type, names, docs, String);
        break;
      }
      case "flags": {
        const { names } = types.flags.table.get(t.type);
        const size = flagsSize(names.length);
        this.#integer(name, size);
        this.#define(type, names, docs, (i) => `((${unsigned(size)})(UINT32_C(1) << ${i}))`);
        break;
      }
      case "own":
      case "borrow":
      case "bool":
      case "s8":
      case "u8":
      case "s16":
      case "u16":
      case "s32":
      case "u32":
      case "s64":
      case "u64":
      case "f32":
      case "f64":
      case "char":
      case "error-context":
        throw new InternalError("bindings", `a ${t.kind} needs no declaration`);
      default:
        unreachable(t);
    }
    this.#aliases(name, type.aliases);
  }

  #aliases(name: string, aliases: readonly string[]): void {
    for (const alias of aliases) this.lines.push(`typedef ${name} ${alias};`);
  }

  resources(): void {
    const { types, prefix } = this.api;
    for (const { resource, name, aliases } of types.resources) {
      const { kind } = this.component.resources.get(resource);
      const wit = this.api.types.resourceName(this.component, resource);
      const c = `${prefix}_${name}_t`;
      this.lines.push("", ...documentation(this.#docsOf(types.resourcePath(resource))?.docs));
      if (kind === "host") {
        this.lines.push(comment(`resource ${wit}: whatever the host stands for it`), `typedef void *${c};`);
      } else {
        this.lines.push(comment(`resource ${wit}: a handle of the component's; 0 is none`));
        this.#struct(c, ["uint64_t handle;"]);
      }
      this.#aliases(c, aliases);
    }
  }
}

/** Every type that typed functions use. */
export function typeDeclarations(component: Component, api: Api, docs: WitDocs): readonly string[] {
  const writer = new TypeWriter(component, api, docs);
  writer.resources();
  for (const type of api.types.list) writer.write(type);
  return writer.lines;
}

/** The arguments of a C function of component values, behind the `leading` ones. */
export function typedParameters(api: Api, func: TypeFunc, leading: readonly string[]): string {
  const names = memberNames(
    func.params.map((p) => p.name),
    ["instance", "data", "call", "out"],
  );
  const params = func.params.map(({ type }, i) => {
    const written = api.types.write(type);
    return isByValue(type) ? `${written} ${names[i]}` : `const ${written} *${names[i]}`;
  });
  const out = func.result === undefined ? [] : [`${api.types.write(func.result)} *out`];
  return [...leading, ...params, ...out].join(", ");
}
