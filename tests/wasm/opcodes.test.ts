import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { ByteWriter } from "../../src/base/bytes.ts";
import {
  IMMEDIATES,
  OPCODE_IMMEDIATES,
  OPCODES,
  Opcode,
  opcodeName,
  PREFIX_FB,
  PREFIX_FC,
  PREFIX_FD,
  PREFIX_FE,
} from "../../src/wasm/opcodes.ts";
import { OperatorReader } from "../../src/wasm/operators.ts";
import { opcodeLiterals } from "../support/opcode-comments.ts";
import { disassemble } from "../support/wat.ts";

const SOURCES = ["wasm/", "frontend/", "frontend/wasm/"].map(
  (folder) => new URL(`../../src/${folder}`, import.meta.url),
);

function writeOpcode(w: ByteWriter, code: number): void {
  if (code < PREFIX_FB) w.u8(code);
  else if (code >= PREFIX_FD) {
    w.u8(0xfd);
    w.varU32(code - PREFIX_FD);
  } else {
    const [prefix, base] =
      code >= PREFIX_FE ? [0xfe, PREFIX_FE] : code >= PREFIX_FC ? [0xfc, PREFIX_FC] : [0xfb, PREFIX_FB];
    w.u8(prefix);
    w.varU32(code - base);
  }
}

/** Bytes of the immediates that make the operator printable in the module of the test below. */
function writeImmediates(w: ByteWriter, row: (typeof OPCODES)[number]): void {
  const bytes: Partial<Record<(typeof IMMEDIATES)[number], number[]>> = {
    none: [],
    blockType: [0x40],
    label: [0],
    labelTable: [1, 0, 0],
    callIndirect: [0, 0],
    memarg: [row[5] ?? 0, 0],
    atomic: [row[5] ?? 0, 0],
    memargLane: [row[5] ?? 0, 0, 0],
    f32: [0, 0, 0, 0],
    f64: new Array<number>(8).fill(0),
    v128: new Array<number>(16).fill(0),
    shuffle: new Array<number>(16).fill(0),
    selectTypes: [1, 0x7f],
    heapType: [0x70],
    tryTable: [0x40, 0],
    castLabel: [3, 0, 0x6e, 0x6d],
  };
  const kind = row[2];
  const two = kind.match(/^(memoryMemory|dataMemory|elementTable|tableTable|type[A-Z].*)$/) !== null;
  for (const byte of bytes[kind] ?? (two ? [0, 0] : [0])) w.u8(byte);
}

test("every opcode occurs once and every mnemonic once", () => {
  assert.equal(new Set(OPCODES.map((row) => row[1])).size, OPCODES.length);
  assert.equal(new Set(OPCODES.map((row) => row[0])).size, OPCODES.length);
});

test("constants by name", () => {
  assert.equal(Opcode.i32_add, 0x6a);
  assert.equal(Opcode.v128_const, 0x20c);
  assert.equal(Opcode.memory_atomic_notify, 0x180);
  assert.equal(opcodeName(Opcode.i64_mul_wide_u), "i64.mul_wide_u");
});

test("opcodes are literals in hot loops only, and agree with the table", () => {
  let literals = 0;
  for (const url of SOURCES.flatMap((folder) => readdirSync(folder).map((name) => new URL(name, folder)))) {
    if (!url.pathname.endsWith(".ts")) continue;
    const source = readFileSync(url, "utf8");
    const { wrong, commented } = opcodeLiterals(source);
    assert.deepEqual(wrong, [], url.pathname);
    if (!source.startsWith("// hot loop")) assert.equal(commented, 0, `${url.pathname}: name them`);
    literals += commented;
    // Kinds of immediates, where a file says that it switches on them.
    for (const [text, number, name] of source.matchAll(/case (\d+): \/\/ ([a-zA-Z0-9]+)$/gm)) {
      assert.equal(IMMEDIATES[Number(number)], name, `${url.pathname}: ${text}`);
    }
  }
  assert.ok(literals > 80, `only ${literals} literals found`);
});

test("mnemonics and immediates agree with an independent disassembler", async () => {
  const skipped = new Set(["else", "end", "catch", "catch_all", "delegate", "rethrow", "try"]);
  for (const row of OPCODES) {
    const [name, code, kind] = row;
    if (skipped.has(name)) continue;
    const body = new ByteWriter();
    body.u8(0);
    body.u8(0x00); // unreachable: anything may follow
    writeOpcode(body, code);
    writeImmediates(body, row);
    if (kind === "blockType" || kind === "tryTable") body.u8(0x0b);
    body.u8(0x0b);
    const w = new ByteWriter();
    for (const byte of [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]) w.u8(byte);
    const section = (id: number, ...bytes: number[]): void => {
      w.u8(id);
      w.varU32(bytes.length);
      w.bytes(Uint8Array.from(bytes));
    };
    section(1, 2, 0x60, 0, 0, 0x5f, 1, 0x7f, 1);
    section(3, 1, 0);
    section(4, 1, 0x70, 0, 1);
    section(5, 1, 0, 1);
    section(13, 1, 0, 0);
    section(6, 1, 0x7f, 1, 0x41, 0, 0x0b);
    section(9, 1, 1, 0, 1, 0);
    section(12, 1);
    section(10, 1, body.length, ...body.toBytes());
    section(11, 1, 1, 0);

    const reader = new OperatorReader(body.toBytes(), 2);
    reader.next();
    assert.equal(reader.op, code, name);
    if (kind === "blockType" || kind === "tryTable") reader.next();
    reader.next();
    assert.equal(reader.op, 0x0b, `${name}: immediates are read to their end`);
    assert.ok(reader.atEnd, name);

    // wasm-tools writes `select` with a type and casts with a nullable type without a name of their own.
    const shown = name.replace("select_t", "select").replace(/(ref\.(?:test|cast))_null/, "$1");
    const text = await disassemble(w.toBytes());
    const lines = text.split("\n").map((line) => line.trim());
    const operators = lines.slice(lines.indexOf("unreachable") + 1);
    const first = name === "unreachable" ? "unreachable" : (operators[0] ?? "");
    assert.equal(first.split(/[ (]/)[0], shown, `0x${code.toString(16)} in\n${text}`);
  }
});

test("every opcode of the table is decodable and no other is", () => {
  const known = new Set<number>(OPCODES.map((row) => row[1]));
  for (let code = 0; code < 0x400; code++) assert.equal(OPCODE_IMMEDIATES[code] !== 0, known.has(code));
});
