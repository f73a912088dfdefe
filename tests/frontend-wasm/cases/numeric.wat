;; Numeric operators that trap, and those that take several operations.
(module
  (func (export "div_s") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "div_u") (param i64 i64) (result i64) (i64.div_u (local.get 0) (local.get 1)))
  (func (export "rem_s") (param i64 i64) (result i64) (i64.rem_s (local.get 0) (local.get 1)))
  (func (export "div_constant") (param i32) (result i32) (i32.div_s (local.get 0) (i32.const 7)))
  (func (export "div_minus_one") (param i64) (result i64) (i64.div_s (local.get 0) (i64.const -1)))
  (func (export "div_zero") (param i64) (result i64) (i64.div_s (local.get 0) (i64.const 0)))
  (func (export "trunc") (param f64) (result i32) (i32.trunc_f64_s (local.get 0)))
  (func (export "trunc_u") (param f32) (result i64) (i64.trunc_f32_u (local.get 0)))
  (func (export "trunc_sat") (param f64) (result i32) (i32.trunc_sat_f64_u (local.get 0)))
  (func (export "eqz") (param i64) (result i32) (i64.eqz (local.get 0)))
  (func (export "convert") (param i64) (result f32) (f32.demote_f64 (f64.convert_i64_u (local.get 0))))
  (func (export "wide") (param i64 i64) (result i64 i64) (i64.mul_wide_s (local.get 0) (local.get 1)))
  (func (export "add128") (param i64 i64 i64 i64) (result i64 i64)
    (i64.add128 (local.get 0) (local.get 1) (local.get 2) (local.get 3))))
=====
function "m::0" (i64, i32, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32, v2: i32):
  trapz v2, code7
  v3 = iconst.i32 -2147483648
  v4 = icmp.i32 eq v1, v3
  v5 = iconst.i32 -1
  v6 = icmp.i32 eq v2, v5
  v7 = band.i32 v4, v6
  trapnz v7, code8
  v8 = sdiv.i32 v1, v2
  return v8
}

function "m::1" (i64, i64, i64) -> i64 wasm [stack_check] {
block0(v0: i64, v1: i64, v2: i64):
  v3 = iconst.i64 0
  v4 = icmp.i64 ne v2, v3
  trapz v4, code7
  v5 = udiv.i64 v1, v2
  return v5
}

function "m::2" (i64, i64, i64) -> i64 wasm [stack_check] {
block0(v0: i64, v1: i64, v2: i64):
  v3 = iconst.i64 0
  v4 = icmp.i64 ne v2, v3
  trapz v4, code7
  v5 = srem.i64 v1, v2
  return v5
}

function "m::3" (i64, i32) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i32):
  v2 = iconst.i32 7
  v3 = sdiv.i32 v1, v2
  return v3
}

function "m::4" (i64, i64) -> i64 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = iconst.i64 -1
  v3 = iconst.i64 -9223372036854775808
  v4 = icmp.i64 eq v1, v3
  trapnz v4, code8
  v5 = sdiv.i64 v1, v2
  return v5
}

function "m::5" (i64, i64) -> i64 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = iconst.i64 0
  trap code7
}

function "m::6" (i64, f64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: f64):
  v2 = f64const 0xc1e0000000200000
  v3 = fcmp.f64 gt v1, v2
  v4 = f64const 0x41e0000000000000
  v5 = fcmp.f64 lt v1, v4
  v6 = band.i32 v3, v5
  brif v6, block2, block1
block2:
  v7 = fcvt_to_sint.i32 v1
  return v7
block1:
  v8 = fcmp.f64 ne v1, v1
  trapnz v8, code9
  trap code8
}

function "m::7" (i64, f32) -> i64 wasm [stack_check] {
block0(v0: i64, v1: f32):
  v2 = f32const 0xbf800000
  v3 = fcmp.f32 gt v1, v2
  v4 = f32const 0x5f800000
  v5 = fcmp.f32 lt v1, v4
  v6 = band.i32 v3, v5
  brif v6, block2, block1
block2:
  v7 = fcvt_to_uint.i64 v1
  return v7
block1:
  v8 = fcmp.f32 ne v1, v1
  trapnz v8, code9
  trap code8
}

function "m::8" (i64, f64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: f64):
  v2 = fcvt_to_uint_sat.i32 v1
  return v2
}

function "m::9" (i64, i64) -> i32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = iconst.i64 0
  v3 = icmp.i64 eq v1, v2
  return v3
}

function "m::10" (i64, i64) -> f32 wasm [stack_check] {
block0(v0: i64, v1: i64):
  v2 = fcvt_from_uint.f64 v1
  v3 = fdemote.f32 v2
  return v3
}

function "m::11" (i64, i64, i64) -> i64, i64 wasm [stack_check] {
block0(v0: i64, v1: i64, v2: i64):
  v3 = imul.i64 v1, v2
  v4 = smulhi.i64 v1, v2
  return v3, v4
}

function "m::12" (i64, i64, i64, i64, i64) -> i64, i64 wasm [stack_check] {
block0(v0: i64, v1: i64, v2: i64, v3: i64, v4: i64):
  v5 = iadd.i64 v1, v3
  v6 = icmp.i64 ult v5, v3
  v7 = iadd.i64 v2, v4
  v8 = uextend.i64 v6
  v9 = iadd.i64 v7, v8
  return v5, v9
}

