/**
 * The table of a program's functions. What a function is also says which it is: code that calls one asks for its symbol by its kind, and a
 * kind needs no field and no accessor of its own.
 */

import { InternalError } from "../base/diagnostics.ts";
import { PrimaryMap } from "../base/entity.ts";
import type { FuncSymbol } from "../ir/function.ts";
import { coreFuncKey } from "./api.ts";
import type { FunctionKind, ProgramFunction } from "./items.ts";

/** In the order of the text. Two functions are never the same in kind and key. */
export class FunctionTable extends PrimaryMap<FuncSymbol, ProgramFunction> {
  readonly #symbols = new Map<string, FuncSymbol>();

  override push(row: ProgramFunction): FuncSymbol {
    const symbol = super.push(row);
    const key = keyOf(row.kind);
    if (key === undefined) return symbol;
    if (this.#symbols.has(key)) throw new InternalError("frontend", `two functions are ${key}`);
    this.#symbols.set(key, symbol);
    return symbol;
  }

  /** The function that is this; undefined where the program has none. */
  find(kind: FunctionKind): FuncSymbol | undefined {
    const key = keyOf(kind);
    return key === undefined ? undefined : this.#symbols.get(key);
  }

  /** The function that is this. Throws `InternalError` where the program has none. */
  symbolOf(kind: FunctionKind): FuncSymbol {
    const symbol = this.find(kind);
    if (symbol === undefined) throw new InternalError("frontend", `no function is ${keyOf(kind) ?? kind.kind}`);
    return symbol;
  }
}

/** Kind and what tells it from others of its kind. Undefined for kinds that nobody asks for in this way. */
function keyOf(kind: FunctionKind): string | undefined {
  switch (kind.kind) {
    case "restorer":
    case "enter-instantiate":
    case "enter-drop":
    case "check-reference":
    case "start":
    case "main":
    case "instantiate":
      return kind.kind;
    case "support":
    case "host-support":
    case "api":
      return `${kind.kind} ${kind.name}`;
    case "transcoder":
      return `${kind.refusing ? "refusing " : ""}${kind.kind} ${kind.name}`;
    case "memory-grow":
    case "memory-accessor":
      return `${kind.kind} ${kind.memory}`;
    case "table-grow":
      return `${kind.kind} ${kind.table}`;
    case "lifted-entry":
    case "typed-entry":
    case "typed-body":
    case "task-body":
    case "post-return-entry":
    case "core-entry":
      return `${kind.kind} ${kind.export}`;
    case "realloc-entry":
    case "checked-realloc":
      return `${kind.kind} ${kind.realloc}`;
    case "script-entry":
      return `${kind.kind} ${coreFuncKey(kind.func)}`;
    case "script-instantiate":
    case "instantiate-core":
      return `${kind.kind} ${kind.instance}`;
    case "core-call":
    case "core-call-target":
      return `${kind.kind} ${kind.call}`;
    case "lowered":
    case "trampoline":
    case "adapter-string":
    case "adapter-value":
    case "adapter-flat-value":
      return `${kind.kind} ${kind.index}`;
    case "typed-drop":
    case "resource-drop":
      return `${kind.kind} ${kind.drop}`;
    case "dynamic-import":
      return `${kind.kind} ${kind.import}`;
    case "dynamic-destructor":
      return `${kind.kind} ${kind.resource}`;
    case "core-access":
    case "wasm":
      return undefined;
  }
}
