;; One function that traps, one that does not.
(component
  (core module $main
    (func $deep (param i32) (if (i32.eqz (local.get 0)) (then unreachable)) (call $deep (i32.sub (local.get 0) (i32.const 1))))
    (func $do-trap (export "do-trap") (call $deep (i32.const 2)))
    (func (export "do-ok") (result i32) (i32.const 42)))
  (core instance $main (instantiate $main))
  (func $do-trap (canon lift (core func $main "do-trap")))
  (func $do-ok (result u32) (canon lift (core func $main "do-ok")))
  (instance $sync (export "do-trap" (func $do-trap)) (export "do-ok" (func $do-ok)))
  (export "test:trap/sync@0.1.0" (instance $sync)))
