/** The core definitions at an index of a scope, which the validator has seen to be there. */

import { InternalError } from "../base/diagnostics.ts";
import type { CoreFunc } from "../plan/component.ts";
import type { CoreItem, Scope } from "./environment.ts";

export function coreFunc(scope: Scope, index: number): CoreFunc {
  const func = scope.coreFuncs[index];
  if (func === undefined) throw new InternalError("translate", `core function ${index} is not in scope`);
  return func;
}

export function coreItem(scope: Scope, sort: string, index: number): CoreItem {
  const item = coreItemAt(scope, sort, index);
  if (item === undefined) throw new InternalError("translate", `core ${sort} ${index} is not in scope`);
  return item;
}

function coreItemAt(scope: Scope, sort: string, index: number): CoreItem | undefined {
  switch (sort) {
    case "func": {
      const func = scope.coreFuncs[index];
      return func && { sort, func };
    }
    case "table": {
      const table = scope.coreTables[index];
      return table === undefined ? undefined : { sort, index: table };
    }
    case "memory": {
      const memory = scope.coreMemories[index];
      return memory === undefined ? undefined : { sort, index: memory };
    }
    case "global": {
      const global = scope.coreGlobals[index];
      return global === undefined ? undefined : { sort, index: global };
    }
    case "tag": {
      const tag = scope.coreTags[index];
      return tag === undefined ? undefined : { sort, index: tag };
    }
    default:
      return undefined;
  }
}
