/**
 * Shapes that compilers' output has and that random choices one by one hardly ever make: one value compared again and again with neighbouring
 * constants, accesses of one base that overlap, divisions in loops behind what guards them. What they find is seen in the end.
 */

import type { Access } from "./access.ts";
import { constant, interestingInteger } from "./constants.ts";
import type { Frame } from "./frame.ts";
import { type Maker, SMALL } from "./maker.ts";
import { type Operator, OPERATORS } from "./operators.ts";
import { EMPTY_BLOCK, type Expr, integerName, type Label } from "./tree.ts";

const ORDERS = ["lt", "gt", "le", "ge"];
const DIVISIONS = ["div_s", "div_u", "rem_s", "rem_u"];

const plain = OPERATORS.filter(({ immediates }) => immediates === "memarg");
const STORES = plain.filter(({ params, results }) => params.length === 2 && params.startsWith("a") && results === "");
const WHOLE_STORES = STORES.filter(({ name }) => name.endsWith(".store"));
const LOADS = plain.filter(({ params, results }) => params === "a" && results.length === 1);

/** Loads of what a store writes. */
function loadsOf({ name }: Operator): readonly Operator[] {
  const same = name.replace("store", "load");
  return LOADS.filter((load) => load.name === same || load.name === `${same}_s` || load.name === `${same}_u`);
}

/** A value about which questions are asked. */
interface Asked {
  readonly type: string;
  readonly value: number;
  /** Another one that it is compared with. */
  readonly other: number | undefined;
  /** What it is often equal to. */
  readonly near: bigint;
  /** Most comparisons are of this kind. */
  readonly sign: "s" | "u";
  /** The local that all answers go into. */
  readonly answers: number;
  /** How many more questions. */
  left: number;
}

export class Shapes {
  readonly #f: Frame;
  readonly #access: Access;
  readonly #maker: Maker;

  constructor(frame: Frame, access: Access, maker: Maker) {
    this.#f = frame;
    this.#access = access;
    this.#maker = maker;
  }

  /** One of them. */
  any(out: Expr[]): void {
    const way = this.#f.r.below(4);
    if (way < 2) this.comparisons(out);
    else if (way === 2) this.overlapping(out);
    else this.guardedDivisions(out);
  }

  /** What is done unless the condition holds: (block (br_if out condition) …). */
  #unless(condition: Expr, body: Expr[]): Expr {
    const label: Label = { types: "" };
    const leave = this.#f.node("br_if", "", [condition], { kind: "label", label });
    return { ...this.#f.node("block", "", [], EMPTY_BLOCK), bodies: [[leave, ...body]], label };
  }

