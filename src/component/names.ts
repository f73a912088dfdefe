/**
 * Names of imports and exports (Component Model, "Import and Export Definitions"; Binary Format, "Name Resolution"): kebab case, interface
 * names with semantic versions, and which version serves which.
 */

/** A semantic version (semver.org, 2.0.0). */
export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
  /** Without the `-`; empty when there is none. */
  readonly prerelease: string;
  /** Without the `+`; empty when there is none. */
  readonly build: string;
}

/** A parsed extern name. */
export type ParsedName =
  | { readonly kind: "label"; readonly label: string }
  | { readonly kind: "constructor"; readonly resource: string }
  | { readonly kind: "method" | "static"; readonly resource: string; readonly label: string }
  | {
      readonly kind: "interface";
      readonly namespace: string;
      readonly package: string;
      readonly interface: string;
      readonly version: Version | undefined;
    };

/** What is wrong with a name, in words that follow the name. */
export interface NameFault {
  readonly kind: "fault";
  readonly message: string;
}

function fault(message: string): NameFault {
  return { kind: "fault", message };
}

/** Words and acronyms separated by single hyphens; the first begins with a letter. */
const KEBAB = /^(?:[a-z][0-9a-z]*|[A-Z][0-9A-Z]*)(?:-(?:[0-9a-z]+|[0-9A-Z]+))*$/;
/** The same with words only: namespaces and packages. */
const LOWER_KEBAB = /^[a-z][0-9a-z]*(?:-[0-9a-z]+)*$/;

/** Whether `text` is a label in kebab case. */
export function isKebab(text: string): boolean {
  return KEBAB.test(text);
}

/** Names of imports that say where to get a component: part of older drafts. */
const DEPENDENCY_PREFIXES = ["unlocked-dep=", "locked-dep=", "url=", "integrity=", "relative-url="] as const;

