/**
 * Makes type equality a comparison of numbers: recursive groups that are equal up to renaming (isorecursive equality,
 * Wasm 3.0 §3.1.3) get the same ids, in every module that shares the interner. A closed world has one.
 *
 * An id is minted per type of a new group, so ids are dense; what is asked of types across modules (is this function
 * type a subtype of that one?) is answered from columns here.
 */

import { I32Column } from "../base/columns.ts";
import { MAX_SUBTYPING_DEPTH } from "./limits.ts";
import { type CompositeType, type FieldType, heapOf, isConcrete, isRef, type SubType, type ValType } from "./types.ts";

export class TypeInterner {
  readonly #groups = new Map<string, number>();
  /** Id → id of the declared supertype, or −1. */
  readonly #supertype: I32Column = new I32Column();

  /** Number of ids. */
  get size(): number {
    return this.#supertype.length;
  }

  /**
   * Interns the group `types[first, first + count)`. `ids` holds the ids of all earlier types of the module and receives
   * those of the group. Type indices inside the group must be below `first + count`, except that unknown ones (which
   * the validator refuses) may be anything.
   */
  intern(types: readonly SubType[], first: number, count: number, ids: Uint32Array): void {
    const key = groupKey(types, first, count, ids);
    let base = this.#groups.get(key);
    if (base === undefined) {
      base = this.#supertype.length;
      this.#groups.set(key, base);
      for (let i = 0; i < count; i++) {
        const declared = types[first + i]?.supertypes[0];
        let id = -1;
        if (declared !== undefined && declared < first + i) {
          id = declared >= first ? base + (declared - first) : (ids[declared] ?? -1);
        }
        this.#supertype.push(id);
      }
    }
    for (let i = 0; i < count; i++) ids[first + i] = base + i;
  }

  /** The id of the declared supertype, or −1. */
  supertypeOf(id: number): number {
    return this.#supertype.get(id);
  }

  /** Whether `sub` is `sup` or declared, directly or not, to be a subtype of it. */
  isSubtype(sub: number, sup: number): boolean {
    let id = sub;
    for (let depth = 0; depth <= MAX_SUBTYPING_DEPTH; depth++) {
      if (id === sup) return true;
      if (id < 0) return false;
      id = this.#supertype.get(id);
    }
    return false;
  }
}

function groupKey(types: readonly SubType[], first: number, count: number, ids: Uint32Array): string {
  let key = "";
  const index = (i: number): string => {
    if (i < first) return String(ids[i]);
    return i < first + count ? `r${i - first}` : `?${i}`;
  };
  const valType = (type: ValType): string =>
    isRef(type) && isConcrete(type) ? `${type & 0xff}:${index(heapOf(type))}` : String(type);
  const field = (f: FieldType): string => `${valType(f.type)}${f.mutable ? "m" : ""}`;
  const composite = (type: CompositeType): string => {
    switch (type.kind) {
      case "func":
        return `f(${type.params.map(valType).join()})${type.results.map(valType).join()}`;
      case "struct":
        return `s(${type.fields.map(field).join()})`;
      case "array":
        return `a(${field(type.field)})`;
    }
  };
  for (let i = first; i < first + count; i++) {
    const type = types[i];
    if (type === undefined) continue;
    key += `${type.final ? "!" : ""}${type.supertypes.map(index).join("<")}|${composite(type.composite)};`;
  }
  return key;
}
