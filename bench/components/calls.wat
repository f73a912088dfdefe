;; Calls a host function `(u32, u32) -> u32` in a loop, and calls a core function alike for comparison.
(component
  (import "add" (func $add (param "a" u32) (param "b" u32) (result u32)))
  (core func $add' (canon lower (func $add)))
  (core module $m
    (import "host" "add" (func $add (param i32 i32) (result i32)))
    (func (export "loop") (param $n i32) (result i32)
      (local $sum i32)
      (loop $again
        (local.set $sum (call $add (local.get $sum) (local.get $n)))
        (br_if $again (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (local.get $sum))
    (func (export "one") (param $a i32) (param $b i32) (result i32)
      (i32.add (local.get $a) (local.get $b))))
  (core instance $i (instantiate $m (with "host" (instance (export "add" (func $add'))))))
  (func (export "loop") (param "n" u32) (result u32) (canon lift (core func $i "loop")))
  (func (export "one") (param "a" u32) (param "b" u32) (result u32) (canon lift (core func $i "one"))))
