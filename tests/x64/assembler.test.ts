import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Code, Decoder, DecoderOptions, FlowControl } from "iced-x86";
import { RelocKind, UnwindOp } from "../../src/codegen/compiled.ts";
import { Assembler } from "../../src/codegen/x64/assembler.ts";
import { Mem, Operands } from "../../src/codegen/x64/encoder.ts";
import { Cond, Inst } from "../../src/codegen/x64/instructions.ts";
import { RAX, RCX, RDI, XMM0 } from "../../src/codegen/x64/registers.ts";

interface Decoded {
  readonly at: number;
  readonly end: number;
  readonly code: Code;
  readonly target: number;
  readonly memory: number;
}

function disassemble(code: Uint8Array): Decoded[] {
  const decoder = new Decoder(64, code, DecoderOptions.None);
  decoder.ip = 0n;
  const out: Decoded[] = [];
  while (decoder.canDecode) {
    const i = decoder.decode();
    assert.notEqual(i.code, Code.INVALID);
    const branch = i.flowControl === FlowControl.ConditionalBranch || i.flowControl === FlowControl.UnconditionalBranch;
    out.push({
      at: Number(i.ip),
      end: Number(i.nextIP),
      code: i.code,
      target: branch ? Number(BigInt.asIntN(64, i.nearBranchTarget)) : -1,
      memory: i.isIpRelMemoryOperand ? Number(i.ipRelMemoryAddress) : -1,
    });
    i.free();
  }
  decoder.free();
  return out;
}

function bytesOf(build: (a: Assembler) => void): number[] {
  const a = new Assembler();
  build(a);
  return [...a.finish(0).code];
}

test("branches are short where they reach, at the edges exactly", () => {
  for (const [distance, length] of [
    [126, 2],
    [127, 2],
    [128, 5],
  ] as const) {
    const a = new Assembler();
    const end = a.newLabel();
    a.jmp(end);
    for (let i = 0; i < distance; i++) a.none(Inst.nop);
    a.bind(end);
    a.none(Inst.ret);
    assert.equal(a.finish(0).code.length, distance + length + 1, `forward ${distance}`);
  }
  for (const [distance, length] of [
    [126, 2],
    [127, 6],
  ] as const) {
    const a = new Assembler();
    const top = a.newLabel();
    a.bind(top);
    for (let i = 0; i < distance; i++) a.none(Inst.nop);
    a.jcc(Cond.ne, top);
    assert.equal(a.finish(0).code.length, distance + length, `backward ${distance}`);
  }
});

test("a jump to the next instruction is left out; one branch's shortening lets another reach", () => {
  assert.deepEqual(
    bytesOf((a) => {
      const next = a.newLabel();
      a.jmp(next);
      a.bind(next);
      a.none(Inst.ret);
    }),
    [0xc3],
  );
  const chain = bytesOf((a) => {
    const end = a.newLabel();
    for (let i = 0; i < 64; i++) a.jcc(Cond.e, end);
    a.bind(end);
    a.none(Inst.ret);
  });
  assert.equal(chain.length, 64 * 2 + 1);
});

test("alignment", () => {
  const a = new Assembler();
  const top = a.newLabel();
  a.none(Inst.ret);
  a.align(32);
  a.bind(top);
  a.jmp(top);
  const f = a.finish(0, 16);
  assert.equal(f.align, 32);
  assert.deepEqual([...f.code.subarray(32)], [0xeb, 0xfe]);
  disassemble(f.code);
});

