;; Functions to walk through: many live values, stack arguments, several results, indirect calls, traps of every kind; the host is
;; visited in the middle.
(component
  (import "test:walk/host" (instance $host
    (export "visit" (func (param "a" u32) (param "b" f64) (param "c" u64) (result u32)))
    (export "wide" (func
      (param "a" u64) (param "b" u64) (param "c" u64) (param "d" u64) (param "e" u64) (param "f" u64) (param "g" u64)
      (param "h" f32) (param "i" f64) (param "j" u32) (result u64)))
    (export "text" (func (param "text" string)))))
  (core module $libc
    (memory (export "memory") 1 3)
    (global $top (mut i32) (i32.const 4096))
    (func $realloc (export "realloc") (param $old i32) (param $old-size i32) (param $align i32) (param $size i32) (result i32)
      (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $top) (i32.const 15)) (i32.const -16)))
      (global.set $top (i32.add (local.get $at) (local.get $size)))
      (local.get $at)))
  (core instance $libc (instantiate $libc))
  (core func $visit (canon lower (func $host "visit")))
  (core func $wide (canon lower (func $host "wide")))
  (core func $text (canon lower (func $host "text") (memory (core memory $libc "memory"))))

  (core module $m
    (import "libc" "memory" (memory 1 3))
    (import "host" "visit" (func $visit (param i32 f64 i64) (result i32)))
    (import "host" "wide" (func $wide (param i64 i64 i64 i64 i64 i64 i64 f32 f64 i32) (result i64)))
    (import "host" "text" (func $text (param i32 i32)))
    (type $unary (func (param i32) (result i32)))
    (table 4 4 funcref)
    (elem (i32.const 0) $inner $leaf $fib)
    (global $calls (mut i32) (i32.const 0))
    (data (i32.const 16) "walked through")

    (func $leaf (param i32) (result i32) (i32.mul (local.get 0) (i32.const 3)))
    (func $fib (param i32) (result i32)
      (if (result i32) (i32.lt_u (local.get 0) (i32.const 2)) (then (local.get 0))
        (else (i32.add (call $fib (i32.sub (local.get 0) (i32.const 1))) (call $fib (i32.sub (local.get 0) (i32.const 2)))))))

    ;; Nine integers and eleven floats: arguments on the stack, which the callee removes.
    (func $many (param i32 i64 i32 i64 i32 i64 i32 i64 i32)
      (param f64 f32 f64 f32 f64 f32 f64 f32 f64 f32 f64) (result i64)
      (local $sum i64)
      (local.set $sum (i64.add (i64.extend_i32_u (i32.add (local.get 0) (local.get 2))) (i64.add (local.get 1) (local.get 3))))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (call $fib (i32.const 4)))))
      (local.set $sum (i64.add (local.get $sum) (i64.extend_i32_u (i32.add (local.get 4) (i32.add (local.get 6) (local.get 8))))))
      (local.set $sum (i64.add (local.get $sum) (i64.add (local.get 5) (local.get 7))))
      (i64.add (local.get $sum)
        (i64.trunc_f64_s
          (f64.add (f64.add (local.get 9) (f64.promote_f32 (local.get 10)))
            (f64.add (local.get 17) (f64.add (f64.promote_f32 (local.get 18)) (local.get 19)))))))

    ;; Four integers and three floats as results: some in registers, some in the context.
    (func $several (param i32) (result i32 f64 i64 i32 f32 f64 i32)
      (call $leaf (local.get 0))
      (f64.const 1.5)
      (i64.extend_i32_u (local.get 0))
      (i32.const 7)
      (f32.const 2.5)
      (f64.const 3.5)
      (call $leaf (i32.const 5)))

    (func $inner (param $n i32) (result i32)
      (local $a i32) (local $b i32) (local $c i32) (local $d i32) (local $e i32) (local $f i32) (local $g i32) (local $x f64)
      (local.set $a (i32.add (local.get $n) (i32.const 1)))
      (local.set $b (i32.mul (local.get $n) (i32.const 5)))
      (local.set $c (i32.xor (local.get $n) (i32.const 0x5555)))
      (local.set $d (i32.shl (local.get $n) (i32.const 3)))
      (local.set $e (i32.sub (local.get $n) (i32.const 9)))
      (local.set $f (i32.rotl (local.get $n) (i32.const 11)))
      (local.set $x (f64.convert_i32_u (local.get $n)))
      (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
      (local.set $g (call $visit (local.get $a) (f64.add (local.get $x) (f64.const 0.5)) (i64.extend_i32_u (local.get $b))))
      (i32.add (local.get $a) (i32.add (local.get $b) (i32.add (local.get $c) (i32.add (local.get $d) (i32.add (local.get $e)
        (i32.add (local.get $f) (i32.add (local.get $g) (i32.trunc_f64_u (local.get $x))))))))))

    (func $outer (param $n i32) (result i32)
      (local $i i32) (local $sum i32) (local $r i64)
      (block $done
        (loop $next
          (br_if $done (i32.ge_u (local.get $i) (i32.const 2)))
          (local.set $sum (i32.add (local.get $sum) (call_indirect (type $unary) (local.get $n) (i32.const 0))))
          (local.set $sum (i32.add (local.get $sum) (call_indirect (type $unary) (local.get $i) (i32.const 1))))
          (local.set $i (i32.add (local.get $i) (i32.const 1)))
          (br $next)))
      (local.set $r
        (call $many (i32.const 1) (i64.const 2) (i32.const 3) (i64.const 4) (i32.const 5) (i64.const 6) (i32.const 7) (i64.const 8)
          (i32.const 9) (f64.const 1) (f32.const 2) (f64.const 3) (f32.const 4) (f64.const 5) (f32.const 6) (f64.const 7)
          (f32.const 8) (f64.const 9) (f32.const 10) (f64.const 11)))
      (local.set $r
        (i64.add (local.get $r)
          (call $wide (i64.const 1) (i64.const 2) (i64.const 3) (i64.const 4) (i64.const 5) (i64.const 6) (i64.const 7)
            (f32.const 0.5) (f64.const 0.25) (i32.const -1))))
      (call $text (i32.const 16) (i32.const 14))
      (call $several (local.get $n))
      (drop) (drop) (drop)
      (local.set $sum (i32.add (local.get $sum)))
      (local.set $r (i64.add (local.get $r)))
      (drop)
      (local.set $sum (i32.add (local.get $sum)))
      (i32.add (local.get $sum) (i32.wrap_i64 (local.get $r))))

    (func $walk (export "walk") (param i32) (result i32) (call $outer (local.get 0)))

    (func $fault (param $how i32) (param $value i32) (result i32)
      (block $7 (block $6 (block $5 (block $4 (block $3 (block $2 (block $1 (block $0
        (br_table $0 $1 $2 $3 $4 $5 $6 $7 (local.get $how)))
        unreachable)
        (return (i32.load offset=8 (local.get $value))))
        (return (i32.div_s (i32.const -2147483648) (local.get $value))))
        (return (call_indirect (type $unary) (i32.const 0) (local.get $value))))
        (return (i32.trunc_f64_s (f64.mul (f64.const 1e300) (f64.convert_i32_s (local.get $value))))))
        (memory.fill (i32.const 65530) (i32.const 1) (local.get $value)) (return (i32.const 0)))
        (return (i32.add (i32.const 1) (call $fault (local.get $how) (i32.add (local.get $value) (i32.const 1))))))
      (i32.store8 (local.get $value) (i32.const 1))
      (i32.const 0))
    (func $trap (export "trap") (param i32 i32) (result i32)
      (i32.add (i32.const 1) (call $fault (local.get 0) (local.get 1))))
    (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0))))

  (core instance $m (instantiate $m
    (with "libc" (instance $libc))
    (with "host" (instance (export "visit" (func $visit)) (export "wide" (func $wide)) (export "text" (func $text))))))
  (func (export "walk") (param "n" u32) (result u32) (canon lift (core func $m "walk")))
  (func (export "trap") (param "how" u32) (param "value" u32) (result u32) (canon lift (core func $m "trap")))
  (func (export "grow") (param "pages" u32) (result s32) (canon lift (core func $m "grow")))
  (func (export "measure") (param "text" string) (result u32)
    (canon lift (core func $m "trap") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))
