/** Bodies of random functions: expressions made for the type that their place asks for, with everything in reach. */

import { Access } from "./access.ts";
import { constant } from "./constants.ts";
import type { Features } from "./features.ts";
import { Frame, type Scope } from "./frame.ts";
import { codeOf, floatLanes, type Operator, operatorsOf } from "./operators.ts";
import type { Random } from "./random.ts";
import { RelaxedOperands } from "./relaxed.ts";
import {
  type CatchClause,
  declaredOf,
  type Expr,
  type FuncTree,
  type Immediate,
  isNonNull,
  isReferenceType,
  type Label,
  type ModuleTree,
  ON_STACK,
  referenceTo,
  type Types,
  valueType,
} from "./tree.ts";

const MAX_DEPTH = 9;
const MAX_LABELS = 7;

/** The same reference type, null included. */
function nullable(letter: string): string {
  const declared = declaredOf(letter);
  return declared === undefined ? "r" : referenceTo(declared.index, true);
}

/** The same reference type without null. */
function nonNullable(letter: string): string {
  const declared = declaredOf(letter);
  return declared === undefined ? "R" : referenceTo(declared.index, false);
}

/** A call → the same as a tail call. */
const TAIL: ReadonlyMap<number, number> = new Map([
  [codeOf("call"), codeOf("return_call")],
  [codeOf("call_indirect"), codeOf("return_call_indirect")],
  [codeOf("call_ref"), codeOf("return_call_ref")],
]);

export class BodyGenerator {
  readonly #f: Frame;
  readonly #r: Random;
  readonly #features: Features;
  readonly #about: ReadonlyMap<Types, readonly Operator[]>;
  readonly #access: Access;
  readonly #relaxed: RelaxedOperands;
  #budget: number;
  /** Counting loops around this place. */
  #counting = 0;

  /**
   * `callees`: what it may call. `all`: letters of the types that it uses, the likely ones more than once. `about`: operators that it uses
   * more than others, by what they give.
   */
  constructor(
    r: Random,
    features: Features,
    tree: ModuleTree,
    func: FuncTree,
    callees: readonly FuncTree[],
    all: string,
    about: ReadonlyMap<Types, readonly Operator[]>,
  ) {
    this.#features = features;
    this.#about = about;
    this.#f = new Frame(r, tree, func, callees, all);
    this.#r = r;
    this.#access = new Access(this.#f, (type, depth) => this.value(type, depth));
    this.#relaxed = new RelaxedOperands(r, (value, use) => this.#f.twice(value, use));
    this.#budget = r.chance(0.06) ? r.between(100, 400) : r.between(4, 40);
  }

