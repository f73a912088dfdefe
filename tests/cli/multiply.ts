/**
 * Inputs that multiply themselves: small files that stand for something huge, or for much work. Each is a text or bytes, by how many levels or pieces
 * it has.
 */

import { assemble } from "../support/wat.ts";

const times = (n: number, text: (i: number) => string): string =>
  Array.from({ length: n }, (_, i) => text(i)).join("\n");

/** A component that exports `count` functions of a type, and one that lowers them all. */
function functionsOf(types: string, type: string, count: number): string {
  return `(component
    (component $c
      ${types}
      (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable)
        (func (export "f") (param i32)) (func (export "g") (result i32) unreachable))
      (core instance $m (instantiate $m))
      (alias core export $m "m" (core memory $mem)) (alias core export $m "r" (core func $realloc))
      ${times(count, (i) => `(func (export "g${i}") (result ${type}) (canon lift (core func $m "g") (memory $mem) (realloc $realloc)))`)})
    (component $d
      ${types}
      ${times(count, (i) => `(import "g${i}" (func $g${i} (result ${type})))`)}
      (core module $m (memory (export "m") 1) (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable))
      (core instance $m (instantiate $m))
      (alias core export $m "m" (core memory $mem)) (alias core export $m "r" (core func $realloc))
      ${times(count, (i) => `(core func $l${i} (canon lower (func $g${i}) (memory $mem) (realloc $realloc)))`)}
      (core module $n
        ${times(count, (i) => `(import "" "g${i}" (func $g${i} (param i32)))`)}
        (func (export "run") ${times(count, (i) => `(call $g${i} (i32.const 8))`)}))
      (core instance $n (instantiate $n (with "" (instance ${times(count, (i) => `(export "g${i}" (func $l${i}))`)}))))
      (func (export "run") (canon lift (core func $n "run"))))
    (instance $c (instantiate $c))
    (instance $d (instantiate $d ${times(count, (i) => `(with "g${i}" (func $c "g${i}"))`)}))
    (func (export "run") (alias export $d "run"))
    ${times(count, (i) => `(export "g${i}" (func $c "g${i}"))`)})`;
}

/** Types of which each holds the one before twice. */
const doubled = (levels: number, make: (inner: string) => string): string =>
  `(type $t0 u8) ${times(levels, (i) => `(type $t${i + 1} ${make(`$t${i}`)})`)}`;

const DOUBLES = {
  tuple: (t: string) => `(tuple ${t} ${t})`,
  result: (t: string) => `(result ${t} (error ${t}))`,
  several: (t: string) => `(tuple (list ${t}) (option ${t}))`,
} as const;

const leb = (n: number): number[] => (n < 0x80 ? [n] : [(n & 0x7f) | 0x80, ...leb(n >>> 7)]);
const section = (id: number, content: Uint8Array): Uint8Array =>
  Uint8Array.from([...[id], ...leb(content.length), ...content]);
const COMPONENT = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
const MODULE = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0);
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** What compiling has to give: an object, or an error that matches. */
export type Expected = "object" | RegExp;

export interface Multiplier {
  readonly name: string;
  /** By size. */
  readonly cases: readonly (readonly [size: number, expected: Expected])[];
  readonly make: (size: number) => Promise<Uint8Array>;
}

const text = (name: string, cases: Multiplier["cases"], make: (size: number) => string): Multiplier => ({
  name,
  cases,
  make: (size) => assemble(make(size)),
});

