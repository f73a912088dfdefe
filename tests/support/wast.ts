/**
 * Splits `.wast` scripts into their top-level forms, and modules inside them into what an assembler takes.
 *
 * Knows the lexical structure only: strings, comments, nesting, annotations (which it leaves out). What a form means is its user's.
 */

/** A parenthesized list; `start` and `end` are offsets in the script's text. */
export interface SList {
  readonly items: readonly SExpr[];
  readonly start: number;
  readonly end: number;
}

/** A keyword, identifier, number or string (with its quotes). */
export interface SAtom {
  readonly atom: string;
  readonly start: number;
  readonly end: number;
}

export type SExpr = SList | SAtom;

export function isList(expr: SExpr | undefined): expr is SList {
  return expr !== undefined && "items" in expr;
}

/** The text of an atom; undefined for a list. */
export function atomOf(expr: SExpr | undefined): string | undefined {
  return expr !== undefined && "atom" in expr ? expr.atom : undefined;
}

/** One top-level form of a script. */
export interface WastForm {
  /** Its first keyword: `module`, `assert_return`, … */
  readonly head: string;
  readonly list: SList;
  /** From 1. */
  readonly line: number;
}

const TOKEN = /\(;|;;[^\n]*|\(|\)|"(?:[^"\\]|\\.)*"|(?:[^\s()";]|;(?!;))+|\s+/gsu;

/** The forms of a script. Throws `SyntaxError` when parentheses or comments don't match. */
export function parseWast(text: string): WastForm[] {
  const top: SExpr[] = [];
  const stack: { items: SExpr[]; start: number }[] = [];
  TOKEN.lastIndex = 0;
  let at = 0;
  while (at < text.length) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null || match.index !== at) throw new SyntaxError(`unreadable script at offset ${at}`);
    const token = match[0];
    const start = at;
    at += token.length;
    if (token === "(;") at = skipBlockComment(text, start);
    else if (token === "(") stack.push({ items: [], start });
    else if (token === ")") {
      const open = stack.pop();
      if (open === undefined) throw new SyntaxError(`unmatched ) at offset ${start}`);
      if (atomOf(open.items[0])?.startsWith("@") !== true) (stack.at(-1)?.items ?? top).push({ ...open, end: at });
    } else if (!token.startsWith(";;") && token.trim() !== "") {
      (stack.at(-1)?.items ?? top).push({ atom: token, start, end: at });
    }
  }
  if (stack.length > 0) throw new SyntaxError(`unmatched ( at offset ${stack.at(-1)?.start}`);
  const forms: WastForm[] = [];
  let line = 1;
  let counted = 0;
  for (const list of top) {
    if (!isList(list)) continue;
    for (; counted < list.start; counted++) if (text.charCodeAt(counted) === 10) line++;
    forms.push({ head: atomOf(list.items[0]) ?? "", list, line });
  }
  return forms;
}

function skipBlockComment(text: string, start: number): number {
  let depth = 0;
  for (let i = start; i < text.length; i++) {
    const two = text.slice(i, i + 2);
    if (two === "(;") {
      depth++;
      i++;
    } else if (two === ";)") {
      i++;
      if (--depth === 0) return i + 1;
    }
  }
  throw new SyntaxError(`unterminated comment at offset ${start}`);
}

const SIMPLE_ESCAPES: Readonly<Record<string, string>> = { n: "\n", t: "\t", r: "\r", '"': '"', "'": "'", "\\": "\\" };

/** The bytes of a string literal, quotes included in `literal`. */
export function stringBytes(literal: string): Uint8Array {
  const body = literal.slice(1, -1);
  const bytes: number[] = [];
  const encoder = new TextEncoder();
  for (const [part] of body.matchAll(/\\u\{[0-9a-fA-F_]+\}|\\[0-9a-fA-F]{2}|\\.|[^\\]+/gsu)) {
    if (!part.startsWith("\\")) bytes.push(...encoder.encode(part));
    else if (part.startsWith("\\u{")) {
      bytes.push(...encoder.encode(String.fromCodePoint(Number.parseInt(part.slice(3, -1).replaceAll("_", ""), 16))));
    } else if (part.length === 3) bytes.push(Number.parseInt(part.slice(1), 16));
    else bytes.push(...encoder.encode(SIMPLE_ESCAPES[part.slice(1)] ?? part));
  }
  return Uint8Array.from(bytes);
}

/** A module (or component) of a script: its bytes, or text for the assembler. */
export type ModuleSource =
  | { readonly kind: "binary"; readonly bytes: Uint8Array }
  | { readonly kind: "quote"; readonly text: string }
  | { readonly kind: "text"; readonly text: string }
  /** `(module instance …)`: no module of its own. */
  | { readonly kind: "instance" };

/** What a `(module …)` list stands for. */
export function moduleSource(list: SList, script: string): ModuleSource {
  let i = 1;
  let prefix = "";
  if (atomOf(list.items[i]) === "instance") return { kind: "instance" };
  if (atomOf(list.items[i]) === "definition") i++;
  const id = atomOf(list.items[i]);
  if (id?.startsWith("$")) {
    prefix = ` ${id}`;
    i++;
  }
  const form = atomOf(list.items[i]);
  if (form === "binary" || form === "quote") {
    const parts = list.items.slice(i + 1).flatMap((item) => {
      const literal = atomOf(item);
      return literal?.startsWith('"') ? [stringBytes(literal)] : [];
    });
    // The standard joins the strings of `quote` as they are, tokens separated.
    const separator = form === "quote" ? [0x20] : [];
    const bytes = Uint8Array.from(parts.flatMap((part) => [...part, ...separator]));
    if (form === "binary") return { kind: "binary", bytes };
    return { kind: "quote", text: new TextDecoder().decode(bytes) };
  }
  const last = list.items[i - 1];
  const head = atomOf(list.items[0]) ?? "module";
  return { kind: "text", text: `(${head}${prefix}${script.slice(last?.end ?? list.start, list.end)}` };
}
