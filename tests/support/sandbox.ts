/** Whatever tests and tools compile, the sandbox verifier has to prove: what it can't is a failure, before anything runs. */

import * as iced from "iced-x86";
import { type CompileOptions, type CompileResult, compile as compileOnly } from "../../src/driver/compile.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { rejection, verifyWith } from "../../src/verify/verify.ts";

const reader = new CodeReader(iced);

/** How what is rejected begins. */
export const REJECTED = "verifier: ";

/** What is not proved of an object or executable; undefined: nothing. Throws `WindlassError` on another file. */
export function unproved(file: Uint8Array): string | undefined {
  const report = verifyWith(reader, file);
  return report.problems.length === 0 ? undefined : `${REJECTED}${rejection(report).message}`;
}

/** Compiles, and rejects with what is not proved of the result. */
export async function compile(bytes: Uint8Array, options: CompileOptions): Promise<CompileResult> {
  const result = await compileOnly(bytes, options);
  const problem = result.bytes.length === 0 ? undefined : unproved(result.bytes);
  if (problem !== undefined) throw new Error(problem);
  return result;
}