  /** So many rounds, which a local that nothing else writes counts down. */
  #repeat(out: Expr[], rounds: number, make: (body: Expr[], counter: number) => void): void {
    const f = this.#f;
    const counter = f.take("i");
    const label: Label = { types: "" };
    const body: Expr[] = [];
    make(body, counter);
    const next = f.node("i32.sub", "i", [f.get(counter), f.i32(1)]);
    const again = f.node("local.tee", "i", [next], f.index(counter));
    body.push(f.node("br_if", "", [again], { kind: "label", label }));
    out.push(f.set(counter, f.i32(rounds)));
    out.push({ ...f.node("loop", "", [], EMPTY_BLOCK), bodies: [body], label });
    f.giveBack(counter);
  }

  #holdIn(out: Expr[], value: Expr): number {
    const local = this.#f.take(value.results);
    out.push(this.#f.set(local, value));
    return local;
  }

  // Comparisons.

  /** A value that goes through the neighbours of a constant, or is one of them, is compared with them, also where the answer is known. */
  comparisons(out: Expr[]): void {
    const f = this.#f;
    const { r } = f;
    const type = r.chance(0.75) ? "i" : "l";
    const name = integerName(type);
    const near = r.chance(0.4) ? BigInt(r.between(-3, 10)) : interestingInteger(r);
    const some = f.node(`${name}.and`, type, [this.#access.known(type), constant(r, type, r.pick([0n, 1n, 7n]))]);
    const value = this.#holdIn(out, f.node(`${name}.add`, type, [some, constant(r, type, near - 3n)]));
    const other = r.chance(0.3) ? this.#holdIn(out, this.#fewFrom(type, near - 3n)) : undefined;
    const answers = this.#holdIn(out, f.i32(r.below(100)));
    const asked: Asked = { type, value, other, near, sign: r.pick(["s", "u"]), answers, left: r.between(6, 20) };
    if (r.chance(0.6)) {
      this.#repeat(out, r.between(3, 7), (body) => {
        this.#ask(body, asked, 0);
        body.push(f.set(value, f.node(`${name}.add`, type, [f.get(value), constant(r, type, 1n)])));
      });
    } else this.#ask(out, asked, 0);
    out.push(...this.#access.observe(f.get(answers)));
    for (const local of [value, answers, ...(other === undefined ? [] : [other])]) f.giveBack(local);
  }

  /** One of the first few integers from `first` on. */
  #fewFrom(type: string, first: bigint): Expr {
    const f = this.#f;
    const name = integerName(type);
    const few = f.node(`${name}.and`, type, [this.#access.known(type), constant(f.r, type, f.r.pick([1n, 3n, 7n]))]);
    return first === 0n ? few : f.node(`${name}.add`, type, [few, constant(f.r, type, first)]);
  }

  #ask(out: Expr[], asked: Asked, depth: number): void {
    const { r } = this.#f;
    for (let i = r.between(depth === 0 ? 2 : 1, 3); i > 0 && asked.left > 0; i--) {
      asked.left--;
      const condition = this.#question(asked);
      const way = depth < 4 ? r.below(10) : 0;
      if (way < 3) out.push(this.#answer(asked, condition));
      else if (way < 8) {
        const bodies = Array.from({ length: r.between(1, 2) }, () => this.#branch(asked, depth));
        out.push(this.#f.ifElse(condition, bodies));
      } else out.push(this.#unless(condition, this.#branch(asked, depth)));
    }
  }

  /** What happens on one side of a question. */
  #branch(asked: Asked, depth: number): Expr[] {
    const body = [this.#answer(asked, this.#f.i32(this.#f.r.below(100)))];
    if (this.#f.r.chance(0.05)) this.#maker.statements(body, 1);
    this.#ask(body, asked, depth + 1);
    return body;
  }

  /** Every answer changes all later ones. */
  #answer({ answers }: Asked, answer: Expr): Expr {
    const f = this.#f;
    return f.set(answers, f.node("i32.add", "i", [f.node("i32.mul", "i", [f.get(answers), f.i32(31)]), answer]));
  }

  #question(asked: Asked): Expr {
    const f = this.#f;
    const { r } = f;
    const way = r.below(20);
    if (way === 0) return f.node("i32.eqz", "i", [this.#question(asked)]);
    if (way < 3) return f.node(r.pick(["i32.and", "i32.or"]), "i", [this.#question(asked), this.#question(asked)]);
    const { type, value, other, near } = asked;
    const name = integerName(type);
    const bound = constant(r, type, near + BigInt(r.chance(0.85) ? r.between(-1, 1) : r.between(-3, 3)));
    if (way === 3) {
      // Whether it is between two.
      const above = f.node(`${name}.sub`, type, [f.get(value), bound]);
      return f.node(`${name}.${r.pick(["lt_u", "le_u", "gt_u", "ge_u"])}`, "i", [
        above,
        constant(r, type, BigInt(r.below(4))),
      ]);
    }
    const operands = [f.get(value), other !== undefined && r.chance(0.4) ? f.get(other) : bound];
    const sign = r.chance(0.85) ? asked.sign : r.pick(["s", "u"]);
    const relation = r.chance(0.2) ? r.pick(["eq", "ne"]) : `${r.pick(ORDERS)}_${sign}`;
    return f.node(`${name}.${relation}`, "i", r.chance(0.15) ? operands.reverse() : operands);
  }

  // Accesses.

  /** Stores and loads of a few places behind one base, some of which have bytes in common. */
  overlapping(out: Expr[]): void {
    const f = this.#f;
    const { r } = f;
    if (!this.#access.hasMemory) return;
    const memory = this.#access.pickMemory();
    const base = this.#holdIn(out, this.#access.place(memory, SMALL));
    const first = r.chance(0.5) ? 0 : r.below(64);
    const reach = r.pick([4, 8, 12, 20]);
    const places = Array.from({ length: r.between(2, 4) }, () => {
      const store = r.pick(r.chance(0.5) ? WHOLE_STORES : STORES);
      const load = r.pick(r.chance(0.8) ? loadsOf(store) : LOADS);
      return { store, load, offset: first + r.below(reach) };
    });
    const access = ({ code, results, extra }: Operator, offset: number, value: Expr[]): Expr => {
      const immediate = { kind: "memarg", align: r.below(extra + 1), memory, offset: BigInt(offset) } as const;
      return { code, results, kids: [f.get(base), ...value], immediates: [immediate] };
    };
    // Seen last: what is stored elsewhere would come between.
    const loaded: number[] = [];
    for (let i = r.between(4, 10); i > 0; i--) {
      const { store, load, offset } = r.pick(places);
      if (r.chance(0.25)) loaded.push(this.#holdIn(out, access(load, offset, [])));
      else {
        const stored = access(store, offset, [this.#distinct(store.params[1] ?? "i")]);
        out.push(r.chance(0.1) ? f.ifElse(this.#maker.condition(SMALL), [[stored]]) : stored);
      }
    }
    for (const { load, offset } of places) loaded.push(this.#holdIn(out, access(load, offset, [])));
    for (const local of loaded) out.push(...this.#access.observe(f.get(local)));
    for (const local of [base, ...loaded]) f.giveBack(local);
  }

  /** A value to store, which hardly any other one is equal to. */
  #distinct(type: string): Expr {
    const f = this.#f;
    const value = this.#access.known(type);
    if (type !== "i" && type !== "l") return f.canonical(value);
    return f.node(`${integerName(type)}.xor`, type, [value, constant(f.r, type, f.r.u64())]);
  }

  // Divisions.

  /** A loop that divides what it doesn't change, unless that can't be divided. */
  guardedDivisions(out: Expr[]): void {
    const f = this.#f;
    const { r } = f;
    const type = r.chance(0.6) ? "i" : "l";
    const name = integerName(type);
    const divisor = this.#holdIn(out, this.#fewFrom(type, BigInt(-r.below(3))));
    const dividend = this.#holdIn(out, r.chance(0.5) ? this.#access.known(type) : this.#maker.value(type, SMALL));
    const sum = this.#holdIn(out, this.#access.known(type));
    const zero = (): Expr => constant(r, type, 0n);
    const isZero = (): Expr => f.node(`${name}.eqz`, "i", [f.get(divisor)]);
    const isFine = (): Expr => f.node(`${name}.${r.pick(["ne", "ne", "gt_s", "gt_u"])}`, "i", [f.get(divisor), zero()]);
    // Asked in front of the loop.
    const fine = r.chance(0.2) ? this.#holdIn(out, isFine()) : undefined;
    this.#repeat(out, r.between(1, 5), (body, counter) => {
      if (r.chance(0.3)) this.#maker.statements(body, 1);
      for (let i = r.between(1, 3); i > 0; i--) {
        const above = r.chance(0.6)
          ? f.get(dividend)
          : f.node(`${name}.add`, type, [f.get(dividend), constant(r, type, BigInt(r.between(-2, 9)))]);
        const quotient = f.node(`${name}.${r.pick(DIVISIONS)}`, type, [above, f.get(divisor)]);
        const added = [f.set(sum, f.node(`${name}.add`, type, [f.get(sum), quotient]))];
        const otherwise = (): Expr[] => [f.set(sum, f.node(`${name}.sub`, type, [f.get(sum), f.get(dividend)]))];
        const way = r.below(10);
        if (fine !== undefined && way < 5) body.push(f.ifElse(f.get(fine), [added]));
        else if (way < 5)
          body.push(r.chance(0.5) ? f.ifElse(isFine(), [added]) : f.ifElse(isFine(), [added, otherwise()]));
        else if (way < 7) body.push(this.#unless(isZero(), added));
        else if (way < 9) body.push(f.ifElse(isZero(), [otherwise(), added]));
        // In some rounds alone, or in none.
        else body.push(f.ifElse(f.node("i32.eq", "i", [f.get(counter), f.i32(r.between(2, 6))]), [added]));
      }
    });
    out.push(...this.#access.observe(f.get(sum)));
    for (const local of [divisor, dividend, sum, ...(fine === undefined ? [] : [fine])]) f.giveBack(local);
  }
}
