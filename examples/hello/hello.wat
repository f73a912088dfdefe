;; A command in WebAssembly text: greets, then prints the prime numbers below 50.
(component
  (import "wasi:io/error@0.2.0" (instance $io-error
    (export "error" (type (sub resource)))))
  (alias export $io-error "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $error'))
    (export "error" (type $error (eq $error')))
    (export "output-stream" (type $output-stream (sub resource)))
    (type $stream-error (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error' (eq $stream-error)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output-stream)) (param "contents" (list u8))
        (result (result (error $stream-error')))))))
  (alias export $streams "output-stream" (type $output-stream))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output-stream (type $output-stream'))
    (export "output-stream" (type $output-stream (eq $output-stream')))
    (export "get-stdout" (func (result (own $output-stream))))))

  (core module $libc
    (memory (export "memory") 1))
  (core instance $libc (instantiate $libc))

  (core func $get-stdout (canon lower (func $stdout "get-stdout")))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush") (memory (core memory $libc "memory"))))
  (core func $drop (canon resource.drop $output-stream))

  (core module $main
    (import "libc" "memory" (memory 1))
    (import "wasi" "get-stdout" (func $get-stdout (result i32)))
    (import "wasi" "write" (func $write (param i32 i32 i32 i32)))
    (import "wasi" "drop" (func $drop (param i32)))
    (data (i32.const 16) "Hello from a component! Primes below 50:")
    (global $end (mut i32) (i32.const 56))

    (func $is-prime (param $n i32) (result i32)
      (local $d i32)
      (local.set $d (i32.const 2))
      (block $prime
        (loop $next
          (br_if $prime (i32.gt_u (i32.mul (local.get $d) (local.get $d)) (local.get $n)))
          (if (i32.eqz (i32.rem_u (local.get $n) (local.get $d)))
            (then (return (i32.const 0))))
          (local.set $d (i32.add (local.get $d) (i32.const 1)))
          (br $next)))
      (i32.const 1))

    (func $put (param $byte i32)
      (i32.store8 (global.get $end) (local.get $byte))
      (global.set $end (i32.add (global.get $end) (i32.const 1))))

    (func $put-number (param $n i32)
      (call $put (i32.const 32))
      (if (i32.ge_u (local.get $n) (i32.const 10))
        (then (call $put (i32.add (i32.const 48) (i32.div_u (local.get $n) (i32.const 10))))))
      (call $put (i32.add (i32.const 48) (i32.rem_u (local.get $n) (i32.const 10)))))

    (func (export "run") (result i32)
      (local $n i32) (local $out i32)
      (local.set $n (i32.const 2))
      (loop $each
        (if (call $is-prime (local.get $n))
          (then (call $put-number (local.get $n))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $each (i32.lt_u (local.get $n) (i32.const 50))))
      (call $put (i32.const 10))
      (local.set $out (call $get-stdout))
      (call $write (local.get $out) (i32.const 16) (i32.sub (global.get $end) (i32.const 16)) (i32.const 0))
      (call $drop (local.get $out))
      ;; The result is an error exactly if writing failed.
      (i32.load8_u (i32.const 0))))

  (core instance $main (instantiate $main
    (with "libc" (instance $libc))
    (with "wasi" (instance
      (export "get-stdout" (func $get-stdout))
      (export "write" (func $write))
      (export "drop" (func $drop))))))

  (func $run (result (result)) (canon lift (core func $main "run")))
  (instance $run-interface (export "run" (func $run)))
  (export "wasi:cli/run@0.2.0" (instance $run-interface)))