test("jump tables and constants lie behind the code and are reached", () => {
  const a = new Assembler();
  const mem = new Mem();
  const targets = [a.newLabel(), a.newLabel(), a.newLabel()];
  const table = a.jumpTable(targets);
  a.rm(Inst.lea, 8, RAX, mem.setLabel(table));
  a.rm(Inst.movsd_rm, 0, XMM0, mem.setLabel(a.constant(8, 0x11, 0x22)));
  a.rm(Inst.pand_rm, 0, XMM0, mem.setLabel(a.constant(16, 1, 2, 3, 4)));
  a.rmi(Inst.imul_rmi, 4, RAX, mem.setLabel(a.constant(4, 77)), 1000);
  a.mi(Inst.cmp_mi, 8, mem.setLabel(a.constant(8, 0x11, 0x22)), 5);
  for (const target of targets) {
    a.bind(target);
    a.none(Inst.ret);
  }
  const f = a.finish(0);
  const view = new DataView(f.code.buffer, f.code.byteOffset, f.code.length);
  const code = disassemble(f.code.subarray(0, f.codeLength));
  const rets = code.filter((i) => i.code === Code.Retnq).map((i) => i.at);
  const [tableAt = 0, eight = 0, sixteen = 0, four = 0, again = 0] = code
    .filter((i) => i.memory >= 0)
    .map((i) => i.memory);
  assert.deepEqual(
    [0, 4, 8].map((o) => tableAt + view.getInt32(tableAt + o, true)),
    rets,
  );
  assert.equal(eight, again);
  assert.deepEqual([view.getInt32(eight, true), view.getInt32(eight + 4, true), eight % 8], [0x11, 0x22, 0]);
  assert.deepEqual([view.getInt32(sixteen, true), view.getInt32(sixteen + 12, true), sixteen % 16], [1, 4, 0]);
  assert.equal(view.getInt32(four, true), 77);
});

test("relocations point at their fields and reach to the end of the instruction", () => {
  const a = new Assembler();
  const o = new Operands();
  const skip = a.newLabel();
  a.jcc(Cond.e, skip);
  a.callSymbol(9);
  a.callSite(100);
  a.bind(skip);
  a.rm(Inst.lea, 8, RAX, o.mem.setSymbol(RelocKind.data, 3, 16));
  a.mi(Inst.cmp_mi, 4, o.mem.setSymbol(RelocKind.data, 4), 1000);
  a.mi(Inst.cmp_mi, 4, o.mem.setSymbol(RelocKind.data, 4), 1);
  o.target = 2;
  a.inst(Inst.jmp_sym, 0, o);
  const f = a.finish(8);
  assert.deepEqual([...f.relocOffset], [3, 10, 16, 26, 32]);
  assert.deepEqual([...f.relocKind], [RelocKind.call, RelocKind.data, RelocKind.data, RelocKind.data, RelocKind.call]);
  assert.deepEqual([...f.relocSymbol], [9, 3, 4, 4, 2]);
  assert.deepEqual([...f.relocAddend], [-4, 12, -8, -5, -4]);
  assert.deepEqual([[...f.callOffset], [...f.callLoc]], [[7], [100]]);
});

test("an unbound or doubly bound label is an internal error", () => {
  const a = new Assembler();
  a.jmp(a.newLabel());
  assert.throws(() => a.finish(0), /never bound/);
  const b = new Assembler();
  const label = b.newLabel();
  b.bind(label);
  assert.throws(() => b.bind(label), /twice/);
});

/** A program of the property test: what to append. */
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("fill" as const), count: fc.integer({ min: 1, max: 90 }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("jcc" as const), to: fc.nat(11) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("jmp" as const), to: fc.nat(11) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("align" as const), log: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lea" as const), to: fc.nat(11) }) },
);

