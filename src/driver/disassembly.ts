/** Disassembly for people: `--emit asm` and `inspect --disassemble`. Decoding is a library's (iced-x86), which the encoder is tested against. */

import type * as Iced from "iced-x86";

/** What a code address is called, or `undefined`. */
export type NameOf = (address: number) => string | undefined;

/** Loads the disassembler: it is large, and only dumps need it. */
export async function loadDisassembler(): Promise<(code: Uint8Array, address: number, nameOf: NameOf) => string[]> {
  const iced = await import("iced-x86");
  return (code, address, nameOf) => disassemble(iced, code, address, nameOf);
}

function disassemble(iced: typeof Iced, code: Uint8Array, address: number, nameOf: NameOf): string[] {
  const decoder = new iced.Decoder(64, code, iced.DecoderOptions.None);
  const formatter = new iced.Formatter(iced.FormatterSyntax.Intel);
  const instruction = new iced.Instruction();
  const lines: string[] = [];
  try {
    formatter.digitSeparator = "";
    decoder.ip = BigInt(address);
    while (decoder.canDecode) {
      const at = Number(decoder.ip);
      decoder.decodeOut(instruction);
      const bytes = code.subarray(at - address, at - address + instruction.length);
      const hex = [...bytes].map((b) => b.toString(16).padStart(2, "0")).join(" ");
      const target = instruction.isJmpShortOrNear || instruction.isCallNear || instruction.isJccShortOrNear;
      const name = target ? nameOf(Number(instruction.nearBranchTarget)) : undefined;
      const text = formatter.format(instruction);
      lines.push(
        `${at.toString(16).padStart(6)}:  ${hex.padEnd(30)} ${text}${name === undefined ? "" : `  ; ${name}`}`,
      );
    }
  } finally {
    instruction.free();
    formatter.free();
    decoder.free();
  }
  return lines;
}
