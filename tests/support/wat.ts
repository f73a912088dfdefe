/** Assembles and prints WebAssembly text with wasm-tools (a development dependency), without validating it. */

import { parse, print } from "@bytecodealliance/jco-transpile/wasm-tools";

/** The binary of a core module or component in text format. Rejects with wasm-tools' error when it can't be read. */
export async function assemble(text: string): Promise<Uint8Array> {
  return parse(text);
}

/** The text of a binary. */
export async function disassemble(bytes: Uint8Array): Promise<string> {
  return print(bytes);
}