test("any mix of branches, alignment and records: everything points where it pointed", () => {
  fc.assert(
    fc.property(
      fc.array(step, { maxLength: 60 }),
      fc.array(fc.nat(59), { minLength: 12, maxLength: 12 }),
      (steps, places) => {
        const a = new Assembler();
        const labels = places.map(() => a.newLabel());
        const mem = new Mem();
        // Every label is marked by a move of its own number, every record by one of 1000 + its position.
        const mark = (n: number) => a.ri(Inst.mov_ri, 4, RCX, 0x7000_0000 + n);
        const wanted: number[] = [];
        steps.forEach((s, i) => {
          places.forEach((place, l) => {
            if (Math.min(place, steps.length - 1) !== i) return;
            a.bind(labels[l] ?? 0);
            mark(l);
          });
          a.trap(1, i);
          a.unwind(UnwindOp.defCfa, i, i);
          mark(1000 + i);
          if (s.kind === "fill") for (let n = 0; n < s.count; n++) a.none(Inst.nop);
          else if (s.kind === "align") a.align(1 << s.log);
          else {
            wanted.push(s.to);
            if (s.kind === "jcc") a.jcc(i & 15, labels[s.to] ?? 0);
            else if (s.kind === "jmp") a.jmp(labels[s.to] ?? 0);
            else a.rm(Inst.lea, 8, RDI, mem.setLabel(labels[s.to] ?? 0));
          }
          a.callSite(i);
        });
        if (steps.length === 0) for (const label of labels) a.bind(label);
        const f = a.finish(0);
        const code = disassemble(f.code);
        const view = new DataView(f.code.buffer, f.code.byteOffset, f.code.length);
        const markAt = (at: number) => (f.code[at] === 0xb9 ? view.getUint32(at + 1, true) - 0x7000_0000 : -1);
        const starts = new Set(code.map((i) => i.at).concat(f.code.length));
        // Each label's mark is followed by those of labels bound at the same step.
        const found = code
          .filter((i) => i.target >= 0 || i.memory >= 0)
          .map((i) => markAt(Math.max(i.target, i.memory)));
        const elided = wanted.length - found.length;
        assert.ok(elided >= 0);
        if (elided === 0) assert.deepEqual(found, wanted);
        for (const i of code) if (i.target >= 0) assert.ok(starts.has(i.target));
        [...f.trapOffset].forEach((at, i) => {
          assert.equal(markAt(at), 1000 + i);
        });
        assert.deepEqual(f.unwindOffset, f.trapOffset);
        [...f.callOffset].forEach((at, i) => {
          assert.ok(starts.has(at));
          if (steps[i]?.kind !== "align") assert.ok(at >= (f.trapOffset[i] ?? 0) + 5);
        });
        // No long branch would have reached from where it is, but for the room that alignment was given.
        const aligned = steps.some((s) => s.kind === "align");
        for (const i of code) {
          const long = i.target >= 0 && i.end - i.at > 2;
          if (long && !aligned)
            assert.ok(i.target - i.at - 2 > 127 || i.target - i.at - 2 < -128, "a long branch was needed");
        }
      },
    ),
    { numRuns: 400 },
  );
});

test("the same calls give the same bytes, and the assembler can be used again", () => {
  const build = (a: Assembler) => {
    const l = a.newLabel();
    a.bind(l);
    a.rr(Inst.add_rr, 8, RAX, RDI);
    a.constant(8, 1, 2);
    a.jcc(Cond.ne, l);
    a.none(Inst.ret);
    return a.finish(0);
  };
  const a = new Assembler();
  assert.deepEqual(build(a), build(a));
  assert.deepEqual(build(a), build(new Assembler()));
});

test("100,000 branches and constants take linear time", () => {
  const a = new Assembler();
  const mem = new Mem();
  const labels = Array.from({ length: 100_000 }, () => a.newLabel());
  const begin = performance.now();
  labels.forEach((label, i) => {
    a.jcc(Cond.e, labels[(i * 7919) % labels.length] ?? 0);
    a.jcc(Cond.ne, labels[Math.min(i + 3, labels.length - 1)] ?? 0);
    a.rm(Inst.movsd_rm, 0, XMM0, mem.setLabel(a.constant(8, i, ~i)));
    a.bind(label);
  });
  a.jumpTable(labels);
  a.none(Inst.ret);
  const f = a.finish(0);
  assert.ok(f.code.length > 2_000_000);
  assert.ok(performance.now() - begin < 5000, `${performance.now() - begin} ms`);
});
