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
  v6 = load.i32 [v0] full any
  v7 = iconst.i32 1279544919
  v8 = icmp.i32 ne v6, v7
  brif v8, block3, block4
block3:
  v9 = iconst.i32 259
  return v9
block4:
  v10 = load.i32 [v0 + 4] full any
  v11 = iconst.i32 1
  v12 = icmp.i32 eq v10, v11
  brif v12, block5, block6
block5:
  v13 = iconst.i32 258
  return v13
block6:
  v14 = load.i32 [v0 + 4] full any
  v15 = iconst.i32 0
  v16 = icmp.i32 eq v14, v15
  v17 = load.i32 [v0 + 128] full any
  v18 = iconst.i32 2
  v19 = band.i32 v17, v18
  v20 = iconst.i32 0
  v21 = icmp.i32 ne v19, v20
  v22 = band.i32 v16, v21
  v23 = load.i64 [v0 + 64] full any
  v24 = iconst.i64 0
  v25 = icmp.i64 eq v23, v24
  v26 = band.i32 v22, v25
  v27 = iconst.i32 0
  v28 = icmp.i32 eq v26, v27
  brif v28, block7, block8
block7:
  v29 = iconst.i32 260
  return v29
block8:
  v30 = iconst.i64 2
  v31 = icmp.i64 ult v2, v30
  brif v31, block9, block10
block9:
  v32 = iconst.i32 256
  return v32
block10:
  v33 = iconst.i64 0
  v34 = icmp.i64 eq v1, v33
  brif v34, block11, block12
block11:
  v35 = iconst.i32 256
  return v35
block12:
  v36 = load.i32 [v1] full any
  v37 = load.i32 [v1 + 16] full any
  v38 = load.i32 [v0 + 128] full any
  v39 = iconst.i32 -3
  v40 = band.i32 v38, v39
  store.i32 [v0 + 128], v40 full any
  v41 = load.i64 [v0 + 8] full any
  v42 = load.i64 [v0 + 64] full any
  v43 = stack_pointer
  v44 = load.i64 [v0 + 48] full any
  v45 = icmp.i64 ult v44, v43
  v46 = isub.i64 v43, v44
  v47 = iconst.i64 0
  v48 = select.i64 v45, v46, v47
  v49 = iconst.i64 0
  v50 = icmp.i64 eq v42, v49
  brif v50, block13, block15
block13:
  v51 = iconst.i32 0
  store.i32 [v0 + 88], v51 full any
  jump block14(v48)
block15:
  v52 = icmp.i64 ult v48, v41
  v53 = icmp.i64 ule v41, v43
  v54 = band.i32 v52, v53
  v55 = select.i64 v54, v41, v48
  jump block14(v55)
block14(v56: i64):
  store.i64 [v0 + 8], v56 full any
  v57 = iconst.i64 1
  v58 = iadd.i64 v42, v57
  store.i64 [v0 + 64], v58 full any
  v59, v60 = call_catch fn0(v0, v36, v37)
  store.i64 [v0 + 8], v41 full any
  store.i64 [v0 + 64], v42 full any
  v61 = iconst.i32 0
  v62 = icmp.i32 eq v59, v61
  brif v62, block16, block17
block16:
  v63 = load.i32 [v0 + 128] full any
  v64 = iconst.i32 2
  v65 = bor.i32 v63, v64
  store.i32 [v0 + 128], v65 full any
  store.i32 [v1], v60 full any
  jump block17
block17:
  return v59
}

;; dynamic
function "test/lowered0::add" (i64, i32, i32) -> i32 wasm {
  slot0 = 32 align 16
  sig0 = (i64, i64, i64, i64, i32, i64, i64) -> i32 c
block0(v0: i64, v1: i32, v2: i32):
  v3 = load.i32 [v0 + 128] full any
  v4 = iconst.i32 1
  v5 = band.i32 v3, v4
  trapz v5, code14
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
  v4 = iconst.i32 1
  v5 = band.i32 v3, v4
  trapz v5, code14
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
