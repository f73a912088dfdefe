/** Compiled functions as text, by the independent disassembler: for filetests. */

import { Decoder, DecoderOptions, Formatter, FormatterSyntax } from "iced-x86";
import { type CompiledFunction, RelocKind, UnwindOp } from "../../src/codegen/compiled.ts";

function hex(bytes: Uint8Array): string {
  return [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
}

const DWARF_NAMES: Readonly<Record<number, string>> = {
  3: "rbx",
  6: "rbp",
  7: "rsp",
  12: "r12",
  13: "r13",
  14: "r14",
  15: "r15",
};

function unwindText(f: CompiledFunction, row: number): string {
  const a = f.unwindA[row] ?? 0;
  const b = f.unwindB[row] ?? 0;
  const register = DWARF_NAMES[a] ?? `r${a}`;
  switch (f.unwindOp[row]) {
    case UnwindOp.defCfa:
      return `cfa ${register}+${b}`;
    case UnwindOp.saved:
      return `${register} at cfa${b}`;
    case UnwindOp.restored:
      return `${register} restored`;
    case UnwindOp.remember:
      return "remember";
    default:
      return "restore";
  }
}

/** Rows whose offset is in [from, to). */
function rows(column: Uint32Array, from: number, to: number): number[] {
  return [...column.keys()].filter((i) => (column[i] ?? 0) >= from && (column[i] ?? 0) < to);
}

export interface Details {
  /** Unwind rows, trap rows and call sites too. */
  readonly records: boolean;
}

/** One instruction a line, with its offset; then what lies behind the code. */
export function disassemble(f: CompiledFunction, { records }: Details): string {
  const decoder = new Decoder(64, f.code.subarray(0, f.codeLength), DecoderOptions.None);
  decoder.ip = 0n;
  const formatter = new Formatter(FormatterSyntax.Intel);
  const lines: string[] = [];
  const notes = (from: number, to: number): void => {
    if (!records) return;
    for (const i of rows(f.unwindOffset, from, to)) lines.push(`             ; ${unwindText(f, i)}`);
    for (const _ of rows(f.callOffset, from, to)) lines.push(`             ; call site`);
    for (const i of rows(f.trapOffset, from, to)) lines.push(`             ; trap ${f.trapCode[i]}`);
  };
  while (decoder.canDecode) {
    const at = decoder.position;
    const instruction = decoder.decode();
    const end = decoder.position;
    notes(at, end);
    let text = formatter.format(instruction);
    for (const r of rows(f.relocOffset, at, end)) {
      const symbol = f.relocSymbol[r] ?? 0;
      const addend = (f.relocAddend[r] ?? 0) + end - (f.relocOffset[r] ?? 0);
      const kind = f.relocKind[r];
      const name = kind === RelocKind.textBase ? "text" : kind === RelocKind.data ? `$${symbol}` : `@${symbol}`;
      text += `  ; ${name}${addend === 0 ? "" : addend > 0 ? `+${addend}` : addend}`;
    }
    lines.push(`  ${at.toString(16).padStart(4)}  ${text}`);
    instruction.free();
  }
  notes(f.codeLength, f.codeLength + 1);
  if (f.code.length > f.codeLength) lines.push(`        data ${hex(f.code.subarray(f.codeLength))}`);
  formatter.free();
  decoder.free();
  return `${lines.join("\n")}\n`;
}
