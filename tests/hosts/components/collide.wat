;; Names that are macros of C's headers or of compilers, types of the header or members of its classes: as fields, cases, parameters, functions and
;; resources.
(component
  (import "test:collide/host" (instance $host
    (type $all-def (record (field "NULL" u8) (field "EOF" u16) (field "linux" u32) (field "errno" u64) (field "uint8-t" u8)
      (field "size-t" (list u8)) (field "collide-string-t" string) (field "I" char)))
    (export "string-t" (type $all (eq $all-def)))
    (type $case-def (variant (case "NULL" u8) (case "unix") (case "bool-t" string) (case "INT8-MAX" (tuple s8 s8))))
    (export "NULL" (type $case (eq $case-def)))
    (export "windlass-call-t" (func (param "windlass-call-t" u8) (param "uint8-t" u8) (param "NULL" $all) (param "size-t" (list u8))))
    (export "i386" (func (param "linux" $case) (param "errno" u8) (result $case)))
    (export "windlass-status-t" (func (param "imports" u8)))))
  (core module $libc
    (memory (export "memory") 1)
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024)))
  (core instance $libc (instantiate $libc))
  (core func $a (canon lower (func $host "windlass-call-t") (memory (core memory $libc "memory"))))
  (core func $b (canon lower (func $host "i386") (memory (core memory $libc "memory")) (realloc (core func $libc "realloc"))))
  (core func $c (canon lower (func $host "windlass-status-t")))
  (core module $main
    (import "" "a" (func (param i32 i32 i32 i32 i32 i64 i32 i32 i32 i32 i32 i32 i32 i32)))
    (import "" "b" (func (param i32 i32 i32 i32 i32)))
    (import "" "c" (func $c (param i32)))
    (func (export "c") (param i32) (call $c (local.get 0)))
    (func (export "m") (param i32 i32)))
  (core instance $main (instantiate $main (with "" (instance
    (export "a" (func $a)) (export "b" (func $b)) (export "c" (func $c))))))
  (func (export "NULL") (param "windlass-status-t" u8) (canon lift (core func $main "c")))
  (type $get (resource (rep i32)))
  (export $get' "get" (type $get))
  (func (export "[method]get.release") (param "self" (borrow $get')) (param "get" u8) (canon lift (core func $main "m"))))
