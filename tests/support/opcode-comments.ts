/**
 * Integer literals for opcodes, which only the largest loops may have, are checked against the opcode table: `case 0x6a: // i32.add` and
 * `0x6a /* i32.add *\/`.
 */

import { OPCODES } from "../../src/wasm/opcodes.ts";

const NAMES = new Map<number, string>(OPCODES.map((row) => [row[1], row[0]]));

export interface OpcodeLiterals {
  /** Their comment is not the mnemonic of that opcode, or they are compared with an opcode and have none. */
  readonly wrong: readonly string[];
  /** All that have a comment. */
  readonly commented: number;
}

export function opcodeLiterals(source: string): OpcodeLiterals {
  const wrong = [...source.matchAll(/\bop(?:code)? *[!=]== *0x[0-9a-f]+(?! \/\* )\b/g)].map(([text]) => text);
  let commented = 0;
  const claims = [
    // A case, whose comment may stand on the first line of its block.
    ...source.matchAll(/case 0x([0-9a-f]+): (?:\{\n\s*)?\/\/ ([a-z0-9_.]+)$/gm),
    ...source.matchAll(/0x([0-9a-f]+) \/\* ([a-z0-9_.]+) \*\//g),
  ];
  for (const [text, hex, name] of claims) {
    commented++;
    if (NAMES.get(Number.parseInt(hex ?? "", 16)) !== name) wrong.push(text);
  }
  return { wrong, commented };
}
