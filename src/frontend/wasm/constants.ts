/**
 * Constant expressions in a closed world: nearly all of them have a value when the component is compiled, function references
 * included, because every import is resolved. Used by `facts.ts`, by the translation of `global.get`, and by instantiation.
 */

import type { Component, CoreFunc, CoreInstanceIndex, SignatureIndex } from "../../plan/component.ts";
import { addI64, type I64, mulI64, subI64 } from "../../base/int64.ts";
import { resolveFunc, signatureOf, signatureOfModuleFunc } from "../../plan/signatures.ts";
import type { ConstExpr } from "../../wasm/module.ts";
import { Opcode } from "../../wasm/opcodes.ts";

export type ConstValue =
  /** i32 and f32 in `lo` (then `hi` is 0), i64 and f64 in both. */
  | { readonly kind: "number"; readonly lo: number; readonly hi: number }
  | { readonly kind: "func"; readonly func: CoreFunc; readonly signature: SignatureIndex }
  | { readonly kind: "null" };

const NULL: ConstValue = { kind: "null" };

/** What function `index` of the instance's module is, imports resolved. Throws `RangeError`. */
export function resolveFunction(component: Component, instance: CoreInstanceIndex, index: number): CoreFunc {
  const { module } = component.modules.get(component.instances.get(instance).module);
  if (index < 0 || index >= module.functions.length) throw new RangeError(`no function ${index}`);
  return resolveFunc(component, instance, index);
}

/**
 * The signature that a reference to function `index` of the instance's module carries: that of the function's definition, so that a call
 * through a supertype is seen for what it is. Throws `RangeError`.
 */
export function functionSignature(component: Component, instance: CoreInstanceIndex, index: number): SignatureIndex {
  const func = resolveFunction(component, instance, index);
  return signatureOf(component, func) ?? signatureOfModuleFunc(component, instance, index);
}

/**
 * The value of a constant expression of the instance's module, or undefined when it is not known before the component runs, or has a
 * type that this module does not evaluate (vectors, garbage-collected objects). `globals` gives the values of immutable globals.
 */
export function evaluateConst(
  component: Component,
  instance: CoreInstanceIndex,
  expr: ConstExpr,
  globals: readonly (ConstValue | undefined)[],
): ConstValue | undefined {
  const stack: ConstValue[] = [];
  for (const operator of expr.operators) {
    switch (operator.op) {
      case Opcode.i32_const:
      case Opcode.f32_const:
        stack.push({ kind: "number", lo: operator.lo, hi: 0 });
        break;
      case Opcode.i64_const:
      case Opcode.f64_const:
        stack.push({ kind: "number", lo: operator.lo, hi: operator.hi });
        break;
      case Opcode.ref_null:
        stack.push(NULL);
        break;
      case Opcode.ref_func:
        stack.push({
          kind: "func",
          func: resolveFunction(component, instance, operator.index),
          signature: functionSignature(component, instance, operator.index),
        });
        break;
      case Opcode.global_get: {
        const global = component.instances.get(instance).globals[operator.index];
        const value = global === undefined ? undefined : globals[global];
        if (value === undefined) return undefined;
        stack.push(value);
        break;
      }
      default: {
        const b = stack.pop();
        const a = stack.pop();
        if (a?.kind !== "number" || b?.kind !== "number") return undefined;
        const out = arithmetic(operator.op, a, b);
        if (out === undefined) return undefined;
        stack.push({ kind: "number", lo: out.lo, hi: out.hi });
      }
    }
  }
  return stack.pop();
}

function arithmetic(op: number, a: I64, b: I64): I64 | undefined {
  const out: I64 = { lo: 0, hi: 0 };
  switch (op) {
    case Opcode.i32_add:
      out.lo = (a.lo + b.lo) | 0;
      return out;
    case Opcode.i32_sub:
      out.lo = (a.lo - b.lo) | 0;
      return out;
    case Opcode.i32_mul:
      out.lo = Math.imul(a.lo, b.lo);
      return out;
    case Opcode.i64_add:
      addI64(out, a.lo, a.hi, b.lo, b.hi);
      return out;
    case Opcode.i64_sub:
      subI64(out, a.lo, a.hi, b.lo, b.hi);
      return out;
    case Opcode.i64_mul:
      mulI64(out, a.lo, a.hi, b.lo, b.hi);
      return out;
    default:
      return undefined;
  }
}
