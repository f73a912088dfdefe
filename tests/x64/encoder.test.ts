import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { CodeBuffer, encode, Mem, NO_REG, Operands, putNops } from "../../src/codegen/x64/encoder.ts";
import { instArgs, SHAPE, Shape } from "../../src/codegen/x64/encoding.ts";
import { INST_NAMES, Inst, instName, instRow } from "../../src/codegen/x64/instructions.ts";
import { printInst } from "../../src/codegen/x64/print.ts";
import { R11, RAX, RSP, XMM0 } from "../../src/codegen/x64/registers.ts";
import { assertDecodes, decodeOne, effects } from "./oracle.ts";

const ALL_REGISTERS = Array.from({ length: 16 }, (_, i) => i);
const DISPLACEMENTS = [0, 1, -128, 127, 128, -129, 0x7fffffff, -0x80000000];
const IMMEDIATES = [0, 1, -1, 2, 7, 127, -128, 128, -129, 0x7fff, 0x8000, -0x8000, 0x7fffffff, -0x80000000, 0x12345678];

const buffer = new CodeBuffer(16);
let checked = 0;

function bytesOf(inst: number, size: number, o: Operands): Uint8Array {
  buffer.length = 0;
  encode(buffer, inst, size, o);
  return buffer.bytes.slice(0, buffer.length);
}

function check(inst: number, size: number, o: Operands): void {
  assertDecodes(bytesOf(inst, size, o), inst, size, o);
  checked++;
}

function registersFor(inst: number, which: number): readonly number[] {
  const arg = instArgs(inst).filter((a) => a.kind === "reg")[which];
  if (arg === undefined) return [0];
  return arg.vector ? ALL_REGISTERS.map((r) => XMM0 + r) : ALL_REGISTERS;
}

function immediatesFor(inst: number, size: number): readonly number[] {
  const arg = instArgs(inst).find((a) => a.kind === "imm");
  if (arg === undefined) return [0];
  if (arg.place === "imm8") return [0, 1, 2, 3, 7, 127, 255];
  if (arg.place === "imm16") return [0, 8, 0x7fff, 0xffff];
  const bits = size === 1 ? 8 : size === 2 ? 16 : 32;
  return IMMEDIATES.filter((v) => bits === 32 || (v >= -(2 ** (bits - 1)) && v < 2 ** bits));
}

/** Every register alone, each with each, every base with every displacement, every index and scale, rip-relative; every immediate. */
function exercise(inst: number, size: number): void {
  const o = new Operands();
  const registers = instArgs(inst).filter((a) => a.kind === "reg").length;
  const hasMem = instArgs(inst).some((a) => a.kind === "mem");
  const conditions = instRow(inst).code.includes("+cc") ? 16 : 1;
  for (o.cc = 0; o.cc < conditions; o.cc++) {
    for (const imm of immediatesFor(inst, size)) {
      o.imm = imm;
      o.immHi = imm >> 31;
      o.a = registersFor(inst, 0)[(imm + o.cc) & 15] ?? 0;
      o.b = registersFor(inst, 1)[(imm + 5) & 15] ?? 0;
      o.mem.setBase(imm & 15, imm | 0);
      check(inst, size, o);
    }
    o.imm = 1;
    o.immHi = 0;
    for (const a of registersFor(inst, 0)) {
      o.a = a;
      if (registers < 2) {
        o.mem.setIndexed(a & 15, (a + 7) & 15 || NO_REG, 4, a);
        if (o.mem.index === RSP) o.mem.index = NO_REG;
        check(inst, size, o);
        continue;
      }
      for (const b of registersFor(inst, 1)) {
        o.b = b;
        check(inst, size, o);
      }
    }
  }
  o.cc = 0;
  if (!hasMem) return;
  o.a = registersFor(inst, 0)[9] ?? 0;
  for (const disp of DISPLACEMENTS) {
    for (const base of [NO_REG, ...ALL_REGISTERS]) {
      o.mem.setBase(base, disp);
      check(inst, size, o);
    }
    o.mem.setIndexed(NO_REG, 3, 8, disp);
    check(inst, size, o);
  }
  for (const index of ALL_REGISTERS) {
    if (index === RSP) continue;
    for (const base of [NO_REG, 0, 4, 5, 12, 13]) {
      o.mem.setIndexed(base, index, 1 << (index & 3), index % 3 === 0 ? 0 : 64);
      check(inst, size, o);
    }
  }
  o.mem.setLabel(0);
  check(inst, size, o);
  o.mem.setSymbol(0, 0);
  check(inst, size, o);
}

