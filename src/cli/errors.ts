/** What the command line does with errors: the house shape, exit codes, and never a stack trace for a user's mistake. */

import { type Diagnostic, formatDiagnostic, InternalError, WindlassError } from "../base/diagnostics.ts";

export const EXIT_USER_ERROR = 1;
export const EXIT_INTERNAL = 70;

export function usageError(message: string, ...notes: string[]): WindlassError {
  const diagnostic: Diagnostic = { kind: "usage", message, notes };
  return new WindlassError(diagnostic);
}

/** Prints `error` to standard error, as about the input `file` when one is known; gives the exit code. */
export function reportError(error: unknown, file: string | undefined): number {
  if (error instanceof WindlassError) {
    for (const d of error.diagnostics) {
      const about = file === undefined || d.kind === "usage" ? "" : `${file}: `;
      process.stderr.write(`error: ${about}${formatDiagnostic(d)}\n`);
    }
    return EXIT_USER_ERROR;
  }
  const message = error instanceof Error ? error.message : String(error);
  const stage = error instanceof InternalError ? "" : "unexpected: ";
  process.stderr.write(
    `internal error: ${file === undefined ? "" : `${file}: `}${stage}${message}\n` +
      "This is a fault of windlass, not of the input. Please report it with the input file and the command line.\n",
  );
  if (process.env["WINDLASS_DEBUG"] !== undefined && error instanceof Error) {
    process.stderr.write(`${error.stack ?? ""}\n`);
  } else process.stderr.write("Set WINDLASS_DEBUG=1 for a stack trace.\n");
  return EXIT_INTERNAL;
}
