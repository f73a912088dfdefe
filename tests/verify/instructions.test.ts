/**
 * Instructions and addresses that look like others: what the processor does with them is not what it does with their neighbours, so that a
 * verifier that takes one for the other accepts an access to memory that is not the instance's.
 */

import assert from "node:assert/strict";
import { test } from "node:test";
import { ContextField } from "../../src/layout/offsets.ts";
import { firstFunction } from "../support/first-function.ts";

const STORES = Array.from({ length: 16 }, (_, k) => `(i32.store offset=${k} (local.get 0) (i32.const ${k * 777}))`);
/** The body is long enough to be written over. */
const MODULE = `(module (memory (export "memory") 1) (table (export "table") 10 20 funcref)
  (memory $wide (export "wide") i64 1 4)
  (func (export "f") (param i32 i32) (result i32)
    (block $a (block $b (block $c (block $d (br_table $a $b $c $d (local.get 0))) ${STORES.join(" ")}
      ) (return (i32.const 1))) (return (i32.const 2))) (i32.load offset=16 (local.get 1))))`;

/** What stands for a displacement from the context in the code below, or for the distance of something in the text. */
type Displacement = "memory" | "below memory" | "wide" | "table" | "next element" | "limit";
type Distance = "memory_copy" | "constants";
type Code = readonly (number | Displacement | Distance)[];

const UNKNOWN = "an instruction that compiled code does not have";
const OUT_OF_MEMORY = "accesses memory 0 at an index that is not known to be in bounds";
const OUT_OF_WIDE = "accesses memory 1 at an index that is not known to be in bounds";
const OUT_OF_TABLE = "accesses table 0 at an index that is not known to be in bounds";
const NOT_FOLLOWED = "the address can't be followed";
const NO_STACK_POINTER = "the stack pointer gets a value that is not followed";

