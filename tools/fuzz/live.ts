/** Values that live long: loops that count, with values that go round in them, and more values at once than there are registers. */

import type { Access } from "./access.ts";
import { constant } from "./constants.ts";
import type { Frame } from "./frame.ts";
import { type Maker, SMALL } from "./maker.ts";
import { EMPTY_BLOCK, type Expr, integerName, isReferenceType, type Label } from "./tree.ts";

/** So many values there are registers for. */
const FEW = 12;

/** Operators of two values, every bit of which matters to the result. */
const MIXES: Readonly<Record<string, readonly string[]>> = {
  i: ["i32.add", "i32.sub", "i32.xor"],
  l: ["i64.add", "i64.sub", "i64.xor"],
  f: ["f32.add", "f32.sub"],
  d: ["f64.add", "f64.sub"],
  v: ["v128.xor", "i8x16.add", "i32x4.sub", "i64x2.add"],
};

export class Live {
  readonly #f: Frame;
  readonly #access: Access;
  readonly #maker: Maker;
  /** Counting loops around this place. */
  #counting = 0;

  constructor(frame: Frame, access: Access, maker: Maker) {
    this.#f = frame;
    this.#access = access;
    this.#maker = maker;
  }

  get mayCount(): boolean {
    return this.#counting < 3;
  }

