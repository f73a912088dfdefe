/** Which functions a body may take references to. */

import { type ConstExpr, type Module, NULL_FUNCTION } from "./module.ts";

/**
 * Function index → 1 when the function occurs outside of bodies and the start section: in an export, an element segment or
 * a constant expression (Wasm 3.0 §3.6.14, `C.refs`).
 */
export function declaredFunctions(module: Module): Uint8Array {
  const declared = new Uint8Array(module.functions.length);
  const expression = (e: ConstExpr | undefined): void => {
    if (e === undefined) return;
    for (const { op, index } of e.operators) if (op === 0xd2 /* ref.func */) declared[index] = 1;
  };
  for (const { kind, index } of module.exports) if (kind === "func") declared[index] = 1;
  for (const { init } of module.globals) expression(init);
  for (const { init } of module.tables) expression(init);
  for (const { items } of module.elements) {
    if (items.kind === "expressions") items.expressions.forEach(expression);
    else for (const index of items.functions) if (index !== NULL_FUNCTION) declared[index] = 1;
  }
  return declared;
}
