/**
 * What function bodies call: for those who follow calls from body to body. Of a module that the validator saw, `ModuleFacts.mentions`
 * says the most of it without reading anything again.
 */

import type { Module } from "./module.ts";
import { Opcode, opcodeKinds } from "./opcodes.ts";
import { OperatorReader } from "./operators.ts";

export interface BodyCalls {
  /** Functions that `call` and `return_call` name, in order. */
  readonly calls: readonly number[];
  /** Functions that `ref.func` names, in order. */
  readonly references: readonly number[];
  /** It calls something through a table or a reference. */
  readonly indirect: boolean;
  /** It reads elements of a table, other than by calling them. */
  readonly readsTable: boolean;
}

const CALL = 1;
const REFERENCE = 2;
const INDIRECT = 3;
const TABLE_READ = 4;

const KINDS = opcodeKinds([
  [CALL, Opcode.call, Opcode.return_call],
  [REFERENCE, Opcode.ref_func],
  [INDIRECT, Opcode.call_indirect, Opcode.return_call_indirect, Opcode.call_ref, Opcode.return_call_ref],
  [TABLE_READ, Opcode.table_get, Opcode.table_copy],
]);

/** Reads bodies of valid modules. It keeps a reader for each module: making one costs more than reading a short body. */
export class BodyReaders {
  readonly #readers = new Map<Module, OperatorReader>();

  /** A reader at the first operator of function `func`, which the module defines. The next call moves it. Throws `RangeError`. */
  at(module: Module, func: number): OperatorReader {
    const body = func - module.importedFunctions;
    const start = module.bodyStart[body];
    const end = module.bodyEnd[body];
    if (start === undefined || end === undefined) throw new RangeError(`function ${func} has no body`);
    let reader = this.#readers.get(module);
    if (reader === undefined) {
      reader = new OperatorReader(module.bytes);
      this.#readers.set(module, reader);
    }
    reader.startBody(start, end);
    return reader;
  }

  /** Throws `RangeError`. */
  calls(module: Module, func: number): BodyCalls {
    const reader = this.at(module, func);
    const calls: number[] = [];
    const references: number[] = [];
    let indirect = false;
    let readsTable = false;
    while (!reader.atEnd) {
      reader.next();
      const kind = KINDS[reader.op];
      if (kind === 0) continue;
      switch (kind) {
        case CALL:
          calls.push(reader.index);
          break;
        case REFERENCE:
          references.push(reader.index);
          break;
        case INDIRECT:
          indirect = true;
          break;
        case TABLE_READ:
          readsTable = true;
          break;
      }
    }
    return { calls, references, indirect, readsTable };
  }
}
