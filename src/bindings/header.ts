/**
 * The C header of one component: instances, entries, slots for host functions, with C values (`typed.ts`) or flat ones. The names come from
 * `frontend/api.ts`, the structures from `layout/host.ts`; this folder only writes C. C11 and C++17, no warning at
 * `-Wall -Wextra -Wpedantic`. Several components' headers go together: what they share sits under one guard.
 */

import type { WitDocs } from "../component/docs.ts";
import type { ResourceIndex, TypeFuncIndex } from "../component/types.ts";
import { type Api, type ApiExport, type ApiImport, type ApiRealloc, HEADER_GUARD } from "../frontend/api.ts";
import { allStatuses, HOST_STRUCTS, HostStatus, OPTIONS } from "../layout/host.ts";
import type { Component } from "../plan/component.ts";
import { pointerType } from "../plan/signatures.ts";
import { witFunc } from "../plan/wit.ts";
import { comment, documentation } from "./comment.ts";
import { cppPart } from "./cpp.ts";
import { dynamicDeclarations } from "./dynamic.ts";
import { declareStruct } from "./struct.ts";
import type { InstanceTraits } from "./traits.ts";
import { typeDeclarations, typedParameters } from "./typed.ts";
import { F32, F64, type FuncType, I32, I64, type ValType, valTypeName } from "../wasm/types.ts";

/** What every component's header declares, once per program. */
export function sharedPart(): string[] {
  return [
    "#ifndef WINDLASS_HOST_TYPES",
    "#define WINDLASS_HOST_TYPES 1",
    "",
    comment("0, the number of a trap, or why a call did not take place."),
    "typedef int32_t windlass_status_t;",
    ...allStatuses().map((s) => `#define WINDLASS_${s.name.toUpperCase()} ${s.value} ${comment(s.message)}`),
    "",
    ...HOST_STRUCTS.flatMap((s) => [
      ...(s.name === "windlass_lowering_t" ? calleeTypes() : []),
      ...declareStruct(s),
      ...(s === OPTIONS ? [`#define WINDLASS_OPTIONS {${optionsInitializer()}}`] : []),
      "",
    ]),
    comment("For values that a host function returns: freed when it has returned. NULL when there is no more."),
    "static inline void *windlass_call_alloc(windlass_call_t *call, size_t size) { return call->allocate(call, size); }",
    "",
    comment("What a status means."),
    "static inline const char *windlass_status_text(windlass_status_t status) {",
    "  switch (status) {",
    ...allStatuses().map((s) => `    case ${s.value}: return ${JSON.stringify(s.message)};`),
    '    default: return "unknown status";',
    "  }",
    "}",
    "",
    `#define WINDLASS_FIRST_REFUSAL ${HostStatus.invalid_argument} ${comment("statuses from here on: the instance is as it was")}`,
    "",
    "#endif",
  ];
}

/** Every member named by its position: no compiler asks for the others. */
function optionsInitializer(): string {
  return OPTIONS.fields.map((f) => (f.name === "size" ? `sizeof(${OPTIONS.name})` : "0")).join(", ");
}

function calleeTypes(): string[] {
  return [
    comment("Calls the guest's realloc while a host function runs; *out is a checked address in the guest's memory."),
    "typedef windlass_status_t windlass_realloc_t(void *vmctx, uint32_t old, uint32_t old_size, uint32_t align,",
    "                                             uint32_t new_size, uint32_t *out);",
    comment(
      "The same for a 64-bit memory: what a host function that is called with one gets as its realloc, to be cast.",
    ),
    "typedef windlass_status_t windlass_realloc64_t(void *vmctx, uint64_t old, uint64_t old_size, uint64_t align,",
    "                                               uint64_t new_size, uint64_t *out);",
    "",
    comment(
      "A host function (host ABI `dynamic`): flat arguments in args_and_results, flat results go to its start. " +
        "vmctx is the instance. memory and realloc are NULL where the component gave none. 0 is success; anything else traps the guest.",
    ),
    "typedef windlass_status_t windlass_callee_t(void *vmctx, void *data, const windlass_memory_t *memory,",
    "                                            windlass_realloc_t *realloc, int32_t string_encoding,",
    "                                            windlass_val_raw_t *args_and_results, size_t count);",
    "",
  ];
}

