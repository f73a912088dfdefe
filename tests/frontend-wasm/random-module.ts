/** Random functions with much control flow and many assignments, as text; every run of one ends. */

import fc from "fast-check";

/** A source of decisions: a list of bytes, then zeros. */
export class Choices {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  /** A number below `n`. */
  below(n: number): number {
    return (this.#bytes[this.#at++] ?? 0) % n;
  }
}

const PARAMS = 3;
const LOCALS = 7;
const MAX_DEPTH = 7;
const BINARY = ["i32.add", "i32.sub", "i32.mul", "i32.and", "i32.xor", "i32.lt_s", "i32.shr_u", "i32.rotl", "i32.eq"];

/** A label: its name, and how many i32 operands a branch to it takes. */
interface Label {
  readonly name: string;
  readonly arity: number;
  readonly loop: boolean;
}

class Generator {
  readonly #choices: Choices;
  readonly #labels: Label[] = [];
  #count = 0;

  constructor(choices: Choices) {
    this.#choices = choices;
  }

  module(): string {
    const body = this.#statements();
    const result = this.#expression();
    const params = "(param i32)".repeat(PARAMS);
    const locals = "(local i32)".repeat(LOCALS);
    return `(module
  (type $pair (func (param i32 i32) (result i32 i32)))
  (func (export "f") ${params} (result i32) ${locals} (local $fuel i32)
    (local.set $fuel (i32.const 40))
    ${body}
    ${result}))`;
  }

  #local(): number {
    return this.#choices.below(PARAMS + LOCALS);
  }

  #expression(depth = 0): string {
    const choices = this.#choices;
    switch (depth > 3 || choices.done ? choices.below(2) : choices.below(9)) {
      case 0:
        return `(local.get ${this.#local()})`;
      case 1:
        return `(i32.const ${choices.below(11) - 3})`;
      case 2:
        return `(local.tee ${this.#local()} ${this.#expression(depth + 1)})`;
      case 3:
        return `(select ${this.#expression(depth + 1)} ${this.#expression(depth + 1)} ${this.#expression(depth + 1)})`;
      case 4:
        return `(if (result i32) ${this.#expression(depth + 1)} (then ${this.#value(depth)}) (else ${this.#value(depth)}))`;
      case 5:
        return this.#construct("block", 1, (label) => {
          const out = `(drop (br_if ${label} ${this.#expression(depth + 1)} ${this.#expression(depth + 1)}))`;
          return `${out} ${this.#value(depth)}`;
        });
      default: {
        const op = BINARY[choices.below(BINARY.length)] ?? "i32.add";
        return `(${op} ${this.#expression(depth + 1)} ${this.#expression(depth + 1)})`;
      }
    }
  }

  /** Statements and a value. */
  #value(depth: number): string {
    const before = this.#choices.below(3) === 0 ? this.#statement() : "";
    return `${before} ${this.#expression(depth + 1)}`;
  }

  #construct(kind: "block" | "loop", arity: number, inside: (label: string) => string): string {
    const name = `$l${this.#count++}`;
    this.#labels.push({ name, arity: kind === "loop" ? 0 : arity, loop: kind === "loop" });
    const text = inside(name);
    this.#labels.pop();
    return `(${kind} ${name} ${arity > 0 ? "(result i32)" : ""} ${text})`;
  }

  #statements(): string {
    let text = "";
    const count = 1 + this.#choices.below(5);
    for (let i = 0; i < count && !this.#choices.done; i++) text += `${this.#statement()}\n`;
    return text;
  }

  #statement(): string {
    const choices = this.#choices;
    if (choices.done) return "";
    if (this.#labels.length > MAX_DEPTH) return `(local.set ${this.#local()} ${this.#expression()})`;
    switch (choices.below(12)) {
      case 0:
      case 1:
        return `(if ${this.#expression()} (then ${this.#statements()}) (else ${this.#statements()}))`;
      case 2:
        return `(if ${this.#expression()} (then ${this.#statements()}))`;
      case 3:
        return this.#construct("block", 0, () => this.#statements());
      case 4:
      case 5:
        return this.#construct(
          "loop",
          0,
          (label) => `${this.#statements()} ${this.#spend(`(br_if ${label} ${this.#expression()})`)}`,
        );
      case 6:
        return this.#branch();
      case 7:
        return this.#table();
      case 8:
        // Two operands into a block and out of it.
        return `${this.#expression()} ${this.#expression()} (block (type $pair) (br_if 0 ${this.#expression()}) (i32.add) (i32.const 5)) (local.set ${this.#local()}) (local.set ${this.#local()})`;
      case 9:
        return choices.below(6) === 0 ? `(return ${this.#expression()})` : `(drop ${this.#expression()})`;
      default:
        return `(local.set ${this.#local()} ${this.#expression()})`;
    }
  }

  /** What may go back to a loop takes of the fuel. */
  #spend(text: string): string {
    return `(local.set $fuel (i32.sub (local.get $fuel) (i32.const 1)))
      (if (i32.lt_s (local.get $fuel) (i32.const 0)) (then (return (local.get 0)))) ${text}`;
  }

  #branch(): string {
    const label = this.#labels[this.#choices.below(Math.max(1, this.#labels.length))];
    if (label === undefined) return "";
    const operand = label.arity > 0 ? this.#expression() : "";
    const conditional = `(br_if ${label.name} ${operand} ${this.#expression()})`;
    const text =
      this.#choices.below(3) === 0
        ? `(br ${label.name} ${operand})`
        : label.arity > 0
          ? `(drop ${conditional})`
          : conditional;
    return label.loop ? this.#spend(text) : text;
  }

  #table(): string {
    const plain = this.#labels.filter((l) => l.arity === 0);
    if (plain.length === 0) return "";
    const count = 1 + this.#choices.below(5);
    const names = Array.from({ length: count }, () => plain[this.#choices.below(plain.length)]?.name ?? "0");
    return this.#spend(`(br_table ${names.join(" ")} ${this.#expression()})`);
  }
}

export const randomModule: fc.Arbitrary<string> = fc
  .uint8Array({ minLength: 50, maxLength: 800, size: "max" })
  .map((bytes) => new Generator(new Choices(bytes)).module());
