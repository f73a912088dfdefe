import assert from "node:assert/strict";
import { test } from "node:test";
import { ByteWriter } from "../../src/base/bytes.ts";
import { type Diagnostic, formatDiagnostic, WindlassError } from "../../src/base/diagnostics.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { ModuleFacts } from "../../src/wasm/facts.ts";
import { FEATURES } from "../../src/wasm/opcodes.ts";
import { validateDeclarations, validateModule } from "../../src/wasm/validate.ts";
import { FunctionValidator } from "../../src/wasm/validate-function.ts";
import { assemble } from "../support/wat.ts";

function fault(bytes: Uint8Array): Diagnostic {
  try {
    validateModule(decodeModule(bytes));
  } catch (error) {
    if (error instanceof WindlassError && error.diagnostics[0] !== undefined) return error.diagnostics[0];
    throw error;
  }
  throw new Error("the module is valid");
}

async function faultOf(text: string): Promise<Diagnostic> {
  return fault(await assemble(text));
}

test("a fault in a body has the house shape, the function's name and the operator's offset", async () => {
  const bytes = await assemble("(module (func) (func $memcpy (result i32) (i32.add (i64.const 1) (i32.const 2))))");
  const diagnostic = fault(bytes);
  const offset = bytes.indexOf(0x6a);
  assert.equal(
    formatDiagnostic(diagnostic),
    `invalid module at offset 0x${offset.toString(16)} (function 1 "memcpy"): ` +
      "type mismatch: i32.add expects i32, found i64",
  );
});

test("offsets are those of the enclosing file", async () => {
  const module = await assemble("(module (func (i32.add)))");
  const file = new Uint8Array(module.length + 100);
  file.set(module, 64);
  try {
    validateModule(decodeModule(file, 64, 64 + module.length));
    assert.fail();
  } catch (error) {
    assert.ok(error instanceof WindlassError);
    assert.equal(error.diagnostics[0]?.offset, file.indexOf(0x6a, 72));
  }
});

const FAULTS: readonly (readonly [name: string, text: string, kind: string, message: RegExp])[] = [
  ["missing operand", "(module (func (drop)))", "invalid", /type mismatch: drop expects a value, found nothing/],
  ["unknown local", "(module (func (drop (local.get 3))))", "invalid", /unknown local 3/],
  ["unknown label", "(module (func (br 1)))", "invalid", /unknown label 1/],
  ["unknown type", "(module (func (type 9)))", "invalid", /unknown type 9/],
  [
    "unset local",
    "(module (type $t (func)) (func (local (ref $t)) (drop (local.get 0))))",
    "invalid",
    /uninitialized local 0/,
  ],
  [
    "local set in an inner block only",
    `(module (type $t (func)) (func $f (export "f") (local (ref $t))
      (block (local.set 0 (ref.func $f))) (drop (local.get 0))))`,
    "invalid",
    /uninitialized local 0/,
  ],
  ["undeclared reference", "(module (func $f (drop (ref.func $f))))", "invalid", /undeclared function reference/],
  [
    "immutable global",
    "(module (global i32 (i32.const 0)) (func (global.set 0 (i32.const 1))))",
    "invalid",
    /immutable global/,
  ],
  [
    "alignment",
    "(module (memory 1) (func (drop (i32.load8_u align=2 (i32.const 0)))))",
    "invalid",
    /alignment must not be larger/,
  ],
  [
    "atomic alignment",
    "(module (memory 1) (func (drop (i32.atomic.load align=2 (i32.const 0)))))",
    "invalid",
    /atomic alignment/,
  ],
  [
    "wide offset",
    "(module (memory 1) (func (drop (i32.load offset=0x100000000 (i32.const 0)))))",
    "invalid",
    /offset out of range/,
  ],
  ["lane", "(module (func (param v128) (drop (f64x2.extract_lane 2 (local.get 0)))))", "invalid", /invalid lane index/],
  [
    "memory64 address",
    "(module (memory i64 1) (func (drop (i32.load (i32.const 0)))))",
    "invalid",
    /expects i64, found i32/,
  ],
  [
    "table element",
    "(module (table 1 externref) (func (call_indirect (i32.const 0))))",
    "invalid",
    /a table of functions/,
  ],
  [
    "if without else",
    "(module (func (result i32) (if (result i32) (i32.const 1) (then (i32.const 1)))))",
    "invalid",
    /if without else/,
  ],
  ["leftover", "(module (func (i32.const 1)))", "invalid", /values remaining/],
  [
    "br_table arity",
    "(module (func (block (result i32) (br_table 0 1 (i32.const 0) (i32.const 0))) drop))",
    "invalid",
    /br_table expects labels/,
  ],
  [
    "tail call results",
    "(module (func $f (result i32) (i32.const 0)) (func (return_call $f)))",
    "invalid",
    /return_call must have the results/,
  ],
  [
    "catch types",
    "(module (tag $e (param i32)) (func (try_table (catch $e 0))))",
    "invalid",
    /a catch clause passes \[i32\]/,
  ],
  ["tag results", "(module (tag (result i32)))", "invalid", /non-empty tag result type/],
  ["export twice", '(module (func (export "a") (export "a")))', "invalid", /duplicate export name "a"/],
  ["start type", "(module (start 0) (func (param i32)))", "invalid", /start function/],
  ["global order", "(module (global i32 (global.get 1)) (global i32 (i32.const 0)))", "invalid", /unknown global 1/],
  ["constant", "(module (global i32 (i32.clz (i32.const 0))))", "invalid", /constant expression required: i32.clz/],
  ["memory size", "(module (memory 65537))", "invalid", /memory size must be at most 65536 pages/],
  ["shared memory", "(module (memory 1 shared))", "invalid", /shared memory must have maximum/],
  ["page size", "(module (memory 1 (pagesize 4096)))", "invalid", /invalid custom page size/],
  [
    "final supertype",
    "(module (type $a (func)) (type (sub $a (func))))",
    "invalid",
    /sub type 1 does not match super type 0/,
  ],
  ["struct", "(module (type (struct (field i32))))", "unsupported", /struct types need the gc feature/],
  ["array", "(module (type (array i8)))", "unsupported", /array types need the gc feature/],
  ["i31", "(module (func (param i31ref)))", "unsupported", /heap type i31 needs the gc feature/],
  [
    "cast",
    "(module (func (param funcref) (drop (ref.test (ref func) (local.get 0)))))",
    "unsupported",
    /ref.test needs the gc feature/,
  ],
];

