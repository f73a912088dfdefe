/**
 * What the sandbox verifier is worth: every check in the code of a module, of each kind that it proves, is removed or weakened, one at a time
 * and in the emitted bytes; it has to reject each of these objects.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as iced from "iced-x86";
import { compile } from "../../src/driver/compile.ts";
import { FUNCREF_SIZE } from "../../src/layout/funcref.ts";
import { ContextField, GUARD_SIZE } from "../../src/layout/offsets.ts";
import { RightsOf } from "../../src/verify/context.ts";
import { CodeReader } from "../../src/verify/decode.ts";
import { verifyFunction } from "../../src/verify/function.ts";
import { readImage } from "../../src/verify/image.ts";
import { worldOf } from "../../src/verify/verify.ts";
import { assemble } from "../support/wat.ts";

/** Each function has the checks of one kind. The host reaches memories and table, so that nothing about them is constant. */
const MODULE = `(module
  (type $one (func (param i32) (result i32)))
  (type $two (func (param i64 i64 i64 i64 i64 i64 i64 i64)))
  (type $pair (func (param i32 i32) (result i32)))
  (memory $plain (export "plain") 1 4)
  (memory $wide (export "wide") i64 1 4)
  (table $table (export "table") 10 20 funcref)
  (global $number (export "number") (mut i32) (i32.const 0))
  (global $function (mut (ref null $one)) (ref.null $one))
  (elem (table $table) (i32.const 0) func $load $load_far $div)
  (func $div (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
  (func $load (export "load") (param i32) (result i32) (i32.load $plain offset=8 (local.get 0)))
  (func $load_far (export "load far") (param i32) (result i32) (i32.load $plain offset=0x30000 (local.get 0)))
  (func (export "store") (param i32 i64) (i64.store16 $plain offset=3 (local.get 0) (local.get 1)))
  (func (export "vector") (param i32 v128) (result v128) (v128.load32_lane $plain offset=4 1 (local.get 0) (local.get 1)))
  (func (export "atomic") (param i32) (result i32) (i32.atomic.rmw8.add_u $plain offset=1 (local.get 0) (i32.const 1)))
  (func (export "load wide") (param i64) (result i64) (i64.load $wide offset=8 (local.get 0)))
  (func (export "load wide far") (param i64) (result f64) (f64.load $wide offset=0x20000 (local.get 0)))
  (func (export "get") (param i32) (result funcref) (table.get $table (local.get 0)))
  (func (export "set") (param i32) (table.set $table (local.get 0) (ref.func $load)))
  (func (export "call") (param i32 i32) (result i32)
    (i32.add (call_indirect $table (type $one) (local.get 0) (local.get 1)) (local.get 1)))
  (func (export "tail call") (param i32 i32) (result i32)
    (return_call_indirect $table (type $one) (local.get 0) (local.get 1)))
  (func (export "call reference") (param i32) (result i32)
    (i32.add (call_ref $one (local.get 0) (global.get $function)) (local.get 0)))
  (func (export "branch") (param i32) (result i32)
    (block $a (block $b (block $c (block $d
      (br_table $a $b $c $d (local.get 0)))
      (return (i32.const 10))) (return (i32.const 20))) (return (i32.const 30)))
    (i32.const 40))
  (func $deep (export "recursion") (param i32) (result i32)
    (if (result i32) (local.get 0)
      (then (i32.add (local.get 0) (call $deep (i32.sub (local.get 0) (i32.const 1)))))
      (else (i32.const 0))))
  (func (export "calls") (param i32) (result i32)
    (i32.add (call $deep (local.get 0)) (call $deep (local.get 0))))
  (func (export "fill") (param i32 i32) (memory.fill $plain (local.get 0) (i32.const 1) (local.get 1)))
  (func (export "copy") (param i32 i64 i32) (memory.copy $plain $plain (local.get 0) (local.get 2) (local.get 2)))
  (data $bytes "BYTES")
  (func (export "load wide next") (param i64) (result i32)
    (i32.add (i32.load8_u $wide (local.get 0)) (i32.load8_u $wide (i64.add (local.get 0) (i64.const 1)))))
  (func (export "load wide sum") (param i64) (result i64) (i64.load $wide (i64.add (local.get 0) (i64.const 16))))
  (func (export "load wide multiple") (param i64) (result i64) (i64.load $wide (i64.mul (local.get 0) (i64.const 24))))
  (func (export "load wide sum of a multiple") (param i64) (result i64)
    (i64.load $wide offset=40 (i64.shl (i64.add (local.get 0) (i64.const 3)) (i64.const 3))))
  (func (export "load wide sum of multiples") (param i64 i64) (result i64)
    (i64.load $wide (i64.add (i64.shl (local.get 0) (i64.const 2)) (i64.mul (local.get 1) (i64.const 3)))))
  (func (export "load wide at a large constant") (result i64) (i64.load $wide (i64.const 0x4000_0000_0000_0001)))
  (func (export "load wide negative") (param i64) (result i64) (i64.load $wide (i64.sub (i64.const 16) (local.get 0))))
  (func (export "load wide extended") (param i32) (result i64) (i64.load $wide (i64.extend_i32_s (local.get 0))))
  (func (export "get multiple") (param i32) (result funcref)
    (table.get $table (i32.add (i32.mul (local.get 0) (i32.const 3)) (i32.const 1))))
  (func (export "init") (param i32 i32 i32) (memory.init $plain $bytes (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy to a sum") (param i32 i32 i32)
    (memory.copy $plain $plain
      (i32.add (i32.and (local.get 0) (i32.const 255)) (i32.and (local.get 1) (i32.const 255))) (i32.const 11) (local.get 2)))
  (func (export "globals") (param i32) (global.set $number (local.get 0)) (global.set $function (ref.func $load)))
  (func (export "stack arguments") (param i64 i64 i64 i64 i64 i64 i64 i32) (result i32)
    (call $many (local.get 6) (local.get 5) (local.get 4) (local.get 3) (local.get 2) (local.get 1) (local.get 0) (local.get 7)))
  (func (export "large frame") (param i32) (result i32)
    (local v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    LARGE)
  (func $many (param i64 i64 i64 i64 i64 i64 i64 i32) (result i32) (i32.load $plain (local.get 7))))`
  .replace("BYTES", "x".repeat(4096))
  .replace("LARGE", () => {
    const locals = Array.from({ length: 24 }, (_, k) => k + 1);
    const made = locals.map((k) => `(local.set ${k} (i32x4.splat (i32.add (local.get 0) (i32.const ${k}))))`);
    const sum = locals.reduce((x, k) => `(i32x4.add ${x} (local.get ${k}))`, "(v128.const i64x2 0 0)");
    return `${made.join(" ")} (i32.add (call $deep (local.get 0)) (i32x4.extract_lane 0 ${sum}))`;
  });

