/** What the parts of a body's generator ask of it: more values, more statements. */

import type { Expr, Types } from "./tree.ts";

/** Deep enough that a value is a small one. */
export const SMALL = 8;

export interface Maker {
  /** A value of this type; the deeper it is, the smaller. */
  value(type: string, depth: number): Expr;
  /** An i32 that is asked whether it is 0. */
  condition(depth: number): Expr;
  /** One without operands. */
  leaf(type: string): Expr;
  /** Values of these types, in order; one expression may give several. */
  values(types: Types, depth: number): Expr[];
  statements(out: Expr[], count: number): void;
}
