/** What signature a core function of the plan has. */

import { InternalError } from "../base/diagnostics.ts";
import type { Import } from "../wasm/module.ts";
import { type FuncType, I32, I64, type ValType } from "../wasm/types.ts";
import type { CanonicalOptions, Component, CoreFunc, CoreInstanceIndex, SignatureIndex } from "./component.ts";

/** `resource.new`: rep → handle. */
export const RESOURCE_NEW_SIGNATURE: FuncType = { kind: "func", params: [I32], results: [I32] };
/** `resource.rep`: handle → rep. */
export const RESOURCE_REP_SIGNATURE: FuncType = { kind: "func", params: [I32], results: [I32] };
/** `resource.drop`: handle. Destructors: rep. */
export const RESOURCE_DROP_SIGNATURE: FuncType = { kind: "func", params: [I32], results: [] };
/** `realloc` of a 32-bit memory: old pointer, old size, alignment, new size → pointer. */
export const REALLOC_SIGNATURE: FuncType = { kind: "func", params: [I32, I32, I32, I32], results: [I32] };
/** The same of a 64-bit memory. */
export const REALLOC64_SIGNATURE: FuncType = { kind: "func", params: [I64, I64, I64, I64], results: [I64] };

/** The type of pointers and lengths with these options: that of the memory's addresses. */
export function pointerType(
  { memories }: Pick<Component, "memories">,
  { memory }: Pick<CanonicalOptions, "memory">,
): typeof I32 | typeof I64 {
  return memory !== undefined && memories.get(memory).type.is64 ? I64 : I32;
}

export function reallocSignature(ptr: ValType): FuncType {
  return ptr === I64 ? REALLOC64_SIGNATURE : REALLOC_SIGNATURE;
}

/** Function imports of a core instance's module, in the order of `CoreInstance.imports`. */
export function functionImports(component: Component, instance: CoreInstanceIndex): Import[] {
  const { module } = component.modules.get(component.instances.get(instance).module);
  return module.imports.filter((i) => i.desc.kind === "func");
}

/** Signature of function `func` of a core instance's module, in its function index space. */
export function signatureOfModuleFunc(component: Component, instance: CoreInstanceIndex, func: number): SignatureIndex {
  const { module, signatures, name } = component.modules.get(component.instances.get(instance).module);
  const index = signatures[module.functions[func] ?? -1];
  if (index === undefined) throw new InternalError("plan", `function ${func} has no signature`, name);
  return index;
}

/** The number of a core function's signature; undefined for an intrinsic, which has one per importing module. */
export function signatureOf(component: Component, func: CoreFunc): SignatureIndex | undefined {
  switch (func.kind) {
    case "wasm":
      return signatureOfModuleFunc(component, func.instance, func.func);
    case "lowered":
      return component.lowerings.get(func.index).signatureIndex;
    case "trampoline":
      return component.trampolines.get(func.index).signatureIndex;
    case "intrinsic":
      return undefined;
  }
}

/**
 * Where a function of a module's index space really is: itself if the module defines it, else what its import resolved to.
 */
export function resolveFunc(component: Component, instance: CoreInstanceIndex, func: number): CoreFunc {
  const { module, imports } = component.instances.get(instance);
  if (func >= component.modules.get(module).module.importedFunctions) return { kind: "wasm", instance, func };
  const resolved = imports[func];
  if (resolved === undefined) throw new InternalError("plan", `import ${func} of core instance ${instance} is missing`);
  return resolved;
}
