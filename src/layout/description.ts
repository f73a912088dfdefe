/**
 * What an object that describes itself (`--describe`) tells a program about its interface: tables of functions, types and resources, for language
 * bindings that lay out C values by themselves. Everything is 32-bit, and places are bytes from the beginning of the description, so that it needs no
 * relocation. `frontend/description.ts` writes it, `bindings/` declares it.
 */

import type { CField, CStruct } from "./host.ts";

export const DESCRIPTION_FORMAT = 1;
/** No type, no name. */
export const DESCRIPTION_NONE = 0xffff_ffff;

/** The kinds of types, by number. */
export const TYPE_KINDS = [
  "bool",
  "s8",
  "u8",
  "s16",
  "u16",
  "s32",
  "u32",
  "s64",
  "u64",
  "f32",
  "f64",
  "char",
  "string",
  "list",
  "fixed-list",
  "map",
  "record",
  "tuple",
  "variant",
  "enum",
  "option",
  "result",
  "flags",
  "own",
  "borrow",
] as const;
export type TypeKind = (typeof TYPE_KINDS)[number];

/** Members of 32 bits each, in their order. */
function words(name: string, comment: string, members: readonly (readonly [name: string, comment: string])[]): CStruct {
  const fields = members.map(
    ([member, about], i): CField => ({
      name: member,
      offset: 4 * i,
      size: 4,
      declaration: "uint32_t %",
      comment: about,
    }),
  );
  return { name, size: 4 * members.length, union: false, comment, fields };
}

export const DESCRIPTION = words(
  "windlass_description_t",
  "What an object says of its interface. Places are bytes from the beginning of this structure; names end with a NUL.",
  [
    ["format", "1; a later format keeps the members of this one."],
    ["size", "Bytes of all of it."],
    ["types", "Where the first windlass_type_t is."],
    ["type_count", ""],
    ["imports", "Where the first windlass_function_t is that the host provides."],
    ["import_count", ""],
    ["exports", "The same of those that it calls."],
    ["export_count", ""],
    ["resources", "Where the first windlass_resource_t is."],
    ["resource_count", ""],
  ],
);

export const TYPE = words("windlass_type_t", "A WIT type, and how C lays it out.", [
  ["kind", "WINDLASS_TYPE_…"],
  ["size", "Bytes of a value."],
  ["alignment", ""],
  ["name", "Its name in WIT, or WINDLASS_NONE."],
  ["parts", "Where the first windlass_part_t is."],
  [
    "part_count",
    "record, tuple: fields; variant, option, result, enum: cases; flags: bits; map: key and value; list: element.",
  ],
  ["stride", "list, map: bytes from one element to the next. A list of any length is a pointer and a size_t."],
  [
    "detail",
    "fixed list: elements; variant, option, result: bytes of the case's number, which comes first; own, borrow: the resource.",
  ],
]);

export const PART = words("windlass_part_t", "A field, case, flag or parameter.", [
  ["name", "In WIT, or WINDLASS_NONE."],
  ["type", "A position in types; WINDLASS_NONE: a case without a value."],
  ["offset", "Bytes from the beginning of the value, or of the list's element."],
]);

export const FUNCTION = words("windlass_function_t", "A function of the interface.", [
  ["interface", "Its interface in WIT, or WINDLASS_NONE for one of the world."],
  ["name", ""],
  ["wit", "Its type in WIT's words."],
  ["params", "Where the first windlass_part_t is."],
  ["param_count", ""],
  ["result", "A position in types, or WINDLASS_NONE."],
]);

export const RESOURCE = words("windlass_resource_t", "A resource type.", [
  ["name", ""],
  ["host", "1: the host implements it, and a handle is its pointer; 0: a handle is a number of 64 bits."],
]);

/** What the host gives to a program that is called with any values: offsets of `DYNAMIC_HOST`. */
export const DynamicHostField = { call: 0, drop: 8, data: 16, byteSize: 24 } as const;

export const DYNAMIC_HOST: CStruct = {
  name: "windlass_dynamic_host_t",
  size: DynamicHostField.byteSize,
  union: false,
  comment: "A host that takes any call; it must live as long as the instance.",
  fields: [
    {
      name: "call",
      offset: DynamicHostField.call,
      size: 8,
      declaration:
        "windlass_status_t (*%)(void *data, windlass_call_t *call, uint32_t function, const void *const *arguments, void *result)",
      comment: "Import number `function`: `arguments` has the address of each value, the result goes to `result`.",
    },
    {
      name: "drop",
      offset: DynamicHostField.drop,
      size: 8,
      declaration: "void (*%)(void *data, uint32_t resource, void *rep)",
      comment: "The guest drops a resource of the host's. May be NULL.",
    },
    { name: "data", offset: DynamicHostField.data, size: 8, declaration: "void *%", comment: "Passed to both." },
  ],
};

/** In the order in which C needs them. */
export const DESCRIPTION_STRUCTS: readonly CStruct[] = [DESCRIPTION, TYPE, PART, FUNCTION, RESOURCE, DYNAMIC_HOST];
