;; A plugin: turns ASCII letters by half the alphabet.
(component
  (core module $main
    (memory (export "memory") 1)
    (global $top (mut i32) (i32.const 1024))
    ;; A bump allocator that post-return resets.
    (func (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (global.get $top))
      (global.set $top (i32.add (local.get $at) (i32.and (i32.add (local.get $size) (i32.const 15)) (i32.const -16))))
      (if (i32.gt_u (global.get $top) (i32.const 65536)) (then unreachable))
      (memory.copy (local.get $at) (local.get $old) (local.get $old-size))
      (local.get $at))
    (func (export "reset") (param i32) (global.set $top (i32.const 1024)))

    (func $change (param $c i32) (result i32)
      (local $letter i32)
      (local.set $letter (i32.sub (i32.or (local.get $c) (i32.const 32)) (i32.const 97)))
      (select
        (i32.add (local.get $c)
          (select (i32.const 13) (i32.const -13) (i32.lt_u (local.get $letter) (i32.const 13))))
        (local.get $c)
        (i32.lt_u (local.get $letter) (i32.const 26))))
    ;; Changes the text where it is, and gives it back.
    (func (export "transform") (param $at i32) (param $length i32) (result i32)
      (local $end i32)
      (i32.store (i32.const 16) (local.get $at))
      (i32.store (i32.const 20) (local.get $length))
      (local.set $end (i32.add (local.get $at) (local.get $length)))
      (block $done
        (loop $next
          (br_if $done (i32.eq (local.get $at) (local.get $end)))
          (i32.store8 (local.get $at) (call $change (i32.load8_u (local.get $at))))
          (local.set $at (i32.add (local.get $at) (i32.const 1)))
          (br $next)))
      (i32.const 16)))
  (core instance $main (instantiate $main))
  (func (export "transform") (param "text" string) (result string)
    (canon lift (core func $main "transform") (memory (core memory $main "memory"))
      (realloc (core func $main "realloc")) (post-return (core func $main "reset")))))