/** Whether `name` is one of the forms that locate dependencies, which are not supported. */
export function isDependencyName(name: string): boolean {
  return DEPENDENCY_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Parses an `importname` or `exportname`. */
export function parseName(name: string): ParsedName | NameFault {
  const notKebab = (part: string): NameFault => fault(`is not a valid extern name: \`${part}\` is not in kebab case`);
  if (name.startsWith("[")) {
    const close = name.indexOf("]");
    const annotation = name.slice(1, close < 0 ? undefined : close);
    const rest = close < 0 ? "" : name.slice(close + 1);
    if (annotation === "constructor") {
      return isKebab(rest) ? { kind: "constructor", resource: rest } : notKebab(rest);
    }
    if (annotation !== "method" && annotation !== "static") {
      return fault(`is not a valid extern name: unknown annotation \`[${annotation}]\``);
    }
    const dot = rest.indexOf(".");
    if (dot < 0) return fault("is not a valid extern name: failed to find `.` character");
    const resource = rest.slice(0, dot);
    const label = rest.slice(dot + 1);
    if (!isKebab(resource)) return notKebab(resource);
    if (!isKebab(label)) return notKebab(label);
    return { kind: annotation, resource, label };
  }
  const colon = name.indexOf(":");
  if (colon < 0) return isKebab(name) ? { kind: "label", label: name } : notKebab(name);
  return parseInterface(name, colon);
}

function parseInterface(name: string, colon: number): ParsedName | NameFault {
  const notKebab = (part: string): NameFault => fault(`is not a valid extern name: \`${part}\` is not in kebab case`);
  const namespace = name.slice(0, colon);
  if (!LOWER_KEBAB.test(namespace)) return notKebab(namespace);
  const slash = name.indexOf("/", colon);
  const packageName = name.slice(colon + 1, slash < 0 ? undefined : slash);
  if (packageName.includes(":")) return fault("is not a valid extern name: expected `/` after package name");
  if (!LOWER_KEBAB.test(packageName)) return notKebab(packageName);
  if (slash < 0) return fault("is not a valid extern name: expected `/` after package name");
  const at = name.indexOf("@", slash);
  const interfaceName = name.slice(slash + 1, at < 0 ? undefined : at);
  const second = interfaceName.indexOf("/");
  if (second >= 0) {
    return fault(`is not a valid extern name: trailing characters found: \`${interfaceName.slice(second)}\``);
  }
  if (!isKebab(interfaceName)) return notKebab(interfaceName);
  let version: Version | undefined;
  if (at >= 0) {
    const parsed = parseVersion(name.slice(at + 1));
    if ("kind" in parsed) return fault(`is not a valid extern name: \`${name.slice(at + 1)}\`: ${parsed.message}`);
    version = parsed;
  }
  return { kind: "interface", namespace, package: packageName, interface: interfaceName, version };
}

/** Parses `1.2.3-pre+build`. */
export function parseVersion(text: string): Version | NameFault {
  if (text === "") return fault("empty string, expected a semver version");
  const parts = ["major", "minor", "patch"] as const;
  const numbers: number[] = [];
  let pos = 0;
  for (const part of parts) {
    const digits = /^[0-9]*/.exec(text.slice(pos, pos + 20))?.[0] ?? "";
    if (digits === "") {
      return fault(
        pos >= text.length
          ? `unexpected end of input while parsing ${part} version number`
          : `unexpected character '${text[pos]}' while parsing ${part} version number`,
      );
    }
    if (digits.length > 1 && digits.startsWith("0")) return fault(`invalid leading zero in ${part} version number`);
    const value = Number(digits);
    if (value > Number.MAX_SAFE_INTEGER) return fault(`value of ${part} version number exceeds 2^53`);
    numbers.push(value);
    pos += digits.length;
    if (part === "patch") break;
    if (pos >= text.length) return fault(`unexpected end of input while parsing ${part} version number`);
    if (text[pos] !== ".") return fault(`unexpected character '${text[pos]}' after ${part} version number`);
    pos++;
  }
  let prerelease = "";
  let build = "";
  if (text[pos] === "-") {
    const plus = text.indexOf("+", pos);
    prerelease = text.slice(pos + 1, plus < 0 ? undefined : plus);
    const problem = identifiersFault(prerelease, "pre-release identifier", true);
    if (problem !== undefined) return problem;
    pos += 1 + prerelease.length;
  }
  if (text[pos] === "+") {
    build = text.slice(pos + 1);
    const problem = identifiersFault(build, "build metadata", false);
    if (problem !== undefined) return problem;
    pos = text.length;
  }
  if (pos < text.length) return fault(`unexpected character '${text[pos]}' after patch version number`);
  const [major = 0, minor = 0, patch = 0] = numbers;
  return { major, minor, patch, prerelease, build };
}

function identifiersFault(text: string, what: string, numeric: boolean): NameFault | undefined {
  for (const segment of text.split(".")) {
    if (segment === "") return fault(`empty identifier segment in ${what}`);
    if (!/^[0-9A-Za-z-]+$/.test(segment)) return fault(`unexpected character in ${what}`);
    if (numeric && /^0[0-9]+$/.test(segment)) return fault(`invalid leading zero in ${what}`);
  }
  return undefined;
}

export function versionText(v: Version): string {
  const pre = v.prerelease === "" ? "" : `-${v.prerelease}`;
  return `${v.major}.${v.minor}.${v.patch}${pre}${v.build === "" ? "" : `+${v.build}`}`;
}

/**
 * Whether a host that offers `offered` serves an import of `requested`: both are on the same compatibility track (equal major; below 1.0.0
 * equal minor; below 0.1.0 the same patch), and no more is asked for than is offered. Pre-releases are served exactly.
 */
export function serves(offered: Version, requested: Version): boolean {
  if (offered.prerelease !== "" || requested.prerelease !== "") {
    return versionText({ ...offered, build: "" }) === versionText({ ...requested, build: "" });
  }
  if (offered.major !== requested.major) return false;
  if (requested.major === 0) {
    if (offered.minor !== requested.minor) return false;
    if (requested.minor === 0) return offered.patch === requested.patch;
  } else if (offered.minor !== requested.minor) return offered.minor > requested.minor;
  return offered.patch >= requested.patch;
}

/**
 * Equal for two names that are not strongly unique: upper and lower case are the same, `[method]` and `[static]` share one namespace
 * in which `[method]a.a` is `a`, and constructors have one of their own.
 */
export function uniquenessKey(name: string): string {
  const lower = name.toLowerCase();
  const annotated = /^\[(?:method|static)\](.*)$/s.exec(lower);
  if (annotated === null) return lower;
  const rest = annotated[1] ?? "";
  const dot = rest.indexOf(".");
  return dot >= 0 && rest.slice(0, dot) === rest.slice(dot + 1) ? rest.slice(0, dot) : rest;
}
