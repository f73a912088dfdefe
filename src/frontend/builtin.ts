/**
 * The built-in WASI as the program sees it: one core instance with exports of fixed names.
 *
 * | export | what |
 * |---|---|
 * | `runtime_init` | () → (), called when it is instantiated, before any code of the guest |
 * | `runtime_drop` | () → (), called when the instance is deleted |
 * | `config_address`, `config_capacity` | where settings fixed at compile time go: u32 length, then NUL-terminated `NAME=value` strings |
 */

import { ByteWriter } from "../base/bytes.ts";
import { InternalError, WindlassError } from "../base/diagnostics.ts";
import type { Component, CoreFunc } from "../plan/component.ts";
import { resolveFunction } from "./wasm/constants.ts";
import type { ComponentFacts } from "./wasm/facts.ts";

/** An exported function of the built-in WASI; undefined when the component has none, or it has no such export. */
export function builtinFunction(component: Component, name: "runtime_init" | "runtime_drop"): CoreFunc | undefined {
  const { builtin } = component;
  if (builtin === undefined) return undefined;
  const { module } = component.modules.get(component.instances.get(builtin).module);
  const found = module.exports.find((e) => e.name === name && e.kind === "func");
  return found === undefined ? undefined : resolveFunction(component, builtin, found.index);
}

/** The value of an exported constant. */
function builtinConstant(component: Component, facts: ComponentFacts, name: string): number {
  const { builtin } = component;
  const instance = builtin === undefined ? undefined : component.instances.get(builtin);
  const { module } = instance === undefined ? {} : component.modules.get(instance.module);
  const found = module?.exports.find((e) => e.name === name && e.kind === "global");
  const global = found === undefined ? undefined : instance?.globals[found.index];
  const value = global === undefined ? undefined : facts.globals[global];
  if (value?.kind !== "number") throw new InternalError("frontend", `the built-in WASI exports no constant ${name}`);
  return value.lo >>> 0;
}

/**
 * Settings (`WINDLASS_DIR=…`, each `NAME=value`) as the block that the built-in reads. Throws `WindlassError` when one holds a NUL, or
 * when they are more than it has room for.
 */
export function configurationBytes(
  component: Component,
  facts: ComponentFacts,
  settings: readonly string[],
): Uint8Array {
  const out = new ByteWriter();
  out.u32(0);
  for (const setting of settings) {
    if (setting.includes("\0")) throw new WindlassError({ kind: "usage", message: "a setting holds a NUL character" });
    out.cstring(setting);
  }
  out.putU32(0, out.length - 4);
  const capacity = builtinConstant(component, facts, "config_capacity");
  if (out.length > capacity) {
    const message = `the settings of the executable take ${out.length} bytes, more than ${capacity}`;
    throw new WindlassError({ kind: "limit", subject: "configuration", message });
  }
  return out.toBytes();
}

/** Where they go in the built-in's memory. */
export function configurationAddress(component: Component, facts: ComponentFacts): number {
  return builtinConstant(component, facts, "config_address");
}