/** The instruction at number `n` of the code of a function. */
interface Site {
  readonly name: string;
  readonly code: readonly iced.Instruction[];
  readonly n: number;
  readonly raise: bigint;
  readonly guarded: boolean;
}

/** Writes over the bytes of an instruction. */
type Change = (bytes: Uint8Array, offsets: iced.ConstantOffsets) => void;

interface Mutation {
  readonly name: string;
  /** How the instruction at a site changes; undefined: it is none of these. */
  readonly change: (i: iced.Instruction, site: Site) => Change | undefined;
}

const { Mnemonic, OpKind, Register, FlowControl, RegisterExt } = iced;

const removed: Change = (bytes) => bytes.fill(0x90);
const RSP = 4;
/** xor edi, edi */
const zeroed: Change = (bytes) => bytes.fill(0x90).set([0x31, 0xff]);
/** The condition of jcc, cmovcc: the lowest bit of the opcode. */
const reversed: Change = (bytes) => {
  const prefix = bytes.findIndex((b) => b === 0x0f);
  const at = prefix >= 0 && prefix <= 2 ? prefix + 1 : 0;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
};
/** The condition's number, which the processor knows it by, becomes another one. */
const withCondition =
  (condition: number): Change =>
  (bytes) => {
    const prefix = bytes.findIndex((b) => b === 0x0f);
    const at = prefix >= 0 && prefix <= 2 ? prefix + 1 : 0;
    bytes[at] = ((bytes[at] ?? 0) & ~15) | condition;
  };
