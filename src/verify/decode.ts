// hot loop: indices are in range by construction
/**
 * Machine code as the verifier reads it: each function decoded from its first byte to its last by a library (iced-x86), so that nothing
 * here comes from the encoder. An instruction becomes one flat record; registers become numbers 0 to 15, or -1 for anything else.
 */

import type * as Iced from "iced-x86";
import type { CodeFunction, CodeImage } from "./image.ts";
import { Op, operationOf } from "./instructions.ts";

export type Disassembler = typeof Iced;

/** What an operand is. */
export const OperandKind = { none: 0, register: 1, vector: 2, immediate: 3, memory: 4, branch: 5, other: 6 } as const;

/** Where control goes behind an instruction. */
export const Flow = {
  next: 0,
  jump: 1,
  indirectJump: 2,
  branch: 3,
  return: 4,
  call: 5,
  indirectCall: 6,
  other: 7,
} as const;

export const NO_REGISTER = -1;
/** A register that is no general one (of an address: rip is resolved, segments are refused). */
export const OTHER_REGISTER = -2;

export class Instruction {
  at = 0;
  next = 0;
  /** iced's `Mnemonic` and `Code`. */
  mnemonic = 0;
  code = 0;
  /** `Op`: what it does. */
  op = 0;
  flow: number = Flow.next;
  /** iced's `ConditionCode`; 0: none. */
  condition = 0;
  /** Of a direct jump, branch or call. */
  target = 0;
  operands = 0;
  k0 = 0;
  k1 = 0;
  k2 = 0;
  /** Number of the register operands, and their sizes in bytes. */
  r0 = NO_REGISTER;
  r1 = NO_REGISTER;
  r2 = NO_REGISTER;
  s0 = 0;
  s1 = 0;
  s2 = 0;
  /** ah, ch, dh or bh is an operand. */
  high = false;
  /** The immediate as a signed number; NaN when it isn't exact. */
  immediate = 0;
  /** Of one that isn't exact. */
  immediateBits = "";
  /** Memory operand. A rip-relative one has no base, and its address as displacement. */
  base = NO_REGISTER;
  index = NO_REGISTER;
  scale = 1;
  displacement = 0;
  ripRelative = false;
  memorySize = 0;
  /** A prefix changes what the instruction does: rep, segment; any of one that jumps. `lock` is allowed of others. */
  prefixed = false;
  locked = false;
  /** It writes status flags. */
  writesFlags = false;
  /** Legacy or VEX encoding. */
  plainEncoding = true;
  /** Of `Op.vector`: whether it writes each operand; undefined when it may do more than its operands say. */
  vectorWrites: readonly boolean[] | undefined;
}

/** Number, size and kind of each of iced's registers. */
interface RegisterColumns {
  readonly number: Int8Array;
  readonly size: Uint8Array;
  readonly high: Uint8Array;
  readonly vector: Uint8Array;
}

function registerColumns(iced: Disassembler): RegisterColumns {
  const count = 256;
  const columns = {
    number: new Int8Array(count).fill(OTHER_REGISTER),
    size: new Uint8Array(count),
    high: new Uint8Array(count),
    vector: new Uint8Array(count),
  };
  const { Register, RegisterExt } = iced;
  columns.number[Register.None] = NO_REGISTER;
  for (let r = 1; r < count; r++) {
    if (Register[r] === undefined) continue;
    columns.size[r] = RegisterExt.size(r);
    if (RegisterExt.isGPR(r)) columns.number[r] = RegisterExt.number(RegisterExt.fullRegister(r));
    if (r >= Register.AH && r <= Register.BH) columns.high[r] = 1;
    if (RegisterExt.isVectorRegister(r)) columns.vector[r] = 1;
  }
  return columns;
}

/** What is the same of all instructions of one of iced's codes. */
interface CodeFacts {
  readonly mnemonic: number;
  readonly op: number;
  readonly flow: number;
  readonly condition: number;
  readonly operands: number;
  readonly plainEncoding: boolean;
  /** Undefined: it depends on the immediate. */
  readonly writesFlags: boolean | undefined;
  readonly vectorWrites: readonly boolean[] | undefined;
}

/** Processor features whose instructions work on vector registers, memory, and general registers that are operands. */
const VECTOR_FEATURES = ["SSE", "SSE2", "SSE3", "SSSE3", "SSE4_1", "SSE4_2", "AVX", "AVX2", "FMA", "F16C"] as const;

/** All but REX. */
const PREFIXES: ReadonlySet<number> = new Set([0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3]);

