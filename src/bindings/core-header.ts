/**
 * The C header of a core module that is compiled as it is. Names and positions come from `frontend/core-api.ts`; this file only writes C,
 * as clean as `header.ts`.
 */

import type { CoreApi, CoreGlobal, CoreGroup, CoreMember, CoreTable } from "../frontend/core-api.ts";
import type { Component } from "../plan/component.ts";
import {
  EXTERNREF,
  F32,
  F64,
  FUNCREF,
  type FuncType,
  funcTypeName,
  globalTypeName,
  I32,
  I64,
  memoryTypeName,
  tableTypeName,
  V128,
  type ValType,
  valTypeName,
} from "../wasm/types.ts";
import { comment } from "./comment.ts";
import { headerFrame, instanceFunctions } from "./header.ts";
import type { InstanceTraits } from "./traits.ts";

/** As a value; with a name behind it. */
function cType(type: ValType): string {
  switch (type) {
    case I32:
      return "uint32_t ";
    case I64:
      return "uint64_t ";
    case F32:
      return "float ";
    case F64:
      return "double ";
    case V128:
      return "windlass_v128_t ";
    case FUNCREF:
      return "windlass_funcref_t ";
    case EXTERNREF:
      return "void *";
    default:
      throw new RangeError(`${valTypeName(type)} has no form in C`);
  }
}

function param(type: ValType, name: string): string {
  return type === V128 ? `const windlass_v128_t *${name}` : `${cType(type)}${name}`;
}

function parameters(first: readonly string[], type: FuncType): string {
  const results = type.results.map((t, i) => `${cType(t)}*${type.results.length === 1 ? "result" : `result${i}`}`);
  return [...first, ...type.params.map((t, i) => param(t, `a${i}`)), ...results].join(", ");
}

function importMember(prefix: string, member: CoreMember): string[] {
  if (member.kind === "global") {
    return [
      `    ${comment(`${member.label}: its value, ${valTypeName(member.type)}`)}`,
      `    ${cType(member.type)}${member.name};`,
    ];
  }
  const list = parameters(["void *data", `${prefix}_t *instance`], member.type);
  return [
    `    ${comment(`${member.label}: ${funcTypeName(member.type)}`)}`,
    `    windlass_status_t (*${member.name})(${list});`,
  ];
}

function importGroup(prefix: string, group: CoreGroup): string[] {
  return [
    `  ${comment(group.label)}`,
    "  struct {",
    ...group.members.flatMap((m) => importMember(prefix, m)),
    `  } ${group.name};`,
  ];
}

function importsPart(prefix: string, core: CoreApi): string[] {
  if (core.importsSize === 0) {
    return [comment("The module imports nothing of the host."), `typedef void ${prefix}_imports_t;`];
  }
  return [
    comment(
      "What the host provides; it is copied when an instance is made. A function that is NULL traps when it is called; one that returns " +
        "something else than 0 makes its caller trap. It may call functions of the instance.",
    ),
    `typedef struct ${prefix}_imports_t {`,
    `  void *data; ${comment("Passed to every function.")}`,
    ...core.groups.flatMap((g) => importGroup(prefix, g)),
    `} ${prefix}_imports_t;`,
  ];
}

function globalPart(component: Component, prefix: string, { index, name, label }: CoreGlobal): string[] {
  const { type, mutable } = component.globals.get(index).type;
  const lines = [comment(`global ${label}: ${globalTypeName({ type, mutable })}`)];
  const self = `${prefix}_t *`;
  if (type === V128) {
    lines.push(`windlass_status_t ${prefix}_${name}_get(const ${self}, windlass_v128_t *out);`);
  } else lines.push(`${cType(type)}${prefix}_${name}_get(const ${self});`);
  if (mutable) lines.push(`windlass_status_t ${prefix}_${name}_set(${self}, ${param(type, "value")});`);
  return lines;
}

function tablePart(component: Component, prefix: string, { index, name, label }: CoreTable): string[] {
  const { type } = component.tables.get(index);
  const value = cType(type.element);
  return [
    comment(`table ${label}: ${tableTypeName(type)}; growing gives the size before, or UINT64_MAX`),
    `uint64_t ${prefix}_${name}_size(const ${prefix}_t *);`,
    `windlass_status_t ${prefix}_${name}_get(${prefix}_t *, uint64_t index, ${value}*out);`,
    `windlass_status_t ${prefix}_${name}_set(${prefix}_t *, uint64_t index, ${value}value);`,
    `uint64_t ${prefix}_${name}_grow(${prefix}_t *, uint64_t count, ${value}value);`,
  ];
}

/** The whole header. `title` names the input, `version` the compiler. */
export function generateCoreHeader(
  component: Component,
  core: CoreApi,
  prefix: string,
  title: string,
  version: string,
  traits: InstanceTraits,
): string {
  const tags = (component.core?.exports ?? []).filter(({ item }) => item.kind === "tag");
  return headerFrame(prefix, title, version, [
    comment("An instance of the module. One thread at a time may use it."),
    `typedef struct ${prefix} ${prefix}_t;`,
    "",
    ...importsPart(prefix, core),
    "",
    ...instanceFunctions(prefix, traits),
    "",
    ...core.memories.flatMap(({ name, label, index }) => [
      comment(
        `memory ${label}: ${memoryTypeName(component.memories.get(index).type)}; where it is, and its length now`,
      ),
      `const windlass_memory_t *${prefix}_${name}(const ${prefix}_t *);`,
      comment("The number of pages before, or UINT64_MAX."),
      `uint64_t ${prefix}_${name}_grow(${prefix}_t *, uint64_t pages);`,
    ]),
    ...core.tables.flatMap((t) => tablePart(component, prefix, t)),
    ...core.globals.flatMap((g) => globalPart(component, prefix, g)),
    ...tags.map(({ name }) => comment(`tag ${name}: has no form in C`)),
    ...core.functions.flatMap(({ name, label, type }) => [
      comment(`${label}: ${funcTypeName(type)}`),
      `windlass_status_t ${prefix}_${name}(${parameters([`${prefix}_t *`], type)});`,
    ]),
    ...(core.calls.length === 0
      ? []
      : [
          comment(
            "Calls of what a reference leads to. One that is null, of another type or of another object is an invalid argument.",
          ),
        ]),
    ...core.calls.map(
      ({ name, type }) =>
        `windlass_status_t ${prefix}_${name}(${parameters([`${prefix}_t *`, "windlass_funcref_t function"], type)});`,
    ),
  ]);
}
