/** What the validator learns on its way and later phases would have to walk all bodies for. */

import type { Module } from "./module.ts";

/** Of one function body. */
export interface FunctionFacts {
  /** Number of operators, the last `end` included. */
  readonly operators: number;
  /** Deepest nesting of blocks; 1 for a body without blocks. */
  readonly maxDepth: number;
  /** Most operands on the stack at once, in reachable code. */
  readonly maxOperands: number;
  /** Declared locals, parameters not included. */
  readonly locals: number;
  /** Bit i: an operator of `FEATURES[i]` occurs. */
  readonly features: number;
}

/**
 * Of the whole module, by index. Columns of flags (0 or 1); a worker that validates a part of the functions has its own
 * and the results are merged.
 */
export class ModuleFacts {
  /** Tables whose elements code may change: `table.set`, `fill`, `grow`, `init`, `copy` into it. */
  readonly tableMutated: Uint8Array;
  /** Tables that `table.grow` names. */
  readonly tableGrows: Uint8Array;
  /** Memories that `memory.grow` names. */
  readonly memoryGrows: Uint8Array;
  /** Globals that `global.set` names. */
  readonly globalSet: Uint8Array;
  /** Functions that `ref.func` in a body names. */
  readonly functionReferenced: Uint8Array;
  readonly tableExported: Uint8Array;
  readonly memoryExported: Uint8Array;
  readonly globalExported: Uint8Array;
  /** By body: the functions that it calls or names (`call`, `return_call`, `ref.func`); undefined: none. */
  readonly mentions: (number[] | undefined)[];
  /** Bit i: an operator of `FEATURES[i]` occurs in a body. */
  features = 0;

  constructor(module: Module) {
    this.tableMutated = new Uint8Array(module.tables.length);
    this.tableGrows = new Uint8Array(module.tables.length);
    this.memoryGrows = new Uint8Array(module.memories.length);
    this.globalSet = new Uint8Array(module.globals.length);
    this.functionReferenced = new Uint8Array(module.functions.length);
    this.tableExported = new Uint8Array(module.tables.length);
    this.memoryExported = new Uint8Array(module.memories.length);
    this.globalExported = new Uint8Array(module.globals.length);
    this.mentions = Array.from(module.bodyStart, () => undefined);
    for (const { kind, index } of module.exports) {
      if (kind === "table") this.tableExported[index] = 1;
      else if (kind === "memory") this.memoryExported[index] = 1;
      else if (kind === "global") this.globalExported[index] = 1;
    }
  }

  /** Body `body` calls or names function `index`. */
  mention(body: number, index: number): void {
    const known = this.mentions[body];
    if (known === undefined) this.mentions[body] = [index];
    else if (known[known.length - 1] !== index) known.push(index);
  }

  /** Adds what another part of the same module's functions showed. */
  merge(other: ModuleFacts): void {
    or(this.tableMutated, other.tableMutated);
    or(this.tableGrows, other.tableGrows);
    or(this.memoryGrows, other.memoryGrows);
    or(this.globalSet, other.globalSet);
    or(this.functionReferenced, other.functionReferenced);
    other.mentions.forEach((functions, body) => {
      this.mentions[body] ??= functions;
    });
    this.features |= other.features;
  }
}

/** `ModuleFacts` as plain data, which another thread can be sent. */
export type SeenInModule = Omit<ModuleFacts, "mention" | "merge">;

/** What the validator saw in modules; of others nothing is known. */
export type ValidatedModules = ReadonlyMap<Module, SeenInModule>;

function or(into: Uint8Array, from: Uint8Array): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) | (from[i] ?? 0);
}
