/** Value types as the tokens of the sandbox verifier's policy (`layout/sandbox.ts`): what matters of them when code is checked. */

import type { StaticModule } from "../plan/component.ts";
import * as wasm from "../wasm/types.ts";

/** The number of the signature of a module's function type. */
export type SignatureOf = (typeIndex: number) => number | undefined;
export const NO_SIGNATURES: SignatureOf = () => undefined;

export function moduleSignatures(module: StaticModule): SignatureOf {
  return (typeIndex) => module.signatures[typeIndex];
}

export function valueToken(type: wasm.ValType, signatureOf: SignatureOf): string {
  switch (type) {
    case wasm.I32:
      return "i";
    case wasm.I64:
      return "l";
    case wasm.F32:
      return "f";
    case wasm.F64:
      return "d";
    case wasm.V128:
      return "v";
    default: {
      const heap = wasm.heapOf(type);
      if (wasm.isConcrete(type)) {
        const signature = signatureOf(heap);
        return signature === undefined ? "x" : `r${signature}`;
      }
      return heap === wasm.HEAP_FUNC || heap === wasm.HEAP_NOFUNC ? "r" : "x";
    }
  }
}
