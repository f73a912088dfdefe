/** The dump of `--emit asm`: every function's machine code with its traps and unwind rows. */

import type { CompiledFunctions } from "../compiler/records.ts";
import type { Program } from "../frontend/program.ts";
import { trapMessage } from "../layout/traps.ts";
import { loadDisassembler } from "./disassembly.ts";

export async function printAssembly(program: Program, compiled: CompiledFunctions): Promise<string> {
  const disassemble = await loadDisassembler();
  const parts: string[] = [];
  for (const [symbol, { name }] of program.functions.entries()) {
    const c = compiled.get(symbol);
    if (c === undefined) continue;
    const notes = new Map<number, string>();
    c.trapOffset.forEach((offset, i) => {
      notes.set(offset, `; trap: ${trapMessage(c.trapCode[i] ?? 0)}, wasm 0x${(c.trapLoc[i] ?? 0).toString(16)}`);
    });
    const lines = disassemble(c.code.subarray(0, c.codeLength), 0, () => undefined).map((line) => {
      const note = notes.get(Number.parseInt(line, 16));
      return note === undefined ? line : `${line}  ${note}`;
    });
    parts.push(`@${symbol} ${name}: frame ${c.frameSize}\n${lines.join("\n")}\n`);
  }
  return parts.join("\n");
}
