/** Which functions a module names outside of bodies. */

import { type ConstExpr, type ElementSegment, type Module, NULL_FUNCTION } from "./module.ts";
import { Opcode } from "./opcodes.ts";

/** Calls `visit` for each function that one of `segments`, or a constant expression of a segment, a global or a table, names. */
export function visitNamedFunctions(
  module: Module,
  visit: (index: number) => void,
  segments: readonly ElementSegment[] = module.elements,
): void {
  const expression = (e: ConstExpr | undefined): void => {
    if (e === undefined) return;
    for (const { op, index } of e.operators) if (op === Opcode.ref_func) visit(index);
  };
  for (const { items } of segments) {
    if (items.kind === "functions") for (const index of items.functions) if (index !== NULL_FUNCTION) visit(index);
  }
  for (const { init } of module.globals) expression(init);
  for (const { init } of module.tables) expression(init);
  for (const { items } of segments) if (items.kind === "expressions") items.expressions.forEach(expression);
}

/**
 * Function index → 1 when a body may take references to it: it occurs outside of bodies and the start section, in an export, an element segment
 * or a constant expression (Wasm 3.0 §3.6.14, `C.refs`).
 */
export function declaredFunctions(module: Module): Uint8Array {
  const declared = new Uint8Array(module.functions.length);
  for (const { kind, index } of module.exports) if (kind === "func") declared[index] = 1;
  visitNamedFunctions(module, (index) => {
    declared[index] = 1;
  });
  return declared;
}
