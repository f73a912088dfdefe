/**
 * Documentation of WIT (`///`), which components may carry in custom sections `package-docs`: a version byte (0 or 1), then JSON as wit-parser
 * writes it. It is nobody's promise: what can't be read is left out with a warning, and what has no place is not looked at.
 */

import type { ParsedComponent } from "./parsed.ts";

export const DOCS_SECTION = "package-docs";

export interface TypeDocs {
  readonly docs: string | undefined;
  /** Of fields, cases, flags, by name. */
  readonly items: ReadonlyMap<string, string>;
}

/** An interface, or a world's own functions and types. */
interface Scope {
  readonly docs: string | undefined;
  readonly functions: ReadonlyMap<string, string>;
  readonly types: ReadonlyMap<string, TypeDocs>;
}

/** The members of an object; none of anything else. */
function membersOf(value: unknown): ReadonlyMap<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? new Map(Object.entries(value))
    : new Map();
}

function textOf(value: unknown): string | undefined {
  return typeof value === "string" && value.trim() !== "" ? value : undefined;
}

/** Members that `read` makes something of. */
function mapOf<T>(value: unknown, read: (value: unknown) => T | undefined): ReadonlyMap<string, T> {
  const out = new Map<string, T>();
  for (const [name, member] of membersOf(value)) {
    const made = read(member);
    if (made !== undefined) out.set(name, made);
  }
  return out;
}

/** The documentation itself, or an object that has it. */
function docsOf(value: unknown): string | undefined {
  return textOf(value) ?? textOf(membersOf(value).get("docs"));
}

function typeOf(value: unknown): TypeDocs {
  const members = membersOf(value);
  return { docs: textOf(members.get("docs")), items: mapOf(members.get("items"), textOf) };
}

function scopeOf(value: unknown, ...functions: readonly string[]): Scope {
  const members = membersOf(value);
  return {
    docs: textOf(members.get("docs")),
    functions: new Map(functions.flatMap((key) => [...mapOf(members.get(key), docsOf)])),
    types: mapOf(members.get("types"), typeOf),
  };
}

export class WitDocs {
  readonly #interfaces = new Map<string, Scope>();
  readonly #worlds: Scope[] = [];

  /** The contents of one section. Throws an `Error` that says what is wrong with it. */
  add(section: Uint8Array): void {
    const [version] = section;
    if (version !== 0 && version !== 1) throw new Error(`version ${version ?? "none"} is not known`);
    const root = membersOf(JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(section.subarray(1))));
    const named = textOf(root.get("package"));
    const [name = "", version_] = named?.split("@") ?? [];
    // Older sections do not say whose they are: then an interface's own name has to do.
    const whole = (short: string): string =>
      named === undefined ? short : `${name}/${short}${version_ === undefined ? "" : `@${version_}`}`;
    const put = (key: string, scope: Scope): void => {
      if (!this.#interfaces.has(key)) this.#interfaces.set(key, scope);
    };
    for (const [short, value] of membersOf(root.get("interfaces"))) put(whole(short), scopeOf(value, "funcs"));
    for (const [, world] of membersOf(root.get("worlds"))) {
      this.#worlds.push(scopeOf(world, "funcs", "func_exports"));
      const members = membersOf(world);
      for (const key of ["interfaces", "interface_exports"]) {
        for (const [short, value] of membersOf(members.get(key))) put(short, scopeOf(value, "funcs"));
      }
    }
  }

  #scopes(path: readonly string[]): readonly Scope[] {
    const [name = ""] = path;
    if (path.length === 1) return this.#worlds;
    const [unversioned = name] = name.split("@");
    const short = unversioned.slice(unversioned.lastIndexOf("/") + 1);
    const found = this.#interfaces.get(name) ?? this.#interfaces.get(short);
    return found === undefined ? [] : [found];
  }

  /** Of an interface, by its name in the component. */
  ofInterface(name: string): string | undefined {
    return this.#scopes([name, ""])[0]?.docs;
  }

  /** Of a function: `["acme:log/types@1.0.0", "write"]`, or the name alone of one of the world. */
  ofFunction(path: readonly string[]): string | undefined {
    const name = path.at(-1) ?? "";
    return this.#scopes(path)
      .map((scope) => scope.functions.get(name))
      .find((docs) => docs !== undefined);
  }

  ofType(path: readonly string[]): TypeDocs | undefined {
    const name = path.at(-1) ?? "";
    return this.#scopes(path)
      .map((scope) => scope.types.get(name))
      .find((docs) => docs !== undefined);
  }
}

/** All documentation in a component and in those within it, and what is wrong with it. */
export function readDocs(root: ParsedComponent): { readonly docs: WitDocs; readonly warnings: readonly string[] } {
  const docs = new WitDocs();
  const warnings: string[] = [];
  const visit = (component: ParsedComponent): void => {
    for (const section of component.docs) {
      try {
        docs.add(section);
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        warnings.push(`documentation is left out: a section \`${DOCS_SECTION}\` can't be read: ${reason}`);
      }
    }
    for (const definition of component.definitions) if (definition.kind === "component") visit(definition.component);
  };
  visit(root);
  return { docs, warnings };
}
