/**
 * Prints machine instructions in Intel syntax, straight from the table's rows: for `--emit asm` and for error messages. Receives
 * an instruction with physical registers; never reads bytes.
 */

import { RelocKind } from "../compiled.ts";
import type { PReg } from "../regalloc/interface.ts";
import { type Mem, MemKind, type Operands } from "./encoder.ts";
import { type InstArg, instArgs } from "./encoding.ts";
import { COND_NAMES, instMnemonic, instName, instRow } from "./instructions.ts";
import { registerName } from "./registers.ts";

/** How labels and symbols are called. */
export interface PrintNames {
  label(label: number): string;
  /** `relocKind` of a memory operand; `RelocKind.call` for jumps and calls. */
  symbol(relocKind: number, symbol: number): string;
}

export const PLAIN_NAMES: PrintNames = {
  label: (label) => `.L${label}`,
  symbol: (kind, symbol) => `symbol${kind}:${symbol}`,
};

const SIZE_WORDS: Readonly<Record<number, string>> = {
  8: "byte ptr ",
  16: "word ptr ",
  32: "dword ptr ",
  64: "qword ptr ",
  128: "xmmword ptr ",
};

function hex(value: number): string {
  const magnitude = Math.abs(value);
  return magnitude < 10 ? String(magnitude) : `0x${magnitude.toString(16)}`;
}

/** `[rax + rcx*8 - 0x10]`, with the size before it unless `bits` is 0. */
export function printMem(mem: Mem, bits: number, names: PrintNames = PLAIN_NAMES): string {
  const parts: string[] = [];
  if (mem.kind === MemKind.label) parts.push(`rip + ${names.label(mem.target)}`);
  else if (mem.kind === MemKind.symbol) parts.push(`rip + ${names.symbol(mem.relocKind, mem.target)}`);
  else {
    if (mem.base >= 0) parts.push(registerName(mem.base));
    if (mem.index >= 0) parts.push(`${registerName(mem.index)}${mem.scale === 1 ? "" : `*${mem.scale}`}`);
  }
  const address = parts.join(" + ");
  const disp =
    mem.disp === 0 && address !== "" ? "" : `${mem.disp < 0 ? " - " : address === "" ? "" : " + "}${hex(mem.disp)}`;
  return `${SIZE_WORDS[bits] ?? ""}[${(address + disp).trim()}]`;
}

/** The immediate as a signed number, 64 bits for `mov_ri` at size 8. */
function printImmediate(arg: InstArg, size: number, o: Operands): string {
  if (arg.place === "imm64" && size === 8) {
    const value = (BigInt(o.immHi | 0) << 32n) | BigInt(o.imm >>> 0);
    return value < 10n && value > -10n
      ? String(value)
      : `${value < 0n ? "-" : ""}0x${(value < 0n ? -value : value).toString(16)}`;
  }
  return o.imm < 0 ? `-${hex(o.imm)}` : hex(o.imm);
}

function printOperand(arg: InstArg, size: number, o: Operands, reg: PReg, names: PrintNames): string {
  const bits = arg.bits === 0 ? size * 8 : arg.bits;
  switch (arg.kind) {
    case "reg":
      return registerName(reg, bits / 8);
    case "mem":
      return printMem(o.mem, arg.role === "a" ? 0 : bits, names);
    case "imm":
      return printImmediate(arg, size, o);
    case "label":
      return names.label(o.target);
    case "symbol":
      return names.symbol(RelocKind.call, o.target);
    case "fixed":
      return arg.place;
  }
}

/** One instruction, without indentation or newline. */
export function printInst(inst: number, size: number, o: Operands, names: PrintNames = PLAIN_NAMES): string {
  const args = instArgs(inst);
  const firstReg = args.findIndex((arg) => arg.kind === "reg");
  const operands = args.map((arg, i) => printOperand(arg, size, o, i === firstReg ? o.a : o.b, names));
  const prefix = /^(lock|rep)_/.exec(instName(inst))?.[1];
  const conditional = instRow(inst).code.includes("+cc");
  const plain = instMnemonic(inst, size);
  const mnemonic = conditional ? plain.replace("cc", COND_NAMES[o.cc] ?? "?") : plain;
  return `${prefix === undefined ? "" : `${prefix} `}${mnemonic}${operands.length === 0 ? "" : ` ${operands.join(", ")}`}`;
}