  #mix(a: Expr, b: Expr): Expr {
    const type = a.results;
    return this.#f.node(this.#f.r.pick(MIXES[type] ?? []), type, [a, b]);
  }

  /** A local of its own that holds a value. */
  #hold(out: Expr[], type: string): number {
    const f = this.#f;
    const value = f.r.chance(0.5) ? this.#access.known(type) : this.#maker.value(type, SMALL);
    const local = f.take(type);
    out.push(f.set(local, value));
    return local;
  }

  /** Locals of one type take each other's values, all at once. */
  #permute(locals: readonly number[]): Expr[] {
    const f = this.#f;
    const kids = f.shuffled(locals).map((local) => f.get(local));
    let rest = kids.map((kid) => kid.results).join("");
    let expr: Expr | undefined;
    for (const local of [...locals].reverse()) {
      rest = rest.slice(0, -1);
      expr = f.node("local.set", rest, expr === undefined ? kids : [expr], f.index(local));
    }
    return expr === undefined ? [] : [expr];
  }

  /** Values that are all alive at once, past whatever is between, and each of which is seen. */
  crowd(out: Expr[]): void {
    const f = this.#f;
    const { r } = f;
    const type = f.anyType();
    const held = Array.from({ length: r.between(4, 24) }, () => this.#hold(out, r.chance(0.85) ? type : f.anyType()));
    if (r.chance(0.6)) this.#maker.statements(out, 1);
    if (r.chance(0.5)) out.push(this.#change(held));
    const same = held.filter((local) => f.locals[local] === type);
    if (r.chance(0.4)) out.push(...this.#permute(same.slice(0, r.between(2, 6))));
    const sums = new Map<string, Expr>();
    for (const local of f.shuffled(held)) {
      const value = f.get(local);
      const sum = sums.get(value.results);
      sums.set(
        value.results,
        sum === undefined ? value : r.chance(0.5) ? this.#mix(sum, value) : this.#mix(value, sum),
      );
    }
    for (const sum of sums.values()) out.push(...this.#access.observe(sum));
    for (const local of held) f.giveBack(local);
  }

  /** An `if` behind which some of the values are others, by the way that was taken. */
  #change(held: readonly number[]): Expr {
    const f = this.#f;
    const { r } = f;
    const condition = this.#maker.condition(SMALL);
    const bodies = Array.from({ length: r.chance(0.3) ? 1 : 2 }, () => {
      const body: Expr[] = [];
      if (r.chance(0.3)) this.#maker.statements(body, 1);
      for (const local of held) {
        if (r.chance(0.5)) body.push(f.set(local, this.#changed(local)));
      }
      return body;
    });
    return f.ifElse(condition, bodies);
  }

  #changed(local: number): Expr {
    const f = this.#f;
    const type = f.locals[local] ?? "i";
    if (type in MIXES && f.r.chance(0.6)) return this.#mix(f.get(local), this.#access.known(type));
    return this.#access.known(type);
  }

  /**
   * A loop that counts with a local which nothing else writes: down to 0, or up to a bound; the question comes first or last.
   * `crowded`: with more values of one type than there are registers.
   */
  counted(out: Expr[], crowded = this.#f.r.chance(0.15)): void {
    const f = this.#f;
    const { r } = f;
    const type = r.chance(0.7) ? "i" : "l";
    const name = integerName(type);
    const number = (n: number): Expr => constant(r, type, BigInt(n));
    const down = r.chance(0.5);
    const rounds = r.between(1, 6);
    const step = down ? 1 : r.between(1, 4);
    const first = down ? rounds : r.between(-2, 4);
    const counter = f.take(type);
    const common = crowded ? (r.chance(0.4) && f.all.includes("v") ? "v" : f.anyType()) : undefined;
    const count = crowded ? r.between(14, 28) : r.chance(0.5) ? 0 : r.between(1, 6);
    const round = Array.from({ length: count }, () => this.#hold(out, common ?? f.anyType()));
    out.push(f.set(counter, number(first)));
    const bound = r.chance(0.3) ? f.take(type) : undefined;
    const last = down ? 0 : first + step * rounds;
    if (bound !== undefined) out.push(f.set(bound, number(last)));
    const end = (): Expr => (bound === undefined ? number(last) : f.get(bound));

    const label: Label = { types: "" };
    const body: Expr[] = [];
    // Not in scope, so that nothing goes back but by counting.
    this.#counting++;
    if (first >= 0 && type === "i") f.counters.push(counter);
    this.#maker.statements(body, r.between(1, 4));
    this.#goRound(body, round, counter);
    if (f.counters.at(-1) === counter) f.counters.pop();
    this.#counting--;

    const next = f.node(`${name}.${down ? "sub" : "add"}`, type, [f.get(counter), number(step)]);
    if (r.chance(0.4)) {
      // (block (loop (br_if out (counter is at the end)) … (br again)))
      const outer: Label = { types: "" };
      const done = f.node(`${name}.${down ? "le_s" : r.pick(["ge_s", "eq"])}`, "i", [f.get(counter), end()]);
      const all = [f.node("br_if", "", [done], { kind: "label", label: outer }), ...body, f.set(counter, next)];
      all.push(f.node("br", "", [], { kind: "label", label }));
      const loop: Expr = { ...f.node("loop", "", [], EMPTY_BLOCK), bodies: [all], label };
      out.push({ ...f.node("block", "", [], EMPTY_BLOCK), bodies: [[loop]], label: outer });
    } else {
      const tee = f.node("local.tee", type, [next], f.index(counter));
      const bare = down && bound === undefined && type === "i" && r.chance(0.5);
      const cond = bare ? tee : f.node(`${name}.${r.pick(["ne", down ? "gt_s" : "lt_s"])}`, "i", [tee, end()]);
      body.push(f.node("br_if", "", [cond], { kind: "label", label }));
      out.push({ ...f.node("loop", "", [], EMPTY_BLOCK), bodies: [body], label });
    }
    for (const local of round) out.push(...this.#access.observe(f.get(local)));
    for (const local of [counter, ...round, ...(bound === undefined ? [] : [bound])]) f.giveBack(local);
  }

  /** What each round of a loop makes of its values. */
  #goRound(body: Expr[], round: readonly number[], counter: number): void {
    const f = this.#f;
    const { r } = f;
    const type = f.locals[counter] ?? "i";
    // Those that stay as they are may change places none the less: compilers keep such values in memory.
    const still: number[] = [];
    const share = r.pick(round.length > FEW ? [0.1, 0.3, 0.7] : [0.7]);
    for (const local of round) {
      const own = f.locals[local] ?? "i";
      if (!isReferenceType(own) && r.chance(share)) {
        const more = own === type && r.chance(0.4) ? f.get(counter) : this.#maker.value(own, SMALL);
        body.push(f.set(local, this.#mix(f.get(local), more)));
      } else still.push(local);
    }
    if (round.length > 1 && r.chance(0.3)) body.push(this.#change(round));
    const among = r.chance(0.4) ? round : still;
    const [some] = among;
    const same = among.filter((local) => some !== undefined && f.locals[local] === f.locals[some]);
    if (same.length > 1 && r.chance(0.75)) body.push(...this.#permute(same));
    const seen = f.localOf(type);
    if (seen !== undefined && r.chance(0.4)) body.push(f.set(seen, this.#mix(f.get(counter), f.get(seen))));
  }
}