/** Operand 0 of a comparison, a register, becomes the next one. */
const nextRegister: Change = (bytes, { immediateSize }) => {
  const at = bytes.length - 1 - immediateSize;
  const operands = bytes[at] ?? 0;
  bytes[at] = (operands & ~7) | ((operands + 1) & 7);
};
function moved(bytes: Uint8Array, at: number, size: number, n: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (size === 1) view.setInt8(at, view.getInt8(at) + n);
  else if (size === 2) view.setInt16(at, view.getInt16(at, true) + n, true);
  else if (size === 4) view.setInt32(at, view.getInt32(at, true) + n, true);
}
const displaced =
  (n: number): Change =>
  (bytes, offsets) =>
    moved(bytes, offsets.displacementOffset, offsets.displacementSize, n);
const increased =
  (n: number): Change =>
  (bytes, offsets) =>
    moved(bytes, offsets.immediateOffset, offsets.immediateSize, n);

const isBranch = (i: iced.Instruction | undefined): boolean => i?.flowControl === FlowControl.ConditionalBranch;
const isMove = (i: iced.Instruction): boolean => i.mnemonic === Mnemonic.Mov;
const isConditionalMove = (i: iced.Instruction): boolean => (Mnemonic[i.mnemonic] ?? "").startsWith("Cmov");
const isRegister = (r: number, size: number): boolean => RegisterExt.isGPR(r) && RegisterExt.size(r) === size;
const hasImmediate = (i: iced.Instruction): boolean =>
  i.opCount === 2 && i.op1Kind >= OpKind.Immediate8 && i.op1Kind <= OpKind.Immediate32to64;
const isNegative = (bits: bigint): boolean => BigInt.asIntN(64, bits) < 0n;

/** A load or store; of the frame: none. */
function accesses(i: iced.Instruction): boolean {
  const memory = [i.op0Kind, i.op1Kind, i.op2Kind].slice(0, i.opCount).includes(OpKind.Memory);
  return memory && i.mnemonic !== Mnemonic.Lea && i.memoryBase !== Register.RBP && i.memoryBase !== Register.RSP;
}
const accessesField = (i: iced.Instruction): boolean =>
  accesses(i) && i.memoryBase === Register.RDI && i.memoryIndex === Register.None;
const isRipRelative = (i: iced.Instruction): boolean => i.mnemonic === Mnemonic.Lea && i.isIpRelMemoryOperand;

/** Where a check fails, or an index has no entry in a jump table. */
function leavesOnFailure(i: iced.Instruction, { name, code, raise }: Site): boolean {
  if (!isBranch(i)) return false;
  const target = code.find((c) => c.ip === i.nearBranchTarget);
  const raises = target?.mnemonic === Mnemonic.Call && target.nearBranchTarget === raise;
  // Null and another signature are told apart where the check has failed already.
  if (raises) return !(/^(tail )?call$/.test(name) && i.mnemonic === Mnemonic.Je);
  return /^(tail )?call$/.test(name) && i.mnemonic === Mnemonic.Jne;
}

const { ConditionCode } = iced;
/** Of an unsigned condition: the same of signed numbers, and, where equal ones hold it, that of others alone. */
const SIGNED: Readonly<Record<number, number>> = {
  [ConditionCode.b]: 12,
  [ConditionCode.ae]: 13,
  [ConditionCode.be]: 14,
  [ConditionCode.a]: 15,
};
const STRICT: Readonly<Record<number, number>> = { [ConditionCode.ae]: 7, [ConditionCode.be]: 2 };
const EQUAL = 4;
const NEGATIVE = 8;

