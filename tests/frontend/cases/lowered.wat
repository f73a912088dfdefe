;; The trampoline of a lowered import, and the entry of an export: what a call from the host and one to the host cost.
(component
  (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
  (core func $lowered (canon lower (func $add)))
  (core module $m
    (import "" "add" (func $add (param i32 i32) (result i32)))
    (func (export "sum") (param i32 i32) (result i32) (call $add (local.get 0) (local.get 1))))
  (core instance $m (instantiate $m (with "" (instance (export "add" (func $lowered))))))
  (func (export "sum") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $m "sum"))))
=====
;; dynamic
function "test_sum" (i64, i64, i64) -> i32 c [entry] {
  sig0 = (i64, i32, i32) -> i32 wasm
  fn0 = @29 sig0
block0(v0: i64, v1: i64, v2: i64):
  v3 = iconst.i64 0
  v4 = icmp.i64 eq v0, v3
  brif v4, block1, block2
block1:
  v5 = iconst.i32 259
  return v5
block2:
  v6 = load.i64 [v0] full any
  v7 = iconst.i64 1279544919
  v8 = bxor.i64 v6, v7
  v9 = load.i64 [v0 + 64] full any
  v10 = bor.i64 v8, v9
  v11 = iconst.i64 0
  v12 = icmp.i64 ne v10, v11
  brif v12, block3, block4
block3:
  v13 = iconst.i64 0
  v14 = icmp.i64 eq v0, v13
  brif v14, block5, block6
block5:
  v15 = iconst.i32 259
  return v15
block6:
  v16 = load.i32 [v0] full any
  v17 = iconst.i32 1279544919
  v18 = icmp.i32 ne v16, v17
  brif v18, block7, block8
block7:
  v19 = iconst.i32 259
  return v19
block8:
  v20 = load.i32 [v0 + 4] full any
  v21 = iconst.i32 1
  v22 = icmp.i32 eq v20, v21
  brif v22, block9, block10
block9:
  v23 = iconst.i32 258
  return v23
block10:
  v24 = iconst.i32 260
  return v24
block4:
  v25 = iconst.i64 2
  v26 = icmp.i64 ult v2, v25
  brif v26, block11, block12
block11:
  v27 = iconst.i32 256
  return v27
block12:
  v28 = iconst.i64 0
  v29 = icmp.i64 eq v1, v28
  brif v29, block13, block14
block13:
  v30 = iconst.i32 256
  return v30
block14:
  v31 = load.i32 [v1] full any
  v32 = load.i32 [v1 + 16] full any
  v33 = stack_pointer
  v34 = load.i64 [v0 + 48] full any
  v35 = icmp.i64 ult v34, v33
  v36 = isub.i64 v33, v34
  v37 = iconst.i64 0
  v38 = select.i64 v35, v36, v37
  v39 = iconst.i32 0
  store.i32 [v0 + 88], v39 full any
  store.i64 [v0 + 8], v38 full any
  v40 = iconst.i64 1
  store.i64 [v0 + 64], v40 full any
  v41, v42 = call_catch fn0(v0, v31, v32)
  v43 = frame_pointer
  v44 = load.i64 [v43 - 8] full any
  v45 = iconst.i64 0
  store.i64 [v44 + 64], v45 full any
  v46 = iconst.i32 0
  v47 = icmp.i32 eq v41, v46
  brif v47, block15, block16
block15:
  store.i32 [v1], v42 full any
  jump block16
block16:
  return v41
}

;; dynamic
function "test/lowered0::add" (i64, i32, i32) -> i32 wasm {
  slot0 = 32 align 16
  sig0 = (i64, i64, i64, i64, i32, i64, i64) -> i32 c
block0(v0: i64, v1: i32, v2: i32):
  v3 = load.i32 [v0 + 128] full any
  v4 = iconst.i32 0
  v5 = icmp.i32 eq v3, v4
  trapnz v5, code14
  v6 = slot_addr slot0
  store.i32 [v6], v1 full any
  store.i32 [v6 + 16], v2 full any
  v7 = load.i64 [v0 + 144] full constant
  v8 = iconst.i64 0
  v9 = icmp.i64 eq v7, v8
  trapnz v9, code17
  v10 = load.i64 [v0 + 152] full constant
  v11 = iconst.i64 0
  v12 = iconst.i64 0
  v13 = iconst.i32 0
  v14 = iconst.i64 2
  v15 = call_indirect sig0 v7(v0, v10, v11, v12, v13, v6, v14)
  trapnz v15, code16
  v16 = load.i32 [v6] full any
  return v16
}

;; flat
function "test/lowered0::add" (i64, i32, i32) -> i32 wasm {
  sig0 = (i64, i64, i32, i32) -> i32 c
block0(v0: i64, v1: i32, v2: i32):
  v3 = load.i32 [v0 + 128] full any
  v4 = iconst.i32 0
  v5 = icmp.i32 eq v3, v4
  trapnz v5, code14
  v6 = load.i64 [v0 + 144] full constant
  v7 = iconst.i64 0
  v8 = icmp.i64 eq v6, v7
  trapnz v8, code17
  v9 = load.i64 [v0 + 152] full constant
  v10 = call_indirect sig0 v6(v0, v9, v1, v2)
  v11 = load.i32 [v0 + 88] full any
  trapnz v11, code16
  return v10
}
