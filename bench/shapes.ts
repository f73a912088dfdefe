/** Modules of a shape and any size, what compile time and memory must grow with no faster than in proportion; and a module with a change. */

import { ByteReader, ByteWriter } from "../src/base/bytes.ts";
import { decodeModule } from "../src/wasm/decode.ts";
import { OperatorReader } from "../src/wasm/operators.ts";

const I32 = 0x7f;
const VOID = 0x40;
const Operator = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  br_if: 0x0d,
  br_table: 0x0e,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  local_get: 0x20,
  local_set: 0x21,
  local_tee: 0x22,
  i32_load: 0x28,
  i32_const: 0x41,
  i32_add: 0x6a,
  i32_sub: 0x6b,
  i32_mul: 0x6c,
  i32_and: 0x71,
  i32_xor: 0x73,
} as const;

/** A function body under construction, its first local an i32 parameter. */
class Body {
  readonly bytes = new ByteWriter();

  op(code: number, ...immediates: readonly number[]): this {
    this.bytes.u8(code);
    for (const immediate of immediates) this.bytes.varU32(immediate);
    return this;
  }
  constant(value: number): this {
    this.bytes.u8(Operator.i32_const);
    this.bytes.varS32(value);
    return this;
  }
  open(code: number): this {
    this.bytes.u8(code);
    this.bytes.u8(VOID);
    return this;
  }
}

function section(w: ByteWriter, id: number, write: (w: ByteWriter) => void): void {
  const contents = new ByteWriter();
  write(contents);
  w.u8(id);
  w.varU32(contents.length);
  w.bytes(contents.view());
}

/** Functions from i32 to i32, the last one exported as `run`, and a memory. */
function module(locals: number, bodies: readonly Body[]): Uint8Array {
  const w = new ByteWriter(1 << 16);
  w.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  section(w, 1, (s) => s.bytes(Uint8Array.of(1, 0x60, 1, I32, 1, I32)));
  section(w, 3, (s) => {
    s.varU32(bodies.length);
    for (let i = 0; i < bodies.length; i++) s.u8(0);
  });
  section(w, 5, (s) => s.bytes(Uint8Array.of(1, 0, 1)));
  section(w, 7, (s) => {
    s.bytes(Uint8Array.of(1, 3, 0x72, 0x75, 0x6e, 0));
    s.varU32(bodies.length - 1);
  });
  section(w, 10, (s) => {
    s.varU32(bodies.length);
    for (const { bytes } of bodies) {
      const code = new ByteWriter();
      code.varU32(locals === 0 ? 0 : 1);
      if (locals > 0) {
        code.varU32(locals);
        code.u8(I32);
      }
      code.bytes(bytes.view());
      code.u8(Operator.end);
      s.varU32(code.length);
      s.bytes(code.view());
    }
  });
  return w.toBytes();
}

const ARITHMETIC = [Operator.i32_add, Operator.i32_sub, Operator.i32_mul, Operator.i32_xor];

function longFunction(instructions: number): Uint8Array {
  const body = new Body();
  let count = 0;
  for (let k = 0; count < instructions; k++) {
    body.op(Operator.local_get, (k * 5 + 15) % 16).op(Operator.local_get, (k * 3 + 1) % 16);
    if (k % 5 === 0) {
      body
        .constant(1023)
        .op(Operator.i32_and)
        .op(Operator.i32_load, 2, (4 * k) % 4096);
      count += 3;
    }
    body.op(ARITHMETIC[k % 4] ?? Operator.i32_add).op(Operator.local_set, (k * 5) % 16);
    count += 4;
  }
  for (let l = 1; l < 16; l++)
    body.op(Operator.local_get, 0).op(Operator.local_get, l).op(Operator.i32_xor).op(Operator.local_set, 0);
  return module(15, [body.op(Operator.local_get, 0)]);
}

/** A chain of small functions, each of which calls the one before. */
export function manyFunctions(functions: number): Uint8Array {
  const bodies = Array.from({ length: functions }, (_, i) => {
    const body = new Body().op(Operator.local_get, 0).constant(i).op(Operator.i32_add).op(Operator.local_tee, 1);
    body.op(Operator.local_get, 0).op(Operator.i32_mul);
    return i === 0 ? body : body.op(Operator.call, i - 1);
  });
  return module(1, bodies);
}