/** Another condition of a check, or of its guard. */
function conditionOf(i: iced.Instruction, site: Site, to: Readonly<Record<number, number>>): Change | undefined {
  const condition = to[i.conditionCode];
  if (condition === undefined || !(leavesOnFailure(i, site) || isConditionalMove(i))) return undefined;
  return withCondition(condition);
}
const always = (condition: number): Readonly<Record<number, number>> =>
  Object.fromEntries(Object.keys(SIGNED).map((c) => [c, condition]));

const IN_MEMORY = /^(load|store|vector|atomic)/;
const OF_TABLE = /^(get|set|call|tail call)$/;
const INDEXED = /^(load|store|vector|atomic|get|set|call$|tail call|branch)/;

const MUTATIONS: readonly Mutation[] = [
  { name: "check removed", change: (i, site) => (leavesOnFailure(i, site) ? removed : undefined) },
  { name: "check reversed", change: (i, site) => (leavesOnFailure(i, site) ? reversed : undefined) },
  { name: "guard removed", change: (i) => (isConditionalMove(i) ? removed : undefined) },
  { name: "guard reversed", change: (i) => (isConditionalMove(i) ? reversed : undefined) },
  {
    name: "condition of signed numbers",
    // Of 64 bits, indexes of 32 and lengths are none that have a sign.
    change: (i, site) =>
      /wide|^(get|set|call|tail call|branch)/.test(site.name) ? conditionOf(i, site, SIGNED) : undefined,
  },
  { name: "condition without equality", change: (i, site) => conditionOf(i, site, STRICT) },
  { name: "condition of equality alone", change: (i, site) => conditionOf(i, site, always(EQUAL)) },
  { name: "condition of a sign alone", change: (i, site) => conditionOf(i, site, always(NEGATIVE)) },
  {
    name: "another register compared",
    change: (i, { code, n }) =>
      i.mnemonic === Mnemonic.Cmp &&
      i.op0Kind === OpKind.Register &&
      i.op1Kind !== OpKind.Memory &&
      isBranch(code[n + 1])
        ? nextRegister
        : undefined,
  },
  {
    name: "bound larger by an access",
    // Not signatures: numbers of others are others.
    change: (i, { code, n }) =>
      i.mnemonic === Mnemonic.Cmp && hasImmediate(i) && SIGNED[code[n + 1]?.conditionCode ?? 0] !== undefined
        ? increased(code[n + 1]?.mnemonic === Mnemonic.Jb ? -8 : 8)
        : undefined,
  },
  {
    name: "bound or signature one larger",
    change: (i, { code, n }) =>
      i.mnemonic === Mnemonic.Cmp && hasImmediate(i) && isBranch(code[n + 1])
        ? increased(code[n + 1]?.mnemonic === Mnemonic.Jb ? -1 : 1)
        : undefined,
  },
  {
    name: "room for an access one smaller",
    change(i, { name }) {
      if (!IN_MEMORY.test(name) || i.op0Register === Register.RSP) return undefined;
      if (i.mnemonic === Mnemonic.Lea && i.memoryIndex === Register.None) {
        return isNegative(i.memoryDisplacement) ? displaced(1) : undefined;
      }
      if (i.mnemonic === Mnemonic.Sub && hasImmediate(i)) return increased(-1);
      return i.mnemonic === Mnemonic.Add && hasImmediate(i) && isNegative(i.immediate(1)) ? increased(1) : undefined;
    },
  },
  {
    name: "another field",
    change: (i) => (accessesField(i) && i.op0Kind !== OpKind.Memory ? displaced(-16) : undefined),
  },
  {
    name: "stack limit written",
    change: (i) =>
      accessesField(i) && isMove(i) && i.op0Kind === OpKind.Memory
        ? displaced(ContextField.stackLimit - Number(i.memoryDisplacement))
        : undefined,
  },
  {
    name: "index not extended",
    change: (i, { name, guarded }) =>
      (guarded ? IN_MEMORY : OF_TABLE).test(name) &&
      isMove(i) &&
      isRegister(i.op0Register, 4) &&
      isRegister(i.op1Register, 4)
        ? removed
        : undefined,
  },
  {
    name: "distance without its sign",
    change: (i) =>
      i.mnemonic === Mnemonic.Movsxd && i.op1Kind === OpKind.Memory
        ? (bytes) => {
            // REX without W; mov.
            bytes[0] = (bytes[0] ?? 0) & ~8;
            bytes[1] = 0x8b;
          }
        : undefined,
  },
  {
    name: "access further away",
    change(i, { name, guarded }) {
      if (!accesses(i) || accessesField(i) || i.memoryDisplSize === 0 || !INDEXED.test(name)) return undefined;
      // 64-bit memories have a guard, too, but no index comes near its end.
      if (guarded && name.startsWith("load wide")) return undefined;
      return displaced(guarded && IN_MEMORY.test(name) ? GUARD_SIZE + 0x10_0000 : FUNCREF_SIZE);
    },
  },
  { name: "program's address moved", change: (i) => (isRipRelative(i) ? displaced(1) : undefined) },
  {
    name: "code without the text's address",
    change: (i, { name }) =>
      /call/.test(name) && i.mnemonic === Mnemonic.Add && isRegister(i.op0Register, 8) && isRegister(i.op1Register, 8)
        ? removed
        : undefined,
  },
  {
    name: "call or jump elsewhere",
    change: (i) =>
      i.flowControl === FlowControl.Call || i.flowControl === FlowControl.UnconditionalBranch
        ? increased(1)
        : undefined,
  },
  {
    name: "call or jump through another register",
    change: (i) =>
      i.flowControl === FlowControl.IndirectCall || i.flowControl === FlowControl.IndirectBranch
        ? (bytes) => {
            const last = bytes.length - 1;
            bytes[last] = ((bytes[last] ?? 0) & ~7) | RSP;
          }
        : undefined,
  },
  {
    name: "context lost",
    change: (i) => (isMove(i) && i.op0Register === Register.RDI ? zeroed : undefined),
  },
  {
    name: "frame not made",
    change: (i, { name }) =>
      i.mnemonic === Mnemonic.Push ||
      (isMove(i) && i.op0Register === Register.RBP && !/^(div|branch|globals)$/.test(name))
        ? removed
        : undefined,
  },
  {
    name: "register not saved or restored",
    change: (i) =>
      isMove(i) && i.memoryBase === Register.RBP && [i.op0Register, i.op1Register].some((r) => CALLEE_SAVED.has(r))
        ? removed
        : undefined,
  },
  {
    name: "frame not left",
    change: (i) => (/^(Pop|Leave|Ret)$/.test(Mnemonic[i.mnemonic] ?? "") ? removed : undefined),
  },
  {
    name: "arguments not popped",
    change: (i) => (i.mnemonic === Mnemonic.Ret && i.opCount === 1 ? increased(8) : undefined),
  },
  {
    name: "frame too large for its check",
    change: (i, { name }) =>
      name === "large frame" && i.mnemonic === Mnemonic.Sub && i.op0Register === Register.RSP
        ? increased(512)
        : undefined,
  },
];

