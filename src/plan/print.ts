/** The plan as text (`--emit plan`): one line per row of each table, names as the plan's types have them. Deterministic. */

import { unreachable } from "../base/diagnostics.ts";
import { funcTypeName, globalTypeName, memoryTypeName, tableTypeName } from "../wasm/types.ts";
import type {
  CanonicalOptions,
  Component,
  ComponentExport,
  CoreFunc,
  CoreItem,
  Definition,
  Resource,
  Trampoline,
} from "./component.ts";
import { functionImports } from "./signatures.ts";
import { witFunc } from "./wit.ts";

/** `core1.func5`, `lowered2`, `trampoline0`, `native "load8_u"`. */
export function coreFuncName(func: CoreFunc): string {
  switch (func.kind) {
    case "wasm":
      return `instance${func.instance}.func${func.func}`;
    case "lowered":
      return `lowered${func.index}`;
    case "trampoline":
      return `trampoline${func.index}`;
    case "intrinsic":
      return `native ${JSON.stringify(func.name)}`;
    default:
      return unreachable(func);
  }
}

function optionsText(options: CanonicalOptions): string {
  const parts = [`component-instance${options.instance}`, options.stringEncoding];
  if (options.memory !== undefined) parts.push(`memory${options.memory}`);
  if (options.realloc !== undefined) parts.push(`realloc=${coreFuncName(options.realloc)}`);
  if (options.postReturn !== undefined) parts.push(`post-return=${coreFuncName(options.postReturn)}`);
  if (options.isAsync) parts.push(options.callback ? "async with callback" : "async");
  return parts.join(" ");
}

function definedAt({ instance, index }: Definition, kind: string): string {
  return `instance${instance}.${kind}${index}`;
}

function resourceText(resource: Resource): string {
  switch (resource.kind) {
    case "defined": {
      const destructor = resource.destructor === undefined ? "" : ` destructor=${coreFuncName(resource.destructor)}`;
      return `defined ${JSON.stringify(resource.name)} component-instance${resource.instance}${destructor}`;
    }
    case "host":
      return `host${resource.hostIndex} ${JSON.stringify(resource.path.join(" "))}`;
    case "builtin": {
      const destructor = resource.destructor === undefined ? "" : ` destructor=${coreFuncName(resource.destructor)}`;
      return `builtin ${JSON.stringify(resource.name)}${destructor}`;
    }
    default:
      return unreachable(resource);
  }
}

function trampolineText(trampoline: Trampoline): string {
  if (trampoline.kind === "adapter") {
    const { callee, signature, options } = trampoline;
    const lifted = `${coreFuncName(callee.core)} ${funcTypeName(callee.signature)} ${optionsText(callee.options)}`;
    return `adapter ${funcTypeName(signature)} ${optionsText(options)} to ${lifted}`;
  }
  if (trampoline.kind === "host-function") {
    const { hostIndex, module, name, signature } = trampoline;
    return `host-function${hostIndex} ${JSON.stringify(`${module} ${name}`)} ${funcTypeName(signature)}`;
  }
  if (trampoline.kind === "always-trap") return `always-trap ${trampoline.trap} ${funcTypeName(trampoline.signature)}`;
  if (trampoline.kind === "task-builtin") {
    const { name, action, instance, signature } = trampoline;
    return `${name} ${action.kind} ${funcTypeName(signature)} component-instance${instance}`;
  }
  return `${trampoline.kind} resource${trampoline.resource} component-instance${trampoline.instance}`;
}

/** `instance1.func5 [i32] -> []`, `memory0`. */
export function coreItemText(item: CoreItem): string {
  if (item.kind === "func") return `${coreFuncName(item.func)} ${funcTypeName(item.type)}`;
  return item.kind === "tag" ? "tag" : `${item.kind}${item.index}`;
}

/** `[i32] -> []`, `1 2`, `(mut i32)`. */
export function coreItemType(component: Component, item: CoreItem): string {
  switch (item.kind) {
    case "func":
      return funcTypeName(item.type);
    case "memory":
      return memoryTypeName(component.memories.get(item.index).type);
    case "table":
      return tableTypeName(component.tables.get(item.index).type);
    case "global":
      return globalTypeName(component.globals.get(item.index).type);
    case "tag":
      return "";
  }
}