for (const [name, text, kind, message] of FAULTS) {
  test(`fault: ${name}`, async () => {
    const diagnostic = await faultOf(text);
    assert.equal(diagnostic.kind, kind);
    assert.match(diagnostic.message, message);
  });
}

test("subtypes of function types, and calls of references to them", async () => {
  const module = decodeModule(
    await assemble(`(module
      (type $super (sub (func (result funcref))))
      (type $sub (sub $super (func (result (ref null $super)))))
      (table 1 funcref)
      (func (param (ref $sub)) (result funcref) (call_ref $super (local.get 0)))
      (func (result (ref null $super)) (call_indirect (type $sub) (i32.const 0))))`),
  );
  validateModule(module);
  assert.ok(module.interner.isSubtype(module.typeIds[1] ?? -1, module.typeIds[0] ?? -1));
  assert.ok(!module.interner.isSubtype(module.typeIds[0] ?? -1, module.typeIds[1] ?? -1));
});

test("facts of a module and of its functions", async () => {
  const module = decodeModule(
    await assemble(`(module
      (table $constant 1 funcref) (table $set 1 funcref) (table $grows (export "t") 1 funcref)
      (memory $fixed 1) (memory $grows 1)
      (global $g (mut i32) (i32.const 0)) (global $unset (mut i32) (i32.const 0))
      (elem declare func $f)
      (func $f (table.set $set (i32.const 0) (ref.func $f)))
      (func (drop (table.grow $grows (ref.null func) (i32.const 1))))
      (func (local i32 i32) (block (loop (global.set $g (memory.grow $grows (i32.const 1)))))))`),
  );
  const facts = validateModule(module);
  assert.deepEqual([...facts.tableMutated], [0, 1, 1]);
  assert.deepEqual([...facts.tableGrows], [0, 0, 1]);
  assert.deepEqual([...facts.tableExported], [0, 0, 1]);
  assert.deepEqual([...facts.memoryGrows], [0, 1]);
  assert.deepEqual([...facts.globalSet], [1, 0]);
  assert.deepEqual([...facts.functionReferenced], [1, 0, 0]);
  assert.notEqual(facts.features & (1 << FEATURES.indexOf("reference-types")), 0);
  assert.equal(facts.features & (1 << FEATURES.indexOf("simd")), 0);

  // Function by function, as workers do, the same facts come out.
  validateDeclarations(module);
  const merged = new ModuleFacts(module);
  for (const index of [2, 0, 1]) {
    const own = new ModuleFacts(module);
    const shown = new FunctionValidator(module, own).validate(index);
    if (index === 2) {
      assert.deepEqual(
        { ...shown, features: 0 },
        { operators: 8, maxDepth: 3, maxOperands: 1, locals: 2, features: 0 },
      );
    }
    merged.merge(own);
  }
  assert.deepEqual(merged, facts);
});