/** Arguments of 32 bits are in esi and edx, and what is above them in the registers may be anything. */
const CASES: readonly (readonly [what: string, reason: string | undefined, code: Code])[] = [
  // mov ecx, esi; L: mov eax, [rdi+rcx+memory]; loop L
  ["loop counts", UNKNOWN, [0x89, 0xf1, 0x8b, 0x84, 0x0f, "memory", 0xe2, 0xf7]],
  // …; cmp eax, 5; loope L
  ["loope counts", UNKNOWN, [0x89, 0xf1, 0x8b, 0x84, 0x0f, "memory", 0x83, 0xf8, 5, 0xe1, 0xf4]],
  // mov ecx, esi; jrcxz; nop
  ["jrcxz", UNKNOWN, [0x89, 0xf1, 0xe3, 1, 0x90]],
  // andn eax, edx, [rsi]
  [
    "the third operand of andn is memory",
    "the address is not relative to the context, the frame or the program's data",
    [0xc4, 0xe2, 0x68, 0xf2, 0x06],
  ],
  // bts dword [rdi+memory], 5
  ["a bit of 32", undefined, [0x0f, 0xba, 0xaf, "memory", 5]],
  // bts dword [rdi+memory], eax
  ["bts reaches as far as its register says", NOT_FOLLOWED, [0x0f, 0xab, 0x87, "memory"]],
  // bt dword [rdi+memory], eax
  ["bt reaches as far as its register says", NOT_FOLLOWED, [0x0f, 0xa3, 0x87, "memory"]],
  // mov rax, rsi; xor ecx, ecx; bsf eax, ecx; mov eax, [rdi+rax+memory]
  [
    "bsf of 0 leaves all 64 bits",
    OUT_OF_MEMORY,
    [0x48, 0x89, 0xf0, 0x31, 0xc9, 0x0f, 0xbc, 0xc1, 0x8b, 0x84, 0x07, "memory"],
  ],
  // mov eax, esi; bsf eax, ecx; mov eax, [rdi+rax+memory]
  ["bsf leaves 32 bits", undefined, [0x89, 0xf0, 0x0f, 0xbc, 0xc1, 0x8b, 0x84, 0x07, "memory"]],
  // mov eax, 32; bsf ecx, edx; cmove ecx, eax; mov eax, [rdi+rcx+wide]
  [
    "the position of a bit, or how many there are",
    undefined,
    [0xb8, 32, 0, 0, 0, 0x0f, 0xbc, 0xca, 0x0f, 0x44, 0xc8, 0x8b, 0x84, 0x0f, "wide"],
  ],
  // mov ecx, ecx; xadd rsi, rcx; mov eax, [rdi+rsi+memory]
  ["xadd adds", OUT_OF_MEMORY, [0x89, 0xc9, 0x48, 0x0f, 0xc1, 0xce, 0x8b, 0x84, 0x37, "memory"]],
  // mov eax, 7; xor edx, edx; div sil; mov eax, [rdi+rax*8+table]
  [
    "a remainder of 8 bits is in ah",
    OUT_OF_TABLE,
    [0xb8, 7, 0, 0, 0, 0x31, 0xd2, 0x40, 0xf6, 0xf6, 0x8b, 0x84, 0xc7, "table"],
  ],
  // mov rdx, rsi; mov ecx, 7; div cx; mov eax, [rdi+rdx+memory]
  [
    "a remainder of 16 bits leaves those above",
    OUT_OF_MEMORY,
    [0x48, 0x89, 0xf2, 0xb9, 7, 0, 0, 0, 0x66, 0xf7, 0xf1, 0x8b, 0x84, 0x17, "memory"],
  ],
  // cmp rsi, 60000; setae al; test ah, al; jne L; mov eax, [rdi+rsi+wide]; L: nop
  [
    "ah is not al",
    OUT_OF_WIDE,
    [0x48, 0x81, 0xfe, 0x60, 0xea, 0, 0, 0x0f, 0x93, 0xc0, 0x84, 0xc4, 0x75, 7, 0x8b, 0x84, 0x37, "wide", 0x90],
  ],
  // The same of al, behind which a processor may run ahead.
  [
    "al is what was set",
    "may run ahead out of memory 1",
    [0x48, 0x81, 0xfe, 0x60, 0xea, 0, 0, 0x0f, 0x93, 0xc0, 0x84, 0xc0, 0x75, 7, 0x8b, 0x84, 0x37, "wide", 0x90],
  ],
  // mov rcx, rsi; cmpxchg ecx, edx
  ["cmpxchg of a register leaves its upper half", UNKNOWN, [0x48, 0x89, 0xf1, 0x0f, 0xb1, 0xd1]],
  // mov rax, rdi; mov rcx, rsp; sub eax, ecx; mov eax, [rdi+rax*8+table]
  [
    "halves of two addresses are not the same",
    OUT_OF_TABLE,
    [0x48, 0x89, 0xf8, 0x48, 0x89, 0xe1, 0x29, 0xc8, 0x8b, 0x84, 0xc7, "table"],
  ],
  // mov fs, eax
  // pcmpestri xmm0, xmm1, 0, with REX.W
  ["an index in rcx, which is no operand", UNKNOWN, [0x66, 0x48, 0x0f, 0x3a, 0x61, 0xc1, 0]],
  ["segments", UNKNOWN, [0x8e, 0xe0]],
  // cmp esi, 5; sete spl
  ["sete of the stack pointer", NO_STACK_POINTER, [0x83, 0xfe, 5, 0x40, 0x0f, 0x94, 0xc4]],
  // data16 leave
  ["leave of 16 bits", UNKNOWN, [0x66, 0xc9]],
  // retf; iretq; data16 ret
  ["a far return", UNKNOWN, [0x48, 0xcb]],
  ["a return from an interrupt", UNKNOWN, [0x48, 0xcf]],
  ["a return of which processors pop as much as they like", UNKNOWN, [0x66, 0xc3]],
  // data16 jmp, je, call
  ["a jump of which processors take the lower half", UNKNOWN, [0x66, 0xe9, 0, 0, 0, 0]],
  ["a branch that has another length elsewhere", UNKNOWN, [0x66, 0x0f, 0x84, 0, 0, 0, 0]],
  ["syscall", UNKNOWN, [0x0f, 0x05]],
  // mov rax, 2^50; mov rcx, rsp; sub rcx, rax; cmp rcx, [rdi+limit]; jb L; sub rsp, 2^30; mov [rsp], rax; add rsp, 2^30; L: nop
  [
    "below 0 is far above the limit",
    "uses more stack than was compared with the limit",
    [
      ...[0x48, 0xb8, 0, 0, 0, 0, 0, 0, 4, 0, 0x48, 0x89, 0xe1, 0x48, 0x29, 0xc1, 0x48, 0x3b, 0x8f, "limit" as const],
      ...[0x72, 0x12, 0x48, 0x81, 0xec, 0, 0, 0, 0x40, 0x48, 0x89, 4, 0x24, 0x48, 0x81, 0xc4, 0, 0, 0, 0x40, 0x90],
    ],
  ],
  // mov rcx, [rbp]; mov [rbp], rsi; mov eax, esi; mov eax, [rdi+rax+memory]; mov [rbp], rcx
  [
    "a trap finds the caller's frame",
    "the caller's frame or the return address may have been overwritten at an access that may fault",
    [
      ...[0x48, 0x8b, 0x4d, 0, 0x48, 0x89, 0x75, 0, 0x89, 0xf0, 0x8b, 0x84, 0x07, "memory" as const],
      ...[0x48, 0x89, 0x4d, 0],
    ],
  ],
  // mov eax, esi; mov ecx, 0x2000; inc edx; cmovl eax, ecx; mov eax, [rdi+rax+memory-0x2000]
  [
    "one of two values may be the smaller one",
    OUT_OF_WIDE,
    [0x89, 0xf0, 0xb9, 0, 0x20, 0, 0, 0xff, 0xc2, 0x0f, 0x4c, 0xc1, 0x8b, 0x84, 0x07, "below memory"],
  ],
  // cmp rsp, [rdi+limit]; jb L; lea rsi, [rdi+table]; lea rdx, [rdi+table+8]; mov ecx, 16; call memory_copy; L: nop
  [
    "elements are copied",
    undefined,
    [
      ...[0x48, 0x3b, 0xa7, "limit" as const, 0x72, 24, 0x48, 0x8d, 0xb7, "table" as const],
      ...[0x48, 0x8d, 0x97, "next element" as const, 0xb9, 16, 0, 0, 0, 0xe8, "memory_copy" as const, 0x90],
    ],
  ],
  // …; mov eax, esi; and eax, 7; lea rsi, [rdi+rax+table]; lea rdx, [rdi+rax+table+8]; mov ecx, 16; sub rcx, rax; …
  [
    "halves of elements are copied",
    "copies to bytes that are not known to be in a memory or table of its own",
    [
      ...[0x48, 0x3b, 0xa7, "limit" as const, 0x72, 34, 0x89, 0xf0, 0x83, 0xe0, 7],
      ...[0x48, 0x8d, 0xb4, 0x07, "table" as const, 0x48, 0x8d, 0x94, 0x07, "next element" as const],
      ...[0xb9, 16, 0, 0, 0, 0x48, 0x29, 0xc1, 0xe8, "memory_copy" as const, 0x90],
    ],
  ],
  // cmp edx, 5; je S; lea rax, [constants]; movsxd rcx, [rax]; lea rax, [start]; add rax, rcx; jmp rax;
  // S: mov esi, esi; jmp B; B: mov eax, [rdi+rsi+memory]
  [
    "a table leads where a jump does",
    "control goes where no jump seems to lead",
    [
      ...[0x83, 0xfa, 5, 0x74, 0x16, 0x48, 0x8d, 0x05, "constants" as const, 0x48, 0x63, 8],
      ...[0x48, 0x8d, 0x05, 0xe6, 0xff, 0xff, 0xff, 0x48, 0x01, 0xc8, 0xff, 0xe0],
      ...[0x89, 0xf6, 0xeb, 0, 0x8b, 0x84, 0x37, "memory" as const],
    ],
  ],
  // cmp esi, 0x2000; jb L; mov eax, esi; mov eax, [rdi+rax+memory-0x2000]; L: nop
  [
    "what runs ahead may be below a memory",
    "may run ahead out of memory 1",
    [0x81, 0xfe, 0, 0x20, 0, 0, 0x72, 9, 0x89, 0xf0, 0x8b, 0x84, 0x07, "below memory", 0x90],
  ],
];

