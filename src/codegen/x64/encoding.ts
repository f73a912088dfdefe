/**
 * The instruction table as columns: what the encoder reads per instruction, and the parsed operands that printer and tests walk.
 *
 * Why: rows are strings, for people; encoding must not look at a string. Everything here is computed once from `instructions.ts`.
 */

import { InternalError } from "../../base/diagnostics.ts";
import type { ArgPlace, ArgRole } from "./instructions.ts";
import { INST_NAMES, type InstRow, instRow } from "./instructions.ts";

/** Encodings of a row: `ENCODING[inst * VARIANTS + variant]`. */
export const VARIANTS = 6;
export const VARIANT_MAIN = 0;
export const VARIANT_BYTE = 1;
export const VARIANT_SHORT = 2;
export const VARIANT_ONE = 3;
export const VARIANT_SIGNED = 4;
export const VARIANT_FULL = 5;
const VARIANT_FIELDS = ["code", "byte", "short", "one", "signed", "full"] as const;

/*
 * An encoding packed in 32 bits; 0 is none (no row is the bare opcode 00).
 * 0-7 opcode, 8-9 map, 10-11 prefix, 12 lock, 13 REX.W, 14-16 opcode extension, 17-19 immediate, 20 has ModRM, 21 third byte fixed,
 * 24-31 that byte.
 */
export const MAP_SHIFT = 8;
export const MAP_0F = 1;
export const MAP_0F38 = 2;
export const MAP_0F3A = 3;
export const PREFIX_SHIFT = 10;
export const ENC_LOCK = 1 << 12;
export const ENC_REX_W = 1 << 13;
export const DIGIT_SHIFT = 14;
export const IMM_SHIFT = 17;
export const ENC_MODRM = 1 << 20;
export const ENC_FIXED = 1 << 21;
export const FIXED_SHIFT = 24;

export const IMM_NONE = 0;
export const IMM_IB = 1;
export const IMM_IW = 2;
export const IMM_IZ = 3;
export const IMM_ID = 4;
export const IMM_IO = 5;
/** cb and cd. */
export const IMM_REL = 6;
const IMMEDIATES: Readonly<Record<string, number>> = {
  ib: IMM_IB,
  iw: IMM_IW,
  iz: IMM_IZ,
  id: IMM_ID,
  io: IMM_IO,
  cb: IMM_REL,
  cd: IMM_REL,
};
const PREFIXES: Readonly<Record<string, number>> = { "66": 1, F3: 2, F2: 3 };

function parseEncoding(code: string): number {
  const words = code.split(" ");
  const isByte = (word: string | undefined) => word !== undefined && /^[0-9A-F]{2}(\+r|\+cc)?$/.test(word);
  let at = 0;
  let bits = 0;
  for (; ; at++) {
    const word = words[at] ?? "";
    if (word === "REX.W") bits |= ENC_REX_W;
    else if (word === "F0") bits |= ENC_LOCK;
    else if (word in PREFIXES && (isByte(words[at + 1]) || words[at + 1] === "REX.W")) {
      bits |= (PREFIXES[word] ?? 0) << PREFIX_SHIFT;
    } else break;
  }
  if (words[at] === "0F") {
    at++;
    const map = words[at] === "38" ? MAP_0F38 : words[at] === "3A" ? MAP_0F3A : MAP_0F;
    if (map !== MAP_0F) at++;
    bits |= map << MAP_SHIFT;
  }
  const opcode = words[at++];
  if (!isByte(opcode) || opcode === undefined) throw new InternalError("x64 table", `no opcode in "${code}"`);
  bits |= Number.parseInt(opcode.slice(0, 2), 16);
  for (const word of words.slice(at)) {
    const immediate = IMMEDIATES[word];
    if (word === "/r") bits |= ENC_MODRM;
    else if (/^\/[0-7]$/.test(word)) bits |= ENC_MODRM | (Number(word[1]) << DIGIT_SHIFT);
    else if (immediate !== undefined) bits |= immediate << IMM_SHIFT;
    else if (isByte(word)) bits |= ENC_FIXED | (Number.parseInt(word, 16) << FIXED_SHIFT);
    else throw new InternalError("x64 table", `"${word}" in "${code}"`);
  }
  return bits;
}

/** What a person or an allocator wants to know about an operand. */
export interface InstArg {
  readonly role: ArgRole;
  readonly place: ArgPlace;
  readonly kind: "reg" | "mem" | "imm" | "label" | "symbol" | "fixed";
  /** A vector register. */
  readonly vector: boolean;
  /** Size in bits; 0: the instruction's. 128 for vector registers. */
  readonly bits: number;
}

