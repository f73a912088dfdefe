/** Where the body of a wasm function is. */

import type { Program } from "../frontend/program.ts";
import type { FuncSymbol } from "../ir/function.ts";

/** Byte range of the body in the bytes of its module, which locations count in; undefined for what is no wasm function. */
export function wasmBody(
  program: Program,
  symbol: FuncSymbol,
): { readonly start: number; readonly end: number } | undefined {
  const { kind } = program.functions.get(symbol);
  if (kind.kind !== "wasm") return undefined;
  const { component } = program;
  const { module } = component.modules.get(component.instances.get(kind.instance).module);
  const index = kind.func - module.importedFunctions;
  return { start: module.bodyStart[index] ?? 0, end: module.bodyEnd[index] ?? 0 };
}