/** push rbp; mov rbp, rsp */
const START: Code = [0x55, 0x48, 0x89, 0xe5];
/** pop rbp; ret */
const END: Code = [0x5d, 0xc3];

/** Where B is in the last of these. */
const TABLE_ENTRY = 0x23;

function bytesOf(code: Code, numbers: Readonly<Record<Displacement | Distance, number>>): number[] {
  const bytes: number[] = [];
  for (const c of code) {
    if (typeof c === "number") bytes.push(c);
    else {
      const isDistance = c === "memory_copy" || c === "constants";
      const n = numbers[c] - (isDistance ? bytes.length + 4 : 0);
      bytes.push(...new Uint8Array(Int32Array.of(n).buffer));
    }
  }
  return bytes;
}

test("what the processor does is what is proved", async () => {
  const { image, world, f, text, reasons } = await firstFunction(MODULE);
  const start = (kind: string, index: number): number =>
    world.map.regions.find((r) => r.kind === kind && r.index === index)?.start ?? assert.fail();
  const copy = image.functions.find((g) => g.kind === "support memory_copy") ?? assert.fail();
  const constants = f.end - image.textStart;
  assert.ok(f.constantsEnd > f.end);
  new DataView(image.text.buffer, image.text.byteOffset).setInt32(constants, TABLE_ENTRY, true);
  const numbers = {
    memory_copy: copy.start - f.start,
    constants: f.end - f.start,
    memory: start("memory", 0),
    "below memory": start("memory", 0) - 0x2000,
    wide: start("memory", 1),
    table: start("table", 0),
    "next element": start("table", 0) + 8,
    limit: ContextField.stackLimit,
  };
  for (const [what, reason, code] of CASES) {
    const body = bytesOf([...START, ...code, ...END], numbers);
    assert.ok(body.length <= text.length);
    text.fill(0xcc).set(body);
    assert.equal(reasons()[0], reason, what);
  }
});
