;; checked: every access is compared with the length; 64-bit indices can overflow.
(module
  (memory $a 1)
  (memory $fixed 1 1)
  (memory $wide i64 1)
  (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (export "fixed") (param i32) (result i32) (i32.load $fixed (local.get 0)))
  (func (export "inside") (result i32) (i32.load (i32.const 100)))
  (func (export "beyond") (param i32) (result i32) (i32.load offset=0x10000 (local.get 0)))
  (func (export "wide") (param i64) (result i32) (i32.load $wide offset=8 (local.get 0)))
  (func (export "wide_far") (param i64) (result i32) (i32.load $wide offset=0x20000 (local.get 0)))
  (func (export "wide_never") (param i64) (result i32) (i32.load $wide offset=0xffffffffffffffff (local.get 0)))
  (func (export "wide_size") (result i64) (memory.size $wide))
  (func (export "wide_grow") (param i64) (result i64) (memory.grow $wide (local.get 0)))
  (func (export "wide_fill") (param i64 i32 i64) (memory.fill $wide (local.get 0) (local.get 1) (local.get 2))))
=====
function "m::0" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iconst.i64 65536
  v4 = iconst.i64 12
  v5 = isub.i64 v3, v4
  v6 = bounds.i64 ugt v2, v5
  v7 = iadd.i64 v0, v2
  trapnz v6, code2
  v8 = guard.i64 v6, v0, v7
  v9 = load.i32 [v8 + 36872] full heap
  return v9
}

function "m::1" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iconst.i64 65536
  v4 = iconst.i64 4
  v5 = isub.i64 v3, v4
  v6 = bounds.i64 ugt v2, v5
  v7 = iconst.i64 4295008256
  v8 = iadd.i64 v0, v7
  v9 = iadd.i64 v8, v2
  trapnz v6, code2
  v10 = guard.i64 v6, v8, v9
  v11 = load.i32 [v10] full heap
  return v11
}

function "m::2" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  v1 = iconst.i32 100
  v2 = load.i32 [v0 + 36964] full heap
  return v2
}

function "m::3" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  trap code2
}

function "m::4" (i64, i64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = load.i64 [v0 + 296] full context
  v3 = iconst.i64 12
  v4 = isub.i64 v2, v3
  v5 = bounds.i64 ugt v1, v4
  v6 = iconst.i64 4295077888
  v7 = iadd.i64 v0, v6
  v8 = iadd.i64 v7, v1
  trapnz v5, code2
  v9 = guard.i64 v5, v7, v8
  v10 = load.i32 [v9 + 8] full heap
  return v10
}

function "m::5" (i64, i64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = load.i64 [v0 + 296] full context
  v3 = iconst.i64 131076
  v4 = isub.i64 v2, v3
  v5 = bounds.i64 ugt v3, v2
  trapnz v5, code2
  v6 = iconst.i64 0
  v7 = guard.i64 v5, v6, v4
  v8 = bounds.i64 ugt v1, v7
  v9 = iconst.i64 4295077888
  v10 = iadd.i64 v0, v9
  v11 = iadd.i64 v10, v1
  trapnz v8, code2
  v12 = guard.i64 v8, v10, v11
  v13 = load.i32 [v12 + 131072] full heap
  return v13
}

function "m::6" (i64, i64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  trap code2
}

function "m::7" (i64) -> i64 wasm [stack_check] {
block0(v0: i64):
  v1 = load.i64 [v0 + 296] full context
  v2 = iconst.i64 16
  v3 = ushr.i64 v1, v2
  return v3
}

function "m::8" (i64, i64) -> i64 wasm [stack_check] {
  sig0 = (i64, i64) -> i64 wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i64):
  v2 = call fn0(v0, v1)
  return v2
}

function "m::9" (i64, i64, i32, i64) wasm [stack_check] {
  sig0 = (i64, i64, i32, i64) wasm
  fn0 = @1 sig0
block0(v0: i64, v1: i64, v2: i32, v3: i64):
  v4 = load.i64 [v0 + 296] full context
  v5 = iconst.i64 0
  v6 = bounds.i64 ugt v1, v4
  trapnz v6, code2
  v7 = guard.i64 v6, v5, v1
  v8 = isub.i64 v4, v7
  v9 = bounds.i64 ugt v3, v8
  trapnz v9, code2
  v10 = guard.i64 v9, v5, v3
  v11 = iconst.i64 4295077888
  v12 = iadd.i64 v0, v11
  v13 = iadd.i64 v12, v7
  call fn0(v0, v13, v2, v10)
  return
}

@0 = memory_grow2
@1 = memory_fill
