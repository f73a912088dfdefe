;; Gives a list back as it came. What was allocated is free again when it returns.
(component
  (core module $plain
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (global.get $top)
      (global.set $top (i32.add (global.get $top) (local.get $size))))
    (func (export "echo") (param $at i32) (param $length i32) (result i32)
      (global.set $top (i32.const 1024))
      (i32.store (i32.const 16) (local.get $at))
      (i32.store (i32.const 20) (local.get $length))
      (i32.const 16)))
  (core instance $plain (instantiate $plain))
  (func (export "echo") (param "v" (list u8)) (result (list u8))
    (canon lift (core func $plain "echo") (memory (core memory $plain "memory")) (realloc (core func $plain "realloc")))))
