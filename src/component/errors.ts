/** The diagnostics of this folder: a component's path is in all of them. */

import { type Diagnostic, type DiagnosticKind, WindlassError } from "../base/diagnostics.ts";

/** A fault of `component` at the absolute `offset`. `path` is from the root, without it. */
export function componentError(
  kind: DiagnosticKind,
  message: string,
  path: readonly string[],
  offset: number | undefined,
  notes?: readonly string[],
): WindlassError {
  const diagnostic: Diagnostic = {
    kind,
    subject: "component",
    message,
    path,
    ...(offset === undefined ? {} : { offset }),
    ...(notes === undefined || notes.length === 0 ? {} : { notes }),
  };
  return new WindlassError(diagnostic);
}

/** An error of a core module or core type: the same, as one of the component that it is in. */
export function insideComponent(error: WindlassError, path: readonly string[]): WindlassError {
  return new WindlassError(
    ...error.diagnostics.map((d) => ({ ...d, subject: "component", path: [...path, ...(d.path ?? [])] })),
  );
}

/** Names come from the input and can be long; messages show this much of them. */
const SHOWN = 200;

/** In backquotes, shortened when it is long. */
export function quoted(name: string): string {
  return name.length <= SHOWN ? `\`${name}\`` : `\`${name.slice(0, SHOWN)}…\``;
}