function cType(type: ValType): string {
  switch (type) {
    case I32:
      return "uint32_t";
    case I64:
      return "uint64_t";
    case F32:
      return "float";
    case F64:
      return "double";
    default:
      throw new RangeError(`${valTypeName(type)} is no flat type`);
  }
}

function member(type: ValType): string {
  return valTypeName(type);
}

function flatList(types: readonly ValType[]): string {
  return types.length === 0 ? "none" : types.map((t, i) => `[${i}].${member(t)}`).join(", ");
}

function flatDescription(signature: FuncType): string {
  return `flat arguments: ${flatList(signature.params)}; flat results: ${flatList(signature.results)}`;
}

/** A function in WIT's words; types that C declares by their names. */
function functionLabel(component: Component, api: Api, path: readonly string[], type: TypeFuncIndex): string {
  const resource = (r: ResourceIndex) => api.types.resourceName(component, r);
  return `${path.join(" ")}: ${witFunc(component.types, type, resource, (t) => api.types.witPath(t)?.at(-1))}`;
}

function importMember(component: Component, api: Api, docs: WitDocs, item: ApiImport): string[] {
  const runtimeImport = component.imports.get(item.import);
  const label = functionLabel(component, api, item.path, runtimeImport.type);
  if (item.abi === "typed") {
    const func = component.types.func(runtimeImport.type);
    return [
      ...documentation(docs.ofFunction(item.path)).map((l) => `  ${l}`),
      `  ${comment(label)}`,
      `  windlass_status_t (*${item.name})(${typedParameters(api, func, ["void *data", "windlass_call_t *call"])});`,
    ];
  }
  const lowering = component.lowerings.get(item.lowerings[0] ?? component.lowerings.nextKey());
  const lines = documentation(docs.ofFunction(item.path)).map((l) => `  ${l}`);
  lines.push(`  ${comment(`${label}; ${flatDescription(lowering.signature)}`)}`);
  if (item.abi === "dynamic") lines.push(`  windlass_lowering_t ${item.name};`);
  else lines.push(`  struct { ${api.prefix}_${item.functionType} *callee; void *data; } ${item.name};`);
  return lines;
}

/** The function type of an import with the host ABI `flat`. */
function flatType(component: Component, api: Api, item: ApiImport): string[] {
  if (item.functionType === undefined) return [];
  const lowering = component.lowerings.get(item.lowerings[0] ?? component.lowerings.nextKey());
  const { params, results } = lowering.signature;
  const result = results[0] === undefined ? "void" : cType(results[0]);
  const args = params.map((t, i) => `${cType(t)} a${i}`);
  return [
    `typedef ${result} ${api.prefix}_${item.functionType}(${["void *vmctx", "void *data", ...args].join(", ")});`,
  ];
}

/** The imports structure's members: those of an interface in a structure of their own, if so. */
function importMembers(component: Component, api: Api, docs: WitDocs): string[] {
  const slots = [
    ...api.imports.map((i) => {
      return { group: i.group, offset: i.offset, path: i.path, lines: importMember(component, api, docs, i) };
    }),
    ...api.hostResources.map((r) => {
      const declaration = api.isTyped
        ? `  void (*${r.name})(void *data, void *rep);`
        : `  windlass_host_resource_t ${r.name};`;
      return { group: r.group, offset: r.offset, path: r.path, lines: [`  ${comment(r.path.join(" "))}`, declaration] };
    }),
  ].sort((a, b) => a.offset - b.offset);
  const lines: string[] = api.isTyped ? [`  ${comment("Passed to every typed function.")}`, "  void *data;"] : [];
  let open: string | undefined;
  for (const { group, path, lines: own } of slots) {
    if (group !== open && open !== undefined) lines.push(`  } ${open};`);
    if (group !== open && group !== undefined) {
      lines.push(...documentation(docs.ofInterface(path[0] ?? "")).map((l) => `  ${l}`), "  struct {");
    }
    lines.push(...(group === undefined ? own : own.map((l) => `  ${l}`)));
    open = group;
  }
  if (open !== undefined) lines.push(`  } ${open};`);
  return lines;
}

