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
 * Settings as text, one a line: `dir HOST::GUEST`, `env NAME=value`, `inherit-env`. As the block that the built-in reads. Throws
 * `WindlassError` for a line of another form.
 */
export function settingsBlock(text: string): Uint8Array {
  const dirs: string[] = [];
  const env: string[] = [];
  let inherit = false;
  for (const line of text.split("\n")) {
    if (line.startsWith("dir ")) dirs.push(line.slice(4));
    else if (line.startsWith("env ")) env.push(line.slice(4));
    else if (line === "inherit-env") inherit = true;
    else if (line !== "")
      throw new WindlassError({ kind: "usage", message: `unknown setting: ${JSON.stringify(line)}` });
  }
  const variables = [
    ...(dirs.length > 0 ? [`WINDLASS_DIR=${dirs.join("\n")}`] : []),
    ...(env.length > 0 ? [`WINDLASS_ENV=${env.join("\n")}`] : []),
    ...(inherit ? ["WINDLASS_INHERIT_ENV=1"] : []),
  ];
  const out = new ByteWriter();
  out.u32(0);
  for (const variable of variables) {
    if (variable.includes("\0")) throw new WindlassError({ kind: "usage", message: "a setting holds a NUL character" });
    out.cstring(variable);
  }
  out.putU32(0, out.length - 4);
  return out.toBytes();
}

/** Where `block` goes in the built-in's memory. Throws `WindlassError` when it does not fit. */
export function settingsAddress(component: Component, facts: ComponentFacts, block: Uint8Array): number {
  const capacity = builtinConstant(component, facts, "config_capacity");
  if (block.length > capacity) {
    const message = `the settings of the executable take ${block.length} bytes, more than ${capacity}`;
    throw new WindlassError({ kind: "limit", subject: "configuration", message });
  }
  return builtinConstant(component, facts, "config_address");
}
