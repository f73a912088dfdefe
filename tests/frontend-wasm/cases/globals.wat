;; Globals that nothing sets are constants.
(module
  (global $stack (mut i32) (i32.const 65536))
  (global $never_set (mut i64) (i64.const -2))
  (global $pi f64 (f64.const 3.5))
  (global $sum i32 (i32.add (i32.const 40) (i32.const 2)))
  (func (export "push") (param i32) (result i32)
    (global.set $stack (i32.sub (global.get $stack) (local.get 0)))
    (global.get $stack))
  (func (export "constants") (result i64 f64 i32) (global.get $never_set) (global.get $pi) (global.get $sum)))
=====
function "m::0" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = load.i32 [v0 + 256] full global
  v3 = isub.i32 v2, v1
  store.i32 [v0 + 256], v3 full global
  v4 = load.i32 [v0 + 256] full global
  return v4
}

function "m::1" (i64) -> i64, f64, i32 wasm [stack_check] {
block0(v0: i64):
  v1 = iconst.i64 -2
  v2 = f64const 0x400c000000000000
  v3 = iconst.i32 42
  return v1, v2, v3
}

