;; A start function that does what the host says: nothing, or one of the ways to trap.
(component
  (import "test:start/host" (instance $host (export "how" (func (result u32)))))
  (core func $how (canon lower (func $host "how")))
  (core module $m
    (import "host" "how" (func $how (result i32)))
    (memory 1 2)
    (table 1 1 funcref)
    (global $runs (mut i32) (i32.const 0))
    (func $forever (param i32) (result i32) (i32.add (i32.const 1) (call $forever (local.get 0))))
    (func $start
      (local $how i32)
      (local.set $how (call $how))
      (i32.store (i32.const 100) (i32.const 77))
      (if (i32.eq (local.get $how) (i32.const 1)) (then unreachable))
      (if (i32.eq (local.get $how) (i32.const 2)) (then (drop (i32.load (i32.const -16)))))
      (if (i32.eq (local.get $how) (i32.const 3)) (then (drop (call $forever (i32.const 1)))))
      (if (i32.eq (local.get $how) (i32.const 4)) (then (call_indirect (i32.const 0))))
      (global.set $runs (i32.add (global.get $runs) (i32.const 1))))
    (start $start)
    (func (export "runs") (result i32) (i32.add (global.get $runs) (i32.load (i32.const 100)))))
  (core instance $m (instantiate $m (with "host" (instance (export "how" (func $how))))))
  (func (export "runs") (result u32) (canon lift (core func $m "runs"))))
