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
  fn0 = @32 sig0
block0(v0: i64, v1: i64, v2: i64):
  v3 = iconst.i64 0
  v4 = icmp.i64 eq v0, v3
  brif v4, block1, block2
block1:
  v5 = iconst.i32 259
  return v5
block2:
  v6 = load.i64 [v0] full any
  v7 = icmp.i64 ne v6, v0
  brif v7, block3, block4
block3:
  v8 = iconst.i64 1
  v9 = iadd.i64 v0, v8
  v10 = icmp.i64 eq v6, v9
  brif v10, block5, block6
block5:
  v11 = iconst.i32 258
  return v11
block6:
  v12 = iconst.i64 2
  v13 = iadd.i64 v0, v12
  v14 = icmp.i64 eq v6, v13
  brif v14, block7, block8
block7:
  v15 = iconst.i32 260
  return v15
block8:
  v16 = iconst.i32 259
  return v16
block4:
  v17 = load.i64 [v0 + 16] full any
  v18 = iconst.i64 0
  v19 = icmp.i64 ne v17, v18
  brif v19, block9, block10
block9:
  v20 = iconst.i32 260
  return v20
block10:
  v21 = iconst.i64 2
  v22 = icmp.i64 ult v2, v21
  brif v22, block11, block12
block11:
  v23 = iconst.i32 256
  return v23
block12:
  v24 = iconst.i64 0
  v25 = icmp.i64 eq v1, v24
  brif v25, block13, block14
block13:
  v26 = iconst.i32 256
  return v26
block14:
  v27 = load.i32 [v1] full any
  v28 = load.i32 [v1 + 16] full any
  v29 = stack_pointer
  v30 = load.i64 [v0 + 32] full any
  v31 = icmp.i64 ult v29, v30
  v32 = select.i64 v31, v29, v30
  v33 = isub.i64 v29, v32
  store.i64 [v0 + 8], v33 full any
  v34 = frame_pointer
  v35 = load.i64 [v34 + 8] full any
  store.i64 [v0 + 16], v34 full any
  store.i64 [v0 + 24], v35 full any
  v36, v37 = call_catch fn0(v0, v27, v28)
  v38 = frame_pointer
  v39 = load.i64 [v38 - 8] full any
  v40 = iconst.i64 0
  store.i64 [v39 + 16], v40 full any
  v41 = iconst.i32 0
  v42 = icmp.i32 eq v36, v41
  brif v42, block15, block16
block15:
  store.i32 [v1], v37 full any
  jump block16
block16:
  return v36
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