/** Prints the plan; every line ends in a newline. */
export function printPlan(component: Component): string {
  const lines: string[] = [];
  const line = (depth: number, text: string) => lines.push(`${"  ".repeat(depth)}${text}`);
  const resourceName = (index: Parameters<typeof component.resources.get>[0]) => component.resources.get(index).name;
  const type = (index: Parameters<typeof component.types.func>[0]) => witFunc(component.types, index, resourceName);

  line(0, "plan");
  for (const [i, { path, parent }] of component.componentInstances.entries()) {
    line(1, `component-instance${i} ${JSON.stringify(path)}${parent === undefined ? "" : ` in ${parent}`}`);
  }
  for (const [i, signature] of component.signatures.entries()) line(1, `signature${i} ${funcTypeName(signature)}`);
  for (const [i, { name, module, trusted }] of component.modules.entries()) {
    const bodies = module.bodyStart.length;
    line(
      1,
      `module${i} ${JSON.stringify(name)} ${module.end - module.start} bytes, ${bodies} functions${trusted ? ", trusted" : ""}`,
    );
  }
  for (const [i, resource] of component.resources.entries()) line(1, `resource${i} ${resourceText(resource)}`);
  for (const [i, { path, type: t }] of component.imports.entries()) {
    line(1, `import${i} ${JSON.stringify(path.join(" "))} ${type(t)}`);
  }
  for (const [i, lowering] of component.lowerings.entries()) {
    const { callee } = lowering;
    const to = callee.kind === "host" ? `host ${callee.abi}` : `builtin ${coreFuncName(callee.func)}`;
    line(
      1,
      `lowered${i} import${lowering.import} ${funcTypeName(lowering.signature)} ${to} ${optionsText(lowering.options)}`,
    );
  }
  for (const [i, trampoline] of component.trampolines.entries())
    line(1, `trampoline${i} ${trampolineText(trampoline)}`);
  for (const [i, memory] of component.memories.entries()) {
    const text = `${memoryTypeName(memory.type)}, ${memory.style}, at most ${memory.maxBytes} bytes`;
    line(1, `memory${i} ${definedAt(memory, "memory")} ${text}`);
  }
  for (const [i, table] of component.tables.entries()) {
    line(
      1,
      `table${i} ${definedAt(table, "table")} ${tableTypeName(table.type)}, at most ${table.maxElements} elements`,
    );
  }
  for (const [i, global] of component.globals.entries()) {
    line(1, `global${i} ${definedAt(global, "global")} ${globalTypeName(global.type)}`);
  }
  for (const [i, tag] of component.tags.entries())
    line(1, `tag${i} ${definedAt(tag, "tag")} signature${tag.signature}`);
  for (const [i, { module, imports, memories, tables, globals, tags }] of component.instances.entries()) {
    line(1, `instance${i} module${module}${component.builtin === i ? ", the built-in WASI" : ""}`);
    const spaces = [
      ...memories.map((m) => `memory${m}`),
      ...tables.map((t) => `table${t}`),
      ...globals.map((g) => `global${g}`),
      ...tags.map((t) => `tag${t}`),
    ];
    if (spaces.length > 0) line(2, spaces.join(" "));
    const wanted = functionImports(component, i);
    imports.forEach((func, n) => {
      const name = wanted[n];
      line(2, `func${n} ${JSON.stringify(`${name?.module} ${name?.name}`)} = ${coreFuncName(func)}`);
    });
  }
  for (const { kind, instance } of component.initializers) line(1, `${kind} instance${instance}`);
  const exported = (depth: number, name: string, item: ComponentExport): void => {
    switch (item.kind) {
      case "func":
        line(depth, `export ${JSON.stringify(name)} ${type(item.type)}`);
        line(depth + 1, `lift ${coreFuncName(item.core)} ${funcTypeName(item.signature)} ${optionsText(item.options)}`);
        return;
      case "instance":
        line(depth, `export ${JSON.stringify(name)} instance`);
        for (const [inner, value] of item.exports) exported(depth + 1, inner, value);
        return;
      case "type":
      case "core-module":
      case "component":
        line(depth, `export ${JSON.stringify(name)} ${item.kind}`);
        return;
      default:
        unreachable(item);
    }
  };
  for (const [name, item] of component.exports) exported(1, name, item);
  for (const { module, name, item } of component.core?.imports ?? []) {
    line(1, `core import ${JSON.stringify(`${module} ${name}`)} ${coreItemText(item)}`);
  }
  for (const { name, item } of component.core?.exports ?? []) {
    line(1, `core export ${JSON.stringify(name)} ${coreItemText(item)}`);
  }
  return `${lines.join("\n")}\n`;
}
