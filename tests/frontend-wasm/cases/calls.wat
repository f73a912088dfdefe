;; Direct calls, calls through tables that change and that don't, references.
(module
  (type $t (func (param i32) (result i32)))
  (import "host" "log" (func $log (param i32)))
  (import "windlass:native" "twice" (func $twice (param i32) (result i32)))
  (import "windlass:native" "stop" (func $stop))
  (table $changing 4 funcref)
  (table $constant 3 3 funcref)
  (elem (table $constant) (i32.const 0) func $f $log)
  (elem $passive funcref (ref.func $f) (ref.null func))
  (global $ref funcref (ref.func $f))
  (func $f (type $t) (i32.add (local.get 0) (i32.const 1)))
  (func (export "direct") (param i32) (result i32) (call $f (call $f (local.get 0))))
  (func (export "host") (param i32) (call $log (local.get 0)))
  (func (export "intrinsic") (param i32) (result i32) (i32.mul (call $twice (local.get 0)) (local.get 0)))
  (func (export "stop") (result i32) (call $stop) (i32.const 1))
  (func (export "indirect") (param i32) (result i32) (call_indirect $changing (type $t) (i32.const 5) (local.get 0)))
  (func (export "indirect_constant") (param i32) (result i32)
    (call_indirect $constant (type $t) (i32.const 5) (local.get 0)))
  (func (export "known") (param i32) (result i32) (call_indirect $constant (type $t) (local.get 0) (i32.const 0)))
  (func (export "known_mismatch") (param i32) (result i32) (call_indirect $constant (type $t) (local.get 0) (i32.const 1)))
  (func (export "known_null") (param i32) (result i32) (call_indirect $constant (type $t) (local.get 0) (i32.const 2)))
  (func (export "known_outside") (param i32) (result i32) (call_indirect $constant (type $t) (local.get 0) (i32.const 3)))
  (func (export "tail") (param i32) (result i32) (return_call $f (local.get 0)))
  (func (export "tail_indirect") (param i32) (result i32) (return_call_indirect $changing (type $t) (i32.const 5) (local.get 0)))
  (func (export "reference") (result funcref) (ref.func $f))
  (func (export "global_reference") (result funcref) (global.get $ref))
  (func (export "call_ref") (param (ref null $t)) (result i32) (call_ref $t (i32.const 1) (local.get 0)))
  (func (export "table_set") (param i32 funcref) (table.set $changing (local.get 0) (local.get 1)))
  (func (export "table_grow") (param i32 funcref) (result i32) (table.grow $changing (local.get 1) (local.get 0)))
  (func (export "table_init") (param i32 i32 i32) (table.init $changing $passive (local.get 0) (local.get 1) (local.get 2)))
  (func (export "null") (param funcref) (result i32)
    (block $l (br_on_null $l (local.get 0)) (drop))
    (ref.is_null (local.get 0))))
=====
function "m::f" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 1
  v3 = iadd.i32 v1, v2
  return v3
}

function "m::4" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i32):
  v2 = call fn0(v0, v1)
  v3 = call fn0(v0, v2)
  return v3
}

function "m::5" (i64, i32) wasm [stack_check] {
  sig0 = (i64, i32) wasm
  fn0 = @1 sig0
block0(v0: i64, v1: i32):
  call fn0(v0, v1)
  return
}

function "m::6" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  jump block1
block1:
  v2 = iadd.i32 v1, v1
  v3 = imul.i32 v2, v1
  return v3
}

function "m::7" (i64) -> i32 wasm [stack_check] {
block0(v0: i64):
  trap code1
}

function "m::8" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
block0(v0: i64, v1: i32):
  v2 = iconst.i32 5
  v3 = load.i32 [v0 + 272] full context
  v4 = bounds.i32 uge v1, v3
  v5 = uextend.i64 v1
  v6 = iconst.i64 3
  v7 = ishl.i64 v5, v6
  v8 = iadd.i64 v0, v7
  trapnz v4, code4
  v9 = guard.i64 v4, v0, v8
  v10 = load.i32 [v9 + 40964] full table
  v11 = iconst.i32 1
  v12 = icmp.i32 eq v10, v11
  brif v12, block2, block1
block2:
  v13 = load.i64 [v9 + 40960] u32 table
  v14 = text_base
  v15 = iadd.i64 v14, v13
  v16 = call_indirect sig0 v15(v0, v2)
  return v16
block1:
  v17 = load.i32 [v9 + 40964] full table
  trapz v17, code5
  trap code6
}

function "m::9" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
block0(v0: i64, v1: i32):
  v2 = iconst.i32 5
  v3 = iconst.i32 3
  v4 = bounds.i32 uge v1, v3
  v5 = uextend.i64 v1
  v6 = iconst.i64 3
  v7 = ishl.i64 v5, v6
  v8 = iadd.i64 v0, v7
  trapnz v4, code4
  v9 = guard.i64 v4, v0, v8
  v10 = load.i32 [v9 + 36868] full constant
  v11 = iconst.i32 1
  v12 = icmp.i32 eq v10, v11
  brif v12, block2, block1
block2:
  v13 = load.i64 [v9 + 36864] u32 constant
  v14 = text_base
  v15 = iadd.i64 v14, v13
  v16 = call_indirect sig0 v15(v0, v2)
  return v16