  /** Makes the body. `fuel`: what it sets the fuel to; undefined when it needs some to run. */
  fill({ fuel }: { readonly fuel: number | undefined }): void {
    const f = this.#f;
    const body: Expr[] = fuel === undefined ? f.spend(4) : [f.setFuel(constant(this.#r, "i", BigInt(fuel)))];
    if (fuel !== undefined) {
      for (const operator of [...this.#about.values()].flat()) this.#certainly(body, operator);
      if (this.#r.chance(0.25)) this.#access.bulkTable(body, MAX_DEPTH - 2);
      if (this.#r.chance(0.25)) this.#access.bulkMemory(body, MAX_DEPTH - 2);
      if (this.#r.chance(0.3)) body.push(this.#dropReference(MAX_DEPTH - 2));
      if (this.#r.chance(0.2)) body.push(...this.#dropAll(this.#callRef(this.#r.pick(f.callees), MAX_DEPTH - 2)));
    }
    this.#statements(body, this.#r.between(1, 5));
    body.push(...this.#values(f.func.results, 0));
    f.func.locals = f.locals.slice(f.func.params.length);
    f.func.body = body;
  }

  /** An operator at the start of a body, where it is executed unless an operand leaves; what it gives goes to locals. */
  #certainly(out: Expr[], operator: Operator): void {
    if (!this.#r.chance(0.6)) return;
    const expr = this.#operator(operator, MAX_DEPTH - 2);
    if (expr.results !== "") out.push(...this.#dropAll(expr));
    else if (expr.kids.length > 0) out.push(expr);
  }

  // Values.

  /** Values of these types, in order; one expression may give several. */
  #values(types: Types, depth: number): Expr[] {
    const r = this.#r;
    const out: Expr[] = [];
    let at = 0;
    while (at < types.length) {
      const rest = types.slice(at);
      if (rest.length >= 2 && this.#budget > 0 && depth < MAX_DEPTH && r.chance(0.3)) {
        const several = this.#several(rest, depth);
        if (several !== undefined) {
          out.push(several);
          at += several.results.length;
          continue;
        }
      }
      out.push(this.value(types[at] ?? "i", depth));
      at++;
    }
    return out;
  }

  /** One expression for at least two of the values. */
  #several(types: Types, depth: number): Expr | undefined {
    const r = this.#r;
    if (types.startsWith("ll") && r.chance(0.4)) return this.#operator(this.#pick("ll"), depth);
    const callees = this.#f.callees.filter((f) => f.results.length >= 2 && types.startsWith(f.results));
    if (callees.length > 0 && r.chance(0.6)) return this.#call(r.pick(callees), depth);
    if (this.#f.scopes.length >= MAX_LABELS) return undefined;
    return this.#block(types.slice(0, r.between(2, types.length)), depth + 1);
  }

  value(type: string, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    this.#budget--;
    if (this.#budget <= 0 || depth >= MAX_DEPTH || r.chance(0.12)) return this.#leaf(type);
    const way = r.below(100);
    if (way < 52) {
      return isReferenceType(type) ? this.#reference(type, depth) : this.#operator(this.#pick(type), depth);
    }
    if (way < 60) {
      const local = f.localOf(type);
      return local === undefined
        ? this.#leaf(type)
        : f.node("local.tee", type, [this.value(type, depth + 1)], f.index(local));
    }
    if (way < 68) return this.#select(type, depth);
    if (way < 78 && f.scopes.length < MAX_LABELS) {
      return f.tree.tags.length > 0 && r.chance(0.5) ? this.#try(type, depth + 1) : this.#block(type, depth + 1);
    }
    if (way < 86) {
      const callees = f.callees.filter((c) => c.results === type);
      if (callees.length > 0) return this.#anyCall(r.pick(callees), depth);
    }
    if (way < 89) {
      const targets = f.scopes.filter((s) => s.label.types === type);
      if (targets.length > 0) return this.#branchIf(r.pick(targets), depth);
    }
    if (way < 91) return this.#never(type, depth);
    if (way < 93) {
      const global = f.globalOf(type, false);
      if (global !== undefined) return f.node("global.get", type, [], f.index(global));
    }
    if (type === "i" && way < 98) return this.#count(depth);
    return this.#leaf(type);
  }

  #leaf(type: string): Expr {
    const r = this.#r;
    const f = this.#f;
    const way = r.below(10);
    if (way < 6) {
      const local = f.localOf(type);
      if (local !== undefined) return f.get(local);
    }
    if (way < 7) {
      const global = f.globalOf(type, false);
      if (global !== undefined) return f.node("global.get", type, [], f.index(global));
    }
    if (isReferenceType(type) && type !== "x" && type !== "e" && r.chance(0.7)) {
      const func = f.functionOf(type);
      if (func !== undefined) return f.refFunc(type, func);
    }
    return f.constant(type);
  }

  /** References. */
  #reference(type: string, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    if (isNonNull(type)) {
      const way = r.below(10);
      const from = nullable(type);
      if (way < 3) return f.node("ref.as_non_null", type, [this.value(from, depth + 1)]);
      if (way < 5) {
        // Past a branch that is taken when there is none.
        const targets = f.scopes.filter((s) => s.label.types === "");
        if (targets.length > 0) {
          const { label } = r.pick(targets);
          return f.node("br_on_null", type, [this.value(from, depth + 1)], { kind: "label", label });
        }
      }
      if (way < 8 && f.scopes.length < MAX_LABELS) {
        // Out of a block when there is one.
        const label: Label = { types: type };
        f.scopes.push({ label, loop: false });
        const out = f.node("br_on_non_null", "", [this.value(from, depth + 1)], { kind: "label", label });
        const bodies = [[out, this.value(type, depth + 1)]];
        f.scopes.pop();
        return { ...f.node("block", type, [], { kind: "block", params: "", results: type }), bodies, label };
      }
      return this.#leaf(type);
    }
    const table = this.#access.tableOf(type);
    if (table !== undefined && r.chance(0.5)) return this.#access.tableGet(type, table, depth);
    // A reference of a type below it.
    const { types } = f.tree;
    if (type === "r" && types.length > 0 && r.chance(0.5)) {
      return { ...this.value(referenceTo(r.below(types.length), r.chance(0.7)), depth + 1) };
    }
    const declared = declaredOf(type);
    if (declared !== undefined && r.chance(0.3)) return this.value(referenceTo(declared.index, false), depth + 1);
    return this.#leaf(type);
  }

  #select(type: string, depth: number): Expr {
    const f = this.#f;
    const kids = [this.value(type, depth + 1), this.value(type, depth + 1), this.value("i", depth + 1)];
    if (!isReferenceType(type) && this.#r.chance(0.8)) return f.node("select", type, kids);
    return f.node("select_t", type, kids, { kind: "bytes", bytes: [1, ...valueType(type)] });
  }

  /** Sizes, growth, null. */
  #count(depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const { tables } = f.tree;
    const way = r.below(5);
    if (way === 0 && this.#access.hasMemory) return this.#access.memorySize();
    if (way === 1 && this.#access.hasMemory) return this.#access.memoryGrow(depth);
    if (way === 2 && tables.length > 0) return this.#access.tableSize(r.below(tables.length));
    if (way === 3 && tables.length > 0) return this.#access.tableGrow(r.below(tables.length), depth);
    return f.node("ref.is_null", "i", [this.value(f.referenceType(), depth + 1)]);
  }

  /** One that gives values of these types; often of those that the module is about. */
  #pick(results: Types): Operator {
    const r = this.#r;
    const about = this.#about.get(results);
    return about !== undefined && r.chance(0.3) ? r.pick(about) : r.pick(operatorsOf(results));
  }

  #operator(operator: Operator, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const { name, code, params, results } = operator;
    const memory = params.startsWith("a");
    if (memory && !this.#access.hasMemory) return this.#leaf(results);
    if (name.includes("relaxed") && !this.#features.relaxedSimd) return this.#leaf(results);
    // What traps on most values is made rarely.
    if (/\.trunc_f/.test(name) && r.chance(0.4)) return this.#leaf(results);
    const at = memory ? this.#access.pickMemory() : 0;
    let kids = Array.from(params, (t) =>
      t === "a" ? this.#access.address(at, operator, depth) : this.value(t, depth + 1),
    );
    if (/\.(div|rem)_/.test(name) && r.chance(0.75)) {
      const prefix = name.slice(0, 3);
      const [, divisor] = kids;
      if (divisor !== undefined) {
        const one = constant(r, results, r.chance(0.5) ? 1n : BigInt(r.between(1, 9)));
        kids[1] = r.chance(0.4)
          ? constant(
              r,
              results,
              r.pick([2n, 3n, 4n, 5n, 7n, 8n, 10n, 16n, 100n, 641n, -1n, -2n, -7n, 1n << 31n, 0x7fffffffn]),
            )
          : f.node(`${prefix}.or`, results, [divisor, one]);
      }
    }
    if (/reinterpret_f|store|splat|replace_lane|\.copysign$/.test(name)) {
      const last = kids.pop();
      if (last !== undefined) kids.push(f.canonical(last));
    }
    if (name.includes("relaxed")) kids = this.#relaxed.restrict(name, kids);
    const expr: Expr = { code, results, kids, immediates: this.#immediates(operator, at) };
    const lanes = floatLanes(name);
    return lanes === undefined ? expr : f.canonicalLanes(expr, lanes);
  }

  #immediates({ immediates, extra, code }: Operator, memory: number): Immediate[] {
    const r = this.#r;
    switch (immediates) {
      case "none":
        return [];
      case "lane":
        return [{ kind: "bytes", bytes: [r.below(extra)] }];
      case "shuffle":
        return [{ kind: "bytes", bytes: this.#shuffle() }];
      case "atomic":
        return [this.#access.memarg(memory, extra)];
      case "memarg":
        return [this.#access.memarg(memory, r.below(extra + 1))];
      case "memargLane":
        return [this.#access.memarg(memory, r.below(extra + 1)), { kind: "bytes", bytes: [r.below(16 >> extra)] }];
      default:
        throw new RangeError(`opcode ${code}`);
    }
  }

  #shuffle(): number[] {
    const r = this.#r;
    const way = r.below(4);
    const from = r.below(32);
    const size = r.pick([2, 4, 8]);
    const place = r.below(32);
    return Array.from({ length: 16 }, (_, i) => {
      if (way === 0) return r.below(32);
      if (way === 1) return (from + i) % 32;
      if (way === 2) return ((Math.floor(i / size) * size * 3 + place * size) % 32) + (i % size);
      return i % 2 === 0 ? i >> 1 : 16 + (i >> 1);
    });
  }

  // Calls.

  #anyCall(callee: FuncTree, depth: number): Expr {
    const way = this.#r.below(10);
    if (way < 5) return this.#call(callee, depth);
    if (way < 8) return this.#indirect(callee, depth);
    return this.#callRef(callee, depth);
  }

  #call(callee: FuncTree, depth: number): Expr {
    return this.#f.node("call", callee.results, this.#values(callee.params, depth + 1), { kind: "func", func: callee });
  }

  /** The type that a call names: that of the callee, or one above it. */
  #calledType({ params, results, declared }: FuncTree): Immediate {
    const { types } = this.#f.tree;
    let at = declared;
    while (at !== undefined && this.#r.chance(0.2)) at = types[at]?.supertype ?? at;
    return { kind: "type", params, results, declared: at };
  }

  /** Most likely of the type that is there. */
  #indirect(callee: FuncTree, depth: number): Expr {
    const f = this.#f;
    const table = this.#access.tableOf("r");
    if (table === undefined) return this.#call(callee, depth);
    const kids = [...this.#values(callee.params, depth + 1), this.#access.tableIndex(table, depth)];
    return f.node("call_indirect", callee.results, kids, this.#calledType(callee), f.index(table));
  }

  #callRef(callee: FuncTree, depth: number): Expr {
    const { declared, params, results } = callee;
    if (declared === undefined) return this.#call(callee, depth);
    const reference = this.value(referenceTo(declared, this.#r.chance(0.6)), depth + 1);
    const kids = [...this.#values(params, depth + 1), reference];
    return this.#f.node("call_ref", results, kids, { kind: "type", params, results, declared });
  }

  // Control.

  /** Some types of operands of a block. */
  #operands(): Types {
    const r = this.#r;
    return r.chance(0.25) ? Array.from({ length: r.between(1, 3) }, () => this.#f.anyType()).join("") : "";
  }

  /** A block, loop or if with results. */
  #block(results: Types, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const params = this.#operands();
    const kids = this.#values(params, depth);
    const immediate: Immediate = { kind: "block", params, results };
    const way = r.below(10);
    if (way < 4) {
      const label: Label = { types: results };
      const bodies = [this.#body(label, false, params, results, depth)];
      return { ...f.node("block", results, kids, immediate), bodies, label };
    }
    if (way < 8) {
      kids.push(this.value("i", depth));
      const label: Label = { types: results };
      const bodies = [this.#body(label, false, params, results, depth)];
      if (params !== results || r.chance(0.7)) bodies.push(this.#body(label, false, params, results, depth));
      return { ...f.node("if", results, kids, immediate), bodies, label };
    }
    const label: Label = { types: params };
    const bodies = [this.#body(label, true, params, results, depth)];
    return { ...f.node("loop", results, kids, immediate), bodies, label };
  }

  #body(label: Label, loop: boolean, params: Types, results: Types, depth: number): Expr[] {
    const r = this.#r;
    const f = this.#f;
    const out: Expr[] = [];
    // The last parameter is on top.
    for (const type of [...params].reverse())
      out.push(this.#store({ code: ON_STACK, results: type, kids: [], immediates: [] }));
    f.scopes.push({ label, loop });
    if (loop) out.push(...f.spend(1));
    this.#statements(out, r.below(3));
    if (loop && r.chance(0.8)) out.push(...this.#dropAll(this.#branchIf({ label, loop }, depth)));
    out.push(...this.#values(results, depth));
    f.scopes.pop();
    return out;
  }

  /** The last result of an expression goes to a local, or nowhere. */
  #store(expr: Expr): Expr {
    const f = this.#f;
    const local = this.#r.chance(0.6) ? f.localOf(expr.results.at(-1) ?? "i") : undefined;
    return local === undefined ? f.node("drop", expr.results.slice(0, -1), [expr]) : f.set(local, expr);
  }

  /** A statement of an expression. */
  #dropAll(expr: Expr): Expr[] {
    let out = expr;
    while (out.results !== "") out = this.#store(out);
    return [out];
  }

  #branchIf({ label }: Scope, depth: number): Expr {
    const kids = [...this.#values(label.types, depth + 1), this.value("i", depth + 1)];
    return this.#f.node("br_if", label.types, kids, { kind: "label", label });
  }

  /** Throws, in place of a value. */
  #throw(results: Types, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    if (r.chance(0.25)) return f.node("throw_ref", results, [this.value("e", depth + 1)]);
    const tag = r.below(f.tree.tags.length);
    return f.node("throw", results, this.#values(f.tree.tags[tag] ?? "", depth + 1), f.index(tag));
  }

  /**
   * A `try_table` in a block that handles what it catches, in a block with results; other clauses may lead anywhere.
   *
   *     (block results (block caught (try_table results …) (br 1)) …caught, results)
   */
  #try(results: Types, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const { tags } = f.tree;
    const outer: Label = { types: results };
    const own = r.chance(0.75) ? r.below(tags.length) : undefined;
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
    const kids = this.#values(params, depth);
    const label: Label = { types: results };
    const immediates: Immediate[] = [
      { kind: "block", params, results },
      { kind: "catches", clauses },
    ];
    const body = this.#body(label, false, params, results, depth);
    // Something to catch.
    if (r.chance(0.3)) {
      const { callees } = f;
      body.unshift(...this.#dropAll(this.#anyCall(r.pick(callees), depth)));
    }
    const attempt: Expr = { ...f.node("try_table", results, kids, ...immediates), bodies: [body], label };
    f.scopes.pop();
    const inner: Expr = {
      ...f.node("block", caught, [], { kind: "block", params: "", results: caught }),
      bodies: [[f.node("br", caught, [attempt], { kind: "label", label: outer })]],
      label: handler,
    };
    const rest: Expr[] = this.#dropAll(inner);
    this.#statements(rest, r.below(2));
    rest.push(...this.#values(results, depth));
    f.scopes.pop();
    return { ...f.node("block", results, [], { kind: "block", params: "", results }), bodies: [rest], label: outer };
  }

  /** Branches on whether a reference is null. */
  #branchOnNull({ label }: Scope, depth: number): Expr {
    const { types } = label;
    const last = types.at(-1) ?? "i";
    if (isNonNull(last)) {
      const rest = types.slice(0, -1);
      const kids = [...this.#values(rest, depth + 1), this.value(nullable(last), depth + 1)];
      return this.#f.node("br_on_non_null", rest, kids, { kind: "label", label });
    }
    const declared = this.#f.tree.types.length;
    const from = declared > 0 ? this.#r.below(declared) : undefined;
    const [reference, result] = from === undefined ? ["r", "R"] : [referenceTo(from, true), referenceTo(from, false)];
    const kids = [...this.#values(types, depth + 1), this.value(reference, depth + 1)];
    return this.#f.node("br_on_null", `${types}${result}`, kids, { kind: "label", label });
  }

  /** What never gets to its end, in place of a value. */
  #never(results: Types, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const way = r.below(12);
    const { results: own } = f.func;
    if (way < 5 && f.scopes.length > 0) {
      const { label } = r.pick(f.scopes);
      return f.node("br", results, this.#values(label.types, depth + 1), { kind: "label", label });
    }
    if (way < 7 && f.scopes.length > 0) return this.#table(r.pick(f.scopes).label.types, results, depth);
    if (way < 10) {
      const callees = f.callees.filter((c) => c.results === own);
      if (callees.length > 0) {
        const call = this.#anyCall(r.pick(callees), depth);
        return { ...call, code: TAIL.get(call.code) ?? call.code, results };
      }
    }
    if (f.tree.tags.length > 0 && r.chance(0.8)) return this.#throw(results, depth);
    if (r.chance(0.06)) return f.node("unreachable", results, []);
    return f.node("return", results, this.#values(own, depth + 1));
  }

  #table(types: Types, results: Types, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    const targets = f.scopes.filter((s) => s.label.types === types);
    const count = r.chance(0.1) ? r.between(5, 20) : r.between(1, 5);
    const labels = Array.from({ length: count }, () => r.pick(targets).label);
    const index = r.chance(0.7)
      ? f.node("i32.and", "i", [this.value("i", depth + 1), f.i32(r.pick([1, 3, 7]))])
      : this.value("i", depth + 1);
    return f.node("br_table", results, [...this.#values(types, depth + 1), index], { kind: "labels", labels });
  }

  // Statements.

  #statements(out: Expr[], count: number): void {
    for (let i = 0; i < count && this.#budget > 0; i++) this.#statement(out);
  }

  #statement(out: Expr[]): void {
    const r = this.#r;
    const f = this.#f;
    this.#budget--;
    const way = r.below(100);
    const depth = f.scopes.length;
    const type = f.anyType();
    if (way < 30) {
      const local = r.below(f.common);
      out.push(f.set(local, this.value(f.locals[local] ?? "i", depth)));
    } else if (way < 48) {
      const store = this.#operator(this.#pick(""), depth);
      if (store.results === "" && store.kids.length > 0) out.push(store);
    } else if (way < 54) {
      const global = f.globalOf(r.chance(0.1) ? f.localType() : type, true);
      const wanted = global === undefined ? undefined : f.tree.globals[global]?.type;
      if (global !== undefined && wanted !== undefined) {
        out.push(f.node("global.set", "", [this.value(wanted, depth)], f.index(global)));
      }
    } else if (way < 66 && depth < MAX_LABELS) {
      const isTry = f.tree.tags.length > 0 && r.chance(0.6);
      out.push(isTry ? this.#try("", depth) : this.#block("", depth));
    } else if (way < 74 && this.#counting < 3) this.#counted(out);
    else if (way < 80 && depth > 0) {
      const scope = r.pick(f.scopes);
      out.push(
        ...this.#dropAll(
          r.chance(0.8) || !this.#features.typedReferences
            ? this.#branchIf(scope, depth)
            : this.#branchOnNull(scope, depth),
        ),
      );
    } else if (way < 82 && depth > 0) out.push(this.#never("", depth));
    else if (way < 90) out.push(...this.#dropAll(this.#anyCall(r.pick(f.callees), depth)));
    else if (way < 94) this.#access.bulkMemory(out, depth);
    else if (way < 96) this.#access.bulkTable(out, depth);
    else if (way < 97) out.push(f.node("nop", "", []));
    else if (way < 98) out.push(f.node("drop", "", [this.value(type, depth)]));
    else out.push(this.#dropReference(depth));
  }

  #dropReference(depth: number): Expr {
    const f = this.#f;
    const reference = f.referenceType();
    const nonNull = this.#features.typedReferences && reference !== "x" && reference !== "e" && this.#r.chance(0.7);
    return f.node("drop", "", [this.#reference(nonNull ? nonNullable(reference) : reference, depth)]);
  }

  /** A loop that counts down a local, which nothing else sees. */
  #counted(out: Expr[]): void {
    const r = this.#r;
    const f = this.#f;
    const counter = f.take(r.chance(0.7) ? "i" : "l");
    const type = f.locals[counter] ?? "i";
    const name = type === "i" ? "i32" : "i64";
    out.push(f.set(counter, constant(r, type, BigInt(r.between(1, 6)))));
    const label: Label = { types: "" };
    const body: Expr[] = [];
    // Not in scope, so that nothing goes back but by counting.
    this.#counting++;
    this.#statements(body, r.between(1, 4));
    if (r.chance(0.5)) {
      const local = f.localOf(type);
      if (local !== undefined) {
        body.push(f.set(local, f.node(`${name}.add`, type, [f.get(counter), f.get(local)])));
      }
    }
    this.#counting--;
    const next = f.node(`${name}.sub`, type, [f.get(counter), constant(r, type, 1n)]);
    const tee = f.node("local.tee", type, [next], f.index(counter));
    const cond =
      type === "i" && r.chance(0.6)
        ? tee
        : f.node(`${name}.${type === "i" ? r.pick(["ne", "gt_s"]) : "ne"}`, "i", [tee, constant(r, type, 0n)]);
    body.push(f.node("br_if", "", [cond], { kind: "label", label }));
    out.push({ ...f.node("loop", "", [], { kind: "block", params: "", results: "" }), bodies: [body], label });
    f.giveBack(counter);
  }
}
