/** The part of a header for an object that describes itself (`--describe`): its tables, and calls with values of any types. */

import { DESCRIPTION_NONE, DESCRIPTION_STRUCTS, TYPE_KINDS } from "../layout/description.ts";
import { comment } from "./comment.ts";
import { declareStruct } from "./struct.ts";

function shared(): string[] {
  return [
    "#ifndef WINDLASS_DESCRIPTION_TYPES",
    "#define WINDLASS_DESCRIPTION_TYPES 1",
    "",
    `#define WINDLASS_NONE UINT32_C(${DESCRIPTION_NONE})`,
    ...TYPE_KINDS.map((kind, i) => `#define WINDLASS_TYPE_${kind.replaceAll("-", "_").toUpperCase()} ${i}`),
    "",
    ...DESCRIPTION_STRUCTS.flatMap((s) => [...declareStruct(s), ""]),
    comment("What is at a place of a description."),
    "static inline const void *windlass_described(const windlass_description_t *description, uint32_t place) {",
    "#ifdef __cplusplus",
    "  return static_cast<const char *>(static_cast<const void *>(description)) + place;",
    "#else",
    "  return (const char *)description + place;",
    "#endif",
    "}",
    "",
    "#endif",
  ];
}

export function dynamicDeclarations(prefix: string): string[] {
  return [
    "",
    ...shared(),
    "",
    comment("What the component offers and wants."),
    `const windlass_description_t *${prefix}_dynamic_describe(void);`,
    comment("Like new, with a host that takes any call; NULL if there are no imports."),
    `windlass_status_t ${prefix}_dynamic_new(const windlass_dynamic_host_t *host, const windlass_options_t *options, ${prefix}_t **out);`,
    comment(
      "Calls export number `function`: `arguments` has the address of each value, laid out as its C type; the result goes to `result`, which may be NULL if there is none.",
    ),
    `windlass_status_t ${prefix}_dynamic_call(${prefix}_t *instance, uint32_t function, const void *const *arguments, void *result);`,
    comment("Frees what the result of such a call holds."),
    `windlass_status_t ${prefix}_dynamic_drop_result(${prefix}_t *instance, uint32_t function, void *result);`,
    comment("Gives up a handle of a resource of the component's."),
    `windlass_status_t ${prefix}_dynamic_drop_handle(${prefix}_t *instance, uint32_t resource, uint64_t handle);`,
  ];
}