const ROLES: readonly ArgRole[] = ["r", "w", "rw", "a"];

function kindOf(place: ArgPlace): InstArg["kind"] {
  if (place === "cl" || place === "xmm0") return "fixed";
  if (place === "label" || place === "symbol") return place;
  return place.startsWith("imm") ? "imm" : place.startsWith("mem") ? "mem" : "reg";
}

function parseArgs(row: InstRow): readonly InstArg[] {
  return row.args.map((text) => {
    const [word, ...rest] = text.split(" ");
    const role = ROLES.find((r) => r === word);
    const place = PLACES.find((p) => p === rest[0]);
    if (role === undefined || place === undefined) throw new InternalError("x64 table", `operand "${text}"`);
    const vector = place.startsWith("x");
    const bits = vector ? 128 : place === "cl" ? 8 : Number(/\d*$/.exec(place)?.[0] ?? "");
    return { role, place, kind: kindOf(place), vector, bits };
  });
}

const PLACES: readonly ArgPlace[] = [
  ...(["reg", "reg32", "rm", "rm8", "rm16", "rm32", "rm64", "opreg", "opreg64", "xreg", "xrm", "cl", "xmm0"] as const),
  ...(["mem", "mem8", "mem16", "mem32", "mem64", "mem128"] as const),
  ...(["imm", "imm8", "imm16", "imm64", "label", "symbol"] as const),
];

const ARGS: readonly (readonly InstArg[])[] = INST_NAMES.map((_, i) => parseArgs(instRow(i)));

/** The written operands of an instruction, in Intel's order. Throws `RangeError` on a number that is none. */
export function instArgs(inst: number): readonly InstArg[] {
  const args = ARGS[inst];
  if (args === undefined) throw new RangeError(`no x64 instruction has the number ${inst}`);
  return args;
}

/** Operand shapes: which fields of `Operands` an instruction takes, and which method of `Assembler`. */
export const Shape = {
  none: 0,
  r: 1,
  m: 2,
  rr: 3,
  /** A register and memory, whichever comes first. */
  rm: 4,
  ri: 5,
  mi: 6,
  rri: 7,
  rmi: 8,
  i: 9,
  label: 10,
  symbol: 11,
} as const;

const SHAPES: Readonly<Record<string, number>> = {
  "": Shape.none,
  reg: Shape.r,
  mem: Shape.m,
  "reg reg": Shape.rr,
  "reg mem": Shape.rm,
  "mem reg": Shape.rm,
  "reg imm": Shape.ri,
  "mem imm": Shape.mi,
  "reg reg imm": Shape.rri,
  "reg mem imm": Shape.rmi,
  "mem reg imm": Shape.rmi,
  imm: Shape.i,
  label: Shape.label,
  symbol: Shape.symbol,
};

function shapeOf(args: readonly InstArg[]): number {
  const text = args
    .filter((a) => a.kind !== "fixed")
    .map((a) => a.kind)
    .join(" ");
  const shape = SHAPES[text];
  if (shape === undefined) throw new InternalError("x64 table", `operands "${text}"`);
  return shape;
}

/** `Shape` per instruction. */
export const SHAPE: Uint8Array = Uint8Array.from(ARGS, shapeOf);

/** The row has `sizes`. */
export const FLAG_SIZED = 1;
/** Of two registers, the first is in ModRM.reg. */
export const FLAG_REG_FIRST = 2;
/** The register in ModRM.rm is a byte whatever the size. */
export const FLAG_RM8 = 4;
/** The only register is in the opcode. */
export const FLAG_OPREG = 8;

/** Flags per instruction. */
export const FLAGS: Uint8Array = Uint8Array.from(ARGS, (args, i) => {
  const first = args.find((a) => a.kind === "reg")?.place ?? "";
  return (
    (instRow(i).sizes === undefined ? 0 : FLAG_SIZED) |
    (first.startsWith("reg") || first === "xreg" ? FLAG_REG_FIRST : 0) |
    (args.some((a) => a.place === "rm8") ? FLAG_RM8 : 0) |
    (first.startsWith("opreg") ? FLAG_OPREG : 0)
  );
});

/** Packed encodings, `VARIANTS` per instruction. */
export const ENCODING: Uint32Array = Uint32Array.from({ length: INST_NAMES.length * VARIANTS }, (_, i) => {
  const code = instRow(Math.floor(i / VARIANTS))[VARIANT_FIELDS[i % VARIANTS] ?? "code"];
  return code === undefined ? 0 : parseEncoding(code);
});
