import assert from "node:assert/strict";
import { test } from "node:test";
import { type Diagnostic, WindlassError } from "../../src/base/diagnostics.ts";
import { decodeModule } from "../../src/wasm/decode.ts";
import { memoryTypeMatches, tableTypeMatches, typeMatches, valTypeMatches } from "../../src/wasm/matching.ts";
import { functionName, functionPath, functionType, NULL_FUNCTION } from "../../src/wasm/module.ts";
import { CATCH_ALL_REF, CATCH_REF, OperatorReader } from "../../src/wasm/operators.ts";
import { TypeInterner } from "../../src/wasm/type-interner.ts";
import {
  concreteRef,
  EXNREF,
  EXTERNREF,
  FUNCREF,
  funcTypeName,
  I32,
  memoryTypeName,
  tableTypeName,
  valTypeName,
} from "../../src/wasm/types.ts";
import { assemble } from "../support/wat.ts";

function fault(...bytes: number[]): Diagnostic {
  try {
    decodeModule(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...bytes));
  } catch (error) {
    if (error instanceof WindlassError && error.diagnostics[0] !== undefined) return error.diagnostics[0];
    throw error;
  }
  throw new Error("decoded");
}

test("every section", async () => {
  const module = decodeModule(
    await assemble(`(module $name
      (type $t (func (param i32 (ref null extern)) (result f64)))
      (import "env" "f" (func $f (type $t)))
      (import "env" "g" (global (mut i64)))
      (func $own (type $t) (f64.const 0))
      (table 1 2 (ref null $t)) (table i64 3 externref)
      (memory 1 2 shared) (memory i64 5)
      (tag $e (param i32))
      (global v128 (v128.const i32x4 1 2 3 0xffffffff))
      (global funcref (ref.func $own))
      (export "own" (func $own)) (export "tag" (tag $e))
      (start $own)
      (elem (i32.const 7) (ref null $t) (ref.func $f) (ref.null $t))
      (elem declare func $own)
      (data (memory 1) (i64.const 9) "abc") (data "xy"))`),
  );
  assert.equal(module.names.module, "name");
  assert.deepEqual(
    module.imports.map((i) => `${i.module}.${i.name}: ${i.desc.kind}`),
    ["env.f: func", "env.g: global"],
  );
  assert.deepEqual([...module.functions].length, 2);
  assert.equal(module.importedFunctions, 1);
  assert.equal(funcTypeName(functionType(module, 1)), "[i32 externref] -> [f64]");
  assert.equal(functionName(module, 1), "own");
  assert.equal(functionPath(module, 1), 'function 1 "own"');
  assert.deepEqual(
    module.tables.map((t) => tableTypeName(t.type)),
    ["1 2 (ref null 0)", "i64 3 externref"],
  );
  assert.deepEqual(
    module.memories.map((m) => memoryTypeName(m.type)),
    ["1 2 shared", "i64 5"],
  );
  assert.equal(module.tags.length, 1);
  assert.equal(module.startFunction, 1);
  assert.deepEqual(
    module.exports.map((e) => [e.name, e.kind, e.index]),
    [
      ["own", "func", 1],
      ["tag", "tag", 0],
    ],
  );
  const [vector, reference] = [module.globals[1]?.init?.operators[0], module.globals[2]?.init?.operators[0]];
  assert.deepEqual([vector?.lo, vector?.hi, vector?.lo2, vector?.hi2], [1, 2, 3, -1]);
  assert.equal(reference?.index, 1);
  const [active, declared] = module.elements;
  assert.equal(active?.mode.kind, "active");
  assert.deepEqual(active?.items, {
    kind: "functions",
    functions: Uint32Array.of(0, NULL_FUNCTION),
    nullType: concreteRef(0, true),
  });
  assert.equal(declared?.mode.kind, "declared");
  const [abc, xy] = module.data;
  const text = (d: typeof abc): string => new TextDecoder().decode(module.bytes.subarray(d?.start, d?.end));
  assert.equal(abc?.mode.kind === "active" ? abc.mode.index : undefined, 1);
  assert.deepEqual([text(abc), text(xy)], ["abc", "xy"]);
  assert.equal((module.bodyEnd[0] ?? 0) - (module.bodyStart[0] ?? 0), 11);
});

test("malformed sections", () => {
  assert.equal(fault(1, 1, 0, 1, 1, 0).message, "unexpected content after last section: a second type section");
  assert.equal(fault(3, 1, 0, 1, 1, 0).message, "unexpected content after last section: type section out of order");
  assert.equal(fault(14, 0).message, "malformed section id");
  assert.equal(fault(1, 9).message, "length out of bounds");
  assert.equal(fault(1, 2, 0, 0).message, "section size mismatch");
  assert.equal(fault(1, 3, 1, 0x60, 1).message, "unexpected end of section or function");
  assert.equal(fault(0, 3, 2, 0xff, 0xff).message, "malformed UTF-8 encoding");
  assert.match(fault(1, 4, 1, 0x60, 0, 0, 3, 2, 1, 0).message, /function and code section have inconsistent lengths/);
  assert.match(fault(12, 1, 2).message, /data count and data section have inconsistent lengths/);
  const limit = fault(1, 4, 0xff, 0xff, 0xff, 0x7f);
  assert.equal(limit.kind, "limit");
  assert.deepEqual(limit.path, ["type section"]);
  assert.equal(limit.offset, 10);
});