const CALLEE_SAVED: ReadonlySet<number> = new Set([
  Register.RBX,
  Register.R12,
  Register.R13,
  Register.R14,
  Register.R15,
]);

const LENGTH = "a length is compared with a constant: neither is ever negative";
const NEXT = "an index behind one that is in bounds is not negative";
const ANY_DATA = "all of the program's read-only data may be read";

/** Mutations that are accepted: where, how many of each configuration, and why they harm nothing. */
const HARMLESS: readonly {
  readonly bounds: string;
  readonly site: string;
  readonly count: number;
  readonly reason: string;
}[] = [
  { bounds: "guard", site: "load wide far: condition of signed numbers", count: 2, reason: LENGTH },
  {
    bounds: "guard",
    site: "fill: guard removed",
    count: 2,
    reason: "32 bits of index and of count are inside of the memory's reservation",
  },
  { bounds: "guard", site: "copy: guard removed", count: 4, reason: "the same" },
  { bounds: "guard", site: "load wide next: condition of signed numbers", count: 1, reason: NEXT },
  { bounds: "guard", site: "init: guard removed", count: 2, reason: "the same; those of the segment's place stay" },
  { bounds: "guard", site: "init: program's address moved", count: 1, reason: ANY_DATA },
  { bounds: "guard", site: "copy to a sum: guard removed", count: 4, reason: "as of fill" },
  { bounds: "explicit", site: "load wide far: condition of signed numbers", count: 2, reason: LENGTH },
  {
    bounds: "explicit",
    site: "copy: guard removed",
    count: 2,
    reason: "the count waits for both of its checks, in the same memory",
  },
  { bounds: "explicit", site: "load wide next: condition of signed numbers", count: 1, reason: NEXT },
  { bounds: "explicit", site: "init: guard removed", count: 1, reason: "the count waits for the other one" },
  { bounds: "explicit", site: "init: program's address moved", count: 1, reason: ANY_DATA },
  {
    bounds: "explicit",
    site: "copy to a sum: guard removed",
    count: 4,
    reason: "as of copy; places and count are small",
  },
];