function longTable(entries: number): Uint8Array {
  const targets = 64;
  const body = new Body();
  for (let i = 0; i < targets; i++) body.open(Operator.block);
  body.op(Operator.local_get, 0);
  body.op(Operator.br_table, entries, ...Array.from({ length: entries + 1 }, (_, i) => (i * 31) % targets));
  for (let i = 0; i < targets; i++) {
    body.op(Operator.end);
    body.op(Operator.local_get, 0).constant(i).op(Operator.i32_xor).op(Operator.local_set, 0);
  }
  return module(0, [body.op(Operator.local_get, 0)]);
}

function manyLocals(locals: number): Uint8Array {
  const body = new Body();
  for (let i = 1; i <= locals; i++)
    body.op(Operator.local_get, 0).constant(i).op(Operator.i32_mul).op(Operator.local_set, i);
  body.open(Operator.loop);
  for (let i = 1; i <= locals; i++) {
    body
      .op(Operator.local_get, i)
      .op(Operator.local_get, (i % locals) + 1)
      .op(Operator.i32_add)
      .op(Operator.local_set, i);
  }
  body.op(Operator.local_get, 0).constant(1).op(Operator.i32_sub).op(Operator.local_tee, 0).op(Operator.br_if, 0);
  body.op(Operator.end).op(Operator.local_get, 1);
  return module(locals, [body]);
}

function deepNest(depth: number): Uint8Array {
  const body = new Body();
  for (let i = 0; i < depth; i++) {
    body.open(i % 4 === 3 ? Operator.loop : Operator.block);
    body
      .op(Operator.local_get, i % 8)
      .op(Operator.local_get, 0)
      .op(Operator.i32_add)
      .op(Operator.local_set, (i + 1) % 8);
  }
  for (let i = 0; i < depth; i++) {
    const open = depth - i;
    body.op(Operator.local_get, i % 8).op(Operator.br_if, (i * 17) % open);
    body.op(Operator.end);
  }
  return module(7, [body.op(Operator.local_get, 1)]);
}

export interface Shape {
  readonly name: string;
  /** What `size` counts. */
  readonly unit: string;
  /** The size that must compile. */
  readonly size: number;
  make(size: number): Uint8Array;
}

export const SHAPES: readonly Shape[] = [
  { name: "one long function", unit: "instruction", size: 100_000, make: longFunction },
  { name: "many functions", unit: "function", size: 50_000, make: manyFunctions },
  { name: "a long br_table", unit: "entry", size: 10_000, make: longTable },
  { name: "many locals", unit: "local", size: 5_000, make: manyLocals },
  { name: "blocks in blocks", unit: "block", size: 1_000, make: deepNest },
];

/** The module with `i32.const 7; drop` at the beginning of body `index`: everything behind it moves. */
export function withChange(bytes: Uint8Array, index: number): Uint8Array {
  const { bodyStart, bodyEnd } = decodeModule(bytes);
  const code = new ByteWriter(bytes.length);
  code.varU32(bodyStart.length);
  const operators = new OperatorReader(bytes);
  bodyStart.forEach((start, i) => {
    const end = bodyEnd[i] ?? 0;
    const change = i === index ? Uint8Array.of(Operator.i32_const, 7, Operator.drop) : new Uint8Array();
    operators.startBody(start, end);
    const first = operators.reader.pos;
    code.varU32(end - start + change.length);
    code.bytes(bytes.subarray(start, first));
    code.bytes(change);
    code.bytes(bytes.subarray(first, end));
  });
  const out = new ByteWriter(bytes.length);
  const reader = new ByteReader(bytes, 8, bytes.length);
  out.bytes(bytes.subarray(0, 8));
  while (reader.remaining > 0) {
    const id = reader.u8();
    const contents = reader.slice(reader.varU32());
    const kept = id === 10 ? code.view() : contents;
    out.u8(id);
    out.varU32(kept.length);
    out.bytes(kept);
  }
  return out.toBytes();
}
