;; One component instantiated many times, with arguments from everywhere: instances have their own state, and share what they are given.

(component
  (component $Counter
    (import "step" (func $step (result u32)))
    (core module $M
      (import "" "step" (func $step (result i32)))
      (global $n (mut i32) (i32.const 0))
      (func (export "next") (result i32)
        (global.set $n (i32.add (global.get $n) (call $step)))
        (global.get $n)))
    (core func $step' (canon lower (func $step)))
    (core instance $m (instantiate $M (with "" (instance (export "step" (func $step'))))))
    (func $next (result u32) (canon lift (core func $m "next")))
    (export "next" (func $next)))

  (component $Steps
    (core module $M
      (func (export "one") (result i32) (i32.const 1))
      (func (export "ten") (result i32) (i32.const 10)))
    (core instance $m (instantiate $M))
    (func $one (result u32) (canon lift (core func $m "one")))
    (func $ten (result u32) (canon lift (core func $m "ten")))
    (instance $inner (export "ten" (func $ten)))
    (export "one" (func $one))
    (export "inner" (instance $inner)))
  (instance $steps (instantiate $Steps))

  ;; An argument that is an export; one of an instance in an instance; one that another counter exports; one through a component that only passes on.
  (instance $a (instantiate $Counter (with "step" (func $steps "one"))))
  (alias export $steps "inner" (instance $inner))
  (alias export $inner "ten" (func $ten))
  (instance $b (instantiate $Counter (with "step" (func $ten))))
  (instance $c (instantiate $Counter (with "step" (func $a "next"))))
  (component $Pass
    (import "f" (func $f (result u32)))
    (export "g" (func $f)))
  (instance $pass (instantiate $Pass (with "f" (func $b "next"))))
  (instance $d (instantiate $Counter (with "step" (func $pass "g"))))

  (export "a" (func $a "next"))
  (export "b" (func $b "next"))
  (export "c" (func $c "next"))
  (export "d" (func $d "next"))
)
(assert_return (invoke "a") (u32.const 1))
(assert_return (invoke "a") (u32.const 2))
(assert_return (invoke "b") (u32.const 10))
(assert_return (invoke "c") (u32.const 3))
(assert_return (invoke "a") (u32.const 4))
(assert_return (invoke "c") (u32.const 8))
(assert_return (invoke "d") (u32.const 20))
(assert_return (invoke "b") (u32.const 30))
(assert_return (invoke "d") (u32.const 60))

;; Core modules as imports and exports of inner components; the same module instantiated by two of them.

(component
  (component $Owner
    (core module $Adder
      (import "env" "base" (global $base i32))
      (global $calls (mut i32) (i32.const 0))
      (func (export "add") (param i32) (result i32)
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.add (i32.mul (global.get $calls) (i32.const 1000)) (i32.add (global.get $base) (local.get 0)))))
    (export "adder" (core module $Adder)))
  (instance $owner (instantiate $Owner))
  (alias export $owner "adder" (core module $Adder))

  (component $User
    (import "code" (core module $Code
      (import "env" "base" (global i32))
      (export "add" (func (param i32) (result i32)))))
    (import "base" (func $base (result u32)))
    (core func $base' (canon lower (func $base)))
    (core module $Base
      (import "" "base" (func $base (result i32)))
      (global $value (export "base") (mut i32) (i32.const 0))
      (func $init (global.set $value (call $base)))
      (start $init))
    ;; An immutable global that is a copy of what was computed.
    (core module $Copy
      (import "" "base" (global $from (mut i32)))
      (global (export "base") i32 (i32.const 7)))
    (core instance $base (instantiate $Base (with "" (instance (export "base" (func $base'))))))
    (core instance $copy (instantiate $Copy (with "" (instance (export "base" (global $base "base"))))))
    (core instance $code (instantiate $Code (with "env" (instance $copy))))
    (core module $Sum
      (import "code" "add" (func $add (param i32) (result i32)))
      (import "base" "base" (global $base (mut i32)))
      (func (export "run") (param i32) (result i32)
        (i32.add (call $add (local.get 0)) (global.get $base))))
    (core instance $sum (instantiate $Sum (with "code" (instance $code)) (with "base" (instance $base))))
    (func (export "run") (param "n" u32) (result u32) (canon lift (core func $sum "run"))))

  (component $Numbers
    (core module $M
      (func (export "p") (result i32) (i32.const 100))
      (func (export "q") (result i32) (i32.const 200)))
    (core instance $m (instantiate $M))
    (func (export "p") (result u32) (canon lift (core func $m "p")))
    (func (export "q") (result u32) (canon lift (core func $m "q"))))
  (instance $numbers (instantiate $Numbers))
  (instance $x (instantiate $User (with "code" (core module $Adder)) (with "base" (func $numbers "p"))))
  (instance $y (instantiate $User (with "code" (core module $Adder)) (with "base" (func $numbers "q"))))
  (export "x" (func $x "run"))
  (export "y" (func $y "run"))
  (export "code" (core module $Adder))
  (export "user" (component $User))
)
(assert_return (invoke "x" (u32.const 1)) (u32.const 1108))
(assert_return (invoke "x" (u32.const 1)) (u32.const 2108))
(assert_return (invoke "y" (u32.const 1)) (u32.const 1208))

;; Link-time virtualization: a component that is given another component and what that one imports, and puts itself in between.

(component
  (component $Program
    (import "env" (instance $env
      (export "get" (func (param "name" string) (result string)))))
    (core module $Libc
      (memory (export "memory") 1)
      (global $top (mut i32) (i32.const 1024))
      (func (export "realloc") (param i32 i32 i32 i32) (result i32)
        (local $p i32)
        (local.set $p (i32.and (i32.add (global.get $top) (i32.sub (local.get 2) (i32.const 1))) (i32.sub (i32.const 0) (local.get 2))))
        (global.set $top (i32.add (local.get $p) (local.get 3)))
        (local.get $p)))
    (core instance $libc (instantiate $Libc))
    (alias core export $libc "memory" (core memory $memory))
    (alias core export $libc "realloc" (core func $realloc))
    (core func $get (canon lower (func $env "get") (memory $memory) (realloc $realloc) string-encoding=utf16))
    (core module $M
      (import "env" "get" (func $get (param i32 i32 i32)))
      (import "libc" "memory" (memory 1))
      (func (export "run") (param i32 i32) (result i32)
        (call $get (local.get 0) (local.get 1) (i32.const 16))
        (i32.const 16)))
    (core instance $m (instantiate $M (with "libc" (instance $libc)) (with "env" (instance (export "get" (func $get))))))
    (func (export "run") (param "name" string) (result string)
      (canon lift (core func $m "run") (memory $memory) (realloc $realloc) string-encoding=utf16)))

  (component $Env
    (core module $M
      (memory (export "memory") 1)
      (data (i32.const 100) "\76\c3\a9\f0\9f\98\80")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 200))
      (func (export "get") (param i32 i32) (result i32)
        (i32.store (i32.const 0) (i32.const 100))
        (i32.store (i32.const 4) (i32.const 7))
        (i32.const 0)))
    (core instance $m (instantiate $M))
    (func (export "get") (param "name" string) (result string)
      (canon lift (core func $m "get") (memory (core memory $m "memory")) (realloc (core func $m "realloc")))))

  (component $Virtual
    (import "real" (instance $real (export "get" (func (param "name" string) (result string)))))
    (core module $M
      (import "" "get" (func $get (param i32 i32 i32)))
      (memory (export "memory") 1)
      (data (i32.const 100) "secret \e9\ff")
      (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 200))
      (func (export "get") (param i32 i32) (result i32)
        (if (result i32) (i32.eq (local.get 1) (i32.const 1))
          (then (call $get (local.get 0) (local.get 1) (i32.const 0)) (i32.const 0))
          (else
            (i32.store (i32.const 0) (i32.const 100))
            (i32.store (i32.const 4) (i32.const 9))
            (i32.const 0)))))
    ;; `get` needs the memory of the module that it is an import of: a shim with a table is put in between.
    (core module $Shim
      (type $t (func (param i32 i32 i32)))
      (table (export "$imports") 1 1 funcref)
      (func (export "0") (param i32 i32 i32)
        (call_indirect (type $t) (local.get 0) (local.get 1) (local.get 2) (i32.const 0))))
    (core module $Fixup
      (import "" "0" (func (param i32 i32 i32)))
      (import "" "$imports" (table 1 1 funcref))
      (elem (i32.const 0) func 0))
    (core instance $shim (instantiate $Shim))
    (core instance $m (instantiate $M (with "" (instance (export "get" (func $shim "0"))))))
    (core func $get (canon lower (func $real "get") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))
      string-encoding=latin1+utf16))
    (core instance (instantiate $Fixup (with "" (instance
      (export "0" (func $get)) (export "$imports" (table $shim "$imports"))))))
    (func (export "get") (param "name" string) (result string)
      (canon lift (core func $m "get") (memory (core memory $m "memory")) (realloc (core func $m "realloc"))
        string-encoding=latin1+utf16)))

  (component $Sandbox
    (import "program" (component $P
      (import "env" (instance (export "get" (func (param "name" string) (result string)))))
      (export "run" (func (param "name" string) (result string)))))
    (import "env" (instance $env (export "get" (func (param "name" string) (result string)))))
    (import "filter" (component $F
      (import "real" (instance (export "get" (func (param "name" string) (result string)))))
      (export "get" (func (param "name" string) (result string)))))
    (instance $filtered (instantiate $F (with "real" (instance $env))))
    (instance $program (instantiate $P (with "env" (instance $filtered))))
    (export "run" (func $program "run")))

  (instance $env (instantiate $Env))
  (instance $sandbox (instantiate $Sandbox
    (with "program" (component $Program)) (with "env" (instance $env)) (with "filter" (component $Virtual))))
  (export "run" (func $sandbox "run"))
)
(assert_return (invoke "run" (str.const "password")) (str.const "secret éÿ"))
(assert_return (invoke "run" (str.const "x")) (str.const "vé😀"))

;; Shared-everything linking: modules that share one memory and one table, each with its part, and call each other through the table.

(component
  (core module $Libc
    (memory (export "memory") 1)
    (table (export "table") 4 funcref)
    (global (export "stack") (mut i32) (i32.const 65536))
    (tag (export "oops") (param i32))
    (func (export "alloca") (param i32) (result i32) (i32.const 512)))
  (core module $Lib
    (type $f (func (param i32) (result i32)))
    (import "libc" "memory" (memory 1))
    (import "libc" "table" (table 4 funcref))
    (import "libc" "stack" (global $stack (mut i32)))
    (import "libc" "oops" (tag (param i32)))
    (elem (i32.const 2) func $double)
    (data (i32.const 64) "\05\00\00\00")
    (func $double (param i32) (result i32)
      (global.set $stack (i32.sub (global.get $stack) (i32.const 16)))
      (i32.mul (local.get 0) (i32.const 2)))
    (func (export "via") (param i32 i32) (result i32)
      (call_indirect (type $f) (local.get 1) (local.get 0)))
    (func (export "grow") (result i32) (memory.grow (i32.const 1))))
  (core module $Main
    (type $f (func (param i32) (result i32)))
    (import "libc" "memory" (memory 1))
    (import "libc" "table" (table 4 funcref))
    (import "libc" "stack" (global $stack (mut i32)))
    (import "lib" "via" (func $via (param i32 i32) (result i32)))
    (import "lib" "grow" (func $grow (result i32)))
    (elem (i32.const 1) func $triple)
    (func $triple (param i32) (result i32)
      (i32.mul (local.get 0) (i32.const 3)))
    (func (export "run") (result i32)
      ;; 3 × 5 by the other module's pointer to our function, then 2 × 15 by our pointer to its.
      (call $via (i32.const 1) (i32.load (i32.const 64)))
      (call_indirect (type $f) (i32.const 2))
      (i32.add (i32.mul (global.get $stack) (i32.const 100))))
    (func (export "pages") (result i32)
      (i32.add (i32.mul (call $grow) (i32.const 10)) (memory.size)))
    (func (export "empty") (result i32)
      (call_indirect (type $f) (i32.const 0) (i32.const 3))))
  (core instance $libc (instantiate $Libc))
  (core instance $lib (instantiate $Lib (with "libc" (instance $libc))))
  ;; A core instance made of exports of others, under other names.
  (core instance $mixed
    (export "memory" (memory $libc "memory"))
    (export "table" (table $libc "table"))
    (export "stack" (global $libc "stack"))
    (export "oops" (tag $libc "oops")))
  (core instance $main (instantiate $Main (with "libc" (instance $mixed)) (with "lib" (instance $lib))))
  (func (export "run") (result u32) (canon lift (core func $main "run")))
  (func (export "pages") (result u32) (canon lift (core func $main "pages")))
  (func (export "empty") (result u32) (canon lift (core func $main "empty")))
)
(assert_return (invoke "run") (u32.const 6552030))
(assert_return (invoke "run") (u32.const 6550430))
(assert_return (invoke "pages") (u32.const 12))
(assert_trap (invoke "empty") "uninitialized element")
