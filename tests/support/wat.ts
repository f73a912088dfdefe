/** Assembles and prints WebAssembly text with wasm-tools (a development dependency), without validating it. */

import { parse, print } from "@bytecodealliance/jco-transpile/wasm-tools";

/** Characters that wasm-tools finds confusing in a text, although they may be in strings: it reads their escapes. */
const INVISIBLE = /\p{Cf}/gu;

/** The binary of a core module or component in text format. Rejects with wasm-tools' error when it can't be read. */
export async function assemble(text: string): Promise<Uint8Array> {
  return parse(text.replace(INVISIBLE, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`));
}

/** The text of a binary. */
export async function disassemble(bytes: Uint8Array): Promise<string> {
  return print(bytes);
}