function exportFunction(component: Component, api: Api, docs: WitDocs, item: ApiExport): string[] {
  const { prefix } = api;
  const { lifted } = item;
  const label = functionLabel(component, api, item.path, lifted.type);
  if (api.typedExports) {
    return [
      ...documentation(docs.ofFunction(item.path)),
      comment(label),
      `windlass_status_t ${prefix}_${item.name}(${typedParameters(api, component.types.func(lifted.type), [`${prefix}_t *instance`])});`,
    ];
  }
  const memory = item.memory === undefined ? undefined : api.memories[item.memory]?.name;
  const realloc = item.realloc === undefined ? undefined : api.reallocs[item.realloc]?.name;
  const notes = [
    label,
    flatDescription(item.signature),
    `count is at least ${item.values}`,
    ...(memory === undefined ? [] : [`pointers refer to ${prefix}_${memory}()`]),
    ...(realloc === undefined ? [] : [`arguments are allocated with ${prefix}_${realloc}()`]),
  ];
  const lines = [
    ...documentation(docs.ofFunction(item.path)),
    comment(notes.join("; ")),
    `windlass_status_t ${prefix}_${item.name}(${prefix}_t *, windlass_val_raw_t *args_and_results, size_t count);`,
  ];
  if (lifted.options.postReturn !== undefined) {
    lines.push(
      comment("Call it with the flat results once they have been read: the guest frees them."),
      `windlass_status_t ${prefix}_${item.name}_post_return(${prefix}_t *, windlass_val_raw_t *results, size_t count);`,
    );
  }
  return lines;
}

/** The functions that every instance has, but `fail`. */
export function instanceFunctions(prefix: string, traits: InstanceTraits): string[] {
  return [
    comment(
      "Makes an instance. options may be NULL. On failure *out is NULL. " +
        (traits.faults
          ? "The first call installs handlers of SIGSEGV and SIGBUS, which pass on what is not the guest's; a handler that the host installs later has to do the same."
          : "No signal handler is installed."),
    ),
    `windlass_status_t ${prefix}_new(const ${prefix}_imports_t *imports, const windlass_options_t *options, ${prefix}_t **out);`,
    comment(
      "Frees an instance; also one that trapped, or that a C++ exception left. NULL is fine. What it still owns of the host's resources is dropped. " +
        "From inside a host function that it calls: WINDLASS_INSTANCE_BUSY, and nothing happens.",
    ),
    `windlass_status_t ${prefix}_delete(${prefix}_t *);`,
    comment(
      "Message and wasm backtrace of the instance's trap; NULL unless it has trapped. Valid until the instance is deleted.",
    ),
    `const char *${prefix}_last_trap(${prefix}_t *);`,
    comment("options.user of the instance."),
    `void *${prefix}_user(const ${prefix}_t *);`,
    ...(traits.interruptible
      ? [
          comment(
            "Stops the guest: a call that runs traps with WINDLASS_TRAP_INTERRUPTED, and its instance is done for; one that begins is refused with " +
              "WINDLASS_INTERRUPT_PENDING, and the instance is as it was, until the request is taken back. From any thread or a signal handler.",
          ),
          `void ${prefix}_interrupt(${prefix}_t *);`,
          `void ${prefix}_interrupt_clear(${prefix}_t *);`,
        ]
      : []),
  ];
}

