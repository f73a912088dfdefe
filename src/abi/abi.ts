/** Sizes and flat types for both types of addresses, of the types of one `ComponentTypes`. */

import type { ComponentTypes } from "../component/types.ts";
import { I32, I64, type ValType } from "../wasm/types.ts";
import { Flattening } from "./flatten.ts";
import { Sizes } from "./sizes.ts";

/** The Canonical ABI for memories of one address type. */
export interface PointerAbi {
  readonly sizes: Sizes;
  readonly flattening: Flattening;
}

export class Abi {
  readonly #abi32: PointerAbi;
  readonly #abi64: PointerAbi;

  constructor(types: ComponentTypes) {
    this.#abi32 = { sizes: new Sizes(types, I32), flattening: new Flattening(types, I32) };
    this.#abi64 = { sizes: new Sizes(types, I64), flattening: new Flattening(types, I64) };
  }

  for(ptr: ValType): PointerAbi {
    return ptr === I64 ? this.#abi64 : this.#abi32;
  }
}
