/**
 * Damage to a component's text that leaves it a component: another type where one is named, canonical options that are swapped, definitions that
 * are there twice, in another place or not at all, names that are others'. Most of it is found by validation and not by the decoder, and much is
 * valid, so that it reaches the rooms behind.
 */

import type { Random } from "../abi-model/random.ts";
import { atomOf, isList, parseWast, type SAtom, type SExpr, type SList } from "../support/wast.ts";

/** A piece of the text that becomes another. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** What is known of a text: where things are that can be exchanged for each other. */
interface Anatomy {
  readonly lists: readonly SList[];
  /** Identifiers by what they name: `type`, `func`, `core func` and so on, as their definitions say. */
  readonly names: ReadonlyMap<string, readonly string[]>;
  readonly sortOf: ReadonlyMap<string, string>;
  readonly identifiers: readonly SAtom[];
  readonly strings: readonly SAtom[];
  readonly types: readonly SAtom[];
  readonly numbers: readonly SAtom[];
}

const PRIMITIVES = ["bool", "u8", "s8", "u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "char", "string"];
const CORE_TYPES = ["i32", "i64", "f32", "f64"];
const OPTIONS = ["memory", "realloc", "post-return", "callback"];
const ENCODINGS = ["string-encoding=utf8", "string-encoding=utf16", "string-encoding=latin1+utf16"];
/** Definitions that may be anywhere in a component. */
const DEFINITIONS = ["type", "func", "core", "instance", "component", "alias", "export", "import", "canon"];
const NUMBERS = ["0", "1", "2", "7", "31", "32", "33", "65536", "4294967295"];

function anatomyOf(root: SList): Anatomy {
  const lists: SList[] = [];
  const names = new Map<string, string[]>();
  const sortOf = new Map<string, string>();
  const identifiers: SAtom[] = [];
  const strings: SAtom[] = [];
  const types: SAtom[] = [];
  const numbers: SAtom[] = [];
  const atom = (expr: SAtom): void => {
    if (expr.atom.startsWith("$")) identifiers.push(expr);
    else if (expr.atom.startsWith('"')) strings.push(expr);
    else if (PRIMITIVES.includes(expr.atom) || CORE_TYPES.includes(expr.atom)) types.push(expr);
    else if (/^\d+$/.test(expr.atom)) numbers.push(expr);
  };
  const visit = (expr: SExpr): void => {
    if (!isList(expr)) {
      atom(expr);
      return;
    }
    lists.push(expr);
    const [head, second, third] = expr.items.map(atomOf);
    const [sort, id] = head === "core" ? [`core ${second}`, third] : [head ?? "", second];
    if (id?.startsWith("$") === true) {
      names.set(sort, [...(names.get(sort) ?? []), id]);
      sortOf.set(id, sort);
    }
    expr.items.forEach(visit);
  };
  visit(root);
  return { lists, names, sortOf, identifiers, strings, types, numbers };
}

const headOf = (list: SList): string => atomOf(list.items[0]) ?? "";

/** One edit, or undefined if the text has no place for what was chosen. */
function edit(r: Random, text: string, a: Anatomy): Edit | undefined {
  const pick = <T>(list: readonly T[]): T | undefined => (list.length === 0 ? undefined : r.pick(list));
  const within = (list: SExpr, to: string): Edit => ({ start: list.start, end: list.end, text: to });
  const cut = (list: SExpr): string => text.slice(list.start, list.end);
  const ofKind = (heads: readonly string[]): SList | undefined =>
    pick(a.lists.filter((l) => heads.includes(headOf(l))));
  switch (r.below(11)) {
    case 0: {
      // What is named: another of its sort.
      const at = pick(a.identifiers);
      const others = at && a.names.get(a.sortOf.get(at.atom) ?? "");
      const other = others && pick(others);
      return at && other !== undefined ? within(at, other) : undefined;
    }
    case 1: {
      const at = pick(a.types);
      return at && within(at, r.pick(CORE_TYPES.includes(at.atom) && r.chance(80) ? CORE_TYPES : PRIMITIVES));
    }
    case 2: {
      const at = pick(a.strings);
      const other = pick(a.strings);
      return at && other && within(at, cut(other));
    }
    case 3: {
      // An option less.
      const at = ofKind(OPTIONS);
      return at && within(at, "");
    }
    case 4: {
      // One more, or another.
      const at = ofKind(OPTIONS);
      const other = ofKind(OPTIONS);
      return at && other && within(at, r.chance(50) ? cut(other) : `${cut(at)} ${r.chance(30) ? "async" : cut(other)}`);
    }
    case 5: {
      const at = pick(
        a.lists.flatMap((l) => l.items.filter((i) => atomOf(i)?.startsWith("string-encoding=") === true)),
      );
      return at && within(at, r.chance(15) ? "async" : r.pick(ENCODINGS));
    }
    case 6: {
      // A definition twice; its name only once.
      const at = ofKind(DEFINITIONS);
      return at && within(at, `${cut(at)} ${cut(at).replace(/ \$\S+/, "")}`);
    }
    case 7: {
      const at = ofKind(DEFINITIONS);
      return at && at.start > 0 ? within(at, "") : undefined;
    }
    case 8: {
      // Two neighbours change places.
      const parent = pick(a.lists.filter((l) => l.items.filter(isList).length > 1));
      const inner = parent?.items.filter(isList) ?? [];
      const i = r.below(Math.max(1, inner.length - 1));
      const [one, two] = [inner[i], inner[i + 1]];
      if (one === undefined || two === undefined) return undefined;
      return { start: one.start, end: two.end, text: `${cut(two)}${text.slice(one.end, two.start)}${cut(one)}` };
    }
    case 9: {
      const at = pick(a.numbers);
      return at && within(at, r.pick(NUMBERS));
    }
    default: {
      // A part of a type, or a field, in place of another.
      const at = pick(a.lists);
      const other = at && ofKind([headOf(at)]);
      return other && cut(other).length < 2000 ? within(at, cut(other)) : undefined;
    }
  }
}

/** The text with some damage. */
export function mutateText(r: Random, text: string): string {
  let out = text;
  for (let n = 1 + r.below(3); n > 0; n--) {
    const [form] = parseWast(out);
    if (form === undefined) return out;
    const one = edit(r, out, anatomyOf(form.list));
    if (one !== undefined) out = out.slice(0, one.start) + one.text + out.slice(one.end);
  }
  return out;
}
