/**
 * A C host for components whose functions give back what they get, generated from a component's interface: it provides functions of that kind for
 * what the component imports, whatever their types, and does what it is told on standard input, in the language of
 * `src/frontend/script.ts`: entry 2 n calls export n, 2 n + 1 its post-return, the last one says how long the memory is.
 */

import { Flattening } from "../../src/abi/flatten.ts";
import { discriminantSize, flagsSize, Sizes } from "../../src/abi/sizes.ts";
import { despecialize } from "../../src/abi/despecialize.ts";
import type { InterfaceType } from "../../src/component/types.ts";
import { type Api, type ApiImport, describeApi } from "../../src/frontend/api.ts";
import { ScriptCommand } from "../../src/frontend/script.ts";
import type { Component } from "../../src/plan/component.ts";
import { I32 } from "../../src/wasm/types.ts";

export function apiOf(component: Component): Api {
  return describeApi(component, "echo", () => true, "dynamic");
}

/** Statements that store flat values, from `v[first]` on, as a value at `m + at`. A value's bytes are the low ones, whatever its slot. */
function storeFlat(sizes: Sizes, flattening: Flattening, t: InterfaceType, at: string, first: number): string {
  const d = despecialize(sizes.types, t);
  const word = (offset: number, index: number, size: number): string =>
    `memcpy(m + ${at} + ${offset}, &v[${index}], ${size});`;
  switch (d.kind) {
    case "string":
      return word(0, first, 4) + word(4, first + 1, 4);
    case "list":
      if (d.length !== undefined) throw new Error("fixed-length lists are not in these components");
      return word(0, first, 4) + word(4, first + 1, 4);
    case "record": {
      const offsets = sizes.fieldOffsets(d.fields);
      let index = first;
      return d.fields
        .map((field, i) => {
          const text = storeFlat(sizes, flattening, field, `${at} + ${offsets[i]}`, index);
          index += flattening.flattenType(field).length;
          return text;
        })
        .join("\n");
    }
    case "variant": {
      const place = `${at} + ${sizes.payloadOffset(d.cases)}`;
      const arms = d.cases.map((c, i) =>
        c === undefined ? "" : `case ${i}: ${storeFlat(sizes, flattening, c, place, first + 1)} break;`,
      );
      return `${word(0, first, discriminantSize(d.cases.length))} switch (v[${first}].i32) { ${arms.join("\n")} default: break; }`;
    }
    case "flags":
      return word(0, first, flagsSize(d.count));
    default:
      return word(0, first, sizes.elemSize(t));
  }
}

/**
 * Statements that give a value at `m + at` memory of its own: it holds pointers into the arguments, which the guest frees. `depth` tells the
 * variables of nested lists apart.
 */
function ownMemory(sizes: Sizes, t: InterfaceType, at: string, depth: number): string {
  const d = despecialize(sizes.types, t);
  const allocate = (alignment: number, size: string): string =>
    `uint32_t p${depth}, old${depth}, n${depth}; memcpy(&old${depth}, m + ${at}, 4); memcpy(&n${depth}, m + ${at} + 4, 4);
     if (realloc(vmctx, 0, 0, ${alignment}, n${depth}${size}, &p${depth}) != 0) return 1;
     memcpy(m + p${depth}, m + old${depth}, n${depth}${size}); memcpy(m + ${at}, &p${depth}, 4);`;
  switch (d.kind) {
    case "string":
      return `{ ${allocate(1, "")} }`;
    case "list": {
      if (d.element.kind !== "type") throw new Error("maps are not in these components");
      const { alignment, size } = sizes.extent(d.element.type);
      const place = `p${depth} + i${depth} * ${size}u`;
      const each = ownMemory(sizes, d.element.type, place, depth + 1);
      const loop = each === "" ? "" : `for (uint32_t i${depth} = 0; i${depth} < n${depth}; i${depth}++) { ${each} }`;
      return `{ ${allocate(alignment, ` * ${size}u`)} ${loop} }`;
    }
    case "record": {
      const offsets = sizes.fieldOffsets(d.fields);
      return d.fields.map((field, i) => ownMemory(sizes, field, `${at} + ${offsets[i]}`, depth)).join("");
    }
    case "variant": {
      const place = `${at} + ${sizes.payloadOffset(d.cases)}`;
      const arms = d.cases.map((c, i) => {
        const text = c === undefined ? "" : ownMemory(sizes, c, place, depth);
        return text === "" ? "" : `case ${i}: ${text} break;`;
      });
      // Fewer than 256 cases.
      return arms.every((arm) => arm === "") ? "" : `switch (m[${at}]) { ${arms.join("\n")} default: break; }`;
    }
    default:
      return "";
  }
}

