/** Core function types as signatures of the IR, and the shorthand for support functions. */

import { WindlassError } from "../base/diagnostics.ts";
import { F32, F64, I32, I64, isFloatOrVector, type Signature, type Type, V128 } from "../ir/types.ts";
import * as wasm from "../wasm/types.ts";

/** References are 64-bit values. Throws `WindlassError` for a type that no version of this compiler has. */
export function irType(type: wasm.ValType): Type {
  switch (type) {
    case wasm.I32:
      return I32;
    case wasm.I64:
      return I64;
    case wasm.F32:
      return F32;
    case wasm.F64:
      return F64;
    case wasm.V128:
      return V128;
    default:
      if (wasm.isRef(type)) return I64;
      throw new WindlassError({ kind: "unsupported", message: `values of type ${wasm.valTypeName(type)}` });
  }
}

/** Context first. */
export function wasmSignature(type: wasm.FuncType): Signature {
  return { params: [I64, ...type.params.map(irType)], results: type.results.map(irType), convention: "wasm" };
}

export function cSignature(params: readonly Type[], result?: Type): Signature {
  return { params, results: result === undefined ? [] : [result], convention: "c" };
}

/** How many results do not fit in registers: all but the first two integers and the first two floats or vectors. */
export function resultSlots(type: wasm.FuncType): number {
  let integers = 0;
  let floats = 0;
  for (const t of type.results) {
    if (isFloatOrVector(irType(t))) floats++;
    else integers++;
  }
  return Math.max(0, integers - 2) + Math.max(0, floats - 2);
}
