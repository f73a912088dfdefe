/**
 * Names: of symbols, which debuggers show, and of C functions, which a host calls. Names of the input are anybody's bytes: what comes out
 * here has no `@` (linkers separate versions with it), no control characters and a bounded length, and the C names are distinct.
 */

const MAX_NAME = 400;

/** A name of the input as a part of a symbol: `wasi:io/streams@0.2.6` becomes `wasi:io/streams-0.2.6`. */
export function symbolPart(name: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  const clean = name.replaceAll("@", "-").replace(/[\u0000-\u001f\u007f]/g, "_");
  return clean.length <= MAX_NAME ? clean : `${clean.slice(0, MAX_NAME - 1).replace(/[\ud800-\udbff]$/, "")}…`;
}

/** `[method]output-stream.write` → `method_output_stream_write`. */
export function cIdentifier(name: string): string {
  const text = name.replace(/[^A-Za-z0-9]+/g, "_").replace(/^_+|_+$/g, "");
  return text.length <= MAX_NAME ? text : text.slice(0, MAX_NAME);
}

/** The same in lower case, as names of WIT are in C: those of one scope never differ in case only, and macros of C's headers are in capitals. */
export function snakeCase(name: string): string {
  return cIdentifier(name).toLowerCase();
}

/** Reserved words of C11, C23 and C++20, and macros in lower case, some of which compilers define themselves: no member may have such a name. */
const RESERVED = new Set(
  (
    "alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t class co_await co_return " +
    "co_yield compl concept const const_cast consteval constexpr constinit continue decltype default delete do double dynamic_cast " +
    "else enum explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not not_eq " +
    "nullptr operator or or_eq private protected public register reinterpret_cast requires restrict return short signed sizeof static " +
    "static_assert static_cast struct switch template this thread_local throw true try typedef typeid typename typeof typeof_unqual " +
    "union unsigned using virtual void volatile wchar_t while xor xor_eq linux unix i386 errno complex imaginary noreturn"
  ).split(" "),
);

export function isReservedWord(name: string): boolean {
  return RESERVED.has(name);
}

/** Members and parameters hide types of the same name in C++: nothing but a type ends in `_t`. */
export function isReservedMember(name: string): boolean {
  return RESERVED.has(name) || name.endsWith("_t");
}

/** The three forms of an interface's name, from short to long: `log`, `acme_greeter_log`, `acme_greeter_log_1_0_0`. */
function interfaceForms(name: string): readonly string[] {
  const [unversioned = name] = name.split("@");
  const short = unversioned.slice(unversioned.lastIndexOf("/") + 1);
  return [snakeCase(short), snakeCase(unversioned), snakeCase(name)];
}

/** All forms of a path, from short to long. */
function pathForms(path: readonly string[]): readonly string[] {
  const last = path.at(-1) ?? "";
  const scopes = path.slice(0, -1).map(interfaceForms);
  return [0, 1, 2].map((form) => [...scopes.map((s) => s[form] ?? ""), snakeCase(last)].join("_"));
}

const WHOLE: readonly string[] = [""];

/** The identifiers of one scope of C: nothing is declared in it twice. What is chosen for a thing is a stem; `suffixes` are what is declared of it. */
export class CScope {
  readonly #used: Set<string>;
  /** Where the search for a free number goes on: many names may become one. */
  readonly #next = new Map<string, number>();

  constructor(taken: Iterable<string> = []) {
    this.#used = new Set(taken);
  }

  /** Whether all of these were free; then they are taken. */
  take(stem: string, suffixes: readonly string[] = WHOLE): boolean {
    if (suffixes.some((s) => this.#used.has(stem + s))) return false;
    for (const s of suffixes) this.#used.add(stem + s);
    return true;
  }

  /** Takes `stem`, or `stem_2`, `stem_3`, …: the first that is free. */
  number(stem: string, suffixes: readonly string[] = WHOLE): string {
    let name = stem;
    let n = this.#next.get(stem) ?? 1;
    while (!this.take(name, suffixes)) name = `${stem}_${++n}`;
    this.#next.set(stem, n);
    return name;
  }

  /** Takes `name`, with as many underscores as make it free. */
  pick(name: string): string {
    let free = name;
    while (!this.take(free)) free += "_";
    return free;
  }
}

/** Each takes the shortest of its forms that no other has, or else its last with a number, when all that can do without have theirs. */
function takeForms(
  all: readonly (readonly string[])[],
  scope: CScope,
  suffixes: readonly string[] | undefined,
): readonly string[] {
  const counts: Map<string, number>[] = [];
  for (const forms of all) {
    forms.forEach((form, i) => {
      counts[i] ??= new Map();
      counts[i].set(form, (counts[i].get(form) ?? 0) + 1);
    });
  }
  const names = all.map((forms) => forms.find((f, i) => counts[i]?.get(f) === 1 && scope.take(f, suffixes)));
  return names.map((name, i) => name ?? scope.number(all[i]?.at(-1) ?? "", suffixes));
}

/**
 * A stem for each path, with all its `suffixes` new in `scope`: the shortest form that no other path has; then with the package's name, its
 * version, a number.
 */
export function cNames(
  paths: readonly (readonly string[])[],
  scope: CScope,
  suffixes?: readonly string[],
): readonly string[] {
  return takeForms(paths.map(pathForms), scope, suffixes);
}

/** The same for interfaces: `log`, or longer. */
export function cScopeNames(paths: readonly (readonly string[])[]): readonly string[] {
  const forms = paths.map((path) => {
    const parts = path.map(interfaceForms);
    return [0, 1, 2].map((form) => parts.map((p) => p[form] ?? "").join("_"));
  });
  return takeForms(forms, new CScope(), undefined);
}

/** The same for members of a structure, which have no prefix: no reserved word, no name of a type, no leading digit. */
export function cMembers(paths: readonly (readonly string[])[]): readonly string[] {
  return cNames(paths, new CScope(RESERVED)).map((name) => {
    const member = /^[a-z]/.test(name) ? name : `f_${name}`;
    // No name from `cNames` ends in an underscore.
    return isReservedMember(member) ? `${member}_` : member;
  });
}
