;; A guarded memory: one access is one instruction; a large offset is checked; a constant index needs no base.
(module
  (memory 1)
  (memory $fixed 2 2)
  (data $passive "hello")
  (func (export "load") (param i32) (result i32) (i32.load offset=8 (local.get 0)))
  (func (export "narrow") (param i32) (result i64) (i64.load16_s offset=0xffff (local.get 0)))
  (func (export "store") (param i32 i64) (i64.store32 (local.get 0) (local.get 1)))
  (func (export "constant") (result i32) (i32.load offset=16 (i32.const 1024)))
  (func (export "constant_outside") (result i32) (i32.load (i32.const 0x1fffd)))
  (func (export "never") (result i32) (i32.load $fixed (i32.const 0x1fffd)) (i32.add (i32.const 1)))
  (func (export "far") (param i32) (result i32) (i32.load offset=0x4000000 (local.get 0)))
  (func (export "second") (param i32) (result f32) (f32.load $fixed offset=4 (local.get 0)))
  (func (export "size") (result i32) (i32.add (memory.size) (memory.size $fixed)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "copy") (param i32 i32 i32) (memory.copy $fixed 0 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "fill") (param i32 i32 i32) (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "init") (param i32 i32 i32)
    (memory.init $passive (local.get 0) (local.get 1) (local.get 2))
    (data.drop $passive)))
=====
function "m::0" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iadd.i64 v0, v2
  v4 = load.i32 [v3 + 36872] full heap traps
  return v4
}

function "m::1" (i64, i32) -> i64 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iadd.i64 v0, v2
  v4 = load.i64 [v3 + 102399] s16 heap traps
  return v4
}

function "m::2" (i64, i32, i64) wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i64):
  v3 = uextend.i64 v1
  v4 = iadd.i64 v0, v3
  store.i64 [v4 + 36864], v2 u32 heap traps
  return
}

function "m::3" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  v1 = iconst.i32 1024
  v2 = load.i32 [v0 + 37904] full heap
  return v2
}

function "m::4" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  v1 = iconst.i32 131069
  v2 = load.i32 [v0 + 167933] full heap traps
  return v2
}

function "m::5" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  v1 = iconst.i32 131069
  trap code2
}

function "m::6" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = load.i64 [v0 + 264] full context
  v4 = iconst.i64 67108868
  v5 = iadd.i64 v2, v4
  v6 = bounds.i64 ugt v5, v3
  v7 = iadd.i64 v0, v2
  trapnz v6, code2
  v8 = guard.i64 v6, v0, v7
  v9 = load.i32 [v8 + 67145728] full heap
  return v9
}

function "m::7" (i64, i32) -> f32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = iconst.i64 4328558592
  v4 = iadd.i64 v0, v3
  v5 = iadd.i64 v4, v2
  v6 = load.f32 [v5 + 4] full heap traps
  return v6
}

function "m::8" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  v1 = load.i64 [v0 + 264] full context
  v2 = iconst.i64 16
  v3 = ushr.i64 v1, v2
  v4 = ireduce.i32 v3
  v5 = iconst.i64 131072
  v6 = iconst.i64 16
  v7 = ushr.i64 v5, v6
  v8 = ireduce.i32 v7
  v9 = iadd.i32 v4, v8
  return v9
}

function "m::9" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i64) -> i64 wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i32):
  v2 = uextend.i64 v1
  v3 = call fn0(v0, v2)
  v4 = ireduce.i32 v3
  return v4
}

function "m::10" (i64, i32, i32, i32) wasm [stack_check] {
  sig0 = (i64, i64, i64, i64) wasm
  fn0 = @1 sig0
block0(v0: i64, v1: i32, v2: i32, v3: i32):
  v4 = uextend.i64 v3
  v5 = uextend.i64 v2
  v6 = uextend.i64 v1
  v7 = iconst.i64 131072
  v8 = iconst.i64 0
  v9 = iadd.i64 v6, v4
  v10 = bounds.i64 ugt v9, v7
  trapnz v10, code2
  v11 = guard.i64 v10, v8, v6
  v12 = guard.i64 v10, v8, v4
  v13 = load.i64 [v0 + 264] full context
  v14 = iconst.i64 0
  v15 = iadd.i64 v5, v12
  v16 = bounds.i64 ugt v15, v13
  trapnz v16, code2
  v17 = guard.i64 v16, v14, v5
  v18 = guard.i64 v16, v14, v12
  v19 = iconst.i64 4328558592
  v20 = iadd.i64 v0, v19
  v21 = iadd.i64 v20, v11
  v22 = iconst.i64 36864
  v23 = iadd.i64 v0, v22
  v24 = iadd.i64 v23, v17
  call fn0(v0, v21, v24, v18)
  return
}

function "m::11" (i64, i32, i32, i32) wasm [stack_check] {
  sig0 = (i64, i64, i32, i64) wasm
  fn0 = @2 sig0
block0(v0: i64, v1: i32, v2: i32, v3: i32):
  v4 = uextend.i64 v3
  v5 = uextend.i64 v1
  v6 = load.i64 [v0 + 264] full context
  v7 = iconst.i64 0
  v8 = iadd.i64 v5, v4
  v9 = bounds.i64 ugt v8, v6
  trapnz v9, code2
  v10 = guard.i64 v9, v7, v5
  v11 = guard.i64 v9, v7, v4
  v12 = iconst.i64 36864
  v13 = iadd.i64 v0, v12
  v14 = iadd.i64 v13, v10
  call fn0(v0, v14, v2, v11)
  return
}

function "m::12" (i64, i32, i32, i32) wasm [stack_check] {
  sig0 = (i64, i64, i64, i64) wasm
  fn0 = @1 sig0
block0(v0: i64, v1: i32, v2: i32, v3: i32):
  v4 = uextend.i64 v3
  v5 = uextend.i64 v2
  v6 = uextend.i64 v1
  v7 = load.i64 [v0 + 288] u32 context
  v8 = iconst.i64 0
  v9 = iadd.i64 v5, v4
  v10 = bounds.i64 ugt v9, v7
  trapnz v10, code2
  v11 = guard.i64 v10, v8, v5
  v12 = guard.i64 v10, v8, v4
  v13 = load.i64 [v0 + 264] full context
  v14 = iconst.i64 0
  v15 = iadd.i64 v6, v12
  v16 = bounds.i64 ugt v15, v13
  trapnz v16, code2
  v17 = guard.i64 v16, v14, v6
  v18 = guard.i64 v16, v14, v12
  v19 = data_addr $0
  v20 = iadd.i64 v19, v11
  v21 = iconst.i64 36864
  v22 = iadd.i64 v0, v21
  v23 = iadd.i64 v22, v17
  call fn0(v0, v23, v20, v18)
  v24 = iconst.i32 0
  store.i32 [v0 + 288], v24 full context
  return
}

@0 = memory_grow0
@1 = memory_copy
@2 = memory_fill
