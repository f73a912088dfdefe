/** What `windlass inspect --json` says of a component: plain data, types in WIT's words. */

import { unreachable } from "../base/diagnostics.ts";
import type { ResourceIndex } from "../component/types.ts";
import { funcTypeName } from "../wasm/types.ts";
import type { Component, ComponentExport, CoreItem, StringEncoding } from "./component.ts";
import { coreItemType } from "./print.ts";
import { witFunc } from "./wit.ts";

export type ItemSummary =
  | { readonly kind: "func"; readonly name: string; readonly type: string; readonly coreType: string }
  | { readonly kind: "type" | "core-module" | "component"; readonly name: string }
  | { readonly kind: "instance"; readonly name: string; readonly items: readonly ItemSummary[] };

export interface ImportSummary {
  readonly path: readonly string[];
  readonly type: string;
  /** The lowerings of this import: number, core signature, who answers. */
  readonly lowerings: readonly {
    readonly index: number;
    readonly coreType: string;
    readonly callee: string;
    readonly stringEncoding: StringEncoding;
  }[];
}

export interface PlanSummary {
  readonly componentInstances: readonly string[];
  readonly modules: readonly {
    readonly index: number;
    readonly name: string;
    /** Byte offset in its file, and length in bytes. */
    readonly offset: number;
    readonly size: number;
    readonly functions: number;
    readonly builtin: boolean;
  }[];
  readonly coreInstances: readonly { readonly index: number; readonly module: number }[];
  readonly memories: readonly {
    readonly index: number;
    readonly minBytes: number;
    readonly maxBytes: number;
    readonly style: string;
  }[];
  readonly imports: readonly ImportSummary[];
  readonly resources: readonly { readonly index: number; readonly name: string; readonly kind: string }[];
  readonly exports: readonly ItemSummary[];
  /** Of a core module that is compiled as it is. */
  readonly core?: {
    readonly imports: readonly CoreItemSummary[];
    readonly exports: readonly CoreItemSummary[];
  };
}

export interface CoreItemSummary {
  readonly path: readonly string[];
  readonly kind: string;
  /** As the text format has it. */
  readonly type: string;
}

/** Summarizes the plan. */
export function summarizePlan(component: Component): PlanSummary {
  const resourceName = (index: ResourceIndex) => component.resources.get(index).name;
  const lowerings = new Map<number, ImportSummary["lowerings"][number][]>();
  for (const [index, { import: from, signature, callee, options }] of component.lowerings.entries()) {
    const list = lowerings.get(from) ?? [];
    list.push({
      index,
      coreType: funcTypeName(signature),
      callee: callee.kind === "host" ? callee.abi : "builtin",
      stringEncoding: options.stringEncoding,
    });
    lowerings.set(from, list);
  }
  const item = (name: string, value: ComponentExport): ItemSummary => {
    switch (value.kind) {
      case "func":
        return {
          kind: "func",
          name,
          type: witFunc(component.types, value.type, resourceName),
          coreType: funcTypeName(value.signature),
        };
      case "instance":
        return { kind: "instance", name, items: [...value.exports].map(([inner, v]) => item(inner, v)) };
      case "type":
      case "core-module":
      case "component":
        return { kind: value.kind, name };
      default:
        return unreachable(value);
    }
  };
  const { core } = component;
  const coreItem = (path: readonly string[], i: CoreItem): CoreItemSummary => ({
    path,
    kind: i.kind,
    type: coreItemType(component, i),
  });
  return {
    componentInstances: component.componentInstances.values().map(({ path }) => path),
    modules: component.modules.values().map(({ module, name, trusted }, index) => ({
      index,
      name,
      offset: module.start,
      size: module.end - module.start,
      functions: module.bodyStart.length,
      builtin: trusted,
    })),
    coreInstances: component.instances.values().map(({ module }, index) => ({ index, module })),
    memories: component.memories.values().map(({ type, style, maxBytes }, index) => ({
      index,
      minBytes: type.min * 2 ** type.pageSizeLog2,
      maxBytes,
      style,
    })),
    imports: component.imports.values().map(({ path, type }, index) => ({
      path,
      type: witFunc(component.types, type, resourceName),
      lowerings: lowerings.get(index) ?? [],
    })),
    resources: component.resources.values().map(({ name, kind }, index) => ({ index, name, kind })),
    exports: [...component.exports].map(([name, value]) => item(name, value)),
    ...(core === undefined
      ? {}
      : {
          core: {
            imports: core.imports.map(({ module, name, item: i }) => coreItem([module, name], i)),
            exports: core.exports.map(({ name, item: i }) => coreItem([name], i)),
          },
        }),
  };
}
