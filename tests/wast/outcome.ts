/** What came out of a form of a script. */

/** `refused`: a clear error that names what is not supported yet, of the compiler or of the program. */
export type Verdict = "passed" | "failed" | "skipped" | "refused";

export interface Outcome {
  readonly line: number;
  readonly verdict: Verdict;
  /** Empty when it passed. */
  readonly message: string;
}

/** Why something is not run: it, and whatever depends on it, has this verdict. */
export interface Refusal {
  readonly verdict: "failed" | "skipped" | "refused";
  readonly reason: string;
}

export interface ScriptOptions {
  readonly optLevel: 0 | 1 | 2;
  readonly bounds: "guard" | "explicit";
  readonly verify: boolean;
  /** Prove of each program that it stays inside the sandbox. Default true. */
  readonly sandbox?: boolean;
  /** Milliseconds for one answer of the program. */
  readonly timeout: number;
  /** Runs only forms whose text holds this, and what they need. */
  readonly only?: string | undefined;
  /** The script is about a proposal on top of garbage collection. */
  readonly needsGc?: boolean;
  /** Lines that assert a rule which the standard has lifted (`skips.ts`). */
  readonly lifted?: ReadonlySet<number>;
}

/** The result of one script. */
export interface ScriptReport {
  readonly file: string;
  readonly outcomes: readonly Outcome[];
}

/** A short line for an unexpected error. */
export function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
