/** Types of the arena in WIT's words: for messages, dumps and `inspect`. */

import { unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, ResourceIndex, TypeFuncIndex } from "../component/types.ts";

/** The name of a resource. */
export type ResourceName = (resource: ResourceIndex) => string;

/** The name that stands for a type; undefined: its structure is written. */
export type TypeName = (t: InterfaceType) => string | undefined;

/** Longer types are cut off here: a type may be exponentially larger than its definition. */
const MAX_LENGTH = 2_000;

/** Writes types with a budget of characters. */
class Writer {
  readonly #types: ComponentTypes;
  readonly #resource: ResourceName;
  readonly #name: TypeName;
  #length = 0;

  constructor(types: ComponentTypes, resource: ResourceName, name: TypeName) {
    this.#types = types;
    this.#resource = resource;
    this.#name = name;
  }

  #list(parts: Iterable<string>): string {
    const list: string[] = [];
    for (const part of parts) list.push(part);
    return list.join(", ");
  }

  *#each<T>(items: readonly T[], write: (item: T) => string): Iterable<string> {
    for (const item of items) {
      if (this.#length > MAX_LENGTH) {
        yield "…";
        return;
      }
      const text = write(item);
      this.#length += text.length;
      yield text;
    }
  }

  type(t: InterfaceType): string {
    const types = this.#types;
    this.#length++;
    if (this.#length > MAX_LENGTH) return "…";
    const name = this.#name(t);
    if (name !== undefined) return name;
    switch (t.kind) {
      case "record": {
        const { fields } = types.records.table.get(t.type);
        return `record { ${this.#list(this.#each(fields, (f) => `${f.name}: ${this.type(f.type)}`))} }`;
      }
      case "variant": {
        const { cases } = types.variants.table.get(t.type);
        const one = (c: (typeof cases)[number]) => (c.type === undefined ? c.name : `${c.name}(${this.type(c.type)})`);
        return `variant { ${this.#list(this.#each(cases, one))} }`;
      }
      case "list":
        return `list<${this.type(types.lists.table.get(t.type).element)}>`;
      case "fixed-list": {
        const { element, length } = types.fixedLists.table.get(t.type);
        return `list<${this.type(element)}, ${length}>`;
      }
      case "map": {
        const { key, value } = types.maps.table.get(t.type);
        return `map<${this.type(key)}, ${this.type(value)}>`;
      }
      case "tuple":
        return `tuple<${this.#list(this.#each(types.tuples.table.get(t.type).types, (x) => this.type(x)))}>`;
      case "flags":
        return `flags { ${this.#list(this.#each(types.flags.table.get(t.type).names, (name) => name))} }`;
      case "enum":
        return `enum { ${this.#list(this.#each(types.enums.table.get(t.type).names, (name) => name))} }`;
      case "option":
        return `option<${this.type(types.options.table.get(t.type).type)}>`;
      case "result": {
        const { ok, err } = types.results.table.get(t.type);
        if (ok === undefined) return err === undefined ? "result" : `result<_, ${this.type(err)}>`;
        return err === undefined ? `result<${this.type(ok)}>` : `result<${this.type(ok)}, ${this.type(err)}>`;
      }
      case "own":
        return `own<${this.#resource(t.resource)}>`;
      case "borrow":
        return `borrow<${this.#resource(t.resource)}>`;
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
      case "string":
      case "error-context":
        return t.kind;
      default:
        return unreachable(t);
    }
  }

  func(index: TypeFuncIndex): string {
    const { params, result, isAsync } = this.#types.func(index);
    const list = this.#list(this.#each(params, (p) => `${p.name}: ${this.type(p.type)}`));
    return `${isAsync ? "async " : ""}func(${list})${result === undefined ? "" : ` -> ${this.type(result)}`}`;
  }
}

function unnamed(): undefined {
  return undefined;
}

/** `list<own<output-stream>>`. Long types end in `…`. */
export function witType(
  types: ComponentTypes,
  t: InterfaceType,
  resource: ResourceName,
  name: TypeName = unnamed,
): string {
  return new Writer(types, resource, name).type(t);
}

/** `func(name: string, times: u32) -> result<string>`. */
export function witFunc(
  types: ComponentTypes,
  index: TypeFuncIndex,
  resource: ResourceName,
  name: TypeName = unnamed,
): string {
  return new Writer(types, resource, name).func(index);
}