export const MULTIPLIERS: readonly Multiplier[] = [
  text(
    "instances that double at each level",
    [
      [5, "object"],
      [40, /component instances exceed the limit of 10000/],
    ],
    (levels) => {
      const nested = (level: number): string =>
        level === 0
          ? `(core module $m (memory 1) (func (export "f"))) (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f")))`
          : `(component $c ${nested(level - 1)}) (instance $a (instantiate $c)) (instance $b (instantiate $c)) (export "f" (func $a "f"))`;
      return `(component ${nested(levels)})`;
    },
  ),
  ...Object.entries(DOUBLES).map(([name, make]) =>
    text(
      `results of types that double: ${name}`,
      [
        [8, "object"],
        [17, "object"],
        [40, /effective type size exceeds the limit of 1000000/],
      ],
      (levels) => functionsOf(doubled(levels, make), `$t${levels}`, 2),
    ),
  ),
  text("many functions of a type that doubles", [[30, "object"]], (count) =>
    functionsOf(doubled(16, DOUBLES.result), "$t16", count),
  ),
  text(
    "types inside each other",
    [
      [90, "object"],
      [20_000, /type nesting exceeds the limit of 100/],
    ],
    (n) => {
      const types = `(type $t0 u8) ${times(n, (i) => `(type $t${i + 1} (option $t${i}))`)}`;
      return functionsOf(types, `$t${n}`, 1);
    },
  ),
  {
    name: "components inside each other",
    cases: [
      [90, "object"],
      [1000, /nesting exceeds the limit of 100/],
    ],
    make: async (n) => {
      let bytes: Uint8Array = COMPONENT;
      for (let i = 0; i < n; i++) bytes = joined(COMPONENT, section(4, bytes));
      return bytes;
    },
  },
  {
    name: "component types inside each other",
    cases: [
      [90, "object"],
      [10_000, /nesting exceeds the limit of 100/],
    ],
    make: async (n) => {
      // One type, which declares one type, …
      const opened = Array.from({ length: n }, () => [0x41, 1, 1]).flat();
      return joined(COMPONENT, section(7, Uint8Array.from([1, ...opened, 0x41, 0])));
    },
  },
  text(
    "a chain of aliases",
    [[20_000, "object"]],
    (n) =>
      `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f"))) (instance $i0 (export "f" (func $f)))
      ${times(n, (i) => `(alias export $i${i} "f" (func $f${i})) (instance $i${i + 1} (export "f" (func $f${i})))`)}
      (export "i" (instance $i${n})))`,
  ),
  text(
    "a chain of re-exported types",
    [[20_000, "object"]],
    (n) =>
      `(component (type $t0 (record (field "a" u8))) ${times(n, (i) => `(export $t${i + 1} "t${i}" (type $t${i}))`)})`,
  ),
  text(
    "instance types that double, compared",
    [
      [10, "object"],
      [90, /comparing and copying types exceeds the limit of 20000000 steps/],
    ],
    (n) => {
      const types = (x: string): string =>
        `(type $${x}0 (instance (export "f" (func))))
       ${times(n, (i) => `(type $${x}${i + 1} (instance (alias outer $root $${x}${i} (type $t)) (export "a" (instance (type $t))) (export "b" (instance (type $t)))))`)}`;
      return `(component $root ${types("x")} ${types("y")}
      (component $c (alias outer $root $y${n} (type $t)) (import "i" (instance (type $t))))
      (component $d (alias outer $root $x${n} (type $t)) (import "i" (instance $i (type $t)))
        (alias outer $root $c (component $c)) (instance (instantiate $c (with "i" (instance $i))))))`;
    },
  ),
  text(
    "component types that double, compared",
    [
      [10, "object"],
      [90, /comparing and copying types exceeds the limit of 20000000 steps/],
    ],
    (n) => {
      const types = (x: string): string =>
        `(type $${x}0 (component (export "f" (func))))
       ${times(n, (i) => `(type $${x}${i + 1} (component (alias outer $root $${x}${i} (type $t)) (import "a" (component (type $t))) (export "b" (component (type $t)))))`)}`;
      return `(component $root ${types("x")} ${types("y")}
      (component $c (alias outer $root $y${n} (type $t)) (import "i" (component (type $t))))
      (component $d (alias outer $root $x${n} (type $t)) (import "i" (component $i (type $t)))
        (alias outer $root $c (component $c)) (instance (instantiate $c (with "i" (component $i))))))`;
    },
  ),
  text(
    "instances with resources that double",
    [
      [6, "object"],
      [40, /comparing and copying types exceeds the limit of 20000000 steps/],
    ],
    (n) => {
      const types = `(type $x0 (instance (export "r" (type (sub resource)))))
      ${times(n, (i) => `(type $x${i + 1} (instance (alias outer $root $x${i} (type $t)) (export "a" (instance (type $t))) (export "b" (instance (type $t)))))`)}`;
      return `(component $root ${types} (import "i" (instance $i (type $x${n})))
      (component $c (alias outer $root $x${n} (type $t)) (import "i" (instance (type $t))))
      (instance (instantiate $c (with "i" (instance $i)))))`;
    },
  ),
  text(
    "many arguments of many instantiations",
    [
      [50, "object"],
      [850, /definitions of all component instances together exceed the limit of 2000000/],
    ],
    (n) => {
      const args = times(n, (i) => `(with "f${i}" (func $f))`);
      return `(component (core module $m (func (export "f"))) (core instance $i (instantiate $m))
      (func $f (canon lift (core func $i "f")))
      (component $c ${times(n, (i) => `(import "f${i}" (func $f${i}))`)} ${times(n, (i) => `(export "g${i}" (func $f${i}))`)})
      ${times(n, () => `(instance (instantiate $c ${args}))`)})`;
    },
  ),
  text(
    "many exports of many instances",
    [
      [20, "object"],
      [400, /exported items exceed the limit of 100000/],
    ],
    (n) =>
      `(component
      (component $c (core module $m (func (export "f"))) (core instance $i (instantiate $m))
        ${times(n, (i) => `(func (export "f${i}") (canon lift (core func $i "f")))`)})
      ${times(n, (i) => `(instance $i${i} (instantiate $c)) (export "i${i}" (instance $i${i}))`)})`,
  ),
  text(
    "core modules with memories, instantiated often",
    [[100, "object"]],
    (n) =>
      `(component (core module $m (memory 1) (func (export "f") (drop (memory.grow (i32.const 1)))))
      ${times(n, (i) => `(core instance $i${i} (instantiate $m))`)}
      (func (export "f") (canon lift (core func $i0 "f"))))`,
  ),
  text(
    "core types that refer to each other twice",
    [[5000, "object"]],
    (n) =>
      `(component (core module (type $t0 (func)) ${times(n, (i) => `(type $t${i + 1} (func (param (ref null $t${i}) (ref null $t${i}))))`)}
      (func (export "f") (param (ref null $t${n}) (ref null $t${n})))))`,
  ),
  text("many parameters of many adapters", [[20, "object"]], (n) =>
    functionsOf(`(type $t (tuple ${times(Math.min(n, 900), () => "(option u32)")}))`, "$t", n),
  ),
  text("strings in every place", [[20, "object"]], (n) =>
    functionsOf(`(type $t (tuple ${times(n, () => "string")}))`, "$t", n),
  ),
  text(
    "many callers of many task.return",
    [
      [20, "object"],
      [150, /all `task.return` together have more than 20000 callers/],
    ],
    (n) =>
      `(component
      (component $c
        ${times(n, (i) => `(core func $r${i} (canon task.return))`)}
        (core module $m ${times(n, (i) => `(import "" "r${i}" (func $r${i}))`)} (func (export "f") ${times(n, (i) => `(call $r${i})`)}))
        (core instance $m (instantiate $m (with "" (instance ${times(n, (i) => `(export "r${i}" (func $r${i}))`)}))))
        (func (export "f") async (canon lift (core func $m "f") async)))
      (component $d (import "f" (func $f async))
        ${times(n, (i) => `(core func $f${i} (canon lower (func $f) async))`)}
        (core module $m ${times(n, (i) => `(import "" "f${i}" (func $f${i} (result i32)))`)} (func (export "run") ${times(n, (i) => `(drop (call $f${i}))`)}))
        (core instance $m (instantiate $m (with "" (instance ${times(n, (i) => `(export "f${i}" (func $f${i}))`)}))))
        (func (export "run") (canon lift (core func $m "run"))))
      (instance $c (instantiate $c))
      (instance $d (instantiate $d (with "f" (func $c "f"))))
      (func (export "run") (alias export $d "run")))`,
  ),
  {
    name: "a table of names",
    cases: [[100_000, "object"]],
    make: async (count) => {
      const names: number[] = [];
      for (let i = 0; i < count; i++) names.push(...leb(i), 1, 0x61 + (i % 26));
      const functions = section(1, joined(Uint8Array.from(leb(count)), Uint8Array.from(names)));
      const custom = section(0, joined(Uint8Array.of(4, 0x6e, 0x61, 0x6d, 0x65), functions));
      return joined(COMPONENT, section(1, joined(MODULE, custom)));
    },
  },
];
