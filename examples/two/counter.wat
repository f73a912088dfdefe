;; A library with state: counts up to a limit, and traps beyond it.
(component
  (core module $main
    (global $count (mut i32) (i32.const 0))
    (func (export "next") (param $limit i32) (result i32)
      (global.set $count (i32.add (global.get $count) (i32.const 1)))
      (if (i32.gt_u (global.get $count) (local.get $limit)) (then unreachable))
      (global.get $count)))
  (core instance $main (instantiate $main))
  (func (export "next") (param "limit" u32) (result u32) (canon lift (core func $main "next"))))
