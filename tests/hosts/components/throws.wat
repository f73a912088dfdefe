;; Exceptions that nobody catches, at every boundary; and one of everything that keeps them alive.
(component
  (import "test:throws/host" (instance $host (export "call" (func (param "x" u32) (result u32)))))

  (component $inner
    (core module $m
      (tag $t (param i32))
      (memory (export "memory") 1)
      (func (export "throw") (param i32) (result i32) (throw $t (local.get 0)))
      (func (export "fine") (param i32) (result i32) (local.get 0))
      (func (export "free") (param i32) (throw $t (local.get 0)))
      (func (export "text") (result i32)
        (i32.store (i32.const 8) (i32.const 16)) (i32.store (i32.const 12) (i32.const 3)) (i32.const 8))
      (func (export "post") (param i32) (throw $t (local.get 0))))
    (core instance $m (instantiate $m))
    (type $r (resource (rep i32) (dtor (core func $m "free"))))
    (core func $new (canon resource.new $r))
    (core module $maker
      (import "" "new" (func $new (param i32) (result i32)))
      (func (export "make") (result i32) (call $new (i32.const 5))))
    (core instance $maker (instantiate $maker (with "" (instance (export "new" (func $new))))))
    (func (export "throw") (param "x" u32) (result u32) (canon lift (core func $m "throw")))
    (func (export "fine") (param "x" u32) (result u32) (canon lift (core func $m "fine")))
    (func (export "text") (result string)
      (canon lift (core func $m "text") (memory (core memory $m "memory")) (post-return (core func $m "post"))))
    (export $r-out "r" (type $r))
    (func (export "make") (result (own $r-out)) (canon lift (core func $maker "make"))))
  (instance $inner (instantiate $inner))

  (component $outer
    (import "call" (func $host-call (param "x" u32) (result u32)))
    (import "inner" (instance $inner
      (export "r" (type $r (sub resource)))
      (export "throw" (func (param "x" u32) (result u32)))
      (export "fine" (func (param "x" u32) (result u32)))
      (export "text" (func (result string)))
      (export "make" (func (result (own $r))))))
    (alias export $inner "r" (type $r))

    (core module $libc
      (tag $oom)
      (memory (export "memory") 1)
      (global $how (export "how") (mut i32) (i32.const 0))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (if (global.get $how) (then (throw $oom)))
        (i32.const 1024)))
    (core instance $libc (instantiate $libc))
    (core func $call (canon lower (func $host-call)))
    (core func $throw (canon lower (func $inner "throw")))
    (core func $fine (canon lower (func $inner "fine")))
    (core func $make (canon lower (func $inner "make")))
    (core func $drop (canon resource.drop $r))
    (core func $text
      (canon lower (func $inner "text") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))

    (core module $m
      (import "libc" "how" (global $how (mut i32)))
      (import "f" "call" (func $call (param i32) (result i32)))
      (import "f" "throw" (func $throw-inside (param i32) (result i32)))
      (import "f" "fine" (func $fine (param i32) (result i32)))
      (import "f" "make" (func $make (result i32)))
      (import "f" "drop" (func $drop (param i32)))
      (import "f" "text" (func $text (param i32)))
      (type $unary (func (param i32) (result i32)))
      (tag $t (param i64 i32))
      (table funcref (elem $throw-inside $call $fine))
      (table $kept 256 exnref)
      (func $thrower (param i32) (throw $t (i64.const 7) (local.get 0)))

      ;; Which boundary: whatever crosses one is not caught behind it.
      (func (export "run") (param $where i32) (result i32)
        (block $caught
          (try_table (catch_all $caught)
            (if (i32.eq (local.get $where) (i32.const 1)) (then (return (call $throw-inside (i32.const 1)))))
            (if (i32.eq (local.get $where) (i32.const 2))
              (then (return (call_indirect (type $unary) (i32.const 1) (i32.const 1)))))
            (if (i32.eq (local.get $where) (i32.const 3)) (then (call $drop (call $make))))
            (if (i32.eq (local.get $where) (i32.const 4)) (then (call $text (i32.const 32))))
            (if (i32.eq (local.get $where) (i32.const 5)) (then (global.set $how (i32.const 1)) (call $text (i32.const 32))))
            (if (i32.eq (local.get $where) (i32.const 6)) 
              (then (global.set $how (i32.const 1)) (return (call $call (i32.const 6)))))
            (if (i32.eq (local.get $where) (i32.const 7)) (then (call $thrower (i32.const 1))))
            (if (i32.eq (local.get $where) (i32.const 8)) (then (return (call $fine (i32.const 88)))))
            (if (i32.eq (local.get $where) (i32.const 9)) (then (throw_ref (ref.null exn)))))
          (if (i32.eqz (local.get $where)) (then (call $thrower (i32.const 1))))
          (return (i32.const -1)))
        (i32.const 99))

      ;; Exceptions by reference, the last of which are kept.
      (func (export "churn") (param $n i32) (result i32)
        (local $i i32) (local $e exnref)
        (loop $next
          (block $h (result i64 i32 exnref)
            (try_table (catch_ref $t $h) (call $thrower (local.get $i)))
            unreachable)
          (local.set $e)
          (local.set $i (i32.add (i32.const 1)))
          (drop)
          (table.set $kept (i32.and (local.get $i) (i32.const 255)) (local.get $e))
          (br_if $next (i32.lt_u (local.get $i) (local.get $n))))
        (local.get $i)))
    (core instance $m (instantiate $m
      (with "libc" (instance $libc))
      (with "f" (instance
        (export "call" (func $call)) (export "throw" (func $throw)) (export "fine" (func $fine)) (export "make" (func $make))
        (export "drop" (func $drop)) (export "text" (func $text))))))
    (func (export "run") (param "where" u32) (result u32) (canon lift (core func $m "run")))
    (func (export "churn") (param "n" u32) (result u32) (canon lift (core func $m "churn")))
    (core module $taker (func (export "take") (param i32 i32) (result i32) (local.get 1)))
    (core instance $take (instantiate $taker))
    ;; Its parameter makes the host call realloc.
    (func (export "take") (param "text" string) (result u32)
      (canon lift (core func $take "take") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc")))))
  (instance $outer (instantiate $outer (with "call" (func $host "call")) (with "inner" (instance $inner))))
  (export "run" (func $outer "run"))
  (export "churn" (func $outer "churn"))
  (export "take" (func $outer "take")))
