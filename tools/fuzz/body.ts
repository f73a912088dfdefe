/** Bodies of random functions: expressions made for the type that their place asks for, with everything in reach. */

import { Access } from "./access.ts";
import { Calls } from "./calls.ts";
import { constant } from "./constants.ts";
import { Control } from "./control.ts";
import type { Features } from "./features.ts";
import { Frame, MAX_LABELS } from "./frame.ts";
import { Live } from "./live.ts";
import type { Maker } from "./maker.ts";
import { Operands } from "./operands.ts";
import { type Operator, operatorsOf } from "./operators.ts";
import type { Random } from "./random.ts";
import { Shapes } from "./shapes.ts";
import {
  declaredOf,
  type Expr,
  integerName,
  type FuncTree,
  isNonNull,
  isReferenceType,
  type Label,
  type ModuleTree,
  nonNullable,
  nullable,
  referenceTo,
  type Types,
  valueType,
} from "./tree.ts";

const MAX_DEPTH = 9;

const COMPARISONS = ["i", "f"].map((kind) =>
  operatorsOf("i").filter(
    ({ name }) => name.startsWith(kind) && /^.(32|64)\.(eqz|((eq|ne|lt|gt|le|ge)(_[su])?))$/.test(name),
  ),
);

export class BodyGenerator implements Maker {
  readonly #f: Frame;
  readonly #r: Random;
  readonly #features: Features;
  readonly #about: ReadonlyMap<Types, readonly Operator[]>;
  readonly #access: Access;
  readonly #operands: Operands;
  readonly #calls: Calls;
  readonly #control: Control;
  readonly #live: Live;
  readonly #shapes: Shapes;
  #budget: number;
  /** A local that was asked for. */
  #asked: number | undefined;

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
    this.#operands = new Operands(this.#f, features, this.#access, this);
    this.#calls = new Calls(this.#f, this.#access, this);
    this.#control = new Control(this.#f, this.#access, this.#calls, this);
    this.#live = new Live(this.#f, this.#access, this);
    this.#shapes = new Shapes(this.#f, this.#access, this);
    this.#budget = r.chance(0.06) ? r.between(100, 400) : r.between(4, 40);
  }

  /** Makes the body. `fuel`: what it sets the fuel to; undefined when it needs some to run. */
  fill({ fuel }: { readonly fuel: number | undefined }): void {
    const f = this.#f;
    const r = this.#r;
    const body: Expr[] = fuel === undefined ? f.spend(4) : [f.setFuel(constant(r, "i", BigInt(fuel)))];
    for (let local = f.func.params.length; local < f.common; local++) {
      if (r.chance(0.6)) body.push(f.set(local, this.#access.known(f.locals[local] ?? "i")));
    }
    if (fuel !== undefined) {
      const depth = MAX_DEPTH - 2;
      for (const operator of f.shuffled([...this.#about.values()].flat())) {
        this.#apart(6, () => this.#certainly(body, operator));
      }
      const parts: (() => void)[] = [];
      for (let i = r.between(2, 8); i > 0; i--) {
        parts.push(() => this.#apart(16, () => body.push(...this.#access.observe(this.#select(f.anyType(), depth)))));
      }
      for (let i = r.below(3); i > 0; i--) parts.push(() => this.#access.bulkTable(body, depth));
      if (r.chance(0.35)) parts.push(() => this.#access.bulkMemory(body, depth));
      if (r.chance(0.6)) parts.push(() => this.#apart(16, () => this.#shapes.any(body)));
      if (r.chance(0.45)) parts.push(() => void body.push(this.#dropReference(depth)));
      if (r.chance(0.2)) {
        parts.push(() => void body.push(...f.dropAll(this.#calls.byReference(r.pick(f.callees), depth))));
      }
      for (const part of f.shuffled(parts)) part();
      if (r.chance(0.2)) this.#live.crowd(body);
      if (r.chance(0.15)) this.#live.counted(body, true);
    }
    this.statements(body, r.between(1, 5));
    this.#finish(body);
  }

  /** Makes something with a budget of its own. */
  #apart(budget: number, make: () => void): void {
    const rest = this.#budget;
    this.#budget = budget;
    make();
    this.#budget = rest;
  }

  /** Makes the body of a small function that calls nothing, and needs no fuel. */
  fillSmall(): void {
    this.#budget = this.#r.between(3, 10);
    this.#finish([]);
  }

  #finish(body: Expr[]): void {
    const f = this.#f;
    body.push(...this.values(f.func.results, 0));
    f.func.locals = f.locals.slice(f.func.params.length);
    f.func.body = body;
  }

  /** An operator at the start of a body, where it is executed unless an operand leaves, and what it gives is seen in the end. */
  #certainly(out: Expr[], operator: Operator): void {
    for (let i = this.#r.below(3); i > 0; i--) {
      const expr = this.#operands.operator(operator, MAX_DEPTH - this.#r.between(1, 2));
      if (expr.results !== "") out.push(...this.#access.observe(expr));
      else if (expr.kids.length > 0) out.push(expr);
    }
  }

  // Values.

  /** Values of these types, in order; one expression may give several. */
  values(types: Types, depth: number): Expr[] {
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
    if (types.startsWith("ll") && r.chance(0.4)) return this.#operands.operator(this.#pick("ll"), depth);
    const callees = this.#f.callees.filter((f) => f.results.length >= 2 && types.startsWith(f.results));
    if (callees.length > 0 && r.chance(0.6)) return this.#calls.direct(r.pick(callees), depth);
    if (this.#f.scopes.length >= MAX_LABELS) return undefined;
    return this.#control.block(types.slice(0, r.between(2, types.length)), depth + 1);
  }

  value(type: string, depth: number): Expr {
    const r = this.#r;
    const f = this.#f;
    this.#budget--;
    if (this.#budget <= 0 || depth >= MAX_DEPTH || r.chance(0.12)) return this.leaf(type);
    const way = r.below(100);
    if (way < 52) {
      return isReferenceType(type) ? this.#reference(type, depth) : this.#operands.operator(this.#pick(type), depth);
    }
    if (way < 60) {
      const local = f.localOf(type);
      return local === undefined
        ? this.leaf(type)
        : f.node("local.tee", type, [this.value(type, depth + 1)], f.index(local));
    }
    if (way < 68) return this.#select(type, depth);
    if (way < 78 && f.scopes.length < MAX_LABELS) {
      return f.tree.tags.length > 0 && r.chance(0.5)
        ? this.#control.attempt(type, depth + 1)
        : this.#control.block(type, depth + 1);
    }
    if (way < 86) {
      const callees = f.callees.filter((c) => c.results === type);
      if (callees.length > 0) return this.#calls.any(r.pick(callees), depth);
    }
    if (way < 89) {
      const targets = f.scopes.filter((s) => s.label.types === type);
      if (targets.length > 0) return this.#control.branchIf(r.pick(targets), depth);
    }
    if (way < 91) return this.#control.never(type, depth);
    if (way < 93) {
      const global = f.globalOf(type, false);
      if (global !== undefined) return f.node("global.get", type, [], f.index(global));
    }
    if (type === "i" && way < 98) return this.#count(depth);
    return this.leaf(type);
  }

  /** Often a comparison, also of what was just computed with 0; or what was asked before. */
  condition(depth: number): Expr {
    const f = this.#f;
    const r = this.#r;
    const way = r.below(20);
    if (way < 2 && this.#asked !== undefined) return f.get(this.#asked);
    if (way < 5) {
      this.#asked = f.localOf("i");
      if (this.#asked !== undefined) return f.node("local.tee", "i", [this.condition(depth)], f.index(this.#asked));
    }
    if (this.#budget <= 0 || depth >= MAX_DEPTH || way < 8) return this.value("i", depth);
    if (way < 14) return this.#operands.operator(r.pick(r.pick(COMPARISONS)), depth);
    const type = r.pick(["i", "l"]);
    const name = integerName(type);
    const operands = [this.#few(type, depth), this.#few(type, depth)];
    const computed = f.node(
      `${name}.${r.pick(["add", "add", "sub", "sub", "and", "or", "xor", "shl", "shr_u"])}`,
      type,
      operands,
    );
    if (way < 17) return f.node(`${name}.eqz`, "i", [computed]);
    const relation = r.pick(["eq", "ne", "lt_s", "le_s", "gt_s", "ge_s", "gt_u"]);
    return f.node(`${name}.${relation}`, "i", [computed, constant(r, type, 0n)]);
  }

  /** An integer that has few values, so that it is often equal to another. */
  #few(type: string, depth: number): Expr {
    const f = this.#f;
    const name = integerName(type);
    const number = (n: number): Expr => constant(this.#r, type, BigInt(n));
    const value = depth < MAX_DEPTH - 2 ? this.value(type, depth + 1) : this.#access.known(type);
    const masked = f.node(`${name}.and`, type, [value, number(this.#r.pick([1, 3, 3, 7]))]);
    return this.#r.chance(0.6) ? masked : f.node(`${name}.sub`, type, [masked, number(this.#r.between(1, 4))]);
  }

  leaf(type: string): Expr {
    const r = this.#r;
    const f = this.#f;
    const way = r.below(10);
    if (way < 5) {
      const local = f.localOf(type);
      if (local !== undefined) return f.get(local);
    }
    if (way === 9 && !isReferenceType(type)) return this.#access.known(type);
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
      return this.leaf(type);
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
    return this.leaf(type);
  }

  #select(type: string, depth: number): Expr {
    const f = this.#f;
    const kids = [this.value(type, depth + 1), this.value(type, depth + 1), this.condition(depth + 1)];
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

  // Statements.

  statements(out: Expr[], count: number): void {
    for (let i = 0; i < count && this.#budget > 0; i++) this.#statement(out);
  }

  #statement(out: Expr[]): void {
    const r = this.#r;
    const f = this.#f;
    this.#budget--;
    const way = r.below(100);
    const depth = f.scopes.length;
    const type = f.anyType();
    if (way < 2 && this.#live.mayCount) this.#shapes.any(out);
    else if (way < 30) {
      const local = r.below(f.common);
      out.push(f.set(local, this.value(f.locals[local] ?? "i", depth)));
    } else if (way < 48) {
      const store = this.#operands.operator(this.#pick(""), depth);
      if (store.results === "" && store.kids.length > 0) out.push(store);
    } else if (way < 54) {
      const global = f.globalOf(r.chance(0.1) ? f.localType() : type, true);
      const wanted = global === undefined ? undefined : f.tree.globals[global]?.type;
      if (global !== undefined && wanted !== undefined) {
        out.push(f.node("global.set", "", [this.value(wanted, depth)], f.index(global)));
      }
    } else if (way < 66 && depth < MAX_LABELS) {
      const isTry = f.tree.tags.length > 0 && r.chance(0.6);
      out.push(isTry ? this.#control.attempt("", depth) : this.#control.block("", depth));
    } else if (way < 74 && this.#live.mayCount) this.#live.counted(out);
    else if (way < 76) this.#live.crowd(out);
    else if (way < 80 && depth > 0) {
      const scope = r.pick(f.scopes);
      out.push(
        ...f.dropAll(
          r.chance(0.8) || !this.#features.typedReferences
            ? this.#control.branchIf(scope, depth)
            : this.#control.branchOnNull(scope, depth),
        ),
      );
    } else if (way < 82 && depth > 0) out.push(this.#control.never("", depth));
    else if (way < 90) {
      if (f.callees.length > 0) out.push(...f.dropAll(this.#calls.any(r.pick(f.callees), depth)));
    } else if (way < 94) this.#access.bulkMemory(out, depth);
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
}
