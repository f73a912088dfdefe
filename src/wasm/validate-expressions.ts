/** Constant expressions (Wasm 3.0 §3.4.14): a stack machine over a short list of operators. */

import { concreteRef, F32, F64, I32, I64, V128, type ValType, valTypeName } from "./types.ts";
import { valTypeMatches } from "./matching.ts";
import type { ConstExpr, ConstOperator, Module } from "./module.ts";
import { Opcode, opcodeName } from "./opcodes.ts";
import { checkValType, moduleError } from "./validate-types.ts";

/**
 * Checks that `expression` leaves one value of type `expected`; it may read the first `globalCount` globals.
 * Throws `WindlassError`.
 */
export function validateConstExpr(
  module: Module,
  expression: ConstExpr,
  expected: ValType,
  globalCount: number,
  path: readonly string[],
): void {
  const stack: ValType[] = [];
  const end = expression.end - 1;
  for (const operator of expression.operators) step(module, operator, stack, globalCount, path);
  const type = stack.pop();
  if (type === undefined) {
    throw moduleError(
      "invalid",
      `type mismatch: expression expects ${valTypeName(expected)}, found nothing`,
      end,
      path,
    );
  }
  if (!valTypeMatches(type, module, expected, module)) {
    const message = `type mismatch: expression expects ${valTypeName(expected)}, found ${valTypeName(type)}`;
    throw moduleError("invalid", message, end, path);
  }
  if (stack.length !== 0) {
    throw moduleError("invalid", "type mismatch: values remaining on stack at end of expression", end, path);
  }
}

function step(
  module: Module,
  operator: ConstOperator,
  stack: ValType[],
  globalCount: number,
  path: readonly string[],
): void {
  const { op, offset, index } = operator;
  const fail = (message: string): never => {
    throw moduleError("invalid", message, offset, path);
  };
  const binary = (type: ValType): void => {
    for (let i = 0; i < 2; i++) {
      const found = stack.pop();
      if (found !== type) {
        const what = found === undefined ? "nothing" : valTypeName(found);
        fail(`type mismatch: ${opcodeName(op)} expects ${valTypeName(type)}, found ${what}`);
      }
    }
    stack.push(type);
  };
  switch (op) {
    case Opcode.i32_const:
      stack.push(I32);
      return;
    case Opcode.i64_const:
      stack.push(I64);
      return;
    case Opcode.f32_const:
      stack.push(F32);
      return;
    case Opcode.f64_const:
      stack.push(F64);
      return;
    case Opcode.v128_const:
      stack.push(V128);
      return;
    case Opcode.i32_add:
    case Opcode.i32_sub:
    case Opcode.i32_mul:
      binary(I32);
      return;
    case Opcode.i64_add:
    case Opcode.i64_sub:
    case Opcode.i64_mul:
      binary(I64);
      return;
    case Opcode.global_get: {
      const global = module.globals[index];
      if (global === undefined || index >= globalCount) return fail(`unknown global ${index}`);
      if (global.type.mutable) fail(`constant expression required: global ${index} is mutable`);
      stack.push(global.type.type);
      return;
    }
    case Opcode.ref_null:
      checkValType(operator.type, module.types.length, offset, path);
      stack.push(operator.type);
      return;
    case Opcode.ref_func: {
      const type = module.functions[index];
      if (type === undefined) return fail(`unknown function ${index}`);
      stack.push(concreteRef(type, false));
      return;
    }
    default:
      fail(`constant expression required: ${opcodeName(op)} is not constant`);
  }
}