test("a huge count does not reserve memory", () => {
  assert.match(fault(3, 3, 0xc0, 0x84, 0x3d).message, /unexpected end/); // 1,000,000 functions in no bytes
});

test("a broken name section gives the names before the fault", async () => {
  const bytes = await assemble("(module (func $first) (func $second))");
  const at = new TextDecoder("latin1").decode(bytes).indexOf("second");
  bytes[at - 1] = 0x7f; // length of the name
  const module = decodeModule(bytes);
  assert.equal(functionName(module, 0), "first");
  assert.equal(functionName(module, 1), undefined);
});

test("value type names", () => {
  const names = [I32, FUNCREF, EXTERNREF, EXNREF, concreteRef(7, false), concreteRef(7, true)].map(valTypeName);
  assert.deepEqual(names, ["i32", "funcref", "externref", "exnref", "(ref 7)", "(ref null 7)"]);
});

test("types are canonical across modules that share an interner", async () => {
  const interner = new TypeInterner();
  const decode = async (text: string) => {
    const bytes = await assemble(text);
    return decodeModule(bytes, 0, bytes.length, interner);
  };
  const a = await decode(`(module
    (type (func (param i32)))
    (rec (type $x (func (param (ref $y)))) (type $y (func (result (ref $x)))))
    (type $s (sub (func))) (type (sub $s (func))))`);
  const b = await decode(`(module
    (type (func))
    (rec (type $p (func (param (ref $q)))) (type $q (func (result (ref $p)))))
    (type (func (param i32)))
    (type $s (sub (func))) (type (sub $s (func))))`);
  assert.equal(a.typeIds[0], b.typeIds[3]);
  assert.equal(a.typeIds[1], b.typeIds[1]);
  assert.equal(a.typeIds[2], b.typeIds[2]);
  assert.notEqual(a.typeIds[3], b.typeIds[0]);
  assert.ok(typeMatches(4, a, 4, b));
  assert.ok(!typeMatches(4, b, 0, a));
  assert.ok(typeMatches(5, b, 3, a));
  assert.ok(valTypeMatches(concreteRef(1, false), a, concreteRef(1, true), b));
  assert.ok(!valTypeMatches(concreteRef(1, true), a, concreteRef(1, false), b));
});

test("matching of tables and memories", async () => {
  const module = decodeModule(
    await assemble("(module (table 2 4 funcref) (table 1 funcref) (memory 2 4) (memory 1 5) (memory 1 3))"),
  );
  const [t0, t1] = module.tables.map((t) => t.type);
  const [m0, m1, m2] = module.memories.map((m) => m.type);
  assert.ok(t0 && t1 && m0 && m1 && m2);
  assert.ok(tableTypeMatches(t0, module, t1, module));
  assert.ok(!tableTypeMatches(t1, module, t0, module));
  assert.ok(memoryTypeMatches(m0, m1));
  assert.ok(!memoryTypeMatches(m0, m2));
});

test("the operator reader's fields", async () => {
  const module = decodeModule(
    await assemble(`(module (memory 1) (memory 1) (tag) (type $t (func (param i32) (result i32)))
      (func (local i32 i32 f64)
        (block (type $t) (br_table 1 0 2))
        (i64.const -2) (f32.const 1.5) (f64.const -0.5)
        (i64.load32_s 1 offset=0xfffffffff align=2)
        (v128.load16_lane 1 offset=3 align=1 7)
        (try_table (result i32) (catch_ref 0 1) (catch_all_ref 2))
        (select (result externref)) (memory.copy 0 1)))`),
  );
  const r = new OperatorReader(module.bytes);
  r.startBody(module.bodyStart[0] ?? 0, module.bodyEnd[0] ?? 0);
  assert.deepEqual([...r.localCounts.view()], [2, 1]);
  assert.equal(r.localCount, 3);
  const next = (op: number): void => {
    const at = r.reader.pos;
    r.next();
    assert.equal(r.op, op);
    assert.equal(r.offset, at);
  };
  next(0x02);
  assert.equal(r.blockType, 0);
  next(0x0e);
  assert.deepEqual([...r.labels.view()], [1, 0, 2]);
  next(0x0b);
  next(0x42);
  assert.deepEqual([r.lo, r.hi], [-2, -1]);
  next(0x43);
  assert.equal(r.lo, 0x3fc00000);
  next(0x44);
  assert.deepEqual([r.lo, r.hi], [0, 0xbfe00000 | 0]);
  next(0x34);
  assert.deepEqual([r.memory, r.align, r.offsetLo, r.offsetHi], [1, 1, -1, 15]);
  next(0x255);
  assert.deepEqual([r.memory, r.align, r.offsetLo, r.offsetHi, r.lane], [1, 0, 3, 0, 7]);
  next(0x1f);
  assert.equal(~r.blockType, I32);
  assert.deepEqual([...r.catchKinds.view()], [CATCH_REF, CATCH_ALL_REF]);
  assert.deepEqual([...r.catchLabels.view()], [1, 2]);
  next(0x0b);
  next(0x1c);
  assert.deepEqual([...r.selectTypes.view()], [EXTERNREF]);
  next(0x14a);
  assert.deepEqual([r.index, r.index2], [0, 1]);
  next(0x0b);
  assert.ok(r.atEnd);
});