/** A module with one function of type [] → [] whose body, locals included, is `body`. */
function moduleWithBody(body: Uint8Array, types: readonly number[] = [1, 0x60, 0, 0]): Uint8Array {
  const w = new ByteWriter();
  w.bytes(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0));
  w.u8(1);
  w.varU32(types.length);
  w.bytes(Uint8Array.from(types));
  w.bytes(Uint8Array.of(3, 2, 1, 0, 10));
  const size = new ByteWriter();
  size.u8(1);
  size.varU32(body.length);
  w.varU32(size.length + body.length);
  w.bytes(size.toBytes());
  w.bytes(body);
  return w.toBytes();
}

test("limits are named", () => {
  const locals = new ByteWriter();
  locals.u8(1);
  locals.varU32(50_001);
  locals.u8(0x7f);
  locals.u8(0x0b);
  const tooMany = fault(moduleWithBody(locals.toBytes()));
  assert.equal(tooMany.kind, "limit");
  assert.match(tooMany.message, /too many locals: 50001 exceed the limit of 50000/);
  assert.deepEqual(tooMany.path, ["function 0"]);

  // Type 1 has 1000 results: a block of that type is four bytes and pushes 1000 values.
  const results = [2, 0x60, 0, 0, 0x60, 0, 0xe8, 7, ...new Array<number>(1000).fill(0x7f)];
  const blocks = new ByteWriter();
  blocks.u8(0);
  for (let i = 0; i < 1001; i++) blocks.bytes(Uint8Array.of(0x02, 0x01, 0x00, 0x0b)); // block (type 1) unreachable end
  const deep = fault(moduleWithBody(blocks.toBytes(), results));
  assert.equal(deep.kind, "limit");
  assert.match(deep.message, /operand stack exceeds the limit of 1000000 values/);
});

test("a module without an end, and with bytes behind it", () => {
  assert.match(fault(moduleWithBody(Uint8Array.of(0, 0x01))).message, /END opcode expected/);
  assert.match(fault(moduleWithBody(Uint8Array.of(0, 0x0b, 0x0b))).message, /operators behind the end of the function/);
  assert.match(fault(moduleWithBody(Uint8Array.of(0, 0xff, 0x0b))).message, /illegal opcode ff/);
});

/** Milliseconds that decoding and validating take, best of three. */
function time(bytes: Uint8Array): number {
  let best = Number.POSITIVE_INFINITY;
  for (let i = 0; i < 3; i++) {
    const start = performance.now();
    validateModule(decodeModule(bytes));
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

function generate(write: (w: ByteWriter) => void): Uint8Array {
  const w = new ByteWriter();
  w.u8(0);
  write(w);
  w.u8(0x0b);
  return moduleWithBody(w.toBytes());
}

test("time is linear in deep nesting, wide branch tables and long bodies", () => {
  const nested = (depth: number): Uint8Array =>
    generate((w) => {
      for (let i = 0; i < depth; i++) w.bytes(Uint8Array.of(0x02, 0x40));
      for (let i = 0; i < depth; i++) w.u8(0x0b);
    });
  const tables = (count: number, targets: number): Uint8Array =>
    generate((w) => {
      for (let t = 0; t < count; t++) {
        w.bytes(Uint8Array.of(0x02, 0x40, 0x41, 0, 0x0e));
        w.varU32(targets);
        for (let i = 0; i <= targets; i++) w.u8(0);
        w.u8(0x0b);
      }
    });
  const long = (count: number): Uint8Array =>
    generate((w) => {
      for (let i = 0; i < count; i++) w.bytes(Uint8Array.of(0x41, 0, 0x41, 1, 0x6a, 0x1a));
    });
  // Generous: a quadratic pass would take minutes for each.
  assert.ok(time(nested(1_000_000)) < 5_000);
  assert.ok(time(tables(100, 60_000)) < 5_000);
  assert.ok(time(long(1_000_000)) < 5_000);
});