/** The parts around the declarations of one component: guard, includes, what all headers share; and the end. */
export function headerFrame(
  prefix: string,
  title: string,
  version: string,
  body: readonly string[],
  behind: readonly string[] = [],
): string {
  const guard = `${prefix.toUpperCase()}_${HEADER_GUARD}`;
  const lines = [
    comment(`${title}, compiled by windlass ${version}. Link the object that was written with this header.`),
    `#ifndef ${guard}`,
    `#define ${guard} 1`,
    "",
    "#include <stdbool.h>",
    "#include <stddef.h>",
    "#include <stdint.h>",
    "",
    "#ifdef __cplusplus",
    'extern "C" {',
    "#endif",
    "",
    ...sharedPart(),
    "",
    ...body,
    "",
    "#ifdef __cplusplus",
    "}",
    "#endif",
    "",
    ...behind,
    "#endif",
  ];
  return `${lines.join("\n")}\n`;
}

function reallocFunction(component: Component, prefix: string, realloc: ApiRealloc): string[] {
  const size = cType(pointerType(component, realloc));
  const start = `windlass_status_t ${prefix}_${realloc.name}(`;
  return [
    comment("Allocates in the guest: *out is an address in its memory, checked against the length."),
    `${start}${prefix}_t *, ${size} old, ${size} old_size, ${size} align,`,
    `${" ".repeat(start.length)}${size} new_size, ${size} *out);`,
  ];
}

/** The whole header. `title` names the input, `version` the compiler. */
export function generateHeader(
  component: Component,
  api: Api,
  title: string,
  version: string,
  traits: InstanceTraits,
  docs: WitDocs,
): string {
  const { prefix } = api;
  const hasImports = api.imports.length + api.hostResources.length > 0;
  const exportedReallocs = new Set(api.exports.map((e) => e.realloc));
  const lines: string[] = [
    comment("An instance of the component. One thread at a time may use it."),
    `typedef struct ${prefix} ${prefix}_t;`,
    ...typeDeclarations(component, api, docs),
    "",
    ...api.imports.flatMap((i) => flatType(component, api, i)),
  ];
  if (hasImports) {
    lines.push(
      comment("What the host provides. It is copied when an instance is made."),
      `typedef struct ${prefix}_imports_t {`,
      ...importMembers(component, api, docs),
      `} ${prefix}_imports_t;`,
    );
  } else lines.push(comment("The component imports nothing."), `typedef void ${prefix}_imports_t;`);
  lines.push(
    "",
    ...instanceFunctions(prefix, traits),
    comment(
      "In a host function with the host ABI `flat`, or in a resource's destructor: makes its return a trap, WINDLASS_TRAP_HOST_FUNCTION_FAILED. Without effect outside of a call.",
    ),
    `void ${prefix}_fail(${prefix}_t *, windlass_status_t status);`,
    "",
    ...(api.typedExports ? [] : api.memories).flatMap((m) => [
      comment("Where this memory of the instance is, and its length now."),
      `const windlass_memory_t *${prefix}_${m.name}(const ${prefix}_t *);`,
    ]),
    ...api.reallocs.flatMap((r, i) =>
      !api.typedExports && exportedReallocs.has(i) ? reallocFunction(component, prefix, r) : [],
    ),
    "",
    ...api.exports.flatMap((e) => exportFunction(component, api, docs, e)),
    ...api.resourceDrops.flatMap(({ type, name }) => [
      comment("Gives up a resource of the component: its destructor runs. Not while a call is active."),
      `windlass_status_t ${prefix}_${name}(${prefix}_t *instance, ${prefix}_${type} handle);`,
    ]),
    ...api.drops.flatMap(({ type, name }) => [
      comment("Frees a result, and clears it. Handles in it are yours all the same."),
      `windlass_status_t ${prefix}_${name}(${prefix}_t *instance, ${api.types.write(type)} *value);`,
    ]),
  );
  if (traits.describes) lines.push(...dynamicDeclarations(prefix));
  const label = (path: readonly string[], type: TypeFuncIndex): string => functionLabel(component, api, path, type);
  return headerFrame(prefix, title, version, lines, api.isTyped ? [...cppPart(component, api, label, traits), ""] : []);
}
