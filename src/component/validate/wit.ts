/** Types as the validator has them, in WIT's words: for messages. A type may be exponentially larger than its definition, so long ones are cut. */

import { unreachable } from "../../base/diagnostics.ts";
import {
  type AnyType,
  type DefinedShape,
  type ExternType,
  externKindName,
  type FuncType,
  type NamedValType,
  type ResourceType,
  type ValType,
} from "./model.ts";

/** Characters beyond which no more parts are written. */
const MAX_LENGTH = 160;

class Writer {
  #length = 0;

  #each<T>(items: readonly T[], write: (item: T) => string): string {
    const out: string[] = [];
    for (const item of items) {
      if (this.#length > MAX_LENGTH) {
        out.push("…");
        break;
      }
      out.push(write(item));
    }
    return out.join(", ");
  }

  #named(list: readonly NamedValType[]): string {
    return this.#each(list, ({ name, type }) => {
      this.#length += name.length;
      return `${name}: ${this.value(type)}`;
    });
  }

  #names(kind: string, names: readonly string[]): string {
    const list = this.#each(names, (name) => {
      this.#length += name.length;
      return name;
    });
    return `${kind} { ${list} }`;
  }

  value(type: ValType | undefined): string {
    this.#length += 4;
    if (type === undefined) return "_";
    if (this.#length > MAX_LENGTH) return "…";
    return typeof type === "string" ? type : this.shape(type.shape);
  }

  shape(shape: DefinedShape): string {
    switch (shape.kind) {
      case "primitive":
        return shape.type;
      case "record":
        return `record { ${this.#named(shape.fields)} }`;
      case "variant": {
        const cases = this.#each(shape.cases, ({ name, type }) => {
          this.#length += name.length;
          return type === undefined ? name : `${name}(${this.value(type)})`;
        });
        return `variant { ${cases} }`;
      }
      case "list":
        return `list<${this.value(shape.element)}>`;
      case "fixed-list":
        return `list<${this.value(shape.element)}, ${shape.length}>`;
      case "map":
        return `map<${this.value(shape.key)}, ${this.value(shape.value)}>`;
      case "tuple":
        return `tuple<${this.#each(shape.types, (type) => this.value(type))}>`;
      case "flags":
      case "enum":
        return this.#names(shape.kind, shape.names);
      case "option":
        return `option<${this.value(shape.type)}>`;
      case "result": {
        if (shape.ok === undefined && shape.err === undefined) return "result";
        return `result<${this.value(shape.ok)}${shape.err === undefined ? "" : `, ${this.value(shape.err)}`}>`;
      }
      case "own":
      case "borrow":
        return `${shape.kind}<${shape.resource.resource.name}>`;
      case "stream":
      case "future":
        return shape.type === undefined ? shape.kind : `${shape.kind}<${this.value(shape.type)}>`;
      default:
        return unreachable(shape);
    }
  }

  func({ params, result, isAsync }: FuncType): string {
    const list = this.#named(params);
    return `${isAsync ? "async " : ""}func(${list})${result === undefined ? "" : ` -> ${this.value(result)}`}`;
  }
}

/** `list<own<file>>`. */
export function witOfValue(type: ValType): string {
  return new Writer().value(type);
}

/** `func(name: string) -> u32`. */
export function witOfFunc(type: FuncType): string {
  return new Writer().func(type);
}

/** What a type is: in WIT's words as far as it has any. */
export function witOfType(type: AnyType | ResourceType): string {
  switch (type.sort) {
    case "defined":
      return new Writer().shape(type.shape);
    case "func":
      return witOfFunc(type);
    case "resource":
      return `resource ${type.resource.name}`;
    case "instance":
    case "component":
      return `${type.sort} type`;
    default:
      return unreachable(type);
  }
}

/** What something that has a name is. */
export function witOfExtern(extern: ExternType): string {
  if (extern.kind === "func") return `a \`${witOfFunc(extern.type)}\``;
  if (extern.kind === "type") return `the type \`${witOfType(extern.type)}\``;
  return `of sort ${externKindName(extern)}`;
}
