;; Like the well-known hello-city: a record goes in flattened, its string through realloc; a text goes to the host's logger.
(component $city
  (type $city-info (record (field "name" string) (field "head-count" u32) (field "budget" u64)))
  (import "hello:city/logger@0.1.0" (instance $logger
    (export "log" (func (param "msg" string)))))
  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $top))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $log (canon lower (func $logger "log") (memory (core memory $libc "memory"))))
  (core module $main
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "host" "log" (func $log (param i32 i32)))
    (data (i32.const 0) "Welcome to , we invite you for a drink!")
    (func $run (export "run") (param $name i32) (param $length i32) (param $heads i32) (param $budget i64)
      (local $text i32)
      (if (i64.ne (local.get $budget) (i64.mul (i64.extend_i32_u (local.get $heads)) (i64.const 0x100000001)))
        (then unreachable))
      (local.set $text
        (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (i32.add (local.get $length) (i32.const 39))))
      (memory.copy (local.get $text) (i32.const 0) (i32.const 11))
      (memory.copy (i32.add (local.get $text) (i32.const 11)) (local.get $name) (local.get $length))
      (memory.copy (i32.add (i32.add (local.get $text) (i32.const 11)) (local.get $length)) (i32.const 11) (i32.const 28))
      (call $log (local.get $text) (i32.add (local.get $length) (i32.const 39)))))
  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "host" (instance (export "log" (func $log))))))
  (func $run (param "info" $city-info)
    (canon lift (core func $main "run") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (instance $greeter (export "city-info" (type $city-info)) (export "run" (func $run)))
  (export "hello:city/greeter@0.1.0" (instance $greeter)))
