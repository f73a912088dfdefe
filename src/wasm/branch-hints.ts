/**
 * The custom section `metadata.code.branch_hint`: which way an `if` or `br_if` is said to go. A custom section can't make a module invalid, so
 * the compiler never asks here while it decodes; who wants hints, or wants to know what is wrong with them, does.
 */

import { ByteReader, ReadError } from "../base/bytes.ts";
import type { WindlassError } from "../base/diagnostics.ts";
import type { Module } from "./module.ts";
import { Opcode } from "./opcodes.ts";
import { OperatorReader } from "./operators.ts";
import { moduleError } from "./validate-types.ts";

const SECTION = "metadata.code.branch_hint";
const CUSTOM_SECTION = 0;
const HEADER_SIZE = 8;

export interface BranchHint {
  /** In the module's function index space. */
  readonly function: number;
  /** Absolute byte offset of the branch. */
  readonly offset: number;
  /** The condition is said to be non-zero. */
  readonly likely: boolean;
}

/** Hints of a module, ascending. Throws `WindlassError` when the section is malformed or a hint is at no branch. */
export function readBranchHints(module: Module): BranchHint[] {
  const hints: BranchHint[] = [];
  const reader = new ByteReader(module.bytes, module.start + HEADER_SIZE, module.end);
  try {
    while (!reader.atEnd) {
      const id = reader.u8();
      const section = reader.sub(reader.varU32());
      if (id === CUSTOM_SECTION && section.name() === SECTION) readSection(module, section, hints);
    }
  } catch (error) {
    if (error instanceof ReadError) throw fault("malformed", error.message, error.offset);
    throw error;
  }
  checkTargets(module, hints);
  return hints;
}

function fault(kind: "malformed" | "invalid", message: string, offset: number): WindlassError {
  return moduleError(kind, message, offset, [SECTION]);
}

function readSection(module: Module, reader: ByteReader, hints: BranchHint[]): void {
  const functions = reader.varU32();
  let lastFunction = -1;
  for (let i = 0; i < functions; i++) {
    const at = reader.pos;
    const index = reader.varU32();
    if (index <= lastFunction) reader.fail("functions are not in ascending order", at);
    lastFunction = index;
    const start = module.bodyStart[index - module.importedFunctions];
    if (start === undefined) reader.fail(`function ${index} has no body`, at);
    const count = reader.varU32();
    let last = -1;
    for (let k = 0; k < count; k++) {
      const hintAt = reader.pos;
      const offset = reader.varU32();
      if (offset <= last) reader.fail("hints are not in ascending order", hintAt);
      last = offset;
      if (reader.varU32() !== 1) reader.fail("a hint is one byte", hintAt);
      const value = reader.u8();
      if (value > 1) reader.fail(`a hint is 0 or 1, not ${value}`, reader.pos - 1);
      hints.push({ function: index, offset: (start ?? 0) + offset, likely: value === 1 });
    }
  }
}

/** Each body that has hints is read once. */
function checkTargets(module: Module, hints: readonly BranchHint[]): void {
  const reader = new OperatorReader(module.bytes);
  let current = -1;
  for (const { function: index, offset } of hints) {
    const body = index - module.importedFunctions;
    if (index !== current) reader.startBody(module.bodyStart[body] ?? 0, module.bodyEnd[body] ?? 0);
    current = index;
    let found = false;
    while (!reader.atEnd && !found && reader.reader.pos <= offset) {
      reader.next();
      found = reader.offset === offset;
    }
    if (!found || (reader.op !== Opcode.if && reader.op !== Opcode.br_if))
      throw fault("invalid", "invalid target", offset);
  }
}