block1:
  v17 = load.i32 [v9 + 36868] full constant
  trapz v17, code5
  trap code6
}

function "m::10" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i32):
  v2 = iconst.i32 0
  v3 = call fn0(v0, v1)
  return v3
}

function "m::11" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 1
  trap code6
}

function "m::12" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 2
  trap code5
}

function "m::13" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 3
  trap code4
}

function "m::14" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i32):
  return_call fn0(v0, v1)
}

function "m::15" (i64, i32) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
block0(v0: i64, v1: i32):
  v2 = iconst.i32 5
  v3 = load.i32 [v0 + 272] full context
  v4 = bounds.i32 uge v1, v3
  v5 = uextend.i64 v1
  v6 = iconst.i64 3
  v7 = ishl.i64 v5, v6
  v8 = iadd.i64 v0, v7
  trapnz v4, code4
  v9 = guard.i64 v4, v0, v8
  v10 = load.i32 [v9 + 40964] full table
  v11 = iconst.i32 1
  v12 = icmp.i32 eq v10, v11
  brif v12, block2, block1
block2:
  v13 = load.i64 [v9 + 40960] u32 table
  v14 = text_base
  v15 = iadd.i64 v14, v13
  return_call_indirect sig0 v15(v0, v2)
block1:
  v16 = load.i32 [v9 + 40964] full table
  trapz v16, code5
  trap code6
}

function "m::16" (i64) -> i64 wasm [stack_check] {
block0(v0: i64):
  v1 = func_addr @0
  v2 = text_base
  v3 = isub.i64 v1, v2
  v4 = iconst.i64 4294967296
  v5 = iadd.i64 v3, v4
  return v5
}

function "m::17" (i64) -> i64 wasm [stack_check] {
block0(v0: i64):
  v1 = func_addr @0
  v2 = text_base
  v3 = isub.i64 v1, v2
  v4 = iconst.i64 4294967296
  v5 = iadd.i64 v3, v4
  return v5
}

function "m::18" (i64, i64) -> i32 wasm [stack_check] {
  sig0 = (i64, i32) -> i32 wasm
block0(v0: i64, v1: i64):
  v2 = iconst.i32 1
  v3 = iconst.i64 0
  v4 = icmp.i64 eq v1, v3
  trapnz v4, code12
  v5 = ireduce.i32 v1
  v6 = uextend.i64 v5
  v7 = text_base
  v8 = iadd.i64 v7, v6
  v9 = call_indirect sig0 v8(v0, v2)
  return v9
}

function "m::19" (i64, i32, i64) wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i64):
  v3 = load.i32 [v0 + 272] full context
  v4 = bounds.i32 uge v1, v3
  v5 = uextend.i64 v1
  v6 = iconst.i64 3
  v7 = ishl.i64 v5, v6
  v8 = iadd.i64 v0, v7
  trapnz v4, code3
  v9 = guard.i64 v4, v0, v8
  store.i64 [v9 + 40960], v2 full table
  return
}

function "m::20" (i64, i32, i64) -> i32 wasm [stack_check] {
  sig0 = (i64, i64, i64) -> i64 wasm
  fn0 = @2 sig0
block0(v0: i64, v1: i32, v2: i64):
  v3 = uextend.i64 v1
  v4 = call fn0(v0, v3, v2)
  v5 = ireduce.i32 v4
  return v5
}

function "m::21" (i64, i32, i32, i32) wasm [stack_check] {
  sig0 = (i64, i64, i64, i64) wasm
  fn0 = @3 sig0
block0(v0: i64, v1: i32, v2: i32, v3: i32):
  v4 = uextend.i64 v3
  v5 = uextend.i64 v2
  v6 = uextend.i64 v1
  v7 = load.i64 [v0 + 304] u32 context
  v8 = iconst.i64 0
  v9 = iadd.i64 v5, v4
  v10 = bounds.i64 ugt v9, v7
  trapnz v10, code3
  v11 = guard.i64 v10, v8, v5
  v12 = guard.i64 v10, v8, v4
  v13 = load.i64 [v0 + 272] full context
  v14 = iconst.i64 0
  v15 = iadd.i64 v6, v12
  v16 = bounds.i64 ugt v15, v13
  trapnz v16, code3
  v17 = guard.i64 v16, v14, v6
  v18 = guard.i64 v16, v14, v12
  v19 = iconst.i64 3
  v20 = ishl.i64 v11, v19
  v21 = data_addr $0
  v22 = iadd.i64 v21, v20
  v23 = iconst.i64 3
  v24 = ishl.i64 v17, v23
  v25 = iconst.i64 40960
  v26 = iadd.i64 v0, v25
  v27 = iadd.i64 v26, v24
  v28 = iconst.i64 3
  v29 = ishl.i64 v18, v28
  call fn0(v0, v27, v22, v29)
  return
}

function "m::22" (i64, i64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = iconst.i64 0
  v3 = icmp.i64 eq v1, v2
  brif v3, block1, block2
block2:
  jump block1
block1:
  v4 = iconst.i64 0
  v5 = icmp.i64 eq v1, v4
  return v5
}

@0 = m::3
@1 = lowered0
@2 = table_grow0
@3 = memory_copy