test("every row, at every size, with every register, address form and immediate class, decodes to what it says", () => {
  for (let inst = 0; inst < INST_NAMES.length; inst++) {
    for (const size of instRow(inst).sizes ?? [0]) exercise(inst, size);
  }
  assert.ok(checked > 100_000, `${checked} encodings`);
});

test("all address forms of one instruction", () => {
  const o = new Operands();
  for (const base of [NO_REG, ...ALL_REGISTERS]) {
    for (const index of [NO_REG, ...ALL_REGISTERS]) {
      if (index === RSP) continue;
      for (const scale of [1, 2, 4, 8]) {
        for (const disp of DISPLACEMENTS) {
          o.a = (base + index) & 15;
          o.mem.setIndexed(base, index, scale, disp);
          check(Inst.mov_rm, 8, o);
        }
      }
    }
  }
});

test("operands, flags and implicit registers of every row are what the disassembler knows", () => {
  // A scalar result keeps the upper part of its register, which holds nothing; so does the low byte that setcc writes.
  const keepsUpperPart = /^(sqrt|round|cvt)/;
  for (let inst = 0; inst < INST_NAMES.length; inst++) {
    const row = instRow(inst);
    const name = instName(inst);
    const o = new Operands();
    o.a = instArgs(inst).find((a) => a.kind === "reg")?.vector ? XMM0 + 9 : 9;
    o.b = instArgs(inst).filter((a) => a.kind === "reg")[1]?.vector ? XMM0 + 10 : 10;
    o.mem.setBase(14, 8);
    o.imm = 3;
    let reads: readonly string[] = [];
    let writes: readonly string[] = [];
    for (const size of row.sizes ?? [0]) {
      for (o.cc = 0; o.cc < (row.code.includes("+cc") ? 16 : 1); o.cc++) {
        const seen = effects(bytesOf(inst, size, o), name);
        instArgs(inst).forEach((arg, n) => {
          if (arg.kind !== "reg" && arg.kind !== "mem") return;
          const access = seen.operands[n];
          if (access === "rw" && arg.role === "w" && keepsUpperPart.test(name)) return;
          // A conditional write leaves the old value otherwise.
          if (access === "w" && arg.role === "rw" && name.startsWith("cmovcc")) return;
          assert.equal(access, arg.role, `${name}: operand ${n}`);
        });
        reads = [...new Set([...reads, ...seen.reads])].sort();
        writes = [...new Set([...writes, ...seen.writes])].sort();
        const written = new Set([
          "r9",
          "r9d",
          "r9w",
          "r9b",
          "r10",
          "r10d",
          "r10w",
          "r10b",
          "r14",
          "r14d",
          "xmm9",
          "xmm10",
          "rsp",
        ]);
        const implicit = new Map((row.implicit ?? []).map((t) => [t.split(" ")[1], t.split(" ")[0]]));
        for (const arg of instArgs(inst)) if (arg.kind === "fixed") implicit.set(arg.place, arg.role);
        for (const { name: reg, access } of seen.registers) {
          if (written.has(reg) || /^[c-gs]s$/.test(reg)) continue;
          const full = /^(al|ax|ah)$/.test(reg) ? "rax" : /^(dx|dl)$/.test(reg) ? "rdx" : reg;
          const role = implicit.get(reg) ?? implicit.get(full);
          assert.notEqual(role, undefined, `${name} touches ${reg} (${access})`);
          for (const letter of access)
            assert.ok(role?.includes(letter), `${name}: ${reg} is ${access}, row says ${role}`);
        }
      }
    }
    assert.deepEqual([...(row.reads ?? "")].sort(), [...reads], `${name}: flags read`);
    assert.deepEqual([...(row.writes ?? "")].sort(), [...writes], `${name}: flags written`);
  }
});

test("mov of an immediate takes the shortest form", () => {
  const o = new Operands();
  o.a = RAX;
  const length = (size: number, lo: number, hi: number) => {
    o.imm = lo;
    o.immHi = hi;
    check(Inst.mov_ri, size, o);
    return bytesOf(Inst.mov_ri, size, o).length;
  };
  assert.equal(length(8, 5, 0), 5);
  assert.equal(length(8, -1, 0), 5);
  assert.equal(length(8, -1, -1), 7);
  assert.equal(length(8, 0, 1), 10);
  assert.equal(length(8, 5, -1), 10);
});

