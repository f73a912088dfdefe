/** Constant expressions (Wasm 3.0 §3.4.14): a stack machine over a short list of operators. */

import { concreteRef, F32, F64, I32, I64, V128, type ValType, valTypeName } from "./types.ts";
import { valTypeMatches } from "./matching.ts";
import type { ConstExpr, ConstOperator, Module } from "./module.ts";
import { opcodeName } from "./opcodes.ts";
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
    case 0x41: // i32.const
      stack.push(I32);
      return;
    case 0x42: // i64.const
      stack.push(I64);
      return;
    case 0x43: // f32.const
      stack.push(F32);
      return;
    case 0x44: // f64.const
      stack.push(F64);
      return;
    case 0x20c: // v128.const
      stack.push(V128);
      return;
    case 0x6a: // i32.add
    case 0x6b: // i32.sub
    case 0x6c: // i32.mul
      binary(I32);
      return;
    case 0x7c: // i64.add
    case 0x7d: // i64.sub
    case 0x7e: // i64.mul
      binary(I64);
      return;
    case 0x23: {
      // global.get
      const global = module.globals[index];
      if (global === undefined || index >= globalCount) return fail(`unknown global ${index}`);
      if (global.type.mutable) fail(`constant expression required: global ${index} is mutable`);
      stack.push(global.type.type);
      return;
    }
    case 0xd0: // ref.null
      checkValType(operator.type, module.types.length, offset, path);
      stack.push(operator.type);
      return;
    case 0xd2: {
      // ref.func
      const type = module.functions[index];
      if (type === undefined) return fail(`unknown function ${index}`);
      stack.push(concreteRef(type, false));
      return;
    }
    default:
      fail(`constant expression required: ${opcodeName(op)} is not constant`);
  }
}
