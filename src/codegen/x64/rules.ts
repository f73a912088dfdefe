/**
 * Selection rules: what one is, and how a table of them is applied.
 *
 * A table lists, for each IR op, its rules in order of preference; the first whose condition holds is taken. The last one of an op
 * always holds. Rules are numbered, so that a test can ask which ever fired.
 */

// hot loop: indices are in range by construction

import { InternalError } from "../../base/diagnostics.ts";
import { OP_NAMES, type OpName, opName } from "../../ir/ops.ts";
import type { Selector } from "./selector.ts";

export interface Rule {
  /** Pattern → instructions, for people. */
  readonly name: string;
  /** Whether the rule fits: changes nothing but the selector's match registers. */
  readonly when: (s: Selector) => boolean;
  readonly emit: (s: Selector) => void;
}

/** One line of a rule table. */
export function rule(name: string, when: (s: Selector) => boolean, emit: (s: Selector) => void): Rule {
  return { name, when, emit };
}

/** A condition that always holds. */
export function always(): boolean {
  return true;
}

export type RuleTable = Readonly<Partial<Record<OpName, readonly Rule[]>>>;

/** Several tables as one, indexed by op number, its rules numbered from `base` on. */
export class RuleSet {
  /** Per op; empty where no table has the op. */
  readonly #byOp: readonly (readonly Rule[])[];
  /** Number of the first rule of each op. */
  readonly #first: Int32Array;
  /** Names in numeric order. */
  readonly names: readonly string[];
  readonly base: number;

  constructor(base: number, tables: readonly RuleTable[]) {
    this.base = base;
    const names: string[] = [];
    const first: number[] = [];
    this.#byOp = OP_NAMES.map((op) => {
      first.push(base + names.length);
      const rules = tables.flatMap((t) => t[op] ?? []);
      for (const r of rules) names.push(`${op}: ${r.name}`);
      return rules;
    });
    this.names = names;
    this.#first = Int32Array.from(first);
  }

  /** Applies the first rule that fits the instruction which `s` looks at, and counts it. Throws `InternalError` if there is none. */
  apply(s: Selector, fired: Uint32Array): void {
    const rules = this.#byOp[s.op]!;
    for (let i = 0; i < rules.length; i++) {
      const candidate = rules[i]!;
      if (!candidate.when(s)) continue;
      fired[this.#first[s.op]! + i]!++;
      candidate.emit(s);
      return;
    }
    throw new InternalError("x64 selection", `no rule for ${opName(s.op)}`, s.l.func.name);
  }
}
