/**
 * The Canonical ABI defines specialized types by the fundamental ones (Canonical ABI, "Despecialization"). Everything else in this folder sees the latter
 * alone.
 */

import { unreachable } from "../base/diagnostics.ts";
import type { ComponentTypes, InterfaceType, PrimitiveKind } from "../component/types.ts";

/** A fundamental type. Names of fields and cases don't matter to the ABI. */
export type DespecializedType =
  | { readonly kind: Exclude<PrimitiveKind, "string" | "error-context"> }
  | { readonly kind: "string" }
  | { readonly kind: "error-context" }
  | { readonly kind: "record"; readonly fields: readonly InterfaceType[] }
  | { readonly kind: "variant"; readonly cases: readonly (InterfaceType | undefined)[] }
  /** `length` is undefined unless it is fixed. */
  | { readonly kind: "list"; readonly element: DespecializedElement; readonly length: number | undefined }
  | { readonly kind: "flags"; readonly count: number }
  | { readonly kind: "own" }
  | { readonly kind: "borrow" };

/** A list's element; a map is a list of pairs, which have no type of their own. */
export type DespecializedElement =
  | { readonly kind: "type"; readonly type: InterfaceType }
  | { readonly kind: "pair"; readonly key: InterfaceType; readonly value: InterfaceType };

/** `despecialize`. */
export function despecialize(types: ComponentTypes, t: InterfaceType): DespecializedType {
  switch (t.kind) {
    case "bool":
    case "s8":
    case "u8":
    case "s16":
    case "u16":
    case "s32":
    case "u32":
    case "s64":
    case "u64":
    case "f32":
    case "f64":
    case "char":
      return { kind: t.kind };
    case "string":
      return { kind: "string" };
    case "error-context":
      return { kind: "error-context" };
    case "record":
      return { kind: "record", fields: types.records.table.get(t.type).fields.map((f) => f.type) };
    case "tuple":
      return { kind: "record", fields: types.tuples.table.get(t.type).types };
    case "variant":
      return { kind: "variant", cases: types.variants.table.get(t.type).cases.map((c) => c.type) };
    case "enum":
      return { kind: "variant", cases: types.enums.table.get(t.type).names.map(() => undefined) };
    case "option":
      return { kind: "variant", cases: [undefined, types.options.table.get(t.type).type] };
    case "result": {
      const { ok, err } = types.results.table.get(t.type);
      return { kind: "variant", cases: [ok, err] };
    }
    case "list": {
      const { element } = types.lists.table.get(t.type);
      return { kind: "list", element: { kind: "type", type: element }, length: undefined };
    }
    case "fixed-list": {
      const { element, length } = types.fixedLists.table.get(t.type);
      return { kind: "list", element: { kind: "type", type: element }, length };
    }
    case "map": {
      const { key, value } = types.maps.table.get(t.type);
      return { kind: "list", element: { kind: "pair", key, value }, length: undefined };
    }
    case "flags":
      return { kind: "flags", count: types.flags.table.get(t.type).names.length };
    case "own":
    case "borrow":
      return { kind: t.kind };
    default:
      return unreachable(t);
  }
}

/** Types of the fields that one element of a list has in memory: one, or key and value. */
export function elementFields(element: DespecializedElement): readonly InterfaceType[] {
  return element.kind === "type" ? [element.type] : [element.key, element.value];
}
