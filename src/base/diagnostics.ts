/**
 * Errors as data. A fault of the user's making is a `Diagnostic` thrown inside a `WindlassError`; a fault of ours is
 * an `InternalError`. The command line prints the first in the house shape and exits 1, the second with a request for a
 * report and exits 70.
 *
 * `error: hello.wasm: invalid component at offset 0x1f3 (component 0 › core module 2): i32.add expects i32, found i64`
 */

export type DiagnosticKind =
  /** The bytes break a rule of the standard. */
  | "malformed" // cannot be decoded
  | "invalid" // decoded, breaks a validation rule
  | "unlinkable" // an import that nothing satisfies
  | "unsupported" // valid, but not compiled by this version
  | "limit" // valid, but larger than a limit that the message names
  | "usage"; // the command line, or a file that can't be read or written

export interface Diagnostic {
  readonly kind: DiagnosticKind;
  readonly message: string;
  /** What is being compiled: `component`, `module`, … The word after the kind in the printed form. */
  readonly subject?: string;
  /** Byte offset in the input file. */
  readonly offset?: number;
  /** From the outermost: `component 0`, `core module 2`, `function 17 "memcpy"`. */
  readonly path?: readonly string[];
  readonly notes?: readonly string[];
}

const KIND_WORDS: Record<DiagnosticKind, string> = {
  malformed: "malformed",
  invalid: "invalid",
  unlinkable: "unlinkable",
  unsupported: "unsupported",
  limit: "too large",
  usage: "",
};

/** Prints one diagnostic without the leading `error: file: `. */
export function formatDiagnostic(d: Diagnostic): string {
  if (d.kind === "usage") return [d.message, ...(d.notes ?? []).map((n) => `\n  note: ${n}`)].join("");
  const subject = d.subject ?? "component";
  const head = d.kind === "limit" ? `${subject} too large` : `${KIND_WORDS[d.kind]} ${subject}`;
  const at = d.offset === undefined ? "" : ` at offset 0x${d.offset.toString(16)}`;
  const where = d.path === undefined || d.path.length === 0 ? "" : ` (${d.path.join(" › ")})`;
  return `${head}${at}${where}: ${d.message}${(d.notes ?? []).map((n) => `\n  note: ${n}`).join("")}`;
}

/** One or several faults of the user's making. */
export class WindlassError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  constructor(...diagnostics: Diagnostic[]) {
    super(diagnostics.map(formatDiagnostic).join("\n"));
    this.name = "WindlassError";
    this.diagnostics = diagnostics;
  }
}

/** A fault of the compiler's own: names the stage and the function that it was in. */
export class InternalError extends Error {
  readonly stage: string;
  readonly where: string | undefined;
  constructor(stage: string, message: string, where?: string, options?: ErrorOptions) {
    super(`${stage}${where === undefined ? "" : ` (${where})`}: ${message}`, options);
    this.name = "InternalError";
    this.stage = stage;
    this.where = where;
  }
}

/** Exhaustiveness: reached only if a union grew and a `switch` did not. */
export function unreachable(x: never): never {
  throw new InternalError("unreachable", `unexpected ${JSON.stringify(x)}`);
}

/** An invariant of ours; `message` says which. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InternalError("assert", message);
}
