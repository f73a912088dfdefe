import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Flattening, join, MAX_FLAT_PARAMS } from "../../src/abi/flatten.ts";
import { discriminantSize, flagsSize, Sizes } from "../../src/abi/sizes.ts";
import { ComponentTypes, type InterfaceType } from "../../src/component/types.ts";
import { F32, F64, funcTypeName, I32, I64, valTypeName } from "../../src/wasm/types.ts";
import { extent, flat, intern, type Tree } from "./reference.ts";

const { tree } = fc.letrec<{ tree: Tree }>((tie) => {
  const inner = tie("tree");
  const some = fc.option(inner, { nil: undefined });
  const primitive = fc
    .constantFrom("bool", "s8", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string")
    .map((type): Tree => ({ kind: "primitive", type }) as const);
  const parts = fc.array(inner, { minLength: 1, maxLength: 5 });
  return {
    tree: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      primitive,
      fc.tuple(fc.constantFrom("record", "tuple"), parts).map(([kind, list]): Tree => ({ kind, parts: list })),
      fc.array(some, { minLength: 1, maxLength: 4 }).map((cases): Tree => ({ kind: "variant", cases })),
      inner.map((element): Tree => ({ kind: "list", element })),
      fc
        .tuple(inner, fc.integer({ min: 1, max: 6 }))
        .map(([element, length]): Tree => ({ kind: "fixed-list", element, length })),
      fc.tuple(primitive, inner).map(([key, value]): Tree => ({ kind: "map", key, value })),
      inner.map((of): Tree => ({ kind: "option", of })),
      fc.tuple(some, some).map(([ok, err]): Tree => ({ kind: "result", ok, err })),
      fc.integer({ min: 1, max: 32 }).map((count): Tree => ({ kind: "flags", count })),
      fc.integer({ min: 1, max: 300 }).map((count): Tree => ({ kind: "enum", count })),
    ),
  };
});

test("sizes and flat types of random types are those of the definitions", () => {
  fc.assert(
    fc.property(tree, (t) => {
      const types = new ComponentTypes();
      const type = intern(types, t);
      for (const [ptr, bytes, name] of [
        [I32, 4, "i32"],
        [I64, 8, "i64"],
      ] as const) {
        const sizes = new Sizes(types, ptr);
        assert.deepEqual([sizes.elemSize(type), sizes.alignment(type)], extent(t, bytes));
        const found = new Flattening(types, ptr).flattenType(type).map(valTypeName);
        assert.deepEqual(found, flat(t, name).slice(0, MAX_FLAT_PARAMS + 1));
      }
    }),
    { numRuns: 3_000 },
  );
});

test("discriminants and flags", () => {
  assert.deepEqual([1, 2, 256, 257, 65_536, 65_537].map(discriminantSize), [1, 1, 1, 2, 2, 4]);
  assert.deepEqual([1, 8, 9, 16, 17, 32].map(flagsSize), [1, 1, 2, 2, 4, 4]);
});

test("join", () => {
  assert.equal(join(I32, F32), I32);
  assert.equal(join(F32, F32), F32);
  assert.equal(join(I32, I64), I64);
  assert.equal(join(F32, F64), I64);
  assert.equal(join(F64, F64), F64);
});

test("offsets of fields and payloads", () => {
  const types = new ComponentTypes();
  const sizes = new Sizes(types, I32);
  const fields: InterfaceType[] = [
    { kind: "u8" },
    { kind: "u64" },
    { kind: "u16" },
    { kind: "string" },
    { kind: "bool" },
  ];
  assert.deepEqual(sizes.fieldOffsets(fields), [0, 8, 16, 20, 28]);
  assert.deepEqual(sizes.record(fields), { alignment: 8, size: 32 });
  assert.equal(sizes.payloadOffset([undefined, { kind: "u64" }]), 8);
  assert.equal(sizes.payloadOffset([{ kind: "u8" }]), 1);
});

function signature(params: readonly InterfaceType[], result: InterfaceType | undefined, context: "lift" | "lower") {
  const types = new ComponentTypes();
  const func = { params: params.map((type, i) => ({ name: `p${i}`, type })), result, isAsync: false };
  const flattened = new Flattening(types, I32).flattenFuncType(func, context);
  return `${funcTypeName(flattened.signature)}${flattened.paramsInMemory ? " params" : ""}${flattened.resultInMemory ? " result" : ""}`;
}

test("core signatures", () => {
  const u32: InterfaceType = { kind: "u32" };
  const string: InterfaceType = { kind: "string" };
  assert.equal(signature([u32, string], { kind: "f64" }, "lift"), "[i32 i32 i32] -> [f64]");
  assert.equal(signature([u32], string, "lift"), "[i32] -> [i32] result");
  assert.equal(signature([u32], string, "lower"), "[i32 i32] -> [] result");
  const many = (count: number) => Array.from({ length: count }, () => u32);
  assert.equal(signature(many(16), undefined, "lower"), `[${Array(16).fill("i32").join(" ")}] -> []`);
  assert.equal(signature(many(17), undefined, "lower"), "[i32] -> [] params");
  assert.equal(signature(many(17), string, "lower"), "[i32 i32] -> [] params result");
  assert.equal(signature(many(17), string, "lift"), "[i32] -> [i32] params result");
});

test("asynchronous signatures", () => {
  const types = new ComponentTypes();
  const flattening = new Flattening(types, I32);
  const u32: InterfaceType = { kind: "u32" };
  const func = {
    params: Array.from({ length: 5 }, (_, i) => ({ name: `p${i}`, type: u32 })),
    result: u32,
    isAsync: true,
  };
  const text = (context: "lift" | "lower", callback: boolean) =>
    funcTypeName(flattening.flattenFuncType(func, context, { isAsync: true, callback }).signature);
  assert.equal(text("lift", true), "[i32 i32 i32 i32 i32] -> [i32]");
  assert.equal(text("lift", false), "[i32 i32 i32 i32 i32] -> []");
  assert.equal(text("lower", false), "[i32 i32] -> [i32]");
});

test("a large fixed-length list costs nothing", () => {
  const types = new ComponentTypes();
  const element: InterfaceType = { kind: "u8" };
  const list: InterfaceType = { kind: "fixed-list", type: types.fixedLists.intern({ element, length: 2 ** 28 - 1 }) };
  assert.equal(new Sizes(types, I32).elemSize(list), 2 ** 28 - 1);
  assert.equal(new Flattening(types, I32).flattenType(list).length, MAX_FLAT_PARAMS + 1);
});
