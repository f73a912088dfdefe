/** Static assertions about the C types of a typed header: every size, alignment and offset that the compiled code relies on. */

import { Sizes } from "../../src/abi/sizes.ts";
import type { InterfaceType } from "../../src/component/types.ts";
import { describeApi } from "../../src/frontend/api.ts";
import { memberNames } from "../../src/frontend/c-types.ts";
import type { Component } from "../../src/plan/component.ts";
import { I64 } from "../../src/wasm/types.ts";

/** Lines of C, for behind the header's `#include`. */
export function layoutAssertions(component: Component, prefix: string): readonly string[] {
  const { types } = component;
  const sizes = new Sizes(types, I64, 8);
  const api = describeApi(component, prefix, () => true, "typed");
  const lines: string[] = [];
  const claim = (what: string, value: number): void => {
    lines.push(`STATIC_ASSERT(${what} == ${value}, "${what}");`);
  };
  for (const { type } of api.types.list) {
    const name = api.types.write(type);
    claim(`sizeof(${name})`, sizes.elemSize(type));
    claim(`ALIGNOF(${name})`, sizes.alignment(type));
    const fields = (list: readonly InterfaceType[], names: readonly string[]): void => {
      const offsets = sizes.fieldOffsets(list);
      names.forEach((field, i) => {
        claim(`offsetof(${name}, ${field})`, offsets[i] ?? -1);
      });
    };
    const cases = (list: readonly (InterfaceType | undefined)[], tag: string): void => {
      claim(`offsetof(${name}, ${tag})`, 0);
      if (list.some((c) => c !== undefined)) claim(`offsetof(${name}, val)`, sizes.payloadOffset(list));
    };
    switch (type.kind) {
      case "record": {
        const { fields: list } = types.records.table.get(type.type);
        fields(
          list.map((f) => f.type),
          memberNames(list.map((f) => f.name)),
        );
        break;
      }
      case "tuple": {
        const { types: list } = types.tuples.table.get(type.type);
        fields(
          list,
          list.map((_, i) => `f${i}`),
        );
        break;
      }
      case "variant":
        cases(
          types.variants.table.get(type.type).cases.map((c) => c.type),
          "tag",
        );
        break;
      case "option":
        cases([undefined, types.options.table.get(type.type).type], "is_some");
        break;
      case "result": {
        const { ok, err } = types.results.table.get(type.type);
        cases([ok, err], "is_err");
        break;
      }
      case "map": {
        const { key, value } = types.maps.table.get(type.type);
        const entry = `${name.slice(0, -2)}_entry_t`;
        claim(`sizeof(${entry})`, sizes.record([key, value]).size);
        claim(`offsetof(${entry}, value)`, sizes.fieldOffsets([key, value])[1] ?? -1);
        break;
      }
      case "string":
      case "list":
        claim(`offsetof(${name}, len)`, 8);
        break;
      default:
        break;
    }
  }
  if (api.importsSize > 0) claim(`sizeof(${prefix}_imports_t)`, api.importsSize);
  for (const { group, name, offset } of [...api.imports, ...api.hostResources]) {
    claim(`offsetof(${prefix}_imports_t, ${group === undefined ? name : `${group}.${name}`})`, offset);
  }
  return lines;
}
