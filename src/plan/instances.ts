/** How component instances contain each other. */

import type { PrimaryMap } from "../base/entity.ts";
import type { ComponentInstance, RuntimeComponentInstanceIndex } from "./component.ts";

type Instances = PrimaryMap<RuntimeComponentInstanceIndex, ComponentInstance>;

function isReflexiveAncestor(
  instances: Instances,
  ancestor: RuntimeComponentInstanceIndex,
  of: RuntimeComponentInstanceIndex,
): boolean {
  let at: RuntimeComponentInstanceIndex | undefined = of;
  while (at !== undefined) {
    if (at === ancestor) return true;
    at = instances.get(at).parent;
  }
  return false;
}

/**
 * `call_might_be_recursive` of the Canonical ABI for a guest that calls a guest: known when the component is compiled. Such a call always traps;
 * all others can't come back, because instances only call what was instantiated before them.
 */
export function mightBeRecursive(
  instances: Instances,
  caller: RuntimeComponentInstanceIndex,
  callee: RuntimeComponentInstanceIndex,
): boolean {
  return isReflexiveAncestor(instances, caller, callee) || isReflexiveAncestor(instances, callee, caller);
}
