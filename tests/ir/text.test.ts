import assert from "node:assert/strict";
import { test } from "node:test";
import { WindlassError } from "../../src/base/diagnostics.ts";
import { parseFunc } from "../../src/ir/parse.ts";
import { printFunc } from "../../src/ir/print.ts";
import { verifyFunc } from "../../src/ir/verify.ts";

/** Every format of the op table once. */
const EVERYTHING = `function "all" (i64, i32) -> i32 wasm [stack_check] {
  slot0 = 16 align 8
  sig0 = (i64, i32) -> i32 wasm
  sig1 = (i64) -> i64, f64 wasm
  fn0 = @7 sig0
  fn1 = @0 sig1
block0(v0: i64, v1: i32):
  v2 = iconst.i32 -4
  v3 = iconst.i64 -81985529216486896
  v4 = f32const 0x7fc00000
  v5 = f64const 0xfff0000000000000
  v6 = v128const 0x000102030405060708090a0b0c0d0e0f
  v7 = iadd.i32 v1, v2
  v8 = clz.i64 v3
  v9 = icmp.i32 ult v7, v1
  v10 = fcmp.f64 ge v5, v5
  v11 = select.f32 v9, v4, v4
  v12 = load.i32 [v0 + 16] u8 heap traps
  store.i64 [v0 - 8], v8 u32 context
  v13 = atomic_cas.i32 [v0], v1, v2 full any
  atomic_fence
  v14 = func_addr @3
  v15 = data_addr $2 + 8
  v16 = slot_addr slot0
  v17 = text_base
  v18 = call fn0(v0, v1)
  v19, v20 = call_indirect sig1 v14(v0)
  v21, v22, v23 = call_catch fn1(v0)
  v24 = syscall v0, v0, v0, v0, v0, v0, v0
  copy_forward v0, v15, v3
  fill v0, v1, v3
  v25 = uextend.i64 v1
  v26 = bitcast.i64 v5
  v27 = vsplat.f32x4 v4
  v28 = vextract.i64x2 1 v6
  v29 = vextract_s.i8x16 15 v6
  v30 = vreplace.i16x8 7 v6, v1
  v31 = vicmp.i32x4 uge v6, v27
  v32 = vfcmp.f64x2 lt v6, v31
  v33 = vshuffle 0x0f1011000102030405060708090a0b1f v6, v27
  v34 = vshl.i8x16 v33, v1
  v35 = vnarrow_u.i16x8 v33, v34
  v36 = vand.v128 v35, v32
  v37 = vany_true.v128 v36
  v38 = load.v128 [v0] u64 heap traps
  v39 = atomic_load.i64 [v0 + 8] u16 heap traps
  atomic_store.i32 [v0], v1 u8 heap
  v40 = atomic_xor.i64 [v0], v39 u32 heap
  trapz v9, code3
  brif v9, block1(v12), block2
block1(v41: i32):
  br_table v41, [block2, block1(v41), block3]
block2:
  jump block1(v18)
block3:
  trap code1
}
`;

test("what print writes, parse reads and verify accepts", () => {
  const func = parseFunc(EVERYTHING);
  assert.deepEqual(verifyFunc(func), []);
  assert.equal(printFunc(func), EVERYTHING);
});

/** A rule of the verifier's rulebook, and a function that breaks it. */
const BROKEN: readonly (readonly [RegExp, string])[] = [
  [/is atomic and signed/, "block0(v0: i64):\n v1 = atomic_load.i32 [v0] s8 heap\n return"],
  [/not narrower than its type/, "block0(v0: i64):\n v1 = atomic_add.i32 [v0], v1 u32 heap\n return"],
  [/its type is no integer/, "block0(v0: i64):\n v1 = atomic_load.f32 [v0] full heap\n return"],
  [/does not end in a terminator/, "block0(v0: i64):\n v1 = iconst.i32 1"],
  [/not the signature's/, "block0(v0: i32):\n return"],
  [/target of a branch/, "block0(v0: i64):\n jump block0(v0)"],
  [/has 1 values, expected 0/, "block0(v0: i64):\n jump block1(v0)\nblock1:\n return"],
  [/v0 is i64, expected i32/, "block0(v0: i64):\n jump block1(v0)\nblock1(v1: i32):\n return"],
  [
    /does not dominate/,
    "block0(v0: i64):\n v1 = iconst.i32 1\n brif v1, block1, block2\nblock1:\n v2 = iconst.i32 2\n jump block2\nblock2:\n trapz v2, code1\n return",
  ],
  [/used before it is defined/, "block0(v0: i64):\n v1 = iadd.i32 v2, v2\n v2 = iconst.i32 2\n return"],
  [/v0 is i64, expected i32/, "block0(v0: i64):\n v1 = iadd.i32 v0, v0\n return"],
  [/has a type that is no integer/, "block0(v0: i64):\n v1 = f32const 0x0\n v2 = iadd.f32 v1, v1\n return"],
  [/has 1 values, expected 0/, "block0(v0: i64):\n return v0"],
  [/is a terminator inside/, "block0(v0: i64):\n return\n return"],
  [/not narrower/, "block0(v0: i64):\n v1 = load.i32 [v0] u32 heap\n return"],
  [/not in the layout/, "block0(v0: i64):\n jump block1"],
  [/slot3, which does not exist/, "block0(v0: i64):\n v1 = slot_addr slot3\n return"],
];

test("the verifier rejects what breaks its rules", () => {
  for (const [rule, text] of BROKEN) {
    const errors = verifyFunc(parseFunc(`function "f" (i64) wasm {\n${text}\n}\n`));
    assert.ok(
      errors.some((e) => rule.test(e)),
      `${rule}: ${JSON.stringify(errors)}`,
    );
  }
});

test("the parser names the line of an error", () => {
  assert.throws(
    () => parseFunc('function "f" () c {\nblock0:\n  v1 = frobnicate 3\n}'),
    (e: unknown) => {
      assert.ok(e instanceof WindlassError);
      assert.match(e.message, /line 3: no op is called frobnicate/);
      return true;
    },
  );
  assert.throws(() => parseFunc('function "f" () c {\nblock0:\n  return v9\n}'), /v9 is not defined/);
  assert.throws(() => parseFunc(""), /no function/);
});
