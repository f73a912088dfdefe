/** Every operator on vectors: translated, it computes what Node's own engine computes; and vectors in locals that are kept in memory. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { entity } from "../../src/base/entity.ts";
import type { CoreInstanceIndex } from "../../src/plan/component.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { OPCODES } from "../../src/wasm/opcodes.ts";
import { validateModule } from "../../src/wasm/validate.ts";
import { isNaNLane, lanesOf } from "../support/vector.ts";
import { assemble } from "../support/wat.ts";
import { planOfModules } from "./environment.ts";
import { Machine } from "./machine.ts";

/** Node's own engine; only what is used of it. */
declare const WebAssembly: {
  instantiate(
    bytes: Uint8Array,
  ): Promise<{ readonly instance: { readonly exports: Readonly<Record<string, unknown>> } }>;
};

type Row = (typeof OPCODES)[number];

const TYPES: Readonly<Record<string, string>> = { i: "i32", l: "i64", f: "f32", d: "f64", v: "v128" };
/** Operands are read from here, 16 bytes each; the result is written to 256, and memory operands lie in between. */
const RESULT = 256;
const PLACE = 96;
const BYTES = 512;

function immediates([name, , kind]: Row): string {
  switch (kind) {
    case "lane":
    case "memargLane":
      return ` ${name.includes("64") ? 1 : 3 % (name.includes("32") ? 4 : 8)}`;
    case "shuffle":
      return " 0 17 2 19 31 5 6 22 8 1 10 27 12 29 14 16";
    case "v128":
      return " i32x4 1 -2 0x12345678 4";
    default:
      return "";
  }
}

/** A module whose `f` reads the operands of the operator, runs it, and writes the result. */
function moduleOf(row: Row): string {
  const [params = "", results = ""] = row[3].split(":");
  const operands = [...params].map((letter, i) =>
    letter === "a" ? `(i32.const ${PLACE})` : `(${TYPES[letter]}.load (i32.const ${16 * i}))`,
  );
  const result = results === "" ? undefined : TYPES[results];
  const run = `(${row[0]}${immediates(row)} ${operands.join(" ")})`;
  const body = result === undefined ? run : `(${result}.store (i32.const ${RESULT}) ${run})`;
  return `(module (memory (export "m") 1) (func (export "f") ${body}))`;
}

const FLOATS = [0, -0, 1.5, -2.5, 0.5, 3e9, -3e9, 1e30, 4294967296, -1, Number.NaN, Number.POSITIVE_INFINITY];

/** Bytes, boundary integers, then floats of both sizes. */
function inputs(round: number): Uint8Array {
  const bytes = new Uint8Array(BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < RESULT; i++) bytes[i] = (i * 151 + round * 67 + (i >> 3) * 29) & 0xff;
  if (round === 1)
    for (let i = 0; i < RESULT; i++) bytes[i] = [0, 0x7f, 0x80, 0xff, 1, 0x80][(i * 7 + (i >> 4)) % 6] ?? 0;
  if (round === 2) for (let i = 0; i < 64; i++) view.setFloat32(4 * i, FLOATS[(5 * i + (i >> 2)) % 12] ?? 0, true);
  if (round === 3) for (let i = 0; i < 32; i++) view.setFloat64(8 * i, FLOATS[(5 * i + (i >> 1)) % 12] ?? 0, true);
  return bytes;
}

const F: { readonly kind: "wasm"; readonly instance: CoreInstanceIndex; readonly func: number } = {
  kind: "wasm",
  instance: entity<CoreInstanceIndex>(0),
  func: 0,
};

function machineOf(bytes: Uint8Array): Machine {
  const module = decodeModule(bytes);
  validateModule(module);
  const machine = new Machine(planOfModules(["m"], [module], "guarded"));
  machine.instantiate();
  return machine;
}

/** NaNs have any payload: they are compared as such where the result has float lanes. */
function canonical(name: string, value: bigint): string {
  const bits = name.startsWith("f32x4") ? 32 : name.startsWith("f64x2") ? 64 : 0;
  if (bits === 0) return value.toString(16);
  return lanesOf(value, bits)
    .map((lane) => (isNaNLane(bits, lane) ? "nan" : lane.toString(16)))
    .join();
}

test("every operator computes what V8 computes", async () => {
  let count = 0;
  for (const row of OPCODES) {
    if (row[4] !== "simd") continue;
    count++;
    const wasm = await assemble(moduleOf(row));
    const { exports } = (await WebAssembly.instantiate(Uint8Array.from(wasm))).instance;
    const { m, f } = exports;
    assert.ok(typeof f === "function" && typeof m === "object" && m !== null && "buffer" in m);
    assert.ok(m.buffer instanceof ArrayBuffer);
    const theirs = new Uint8Array(m.buffer, 0, BYTES);
    const view = new DataView(m.buffer);
    const machine = machineOf(wasm);
    const at = machine.memoryAddress(entity(0));
    for (let round = 0; round < 8; round++) {
      const bytes = inputs(round);
      theirs.set(bytes);
      for (const [i, byte] of bytes.entries()) machine.space.write(at + i, 1, BigInt(byte));
      f();
      machine.invoke(F, []);
      for (let i = 0; i < BYTES; i += 16) {
        const expected: bigint = view.getBigUint64(i, true) | (view.getBigUint64(i + 8, true) << 64n);
        const actual = machine.space.read(at + i, 16);
        assert.equal(canonical(row[0], actual), canonical(row[0], expected), `${row[0]}, round ${round}, byte ${i}`);
      }
    }
  }
  assert.equal(count, 236);
});

test("every relaxed operator is translated", async () => {
  let count = 0;
  for (const row of OPCODES) {
    if (row[4] !== "relaxed-simd") continue;
    count++;
    machineOf(await assemble(moduleOf(row))).invoke(F, []);
  }
  assert.equal(count, 20);
});

test("vectors in locals that are kept in memory", async () => {
  const wasm =
    await assemble(`(module (func (param i32 v128 i64 v128) (result v128 i64) (local $z v128) (local $l i32) (local $n v128)
    (local.set $l (i32.const 7))
    (local.set $z (i32x4.add (local.get 1) (local.get 3)))
    (if (local.get 0) (then (local.set $n (v128.const i64x2 5 6)) (local.set 3 (v128.not (local.get 3)))))
    (v128.xor (v128.xor (local.get $z) (local.get $n)) (local.get 3))
    (i64.add (local.get 2) (i64.extend_i32_u (local.get $l)))))`);
  for (const budget of [undefined, Number.NEGATIVE_INFINITY]) {
    const machine = machineOf(wasm);
    machine.budget = budget;
    const a = 0x00000001_00000002_00000003_00000004n;
    const b = 0x10000000_20000000_30000000_40000000n;
    assert.deepEqual(machine.invoke(F, [0n, a, 100n, b]), [(a + b) ^ b, 107n]);
    const ones = (1n << 128n) - 1n;
    assert.deepEqual(machine.invoke(F, [1n, a, 100n, b]), [(a + b) ^ ((6n << 64n) | 5n) ^ (b ^ ones), 107n]);
  }
});
