/**
 * Alignment and size of values in linear memory (Canonical ABI, "Alignment", "Element Size"), and where fields and payloads are.
 *
 * All in bytes. `PtrType` is the address type of the memory: pointers and lengths have its size. Results are kept per
 * type, so that types that share parts cost their distinct parts only.
 */

import { unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType } from "../component/types.ts";
import { I64, type ValType } from "../wasm/types.ts";
import { despecialize, elementFields } from "./despecialize.ts";

/** `I32` or `I64`. */
export type PtrType = ValType;

/** `ptr_size`. */
export function ptrSize(ptr: PtrType): 4 | 8 {
  return ptr === I64 ? 8 : 4;
}

/** `align_to`: `offset` rounded up to a multiple of `alignment`. */
export function alignTo(offset: number, alignment: number): number {
  return Math.ceil(offset / alignment) * alignment;
}

/** `discriminant_type`: the size of the discriminant of a variant with `cases` cases. */
export function discriminantSize(cases: number): 1 | 2 | 4 {
  if (cases <= 0x100) return 1;
  return cases <= 0x1_0000 ? 2 : 4;
}

/** `alignment_flags`, `elem_size_flags`: both are the size of the integer that holds `count` flags. */
export function flagsSize(count: number): 1 | 2 | 4 {
  if (count <= 8) return 1;
  return count <= 16 ? 2 : 4;
}

/** Alignment and size of one type. */
export interface Extent {
  readonly alignment: number;
  readonly size: number;
}

/** A memo key: equal for equal types of one `ComponentTypes`. */
export function typeKey(t: InterfaceType): string {
  if ("type" in t) return `${t.kind}:${t.type}`;
  return t.kind;
}

/**
 * Sizes of the types of one `ComponentTypes`, for one address type.
 *
 * With 64-bit pointers and 8-byte handles this is also how C lays out the structures of a host (`bindings/`): System V AMD64 aligns and places members
 * by the same rules as the Canonical ABI does fields and cases.
 */
export class Sizes {
  readonly types: ComponentTypes;
  readonly ptr: PtrType;
  /** Size of a handle: 4 in a guest's memory. */
  readonly handleSize: 4 | 8;
  readonly #known = new Map<string, Extent>();
  readonly #offsets = new WeakMap<readonly InterfaceType[], readonly number[]>();

  constructor(types: ComponentTypes, ptr: PtrType, handleSize: 4 | 8 = 4) {
    this.types = types;
    this.ptr = ptr;
    this.handleSize = handleSize;
  }

  /** `alignment(t)`. */
  alignment(t: InterfaceType): number {
    return this.extent(t).alignment;
  }

  /** `elem_size(t)`: exact up to 2^53. */
  elemSize(t: InterfaceType): number {
    return this.extent(t).size;
  }

  extent(t: InterfaceType): Extent {
    const key = typeKey(t);
    let extent = this.#known.get(key);
    if (extent === undefined) {
      extent = this.#compute(t);
      this.#known.set(key, extent);
    }
    return extent;
  }

  #compute(t: InterfaceType): Extent {
    const d = despecialize(this.types, t);
    switch (d.kind) {
      case "bool":
      case "s8":
      case "u8":
        return { alignment: 1, size: 1 };
      case "s16":
      case "u16":
        return { alignment: 2, size: 2 };
      case "s32":
      case "u32":
      case "f32":
      case "char":
        return { alignment: 4, size: 4 };
      case "s64":
      case "u64":
      case "f64":
        return { alignment: 8, size: 8 };
      case "string":
        return this.#pointerAndLength();
      case "error-context":
      case "own":
      case "borrow":
        return { alignment: this.handleSize, size: this.handleSize };
      case "list": {
        if (d.length === undefined) return this.#pointerAndLength();
        const element = this.record(elementFields(d.element));
        return { alignment: element.alignment, size: d.length * element.size };
      }
      case "record":
        return this.record(d.fields);
      case "variant":
        return this.#variant(d.cases);
      case "flags": {
        const size = flagsSize(d.count);
        return { alignment: size, size };
      }
      default:
        return unreachable(d);
    }
  }

  #pointerAndLength(): Extent {
    const size = ptrSize(this.ptr);
    return { alignment: size, size: 2 * size };
  }

  /** `alignment_record`, `elem_size_record`: of fields in this order, without a type of their own (parameters in memory). */
  record(fields: readonly InterfaceType[]): Extent {
    let alignment = 1;
    let size = 0;
    for (const field of fields) {
      const extent = this.extent(field);
      alignment = Math.max(alignment, extent.alignment);
      size = alignTo(size, extent.alignment) + extent.size;
    }
    return { alignment, size: alignTo(size, alignment) };
  }

  /** Offset of each of these fields in their record. */
  fieldOffsets(fields: readonly InterfaceType[]): readonly number[] {
    let offsets = this.#offsets.get(fields);
    if (offsets === undefined) {
      let end = 0;
      offsets = fields.map((field) => {
        const { alignment, size } = this.extent(field);
        const offset = alignTo(end, alignment);
        end = offset + size;
        return offset;
      });
      this.#offsets.set(fields, offsets);
    }
    return offsets;
  }

  /** `alignment_variant`, `elem_size_variant`. */
  #variant(cases: readonly (InterfaceType | undefined)[]): Extent {
    const discriminant = discriminantSize(cases.length);
    const maxAlignment = this.maxCaseAlignment(cases);
    let payload = 0;
    for (const c of cases) if (c !== undefined) payload = Math.max(payload, this.elemSize(c));
    const alignment = Math.max(discriminant, maxAlignment);
    return { alignment, size: alignTo(alignTo(discriminant, maxAlignment) + payload, alignment) };
  }

  /** `max_case_alignment`. */
  maxCaseAlignment(cases: readonly (InterfaceType | undefined)[]): number {
    let alignment = 1;
    for (const c of cases) if (c !== undefined) alignment = Math.max(alignment, this.alignment(c));
    return alignment;
  }

  /** Where the payload of any case of a variant is, behind the discriminant. */
  payloadOffset(cases: readonly (InterfaceType | undefined)[]): number {
    return alignTo(discriminantSize(cases.length), this.maxCaseAlignment(cases));
  }
}
