;; Calls the host and gives its answer back.
(component
  (import "test:trap/host@0.1.0" (instance $host (export "call-me" (func (result u32)))))
  (core func $call-me (canon lower (func $host "call-me")))
  (core module $main
    (import "host" "call-me" (func $call-me (result i32)))
    (func $call-host (export "call-host") (result i32) (call $call-me))
    (func (export "do-ok") (result i32) (i32.const 42)))
  (core instance $main (instantiate $main (with "host" (instance (export "call-me" (func $call-me))))))
  (func $call-host (result u32) (canon lift (core func $main "call-host")))
  (func $do-ok (result u32) (canon lift (core func $main "do-ok")))
  (instance $caller (export "call-host" (func $call-host)) (export "do-ok" (func $do-ok)))
  (export "test:trap/caller@0.1.0" (instance $caller)))