test("random operands", () => {
  const anyInst = fc.integer({ min: 0, max: INST_NAMES.length - 1 });
  fc.assert(
    fc.property(
      anyInst,
      fc.nat(),
      fc.array(fc.nat(15), { minLength: 4, maxLength: 4 }),
      fc.integer(),
      fc.integer(),
      (inst, pick, regs, disp, imm) => {
        const sizes = instRow(inst).sizes ?? [0];
        const size = sizes[pick % sizes.length] ?? 0;
        const o = new Operands();
        o.a = registersFor(inst, 0)[regs[0] ?? 0] ?? 0;
        o.b = registersFor(inst, 1)[regs[1] ?? 0] ?? 0;
        const index = regs[3] ?? 0;
        o.mem.setIndexed(regs[2] ?? 0, index === RSP ? NO_REG : index, 1 << (pick & 3), disp);
        const immediates = immediatesFor(inst, size);
        o.imm = immediates.includes(0x12345678) ? imm : (immediates[pick % immediates.length] ?? 0);
        o.immHi = inst === Inst.mov_ri ? disp : 0;
        o.cc = instRow(inst).code.includes("+cc") ? (regs[0] ?? 0) : 0;
        check(inst, size, o);
      },
    ),
    { numRuns: 5000 },
  );
});

test("no-operation padding of every length", () => {
  for (let length = 1; length < 40; length++) {
    const bytes = new Uint8Array(length);
    putNops(bytes, 0, length);
    for (let at = 0; at < length; ) {
      const size = Math.min(9, length - at);
      decodeOne(bytes.subarray(at, at + size), "nop").free();
      at += size;
    }
  }
});

test("shapes have the numbers that `encode` switches on", () => {
  assert.deepEqual(Object.values(Shape), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
  assert.equal(SHAPE.length, INST_NAMES.length);
});

test("operands that no encoding has are refused", () => {
  const o = new Operands();
  o.mem.setIndexed(RAX, RSP, 1, 0);
  assert.throws(() => bytesOf(Inst.mov_rm, 8, o), /index 4/);
  o.mem.setIndexed(RAX, RAX, 3, 0);
  assert.throws(() => bytesOf(Inst.mov_rm, 8, o), /\* 3/);
  o.mem.setBase(RAX, 2 ** 31);
  assert.throws(() => bytesOf(Inst.mov_rm, 8, o), /does not fit/);
  o.imm = 2 ** 31;
  assert.throws(() => bytesOf(Inst.add_ri, 8, o), /does not fit/);
  assert.throws(() => bytesOf(Inst.imul_rr, 1, o), /no 8-bit form/);
});

test("the printer", () => {
  const o = new Operands();
  o.a = RAX;
  o.b = R11;
  assert.equal(printInst(Inst.add_rr, 4, o), "add eax, r11d");
  o.mem.setIndexed(5, 1, 8, -16);
  assert.equal(printInst(Inst.mov_rm, 8, o), "mov rax, qword ptr [rbp + rcx*8 - 0x10]");
  assert.equal(printInst(Inst.lea, 8, o), "lea rax, [rbp + rcx*8 - 0x10]");
  o.imm = -1;
  assert.equal(printInst(Inst.cmp_mi, 1, o), "cmp byte ptr [rbp + rcx*8 - 0x10], -1");
  o.cc = 5;
  o.target = 7;
  assert.equal(printInst(Inst.jcc, 0, o), "jne .L7");
  assert.equal(printInst(Inst.lock_cmpxchg_mr, 4, o), "lock cmpxchg dword ptr [rbp + rcx*8 - 0x10], eax");
  assert.equal(printInst(Inst.shl_rc, 8, o), "shl rax, cl");
  o.a = XMM0;
  o.mem.setLabel(3, 4);
  assert.equal(printInst(Inst.movsd_rm, 0, o), "movsd xmm0, qword ptr [rip + .L3 + 4]");
  assert.equal(printInst(Inst.ud2, 0, o), "ud2");
  // Every row prints something.
  for (let inst = 0; inst < INST_NAMES.length; inst++) {
    assert.match(printInst(inst, instRow(inst).sizes?.[0] ?? 0, new Operands()), /^[a-z][a-z0-9]+/);
  }
});

test("a memory operand is reusable", () => {
  const mem = new Mem().setSymbol(2, 7, 4).setBase(3, 8);
  assert.deepEqual({ ...mem }, { ...new Mem().setBase(3, 8), target: 7, relocKind: 2 });
});