/** Decodes functions, one after the other, of any images: what it finds out about instructions is kept. */
export class CodeReader {
  readonly iced: Disassembler;
  readonly #registers: RegisterColumns;
  readonly #sizes: number[] = [];
  readonly #features: ReadonlySet<number>;
  /** By iced's `Code`. */
  readonly #facts: (CodeFacts | undefined)[] = [];

  constructor(iced: Disassembler) {
    this.iced = iced;
    this.#registers = registerColumns(iced);
    this.#features = new Set(VECTOR_FEATURES.map((name) => iced.CpuidFeature[name]));
  }

  #describe(raw: Iced.Instruction): CodeFacts {
    const { mnemonic, rflagsModified } = raw;
    const op = operationOf(this.iced, mnemonic);
    const writesFlags = rflagsModified !== 0;
    return {
      mnemonic,
      op: mnemonic === this.iced.Mnemonic.Leave && raw.code !== this.iced.Code.Leaveq ? Op.refused : op,
      flow: this.#flowOf(raw),
      condition: raw.conditionCode,
      operands: raw.opCount,
      plainEncoding: raw.encoding <= this.iced.EncodingKind.VEX,
      // A shift by 0 leaves them alone.
      writesFlags: writesFlags || !this.#hasImmediate(raw) ? writesFlags : undefined,
      vectorWrites: op === Op.vector ? this.#operandWrites(raw) : undefined,
    };
  }

  /** `other` of all that do more than to go somewhere: count in rcx, change segments, enter the kernel. */
  #flowOf(raw: Iced.Instruction): number {
    const { Code, OpKind } = this.iced;
    const { flowControl: flow } = raw;
    switch (flow) {
      case Flow.next:
      case Flow.indirectCall:
      case Flow.indirectJump:
        return flow;
      case Flow.jump:
      case Flow.call:
        return raw.opCount === 1 && raw.op0Kind === OpKind.NearBranch64 ? flow : Flow.other;
      case Flow.branch: {
        const { conditionCode: condition, mnemonic } = raw;
        const isLoop = mnemonic === this.iced.Mnemonic.Loope || mnemonic === this.iced.Mnemonic.Loopne;
        return condition === 0 || isLoop || raw.op0Kind !== OpKind.NearBranch64 ? Flow.other : flow;
      }
      case Flow.return:
        return raw.code === Code.Retnq || raw.code === Code.Retnq_imm16 ? flow : Flow.other;
      default:
        return Flow.other;
    }
  }

  #hasImmediate(raw: Iced.Instruction): boolean {
    const { OpKind } = this.iced;
    for (let n = 0; n < raw.opCount; n++) {
      const kind = raw.opKind(n);
      if (kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64) return true;
    }
    return false;
  }

  /** Which operands are written; undefined when the instruction may do more to memory and general registers than its operands say. */
  #operandWrites(raw: Iced.Instruction): readonly boolean[] | undefined {
    const { OpAccess, InstructionInfoFactory, OpKind, RegisterExt } = this.iced;
    if (!raw.cpuidFeatures().every((f) => this.#features.has(f))) return undefined;
    const factory = new InstructionInfoFactory();
    const info = factory.info(raw);
    const writes = (access: number): boolean =>
      access !== OpAccess.Read && access !== OpAccess.CondRead && access !== OpAccess.None;
    const out: boolean[] = [];
    const registers = new Set<number>();
    let memories = 0;
    for (let n = 0; n < raw.opCount; n++) {
      out.push(writes(info.opAccess(n)));
      const kind = raw.opKind(n);
      if (kind === OpKind.Memory) memories++;
      else if (kind === OpKind.Register) registers.add(RegisterExt.fullRegister(raw.opRegister(n)));
    }
    const isImplied = info
      .usedRegisters()
      .map(({ register, access }) => ({ full: RegisterExt.fullRegister(register), access }))
      .some(({ full, access }) => RegisterExt.isGPR(full) && writes(access) && !registers.has(full));
    const isMore = isImplied || info.usedMemory().length > memories;
    info.free();
    factory.free();
    return isMore ? undefined : out;
  }

  /** All instructions of `f`, or the address of the first that can't be decoded or does not end where the function does. */
  decode(image: CodeImage, f: CodeFunction): Instruction[] | number {
    const { iced } = this;
    const bytes = image.text.subarray(f.start - image.textStart, f.end - image.textStart);
    const decoder = new iced.Decoder(64, bytes, iced.DecoderOptions.None);
    const raw = new iced.Instruction();
    const out: Instruction[] = [];
    try {
      decoder.ip = BigInt(f.start);
      let at = f.start;
      while (at < f.end) {
        decoder.decodeOut(raw);
        if (raw.isInvalid) return at;
        const instruction = this.#read(raw, at);
        // Processors differ in what a jump's size prefix means.
        if (instruction.flow !== Flow.next && PREFIXES.has(bytes[at - f.start] ?? 0)) instruction.prefixed = true;
        out.push(instruction);
        at = instruction.next;
      }
      if (at !== f.end) return at;
    } finally {
      raw.free();
      decoder.free();
    }
    return out;
  }

  #read(raw: Iced.Instruction, at: number): Instruction {
    const i = new Instruction();
    i.at = at;
    i.next = at + raw.length;
    const { code } = raw;
    let facts = this.#facts[code];
    if (facts === undefined) {
      facts = this.#describe(raw);
      this.#facts[code] = facts;
    }
    i.mnemonic = facts.mnemonic;
    i.op = facts.op;
    i.code = code;
    i.flow = facts.flow;
    i.condition = facts.condition;
    i.operands = facts.operands;
    i.plainEncoding = facts.plainEncoding;
    i.vectorWrites = facts.vectorWrites;
    i.writesFlags = facts.writesFlags ?? raw.rflagsModified !== 0;
    if (i.operands > 0) {
      const k = this.#operand(raw, i, 0, raw.op0Kind);
      i.k0 = k;
      if (k === OperandKind.register) this.#register0(raw.op0Register, i);
    }
    if (i.operands > 1) {
      const k = this.#operand(raw, i, 1, raw.op1Kind);
      i.k1 = k;
      if (k === OperandKind.register) {
        const r = raw.op1Register;
        i.r1 = this.#registers.number[r]!;
        i.s1 = this.#registers.size[r]!;
        if (this.#registers.high[r] !== 0) i.high = true;
        if (this.#registers.vector[r] !== 0) i.k1 = OperandKind.vector;
        else if (i.r1 < 0) i.k1 = OperandKind.other;
      }
    }
    if (i.operands > 2) {
      const k = this.#operand(raw, i, 2, raw.op2Kind);
      i.k2 = k;
      if (k === OperandKind.register) {
        const r = raw.op2Register;
        i.r2 = this.#registers.number[r]!;
        i.s2 = this.#registers.size[r]!;
        if (this.#registers.high[r] !== 0) i.high = true;
        if (this.#registers.vector[r] !== 0) i.k2 = OperandKind.vector;
        else if (i.r2 < 0) i.k2 = OperandKind.other;
      }
    }
    i.locked = raw.hasLockPrefix;
    i.prefixed = raw.hasSegmentPrefix || raw.hasRepPrefix || raw.hasRepnePrefix;
    return i;
  }

  #register0(r: number, i: Instruction): void {
    i.r0 = this.#registers.number[r]!;
    i.s0 = this.#registers.size[r]!;
    if (this.#registers.high[r] !== 0) i.high = true;
    if (this.#registers.vector[r] !== 0) i.k0 = OperandKind.vector;
    else if (i.r0 < 0) i.k0 = OperandKind.other;
  }

  #operand(raw: Iced.Instruction, i: Instruction, n: number, kind: number): number {
    const { OpKind } = this.iced;
    if (kind === OpKind.Register) return OperandKind.register;
    if (kind === OpKind.Memory) {
      this.#memory(raw, i);
      return OperandKind.memory;
    }
    if (kind >= OpKind.Immediate8 && kind <= OpKind.Immediate32to64) {
      const bits = BigInt.asIntN(64, raw.immediate(n));
      const value = Number(bits);
      i.immediate = Number.isSafeInteger(value) ? value : Number.NaN;
      if (Number.isNaN(i.immediate)) i.immediateBits = bits.toString();
      return OperandKind.immediate;
    }
    if (kind === OpKind.NearBranch64) {
      i.target = Number(raw.nearBranchTarget);
      return OperandKind.branch;
    }
    return OperandKind.other;
  }

  #memory(raw: Iced.Instruction, i: Instruction): void {
    const { iced } = this;
    const base = raw.memoryBase;
    const size = raw.memorySize;
    let bytes = this.#sizes[size];
    if (bytes === undefined) {
      bytes = iced.MemorySizeExt.size(size);
      this.#sizes[size] = bytes;
    }
    i.memorySize = bytes;
    i.scale = raw.memoryIndexScale;
    if (base === iced.Register.RIP) {
      i.ripRelative = true;
      i.displacement = Number(raw.ipRelMemoryAddress);
      return;
    }
    i.displacement = Number(BigInt.asIntN(64, raw.memoryDisplacement));
    i.base = this.#addressRegister(base);
    i.index = this.#addressRegister(raw.memoryIndex);
  }

  #addressRegister(r: number): number {
    const n = this.#registers.number[r]!;
    // A 32-bit address would wrap around.
    return n >= 0 && this.#registers.size[r] !== 8 ? OTHER_REGISTER : n;
  }
}