function instructions(bytes: Uint8Array, ip: number): { code: iced.Instruction[]; offsets: iced.ConstantOffsets[] } {
  const decoder = new iced.Decoder(64, bytes, iced.DecoderOptions.None);
  decoder.ip = BigInt(ip);
  const code: iced.Instruction[] = [];
  const offsets: iced.ConstantOffsets[] = [];
  while (decoder.canDecode) {
    const i = decoder.decode();
    code.push(i);
    offsets.push(decoder.getConstantOffsets(i));
  }
  decoder.free();
  return { code, offsets };
}

for (const optLevel of [0, 2] as const) {
  for (const bounds of ["guard", "explicit"] as const) {
    test(`-O${optLevel}, ${bounds}: each is rejected`, async () => {
      const { bytes } = await compile(await assemble(MODULE), {
        output: "object",
        soname: "checks.so",
        optLevel,
        bounds,
      });
      const image = readImage(bytes);
      const world = worldOf(new CodeReader(iced), image);
      const rights = new RightsOf(image.policy);
      const raise = BigInt(image.functions.find((f) => f.kind === "support raise")?.start ?? -1);
      const sites = new Map(MUTATIONS.map((m) => [m.name, 0]));
      const accepted: string[] = [];
      for (const f of image.functions.filter((g) => g.kind === "wasm")) {
        assert.deepEqual(verifyFunction(world, f, rights), [], f.name);
        const text = image.text.subarray(f.start - image.textStart, f.end - image.textStart);
        const { code, offsets } = instructions(text, f.start);
        const name = /[^:]*$/.exec(f.name)?.[0] ?? "";
        code.forEach((i, n) => {
          const site = { name, code, n, raise, guarded: bounds === "guard" };
          const at = Number(i.ip) - f.start;
          const place = text.subarray(at, at + i.length);
          for (const { name: mutation, change } of MUTATIONS) {
            const write = change(i, site);
            const offset = offsets[n];
            if (write === undefined || offset === undefined) continue;
            sites.set(mutation, (sites.get(mutation) ?? 0) + 1);
            const before = place.slice();
            write(place, offset);
            assert.notDeepEqual(place, before, mutation);
            if (verifyFunction(world, f, rights).length === 0) accepted.push(`${name}: ${mutation}`);
            place.set(before);
          }
        });
      }
      for (const [name, count] of sites) assert.ok(count > 0, `nothing to change: ${name}`);
      const harmless = HARMLESS.filter((h) => h.bounds === bounds);
      assert.deepEqual(
        accepted,
        harmless.flatMap(({ site, count }) => Array.from({ length: count }, () => site)),
      );
    });
  }
}
