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
  fn0 = @31 sig0
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
  v17 = load.i32 [v0 + 96] full any
  v18 = iconst.i32 2
  v19 = band.i32 v17, v18
  v20 = iconst.i32 0
  v21 = icmp.i32 ne v19, v20
  v22 = band.i32 v16, v21
  v23 = iconst.i32 0
  v24 = icmp.i32 eq v22, v23
  brif v24, block7, block8
block7:
  v25 = iconst.i32 260
  return v25
block8:
  v26 = iconst.i64 2
  v27 = icmp.i64 ult v2, v26
  brif v27, block9, block10
block9:
  v28 = iconst.i32 256
  return v28
block10:
  v29 = iconst.i64 0
  v30 = icmp.i64 eq v1, v29
  brif v30, block11, block12
block11:
  v31 = iconst.i32 256
  return v31
block12:
  v32 = load.i32 [v1] full any
  v33 = load.i32 [v1 + 16] full any
  v34 = load.i32 [v0 + 96] full any
  v35 = iconst.i32 -3
  v36 = band.i32 v34, v35
  store.i32 [v0 + 96], v36 full any
  v37 = load.i64 [v0 + 8] full any
  v38 = load.i64 [v0 + 64] full any
  v39 = stack_pointer
  v40 = load.i64 [v0 + 48] full any
  v41 = icmp.i64 ult v40, v39
  v42 = isub.i64 v39, v40
  v43 = iconst.i64 0
  v44 = select.i64 v41, v42, v43
  v45 = iconst.i64 0
  v46 = icmp.i64 eq v38, v45
  brif v46, block13, block15
block13:
  v47 = iconst.i32 0
  store.i32 [v0 + 88], v47 full any
  jump block14(v44)
block15:
  v48 = icmp.i64 ult v44, v37
  v49 = icmp.i64 ule v37, v39
  v50 = band.i32 v48, v49
  v51 = select.i64 v50, v37, v44
  jump block14(v51)
block14(v52: i64):
  store.i64 [v0 + 8], v52 full any
  v53 = iconst.i64 1
  v54 = iadd.i64 v38, v53
  store.i64 [v0 + 64], v54 full any
  v55, v56 = call_entry fn0(v0, v32, v33)
  store.i64 [v0 + 8], v37 full any
  store.i64 [v0 + 64], v38 full any
  v57 = iconst.i32 0
  v58 = icmp.i32 eq v55, v57
  brif v58, block16, block17
block16:
  v59 = load.i32 [v0 + 96] full any
  v60 = iconst.i32 2
  v61 = bor.i32 v59, v60
  store.i32 [v0 + 96], v61 full any
  store.i32 [v1], v56 full any
  jump block17
block17:
  return v55
}

;; dynamic
function "test/lowered0::add" (i64, i32, i32) -> i32 wasm {
  slot0 = 32 align 16
  sig0 = (i64, i64, i64, i64, i32, i64, i64) -> i32 c
block0(v0: i64, v1: i32, v2: i32):
  v3 = load.i32 [v0 + 96] full any
  v4 = iconst.i32 1
  v5 = band.i32 v3, v4
  trapz v5, code14
  v6 = slot_addr slot0
  store.i32 [v6], v1 full any
  store.i32 [v6 + 16], v2 full any
  v7 = load.i64 [v0 + 112] full constant
  v8 = iconst.i64 0
  v9 = icmp.i64 eq v7, v8
  trapnz v9, code17
  v10 = load.i64 [v0 + 120] full constant
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
  v3 = load.i32 [v0 + 96] full any
  v4 = iconst.i32 1
  v5 = band.i32 v3, v4
  trapz v5, code14
  v6 = load.i64 [v0 + 112] full constant
  v7 = iconst.i64 0
  v8 = icmp.i64 eq v6, v7
  trapnz v8, code17
  v9 = load.i64 [v0 + 120] full constant
  v10 = call_indirect sig0 v6(v0, v9, v1, v2)
  v11 = load.i32 [v0 + 88] full any
  trapnz v11, code16
  return v10
}
