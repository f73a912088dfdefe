/**
 * The `name` custom section. Names are for messages and symbols, so they stay byte ranges until somebody prints one, and
 * a malformed section gives the names before the fault: a custom section can't make a module invalid.
 */

import { ByteReader, ReadError } from "../base/bytes.ts";
import type { ModuleNames } from "./module.ts";

export const NO_NAMES: ModuleNames = {
  module: undefined,
  functionStart: new Uint32Array(0),
  functionEnd: new Uint32Array(0),
};

const MODULE_NAME = 0;
const FUNCTION_NAMES = 1;

/** Decodes the contents `bytes[start, end)` of the section, for a module with `functions` functions. Never throws. */
export function decodeNames(bytes: Uint8Array, start: number, end: number, functions: number): ModuleNames {
  const functionStart = new Uint32Array(functions);
  const functionEnd = new Uint32Array(functions);
  let module: string | undefined;
  const reader = new ByteReader(bytes, start, end);
  try {
    while (!reader.atEnd) {
      const id = reader.u8();
      const size = reader.varU32();
      const body = reader.sub(size);
      if (id === MODULE_NAME) module = body.name();
      else if (id === FUNCTION_NAMES) {
        const count = body.varU32();
        for (let i = 0; i < count; i++) {
          const index = body.varU32();
          const length = body.varU32();
          const at = body.skip(length);
          if (index >= functions) continue;
          functionStart[index] = at;
          functionEnd[index] = at + length;
        }
      }
    }
  } catch (error) {
    if (!(error instanceof ReadError)) throw error;
  }
  return { module, functionStart, functionEnd };
}