function importedEcho(component: Component, item: ApiImport, index: number): string {
  const { types } = component;
  const sizes = new Sizes(types, I32);
  const flattening = new Flattening(types, I32);
  const { params, result } = types.func(component.imports.get(item.import).type);
  const [param] = params;
  let body = "";
  if (result !== undefined && param !== undefined) {
    const { paramsInMemory, resultInMemory } = flattening.flattenFuncType(
      types.func(component.imports.get(item.import).type),
      "lower",
    );
    const flat = flattening.flattenType(result).length;
    const out = `v[${paramsInMemory ? 1 : flat}].i32`;
    if (paramsInMemory) body = `memmove(m + ${out}, m + v[0].i32, ${sizes.elemSize(result)});`;
    else if (resultInMemory) body = storeFlat(sizes, flattening, result, out, 0);
    if (resultInMemory) body += ownMemory(sizes, result, out, 0);
  }
  return `static windlass_status_t import${index}(void *vmctx, void *data, const windlass_memory_t *memory, windlass_realloc_t *realloc,
    int32_t encoding, windlass_val_raw_t *v, size_t n) {
  uint8_t *m = memory == NULL ? NULL : memory->base;
  (void)vmctx; (void)data; (void)realloc; (void)encoding; (void)n; (void)m; (void)v;
  ${body}
  return 0;
}`;
}

/** The program; its header is `echo.h`. */
export function echoHost(component: Component, api: Api): string {
  const calls = api.exports.flatMap(({ name, lifted }) => [
    `echo_${name}`,
    lifted.options.postReturn === undefined ? "NULL" : `echo_${name}_post_return`,
  ]);
  const exportsMemory = api.memories.some((m) => m.name === "memory");
  const member = (item: ApiImport): string => (item.group === undefined ? item.name : `${item.group}.${item.name}`);
  return `#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "echo.h"
${api.imports.map((item, i) => importedEcho(component, item, i)).join("\n")}
typedef windlass_status_t entry_t(echo_t *, windlass_val_raw_t *, size_t);
static entry_t *const entries[] = { ${calls.join(", ")} };
struct command { uint32_t command, entry, count, results; uint64_t displacement, length; };
static void get(void *to, size_t size) { if (size > 0 && fread(to, size, 1, stdin) != 1) exit(0); }
static void put(const void *from, size_t size) { if (size > 0 && fwrite(from, size, 1, stdout) != 1) exit(1); }

int main(void) {
  static windlass_val_raw_t v[64];
  echo_t *echo = NULL;
  ${api.imports.length === 0 ? "" : `echo_imports_t imports;\n  memset(&imports, 0, sizeof imports);`}
  ${api.imports.map((item, i) => `imports.${member(item)}.callee = import${i};`).join("\n  ")}
  if (echo_new(${api.imports.length === 0 ? "NULL" : "&imports"}, NULL, &echo) != 0) return 1;
  for (;;) {
    struct command c;
    uint32_t answer[4] = {0};
    get(&c, sizeof c);
    uint8_t *memory = ${exportsMemory ? "echo_memory(echo)->base" : "NULL"};
    if (c.command == ${ScriptCommand.read}) {
      put(answer, sizeof answer);
      put(memory + c.displacement, c.length);
    } else if (c.command == ${ScriptCommand.write}) {
      get(memory + c.displacement, c.length);
      put(answer, sizeof answer);
    } else {
      get(v, sizeof *v * c.count);
      if (c.command == ${ScriptCommand.realloc}) {
        answer[0] = (uint32_t)echo_realloc(echo, v[0].i32, v[1].i32, v[2].i32, v[3].i32, &v[0].i32);
      } else if (c.entry == ${calls.length}) v[0].i64 = echo_memory(echo)->length;
      else answer[0] = (uint32_t)entries[c.entry](echo, v, 64);
      put(answer, sizeof answer);
      put(v, sizeof *v * c.results);
    }
    fflush(stdout);
  }
}
`;
}
