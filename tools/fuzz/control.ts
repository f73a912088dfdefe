/** Random control flow: blocks of every kind, branches, exceptions, and what leaves. */

import type { Access } from "./access.ts";
import type { Calls } from "./calls.ts";
import { type Frame, MAX_LABELS, type Scope } from "./frame.ts";
import type { Maker } from "./maker.ts";
import {
  type CatchClause,
  type Expr,
  type Immediate,
  isNonNull,
  type Label,
  nullable,
  ON_STACK,
  referenceTo,
  type Types,
} from "./tree.ts";

export class Control {
  readonly #f: Frame;
  readonly #access: Access;
  readonly #calls: Calls;
  readonly #maker: Maker;
  /** Tags that are caught around this place, as often as they are. */
  readonly #caught: number[] = [];

  constructor(frame: Frame, access: Access, calls: Calls, maker: Maker) {
    this.#f = frame;
    this.#access = access;
    this.#calls = calls;
    this.#maker = maker;
  }

  /** Some types of operands of a block. */
  #operands(): Types {
    const r = this.#f.r;
    return r.chance(0.25) ? Array.from({ length: r.between(1, 3) }, () => this.#f.anyType()).join("") : "";
  }

  /** A block, loop or if with results. */
  block(results: Types, depth: number): Expr {
    const r = this.#f.r;
    const f = this.#f;
    const params = this.#operands();
    const kids = this.#maker.values(params, depth);
    const immediate: Immediate = { kind: "block", params, results };
    const way = r.below(10);
    if (way < 4) {
      const label: Label = { types: results };
      const bodies = [this.#body(label, false, params, results, depth)];
      return { ...f.node("block", results, kids, immediate), bodies, label };
    }
    if (way < 8) {
      kids.push(this.#maker.condition(depth));
      const label: Label = { types: results };
      const bodies = [this.#body(label, false, params, results, depth)];
      if (params !== results || r.chance(0.7)) bodies.push(this.#body(label, false, params, results, depth));
      return { ...f.node("if", results, kids, immediate), bodies, label };
    }
    const label: Label = { types: params };
    const bodies = [this.#body(label, true, params, results, depth)];
    return { ...f.node("loop", results, kids, immediate), bodies, label };
  }

  /** `begin`: makes what comes first, behind what takes the parameters. */
  #body(
    label: Label,
    loop: boolean,
    params: Types,
    results: Types,
    depth: number,
    begin: () => Expr[] = () => [],
  ): Expr[] {
    const r = this.#f.r;
    const f = this.#f;
    const out: Expr[] = [];
    // The last parameter is on top.
    for (const type of [...params].reverse())
      out.push(f.store({ code: ON_STACK, results: type, kids: [], immediates: [] }));
    f.scopes.push({ label, loop });
    if (loop) out.push(...f.spend(1));
    out.push(...begin());
    this.#maker.statements(out, r.below(3));
    if (loop && r.chance(0.8)) out.push(...f.dropAll(this.branchIf({ label, loop }, depth)));
    out.push(...this.#maker.values(results, depth));
    f.scopes.pop();
    return out;
  }

  branchIf({ label }: Scope, depth: number): Expr {
    const kids = [...this.#maker.values(label.types, depth + 1), this.#maker.condition(depth + 1)];
    return this.#f.node("br_if", label.types, kids, { kind: "label", label });
  }

  /** Often one that is caught around this place. */
  #tag(): number {
    const { r, tree } = this.#f;
    return this.#caught.length > 0 && r.chance(0.6) ? r.pick(this.#caught) : r.below(tree.tags.length);
  }

  /** Throws, in place of a value. */
  #throw(results: Types, depth: number): Expr {
    const r = this.#f.r;
    const f = this.#f;
    if (r.chance(0.12)) return f.node("throw_ref", results, [this.#maker.value("e", depth + 1)]);
    const tag = this.#tag();
    return f.node("throw", results, this.#maker.values(f.tree.tags[tag] ?? "", depth + 1), f.index(tag));
  }

  /**
   * A `try_table` in a block that handles what it catches, in a block with results; other clauses may lead anywhere.
   *
   *     (block results (block caught (try_table results …) (br 1)) …caught, results)
   *
   * Some have another one inside, often for the same tag; and some leave behind which of them it was that caught.
   */
  attempt(results: Types, depth: number): Expr {
    const r = this.#f.r;
    const f = this.#f;
    const { tags } = f.tree;
    const outer: Label = { types: results };
    const own = r.chance(0.75) ? this.#tag() : undefined;
    const byReference = r.chance(0.5);
    const caught = `${own === undefined ? "" : (tags[own] ?? "")}${byReference ? "e" : ""}`;
    const handler: Label = { types: caught };
    f.scopes.push({ label: outer, loop: false });
    f.scopes.push({ label: handler, loop: false });
    const clauses: CatchClause[] = [{ tag: own, byReference, label: handler }];
    for (let i = r.below(3); i > 0; i--) {
      const tag = r.chance(0.7) ? r.below(tags.length) : undefined;
      const types = tag === undefined ? "" : (tags[tag] ?? "");
      for (const [wanted, reference] of [
        [`${types}e`, true],
        [types, false],
      ] as const) {
        const targets = f.scopes.filter((s) => s.label.types === wanted);
        if (targets.length === 0) continue;
        const clause = { tag, byReference: reference, label: r.pick(targets).label };
        if (r.chance(0.5)) clauses.push(clause);
        else clauses.unshift(clause);
        break;
      }
    }
    const params = this.#operands();
    const kids = this.#maker.values(params, depth);
    const label: Label = { types: results };
    const immediates: Immediate[] = [
      { kind: "block", params, results },
      { kind: "catches", clauses },
    ];
    if (own !== undefined) this.#caught.push(own);
    const body = this.#body(label, false, params, results, depth, () => this.#somethingToCatch(depth));
    if (own !== undefined) this.#caught.pop();
    const attempt: Expr = { ...f.node("try_table", results, kids, ...immediates), bodies: [body], label };
    f.scopes.pop();
    const inner: Expr = {
      ...f.node("block", caught, [], { kind: "block", params: "", results: caught }),
      bodies: [[f.node("br", caught, [attempt], { kind: "label", label: outer })]],
      label: handler,
    };
    const rest: Expr[] = f.dropAll(inner);
    if (r.chance(0.4)) rest.push(...this.#access.observe(f.i32(r.between(1, 0xffff))));
    this.#maker.statements(rest, r.below(2));
    rest.push(...this.#maker.values(results, depth));
    f.scopes.pop();
    return { ...f.node("block", results, [], { kind: "block", params: "", results }), bodies: [rest], label: outer };
  }

  /** Statements at the start of the body of a `try_table`. */
  #somethingToCatch(depth: number): Expr[] {
    const f = this.#f;
    const { r } = f;
    const out: Expr[] = [];
    if (f.scopes.length < MAX_LABELS && r.chance(0.25)) out.push(this.attempt("", depth + 1));
    if (f.callees.length > 0 && r.chance(0.3)) out.push(...f.dropAll(this.#calls.any(r.pick(f.callees), depth)));
    if (r.chance(0.35)) {
      const condition = this.#maker.condition(depth + 1);
      const label: Label = { types: "" };
      f.scopes.push({ label, loop: false });
      const bodies = [[this.#throw("", depth + 1)]];
      f.scopes.pop();
      out.push(f.ifElse(condition, bodies, label));
    }
    return out;
  }

  /** Branches on whether a reference is null. */
  branchOnNull({ label }: Scope, depth: number): Expr {
    const { types } = label;
    const last = types.at(-1) ?? "i";
    if (isNonNull(last)) {
      const rest = types.slice(0, -1);
      const kids = [...this.#maker.values(rest, depth + 1), this.#maker.value(nullable(last), depth + 1)];
      return this.#f.node("br_on_non_null", rest, kids, { kind: "label", label });
    }
    const declared = this.#f.tree.types.length;
    const from = declared > 0 ? this.#f.r.below(declared) : undefined;
    const [reference, result] = from === undefined ? ["r", "R"] : [referenceTo(from, true), referenceTo(from, false)];
    const kids = [...this.#maker.values(types, depth + 1), this.#maker.value(reference, depth + 1)];
    return this.#f.node("br_on_null", `${types}${result}`, kids, { kind: "label", label });
  }

  /** What never gets to its end, in place of a value. */
  never(results: Types, depth: number): Expr {
    const r = this.#f.r;
    const f = this.#f;
    const way = r.below(12);
    const { results: own } = f.func;
    if (way < 5 && f.scopes.length > 0) {
      const { label } = r.pick(f.scopes);
      return f.node("br", results, this.#maker.values(label.types, depth + 1), { kind: "label", label });
    }
    if (way < 7 && f.scopes.length > 0) return this.#table(r.pick(f.scopes).label.types, results, depth);
    if (way < 10) {
      const callees = f.callees.filter((c) => c.results === own);
      if (callees.length > 0) {
        return this.#calls.tail(r.pick(callees), results, depth);
      }
    }
    if (f.tree.tags.length > 0 && r.chance(0.8)) return this.#throw(results, depth);
    if (r.chance(0.06)) return f.node("unreachable", results, []);
    return f.node("return", results, this.#maker.values(own, depth + 1));
  }

  #table(types: Types, results: Types, depth: number): Expr {
    const r = this.#f.r;
    const f = this.#f;
    const targets = f.scopes.filter((s) => s.label.types === types);
    const count = r.chance(0.1) ? r.between(5, 20) : r.between(1, 5);
    const labels = Array.from({ length: count }, () => r.pick(targets).label);
    const index = r.chance(0.7)
      ? f.node("i32.and", "i", [this.#maker.value("i", depth + 1), f.i32(r.pick([1, 3, 7]))])
      : this.#maker.value("i", depth + 1);
    return f.node("br_table", results, [...this.#maker.values(types, depth + 1), index], { kind: "labels", labels });
  }
}
