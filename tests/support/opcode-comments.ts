/**
 * Checks integer literals for opcodes in hot code against the opcode table: `case 0x6a: // i32.add` and
 * `0x6a /* i32.add *\/`.
 */

import { OPCODES } from "../../src/wasm/opcodes.ts";

const NAMES = new Map<number, string>(OPCODES.map((row) => [row[1], row[0]]));

/** The literals in `source` whose comment is not the mnemonic of that opcode; `checked` counts all that have one. */
export function wrongOpcodeComments(source: string): { readonly wrong: readonly string[]; readonly checked: number } {
  const wrong: string[] = [];
  let checked = 0;
  const claims = [
    // A case, whose comment may stand on the first line of its block.
    ...source.matchAll(/case 0x([0-9a-f]+): (?:\{\n\s*)?\/\/ ([a-z0-9_.]+)$/gm),
    ...source.matchAll(/0x([0-9a-f]+) \/\* ([a-z0-9_.]+) \*\//g),
  ];
  for (const [text, hex, name] of claims) {
    checked++;
    if (NAMES.get(Number.parseInt(hex ?? "", 16)) !== name) wrong.push(text);
  }
  return { wrong, checked };
}
