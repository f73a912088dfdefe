;; Imports routed through a table that the last module fills, as wit-component does it: calls go to the host directly.
;; instance shim
(module
  (type $t (func (param i32 i32)))
  (table (export "$imports") 1 1 funcref)
  (func (export "0") (type $t) local.get 0 local.get 1 i32.const 0 call_indirect (type $t)))
;; instance main
(module
  (import "shim" "0" (func $print (param i32 i32)))
  (memory (export "memory") 1)
  (func (export "run") (call $print (i32.const 16) (i32.const 5))))
;; instance fixup
(module
  (import "shim" "$imports" (table 1 1 funcref))
  (import "host" "print" (func $print (param i32 i32)))
  (elem (i32.const 0) func $print))
=====
function "shim::0" (i64, i32, i32) wasm [stack_check] {
  sig0 = (i64, i32, i32) wasm
  fn0 = @0 sig0
block0(v0: i64, v1: i32, v2: i32):
  v3 = iconst.i32 0
  call fn0(v0, v1, v2)
  return
}

function "main::1" (i64) wasm [stack_check] {
  sig0 = (i64, i32, i32) wasm
  fn0 = @0 sig0
block0(v0: i64):
  v1 = iconst.i32 16
  v2 = iconst.i32 5
  call fn0(v0, v1, v2)
  return
}

@0 = lowered0
