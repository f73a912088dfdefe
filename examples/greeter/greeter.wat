;; A library: greets through a logger that the host implements, and gives the greeting back.
(component
  (import "acme:greeter/log" (instance $log
    (export "write" (func (param "text" string)))))

  (core module $libc
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 4096))
    ;; A bump allocator that post-return resets.
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at
        (i32.and
          (i32.add (global.get $top) (i32.sub (local.get $align) (i32.const 1)))
          (i32.sub (i32.const 0) (local.get $align))))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (if (i32.gt_u (global.get $top) (i32.mul (memory.size) (i32.const 65536)))
        (then
          (if (i32.eq
                (memory.grow (i32.add (i32.div_u (local.get $size) (i32.const 65536)) (i32.const 1)))
                (i32.const -1))
            (then unreachable))))
      (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
      (local.get $at))
    (func (export "reset") (global.set $top (i32.const 4096))))
  (core instance $libc (instantiate $libc))

  (core func $write (canon lower (func $log "write") (memory (core memory $libc "memory"))))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "libc" "realloc" (func $realloc (param i32 i32 i32 i32) (result i32)))
    (import "libc" "reset" (func $reset))
    (import "log" "write" (func $write (param i32 i32)))
    (data (i32.const 64) "Hello, ")

    ;; greet(name, times): logs the greeting `times` times; the result is the greeting.
    (func (export "greet") (param $name i32) (param $length i32) (param $times i32) (result i32)
      (local $text i32) (local $total i32)
      (local.set $total (i32.add (local.get $length) (i32.const 8)))
      (local.set $text (call $realloc (i32.const 0) (i32.const 0) (i32.const 1) (local.get $total)))
      (memory.copy (local.get $text) (i32.const 64) (i32.const 7))
      (memory.copy (i32.add (local.get $text) (i32.const 7)) (local.get $name) (local.get $length))
      (i32.store8 (i32.add (local.get $text) (i32.add (local.get $length) (i32.const 7))) (i32.const 33))
      (block $done
        (loop $again
          (br_if $done (i32.eqz (local.get $times)))
          (call $write (local.get $text) (local.get $total))
          (local.set $times (i32.sub (local.get $times) (i32.const 1)))
          (br $again)))
      (i32.store (i32.const 32) (local.get $text))
      (i32.store (i32.const 36) (local.get $total))
      (i32.const 32))
    (func (export "greet-done") (param i32) (call $reset))

    (func $overflow (export "recurse") (param $n i32) (result i32)
      (i32.add (call $overflow (i32.add (local.get $n) (i32.const 1))) (i32.const 1)))
    (func (export "divide") (param i32 i32) (result i32) (i32.div_u (local.get 0) (local.get 1)))
    (func (export "peek") (param i32) (result i32) (i32.load (local.get 0))))

  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "log" (instance (export "write" (func $write))))))

  (func $greet (param "name" string) (param "times" u32) (result string)
    (canon lift (core func $main "greet") (memory (core memory $libc "memory"))
      (realloc (core func $libc "realloc")) (post-return (core func $main "greet-done"))))
  (func $recurse (param "n" u32) (result u32) (canon lift (core func $main "recurse")))
  (func $divide (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $main "divide")))
  (func $peek (param "address" u32) (result u32) (canon lift (core func $main "peek")))
  (export "greet" (func $greet))
  (export "recurse" (func $recurse))
  (export "divide" (func $divide))
  (export "peek" (func $peek)))
