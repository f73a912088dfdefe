/**
 * Subtyping between the signatures of the plan, for indirect calls: nearly always equality of numbers, since a function type is final
 * unless it says otherwise.
 */

import type { Component, SignatureIndex } from "../../plan/component.ts";
import { entity } from "../../base/entity.ts";
import type { TypeInterner } from "../../wasm/type-interner.ts";

const NO_SUBTYPES: readonly SignatureIndex[] = [];

export class SignatureHierarchy {
  /** Signature → type id in the interner that the modules share, or −1. */
  readonly #typeIds: Int32Array;
  readonly #open: Uint8Array;
  readonly #interner: TypeInterner | undefined;
  readonly #subtypes = new Map<SignatureIndex, readonly SignatureIndex[]>();

  constructor(component: Component) {
    this.#typeIds = new Int32Array(component.signatures.size).fill(-1);
    this.#open = new Uint8Array(component.signatures.size);
    for (const { module, signatures } of component.modules) {
      this.#interner ??= module.interner;
      signatures.forEach((signature, type) => {
        if (signature === undefined || module.interner !== this.#interner) return;
        this.#typeIds[signature] = module.typeIds[type] ?? -1;
        if (module.types[type]?.final === false) this.#open[signature] = 1;
      });
    }
  }

  /** Whether a function of signature `sub` may be called through `sup`. */
  isSubtype(sub: SignatureIndex, sup: SignatureIndex): boolean {
    if (sub === sup) return true;
    const id = this.#typeIds[sub] ?? -1;
    if (id < 0 || this.#open[sup] !== 1) return false;
    return this.#interner?.isSubtype(id, this.#typeIds[sup] ?? -1) ?? false;
  }

  /** The other signatures that a call through `sup` accepts. Empty when its type is final. */
  subtypes(sup: SignatureIndex): readonly SignatureIndex[] {
    if (this.#open[sup] !== 1) return NO_SUBTYPES;
    let known = this.#subtypes.get(sup);
    if (known === undefined) {
      const found: SignatureIndex[] = [];
      for (let i = 0; i < this.#typeIds.length; i++) {
        const sub = entity<SignatureIndex>(i);
        if (sub !== sup && this.isSubtype(sub, sup)) found.push(sub);
      }
      known = found;
      this.#subtypes.set(sup, known);
    }
    return known;
  }
}
