/** The independent disassembler, as the x64 tests ask it. */

import assert from "node:assert/strict";
import {
  Decoder,
  DecoderOptions,
  type Instruction,
  InstructionInfoFactory,
  Mnemonic,
  OpAccess,
  OpKind,
  Register,
  RflagsBits,
} from "iced-x86";
import { type Mem, MemKind, type Operands } from "../../src/codegen/x64/encoder.ts";
import { instArgs } from "../../src/codegen/x64/encoding.ts";
import { COND_NAMES, instMnemonic, instName, instRow } from "../../src/codegen/x64/instructions.ts";
import { registerName } from "../../src/codegen/x64/registers.ts";

function icedRegister(register: Register): string {
  const name = Register[register].toLowerCase();
  // iced calls r8b "r8l".
  return /^r\d+l$/.test(name) ? `${name.slice(0, -1)}b` : name;
}

/** Decodes exactly one instruction at address 0; fails unless it takes all bytes. The caller frees it. */
export function decodeOne(bytes: Uint8Array, what: string): Instruction {
  const decoder = new Decoder(64, bytes, DecoderOptions.None);
  decoder.ip = 0n;
  const instruction = decoder.decode();
  decoder.free();
  const hex = Buffer.from(bytes).toString("hex");
  assert.equal(instruction.mnemonic === Mnemonic.INVALID, false, `${what}: ${hex} is not an instruction`);
  assert.equal(instruction.length, bytes.length, `${what}: length of ${hex}`);
  return instruction;
}

function assertMemory(i: Instruction, mem: Mem, what: string): void {
  if (mem.kind !== MemKind.register) {
    assert.equal(i.isIpRelMemoryOperand, true, what);
    assert.equal(i.ipRelMemoryAddress, BigInt(i.length), `${what}: an unresolved displacement is 0`);
    return;
  }
  const name = (r: number) => (r < 0 ? "none" : registerName(r));
  assert.equal(icedRegister(i.memoryBase), name(mem.base), `${what}: base`);
  assert.equal(icedRegister(i.memoryIndex), name(mem.index), `${what}: index`);
  if (mem.index >= 0) assert.equal(i.memoryIndexScale, mem.scale, `${what}: scale`);
  assert.equal(BigInt.asIntN(64, i.memoryDisplacement), BigInt(mem.disp), `${what}: displacement`);
}

/** What the immediate means: size bytes, or 64 bits. */
function expectedImmediate(place: string, size: number, o: Operands): bigint {
  const bits = place === "imm8" ? 8 : place === "imm16" ? 16 : size === 0 ? 64 : size * 8;
  if (place === "imm64" && size === 8) return (BigInt(o.immHi >>> 0) << 32n) | BigInt(o.imm >>> 0);
  return BigInt.asUintN(bits, BigInt(o.imm));
}

/** Decodes `bytes` and compares mnemonic, prefixes, operands and length with the table's row. */
export function assertDecodes(bytes: Uint8Array, inst: number, givenSize: number, o: Operands): void {
  const name = instName(inst);
  // Writing the low half clears the high one.
  const size = name === "mov_ri" && o.immHi === 0 ? 4 : givenSize;
  const what = `${name} size ${size} ${Buffer.from(bytes).toString("hex")}`;
  const i = decodeOne(bytes, what);
  let mnemonic = instMnemonic(inst, size);
  if (instRow(inst).code.includes("+cc")) mnemonic = mnemonic.replace("cc", COND_NAMES[o.cc] ?? "");
  assert.equal(Mnemonic[i.mnemonic].toLowerCase(), mnemonic, what);
  assert.equal(i.hasLockPrefix, name.startsWith("lock_"), `${what}: lock`);
  if (name.startsWith("rep_")) assert.equal(i.hasRepPrefix, true, `${what}: rep`);

  const args = instArgs(inst);
  if (args.length > 0) assert.ok(i.opCount >= args.length - 1, `${what}: operand count`);
  let registers = 0;
  args.forEach((arg, n) => {
    const bits = arg.bits === 0 ? size * 8 : arg.bits;
    switch (arg.kind) {
      case "reg": {
        const reg = registers++ === 0 ? o.a : o.b;
        assert.equal(i.opKind(n), OpKind.Register, `${what}: operand ${n}`);
        assert.equal(icedRegister(i.opRegister(n)), registerName(reg, bits / 8), `${what}: operand ${n}`);
        break;
      }
      case "fixed":
        if (n < i.opCount) assert.equal(icedRegister(i.opRegister(n)), arg.place, `${what}: operand ${n}`);
        break;
      case "mem":
        assert.equal(i.opKind(n), OpKind.Memory, `${what}: operand ${n}`);
        assertMemory(i, o.mem, what);
        break;
      case "imm": {
        const expected = expectedImmediate(arg.place, size, o);
        assert.equal(BigInt.asUintN(64, i.immediate(n)) & mask(arg.place, size), expected, `${what}: immediate`);
        break;
      }
      case "label":
      case "symbol":
        assert.equal(i.nearBranchTarget, BigInt(i.length), `${what}: target`);
        break;
    }
  });
  i.free();
}

function mask(place: string, size: number): bigint {
  const bits = place === "imm8" ? 8 : place === "imm16" ? 16 : size === 0 ? 64 : size * 8;
  return (1n << BigInt(bits)) - 1n;
}

const factory = new InstructionInfoFactory();

const READ: ReadonlySet<OpAccess> = new Set([
  OpAccess.Read,
  OpAccess.CondRead,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);
const WRITE: ReadonlySet<OpAccess> = new Set([
  OpAccess.Write,
  OpAccess.CondWrite,
  OpAccess.ReadWrite,
  OpAccess.ReadCondWrite,
]);

/** What the disassembler says that an instruction does: access per operand as `r`, `w`, `rw`, `a`; flags; registers with access. */
export function effects(bytes: Uint8Array, what: string) {
  const i = decodeOne(bytes, what);
  const info = factory.info(i);
  const text = (access: OpAccess) =>
    access === OpAccess.NoMemAccess ? "a" : `${READ.has(access) ? "r" : ""}${WRITE.has(access) ? "w" : ""}`;
  const operands = Array.from({ length: i.opCount }, (_, n) => text(info.opAccess(n)));
  const registers = info
    .usedRegisters()
    .map((u) => ({ name: icedRegister(u.register).replace(/^(e)([a-z]{2})$/, "r$2"), access: text(u.access) }));
  const letters = (bits: number) =>
    [
      ...(bits & RflagsBits.OF ? "o" : ""),
      ...(bits & RflagsBits.SF ? "s" : ""),
      ...(bits & RflagsBits.ZF ? "z" : ""),
      ...(bits & RflagsBits.AF ? "a" : ""),
      ...(bits & RflagsBits.PF ? "p" : ""),
      ...(bits & RflagsBits.CF ? "c" : ""),
    ].sort();
  const result = { operands, registers, reads: letters(i.rflagsRead), writes: letters(i.rflagsModified) };
  info.free();
  i.free();
  return result;
}
